"""Ways to the nearest station: as short as can be on average (p-median), or for the farthest zone (p-center)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array, hstack

from charging.siting.answer import Answer
from charging.siting.effort import Report
from charging.siting.problem import PCenter, PMedian
from charging.siting.solve import solve
from fleetsim.sites.choice import Choice, Columns, limits, number_within, quality, served
from fleetsim.sites.ground import Floats, Ground
from fleetsim.sites.notes import Note
from fleetsim.sites.phases import opened_by_year, phases, summed, together, used_sites, year_by_year
from fleetsim.sites.request import Request
from fleetsim.sites.size import usable
from networks.errors import InfeasibleError


def median(ground: Ground, request: Request, report: Report | None) -> Choice:
    """The smallest sum of ways to the nearest station.

    Raises
    ------
    InfeasibleError
        If there are fewer sites than asked for, or nobody whose way could be shorter.
    """
    if len(request.years) > 1:
        return _over_years(ground, request, report, measure="unit_km")
    year = request.years[-1]
    people = ground.weighed(year)
    cost, zones, stands = _ways_to_all(ground, people, year)
    number = number_within(ground, request, cost.shape[1] - stands)
    _require_somebody(ground, zones)
    problem = PMedian(cost, people[zones], number + stands, fixed=(0,) if stands else ())
    answer = solve(problem, **limits(ground, request, report))
    choice = _by_way(ground, request, answer, zones, stands, measure="unit_km")
    if not stands:
        return choice
    before = Note("ways_before", before=_before(ground, year, zones), unit=ground.demand.unit)
    return replace(choice, notes=(before, *choice.notes))


def center(ground: Ground, request: Request, report: Report | None) -> Choice:
    """The smallest longest way of an inhabited zone.

    Raises
    ------
    InfeasibleError
        As `median`.
    """
    if len(request.years) > 1:
        return _over_years(ground, request, report, measure="km")
    year = request.years[-1]
    cost, zones, stands = _ways_to_all(ground, ground.people(year), year)
    number = number_within(ground, request, cost.shape[1] - stands)
    _require_somebody(ground, zones)
    answer = solve(PCenter(cost, number + stands, fixed=(0,) if stands else ()), **limits(ground, request, report))
    return _by_way(ground, request, answer, zones, stands, measure="km")


def _over_years(ground: Ground, request: Request, report: Report | None, *, measure: str) -> Choice:
    """All years as one: the sum over the years of the ways of all, or of the longest way."""
    last = request.years[-1]
    offered = np.flatnonzero(usable(ground, last).to_numpy())
    number_within(ground, request, len(offered))
    problems: list[PMedian | PCenter] = []
    zones_of = []
    for year, number in zip(request.years, request.numbers, strict=True):
        people = ground.weighed(year) if measure == "unit_km" else ground.people(year)
        cost, zones, stands = _ways_to_all(ground, people, year, at=last)
        _require_somebody(ground, zones)
        # The column of what stands is there in every year, empty where nothing does.
        cost = cost if stands else csr_array(hstack([csr_array((len(zones), 1)), cost]).tocsr())
        zones_of.append(zones)
        mean = measure == "unit_km"
        problems.append(PMedian(cost, people[zones], 1 + number, (0,)) if mean else PCenter(cost, 1 + number, (0,)))
    answer = together(ground, request, problems, report)
    opened = opened_by_year(answer, offered, used_sites(answer), first=1)
    told = phases(request, answer, opened)
    notes = (*_idle(request, opened[-1]), *_cut_off(ground, zones_of[-1], last), *year_by_year(told))
    if measure == "unit_km" and np.isfinite(ground.before_km(request.years[0])).any():
        before = [_before(ground, year, zones) for year, zones in zip(request.years, zones_of, strict=True)]
        notes = (Note("ways_before", before=summed(request, before), unit=ground.demand.unit), *notes)
    return Choice(opened, measure, **quality(answer), **served(ground, last), notes=notes, phases=told)


def _before(ground: Ground, year: int, zones: Columns) -> float:
    km = np.minimum(ground.before_km(year), ground.rules.no_way_km)[zones]
    return float(ground.weighed(year)[zones] @ km)


def _require_somebody(ground: Ground, zones: Columns) -> None:
    if zones.size:
        return
    raise InfeasibleError(
        f"demand: no zone with {ground.demand.unit} has a road to any of {ground.offered.height} sites or to a "
        f"station of kind {ground.kind!r}; add --candidates, or raise sites.no_way_km {ground.rules.no_way_km:g}"
    )


def _ways_to_all(ground: Ground, people: Floats, year: int, at: int = 0) -> tuple[csr_array, Columns, bool]:
    """Return the ways [km] from inhabited zones to the nearest station (first column, where any stands) and to sites.

    A site that is farther than what stands is left out; rows are the zones that can reach anything. Sites are those
    that take a plug in the year `at`; 0: in `year`.
    """
    before, most = ground.before_km(year), ground.rules.no_way_km
    stands = bool(np.isfinite(before).any())
    inhabited = people > 0
    limit = np.where(np.isfinite(before), np.minimum(before, most), most)
    pairs = ground.ways.pairs(ground.offered, np.where(inhabited, limit, 0.0))
    offered = ground.matrix(pairs, pairs["distance_km"].to_numpy())
    offered = csr_array(offered[:, np.flatnonzero(usable(ground, at or year).to_numpy())])
    if stands:
        zones = np.flatnonzero(inhabited)
        every = np.arange(len(limit))
        standing = csr_array((limit, (every, np.zeros_like(every))), shape=(len(limit), 1))
        offered = csr_array(hstack([standing, offered]).tocsr())
    else:
        zones = np.flatnonzero(inhabited & (np.diff(offered.indptr) > 0))
    return csr_array(offered[zones]), zones, stands


def _by_way(ground: Ground, request: Request, answer: Answer, zones: Columns, stands: bool, *, measure: str) -> Choice:
    year = request.years[-1]
    columns = np.flatnonzero(usable(ground, year).to_numpy())
    # Sites are opened only where somebody goes to them; the rest of the number would change nothing.
    used = np.unique(answer.assignment[answer.assignment >= 0])
    chosen = np.intersect1d(answer.sites, used)
    opened = columns[chosen[chosen >= stands] - stands]
    notes = (*_idle(request, opened), *_cut_off(ground, zones, year))
    return Choice((opened,), measure, **quality(answer), **served(ground, year), notes=notes)


def _idle(request: Request, opened: Columns) -> tuple[Note, ...]:
    asked = request.numbers[-1]
    return (Note("no_shorter", opened=len(opened), asked=asked),) if len(opened) < asked else ()


def _cut_off(ground: Ground, zones: Columns, year: int) -> tuple[Note, ...]:
    cut = np.setdiff1d(np.flatnonzero(ground.people(year) > 0), zones)
    if not cut.size:
        return ()
    people = float(ground.people(year)[cut].sum())
    return (Note("no_way", zones=int(cut.size), people=people, unit=ground.demand.unit),)
