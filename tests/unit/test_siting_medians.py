"""Medians with and without capacities: branching, shaking, bounds, and what cannot be served."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from charging.siting import CapacitatedPMedian, PMedian, solve
from charging.siting.capacity_bound import Capacities, first_prices, raise_bound
from charging.siting.capacity_parts import Plan, better_parts
from charging.siting.capacity_search import serve, shake
from charging.siting.effort import Effort
from charging.siting.median_bound import CLOSED, OPEN, near_lists, near_part, reach_of, serve_by_lists, serve_by_rows
from charging.siting.median_cuts import broken_cuts, prices_at, shortened
from charging.siting.median_search import grouped, median_value
from charging.siting.median_split import Splitting
from charging.siting.median_task import Median, Node
from charging.siting.median_tree import PriceTree
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


@pytest.mark.parametrize(("n_alike", "most"), [(1, 6), (2, 6 * 5), (3, 6 * 5 * 4)])
def test_groups_of_points_cost_together_what_their_points_cost(n_alike: int, most: int) -> None:
    cost = np.random.default_rng(5).random((6, 400))
    kinds = {tuple(np.argsort(each)[:n_alike]) for each in cost.T}

    together = grouped(cost, n_alike)

    assert together.shape[1] == len(kinds) <= most
    np.testing.assert_allclose(together.sum(axis=1), cost.sum(axis=1))


def whole_problem(seed: int, n: int = 40, p: int = 5) -> Median:
    random = np.random.default_rng(seed)
    cost = random.integers(1, 80, (n, n)).astype(float)
    return Median(cost, np.ones(n), p, np.array([seed]), True, np.inf, np.arange(seed, seed + p))


def node_of(median: Median) -> Node:
    n_sites, n_points = median.cost.shape
    status = np.zeros(n_sites, dtype=np.int8)
    status[median.fixed] = OPEN
    lists = near_lists(median.cost, np.full(n_points, np.inf), np.inf)
    return Node(lists, status, np.zeros(n_points), 0.0, np.empty(0))


def root_of(median: Median) -> Node:
    """Return all choices with the prices that the best known pays."""
    node = node_of(median)
    return replace(node, price=median.cost[median.sites].min(axis=0), share=np.full(len(median.cost), 0.1))


def best_with_fixed(median: Median) -> float:
    first = int(median.fixed[0])
    nearest = np.minimum(median.cost, median.cost[first])
    return min(
        float(nearest[list(others)].min(axis=0).sum())
        for others in itertools.combinations(range(len(nearest)), median.p - 1)
        if first not in others
    )


@pytest.mark.parametrize("seed", range(4))
def test_branching_on_cuts_ends_at_the_best_of_all_choices(seed: int) -> None:
    median = whole_problem(seed, n=24, p=4)

    splitting = Splitting(median, node_of(median), Effort())
    bound = splitting.search()

    assert not splitting.is_stuck
    assert splitting.visited > 0
    assert bound == median.value == best_with_fixed(median)


@pytest.mark.parametrize("tree", [Splitting, PriceTree])
@pytest.mark.parametrize("seed", range(4))
def test_without_swaps_branching_alone_finds_the_best_of_all_choices(
    monkeypatch: pytest.MonkeyPatch, seed: int, tree: type[Splitting] | type[PriceTree]
) -> None:
    monkeypatch.setattr(Median, "better", Median.take)
    median = whole_problem(seed, n=24, p=4)
    begun = median.value

    searched = tree(median, root_of(median), Effort())
    bound = searched.search(1)
    assert bound <= best_with_fixed(median) < begun

    assert searched.search() == median.value == best_with_fixed(median)


@pytest.mark.parametrize("seed", range(4))
def test_bound_of_cuts_ended_early_is_below_the_best_of_all_choices(seed: int) -> None:
    median = whole_problem(seed, n=24, p=4)

    splitting = Splitting(median, node_of(median), Effort())
    bound = splitting.search(2)

    assert 0.0 < bound <= best_with_fixed(median) <= median.value


@pytest.mark.parametrize("seed", range(4))
def test_branching_on_prices_ends_at_the_best_of_all_choices(seed: int) -> None:
    median = whole_problem(seed, n=24, p=4)

    tree = PriceTree(median, root_of(median), Effort())

    assert tree.search() == median.value == best_with_fixed(median)
    assert tree.is_over()


@pytest.mark.parametrize("seed", range(4))
def test_bound_of_prices_ended_early_is_below_the_best_of_all_choices_and_goes_on_to_it(seed: int) -> None:
    median = whole_problem(seed, n=24, p=4)
    best = best_with_fixed(median)

    tree = PriceTree(median, root_of(median), Effort())
    bounds = [tree.search(2) for _ in range(3)]

    assert 0.0 < bounds[0] <= bounds[1] <= bounds[2] <= best
    assert tree.search(known=bounds[2]) == best


def test_lists_that_end_near_the_price_leave_out_only_what_costs_as_much_as_their_caps() -> None:
    median = whole_problem(2, n=30, p=3)
    root = root_of(median)
    root.status[[4, 9]] = CLOSED
    end = root.lists.end - 2

    near = near_part(root.lists, end, root.status, root.price, 0.1, 2)

    for point in range(30):
        row = median.cost[:, point]
        place, whole = slice(near.start[point], near.end[point]), slice(root.lists.start[point], end[point])
        kept, allowed = near.site[place].tolist(), root.lists.site[whole].tolist()
        left_out = [site for site in allowed if site not in kept and site not in (4, 9)]
        beyond_open = 2 in kept
        assert len(kept) >= 1
        np.testing.assert_array_equal(near.cost[place], row[kept])
        assert not {4, 9} & set(kept)
        assert near.cap[point] == (np.inf if beyond_open else min([row[site] for site in left_out], default=np.inf))


def test_rows_of_costs_and_lists_tell_alike_how_often_points_are_served() -> None:
    median = whole_problem(1, n=30, p=3)
    lists = root_of(median).lists
    short = lists._replace(end=lists.end - 20)
    share, price = np.isin(np.arange(30), [3, 8, 20]).astype(float), np.full(30, 40.5)
    by_lists, by_rows = np.empty(30), np.empty(30)

    serve_by_lists(short, price, share, by_lists)
    serve_by_rows(median.cost, reach_of(short), price, share, by_rows)

    np.testing.assert_array_equal(by_rows, by_lists)
    assert 0 < by_lists.sum() < ((median.cost[[3, 8, 20]] < price).sum())


def test_broken_cuts_cost_at_their_shares_what_all_points_cost_and_no_choice_less() -> None:
    random = np.random.default_rng(8)
    median = whole_problem(3, n=12, p=3)
    lists, first = node_of(median).lists, np.array([0, 5, 12])
    share = random.dirichlet(np.ones(12))

    prices = prices_at(lists, share, median.value)
    cuts = broken_cuts(lists, first, prices.price, share, np.full(2, -np.inf), 0.0)

    def cost_of(shares: np.ndarray) -> float:
        rows = [slice(*each) for each in itertools.pairwise(cuts.start)]
        return sum(
            float(least - cuts.saved[row][:-1] @ shares[cuts.column[row][:-1]])
            for least, row in zip(cuts.least, rows, strict=True)
        )

    assert cost_of(share) == pytest.approx(prices.value)
    for chosen in itertools.combinations(range(12), 3):
        opened = np.isin(np.arange(12), chosen).astype(float)
        assert cost_of(opened) <= median_value(median.cost, np.array(chosen)) + 1e-9


def test_shortened_lists_lower_no_price_above_what_a_point_pays() -> None:
    median = whole_problem(1, n=30, p=3)
    lists = node_of(median).lists
    share = np.full(30, 0.1)
    short = shortened(lists, prices_at(lists, share, median.value).price, 0.2)

    few = np.isin(np.arange(30), median.sites).astype(float)

    assert (short.end <= lists.end).all()
    assert (short.end < lists.end).any()
    assert prices_at(short, share, median.value).value == pytest.approx(prices_at(lists, share, median.value).value)
    assert prices_at(short, few, median.value).value <= median.value


@pytest.mark.parametrize("seed", range(4))
def test_choice_found_only_while_branching_is_the_one_returned(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(Median, "better", lambda *_: None)
    monkeypatch.setattr(Median, "shake", lambda *_: None)
    cost = np.random.default_rng(seed).integers(1, 60, (30, 30)).astype(float)

    answer = solve(PMedian(cost, np.ones(30), 6))

    assert answer.status == "optimal"
    assert answer.objective == pytest.approx(by_milp(cost, 6))


@pytest.mark.parametrize("better", [0.0, 1e9])
def test_hard_medians_go_on_to_cuts_alone_or_by_turns_and_are_proven(
    monkeypatch: pytest.MonkeyPatch, better: float
) -> None:
    monkeypatch.setattr("charging.siting.median_turns.FIRST_NODES", 1)
    monkeypatch.setattr("charging.siting.median_turns.FIRST_PARTS", 1)
    monkeypatch.setattr("charging.siting.median_turns.GOOD", 2.0)
    monkeypatch.setattr("charging.siting.median_turns.BETTER", better)
    cost = np.random.default_rng(12).integers(1, 60, (30, 30)).astype(float)

    answer = solve(PMedian(cost, np.ones(30), 6))

    assert answer.status == "optimal"
    assert answer.objective == pytest.approx(by_milp(cost, 6))


@pytest.mark.parametrize("n_alike", [0, 2, 3])
def test_shaking_keeps_fixed_sites_and_worsens_nothing(n_alike: int) -> None:
    random = np.random.default_rng(6)
    cost, fixed = random.random((40, 300)), np.array([3, 7])
    median = Median(cost, np.ones(300), 6, fixed, False, np.inf, np.array([3, 7, 0, 1, 2, 4]))
    before = median.value

    if n_alike:
        median.shake_grouped(np.arange(5, 40), n_alike, 20, Effort())
    else:
        median.shake(20, Effort())

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

    value = shake(task.cost, task.demand, task.capacity, np.arange(len(task.cost)), sites, slot, 50, 1)

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


@pytest.mark.parametrize("seed", range(4))
def test_medians_of_many_points_are_proven_even_where_ways_are_barred(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charging.siting.p_median.MANY_FROM", 0)
    random = np.random.default_rng(seed)
    cost = random.integers(0, 4 + 20 * seed, (40, 9)).astype(float)
    cost[random.random(cost.shape) < 0.1] = np.inf
    finite = np.where(np.isfinite(cost), cost, 1e6)

    answer = solve(PMedian(cost, np.ones(40), 4))

    assert answer.status == "optimal"
    assert answer.objective == pytest.approx(by_milp(finite, 4))
