import numpy as np
import pytest
from scipy.sparse import csr_array

from charging.queueing import mm1_wait_min
from charging.siting import MaximalCovering, SetCovering, solve
from charging.siting.cover_pool import MEMBERS, Pool
from charging.siting.cover_prices import Links
from charging.siting.cover_problems import Fleet, PeriodCovering, ServiceCovering, StandardCovering, Supply
from charging.siting.cover_purse import make_purse
from charging.siting.covering import merge_points
from charging.siting.effort import Effort
from charging.siting.period_covering import join_fleets, period_regret
from charging.siting.service_covering import capacity_within
from networks.errors import DataError, InfeasibleError

COVER = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]])


def test_every_point_is_reached_within_its_own_standard():
    # Plain 3 km, downtown 0.9 km: site 0 reaches points 0 and 2, point 1 needs site 1.
    distance = np.array([[0.8, 5.0], [0.95, 0.5], [2.9, 9.0]])
    answer = solve(StandardCovering(distance, standard=np.array([0.9, 0.9, 3.0])))
    assert (answer.sites.tolist(), answer.status) == ([0, 1], "optimal")
    assert solve(StandardCovering(distance, standard=np.array([0.9, 1.0, 3.0]))).sites.tolist() == [0]


def test_a_point_beyond_its_standard_is_named_with_the_distance_that_would_do():
    with pytest.raises(InfeasibleError, match=r"point 1: nearest site at 0\.95; widen the standard 0\.9 by 0\.05"):
        solve(StandardCovering(np.array([[0.5], [0.95]]), standard=np.full(2, 0.9)))
    with pytest.raises(InfeasibleError, match="point 0: no site can be reached at all"):
        solve(StandardCovering(csr_array((1, 2)), standard=np.ones(1)))


def test_a_budget_below_the_standard_is_answered_with_the_least_budget():
    with pytest.raises(InfeasibleError, match="covering every point takes 2; raise 1 by 1"):
        solve(SetCovering(COVER, budget=1))


def test_the_capacity_of_one_bay_is_where_its_wait_meets_the_standard():
    capacity = capacity_within(1, 5.0, 5.0)
    assert mm1_wait_min(capacity, 12.0) == pytest.approx(5.0)


def swaps(**limits):
    # Two points of 10 arrivals/h; site 0 reaches both, site 1 the second; one bay serves 6, two serve 16.
    reach = np.array([[1, 0], [1, 1]])
    capacity, cost = np.array([[6.0, 16.0]] * 2), np.array([[1.0, 3.0]] * 2)
    return ServiceCovering(reach, np.array([10.0, 10.0]), capacity, cost, **limits)


def test_swap_stations_serve_no_more_than_keeps_the_wait():
    one = solve(swaps(p=1))
    assert (one.sites.tolist(), one.size.tolist(), one.objective, one.status) == ([0], [1], 16.0, "optimal")
    two = solve(swaps(budget=4.0))
    assert (two.objective, two.cost) == (20.0, 4.0)
    assert two.load.sum() == pytest.approx(20.0)
    assert two.served_share.tolist() == pytest.approx([1.0, 1.0])


def test_a_small_budget_buys_two_small_stations():
    answer = solve(swaps(budget=2.0))
    assert (answer.objective, answer.size.tolist(), answer.load.tolist()) == (12.0, [0, 0], [6.0, 6.0])


def test_an_existing_station_stays_is_enlarged_or_is_closed_where_allowed():
    assert solve(swaps(p=1, existing={1: 0})).sites.tolist() == [1]
    assert solve(swaps(p=1, existing={1: 0})).size.tolist() == [1]
    assert solve(swaps(p=1, existing={1: 0}, closable=[1])).sites.tolist() == [0]
    with pytest.raises(InfeasibleError, match="2 existing stations stay; raise 1 by 1"):
        solve(swaps(p=1, existing={0: 0, 1: 0}))


def test_a_share_out_of_reach_is_answered_with_the_least_budget():
    with pytest.raises(InfeasibleError, match="raise the budget by 2 to 4"):
        solve(swaps(budget=2.0, least_share=1.0))
    with pytest.raises(InfeasibleError, match=r"at most 0\.8 of the demand can be served"):
        solve(swaps(p=1, least_share=1.0))


def test_hydrogen_is_served_as_far_as_sources_reach_and_delivery_is_paid():
    # Source 0 delivers 9 kg/day to site 0 at 0.5 a kg; site 1 lies beyond the supply distance.
    supply = Supply(cost=np.array([[0.5, np.inf]]), capacity=np.array([9.0]))
    answer = solve(swaps(budget=100.0, supply=supply))
    assert (answer.sites.tolist(), answer.objective) == ([0], 9.0)
    assert answer.cost == pytest.approx(3.0 + 9.0 * 0.5)
    poor = solve(swaps(budget=5.0, supply=supply))
    assert poor.objective == pytest.approx(6.0)


def test_fleets_share_sites_and_budget():
    cars = Fleet(np.array([[1, 0], [1, 0]]), np.array([1.0, 1.0]))
    trucks = Fleet(np.array([[0, 1]]), np.array([1.5]), importance=2.0)
    cover, weight, rows = join_fleets({"cars": cars, "trucks": trucks})
    answer = solve(MaximalCovering(cover, weight, p=1))
    assert (answer.sites.tolist(), answer.objective) == ([1], 3.0)
    assert answer.assignment[rows["trucks"]].tolist() == [1]
    assert answer.assignment[rows["cars"]].tolist() == [-1, -1]
    with pytest.raises(DataError, match="numbers of sites differ"):
        join_fleets({"cars": cars, "trucks": Fleet(np.ones((1, 3)), np.ones(1))})


def test_a_plan_over_years_gives_up_little_of_each_year():
    # Alone, the first year would open the middle site (8); over both years the outer two cover 4 + 14, not 8 + 11.
    cover = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]])
    weight = np.array([[0.0, 4.0, 4.0, 0.0], [30.0, 4.0, 4.0, 30.0]])
    problem = PeriodCovering(cover, weight, p=[1, 2])
    answer = solve(problem)
    assert (answer.sites.tolist(), answer.objective) == ([0, 2], 72.0)
    assert answer.covered.tolist() == [4.0, 68.0]
    assert period_regret(problem, answer, Effort(10.0)).tolist() == [4.0, 0.0]


def hard():
    random = np.random.default_rng(3)
    return MaximalCovering(random.random((800, 90)) < 0.06, random.random(800), p=9)


def test_an_interrupted_search_gives_its_best_answer_with_a_bound_that_holds():
    told = []

    def interrupt(progress):
        told.append(progress)
        if len(told) == 4:
            raise KeyboardInterrupt

    answer = solve(hard(), report=interrupt)
    assert answer.status == "interrupted"
    assert answer.bound > answer.objective > 0
    assert answer.objective >= told[-1].objective - 1e-9
    assert [each.bound for each in told] == sorted((each.bound for each in told), reverse=True)


def test_a_pool_holds_different_choices_and_never_loses_the_best():
    problem = hard()
    system = merge_points(csr_array(problem.cover), problem.weight)
    matrix, turned = system.by_point, system.by_site
    places = [each.astype(np.int64) for each in (matrix.indptr, turned.indptr)]
    links = Links(places[0], matrix.indices.astype(np.int32), places[1], turned.indices.astype(np.int32), system.weight)
    pool, best = Pool(links, make_purse(np.ones((1, 90)), np.array([9.0])), 5), []
    for turn in range(20):
        sites = pool.draw(np.full(90, 0.1)) if turn < MEMBERS else pool.join()
        assert len(sites) == 9
        best.append(max(pool.values))
    assert best == sorted(best)
    assert 1 < len(set(pool.values)) == len(pool.values) <= MEMBERS
    assert [system.weight[system.is_covered(sites)].sum() for sites in pool.members] == pytest.approx(pool.values)


def test_a_caller_ends_the_search_by_its_report():
    assert solve(hard(), report=lambda progress: True).status == "interrupted"


def test_big_whole_weights_are_not_called_optimal_by_a_rounded_difference():
    # 10**12 + 1 against 10**12: relative difference 1e-12, yet only one of the two sites is best.
    cover = np.eye(2)
    answer = solve(MaximalCovering(cover, np.array([10**12, 10**12 + 1]), p=1))
    assert (answer.sites.tolist(), answer.objective, answer.bound) == ([1], 1e12 + 1, 1e12 + 1)


def test_zeros_stored_and_columns_unsorted_change_nothing():
    start, site, data = [0, 2, 4, 7, 8], [2, 0, 1, 0, 2, 0, 1, 2], [0, 1, 1, 1, 1, 0, 1, 1]
    given = csr_array((data, site, start), shape=(4, 3))
    before = given.toarray().tolist()
    answer = solve(MaximalCovering(given, np.array([5.0, 1.0, 3.0, 1.0]), p=1))
    assert (answer.sites.tolist(), answer.objective) == ([0], 6.0)
    assert given.toarray().tolist() == before


def test_no_period_opens_more_sites_than_its_number() -> None:
    cover = np.array([[abs(point - site) <= 1 for site in (2, 3, 5, 6, 7)] for point in range(8)], dtype=np.float64)
    weight = np.array([[0, 0, 50, 700, 20, 900, 10, 400]] * 3, dtype=np.float64)
    answer = solve(PeriodCovering(cover, weight, p=[1, 2, 3]))
    assert all(len(answer.sites_in(period)) <= period + 1 for period in range(3))
    # Site 6 covers 5, 6 and 7 (1,310) in all years, site 3 covers 2 to 4 (770) in the second and third: 3,930 + 1,540.
    assert (answer.objective, answer.status) == (5470.0, "optimal")
