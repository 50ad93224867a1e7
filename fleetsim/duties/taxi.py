"""The days of taxis: shifts of one or two drivers, trips, a meal, and home."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleetsim.duties.draws import Floats, Integers, evenly, normal
from fleetsim.duties.fleet import DayOf, DutyInputs, expand, vehicle_table
from fleetsim.duties.geography import next_zone, road_km, speed_at, zone_of_district
from fleetsim.duties.itinerary import FleetDay, Step, joined, keep_working, legs_of, seconds

TWO_DRIVER_FLEETS = ("taxi_company",)
SECONDS_AT_KERB = 90
HANDOVER_S = 900
LATE_START_S = 3600
OVERTIME_S = 3600
SPEED_SPREAD = 0.15
WIDEST_SPREAD = 2.5
DRAWS_A_TRIP = 6
MORNING_ENDS_H, EVENING_BEGINS_H = 10, 16
LIGHTEST_HOUR, BUSIEST_HOUR = 0.4, 2.5

Row = dict[str, Any]


@dataclass(frozen=True)
class _Plan:
    """What the legs of the vehicles of a pattern follow from."""

    inputs: DutyInputs
    day: DayOf
    home: Integers
    demand: Floats


@dataclass(frozen=True)
class _Shift:
    """A shift of every vehicle of a pattern: when, how many trips, when the meal."""

    start_s: Integers
    end_s: Integers
    trips: Integers
    break_s: int
    break_length_s: int


@dataclass
class _State:
    """Where every vehicle is, from when it is free, and whether its driver has eaten."""

    zone: Integers
    free_s: Integers = field(init=False)
    eaten: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.free_s = np.zeros(self.zone.size, np.int64)
        self.eaten = np.zeros(self.zone.size, np.bool_)


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
    district, reason = expand(counts)
    place = inputs.geography
    home = zone_of_district(place, district, place.population, day.uniform(inputs.seed, "home", district.size))
    patterns, drawn = _patterns(inputs, day, district.size)
    on = evenly(district.size, inputs.section.taxi_in_service_share)
    demand = _demand(inputs, day)
    parts = []
    for index, pattern in enumerate(patterns):
        vehicle = np.flatnonzero(on & (drawn == index))
        legs = _legs(_Plan(inputs, day, home[vehicle], demand), pattern)
        parts.append(legs.with_columns(vehicle_id=pl.Series(vehicle)[legs["vehicle_id"]]))
    return keep_working(FleetDay(vehicle_table(district, reason, home), joined(parts)))


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


def _legs(plan: _Plan, pattern: str) -> pl.DataFrame:
    state = _State(plan.home.copy())
    steps: list[Step] = []
    shifts = plan.inputs.tables.taxi_shifts.filter(pl.col("pattern") == pattern).sort("shift")
    for row in shifts.iter_rows(named=True):
        steps += _drive(plan, row, state)
        steps.append(_home(plan, state))
    return legs_of(steps)


def _drive(plan: _Plan, row: Row, state: _State) -> list[Step]:
    name = f"{row['pattern']} {row['shift']}"
    shift = _shift(plan, row, name)
    slots = int(shift.trips.max(initial=0))
    draws = plan.day.uniform(plan.inputs.seed, f"{name} trips", shift.trips.size, slots, DRAWS_A_TRIP)
    state.free_s = np.maximum(state.free_s, shift.start_s)
    state.eaten[:] = False
    return [_trip(plan, shift, state, slot, draws[:, slot]) for slot in range(slots)]


def _shift(plan: _Plan, row: Row, name: str) -> _Shift:
    section = plan.inputs.section
    spread = normal(plan.day.uniform(plan.inputs.seed, name, plan.home.size, 3, 2))
    spread = np.clip(spread, -WIDEST_SPREAD, WIDEST_SPREAD)
    start_h = np.maximum(row["start_h"] + row["start_sd_h"] * spread[:, 0], 0.0)
    hours = np.maximum(row["hours"] + row["hours_sd"] * spread[:, 1], 2.0)
    factor = section.taxi_trips_factor * (section.taxi_weekend_factor if plan.day.weekend else 1.0)
    trips = np.rint(factor * (row["trips"] + row["trips_sd"] * spread[:, 2]))
    return _Shift(
        start_s=seconds(start_h),
        end_s=seconds(start_h + hours),
        trips=np.maximum(trips, 1.0).astype(np.int64),
        break_s=round(row["break_h"] * 3600.0),
        break_length_s=round(row["break_min"] * 60.0),
    )


def _trip(plan: _Plan, shift: _Shift, state: _State, slot: int, draws: Floats) -> Step:
    place, weekend = plan.inputs.geography, plan.day.weekend
    wait_s = _wait(plan, shift, state, slot) * -np.log1p(-draws[:, 0])
    depart_s = state.free_s + wait_s.astype(np.int64)
    target = _target(plan.inputs, state.zone, depart_s, draws[:, 1:3])
    distance_km = road_km(place, state.zone, target) + _empty_km(plan.inputs, draws[:, 3])
    kmh = speed_at(place, target, depart_s, weekend) * np.exp(SPEED_SPREAD * normal(draws[:, 4:6]))
    drive_s = np.rint(distance_km / kmh * 3600.0).astype(np.int64)
    arrive_s = depart_s + drive_s
    home_s = road_km(place, target, plan.home) / speed_at(place, plan.home, arrive_s, weekend) * 3600.0
    on = (slot < shift.trips) & (depart_s <= shift.end_s) & (arrive_s + home_s <= shift.end_s + OVERTIME_S)
    eats = on & ~state.eaten & (arrive_s >= shift.break_s)
    dwell_s = np.where(eats, shift.break_length_s, SECONDS_AT_KERB)
    latest_s = shift.start_s + LATE_START_S if slot == 0 else shift.end_s + OVERTIME_S
    latest_s = np.maximum(latest_s, depart_s)
    step = Step(
        on, depart_s, drive_s, distance_km, target, dwell_s, may_charge=True, timed=slot == 0, latest_s=latest_s
    )
    state.eaten = state.eaten | eats
    return _moved(state, step)


def _wait(plan: _Plan, shift: _Shift, state: _State, slot: int) -> Floats:
    """Return the mean wait before the next trip [s]; the first passenger is there at once."""
    if slot == 0:
        return np.zeros(state.zone.size)
    section = plan.inputs.section
    hour = (state.free_s // 3600) % 24
    trip_km = section.taxi_trip_km / (1.0 - section.taxi_empty_share)
    kmh = plan.inputs.geography.speed_kmh[plan.day.weekend].mean(axis=0)[hour]
    left = np.maximum(shift.trips - slot, 1)
    meal_s = np.where(state.eaten | (shift.break_s > shift.end_s), 0, shift.break_length_s)
    slack_s = shift.end_s - state.free_s - meal_s - left * (trip_km / kmh * 3600.0 + SECONDS_AT_KERB)
    return np.asarray(np.maximum(slack_s, 0.0) / left / plan.demand[hour])


def _demand(inputs: DutyInputs, day: DayOf) -> Floats:
    hours = inputs.tables.hours.filter(pl.col("activity") == "taxi_trips").sort("hour")
    weight = hours["weekend" if day.weekend else "weekday"].to_numpy()
    return np.asarray(np.clip(weight / weight.mean(), LIGHTEST_HOUR, BUSIEST_HOUR))


def _target(inputs: DutyInputs, zone: Integers, depart_s: Integers, uniform: Floats) -> Integers:
    hour = (depart_s // 3600) % 24
    period = (hour >= MORNING_ENDS_H).astype(np.int64) + (hour >= EVENING_BEGINS_H)
    result = zone.copy()
    for number, choice in enumerate(inputs.taxi_kernels):
        rows = np.flatnonzero(period == number)
        result[rows] = next_zone(choice, zone[rows], uniform[rows])
    return result


def _empty_km(inputs: DutyInputs, uniform: Floats) -> Floats:
    share = inputs.section.taxi_empty_share
    return np.asarray(inputs.section.taxi_trip_km * share / (1.0 - share) * -np.log1p(-uniform))


def _home(plan: _Plan, state: _State) -> Step:
    place = plan.inputs.geography
    distance_km = road_km(place, state.zone, plan.home)
    kmh = speed_at(place, plan.home, state.free_s, plan.day.weekend)
    drive_s = np.rint(distance_km / kmh * 3600.0).astype(np.int64)
    everyone = np.ones(plan.home.size, np.bool_)
    return _moved(state, Step(everyone, state.free_s, drive_s, distance_km, plan.home, HANDOVER_S, may_charge=True))


def _moved(state: _State, step: Step) -> Step:
    state.free_s = np.where(step.on, step.ready_s(), state.free_s)
    state.zone = np.where(step.on, step.zone, state.zone)
    return step
