"""What the day simulation takes in and gives out: columns of whole numbers, whatever the engine.

Time is in microseconds of the simulated day (0 = midnight), energy in Wh, power in W, hydrogen in g. A
vehicle's energy is counted in Wh, or in g if it runs on hydrogen. `docs/engine.md` states the semantics.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
NEVER_US = 4_000_000_000_000_000
"""A time no simulation reaches: 'no promise', 'never too late' [us]."""


class Kind(IntEnum):
    """What a vehicle takes in, and what a station gives."""

    NONE = 0
    ELECTRIC = 1
    SWAP = 2
    HYDROGEN = 3


class Reason(IntEnum):
    """How a visit, or the wish for one, ended."""

    SERVED = 0
    LEFT_EARLY = 1
    QUEUE = 2
    ALL_FULL = 3
    OUT_OF_REACH = 4
    DRY = 5
    TOO_LATE = 6
    STRANDED = 7


SERVED_REASONS = (Reason.SERVED, Reason.LEFT_EARLY)


@dataclass(frozen=True, slots=True)
class Vehicles:
    """One row a vehicle; vehicle v drives legs `first_leg[v]` to `first_leg[v + 1]`."""

    first_leg: IntArray
    """First row in `Legs`; one entry more than vehicles."""
    kind: IntArray
    """`Kind` of energy it takes at stations; 0 never visits one."""
    group: IntArray
    """Code of its fleet group, compared with the group a station is kept for."""
    home: IntArray
    """Station row of its depot plugs, or -1."""
    soft: BoolArray
    """Has another fuel to go on with (PHEV): its level stops at 0 and it only charges at its home."""
    capacity: IntArray
    start_level: IntArray
    reserve: IntArray
    """Seeks energy when it would reach its next chance below this level [Wh, g]."""
    depot_reserve: IntArray
    """The same where it stands at its depot [Wh, g]."""
    target: IntArray
    """Level it charges to when nothing is due [Wh, g]."""
    max_power: IntArray
    """Highest charging power into the battery [W]; not used for swap and hydrogen."""
    knee_pm: IntArray
    """State of charge where power begins to fall [per mille]."""
    end_pm: IntArray
    """Power at full charge over highest power [per mille], above 0."""
    use_per_km: IntArray
    """Energy of a detour [Wh/km, g/km]."""

    def __len__(self) -> int:
        """Return the number of vehicles."""
        return len(self.kind)


@dataclass(frozen=True, slots=True)
class Legs:
    """One row a leg: leave, drive, dwell; sorted by vehicle."""

    depart: IntArray
    """Earliest departure [us]."""
    drive: IntArray
    """Driving time [us]."""
    dwell: IntArray
    """Shortest stop after arrival [us]."""
    energy: IntArray
    """Energy of the drive and of the stop [Wh, g]."""
    zone: IntArray
    """Zone in which it ends."""
    may_charge: BoolArray
    at_depot: BoolArray
    timed: BoolArray
    """The departure is promised."""
    latest: IntArray
    """A departure after this is missed [us]; NEVER_US: no limit."""

    def __len__(self) -> int:
        """Return the number of legs."""
        return len(self.depart)


@dataclass(frozen=True, slots=True)
class Stations:
    """One row a station."""

    kind: IntArray
    plugs: IntArray
    """Plugs, swap bays or dispensers."""
    rate: IntArray
    """Power of a plug into the battery, or of a charger behind a bay [W]; flow of a dispenser [g/h]."""
    handling: IntArray
    """Time on the plug without energy: connecting and paying, the swap itself [us]."""
    typical: IntArray
    """Typical time on the plug, by which a driver guesses the wait [us]."""
    queue_limit: IntArray
    """Waiting vehicles at which a driver who can go on does not join."""
    packs: IntArray
    """Swap: packs in stock, full at the start."""
    storage: IntArray
    """Hydrogen: usable storage, full at the start [g]."""
    supply: IntArray
    """Hydrogen: compressor and delivery rate [g/h]."""
    dry_limit: IntArray
    """Longest wait for a full pack or for hydrogen before a vehicle is turned away [us]."""
    group: IntArray
    """Fleet group it is kept for, or -1 (open to all)."""

    def __len__(self) -> int:
        """Return the number of stations."""
        return len(self.kind)


@dataclass(frozen=True, slots=True)
class Access:
    """The stations considered from a zone: arrays of shape (kinds, zones, ranks), nearest first."""

    station: IntArray
    """Station row, -1 where there is none."""
    drive: IntArray
    """Driving time from the zone to the station, the same back [us]."""
    metres: IntArray
    """Distance from the zone to the station [m]."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """All an engine needs."""

    vehicles: Vehicles
    legs: Legs
    stations: Stations
    access: Access
    tries: int
    """Stations a driver tries at one stop before driving on."""


@dataclass(frozen=True, slots=True)
class Log:
    """One row a visit or a failed wish for one, in the order in which it was settled; and two outcomes.

    Attributes
    ----------
    vehicle, leg, station
        Rows; the leg is the one after which energy was sought; the station is -1 where none was visited.
    seek, arrive, start, end
        Decision at the stop, arrival at the station, start and end of service [us].
    energy
        Energy taken [Wh, g].
    reason
        `Reason`.
    metres
        Detour there and back [m].
    departure
        Departure of each leg [us], -1 if it was never made.
    level
        Energy each vehicle holds in the end [Wh, g].
    """

    vehicle: IntArray
    leg: IntArray
    station: IntArray
    seek: IntArray
    arrive: IntArray
    start: IntArray
    end: IntArray
    energy: IntArray
    reason: IntArray
    metres: IntArray
    departure: IntArray
    level: IntArray

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.vehicle)


VISIT_COLUMNS = ("vehicle", "leg", "station", "seek", "arrive", "start", "end", "energy", "reason", "metres")


def is_served(log: Log) -> BoolArray:
    """Return which rows of the log took energy."""
    return np.isin(log.reason, SERVED_REASONS)


def vehicle_of_leg(vehicles: Vehicles) -> IntArray:
    """Return the vehicle row of each leg."""
    return np.repeat(np.arange(len(vehicles)), np.diff(vehicles.first_leg))


def is_last_leg(vehicles: Vehicles, legs: int) -> BoolArray:
    """Return which of the `legs` legs are the last of their vehicle."""
    last = np.zeros(legs, bool)
    filled = np.diff(vehicles.first_leg) > 0
    last[vehicles.first_leg[1:][filled] - 1] = True
    return last
