"""The services of a date, the busiest date, and the departures of a day."""

from datetime import date
from pathlib import Path

import feeds
import polars as pl
import pytest

from networks.errors import DataError
from networks.gtfs import Choice, blocks, convert, expand, read_feed, service_day, timed_stops
from networks.gtfs.expand import trips_of_types


def read(tables: feeds.Tables, path: Path):
    return read_feed(feeds.folder(tables, path / "feed"))


def day_trips(tables: feeds.Tables, path: Path, **options):
    feed = read(tables, path)
    return expand(feed, service_day(feed), **options)


def test_the_busiest_day_is_the_first_of_the_days_with_most_trips(tmp_path: Path) -> None:
    feed = read(feeds.small(), tmp_path)

    assert service_day(feed).date == date(2026, 3, 2)
    assert service_day(feed).trips == 9
    assert service_day(feed, among="weekend").date == date(2026, 3, 7)


def test_exceptions_add_and_take_away_services(tmp_path: Path) -> None:
    tables = feeds.small()
    tables["calendar_dates"] = [
        {"service_id": "sat", "date": "20260304", "exception_type": "1"},
        {"service_id": "week", "date": "20260302", "exception_type": "2"},
        {"service_id": "week", "date": "20260303", "exception_type": "1"},
    ]
    feed = read(tables, tmp_path)

    assert service_day(feed).date == date(2026, 3, 4)
    assert service_day(feed).services == ("sat", "week")
    assert service_day(feed, date(2026, 3, 3)).trips == 9
    with pytest.raises(DataError, match="no trip runs on 2026-03-02"):
        service_day(feed, date(2026, 3, 2))


def test_a_feed_with_calendar_dates_only_has_days(tmp_path: Path) -> None:
    tables = feeds.small()
    del tables["calendar"]
    tables["calendar_dates"] = [{"service_id": "week", "date": "20260505", "exception_type": "1"}]

    assert service_day(read(tables, tmp_path)).date == date(2026, 5, 5)


@pytest.mark.parametrize("exact_times", ["0", "1", ""])
def test_frequencies_become_departures_before_their_end(tmp_path: Path, exact_times: str) -> None:
    tables = feeds.small()
    tables["trips"][-2]["block_id"] = "7"
    row = {"trip_id": "cd", "start_time": "23:30:00", "end_time": "25:00:00", "headway_secs": "1800"}
    tables["frequencies"] = [row | {"exact_times": exact_times}]

    made = day_trips(tables, tmp_path)

    repeated = made.trips.filter(pl.col("route_id") == "R2")
    assert repeated["departure_s"].to_list() == [84_600, 86_400, 88_200]
    assert repeated["run_s"].to_list() == [900] * 3
    assert repeated["block_id"].to_list() == [None] * 3
    assert made.by_frequency == 3


def test_only_the_route_types_asked_for_are_taken(tmp_path: Path) -> None:
    tables = feeds.small()
    tables["routes"][1]["route_type"] = "1"

    assert day_trips(tables, tmp_path).trips["route_id"].unique().to_list() == ["R1"]
    assert day_trips(tables, tmp_path, route_types={1}).trips["route_id"].unique().to_list() == ["R2"]


def test_a_feed_without_buses_says_what_it_has(tmp_path: Path) -> None:
    tables = feeds.small()
    for row in tables["routes"]:
        row["route_type"] = "4"

    with pytest.raises(DataError, match=r"the feed has 4 \(10 trips\); choose with --route-type"):
        convert(read(tables, tmp_path), Choice())


def test_without_a_shape_the_way_is_straight_lines_times_the_detour(tmp_path: Path) -> None:
    trips = day_trips(feeds.small(), tmp_path, detour=1.2).trips

    assert trips.filter(pl.col("route_id") == "R1")["length_km"].to_list() == pytest.approx([12.0] * 8, rel=1e-3)


def shaped(tables: feeds.Tables, lat_km: list[float], **travelled: list[float]) -> feeds.Tables:
    """Give trip cd, from C at 10 km to D at 15 km, a shape."""
    tables["trips"][-2]["shape_id"] = "s"
    tables["shapes"] = [
        {"shape_id": "s", "shape_pt_lat": f"{40 + km * feeds.KM_LAT:.6f}", "shape_pt_lon": "116.0"}
        | {"shape_pt_sequence": str(number)}
        | {name: str(values[number]) for name, values in travelled.items()}
        for number, km in enumerate(lat_km)
    ]
    return tables


def length_of_cd(tables: feeds.Tables, path: Path) -> tuple[float, str]:
    made = day_trips(tables, path)
    length = made.trips.filter(pl.col("trip_id") == "cd")["length_km"][0]
    return length, str(made.lengths.trips.sort("trip")["basis"][-1])


def test_a_shape_from_stop_to_stop_gives_the_length(tmp_path: Path) -> None:
    length, basis = length_of_cd(shaped(feeds.small(), [10.0, 9.0, 15.0]), tmp_path)

    assert length == pytest.approx(7.0, rel=1e-3)
    assert basis == "shape"


def test_of_a_longer_shape_the_part_between_the_stops_counts(tmp_path: Path) -> None:
    length, _ = length_of_cd(shaped(feeds.small(), [0.0, 5.0, 10.0, 12.0, 15.0, 20.0]), tmp_path)

    assert length == pytest.approx(5.0, rel=1e-3)


def test_distances_along_the_shape_cut_it_whatever_their_unit(tmp_path: Path) -> None:
    tables = shaped(feeds.small(), [0.0, 10.0, 15.0, 20.0], shape_dist_traveled=[0.0, 50.0, 75.0, 100.0])
    for call, dist in zip(tables["stop_times"][-5:-3], ("50", "75"), strict=True):
        call["shape_dist_traveled"] = dist

    length, basis = length_of_cd(tables, tmp_path)

    assert length == pytest.approx(5.0, rel=1e-3)
    assert basis == "shape"


@pytest.mark.parametrize(("unit", "per_km"), [("km", 1.0), ("m", 1000.0), ("miles", 0.621371), ("feet", 3280.84)])
def test_without_shapes_the_unit_of_travelled_distances_is_found(tmp_path: Path, unit: str, per_km: float) -> None:
    tables = feeds.small()
    for call in tables["stop_times"]:
        call["shape_dist_traveled"] = f"{6.5 * per_km * int(call['stop_sequence']):.6f}"

    made = day_trips(tables, tmp_path)

    assert made.lengths.unit == unit
    assert made.trips.filter(pl.col("trip_id") == "cd")["length_km"][0] == pytest.approx(6.5, rel=1e-3)


def test_a_shape_that_cannot_be_the_trips_is_not_used(tmp_path: Path) -> None:
    length, basis = length_of_cd(shaped(feeds.small(), [10.0, 90.0, 15.0]), tmp_path)

    assert length == pytest.approx(6.5, rel=1e-3)
    assert basis == "detour"


def test_missing_times_between_two_stops_follow_the_distance(tmp_path: Path) -> None:
    tables = feeds.small()
    feeds.add_trip(tables, "gaps", "R1", "week", [("A", 0), ("B", None), ("C", None), ("D", 900)])
    feed = read(tables, tmp_path)

    calls = timed_stops(feed, trips_of_types(feed))

    gaps = calls.filter(pl.col("trip") == len(tables["trips"]) - 1)
    assert gaps["arrival_s"].to_list() == [0, 300, 600, 900]
    assert gaps["interpolated"].to_list() == [False, True, True, False]


def test_a_trip_whose_times_are_all_equal_takes_as_long_as_a_fast_bus(tmp_path: Path) -> None:
    tables = feeds.small()
    feeds.add_trip(tables, "jump", "R1", "week", [("A", 3600), ("C", 3600)])

    trips = day_trips(tables, tmp_path, detour=1.0).trips

    assert trips.filter(pl.col("trip_id") == "jump")["run_s"].to_list() == [360]


def test_given_blocks_are_kept_and_what_overlaps_in_one_is_told(tmp_path: Path) -> None:
    tables = feeds.small()
    for trip in tables["trips"]:
        trip["block_id"] = {"up6": "x", "cd": "x", "down6": "y", "up7": "y"}.get(trip["trip_id"], "")

    day = blocks(read(tables, tmp_path))

    assert day.given == 2
    assert day.overlaps in (
        ("block 'x': trip 'up6' leaves before trip 'cd' has arrived",),
        ("block 'x': trip 'cd' leaves before trip 'up6' has arrived",),
    )
    of_y = day.trips.filter(pl.col("departure_s").is_in([23_400, 25_200]), pl.col("line") == "R1")
    assert of_y["block"].n_unique() == 1
    assert day.trips["block"].null_count() == 0


def test_agencies_share_no_bus_unless_asked(tmp_path: Path) -> None:
    tables = feeds.small()
    tables["routes"][1]["agency_id"] = "two"
    tables["trips"] = [trip for trip in tables["trips"] if trip["trip_id"] in ("up6", "cd")]
    tables["stop_times"] = [call for call in tables["stop_times"] if call["trip_id"] == "up6"]
    for number, (stop, time) in enumerate((("C", "06:30:00"), ("D", "06:45:00"))):
        times = {"arrival_time": time, "departure_time": time}
        tables["stop_times"].append({"trip_id": "cd", "stop_id": stop, "stop_sequence": str(number), **times})
    feed = read(tables, tmp_path)

    assert blocks(feed).buses == 2
    assert blocks(feed, choice=Choice(pool="city")).buses == 1
    assert blocks(feed, choice=Choice(pool="line")).buses == 2


def test_lines_have_the_terminals_departures_and_names_of_their_routes(tmp_path: Path) -> None:
    tables = feeds.small()
    tables["routes"][1]["route_short_name"] = "1"

    made = convert(read(tables, tmp_path), Choice())

    first, second = made.lines.rows(named=True)
    assert (first["from_terminal"], first["to_terminal"]) == ("stop_A", "stop_C")
    assert (first["weekday_departures"], first["weekend_departures"]) == (8, 1)
    assert (first["first_departure_min"], first["last_departure_min"]) == (360, 600)
    assert (first["name_zh"], second["name_zh"]) == ("1 (R1)", "1 (R2)")
    weekday = made.trips.filter(pl.col("day") == "weekday", pl.col("line") == "R1")
    assert weekday.sort("departure_s")["direction"].to_list() == [0, 1] * 4


def test_faulty_trips_are_left_out_only_where_asked(tmp_path: Path) -> None:
    tables = feeds.small()
    feeds.add_trip(tables, "stub", "R1", "week", [("A", 3600)])
    feed = read(tables, tmp_path)

    with pytest.raises(DataError, match="trip 'stub' has one stop only"):
        convert(feed, Choice())
    made = convert(feed, Choice(leave_out_faulty=True))

    assert made.trips.filter(pl.col("day") == "weekday").height == 9
    assert "1 trips with faults are left out" in made.notes


def test_stops_across_the_road_are_one_terminal(tmp_path: Path) -> None:
    tables = feeds.small()
    tables["stops"].append(tables["stops"][2] | {"stop_id": "C2", "stop_lon": "116.001"})
    for call in tables["stop_times"]:
        if call["trip_id"].startswith("down") and call["stop_id"] == "C":
            call["stop_id"] = "C2"

    made = convert(read(tables, tmp_path), Choice())

    assert made.lines.filter(pl.col("line") == "R1")["to_terminal"].to_list() == ["stop_C"]
    assert "stop_C2" not in made.places["place"].to_list()
