"""What vehicles use."""

import numpy as np
import polars as pl
import pytest

from fleetsim.scenario.stations import ChargingSection
from fleetsim.vehicles import cabin_kw, hourly_temperature_c, leg_use, speed_factor, type_parameters
from networks.errors import DataError

SECTION = ChargingSection()
HEATING_VALUES = {"petrol": 9.0, "diesel": 10.0, "gas": 10.8, "electricity": 1.0, "hydrogen": 33.3}
MILD = np.full(24, 20.0)
JANUARY = hourly_temperature_c(1.8, -8.4, SECTION)


def some_type(powertrain: str, group: str = "taxi", **given: float) -> pl.DataFrame:
    usual = {
        "use_per_km": 0.2, "electric_km_share": 0.0, "electric_kwh_per_km": 0.0, "heating_kw": 0.0,
        "cooling_kw": 0.0, "work_kw": 0.0, "payload_kg": None, "use_per_tonne_km": None,
    }  # fmt: skip
    return pl.DataFrame({"powertrain": [powertrain], "fleet_group": [group], **(usual | given)})


def one_leg(speed_kmh: float = 25.0, depart_h: float = 10.0, **given: float | bool) -> pl.DataFrame:
    usual = {
        "depart_s": int(depart_h * 3600), "drive_s": 3600, "distance_km": speed_kmh, "dwell_s": 0, "work_s": 0,
        "at_depot": False, "load_kg": 0.0,
    }  # fmt: skip
    return pl.DataFrame({name: [value] for name, value in (usual | given).items()})


def use(kind: pl.DataFrame, leg: pl.DataFrame, temperature_c: np.ndarray = MILD) -> tuple[float, float]:
    parameters = type_parameters(kind, HEATING_VALUES, SECTION)
    result = leg_use(leg, parameters, np.zeros(1, np.int64), temperature_c, SECTION)
    return float(result.stored[0]), float(result.fuel[0])


def test_temperature_runs_between_the_mean_low_at_six_and_the_mean_high_at_three() -> None:
    assert JANUARY.argmax() in (14, 15)
    assert JANUARY.argmin() in (5, 6)
    assert JANUARY.max() == pytest.approx(1.8, abs=0.1)
    assert JANUARY.min() == pytest.approx(-8.4, abs=0.1)


def test_the_cabin_takes_nothing_within_the_comfort_band_and_grows_by_the_kelvin_outside() -> None:
    temperature = np.array([-2.0, 18.0, 24.0, 30.0])
    power = cabin_kw(temperature, np.full(4, 0.35), np.full(4, 0.5), comfort_c=(18.0, 24.0))
    assert power.tolist() == [7.0, 0.0, 0.0, 3.0]


def test_slow_traffic_raises_use_and_the_reference_speed_does_not_change_it() -> None:
    factors = speed_factor(
        np.array([25.0, 12.5, 1.0, 100.0]), np.full(4, 25.0), np.full(4, 0.3), SECTION.speed_factor_bounds
    )
    assert factors.tolist() == pytest.approx([1.0, 1.3, 1.8, 0.8])


def test_mild_use_at_the_reference_speed_is_distance_times_use_per_km() -> None:
    assert use(some_type("BEV"), one_leg()) == (pytest.approx(5.0), 0.0)


@pytest.mark.parametrize(("load_kg", "per_km"), [(0.0, 0.185), (300.0, 0.2), (1000.0, 0.235)])
def test_use_falls_with_the_load_and_is_the_usual_one_with_the_usual_load(load_kg: float, per_km: float) -> None:
    kind = some_type("BEV", payload_kg=1000.0, use_per_tonne_km=0.05)
    assert use(kind, one_leg(load_kg=load_kg))[0] == pytest.approx(25.0 * per_km)


def test_load_changes_both_uses_of_a_plug_in_hybrid_alike() -> None:
    given = {"use_per_km": 0.1, "electric_km_share": 0.5, "electric_kwh_per_km": 0.2}
    kind = some_type("PHEV", **given, payload_kg=2000.0, use_per_tonne_km=0.01)
    # usual are 0.6 t; with 1.6 t it takes a tenth more: 25 km, half of them electric
    assert use(kind, one_leg(load_kg=1600.0)) == (pytest.approx(12.5 * 0.22), pytest.approx(12.5 * 0.11))


def test_a_type_that_would_use_nothing_without_a_load_is_refused() -> None:
    with pytest.raises(DataError, match="column use_per_tonne_km, powertrain BEV"):
        type_parameters(some_type("BEV", payload_kg=10_000.0, use_per_tonne_km=0.07), HEATING_VALUES, SECTION)


def test_work_at_a_stop_takes_its_power_times_its_time() -> None:
    leg = one_leg(15.0, dwell_s=3600, work_s=1800)
    assert use(some_type("BEV", "sanitation", work_kw=18.0), leg)[0] == pytest.approx(3.0 + 9.0)


def test_heating_counts_the_drive_and_a_share_of_the_stop_but_not_the_depot() -> None:
    cold = np.full(24, 8.0)
    kind = some_type("BEV", heating_kw=0.1)
    at_kerb = use(kind, one_leg(dwell_s=3600), cold)[0]
    at_depot = use(kind, one_leg(dwell_s=3600, at_depot=True), cold)[0]
    assert at_depot == pytest.approx(5.0 + 1.0)
    assert at_kerb == pytest.approx(5.0 + 1.0 * (1 + SECTION.cabin_stop_share))


def test_a_fuel_vehicle_is_warmed_by_its_engine() -> None:
    kind = some_type("diesel", heating_kw=0.1)
    assert use(kind, one_leg(), np.full(24, -10.0)) == use(kind, one_leg(), MILD)


def test_a_fuel_cell_heats_with_hydrogen_at_its_efficiency() -> None:
    cold = use(some_type("FCEV", use_per_km=0.02, heating_kw=0.1), one_leg(), np.full(24, 8.0))[0]
    assert cold == pytest.approx(0.5 + 1.0 / (33.3 * SECTION.fuel_cell_efficiency))


def test_a_plug_in_hybrid_shares_its_distance_between_battery_and_petrol() -> None:
    kind = some_type("PHEV", use_per_km=0.06, electric_km_share=0.4, electric_kwh_per_km=0.15)
    assert use(kind, one_leg()) == (pytest.approx(25 * 0.4 * 0.15), pytest.approx(25 * 0.6 * 0.06))


def test_a_leg_without_a_drive_has_no_speed_and_no_use() -> None:
    assert use(some_type("BEV"), one_leg(0.0, drive_s=0)) == (0.0, 0.0)


def winter_factor(kind: pl.DataFrame, speed_kmh: float) -> float:
    legs = [one_leg(speed_kmh, hour) for hour in range(6, 22)]
    return sum(use(kind, leg, JANUARY)[0] for leg in legs) / sum(use(kind, leg)[0] for leg in legs)


def test_a_twelve_metre_bus_uses_within_the_winter_bracket_for_beijing() -> None:
    # Mild 0.80 to 1.10 kWh/km, winter up to 1.60; winter over mild about 1.4, at most 1.56 in a colder city.
    bus = some_type("BEV", "bus", use_per_km=0.95, heating_kw=0.35)
    assert 1.35 < winter_factor(bus, 17.0) < 1.56
    assert winter_factor(bus, 17.0) * 0.95 < 1.60


def test_a_taxi_uses_about_three_tenths_more_in_winter() -> None:
    # Bracket: mild 0.14 to 0.19 kWh/km, winter x 1.3; it takes 0.06 kW/K.
    assert winter_factor(some_type("BEV", use_per_km=0.155, heating_kw=0.06), 25.0) == pytest.approx(1.3, abs=0.05)


def test_the_hours_of_the_high_and_the_low_are_the_scenario_s() -> None:
    shifted = ChargingSection(coldest_h=4, warmest_h=14)
    temperature = hourly_temperature_c(10.0, 0.0, shifted)
    # The middle of an hour lies half an hour off; the slower half wave is nearer to the end.
    assert (int(temperature.argmin()), int(temperature.argmax())) == (3, 14)


def test_bounds_of_the_speed_come_lower_first() -> None:
    with pytest.raises(ValueError, match="give the lower one first"):
        ChargingSection(speed_factor_bounds=(1.8, 0.8))
