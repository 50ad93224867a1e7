"""Greedy opening, swaps and shaking for coverings, compiled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from charging.siting.cover_prices import Links
from charging.siting.problem import FloatArray, IntArray
from networks.compiled import compiled

MOST_CLOSED = 4
"""Most sites near each other that one kick closes."""
ANYWHERE_SHARE = 0.2
"""Share of the kicks that close one site anywhere instead."""
LEAST_LUCK = 0.6
"""A kick opens the site of most gain, each gain times a number between this and 1."""
DEVIATION = 0.002
"""Most that a choice from which the shaking goes on lies below the best one [share of its weight]."""
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
def _overlap(links: Links, site: Index, overlap: FloatArray) -> None:
    """Fill in the weight that each site covers together with `site`."""
    overlap[:] = 0.0
    for place in range(links.begin[site], links.begin[site + 1]):
        point = links.point[place]
        for other in range(links.start[point], links.start[point + 1]):
            overlap[links.site[other]] += links.weight[point]


@compiled
def _mark_near(links: Links, site: Index, near: NDArray[np.bool_]) -> None:
    for place in range(links.begin[site], links.begin[site + 1]):
        point = links.point[place]
        for other in range(links.start[point], links.start[point + 1]):
            near[links.site[other]] = True


@compiled
def _swap_near(  # noqa: PLR0913 - the state of the search, array by array
    links: Links,
    cost: FloatArray,
    left: FloatArray,
    is_open: NDArray[np.bool_],
    count: NDArray[np.int32],
    gain: FloatArray,
    least: float,
    near: NDArray[np.bool_],
) -> float:
    """Put the best affordable site in the place of each open one of `near` and, where that gains, of those near it."""
    added, moved = 0.0, True
    while moved:
        moved = False
        for site in np.flatnonzero(is_open & near):
            if not is_open[site]:
                continue
            near[site] = False
            lost = _close(links, site, count, gain)
            is_open[site] = False
            left += cost[:, site]
            best: Index = site
            for other in range(len(gain)):
                if not is_open[other] and gain[other] > gain[best] + least and _fits(cost, left, other):
                    best = other
            is_open[best] = True
            left -= cost[:, best]
            added += _open(links, best, count, gain) - lost
            if best != site:
                moved = True
                _mark_near(links, site, near)
                _mark_near(links, best, near)
                near[best] = False
    return added


@compiled
def _kick(  # noqa: PLR0913 - the state of the search, array by array
    links: Links,
    cost: FloatArray,
    left: FloatArray,
    is_open: NDArray[np.bool_],
    count: NDArray[np.int32],
    gain: FloatArray,
    near: NDArray[np.bool_],
) -> float:
    """Close some open sites round a random one, open one of the good ones there; return the change.

    `near` tells afterwards which sites overlap with what was changed.
    """
    overlap, change = np.empty(len(gain)), 0.0
    _overlap(links, np.random.randint(len(gain)), overlap)  # noqa: NPY002 - numba has no other
    near[:] = overlap > 0.0
    if np.random.random() < ANYWHERE_SHARE:  # noqa: NPY002
        opened = np.flatnonzero(is_open)
        closing = opened[np.random.randint(len(opened)) :][:1]  # noqa: NPY002
        _mark_near(links, closing[0], near)
    else:
        luck = np.where(is_open, overlap, 0.0) * np.random.random(len(gain))  # noqa: NPY002
        closing = np.argsort(-luck)[: 1 + np.random.randint(MOST_CLOSED)]  # noqa: NPY002
    for site in closing:
        if is_open[site] and near[site]:
            change -= _close(links, site, count, gain)
            is_open[site] = False
            left += cost[:, site]
    best, most = -1, 0.0
    for site in range(len(gain)):
        if overlap[site] > 0.0 and not is_open[site] and _fits(cost, left, site):
            lucky = gain[site] * (LEAST_LUCK + (1.0 - LEAST_LUCK) * np.random.random())  # noqa: NPY002
            if lucky > most:
                best, most = site, lucky
    if best >= 0:
        is_open[best] = True
        left -= cost[:, best]
        change += _open(links, best, count, gain)
    return change


@compiled
def _return_to(  # noqa: PLR0913 - the state of the search, array by array
    links: Links,
    cost: FloatArray,
    left: FloatArray,
    is_open: NDArray[np.bool_],
    count: NDArray[np.int32],
    gain: FloatArray,
    held: NDArray[np.bool_],
) -> None:
    for site in range(len(held)):
        if is_open[site] and not held[site]:
            is_open[site] = False
            left += cost[:, site]
            _close(links, site, count, gain)
    for site in range(len(held)):
        if held[site] and not is_open[site]:
            is_open[site] = True
            left -= cost[:, site]
            _open(links, site, count, gain)


@compiled
def search(links: Links, cost: FloatArray, budget: FloatArray, start: IntArray, rounds: int, seed: int) -> IntArray:
    """Return the best sites after greedy opening, swaps, and `rounds` of shaking and swapping nearby.

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
    rounds
        Number of rounds.
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
    held, held_value = is_open.copy(), value
    best, best_value = is_open.copy(), value
    near = np.zeros(n_sites, np.bool_)
    if not is_open.any() or is_open.all():
        return np.flatnonzero(best)
    for _ in range(rounds):
        value += _kick(links, cost, left, is_open, count, gain, near)
        value += _fill(links, cost, budget, left, is_open, count, gain, least)
        near |= is_open & ~held
        value += _swap_near(links, cost, left, is_open, count, gain, least, near)
        value += _fill(links, cost, budget, left, is_open, count, gain, least)
        allowed = DEVIATION * np.random.random()  # noqa: NPY002
        if value >= held_value - least or value >= (1.0 - allowed) * best_value:
            held[:], held_value = is_open, value
            if value > best_value + least:
                best[:], best_value = is_open, value
            continue
        _return_to(links, cost, left, is_open, count, gain, held)
        value = held_value
    return np.flatnonzero(best)
