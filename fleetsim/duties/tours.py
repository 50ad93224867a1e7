"""The days of goods and sanitation vehicles: tours from a base to clusters of stops, by tables of patterns."""

from dataclasses import dataclass
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl

from fleetsim.duties.arrays import Columns, StopLog, TourCrew, TourDraws, TourLog, TourRule, TourWays
from fleetsim.duties.draws import Floats, Integers, evenly, whole
from fleetsim.duties.driving import draw_places, drive_tours
from fleetsim.duties.fleet import DayOf, DutyInputs, Roll, expand, vehicle_table
from fleetsim.duties.geography import zone_of_district
from fleetsim.duties.itinerary import FleetDay, seconds, written_by_group
from fleetsim.duties.tables import Served
from fleetsim.scenario.sections import DutiesSection
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
    served: StopLog

    def most_legs(self) -> Integers:
        """Return how many legs each vehicle has at most."""
        return np.asarray(self.crew.tours * _legs_a_tour(self.plan.pattern) + np.where(self.crew.depot, 0, 2))


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
    patterns = patterns_of(inputs, day.fleet)
    number = _pattern_of(patterns, roll, day.fleet)
    groups = []
    for index, pattern in enumerate(patterns.iter_rows(named=True)):
        plan = _Plan(inputs, day, pattern)
        groups.append(_group(plan, _at_work(plan, np.flatnonzero(number == index), in_service_share), roll))
    vehicle, table = written_by_group(roll.row.size, groups, _drive)
    vehicles = vehicle_table(roll.take(vehicle), *_stands(inputs, groups, vehicle, roll.row.size))
    return FleetDay(vehicles, table, served=_served(groups, vehicle))


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
    shape = (vehicle.size, pattern["tours_high"], pattern["clusters"])
    served = StopLog(np.zeros(shape, np.int16), np.zeros(shape, np.float32))
    return _Group(plan, vehicle, bases["number"].to_numpy()[base], crew, served)


def _near(inputs: DutyInputs, kind: str, zone: Integers, uniform: Floats) -> Integers:
    """Return for each zone the row of a place of a kind near it, large places rather than small ones."""
    row = np.empty(zone.size, np.int64)
    draw_places(inputs.near_shares(kind), zone, uniform, row)
    return row


def _drive(group: _Group, row: Integers, legs: Columns) -> Integers:
    """Write the legs of a group from its rows on; return the rows after them."""
    plan, pattern, crew, done = group.plan, group.plan.pattern, group.crew._replace(row=row), group.served
    inputs, name = plan.inputs, pattern["pattern"]
    ground = inputs.geography.ground(weekend=plan.day.weekend)
    unload = unload_zones(inputs, pattern)
    ways = TourWays(inputs.activity_kernel(pattern["stem_km"]), inputs.activity_kernel(pattern["hop_km"]), unload)
    rule = tour_rule(pattern, inputs.section)
    shape = (row.size, pattern["tours_high"], pattern["clusters"], DRAWS_A_CLUSTER)
    loads = plan.day.parts(inputs.seed, f"{name} loads", *shape[:2])
    for (part, stops), (_, load) in zip(plan.day.parts(inputs.seed, f"{name} stops", *shape), loads, strict=True):
        log = TourLog(legs, StopLog(done.stops[part], done.kg[part]))
        drive_tours(ground, ways, rule, crew.some(part), TourDraws(stops, load), log)
    return row


def unload_zones(inputs: DutyInputs, pattern: Row) -> Integers:
    """Return by zone that of the place of unloading near it; empty where the pattern has none."""
    if pattern["unload_kind"] is None:
        return np.empty(0, np.int64)
    zones = inputs.geography.population.size
    row = _near(inputs, pattern["unload_kind"], np.arange(zones), np.full(zones, 0.5))
    return np.asarray(inputs.places_of(pattern["unload_kind"])["zone"].to_numpy()[row])


def patterns_of(inputs: DutyInputs, fleet: str) -> pl.DataFrame:
    """Return the patterns of a fleet by name, rows of the table `TourPattern`."""
    return inputs.tables.tours.filter(pl.col("fleet") == fleet).sort("pattern")


def _served(groups: list[_Group], vehicle: Integers) -> dy.DataFrame[Served]:
    """Return what was done at the stops; `vehicle` are the vehicles that have legs, now numbered from 0."""
    parts = [part for number, group in enumerate(groups) for part in [_served_of(number, group)] if part.height]
    if not parts:
        return Served.create_empty()
    table = pl.concat(parts)
    table = table[np.argsort(table["vehicle_id"].to_numpy(), kind="stable")]
    return Served.cast(table.with_columns(vehicle_id=np.searchsorted(vehicle, table["vehicle_id"].to_numpy())))


def _served_of(number: int, group: _Group) -> pl.DataFrame:
    """Return what the vehicles of a pattern did, under their numbers in the fleet and in their order."""
    pattern, done = group.plan.pattern, group.served
    row, tour, cluster = np.nonzero(done.kg)
    leg = np.where(group.crew.depot[row], 0, 1) + tour * _legs_a_tour(pattern) + cluster
    kg, stops = done.kg[row, tour, cluster], done.stops[row, tour, cluster]
    columns = {"vehicle_id": group.vehicle[row], "leg": leg, "pattern": np.full(row.size, number)}
    return pl.DataFrame({**columns, "stops": stops, "kg": kg})


def _legs_a_tour(pattern: Row) -> int:
    return int(pattern["clusters"] + 1 + (pattern["unload_kind"] is not None))


def tour_rule(pattern: Row, section: DutiesSection) -> TourRule:
    """Return a row of the table `TourPattern` as numbers."""
    window_min, refill_km = pattern["window_min"], pattern["refill_km"]
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
        last_s=round(section.tour_last_start_h * 3600.0),
        stops_spread=section.tour_stops_spread,
        collects=pattern["load"] == "collects",
        stop_kg=float(pattern["stop_kg"] or 0.0) if pattern["load"] else 0.0,
        kg_spread=float(pattern["stop_kg_spread"] or 0.0),
        refill_km=-1.0 if refill_km is None else float(refill_km),
        refill_s=round((pattern["refill_min"] or 0.0) * 60.0),
    )
