"""The p-center: the smallest distance within which p sites reach every point, by halving over set coverings.

Minieka 1970, doi 10.1137/1012016.
"""

import time

import numpy as np

from charging.siting.answer import Answer, cheapest_site, make_answer
from charging.siting.effort import Effort
from charging.siting.problem import FloatArray, IntArray, PCenter, as_cost, as_sites, require_p
from charging.siting.reach import reaching
from networks.errors import InfeasibleError


def solve_p_center(problem: PCenter, effort: Effort) -> Answer:
    """Return p sites of the smallest greatest cost, with a lower bound.

    Parameters
    ----------
    problem
        Costs and number of sites.
    effort
        When to stop.

    Raises
    ------
    InfeasibleError
        If `p` is below the number of fixed sites, above the number of sites, or too few to reach every point.
    """
    cpu = time.process_time()
    cost = as_cost(problem.cost)
    n_sites = cost.shape[1]
    fixed = as_sites(problem.fixed, n_sites)
    require_p(problem.p, len(fixed), n_sites)
    sites, bound = fixed, 0.0
    if len(cost):
        with effort.ended_by_hand():
            sites, bound = _halve(cost, problem.p, fixed, effort)
    sites = np.sort(np.r_[sites, np.setdiff1d(np.arange(n_sites), sites)[: problem.p - len(sites)]])
    assignment = cheapest_site(cost, sites)
    objective = float(cost[np.arange(len(cost)), assignment].max(initial=0.0))
    spent, interrupted, bound = time.process_time() - cpu, effort.ended.is_set(), min(bound, objective)
    return make_answer(sites, assignment, objective, bound, cpu_s=spent, interrupted=interrupted)


def reachable_sites(cost: FloatArray, p: int, fixed: IntArray, effort: Effort) -> IntArray:
    """Return at most p sites from which every point may be served.

    Raises
    ------
    InfeasibleError
        If a point may be served from nowhere, or p sites are proven or, within the time, feared to be too few.
    """
    allowed = np.isfinite(cost)
    bare = int((~allowed.any(axis=1)).sum())
    if bare:
        raise InfeasibleError(f"cost: {bare} points are allowed at no site; allow a site for each of them")
    if allowed.all() and p > 0:
        return fixed if fixed.size else np.zeros(1, dtype=np.int64)
    found = reaching(allowed, p, fixed, np.empty(0, dtype=np.int64), effort)
    if found.sites is not None:
        return found.sites
    if found.fewest > p:
        raise InfeasibleError(f"p: {p} sites cannot reach every point; raise p by at least {found.fewest - p}")
    raise InfeasibleError(f"p: no {p} sites that reach every point were found in time; raise p or the time limit")


def _halve(cost: FloatArray, p: int, fixed: IntArray, effort: Effort) -> tuple[IntArray, float]:
    """Return sites and a lower bound: no radius below it is enough."""
    best = reachable_sites(cost, p, fixed, effort)
    least = float(cost.min(axis=1).max())
    reached = float(cost[:, best].min(axis=1).max())
    radii = np.unique(cost[(cost >= least) & (cost <= reached)])
    low, high = 0, len(radii) - 1
    hard = np.empty(0, dtype=np.int64)
    while low < high:
        middle = (low + high) // 2
        found = reaching(cost <= radii[middle], p, fixed, hard, effort)
        hard = found.hard
        if found.sites is not None:
            best = found.sites
            high = int(np.searchsorted(radii, cost[:, best].min(axis=1).max()))
        elif found.fewest > p:
            low = middle + 1
        else:
            break
        effort.tell(float(radii[high]), float(radii[low]))
    return best, float(radii[low])
