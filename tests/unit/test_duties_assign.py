"""Powertrains and types given to duties."""

import dataframely as dy
import numpy as np
import polars as pl
import pytest

from fleetsim.duties.assign import assign, fitted, types_of
from fleetsim.duties.tables import DutyVehicle, Leg
from fleetsim.tables import VehicleType
from networks.errors import DataError


def vehicles(*rows: tuple[str, str, str | None]) -> dy.DataFrame[DutyVehicle]:
    """Vehicles given by district, exempt reason and depot."""
    table = [
        {
            "vehicle_id": number,
            "district": district,
            "home_zone": 0,
            "depot": depot,
            "exempt_reason": reason,
            "weight": 1.0,
        }
        for number, (district, reason, depot) in enumerate(rows)
    ]
    return DutyVehicle.validate(pl.DataFrame(table, schema_overrides={"depot": pl.String}), cast=True)


def legs(*days: list[tuple[float, bool]]) -> dy.DataFrame[Leg]:
    """Legs given by vehicle as distance [km] and whether they end at the depot."""
    table = [
        {
            "vehicle_id": vehicle,
            "leg": leg,
            "depart_s": 3600 * leg,
            "drive_s": 1800,
            "distance_km": km,
            "dwell_s": 0,
            "work_s": 0,
            "zone": 0,
            "may_charge": depot,
            "at_depot": depot,
            "timed": False,
            "latest_s": None,
            "load_kg": 0.0,
        }
        for vehicle, day in enumerate(days)
        for leg, (km, depot) in enumerate(day)
    ]
    return Leg.validate(pl.DataFrame(table), cast=True)


def types(*rows: tuple[str, str | None, str, float]) -> dy.DataFrame[VehicleType]:
    """Types given by name, fleet, powertrain and store; each uses 1 a km."""
    numbers = [name for name, column in VehicleType.columns().items() if isinstance(column, dy.Float64)]
    table = [
        {
            **dict.fromkeys(numbers, 0.5),
            "vehicle_type": name,
            "fleet_group": "bus",
            "fleet": fleet,
            "powertrain": powertrain,
            "store": store,
            "use_per_km": 1.0,
            "basis": "assumption",
        }
        for name, fleet, powertrain, store in rows
    ]
    return VehicleType.validate(pl.DataFrame(table, schema_overrides={"fleet": pl.String}), cast=True)


def stock(*rows: tuple[str, str, str, float]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=["district", "powertrain", "exempt_reason", "vehicles"], orient="row")


TYPES = types(("electric", None, "BEV", 300.0), ("oil", None, "diesel", 200.0), ("cell", None, "FCEV", 30.0))
ONE_LEG = [(100.0, True)]


def given(table: pl.DataFrame) -> list[str]:
    return table.sort("vehicle_id")["powertrain"].cast(pl.String).to_list()


def test_battery_vehicles_take_the_duties_with_the_shortest_way_between_depot_stops() -> None:
    # 120 km in one go, 150 km with a stop at the depot half-way, 90 km, 200 km
    days = legs([(120.0, True)], [(75.0, True), (75.0, True)], [(90.0, True)], [(200.0, True)])
    fleet = vehicles(*[("West", "none", "depot")] * 4)
    mixed = stock(("West", "BEV", "none", 2), ("West", "diesel", "none", 1), ("West", "FCEV", "none", 1))
    assert given(assign(fleet, days, mixed, TYPES)) == ["diesel", "BEV", "BEV", "FCEV"]


def test_vehicles_with_a_depot_come_before_those_at_the_kerb() -> None:
    fleet = vehicles(("West", "none", None), ("West", "none", "depot"))
    mixed = stock(("West", "BEV", "none", 1), ("West", "diesel", "none", 1))
    assert given(assign(fleet, legs([(10.0, False)], [(100.0, True)]), mixed, TYPES)) == ["diesel", "BEV"]


def test_every_exempt_reason_has_its_own_powertrains() -> None:
    fleet = vehicles(("West", "none", "d"), ("West", "mountain_line", "d"), ("West", "none", "d"))
    mixed = stock(("West", "BEV", "none", 2), ("East", "diesel", "mountain_line", 7))
    assert given(assign(fleet, legs(ONE_LEG, ONE_LEG, ONE_LEG), mixed, TYPES)) == ["BEV", "diesel", "BEV"]


def test_the_reserve_has_the_proportions_of_the_stock() -> None:
    fleet = vehicles(*[("West", "none", "d")] * 50)
    mixed = stock(("West", "BEV", "none", 60), ("West", "diesel", "none", 40))
    found = given(assign(fleet, legs(*[ONE_LEG] * 50), mixed, TYPES))
    assert (found.count("BEV"), found.count("diesel")) == (30, 20)


def test_districts_keep_their_own_powertrains_where_both_sums_allow() -> None:
    fleet = vehicles(*[("West", "none", "d")] * 3, *[("East", "none", "d")] * 3)
    mixed = stock(("West", "BEV", "none", 3), ("East", "diesel", "none", 3))
    assert given(assign(fleet, legs(*[ONE_LEG] * 6), mixed, TYPES)) == ["BEV"] * 3 + ["diesel"] * 3


def test_stock_of_a_district_without_duties_still_drives() -> None:
    fleet = vehicles(*[("West", "none", "d")] * 4)
    mixed = stock(("West", "BEV", "none", 1), ("East", "diesel", "none", 1))
    assert sorted(given(assign(fleet, legs(*[ONE_LEG] * 4), mixed, TYPES))) == ["BEV", "BEV", "diesel", "diesel"]


@pytest.mark.parametrize("seed", range(20))
def test_a_fitted_table_has_the_sums_asked_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns = rng.multinomial(500, rng.dirichlet(np.ones(5)))
    rows = rng.multinomial(500, rng.dirichlet(np.ones(9)))
    table = fitted(rng.random((9, 5)) + 1e-6, rows, columns)
    assert table.sum(axis=0).tolist() == columns.tolist()
    assert table.sum(axis=1).tolist() == rows.tolist()
    assert (table >= 0).all()


def test_of_two_types_the_one_with_the_shorter_range_takes_the_shorter_duties() -> None:
    both = types(("far", None, "BEV", 400.0), ("near", None, "BEV", 150.0))
    days = legs([(200.0, True)], [(50.0, True)], [(150.0, True)], [(80.0, True)])
    found = assign(vehicles(*[("West", "none", "d")] * 4), days, stock(("West", "BEV", "none", 4)), both)
    assert found["vehicle_type"].to_list() == ["far", "near", "far", "near"]


def test_home_plugs_go_to_their_share_of_the_electric_vehicles_without_depot() -> None:
    fleet = vehicles(*[("West", "none", None)] * 8, ("West", "none", "d"))
    mixed = stock(("West", "BEV", "none", 9))
    found = assign(fleet, legs(*[[(9.0, False)]] * 9), mixed, TYPES, home_plug_share=0.25)
    assert found["home_plug"].sum() == 2
    assert not found["home_plug"][8]


def test_the_types_of_a_fleet_are_its_own_before_those_of_its_group() -> None:
    table = types(("shared", None, "BEV", 9.0), ("own", "bus_other", "BEV", 9.0), ("oil", None, "diesel", 9.0))
    assert types_of(table, "bus_other", "bus")["vehicle_type"].to_list() == ["oil", "own"]
    assert types_of(table, "bus_municipal", "bus")["vehicle_type"].to_list() == ["oil", "shared"]


def test_a_powertrain_without_a_type_is_named() -> None:
    with pytest.raises(DataError, match="no type of powertrain 'gas'"):
        assign(vehicles(("West", "none", "d")), legs(ONE_LEG), stock(("West", "gas", "none", 1)), TYPES)


def test_a_reason_that_the_stock_lacks_is_named() -> None:
    with pytest.raises(DataError, match="no vehicle of exempt reason 'fire' for 1 duties"):
        assign(vehicles(("West", "fire", "d")), legs(ONE_LEG), stock(("West", "BEV", "none", 1)), TYPES)
