"""Travel times on the road graph by hour of day: matrices, nearest stations, what lies within reach.

Distances are in km and times in min. A place reaches the graph at its nearest node: straight line times a detour
factor, at a low speed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from networks.courses import Floats, Ints, distance_km, plane_km
from networks.errors import DataError
from networks.roads import RoadGraph, class_numbers
from networks.tables import ROAD_CLASSES

ACCESS_DETOUR = 1.3
ACCESS_KMH = 20.0
ACCESS_LIMIT_KM = 15.0
CHUNK = 128
HOURS = 24
FAULTS_SHOWN = 20


@dataclass(frozen=True)
class Sites:
    """Places joined to the graph: one row a place.

    Parameters
    ----------
    node
        Nearest node of the graph.
    access_km
        Way between the place and the node [km].
    """

    node: Ints
    access_km: Floats

    @property
    def access_min(self) -> Floats:
        """Time between the place and its node [min]."""
        return self.access_km / ACCESS_KMH * 60

    def take(self, rows: Ints) -> "Sites":
        """Return some of the places."""
        return Sites(self.node[rows], self.access_km[rows])


@dataclass(frozen=True)
class Nearest:
    """The nearest targets of each source, nearest first: one row a source, one column a rank.

    Parameters
    ----------
    target
        Row of the target; -1 where there are fewer than k targets.
    minutes
        Time to the target [min]; infinite where there is none.
    km
        Distance along that quickest path [km]; infinite where there is none.
    """

    target: Ints
    minutes: Floats
    km: Floats


def link_minutes(graph: RoadGraph, speeds: pl.DataFrame, *, hour: int, weekday: bool) -> Floats:
    """Return the time of each link [min] in one hour of the day.

    Parameters
    ----------
    graph
        The road graph.
    speeds
        Table of schema `SpeedFactor`: the share of free-flow speed by class and hour.
    hour
        Hour of the day [h], 0 to 23.
    weekday
        Whether it is a weekday.

    Raises
    ------
    DataError
        If a class of the graph has no factor in this hour.
    """
    factor = _factors(speeds, "weekday_factor" if weekday else "weekend_factor")[:, hour]
    missing = [ROAD_CLASSES[k] for k in np.unique(graph.road_class) if np.isnan(factor[k])]
    if missing:
        raise DataError([f"speeds: class {name!r} has no row for hour {hour}; add it" for name in missing])
    return graph.length_km / (graph.free_flow_kmh * factor[graph.road_class]) * 60


def _factors(speeds: pl.DataFrame, column: str) -> Floats:
    table = np.full((len(ROAD_CLASSES), HOURS), np.nan)
    table[class_numbers(speeds["road_class"]), speeds["hour"].to_numpy()] = speeds[column].to_numpy()
    return table


def snap(graph: RoadGraph, lon: Floats, lat: Floats, *, limit_km: float = ACCESS_LIMIT_KM) -> Sites:
    """Return the places joined to their nearest connected node.

    Parameters
    ----------
    graph
        The road graph.
    lon, lat
        Positions of the places [deg].
    limit_km
        Longest straight way to a node [km].

    Raises
    ------
    DataError
        If a place is farther than the limit from every node.
    """
    candidates = np.flatnonzero(graph.connected)
    nodes = np.column_stack([graph.lon, graph.lat])
    places = np.column_stack([lon, lat])
    lat0 = float(graph.lat.mean())
    _, nearest = cKDTree(plane_km(nodes[candidates], lat0)).query(plane_km(places, lat0))
    node = candidates[nearest]
    gap = distance_km(places, nodes[node])
    far = np.flatnonzero(gap > limit_km)
    if len(far):
        raise DataError(
            [
                f"place {row} at {lon[row]:.4f}, {lat[row]:.4f}: the nearest road node is {gap[row]:.1f} km away "
                f"(limit {limit_km:g} km); correct the position or add a road"
                for row in far[:FAULTS_SHOWN].tolist()
            ]
        )
    return Sites(node.astype(np.int64), gap * ACCESS_DETOUR)


def travel_minutes(graph: RoadGraph, origins: Ints, *, hour: int, weekday: bool, speeds: pl.DataFrame) -> Floats:
    """Return the time [min] from each origin node to every node: one row an origin, infinite where none leads.

    Parameters
    ----------
    graph
        The road graph.
    origins
        Node numbers.
    hour
        Hour of the day [h], 0 to 23.
    weekday
        Whether it is a weekday.
    speeds
        Table of schema `SpeedFactor`.
    """
    matrix = graph.weighted(link_minutes(graph, speeds, hour=hour, weekday=weekday))
    return np.asarray(dijkstra(matrix, indices=origins))


def matrices(graph: RoadGraph, sources: Sites, targets: Sites, minutes: Floats) -> tuple[Floats, Floats]:
    """Return the time [min] and the distance on the quickest path [km] from each source to each target.

    Parameters
    ----------
    graph
        The road graph.
    sources, targets
        Places joined to the graph.
    minutes
        Time of each link [min], from `link_minutes`.

    Notes
    -----
    The result is dense: sources times targets. For the nearest few or a limit use `nearest_k` or `within`.
    """
    time = np.empty((len(sources.node), len(targets.node)))
    distance = np.empty_like(time)
    for rows, chunk in _chunks(sources):
        path_min, path_km = _paths(graph, chunk, minutes, targets.node)
        at = np.searchsorted(chunk, sources.node[rows])
        time[rows] = path_min[at]
        distance[rows] = path_km[at]
    time += sources.access_min[:, None] + targets.access_min
    distance += sources.access_km[:, None] + targets.access_km
    return time, distance


def nearest_k(graph: RoadGraph, sources: Sites, targets: Sites, k: int, *, minutes: Floats) -> Nearest:
    """Return for each source the k targets reached soonest, with time [min] and distance [km].

    Parameters
    ----------
    graph
        The road graph.
    sources, targets
        Places joined to the graph.
    k
        How many targets a source gets.
    minutes
        Time of each link [min], from `link_minutes`.

    Notes
    -----
    One search grows from all targets at once against the direction of travel; a node is settled by its k
    nearest targets, so the effort is that of k searches however many sources and targets there are. Equal
    times are ordered by target row.
    """
    starts = (targets.access_min, targets.node, targets.access_km)
    found = _settle(graph, starts, minutes, min(k, len(targets.node)))
    count = len(sources.node)
    target = np.full((count, k), -1, dtype=np.int64)
    time, distance = np.full((count, k), np.inf), np.full((count, k), np.inf)
    for row, node in enumerate(sources.node.tolist()):
        for rank, (minute, site, km) in enumerate(found[node]):
            target[row, rank], time[row, rank], distance[row, rank] = site, minute, km
    return Nearest(target, time + sources.access_min[:, None], distance + sources.access_km[:, None])


def shortest_km(graph: RoadGraph, sources: Sites, targets: Sites) -> Floats:
    """Return for each source the length of the shortest way to any target [km]; infinite where there is none."""
    starts = (targets.access_km, targets.node, targets.access_km)
    found = _settle(graph, starts, graph.length_km, 1)
    km = np.array([labels[0][2] if labels else np.inf for labels in found])
    return km[sources.node] + sources.access_km


def _settle(
    graph: RoadGraph, starts: tuple[Floats, Ints, Floats], minutes: Floats, wanted: int
) -> list[list[tuple[float, int, float]]]:
    """Return for each node its nearest targets: time [min], target row, distance [km], nearest first.

    `starts` holds time, node and distance at which each target joins the graph.
    """
    backward = _links_backward(graph, minutes)
    found: list[list[tuple[float, int, float]]] = [[] for _ in range(graph.node_count)]
    joined = zip(*(column.tolist() for column in starts), strict=True)
    heap = [(minute, site, node, km) for site, (minute, node, km) in enumerate(joined)]
    heapify(heap)
    while heap:
        minute, site, node, km = heappop(heap)
        settled = found[node]
        if len(settled) >= wanted or any(site == known for _, known, _ in settled):
            continue
        settled.append((minute, site, km))
        for before, more_min, more_km in backward[node]:
            if len(found[before]) < wanted:
                heappush(heap, (minute + more_min, site, before, km + more_km))
    return found


def _links_backward(graph: RoadGraph, minutes: Floats) -> list[list[tuple[int, float, float]]]:
    """Return for each node the links that enter it: the node they leave, time [min] and length [km]."""
    backward: list[list[tuple[int, float, float]]] = [[] for _ in range(graph.node_count)]
    tails = np.repeat(np.arange(graph.node_count), np.diff(graph.indptr)).tolist()
    for tail, head, minute, km in zip(
        tails, graph.to_node.tolist(), minutes.tolist(), graph.length_km.tolist(), strict=True
    ):
        backward[head].append((tail, minute, km))
    return backward


def within(
    graph: RoadGraph,
    sources: Sites,
    targets: Sites,
    *,
    limit_km: float | None = None,
    limit_min: float | None = None,
    minutes: Floats | None = None,
) -> csr_matrix:
    """Return the targets within a limit of each source as a sparse matrix, access at both ends included.

    Entries are km under `limit_km` and min under `limit_min`; a pair beyond the limit has no entry, a pair at
    distance 0 has an explicit zero.

    Parameters
    ----------
    graph
        The road graph.
    sources, targets
        Places joined to the graph: rows and columns.
    limit_km
        Longest shortest path [km].
    limit_min
        Longest quickest path [min]; needs `minutes`.
    minutes
        Time of each link [min], from `link_minutes`.

    Raises
    ------
    ValueError
        If not exactly one limit is given, or `limit_min` without `minutes`.
    """
    if (limit_km is None) == (limit_min is None):
        raise ValueError(f"give one limit: limit_km is {limit_km}, limit_min is {limit_min}")
    if limit_km is not None:
        access = (sources.access_km, targets.access_km)
        return _within(graph.weighted(graph.length_km), sources, targets, access, limit_km)
    if limit_min is None or minutes is None:
        raise ValueError(f"limit_min is {limit_min} but there are no minutes; pass link_minutes(...)")
    access = (sources.access_min, targets.access_min)
    return _within(graph.weighted(minutes), sources, targets, access, limit_min)


def _within(
    matrix: csr_matrix, sources: Sites, targets: Sites, access: tuple[Floats, Floats], limit: float
) -> csr_matrix:
    if len(np.unique(targets.node)) < len(np.unique(sources.node)):
        turned = _within(csr_matrix(matrix.T), targets, sources, (access[1], access[0]), limit)
        return csr_matrix(turned.T)
    out, back = access
    rows_found, columns, values = [], [], []
    for rows, chunk in _chunks(sources):
        path = dijkstra(matrix, indices=chunk, limit=limit)[:, targets.node] + back
        whole = path[np.searchsorted(chunk, sources.node[rows])] + out[rows][:, None]
        row, column = np.nonzero(whole <= limit)
        rows_found.append(rows[row])
        columns.append(column)
        values.append(whole[row, column])
    shape = (len(sources.node), len(targets.node))
    return _sparse(rows_found, columns, values, shape)


def _sparse(rows: list[Ints], columns: list[Ints], values: list[Floats], shape: tuple[int, int]) -> csr_matrix:
    if not rows:
        return csr_matrix(shape)
    row, column, value = np.concatenate(rows), np.concatenate(columns), np.concatenate(values)
    order = np.lexsort((column, row))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=shape[0]))])
    return csr_matrix((value[order], column[order], indptr), shape=shape)


def _chunks(sources: Sites) -> Iterator[tuple[Ints, Ints]]:
    """Yield rows of sources with the distinct nodes they start from, at most CHUNK nodes at a time."""
    nodes, number = np.unique(sources.node, return_inverse=True)
    for start in range(0, len(nodes), CHUNK):
        rows = np.flatnonzero((number >= start) & (number < start + CHUNK))
        yield rows, nodes[start : start + CHUNK]


def _paths(graph: RoadGraph, origins: Ints, minutes: Floats, targets: Ints) -> tuple[Floats, Floats]:
    """Return time [min] and distance [km] of the quickest paths from the origin nodes to the target nodes."""
    time, before = dijkstra(graph.weighted(minutes), indices=origins, return_predecessors=True)
    distance = _path_km(graph, before)
    distance[~np.isfinite(time)] = np.inf
    return time[:, targets], distance[:, targets]


def _path_km(graph: RoadGraph, before: NDArray[np.int32]) -> Floats:
    """Return the distance [km] along the predecessor trees, by doubling: each round looks twice as far back."""
    row, node = np.nonzero(before >= 0)
    previous = before[row, node]
    ahead = np.tile(np.arange(before.shape[1]), (before.shape[0], 1))
    ahead[row, node] = previous
    km = np.zeros(before.shape)
    km[row, node] = graph.length_km[_link_between(graph, previous, node)]
    while True:
        further = np.take_along_axis(ahead, ahead, axis=1)
        if np.array_equal(further, ahead):
            return km
        km += np.take_along_axis(km, ahead, axis=1)
        ahead = further


def _link_between(graph: RoadGraph, tail: NDArray[np.int32], head: Ints) -> Ints:
    """Return where the link from `tail` to `head` stands; links are sorted by both."""
    size = graph.node_count
    tails = np.repeat(np.arange(size), np.diff(graph.indptr))
    return np.searchsorted(tails * size + graph.to_node, tail.astype(np.int64) * size + head)
