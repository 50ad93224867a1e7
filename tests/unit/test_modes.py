from dataclasses import replace
from itertools import pairwise
from math import exp, log
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleetsim.mode_utility import (
    INDEX,
    IS_GREEN,
    access_utility,
    nested_logit,
    utility_of_elasticity,
    utility_to_reach,
    without_access,
)
from fleetsim.modes import calibrate_modes, car_ratio, forecast, split
from fleetsim.scenario.accounts import ModesSection
from fleetsim.tables import MODES, ModeBase, Observation, StockTotal
from networks.errors import ScenarioError
from networks.io import read_table

BEIJING = Path(__file__).parents[2] / "data" / "beijing"
OBSERVED_GREEN = {2019: 0.741, 2020: 0.731, 2021: 0.74, 2022: 0.734, 2024: 0.756, 2025: 0.765}
BASE = read_table(BEIJING / "mode_base.csv", ModeBase)
OBSERVATIONS = read_table(BEIJING / "observations.csv", Observation)
SECTION = ModesSection()
FIT = calibrate_modes(BASE, SECTION, OBSERVATIONS, "2025-12")
SPLIT_2019 = np.array([0.302, 0.121, 0.164, 0.153, 0.001, 0.229, 0.030])


def green_of(year, section=SECTION, **options):
    return dict(split(BASE, section, FIT, year, **options).select("mode", "share").iter_rows())["green"]


def test_from_76_5_to_78_takes_0854_of_utility_on_green_modes():
    assert utility_to_reach(0.765, 0.78) == pytest.approx(0.0854, abs=5e-5)


def test_that_utility_on_every_green_mode_moves_the_nested_logit_from_76_5_to_78():
    base = np.where(IS_GREEN, SPLIT_2019 * 0.765 / 0.741, SPLIT_2019 * 0.235 / 0.259)[None, :]
    moved = nested_logit(base, np.where(IS_GREEN, utility_to_reach(0.765, 0.78), 0.0), green=0.7, motor=0.5)
    assert moved[0][IS_GREEN].sum() == pytest.approx(0.78, abs=1e-12)


def test_nest_parameters_of_one_are_the_plain_logit():
    utility = np.array([0.1, -0.2, 0.3, 0.0, 0.5, -0.4, 0.2])
    weight = SPLIT_2019 * np.exp(utility)
    moved = nested_logit(SPLIT_2019[None, :], utility, green=1.0, motor=1.0)
    assert moved[0] == pytest.approx(weight / weight.sum(), abs=1e-15)


def test_no_change_of_utility_leaves_the_observed_split():
    moved = nested_logit(SPLIT_2019[None, :], np.zeros(len(MODES)), green=0.6, motor=0.8)
    assert moved[0] == pytest.approx(SPLIT_2019, abs=1e-15)


def test_a_smaller_nest_parameter_takes_more_from_modes_of_the_same_nest():
    better_bus = np.zeros(len(MODES))
    better_bus[INDEX["bus"]] = 0.3
    tight = nested_logit(SPLIT_2019[None, :], better_bus, green=0.4, motor=1.0)[0]
    loose = nested_logit(SPLIT_2019[None, :], better_bus, green=1.0, motor=1.0)[0]
    assert tight[INDEX["metro"]] / tight[INDEX["car"]] < loose[INDEX["metro"]] / loose[INDEX["car"]]


def test_hand_computed_nested_logit_of_two_modes_a_nest():
    base = np.array([[0.4, 0.2, 0.0, 0.0, 0.0, 0.3, 0.1]])
    utility = np.array([0.2, 0.0, 0.0, 0.0, 0.0, -0.1, 0.0])
    inclusive_green = 0.5 * log((2 / 3) * exp(0.4) + 1 / 3)
    inclusive_motor = 0.8 * log(0.75 * exp(-0.125) + 0.25)
    green = 0.6 * exp(inclusive_green)
    motor = 0.4 * exp(inclusive_motor)
    walk = (2 / 3) * exp(0.4) / ((2 / 3) * exp(0.4) + 1 / 3)
    moved = nested_logit(base, utility, green=0.5, motor=0.8)[0]
    assert moved[IS_GREEN].sum() == pytest.approx(green / (green + motor), abs=1e-14)
    assert moved[INDEX["walk"]] == pytest.approx(walk * green / (green + motor), abs=1e-14)


def test_the_fare_utility_gives_the_metro_fare_elasticity():
    step = 1e-5
    own = np.zeros(len(MODES))
    own[INDEX["metro"]] = utility_of_elasticity(-0.09, SPLIT_2019, "metro", 0.7) * log(1.0 + step)
    moved = nested_logit(SPLIT_2019[None, :], own, green=0.7, motor=0.7)[0]
    elasticity = log(moved[INDEX["metro"]] / SPLIT_2019[INDEX["metro"]]) / log(1.0 + step)
    assert elasticity == pytest.approx(-0.09, abs=1e-5)


def test_new_rail_access_meets_its_three_anchors():
    before = without_access(SPLIT_2019[None, :], SECTION.rail_share_before_access)[0]
    after = nested_logit(before[None, :], access_utility(before, SECTION), green=0.7, motor=0.7)[0]
    change = after / before - 1.0
    assert change[INDEX["metro"]] == pytest.approx(0.983, abs=1e-9)
    assert change[INDEX["car"]] == pytest.approx(-0.198, abs=1e-9)
    assert change[INDEX["walk"]] == pytest.approx(0.118, abs=1e-9)
    assert change[INDEX["bike"]] == pytest.approx(0.118, abs=1e-9)


def test_anchors_that_leave_no_bus_trips_are_refused():
    with pytest.raises(ScenarioError, match="rail_access_gain"):
        split(BASE, ModesSection(rail_access_gain=3.0, rail_share_before_access=1.0), FIT, 2025)


def test_segment_shares_add_up_to_the_observed_split_of_the_base_year():
    observed = {"walk": 0.302, "bike": 0.121, "bus": 0.153}
    by_mode = dict(BASE.group_by(pl.col("mode").cast(pl.String)).agg(pl.col("trip_share").sum()).iter_rows())
    assert BASE["trip_share"].sum() == pytest.approx(1.0, abs=1e-9)
    assert by_mode["metro"] + by_mode["suburban_rail"] == pytest.approx(0.165, abs=1e-9)
    assert {mode: by_mode[mode] for mode in observed} == pytest.approx(observed, abs=1e-9)


@pytest.mark.parametrize("year", sorted(OBSERVED_GREEN))
def test_green_travel_is_within_half_a_point_of_every_observed_year(year):
    assert green_of(year) == pytest.approx(OBSERVED_GREEN[year], abs=0.005)


def test_shares_of_all_modes_sum_to_one_every_year():
    table = forecast(BASE, SECTION, FIT, range(2019, 2031)).filter(pl.col("mode") != "green")
    sums = table.group_by("year").agg(pl.col("share").sum())["share"]
    assert sums.to_list() == pytest.approx([1.0] * 12, abs=1e-12)


def test_the_forecast_of_2030_has_a_range_that_widens_after_the_last_observation():
    rows = forecast(BASE, SECTION, FIT, [2025, 2030]).filter(pl.col("mode") == "green").sort("year")
    width = (rows["high"] - rows["low"]).to_list()
    assert width[1] > 2.0 * width[0]
    assert rows["low"][1] < rows["share"][1] < rows["high"][1]


def test_the_range_holds_the_yearly_steps_observed_and_the_middle_does_not_move():
    # Steps of the log-odds over the square root of the years between, and a prior worth two of .03.
    odds = {year: log(share / (1.0 - share)) for year, share in OBSERVED_GREEN.items()}
    years = sorted(odds)
    steps = [(odds[b] - odds[a]) / (b - a) ** 0.5 for a, b in pairwise(years)]
    sd = ((2 * 0.03**2 + sum(step**2 for step in steps)) / (2 + len(steps))) ** 0.5
    assert (FIT.step.sd, FIT.step.degrees, FIT.seen_until) == (pytest.approx(sd, rel=1e-3), 7.0, 2025)

    wide, narrow = (
        forecast(BASE, SECTION, fit, [2025, 2029]).filter(pl.col("mode") == "green")
        for fit in (FIT, replace(FIT, step=None))
    )
    assert wide["share"].equals(narrow["share"])
    assert wide["low"][0] == pytest.approx(narrow["low"][0])
    # Student's t of seven degrees of freedom at 90 %: 1.4149; four years after 2025 twice the step of one.
    below = logit(wide["share"][1]) - logit(wide["low"][1])
    terms = logit(narrow["share"][1]) - logit(narrow["low"][1])
    assert below == pytest.approx((terms**2 + (1.414924 * 2 * sd) ** 2) ** 0.5, rel=2e-3)


def logit(share):
    return log(share / (1.0 - share))


def test_calibration_uses_nothing_later_than_its_window():
    changed = OBSERVATIONS.with_columns(value=pl.when(pl.col("date") >= "2023").then(0.5).otherwise(pl.col("value")))
    early = calibrate_modes(BASE, SECTION, OBSERVATIONS, "2022-12")
    blind = calibrate_modes(BASE, SECTION, Observation.validate(changed), "2022-12")
    assert early.terms == pytest.approx(blind.terms, abs=1e-12)
    assert early.last_year == 2022
    assert max(year for _, year, _, _ in early.residuals) == 2022


def test_the_fit_reports_how_many_rows_stand_behind_three_terms():
    assert FIT.observations == len(FIT.residuals) == 13
    assert FIT.degrees_of_freedom == 10


def test_a_base_year_after_the_window_is_refused_with_the_remedy():
    with pytest.raises(ScenarioError, match="choose an earlier base year"):
        calibrate_modes(BASE, SECTION, OBSERVATIONS, "2018-12")


@pytest.mark.parametrize(
    "lever",
    [
        {"congestion_charge_cny": {2019: 0.0, 2026: 20.0}},
        {"parking_price": {2019: 1.0, 2026: 2.0}},
        {"driving_restriction": {2019: 0.2, 2026: 0.4}},
        {"bus_headway": {2019: 1.0, 2026: 0.7}},
        {"bus_speed": {2019: 1.0, 2026: 1.2}},
        {"metro_fare": {2019: 1.0, 2026: 0.5}},
        {"green_reward_cny": {2019: 0.0, 2026: 2.0}},
        {"rail_km": {2019: 700.0, 2026: 1200.0}},
        {"cycle_lane_km": {2019: 0.0, 2026: 6000.0}},
    ],
)
def test_every_lever_towards_green_raises_green_travel(lever):
    assert green_of(2026, ModesSection(**lever)) > green_of(2026, ModesSection(**_neutral(lever)))


def _neutral(lever):
    name, values = next(iter(lever.items()))
    return {name: {2019: values[2019], **({2026: 920.0} if name == "rail_km" else {})}}


def test_more_cars_at_hand_lower_green_travel():
    assert green_of(2025, cars={2019: 1.0, 2025: 1.3}) < green_of(2025)


def test_car_ratio_counts_private_and_company_cars_against_the_base_year():
    rows = [
        (2020, "car_private", 90.0),
        (2020, "car_company", 10.0),
        (2020, "coach", 5.0),
        (2021, "car_private", 110.0),
    ]
    stock = pl.DataFrame(rows, schema=["year", "fleet", "vehicles"], orient="row").with_columns(
        powertrain=pl.lit("BEV"), district=pl.lit("Haidian"), nev=pl.lit(True)
    )
    table = StockTotal.validate(stock.select(list(StockTotal.columns())), cast=True)
    assert car_ratio(table, 2019) == pytest.approx({2020: 1.0, 2021: 1.1})
