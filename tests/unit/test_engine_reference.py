"""The day simulation against hand-computed days, queue theory and a textbook SimPy model."""

from typing import Any

import numpy as np
import pytest
import simpy
from hand_days import MINUTE_US, hours, near, run, some_legs, some_stations, some_vehicles
from scipy import stats

from charging.queueing import mean_wait_min, mm1_wait_min
from fleetsim.engine.conservation import check_conservation
from fleetsim.engine.prepass import prepare
from fleetsim.engine.reference import simulate
from fleetsim.engine.spec import (
    HOUR_US,
    Access,
    Inputs,
    Kind,
    Reason,
)


def test_a_vehicle_whose_battery_lasts_has_no_events_and_leaves_late_after_a_long_stop() -> None:
    legs = some_legs(3, energy=5_000, dwell=45 * MINUTE_US)
    inputs, log = run(some_vehicles([3]), legs, some_stations(1))
    assert not prepare(inputs).eventful.any()
    assert hours(log.departure) == [8.0, 9.25, 10.5]
    assert log.level.tolist() == [35_000]
    assert len(log) == 0


def test_a_visit_takes_detour_handling_and_energy_over_power_there_and_back() -> None:
    # 50 - 42 kWh leave 8 kWh at 8:30; 10 km of detour take 2 kWh each way; 44 kWh at 40 kW take 66 minutes.
    vehicles = some_vehicles([2], use_per_km=200)
    legs = some_legs(2, energy=[42_000, 1_000])
    stations = some_stations(1, rate=40_000, handling=3 * MINUTE_US)
    _, log = run(vehicles, legs, stations, [6], metres=[10_000])
    assert (log.energy.tolist(), log.metres.tolist()) == ([44_000], [20_000])
    assert hours(log.seek) == [8.5]
    assert hours(log.arrive) == pytest.approx([8.6])
    assert hours(log.end) == pytest.approx([8.6 + 0.05 + 1.1])
    assert hours(log.departure) == pytest.approx([8.0, 8.6 + 0.05 + 1.1 + 0.1])
    assert log.level.tolist() == [50_000 - 2_000 - 1_000]


def test_the_queue_is_served_in_the_order_of_arrival_and_ties_in_the_order_of_vehicles() -> None:
    vehicles = some_vehicles([1, 1, 1], start_level=10_000, target=35_000)
    legs = some_legs(3, depart=np.array([9, 8, 8]) * HOUR_US)
    _, log = run(vehicles, legs, some_stations(1))
    assert log.vehicle.tolist() == [1, 2, 0]
    assert hours(log.start) == pytest.approx([8.5, 9.2, 9.9], abs=1e-8)


def test_a_driver_takes_the_station_with_the_least_detour_and_expected_wait() -> None:
    # With the near plug taken, 30 minutes of wait outweigh twice 10 minutes; once both are, they do not.
    vehicles = some_vehicles([1, 1, 1], start_level=10_000)
    depart = np.array([480, 481, 495]) * MINUTE_US
    _, log = run(vehicles, some_legs(3, depart=depart), some_stations(2), [0, 10])
    assert dict(zip(log.vehicle.tolist(), log.station.tolist(), strict=True)) == {0: 0, 1: 1, 2: 0}


def test_a_driver_does_not_see_who_is_still_on_the_way_to_a_station() -> None:
    vehicles = some_vehicles([1, 1], start_level=10_000)
    _, log = run(vehicles, some_legs(2, depart=8 * HOUR_US + np.arange(2)), some_stations(2), [10, 12])
    assert log.station.tolist() == [0, 0]


def test_a_tie_between_stations_goes_to_the_nearer() -> None:
    _, log = run(some_vehicles([1], start_level=10_000), some_legs(1), some_stations(2), [7, 7])
    assert log.station.tolist() == [0]


def test_a_station_kept_for_another_group_is_not_visited() -> None:
    _, log = run(some_vehicles([1], start_level=10_000), some_legs(1), some_stations(2, group=[3, -1]), [0, 9])
    assert log.station.tolist() == [1]


def test_a_driver_who_can_go_on_skips_full_stations_and_one_who_cannot_joins_the_queue() -> None:
    # Both find the plug taken and nobody may wait; vehicle 1 needs 5 kWh to go on, vehicle 2 needs 12 of its 10 kWh.
    vehicles = some_vehicles([1, 2, 2], start_level=20_000, reserve=15_000)
    depart = np.array([480, 481, 541, 482, 542]) * MINUTE_US
    legs = some_legs(5, depart=depart, energy=[10_000, 10_000, 5_000, 10_000, 12_000], may_charge=[1, 1, 0, 1, 0])
    _, log = run(vehicles, legs, some_stations(1, queue_limit=0))
    outcome = dict(zip(log.vehicle.tolist(), log.reason.tolist(), strict=True))
    assert outcome == {0: Reason.SERVED, 1: Reason.ALL_FULL, 2: Reason.SERVED}
    assert (log.departure >= 0).all()


def test_a_driver_finds_the_queue_grown_on_arrival_and_tries_the_next_station() -> None:
    # Vehicle 0 leaves for the far plug at 8:30 (20 minutes), vehicle 1 takes it at 8:40; then the near-by one is tried.
    vehicles = some_vehicles([1, 1], start_level=10_000)
    legs = some_legs(2, depart=[480 * MINUTE_US, 490 * MINUTE_US], zone=[0, 1])
    shape = (len(Kind), 2, 2)
    station, drive = np.full(shape, -1, np.int64), np.zeros(shape, np.int64)
    station[1, 0], drive[1, 0] = [0, 1], [20 * MINUTE_US, 40 * MINUTE_US]
    station[1, 1, 0] = 0
    access = Access(station, drive, np.zeros(shape, np.int64))
    inputs = Inputs(vehicles, legs, some_stations(2, queue_limit=0), access, tries=2)
    log = simulate(inputs)
    assert log.vehicle.tolist() == [0, 1, 0]
    assert log.reason.tolist() == [Reason.QUEUE, Reason.SERVED, Reason.SERVED]
    assert log.station.tolist() == [0, 0, 1]
    # Back to the stop (20 minutes) and on to the other station (40 minutes).
    assert hours(log.arrive - log.arrive[0]) == pytest.approx([0.0, -1 / 6, 1.0])


def test_a_promised_departure_ends_the_charge_when_the_rest_of_the_way_is_covered() -> None:
    # Back at 8:30 with 5 kWh; due at 9:00; 25 kWh in half an hour; 30 kWh cover 15 kWh and the reserve of 10.
    legs = some_legs(2, energy=[45_000, 15_000], timed=True)
    _, log = run(some_vehicles([2]), legs, some_stations(1))
    assert log.reason.tolist() == [Reason.LEFT_EARLY]
    assert log.energy.tolist() == [25_000]
    assert hours(log.departure) == [8.0, 9.0]


def test_a_vehicle_leaves_late_with_the_least_it_needs() -> None:
    # 15 kWh more would be enough at 9:00 but 35 kWh and the reserve of 10 take until 9:18.
    legs = some_legs(2, energy=[45_000, 35_000], timed=True)
    _, log = run(some_vehicles([2]), legs, some_stations(1))
    assert log.energy.tolist() == [40_000]
    assert hours(log.departure) == pytest.approx([8.0, 9.3], abs=1e-8)


def test_a_vehicle_plugs_in_at_its_depot_at_the_end_of_its_day_and_charges_to_full() -> None:
    vehicles = some_vehicles([1, 1], home=0)
    legs = some_legs(2, depart=8 * HOUR_US, at_depot=True, may_charge=False)
    _, log = run(vehicles, legs, some_stations(1))
    assert log.level.tolist() == [50_000, 50_000]
    assert hours(log.end) == pytest.approx([8.7, 8.9], abs=1e-8)


def test_a_vehicle_that_cannot_make_its_next_leg_is_a_row_and_its_other_legs_are_never_made() -> None:
    vehicles = some_vehicles([3], kind=Kind.HYDROGEN)
    _, log = run(vehicles, some_legs(3, energy=[30_000, 30_000, 1_000]), some_stations(1))
    assert log.reason.tolist() == [Reason.OUT_OF_REACH, Reason.STRANDED]
    assert log.departure.tolist() == [8 * HOUR_US, -1, -1]
    assert log.level.tolist() == [20_000]


def test_a_plug_in_hybrid_drives_on_with_an_empty_battery() -> None:
    vehicles = some_vehicles([4], soft=True, capacity=15_000, start_level=15_000, home=0)
    legs = some_legs(4, at_depot=[0, 0, 0, 1])
    _, log = run(vehicles, legs, some_stations(1))
    assert (log.departure >= 0).all()
    assert log.energy.tolist() == [15_000]


def test_a_swap_waits_for_a_full_pack_and_a_pack_is_full_again_after_its_charge() -> None:
    # Two packs: the third vehicle takes the first one's pack, 40 kWh at 20 kW: two hours after 8:30.
    vehicles = some_vehicles([1, 1, 1], kind=Kind.SWAP, start_level=20_000, reserve=15_000)
    stations = some_stations(1, kind=Kind.SWAP, plugs=1, packs=2, rate=20_000, handling=5 * MINUTE_US)
    _, log = run(vehicles, some_legs(3, depart=8 * HOUR_US), stations)
    assert hours(log.start) == pytest.approx([8.5, 8.5 + 5 / 60, 10.5])
    assert log.energy.tolist() == [40_000, 40_000, 40_000]


def test_a_swap_station_turns_away_who_would_wait_too_long_for_a_pack() -> None:
    vehicles = some_vehicles([1, 1], kind=Kind.SWAP, start_level=20_000, reserve=15_000)
    stations = some_stations(1, kind=Kind.SWAP, plugs=2, packs=1, rate=20_000, dry_limit=HOUR_US)
    _, log = run(vehicles, some_legs(2, depart=8 * HOUR_US), stations)
    assert sorted(log.reason.tolist()) == [Reason.SERVED, Reason.DRY]


def test_hydrogen_waits_until_the_supply_has_brought_enough() -> None:
    # 10 kg in store, 4 kg/h; each takes 9 kg: the second waits for 8 kg, two hours.
    vehicles = some_vehicles(
        [1, 1], kind=Kind.HYDROGEN, capacity=10_000, start_level=2_000, reserve=3_000, target=10_000
    )
    stations = some_stations(1, kind=Kind.HYDROGEN, plugs=2, storage=10_000, supply=4_000, rate=90_000)
    _, log = run(vehicles, some_legs(2, depart=8 * HOUR_US, energy=1_000), stations)
    assert log.energy.tolist() == [9_000, 9_000]
    assert hours(log.start) == pytest.approx([8.5, 10.5])
    assert hours(log.end - log.start) == pytest.approx([0.1, 0.1])


def test_a_hydrogen_station_without_supply_runs_dry() -> None:
    vehicles = some_vehicles(
        [1, 1], kind=Kind.HYDROGEN, capacity=10_000, start_level=2_000, reserve=3_000, target=10_000
    )
    stations = some_stations(1, kind=Kind.HYDROGEN, storage=10_000, rate=90_000)
    _, log = run(vehicles, some_legs(2, depart=8 * HOUR_US, energy=1_000), stations)
    assert log.reason.tolist() == [Reason.SERVED, Reason.DRY]


def test_charging_follows_the_taper_of_worked_answer_b() -> None:
    # 350 kWh, 142.5 kW into the battery, from .1; due after two hours: .889349.
    vehicles = some_vehicles(
        [2], capacity=350_000, start_level=36_000, reserve=1_000, target=350_000, max_power=142_500, knee_pm=800,
        end_pm=100,
    )  # fmt: skip
    legs = some_legs(2, depart=[8 * HOUR_US, 10 * HOUR_US + 30 * MINUTE_US], energy=[1_000, 35_000], timed=True)
    _, log = run(vehicles, legs, some_stations(1, rate=500_000))
    assert (35_000 + log.energy[0]) / 350_000 == pytest.approx(0.889349, abs=4e-6)


def mean_waits(arrivals_per_h: float, servers: int, *, constant: bool, replications: int, visits: int) -> list[float]:
    """Return the mean wait [min] of each replication of a station whose mean service takes half an hour."""
    waits = []
    for seed in range(replications):
        rng = np.random.default_rng(seed)
        arrive = np.cumsum(rng.exponential(1.0 / arrivals_per_h, visits)) * HOUR_US
        half_hours = np.ones(visits) if constant else rng.exponential(1.0, visits)
        wanted = np.maximum((half_hours * 25_000).astype(np.int64), 1)
        capacity = int(wanted.max()) + 1
        vehicles = some_vehicles(
            [1] * visits, capacity=capacity, target=capacity, start_level=capacity - wanted, reserve=capacity + 1
        )
        legs = some_legs(visits, depart=arrive.astype(np.int64), drive=0, energy=0)
        stations = some_stations(1, plugs=servers)
        log = simulate(Inputs(vehicles, legs, stations, near([1], [0]), tries=1))
        late = log.arrive > np.quantile(log.arrive, 0.1)
        waits.append(float((log.start - log.arrive)[late].mean() / MINUTE_US))
    return waits


@pytest.mark.parametrize(("arrivals", "servers", "constant"), [(10.0, 6, False), (20.0, 12, False), (1.5, 1, True)])
def test_the_simulated_mean_wait_agrees_with_queue_theory(arrivals: float, servers: int, constant: bool) -> None:
    expected = mm1_wait_min(arrivals, 2.0) / 2 if constant else mean_wait_min(arrivals, 2.0, servers)
    waits = mean_waits(arrivals, servers, constant=constant, replications=16, visits=2_000)
    low, high = stats.t.interval(0.99, len(waits) - 1, np.mean(waits), stats.sem(waits))
    assert low < expected < high
    assert high - low < expected


def textbook_sessions(inputs: Inputs) -> list[tuple[int, ...]]:
    """Return the sessions of a model written the usual way: simpy.Resource, one timeout a leg, linear charging."""
    vehicles, legs, stations = inputs.vehicles, inputs.legs, inputs.stations
    env = simpy.Environment()
    plugs = [simpy.Resource(env, int(number)) for number in stations.plugs]
    need = prepare(inputs).need
    rows = []

    def chosen(zone: int) -> tuple[int, int]:
        options = []
        for rank, (station, drive) in enumerate(
            zip(inputs.access.station[1, zone], inputs.access.drive[1, zone], strict=True)
        ):
            plug = plugs[station]
            queue = len(plug.queue) + 1 if plug.count == plug.capacity else 0
            wait = queue * int(stations.typical[station]) // plug.capacity
            options.append((2 * int(drive) + wait, rank, int(station), int(drive)))
        return min(options)[2:]

    def drive(v: int) -> Any:
        level, free = int(vehicles.start_level[v]), 0
        for k in range(int(vehicles.first_leg[v]), int(vehicles.first_leg[v + 1])):
            yield env.timeout(max(int(legs.depart[k]), free) - env.now)
            yield env.timeout(int(legs.drive[k]))
            level -= int(legs.energy[k])
            free = env.now + int(legs.dwell[k])
            if level - need[k] >= vehicles.reserve[v] or level >= vehicles.target[v]:
                continue
            station, way = chosen(int(legs.zone[k]))
            yield env.timeout(way)
            arrive = env.now
            with plugs[station].request() as request:
                yield request
                start = env.now
                goal = max(int(vehicles.target[v]), int(need[k] + vehicles.reserve[v]))
                power = min(int(vehicles.max_power[v]), int(stations.rate[station]))
                span = int((goal - level) / power * HOUR_US) + 1
                yield env.timeout(int(stations.handling[station]) + span)
            rows.append((v, station, arrive, start, env.now, goal - level))
            level = goal
            free = max(free, env.now + way)

    for v in range(len(vehicles)):
        env.process(drive(v))
    env.run()
    return sorted(rows)


@pytest.mark.parametrize("seed", range(5))
def test_a_textbook_model_gives_the_same_sessions_where_nothing_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, per, zones, m = 60, 8, 3, 60 * 8
    vehicles = some_vehicles([per] * n, start_level=rng.integers(25_000, 50_000, n), target=45_000)
    legs = some_legs(
        m,
        depart=np.tile(np.arange(per), n) * HOUR_US + rng.integers(5 * HOUR_US, 7 * HOUR_US, m),
        drive=rng.integers(10 * MINUTE_US, 50 * MINUTE_US, m),
        dwell=rng.integers(0, 20 * MINUTE_US, m),
        energy=rng.integers(2_000, 9_000, m),
        zone=rng.integers(0, zones, m),
    )
    stations = some_stations(4, plugs=[1, 2, 2, 3], rate=[50_000, 30_000, 40_000, 20_000], handling=2 * MINUTE_US)
    order = np.stack([rng.permutation(4)[:3] for _ in range(zones)])
    station, way = np.full((len(Kind), zones, 3), -1, np.int64), np.zeros((len(Kind), zones, 3), np.int64)
    station[1], way[1] = order, np.sort(rng.integers(1, 15 * MINUTE_US, (zones, 3)), axis=1)
    inputs = Inputs(vehicles, legs, stations, Access(station, way, np.zeros_like(way)), tries=1)
    log = simulate(inputs)
    columns = (log.vehicle, log.station, log.arrive, log.start, log.end, log.energy)
    assert sorted(zip(*(values.tolist() for values in columns), strict=True)) == textbook_sessions(inputs)
    assert len(log) > n // 2


def test_an_account_that_does_not_balance_is_a_bug_that_shows() -> None:
    inputs, log = run(some_vehicles([1], start_level=10_000), some_legs(1), some_stations(1))
    log.level[0] -= 1
    with pytest.raises(RuntimeError, match="1 vehicles do not balance, first 0 by 1"):
        check_conservation(inputs, log)
