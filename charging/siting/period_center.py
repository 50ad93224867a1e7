"""Centers of several periods as one: the smallest sum of the periods' radii, by branch and bound over radii.

A box of radii is halved by asking whether any plan keeps the smaller half of one period while the others keep their
largest: a set covering of all periods. Where none does, the box begins beyond; the least sum of the lowest radii of
the boxes left is the bound.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from charging.siting.effort import Effort
from charging.siting.period_reach import OverPeriods, reaching_in_periods
from charging.siting.problem import FloatArray, IntArray, PCenter, PMedian, as_cost, as_sites
from charging.siting.reach import BoolArray

LEAST_GAIN = 1e-12
"""Relative gain below which a plan is no better: rounding."""


def reaching_plan(problems: Sequence[PCenter | PMedian], effort: Effort) -> tuple[list[IntArray] | None, bool]:
    """Return what stands in each period so that every point is served in each, or None and whether nothing does."""
    within = [np.isfinite(as_cost(each.cost)) for each in problems]
    limits = _limits(problems, within[0].shape[1])
    nothing = [np.empty(0, dtype=np.int64) for _ in problems]
    with effort.ended_by_hand():
        found = reaching_in_periods(within, limits, nothing, effort)
    return (None if found.stands is None else _padded(found.stands, limits.p)), found.impossible


def join_centers(
    problems: Sequence[PCenter], importance: FloatArray, states: list[IntArray], least: FloatArray, effort: Effort
) -> tuple[list[IntArray], float]:
    """Return the best plan found for all periods, and a bound on the sum of their radii.

    Parameters
    ----------
    problems
        What is asked in each period.
    importance
        Factor on the radius of each.
    states
        A plan in which nothing is taken back.
    least
        Radius below which each period alone cannot be served.
    effort
        When to stop; its nodes limit the boxes, and the nodes of each covering.
    """
    costs = _shared([as_cost(each.cost) for each in problems])
    search = _Search(costs, _limits(problems, costs[0].shape[1]), importance, np.array(states) > 0, least)
    with effort.ended_by_hand():
        bound = search.run(effort)
    return _padded(search.stands, search.limits.p), bound


def _limits(problems: Sequence[PCenter | PMedian], n_sites: int) -> OverPeriods:
    return OverPeriods([each.p for each in problems], [as_sites(each.fixed, n_sites) for each in problems])


def _shared(costs: list[FloatArray]) -> list[FloatArray]:
    """Return the costs, those that are alike in two periods held once."""
    kept: list[FloatArray] = []
    for cost in costs:
        same = kept[-1] if kept and kept[-1].shape == cost.shape and np.array_equal(kept[-1], cost) else cost
        kept.append(same)
    return kept


def _padded(stands: BoolArray, p: Sequence[int]) -> list[IntArray]:
    """Return the plan with as many sites as may stand in each period, first those that open in later ones."""
    opening = np.where(stands.any(axis=0), stands.argmax(axis=0), len(stands))
    order = np.argsort(opening, kind="stable")
    states, before = [], np.zeros(stands.shape[1], dtype=np.bool_)
    for own, number in zip(stands, p, strict=True):
        now = before | own
        more = order[~now[order]][: number - int(now.sum())]
        now[more] = True
        states.append(now.astype(np.int64))
        before = now
    return states


@dataclass(eq=False)
class _Search:
    """Branch and bound over boxes of radii, least sum of lowest radii first."""

    costs: list[FloatArray]
    limits: OverPeriods
    importance: FloatArray
    stands: BoolArray
    least: FloatArray
    value: float = field(init=False)
    unsolved: float = field(init=False, default=np.inf)

    def __post_init__(self) -> None:
        """List the radii that a better plan can have."""
        reached = self._radii_of(self.stands)
        self.value = float(self.importance @ reached)
        slack = (self.value - self.importance @ self.least) / self.importance
        self.radii = [
            np.unique(np.r_[low, cost[(cost >= low) & (cost <= low + more)]])
            for cost, low, more in zip(self.costs, self.least, slack, strict=True)
        ]
        self.hard = [np.empty(0, dtype=np.int64) for _ in self.costs]

    def _radii_of(self, stands: BoolArray) -> FloatArray:
        pairs = zip(self.costs, stands, strict=True)
        return np.array([cost[:, own].min(axis=1, initial=np.inf).max(initial=0.0) for cost, own in pairs])

    def _at(self, places: IntArray) -> FloatArray:
        return np.array([radii[place] for radii, place in zip(self.radii, places, strict=True)])

    def run(self, effort: Effort) -> float:
        """Better the plan until it is proven or the effort ends; return the bound."""
        low = np.zeros(len(self.radii), dtype=np.int64)
        high = np.array([len(radii) - 1 for radii in self.radii])
        boxes = [(float(self.importance @ self.least), 0, low, high)]
        made, looked, most = 1, 0, np.inf if effort.nodes is None else effort.nodes
        while boxes and boxes[0][0] < self.value * (1.0 - LEAST_GAIN) and looked < most:
            looked += 1
            effort.tell(self.value, min(boxes[0][0], self.unsolved))
            if effort.suffices(self.value, boxes[0][0]) or effort.seconds_left() <= 0:
                break
            bound, _, low, high = heapq.heappop(boxes)
            for part in self._parts(bound, low, high, effort):
                heapq.heappush(boxes, (float(self.importance @ self._at(part[0])), made, *part))
                made += 1
        return min(self.value, self.unsolved, boxes[0][0] if boxes else np.inf)

    def _parts(self, bound: float, low: IntArray, high: IntArray, effort: Effort) -> list[tuple[IntArray, IntArray]]:
        """Return the halves of a box that may hold a better plan."""
        high = self._worth_it(bound, low, high)
        if (high < low).any():
            return []
        period = int((self.importance * (self._at(high) - self._at(low))).argmax())
        middle = high.copy()
        middle[period] = (low[period] + high[period]) // 2
        radii = self._at(middle)
        within = [cost <= radius for cost, radius in zip(self.costs, radii, strict=True)]
        found = reaching_in_periods(within, self.limits, self.hard, effort)
        self.hard = found.hard
        beyond = low.copy()
        beyond[period] = middle[period] + 1
        parts = [] if beyond[period] > high[period] else [(beyond, high)]
        if found.impossible:
            return parts
        if found.stands is not None:
            self._offer(found.stands)
        if (middle > low).any():
            return [(low, middle), *parts]
        if found.stands is None:
            self.unsolved = min(self.unsolved, bound)
        return parts

    def _worth_it(self, bound: float, low: IntArray, high: IntArray) -> IntArray:
        """Return the last radius of each period with which a plan can still be better than the best one."""
        most = self._at(low) + (self.value * (1.0 - LEAST_GAIN) - bound) / self.importance
        ends = [np.searchsorted(radii, each, side="left") - 1 for radii, each in zip(self.radii, most, strict=True)]
        return np.minimum(high, np.array(ends, dtype=np.int64))

    def _offer(self, stands: BoolArray) -> None:
        value = float(self.importance @ self._radii_of(stands))
        if value < self.value:
            self.value, self.stands = value, stands
