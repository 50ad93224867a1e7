"""Hexagon zones of any city: from district borders, from settlements with coordinates, or from the roads alone.

Zones are H3 cells whatever was brought: one map, one coverage standard, one way to carry numbers. A cell belongs to
the district its centre lies in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from networks.crs import local_plane_km
from networks.errors import DataError
from networks.import_rules import zone_rules
from networks.layers import Shapes
from networks.spread import Ints, cells_of, place_count, spread_within, street_km
from networks.tables import District, Zone
from networks.zones import AREA_DECIMALS, COARSE, DEGREE_DECIMALS, FINE, largest_remainder

Label = Callable[[Sequence[str]], Ints]
"""District number of each cell by its centre, -1 outside the city."""

CENTRAL = ("core", "central_city")


@dataclass(frozen=True)
class DistrictRow:
    """What is known of a district before it has zones; None where nobody said."""

    district: str
    name_zh: str
    code: str = ""
    population: int | None = None
    functional_zone: str | None = None
    central: bool | None = None


def cells_in(areas: Shapes, central: Sequence[bool], resolution: int | None = None) -> pl.DataFrame:
    """Return the cells of a city given by district areas: zone (H3 cell), number (row of its area).

    Parameters
    ----------
    areas
        WGS-84 area of each district.
    central
        Districts that get fine cells where the city is large.
    resolution
        H3 resolution of all cells; None: fine, but coarse outside the central districts of a city above 4,000 km2.

    Raises
    ------
    DataError
        When a district is so small that no cell has its centre in it.
    """
    import h3
    import shapely

    tree = shapely.STRtree(areas)

    def label(cells: Sequence[str]) -> Ints:
        lat, lon = _centres(cells)
        point, area = tree.query(shapely.points(lon, lat), predicate="within")
        number = np.full(len(cells), -1, dtype=np.int64)
        # Where districts overlap the first one wins: written last.
        number[point[::-1]] = area[::-1]
        return number

    def candidates(size: int) -> list[str]:
        found: set[str] = set()
        for area in areas:
            for part in getattr(area, "geoms", [area]):
                found.update(h3.h3shape_to_cells_experimental(h3.geo_to_h3shape(part), size, contain="overlap"))
        return sorted(found)

    large = _area_km2(areas) > zone_rules().most_fine_km2
    if resolution is None and large and any(central) and not all(central):
        return _mixed(candidates(COARSE), label, np.flatnonzero(np.asarray(central)))
    return _kept(candidates(resolution or (COARSE if large else FINE)), label)


def cells_near(
    lon: NDArray[np.float64], lat: NDArray[np.float64], label: Label, resolution: int | None = None
) -> pl.DataFrame:
    """Return the cells of a city without borders: those with a road in them, and the ring around each.

    Parameters
    ----------
    lon, lat
        Road nodes [deg].
    label
        District number of each cell.
    resolution
        H3 resolution; None: fine up to 4,000 km2, else coarse.
    """
    import h3

    size = FINE if resolution is None else resolution
    cells = _ring(cells_of(lon, lat, size))
    if resolution is None and sum(h3.cell_area(cell, unit="km^2") for cell in cells) > zone_rules().most_fine_km2:
        cells = _ring(cells_of(lon, lat, COARSE))
    return _kept(cells, label)


def nearest_label(lon: Sequence[float], lat: Sequence[float]) -> Label:
    """Return the labelling by the nearest of some settlements, one a district."""
    from scipy.spatial import cKDTree

    lat0 = float(np.mean(lat))
    tree = cKDTree(np.column_stack(local_plane_km(lon, lat, lat0)))

    def label(cells: Sequence[str]) -> Ints:
        centre_lat, centre_lon = _centres(cells)
        _, nearest = tree.query(np.column_stack(local_plane_km(centre_lon, centre_lat, lat0)))
        return np.asarray(nearest, dtype=np.int64)

    return label


def describe(cells: pl.DataFrame) -> pl.DataFrame:
    """Return the cells with lon, lat [deg] and area_km2 [km2], sorted by cell."""
    import h3

    ordered = cells.sort("zone")
    names = ordered["zone"].to_list()
    lat, lon = _centres(names)
    return ordered.with_columns(
        lon=pl.Series(lon.round(DEGREE_DECIMALS)),
        lat=pl.Series(lat.round(DEGREE_DECIMALS)),
        area_km2=pl.Series([round(h3.cell_area(name, unit="km^2"), AREA_DECIMALS) for name in names]),
    )


def residents(cells: pl.DataFrame, districts: Sequence[DistrictRow], weight: NDArray[np.float64]) -> Ints:
    """Return the residents of each cell: every district's total spread within it by weight.

    Raises
    ------
    DataError
        When a district has no cell, or no population is known.
    """
    present = set(cells["number"].to_list())
    problems = [
        f"district {row.district!r}: no hexagon has its centre in it; choose a finer --resolution (9 or 10)"
        for number, row in enumerate(districts)
        if number not in present
    ]
    problems += [f"district {row.district!r}: has no population; add it" for row in districts if row.population is None]
    if problems:
        raise DataError(problems)
    totals = [row.population or 0 for row in districts]
    return spread_within(totals, cells["number"].to_numpy(), weight)


def job_weight(
    cells: pl.DataFrame, people: Ints, nodes: pl.DataFrame, links: pl.DataFrame, places: pl.DataFrame
) -> NDArray[np.float64]:
    """Return by how much each cell draws jobs: as it is lived in and as it is dense in streets and places."""
    names = cells["zone"].to_list()
    lived = people / max(int(people.sum()), 1)
    parts = [
        found / found.sum() for found in (street_km(names, nodes, links), place_count(names, places)) if found.any()
    ]
    if not parts:
        return np.asarray(lived, dtype=np.float64)
    dense = zone_rules().jobs_with_streets
    return np.asarray((1.0 - dense) * lived + dense * np.mean(parts, axis=0), dtype=np.float64)


def spread_jobs(people: Ints, weight: NDArray[np.float64]) -> Ints:
    """Return the jobs of each cell: by residents (`zones_jobs_per_resident`), spread by weight."""
    total = round(int(people.sum()) * zone_rules().jobs_per_resident)
    return largest_remainder(weight, total) if total else np.zeros(len(people), dtype=np.int64)


def zone_table(cells: pl.DataFrame, districts: Sequence[DistrictRow], people: Ints, jobs: Ints) -> dy.DataFrame[Zone]:
    """Return the zones of a city.

    Parameters
    ----------
    cells
        Result of `describe`: zone, number, lon, lat, area_km2.
    districts
        The districts the numbers stand for.
    people, jobs
        Residents and jobs of each cell.
    """
    density = people / cells["area_km2"].to_numpy()
    own = [districts[number].functional_zone for number in cells["number"].to_list()]
    table = cells.with_columns(
        district=pl.Series([districts[number].district for number in cells["number"].to_list()]),
        functional_zone=pl.Series([zone or zone_kind(float(d)) for zone, d in zip(own, density, strict=True)]),
        mountain=pl.lit(False),
        population=pl.Series(people),
        jobs=pl.Series(jobs),
    )
    return Zone.validate(table.select(list(Zone.columns())).sort("zone"), cast=True)


def district_table(zones: pl.DataFrame, districts: Sequence[DistrictRow]) -> dy.DataFrame[District]:
    """Return the districts with what their zones add up to; without a word on it the densest ones are central."""
    weight = pl.col("population") + 1e-9
    sums = zones.group_by("district", maintain_order=True).agg(
        pl.col("area_km2").sum().round(3),
        pl.col("population").sum(),
        lon=((pl.col("lon") * weight).sum() / weight.sum()).round(DEGREE_DECIMALS),
        lat=((pl.col("lat") * weight).sum() / weight.sum()).round(DEGREE_DECIMALS),
    )
    known = pl.DataFrame([vars(row) for row in districts], schema_overrides=_KNOWN, infer_schema_length=None)
    joined = known.drop("population").join(sums, on="district", how="left", maintain_order="left")
    density = joined["population"] / joined["area_km2"]
    kinds = [own or zone_kind(float(d)) for own, d in zip(joined["functional_zone"], density, strict=True)]
    densest = int(density.arg_max() or 0)
    central = [
        said if said is not None else kind in CENTRAL or row == densest
        for row, (said, kind) in enumerate(zip(joined["central"], kinds, strict=True))
    ]
    table = joined.with_columns(functional_zone=pl.Series(kinds), central=pl.Series(central))
    return District.validate(table.select(list(District.columns())), cast=True)


_KNOWN: Mapping[str, pl.DataType] = {
    "population": pl.Int64(),
    "functional_zone": pl.String(),
    "central": pl.Boolean(),
}


def zone_kind(density: float) -> str:
    """Return the functional zone of a density [persons/km2], see `import_rules.csv`, rows `zones_..._per_km2`.

    >>> zone_kind(12_000.0), zone_kind(10.0)
    ('core', 'ecological')
    """
    rules = zone_rules()
    least = (
        (rules.core_per_km2, "core"),
        (rules.central_per_km2, "central_city"),
        (rules.plain_per_km2, "plain_new_town"),
    )
    return next((kind for residents_km2, kind in least if density >= residents_km2), "ecological")


def zone_rows(lon: NDArray[np.float64], lat: NDArray[np.float64], zones: pl.DataFrame) -> Ints:
    """Return the row of the zone each WGS-84 point lies in; -1 outside the city."""
    import h3

    names = zones["zone"].to_list()
    row = {cell: index for index, cell in enumerate(names)}
    result = np.full(len(lon), -1, dtype=np.int64)
    for resolution in sorted({h3.get_resolution(cell) for cell in names}):
        found = np.array([row.get(cell, -1) for cell in cells_of(lon, lat, resolution)], dtype=np.int64)
        result = np.where(result < 0, found, result)
    return result


def district_at(lon: NDArray[np.float64], lat: NDArray[np.float64], zones: pl.DataFrame) -> NDArray[np.str_]:
    """Return the district of the zone whose centre is nearest to each WGS-84 point."""
    from scipy.spatial import cKDTree

    lat0 = float(str(zones["lat"].mean()))
    centres = np.column_stack(local_plane_km(zones["lon"].to_numpy(), zones["lat"].to_numpy(), lat0))
    _, nearest = cKDTree(centres).query(np.column_stack(local_plane_km(lon, lat, lat0)))
    return np.asarray(zones["district"].to_numpy().astype(np.str_)[nearest])


def cell_shapes(cells: Sequence[str]) -> Shapes:
    """Return the WGS-84 outline of each H3 cell."""
    import h3
    import shapely

    rings = [[(lon, lat) for lat, lon in h3.cell_to_boundary(cell)] for cell in cells]
    return np.asarray([shapely.Polygon(ring) for ring in rings], dtype=object)


def zone_outlines(zones: pl.DataFrame) -> dict[str, Any]:
    """Return one WGS-84 outline a district: its hexagons joined. Districts come in alphabetical order."""
    import shapely

    shapes = cell_shapes(zones["zone"].to_list())
    labels = zones["district"].to_numpy().astype(np.str_)
    return {name: shapely.union_all(shapes[labels == name], grid_size=1e-6) for name in sorted(set(labels.tolist()))}


def _kept(cells: Sequence[str], label: Label) -> pl.DataFrame:
    number = label(cells)
    return pl.DataFrame({"zone": list(cells), "number": number}).filter(pl.col("number") >= 0).sort("zone")


def _mixed(coarse: Sequence[str], label: Label, central: Ints) -> pl.DataFrame:
    """Return coarse cells, those with a child in a central district replaced by their seven children."""
    import h3

    children = [child for cell in coarse for child in sorted(h3.cell_to_children(cell, FINE))]
    number = label(children)
    families = [h3.cell_to_parent(child, COARSE) for child in children]
    refined = {family for family, one in zip(families, number.tolist(), strict=True) if one in set(central.tolist())}
    inner = pl.Series([family in refined for family in families], dtype=pl.Boolean)
    fine = pl.DataFrame({"zone": children, "number": number}).filter(inner).filter(pl.col("number") >= 0)
    return pl.concat([fine, _kept([cell for cell in coarse if cell not in refined], label)]).sort("zone")


def _ring(cells: Sequence[str]) -> list[str]:
    import h3

    ring = round(zone_rules().road_ring)
    return sorted({near for cell in sorted(set(cells)) for near in h3.grid_disk(cell, ring)})


def _area_km2(areas: Shapes) -> float:
    import shapely

    bounds = shapely.total_bounds(areas)
    x, y = local_plane_km([1.0], [1.0], float(bounds[1] + bounds[3]) / 2.0)
    return float(shapely.area(areas).sum()) * float(x[0]) * float(y[0])


def _centres(cells: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import h3

    pairs = np.array([h3.cell_to_latlng(cell) for cell in cells], dtype=np.float64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
