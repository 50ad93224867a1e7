"""The p-median: swaps, a Lagrangian bound, and HiGHS on what the bound leaves open.

Hakimi 1964, doi 10.1287/opre.12.3.450; Lagrangian: Cornuejols, Fisher and Nemhauser 1977, doi 10.1287/mnsc.23.8.789.
"""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from charging.siting.answer import Answer, cheapest_site, make_answer, whole
from charging.siting.covering import merge_points
from charging.siting.effort import Effort
from charging.siting.median_search import greedy_median, median_value, swap_to_best
from charging.siting.milp import Program, minimise
from charging.siting.problem import (
    FloatArray,
    IntArray,
    PMedian,
    as_cost,
    as_sites,
    as_vector,
    require_p,
)
from charging.siting.set_covering import cheapest_cover
from charging.siting.volume import Limits, Prices, Relaxed
from networks.errors import InfeasibleError

ROUNDS = 12
STEPS_PER_ROUND = 50
TOLERANCE = 1e-6
EXACT_ARCS_PER_S = 2_000
"""Largest rest handed to HiGHS [point-site pairs per second of the time limit]."""
MOST_EXACT_ARCS = 200_000


@dataclass(frozen=True, eq=False)
class _Task:
    """Weighted cost, points x sites; number of sites; fixed sites; whether every value is a whole number."""

    cost: FloatArray
    p: int
    fixed: IntArray
    whole_values: bool

    def round_up(self, bound: float) -> float:
        """Return the bound, rounded up where every value is a whole number."""
        return float(np.ceil(bound - 1e-6)) if self.whole_values else bound


@dataclass(frozen=True, eq=False)
class _Found:
    """Best sites, and a lower bound with the prices and the (negative) worth of the sites at it."""

    sites: IntArray
    value: float
    bound: float
    price: FloatArray
    worth: FloatArray


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
    start = _reaching_sites(cost[heavy], problem.p, fixed, effort)
    task = _Task(_penalised(cost[heavy], weight[heavy]), problem.p, fixed, whole(weight) and _whole_costs(cost))
    sites, bound = _solve_task(task, start, effort) if heavy.any() else (start, 0.0)
    assignment = cheapest_site(cost, sites)
    served = assignment >= 0
    objective = float((weight[served] * cost[served, assignment[served]]).sum())
    return make_answer(np.sort(sites), assignment, objective, min(bound, objective), cpu_s=time.process_time() - cpu)


def _whole_costs(cost: FloatArray) -> bool:
    finite = cost[np.isfinite(cost)]
    return bool((finite == np.rint(finite)).all())


def _reaching_sites(cost: FloatArray, p: int, fixed: IntArray, effort: Effort) -> IntArray:
    """Return p sites from which every point can be served; empty costs are not allowed."""
    allowed = np.isfinite(cost)
    if not allowed.all():
        bare = int((~allowed.any(axis=1)).sum())
        if bare:
            raise InfeasibleError(f"cost: {bare} points are allowed at no site; allow a site for each of them")
        rest = ~allowed[:, fixed].any(axis=1)
        system = merge_points(csr_array(allowed[rest], dtype=np.float64), np.ones(int(rest.sum())))
        chosen, fewest = cheapest_cover(system, np.ones(cost.shape[1]), effort)
        sites = np.r_[fixed, np.setdiff1d(chosen, fixed)]
        if len(sites) > p:
            short = int(max(fewest + len(fixed) - p, 1))
            raise InfeasibleError(f"p: {p} sites cannot reach every point; raise p by at least {short}")
        return _filled(sites, p, cost.shape[1])
    if p == 0:
        raise InfeasibleError("p: no site can serve any point; raise p by 1")
    return np.empty(0, dtype=np.int64)


def _filled(sites: IntArray, p: int, n_sites: int) -> IntArray:
    idle = np.setdiff1d(np.arange(n_sites), sites)
    filled: IntArray = np.r_[sites, idle[: p - len(sites)]]
    return filled


def _penalised(cost: FloatArray, weight: FloatArray) -> FloatArray:
    """Return weighted costs; what is not allowed costs more than everything that is allowed together."""
    weighted = cost * weight[:, None]
    barred = ~np.isfinite(cost)
    if barred.any():
        weighted[barred] = 0.0
        weighted[barred] = 1.0 + weighted.max(axis=1).sum()
    return weighted


def _solve_task(task: _Task, start: IntArray, effort: Effort) -> tuple[IntArray, float]:
    first = start if start.size else greedy_median(task.cost, task.p, task.fixed)
    sites = swap_to_best(task.cost, first, len(task.fixed), deadline=effort.deadline)
    found = _bound(task, sites, effort)
    bound = task.round_up(found.bound)
    if effort.suffices(found.value, bound):
        return found.sites, bound
    return _prove(task, found, effort)


def _bound(task: _Task, sites: IntArray, effort: Effort) -> _Found:
    """Return the bound by the volume algorithm, and the sites, bettered by what the relaxed answers open."""
    cost, value = task.cost, median_value(task.cost, sites)

    def relax(price: FloatArray) -> Relaxed:
        worth = _worth(cost, price)
        share = _best_share(task, worth)
        opened = np.flatnonzero(share)
        times = (cost[:, opened] < price[:, None]).sum(axis=1).astype(np.float64)
        return Relaxed(-float(price.sum() + worth[opened].sum()), share, times)

    prices = Prices(relax, _first_price(cost, sites), cost.max(axis=1) + 1.0)
    least = TOLERANCE if not task.whole_values else max((1.0 - 1e-6) / max(value, 1.0), 1e-12)
    limits = Limits(STEPS_PER_ROUND, min(least, 1.0), effort.deadline)
    seen = {tuple(sorted(sites.tolist()))}
    for _ in range(ROUNDS):
        going_on = prices.descend(-value, limits)
        trial = _rounded(task, prices.share)
        if tuple(sorted(trial.tolist())) not in seen:
            seen.add(tuple(sorted(trial.tolist())))
            trial = swap_to_best(cost, trial, len(task.fixed), deadline=effort.deadline)
            if median_value(cost, trial) < value:
                sites, value = trial, median_value(cost, trial)
        if not going_on:
            break
    return _Found(sites, value, -prices.bound, prices.best, _worth(cost, prices.best))


def _worth(cost: FloatArray, price: FloatArray) -> FloatArray:
    """Return what opening each site changes in the relaxed problem (0 or less)."""
    worth: FloatArray = np.minimum(cost - price[:, None], 0.0).sum(axis=0)
    return worth


def _best_share(task: _Task, worth: FloatArray) -> FloatArray:
    share = np.zeros(len(worth))
    share[task.fixed] = 1.0
    ranked = np.where(share > 0, np.inf, worth)
    left = task.p - len(task.fixed)
    share[np.argsort(ranked, kind="stable")[:left]] = 1.0
    return share


def _first_price(cost: FloatArray, sites: IntArray) -> FloatArray:
    """Return prices a little above the cost at the best open site, at most half-way to the second."""
    among = np.sort(cost[:, sites], axis=1)[:, :2]
    first, second = among[:, 0], among[:, -1]
    price: FloatArray = first + 0.5 * np.minimum(second - first, first + 1e-3)
    return price


def _rounded(task: _Task, share: FloatArray) -> IntArray:
    order = np.argsort(-share, kind="stable")
    ranked: IntArray = np.r_[task.fixed, order[~np.isin(order, task.fixed)]]
    return ranked[: task.p]


def _prove(task: _Task, found: _Found, effort: Effort) -> tuple[IntArray, float]:
    """Solve what the bound leaves open with HiGHS; return the better sites and the better bound."""
    opened, closed = _decided(task, found)
    arcs = _open_arcs(task, found, closed)
    most = min(EXACT_ARCS_PER_S * effort.time_limit_s, MOST_EXACT_ARCS)
    bound = task.round_up(found.bound)
    if not arcs.any(axis=1).all():
        return found.sites, found.value
    if arcs.sum() > most or effort.seconds_left() <= 0:
        return found.sites, bound
    outcome = minimise(_program(task, arcs, opened, closed), effort)
    best, value = found.sites, found.value
    if outcome.values is not None:
        trial = np.flatnonzero(outcome.values[: task.cost.shape[1]] > 0.5)
        if len(trial) == task.p and median_value(task.cost, trial) < value:
            best, value = trial, median_value(task.cost, trial)
    proven = value if outcome.infeasible else task.round_up(outcome.bound)
    return best, min(max(bound, proven), value)


def _threshold(task: _Task, found: _Found) -> float:
    """A choice whose bound passes this is no better than the best known one."""
    return found.value - (1.0 - 1e-6 if task.whole_values else 0.0) + 1e-9 * abs(found.value)


def _decided(task: _Task, found: _Found) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the sites that every better choice opens, and those that it leaves closed."""
    share = _best_share(task, found.worth) > 0
    free = np.ones(len(share), dtype=np.bool_)
    free[task.fixed] = False
    limit = _threshold(task, found)
    inside, outside = share & free, ~share
    if not inside.any() or not outside.any():
        return share, outside
    last, first = found.worth[inside].max(), found.worth[outside].min()
    closed = outside & (found.bound + found.worth - last > limit)
    opened = (inside & (found.bound - found.worth + first > limit)) | ~free
    return opened, closed


def _open_arcs(task: _Task, found: _Found, closed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which point-site pairs a better choice may use: reduced cost within the gap, site not closed."""
    dear = found.bound + (task.cost - found.price[:, None]) > _threshold(task, found)
    arcs: NDArray[np.bool_] = ~dear & ~closed[None, :]
    return arcs


def _program(task: _Task, arcs: NDArray[np.bool_], opened: NDArray[np.bool_], closed: NDArray[np.bool_]) -> Program:
    """Return: each point served once, only by an open site; p sites open. Columns: sites, then arcs."""
    points, sites = np.nonzero(arcs)
    n_points, n_sites = task.cost.shape
    n_arcs = len(points)
    arc = np.arange(n_arcs)
    served_rows, linked_rows, count_row, fixed_row = 0, n_points, n_points + n_arcs, n_points + n_arcs + 1
    settled = np.flatnonzero(opened | closed)
    rows = np.r_[
        served_rows + points,
        linked_rows + arc,
        linked_rows + arc,
        np.full(n_sites, count_row),
        fixed_row + np.arange(len(settled)),
    ]
    columns = np.r_[n_sites + arc, sites, n_sites + arc, np.arange(n_sites), settled]
    entries = np.r_[np.ones(n_arcs), np.ones(n_arcs), -np.ones(n_arcs), np.ones(n_sites), np.ones(len(settled))]
    shape = (fixed_row + len(settled), n_sites + n_arcs)
    settled_at = opened[settled].astype(np.float64)
    return Program(
        cost=np.r_[np.zeros(n_sites), task.cost[points, sites]],
        matrix=csr_array((entries, (rows, columns)), shape=shape),
        row_lower=np.r_[np.ones(n_points), np.zeros(n_arcs), task.p, settled_at],
        row_upper=np.r_[np.ones(n_points), np.full(n_arcs, np.inf), task.p, settled_at],
        integer=np.r_[np.ones(n_sites, dtype=np.bool_), np.zeros(n_arcs, dtype=np.bool_)],
    )
