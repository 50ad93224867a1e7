from pathlib import Path

import polars as pl
import pytest

from fleetsim.freight import converted_turnover, goods, passengers, rail_shares
from fleetsim.scenario.accounts import FreightSection
from fleetsim.tables import Fleet, FreightBase, Observation, Occupancy, YearUse
from networks.errors import DataError
from networks.io import read_table

BEIJING = Path(__file__).parents[2] / "data" / "beijing"
OBSERVATIONS = read_table(BEIJING / "observations.csv", Observation)
BASE = read_table(BEIJING / "freight.csv", FreightBase)


@pytest.mark.parametrize(
    ("factor", "tkm"),
    [(1.0, 1000.0), (0.1, 100.0), (0.072, 72.0), (0.075, 75.0)],
    ids=["rail", "road", "home", "abroad"],
)
def test_a_thousand_passenger_km_count_for_their_converted_tonne_km(factor, tkm):
    assert converted_turnover(0.0, 1000.0, factor) == pytest.approx(tkm)
    assert converted_turnover(500.0, 1000.0, factor) == pytest.approx(500.0 + tkm)


def test_rail_share_follows_the_observed_years_and_holds_after_them():
    shares = rail_shares(OBSERVATIONS, "2025-12")
    table = goods(BASE, FreightSection(bulk_to_rail_share={2025: 0.0}), shares, [2020, 2025, 2030])
    rail = table.filter(pl.col("mode") == "rail")["share"].to_list()
    assert rail == pytest.approx([0.088, 0.12, 0.12])


def test_a_share_of_a_year_is_not_known_before_the_year_is_over():
    assert max(rail_shares(OBSERVATIONS, "2025-07")) == 2020


def test_no_observed_share_is_an_error_that_names_the_series():
    with pytest.raises(DataError, match="rail_freight_share_h1"):
        rail_shares(OBSERVATIONS, "2018-12")


def test_bulk_goods_moved_to_rail_leave_the_road_and_keep_the_total():
    section = FreightSection(bulk_to_rail_share={2025: 0.0, 2030: 0.1}, bulk_tonnage_mt=110.0)
    table = goods(BASE, section, {2020: 0.088, 2025: 0.12}, [2030])
    tonnage = dict(table.select("mode", "tonnage_mt").iter_rows())
    total = BASE["tonnage_mt"].sum()
    assert tonnage["rail"] == pytest.approx(0.12 * total + 11.0)
    assert tonnage["rail"] + tonnage["road"] == pytest.approx(total)


def test_passenger_turnover_is_distance_times_passengers_of_operating_fleets_only():
    use = YearUse.validate(
        pl.DataFrame(
            {
                "year": [2025, 2025],
                "fleet": ["bus_municipal", "car_private"],
                "powertrain": ["BEV", "BEV"],
                "carrier": ["electricity", "electricity"],
                "quantity": [1.0, 1.0],
                "unit": ["kWh", "kWh"],
                "distance_km": [1e9, 5e9],
            }
        ),
        cast=True,
    )
    fleets = read_table(BEIJING / "fleets.csv", Fleet)
    occupancy = Occupancy.validate(
        pl.DataFrame(
            {"fleet_group": ["bus", "car"], "passengers_per_vehicle": [14.0, 1.3], "basis": ["assumption"] * 2}
        ),
        cast=True,
    )
    table = passengers(use, fleets, occupancy, FreightSection())
    assert table["mode"].to_list() == ["bus"]
    assert table["passenger_km_g"].to_list() == pytest.approx([14.0])
    assert table["converted_tkm_g"].to_list() == pytest.approx([1.4])
