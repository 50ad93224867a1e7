"""Arrivals of cars and ride-hailing vehicles at public stations."""

from collections.abc import Callable

import polars as pl
import pytest

from fleetsim.duties.background import arrivals, sessions_per_vehicle
from fleetsim.duties.fleet import DayOf, DutyInputs

Inputs = Callable[..., DutyInputs]
MILD = DayOf("", "mild", 4, weekend=False)
WINTER = DayOf("", "winter", 1, weekend=False)
HOMES = {"home_pile_share": {2020: 0.5, 2030: 0.75}}


def stock(*rows: tuple[str, str, str, float]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=["fleet", "powertrain", "district", "vehicles"], orient="row")


@pytest.mark.parametrize(
    ("year", "winter", "private", "hail"),
    [(2020, False, 0.1, 0.65), (2030, False, 0.06, 0.65), (2020, True, 0.15, 0.975)],
)
def test_sessions_are_the_public_energy_over_the_energy_of_a_session(
    duty_inputs: Inputs, year: int, winter: bool, private: float, hail: float
) -> None:
    # private: 40 km * 0.15 kWh/km / 30 kWh = 0.2 sessions, times 0.5 * 0.1 + 0.5 * 0.9
    inputs = duty_inputs(**HOMES)
    table = sessions_per_vehicle(inputs.tables.background, inputs.section, year, winter=winter)
    assert dict(table.select("fleet", "sessions").iter_rows()) == pytest.approx(
        {"car_private": private, "ride_hail": hail}
    )


def test_arrivals_are_vehicles_times_sessions(duty_inputs: Inputs) -> None:
    cars = stock(("car_private", "BEV", "West", 1000.0), ("car_private", "BEV", "East", 500.0))
    found = arrivals(duty_inputs(**HOMES), cars, MILD, 2020)
    assert found.height == 150
    assert found["vehicle_id"].to_list() == list(range(150))


def test_cars_that_charge_near_home_stay_in_their_district(duty_inputs: Inputs) -> None:
    inputs = duty_inputs(**HOMES)
    found = arrivals(inputs, stock(("car_private", "BEV", "West", 5000.0)), MILD, 2020)
    assert set(inputs.geography.district[found["zone"].to_numpy()].tolist()) == {"West"}


def test_energy_has_the_mean_of_a_session_and_fits_the_battery(duty_inputs: Inputs) -> None:
    found = arrivals(duty_inputs(**HOMES), stock(("ride_hail", "BEV", "East", 5000.0)), MILD, 2020)
    assert found["energy_kwh"].mean() == pytest.approx(30.0, abs=0.4)
    assert found["energy_kwh"].min() >= 6.0
    assert found["energy_kwh"].max() <= 54.0


def test_arrivals_follow_the_hours(duty_inputs: Inputs) -> None:
    found = arrivals(duty_inputs(**HOMES), stock(("ride_hail", "BEV", "East", 20000.0)), MILD, 2020)
    early = found.filter(pl.col("arrive_s") < 6 * 3600).height / found.height
    # six hours of weight 1, eighteen of weight 2
    assert early == pytest.approx(6 / 42, abs=0.01)


def test_winter_brings_more_arrivals(duty_inputs: Inputs) -> None:
    cars = stock(("car_private", "BEV", "West", 1000.0))
    numbers = [arrivals(duty_inputs(**HOMES), cars, day, 2020).height for day in (MILD, WINTER)]
    assert numbers == [100, 150]


def test_fuel_cars_and_simulated_fleets_do_not_arrive(duty_inputs: Inputs) -> None:
    others = stock(("car_private", "petrol", "West", 1000.0), ("taxi_company", "BEV", "West", 1000.0))
    assert arrivals(duty_inputs(), others, MILD, 2020).is_empty()


def test_ride_hailing_does_not_change_the_cars(duty_inputs: Inputs) -> None:
    cars = stock(("car_private", "BEV", "West", 1000.0))
    both = pl.concat([cars, stock(("ride_hail", "BEV", "West", 300.0))])
    alone, together = (arrivals(duty_inputs(), table, MILD, 2020).drop("vehicle_id") for table in (cars, both))
    assert together.filter(pl.col("fleet") == "car_private").equals(alone)
