"""Every siting model against enumeration of all choices of sites."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from charging.siting import MaximalCovering, PCenter, PMedian, SetCovering, solve
from charging.siting.effort import Effort
from charging.siting.milp import Program, minimise
from networks.errors import InfeasibleError

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def instances(draw):
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_points, n_sites = draw(st.integers(1, 12)), draw(st.integers(1, 7))
    cover = random.random((n_points, n_sites)) < draw(st.sampled_from([0.15, 0.3, 0.6]))
    weight = random.random(n_points) if draw(st.booleans()) else random.integers(0, 9, n_points).astype(float)
    fixed = tuple(draw(st.sets(st.integers(0, n_sites - 1), max_size=2)))
    return cover, weight, fixed


def choices(n_sites, fixed):
    for size in range(n_sites + 1):
        for sites in combinations(range(n_sites), size):
            if set(fixed) <= set(sites):
                yield list(sites)


def covered(cover, weight, sites):
    return float(weight[cover[:, sites].any(axis=1)].sum())


@EXAMPLES
@given(instances(), st.integers(0, 7))
def test_maximal_covering_with_p_sites_finds_the_best_of_all_choices(instance, more):
    cover, weight, fixed = instance
    p = min(len(fixed) + more, cover.shape[1])
    best = max(covered(cover, weight, sites) for sites in choices(cover.shape[1], fixed) if len(sites) == p)
    answer = solve(MaximalCovering(cover, weight, p=p, fixed=fixed))
    assert answer.objective == pytest.approx(best)
    assert answer.status == "optimal"
    assert len(answer.sites) == p


@EXAMPLES
@given(instances(), st.integers(0, 12), st.integers(0, 2**32))
def test_maximal_covering_within_a_budget_finds_the_best_of_all_choices(instance, more, seed):
    cover, weight, fixed = instance
    cost = np.random.default_rng(seed).integers(0, 6, cover.shape[1]).astype(float)
    budget = float(cost[list(fixed)].sum() + more)
    affordable = [sites for sites in choices(cover.shape[1], fixed) if cost[sites].sum() <= budget]
    answer = solve(MaximalCovering(cover, weight, cost=cost, budget=budget, fixed=fixed))
    assert answer.objective == pytest.approx(max(covered(cover, weight, sites) for sites in affordable))
    assert cost[answer.sites].sum() <= budget
    assert answer.status == "optimal"


@EXAMPLES
@given(instances(), st.integers(0, 2**32))
def test_set_covering_finds_the_cheapest_cover(instance, seed):
    cover, _, fixed = instance
    cover = cover[cover.any(axis=1)]
    cost = np.random.default_rng(seed).integers(0, 6, cover.shape[1]).astype(float)
    costs = [cost[sites].sum() for sites in choices(cover.shape[1], fixed) if cover[:, sites].any(axis=1).all()]
    answer = solve(SetCovering(cover, cost=cost, fixed=fixed))
    assert answer.objective == pytest.approx(min(costs))
    assert answer.status == "optimal"


@EXAMPLES
@given(instances(), st.floats(0.001, 0.02))
def test_the_bound_is_never_below_the_covered_weight(instance, time_limit_s):
    cover, weight, fixed = instance
    answer = solve(MaximalCovering(cover, weight, p=max(len(fixed), 1), fixed=fixed), time_limit_s=time_limit_s)
    assert answer.bound >= answer.objective
    assert answer.objective == pytest.approx(covered(cover, weight, answer.sites.tolist()))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.booleans(), st.booleans())
def test_branching_finds_what_the_whole_program_does(seed, is_whole, has_costs):
    random = np.random.default_rng(seed)
    n_points, n_sites, most = 150, 30, 5.0
    away = np.hypot(*(random.random((n_points, 1, 2)) - random.random((n_sites, 2))).transpose(2, 0, 1))
    cover = away < 0.22
    weight = random.integers(1, 50, n_points) * 1.0 if is_whole else random.random(n_points)
    cost = random.integers(1, 4, n_sites) * 0.5 if has_costs else np.ones(n_sites)
    rows = np.block([[cover, -np.eye(n_points)], [cost, np.zeros(n_points)]])
    program = Program(
        cost=np.r_[np.zeros(n_sites), -weight],
        matrix=csr_array(rows),
        row_lower=np.r_[np.zeros(n_points), -np.inf],
        row_upper=np.r_[np.full(n_points, np.inf), most],
        integer=np.arange(n_sites + n_points) < n_sites,
    )
    limits = {"cost": cost, "budget": most} if has_costs else {"p": int(most)}
    answer = solve(MaximalCovering(cover, weight, **limits))
    assert answer.objective == pytest.approx(-minimise(program, Effort()).bound)
    assert (answer.status, answer.bound) == ("optimal", answer.objective)
    assert cost[answer.sites].sum() <= most


@st.composite
def cost_instances(draw):
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_points, n_sites = draw(st.integers(1, 12)), draw(st.integers(1, 7))
    whole = draw(st.booleans())
    size = (n_points, n_sites)
    cost = random.integers(0, 20, size).astype(float) if whole else random.random(size)
    cost[random.random(size) < draw(st.sampled_from([0.0, 0.3]))] = np.inf
    fixed = tuple(draw(st.sets(st.integers(0, n_sites - 1), max_size=2)))
    p = draw(st.integers(max(len(fixed), 1), n_sites))
    return cost, random.integers(1, 5, n_points).astype(float), p, fixed


def check_against(problem, best):
    if not np.isfinite(best):
        with pytest.raises(InfeasibleError, match=r"raise p|allow a site"):
            solve(problem)
        return
    answer = solve(problem)
    assert answer.objective == pytest.approx(best)
    assert answer.status == "optimal"
    assert len(answer.sites) == problem.p
    assert set(problem.fixed) <= set(answer.sites.tolist())


@EXAMPLES
@given(cost_instances())
def test_p_median_finds_the_best_of_all_choices_or_says_why_not(instance):
    cost, weight, p, fixed = instance
    values = [(weight * cost[:, sites].min(axis=1)).sum() for sites in choices(cost.shape[1], fixed) if len(sites) == p]
    check_against(PMedian(cost, weight, p, fixed), min(values))


@EXAMPLES
@given(cost_instances())
def test_p_center_finds_the_best_of_all_choices_or_says_why_not(instance):
    cost, _, p, fixed = instance
    values = [cost[:, sites].min(axis=1).max() for sites in choices(cost.shape[1], fixed) if len(sites) == p]
    check_against(PCenter(cost, p, fixed), min(values))
