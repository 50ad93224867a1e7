"""From steps of many vehicles at once to the leg table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from fleetsim.duties.arrays import Columns
from fleetsim.duties.draws import Floats, Integers, evenly
from fleetsim.duties.tables import DutyVehicle, Leg, Served
from networks.compiled import compiled

GroupT = TypeVar("GroupT", bound="Group")
NEVER = -1
COLUMNS = {
    "depart_s": np.int64,
    "drive_s": np.int64,
    "distance_km": np.float64,
    "dwell_s": np.int64,
    "work_s": np.int64,
    "zone": np.int64,
    "may_charge": np.bool_,
    "at_depot": np.bool_,
    "timed": np.bool_,
    "latest_s": np.int64,
    "load_kg": np.float32,
}


@dataclass(frozen=True, eq=False)
class FleetDay:
    """A fleet's day: its vehicles, their legs, and the duties that found no vehicle."""

    vehicles: dy.DataFrame[DutyVehicle]
    legs: dy.DataFrame[Leg]
    without_vehicle: int = 0
    served: dy.DataFrame[Served] = field(default_factory=Served.create_empty)
    """What is done at the stops of those that carry a load."""


@dataclass(frozen=True, eq=False)
class Step:
    """The same step of the day of every vehicle; `on` says who makes it. Scalars hold for all."""

    on: NDArray[np.bool_]
    depart_s: Integers
    drive_s: Integers
    distance_km: Floats
    zone: Integers
    dwell_s: ArrayLike = 0
    work_s: ArrayLike = 0
    may_charge: ArrayLike = False
    at_depot: ArrayLike = False
    timed: ArrayLike = False
    latest_s: ArrayLike = NEVER
    load_kg: ArrayLike = 0.0

    def ready_s(self) -> Integers:
        """Return when the vehicle has arrived and its shortest stop is over [s]."""
        return self.depart_s + self.drive_s + np.asarray(self.dwell_s, np.int64)


def seconds(hours: ArrayLike) -> Integers:
    """Return hours as whole seconds."""
    return np.rint(np.asarray(hours, np.float64) * 3600.0).astype(np.int64)


def legs_of(steps: list[Step]) -> dy.DataFrame[Leg]:
    """Return the legs of all vehicles, a step that a vehicle does not make left out.

    Parameters
    ----------
    steps
        In the order of the day; vehicle `i` is element `i` of every array.
    """
    on = np.stack([step.on for step in steps], axis=1)
    columns = {name: _flat(steps, name, kind, on) for name, kind in COLUMNS.items()}
    vehicle = np.nonzero(on)[0]
    leg = (np.cumsum(on, axis=1) - 1)[on]
    frame = pl.DataFrame({"vehicle_id": vehicle, "leg": leg, **columns})
    return Leg.cast(frame.with_columns(latest_s=pl.when(pl.col("latest_s") != NEVER).then("latest_s")))


def _flat(steps: list[Step], name: str, kind: type, on: NDArray[np.bool_]) -> NDArray[Any]:
    size = on.shape[0]
    values: NDArray[Any] = np.empty((size, len(steps)), kind)
    for index, step in enumerate(steps):
        values[:, index] = np.broadcast_to(np.asarray(getattr(step, name)), size)
    return values[on]


def blank(rows: int) -> Columns:
    """Return room for as many legs, no flag set and nothing promised."""

    def whole(fill: int | None = None) -> NDArray[np.int32]:
        return np.empty(rows, np.int32) if fill is None else np.full(rows, fill, np.int32)

    return Columns(
        depart_s=whole(),
        drive_s=whole(),
        distance_km=np.empty(rows),
        dwell_s=whole(),
        work_s=whole(0),
        zone=whole(),
        may_charge=np.zeros(rows, np.bool_),
        at_depot=np.zeros(rows, np.bool_),
        timed=np.zeros(rows, np.bool_),
        latest_s=whole(NEVER),
        load_kg=np.zeros(rows, np.float32),
    )


class Group(Protocol):
    """Vehicles whose legs are written together."""

    @property
    def vehicle(self) -> Integers:
        """Their rows."""

    def most_legs(self) -> Integers:
        """Return how many legs each of them has at most."""


def written_by_group(
    size: int, groups: Sequence[GroupT], write: Callable[[GroupT, Integers, Columns], Integers]
) -> tuple[Integers, dy.DataFrame[Leg]]:
    """Return the vehicles that have legs, and these legs, the vehicles numbered anew from 0.

    Parameters
    ----------
    size
        Vehicles.
    groups
        Groups of them; whoever is in none has no legs.
    write
        Takes a group, the first row of each of its vehicles and the columns; returns the row after its last leg.
    """
    most = np.zeros(size, np.int64)
    for group in groups:
        most[group.vehicle] = group.most_legs()
    first = np.cumsum(most) - most
    end, legs = first.copy(), blank(int(most.sum()))
    for group in groups:
        end[group.vehicle] = write(group, first[group.vehicle], legs)
    return written(legs, first, end)


def written(legs: Columns, first: Integers, end: Integers) -> tuple[Integers, dy.DataFrame[Leg]]:
    """Return the vehicles that have legs, and these legs, the vehicles numbered anew from 0.

    Parameters
    ----------
    legs
        The legs as written; what was between them is lost.
    first, end
        First row of each vehicle, and the row after its last one; `first` rises.
    """
    vehicles = np.flatnonzero(end > first)
    count = (end - first)[vehicles]
    total = close_up(legs, first, end - first)
    number = np.arange(total) - np.repeat(np.cumsum(count) - count, count)
    columns = {name: column[:total] for name, column in legs._asdict().items()}
    frame = pl.DataFrame({"vehicle_id": np.repeat(np.arange(count.size), count), "leg": number, **columns})
    return vehicles, Leg.cast(frame.with_columns(latest_s=pl.when(pl.col("latest_s") != NEVER).then("latest_s")))


@compiled
def close_up(legs: Columns, first: Integers, count: Integers) -> int:
    """Move the legs of each vehicle up behind those of the one before; return how many there are.

    Vehicle `i` has written `count[i]` rows from `first[i]` on; `first` rises.
    """
    row = 0
    for vehicle in range(first.size):
        for old in range(first[vehicle], first[vehicle] + count[vehicle]):
            for column in (legs.depart_s, legs.drive_s, legs.dwell_s, legs.work_s, legs.zone, legs.latest_s):
                column[row] = column[old]
            for flag in (legs.may_charge, legs.at_depot, legs.timed):
                flag[row] = flag[old]
            legs.distance_km[row] = legs.distance_km[old]
            legs.load_kg[row] = legs.load_kg[old]
            row += 1
    return row


def joined(parts: list[pl.DataFrame]) -> dy.DataFrame[Leg]:
    """Return the legs of groups of vehicles as one table, by vehicle; each part holds all legs of its vehicles."""
    if not parts:
        return Leg.create_empty()
    table = pl.concat(parts)
    return Leg.cast(table[np.argsort(table["vehicle_id"].to_numpy(), kind="stable")])


def keep_working(day: FleetDay) -> FleetDay:
    """Return the day with the vehicles that have legs only, numbered anew from 0."""
    working = np.zeros(day.vehicles.height, np.bool_)
    working[day.legs["vehicle_id"].to_numpy()] = True
    return _keep(day, working, 1.0)


def sampled(day: FleetDay, share: float) -> FleetDay:
    """Return the day of `share` of the vehicles, evenly picked; each then stands for more vehicles.

    Parameters
    ----------
    share
        Share of the vehicles that is kept, above 0 up to 1 [-].
    """
    number = day.vehicles.height
    if share >= 1.0 or not number:
        return day
    taken = evenly(number, max(share, 1.0 / number))
    return _keep(day, taken, number / int(taken.sum()))


def _keep(day: FleetDay, taken: NDArray[np.bool_], weight: float) -> FleetDay:
    """Return the day of some of the vehicles, numbered anew from 0."""
    number = np.cumsum(taken) - 1
    legs, served = (_rows_of(table, taken, number) for table in (day.legs, day.served))
    vehicles = day.vehicles.filter(pl.Series(taken)).with_columns(pl.col("weight") * weight)
    return FleetDay(
        DutyVehicle.cast(vehicles.with_columns(vehicle_id=pl.int_range(pl.len(), dtype=pl.Int64))),
        Leg.cast(legs),
        day.without_vehicle,
        Served.cast(served),
    )


def _rows_of(table: pl.DataFrame, taken: NDArray[np.bool_], number: Integers) -> pl.DataFrame:
    """Return the rows of the vehicles taken, under their new numbers."""
    vehicle = table["vehicle_id"].to_numpy()
    kept = table.filter(pl.Series(taken[vehicle]))
    return kept.with_columns(vehicle_id=pl.Series(number[vehicle[taken[vehicle]]]))
