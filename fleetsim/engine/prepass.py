"""What needs no events: departures and levels of vehicles whose energy outlasts their day, in closed form."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleetsim.engine import policies
from fleetsim.engine.spec import (
    NEVER_US,
    BoolArray,
    Inputs,
    IntArray,
    Legs,
    Vehicles,
    is_last_leg,
    vehicle_of_leg,
)
from networks.compiled import compiled

AnyArray = NDArray[Any]
VEHICLE_SPAN_US = 4_000_000_000_000
"""Keeps the departures of one vehicle apart from the next one's in a running maximum (46 days) [us]."""


@dataclass(frozen=True, slots=True)
class Prepass:
    """What follows from the inputs alone.

    Attributes
    ----------
    chance
        Legs after which the vehicle may seek energy.
    need
        Energy from the end of each leg to the end of the next leg with a chance, or to the day's end [Wh, g].
    due
        Promised departure of the leg after each leg [us]; NEVER_US where nothing is promised.
    plugs_in
        Last legs after which the vehicle plugs in at its depot.
    eventful
        Vehicles that have to be simulated.
    departure
        Departure of each leg if no vehicle ever takes energy or runs out [us].
    level
        Level of each vehicle at its day's end likewise [Wh, g].
    """

    chance: BoolArray
    need: IntArray
    due: IntArray
    plugs_in: BoolArray
    eventful: BoolArray
    departure: IntArray
    level: IntArray


def prepare(inputs: Inputs, chosen: policies.Policies = policies.SHIPPED) -> Prepass:
    """Return the closed-form part of a day: who needs events, and the outcome of all others.

    Legs of tasks have no vehicle yet: they are never made (departure -1) unless a vehicle of a pool takes them. A
    policy of one's own on when to seek energy is not asked here: whoever has a chance then needs events.
    """
    vehicles, legs = inputs.vehicles, own_legs(inputs)
    of_leg = vehicle_of_leg(vehicles)
    last = is_last_leg(vehicles, len(legs))
    home = vehicles.home[of_leg] >= 0
    soft = vehicles.soft[of_leg]
    chance = legs.may_charge & (vehicles.kind[of_leg] > 0) & (~soft | (legs.at_depot & home))
    plugs_in = (last | legs.overnight) & legs.at_depot & home
    used = sum_within(vehicles.first_leg, of_leg, legs.energy)
    need = _need(used, chance | last, last)
    raw_level = vehicles.start_level[of_leg] - used
    level = np.where(soft, np.maximum(raw_level, 0), raw_level)
    event = (level < 0) | (plugs_in & (level < vehicles.capacity[of_leg]))
    is_own = chosen.seek_energy is not policies.SHIPPED.seek_energy
    event |= chance & (is_own | _seeks(vehicles, legs, of_leg, level, need))
    eventful = vehicles.pool >= 0
    eventful[of_leg[event]] = True
    final = vehicles.start_level.copy()
    final[of_leg[last]] = level[last]
    missing = len(inputs.legs) - len(legs)
    return Prepass(
        chance=_longer(chance, missing, False),
        need=_longer(need, missing, 0),
        due=_due(inputs, plugs_in),
        plugs_in=_longer(plugs_in, missing, False),
        eventful=eventful,
        departure=_longer(_departures(vehicles, legs, of_leg), missing, -1),
        level=final,
    )


def own_legs(inputs: Inputs) -> Legs:
    """Return the legs of vehicles, without those of tasks."""
    if not len(inputs.tasks):
        return inputs.legs
    end = int(inputs.vehicles.first_leg[-1])
    return Legs(**{column.name: getattr(inputs.legs, column.name)[:end] for column in fields(Legs)})


def _longer(column: Any, missing: int, value: int | bool) -> Any:
    return np.concatenate((column, np.full(missing, value, column.dtype))) if missing else column


def sum_within(first_leg: IntArray, of_leg: IntArray, values: IntArray) -> IntArray:
    """Return the running sum of `values` within each vehicle, the leg itself included."""
    total = np.concatenate((np.zeros(1, np.int64), np.cumsum(values)))
    return total[1:] - total[first_leg[of_leg]]


def summed(values: AnyArray, first_leg: IntArray) -> AnyArray:
    """Return the sum of `values` over the legs of each vehicle."""
    return summed_made(values, np.zeros(int(first_leg[-1]), np.int8), first_leg)


def summed_made(values: AnyArray, departure: NDArray[np.integer[Any]], first_leg: IntArray) -> AnyArray:
    """Return the sum of `values` over the legs of each vehicle that were made: those with a departure."""
    total = np.zeros(len(first_leg) - 1, values.dtype)
    _add(values, departure, first_leg, total)
    return total


@compiled
def _add(values: AnyArray, departure: NDArray[np.integer[Any]], first_leg: IntArray, total: AnyArray) -> None:
    for vehicle in range(len(total)):
        for leg in range(first_leg[vehicle], first_leg[vehicle + 1]):
            if departure[leg] >= 0:
                total[vehicle] += values[leg]


def _need(used: IntArray, stops: BoolArray, last: BoolArray) -> IntArray:
    size = len(used)
    index = np.where(stops, np.arange(size), size)
    next_stop = np.minimum.accumulate(index[::-1])[::-1]
    need = np.zeros(size, np.int64)
    inner = np.flatnonzero(~last)
    need[inner] = used[next_stop[inner + 1]] - used[inner]
    return need


def _due(inputs: Inputs, plugs_in: BoolArray) -> IntArray:
    legs = inputs.legs
    overnight = np.zeros(len(legs), bool)
    overnight[: len(plugs_in)] = plugs_in
    due = np.full(len(legs), NEVER_US, np.int64)
    due[:-1] = np.where(legs.timed[1:] | overnight[:-1], legs.depart[1:], NEVER_US)
    due[is_last_leg(inputs.vehicles, len(legs), inputs.tasks)] = NEVER_US
    return due


def _seeks(vehicles: Vehicles, legs: Legs, of_leg: IntArray, level: IntArray, need: IntArray) -> BoolArray:
    at_home = legs.at_depot & (vehicles.home[of_leg] >= 0)
    reserve = np.where(at_home, vehicles.depot_reserve[of_leg], vehicles.reserve[of_leg])
    # The policy has operators only, so it takes columns as it takes numbers.
    columns: list[Any] = [level, need, reserve, vehicles.target[of_leg], vehicles.capacity[of_leg]]
    return np.asarray(policies.seek_energy(*columns))


def _departures(vehicles: Vehicles, legs: Legs, of_leg: IntArray) -> IntArray:
    """Return max over earlier legs j of (depart j + drives and dwells since), by one running maximum."""
    busy = legs.drive + legs.dwell
    before = sum_within(vehicles.first_leg, of_leg, busy) - busy
    shift = of_leg * VEHICLE_SPAN_US
    slack = np.maximum.accumulate(legs.depart - before + shift) - shift
    return slack + before
