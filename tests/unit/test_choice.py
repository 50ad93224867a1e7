"""Cost of ownership and purchase choice, by hand."""

import numpy as np
import polars as pl
import pytest

from fleetsim import choice
from fleetsim.choice import Cost, Feedback
from fleetsim.scenario.sections import StockSection
from fleetsim.tables import POWERTRAINS
from networks.errors import DataError, InfeasibleError

BEV, PETROL = POWERTRAINS.index("BEV"), POWERTRAINS.index("petrol")


def one(value: float) -> np.ndarray:
    return np.array([value])


def test_cost_of_ownership_by_hand_without_interest() -> None:
    # (100,000 - 20,000) / 8 years + 2,000 = 12,000 a year over 20,000 km, and .5 + .1 per km.
    cost = Cost(one(100_000.0), one(20_000.0), one(2_000.0), one(0.5), one(0.1))
    assert choice.tco_cny_per_km(cost, 20_000.0, 0.0, 8.0)[0] == pytest.approx(1.2)


def test_a_residual_equal_to_the_price_leaves_only_interest() -> None:
    cost = Cost(one(100_000.0), one(100_000.0), one(0.0), one(0.0), one(0.0))
    assert choice.tco_cny_per_km(cost, 10_000.0, 0.05, 8.0)[0] == pytest.approx(0.5)


def test_a_ban_leaves_the_ratios_of_the_other_alternatives() -> None:
    utility = np.array([1.0, 0.3, -0.5])
    free = choice.shares(utility, 0.8)
    banned = choice.shares(utility, 0.8, np.array([False, True, True]))
    assert banned[0] == 0.0
    assert banned[1] / banned[2] == pytest.approx(free[1] / free[2])
    assert free[0] / free[1] == pytest.approx(np.exp(0.7 / 0.8))


def test_banning_everything_is_infeasible() -> None:
    with pytest.raises(InfeasibleError, match="allow at least one"):
        choice.shares(np.array([1.0]), 1.0, np.array([False]))


def test_nothing_changed_gives_the_purchases_of_the_base_year() -> None:
    base = np.array([0.2, 0.0, 0.8])
    now = np.array([-3.0, -1.0, -2.0])
    assert choice.shares(choice.pivot(base, now, now), 1.0).tolist() == pytest.approx(base.tolist())


def test_waiting_takes_from_plugged_vehicles_and_coverage_gives_back() -> None:
    section = StockSection(wait_weight_per_min=0.02, coverage_weight=1.0)
    feedback = Feedback(wait_min={"taxi": 10.0}, coverage_share={"taxi": 0.05})
    extra = choice.feedback_utility("taxi", section, feedback)
    assert extra[BEV] == pytest.approx(-0.15)
    assert extra[PETROL] == 0.0
    assert not choice.feedback_utility("bus", section, feedback).any()


def test_a_fleets_own_vehicle_type_stands_before_that_of_its_group() -> None:
    types = pl.DataFrame(
        {
            "vehicle_type": ["a", "b", "c"],
            "fleet_group": ["truck", "truck", "bus"],
            "fleet": [None, "truck_heavy", None],
            "powertrain": ["diesel", "diesel", "diesel"],
        }
    )
    assert choice.types_of(types, "truck_heavy", "truck")["vehicle_type"].to_list() == ["b"]
    assert choice.types_of(types, "truck_medium", "truck")["vehicle_type"].to_list() == ["a"]


def test_base_purchases_that_do_not_sum_to_one_are_named() -> None:
    purchases = pl.DataFrame({"fleet": ["van"], "powertrain": ["BEV"], "share": [0.7]})
    with pytest.raises(DataError, match=r"shares of 'van' sum to 0.7"):
        choice.base_shares(purchases, "van")
