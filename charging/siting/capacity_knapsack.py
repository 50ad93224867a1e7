"""Knapsacks of sites, plain or with triples of points that cost extra, and what follows from them; compiled.

Extra costs are the prices of subset rows (Jepsen et al. 2008, doi 10.1287/opre.1070.0449).
"""

import numpy as np

from charging.siting.problem import FloatArray, IntArray
from networks.compiled import compiled

MOST_NODES, MOST_STEPS = 20_000, 100_000
"""Steps of a search, plain or with triples, after which its linear worth is taken."""
LEAST_SIZE = 1e-9


@compiled
def knapsack_worth(
    cost: FloatArray, demand: FloatArray, capacity: FloatArray, price: FloatArray, worth: FloatArray, packed: np.ndarray
) -> None:
    """Fill in for each site the best sum of cost - price (0 or less) within its capacity, and what it then serves.

    Where a search takes too long the linear bound is given, so that `worth` is never too high.
    """
    n_sites, n_points = cost.shape
    gain, size, item = np.empty(n_points), np.empty(n_points), np.empty(n_points, dtype=np.int64)
    none, corner, penalty = np.full(n_points, -1), np.empty((0, 3), dtype=np.int64), np.empty(0)
    packed[:] = False
    for site in range(n_sites):
        count = _gainful(cost[site], demand, capacity[site], price, gain, size, item)
        chosen = np.zeros(count, dtype=np.bool_)
        value, _ = _search(
            gain[:count], size[:count], capacity[site], none[:count], none, none, corner, penalty, chosen, MOST_NODES
        )
        worth[site] = -value
        for place in range(count):
            packed[site, item[place]] = chosen[place]


@compiled
def pack(  # noqa: PLR0913 - plain arrays
    cost: FloatArray,
    demand: FloatArray,
    capacity: FloatArray,
    price: FloatArray,
    offset: FloatArray,
    p: int,
    triple: IntArray,
    penalty: FloatArray,
    worth: FloatArray,
    packed: np.ndarray,
) -> int:
    """Fill in for each site the best sum of cost - price (0 or less) within its capacity, and what it then serves.

    Two or three points of a `triple` (rows of three) in one site cost its `penalty` as well. Of the sites, only those
    are searched that may be among the p of least worth + offset; the others get their linear worth and serve nothing.
    The linear worth is given as well where a search takes too long, so that `worth` is never too high. Returns how many
    steps it took.
    """
    n_sites, n_points = cost.shape
    gain, size, item = np.empty(n_points), np.empty(n_points), np.empty(n_points, dtype=np.int64)
    corner = np.full((len(triple), 3), -1)
    packed[:] = False
    for site in range(n_sites):
        count = _gainful(cost[site], demand, capacity[site], price, gain, size, item)
        worth[site] = -_linear(gain[:count], size[:count], 0, capacity[site])
    best, steps = np.full(p, np.inf), 0
    for site in np.argsort(worth + offset, kind="mergesort"):
        if p == 0 or worth[site] + offset[site] >= best.max():
            break
        count = _gainful(cost[site], demand, capacity[site], price, gain, size, item)
        first, following, of = _links(triple, item[:count], n_points, corner)
        chosen = np.zeros(count, dtype=np.bool_)
        value, taken = _search(
            gain[:count], size[:count], capacity[site], first, following, of, corner, penalty, chosen, MOST_STEPS
        )
        steps += taken
        worth[site] = -value
        for place in range(count):
            packed[site, item[place]] = chosen[place]
        worst = best.argmax()
        best[worst] = min(best[worst], worth[site] + offset[site])
    return steps


@compiled
def _gainful(  # noqa: PLR0913 - plain arrays
    cost: FloatArray,
    demand: FloatArray,
    room: float,
    price: FloatArray,
    gain: FloatArray,
    size: FloatArray,
    item: IntArray,
) -> int:
    """Fill in gain, size and number of the points worth serving, the best gain per size first; return how many."""
    count = 0
    for point in range(len(cost)):
        saved = price[point] - cost[point]
        if saved > 0.0 and demand[point] <= room:
            gain[count], size[count], item[count] = saved, demand[point], point
            count += 1
    order = np.argsort(-gain[:count] / np.maximum(size[:count], LEAST_SIZE), kind="mergesort")
    gain[:count], size[:count], item[:count] = gain[:count][order], size[:count][order], item[:count][order]
    return count


@compiled
def _links(triple: IntArray, item: IntArray, n_points: int, corner: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return the triples of each place as chains: first link of each place, next link, triple of each link.

    Fills in the places of the points of each triple (-1 where a point has none). Triples with one place are left out.
    """
    place_of = np.full(n_points, -1)
    for place in range(len(item)):
        place_of[item[place]] = place
    first = np.full(len(item), -1)
    following, of = np.empty(3 * len(triple), dtype=np.int64), np.empty(3 * len(triple), dtype=np.int64)
    links = 0
    for each in range(len(triple)):
        inside = 0
        for number in range(3):
            corner[each, number] = place_of[triple[each, number]]
            inside += corner[each, number] >= 0
        if inside < 2:
            continue
        for number in range(3):
            place = corner[each, number]
            if place >= 0:
                of[links], following[links] = each, first[place]
                first[place] = links
                links += 1
    return first, following, of


@compiled
def _linear(gain: FloatArray, size: FloatArray, start: int, room: float) -> float:
    total = 0.0
    for place in range(start, len(gain)):
        if size[place] <= room:
            room -= size[place]
            total += gain[place]
        else:
            return total + float(gain[place]) * room / float(size[place])
    return total


@compiled
def _linear_with_triples(  # noqa: PLR0913 - plain arrays
    gain: FloatArray,
    size: FloatArray,
    start: int,
    room: float,
    first: IntArray,
    following: IntArray,
    of: IntArray,
    corner: IntArray,
    penalty: FloatArray,
    held: IntArray,
) -> float:
    """Return the linear worth of the places from `start` on less penalties that are sure.

    Of a triple with one point taken, the next one costs the penalty, shared by those that are still open. A place whose
    gain falls is worth no less than its size at the ratio where the room ends (dual of the linear knapsack).
    """
    total, left, stop, ratio = 0.0, room, len(gain), 0.0
    for place in range(start, len(gain)):
        if size[place] > left:
            stop, ratio = place, float(gain[place]) / float(size[place])
            total += ratio * left
            break
        left -= size[place]
        total += gain[place]
    for place in range(start, stop):
        less, link = 0.0, first[place]
        while link >= 0:
            each = of[link]
            if held[each] == 1:
                still = 0
                for number in range(3):
                    still += corner[each, number] >= start
                less += penalty[each] / still
            link = following[link]
        if less > 0.0:
            total -= min(less, gain[place] - ratio * size[place])
    return total


@compiled
def _take(  # noqa: PLR0913 - plain arrays
    place: int, first: IntArray, following: IntArray, of: IntArray, penalty: FloatArray, held: IntArray, by: int
) -> float:
    """Count a place in its triples (`by` 1) or out of them (-1); return the penalties that come or go with it."""
    change, link = 0.0, first[place]
    while link >= 0:
        each = of[link]
        if held[each] + min(by, 0) == 1:
            change += penalty[each]
        held[each] += by
        link = following[link]
    return change


@compiled
def _search(  # noqa: PLR0913 - plain arrays
    gain: FloatArray,
    size: FloatArray,
    room: float,
    first: IntArray,
    following: IntArray,
    of: IntArray,
    corner: IntArray,
    penalty: FloatArray,
    best: np.ndarray,
    most_steps: int,
) -> tuple[float, int]:
    """Return the best sum of gains less penalties, filling in `best`, and how many steps it took; no more than given.

    Places come with the best gain per size first.
    """
    count, steps, whole_room = len(gain), 0, room
    taken, held = np.zeros(count, dtype=np.bool_), np.zeros(len(penalty), dtype=np.int64)
    value, most, place = 0.0, -1.0, 0
    slack = 1e-12 * _linear(gain, size, 0, room)
    while True:
        steps += 1
        if steps > most_steps:
            return _linear(gain, size, 0, whole_room), steps
        if (
            place < count
            and value + _linear(gain, size, place, room) > most + slack
            and (
                len(penalty) == 0
                or value + _linear_with_triples(gain, size, place, room, first, following, of, corner, penalty, held)
                > most + slack
            )
        ):
            if size[place] <= room:
                taken[place] = True
                room -= size[place]
                value += gain[place] - _take(place, first, following, of, penalty, held, 1)
            place += 1
            continue
        if place == count and value > most:
            most = value
            best[:] = taken
        place -= 1
        while place >= 0 and not taken[place]:
            place -= 1
        if place < 0:
            return most, steps
        taken[place] = False
        room += size[place]
        value -= gain[place] - _take(place, first, following, of, penalty, held, -1)
        place += 1


@compiled
def forbid(cost: FloatArray, demand: FloatArray, capacity: FloatArray, price: FloatArray, most: FloatArray) -> None:
    """Make dear (infinite), in place, what a site cannot serve with its worth up to `most` (one a site).

    The worth with a point in it is at least that point's cost less its price and the linear worth of what else has
    room; the point is left among these, so that nothing is forbidden wrongly.
    """
    n_sites, n_points = cost.shape
    gain, size, item = np.empty(n_points), np.empty(n_points), np.empty(n_points, dtype=np.int64)
    for site in range(n_sites):
        count = _gainful(cost[site], demand, capacity[site], price, gain, size, item)
        for point in range(n_points):
            if cost[site, point] == np.inf:
                continue
            room = capacity[site] - demand[point]
            above = cost[site, point] - price[point]
            if room < 0.0 or above - _linear(gain[:count], size[:count], 0, room) > most[site]:
                cost[site, point] = np.inf


@compiled
def ways_between(cost: FloatArray) -> FloatArray:
    """Return for each pair of sites the least cost of a way from one to the other by a point."""
    n_sites, n_points = cost.shape
    way = np.zeros((n_sites, n_sites))
    for one in range(n_sites):
        for other in range(one):
            least = np.inf
            for point in range(n_points):
                least = min(least, cost[one, point] + cost[other, point])
            way[one, other] = way[other, one] = least
    return way


@compiled
def triples_over(member: np.ndarray, used: FloatArray, least: float, most: int) -> tuple[IntArray, FloatArray]:
    """Return triples of points (rows) of which clusters with two or three are used more than 1 + `least`, and the rest.

    `member`: clusters x points; `used`: how far each is used. At most `most` triples.
    """
    n_points = member.shape[1]
    pair = _pairs(member, used)
    found, over, number = np.empty((most, 3), dtype=np.int64), np.empty(most), 0
    for one in range(n_points):
        for other in range(n_points):
            if pair[one, other] == 0.0:
                continue
            for third in range(other + 1, n_points):
                # two pairs at least are in use: `one` is the point of both, or the first of the three where all are
                if pair[one, third] == 0.0 or (other < one and pair[other, third] > 0.0):
                    continue
                total = pair[one, other] + pair[one, third] + pair[other, third] - 1.0
                if total > least:
                    total -= 2.0 * _together(member, used, one, other, third)
                if total > least and number < most:
                    found[number, 0], found[number, 1], found[number, 2] = one, other, third
                    over[number] = total
                    number += 1
    return found[:number], over[:number]


@compiled
def _pairs(member: np.ndarray, used: FloatArray) -> FloatArray:
    pair = np.zeros((member.shape[1], member.shape[1]))
    for column in range(len(member)):
        inside = np.flatnonzero(member[column])
        for one in inside:
            for other in inside:
                if one != other:
                    pair[one, other] += used[column]
    return pair


@compiled
def _together(member: np.ndarray, used: FloatArray, one: int, other: int, third: int) -> float:
    total = 0.0
    for column in range(len(member)):
        if member[column, one] and member[column, other] and member[column, third]:
            total += used[column]
    return total
