"""Where duties lead: zones as arrays, distances, speeds, and the choice of the next zone.

Zones are gathered in square cells. The next zone is drawn in two steps: a cell, by what it holds and
how far it is, then a zone of the cell, by what it holds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleetsim.duties.arrays import Ground, Kernel
from fleetsim.duties.draws import Floats, Integers
from fleetsim.duties.driving import GUIDE_STEPS, draw_zones
from networks.compiled import compiled

KM_PER_DEGREE = 111.195
"""Length of a degree of latitude on a sphere of 6,371 km [km]."""
CELL_KM = 3.5
"""Width of the cells between which ways are drawn [km]: a resolution, coarser than most zones, finer than a way."""
MEAN_STEPS = 16
"""Halvings of the search for the scale of a kernel: its mean comes within .02 % of what is asked."""
CHUNK = 512
"""Points whose nearest zone is looked for at the same time: memory, no result."""
HEAVY_CELLS = 250
"""Heaviest cells over which the mean way of a kernel is taken: time; they hold nearly all of the weight."""
WITHIN_ZONE = 0.4
"""Mean straight way inside a zone over the root of its area: between .38 (from the centre of a square) and .52 (between
any two points of it); geometry."""


Cumulated = NDArray[np.float32] | Floats


@dataclass(frozen=True, eq=False)
class Geography:
    """The zones of a city as arrays; a zone's number is its row in the zones table."""

    district: NDArray[np.str_]
    x_km: Floats
    y_km: Floats
    inner_km: Floats
    population: Floats
    jobs: Floats
    cell: Integers
    cell_x_km: Floats
    cell_y_km: Floats
    free_kmh: Floats
    speed_factor: dict[bool, Floats]
    """By hour, on weekdays and at weekends."""
    detour: float

    @property
    def speed_kmh(self) -> dict[bool, Floats]:
        """The speed between doors by zone and hour, on weekdays and at weekends [km/h]."""
        return {weekend: self.free_kmh[:, None] * factor for weekend, factor in self.speed_factor.items()}

    @cached_property
    def away_km(self) -> Floats:
        """Road distance from cell to cell, within a cell the mean way inside it [km]."""
        x_km, y_km = self.cell_x_km, self.cell_y_km
        away = self.detour * np.hypot(x_km[:, None] - x_km, y_km[:, None] - y_km)
        np.fill_diagonal(away, self.detour * WITHIN_ZONE * CELL_KM)
        return np.asarray(away)

    @cached_property
    def zones_of(self) -> dict[str, Integers]:
        """The zones of each district."""
        return {str(name): np.flatnonzero(self.district == name) for name in np.unique(self.district)}

    def ground(self, *, weekend: bool) -> Ground:
        """Return what the time of a way depends on, on a weekday or at a weekend."""
        return Ground(self.x_km, self.y_km, self.inner_km, self.free_kmh, self.speed_factor[weekend], self.detour)


def geography(zones: pl.DataFrame, zone_speeds: pl.DataFrame, speeds: pl.DataFrame, detour: float) -> Geography:
    """Return the zones as arrays.

    Parameters
    ----------
    zones
        Table `Zone`; a zone is known by its row.
    zone_speeds, speeds
        Tables `ZoneSpeed` and `SpeedFactor`; the factors of arterials hold for the way between doors.
    detour
        Road distance over distance as the crow flies [-].
    """
    lon, lat = zones["lon"].to_numpy(), zones["lat"].to_numpy()
    x_km = (lon - lon.mean()) * KM_PER_DEGREE * np.cos(np.radians(lat.mean()))
    y_km = (lat - lat.mean()) * KM_PER_DEGREE
    grid = np.stack([np.floor(x_km / CELL_KM), np.floor(y_km / CELL_KM)], axis=1)
    _, cell = np.unique(grid, axis=0, return_inverse=True)
    cell = cell.ravel().astype(np.int64)
    members = np.bincount(cell)
    return Geography(
        district=zones["district"].to_numpy().astype(np.str_),
        x_km=x_km,
        y_km=y_km,
        inner_km=WITHIN_ZONE * np.sqrt(zones["area_km2"].to_numpy()),
        population=zones["population"].to_numpy().astype(np.float64),
        jobs=zones["jobs"].to_numpy().astype(np.float64),
        cell=cell,
        cell_x_km=np.bincount(cell, x_km) / members,
        cell_y_km=np.bincount(cell, y_km) / members,
        free_kmh=_free_kmh(zones, zone_speeds),
        speed_factor={weekend: _factors(speeds, weekend=weekend) for weekend in (False, True)},
        detour=detour,
    )


def _free_kmh(zones: pl.DataFrame, zone_speeds: pl.DataFrame) -> Floats:
    free = zones.select(pl.col("functional_zone").cast(pl.String)).join(
        zone_speeds.with_columns(pl.col("functional_zone").cast(pl.String)),
        on="functional_zone",
        how="left",
        maintain_order="left",
    )
    return np.asarray(free["free_flow_kmh"].to_numpy())


def _factors(speeds: pl.DataFrame, *, weekend: bool) -> Floats:
    column = "weekend_factor" if weekend else "weekday_factor"
    return speeds.filter(pl.col("road_class").cast(pl.String) == "arterial").sort("hour")[column].to_numpy()


def road_km(place: Geography, origin: Integers, target: Integers) -> Floats:
    """Return the road distance from zone to zone [km]; within a zone, the mean way inside it."""
    crow = np.hypot(place.x_km[origin] - place.x_km[target], place.y_km[origin] - place.y_km[target])
    return np.asarray(place.detour * np.maximum(crow, place.inner_km[target]))


def nearest_zone(place: Geography, lon: Floats, lat: Floats, zones: pl.DataFrame) -> Integers:
    """Return the zone nearest to each point given in WGS-84 degrees."""
    zone_lon, zone_lat = zones["lon"].to_numpy(), zones["lat"].to_numpy()
    x_km = (lon - zone_lon.mean()) * KM_PER_DEGREE * np.cos(np.radians(zone_lat.mean()))
    y_km = (lat - zone_lat.mean()) * KM_PER_DEGREE
    result = np.empty(lon.size, np.int64)
    for first in range(0, lon.size, CHUNK):
        part = slice(first, first + CHUNK)
        squares = (x_km[part, None] - place.x_km) ** 2 + (y_km[part, None] - place.y_km) ** 2
        result[part] = squares.argmin(axis=1)
    return result


def kernel(place: Geography, weight: Floats, mean_km: float) -> Kernel:
    """Return the choice of the next zone for ways of a given mean length.

    Parameters
    ----------
    weight
        What draws a way to each zone, e.g. jobs [any unit].
    mean_km
        Mean road distance over ways that start where the weight is [km].

    Notes
    -----
    P(cell d | cell o) ~ weight_d exp(-distance_od / b), the scale b found by bisection so that the mean
    is `mean_km` over ways from the 250 heaviest cells; it cannot exceed the mean with no pull at all, or fall below
    the mean within the cells.
    """
    cells = place.cell_x_km.size
    order = np.argsort(place.cell, kind="stable")
    total: Floats = np.bincount(place.cell, weight, minlength=cells).astype(np.float64)
    within = np.cumsum(weight[order])
    end: Floats = np.cumsum(total)
    away = place.away_km
    to_cell = np.empty((cells, cells), np.float32)
    fill(away, total, _scale(away, total, mean_km), to_cell)
    steps = np.empty((cells, GUIDE_STEPS + 1), np.int32)
    guide(to_cell, steps)
    first = np.append(0, np.cumsum(np.bincount(place.cell, minlength=cells)))
    return Kernel(place.cell, to_cell, steps, order, first, within, end - total, end)


def _scale(away_km: Floats, total: Floats, mean_km: float) -> float:
    rows = np.argsort(-total, kind="stable")[:HEAVY_CELLS]
    away_km, start = away_km[rows], total[rows] / max(total[rows].sum(), 1e-12)
    low, high = 0.05, 500.0
    for _ in range(MEAN_STEPS):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if mean_way_km(away_km, total, start, middle) < mean_km else (low, middle)
    return float(np.sqrt(low * high))


@compiled
def shares(away_km: Floats, total: Floats, scale_km: float, to_cell: Cumulated) -> float:
    """Write the cumulated shares of the cells a way may lead to, up to 1; return the mean way [km].

    P(cell) ~ total exp(-away / scale).
    """
    nearest = away_km[0]
    for cell in range(1, away_km.size):
        nearest = min(nearest, away_km[cell])
    sum_km, mass = 0.0, 0.0
    for cell in range(away_km.size):
        pull = total[cell] * math.exp(-(away_km[cell] - nearest) / scale_km)
        sum_km += pull * away_km[cell]
        mass += pull
        to_cell[cell] = mass
    for cell in range(away_km.size):
        to_cell[cell] = min(to_cell[cell] / mass, 1.0)
    return sum_km / mass


@compiled
def mean_way_km(away_km: Floats, total: Floats, start: Floats, scale_km: float) -> float:
    """Return the mean way from some cells [km], each of them with its share `start` of the ways."""
    room = np.empty(total.size)
    mean = 0.0
    for row in range(start.size):
        mean += start[row] * shares(away_km[row], total, scale_km, room)
    return mean


@compiled
def fill(away_km: Floats, total: Floats, scale_km: float, to_cell: Cumulated) -> None:
    """Write the rows of `to_cell` of a `Kernel`."""
    for row in range(total.size):
        shares(away_km[row], total, scale_km, to_cell[row])


@compiled
def guide(to_cell: Cumulated, found: NDArray[np.int32]) -> None:
    """Write for each row where the steps between 0 and 1 lie, see `Kernel`."""
    rows, cells = to_cell.shape
    steps = found.shape[1] - 1
    for row in range(rows):
        cell = 0
        for step in range(steps + 1):
            while cell < cells - 1 and to_cell[row, cell] <= step / steps:
                cell += 1
            found[row, step] = cell


def next_zone(choice: Kernel, origin: Integers, uniform: Floats) -> Integers:
    """Return the zone each way leads to.

    Parameters
    ----------
    origin
        Zone the way starts in.
    uniform
        Two uniform values a way, shape (ways, 2) [0 to 1).
    """
    found = np.empty(origin.size, np.int64)
    draw_zones(choice, origin, uniform, found)
    return found


def zone_of_district(
    place: Geography, districts: Sequence[str], number: Integers, weight: Floats, uniform: Floats
) -> Integers:
    """Return a zone of the district of each vehicle, drawn by `weight`.

    A district without weight takes its zones alike.

    Parameters
    ----------
    districts
        Names; one may stand there more than once.
    number
        Which of them each vehicle belongs to.
    weight
        Of each zone.
    uniform
        A uniform value a vehicle [0 to 1).
    """
    result = np.zeros(number.size, np.int64)
    for index, name in enumerate(districts):
        asked = np.flatnonzero(number == index)
        if asked.size:
            result[asked] = zone_of_one_district(place, name, weight, uniform[asked])
    return result


def zone_of_one_district(place: Geography, district: str, weight: Floats, uniform: Floats) -> Integers:
    """Return a zone of the district for each uniform value, see `zone_of_district`."""
    zones = place.zones_of[district]
    mass = np.cumsum(weight[zones] if weight[zones].sum() > 0.0 else np.ones(zones.size))
    return np.asarray(zones[np.searchsorted(mass, uniform * mass[-1], side="right")])
