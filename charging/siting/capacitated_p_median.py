"""The p-median with capacities: a Lagrangian bound with knapsacks, moves, HiGHS on parts, and branch and bound.

Bound as in Ceselli and Righini 2005, doi 10.1002/net.20059.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from charging.siting.answer import Answer, make_answer, whole
from charging.siting.capacity_bound import Capacities, Prices, first_prices, raise_bound
from charging.siting.capacity_branch import search_clusters
from charging.siting.capacity_parts import Plan, better_parts
from charging.siting.capacity_search import serve, shake
from charging.siting.capacity_tree import Aim, Offer, search_parts
from charging.siting.effort import Effort
from charging.siting.median_problem import CapacitatedPMedian
from charging.siting.problem import FloatArray, IntArray, as_cost, as_vector, require_p
from networks.errors import InfeasibleError

STEPS_AT_ONCE, MOST_TURNS = 100, 30
FIRST_NODES, FIRST_WORK = 60, 2_000_000
"""Parts looked at in the short search, at most and for all points x sites together."""
SHAKE_WORK, MOST_SHAKES, SHAKES_AT_ONCE = 4_000_000_000, 1_500, 100
"""Rounds of shaking: for all points x sites x places together, at most, and between two looks at the clock."""
TRIED = 4
"""Sites that shaking opens, the most worth first, in times the sites to open."""
MOST_BY_CLUSTERS = 1_000
"""Points or sites up to which the search is over clusters."""
CLUSTERS = (3, 5)
"""Clusters that are solved anew together, few first."""
Searcher = Callable[[Capacities, Prices, Plan, Aim, Offer, Effort], float]


def solve_capacitated_p_median(problem: CapacitatedPMedian, effort: Effort) -> Answer:
    """Return p sites and an assignment within their capacities of least cost, with a lower bound.

    Parameters
    ----------
    problem
        Costs, demands, capacities, number of sites.
    effort
        When to stop.

    Raises
    ------
    InfeasibleError
        If `p` is beyond the sites, the p largest capacities are below the demand, a point fits nowhere, or no
        assignment exists or was found.
    """
    cpu = time.process_time()
    cost = as_cost(problem.cost)
    n_points, n_sites = cost.shape
    demand = as_vector(problem.demand, n_points, "demand")
    capacity = as_vector(
        np.broadcast_to(np.asarray(problem.capacity, dtype=np.float64), (n_sites,)), n_sites, "capacity"
    )
    require_p(problem.p, 0, n_sites)
    _require_room(demand, capacity, problem.p)
    _require_places(cost, demand, capacity)
    task = Capacities(np.ascontiguousarray(cost.T), demand, capacity, problem.p)
    plan, bound = _solve(task, effort) if n_points else (Plan(np.arange(problem.p), np.empty(0, np.int64), 0.0), 0.0)
    if not np.isfinite(plan.value):
        fault = "exists" if np.isinf(bound) else "was found in time"
        raise InfeasibleError(f"capacity: no assignment to {problem.p} sites {fault}; raise p or a capacity")
    objective = float(task.cost[plan.serving, np.arange(n_points)].sum())
    spent, interrupted = time.process_time() - cpu, effort.ended.is_set()
    bound = min(bound, objective)
    return make_answer(plan.sites, plan.serving, objective, bound, cpu_s=spent, interrupted=interrupted)


def _require_room(demand: FloatArray, capacity: FloatArray, p: int) -> None:
    room, needed = float(np.sort(capacity)[::-1][:p].sum()), float(demand.sum())
    if room < needed:
        raise InfeasibleError(
            f"capacity: the {p} largest hold {room:g} of a demand of {needed:g}; raise them by {needed - room:g} or p"
        )


def _require_places(cost: FloatArray, demand: FloatArray, capacity: FloatArray) -> None:
    """Check that each point fits into some site that it is allowed at."""
    allowed = np.isfinite(cost)
    bare = np.flatnonzero(~allowed.any(axis=1))
    if bare.size:
        raise InfeasibleError(f"cost: {bare.size} points (first: {bare[0]}) are allowed at no site; allow one for each")
    largest = np.where(allowed, capacity[None, :], 0.0).max(axis=1)
    over = demand - largest
    if over.size and over.max() > 0:
        point = int(over.argmax())
        raise InfeasibleError(
            f"capacity: point {point} takes {demand[point]:g}, the largest site it is allowed at holds "
            f"{largest[point]:g}; raise one by {over[point]:g}"
        )


def _solve(task: Capacities, effort: Effort) -> tuple[Plan, float]:
    """Return the best choice and the bound."""
    prices = first_prices(task)
    plan = Plan(np.empty(0, dtype=np.int64), np.full(len(task.demand), -1))
    whole_values = _whole(task)
    with effort.ended_by_hand():
        _bound(task, prices, plan, effort)
        _shake(task, prices, plan, effort)
        raise_bound(task, prices, plan.value, STEPS_AT_ONCE)
        if not effort.suffices(plan.value, _rounded(prices.bound, whole_values)):
            prices.bound = _search(task, prices, plan, whole_values, effort)
    return plan, _rounded(prices.bound, whole_values)


def _whole(task: Capacities) -> bool:
    finite = task.cost[np.isfinite(task.cost)]
    return whole(finite)


def _rounded(bound: float, whole_values: bool) -> float:
    return max(float(np.ceil(bound - 1e-6)) if whole_values else bound, 0.0)


def _offer(task: Capacities, plan: Plan, sites: IntArray) -> None:
    slot = np.empty(len(task.demand), dtype=np.int64)
    sites = sites.astype(np.int64)
    _keep(plan, sites, slot, float(serve(task.cost, task.demand, task.capacity, sites, slot)))


def _keep(plan: Plan, sites: IntArray, slot: IntArray, value: float) -> None:
    if value < plan.value:
        plan.sites, plan.serving, plan.value = np.sort(sites), sites[slot], value


def _bound(task: Capacities, prices: Prices, plan: Plan, effort: Effort) -> None:
    """Raise the bound; try what the relaxed answers open."""
    for _ in range(MOST_TURNS):
        _offer(task, plan, np.argsort(prices.worth, kind="stable")[: task.p])
        _offer(task, plan, np.argsort(-prices.share, kind="stable")[: task.p])
        going_on = raise_bound(task, prices, plan.value, STEPS_AT_ONCE)
        effort.tell(plan.value, prices.bound)
        if not going_on or effort.suffices(plan.value, prices.bound) or effort.seconds_left() <= 0:
            break


def _shake(task: Capacities, prices: Prices, plan: Plan, effort: Effort) -> None:
    """Better the plan by shaking, or find one, within a number of rounds and the time."""
    rounds = int(min(MOST_SHAKES, SHAKE_WORK // max(task.cost.size * task.p, 1)))
    ranked = np.argsort(prices.worth, kind="stable")[: task.p]
    among = np.sort(np.argsort(prices.worth, kind="stable")[: TRIED * task.p])
    for turn in range(max(rounds // SHAKES_AT_ONCE, 1)):
        if effort.suffices(plan.value, prices.bound) or effort.seconds_left() <= 0:
            return
        sites = (plan.sites if np.isfinite(plan.value) else ranked).astype(np.int64)
        slot = np.empty(len(task.demand), dtype=np.int64)
        value = shake(task.cost, task.demand, task.capacity, among, sites, slot, SHAKES_AT_ONCE, turn + 1)
        _keep(plan, sites, slot, float(value))
        effort.tell(plan.value, prices.bound)


def _better_on_highs(task: Capacities, prices: Prices, plan: Plan, effort: Effort) -> None:
    """Solve neighbouring clusters anew as long as that helps."""
    for clusters in CLUSTERS:
        while np.isfinite(plan.value) and better_parts(task, plan, min(clusters, task.p), effort):
            effort.tell(plan.value, prices.bound)


def _search(task: Capacities, prices: Prices, plan: Plan, whole_values: bool, effort: Effort) -> float:
    """Return the bound after branching: over clusters where points and sites are few and a plan is known."""
    aim = Aim(1.0 - 1e-6 if whole_values else 1e-10 * prices.bound, effort.gap)
    bound, few = prices.bound, max(task.cost.shape) <= MOST_BY_CLUSTERS
    if not few or not np.isfinite(plan.value):
        bound = max(bound, _search_by_prices(task, prices, plan, aim, effort))
    going_on = not effort.suffices(plan.value, bound) and effort.seconds_left() > 0
    if few and np.isfinite(plan.value) and going_on:
        bound = max(bound, _branch(search_clusters, task, prices, plan, aim, effort))
    return bound


def _search_by_prices(task: Capacities, prices: Prices, plan: Plan, aim: Aim, effort: Effort) -> float:
    """Return the bound after a short search and, where that does not settle it, better parts and a long one."""
    nodes = np.inf if effort.nodes is None else effort.nodes
    first = min(FIRST_NODES, max(FIRST_WORK // task.cost.size, 1))
    bound = _branch(search_parts, task, prices, plan, aim, replace(effort, nodes=int(min(first, nodes))))
    found = max(task.cost.shape) <= MOST_BY_CLUSTERS and np.isfinite(plan.value)
    if nodes > first and not found and not effort.suffices(plan.value, bound) and effort.seconds_left() > 0:
        _better_on_highs(task, prices, plan, effort)
        bound = max(bound, _branch(search_parts, task, prices, plan, aim, effort))
    return bound


def _branch(search: Searcher, task: Capacities, prices: Prices, plan: Plan, aim: Aim, effort: Effort) -> float:
    """Return the bound after branching; what is better is kept in `plan`."""
    seen: set[bytes] = set()

    def offer(sites: IntArray) -> None:
        key = np.sort(sites).tobytes()
        if key not in seen:
            seen.add(key)
            _offer(task, plan, sites)

    return search(task, prices, plan, aim, offer, effort)
