"""Random cities for checks and benchmarks: every kind of station and vehicle, from one seed.

Nothing here is meant to look like a real city; it is meant to meet every branch of the semantics.
"""

from dataclasses import dataclass

import numpy as np

from fleetsim.engine.spec import (
    HOUR_US,
    NEVER_US,
    SECOND_US,
    Access,
    BoolArray,
    Inputs,
    IntArray,
    Kind,
    Legs,
    Stations,
    Vehicles,
)
from fleetsim.engine.synthetic_features import PLAIN, Features, with_features

KINDS = (Kind.ELECTRIC, Kind.SWAP, Kind.HYDROGEN)


@dataclass(frozen=True, slots=True)
class CitySize:
    """How large and how coarse a random city is."""

    vehicles: int = 100
    legs: int = 8
    """Mean legs a vehicle."""
    stations: int = 12
    zones: int = 6
    ranks: int = 3
    tick_s: int = 1
    """Times of legs are multiples of this; a coarse clock makes ties [s]."""


def random_inputs(seed: int, size: CitySize, features: Features = PLAIN) -> Inputs:
    """Return a random city, the same for the same seed, size and features."""
    rng = np.random.default_rng(seed)
    stations = _stations(rng, size)
    vehicles = _vehicles(rng, size, stations)
    legs = _legs(rng, size, vehicles)
    inputs = Inputs(vehicles, legs, stations, _access(rng, size, stations), tries=2)
    return with_features(np.random.default_rng([seed, 1]), inputs, features, size.tick_s * SECOND_US)


def _stations(rng: np.random.Generator, size: CitySize) -> Stations:
    n = size.stations
    kind = rng.choice([1, 1, 1, 2, 3], n).astype(np.int64)
    kind[: min(n, 3)] = KINDS[: min(n, 3)]
    plugs = rng.integers(1, 6, n)
    power = rng.choice([7_000, 60_000, 120_000], n)
    per_vehicle = size.vehicles // n + 1
    return Stations(
        kind=kind,
        plugs=plugs * (1 + per_vehicle // 60),
        rate=np.where(kind == Kind.HYDROGEN, 60_000, power).astype(np.int64),
        handling=rng.integers(0, 6, n) * 60 * SECOND_US,
        typical=rng.integers(10, 60, n) * 60 * SECOND_US,
        queue_limit=rng.integers(0, 8, n),
        packs=rng.integers(0, 5, n) * (1 + per_vehicle // 60),
        storage=rng.integers(5, 200, n) * 1_000,
        supply=rng.integers(0, 20, n) * 1_000,
        dry_limit=rng.integers(0, 4, n) * HOUR_US // 2,
        group=rng.choice([-1, -1, -1, 0, 1], n).astype(np.int64),
    )


def _vehicles(rng: np.random.Generator, size: CitySize, stations: Stations) -> Vehicles:
    n = size.vehicles
    kind = rng.choice([0, 1, 1, 1, 1, 2, 3], n).astype(np.int64)
    home = rng.integers(-size.stations, size.stations, n)
    home = np.where((home >= 0) & (stations.kind[home] == kind), home, -1).astype(np.int64)
    capacity = np.where(kind == Kind.HYDROGEN, rng.integers(5, 30, n), rng.integers(20, 120, n)) * 1_000
    start = (capacity * rng.uniform(0.2, 1.0, n)).astype(np.int64)
    counts = rng.integers(0, 2 * size.legs + 1, n)
    return Vehicles(
        first_leg=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        kind=kind,
        group=rng.integers(0, 3, n),
        home=home,
        soft=(kind == Kind.ELECTRIC) & (rng.random(n) < 0.1),
        capacity=capacity,
        start_level=np.where(home >= 0, capacity, start),
        reserve=capacity // 5,
        depot_reserve=capacity // 2,
        target=capacity * 9 // 10,
        max_power=rng.choice([30_000, 60_000, 90_000], n),
        knee_pm=rng.choice([600, 800, 1_000], n),
        end_pm=rng.choice([50, 200, 1_000], n),
        use_per_km=np.where(kind == Kind.HYDROGEN, 15, rng.integers(100, 300, n)),
    )


def _legs(rng: np.random.Generator, size: CitySize, vehicles: Vehicles) -> Legs:
    counts = np.diff(vehicles.first_leg)
    m = int(vehicles.first_leg[-1])
    of_leg = np.repeat(np.arange(size.vehicles), counts)
    number = np.arange(m) - vehicles.first_leg[of_leg]
    clock = size.tick_s * SECOND_US
    spacing = 15 * HOUR_US // max(1, 2 * size.legs)
    depart = 5 * HOUR_US + number * spacing + rng.integers(0, 2 * HOUR_US, m)
    share = rng.gamma(2.0, 0.5 / size.legs, m)
    timed = rng.random(m) < 0.4
    return Legs(
        depart=np.maximum(depart // clock * clock, 0),
        drive=rng.integers(300, 3_600, m) * SECOND_US // clock * clock,
        dwell=rng.integers(0, 2_400, m) * SECOND_US // clock * clock,
        energy=np.where(vehicles.kind[of_leg] > 0, vehicles.capacity[of_leg] * share, 0).astype(np.int64),
        zone=rng.integers(0, size.zones, m),
        may_charge=_coin(rng, m, 0.6),
        at_depot=_coin(rng, m, 0.2) | (number + 1 == counts[of_leg]),
        timed=timed,
        latest=np.where(timed & _coin(rng, m, 0.5), depart + HOUR_US, NEVER_US),
    )


def _coin(rng: np.random.Generator, size: int, share: float) -> BoolArray:
    return np.asarray(rng.random(size) < share)


def _access(rng: np.random.Generator, size: CitySize, stations: Stations) -> Access:
    shape = (len(Kind), size.zones, size.ranks)
    station = np.full(shape, -1, np.int64)
    for kind in KINDS:
        rows = np.flatnonzero(stations.kind == kind)
        for zone in range(size.zones):
            near = rng.permutation(rows)[: size.ranks]
            station[kind, zone, : len(near)] = near
    drive: IntArray = np.sort(rng.integers(0, 20, shape) * 60 * SECOND_US, axis=2)
    return Access(station, drive, drive // (90 * SECOND_US // 1_000))
