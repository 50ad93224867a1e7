"""How many plugs each new station has in each year: what the year asks for, and never fewer than before."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from fleetsim.sites.choice import Choice
from fleetsim.sites.ground import Floats, Ground
from fleetsim.sites.size import finite, most_plugs, plugs_for, site_cost, wait_of
from fleetsim.sites.tables import StationYear
from fleetsim.sites.whom import arrivals_by_site


def station_years(ground: Ground, choice: Choice, years: tuple[int, ...]) -> Any:
    """Return table `StationYear`: the stations that a choice opens, a row for each year in which they stand.

    Parameters
    ----------
    ground
        The city as siting sees it.
    choice
        What opens when.
    years
        Years of the plan.

    Notes
    -----
    A station is sized for the arrivals of each year with the stations that stand then, those of its model where that
    tells them. One that was simulated is sized for what came in each year; for a year in which it did not stand yet,
    for what came in its busiest one, less where fewer come by the demand near it.
    """
    peaks = np.array([arrivals_by_site(ground, sites, year) for sites, year in zip(choice.opened, years, strict=True)])
    stands = np.array([np.isin(np.arange(ground.offered.height), sites) for sites in choice.opened])
    rows = []
    for column in choice.opened[-1].tolist():
        offer = ground.offered.row(column, named=True)
        rows += _years_of(ground, choice, years, offer, (peaks[:, column], stands[:, column]))
    schema = StationYear.create_empty().schema
    return StationYear.validate(pl.DataFrame(rows, schema=schema).sort("station_id", "year"))


def _years_of(
    ground: Ground, choice: Choice, years: tuple[int, ...], offer: dict[str, Any], near: tuple[Floats, Floats]
) -> list[dict[str, Any]]:
    """Return the rows of one station; `near` are the arrivals by demand, and whether it stands, in each year."""
    section, kind = ground.section, ground.kind
    station_id, most = f"{kind}-{offer['candidate']}", most_plugs(offer, section, kind, years[-1])
    rows: list[dict[str, Any]] = []
    before = 0
    for step in np.flatnonzero(near[1]).tolist():
        peak = _peak(ground, choice, station_id, near[0], (step, years[step]))
        own = choice.plugs_in(step).get(station_id)
        plugs = max(before, own or plugs_for(ground, peak, most))
        paid = site_cost(offer, before, section, kind) if before else 0.0
        rows.append(
            {
                "station_id": station_id,
                "year": years[step],
                "plugs": plugs,
                "added": plugs - before,
                "cost_cny": site_cost(offer, plugs, section, kind) - paid,
                "peak_arrivals_per_h": peak,
                "expected_wait_min": finite(wait_of(ground, peak, plugs).mean_min),
            }
        )
        before = plugs
    return rows


def _peak(ground: Ground, choice: Choice, station_id: str, near: Floats, at: tuple[int, int]) -> float:
    """Return the arrivals in the busiest hour of a year [1/h]: simulated, of the model, or by the demand near it."""
    step, year = at
    of_year, highest = ground.measured_peaks.get(year, {}).get(station_id), ground.measured_peak.get(station_id)
    if of_year is not None:
        return of_year
    if highest is not None:
        return highest * float(near[step]) / float(near.max()) if near.max() > 0 else highest
    return float(choice.peaks_in(step).get(station_id, near[step]))


def by_year(table: pl.DataFrame) -> pl.DataFrame:
    """Return year, plugs and cost_cny: plugs of the new stations that stand in each year, and what is built then."""
    return table.group_by("year").agg(pl.col("plugs").sum(), pl.col("cost_cny").sum()).sort("year")


def plugs_in(table: pl.DataFrame, year: int) -> pl.DataFrame:
    """Return station_id and after: the plugs of each new station in a year, those of its last year before it."""
    known = table.filter(pl.col("year") <= year).sort("station_id", "year")
    return known.group_by("station_id", maintain_order=True).agg(after=pl.col("plugs").last())
