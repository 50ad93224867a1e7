"""Stations by simulation and by queue theory, and why the two differ: table `Sizing`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from fleetsim.scenario.sites import SitesSection
from fleetsim.site_names import english_names, shown_names
from fleetsim.sites.ground import Ground
from fleetsim.sites.measured import HOUR_S, PARTS
from fleetsim.sites.size import finite, plugs_for, wait_of
from fleetsim.sites.tables import Sizing


def sizing(ground: Ground, sessions: pl.DataFrame | None = None, planned: tuple[str, ...] = ()) -> Any:
    """Return table `Sizing` of the simulated stations; empty where nothing was simulated.

    Parameters
    ----------
    ground
        The city with the demand of simulated days.
    sessions
        Table `Session` of these days, where it is at hand: for the time of service, bunches and queues.
    planned
        Stations that the plan opens or enlarges.
    """
    load = ground.demand.load
    if load.is_empty():
        return Sizing.create_empty()
    arrivals = pl.col("served") + pl.col("unserved")
    order = load.with_columns(arrivals=arrivals).sort(
        "year", "station_id", "arrivals", "day", "hour", descending=[False, False, True, False, False]
    )
    busiest = order.group_by("year", "station_id", maintain_order=True).first().filter(pl.col("arrivals") > 0)
    known = busiest.join(ground.demand.plugs, on=["year", "station_id"]).sort("year", "station_id")
    shown = shown_names(ground.stations, english_names(ground.city), "en")
    names = dict(zip(ground.stations["station_id"], shown, strict=True))
    names |= {f"{ground.kind}-{site}": name for site, name in ground.offered.select("candidate", "name").iter_rows()}
    hours = _hours(known, sessions)
    rows = [
        _sized(row, ground, hours.get((row["year"], row["station_id"]), {}), names)
        for row in known.iter_rows(named=True)
    ]
    schema = Sizing.create_empty().schema
    told = [row | {"is_planned": row["station_id"] in planned} for row in rows]
    return Sizing.validate(pl.DataFrame(told, schema=schema).sort("year", "station_id"))


def _hours(busiest: pl.DataFrame, sessions: pl.DataFrame | None) -> dict[tuple[int, str], dict[str, Any]]:
    """Return of each year and station what the sessions of its busiest hour say."""
    if sessions is None or sessions.is_empty():
        return {}
    keys = ["year", "day", "station_id"]
    texts = [pl.col(name).cast(pl.String) for name in ("day", "station_id")]
    own = sessions.select("year", *texts, "arrive", "start", "end").join(busiest.select(*keys, "hour"), on=keys)
    begins = pl.col("hour") * HOUR_S
    inside = pl.col("arrive").is_between(begins, begins + HOUR_S, closed="left")
    part = ((pl.col("arrive") - begins) * PARTS / HOUR_S).floor().cast(pl.Int64)
    own = own.with_columns(inside=inside, part=part, waits=(pl.col("arrive") < begins) & (pl.col("start") > begins))
    sums = own.group_by("year", "station_id", maintain_order=True).agg(
        service=((pl.col("end") - pl.col("start")).filter("inside") / 60.0).mean(),
        parts=pl.col("part").filter("inside"),
        queue=pl.col("waits").sum(),
    )
    return {
        (row["year"], row["station_id"]): {
            "measured_service_min": row["service"],
            "measured_dispersion": _dispersion(row["parts"]),
            "queue_before": int(row["queue"]),
        }
        for row in sums.iter_rows(named=True)
    }


def _dispersion(parts: list[int]) -> float | None:
    """Return the variance over the mean of the arrivals in each part of an hour."""
    if not parts:
        return None
    counts = np.bincount(parts, minlength=PARTS)
    return float(counts.var() / counts.mean())


def _sized(row: dict[str, Any], ground: Ground, hour: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    peak = float(row["arrivals"])
    service = ground.service_at(row["power_kw"])
    theory = wait_of(ground, peak, row["plugs"], service).mean_min
    held = replace(service, mean_min=hour.get("measured_service_min") or service.mean_min)
    as_measured = wait_of(ground, peak, row["plugs"], held).mean_min
    values = {
        **{name: row[name] for name in ("station_id", "year", "day", "plugs")},
        "name": names.get(row["station_id"], row["station_id"]),
        "peak_arrivals_per_h": peak,
        "simulated_wait_min": row["mean_wait_min"],
        "simulated_p95_wait_min": row["p95_wait_min"],
        "simulated_unserved": row["unserved"],
        "expected_wait_min": finite(theory),
        "plugs_needed": plugs_for(ground, peak, 10**6, service),
        **{name: hour.get(name) for name in ("measured_service_min", "measured_dispersion", "queue_before")},
        "theory_as_measured_min": finite(as_measured),
    }
    return values | {"why": why(values, (theory, as_measured), ground.section.unserved_standard_share, ground.rules)}


def why(row: dict[str, Any], theory: tuple[float, float], unserved_share: float, rules: SitesSection) -> str:
    """Return the main reason why the simulated wait of a station is not that of theory, see `tables.WHY`.

    Parameters
    ----------
    row
        Fields of table `Sizing`.
    theory
        Wait by queue theory with the planned and with the measured time of service [min]; infinite: cannot keep up.
    unserved_share
        Share of unserved visits that the standard allows [0 to 1].
    rules
        When waits are called the same, and arrivals bunched.
    """
    simulated, (planned, as_measured) = row["simulated_wait_min"], theory
    if row["simulated_unserved"] > unserved_share * row["peak_arrivals_per_h"] or simulated is None:
        return "unserved"
    more = simulated - planned
    if abs(more) <= max(rules.same_wait_min, rules.same_wait_share * planned) and np.isfinite(planned):
        return "agree"
    if more < 0:
        gone = planned - as_measured if np.isfinite(planned) else np.inf
        is_quick = np.isfinite(as_measured) and as_measured < planned and gone >= -more / 2.0
        return "quick" if is_quick else "short"
    queue_min = (row["queue_before"] or 0) * (row["measured_service_min"] or 0.0) / row["plugs"]
    if as_measured - planned >= more / 2.0:
        return "service"
    if queue_min >= more / 2.0:
        return "queue_before"
    return "bunched" if (row["measured_dispersion"] or 0.0) > rules.bunched_dispersion else "not_steady"
