"""How many plugs a new station gets, what it costs, and how waits by queue theory compare with simulated ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from charging.sizing import Wait, expected_wait, plugs_needed
from fleetsim.scenario.sections import at_year
from fleetsim.scenario.stations import SitingSection
from fleetsim.sites.ground import Floats, Ground
from fleetsim.sites.measured import Service

HOUR_MIN = 60.0


def plugs_for(ground: Ground, peak_per_h: float, most: int, service: Service | None = None) -> int:
    """Return the plugs that keep the mean wait in the peak hour within the standard, between fewest and most.

    Parameters
    ----------
    ground
        The city as siting sees it: standard, sizes, and the service that was measured or is assumed.
    peak_per_h
        Arrivals in the peak hour [1/h].
    most
        Most plugs that the site takes.
    service
        How long a visit holds a plug there; None: that of a new station.
    """
    section, kind, service = ground.section, ground.kind, service or ground.service
    least = min(section.smallest_plugs[kind], most)
    if peak_per_h * service.mean_min >= HOUR_MIN * most:
        return most
    standard = section.wait_standard_min[kind]
    asked = plugs_needed(peak_per_h, service.mean_min, standard, variability=service.variability)
    return min(max(asked, least), most)


def wait_of(ground: Ground, peak_per_h: float, plugs: int, service: Service | None = None) -> Wait:
    """Return the wait in the peak hour by queue theory, with the service of a new station or one given."""
    held = service or ground.service
    return expected_wait(peak_per_h, held.mean_min, plugs, variability=held.variability)


def finite(value: float) -> float | None:
    """Return the value, None where it is infinite."""
    return value if math.isfinite(value) else None


def most_plugs(row: Mapping[str, Any], section: SitingSection, kind: str, year: int) -> int:
    """Return the most plugs that a site takes: of the scenario, of the site's land, and of its grid headroom."""
    most = float(section.largest_plugs[kind])
    power_kw = at_year(section.power_kw[kind], year)
    if row["most_plugs"] is not None:
        most = min(most, row["most_plugs"])
    if row["grid_kw"] is not None and power_kw > 0:
        most = min(most, row["grid_kw"] / power_kw)
    return max(int(most), 0)


def limit_of(row: Mapping[str, Any], most: int, power_kw: float) -> str:
    """Return what holds a site to its most plugs: `grid`, `land`, or `size` of the scenario."""
    if row["grid_kw"] is not None and power_kw > 0 and int(row["grid_kw"] / power_kw) <= most:
        return "grid"
    return "land" if row.get("most_plugs") is not None and row["most_plugs"] < most + 1 else "size"


def site_cost(row: Mapping[str, Any], plugs: int, section: SitingSection, kind: str) -> float:
    """Return what a station with some plugs costs at a site [CNY]; the scenario's prices where the site has none."""
    site = section.site_cny[kind] if row["site_cny"] is None else row["site_cny"]
    plug = section.plug_cny[kind] if row["plug_cny"] is None else row["plug_cny"]
    return float(site + plugs * plug)


def usable(ground: Ground, year: int) -> pl.Series:
    """Return whether each offered site takes a plug at all."""
    rows = ground.offered.iter_rows(named=True)
    return pl.Series([most_plugs(row, ground.section, ground.kind, year) > 0 for row in rows], dtype=pl.Boolean)


def highest_costs(ground: Ground, *years: int) -> Floats:
    """Return for each offered site the cost of the station it would be if nobody near went elsewhere [CNY].

    With several years it is that of the dearest one, since a station never gets smaller.

    Notes
    -----
    A station that shares its surroundings with others gets fewer visits and costs no more, so a choice within a
    budget of these costs stays within it.
    """
    return np.asarray(np.max([_highest_costs(ground, year) for year in years], axis=0))


def _highest_costs(ground: Ground, year: int) -> Floats:
    near = ground.near
    zone, km = near["row"].to_numpy(), near["distance_km"].to_numpy()
    covered = km <= near["standard_km"].to_numpy()
    left = np.where(covered, np.minimum(ground.left(year), ground.visits(year))[zone], 0.0)
    comes = np.where(km < ground.before_km(year)[zone], ground.visits(year)[zone], left)
    peaks = ground.peaks_of(year, comes, near["column"].to_numpy(), zone)
    costs = []
    for row, peak in zip(ground.offered.iter_rows(named=True), peaks.tolist(), strict=True):
        most = most_plugs(row, ground.section, ground.kind, year)
        plugs = plugs_for(ground, peak, most)
        costs.append(site_cost(row, plugs, ground.section, ground.kind))
    return np.array(costs)


def works_cost(plugs: int, section: SitingSection, kind: str) -> float:
    """Return what it costs to add some plugs to a station that stands [CNY]."""
    return plugs * section.plug_cny[kind]
