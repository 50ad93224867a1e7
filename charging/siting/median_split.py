"""Branch and bound for a p-median of many points, on a linear program of cuts.

Points in groups have their costs in one column each, so the program is small however many points there are. A part
of all choices is cut in two at a point: one of the first sites of its list opens, or none (Garcia, Labbe and Marin
2011, doi 10.1287/ijoc.1100.0418).
"""

import heapq
from dataclasses import dataclass, field, replace

import numpy as np

from charging.siting.answer import meets
from charging.siting.effort import Effort
from charging.siting.median_bound import Lists
from charging.siting.median_cuts import Cut, Split, best_split, cuts_at
from charging.siting.median_master import Master
from charging.siting.median_search import median_value
from charging.siting.median_task import Median
from charging.siting.problem import FloatArray, IntArray

BEGIN = 0.5
"""Share of the best choice in the shares that the first cuts are made for; the rest is spread over all sites."""
ROUNDS, INNER = 60, 0.4
"""Most rounds of cuts, and how far from the best shares so far to the newest the second cut of a round is made."""
NODE_ROUNDS = 8
NEAR = 1.02
"""How much dearer than the best a choice may be for swaps to be tried on it."""
LEAST_RISE, LEAST_ROOT_RISE, CLOSE = 0.02, 0.002, 0.02
"""Shares of the way to the goal: what a round has to bring, and how close to the cost of the shares is enough."""
PATIENCE = 4
"""Rounds in a row that bring less, after which the root is left at its bound."""
LEAST_PARTS, HALF, IS_WHOLE = (0.05, 1e-5), 0.5, 1e-7
"""Smallest share on either side of a split, at first and where none is left; how near to 0 or 1 a whole share is."""


@dataclass(order=True)
class Part:
    """A part of all choices: its bound, its number, its shares, and the splits that lead to it with their side."""

    bound: float
    number: int
    share: FloatArray = field(compare=False)
    splits: tuple[tuple[Split, bool], ...] = field(compare=False, default=())


class Splitting:
    """A p-median in branch and bound on cuts.

    Parameters
    ----------
    median
        The p-median and its best choice.
    lists
        Sites of each point; may be cut for their length.
    effort
        When to stop.
    """

    def __init__(self, median: Median, lists: Lists, effort: Effort) -> None:
        self.median, self.lists, self.effort = median, lists, effort
        self.group, self.n_groups = _groups(median)
        fixed = np.isin(np.arange(len(median.cost)), median.fixed)
        self.master = Master(fixed, self.n_groups, median.p, median.value, effort)
        self.short, self.is_stuck = 0, False
        self.seen: set[bytes] = set()

    def root(self) -> Part:
        """Return all choices with their bound, beginning from cuts near the best one."""
        share = np.full(self.master.n_sites, (1.0 - BEGIN) * self.median.p / self.master.n_sites)
        share[self.median.sites] += BEGIN
        self.master.add(self._cut(share), share, np.full(self.n_groups, -1.0))
        return self._raised(Part(0.0, 0, share), ROUNDS)

    def search(self, root: Part) -> float:
        """Return the lowest bound of what is left when the effort ends; the best choice is kept in the median."""
        left, ended, visited = [root], [], 0
        while left and self.effort.seconds_left() > 0:
            if left[0].bound > self.median.limit(self.effort.gap):
                break
            if self.effort.nodes is not None and visited >= self.effort.nodes:
                break
            part = heapq.heappop(left)
            visited += 1
            parts = self._parts(part, 2 * visited)
            if len(parts) == 1:
                ended.extend(parts)
                self.is_stuck = True
                continue
            for each in parts:
                if each.bound <= self.median.limit(self.effort.gap):
                    heapq.heappush(left, each)
            self.effort.tell(self.median.value, self._lowest(left + ended))
        return self._lowest(left + ended)

    def _lowest(self, left: list[Part]) -> float:
        done = self.median.value if self.effort.gap == 0 else max(self.median.limit(self.effort.gap), 0.0)
        return self.median.round_up(min([done, *(part.bound for part in left)]))

    def _parts(self, part: Part, number: int) -> list[Part]:
        """Return the two parts of `part`; itself where it cannot be cut in two, nothing where it is settled."""
        split = self._split(part)
        if split is None:
            self._ask(part)
            part = self._raised(replace(part, number=number), ROUNDS, exact=True)
            if part.bound > self.median.limit(self.effort.gap) or self._settled(part):
                return []
            split = self._split(part)
            if split is None:
                return [part]
        parts = []
        for side in (True, False):
            each = Part(part.bound, number + side, part.share, (*part.splits, (split, side)))
            self._ask(each)
            parts.append(self._raised(each, NODE_ROUNDS))
        return parts

    def _split(self, part: Part) -> Split | None:
        for least in LEAST_PARTS:
            split = best_split(self.lists, self.group, self.n_groups, part.share, self.median.weight, least)
            if split.point >= 0:
                return Split(*split)
        return None

    def _settled(self, part: Part) -> bool:
        """Return whether the shares are a choice that costs what the bound says."""
        chosen = part.share > HALF
        if np.abs(part.share - chosen).max() > IS_WHOLE or np.count_nonzero(chosen) != self.median.p:
            return False
        value = median_value(self.median.cost, np.flatnonzero(chosen))
        return meets(value, part.bound)

    def _ask(self, part: Part) -> None:
        """Let the program heed the splits that lead to `part`."""
        closed, opened = [np.empty(0, dtype=np.int64)], {}
        for split, side in part.splits:
            start = self.lists.start[split.point]
            sites = self.lists.site[start : start + split.length].astype(np.int64)
            if side:
                opened[split] = sites
            else:
                closed.append(sites)
        self.master.shut(np.concatenate(closed), opened)

    def _raised(self, part: Part, rounds: int, *, exact: bool = False) -> Part:
        """Return the part with the bound and the shares after some rounds of cuts; keep what the shares lead to."""
        inner, best, idle = part.share, np.inf, 0
        for _ in range(rounds):
            bound, share, cost = self.master.solve(self.median.limit(self.effort.gap) if part.number else np.inf)
            if not np.isfinite(bound):
                return replace(part, bound=max(bound, part.bound))
            rise = bound - part.bound
            part = replace(part, bound=max(bound, part.bound), share=share)
            self.master.thin()
            cut = self._cut(share)
            if part.number == 0:
                self.short = cut.short
                self.effort.tell(self.median.value, self.median.round_up(bound))
            if cut.value.sum() < best:
                best, inner = float(cut.value.sum()), share
            goal = self.median.limit(self.effort.gap) - bound
            idle = idle + 1 if rise < LEAST_ROOT_RISE * goal else 0
            dull = 0 < rise < LEAST_RISE * goal if part.number else idle == PATIENCE
            slow = best - bound < CLOSE * goal or dull
            if goal < 0 or (slow and not exact):
                break
            between = INNER * share + (1.0 - INNER) * inner
            nearer = self._cut(between)
            if nearer.value.sum() < best:
                best, inner = float(nearer.value.sum()), between
            taken = self.master.add(cut, share, cost, exact=exact) + self.master.add(nearer, share, cost)
            if taken == 0:
                break
        self._round(part)
        return part

    def _round(self, part: Part) -> None:
        """Keep the choice that the shares of `part` lead to, and what swaps make of it unless it is far off."""
        chosen = self.median.rounded(part.share)
        key = np.sort(chosen).tobytes()
        if key not in self.seen:
            self.seen.add(key)
            if median_value(self.median.cost, chosen) < NEAR * self.median.value:
                self.median.better(chosen)

    def _cut(self, share: FloatArray) -> Cut:
        cut: Cut = cuts_at(self.lists, self.group, self.n_groups, share, self.median.value)
        return cut


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
