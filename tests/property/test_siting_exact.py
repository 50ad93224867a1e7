"""Medians by cuts and with capacities against enumeration of all choices."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from charging.siting import CapacitatedPMedian, PMedian, p_median, solve
from networks.errors import InfeasibleError

EXAMPLES = settings(max_examples=50, deadline=None, derandomize=True)


@st.composite
def medians(draw: DrawFn) -> PMedian:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_points, n_sites = draw(st.integers(2, 25)), draw(st.integers(2, 9))
    size = (n_points, n_sites)
    cost = random.integers(0, 20, size).astype(float) if draw(st.booleans()) else random.random(size)
    cost[random.random(size) < draw(st.sampled_from([0.0, 0.2]))] = np.inf
    cost[:, 0] = np.where(np.isinf(cost).all(axis=1), 30.0, cost[:, 0])
    fixed = tuple(draw(st.sets(st.integers(0, n_sites - 1), max_size=2)))
    return PMedian(cost, random.integers(1, 5, n_points), draw(st.integers(max(len(fixed), 1), n_sites)), fixed)


@st.composite
def capacitated(draw: DrawFn) -> CapacitatedPMedian:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_points, n_sites = draw(st.integers(2, 7)), draw(st.integers(2, 4))
    size = (n_points, n_sites)
    cost = random.integers(0, 9, size).astype(float) if draw(st.booleans()) else random.random(size)
    cost[random.random(size) < draw(st.sampled_from([0.0, 0.15]))] = np.inf
    demand = random.integers(1, 9, n_points).astype(float)
    p = draw(st.integers(1, n_sites))
    capacity = np.ceil(demand.sum() / p * random.uniform(0.9, 1.6, n_sites))
    return CapacitatedPMedian(cost, demand, capacity, p)


def least_median(problem: PMedian) -> float:
    sets = (list(sites) for sites in combinations(range(problem.cost.shape[1]), problem.p))
    right = (sites for sites in sets if set(problem.fixed) <= set(sites))
    weight = np.asarray(problem.weight, dtype=float)
    return min(float((weight * problem.cost[:, sites].min(axis=1)).sum()) for sites in right)


def least_capacitated(problem: CapacitatedPMedian) -> float:
    n_points, n_sites = problem.cost.shape
    demand, capacity = np.asarray(problem.demand, dtype=float), np.asarray(problem.capacity, dtype=float)
    least, points = np.inf, np.arange(n_points)
    for serving in product(range(n_sites), repeat=n_points):
        load = np.bincount(serving, demand, minlength=n_sites)
        if len(set(serving)) <= problem.p and (load <= capacity).all():
            least = min(least, float(problem.cost[points, list(serving)].sum()))
    return least


@EXAMPLES
@given(medians())
def test_a_median_by_cuts_is_the_best_of_all_choices_and_proven(problem: PMedian) -> None:
    best = least_median(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(p_median, "MANY_FROM", 0)
        if not np.isfinite(best):
            with pytest.raises(InfeasibleError):
                solve(problem)
            return
        answer = solve(problem)

    assert answer.objective == pytest.approx(best)
    assert answer.status == "optimal"
    assert set(problem.fixed) <= set(answer.sites.tolist())


@EXAMPLES
@given(capacitated())
def test_a_median_with_capacities_is_the_best_of_all_assignments_and_proven(problem: CapacitatedPMedian) -> None:
    best = least_capacitated(problem)
    if not np.isfinite(best):
        with pytest.raises(InfeasibleError):
            solve(problem)
        return

    answer = solve(problem)

    capacity = np.asarray(problem.capacity, dtype=float)
    load = np.bincount(answer.assignment, np.asarray(problem.demand, dtype=float), minlength=len(capacity))
    assert answer.objective == pytest.approx(best)
    assert answer.status == "optimal"
    assert (load <= capacity).all()
    assert set(answer.assignment.tolist()) <= set(answer.sites.tolist())
    assert len(answer.sites) == problem.p


@pytest.mark.parametrize("nodes", [0, 3])
def test_a_median_by_cuts_that_is_stopped_keeps_a_bound_below_the_best(nodes: int) -> None:
    random = np.random.default_rng(nodes)
    cost = np.hypot(*(random.random((150, 1, 2)) - random.random((40, 2))).transpose(2, 0, 1))
    problem = PMedian(cost, np.ones(150), 6)
    best = solve(problem)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(p_median, "MANY_FROM", 0)
        stopped, whole = solve(problem, nodes=nodes), solve(problem)

    assert best.status == whole.status == "optimal"
    assert whole.objective == pytest.approx(best.objective)
    assert 0.9 * best.objective < stopped.bound <= best.objective * (1 + 1e-9)
    assert stopped.objective >= best.objective * (1 - 1e-9)
