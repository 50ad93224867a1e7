"""Branch and bound for a p-median on a linear program of cuts: for many points, and where prices alone leave much open.

Points in groups have their costs in one column each, so the program is small however many points there are. A part
of all choices is cut in two at a point: one of the first sites of its list opens, or none (Garcia, Labbe and Marin
2011, doi 10.1287/ijoc.1100.0418). A part goes on from the cuts and the basis of what it was cut out of.
"""

import heapq
from dataclasses import dataclass, field, replace

import numpy as np

from charging.siting.answer import meets
from charging.siting.effort import Effort
from charging.siting.median_bound import CLOSED, OPEN, Lists, trimmed
from charging.siting.median_cuts import BoolArray, Prices, best_split, broken_cuts, in_order, prices_at, shortened
from charging.siting.median_master import Master, Relaxed, State
from charging.siting.median_search import median_value
from charging.siting.median_task import Median, Node
from charging.siting.problem import FloatArray, IntArray

BEGIN = 0.5
"""Share of the best choice in the shares that the first cuts are made for; the rest is spread over all sites."""
ROUNDS, INNER = 60, 0.4
"""Most rounds of cuts, and how far from the best shares so far to the newest the second cut of a round is made."""
NODE_ROUNDS = 20
BEYOND = 0.3
"""How far lists go on beyond the price at the root, in steps from the cheapest site to it, until nothing can be cut in
two by them: short lists stay near in memory."""
NEAR = 1.02
"""How much dearer than the best a choice may be for swaps to be tried on it."""
LEAST_RISE, CLOSE = 0.08, 0.005
"""Shares of the way to the goal: what a round has to bring, as cutting in two brings more than small rises, and how
close to the cost of the shares is enough."""
PATIENCE = 2
"""Rounds in a row that bring less, after which a part is left at its bound."""
LEAST_PARTS, HALF, IS_WHOLE = (0.4, 0.2, 0.05, 1e-5), 0.5, 1e-7
"""Smallest share on either side of a split, at first and where none is left; how near to 0 or 1 a whole share is."""
LEAST_BREACH, EXACT_BREACH = 1e-7, 1e-11
"""Share of the value by which a cut has to be broken to be taken in, and where the last bit counts."""
LEAST_OVER = 1e-8
"""Share of the value by which the bound of a site has to be over the limit for the site to be shut."""


@dataclass(order=True)
class Part:
    """A part of all choices: its bound, number and shares, the sites shut in it, and the program it goes on from."""

    bound: float
    number: int
    share: FloatArray = field(compare=False)
    closed: BoolArray = field(compare=False)
    state: State | None = field(compare=False, default=None)


class Splitting:
    """A p-median in branch and bound on cuts.

    Parameters
    ----------
    median
        The p-median and its best choice.
    node
        All its choices: lists of sites, which may be cut for their length, sites decided, and a bound.
    effort
        When to stop.
    """

    def __init__(self, median: Median, node: Node, effort: Effort) -> None:
        self.median, self.node, self.effort = median, node, effort
        group, self.n_groups = _groups(median)
        order = np.argsort(group, kind="stable")
        self.first = np.searchsorted(group[order], np.arange(self.n_groups + 1))
        self.weight = median.weight[order]
        self.long: Lists = in_order(node.lists, order, node.status == CLOSED)
        self.lists = self.long
        self.master = Master(node.status == OPEN, self.n_groups, median.p, median.value, effort)
        self.short, self.visited, self.has_begun = 0, 0, False
        self.left: list[Part] = []
        self.ended: list[Part] = []
        self.seen: set[bytes] = set()

    def root(self) -> Part:
        """Return all choices with their bound, beginning from cuts near the best one."""
        share = np.full(self.master.n_sites, (1.0 - BEGIN) * self.median.p / self.master.n_sites)
        share[self.median.sites] += BEGIN
        closed = self.node.status == CLOSED
        self.master.shut(closed)
        nothing = Relaxed(0.0, share, np.full(self.n_groups, -np.inf), np.zeros(len(share)))
        self._add(self._prices(share).price, nothing)
        root = self._raised(Part(0.0, 0, share, closed), ROUNDS)
        root.bound = max(root.bound, self.node.bound)
        self.long = in_order(self.long, np.arange(len(self.weight)), root.closed)
        self.lists = trimmed(shortened(self.long, self._prices(root.share).price, BEYOND))
        self.left, self.has_begun = [root], True
        return root

    def search(self, most: float = np.inf, known: float = 0.0) -> float:
        """Return the bound after `most` more parts at the most, or when the effort ends.

        The best choice is kept in the median. `known` is a bound from elsewhere.
        """
        if not self.has_begun:
            self.root()
        last = self.visited + most
        while self.left and self.left[0].bound <= self.median.limit(self.effort.gap):
            if self.effort.seconds_left() <= 0 or self.visited >= last:
                break
            part = heapq.heappop(self.left)
            self.visited += 1
            parts = self._parts(part, 2 * self.visited)
            if len(parts) == 1:
                self.ended.extend(parts)
                continue
            for each in parts:
                if each.bound <= self.median.limit(self.effort.gap):
                    heapq.heappush(self.left, each)
            self.effort.tell(self.median.value, max(known, self.median.bound_of(self.least(), self.effort.gap)))
        return max(known, self.median.bound_of(self.least(), self.effort.gap))

    def least(self) -> float:
        """Return the least bound of the parts that are left; infinite where none is."""
        if not self.has_begun:
            return self.node.bound
        return min([self.left[0].bound if self.left else np.inf, *(part.bound for part in self.ended)])

    @property
    def is_stuck(self) -> bool:
        """Whether some part cannot be settled by cuts."""
        return bool(self.ended)

    def _parts(self, part: Part, number: int) -> list[Part]:
        """Return the two parts of `part`; itself where it cannot be cut in two, nothing where it is settled."""
        sites = self._split(part)
        if sites is None:
            self.lists = self.long
            self._load(part)
            part = self._raised(replace(part, number=number), ROUNDS, exact=True)
            if part.bound > self.median.limit(self.effort.gap) or self._settled(part):
                return []
            sites = self._split(part)
            if sites is None:
                return [part]
        none = part.closed.copy()
        none[sites] = True
        parts = []
        for side, closed in enumerate((none, part.closed)):
            each = replace(part, number=number + side, closed=closed)
            self._load(each)
            if side:
                self.master.require_one_of(sites)
            parts.append(self._raised(each, NODE_ROUNDS))
        return parts

    def _load(self, part: Part) -> None:
        if part.state is not None:
            self.master.load(part.state, part.closed)

    def _split(self, part: Part) -> IntArray | None:
        """Return sites of which one opens or none; None where there is nothing to cut in two.

        Where every point is served at even cost, it is the one site most in doubt.
        """
        for least in LEAST_PARTS:
            point, length = best_split(self.lists, self.first, part.share, self.weight, least)
            if point >= 0:
                start = self.lists.start[point]
                return self.lists.site[start : start + length].astype(np.int64)
        doubt = np.abs(part.share - HALF)
        site = int(doubt.argmin())
        return np.array([site]) if doubt[site] < HALF - IS_WHOLE else None

    def _settled(self, part: Part) -> bool:
        """Return whether the shares are a choice that costs what the bound says."""
        chosen = part.share > HALF
        if np.abs(part.share - chosen).max() > IS_WHOLE or np.count_nonzero(chosen) != self.median.p:
            return False
        value = median_value(self.median.cost, np.flatnonzero(chosen))
        return meets(value, part.bound)

    def _raised(self, part: Part, rounds: int, *, exact: bool = False) -> Part:
        """Return the part with the bound and the shares after some rounds of cuts; keep what the shares lead to."""
        inner, best, idle = part.share, np.inf, 0
        for _ in range(rounds):
            relaxed = self.master.solve(self.median.limit(self.effort.gap) if part.number else np.inf)
            if not np.isfinite(relaxed.bound):
                return replace(part, bound=max(relaxed.bound, part.bound))
            rise, share = relaxed.bound - part.bound, relaxed.share
            part = replace(part, bound=max(relaxed.bound, part.bound), share=share, closed=self._shut(part, relaxed))
            self.master.thin()
            prices = self._prices(share)
            if part.number == 0:
                self.short = prices.short
                self.effort.tell(self.median.value, self.median.round_up(part.bound))
            if prices.value < best:
                best, inner = prices.value, share
            goal = self.median.limit(self.effort.gap) - relaxed.bound
            idle = idle + 1 if rise < LEAST_RISE * goal else 0
            slow = best - relaxed.bound < CLOSE * goal or idle == PATIENCE
            if goal < 0 or (slow and not exact):
                break
            between = INNER * share + (1.0 - INNER) * inner
            nearer = self._prices(between)
            if nearer.value < best:
                best, inner = nearer.value, between
            if not self._add(nearer.price, relaxed) and not self._add(prices.price, relaxed, exact=exact):
                break
        self._round(part)
        return replace(part, state=self.master.state())

    def _shut(self, part: Part, relaxed: Relaxed) -> BoolArray:
        """Return the sites shut, and those whose opening would raise the bound beyond what is worth having."""
        limit = self.median.limit(self.effort.gap) + LEAST_OVER * self.median.value
        over = (relaxed.share <= IS_WHOLE) & (relaxed.bound + relaxed.rise > limit)
        closed: BoolArray = part.closed | (over & (self.master.lower == 0))
        if closed.sum() > part.closed.sum():
            self.master.shut(closed)
        return closed

    def _add(self, price: FloatArray, relaxed: Relaxed, *, exact: bool = False) -> int:
        """Let the program heed the cuts at `price` that the answer breaks; return their number."""
        least = (EXACT_BREACH if exact else LEAST_BREACH) * self.median.value
        return self.master.add(broken_cuts(self.lists, self.first, price, relaxed.share, relaxed.cost, least))

    def _round(self, part: Part) -> None:
        """Keep the choice that the shares of `part` lead to, and what swaps make of it unless it is far off."""
        chosen = self.median.rounded(part.share)
        key = np.sort(chosen).tobytes()
        if key not in self.seen:
            self.seen.add(key)
            if median_value(self.median.cost, chosen) < NEAR * self.median.value:
                self.median.better(chosen)

    def _prices(self, share: FloatArray) -> Prices:
        prices: Prices = prices_at(self.lists, share, self.median.value)
        return prices


def _groups(median: Median) -> tuple[IntArray, int]:
    """Return the group of each point: points that have the same two cheapest sites in the best choice."""
    cost = median.cost[median.sites]
    first = cost.argmin(axis=0)
    every = np.arange(cost.shape[1])
    low = cost[first, every].copy()
    cost[first, every] = np.inf
    second = cost.argmin(axis=0)
    cost[first, every] = low
    pairs, group = np.unique(first * len(cost) + second, return_inverse=True)
    return group, len(pairs)
