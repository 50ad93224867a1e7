"""The flow refuelling problem: stations on a road network so that vehicles of limited range get through."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from charging.siting.problem import FloatArray, IntArray, as_sites
from networks.errors import DataError, InfeasibleError


@dataclass(frozen=True, eq=False)
class RoadGraph:
    """Roads between numbered nodes, open in both directions.

    Parameters
    ----------
    tail, head
        Nodes at the ends of each road.
    length_km
        Length of each road [km, above 0]; of two roads between the same nodes the shorter counts.
    n_nodes
        Number of nodes; None: as many as the largest number asks for.
    """

    tail: ArrayLike
    head: ArrayLike
    length_km: ArrayLike
    n_nodes: int | None = None


@dataclass(frozen=True, eq=False)
class Flows:
    """Vehicles that go from one node to another and back: origin, destination and volume of each flow [any unit]."""

    origin: ArrayLike
    destination: ArrayLike
    volume: ArrayLike


@dataclass(frozen=True, eq=False)
class FlowRefuelling:
    """Open stations at nodes so that as much flow as possible gets through with a limited range.

    A vehicle drives its route out and back, again and again. It starts with half a tank, or with a full one where
    a station is at its origin, fills up at every station it passes, and has to be back with half a tank at least
    (where no station is at the origin), so that the next round is possible (Kuby and Lim 2005,
    doi 10.1016/j.seps.2004.03.001; arc cover, path cover: Capar et al. 2013, doi 10.1016/j.ejor.2012.11.033).

    Parameters
    ----------
    graph
        The roads.
    flows
        Who drives from where to where.
    range_km
        Distance driven on a full tank [km].
    p
        Number of stations in the end, the fixed ones among them.
    fixed
        Nodes with a station already.
    max_detour_share
        How much longer than the shortest a route may be [share]; a longer one goes by one other node, on the
        shortest way there and from there on. The way back is the way out turned round.
    most_routes
        Most routes of a flow, the shortest ones.
    all_flows
        Whether a flow that cannot get through even with stations at every node is an error; otherwise it counts as
        not refuelled.
    candidates
        Nodes where a station may stand, besides the fixed ones; None: at every node.
    forbidden
        Nodes where none may stand.
    """

    graph: RoadGraph
    flows: Flows
    range_km: float
    p: int
    fixed: Sequence[int] = ()
    max_detour_share: float = 0.0
    most_routes: int = 8
    all_flows: bool = False
    candidates: Sequence[int] | None = None
    forbidden: Sequence[int] = ()


def node_count(graph: RoadGraph) -> int:
    """Return the number of nodes."""
    if graph.n_nodes is not None:
        return graph.n_nodes
    return int(max(np.max(graph.tail, initial=-1), np.max(graph.head, initial=-1))) + 1


def allowed_nodes(problem: FlowRefuelling) -> NDArray[np.bool_]:
    """Return for each node whether a station may stand there.

    Raises
    ------
    DataError
        If a node is unknown.
    InfeasibleError
        If a station is fixed at a forbidden node.
    """
    n_nodes = node_count(problem.graph)
    fixed = as_sites(problem.fixed, n_nodes)
    allowed = np.full(n_nodes, problem.candidates is None)
    allowed[as_sites(problem.candidates or (), n_nodes, "candidates")] = True
    allowed[fixed] = True
    barred = as_sites(problem.forbidden, n_nodes, "forbidden")
    both = np.intersect1d(fixed, barred)
    if both.size:
        raise InfeasibleError(
            f"fixed: {len(both)} of {len(fixed)} fixed nodes are forbidden (first: {both[0]}); "
            f"take {len(both)} nodes out of fixed or out of forbidden"
        )
    allowed[barred] = False
    return allowed


def as_lengths(graph: RoadGraph) -> csr_array:
    """Return the lengths [km] as a symmetric CSR array of nodes x nodes."""
    tail, head = np.asarray(graph.tail, dtype=np.int64), np.asarray(graph.head, dtype=np.int64)
    length = np.asarray(graph.length_km, dtype=np.float64)
    if not tail.shape == head.shape == length.shape:
        raise DataError(f"graph: {tail.size} tails, {head.size} heads, {length.size} lengths; give one each a road")
    wrong = np.flatnonzero(~(np.isfinite(length) & (length > 0)))
    if wrong.size:
        raise DataError(f"graph, road {wrong[0]}: length {length[wrong[0]]} km; give a length above 0")
    largest = int(max(tail.max(initial=-1), head.max(initial=-1)))
    n_nodes = node_count(graph)
    if largest >= n_nodes or min(tail.min(initial=0), head.min(initial=0)) < 0:
        raise DataError(f"graph: node {largest} is beyond {n_nodes} nodes, or one is below 0; number them from 0")
    low, high = np.minimum(tail, head), np.maximum(tail, head)
    order = np.lexsort((length, high, low))
    low, high, length = low[order], high[order], length[order]
    first = np.r_[True, (np.diff(low) != 0) | (np.diff(high) != 0)][: len(low)] & (low != high)
    low, high, length = low[first], high[first], length[first]
    ends = (np.r_[low, high], np.r_[high, low])
    return csr_array((np.r_[length, length], ends), shape=(n_nodes, n_nodes))


def as_flows(flows: Flows, n_nodes: int) -> tuple[IntArray, IntArray, FloatArray]:
    """Return origins, destinations and volumes.

    Raises
    ------
    DataError
        If a node is unknown, a flow goes nowhere, or a volume is negative or not finite.
    """
    origin, destination = np.asarray(flows.origin, dtype=np.int64), np.asarray(flows.destination, dtype=np.int64)
    volume = np.asarray(flows.volume, dtype=np.float64)
    if not origin.shape == destination.shape == volume.shape:
        raise DataError(f"flows: {origin.size} origins, {destination.size} destinations, {volume.size} volumes")
    ends = np.r_[origin, destination]
    if ((ends < 0) | (ends >= n_nodes)).any():
        raise DataError(f"flows: node {ends[(ends < 0) | (ends >= n_nodes)][0]} is unknown; there are {n_nodes}")
    wrong = np.flatnonzero((origin == destination) | ~(np.isfinite(volume) & (volume >= 0)))
    if wrong.size:
        raise DataError(f"flows, row {wrong[0]}: ends where it begins, or its volume {volume[wrong[0]]} is below 0")
    return origin, destination, volume
