"""`fleetsim check` on a scenario with five mistakes whose city has a table with three bad rows."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fleetsim.datasets import city_folder

SCENARIO = """\
extends = "outlook.toml"
[run]
city = "city"
last_yaer = 2028
sample = 3
[modes]
base_year = "early"
[siting.stations_per_year]
public = { 2021 = -5 }
[grdi]
storage_gw = 1
"""


@pytest.fixture
def spoilt(tmp_path: Path) -> Path:
    shutil.copytree(city_folder("beijing"), tmp_path / "city")
    table = tmp_path / "city" / "vehicle_types.csv"
    header, *rows = [line.split(",") for line in table.read_text(encoding="utf-8").splitlines()]
    rows[1][header.index("store")] = "-5"
    rows[3][header.index("powertrain")] = "BVE"
    rows[5][header.index("price_cny")] = "cheap"
    table.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n", encoding="utf-8")
    (tmp_path / "scenario.toml").write_text(SCENARIO, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("verb", ["check", "run"])
def test_nothing_is_written_and_the_exit_code_is_2(spoilt: Path, verb: str) -> None:
    before = sorted(spoilt.rglob("*"))

    answer = subprocess.run(
        [sys.executable, "-m", "fleetsim", verb, "."], cwd=spoilt, capture_output=True, text=True, check=False
    )

    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
    assert sorted(spoilt.rglob("*")) == before


def test_all_eight_mistakes_are_named_with_place_and_remedy(spoilt: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "fleetsim", "check", "."], cwd=spoilt, capture_output=True, text=True, check=False
    )

    lines = answer.stderr.strip().splitlines()
    expected = [
        ("scenario.toml, line 4: run.last_yaer is unknown", "did you mean 'last_year'?"),
        ("scenario.toml, line 5: run.sample = 3", "correct the value"),
        ("scenario.toml, line 7: modes.base_year = 'early'", "correct the value"),
        ("scenario.toml, line 9: siting.stations_per_year.public.2021 = -5", "correct the value"),
        ("scenario.toml, line 10: grdi is unknown", "did you mean 'grid'?"),
        ("vehicle_types.csv, row 3, column store: -5.0 is not above 0.0", "correct the value"),
        ("vehicle_types.csv, row 5, column powertrain: 'BVE' is not one of", "correct the value"),
        ("vehicle_types.csv, row 7, column price_cny: 'cheap' is not a number", "correct the value"),
    ]
    assert len(lines) == 8
    assert [pair for pair in expected if not any(pair[0] in line and pair[1] in line for line in lines)] == []
