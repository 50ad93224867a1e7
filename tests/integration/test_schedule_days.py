"""Milestone days of a solved schedule, simulated with the real engine at a tiny sample."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from charging.tables import Station
from fleetsim.datasets import City, city_folder, read_city
from fleetsim.scenario.scenario import Scenario
from fleetsim.schedules.city import city_problem, turn_over
from fleetsim.schedules.solve import Solution, solve
from fleetsim.schedules.verify import simulated, with_planned

TINY = {
    "run.last_year": 2021,
    "run.sample": 0.002,
    "run.engine": "simpy",
    "siting.years": [],
    "schedule.solve.first_year": 2021,
    "schedule.solve.fleets": ["airside"],
}
SCENARIO = Scenario.shipped("outlook").set(TINY)


@pytest.fixture(scope="module")
def city() -> City:
    return read_city(city_folder("beijing"))


@pytest.fixture(scope="module")
def solution(city: City) -> Solution:
    return solve(city_problem(city, SCENARIO, turn_over(city, SCENARIO, 2020).stock), cpu_s=5.0, gap=0.003)


@pytest.mark.slow
def test_a_milestone_day_with_one_charger_a_depot_fails_a_standard_of_seconds_at_planned_depots(
    solution: Solution,
) -> None:
    one_charger = replace(solution, values=solution.values.copy())
    one_charger.values[solution.program.columns.chargers] = 1.0
    strict = {"schedule.solve.depot_wait_min": 0.01, "schedule.solve.least_visits": 1}
    tried = simulated(SCENARIO.set(strict), (2021,))(one_charger)
    assert tried.failing
    assert set(tried.failing) <= set(solution.problem.depots)
    assert all(0.0 < share <= 1.0 for share in tried.failing.values())


def test_planned_chargers_stand_at_the_yards_of_their_depot(city: City) -> None:
    yards = city.stations.filter(pl.col("kind").cast(pl.String) == "depot", pl.col("fleet_group").is_not_null())
    group, district = yards.select(pl.col("fleet_group").cast(pl.String), "district").row(0)
    own = (pl.col("fleet_group").cast(pl.String) == group) & (pl.col("district") == district)
    after = Station.validate(with_planned(yards, {f"{group}:{district}": 1_000, "bus:Nowhere": 7}))
    assert after.filter(own)["plugs"].sum() == 1_000
    assert np.array_equal(after.filter(~own)["plugs"].to_numpy(), yards.filter(~own)["plugs"].to_numpy())
