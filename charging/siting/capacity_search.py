"""Assignment of points to sites of limited capacity: knapsack bounds and moves, compiled."""

import numpy as np

from charging.siting.problem import FloatArray, IntArray
from networks.compiled import compiled

MOST_NODES = 20_000
"""Nodes of a knapsack search after which its linear bound is taken."""


@compiled
def knapsack_worth(
    cost: FloatArray, demand: FloatArray, capacity: FloatArray, price: FloatArray, worth: FloatArray, packed: np.ndarray
) -> None:
    """Fill in for each site the best sum of cost - price (0 or less) within its capacity, and what it then serves.

    Where a search takes too long the linear bound is given, so that `worth` is never too high.
    """
    n_sites, n_points = cost.shape
    gain, size, item = np.empty(n_points), np.empty(n_points), np.empty(n_points, dtype=np.int64)
    for site in range(n_sites):
        count = 0
        for point in range(n_points):
            packed[site, point] = False
            saved = price[point] - cost[site, point]
            if saved > 0.0 and demand[point] <= capacity[site]:
                gain[count], size[count], item[count] = saved, demand[point], point
                count += 1
        order = np.argsort(-gain[:count] / np.maximum(size[:count], 1e-9), kind="mergesort")
        chosen = np.zeros(count, dtype=np.bool_)
        worth[site] = -_knapsack(gain[:count][order], size[:count][order], capacity[site], chosen)
        for place in range(count):
            packed[site, item[order[place]]] = chosen[place]


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
def _knapsack(gain: FloatArray, size: FloatArray, room: float, best: np.ndarray) -> float:
    """Return the best sum of gains, filling in `best`; items come with the best gain per size first."""
    count, nodes = len(gain), 0
    taken = np.zeros(count, dtype=np.bool_)
    value, most, place = 0.0, -1.0, 0
    while True:
        nodes += 1
        if nodes > MOST_NODES:
            return _linear(gain, size, 0, room + float((size * taken).sum()))
        if place < count and value + _linear(gain, size, place, room) > most + 1e-9:
            if size[place] <= room:
                taken[place] = True
                room -= size[place]
                value += gain[place]
            place += 1
            continue
        if place == count and value > most:
            most = value
            best[:] = taken
        place -= 1
        while place >= 0 and not taken[place]:
            place -= 1
        if place < 0:
            return most
        taken[place] = False
        room += size[place]
        value -= gain[place]
        place += 1


@compiled
def serve(cost: FloatArray, demand: FloatArray, capacity: FloatArray, sites: IntArray, slot: IntArray) -> float:
    """Fill in which of `sites` serves each point, most regret first, then moved and exchanged; return the cost.

    The cost is infinite where a point finds no room.
    """
    n_points = len(demand)
    room = capacity[sites].copy()
    slot[:] = -1
    for _ in range(n_points):
        point = _most_regret(cost, demand, sites, slot, room)
        if point < 0:
            return np.inf
        best = -1
        for each in range(len(sites)):
            fits = demand[point] <= room[each]
            if fits and (best < 0 or cost[sites[each], point] < cost[sites[best], point]):
                best = each
        slot[point] = best
        room[best] -= demand[point]
    while _shift(cost, demand, sites, slot, room) or _trade(cost, demand, sites, slot, room):
        pass
    total = 0.0
    for point in range(n_points):
        total += cost[sites[slot[point]], point]
    return total


@compiled
def _most_regret(cost: FloatArray, demand: FloatArray, sites: IntArray, slot: IntArray, room: FloatArray) -> int:  # noqa: C901 - one pass over one state
    """Return the point not served yet that loses most if its best site fills up; -1 where one fits nowhere."""
    most, chosen = -np.inf, -1
    for point in range(len(demand)):
        if slot[point] >= 0:
            continue
        first, second = np.inf, np.inf
        for each in range(len(sites)):
            if demand[point] > room[each]:
                continue
            paid = cost[sites[each], point]
            if paid < first:
                first, second = paid, first
            elif paid < second:
                second = paid
        if first == np.inf:
            return -1
        regret = second - first
        if regret > most or chosen < 0:
            most, chosen = regret, point
    return chosen


@compiled
def _shift(cost: FloatArray, demand: FloatArray, sites: IntArray, slot: IntArray, room: FloatArray) -> bool:
    """Move points to cheaper sites with room; return whether any moved."""
    moved = False
    for point in range(len(demand)):
        for each in range(len(sites)):
            now = slot[point]
            if demand[point] <= room[each] and cost[sites[each], point] < cost[sites[now], point] - 1e-9:
                room[now] += demand[point]
                room[each] -= demand[point]
                slot[point] = each
                moved = True
    return moved


@compiled
def _trade(cost: FloatArray, demand: FloatArray, sites: IntArray, slot: IntArray, room: FloatArray) -> bool:
    """Let pairs of points exchange their sites where that is cheaper and fits; return whether any did."""
    traded = False
    for one in range(len(demand)):
        for other in range(one):
            a, b = slot[one], slot[other]
            if a == b:
                continue
            change = cost[sites[b], one] + cost[sites[a], other] - cost[sites[a], one] - cost[sites[b], other]
            more = demand[one] - demand[other]
            if change < -1e-9 and more <= room[b] and -more <= room[a]:
                room[a] += more
                room[b] -= more
                slot[one], slot[other] = b, a
                traded = True
    return traded
