"""What is wrong with a feed: every fault at once, with file, row, value and remedy."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from networks.gtfs.files import FILES, KIND_WORDS
from networks.gtfs.read import ROW, Feed

SHOWN = 20
PLACES = {"row": pl.UInt32, "value": pl.String}
GENERIC_NODE = 3
"""Stops of this location_type and above need no coordinates."""
NO_TRIPS = pl.Series("trip_id", [], pl.String)
SWAP_REMEDY = "latitude and longitude seem to be exchanged; put the degrees north in stop_lat"
KNOWN_ELSEWHERE = (
    ("trips", "route_id", "routes", "route_id"),
    ("stop_times", "trip_id", "trips", "trip_id"),
    ("stop_times", "stop_id", "stops", "stop_id"),
    ("frequencies", "trip_id", "trips", "trip_id"),
)


@dataclass(frozen=True, eq=False)
class Fault:
    """One kind of fault of a file: where it stands, and the trips that cannot be used for it.

    `trips` is None where the feed as a whole cannot be used.
    """

    file: str
    text: str
    remedy: str
    places: pl.DataFrame
    trips: pl.Series | None

    def messages(self) -> list[str]:
        """Return a line for each row, at most 20, and one that counts the others."""
        if self.places.is_empty():
            return [f"{self.file}.txt: {self.text}; {self.remedy}"]
        shown = self.places.sort("row").head(SHOWN)
        lines = [
            f"{self.file}.txt, row {row}: {self.text.format(value=repr(value))}; {self.remedy}"
            for row, value in shown.iter_rows()
        ]
        rest = self.places.height - shown.height
        return [*lines, f"{self.file}.txt: {rest} more such rows ({self.remedy})"] if rest else lines


def check(feed: Feed) -> list[str]:
    """Return every fault of a feed, one line a fault: file, row (the header is row 1), value and remedy."""
    return [*feed.problems, *(line for fault in find_faults(feed) for line in fault.messages())]


def find_faults(feed: Feed) -> list[Fault]:
    """Return every kind of fault of a feed."""
    whole = [*_missing_files(feed), *_missing_columns(feed)]
    rows = (_unreadable, _empty_cells, _repeated_keys, _unknown_keys, _unknown_services)
    parts = (*rows, _coordinates, _stops_of_trips, _times, _frequencies)
    return whole + [fault for part in parts for fault in part(feed)]


def _whole(file: str, text: str, remedy: str) -> Fault:
    return Fault(file, text, remedy, pl.DataFrame(schema=PLACES), None)


def _missing_files(feed: Feed) -> Iterator[Fault]:
    for name, file in FILES.items():
        if file.required and name not in feed.tables:
            yield _whole(name, "is missing", "add the file")
        elif file.required and feed.tables[name].is_empty():
            yield _whole(name, "has no rows", "fill it in")
    if all(feed.table(name).is_empty() for name in ("calendar", "calendar_dates")):
        yield _whole("calendar", "and calendar_dates.txt are missing or empty", "add the days of service")


def _missing_columns(feed: Feed) -> Iterator[Fault]:
    for name, columns in feed.columns.items():
        for column in FILES[name].required_columns:
            if column not in columns:
                yield _whole(name, f"column {column!r} is missing", "add it")
    if "stop_times" in feed.columns and not {"arrival_time", "departure_time"} & set(feed.columns["stop_times"]):
        yield _whole("stop_times", "columns 'arrival_time' and 'departure_time' are missing", "add them")


def _unreadable(feed: Feed) -> Iterator[Fault]:
    for part in feed.unreadable.partition_by("file", "column", maintain_order=True):
        name, column = part["file"][0], part["column"][0]
        required = column in FILES[name].required_columns
        kind = KIND_WORDS[FILES[name].columns[column]]
        trips = _trips_of(feed, name, part["row"]) if required or kind == KIND_WORDS["time"] else NO_TRIPS
        yield Fault(name, f"column {column}: {{value}} is not {kind}", "correct the value", part.select(*PLACES), trips)


def _empty_cells(feed: Feed) -> Iterator[Fault]:
    told = feed.unreadable.select("file", "column", "row")
    for name, columns in feed.columns.items():
        for column in FILES[name].required_columns:
            if column not in columns or column in ("stop_lat", "stop_lon"):
                continue
            rows = feed.tables[name].filter(pl.col(column).is_null()).select(ROW, value=pl.lit(""))
            known = told.filter(pl.col("file") == name, pl.col("column") == column)
            rows = rows.join(known, on=ROW, how="anti")
            if rows.height:
                yield Fault(name, f"column {column} is empty", "fill it in", rows, _trips_of(feed, name, rows[ROW]))


def _repeated_keys(feed: Feed) -> Iterator[Fault]:
    for name, table in feed.tables.items():
        key = FILES[name].key
        if not key or not set(key) <= set(feed.columns[name]):
            continue
        rows = table.drop_nulls(key).select(*key, ROW)
        if not rows.select(key).is_duplicated().any():
            continue
        again = rows.filter(~pl.struct(key).is_first_distinct())
        value = pl.concat_str([pl.col(part).cast(pl.String) for part in key], separator=", ")
        places = again.select(ROW, value=value)
        text = f"{', '.join(key)} {{value}} stands more than once"
        yield Fault(name, text, "keep one row a key", places, _trips_of(feed, name, places[ROW]))


def _unknown_keys(feed: Feed) -> Iterator[Fault]:
    for name, column, known, known_column in KNOWN_ELSEWHERE:
        if name not in feed.tables or known not in feed.tables:
            continue
        if column not in feed.columns[name] or known_column not in feed.columns[known]:
            continue
        rows = feed.tables[name].drop_nulls(column)
        unknown = rows.join(feed.tables[known].select(known_column), left_on=column, right_on=known_column, how="anti")
        if unknown.height:
            places = unknown.select(ROW, value=column)
            remedy = f"add it to {known}.txt or correct it"
            trips = _trips_of(feed, name, places[ROW])
            yield Fault(name, f"{column} {{value}} is not known", remedy, places, trips)


def _unknown_services(feed: Feed) -> Iterator[Fault]:
    known = pl.concat([feed.table(name)["service_id"] for name in ("calendar", "calendar_dates")]).drop_nulls()
    trips = feed.table("trips").drop_nulls("service_id")
    unknown = trips.filter(~pl.col("service_id").is_in(known.unique().implode()))
    if known.len() and unknown.height:
        remedy = "add it to calendar.txt or calendar_dates.txt or correct it"
        places = unknown.select(ROW, value="service_id")
        yield Fault("trips", "service_id {value} is not known", remedy, places, unknown["trip_id"].drop_nulls())


def _coordinates(feed: Feed) -> Iterator[Fault]:
    """Yield the stops that stand nowhere: no coordinates, 0/0, out of range, or exchanged."""
    if "stops" not in feed.tables or not {"stop_lat", "stop_lon"} <= set(feed.columns["stops"]):
        return
    lat, lon = pl.col("stop_lat"), pl.col("stop_lon")
    stops = feed.tables["stops"].filter(pl.col("location_type").fill_null(0) < GENERIC_NODE)
    middle = stops.select(lat.median(), lon.median()).row(0)
    swapped = (lat.abs() > 90) & (lat.abs() <= 180) & (lon.abs() <= 90)
    if None not in middle:
        away = (lat - middle[0]).abs() + (lon - middle[1]).abs()
        away_if_exchanged = (lon - middle[0]).abs() + (lat - middle[1]).abs()
        swapped |= (away > 5.0) & (away_if_exchanged < 2.0)
    nowhere = (lat.abs() < 1e-3) & (lon.abs() < 1e-3)
    outside = ~swapped & ((lat.abs() > 90) | (lon.abs() > 180))
    told = feed.unreadable.filter(pl.col("file") == "stops", pl.col("column").str.starts_with("stop_l"))["row"]
    empty = (lat.is_null() | lon.is_null()) & ~pl.col(ROW).is_in(told.implode())
    value = pl.format("{} ({}, {})", pl.col("stop_id").fill_null(""), lat, lon)
    for wrong, text, remedy in (
        (empty, "stop {value} has no coordinates", "fill them in"),
        (nowhere, "stop {value} stands at 0, 0", "give its coordinates"),
        (swapped, "stop {value} is far from the others", SWAP_REMEDY),
        (outside, "stop {value} is outside -90 to 90 and -180 to 180 degrees", "correct the coordinates"),
    ):
        rows = stops.filter(wrong).select(ROW, value=value.fill_null(pl.col("stop_id")))
        if rows.height:
            yield Fault("stops", text, remedy, rows, _trips_of(feed, "stops", rows[ROW]))


def _stops_of_trips(feed: Feed) -> Iterator[Fault]:
    if feed.table("trips").is_empty() or feed.table("stop_times").is_empty():
        return
    counts = feed.stop_events.drop_nulls("trip").group_by("trip", maintain_order=True).len("stops")
    trips = feed.tables["trips"].with_row_index("trip").join(counts, on="trip", how="left")
    for number, text in ((0, "trip {value} has no stop times"), (1, "trip {value} has one stop only")):
        rows = trips.filter(pl.col("stops").fill_null(0) == number)
        if rows.height:
            remedy = "add its stops to stop_times.txt or leave the trip out"
            yield Fault("trips", text, remedy, rows.select(ROW, value="trip_id"), rows["trip_id"].drop_nulls())


def _times(feed: Feed) -> Iterator[Fault]:
    """Yield the times that run backwards, and trips whose first or last stop has none."""
    if "stop_times" not in feed.tables or not {"arrival_time", "departure_time"} & set(feed.columns["stop_times"]):
        return
    events = feed.stop_events.drop_nulls("trip")
    remedy = "times must not fall along a trip; correct them or stop_sequence"
    previous = pl.col("departure_s").forward_fill().shift(1).over("trip")
    back = (pl.col("arrival_s") < previous).fill_null(False) | (pl.col("departure_s") < pl.col("arrival_s"))
    rows = events.filter(back)
    if rows.height:
        yield _of_events(feed, rows, "time {value} is before the one before it", remedy)
    ends = pl.col("trip").is_first_distinct() | pl.col("trip").is_last_distinct()
    told = feed.unreadable.filter(pl.col("file") == "stop_times")["row"]
    rows = events.filter(ends & pl.col("arrival_s").is_null() & ~pl.col(ROW).is_in(told.implode()))
    if rows.height:
        yield _of_events(feed, rows, "the first or last stop of a trip has no time {value}", "fill it in")


def _of_events(feed: Feed, events: pl.DataFrame, text: str, remedy: str) -> Fault:
    parts = ((3600, 10**6), (60, 60), (1, 60))
    value = pl.format("{}:{}:{}", *(_clock(divisor, modulus) for divisor, modulus in parts))
    places = events.select(ROW, value=value.fill_null(""))
    return Fault("stop_times", text, remedy, places, feed.tables["trips"]["trip_id"].gather(events["trip"].unique()))


def _clock(divisor: int, modulus: int) -> pl.Expr:
    return (pl.col("arrival_s") // divisor % modulus).cast(pl.String).str.zfill(2)


def _frequencies(feed: Feed) -> Iterator[Fault]:
    table = feed.table("frequencies")
    wrong = (pl.col("headway_secs") <= 0) | (pl.col("end_time") <= pl.col("start_time"))
    rows = table.filter(wrong)
    if rows.height:
        places = rows.select(ROW, value="trip_id")
        text = "trip {value}: headway_secs is not above 0, or end_time not after start_time"
        yield Fault("frequencies", text, "correct the row", places, rows["trip_id"].drop_nulls())


def _trips_of(feed: Feed, name: str, rows: pl.Series) -> pl.Series:
    """Return the trips that the given rows of a file belong to."""
    table = feed.tables[name].filter(pl.col(ROW).is_in(rows.implode()))
    if name in ("trips", "stop_times", "frequencies"):
        return table["trip_id"].drop_nulls().unique(maintain_order=True)
    if name == "stops":
        of_stops = feed.table("stop_times").join(table.select("stop_id"), on="stop_id", how="semi")
        return of_stops["trip_id"].drop_nulls().unique(maintain_order=True)
    if name == "routes":
        return feed.table("trips").join(table.select("route_id"), on="route_id", how="semi")["trip_id"].drop_nulls()
    return NO_TRIPS
