"""Whether sites that open period by period, none ever closed, reach every point of every period.

As for one period (`reach`): sites for the points that are hard to reach come first, points that they leave out join
them, until none is left out or the points so far prove that no plan reaches them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from charging.siting.effort import Effort
from charging.siting.milp import Program, minimise
from charging.siting.problem import IntArray
from charging.siting.reach import BoolArray, apart, undominated


@dataclass(frozen=True, eq=False)
class OverPeriods:
    """Highest number of sites and those that stand, in each period."""

    p: Sequence[int]
    fixed: Sequence[IntArray]


@dataclass(frozen=True, eq=False)
class ReachedInPeriods:
    """What stands in each period (periods x sites), None where no plan is known; whether it is proven there is none.

    `hard` are the points of each period that were hard to reach.
    """

    stands: BoolArray | None
    impossible: bool
    hard: list[IntArray]


def reaching_in_periods(
    within: Sequence[BoolArray], limits: OverPeriods, hard: Sequence[IntArray], effort: Effort
) -> ReachedInPeriods:
    """Return a plan that reaches every point of every period, or a proof that there is none.

    Parameters
    ----------
    within
        Of each period points x sites: whether the site reaches the point.
    limits
        Numbers and fixed sites; neither shrinks.
    hard
        Points of each period known to be hard to reach; may be empty.
    effort
        When to stop; neither a plan nor a proof may be known then.
    """
    rest = [
        np.logical_not(np.any(near[:, fixed], axis=1, keepdims=True))[:, 0]
        for near, fixed in zip(within, limits.fixed, strict=True)
    ]
    if any((~near.any(axis=1)).any() for near in within):
        return ReachedInPeriods(None, True, list(hard))
    points = [_first(*each) for each in zip(within, rest, hard, strict=True)]
    while True:
        rows = [near[own] for near, own in zip(within, points, strict=True)]
        stands, impossible = _plan(rows, limits, within[0].shape[1], effort)
        if stands is None:
            return ReachedInPeriods(None, impossible, points)
        missed = _filled(within, rest, stands, limits.p)
        if not any(each.size for each in missed):
            return ReachedInPeriods(stands, False, points)
        nobody = np.zeros(within[0].shape[1], dtype=np.bool_)
        for period, each in enumerate(missed):
            more = apart(within[period], each, nobody, max(3, limits.p[period] // 2))
            points[period] = np.r_[points[period], more]


def _first(within: BoolArray, rest: BoolArray, hard: IntArray) -> IntArray:
    """Return the hard points that no fixed site reaches, and others that no site reaches together with them."""
    points = hard[rest[hard]]
    taken = np.logical_or.reduce(within[points], axis=0)
    return np.concatenate([points, apart(within, np.flatnonzero(rest), taken, len(rest))])


def _plan(
    rows: Sequence[BoolArray], limits: OverPeriods, n_sites: int, effort: Effort
) -> tuple[BoolArray | None, bool]:
    """Return what stands in each period so that these points are reached, or None and whether nothing does."""
    # A fixed site is one that a point of its own needs.
    needed = [np.vstack([near, _own(fixed, n_sites)]) for near, fixed in zip(rows, limits.fixed, strict=True)]
    stacked = np.vstack(needed)
    columns = undominated(stacked) if len(stacked) else np.arange(1)
    size, width = len(rows), len(columns)
    blocks = [_by_opening(near[:, columns], period, size) for period, near in enumerate(needed)]
    counts = [_by_opening(np.ones((1, width), dtype=np.bool_), period, size) for period in range(size)]
    lower = np.r_[np.ones(len(stacked)), np.full(size, -np.inf)]
    upper = np.r_[np.full(len(stacked), np.inf), np.asarray(limits.p, dtype=np.float64)]
    matrix = csr_array(np.vstack([*blocks, *counts]), dtype=np.float64)
    program = Program(np.zeros(size * width), matrix, lower, upper, np.ones(size * width, dtype=np.bool_))
    outcome = minimise(program, effort)
    if outcome.values is None:
        return None, outcome.infeasible
    opens = np.zeros((size, n_sites), dtype=np.bool_)
    opens[:, columns] = outcome.values.reshape(size, width) > 0.5
    return np.logical_or.accumulate(opens, axis=0), False


def _own(fixed: IntArray, n_sites: int) -> BoolArray:
    rows = np.zeros((len(fixed), n_sites), dtype=np.bool_)
    rows[np.arange(len(fixed)), fixed] = True
    return rows


def _by_opening(rows: BoolArray, period: int, size: int) -> BoolArray:
    """Return rows over (period of opening, site): a site serves in a period if it opened by then."""
    return np.hstack([rows if opening <= period else np.zeros_like(rows) for opening in range(size)])


def _filled(
    within: Sequence[BoolArray], rest: Sequence[BoolArray], stands: BoolArray, p: Sequence[int]
) -> list[IntArray]:
    """Open more sites where numbers allow it, those that reach most; return the points missed in each period."""
    missed = []
    for period, near in enumerate(within):
        left = np.flatnonzero(rest[period] & ~near[:, stands[period]].any(axis=1))
        spare = int((np.asarray(p[period:]) - stands[period:].sum(axis=1)).min())
        while left.size and spare > 0:
            best = int(near[left].sum(axis=0).argmax())
            stands[period:, best] = True
            left = left[~near[left, best]]
            spare -= 1
        missed.append(left)
    return missed
