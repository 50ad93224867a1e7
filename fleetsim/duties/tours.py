"""The days of goods and sanitation vehicles: tours from a base to clusters of stops, by tables of patterns."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fleetsim.duties.draws import Floats, Integers, evenly, whole
from fleetsim.duties.driving import Columns, TourCrew, TourRule, TourWays, draw_places, drive_tours
from fleetsim.duties.fleet import DayOf, DutyInputs, Roll, expand, vehicle_table
from fleetsim.duties.geography import zone_of_district
from fleetsim.duties.itinerary import FleetDay, seconds, written_by_group
from networks.errors import DataError

DRAWS_A_CLUSTER = 3

Row = dict[str, Any]


@dataclass(frozen=True)
class _Plan:
    """What a group's legs follow from: the city, the day and the row of the pattern."""

    inputs: DutyInputs
    day: DayOf
    pattern: Row


@dataclass(frozen=True)
class _Group:
    """The vehicles of one pattern: numbers within the fleet, places of their bases, and what they do."""

    plan: _Plan
    vehicle: Integers
    base_place: Integers
    crew: TourCrew

    def most_legs(self) -> Integers:
        """Return how many legs each vehicle has at most."""
        a_tour = self.plan.pattern["clusters"] + 1 + (self.plan.pattern["unload_kind"] is not None)
        return np.asarray(self.crew.tours * a_tour + np.where(self.crew.depot, 0, 2))


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
    roll = expand(counts)
    patterns = inputs.tables.tours.filter(pl.col("fleet") == day.fleet).sort("pattern")
    number = _pattern_of(patterns, roll, day.fleet)
    groups = []
    for index, pattern in enumerate(patterns.iter_rows(named=True)):
        plan = _Plan(inputs, day, pattern)
        groups.append(_group(plan, _at_work(plan, np.flatnonzero(number == index), in_service_share), roll))
    vehicle, table = written_by_group(roll.row.size, groups, _drive)
    return FleetDay(vehicle_table(roll.take(vehicle), *_stands(inputs, groups, vehicle, roll.row.size)), table)


def _stands(inputs: DutyInputs, groups: list[_Group], vehicle: Integers, size: int) -> tuple[Integers, pl.Series]:
    """Return the zone where each vehicle stands at night, and its depot, of the vehicles asked for."""
    places = inputs.places["place"].extend_constant(None, 1)
    zone, depot = np.zeros(size, np.int64), np.full(size, len(places) - 1)
    for group in groups:
        at_base = group.crew.depot
        zone[group.vehicle] = np.where(at_base, group.crew.base, group.crew.home)
        depot[group.vehicle[at_base]] = group.base_place[at_base]
    return zone[vehicle], places.gather(depot[vehicle])


def _at_work(plan: _Plan, vehicle: Integers, in_service_share: float) -> Integers:
    share = in_service_share * (plan.pattern["weekend_share"] if plan.day.weekend else 1.0)
    return vehicle[evenly(vehicle.size, share)]


def _pattern_of(patterns: pl.DataFrame, roll: Roll, fleet: str) -> Integers:
    own = np.array(patterns["exempt_reason"].fill_null("").to_list())
    share = patterns["share"].to_numpy()
    result = np.zeros(roll.row.size, np.int64)
    for name in roll.reasons():
        rows = np.flatnonzero(own == name)
        rows = rows if rows.size else np.flatnonzero(own == "")
        if not rows.size:
            raise DataError(f"duty_tours.csv, fleet {fleet!r}: no pattern for exempt reason {name!r}; add a row")
        vehicles = roll.of_reason(name)
        result[vehicles] = _mixed(rows, whole(share[rows], vehicles.size))
    return result


def _mixed(values: Integers, numbers: Integers) -> Integers:
    """Return every value as often as asked, mixed evenly along the row."""
    position = np.concatenate([(np.arange(number) + 0.5) / number for number in numbers])
    return np.asarray(np.repeat(values, numbers)[np.argsort(position, kind="stable")])


def _group(plan: _Plan, vehicle: Integers, roll: Roll) -> _Group:
    inputs, place, pattern = plan.inputs, plan.inputs.geography, plan.pattern
    draws = plan.day.uniform(inputs.seed, f"{pattern['pattern']} home", vehicle.size, 3)
    districts, weight = roll.groups["district"].to_list(), place.population + place.jobs
    home = zone_of_district(place, districts, roll.row[vehicle], weight, draws[:, 0])
    bases = inputs.places_of(pattern["base_kind"])
    base = _near(inputs, pattern["base_kind"], home, draws[:, 1])
    works = plan.day.uniform(inputs.seed, f"{pattern['pattern']} plan", vehicle.size, 2)
    options = pattern["tours_high"] - pattern["tours_low"] + 1
    crew = TourCrew(
        start_s=seconds(pattern["start_low_h"] + (pattern["start_high_h"] - pattern["start_low_h"]) * works[:, 0]),
        tours=pattern["tours_low"] + np.floor(works[:, 1] * options).astype(np.int64),
        home=home,
        base=bases["zone"].to_numpy()[base],
        depot=draws[:, 2] < pattern["depot_share"],
        row=np.zeros(vehicle.size, np.int64),
    )
    return _Group(plan, vehicle, bases["number"].to_numpy()[base], crew)


def _near(inputs: DutyInputs, kind: str, zone: Integers, uniform: Floats) -> Integers:
    """Return for each zone the row of a place of a kind near it, large places rather than small ones."""
    row = np.empty(zone.size, np.int64)
    draw_places(inputs.near_shares(kind), zone, uniform, row)
    return row


def _drive(group: _Group, row: Integers, legs: Columns) -> Integers:
    """Write the legs of a group from its rows on; return the rows after them."""
    plan, pattern, crew = group.plan, group.plan.pattern, group.crew._replace(row=row)
    ground = plan.inputs.geography.ground(weekend=plan.day.weekend)
    ways, rule = _ways(plan), _rule(pattern)
    shape = (row.size, pattern["tours_high"], pattern["clusters"], DRAWS_A_CLUSTER)
    for part, draws in plan.day.parts(plan.inputs.seed, f"{pattern['pattern']} stops", *shape):
        drive_tours(ground, ways, rule, crew.some(part), draws, legs)
    return row


def _ways(plan: _Plan) -> TourWays:
    inputs, pattern = plan.inputs, plan.pattern
    unload = np.empty(0, np.int64)
    if pattern["unload_kind"] is not None:
        zones = inputs.geography.population.size
        row = _near(inputs, pattern["unload_kind"], np.arange(zones), np.full(zones, 0.5))
        unload = inputs.places_of(pattern["unload_kind"])["zone"].to_numpy()[row]
    return TourWays(inputs.activity_kernel(pattern["stem_km"]), inputs.activity_kernel(pattern["hop_km"]), unload)


def _rule(pattern: Row) -> TourRule:
    window_min = pattern["window_min"]
    return TourRule(
        clusters=pattern["clusters"],
        stops=float(pattern["stops"]),
        stop_min=float(pattern["stop_min"]),
        stop_km=float(pattern["stop_km"]),
        cluster_kmh=float(pattern["cluster_kmh"] or 0.0),
        work_share=float(pattern["work_share"]),
        window_s=-1 if window_min is None else round(window_min * 60.0),
        rest_s=round(pattern["base_min"] * 60.0),
        unload_s=round((pattern["unload_min"] or 0.0) * 60.0),
    )
