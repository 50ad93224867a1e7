"""The compiled engine against the reference: the same log, row for row, whatever the city."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetsim.engine.conservation import check_conservation
from fleetsim.engine.kernel import simulate as simulate_compiled
from fleetsim.engine.reference import simulate
from fleetsim.engine.spec import Inputs, Log, Reason
from fleetsim.engine.synthetic import CitySize, random_inputs

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
many = settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def assert_same_log(inputs: Inputs) -> Log:
    expected, log = simulate(inputs), simulate_compiled(inputs)
    for field in fields(Log):
        own, other = getattr(log, field.name), getattr(expected, field.name)
        assert own.dtype == other.dtype
        np.testing.assert_array_equal(own, other, err_msg=field.name)
    return log


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


@pytest.mark.parametrize("tick_s", [1, 600])
def test_both_engines_give_the_same_log_of_a_larger_city_in_which_everything_happens(tick_s: int) -> None:
    size = CitySize(vehicles=4_000, stations=60, zones=30, ranks=5, tick_s=tick_s)
    log = assert_same_log(random_inputs(11, size))
    assert set(log.reason.tolist()) == {int(reason) for reason in Reason}
