"""Service areas: what lies within minutes or kilometres of a place on the roads, as polygons and as hexagons.

The area is the ground within a given width of the roads that are reached, the last stretch cut where the limit
falls. The distance to these roads is computed exactly on a raster, and the outline is its contour: blocks farther
from a road stay holes.
"""

from dataclasses import dataclass
from functools import cached_property

import h3.api.numpy_int as h3
import numpy as np
import polars as pl
import shapely
from contourpy import FillType, contour_generator
from numpy.typing import NDArray

from networks.courses import Floats, Ints, km_per_degree, plane_km
from networks.import_rules import access_rules
from networks.kernels import Links, paint
from networks.polyline import decoded
from networks.roads import RoadGraph
from networks.search import all_nodes, links_in, links_out, within_limit
from networks.travel import Sites

CELLS_PER_WIDTH = 2.5
"""Cells of the raster across the width; the outline runs between their centres."""
BESIDE = 1.5
"""Cells beyond the width whose distance the contour looks at."""
SAMPLES_PER_EDGE = 2
"""Points looked at on a road as long as an edge of a hexagon."""


@dataclass(frozen=True)
class Ground:
    """The road graph with the course of its links.

    Parameters
    ----------
    graph
        The road graph.
    lonlat
        Points of all links from tail to head, one link after the other [deg].
    first
        Where the points of each link begin, and where the last end.
    share
        Share of its link's length at which each point lies.
    """

    graph: RoadGraph
    lonlat: Floats
    first: Ints
    share: Floats

    @classmethod
    def of(cls, graph: RoadGraph, details: pl.DataFrame | None = None) -> "Ground":
        """Return the ground of a graph: straight links, or along their course.

        Parameters
        ----------
        graph
            The road graph.
        details
            Table of schema `LinkDetail`; a link without a row runs straight.
        """
        inner, ends = _courses(graph, details)
        first = np.concatenate([[0], ends]) + 2 * np.arange(len(ends) + 1)
        lonlat = np.empty((first[-1], 2))
        nodes = np.column_stack([graph.lon, graph.lat])
        between = np.ones(len(lonlat), dtype=np.bool_)
        between[first[:-1]] = between[first[1:] - 1] = False
        lonlat[between] = inner
        lonlat[first[:-1]] = nodes[np.repeat(np.arange(graph.node_count), np.diff(graph.indptr))]
        lonlat[first[1:] - 1] = nodes[graph.to_node]
        return cls(graph, lonlat, first, _shares(lonlat, first))

    @cached_property
    def twin(self) -> Ints:
        """The other direction of each link's road, taken to be one where it is as long; else the link itself."""
        graph, own = self.graph, np.arange(len(self.graph.to_node))
        tail = np.repeat(np.arange(graph.node_count), np.diff(graph.indptr))
        key = tail * graph.node_count + graph.to_node
        found = np.minimum(np.searchsorted(key, graph.to_node * graph.node_count + tail), max(0, len(key) - 1))
        same = (graph.to_node[found] == tail) & (tail[found] == graph.to_node)
        return np.where(same & np.isclose(graph.length_km[found], graph.length_km), found, own)


def _courses(graph: RoadGraph, details: pl.DataFrame | None) -> tuple[Floats, Ints]:
    """Return the points between the ends of each link [deg], and where those of each link end."""
    if details is None:
        return np.empty((0, 2)), np.zeros(len(graph.link), dtype=np.int64)
    links = pl.DataFrame({"link": graph.link})
    shapes = links.join(details.select("link", "shape"), on="link", how="left", maintain_order="left")
    return decoded(shapes["shape"].fill_null("").to_list())


def _shares(lonlat: Floats, first: Ints) -> Floats:
    lat0 = float(lonlat[:, 1].mean()) if len(lonlat) else 0.0
    plane = plane_km(lonlat, lat0)
    step = np.concatenate([[0.0], np.hypot(*np.diff(plane, axis=0).T)])[: len(lonlat)]
    step[first[:-1]] = 0.0
    along = np.cumsum(step)
    link = np.repeat(np.arange(len(first) - 1), np.diff(first))
    start, length = along[first[:-1]][link], (along[first[1:] - 1] - along[first[:-1]])[link]
    last = np.zeros(len(lonlat), dtype=np.bool_)
    last[first[1:] - 1] = True
    share = np.where(length > 0, (along - start) / np.where(length > 0, length, 1.0), 0.0)
    return np.where(last, 1.0, share)


@dataclass(frozen=True)
class Question:
    """What is asked: how far, by which costs, and which way.

    Parameters
    ----------
    cost
        Cost of each link: length [km] or time [min].
    limit
        Highest cost of a way, access included.
    access
        Cost between each site and its node.
    toward
        Whether one drives to the sites, not from them.
    """

    cost: Floats
    limit: float
    access: Floats
    toward: bool

    @classmethod
    def by_km(cls, ground: Ground, sites: Sites, limit_km: float, *, toward: bool = True) -> "Question":
        """Return what is asked within a length of road [km]."""
        return cls(ground.graph.length_km, limit_km, sites.access_km, toward)

    @classmethod
    def by_minutes(cls, minutes: Floats, sites: Sites, limit_min: float, *, toward: bool = True) -> "Question":
        """Return what is asked within a time [min], with the time of each link from `link_minutes`."""
        return cls(minutes, limit_min, sites.access_min, toward)


@dataclass(frozen=True)
class ServiceAreas:
    """The answers to a question, one site after the other.

    Parameters
    ----------
    ground
        The roads.
    sites
        Places joined to the graph.
    question
        How far and by which costs.
    """

    ground: Ground
    sites: Sites
    question: Question

    @cached_property
    def _search(self) -> tuple[Links, Ints]:
        """The links in the direction of the search, and the number of each in the graph."""
        graph, question = self.ground.graph, self.question
        if question.toward:
            return links_in(graph, question.cost), np.argsort(graph.to_node, kind="stable")
        return links_out(graph, question.cost), np.arange(len(graph.to_node))

    @cached_property
    def _everywhere(self) -> NDArray[np.bool_]:
        return all_nodes(self.ground.graph)

    def polygon(self, row: int, *, width_km: float | None = None) -> shapely.MultiPolygon:
        """Return the area of a site [deg]; empty where its node is beyond the limit.

        Parameters
        ----------
        row
            Row of the site.
        width_km
            Ground beside a reached road that counts [km]; left out: `access_served_km` of `import_rules.csv`.
        """
        lonlat = self.stretches(row)
        if not len(lonlat):
            return shapely.MultiPolygon()
        lat0 = float(self.ground.graph.lat[self.sites.node[row]])
        plane = plane_km(lonlat.reshape(-1, 2), lat0).reshape(-1, 4)
        points, parts = _contour(plane, access_rules().served_km if width_km is None else width_km)
        per_degree = np.array([float(x) for x in km_per_degree(np.asarray(lat0))])
        return shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, points / per_degree, parts)[0]

    def hexagons(self, resolution: int) -> pl.DataFrame:
        """Return the H3 cells that hold a reached point of road, with the lowest cost in each.

        Returns
        -------
        site (row), cell (H3 index as text) and cost [km] or [min], by site and cell.
        """
        points = _road_points(self.ground, resolution)
        parts = [self._cells(row, points) for row in range(len(self.sites.node))]
        table = pl.concat([pl.DataFrame({"site": [], "cell": [], "cost": []}, schema=CELLS), *parts])
        return table.with_columns(cell=pl.Series(map(h3.int_to_str, table["cell"].to_list()), dtype=pl.String))

    def _reached(self, row: int) -> tuple[Ints, Floats, Floats]:
        """Return the links that are reached, the cost where they are entered, and the share that is driven."""
        question, (links, number) = self.question, self._search
        access = float(question.access[row])
        found = within_limit(links, self.sites.node[[row]], question.limit - access, self._everywhere)
        nodes, cost = found.indices.astype(np.int64), found.data + access
        place, entry = _ranges(links.indptr, nodes)
        share = np.minimum(1.0, (question.limit - cost[entry]) / links.cost[place])
        return number[place], cost[entry], share

    def _once(self, link: Ints, share: Floats) -> tuple[Ints, Floats]:
        """Return the reached links without one direction of those driven to the end both ways."""
        twin = self.ground.twin
        whole = np.zeros(len(twin), dtype=np.bool_)
        whole[link[share == 1.0]] = True
        kept = ~(whole[link] & whole[twin[link]] & (twin[link] < link))
        return link[kept], share[kept]

    def stretches(self, row: int) -> Floats:
        """Return the stretches of road that are reached, and the node of the site: both ends of each [deg]."""
        if self.question.access[row] > self.question.limit:
            return np.empty((0, 4))
        link, share = self._once(*self._reached(row)[::2])
        ground, node = self.ground, self.sites.node[row]
        point, entry = _ranges(ground.first, link, short=1)
        start, end = ground.share[point], ground.share[point + 1]
        low = 1.0 - share[entry] if self.question.toward else np.zeros(len(entry))
        high = np.ones(len(entry)) if self.question.toward else share[entry]
        kept = (np.maximum(start, low) < np.minimum(end, high)).nonzero()[0]
        start, end, point = start[kept], end[kept], point[kept]
        a, b = ground.lonlat[point], ground.lonlat[point + 1]
        span = (b - a) / (end - start)[:, None]
        cut_a = a + span * (np.maximum(start, low[kept]) - start)[:, None]
        cut_b = a + span * (np.minimum(end, high[kept]) - start)[:, None]
        here = [ground.graph.lon[node], ground.graph.lat[node]]
        return np.vstack([np.column_stack([cut_a, cut_b]), [[*here, *here]]])

    def _cells(self, row: int, points: "_RoadPoints") -> pl.DataFrame:
        if self.question.access[row] > self.question.limit:
            return pl.DataFrame(schema=CELLS)
        link, cost, share = self._reached(row)
        point, entry = _ranges(points.first, link)
        along = 1.0 - points.share[point] if self.question.toward else points.share[point]
        reached = along <= share[entry]
        price = (cost[entry] + along * self.question.cost[link[entry]])[reached]
        table = pl.DataFrame({"cell": points.cell[point[reached]], "cost": price})
        lowest = table.group_by("cell").agg(pl.col("cost").min()).sort("cell")
        return lowest.select(site=pl.lit(row, dtype=pl.Int64), cell="cell", cost="cost")


CELLS = {"site": pl.Int64, "cell": pl.UInt64, "cost": pl.Float64}


@dataclass(frozen=True)
class _RoadPoints:
    """Points along all links, one link after the other: share of the length and H3 cell of each."""

    first: Ints
    share: Floats
    cell: NDArray[np.uint64]


def _road_points(ground: Ground, resolution: int) -> _RoadPoints:
    """Return points on every link, both ends among them, no farther apart than half an edge of a hexagon."""
    spacing_km = h3.average_hexagon_edge_length(resolution, unit="km") / SAMPLES_PER_EDGE
    counts = np.ceil(ground.graph.length_km / spacing_km).astype(np.int64) + 1
    first = np.concatenate([[0], np.cumsum(counts)])
    link = np.repeat(np.arange(len(counts)), counts)
    share = (np.arange(first[-1]) - first[link]) / (counts[link] - 1)
    # Links lie two apart, so that the end of one is not the beginning of the next.
    place = 2 * link + share
    own = 2 * np.repeat(np.arange(len(counts)), np.diff(ground.first)) + ground.share
    lon, lat = (np.interp(place, own, ground.lonlat[:, k]) for k in (0, 1))
    cells = [h3.latlng_to_cell(y, x, resolution) for x, y in zip(lon.tolist(), lat.tolist(), strict=True)]
    return _RoadPoints(first, share, np.array(cells, dtype=np.uint64))


def _ranges(first: Ints, rows: Ints, *, short: int = 0) -> tuple[Ints, Ints]:
    """Return every place from first[row] to first[row + 1] - short of these rows, and which of the rows it is of."""
    counts = first[rows + 1] - first[rows] - short
    entry = np.repeat(np.arange(len(rows)), counts)
    return np.arange(len(entry)) - np.repeat(np.cumsum(counts) - counts - first[rows], counts), entry


def _contour(segments: Floats, width_km: float) -> tuple[Floats, tuple[Ints, Ints, Ints]]:
    """Return the outline of the ground within the width of the segments [km]: points, and where its parts begin.

    The parts are rings, the polygons they make up, the first ring of each its outer one, and the whole.
    """
    cell = width_km / CELLS_PER_WIDTH
    far = width_km + BESIDE * cell
    ends = segments.reshape(-1, 2)
    low, high = ends.min(axis=0) - far - cell, ends.max(axis=0) + far + cell
    columns, rows = (np.ceil((high - low) / cell).astype(int) + 1).tolist()
    squares = np.full((rows, columns), far * far)
    paint(segments, squares, float(low[0]), float(low[1]), cell, far)
    contours = contour_generator(z=np.sqrt(squares), fill_type=FillType.ChunkCombinedOffsetOffset)
    points, rings, polygons = (np.asarray(chunks[0]) for chunks in contours.filled(-1.0, width_km))
    return points * cell + low, (rings.astype(np.int64), polygons.astype(np.int64), np.array([0, len(polygons) - 1]))
