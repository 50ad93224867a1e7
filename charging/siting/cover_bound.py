"""A Lagrangian bound for maximal covering, and the sites it decides.

Each point j may be counted as covered (worth w_j) only by an open site. With a price lambda_j in [0, w_j] on
that condition the relaxed problem is: sum(w - lambda) + the best choice of sites worth rho = A' lambda. It is
never below the true optimum for any lambda (Fisher 1981, doi 10.1287/mnsc.27.1.1); `volume` finds good prices.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from charging.siting.covering import CoverSystem
from charging.siting.problem import FloatArray
from charging.siting.volume import LOOK_EVERY, Limits, Prices, Relaxed


@dataclass(frozen=True, eq=False)
class CoverBound:
    """An upper bound on the covered weight.

    Parameters
    ----------
    bound
        No choice of sites covers more [unit of weight].
    worth
        Worth rho of each site at the bound's prices.
    share
        Nearly the best fractional choice: the share of each site.
    """

    bound: float
    worth: FloatArray
    share: FloatArray


def best_choice(worth: FloatArray, cost: FloatArray, budget: float) -> tuple[float, FloatArray]:
    """Return the worth of the best fractional choice of sites within the budget, and the share of each.

    With equal costs that divide the budget, no site is split: the choice is then the best whole one.
    """
    order = np.argsort(-worth / np.maximum(cost, 1e-12), kind="stable")
    before = np.cumsum(cost[order]) - cost[order]
    room = np.clip((budget - before) / np.maximum(cost[order], 1e-12), 0.0, 1.0)
    share = np.zeros(len(worth))
    share[order] = np.where(cost[order] > 0, room, 1.0)
    return float(worth @ share), share


def lagrangian_bound(
    system: CoverSystem, cost: FloatArray, budget: float, *, target: float, limits: Limits
) -> CoverBound:
    """Return an upper bound by the volume algorithm.

    Parameters
    ----------
    system
        What is to be covered.
    cost
        Cost of each site [unit of the budget].
    budget
        Highest sum of costs.
    target
        Weight that a known choice covers; steps are sized by the distance to it [unit of weight].
    limits
        When to stop.
    """

    def relax(price: FloatArray) -> Relaxed:
        worth, share = best_choice(system.by_site @ price, cost, budget)
        return Relaxed(float((system.weight - price).sum()) + worth, share, system.by_point @ share)

    expected_times = np.diff(system.by_point.indptr) * min(budget / max(float(cost.sum()), 1e-12), 1.0)
    first = system.weight / np.maximum(expected_times, 1.0)
    prices = Prices(relax, first, system.weight)
    part = replace(limits, iterations=LOOK_EVERY)
    for _ in range(0, limits.iterations, LOOK_EVERY):
        going_on = prices.descend(target, part)
        relaxed_value = float(system.weight @ np.minimum(prices.times, 1.0))
        if not going_on or prices.bound - relaxed_value <= limits.tolerance * prices.bound:
            break
    return CoverBound(prices.bound, system.by_site @ prices.best, prices.share)


def decided_sites(
    found: CoverBound, cost: FloatArray, budget: float, at_least: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which sites every choice better than `at_least` opens, and which it leaves closed.

    Parameters
    ----------
    found
        Bound with the worth of each site.
    cost
        Cost of each site [unit of the budget].
    budget
        Highest sum of costs.
    at_least
        A choice that does not cover this much does not interest [unit of weight].

    Notes
    -----
    With a price mu on the budget, forcing site i in or out changes the bound by at least abs(rho_i - mu c_i).
    mu between the worth per cost of the last site chosen and of the first left out is valid either way.
    """
    chosen_worth, share = best_choice(found.worth, cost, budget)
    rate = found.worth / np.maximum(cost, 1e-12)
    inside, outside = share >= 1.0, share <= 0.0
    within = float(rate[share > 0].min()) if (share > 0).any() else 0.0
    beyond = max(float(rate[share < 1].max()), 0.0) if (share < 1).any() else 0.0
    constant = found.bound - chosen_worth
    relaxed_in = constant + _dual_value(found.worth, cost, budget, within)
    relaxed_out = constant + _dual_value(found.worth, cost, budget, beyond)
    closed = outside & (relaxed_in + found.worth - within * cost < at_least)
    opened = inside & (relaxed_out - (found.worth - beyond * cost) < at_least)
    return opened, closed


def _dual_value(worth: FloatArray, cost: FloatArray, budget: float, mu: float) -> float:
    return mu * budget + float(np.maximum(worth - mu * cost, 0.0).sum())
