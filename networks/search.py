"""Searches on the road graph that stop early: the nearest few sites of every node, and what lies within a limit."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from networks.courses import Floats, Ints
from networks.kernels import LABEL, Flags, Links, Reached, Records, Spread, reach, settle
from networks.roads import RoadGraph

SPARE_LABELS = 3
SAMPLE = 16
"""Origins tried first, to know how much room all of them take."""
MARGIN = 1.2
"""Room over what the sample says."""


def links_out(graph: RoadGraph, cost: Floats) -> Links:
    """Return the links out of each node with these costs, in the order of the graph."""
    return Links(graph.indptr, graph.to_node, np.ascontiguousarray(cost, dtype=np.float64), graph.length_km)


def links_in(graph: RoadGraph, cost: Floats) -> Links:
    """Return the links into each node with these costs (given in the order of the graph)."""
    tails = np.repeat(np.arange(graph.node_count), np.diff(graph.indptr))
    order = np.argsort(graph.to_node, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(graph.to_node, minlength=graph.node_count))])
    return Links(indptr.astype(np.int64), tails[order], cost[order], graph.length_km[order])


def nearest_sites(graph: RoadGraph, cost: Floats, sites: Records, wanted: int) -> tuple[Ints, Records]:
    """Return how many sites each node reaches, `wanted` at most, and those, nearest first.

    Parameters
    ----------
    graph
        The road graph.
    cost
        Cost of each link.
    sites
        Records `LABEL`: the node at which each site joins the graph, with cost and length of its access.
    wanted
        Sites a node gets.

    Returns
    -------
    Number of sites, shape (nodes,), and records `LABEL` of shape (nodes, wanted). Equal costs are ordered by site.

    Notes
    -----
    One search grows from all sites at once against the direction of travel; a node is settled by its nearest
    sites, so the effort is that of `wanted` searches however many sites there are.
    """
    heap = np.empty(len(sites) + wanted * len(graph.to_node) + SPARE_LABELS, dtype=LABEL)
    heap[: len(sites)] = np.sort(sites, order=("cost", "site", "node", "km"))
    count = np.zeros(graph.node_count, dtype=np.int64)
    found = np.empty((graph.node_count, wanted), dtype=LABEL)
    settle(links_in(graph, cost), heap, len(sites), count, found)
    return count, found


def within_limit(links: Links, origins: Ints, limit: float, wanted: Flags) -> csr_matrix:
    """Return the wanted nodes within a limit of each origin: rows are origins, columns nodes, entries costs.

    A row has its nodes nearest first; the origin itself stands with an explicit 0.

    Parameters
    ----------
    links
        The links to follow, with their costs.
    origins
        Nodes to start from.
    limit
        Highest cost of a way.
    wanted
        Whether a node is to be listed: one entry a node.
    """
    count, room = len(origins), len(wanted) * len(origins)
    if count > SAMPLE:
        sample = origins[:: count // SAMPLE]
        found = sum(part.nnz for part in _blocks(links, sample, limit, wanted, len(wanted) * len(sample)))
        room = int(MARGIN * found / len(sample) * count)
    parts = list(_blocks(links, origins, limit, wanted, room))
    return parts[0] if len(parts) == 1 else csr_matrix(vstack(parts, format="csr"))


def _blocks(links: Links, origins: Ints, limit: float, wanted: Flags, room: int) -> Iterator[csr_matrix]:
    """Yield the rows of `within_limit`, as many at a time as there is room for; one block if the room suffices."""
    size, done = len(wanted), 0
    own = (np.full(size, np.inf), np.empty(size, np.int64), *_heap(len(links.node) + 1))
    while done < max(1, len(origins)):
        left = len(origins) - done
        into = Reached(np.empty(room + size, np.int32), np.empty(room + size), np.empty(left, np.int64), *own)
        finished = reach(links, Spread(origins[done:], limit, wanted), into)
        indptr = np.concatenate([[0], into.ends[:finished]]).astype(np.int32)
        end = indptr[-1]
        yield csr_matrix((into.values[:end], into.columns[:end], indptr), shape=(finished, size))
        done += max(1, finished)


def _heap(room: int) -> tuple[Floats, Ints]:
    return np.empty(room), np.empty(room, dtype=np.int64)


def all_nodes(graph: RoadGraph) -> NDArray[np.bool_]:
    """Return that every node is wanted."""
    return np.ones(graph.node_count, dtype=np.bool_)
