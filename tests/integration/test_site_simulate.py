"""Siting, then simulation of the design day, then siting again, on the shipped city with a few taxis."""

import json
import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from charging.tables import Station
from fleetsim.datasets import city_folder, read_city
from fleetsim.scenario.scenario import Scenario
from fleetsim.site_map import site_page
from fleetsim.sites.job import site
from fleetsim.sites.request import Request
from fleetsim.sites.tables import ChosenSite, SimulatedRound, Sizing, SoughtByHour
from networks.io import read_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("simulated") / "plan"
    scenario = Scenario.shipped("outlook").set({"run.sample": 0.01})
    request = Request(kind="swap", numbers=(40,), simulate=1, enlarge=5)
    city = read_city(city_folder("beijing"))
    taxis = city.fleets.with_columns(simulated=pl.col("group").cast(pl.String) == "taxi")
    sited = site(replace(city, fleets=taxis), scenario, request)
    sited.save(target, {"map.html": site_page(sited, "en"), "map_zh.html": site_page(sited, "zh")})
    return target


def test_waits_and_visits_without_energy_fall_or_the_answer_says_why(folder: Path) -> None:
    rounds = read_table(folder / "rounds.csv", SimulatedRound)

    before, after = rounds.row(0, named=True), rounds.filter("chosen").row(0, named=True)
    assert after["left"] < before["left"]
    assert after["stations"] == before["stations"] + after["opened"]
    assert after["opened"] + after["enlarged"] <= 45
    told = json.loads((folder / "site.json").read_text(encoding="utf-8"))
    assert told["rounds"][-1]["round"] == rounds["round"].max() == 1


def test_a_simulated_round_meets_the_standards_only_where_both_are_kept(folder: Path) -> None:
    rounds = read_table(folder / "rounds.csv", SimulatedRound)

    kept = (rounds["peak_wait_min"] <= rounds["wait_standard_min"]) & (rounds["unserved_share"] <= 0.02)

    assert rounds["meets"].to_list() == kept.to_list()
    assert rounds["chosen"].sum() == 1


def test_the_stations_written_are_those_simulated(folder: Path) -> None:
    rounds = read_table(folder / "rounds.csv", SimulatedRound).filter("chosen").row(0, named=True)
    stations = read_table(folder / "stations.csv", Station).filter(pl.col("kind").cast(pl.String) == "swap")

    assert (stations.height, stations["plugs"].sum()) == (rounds["stations"], rounds["plugs"])


def test_every_simulated_station_has_both_waits_and_a_reason(folder: Path) -> None:
    sizing = read_table(folder / "sizing.csv", Sizing)
    planned = sizing.filter("is_planned")

    assert planned.height > 10
    assert sizing["why"].null_count() == 0
    agree = planned.filter(pl.col("why").cast(pl.String) == "agree")
    apart = (agree["simulated_wait_min"] - agree["expected_wait_min"]).abs()
    allowed = (0.25 * agree["expected_wait_min"]).clip(lower_bound=1.0)
    assert (apart <= allowed + 1e-9).all()
    assert planned["measured_service_min"].drop_nulls().is_between(1.0, 30.0).all()


def test_searches_by_zone_and_hour_add_up_to_those_of_the_rounds(folder: Path) -> None:
    sought = read_table(folder / "zone_hours.csv", SoughtByHour)
    rounds = read_table(folder / "rounds.csv", SimulatedRound)

    sums = {
        str(stage): (float(part["seeks"].sum()), float(part["unserved"].sum()))
        for (stage,), part in sought.partition_by("stage", as_dict=True).items()
    }
    before, after = rounds.row(0, named=True), rounds.filter("chosen").row(0, named=True)
    assert sums["before"] == pytest.approx((before["seeks"], before["left"]))
    assert sums["after"] == pytest.approx((after["seeks"], after["left"]))
    assert sought["hour"].n_unique() > 12


def test_every_station_of_the_plan_has_the_wait_of_the_formula_and_of_the_simulation(folder: Path) -> None:
    sites = read_table(folder / "sites.csv", ChosenSite)
    sizing = {row["station_id"]: row for row in read_table(folder / "sizing.csv", Sizing).iter_rows(named=True)}

    for row in sites.iter_rows(named=True):
        simulated = sizing.get(row["station_id"])
        assert row["simulated_wait_min"] == (simulated["simulated_wait_min"] if simulated else None)
        assert (row["simulated_arrivals"] == 0) == (simulated is None)
    assert sites["simulated_wait_min"].count() > 10


def test_where_nobody_was_served_before_the_plan_it_is_sized_with_the_assumption_and_says_so(folder: Path) -> None:
    told = json.loads((folder / "site.json").read_text(encoding="utf-8"))
    before = read_table(folder / "rounds.csv", SimulatedRound).row(0, named=True)

    assert before["visits"] == before["unserved"]
    assert told["service"] == {"mean_min": 5.0, "variability": 0.55, "visits": 0, "stations": 0, "seen": 0}
    assert "Sized with an assumed service of 5 min" in (folder / "map.html").read_text(encoding="utf-8")


def test_the_map_tells_the_hour_of_greatest_need_in_one_language(folder: Path) -> None:
    english, chinese = ((folder / name).read_text(encoding="utf-8") for name in ("map.html", "map_zh.html"))

    assert re.search(r"Greatest need \d+–\d+ h: [\d.,]+ sought energy, [\d.,]+ without", english)
    assert re.search(r"With the plan \d+–\d+ h", english)
    assert not re.search("[\u4e00-\u9fff]", english)
    assert re.search(r"需求最紧 \d+–\d+ 时", chinese)
    assert '"text":"顺义区"' in chinese
    assert '"text":"Shunyi"' in english
