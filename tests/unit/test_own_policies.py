"""Policies from a planner's own file."""

from pathlib import Path

import pytest
from hand_days import run, some_legs, some_stations, some_vehicles

from fleetsim.engine.own_policies import read_policies
from fleetsim.engine.reference import simulate
from networks.errors import ScenarioError

EARLY = """
def seek_energy(level, need, reserve, target, capacity):
    return (level - need < capacity // 2) & (level < target)
"""


def test_a_function_of_a_policys_name_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(EARLY, encoding="utf-8")
    inputs, plain = run(some_vehicles([2]), some_legs(2, energy=[20_000, 10_000]), some_stations(1))
    assert len(plain) == 0
    log = simulate(inputs, read_policies(tmp_path / "mine.py"))
    assert log.leg.tolist()[0] == 0


@pytest.mark.parametrize(
    ("text", "fault"), [("def other():\n    pass\n", "defines none"), ("def seek_energy(:\n", "line 1")]
)
def test_a_file_that_is_no_use_is_named(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=fault):
        read_policies(tmp_path / "mine.py")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_policies(tmp_path / "none.py")
