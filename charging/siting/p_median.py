"""The p-median: swaps, a Lagrangian bound, and branch and bound on what the bound leaves open; cuts for many points.

Hakimi 1964, doi 10.1287/opre.12.3.450; Lagrangian: Cornuejols, Fisher and Nemhauser 1977, doi 10.1287/mnsc.23.8.789.
"""

import time

import numpy as np
from numpy.typing import NDArray

from charging.siting.answer import Answer, cheapest_site, make_answer, whole
from charging.siting.effort import Effort
from charging.siting.median_bound import (
    BOUND,
    OPEN,
    Dual,
    Lists,
    ascend,
    compact,
    near_lists,
    restart,
    run_up,
    shrink,
    start_dual,
)
from charging.siting.median_search import greedy_median, two_nearest
from charging.siting.median_split import IS_WHOLE, Splitting
from charging.siting.median_task import Median, Node
from charging.siting.median_turns import search_by_turns
from charging.siting.p_center import reachable_sites
from charging.siting.problem import (
    FloatArray,
    IntArray,
    PMedian,
    as_cost,
    as_sites,
    as_vector,
    require_p,
)

QUICK_STEPS = 150
POINTS_AT_ONCE = 512
LOOK_AT_ONCE = 100_000
"""Costs looked at together."""
ROUNDS, STEPS_PER_ROUND = 60, 40
LEAST_RISE = 0.01
"""Share of the way to the goal that a round has to bring for another one to be worth it."""
RESTARTS, RESTART_STEP = 4, 0.1
"""How often steps that became too short are lengthened, and to what."""
MOST_KICKS, KICK_WORK, GROUPED_KICKS = 200, 120_000_000, 100
"""How often the best choice is shaken, and how often for all points x sites together; by count, so repeatable."""
MANY_FROM = 2_000_000
"""Points x sites above which points are taken together and lists hold only near sites."""
REACH, LONGEST_REACH, MOST_SHORT = 2.0, 64.0, 0.02
"""How far such a list goes beyond the cost at the best open site, in steps from there to the next open site, at first
and before all sites are taken in; and for which share of the points it may be too short before all are made longer."""


def solve_p_median(problem: PMedian, effort: Effort) -> Answer:
    """Return p sites of least weighted cost, with a lower bound.

    Parameters
    ----------
    problem
        Costs, weights, number of sites.
    effort
        When to stop.

    Raises
    ------
    InfeasibleError
        If `p` is below the number of fixed sites, above the number of sites, or too few to reach every point.
    """
    cpu = time.process_time()
    cost = as_cost(problem.cost)
    n_points, n_sites = cost.shape
    weight = as_vector(problem.weight, n_points, "weight")
    fixed = as_sites(problem.fixed, n_sites)
    require_p(problem.p, len(fixed), n_sites)
    heavy = weight > 0
    some = (cost, weight) if heavy.all() else (cost[heavy], weight[heavy])
    start = _filled(reachable_sites(some[0], problem.p, fixed, effort), fixed, problem.p, n_sites)
    sites, bound = start, 0.0
    if heavy.any():
        whole_values = whole(weight) and _whole_costs(cost)
        with effort.ended_by_hand():
            sites, bound = _solve_median(_median(*some, start, (problem.p, fixed, whole_values)), effort)
    assignment = cheapest_site(cost, sites)
    served = assignment >= 0
    objective = float((weight[served] * cost[served, assignment[served]]).sum())
    spent, interrupted, bound = time.process_time() - cpu, effort.ended.is_set(), min(bound, objective)
    return make_answer(np.sort(sites), assignment, objective, bound, cpu_s=spent, interrupted=interrupted)


def _whole_costs(cost: FloatArray) -> bool:
    for rows in np.array_split(cost, max(cost.size // LOOK_AT_ONCE, 1)):
        if not ((rows == np.rint(rows)) | np.isinf(rows)).all():
            return False
    return True


def _filled(sites: IntArray, fixed: IntArray, p: int, n_sites: int) -> IntArray:
    """Return p sites, the fixed ones first, those of `sites` next."""
    first = np.r_[fixed, np.setdiff1d(sites, fixed)]
    idle = np.setdiff1d(np.arange(n_sites), first)
    filled: IntArray = np.r_[first, idle[: p - len(first)]]
    return filled


def _median(cost: FloatArray, weight: FloatArray, start: IntArray, size: tuple[int, IntArray, bool]) -> Median:
    """Return the task, sites x points, begun from the better of `start` and a greedy choice."""
    weighted, barred = _penalised(cost, weight)
    p, fixed, whole_values = size
    median = Median(weighted, weight, p, fixed, whole_values, barred, start)
    median.take(greedy_median(weighted, p, fixed))
    return median


def _penalised(cost: FloatArray, weight: FloatArray) -> tuple[FloatArray, float]:
    """Return weighted costs, sites x points, in which what is not allowed costs more than all that is; and that."""
    weighted = np.empty(cost.shape[::-1])
    for start in range(0, len(cost), POINTS_AT_ONCE):
        some = slice(start, start + POINTS_AT_ONCE)
        np.multiply(cost[some].T, weight[some], out=weighted[:, some])
    if np.isfinite(weighted.max(initial=0.0)):
        return weighted, np.inf
    barred = ~np.isfinite(weighted)
    weighted[barred] = 0.0
    more = 1.0 + float(weighted.max(axis=0).sum())
    weighted[barred] = more
    return weighted, more


def _solve_median(median: Median, effort: Effort) -> tuple[IntArray, float]:
    """Return the best sites and the bound: at the root, then by branching."""
    median.better(median.sites)
    if median.cost.size > MANY_FROM:
        bound = _solve_many(median, effort)
        return median.sites, median.round_up(bound)
    root = _root(median, effort)
    if root.bound > median.limit(effort.gap) or effort.seconds_left() < 0:
        return median.sites, median.round_up(root.bound)
    median.shake(int(min(MOST_KICKS, KICK_WORK // median.cost.size)), effort)
    bound = search_by_turns(median, root, effort)
    return median.sites, bound


def _solve_many(median: Median, effort: Effort) -> float:
    """Return the bound for many points, by cuts on lists as short as the bound allows."""
    n_sites = len(median.cost)
    median.shake_grouped(np.arange(n_sites), 2, GROUPED_KICKS, effort)
    status = np.zeros(n_sites, dtype=np.int8)
    status[median.fixed] = OPEN
    reach, bound = REACH, 0.0
    while True:
        _, first, second = two_nearest(median.cost, median.sites)
        highest = first + reach * (second - first) if np.isfinite(reach) else np.full(len(first), np.inf)
        lists = near_lists(median.cost, highest, median.barred)
        splitting = Splitting(median, Node(lists, status, first, bound, np.empty(0)), effort)
        root = splitting.root()
        bound = root.bound
        over = bound > median.limit(effort.gap) or effort.seconds_left() < 0
        whole_lists = not np.isfinite(lists.cap).any()
        if not over and (whole_lists or splitting.short <= MOST_SHORT * len(first)):
            median.shake_grouped(np.flatnonzero(root.share > IS_WHOLE), 3, GROUPED_KICKS, effort)
            bound = splitting.search(np.inf if effort.nodes is None else effort.nodes, median.round_up(bound))
            over = not splitting.is_stuck
        if over or whole_lists:
            return bound
        reach = 2.0 * reach if reach < LONGEST_REACH else np.inf


def _root(median: Median, effort: Effort) -> Node:
    """Return the node of all choices with its bound."""
    _, first, second = two_nearest(median.cost, median.sites)
    lists = near_lists(median.cost, np.full(len(first), np.inf), median.barred)
    status = np.zeros(len(median.cost), dtype=np.int8)
    status[median.fixed] = OPEN
    price = first + 0.5 * np.minimum(second - first, first + 1e-3)
    dual = start_dual(lists, status, median.p, price, median.weight)
    run_up(lists, status, median.p, dual, median.goal(effort.gap), QUICK_STEPS)
    bound = _ascend_in_rounds(median, lists, status, dual, effort)
    return Node(lists, status, dual.price, bound, dual.share)


def _ascend_in_rounds(median: Median, lists: Lists, status: NDArray[np.int8], dual: Dual, effort: Effort) -> float:
    """Raise the bound, better the choice by what the relaxed answers open; return the bound."""
    seen: set[bytes] = set()
    idle, restarts, at_restart = 0, 0, float(dual.control[BOUND])
    for _ in range(ROUNDS):
        before = float(dual.control[BOUND])
        going_on = ascend(median.cost, lists, status, median.p, dual, median.goal(effort.gap), STEPS_PER_ROUND)
        bound, enough = float(dual.control[BOUND]), median.limit(effort.gap)
        trial = median.rounded(dual.share)
        if bound <= enough and trial.tobytes() not in seen:
            seen.add(trial.tobytes())
            median.better(trial)
        effort.tell(median.value, median.round_up(bound))
        shrink(lists, status, median.p, dual, median.limit(effort.gap))
        if not compact(lists, status):
            return median.value
        idle = idle + 1 if bound - before < LEAST_RISE * (enough - before) else 0
        if bound > enough or effort.seconds_left() < 0:
            break
        if not going_on or idle == 2:
            if restarts == RESTARTS or (restarts and bound - at_restart < LEAST_RISE * (enough - at_restart)):
                break
            restart(lists, status, median.p, dual, RESTART_STEP)
            idle, restarts, at_restart = 0, restarts + 1, bound
    return float(dual.control[BOUND])
