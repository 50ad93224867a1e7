"""What the day simulation takes in and gives out: columns of whole numbers, whatever the engine.

Time is in microseconds of the simulated day (0 = midnight), energy in Wh, power in W, hydrogen in g. A
vehicle's energy is counted in Wh, or in g if it runs on hydrogen. `docs/engine.md` states the semantics.
"""

from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
NEVER_US = 4_000_000_000_000_000
"""A time no simulation reaches: 'no promise', 'never too late' [us]."""
NO_LIMIT_W = 1_000_000_000_000
"""A power no site reaches [W]."""
NO_PRICE = 1_000_000_000_000
"""A price no tariff reaches."""
ENDLESS = -1
"""A hydrogen station's `trailer` where its compressor never lacks gas."""


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
    FAULT = 8
    CALLED = 9


SERVED_REASONS = (Reason.SERVED, Reason.LEFT_EARLY)


class QueueRule(IntEnum):
    """Who is next at a station."""

    FIFO = 0
    RANK = 1
    NEED = 2


class ShareRule(IntEnum):
    """How a site's limit is divided among those who charge."""

    FAIR = 0
    NEED = 1


class Strategy(IntEnum):
    """When a plugged-in vehicle charges."""

    ASAP = 0
    LEVEL = 1
    CHEAPEST = 2


def usual(value: int | bool) -> Any:
    """Return a column that need not be given: `value` in every row."""
    kind = np.bool_ if isinstance(value, bool) else np.int64
    return field(default_factory=lambda: np.zeros(0, kind), metadata={"usual": value})


def needed(table: type[Any]) -> list[str]:
    """Return the columns of a table that have to be given."""
    return [column.name for column in fields(table) if "usual" not in column.metadata]


class _Columns:
    """A table of columns; those not given are filled with their usual value."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Fill the columns that were not given."""
        size = len(self)
        for column in fields(self):  # type: ignore[arg-type]
            if "usual" in column.metadata and len(getattr(self, column.name)) != size:
                values = np.full(size, column.metadata["usual"], getattr(self, column.name).dtype)
                object.__setattr__(self, column.name, values)

    def __len__(self) -> int:
        """Return the number of rows."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Vehicles(_Columns):
    """One row a vehicle; vehicle v drives legs `first_leg[v]` to `first_leg[v + 1]`, or tasks of its pool."""

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
    """Energy of a detour or of the way to a task [Wh/km, g/km]."""
    rank: IntArray = usual(0)
    """Place in a queue by rank; lower ones go first."""
    pack_type: IntArray = usual(0)
    """Column of `Stations.packs` it swaps."""
    ready_by: IntArray = usual(NEVER_US)
    """Time at which it should be charged after its last leg [us]."""
    give_floor: IntArray = usual(NEVER_US)
    """Level below which it gives nothing back to the grid [Wh]."""
    pool: IntArray = usual(-1)
    """Pool whose tasks it takes, or -1; with a pool it has no legs of its own."""
    zone: IntArray = usual(0)
    """Zone in which a vehicle of a pool begins."""
    on_from: IntArray = usual(0)
    """Time from which a vehicle of a pool takes tasks [us]."""
    on_until: IntArray = usual(NEVER_US)
    """Time from which it takes no more [us]."""
    use_ppm: IntArray = usual(1_000_000)
    """Energy of a task's leg in this vehicle over the `energy` of the leg [per million]."""

    def __len__(self) -> int:
        """Return the number of vehicles."""
        return len(self.kind)


@dataclass(frozen=True, slots=True)
class Legs(_Columns):
    """One row a leg: leave, drive, dwell; those of vehicles, sorted by vehicle, then those of tasks."""

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
    overnight: BoolArray = usual(False)
    """The vehicle stands until its next day: at its depot it plugs in, as after its last leg."""

    def __len__(self) -> int:
        """Return the number of legs."""
        return len(self.depart)


@dataclass(frozen=True, slots=True)
class Stations(_Columns):
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
    """Swap: packs in stock, full at the start; shape (stations, types), or (stations) where there is one type."""
    storage: IntArray
    """Hydrogen: usable storage, full at the start [g]."""
    supply: IntArray
    """Hydrogen: compressor and delivery rate [g/h]."""
    dry_limit: IntArray
    """Longest wait for a full pack or for hydrogen before a vehicle is turned away [us]."""
    group: IntArray
    """Fleet group it is kept for, or -1 (open to all)."""
    bookable: BoolArray = usual(False)
    """A driver takes a place in the queue when deciding to come."""
    queue_rule: IntArray = usual(QueueRule.FIFO)
    """`QueueRule`."""
    site_limit: IntArray = usual(NO_LIMIT_W)
    """Power into all batteries together [W]."""
    cabinet_plugs: IntArray = usual(0)
    """Plugs that share a cabinet, counted from the first; 0: none share."""
    cabinet_power: IntArray = usual(NO_LIMIT_W)
    """Power of a cabinet into batteries [W]."""
    share_rule: IntArray = usual(ShareRule.FAIR)
    """`ShareRule`."""
    strategy: IntArray = usual(Strategy.ASAP)
    """`Strategy`."""
    signal: IntArray = usual(-1)
    """Row of `Signals`, or -1."""
    give_price: IntArray = usual(NO_PRICE)
    """Price from which on vehicles give energy back; with `CHEAPEST` only."""
    chargers: IntArray = usual(NO_LIMIT_W)
    """Swap: packs that charge at a time."""
    trailer: IntArray = usual(ENDLESS)
    """Hydrogen: gas before the compressor at the start [g]; ENDLESS: piped or made on site."""
    middle_storage: IntArray = usual(0)
    """Hydrogen: part of `storage` in the middle and the high bank, which fill beyond `middle_from_pm` [g]."""
    high_storage: IntArray = usual(0)
    """Hydrogen: part of `storage` in the high bank, which fills beyond `high_from_pm` [g]."""
    middle_from_pm: IntArray = usual(1000)
    """Hydrogen: share of a tank up to which the low bank fills; 1000: to the top, one bank is all [per mille]."""
    high_from_pm: IntArray = usual(1000)
    """Hydrogen: share of a tank up to which the middle bank fills, not below `middle_from_pm` [per mille]."""

    def __post_init__(self) -> None:
        """Fill the columns that were not given; packs have a column for each type."""
        _Columns.__post_init__(self)
        if self.packs.ndim == 1:
            object.__setattr__(self, "packs", self.packs[:, None])

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


def no_rows() -> Any:
    """Return an empty column, for tables that need not be given."""
    return field(default_factory=lambda: np.zeros(0, np.int64))


def no_grid() -> Any:
    """Return an empty table of two dimensions."""
    return field(default_factory=lambda: np.zeros((0, 0), np.int64))


@dataclass(frozen=True, slots=True)
class Signals:
    """What stations are told in steps of equal length from midnight on: arrays of shape (signals, steps)."""

    step: int = HOUR_US
    """Length of a step [us]."""
    price: IntArray = no_grid()
    """Price of energy; only its order matters."""
    limit_pm: IntArray = no_grid()
    """Part of `site_limit` that may be drawn [per mille]."""

    @property
    def horizon(self) -> int:
        """Time after the last step [us]."""
        return int(self.step * self.price.shape[1])


@dataclass(frozen=True, slots=True)
class Faults:
    """One row a fault of a plug, by time; the faults of one plug do not overlap."""

    station: IntArray = no_rows()
    plug: IntArray = no_rows()
    """Number of the plug within its station, from 0."""
    breaks: IntArray = no_rows()
    repaired: IntArray = no_rows()
    """Times [us]; a repair at NEVER_US does not happen."""

    def __len__(self) -> int:
        """Return the number of faults."""
        return len(self.station)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """One row a tube trailer, by station and time."""

    station: IntArray = no_rows()
    time: IntArray = no_rows()
    amount: IntArray = no_rows()
    """Hydrogen [g]."""

    def __len__(self) -> int:
        """Return the number of deliveries."""
        return len(self.station)


@dataclass(frozen=True, slots=True)
class Tasks:
    """One row a task, by time: work for whichever vehicle of a pool is at hand (a block, a passenger's trip)."""

    pool: IntArray = no_rows()
    time: IntArray = no_rows()
    """When a vehicle is called [us]."""
    latest: IntArray = no_rows()
    """The vehicle has to be there by then, or the task is lost [us]."""
    zone: IntArray = no_rows()
    """Where it begins."""
    first_leg: IntArray = no_rows()
    end_leg: IntArray = no_rows()
    """Its legs are rows `first_leg` to `end_leg` (not included) of `Legs`: after those of vehicles, task by task."""

    def __len__(self) -> int:
        """Return the number of tasks."""
        return len(self.pool)


@dataclass(frozen=True, slots=True)
class Pools:
    """How tasks find vehicles."""

    roams: BoolArray = field(default_factory=lambda: np.zeros(0, np.bool_))
    """One entry a pool: its vehicles wait where they are; otherwise all at one depot, without ways."""
    zone: IntArray = no_grid()
    """Zones from which a vehicle is called to a zone, nearest first, -1 for none: shape (zones, ranks)."""
    drive: IntArray = no_grid()
    """Driving time from there [us]."""
    metres: IntArray = no_grid()
    looks: IntArray = no_rows()
    """When the tasks that wait are called again, rising [us]: who was short of charge may have enough by then."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """All an engine needs."""

    vehicles: Vehicles
    legs: Legs
    stations: Stations
    access: Access
    tries: int
    """Stations a driver tries at one stop before driving on."""
    signals: Signals = field(default_factory=Signals)
    faults: Faults = field(default_factory=Faults)
    deliveries: Deliveries = field(default_factory=Deliveries)
    tasks: Tasks = field(default_factory=Tasks)
    pools: Pools = field(default_factory=Pools)


@dataclass(frozen=True, slots=True)
class Flows:
    """One row a stretch of steady rule at a managed plug, in the order in which it ended.

    Attributes
    ----------
    vehicle, station
        Rows.
    start, end
        Times [us].
    power
        Power it was granted [W]; what flows may be less, along the taper. Negative: it gives back.
    energy
        Change of its level [Wh].
    """

    vehicle: IntArray
    station: IntArray
    start: IntArray
    end: IntArray
    power: IntArray
    energy: IntArray

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.vehicle)


@dataclass(frozen=True, slots=True)
class Log:
    """One row a visit or a failed wish for one, in the order in which it was settled; and outcomes.

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
    returned
        Energy given back to the grid [Wh].
    departure
        Departure of each leg [us], -1 if it was never made.
    level
        Energy each vehicle holds in the end [Wh, g].
    taker
        Vehicle that took each task, -1 for none.
    approach
        Way that vehicle drove to it [m].
    flows
        `Flows` of managed plugs.
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
    returned: IntArray
    departure: IntArray
    level: IntArray
    taker: IntArray
    approach: IntArray
    flows: Flows

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.vehicle)


VISIT_COLUMNS = (
    "vehicle", "leg", "station", "seek", "arrive", "start", "end", "energy", "reason", "metres", "returned"
)  # fmt: skip
FLOW_COLUMNS = tuple(column.name for column in fields(Flows))


def is_served(log: Log) -> BoolArray:
    """Return which rows of the log took energy; a visit cut short by a fault or a call counts if it did."""
    served, cut = np.zeros((2, len(Reason)), np.bool_)
    served[list(SERVED_REASONS)] = cut[[Reason.FAULT, Reason.CALLED]] = True
    return np.asarray(served[log.reason] | (cut[log.reason] & ((log.energy > 0) | (log.returned > 0))))


def is_managed(inputs: Inputs) -> BoolArray:
    """Return the stations whose plugs are told what to do, so that a charge may change its power under way."""
    stations = inputs.stations
    told = (stations.site_limit < NO_LIMIT_W) | (stations.cabinet_plugs > 0) | (stations.signal >= 0)
    told |= stations.strategy != Strategy.ASAP
    told[inputs.faults.station] = True
    return np.asarray(told & (stations.kind == Kind.ELECTRIC))


def vehicle_of_leg(vehicles: Vehicles) -> IntArray:
    """Return the vehicle row of each leg that belongs to a vehicle; those of tasks come after them."""
    return np.repeat(np.arange(len(vehicles)), np.diff(vehicles.first_leg))


def driver_of_leg(inputs: Inputs, log: Log) -> IntArray:
    """Return the vehicle row of each leg, -1 for the legs of tasks that nobody took."""
    tasks = inputs.tasks
    own = vehicle_of_leg(inputs.vehicles)
    return np.concatenate((own, np.repeat(log.taker, tasks.end_leg - tasks.first_leg)))


def is_last_leg(vehicles: Vehicles, legs: int, tasks: Tasks | None = None) -> BoolArray:
    """Return which of the `legs` legs are the last of their vehicle or task."""
    last = np.zeros(legs, bool)
    filled = np.diff(vehicles.first_leg) > 0
    last[vehicles.first_leg[1:][filled] - 1] = True
    if tasks is not None:
        last[tasks.end_leg - 1] = True
    return last
