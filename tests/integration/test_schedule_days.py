"""Milestone days of a solved schedule, simulated with the real engine at a tiny sample."""

import polars as pl
import pytest

from fleetsim.datasets import city_folder, read_city
from fleetsim.scenario.scenario import Scenario
from fleetsim.schedules.city import city_problem, turn_over
from fleetsim.schedules.solve import solve
from fleetsim.schedules.verify import simulated

TINY = {
    "run.last_year": 2021,
    "run.sample": 0.002,
    "siting.years": [],
    "schedule.solve.first_year": 2021,
    "schedule.solve.fleets": ["airside"],
}
GROUPS = {"bus", "taxi", "goods", "sanitation", "airside"}


@pytest.mark.slow
def test_milestone_days_name_failing_depots_by_fleet_group_and_district() -> None:
    city, scenario = read_city(city_folder("beijing")), Scenario.shipped("outlook").set(TINY)
    solution = solve(city_problem(city, scenario, turn_over(city, scenario, 2020).stock), cpu_s=5.0, gap=0.003)
    failing = simulated(city, scenario, (2021,))(solution)
    districts = set(city.districts.select(pl.col("district").cast(pl.String)).to_series().to_list())
    assert all(name.split(":")[0] in GROUPS and name.split(":")[1] in districts for name in failing)
    assert all(0.0 < share <= 1.0 for share in failing.values())
