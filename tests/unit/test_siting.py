import numpy as np
import pytest
from scipy.sparse import csr_array, eye_array, hstack, vstack

from charging.siting import MaximalCovering, PCenter, PMedian, SetCovering, solve
from charging.siting.cover_prices import Links, descend, start_dual
from charging.siting.covering import merge_points
from charging.siting.effort import Effort
from charging.siting.median_search import median_value, swap_changes
from charging.siting.milp import Program, minimise
from networks.errors import DataError, InfeasibleError

COVER = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]])
WEIGHT = np.array([5.0, 1.0, 3.0, 1.0])


def test_one_site_covers_the_heaviest_points():
    answer = solve(MaximalCovering(COVER, WEIGHT, p=1))
    assert (answer.sites.tolist(), answer.objective, answer.bound) == ([0], 6.0, 6.0)
    assert answer.assignment.tolist() == [0, 0, -1, -1]
    assert answer.status == "optimal"


def test_greedy_traps_are_escaped():
    # Greedy takes the middle site (8) and then gains 3; the outer two cover 14.
    cover = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]])
    answer = solve(MaximalCovering(cover, np.array([3.0, 4.0, 4.0, 3.0]), p=2))
    assert (answer.sites.tolist(), answer.objective) == ([0, 2], 14.0)


def test_dense_and_sparse_covers_give_the_same_answer():
    dense = solve(MaximalCovering(COVER, WEIGHT, p=2))
    sparse = solve(MaximalCovering(csr_array(COVER), WEIGHT, p=2))
    assert dense.sites.tolist() == sparse.sites.tolist()
    assert dense.objective == sparse.objective


def test_a_stored_zero_covers_nothing():
    cover = csr_array((np.array([0.0, 1.0]), (np.array([0, 1]), np.array([0, 0]))), shape=(2, 1))
    assert solve(MaximalCovering(cover, np.ones(2), p=1)).objective == 1.0


def test_fixed_sites_stay_and_count_in_p():
    answer = solve(MaximalCovering(COVER, WEIGHT, p=2, fixed=(1,)))
    assert (answer.sites.tolist(), answer.objective) == ([0, 1], 9.0)


def test_a_budget_buys_the_best_affordable_sites():
    answer = solve(MaximalCovering(COVER, WEIGHT, cost=np.array([4.0, 1.0, 2.0]), budget=3.0))
    assert (answer.sites.tolist(), answer.objective, answer.status) == ([1, 2], 5.0, "optimal")


def test_idle_sites_fill_up_to_p():
    answer = solve(MaximalCovering(np.ones((2, 3)), np.ones(2), p=2))
    assert len(answer.sites) == 2


def test_fixed_sites_beyond_p_say_by_how_much_to_raise_it():
    with pytest.raises(InfeasibleError, match="raise p by 1"):
        solve(MaximalCovering(COVER, WEIGHT, p=1, fixed=(0, 1)))


def test_fixed_sites_beyond_the_budget_say_by_how_much_to_raise_it():
    with pytest.raises(InfeasibleError, match="raise 3 by 2"):
        solve(MaximalCovering(COVER, WEIGHT, cost=np.array([5.0, 1.0, 1.0]), budget=3.0, fixed=(0,)))


def test_more_sites_than_there_are_say_by_how_much_to_lower_p():
    with pytest.raises(InfeasibleError, match="lower p by 2"):
        solve(MaximalCovering(COVER, WEIGHT, p=5))


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (MaximalCovering(COVER, WEIGHT), "give one of the two, or both"),
        (MaximalCovering(COVER, WEIGHT[:2], p=1), r"weight: shape \(2,\)"),
        (MaximalCovering(COVER, -WEIGHT, p=1), "weight, entry 0: -5.0"),
        (MaximalCovering(COVER, WEIGHT, p=1, fixed=(7,)), "site 7 is unknown"),
        (MaximalCovering(WEIGHT, WEIGHT, p=1), "1 dimensions"),
    ],
)
def test_a_wrong_argument_is_named_with_its_value(problem, message):
    with pytest.raises(DataError, match=message):
        solve(problem)


def test_nothing_to_cover_is_covered_at_once():
    answer = solve(MaximalCovering(np.zeros((3, 2)), np.ones(3), p=1))
    assert (answer.objective, answer.status) == (0.0, "optimal")


def test_points_with_the_same_cover_set_become_one():
    system = merge_points(csr_array(np.array([[1.0, 0], [0, 1], [1, 0], [0, 0], [1, 1]])), np.arange(1.0, 6.0))
    assert system.by_point.toarray().tolist() == [[1, 0], [0, 1], [1, 1]]
    assert system.weight.tolist() == [4.0, 2.0, 5.0]


def test_the_fewest_sites_cover_everything():
    answer = solve(SetCovering(COVER))
    assert (answer.sites.tolist(), answer.objective, answer.status) == ([0, 2], 2.0, "optimal")


def test_set_covering_heeds_costs_and_fixed_sites():
    cover = np.array([[1, 1, 0], [0, 1, 1]])
    assert solve(SetCovering(cover, cost=np.array([1.0, 5.0, 1.0]))).sites.tolist() == [0, 2]
    assert solve(SetCovering(cover, cost=np.array([1.0, 5.0, 1.0]), fixed=(1,))).objective == 5.0


def test_a_point_out_of_reach_is_named():
    with pytest.raises(InfeasibleError, match=r"no site covers 1 of 3 points \(first: 1\)"):
        solve(SetCovering(np.array([[1, 0], [0, 0], [0, 1]])))


def test_the_same_problem_gives_the_same_answer_twice():
    random = np.random.default_rng(5)
    problem = MaximalCovering(random.random((120, 25)) < 0.08, random.random(120), p=4)
    first, second = solve(problem), solve(problem)
    assert first.sites.tolist() == second.sites.tolist()
    assert (first.objective, first.bound) == (second.objective, second.bound)


def test_a_stopped_run_claims_no_optimum_it_has_not_proven():
    random = np.random.default_rng(3)
    cover = random.random((2000, 150)) < 0.05
    weight = random.random(2000)
    stopped = solve(MaximalCovering(cover, weight, p=12), time_limit_s=0.001)
    assert stopped.status == "feasible"
    assert stopped.bound > stopped.objective
    assert stopped.gap == pytest.approx((stopped.bound - stopped.objective) / stopped.objective)


LINE = np.abs(np.subtract.outer(np.array([0.0, 1.0, 2.0, 10.0]), np.array([0.0, 1.0, 2.0, 10.0])))


def test_the_median_of_a_line_is_worked_by_hand():
    answer = solve(PMedian(LINE, np.ones(4), p=2))
    assert (answer.sites.tolist(), answer.objective, answer.status) == ([1, 3], 2.0, "optimal")
    assert answer.assignment.tolist() == [1, 1, 1, 3]


def test_weights_move_the_median():
    assert solve(PMedian(LINE, np.array([5.0, 1.0, 1.0, 5.0]), p=2)).sites.tolist() == [0, 3]


def test_the_center_of_a_line_is_worked_by_hand():
    one, two = solve(PCenter(LINE, p=1)), solve(PCenter(LINE, p=2))
    assert (one.objective, one.sites.tolist()) == (8.0, [2])
    assert (two.objective, two.sites.tolist()) == (1.0, [1, 3])


def test_absent_costs_of_a_sparse_matrix_are_not_allowed_and_zeros_are_free():
    cost = csr_array((np.array([0.0, 7.0]), (np.array([0, 1]), np.array([0, 1]))), shape=(2, 2))
    answer = solve(PMedian(cost, np.ones(2), p=2))
    assert (answer.objective, answer.assignment.tolist()) == (7.0, [0, 1])
    with pytest.raises(InfeasibleError, match="1 sites cannot reach every point; raise p by at least 1"):
        solve(PMedian(cost, np.ones(2), p=1))


def test_every_swap_changes_the_cost_as_foreseen():
    cost = np.random.default_rng(2).random((9, 30))
    sites = np.array([1, 4, 7])
    for site in (0, 2, 3, 5, 6, 8):
        changes = swap_changes(cost, sites, site)
        for slot in range(3):
            swapped = sites.copy()
            swapped[slot] = site
            foreseen = median_value(cost, sites) + changes[slot]
            assert foreseen == pytest.approx(median_value(cost, swapped))


def test_a_negative_cost_is_named_with_its_place():
    with pytest.raises(DataError, match=r"cost of point 0 at site 0: -1\.0"):
        solve(PMedian(LINE - 1.0, np.ones(4), p=1))


@pytest.mark.parametrize("p", [2, 8, 30])
def test_the_lagrangian_bound_comes_down_to_the_linear_relaxation(p):
    random = np.random.default_rng(4)
    away = np.abs(random.random((400, 1)) - random.random(60))
    system = merge_points(csr_array((away < 0.04).astype(float)), random.random(400))
    n_points, n_sites = system.by_point.shape
    count = csr_array(np.r_[np.ones(n_sites), np.zeros(n_points)][None, :])
    relaxation = Program(
        cost=np.r_[np.zeros(n_sites), -system.weight],
        matrix=csr_array(vstack([hstack([system.by_point, -eye_array(n_points)]), count]).tocsr()),
        row_lower=np.r_[np.zeros(n_points), 0.0],
        row_upper=np.r_[np.full(n_points, np.inf), p],
        integer=np.zeros(n_sites + n_points, dtype=bool),
    )
    linear = -minimise(relaxation, Effort()).bound
    links = Links(
        system.by_point.indptr.astype(np.int64),
        system.by_point.indices.astype(np.int32),
        system.by_site.indptr.astype(np.int64),
        system.by_site.indices.astype(np.int32),
        system.weight,
    )
    status, cost = np.zeros(60, dtype=np.int8), np.full(60, 1 / p)
    dual = start_dual(links, cost, 1.0, status, 0.3 * system.weight)
    descend(links, cost, 1.0, status, dual, 2000, 0.95 * linear, 0.0)
    assert linear - 1e-6 <= dual.bound <= 1.003 * linear


def test_a_good_enough_gap_ends_the_search_and_is_told():
    random = np.random.default_rng(3)
    problem = MaximalCovering(random.random((120, 25)) < 0.1, random.random(120), p=4)
    rough = solve(problem, gap=0.2)
    assert rough.bound >= solve(problem, nodes=50).objective >= rough.objective
    assert rough.gap <= 0.2
