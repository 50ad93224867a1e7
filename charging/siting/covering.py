"""What covering models share: points that the same sites cover are one point."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from charging.siting.problem import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class CoverSystem:
    """Points with different cover sets, and the weight of each.

    Parameters
    ----------
    by_point
        Points x sites, ones where a site covers a point; no empty row, no row twice.
    weight
        Weight of each point.
    """

    by_point: csr_array
    weight: FloatArray

    @cached_property
    def by_site(self) -> csr_array:
        """Sites x points."""
        return csr_array(self.by_point.T.tocsr())

    @property
    def n_sites(self) -> int:
        """Number of candidate sites."""
        return int(self.by_point.shape[1])

    def points_of(self, site: int) -> IntArray:
        """Return the points that `site` covers."""
        start, end = self.by_site.indptr[site : site + 2]
        points: IntArray = self.by_site.indices[start:end]
        return points

    def covered_weight(self, sites: IntArray) -> float:
        """Return the weight that `sites` cover together."""
        return float(self.weight[self.is_covered(sites)].sum())

    def is_covered(self, sites: IntArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Return for each point whether one of `sites` covers it."""
        covered = np.zeros(len(self.weight), dtype=np.bool_)
        for site in sites:
            covered[self.points_of(int(site))] = True
        return covered

    def restrict(self, points: IntArray, sites: IntArray) -> "CoverSystem":
        """Return the system of some points and sites, merged again; points no site covers are left out."""
        return merge_points(csr_array(self.by_point[points][:, sites]), self.weight[points])


def merge_points(cover: csr_array, weight: FloatArray) -> CoverSystem:
    """Return the system in which points with the same cover set are one, their weights added.

    Points that no site covers or that weigh nothing are left out.

    Notes
    -----
    Cover sets are compared by sums of random 64-bit numbers, one a site. Two different sets share a sum with
    probability 2**-64; should it happen in one draw, `_differs` sees it and another is made.
    """
    kept = np.flatnonzero((np.diff(cover.indptr) > 0) & (weight > 0))
    cover, weight = csr_array(cover[kept]), weight[kept]
    cover.sort_indices()
    for seed in range(8):
        _, first, group = np.unique(_keys(cover, seed), return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        group, first = np.argsort(order, kind="stable")[group.ravel()], first[order]
        if not _differs(cover, first[group]):
            break
    merged = np.bincount(group, weight, minlength=len(first)).astype(np.float64)
    return CoverSystem(csr_array(cover[first]), merged)


def _keys(cover: csr_array, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    draws = np.random.default_rng(seed).integers(1, 2**64, cover.shape[1], dtype=np.uint64)
    sums = np.zeros(len(cover.indices) + 1, dtype=np.uint64)
    np.cumsum(draws[cover.indices], out=sums[1:])  # wraps around, on purpose
    keys: np.ndarray[tuple[int, ...], np.dtype[np.uint64]] = sums[cover.indptr[1:]] - sums[cover.indptr[:-1]]
    return keys


def _differs(cover: csr_array, representative: IntArray) -> bool:
    lengths = np.diff(cover.indptr)
    if (lengths != lengths[representative]).any():
        return True
    shift = cover.indptr[:-1][representative] - cover.indptr[:-1]
    twin = np.arange(len(cover.indices)) + np.repeat(shift, lengths)
    return bool((cover.indices != cover.indices[twin]).any())


def first_open_site(cover: csr_array, sites: IntArray) -> IntArray:
    """Return for each point the lowest-numbered open site that covers it, -1 where none does."""
    is_open = np.zeros(cover.shape[1], dtype=np.bool_)
    is_open[sites] = True
    serving = np.where(is_open[cover.indices], cover.indices, cover.shape[1])
    filled = np.flatnonzero(np.diff(cover.indptr))
    assignment = np.full(cover.shape[0], -1, dtype=np.int64)
    if filled.size:
        least = np.minimum.reduceat(serving, cover.indptr[:-1][filled])
        assignment[filled] = np.where(least < cover.shape[1], least, -1)
    return assignment
