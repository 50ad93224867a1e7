"""Set covering: the cheapest sites that reach every point, exact on HiGHS."""

import time

import numpy as np
from scipy.sparse import csr_array

from charging.siting.answer import Answer, make_answer, whole
from charging.siting.covering import CoverSystem, first_open_site, merge_points
from charging.siting.effort import Effort
from charging.siting.milp import Program, minimise
from charging.siting.problem import FloatArray, IntArray, SetCovering, as_cover, as_sites, as_vector
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
        If there are points that no site covers.
    """
    cpu = time.process_time()
    cover = as_cover(problem.cover)
    n_sites = int(cover.shape[1])
    _require_coverable(cover)
    cost = as_vector(problem.cost, n_sites, "cost")
    fixed = as_sites(problem.fixed, n_sites)
    free = np.setdiff1d(np.arange(n_sites), fixed)
    rest = np.flatnonzero(first_open_site(cover, fixed) < 0)
    system = merge_points(csr_array(cover[rest][:, free]), np.ones(len(rest)))
    chosen, bound = cheapest_cover(system, cost[free], effort)
    sites = np.union1d(fixed, free[chosen])
    objective, spent = float(cost[sites].sum()), float(cost[fixed].sum())
    bound = min(bound + spent, objective)
    return make_answer(sites, first_open_site(cover, sites), objective, bound, cpu_s=time.process_time() - cpu)


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


def _require_coverable(cover: csr_array) -> None:
    bare = np.flatnonzero(np.diff(cover.indptr) == 0)
    if bare.size:
        named = ", ".join(str(point) for point in bare[:POINTS_NAMED])
        raise InfeasibleError(
            f"cover: no site covers {bare.size} of {cover.shape[0]} points (first: {named}); "
            "add sites near them, widen the distance, or leave these points out"
        )
