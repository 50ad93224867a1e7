"""Flow refuelling on 25 nodes with forbidden, allowed and fixed nodes and detours: every choice driven."""

from itertools import combinations

import numpy as np
import pytest

from charging.siting import FlowRefuelling, Flows, RoadGraph, flow_bound, flow_program, solve
from charging.siting.flow_driving import gets_through
from charging.siting.flow_routes import routes_of_flows
from networks.errors import InfeasibleError

SIDE = 5


def network(seed, n_flows=14):
    """A 5 x 5 grid of roads of 20 to 60 km with gaps, and some flows."""
    random = np.random.default_rng(seed)
    node = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    tail = np.r_[node[:, :-1].ravel(), node[:-1].ravel()]
    head = np.r_[node[:, 1:].ravel(), node[1:].ravel()]
    kept = random.random(len(tail)) < 0.85
    kept[: SIDE * (SIDE - 1)] = True
    kept[-1] = kept[SIDE * (SIDE - 1) :: SIDE] = True
    graph = RoadGraph(tail[kept], head[kept], random.integers(20, 61, int(kept.sum())) * 1.0, SIDE * SIDE)
    pairs = np.array(list(combinations(range(SIDE * SIDE), 2)))
    pairs = pairs[random.choice(len(pairs), n_flows, replace=False)]
    return random, graph, Flows(pairs[:, 0], pairs[:, 1], random.integers(1, 30, len(pairs)) * 1.0)


def problems():
    for seed, range_km, detour, n_forbidden, n_fixed, only in (
        (0, 120.0, 0.0, 6, 0, False),
        (1, 150.0, 0.25, 8, 1, False),
        (2, 200.0, 0.0, 0, 1, True),
        (3, 180.0, 0.4, 5, 2, True),
        (4, 260.0, 0.1, 12, 0, False),
    ):
        random, graph, flows = network(seed)
        order = random.permutation(SIDE * SIDE)
        fixed, forbidden = order[:n_fixed].tolist(), order[n_fixed : n_fixed + n_forbidden].tolist()
        candidates = np.sort(order[-16:]).tolist() if only else None
        yield FlowRefuelling(
            graph,
            flows,
            range_km,
            n_fixed + 2,
            fixed,
            max_detour_share=detour,
            candidates=candidates,
            forbidden=forbidden,
        )


def best_of_all(problem):
    """The most that any two further stations at allowed nodes let through, each choice driven."""
    routes, volume = routes_of_flows(problem)
    allowed = set(range(SIDE * SIDE) if problem.candidates is None else problem.candidates) - set(problem.forbidden)
    best = 0.0
    for sites in combinations(sorted(allowed - set(problem.fixed)), problem.p - len(problem.fixed)):
        has_station = np.isin(np.arange(SIDE * SIDE), [*sites, *problem.fixed])
        through = [any(gets_through(way, has_station, problem.range_km) for way in ways) for ways in routes]
        best = max(best, float(volume[through].sum()))
    return best


@pytest.mark.parametrize("problem", list(problems()), ids=["forbidden", "detour", "candidates", "all", "few"])
@pytest.mark.parametrize("small", [0, 10**9])
def test_stations_at_allowed_nodes_refuel_as_much_as_the_best_of_all_choices(problem, small, monkeypatch):
    monkeypatch.setattr(flow_program, "SMALL_PROGRAM", small)
    answer = solve(problem)
    assert answer.objective == best_of_all(problem) > 0
    assert (answer.status, len(answer.sites)) == ("optimal", problem.p)
    assert set(problem.fixed) <= set(answer.sites.tolist())
    assert not set(answer.sites.tolist()) & set(problem.forbidden)
    if problem.candidates is not None:
        assert set(answer.sites.tolist()) <= set(problem.candidates) | set(problem.fixed)


def test_rows_dropped_on_the_way_change_neither_stations_nor_bound(monkeypatch):
    monkeypatch.setattr(flow_program, "SMALL_PROGRAM", 0)
    _, graph, flows = network(7)
    problem = FlowRefuelling(graph, flows, 150.0, 3)
    kept = solve(problem)
    monkeypatch.setattr(flow_bound, "MOST_ROWS", 10)
    monkeypatch.setattr(flow_bound, "IDLE_ROUNDS", 1)
    dropped = solve(problem)
    assert (dropped.objective, dropped.bound, dropped.status) == (kept.objective, kept.bound, "optimal")


def test_the_tree_gives_the_same_answer_twice_and_stops_at_its_nodes(monkeypatch):
    monkeypatch.setattr(flow_program, "SMALL_PROGRAM", 0)
    _, graph, flows = network(8)
    problem = FlowRefuelling(graph, flows, 130.0, 4)
    first, second = solve(problem, nodes=2), solve(problem, nodes=2)
    assert first.sites.tolist() == second.sites.tolist()
    assert first.bound == second.bound >= solve(problem).objective >= first.objective


@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("after", [1, 2])
def test_an_ended_search_gives_its_best_stations_and_a_bound_that_holds(raises, after, monkeypatch):
    monkeypatch.setattr(flow_program, "SMALL_PROGRAM", 0)
    _, graph, flows = network(8, 150)
    problem = FlowRefuelling(graph, flows, 130.0, 6)
    told = []

    def end(progress):
        told.append(progress)
        if raises and len(told) == after:
            raise KeyboardInterrupt
        return len(told) == after

    answer = solve(problem, report=end)
    assert answer.status == "interrupted"
    assert answer.bound > solve(problem).objective >= answer.objective > 0
    assert [each.bound for each in told] == sorted((each.bound for each in told), reverse=True)


def test_the_range_needed_counts_only_nodes_where_a_station_may_stand():
    # 0 -- 40 -- 1 -- 40 -- 2 -- 40 -- 3 km with stations at 1 and 3 only: 80 km between them and round the origin.
    road, flows = RoadGraph([0, 1, 2], [1, 2, 3], [40.0] * 3), Flows([0], [3], [7.0])
    assert solve(FlowRefuelling(road, flows, 80.0, 2, candidates=(1, 3))).objective == 7.0
    message = r"longest way without a node where a station may stand .*raise it to 80 km, or allow stations"
    with pytest.raises(InfeasibleError, match=message):
        solve(FlowRefuelling(road, flows, 79.0, 2, candidates=(1, 3)))
    with pytest.raises(InfeasibleError, match="no station may stand anywhere on the ways of 1 of 1 flows"):
        solve(FlowRefuelling(road, flows, 79.0, 0, forbidden=(0, 1, 2, 3)))
