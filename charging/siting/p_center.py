"""The p-center: the smallest distance within which p sites reach every point, by halving over set coverings.

Minieka 1970, doi 10.1137/1012016.
"""

import time

import numpy as np
from scipy.sparse import csr_array

from charging.siting.answer import Answer, cheapest_site, make_answer
from charging.siting.covering import merge_points
from charging.siting.effort import Effort
from charging.siting.problem import FloatArray, IntArray, PCenter, as_cost, as_sites, require_p
from charging.siting.set_covering import cheapest_cover, greedy_cover
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
    sites, bound = _halve(cost, problem.p, fixed, effort)
    sites = np.sort(np.r_[sites, np.setdiff1d(np.arange(n_sites), sites)[: problem.p - len(sites)]])
    assignment = cheapest_site(cost, sites)
    objective = float(cost[np.arange(len(cost)), assignment].max(initial=0.0))
    return make_answer(sites, assignment, objective, min(bound, objective), cpu_s=time.process_time() - cpu)


def _halve(cost: FloatArray, p: int, fixed: IntArray, effort: Effort) -> tuple[IntArray, float]:
    """Return sites and a lower bound: first by greedy covers, then by exact ones in what is left."""
    if not cost.shape[0]:
        return fixed, 0.0
    least = float(cost.min(axis=1).max())
    if not np.isfinite(least):
        bare = int(np.isinf(cost.min(axis=1)).sum())
        raise InfeasibleError(f"cost: {bare} points are allowed at no site; allow a site for each of them")
    radii = np.unique(cost[np.isfinite(cost) & (cost >= least)])
    low, high = 0, len(radii) - 1
    best, fewest = _cover_within(cost, fixed, float(radii[high]), effort)
    if len(best) > p:
        short = max(fewest - p, 1)
        raise InfeasibleError(f"p: {p} sites cannot reach every point; raise p by at least {short}")
    best, high = _greedy_radius(cost, p, fixed, radii, best)
    while low < high:
        middle = (low + high) // 2
        sites, fewest = _cover_within(cost, fixed, float(radii[middle]), effort)
        if len(sites) <= p:
            best, high = sites, middle
        elif fewest > p:
            low = middle + 1
        else:
            break
    return best, float(radii[low])


def _greedy_radius(
    cost: FloatArray, p: int, fixed: IntArray, radii: FloatArray, best: IntArray
) -> tuple[IntArray, int]:
    """Return the sites of the smallest radius at which greedy covers stay within p, and the radius' number."""
    low, high = 0, len(radii) - 1
    while low < high:
        middle = (low + high) // 2
        sites = _greedy_within(cost, fixed, float(radii[middle]))
        if len(sites) <= p:
            best, high = sites, middle
        else:
            low = middle + 1
    return best, high


def _greedy_within(cost: FloatArray, fixed: IntArray, radius: float) -> IntArray:
    rest = ~(cost[:, fixed] <= radius).any(axis=1)
    cover = csr_array(cost[rest] <= radius, dtype=np.float64)
    system = merge_points(cover, np.ones(int(rest.sum())))
    return np.union1d(fixed, greedy_cover(system, np.ones(cost.shape[1])))


def _cover_within(cost: FloatArray, fixed: IntArray, radius: float, effort: Effort) -> tuple[IntArray, int]:
    """Return sites that reach every point within `radius`, and the fewest that any choice needs."""
    rest = ~(cost[:, fixed] <= radius).any(axis=1)
    cover = csr_array(cost[rest] <= radius, dtype=np.float64)
    system = merge_points(cover, np.ones(int(rest.sum())))
    chosen, fewest = cheapest_cover(system, np.ones(cost.shape[1]), effort)
    return np.union1d(fixed, chosen), len(fixed) + int(np.ceil(fewest - 1e-6))
