"""The answer to a siting request as tables: sites, coverage before and after, blank spots, equity, curve, plans."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from charging.coverage import coverage_shares, equity, reach_shares, standards_kept
from charging.siting.answer import Answer
from charging.tables import Station
from fleetsim.sites.choice import Choice
from fleetsim.sites.choose import covered_worth
from fleetsim.sites.ground import Floats, Ground
from fleetsim.sites.growth import plugs_in, station_years
from fleetsim.sites.size import finite
from fleetsim.sites.tables import BlankSpot, CurvePoint, FurtherPlan, LinkCoverage

REACHED = ("stage", "year", "kind", "district", "zone", "distance_km", "standard_km", "covered")


@dataclass(frozen=True)
class Stand:
    """The stations of a stage and year, and how far each zone has to them [km; infinite: none in reach]."""

    stage: str
    year: int
    stations: pl.DataFrame
    distance_km: Floats


def stands(ground: Ground, choice: Choice, sites: pl.DataFrame, years: tuple[int, ...]) -> list[Stand]:
    """Return what stands before and after, by year."""
    found = []
    sizes = station_years(ground, choice, years)
    for year in years:
        before = ground.standing(year)
        planned = sites.filter(pl.col("year") <= year)
        opened = with_plugs(station_rows(ground, planned), plugs_in(sizes, year))
        kept = changed(ground, before.filter(~pl.col("station_id").is_in(list(choice.closed))), planned)
        after = Station.validate(pl.concat([kept, opened]).sort("station_id"))
        found.append(Stand("before", year, before, ground.before_km(year)))
        found.append(Stand("after", year, after, ground.nearest_km(after)))
    return found


def all_stations(ground: Ground, choice: Choice, sites: pl.DataFrame) -> Any:
    """Return table `Station` of the city with the plan: all kinds, new ones in their year, enlarged and closed ones."""
    kept = changed(ground, ground.stations.filter(~pl.col("station_id").is_in(list(choice.closed))), sites)
    others = ground.city.stations.filter(
        ~pl.col("station_id").is_in(ground.stations["station_id"].implode()),
        pl.col("kind").cast(pl.String) != ground.kind,
    )
    return Station.validate(pl.concat([others, kept, station_rows(ground, sites)]).sort("station_id"))


def changed(ground: Ground, stations: pl.DataFrame, sites: pl.DataFrame) -> pl.DataFrame:
    """Return stations with the plugs of those that are enlarged."""
    larger = sites.filter(pl.col("action").cast(pl.String) == "enlarge").select("station_id", after="plugs")
    return with_plugs(stations, larger)


def with_plugs(stations: pl.DataFrame, sizes: pl.DataFrame) -> pl.DataFrame:
    """Return stations with other plugs and what goes with them; `sizes` are station_id and after."""
    table = stations.join(sizes, on="station_id", how="left", maintain_order="left")
    grown = pl.coalesce("after", "plugs")
    share = grown / pl.col("plugs")
    return table.with_columns(
        plugs=grown,
        packs=(pl.col("packs") * share).round().cast(pl.Int64),
        storage_kg=pl.col("storage_kg") * share,
        supply_kg_h=pl.col("supply_kg_h") * share,
    ).select(stations.columns)


def station_rows(ground: Ground, sites: pl.DataFrame) -> pl.DataFrame:
    """Return the opened sites as rows of table `Station`, ready for a city folder."""
    section, plugs = ground.section, pl.col("plugs")
    empty = pl.lit(None)
    extra = {
        "packs": section.packs_per_bay * plugs if ground.kind == "swap" else empty,
        "storage_kg": section.storage_kg_per_dispenser * plugs if ground.kind == "hydrogen" else empty,
        "supply_kg_h": section.supply_kg_h_per_dispenser * plugs if ground.kind == "hydrogen" else empty,
    }
    schema = Station.create_empty().schema
    opened = sites.filter(pl.col("action").cast(pl.String) == "open").with_columns(
        opened_year="year", site_limit_kw=empty, fleet_group=empty, **extra
    )
    return opened.select(list(schema)).cast(schema)


def reached(ground: Ground, standing: Iterable[Stand]) -> pl.DataFrame:
    """Return a row a stage, year and zone: way, standard, whether covered, residents, jobs and visits there."""
    parts = []
    for each in standing:
        km = pl.Series(each.distance_km)
        zones = ground.city.zones.select("zone", "district", "population", "jobs")
        table = zones.with_columns(
            stage=pl.lit(each.stage),
            year=pl.lit(each.year, dtype=pl.Int64),
            kind=pl.lit(ground.kind),
            distance_km=pl.when(km.is_finite()).then(km),
            standard_km=pl.Series(ground.standard_km),
            covered=km <= pl.Series(ground.standard_km),
            visits=pl.Series(ground.visits(each.year)),
            minutes=_finite(ground.ways.minutes(each.stations)),
        )
        parts.append(table.select(*REACHED, "minutes", "population", "jobs", "visits"))
    return pl.concat(parts)


def _finite(values: Floats) -> pl.Expr:
    series = pl.Series(values)
    return pl.when(series.is_finite()).then(series)


def on_links(ground: Ground, standing: Iterable[Stand]) -> pl.DataFrame:
    """Return a row a stage, year and link with traffic: as `reached`, with vehicle_km and through_km a day."""
    links, parts = ground.ways.links, []
    standard = pl.Series(ground.standard_km).gather(links["row"])
    busy = (links["vehicles"] > 0) | (links["through"] > 0)
    for each in standing:
        km = ground.ways.link_km(each.stations)
        table = links.with_columns(
            stage=pl.lit(each.stage),
            year=pl.lit(each.year, dtype=pl.Int64),
            kind=pl.lit(ground.kind),
            zone=pl.col("link").cast(pl.String),
            distance_km=_finite(km),
            standard_km=standard,
            covered=pl.Series(km) <= standard,
            vehicle_km=pl.col("vehicles") * pl.col("length_km"),
            through_km=pl.col("through") * pl.col("length_km"),
        )
        parts.append(table.filter(busy))
    return pl.concat(parts)


def link_table(ground: Ground, links: pl.DataFrame) -> Any:
    """Return table `LinkCoverage` of the last year, most traffic first."""
    last = links.filter(pl.col("year") == links["year"].max())
    after = last.filter(pl.col("stage") == "after").select("link", after_km="distance_km")
    table = (
        last.filter(pl.col("stage") == "before")
        .join(after, on="link")
        .rename({"distance_km": "before_km", "vehicles": "vehicles_per_day", "through": "through_per_day"})
    )
    schema = LinkCoverage.create_empty().schema
    order = table.sort("through_per_day", "vehicles_per_day", "link", descending=[True, True, False])
    return LinkCoverage.validate(order.select(list(schema)).cast(schema))


def coverage_tables(ground: Ground, standing: list[Stand]) -> dict[str, pl.DataFrame]:
    """Return the tables coverage, equity and zones of the stages and years."""
    table = reached(ground, standing)
    counted = ["population", "jobs"] + (["visits"] if ground.demand.unit == "visits" else [])
    plugs = [
        each.stations.group_by("district", maintain_order=True)
        .agg(pl.col("plugs").sum())
        .select(
            stage=pl.lit(each.stage),
            year=pl.lit(each.year, pl.Int64),
            kind=pl.lit(ground.kind),
            district="district",
            plugs="plugs",
        )
        for each in standing
    ]
    links = on_links(ground, standing)
    traffic = ["vehicle_km", "through_km"]
    limits = {"km": ground.rules.within_km, "min": ground.rules.within_min}
    shares = [coverage_shares(table, counted), coverage_shares(links, traffic)]
    within = [reach_shares(table, counted, limits), reach_shares(links, traffic, {"km": ground.rules.within_km})]
    keys = ["stage", "year", "kind", "district", "counted"]
    return {
        "coverage": pl.concat(shares).sort(keys),
        "reach": pl.concat(within).sort(*keys, "unit", "within"),
        "standards": standards_kept(table, ground.city.zones),
        "links": link_table(ground, links),
        "equity": equity(table, pl.concat(plugs)),
        "zones": table.drop("kind").sort("year", "stage", "zone", descending=[False, True, False]),
    }


def blank_spots(ground: Ground, after: Stand) -> Any:
    """Return table `BlankSpot` of the last year: where residents stay beyond the standard, and why."""
    km, zones = after.distance_km, ground.city.zones
    blank = np.flatnonzero((km > ground.standard_km) & (zones["population"].to_numpy() > 0))
    reachable = np.diff(ground.cover.indptr)[blank] > 0
    barred = np.isin(blank, _near_forbidden(ground))
    reason = np.where(reachable, "not_chosen", np.where(barred, "forbidden", "no_site"))
    table = zones[blank.tolist()].select("zone", "district", "lon", "lat", "population", "jobs")
    table = table.with_columns(
        distance_km=pl.Series([finite(value) for value in km[blank].tolist()], dtype=pl.Float64),
        standard_km=pl.Series(ground.standard_km[blank]),
        reason=pl.Series(reason.astype(np.str_).tolist(), dtype=pl.String),
    ).sort("population", "zone", descending=[True, False])
    schema = BlankSpot.create_empty().schema
    return BlankSpot.validate(table.with_row_index("rank", offset=1).select(list(schema)).cast(schema))


def _near_forbidden(ground: Ground) -> Any:
    if ground.forbidden.is_empty():
        return np.empty(0, dtype=np.int64)
    return ground.ways.pairs(ground.forbidden, ground.standard_km)["row"].unique().to_numpy()


def curve_table(answers: list[Answer], choice: Choice) -> Any:
    """Return table `CurvePoint`, a row a number of new stations."""
    rows = [
        {
            "stations": len(answer.sites),
            "gained": answer.objective,
            "gained_bound": answer.bound,
            "gap": answer.gap,
            "status": answer.status,
            "covered_share": min((choice.already + answer.objective) / choice.total, 1.0) if choice.total else 0.0,
        }
        for answer in answers
    ]
    table = pl.DataFrame(rows, schema=CurvePoint.create_empty().schema)
    return CurvePoint.validate(table.unique("stations", keep="first", maintain_order=True).sort("stations"))


def plans_table(ground: Ground, answers: list[Answer], year: int) -> Any:
    """Return table `FurtherPlan`, a row a plan and station."""
    best = answers[0].objective if answers else 0.0
    parts = [
        ground.offered[answer.sites.tolist()].select(
            plan=pl.lit(number, pl.Int64),
            station_id=pl.format("{}-{}", pl.lit(ground.kind), "candidate"),
            name="name",
            name_zh="name_zh",
            district="district",
            lon="lon",
            lat="lat",
            gained=pl.lit(covered_worth(ground, answer.sites, year)),
            loss_share=pl.lit(max(1.0 - answer.objective / best, 0.0) if best else 0.0),
        )
        for number, answer in enumerate(answers, 1)
    ]
    if not parts:
        return FurtherPlan.create_empty()
    table = pl.concat(parts).with_columns(in_plans=pl.len().over("station_id").cast(pl.Int64))
    return FurtherPlan.validate(table.sort("plan", "station_id"))
