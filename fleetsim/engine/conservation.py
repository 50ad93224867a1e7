"""The energy account of a simulated day, checked after every run."""

import numpy as np

from fleetsim.engine.spec import ENDLESS, HOUR_US, Inputs, IntArray, Kind, Log, driver_of_leg


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
    driver, energy = driven(inputs, log)
    taken = _sum_by(log.vehicle, log.energy - log.returned, size)
    detours = _sum_by(log.vehicle, 2 * (log.metres // 2 * vehicles.use_per_km[log.vehicle] // 1000), size)
    done = np.flatnonzero(log.taker >= 0)
    taker = log.taker[done]
    detours += _sum_by(taker, log.approach[done] * vehicles.use_per_km[taker] // 1000, size)
    used = _sum_by(driver, energy, size) + detours
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


def driven(inputs: Inputs, log: Log) -> tuple[IntArray, IntArray]:
    """Return the vehicle and the energy [Wh, g] of each leg that was made, those of tasks as they were taken on."""
    driver, energy = driver_of_leg(inputs, log), inputs.legs.energy.copy()
    tasks = slice(int(inputs.vehicles.first_leg[-1]), None)
    energy[tasks] = energy[tasks] * inputs.vehicles.use_ppm[driver[tasks]] // 1_000_000
    made = log.departure >= 0
    return driver[made], energy[made]


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
