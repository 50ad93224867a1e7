"""Managed plugs, queue rules, booking, faults, packs and trailers against days worked out by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hand_days import MINUTE_US, column, hours, run, some_legs, some_stations, some_vehicles

from fleetsim.engine import kernel
from fleetsim.engine.reference import simulate
from fleetsim.engine.spec import (
    HOUR_US,
    NEVER_US,
    Access,
    Deliveries,
    Faults,
    Inputs,
    Kind,
    Legs,
    QueueRule,
    Reason,
    ShareRule,
    Signals,
    Strategy,
    Vehicles,
)


def parked(size: int, missing: Any, arrive_h: Any = 8.0, **given: Any) -> tuple[Vehicles, Legs]:
    """Vehicles of 50 kWh that come to the one station at a time, miss some energy and fill up, full at 50 kW."""
    missing = column(missing, size)
    vehicles = some_vehicles([1] * size, start_level=50_000 - missing, reserve=60_000, **given)
    depart = (np.broadcast_to(np.asarray(arrive_h, float), size) * HOUR_US).astype(np.int64)
    return vehicles, some_legs(size, depart=depart, drive=0, energy=0)


def tariff(prices: list[int], limits_pm: list[int] | None = None) -> Signals:
    return Signals(HOUR_US, np.array([prices]), np.array([limits_pm or [1000] * len(prices)]))


def table(kind: Any, *rows: tuple[int, ...]) -> Any:
    return kind(*(np.array(values, np.int64) for values in zip(*rows, strict=True)))


def test_a_site_limit_is_shared_equally_and_given_to_who_stays_when_one_leaves() -> None:
    # 60 kW for two plugs of 50: 30 each until vehicle 1 has its 15 kWh (8:30), then 50 for the other's 25 kWh: 9:00.
    vehicles, legs = parked(2, [40_000, 15_000])
    _, log = run(vehicles, legs, some_stations(1, plugs=2, site_limit=60_000))
    assert log.vehicle.tolist() == [1, 0]
    assert hours(log.end) == pytest.approx([8.5, 9.0], abs=1e-8)
    assert log.flows.power.tolist() == [30_000, 30_000, 50_000]
    assert log.flows.energy.tolist() == [15_000, 15_000, 25_000]


def test_a_rate_changes_under_way_when_another_vehicle_comes() -> None:
    # Alone at 50 kW for 12 minutes (10 kWh), then 30 kW for the other 30 kWh: 9:12.
    vehicles, legs = parked(2, [40_000, 45_000], [8.0, 8.2])
    _, log = run(vehicles, legs, some_stations(1, plugs=2, site_limit=60_000))
    first = np.flatnonzero(log.vehicle == 0)
    # A level is rounded down to a Wh when a rate changes.
    assert hours(log.end[first]) == pytest.approx([9.2], abs=4e-5)


def test_a_vehicle_that_asks_for_less_than_its_share_leaves_the_rest_to_others() -> None:
    # 10 and 50 kW ask for 45: 10 and 35.
    vehicles, legs = parked(2, [10_000, 35_000], max_power=[10_000, 50_000])
    _, log = run(vehicles, legs, some_stations(1, plugs=2, site_limit=45_000))
    assert hours(log.end) == pytest.approx([9.0, 9.0], abs=1e-8)


def test_plugs_of_a_cabinet_share_it_and_drivers_take_the_emptier_cabinet() -> None:
    # Two cabinets of two plugs and 60 kW: vehicles 0 and 1 get one each (50 kW); 2 joins 0: 30 kW each.
    vehicles, legs = parked(3, 30_000)
    _, log = run(vehicles, legs, some_stations(1, plugs=4, cabinet_plugs=2, cabinet_power=60_000))
    ends = dict(zip(log.vehicle.tolist(), hours(log.end), strict=True))
    assert ends == pytest.approx({0: 9.0, 1: 8.6, 2: 9.0}, abs=1e-8)


def test_connecting_takes_no_power_from_others() -> None:
    # Vehicle 1 connects from 8:30 to 8:45; vehicle 0 has 50 kW until then, so it is full at 8:48 at the earliest.
    vehicles, legs = parked(2, [40_000, 40_000], [8.0, 8.5])
    stations = some_stations(1, plugs=2, site_limit=50_000, handling=15 * MINUTE_US)
    _, log = run(vehicles, legs, stations)
    # 8:15 to 8:45 at 50 kW are 25 kWh; 15 kWh at 25 kW take until 9:21; then vehicle 1 has 25 of 40 kWh left: 9:51.
    assert hours(log.end) == pytest.approx([9.35, 9.85], abs=1e-8)


def test_a_grid_signal_lowers_the_limit_of_a_running_charge() -> None:
    # 50 kW to 9:00, then half of it: 25 kWh by 9:00 (from 8:30), 15 kWh at 25 kW: 9:36.
    vehicles, legs = parked(1, 40_000, 8.5)
    signals = tariff([1] * 24, [1000] * 9 + [500] * 15)
    _, log = run(vehicles, legs, some_stations(1, site_limit=50_000, signal=0), signals=signals)
    assert hours(log.end) == pytest.approx([9.6], abs=1e-8)


def test_charging_by_need_serves_first_who_has_least_time_to_spare() -> None:
    # Both miss 25 kWh at 50 kW of a site of 50; vehicle 1 is due at 9:00, vehicle 0 at 12:00.
    vehicles = some_vehicles([2, 2], start_level=25_000, reserve=49_000, capacity=50_000)
    depart = np.array([8.0, 12.0, 8.0, 9.0]) * HOUR_US
    legs = some_legs(
        4, depart=depart.astype(np.int64), drive=0, energy=[0, 1_000] * 2, may_charge=[1, 0] * 2, timed=True
    )
    stations = some_stations(1, plugs=2, site_limit=50_000, share_rule=ShareRule.NEED)
    _, log = run(vehicles, legs, stations)
    assert log.vehicle.tolist() == [1, 0]
    assert hours(log.end) == pytest.approx([8.5, 9.0], abs=1e-8)


def overnight(missing: int, stations: dict[str, Any], signals: Signals, **given: Any) -> Any:
    """One vehicle back at its depot at 20:00 that should be ready at 30:00 (6:00)."""
    vehicles = some_vehicles(
        [1], home=0, start_level=50_000 - missing, ready_by=30 * HOUR_US, **({"max_power": 10_000} | given)
    )
    legs = some_legs(1, depart=20 * HOUR_US, drive=0, energy=0, at_depot=True, may_charge=False)
    _, log = run(vehicles, legs, some_stations(1, signal=0, **stations), signals=signals)
    return log


VALLEY = tariff([3] * 23 + [1] * 7 + [3] * 6)
"""Cheap from 23:00 to 30:00 (6:00)."""


def test_the_cheapest_charge_waits_for_the_valley_and_is_ready() -> None:
    log = overnight(40_000, {"strategy": Strategy.CHEAPEST}, VALLEY)
    assert hours(log.flows.start) == [23.0]
    assert hours(log.end) == pytest.approx([27.0], abs=1e-8)


def test_the_cheapest_charge_begins_before_the_valley_if_the_valley_is_too_short() -> None:
    # 45 kWh at 5 kW take nine hours; the valley has seven: from 20:00 on, 15 kWh before it begins at 23:00.
    log = overnight(45_000, {"strategy": Strategy.CHEAPEST}, VALLEY, max_power=5_000)
    assert hours(log.flows.start) == [20.0]
    assert hours(log.end) == pytest.approx([29.0], abs=1e-8)


def test_the_level_charge_spreads_over_the_night() -> None:
    # 40 kWh in ten hours are 4 kW.
    log = overnight(40_000, {"strategy": Strategy.LEVEL}, VALLEY)
    assert log.flows.power.max() <= 4_002
    assert hours(log.end) == pytest.approx([30.0], abs=0.01)


def test_a_vehicle_gives_back_in_the_dear_hours_down_to_its_floor_and_is_full_in_the_morning() -> None:
    # 40 kWh aboard at 20:00; gives 10 kW from 20:00 to 22:00 (floor 20 kWh); takes 30 kWh from 23:00 to 26:00.
    log = overnight(10_000, {"strategy": Strategy.CHEAPEST, "give_price": 3}, VALLEY, give_floor=20_000)
    assert (log.returned.tolist(), log.energy.tolist()) == ([20_000], [30_000])
    assert hours(log.flows.start) == [20.0, 21.0, 23.0] or hours(log.flows.start) == [20.0, 23.0]
    assert hours(log.end) == pytest.approx([26.0], abs=1e-8)


def test_nothing_is_given_back_that_could_not_be_taken_again_in_time() -> None:
    # At 5 kW the valley gives 35 kWh: from 40 kWh down by 5 an hour, at most 25 kWh may be given (25 + 10 = 35).
    log = overnight(10_000, {"strategy": Strategy.CHEAPEST, "give_price": 3}, VALLEY, give_floor=0, max_power=5_000)
    assert log.returned.tolist() == [15_000]
    assert log.level.tolist() == [50_000]
    assert log.end[0] <= 30 * HOUR_US


def test_who_waits_makes_those_on_the_plugs_charge_at_once() -> None:
    vehicles = some_vehicles([1, 1], home=0, start_level=30_000, ready_by=30 * HOUR_US, max_power=10_000)
    depart = np.array([20, 21]) * HOUR_US
    legs = some_legs(2, depart=depart, drive=0, energy=0, at_depot=True, may_charge=False)
    _, log = run(vehicles, legs, some_stations(1, signal=0, strategy=Strategy.CHEAPEST), signals=VALLEY)
    assert hours(log.start) == pytest.approx([20.0, 23.0], abs=1e-8)
    assert hours(log.end) == pytest.approx([23.0, 25.0], abs=1e-8)


@pytest.mark.parametrize(("rule", "order"), [(QueueRule.FIFO, [0, 1, 2]), (QueueRule.RANK, [0, 2, 1])])
def test_a_queue_by_rank_lets_the_lower_rank_go_first(rule: QueueRule, order: list[int]) -> None:
    vehicles, legs = parked(3, 25_000, [8.0, 8.1, 8.2], rank=[5, 5, 1])
    _, log = run(vehicles, legs, some_stations(1, queue_rule=rule))
    assert log.vehicle.tolist() == order


def test_a_queue_by_need_lets_who_has_least_time_to_spare_go_first() -> None:
    # The plug is taken until 8:30; vehicle 1 came first and should be ready at 20:00, vehicle 2 at 9:00.
    vehicles, legs = parked(3, 25_000, [8.0, 8.1, 8.2], ready_by=np.array([20, 20, 9]) * HOUR_US)
    _, log = run(vehicles, legs, some_stations(1, queue_rule=QueueRule.NEED))
    assert log.vehicle.tolist() == [0, 2, 1]


def test_a_booked_plug_is_held_and_a_later_decision_comes_after_it() -> None:
    # Vehicle 0 decides at 8:00, half an hour away; vehicle 1 decides at 8:06 next door and finds no free plug.
    vehicles, legs = parked(2, 25_000, [8.0, 8.1])
    shape = (len(Kind), 2, 1)
    station, drive, way = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    drive[:, 0] = 30 * MINUTE_US
    legs = replace(legs, zone=np.array([0, 1]))
    stations = some_stations(1, bookable=True)
    log = simulate(Inputs(vehicles, legs, stations, Access(station, drive, way), tries=1))
    assert log.vehicle.tolist() == [0, 1]
    assert hours(log.start) == pytest.approx([8.5, 9.0], abs=1e-8)
    assert hours(log.arrive) == pytest.approx([8.5, 8.1])


def test_a_fault_ends_a_charge_and_the_vehicle_tries_another_station() -> None:
    # 50 kW for 12 minutes are 10 kWh; the other 30 kWh come from the second station.
    vehicles, legs = parked(1, 40_000)
    faults = table(Faults, (0, 0, 8 * HOUR_US + 12 * MINUTE_US, NEVER_US))
    _, log = run(vehicles, legs, some_stations(2), [0, 5], faults=faults)
    assert log.reason.tolist() == [Reason.FAULT, Reason.SERVED]
    assert log.energy.tolist() == [10_000, 30_000]
    assert log.station.tolist() == [0, 1]


@pytest.mark.parametrize("handling", [0, 5 * MINUTE_US])
@pytest.mark.parametrize("engine", [simulate, kernel.simulate])
def test_a_vehicle_whose_plug_breaks_when_it_has_its_goal_leaves_the_next_plug_at_once(
    engine: Any, handling: int
) -> None:
    # Filled to its target of 40 kWh, less than the battery holds, so at its depot it goes to the plug that is left.
    vehicles = some_vehicles([2], home=0, start_level=20_000, target=40_000)
    legs = some_legs(2, depart=[8 * HOUR_US, 20 * HOUR_US], drive=0, energy=0, at_depot=[1, 0], may_charge=[1, 0])
    stations = some_stations(1, plugs=2, site_limit=50_000, handling=handling)
    inputs, log = run(vehicles, legs, stations)
    full = int(log.end[0])
    log = engine(replace(inputs, faults=table(Faults, (0, 0, full, NEVER_US))))
    assert log.reason.tolist() == [Reason.FAULT, Reason.SERVED]
    assert log.energy.tolist() == [20_000, 0]
    assert log.end.tolist() == [full, full + handling]
    assert log.level.tolist() == [40_000]


def test_a_repaired_plug_serves_the_queue_again() -> None:
    # Two plugs, one broken from 8:00 to 8:30: vehicle 1 gets it then.
    vehicles, legs = parked(2, 45_000, [8.0, 8.1])
    faults = table(Faults, (0, 1, 7 * HOUR_US, 8 * HOUR_US + 30 * MINUTE_US))
    _, log = run(vehicles, legs, some_stations(1, plugs=2), faults=faults)
    assert hours(log.start) == pytest.approx([8.0, 8.5], abs=1e-8)


def test_a_station_without_a_working_plug_is_left_out() -> None:
    vehicles, legs = parked(1, 40_000)
    faults = table(Faults, (0, 0, 7 * HOUR_US, 9 * HOUR_US))
    _, log = run(vehicles, legs, some_stations(2), [0, 5], faults=faults)
    assert log.station.tolist() == [1]


def test_packs_of_another_type_do_not_fit() -> None:
    vehicles = some_vehicles([1, 1], kind=Kind.SWAP, start_level=20_000, reserve=15_000, pack_type=[0, 1])
    stations = some_stations(1, kind=Kind.SWAP, plugs=2, packs_by_type=[[3, 0]], rate=20_000, dry_limit=HOUR_US)
    _, log = run(vehicles, some_legs(2, depart=8 * HOUR_US), stations)
    assert dict(zip(log.vehicle.tolist(), log.reason.tolist(), strict=True)) == {0: Reason.SERVED, 1: Reason.DRY}


def test_packs_wait_for_a_charger() -> None:
    # Two packs, one charger of 20 kW, 40 kWh each: full at 10:30 and 12:30, for vehicles 2 and 3.
    vehicles = some_vehicles([1] * 4, kind=Kind.SWAP, start_level=20_000, reserve=15_000)
    stations = some_stations(1, kind=Kind.SWAP, plugs=4, packs=2, rate=20_000, chargers=1)
    _, log = run(vehicles, some_legs(4, depart=8 * HOUR_US), stations)
    assert hours(log.start) == pytest.approx([8.5, 8.5, 10.5, 12.5])


def test_hydrogen_waits_for_the_trailer_and_the_compressor() -> None:
    # 10 kg in store, none in the trailer; 9 kg are taken at 8:30; 20 kg come at 10:00: 8 kg at 4 kg/h until 12:00.
    vehicles = some_vehicles(
        [1, 1], kind=Kind.HYDROGEN, capacity=10_000, start_level=2_000, reserve=3_000, target=10_000
    )
    stations = some_stations(1, kind=Kind.HYDROGEN, plugs=2, storage=10_000, supply=4_000, rate=90_000, trailer=0)
    deliveries = table(Deliveries, (0, 10 * HOUR_US, 20_000))
    _, log = run(vehicles, some_legs(2, depart=8 * HOUR_US, energy=1_000), stations, deliveries=deliveries)
    assert hours(log.start) == pytest.approx([8.5, 12.0])


def test_a_hydrogen_station_whose_trailer_is_empty_for_good_turns_away() -> None:
    vehicles = some_vehicles(
        [1, 1], kind=Kind.HYDROGEN, capacity=10_000, start_level=2_000, reserve=3_000, target=10_000
    )
    stations = some_stations(1, kind=Kind.HYDROGEN, plugs=2, storage=10_000, supply=4_000, rate=90_000, trailer=7_000)
    _, log = run(vehicles, some_legs(2, depart=8 * HOUR_US, energy=1_000), stations)
    assert log.reason.tolist() == [Reason.DRY, Reason.SERVED] or log.reason.tolist() == [Reason.SERVED, Reason.DRY]


def test_a_full_tank_waits_for_the_high_bank_though_the_low_one_has_gas() -> None:
    # 30 kg in store, 2 of them at high pressure, 2 kg/h. Each tank goes from 1 to 10 kg and takes 2 kg beyond its mark
    # at 8 kg: the first empties the high bank at 8:30, the second waits an hour for it with 21 kg in the other banks.
    vehicles = some_vehicles(
        [1, 1], kind=Kind.HYDROGEN, capacity=10_000, start_level=2_000, reserve=3_000, target=10_000
    )
    banks = {"middle_storage": 12_000, "high_storage": 2_000, "middle_from_pm": 500, "high_from_pm": 800}
    stations = some_stations(1, kind=Kind.HYDROGEN, plugs=2, storage=30_000, supply=2_000, rate=90_000, **banks)
    _, log = run(vehicles, some_legs(2, depart=8 * HOUR_US, energy=1_000), stations)
    assert hours(log.start) == pytest.approx([8.5, 9.5])
    assert log.energy.tolist() == [9_000, 9_000]


def test_a_tank_that_takes_more_than_the_high_bank_ever_holds_is_turned_away() -> None:
    vehicles = some_vehicles([1], kind=Kind.HYDROGEN, capacity=10_000, start_level=2_000, reserve=3_000, target=10_000)
    banks = {"middle_storage": 12_000, "high_storage": 1_000, "middle_from_pm": 500, "high_from_pm": 800}
    stations = some_stations(1, kind=Kind.HYDROGEN, storage=30_000, supply=2_000, rate=90_000, **banks)
    _, log = run(vehicles, some_legs(1, depart=8 * HOUR_US, energy=1_000), stations)
    assert log.reason.tolist() == [Reason.DRY]


def test_a_week_carries_the_battery_from_day_to_day() -> None:
    # 30 kWh a day; the plug gives 2.5 kW from 18:00 to 6:00: 30 kWh. Two days and a third day's start.
    vehicles = some_vehicles([3], home=0, max_power=2_500, reserve=0, depot_reserve=0)
    depart = np.array([6, 30, 54]) * HOUR_US
    legs = some_legs(
        3, depart=depart, drive=12 * HOUR_US, energy=30_000, at_depot=True, overnight=True, may_charge=False
    )
    _, log = run(vehicles, legs, some_stations(1))
    assert hours(log.start) == pytest.approx([18.0, 42.0, 66.0], abs=1e-8)
    assert log.energy.tolist()[:2] == pytest.approx([30_000, 30_000], abs=2)
    assert hours(log.departure) == pytest.approx([6.0, 30.0, 54.0], abs=1e-8)
