"""Greedy, best swap and iterated search for maximal covering."""

import time

import numpy as np

from charging.siting.covering import CoverSystem
from charging.siting.problem import FloatArray, IntArray

CANDIDATES_PER_KICK = 4


class CoverState:
    """Open sites and what every opening and every swap would gain, kept up to date.

    Parameters
    ----------
    system
        What is to be covered.
    sites
        Open sites; their places in this list are the slots.

    Notes
    -----
    `gain[i]`: uncovered weight that site i would add. `loss[s]`: weight that only slot s covers.
    `regain[s, i]`: of this, what site i would cover too. A swap gains gain + regain - loss.
    """

    def __init__(self, system: CoverSystem, sites: IntArray) -> None:
        self.system = system
        self.sites = np.array(sites, dtype=np.int64)
        self.is_open = np.zeros(system.n_sites, dtype=np.bool_)
        self.is_open[self.sites] = True
        self.count = np.zeros(len(system.weight), dtype=np.int64)
        self.slot_sum = np.zeros(len(system.weight), dtype=np.int64)
        for slot, site in enumerate(self.sites):
            points = system.points_of(int(site))
            self.count[points] += 1
            self.slot_sum[points] += slot
        self.gain = np.zeros(system.n_sites)
        self.loss = np.zeros(len(self.sites))
        self.regain = np.zeros((len(self.sites), system.n_sites))
        self._contribute(np.arange(len(system.weight)), 1.0)

    def swap_gains(self) -> FloatArray:
        """Return slots x sites: the weight gained when the site takes the slot (open sites: minus infinity)."""
        gains: FloatArray = self.regain + self.gain - self.loss[:, None]
        gains[:, self.is_open] = -np.inf
        return gains

    def swap(self, slot: int, site: int) -> None:
        """Close the site in `slot` and open `site` in its place."""
        leaving = self.system.points_of(int(self.sites[slot]))
        entering = self.system.points_of(site)
        touched = np.union1d(leaving, entering)
        self._contribute(touched, -1.0)
        self.count[leaving] -= 1
        self.slot_sum[leaving] -= slot
        self.count[entering] += 1
        self.slot_sum[entering] += slot
        self._contribute(touched, 1.0)
        self.is_open[self.sites[slot]] = False
        self.is_open[site] = True
        self.sites[slot] = site

    def covered_weight(self) -> float:
        """Return the weight covered now."""
        return float(self.system.weight[self.count > 0].sum())

    def _contribute(self, points: IntArray, sign: float) -> None:
        count = self.count[points]
        bare = points[count == 0]
        sites, weights = _entries(self.system, bare)
        self.gain += sign * np.bincount(sites, weights, minlength=len(self.gain))
        single = points[count == 1]
        sites, weights = _entries(self.system, single)
        slots = self.slot_sum[single]
        self.loss += sign * np.bincount(slots, self.system.weight[single], minlength=len(self.loss))
        lengths = self.system.by_point.indptr[single + 1] - self.system.by_point.indptr[single]
        np.add.at(self.regain.reshape(-1), np.repeat(slots * len(self.gain), lengths) + sites, sign * weights)


def _entries(system: CoverSystem, points: IntArray) -> tuple[IntArray, FloatArray]:
    """Return the sites that cover `points`, one after the other, and the point's weight beside each."""
    starts = system.by_point.indptr[points]
    lengths = system.by_point.indptr[points + 1] - starts
    before = np.cumsum(lengths) - lengths
    places = np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))
    return system.by_point.indices[places], np.repeat(system.weight[points], lengths)


def greedy(system: CoverSystem, cost: FloatArray, budget: float) -> IntArray:
    """Return sites opened one by one, each the one that gains most per unit of cost and is affordable.

    Parameters
    ----------
    system
        What is to be covered.
    cost
        Cost of each site [unit of the budget].
    budget
        Highest sum of costs.
    """
    left = system.weight.copy()
    gain: FloatArray = system.by_site @ left
    chosen: list[int] = []
    affordable = cost <= budget
    while affordable.any():
        rate = np.where(affordable & (gain > 0), gain / np.maximum(cost, 1e-12), -1.0)
        best = int(rate.argmax())
        if rate[best] <= 0:
            break
        chosen.append(best)
        budget -= cost[best]
        points = system.points_of(best)
        fresh = points[left[points] > 0]
        sites, weights = _entries(system, fresh)
        gain -= np.bincount(sites, weights, minlength=len(gain))
        gain[best] = 0.0
        left[fresh] = 0.0
        affordable = cost <= budget + 1e-9
    return np.array(chosen, dtype=np.int64)


def improve(state: CoverState, cost: FloatArray, slack: float, *, least: float) -> float:
    """Swap as long as a swap gains more than `least`; return the budget that is left.

    Parameters
    ----------
    state
        Open sites; changed in place.
    cost
        Cost of each site [unit of the budget].
    slack
        Budget that is left [unit of the budget].
    least
        Smallest gain that counts [unit of weight].
    """
    dear = bool(np.ptp(cost) > 0) if cost.size else False
    while True:
        gains = state.swap_gains()
        if dear:
            gains[cost[None, :] - cost[state.sites][:, None] > slack + 1e-9] = -np.inf
        if not gains.size:
            return slack
        slot, site = np.unravel_index(int(gains.argmax()), gains.shape)
        if gains[slot, site] <= least:
            return slack
        slack -= cost[site] - cost[state.sites[slot]]
        state.swap(int(slot), int(site))


def iterated_search(
    system: CoverSystem, start: IntArray, *, rounds: int, seed: int, deadline: float = np.inf
) -> IntArray:
    """Return the best sites after `rounds` of shaking two slots and swapping back to a local best.

    All sites cost the same here; the number of sites stays.

    Parameters
    ----------
    system
        What is to be covered.
    start
        Sites to begin from.
    rounds
        Number of rounds.
    seed
        Seed of the shaking.
    deadline
        Reading of `time.perf_counter` after which to stop [s].
    """
    random = np.random.default_rng(seed)
    least = 1e-9 * float(system.weight.sum())
    state = CoverState(system, start)
    flat = np.zeros(system.n_sites)
    improve(state, flat, 0.0, least=least)
    held, value = state.sites.copy(), state.covered_weight()
    best, best_value = held.copy(), value
    if len(held) == 0 or len(held) >= system.n_sites:
        return best
    for _ in range(rounds):
        if time.perf_counter() > deadline:
            break
        for _ in range(2):
            _kick(state, random)
        improve(state, flat, 0.0, least=least)
        reached = state.covered_weight()
        if reached >= value - least:
            held, value = state.sites.copy(), reached
        else:
            _return_to(state, held)
        if value > best_value + least:
            best, best_value = held.copy(), value
    return best


def _kick(state: CoverState, random: np.random.Generator) -> None:
    slot = int(random.integers(len(state.sites)))
    offers = random.integers(len(state.is_open), size=CANDIDATES_PER_KICK)
    closed = offers[~state.is_open[offers]]
    if closed.size:
        state.swap(slot, int(closed[state.gain[closed].argmax()]))


def _return_to(state: CoverState, held: IntArray) -> None:
    """Swap until the same sites are open as in `held` (slots may differ)."""
    wanted = np.setdiff1d(held, state.sites)
    unwanted = np.flatnonzero(~np.isin(state.sites, held))
    for slot, site in zip(unwanted.tolist(), wanted.tolist(), strict=True):
        state.swap(slot, site)
