"""Numbers carried from one set of areas to another, and spread over zones by rule; totals are kept to the last one.

A total belongs to its area. What of it falls to an area of the other set goes by the overlap (area weighting), or by
the overlap times what stands there (roads, places: dasymetric weighting). Whole numbers stay whole by largest
remainder, area by area, so no resident is lost or made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from networks.crs import local_plane_km
from networks.errors import DataError
from networks.import_rules import spread_rules
from networks.layers import Shapes
from networks.zones import largest_remainder

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rule = Literal["area", "roads", "places"]
RULES: tuple[Rule, ...] = ("area", "roads", "places")


@dataclass(frozen=True)
class Overlap:
    """Which areas of two sets overlap, and by how much: one entry a pair.

    Attributes
    ----------
    source, target
        Row of the area in each set; sorted by source, then target.
    area_km2
        Area they share [km2].
    """

    source: Ints
    target: Ints
    area_km2: Floats


def overlap(source: Shapes, target: Shapes) -> Overlap:
    """Return the overlaps of two sets of WGS-84 areas.

    A source area that meets no target is joined to the nearest one with its whole area, so that a total cannot be
    lost.
    """
    import shapely

    stretch = _stretch(source)
    from_areas = shapely.make_valid(shapely.transform(source, lambda points: points * stretch))
    to_areas = shapely.make_valid(shapely.transform(target, lambda points: points * stretch))
    tree = shapely.STRtree(to_areas)
    first, second = tree.query(from_areas, predicate="intersects")
    area = shapely.area(shapely.intersection(from_areas[first], to_areas[second]))
    kept = area > 0.0
    alone = np.setdiff1d(np.arange(len(source)), first[kept])
    near = tree.nearest(shapely.point_on_surface(from_areas[alone])) if len(alone) else np.empty(0, np.int64)
    rows = np.concatenate([first[kept], alone]).astype(np.int64)
    columns = np.concatenate([second[kept], near]).astype(np.int64)
    areas = np.concatenate([area[kept], np.maximum(shapely.area(from_areas[alone]), 1e-12)])
    order = np.lexsort((columns, rows))
    return Overlap(rows[order], columns[order], areas[order])


def transfer(values: ArrayLike, shared: Overlap, targets: int, density: ArrayLike | None = None) -> Ints:
    """Return whole numbers of one set of areas carried to another.

    Parameters
    ----------
    values
        Total of each source area, whole numbers.
    shared
        Overlaps of the two sets.
    targets
        Number of target areas.
    density
        What draws the totals to a target, per area; None: area alone. Where it is 0 in all targets of a source
        area, area decides.

    Notes
    -----
    The part of source i that target j gets is proportional to area_ij density_j, rounded within i by largest
    remainder: what leaves i is exactly its total.
    """
    totals = np.asarray(values, dtype=np.int64)
    drawn = (
        shared.area_km2
        * (np.ones(targets) if density is None else np.asarray(density, dtype=np.float64))[shared.target]
    )
    result = np.zeros(targets, dtype=np.int64)
    edges = np.searchsorted(shared.source, np.arange(len(totals) + 1))
    for row, total in enumerate(totals.tolist()):
        own = slice(edges[row], edges[row + 1])
        weight = drawn[own] if drawn[own].sum() > 0.0 else shared.area_km2[own]
        if total:
            np.add.at(result, shared.target[own], largest_remainder(weight, total))
    return result


def transfer_exact(values: ArrayLike, shared: Overlap, targets: int) -> Floats:
    """Return amounts (not whole numbers) of one set of areas carried to another by area; the sum is kept."""
    amounts = np.asarray(values, dtype=np.float64)
    whole_area = np.bincount(shared.source, shared.area_km2, minlength=len(amounts))
    part = shared.area_km2 / whole_area[shared.source] * amounts[shared.source]
    return np.asarray(np.bincount(shared.target, part, minlength=targets), dtype=np.float64)


def spread_within(totals: ArrayLike, member: ArrayLike, weight: ArrayLike) -> Ints:
    """Return the totals of groups spread over their members in proportion to weights, in whole numbers.

    Parameters
    ----------
    totals
        Total of each group.
    member
        Group of each member.
    weight
        Weight of each member; a group whose weights are all 0 is spread evenly.

    Raises
    ------
    DataError
        When a group with a total has no member.
    """
    groups, weights = np.asarray(member, dtype=np.int64), np.asarray(weight, dtype=np.float64)
    result = np.zeros(len(groups), dtype=np.int64)
    for group, total in enumerate(np.asarray(totals, dtype=np.int64).tolist()):
        own = np.flatnonzero(groups == group)
        if total and not len(own):
            raise DataError(f"group {group}: its total {total} has no member to go to")
        if total:
            result[own] = largest_remainder(weights[own] if weights[own].sum() > 0.0 else np.ones(len(own)), total)
    return result


def weights(rule: Rule, zones: pl.DataFrame, nodes: pl.DataFrame, links: pl.DataFrame, places: pl.DataFrame) -> Floats:
    """Return by how much each zone draws residents, by rule; comparable within a district only.

    Parameters
    ----------
    rule
        `area`: by area alone. `roads`: by the length of streets. `places`: by the number of places, stops and stations.
    zones
        zone (H3 cell), area_km2.
    nodes, links
        Tables `Node` and `Link`.
    places
        Points with lon and lat.

    Notes
    -----
    A part (`spread_base_share` of `import_rules.csv`) goes by area in every rule. Streets are counted half at each end
    of their link.
    """
    area = zones["area_km2"].to_numpy()
    if rule == "area":
        return np.asarray(area, dtype=np.float64)
    cells = zones["zone"].to_list()
    found = street_km(cells, nodes, links) if rule == "roads" else place_count(cells, places)
    if found.sum() <= 0.0:
        return np.asarray(area, dtype=np.float64)
    base = spread_rules().base_share
    return np.asarray(base * area / area.sum() + (1.0 - base) * found / found.sum(), dtype=np.float64)


def street_km(cells: list[str], nodes: pl.DataFrame, links: pl.DataFrame) -> Floats:
    """Return the weighted length of streets in each H3 cell [km]; weights by class: `import_rules.csv`."""
    ends = nodes.select("node", "lon", "lat")
    rules = spread_rules()
    weights = {"local": rules.local_weight, "secondary": rules.secondary_weight, "arterial": rules.arterial_weight}
    factor = pl.col("road_class").cast(pl.String).replace_strict(weights, default=0.0, return_dtype=pl.Float64)
    streets = links.with_columns(km=pl.col("length_km") * factor / 2.0).filter(pl.col("km") > 0.0).sort("link")
    halves = pl.concat([streets.select("km", node="from_node"), streets.select("km", node="to_node")])
    points = halves.join(ends, on="node", maintain_order="left")
    return _summed(cells, points["lon"].to_numpy(), points["lat"].to_numpy(), points["km"].to_numpy())


def place_count(cells: list[str], places: pl.DataFrame) -> Floats:
    """Return the number of points in each H3 cell."""
    return _summed(cells, places["lon"].to_numpy(), places["lat"].to_numpy(), np.ones(places.height))


def cells_of(lon: ArrayLike, lat: ArrayLike, resolution: int) -> list[str]:
    """Return the H3 cell of each WGS-84 point."""
    import h3

    pairs = zip(np.asarray(lat, dtype=float).tolist(), np.asarray(lon, dtype=float).tolist(), strict=True)
    return [h3.latlng_to_cell(y, x, resolution) for y, x in pairs]


def _summed(cells: list[str], lon: Floats, lat: Floats, amount: Floats) -> Floats:
    import h3

    row = {cell: index for index, cell in enumerate(cells)}
    result = np.zeros(len(cells))
    for resolution in sorted({h3.get_resolution(cell) for cell in cells}):
        found = np.array([row.get(cell, -1) for cell in cells_of(lon, lat, resolution)], dtype=np.int64)
        np.add.at(result, found[found >= 0], amount[found >= 0])
    return result


def _stretch(shapes: Shapes) -> Floats:
    """Return the factors that turn degrees into km near the shapes, east and north."""
    import shapely

    bounds = shapely.total_bounds(shapes)
    middle = float(bounds[1] + bounds[3]) / 2.0
    x, y = local_plane_km([1.0], [1.0], middle)
    return np.array([float(x[0]), float(y[0])])
