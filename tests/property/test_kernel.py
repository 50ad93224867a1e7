"""The compiled engine against the reference: the same log, row for row, whatever the city."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetsim.engine.compiled.compiler import entry
from fleetsim.engine.compiled.packing import enlarged, has_extras, log_of, new_day
from fleetsim.engine.compiled.state import PAGE, Day
from fleetsim.engine.conservation import check_conservation
from fleetsim.engine.kernel import simulate as simulate_compiled
from fleetsim.engine.policies import SHIPPED
from fleetsim.engine.reference import simulate
from fleetsim.engine.spec import Flows, Inputs, Log, Reason
from fleetsim.engine.synthetic import CitySize, random_inputs
from fleetsim.engine.synthetic_features import ALL, Features

SIZES = st.builds(
    CitySize,
    vehicles=st.integers(1, 120),
    legs=st.integers(1, 10),
    stations=st.integers(1, 10),
    zones=st.integers(1, 4),
    ranks=st.integers(1, 5),
    tick_s=st.sampled_from([1, 60, 600, 1_800]),
)
SEEDS = st.integers(0, 2**32 - 1)
FEATURES = [field.name for field in fields(Features)]
SMALL = st.builds(
    CitySize,
    vehicles=st.integers(1, 40),
    legs=st.integers(1, 8),
    stations=st.integers(1, 8),
    zones=st.integers(1, 4),
    ranks=st.integers(1, 4),
    tick_s=st.sampled_from([1, 60, 600, 1_800]),
)
quiet = {"deadline": None, "derandomize": True, "suppress_health_check": [HealthCheck.too_slow]}
several = settings(max_examples=40, **quiet)
many = settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def run_to_end(day: Day, extras: bool) -> Day:
    run = entry(SHIPPED, extras)
    while not run(day):
        day = enlarged(day)
    return day


def assert_same_log(inputs: Inputs) -> Log:
    expected, log = simulate(inputs), simulate_compiled(inputs)
    assert_equal(log, expected)
    return log


def assert_equal(log: Log, expected: Log) -> None:
    for one, other, table in ((log, expected, Log), (log.flows, expected.flows, Flows)):
        for name in (field.name for field in fields(table) if field.name != "flows"):
            assert getattr(one, name).dtype == getattr(other, name).dtype
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@many
@given(SEEDS, SIZES, st.integers(0, 4))
def test_both_engines_give_the_same_log(seed: int, size: CitySize, tries: int) -> None:
    assert_same_log(replace(random_inputs(seed, size), tries=tries))


@many
@given(SEEDS, SIZES)
def test_both_engines_give_the_same_log_where_all_times_are_ties(seed: int, size: CitySize) -> None:
    inputs = random_inputs(seed, size)
    day_us = 24 * 3_600_000_000
    legs = replace(inputs.legs, depart=inputs.legs.depart // (day_us // 4) * (day_us // 4), dwell=0 * inputs.legs.dwell)
    access = replace(inputs.access, drive=0 * inputs.access.drive)
    assert_same_log(replace(inputs, legs=legs, access=access))


@many
@given(SEEDS, SIZES, st.sampled_from([0.3, 2.0, 4.0]))
def test_both_engines_give_the_same_log_where_energy_is_scarce(seed: int, size: CitySize, factor: float) -> None:
    inputs = random_inputs(seed, size)
    energy = (inputs.legs.energy * factor).astype(np.int64)
    stations = replace(inputs.stations, plugs=np.minimum(inputs.stations.plugs, 2))
    inputs = replace(inputs, legs=replace(inputs.legs, energy=energy), stations=stations)
    check_conservation(inputs, assert_same_log(inputs))


@several
@given(SEEDS, SIZES)
def test_a_plain_city_has_the_same_log_where_the_engine_is_compiled_for_every_feature(
    seed: int, size: CitySize
) -> None:
    inputs = random_inputs(seed, size)
    assert not has_extras(inputs)
    days = [new_day(inputs, extras=compiled_for) for compiled_for in (False, True)]
    own = len(inputs.legs)
    plain, full = (run_to_end(day, compiled_for) for day, compiled_for in zip(days, (False, True), strict=True))
    assert plain.tally["happened"] == full.tally["happened"]
    assert_equal(log_of(plain, own), log_of(full, own))


@pytest.mark.parametrize("tick_s", [1, 600])
def test_both_engines_give_the_same_log_of_a_larger_city_in_which_everything_happens(tick_s: int) -> None:
    size = CitySize(vehicles=4_000, stations=60, zones=30, ranks=5, tick_s=tick_s)
    log = assert_same_log(random_inputs(11, size))
    assert set(log.reason.tolist()) == {int(reason) for reason in Reason} - {Reason.FAULT, Reason.CALLED}


@pytest.mark.parametrize("feature", FEATURES)
def test_both_engines_give_the_same_log_of_cities_with_one_feature(feature: str) -> None:
    @several
    @given(SEEDS, SMALL, st.integers(0, 3))
    def check(seed: int, size: CitySize, tries: int) -> None:
        assert_same_log(replace(random_inputs(seed, size, Features(**{feature: True})), tries=tries))

    check()


@settings(max_examples=250, **quiet)
@given(SEEDS, SMALL, st.lists(st.booleans(), min_size=len(FEATURES), max_size=len(FEATURES)))
def test_both_engines_give_the_same_log_of_cities_with_any_features(seed: int, size: CitySize, on: list[bool]) -> None:
    assert_same_log(random_inputs(seed, size, Features(*on)))


@settings(max_examples=60, **quiet)
@given(SEEDS, SMALL)
def test_events_that_are_moved_leave_room_for_others(seed: int, size: CitySize) -> None:
    inputs = random_inputs(seed, size, Features(*[True] * len(FEATURES)))
    day, least = new_day(inputs, extras=True), len(inputs.vehicles) + 1
    cramped = day._replace(
        pages=day.pages[:least].copy(), later=day.later[: least * PAGE].copy(), events=day.events[: least - 1].copy()
    )
    log = log_of(run_to_end(cramped, extras=True), int(inputs.vehicles.first_leg[-1]))
    assert_equal(log, simulate(inputs))


@settings(max_examples=60, **quiet)
@given(SEEDS, SMALL, st.sampled_from([2, 4]))
def test_both_engines_give_the_same_log_where_energy_is_scarce_and_everything_is_on(
    seed: int, size: CitySize, factor: int
) -> None:
    inputs = random_inputs(seed, size, ALL)
    inputs = replace(inputs, legs=replace(inputs.legs, energy=inputs.legs.energy * factor))
    check_conservation(inputs, assert_same_log(inputs))


@pytest.mark.parametrize("tick_s", [1, 600])
def test_both_engines_give_the_same_log_of_a_larger_city_with_all_features(tick_s: int) -> None:
    log = assert_same_log(random_inputs(7, CitySize(vehicles=800, stations=40, zones=12, ranks=5, tick_s=tick_s), ALL))
    assert set(log.reason.tolist()) == {int(reason) for reason in Reason}
    assert (log.flows.power < 0).any()
    assert (log.taker >= 0).any()
    assert (log.taker < 0).any()
