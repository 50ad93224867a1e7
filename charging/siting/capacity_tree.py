"""Branch and bound for the p-median with capacities on its Lagrangian bound.

A part of all choices is cut in two at the point whose relaxed answers cost it most unevenly: it is served from a site
cheaper than their mean, or from another one. Either only forbids places, which knapsacks heed at no cost (branching
after Ceselli and Righini 2005, doi 10.1002/net.20059).
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from charging.siting.capacity_bound import Capacities, Prices, prices_at, raise_bound
from charging.siting.capacity_parts import Plan
from charging.siting.effort import Effort
from charging.siting.problem import FloatArray, IntArray

STEPS_AT_ONCE, LOOKS, FIRST_STEP = 20, 8, 0.1
LEAST_RISE = 0.03
"""Share of the way to the goal that a look has to bring for another one to be worth it."""
LEAST_SPREAD = 1e-9
Offer = Callable[[IntArray], None]
"""Tries a choice of sites and keeps it where it is better than the best plan."""


@dataclass(order=True)
class Part:
    """A part of all choices: its bound and number, prices to begin from, and which site may serve which point."""

    bound: float
    number: int
    prices: Prices = field(compare=False)
    cost: FloatArray = field(compare=False)


@dataclass(frozen=True)
class Aim:
    """The value to beat, the step between two values, and the relative gap that is good enough."""

    step: float
    gap: float

    def limit(self, value: float) -> float:
        """Return the bound from which on a part holds nothing worth having."""
        return value - max(self.step, self.gap * abs(value)) if np.isfinite(value) else np.inf


def search_parts(task: Capacities, prices: Prices, plan: Plan, aim: Aim, offer: Offer, effort: Effort) -> float:
    """Return the lowest bound of what is left when the effort ends.

    Parameters
    ----------
    task
        Costs, demands, capacities, number of sites.
    prices
        The best prices for all choices.
    plan
        The best plan known.
    aim
        What is good enough.
    offer
        Tries the sites that relaxed answers open.
    effort
        When to stop.
    """
    left = [Part(prices.bound, 0, prices_at(task, prices.price), narrowed(task, prices, aim.limit(plan.value)))]
    visited = 0
    while left and left[0].bound <= aim.limit(plan.value) and effort.seconds_left() > 0:
        if effort.nodes is not None and visited >= effort.nodes:
            break
        part = heapq.heappop(left)
        visited += 1
        for scores in (part.prices.worth, -part.prices.mean.sum(axis=1)):
            offer(np.argsort(scores, kind="stable")[: task.p])
        halves = _halves(part, 2 * visited)
        if not halves:
            take(task, plan, part.cost.argmin(axis=0))
        for half in halves:
            each = _raised(task, half, aim.limit(plan.value))
            if each is not None:
                heapq.heappush(left, each)
        effort.tell(plan.value, _lowest(left, plan.value, aim))
    return _lowest(left, plan.value, aim)


def _lowest(left: list[Part], value: float, aim: Aim) -> float:
    done = value if aim.gap == 0 else aim.limit(value)
    return min(done, left[0].bound) if left else done


def narrowed(task: Capacities, prices: Prices, limit: float) -> FloatArray:
    """Return the costs, infinite where serving a point from a site would cost more than `limit` in all.

    Opening a site costs what its worth is short of the last one opened, serving a point above its price the rest.
    """
    if not np.isfinite(limit):
        return task.cost
    room = limit - prices.bound + 1e-9 * abs(limit)
    dearer = np.maximum(prices.worth - np.partition(prices.worth, task.p - 1)[task.p - 1], 0.0)
    above = np.maximum(task.cost - prices.price[None, :], 0.0)
    kept: FloatArray = np.where(dearer[:, None] + above <= room, task.cost, np.inf)
    return kept


def _halves(part: Part, number: int) -> list[Part]:
    """Return the two halves of a part, numbered; nothing where every point has one site left."""
    allowed = np.isfinite(part.cost)
    served = np.where(allowed, part.prices.mean, 0.0)
    total = served.sum(axis=0)
    share = served / np.where(total > 0, total, 1.0)
    finite = np.where(allowed, part.cost, 0.0)
    mean = (share * finite).sum(axis=0)
    inner = part.cost < mean
    within = (share * inner).sum(axis=0)
    spread = (share * np.abs(finite - mean)).sum(axis=0) * np.minimum(within, 1.0 - within)
    point = int(spread.argmax())
    first = inner[:, point]
    if spread[point] <= LEAST_SPREAD * mean[point]:
        point = int(allowed.sum(axis=0).argmax())
        some = np.flatnonzero(allowed[:, point])
        if len(some) == 1:
            return []
        cheapest = some[np.argsort(part.cost[some, point], kind="stable")[: len(some) // 2]]
        first = np.isin(np.arange(len(part.cost)), cheapest)
    halves = [part.cost.copy(), part.cost.copy()]
    halves[0][~first, point] = np.inf
    halves[1][first, point] = np.inf
    return [Part(part.bound, number + side, part.prices, cost) for side, cost in enumerate(halves)]


def take(task: Capacities, plan: Plan, serving: IntArray) -> None:
    """Keep an assignment where it is allowed and better."""
    used = np.unique(serving)
    load = np.bincount(serving, task.demand, minlength=len(task.cost))
    value = float(task.cost[serving, np.arange(len(serving))].sum())
    if len(used) <= task.p and (load <= task.capacity).all() and value < plan.value:
        idle = np.setdiff1d(np.arange(len(task.cost)), used)
        plan.sites, plan.serving = np.sort(np.r_[used, idle[: task.p - len(used)]]), serving
        plan.value = value


def _raised(task: Capacities, part: Part, limit: float) -> Part | None:
    """Return the part with its bound raised while that pays; None where nothing worth having is left in it."""
    task = replace(task, cost=part.cost)
    prices = prices_at(task, part.prices.price, part.prices)
    prices.step = FIRST_STEP
    for _ in range(LOOKS):
        before = prices.bound
        if not np.isfinite(task.cost).any(axis=0).all():
            return None
        going_on = raise_bound(task, prices, limit, STEPS_AT_ONCE)
        if prices.bound > limit:
            return None
        task = replace(task, cost=narrowed(task, prices, limit))
        if not going_on or prices.bound - before < LEAST_RISE * (limit - before):
            break
    return Part(max(part.bound, prices.bound), part.number, prices, task.cost)
