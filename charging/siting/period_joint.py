"""All periods of a siting model solved as one: by covering, by one program, or by the search for ways."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import block_array, block_diag, csr_array, eye_array, kron, vstack

from charging.siting.cover_input import read_cover
from charging.siting.cover_problems import GradualCovering, ServiceCovering
from charging.siting.cover_purse import make_purse
from charging.siting.effort import Effort
from charging.siting.flow_problem import FlowRefuelling, allowed_nodes
from charging.siting.flow_program import columns_of, is_small, whole_program
from charging.siting.flow_routes import routes_of_flows
from charging.siting.flow_search import group_flows
from charging.siting.gradual_covering import as_covering
from charging.siting.maximal_covering import purses, solve_purses
from charging.siting.median_problem import CapacitatedPMedian
from charging.siting.milp import Program, minimise
from charging.siting.period_capacity import capacity_program
from charging.siting.period_center import join_centers, reaching_plan
from charging.siting.period_covering import openings, spent_by, wide_cover
from charging.siting.period_median import join_medians
from charging.siting.period_models import opening_of, standing
from charging.siting.period_problem import PeriodProblem
from charging.siting.problem import (
    FloatArray,
    IntArray,
    MaximalCovering,
    PCenter,
    PMedian,
    as_cost,
    as_sites,
    as_vector,
)
from charging.siting.service_covering import service_program

MOST_ENTRIES = 40_000_000
"""Entries of a covering of all periods up to which they are solved as one."""
MOST_WAYS = 20_000
"""Ways between points and sites up to which medians with capacities of all periods are one program."""


@dataclass(frozen=True, eq=False)
class Joint:
    """What stands in each period, and a bound on all periods together."""

    states: list[IntArray]
    bound: float


def join(
    problems: Sequence[Any],
    importance: FloatArray,
    states: list[IntArray],
    alone: FloatArray,
    effort: Effort,
    *,
    grows: bool,
) -> Joint | None:
    """Return a plan for all periods at once, begun from a known one; None where the model has none.

    Parameters
    ----------
    problems
        What is asked in each period, all of one model.
    importance
        Factor on the objective of each.
    states
        A plan in which nothing is taken back.
    alone
        Bound on each period as if it were the only one.
    effort
        When to stop.
    grows
        Whether stations may be larger in a later period.
    """
    first, same = problems[0], _same_standing(problems)
    if isinstance(first, MaximalCovering | GradualCovering) and same:
        return _join_coverings([_as_covering(each) for each in problems], importance, states, effort)
    if isinstance(first, PMedian) and same:
        found, bound = join_medians(problems, importance, states, effort)
        return Joint(found, bound)
    if isinstance(first, PCenter):
        found, bound = join_centers(problems, importance, states, alone, effort)
        return Joint(found, bound)
    if isinstance(first, CapacitatedPMedian):
        return _join_capacitated(problems, importance, states, effort)
    if isinstance(first, ServiceCovering):
        return _join_services(problems, importance, states, effort, grows=grows)
    if isinstance(first, FlowRefuelling):
        return _join_flows(problems, importance, states, effort)
    return None


def any_plan(problems: Sequence[Any], importance: FloatArray, effort: Effort) -> tuple[list[IntArray] | None, bool]:
    """Return a plan that meets every period where none is known yet; None and whether it is proven that none does."""
    first = problems[0]
    if isinstance(first, PMedian | PCenter):
        return reaching_plan(problems, effort)
    if isinstance(first, CapacitatedPMedian):
        joint = _join_capacitated(problems, importance, [], effort)
        if joint is not None:
            return joint.states or None, joint.bound == np.inf
    return None, False


def _same_standing(problems: Sequence[PeriodProblem]) -> bool:
    first = standing(problems[0])
    return all((standing(each) == first).all() for each in problems)


def _as_covering(problem: MaximalCovering | GradualCovering) -> MaximalCovering:
    return as_covering(problem) if isinstance(problem, GradualCovering) else problem


def _join_coverings(
    problems: list[MaximalCovering], importance: FloatArray, states: list[IntArray], effort: Effort
) -> Joint | None:
    """Return a plan by one covering: a column for every site and the period in which it opens."""
    size, covers = len(problems), [csr_array(each.cover) for each in problems]
    n_sites = covers[0].shape[1]
    if sum((period + 1) * cover.nnz for period, cover in enumerate(covers)) > MOST_ENTRIES:
        return None
    wide = read_cover(wide_cover(covers))
    weight = np.concatenate(
        [
            factor * as_vector(each.weight, each.cover.shape[0], "weight")
            for factor, each in zip(importance, problems, strict=True)
        ]
    )
    fixed = as_sites(problems[0].fixed, n_sites)
    costs, contents = [], []
    for period, each in enumerate(problems):
        cost, content = purses(each, fixed, n_sites)
        costs.append(spent_by(cost, period, size))
        contents.append(content)
    purse = make_purse(np.concatenate(costs), np.concatenate(contents))
    known = opening_of(states)
    sites = np.flatnonzero(known >= 0)
    start = known[sites] * n_sites + sites
    chosen, bound = solve_purses(wide, weight, fixed, purse, effort, start=start)
    opening = openings(chosen, size, n_sites)
    return Joint([((opening >= 0) & (opening <= period)).astype(np.int64) for period in range(size)], bound)


def _join_services(
    problems: Sequence[ServiceCovering], importance: FloatArray, states: list[IntArray], effort: Effort, *, grows: bool
) -> Joint:
    """Return a plan by one program; a station is as large in the next period, or larger where it `grows`."""
    programs = [service_program(each) for each in problems]
    n_sites, n_sizes = np.asarray(problems[0].capacity).shape
    # Row (site, size): whether the station has at least that size, or just that size.
    of_site = np.triu(np.ones((n_sizes, n_sizes))) if grows else np.eye(n_sizes)
    sizes = csr_array(kron(eye_array(n_sites), of_site))
    known = [np.full(len(program.cost), np.nan) for program in programs]
    for start, state in zip(known, states, strict=True):
        start[: n_sites * n_sizes] = (state[:, None] == 1 + np.arange(n_sizes)).ravel()
    values, bound = _as_one(programs, importance, sizes, known, effort)
    if values is None:
        return Joint(states, bound)
    opened = [each[: n_sites * n_sizes].reshape(n_sites, n_sizes) > 0.5 for each in values]
    return Joint([np.where(each.any(axis=1), 1 + each.argmax(axis=1), 0).astype(np.int64) for each in opened], bound)


def _join_flows(
    problems: Sequence[FlowRefuelling], importance: FloatArray, states: list[IntArray], effort: Effort
) -> Joint | None:
    """Return a plan by one program, where the periods are small enough for it."""
    ways = [group_flows(*routes_of_flows(each)) for each in problems]
    if not all(each.weight.size and is_small(each) for each in ways):
        return None
    allowed = [allowed_nodes(each) for each in problems]
    n_nodes = len(allowed[0])
    programs = [
        whole_program(way, each.p, as_sites(each.fixed, n_nodes), n_nodes)
        for way, each in zip(ways, problems, strict=True)
    ]
    known = [columns_of(way, np.flatnonzero(state), n_nodes) for way, state in zip(ways, states, strict=True)]
    values, bound = _as_one(programs, importance, csr_array(eye_array(n_nodes)), known, effort)
    if values is None:
        return Joint(states, bound)
    return Joint([(each[:n_nodes] > 0.5).astype(np.int64) for each in values], bound)


def _join_capacitated(
    problems: Sequence[CapacitatedPMedian], importance: FloatArray, states: list[IntArray], effort: Effort
) -> Joint | None:
    """Return a plan by one program, where the periods are small enough for it; no states: none was known, or found."""
    costs = [as_cost(each.cost) for each in problems]
    if sum(int(np.isfinite(cost).sum()) for cost in costs) > MOST_WAYS:
        return None
    n_sites = costs[0].shape[1]
    programs = [capacity_program(each) for each in problems]
    known = [np.full(len(program.cost), np.nan) for program in programs]
    for start, state in zip(known, states, strict=False):
        start[:n_sites] = state > 0
    values, bound = _as_one(programs, importance, csr_array(eye_array(n_sites)), known, effort)
    if values is None:
        return Joint(states, -bound)
    return Joint([(each[:n_sites] > 0.5).astype(np.int64) for each in values], -bound)


def _as_one(
    programs: Sequence[Program], importance: FloatArray, state: csr_array, known: list[FloatArray], effort: Effort
) -> tuple[list[FloatArray] | None, float]:
    """Return values of each program, and a bound on the sum of what they maximise.

    `state` times the first columns of a program tells what stands; in the next one no less does.
    """
    widths = [len(program.cost) for program in programs]
    links = []
    for period in range(len(programs) - 1):
        row = [csr_array((state.shape[0], width)) for width in widths]
        row[period], row[period + 1] = (
            _padded(sign * state, widths[period + step]) for step, sign in ((0, 1), (1, -1))
        )
        links.append(row)
    blocks = csr_array(block_diag([program.matrix for program in programs], format="csr"))
    n_links = state.shape[0] * len(links)
    whole = Program(
        np.concatenate([factor * each.cost for factor, each in zip(importance, programs, strict=True)]),
        csr_array(vstack([blocks, block_array(links, format="csr")]).tocsr()) if links else blocks,
        np.concatenate([*(each.row_lower for each in programs), np.full(n_links, -np.inf)]),
        np.concatenate([*(each.row_upper for each in programs), np.zeros(n_links)]),
        np.concatenate([each.integer for each in programs]),
    )
    outcome = minimise(whole, effort, start=np.concatenate(known))
    values = None if outcome.values is None else np.split(outcome.values, np.cumsum(widths)[:-1])
    return values, -outcome.bound


def _padded(matrix: csr_array, width: int) -> csr_array:
    return csr_array((matrix.data, matrix.indices, matrix.indptr), shape=(matrix.shape[0], width))
