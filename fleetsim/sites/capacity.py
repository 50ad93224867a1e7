"""The p-median with capacities: places assigned whole to stations that hold them, and what models of capacity share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
from fleetsim.sites.phases import opened_by_year, phases, together, used_sites, year_by_year
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

    With several years the sum over all of them is made small, and what opens stays.

    Raises
    ------
    InfeasibleError
        If the largest sites together are too small in a year: by how much.
    """
    years, last = request.years, request.years[-1]
    asking = [_asking(ground, year) for year in years]
    sites = _promising_for(ground, request, [visits for visits, _ in asking])
    number_within(ground, request, len(sites))
    tasks = [_task(ground, request, step, sites, each) for step, each in enumerate(asking)]
    told: dict[str, Any] = {}
    if len(tasks) == 1:
        answer = solve(tasks[0].problem, **limits(ground, request, report))
        assignment = answer.assignment
        opened: tuple[Columns, ...] = (np.sort(sites[np.unique(assignment)]),)
    else:
        plan = together(ground, request, [each.problem for each in tasks], report)
        answer, assignment = plan, plan.parts[-1].assignment
        opened = opened_by_year(plan, sites, used_sites(plan))
        told["phases"] = phases(request, plan, opened)
        told["yearly_peaks"] = tuple(
            _loads(ground, sites, task.peak, part.assignment) for task, part in zip(tasks, plan.parts, strict=True)
        )
    task = tasks[-1]
    people = _of_points(task.points, ground.worth(last))[task.reached]
    gained = np.bincount(assignment, weights=people, minlength=len(sites))
    names = {
        int(site): f"{ground.kind}-{ground.offered['candidate'][int(sites[site])]}"
        for site in np.flatnonzero(np.isin(sites, opened[-1])).tolist()
    }
    notes = (*joined(ground, task.points, sites), *_cut(task.points, task.reached))
    return Choice(
        opened,
        "visit_km",
        **quality(answer),
        already=max(ground.total(last) - ground.gainable(last), 0.0),
        total=ground.total(last),
        notes=(*notes, *(year_by_year(told["phases"]) if told else ())),
        peaks=_loads(ground, sites, task.peak, assignment),
        gains={name: (float(gained[site]), float(gained[site])) for site, name in names.items()},
        **told,
    )


@dataclass(frozen=True, eq=False)
class _Task:
    """What is asked in a year: places, which of them reach any site, and the problem of those."""

    points: Points
    reached: NDArray[np.bool_]
    problem: CapacitatedPMedian

    @property
    def peak(self) -> Floats:
        return np.asarray(self.problem.demand, dtype=np.float64)


def _loads(ground: Ground, sites: Columns, peak: Floats, assignment: Columns) -> dict[str, float]:
    """Return the arrivals in the peak hour of each station that a place is assigned to [1/h]."""
    load = np.bincount(assignment, weights=peak, minlength=len(sites))
    names = ground.offered["candidate"]
    return {f"{ground.kind}-{names[int(sites[site])]}": float(load[site]) for site in np.unique(assignment).tolist()}


def _promising_for(ground: Ground, request: Request, visits: Sequence[Floats]) -> Columns:
    """Return the sites that are looked at for the visits of all years.

    Raises
    ------
    InfeasibleError
        If nobody asks for a station in some year.
    """
    peaks = [ground.in_peak(year, each) for year, each in zip(request.years, visits, strict=True)]
    for year, peak in zip(request.years, peaks, strict=True):
        if not peak.any():
            raise InfeasibleError(
                f"{_in_year(request, year)}demand: nobody is beyond siting.standard_km.{ground.kind} or was left "
                "without energy; tighten it"
            )
    return promising(ground, np.sum(peaks, axis=0), request.years[-1], near=False)


def _in_year(request: Request, year: int) -> str:
    return f"{year}: " if len(request.years) > 1 else ""


def _task(ground: Ground, request: Request, step: int, sites: Columns, asking: tuple[Floats, Floats]) -> _Task:
    """Return the problem of a year.

    Raises
    ------
    InfeasibleError
        If the largest sites are too small.
    """
    year, number = request.years[step], request.numbers[step]
    visits, counted = asking
    points = join_zones(ground.city.zones, ground.in_peak(year, visits), ground.rules.most_places)
    cost, reached = _ways(ground, points, sites)
    rows = ground.offered[sites.tolist()]
    plugs = [most_plugs(row, ground.section, ground.kind, year) for row in rows.iter_rows(named=True)]
    known = rows["capacity"].fill_null(np.nan).to_numpy() * ground.demand.peak_share
    capacity = np.where(np.isnan(known), [peak_capacity(ground, each) if each else 0.0 for each in plugs], known)
    _require_room(ground, number, points.weight[reached], capacity, _in_year(request, year))
    weight = _of_points(points, ground.in_peak(year, counted))[reached]
    problem = CapacitatedPMedian(cost * weight[:, None], points.weight[reached], capacity, number)
    return _Task(points, reached, problem)


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


def _require_room(ground: Ground, number: int, peak: Floats, capacity: Floats, when: str) -> None:
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
            f"{when}capacity: one place has {peak.max():.1f} arrivals in the peak hour, the largest site takes "
            f"{rising[0]:.1f} within the wait standard; raise {limit} for {over:.1f} more, or sites.most_places"
        )
    enough = int(np.searchsorted(np.cumsum(rising), needed)) + 1
    told = f"raise it by {enough - number} to {enough} at least" if enough <= len(rising) else f"raise {limit}"
    raise InfeasibleError(
        f"{when}--number {number}: the largest sites take {room:.1f} arrivals in the peak hour within the wait "
        f"standard, {needed:.1f} come; {told}"
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
