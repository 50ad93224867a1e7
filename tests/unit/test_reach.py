"""What plausible levers can reach: by hand on two numbers of a scenario."""

import pytest

from fleetsim.levers import Lever
from fleetsim.reach import Goal, at_best, first_met, keys_for, within_reach
from fleetsim.scenario.scenario import Scenario
from fleetsim.tables import Clause

SCENARIO = Scenario.shipped("outlook").set({"stock.discount_rate": 0.05, "stock.residual_share": 0.1})


def rate(low: float = 0.0, high: float = 0.3) -> Lever:
    return Lever("stock.discount_rate", 2026, 2030, 0.05, low, high, 0.0, 0.3, whole=False)


def residual(low: float = 0.0, high: float = 0.2) -> Lever:
    return Lever("stock.residual_share", 2026, 2030, 0.1, low, high, 0.0, 1.0, whole=False)


def value(scenario: Scenario) -> float:
    """100 rate - 20 residual: 3 as it stands; at best 30 with the rate at .3 and the residual at 0."""
    return 100.0 * scenario.stock.discount_rate - 20.0 * scenario.stock.residual_share


def test_a_target_one_lever_reaches_is_met_with_the_strongest_as_far_as_it_must_be() -> None:
    # 100 r - 2 >= 10 asks for r = .12; in hundredths of the way from .05 to .3 that is .05 + .28 x .25 = .12.
    found = within_reach(value, SCENARIO, [residual(), rate()], Goal(10.0, 2030))

    assert found.met
    assert [one.key for one in found.levers] == ["stock.discount_rate"]
    assert found.values == pytest.approx((0.12,))


def test_where_one_does_not_suffice_the_next_strongest_is_added() -> None:
    # The rate at .3 gives 28; 29 asks for a residual of .05, halfway from .1 to 0.
    found = within_reach(value, SCENARIO, [residual(), rate()], Goal(29.0, 2030))

    assert found.met
    assert found.values == pytest.approx((0.3, 0.05))


def test_what_all_together_do_not_reach_is_given_with_the_best() -> None:
    found = within_reach(value, SCENARIO, [rate(), residual()], Goal(31.0, 2030))

    assert not found.met
    assert found.value == pytest.approx(30.0)
    assert found.values == (0.3, 0.0)


def test_narrower_plausible_ranges_make_the_same_target_unreachable() -> None:
    goal = Goal(10.0, 2030)

    assert within_reach(value, SCENARIO, [rate()], goal).met
    narrow = within_reach(value, SCENARIO, [rate(high=0.11)], goal)
    assert (narrow.met, narrow.values) == (False, (0.11,))
    assert narrow.value == pytest.approx(9.0)


def test_a_target_not_to_be_exceeded_is_reached_from_above() -> None:
    # At most -1: the rate at 0 gives -2, -1 needs 100 r = 1.
    found = within_reach(value, SCENARIO, [rate()], Goal(-1.0, 2030, -1.0))

    assert found.met
    assert found.values == pytest.approx((0.01,))


def test_a_lever_that_moves_nothing_is_not_named() -> None:
    idle = Lever("stock.charging_loss_share", 2026, 2030, 0.1, 0.0, 0.2, 0.0, 0.5, whole=False)

    found = within_reach(value, SCENARIO, [idle], Goal(10.0, 2030))

    assert (found.met, found.levers) == (False, ())
    assert found.value == pytest.approx(3.0)


def test_a_year_after_the_target_s_is_no_value_of_a_lever_for_it() -> None:
    ban = Lever("cars.fuel_ban_year", 2026, 2035, None, 2028.0, 2035.0, 2021.0, 2060.0, whole=True)
    banned = lambda scenario: float((scenario.cars.fuel_ban_year or 2100) <= 2030)  # noqa: E731

    assert within_reach(banned, SCENARIO, [ban], Goal(1.0, 2027)).levers == ()
    assert within_reach(banned, SCENARIO, [ban], Goal(1.0, 2030)).values == (2030.0,)


def test_at_best_every_lever_that_helps_stands_at_its_end() -> None:
    moved = at_best(value, SCENARIO, [rate(), residual()], Goal(50.0, 2030), {"stock.residual_share": 0.02})

    assert (moved.stock.discount_rate, moved.stock.residual_share) == (0.3, 0.02)


def test_the_first_year_met_counts_from_the_year_asked_for() -> None:
    assert first_met({2024: 5.0, 2025: 1.0, 2026: 5.0}, Goal(5.0, 2026), 2025) == 2026
    assert first_met({2024: 5.0}, Goal(6.0, 2024), 2024) is None


def test_levers_for_a_target_are_those_of_its_own_fleets() -> None:
    clauses = Clause.create_empty()

    keys = keys_for("airside", ["airside"], clauses, 2026)

    assert {"stock.scrappage.airside", "policy.fuel_ban_year.airside", "stock.purchase_grant_share"} <= set(keys)
    assert not any(key.startswith(("cars.", "modes.", "policy.enforcement")) for key in keys)
    assert keys_for("supercharging", [], clauses, 2026) == []
