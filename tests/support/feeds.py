"""Feeds made for the tests: tables as dictionaries of texts, written as a folder or a zip file."""

import csv
import io
import zipfile
from pathlib import Path

import numpy as np

Tables = dict[str, list[dict[str, str]]]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
KM_LAT = 1.0 / 111.195


def clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def service(name: str, days: str = "1111100", start: str = "20260302", end: str = "20260628") -> dict[str, str]:
    return {"service_id": name, **dict(zip(WEEKDAYS, days, strict=True)), "start_date": start, "end_date": end}


def small() -> Tables:
    """Two lines over four stops on a meridian, 5 km apart: A-B-C and C-D; a weekday and a Saturday service."""
    stops = [
        {
            "stop_id": name,
            "stop_name": f"Stop {name}",
            "stop_lat": f"{40 + 5 * KM_LAT * place:.6f}",
            "stop_lon": "116.0",
        }
        for place, name in enumerate("ABCD")
    ]
    routes = [
        {"route_id": name, "agency_id": "one", "route_short_name": name[1:], "route_type": "3"} for name in ("R1", "R2")
    ]
    tables: Tables = {
        "agency": [{"agency_id": "one", "agency_name": "One"}],
        "stops": stops,
        "routes": routes,
        "trips": [],
        "stop_times": [],
        "calendar": [service("week"), service("sat", "0000010")],
    }
    for hour in range(6, 10):
        add_trip(
            tables, f"up{hour}", "R1", "week", [("A", hour * 3600), ("B", hour * 3600 + 600), ("C", hour * 3600 + 1200)]
        )
        back = hour * 3600 + 1800
        add_trip(tables, f"down{hour}", "R1", "week", [("C", back), ("B", back + 600), ("A", back + 1200)])
    add_trip(tables, "cd", "R2", "week", [("C", 6 * 3600), ("D", 6 * 3600 + 900)])
    add_trip(tables, "sat", "R1", "sat", [("A", 36000), ("B", 36600), ("C", 37200)])
    return tables


def add_trip(
    tables: Tables, trip: str, route: str, service_id: str, calls: list[tuple[str, int | None]], **columns: str
) -> None:
    """Add a trip with its calls: stop and time, None for a call without one."""
    tables["trips"].append({"route_id": route, "service_id": service_id, "trip_id": trip, **columns})
    for number, (stop, second) in enumerate(calls):
        time = "" if second is None else clock(second)
        tables["stop_times"].append(
            {
                "trip_id": trip,
                "arrival_time": time,
                "departure_time": time,
                "stop_id": stop,
                "stop_sequence": str(number),
            }
        )


def city(lines: int, trips_a_line: int, seed: int = 0, stops_a_line: int = 8) -> Tables:
    """A random city: lines between random terminals, departures all day both ways, every day of the week."""
    random = np.random.default_rng(seed)
    tables: Tables = {name: [] for name in ("stops", "routes", "trips", "stop_times")}
    tables["calendar"] = [service("daily", "1111111")]
    for line in range(lines):
        ends = random.uniform(0.0, 0.15, (2, 2)) + np.array([40.0, 116.0])
        course = np.linspace(ends[0], ends[1], stops_a_line)
        names = [f"{line}_{place}" for place in range(stops_a_line)]
        for name, (lat, lon) in zip(names, course, strict=True):
            row = {"stop_id": name, "stop_name": f"Stop {name}", "stop_lat": f"{lat:.6f}", "stop_lon": f"{lon:.6f}"}
            tables["stops"].append(row)
        tables["routes"].append({"route_id": f"L{line}", "route_short_name": str(line), "route_type": "3"})
        step = int(random.integers(120, 300))
        for number, start in enumerate(np.sort(random.integers(5 * 3600, 24 * 3600, trips_a_line)).tolist()):
            order = names if number % 2 == 0 else names[::-1]
            calls = [(name, start + step * place) for place, name in enumerate(order)]
            add_trip(tables, f"{line}.{number}", f"L{line}", "daily", calls)
    return tables


def texts(tables: Tables) -> dict[str, str]:
    """Return the files of a feed."""
    return {f"{name}.txt": text_of(rows) for name, rows in tables.items()}


def text_of(rows: list[dict[str, str]]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def folder(tables: Tables, path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name, text in texts(tables).items():
        (path / name).write_text(text, encoding="utf-8")
    return path


def zipped(tables: Tables, path: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts(tables).items():
            archive.writestr(inside + name, text)
    return path
