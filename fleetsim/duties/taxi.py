"""The days of taxis: shifts of one or two drivers, trips, a meal, and home."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fleetsim.duties.arrays import Columns, TaxiCrew, TaxiRule
from fleetsim.duties.draws import Floats, Integers, evenly, normal
from fleetsim.duties.driving import drive_shift
from fleetsim.duties.fleet import DayOf, DutyInputs, expand, vehicle_table
from fleetsim.duties.geography import zone_of_district
from fleetsim.duties.itinerary import FleetDay, seconds, written_by_group

TWO_DRIVER_FLEETS = ("taxi_company",)
WIDEST_SPREAD = 2.5
"""Standard deviations at which a normal value is cut off, so that no shift is negative; numerics."""
DRAWS_A_TRIP = 6

Row = dict[str, Any]


@dataclass(frozen=True)
class _Shift:
    """A shift of every vehicle of a pattern: when, how many trips, when the meal."""

    name: str
    start_s: Integers
    end_s: Integers
    trips: Integers
    break_s: int
    break_length_s: int


@dataclass(frozen=True)
class _Group:
    """The vehicles of a pattern, by their number in the fleet, and their shifts."""

    vehicle: Integers
    shifts: list[_Shift]

    def most_legs(self) -> Integers:
        """Return how many legs each vehicle has at most."""
        return np.asarray(sum(shift.trips + 1 for shift in self.shifts))


def taxi_day(inputs: DutyInputs, counts: pl.DataFrame, day: DayOf) -> FleetDay:
    """Return the day of a taxi fleet.

    A vehicle starts and ends at its driver's home. A leg is a trip with the way to its passenger. After
    every trip it may seek energy. A shared vehicle is handed over at home between the shifts.

    Parameters
    ----------
    inputs
        City tables, section and seed.
    counts
        Table `FleetCount` of this fleet.
    day
        The fleet and its representative day.

    Notes
    -----
    Trips of a shift are spread over it: what is left of the shift, less the driving still expected, is
    the waiting, which is shorter in the hours of high demand. A driver takes no trip after the shift's end,
    and none after which he would be home over an hour late.
    """
    roll, place = expand(counts), inputs.geography
    size = roll.row.size
    drawn_home = day.uniform(inputs.seed, "home", size)
    home = zone_of_district(place, roll.groups["district"].to_list(), roll.row, place.population, drawn_home)
    patterns, drawn = _patterns(inputs, day, size)
    on = evenly(size, inputs.section.taxi_in_service_share)
    groups = [_group(inputs, day, name, np.flatnonzero(on & (drawn == number))) for number, name in enumerate(patterns)]

    def write(group: _Group, row: Integers, legs: Columns) -> Integers:
        return _drive(inputs, day, group, (home[group.vehicle], row), legs)

    vehicle, table = written_by_group(size, groups, write)
    return FleetDay(vehicle_table(roll.take(vehicle), home[vehicle]), table)


def _patterns(inputs: DutyInputs, day: DayOf, size: int) -> tuple[list[str], Integers]:
    """Return the patterns of shifts and which of them each vehicle has."""
    double_share = inputs.section.taxi_double_share if day.fleet in TWO_DRIVER_FLEETS else 0.0
    table = inputs.tables.taxi_shifts.sort("pattern", "shift")
    paired = table.filter(pl.col("shift") == 1)["pattern"].implode()
    firsts = table.filter(pl.col("shift") == 0).with_columns(double=pl.col("pattern").is_in(paired))
    groups = pl.when("double").then(double_share).otherwise(1.0 - double_share)
    share = firsts.select(groups * pl.col("pattern_share") / pl.col("pattern_share").sum().over("double"))
    edges = np.cumsum(share.to_series().to_numpy())
    drawn = np.searchsorted(edges, day.uniform(inputs.seed, "pattern", size) * edges[-1], side="right")
    return firsts["pattern"].to_list(), drawn.astype(np.int64)


def _group(inputs: DutyInputs, day: DayOf, pattern: str, vehicle: Integers) -> _Group:
    shifts = inputs.tables.taxi_shifts.filter(pl.col("pattern") == pattern).sort("shift")
    return _Group(vehicle, [_shift(inputs, day, row, vehicle.size) for row in shifts.iter_rows(named=True)])


def _shift(inputs: DutyInputs, day: DayOf, row: Row, size: int) -> _Shift:
    section, name = inputs.section, f"{row['pattern']} {row['shift']}"
    spread = np.clip(normal(day.uniform(inputs.seed, name, size, 3, 2)), -WIDEST_SPREAD, WIDEST_SPREAD)
    start_h = np.maximum(row["start_h"] + row["start_sd_h"] * spread[:, 0], 0.0)
    hours = np.maximum(row["hours"] + row["hours_sd"] * spread[:, 1], 2.0)
    factor = section.taxi_trips_factor * (section.taxi_weekend_factor if day.weekend else 1.0)
    trips = np.rint(factor * (row["trips"] + row["trips_sd"] * spread[:, 2]))
    return _Shift(
        name,
        start_s=seconds(start_h),
        end_s=seconds(start_h + hours),
        trips=np.maximum(trips, 1.0).astype(np.int64),
        break_s=round(row["break_h"] * 3600.0),
        break_length_s=round(row["break_min"] * 60.0),
    )


def _drive(inputs: DutyInputs, day: DayOf, group: _Group, start: tuple[Integers, Integers], legs: Columns) -> Integers:
    """Write the legs of a group from its homes and rows on; return the rows after them."""
    home, row = start
    zone, free_s = home.copy(), np.zeros(home.size, np.int64)
    ground = inputs.geography.ground(weekend=day.weekend)
    for shift in group.shifts:
        rule = _rule(inputs, day, shift)
        crew = TaxiCrew(home, zone, free_s, shift.start_s, shift.end_s, shift.trips, row)
        slots = int(shift.trips.max(initial=0))
        for part, draws in day.parts(inputs.seed, f"{shift.name} trips", home.size, slots, DRAWS_A_TRIP):
            drive_shift(ground, inputs.taxi_kernels, rule, crew.some(part), draws, legs)
    return row


def _rule(inputs: DutyInputs, day: DayOf, shift: _Shift) -> TaxiRule:
    section = inputs.section
    return TaxiRule(
        shift.break_s,
        shift.break_length_s,
        trip_km=section.taxi_trip_km / (1.0 - section.taxi_empty_share),
        empty_km=section.taxi_trip_km * section.taxi_empty_share / (1.0 - section.taxi_empty_share),
        demand=_demand(inputs, day),
        kmh=inputs.geography.speed_kmh[day.weekend].mean(axis=0),
        kerb_s=round(section.taxi_kerb_min * 60.0),
        handover_s=round(section.taxi_handover_min * 60.0),
        late_s=round(section.taxi_late_start_min * 60.0),
        overtime_s=round(section.taxi_overtime_min * 60.0),
        speed_spread=section.taxi_speed_spread,
        morning_ends_h=section.taxi_morning_until_h,
        evening_begins_h=section.taxi_evening_from_h,
    )


def _demand(inputs: DutyInputs, day: DayOf) -> Floats:
    hours = inputs.tables.hours.filter(pl.col("activity") == "taxi_trips").sort("hour")
    weight = hours["weekend" if day.weekend else "weekday"].to_numpy()
    return np.asarray(np.clip(weight / weight.mean(), *inputs.section.taxi_demand_bounds))
