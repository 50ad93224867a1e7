"""Flow refuelling against every choice of stations, each driven; capacities against every assignment."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from charging.siting.capacitated_p_median import solve_capacitated_p_median
from charging.siting.effort import Effort
from charging.siting.flow_driving import gets_through
from charging.siting.flow_problem import FlowRefuelling, Flows, RoadGraph
from charging.siting.flow_refuelling import first_stations, solve_flow_refuelling
from charging.siting.flow_routes import routes_of_flows
from charging.siting.median_problem import CapacitatedPMedian

EXAMPLES = settings(max_examples=25, deadline=None, derandomize=True)


@st.composite
def networks(draw, detour=(0.0, 0.3)):
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_nodes = draw(st.integers(3, 9))
    tail, head = np.arange(1, n_nodes), np.array([random.integers(0, node) for node in range(1, n_nodes)])
    extra = np.array(list(combinations(range(n_nodes), 2)))[: n_nodes + 2]
    graph = RoadGraph(
        np.r_[tail, extra[:, 0]], np.r_[head, extra[:, 1]], random.integers(5, 60, len(tail) + len(extra)) * 1.0
    )
    pairs = np.array(list(combinations(range(n_nodes), 2)))
    flows = Flows(pairs[:, 0], pairs[:, 1], random.integers(1, 9, len(pairs)) * 1.0)
    p = draw(st.integers(1, 3))
    return FlowRefuelling(graph, flows, draw(st.sampled_from([60.0, 90.0, 140.0])), p,
                          max_detour_share=draw(st.sampled_from(detour)))  # fmt: skip


@EXAMPLES
@given(networks())
def test_the_stations_refuel_as_much_as_the_best_of_all_choices_when_driven(problem):
    routes, volume = routes_of_flows(problem)
    n_nodes = int(max(problem.graph.tail.max(), problem.graph.head.max())) + 1
    best = max(
        volume[first_stations(routes, np.array(sites), n_nodes, problem.range_km) >= 0].sum()
        for sites in combinations(range(n_nodes), problem.p)
    )
    answer = solve_flow_refuelling(problem, Effort())
    assert answer.objective == pytest.approx(best)
    assert answer.status == "optimal"
    assert len(answer.sites) == problem.p


@EXAMPLES
@given(networks(), st.integers(0, 2**32))
def test_a_route_is_driven_through_exactly_when_each_of_its_clauses_has_a_station(problem, seed):
    routes, _ = routes_of_flows(problem)
    n_nodes = int(max(problem.graph.tail.max(), problem.graph.head.max())) + 1
    has_station = np.random.default_rng(seed).random(n_nodes) < 0.4
    for route in (route for ways in routes for route in ways):
        by_model = all(has_station[list(clause)].any() for clause in route.clauses)
        assert gets_through(route, has_station, problem.range_km) == by_model


@EXAMPLES
@given(st.integers(0, 2**32), st.integers(1, 2))
def test_a_capacitated_median_is_as_cheap_as_the_best_of_all_assignments(seed, p):
    random = np.random.default_rng(seed)
    cost, demand = random.random((5, 4)), random.integers(1, 5, 5).astype(float)
    capacity = np.ceil(1.3 * demand.sum() / p)
    values = [
        sum(cost[point, site] for point, site in enumerate(serving))
        for sites in combinations(range(4), p)
        for serving in product(sites, repeat=5)
        if all(demand[np.array(serving) == site].sum() <= capacity for site in sites)
    ]
    assume(values)
    answer = solve_capacitated_p_median(CapacitatedPMedian(cost, demand, capacity, p), Effort())
    assert answer.objective == pytest.approx(min(values))
    assert answer.bound <= answer.objective
    assert (np.bincount(answer.assignment, demand, minlength=4) <= capacity).all()
