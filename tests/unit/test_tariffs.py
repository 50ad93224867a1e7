from pathlib import Path

import numpy as np
import polars as pl
import pytest

from charging.tables import Tariff
from charging.tariffs import mean_price, prices, session_cost
from fleetsim.scenario.accounts import GridSection
from networks.errors import DataError
from networks.io import read_table

TARIFFS = read_table(Path(__file__).parents[2] / "data" / "beijing" / "tariffs.csv", Tariff)
STEP = np.where(np.arange(24) < 7, 0.4, 1.0)


def test_published_prices_of_public_charging_hold_at_their_hours():
    by_hour = prices(TARIFFS, "public_charging", "mild")
    assert by_hour[12] == pytest.approx(1.0044 + 0.8)
    assert by_hour[8] == pytest.approx(0.695 + 0.8)
    assert by_hour[2] == pytest.approx(0.3946 + 0.8)


def test_summer_noon_costs_more_than_mild_noon():
    assert prices(TARIFFS, "depot", "summer")[11] > prices(TARIFFS, "depot", "mild")[11]


def test_every_customer_and_season_has_24_hours():
    for customer in ("public_charging", "depot", "swap", "home"):
        for season in ("winter", "mild", "summer"):
            assert len(prices(TARIFFS, customer, season)) == 24


def test_a_missing_hour_is_an_error_that_names_customer_and_season():
    with pytest.raises(DataError, match="depot in winter has 23 hours"):
        prices(TARIFFS.filter(pl.col("hour") != 5), "depot", "winter")


def test_a_session_across_the_price_step_pays_each_hour_its_price():
    assert session_cost(STEP, 6.5 * 3600, 8.0 * 3600, 30.0) == pytest.approx(10.0 * 0.4 + 20.0 * 1.0)


def test_a_session_past_midnight_pays_the_morning_s_price():
    assert session_cost(STEP, 23.0 * 3600, 25.0 * 3600, 10.0) == pytest.approx(5.0 * 1.0 + 5.0 * 0.4)


def test_a_swap_in_an_instant_pays_the_price_of_its_hour():
    assert session_cost(STEP, 3600.0, 3600.0, 50.0) == pytest.approx(20.0)


def test_mean_price_weighs_by_the_load():
    load = np.zeros(24)
    load[[3, 12]] = [30.0, 10.0]
    assert mean_price(STEP, load) == pytest.approx(0.55)
    assert mean_price(STEP, np.zeros(24)) == pytest.approx((7 * 0.4 + 17) / 24)


@pytest.mark.parametrize(("month", "season"), [(12, "winter"), (2, "winter"), (3, "mild"), (6, "summer"), (11, "mild")])
def test_seasons_of_the_months(month, season):
    assert GridSection().season(month) == season


def test_a_month_of_both_seasons_is_refused():
    with pytest.raises(ValueError, match="month 6 is in both"):
        GridSection(winter_months=(12, 1, 6))
