"""What every fleet's duties start from: the vehicles of the fleet, and how many of them work."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import dataframely as dy
import numpy as np
import polars as pl

from fleetsim.duties.arrays import Kernel
from fleetsim.duties.draws import Floats, Integers, stream
from fleetsim.duties.geography import Geography, geography, kernel, nearest_zone, road_km
from fleetsim.duties.tables import (
    AirsidePattern,
    BackgroundPattern,
    DutyVehicle,
    FleetCount,
    HourProfile,
    TaxiShift,
    TourPattern,
    ZoneSpeed,
)
from fleetsim.scenario.sections import DutiesSection
from networks.errors import DataError
from networks.tables import DayTrip, Line, LineHour, Place, SpeedFactor, Zone

TEXT = pl.String
LEAST_SIZE = 1e-6
"""Weight of a base whose size is 0, so that weights sum to more than 0; numerics."""
VEHICLES_AT_ONCE = 4096
"""Vehicles whose uniform values are in memory at the same time."""


@dataclass(frozen=True, eq=False)
class DutyTables:
    """The tables of a city from which duties are made."""

    zones: dy.DataFrame[Zone]
    places: dy.DataFrame[Place]
    speeds: dy.DataFrame[SpeedFactor]
    lines: dy.DataFrame[Line]
    line_hours: dy.DataFrame[LineHour]
    zone_speeds: dy.DataFrame[ZoneSpeed]
    hours: dy.DataFrame[HourProfile]
    taxi_shifts: dy.DataFrame[TaxiShift]
    tours: dy.DataFrame[TourPattern]
    airside: dy.DataFrame[AirsidePattern]
    background: dy.DataFrame[BackgroundPattern]
    trips: dy.DataFrame[DayTrip] = field(default_factory=DayTrip.create_empty)
    """A brought timetable; where it has rows it takes the place of that made from lines and line_hours."""


@dataclass(frozen=True, eq=False)
class DutyInputs:
    """All a fleet's day depends on beside the fleet, the day and the number of vehicles."""

    tables: DutyTables
    section: DutiesSection
    seed: int

    @cached_property
    def geography(self) -> Geography:
        """The zones as arrays."""
        tables = self.tables
        return geography(tables.zones, tables.zone_speeds, tables.speeds, self.section.detour)

    @cached_property
    def places(self) -> pl.DataFrame:
        """The places with the zone nearest to each, and their numbers."""
        places = self.tables.places
        zone = nearest_zone(self.geography, places["lon"].to_numpy(), places["lat"].to_numpy(), self.tables.zones)
        return places.with_columns(pl.col("kind").cast(TEXT), zone=pl.Series(zone), number=pl.int_range(pl.len()))

    @cached_property
    def taxi_kernels(self) -> tuple[Kernel, Kernel, Kernel]:
        """Where taxi trips lead in the morning, by day and in the evening."""
        place, mean_km = self.geography, self.section.taxi_trip_km
        first, second, third = (
            kernel(place, share * place.population + (1.0 - share) * place.jobs, mean_km)
            for share in self.section.taxi_homeward_shares
        )
        return first, second, third

    @cached_property
    def _activity_kernels(self) -> dict[float, Kernel]:
        return {}

    def activity_kernel(self, mean_km: float) -> Kernel:
        """Return where ways of a mean road distance lead, drawn by residents and jobs [km]."""
        known = self._activity_kernels
        if mean_km not in known:
            known[mean_km] = kernel(self.geography, self.geography.population + self.geography.jobs, mean_km)
        return known[mean_km]

    @cached_property
    def _near_shares(self) -> dict[str, Floats]:
        return {}

    def near_shares(self, kind: str) -> Floats:
        """Return for each zone the cumulated shares of the places of a kind: large ones, and near ones, weigh more."""
        if kind not in self._near_shares:
            places = self.places_of(kind)
            zones = np.arange(self.geography.population.size)
            away_km = road_km(self.geography, zones[:, None], places["zone"].to_numpy())
            nearest = away_km.min(axis=1, keepdims=True)
            pull = np.exp((nearest - away_km) / self.section.base_reach_km)
            weight = np.maximum(places["size"].to_numpy(), LEAST_SIZE) * pull
            mass = np.cumsum(weight, axis=1)
            self._near_shares[kind] = mass / mass[:, -1:]
        return self._near_shares[kind]

    def places_of(self, kind: str) -> pl.DataFrame:
        """Return the places of a kind; there must be one."""
        places = self.places.filter(pl.col("kind") == kind)
        if places.is_empty():
            raise DataError(f"places.csv, column kind: no place of kind {kind!r}; add one, duties start there")
        return places


@dataclass(frozen=True)
class DayOf:
    """A representative day of a fleet."""

    fleet: str
    day: str
    month: int
    weekend: bool
    group: str = ""

    @property
    def kind(self) -> str:
        """The group whose way of making days it follows; without one, what its name begins with."""
        return self.group or self.fleet.split("_")[0]

    def uniform(self, seed: int, quantity: str, *shape: int) -> Floats:
        """Return uniform values of one quantity [0 to 1), vehicle by vehicle in the first axis."""
        return stream(seed, self.day, self.fleet, quantity).random(shape)

    def parts(self, seed: int, quantity: str, *shape: int) -> Iterator[tuple[slice, Floats]]:
        """Yield the values of `uniform` for some vehicles at a time, with the vehicles."""
        random = stream(seed, self.day, self.fleet, quantity)
        for first in range(0, shape[0], VEHICLES_AT_ONCE):
            part = slice(first, min(first + VEHICLES_AT_ONCE, shape[0]))
            yield part, random.random((part.stop - first, *shape[1:]))


@dataclass(frozen=True, eq=False)
class Roll:
    """The vehicles of a fleet one by one."""

    groups: pl.DataFrame
    """Rows with district and exempt_reason."""
    row: Integers
    """Which row each vehicle belongs to."""

    def take(self, vehicle: Integers) -> "Roll":
        """Return some of the vehicles."""
        return Roll(self.groups, self.row[vehicle])

    def of_reason(self, reason: str) -> Integers:
        """Return the vehicles of an exempt reason."""
        return np.flatnonzero((self.groups["exempt_reason"] == reason).to_numpy()[self.row])

    def reasons(self) -> list[str]:
        """Return the exempt reasons of the fleet, sorted."""
        return list(self.groups["exempt_reason"].unique().sort())


def expand(counts: pl.DataFrame) -> Roll:
    """Return the vehicles of a table `FleetCount` of one fleet, by district and exempt reason."""
    groups = counts.sort("district", "exempt_reason")
    return Roll(groups, np.repeat(np.arange(groups.height), groups["vehicles"].to_numpy()))


def counts_of(counts: dy.DataFrame[FleetCount], fleet: str) -> pl.DataFrame:
    """Return the counts of one fleet, rows without vehicles left out."""
    return counts.filter((pl.col("fleet") == fleet) & (pl.col("vehicles") > 0))


def vehicle_table(roll: Roll, home_zone: Integers, depot: pl.Series | None = None) -> dy.DataFrame[DutyVehicle]:
    """Return the vehicle table of a fleet's day; `depot` is null where there is none."""
    size = roll.row.size
    frame = pl.DataFrame(
        {
            "vehicle_id": np.arange(size),
            "district": roll.groups["district"].gather(roll.row),
            "home_zone": home_zone,
            "depot": pl.repeat(None, size, dtype=TEXT, eager=True) if depot is None else depot,
            "exempt_reason": roll.groups["exempt_reason"].gather(roll.row),
            "weight": np.ones(size),
        }
    )
    return DutyVehicle.cast(frame)
