"""Zones of a city: H3 cells, each with its district, functional zone, residents and jobs.

No district boundary is needed. Settlements and border points whose district is known (`Seat`) label every place:
it belongs to the district of the nearest seat, and to no district where that seat lies outside the city.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from networks.crs import distance_km, local_plane_km
from networks.errors import DataError
from networks.io import require_known
from networks.tables import District, JobCentre, PlainPoint, Seat, Zone

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

FINE, COARSE = 8, 7
MARGIN_DEG = 0.02
DEGREE_DECIMALS = 6
AREA_DECIMALS = 6
OUTSIDE = ""
CENTRE_KINDS = ("subdistrict", "township")


@dataclass(frozen=True)
class Spread:
    """How residents and jobs fall off from the centres of a district; every value an assumption.

    Attributes
    ----------
    decay_km
        Distance from a centre over which its density falls to 1/e [km].
    subdistrict_weight, township_weight
        Density at a centre, a township's being 1.
    rural_weight
        Density far from every centre, a township's being 1.
    mountain_share
        Density in the mountains over that in the plain at the same distances.
    jobs_per_resident
        Jobs of the whole city over its residents; employed persons of Beijing 2020, 11.6 (11.2 to 12.0) million.
    """

    decay_km: float = 2.5
    subdistrict_weight: float = 3.0
    township_weight: float = 1.0
    rural_weight: float = 0.05
    mountain_share: float = 0.15
    jobs_per_resident: float = 0.53


def make_zones(
    districts: dy.DataFrame[District],
    seats: dy.DataFrame[Seat],
    plain: dy.DataFrame[PlainPoint],
    job_centres: dy.DataFrame[JobCentre],
    spread: Spread | None = None,
) -> dy.DataFrame[Zone]:
    """Return the zones of a city, one row a cell, sorted by cell index (`Zone`).

    Parameters
    ----------
    districts
        Districts with their residents; the zones of each sum to exactly this.
    seats
        Points of known district, those outside the city included.
    plain
        Corner points of the plains; every cell whose centre is in none of them is mountain.
    job_centres
        Where jobs concentrate beyond the residents' own distribution.
    spread
        Parameters of the spread of residents and jobs.

    Raises
    ------
    DataError
        If a seat names an unknown district, or a district has no cell.

    Notes
    -----
    A coarse cell (resolution 7) with at least one child (resolution 8) whose centre lies in a central district is
    replaced by its seven children, each labelled by its own centre; any other coarse cell is labelled by its centre.
    The zones therefore neither overlap nor leave holes, all cells of a central district are fine, and a few fine
    cells lie just across the border of the central districts.
    """
    rule = spread or Spread()
    _require_districts(districts, seats)
    cells = label_cells(seats, districts.filter(pl.col("central"))["district"].to_list())
    frame = _describe(cells, districts, plain)
    frame = frame.with_columns(population=_residents(frame, districts, seats, rule))
    frame = frame.with_columns(jobs=_jobs(frame, job_centres, rule))
    return Zone.validate(frame.select(list(Zone.columns())).sort("zone"), cast=True)


def nearest_district(lon: ArrayLike, lat: ArrayLike, seats: dy.DataFrame[Seat]) -> NDArray[np.str_]:
    """Return the district of the seat nearest to each WGS-84 point [deg]; empty where that is outside the city."""
    from scipy.spatial import cKDTree

    origin = _mean_latitude(seats)
    tree = cKDTree(np.column_stack(local_plane_km(seats["lon"].to_numpy(), seats["lat"].to_numpy(), origin)))
    _, nearest = tree.query(np.column_stack(local_plane_km(np.atleast_1d(lon), np.atleast_1d(lat), origin)))
    labels: NDArray[np.str_] = _labels(seats)[nearest]
    return labels


def label_cells(seats: dy.DataFrame[Seat], central: Sequence[str]) -> pl.DataFrame:
    """Return the cells of the city with their district: columns zone, district; fine where the centre is.

    Parameters
    ----------
    seats
        Points of known district.
    central
        Districts with fine cells.
    """
    import h3

    coarse = sorted(_candidates(seats))
    children = [child for cell in coarse for child in sorted(h3.cell_to_children(cell, FINE))]
    labels = _label(children, seats)
    families = np.array([h3.cell_to_parent(child, COARSE) for child in children])
    refined = set(families[np.isin(labels, list(central))].tolist())
    fine = pl.DataFrame({"zone": children, "district": labels}).filter(
        pl.Series([family in refined for family in families.tolist()], dtype=pl.Boolean)
    )
    whole = [cell for cell in coarse if cell not in refined]
    both = pl.concat([fine, pl.DataFrame({"zone": whole, "district": _label(whole, seats)})])
    return both.filter(pl.col("district") != OUTSIDE).sort("zone")


def district_outlines(seats: dy.DataFrame[Seat]) -> "dict[str, Polygon | MultiPolygon]":
    """Return one WGS-84 outline a district: all places whose nearest seat is the district's own.

    The outlines are the dissolved Voronoi cells of the seats, exclaves and holes included, so they follow the same
    rule as the labels of the zones. Districts come in alphabetical order.
    """
    import shapely

    stretch = np.array([np.cos(np.radians(_mean_latitude(seats))), 1.0])
    apart = seats.unique(["lon", "lat"], keep="first", maintain_order=True)
    points = shapely.MultiPoint(apart.select("lon", "lat").to_numpy() * stretch)
    cells = shapely.get_parts(shapely.voronoi_polygons(points, ordered=True))
    labels = _labels(apart)
    return {
        district: _dissolve(cells[labels == district], stretch) for district in sorted(set(labels.tolist()) - {OUTSIDE})
    }


def district_areas(zones: dy.DataFrame[Zone]) -> pl.DataFrame:
    """Return the area of each district as its zones make it: columns district, area_km2 [km2]."""
    return zones.group_by("district").agg(pl.col("area_km2").sum()).sort("district")


def in_plain(lon: ArrayLike, lat: ArrayLike, plain: dy.DataFrame[PlainPoint]) -> NDArray[np.bool_]:
    """Return whether each WGS-84 point [deg] lies within one of the plains."""
    import shapely

    x, y = np.atleast_1d(lon), np.atleast_1d(lat)
    inside = np.zeros(len(x), dtype=np.bool_)
    for _, ring in sorted(
        plain.sort("plain", "corner").group_by("plain", maintain_order=True), key=lambda item: item[0]
    ):
        inside |= shapely.contains_xy(shapely.Polygon(ring.select("lon", "lat").to_numpy()), x, y)
    return inside


def largest_remainder(weights: ArrayLike, total: int) -> NDArray[np.int64]:
    """Return whole numbers in proportion to `weights` that sum to exactly `total`.

    Ties go to the earlier entry.

    Examples
    --------
    >>> largest_remainder([1.0, 1.0, 1.0], 10).tolist()
    [4, 3, 3]
    """
    share = np.asarray(weights, dtype=np.float64)
    if not share.sum() > 0.0:
        raise DataError(f"{total} persons cannot be spread: all {len(share)} weights are 0; give one weight above 0")
    exact = share / share.sum() * total
    whole: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def _require_districts(districts: dy.DataFrame[District], seats: dy.DataFrame[Seat]) -> None:
    problems = require_known("seats", seats["district"], districts["district"], "add it to the districts")
    problems += require_known("districts", districts["district"], seats["district"], "add a seat of this district")
    if problems:
        raise DataError(problems)


def _mean_latitude(seats: dy.DataFrame[Seat]) -> float:
    return float(np.mean(seats["lat"].to_numpy()))


def _labels(seats: pl.DataFrame) -> NDArray[np.str_]:
    return np.array(seats["district"].fill_null(OUTSIDE).to_list(), dtype=np.str_)


def _candidates(seats: dy.DataFrame[Seat]) -> set[str]:
    """Coarse cells over the box of all seats and a little beyond."""
    import h3

    lon, lat = seats["lon"].to_numpy(), seats["lat"].to_numpy()
    west, east = lon.min() - MARGIN_DEG, lon.max() + MARGIN_DEG
    south, north = lat.min() - MARGIN_DEG, lat.max() + MARGIN_DEG
    box = h3.LatLngPoly([(south, west), (south, east), (north, east), (north, west)])
    return set(h3.polygon_to_cells(box, COARSE))


def _label(cells: Sequence[str], seats: dy.DataFrame[Seat]) -> NDArray[np.str_]:
    lat, lon = _centres(cells)
    return nearest_district(lon, lat, seats)


def _centres(cells: Iterable[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import h3

    pairs = np.array([h3.cell_to_latlng(cell) for cell in cells], dtype=np.float64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _describe(cells: pl.DataFrame, districts: dy.DataFrame[District], plain: dy.DataFrame[PlainPoint]) -> pl.DataFrame:
    import h3

    names = cells["zone"].to_list()
    lat, lon = _centres(names)
    frame = cells.with_columns(
        lon=pl.Series(lon.round(DEGREE_DECIMALS)),
        lat=pl.Series(lat.round(DEGREE_DECIMALS)),
        mountain=pl.Series(~in_plain(lon, lat, plain)),
        area_km2=pl.Series([round(h3.cell_area(name, unit="km^2"), AREA_DECIMALS) for name in names]),
    ).join(districts.select("district", "functional_zone"), on="district", how="left", maintain_order="left")
    hilly = pl.col("mountain") & (pl.col("functional_zone") == "plain_new_town")
    own = pl.col("functional_zone").cast(pl.String)
    return frame.with_columns(functional_zone=pl.when(hilly).then(pl.lit("ecological")).otherwise(own))


def _residents(
    frame: pl.DataFrame, districts: dy.DataFrame[District], seats: dy.DataFrame[Seat], rule: Spread
) -> pl.Series:
    people = np.zeros(len(frame), dtype=np.int64)
    labels = frame["district"].to_numpy()
    for district, total in districts.select("district", "population").iter_rows():
        own = np.flatnonzero(labels == district)
        if not len(own):
            raise DataError(f"districts: {district!r} has no zone; add seats of this district")
        centres = seats.filter((pl.col("district") == district) & pl.col("kind").is_in(CENTRE_KINDS))
        people[own] = largest_remainder(_weights(frame[own], centres, rule), total)
    return pl.Series(people)


def _weights(cells: pl.DataFrame, centres: pl.DataFrame, rule: Spread) -> NDArray[np.float64]:
    height = np.where(centres["kind"].to_numpy() == "subdistrict", rule.subdistrict_weight, rule.township_weight)
    density = rule.rural_weight + _decay(cells, centres, np.full(len(centres), rule.decay_km)) @ height
    relief = np.where(cells["mountain"].to_numpy(), rule.mountain_share, 1.0)
    return np.asarray(density * relief * cells["area_km2"].to_numpy(), dtype=np.float64)


def _decay(cells: pl.DataFrame, centres: pl.DataFrame, reach_km: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each centre's density (column) that is left at each cell (row)."""
    away_km = distance_km(
        cells["lon"].to_numpy()[:, None],
        cells["lat"].to_numpy()[:, None],
        centres["lon"].to_numpy()[None, :],
        centres["lat"].to_numpy()[None, :],
    )
    return np.asarray(np.exp(-away_km / reach_km[None, :]), dtype=np.float64)


def _jobs(frame: pl.DataFrame, centres: dy.DataFrame[JobCentre], rule: Spread) -> pl.Series:
    """Jobs of the centres around them, the rest of the city's jobs where its residents live."""
    residents = frame["population"].to_numpy().astype(np.float64)
    total = round(residents.sum() * rule.jobs_per_resident)
    pull = _decay(frame, centres, centres["reach_km"].to_numpy()) * frame["area_km2"].to_numpy()[:, None]
    at_centres = (pull / pull.sum(axis=0)) @ centres["jobs"].to_numpy().astype(np.float64)
    rest = max(total - float(centres["jobs"].sum()), 0.0)
    return pl.Series(largest_remainder(at_centres + rest * residents / residents.sum(), total))


def _dissolve(cells: Any, stretch: NDArray[np.float64]) -> Any:
    import shapely

    return shapely.transform(shapely.coverage_union_all(cells), lambda points: points / stretch)
