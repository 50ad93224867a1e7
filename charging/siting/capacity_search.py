"""Assignment of points to sites of limited capacity, bettered by moves of points and sites; compiled."""

import numpy as np

from charging.siting.problem import FloatArray, IntArray
from networks.compiled import compiled

WORSE, PATIENCE, MOST_MOVED, NEAR_BY = 0.003, 60, 3, 0.8
"""Shaking goes on from a choice up to this share dearer, this long without a better one; most sites moved at once."""


@compiled
def serve(cost: FloatArray, demand: FloatArray, capacity: FloatArray, sites: IntArray, slot: IntArray) -> float:
    """Fill in which of `sites` serves each point, most regret first, then bettered; return the cost.

    Sites may move within their clusters, in place. The cost is infinite where a point finds no room.
    """
    room = capacity[sites].copy()
    slot[:] = -1
    if not _fill(cost, demand, sites, slot, room):
        return np.inf
    return _settle(cost, demand, capacity, sites, slot, room)


@compiled
def _settle(
    cost: FloatArray, demand: FloatArray, capacity: FloatArray, sites: IntArray, slot: IntArray, room: FloatArray
) -> float:
    """Move and exchange points and move sites within their clusters, in place, until nothing helps; return the cost."""
    while (
        _shift(cost, demand, sites, slot, room)
        or _trade(cost, demand, sites, slot, room)
        or _recentre(cost, capacity, sites, slot, room)
    ):
        pass
    total = 0.0
    for point in range(len(demand)):
        total += cost[sites[slot[point]], point]
    return total


@compiled
def _recentre(  # noqa: C901 - one pass over one state
    cost: FloatArray, capacity: FloatArray, sites: IntArray, slot: IntArray, room: FloatArray
) -> bool:
    """Move sites to where their points are served at least cost; return whether any moved."""
    n_sites, n_points = cost.shape
    is_open = np.zeros(n_sites, dtype=np.bool_)
    is_open[sites] = True
    moved = False
    for each in range(len(sites)):
        load = capacity[sites[each]] - room[each]
        best, least = sites[each], 0.0
        for point in range(n_points):
            if slot[point] == each:
                least += cost[best, point]
        now = least
        for site in range(n_sites):
            if is_open[site] or capacity[site] < load:
                continue
            total = 0.0
            for point in range(n_points):
                if slot[point] == each:
                    total += cost[site, point]
                    if total >= least:
                        break
            if total < least - 1e-9 * (1.0 + now):
                best, least = site, total
        if best != sites[each]:
            is_open[sites[each]], is_open[best] = False, True
            sites[each] = best
            room[each] = capacity[best] - load
            moved = True
    return moved


@compiled
def shake(  # noqa: PLR0913 - plain arrays; the rounds in one loop
    cost: FloatArray,
    demand: FloatArray,
    capacity: FloatArray,
    among: IntArray,
    sites: IntArray,
    slot: IntArray,
    rounds: int,
    seed: int,
) -> float:
    """Better `sites` and `slot` in place by moving a few sites at random and settling, `rounds` times; return the cost.

    Sites move to places `among` those given. A choice up to `WORSE` dearer is gone on from; after `PATIENCE` rounds
    without a better one the best is.
    """
    np.random.seed(seed)  # noqa: NPY002 - numba has no other
    held, best, trial = sites.copy(), sites.copy(), sites.copy()
    held_slot, best_slot, trial_slot = slot.copy(), slot.copy(), slot.copy()
    least = serve(cost, demand, capacity, best, best_slot)
    held[:], held_slot[:] = best, best_slot
    now, idle = least, 0
    for _ in range(rounds):
        trial[:], trial_slot[:] = held, held_slot
        for _ in range(1 + np.random.randint(MOST_MOVED)):  # noqa: NPY002 - numba has no other
            _move(cost, among[np.random.randint(len(among))], trial, trial_slot)  # noqa: NPY002 - numba has no other
        value = _refill(cost, demand, capacity, trial, trial_slot) if least < np.inf else np.inf
        if value == np.inf:
            value = serve(cost, demand, capacity, trial, trial_slot)
        if value < now * (1.0 + WORSE):
            held[:], held_slot[:], now = trial, trial_slot, value
        idle += 1
        if value < least * (1.0 - 1e-12):
            best[:], best_slot[:], least, idle = trial, trial_slot, value, 0
        if idle >= PATIENCE:
            held[:], held_slot[:], now, idle = best, best_slot, least, 0
    sites[:], slot[:] = best, best_slot
    return least


@compiled
def _move(cost: FloatArray, site: int, sites: IntArray, slot: IntArray) -> None:
    """Open `site` in place of one near it, mostly, or of any; leave the points of both without a site (slot -1)."""
    if (sites == site).any():
        return
    shut = np.random.randint(len(sites))  # noqa: NPY002 - numba has no other
    if np.random.random() < NEAR_BY:  # noqa: NPY002 - numba has no other
        nearest = np.argsort(cost[site])[: 1 + len(slot) // len(sites)]
        near = slot[nearest[np.random.randint(len(nearest))]]  # noqa: NPY002 - numba has no other
        shut = near if near >= 0 else shut
    for point in range(len(slot)):
        if slot[point] == shut or (slot[point] >= 0 and cost[site, point] < cost[sites[slot[point]], point]):
            slot[point] = -1
    sites[shut] = site


@compiled
def _refill(cost: FloatArray, demand: FloatArray, capacity: FloatArray, sites: IntArray, slot: IntArray) -> float:
    """Serve the points without a site, most regret first, and settle; return the cost (infinite: no room)."""
    room = capacity[sites].copy()
    for point in range(len(slot)):
        if slot[point] >= 0:
            room[slot[point]] -= demand[point]
    if room.min() < 0 or not _fill(cost, demand, sites, slot, room):
        return np.inf
    return _settle(cost, demand, capacity, sites, slot, room)


@compiled
def _fill(cost: FloatArray, demand: FloatArray, sites: IntArray, slot: IntArray, room: FloatArray) -> bool:
    """Serve the points without a site, most regret first; return whether all found room."""
    for _ in range((slot < 0).sum()):
        point = _most_regret(cost, demand, sites, slot, room)
        if point < 0:
            return False
        best = -1
        for each in range(len(sites)):
            fits = demand[point] <= room[each]
            if fits and (best < 0 or cost[sites[each], point] < cost[sites[best], point]):
                best = each
        slot[point] = best
        room[best] -= demand[point]
    return True


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
