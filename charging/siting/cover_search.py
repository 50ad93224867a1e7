"""Greedy opening, swaps and shaking for coverings, compiled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from charging.siting.cover_prices import Links
from charging.siting.problem import FloatArray, IntArray
from networks.compiled import compiled

CANDIDATES_PER_KICK = 4
Index = int | np.integer[Any]
SLACK = 1e-9


@compiled
def covered_weight(links: Links, sites: IntArray) -> float:
    """Return the weight that `sites` cover together."""
    reached = np.zeros(len(links.weight), np.bool_)
    total = 0.0
    for site in sites:
        for place in range(links.begin[site], links.begin[site + 1]):
            point = links.point[place]
            if not reached[point]:
                reached[point] = True
                total += links.weight[point]
    return total


@compiled
def _open(links: Links, site: Index, count: NDArray[np.int32], gain: FloatArray) -> float:
    """Open `site`; keep `count` (how often each point is covered) and `gain` up; return the weight added."""
    added = 0.0
    for place in range(links.begin[site], links.begin[site + 1]):
        point = links.point[place]
        if count[point] == 0:
            added += links.weight[point]
            for other in range(links.start[point], links.start[point + 1]):
                gain[links.site[other]] -= links.weight[point]
        count[point] += 1
    return added


@compiled
def _close(links: Links, site: Index, count: NDArray[np.int32], gain: FloatArray) -> float:
    """Close `site`; return the weight lost."""
    lost = 0.0
    for place in range(links.begin[site], links.begin[site + 1]):
        point = links.point[place]
        count[point] -= 1
        if count[point] == 0:
            lost += links.weight[point]
            for other in range(links.start[point], links.start[point + 1]):
                gain[links.site[other]] += links.weight[point]
    return lost


@compiled
def _fits(cost: FloatArray, left: FloatArray, site: int) -> bool:
    for purse in range(len(left)):  # noqa: SIM110 - compiled, and faster than a generator
        if cost[purse, site] > left[purse] + SLACK:
            return False
    return True


@compiled
def _rate(cost: FloatArray, budget: FloatArray, gain: float, site: int) -> float:
    """Return the gain per share of the budgets that `site` takes."""
    part = 1e-12
    for purse in range(len(budget)):
        part = max(part, cost[purse, site] / max(budget[purse], 1e-12))
    return gain / part


@compiled
def _fill(  # noqa: PLR0913 - the state of the search, array by array
    links: Links,
    cost: FloatArray,
    budget: FloatArray,
    left: FloatArray,
    is_open: NDArray[np.bool_],
    count: NDArray[np.int32],
    gain: FloatArray,
    least: float,
) -> float:
    """Open sites, most gain per budget first, as long as one gains and is affordable; return the weight added."""
    added = 0.0
    while True:
        best, best_rate = -1, 0.0
        for site in range(len(gain)):
            if is_open[site] or gain[site] <= least or not _fits(cost, left, site):
                continue
            rate = _rate(cost, budget, gain[site], site)
            if rate > best_rate:
                best, best_rate = site, rate
        if best < 0:
            return added
        is_open[best] = True
        left -= cost[:, best]
        added += _open(links, best, count, gain)


@compiled
def _swap_all(  # noqa: PLR0913 - the state of the search, array by array
    links: Links,
    cost: FloatArray,
    left: FloatArray,
    is_open: NDArray[np.bool_],
    count: NDArray[np.int32],
    gain: FloatArray,
    least: float,
) -> float:
    """Put the best affordable site in the place of each open one, as long as that gains; return the weight added."""
    added, moved = 0.0, True
    while moved:
        moved = False
        for site in np.flatnonzero(is_open):
            lost = _close(links, site, count, gain)
            is_open[site] = False
            left += cost[:, site]
            best: Index = site
            for other in range(len(gain)):
                if not is_open[other] and gain[other] > gain[best] + least and _fits(cost, left, other):
                    best = other
            moved = moved or best != site
            is_open[best] = True
            left -= cost[:, best]
            added += _open(links, best, count, gain) - lost
    return added


@compiled
def _kick(
    links: Links,
    cost: FloatArray,
    left: FloatArray,
    is_open: NDArray[np.bool_],
    count: NDArray[np.int32],
    gain: FloatArray,
) -> float:
    """Put a random affordable site, the best of a few, in the place of a random open one; return the change."""
    opened = np.flatnonzero(is_open)
    site = opened[np.random.randint(len(opened))]  # noqa: NPY002 - numba has no other
    change = -_close(links, site, count, gain)
    is_open[site] = False
    left += cost[:, site]
    best = -1
    for _ in range(CANDIDATES_PER_KICK):
        other = np.random.randint(len(gain))  # noqa: NPY002 - numba has no other
        if is_open[other] or other == site or not _fits(cost, left, other):
            continue
        if best < 0 or gain[other] > gain[best]:
            best = other
    if best < 0:
        best = site
    is_open[best] = True
    left -= cost[:, best]
    return change + _open(links, best, count, gain)


@compiled
def search(  # noqa: C901, PLR0913 - plain arrays; the rounds in one loop
    links: Links, cost: FloatArray, budget: FloatArray, start: IntArray, rounds: int, kicks: int, seed: int
) -> IntArray:
    """Return the best sites after greedy opening, swaps, and `rounds` of shaking and swapping.

    Parameters
    ----------
    links
        Who covers whom.
    cost
        Purses x sites: what each site takes of each purse.
    budget
        Content of each purse.
    start
        Sites to begin from; they must be affordable.
    rounds, kicks
        Number of rounds, and of random swaps in each.
    seed
        Seed of the shaking.
    """
    np.random.seed(seed)  # noqa: NPY002 - numba has no other
    n_sites = cost.shape[1]
    least = 1e-10 * links.weight.sum()
    is_open = np.zeros(n_sites, np.bool_)
    count = np.zeros(len(links.weight), np.int32)
    gain = np.zeros(n_sites)
    for site in range(n_sites):
        for place in range(links.begin[site], links.begin[site + 1]):
            gain[site] += links.weight[links.point[place]]
    left = budget.copy()
    value = 0.0
    for site in start:
        is_open[site] = True
        left -= cost[:, site]
        value += _open(links, site, count, gain)
    value += _fill(links, cost, budget, left, is_open, count, gain, least)
    value += _swap_all(links, cost, left, is_open, count, gain, least)
    value += _fill(links, cost, budget, left, is_open, count, gain, least)
    held, held_value = np.flatnonzero(is_open), value
    best, best_value = held, value
    if len(held) == 0 or len(held) == n_sites:
        return best
    for _ in range(rounds):
        for _ in range(kicks):
            value += _kick(links, cost, left, is_open, count, gain)
        value += _fill(links, cost, budget, left, is_open, count, gain, least)
        value += _swap_all(links, cost, left, is_open, count, gain, least)
        value += _fill(links, cost, budget, left, is_open, count, gain, least)
        if value >= held_value - least:
            held, held_value = np.flatnonzero(is_open), value
            if value > best_value + least:
                best, best_value = held, value
            continue
        for opened in np.flatnonzero(is_open):
            is_open[opened] = False
            left += cost[:, opened]
            _close(links, opened, count, gain)
        for opened in held:
            is_open[opened] = True
            left -= cost[:, opened]
            _open(links, opened, count, gain)
        value = held_value
    return best
