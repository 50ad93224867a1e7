"""Every siting model on a part of the shipped city, from the request to its tables."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from fleetsim.datasets import City, city_folder, read_city
from fleetsim.scenario.scenario import Scenario
from fleetsim.sites.job import Sited, site
from fleetsim.sites.request import Request

DISTRICTS = ("Pinggu",)


@pytest.fixture(scope="module")
def city() -> City:
    """One district with its places and stations."""
    whole = read_city(city_folder("beijing"))
    own = {name: getattr(whole, name) for name in ("zones", "places", "seats", "stations")}
    return replace(whole, **{name: table.filter(pl.col("district").is_in(DISTRICTS)) for name, table in own.items()})


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return Scenario.shipped("outlook").set(
        {"sites.most_points": 150, "sites.most_places": 60, "sites.most_sites": 60, "sites.most_ends": 15}
    )


def answer(city: City, scenario: Scenario, **fields: object) -> Sited:
    return site(city, scenario, Request(**fields))  # type: ignore[arg-type]


def share(sited: Sited, stage: str, counted: str = "population") -> float:
    last = pl.col("year") == sited.request.years[-1]
    rows = sited.tables["coverage"].filter(pl.col("district") == "all", pl.col("counted") == counted, last)
    return float(rows.row(by_predicate=pl.col("stage") == stage, named=True)["covered_share"])


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "maximal", "numbers": (8,)},
        {"model": "gradual", "numbers": (8,)},
        {"model": "set", "leave_out": True},
        {"model": "median", "kind": "swap", "numbers": (4,)},
        {"model": "center", "kind": "swap", "numbers": (4,)},
        {"model": "capacitated", "kind": "swap", "numbers": (6,)},
        {"model": "service", "kind": "swap", "numbers": (4,)},
        {"model": "flow", "kind": "hydrogen", "numbers": (3,), "range_km": 120.0},
        {"model": "maximal", "years": (2025, 2028, 2030), "numbers": (2, 4, 6)},
        {"model": "maximal", "numbers": (2,), "relocate": 2},
    ],
    ids=lambda fields: "-".join(str(each) for each in fields.values()),
)
def test_a_model_opens_stations_within_its_limits_and_tells_bound_and_reasons(
    city: City, scenario: Scenario, fields: dict[str, object]
) -> None:
    sited = answer(city, scenario, **fields)

    sites = sited.tables["sites"]
    opened = sites.filter(pl.col("action").cast(pl.String) == "open")
    most = fields.get("numbers", (10**6,))[-1] + fields.get("relocate", 0)  # type: ignore[index]
    assert 0 < opened.height <= most
    assert opened["year"].is_in(list(sited.request.years)).all()
    assert (opened["reason"].str.len_chars() > 20).all()
    better = "least" if sited.choice.measure in ("stations", "km", "unit_km", "visit_km") else "most"
    assert (
        (sited.choice.objective >= sited.choice.bound)
        if better == "least"
        else (sited.choice.objective <= sited.choice.bound * (1 + 1e-9))
    )
    assert share(sited, "after") >= share(sited, "before") - (0.01 if "relocate" in fields else 0.0)
    if sited.request.model == "set":
        assert set(sited.tables["blank_spots"]["reason"].cast(pl.String)) <= {"no_site", "forbidden"}
    assert sited.tables["stations"].height == city.stations.height + opened.height - len(sited.choice.closed)


def test_hydrogen_is_served_no_more_than_its_sources_give_and_within_the_budget(
    city: City, scenario: Scenario, tmp_path: Path
) -> None:
    supply = tmp_path / "sources.csv"
    supply.write_text("lon,lat,kg_per_day\n117.1,40.15,10\n", encoding="utf-8")

    sited = answer(city, scenario, kind="hydrogen", model="service", budgets_cny=(5e7,), supply=supply)

    assert sited.choice.already + sited.choice.objective <= 10.0 + 1e-6
    assert any("10 kg a day of the sources are used" in note for note in sited.choice.notes)


def test_names_are_in_both_languages_and_whom_a_station_serves_are_the_residents_told(
    city: City, scenario: Scenario
) -> None:
    sited = answer(city, scenario, numbers=(5,))

    sites = sited.tables["sites"]
    assert not sites["name"].str.contains(r"[\p{Han}]").any()
    assert sites["name_zh"].str.contains(r"[\p{Han}]").all()
    people = dict(city.zones.select("zone", "population").iter_rows())
    serves = sited.tables["serves"]
    for row in sited.tables["sites"].iter_rows(named=True):
        zones = serves.filter(pl.col("station_id") == row["station_id"])["zone"]
        assert sum(people[zone] for zone in zones) >= row["population_served"] > 0
