"""Whom each new station serves, its size and its cost: table `ChosenSite`."""

from __future__ import annotations

from typing import Any

import dataframely as dy
import numpy as np
import polars as pl

from fleetsim.scenario.sections import at_year
from fleetsim.sites.choose import Choice, Columns
from fleetsim.sites.ground import Floats, Ground
from fleetsim.sites.size import finite, most_plugs, plugs_for, site_cost, wait_of
from fleetsim.sites.tables import ChosenSite
from fleetsim.texts import Language, texts

DISTRICTS_NAMED = 3


def chosen_sites(ground: Ground, choice: Choice, years: tuple[int, ...], lang: Language) -> dy.DataFrame[ChosenSite]:
    """Return the stations that a choice opens, largest gain first (table `ChosenSite`).

    Parameters
    ----------
    ground
        The city as siting sees it.
    choice
        What was chosen.
    years
        Years of the plan; a station is sized for the last.
    lang
        Language of the reasons.

    Notes
    -----
    A zone belongs to its nearest station, old or new; a new one further away than twice the standard gets nobody. All
    visits of its zones come to it, and those that a nearer old station left over within the standard. The share that
    the demand says comes in the peak hour, and plugs keep the mean wait within the standard.
    """
    opened = choice.opened[-1]
    served = whom(ground, opened, years[-1])
    first = {
        int(site): year for sites, year in reversed(list(zip(choice.opened, years, strict=True))) for site in sites
    }
    rows = [
        _row(ground, row, served, first[row["column"]], years[-1], lang)
        for row in ground.offered.with_row_index("column")[opened.tolist()].iter_rows(named=True)
    ]
    schema = ChosenSite.create_empty().schema
    table = pl.DataFrame(rows, schema={name: kind for name, kind in schema.items() if name != "rank"})
    table = table.sort("gained", "population_served", "station_id", descending=[True, True, False])
    return ChosenSite.validate(table.with_row_index("rank", offset=1).cast({"rank": pl.Int64}).select(list(schema)))


def whom(ground: Ground, opened: Columns, year: int) -> pl.DataFrame:
    """Return a row a zone that a new station serves or covers: row, column, distance_km, before_km, nearest, gained.

    `gained` is what the zone's nearest new station brings within the standard there, `alone` whether no other new
    one does, `nearest` whether that station is nearer than all that stand, `comes` the visits that come to it [1/day].
    """
    before, worth = ground.before_km(year), ground.worth(year)
    near = ground.near.filter(pl.col("column").is_in(opened.tolist()))
    within = (pl.col("distance_km") <= pl.col("standard_km")).sum().alias("reached_by")
    best = near.sort("row", "distance_km", "column").group_by("row", maintain_order=True)
    table = best.agg(pl.col("column", "distance_km", "standard_km").first(), within)
    zone = table["row"].to_numpy()
    covered = pl.col("distance_km") <= pl.col("standard_km")
    return (
        table.with_columns(before_km=pl.Series(before[zone]), worth=pl.Series(worth[zone]))
        .with_columns(
            nearest=pl.col("distance_km") < pl.col("before_km"),
            gained=pl.when(covered).then("worth").otherwise(0.0),
            alone=pl.col("reached_by") == 1,
            newly=covered & (pl.col("before_km") > pl.col("standard_km")),
            district=ground.city.zones["district"].gather(zone.tolist()),
            population=ground.city.zones["population"].gather(zone.tolist()),
            jobs=ground.city.zones["jobs"].gather(zone.tolist()),
            visits=pl.Series(ground.visits(year)[zone]),
            left=pl.Series(ground.left(year)[zone]),
        )
        .with_columns(
            comes=pl.when("nearest")
            .then("visits")
            .when(covered)
            .then(pl.min_horizontal("left", "visits"))
            .otherwise(0.0)
        )
    )


def _row(
    ground: Ground, row: dict[str, Any], served: pl.DataFrame, opened: int, year: int, lang: Language
) -> dict[str, Any]:
    own = served.filter(pl.col("column") == row["column"])
    nearest = own.filter("nearest")
    values = {
        "station_id": f"{ground.kind}-{row['candidate']}",
        "action": "open",
        "name": row["name"],
        "kind": ground.kind,
        **{name: row[name] for name in ("district", "lon", "lat")},
        "year": opened,
        "power_kw": at_year(ground.section.power_kw[ground.kind], opened),
        "gained": float(own["gained"].sum()),
        "gained_alone": float(own.filter("alone")["gained"].sum()),
        "population_gained": int(own.filter("newly")["population"].sum()),
        "population_served": int(nearest["population"].sum()),
        "jobs_served": int(nearest["jobs"].sum()),
        "mean_km_before": _mean_km(nearest, "before_km"),
        "mean_km_after": _mean_km(nearest, "distance_km"),
        "districts_served": _districts(ground, nearest),
        "basis": "synthetic",
        **_size(ground, row, float(own["comes"].sum()), year),
    }
    return values | {"reason": reason(ground, values, lang)}


def _size(ground: Ground, row: dict[str, Any], visits: float, year: int) -> dict[str, Any]:
    section, kind = ground.section, ground.kind
    peak = visits * ground.demand.peak_share
    plugs = plugs_for(peak, section, kind, most_plugs(row, section, kind, year))
    wait = wait_of(peak, plugs, section, kind)
    return {
        "plugs": plugs,
        "cost_cny": site_cost(row, plugs, section, kind),
        "visits_per_day": visits,
        "peak_arrivals_per_h": peak,
        "expected_wait_min": finite(wait.mean_min),
        "p95_wait_min": finite(wait.p95_min),
    }


def _mean_km(part: pl.DataFrame, column: str) -> float | None:
    people = part["population"].to_numpy().astype(np.float64)
    km: Floats = part[column].to_numpy()
    known = np.isfinite(km) & (people > 0)
    return float(np.average(km[known], weights=people[known])) if known.any() else None


def _districts(ground: Ground, part: pl.DataFrame) -> str:
    names = ground.district_names()
    sums = part.group_by("district", maintain_order=True).agg(pl.col("population").sum())
    order = sums.sort("population", "district", descending=[True, False])["district"]
    return ", ".join(names[name] for name in order.head(DISTRICTS_NAMED))


def reason(ground: Ground, site: dict[str, Any], lang: Language) -> str:
    """Return in words why a station is opened, and whom it serves."""
    words = texts(lang, "site")
    parts = []
    if site["gained"] > 0:
        unit = words["units"][ground.demand.unit]
        parts.append(words["gains"].format(amount=site["gained"], unit=unit, alone=site["gained_alone"]))
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
    parts.append(words["sized"].format(peak=site["peak_arrivals_per_h"], plugs=site["plugs"]))
    joint: str = words["joint"]
    return joint.join(parts)
