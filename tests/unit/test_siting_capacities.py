"""Knapsacks with triples, clusters and their program, splits: what the search of a median with capacities stands on."""

import itertools

import numpy as np
import pytest

from charging.siting import CapacitatedPMedian, solve
from charging.siting.capacity_bound import Capacities
from charging.siting.capacity_columns import Columns, Row
from charging.siting.capacity_knapsack import forbid, pack, triples_over, ways_between
from charging.siting.capacity_master import Master
from charging.siting.capacity_relaxation import Relaxation, Start
from charging.siting.capacity_split import Groups, point_splits, widest_split
from charging.siting.effort import Effort

SEEDS = range(20)


def some_task(seed: int, n_points: int = 7, n_sites: int = 4) -> Capacities:
    random = np.random.default_rng(seed)
    cost = random.integers(1, 20, (n_sites, n_points)).astype(float)
    demand = random.integers(1, 6, n_points).astype(float)
    return Capacities(cost, demand, np.full(n_sites, float(np.ceil(demand.sum() / 1.7))), 2)


def every_cluster(task: Capacities, site: int) -> list[np.ndarray]:
    everything = (np.array(chosen) for chosen in itertools.product([False, True], repeat=len(task.demand)))
    return [chosen for chosen in everything if task.demand[chosen].sum() <= task.capacity[site]]


def every_plan(task: Capacities) -> dict[tuple[int, ...], float]:
    """Cost of each allowed assignment to `p` sites at most."""
    n_sites, n_points = task.cost.shape
    costs = {}
    for serving in itertools.product(range(n_sites), repeat=n_points):
        load = np.bincount(serving, task.demand, minlength=n_sites)
        if len(set(serving)) <= task.p and (load <= task.capacity).all():
            costs[serving] = float(task.cost[list(serving), np.arange(n_points)].sum())
    return costs


def triples_of(seed: int, n_points: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    triple = np.array([random.choice(n_points, 3, replace=False) for _ in range(5)])
    return triple, random.random(5) * 8.0


@pytest.mark.parametrize("seed", SEEDS)
def test_sites_that_count_get_the_best_knapsack_of_all_with_its_penalties(seed: int) -> None:
    task = some_task(seed)
    price = np.random.default_rng(seed).random(7) * 20.0
    triple, penalty = triples_of(seed, 7)
    worth, packed = np.empty(4), np.empty(task.cost.shape, dtype=np.bool_)

    pack(task.cost, task.demand, task.capacity, price, np.zeros(4), 4, triple, penalty, worth, packed)

    def value(site: int, chosen: np.ndarray) -> float:
        paid = penalty[chosen[triple].sum(axis=1) > 1].sum()
        return float((task.cost[site] - price)[chosen].sum() + paid)

    for site in range(4):
        assert worth[site] == pytest.approx(min(value(site, each) for each in every_cluster(task, site)), abs=1e-9)
        assert value(site, packed[site]) == pytest.approx(worth[site], abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_least_worths_are_right_and_the_others_not_too_high(seed: int) -> None:
    task = some_task(seed)
    price, offset = np.random.default_rng(seed).random(7) * 20.0, np.random.default_rng(seed).random(4) * 9.0
    triple, penalty = triples_of(seed, 7)
    exact, some, packed = np.empty(4), np.empty(4), np.empty(task.cost.shape, dtype=np.bool_)
    arrays = (task.cost, task.demand, task.capacity, price)

    pack(*arrays, np.zeros(4), 4, triple, penalty, exact, packed)
    pack(*arrays, offset, 2, triple, penalty, some, packed)

    assert np.sort(some + offset)[:2] == pytest.approx(np.sort(exact + offset)[:2])
    assert (some <= exact + 1e-9).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_only_places_are_forbidden_with_which_a_site_is_worth_too_little(seed: int) -> None:
    task = some_task(seed)
    price, most = np.random.default_rng(seed).random(7) * 20.0, np.array([-30.0, -20.0, -10.0, 0.0])
    cost = task.cost.copy()

    forbid(cost, task.demand, task.capacity, price, most)

    forbidden = np.argwhere(np.isinf(cost))
    assert len(forbidden) > 0
    for site, point in forbidden.tolist():
        least = min((task.cost[site] - price)[each].sum() for each in every_cluster(task, site) if each[point])
        assert least > most[site]


@pytest.mark.parametrize("seed", SEEDS)
def test_triples_used_more_than_once_are_found_each_once(seed: int) -> None:
    random = np.random.default_rng(seed)
    member, used = random.random((9, 8)) < 0.45, random.random(9)
    used /= ((member.T * used) @ member).max()

    found, over = triples_over(member, used, 0.05, 1_000)

    expected = {
        triple: used[member[:, triple].sum(axis=1) > 1].sum() - 1.0 for triple in itertools.combinations(range(8), 3)
    }
    assert {tuple(sorted(each)): extra for each, extra in zip(found.tolist(), over.tolist(), strict=True)} == (
        pytest.approx({triple: extra for triple, extra in expected.items() if extra > 0.05})
    )
    assert len(found) == len({tuple(sorted(each)) for each in found.tolist()})


def test_ways_go_by_the_point_that_makes_them_cheapest() -> None:
    cost = np.array([[1.0, 5.0, np.inf], [4.0, 1.0, 2.0], [np.inf, np.inf, 3.0]])
    assert ways_between(cost).tolist() == [[0.0, 5.0, np.inf], [5.0, 0.0, 5.0], [np.inf, 5.0, 0.0]]


def test_clusters_are_kept_once_with_their_costs_and_known_again() -> None:
    task = some_task(1)
    columns = Columns(task.cost)
    packed = np.array(
        [[True, False, True, False, False, False, False], [False, True, False, False, False, False, False]]
    )

    first, again = columns.add(np.array([0, 3]), packed), columns.add(np.array([3, 0]), packed[::-1])

    assert (first.tolist(), again.tolist(), len(columns)) == ([0, 1], [1, 0], 2)
    assert columns.cost.tolist() == [task.cost[0, [0, 2]].sum(), task.cost[3, 1]]
    both = Row(None, (0, 1, 2), -np.inf, 1.0), Row(np.arange(4) == 3, None, -np.inf, 1.0)
    assert columns.counted(both, np.arange(2)).tolist() == [[True, False], [False, True]]
    assert columns.reduced(np.ones(7), list(both), np.array([-2.0, 0.5])).tolist() == [
        columns.cost[0] - 2.0 + 2.0, columns.cost[1] - 1.0 - 0.5,
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_the_bound_over_clusters_is_that_of_all_clusters_and_rows_only_raise_it_up_to_the_best_plan(seed: int) -> None:
    task = some_task(seed, 6, 3)
    best = min(every_plan(task).values(), default=np.inf)
    columns = Columns(task.cost)
    for site in range(3):
        clusters = np.array(every_cluster(task, site))
        columns.add(np.full(len(clusters), site), clusters)
    master = Master(task, columns, 1.0, Effort())
    everything = np.arange(len(columns))
    master.load(everything, np.ones(len(columns), dtype=np.bool_), (), None)
    whole_program = master.solve()
    start = Start(0.0, task.cost.copy(), np.full(6, task.cost.mean()), np.empty(0), (), None)

    plain, tight = Relaxation(task, 50.0, Effort()), Relaxation(task, 50.0, Effort())
    plain.solve(start, np.inf, 0)
    tight.solve(start, np.inf, 20)

    assert whole_program is not None
    assert plain.best.bound == pytest.approx(whole_program.value)
    assert plain.best.bound - 1e-9 <= tight.best.bound <= best + 1e-9


@pytest.mark.parametrize("seed", SEEDS)
def test_the_halves_of_a_split_hold_every_plan_once_or_more(seed: int) -> None:
    task = some_task(seed, 6, 3)
    random = np.random.default_rng(seed)
    share, serving = random.dirichlet(np.ones(3)) * 2.0, random.random(task.cost.shape)
    places = np.ones(task.cost.shape, dtype=np.bool_)
    widest = widest_split(task.cost)
    assert widest is not None
    splits = [*Groups(task.cost, task.p).splits(share, 5), *point_splits(task.cost, serving), widest]

    def in_half(plan: tuple[int, ...], row: Row | None, left: np.ndarray) -> bool:
        used = np.isin(np.arange(3), plan)
        counted = row is None or row.sites is None or row.least <= used[row.sites].sum() <= row.most
        return bool(counted and left[list(plan), np.arange(6)].all())

    for split in splits:
        rows = split.rows() or (None, None)
        halves = [split.places(half, places) for half in (0, 1)]
        for plan in every_plan(task):
            assert sum(in_half(plan, row, left) for row, left in zip(rows, halves, strict=True)) == 1


def test_towns_apart_that_hold_no_whole_number_of_sites_are_solved_to_proof() -> None:
    random = np.random.default_rng(3)
    points = np.repeat([[0.0, 0.0], [500.0, 0.0], [0.0, 500.0]], 8, axis=0) + random.normal(0, 30, (24, 2))
    demand = np.rint(random.lognormal(3, 0.5, 24))
    cost = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    problem = CapacitatedPMedian(cost, demand, float(np.ceil(demand.sum() / (0.9 * 4))), 4)

    first, again, proven = solve(problem, nodes=1), solve(problem, nodes=1), solve(problem)

    assert first.bound <= proven.objective <= first.objective + 1e-9
    assert (first.objective, first.bound, first.sites.tolist()) == (again.objective, again.bound, again.sites.tolist())
    assert proven.status == "optimal"
