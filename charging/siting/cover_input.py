"""Cover matrices as they are given: dense or sparse, never copied whole, read in blocks of points."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from charging.siting.problem import FloatArray, IntArray
from networks.compiled import compiled
from networks.errors import DataError

BLOCK_POINTS = 1 << 16


@dataclass(frozen=True, eq=False)
class CoverRows:
    """Some points and the sites that cover them.

    Parameters
    ----------
    begin
        Number of the first of these points.
    start, site
        Sites of the point `begin + k`, sorted: `site[start[k]:start[k + 1]]`.
    """

    begin: int
    start: NDArray[Any]
    site: NDArray[Any]

    @property
    def end(self) -> int:
        """Number of the first point behind these."""
        return self.begin + len(self.start) - 1


@dataclass(frozen=True, eq=False)
class CoverInput:
    """A cover matrix, points x sites, as the caller gave it.

    Parameters
    ----------
    matrix
        A two-dimensional array, or a CSR array with sorted columns in which every stored entry counts.
    """

    matrix: Any

    @property
    def n_points(self) -> int:
        """Number of points."""
        return int(self.matrix.shape[0])

    @property
    def n_sites(self) -> int:
        """Number of candidate sites."""
        return int(self.matrix.shape[1])

    def blocks(self) -> Iterator[CoverRows]:
        """Yield all points, some at a time."""
        for begin in range(0, self.n_points, BLOCK_POINTS):
            end = min(begin + BLOCK_POINTS, self.n_points)
            if issparse(self.matrix):
                yield CoverRows(begin, self.matrix.indptr[begin : end + 1], self.matrix.indices)
            else:
                yield CoverRows(begin, *_rows_of(np.ascontiguousarray(self.matrix[begin:end] != 0)))

    def first_open_site(self, sites: IntArray) -> IntArray:
        """Return for each point the lowest-numbered of `sites` that covers it, -1 where none does."""
        is_open = np.zeros(self.n_sites, dtype=np.bool_)
        is_open[sites] = True
        assignment = np.full(self.n_points, -1, dtype=np.int64)
        for rows in self.blocks():
            _first_open(rows.start, rows.site, is_open, assignment[rows.begin : rows.end])
        return assignment

    def covering_sites(self, point: int) -> IntArray:
        """Return the sites that cover `point`."""
        if issparse(self.matrix):
            begin, end = self.matrix.indptr[point : point + 2]
            return np.asarray(self.matrix.indices[begin:end], dtype=np.int64)
        return np.flatnonzero(self.matrix[point]).astype(np.int64)

    def times_coverable(self) -> IntArray:
        """Return by how many sites each point can be covered."""
        if issparse(self.matrix):
            return np.asarray(np.diff(self.matrix.indptr), dtype=np.int64)
        return np.asarray(np.count_nonzero(self.matrix, axis=1), dtype=np.int64)


def read_cover(cover: Any) -> CoverInput:
    """Return `cover` ready to be read; it is copied only where zeros are stored or columns are not sorted.

    Raises
    ------
    DataError
        If it has not two dimensions.
    """
    if not issparse(cover):
        dense = np.asarray(cover)
        if dense.ndim != 2:
            raise DataError(f"matrix: {dense.ndim} dimensions; give points x sites")
        return CoverInput(dense)
    sparse = csr_array(cover)
    if np.count_nonzero(sparse.data) < len(sparse.data) or not sparse.has_canonical_format:
        sparse = csr_array(cover, copy=True)
        sparse.data = (sparse.data != 0).astype(np.int8)
        sparse.eliminate_zeros()
        sparse.sum_duplicates()
    return CoverInput(sparse)


@compiled
def _rows_of(dense: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return start and site of the rows of a dense matrix."""
    n_points, n_sites = dense.shape
    start = np.zeros(n_points + 1, np.int64)
    for point in range(n_points):
        filled = 0
        for site in range(n_sites):
            filled += dense[point, site]
        start[point + 1] = start[point] + filled
    sites = np.empty(start[n_points], np.int32)
    for point in range(n_points):
        place = start[point]
        for site in range(n_sites):
            if dense[point, site]:
                sites[place] = site
                place += 1
    return start, sites


@compiled
def _first_open(
    start: NDArray[Any], site: NDArray[Any], is_open: NDArray[np.bool_], assignment: NDArray[np.int64]
) -> None:
    for point in range(len(assignment)):
        for place in range(start[point], start[point + 1]):
            if is_open[site[place]]:
                assignment[point] = site[place]
                break


class PointMerger:
    """Gathers points block by block; those with the same cover set become one, their weights added.

    Parameters
    ----------
    column
        For each site its number in the merged system; -1: leave it out; -2: it stands, and what it covers is
        served.

    Notes
    -----
    A hash table of cover sets with open addressing. Sets with the same hash are compared site by site, so
    the merging is exact. The order is that of the first points.
    """

    def __init__(self, column: NDArray[np.int32]) -> None:
        self.column = column
        self.served = 0.0
        self.slot = np.full(1 << 12, -1, dtype=np.int32)
        self.hash = np.empty(1 << 10, dtype=np.uint64)
        self.start = np.zeros((1 << 10) + 1, dtype=np.int64)
        self.site = np.empty(1 << 14, dtype=np.int32)
        self.weight = np.empty(1 << 10, dtype=np.float64)
        self.n_rows = 0

    def add(self, rows: CoverRows, weight: FloatArray) -> None:
        """Take in some points and their weights."""
        entries = int(rows.start[-1] - rows.start[0])
        self._make_room(self.n_rows + len(weight), int(self.start[self.n_rows]) + entries)
        tables = (self.slot, self.hash, self.start, self.site, self.weight)
        self.n_rows, served = _merge_rows(rows.start, rows.site, weight, self.column, tables, self.n_rows)
        self.served += served

    def merged(self) -> tuple[NDArray[np.int64], NDArray[np.int32], FloatArray]:
        """Return start, site and weight of the merged points."""
        start = self.start[: self.n_rows + 1].copy()
        return start, self.site[: start[-1]].copy(), self.weight[: self.n_rows].copy()

    def _make_room(self, n_rows: int, entries: int) -> None:
        if n_rows > len(self.weight):
            size = max(n_rows, 2 * len(self.weight))
            self.hash = np.resize(self.hash, size)
            self.start = np.resize(self.start, size + 1)
            self.weight = np.resize(self.weight, size)
        if entries > len(self.site):
            self.site = np.resize(self.site, max(entries, 2 * len(self.site)))
        if 2 * n_rows > len(self.slot):
            self.slot = np.full(1 << int(2 * n_rows).bit_length(), -1, dtype=np.int32)
            _fill_slots(self.slot, self.hash, self.n_rows)


@compiled
def _fill_slots(slot: NDArray[np.int32], hashes: NDArray[np.uint64], n_rows: int) -> None:
    mask = np.uint64(len(slot) - 1)
    for row in range(n_rows):
        place = hashes[row] & mask
        while slot[place] >= 0:
            place = (place + np.uint64(1)) & mask
        slot[place] = row


@compiled
def _scrambled(number: int) -> np.uint64:
    """Return a well-mixed 64-bit number (the finaliser of splitmix64; Steele, Lea and Flood 2014)."""
    mixed = np.uint64(number + 1) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@compiled
def _is_row(site: NDArray[np.int32], begin: int, scratch: NDArray[np.int32], length: int) -> bool:
    for place in range(length):  # noqa: SIM110 - compiled, and faster than a generator
        if site[begin + place] != scratch[place]:
            return False
    return True


@compiled
def _merge_rows(  # noqa: C901 - one pass over up to billions of entries
    start: NDArray[Any],
    sites: NDArray[Any],
    weight: FloatArray,
    column: NDArray[np.int32],
    tables: tuple[Any, ...],
    n_rows: int,
) -> tuple[int, float]:
    """Add the rows to the tables; return the number of merged rows and the weight that standing sites serve."""
    slot, hashes, merged_start, merged_site, merged_weight = tables
    mask = np.uint64(len(slot) - 1)
    key = np.empty(len(column), np.uint64)
    for site in range(len(column)):
        key[site] = _scrambled(site)
    scratch = np.empty(len(column), np.int32)
    served = 0.0
    for point in range(len(weight)):
        if weight[point] <= 0.0:
            continue
        length, total, stands = 0, np.uint64(0), False
        for entry in range(start[point], start[point + 1]):
            site = sites[entry]
            number = column[site]
            if number >= 0:
                scratch[length] = number
                total += key[site]
                length += 1
            elif number == -2:
                stands = True
                break
        if stands:
            served += weight[point]
            continue
        if length == 0:
            continue
        place = total & mask
        while True:
            row = slot[place]
            if row < 0:
                slot[place] = n_rows
                hashes[n_rows] = total
                merged_weight[n_rows] = weight[point]
                begin = merged_start[n_rows]
                merged_site[begin : begin + length] = scratch[:length]
                merged_start[n_rows + 1] = begin + length
                n_rows += 1
                break
            begin = merged_start[row]
            same = hashes[row] == total and merged_start[row + 1] - begin == length
            if same and _is_row(merged_site, begin, scratch, length):
                merged_weight[row] += weight[point]
                break
            place = (place + np.uint64(1)) & mask
    return n_rows, served
