"""What a random city may have besides plain plugs: parts that can be switched on one by one.

As in `synthetic.py` nothing is meant to look like a real city; it is meant to meet every branch of the semantics.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from fleetsim.engine.spec import (
    ENDLESS,
    HOUR_US,
    MINUTE_US,
    NEVER_US,
    NO_LIMIT_W,
    NO_PRICE,
    SECOND_US,
    Deliveries,
    Faults,
    Inputs,
    IntArray,
    Legs,
    Pools,
    Signals,
    Tasks,
)

SIGNALS = 3
POOLS = 2
TASKS_A_VEHICLE = 5


@dataclass(frozen=True, slots=True)
class Features:
    """Which parts of the semantics a random city has; each field is a function of this module that adds it."""

    queue_rules: bool = False
    bookings: bool = False
    site_limits: bool = False
    signals: bool = False
    faults: bool = False
    pack_types: bool = False
    trailers: bool = False
    banks: bool = False
    nights: bool = False
    pools: bool = False


PLAIN = Features()
ALL = Features(*[True] * len(fields(Features)))


def with_features(rng: np.random.Generator, inputs: Inputs, features: Features, clock: int) -> Inputs:
    """Return the city with these features; times are multiples of `clock` [us]."""
    parts: tuple[tuple[str, Callable[[np.random.Generator, Inputs, int], Inputs]], ...] = (
        ("queue_rules", add_queue_rules), ("bookings", add_bookings), ("site_limits", add_site_limits),
        ("signals", add_signals), ("faults", add_faults), ("pack_types", add_pack_types), ("trailers", add_trailers),
        ("banks", add_banks), ("nights", add_nights), ("pools", add_pools),
    )  # fmt: skip
    for (name, add), part_rng in zip(parts, rng.spawn(len(parts)), strict=True):
        if getattr(features, name):
            inputs = add(part_rng, inputs, clock)
    return inputs


def add_queue_rules(rng: np.random.Generator, inputs: Inputs, clock: int) -> Inputs:
    """Return the city with queues by rank and by need."""
    stations = replace(inputs.stations, queue_rule=rng.integers(0, 3, len(inputs.stations)))
    vehicles = replace(inputs.vehicles, rank=rng.integers(0, 3, len(inputs.vehicles)))
    return replace(inputs, stations=stations, vehicles=vehicles)


def add_bookings(rng: np.random.Generator, inputs: Inputs, clock: int) -> Inputs:
    """Return the city with stations whose queue one joins from afar."""
    return replace(inputs, stations=replace(inputs.stations, bookable=rng.random(len(inputs.stations)) < 0.5))


def add_site_limits(rng: np.random.Generator, inputs: Inputs, clock: int) -> Inputs:
    """Return the city with limits of sites and cabinets."""
    stations, n = inputs.stations, len(inputs.stations)
    site = (stations.rate * stations.plugs * rng.uniform(0.1, 0.9, n)).astype(np.int64)
    return replace(
        inputs,
        stations=replace(
            stations,
            site_limit=np.where(rng.random(n) < 0.6, site, NO_LIMIT_W),
            cabinet_plugs=rng.choice([0, 0, 2, 3], n).astype(np.int64),
            cabinet_power=(stations.rate * rng.uniform(0.5, 2.0, n)).astype(np.int64),
            share_rule=rng.integers(0, 2, n),
        ),
    )


def add_signals(rng: np.random.Generator, inputs: Inputs, clock: int) -> Inputs:
    """Return the city with tariffs, limits by the hour, charging by strategy and giving back."""
    n, m, steps = len(inputs.stations), len(inputs.vehicles), int(rng.integers(12, 49))
    signals = Signals(
        step=int(rng.choice([HOUR_US // 4, HOUR_US])),
        price=rng.integers(1, 6, (SIGNALS, steps)),
        limit_pm=rng.choice([0, 300, 700, 1_000, 1_000], (SIGNALS, steps)).astype(np.int64),
    )
    stations = replace(
        inputs.stations,
        signal=rng.integers(-1, SIGNALS, n),
        strategy=rng.choice([0, 1, 2, 2], n).astype(np.int64),
        give_price=rng.choice([2, 4, NO_PRICE], n).astype(np.int64),
    )
    floor = (inputs.vehicles.capacity * rng.choice([0.0, 0.3, 0.6], m)).astype(np.int64)
    vehicles = replace(
        inputs.vehicles,
        give_floor=np.where(rng.random(m) < 0.8, floor, NEVER_US),
        ready_by=np.where(rng.random(m) < 0.7, _times(rng, 20, 34, m, clock), NEVER_US),
    )
    return replace(inputs, signals=signals, stations=stations, vehicles=vehicles)


def add_faults(rng: np.random.Generator, inputs: Inputs, clock: int) -> Inputs:
    """Return the city with plugs that break and are repaired, some of them twice, some never."""
    plugs = inputs.stations.plugs
    station = np.repeat(np.arange(len(plugs)), plugs)
    number = np.arange(len(station)) - np.repeat(np.cumsum(plugs) - plugs, plugs)
    broken = np.flatnonzero(rng.random(len(station)) < 0.5)
    size = len(broken)
    first, second = _times(rng, 5, 12, size, clock), _times(rng, 16, 22, size, clock)
    back = first + rng.integers(1, 4, size) * HOUR_US
    back_again = np.where(rng.random(size) < 0.7, second + rng.integers(1, 4, size) * HOUR_US, NEVER_US)
    every = Faults(
        station=np.tile(station[broken], 2),
        plug=np.tile(number[broken], 2),
        breaks=np.concatenate((first, second)),
        repaired=np.concatenate((back, back_again)),
    )
    return replace(inputs, faults=_rows(every, np.argsort(every.breaks, kind="stable")))


def add_pack_types(rng: np.random.Generator, inputs: Inputs, clock: int) -> Inputs:
    """Return the city with packs of two types and few chargers behind the bays."""
    n, packs = len(inputs.stations), inputs.stations.packs[:, 0]
    stations = replace(
        inputs.stations,
        packs=np.stack((packs, rng.integers(0, 3, n)), axis=1),
        chargers=rng.choice([1, 2, NO_LIMIT_W], n).astype(np.int64),
    )
    vehicles = replace(inputs.vehicles, pack_type=rng.integers(0, 2, len(inputs.vehicles)))
    return replace(inputs, stations=stations, vehicles=vehicles)


def add_trailers(rng: np.random.Generator, inputs: Inputs, clock: int) -> Inputs:
    """Return the city with hydrogen that comes by trailer."""
    n = len(inputs.stations)
    trailer = rng.choice([ENDLESS, 0, 50_000, 300_000], n).astype(np.int64)
    size = 3 * n
    deliveries = Deliveries(
        station=rng.integers(0, n, size),
        time=_times(rng, 1, 24, size, clock),
        amount=rng.integers(1, 200, size) * 1_000,
    )
    deliveries = _rows(deliveries, np.lexsort((deliveries.time, deliveries.station)))
    return replace(inputs, stations=replace(inputs.stations, trailer=trailer), deliveries=deliveries)


def add_banks(rng: np.random.Generator, inputs: Inputs, clock: int) -> Inputs:
    """Return the city with hydrogen in banks of two or three pressures; the high one may be small."""
    n, storage = len(inputs.stations), inputs.stations.storage
    middle_storage = storage * rng.integers(200, 1001, n) // 1000
    stations = replace(
        inputs.stations,
        middle_storage=middle_storage,
        high_storage=middle_storage * rng.integers(100, 1001, n) // 1000,
        middle_from_pm=rng.integers(200, 700, n),
        high_from_pm=rng.choice([700, 900, 1000], n).astype(np.int64),
    )
    return replace(inputs, stations=stations)


def add_nights(rng: np.random.Generator, inputs: Inputs, clock: int) -> Inputs:
    """Return the city with legs after which vehicles stay until they are full or have to leave."""
    overnight = inputs.legs.at_depot & (rng.random(len(inputs.legs)) < 0.5)
    return replace(inputs, legs=replace(inputs.legs, overnight=overnight))


def add_pools(rng: np.random.Generator, inputs: Inputs, clock: int) -> Inputs:
    """Return the city with a third of its vehicles in a pool that roams and one that waits at a depot."""
    m, zones = len(inputs.vehicles), inputs.access.station.shape[1]
    pool = np.where(rng.random(m) < 0.35, rng.integers(0, POOLS, m), -1)
    inputs = _without_legs(inputs, pool >= 0)
    capacity = inputs.vehicles.capacity
    vehicles = replace(
        inputs.vehicles,
        pool=pool,
        zone=rng.integers(0, zones, m),
        on_from=_times(rng, 0, 8, m, clock),
        on_until=np.where(rng.random(m) < 0.7, _times(rng, 6, 24, m, clock), NEVER_US),
        use_per_km=np.where((pool >= 0) & (inputs.vehicles.kind == 0), 0, inputs.vehicles.use_per_km),
        use_ppm=np.where(inputs.vehicles.kind > 0, rng.integers(300_000, 1_500_000, m), 0),
        start_level=np.where(
            pool >= 0, (capacity * rng.uniform(0.2, 1.0, m)).astype(np.int64), inputs.vehicles.start_level
        ),
    )
    inputs = replace(inputs, vehicles=vehicles)
    return _with_tasks(rng, inputs, TASKS_A_VEHICLE * int((pool >= 0).sum()), clock)


def _with_tasks(rng: np.random.Generator, inputs: Inputs, size: int, clock: int) -> Inputs:
    zones, own = inputs.access.station.shape[1], len(inputs.legs)
    time = np.sort(_times(rng, 4, 22, size, clock))
    counts = rng.integers(1, 4, size)
    end = own + np.cumsum(counts)
    tasks = Tasks(
        pool=rng.integers(0, POOLS, size),
        time=time,
        latest=np.where(rng.random(size) < 0.8, time + rng.integers(0, 120, size) * MINUTE_US, NEVER_US),
        zone=rng.integers(0, zones, size),
        first_leg=end - counts,
        end_leg=end,
    )
    more = _task_legs(rng, np.repeat(time, counts), zones, clock)
    legs = Legs(**{f.name: np.concatenate((getattr(inputs.legs, f.name), getattr(more, f.name))) for f in fields(Legs)})
    return replace(inputs, legs=legs, tasks=tasks, pools=_pools(rng, zones, clock))


def _task_legs(rng: np.random.Generator, time: IntArray, zones: int, clock: int) -> Legs:
    m = len(time)
    at_depot = rng.random(m) < 0.3
    return Legs(
        depart=(time + rng.integers(0, 60, m) * MINUTE_US) // clock * clock,
        drive=rng.integers(300, 3_600, m) * SECOND_US // clock * clock,
        dwell=rng.integers(0, 2_400, m) * SECOND_US // clock * clock,
        energy=rng.integers(0, 15_000, m),
        zone=rng.integers(0, zones, m),
        may_charge=rng.random(m) < 0.5,
        at_depot=at_depot,
        timed=rng.random(m) < 0.4,
        latest=np.full(m, NEVER_US),
        overnight=at_depot & (rng.random(m) < 0.2),
    )


def _pools(rng: np.random.Generator, zones: int, clock: int) -> Pools:
    ranks = max(1, zones - 1)
    drive = np.sort(rng.integers(0, 30, (zones, ranks)) * MINUTE_US // clock * clock, axis=1)
    near = np.stack([rng.permutation(zones)[:ranks] for _ in range(zones)])
    far = (np.arange(ranks) >= 2) & (rng.random((zones, ranks)) < 0.3)
    return Pools(
        roams=np.array([True, False]),
        zone=np.where(np.maximum.accumulate(far, axis=1), -1, near),
        drive=drive,
        metres=drive // (90 * SECOND_US // 1_000),
        looks=np.sort(_times(rng, 4, 30, int(rng.integers(0, 40)), clock)),
    )


def _without_legs(inputs: Inputs, idle: Any) -> Inputs:
    """Return the city without the legs of idle vehicles."""
    vehicles, legs = inputs.vehicles, inputs.legs
    counts = np.diff(vehicles.first_leg)
    kept = np.flatnonzero(np.repeat(~idle, counts))
    first_leg = np.concatenate(([0], np.cumsum(np.where(idle, 0, counts)))).astype(np.int64)
    return replace(inputs, vehicles=replace(vehicles, first_leg=first_leg), legs=_rows(legs, kept))


def _rows(table: Any, rows: IntArray) -> Any:
    return type(table)(**{column.name: getattr(table, column.name)[rows] for column in fields(table)})


def _times(rng: np.random.Generator, from_h: int, to_h: int, size: int, clock: int) -> IntArray:
    return np.asarray(rng.integers(from_h * HOUR_US, to_h * HOUR_US, size) // clock * clock)
