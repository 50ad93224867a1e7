"""Cuts under the cost of a p-median by shares of sites opened: what groups of points cost at least; compiled.

With a site j open to y_j, a point of price v costs at least v - sum of (v - cost_j) y_j over the sites below v.
At the price up to which the shares add to one this is what it costs at y (Benders; in closed form as in
Duran-Mateluna, Ales and Elloumi 2023, doi 10.1016/j.ejor.2022.11.033). Summed over a group of points, a cut is one row.
"""

from typing import NamedTuple

import numpy as np

from charging.siting.median_bound import Lists
from charging.siting.problem import FloatArray, IntArray
from networks.compiled import compiled

WHOLE = 1e-9
LEAST_SPREAD = 1e-9
"""Smallest spread of costs that is worth a split."""


class Cut(NamedTuple):
    """Cuts, one a group: a group costs at least `least` - `saved` y, and `value` at the shares they were made for.

    Parameters
    ----------
    least, value
        One a group.
    saved
        Groups x sites.
    short
        Number of points whose lists are too short for these shares.
    """

    least: FloatArray
    value: FloatArray
    saved: FloatArray
    short: int


class Split(NamedTuple):
    """Where to cut all choices in two: a point, and how many of the first sites of its list; -1 where nowhere."""

    point: int
    length: int


@compiled
def cuts_at(lists: Lists, group: IntArray, n_groups: int, share: FloatArray, room: float) -> Cut:
    """Return the cuts at `share`; a point whose list is too short costs beyond it as much as its cap.

    Parameters
    ----------
    lists
        Sites of each point.
    group, n_groups
        Group of each point, and their number.
    share
        How far each site is open [0 to 1].
    room
        What a point costs at least above its last site, where no choice worth having uses a site beyond its list.
    """
    least, value = np.zeros(n_groups), np.zeros(n_groups)
    saved = np.zeros((n_groups, len(share)))
    short = 0
    for point in range(len(group)):
        left, price, paid, stop = 1.0, 0.0, 0.0, lists.end[point]
        for place in range(lists.start[point], lists.end[point]):
            part = share[lists.site[place]]
            price = lists.cost[place]
            if part >= left - WHOLE:
                paid += left * price
                left, stop = 0.0, place
                break
            paid += part * price
            left -= part
        if left > 0.0:
            price = lists.cap[point] if lists.cap[point] < np.inf else price + room
            paid += left * price
            short += 1
        each = group[point]
        least[each] += price
        value[each] += paid
        for place in range(lists.start[point], stop):
            saved[each, lists.site[place]] += price - lists.cost[place]
    return Cut(least, value, saved, short)


@compiled
def best_split(  # noqa: C901 - one pass over one state
    lists: Lists, group: IntArray, n_groups: int, share: FloatArray, weight: FloatArray, least_part: float
) -> Split:
    """Return the split of the largest spread: of each group the point served at the most uneven distances.

    Either one of the sites of less than mean cost opens, or none of them does. On either side the shares have to
    sum up to `least_part`.
    """
    most, at_point, at_length = np.zeros(n_groups), np.full(n_groups, -1), np.zeros(n_groups, dtype=np.int64)
    heavy = np.zeros(n_groups)
    for point in range(len(group)):
        heavy[group[point]] += weight[point]
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
        if spread > most[group[point]]:
            most[group[point]], at_point[group[point]], at_length[group[point]] = spread, point, length
    best = int(np.argmax(most * heavy))
    if most[best] <= LEAST_SPREAD:
        return Split(-1, 0)
    return Split(at_point[best], at_length[best])
