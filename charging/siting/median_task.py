"""A p-median with the best choice known, and a part of all its choices."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from charging.siting.effort import Effort
from charging.siting.median_bound import Lists
from charging.siting.median_search import grouped, median_value, swap_to_best
from charging.siting.problem import FloatArray, IntArray

SITES_KICKED, KICK_SEED = 4, 1
"""Sites replaced at random at once, and the seed of the choice."""


@dataclass(eq=False)
class Median:
    """A p-median and the best choice known.

    Parameters
    ----------
    cost
        Weighted cost, sites x points; what is not allowed costs `barred`.
    weight
        Weight of each point.
    p
        Number of sites.
    fixed
        Sites that stand already.
    whole_values
        Whether every choice has a whole value.
    barred
        More than all that is allowed costs together; infinite where all is allowed.
    sites, value
        The best choice so far and its value.
    """

    cost: FloatArray
    weight: FloatArray
    p: int
    fixed: IntArray
    whole_values: bool
    barred: float
    sites: IntArray
    value: float = field(init=False)

    def __post_init__(self) -> None:
        self.value = median_value(self.cost, self.sites)

    def take(self, sites: IntArray) -> None:
        """Keep `sites` if they are better than the best known."""
        value = median_value(self.cost, sites)
        if value < self.value:
            self.sites, self.value = sites, value

    def better(self, sites: IntArray) -> None:
        """Keep what swaps make of `sites` if it is better; the fixed sites have to come first."""
        self.take(swap_to_best(self.cost, sites, len(self.fixed)))

    def shake(self, kicks: int, effort: Effort) -> None:
        """Put random sites in the place of some, make swaps, and go on from there unless it is worse; `kicks` times."""
        random = np.random.default_rng(KICK_SEED)
        n_fixed = len(self.fixed)
        kicked = min(SITES_KICKED, self.p - n_fixed)
        if kicked < 1 or len(self.cost) - self.p < kicked:
            return
        sites = swap_to_best(self.cost, self.ordered(), n_fixed)
        value = median_value(self.cost, sites)
        for _ in range(kicks):
            if effort.seconds_left() < 0:
                break
            idle = np.setdiff1d(np.arange(len(self.cost)), sites)
            trial = sites.copy()
            places = n_fixed + random.choice(self.p - n_fixed, kicked, replace=False)
            trial[places] = random.choice(idle, kicked, replace=False)
            trial = swap_to_best(self.cost, trial, n_fixed)
            now = median_value(self.cost, trial)
            if now <= value:
                sites, value = trial, now
        self.take(sites)

    def shake_grouped(self, tried: IntArray, n_alike: int, kicks: int, effort: Effort) -> None:
        """Shake with the sites `tried` alone, points with the same `n_alike` cheapest of them as one; then swap."""
        used = np.union1d(np.union1d(tried, self.sites), self.fixed)
        cost = self.cost[used] if len(used) < len(self.cost) else self.cost
        fixed, sites = np.searchsorted(used, self.fixed), np.searchsorted(used, self.ordered())
        alike = grouped(cost, n_alike)
        small = Median(alike, np.empty(0), self.p, fixed, self.whole_values, np.inf, sites)
        small.shake(kicks, effort)
        self.take(used[swap_to_best(cost, small.ordered(), len(fixed))])

    def ordered(self) -> IntArray:
        """Return the best sites, the fixed ones first."""
        ordered: IntArray = np.r_[self.fixed, np.setdiff1d(self.sites, self.fixed)]
        return ordered

    def rounded(self, share: FloatArray) -> IntArray:
        """Return the fixed sites and those of the largest shares."""
        order = np.argsort(-share, kind="stable")
        ranked: IntArray = np.r_[self.fixed, order[~np.isin(order, self.fixed)]]
        return ranked[: self.p]

    def limit(self, gap: float) -> float:
        """Return the value above which a bound is good enough."""
        step = 1.0 - 1e-6 if self.whole_values else 1e-10 * abs(self.value)
        return self.value - max(step, gap * abs(self.value))

    def bound_of(self, least: float, gap: float) -> float:
        """Return the bound of a search whose parts left have bounds of `least` and more."""
        return self.round_up(min(self.value if gap == 0 else max(self.limit(gap), 0.0), least))

    def goal(self, gap: float) -> tuple[float, float]:
        """Return what the steps aim at and the bound that is enough."""
        return self.value, self.limit(gap)

    def round_up(self, bound: float) -> float:
        """Return the bound, rounded up where every value is a whole number; never above the value."""
        return min(float(np.ceil(bound - 1e-6)) if self.whole_values else bound, self.value)


@dataclass(frozen=True, eq=False)
class Node:
    """A part of all choices: lists, decided sites, prices and shares to begin from, and a bound."""

    lists: Lists
    status: NDArray[np.int8]
    price: FloatArray
    bound: float
    share: FloatArray
    """Mean of the relaxed answers, to begin from."""
