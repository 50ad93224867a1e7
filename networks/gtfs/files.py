"""The files of a GTFS feed and the columns that are read, declared.

Reference: General Transit Feed Specification, Schedule Reference, https://gtfs.org/documentation/schedule/reference/
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "integer", "number", "time", "date"]


@dataclass(frozen=True)
class GtfsFile:
    """A file of a feed: its columns with their kinds, which of them must be there, and its key."""

    columns: dict[str, Kind]
    required_columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    required: bool = False


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

FILES: dict[str, GtfsFile] = {
    "agency": GtfsFile({"agency_id": "text", "agency_name": "text"}, ()),
    "stops": GtfsFile(
        {
            "stop_id": "text",
            "stop_name": "text",
            "stop_lat": "number",
            "stop_lon": "number",
            "location_type": "integer",
            "parent_station": "text",
        },
        ("stop_id", "stop_lat", "stop_lon"),
        ("stop_id",),
        required=True,
    ),
    "routes": GtfsFile(
        {
            "route_id": "text",
            "agency_id": "text",
            "route_short_name": "text",
            "route_long_name": "text",
            "route_type": "integer",
        },
        ("route_id", "route_type"),
        ("route_id",),
        required=True,
    ),
    "trips": GtfsFile(
        {
            "route_id": "text",
            "service_id": "text",
            "trip_id": "text",
            "direction_id": "integer",
            "block_id": "text",
            "shape_id": "text",
        },
        ("route_id", "service_id", "trip_id"),
        ("trip_id",),
        required=True,
    ),
    "stop_times": GtfsFile(
        {
            "trip_id": "text",
            "arrival_time": "time",
            "departure_time": "time",
            "stop_id": "text",
            "stop_sequence": "integer",
            "shape_dist_traveled": "number",
        },
        ("trip_id", "stop_id", "stop_sequence"),
        ("trip_id", "stop_sequence"),
        required=True,
    ),
    "calendar": GtfsFile(
        {"service_id": "text", **dict.fromkeys(WEEKDAYS, "integer"), "start_date": "date", "end_date": "date"},
        ("service_id", *WEEKDAYS, "start_date", "end_date"),
        ("service_id",),
    ),
    "calendar_dates": GtfsFile(
        {"service_id": "text", "date": "date", "exception_type": "integer"},
        ("service_id", "date", "exception_type"),
        ("service_id", "date"),
    ),
    "frequencies": GtfsFile(
        {
            "trip_id": "text",
            "start_time": "time",
            "end_time": "time",
            "headway_secs": "integer",
            "exact_times": "integer",
        },
        ("trip_id", "start_time", "end_time", "headway_secs"),
        ("trip_id", "start_time"),
    ),
    "shapes": GtfsFile(
        {
            "shape_id": "text",
            "shape_pt_lat": "number",
            "shape_pt_lon": "number",
            "shape_pt_sequence": "integer",
            "shape_dist_traveled": "number",
        },
        ("shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"),
        ("shape_id", "shape_pt_sequence"),
    ),
}

KIND_WORDS: dict[str, str] = {
    "integer": "a whole number",
    "number": "a number",
    "time": "a time; write it as HH:MM:SS, after midnight as 24:00:00 and on",
    "date": "a date; write it as YYYYMMDD",
}
