"""The road graph: built from entered courses, or read from tables of nodes and links."""

from dataclasses import dataclass, replace
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from networks.courses import (
    Course,
    Floats,
    Ints,
    Meetings,
    crossings,
    distance_km,
    lattice,
    open_ends,
    plane_km,
    street_lines,
    touches,
    trace,
)
from networks.errors import DataError
from networks.import_rules import road_rules
from networks.tables import ROAD_CLASSES, Link, Node

DEGREE_DIGITS = 6
KM_DIGITS = 4
ATTRIBUTES = ("course", "road", "name_zh", "ref", "road_class", "free_flow_kmh", "winding", "basis")
BY_IMPORTANCE = ("ring_expressway", "expressway", "arterial", "secondary", "local")


@dataclass(frozen=True)
class RoadGraph:
    """A directed road graph in compressed rows: the links of node i stand at indptr[i]:indptr[i + 1].

    Parameters
    ----------
    lon, lat
        Position of each node [deg].
    indptr, to_node
        Compressed rows: where the links of a node stand, and the node each link enters.
    link
        Number of each link in the table it came from.
    length_km
        Length of each link [km].
    free_flow_kmh
        Speed without traffic [km/h].
    road_class
        Class of each link as its place in `networks.tables.ROAD_CLASSES`.
    connected
        Whether a node belongs to the largest part in which every node reaches every other.
    """

    lon: Floats
    lat: Floats
    indptr: Ints
    to_node: Ints
    link: Ints
    length_km: Floats
    free_flow_kmh: Floats
    road_class: Ints
    connected: NDArray[np.bool_]

    @classmethod
    def from_tables(cls, nodes: pl.DataFrame, links: pl.DataFrame) -> "RoadGraph":
        """Return the graph of these tables; of parallel links it keeps the quickest.

        Parameters
        ----------
        nodes
            Table of schema `Node`.
        links
            Table of schema `Link`.

        Raises
        ------
        DataError
            If node numbers have gaps, or a link names a node that does not exist.
        """
        nodes = nodes.sort("node")
        _require_nodes(nodes, links)
        quickest = links.with_columns((pl.col("length_km") / pl.col("free_flow_kmh")).alias("hours"))
        quickest = quickest.sort("from_node", "to_node", "hours", "link")
        quickest = quickest.unique(["from_node", "to_node"], keep="first", maintain_order=True)
        counts = np.bincount(quickest["from_node"].to_numpy(), minlength=len(nodes))
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        to_node = quickest["to_node"].to_numpy().astype(np.int64)
        return cls(
            lon=nodes["lon"].to_numpy(),
            lat=nodes["lat"].to_numpy(),
            indptr=indptr,
            to_node=to_node,
            link=quickest["link"].to_numpy(),
            length_km=quickest["length_km"].to_numpy(),
            free_flow_kmh=quickest["free_flow_kmh"].to_numpy(),
            road_class=class_numbers(quickest["road_class"]),
            connected=_largest_part(indptr, to_node),
        )

    @property
    def node_count(self) -> int:
        """Number of nodes."""
        return len(self.lon)

    def weighted(self, weight: Floats) -> csr_matrix:
        """Return the graph as a sparse matrix with one weight a link (in the order of `to_node`)."""
        shape = (self.node_count, self.node_count)
        return csr_matrix((weight, self.to_node, self.indptr), shape=shape)


def class_numbers(road_class: pl.Series) -> Ints:
    """Return the place of each road class in `ROAD_CLASSES`."""
    numbers = {name: number for number, name in enumerate(ROAD_CLASSES)}
    return np.array([numbers[name] for name in road_class.cast(pl.String).to_list()], dtype=np.int64)


def _require_nodes(nodes: pl.DataFrame, links: pl.DataFrame) -> None:
    numbers = nodes["node"].to_numpy()
    problems = []
    if not len(numbers) or not np.array_equal(numbers, np.arange(len(numbers))):
        problems.append(f"nodes: numbers do not run from 0 to {len(numbers) - 1} without a gap; renumber them")
    for column in ("from_node", "to_node"):
        dangling = links.filter(~pl.col(column).is_in(nodes["node"].implode())).sort("link")
        problems += [
            f"links, link {row['link']}, column {column}: node {row[column]} is not in the nodes; add it"
            for row in dangling.head(10).iter_rows(named=True)
        ]
    if problems:
        raise DataError(problems)


def _largest_part(indptr: Ints, to_node: Ints) -> NDArray[np.bool_]:
    size = len(indptr) - 1
    matrix = csr_matrix((np.ones(len(to_node)), to_node, indptr), shape=(size, size))
    _, part = connected_components(matrix, directed=True, connection="strong")
    return np.asarray(part == np.bincount(part).argmax())


@dataclass(frozen=True)
class _Edges:
    """Links without direction between nodes: one row a link, its attributes those of its course.

    Parameters
    ----------
    position
        Node positions [deg].
    ends
        The two nodes of each link, one row a link.
    km
        Length of each link [km].
    course
        Number of the course of each link.
    attributes
        One row a course: course, road, name_zh, ref, road_class, free_flow_kmh, winding, basis.
    """

    position: Floats
    ends: Ints
    km: Floats
    course: Ints
    attributes: pl.DataFrame


def build_network(
    points: pl.DataFrame, courses: pl.DataFrame, grids: pl.DataFrame
) -> tuple[dy.DataFrame[Node], dy.DataFrame[Link]]:
    """Return the nodes and directed links made from entered courses and areas of streets.

    Courses become curves; wherever two meet there is a junction, whatever the real interchange looks like.
    Each link stands in both directions. Streets by rule that join nothing are left out.

    Parameters
    ----------
    points
        Table of schema `RoadPoint`: the courses and outlines.
    courses
        Table of schema `RoadCourse`: one row a road.
    grids
        Table of schema `RoadGrid`: one row an area that gets streets by rule; may be empty.

    Raises
    ------
    DataError
        If a course or outline has fewer than two points, or an entered course joins no other road.
    """
    edges = _without_islands(_without_parallels(_joined(*_all_courses(points, courses, grids))))
    for grid in grids.filter(pl.col("kind") == "spurs").sort("rank").iter_rows(named=True):
        edges = _with_spurs(edges, _outline(points, grid["outline"]), grid)
    return _node_table(edges), _link_table(edges)


def _all_courses(points: pl.DataFrame, courses: pl.DataFrame, grids: pl.DataFrame) -> tuple[list[Course], pl.DataFrame]:
    """Return the entered courses, then the streets by rule, with one row of attributes each."""
    lines: list[Course] = []
    for row in courses.sort("course").iter_rows(named=True):
        line = _outline(points, row["course"])
        lines.append(trace(row["course"], line, closed=row["closed"], smooth=row["smooth"]))
    attributes = [courses.sort("course").select(ATTRIBUTES).cast({"road_class": pl.String, "basis": pl.String})]
    holes: list[Floats] = []
    for row in grids.filter(pl.col("kind") == "streets").sort("rank").iter_rows(named=True):
        outline = _outline(points, row["outline"])
        streets = street_lines(row["grid"], outline, holes, row["spacing_km"])
        lines += streets
        attributes += [_synthetic(row, line.name) for line in streets]
        holes.append(outline)
    return lines, pl.concat(attributes, how="vertical_relaxed")


def _outline(points: pl.DataFrame, course: str) -> Floats:
    rows = points.filter(pl.col("course") == course).sort("order")
    if len(rows) < 2:
        raise DataError(f"roads.csv: course {course!r} has {len(rows)} points; enter at least 2")
    return rows.select("lon", "lat").to_numpy()


def _synthetic(grid: dict[str, Any], course: str) -> pl.DataFrame:
    same = {name: grid[name] for name in ("road_class", "free_flow_kmh", "winding")}
    row = {"course": course, "road": None, "name_zh": None, "ref": None, "basis": "synthetic", **same}
    text = dict.fromkeys(("course", "road", "name_zh", "ref", "road_class", "basis"), pl.String)
    return pl.DataFrame([row], schema_overrides=text).select(ATTRIBUTES)


def _joined(lines: list[Course], attributes: pl.DataFrame) -> _Edges:
    """Return the courses cut where they meet, cuts nearer than `roads_merge_km` made one node."""
    entered = int((attributes["basis"] != "synthetic").sum())
    crossed = crossings(lines)
    touched = touches(lines, crossed, road_rules().snap_km, entered)
    lonlat, owner, along = _cuts(lines, attributes, crossed, touched)
    node = _merged(lonlat)
    position = _means(lonlat, node)
    ends, km, course = _steps(node, owner, along)
    straight = distance_km(position[ends[:, 0]], position[ends[:, 1]])
    km = np.maximum(km, straight) * attributes["winding"].to_numpy()[course]
    return _Edges(position, ends, km, course, attributes)


def _cuts(
    lines: list[Course], attributes: pl.DataFrame, crossed: Meetings, touched: Meetings
) -> tuple[Floats, Ints, Floats]:
    """Return every point at which a course is cut: its position [deg], its course and its place along it [km]."""
    meetings = (crossed, touched)
    lonlat = [m.lonlat for m in meetings for _ in (0, 1)]
    owner = [column for m in meetings for column in (m.first, m.second)]
    along = [column for m in meetings for column in (m.first_km, m.second_km)]
    owners, alongs = np.concatenate(owner), np.concatenate(along)
    entered = int((attributes["basis"] != "synthetic").sum())
    joined = set(zip(touched.first.tolist(), touched.first_km.tolist(), strict=True))
    tips = [tip for tip in open_ends(lines, crossed, road_rules().snap_km, entered) if tip not in joined]
    spacing = _shape_km()
    for number, (line, road_class) in enumerate(zip(lines, attributes["road_class"], strict=True)):
        tip_km = [0.0, line.length_km] if line.closed else [km for n, km in tips if n == number]
        fixed = np.unique(np.concatenate([tip_km, alongs[owners == number]]))
        shape = np.concatenate([tip_km, _between(fixed, spacing[road_class])])
        lonlat.append(line.at(shape))
        owner.append(np.full(len(shape), number))
        along.append(shape)
    return np.vstack(lonlat), np.concatenate(owner).astype(np.int64), np.concatenate(along)


def _shape_km() -> dict[str, float]:
    """Return the greatest distance between nodes by road class [km]."""
    rules = road_rules()
    return {
        "ring_expressway": rules.ring_shape_km,
        "expressway": rules.expressway_shape_km,
        "arterial": rules.arterial_shape_km,
        "secondary": rules.secondary_shape_km,
        "local": rules.local_shape_km,
    }


def _between(fixed: Floats, spacing_km: float) -> Floats:
    """Return evenly spread places between the fixed ones, none farther apart than `spacing_km` [km]."""
    parts = np.ceil(np.diff(fixed) / spacing_km).astype(int)
    pieces = [a + (b - a) * np.arange(1, n) / n for a, b, n in zip(fixed[:-1], fixed[1:], parts, strict=True)]
    return np.concatenate([np.empty(0), *pieces])


def _merged(lonlat: Floats) -> Ints:
    """Return for each cut the number of its node: cuts nearer than `roads_merge_km` share one."""
    plane = plane_km(lonlat, float(lonlat[:, 1].mean()))
    pairs = cKDTree(plane).query_pairs(road_rules().merge_km, output_type="ndarray")
    return _parts(pairs, len(lonlat))


def _parts(pairs: Ints, size: int) -> Ints:
    matrix = csr_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    return np.asarray(connected_components(matrix, directed=False)[1], dtype=np.int64)


def _means(lonlat: Floats, node: Ints) -> Floats:
    count = np.bincount(node)
    return np.column_stack([np.bincount(node, weights=lonlat[:, k]) / count for k in (0, 1)])


def _steps(node: Ints, owner: Ints, along: Floats) -> tuple[Ints, Floats, Ints]:
    """Return the links along all courses: their two nodes, the length along the course [km] and the course."""
    order = np.lexsort((along, owner))
    node, owner, along = node[order], owner[order], along[order]
    same_course = owner[1:] == owner[:-1]
    keep = np.concatenate([[True], ~same_course | (node[1:] != node[:-1])])
    node, owner, along = node[keep], owner[keep], along[keep]
    link = owner[1:] == owner[:-1]
    return np.column_stack([node[:-1], node[1:]])[link], np.diff(along)[link], owner[1:][link]


def _without_parallels(edges: _Edges) -> _Edges:
    """Return the links with one between any two nodes: the one of the higher class, then the entered one."""
    rank = {name: number for number, name in enumerate(BY_IMPORTANCE)}
    classes = edges.attributes["road_class"].to_list()
    importance = np.array([rank[name] for name in classes], dtype=np.int64)[edges.course]
    pair = np.sort(edges.ends, axis=1)
    order = np.lexsort((edges.course, importance, pair[:, 1], pair[:, 0]))
    first = np.concatenate([[True], (np.diff(pair[order], axis=0) != 0).any(axis=1)])
    kept = order[first]
    return replace(edges, ends=edges.ends[kept], km=edges.km[kept], course=edges.course[kept])


def _without_islands(edges: _Edges) -> _Edges:
    """Return the largest connected part; a street by rule outside it is dropped, an entered road is a fault."""
    part = _parts(edges.ends, len(edges.position))
    kept = part == np.bincount(part).argmax()
    inner = kept[edges.ends[:, 0]]
    lost = edges.attributes[np.unique(edges.course[~inner])].filter(pl.col("basis") != "synthetic")
    if len(lost):
        names = sorted(lost["course"].to_list())
        raise DataError([f"roads.csv: course {name!r} joins no other road; extend it to one" for name in names])
    ends = (np.cumsum(kept) - 1)[edges.ends[inner]]
    return replace(edges, position=edges.position[kept], ends=ends, km=edges.km[inner], course=edges.course[inner])


def _with_spurs(edges: _Edges, outline: Floats, grid: dict[str, Any]) -> _Edges:
    """Return the graph with a dead-end lane to every lattice point farther than the reach from a node."""
    allowed = _lane_nodes(edges)
    known, numbers = edges.position[allowed], np.flatnonzero(allowed)
    size = len(edges.position)
    ends: list[tuple[int, int]] = []
    km: list[float] = []
    added: list[Floats] = []
    for point in _nearest_first(lattice(outline, grid["spacing_km"]), known):
        gaps = distance_km(known, np.broadcast_to(point, known.shape))
        nearest = int(np.argmin(gaps))
        if gaps[nearest] <= grid["reach_km"]:
            continue
        ends.append((int(numbers[nearest]), size + len(added)))
        km.append(float(gaps[nearest]) * grid["winding"])
        known, numbers = np.vstack([known, point]), np.append(numbers, size + len(added))
        added.append(point)
    course = np.full(len(added), len(edges.attributes))
    return _Edges(
        np.vstack([edges.position, *added]),
        np.vstack([edges.ends, np.array(ends, dtype=np.int64).reshape(-1, 2)]),
        np.concatenate([edges.km, km]),
        np.concatenate([edges.course, course]),
        pl.concat([edges.attributes, _synthetic(grid, grid["grid"])], how="vertical_relaxed"),
    )


def _lane_nodes(edges: _Edges) -> NDArray[np.bool_]:
    """Return which nodes lie on a road other than an expressway: a lane may begin there."""
    slow = ~edges.attributes["road_class"].is_in(["ring_expressway", "expressway"]).to_numpy()
    allowed = np.zeros(len(edges.position), dtype=bool)
    allowed[edges.ends[slow[edges.course]].ravel()] = True
    return allowed


def _nearest_first(points: Floats, known: Floats) -> Floats:
    lat0 = float(known[:, 1].mean())
    gap, _ = cKDTree(plane_km(known, lat0)).query(plane_km(points, lat0))
    return np.asarray(points[np.argsort(np.round(gap, 6), kind="stable")])


def _node_table(edges: _Edges) -> dy.DataFrame[Node]:
    rounded = np.round(edges.position, DEGREE_DIGITS)
    frame = pl.DataFrame({"node": np.arange(len(rounded)), "lon": rounded[:, 0], "lat": rounded[:, 1]})
    return Node.validate(frame, cast=True)


def _link_table(edges: _Edges) -> dy.DataFrame[Link]:
    out = pl.DataFrame(
        {
            "from_node": edges.ends[:, 0],
            "to_node": edges.ends[:, 1],
            "length_km": np.round(edges.km, KM_DIGITS),
        }
    )
    out = pl.concat([out, edges.attributes[edges.course].drop("course", "winding")], how="horizontal")
    back = out.rename({"from_node": "to_node", "to_node": "from_node"}).select(out.columns)
    both = pl.concat([out, back]).sort("from_node", "to_node").with_row_index("link")
    return Link.validate(both.select(Link.column_names()), cast=True)
