"""Standards of reach: every point within its own distance of a station, at least cost."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from charging.siting.answer import Answer
from charging.siting.cover_problems import StandardCovering
from charging.siting.effort import Effort
from charging.siting.problem import FloatArray, SetCovering, as_vector
from charging.siting.set_covering import POINTS_NAMED, solve_set_covering
from networks.errors import InfeasibleError


def cover_within(problem: StandardCovering) -> csr_array:
    """Return which sites reach which points within the standard of the point: points x sites."""
    if issparse(problem.distance):
        distance = csr_array(problem.distance)
        standard = as_vector(problem.standard, distance.shape[0], "standard")
        near = distance.data <= np.repeat(standard, np.diff(distance.indptr))
        cover = csr_array((near, distance.indices.copy(), distance.indptr.copy()), shape=distance.shape)
        cover.eliminate_zeros()
        return cover
    dense = np.asarray(problem.distance, dtype=np.float64)
    standard = as_vector(problem.standard, dense.shape[0], "standard")
    return csr_array(dense <= standard[:, None])


def solve_standard_covering(problem: StandardCovering, effort: Effort) -> Answer:
    """Return the cheapest sites that keep the standard everywhere, with a lower bound.

    Raises
    ------
    InfeasibleError
        If a point is beyond its standard from every site (it names the distance that would do), or the standard
        costs more than the budget (it names the least budget).
    """
    cover = cover_within(problem)
    bare = np.flatnonzero(np.diff(cover.indptr) == 0)
    if bare.size:
        raise InfeasibleError(_beyond(problem, bare, cover.shape[0]))
    return solve_set_covering(SetCovering(cover, problem.cost, problem.fixed, problem.budget), effort)


def _beyond(problem: StandardCovering, bare: NDArray[np.int64], n_points: int) -> list[str]:
    """Return a message for all points beyond their standard, and one for each of the first, worst first."""
    standard = as_vector(problem.standard, n_points, "standard")
    nearest = _nearest(problem, bare)
    missing = nearest - standard[bare]
    order = np.argsort(-missing, kind="stable")
    messages = [f"standard: {bare.size} of {n_points} points lie beyond it from every site; points, worst first:"]
    for place in order[:POINTS_NAMED].tolist():
        point = bare[place]
        if np.isfinite(nearest[place]):
            remedy = f"nearest site at {nearest[place]:g}; widen the standard {standard[point]:g} by {missing[place]:g}"
        else:
            remedy = f"no site can be reached at all; add one within {standard[point]:g}"
        messages.append(f"point {point}: {remedy}")
    return messages


def _nearest(problem: StandardCovering, points: NDArray[np.int64]) -> FloatArray:
    """Return the distance of each of `points` to its nearest site, infinite where no way is known."""
    nearest = np.full(len(points), np.inf)
    sparse = csr_array(problem.distance) if issparse(problem.distance) else None
    for place, point in enumerate(points.tolist()):
        if sparse is None:
            values = np.asarray(problem.distance[point], dtype=np.float64)
        else:
            values = sparse.data[sparse.indptr[point] : sparse.indptr[point + 1]]
        nearest[place] = np.min(values, initial=np.inf, where=~np.isnan(values))
    return nearest
