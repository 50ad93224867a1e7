"""Tours in as many waves as the vehicle's payload takes: who cannot carry all of a tour goes back for the rest."""

import dataframely as dy
import numpy as np
import polars as pl

from fleetsim.duties.arrays import Columns, Floats, Integers, Reloading
from fleetsim.duties.driving import extra_legs, reload_tours
from fleetsim.duties.fleet import DayOf, DutyInputs
from fleetsim.duties.itinerary import NEVER, FleetDay, blank, written
from fleetsim.duties.tables import Assignment, Leg
from fleetsim.duties.tours import patterns_of, tour_rule, unload_zones
from fleetsim.tables import VehicleType


def payloads(assignment: dy.DataFrame[Assignment], types: dy.DataFrame[VehicleType]) -> Floats:
    """Return what each vehicle may carry, by its number; without limit where its type names none [kg]."""
    most = dict(types.select("vehicle_type", pl.col("payload_kg").fill_null(np.inf)).iter_rows())
    given = assignment.sort("vehicle_id")["vehicle_type"]
    return np.asarray(given.replace_strict(most, return_dtype=pl.Float64).to_numpy())


def in_waves(inputs: DutyInputs, made: FleetDay, day: DayOf, most_kg: Floats) -> dy.DataFrame[Leg]:
    """Return the legs of a fleet's day in which no vehicle carries more than its payload.

    A vehicle that hands goods over starts a tour full, serves as many stops as that takes, goes back to its base,
    loads as long as it does between tours, and goes on where it stopped; one that collects goes to the place of
    unloading, or to its base, before the stop that would be too much. Where the pattern names a way to fill up near
    the stops (water), it goes there. All goods are carried; what follows in the day comes as much later, and out of
    its window where that is too late.

    Parameters
    ----------
    inputs
        City tables, section and seed the day was made from.
    made
        The day as planned: every tour in one go.
    day
        The fleet and its representative day.
    most_kg
        What each vehicle may carry, see `payloads` [kg].

    Notes
    -----
    A stop is not divided: a vehicle that cannot carry what a single stop takes serves it all the same.
    """
    tasks = {pattern: _reloading(made, pattern, most_kg) for pattern in made.served["pattern"].unique().sort()}
    more = np.zeros(made.vehicles.height, np.int64)
    for vehicle, task in tasks.values():
        own = np.zeros(vehicle.size, np.int64)
        extra_legs(task, own)
        more[vehicle] = own
    if not more.any():
        return made.legs
    return _rewritten(inputs, made, day, tasks, more)


def _rewritten(
    inputs: DutyInputs,
    made: FleetDay,
    day: DayOf,
    tasks: dict[int, tuple[Integers, Reloading]],
    more: Integers,
) -> dy.DataFrame[Leg]:
    """Return the legs with room for `more` of each vehicle, written anew."""
    first, end = _rows(made)
    start = np.cumsum(end - first + more) - (end - first + more)
    old, legs = _columns(made.legs), blank(int((end - first + more).sum()))
    stop = start.copy()
    ground, patterns = inputs.geography.ground(weekend=day.weekend), patterns_of(inputs, day.fleet)
    for pattern, (vehicle, task) in tasks.items():
        row = patterns.row(pattern, named=True)
        task = task._replace(row=start[vehicle])
        reload_tours(ground, tour_rule(row, inputs.section), unload_zones(inputs, row), task, old, legs)
        stop[vehicle] = task.row
    return written(legs, start, stop)[1]


def _rows(made: FleetDay) -> tuple[Integers, Integers]:
    """Return the first row of each vehicle in the legs, and that after its last one."""
    number = np.bincount(made.legs["vehicle_id"].to_numpy(), minlength=made.vehicles.height)
    end = np.cumsum(number)
    return end - number, end


def _reloading(made: FleetDay, pattern: int, most_kg: Floats) -> tuple[Integers, Reloading]:
    """Return the vehicles of a pattern and what their tours are."""
    served = made.served.filter(pl.col("pattern") == pattern)
    vehicle, first_served, number = np.unique(served["vehicle_id"].to_numpy(), return_index=True, return_counts=True)
    first, end = _rows(made)
    at = first[served["vehicle_id"].to_numpy()] + served["leg"].to_numpy()
    stops, kg = served["stops"].to_numpy(), served["kg"].to_numpy()
    zone = made.vehicles["home_zone"].to_numpy()[vehicle]
    rows = (first[vehicle], end[vehicle], first_served, first_served + number)
    return vehicle, Reloading(*rows, zone, most_kg[vehicle], np.zeros(vehicle.size, np.int64), at, stops, kg)


def _columns(legs: dy.DataFrame[Leg]) -> Columns:
    filled = legs.with_columns(pl.col("latest_s").fill_null(NEVER))
    return Columns(*(filled[name].to_numpy() for name in Columns._fields))
