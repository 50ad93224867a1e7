"""The compiled engine: hand-computed days, its limits, its cache; and which engine runs."""

import os
import subprocess
import sys
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fleetsim.engine import kernel, run
from fleetsim.engine.compiled import compiler, packing
from fleetsim.engine.policies import Policies
from fleetsim.engine.reference import simulate
from fleetsim.engine.spec import HOUR_US, NEVER_US, Access, Flows, Inputs, Kind, Legs, Log, Reason, Stations, Vehicles
from fleetsim.engine.synthetic import CitySize, random_inputs
from networks.errors import ScenarioError

MINUTE_US = HOUR_US // 60
CITY = random_inputs(3, CitySize(vehicles=40))


def whole(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def two_vehicles(kind: Kind = Kind.ELECTRIC) -> Inputs:
    """Two vehicles with 10 of 50 kWh (or g) left reach a station with one plug of 50 kW at 8:30; no taper, no way."""
    vehicles = Vehicles(
        first_leg=whole(0, 1, 2), kind=whole(kind, kind), group=whole(0, 0), home=whole(-1, -1),
        soft=np.zeros(2, bool), capacity=whole(50_000, 50_000), start_level=whole(20_000, 20_000),
        reserve=whole(20_000, 20_000), depot_reserve=whole(20_000, 20_000), target=whole(50_000, 50_000),
        max_power=whole(50_000, 50_000), knee_pm=whole(1_000, 1_000), end_pm=whole(1_000, 1_000),
        use_per_km=whole(0, 0),
    )  # fmt: skip
    no = np.zeros(2, bool)
    legs = Legs(
        depart=whole(8, 8) * HOUR_US, drive=whole(30, 30) * MINUTE_US, dwell=whole(0, 0),
        energy=whole(10_000, 10_000), zone=whole(0, 0), may_charge=~no, at_depot=no, timed=no,
        latest=whole(NEVER_US, NEVER_US),
    )  # fmt: skip
    stations = Stations(
        kind=whole(kind), plugs=whole(1), rate=whole(50_000), handling=whole(3 * MINUTE_US),
        typical=whole(30 * MINUTE_US), queue_limit=whole(9), packs=whole(1), storage=whole(40_000), supply=whole(0),
        dry_limit=whole(HOUR_US), group=whole(-1),
    )  # fmt: skip
    shape = (len(Kind), 1, 1)
    access = Access(np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64))
    return Inputs(vehicles, legs, stations, access, tries=1)


def minutes(times: np.ndarray) -> list[float]:
    return [round(float(time) / MINUTE_US, 3) for time in times]


def assert_same(one: Log, other: Log) -> None:
    for name in (field.name for field in fields(Flows)):
        np.testing.assert_array_equal(getattr(one.flows, name), getattr(other.flows, name), err_msg=name)
    for field in fields(Log)[:-1]:
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


def test_the_second_vehicle_waits_for_the_plug_of_the_first() -> None:
    # 40 kWh at 50 kW take 48 minutes after 3 of connecting.
    log = kernel.simulate(two_vehicles())
    assert minutes(log.start) == pytest.approx([510, 561], abs=0.002)
    assert minutes(log.end) == pytest.approx([561, 612], abs=0.002)
    assert log.energy.tolist() == [40_000, 40_000]
    assert log.level.tolist() == [50_000, 50_000]


def test_a_swap_waits_for_the_pack_that_the_first_vehicle_left() -> None:
    # The pack is on its charger for 48 minutes from the start of the first swap; each swap takes 3.
    log = kernel.simulate(two_vehicles(Kind.SWAP))
    assert minutes(log.start) == [510, 558]
    assert minutes(log.end) == [513, 561]


def test_a_hydrogen_store_for_one_turns_the_second_vehicle_away() -> None:
    log = kernel.simulate(two_vehicles(Kind.HYDROGEN))
    assert log.reason.tolist() == [Reason.SERVED, Reason.DRY]
    assert log.level.tolist() == [50_000, 10_000]


def test_the_charging_power_of_a_hydrogen_vehicle_is_not_used() -> None:
    inputs = two_vehicles(Kind.HYDROGEN)
    powerless = replace(inputs.vehicles, max_power=whole(0, 0), knee_pm=whole(800, 800), end_pm=whole(100, 100))
    for engine in (simulate, kernel.simulate):
        assert_same(engine(replace(inputs, vehicles=powerless)), kernel.simulate(inputs))


def test_vehicles_without_legs_and_a_city_without_vehicles_have_empty_logs() -> None:
    city = random_inputs(5, CitySize(vehicles=4, legs=1))
    none = Legs(**{field.name: getattr(city.legs, field.name)[:0] for field in fields(Legs)})
    idle = replace(city, vehicles=replace(city.vehicles, first_leg=whole(0, 0, 0, 0, 0)), legs=none)
    for inputs in (idle, random_inputs(1, CitySize(vehicles=0))):
        assert len(kernel.simulate(inputs)) == 0
        assert_same(kernel.simulate(inputs), simulate(inputs))


def test_an_event_is_an_arrival_at_a_stop_or_the_end_of_a_visit_where_stations_are_at_hand() -> None:
    assert kernel.run_day(two_vehicles())[1] == 4


def test_a_log_longer_than_its_first_room_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = kernel.simulate(CITY)
    assert len(expected) > 20
    monkeypatch.setattr(packing, "FIRST_ROOM", 0)
    assert_same(kernel.simulate(CITY), expected)


def test_the_inputs_are_left_as_they_are_and_may_be_read_only() -> None:
    before = CITY.legs.depart.copy()
    frozen = CITY.legs.depart.copy()
    frozen.flags.writeable = False
    log = kernel.simulate(replace(CITY, legs=replace(CITY.legs, depart=frozen)))
    assert_same(log, kernel.simulate(CITY))
    np.testing.assert_array_equal(CITY.legs.depart, before)


def test_a_row_number_that_leads_nowhere_is_refused() -> None:
    inputs = two_vehicles()
    with pytest.raises(IndexError, match=r"legs.zone from 0 to 7"):
        kernel.simulate(replace(inputs, legs=replace(inputs.legs, zone=whole(0, 7))))


def test_a_rate_of_nothing_fails_as_in_the_reference() -> None:
    inputs = two_vehicles()
    broken = replace(inputs, stations=replace(inputs.stations, rate=whole(0)))
    for engine in (simulate, kernel.simulate):
        with pytest.raises(ZeroDivisionError):
            engine(broken)


def test_auto_takes_the_kernel_and_simpy_the_reference() -> None:
    assert [run.resolve(engine) for engine in ("auto", "kernel", "simpy")] == ["kernel", "kernel", "simpy"]


def test_without_numba_auto_takes_simpy_and_the_kernel_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fleetsim.engine.kernel", None)
    assert run.resolve("auto") == "simpy"
    with pytest.raises(ScenarioError, match="numba cannot be imported"):
        run.resolve("kernel")


def half(level: int, need: int, reserve: int, target: int, capacity: int) -> bool:
    return level < Fraction(1, 2) * capacity


def three_quarters(target: int, least: int) -> int:
    return max(target * 3 // 4, least)


def a_share(target: int, least: int) -> float:
    return max(target * 0.75, least)


@pytest.mark.slow
def test_a_policy_of_ones_own_is_compiled_and_gives_the_log_of_simpy() -> None:
    policies = Policies(goal_level=three_quarters)
    log = kernel.simulate(two_vehicles(), policies=policies)
    assert log.level.tolist() == [37_500, 37_500]
    assert_same(log, simulate(two_vehicles(), policies))


def test_a_policy_that_numba_cannot_compile_runs_in_simpy_and_says_so() -> None:
    told: list[str] = []
    policies = Policies(seek_energy=half)
    logs = run.simulate_days([two_vehicles()], "auto", policies=policies, tell=told.append)
    assert_same(logs[0], simulate(two_vehicles(), policies))
    assert "policy seek_energy: numba cannot compile it" in told[0]


@pytest.mark.parametrize(("name", "own"), [("seek_energy", half), ("goal_level", a_share)])
def test_the_kernel_refuses_a_policy_that_cannot_be_compiled_to_whole_numbers(name: str, own: Any) -> None:
    with pytest.raises(ScenarioError, match=f"policy {name}"):
        run.simulate_days([two_vehicles()], "kernel", policies=Policies(**{name: own}))


def test_where_nothing_can_be_written_the_engine_is_compiled_without_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def compiler_without_a_folder(cache: bool = False, **options: bool) -> Any:
        if cache:
            raise RuntimeError("cannot cache function 'run': no locator available")
        return lambda function: ("without a cache", function.__name__)

    monkeypatch.setattr(compiler, "_compiled_modules", lambda *chosen: {compiler.run_on: None})
    monkeypatch.setattr(compiler, "njit", compiler_without_a_folder)
    assert compiler.entry.__wrapped__() == ("without a cache", "run")


def test_another_process_finds_the_engine_compiled() -> None:
    kernel.simulate(CITY)
    script = (
        "from fleetsim.engine import kernel, synthetic\n"
        "city = synthetic.random_inputs(3, synthetic.CitySize(vehicles=4))\n"
        "kernel.simulate(city, lambda: print('compiles'))\n"
    )
    root = str(Path(kernel.__file__).parents[2])
    found = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": root},
    )
    assert found.stdout == ""
