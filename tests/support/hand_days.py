"""Days small enough to be worked out by hand."""

from typing import Any

import numpy as np

from fleetsim.engine.conservation import check_conservation
from fleetsim.engine.reference import simulate
from fleetsim.engine.spec import (
    HOUR_US,
    NEVER_US,
    SECOND_US,
    Access,
    Inputs,
    Kind,
    Legs,
    Log,
    Stations,
    Vehicles,
)

MINUTE_US = 60 * SECOND_US


def column(values: Any, size: int, kind: type = np.int64) -> Any:
    return np.ascontiguousarray(np.broadcast_to(np.asarray(values, kind), size).copy())


def some_vehicles(legs: list[int], **given: Any) -> Vehicles:
    """50 kWh and 50 kW without a taper, full, reserve 10, target 50 kWh, no depot, detours free of energy."""
    usual = {
        "kind": 1, "group": 0, "home": -1, "capacity": 50_000, "start_level": 50_000, "reserve": 10_000,
        "depot_reserve": 25_000, "target": 50_000, "max_power": 50_000, "knee_pm": 1_000, "end_pm": 1_000,
        "use_per_km": 0,
    }  # fmt: skip
    soft = given.pop("soft", False)
    columns = {name: column(value, len(legs)) for name, value in (usual | given).items()}
    first = np.concatenate(([0], np.cumsum(legs))).astype(np.int64)
    return Vehicles(first_leg=first, soft=column(soft, len(legs), np.bool_), **columns)


def some_legs(size: int, **given: Any) -> Legs:
    """Half an hour's drives to zone 0 with 10 kWh each, leaving on the full hour from 8, no stop."""
    usual = {
        "depart": (8 + np.arange(size)) * HOUR_US, "drive": 30 * MINUTE_US, "dwell": 0, "energy": 10_000, "zone": 0,
        "latest": NEVER_US,
    }  # fmt: skip
    flags = {"may_charge": True, "at_depot": False, "timed": False, "overnight": False}
    values = usual | flags | given
    return Legs(**{n: column(v, size, np.bool_ if n in flags else np.int64) for n, v in values.items()})


def some_stations(size: int, **given: Any) -> Stations:
    """One plug of 50 kW that takes no time to connect, an endless queue, open to all."""
    usual = {
        "kind": 1, "plugs": 1, "rate": 50_000, "handling": 0, "typical": 30 * MINUTE_US, "queue_limit": 1_000_000,
        "packs": 0, "storage": 0, "supply": 0, "dry_limit": NEVER_US // 2, "group": -1,
    }  # fmt: skip
    packs = given.pop("packs_by_type", None)
    columns = {n: column(v, size, np.bool_ if n == "bookable" else np.int64) for n, v in (usual | given).items()}
    return Stations(**(columns | ({} if packs is None else {"packs": np.array(packs, np.int64)})))


def near(kinds: list[int], minutes: list[int], metres: list[int] | None = None) -> Access:
    """One zone from which every station is seen, in the order given."""
    shape = (len(Kind), 1, len(kinds))
    station, drive, way = np.full(shape, -1, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for kind in Kind:
        rows = [row for row, own in enumerate(kinds) if own == kind]
        station[kind, 0, : len(rows)] = rows
        drive[kind, 0, : len(rows)] = [minutes[row] * MINUTE_US for row in rows]
        way[kind, 0, : len(rows)] = [metres[row] if metres else 0 for row in rows]
    return Access(station, drive, way)


def run(
    vehicles: Vehicles, legs: Legs, stations: Stations, minutes: list[int] | None = None, **given: Any
) -> tuple[Inputs, Log]:
    """Return the day and its log; `given` are further parts of `Inputs`, and `metres` of the ways."""
    kinds = stations.kind.tolist()
    access = near(kinds, minutes or [0] * len(kinds), given.pop("metres", None))
    inputs = Inputs(vehicles, legs, stations, access, **({"tries": 2} | given))
    log = simulate(inputs)
    check_conservation(inputs, log)
    return inputs, log


def hours(times: Any) -> list[float]:
    return [float(time) / HOUR_US for time in times]
