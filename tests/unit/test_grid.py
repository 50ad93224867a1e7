import polars as pl
import pytest

from charging.grid import GridYear, HomeHours, city_load, home_load, peaks, station_load_by_district
from charging.tables import Station, StationLoad
from fleetsim.scenario.accounts import GridSection
from fleetsim.supply import grid_years
from networks.errors import DataError

GRID = {2025: GridYear(28.0, 20, 0.25, 0.7, 0.4)}
HOURS = HomeHours(GridSection().valley_hours, GridSection().evening_hours)


def stations(kinds):
    rows = {
        "station_id": list(kinds),
        "kind": list(kinds.values()),
        "district": ["Haidian", "Chaoyang", "Haidian"][: len(kinds)],
    }
    fixed = {
        "name": "s",
        "lon": 116.4,
        "lat": 39.9,
        "opened_year": 2020,
        "plugs": 4,
        "power_kw": 60.0,
        "basis": "synthetic",
    }
    empty = dict.fromkeys(("site_limit_kw", "fleet_group", "packs", "storage_kg", "supply_kg_h", "reason"))
    table = pl.DataFrame(rows).with_columns(pl.lit(value).alias(name) for name, value in (fixed | empty).items())
    return Station.validate(table.select(list(Station.columns())), cast=True)


def station_load(rows):
    table = pl.DataFrame(rows, schema=["station_id", "hour", "energy_kwh"], orient="row").with_columns(
        year=2025, day=pl.lit("d"), peak_kw=0.0, mean_wait_min=None, p95_wait_min=None, served=1, unserved=0
    )
    return StationLoad.validate(table.select(list(StationLoad.columns())), cast=True)


def test_the_night_after_is_folded_into_the_clock_and_losses_are_added():
    load = station_load([("a", 1, 10.0), ("a", 25, 8.0), ("b", 12, 9.0)])
    table = station_load_by_district(load, stations({"a": "depot", "b": "public"}), charging_efficiency=0.9)
    assert table.select("district", "hour", "energy_kwh").rows() == [
        ("Chaoyang", 12, pytest.approx(10.0)),
        ("Haidian", 1, pytest.approx(20.0)),
    ]


def test_hydrogen_is_no_load_of_the_grid_here():
    load = station_load([("a", 1, 10.0), ("c", 1, 99.0)])
    made = station_load_by_district(
        load, stations({"a": "depot", "b": "public", "c": "hydrogen"}), charging_efficiency=1.0
    )
    assert made["energy_kwh"].sum() == pytest.approx(10.0)


def test_a_load_of_an_unknown_station_is_an_error():
    with pytest.raises(DataError, match="ghost"):
        station_load_by_district(station_load([("ghost", 1, 1.0)]), stations({"a": "depot"}), charging_efficiency=1.0)


def test_home_charging_keeps_its_energy_and_its_valley_share():
    table = home_load({"Haidian": 100.0, "Chaoyang": 60.0}, 2025, "d", valley_share=0.6, hours=HOURS)
    night = table.filter((pl.col("hour") >= 23) | (pl.col("hour") < 7))["energy_kwh"].sum()
    assert table["energy_kwh"].sum() == pytest.approx(160.0)
    assert night == pytest.approx(96.0)


def test_the_city_is_the_sum_of_its_districts():
    home = home_load({"Haidian": 100.0, "Chaoyang": 60.0}, 2025, "d", valley_share=0.6, hours=HOURS)
    table = city_load([home, home])
    assert table.filter(pl.col("district") == "all")["energy_kwh"].sum() == pytest.approx(320.0)
    assert table.filter(pl.col("district") != "all")["energy_kwh"].sum() == pytest.approx(320.0)


def test_hand_computed_peak_and_response():
    # 2 GWh over 18 to 23 h make 0.4 GW at 20 h; a quarter of it and 0.7 GW elsewhere can give way.
    table = peaks(city_load([home_load({"Haidian": 2e6}, 2025, "d", valley_share=0.0, hours=HOURS)]), GRID)
    row = table.row(0, named=True)
    assert row["charging_at_city_peak_gw"] == pytest.approx(0.4)
    assert row["charging_share"] == pytest.approx(0.4 / 28.0)
    assert row["response_gw"] == pytest.approx(0.8)
    assert row["response_share"] == pytest.approx(0.8 / 28.0)
    assert row["charging_peak_hour"] == 18


def test_more_valley_charging_lowers_the_load_at_the_city_s_peak():
    at_peak = [
        peaks(city_load([home_load({"Haidian": 1e6}, 2025, "d", valley_share=share, hours=HOURS)]), GRID)[
            "charging_at_city_peak_gw"
        ][0]
        for share in (0.4, 0.8)
    ]
    assert at_peak[1] < at_peak[0]


def test_the_grid_section_is_read_year_by_year():
    grid = grid_years(GridSection(city_peak_gw={2020: 20.0, 2030: 30.0}), [2020, 2025])
    assert (grid[2020].city_peak_gw, grid[2025].city_peak_gw) == (20.0, 25.0)


def test_an_hour_of_both_parts_of_home_charging_takes_from_both():
    table = home_load({"Haidian": 100.0}, 2025, "d", valley_share=0.6, hours=HomeHours((22, 23), (21, 22)))
    assert dict(table.select("hour", "energy_kwh").iter_rows()) == pytest.approx({21: 20.0, 22: 50.0, 23: 30.0})
