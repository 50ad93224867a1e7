"""A whole schedule is always found: without any time for search, under hard limits, from any plan."""

from dataclasses import replace

import numpy as np
import pytest

from fleetsim.schedules.problem import FloatArray, ScheduleProblem
from fleetsim.schedules.program import Program, build
from fleetsim.schedules.solve import Solution, solve
from fleetsim.schedules.stepwise import _dealt, stepwise
from fleetsim.schedules.synthetic import synthetic


def broken_rows(program: Program, values: FloatArray) -> list[tuple[str, int, int, int]]:
    use = program.matrix @ values
    wide = 1e-6 * np.maximum(1.0, np.abs(use))
    wrong = (use < program.row_lower - wide) | (use > program.row_upper + wide)
    return [program.row_name[row] for row in np.flatnonzero(wrong)]


def assert_kept(problem: ScheduleProblem, values: FloatArray) -> None:
    program = build(problem)
    assert broken_rows(program, values) == []
    assert (values >= program.lower - 1e-6).all()
    assert (values <= program.upper + 1e-6).all()
    assert np.array_equal(values[program.whole], np.round(values[program.whole]))


def narrow(problem: ScheduleProblem, **site: FloatArray) -> ScheduleProblem:
    return replace(problem, site=replace(problem.site, **site))  # type: ignore[arg-type]


BASE = synthetic(15, 5, 4, seed=3)
HARD = {
    "plain": BASE,
    "little budget": synthetic(15, 5, 4, seed=4, budget=0.3),
    "budget of nothing": replace(BASE, budget_cny=np.zeros(4)),
    "no hydrogen": replace(BASE, hydrogen_supply_kg=np.zeros(4)),
    "no grid modules": narrow(BASE, most_modules=np.zeros(5)),
    "no power": narrow(BASE, grid_kw=np.zeros(5), most_modules=np.zeros(5)),
    "few deliveries": replace(BASE, deliveries=np.full((3, 3, 4), 7.0)),
    "one order in two years": replace(BASE, lot=np.tile(np.array([1, 60, 60]), (3, 1))),
    "no budget in one year": replace(BASE, budget_cny=np.array([4e8, 0.0, 4e8, 0.0])),
}


@pytest.mark.parametrize("case", list(HARD))
def test_without_any_time_the_schedule_is_whole_and_keeps_every_row(case: str) -> None:
    found = solve(HARD[case], cpu_s=0.0, gap=0.0)
    assert_kept(found.problem, found.values)
    assert not found.broken
    assert found.bound <= found.cost


@pytest.mark.parametrize("seed", range(6))
def test_any_plan_however_wrong_becomes_a_schedule_that_keeps_every_row(seed: int) -> None:
    problem = [*HARD.values()][seed]
    program = build(problem)
    wild = np.random.default_rng(seed).uniform(0.0, 30.0, program.columns.count)
    assert_kept(problem, stepwise(problem, program, wild))


@pytest.mark.parametrize("case", ["plain", "little budget", "few deliveries"])
def test_a_whole_schedule_that_keeps_every_row_comes_back_as_it_is(case: str) -> None:
    found = solve(HARD[case], cpu_s=0.0, gap=0.0)
    again = stepwise(found.problem, found.program, found.values)
    assert np.allclose(again, found.values)


def test_more_time_never_makes_the_schedule_dearer_or_the_bound_lower() -> None:
    at_once, later = solve(BASE, cpu_s=0.0, gap=0.0), solve(BASE, cpu_s=2.0, gap=0.01)
    assert later.cost <= at_once.cost + 1e-3
    assert later.bound >= at_once.bound - 1e-3
    assert_kept(BASE, later.values)


def from_continuous(found: Solution) -> FloatArray:
    assert found.continuous is not None
    return np.asarray(np.abs(found.held.sum(axis=1) - found.continuous[found.program.columns.held].sum(axis=1)))


@pytest.mark.parametrize("cpu_s", [0.0, 2.0])
def test_a_groups_whole_vehicles_of_a_year_lie_within_one_of_the_continuous_plans(cpu_s: float) -> None:
    found = solve(synthetic(30, 10, 8, seed=1), cpu_s=cpu_s, gap=0.0)
    assert from_continuous(found).max() <= 1.0 + 1e-6


def test_vehicles_are_dealt_out_near_what_is_due_and_sum_to_the_order() -> None:
    due = np.array([2.4, 0.35, 1.25, -0.5])
    assert _dealt(due, 5.0).tolist() == [3.0, 1.0, 1.0, 0.0]
    assert _dealt(due, 0.0).tolist() == [0.0] * 4
