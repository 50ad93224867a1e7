"""From a feed to the tables of a city: lines, trips with their blocks, terminals and depots."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import dataframely as dy
import polars as pl

from networks.blocks import ChainRules, minimum_blocks
from networks.depots import block_ends, nearest_depot, site_depots
from networks.errors import DataError
from networks.gtfs.check import Fault, find_faults
from networks.gtfs.days import DayType, ServiceDay, has_service, service_day
from networks.gtfs.expand import BUS_TYPES, DayTrips, expand, trips_of_types
from networks.gtfs.given import given_blocks
from networks.gtfs.lines import line_table, with_lines
from networks.gtfs.read import Feed
from networks.gtfs.terminals import terminals
from networks.import_rules import FeedRules, feed_rules
from networks.tables import DayTrip, Line, Place, Trip

Pool = Literal["agency", "line", "city"]
DAY_TYPES: tuple[DayType, ...] = ("weekday", "weekend")


@dataclass(frozen=True)
class Choice:
    """What a planner decides about a feed."""

    route_types: frozenset[int] = BUS_TYPES
    weekday: date | None = None
    """Date that stands for weekdays; left out: the busiest."""
    weekend: date | None = None
    keep_blocks: bool = True
    """Keep the blocks the feed gives; else all are built."""
    pool: Pool = "agency"
    """Who shares buses where blocks are built: the lines of an agency, nobody but the line, or all."""
    rules: ChainRules = field(default_factory=ChainRules)
    leave_out_faulty: bool = False
    assumed: FeedRules = field(default_factory=feed_rules)
    """What is assumed where the feed says nothing."""


@dataclass(frozen=True, eq=False)
class DayBlocks:
    """A day's trips and blocks."""

    day: ServiceDay
    trips: dy.DataFrame[Trip]
    by_frequency: int
    given: int
    """Blocks the feed gives."""
    overlaps: tuple[str, ...]
    """Trips that overlap another one of their given block and got a bus of their own or another's."""

    @property
    def buses(self) -> int:
        """Blocks of the day."""
        return int(self.trips["block"].n_unique())


@dataclass(frozen=True, eq=False)
class CityTimetable:
    """A feed as city tables; the district of places and lines is left empty."""

    lines: dy.DataFrame[Line]
    trips: dy.DataFrame[DayTrip]
    places: dy.DataFrame[Place]
    """Terminals, and the depots that were sited by rule."""
    days: dict[str, DayBlocks]
    notes: tuple[str, ...]


def require_sound(feed: Feed, choice: Choice) -> frozenset[str]:
    """Return the trips that must be left out for their faults.

    Raises
    ------
    DataError
        With every fault at once, unless the choice is to leave the trips concerned out; faults of the whole feed
        are raised in any case. Faults of trips of other route types are passed over.
    """
    faults = find_faults(feed)
    whole = [line for fault in faults if fault.trips is None for line in fault.messages()]
    if whole and choice.leave_out_faulty:
        raise DataError(whole)
    other = frozenset(feed.table("trips")["trip_id"].drop_nulls()) - frozenset(
        trips_of_types(feed, choice.route_types)["trip_id"].drop_nulls()
    )
    concerned = [fault for fault in faults if fault.trips is None or not _only_in(fault, other)]
    if (feed.problems or concerned) and not choice.leave_out_faulty:
        raise DataError([*feed.problems, *(line for fault in concerned for line in fault.messages())])
    return frozenset(trip for fault in concerned if fault.trips is not None for trip in fault.trips)


def convert(feed: Feed, choice: Choice, depots: dy.DataFrame[Place] | None = None) -> CityTimetable:
    """Return the tables of a city from a feed.

    Parameters
    ----------
    feed
        A feed.
    choice
        Days, route types and blocks.
    depots
        Depots that are there; left out or empty: sited by rule at terminals.

    Raises
    ------
    DataError
        With every fault of the feed; if it has no bus, or none on the days asked for.
    """
    leave_out = require_sound(feed, choice)
    _require_types(feed, choice.route_types)
    return _timetable(feed, choice, _days(feed, choice), leave_out, depots)


def blocks(
    feed: Feed, day: date | None = None, choice: Choice | None = None, depots: dy.DataFrame[Place] | None = None
) -> DayBlocks:
    """Return one day's trips and blocks; parameters and errors as `service_day` and `convert`."""
    choice = choice or Choice()
    leave_out = require_sound(feed, choice)
    _require_types(feed, choice.route_types)
    services = {"weekday": service_day(feed, day, route_types=choice.route_types)}
    return _timetable(feed, choice, services, leave_out, depots).days["weekday"]


def _timetable(
    feed: Feed,
    choice: Choice,
    services: dict[str, ServiceDay],
    leave_out: frozenset[str],
    depots: dy.DataFrame[Place] | None,
) -> CityTimetable:
    runs = _runs(feed, choice, services, leave_out)
    ends = pl.concat([run.trips[side] for run in runs.values() for side in ("first_stop", "last_stop")])
    places, of_stop = terminals(feed, ends, choice.assumed)
    tables = {name: with_lines(run.trips, of_stop, places) for name, run in runs.items()}
    days: dict[str, DayBlocks] = {}
    for name, table in tables.items():
        alike = next((days[other] for other in days if tables[other].equals(table)), None)
        made = alike or _day_blocks(feed, services[name], runs[name], table, places, choice)
        days[name] = replace(made, day=services[name])
    sited = _sited(days, places, choice) if depots is None or depots.is_empty() else Place.create_empty()
    homes = sited if depots is None or depots.is_empty() else depots
    days = {name: _with_depots(day, places, homes) for name, day in days.items()}
    trips = pl.concat([day.trips.with_columns(day=pl.lit(name)) for name, day in days.items()])
    return CityTimetable(
        lines=_at_depots(line_table(feed, tables, choice.assumed), trips),
        trips=DayTrip.validate(trips.select(DayTrip.column_names()), cast=True),
        places=Place.validate(pl.concat([places, sited]).sort("place")),
        days=days,
        notes=(*feed.notes, *feed.problems, *_notes(runs, leave_out, sited.height)),
    )


def _runs(
    feed: Feed, choice: Choice, services: dict[str, ServiceDay], leave_out: frozenset[str]
) -> dict[str, DayTrips]:
    runs = {
        name: expand(
            feed,
            day,
            route_types=choice.route_types,
            leave_out=leave_out,
            detour=choice.rules.detour,
            rules=choice.assumed,
        )
        for name, day in services.items()
    }
    if not any(run.trips.height for run in runs.values()):
        raise DataError(f"{feed.path}: no bus trip runs on {_told(services)}; choose another --date")
    return runs


def _only_in(fault: Fault, others: frozenset[str]) -> bool:
    return fault.trips is not None and fault.trips.len() > 0 and set(fault.trips) <= others


def _require_types(feed: Feed, route_types: Collection[int]) -> None:
    if trips_of_types(feed, route_types).height:
        return
    routes = feed.table("routes").join(feed.table("trips"), on="route_id", how="left")
    counts = routes.group_by("route_type", maintain_order=True).agg(trips=pl.col("trip_id").count()).sort("route_type")
    held = ", ".join(f"{kind} ({trips} trips)" for kind, trips in counts.iter_rows())
    asked = ", ".join(map(str, sorted(route_types)))
    raise DataError(f"{feed.path}: no trip of route types {asked}; the feed has {held}; choose with --route-type")


def _days(feed: Feed, choice: Choice) -> dict[str, ServiceDay]:
    """Return the days that stand for weekdays and weekends; a type of day without service is left out."""
    chosen = {"weekday": choice.weekday, "weekend": choice.weekend}
    return {
        kind: service_day(feed, chosen[kind], among=kind, route_types=choice.route_types)
        for kind in DAY_TYPES
        if chosen[kind] is not None or has_service(feed, kind, route_types=choice.route_types)
    }


def _told(days: dict[str, ServiceDay]) -> str:
    return " or ".join(str(day.date) for day in days.values()) or "any day"


def _day_blocks(
    feed: Feed, day: ServiceDay, run: DayTrips, table: pl.DataFrame, places: dy.DataFrame[Place], choice: Choice
) -> DayBlocks:
    table, given, overlaps = given_blocks(table) if choice.keep_blocks else (table.with_columns(block=None), 0, [])
    trips = Trip.validate(table.select(Trip.column_names()), cast=True)
    loose = Trip.validate(trips.filter(pl.col("block").is_null()))
    built = minimum_blocks(loose, places, choice.rules, _pool(feed, loose["line"], choice.pool))
    kept_blocks = trips.filter(pl.col("block").is_not_null())
    joined = pl.concat([kept_blocks, built.with_columns(pl.col("block") + given)]).sort("departure_s", "trip")
    first = joined.group_by("block", maintain_order=True).agg().with_row_index("number")
    joined = joined.join(first, on="block", maintain_order="left").with_columns(block=pl.col("number").cast(pl.Int64))
    kept = Trip.validate(joined.select(Trip.column_names()).sort("trip"))
    return DayBlocks(day, kept, run.by_frequency, given, tuple(overlaps))


def _pool(feed: Feed, line: pl.Series, pool: Pool) -> pl.Series | None:
    if pool == "city":
        return None
    if pool == "line":
        return line
    agency = feed.table("routes").select(line="route_id", agency=pl.col("agency_id").fill_null(""))
    return line.to_frame("line").join(agency.unique("line"), on="line", how="left", maintain_order="left")["agency"]


def _sited(days: dict[str, DayBlocks], places: dy.DataFrame[Place], choice: Choice) -> dy.DataFrame[Place]:
    largest = max(days.values(), key=lambda day: day.buses)
    sites = site_depots(block_ends(largest.trips), places, choice.assumed.buses_a_depot)
    homes = nearest_depot(block_ends(largest.trips), places, places.filter(pl.col("place").is_in(sites)))
    sizes = homes.group_by("depot", maintain_order=True).agg(size=pl.len().cast(pl.Float64))
    rows = places.filter(pl.col("place").is_in(sites)).drop("size")
    rows = rows.join(sizes, left_on="place", right_on="depot", how="left")
    table = rows.with_columns(
        pl.col("size").fill_null(0.0),
        place=pl.format("depot_{}", "place"),
        name=pl.format("Depot at {} (by rule)", "name"),
        name_zh=pl.format("{}场站（示意）", "name_zh"),
        kind=pl.lit("bus_depot"),
        accuracy_m=pl.lit(choice.assumed.depot_accuracy_m),
        basis=pl.lit("synthetic"),
    )
    return Place.validate(table.select(Place.column_names()).sort("place"), cast=True)


def _with_depots(day: DayBlocks, places: dy.DataFrame[Place], depots: dy.DataFrame[Place]) -> DayBlocks:
    homes = nearest_depot(block_ends(day.trips), places, depots).select("block", "depot")
    trips = day.trips.drop("depot").join(homes, on="block", maintain_order="left").select(Trip.column_names())
    return DayBlocks(day.day, Trip.validate(trips.sort("trip")), day.by_frequency, day.given, day.overlaps)


def _at_depots(lines: pl.DataFrame, trips: pl.DataFrame) -> dy.DataFrame[Line]:
    """Return the lines with the depot most of their trips' buses come from."""
    counts = trips.group_by("line", "depot", maintain_order=True).len().sort(["len", "depot"], descending=[True, False])
    home = counts.unique("line", keep="first", maintain_order=True).select("line", "depot")
    return Line.validate(lines.drop("depot").join(home, on="line").select(Line.column_names()).sort("line"), cast=True)


def _notes(runs: dict[str, DayTrips], leave_out: frozenset[str], sited: int) -> list[str]:
    notes = [f"{len(leave_out)} trips with faults are left out"] if leave_out else []
    for name, run in runs.items():
        basis = run.lengths.trips.group_by("basis", maintain_order=True).len().sort("basis")
        told = ", ".join(f"{number} by {how}" for how, number in basis.iter_rows())
        notes.append(f"{name}: length of trips {told}")
        if run.by_frequency:
            notes.append(f"{name}: {run.by_frequency} departures from frequencies.txt")
    if sited:
        notes.append(f"bus depots sited at terminals by rule (synthetic): {sited}")
    return notes
