"""From tables to the engine and back."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from charging.tables import Station
from fleetsim.duties.tables import Assignment, BackgroundArrival, DutyVehicle, Leg
from fleetsim.engine.build import DayModel, build_day
from fleetsim.engine.conservation import check_conservation
from fleetsim.engine.log import day_use, service, sessions, station_load, zone_demand
from fleetsim.engine.plan import Background, DayConditions, FleetPlan
from fleetsim.engine.reference import simulate
from fleetsim.engine.spec import NEVER_US, SECOND_US, Log, Reason
from fleetsim.engine.supply import Supply
from fleetsim.scenario.stations import ChargingSection
from fleetsim.tables import VehicleType

HEATING_VALUES = {"petrol": 9.0, "diesel": 10.0, "gas": 10.8, "electricity": 1.0, "hydrogen": 33.3}
SECTION = ChargingSection(
    charger_efficiency=1.0, electric_time_share=0.0, fuel_time_share=0.0, connect_min=0.0, depot_connect_min=0.0
)
CONDITIONS = DayConditions(2025, "mild_weekday", 1, np.full(24, 20.0), HEATING_VALUES)


def vehicle_type(name: str, powertrain: str, **given: Any) -> dict[str, Any]:
    usual = {
        "fleet_group": "goods", "fleet": None, "store": 100.0, "use_per_km": 1.0, "electric_km_share": 0.0,
        "payload_kg": None, "use_per_tonne_km": None,
        "electric_kwh_per_km": 0.0, "heating_kw": 0.0, "cooling_kw": 0.0, "work_kw": 0.0, "max_charge_kw": 50.0,
        "knee": 1.0, "end_power_share": 1.0, "price_cny": 1.0, "price_change_per_year": 0.0,
        "maintenance_cny_per_km": 0.0, "insurance_cny_per_year": 0.0, "basis": "assumption",
    }  # fmt: skip
    return {"vehicle_type": name, "powertrain": powertrain, **(usual | given)}


TYPES = VehicleType.cast(
    pl.DataFrame(
        [
            vehicle_type("bev", "BEV"),
            vehicle_type("diesel", "diesel", use_per_km=0.1),
            vehicle_type("phev", "PHEV", use_per_km=0.06, electric_km_share=0.5, electric_kwh_per_km=0.2),
            vehicle_type("fcev", "FCEV", store=10.0, use_per_km=0.1, max_charge_kw=0.0),
            vehicle_type("swap", "BEV-swap"),
        ],
        infer_schema_length=None,
    )
)


def station(station_id: str, kind: str, **given: Any) -> dict[str, Any]:
    usual = {
        "name": station_id, "lon": 116.4, "lat": 39.9, "district": "haidian", "opened_year": 2020, "plugs": 2,
        "power_kw": 50.0, "site_limit_kw": None, "fleet_group": None, "packs": None, "storage_kg": None,
        "supply_kg_h": None, "basis": "synthetic", "reason": None,
    }  # fmt: skip
    return {"station_id": station_id, "kind": kind, **(usual | given)}


def supply(*rows: dict[str, Any]) -> Supply:
    """Return the stations and ways of 2, 3, 4 ... minutes and 1, 2, 3 ... km from zone 0 to each of them."""
    stations = Station.cast(pl.DataFrame(list(rows), infer_schema_length=None))
    numbers = np.arange(len(rows))
    nearest = pl.DataFrame({"zone": 0 * numbers, "station": numbers, "minutes": numbers + 2.0, "km": numbers + 1.0})
    return Supply(stations, nearest)


def plan(types: list[str], legs: int = 2, *, depot: str | None = None, **given: Any) -> FleetPlan:
    """Return vehicles of the given types, each with legs of 30 km, every two hours from 8:00."""
    n = len(types)
    powertrain = dict(zip(TYPES["vehicle_type"], TYPES["powertrain"].cast(pl.String), strict=True))
    vehicles = pl.DataFrame(
        {
            "vehicle_id": range(n), "district": "haidian", "home_zone": 0, "depot": depot, "exempt_reason": "none",
            "weight": given.pop("weight", 1.0),
        }
    )  # fmt: skip
    assignment = pl.DataFrame(
        {
            "vehicle_id": range(n), "powertrain": [powertrain[name] for name in types], "vehicle_type": types,
            "home_plug": given.pop("home_plug", False),
        }
    )  # fmt: skip
    number = np.tile(np.arange(legs), n)
    columns = {
        "vehicle_id": np.repeat(np.arange(n), legs), "leg": number, "depart_s": (8 + 2 * number) * 3600,
        "drive_s": 3600, "distance_km": 30.0, "dwell_s": 0, "work_s": 0, "zone": 0, "may_charge": True,
        "at_depot": (number == legs - 1) & (depot is not None), "timed": False, "latest_s": None,
        "load_kg": 0.0,
    }  # fmt: skip
    table = Leg.cast(pl.DataFrame(columns | given))
    return FleetPlan("vans", "goods", DutyVehicle.cast(vehicles), table, Assignment.cast(assignment))


def arrivals(number: int = 0) -> Background:
    columns = {
        "vehicle_id": np.arange(number), "fleet": ["car_private"] * number, "powertrain": ["BEV"] * number,
        "zone": np.zeros(number, np.int64), "arrive_s": 36_000 + 60 * np.arange(number),
        "energy_kwh": np.full(number, 25.0), "battery_kwh": np.full(number, 60.0),
        "max_charge_kw": np.full(number, 100.0),
    }  # fmt: skip
    return Background(BackgroundArrival.cast(pl.DataFrame(columns)), {"car_private": "car"})


def day(plans: list[FleetPlan], supplied: Supply, background: Background | None = None, **given: Any) -> DayModel:
    section = SECTION.model_copy(update=given)
    return build_day(plans, background or arrivals(), TYPES, supplied, CONDITIONS, section)


def run(*arguments: Any, **given: Any) -> tuple[DayModel, Log]:
    model = day(*arguments, **given)
    log = simulate(model.inputs)
    check_conservation(model.inputs, log)
    return model, log


def test_energy_and_times_become_whole_units() -> None:
    inputs = day([plan(["bev", "fcev", "diesel"], latest_s=40_000)], supply(station("p", "public"))).inputs
    assert inputs.legs.energy.tolist() == [30_000, 30_000, 3_000, 3_000, 0, 0]
    assert inputs.vehicles.capacity.tolist() == [100_000, 10_000, 0]
    assert inputs.vehicles.kind.tolist() == [1, 3, 0]
    assert inputs.legs.depart[:2].tolist() == [8 * 3600 * SECOND_US, 10 * 3600 * SECOND_US]
    assert set(inputs.legs.latest.tolist()) == {40_000 * SECOND_US}


def test_an_empty_latest_time_means_never() -> None:
    assert (day([plan(["bev"])], supply(station("p", "public"))).inputs.legs.latest == NEVER_US).all()


def test_stations_off_the_depots_are_near_in_the_order_of_time_and_so_many_of_each_group() -> None:
    supplied = supply(
        station("d", "depot"), station("kept", "public", fleet_group="bus"), station("b", "public"),
        station("a", "public"), station("far", "public"), station("s", "swap", packs=3),
    )  # fmt: skip
    access = day([plan(["bev"])], supplied, stations_considered=2).inputs.access
    assert access.station[1, 0].tolist() == [1, 2, 3]
    assert access.station[2, 0].tolist() == [5, -1, -1]
    assert access.drive[1, 0].tolist() == [3 * 60 * SECOND_US, 4 * 60 * SECOND_US, 5 * 60 * SECOND_US]
    assert access.metres[1, 0].tolist() == [2_000, 3_000, 4_000]


def test_a_vehicle_of_a_depot_starts_full_and_one_without_between_reserve_and_target() -> None:
    supplied = supply(station("d", "depot"))
    at_depot = day([plan(["bev"] * 3, depot="d")], supplied).inputs.vehicles
    at_kerb = day([plan(["bev"] * 3)], supplied).inputs.vehicles
    assert (at_depot.start_level == 100_000).all()
    assert ((at_kerb.start_level >= 20_000) & (at_kerb.start_level <= 90_000)).all()
    assert at_depot.home.tolist() == [0, 0, 0]


def test_a_vehicle_starts_with_what_takes_it_to_its_first_chance_and_the_reserve() -> None:
    legs = {"may_charge": [False, False, True] * 9}
    vehicles = day([plan(["bev"] * 9, 3, distance_km=20.0, **legs)], supply(station("p", "public"))).inputs.vehicles
    assert vehicles.start_level.min() == 80_000


def test_a_depot_of_plugs_is_no_home_for_a_fuel_cell_vehicle() -> None:
    assert day([plan(["fcev"], depot="d")], supply(station("d", "depot"))).inputs.vehicles.home.tolist() == [-1]


def test_vehicles_with_a_plug_of_their_own_charge_there_without_a_queue() -> None:
    model, log = run([plan(["bev", "bev", "diesel"], home_plug=True)], supply(station("p", "public")))
    assert model.station_ids == ["p", "home_haidian"]
    table = sessions(model, log)
    assert table["station_id"].to_list() == ["home_haidian"] * 2
    assert table["energy_kwh"].to_list() == [60.0, 60.0]
    assert (table["start"] == table["arrive"]).all()


def test_a_session_of_the_depot_and_its_load_by_hour() -> None:
    # 60 kWh at 50 kW from 11:00 to 12:12.
    model, log = run([plan(["bev"], depot="d")], supply(station("d", "depot")))
    session = sessions(model, log).row(0, named=True)
    assert (session["arrive"], session["end"]) == (11 * 3600, pytest.approx(12.2 * 3600, abs=1e-5))
    load = station_load(model, log)
    assert load["hour"].to_list() == [11, 12]
    assert load["energy_kwh"].to_list() == pytest.approx([50.0, 10.0], abs=1e-6)
    assert load["peak_kw"].to_list() == pytest.approx([50.0, 40.0], abs=1e-5)
    assert load["served"].to_list() == [1, 0]


def test_load_energy_is_the_energy_of_the_sessions() -> None:
    plans = [plan(["bev", "swap"] * 8, 6)]
    supplied = supply(station("p", "public"), station("s", "swap", packs=2, power_kw=40.0))
    model, log = run(plans, supplied, arrivals(20))
    assert station_load(model, log)["energy_kwh"].sum() == pytest.approx(sessions(model, log)["energy_kwh"].sum())


def test_hydrogen_sessions_are_in_kg_and_their_load_in_heating_value() -> None:
    supplied = supply(station("h", "hydrogen", power_kw=0.0, storage_kg=500.0, supply_kg_h=20.0))
    model, log = run([plan(["fcev"], 4)], supplied)
    table = sessions(model, log)
    assert table["energy_kwh"].null_count() == table.height > 0
    assert station_load(model, log)["energy_kwh"].sum() == pytest.approx(33.3 * table["hydrogen_kg"].sum())


def test_background_arrivals_take_what_they_want_and_are_no_duties() -> None:
    model, log = run([plan(["diesel"])], supply(station("p", "public", plugs=9)), arrivals(3))
    table = sessions(model, log)
    assert table["fleet"].to_list() == ["car_private"] * 3
    assert table["energy_kwh"].to_list() == [25.0] * 3
    assert service(model, log)["fleet"].to_list() == ["vans"]


def test_service_counts_late_and_missed_departures() -> None:
    # The second leg is due at 10:00 but the first one's stop lasts until 10:06, past the latest departure.
    late = plan(["diesel"], dwell_s=66 * 60, timed=True, latest_s=36_000 + 300)
    row = service(*run([late], supply(station("p", "public")))).row(0, named=True)
    assert (row["duties"], row["legs"], row["late_legs"], row["missed_legs"]) == (1, 2, 1, 1)
    assert row["mean_delay_min"] == pytest.approx(3.0)
    assert row["distance_km"] == 60.0
    assert row["energy_kwh"] == pytest.approx(60.0)


def test_a_leg_never_made_is_missed_and_neither_driven_nor_paid_for() -> None:
    model, log = run([plan(["bev"], 9, depot="d", may_charge=False)], supply(station("d", "depot")))
    assert log.reason.tolist() == [Reason.STRANDED]
    row = service(model, log).row(0, named=True)
    assert (row["missed_legs"], row["distance_km"], row["energy_kwh"]) == (6, 90.0, pytest.approx(90.0))


def test_day_use_is_in_the_units_of_the_carriers_and_a_hybrid_burns_what_its_battery_lacks() -> None:
    # 80 km of range x .2 = 16 kWh in the battery; half of 240 km ask for 24 kWh.
    model, log = run([plan(["diesel", "phev"], 8)], supply(station("p", "public")))
    table = day_use(model, log)
    use = {(row["powertrain"], row["carrier"]): row for row in table.iter_rows(named=True)}
    assert use["diesel", "diesel"]["quantity"] == pytest.approx(24.0)
    start = model.inputs.vehicles.start_level[1] / 1000
    assert use["PHEV", "electricity"]["quantity"] == pytest.approx(start)
    litres = 240 * 0.5 * 0.06 + (24.0 - start) / (9.0 * SECTION.engine_efficiency)
    assert use["PHEV", "petrol"]["quantity"] == pytest.approx(litres)
    assert use["PHEV", "petrol"]["distance_km"] == use["PHEV", "electricity"]["distance_km"] == 120.0


def test_detours_count_as_distance_and_energy() -> None:
    model, log = run([plan(["bev"], 4)], supply(station("p", "public")))
    row = day_use(model, log).row(0, named=True)
    visits = int((log.energy > 0).sum())
    assert visits > 0
    assert row["distance_km"] == row["quantity"] == 120.0 + 2.0 * visits


def test_zone_demand_counts_a_wish_once_however_many_stations_were_tried() -> None:
    model, log = run([plan(["diesel"])], supply(station("p", "public", plugs=1)), arrivals(6), queue_per_plug=1.0)
    row = zone_demand(model, log).row(0, named=True)
    assert (row["kind"], row["fleet_group"]) == ("public", "car")
    assert (row["seeks"], row["served"] + row["unserved"]) == (6.0, 6.0)
    assert row["unserved"] == 4.0
    assert row["waiting"] == 1.0


def test_a_sample_is_scaled_up_and_its_stations_shrink() -> None:
    sampled = DayConditions(2025, "mild_weekday", 1, np.full(24, 20.0), HEATING_VALUES, sample=0.25)
    supplied = supply(station("p", "public", plugs=8))
    model = build_day([plan(["diesel"], weight=4.0)], arrivals(2), TYPES, supplied, sampled, SECTION)
    assert model.inputs.stations.plugs.tolist() == [2]
    log = simulate(model.inputs)
    assert service(model, log)["legs"].to_list() == [8]
    assert station_load(model, log)["served"].sum() == 8


def test_a_day_without_visits_gives_empty_tables() -> None:
    model, log = run([plan(["diesel"])], supply(station("p", "public")))
    assert sessions(model, log).height == station_load(model, log).height == zone_demand(model, log).height == 0
