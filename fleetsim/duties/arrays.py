"""What the compiled loops of the duties take and write: columns and rules by name."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Seconds = NDArray[np.int32]


class Kernel(NamedTuple):
    """How likely a way leads from each cell to each cell, and to which of its zones."""

    cell: Integers
    """Cell of each zone."""
    to_cell: NDArray[np.float32]
    """Cumulated over the cells a way may lead to, up to 1, a row for each cell it starts in."""
    guide: NDArray[np.int32]
    """First cell that may be meant by a value in each of `GUIDE_STEPS` steps between 0 and 1, a row for each cell."""
    zones: Integers
    """The zones by cell."""
    first: Integers
    """Where the zones of each cell begin in `zones`, and where those of the last one end."""
    within: Floats
    """Cumulated weight of `zones`."""
    start: Floats
    end: Floats
    """Cumulated weight before and after each cell."""


class Ground(NamedTuple):
    """The zones on a kind of day."""

    x_km: Floats
    y_km: Floats
    inner_km: Floats
    free_kmh: Floats
    """Speed between doors without traffic."""
    factor: Floats
    """Of the speed, by hour."""
    detour: float


class Columns(NamedTuple):
    """The legs; `latest_s` is -1 where nothing is promised."""

    depart_s: Seconds
    drive_s: Seconds
    distance_km: Floats
    dwell_s: Seconds
    work_s: Seconds
    zone: Seconds
    may_charge: Flags
    at_depot: Flags
    timed: Flags
    latest_s: Seconds
    load_kg: NDArray[np.float32]


class TourRule(NamedTuple):
    """A row of `TourPattern` as numbers."""

    clusters: int
    stops: float
    stop_min: float
    stop_km: float
    cluster_kmh: float
    """0 where the way between the stops takes no time of its own."""
    work_share: float
    window_s: int
    """-1 where no first stop is promised."""
    rest_s: int
    unload_s: int
    last_s: int
    """Latest start of a tour after that of the first one."""
    stops_spread: float
    collects: bool
    stop_kg: float
    """0 where no load is followed."""
    kg_spread: float
    refill_km: float
    """Below 0: a vehicle that is empty, or full, in the middle of a tour goes to its base, or place of unloading."""
    refill_s: int


class TourWays(NamedTuple):
    """Where the ways of a tour lead."""

    stem: Kernel
    hop: Kernel
    unload: Integers
    """By zone, the zone of the place of unloading; empty where there is none."""


class TourCrew(NamedTuple):
    """The vehicles of a pattern."""

    start_s: Integers
    tours: Integers
    home: Integers
    base: Integers
    depot: Flags
    row: Integers
    """Where the next leg of each vehicle is written."""

    def some(self, part: slice) -> "TourCrew":
        """Return some of the vehicles."""
        return TourCrew(*(column[part] for column in self))  # type: ignore[arg-type]


class StopLog(NamedTuple):
    """What was done at the stops: by vehicle, tour and cluster; 0 where none was reached."""

    stops: NDArray[np.int16]
    kg: NDArray[np.float32]
    """Goods, water or refuse handed over, or taken aboard, at all stops of the cluster."""


class TourDraws(NamedTuple):
    """Uniform values of tours."""

    stops: Floats
    """Shape (vehicles, tours, clusters, 3)."""
    load: Floats
    """Shape (vehicles, tours)."""


class TourLog(NamedTuple):
    """What tours write."""

    legs: Columns
    served: StopLog


class Reloading(NamedTuple):
    """Vehicles of a pattern whose tours are cut where they are empty, or full."""

    first: Integers
    end: Integers
    """Their rows in the legs as planned."""
    first_served: Integers
    end_served: Integers
    """Their rows in `at`, `stops` and `kg`."""
    base: Integers
    """Zone of the base; used where no leg leads there before the first tour."""
    most_kg: Floats
    row: Integers
    """Where the next leg of each vehicle is written."""
    at: Integers
    """Rows of the legs to clusters of stops."""
    stops: NDArray[np.int16]
    kg: NDArray[np.float32]


class TaxiRule(NamedTuple):
    """A shift."""

    break_s: int
    break_length_s: int
    trip_km: float
    """A trip with the way to its passenger."""
    empty_km: float
    """The way to a passenger."""
    demand: Floats
    """By hour, relative to the mean."""
    kmh: Floats
    """Mean speed by hour."""
    kerb_s: int
    handover_s: int
    late_s: int
    overtime_s: int
    speed_spread: float
    morning_ends_h: int
    evening_begins_h: int


class TaxiCrew(NamedTuple):
    """The vehicles of a pattern, where they are and from when they are free."""

    home: Integers
    zone: Integers
    free_s: Integers
    start_s: Integers
    end_s: Integers
    trips: Integers
    row: Integers
    """Where the next leg of each vehicle is written."""

    def some(self, part: slice) -> "TaxiCrew":
        """Return some of the vehicles."""
        return TaxiCrew(*(column[part] for column in self))
