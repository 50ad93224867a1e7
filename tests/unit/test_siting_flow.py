import numpy as np
import pytest

from charging.siting import FlowRefuelling, Flows, RoadGraph, solve
from charging.siting.effort import Effort
from charging.siting.flow_driving import gets_through
from charging.siting.flow_routes import Route, clauses_of
from charging.siting.median_problem import CapacitatedPMedian
from charging.siting.problem import PCenter, PMedian
from networks.errors import DataError, InfeasibleError

# A road 0 -- 40 -- 1 -- 40 -- 2 -- 40 -- 3 [km].
ROAD = RoadGraph([0, 1, 2], [1, 2, 3], [40.0, 40.0, 40.0])
NODES, AT_KM = np.arange(4), np.array([0.0, 40.0, 80.0, 120.0])


def test_a_vehicle_starts_with_half_a_tank_and_has_to_be_back_with_as_much():
    route = Route(NODES, AT_KM, ())
    in_the_middle = np.array([False, True, True, False])
    assert gets_through(route, in_the_middle, 80.0)  # 40 km to the first station, and 40 + 40 round each end
    assert not gets_through(route, in_the_middle, 79.0)
    assert not gets_through(route, np.array([False, True, False, False]), 100.0)  # 80 km on to the end and 80 back
    assert gets_through(route, np.array([True, False, False, False]), 240.0)  # the whole round on one tank
    assert not gets_through(route, np.zeros(4, dtype=bool), 1000.0)


def test_the_clauses_of_a_straight_road_are_worked_by_hand():
    # Range 80: nodes 0 or 1 (round the origin), 1 or 2 and 2 or 3; the longer ones follow.
    assert clauses_of(NODES, AT_KM, 80.0) == ((0, 1), (1, 2), (2, 3)) or clauses_of(NODES, AT_KM, 80.0) == (
        (0, 1),
        (2, 3),
        (0, 1, 2),
        (1, 2, 3),
    )


def test_two_stations_carry_the_road_and_one_does_not():
    flows = Flows([0], [3], [7.0])
    answer = solve(FlowRefuelling(ROAD, flows, 80.0, 2))
    assert (answer.sites.tolist(), answer.objective, answer.status) == ([1, 2], 7.0, "optimal")
    assert answer.assignment.tolist() == [1]
    assert solve(FlowRefuelling(ROAD, flows, 80.0, 1)).objective == 0.0


def test_a_detour_to_a_station_refuels_a_flow_that_the_shortest_way_does_not():
    graph = RoadGraph([0, 0, 2], [1, 2, 1], [100.0, 60.0, 60.0])
    flows = Flows([0], [1], [1.0])
    assert solve(FlowRefuelling(graph, flows, 120.0, 1, fixed=(2,))).objective == 0.0
    assert solve(FlowRefuelling(graph, flows, 120.0, 1, fixed=(2,), max_detour_share=0.2)).objective == 1.0


def test_a_range_below_the_longest_road_names_the_flow_and_the_range_needed():
    with pytest.raises(InfeasibleError, match=r"first: 0 \(40 km\)\); raise it to 40 km"):
        solve(FlowRefuelling(ROAD, Flows([0], [3], [7.0]), 39.0, 2))


@pytest.mark.parametrize(
    ("flows", "message"),
    [
        (Flows([0], [0], [1.0]), "flows, row 0: ends where it begins"),
        (Flows([0], [9], [1.0]), "node 9 is unknown"),
        (Flows([0], [1], [-1.0]), "volume -1.0 is below 0"),
    ],
)
def test_a_wrong_flow_is_named(flows, message):
    with pytest.raises(DataError, match=message):
        solve(FlowRefuelling(ROAD, flows, 80.0, 1))


def test_capacity_below_demand_says_by_how_much_to_raise_it():
    with pytest.raises(InfeasibleError, match="hold 4 of a demand of 6; raise them by 2"):
        solve(CapacitatedPMedian(np.ones((3, 2)), np.full(3, 2.0), 4.0, 1))


def test_a_full_site_sends_a_point_to_the_next_one():
    cost = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 3.0]])
    answer = solve(CapacitatedPMedian(cost, np.ones(3), 2.0, 2))
    assert (answer.objective, answer.assignment.tolist(), answer.status) == (4.0, [0, 0, 1], "optimal")


def test_a_caller_ends_the_search_and_the_bound_stays_below_the_cost():
    random = np.random.default_rng(8)
    told = []

    def stop(progress):
        told.append(progress)
        return True

    problem = PMedian(random.integers(1, 1000, (25, 25)).astype(float), np.ones(25), 4)
    answer = solve(problem, report=stop)
    assert told
    assert answer.bound <= answer.objective
    assert answer.objective >= solve(problem).objective


def test_medians_and_centres_are_the_same_twice():
    cost = np.random.default_rng(9).random((20, 20))
    for problem in (PMedian(cost, np.ones(20), 3), PCenter(cost, 5)):
        assert solve(problem).sites.tolist() == solve(problem).sites.tolist()


def test_an_ended_effort_has_no_time_left():
    effort = Effort(100.0, report=lambda progress: progress.bound > 3)
    effort.tell(5.0, 2.0)
    assert effort.seconds_left() > 0
    effort.tell(5.0, 4.0)
    assert effort.seconds_left() < 0
