"""Set covering: the cheapest sites that reach every point, exact on HiGHS.

Toregas and others 1971, doi 10.1287/opre.19.6.1363.
"""

import time

import numpy as np
from scipy.sparse import csr_array

from charging.siting.answer import Answer, make_answer, whole
from charging.siting.cover_input import CoverInput, PointMerger, read_cover
from charging.siting.covering import CoverSystem
from charging.siting.effort import Effort
from charging.siting.milp import Program, minimise
from charging.siting.problem import FloatArray, IntArray, SetCovering, as_sites, as_vector
from networks.errors import InfeasibleError

POINTS_NAMED = 5


def solve_set_covering(problem: SetCovering, effort: Effort) -> Answer:
    """Return the cheapest sites that cover every point, with a lower bound.

    Parameters
    ----------
    problem
        What is to be covered.
    effort
        When to stop.

    Raises
    ------
    InfeasibleError
        If there are points that no site covers, or every cover costs more than the budget.
    """
    cpu = time.process_time()
    cover = read_cover(problem.cover)
    _require_coverable(cover)
    cost = as_vector(problem.cost, cover.n_sites, "cost")
    fixed = as_sites(problem.fixed, cover.n_sites)
    free = np.setdiff1d(np.arange(cover.n_sites), fixed)
    chosen, bound = cheapest_cover(_free_system(cover, fixed, free), cost[free], effort)
    sites = np.union1d(fixed, free[chosen])
    objective = float(cost[sites].sum())
    bound = min(bound + float(cost[fixed].sum()), objective)
    _require_budget(problem.budget, objective, bound)
    spent, interrupted = time.process_time() - cpu, effort.ended.is_set()
    return make_answer(sites, cover.first_open_site(sites), objective, bound, cpu_s=spent, interrupted=interrupted)


def _free_system(cover: CoverInput, fixed: IntArray, free: IntArray) -> CoverSystem:
    """Return the points that no fixed site covers and the free sites."""
    column = np.full(cover.n_sites, -1, dtype=np.int32)
    column[free] = np.arange(len(free))
    column[fixed] = -2
    merger = PointMerger(column)
    for rows in cover.blocks():
        merger.add(rows, np.ones(rows.end - rows.begin))
    start, site, weight = merger.merged()
    return CoverSystem(csr_array((np.ones(len(site)), site, start), shape=(len(weight), len(free))), weight)


def cheapest_cover(system: CoverSystem, cost: FloatArray, effort: Effort) -> tuple[IntArray, float]:
    """Return sites that cover every point of `system` and a lower bound on their cost."""
    if not system.weight.size:
        return np.empty(0, dtype=np.int64), 0.0
    start = greedy_cover(system, cost)
    program = Program(
        cost=cost,
        matrix=system.by_point,
        row_lower=np.ones(len(system.weight)),
        row_upper=np.full(len(system.weight), np.inf),
        integer=np.ones(system.n_sites, dtype=np.bool_),
    )
    first = np.zeros(system.n_sites)
    first[start] = 1.0
    outcome = minimise(program, effort, start=first)
    best = start
    if outcome.values is not None:
        sites = np.flatnonzero(outcome.values > 0.5)
        if system.is_covered(sites).all() and cost[sites].sum() <= cost[start].sum():
            best = sites
    bound = float(np.ceil(outcome.bound - 1e-6)) if whole(cost) else outcome.bound
    return best, max(bound, 0.0)


def greedy_cover(system: CoverSystem, cost: FloatArray) -> IntArray:
    """Return a cover opened one by one, most new points per cost first, then freed of what is not needed."""
    left = np.ones(len(system.weight))
    chosen: list[int] = []
    while left.any():
        gain = system.by_site @ left
        best = int((gain / np.maximum(cost, 1e-12)).argmax())
        chosen.append(best)
        left[system.points_of(best)] = 0.0
    return _without_idle(system, cost, chosen)


def _without_idle(system: CoverSystem, cost: FloatArray, chosen: list[int]) -> IntArray:
    inside = np.zeros(system.n_sites)
    inside[chosen] = 1.0
    times = system.by_point @ inside
    kept = []
    for site in sorted(chosen, key=lambda each: (-cost[each], each)):
        points = system.points_of(site)
        if (times[points] >= 2).all():
            times[points] -= 1
        else:
            kept.append(site)
    return np.array(sorted(kept), dtype=np.int64)


def _require_coverable(cover: CoverInput) -> None:
    bare = np.flatnonzero(cover.times_coverable() == 0)
    if bare.size:
        named = ", ".join(str(point) for point in bare[:POINTS_NAMED])
        raise InfeasibleError(
            f"cover: no site covers {bare.size} of {cover.n_points} points (first: {named}); "
            "add sites near them, widen the distance, or leave these points out"
        )


def _require_budget(budget: float | None, objective: float, bound: float) -> None:
    """Check that the cheapest cover is within the budget.

    Raises
    ------
    InfeasibleError
        If not; it names the least budget, or between what it lies where that was not proven.
    """
    if budget is None or objective <= budget + 1e-9 * max(abs(budget), 1.0):
        return
    over = objective - budget
    if bound >= objective:
        raise InfeasibleError(f"budget: covering every point takes {objective:g}; raise {budget:g} by {over:g}")
    raise InfeasibleError(
        f"budget: no cover within {budget:g} was found; the cheapest known costs {objective:g} and none less than "
        f"{bound:g}; raise the budget by {over:g}, or search longer"
    )
