"""Pools: who is called to which task, worked out by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hand_days import MINUTE_US, column, hours, run, some_legs, some_stations, some_vehicles

from fleetsim.engine.spec import HOUR_US, NEVER_US, Pools, Reason, Tasks, Vehicles


def pooled(size: int, **given: Any) -> Vehicles:
    """Vehicles of pool 0, no legs of their own, with a reserve of 5 kWh."""
    return some_vehicles([0] * size, pool=0, **({"reserve": 5_000, "target": 45_000} | given))


def tasks(times_h: list[float], legs_each: int = 1, **given: Any) -> Tasks:
    size = len(times_h)
    first = np.arange(size) * legs_each
    usual = {"pool": 0, "latest": NEVER_US, "zone": 0}
    columns = {name: column(value, size) for name, value in (usual | given).items()}
    time = (np.array(times_h) * HOUR_US).astype(np.int64)
    return Tasks(time=time, first_leg=first, end_leg=first + legs_each, **columns)


DEPOT = Pools(roams=np.array([False]))


def roaming(zones: int, minutes: list[list[int]]) -> Pools:
    """Zones seen from each zone in the order of the minutes; a kilometre a minute."""
    drive = np.array(minutes)
    order = np.argsort(drive, axis=1, kind="stable")
    drive = np.take_along_axis(drive, order, axis=1)
    return Pools(np.array([True]), order[:, :zones], drive * MINUTE_US, drive * 1_000)


def test_a_block_is_taken_by_the_bus_that_has_waited_longest_and_a_spare_steps_in() -> None:
    # Two buses, three blocks of an hour from 8:00, 8:15 and 8:30: the third waits for the first bus, back at 9:00.
    legs = some_legs(3, depart=0, drive=HOUR_US, at_depot=True)
    _, log = run(pooled(2), legs, some_stations(1), tasks=tasks([8.0, 8.25, 8.5]), pools=DEPOT)
    assert log.taker.tolist() == [0, 1, 0]
    assert hours(log.departure) == [8.0, 8.25, 9.0]


def test_a_block_nobody_can_take_in_time_is_lost() -> None:
    legs = some_legs(2, depart=0, drive=HOUR_US, at_depot=True)
    late = (np.array([8.25, 8.5]) * HOUR_US).astype(np.int64)
    _, log = run(pooled(1), legs, some_stations(1), tasks=tasks([8.0, 8.25], latest=late), pools=DEPOT)
    assert log.taker.tolist() == [0, -1]
    assert log.departure.tolist() == [8 * HOUR_US, -1]


def test_a_bus_is_called_from_its_plug_once_its_charge_suffices() -> None:
    # Back at 9:00 with 10 of 50 kWh; a block of 20 kWh and half the reserve of 5 take 12.5 kWh: from 9:15 at 50 kW.
    vehicles = pooled(1, home=0)
    legs = some_legs(3, depart=0, drive=HOUR_US, at_depot=True, energy=[40_000, 20_000, 20_000])
    calls = tasks([8.0, 9.2, 9.4], latest=[NEVER_US, 9.2 * HOUR_US, NEVER_US])
    _, log = run(vehicles, legs, some_stations(1), tasks=calls, pools=DEPOT)
    assert log.taker.tolist() == [0, -1, 0]
    assert log.reason.tolist()[0] == Reason.CALLED
    assert log.energy.tolist()[0] == pytest.approx(20_000, abs=1)
    assert hours(log.departure) == pytest.approx([8.0, -1 / HOUR_US, 9.4])


def test_a_block_that_waits_is_taken_at_the_first_look_at_which_the_bus_has_enough() -> None:
    # As above, called at 9:12 when the bus lacks charge; at 9:06 nothing waits yet, at 9:18 it has the 22.5 kWh.
    legs = some_legs(2, depart=0, drive=HOUR_US, at_depot=True, energy=[40_000, 20_000])
    looks = (np.array([9.1, 9.3, 9.6]) * HOUR_US).astype(np.int64)
    pools = replace(DEPOT, looks=looks)
    _, log = run(pooled(1, home=0), legs, some_stations(1), tasks=tasks([8.0, 9.2]), pools=pools)
    assert log.reason.tolist()[0] == Reason.CALLED
    assert log.energy.tolist()[0] == pytest.approx(15_000, abs=1)
    assert hours(log.departure) == pytest.approx([8.0, 9.3])


def test_a_block_that_waits_too_long_is_lost_at_a_look() -> None:
    legs = some_legs(2, depart=0, drive=HOUR_US, at_depot=True, energy=[40_000, 20_000])
    looks = (np.array([9.3]) * HOUR_US).astype(np.int64)
    calls = tasks([8.0, 9.2], latest=(np.array([8.0, 9.25]) * HOUR_US).astype(np.int64))
    _, log = run(pooled(1, home=0), legs, some_stations(1), tasks=calls, pools=replace(DEPOT, looks=looks))
    assert log.taker.tolist() == [0, -1]


def test_a_passenger_is_taken_by_the_nearest_free_taxi_with_enough_charge() -> None:
    # Zone 0 calls; the taxi in zone 1 (5 minutes) holds too little, the one in zone 2 (10 minutes) comes.
    vehicles = pooled(2, zone=[1, 2], start_level=[12_000, 50_000], use_per_km=100, target=0)
    pools = roaming(3, [[0, 5, 10], [5, 0, 5], [10, 5, 0]])
    legs = some_legs(1, depart=0, drive=30 * MINUTE_US, zone=1)
    _, log = run(vehicles, legs, some_stations(1), tasks=tasks([8.0]), pools=pools)
    assert log.taker.tolist() == [1]
    assert log.approach.tolist() == [10_000]
    assert hours(log.departure) == pytest.approx([8.0 + 1 / 6])
    assert log.level.tolist() == [12_000, 50_000 - 1_000 - 10_000]


def test_a_passenger_does_not_wait_for_a_taxi_too_far_away() -> None:
    vehicles = pooled(1, zone=2)
    pools = roaming(3, [[0, 5, 10], [5, 0, 5], [10, 5, 0]])
    patience = tasks([8.0], latest=8 * HOUR_US + 9 * MINUTE_US)
    _, log = run(vehicles, some_legs(1, depart=0), some_stations(1), tasks=patience, pools=pools)
    assert log.taker.tolist() == [-1]


def test_a_taxi_that_charges_is_not_there_for_passengers() -> None:
    # Free at 8:30 with 10 of its 20 kWh of reserve: 42 minutes to 45 kWh; the call of 8:40 waits until 9:12.
    vehicles = pooled(1, reserve=20_000, start_level=20_000)
    legs = some_legs(2, depart=0, drive=30 * MINUTE_US, energy=[10_000, 1_000])
    calls = tasks([8.0, 8.0 + 2 / 3])
    _, log = run(vehicles, legs, some_stations(1), tasks=calls, pools=roaming(1, [[0]]))
    assert log.energy.tolist() == [35_000]
    assert hours(log.departure) == pytest.approx([8.0, 9.2], abs=1e-8)
    assert log.taker.tolist() == [0, 0]


def test_a_taxi_takes_nobody_before_and_after_its_shift() -> None:
    vehicles = pooled(1, on_from=8 * HOUR_US, on_until=9 * HOUR_US)
    late = np.array([7.5, 8.5, 9.5]) * HOUR_US
    calls = tasks([7.0, 8.25, 9.25], latest=late.astype(np.int64))
    _, log = run(vehicles, some_legs(3, depart=0, energy=1_000), some_stations(1), tasks=calls, pools=roaming(1, [[0]]))
    assert log.taker.tolist() == [-1, 0, -1]


def test_a_thirstier_vehicle_uses_more_for_the_same_task() -> None:
    vehicles = pooled(1, use_ppm=1_500_000, target=0)
    _, log = run(vehicles, some_legs(1, depart=0), some_stations(1), tasks=tasks([8.0]), pools=roaming(1, [[0]]))
    assert log.level.tolist() == [35_000]


def test_a_bus_charges_at_a_terminal_within_its_block() -> None:
    # 30 kWh out, 30 back: after the first leg 20 kWh are left, it seeks for the way back.
    legs = some_legs(
        2, depart=[0, 9 * HOUR_US], drive=30 * MINUTE_US, energy=30_000, may_charge=[1, 0], at_depot=[0, 1]
    )
    _, log = run(pooled(1), legs, some_stations(1), tasks=tasks([8.0], legs_each=2), pools=DEPOT)
    assert log.reason.tolist()[0] == Reason.SERVED
    assert log.leg.tolist()[0] == 0
    assert (log.departure >= 0).all()
