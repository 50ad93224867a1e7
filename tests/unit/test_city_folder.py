"""A city of few tables: what is given is used, what is missing is taken over by rule and said so."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fleetsim.checks import check_city
from fleetsim.city_folder import table_template, write_city, write_tables
from fleetsim.city_scenario import assumed_toml
from fleetsim.datasets import OPTIONAL, City, city_folder, read_city, table_schemas
from fleetsim.inherit import read_identity
from fleetsim.scenario.scenario import Scenario
from fleetsim.stock_rule import places_by_rule, stock_by_rule
from networks.errors import DataError
from networks.io import read_table
from networks.tables import DayTrip, District, Line, Place, Zone

CELLS = ("881126d333fffff", "881126d331fffff", "881126d337fffff")


@pytest.fixture(scope="module")
def beijing() -> City:
    return read_city(city_folder("beijing"))


def _zones() -> pl.DataFrame:
    people = {"North": (4000, 2000), "South": (6000, 0)}
    rows = [
        {"zone": cell, "district": name, "functional_zone": "core", "mountain": False, "area_km2": 0.74,
         "population": count, "jobs": jobs, "lon": 24.9 + 0.01 * row, "lat": 60.2}
        for row, (cell, name, count, jobs) in enumerate(
            (cell, name, people[name][place], 100 + 500 * place)
            for cell, (name, place) in zip(CELLS, [("North", 0), ("North", 1), ("South", 0)], strict=True)
        )
    ]  # fmt: skip
    return Zone.validate(pl.DataFrame(rows).sort("zone"), cast=True)


def _districts() -> pl.DataFrame:
    shared = {"code": "", "area_km2": 1.0, "functional_zone": "core", "central": True, "lon": 24.9, "lat": 60.2}
    rows = [{"district": name, "name_zh": name, "population": 6000, **shared} for name in ("North", "South")]
    return District.validate(pl.DataFrame(rows), cast=True)


def _roads() -> dict[str, pl.DataFrame]:
    nodes = pl.DataFrame({"node": [0, 1], "lon": [24.9, 24.92], "lat": [60.2, 60.2]})
    link = {"road": None, "name_zh": None, "ref": None, "road_class": "local", "length_km": 1.1, "free_flow_kmh": 40.0,
            "basis": "published"}  # fmt: skip
    ends = [{"link": 0, "from_node": 0, "to_node": 1, **link}, {"link": 1, "from_node": 1, "to_node": 0, **link}]
    return {"nodes": nodes, "links": pl.DataFrame(ends)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_city(tmp_path / "toy", "Toytown", "玩具城")
    write_tables(tmp_path / "toy", {"districts": _districts(), "zones": _zones(), **_roads()})
    return tmp_path / "toy"


def test_the_templates_of_all_tables_are_tables_without_rows(folder: Path) -> None:
    for name, schema in table_schemas().items():
        assert read_table(folder / "templates" / f"{name}.csv", schema).height == 0


def test_a_template_tells_kind_bounds_and_meaning_of_every_column() -> None:
    text = table_template("zones", Zone)

    lines = text.splitlines()
    assert lines[-1] == ",".join(Zone.columns())
    assert "# population: whole number, at least 0 - residents, spread within the district by rule [persons]" in lines
    assert any(line.startswith("# functional_zone: one of core, central_city") for line in lines)


def test_a_row_below_comments_is_named_as_an_editor_numbers_it(tmp_path: Path) -> None:
    text = table_template("nodes", table_schemas()["nodes"])
    (tmp_path / "nodes.csv").write_text(text + "0,181,60\n", encoding="utf-8")

    with pytest.raises(DataError, match=f"row {len(text.splitlines()) + 1}, column lon: 181.0 is above"):
        read_table(tmp_path / "nodes.csv", table_schemas()["nodes"])


def test_what_is_missing_comes_from_beijing_and_is_listed(folder: Path, beijing: City) -> None:
    city = read_city(folder)

    origins = dict(city.identity.origins)
    assert city.tariffs.equals(beijing.tariffs)
    assert origins["tariffs"] == "taken"
    assert origins["quotas"] == "scaled"
    assert origins["stock"] == "rule"
    assert origins["clauses"] == "empty" and city.clauses.is_empty()
    assert not {"districts", "zones", "nodes", "links"} & set(origins)
    assert set(origins) | {"districts", "zones", "nodes", "links", *OPTIONAL} == set(table_schemas())
    told = " ".join(note["en"] for note in city.identity.notes())
    assert all(name in told for name in origins)


def test_a_table_of_ones_own_is_used_as_it_is(folder: Path, beijing: City) -> None:
    mine = beijing.temperatures.with_columns(mean_high_c=pl.col("mean_high_c") + 5.0)
    write_tables(folder, {"temperatures": mine})

    city = read_city(folder)

    assert city.temperatures["mean_high_c"].to_list() == mine["mean_high_c"].to_list()
    assert "temperatures" not in dict(city.identity.origins)


def test_amounts_are_scaled_by_residents(folder: Path, beijing: City) -> None:
    city = read_city(folder)

    ratio = 12_000 / beijing.districts["population"].sum()
    assert city.freight["tonnage_mt"].to_list() == pytest.approx((beijing.freight["tonnage_mt"] * ratio).to_list())
    assert set(city.freight["basis"].cast(pl.String)) == {"assumption"}
    assert city.mode_base["trip_share"].sum() == pytest.approx(beijing.mode_base["trip_share"].sum())
    assert set(city.mode_base["district"]) == {"all"}


def test_required_tables_are_asked_for_with_the_verb_that_makes_them(tmp_path: Path) -> None:
    write_city(tmp_path / "toy", "", "")

    problems = check_city(tmp_path / "toy").problems

    assert [problem.split("; ")[1] for problem in problems] == [
        "make it with `fleetsim import zones`",
        "make it with `fleetsim import zones`",
        "make it with `fleetsim import osm`",
        "make it with `fleetsim import osm`",
    ]


def test_check_names_a_misspelt_table_a_bad_cell_and_missing_numbers(folder: Path) -> None:
    (folder / "tarifs.csv").write_text("a\n1\n", encoding="utf-8")
    write_tables(folder, {"nodes": _roads()["nodes"].with_columns(node=pl.Series([0, 5]))})
    bad = _zones().with_columns(zone=pl.Series(["here", *_zones()["zone"][1:]]))
    write_tables(
        folder,
        {"zones": bad, "links": _roads()["links"].with_columns(to_node=pl.lit(5)).head(1).with_columns(from_node=0)},
    )

    problems = "\n".join(check_city(folder).problems)

    assert "did you mean tariffs.csv?" in problems
    assert "'here' is not an H3 cell" in problems
    assert "nodes.csv: numbers reach 5 with 2 rows" in problems


def test_check_warns_where_districts_and_zones_count_differently(folder: Path) -> None:
    write_tables(folder, {"districts": _districts().with_columns(population=pl.lit(7000))})

    assert check_city(folder).warnings == [
        "districts.csv: 'North' has 7,000 residents, its zones 6,000",
        "districts.csv: 'South' has 7,000 residents, its zones 6,000",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("extends = 3\n", "is not a text"),
        ('extend = "beijing"\n', "extend is unknown"),
        ("extends =\n", "is not valid TOML"),
    ],
)
def test_a_wrong_city_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "city.toml").write_text(text, encoding="utf-8")

    with pytest.raises(DataError, match=message):
        read_identity(tmp_path)


def test_a_city_cannot_extend_itself(folder: Path) -> None:
    (folder / "city.toml").write_text(f'extends = "{folder.as_posix()}"\n', encoding="utf-8")

    with pytest.raises(DataError, match="no complete city"):
        read_city(folder)


def test_init_does_not_overwrite_a_city(folder: Path) -> None:
    with pytest.raises(DataError, match="exists already"):
        write_city(folder, "Other", "")


def test_the_scenario_of_a_new_city_is_its_own_and_its_levers_are_scaled(folder: Path) -> None:
    (folder / "assumed.toml").write_text(assumed_toml(1_000_000, 20_000_000), encoding="utf-8")

    scenario, outlook = Scenario.read(folder / "scenario.toml"), Scenario.shipped("outlook")

    assert Path(scenario.run.city) == folder.resolve()
    assert scenario.cars.quota_nev_later == pytest.approx(outlook.cars.quota_nev_later / 20)
    assert scenario.grid.city_peak_gw[2030] == pytest.approx(outlook.grid.city_peak_gw[2030] / 20)
    assert scenario.policy.enforcement == {}
    assert scenario.stock.tco_weight == outlook.stock.tco_weight


def _stock(beijing: City, **tables: Any) -> pl.DataFrame:
    empty = {"places": Place.create_empty(), "lines": Line.create_empty(), "line_hours": beijing.line_hours}
    empty["trips"] = DayTrip.create_empty()
    return stock_by_rule(beijing.stock, 0.01, {"districts": _districts(), **empty, **tables})


def test_the_stock_by_rule_is_beijings_a_resident_in_whole_vehicles(beijing: City) -> None:
    stock = _stock(beijing)

    cars = beijing.stock.filter(pl.col("fleet") == "car_private")["vehicles"].sum()
    own = stock.filter(pl.col("fleet") == "car_private")
    assert own["vehicles"].sum() == pytest.approx(0.01 * cars, abs=len(own))
    assert (stock["vehicles"] == stock["vehicles"].round()).all()
    by_district = dict(own.group_by("district").agg(pl.col("vehicles").sum()).iter_rows())
    assert by_district["North"] == pytest.approx(by_district["South"], abs=len(own))


def test_without_timetable_and_airport_there_are_no_municipal_buses_and_no_airside_vehicles(beijing: City) -> None:
    fleets = set(_stock(beijing)["fleet"])

    assert "bus_municipal" not in fleets
    assert "airside" not in fleets
    assert {"taxi_company", "goods_light_pass", "sanitation_light", "car_private"} <= fleets


def test_buses_are_as_many_as_the_timetable_needs(beijing: City) -> None:
    depot = {"place": "d", "name": "d", "name_zh": "d", "kind": "bus_depot", "district": "North", "lon": 24.9,
             "lat": 60.2, "size": 1.0, "accuracy_m": 1.0, "basis": "published"}  # fmt: skip
    places = Place.validate(pl.DataFrame([depot, {**depot, "place": "t", "kind": "bus_terminal"}]), cast=True)
    line = {"line": "1", "name_zh": "1", "kind": "regular", "depot": "d", "from_terminal": "d", "to_terminal": "t",
            "district": "North", "length_km": 10.0, "first_departure_min": 600, "last_departure_min": 601,
            "weekday_departures": 4, "weekend_departures": 0, "mountain": False, "basis": "published"}  # fmt: skip
    lines = Line.validate(pl.DataFrame([line]), cast=True)

    stock = _stock(beijing, places=places, lines=lines).filter(pl.col("fleet") == "bus_municipal")

    # Two departures at the same minute, and two back when these buses have stood 12 min at the far terminal, of which
    # 11 are planned: two buses; a reserve of 8 % makes it three.
    assert stock["vehicles"].sum() == 3
    assert set(stock["district"]) == {"North"}
    assert set(stock["exempt_reason"]) == {"none"}


def test_a_place_of_each_missing_kind_stands_where_jobs_or_people_are() -> None:
    places = places_by_rule(Place.create_empty(), ["logistics_park", "sanitation_depot"], _zones())

    where = {row["place"]: row["lon"] for row in places.iter_rows(named=True)}
    jobs, people = (
        _zones().filter(pl.col("district") == "North").sort(name, descending=True)["lon"][0]
        for name in ("jobs", "population")
    )
    assert set(places["basis"].cast(pl.String)) == {"synthetic"}
    assert where["logistics_park-North"] == jobs
    assert where["sanitation_depot-North"] == people
    assert places.height == 4
    assert places_by_rule(places, ["logistics_park"], _zones()).height == 4
