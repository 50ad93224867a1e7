"""What the tags of an OpenStreetMap way say to a driver: may one drive there, which way, and how fast."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import polars as pl

ACCESS_KEYS = ("motorcar", "motor_vehicle", "vehicle", "access")
"""The first of these that is tagged decides."""
CLOSED = frozenset(
    {"no", "private", "agricultural", "forestry", "military", "emergency", "construction"}
    | {"bus", "psv", "bicycle", "foot", "use_sidepath"}
)
"""Values that close a way to the general traffic."""
CLOSED_SERVICE = frozenset({"parking_aisle", "driveway", "drive-through", "emergency_access"})
"""Kinds of `highway=service` that lead to a single house, slot or window."""
FORWARD_WORDS = frozenset({"yes", "true", "1"})
BACKWARD_WORDS = frozenset({"-1", "reverse"})
ONE_WAY_JUNCTIONS = frozenset({"roundabout", "circular"})
ONE_WAY_CLASSES = frozenset({"motorway"})
KMH_PER_UNIT = {"": 1.0, "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "mph": 1.609344, "knots": 1.852}
"""Kilometres an hour of each unit: the mile of 1,609.344 m, the nautical mile of 1,852 m."""
HIGHEST_KMH = 200.0
SPEED_LIST = re.compile(r"[;|,]")
SPEED = re.compile(r"(\d+(?:\.\d+)?)\s*(km/h|kmh|kph|mph|knots|)")
ZONE = re.compile(r"(?:[a-z-]+:)?zone:?(\d+)")
METRIC = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:t|m|)")


class Tags(Protocol):
    """The tags of an object."""

    def get(self, key: str, default: str | None = None) -> str | None:
        """Return the value of a key."""
        ...


@dataclass(frozen=True)
class RoadKind:
    """What the value of `highway` says: the road's class, and its speed where no limit is tagged [km/h]."""

    road_class: str
    speed_kmh: float


@dataclass(frozen=True)
class TagRules:
    """How tags are read: from the tables `OsmRoad` and `OsmSpeedCode`.

    Parameters
    ----------
    kinds
        The drivable values of `highway`.
    code_kmh
        Limit behind words such as `CN:urban` [km/h], lower case.
    """

    kinds: Mapping[str, RoadKind]
    code_kmh: Mapping[str, float]

    @classmethod
    def from_tables(cls, roads: pl.DataFrame, codes: pl.DataFrame) -> "TagRules":
        """Return the rules of these tables."""
        rows = roads.select("highway", pl.col("road_class").cast(pl.String), "speed_kmh").iter_rows()
        kinds = {highway: RoadKind(road_class, speed) for highway, road_class, speed in rows}
        limits = codes.select(pl.col("code").str.to_lowercase(), "speed_kmh").iter_rows()
        return cls(kinds, dict(limits))


@dataclass(frozen=True)
class Road:
    """A drivable way: where a direction is closed its speed is None.

    Parameters
    ----------
    highway, road_class
        The tag and the class it stands for.
    forward_kmh, backward_kmh
        Speed without traffic along and against the way [km/h].
    access, hgv
        What is tagged for cars and for heavy goods vehicles, where it is.
    max_weight_t, max_height_m
        Limits, where tagged [t], [m].
    low_emission
        Whether the way itself is tagged as a low-emission zone.
    """

    highway: str
    road_class: str
    forward_kmh: float | None
    backward_kmh: float | None
    access: str | None
    hgv: str | None
    max_weight_t: float | None
    max_height_m: float | None
    low_emission: bool


def road_of(tags: Tags, rules: TagRules) -> Road | None:
    """Return the road a way is; None where a car may not drive on it."""
    highway = tags.get("highway") or ""
    kind = rules.kinds.get(highway)
    if kind is None or is_closed(tags):
        return None
    forward, backward = directions(tags)
    usual = limit_kmh(tags, rules.code_kmh) or kind.speed_kmh
    return Road(
        highway=highway,
        road_class=kind.road_class,
        forward_kmh=(speed_kmh(tags.get("maxspeed:forward"), rules.code_kmh) or usual) if forward else None,
        backward_kmh=(speed_kmh(tags.get("maxspeed:backward"), rules.code_kmh) or usual) if backward else None,
        access=car_access(tags),
        hgv=tags.get("hgv") or tags.get("goods"),
        max_weight_t=measure(tags.get("maxweight")),
        max_height_m=measure(tags.get("maxheight")),
        low_emission=tags.get("low_emission_zone", "no") not in ("no", None),
    )


def car_access(tags: Tags) -> str | None:
    """Return what the nearest tag to cars says on access; None where nothing is tagged."""
    return next((value for key in ACCESS_KEYS if (value := tags.get(key))), None)


def is_closed(tags: Tags) -> bool:
    """Return whether a road is closed to the general traffic, or leads to a single house, slot or window."""
    return car_access(tags) in CLOSED or tags.get("area") == "yes" or tags.get("service") in CLOSED_SERVICE


def directions(tags: Tags) -> tuple[bool, bool]:
    """Return whether one may drive along the way, and against it.

    Roundabouts and motorways are one-way unless tagged otherwise. A lane that changes its direction by the hour
    (`reversible`, `alternating`) counts as open both ways.
    """
    oneway = tags.get("oneway")
    if oneway in BACKWARD_WORDS:
        return False, True
    if oneway in FORWARD_WORDS:
        return True, False
    implied = tags.get("junction") in ONE_WAY_JUNCTIONS or tags.get("highway") in ONE_WAY_CLASSES
    return True, not (implied and oneway is None)


def limit_kmh(tags: Tags, code_kmh: Mapping[str, float]) -> float | None:
    """Return the tagged limit of both directions [km/h]; None where none can be read."""
    for key in ("maxspeed", "maxspeed:type", "source:maxspeed", "zone:maxspeed"):
        if speed := speed_kmh(tags.get(key), code_kmh):
            return speed
    return None


def speed_kmh(text: str | None, code_kmh: Mapping[str, float]) -> float | None:
    """Return the speed a value of `maxspeed` says [km/h]; of several the lowest, None where none can be read.

    Examples
    --------
    >>> speed_kmh("30 mph", {}), speed_kmh("60;40", {}), speed_kmh("CN:urban", {"cn:urban": 50.0})
    (48.28032, 40.0, 50.0)
    """
    if not text:
        return None
    speeds = [_one_speed(part.strip().lower(), code_kmh) for part in SPEED_LIST.split(text)]
    return min((speed for speed in speeds if speed and 0 < speed <= HIGHEST_KMH), default=None)


def _one_speed(text: str, code_kmh: Mapping[str, float]) -> float | None:
    if number := SPEED.fullmatch(text):
        return float(number[1]) * KMH_PER_UNIT[number[2]]
    if zone := ZONE.fullmatch(text):
        return float(zone[1])
    return code_kmh.get(text) or code_kmh.get(text.rpartition(":")[2])


def measure(text: str | None) -> float | None:
    """Return a limit in metric units, without unit or with `t` or `m`; None where it cannot be read."""
    found = METRIC.fullmatch(text.strip().lower()) if text else None
    return float(found[1].replace(",", ".")) if found else None
