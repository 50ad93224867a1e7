"""The plausible ranges of the levers hold what the shipped scenarios and the calibration say."""

from dataclasses import replace
from functools import cache

import pytest

from fleetsim.datasets import city_folder, read_city
from fleetsim.fast_values import FastValues
from fleetsim.levers import Lever, lever, ranges
from fleetsim.scenario.scenario import Scenario
from fleetsim.seek import standing_at
from networks.errors import ScenarioError

WINDOWS = ((2021, 2021), (2021, 2025), (2026, 2026), (2026, 2028), (2026, 2030), (2026, 2035))
"""First year of a lever's value and year in which it is looked at."""


@cache
def models(name: str) -> FastValues:
    scenario = Scenario.shipped(name).set({"cars.draws": 50})
    return FastValues(read_city(city_folder("beijing")), scenario, 2035)


def entries(scenario: Scenario, key: str) -> list[str]:
    """Keys of the numbers a row of levers.csv speaks of: itself, or one an entry where it is a table by name."""
    value: object = scenario.model_dump()
    for part in key.split("."):
        value = value[part]  # type: ignore[index]
    named = isinstance(value, dict) and any(not isinstance(name, int) for name in value)
    return [f"{key}.{name}" for name in value] if named else [key]  # type: ignore[attr-defined]


def standing(name: str, key: str, window: tuple[int, int]) -> Lever | None:
    found = models(name)
    try:
        one = lever(found.scenario, key, window[0], 2035, now=window[1])
    except ScenarioError as error:
        assert "plausible from 2026 on only" in str(error)
        return None
    return replace(one, now=standing_at(found, one, window[1]))


@pytest.mark.parametrize("name", ["outlook", "plan"])
def test_every_lever_of_the_shipped_scenarios_stands_within_its_plausible_range(name: str) -> None:
    keys = [key for row in ranges() for key in entries(models(name).scenario, row["lever"])]

    outside = [
        (one.key, window, one.now, one.low, one.high)
        for key in dict.fromkeys(keys)
        for window in WINDOWS
        if (one := standing(name, key, window)) is not None and one.implausible
    ]

    assert len(keys) > 40
    assert outside == []


def test_every_range_lies_within_the_bounds_of_the_scenario_and_is_not_empty() -> None:
    scenario = Scenario.shipped("plan")
    for row in ranges():
        key = entries(scenario, row["lever"])[0]
        one = lever(scenario, key, max(row["since"], 2021), 2035)
        assert one.lowest <= row["low"] < row["high"] <= one.highest, row["lever"]


def test_the_calibrated_share_of_replacements_lies_within_the_range_of_its_years() -> None:
    calibrated = standing("outlook", "cars.replacement_share", (2021, 2025))
    later = standing("outlook", "cars.replacement_share", (2026, 2030))

    assert calibrated is not None
    assert later is not None
    assert calibrated.low < 0.33 < calibrated.high < later.high


def test_a_slow_lever_comes_to_part_of_its_range_in_earlier_years_and_to_its_value_evenly() -> None:
    # 909 km at the end of 2025, up to 1150 in 2030: in 2028 three fifths of the way, 1053.6.
    scenario = Scenario.shipped("outlook")
    one = lever(scenario, "modes.rail_km", 2026, 2035, now=2028)

    moved = one.set(scenario, one.high).modes.rail_km

    assert one.high == pytest.approx(909.0 + 0.6 * 241.0)
    assert (max(moved), moved[2025]) == (2028, 909.0)
    assert 2026 not in moved


def test_a_lever_without_a_range_for_earlier_years_says_from_when() -> None:
    with pytest.raises(ScenarioError, match="from 2026 on only"):
        lever(Scenario.shipped("outlook"), "grid.storage_gw", 2021, 2030)
