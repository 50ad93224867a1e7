"""The duties of all fleets on a representative day."""

from typing import Any

import dataframely as dy
import polars as pl

from fleetsim.duties.airside import airside_day
from fleetsim.duties.bus import bus_day
from fleetsim.duties.fleet import DayOf, DutyInputs, counts_of
from fleetsim.duties.itinerary import FleetDay
from fleetsim.duties.tables import FleetCount
from fleetsim.duties.taxi import taxi_day
from fleetsim.duties.timetable import day_trips
from fleetsim.duties.tours import tour_day
from networks.errors import DataError
from networks.io import require_known
from networks.tables import Trip

GOODS_GROUPS = ("goods", "truck")


def day_of(row: dict[str, Any], fleet: str = "", group: str = "") -> DayOf:
    """Return a row of the table `Day` as the day of a fleet of a group."""
    return DayOf(fleet, row["day"], row["month"], row["weekend"], group)


def bus_trips(inputs: DutyInputs, *, weekend: bool) -> dy.DataFrame[Trip]:
    """Return the timetable of a weekday or weekend day, its trips chained to blocks."""
    tables = inputs.tables
    return day_trips(tables.trips, tables.places, tables.lines, tables.line_hours, inputs.section, weekend=weekend)


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
    if day.kind == "bus":
        return bus_day(inputs, own, day, bus_trips(inputs, weekend=day.weekend) if trips is None else trips)
    if day.kind == "taxi":
        return taxi_day(inputs, own, day)
    if day.kind == "airside":
        return airside_day(inputs, own, day)
    section = inputs.section
    goods = day.kind in GOODS_GROUPS
    return tour_day(inputs, own, day, section.goods_in_service_share if goods else section.sanitation_in_service_share)


def make_day(inputs: DutyInputs, counts: dy.DataFrame[FleetCount], row: dict[str, Any]) -> dict[str, FleetDay]:
    """Return the day of every fleet that has vehicles, by fleet; `row` is a row of the table `Day`."""
    present = [str(fleet) for fleet in counts["fleet"].unique(maintain_order=True) if counts_of(counts, fleet).height]
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
