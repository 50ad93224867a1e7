"""The siting problems. Rows of every matrix are demand points, columns are candidate sites."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse

from networks.errors import DataError, InfeasibleError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class MaximalCovering:
    """Open sites so that as much weight as possible is covered.

    Give `p`, or `cost` with `budget`, or both.

    Parameters
    ----------
    cover
        Points x sites, dense or sparse; an entry that is not zero means that the site covers the point.
    weight
        Weight of each point [any unit, at least 0].
    p
        Number of sites that stand in the end, the fixed ones among them; with a budget the highest number [sites].
    cost
        Cost of each site [any unit, at least 0]; existing sites may cost 0.
    budget
        Highest sum of costs, the fixed sites among them [unit of cost].
    fixed
        Sites that stand already.

    Notes
    -----
    An existing site that may be closed is left out of `fixed` and costs what keeping it costs; one that may be
    enlarged has a second column with the wider cover and the cost of the works. Forbidden areas have no columns.
    """

    cover: Any
    weight: ArrayLike
    p: int | None = None
    cost: ArrayLike | None = None
    budget: float | None = None
    fixed: Sequence[int] = ()


@dataclass(frozen=True, eq=False)
class SetCovering:
    """Cover every point at least cost.

    Parameters
    ----------
    cover
        Points x sites, dense or sparse; an entry that is not zero means that the site covers the point.
    cost
        Cost of each site [any unit, at least 0]; empty: 1 each, so that the fewest sites are sought.
    fixed
        Sites that stand already; their cost counts.
    budget
        Highest sum of costs [unit of cost]; None: no limit.
    """

    cover: Any
    cost: ArrayLike | None = None
    fixed: Sequence[int] = ()
    budget: float | None = None


@dataclass(frozen=True, eq=False)
class PMedian:
    """Open p sites so that the weighted cost of serving each point from its cheapest site is least.

    Parameters
    ----------
    cost
        Points x sites [any unit, at least 0], dense (not finite: not allowed) or sparse (absent: not allowed).
    weight
        Weight of each point [any unit, at least 0].
    p
        Number of sites that stand in the end, the fixed ones among them [sites].
    fixed
        Sites that stand already.
    """

    cost: Any
    weight: ArrayLike
    p: int
    fixed: Sequence[int] = ()


@dataclass(frozen=True, eq=False)
class PCenter:
    """Open p sites so that the point served worst is served as well as possible.

    Parameters
    ----------
    cost
        Points x sites [any unit, at least 0], dense (not finite: not allowed) or sparse (absent: not allowed).
    p
        Number of sites that stand in the end, the fixed ones among them [sites].
    fixed
        Sites that stand already.
    """

    cost: Any
    p: int
    fixed: Sequence[int] = ()


def as_cost(cost: Any) -> FloatArray:
    """Return `cost` as a dense array of points x sites; what is not allowed is infinite."""
    if issparse(cost):
        entries = cost.tocoo()
        dense = np.full(cost.shape, np.inf)
        dense[entries.row, entries.col] = entries.data
    else:
        dense = _two_dimensional(np.asarray(cost, dtype=np.float64)).copy()
    dense[np.isnan(dense)] = np.inf
    if (dense < 0).any():
        point, site = np.argwhere(dense < 0)[0]
        raise DataError(f"cost of point {point} at site {site}: {dense[point, site]} is below 0; give 0 or more")
    return dense


def as_vector(values: ArrayLike | None, size: int, name: str) -> FloatArray:
    """Return `values` as `size` numbers of at least 0; ones where none are given.

    Raises
    ------
    DataError
        If the length is another, or a value is negative or not finite.
    """
    if values is None:
        return np.ones(size)
    vector = np.asarray(values, dtype=np.float64)
    if vector.shape != (size,):
        raise DataError(f"{name}: shape {vector.shape}, but the matrix asks for ({size},); give one value each")
    wrong = np.flatnonzero(~(np.isfinite(vector) & (vector >= 0)))
    if wrong.size:
        raise DataError(f"{name}, entry {wrong[0]}: {vector[wrong[0]]} is not a number of at least 0; correct it")
    return vector


def as_sites(fixed: Sequence[int], n_sites: int, name: str = "fixed") -> IntArray:
    """Return the fixed sites (or others, by their `name`) sorted, each once.

    Raises
    ------
    DataError
        If a number is not that of a site.
    """
    sites = np.unique(np.asarray(list(fixed), dtype=np.int64))
    wrong = sites[(sites < 0) | (sites >= n_sites)]
    if wrong.size:
        raise DataError(f"{name}: site {wrong[0]} is unknown; sites are numbered 0 to {n_sites - 1}")
    return sites


def require_p(p: int, n_fixed: int, n_sites: int) -> None:
    """Check that `p` sites can stand, the `n_fixed` fixed ones among them."""
    if p < 0:
        raise DataError(f"p: {p} is below 0; give 0 or more")
    if p < n_fixed:
        raise InfeasibleError(f"p: {p} sites are asked for, but {n_fixed} are fixed; raise p by {n_fixed - p}")
    if p > n_sites:
        raise InfeasibleError(f"p: {p} sites are asked for, but there are {n_sites}; lower p by {p - n_sites}")


def _two_dimensional(matrix: NDArray[Any]) -> NDArray[Any]:
    if matrix.ndim != 2:
        raise DataError(f"matrix: {matrix.ndim} dimensions; give points x sites")
    return matrix
