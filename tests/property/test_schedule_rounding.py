"""A solved schedule in whole vehicles against the continuous plan behind it, where no limit takes anything back."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetsim.schedules.problem import FloatArray, ScheduleProblem
from fleetsim.schedules.solve import Solution, solve
from fleetsim.schedules.synthetic import synthetic

SPARE = 0.25
"""What a vehicle of the invented fleets may do less than a diesel one: a whole one more may be needed for the work."""


def wide(problem: ScheduleProblem) -> ScheduleProblem:
    """The problem without limits on money and hydrogen."""
    years = len(problem.years)
    return replace(problem, budget_cny=np.full(years, 1e15), hydrogen_supply_kg=np.full(years, 1e9))


def away(found: Solution) -> FloatArray:
    assert found.continuous is not None
    return np.asarray(found.held.sum(axis=1) - found.continuous[found.program.columns.held].sum(axis=1))


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 10_000), st.integers(14, 18), st.integers(3, 5), st.integers(0, 3))
def test_a_group_s_vehicles_of_a_year_are_rounded_by_about_one_early_leavers_too(
    seed: int, groups: int, depots: int, young: int
) -> None:
    problem = wide(synthetic(groups, depots, 5, seed=seed))
    vehicles = problem.vehicles
    # Some fleets must leave years before they wear out, as an early retirement asks for.
    limits = np.maximum(vehicles.age_limit - young * (np.arange(groups) % 2)[:, None], 1)
    problem = replace(problem, vehicles=replace(vehicles, age_limit=limits))

    found = solve(problem, cpu_s=0.0, gap=0.0)

    assert not found.broken
    assert np.abs(away(found)).max() <= 1.0 + SPARE
    assert abs(away(found).mean()) <= 1.0
