from pathlib import Path

import polars as pl
import pytest

from charging.solar import build, covered_share, potential_kwp
from charging.tables import SolarSite
from fleetsim.scenario.accounts import SolarSection
from fleetsim.supply import solar
from networks.io import read_table

BEIJING = Path(__file__).parents[2] / "data" / "beijing"


def sites(first_year=2021):
    table = pl.DataFrame(
        {
            "kind": ["roof"],
            "name_zh": ["屋顶"],
            "sites": [10],
            "area_m2_per_site": [1000.0],
            "usable_share": [0.5],
            "kwp_per_m2": [0.2],
            "first_year": [first_year],
            "basis": ["synthetic"],
        }
    )
    return SolarSite.validate(table, cast=True)


def made(shares, first_year=2021, loss=0.1):
    return build(
        sites(first_year), shares, yield_kwh_per_kwp=1000.0, loss_per_year=loss, orientation_factor={"roof": 0.8}
    )


def test_potential_is_area_times_usable_share_times_density():
    assert potential_kwp(sites()) == {"roof": pytest.approx(1000.0)}


def test_hand_computed_yield_of_two_years_of_building():
    table = made({2020: 0.0, 2021: 0.2, 2022: 0.5, 2023: 0.5})
    assert table["power_kwp"].to_list() == pytest.approx([0.0, 200.0, 500.0, 500.0])
    # 2022: 200 kWp of the year before less a tenth, 300 kWp for half a year; 2023: both a year older.
    assert table["energy_kwh"].to_list() == pytest.approx(
        [0.0, 0.8 * 100e3, 0.8 * (180e3 + 150e3), 0.8 * (162e3 + 270e3)]
    )


def test_nothing_stands_before_a_kind_s_first_year():
    assert made({2021: 0.2, 2022: 0.3, 2023: 0.3}, first_year=2023)["power_kwp"].to_list() == pytest.approx(
        [0, 0, 300.0]
    )


def test_share_of_charging_covered_leaves_out_years_without_charging():
    table = made({2021: 0.5, 2022: 0.5}, loss=0.0)
    assert covered_share(table, {2021: 0.0, 2022: 1.6e6}) == {2022: pytest.approx(0.25)}


def test_shipped_sites_name_every_kind_of_the_clause_and_build_along_the_scenario():
    table = solar(read_table(BEIJING / "solar_sites.csv", SolarSite), SolarSection(), range(2020, 2031))
    assert set(table["kind"]) == {"metro_depot", "bus_site", "car_park", "service_area", "slope", "noise_barrier"}
    by_year = table.group_by("year").agg(pl.col("power_kwp").sum()).sort("year")["power_kwp"].to_list()
    assert by_year == sorted(by_year)
    assert by_year[0] == 0.0 < by_year[-1]
