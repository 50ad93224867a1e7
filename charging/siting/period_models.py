"""Any siting model asked for the best choice between what must stand at least and what may stand at most.

A state gives each site a size: 0 where nothing stands, 1 where something does; where stations have sizes, 1 and more.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import singledispatch
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from charging.siting.answer import Answer
from charging.siting.cover_problems import GradualCovering, ServiceCovering
from charging.siting.effort import Effort
from charging.siting.flow_problem import FlowRefuelling, allowed_nodes, node_count
from charging.siting.median_problem import CapacitatedPMedian
from charging.siting.period_capacity import with_sites
from charging.siting.period_problem import PeriodProblem
from charging.siting.problem import FloatArray, IntArray, MaximalCovering, PCenter, PMedian, as_sites
from charging.siting.service_covering import ServiceAnswer
from charging.siting.solve import solve_within
from networks.errors import DataError, InfeasibleError

MATRIX = {
    "MaximalCovering": "cover",
    "GradualCovering": "level",
    "ServiceCovering": "reach",
    "PMedian": "cost",
    "PCenter": "cost",
    "CapacitatedPMedian": "cost",
}
"""What each model calls its points x sites."""
SMALLER_IS_BETTER = ("PMedian", "PCenter", "CapacitatedPMedian")


def kind_of(problem: PeriodProblem) -> str:
    """Return the name of a problem's model."""
    return type(problem).__name__


def sense_of(problem: PeriodProblem) -> float:
    """Return 1 where more is better, -1 where less is."""
    return -1.0 if kind_of(problem) in SMALLER_IS_BETTER else 1.0


def n_sites_of(problem: PeriodProblem) -> int:
    """Return the number of sites, or of nodes."""
    if isinstance(problem, FlowRefuelling):
        return node_count(problem.graph)
    matrix = getattr(problem, MATRIX[kind_of(problem)])
    return int(matrix.shape[1] if issparse(matrix) else np.asarray(matrix).shape[1])


def standing(problem: PeriodProblem) -> IntArray:
    """Return the state in which nothing is opened."""
    state = np.zeros(n_sites_of(problem), dtype=np.int64)
    if isinstance(problem, ServiceCovering):
        for site, size in problem.existing.items():
            state[site] = size + 1
    elif not isinstance(problem, CapacitatedPMedian):
        state[as_sites(problem.fixed, len(state))] = 1
    return state


def opening_of(states: Sequence[IntArray]) -> IntArray:
    """Return for each site the first period in which it stands, -1: never, from what stands in each."""
    stands = np.array(states) > 0
    return np.where(stands.any(axis=0), stands.argmax(axis=0), -1).astype(np.int64)


def everything(problem: PeriodProblem) -> IntArray:
    """Return the state in which the largest stations stand wherever they may."""
    if isinstance(problem, ServiceCovering):
        return np.full(n_sites_of(problem), np.asarray(problem.capacity).shape[1], dtype=np.int64)
    if isinstance(problem, FlowRefuelling):
        return allowed_nodes(problem).astype(np.int64)
    return np.ones(n_sites_of(problem), dtype=np.int64)


@singledispatch
def best_between(problem: Any, lower: IntArray, upper: IntArray, effort: Effort) -> tuple[IntArray, Answer]:
    """Return the best state from `lower` to `upper` and the answer that it is, sites numbered as in the problem.

    Parameters
    ----------
    problem
        What is asked in a period.
    lower, upper
        States that bound it.
    effort
        When to stop.

    Raises
    ------
    InfeasibleError
        If there is none.
    """
    raise DataError(f"{type(problem).__name__} does not know several periods; solve them one by one")


@best_between.register(MaximalCovering | GradualCovering | PMedian | PCenter)
def _columns_between(
    problem: MaximalCovering | GradualCovering | PMedian | PCenter, lower: IntArray, upper: IntArray, effort: Effort
) -> tuple[IntArray, Answer]:
    fixed = np.maximum(lower, standing(problem)) > 0
    columns = np.flatnonzero((upper > 0) | fixed)
    name = MATRIX[kind_of(problem)]
    changes: dict[str, Any] = {name: _some_columns(getattr(problem, name), columns)}
    changes["fixed"] = tuple(np.flatnonzero(fixed[columns]).tolist())
    if problem.p is not None:
        changes["p"] = min(problem.p, len(columns))
    if isinstance(problem, MaximalCovering | GradualCovering) and problem.cost is not None:
        changes["cost"] = np.asarray(problem.cost)[columns]
    found = solve_within(replace(problem, **changes), effort)
    # Nobody (-1) finds the entry behind the last one.
    assignment = np.r_[columns, -1][found.assignment]
    return _state(len(lower), columns[found.sites]), replace(found, sites=columns[found.sites], assignment=assignment)


@best_between.register
def _rooms_between(
    problem: CapacitatedPMedian, lower: IntArray, upper: IntArray, effort: Effort
) -> tuple[IntArray, Answer]:
    columns = np.flatnonzero((upper > 0) | (lower > 0))
    capacity = np.broadcast_to(np.asarray(problem.capacity, dtype=np.float64), (len(lower),))
    cost = _some_columns(problem.cost, columns)
    narrowed = replace(problem, cost=cost, capacity=capacity[columns], p=min(problem.p, len(columns)))
    found = with_sites(narrowed, np.flatnonzero(lower[columns] > 0), effort)
    renumbered = replace(found, sites=columns[found.sites], assignment=columns[found.assignment])
    return _state(len(lower), renumbered.sites), renumbered


def _state(size: int, sites: IntArray) -> IntArray:
    state = np.zeros(size, dtype=np.int64)
    state[sites] = 1
    return state


def _some_columns(matrix: Any, columns: IntArray) -> Any:
    if len(columns) == matrix.shape[1]:
        return matrix
    return csr_array(csr_array(matrix)[:, columns]) if issparse(matrix) else np.asarray(matrix)[:, columns]


@best_between.register
def _nodes_between(
    problem: FlowRefuelling, lower: IntArray, upper: IntArray, effort: Effort
) -> tuple[IntArray, Answer]:
    fixed = np.maximum(lower, standing(problem)) > 0
    free = (upper > 0) & allowed_nodes(problem)
    nodes = np.flatnonzero(free | fixed)
    narrowed = replace(
        problem,
        fixed=tuple(np.flatnonzero(fixed).tolist()),
        candidates=tuple(nodes.tolist()),
        forbidden=(),
        p=min(problem.p, len(nodes)),
        all_flows=False,
    )
    whole = bool((free >= allowed_nodes(problem)).all())
    try:
        found = solve_within(problem if whole and not lower.any() else narrowed, effort)
    except InfeasibleError:
        if whole:
            raise
        # Nobody gets through with these nodes alone.
        sites, nobody = np.flatnonzero(fixed), np.full(len(np.asarray(problem.flows.volume)), -1, dtype=np.int64)
        return _state(len(lower), sites), Answer(sites, nobody, 0.0, 0.0, 0.0, "optimal", 0.0)
    return _state(len(lower), found.sites), found


@best_between.register
def _sizes_between(
    problem: ServiceCovering, lower: IntArray, upper: IntArray, effort: Effort
) -> tuple[IntArray, Answer]:
    if problem.closable:
        raise DataError("closable: what stands stays in several periods; give none")
    least = np.maximum(lower, standing(problem))
    most = np.maximum(upper, least)
    found, state = _narrowed(problem, least, most, effort)
    return state, found


def best_of_size(problem: ServiceCovering, lower: IntArray, upper: IntArray, effort: Effort) -> tuple[IntArray, Answer]:
    """As `best_between`; where something stands in `lower` it has that size, where not it has that of `upper`
    if it opens; any size where `upper` is everything.
    """
    stands, least = standing(problem), np.maximum(lower, standing(problem))
    opened = (lower > 0) & (stands == 0)
    most = np.where(opened, lower, np.maximum(upper, least))
    given = (stands == 0) & ~opened & (upper > 0) & (not _every(problem, upper))
    capacity, cost = np.array(problem.capacity, dtype=np.float64), np.array(problem.cost, dtype=np.float64)
    for values in (capacity, cost):
        values[given] = values[given, upper[given] - 1][:, None]
    found, state = _narrowed(replace(problem, capacity=capacity, cost=cost), least, most, effort)
    state = np.where(given & (state > 0), upper, state)
    return state, replace(found, size=state[found.sites] - 1)


def _every(problem: ServiceCovering, upper: IntArray) -> bool:
    return bool((upper == everything(problem)).all())


def _narrowed(
    problem: ServiceCovering, least: IntArray, most: IntArray, effort: Effort
) -> tuple[ServiceAnswer, IntArray]:
    """Return the best answer between two states, and its state."""
    reach = csr_array(csr_array(problem.reach) != 0, dtype=np.float64)
    reach.data = np.where(most[reach.indices] > 0, reach.data, 0.0)
    reach.eliminate_zeros()
    capacity, cost = (_no_larger(np.asarray(each, dtype=np.float64), most) for each in (problem.capacity, problem.cost))
    sites = np.flatnonzero(least)
    existing = dict(zip(sites.tolist(), (least[sites] - 1).tolist(), strict=True))
    narrowed = replace(problem, reach=reach, capacity=capacity, cost=cost, existing=existing)
    found = solve_within(narrowed, effort)
    if not isinstance(found, ServiceAnswer):
        raise TypeError(f"{type(found).__name__} is no answer of the service model")
    size = np.minimum(found.size, most[found.sites] - 1)
    state = np.zeros(len(least), dtype=np.int64)
    state[found.sites] = size + 1
    return replace(found, size=size), state


def _no_larger(values: FloatArray, most: IntArray) -> FloatArray:
    """Return values of sites x sizes in which sizes beyond the largest are that one."""
    place = np.minimum(np.arange(values.shape[1]), np.maximum(most - 1, 0)[:, None])
    return np.take_along_axis(values, place, axis=1)
