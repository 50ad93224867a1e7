"""Which sites to open: the request as a siting problem, its answer with bound and gap, and what stands in its way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array, hstack

from charging.siting.answer import Answer
from charging.siting.cover_problems import Fleet, GradualCovering, PeriodCovering
from charging.siting.effort import Effort, Report
from charging.siting.period_covering import PeriodAnswer, join_fleets, period_regret
from charging.siting.plans import curve, near_optimal
from charging.siting.problem import MaximalCovering, PCenter, PMedian, SetCovering
from charging.siting.solve import solve
from fleetsim.sites.actions import enlarged, relocated
from fleetsim.sites.capacity import capacitated
from fleetsim.sites.choice import (
    NO_WAY_KM,
    Choice,
    Columns,
    fewer,
    limits,
    number_within,
    quality,
    require_useful,
    served,
    useful,
)
from fleetsim.sites.flow import flow
from fleetsim.sites.ground import SERVED_STANDARDS, Floats, Ground
from fleetsim.sites.notes import Note
from fleetsim.sites.request import Request
from fleetsim.sites.service import service
from fleetsim.sites.size import highest_costs, usable
from fleetsim.sites.standard import require_reachable, require_within
from networks.errors import InfeasibleError

Model = Callable[[Ground, Request, Report | None], Choice]


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
    models: dict[str, Model] = {
        "maximal": _covering_model(request),
        "set": _set,
        "median": _median,
        "center": _center,
        "gradual": _gradual,
        "capacitated": capacitated,
        "service": service,
        "flow": flow,
    }
    return models[request.model](ground, request, report)


def _covering_model(request: Request) -> Model:
    if request.relocate:
        return relocated
    if request.enlarge:
        return enlarged
    return _by_period if len(request.years) > 1 else _maximal


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


def _layered(ground: Ground, years: tuple[int, ...]) -> tuple[csr_array, Floats]:
    """Return rows (group, zone) x offered sites, and the worth of each row in each year: years x rows."""
    layers = [ground.layers(year) for year in years]
    fleets = {
        layer.group: Fleet(ground.cover_of(layer), np.array([of_year[place].worth for of_year in layers]))
        for place, layer in enumerate(layers[-1])
    }
    cover, worth, _ = join_fleets(fleets)
    return cover, worth


def _covering(ground: Ground, request: Request) -> tuple[MaximalCovering, Columns]:
    """Return the maximal covering of the last year, and the offered site of each of its columns."""
    year = request.years[-1]
    cover, worth = _layered(ground, (year,))
    columns = useful(ground, np.asarray((worth[0] > 0).astype(np.float64) @ cover).ravel(), year)
    require_useful(ground, request, columns)
    number = min(request.numbers[-1], len(columns)) if request.numbers else None
    cost, budget = None, None
    if request.budgets_cny:
        cost, budget = highest_costs(ground, year)[columns], request.budgets_cny[-1]
        require_within(float(cost.min()), budget, "the cheapest station that gains anything")
    return MaximalCovering(cover[:, columns], worth[0], number, cost, budget), columns


def _maximal(ground: Ground, request: Request, report: Report | None) -> Choice:
    problem, columns = _covering(ground, request)
    answer = solve(problem, **limits(ground, request, report))
    # A site that covers nobody anew is not opened.
    opened = columns[_used(answer, np.asarray(problem.weight))]
    asked = request.numbers[-1] if request.numbers else len(opened)
    return Choice(
        (opened,),
        "covered",
        **quality(answer),
        **served(ground, request.years[-1]),
        notes=fewer(ground, asked, len(opened)),
    )


def _used(answer: Answer, worth: Floats) -> Columns:
    """Return the sites of an answer to which somebody goes."""
    return np.unique(answer.assignment[(answer.assignment >= 0) & (worth > 0)])


def _by_period(ground: Ground, request: Request, report: Report | None) -> Choice:
    cover, worth = _layered(ground, request.years)
    last, sums = request.years[-1], worth.sum(axis=0)
    columns = useful(ground, np.asarray((sums > 0).astype(np.float64) @ cover).ravel(), last)
    require_useful(ground, request, columns)
    numbers = [min(number, len(columns)) for number in request.numbers] or None
    cost = highest_costs(ground, last)[columns] if request.budgets_cny else None
    problem = PeriodCovering(cover[:, columns], worth, numbers, cost, list(request.budgets_cny) or None)
    answer = solve(problem, **limits(ground, request, report))
    if not isinstance(answer, PeriodAnswer):
        raise TypeError(f"{type(answer).__name__} is no answer over periods")
    used = _used(answer, sums)
    opening = np.where(np.isin(np.arange(len(columns)), used), answer.opening, -1)
    opened = tuple(columns[(opening >= 0) & (opening <= period)] for period in range(len(request.years)))
    if any(len(sites) > most for sites, most in zip(opened, numbers or (), strict=False)):
        raise RuntimeError(f"the plan opens {[len(sites) for sites in opened]} stations, at most {numbers} may stand")
    notes = (fewer(ground, numbers[-1], len(opened[-1])) if numbers else ()) + _regret(ground, request, problem, answer)
    return Choice(opened, "covered", **quality(answer), **served(ground, last), notes=notes)


def _regret(ground: Ground, request: Request, problem: PeriodCovering, answer: PeriodAnswer) -> tuple[Note, ...]:
    """Return what the plan gives up in each year because nothing is taken back later."""
    effort = Effort(request.time_limit_s, ground.section.solver_gap, ground.section.solver_nodes)
    lost = period_regret(problem, answer, effort).tolist()
    told = ", ".join(f"{year}: {value:,.0f}" for year, value in zip(request.years, lost, strict=True))
    return (Note("regret", told=told, unit=ground.demand.unit),)


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
    answer = solve(problem, **limits(ground, request, report))
    base = float(people @ stands)
    opened = columns[np.setdiff1d(answer.sites, [0]) - 1]
    return Choice((opened,), "covered", **quality(answer, base), already=base, total=float(people.sum()))


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
    answer = solve(SetCovering(rows, costs), **limits(ground, request, report))
    if request.budgets_cny:
        require_within(answer.objective, request.budgets_cny[-1], "the standard", least=answer.bound)
    elif request.numbers and len(answer.sites) > request.numbers[-1]:
        raise InfeasibleError(_too_few(answer, request.numbers[-1], beyond.size, ground))
    measure = "cost_cny" if request.budgets_cny else "stations"
    return Choice((columns[answer.sites],), measure, **quality(answer), **served(ground, year), notes=notes)


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
    number = number_within(ground, request, cost.shape[1] - stands)
    problem = PMedian(cost, people[zones], number + stands, fixed=(0,) if stands else ())
    answer = solve(problem, **limits(ground, request, report))
    return _by_way(ground, request, answer, stands, measure="unit_km")


def _center(ground: Ground, request: Request, report: Report | None) -> Choice:
    """The smallest longest way of an inhabited zone."""
    year = request.years[-1]
    cost, _, stands = _ways_to_all(ground, year)
    number = number_within(ground, request, cost.shape[1] - stands)
    answer = solve(PCenter(cost, number + stands, fixed=(0,) if stands else ()), **limits(ground, request, report))
    return _by_way(ground, request, answer, stands, measure="km")


def _by_way(ground: Ground, request: Request, answer: Answer, stands: bool, *, measure: str) -> Choice:
    year = request.years[-1]
    columns = np.flatnonzero(usable(ground, year).to_numpy())
    # Sites are opened only where somebody goes to them; the rest of the number would change nothing.
    used = np.unique(answer.assignment[answer.assignment >= 0])
    chosen = np.intersect1d(answer.sites, used)
    opened = columns[chosen[chosen >= stands] - stands]
    asked = request.numbers[-1]
    told = Note("no_shorter", opened=len(opened), asked=asked)
    notes = (told,) if len(opened) < asked else ()
    return Choice((opened,), measure, **quality(answer), **served(ground, year), notes=notes)


def covered_worth(ground: Ground, sites: Columns, year: int) -> float:
    """Return what some sites gain within the standard [unit of the demand]."""
    cover, worth = _layered(ground, (year,))
    return float(worth[0][np.asarray(cover[:, sites].sum(axis=1)).ravel() > 0].sum())
