"""The p-median with capacities: a Lagrangian bound with knapsacks, moves, and HiGHS on promising sites.

Bound as in Ceselli and Righini 2005, doi 10.1002/net.20059; sites reduced as in Stefanello, de Araujo and Mueller
2015, doi 10.1111/itor.12103.
"""

import time
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from charging.siting.answer import Answer, make_answer
from charging.siting.capacity_search import knapsack_worth, serve
from charging.siting.effort import Effort
from charging.siting.median_problem import CapacitatedPMedian
from charging.siting.milp import Program, minimise
from charging.siting.problem import FloatArray, IntArray, as_cost, as_vector, require_p
from networks.errors import InfeasibleError

STEPS = 400
HELD, SHORTER, PATIENCE, LEAST_LENGTH = 0.3, 0.7, 12, 0.005
TRY_EVERY = 5
BOUND_TIME_SHARE = 0.4
"""Share of the time limit for the bound; the rest is for the search on fewer sites."""
SITES_PER_PLACE, NEAR_SITES = 4, 8
"""Sites kept for each that opens, and sites near each point, in the reduced program."""


@dataclass(eq=False)
class _Plan:
    """Costs (sites x points), demand, capacity, number of sites; the best sites and assignment so far, a bound."""

    cost: FloatArray
    demand: FloatArray
    capacity: FloatArray
    p: int
    sites: IntArray
    serving: IntArray
    value: float = np.inf
    bound: float = 0.0

    def take(self, sites: IntArray) -> None:
        """Keep the choice if its assignment is cheaper than the best so far."""
        slot = np.empty(len(self.demand), dtype=np.int64)
        value = float(serve(self.cost, self.demand, self.capacity, sites, slot))
        if value < self.value:
            self.value, self.sites, self.serving = value, np.sort(sites), sites[slot]

    def settle(self, sites: IntArray) -> None:
        """Try the sites, then each cluster's cheapest centre, as long as that helps."""
        for _ in range(20):
            before = self.value
            self.take(sites)
            if not self.value < before:
                return
            sites = self._centres()

    def _centres(self) -> IntArray:
        """Return for each open site the free one that serves its points at least cost."""
        chosen: list[int] = []
        for site in self.sites:
            points = self.serving == site
            total = self.cost[:, points].sum(axis=1)
            total[self.capacity < self.demand[points].sum()] = np.inf
            total[chosen] = np.inf
            chosen.append(int(total.argmin()))
        return np.array(chosen, dtype=np.int64)


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
        If `p` is beyond the sites, or the p largest capacities are below the demand, or no assignment was found.
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
    by_site = np.ascontiguousarray(np.where(np.isfinite(cost), cost, np.inf).T)
    empty = np.empty(0, dtype=np.int64)
    plan = _Plan(by_site, demand, capacity, problem.p, empty, empty)
    share = _raise_bound(plan, effort)
    _search(plan, share, effort)
    if not np.isfinite(plan.value):
        raise InfeasibleError(f"capacity: no assignment to {problem.p} sites was found in time; raise p or a capacity")
    objective = float(plan.cost[plan.serving, np.arange(n_points)].sum())
    bound = min(plan.bound, objective)
    return make_answer(plan.sites, plan.serving, objective, bound, cpu_s=time.process_time() - cpu)


def _require_room(demand: FloatArray, capacity: FloatArray, p: int) -> None:
    room, needed = float(np.sort(capacity)[::-1][:p].sum()), float(demand.sum())
    if room < needed:
        raise InfeasibleError(
            f"capacity: the {p} largest hold {room:g} of a demand of {needed:g}; raise them by {needed - room:g} or p"
        )


def _raise_bound(plan: _Plan, effort: Effort) -> FloatArray:
    """Raise the bound by subgradient steps and try what the relaxed answers open; return how often each site opened."""
    cost, p = plan.cost, plan.p
    n_sites, n_points = cost.shape
    finite = np.where(np.isfinite(cost), cost, np.nan)
    price = np.nanquantile(finite, min(1.0, 1.5 / p), axis=0)
    worth, packed = np.empty(n_sites), np.zeros((n_sites, n_points), dtype=np.bool_)
    best, share, direction = price.copy(), np.zeros(n_sites), np.zeros(n_points)
    length_share, failures = 1.0, 0
    until = effort.deadline if np.isinf(effort.time_limit_s) else effort.began + BOUND_TIME_SHARE * effort.time_limit_s
    plan.bound = -np.inf
    for step in range(STEPS):
        knapsack_worth(cost, plan.demand, plan.capacity, price, worth, packed)
        opened = np.argsort(worth, kind="stable")[:p].astype(np.int64)
        bound = float(price.sum() + worth[opened].sum())
        share = 0.95 * share
        share[opened] += 0.05
        if step % TRY_EVERY == 0:
            plan.settle(opened)
        failures += 1
        if bound > plan.bound:
            failures = 0 if bound > plan.bound + 1e-5 * abs(bound) else failures
            plan.bound, best = bound, price.copy()
        if failures >= PATIENCE:
            length_share, failures, price = SHORTER * length_share, 0, best.copy()
        effort.tell(plan.value, plan.bound)
        if effort.suffices(plan.value, plan.bound) or length_share < LEAST_LENGTH or time.perf_counter() > until:
            break
        direction = HELD * direction + (1 - HELD) * (1.0 - packed[opened].sum(axis=0))
        length = float(direction @ direction)
        aim = plan.value if np.isfinite(plan.value) else 1.1 * max(plan.bound, 1.0)
        if length < 1e-12:
            break
        price = np.maximum(price + length_share * max(aim - bound, 1e-9) / length * direction, 0.0)
    plan.bound = max(plan.bound, 0.0)
    return share


def _search(plan: _Plan, share: FloatArray, effort: Effort) -> None:
    """Better the plan on the sites opened most in the relaxed answers, by HiGHS within the time left."""
    _exchange_sites(plan, share, effort)
    if effort.suffices(plan.value, plan.bound) or effort.seconds_left() <= 0:
        return
    ranked = np.argsort(-share, kind="stable")[: SITES_PER_PLACE * plan.p]
    kept = np.union1d(ranked, plan.sites)
    program, points, sites = _program(plan, kept)
    start = np.r_[np.isin(kept, plan.sites), plan.serving[points] == kept[sites]].astype(np.float64)
    outcome = minimise(program, effort, start=start if np.isfinite(plan.value) else None)
    if len(points) == np.isfinite(plan.cost).sum():  # nothing was left out, so its bound holds
        plan.bound = max(plan.bound, outcome.bound)
    if outcome.values is None:
        return
    used = outcome.values[len(kept) :] > 0.5
    serving = np.empty(len(plan.demand), dtype=np.int64)
    serving[points[used]] = kept[sites[used]]
    value = float(plan.cost[serving, np.arange(len(serving))].sum())
    if value < plan.value:
        chosen = kept[outcome.values[: len(kept)] > 0.5]
        plan.value, plan.sites, plan.serving = value, chosen, serving


def _exchange_sites(plan: _Plan, share: FloatArray, effort: Effort) -> None:
    """Replace one open site by a near one, as long as the assignment becomes cheaper."""
    promising = np.flatnonzero(share > 0)
    moved = np.isfinite(plan.value)
    until = effort.deadline if np.isinf(effort.time_limit_s) else effort.began + 0.6 * effort.time_limit_s
    while moved:
        moved = False
        for slot in range(plan.p):
            near = promising[np.argsort(plan.cost[promising, plan.sites[slot] % plan.cost.shape[1]], kind="stable")]
            for site in near[:NEAR_SITES]:
                if site in plan.sites or time.perf_counter() > until:
                    continue
                before = plan.value
                trial = plan.sites.copy()
                trial[slot] = site
                plan.take(trial)
                moved = moved or plan.value < before


def _program(plan: _Plan, kept: IntArray) -> tuple[Program, IntArray, IntArray]:
    """Return the program of some sites and near assignments, and the point and the kept site of each assignment."""
    cost = plan.cost[kept]
    rank = np.argsort(np.argsort(cost, axis=0, kind="stable"), axis=0, kind="stable")
    arcs = (rank < NEAR_SITES * 2) | (plan.serving[None, :] == kept[:, None])
    sites, points = np.nonzero(arcs & np.isfinite(cost))
    n_kept, n_points, n_arcs = len(kept), cost.shape[1], len(points)
    arc, each = np.arange(n_arcs), np.arange(n_kept)
    full, link, count = n_points, n_points + n_kept, n_points + n_kept + n_arcs
    rows = np.r_[points, full + sites, full + each, link + arc, link + arc, np.full(n_kept, count)]
    columns = np.r_[n_kept + arc, n_kept + arc, each, sites, n_kept + arc, each]
    entries = np.r_[
        np.ones(n_arcs), -plan.demand[points], plan.capacity[kept], np.ones(n_arcs), -np.ones(n_arcs), np.ones(n_kept)
    ]
    program = Program(
        cost=np.r_[np.zeros(n_kept), cost[sites, points]],
        matrix=csr_array((entries, (rows, columns)), shape=(count + 1, n_kept + n_arcs)),
        row_lower=np.r_[np.ones(n_points), np.zeros(n_kept + n_arcs), float(plan.p)],
        row_upper=np.r_[np.ones(n_points), np.full(n_kept + n_arcs, np.inf), float(plan.p)],
        integer=np.ones(n_kept + n_arcs, dtype=np.bool_),
    )
    return program, points, sites
