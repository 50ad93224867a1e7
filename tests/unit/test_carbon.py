from math import log
from pathlib import Path

import polars as pl
import pytest

from fleetsim.carbon import carbon, distance_use, energy, grid_factor, hydrogen_factor, top_down, year_use
from fleetsim.intensity import decompose, intensity, intensity_change
from fleetsim.scenario.accounts import CarbonSection
from fleetsim.tables import (
    Carbon,
    Day,
    DayUse,
    EmissionFactor,
    EnergyContent,
    EnergyUse,
    Fleet,
    Freight,
    Observation,
    Powertrain,
    StockTotal,
    VehicleType,
)
from networks.errors import DataError, ScenarioError
from networks.io import read_table

BEIJING = Path(__file__).parents[2] / "data" / "beijing"
FACTORS = read_table(BEIJING / "emission_factors.csv", EmissionFactor)
FLEETS = read_table(BEIJING / "fleets.csv", Fleet)
SECTION = CarbonSection()


def taken(rows):
    columns = ["year", "fleet", "carrier", "quantity", "unit"]
    return EnergyUse.validate(pl.DataFrame(rows, schema=columns, orient="row"), cast=True)


def turnover(rows):
    table = pl.DataFrame(rows, schema=["year", "mode", "converted_tkm_g"], orient="row").with_columns(
        tonnage_mt=None, tonne_km_g=None, passenger_km_g=None, share=None
    )
    return Freight.validate(table.select(list(Freight.columns())), cast=True)


def tonnes(table, fleet, account):
    rows = table.filter((pl.col("fleet") == fleet) & (pl.col("account").cast(pl.String) == account))
    return rows["co2_t"].to_list()


def day_use(days):
    rows = [(2025, day, "bus_municipal", "BEV", "electricity", 100.0, "kWh", 80.0) for day in days]
    return DayUse.validate(pl.DataFrame(rows, schema=list(DayUse.columns()), orient="row"), cast=True)


def test_days_are_weighted_to_the_year():
    days = Day.validate(
        pl.DataFrame(
            {
                "day": ["w", "m"],
                "name_zh": ["w", "m"],
                "month": [1, 4],
                "weekend": [False, False],
                "weight_days": [100.0, 265.0],
            }
        ),
        cast=True,
    )
    use = year_use(day_use(["w", "m"]), days)
    assert use["quantity"].to_list() == pytest.approx([36500.0])
    assert use["distance_km"].to_list() == pytest.approx([29200.0])


def test_a_simulated_day_without_a_weight_is_an_error():
    days = read_table(BEIJING / "days.csv", Day)
    with pytest.raises(DataError, match="moon_day"):
        year_use(day_use(["moon_day"]), days)


def test_a_plug_in_hybrid_shares_its_distance_between_petrol_and_electricity():
    stock = StockTotal.validate(
        pl.DataFrame(
            {
                "year": [2020, 2021],
                "fleet": ["car_private"] * 2,
                "powertrain": ["PHEV"] * 2,
                "district": ["Haidian"] * 2,
                "vehicles": [100.0, 300.0],
                "nev": [True, True],
            }
        ),
        cast=True,
    )
    types = read_table(BEIJING / "vehicle_types.csv", VehicleType)
    phev = types.filter(pl.col("vehicle_type") == "car_phev").row(0, named=True)
    km = FLEETS.filter(pl.col("fleet") == "car_private")["annual_km"][0] * 200.0
    section = CarbonSection(weather_factor={"PHEV": 1.1})
    use = distance_use(stock, FLEETS, types, read_table(BEIJING / "powertrains.csv", Powertrain), section)
    quantity = dict(
        use.filter(pl.col("year") == 2021).select(pl.col("carrier").cast(pl.String), "quantity").iter_rows()
    )
    share = phev["electric_km_share"]
    assert quantity["electricity"] == pytest.approx(km * share * phev["electric_kwh_per_km"] * 1.1)
    assert quantity["petrol"] == pytest.approx(km * (1.0 - share) * phev["use_per_km"] * 1.1)
    assert use.filter(pl.col("year") == 2021)["distance_km"].sum() == pytest.approx(km)


def test_electricity_is_measured_at_the_grid_and_fuel_is_not_changed():
    days = Day.validate(
        pl.DataFrame({"day": ["d"], "name_zh": ["d"], "month": [1], "weekend": [False], "weight_days": [365.0]}),
        cast=True,
    )
    table = energy(year_use(day_use(["d"]), days), CarbonSection(charging_efficiency=0.8))
    assert table["quantity"].to_list() == pytest.approx([100.0 * 365.0 / 0.8])


def test_the_two_accounts_keep_apart_what_a_battery_bus_and_a_diesel_bus_emit():
    rows = [(2022, "bus_municipal", "diesel", 1000.0, "l"), (2022, "bus_municipal", "electricity", 1000.0, "kWh")]
    table = carbon(taken(rows), FLEETS, FACTORS, SECTION)
    assert tonnes(table, "bus_municipal", "statutory") == pytest.approx([2.6006], abs=1e-4)
    assert tonnes(table, "bus_municipal", "energy_system") == pytest.approx([2.6006 + 0.558], abs=1e-4)


def test_electricity_and_hydrogen_count_zero_in_the_statutory_account():
    rows = [(2025, "truck_heavy", "hydrogen", 1e6, "kg"), (2025, "taxi_company", "electricity", 1e6, "kWh")]
    table = carbon(taken(rows), FLEETS, FACTORS, SECTION)
    assert tonnes(table, "truck_heavy", "statutory") == tonnes(table, "taxi_company", "statutory") == [0.0]
    assert min(tonnes(table, "truck_heavy", "energy_system")) > 0.0


def test_private_cars_are_not_in_the_statutory_account():
    table = carbon(taken([(2025, "car_private", "petrol", 1000.0, "l")]), FLEETS, FACTORS, SECTION)
    assert tonnes(table, "car_private", "statutory") == []
    assert tonnes(table, "car_private", "energy_system") == pytest.approx([2.1646], abs=1e-4)


@pytest.mark.parametrize(("year", "factor"), [(2020, 0.5688), (2021, 0.5688), (2022, 0.558), (2024, 0.558 * 0.975**2)])
def test_the_grid_factor_is_the_published_one_and_then_the_scenario_s(year, factor):
    assert grid_factor(FACTORS, CarbonSection(grid_factor_change_per_year=-0.025), year) == pytest.approx(factor)


def test_hydrogen_takes_the_mean_of_its_pathways():
    section = CarbonSection(hydrogen_pathways={"renewable": {2020: 0.5}, "grid_electrolysis": {2020: 0.5}})
    assert hydrogen_factor(FACTORS, section, 2022) == pytest.approx((0.5 + 55.0 * 0.558) / 2.0)


def test_an_unknown_hydrogen_pathway_is_named():
    with pytest.raises(ScenarioError, match="moonshine"):
        hydrogen_factor(FACTORS, CarbonSection(hydrogen_pathways={"moonshine": {2020: 1.0}}), 2022)


def test_the_published_total_is_set_beside_the_model_and_scales_nothing():
    accounts = Carbon.validate(
        pl.DataFrame(
            {
                "year": [2025, 2025],
                "fleet": ["coach", "coach"],
                "account": ["statutory", "energy_system"],
                "co2_t": [5.8e6, 9e6],
            }
        ),
        cast=True,
    )
    table = top_down(accounts, read_table(BEIJING / "observations.csv", Observation))
    assert table.row(0, named=True) == {"year": 2025, "bottom_up_t": 5.8e6, "top_down_t": 2.9e6, "ratio": 2.0}


def test_hand_computed_decomposition_of_a_product():
    # 2 x 3 = 6 becomes 4 x 2 = 8: the logarithmic mean of 6 and 8 is 2 / ln(8/6).
    mean = 2.0 / log(8.0 / 6.0)
    assert decompose([2.0, 3.0], [4.0, 2.0]) == pytest.approx((mean * log(2.0), mean * log(2.0 / 3.0)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([0.5, 2.0, 0.3], [0.4, 1.5, 0.25]),
        ([0.5, 2.0, 0.3], [0.4, 1.5, 0.0]),
        ([0.0, 0.0, 0.0], [0.4, 1.5, 0.2]),
        ([0.5, 2.0, 0.3], [1.0, 1.0, 0.3]),
        ([0.5, 0.0, 0.0], [0.6, 0.0, 0.0]),
    ],
    ids=["all change", "becomes electric", "new mode", "product unchanged", "never burns"],
)
def test_decomposition_terms_add_up_exactly(before, after):
    change = after[0] * after[1] * after[2] - before[0] * before[1] * before[2]
    assert sum(decompose(before, after)) == pytest.approx(change, abs=1e-15)


def test_a_fleet_that_becomes_electric_changes_the_intensity_through_its_fuel_alone():
    assert decompose([0.5, 2.0, 0.3], [0.4, 1.5, 0.0]) == pytest.approx((0.0, 0.0, -0.3))


def test_the_intensity_s_causes_add_up_to_its_change():
    use = taken(
        [
            (2020, "truck_heavy", "diesel", 4e8, "l"),
            (2020, "bus_municipal", "diesel", 1e8, "l"),
            (2030, "truck_heavy", "diesel", 3e8, "l"),
            (2030, "truck_heavy", "electricity", 2e8, "kWh"),
            (2030, "bus_municipal", "electricity", 3e8, "kWh"),
        ]
    )
    moved = turnover(
        [
            (2020, "road", 20.0),
            (2020, "rail", 15.0),
            (2020, "bus", 1.5),
            (2030, "road", 18.0),
            (2030, "rail", 22.0),
            (2030, "bus", 1.4),
        ]
    )
    content = read_table(BEIJING / "energy_content.csv", EnergyContent)
    causes = intensity_change(use, moved, FLEETS, FACTORS, content, base_year=2020).filter(pl.col("year") == 2030)
    by_year = intensity(carbon(use, FLEETS, FACTORS, SECTION), moved)
    explained = causes.select(pl.sum_horizontal("structure", "efficiency", "fuel")).to_series().sum()
    assert explained == pytest.approx(by_year[2030] - by_year[2020], abs=1e-12)


def test_ten_percent_can_be_met_by_structure_alone():
    use = taken([(2020, "truck_heavy", "diesel", 4e8, "l"), (2030, "truck_heavy", "diesel", 3.2e8, "l")])
    moved = turnover([(2020, "road", 20.0), (2020, "rail", 15.0), (2030, "road", 16.0), (2030, "rail", 19.0)])
    content = read_table(BEIJING / "energy_content.csv", EnergyContent)
    causes = intensity_change(use, moved, FLEETS, FACTORS, content, base_year=2020).filter(pl.col("year") == 2030)
    by_year = intensity(carbon(use, FLEETS, FACTORS, SECTION), moved)
    assert by_year[2030] / by_year[2020] == pytest.approx(0.8)
    assert causes["efficiency"].abs().max() == pytest.approx(0.0, abs=1e-15)
    assert causes["fuel"].abs().max() == pytest.approx(0.0, abs=1e-15)
