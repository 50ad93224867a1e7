"""Maximal covering: swaps and shaking, a Lagrangian bound, and branch and bound on the sites it leaves open.

Church and ReVelle 1974, doi 10.1007/BF01942293.
"""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from charging.siting.answer import Answer, make_answer, whole
from charging.siting.cover_branch import Branching, Incumbent, decide
from charging.siting.cover_input import CoverInput, CoverRows, PointMerger, read_cover
from charging.siting.cover_pool import MEMBERS, Pool
from charging.siting.cover_prices import FREE, OPEN, Dual, Links, descend, start_dual
from charging.siting.cover_purse import Purse, make_purse
from charging.siting.cover_search import search
from charging.siting.effort import Effort
from charging.siting.problem import FloatArray, IntArray, MaximalCovering, as_sites, as_vector, require_p
from networks.errors import DataError, InfeasibleError

STEPS_AT_ONCE = 100
MOST_STEPS = 2000
JOIN_EVERY = 2
SMALLEST_FALL = 1e-6
"""Relative fall of the bound in `STEPS_AT_ONCE` steps below which they end."""
SEARCH_ENTRIES = 10_000_000
"""Work of one search [matrix entries x rounds]; by count and not by clock, so that it is repeatable."""
MOST_ROUNDS = 24
JOINED = 16
"""How often two of the first choices are joined before branching."""
NODES_AT_ONCE = 16
SAME = 1e-11
"""Relative difference below which bound and objective are the same number: sums of doubles, no solver's tolerance."""


@dataclass(frozen=True, eq=False)
class Task:
    """The part of a covering that is still open.

    Parameters
    ----------
    links
        Points and sites that are left.
    purse
        What these sites may cost.
    sites
        For each of these sites its number outside.
    served
        Weight that the sites taken before cover.
    """

    links: Links
    purse: Purse
    sites: IntArray
    served: float


def solve_maximal_covering(problem: MaximalCovering, effort: Effort, *, start: IntArray | None = None) -> Answer:
    """Return the sites that cover most weight, with an upper bound.

    Parameters
    ----------
    problem
        What is to be covered, by how many sites or within which budget.
    effort
        When to stop.
    start
        Sites known to be good; the search begins there too.

    Raises
    ------
    InfeasibleError
        If the fixed sites alone pass `p` or the budget.
    """
    cpu = time.process_time()
    cover = read_cover(problem.cover)
    weight = as_vector(problem.weight, cover.n_points, "weight")
    fixed = as_sites(problem.fixed, cover.n_sites)
    cost, budget = purses(problem, fixed, cover.n_sites)
    sites, bound = solve_purses(cover, weight, fixed, make_purse(cost, budget), effort, start=start)
    if problem.budget is None:
        sites = _fill(sites, int(problem.p or 0), cover.n_sites)
    assignment = cover.first_open_site(sites)
    objective = float(weight[assignment >= 0].sum())
    spent = time.process_time() - cpu
    interrupted = effort.ended.is_set()
    bound = max(bound, objective)
    return make_answer(sites, assignment, objective, bound, cpu_s=spent, interrupted=interrupted, within=SAME)


def purses(problem: MaximalCovering, fixed: IntArray, n_sites: int) -> tuple[FloatArray, FloatArray]:
    """Return cost (purses x sites) and budget (a value each) of number and money, the fixed sites among them.

    Raises
    ------
    DataError
        If neither `p` nor `budget` is given.
    InfeasibleError
        If the fixed sites pass one of them.
    """
    if problem.p is None and problem.budget is None:
        raise DataError("p None, budget None: give one of the two, or both")
    costs, budgets = [], []
    if problem.p is not None:
        require_p(problem.p, len(fixed), n_sites)
        costs.append(np.ones(n_sites))
        budgets.append(float(problem.p))
    if problem.budget is not None:
        cost, budget = as_vector(problem.cost, n_sites, "cost"), float(problem.budget)
        over = float(cost[fixed].sum()) - budget
        if over > 1e-9 * max(abs(budget), 1.0):
            raise InfeasibleError(f"budget: the fixed sites cost {budget + over:g}; raise {budget:g} by {over:g}")
        costs.append(cost)
        budgets.append(budget)
    return np.array(costs), np.array(budgets)


def solve_purses(
    cover: CoverInput,
    weight: FloatArray,
    fixed: IntArray,
    purse: Purse,
    effort: Effort,
    *,
    start: IntArray | None = None,
) -> tuple[IntArray, float]:
    """Return the sites that cover most weight within all purses, fixed ones included, and an upper bound."""
    task = _free_part(cover, weight, fixed, purse)
    best = Incumbent(np.empty(0, dtype=np.int64), 0.0, float(task.links.weight.sum()), 1.0 if whole(weight) else 0.0)
    try:
        if start is not None:
            best.offer(task.links, task.purse.prefix(np.flatnonzero(np.isin(task.sites, start))))
        _improve(task, best, effort)
    except KeyboardInterrupt:
        effort.ended.set()
    return np.union1d(fixed, task.sites[best.sites]), best.bound + task.served


def _free_part(cover: CoverInput, weight: FloatArray, fixed: IntArray, purse: Purse) -> Task:
    left = purse.budget - purse.cost[:, fixed].sum(axis=1)
    is_free = (purse.cost <= left[:, None] + 1e-9).all(axis=0)
    is_free[fixed] = False
    free = np.flatnonzero(is_free)
    column = np.full(cover.n_sites, -1, dtype=np.int32)
    column[free] = np.arange(len(free))
    column[fixed] = -2
    merger = PointMerger(column)
    for rows in cover.blocks():
        merger.add(rows, weight[rows.begin : rows.end])
    return Task(_links(merger, len(free)), purse.restrict(fixed, free), free, merger.served)


def _core(task: Task, status: NDArray[np.int8]) -> Task:
    """Return the task that is left when sites are opened and closed as `status` says."""
    free = np.flatnonzero(status == FREE)
    column = np.full(len(status), -1, dtype=np.int32)
    column[free] = np.arange(len(free))
    column[status == OPEN] = -2
    merger = PointMerger(column)
    merger.add(CoverRows(0, task.links.start, task.links.site), task.links.weight)
    purse = task.purse.restrict(np.flatnonzero(status == OPEN), free)
    return Task(_links(merger, len(free)), purse, free, merger.served)


def _links(merger: PointMerger, n_sites: int) -> Links:
    start, site, weight = merger.merged()
    by_point = csr_array((np.ones(len(site), dtype=np.int8), site, start), shape=(len(weight), n_sites))
    by_site = by_point.tocsc()
    return Links(start, site, by_site.indptr.astype(np.int64), by_site.indices.astype(np.int32), weight)


def _improve(task: Task, best: Incumbent, effort: Effort) -> None:
    """Better `best` and its bound until they meet or the effort is spent."""
    if not len(task.links.weight) or not len(task.sites):
        best.lower(0.0)
        return
    _search(task, best, best.sites, rounds=0, seed=1)
    dual, purse = _bound(task, best, effort)
    task = Task(task.links, purse, task.sites, task.served)
    if _is_done(best, effort):
        return
    _search_widely(task, best, dual, effort)
    if _is_done(best, effort):
        return
    nothing = np.zeros(len(task.sites), dtype=np.int8)
    status = decide(dual.worth, purse.joint, nothing, dual.bound, best.enough())
    if not purse.affords(np.flatnonzero(status == OPEN)):
        best.lower(best.value)
    if not _is_done(best, effort):
        _branch(task, _core(task, status), status, best, effort)


def _is_done(best: Incumbent, effort: Effort) -> bool:
    effort.tell(best.value, best.bound)
    return effort.suffices(best.value, best.bound) or effort.seconds_left() <= 0


def _rounds(task: Task) -> int:
    work = len(task.links.site) + len(task.links.weight) + len(task.sites) ** 2
    return int(min(SEARCH_ENTRIES // max(work, 1), MOST_ROUNDS))


def _search(task: Task, best: Incumbent, start: IntArray, *, rounds: int, seed: int) -> None:
    best.offer(task.links, search(task.links, task.purse.cost, task.purse.budget, start, rounds, seed))


def _search_widely(task: Task, best: Incumbent, dual: Dual, effort: Effort) -> None:
    """Better choices drawn by the shares of the relaxed answer, and joined ones."""
    pool = Pool(task.links, task.purse, _rounds(task))
    pool.take(best.sites)
    for turn in range(MEMBERS + JOINED):
        best.offer(task.links, pool.draw(dual.share) if turn < MEMBERS else pool.join())
        if _is_done(best, effort):
            break


def _by_share(purse: Purse, dual: Dual) -> IntArray:
    """Return the sites of the largest shares in the relaxed answer that are affordable together."""
    order = np.argsort(-dual.share, kind="stable")
    return purse.prefix(order[dual.share[order] > 0])


def _first_price(task: Task) -> FloatArray:
    """Return prices as if each site had the same share."""
    share = min(1.0 / max(float(task.purse.joint.sum()), 1e-12), 1.0)
    price: FloatArray = task.links.weight / np.maximum(np.diff(task.links.start) * share, 1.0)
    return price


def _bound(task: Task, best: Incumbent, effort: Effort) -> tuple[Dual, Purse]:
    """Lower the bound by Lagrangian steps; return the dual, and the purse whose joint cost it holds for."""
    purse, status = task.purse, np.zeros(len(task.sites), dtype=np.int8)
    dual = start_dual(task.links, purse.joint, 1.0, status, _first_price(task))
    for turn in range(MOST_STEPS // STEPS_AT_ONCE):
        before = dual.bound
        more = descend(task.links, purse.joint, 1.0, status, dual, STEPS_AT_ONCE, best.value, best.enough())
        best.lower(dual.bound)
        if _is_done(best, effort) or not more:
            break
        _search(task, best, _by_share(purse, dual), rounds=0, seed=1)
        if len(purse.budget) > 1 and turn % JOIN_EVERY == 0:
            purse = purse.joined(dual.worth)
            dual = start_dual(task.links, purse.joint, 1.0, status, dual.price)
        elif before - dual.bound < SMALLEST_FALL * dual.bound:
            break
    return dual, purse


def _branch(task: Task, core: Task, status: NDArray[np.int8], best: Incumbent, effort: Effort) -> None:
    """Branch and bound on the core: every choice better than the best known opens and closes as `status` says."""
    taken = np.flatnonzero(status == OPEN)
    inside = core.purse.prefix(np.flatnonzero(np.isin(core.sites, best.sites)))
    mine = Incumbent(np.empty(0, dtype=np.int64), best.value - core.served, best.bound - core.served, best.step)
    mine.offer(core.links, inside)
    try:
        _branch_core(core, mine, effort)
    finally:
        best.offer(task.links, np.r_[taken, core.sites[mine.sites]])
        best.lower(max(mine.bound + core.served, best.value))
    effort.tell(best.value, best.bound)


def _branch_core(core: Task, best: Incumbent, effort: Effort) -> None:
    if not len(core.links.weight):
        best.offer(core.links, np.empty(0, dtype=np.int64))
        best.lower(best.value)
        return
    dual, purse = _bound(core, best, effort)
    core = Task(core.links, purse, core.sites, core.served)
    branching = Branching(core.links, purse, best, effort)
    branching.begin(dual, np.zeros(len(core.sites), dtype=np.int8))
    pool = Pool(core.links, purse, _rounds(core))
    pool.take(best.sites)
    most = np.inf if effort.nodes is None else effort.nodes
    looked_at, join_at, in_vain = 0, 0, 0
    while looked_at < most and branching.run(int(min(NODES_AT_ONCE, most - looked_at))):
        looked_at += NODES_AT_ONCE
        effort.tell(best.value + core.served, best.bound + core.served)
        if looked_at > join_at and not effort.suffices(best.value, best.bound):
            new = pool.draw(dual.share) if len(pool.members) < MEMBERS else pool.join()
            in_vain = 0 if best.offer(core.links, new) else in_vain + 1
            join_at = looked_at + in_vain * NODES_AT_ONCE


def _fill(sites: IntArray, p: int, n_sites: int) -> IntArray:
    """Return exactly p sites: the lowest-numbered idle ones fill up where fewer already cover everything."""
    idle = np.setdiff1d(np.arange(n_sites), sites)
    return np.sort(np.r_[sites, idle[: p - len(sites)]])
