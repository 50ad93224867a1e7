"""Branch and bound for the p-median on its Lagrangian bound.

A part of all choices is cut in two where the relaxed answer serves a point at the most uneven costs: either a site
within the mean cost opens, or all of them stay closed (as with the radius variables of Garcia, Labbe and Marin 2011,
doi 10.1287/ijoc.1100.0418). Both cuts only shorten lists or close sites, so a part keeps no more than that, and the
prices and shares to begin from. The lists on which its bound is raised go little beyond the prices: they are read
fast, and prices that cannot go far at once rise faster.
"""

import heapq
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from charging.siting.effort import Effort
from charging.siting.median_bound import (
    BOUND,
    CLOSED,
    FREE,
    OPEN,
    Dual,
    Lists,
    ascend,
    compact,
    near_part,
    shrink,
    start_dual,
    trimmed,
    warm_up,
)
from charging.siting.median_rest import solve_rest
from charging.siting.median_search import median_value
from charging.siting.median_task import Median, Node
from charging.siting.problem import FloatArray, IntArray
from networks.compiled import compiled

STEPS_PER_LOOK, LOOKS = 50, 8
LEAST_RISE = 0.03
"""Share of the way to the goal that a look has to bring for another one to be worth it."""
BEYOND, LEAST_SITES = 0.15, 8
"""How far lists go on beyond the price, in steps from the cheapest site to it, and with how many sites at least."""
LEAST_PARTS = (0.4, 0.2, 0.05, 1e-5)
"""Smallest share on either side of a split, at first and where none is left."""
NEAR = 1.02
"""How much dearer than the best a choice may be for swaps to be tried on it."""
LEAST_SPREAD, WHOLE = 1e-9, 1e-9
FEW_ARCS = 2
"""Sites a point may use, on average, from which on HiGHS ends a part faster than further branching."""


@dataclass(order=True)
class Leaf:
    """A part of all choices: bound, number, decided sites, where lists end, prices and shares to begin from."""

    bound: float
    number: int
    status: NDArray[np.int8] = field(compare=False)
    end: NDArray[np.int32] = field(compare=False)
    price: NDArray[np.float32] = field(compare=False)
    share: NDArray[np.float32] = field(compare=False)


class PriceTree:
    """A p-median in branch and bound on prices.

    Parameters
    ----------
    median
        The p-median and its best choice.
    root
        All its choices.
    effort
        When to stop.
    """

    def __init__(self, median: Median, root: Node, effort: Effort) -> None:
        self.median, self.lists, self.effort = median, trimmed(root.lists), effort
        self.seen: set[bytes] = set()
        end, price, share = (
            self.lists.end.astype(np.int32),
            root.price.astype(np.float32),
            root.share.astype(np.float32),
        )
        self.left = [Leaf(root.bound, 0, root.status, end, price, share)]
        self.ended: list[Leaf] = []
        self.numbered, self.visited = 1, 0

    def search(self, most: float = np.inf, known: float = 0.0) -> float:
        """Return the bound after `most` more parts at the most, or when the effort ends.

        The best choice is kept in the median. `known` is a bound from elsewhere.
        """
        last = self.visited + most
        while not self.is_over():
            if self.effort.seconds_left() < 0 or self.visited >= last:
                break
            self.visited += 1
            self._branch(heapq.heappop(self.left))
            self.effort.tell(self.median.value, max(known, self.median.bound_of(self.least(), self.effort.gap)))
        return max(known, self.median.bound_of(self.least(), self.effort.gap))

    def is_over(self) -> bool:
        """Return whether there is no part left to look at."""
        return not self.left or self.left[0].bound > self.median.limit(self.effort.gap)

    def least(self) -> float:
        """Return the least bound of the parts that are left; infinite where none is."""
        return min([self.left[0].bound if self.left else np.inf, *(leaf.bound for leaf in self.ended)])

    def _branch(self, leaf: Leaf) -> None:
        """Settle a leaf, or put the parts of it that may hold a better choice in its place."""
        status, end = leaf.status.copy(), leaf.end.astype(np.int64)
        lists = self._near(leaf, end, status, BEYOND)
        if not compact(lists, status) or self._settled(status):
            return
        if (lists.end - lists.start).sum() <= FEW_ARCS * len(lists.end):
            whole = self._near(leaf, end, status, np.inf)
            if (whole.end - whole.start).sum() <= FEW_ARCS * len(end) and not np.isfinite(whole.cap).any():
                self._on_highs(leaf, whole, status)
                return
        dual = start_dual(lists, status, self.median.p, leaf.price.astype(np.float64), self.median.weight)
        warm_up(lists, status, self.median.p, dual, leaf.share.astype(np.float64))
        if self._raised(lists, status, dual):
            room = self.median.limit(self.effort.gap) - dual.control[BOUND]
            end = _shorter_ends(self.lists, end, dual.price, room)
            bound = max(float(dual.control[BOUND]), leaf.bound)
            price, share = dual.price.astype(np.float32), dual.share.astype(np.float32)
            self._split(lists, Leaf(bound, 0, status, end.astype(np.int32), price, share), dual.share)

    def _near(self, leaf: Leaf, end: IntArray, status: NDArray[np.int8], beyond: float) -> Lists:
        lists: Lists = near_part(self.lists, end, status, leaf.price.astype(np.float64), beyond, LEAST_SITES)
        return lists

    def _on_highs(self, leaf: Leaf, lists: Lists, status: NDArray[np.int8]) -> None:
        """Solve a leaf on HiGHS; it is kept with a better bound where the time did not suffice."""
        node = Node(lists, status, np.empty(0), leaf.bound, np.empty(0))
        leaf.bound = solve_rest(self.median, node, self.effort)
        if leaf.bound <= self.median.limit(self.effort.gap):
            self.ended.append(leaf)

    def _settled(self, status: NDArray[np.int8]) -> bool:
        """Return whether only one choice is left, or none; keep it if it is better."""
        is_open, free = np.flatnonzero(status == OPEN), np.flatnonzero(status == FREE)
        if len(is_open) == self.median.p or len(is_open) + len(free) <= self.median.p:
            chosen = np.r_[is_open, free] if len(is_open) < self.median.p else is_open
            idle = np.setdiff1d(np.arange(len(status)), chosen)
            self.median.take(np.r_[chosen, idle[: self.median.p - len(chosen)]])
            return True
        return len(is_open) > self.median.p

    def _raised(self, lists: Lists, status: NDArray[np.int8], dual: Dual) -> bool:
        """Raise the bound while it pays; return whether a better choice may be left."""
        median, gap = self.median, self.effort.gap
        for _ in range(LOOKS):
            before = float(dual.control[BOUND])
            going_on = ascend(median.cost, lists, status, median.p, dual, median.goal(gap), STEPS_PER_LOOK)
            bound = float(dual.control[BOUND])
            if bound > median.limit(gap):
                return False
            shrink(lists, status, median.p, dual, median.limit(gap))
            if not compact(lists, status) or self._settled(status):
                return False
            if not going_on or bound - before < LEAST_RISE * (median.limit(gap) - before):
                break
        self._round(dual.share)
        return True

    def _round(self, share: FloatArray) -> None:
        """Keep the choice that the shares lead to, and what swaps make of it unless it is far off."""
        chosen = self.median.rounded(share)
        key = np.sort(chosen).tobytes()
        if key not in self.seen:
            self.seen.add(key)
            if median_value(self.median.cost, chosen) < NEAR * self.median.value:
                self.median.better(chosen)

    def _split(self, lists: Lists, leaf: Leaf, share: FloatArray) -> None:
        """Put the two parts of `leaf` among those left: by a point's first sites, or by the site most in doubt."""
        for least in LEAST_PARTS:
            point, length = _most_uneven(lists, share, least)
            if point >= 0:
                begin = lists.start[point]
                sites, highest = lists.site[begin : begin + length], lists.cost[begin + length - 1]
                end, status = leaf.end.copy(), leaf.status.copy()
                start = self.lists.start[point]
                end[point] = start + np.searchsorted(self.lists.cost[start : end[point]], highest, side="right")
                status[sites] = CLOSED
                self._push(leaf, leaf.status, end)
                self._push(leaf, status, leaf.end)
                return
        doubt = np.where(leaf.status == FREE, np.abs(share - 0.5), np.inf)
        for decision in (OPEN, CLOSED):
            status = leaf.status.copy()
            status[int(doubt.argmin())] = decision
            self._push(leaf, status, leaf.end)

    def _push(self, leaf: Leaf, status: NDArray[np.int8], end: NDArray[np.int32]) -> None:
        heapq.heappush(self.left, Leaf(leaf.bound, self.numbered, status, end, leaf.price, leaf.share))
        self.numbered += 1


@compiled
def _most_uneven(  # noqa: C901 - one pass over one state
    lists: Lists, share: FloatArray, least_part: float
) -> tuple[int, int]:
    """Return the point that `share` serves at the most uneven costs and how many sites are cheaper than their mean.

    On either side of the mean the shares have to sum up to `least_part`. The point is -1 where there is none.
    """
    most, at_point, at_length = LEAST_SPREAD, -1, 0
    for point in range(len(lists.end)):
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
            if lists.cost[place] >= mean - WHOLE * mean:
                break
            inner += share[lists.site[place]]
            below += share[lists.site[place]] * lists.cost[place]
            length += 1
        outer = served - inner
        if length == 0 or inner < least_part or outer < least_part:
            continue
        spread = inner * (total - below) - outer * below
        if spread > most:
            most, at_point, at_length = spread, point, length
    return at_point, at_length


@compiled
def _shorter_ends(lists: Lists, end: IntArray, price: FloatArray, room: float) -> IntArray:
    """Return where lists end if a point that pays more than `room` above its price is in no choice worth having."""
    ends = end.copy()
    for point in range(len(end)):
        while ends[point] > lists.start[point] + 1 and lists.cost[ends[point] - 1] > price[point] + room:
            ends[point] -= 1
    return ends
