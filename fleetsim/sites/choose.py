"""Which sites to open: the request as a siting problem, its answer with bound and gap, and what stands in its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from charging.siting.answer import Answer
from charging.siting.cover_problems import GradualCovering, PeriodCovering
from charging.siting.effort import Report
from charging.siting.period_covering import PeriodAnswer
from charging.siting.plans import curve, near_optimal
from charging.siting.problem import MaximalCovering, PCenter, PMedian, SetCovering
from charging.siting.solve import solve
from fleetsim.sites.ground import SERVED_STANDARDS, Floats, Ground
from fleetsim.sites.request import Request
from fleetsim.sites.size import highest_costs, usable
from fleetsim.sites.standard import require_reachable, require_within
from networks.errors import InfeasibleError

Columns = NDArray[np.int64]
NO_WAY_KM = 100.0
"""Way of a zone that no station can be reached from, where ways are added up or compared [km]; an assumption."""


@dataclass(frozen=True)
class Choice:
    """What to open, and how good that is.

    Attributes
    ----------
    opened
        By year the offered sites (rows) that stand by then.
    closed
        Stations that close.
    measure
        What is counted: covered (unit of the demand), stations, cost_cny, unit_km or km.
    objective, bound, gap, status, cpu_s
        As the solver says; what is covered counts what the plan adds.
    already
        What is covered without the plan, in the last year [unit of the demand].
    total
        All that wants to be served, in the last year [unit of the demand].
    notes
        What the planner must know, one line each.
    """

    opened: tuple[Columns, ...]
    measure: str
    objective: float
    bound: float
    gap: float
    status: str
    cpu_s: float
    already: float
    total: float
    closed: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def choose(ground: Ground, request: Request, report: Report | None = None) -> Choice:
    """Return what to open.

    Parameters
    ----------
    ground
        The city as siting sees it.
    request
        What is asked.
    report
        Told of the search now and then, see `charging.siting.effort.Report`.

    Raises
    ------
    InfeasibleError
        If the request cannot be met: which limit it breaks and by how much that must be relaxed.
    """
    models: dict[str, Callable[[Ground, Request, Report | None], Choice]] = {
        "maximal": _relocated if request.relocate else _by_period if len(request.years) > 1 else _maximal,
        "set": _set,
        "median": _median,
        "center": _center,
        "gradual": _gradual,
    }
    return models[request.model](ground, request, report)


def further_plans(ground: Ground, request: Request) -> list[Answer]:
    """Return different plans, the best one first, that cover nearly as much."""
    problem, columns = _covering(ground, request)
    found = near_optimal(problem, request.loss, request.plans, time_limit_s=request.time_limit_s)
    return [_renumbered(answer, columns) for answer in found]


def coverage_curve(ground: Ground, request: Request) -> list[Answer]:
    """Return the answer for each number of new stations that is asked for."""
    problem, columns = _covering(ground, request)
    numbers = [min(number, len(columns)) for number in request.curve]
    gap = ground.section.solver_gap
    found = curve(problem, numbers, time_limit_s=request.time_limit_s, gap=gap)
    return [_renumbered(answer, columns) for answer in found]


def _renumbered(answer: Answer, columns: Columns) -> Answer:
    return Answer(**{**vars(answer), "sites": columns[answer.sites]})


def _useful(ground: Ground, worth: Floats, year: int) -> Columns:
    """Return the offered sites that gain something and take a plug."""
    gains = np.asarray((worth > 0).astype(np.float64) @ ground.cover).ravel()
    return np.flatnonzero((gains > 0) & usable(ground, year).to_numpy())


def _covering(ground: Ground, request: Request) -> tuple[MaximalCovering, Columns]:
    """Return the maximal covering of the last year, and the offered site of each of its columns."""
    year = request.years[-1]
    worth = ground.worth(year)
    columns = _useful(ground, worth, year)
    if not columns.size:
        raise InfeasibleError(nothing_to_gain(ground, request))
    number = min(request.numbers[-1], len(columns)) if request.numbers else None
    cost, budget = None, None
    if request.budgets_cny:
        cost, budget = highest_costs(ground, year)[columns], request.budgets_cny[-1]
        require_within(float(cost.min()), budget, "the cheapest station that gains anything")
    return MaximalCovering(ground.cover[:, columns], worth, number, cost, budget), columns


def nothing_to_gain(ground: Ground, request: Request) -> str:
    """Return why no station gains anything."""
    worth = ground.worth(request.years[-1])
    if worth.sum() <= 0:
        return f"demand: every {ground.demand.unit[:-1]} is within the standard already; tighten siting.standard_km"
    return (
        f"candidates: none of {ground.offered.height} sites lies within the standard of the "
        f"{worth.sum():,.0f} {ground.demand.unit} that are beyond it; add --candidates, or widen siting.standard_km"
    )


def _limits(ground: Ground, request: Request, report: Report | None) -> dict[str, Any]:
    section = ground.section
    return {
        "time_limit_s": request.time_limit_s,
        "gap": section.solver_gap,
        "nodes": section.solver_nodes,
        "report": report,
    }


def _quality(answer: Answer, already: float = 0.0) -> dict[str, Any]:
    """Return how good an answer is; what is covered already is taken off, so that the gap is that of the gain."""
    objective, bound, gap = answer.objective - already, answer.bound - already, answer.gap
    if already and answer.status != "optimal":
        gap = (bound - objective) / objective if objective > 0 else np.inf
    return {"objective": objective, "bound": bound, "gap": gap, "status": answer.status, "cpu_s": answer.cpu_s}


def _served(ground: Ground, year: int) -> dict[str, Any]:
    """Return what is covered already, and all there is."""
    people, worth = ground.people(year), ground.worth(year)
    return {"already": float((people - worth).sum()), "total": float(people.sum())}


def _fewer(ground: Ground, asked: int, opened: int) -> tuple[str, ...]:
    if opened >= asked:
        return ()
    unit = ground.demand.unit
    return (f"{opened} of {asked} stations are opened: further ones would bring no more {unit} within the standard",)


def _maximal(ground: Ground, request: Request, report: Report | None) -> Choice:
    problem, columns = _covering(ground, request)
    answer = solve(problem, **_limits(ground, request, report))
    # A site that covers nobody anew is not opened.
    opened = columns[_used(answer, ground.worth(request.years[-1]))]
    asked = request.numbers[-1] if request.numbers else len(opened)
    return Choice(
        (opened,),
        "covered",
        **_quality(answer),
        **_served(ground, request.years[-1]),
        notes=_fewer(ground, asked, len(opened)),
    )


def _used(answer: Answer, worth: Floats) -> Columns:
    """Return the sites of an answer to which somebody goes."""
    return np.unique(answer.assignment[(answer.assignment >= 0) & (worth > 0)])


def _by_period(ground: Ground, request: Request, report: Report | None) -> Choice:
    worth = np.array([ground.worth(year) for year in request.years])
    last = request.years[-1]
    columns = _useful(ground, worth.sum(axis=0), last)
    if not columns.size:
        raise InfeasibleError(nothing_to_gain(ground, request))
    numbers = [min(number, len(columns)) for number in request.numbers] or None
    cost = highest_costs(ground, last)[columns] if request.budgets_cny else None
    problem = PeriodCovering(ground.cover[:, columns], worth, numbers, cost, list(request.budgets_cny) or None)
    answer = solve(problem, **_limits(ground, request, report))
    if not isinstance(answer, PeriodAnswer):
        raise TypeError(f"{type(answer).__name__} is no answer over periods")
    used = _used(answer, worth.sum(axis=0))
    opening = np.where(np.isin(np.arange(len(columns)), used), answer.opening, -1)
    opened = tuple(columns[(opening >= 0) & (opening <= period)] for period in range(len(request.years)))
    if any(len(sites) > most for sites, most in zip(opened, numbers or (), strict=False)):
        raise RuntimeError(f"the plan opens {[len(sites) for sites in opened]} stations, at most {numbers} may stand")
    notes = _fewer(ground, numbers[-1], len(opened[-1])) if numbers else ()
    return Choice(opened, "covered", **_quality(answer), **_served(ground, last), notes=notes)


def _relocated(ground: Ground, request: Request, report: Report | None) -> Choice:
    """Open and close at once: as many more stations as asked for stand in the end, a few of those that stand close."""
    year, number = request.years[-1], request.numbers[-1]
    standing, people = ground.standing(year), ground.people(year)
    pairs = ground.ways.pairs(standing, ground.standard_km)
    places = (pairs["row"].to_numpy(), pairs["column"].to_numpy())
    kept = csr_array((np.ones(pairs.height), places), shape=(ground.city.zones.height, standing.height))
    columns = _useful(ground, people, year)
    cover = csr_array(hstack([kept, ground.cover[:, columns]]).tocsr())
    new = np.arange(cover.shape[1]) >= standing.height
    most = min(standing.height + number, cover.shape[1])
    problem = MaximalCovering(cover, people, most, new.astype(np.float64), float(number + request.relocate))
    answer = solve(problem, **_limits(ground, request, report))
    opened = columns[answer.sites[new[answer.sites]] - standing.height]
    covered = float(people[np.diff(kept.indptr) > 0].sum())
    closed = _closed(standing, answer.sites, max(len(opened) - number, 0))
    total = float(people.sum())
    return Choice((opened,), "covered", **_quality(answer, covered), already=covered, total=total, closed=closed)


def _closed(standing: pl.DataFrame, sites: Columns, count: int) -> tuple[str, ...]:
    """Return the stations that make room: of those a choice does without, the ones with fewest plugs."""
    spare = np.setdiff1d(np.arange(standing.height), sites)
    rows = standing[spare.tolist()].sort("plugs", "station_id")
    return tuple(rows["station_id"].head(count).sort())


def _gradual(ground: Ground, request: Request, report: Report | None) -> Choice:
    """Full worth within the standard, falling to nothing at twice the standard."""
    year = request.years[-1]
    people, before = ground.people(year), ground.before_km(year)
    near = ground.near
    far = SERVED_STANDARDS * ground.standard_km
    stands = np.clip((far - before) / (far - ground.standard_km), 0.0, 1.0)
    level = (SERVED_STANDARDS * near["standard_km"] - near["distance_km"]) / (
        (SERVED_STANDARDS - 1.0) * near["standard_km"]
    )
    offered = ground.matrix(near, level.clip(0.0, 1.0).to_numpy())
    columns = np.flatnonzero(usable(ground, year).to_numpy() & (np.diff(offered.tocsc().indptr) > 0))
    levels = csr_array(hstack([csr_array(stands[:, None]), offered[:, columns]]).tocsr())
    number = 1 + min(request.numbers[-1], len(columns)) if request.numbers else None
    cost, budget = None, None
    if request.budgets_cny:
        cost, budget = np.r_[0.0, highest_costs(ground, year)[columns]], request.budgets_cny[-1]
        require_within(float(cost[1:].min(initial=np.inf)), budget, "the cheapest station")
    problem = GradualCovering(levels, people, number, cost, budget, fixed=(0,))
    answer = solve(problem, **_limits(ground, request, report))
    base = float(people @ stands)
    opened = columns[np.setdiff1d(answer.sites, [0]) - 1]
    return Choice((opened,), "covered", **_quality(answer, base), already=base, total=float(people.sum()))


def _set(ground: Ground, request: Request, report: Report | None) -> Choice:
    """The fewest stations, or the cheapest where there is a budget, that keep the standard everywhere."""
    year = request.years[-1]
    beyond = np.flatnonzero((ground.people(year) > 0) & (ground.before_km(year) > ground.standard_km))
    columns = np.flatnonzero(usable(ground, year).to_numpy())
    rows = csr_array(ground.cover[beyond][:, columns])
    bare = beyond[np.diff(rows.indptr) == 0]
    notes = require_reachable(ground, bare, year, leave_out=request.leave_out)
    rows = csr_array(rows[np.diff(rows.indptr) > 0])
    costs = highest_costs(ground, year)[columns] if request.budgets_cny else None
    answer = solve(SetCovering(rows, costs), **_limits(ground, request, report))
    if request.budgets_cny:
        require_within(answer.objective, request.budgets_cny[-1], "the standard", least=answer.bound)
    elif request.numbers and len(answer.sites) > request.numbers[-1]:
        raise InfeasibleError(_too_few(answer, request.numbers[-1], beyond.size, ground))
    measure = "cost_cny" if request.budgets_cny else "stations"
    served = _served(ground, year)
    return Choice((columns[answer.sites],), measure, **_quality(answer), **served, notes=notes)


def _too_few(answer: Answer, number: int, n_zones: int, ground: Ground) -> str:
    least, found = int(np.ceil(answer.bound - 1e-6)), len(answer.sites)
    told = f"at least {least}" if least < found else f"{found}"
    more = found - number
    return (
        f"--number {number}: the standard takes {told} new stations for the {n_zones} zones beyond it; raise it by "
        f"{more} to {found}, or widen siting.standard_km.{ground.kind}"
    )


def _ways_to_all(ground: Ground, year: int) -> tuple[csr_array, Columns, bool]:
    """Return the ways [km] from inhabited zones to the nearest station (first column, where any stands) and to sites.

    A site that is farther than what stands is left out; rows are the zones that can reach anything.
    """
    before = ground.before_km(year)
    stands = bool(np.isfinite(before).any())
    inhabited = ground.people(year) > 0
    limit = np.where(np.isfinite(before), np.minimum(before, NO_WAY_KM), NO_WAY_KM)
    pairs = ground.ways.pairs(ground.offered, np.where(inhabited, limit, 0.0))
    offered = ground.matrix(pairs, pairs["distance_km"].to_numpy())
    offered = csr_array(offered[:, np.flatnonzero(usable(ground, year).to_numpy())])
    if stands:
        zones = np.flatnonzero(inhabited)
        every = np.arange(len(limit))
        standing = csr_array((limit, (every, np.zeros_like(every))), shape=(len(limit), 1))
        offered = csr_array(hstack([standing, offered]).tocsr())
    else:
        zones = np.flatnonzero(inhabited & (np.diff(offered.indptr) > 0))
    return csr_array(offered[zones]), zones, stands


def _median(ground: Ground, request: Request, report: Report | None) -> Choice:
    """The smallest sum of ways to the nearest station."""
    year = request.years[-1]
    cost, zones, stands = _ways_to_all(ground, year)
    people = ground.people(year)
    number = _number_within(ground, request, cost.shape[1] - stands)
    problem = PMedian(cost, people[zones], number + stands, fixed=(0,) if stands else ())
    answer = solve(problem, **_limits(ground, request, report))
    return _by_way(ground, request, answer, stands, measure="unit_km")


def _center(ground: Ground, request: Request, report: Report | None) -> Choice:
    """The smallest longest way of an inhabited zone."""
    year = request.years[-1]
    cost, _, stands = _ways_to_all(ground, year)
    number = _number_within(ground, request, cost.shape[1] - stands)
    answer = solve(PCenter(cost, number + stands, fixed=(0,) if stands else ()), **_limits(ground, request, report))
    return _by_way(ground, request, answer, stands, measure="km")


def _number_within(ground: Ground, request: Request, n_sites: int) -> int:
    number = request.numbers[-1]
    if number > n_sites:
        raise InfeasibleError(
            f"--number {number}: there are {n_sites} sites for kind {ground.kind!r}; lower it by {number - n_sites}, "
            "or give more with --candidates"
        )
    return number


def _by_way(ground: Ground, request: Request, answer: Answer, stands: bool, *, measure: str) -> Choice:
    year = request.years[-1]
    columns = np.flatnonzero(usable(ground, year).to_numpy())
    # Sites are opened only where somebody goes to them; the rest of the number would change nothing.
    used = np.unique(answer.assignment[answer.assignment >= 0])
    chosen = np.intersect1d(answer.sites, used)
    opened = columns[chosen[chosen >= stands] - stands]
    asked = request.numbers[-1]
    told = (f"{len(opened)} of {asked} stations are opened: further ones would not lower the {measure}",)
    notes = told if len(opened) < asked else ()
    return Choice((opened,), measure, **_quality(answer), **_served(ground, year), notes=notes)


def covered_worth(ground: Ground, sites: Columns, year: int) -> float:
    """Return what some sites gain within the standard [unit of the demand]."""
    reached = np.asarray(ground.cover[:, sites].sum(axis=1)).ravel() > 0
    return float(ground.worth(year)[reached].sum())
