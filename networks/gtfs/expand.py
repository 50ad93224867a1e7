"""The trips of one day of a feed: from patterns of stops and frequencies to single departures."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl

from networks.gtfs.days import ServiceDay
from networks.gtfs.lengths import Lengths, stop_distances_km, trip_lengths
from networks.gtfs.read import Feed
from networks.import_rules import FeedRules, feed_rules

BUS_TYPES = frozenset({3, 11, 715, 800, *range(700, 715), 716})
"""Route types of buses and trolleybuses, of the specification and of its extension (700 to 716, 800)."""
TRIP_SPACING_KM = 1e5
"""Distance between two trips on a scale on which all stand one after the other, longer than any trip; numerics."""


@dataclass(frozen=True, eq=False)
class DayTrips:
    """The single departures of a day.

    `trips` has one row a departure: trip_id, route_id, direction (null where the feed does not say), block_id,
    first_stop and last_stop (places in stops.txt), departure_s, run_s, length_km.
    """

    trips: pl.DataFrame
    lengths: Lengths
    by_frequency: int
    """Departures that come from frequencies.txt."""


def trips_of_types(feed: Feed, route_types: Collection[int] = BUS_TYPES) -> pl.DataFrame:
    """Return the trips of routes of the given types; column `trip` is the place in trips.txt."""
    routes = feed.table("routes").filter(pl.col("route_type").is_in(sorted(route_types)))
    trips = feed.table("trips").with_row_index("trip")
    return trips.join(routes.select("route_id").unique(), on="route_id", how="semi", maintain_order="left")


def expand(
    feed: Feed,
    day: ServiceDay,
    *,
    route_types: Collection[int] = BUS_TYPES,
    leave_out: Collection[str] = (),
    detour: float = 1.3,
    rules: FeedRules | None = None,
) -> DayTrips:
    """Return every departure of a day.

    Parameters
    ----------
    feed
        A feed whose faulty trips stand in `leave_out`, see `networks.gtfs.check.find_faults`.
    day
        The day, see `networks.gtfs.days.service_day`.
    route_types
        Route types that are kept; buses and trolleybuses unless said otherwise.
    leave_out
        Trips (trip_id) that are left out.
    detour
        Road distance over the straight line between stops, for trips without a usable shape [-].
    rules
        What is plausible; left out: the shipped rules.

    Notes
    -----
    A trip of frequencies.txt runs at `start_time` and every `headway_secs` after it, before `end_time`, with the
    running time of its pattern. With `exact_times` 0 the feed promises the headway only; the same departures
    stand for it. Such trips lose their block: one bus cannot run them all. A trip faster than
    `fastest_kmh` (all its times equal, a stop far off) is given the running time of that speed.
    """
    rules = rules or feed_rules()
    trips = trips_of_types(feed, route_types).filter(
        pl.col("service_id").is_in(day.services), ~pl.col("trip_id").is_in(sorted(leave_out))
    )
    events = (
        feed.stop_events.join(trips.select("trip"), on="trip", how="semi")
        .drop_nulls("stop")
        .sort("trip", "stop_sequence")
    )
    ends = _ends(events)
    lengths = trip_lengths(feed, trips, events, detour, rules)
    table = (
        trips.join(ends, on="trip")
        .join(lengths.trips, on="trip")
        .with_columns(run_s=pl.max_horizontal("run_s", _shortest_s(rules)))
        .with_columns(direction=pl.when(pl.col("direction_id").is_in([0, 1])).then("direction_id"))
        .sort("trip")
    )
    single = _single_departures(table, feed.table("frequencies"))
    columns = ("trip_id", "route_id", "direction", "block_id", "first_stop", "last_stop", "departure_s", "run_s")
    kept = single.select(*columns, "length_km").sort("departure_s", "trip_id")
    return DayTrips(kept, lengths, int(single["repeated"].sum()))


def timed_stops(feed: Feed, trips: pl.DataFrame) -> pl.DataFrame:
    """Return the stop times of trips, missing ones between two known ones by the distance between stops.

    Columns as `Feed.stop_events`, and `interpolated`.

    Parameters
    ----------
    feed
        A feed without faults in these trips.
    trips
        Column `trip`: places in trips.txt.
    """
    events = feed.stop_events.join(trips.select("trip"), on="trip", how="semi").drop_nulls("stop")
    events = events.sort("trip", "stop_sequence")
    way_km = events["trip"].to_numpy() * TRIP_SPACING_KM + np.cumsum(stop_distances_km(feed, events))
    known = events["arrival_s"].is_not_null().to_numpy()
    at_km = np.repeat(way_km[known], 2)
    clock = events.filter(known).select("arrival_s", "departure_s").to_numpy().ravel()
    between = np.rint(np.interp(way_km, at_km, clock)).astype(np.int32)
    return events.with_columns(
        pl.coalesce("arrival_s", pl.Series(between)).alias("arrival_s"),
        pl.coalesce("departure_s", pl.Series(between)).alias("departure_s"),
        interpolated=pl.Series(~known),
    )


def _shortest_s(rules: FeedRules) -> pl.Expr:
    return (pl.col("length_km") / rules.fastest_kmh * 3600.0).ceil().cast(pl.Int32)


def _ends(events: pl.DataFrame) -> pl.DataFrame:
    return events.group_by("trip", maintain_order=True).agg(
        pl.col("stop").first().alias("first_stop"),
        pl.col("stop").last().alias("last_stop"),
        pl.col("departure_s").first(),
        (pl.col("arrival_s").last() - pl.col("departure_s").first()).alias("run_s"),
    )


def _single_departures(trips: pl.DataFrame, frequencies: pl.DataFrame) -> pl.DataFrame:
    rows = frequencies.select("trip_id", "start_time", "end_time", "headway_secs").drop_nulls()
    rows = rows.filter(pl.col("headway_secs") > 0)
    once = trips.join(rows, on="trip_id", how="anti", maintain_order="left").with_columns(repeated=pl.lit(False))
    times = pl.int_ranges("start_time", "end_time", "headway_secs")
    often = (
        rows.with_columns(departure_s=times)
        .explode("departure_s", empty_as_null=False)
        .select("trip_id", pl.col("departure_s").cast(pl.Int32))
        .unique(maintain_order=True)
        .join(trips.drop("departure_s"), on="trip_id", maintain_order="left")
        .with_columns(
            trip_id=pl.format("{}@{}", "trip_id", "departure_s"),
            block_id=pl.lit(None, dtype=pl.String),
            repeated=pl.lit(True),
        )
    )
    return pl.concat([once, often.select(once.columns)])
