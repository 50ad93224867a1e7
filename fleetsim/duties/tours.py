"""The days of goods and sanitation vehicles: tours from a base to clusters of stops, by tables of patterns."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from fleetsim.duties.draws import Floats, Integers, evenly, whole
from fleetsim.duties.fleet import DayOf, DutyInputs, expand, vehicle_table
from fleetsim.duties.geography import Geography, next_zone, road_km, speed_at, zone_of_district
from fleetsim.duties.itinerary import NEVER, FleetDay, Step, joined, keep_working, legs_of, seconds
from networks.errors import DataError

BASE_REACH_KM = 15.0
DRAWS_A_CLUSTER = 3
STOPS_SPREAD = 0.3
LAST_TOUR_S = 6 * 3600

Row = dict[str, Any]


@dataclass(frozen=True)
class _Group:
    """The vehicles of one pattern: numbers within the fleet, homes and bases."""

    vehicle: Integers
    home: Integers
    base: Integers
    base_row: Integers
    depot: NDArray[np.bool_]


@dataclass(frozen=True)
class _Plan:
    """What a group's legs follow from: the city, the day and the row of the pattern."""

    inputs: DutyInputs
    day: DayOf
    pattern: Row


@dataclass
class _State:
    """Where every vehicle of a group is, and from when it is free."""

    free_s: Integers
    zone: Integers


def tour_day(inputs: DutyInputs, counts: pl.DataFrame, day: DayOf, in_service_share: float) -> FleetDay:
    """Return the day of a fleet that works by the patterns of the table `TourPattern`.

    A tour leads from the base (depot, market, logistics park) to clusters of stops near each other, to a
    place of unloading if the pattern has one, and back; at the base the vehicle loads and may seek energy. No
    tour starts over six hours after the first one began: the driver's day would become too long.

    Parameters
    ----------
    inputs
        City tables, section and seed.
    counts
        Table `FleetCount` of this fleet.
    day
        The fleet and its representative day.
    in_service_share
        Share of the vehicles on the road on a weekday [-]; at a weekend times the pattern's weekend share.
    """
    district, reason = expand(counts)
    patterns = inputs.tables.tours.filter(pl.col("fleet") == day.fleet).sort("pattern")
    number = _pattern_of(patterns, reason, day.fleet)
    home = np.zeros(district.size, np.int64)
    depot = np.full(district.size, None, dtype=np.object_)
    legs: list[pl.DataFrame] = []
    for index, pattern in enumerate(patterns.iter_rows(named=True)):
        plan = _Plan(inputs, day, pattern)
        group = _group(plan, _at_work(plan, np.flatnonzero(number == index), in_service_share), district)
        home[group.vehicle] = np.where(group.depot, group.base, group.home)
        names = inputs.places_of(pattern["base_kind"])["place"].to_numpy()
        depot[group.vehicle[group.depot]] = names[group.base_row[group.depot]]
        legs.append(_legs(plan, group))
    return keep_working(FleetDay(vehicle_table(district, reason, home, depot.tolist()), joined(legs)))


def _at_work(plan: _Plan, vehicle: Integers, in_service_share: float) -> Integers:
    share = in_service_share * (plan.pattern["weekend_share"] if plan.day.weekend else 1.0)
    return vehicle[evenly(vehicle.size, share)]


def _pattern_of(patterns: pl.DataFrame, reason: NDArray[np.str_], fleet: str) -> Integers:
    own = patterns["exempt_reason"].fill_null("").to_numpy().astype(np.str_)
    share = patterns["share"].to_numpy()
    result = np.zeros(reason.size, np.int64)
    for name in np.unique(reason):
        rows = np.flatnonzero(own == name)
        rows = rows if rows.size else np.flatnonzero(own == "")
        if not rows.size:
            raise DataError(f"duty_tours.csv, fleet {fleet!r}: no pattern for exempt reason {str(name)!r}; add a row")
        vehicles = np.flatnonzero(reason == name)
        result[vehicles] = _mixed(rows, whole(share[rows], vehicles.size))
    return result


def _mixed(values: Integers, numbers: Integers) -> Integers:
    """Return every value as often as asked, mixed evenly along the row."""
    position = np.concatenate([(np.arange(number) + 0.5) / number for number in numbers])
    return np.asarray(np.repeat(values, numbers)[np.argsort(position, kind="stable")])


def _group(plan: _Plan, vehicle: Integers, district: NDArray[np.str_]) -> _Group:
    inputs, place, name = plan.inputs, plan.inputs.geography, plan.pattern["pattern"]
    draws = plan.day.uniform(inputs.seed, f"{name} home", vehicle.size, 3)
    home = zone_of_district(place, district[vehicle], place.population + place.jobs, draws[:, 0])
    bases = inputs.places_of(plan.pattern["base_kind"])
    base_row = _near(place, home, bases, draws[:, 1])
    depot = draws[:, 2] < plan.pattern["depot_share"]
    return _Group(vehicle, home, bases["zone"].to_numpy()[base_row], base_row, depot)


def _near(place: Geography, zone: Integers, places: pl.DataFrame, uniform: Floats) -> Integers:
    """Return for each zone the row of a place near it, large places rather than small ones."""
    asked, back = np.unique(zone, return_inverse=True)
    to = places["zone"].to_numpy()
    away_km = road_km(place, np.repeat(asked, to.size), np.tile(to, asked.size)).reshape(asked.size, to.size)
    nearest = away_km.min(axis=1, keepdims=True)
    mass = np.cumsum(np.maximum(places["size"].to_numpy(), 1e-6) * np.exp((nearest - away_km) / BASE_REACH_KM), axis=1)
    steps = (np.minimum(mass / mass[:, -1:], 1.0) + np.arange(asked.size)[:, None]).ravel()
    row = np.searchsorted(steps, back + uniform, side="right") - back * to.size
    return np.asarray(np.clip(row, 0, to.size - 1))


def _legs(plan: _Plan, group: _Group) -> pl.DataFrame:
    pattern, size = plan.pattern, group.vehicle.size
    draws = plan.day.uniform(plan.inputs.seed, f"{pattern['pattern']} plan", size, 2)
    start_s = seconds(pattern["start_low_h"] + (pattern["start_high_h"] - pattern["start_low_h"]) * draws[:, 0])
    options = pattern["tours_high"] - pattern["tours_low"] + 1
    tours = pattern["tours_low"] + np.floor(draws[:, 1] * options).astype(np.int64)
    out = _from_home(plan, group, start_s)
    state = _State(np.where(out.on, np.maximum(start_s, out.ready_s()), start_s), group.base)
    shape = (size, pattern["tours_high"], pattern["clusters"], DRAWS_A_CLUSTER)
    stops = plan.day.uniform(plan.inputs.seed, f"{pattern['pattern']} stops", *shape)
    steps = [out]
    for tour in range(pattern["tours_high"]):
        on = (tour < tours) & (state.free_s <= start_s + LAST_TOUR_S)
        steps += _tour(plan, group, state, on, stops[:, tour])
    steps.append(_way(plan, state, ~group.depot, group.home))
    legs = legs_of(steps)
    return legs.with_columns(vehicle_id=pl.Series(group.vehicle)[legs["vehicle_id"]])


def _from_home(plan: _Plan, group: _Group, start_s: Integers) -> Step:
    distance_km, drive_s = _distance(plan, group.home, group.base, start_s)
    depart_s = np.maximum(start_s - drive_s, 0)
    return Step(~group.depot, depart_s, drive_s, distance_km, group.base)


def _tour(plan: _Plan, group: _Group, state: _State, on: NDArray[np.bool_], draws: Floats) -> list[Step]:
    pattern = plan.pattern
    steps = [_cluster(plan, state, on, number, draws[:, number]) for number in range(pattern["clusters"])]
    if pattern["unload_kind"] is not None:
        steps.append(_unload(plan, state, on))
    rest_s = round(pattern["base_min"] * 60.0)
    steps.append(_way(plan, state, on, group.base, dwell_s=rest_s, at_depot=group.depot))
    return steps


def _cluster(plan: _Plan, state: _State, on: NDArray[np.bool_], number: int, draws: Floats) -> Step:
    pattern = plan.pattern
    choice = plan.inputs.activity_kernel(pattern["hop_km"] if number else pattern["stem_km"])
    target = next_zone(choice, state.zone, draws[:, :2])
    way_km, way_s = _distance(plan, state.zone, target, state.free_s)
    stops = np.maximum(np.rint(pattern["stops"] * (1.0 + STOPS_SPREAD * (2.0 * draws[:, 2] - 1.0))), 1.0)
    inside_km = (stops - 1.0) * pattern["stop_km"]
    inside_s = inside_km / pattern["cluster_kmh"] * 3600.0 if pattern["cluster_kmh"] else np.zeros(stops.size)
    dwell_s = np.rint(stops * pattern["stop_min"] * 60.0).astype(np.int64)
    promised = number == 0 and pattern["window_min"] is not None
    step = Step(
        on,
        state.free_s,
        way_s + inside_s.astype(np.int64),
        way_km + inside_km,
        target,
        dwell_s,
        work_s=np.floor(dwell_s * pattern["work_share"]).astype(np.int64),
        timed=promised,
        latest_s=state.free_s + round(pattern["window_min"] * 60.0) if promised else NEVER,
    )
    return _moved(state, step)


def _unload(plan: _Plan, state: _State, on: NDArray[np.bool_]) -> Step:
    places = plan.inputs.places_of(plan.pattern["unload_kind"])
    row = _near(plan.inputs.geography, state.zone, places, np.full(on.size, 0.5))
    return _way(plan, state, on, places["zone"].to_numpy()[row], dwell_s=round(plan.pattern["unload_min"] * 60.0))


def _way(
    plan: _Plan,
    state: _State,
    on: NDArray[np.bool_],
    target: Integers,
    *,
    dwell_s: int = 0,
    at_depot: ArrayLike = False,
) -> Step:
    distance_km, drive_s = _distance(plan, state.zone, target, state.free_s)
    return _moved(
        state, Step(on, state.free_s, drive_s, distance_km, target, dwell_s, may_charge=True, at_depot=at_depot)
    )


def _moved(state: _State, step: Step) -> Step:
    state.free_s = np.where(step.on, step.ready_s(), state.free_s)
    state.zone = np.where(step.on, step.zone, state.zone)
    return step


def _distance(plan: _Plan, origin: Integers, target: Integers, second: Integers) -> tuple[Floats, Integers]:
    distance_km = road_km(plan.inputs.geography, origin, target)
    speed = speed_at(plan.inputs.geography, target, second, plan.day.weekend)
    return distance_km, np.rint(distance_km / speed * 3600.0).astype(np.int64)
