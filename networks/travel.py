"""Travel times on the road graph by hour of day: matrices, nearest stations, what lies within reach.

Distances are in km and times in min. A place reaches the graph at its nearest node: straight line times a detour
factor, at a low speed.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from networks.contraction import Hierarchy
from networks.courses import Floats, Ints, distance_km, plane_km
from networks.errors import DataError
from networks.import_rules import access_rules
from networks.kernels import LABEL, LANES, Links, Records, Weights
from networks.roads import RoadGraph, class_numbers
from networks.search import links_in, links_out, nearest_sites, within_limit
from networks.tables import ROAD_CLASSES

HOURS = 24
WORKERS = os.cpu_count() or 1
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
        return self.access_km / access_rules().kmh * 60

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


def snap(graph: RoadGraph, lon: Floats, lat: Floats, *, limit_km: float | None = None) -> Sites:
    """Return the places joined to their nearest connected node.

    Parameters
    ----------
    graph
        The road graph.
    lon, lat
        Positions of the places [deg].
    limit_km
        Longest straight way to a node [km]; left out: `access_limit_km` of `import_rules.csv`.

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
    rules = access_rules()
    limit = rules.limit_km if limit_km is None else limit_km
    far = np.flatnonzero(gap > limit)
    if len(far):
        raise DataError(
            [
                f"place {row} at {lon[row]:.4f}, {lat[row]:.4f}: the nearest road node is {gap[row]:.1f} km away "
                f"(limit {limit:g} km); correct the position or add a road"
                for row in far[:FAULTS_SHOWN].tolist()
            ]
        )
    return Sites(node.astype(np.int64), gap * rules.detour)


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


def hourly_minutes(graph: RoadGraph, speeds: pl.DataFrame, *, weekday: bool) -> Floats:
    """Return the time of each link [min] in each hour of the day, see `link_minutes`: shape (24, links)."""
    return np.stack([link_minutes(graph, speeds, hour=hour, weekday=weekday) for hour in range(HOURS)])


def matrices(
    graph: RoadGraph, sources: Sites, targets: Sites, minutes: Floats, *, hierarchy: Hierarchy | None = None
) -> tuple[Floats, Floats]:
    """Return the time [min] and the distance on the quickest path [km] from each source to each target.

    Parameters
    ----------
    graph
        The road graph.
    sources, targets
        Places joined to the graph.
    minutes
        Time of each link [min], from `link_minutes`.
    hierarchy
        The hierarchy of the graph, where it was made before.

    Notes
    -----
    The result is dense: sources times targets. For the nearest few or a limit use `nearest_k` or `within`.
    """
    ranked = hierarchy or Hierarchy.of(graph)
    with ThreadPoolExecutor(WORKERS) as pool:
        weights = ranked.weights(minutes, graph.length_km)
        time, distance = _all_pairs(pool, ranked, weights, sources.node, targets.node, with_km=True)
    time += sources.access_min[:, None] + targets.access_min
    distance += sources.access_km[:, None] + targets.access_km
    return time, distance


def travel_times(
    graph: RoadGraph, sources: Sites, targets: Sites, minutes: Floats, *, hierarchy: Hierarchy | None = None
) -> NDArray[np.float32]:
    """Return the time [min] from each source to each target in each hour: shape (hours, sources, targets).

    Parameters
    ----------
    graph
        The road graph.
    sources, targets
        Places joined to the graph.
    minutes
        Time of each link in each hour [min], shape (hours, links): from `hourly_minutes`.
    hierarchy
        The hierarchy of the graph, where it was made before.

    Notes
    -----
    Infinite where no way leads. The four bytes of an entry keep times of up to eight hours within 1 ms.
    """
    ranked = hierarchy or Hierarchy.of(graph)
    access = sources.access_min[:, None] + targets.access_min
    times = np.empty((len(minutes), *access.shape), dtype=np.float32)
    with ThreadPoolExecutor(WORKERS) as pool:
        for hour, of_links in enumerate(minutes):
            weights = ranked.weights(of_links, graph.length_km)
            path, _ = _all_pairs(pool, ranked, weights, sources.node, targets.node, with_km=False)
            np.add(path, access, out=times[hour], casting="same_kind")
    return times


def _all_pairs(
    pool: ThreadPoolExecutor, ranked: Hierarchy, weights: Weights, sources: Ints, targets: Ints, *, with_km: bool
) -> tuple[Floats, Floats]:
    """Return cost and length of the best ways between nodes, blocks of sources side by side on the processors."""
    goal = ranked.targets(targets)
    lanes = -(-len(sources) // LANES)
    step = max(1, -(-lanes // WORKERS)) * LANES
    blocks = [sources[start : start + step] for start in range(0, max(1, len(sources)), step)]
    parts = list(pool.map(lambda block: ranked.paths(weights, block, goal, with_km=with_km), blocks))
    costs, kms = zip(*parts, strict=True)
    return np.concatenate(costs), np.concatenate(kms)


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
    Equal times are ordered by target row. See `networks.search.nearest_sites` for the effort.
    """
    starts = _labels(targets.access_min, targets)
    count, found = nearest_sites(graph, minutes, starts, min(k, len(targets.node)))
    shape = (len(sources.node), k)
    target, time, distance = np.full(shape, -1, dtype=np.int64), np.full(shape, np.inf), np.full(shape, np.inf)
    row, rank = np.nonzero(np.arange(found.shape[1]) < count[sources.node][:, None])
    label = found[sources.node[row], rank]
    target[row, rank], time[row, rank], distance[row, rank] = label["site"], label["cost"], label["km"]
    return Nearest(target, time + sources.access_min[:, None], distance + sources.access_km[:, None])


def shortest_km(graph: RoadGraph, sources: Sites, targets: Sites) -> Floats:
    """Return for each source the length of the shortest way to any target [km]; infinite where there is none."""
    count, found = nearest_sites(graph, graph.length_km, _labels(targets.access_km, targets), 1)
    km = np.where(count > 0, found[:, 0]["km"], np.inf)
    return np.asarray(km[sources.node] + sources.access_km)


def _labels(cost: Floats, targets: Sites) -> Records:
    labels = np.empty(len(targets.node), dtype=LABEL)
    labels["cost"], labels["km"], labels["node"] = cost, targets.access_km, targets.node
    labels["site"] = np.arange(len(targets.node))
    return labels


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
        return _within(graph, graph.length_km, (sources, targets), access, limit_km)
    if limit_min is None or minutes is None:
        raise ValueError(f"limit_min is {limit_min} but there are no minutes; pass link_minutes(...)")
    access = (sources.access_min, targets.access_min)
    return _within(graph, minutes, (sources, targets), access, limit_min)


def _within(
    graph: RoadGraph, cost: Floats, ends: tuple[Sites, Sites], access: tuple[Floats, Floats], limit: float
) -> csr_matrix:
    """Return the ways within the limit, searched from the side with fewer nodes."""
    sources, targets = ends
    if len(np.unique(targets.node)) < len(np.unique(sources.node)):
        column, row, value = _ways(links_in(graph, cost), (targets, sources), access[::-1], limit)
    else:
        row, column, value = _ways(links_out(graph, cost), (sources, targets), access, limit)
    shape = (len(sources.node), len(targets.node))
    order = np.lexsort((column, row))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=shape[0]))])
    return csr_matrix((value[order], column[order], indptr), shape=shape)


def _ways(
    links: Links, ends: tuple[Sites, Sites], access: tuple[Floats, Floats], limit: float
) -> tuple[Ints, Ints, Floats]:
    """Return the rows at both ends of each way within the limit, with its cost, access included."""
    origins = np.unique(ends[0].node)
    wanted = np.zeros(len(links.indptr) - 1, dtype=np.bool_)
    wanted[ends[1].node] = True
    found = within_limit(links, origins, limit, wanted).tocoo()
    entry, far = _members(found.col, ends[1].node)
    again, near = _members(origins[found.row[entry]], ends[0].node)
    far = far[again]
    cost = found.data[entry[again]] + access[1][far] + access[0][near]
    kept = cost <= limit
    return near[kept], far[kept], cost[kept]


def _members(values: Ints, of: Ints) -> tuple[Ints, Ints]:
    """Return every pair of an entry of `values` and a row of `of` that holds the same."""
    order = np.argsort(of, kind="stable")
    first = np.searchsorted(of[order], values)
    counts = np.searchsorted(of[order], values, side="right") - first
    entry = np.repeat(np.arange(len(values)), counts)
    place = np.arange(len(entry)) - np.repeat(np.cumsum(counts) - counts - first, counts)
    return entry, order[place]
