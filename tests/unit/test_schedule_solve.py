"""Solved schedules: textbook answers, brute force, proofs and rounding."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from fleetsim.schedules import outcome
from fleetsim.schedules.cuts import _facets
from fleetsim.schedules.highs import Answer
from fleetsim.schedules.outcome import Binding, Shortage, bindings, depot_table, shortages
from fleetsim.schedules.problem import Depots, LeftOut, Rule, ScheduleProblem, Vehicles
from fleetsim.schedules.sentences import _clause_words, _dearest, words
from fleetsim.schedules.solve import Solution, solve
from fleetsim.schedules.synthetic import synthetic
from fleetsim.schedules.verify import (
    Change,
    Tried,
    Unjudged,
    failing_depots,
    in_use,
    judged,
    tightened,
    verified,
    visits,
)
from fleetsim.texts import texts
from networks.errors import DataError


def depot(chargers: float = 0.0, grid_kw: float = 0.0, modules: float = 5.0) -> Depots:
    one = np.ones(1)
    return Depots(
        chargers=chargers * one, grid_kw=grid_kw * one, charger_kwh=100.0 * one, charger_kw=50.0 * one,
        module_kw=60.0 * one, most_modules=modules * one, charger_cny=30.0 * one, module_cny=70.0 * one,
        charger_life_years=1e9, module_life_years=1e9,
    )  # fmt: skip


def analyzer() -> ScheduleProblem:
    """One machine is needed for five years; new 1,000, upkeep 60, 80, 120, resale 800, 600, 500 (net over years)."""
    years = 5
    upkeep = np.array([60.0, 80.0, 120.0])
    return ScheduleProblem(
        years=tuple(range(years)),
        groups=("shop",),
        powertrains=("analyzer",),
        depots=("yard",),
        depot=np.zeros(1, dtype=np.int64),
        vehicles=Vehicles(
            initial=np.zeros((1, 1, 3)),
            age_limit=np.full((1, 1), 3),
            relieves=np.ones((1, 1)),
            buyable=np.ones((1, 1, years), dtype=bool),
            price_cny=np.full((1, 1, years), 1000.0),
            operation_cny=np.repeat(upkeep[None, None, :, None], years, axis=3),
            salvage_cny=np.array([[[1000.0, 800.0, 600.0, 500.0]]]),
            energy_kwh=np.zeros((1, 1)),
            hydrogen_kg=np.zeros((1, 1)),
        ),
        site=depot(),
        required=np.ones((1, years)),
        shortfall_cny=np.full(1, 1e5),
        budget_cny=np.full(years, np.inf),
        hydrogen_supply_kg=np.full(years, np.inf),
        family=np.zeros(1, dtype=np.int64),
        families=("all",),
        lot=np.ones((1, 1), dtype=np.int64),
        deliveries=np.full((1, 1, years), np.inf),
        discount_rate=0.0,
    )


def test_equipment_replacement_costs_what_the_worked_example_says() -> None:
    # Kept one, two or three years a machine costs 260, 540 or 760 net: 3 + 1 + 1 years cost 1,280, 3 + 2 1,300.
    found = solve(analyzer(), gap=0.0)
    assert found.cost == pytest.approx(1280.0)
    assert found.bound == pytest.approx(1280.0)
    assert found.bought.sum() == 3.0


def two_years(**changes: object) -> ScheduleProblem:
    """Two diesel vehicles aged 0 and 1 that may serve 2 years; battery vehicles do the work of 0.8 of one."""
    problem = ScheduleProblem(
        years=(2026, 2027),
        groups=("line",),
        powertrains=("diesel", "BEV"),
        depots=("yard",),
        depot=np.zeros(1, dtype=np.int64),
        vehicles=Vehicles(
            initial=np.array([[[1.0, 1.0], [0.0, 0.0]]]),
            age_limit=np.full((1, 2), 2),
            relieves=np.array([[1.0, 0.8]]),
            buyable=np.ones((1, 2, 2), dtype=bool),
            price_cny=np.array([[[100.0, 100.0], [130.0, 120.0]]]),
            operation_cny=np.array([[[[60.0, 60.0], [70.0, 70.0]], [[20.0, 20.0], [25.0, 25.0]]]]),
            salvage_cny=np.array([[[80.0, 50.0, 10.0], [90.0, 60.0, 15.0]]]),
            energy_kwh=np.array([[0.0, 60.0]]),
            hydrogen_kg=np.zeros((1, 2)),
        ),
        site=depot(),
        required=np.array([[2.0, 2.0]]),
        shortfall_cny=np.full(1, 1000.0),
        budget_cny=np.full(2, np.inf),
        hydrogen_supply_kg=np.full(2, np.inf),
        family=np.zeros(1, dtype=np.int64),
        families=("all",),
        lot=np.ones((1, 2), dtype=np.int64),
        deliveries=np.full((1, 2, 2), np.inf),
        discount_rate=0.1,
    )
    return replace(problem, **changes)


def all_in_nev(penalty: float, years: tuple[int, ...] = (1,)) -> tuple[Rule, ...]:
    return (Rule("all", "stock", years, np.ones(1, bool), np.array([False, True]), 1.0, penalty),)


def enumerated(problem: ScheduleProblem, most: int = 3) -> float:
    """Return the least cost over every whole plan: when each vehicle comes and leaves, what is built ahead of need."""
    best = np.inf
    bought = [(k, t, r) for k in range(2) for t in range(2) for r in range(t + 1, 3)]
    early = list(product(range(3), range(3))) if np.isfinite(problem.budget_cny).any() else [(0, 0)]
    for leave in product(range(3), range(2)):
        for counts in product(range(most + 1), repeat=len(bought)):
            if sum(counts) > 4:
                continue
            plan = dict(zip(bought, counts, strict=True))
            best = min(best, *(plan_cost(problem, leave, plan, ahead) for ahead in early))
    return best


def plan_cost(
    problem: ScheduleProblem, leave: tuple[int, ...], counts: dict[tuple[int, int, int], int], ahead: tuple[int, int]
) -> float:
    v, factor = problem.vehicles, [1.0, 1.0 / 1.1, 1.0 / 1.21]
    held = np.zeros((2, 2))
    cost, spent = 0.0, [0.0, 0.0]
    kept = [(0, -age, out, 1) for age, out in enumerate(leave)]
    kept += [(k, t, out, n) for (k, t, out), n in counts.items() if n]
    for k, start, out, n in kept:
        for year in range(max(start, 0), out):
            held[k, year] += n
            cost += n * factor[year] * v.operation_cny[0, k, year - start, year]
        cost -= n * factor[out] * v.salvage_cny[0, k, out - start]
    for (k, t, _), n in counts.items():
        cost += n * factor[t] * v.price_cny[0, k, t]
        spent[t] += n * v.price_cny[0, k, t]
    chargers = modules = 0.0
    for year in range(2):
        more = max(np.ceil(held[1, year] * 60.0 / 100.0 - 1e-9), chargers, ahead[0])
        wider = max(np.ceil(more * 50.0 / 60.0 - 1e-9), modules, ahead[1])
        built = 30.0 * (more - chargers) + 70.0 * (wider - modules)
        # Chargers and modules keep nearly all their value to the end.
        cost += built * (factor[year] - factor[2])
        spent[year] += built
        chargers, modules = more, wider
        short = max(np.ceil((2.0 - held[0, year] - 0.8 * held[1, year]) - 1e-9), 0.0)
        cost += 1000.0 * short * factor[year]
        if modules > problem.site.most_modules[0] or spent[year] > problem.budget_cny[year] + 1e-9:
            return np.inf
    for rule in problem.rules:
        cost += sum(rule.penalty_cny * held[0, year] * factor[year] for year in rule.years)
    return cost


CASES = {
    "free": {},
    "clause": {"rules": all_in_nev(500.0)},
    "clause at once": {"rules": all_in_nev(90.0, (0, 1))},
    "budget": {"rules": all_in_nev(500.0), "budget_cny": np.array([300.0, 260.0])},
    "narrow grid": {"rules": all_in_nev(500.0), "site": depot(modules=1.0)},
}


@pytest.mark.parametrize("case", list(CASES))
def test_the_solved_schedule_is_as_cheap_as_the_best_of_all_plans(case: str) -> None:
    problem = two_years(**CASES[case])
    found = solve(problem, gap=0.0)
    best = enumerated(problem)
    assert found.cost == pytest.approx(best, abs=1e-4)
    assert found.bound <= best + 1e-4
    assert not found.broken


def test_hull_rows_cut_no_whole_point_and_touch_their_corners() -> None:
    high, low, need = 1.0, 0.8, 6.3
    points = [(a, b) for a in range(9) for b in range(10) if high * a + low * b >= need]
    for weight_high, weight_low, least in _facets(high, low, need):
        values = [weight_high * a + weight_low * b for a, b in points]
        assert min(values) == pytest.approx(least)


@pytest.fixture(scope="module")
def staged() -> Iterator[Solution]:
    yield solve(synthetic(15, 5, 4, seed=3), cpu_s=3.0, gap=0.005)


def test_a_staged_schedule_is_whole_and_its_cost_lies_above_its_bound(staged: Solution) -> None:
    for values in (staged.held, staged.bought, staged.chargers, staged.modules):
        assert np.array_equal(values, np.round(values))
    assert staged.bound <= staged.cost
    assert staged.gap < 0.03


def test_a_staged_schedule_keeps_stock_service_and_depots(staged: Solution) -> None:
    problem = staged.problem
    before = np.concatenate([problem.vehicles.initial.sum(axis=2)[:, :, None], staged.held[:, :, :-1]], axis=2)
    assert (staged.held <= before + staged.bought + 1e-9).all()
    served = (staged.held * problem.vehicles.relieves[:, :, None]).sum(axis=1)
    assert (served + staged.missing * problem.missing_relieves()[:, None] >= problem.required - 1e-6).all()
    table = depot_table(staged)
    capacity = staged.chargers * problem.site.charger_kwh[:, None]
    assert (table["energy_kwh"].to_numpy().reshape(capacity.shape) <= capacity + 1e-6).all()


def test_search_moves_no_group_further_than_one_vehicle_from_the_continuous_plan(staged: Solution) -> None:
    assert staged.continuous is not None
    continuous = staged.continuous[staged.program.columns.held].sum(axis=1)
    before = solve(staged.problem, cpu_s=0.0, gap=0.0).held.sum(axis=1)
    allowed = np.maximum(np.abs(before - continuous), 1.0)
    assert (np.abs(staged.held.sum(axis=1) - continuous) <= allowed + 1e-6).all()
    assert np.median(allowed) == 1.0


def test_lots_are_bought_whole_and_no_row_is_broken(staged: Solution) -> None:
    family, lot = staged.problem.family, staged.problem.lot
    assert not staged.broken
    for name, k in product(range(3), range(3)):
        bought = staged.bought[family == name, k].sum(axis=0)
        assert np.allclose(bought % lot[name, k], 0.0)


def test_a_budget_that_binds_is_named_with_what_a_yuan_more_would_save() -> None:
    found = solve(two_years(rules=all_in_nev(500.0), budget_cny=np.array([300.0, 260.0])), gap=0.0)
    named = [one for one in bindings(found) if one.kind == "budget"]
    assert named
    assert all(one.saving_cny > 0.0 for one in named)
    for lang, word in (("en", "budget"), ("zh", "预算")):
        assert any(word in line for line in words(found, lang, shortages(found)))  # type: ignore[arg-type]


def test_a_clause_that_cannot_be_kept_tells_how_much_still_misses() -> None:
    found = solve(two_years(rules=all_in_nev(5.0), budget_cny=np.array([160.0, 0.0])), gap=0.0)
    short = shortages(found)[0]
    assert short.missing > 0.0
    assert short.closing_cny is not None


def test_a_wrong_problem_names_every_fault() -> None:
    with pytest.raises(DataError) as caught:
        two_years(required=np.ones((1, 3)), budget_cny=np.ones(5))
    assert len(caught.value.problems) == 2
    assert "budget_cny has shape (5,); give (2,)" in caught.value.problems[1]


def test_a_failing_depot_is_tightened_until_its_days_work_and_the_log_says_so() -> None:
    problem = two_years(rules=all_in_nev(500.0))
    tried: list[float] = []

    def trial(solution: Solution) -> Tried:
        tried.append(float(solution.chargers[0, -1]))
        return Tried({"yard": 0.5} if solution.chargers[0, -1] < 3 else {})

    tried_out = verified(solve(problem, gap=0.0), trial, cpu_s=10.0, gap=0.0)
    found = tried_out.solution
    changes = [change for change in tried_out.changes if isinstance(change, Change)]

    assert found.chargers[0, -1] >= 3.0
    assert [change.round for change in changes] == list(range(1, len(changes) + 1))
    assert changes[0].chargers_before == tried[0]
    assert "yard" in changes[0].text("en")
    assert tried_out.failing == ()


def test_a_depot_that_always_fails_is_tightened_five_times_and_no_more() -> None:
    found = verified(
        solve(two_years(rules=all_in_nev(500.0)), gap=0.0), lambda solution: Tried({"yard": 0.01}), cpu_s=10.0, gap=0.0
    )
    assert [change.round for change in found.changes if isinstance(change, Change)] == [1, 2, 3, 4, 5]
    assert found.failing == ("yard",)


def test_tightening_leaves_other_depots_as_they_are() -> None:
    problem = synthetic(4, 2, 3)
    after = tightened(problem, {"depot_001": 0.25})
    assert after.site.charger_kwh.tolist() == [700.0, 560.0]


def test_a_depot_whose_chargers_stand_idle_on_paper_gets_more_of_them_too() -> None:
    problem = two_years(rules=all_in_nev(500.0))
    before = solve(problem, gap=0.0)
    energy = float((before.held * problem.vehicles.energy_kwh[:, :, None]).sum(axis=1)[:, -1].sum())
    many = np.array([4.0 * np.ceil(energy / problem.site.charger_kwh[0])])
    site = replace(problem.site, chargers=many, grid_kw=2.0 * many * problem.site.charger_kw)
    roomy = solve(replace(problem, site=site), gap=0.0)
    after = solve(tightened(roomy.problem, {"yard": 0.25}, in_use(roomy)), gap=0.0)

    assert in_use(roomy)["yard"] == pytest.approx(energy / problem.site.charger_kwh[0] / many[0])
    assert roomy.chargers[0, -1] == many[0]
    assert after.chargers[0, -1] == np.ceil(1.25 * many[0])


def test_a_depot_fails_by_the_vehicles_it_leaves_without_energy() -> None:
    import polars as pl

    load = pl.DataFrame(
        {
            "year": [2028, 2028, 2028], "day": ["w"] * 3, "station_id": ["a", "b", "a"], "hour": [1, 1, 2],
            "served": [3, 4, 0], "unserved": [1, 0, 0], "mean_wait_min": [5.0, 90.0, None],
        }
    )  # fmt: skip
    stations = pl.DataFrame(
        {"station_id": ["a", "b"], "kind": ["depot"] * 2, "fleet_group": ["bus", "taxi"], "district": ["X", "Y"]}
    )
    assert failing_depots(load, stations, 60.0) == {"bus:X": 0.25, "taxi:Y": 0.5}


def test_a_depot_with_few_simulated_visits_is_not_judged_and_not_tightened() -> None:
    # 60 visits counted for at a sample of a tenth are 6 that were simulated; 24 take a sample of .4.
    tried = judged({"bus:X": 0.25, "bus:Y": 0.5}, {"bus:X": 30.0, "bus:Y": 6.0}, 0.1, 24)

    assert tried == Tried({"bus:X": 0.25}, Unjudged(("bus:Y",), 0.1, pytest.approx(0.4), 24))  # type: ignore[arg-type]
    assert tried.unjudged is not None
    assert "bus:Y" in tried.unjudged.text("en")
    assert "0.4" in tried.unjudged.text("zh")
    assert judged({"bus:Y": 0.5}, {"bus:Y": 6.0}, 1.0, 24) == Tried({"bus:Y": 0.5})


def test_visits_are_those_of_the_emptiest_day_as_simulated() -> None:
    import polars as pl

    load = pl.DataFrame(
        {
            "year": [2028, 2028, 2030], "day": ["w"] * 3, "station_id": ["a", "b", "a"], "hour": [1, 1, 2],
            "served": [300, 400, 100], "unserved": [100, 0, 0], "mean_wait_min": [5.0, 90.0, None],
        }
    )  # fmt: skip
    stations = pl.DataFrame(
        {"station_id": ["a", "b"], "kind": ["depot"] * 2, "fleet_group": ["bus", "bus"], "district": ["X", "X"]}
    )

    assert visits(load, stations, 0.01) == {"bus:X": pytest.approx(1.0)}


def test_a_warning_stands_beside_what_the_days_changed() -> None:
    few = Unjudged(("yard",), 0.1, 0.4, 24)

    found = verified(solve(two_years(), gap=0.0), lambda solution: Tried({}, few), cpu_s=10.0, gap=0.0)

    assert found.changes == (few,)
    assert found.failing == ()


def test_a_clause_whose_second_solution_is_not_found_has_no_closing_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    found = solve(two_years(rules=all_in_nev(5.0), budget_cny=np.array([160.0, 0.0])), gap=0.0)
    nothing = Answer(None, np.inf, -np.inf)
    monkeypatch.setattr(outcome, "minimise", lambda *args, **options: nothing)
    (short,) = shortages(found)
    assert short.closing_cny is None
    assert short.still_missing == short.missing > 0.0
    assert any("not found out" in line for line in words(found, "en", [short]))


def test_of_each_kind_of_limit_the_dearest_is_told_and_the_years_of_one_stand_together() -> None:
    many = [Binding("rule", f"clause {number}", year, 9.0) for number in range(20) for year in (2027, 2026)]
    ranked = [*many, Binding("budget", "", 2026, 1.5), Binding("budget", "", 2027, 1.2)]

    groups = _dearest(ranked)

    assert len(groups) == 12
    assert [one.year for one in groups[0]] == [2026, 2027]
    assert [one.saving_cny for one in groups[-1]] == [1.5, 1.2]


def test_a_clause_is_one_sentence_with_what_it_misses_by_year_and_what_closing_it_asks_of_service() -> None:
    by_year = {2026: 5.0, 2027: 3.0, 2028: 0.0}
    short = [Shortage("bus", year, missing, 64e6, 0.0, 30.0) for year, missing in by_year.items()]

    told = _clause_words("buses", short, texts("en", "schedule"))

    assert told == (
        "Clause buses: vehicles missing 5 in 2026, 3 in 2027. Met in 2028. Closing the clause in all its years would "
        "cost 64 million CNY more. Service would then fall short by 30 vehicle-years more."
    )


def test_closing_a_clause_costs_what_is_paid_and_not_the_price_of_missing_service() -> None:
    # A budget of 160 buys one vehicle at 100 or so; the clause can only be kept by going without, which costs no money.
    found = solve(two_years(rules=all_in_nev(5.0), budget_cny=np.array([160.0, 0.0])), gap=0.0)
    paid = found.program.cost.copy()
    paid[found.program.columns.slack] = paid[found.program.columns.missing] = 0.0

    (short,) = [one for one in shortages(found) if one.missing > 0.0]

    assert short.closing_cny is not None
    assert short.closing_cny <= float(np.abs(paid) @ np.abs(found.values))


def test_clauses_are_shown_by_title_and_those_left_out_are_said_with_the_reason() -> None:
    problem = two_years(
        rules=all_in_nev(500.0),
        titles={"all": {"zh": "全部新能源化", "en": "all new-energy"}, "city": {"zh": "全市", "en": "the whole city"}},
        left_out=(LeftOut("city", 2027, "fleets", ("cars",)), LeftOut("piles", 2027, "measure")),
    )
    found = solve(problem, gap=0.0)
    english, chinese = (words(found, lang, shortages(found)) for lang in ("en", "zh"))
    assert any("Clause all new-energy, 2027: met" in line for line in english)
    assert any("not planned (cars): the whole city 2027" in line for line in english)
    assert any("no share of a fleet's stock or purchases: piles 2027" in line for line in english)
    assert any("全部新能源化" in line for line in chinese)
    assert any("未纳入求解：全市（2027 年）" in line for line in chinese)
