"""The shipped city's schedule: solved, written, read back, and its days simulated at a tiny sample."""

from dataclasses import replace

import polars as pl
import pytest

from fleetsim.datasets import City, city_folder, read_city
from fleetsim.scenario.scenario import Scenario
from fleetsim.schedules.city import city_problem, turn_over
from fleetsim.schedules.outcome import plan_rows
from fleetsim.schedules.solve import Solution, solve

SMALL = {
    "run.last_year": 2022,
    "run.sample": 0.005,
    "run.engine": "kernel",
    "schedule.solve.first_year": 2021,
    "schedule.solve.fleets": ["airside", "sanitation_light"],
}


@pytest.fixture(scope="module")
def city() -> City:
    return read_city(city_folder("beijing"))


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return Scenario.shipped("outlook").set(SMALL)


@pytest.fixture(scope="module")
def opening(city: City, scenario: Scenario) -> pl.DataFrame:
    return turn_over(city, scenario, 2020).stock


@pytest.fixture(scope="module")
def solution(city: City, scenario: Scenario, opening: pl.DataFrame) -> Solution:
    return solve(city_problem(city, scenario, opening), cpu_s=5.0, gap=0.003)


def test_the_citys_problem_holds_its_vehicles_not_exempt(city: City, scenario: Scenario, solution: Solution) -> None:
    problem = solution.problem
    shipped = city.stock.filter(
        pl.col("fleet").is_in(scenario.schedule.solve.fleets), pl.col("exempt_reason") == "none"
    )
    assert problem.vehicles.initial.sum() == shipped["vehicles"].sum()
    assert solution.gap < 0.02
    assert not solution.broken
    assert {rule.name for rule in problem.rules} == {"sanitation_new"}
    left_out = {one.clause: one for one in problem.left_out}
    assert set(left_out) | {"sanitation_new"} == set(city.clauses["clause"].to_list())
    assert left_out["bus"].reason == "fleets"
    assert left_out["bus"].fleets == ("bus_municipal",)


def test_the_turnover_of_the_solved_schedule_holds_the_solved_stock(
    city: City, scenario: Scenario, solution: Solution
) -> None:
    from fleetsim.schedules.plan_file import conversions

    plan = plan_rows(solution).with_columns(number=pl.lit(None, pl.Float64))
    changed = scenario.set({"schedule.convert": [line.model_dump() for line in conversions(plan)]})
    stock = turn_over(city, changed).stock.filter(
        pl.col("year") == 2022, pl.col("fleet") == "airside", pl.col("exempt_reason") == "none"
    )
    electric = stock.filter(pl.col("powertrain").cast(pl.String) == "BEV")["vehicles"].sum()
    share = electric / stock["vehicles"].sum()
    own = [index for index, name in enumerate(solution.problem.groups) if name.startswith("airside:")]
    held = solution.held[own, :, -1].sum(axis=0)
    solved = held[list(solution.problem.powertrains).index("BEV")] / held.sum()
    assert share >= solved - 0.01


def test_a_budget_of_nothing_buys_nothing(city: City, scenario: Scenario, opening: pl.DataFrame) -> None:
    problem = city_problem(city, scenario.set({"schedule.solve.budget_cny": {2021: 0.0}}), opening)
    found = solve(replace(problem, rules=()), cpu_s=5.0, gap=0.003)
    assert found.bought.sum() == 0.0
