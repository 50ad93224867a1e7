"""Clusters of the p-median with capacities, each a site with points that fit into it, and rows about them.

Set partitioning with clusters as in Ceselli and Righini 2005, doi 10.1002/net.20059; rows about triples of points after
Jepsen et al. 2008, doi 10.1287/opre.1070.0449.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charging.siting.problem import FloatArray, IntArray

BoolArray = NDArray[np.bool_]
FIRST_ROOM = 8_192


class Row(NamedTuple):
    """A row about clusters: how many open one of `sites` (mask), or hold two or three of the points `triple`."""

    sites: BoolArray | None
    triple: tuple[int, int, int] | None
    least: float
    most: float


class Columns:
    """Clusters known so far, none twice: site, points (ascending) and cost of each.

    Parameters
    ----------
    cost
        Costs (sites x points); infinite where a site may not serve a point.
    """

    def __init__(self, cost: FloatArray) -> None:
        self.places = np.where(np.isfinite(cost), cost, 0.0)
        self.site, self.cost = np.empty(0, dtype=np.int64), np.empty(0)
        self.start, self.point = np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.int64)
        self.member = np.zeros((cost.shape[1], FIRST_ROOM), dtype=np.bool_)
        self.known: dict[tuple[int, bytes], int] = {}

    def __len__(self) -> int:
        return len(self.site)

    def add(self, sites: IntArray, packed: BoolArray) -> IntArray:
        """Take in what is new of the clusters of `sites` (one a row of `packed`); return the numbers of all of them."""
        keys = [(site, np.packbits(row).tobytes()) for site, row in zip(sites.tolist(), packed, strict=True)]
        fresh: list[int] = []
        for row, key in enumerate(keys):
            if key not in self.known:
                self.known[key] = len(self) + len(fresh)
                fresh.append(row)
        self._append(sites[fresh], packed[fresh])
        return np.array([self.known[key] for key in keys], dtype=np.int64)

    def _append(self, sites: IntArray, packed: BoolArray) -> None:
        rows, points = np.nonzero(packed)
        first = len(self)
        self.cost = np.r_[self.cost, np.where(packed, self.places[sites], 0.0).sum(axis=1)]
        self.site = np.r_[self.site, sites]
        self.start = np.r_[self.start, self.start[-1] + np.cumsum(packed.sum(axis=1))]
        self.point = np.r_[self.point, points]
        while len(self) > self.member.shape[1]:
            self.member = np.hstack([self.member, np.zeros_like(self.member)])
        self.member[points, first + rows] = True

    def entries(self, some: IntArray) -> tuple[IntArray, IntArray]:
        """Return for each point of the clusters `some` in which of them it is (place in `some`), and the point."""
        count = self.start[some + 1] - self.start[some]
        row = np.repeat(np.arange(len(some)), count)
        offset = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        return row, self.point[np.repeat(self.start[some], count) + offset]

    def within(self, places: BoolArray) -> BoolArray:
        """Return which clusters use only `places` (sites x points)."""
        row, point = self.entries(np.arange(len(self)))
        fine = np.ones(len(self), dtype=np.bool_)
        fine[row[~places[self.site[row], point]]] = False
        return fine

    def counted(self, rows: Sequence[Row], some: IntArray) -> BoolArray:
        """Return which of some clusters each row counts (rows x clusters)."""
        return count_in(rows, self.site[some], self.member[:, some])

    def reduced(self, price: FloatArray, rows: list[Row], duals: FloatArray) -> FloatArray:
        """Return the cost of each cluster less the prices of its points and of the rows that count it."""
        everything = np.arange(len(self))
        row, point = self.entries(everything)
        left: FloatArray = self.cost - np.bincount(row, price[point], minlength=len(self))
        return less_duals(left, rows, duals, self.site, self.member[:, : len(self)])


def count_in(rows: Sequence[Row], site: IntArray, member: BoolArray) -> BoolArray:
    """Return which clusters (of a site, with points: points x clusters) each row counts (rows x clusters)."""
    counted = np.zeros((len(rows), len(site)), dtype=np.bool_)
    triples = [at for at, row in enumerate(rows) if row.triple is not None]
    if triples:
        corner = np.array([rows[at].triple for at in triples])
        one, two, three = member[corner[:, 0]], member[corner[:, 1]], member[corner[:, 2]]
        counted[triples] = (one & two) | (one & three) | (two & three)
    for at, row in enumerate(rows):
        if row.sites is not None:
            counted[at] = row.sites[site]
    return counted


def less_duals(
    cost: FloatArray, rows: Sequence[Row], duals: FloatArray, site: IntArray, member: BoolArray
) -> FloatArray:
    """Return the costs of clusters less the duals of the rows that count them."""
    priced = np.flatnonzero(duals).tolist()
    counted = count_in([rows[at] for at in priced], site, member)
    left: FloatArray = cost - duals[priced] @ counted
    return left
