"""Gradual covering: a point counts by the best level at which an open site covers it.

Solved as a maximal covering, exactly: a point with the levels 1 > 0.6 > 0.2 becomes three, worth 0.4, 0.4 and 0.2
of it, covered by the sites of at least each level. Berman, Krass and Drezner 2003, doi 10.1016/S0377-2217(02)00364-8.
"""

import time
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from charging.siting.answer import Answer, make_answer
from charging.siting.cover_problems import GradualCovering
from charging.siting.effort import Effort
from charging.siting.maximal_covering import SAME, solve_maximal_covering
from charging.siting.problem import FloatArray, IntArray, MaximalCovering, as_vector
from networks.compiled import compiled
from networks.errors import DataError


def falling_levels(distance: ArrayLike, full: float, none: float) -> FloatArray:
    """Return levels that are 1 up to the distance `full` and fall evenly to 0 at `none`.

    Parameters
    ----------
    distance
        Points x sites [km or min].
    full, none
        Distances at which a level begins to fall, and is 0 [unit of `distance`].

    Examples
    --------
    >>> falling_levels([[1.0, 2.0, 3.0, 9.0]], 1.0, 3.0).tolist()
    [[1.0, 0.5, 0.0, 0.0]]
    """
    if not 0 <= full < none:
        raise DataError(f"levels: full {full}, none {none}; full must be at least 0 and below none")
    away = np.asarray(distance, dtype=np.float64)
    levels: FloatArray = np.clip((none - away) / (none - full), 0.0, 1.0)
    return np.where(np.isfinite(away), levels, 0.0)


def solve_gradual_covering(problem: GradualCovering, effort: Effort) -> Answer:
    """Return the sites that serve most weight, with an upper bound; each point is given its best open site.

    Raises
    ------
    DataError
        If a level is not a number between 0 and 1.
    InfeasibleError
        If the fixed sites alone pass `p` or the budget.
    """
    cpu = time.process_time()
    level, weight, inner = _read(problem)
    found = solve_maximal_covering(inner, effort)
    assignment, served = _best_open(level, found.sites)
    objective = float(weight @ served)
    bound = found.bound if found.status != "optimal" else objective
    spent, interrupted = time.process_time() - cpu, effort.ended.is_set()
    bound = max(bound, objective)
    return make_answer(found.sites, assignment, objective, bound, cpu_s=spent, interrupted=interrupted, within=SAME)


def as_covering(problem: GradualCovering) -> MaximalCovering:
    """Return the maximal covering that a gradual one is.

    Raises
    ------
    DataError
        If a level is not a number between 0 and 1.
    """
    return _read(problem)[2]


def _read(problem: GradualCovering) -> tuple[csr_array, FloatArray, MaximalCovering]:
    """Return levels, weights and the covering in which each level of each point is a point of its own."""
    level = csr_array(problem.level, dtype=np.float64)
    level.sort_indices()
    _require_levels(level)
    weight = as_vector(problem.weight, level.shape[0], "weight")
    start, site, worth = _steps(level.indptr, level.indices, level.data, weight)
    cover = csr_array((np.ones(len(site), dtype=np.int8), site, start), shape=(len(worth), level.shape[1]))
    return level, weight, MaximalCovering(cover, worth, problem.p, problem.cost, problem.budget, problem.fixed)


def _require_levels(level: csr_array) -> None:
    wrong = np.flatnonzero(~((level.data >= 0.0) & (level.data <= 1.0)))
    if wrong.size:
        point = int(np.searchsorted(level.indptr, wrong[0], side="right")) - 1
        site = level.indices[wrong[0]]
        raise DataError(f"level of point {point} at site {site}: {level.data[wrong[0]]} is not between 0 and 1")


def _best_open(level: csr_array, sites: IntArray) -> tuple[IntArray, FloatArray]:
    """Return for each point its best open site (-1: none serves it) and the level there."""
    assignment = np.full(level.shape[0], -1, dtype=np.int64)
    best = np.zeros(level.shape[0])
    columns = csr_array(level[:, sites]).tocsc()
    for place, site in enumerate(sites.tolist()):
        begin, end = columns.indptr[place : place + 2]
        points, values = columns.indices[begin:end], columns.data[begin:end]
        better = values > best[points]
        assignment[points[better]] = site
        best[points[better]] = values[better]
    return assignment, best


@compiled
def _steps(
    start: NDArray[Any], site: NDArray[Any], level: FloatArray, weight: FloatArray
) -> tuple[NDArray[np.int64], NDArray[np.int32], FloatArray]:
    """Return a covering in which each level of each point is a point of its own: start, site and weight."""
    n_rows, n_entries = 0, 0
    for count in (True, False):
        if not count:
            row_start = np.zeros(n_rows + 1, np.int64)
            row_site = np.empty(n_entries, np.int32)
            row_weight = np.empty(n_rows)
        n_rows, n_entries = 0, 0
        for point in range(len(weight)):
            begin, end = start[point], start[point + 1]
            order = np.argsort(-level[begin:end])
            for place in range(end - begin):
                here = level[begin + order[place]]
                below = level[begin + order[place + 1]] if place + 1 < end - begin else 0.0
                if here <= below:
                    continue
                if not count:
                    for upto in range(place + 1):
                        row_site[n_entries + upto] = site[begin + order[upto]]
                    row_site[n_entries : n_entries + place + 1].sort()
                    row_weight[n_rows] = weight[point] * (here - below)
                    row_start[n_rows + 1] = n_entries + place + 1
                n_rows += 1
                n_entries += place + 1
    return row_start, row_site, row_weight
