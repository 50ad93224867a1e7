"""The volume algorithm: prices that make a Lagrangian bound as small as they can.

Barahona and Anbil 2000, doi 10.1007/s101070050002. Steps go from the best prices so far, along the mean of the
relaxed answers, which itself tends to an answer of the linear relaxation.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from charging.siting.problem import FloatArray

NEW_SHARE = 0.1
"""Largest weight of the newest relaxed answer in their mean."""
NEW_SHARE_DECAY = 0.8
LOOK_EVERY = 100
FIRST_STEP = 0.5
LARGEST_STEP = 2.0
LONGER, SHORTER, PATIENCE = 1.1, 0.7, 10
SMALLEST_STEP = 1e-7


@dataclass(frozen=True, eq=False)
class Relaxed:
    """The answer of the relaxed problem at some prices.

    Parameters
    ----------
    bound
        Its value: an upper bound.
    share
        Share of each site that it opens.
    times
        How often it serves each point.
    """

    bound: float
    share: FloatArray
    times: FloatArray


@dataclass(frozen=True)
class Limits:
    """When the steps end.

    Parameters
    ----------
    iterations
        Most steps.
    tolerance
        Distance to the target, relative to it, at which to stop.
    deadline
        Reading of `time.perf_counter` after which to stop [s].
    """

    iterations: int
    tolerance: float
    deadline: float = np.inf


Relax = Callable[[FloatArray], Relaxed]


class Prices:
    """The best prices so far, their upper bound, and the mean of the relaxed answers.

    Parameters
    ----------
    relax
        Answer of the relaxed problem at given prices; its bound falls against `times - 1`.
    first
        Prices to begin from, one a point.
    highest
        Highest price of each point; the lowest is 0.
    """

    def __init__(self, relax: Relax, first: FloatArray, highest: FloatArray) -> None:
        self.relax, self.best, self.highest = relax, first, highest
        start = relax(first)
        self.bound, self.share, self.times = start.bound, start.share, start.times
        self.step, self.new_share, self.failures, self.steps = FIRST_STEP, NEW_SHARE, 0, 0

    def descend(self, target: float, limits: Limits) -> bool:
        """Take up to `limits.iterations` steps towards `target`, a value that is reached; return whether to go on."""
        for _ in range(limits.iterations):
            if self.bound - target <= limits.tolerance * abs(target) or self.step < SMALLEST_STEP:
                return False
            self._advance(target)
            if time.perf_counter() > limits.deadline:
                return False
        return True

    def _advance(self, target: float) -> None:
        """Try one step; keep it where the bound falls."""
        slope = self._slope()
        length = float(slope @ slope)
        if length < 1e-12:
            self._restart()
            return
        move = self.step * (self.bound - target) / length
        price = np.clip(self.best - move * slope, 0.0, self.highest)
        relaxed = self.relax(price)
        if relaxed.bound < self.bound:
            if float((relaxed.times - 1.0) @ slope) >= 0:
                self.step = min(LONGER * self.step, LARGEST_STEP)
            self.bound, self.best, self.failures = relaxed.bound, price, 0
        else:
            self.failures += 1
        if self.failures >= PATIENCE:
            self.step, self.failures = SHORTER * self.step, 0
        self._average(relaxed)

    def _restart(self) -> None:
        """Begin a new mean at the best prices; where their own slope is flat too, they are the best there are."""
        start = self.relax(self.best)
        self.share, self.times = start.share, start.times
        if not self._slope().any():
            self.step = 0.0

    def _slope(self) -> FloatArray:
        slope: FloatArray = self.times - 1.0
        slope[((self.best <= 0) & (slope > 0)) | ((self.best >= self.highest) & (slope < 0))] = 0.0
        return slope

    def _average(self, relaxed: Relaxed) -> None:
        """Take in the newest answer with the weight that leaves the mean slope shortest."""
        change = relaxed.times - self.times
        length = float(change @ change)
        shortest = -float((self.times - 1.0) @ change) / length if length > 0 else 0.0
        weight = min(max(shortest, self.new_share / 10), self.new_share)
        self.times = self.times + weight * change
        self.share = self.share + weight * (relaxed.share - self.share)
        self.steps += 1
        if self.steps % LOOK_EVERY == 0:
            self.new_share = max(NEW_SHARE_DECAY * self.new_share, NEW_SHARE / 10)
