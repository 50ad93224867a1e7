"""The further covering models against enumeration of all choices."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charging.siting.cover_problems import GradualCovering, PeriodCovering
from charging.siting.plans import curve, near_optimal
from charging.siting.problem import MaximalCovering
from charging.siting.solve import solve

EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True)


@st.composite
def covers(draw):
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_points, n_sites = draw(st.integers(1, 12)), draw(st.integers(1, 6))
    cover = random.random((n_points, n_sites)) < draw(st.sampled_from([0.2, 0.4, 0.7]))
    weight = random.random(n_points) if draw(st.booleans()) else random.integers(0, 9, n_points).astype(float)
    return random, cover, weight


def subsets(n_sites):
    return [list(sites) for size in range(n_sites + 1) for sites in combinations(range(n_sites), size)]


def covered(cover, weight, sites):
    return float(weight[cover[:, sites].any(axis=1)].sum())


@EXAMPLES
@given(covers(), st.integers(0, 6), st.integers(0, 10))
def test_number_and_budget_hold_together(instance, p, budget):
    random, cover, weight = instance
    cost = random.integers(0, 6, cover.shape[1]).astype(float)
    p = min(p, cover.shape[1])
    allowed = [sites for sites in subsets(cover.shape[1]) if len(sites) <= p and cost[sites].sum() <= budget]
    answer = solve(MaximalCovering(cover, weight, p=p, cost=cost, budget=budget))
    assert answer.objective == pytest.approx(max(covered(cover, weight, sites) for sites in allowed))
    assert answer.status == "optimal"
    assert len(answer.sites) <= p
    assert cost[answer.sites].sum() <= budget


@EXAMPLES
@given(covers(), st.integers(0, 6))
def test_gradual_covering_counts_the_best_level_of_each_point(instance, p):
    random, cover, weight = instance
    level = cover * random.choice([0.2, 0.5, 0.75, 1.0], cover.shape)
    p = min(p, cover.shape[1])
    best = max(
        float(weight @ level[:, sites].max(axis=1, initial=0.0)) for sites in subsets(cover.shape[1]) if len(sites) == p
    )
    answer = solve(GradualCovering(level, weight, p=p))
    assert answer.objective == pytest.approx(best)
    assert answer.bound == pytest.approx(best)
    serving = np.where(answer.assignment >= 0, level[np.arange(len(level)), answer.assignment], 0.0)
    assert float(weight @ serving) == pytest.approx(best)


@EXAMPLES
@given(covers(), st.sampled_from([(1, 2), (0, 1), (1, 1), (2, 3)]), st.booleans())
def test_what_is_built_early_stays_and_the_sum_over_periods_is_largest(instance, numbers, is_money):
    random, cover, _ = instance
    n_points, n_sites = cover.shape
    weight = random.integers(0, 9, (2, n_points)).astype(float)
    cost = random.integers(1, 3, n_sites).astype(float) if is_money else np.ones(n_sites)
    best = 0.0
    for opening in product((0, 1, 2), repeat=n_sites):
        early, late = [i for i in range(n_sites) if opening[i] == 0], [i for i in range(n_sites) if opening[i] < 2]
        if cost[early].sum() <= numbers[0] and cost[late].sum() <= numbers[1]:
            best = max(best, covered(cover, weight[0], early) + covered(cover, weight[1], late))
    limits = {"cost": cost, "budget": numbers} if is_money else {"p": numbers}
    answer = solve(PeriodCovering(cover, weight, **limits))
    assert answer.objective == pytest.approx(best)
    assert answer.status == "optimal"
    assert set(answer.sites_in(0)) <= set(answer.sites_in(1))
    assert cost[answer.sites_in(0)].sum() <= numbers[0]
    assert cost[answer.sites_in(1)].sum() <= numbers[1]


@st.composite
def plans_of_three_years(draw):
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_points, n_sites = draw(st.integers(1, 10)), draw(st.integers(2, 4))
    cover = random.random((n_points, n_sites)) < 0.4
    cost = random.integers(1, 5, n_sites) + random.choice([0.0, 0.25], n_sites)
    fixed = tuple(np.flatnonzero(random.random(n_sites) < 0.2).tolist())
    budget = cost[list(fixed)].sum() + random.integers(0, 8, 3)
    p = len(fixed) + random.integers(0, 3, 3) if draw(st.booleans()) else None
    return PeriodCovering(cover, random.integers(0, 9, (3, n_points)) * 1.0, p, cost, budget, fixed)


@EXAMPLES
@given(plans_of_three_years())
def test_every_year_keeps_its_own_budget_and_number_and_no_plan_that_does_is_better(problem):
    n_sites = len(problem.cost)
    best = -1.0
    for opening in product(range(4), repeat=n_sites):
        years = [[site for site in range(n_sites) if opening[site] <= year] for year in range(3)]
        affordable = all(problem.cost[sites].sum() <= problem.budget[year] for year, sites in enumerate(years))
        few = problem.p is None or all(len(sites) <= problem.p[year] for year, sites in enumerate(years))
        if affordable and few and set(problem.fixed) <= set(years[0]):
            best = max(best, sum(covered(problem.cover, problem.weight[t], sites) for t, sites in enumerate(years)))
    answer = solve(problem)
    assert (answer.objective, answer.status) == (best, "optimal")
    for year in range(3):
        sites = answer.sites_in(year)
        assert problem.cost[sites].sum() <= problem.budget[year]
        assert problem.p is None or len(sites) <= problem.p[year]
        assert answer.covered[year] == covered(problem.cover, problem.weight[year], sites)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(covers(), st.sampled_from([0.0, 0.1, 0.4]))
def test_as_many_different_plans_come_back_as_there_are_within_the_loss(instance, loss):
    _, cover, weight = instance
    p = min(2, cover.shape[1])
    values = [covered(cover, weight, sites) for sites in subsets(cover.shape[1]) if len(sites) == p]
    enough = sum(value >= (1 - loss) * max(values) - 1e-9 for value in values)
    plans = near_optimal(MaximalCovering(cover, weight, p=p), loss, 4)
    assert len({tuple(plan.sites.tolist()) for plan in plans}) == len(plans) == min(4, enough)
    assert min(plan.objective for plan in plans) >= (1 - loss) * max(values) - 1e-9


@EXAMPLES
@given(covers())
def test_the_curve_rises_and_its_bounds_hold(instance):
    _, cover, weight = instance
    ps = list(range(cover.shape[1] + 1))
    answers = curve(MaximalCovering(cover, weight, p=0), ps)
    best = [max(covered(cover, weight, s) for s in subsets(cover.shape[1]) if len(s) == p) for p in ps]
    assert [answer.objective for answer in answers] == pytest.approx(best)
    assert all(answer.bound >= value - 1e-9 for answer, value in zip(answers, best, strict=True))
