"""The duty tables that ship, and the days they make, against what is published."""

from pathlib import Path

import polars as pl
import pytest

from fleetsim.datasets import data_root
from fleetsim.duties.fleet import DayOf, DutyInputs, DutyTables
from fleetsim.duties.itinerary import FleetDay
from fleetsim.duties.make import make_fleet
from fleetsim.duties.tables import (
    AirsidePattern,
    BackgroundPattern,
    FleetCount,
    HourProfile,
    TaxiShift,
    TourPattern,
    ZoneSpeed,
)
from fleetsim.scenario.sections import DutiesSection
from networks.io import read_table
from networks.tables import FUNCTIONAL_ZONES, Line, LineHour, Place, SpeedFactor, Zone

BEIJING: Path = data_root() / "beijing"
VEHICLES = 3000


@pytest.fixture(scope="module")
def beijing() -> DutyInputs:
    tables = DutyTables(
        zones=read_table(BEIJING / "zones.csv", Zone),
        places=read_table(BEIJING / "places.csv", Place),
        speeds=read_table(BEIJING / "speeds.csv", SpeedFactor),
        lines=Line.create_empty(),
        line_hours=LineHour.create_empty(),
        zone_speeds=read_table(BEIJING / "duty_zone_speeds.csv", ZoneSpeed),
        hours=read_table(BEIJING / "duty_hours.csv", HourProfile),
        taxi_shifts=read_table(BEIJING / "duty_taxi_shifts.csv", TaxiShift),
        tours=read_table(BEIJING / "duty_tours.csv", TourPattern),
        airside=read_table(BEIJING / "duty_airside.csv", AirsidePattern),
        background=read_table(BEIJING / "duty_background.csv", BackgroundPattern),
    )
    return DutyInputs(tables, DutiesSection(), 1)


def made(inputs: DutyInputs, fleet: str, districts: tuple[str, ...], reason: str = "none") -> FleetDay:
    rows = [(fleet, district, reason, VEHICLES // len(districts)) for district in districts]
    counts = FleetCount.validate(pl.DataFrame(rows, schema=FleetCount.column_names(), orient="row"))
    return make_fleet(inputs, counts, DayOf(fleet, "mild_weekday", 4, weekend=False))


def test_every_hour_zone_and_reason_has_its_row(beijing: DutyInputs) -> None:
    tables = beijing.tables
    assert set(tables.hours.group_by("activity").len()["len"]) == {24}
    assert set(tables.zone_speeds["functional_zone"].cast(pl.String)) == set(FUNCTIONAL_ZONES)
    goods = tables.tours.filter(pl.col("fleet") == "goods_light_exempt")["exempt_reason"]
    assert set(goods) == {"dangerous_goods", "cold_chain", "confidential_mail", "suburban_postal"}
    airside = {"none", "fire", "rescue", "refuelling", "deicing_snow", "emergency"}
    assert set(tables.airside["exempt_reason"]) == airside


def test_a_registered_taxi_makes_about_ten_trips_a_day(beijing: DutyInputs) -> None:
    # 0.258 billion cruising trips in 2024, 366 days, about 70,000 taxis: 10.07; 2014: about 22
    legs = made(beijing, "taxi_company", ("Chaoyang", "Haidian", "Fengtai")).legs
    trips = legs.filter(pl.col("dwell_s") != 900).height
    assert trips / VEHICLES == pytest.approx(258e6 / 366 / 70_000, rel=0.06)


def test_a_double_shift_drives_over_half_more_than_a_single_one(beijing: DutyInputs) -> None:
    legs = made(beijing, "taxi_company", ("Chaoyang", "Haidian", "Fengtai")).legs
    days = legs.group_by("vehicle_id").agg(shifts=(pl.col("dwell_s") == 900).sum(), km=pl.col("distance_km").sum())
    single, double = (days.filter(pl.col("shifts") == shifts)["km"].mean() for shifts in (1, 2))
    assert double > 1.5 * single


@pytest.mark.parametrize(
    ("fleet", "low_km", "high_km"),
    [("goods_light_pass", 80.0, 150.0), ("sanitation_light", 50.0, 100.0), ("sanitation_heavy", 60.0, 100.0)],
)
def test_a_working_day_has_the_distance_expected_of_the_fleet(
    beijing: DutyInputs, fleet: str, low_km: float, high_km: float
) -> None:
    day = made(beijing, fleet, ("Chaoyang", "Haidian", "Fengtai", "Tongzhou"))
    assert low_km < day.legs["distance_km"].sum() / day.vehicles.height < high_km


def test_airside_vehicles_drive_little_and_stand_at_work_for_hours(beijing: DutyInputs) -> None:
    day = made(beijing, "airside", ("Chaoyang", "Daxing"))
    assert day.legs["distance_km"].sum() / day.vehicles.height < 40.0
    assert day.legs["dwell_s"].sum() / day.vehicles.height > 3 * 3600.0
