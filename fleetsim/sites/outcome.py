"""The answer to a siting request as tables: sites, coverage before and after, blank spots, equity, curve, plans."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from charging.coverage import coverage_shares, equity
from charging.siting.answer import Answer
from charging.tables import Station
from fleetsim.sites.choose import Choice, covered_worth
from fleetsim.sites.ground import Floats, Ground
from fleetsim.sites.size import finite, plugs_for, wait_of
from fleetsim.sites.tables import BlankSpot, CurvePoint, FurtherPlan, Sizing

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
    for year in years:
        before = ground.standing(year)
        opened = station_rows(ground, sites.filter(pl.col("year") <= year))
        kept = before.filter(~pl.col("station_id").is_in(list(choice.closed)))
        after = Station.validate(pl.concat([kept, opened]).sort("station_id"))
        found.append(Stand("before", year, before, ground.before_km(year)))
        found.append(Stand("after", year, after, ground.nearest_km(after)))
    return found


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
    opened = sites.filter(pl.col("action") == "open").with_columns(
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
        )
        parts.append(table.select(*REACHED, "population", "jobs", "visits"))
    return pl.concat(parts)


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
    return {
        "coverage": coverage_shares(table, counted),
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


def sizing(ground: Ground) -> Any:
    """Return table `Sizing`: stations of a result by simulation and by queue theory; empty without a result."""
    load = ground.demand.load
    if load.is_empty():
        return Sizing.create_empty()
    arrivals = pl.col("served") + pl.col("unserved")
    order = load.with_columns(arrivals=arrivals).sort(
        "year", "station_id", "arrivals", "day", "hour", descending=[False, False, True, False, False]
    )
    busiest = order.group_by("year", "station_id", maintain_order=True).first().filter(pl.col("arrivals") > 0)
    named = busiest.join(ground.stations.select("station_id", "name"), on="station_id")
    known = named.join(ground.demand.plugs, on=["year", "station_id"]).sort("year", "station_id")
    rows = [_sized(row, ground) for row in known.iter_rows(named=True)]
    schema = Sizing.create_empty().schema
    return Sizing.validate(pl.DataFrame(rows, schema=schema).sort("year", "station_id"))


def _sized(row: dict[str, Any], ground: Ground) -> dict[str, Any]:
    section, kind, peak = ground.section, ground.kind, float(row["arrivals"])
    return {
        **{name: row[name] for name in ("station_id", "name", "year", "day", "plugs")},
        "peak_arrivals_per_h": peak,
        "simulated_wait_min": row["mean_wait_min"],
        "simulated_p95_wait_min": row["p95_wait_min"],
        "simulated_unserved": row["unserved"],
        "expected_wait_min": finite(wait_of(peak, row["plugs"], section, kind).mean_min),
        "plugs_needed": plugs_for(peak, section, kind, most=10**6),
    }


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
