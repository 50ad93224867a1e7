"""Which services of a feed run on which date, and which date is the busiest."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from networks.errors import DataError
from networks.gtfs.files import WEEKDAYS
from networks.gtfs.read import Feed

DayType = Literal["any", "weekday", "weekend"]

ADDED = 1
SATURDAY = 5
LONGEST_DAYS = 366 * 200
"""A feed's dates are looked at from the first for so many days: the year 9999 stands for no end."""


@dataclass(frozen=True)
class ServiceDay:
    """A date and what runs on it."""

    date: date
    services: tuple[str, ...]
    trips: int
    """Trips of the date, each departure of a frequency counted."""


def service_day(
    feed: Feed, day: date | None = None, *, among: DayType = "any", route_types: Collection[int] | None = None
) -> ServiceDay:
    """Return a date's services: the given date, or the busiest date of the feed, of several the earliest.

    Parameters
    ----------
    feed
        A feed.
    day
        The date; left out: the busiest.
    among
        Where no date is given: look at weekdays or at Saturdays and Sundays only.
    route_types
        Count the trips of these types of route only; left out: all.

    Raises
    ------
    DataError
        If no trip runs on the date, or on any date.
    """
    first, trips = trips_by_date(feed, route_types)
    if day is None:
        day = _busiest(feed, first, trips, among)
    place = (day - first).days
    number = int(trips[place]) if 0 <= place < trips.size else 0
    if not number:
        last = first + timedelta(days=int(trips.size) - 1)
        raise DataError(f"{feed.path}: no trip runs on {day}; choose a date from {first} to {last} with service")
    return ServiceDay(day, _services(feed, day), number)


def trips_by_date(feed: Feed, route_types: Collection[int] | None = None) -> tuple[date, npt.NDArray[np.int64]]:
    """Return the first date of the feed's calendars and the trips of it and of each date after it."""
    weight = _trips_by_service(feed, route_types)
    weekly, single = _weekly(feed, weight), _single(feed, weight)
    dates = pl.concat([weekly["start_date"], weekly["end_date"], single["date"]])
    if dates.is_empty():
        raise DataError(f"{feed.path}: calendar.txt and calendar_dates.txt name no date; add the days of service")
    first, last = cast(date, dates.min()), cast(date, dates.max())
    size = min((last - first).days + 1, LONGEST_DAYS)
    return first, _from_weeks(weekly, first, size) + _from_dates(weekly, single, first, size)


def has_service(feed: Feed, among: DayType, *, route_types: Collection[int] | None = None) -> bool:
    """Return whether any trip runs on a date of the type."""
    first, trips = trips_by_date(feed, route_types)
    return bool((trips * _of_type(first, trips.size, among)).any())


def _busiest(feed: Feed, first: date, trips: npt.NDArray[np.int64], among: DayType) -> date:
    wanted = trips * _of_type(first, trips.size, among)
    if not wanted.any():
        what = "date" if among == "any" else among
        raise DataError(f"{feed.path}: no trip runs on any {what}; correct service_id in trips.txt and the calendars")
    return first + timedelta(days=int(wanted.argmax()))


def _of_type(first: date, size: int, among: DayType) -> npt.NDArray[np.bool_]:
    if among == "any":
        return np.ones(size, np.bool_)
    weekend = (np.arange(size) + first.weekday()) % 7 >= SATURDAY
    return weekend if among == "weekend" else ~weekend


def _services(feed: Feed, day: date) -> tuple[str, ...]:
    weight = _trips_by_service(feed, None)
    weekly, single = _weekly(feed, weight), _single(feed, weight).filter(pl.col("date") == day)
    running = weekly.filter(
        pl.col("start_date") <= day, pl.col("end_date") >= day, pl.col(WEEKDAYS[day.weekday()]) == 1
    )["service_id"]
    added = single.filter(pl.col("exception_type") == ADDED)["service_id"]
    removed = single.filter(pl.col("exception_type") != ADDED)["service_id"]
    return tuple(sorted((set(running) - set(removed)) | set(added)))


def _weekly(feed: Feed, weight: pl.DataFrame) -> pl.DataFrame:
    table = feed.table("calendar").drop_nulls(["service_id", "start_date", "end_date"])
    table = table.unique("service_id", keep="first", maintain_order=True).filter(
        pl.col("start_date") <= pl.col("end_date")
    )
    return table.join(weight, on="service_id", maintain_order="left")


def _single(feed: Feed, weight: pl.DataFrame) -> pl.DataFrame:
    table = feed.table("calendar_dates").drop_nulls(["service_id", "date", "exception_type"])
    table = table.unique(["service_id", "date"], keep="first", maintain_order=True)
    return table.join(weight, on="service_id", maintain_order="left")


def _trips_by_service(feed: Feed, route_types: Collection[int] | None) -> pl.DataFrame:
    departures = feed.table("frequencies").group_by("trip_id", maintain_order=True).agg(departures=_departures().sum())
    trips = feed.table("trips")
    if route_types is not None:
        routes = feed.table("routes").filter(pl.col("route_type").is_in(sorted(route_types)))
        trips = trips.join(routes, on="route_id", how="semi")
    trips = trips.join(departures, on="trip_id", how="left")
    return trips.group_by("service_id", maintain_order=True).agg(trips=pl.col("departures").fill_null(1).sum())


def _departures() -> pl.Expr:
    span = pl.col("end_time") - pl.col("start_time")
    headway = pl.col("headway_secs")
    return pl.when(headway > 0, span > 0).then((span + headway - 1) // headway).otherwise(0).cast(pl.Int64)


def _from_weeks(weekly: pl.DataFrame, first: date, size: int) -> npt.NDArray[np.int64]:
    """Return the trips of each date from the weekly services alone."""
    start = (weekly["start_date"] - first).dt.total_days().to_numpy()
    end = (weekly["end_date"] - first).dt.total_days().to_numpy() + 1
    total = np.zeros(size, np.int64)
    for number, name in enumerate(WEEKDAYS):
        trips = weekly["trips"].to_numpy() * (weekly[name] == 1).fill_null(False).to_numpy()
        change = np.zeros(size + 1, np.int64)
        np.add.at(change, np.minimum(start, size), trips)
        np.add.at(change, np.minimum(end, size), -trips)
        on_day = (np.arange(size) + first.weekday()) % 7 == number
        total += np.cumsum(change[:-1]) * on_day
    return total


def _from_dates(weekly: pl.DataFrame, single: pl.DataFrame, first: date, size: int) -> npt.NDArray[np.int64]:
    """Return what the exceptions add to each date; an exception that changes nothing adds nothing."""
    week = weekly.select("service_id", "start_date", "end_date", *WEEKDAYS)
    flags = pl.concat_list(pl.col(name) == 1 for name in WEEKDAYS)
    rows = single.join(week, on="service_id", how="left").with_columns(
        runs=(
            flags.list.get(pl.col("date").dt.weekday().cast(pl.Int64) - 1)
            & (pl.col("date") >= pl.col("start_date"))
            & (pl.col("date") <= pl.col("end_date"))
        ).fill_null(False)
    )
    added = pl.col("exception_type") == ADDED
    rows = rows.with_columns(
        change=pl.when(added & ~pl.col("runs"))
        .then("trips")
        .when(~added & pl.col("runs"))
        .then(-pl.col("trips").cast(pl.Int64))
        .otherwise(0)
    )
    total = np.zeros(size, np.int64)
    place = (rows["date"] - first).dt.total_days().to_numpy()
    inside = place < size
    np.add.at(total, place[inside], rows["change"].to_numpy()[inside])
    return total
