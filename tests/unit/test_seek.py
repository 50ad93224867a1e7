"""Seeking finds what a lever must be, by hand and by running the model again."""

from functools import cache

import pytest

from fleetsim.datasets import City, city_folder, read_city
from fleetsim.fast_values import FastValues
from fleetsim.levers import Lever, bounds, lever
from fleetsim.scenario.scenario import Scenario
from fleetsim.seek import Found, Target, _one, _several, seek
from networks.errors import ScenarioError


@cache
def city() -> City:
    return read_city(city_folder("beijing"))


@cache
def scenario() -> Scenario:
    return Scenario.shipped("outlook").set({"cars.draws": 50})


def made(now: float | None = 2.0, *, whole: bool = False, low: float = 0.0, high: float = 10.0) -> Lever:
    return Lever("x", 2026, 2030, now, low, high, -20.0, 20.0, whole)


def test_the_value_sought_is_the_root_by_hand() -> None:
    # x squared shall be at least 25: 5.
    values, verdict = _one(made(), lambda values: values[0] ** 2 - 25.0)

    assert verdict == "met"
    assert values[0] == pytest.approx(5.0, abs=2e-3)
    assert values[0] ** 2 >= 25.0


def test_of_two_roots_the_one_nearer_to_where_the_lever_stands_is_taken() -> None:
    # (x - 3)(x - 7) <= 0 between 3 and 7; from 9 the nearer end is 7.
    values, _ = _one(made(9.0), lambda values: -(values[0] - 3.0) * (values[0] - 7.0))

    assert values[0] == pytest.approx(7.0, abs=2e-3)


def test_a_value_beyond_the_plausible_range_is_said_to_be_so() -> None:
    values, verdict = _one(made(), lambda values: values[0] - 15.0)

    assert verdict == "met_beyond"
    assert values[0] == pytest.approx(15.0, abs=2e-3)


def test_what_cannot_be_met_within_the_bounds_gives_the_best_plausible_value() -> None:
    assert _one(made(), lambda values: values[0] - 100.0) == ([10.0], "missed")


def test_a_whole_lever_takes_the_nearest_whole_value_that_meets_the_target() -> None:
    assert _one(made(9.0, whole=True), lambda values: 5.5 - values[0]) == ([5.0], "met")


def test_a_lever_that_moves_nothing_is_refused() -> None:
    with pytest.raises(ScenarioError, match="does not move the target"):
        _one(made(), lambda values: -1.0)


def test_several_levers_change_least_in_sum_of_squares() -> None:
    # From (0, 0): least |x|^2 with 3 x + 4 y >= 25 over ranges of 10 is (3, 4).
    levers = (made(0.0), made(0.0))

    values, verdict = _several(levers, lambda values: 3.0 * values[0] + 4.0 * values[1] - 25.0)

    assert verdict == "met"
    assert values == pytest.approx([3.0, 4.0], abs=0.05)


def test_where_money_is_known_the_cheapest_values_are_taken_not_the_least_change() -> None:
    # 3 x + 4 y >= 25 at 1 and 5 a unit: x brings 3 a unit of money, y only .8, so x alone: 25 / 3.
    levers = (made(0.0), made(0.0))

    values, verdict = _several(levers, lambda x: 3.0 * x[0] + 4.0 * x[1] - 25.0, lambda x: x[0] + 5.0 * x[1])

    assert verdict == "met"
    assert values == pytest.approx([25.0 / 3.0, 0.0], abs=0.02)


def test_a_lever_that_saves_money_is_moved_to_its_end() -> None:
    # y brings less than x but saves money: it goes to 10, and x stays where it is.
    values, _ = _several((made(0.0), made(0.0)), lambda x: 3.0 * x[0] + x[1] - 9.0, lambda x: 2.0 * x[0] - 1.0 * x[1])

    assert values == pytest.approx([0.0, 10.0], abs=0.02)


def test_several_levers_that_do_not_suffice_stand_at_their_best_ends() -> None:
    values, verdict = _several((made(5.0), made(5.0)), lambda values: values[0] - values[1] - 50.0)

    assert (values, verdict) == ([10.0, 0.0], "missed")


@pytest.mark.parametrize("text", ["nev_stock", "nev_stock=2000000", "nev_stock=many@2025", "nev_stock=1e@2025"])
def test_a_target_that_is_not_one_says_how_to_write_it(text: str) -> None:
    with pytest.raises(ScenarioError, match=text.split("=")[0]):
        Target.read(text)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("cars.replacement_share", (0.0, 1.0)),
        ("cars.quota_nev.2026", (0.0, 2e6)),
        ("cars.fuel_ban_year", (2021.0, 2060.0)),
        ("stock.scrappage.truck_heavy.2027", (0.0, 10.0)),
        ("modes.rail_km", (0.0, float("inf"))),
    ],
)
def test_bounds_are_those_of_the_scenario_field(key: str, expected: tuple[float, float]) -> None:
    assert bounds(Scenario, key.split("."), key) == expected


def test_a_table_by_year_keeps_what_came_before_and_takes_the_value_from_then_on() -> None:
    moved = lever(scenario(), "modes.rail_km", 2027, 2030).set(scenario(), 1111.0)

    before = scenario().modes.rail_km
    assert moved.modes.rail_km[2025] == before[2025]
    assert moved.modes.rail_km[2026] == pytest.approx(before[2025] + (before[2030] - before[2025]) / 5)
    assert moved.modes.rail_km[2027] == 1111.0
    assert max(moved.modes.rail_km) == 2027


def test_plates_get_the_value_in_every_year() -> None:
    moved = lever(scenario(), "cars.quota_nev", 2027, 2030).set(scenario(), 90_000.0)

    assert moved.cars.quota_nev == dict.fromkeys(range(2027, 2031), 90_000.0)


@pytest.mark.parametrize("key", ["cars.nothing", "cars", "run.engine", "siting.years"])
def test_what_is_no_number_is_no_lever(key: str) -> None:
    with pytest.raises(ScenarioError, match="is no number of a scenario"):
        lever(scenario(), key, 2026, 2030)


@cache
def plates_for(vehicles: float, year: int) -> Found:
    target = Target("nev_stock", vehicles, year)
    return seek(city(), scenario(), target, ["cars.quota_nev"], first_year=2026, horizon=2030)


def test_a_missed_target_is_given_with_the_best_value_and_the_year_it_would_be_met() -> None:
    # Two years at the plausible top of 200,000 plates add 240,000 cars at most, far less than is missing.
    found = plates_for(3_500_000.0, 2027)

    assert (found.verdict, found.values) == ("missed", (200_000.0,))
    assert found.before < found.reached < found.target.value
    assert found.year_met is None or found.year_met > 2028.0


def test_every_plate_found_is_a_vehicle_more_by_the_uptake() -> None:
    # In the first year of the new quota: stock = stock before + uptake x plates more, to a vehicle.
    section = scenario().cars
    before = plates_for(3_500_000.0, 2027)
    found = plates_for(before.before + 50_000.0, 2027)

    more = found.values[0] - section.quota_nev_later
    assert found.verdict == "met"
    assert found.reached == pytest.approx(found.target.value, abs=50.0)
    assert 2 * more * section.quota_uptake == pytest.approx(50_000.0, rel=0.01)


def test_scrappage_that_is_not_set_begins_in_the_first_year_and_not_before() -> None:
    moved = lever(scenario(), "stock.scrappage.goods_light_pass", 2026, 2030)

    assert moved.now == 1.0
    assert moved.set(scenario(), 2.0).stock.scrappage["goods_light_pass"] == {2025: 1.0, 2026: 2.0}


def test_a_lever_without_years_of_its_own_holds_from_the_first_year_and_not_before() -> None:
    # Enforcement is one number for all years; sought from 2026 on it leaves the vans of 2025 as they were.
    models = FastValues(city(), scenario(), 2027)
    moved = scenario().set({"policy.enforcement.light_goods": 1.0})

    before = models.series(scenario(), "light_goods")
    after = models.series(moved, "light_goods", since=2026)

    assert {year: after[year] for year in range(2021, 2026)} == {year: before[year] for year in range(2021, 2026)}
    assert after[2026] > before[2026] + 0.02
    assert models.value(moved, "light_goods", 2026, since=2026) == after[2026]


def test_a_value_only_a_later_range_calls_plausible_is_not_plausible_for_the_past() -> None:
    found = seek(city(), scenario(), Target("nev_stock", 2e6, 2025), ["cars.replacement_share"], first_year=None,
                 horizon=2030)  # fmt: skip

    assert found.verdict == "met_beyond"
    assert found.levers[0].high < 0.5 < found.values[0]
