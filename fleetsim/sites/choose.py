"""Which sites to open: the request as a siting problem, its answer with bound and gap, and what stands in its way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array

from charging.siting.answer import Answer
from charging.siting.cover_problems import Fleet
from charging.siting.effort import Report
from charging.siting.period_covering import join_fleets
from charging.siting.plans import curve, near_optimal
from charging.siting.problem import MaximalCovering
from charging.siting.solve import solve
from fleetsim.sites.actions import enlarged, relocated
from fleetsim.sites.capacity import capacitated
from fleetsim.sites.choice import Choice, Columns, fewer, limits, quality, require_useful, served, useful
from fleetsim.sites.everywhere import everywhere
from fleetsim.sites.flow import flow
from fleetsim.sites.gradual import gradual
from fleetsim.sites.ground import Floats, Ground
from fleetsim.sites.nearest import center, median
from fleetsim.sites.phases import opened_by_year, phases, standard_last, together, year_by_year
from fleetsim.sites.request import Request
from fleetsim.sites.service import service
from fleetsim.sites.size import highest_costs
from fleetsim.sites.standard import require_plugs, require_within

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
        "set": everywhere,
        "median": median,
        "center": center,
        "gradual": gradual,
        "capacitated": capacitated,
        "service": service,
        "flow": flow,
    }
    if any(request.numbers) or request.budgets_cny or request.model == "set":
        require_plugs(ground, request.years[-1])
    if len(request.years) > 1 and request.model == "set":
        return standard_last(ground, request, lambda part, asked: choose(part, asked, report))
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
    cost = highest_costs(ground, *request.years)[columns] if request.budgets_cny else None
    problems = [
        MaximalCovering(
            cover[:, columns],
            worth[step],
            min(request.numbers[step], len(columns)) if request.numbers else None,
            cost,
            request.budgets_cny[step] if request.budgets_cny else None,
        )
        for step in range(len(request.years))
    ]
    answer = together(ground, request, problems, report)
    used = [_used(part, worth[step]) for step, part in enumerate(answer.parts)]
    opened = opened_by_year(answer, columns, np.unique(np.concatenate(used)))
    if any(len(sites) > most for sites, most in zip(opened, request.numbers, strict=False)):
        told = [len(sites) for sites in opened]
        raise RuntimeError(f"the plan opens {told} stations, at most {request.numbers} may stand")
    told_phases = phases(request, answer, opened)
    notes = fewer(ground, request.numbers[-1], len(opened[-1])) if request.numbers else ()
    return Choice(
        opened,
        "covered",
        **quality(answer),
        **served(ground, last),
        notes=(*notes, *year_by_year(told_phases)),
        phases=told_phases,
    )


def covered_worth(ground: Ground, sites: Columns, year: int) -> float:
    """Return what some sites gain within the standard [unit of the demand]."""
    cover, worth = _layered(ground, (year,))
    return float(worth[0][np.asarray(cover[:, sites].sum(axis=1)).ravel() > 0].sum())
