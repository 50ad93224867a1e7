"""Prices that make the Lagrangian bound of a covering small, compiled.

The volume algorithm (Barahona and Anbil 2000, doi 10.1007/s101070050002): steps go from the best prices so
far, along the mean of the relaxed answers, which itself tends to an answer of the linear relaxation.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charging.siting.problem import FloatArray
from networks.compiled import compiled

FREE, OPEN, CLOSED = 0, 1, -1
NEW_SHARE, LEAST_NEW_SHARE, NEW_SHARE_DECAY, LOOK_EVERY = 0.1, 0.005, 0.8, 50
RESUMED_NEW_SHARE = 0.03
LONGER, SHORTER, PATIENCE = 1.1, 0.66, 8
FIRST_STEP, LARGEST_STEP, SMALLEST_STEP = 0.5, 2.0, 1e-6
BOUND, STEP, WEIGHT, TAKEN, FAILED = range(5)
NOTHING = 1e-12


class Links(NamedTuple):
    """Who covers whom.

    Parameters
    ----------
    start, site
        Sites of point j: `site[start[j]:start[j + 1]]`.
    begin, point
        Points of site i: `point[begin[i]:begin[i + 1]]`.
    weight
        Weight of each point.
    """

    start: NDArray[np.int64]
    site: NDArray[np.int32]
    begin: NDArray[np.int64]
    point: NDArray[np.int32]
    weight: FloatArray


class Dual(NamedTuple):
    """Prices and what they lead to; filled in place.

    Parameters
    ----------
    price
        Best prices so far, one a point.
    worth
        Worth of each site at these prices.
    share, times
        Mean of the relaxed answers: share of each site, how often each point is covered.
    control
        Bound at the best prices, length of the steps, weight of new answers, steps taken, failures in a row.
    """

    price: FloatArray
    worth: FloatArray
    share: FloatArray
    times: FloatArray
    control: FloatArray

    @property
    def bound(self) -> float:
        """The bound at the best prices."""
        return float(self.control[BOUND])


def start_dual(links: Links, cost: FloatArray, budget: float, status: NDArray[np.int8], price: FloatArray) -> Dual:
    """Return the dual at the given prices."""
    n_points, n_sites = len(links.weight), len(cost)
    control = np.array([np.inf, FIRST_STEP, NEW_SHARE, 0.0, 0.0])
    dual = Dual(price.astype(np.float64), np.empty(n_sites), np.empty(n_sites), np.empty(n_points), control)
    control[BOUND] = relax(links, cost, budget, status, dual.price, dual.worth, dual.share, dual.times)
    return dual


def resume_dual(links: Links, cost: FloatArray, status: NDArray[np.int8], price: FloatArray, share: FloatArray) -> Dual:
    """Return the dual at the given prices, the mean of its relaxed answers begun near `share`; the budget is 1.

    Parameters
    ----------
    links, cost, status, price
        See `relax`.
    share
        Share of each site in the mean answer of a similar problem.
    """
    dual = start_dual(links, cost, 1.0, status, price)
    dual.control[WEIGHT] = RESUMED_NEW_SHARE
    free = status == FREE
    left = 1.0 - float(cost[status == OPEN].sum())
    spent = float(cost[free] @ share[free])
    if spent > NOTHING:
        dual.share[:] = np.where(free, np.minimum(share * max(left, 0.0) / spent, 1.0), status == OPEN)
        _count_times(links, dual.share, dual.times)
    return dual


@compiled
def _count_times(links: Links, share: FloatArray, times: FloatArray) -> None:
    """Fill in how often the shares of sites cover each point."""
    times[:] = 0.0
    for site in range(len(share)):
        if share[site] > 0.0:
            for place in range(links.begin[site], links.begin[site + 1]):
                times[links.point[place]] += share[site]


@compiled
def relax(  # noqa: PLR0913 - arrays filled in place, given one by one
    links: Links,
    cost: FloatArray,
    budget: float,
    status: NDArray[np.int8],
    price: FloatArray,
    worth: FloatArray,
    share: FloatArray,
    times: FloatArray,
) -> float:
    """Return the bound at `price`; fill in the worth of each site, the best choice and how often it covers.

    Each point may be counted (worth its weight) only if an open site covers it; `price`, between 0 and the
    weight, is paid for breaking this. What is left: the best fractional choice of sites within the budget.
    """
    worth[:] = 0.0
    bound = 0.0
    for point in range(len(price)):
        pay = price[point]
        bound += links.weight[point] - pay
        if pay > 0.0:
            for place in range(links.start[point], links.start[point + 1]):
                worth[links.site[place]] += pay
    bound += choose(worth, cost, budget, status, share)
    _count_times(links, share, times)
    return bound


@compiled
def _sink(rate: FloatArray, site: NDArray[np.int64], root: int, size: int) -> None:
    """Make the part of a heap below `root` one again: the lowest rate on top, of equal ones the first site."""
    while True:
        child = 2 * root + 1
        if child >= size:
            return
        if child + 1 < size and (rate[child + 1], site[child + 1]) < (rate[child], site[child]):
            child += 1
        if (rate[root], site[root]) <= (rate[child], site[child]):
            return
        rate[root], rate[child] = rate[child], rate[root]
        site[root], site[child] = site[child], site[root]
        root = child


@compiled
def choose(worth: FloatArray, cost: FloatArray, budget: float, status: NDArray[np.int8], share: FloatArray) -> float:
    """Fill `share` with the best fractional choice within the budget, open sites included; return its worth."""
    total, left, n_free = 0.0, budget, 0
    free = np.empty(len(worth), np.int64)
    rate = np.empty(len(worth))
    for site in range(len(worth)):
        share[site] = 0.0
        if status[site] == OPEN:
            share[site] = 1.0
            total += worth[site]
            left -= cost[site]
        elif status[site] == FREE and worth[site] > 0.0:
            free[n_free] = site
            rate[n_free] = -worth[site] / max(cost[site], NOTHING)
            n_free += 1
    for root in range(n_free // 2 - 1, -1, -1):
        _sink(rate, free, root, n_free)
    while n_free > 0:
        site = free[0]
        n_free -= 1
        rate[0], free[0] = rate[n_free], free[n_free]
        _sink(rate, free, 0, n_free)
        part = 1.0 if cost[site] <= left else max(left, 0.0) / cost[site]
        share[site] = part
        total += part * worth[site]
        left -= part * cost[site]
        if part < 1.0:
            break
    return total


@compiled
def descend(  # noqa: PLR0913, C901 - one loop of array passes
    links: Links,
    cost: FloatArray,
    budget: float,
    status: NDArray[np.int8],
    dual: Dual,
    steps: int,
    target: float,
    enough: float,
) -> bool:
    """Take up to `steps` steps towards `target`; end at a bound of at most `enough`; return whether to go on."""
    n_points, n_sites = len(dual.price), len(cost)
    price, worth, share, times = np.empty(n_points), np.empty(n_sites), np.empty(n_sites), np.empty(n_points)
    control = dual.control
    for _ in range(steps):
        if control[BOUND] <= enough or control[STEP] < SMALLEST_STEP:
            return False
        length = 0.0
        for point in range(n_points):
            slope = dual.times[point] - 1.0
            if not (dual.price[point] <= 0.0 and slope > 0.0) and not (
                dual.price[point] >= links.weight[point] and slope < 0.0
            ):
                length += slope * slope
        if length < NOTHING:
            return False
        move = control[STEP] * (control[BOUND] - target) / length
        for point in range(n_points):
            price[point] = min(max(dual.price[point] - move * (dual.times[point] - 1.0), 0.0), links.weight[point])
        bound = relax(links, cost, budget, status, price, worth, share, times)
        along = 0.0
        away = 0.0
        change = 0.0
        for point in range(n_points):
            difference = times[point] - dual.times[point]
            along += (times[point] - 1.0) * (dual.times[point] - 1.0)
            away += difference * difference
            change -= (dual.times[point] - 1.0) * difference
        if bound < control[BOUND]:
            if along >= 0.0:
                control[STEP] = min(LONGER * control[STEP], LARGEST_STEP)
            control[BOUND], control[FAILED] = bound, 0.0
            dual.price[:] = price
            dual.worth[:] = worth
        else:
            control[FAILED] += 1.0
        if control[FAILED] >= PATIENCE:
            control[STEP], control[FAILED] = SHORTER * control[STEP], 0.0
        part = min(max(change / away if away > 0.0 else 0.0, control[WEIGHT] / 10.0), control[WEIGHT])
        for point in range(n_points):
            dual.times[point] += part * (times[point] - dual.times[point])
        for site in range(n_sites):
            dual.share[site] += part * (share[site] - dual.share[site])
        control[TAKEN] += 1.0
        if control[TAKEN] % LOOK_EVERY == 0:
            control[WEIGHT] = max(NEW_SHARE_DECAY * control[WEIGHT], LEAST_NEW_SHARE)
    return True
