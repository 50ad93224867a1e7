"""`fleetsim site` on the shipped city, from the command line to the map."""

import json
from pathlib import Path

import geopandas
import polars as pl
import pytest
from shapely import box
from typer.testing import CliRunner

from charging.tables import Station
from fleetsim.cli import app
from fleetsim.offline import REMOTE
from fleetsim.sites.tables import BlankSpot, ChosenSite
from networks.errors import FleetsimError
from networks.io import read_table

CORE = box(116.3, 39.8, 116.5, 40.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sites")
    forbidden = root / "forbidden.geojson"
    geopandas.GeoDataFrame(geometry=[CORE], crs="EPSG:4326").to_file(forbidden)
    target = root / "plan"
    words = ["site", "beijing", "--number", "12", "--forbid", str(forbidden), "--curve", "4,12", "--plans", "2"]
    answer = CliRunner().invoke(app, [*words, "-o", str(target), "--json"])
    assert answer.exit_code == 0, answer.output
    return target


def test_the_folder_holds_tables_of_their_schemas(folder: Path) -> None:
    sites = read_table(folder / "sites.csv", ChosenSite)
    read_table(folder / "stations.csv", Station)
    read_table(folder / "blank_spots.csv", BlankSpot)

    assert sites["rank"].to_list() == list(range(1, 13))
    assert (sites["gained"].diff().drop_nulls() <= 0).all()


def test_nothing_stands_in_a_forbidden_area(folder: Path) -> None:
    sites = pl.read_csv(folder / "sites.csv")

    inside = sites.filter(pl.col("lon").is_between(116.3, 116.5), pl.col("lat").is_between(39.8, 40.0))

    assert inside.is_empty()


def test_the_gain_told_is_the_gain_in_the_coverage_table(folder: Path) -> None:
    told = json.loads((folder / "site.json").read_text(encoding="utf-8"))
    city = pl.read_csv(folder / "coverage.csv").filter(pl.col("district") == "all", pl.col("counted") == "population")
    covered = {row["stage"]: row["covered_share"] * row["amount"] for row in city.iter_rows(named=True)}

    assert covered["after"] - covered["before"] == pytest.approx(told["objective"], abs=1.0)
    assert told["objective"] <= told["bound"]
    assert (told["status"] == "optimal") == (told["objective"] == told["bound"])


def test_curve_and_further_plans_fit_the_plan(folder: Path) -> None:
    told = json.loads((folder / "site.json").read_text(encoding="utf-8"))
    curve, plans = pl.read_csv(folder / "curve.csv"), pl.read_csv(folder / "plans.csv")

    assert curve["stations"].to_list() == [4, 12]
    assert curve["gained"][-1] == pytest.approx(told["objective"], rel=0.01)
    assert plans["plan"].unique().sort().to_list() == [1, 2]
    assert plans["loss_share"].max() <= 0.02


def test_the_map_loads_nothing_and_names_every_chosen_station(folder: Path) -> None:
    page = (folder / "map.html").read_text(encoding="utf-8")

    assert not REMOTE.search(page)
    assert all(name in page for name in pl.read_csv(folder / "sites.csv")["name"])


def test_the_standard_for_less_than_it_takes_is_refused_with_districts_and_nothing_is_written(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["site", "beijing", "--standard", "-o", str(tmp_path / "plan")])

    assert isinstance(answer.exception, FleetsimError)
    assert "lie beyond it from every site" in answer.exception.problems[0]
    assert "Shunyi: " in "".join(answer.exception.problems)
    assert list(tmp_path.iterdir()) == []
