"""Greedy opening, swaps and shaking for coverings, compiled."""

from typing import Any, NamedTuple

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


class _State(NamedTuple):
    """Where a search stands.

    Who covers whom; what each site takes of each purse and what is left in them; which sites are open, how often each
    point is covered, and what each site would add.
    """

    links: Links
    cost: FloatArray
    left: FloatArray
    is_open: NDArray[np.bool_]
    covers: NDArray[np.int32]
    gain: FloatArray


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
def _open(state: _State, site: Index) -> float:
    """Open `site`; return the weight added."""
    links, covers, gain = state.links, state.covers, state.gain
    added = 0.0
    for place in range(links.begin[site], links.begin[site + 1]):
        point = links.point[place]
        if covers[point] == 0:
            added += links.weight[point]
            for other in range(links.start[point], links.start[point + 1]):
                gain[links.site[other]] -= links.weight[point]
        covers[point] += 1
    state.is_open[site] = True
    state.left[:] -= state.cost[:, site]
    return added


@compiled
def _close(state: _State, site: Index) -> float:
    """Close `site`; return the weight lost."""
    links, covers, gain = state.links, state.covers, state.gain
    lost = 0.0
    for place in range(links.begin[site], links.begin[site + 1]):
        point = links.point[place]
        covers[point] -= 1
        if covers[point] == 0:
            lost += links.weight[point]
            for other in range(links.start[point], links.start[point + 1]):
                gain[links.site[other]] += links.weight[point]
    state.is_open[site] = False
    state.left[:] += state.cost[:, site]
    return lost


@compiled
def _fits(state: _State, site: int) -> bool:
    for purse in range(len(state.left)):  # noqa: SIM110 - compiled, and faster than a generator
        if state.cost[purse, site] > state.left[purse] + SLACK:
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
def _fill(state: _State, budget: FloatArray, least: float) -> float:
    """Open sites, most gain per budget first, as long as one gains and is affordable; return the weight added."""
    gain, added = state.gain, 0.0
    while True:
        best, best_rate = -1, 0.0
        for site in range(len(gain)):
            if state.is_open[site] or gain[site] <= least or not _fits(state, site):
                continue
            rate = _rate(state.cost, budget, gain[site], site)
            if rate > best_rate:
                best, best_rate = site, rate
        if best < 0:
            return added
        added += _open(state, best)


@compiled
def _swap(state: _State, site: Index, least: float) -> tuple[Index, float]:
    """Put the best affordable site in the place of an open one; return it and the weight added."""
    lost = _close(state, site)
    best: Index = site
    for other in range(len(state.gain)):
        if not state.is_open[other] and state.gain[other] > state.gain[best] + least and _fits(state, other):
            best = other
    return best, _open(state, best) - lost


@compiled
def _swap_all(state: _State, least: float) -> float:
    """Put the best affordable site in the place of each open one, as long as that gains; return the weight added."""
    added, moved = 0.0, True
    while moved:
        moved = False
        for site in np.flatnonzero(state.is_open):
            best, more = _swap(state, site, least)
            moved = moved or best != site
            added += more
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
def _swap_near(state: _State, least: float, near: NDArray[np.bool_]) -> float:
    """Put the best affordable site in the place of each open one of `near` and, where that gains, of those near it."""
    added, moved = 0.0, True
    while moved:
        moved = False
        for site in np.flatnonzero(state.is_open & near):
            if not state.is_open[site]:
                continue
            near[site] = False
            best, more = _swap(state, site, least)
            added += more
            if best != site:
                moved = True
                _mark_near(state.links, site, near)
                _mark_near(state.links, best, near)
                near[best] = False
    return added


@compiled
def _kick(state: _State, near: NDArray[np.bool_]) -> float:
    """Close some open sites round a random one, open one of the good ones there; return the change.

    `near` tells afterwards which sites overlap with what was changed.
    """
    links, is_open, gain = state.links, state.is_open, state.gain
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
            change -= _close(state, site)
    best, most = -1, 0.0
    for site in range(len(gain)):
        if overlap[site] > 0.0 and not is_open[site] and _fits(state, site):
            lucky = gain[site] * (LEAST_LUCK + (1.0 - LEAST_LUCK) * np.random.random())  # noqa: NPY002
            if lucky > most:
                best, most = site, lucky
    return change + _open(state, best) if best >= 0 else change


@compiled
def _return_to(state: _State, held: NDArray[np.bool_]) -> None:
    for site in range(len(held)):
        if state.is_open[site] and not held[site]:
            _close(state, site)
    for site in range(len(held)):
        if held[site] and not state.is_open[site]:
            _open(state, site)


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
    gain = np.zeros(n_sites)
    for site in range(n_sites):
        for place in range(links.begin[site], links.begin[site + 1]):
            gain[site] += links.weight[links.point[place]]
    is_open = np.zeros(n_sites, np.bool_)
    state = _State(links, cost, budget.copy(), is_open, np.zeros(len(links.weight), np.int32), gain)
    value = 0.0
    for site in start:
        value += _open(state, site)
    value += _fill(state, budget, least)
    value += _swap_all(state, least)
    value += _fill(state, budget, least)
    held, held_value = is_open.copy(), value
    best, best_value = is_open.copy(), value
    near = np.zeros(n_sites, np.bool_)
    if not is_open.any() or is_open.all():
        return np.flatnonzero(best)
    for _ in range(rounds):
        value += _kick(state, near)
        value += _fill(state, budget, least)
        near |= is_open & ~held
        value += _swap_near(state, least, near)
        value += _fill(state, budget, least)
        allowed = DEVIATION * np.random.random()  # noqa: NPY002
        if value >= held_value - least or value >= (1.0 - allowed) * best_value:
            held[:], held_value = is_open, value
            if value > best_value + least:
                best[:], best_value = is_open, value
            continue
        _return_to(state, held)
        value = held_value
    return np.flatnonzero(best)
