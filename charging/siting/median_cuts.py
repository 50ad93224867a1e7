"""Cuts under the cost of a p-median by shares of sites opened: what groups of points cost at least; compiled.

With a site j open to y_j, a point of price v costs at least v - sum of (v - cost_j) y_j over the sites below v.
At the price up to which the shares add to one this is what it costs at y (Benders; in closed form as in
Duran-Mateluna, Ales and Elloumi 2023, doi 10.1016/j.ejor.2022.11.033). Summed over a group of points, a cut is one row.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charging.siting.median_bound import Lists
from charging.siting.problem import FloatArray, IntArray
from networks.compiled import compiled

BoolArray = NDArray[np.bool_]
WHOLE = 1e-9
LEAST_SPREAD = 1e-9
"""Smallest spread of costs that is worth a split."""


class Prices(NamedTuple):
    """The price of each point up to which shares add to one; what all cost; points whose lists are too short for it."""

    price: FloatArray
    value: float
    short: int


class Cuts(NamedTuple):
    """Cuts, one a group: it costs at least `least` less what its open sites save.

    Parameters
    ----------
    least
        One a cut.
    start, column, saved
        What the sites save: cut i has `column[start[i]:start[i + 1]]`; the last one is the number of its group
        counted on from the sites.
    """

    least: FloatArray
    start: IntArray
    column: IntArray
    saved: FloatArray


@compiled
def in_order(lists: Lists, order: IntArray, closed: BoolArray) -> Lists:
    """Return the lists of the points in this order, without closed sites."""
    sizes = np.zeros(len(order), dtype=np.int64)
    for number in range(len(order)):
        for place in range(lists.start[order[number]], lists.end[order[number]]):
            sizes[number] += not closed[lists.site[place]]
    end = np.cumsum(sizes)
    start = end - sizes
    site, cost = np.empty(end[-1], dtype=np.int32), np.empty(end[-1])
    filled = 0
    for number in range(len(order)):
        for place in range(lists.start[order[number]], lists.end[order[number]]):
            if not closed[lists.site[place]]:
                site[filled], cost[filled] = lists.site[place], lists.cost[place]
                filled += 1
    return Lists(site, cost, start, end, lists.cap[order])


@compiled
def shortened(lists: Lists, price: FloatArray, beyond: float) -> Lists:
    """Return lists that end `beyond` times the way from the first cost to the price above the price."""
    end, cap = lists.end.copy(), lists.cap.copy()
    for point in range(len(price)):
        start = lists.start[point]
        most = price[point] + beyond * (price[point] - lists.cost[start]) if start < end[point] else 0.0
        while end[point] > start and lists.cost[end[point] - 1] > most:
            end[point] -= 1
            cap[point] = lists.cost[end[point]]
    return Lists(lists.site, lists.cost, lists.start, end, cap)


@compiled
def prices_at(lists: Lists, share: FloatArray, room: float) -> Prices:
    """Return the prices at `share`; a point whose list is too short costs beyond it as much as its cap.

    Parameters
    ----------
    lists
        Sites of each point.
    share
        How far each site is open [0 to 1].
    room
        What a point costs at least above its last site, where no choice worth having uses a site beyond its list.
    """
    prices = np.empty(len(lists.end))
    value, short = 0.0, 0
    for point in range(len(prices)):
        left, price = 1.0, 0.0
        for place in range(lists.start[point], lists.end[point]):
            part = share[lists.site[place]]
            price = lists.cost[place]
            if part >= left - WHOLE:
                value += left * price
                left = 0.0
                break
            value += part * price
            left -= part
        if left > 0.0:
            price = lists.cap[point] if lists.cap[point] < np.inf else price + room
            value += left * price
            short += 1
        prices[point] = price
    return Prices(prices, value, short)


@compiled
def broken_cuts(
    lists: Lists, first: IntArray, price: FloatArray, share: FloatArray, cost: FloatArray, least_breach: float
) -> Cuts:
    """Return the cuts at `price` that shares with this cost of each group break by more than `least_breach`.

    The points of group i stand one behind the other, from `first[i]` to `first[i + 1]`.
    """
    n_groups, n_sites = len(cost), len(share)
    leasts, start = np.empty(n_groups), np.zeros(n_groups + 1, dtype=np.int64)
    column, entry = np.empty(n_groups * (n_sites + 1), dtype=np.int64), np.empty(n_groups * (n_sites + 1))
    count, filled = 0, 0
    for each in range(n_groups):
        least, saved = 0.0, np.zeros(n_sites)
        for point in range(first[each], first[each + 1]):
            least += price[point]
            for place in range(lists.start[point], lists.end[point]):
                if lists.cost[place] >= price[point]:
                    break
                saved[lists.site[place]] += price[point] - lists.cost[place]
        if least - (saved * share).sum() - cost[each] > least_breach:
            for number in range(n_sites):
                if saved[number] > 0.0:
                    column[filled], entry[filled] = number, saved[number]
                    filled += 1
            column[filled], entry[filled] = n_sites + each, 1.0
            filled += 1
            leasts[count] = least
            count += 1
            start[count] = filled
    return Cuts(leasts[:count], start[: count + 1], column[:filled].copy(), entry[:filled].copy())


@compiled
def best_split(  # noqa: C901 - one pass over one state
    lists: Lists, first: IntArray, share: FloatArray, weight: FloatArray, least_part: float
) -> tuple[int, int]:
    """Return the split of the largest spread: of each group the point served at the most uneven distances.

    A split is a point and how many of the first sites of its list: either one of these, of less than mean cost,
    opens, or none of them does. On either side the shares have to sum up to `least_part`. The point is -1 where there
    is none.
    """
    best, best_spread, best_length = -1, LEAST_SPREAD, 0
    for each in range(len(first) - 1):
        most, at_point, at_length, heavy = 0.0, -1, 0, 0.0
        for point in range(first[each], first[each + 1]):
            heavy += weight[point]
            left, total = 1.0, 0.0
            for place in range(lists.start[point], lists.end[point]):
                part = min(share[lists.site[place]], left)
                total += part * lists.cost[place]
                left -= part
                if left <= 0.0:
                    break
            served = 1.0 - left
            if served <= WHOLE:
                continue
            inner, below, length, mean = 0.0, 0.0, 0, total / served
            for place in range(lists.start[point], lists.end[point]):
                if lists.cost[place] >= mean:
                    break
                inner += share[lists.site[place]]
                below += share[lists.site[place]] * lists.cost[place]
                length += 1
            outer = served - inner
            if inner < least_part or outer < least_part:
                continue
            spread = (inner * (total - below) - outer * below) / weight[point]
            if spread > most:
                most, at_point, at_length = spread, point, length
        if most * heavy > best_spread:
            best, best_spread, best_length = at_point, most * heavy, at_length
    return best, best_length
