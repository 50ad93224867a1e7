"""Shared by the tests: a hand-made city of 24 zones for the duties, and one small run of the shipped city."""

from collections.abc import Callable

import polars as pl
import pytest

from fleetsim.duties.fleet import DutyInputs, DutyTables
from fleetsim.duties.tables import AirsidePattern, BackgroundPattern, HourProfile, TaxiShift, TourPattern, ZoneSpeed
from fleetsim.pipeline import run
from fleetsim.result import Result
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.sections import DutiesSection
from networks.tables import Line, LineHour, Place, SpeedFactor, Zone

SPACING_DEG = 0.03
FACTOR_BY_DAY = 0.5


def _zones() -> pl.DataFrame:
    rows = [
        {
            "zone": f"z{6 * row + column:02}",
            "district": "West" if column < 3 else "East",
            "functional_zone": "core" if column in (2, 3) else "plain_new_town",
            "mountain": False,
            "area_km2": 4.0,
            "population": 1000 * (1 + column),
            "jobs": 500 * (6 - column),
            "lon": 116.0 + SPACING_DEG * column,
            "lat": 40.0 + SPACING_DEG * row,
        }
        for row in range(4)
        for column in range(6)
    ]
    return Zone.validate(pl.DataFrame(rows), cast=True)


def _places() -> pl.DataFrame:
    seats = {
        "depot": ("bus_depot", "West", 0, 0),
        "market": ("wholesale_market", "West", 1, 1),
        "north": ("bus_terminal", "West", 0, 3),
        "south": ("bus_terminal", "East", 5, 0),
        "park": ("logistics_park", "East", 4, 2),
        "yard": ("sanitation_depot", "West", 1, 2),
        "plant": ("waste_plant", "East", 5, 3),
        "field": ("airport", "East", 5, 1),
    }
    rows = [
        {
            "place": place,
            "name": place,
            "name_zh": place,
            "kind": kind,
            "district": district,
            "lon": 116.0 + SPACING_DEG * column,
            "lat": 40.0 + SPACING_DEG * row,
            "size": 1.0,
            "accuracy_m": 100.0,
            "basis": "synthetic",
        }
        for place, (kind, district, column, row) in seats.items()
    ]
    return Place.validate(pl.DataFrame(rows), cast=True)


def _lines() -> tuple[pl.DataFrame, pl.DataFrame]:
    common = {
        "name_zh": "线",
        "depot": "depot",
        "from_terminal": "north",
        "to_terminal": "south",
        "district": "West",
        "length_km": 18.0,
        "first_departure_min": 360,
        "last_departure_min": 1260,
        "weekend_departures": 12,
        "basis": "synthetic",
    }
    lines = [
        {"line": "1", "kind": "regular", "weekday_departures": 60, "mountain": False, **common},
        {"line": "2", "kind": "mountain", "weekday_departures": 8, "mountain": True, **common},
    ]
    hours = [
        {
            "kind": kind,
            "hour": hour,
            "weekday_speed_kmh": 18.0,
            "weekend_speed_kmh": 20.0,
            "weekday_frequency": 3.0 if hour in (7, 8, 17, 18) else 1.0,
            "weekend_frequency": 1.0,
            "basis": "synthetic",
        }
        for kind in ("regular", "mountain")
        for hour in range(24)
    ]
    return Line.validate(pl.DataFrame(lines), cast=True), LineHour.validate(pl.DataFrame(hours), cast=True)


def _speeds() -> pl.DataFrame:
    rows = [
        {
            "road_class": "arterial",
            "hour": hour,
            "weekday_factor": FACTOR_BY_DAY if 7 <= hour < 19 else 1.0,
            "weekend_factor": 1.0,
        }
        for hour in range(24)
    ]
    return SpeedFactor.validate(pl.DataFrame(rows), cast=True)


def _hours() -> pl.DataFrame:
    fleets = ("car_private", "car_company", "ride_hail")
    names = ("taxi_trips", "flights", *(f"charging_{fleet}" for fleet in fleets))
    rows = [
        {"activity": name, "hour": hour, "weekday": 1.0 + (hour >= 6), "weekend": 1.0}
        for name in names
        for hour in range(24)
    ]
    return HourProfile.validate(pl.DataFrame(rows), cast=True)


def _shifts() -> pl.DataFrame:
    shared = {"start_sd_h": 0.5, "hours_sd": 0.5, "trips_sd": 2.0, "break_min": 30.0, "basis": "assumption"}
    rows = [
        {"pattern": "single", "shift": 0, "start_h": 7.0, "hours": 10.0, "trips": 8.0, "break_h": 11.0},
        {"pattern": "double", "shift": 0, "start_h": 5.0, "hours": 11.0, "trips": 7.0, "break_h": 10.0},
        {"pattern": "double", "shift": 1, "start_h": 17.0, "hours": 10.0, "trips": 7.0, "break_h": 21.0},
    ]
    return TaxiShift.validate(pl.DataFrame([{"pattern_share": 1.0, **row, **shared} for row in rows]), cast=True)


def _tours() -> pl.DataFrame:
    shared = {"stop_km": 1.0, "hop_km": 3.0, "base_min": 30.0, "weekend_share": 0.5, "stop_kg_spread": 0.0,
              "refill_km": None, "refill_min": None, "basis": "assumption"}  # fmt: skip
    goods = {"start_low_h": 5.0, "start_high_h": 7.0, "tours_low": 1, "tours_high": 2, "clusters": 2, "stops": 4.0,
             "stop_min": 10.0, "cluster_kmh": 20.0, "work_share": 0.0, "stem_km": 6.0, "unload_kind": None,
             "unload_min": 0.0, "window_min": 60.0, "load": "delivers", "stop_kg": 100.0}  # fmt: skip
    refuse = {"start_low_h": 4.0, "start_high_h": 5.0, "tours_low": 2, "tours_high": 2, "clusters": 1, "stops": 6.0,
              "stop_min": 5.0, "cluster_kmh": None, "work_share": 0.5, "stem_km": 4.0, "unload_kind": "waste_plant",
              "unload_min": 20.0, "window_min": None, "load": "collects", "stop_kg": 100.0}  # fmt: skip
    heads = [
        ("vans", "goods_light_pass", None, "logistics_park", 0.5, goods),
        ("cold", "goods_light_exempt", "cold_chain", "wholesale_market", 1.0, goods),
        ("refuse", "sanitation_light", None, "sanitation_depot", 1.0, refuse),
        ("heavy", "sanitation_heavy", None, "sanitation_depot", 1.0, refuse),
    ]
    rows = [
        {
            "pattern": pattern,
            "fleet": fleet,
            "exempt_reason": reason,
            "share": 1.0,
            "base_kind": base,
            "depot_share": at_base,
            **shared,
            **plan,
        }
        for pattern, fleet, reason, base, at_base, plan in heads
    ]
    return TourPattern.validate(pl.DataFrame(rows), cast=True)


def _airside() -> pl.DataFrame:
    shared = {"share": 1.0, "first_h": 5.0, "last_h": 24.0, "legs_low": 3, "legs_high": 6, "leg_km": 2.0,
              "stop_min": 30.0, "work_share": 0.5, "speed_kmh": 20.0, "basis": "assumption"}  # fmt: skip
    rows = [
        {"kind": "tractor", "exempt_reason": "none", "winter_only": False, **shared},
        {"kind": "deicer", "exempt_reason": "deicing_snow", "winter_only": True, **shared},
    ]
    return AirsidePattern.validate(pl.DataFrame(rows), cast=True)


def _background() -> pl.DataFrame:
    shared = {"electric_share": 1.0, "winter_factor": 1.5, "session_sd_kwh": 5.0, "battery_kwh": 60.0,
              "max_charge_kw": 80.0, "basis": "assumption"}  # fmt: skip
    rows = [
        {"fleet": "car_private", "powertrain": "BEV", "km_per_day": 40.0, "kwh_per_km": 0.15, "home_pile": True,
         "public_share_home": 0.1, "public_share_other": 0.9, "session_kwh": 30.0, "home_zone_share": 1.0, **shared},
        {"fleet": "ride_hail", "powertrain": "BEV", "km_per_day": 130.0, "kwh_per_km": 0.15, "home_pile": False,
         "public_share_home": 0.5, "public_share_other": 1.0, "session_kwh": 30.0, "home_zone_share": 0.0, **shared},
    ]  # fmt: skip
    return BackgroundPattern.validate(pl.DataFrame(rows), cast=True)


@pytest.fixture(scope="session")
def duty_tables() -> DutyTables:
    lines, line_hours = _lines()
    zone_speeds = pl.DataFrame({"functional_zone": ["core", "plain_new_town"], "free_flow_kmh": [30.0, 40.0]})
    return DutyTables(
        zones=_zones(),
        places=_places(),
        speeds=_speeds(),
        lines=lines,
        line_hours=line_hours,
        zone_speeds=ZoneSpeed.validate(zone_speeds, cast=True),
        hours=_hours(),
        taxi_shifts=_shifts(),
        tours=_tours(),
        airside=_airside(),
        background=_background(),
    )


@pytest.fixture(scope="session")
def duty_inputs(duty_tables: DutyTables) -> Callable[..., DutyInputs]:
    """Inputs with the shipped section, some of its fields changed."""

    def inputs(*, seed: int = 1, **fields: object) -> DutyInputs:
        return DutyInputs(duty_tables, DutiesSection.model_validate(fields), seed)

    return inputs


SMALL_RUN = {"run.sample": 0.01, "run.last_year": 2021}


@pytest.fixture(scope="session")
def small_scenario() -> Scenario:
    return Scenario.shipped("outlook").set(SMALL_RUN)


@pytest.fixture(scope="session")
def small(small_scenario: Scenario) -> Result:
    """The shipped city's first two years with one vehicle in a hundred."""
    return run(small_scenario)
