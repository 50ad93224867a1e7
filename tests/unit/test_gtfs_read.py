"""Feeds are read however they were saved, and every fault in them is named."""

from datetime import date
from pathlib import Path

import feeds
import polars as pl
import pytest

from networks.errors import DataError
from networks.gtfs import check, read_feed
from networks.gtfs.check import SHOWN


def read(tables: feeds.Tables, path: Path):
    return read_feed(feeds.folder(tables, path / "feed"))


def faults(tables: feeds.Tables, path: Path) -> list[str]:
    return check(read(tables, path))


def stop_row(tables: feeds.Tables, trip: str, number: int) -> tuple[dict[str, str], int]:
    """Return a call of a trip and its row in stop_times.txt."""
    for row, call in enumerate(tables["stop_times"], 2):
        if call["trip_id"] == trip and call["stop_sequence"] == str(number):
            return call, row
    raise LookupError(trip)


def test_a_sound_feed_has_no_fault(tmp_path: Path) -> None:
    assert faults(feeds.small(), tmp_path) == []


@pytest.mark.parametrize("inside", ["", "export/2026/"])
def test_a_zip_gives_the_same_tables_as_a_folder_wherever_its_files_lie(tmp_path: Path, inside: str) -> None:
    of_folder = read(feeds.small(), tmp_path)

    of_zip = read_feed(feeds.zipped(feeds.small(), tmp_path / "feed.zip", inside))

    assert of_zip.tables.keys() == of_folder.tables.keys()
    assert all(of_zip.tables[name].equals(table) for name, table in of_folder.tables.items())


def saved(name: str, text: str) -> bytes:
    if name == "marked":
        return b"\xef\xbb\xbf" + text.encode()
    if name == "windows":
        return text.replace("\n", "\r\n").encode()
    if name == "old mac":
        return text.replace("\n", "\r").encode()
    if name == "quoted":
        return "".join(",".join(f'"{cell}"' for cell in line.split(",")) + "\n" for line in text.splitlines()).encode()
    if name == "spaced":
        return text.replace(",", " , ").encode()
    return (text + "\n\n").encode()


@pytest.mark.parametrize("way", ["marked", "windows", "old mac", "quoted", "spaced", "blank lines"])
def test_the_way_files_were_saved_changes_nothing(tmp_path: Path, way: str) -> None:
    plain = read(feeds.small(), tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    for name, text in feeds.texts(feeds.small()).items():
        (other / name).write_bytes(saved(way, text))

    feed = read_feed(other)

    assert check(feed) == []
    assert all(feed.tables[name].equals(table) for name, table in plain.tables.items())


def test_names_with_commas_quotes_and_line_breaks_are_read(tmp_path: Path) -> None:
    tables = feeds.small()
    tables["stops"][0]["stop_name"] = 'North "Gate", lower\nlevel'

    feed = read(tables, tmp_path)

    assert feed.tables["stops"]["stop_name"][0] == 'North "Gate", lower\nlevel'
    assert check(feed) == []


def test_chinese_names_in_gb18030_are_read_and_told(tmp_path: Path) -> None:
    tables = feeds.small()
    tables["stops"][0]["stop_name"] = "北京西站"
    path = feeds.folder(tables, tmp_path / "feed")
    (path / "stops.txt").write_bytes(feeds.text_of(tables["stops"]).encode("gb18030"))

    feed = read_feed(path)

    assert feed.tables["stops"]["stop_name"][0] == "北京西站"
    assert feed.notes == ("stops.txt: is not UTF-8; read as gb18030",)


def test_optional_files_and_columns_may_be_missing(tmp_path: Path) -> None:
    tables = feeds.small()
    del tables["agency"]
    for row in tables["stops"]:
        del row["stop_name"]
    for row in tables["stop_times"]:
        del row["arrival_time"]

    feed = read(tables, tmp_path)

    assert check(feed) == []
    assert feed.stop_events["arrival_s"].null_count() == 0


def test_times_run_past_midnight_and_may_have_one_digit_hours(tmp_path: Path) -> None:
    tables = feeds.small()
    feeds.add_trip(tables, "late", "R1", "week", [("A", 25 * 3600), ("C", 26 * 3600)])
    for name in ("arrival_time", "departure_time"):
        stop_row(tables, "up6", 0)[0][name] = "6:00:00"

    feed = read(tables, tmp_path)

    times = feed.tables["stop_times"]
    assert times.filter(pl.col("trip_id") == "late")["departure_time"].to_list() == [90_000, 93_600]
    assert times.filter(pl.col("trip_id") == "up6")["departure_time"][0] == 21_600
    assert check(feed) == []


def test_stop_times_may_stand_in_any_order(tmp_path: Path) -> None:
    tables = feeds.small()
    tables["stop_times"].reverse()

    feed = read(tables, tmp_path)

    assert check(feed) == []
    assert feed.stop_events.filter(pl.col("trip") == 0)["departure_s"].to_list() == [21_600, 22_200, 22_800]


def test_dates_and_numbers_are_typed(tmp_path: Path) -> None:
    feed = read(feeds.small(), tmp_path)

    assert feed.tables["calendar"]["start_date"][0] == date(2026, 3, 2)
    assert feed.tables["stops"]["stop_lon"].to_list() == [116.0] * 4


def test_all_faults_of_a_feed_are_told_at_once_with_row_value_and_remedy(tmp_path: Path) -> None:
    tables = feeds.small()
    unknown, unknown_row = stop_row(tables, "up6", 1)
    unknown["stop_id"] = "Z"
    back, back_row = stop_row(tables, "up7", 2)
    back["arrival_time"] = back["departure_time"] = "07:05:00"
    wrong, wrong_row = stop_row(tables, "up8", 0)
    wrong["departure_time"] = "8 am"
    feeds.add_trip(tables, "stub", "R1", "week", [("A", 3600)])
    feeds.add_trip(tables, "lost", "R9", "never", [("A", 3600), ("B", 4200)])
    tables["stops"] += [
        {"stop_id": "nowhere", "stop_lat": "0", "stop_lon": "0.0"},
        {"stop_id": "swapped", "stop_lat": "116.1", "stop_lon": "40.1"},
        {"stop_id": "outside", "stop_lat": "40.1", "stop_lon": "216"},
        {"stop_id": "A", "stop_lat": "40.0", "stop_lon": "116.0"},
        {"stop_id": "text", "stop_lat": "north", "stop_lon": "116.0"},
    ]
    tables["frequencies"] = [{"trip_id": "up6", "start_time": "06:00:00", "end_time": "09:00:00", "headway_secs": "0"}]

    told = faults(tables, tmp_path)

    stub, lost = len(tables["trips"]), len(tables["trips"]) + 1
    expected = [
        (f"stop_times.txt, row {unknown_row}: stop_id 'Z' is not known", "add it to stops.txt"),
        (f"stop_times.txt, row {back_row}: time '07:05:00' is before the one before it", "must not fall"),
        (f"stop_times.txt, row {wrong_row}: column departure_time: '8 am' is not a time", "correct the value"),
        (f"trips.txt, row {stub}: trip 'stub' has one stop only", "leave the trip out"),
        (f"trips.txt, row {lost}: route_id 'R9' is not known", "add it to routes.txt"),
        (f"trips.txt, row {lost}: service_id 'never' is not known", "calendar"),
        ("stops.txt, row 6: stop 'nowhere (0.0, 0.0)' stands at 0, 0", "give its coordinates"),
        ("stops.txt, row 7: stop 'swapped (116.1, 40.1)' is far from the others", "exchanged"),
        ("stops.txt, row 8: stop 'outside (40.1, 216.0)' is outside", "correct the coordinates"),
        ("stops.txt, row 9: stop_id 'A' stands more than once", "keep one row"),
        ("stops.txt, row 10: column stop_lat: 'north' is not a number", "correct the value"),
        ("frequencies.txt, row 2: trip 'up6': headway_secs is not above 0", "correct the row"),
    ]
    assert [pair for pair in expected if not any(pair[0] in line and pair[1] in line for line in told)] == []
    assert len(told) == len(expected)


def test_a_trip_without_a_time_at_its_end_is_a_fault(tmp_path: Path) -> None:
    tables = feeds.small()
    feeds.add_trip(tables, "open", "R1", "week", [("A", 3600), ("B", 4200), ("C", None)])

    assert [line.split(";")[0] for line in faults(tables, tmp_path)] == [
        f"stop_times.txt, row {len(tables['stop_times']) + 1}: the first or last stop of a trip has no time ''"
    ]


def test_missing_files_and_columns_are_told_together(tmp_path: Path) -> None:
    tables = feeds.small()
    del tables["stops"], tables["calendar"]
    for row in tables["routes"]:
        del row["route_type"]

    told = faults(tables, tmp_path)

    assert "stops.txt: is missing; add the file" in told
    assert "routes.txt: column 'route_type' is missing; add it" in told
    assert "calendar.txt: and calendar_dates.txt are missing or empty; add the days of service" in told


def test_files_without_rows_are_told(tmp_path: Path) -> None:
    path = feeds.folder(feeds.small(), tmp_path / "feed")
    (path / "trips.txt").write_text("route_id,service_id,trip_id\n", encoding="utf-8")
    (path / "routes.txt").write_text("", encoding="utf-8")

    told = check(read_feed(path))

    assert "trips.txt: has no rows; fill it in" in told
    assert "routes.txt: has no rows; fill it in" in told


def test_rows_with_too_many_fields_are_told(tmp_path: Path) -> None:
    path = feeds.folder(feeds.small(), tmp_path / "feed")
    with (path / "agency.txt").open("a", encoding="utf-8") as file:
        file.write("two,Two, Inc.\n")

    assert check(read_feed(path)) == ["agency.txt, row 3: has 3 fields, the header 2; put fields with commas in quotes"]


def test_many_faults_of_a_kind_are_counted_beyond_the_first(tmp_path: Path) -> None:
    tables = feeds.small()
    for number in range(50):
        feeds.add_trip(tables, f"stub{number}", "R1", "week", [("A", 3600)])

    told = faults(tables, tmp_path)

    assert len(told) == SHOWN + 1
    assert told[-1].startswith("trips.txt: 30 more such rows")


def test_what_is_no_feed_is_refused_in_a_sentence(tmp_path: Path) -> None:
    whole = feeds.zipped(feeds.small(), tmp_path / "whole.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.zip").write_text("not a zip", encoding="utf-8")
    (tmp_path / "empty.zip").write_bytes(b"")
    (tmp_path / "nothing").mkdir()

    for name in ("cut.zip", "text.zip", "empty.zip"):
        with pytest.raises(DataError, match="is not a whole zip file"):
            read_feed(tmp_path / name)
    with pytest.raises(DataError, match="no such file or folder"):
        read_feed(tmp_path / "missing.zip")
    with pytest.raises(DataError, match="holds no file of a GTFS feed"):
        read_feed(tmp_path / "nothing")
