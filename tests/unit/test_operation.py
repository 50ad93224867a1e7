"""The rules of operation: limits, signals, faults, batteries; against numbers worked out by hand."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hand_days import run, some_legs, some_stations, some_vehicles

from fleetsim.engine.spec import HOUR_US, NO_LIMIT_W, Kind, QueueRule, ShareRule, Stations, Strategy
from fleetsim.operation import bus_ratio
from fleetsim.operation.batteries import faded_share, share_at, weathered
from fleetsim.operation.faults import draw_faults
from fleetsim.operation.rules import Tariffs, deliveries, ruled, signals, with_giving
from fleetsim.scenario.operation import OperationSection

TARIFF = Tariffs(np.array([0.3] * 7 + [0.7] * 11 + [1.0] * 6), np.arange(24) < 7)


def sites() -> tuple[Stations, pl.DataFrame]:
    """A depot of 4 plugs of 50 kW, a public station, a swap and a hydrogen station; then a row of own plugs."""
    kind = np.array([Kind.ELECTRIC, Kind.ELECTRIC, Kind.SWAP, Kind.HYDROGEN, Kind.ELECTRIC])
    stations = some_stations(5, kind=kind, plugs=[4, 10, 2, 2, 100], packs=[0, 0, 10, 0, 0])
    table = pl.DataFrame(
        {"kind": ["depot", "public", "swap", "hydrogen"], "site_limit_kw": [None, 200.0, None, None]},
        schema={"kind": pl.String, "site_limit_kw": pl.Float64},
    )
    return stations, table


def rules(**given: object) -> Stations:
    stations, table = sites()
    return ruled(stations, table, OperationSection.model_validate(given), charger_efficiency=0.9)


def test_by_default_only_a_given_connection_limits_a_site() -> None:
    assert rules().site_limit.tolist() == [NO_LIMIT_W, 180_000, NO_LIMIT_W, NO_LIMIT_W, NO_LIMIT_W]
    assert rules().strategy.tolist() == [Strategy.ASAP] * 5
    assert rules().signal.tolist() == [-1] * 5


def test_a_depot_limit_is_a_share_of_its_plugs_and_own_plugs_have_none() -> None:
    stations = rules(depot_limit_share=0.5, depot_share_rule="need")
    assert stations.site_limit.tolist()[0] == 100_000
    assert stations.share_rule.tolist() == [ShareRule.NEED, *[ShareRule.FAIR] * 4]


def test_cabinets_queues_and_chargers_are_those_of_the_kind_they_belong_to() -> None:
    stations = rules(cabinet_plugs=2, cabinet_share=0.6, queue_rule="need", bookable_share=1.0, swap_charger_share=0.55)
    assert stations.cabinet_plugs.tolist() == [0, 2, 0, 0, 0]
    assert stations.cabinet_power.tolist()[1] == 60_000
    assert stations.queue_rule.tolist() == [0, QueueRule.NEED, 0, 0, 0]
    assert stations.bookable.tolist() == [False, True, False, False, False]
    assert stations.chargers.tolist()[2] == 6


def test_the_valley_signal_knows_two_prices_and_the_grid_its_hours() -> None:
    section = OperationSection(depot_strategy="valley", depot_grid_limit={18: 0.5})
    told = signals(TARIFF, section, 2)
    assert told.price.shape == (1, 48)
    assert told.price[0, :8].tolist() == [0] * 7 + [10_000]
    assert told.limit_pm[0, [17, 18, 42]].tolist() == [1000, 500, 500]
    assert told.horizon == 48 * HOUR_US


def test_energy_is_given_back_at_the_dearest_price_only() -> None:
    section = OperationSection(depot_strategy="cheapest", give_back_share=0.2)
    stations = rules(depot_strategy="cheapest", give_back_share=0.2)
    told = signals(TARIFF, section, 1)
    assert with_giving(stations, told, section).give_price.tolist()[0] == 10_000


def test_trailers_come_evenly_from_six_o_clock_on() -> None:
    section = OperationSection(hydrogen_deliveries=2, hydrogen_trailer_kg=300.0)
    come = deliveries(rules(hydrogen_deliveries=2), section, 1)
    assert come.station.tolist() == [3, 3]
    assert (come.time / HOUR_US).tolist() == [6.0, 18.0]
    assert come.amount.tolist() == [300_000, 300_000]


def test_the_share_of_broken_plugs_is_that_of_the_steady_state() -> None:
    stations = some_stations(1, plugs=40_000)
    faults = draw_faults(stations, 1, per_year=36.5, repair_h=24.0, hours=24.0, keys=(1, "day"))
    at_noon = ((faults.breaks <= 12 * HOUR_US) & (faults.repaired > 12 * HOUR_US)).sum()
    # Works 240 hours on average, then 24 hours of repair: 1 in 11 is down.
    assert at_noon / 40_000 == pytest.approx(1 / 11, rel=0.03)
    order = np.lexsort((faults.breaks, faults.plug))
    same = np.diff(faults.plug[order]) == 0
    assert (faults.breaks[order][1:][same] >= faults.repaired[order][:-1][same]).all()


def test_no_faults_are_drawn_where_none_are_asked_for() -> None:
    assert len(draw_faults(some_stations(2), 2, per_year=0.0, repair_h=24.0, hours=24.0, keys=(1, "day"))) == 0


def test_shares_by_temperature_run_straight_between_the_points() -> None:
    assert share_at({-10: 0.6, 0: 0.8}, -5.0) == pytest.approx(0.7)
    assert share_at({-10: 0.6, 0: 0.8}, -30.0) == 0.6


def test_a_battery_fades_with_age_and_use_down_to_the_least() -> None:
    section = OperationSection(fade_per_year=0.01, fade_per_1000_cycles=0.04, least_capacity_share=0.7)
    share = faded_share(np.array([0.0, 5.0, 30.0]), np.array([200.0, 200.0, 200.0]), section)
    # Five years: 5 % by age, 4 % by 1,000 cycles.
    assert share.tolist() == pytest.approx([1.0, 0.91, 0.7])


def test_cold_takes_range_and_charging_power_but_never_the_way_to_the_first_chance() -> None:
    inputs, _ = run(some_vehicles([1, 1], home=[0, -1]), some_legs(2, energy=[10_000, 45_000]), some_stations(1))
    section = OperationSection(
        cold_power_share={0: 0.5}, cold_capacity_share={0: 0.8}, fade_per_year=0.0, fade_per_1000_cycles=0.0
    )
    cold = weathered(inputs, 2, np.zeros(2), 0.0, section).vehicles
    assert cold.capacity.tolist() == [40_000, 40_000]
    assert cold.max_power.tolist() == [25_000, 25_000]
    assert cold.start_level.tolist() == [40_000, 40_000]


def test_fuel_and_hydrogen_vehicles_do_not_mind_the_cold() -> None:
    inputs, _ = run(some_vehicles([1, 1], kind=[0, Kind.HYDROGEN]), some_legs(2), some_stations(1, kind=3))
    cold = weathered(inputs, 2, np.full(2, 8.0), -10.0, OperationSection()).vehicles
    assert cold.capacity.tolist() == inputs.vehicles.capacity.tolist()


def test_the_fewest_buses_are_found_for_all_depots_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = np.array([3, 7])
    depots = bus_ratio._Depots(None, np.array([1, 2]), np.zeros(2, int), np.array([9, 9]))  # type: ignore[arg-type]
    asked = []

    def lost(_: object, simulate: object, buses: np.ndarray, *, electric: bool) -> np.ndarray:
        asked.append(buses.tolist())
        return np.maximum(needed - buses, 0)

    monkeypatch.setattr(bus_ratio, "_lost", lost)
    found = bus_ratio._fewest(depots, None, np.ones(2, int), electric=True)  # type: ignore[arg-type]
    assert found.tolist() == [3, 7]
    assert len(asked) <= 5


def test_rules_leave_the_stations_they_were_given_alone() -> None:
    stations, table = sites()
    before = replace(stations)
    ruled(stations, table, OperationSection(depot_limit_share=0.5), charger_efficiency=0.9)
    assert stations.site_limit.tolist() == before.site_limit.tolist()


def test_hydrogen_banks_are_shares_of_each_store() -> None:
    made = rules(hydrogen_middle_share=0.6, hydrogen_high_share=0.2, hydrogen_middle_from=0.5, hydrogen_high_from=0.8)
    stores = made.storage

    assert made.middle_storage.tolist() == [round(0.6 * store) for store in stores.tolist()]
    assert made.high_storage.tolist() == [round(0.2 * store) for store in stores.tolist()]
    assert set(made.middle_from_pm.tolist()) == {500}
    assert set(made.high_from_pm.tolist()) == {800}


@pytest.mark.parametrize(
    "banks", [{"hydrogen_middle_share": 0.3, "hydrogen_high_share": 0.4}, {"hydrogen_high_from": 0.5}]
)
def test_banks_in_the_wrong_order_are_a_mistake(banks: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="hydrogen_high_"):
        OperationSection(**banks)
