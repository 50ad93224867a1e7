"""Several periods with every model, against trying every plan in which nothing is taken back."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from charging.siting import (
    CapacitatedPMedian,
    FlowRefuelling,
    Flows,
    GradualCovering,
    MaximalCovering,
    PCenter,
    Periods,
    PeriodsAnswer,
    PMedian,
    RoadGraph,
    ServiceCovering,
    solve,
)
from charging.siting.effort import Effort
from charging.siting.flow_driving import gets_through
from charging.siting.flow_routes import routes_of_flows
from charging.siting.milp import Outcome, minimise
from charging.siting.service_covering import of_each_number, service_program
from charging.siting.service_rows import make_layout
from networks.errors import InfeasibleError

EXAMPLES = settings(max_examples=25, deadline=None, derandomize=True)
Value = Callable[[int, tuple[int, ...]], float]
"""What the sites open in a period are worth there; infinitely bad where they cannot be."""


def plans(n_sites: int, n_periods: int) -> Iterator[list[tuple[int, ...]]]:
    for opening in itertools.product(range(n_periods + 1), repeat=n_sites):
        yield [tuple(site for site in range(n_sites) if opening[site] <= period) for period in range(n_periods)]


def best_plan(n_sites: int, n_periods: int, value: Value, sense: float) -> float:
    """Return the best sum over periods, infinitely bad where no plan is allowed."""
    sums = (sum(value(period, sites) for period, sites in enumerate(plan)) for plan in plans(n_sites, n_periods))
    return sense * max(sense * each for each in sums)


def is_a_plan(answer: PeriodsAnswer, value: Value) -> None:
    """Check that the answer keeps to its limits, and that its objective is that of its sites."""
    states = [tuple(answer.sites_in(period).tolist()) for period in range(len(answer.parts))]
    assert answer.objective == pytest.approx(sum(value(period, sites) for period, sites in enumerate(states)))
    for period, part in enumerate(answer.parts):
        assert part.objective == pytest.approx(value(period, states[period]))


def numbers(draw: DrawFn, n_sites: int, n_periods: int, least: int = 1) -> list[int]:
    return sorted(draw(st.lists(st.integers(least, n_sites), min_size=n_periods, max_size=n_periods)))


@st.composite
def coverings(draw: DrawFn) -> tuple[Periods, Value]:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_points, n_sites, n_periods = draw(st.integers(1, 8)), draw(st.integers(1, 5)), draw(st.integers(1, 3))
    gradual, by_budget = draw(st.booleans()), draw(st.booleans())
    level = np.round(random.random((n_points, n_sites)) * (random.random((n_points, n_sites)) < 0.6), 1)
    level = level if gradual else (level > 0).astype(float)
    weight = random.integers(0, 9, (n_periods, n_points)).astype(float)
    cost = random.integers(1, 5, n_sites).astype(float)
    p = None if by_budget else numbers(draw, n_sites, n_periods)
    budget = sorted(random.integers(1, 12, n_periods).tolist()) if by_budget else None

    def value(period: int, sites: tuple[int, ...]) -> float:
        spent = cost[list(sites)].sum() > budget[period] if budget else len(sites) > (p or [])[period]
        return -np.inf if spent else float(weight[period] @ level[:, sites].max(axis=1, initial=0.0))

    def problem(period: int) -> Any:
        limits = (None, cost, float(budget[period])) if budget else ((p or [])[period], None, None)
        return (GradualCovering if gradual else MaximalCovering)(level, weight[period], *limits)

    return Periods([problem(period) for period in range(n_periods)]), value


@EXAMPLES
@given(coverings())
def test_coverings_over_periods_are_the_best_of_all_plans_and_proven(case: tuple[Periods, Value]) -> None:
    problem, value = case
    n_sites = problem.problems[0].cover.shape[1] if hasattr(problem.problems[0], "cover") else None
    n_sites = n_sites or problem.problems[0].level.shape[1]  # type: ignore[union-attr]

    answer = solve(problem)

    assert isinstance(answer, PeriodsAnswer)
    is_a_plan(answer, value)
    assert answer.objective == pytest.approx(best_plan(n_sites, len(problem.problems), value, 1.0))
    assert answer.status == "optimal"


@st.composite
def ways(draw: DrawFn) -> tuple[Periods, Value, bool]:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_points, n_sites, n_periods = draw(st.integers(2, 12)), draw(st.integers(2, 5)), draw(st.integers(1, 3))
    cost = random.integers(0, 20, (n_points, n_sites)).astype(float)
    cost[random.random(cost.shape) < draw(st.sampled_from([0.0, 0.3]))] = np.inf
    fixed = (0,) if draw(st.booleans()) else ()
    weight = random.integers(1, 9, (n_periods, n_points)).astype(float)
    p, center = numbers(draw, n_sites, n_periods), draw(st.booleans())

    def value(period: int, sites: tuple[int, ...]) -> float:
        if len(sites) != p[period] or not set(fixed) <= set(sites):
            return np.inf
        nearest = cost[:, sites].min(axis=1)
        return float(nearest.max() if center else weight[period] @ nearest)

    problems = [
        PCenter(cost, p[t], fixed) if center else PMedian(cost, weight[t], p[t], fixed) for t in range(n_periods)
    ]
    return Periods(problems), value, center


@EXAMPLES
@given(ways())
def test_ways_over_periods_lie_between_their_bound_and_a_plan_that_can_be(case: tuple[Periods, Value, bool]) -> None:
    problem, value, center = case
    best = best_plan(problem.problems[0].cost.shape[1], len(problem.problems), value, -1.0)  # type: ignore[union-attr]
    try:
        answer = solve(problem)
    except InfeasibleError:
        assert not np.isfinite(best)
        return

    assert isinstance(answer, PeriodsAnswer)
    is_a_plan(answer, value)
    assert answer.bound <= best * (1 + 1e-9) + 1e-9
    assert answer.objective >= best * (1 - 1e-9) - 1e-9
    if center:
        assert answer.status == "optimal"
    assert answer.objective <= 1.1 * best + 1e-9
    if answer.status == "optimal":
        assert answer.objective == pytest.approx(best)


@st.composite
def rooms(draw: DrawFn) -> tuple[Periods, Value]:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_points, n_sites, n_periods = draw(st.integers(1, 5)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    cost = random.integers(0, 20, (n_periods, n_points, n_sites)).astype(float)
    cost[random.random(cost.shape) < draw(st.sampled_from([0.0, 0.2]))] = np.inf
    demand = random.integers(0, 6, (n_periods, n_points)).astype(float)
    capacity = random.integers(3, 15, (n_periods, n_sites)).astype(float)
    p = numbers(draw, n_sites, n_periods)

    def value(period: int, sites: tuple[int, ...]) -> float:
        if len(sites) != p[period]:
            return np.inf
        best = np.inf
        for serving in itertools.product(sites, repeat=n_points):
            load = np.bincount(serving, weights=demand[period], minlength=n_sites)
            if (load <= capacity[period]).all():
                best = min(best, float(cost[period, np.arange(n_points), list(serving)].sum()))
        return best

    return Periods([CapacitatedPMedian(cost[t], demand[t], capacity[t], p[t]) for t in range(n_periods)]), value


@EXAMPLES
@given(rooms())
def test_medians_with_capacities_over_periods_are_the_best_of_all_plans_and_proven(case: tuple[Periods, Value]) -> None:
    problem, value = case
    n_sites = problem.problems[0].cost.shape[1]  # type: ignore[union-attr]
    best = best_plan(n_sites, len(problem.problems), value, -1.0)
    try:
        answer = solve(problem)
    except InfeasibleError:
        assert not np.isfinite(best)
        return

    assert isinstance(answer, PeriodsAnswer)
    is_a_plan(answer, value)
    assert answer.objective == pytest.approx(best)
    assert answer.status == "optimal"


@st.composite
def services(draw: DrawFn) -> tuple[Periods, Value]:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_points, n_sites, n_periods = draw(st.integers(1, 5)), draw(st.integers(1, 4)), draw(st.integers(1, 2))
    reach = (random.random((n_points, n_sites)) < 0.6).astype(float)
    demand = random.integers(1, 9, (n_periods, n_points)).astype(float)
    capacity = np.cumsum(random.integers(1, 5, (n_sites, 2)), axis=1).astype(float)
    cost = np.cumsum(random.integers(1, 4, (n_sites, 2)), axis=1).astype(float)
    budget = np.sort(random.integers(2, 15, n_periods)).astype(float)
    problems = [ServiceCovering(reach, demand[t], capacity, cost, budget=float(budget[t])) for t in range(n_periods)]

    def value(period: int, state: tuple[int, ...]) -> float:
        if sum(cost[site, size - 1] for site, size in enumerate(state) if size) > budget[period]:
            return -np.inf
        most = np.array([capacity[site, size - 1] if size else 0.0 for site, size in enumerate(state)])
        return most_served(reach, demand[period], most)

    return Periods(problems, grows=draw(st.booleans())), value


def most_served(reach: Any, demand: Any, capacity: Any) -> float:
    """Return the most that can be served: the least cut between points and stations, over all sets of points."""
    least = np.inf
    for inside in itertools.product((False, True), repeat=len(demand)):
        points = np.array(inside)
        near = reach[points].any(axis=0) if points.any() else np.zeros(len(capacity), dtype=bool)
        least = min(least, demand[~points].sum() + capacity[near].sum())
    return float(least)


@EXAMPLES
@given(services())
def test_stations_with_sizes_never_shrink_and_serve_most_of_all_plans(case: tuple[Periods, Value]) -> None:
    problem, value = case
    n_sites, n_periods = problem.problems[0].reach.shape[1], len(problem.problems)  # type: ignore[union-attr]
    best = -np.inf
    every = list(itertools.product(range(3), repeat=n_sites))
    for chain in itertools.product(every, repeat=n_periods):
        steps = [step for a, b in itertools.pairwise(chain) for step in zip(a, b, strict=True)]
        if all((low <= high) if problem.grows else low in (0, high) for low, high in steps):
            best = max(best, sum(value(period, state) for period, state in enumerate(chain)))

    answer = solve(problem)

    assert answer.objective == pytest.approx(best)
    assert answer.status == "optimal"


@EXAMPLES
@given(services())
def test_each_number_of_stations_alone_gives_the_same_answer_as_all_at_once(case: tuple[Periods, Value]) -> None:
    problem = case[0].problems[0]
    assert isinstance(problem, ServiceCovering)
    layout = make_layout(problem, np.asarray(problem.demand, dtype=np.float64))
    program = service_program(problem)
    at_once = minimise(program, Effort())

    found = of_each_number(problem, layout, program, Outcome(None, -np.inf, infeasible=False), Effort())

    assert found.values is not None
    assert program.cost @ found.values == pytest.approx(at_once.bound)
    assert found.bound == pytest.approx(at_once.bound)


@st.composite
def flows(draw: DrawFn) -> tuple[Periods, Value]:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_nodes, n_periods = draw(st.integers(3, 5)), draw(st.integers(1, 3))
    tail, head = np.arange(n_nodes - 1), np.arange(1, n_nodes)
    graph = RoadGraph(tail, head, random.integers(5, 30, n_nodes - 1).astype(float))
    pairs = list(itertools.combinations(range(n_nodes), 2))
    origin, destination = np.array(pairs).T
    volume = random.integers(1, 9, (n_periods, len(pairs))).astype(float)
    p = numbers(draw, n_nodes, n_periods)
    range_km = float(random.integers(30, 90))
    problems = [FlowRefuelling(graph, Flows(origin, destination, volume[t]), range_km, p[t]) for t in range(n_periods)]
    routes, _ = routes_of_flows(problems[0])

    def value(period: int, sites: tuple[int, ...]) -> float:
        if len(sites) > p[period]:
            return -np.inf
        stands = np.isin(np.arange(n_nodes), sites)
        through = [any(gets_through(route, stands, range_km) for route in ways) for ways in routes]
        return float(volume[period] @ np.array(through, dtype=float))

    return Periods(problems), value


@EXAMPLES
@given(flows())
def test_flows_over_periods_are_the_best_of_all_plans_and_proven(case: tuple[Periods, Value]) -> None:
    problem, value = case
    n_nodes = int(np.max(problem.problems[0].graph.head)) + 1  # type: ignore[union-attr]

    answer = solve(problem)

    assert isinstance(answer, PeriodsAnswer)
    is_a_plan(answer, value)
    assert answer.objective == pytest.approx(best_plan(n_nodes, len(problem.problems), value, 1.0))
    assert answer.status == "optimal"


def test_what_a_period_gives_up_is_told_beside_what_it_could_have_alone() -> None:
    cover = np.array([[1, 0, 1], [0, 1, 1], [0, 1, 0], [1, 0, 0]])
    first, second = MaximalCovering(cover, [1, 1, 0, 0], p=1), MaximalCovering(cover, [1, 1, 9, 9], p=2)

    answer = solve(Periods([first, second], importance=(1.0, 2.0)))

    assert isinstance(answer, PeriodsAnswer)
    # Site 2 alone would cover 2 at first; the second period needs sites 0 and 1, and counts twice.
    assert answer.opening.tolist() in ([0, 1, -1], [1, 0, -1])
    assert [part.objective for part in answer.parts] == [1.0, 20.0]
    assert answer.regret.tolist() == [1.0, 0.0]
    assert (answer.objective, answer.status) == (41.0, "optimal")


@st.composite
def centers_that_stand(draw: DrawFn) -> tuple[Periods, Value]:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_points, n_sites, n_periods = draw(st.integers(1, 10)), draw(st.integers(3, 5)), draw(st.integers(2, 3))
    cost = np.round(random.random((n_periods, n_points, n_sites)), draw(st.integers(1, 3)))
    p = numbers(draw, n_sites, n_periods, least=2)
    late = draw(st.integers(0, n_periods - 1))
    fixed = [(0,) if period < late else (0, 2) for period in range(n_periods)]
    importance = random.integers(1, 4, n_periods).astype(float)

    def value(period: int, sites: tuple[int, ...]) -> float:
        if len(sites) != p[period] or not set(fixed[period]) <= set(sites):
            return np.inf
        return float(importance[period] * cost[period][:, sites].min(axis=1).max())

    return Periods([PCenter(cost[t], p[t], fixed[t]) for t in range(n_periods)], importance.tolist()), value


@EXAMPLES
@given(centers_that_stand(), st.sampled_from([None, 1]))
def test_centers_over_periods_are_proven_or_lie_above_their_bound(case: tuple[Periods, Value], nodes: int) -> None:
    problem, value = case
    best = best_plan(problem.problems[0].cost.shape[1], len(problem.problems), value, -1.0)  # type: ignore[union-attr]

    answer = solve(problem, nodes=nodes)

    assert answer.bound <= best + 1e-9
    assert answer.objective >= best - 1e-9
    if nodes is None:
        assert (answer.objective, answer.status) == (pytest.approx(best), "optimal")


def test_a_plan_that_no_period_s_best_grows_into_is_found_and_one_that_cannot_be_is_refused() -> None:
    # Alone the first period is best served from site 0, the second from 1 and 2; only 1 and then 1, 2 serves both.
    first = np.array([[1.0, 5.0, np.inf]])
    second = np.array([[np.inf, 1.0, np.inf], [np.inf, np.inf, 1.0]])

    answer = solve(Periods([PCenter(first, 1), PCenter(second, 2)]))

    assert isinstance(answer, PeriodsAnswer)
    assert (answer.objective, answer.status, answer.opening.tolist()) == (6.0, "optimal", [-1, 0, 1])
    with pytest.raises(InfeasibleError, match="no plan over the periods serves every point"):
        solve(Periods([PCenter(np.array([[1.0, np.inf, np.inf]]), 1), PCenter(second, 2)]))


def test_a_period_whose_budget_buys_no_part_of_the_next_one_s_best_opens_nothing() -> None:
    cover = np.eye(2)
    dear = MaximalCovering(cover, [1.0, 9.0], cost=np.array([5.0, 9.0]), budget=4.0)
    rich = MaximalCovering(cover, [1.0, 9.0], cost=np.array([5.0, 9.0]), budget=9.0)

    answer = solve(Periods([dear, rich]))

    assert isinstance(answer, PeriodsAnswer)
    assert (answer.objective, answer.status, answer.opening.tolist()) == (9.0, "optimal", [-1, 1])
