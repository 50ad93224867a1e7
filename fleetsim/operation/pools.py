"""From duties bound to vehicles to tasks that whoever is ready takes, and back to tables once they are done.

Buses: what a bus drives between leaving its depot and coming back is a task of the depot. Taxis: a trip is a
request of a passenger, and the way to the passenger is driven by whoever is called.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleetsim.engine.build import DayModel
from fleetsim.engine.spec import (
    SECOND_US,
    BoolArray,
    Inputs,
    IntArray,
    Kind,
    Legs,
    Log,
    Pools,
    Tasks,
    driver_of_leg,
    vehicle_of_leg,
)
from fleetsim.vehicles import FloatArray

PPM = 1_000_000
LEG_COLUMNS = tuple(Legs.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Plan:
    """How the legs of some vehicles become tasks.

    Attributes
    ----------
    vehicles
        Which vehicles give up their legs and take tasks.
    is_task
        Which legs are done as tasks; the others of these vehicles are not driven.
    begins
        Which legs begin a task.
    pool
        Pool of each vehicle, -1 for none.
    start_zone
        Zone in which each leg of theirs begins.
    patience
        Of each leg: longest wait for a vehicle [us].
    loaded_share
        Of each leg: part of its way, time and energy that remains, the way to its start left out.
    roams
        One entry a pool.
    home_zone
        Zone in which each vehicle begins.
    look_us
        How often tasks that wait are called again [us].
    """

    vehicles: BoolArray
    is_task: BoolArray
    begins: BoolArray
    pool: IntArray
    start_zone: IntArray
    patience: IntArray
    loaded_share: FloatArray
    roams: BoolArray
    home_zone: IntArray
    look_us: int


@dataclass(frozen=True, slots=True)
class Pooled:
    """A day with tasks, and the way back from its rows to those of the day it was made from."""

    model: DayModel
    plain: DayModel
    leg: IntArray
    """Leg of the plain day of each leg, tasks included."""


def pooled(plain: DayModel, plan: Plan, near: Pools) -> Pooled:
    """Return the day with the legs of the plan's vehicles as tasks of their pools.

    Parameters
    ----------
    plain
        The day with duties bound to vehicles.
    plan
        What becomes a task of whom.
    near
        Zones from which vehicles are called.
    """
    inputs = plain.inputs
    of_leg = vehicle_of_leg(inputs.vehicles)
    keeps = ~plan.vehicles[of_leg]
    own, tasks = np.flatnonzero(keeps), np.flatnonzero(~keeps & plan.is_task)
    number = np.cumsum(plan.begins[tasks]) - 1
    first = np.flatnonzero(plan.begins[tasks])
    call = inputs.legs.depart[tasks][first]
    order = np.argsort(call, kind="stable")
    place = np.argsort(order, kind="stable")
    tasks = tasks[np.argsort(place[number], kind="stable")]
    leg = np.concatenate((own, tasks))
    legs = _taken(inputs.legs, leg)
    usual = _usual_use(inputs, of_leg)
    is_task = np.arange(leg.size) >= own.size
    shrink = np.where(is_task, plan.loaded_share[leg], 1.0)
    legs = replace(
        legs,
        drive=np.rint(legs.drive * shrink).astype(np.int64),
        energy=np.where(is_task, np.rint(usual[leg] * shrink), legs.energy).astype(np.int64),
    )
    vehicles = replace(
        inputs.vehicles,
        first_leg=np.concatenate(([0], np.cumsum(np.where(plan.vehicles, 0, np.diff(inputs.vehicles.first_leg))))),
        pool=np.where(plan.vehicles, plan.pool, -1),
        zone=plan.home_zone,
        on_from=_shift(inputs, of_leg, plan, first_of=True),
        on_until=_shift(inputs, of_leg, plan, first_of=False),
        use_ppm=_use_ppm(inputs, plan.vehicles),
    )
    lengths = np.diff(np.append(first, number.size))[order]
    ends = own.size + np.cumsum(lengths)
    opens = leg[ends - lengths]
    made = Tasks(
        pool=plan.pool[of_leg[opens]],
        time=call[order],
        latest=call[order] + plan.patience[opens],
        zone=plan.start_zone[opens],
        first_leg=ends - lengths,
        end_leg=ends,
    )
    looks = np.arange(plan.look_us, int(made.latest.max(initial=0)) + 1, plan.look_us)
    model = replace(
        plain,
        inputs=replace(
            inputs, vehicles=vehicles, legs=legs, tasks=made, pools=replace(near, roams=plan.roams, looks=looks)
        ),
        distance_km=plain.distance_km[leg] * shrink,
        stored=plain.stored[leg] * shrink,
        fuel=plain.fuel[leg] * shrink,
    )
    return Pooled(model, plain, leg)


def _taken(legs: Legs, rows: IntArray) -> Legs:
    return Legs(**{name: getattr(legs, name)[rows] for name in LEG_COLUMNS})


def _usual_use(inputs: Inputs, of_leg: IntArray) -> FloatArray:
    """Return the energy of each leg as an electric vehicle of usual use would need it [Wh].

    A leg of a vehicle that takes no energy at stations has none; it gets the mean use per time driven of the others.
    """
    vehicles, legs = inputs.vehicles, inputs.legs
    electric = vehicles.kind[of_leg] == Kind.ELECTRIC
    driven = np.maximum(legs.drive + legs.dwell // 4, 1)
    known = electric & (legs.energy > 0)
    rate = legs.energy[known].sum() / max(int(driven[known].sum()), 1)
    own_use = vehicles.use_per_km[of_leg] / max(_usual_per_km(inputs), 1.0)
    return np.where(known, legs.energy / np.maximum(own_use, 1e-9), rate * driven)


def _usual_per_km(inputs: Inputs) -> float:
    electric = inputs.vehicles.kind == Kind.ELECTRIC
    return float(inputs.vehicles.use_per_km[electric].mean()) if electric.any() else 1.0


def _use_ppm(inputs: Inputs, members: BoolArray) -> IntArray:
    """Return each vehicle's use over the usual one, in the unit of its store [per million]; fuel vehicles use none."""
    share = inputs.vehicles.use_per_km / _usual_per_km(inputs)
    share = np.where(inputs.vehicles.kind > 0, share, 0.0)
    return np.where(members, np.rint(share * PPM), PPM).astype(np.int64)


def _shift(inputs: Inputs, of_leg: IntArray, plan: Plan, *, first_of: bool) -> IntArray:
    """Return the first departure or the last arrival of each vehicle [us]; whoever has no legs is on all day."""
    legs = inputs.legs
    if first_of:
        times = np.zeros(len(inputs.vehicles), np.int64)
        bounds = np.full(len(inputs.vehicles), np.iinfo(np.int64).max)
        np.minimum.at(bounds, of_leg, legs.depart)
        return np.where(plan.vehicles & plan.roams[plan.pool] & (bounds < np.iinfo(np.int64).max), bounds, times)
    bounds = np.zeros(len(inputs.vehicles), np.int64)
    np.maximum.at(bounds, of_leg, legs.depart + legs.drive)
    on = plan.vehicles & plan.roams[plan.pool] & (bounds > 0)
    return np.where(on, bounds, inputs.vehicles.on_until)


def settled(day: Pooled, log: Log) -> tuple[DayModel, Log]:
    """Return the day and its log as if every vehicle had had the legs it took as its own.

    Legs that nobody took stay with the vehicle they were drawn for, and are not made.
    """
    inputs, plain = day.model.inputs, day.plain
    driver = driver_of_leg(inputs, log)
    drawn_for = vehicle_of_leg(plain.inputs.vehicles)[day.leg]
    owner = np.where(driver >= 0, driver, drawn_for)
    when = np.where(log.departure >= 0, log.departure, inputs.legs.depart)
    order = np.lexsort((np.arange(owner.size), when, owner))
    row = np.argsort(order, kind="stable")
    counts = np.bincount(owner, minlength=len(inputs.vehicles))
    approach_km = np.zeros(owner.size)
    first = inputs.tasks.first_leg
    approach_km[first] = log.approach / 1000.0
    distance = day.model.distance_km + approach_km
    longer = np.divide(distance, day.model.distance_km, out=np.ones_like(distance), where=day.model.distance_km > 0)
    legs = _taken(inputs.legs, order)
    energy = legs.energy * inputs.vehicles.use_ppm[owner[order]] // PPM
    legs = replace(legs, energy=np.where(order >= int(inputs.vehicles.first_leg[-1]), energy, legs.energy))
    vehicles = replace(
        inputs.vehicles,
        first_leg=np.concatenate(([0], np.cumsum(counts))),
        pool=np.full(len(inputs.vehicles), -1),
    )
    model = replace(
        day.model,
        inputs=replace(inputs, vehicles=vehicles, legs=legs, tasks=Tasks(), pools=Pools()),
        distance_km=distance[order],
        stored=_stored(day, owner, longer)[order],
        fuel=(day.model.fuel * longer)[order],
    )
    begin = vehicles.first_leg[log.vehicle]
    leg = np.where(log.leg >= 0, row[np.maximum(log.leg, 0)], np.minimum(begin, max(owner.size - 1, 0)))
    none = np.zeros(0, np.int64)
    return model, replace(log, leg=leg, departure=log.departure[order], taker=none, approach=none)


def _stored(day: Pooled, owner: IntArray, longer: FloatArray) -> FloatArray:
    """Return what each leg took from its taker's store or tank: as drawn, at the taker's use per km."""
    drawn_for = vehicle_of_leg(day.plain.inputs.vehicles)[day.leg]
    per_km = _mean_use(day)
    swapped = owner != drawn_for
    return np.where(swapped, per_km[owner] * day.model.distance_km, day.model.stored) * longer


def _mean_use(day: Pooled) -> FloatArray:
    """Return the use per km of each vehicle on the legs drawn for it, else the mean of its powertrain."""
    plain = day.plain
    of_leg, size = vehicle_of_leg(plain.inputs.vehicles), len(plain.inputs.vehicles)
    km = np.bincount(of_leg, plain.distance_km, size)
    use = np.bincount(of_leg, plain.stored, size)
    code = (
        plain.roster.select(pl.struct("fleet", "powertrain").rank("dense") - 1).to_series().to_numpy().astype(np.int64)
    )
    mean = np.bincount(code, use) / np.maximum(np.bincount(code, km), 1e-9)
    return np.where(km > 0, use / np.maximum(km, 1e-9), mean[code])


def nearest_zones(lonlat_km: NDArray[np.float64], speed_kmh: FloatArray, ranks: int, detour: float) -> Pools:
    """Return the zones from which a vehicle is called, nearest first; ways are straight lines times the detour.

    Parameters
    ----------
    lonlat_km
        Places of the zones in a plane, shape (zones, 2) [km].
    speed_kmh
        Speed in each zone [km/h].
    ranks
        Zones looked at.
    detour
        Way over straight distance.
    """
    from scipy.spatial import cKDTree

    count = min(ranks, len(lonlat_km))
    straight, zone = cKDTree(lonlat_km).query(lonlat_km, count)
    km = straight.reshape(-1, count) * detour
    hours = km / speed_kmh[:, None]
    drive = np.rint(hours * 3600.0 * SECOND_US).astype(np.int64)
    none: Any = np.zeros(0, np.bool_)
    return Pools(none, zone.reshape(-1, count).astype(np.int64), drive, np.rint(km * 1000.0).astype(np.int64))
