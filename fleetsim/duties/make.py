"""The duties of all fleets on a representative day."""

from typing import Any

import dataframely as dy
import polars as pl

from fleetsim.duties.airside import airside_day
from fleetsim.duties.bus import bus_day
from fleetsim.duties.fleet import DayOf, DutyInputs, counts_of
from fleetsim.duties.itinerary import FleetDay
from fleetsim.duties.taxi import taxi_day
from fleetsim.duties.tours import tour_day
from fleetsim.tables import FleetCount
from networks.errors import DataError
from networks.io import require_known
from networks.tables import Trip
from networks.transit import chain, timetable

BUS_FLEETS = ("bus_municipal",)
TAXI_FLEETS = ("taxi_company", "taxi_social", "taxi_individual")
GOODS_FLEETS = ("goods_light_pass", "goods_light_exempt")
SANITATION_FLEETS = ("sanitation_light", "sanitation_heavy")
AIRSIDE_FLEETS = ("airside",)
FLEETS = (*BUS_FLEETS, *TAXI_FLEETS, *GOODS_FLEETS, *SANITATION_FLEETS, *AIRSIDE_FLEETS)


def day_of(row: dict[str, Any], fleet: str = "") -> DayOf:
    """Return a row of the table `Day` as the day of a fleet."""
    return DayOf(fleet, row["day"], row["month"], row["weekend"])


def bus_trips(inputs: DutyInputs, *, weekend: bool) -> dy.DataFrame[Trip]:
    """Return the timetable of a weekday or weekend day, its trips chained to blocks."""
    trips = timetable(inputs.tables.lines, inputs.tables.line_hours, weekend=weekend)
    return chain(trips, layover_s=round(inputs.section.bus_layover_min * 60.0))


def make_fleet(
    inputs: DutyInputs, counts: dy.DataFrame[FleetCount], day: DayOf, trips: dy.DataFrame[Trip] | None = None
) -> FleetDay:
    """Return one fleet's day: its vehicles and their legs.

    Parameters
    ----------
    inputs
        City tables, section and seed.
    counts
        Vehicles of all fleets; only the rows of the fleet matter.
    day
        The fleet and its representative day.
    trips
        Buses: the timetable of the day with its blocks, see `bus_trips`; made anew where it is left out.

    Notes
    -----
    The result depends on `inputs`, `day` and the fleet's own counts (see `counts_key`), not on the year or
    the powertrains, so it can be kept from year to year while the fleet keeps its size.
    """
    own = counts_of(counts, day.fleet)
    _require_districts(inputs, own, day.fleet)
    if day.fleet in BUS_FLEETS:
        return bus_day(inputs, own, day, bus_trips(inputs, weekend=day.weekend) if trips is None else trips)
    if day.fleet in TAXI_FLEETS:
        return taxi_day(inputs, own, day)
    if day.fleet in AIRSIDE_FLEETS:
        return airside_day(inputs, own, day)
    section = inputs.section
    goods = day.fleet in GOODS_FLEETS
    return tour_day(inputs, own, day, section.goods_in_service_share if goods else section.sanitation_in_service_share)


def make_day(inputs: DutyInputs, counts: dy.DataFrame[FleetCount], row: dict[str, Any]) -> dict[str, FleetDay]:
    """Return the day of every fleet that has vehicles, by fleet; `row` is a row of the table `Day`."""
    present = [fleet for fleet in FLEETS if counts_of(counts, fleet).height]
    return {fleet: make_fleet(inputs, counts, day_of(row, fleet)) for fleet in present}


def counts_key(counts: dy.DataFrame[FleetCount], fleet: str) -> tuple[tuple[str, str, int], ...]:
    """Return what of the counts a fleet's day depends on, as a key to keep days under."""
    own = counts_of(counts, fleet).sort("district", "exempt_reason")
    return tuple(own.select("district", "exempt_reason", "vehicles").iter_rows())


def _require_districts(inputs: DutyInputs, counts: pl.DataFrame, fleet: str) -> None:
    zones = inputs.tables.zones["district"].unique()
    remedy = "use a district that has zones"
    problems = require_known(f"vehicles of {fleet}", counts["district"], zones, remedy)
    if problems:
        raise DataError(problems)
