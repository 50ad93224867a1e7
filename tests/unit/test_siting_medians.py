"""Medians with and without capacities: branching, shaking, bounds, and what cannot be served."""

import itertools

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from charging.siting import CapacitatedPMedian, PMedian, solve
from charging.siting.capacity_bound import Capacities, first_prices, raise_bound
from charging.siting.capacity_parts import Plan, better_parts
from charging.siting.capacity_search import serve, shake
from charging.siting.effort import Effort
from charging.siting.median_search import grouped, median_value
from charging.siting.median_task import Median
from networks.errors import InfeasibleError


def capacities(seed: int, n: int = 24, p: int = 4) -> Capacities:
    random = np.random.default_rng(seed)
    at = random.random((n, 2))
    cost = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    demand = random.integers(1, 20, n).astype(float)
    return Capacities(cost, demand, np.full(n, np.ceil(demand.sum() / (0.85 * p))), p)


def by_milp(cost: np.ndarray, p: int) -> float:
    """Least cost of p sites by another program: columns are sites, then points x sites."""
    n, m = cost.shape
    once = np.hstack([np.zeros((n, m)), np.kron(np.eye(n), np.ones(m))])
    only_open = np.hstack([np.tile(np.eye(m), (n, 1)), -np.eye(n * m)])
    number = np.r_[np.ones(m), np.zeros(n * m)][None, :]
    rules = [LinearConstraint(once, 1, 1), LinearConstraint(only_open, 0, np.inf), LinearConstraint(number, p, p)]
    kinds = np.r_[np.ones(m), np.zeros(n * m)]
    return float(milp(np.r_[np.zeros(m), cost.ravel()], constraints=rules, integrality=kinds, bounds=Bounds(0, 1)).fun)


@pytest.mark.parametrize("seed", range(4))
def test_branching_on_uneven_costs_proves_what_another_solver_finds(seed: int) -> None:
    cost = np.random.default_rng(seed).integers(1, 60, (30, 30)).astype(float)

    answer = solve(PMedian(cost, np.ones(30), 6))

    assert answer.status == "optimal"
    assert answer.objective == pytest.approx(by_milp(cost, 6))


def test_groups_of_points_cost_together_what_their_points_cost() -> None:
    cost = np.random.default_rng(5).random((6, 200))

    together = grouped(cost)

    assert together.shape[1] <= 6 * 5
    np.testing.assert_allclose(together.sum(axis=1), cost.sum(axis=1))


@pytest.mark.parametrize("in_groups", [False, True])
def test_shaking_keeps_fixed_sites_and_worsens_nothing(in_groups: bool) -> None:
    random = np.random.default_rng(6)
    cost, fixed = random.random((40, 300)), np.array([3, 7])
    median = Median(cost, np.ones(300), 6, fixed, False, np.inf, np.array([3, 7, 0, 1, 2, 4]))
    before = median.value

    median.shake(20, Effort(), grouped_points=in_groups)

    assert median.value < before
    assert median.value == pytest.approx(median_value(cost, median.sites))
    assert set(fixed) <= set(median.sites.tolist())


@pytest.mark.parametrize("seed", range(3))
def test_knapsack_bound_is_never_above_the_best_assignment(seed: int) -> None:
    task = capacities(seed, n=9, p=2)
    prices = first_prices(task)
    best = min(
        sum(task.cost[site, point] for point, site in enumerate(serving))
        for pair in itertools.combinations(range(9), 2)
        for serving in itertools.product(pair, repeat=9)
        if all(task.demand[np.array(serving) == site].sum() <= task.capacity[site] for site in pair)
    )

    raise_bound(task, prices, best * 1.5, 200)

    assert 0.5 * best < prices.bound <= best + 1e-9


def test_shaken_assignment_keeps_capacities_and_its_cost_is_the_one_told() -> None:
    task = capacities(1)
    sites, slot = np.arange(4), np.empty(24, dtype=np.int64)
    first = serve(task.cost, task.demand, task.capacity, sites.copy(), slot)

    value = shake(task.cost, task.demand, task.capacity, sites, slot, 50, 1)

    load = np.bincount(slot, task.demand, minlength=4)
    assert value <= first
    assert value == pytest.approx(task.cost[sites[slot], np.arange(24)].sum())
    assert (load <= task.capacity[sites]).all()
    assert len(set(sites.tolist())) == 4


def test_parts_solved_anew_keep_capacities_and_number_of_sites() -> None:
    task = capacities(2, n=30, p=5)
    sites, slot = np.arange(5), np.empty(30, dtype=np.int64)
    value = float(serve(task.cost, task.demand, task.capacity, sites, slot))
    plan = Plan(np.sort(sites), sites[slot], value)

    better_parts(task, plan, 3, Effort())

    load = np.bincount(plan.serving, task.demand, minlength=30)
    assert plan.value <= value
    assert plan.value == pytest.approx(task.cost[plan.serving, np.arange(30)].sum())
    assert (load <= task.capacity).all()
    assert set(plan.serving.tolist()) <= set(plan.sites.tolist())
    assert len(plan.sites) == 5


def test_point_too_large_for_every_site_is_named_with_what_is_missing() -> None:
    demand = np.array([1.0, 9.0, 1.0])
    cost = np.ones((3, 3))

    with pytest.raises(InfeasibleError, match=r"capacity: point 1 takes 9, .* holds 7; raise one by 2"):
        solve(CapacitatedPMedian(cost, demand, 7.0, 2))


def test_point_allowed_nowhere_is_named() -> None:
    cost = np.array([[1.0, 2.0], [np.inf, np.inf]])

    with pytest.raises(InfeasibleError, match=r"cost: 1 points \(first: 1\) are allowed at no site"):
        solve(CapacitatedPMedian(cost, np.ones(2), 5.0, 1))
