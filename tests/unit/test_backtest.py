"""Back-tests see nothing that came later, and count errors and coverage as by hand."""

from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest

from fleetsim import announced, backtest, forecast, forecast_error, hindsight
from fleetsim.datasets import City, city_folder, read_city
from fleetsim.scenario.scenario import Scenario
from fleetsim.tables import EnergyPrice, Observation, Quota
from fleetsim.verbs.assess import _month
from networks.errors import FleetsimError

UNTIL = "2022-12"


@cache
def city() -> City:
    return read_city(city_folder("beijing"))


@cache
def scenario() -> Scenario:
    return Scenario.shipped("outlook").set({"cars.draws": 50})


@cache
def tried() -> backtest.Backtest:
    return backtest.backtest(city(), scenario(), UNTIL)


def later(column: str = "year") -> pl.Expr:
    return pl.col(column) > 2022


def another_future() -> tuple[City, Scenario]:
    """Everything after 2022 told differently: three times the figures, plates and prices, other grants and lines."""
    seen = city().observations
    changed = seen.with_columns(pl.when(pl.col("date") > "2022-12").then(pl.col("value") * 0.5).otherwise("value"))
    quotas = city().quotas.with_columns(pl.when(later()).then(pl.col("plates") * 3).otherwise("plates"))
    price = pl.when(later()).then(pl.col("price_cny_per_unit") * 3).otherwise("price_cny_per_unit")
    told = {
        "cars.grant_cny.2024": 90_000.0,
        "cars.phev_share.2023": 0.9,
        "cars.quota_nev.2024": 400_000.0,
        "cars.replacement_share": {2024: 0.99},
        "cars.share_midpoint": 2023.0,
        "stock.purchase_grant_share.2023": 0.5,
        "stock.growth_per_year.ride_hail.2025": 0.3,
        "policy.enforcement.taxi": 0.0,
        "policy.fuel_ban_year": {"taxi_company": 2023},
        "modes.rail_km.2024": 1200.0,
        "modes.rail_shortfall.2023": -0.5,
        "modes.bus_shortfall.2022": -0.5,
    }
    other = replace(
        city(),
        observations=Observation.validate(changed),
        quotas=Quota.validate(quotas),
        energy_prices=EnergyPrice.validate(city().energy_prices.with_columns(price)),
    )
    return other, scenario().set(told)


def test_a_forecast_does_not_depend_on_anything_that_came_later() -> None:
    # Outcomes are told smaller, yet the forecasts beside them must be the same to the last digit.
    other = backtest.backtest(*another_future(), UNTIL)

    columns = ["indicator", "date", "forecast", "low", "high"]
    assert other.table.select(columns).equals(tried().table.select(columns))
    assert not other.table["observed"].equals(tried().table["observed"])


def test_every_later_observation_of_stock_fleets_and_green_travel_has_a_row() -> None:
    counts = dict(tried().summary.select("series", pl.col("values") + pl.col("bounds")).iter_rows())

    assert counts == {"nev_stock": 10, "fleets": 5, "green_travel": 2, "all": 17}
    assert tried().table["date"].min() > "2022-12"  # type: ignore[operator]


def test_forecasts_lie_within_their_intervals() -> None:
    rows = tried().table

    assert rows.filter(~pl.col("forecast").is_between(pl.col("low"), pl.col("high"))).height == 0


def test_errors_and_coverage_by_hand() -> None:
    rows = [
        ("a", "x", "2024", "value", 100.0, 110.0, 90.0, 120.0, 0.1, True),
        ("a", "x", "2025", "value", 100.0, 70.0, 60.0, 90.0, -0.3, False),
        ("a", "x", "2026", "lower", 100.0, 70.0, 60.0, 110.0, None, True),
    ]
    row = backtest.summary(pl.DataFrame(rows, schema=backtest.SCHEMA, orient="row")).row(0, named=True)

    assert (row["values"], row["bounds"]) == (2, 1)
    assert row["mean_error_share"] == pytest.approx(-0.1)
    assert row["mean_absolute_error_share"] == pytest.approx(0.2)
    assert (row["coverage_share"], row["bounds_reached_share"]) == (0.5, 1.0)


def test_a_shortfall_is_one_less_boardings_over_those_of_the_base_year() -> None:
    rows = pl.DataFrame(
        {
            "indicator": ["rail_ridership"] * 3,
            "date": ["2019", "2020", "2021-06"],
            "bound": ["value"] * 3,
            "value": [400.0, 100.0, 50.0],
        }
    )

    assert hindsight.shortfall(rows, "rail_ridership", 2019) == {2019: 0.0, 2020: 0.75}
    assert hindsight.shortfall(rows, "rail_ridership", 2018) == {}


def test_plates_after_the_cut_are_those_of_the_last_year_known() -> None:
    (_, then), *_ = hindsight.as_known(city(), scenario(), UNTIL).ways

    assert (then.cars.quota_nev_later, then.cars.quota_ordinary_later) == (70_000.0, 30_000.0)


def test_policies_that_came_are_left_in_on_request() -> None:
    known = hindsight.as_known(city(), scenario(), UNTIL, policies=True)

    assert known.ways[0][1].cars.grant_cny == scenario().cars.grant_cny
    assert known.city.quotas["year"].max() == 2025
    assert known.city.observations.filter(pl.col("date") > "2022-12").is_empty()


def test_announced_plates_of_the_year_to_come_are_known_and_later_ones_are_not() -> None:
    before = hindsight.as_known(city(), scenario(), "2021-11").city.quotas
    after = hindsight.as_known(city(), scenario(), "2021-12").city.quotas

    assert before["year"].max() == 2020
    later = after.filter(pl.col("year") > 2021).select(pl.col("plate").cast(pl.String), "year", "plates")
    assert sorted(later.rows()) == [("nev", 2022, 70_000), ("ordinary", 2022, 30_000)]


def test_a_programme_is_not_known_before_the_day_it_was_announced() -> None:
    fleets = ["taxi_company", "bus_municipal"]

    assert announced.pending(announced.announced("beijing", "2022-09"), fleets, "2022-09") == {}
    assert sorted(announced.pending(announced.announced("beijing", "2022-10"), fleets, "2022-10")) == sorted(fleets)
    assert announced.announced("another city", "2022-10").is_empty()


def test_outcomes_of_programmes_after_the_cut_are_hidden() -> None:
    rows = announced.announced("beijing", "2020-06")

    assert rows["outcome"].drop_nulls().to_list() == [7815.0]
    assert announced.record(rows, 0.8) is None


def test_the_record_is_what_came_over_what_was_announced_for_that_month() -> None:
    # 400,000 as announced; 5,900 of 16,000 taxis after 42 of 46 months; 7,815 of 5,962 buses.
    kept = [1.0, 5_900 / 16_000 / (42 / 46), 7_815 / 5_962]
    record = announced.record(announced.announced("beijing", "2020-12"), 0.8)

    assert record is not None
    assert (record.number, record.low) == (3, 0.0)
    assert record.mean == pytest.approx(sum(kept) / 3)
    # Student's t of two degrees of freedom at 90 %: 1.8856.
    spread = (sum((one - record.mean) ** 2 for one in kept) / 2) ** 0.5
    assert record.high == pytest.approx(record.mean + 1.885618 * (4 / 3) ** 0.5 * spread, rel=1e-5)


def test_a_programme_lifts_a_fleet_from_where_it_was_seen_last() -> None:
    plain = {2021.0: 0.2, 2022.0: 0.25, 2023.0: 0.3, 2024.0: 0.35}
    programme = announced.Programme(2021.0, 2024.0, 1.0)

    # From .25 at 2022, all of the change to 1 in two years; twice as fast it is there after one.
    assert announced.path(plain, programme, 1.0, 2022.0) == (
        (2021.0, 0.2),
        (2022.0, 0.25),
        (2023.0, 0.625),
        (2024.0, 1.0),
    )
    assert announced.path(plain, programme, 2.0, 2022.0)[2] == (2023.0, 1.0)
    assert announced.path(plain, programme, 0.0, 2022.0) == tuple(plain.items())


def test_the_country_s_market_is_known_only_up_to_the_cut() -> None:
    seen = forecast_error.market_growth(2018)

    # .0181, .0269, .0447: two changes of the log-odds.
    steps = [forecast_error.log_odds(b) - forecast_error.log_odds(a) for a, b in ((0.0181, 0.0269), (0.0269, 0.0447))]
    assert seen is not None
    assert seen.number == 2
    assert seen.mean == pytest.approx(sum(steps) / 2)
    assert seen.sd == pytest.approx(abs(steps[0] - steps[1]) / 2**0.5)
    assert forecast_error.market_growth(2016) is None


def test_intervals_widen_with_the_lead_and_keep_their_sides() -> None:
    step = forecast_error.updated(0.03, 2.0, [0.06])

    assert step.sd == pytest.approx(((2 * 0.0009 + 0.0036) / 3) ** 0.5)
    assert step.half(4.0, 0.8) == pytest.approx(2.0 * step.half(1.0, 0.8))
    # 3-4-5: ends at 3 in log-odds and an error of 4 make 5.
    ends = (forecast_error.share_of(-3.0), forecast_error.share_of(3.0))
    low, high = forecast_error.widened(0.5, ends, 4.0)
    assert (forecast_error.log_odds(low), forecast_error.log_odds(high)) == pytest.approx((-5.0, 5.0))
    assert forecast_error.widened(0.9, (0.8, 1.0), 0.0)[1] == 1.0


def test_registrations_at_the_turn_of_a_year_tell_both_years() -> None:
    shares = {2021: np.array([0.1]), 2022: np.array([0.3])}

    # July and June lie in the middle of the year, January and December between two.
    assert forecast.two_month_share(shares, "2021-07")[0] == pytest.approx(0.1)
    assert forecast.two_month_share(shares, "2022-01")[0] == pytest.approx(0.2)
    assert forecast.two_month_share(shares, "2022-04")[0] == pytest.approx(0.25)
    assert forecast.two_month_share(shares, "2024-01")[0] == pytest.approx(0.3)


def test_cumulative_figures_count_a_month_before_they_were_quoted() -> None:
    told = hindsight.as_known(city(), scenario(), UNTIL).city.observations
    dates = told.filter(pl.col("indicator") == hindsight.PROXY)["date"].to_list()

    assert "2022-11" in dates
    assert "2022-12" not in dates


def test_a_forecast_from_the_end_of_the_base_year_works() -> None:
    found = backtest.backtest(city(), scenario(), "2020-12")

    assert found.table["date"].min() > "2020-12"  # type: ignore[operator]
    assert found.table.filter(~pl.col("forecast").is_between(pl.col("low"), pl.col("high"))).is_empty()


def test_the_end_of_the_base_year_is_the_first_month_a_forecast_may_start_from() -> None:
    assert _month("2020", 2020) == "2020-12"
    assert _month("2022-06", 2020) == "2022-06"
    with pytest.raises(FleetsimError, match="before the end of the base year 2020"):
        _month("2020-11", 2020)
