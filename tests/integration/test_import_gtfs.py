"""`fleetsim import gtfs`: a feed becomes a city that the duties take, or nothing is written."""

import json
import subprocess
import sys
from pathlib import Path

import feeds
import polars as pl
import pytest

from fleetsim.datasets import City, read_city
from fleetsim.days import Days, fleet_counts
from fleetsim.scenario.scenario import Scenario
from networks.tables import DayTrip


def import_gtfs(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "fleetsim", "import", "gtfs", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    path = tmp_path_factory.mktemp("gtfs")
    tables = feeds.city(4, 30)
    tables["trips"] = [
        trip | {"block_id": "1" if trip["trip_id"] in ("0.0", "0.29") else ""} for trip in tables["trips"]
    ]
    answer = import_gtfs(feeds.zipped(tables, path / "feed.zip"), "-o", path / "city", "--residents", "50000", "--json")
    assert answer.returncode == 0, answer.stderr
    return path / "city", json.loads(answer.stdout)


@pytest.fixture(scope="module")
def city(brought: tuple[Path, dict]) -> City:
    return read_city(brought[0])


def test_a_feed_alone_makes_a_city_folder_without_a_fault(brought: tuple[Path, dict], city: City) -> None:
    told = brought[1]

    assert told["days"]["weekday"]["trips"] == 120
    assert told["days"]["weekday"]["given_blocks"] == 1
    assert city.trips.height == 240
    assert city.districts["population"].sum() == 50_000
    assert set(city.lines["district"]) == set(city.districts["district"])
    assert city.places.filter(pl.col("kind") == "bus_depot")["basis"].to_list() == ["synthetic"]


def test_the_stand_in_roads_reach_every_node(city: City) -> None:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ends = (city.links["from_node"].to_numpy(), city.links["to_node"].to_numpy())
    graph = coo_matrix((city.links["length_km"].to_numpy(), ends), shape=(city.nodes.height,) * 2)

    assert connected_components(graph, connection="strong")[0] == 1


def test_the_buses_of_the_day_are_the_blocks_of_the_feed(brought: tuple[Path, dict], city: City) -> None:
    days = Days(city, Scenario.shipped("outlook"))
    stock = city.stock.with_columns(year=pl.lit(2024))

    plans = days.plans(city.days.row(0, named=True), stock, 2024)

    bus = next(plan for plan in plans if plan.fleet == "bus_municipal")
    timed = bus.legs.filter("timed").sort("depart_s")
    weekday = city.trips.filter(pl.col("day") == "weekday").sort("departure_s")
    assert bus.vehicles.height == brought[1]["days"]["weekday"]["buses"]
    assert timed["depart_s"].to_list() == weekday["departure_s"].to_list()
    assert timed["distance_km"].sum() == pytest.approx(weekday["length_km"].sum())
    assert fleet_counts(stock).filter(pl.col("fleet") == "bus_municipal")["vehicles"].sum() >= bus.vehicles.height


def test_depots_of_the_city_are_used_and_terminals_replaced(brought: tuple[Path, dict], tmp_path: Path) -> None:
    import shutil

    shutil.copytree(brought[0], tmp_path / "city")
    table = tmp_path / "city" / "places.csv"
    rows = pl.read_csv(table, infer_schema=False)
    depot = rows.filter(pl.col("kind") == "bus_depot").with_columns(place=pl.lit("yard"), basis=pl.lit("published"))
    pl.concat([rows, depot]).write_csv(table)

    answer = import_gtfs(feeds.folder(feeds.small(), tmp_path / "feed"), "-o", tmp_path / "city")

    assert answer.returncode == 0, answer.stderr
    city = read_city(tmp_path / "city")
    assert city.lines["depot"].unique().to_list() == ["yard"]
    assert sorted(city.places.filter(pl.col("kind") == "bus_terminal")["place"]) == ["stop_A", "stop_C", "stop_D"]


def test_trips_without_a_block_are_chained_when_they_are_run(city: City) -> None:
    from fleetsim.duties.timetable import day_trips

    loose = DayTrip.validate(city.trips.with_columns(block=pl.lit(None, dtype=pl.Int64)))
    section = Scenario.shipped("outlook").duties

    made = day_trips(loose, city.places, city.lines, city.line_hours, section, weekend=True)

    assert made.height == 120
    assert made["block"].null_count() == 0


@pytest.mark.parametrize("existing", [False, True])
def test_a_feed_with_faults_writes_nothing(tmp_path: Path, existing: bool) -> None:
    tables = feeds.small()
    feeds.add_trip(tables, "stub", "R1", "week", [("Z", 3600)])
    if existing:
        (tmp_path / "city").mkdir()

    answer = import_gtfs(feeds.zipped(tables, tmp_path / "feed.zip"), "-o", tmp_path / "city")

    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
    assert "stop_id 'Z' is not known" in answer.stderr
    assert "trip 'stub' has one stop only" in answer.stderr
    assert list(tmp_path.rglob("city/*")) == []
