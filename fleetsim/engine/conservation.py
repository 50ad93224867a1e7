"""The energy account of a simulated day, checked after every run."""

import numpy as np

from fleetsim.engine.prepass import summed_made
from fleetsim.engine.spec import ENDLESS, HOUR_US, Inputs, IntArray, Kind, Log


def check_conservation(inputs: Inputs, log: Log) -> dict[str, int]:
    """Return the day's totals; the energy taken minus the energy used is the change of the levels.

    Returns
    -------
    dict
        `taken` (less what was given back), `used`, `detours` (part of used: ways to stations and tasks) and `change`,
        all vehicles together [Wh and g].

    Raises
    ------
    RuntimeError
        If a vehicle's account does not balance, or a hydrogen station gave more than it had.
    """
    vehicles = inputs.vehicles
    size = len(vehicles)
    taken = _sum_by(log.vehicle, log.energy - log.returned, size)
    detours = _sum_by(log.vehicle, 2 * (log.metres // 2 * vehicles.use_per_km[log.vehicle] // 1000), size)
    done = np.flatnonzero(log.taker >= 0)
    taker = log.taker[done]
    detours += _sum_by(taker, log.approach[done] * vehicles.use_per_km[taker] // 1000, size)
    used = _driven(inputs, log) + detours
    change = log.level - vehicles.start_level
    balance = taken - used - change
    # A vehicle with another fuel may use less of its battery than its legs ask for, never more.
    wrong = np.where(vehicles.soft, balance > 0, balance != 0) | (log.level < 0) | (log.level > vehicles.capacity)
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise RuntimeError(f"{int(wrong.sum())} vehicles do not balance, first {first} by {int(balance[first])}")
    _check_hydrogen(inputs, log)
    used += np.where(vehicles.soft, balance, 0)
    return {
        "taken": int(taken.sum()),
        "used": int(used.sum()),
        "detours": int(detours.sum()),
        "change": int(change.sum()),
    }


def _driven(inputs: Inputs, log: Log) -> IntArray:
    """Return the energy of the legs each vehicle made [Wh, g], those of tasks as they were taken on."""
    vehicles, tasks = inputs.vehicles, inputs.tasks
    own: IntArray = summed_made(inputs.legs.energy, log.departure, vehicles.first_leg)
    if not len(tasks):
        return own
    rest = slice(int(vehicles.first_leg[-1]), None)
    made = log.departure[rest] >= 0
    driver = np.repeat(log.taker, tasks.end_leg - tasks.first_leg)[made]
    energy = inputs.legs.energy[rest][made] * vehicles.use_ppm[driver] // 1_000_000
    return own + _sum_by(driver, energy, len(vehicles))


def _sum_by(rows: IntArray, values: IntArray, size: int) -> IntArray:
    # Sums of whole numbers below 2^53 are exact in floating point, and this is much faster than np.add.at.
    return np.bincount(rows, values, size).astype(np.int64)


def _check_hydrogen(inputs: Inputs, log: Log) -> None:
    stations = inputs.stations
    given = np.flatnonzero((log.energy > 0) & (stations.kind[log.station] == Kind.HYDROGEN))
    drawn = _sum_by(log.station[given], log.energy[given], len(stations))
    until = np.zeros(len(stations), np.int64)
    np.maximum.at(until, log.station[given], log.start[given])
    piped = stations.supply * (until // 1000) // (HOUR_US // 1000) + 1
    brought = stations.trailer + _sum_by(inputs.deliveries.station, inputs.deliveries.amount, len(stations))
    limit = stations.storage + np.where(stations.trailer == ENDLESS, piped, np.minimum(piped, brought))
    if (drawn > limit).any():
        station = int(np.flatnonzero(drawn > limit)[0])
        raise RuntimeError(f"station {station} gave {int(drawn[station])} g and had {int(limit[station])} g")
