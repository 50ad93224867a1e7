"""Roads for a city that brought none: straight links along its lines, from stop to stop."""

import dataframely as dy
import numpy as np
import numpy.typing as npt
import polars as pl

from networks.crs import distance_km, local_plane_km
from networks.gtfs.read import Feed
from networks.import_rules import FeedRules
from networks.tables import Link, Node

Ints = npt.NDArray[np.int64]

ROAD_CLASS = "arterial"


def skeleton_roads(
    feed: Feed, trips: pl.DataFrame, detour: float, rules: FeedRules
) -> tuple[dy.DataFrame[Node], dy.DataFrame[Link]]:
    """Return a road graph made of the lines: a node where stops are, a link each way between stops that follow.

    Parameters
    ----------
    feed
        A feed.
    trips
        Column `trip`: places in trips.txt.
    detour
        Road distance over the straight line [-].
    rules
        Which stops are one node (the two sides of a road), and the speed of the links.

    Notes
    -----
    Parts that share no stop are joined by a link between their nearest nodes. It is a stand-in for real roads, all
    of it synthetic.
    """
    events = feed.stop_events.join(trips.select("trip"), on="trip", how="semi").drop_nulls("stop")
    stops, of_stop, at = _nodes(feed, events["stop"], rules.same_node_km)
    node = of_stop[np.searchsorted(stops, events["stop"].to_numpy())]
    trip = events["trip"].to_numpy()
    follows = (trip[1:] == trip[:-1]) & (node[1:] != node[:-1])
    pairs = np.sort(np.stack([node[:-1][follows], node[1:][follows]], axis=1), axis=1)
    pairs = _joined(np.unique(pairs, axis=0), at)
    lon, lat = at.T
    km = detour * distance_km(lon[pairs[:, 0]], lat[pairs[:, 0]], lon[pairs[:, 1]], lat[pairs[:, 1]])
    return _node_table(at), _link_table(pairs, np.maximum(km, 0.01), rules.road_kmh)


def _nodes(feed: Feed, used: pl.Series, same_node_km: float) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
    """Return the used stops, the node of each, and the nodes' coordinates, shape (nodes, 2) [deg]."""
    stops = used.unique().sort().to_numpy().astype(np.int64)
    table = feed.table("stops")
    lon, lat = (table[f"stop_{name}"].to_numpy()[stops] for name in ("lon", "lat"))
    x_km, y_km = local_plane_km(lon, lat, float(lat.mean()))
    squares = np.floor(np.stack([x_km, y_km], axis=1) / same_node_km)
    _, first, of_stop = np.unique(squares, axis=0, return_index=True, return_inverse=True)
    return stops, of_stop.ravel().astype(np.int64), np.stack([lon[first], lat[first]], axis=1)


def _joined(pairs: Ints, at: npt.NDArray[np.float64]) -> Ints:
    """Return the pairs and those that join the parts of the graph: each part to the node nearest to it."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    plane = np.column_stack(local_plane_km(at[:, 0], at[:, 1], float(at[:, 1].mean())))
    while True:
        graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(at), len(at)))
        count, part = connected_components(graph, directed=False)
        if count == 1:
            return pairs
        smallest = int(np.bincount(part).argmin())
        inside, outside = np.flatnonzero(part == smallest), np.flatnonzero(part != smallest)
        away, nearest = cKDTree(plane[outside]).query(plane[inside])
        best = int(away.argmin())
        pairs = np.concatenate([pairs, [[inside[best], outside[nearest[best]]]]])


def _node_table(at: npt.NDArray[np.float64]) -> dy.DataFrame[Node]:
    frame = pl.DataFrame({"node": np.arange(len(at)), "lon": at[:, 0], "lat": at[:, 1]})
    return Node.validate(frame, cast=True)


def _link_table(pairs: Ints, km: npt.NDArray[np.float64], road_kmh: float) -> dy.DataFrame[Link]:
    both = np.concatenate([pairs, pairs[:, ::-1]])
    frame = pl.DataFrame({"from_node": both[:, 0], "to_node": both[:, 1], "length_km": np.tile(km, 2).round(4)})
    frame = frame.sort("from_node", "to_node").with_columns(
        link=pl.int_range(pl.len(), dtype=pl.Int64),
        road=pl.lit(None, dtype=pl.String),
        name_zh=pl.lit(None, dtype=pl.String),
        ref=pl.lit(None, dtype=pl.String),
        road_class=pl.lit(ROAD_CLASS),
        free_flow_kmh=pl.lit(road_kmh),
        basis=pl.lit("synthetic"),
    )
    return Link.validate(frame.select(Link.column_names()), cast=True)
