"""A road graph and candidate sites from an OpenStreetMap file."""

from dataclasses import dataclass, replace
from pathlib import Path

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from networks.courses import Floats, Ints, distance_km, inside
from networks.errors import DataError
from networks.import_rules import osm_rules
from networks.osm_read import NO_POSITION, PER_DEGREE, FoundPlace, OsmContent, Tell, as_numbers, read_content
from networks.osm_tags import TagRules
from networks.polyline import encoded
from networks.tables import Link, LinkDetail, Node, Place

SHORTEST_KM = 1e-4
"""Length of a link between two points at one place [km]; OpenStreetMap has no finer position than a centimetre."""


@dataclass(frozen=True)
class OsmNetwork:
    """What an OpenStreetMap file gives a city.

    Parameters
    ----------
    nodes, links
        The largest part of the roads in which every node reaches every other.
    details
        Restrictions and course of each link.
    places
        Candidate sites and depots; all in the district they were read with.
    left_out
        Links outside the largest part.
    """

    nodes: dy.DataFrame[Node]
    links: dy.DataFrame[Link]
    details: dy.DataFrame[LinkDetail]
    places: dy.DataFrame[Place]
    left_out: int


@dataclass(frozen=True)
class _Points:
    """Points along all ways, in order: position [deg], number of the node, of the way, and of the unbroken run."""

    lonlat: Floats
    node: Ints
    way: Ints
    run: Ints

    def take(self, rows: NDArray[np.bool_]) -> "_Points":
        return _Points(self.lonlat[rows], self.node[rows], self.way[rows], self.run[rows])


@dataclass(frozen=True)
class _Steps:
    """Pieces of way between junctions, one row a direction of travel.

    `first` and `last` are rows of the points at both ends, `first` where the piece begins: `first` is above `last`
    for travel against the way.
    """

    first: Ints
    last: Ints
    tail: Ints
    head: Ints
    km: Floats
    kmh: Floats
    way: Ints

    def take(self, rows: NDArray[np.bool_] | Ints) -> "_Steps":
        return _Steps(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def read_osm(path: Path, rules: TagRules, *, district: str, tell: Tell | None = None) -> OsmNetwork:
    """Return the road graph and the places of an OpenStreetMap file.

    Ways are cut where they share a point; points in between stay as the course of their link. A way that leaves the
    file is cut there.

    Parameters
    ----------
    path
        The file: .osm.pbf, .osm or .osm.bz2.
    rules
        How tags are read.
    district
        District the places are put in; the file does not tell.
    tell
        Called now and then with the roads and places read.

    Raises
    ------
    DataError
        If the file cannot be read to its end, or holds no road on which cars drive.
    """
    content = read_content(path, rules, tell)
    points = _points(content)
    steps = _steps(points, content)
    if not len(steps.km):
        raise DataError(f"{path}: no two points of its roads have a position; export the ways with their nodes")
    kept = _largest_part(steps)
    lost = len(steps.km) - int(kept.sum())
    steps, lonlat = _numbered(steps.take(kept), points)
    return OsmNetwork(
        Node.validate(pl.DataFrame({"node": np.arange(len(lonlat)), "lon": lonlat[:, 0], "lat": lonlat[:, 1]})),
        _links(steps, content),
        _details(steps, points, content),
        place_table(content.places, district),
        lost,
    )


def _points(content: OsmContent) -> _Points:
    """Return the points that have a position, a point repeated at once left out."""
    ends = np.array(content.ends, dtype=np.int64)
    way = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    x, y = as_numbers(content.x), as_numbers(content.y)
    known = x != NO_POSITION
    fresh = np.concatenate([[True], (np.diff(way) != 0) | ~known[:-1]])[: len(way)]
    lonlat = np.column_stack([x, y]) / PER_DEGREE
    points = _Points(lonlat, as_numbers(content.point), way, np.cumsum(fresh)).take(known)
    again = (np.diff(points.node) == 0) & (np.diff(points.run) == 0)
    points = points.take(np.concatenate([[True], ~again])[: len(points.node)])
    return replace(points, node=np.unique(points.node, return_inverse=True)[1])


def _steps(points: _Points, content: OsmContent) -> _Steps:
    """Return the pieces between junctions: points where ways end, meet or cross themselves."""
    same_run = np.diff(points.run) == 0
    edge = np.ones(len(points.run), dtype=np.bool_)
    edge[1:-1] = ~same_run[:-1] | ~same_run[1:]
    junction = np.flatnonzero(edge | (np.bincount(points.node)[points.node] > 1))
    first, last = junction[:-1], junction[1:]
    inner = points.run[first] == points.run[last]
    first, last = first[inner], last[inner]
    along = np.cumsum(np.concatenate([[0.0], distance_km(points.lonlat[:-1], points.lonlat[1:])]))
    km = np.maximum(along[last] - along[first], SHORTEST_KM)
    way = points.way[first]
    forward, backward = _speeds(content, "forward_kmh"), _speeds(content, "backward_kmh")
    both = [
        _Steps(a, b, points.node[a], points.node[b], km, kmh[way], way)
        for a, b, kmh in ((first, last, forward), (last, first, backward))
    ]
    steps = _Steps(*(np.concatenate([getattr(part, name) for part in both]) for name in _Steps.__dataclass_fields__))
    return steps.take(np.isfinite(steps.kmh) & (steps.tail != steps.head))


def _speeds(content: OsmContent, direction: str) -> Floats:
    speeds = [getattr(road, direction) for road in content.road]
    return np.array([np.nan if speed is None else speed for speed in speeds])


def _largest_part(steps: _Steps) -> NDArray[np.bool_]:
    """Return which steps lie in the largest part in which every node reaches every other."""
    size = int(max(steps.tail.max(), steps.head.max())) + 1
    matrix = csr_matrix((np.ones(len(steps.tail)), (steps.tail, steps.head)), shape=(size, size))
    _, part = connected_components(matrix, directed=True, connection="strong")
    largest = part == np.bincount(part).argmax()
    return np.asarray(largest[steps.tail] & largest[steps.head])


def _numbered(steps: _Steps, points: _Points) -> tuple[_Steps, Floats]:
    """Return the steps in order with their nodes numbered from 0, and the nodes' positions [deg]."""
    nodes, ends = np.unique(np.concatenate([steps.tail, steps.head]), return_inverse=True)
    row = np.empty(points.node.max() + 1, dtype=np.int64)
    row[points.node] = np.arange(len(points.node))
    tail, head = np.split(ends, 2)
    order = np.lexsort((steps.first, steps.way, head, tail))
    return replace(steps, tail=tail, head=head).take(order), points.lonlat[row[nodes]]


def _links(steps: _Steps, content: OsmContent) -> dy.DataFrame[Link]:
    names = pl.DataFrame(content.names, schema={n: pl.String for n in ("road", "name_zh", "ref")}, orient="row")
    ways = names.with_columns(road_class=pl.Series([road.road_class for road in content.road], dtype=pl.String))
    table = ways[steps.way].with_columns(
        link=np.arange(len(steps.tail)),
        from_node=steps.tail,
        to_node=steps.head,
        length_km=steps.km,
        free_flow_kmh=steps.kmh,
        basis=pl.lit("derived"),
    )
    return Link.validate(table.select(Link.column_names()), cast=True)


def _details(steps: _Steps, points: _Points, content: OsmContent) -> dy.DataFrame[LinkDetail]:
    texts, limits = ("highway", "access", "hgv"), ("max_weight_t", "max_height_m")
    types = {**dict.fromkeys(texts, pl.String), **dict.fromkeys(limits, pl.Float64)}
    columns = {name: [getattr(road, name) for road in content.road] for name in types}
    ways = pl.DataFrame({"way": content.way, **columns}, schema_overrides=types)
    tagged = np.array([road.low_emission for road in content.road])
    middle = points.lonlat[(steps.first + steps.last) // 2]
    table = ways[steps.way].with_columns(
        link=np.arange(len(steps.tail)),
        low_emission_zone=tagged[steps.way] | _inside_any(middle, content.zones),
        shape=pl.Series(_shapes(steps, points), dtype=pl.String),
    )
    return LinkDetail.validate(table.select(LinkDetail.column_names()), cast=True)


def _inside_any(points: Floats, outlines: list[Floats]) -> NDArray[np.bool_]:
    found = np.zeros(len(points), dtype=np.bool_)
    for outline in outlines:
        low, high = outline.min(axis=0), outline.max(axis=0)
        near = np.flatnonzero(((points >= low) & (points <= high)).all(axis=1))
        found[near] |= inside(points[near], outline)
    return found


def _shapes(steps: _Steps, points: _Points) -> list[str]:
    """Return the points between the ends of each step, in the order of travel, as text."""
    sign = np.sign(steps.last - steps.first)
    counts = np.abs(steps.last - steps.first) - 1
    ends = np.cumsum(counts)
    place = np.arange(counts.sum()) - np.repeat(ends - counts, counts) + 1
    rows = np.repeat(steps.first, counts) + np.repeat(sign, counts) * place
    return encoded(points.lonlat[rows], ends)


def place_table(found: list[FoundPlace], district: str) -> dy.DataFrame[Place]:
    """Return the places as a table, by identifier; a place that stands twice is kept once."""
    rows = [(p.place, p.name, p.name_zh, p.kind, district, p.lon, p.lat) for p in found]
    columns = ["place", "name", "name_zh", "kind", "district", "lon", "lat"]
    schema = {name: pl.String if name not in ("lon", "lat") else pl.Float64 for name in columns}
    table = pl.DataFrame(rows, schema=schema, orient="row").unique("place", keep="first", maintain_order=True)
    table = table.with_columns(size=1.0, accuracy_m=osm_rules().accuracy_m, basis=pl.lit("derived")).sort("place")
    return Place.validate(table.select(Place.column_names()), cast=True)
