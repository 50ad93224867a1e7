"""What every fleet's duties start from: the vehicles of the fleet, and how many of them work."""

from dataclasses import dataclass, field
from functools import cached_property

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleetsim.duties.draws import Floats, Integers, stream
from fleetsim.duties.geography import Geography, Kernel, geography, kernel, nearest_zone
from fleetsim.scenario.sections import DutiesSection
from fleetsim.tables import (
    AirsidePattern,
    BackgroundPattern,
    DutyVehicle,
    FleetCount,
    HourProfile,
    TaxiShift,
    TourPattern,
    ZoneSpeed,
)
from networks.errors import DataError
from networks.tables import DayTrip, Line, LineHour, Place, SpeedFactor, Zone

TEXT = pl.String


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
        """The places with the zone nearest to each."""
        places = self.tables.places
        zone = nearest_zone(self.geography, places["lon"].to_numpy(), places["lat"].to_numpy(), self.tables.zones)
        return places.with_columns(pl.col("kind").cast(TEXT), zone=pl.Series(zone))

    @cached_property
    def taxi_kernels(self) -> tuple[Kernel, Kernel, Kernel]:
        """Where taxi trips lead in the morning, by day and in the evening."""
        place, mean_km = self.geography, self.section.taxi_trip_km
        weights = (0.3, 0.5, 0.7)
        first, second, third = (
            kernel(place, share * place.population + (1.0 - share) * place.jobs, mean_km) for share in weights
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


def expand(counts: pl.DataFrame) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """Return district and exempt reason of every vehicle, from a table `FleetCount` of one fleet."""
    counts = counts.sort("district", "exempt_reason")
    number = counts["vehicles"].to_numpy()
    district = np.repeat(counts["district"].to_numpy().astype(np.str_), number)
    return district, np.repeat(counts["exempt_reason"].to_numpy().astype(np.str_), number)


def counts_of(counts: dy.DataFrame[FleetCount], fleet: str) -> pl.DataFrame:
    """Return the counts of one fleet, rows without vehicles left out."""
    return counts.filter((pl.col("fleet") == fleet) & (pl.col("vehicles") > 0))


def vehicle_table(
    district: NDArray[np.str_],
    reason: NDArray[np.str_],
    home_zone: Integers,
    depot: list[str | None] | None = None,
) -> dy.DataFrame[DutyVehicle]:
    """Return the vehicle table of a fleet's day; `depot` holds None where there is none."""
    names = pl.Series([None] * district.size if depot is None else depot, dtype=TEXT)
    frame = pl.DataFrame(
        {
            "vehicle_id": np.arange(district.size, dtype=np.int64),
            "district": pl.Series(district.tolist(), dtype=TEXT),
            "home_zone": home_zone,
            "depot": names,
            "exempt_reason": pl.Series(reason.tolist(), dtype=TEXT),
            "weight": np.ones(district.size),
        }
    )
    return DutyVehicle.cast(frame)
