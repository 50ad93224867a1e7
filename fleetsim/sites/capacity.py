"""The p-median with capacities: places assigned whole to stations that hold them, and what models of capacity share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from charging.siting.effort import Report
from charging.siting.median_problem import CapacitatedPMedian
from charging.siting.service_covering import capacity_within
from charging.siting.solve import solve
from fleetsim.sites.choice import Choice, Columns, limits, number_within, quality, useful
from fleetsim.sites.ground import Floats, Ground
from fleetsim.sites.notes import Note
from fleetsim.sites.points import Points, join_zones
from fleetsim.sites.request import Request
from fleetsim.sites.size import most_plugs
from networks.errors import InfeasibleError

FAR_WAYS = 2.0
"""What a way beyond `sites.no_way_km` counts, over that, where a place is assigned to a site so far away."""
LITTLE = 1e-6
"""Weight of a site that reaches nobody within the standard, beside what others reach [1/h]."""


def peak_capacity(ground: Ground, plugs: int) -> float:
    """Return the arrivals that a station takes in the peak hour within the wait standard [1/h]."""
    service, standard = ground.service, ground.section.wait_standard_min[ground.kind]
    return capacity_within(plugs, service.mean_min, standard, variability=service.variability)


def capacitated(ground: Ground, request: Request, report: Report | None) -> Choice:
    """Open sites for all beyond the standard: each place whole at one site that holds it, ways as short as can be.

    Raises
    ------
    InfeasibleError
        If the largest sites together are too small: by how much.
    """
    year = request.years[-1]
    visits, counted = _asking(ground, year)
    peak = ground.in_peak(year, visits)
    if not peak.any():
        raise InfeasibleError(
            f"demand: nobody is beyond siting.standard_km.{ground.kind} or was left without energy; tighten it"
        )
    points = join_zones(ground.city.zones, peak, ground.rules.most_places)
    sites = promising(ground, peak, year, near=False)
    number = number_within(ground, request, len(sites))
    cost, reached = _ways(ground, points, sites)
    rows = ground.offered[sites.tolist()]
    plugs = [most_plugs(row, ground.section, ground.kind, year) for row in rows.iter_rows(named=True)]
    known = rows["capacity"].fill_null(np.nan).to_numpy() * ground.demand.peak_share
    capacity = np.where(np.isnan(known), [peak_capacity(ground, each) for each in plugs], known)
    _require_room(ground, request, points.weight[reached], capacity, number)
    weight = _of_points(points, ground.in_peak(year, counted))[reached]
    problem: Any = CapacitatedPMedian(cost * weight[:, None], points.weight[reached], capacity, number)
    answer = solve(problem, **limits(ground, request, report))
    used = np.unique(answer.assignment)
    load = np.bincount(answer.assignment, weights=points.weight[reached], minlength=len(sites))
    names = {int(site): f"{ground.kind}-{rows['candidate'][int(site)]}" for site in used.tolist()}
    people = _of_points(points, ground.worth(year))[reached]
    gained = np.bincount(answer.assignment, weights=people, minlength=len(sites))
    return Choice(
        (np.sort(sites[used]),),
        "visit_km",
        **quality(answer),
        already=max(ground.total(year) - ground.gainable(year), 0.0),
        total=ground.total(year),
        notes=(*joined(ground, points, sites), *_cut(points, reached)),
        peaks={name: float(load[site]) for site, name in names.items()},
        gains={name: (float(gained[site]), float(gained[site])) for site, name in names.items()},
    )


def _asking(ground: Ground, year: int) -> tuple[Floats, Floats]:
    """Return the visits a day of each zone that ask for a new station, as they come and as their fleets count.

    All visits of a zone beyond the standard, and what stations left over in the others.
    """
    beyond = ground.beyond(year) > 0
    if not ground.fleets:
        visits = np.where(beyond, ground.visits(year), ground.left(year))
        return visits, visits
    weight = {each.group: each.importance for each in ground.fleets}
    groups = [group for group in ground.groups(year) if weight[group.group] > 0]
    nobody = np.zeros(len(beyond))
    parts = [np.where(beyond, group.visits, group.left / weight[group.group]) for group in groups]
    counted = [weight[group.group] * part for group, part in zip(groups, parts, strict=True)]
    return np.sum([nobody, *parts], axis=0), np.sum([nobody, *counted], axis=0)


def _require_room(ground: Ground, request: Request, peak: Floats, capacity: Floats, number: int) -> None:
    """Check that some sites hold the demand together, and each place alone.

    Raises
    ------
    InfeasibleError
        If not: how many sites it takes, or how much larger they must be.
    """
    rising = np.sort(capacity)[::-1]
    room, needed = float(rising[:number].sum()), float(peak.sum())
    if room >= needed and peak.max(initial=0.0) <= rising[0]:
        return
    limit = f"siting.largest_plugs.{ground.kind} or most_plugs"
    if peak.max(initial=0.0) > rising[0]:
        over = float(peak.max()) - float(rising[0])
        raise InfeasibleError(
            f"capacity: one place has {peak.max():.1f} arrivals in the peak hour, the largest site takes "
            f"{rising[0]:.1f} within the wait standard; raise {limit} for {over:.1f} more, or sites.most_places"
        )
    enough = int(np.searchsorted(np.cumsum(rising), needed)) + 1
    told = f"raise it by {enough - number} to {enough} at least" if enough <= len(rising) else f"raise {limit}"
    raise InfeasibleError(
        f"--number {number}: the largest sites take {room:.1f} arrivals in the peak hour within the wait standard, "
        f"{needed:.1f} come; {told}"
    )


def _ways(ground: Ground, points: Points, sites: Columns) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the ways between points and sites [km], rows of points that reach any, and which points these are."""
    asked = np.zeros(ground.city.zones.height)
    asked[points.zone] = ground.rules.no_way_km
    pairs = ground.ways.pairs(ground.offered[sites.tolist()], asked)
    km = np.full((ground.city.zones.height, len(sites)), np.inf)
    km[pairs["row"].to_numpy(), pairs["column"].to_numpy()] = pairs["distance_km"].to_numpy()
    of_point = km[points.zone]
    reached = np.isfinite(of_point).any(axis=1)
    return np.where(np.isfinite(of_point), of_point, FAR_WAYS * ground.rules.no_way_km)[reached], reached


def promising(ground: Ground, weight: Floats, year: int, *, near: bool = True) -> Columns:
    """Return the sites that models with capacities look at: in each part of the city the one that reaches most.

    With `near` sites are left out that reach nobody within the standard.
    """
    gains = np.asarray(weight @ ground.cover).ravel() + (0.0 if near else LITTLE)
    columns = useful(ground, gains, year)
    if not columns.size:
        return columns
    table = ground.offered[columns.tolist()]
    return columns[join_zones(table, gains[columns], ground.rules.most_sites).zone]


def _of_points(points: Points, values: Floats) -> Floats:
    inside = points.of_zone >= 0
    sums = np.bincount(points.of_zone[inside], weights=values[inside], minlength=len(points.weight))
    return np.asarray(sums, dtype=np.float64)


def joined(ground: Ground, points: Points, sites: Columns) -> tuple[Note, ...]:
    zones = int((points.of_zone >= 0).sum())
    counts = {"zones": zones, "places": len(points.weight), "sites": len(sites), "all": ground.offered.height}
    return (Note("joined" if points.cell_km else "as_zones", **counts, km=points.cell_km),)


def _cut(points: Points, reached: NDArray[np.bool_]) -> tuple[Note, ...]:
    lost = float(points.weight[~reached].sum())
    if not lost:
        return ()
    return (Note("cut", places=int((~reached).sum()), lost=lost),)
