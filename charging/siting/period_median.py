"""Medians of several periods as one: swaps between periods and sites, and a Lagrangian bound on all periods.

Every point is relaxed with a price; what is left gives each site the period in which it opens, an assignment problem.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from charging.siting.effort import Effort
from charging.siting.period_models import opening_of
from charging.siting.problem import FloatArray, IntArray, PMedian, as_cost, as_sites, as_vector
from networks.compiled import compiled

FIXED = -1
"""Period of a site that stands."""
LEAST_GAIN = 1e-10
"""Swaps that gain less than this share of the cost are rounding."""
MOST_KICKS, KICK_WORK, KICKED = 200, 4_000_000_000, 3
"""How often the best plan is shaken at most; by count of looks, so repeatable; and how many sites each time."""
MOST_STEPS, IDLE_STEPS, SMALLEST_STEP, SMALLEST_RISE = 3_000, 30, 1e-4, 1e-5
KEPT_SLOPE = 0.85
"""Part of a direction that is kept in the next step; without it steps go to and fro."""
SEARCH_EVERY = 50
"""Steps from one search that begins at the relaxed answer to the next."""


class _Costs(NamedTuple):
    """Weighted costs below those at the fixed sites: row (site, period) from `start` on, the point, what it costs.

    Points are numbered period after period, from `first` on; `base` is what each costs at the fixed sites, or more
    than all points together where none serves it.
    """

    start: IntArray
    point: NDArray[np.int32]
    cost: FloatArray
    first: IntArray
    base: FloatArray


@dataclass(frozen=True, eq=False)
class _Medians:
    """All periods: costs, fixed sites, and how many new ones open in each period."""

    costs: _Costs
    fixed: IntArray
    new: IntArray

    @property
    def never(self) -> int:
        return len(self.costs.first) - 1

    @property
    def n_sites(self) -> int:
        return (len(self.costs.start) - 1) // self.never


def join_medians(
    problems: Sequence[PMedian], importance: FloatArray, states: list[IntArray], effort: Effort
) -> tuple[list[IntArray], float]:
    """Return what stands in each period, and a lower bound on the sum of their costs.

    Parameters
    ----------
    problems
        The medians, with the same fixed sites.
    importance
        Factor on the cost of each period.
    states
        A plan to begin from, as many sites as each period asks for.
    effort
        When to stop.
    """
    medians = _read(problems, importance)
    opening = opening_of(states)
    opening[opening < 0] = medians.never
    opening[medians.fixed] = FIXED
    opening = _filled(medians, opening)
    with effort.ended_by_hand():
        best = _shaken(medians, _swapped(medians, opening, effort), effort)
        best, bound = _bounded(medians, best, effort)
    return [(best <= period).astype(np.int64) for period in range(medians.never)], bound


def _read(problems: Sequence[PMedian], importance: FloatArray) -> _Medians:
    fixed = as_sites(problems[0].fixed, int(problems[0].cost.shape[1]))
    parts = [_weighted(factor, problem) for factor, problem in zip(importance, problems, strict=True)]
    barred = 1.0 + sum(float(np.where(np.isfinite(part), part, 0.0).max(axis=0).sum()) for part in parts)
    base = [np.minimum(part[fixed].min(axis=0, initial=np.inf), barred) for part in parts]
    kept = [np.nonzero(part < least) for part, least in zip(parts, base, strict=True)]
    first = np.cumsum([0, *(part.shape[1] for part in parts)])
    counts = np.array([np.bincount(site, minlength=len(parts[0])) for site, _ in kept])
    site = np.concatenate([each for each, _ in kept])
    point = np.concatenate([each + begin for (_, each), begin in zip(kept, first, strict=False)])
    cost = np.concatenate([part[places] for part, places in zip(parts, kept, strict=True)])
    order = np.lexsort((point, site))
    start = np.r_[0, np.cumsum(counts.T.ravel())]
    costs = _Costs(start, point[order].astype(np.int32), cost[order], first, np.concatenate(base))
    numbers = np.array([problem.p - len(fixed) for problem in problems])
    return _Medians(costs, fixed, np.diff(numbers, prepend=0))


def _weighted(factor: float, problem: PMedian) -> FloatArray:
    """Return the costs of a period, sites x points, weighted; points without weight are left out."""
    cost = as_cost(problem.cost)
    weight = factor * as_vector(problem.weight, cost.shape[0], "weight")
    heavy = weight > 0
    weighted: FloatArray = np.ascontiguousarray(cost[heavy].T) * weight[heavy]
    return weighted


def _filled(medians: _Medians, opening: IntArray) -> IntArray:
    """Return a plan that opens as many sites in each period as it may: more never cost."""
    opening = opening.copy()
    for period, number in enumerate(np.cumsum(medians.new).tolist()):
        free = np.flatnonzero(opening == medians.never)
        lacking = number + len(medians.fixed) - int((opening <= period).sum())
        opening[free[: max(lacking, 0)]] = period
    return opening


def _value(medians: _Medians, opening: IntArray) -> float:
    _, nearest, _ = _nearest(medians.costs, opening)
    return float(nearest.sum())


def _swapped(medians: _Medians, opening: IntArray, effort: Effort) -> IntArray:
    """Return the plan after exchanges of sites and of their periods that lower the cost, until none does."""
    opening, least = opening.copy(), LEAST_GAIN * max(_value(medians, opening), 1e-300)
    now = _nearest(medians.costs, opening)
    moved = True
    while moved and not effort.ask():
        moved = False
        for site in np.flatnonzero((opening >= 0) & (opening < medians.never)).tolist():
            if opening[site] == medians.never or effort.ask():
                continue
            other, change = _best_exchange(medians.costs, opening, site, now)
            if change < -least:
                opening[site], opening[other] = opening[other], opening[site]
                now = _nearest(medians.costs, opening)
                moved = True
    return opening


def _shaken(medians: _Medians, best: IntArray, effort: Effort) -> IntArray:
    """Return the best plan found by closing some sites at random for others, and exchanges after it."""
    n_open, n_closed = (int(each.sum()) for each in ((best >= 0) & (best < medians.never), best == medians.never))
    if not n_open or not n_closed:
        return best
    random, value = np.random.default_rng(1), _value(medians, best)
    kicks = int(min(MOST_KICKS, KICK_WORK // max((len(medians.costs.cost) + medians.n_sites) * n_open, 1)))
    for _ in range(kicks):
        if effort.ask():
            break
        trial = best.copy()
        for _ in range(min(KICKED, n_open)):
            out = random.choice(np.flatnonzero((trial >= 0) & (trial < medians.never)))
            new = random.choice(np.flatnonzero(trial == medians.never))
            trial[out], trial[new] = trial[new], trial[out]
        trial = _swapped(medians, trial, effort)
        found = _value(medians, trial)
        if found < value * (1.0 - LEAST_GAIN):
            best, value = trial, found
    return best


def _bounded(medians: _Medians, best: IntArray, effort: Effort) -> tuple[IntArray, float]:
    """Return the best plan and a lower bound by Lagrangian steps."""
    value = _value(medians, best)
    _, first, second = _nearest(medians.costs, best)
    price = (first + second) / 2.0
    bound, step, idle, kept, slope = -np.inf, 1.0, 0, price, np.zeros_like(price)
    for turn in range(MOST_STEPS):
        found, opening = _relaxed(medians, price)
        idle = 0 if found > bound + SMALLEST_RISE * abs(value - bound) else idle + 1
        if found > bound:
            bound, kept = found, price
        if effort.suffices(value, bound) or effort.ask() or step < SMALLEST_STEP:
            break
        if turn % SEARCH_EVERY == SEARCH_EVERY - 1:
            trial = _swapped(medians, _filled(medians, opening), effort)
            own = _value(medians, trial)
            best, value = (trial, own) if own < value else (best, value)
            effort.tell(value, bound)
        if idle >= IDLE_STEPS:
            step, idle, price, slope = step / 2.0, 0, kept, np.zeros_like(price)
            found, opening = _relaxed(medians, price)
        slope = KEPT_SLOPE * slope + (1.0 - KEPT_SLOPE) * (1.0 - _times_served(medians.costs, opening, price))
        length = float(slope @ slope)
        if length == 0.0:
            break
        price = np.clip(price + step * (value - found) / length * slope, 0.0, medians.costs.base)
    return best, min(bound, value)


def _relaxed(medians: _Medians, price: FloatArray) -> tuple[float, IntArray]:
    """Return the relaxed value for prices of the points, none above its base, and when each site opens in it."""
    gain = _reduced(medians.costs, price)
    from_period = np.cumsum(gain[:, ::-1], axis=1)[:, ::-1]
    opening = np.full(medians.n_sites, medians.never, dtype=np.int64)
    opening[medians.fixed] = FIXED
    free = np.flatnonzero(opening == medians.never)
    slot = np.repeat(np.arange(medians.never), medians.new)[: len(free)]
    row, column = linear_sum_assignment(from_period[free][:, slot])
    opening[free[row]] = slot[column]
    taken = free[row]
    return float(price.sum() + from_period[taken, opening[taken]].sum()), opening


@compiled
def _reduced(costs: _Costs, price: FloatArray) -> FloatArray:
    """Return sites x periods: the sum of costs less prices where that is below 0."""
    n_periods = len(costs.first) - 1
    gain = np.zeros(((len(costs.start) - 1) // n_periods, n_periods))
    for row in range(len(costs.start) - 1):
        total = 0.0
        for place in range(costs.start[row], costs.start[row + 1]):
            total += min(costs.cost[place] - price[costs.point[place]], 0.0)
        gain[row // n_periods, row % n_periods] = total
    return gain


@compiled
def _times_served(costs: _Costs, opening: IntArray, price: FloatArray) -> FloatArray:
    """Return by how many open sites each point costs less than its price."""
    n_periods = len(costs.first) - 1
    times = np.zeros(len(price))
    for site in range(len(opening)):
        if 0 <= opening[site] < n_periods:
            for place in range(costs.start[site * n_periods + opening[site]], costs.start[(site + 1) * n_periods]):
                if costs.cost[place] < price[costs.point[place]]:
                    times[costs.point[place]] += 1.0
    return times


@compiled
def _nearest(costs: _Costs, opening: IntArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return for each point its cheapest new site (-1: a fixed one), and the costs there and at the next site."""
    n_periods = len(costs.first) - 1
    near, least, second = np.full(len(costs.base), -1), costs.base.copy(), costs.base.copy()
    for site in range(len(opening)):
        if opening[site] < 0 or opening[site] >= n_periods:
            continue
        for place in range(costs.start[site * n_periods + opening[site]], costs.start[(site + 1) * n_periods]):
            point, here = costs.point[place], costs.cost[place]
            if here < least[point]:
                second[point] = least[point]
                least[point], near[point] = here, site
            elif here < second[point]:
                second[point] = here
    return near, least, second


@compiled
def _best_exchange(
    costs: _Costs, opening: IntArray, site: int, now: tuple[IntArray, FloatArray, FloatArray]
) -> tuple[int, float]:
    """Return the site, opening later or never, that had best change periods with `site`, and what that changes."""
    near, least, second = now
    n_periods = len(costs.first) - 1
    without = np.where(near == site, second, least)
    # What is lost up to each period when the site is gone until then.
    lost = np.zeros(n_periods + 1)
    for period in range(opening[site], n_periods):
        begin, end = costs.first[period], costs.first[period + 1]
        lost[period + 1] = lost[period] + (without[begin:end] - least[begin:end]).sum()
    best, lowest = -1, 0.0
    for other in range(len(opening)):
        if opening[other] <= opening[site]:
            continue
        row = other * n_periods
        change = lost[opening[other]]
        for place in range(costs.start[row + opening[site]], costs.start[row + opening[other]]):
            change += min(costs.cost[place] - without[costs.point[place]], 0.0)
        if change < lowest:
            best, lowest = other, change
    return best, lowest
