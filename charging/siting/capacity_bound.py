"""The Lagrangian bound of the p-median with capacities: a price a point, a knapsack a site.

Ceselli and Righini 2005, doi 10.1002/net.20059; prices by the volume algorithm (Barahona and Anbil 2000,
doi 10.1007/s101070050002).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charging.siting.capacity_knapsack import knapsack_worth
from charging.siting.problem import FloatArray, IntArray

NEW_SHARE, LEAST_NEW_SHARE, NEW_SHARE_DECAY, LOOK_EVERY = 0.1, 0.005, 0.8, 50
LONGER, SHORTER, PATIENCE = 1.1, 0.66, 8
FIRST_STEP, LARGEST_STEP, SMALLEST_STEP = 0.5, 2.0, 1e-4
AIM = 1.02
"""Where no choice is known, steps aim at this times the bound."""
NOTHING = 1e-12


@dataclass(eq=False)
class Prices:
    """Prices and what they lead to.

    Parameters
    ----------
    price
        Best prices so far, one a point.
    worth
        Worth of each site at them (0 or less).
    share, times
        Means of the relaxed answers: share of each site opened, how often each point is served.
    mean
        Mean of the relaxed answers: how far each site serves each point (sites x points).
    bound
        The bound at the best prices.
    step, weight, taken, failed
        Length of the steps, most weight of a new answer, steps taken, failures in a row.
    """

    price: FloatArray
    worth: FloatArray
    share: FloatArray
    times: FloatArray
    mean: FloatArray
    bound: float
    step: float = FIRST_STEP
    weight: float = NEW_SHARE
    taken: int = 0
    failed: int = 0


@dataclass(frozen=True, eq=False)
class Capacities:
    """Costs (sites x points), demand of each point, capacity of each site, number of sites."""

    cost: FloatArray
    demand: FloatArray
    capacity: FloatArray
    p: int


def first_prices(task: Capacities) -> Prices:
    """Return prices at which about one and a half sites of p seem cheap to each point."""
    finite = np.where(np.isfinite(task.cost), task.cost, np.nan)
    price = np.nanquantile(finite, min(1.0, 1.5 / max(task.p, 1)), axis=0)
    return prices_at(task, price)


def prices_at(task: Capacities, price: FloatArray, means: Prices | None = None) -> Prices:
    """Return the prices with what they lead to; the means begin from those of a like problem where given."""
    relaxed = _relax(task, price)
    if means is None:
        mean = np.zeros(task.cost.shape)
        mean[relaxed.opened] = relaxed.packed
        return Prices(price, relaxed.worth, _shares(task, relaxed), relaxed.times, mean, relaxed.bound)
    mean = np.where(np.isfinite(task.cost), means.mean, 0.0)
    return Prices(price, relaxed.worth, means.share.copy(), mean.sum(axis=0), mean, relaxed.bound)


def raise_bound(task: Capacities, prices: Prices, target: float, steps: int) -> bool:
    """Raise the bound by up to `steps` steps towards `target`; return whether it can go on."""
    for _ in range(steps):
        slope = 1.0 - prices.times
        slope[(slope < 0) & (prices.price <= 0)] = 0.0
        length = float(slope @ slope)
        if length < NOTHING or prices.step < SMALLEST_STEP or prices.bound >= target:
            return False
        aim = target if np.isfinite(target) else AIM * max(prices.bound, NOTHING)
        trial = np.maximum(prices.price + prices.step * max(aim - prices.bound, NOTHING) / length * slope, 0.0)
        relaxed = _relax(task, trial)
        _keep(prices, relaxed, trial)
        _average(task, prices, relaxed)
    return True


class Relaxed(NamedTuple):
    """A relaxed answer: its bound, worth of each site, sites opened, points they serve, how often each is served."""

    bound: float
    worth: FloatArray
    opened: IntArray
    packed: NDArray[np.bool_]
    times: FloatArray


def _relax(task: Capacities, price: FloatArray) -> Relaxed:
    """Return the relaxed answer at `price`."""
    worth, packed = np.empty(len(task.cost)), np.empty(task.cost.shape, dtype=np.bool_)
    knapsack_worth(task.cost, task.demand, task.capacity, price, worth, packed)
    opened = np.argsort(worth, kind="stable")[: task.p]
    served = packed[opened]
    return Relaxed(float(price.sum() + worth[opened].sum()), worth, opened, served, served.sum(axis=0).astype(float))


def _shares(task: Capacities, relaxed: Relaxed) -> FloatArray:
    share = np.zeros(len(task.cost))
    share[relaxed.opened] = 1.0
    return share


def _keep(prices: Prices, relaxed: Relaxed, price: FloatArray) -> None:
    """Keep prices that raise the bound; lengthen the steps where the new slope agrees, shorten after failures."""
    if relaxed.bound > prices.bound:
        if float((1.0 - relaxed.times) @ (1.0 - prices.times)) >= 0:
            prices.step = min(LONGER * prices.step, LARGEST_STEP)
        prices.bound, prices.price, prices.worth, prices.failed = relaxed.bound, price, relaxed.worth, 0
    else:
        prices.failed += 1
    if prices.failed >= PATIENCE:
        prices.step, prices.failed = SHORTER * prices.step, 0


def _average(task: Capacities, prices: Prices, relaxed: Relaxed) -> None:
    """Take the newest answer into the means, with the weight that leaves the mean slope shortest."""
    change = relaxed.times - prices.times
    length = float(change @ change)
    shortest = float((1.0 - prices.times) @ change) / length if length > 0 else 0.0
    weight = min(max(shortest, prices.weight / 10), prices.weight)
    prices.times = prices.times + weight * change
    prices.share = prices.share + weight * (_shares(task, relaxed) - prices.share)
    prices.mean *= 1.0 - weight
    prices.mean[relaxed.opened] += weight * relaxed.packed
    prices.taken += 1
    if prices.taken % LOOK_EVERY == 0:
        prices.weight = max(NEW_SHARE_DECAY * prices.weight, LEAST_NEW_SHARE)
