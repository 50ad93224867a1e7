"""Parts of a p-median with capacities solved anew on HiGHS: some neighbouring clusters.

Sites reduced as in Stefanello, de Araujo and Mueller 2015, doi 10.1111/itor.12103; parts as in Taillard and Voss
2002, doi 10.1007/978-1-4615-1507-4_27.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from charging.siting.capacity_bound import Capacities
from charging.siting.effort import Effort
from charging.siting.milp import Program, minimise
from charging.siting.problem import IntArray

PART_NODES = 300
"""Nodes of branch and bound for a part."""
CENTRES, NEAR = 6, 8
"""Sites tried for each cluster of a part, and sites each of its points may use."""
LEAST_GAIN = 1e-9


@dataclass(eq=False)
class Plan:
    """The best choice so far: open sites, the site that serves each point, and its cost."""

    sites: IntArray
    serving: IntArray
    value: float = np.inf


@dataclass(frozen=True, eq=False)
class Part:
    """Points to be served from `p` of some sites, and which site (row) may serve which point (column)."""

    points: IntArray
    sites: IntArray
    allowed: NDArray[np.bool_]
    p: int


def better_parts(task: Capacities, plan: Plan, clusters: int, effort: Effort) -> bool:
    """Solve each cluster anew with its neighbours, in place; return whether the plan became better."""
    before = plan.value
    for site in plan.sites.tolist():
        if effort.seconds_left() <= 0:
            break
        if site in plan.sites:
            _take(task, plan, _neighbourhood(task, plan, site, clusters), replace(effort, nodes=PART_NODES))
    return plan.value < before * (1.0 - LEAST_GAIN)


def _neighbourhood(task: Capacities, plan: Plan, site: int, clusters: int) -> Part:
    """Return the part of the clusters nearest to the points of `site`: where these would be served cheapest."""
    mine = np.flatnonzero(plan.serving == site)
    away = np.where(plan.sites == site, -1.0, task.cost[plan.sites][:, mine].mean(axis=1) if mine.size else 0.0)
    near = plan.sites[np.argsort(away, kind="stable")[:clusters]]
    points = np.flatnonzero(np.isin(plan.serving, near))
    closed = np.setdiff1d(np.arange(len(task.cost)), plan.sites)
    tried = [near]
    for each in near.tolist():
        total = task.cost[closed][:, plan.serving == each].sum(axis=1)
        tried.append(closed[np.argsort(total, kind="stable")[:CENTRES]])
    sites = np.unique(np.concatenate(tried))
    cost = task.cost[np.ix_(sites, points)]
    rank = np.argsort(np.argsort(cost, axis=0, kind="stable"), axis=0, kind="stable")
    allowed = (rank < NEAR + CENTRES) | (plan.serving[points][None, :] == sites[:, None])
    return Part(points, sites, allowed & np.isfinite(cost), len(near))


def _take(task: Capacities, plan: Plan, part: Part, effort: Effort) -> float:
    """Solve the part and keep what is better; return its bound."""
    rows, columns = np.nonzero(part.allowed)
    n_sites = len(part.sites)
    open_now = np.isin(part.sites, plan.sites)
    used_now = plan.serving[part.points][columns] == part.sites[rows]
    start = np.r_[open_now, used_now].astype(np.float64) if np.isfinite(plan.value) else None
    outcome = minimise(_program(task, part, rows, columns), effort, start=start)
    if outcome.values is None:
        return np.inf if outcome.infeasible else outcome.bound
    serving = plan.serving.copy()
    used = outcome.values[n_sites:] > 0.5
    serving[part.points[columns[used]]] = part.sites[rows[used]]
    value = float(task.cost[serving, np.arange(len(serving))].sum())
    if value < plan.value:
        opened = part.sites[outcome.values[:n_sites] > 0.5]
        plan.sites = np.union1d(np.setdiff1d(plan.sites, part.sites), opened)
        plan.serving, plan.value = serving, value
    return outcome.bound


def _program(task: Capacities, part: Part, rows: IntArray, columns: IntArray) -> Program:
    """Return: each point served once, loads within capacity, only open sites serve. Columns: sites, assignments."""
    n_sites, n_points, n_arcs = len(part.sites), len(part.points), len(rows)
    arc, each = np.arange(n_arcs), np.arange(n_sites)
    full, link, count = n_points, n_points + n_sites, n_points + n_sites + n_arcs
    points = part.points[columns]
    row = np.r_[columns, full + rows, full + each, link + arc, link + arc, np.full(n_sites, count)]
    column = np.r_[n_sites + arc, n_sites + arc, each, rows, n_sites + arc, each]
    one = np.ones(n_arcs)
    entries = np.r_[one, -task.demand[points], task.capacity[part.sites], one, -one, np.ones(n_sites)]
    return Program(
        cost=np.r_[np.zeros(n_sites), task.cost[part.sites[rows], points]],
        matrix=csr_array((entries, (row, column)), shape=(count + 1, n_sites + n_arcs)),
        row_lower=np.r_[np.ones(n_points), np.zeros(n_sites + n_arcs), float(part.p)],
        row_upper=np.r_[np.ones(n_points), np.full(n_sites + n_arcs, np.inf), float(part.p)],
        integer=np.ones(n_sites + n_arcs, dtype=np.bool_),
    )
