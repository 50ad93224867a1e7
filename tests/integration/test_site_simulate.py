"""Siting, then simulation of the design day, then siting again, on the shipped city with a few taxis."""

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from charging.tables import Station
from fleetsim.datasets import city_folder, read_city
from fleetsim.scenario.scenario import Scenario
from fleetsim.sites.job import site
from fleetsim.sites.request import Request
from fleetsim.sites.tables import SimulatedRound, Sizing
from networks.io import read_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("simulated") / "plan"
    scenario = Scenario.shipped("outlook").set({"run.sample": 0.01})
    request = Request(kind="swap", numbers=(40,), simulate=1, enlarge=5)
    city = read_city(city_folder("beijing"))
    taxis = city.fleets.with_columns(simulated=pl.col("group").cast(pl.String) == "taxi")
    site(replace(city, fleets=taxis), scenario, request).save(target, {})
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
