"""The loops of routing, compiled by numba: searches with a heap, and the sweeps of a contraction hierarchy.

Every array comes from the caller and nothing is allocated here; callers are `networks.search` and
`networks.contraction`, which say what the arrays mean. All loops release Python's lock, so threads run them side by
side. numba keeps what it compiled beside this file, or in the user's cache where that is read-only.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from networks.compiled import compiled
from networks.courses import Floats, Ints

Function = TypeVar("Function", bound=Callable[..., Any])
Flags = NDArray[np.bool_]
Records = NDArray[np.void]

LANES = 16
"""Sources swept side by side: a row of them fills whole registers of the processor."""
LABEL = np.dtype([("cost", np.float64), ("km", np.float64), ("site", np.int64), ("node", np.int64)], align=True)
"""What waits in the heap of a search: a node, with the cost and the length of a way between it and a site."""


class Links(NamedTuple):
    """Links in compressed rows: those of node i stand at indptr[i]:indptr[i + 1]."""

    indptr: Ints
    node: Ints
    """The node at the other end of each link."""
    cost: Floats
    km: Floats


class Spread(NamedTuple):
    """What is asked of `reach`."""

    origins: Ints
    limit: float
    """Highest cost of a way."""
    wanted: Flags
    """Whether a node is to be written: one entry a node."""


class Reached(NamedTuple):
    """Where `reach` writes, and what it needs to do so."""

    columns: NDArray[np.int32]
    """Nodes within the limit, nearest first, one origin after the other."""
    values: Floats
    """Their costs."""
    ends: Ints
    """Where the nodes of each origin end."""
    best: Floats
    """Lowest cost of each node so far; infinite at first and at the end."""
    settled: Ints
    """Room for every node."""
    key: Floats
    """Costs in a heap: room for one a link, and one to spare."""
    place: Ints
    """The node of each."""


class Arcs(NamedTuple):
    """The arcs of a hierarchy from each node to higher ones, in compressed rows, lowest first."""

    first: Ints
    head: Ints
    parent: Ints
    """The lowest of the higher nodes an arc leads to; -1 for the top."""


class Below(NamedTuple):
    """The same arcs by the node they lead to, in compressed rows."""

    first: Ints
    tail: Ints
    arc: Ints


class Weights(NamedTuple):
    """Cost and length of the best way along each arc, upwards and downwards."""

    up: Floats
    up_km: Floats
    down: Floats
    down_km: Floats


class Sweep(NamedTuple):
    """The part of a hierarchy from which its targets can be reached going down, highest node first."""

    row: Ints
    """Row of each node of the hierarchy; -1 for those that lead to no target."""
    first: Ints
    head: Ints
    """The row of the higher node of each arc."""
    down: Floats
    down_km: Floats
    cost: Floats
    """Cost from each source: shape (rows, LANES)."""
    km: Floats


def _inner(function: Function) -> Function:
    """Return the function compiled into those that call it; it has no door to Python."""
    options: dict[str, Any] = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast("Function", njit(**options)(function))


@_inner
def _comes_first(heap: Any, one: int, other: int) -> bool:
    """Return whether a label goes before another: by cost, then site, node and length, so that ties are settled."""
    a, b = heap[one], heap[other]
    if a.cost != b.cost:
        return bool(a.cost < b.cost)
    if a.site != b.site:
        return bool(a.site < b.site)
    if a.node != b.node:
        return bool(a.node < b.node)
    return bool(a.km < b.km)


@_inner
def _push(heap: Any, size: int, cost: float, km: float, site: int, node: int) -> int:
    """Add a label to the heap of `size` labels; return the new size. The row after them is free to write in."""
    spare = size + 1
    new = heap[spare]
    new.cost, new.km, new.site, new.node = cost, km, site, node
    at = size
    while at > 0:
        parent = (at - 1) >> 1
        if not _comes_first(heap, spare, parent):
            break
        heap[at] = heap[parent]
        at = parent
    heap[at] = heap[spare]
    return size + 1


@_inner
def _drop(heap: Any, size: int) -> int:
    """Take the first label out of the heap of `size` labels; return the new size."""
    last = size - 1
    at, child = 0, 1
    while child < last:
        if child + 1 < last and _comes_first(heap, child + 1, child):
            child += 1
        if not _comes_first(heap, child, last):
            break
        heap[at] = heap[child]
        at, child = child, 2 * child + 1
    heap[at] = heap[last]
    return last


@_inner
def _is_settled(found: Any, count: Any, node: int, site: int) -> bool:
    """Return whether a node has all its sites, or this one."""
    for rank in range(count[node]):
        if found[node, rank].site == site:
            return True
    return bool(count[node] >= found.shape[1])


@_inner
def _insert(key: Any, place: Any, size: int, cost: float, node: int) -> int:
    """Add a node to the heap of `size` nodes; return the new size."""
    at = size
    while at > 0:
        parent = (at - 1) >> 1
        if key[parent] <= cost:
            break
        key[at], place[at] = key[parent], place[parent]
        at = parent
    key[at], place[at] = cost, node
    return size + 1


@_inner
def _remove(key: Any, place: Any, size: int) -> int:
    """Take the first node out of the heap of `size` nodes; return the new size."""
    last = size - 1
    cost, node = key[last], place[last]
    at, child = 0, 1
    while child < last:
        if child + 1 < last and key[child + 1] < key[child]:
            child += 1
        if key[child] >= cost:
            break
        key[at], place[at] = key[child], place[child]
        at, child = child, 2 * child + 1
    key[at], place[at] = cost, node
    return last


@_inner
def _spread_from(links: Any, origin: int, limit: float, into: Any) -> int:
    """Settle every node within the limit of the origin, nearest first; return how many they are."""
    best, key, place = into.best, into.key, into.place
    best[origin] = 0.0
    size, settled = _insert(key, place, 0, 0.0, origin), 0
    while size:
        cost, node = key[0], place[0]
        size = _remove(key, place, size)
        if cost > best[node]:
            continue
        into.settled[settled] = node
        settled += 1
        for link in range(links.indptr[node], links.indptr[node + 1]):
            farther, after = cost + links.cost[link], links.node[link]
            if farther <= limit and farther < best[after]:
                best[after] = farther
                size = _insert(key, place, size, farther, after)
    return settled


@compiled
def settle(links: Links, heap: Records, size: int, count: Ints, found: Records) -> None:
    """Grow from the `size` labels in the heap until every node has its nearest sites.

    Parameters
    ----------
    links
        The links into each node, with the node they leave.
    heap
        Labels of the sites, in order; room for one more a link and site a node may have, and two to spare.
    count
        Sites a node has so far; 0 at first.
    found
        The sites of each node, nearest first: shape (nodes, sites a node may have).
    """
    wanted = found.shape[1]
    while size:
        cost, km, site, node = heap[0].cost, heap[0].km, heap[0].site, heap[0].node
        size = _drop(heap, size)
        if _is_settled(found, count, node, site):
            continue
        label = found[node, count[node]]
        label.cost, label.km, label.site, label.node = cost, km, site, node
        count[node] += 1
        for link in range(links.indptr[node], links.indptr[node + 1]):
            before = links.node[link]
            if count[before] < wanted:
                size = _push(heap, size, cost + links.cost[link], km + links.km[link], site, before)


@compiled
def reach(links: Links, spread: Spread, into: Reached) -> int:
    """Write the wanted nodes within the limit of each origin; return how many origins found room for theirs."""
    end = 0
    for row in range(len(spread.origins)):
        settled = _spread_from(links, spread.origins[row], spread.limit, into)
        room = end + settled <= len(into.columns)
        for place in range(settled):
            node = into.settled[place]
            if room and spread.wanted[node]:
                into.columns[end] = node
                into.values[end] = into.best[node]
                end += 1
            into.best[node] = np.inf
        if not room:
            return row
        into.ends[row] = end
    return len(spread.origins)


@compiled
def chordal_shape(indptr: Ints, lower: Ints, parent: Ints, mark: Ints, count: Ints) -> None:
    """Find the parent of each node and the number of its arcs to higher nodes, shortcuts included.

    A node that is left out joins all its higher neighbours with each other, as in the elimination of a sparse
    matrix; `lower` holds the lower neighbours of each node in compressed rows. `count` is 0 at first.
    """
    for node in range(len(parent)):
        parent[node] = -1
        mark[node] = node
        for place in range(indptr[node], indptr[node + 1]):
            below = lower[place]
            while mark[below] != node:
                if parent[below] < 0:
                    parent[below] = node
                count[below] += 1
                mark[below] = node
                below = parent[below]


@compiled
def chordal_arcs(indptr: Ints, lower: Ints, parent: Ints, mark: Ints, free: Ints, head: Ints) -> None:
    """Write the higher end of each arc, the arcs of a node side by side from `free` on, lowest first."""
    for node in range(len(parent)):
        mark[node] = node
        for place in range(indptr[node], indptr[node + 1]):
            below = lower[place]
            while mark[below] != node:
                head[free[below]] = node
                free[below] += 1
                mark[below] = node
                below = parent[below]


@compiled
def customise(arcs: Arcs, below: Below, weights: Weights, arc_to: Ints) -> None:
    """Lower the weights of all arcs to those of the best way through lower nodes; `arc_to` is room for every node."""
    for y in range(len(arcs.parent)):
        for arc in range(arcs.first[y], arcs.first[y + 1]):
            arc_to[arcs.head[arc]] = arc
        for place in range(below.first[y], below.first[y + 1]):
            xy = below.arc[place]
            for xz in range(xy + 1, arcs.first[below.tail[place] + 1]):
                yz = arc_to[arcs.head[xz]]
                through = weights.down[xy] + weights.up[xz]
                if through < weights.up[yz]:
                    weights.up[yz] = through
                    weights.up_km[yz] = weights.down_km[xy] + weights.up_km[xz]
                through = weights.down[xz] + weights.up[xy]
                if through < weights.down[yz]:
                    weights.down[yz] = through
                    weights.down_km[yz] = weights.down_km[xz] + weights.up_km[xy]


@compiled
def climb(arcs: Arcs, weights: Weights, sources: Ints, sweep: Sweep, cost: Floats, km: Floats) -> None:
    """Write into the sweep what it costs to climb from each source to the nodes above it.

    `cost` and `km` are room for every node, the former infinite at first and at the end.
    """
    sweep.cost[:] = np.inf
    for lane in range(len(sources)):
        node = sources[lane]
        cost[node], km[node] = 0.0, 0.0
        while node >= 0:
            row, here = sweep.row[node], cost[node]
            if row >= 0:
                sweep.cost[row, lane], sweep.km[row, lane] = here, km[node]
            for arc in range(arcs.first[node], arcs.first[node + 1]):
                head = arcs.head[arc]
                if here + weights.up[arc] < cost[head]:
                    cost[head] = here + weights.up[arc]
                    km[head] = km[node] + weights.up_km[arc]
            cost[node] = np.inf
            node = arcs.parent[node]


@compiled
def descend(sweep: Sweep, with_km: bool) -> None:
    """Lower the costs of the sweep, from the highest node down, to those of the best ways."""
    cost, km = sweep.cost, sweep.km
    for row in range(len(sweep.first) - 1):
        for arc in range(sweep.first[row], sweep.first[row + 1]):
            above, more = sweep.head[arc], sweep.down[arc]
            if with_km:
                more_km = sweep.down_km[arc]
                for lane in range(LANES):
                    better = cost[above, lane] + more < cost[row, lane]
                    km[row, lane] = km[above, lane] + more_km if better else km[row, lane]
                    cost[row, lane] = cost[above, lane] + more if better else cost[row, lane]
            else:
                for lane in range(LANES):
                    through = cost[above, lane] + more
                    cost[row, lane] = through if through < cost[row, lane] else cost[row, lane]


@compiled
def paint(segments: Floats, field: Floats, x0: float, y0: float, cell: float, far: float) -> None:
    """Lower each cell of the field to its squared distance from the nearest segment, where it is near one.

    Parameters
    ----------
    segments
        Both ends of each segment: columns x, y, x, y [km].
    field
        Squared distance of each cell's centre [km2], rows along y; that of `far` at first.
    x0, y0
        Centre of the first cell [km].
    cell
        Side of a cell [km].
    far
        Distance up to which cells are looked at [km].
    """
    for number in range(len(segments)):
        ax, ay, bx, by = segments[number]
        dx, dy = bx - ax, by - ay
        scale = 1.0 / max(dx * dx + dy * dy, 1e-18)
        bottom = max(0, math.ceil((min(ay, by) - far - y0) / cell))
        top = min(field.shape[0] - 1, math.floor((max(ay, by) + far - y0) / cell))
        left = max(0, math.ceil((min(ax, bx) - far - x0) / cell))
        right = min(field.shape[1] - 1, math.floor((max(ax, bx) + far - x0) / cell))
        for row in range(bottom, top + 1):
            py = y0 + row * cell - ay
            for column in range(left, right + 1):
                px = x0 + column * cell - ax
                along = min(1.0, max(0.0, (px * dx + py * dy) * scale))
                ex, ey = px - along * dx, py - along * dy
                square = ex * ex + ey * ey
                field[row, column] = square if square < field[row, column] else field[row, column]
