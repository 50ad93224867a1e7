"""What covering models share: points that the same sites cover are one point."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from charging.siting.cover_input import PointMerger, read_cover
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

    def is_covered(self, sites: IntArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Return for each point whether one of `sites` covers it."""
        covered = np.zeros(len(self.weight), dtype=np.bool_)
        for site in sites:
            covered[self.points_of(int(site))] = True
        return covered


def merge_points(cover: csr_array, weight: FloatArray) -> CoverSystem:
    """Return the system in which points with the same cover set are one, their weights added.

    Points that no site covers or that weigh nothing are left out.
    """
    rows = read_cover(cover)
    merger = PointMerger(np.arange(rows.n_sites, dtype=np.int32))
    for block in rows.blocks():
        merger.add(block, weight[block.begin : block.end])
    start, site, merged = merger.merged()
    shape = (len(merged), rows.n_sites)
    return CoverSystem(csr_array((np.ones(len(site)), site, start), shape=shape), merged)
