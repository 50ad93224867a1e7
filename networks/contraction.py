"""A contraction hierarchy of the road graph that takes any weights: many-to-many times for every hour of the day.

The nodes are ranked once, without regard to weights; a node that is left out joins its higher neighbours by
shortcuts. For each set of weights the shortcuts get theirs from the triangles below them, and a best way then goes
up from its source and down to its target. A batch of sources climbs, and one sweep leads all of them down at once,
through the part of the hierarchy that ends in the targets.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_matrix, identity
from scipy.sparse.linalg import spilu

from networks.courses import Floats, Ints
from networks.kernels import (
    LANES,
    Arcs,
    Below,
    Flags,
    Sweep,
    Weights,
    chordal_arcs,
    chordal_shape,
    climb,
    customise,
    descend,
)
from networks.roads import RoadGraph


@dataclass(frozen=True)
class Hierarchy:
    """The ranked nodes with their arcs; costs belong to `Weights`.

    Parameters
    ----------
    rank
        Rank of each node of the graph, which is its number in the hierarchy.
    arcs, below
        The arcs, by their lower and by their higher node.
    arc
        The arc each link of the graph belongs to.
    upward, downward
        Whether each link leads to a higher node, or to a lower one; a link from a node to itself does neither.

    Notes
    -----
    Customizable contraction hierarchies: Dibbelt, Strasser, Wagner, ACM Journal of Experimental Algorithmics 21
    (2016), doi 10.1145/2886843; the sweep over selected targets: Delling, Goldberg, Werneck, ATMOS 2011. The ranking
    is the minimum-degree order of SuperLU, as for sparse factors, which have the same fill.
    """

    rank: Ints
    arcs: Arcs
    below: Below
    arc: Ints
    upward: Flags
    downward: Flags

    @classmethod
    def of(cls, graph: RoadGraph) -> "Hierarchy":
        """Return the hierarchy of a graph."""
        tails = np.repeat(np.arange(graph.node_count), np.diff(graph.indptr))
        rank = _ranks(tails, graph.to_node, graph.node_count)
        tail, head = rank[tails], rank[graph.to_node]
        arcs = _arcs(np.minimum(tail, head), np.maximum(tail, head), graph.node_count)
        key = _tails(arcs) * graph.node_count + arcs.head
        own = np.minimum(tail, head) * graph.node_count + np.maximum(tail, head)
        return cls(rank, arcs, _below(arcs), np.searchsorted(key, own), tail < head, tail > head)

    def weights(self, cost: Floats, km: Floats) -> Weights:
        """Return the weights of all arcs for these costs and lengths of the graph's links."""
        weights = Weights(*(np.full(len(self.arcs.head), np.inf) for _ in Weights._fields))
        for upward, of_arc, km_of_arc in (
            (self.upward, weights.up, weights.up_km),
            (self.downward, weights.down, weights.down_km),
        ):
            of_arc[self.arc[upward]] = cost[upward]
            km_of_arc[self.arc[upward]] = km[upward]
        customise(self.arcs, self.below, weights, np.empty(len(self.rank), dtype=np.int64))
        return weights

    def paths(self, weights: Weights, sources: Ints, sweep: "Targets", *, with_km: bool) -> tuple[Floats, Floats]:
        """Return cost and length of the best ways from source nodes to the targets: one row a source.

        Parameters
        ----------
        weights
            From `weights`.
        sources
            Node numbers in the graph.
        sweep
            The targets, from `targets`.
        with_km
            Whether lengths are wanted; without them the second table is empty.
        """
        size = len(self.rank)
        cost, km = np.full(size, np.inf), np.empty(size)
        block = sweep.block(weights)
        found_cost = np.empty((len(sources), len(sweep.rows)))
        found_km = np.empty((len(sources) if with_km else 0, len(sweep.rows)))
        for start in range(0, len(sources), LANES):
            lanes = self.rank[sources[start : start + LANES]]
            climb(self.arcs, weights, lanes, block, cost, km)
            descend(block, with_km)
            rows = slice(start, start + len(lanes))
            found_cost[rows] = block.cost[sweep.rows, : len(lanes)].T
            if with_km:
                found_km[rows] = block.km[sweep.rows, : len(lanes)].T
        if with_km:
            found_km[np.isinf(found_cost)] = np.inf
        return found_cost, found_km

    def targets(self, nodes: Ints) -> "Targets":
        """Return the part of the hierarchy from which these nodes of the graph can be reached going down."""
        chosen = np.zeros(len(self.rank), dtype=np.bool_)
        front = np.unique(self.rank[nodes])
        while len(front):
            chosen[front] = True
            above = np.unique(self.arcs.parent[front])
            front = above[(above >= 0) & ~chosen[above]]
        members = np.flatnonzero(chosen)[::-1]
        row = np.full(len(self.rank), -1, dtype=np.int64)
        row[members] = np.arange(len(members))
        counts = self.arcs.first[members + 1] - self.arcs.first[members]
        first = np.concatenate([[0], np.cumsum(counts)])
        arc = np.arange(first[-1]) + np.repeat(self.arcs.first[members] - first[:-1], counts)
        return Targets(row, first, arc, row[self.arcs.head[arc]], row[self.rank[nodes]])


@dataclass(frozen=True)
class Targets:
    """The part of a hierarchy from which some nodes can be reached going down, highest node first.

    Parameters
    ----------
    row
        Row of each node of the hierarchy here; -1 for those left out.
    first, arc, head
        The arcs of each row in compressed rows: their number in the hierarchy and the row of their higher end.
    rows
        Row of each target.
    """

    row: Ints
    first: Ints
    arc: Ints
    head: Ints
    rows: Ints

    def block(self, weights: Weights) -> Sweep:
        """Return the sweep with these weights and room for a batch of sources."""
        shape = (len(self.first) - 1, LANES)
        down, down_km = weights.down[self.arc], weights.down_km[self.arc]
        return Sweep(self.row, self.first, self.head, down, down_km, np.empty(shape), np.empty(shape))


def _ranks(tails: Ints, heads: Ints, size: int) -> Ints:
    """Return the minimum-degree rank of each node; SuperLU finds it on its way to a factor that is thrown away."""
    links = csc_matrix((np.ones(len(tails)), (tails, heads)), shape=(size, size))
    both = links + links.T
    both.data[:] = -1.0
    dominant = both + (both.getnnz(axis=0).max() + 1.0) * identity(size)
    factor = spilu(
        dominant.tocsc(),
        drop_tol=1.0,
        fill_factor=1.0,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return np.asarray(factor.perm_c, dtype=np.int64)


def _arcs(lower: Ints, higher: Ints, size: int) -> Arcs:
    """Return the arcs of the hierarchy over these pairs of ranks."""
    key = np.unique(higher * size + lower)
    indptr = np.searchsorted(key, np.arange(size + 1) * size)
    parent, mark, count = np.empty(size, np.int64), np.empty(size, np.int64), np.zeros(size, np.int64)
    chordal_shape(indptr, key % size, parent, mark, count)
    first = np.concatenate([[0], np.cumsum(count)])
    head = np.empty(first[-1], dtype=np.int64)
    chordal_arcs(indptr, key % size, parent, mark, first[:-1].copy(), head)
    return Arcs(first, head, parent)


def _tails(arcs: Arcs) -> Ints:
    return np.repeat(np.arange(len(arcs.parent)), np.diff(arcs.first))


def _below(arcs: Arcs) -> Below:
    order = np.argsort(arcs.head, kind="stable")
    counts = np.bincount(arcs.head, minlength=len(arcs.parent))
    return Below(np.concatenate([[0], np.cumsum(counts)]), _tails(arcs)[order], order)
