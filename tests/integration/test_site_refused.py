"""Requests that cannot be met, from the command line on one district: which limit, by how much, nothing written."""

import re
from dataclasses import replace
from pathlib import Path

import geopandas
import polars as pl
import pytest
from shapely import box
from typer.testing import CliRunner

from fleetsim import datasets
from fleetsim.cli import app, main
from fleetsim.datasets import City
from networks.errors import FleetsimError

DISTRICT = "Pinggu"
SMALL = ["sites.most_points=150", "sites.most_places=60", "sites.most_sites=60", "sites.most_ends=15"]
AROUND = box(114.0, 38.0, 119.0, 42.0)


@pytest.fixture(scope="module")
def district() -> City:
    """One district with its places and stations."""
    whole = datasets.read_city(datasets.city_folder("beijing"))
    own = {name: getattr(whole, name) for name in ("zones", "places", "seats", "stations")}
    return replace(whole, **{name: table.filter(pl.col("district") == DISTRICT) for name, table in own.items()})


@pytest.fixture(autouse=True)
def _only_one_district(district: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "read_city", lambda folder: district)


def refusal(tmp_path: Path, *words: str) -> str:
    """Return what a request is refused with; nothing may be left behind."""
    before = sorted(tmp_path.iterdir())
    changes = [part for change in SMALL for part in ("--set", change)]
    answer = CliRunner().invoke(app, ["site", "beijing", *words, *changes, "-o", str(tmp_path / "plan")])
    assert isinstance(answer.exception, FleetsimError), answer.output
    assert sorted(tmp_path.iterdir()) == before
    return "\n".join(answer.exception.problems)


def number_in(text: str, pattern: str) -> float:
    found = re.search(pattern, text)
    assert found, text
    return float(found[1].replace(",", ""))


@pytest.mark.parametrize(
    "model", [["--model", "maximal"], ["--model", "gradual"], ["--model", "service", "--kind", "swap"]]
)
def test_a_budget_below_the_cheapest_station_is_told_with_what_is_missing(tmp_path: Path, model: list[str]) -> None:
    told = refusal(tmp_path, *model, "--budget", "1000")

    cost = number_in(told, r"costs ([\d,]+) CNY")
    assert told.startswith("--budget 1,000: the cheapest station")
    assert number_in(told, r"raise it by ([\d,]+) CNY") == cost - 1000


def test_a_budget_and_a_number_below_the_standard_are_told_with_what_it_takes(tmp_path: Path) -> None:
    standard = ["--kind", "swap", "--standard", "--leave-out"]

    by_number = refusal(tmp_path, *standard, "--number", "1")
    by_money = refusal(tmp_path, *standard, "--budget", "1e6")

    needed = number_in(by_number, r"takes (\d+) new stations")
    assert number_in(by_number, r"raise it by (\d+) to") == needed - 1
    assert number_in(by_money, r"raise it by ([\d,]+) CNY") == number_in(by_money, r"costs ([\d,]+) CNY") - 1e6


@pytest.mark.parametrize("model", ["median", "center", "capacitated"])
def test_more_stations_than_sites_are_told_with_how_many_there_are(tmp_path: Path, model: str) -> None:
    told = refusal(tmp_path, "--kind", "swap", "--model", model, "--number", "5000")

    sites = number_in(told, r"there are (\d+) sites for kind 'swap'")
    assert f"lower it by {5000 - sites:.0f}" in told


def test_sites_too_small_together_are_told_with_the_number_that_would_do(tmp_path: Path) -> None:
    small = ["--set", "siting.largest_plugs.swap=1", "--set", "siting.visits_per_1000_residents.swap=20"]

    told = refusal(tmp_path, "--kind", "swap", "--model", "capacitated", "--number", "1", *small, "--stations", "none")

    assert "arrivals in the peak hour" in told
    assert number_in(told, r"raise .* (?:by|for) (\d+\.?\d*)") > 0


def test_a_range_below_the_longest_road_between_sites_is_told_with_the_range_that_would_do(tmp_path: Path) -> None:
    told = refusal(tmp_path, "--kind", "hydrogen", "--model", "flow", "--range", "0.5", "--number", "2")

    assert told.startswith("--range: 0.5 km is below the longest way without a site")
    assert number_in(told, r"raise it to ([\d.]+) km") > 0.5
    assert "--candidates" in told


@pytest.mark.parametrize(
    "words",
    [
        ["--kind", "hydrogen", "--model", "flow", "--range", "60", "--number", "1"],
        ["--kind", "swap", "--model", "service", "--number", "1"],
    ],
    ids=["flow", "service"],
)
def test_a_share_that_cannot_be_had_is_told_with_the_largest_one(tmp_path: Path, words: list[str]) -> None:
    told = refusal(tmp_path, *words, "--serve", "1")

    lower = number_in(told, r"lower it by (\d\.\d+)")
    assert 0.0 < lower <= 1.0


@pytest.mark.parametrize("model", ["maximal", "gradual", "median", "center", "capacitated", "service"])
def test_areas_that_forbid_every_site_are_told_with_how_many_they_take_away(tmp_path: Path, model: str) -> None:
    area = tmp_path / "everywhere.geojson"
    geopandas.GeoDataFrame(geometry=[AROUND], crs="EPSG:4326").to_file(area)

    told = refusal(tmp_path, "--kind", "swap", "--model", model, "--number", "2", "--forbid", str(area))

    sites = number_in(told, r"none of (\d+) sites is left")
    assert f"({sites:.0f} in forbidden areas)" in told


@pytest.mark.parametrize("model", ["maximal", "gradual", "median", "service"])
def test_sites_without_headroom_for_a_plug_are_told(tmp_path: Path, model: str) -> None:
    own = tmp_path / "yards.csv"
    own.write_text("lon,lat,grid_kw\n117.1,40.14,20\n117.12,40.16,20\n", encoding="utf-8")

    told = refusal(tmp_path, "--model", model, "--number", "1", "--candidates", str(own), "--only")

    assert told.startswith("candidates: none of 2 sites takes a plug")
    assert "one takes 120 kW, the largest grid_kw is 20; raise it by 100" in told


def test_the_exit_code_is_two(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["fleetsim", "site", "beijing", "--budget", "1000"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert "raise it by" in capsys.readouterr().err
