"""The tutorial's own commands, read from its page, on small files made here: another city without a line of code."""

import json
import re
import shlex
import zipfile
from pathlib import Path

import h3
import osmium
import polars as pl
import pytest
from typer.testing import CliRunner

from fleetsim.cli import app
from fleetsim.datasets import OPTIONAL, City, read_city, table_schemas
from fleetsim.result import Result
from networks.crs import wgs84_to_gcj02

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
SIDE = 12
STEP_DEG = 0.006
WEST, SOUTH = 116.30, 39.90
RESIDENTS = {"North": 9000, "South": 15000}
MIDDLE = SOUTH + STEP_DEG * (SIDE - 1) / 2


def _lonlat(column: float, row: float) -> tuple[float, float]:
    return round(WEST + STEP_DEG * column, 6), round(SOUTH + STEP_DEG * row, 6)


def _roads(path: Path) -> None:
    """A grid of streets, every fourth one an arterial, with car parks and a charging station."""
    with osmium.SimpleWriter(str(path)) as writer:
        for number in range(SIDE * SIDE):
            writer.add_node(osmium.osm.mutable.Node(id=number + 1, location=_lonlat(number % SIDE, number // SIDE)))
        for number, (column, row) in enumerate([(2.4, 2.4), (8.4, 3.4), (5.4, 9.4)]):
            tags = {"amenity": "parking", "name": f"Car park {number}"}
            writer.add_node(osmium.osm.mutable.Node(id=1000 + number, location=_lonlat(column, row), tags=tags))
        tags = {"amenity": "charging_station", "name": "Old plugs"}
        writer.add_node(osmium.osm.mutable.Node(id=1100, location=_lonlat(6.4, 6.4), tags=tags))
        for line in range(SIDE):
            kind = {"highway": "primary" if line % 4 == 0 else "residential"}
            across = [line * SIDE + column + 1 for column in range(SIDE)]
            along = [row * SIDE + line + 1 for row in range(SIDE)]
            writer.add_way(osmium.osm.mutable.Way(id=2 * line + 1, nodes=across, tags=kind))
            writer.add_way(osmium.osm.mutable.Way(id=2 * line + 2, nodes=along, tags=kind))


def _borders(path: Path) -> None:
    east, north = _lonlat(SIDE, SIDE)
    halves = {"North": (MIDDLE, north), "South": (SOUTH - STEP_DEG, MIDDLE)}
    features = [
        {
            "type": "Feature",
            "properties": {"name": name, "区名": {"North": "北区", "South": "南区"}[name]},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[WEST, low], [east, low], [east, high], [WEST, high], [WEST, low]]],
            },
        }
        for name, (low, high) in halves.items()
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")


def _feed(path: Path) -> None:
    """Two lines, one stop at each end, a bus every half hour on weekdays and every hour at weekends."""
    ends = {"A": (1, 1), "B": (10, 1), "C": (1, 10)}
    stops = "".join(f"{name},Stop {name},{_lonlat(*at)[1]},{_lonlat(*at)[0]}\n" for name, at in ends.items())
    trips, times = [], []
    for service, headway in (("week", 30), ("end", 60)):
        for route, (first, last) in {"1": "AB", "2": "AC"}.items():
            for minute in range(6 * 60, 20 * 60, headway):
                for direction, (start, stop) in enumerate([(first, last), (last, first)]):
                    trip = f"{service}-{route}-{minute}-{direction}"
                    trips.append(f"{route},{service},{trip},{direction}\n")
                    for order, (where, at) in enumerate([(start, minute), (stop, minute + 25)]):
                        clock = f"{at // 60:02}:{at % 60:02}:00"
                        times.append(f"{trip},{clock},{clock},{where},{order}\n")
    files = {
        "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\na,Buses,http://a.example,Asia/Shanghai\n",
        "routes.txt": "route_id,agency_id,route_short_name,route_type\n1,a,1,3\n2,a,2,3\n",
        "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\n" + stops,
        "calendar.txt": (
            "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
            "week,1,1,1,1,1,0,0,20250106,20250330\nend,0,0,0,0,0,1,1,20250106,20250330\n"
        ),
        "trips.txt": "route_id,service_id,trip_id,direction_id\n" + "".join(trips),
        "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n" + "".join(times),
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def _stations(path: Path) -> None:
    """Six charging stations and a swap station in GCJ-02, one of them far outside the city."""
    rows = ["站名,经度,纬度,充电桩数量,功率(kW),类型"]
    for number in range(6):
        lon, lat = (float(part) for part in wgs84_to_gcj02(*_lonlat(1.5 + 1.7 * number, 2.5 + 1.3 * number)))
        rows.append(f"第{number}站,{lon:.6f},{lat:.6f},{6 + number},60,公共充电站")
    lon, lat = (float(part) for part in wgs84_to_gcj02(*_lonlat(4.5, 7.5)))
    rows += [f"换电站,{lon:.6f},{lat:.6f},2,60,换电站", "远站,121.47,31.23,4,60,公共充电站"]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def _commands() -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder in which every command of the page was run, and what each verb said."""
    folder = tmp_path_factory.mktemp("tutorial")
    _roads(folder / "roads.osm.pbf")
    _borders(folder / "districts.geojson")
    table = "".join(f"{name},{count}\n" for name, count in RESIDENTS.items())
    (folder / "population.csv").write_text(f"district,population\n{table}", encoding="utf-8")
    _feed(folder / "feed.zip")
    _stations(folder / "stations.csv")
    said = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for program, *words in _commands():
            assert program == "fleetsim"
            # The reference engine gives the same tables, and nothing has to be compiled for a town this small.
            engine = ["--engine", "simpy"] if words[0] == "run" else []
            answer = CliRunner().invoke(app, [*words, *engine])
            assert answer.exit_code == 0, (words, answer.output, answer.exception)
            said[" ".join(words[: 2 if words[0] == "import" else 1])] = answer.output
    return folder, said


@pytest.fixture(scope="module")
def city(told: tuple[Path, dict[str, str]]) -> City:
    return read_city(told[0] / "mycity")


def test_every_step_of_the_page_is_a_command_that_ran(told: tuple[Path, dict[str, str]]) -> None:
    assert list(told[1]) == ["init", "import osm", "import zones", "import gtfs", "import stations", "check", "run"]


def test_residents_of_the_table_are_in_the_hexagons_to_the_last_one(city: City) -> None:
    zones = city.zones

    assert dict(zones.group_by("district").agg(pl.col("population").sum()).iter_rows()) == RESIDENTS
    assert all(h3.is_valid_cell(cell) for cell in zones["zone"])


def test_places_lines_and_stations_have_the_districts_of_the_borders(city: City) -> None:
    for table in (city.places, city.stations, city.lines):
        assert set(table["district"]) <= set(RESIDENTS)
    parks = city.places.filter(pl.col("name").str.starts_with("Car park"))
    assert parks.height == 3
    assert all((lat > MIDDLE) == (name == "North") for name, lat in parks.select("district", "lat").iter_rows())


def test_stations_stand_where_the_chinese_coordinates_mean(told: tuple[Path, dict[str, str]], city: City) -> None:
    said, stations = told[1], city.stations

    lon, lat = _lonlat(1.5, 2.5)
    first = stations.filter(pl.col("name") == "第0站")
    assert first["lon"][0] == pytest.approx(lon, abs=1e-5)
    assert first["lat"][0] == pytest.approx(lat, abs=1e-5)
    assert sorted(stations["kind"].cast(pl.String)) == ["public"] * 6 + ["swap"]
    assert "远站" in said["import stations"] and "outside the city" in said["import stations"]


def test_check_and_report_name_every_table_that_is_not_the_citys_own(told: tuple[Path, dict[str, str]]) -> None:
    folder, said = told
    own = {path.stem for path in (folder / "mycity").glob("*.csv")}
    missing = set(table_schemas()) - own - set(OPTIONAL)
    report = (folder / "results" / "mycity" / "report.html").read_text(encoding="utf-8")

    assert "nothing wrong" in said["check"]
    assert all(re.search(rf"\b{name}\b", said["check"]) for name in missing)
    assert all(re.search(rf"\b{name}\b", report) for name in missing)


def test_the_run_has_a_map_a_report_and_buses_that_drive_the_brought_timetable(
    told: tuple[Path, dict[str, str]],
) -> None:
    folder = told[0] / "results" / "mycity"
    result = Result.load(folder)

    assert "My city" in (folder / "report.html").read_text(encoding="utf-8")
    assert (folder / "maps" / "coverage.html").stat().st_size > 10_000
    service = result.table("service").filter(pl.col("fleet") == "bus_municipal", pl.col("year") == 2020)
    legs = dict(service.select("day", "legs").iter_rows())
    # Weekday: 2 lines x 28 departures x 2 directions; weekend half of it; ways to and from the depot come on top.
    assert legs["winter_weekday"] == legs["mild_weekday"] >= 112
    assert 56 <= legs["mild_weekend"] < legs["mild_weekday"]
    assert result.table("coverage").filter(pl.col("district") == "all")["population"].unique().to_list() == [24_000]
