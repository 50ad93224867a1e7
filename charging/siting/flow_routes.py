"""Routes of flows, and the sets of nodes of which each route needs a station."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from charging.siting.effort import Effort
from charging.siting.flow_problem import FlowRefuelling, allowed_nodes, as_flows, as_lengths
from charging.siting.problem import FloatArray, IntArray
from networks.errors import InfeasibleError

SLACK_KM = 1e-9
"""Rounding of sums of lengths [km]."""
FLOWS_NAMED = 5
ENDS_AT_ONCE = 32
"""Ends of flows from one look at the clock to the next."""
Clause = tuple[int, ...]
Tree = tuple[FloatArray, IntArray]
"""Ways from a node to all others, and the node before each on them."""


@dataclass(frozen=True, eq=False)
class Route:
    """One way of a flow: its nodes in order, the position of each [km], and the sets of which each needs a station."""

    nodes: IntArray
    at_km: FloatArray
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, eq=False)
class Found:
    """Routes of each flow, the volumes, and which flows were looked at before the search was over."""

    routes: list[list[Route]]
    volume: FloatArray
    known: NDArray[np.bool_]


def routes_of_flows(problem: FlowRefuelling) -> tuple[list[list[Route]], FloatArray]:
    """Return for each flow the routes by which it can be refuelled (maybe none), and the volumes.

    Raises
    ------
    InfeasibleError
        If a flow has no way at all, none can be refuelled, or one cannot where all have to be.
    """
    found = find_routes(problem, Effort())
    return found.routes, found.volume


def find_routes(problem: FlowRefuelling, effort: Effort) -> Found:
    """Return the routes of the flows, of as many of them as `effort` leaves time for; largest flows first.

    Raises
    ------
    InfeasibleError
        As `routes_of_flows`, where all flows were looked at.
    """
    lengths, allowed = as_lengths(problem.graph), allowed_nodes(problem)
    origin, destination, volume = as_flows(problem.flows, lengths.shape[0])
    trees = _trees(lengths, np.unique(np.r_[origin, destination]), effort)
    routes: list[list[Route]] = [[] for _ in volume]
    needed, known = np.zeros(len(volume)), np.zeros(len(volume), dtype=np.bool_)
    for flow in np.argsort(-volume, kind="stable").tolist():
        if trees is None or effort.ask():
            break
        out, back = trees[int(origin[flow])], trees[int(destination[flow])]
        if not np.isfinite(out[0][destination[flow]]):
            raise InfeasibleError(f"flows, row {flow}: no road leads from {origin[flow]} to {destination[flow]}")
        ways = _ways(out, back, int(destination[flow]), problem)
        found = [_route(way, lengths, allowed, problem.range_km) for way in ways]
        routes[flow] = [route for route in found if isinstance(route, Route)]
        needed[flow] = 0.0 if routes[flow] else min(float(gap) for gap in found if not isinstance(gap, Route))
        known[flow] = True
    if known.all():
        _require_range(problem, needed)
    return Found(routes, volume, known)


def _trees(lengths: csr_array, ends: IntArray, effort: Effort) -> dict[int, Tree] | None:
    """Return the shortest ways from each end of a flow; None where the search was over before all were known."""
    trees: dict[int, Tree] = {}
    for begin in range(0, len(ends), ENDS_AT_ONCE):
        if effort.ask():
            return None
        some = ends[begin : begin + ENDS_AT_ONCE]
        distance, before = dijkstra(lengths, indices=some, return_predecessors=True)
        trees |= {int(end): (distance[row], before[row]) for row, end in enumerate(some)}
    return trees


def _require_range(problem: FlowRefuelling, needed: FloatArray) -> None:
    """Check that the range suffices between neighbouring nodes where stations may stand."""
    short = np.flatnonzero(needed > 0)
    if not short.size or not (problem.all_flows or len(short) == len(needed)):
        return
    bare = np.flatnonzero(np.isinf(needed))
    if bare.size and (problem.all_flows or len(bare) == len(needed)):
        raise InfeasibleError(_nowhere(bare, len(needed)))
    short = short[np.isfinite(needed[short])]
    named = ", ".join(f"{flow} ({needed[flow]:g} km)" for flow in short[:FLOWS_NAMED])
    everywhere = problem.candidates is None and not len(problem.forbidden)
    gap = "longest road" if everywhere else "longest way without a node where a station may stand"
    remedy = "add nodes on these roads" if everywhere else "allow stations at nodes between"
    raise InfeasibleError(
        f"range_km: {problem.range_km:g} km is below the {gap} of {len(short)} of {len(needed)} flows "
        f"(first: {named}); raise it to {needed[short].max():g} km, or {remedy}"
    )


def _nowhere(bare: IntArray, n_flows: int) -> str:
    named = ", ".join(str(flow) for flow in bare[:FLOWS_NAMED])
    return (
        f"candidates: no station may stand anywhere on the ways of {bare.size} of {n_flows} flows (first: {named}); "
        "allow at least 1 node on each of them"
    )


def _ways(out: Tree, back: Tree, goal: int, problem: FlowRefuelling) -> list[list[int]]:
    """Return the shortest way, then the longer ones allowed, by one other node each, shortest first."""
    ways = [_walk(out[1], goal)[::-1]]
    if problem.max_detour_share <= 0:
        return ways
    through = out[0] + back[0]
    allowed = through <= (1 + problem.max_detour_share) * out[0][goal] + SLACK_KM
    seen = {tuple(ways[0])}
    for node in np.argsort(through, kind="stable"):
        if len(ways) == problem.most_routes or not allowed[node]:
            break
        way = _walk(out[1], int(node))[::-1] + _walk(back[1], int(node))[1:]
        if tuple(way) not in seen:
            seen.add(tuple(way))
            ways.append(way)
    return ways


def _walk(before: IntArray, node: int) -> list[int]:
    walk = [node]
    while before[node] >= 0:
        node = int(before[node])
        walk.append(node)
    return walk


def _route(way: list[int], lengths: csr_array, allowed: NDArray[np.bool_], range_km: float) -> Route | float:
    """Return the route, or the range it takes with a station wherever one may stand [km]."""
    nodes = np.array(way)
    at_km = np.r_[0.0, np.cumsum(np.asarray(lengths[nodes[:-1], nodes[1:]]).ravel())]
    needed = _longest_gap(at_km, allowed[nodes])
    if needed > range_km + SLACK_KM:
        return needed
    return Route(nodes, at_km, clauses_of(nodes, at_km, range_km, allowed[nodes]))


def _longest_gap(at_km: FloatArray, allowed: NDArray[np.bool_]) -> float:
    """Return the longest way from one possible station to the next on the round out and back [km]."""
    at = at_km[allowed]
    if not at.size:
        return np.inf
    return float(max(2.0 * at[0], 2.0 * (at_km[-1] - at[-1]), np.diff(at).max(initial=0.0)))


def clauses_of(
    nodes: IntArray, at_km: FloatArray, range_km: float, allowed: NDArray[np.bool_] | None = None
) -> tuple[Clause, ...]:
    """Return the smallest sets of nodes of which the endless drive out and back needs a station each.

    Parameters
    ----------
    nodes, at_km
        The route and the position of each node on it [km].
    range_km
        Distance driven on a full tank [km].
    allowed
        For each of `nodes` whether a station may stand there; None: at all. An empty set: there is no way through.

    Notes
    -----
    Driving on to the next node takes a station within the range before that node; so for each road of the round.
    """
    length = at_km[-1]
    turn = slice(-2, 0, -1)
    ring, at = np.r_[nodes, nodes[turn]], np.r_[at_km, 2 * length - at_km[turn]]
    size = len(ring)
    twice, places = np.r_[ring, ring], np.r_[at - 2 * length, at]
    first = np.searchsorted(places, np.r_[at[1:], 2 * length] - range_km - SLACK_KM)
    last = size + np.arange(size)
    first = np.maximum(first, last - size + 1)
    smallest = np.r_[True, first[1:] != first[:-1]]
    may = frozenset(nodes.tolist() if allowed is None else nodes[allowed].tolist())
    sets = {
        may.intersection(twice[low : high + 1].tolist())
        for low, high in zip(first[smallest], last[smallest], strict=True)
    }
    ordered = sorted(sets, key=lambda each: (len(each), sorted(each)))
    kept: list[frozenset[int]] = []
    for each in ordered:
        if not any(other <= each for other in kept):
            kept.append(each)
    return tuple(tuple(sorted(each)) for each in kept)
