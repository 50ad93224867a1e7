"""Files brought into a city folder through the command line: what is written, what is refused, how it is said."""

import json
from pathlib import Path

import h3
import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from charging.tables import Station
from fleetsim.bring import own_table, relabelled, with_earlier
from fleetsim.city_folder import write_city, write_tables
from fleetsim.cli import app
from networks.crs import wgs84_to_gcj02
from networks.errors import DataError, FleetsimError
from networks.tables import Place, Zone

MIDDLE = 116.40


def _zones() -> pl.DataFrame:
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(39.9, MIDDLE, 8), 8))
    rows = [
        {"zone": cell, "district": "West" if h3.cell_to_latlng(cell)[1] < MIDDLE else "East", "functional_zone": "core",
         "mountain": False, "area_km2": 0.74, "population": 100, "jobs": 50,
         "lon": h3.cell_to_latlng(cell)[1], "lat": h3.cell_to_latlng(cell)[0]}
        for cell in cells
    ]  # fmt: skip
    return Zone.validate(pl.DataFrame(rows), cast=True)


def _places(number: int = 60) -> pl.DataFrame:
    random = np.random.default_rng(8)
    rows = [
        {"place": f"p{row}", "name": f"p{row}", "name_zh": f"p{row}", "kind": "car_park", "district": "somewhere",
         "lon": lon, "lat": lat, "size": 1.0, "accuracy_m": 20.0, "basis": "derived"}
        for row, (lon, lat) in enumerate(random.uniform([116.37, 39.88], [116.43, 39.92], (number, 2)).tolist())
    ]  # fmt: skip
    return Place.validate(pl.DataFrame(rows).sort("place"), cast=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_city(tmp_path / "toy", "Toytown", "")
    write_tables(tmp_path / "toy", {"zones": _zones(), "places": _places()})
    return tmp_path / "toy"


def _stations(path: Path, *, shifted: bool) -> Path:
    """Write a station at each of the known car parks, in GCJ-02 if shifted."""
    lon, lat = _places()["lon"].to_numpy(), _places()["lat"].to_numpy()
    lon, lat = wgs84_to_gcj02(lon, lat) if shifted else (lon, lat)
    rows = [f"S{row},{x:.6f},{y:.6f},4" for row, (x, y) in enumerate(zip(lon, lat, strict=True))]
    path.write_text("\n".join(["站名,经度,纬度,桩数", *rows]) + "\n", encoding="utf-8")
    return path


def _run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_file_in_gcj02_offered_as_wgs84_is_refused_and_nothing_written(folder: Path, tmp_path: Path) -> None:
    before = sorted(folder.iterdir())

    answer = _run("import", "stations", _stations(tmp_path / "s.csv", shifted=True), "-o", folder)

    assert isinstance(answer.exception, DataError)
    assert "look like gcj02, not wgs84" in str(answer.exception)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(("crs", "off_m"), [("gcj02", 0.0), ("wgs84", 550.0)])
def test_the_planner_has_the_last_word(folder: Path, tmp_path: Path, crs: str, off_m: float) -> None:
    answer = _run("import", "stations", _stations(tmp_path / "s.csv", shifted=True), "-o", folder, "--crs", crs)

    assert answer.exit_code == 0, answer.output
    true = _places().with_columns(pl.format("S{}", pl.int_range(pl.len())).alias("name"))
    both = own_table(folder, "stations").join(true, on="name")
    east_m = (both["lon"] - both["lon_right"]).mean() * 111_195.0 * np.cos(np.radians(39.9))
    assert east_m == pytest.approx(off_m, abs=40.0)


def test_a_true_file_is_taken_without_a_word_of_doubt(folder: Path, tmp_path: Path) -> None:
    answer = _run("import", "stations", _stations(tmp_path / "s.csv", shifted=False), "-o", folder, "--json")

    told = json.loads(answer.output)
    assert told["stations"] == 60
    assert told["datum"].startswith("The points fit wgs84")


def test_new_stations_replace_the_old_ones_unless_they_are_kept(folder: Path, tmp_path: Path) -> None:
    _run("import", "stations", _stations(tmp_path / "s.csv", shifted=False), "-o", folder)
    (tmp_path / "one.csv").write_text("id,name,lon,lat,plugs\nnew,New,116.40,39.90,3\n", encoding="utf-8")

    _run("import", "stations", tmp_path / "one.csv", "-o", folder, "--keep")
    assert own_table(folder, "stations").height == 61
    _run("import", "stations", tmp_path / "one.csv", "-o", folder)
    assert own_table(folder, "stations")["name"].to_list() == ["New"]


def test_a_new_row_of_an_identifier_replaces_the_earlier_one(folder: Path, tmp_path: Path) -> None:
    _run("import", "stations", _stations(tmp_path / "s.csv", shifted=False), "-o", folder)
    before = own_table(folder, "stations")

    after = with_earlier(before, Station.validate(before.head(2).with_columns(plugs=pl.lit(99, dtype=pl.Int64))))

    assert after.height == before.height
    assert after.filter(pl.col("plugs") == 99).height == 2


def test_places_take_the_district_of_their_zone(folder: Path) -> None:
    places = relabelled(folder, own_table(folder, "zones"))["places"]

    wrong = places.filter((pl.col("lon") < MIDDLE - 0.006) & (pl.col("district") != "West"))
    assert wrong.is_empty()
    assert set(places["district"]) == {"East", "West"}


def test_stations_want_zones_first(tmp_path: Path) -> None:
    write_city(tmp_path / "toy", "", "")

    answer = _run("import", "stations", _stations(tmp_path / "s.csv", shifted=False), "-o", tmp_path / "toy")

    assert "fleetsim import zones" in str(answer.exception)


@pytest.mark.parametrize(
    "words",
    [
        ("stations", "s.csv", "--kind", "kiosk"),
        ("zones", "s.csv", "--rule", "guess"),
        ("stations", "s.csv", "--column", "lon"),
        ("stations", "nowhere.csv"),
    ],
)
def test_wrong_words_are_refused_with_a_remedy(folder: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    _stations(tmp_path / "s.csv", shifted=False)
    name, file, *options = words

    answer = _run("import", name, tmp_path / file, "-o", folder, *options)

    assert isinstance(answer.exception, FleetsimError)
    assert ";" in str(answer.exception) or "write it as" in str(answer.exception)


def test_check_takes_a_city_folder_without_a_scenario(folder: Path) -> None:
    (folder / "scenario.toml").unlink()

    answer = _run("check", folder, "--json")

    told = json.loads(answer.output)
    assert answer.exit_code == 2
    assert any("districts.csv: no such file" in problem for problem in told["problems"])
