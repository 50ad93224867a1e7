"""Months, bounds, the fit to what Beijing observed, and what the fit does not see."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleetsim import calibration, cars, forecast, stock, tables
from fleetsim.cars import PARAMETERS, CarParameters
from fleetsim.forecast import CarProblem
from fleetsim.scenario.sections import CarsSection, StockSection
from fleetsim.stock import Rules, Sections, StockTables
from networks.io import read_table

CITY = Path(__file__).parents[2] / "data" / "beijing"
YEARS = tuple(range(2020, 2033))
NAMES = {
    "fleets": tables.Fleet,
    "powertrains": tables.Powertrain,
    "vehicle_types": tables.VehicleType,
    "stock": tables.StockShare,
    "vintages": tables.Vintage,
    "purchases": tables.Purchase,
    "quotas": tables.Quota,
    "energy_prices": tables.EnergyPrice,
    "clauses": tables.Clause,
}


@cache
def beijing() -> StockTables:
    return StockTables(**{name: read_table(CITY / f"{name}.csv", schema) for name, schema in NAMES.items()})


@cache
def observations() -> pl.DataFrame:
    return read_table(CITY / "observations.csv", tables.Observation)


@cache
def outlook() -> tuple[pl.DataFrame, Rules, CarProblem]:
    sections = Sections(cars=CarsSection(draws=96))
    opening, rules = calibration.prepare(beijing(), observations(), sections, "2025-12", YEARS)
    return opening, rules, forecast.car_problem(opening, rules, YEARS)


@cache
def fit() -> pl.DataFrame:
    _, rules, problem = outlook()
    return calibration.fit_table(problem, rules.cars, observations(), 2025)


def seen(*rows: tuple[str, str, float]) -> pl.DataFrame:
    schema = {"date": pl.String, "bound": pl.String, "value": pl.Float64}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table.with_columns(indicator=pl.lit("nev_stock"))


@pytest.mark.parametrize(
    ("date", "half", "expected"),
    [
        ("2024", 0.4, 200.0),
        ("2024-12", 0.4, 200.0),
        ("2024-06", 0.4, 140.0),
        ("2024-03", 0.4, 120.0),
        ("2024-06", 0.5, 150.0),
    ],
)
def test_months_lie_between_year_ends_by_the_share_of_the_first_half(date: str, half: float, expected: float) -> None:
    assert forecast.month_value({2023: 100.0, 2024: 200.0}, date, half) == pytest.approx(expected)


def test_a_threshold_is_reached_where_the_months_say_so() -> None:
    path = {2026: 100.0, 2027: 200.0}
    when = forecast.when_reached(path, 140.0, 0.4)
    assert when == pytest.approx(2027.5)
    assert forecast.month_value(path, "2027-06", 0.4) == pytest.approx(140.0)
    assert forecast.when_reached(path, 300.0) is None


def test_the_model_is_within_3_percent_of_every_observed_value() -> None:
    values = fit().filter((pl.col("bound") == "value") & (pl.col("indicator") == "nev_stock"))
    assert values["date"].to_list() == ["2020-12", "2023-06", "2023-12", "2024-06", "2024-10", "2025-07"]
    assert values["deviation_share"].abs().max() < 0.03


def test_the_model_is_above_every_published_lower_bound() -> None:
    bounds = fit().filter(pl.col("bound") == "lower")
    assert bounds["date"].to_list() == ["2024-12", "2025-08", "2025-12"]
    assert bounds["deviation_share"].min() > 0.0


def test_two_million_are_missed_in_2025_and_reached_later_within_a_range() -> None:
    _, rules, problem = outlook()
    end = forecast.fitted_path(problem, rules.cars, 2025).best()[2025]
    assert 1.30e6 < end < 1.40e6
    found = forecast.reach(problem, rules.cars, 2e6, YEARS[-1])
    assert found.year_reached is not None and found.low is not None and found.high is not None
    assert 2026.0 < found.low < found.year_reached < found.high


def test_the_interval_widens_with_time_and_holds_the_forecast() -> None:
    _, rules, problem = outlook()
    table = forecast.nev_interval(problem, rules.cars, 2030).with_columns(width=pl.col("high") - pl.col("low"))
    later = table.filter(pl.col("year") >= 2025)
    assert later["width"].is_sorted()
    assert later.select((pl.col("low") <= pl.col("value")) & (pl.col("value") <= pl.col("high"))).to_series().all()


def test_the_fit_by_summed_districts_is_the_stock_of_the_full_city() -> None:
    opening, rules, problem = outlook()
    state = opening
    for year in (2021, 2022):
        state = stock.advance(state, year, rules).stock
    city = stock.nev_total(state, beijing().fleets, beijing().powertrains)["vehicles"].item()
    assert city == pytest.approx(forecast.fitted_path(problem, rules.cars, 2022).best()[2022], rel=1e-9)


def test_a_lower_bound_below_the_model_costs_nothing_and_one_above_it_much() -> None:
    _, rules, problem = outlook()
    vector = rules.cars.vector()[None, :]
    end = forecast.fitted_path(problem, rules.cars, 2025).best()[2025]
    free, low, high = (
        calibration.log_posterior(
            problem,
            vector,
            (rules.cars.kappa, 2025),
            np.zeros((1, len(PARAMETERS))),
            calibration.select(table, ["nev_stock"], "2020-12", "2025-12"),
        )[0]
        for table in (seen().clear(), seen(("2025-12", "lower", 0.9 * end)), seen(("2025-12", "lower", 1.02 * end)))
    )
    assert low == pytest.approx(free, abs=1e-9)
    assert high < free - 5.0


def test_a_known_path_is_found_again_from_its_own_observations() -> None:
    _, rules, problem = outlook()
    truth = replace(rules.cars, midpoint=2025.0, speed=0.6, grant_response=0.2)
    path = forecast.fitted_path(problem, truth, 2025)
    half = np.array([truth.first_half_share])
    dates = ["2021-12", "2022-12", "2023-06", "2023-12", "2024-06", "2024-12", "2025-12"]
    table = seen(*[(date, "value", float(forecast.month_value(path.total, date, half)[0])) for date in dates])
    other = observations().filter(pl.col("indicator").is_in([calibration.REGISTRATIONS, calibration.CIVIL]))
    known = other.select("date", pl.col("bound").cast(pl.String), "value", "indicator")
    found = calibration.calibrate(problem, pl.concat([known, table]), "2025-12")
    again = forecast.fitted_path(problem, found, 2025).best()
    assert again[2025] == pytest.approx(path.best()[2025], rel=0.01)
    assert again[2023] == pytest.approx(path.best()[2023], rel=0.01)


def test_nothing_after_the_window_is_used() -> None:
    rows = calibration.select(observations(), [calibration.NEV_STOCK], "2020-12", "2023-12")
    assert [row.date for row in rows] == ["2023-06", "2023-12"]
    paths = calibration.conversion_paths(observations(), beijing().stock, StockSection(), "2023-12")
    assert [round(time, 2) for time, _ in paths["taxi_company"]] == [2020.67, 2023.75]


def test_cumulative_promotions_are_not_taken_for_vehicles_in_use() -> None:
    rows = calibration.select(observations(), [calibration.NEV_STOCK], "0000-00", "2025-12")
    assert 580_000.0 not in [row.vehicles for row in rows]


def test_taxis_follow_what_was_observed_and_buses_stay_short_of_their_clause() -> None:
    section = StockSection()
    paths = calibration.conversion_paths(observations(), beijing().stock, section, "2025-12")
    assert paths["taxi_company"][-1] == (2026.0, 1.0)
    assert paths["bus_municipal"][-1][1] < 0.80
    told = calibration.observed_until(observations(), beijing().stock, section, "2025-12")
    assert told["taxi_company"] == 2026.0
    assert told["bus_municipal"] < 2021.0


def test_hazards_are_scaled_to_the_registrations_of_2021() -> None:
    _, rules, problem = outlook()
    assert calibration.car_hazard_scale(problem, observations(), "2020-12") == 1.0
    assert rules.cars.kappa == pytest.approx(calibration.car_hazard_scale(problem, observations(), "2025-12"))
    assert 0.7 < rules.cars.kappa < 1.4


def test_draws_of_a_normal_density_have_its_mean_and_spread() -> None:
    deviation = np.array([1.0, 3.0])
    draws = calibration.sample(
        lambda z: -0.5 * ((z / deviation) ** 2).sum(axis=1), np.zeros(2), 4000, np.random.default_rng(7)
    )
    assert draws.mean(axis=0) == pytest.approx([0.0, 0.0], abs=0.3)
    assert draws.std(axis=0) == pytest.approx(deviation.tolist(), rel=0.1)


def test_a_parameter_vector_and_its_names_belong_together() -> None:
    given = cars.prior(CarsSection())
    moved = given.at(given.vector() + 0.01)
    assert isinstance(moved, CarParameters)
    assert moved.ceiling == pytest.approx(given.ceiling + 0.01)
