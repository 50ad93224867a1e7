"""Reading an OpenStreetMap file: drivable ways with their points, places where vehicles stop, low-emission zones."""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from networks.courses import Floats, Ints
from networks.errors import DataError
from networks.osm_tags import Road, TagRules, Tags, road_of

PLACE_TAGS = (
    ("amenity", "fuel", "fuel_station"),
    ("amenity", "charging_station", "charging_station"),
    ("amenity", "parking", "car_park"),
    ("highway", "services", "service_area"),
    ("highway", "rest_area", "service_area"),
    ("depot", "bus", "bus_depot"),
    ("industrial", "bus_depot", "bus_depot"),
    ("landuse", "depot", "bus_depot"),
    ("building", "depot", "bus_depot"),
    ("amenity", "bus_station", "bus_terminal"),
    ("depot", "taxi", "taxi_depot"),
    ("amenity", "waste_transfer_station", "waste_plant"),
    ("industrial", "logistics", "logistics_park"),
    ("industrial", "warehouse", "logistics_park"),
    ("aeroway", "aerodrome", "airport"),
)
"""Key, value and the kind of place it is; the first that fits counts."""
PLACE_KEYS = (*dict.fromkeys(key for key, _, _ in PLACE_TAGS), "railway")
PLACE_PREFIX = "osm "
"""What the identifiers of places read here begin with."""
NO_POSITION = 2**31 - 1
PER_DEGREE = 1e7
REPORT_EVERY = 1000
Tell = Callable[[int, int], None]
"""Told how many roads and places were read so far."""


@dataclass(frozen=True)
class FoundPlace:
    """A place as it is tagged: identifier, kind, names and position [deg]."""

    place: str
    kind: str
    name: str
    name_zh: str
    lon: float
    lat: float


@dataclass
class OsmContent:
    """What was read: points of all ways one after the other, roads, places and outlines.

    Parameters
    ----------
    way, road, names
        Number, meaning and names (name, name_zh, ref) of each drivable way.
    ends
        Where the points of each way end.
    point, x, y
        Number of each point and its position [1e-7 deg]; `NO_POSITION` where the file lacks the point.
    places
        Places of use to fleets.
    zones
        Outlines of low-emission zones [deg].
    """

    way: list[int] = field(default_factory=list)
    road: list[Road] = field(default_factory=list)
    names: list[tuple[str | None, str | None, str | None]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    point: "array[int]" = field(default_factory=lambda: array("q"))
    x: "array[int]" = field(default_factory=lambda: array("q"))
    y: "array[int]" = field(default_factory=lambda: array("q"))
    places: list[FoundPlace] = field(default_factory=list)
    zones: list[Floats] = field(default_factory=list)


def read_content(path: Path, rules: TagRules, tell: Tell | None = None) -> OsmContent:
    """Return what an OpenStreetMap file (.osm.pbf, .osm, .osm.bz2) holds of use here.

    Parameters
    ----------
    path
        The file.
    rules
        How tags are read.
    tell
        Called now and then while reading.

    Raises
    ------
    DataError
        If the file is missing, empty, cut off or no OpenStreetMap file, or holds no road.
    """
    content = OsmContent()
    for number, item in enumerate(_items(path)):
        if item.is_way():
            _add_way(content, item, rules)
        elif item.is_node() or item.is_area():
            _add_place(content, item)
        if tell and number % REPORT_EVERY == 0:
            tell(len(content.way), len(content.places))
    if not content.way:
        raise DataError(f"{path}: holds no road on which cars drive; export the area with its ways and their nodes")
    return content


def _items(path: Path) -> Iterator[Any]:
    """Yield the objects with a tag of interest; a fault of the file becomes an error the user can read."""
    import osmium

    if not path.is_file():
        raise DataError(f"{path}: no such file; give an OpenStreetMap extract (.osm.pbf)")
    if not path.stat().st_size:
        raise DataError(f"{path}: is empty; download the extract again")
    wanted = osmium.filter.KeyFilter("highway", "boundary", *PLACE_KEYS)
    outlines = osmium.filter.KeyFilter("boundary", *PLACE_KEYS)
    try:
        yield from osmium.FileProcessor(str(path)).with_locations().with_areas(outlines).with_filter(wanted)
    except RuntimeError as error:
        raise DataError(
            f"{path}: cannot be read to its end ({error}); it is cut off, not sorted by number or no "
            "OpenStreetMap file: download it again"
        ) from error


def _add_way(content: OsmContent, way: Any, rules: TagRules) -> None:
    tags = way.tags
    road = road_of(tags, rules)
    if road is None:
        return
    content.way.append(way.id)
    content.road.append(road)
    content.names.append(_road_names(tags))
    for node in way.nodes:
        content.point.append(node.ref)
        content.x.append(node.x)
        content.y.append(node.y)
    content.ends.append(len(content.point))


def _road_names(tags: Tags) -> tuple[str | None, str | None, str | None]:
    name, ref = tags.get("name"), tags.get("ref")
    latin = tags.get("name:en") or tags.get("int_name") or name or ref
    return latin, tags.get("name:zh") or name, ref


def _add_place(content: OsmContent, item: Any) -> None:
    tags = item.tags
    if tags.get("boundary") == "low_emission_zone" and item.is_area():
        content.zones += [_outline(ring) for ring in item.outer_rings()]
    kind = place_kind(tags)
    if kind is None:
        return
    letter = "n" if item.is_node() else "w" if item.from_way() else "r"
    number = item.id if item.is_node() else item.orig_id()
    position = _position(item)
    if position is None:
        return
    place = f"{PLACE_PREFIX}{letter}{number}"
    name = tags.get("name:en") or tags.get("name") or tags.get("operator") or f"{kind.replace('_', ' ')} {number}"
    name_zh = tags.get("name:zh") or tags.get("name") or name
    content.places.append(FoundPlace(place, kind, name, name_zh, *position))


def place_kind(tags: Tags) -> str | None:
    """Return the kind of place an object is; None where it is of no use to fleets."""
    if tags.get("railway") == "station" and tags.get("station") not in ("subway", "light_rail", "monorail"):
        return "rail_station_passenger"
    return next((kind for key, value, kind in PLACE_TAGS if tags.get(key) == value), None)


def _position(item: Any) -> tuple[float, float] | None:
    """Return the position of a node, or the middle of an outline's corners [deg]; None where there is none."""
    if item.is_node():
        return (item.location.lon, item.location.lat) if item.location.valid() else None
    corners = np.vstack([_outline(ring) for ring in item.outer_rings()])
    lon, lat = corners.mean(axis=0).tolist()
    return lon, lat


def _outline(ring: Any) -> Floats:
    """Return the corners of a ring [deg], the first one not repeated."""
    return np.array([(node.x, node.y) for node in ring][:-1], dtype=np.float64) / PER_DEGREE


def as_numbers(values: "array[int]") -> Ints:
    """Return the values as numbers that share their memory."""
    return np.frombuffer(values, dtype=np.int64) if len(values) else np.empty(0, dtype=np.int64)
