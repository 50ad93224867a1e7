"""Charging, refuelling and supply in closed form."""

import math

import numpy as np
import pytest

from charging.energy import (
    HOUR_US,
    charge_h,
    charge_us,
    charged,
    charged_wh,
    flow_us,
    supplied_ug,
    supply_us,
    taper_line,
)

CURVE_A = (50.0, 50.0, 0.8, 0.0)
CURVE_B = (350.0, 0.95 * 150.0, 0.8, 0.1)


@pytest.mark.parametrize(
    ("minutes", "share"), [(15, 0.75), (30, 0.926424), (45, 0.978920), (60, 0.993961), (90, 0.999504)]
)
def test_a_taper_to_nothing_gives_the_worked_answer_a(minutes: int, share: float) -> None:
    rate, zero = taper_line(*CURVE_A)
    assert charged(25.0, minutes / 60, 50.0, rate, zero) / 50.0 == pytest.approx(share, abs=5e-7)


@pytest.mark.parametrize(
    ("minutes", "share"),
    [(15, 0.201786), (30, 0.303571), (60, 0.507143), (90, 0.710714), (120, 0.889349), (150, 0.969061), (180, 1.0)],
)
def test_a_taper_to_a_tenth_gives_the_worked_answer_b(minutes: int, share: float) -> None:
    rate, zero = taper_line(*CURVE_B)
    energy = min(350.0, charged(35.0, minutes / 60, 142.5, rate, zero))
    assert energy / 350.0 == pytest.approx(share, abs=5e-7)


def test_charging_time_is_the_inverse_of_energy_charged() -> None:
    rate, zero = taper_line(*CURVE_B)
    for target in (40.0, 200.0, 300.0, 349.0):
        hours = charge_h(35.0, target, 90.0, rate, zero)
        assert charged(35.0, hours, 90.0, rate, zero) == pytest.approx(target)


def test_the_closed_form_equals_a_small_step_integration_on_a_weak_plug() -> None:
    capacity, strongest, knee, end = 60.0, 100.0, 0.6, 0.2
    steps, hours = 200_000, 1.5
    energy = 10.0
    for _ in range(steps):
        fall = 1 - (1 - end) * max(0.0, energy / capacity - knee) / (1 - knee)
        energy += min(50.0, strongest * fall) * hours / steps
    assert charged(10.0, hours, 50.0, *taper_line(capacity, strongest, knee, end)) == pytest.approx(energy, abs=1e-3)


def test_a_plug_below_the_end_power_never_tapers() -> None:
    assert charge_h(0.0, 50.0, 5.0, *taper_line(50.0, 100.0, 0.8, 0.1)) == pytest.approx(10.0)


def test_without_a_taper_time_is_energy_over_power() -> None:
    line = taper_line(50.0, 50.0, 1.0, 0.5)
    assert line == (0.0, 50.0)
    assert charge_h(10.0, 35.0, 50.0, *line) == 0.5
    assert charged(10.0, 0.5, 50.0, *line) == 35.0


def test_a_curve_that_ends_in_nothing_never_reaches_full_charge() -> None:
    assert math.isinf(charge_h(25.0, 50.0, 50.0, *taper_line(*CURVE_A)))


def test_nothing_to_charge_takes_no_time() -> None:
    assert charge_us(40_000, 40_000, 50_000, 0.0, 50_000.0) == 0


def test_whole_microseconds_are_rounded_up_and_levels_down() -> None:
    # 1 Wh at 7,000 W is 514,285.7 us.
    assert charge_us(0, 1, 7_000, 0.0, 50_000.0) == 514_286
    assert charged_wh(0, 514_285, 7_000, 0.0, 50_000.0) == 0


def test_the_integer_functions_agree_within_a_watt_hour() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        capacity, power = int(rng.integers(20_000, 400_000)), int(rng.integers(3_000, 300_000))
        rate, zero = taper_line(capacity, power, 0.8, 0.1)
        level, to = sorted(int(x) for x in rng.integers(0, capacity + 1, 2))
        duration = charge_us(level, to, power, rate, zero)
        assert abs(charged_wh(level, duration, power, rate, zero) - to) <= 1


def test_hydrogen_passes_at_the_flow_of_the_dispenser() -> None:
    assert flow_us(20_000, 60_000) == HOUR_US // 3
    assert flow_us(1, 7) == 514_285_715


def test_hydrogen_supply_stops_when_the_store_is_full() -> None:
    kilogram = 1_000_000_000
    assert supplied_ug(HOUR_US, 2_000) == 2 * kilogram


def test_waiting_for_supply_brings_at_least_what_was_missing() -> None:
    for missing in (1, 999_999, 123_456_789):
        wait = supply_us(missing, 777)
        assert supplied_ug(wait, 777) >= missing > supplied_ug(wait - 5, 777)
