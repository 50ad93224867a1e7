"""Maximal covering: greedy and swaps, a Lagrangian bound, and HiGHS on the sites the bound leaves open.

Church and ReVelle 1974, doi 10.1007/BF01942293.
"""

import time
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, eye_array, hstack, vstack

from charging.siting.answer import Answer, make_answer, whole
from charging.siting.cover_bound import CoverBound, decided_sites, lagrangian_bound
from charging.siting.cover_search import CoverState, greedy, improve, iterated_search
from charging.siting.covering import CoverSystem, first_open_site, merge_points
from charging.siting.effort import Effort
from charging.siting.milp import Program, minimise
from charging.siting.problem import (
    FloatArray,
    IntArray,
    MaximalCovering,
    as_cover,
    as_sites,
    as_vector,
    require_p,
)
from charging.siting.volume import Limits
from networks.errors import DataError, InfeasibleError

ITERATIONS = 1000
TOLERANCE = 1e-5
FIRST_ROUNDS = 50
SEARCH_ENTRIES = 100_000_000
"""Work of a search [matrix entries x rounds]; by count and not by clock, so that it is repeatable."""
ENTRIES_PER_ROUND = 100
"""Small systems are not worth more rounds than one for so many entries."""
MOST_ROUNDS = 400
EXACT_ENTRIES_PER_S = 1_000
"""Largest rest handed to HiGHS [matrix entries per second of the time limit]; its presolve heeds no limit."""
MOST_EXACT_ENTRIES = 500_000


@dataclass(frozen=True, eq=False)
class _Task:
    """The free part of the problem: what the fixed sites cover is taken out."""

    system: CoverSystem
    cost: FloatArray
    budget: float
    sites: IntArray
    covered: float
    whole_weights: bool

    @property
    def unit_cost(self) -> bool:
        return bool((self.cost == 1.0).all())


def solve_maximal_covering(problem: MaximalCovering, effort: Effort) -> Answer:
    """Return the sites that cover most weight, with an upper bound.

    Parameters
    ----------
    problem
        What is to be covered, by how many sites or within which budget.
    effort
        When to stop.

    Raises
    ------
    InfeasibleError
        If the fixed sites alone pass `p` or the budget.
    """
    cpu = time.process_time()
    cover = as_cover(problem.cover)
    task, fixed = _free_part(problem, cover)
    chosen, bound = _solve_task(task, effort)
    sites = np.union1d(fixed, task.sites[chosen])
    if problem.p is not None:
        sites = _fill(sites, problem.p, cover.shape[1])
    assignment = first_open_site(cover, sites)
    weight = as_vector(problem.weight, cover.shape[0], "weight")
    objective = float(weight[assignment >= 0].sum())
    return make_answer(
        sites, assignment, objective, max(bound + task.covered, objective), cpu_s=time.process_time() - cpu
    )


def _free_part(problem: MaximalCovering, cover: csr_array) -> tuple[_Task, IntArray]:
    n_points, n_sites = cover.shape
    weight = as_vector(problem.weight, n_points, "weight")
    fixed = as_sites(problem.fixed, n_sites)
    cost, budget = _purse(problem, fixed, n_sites)
    served = first_open_site(cover, fixed) >= 0
    free = np.setdiff1d(np.arange(n_sites), fixed)
    system = merge_points(csr_array(cover[np.flatnonzero(~served)][:, free]), weight[~served])
    task = _Task(system, cost[free], budget, free, float(weight[served].sum()), whole(weight))
    return task, fixed


def _purse(problem: MaximalCovering, fixed: IntArray, n_sites: int) -> tuple[FloatArray, float]:
    """Return the cost of each site and what is left to spend after the fixed ones."""
    if (problem.p is None) == (problem.budget is None):
        raise DataError(f"p {problem.p}, budget {problem.budget}: give one of the two")
    if problem.p is not None:
        require_p(problem.p, len(fixed), n_sites)
        return np.ones(n_sites), float(problem.p - len(fixed))
    cost = as_vector(problem.cost, n_sites, "cost")
    budget = float(problem.budget or 0.0)
    left = budget - float(cost[fixed].sum())
    if left < -1e-9:
        raise InfeasibleError(f"budget: the fixed sites cost {budget - left:g}; raise {budget:g} by {-left:g}")
    return cost, max(left, 0.0)


def _solve_task(task: _Task, effort: Effort) -> tuple[IntArray, float]:
    """Return the chosen free sites and an upper bound on what free sites can add."""
    if not task.system.weight.size:
        return np.empty(0, dtype=np.int64), 0.0
    best = _search(task, _first_choice(task), FIRST_ROUNDS, effort.deadline)
    value = task.system.covered_weight(best)
    limits = Limits(iterations=ITERATIONS, tolerance=TOLERANCE, deadline=effort.deadline)
    found = lagrangian_bound(task.system, task.cost, task.budget, target=value, limits=limits)
    bound = _round_down(task, found.bound)
    if effort.suffices(value, bound):
        return best, bound
    best = _better(task, best, _search(task, _rounded(task, found), FIRST_ROUNDS, effort.deadline))
    return _close_gap(task, found, best, effort)


def _first_choice(task: _Task) -> IntArray:
    return _swapped(task, greedy(task.system, task.cost, task.budget))


def _rounded(task: _Task, found: CoverBound) -> IntArray:
    """Return the sites of the largest shares in the relaxed answer that fit the budget."""
    order = np.argsort(-found.share, kind="stable")
    order = order[found.share[order] > 0]
    return _swapped(task, order[np.cumsum(task.cost[order]) <= task.budget + 1e-9])


def _swapped(task: _Task, sites: IntArray) -> IntArray:
    state = CoverState(task.system, sites)
    slack = task.budget - float(task.cost[sites].sum())
    improve(state, task.cost, slack, least=1e-9 * float(task.system.weight.sum()))
    return state.sites


def _better(task: _Task, first: IntArray, second: IntArray) -> IntArray:
    return second if task.system.covered_weight(second) > task.system.covered_weight(first) else first


def _round_down(task: _Task, bound: float) -> float:
    return float(np.floor(bound + 1e-6)) if task.whole_weights else bound


def _close_gap(task: _Task, found: CoverBound, best: IntArray, effort: Effort) -> tuple[IntArray, float]:
    """Search on and prove on the sites that the bound does not decide."""
    least = 1.0 - 1e-6 if task.whole_weights else 0.0
    value = task.system.covered_weight(best)
    opened, closed = decided_sites(found, task.cost, task.budget, value + least)
    taken, free = np.flatnonzero(opened), np.flatnonzero(~opened & ~closed)
    core = _core(task, taken, free)
    if core.budget < -1e-9 or not core.system.weight.size:
        best = _better(task, best, taken) if core.budget > -1e-9 else best
        return best, task.system.covered_weight(best)
    chosen = _search(core, np.flatnonzero(np.isin(free, best)), MOST_ROUNDS, effort.deadline)
    best = _better(task, best, np.union1d(taken, free[chosen]))
    bound = _round_down(task, found.bound)
    most = min(EXACT_ENTRIES_PER_S * effort.time_limit_s, MOST_EXACT_ENTRIES)
    too_much = core.system.by_point.nnz > most or effort.seconds_left() <= 0
    if too_much or effort.suffices(task.system.covered_weight(best), bound):
        return best, bound
    return _prove(task, core, taken, best, bound, effort)


def _core(task: _Task, taken: IntArray, free: IntArray) -> _Task:
    """Return the task that is left when `taken` are open and only `free` may be opened."""
    rest = np.flatnonzero(~task.system.is_covered(taken))
    return _Task(
        task.system.restrict(rest, free),
        task.cost[free],
        task.budget - float(task.cost[taken].sum()),
        free,
        task.system.covered_weight(taken),
        task.whole_weights,
    )


def _search(task: _Task, start: IntArray, rounds: int, deadline: float) -> IntArray:
    if not task.unit_cost or not start.size or not task.system.weight.size:
        return start
    entries = int(task.system.by_point.nnz)
    looked_at = entries + len(start) * task.system.n_sites
    rounds = min(rounds, entries // ENTRIES_PER_ROUND, SEARCH_ENTRIES // looked_at)
    return iterated_search(task.system, start, rounds=rounds, seed=1, deadline=deadline)


def _prove(
    task: _Task, core: _Task, taken: IntArray, best: IntArray, bound: float, effort: Effort
) -> tuple[IntArray, float]:
    """Solve the core with HiGHS; return the better of `best` and its sites, and the better bound.

    The core holds every choice that is better than the best known one, so its bound, or the value of `best`
    where that is higher, bounds the whole problem.
    """
    inside = np.isin(core.sites, best).astype(float)
    reached = (core.system.by_point @ inside > 0).astype(float)
    outcome = minimise(_program(core), effort, start=np.r_[inside, reached])
    value = task.system.covered_weight(best)
    if outcome.values is not None:
        sites = np.union1d(taken, core.sites[outcome.values[: len(core.sites)] > 0.5])
        if float(task.cost[sites].sum()) <= task.budget + 1e-6:
            best = _better(task, best, sites)
            value = task.system.covered_weight(best)
    proven = _round_down(task, core.covered - outcome.bound)
    return best, max(min(bound, proven), value)


def _program(core: _Task) -> Program:
    """Return: minimise -weight x covered, covered <= sum of covering sites, cost <= budget."""
    system = core.system
    n_points, n_sites = system.by_point.shape
    link = hstack([system.by_point, -eye_array(n_points)])
    purse = csr_array(np.r_[core.cost, np.zeros(n_points)][None, :])
    return Program(
        cost=np.r_[np.zeros(n_sites), -system.weight],
        matrix=csr_array(vstack([link, purse]).tocsr()),
        row_lower=np.r_[np.zeros(n_points), -np.inf],
        row_upper=np.r_[np.full(n_points, np.inf), core.budget],
        integer=np.r_[np.ones(n_sites, dtype=np.bool_), np.zeros(n_points, dtype=np.bool_)],
    )


def _fill(sites: IntArray, p: int, n_sites: int) -> IntArray:
    """Return exactly p sites: the lowest-numbered idle ones fill up where fewer already cover everything."""
    idle = np.setdiff1d(np.arange(n_sites), sites)
    return np.sort(np.r_[sites, idle[: p - len(sites)]])
