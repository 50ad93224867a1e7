"""Back-tests see nothing that came later, and count errors and coverage as by hand."""

from dataclasses import replace
from functools import cache

import polars as pl
import pytest

from fleetsim import backtest, hindsight
from fleetsim.datasets import City, city_folder, read_city
from fleetsim.scenario.scenario import Scenario
from fleetsim.tables import EnergyPrice, Observation, Quota

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
    wanted = tried().table.filter(pl.col("indicator") != "taxi_nev_share_non_exempt").select(columns)
    assert other.table.filter(pl.col("indicator") != "taxi_nev_share_non_exempt").select(columns).equals(wanted)
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
