"""Whom each new station serves, its size and its cost: table `ChosenSite`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl

from fleetsim.scenario.sections import at_year
from fleetsim.site_names import english_names, shown_names
from fleetsim.sites.choice import Choice, Columns
from fleetsim.sites.ground import Floats, Ground
from fleetsim.sites.growth import station_years
from fleetsim.sites.measured import Service
from fleetsim.sites.size import finite, limit_of, plugs_for, site_cost, wait_of, works_cost
from fleetsim.sites.tables import ChosenSite
from fleetsim.sites.whom import visits_by_site, whom
from fleetsim.texts import Language, texts

DISTRICTS_NAMED = 3
NO_LIMIT = 10**6
"""More plugs than any station has."""
GAIN_WORDS = {"through": "gains_through", "served": "gains_served", "gradually": "gains_gradually"}
"""Texts that say what a station gains, by what its model counts."""


def chosen_sites(ground: Ground, choice: Choice, years: tuple[int, ...], lang: Language) -> dy.DataFrame[ChosenSite]:
    """Return the stations that a choice opens, largest gain first (table `ChosenSite`).

    Parameters
    ----------
    ground
        The city as siting sees it.
    choice
        What was chosen.
    years
        Years of the plan; figures are those of the last.
    lang
        Language of the reasons.

    Notes
    -----
    A zone belongs to its nearest station, old or new; a new one further away than twice the standard gets nobody. All
    visits of its zones come to it, and those that a nearer old station left over within the standard. The share that
    the demand says comes in the peak hour, and plugs keep the mean wait within the standard. A station that was
    simulated is sized for its busiest hour there, one that a model with capacities chose for its load in the model.
    """
    opened, year = choice.opened[-1], years[-1]
    sizes = station_years(ground, choice, years).filter(pl.col("year") == year)
    sized = {row["station_id"]: row for row in sizes.iter_rows(named=True)}
    told = _Told(ground, choice, whom(ground, opened, year), _gains(ground, opened, year), sized, year, lang)
    first = {
        int(site): each for sites, each in reversed(list(zip(choice.opened, years, strict=True))) for site in sites
    }
    rows = [
        _row(told, row, first[row["column"]])
        for row in ground.offered.with_row_index("column")[opened.tolist()].iter_rows(named=True)
    ]
    standing = ground.stations.filter(pl.col("station_id").is_in([*choice.enlarged, *choice.closed])).sort("station_id")
    names = shown_names(standing, english_names(ground.city), "en")
    rows += [_changed(told, row, name) for row, name in zip(standing.iter_rows(named=True), names, strict=True)]
    schema = ChosenSite.create_empty().schema
    table = pl.DataFrame(rows, schema={name: kind for name, kind in schema.items() if name != "rank"})
    table = table.sort("gained", "population_served", "station_id", descending=[True, True, False])
    return ChosenSite.validate(table.with_row_index("rank", offset=1).cast({"rank": pl.Int64}).select(list(schema)))


def with_simulated_waits(sites: pl.DataFrame, sizing: pl.DataFrame, year: int) -> Any:
    """Return table `ChosenSite` with the waits of the busiest hours as simulated with the plan.

    Parameters
    ----------
    sites
        Table `ChosenSite`.
    sizing
        Table `Sizing` of the days simulated with the plan.
    year
        Year of the waits.
    """
    own = sizing.filter(pl.col("year") == year, pl.col("is_planned"))
    arrivals = pl.col("peak_arrivals_per_h").ceil().cast(pl.Int64).alias("simulated_arrivals")
    waits = own.select("station_id", "simulated_wait_min", "simulated_unserved", arrivals)
    table = sites.drop("simulated_wait_min", "simulated_unserved", "simulated_arrivals")
    # A station without a row had no visit.
    nobody = pl.when(pl.col("action").cast(pl.String) != "close").then(0)
    joined = table.join(waits, on="station_id", how="left", maintain_order="left").with_columns(
        pl.coalesce(name, nobody).alias(name) for name in ("simulated_unserved", "simulated_arrivals")
    )
    return ChosenSite.validate(joined.select(sites.columns))


@dataclass(frozen=True, eq=False)
class _Told:
    """What the rows are told from: ground and choice, who is served, what sites gain, how large they are in the last
    year, that year, the language.
    """

    ground: Ground
    choice: Choice
    served: pl.DataFrame
    gains: Mapping[int, tuple[float, float]]
    sized: Mapping[str, dict[str, Any]]
    year: int
    lang: Language

    @cached_property
    def visits(self) -> Floats:
        """Visits a day to each offered site of those that come to it [1/day]."""
        return visits_by_site(self.ground, self.served)


def serves(ground: Ground, opened: Columns, year: int) -> pl.DataFrame:
    """Return zone, station_id, distance_km and newly: the zones that have a new station nearest, or reach it anew."""
    table = whom(ground, opened, year).filter(pl.col("nearest") | pl.col("newly")).sort("row")
    return table.select(
        zone=ground.city.zones["zone"].gather(table["row"]),
        station_id=pl.format("{}-{}", pl.lit(ground.kind), ground.offered["candidate"].gather(table["column"])),
        distance_km="distance_km",
        newly="newly",
    )


def _gains(ground: Ground, opened: Columns, year: int) -> dict[int, tuple[float, float]]:
    """Return what each new site gains, and of that what no other one does; a zone counts at its nearest new site."""
    sums = np.zeros((2, ground.offered.height))
    for layer in ground.layers(year):
        near = layer.pairs.filter(pl.col("column").is_in(opened.tolist())).sort("row", "distance_km", "column")
        best = near.group_by("row", maintain_order=True).agg(pl.col("column").first(), reached_by=pl.len())
        worth, column = layer.worth[best["row"].to_numpy()], best["column"].to_numpy()
        alone = (best["reached_by"] == 1).to_numpy()
        sums[0] += np.bincount(column, weights=worth, minlength=sums.shape[1])
        sums[1] += np.bincount(column, weights=worth * alone, minlength=sums.shape[1])
    return {site: (float(sums[0, site]), float(sums[1, site])) for site in opened.tolist()}


def _row(told: _Told, row: dict[str, Any], opened: int) -> dict[str, Any]:
    ground, station_id = told.ground, f"{told.ground.kind}-{row['candidate']}"
    own = told.served.filter(pl.col("column") == row["column"])
    nearest = own.filter("nearest")
    gained, alone = told.choice.gains.get(station_id, told.gains[row["column"]])
    values = {
        "station_id": station_id,
        "action": "open",
        "name": row["name"],
        "name_zh": row["name_zh"] or row["name"],
        "kind": ground.kind,
        **{name: row[name] for name in ("district", "lon", "lat")},
        "year": opened,
        "power_kw": at_year(ground.section.power_kw[ground.kind], opened),
        "gained": gained,
        "gained_alone": alone,
        "population_gained": int(own.filter("newly")["population"].sum()),
        "population_served": int(nearest["population"].sum()),
        "jobs_served": int(nearest["jobs"].sum()),
        "mean_km_before": _mean_km(nearest, "before_km"),
        "mean_km_after": _mean_km(nearest, "distance_km"),
        "districts_served": _districts(ground, nearest, told.lang),
        "basis": "synthetic",
        **_size(told, station_id, row),
    }
    return values | {"reason": reason(told, values, _held(told, values, row))}


def _held(told: _Told, site: dict[str, Any], row: dict[str, Any], service: Service | None = None) -> list[str]:
    """Return what holds a station to fewer plugs than its arrivals ask for, and prices of its own, in words."""
    ground, words, parts = told.ground, texts(told.lang, "site"), []
    asked = plugs_for(ground, site["peak_arrivals_per_h"], NO_LIMIT, service)
    if asked > site["plugs"]:
        key = limit_of(row, site["plugs"], site["power_kw"])
        counts = {"plugs": site["plugs"], "asked": asked, "grid_kw": row["grid_kw"], "kind": ground.kind}
        parts.append(words["held"][key].format(**counts))
    if row.get("site_cny") is not None or row.get("plug_cny") is not None:
        site_cny = site_cost(row, 0, ground.section, ground.kind)
        plug_cny = site_cost(row, 1, ground.section, ground.kind) - site_cny
        parts.append(words["own_prices"].format(site=site_cny, plug=plug_cny))
    return parts


def _size(told: _Told, station_id: str, row: dict[str, Any]) -> dict[str, Any]:
    ground, choice = told.ground, told.choice
    section, kind = ground.section, ground.kind
    known = {**choice.peaks, **ground.measured_peak}
    peak, plugs = (told.sized[station_id][name] for name in ("peak_arrivals_per_h", "plugs"))
    visits = peak / ground.demand.peak_share if station_id in known else told.visits[row["column"]]
    waits = _waits(ground, peak, plugs) | {"visits_per_day": float(visits)}
    return {"plugs": plugs, "cost_cny": site_cost(row, plugs, section, kind), **waits}


def _waits(ground: Ground, peak: float, plugs: int, service: Service | None = None) -> dict[str, Any]:
    wait = wait_of(ground, peak, plugs, service)
    return {
        "visits_per_day": peak / ground.demand.peak_share,
        "peak_arrivals_per_h": peak,
        "expected_wait_min": finite(wait.mean_min),
        "p95_wait_min": finite(wait.p95_min),
    }


def _changed(told: _Told, row: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the row of a station that stands and is enlarged or closes, with its English name."""
    ground, station_id = told.ground, row["station_id"]
    plugs = told.choice.enlarged.get(station_id, 0)
    gained, alone = told.choice.gains.get(station_id, (0.0, 0.0))
    peak = ground.measured_peak.get(station_id, told.choice.peaks.get(station_id, 0.0))
    waits = {"visits_per_day": 0.0, "peak_arrivals_per_h": 0.0}
    if plugs:
        waits = _waits(ground, peak, plugs, ground.service_at(row["power_kw"]))
    values = {
        "station_id": station_id,
        "action": "enlarge" if plugs else "close",
        "name": name,
        "name_zh": row["name"],
        **{key: row[key] for key in ("kind", "district", "lon", "lat", "power_kw", "basis")},
        "year": told.year,
        "plugs": plugs,
        "plugs_before": row["plugs"],
        "cost_cny": works_cost(plugs - row["plugs"], ground.section, ground.kind) if plugs else None,
        "gained": gained,
        "gained_alone": alone,
        **dict.fromkeys(("population_gained", "population_served", "jobs_served"), 0),
        "districts_served": "",
        **waits,
    }
    return values | {"reason": _reason_to_change(told, values, row)}


def _mean_km(part: pl.DataFrame, column: str) -> float | None:
    people = part["population"].to_numpy().astype(np.float64)
    km: Floats = part[column].to_numpy()
    known = np.isfinite(km) & (people > 0)
    return float(np.average(km[known], weights=people[known])) if known.any() else None


def _districts(ground: Ground, part: pl.DataFrame, lang: Language) -> str:
    rows = ground.city.districts.select("district", "name_zh").iter_rows()
    names = {name: zh if lang == "zh" else name for name, zh in rows}
    sums = part.group_by("district", maintain_order=True).agg(pl.col("population").sum())
    order = sums.sort("population", "district", descending=[True, False])["district"]
    joint: str = texts(lang, "site")["between"]
    return joint.join(names[name] for name in order.head(DISTRICTS_NAMED))


def reason(told: _Told, site: dict[str, Any], held: list[str]) -> str:
    """Return in words why a station is opened, and whom it serves."""
    words, choice = texts(told.lang, "site"), told.choice
    parts = []
    if site["gained"] > 0:
        key = GAIN_WORDS.get(choice.measure, "gains")
        unit = words["units"][choice.unit or told.ground.demand.unit]
        parts.append(words[key].format(amount=site["gained"], unit=unit, alone=site["gained_alone"]))
    if site["population_served"] and site["mean_km_after"] is not None:
        key = "nearer" if site["mean_km_before"] is not None else "first"
        parts.append(
            words[key].format(
                people=site["population_served"],
                districts=site["districts_served"],
                before=site["mean_km_before"] or 0.0,
                after=site["mean_km_after"],
            )
        )
    wait = site["expected_wait_min"]
    sized = words["sized"].format(peak=site["peak_arrivals_per_h"], plugs=site["plugs"])
    parts.append(sized + (words["too_many"] if wait is None else words["waits_then"].format(wait=wait)))
    joint: str = words["joint"]
    return joint.join([*parts, *held])


def _reason_to_change(told: _Told, site: dict[str, Any], row: dict[str, Any]) -> str:
    words, ground = texts(told.lang, "site"), told.ground
    if site["action"] == "close":
        near = ground.ways.pairs(pl.DataFrame([{"lon": row["lon"], "lat": row["lat"]}]), ground.standard_km)
        people = int(ground.city.zones["population"].gather(near["row"]).sum())
        return str(words["why_closed"].format(people=people))
    offer = {"grid_kw": row["site_limit_kw"]}
    held = _held(told, site, offer, ground.service_at(row["power_kw"]))
    unit = words["units"][told.choice.unit or told.ground.demand.unit]
    counts = {"peak": site["peak_arrivals_per_h"], "before": site["plugs_before"], "plugs": site["plugs"]}
    joint: str = words["joint"]
    return joint.join([words["why_enlarged"].format(**counts, amount=site["gained"], unit=unit), *held])
