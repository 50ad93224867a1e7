"""Greedy choice and swaps for the p-median.

Costs stand here site by site (sites x points, weighted), so that a swap reads memory in order. Swaps after
Whitaker 1983 (the first that helps is made, every slot weighed in one pass) as in Resende and Werneck 2007,
doi 10.1016/j.ejor.2005.05.049.
"""

import numpy as np

from charging.siting.problem import FloatArray, IntArray
from networks.compiled import compiled

LEAST_GAIN = 1e-10
"""Swaps that gain less than this share of the cost are rounding."""


def median_value(cost: FloatArray, sites: IntArray) -> float:
    """Return the cost of serving every point from its cheapest open site; `cost` is weighted, sites x points."""
    return float(cost[sites].min(axis=0).sum()) if sites.size else np.inf


def greedy_median(cost: FloatArray, p: int, fixed: IntArray) -> IntArray:
    """Return p sites, the fixed ones first, then each the one that lowers the cost most."""
    nearest = cost[fixed].min(axis=0) if fixed.size else cost.max(axis=0)
    chosen = np.empty(p, dtype=np.int64)
    chosen[: fixed.size] = fixed
    _add_greedily(cost, nearest, chosen, fixed.size)
    return chosen


def swap_to_best(cost: FloatArray, sites: IntArray, n_fixed: int) -> IntArray:
    """Return the sites after swaps that lower the cost, until none does.

    Parameters
    ----------
    cost
        Weighted cost, sites x points.
    sites
        Sites to begin from; the first `n_fixed` stay.
    n_fixed
        Number of fixed sites.
    """
    sites = sites.astype(np.int64)
    if n_fixed < len(sites) < len(cost):
        _swap(cost, sites, n_fixed)
    return sites


def swap_changes(cost: FloatArray, sites: IntArray, site: int) -> FloatArray:
    """Return for each slot of `sites` by how much the cost changes when `site` takes it."""
    near, first, second = two_nearest(cost, sites)
    change = np.empty(len(sites))
    gain = _weigh(cost[site], near, first, second, _losses(near, first, second, len(sites)), change)
    return change + gain


def grouped(cost: FloatArray, n_alike: int = 2) -> FloatArray:
    """Return costs, sites x groups, summed over the points with the same `n_alike` (1 to 3) cheapest sites in order."""
    names, number = np.unique(_three_nearest(cost) // len(cost) ** (3 - n_alike), return_inverse=True)
    total: FloatArray = _summed(cost, number, len(names))
    return total


@compiled
def _three_nearest(cost: FloatArray) -> IntArray:
    """Return for each point the numbers of its three cheapest sites as digits of one number, the cheapest first."""
    n_sites, n_points = cost.shape
    least, number = np.full((3, n_points), np.inf), np.zeros((3, n_points), dtype=np.int64)
    for site in range(n_sites):
        for point in range(n_points):
            each = cost[site, point]
            if each >= least[2, point]:
                continue
            rank = 2
            while rank > 0 and each < least[rank - 1, point]:
                least[rank, point], number[rank, point] = least[rank - 1, point], number[rank - 1, point]
                rank -= 1
            least[rank, point], number[rank, point] = each, site
    name: IntArray = (number[0] * n_sites + number[1]) * n_sites + number[2]
    return name


@compiled
def _summed(cost: FloatArray, number: IntArray, n_groups: int) -> FloatArray:
    """Return the costs of each group of points."""
    total = np.zeros((len(cost), n_groups))
    for site in range(len(cost)):
        for point in range(len(number)):
            total[site, number[point]] += cost[site, point]
    return total


@compiled
def _add_greedily(cost: FloatArray, nearest: FloatArray, chosen: IntArray, begun: int) -> None:
    """Fill `chosen` from slot `begun` on. What a site saves only falls, so old savings are upper bounds."""
    n_sites, n_points = cost.shape
    saved = np.full(n_sites, np.inf)
    saved[chosen[:begun]] = -1.0
    for slot in range(begun, len(chosen)):
        fresh = np.zeros(n_sites, dtype=np.bool_)
        best = np.argmax(saved)
        while not fresh[best]:
            total = 0.0
            for point in range(n_points):
                total += max(nearest[point] - cost[best, point], 0.0)
            saved[best] = total
            fresh[best] = True
            best = np.argmax(saved)
        chosen[slot] = best
        saved[best] = -1.0
        for point in range(n_points):
            nearest[point] = min(nearest[point], cost[best, point])


@compiled
def two_nearest(cost: FloatArray, sites: IntArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return the slot of each point's cheapest open site, its cost, and the cost of the next."""
    n_points = cost.shape[1]
    near = np.full(n_points, -1, dtype=np.int64)
    first = np.full(n_points, np.inf)
    second = np.full(n_points, np.inf)
    for slot in range(len(sites)):
        row = cost[sites[slot]]
        for point in range(n_points):
            each = row[point]
            if each < first[point]:
                second[point] = first[point]
                first[point] = each
                near[point] = slot
            elif each < second[point]:
                second[point] = each
    if len(sites) == 1:  # without a second site a point whose only site closes has to go to the new one
        second[:] = cost.max()
    return near, first, second


@compiled
def _losses(near: IntArray, first: FloatArray, second: FloatArray, n_slots: int) -> FloatArray:
    """Return what closing each slot costs."""
    loss = np.zeros(n_slots)
    for point in range(len(near)):
        loss[near[point]] += second[point] - first[point]
    return loss


@compiled
def _weigh(
    row: FloatArray, near: IntArray, first: FloatArray, second: FloatArray, loss: FloatArray, change: FloatArray
) -> float:
    """Return what opening the site with costs `row` changes; fill in what closing each slot then changes."""
    gain = 0.0
    change[:] = loss
    for point in range(len(row)):
        each = row[point]
        if each < second[point]:
            if each < first[point]:
                gain += each - first[point]
                change[near[point]] -= second[point] - first[point]
            else:
                change[near[point]] -= second[point] - each
    return gain


@compiled
def _swap(cost: FloatArray, sites: IntArray, n_fixed: int) -> None:
    """Swap sites in place; go round the candidates until a whole round changes nothing."""
    n_sites = len(cost)
    is_open = np.zeros(n_sites, dtype=np.bool_)
    is_open[sites] = True
    near, first, second = two_nearest(cost, sites)
    loss = _losses(near, first, second, len(sites))
    change = np.empty(len(sites))
    least = LEAST_GAIN * first.sum()
    idle, site = 0, 0
    while idle < n_sites:
        if not is_open[site]:
            gain = _weigh(cost[site], near, first, second, loss, change)
            slot = n_fixed + int(np.argmin(change[n_fixed:]))
            if gain + change[slot] < -least:
                closed = sites[slot]
                is_open[closed], is_open[site] = False, True
                sites[slot] = site
                _move(cost, sites, slot, closed, near, first, second)
                loss = _losses(near, first, second, len(sites))
                idle = 0
        idle += 1
        site = (site + 1) % n_sites


@compiled
def _move(  # noqa: PLR0913 - the parts of one state, which numba handles fastest one by one
    cost: FloatArray,
    sites: IntArray,
    slot: int,
    closed: int,
    near: IntArray,
    first: FloatArray,
    second: FloatArray,
) -> None:
    """Bring near, first and second up to date after the site at `slot` took the place of `closed`."""
    row, was = cost[sites[slot]], cost[closed]
    for point in range(len(row)):
        each = row[point]
        if near[point] == slot and each <= second[point]:
            first[point] = each
        elif near[point] != slot and each < first[point]:
            second[point], first[point], near[point] = first[point], each, slot
        elif near[point] != slot and each <= second[point]:
            second[point] = each
        elif near[point] == slot or was[point] <= second[point]:
            _look_up(cost, sites, point, near, first, second)


@compiled
def _look_up(
    cost: FloatArray, sites: IntArray, point: int, near: IntArray, first: FloatArray, second: FloatArray
) -> None:
    """Find the two cheapest open sites of one point."""
    least, next_least, at = np.inf, np.inf, -1
    for slot in range(len(sites)):
        each = cost[sites[slot], point]
        if each < least:
            least, next_least, at = each, least, slot
        elif each < next_least:
            next_least = each
    near[point], first[point] = at, least
    if len(sites) > 1:
        second[point] = next_least
