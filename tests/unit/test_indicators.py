from pathlib import Path

import polars as pl
import pytest

from fleetsim.indicators import Estimate, Published, collect, compute, monthly_fit, status, values, year_reached
from fleetsim.modelled import of_clauses, of_freight, of_intensity, of_piles, of_stations
from fleetsim.tables import Clause, Compliance, Freight, IndicatorSeries, Observation
from networks.errors import DataError
from networks.io import read_table

BEIJING = Path(__file__).parents[2] / "data" / "beijing"
OBSERVATIONS = read_table(BEIJING / "observations.csv", Observation)
CLAUSES = read_table(BEIJING / "clauses.csv", Clause)
SERIES = read_table(BEIJING / "indicators.csv", IndicatorSeries)
NEV = {
    2024: (1.02e6, 0.99e6, 1.05e6),
    2025: (1.33e6, 1.30e6, 1.36e6),
    2026: (1.7e6, 1.6e6, 1.8e6),
    2027: (2.05e6, 1.95e6, 2.2e6),
}


def modelled(indicator, by_year):
    rows = [(year, *numbers) for year, numbers in by_year.items()]
    table = pl.DataFrame(rows, schema=["year", "value", "low", "high"], orient="row")
    return values(indicator, table, "value", source="test", ends=("low", "high"))


def single(indicator, year, value):
    return values(indicator, pl.DataFrame({"year": [year], "value": [value]}), "value", source="test")


def trusts(enforced, assumed):
    return dict.fromkeys(enforced, "enforced") | dict.fromkeys(assumed, "none")


def indicators(*parts, until="2025-12", enforced=(), assumed=()):
    return compute(CLAUSES, SERIES, OBSERVATIONS, collect(parts), until=until, trust=trusts(enforced, assumed))


def row(table, indicator, year, basis):
    return table.filter(
        (pl.col("indicator") == indicator) & (pl.col("year") == year) & (pl.col("basis").cast(pl.String) == basis)
    ).row(0, named=True)


@pytest.mark.parametrize(
    ("published", "estimate", "due", "expected"),
    [
        (Published(value=0.765), Estimate(0.70), True, "met"),
        (Published(value=0.76), Estimate(0.80), True, "missed"),
        (Published(lower=0.77), Estimate(0.70), True, "met"),
        (Published(upper=0.76), Estimate(0.80), True, "missed"),
        (Published(lower=0.70), Estimate(0.72, 0.71, 0.74), True, "missed"),
        (Published(lower=0.70), Estimate(0.80, 0.79, 0.81), True, "unknown"),
        (Published(lower=0.70), Estimate(0.75, 0.74, 0.78), True, "unknown"),
        (Published(), Estimate(0.77), True, "met"),
        (Published(), Estimate(0.75), True, "missed"),
        (Published(), Estimate(0.77, 0.75, 0.79), True, "unknown"),
        (Published(), Estimate(0.77, 0.77, 0.79), True, "met"),
        (Published(), Estimate(), True, "unknown"),
        (Published(), Estimate(0.90), False, "open"),
        (Published(value=0.90), Estimate(), False, "met"),
    ],
)
def test_status_follows_the_published_figure_first_and_the_model_second(published, estimate, due, expected):
    assert status(0.765, published, estimate, due=due) == expected


def test_a_clause_the_scenario_enforces_is_never_met_by_the_model_but_may_be_missed():
    assert status(1.0, Published(), Estimate(1.0), due=True, trust="enforced") == "unknown"
    assert status(1.0, Published(), Estimate(0.9), due=True, trust="enforced") == "missed"


def test_what_the_scenario_assumes_decides_nothing():
    assert status(0.7, Published(), Estimate(0.9), due=True, trust="none") == "unknown"
    assert status(0.7, Published(), Estimate(0.1), due=True, trust="none") == "unknown"


@pytest.mark.parametrize(("value", "expected"), [(0.85, "met"), (0.95, "missed")])
def test_a_target_not_to_be_exceeded_is_met_from_above(value, expected):
    assert status(0.9, Published(), Estimate(value), due=True, direction="at_most") == expected
    assert status(0.9, Published(value=value), Estimate(), due=True, direction="at_most") == expected


def test_a_bound_is_mirrored_with_the_target():
    assert status(0.9, Published(upper=0.85), Estimate(), due=True, direction="at_most") == "met"
    assert status(0.9, Published(lower=0.95), Estimate(), due=True, direction="at_most") == "missed"


def test_two_million_vehicles_are_missed_and_the_year_they_are_reached_has_its_range():
    table = indicators(modelled("nev_stock", NEV))
    said, seen = row(table, "nev_stock", 2025, "modelled"), row(table, "nev_stock", 2025, "observed")
    assert said["status"] == seen["status"] == "missed"
    assert said["gap"] == pytest.approx(1.33e6 - 2e6)
    reached = row(table, "nev_stock_year_reached", 2025, "modelled")
    assert (reached["value"], reached["low"], reached["high"]) == (2027, 2027, None)


def test_a_published_lower_bound_stays_a_bound():
    seen = row(indicators(modelled("nev_stock", NEV)), "nev_stock", 2025, "observed")
    assert seen["value"] is None
    assert seen["gap"] is None
    assert seen["low"] == 1.3e6


def test_green_travel_of_2025_is_met_by_the_observation_though_the_model_falls_short():
    parts = modelled("green_travel", {2025: (0.763, 0.760, 0.766), 2030: (0.775, 0.762, 0.787)})
    table = indicators(parts)
    assert row(table, "green_travel", 2025, "observed")["status"] == "met"
    assert row(table, "green_travel", 2025, "modelled")["status"] == "met"


def test_green_travel_of_2030_is_open_with_its_gap():
    table = indicators(modelled("green_travel", {2025: (0.763, 0.760, 0.766), 2030: (0.775, 0.762, 0.787)}))
    forecast = row(table, "green_travel", 2030, "modelled")
    assert forecast["status"] == "open"
    assert forecast["gap"] == pytest.approx(-0.005)
    assert row(table, "green_travel_year_reached", 2030, "modelled")["low"] == 2030


def test_years_before_the_target_year_are_not_due():
    table = indicators(modelled("nev_stock", NEV))
    assert row(table, "nev_stock", 2024, "modelled")["status"] == "not_due"
    assert row(table, "green_travel", 2019, "observed")["status"] == "not_due"


def test_a_target_nobody_observed_nor_modelled_is_unknown():
    assert row(indicators(modelled("nev_stock", NEV)), "supercharging", 2025, "modelled")["status"] == "unknown"


def test_swap_stations_of_2020_do_not_stand_for_2025_and_an_assumed_number_decides_nothing():
    table = indicators(single("swap", 2025, 250.0))
    assert row(table, "swap", 2020, "observed")["value"] == 159.0
    assert row(table, "swap", 2025, "modelled")["status"] == "unknown"


def test_an_assumed_degree_of_compliance_decides_nothing():
    assert row(indicators(single("bus", 2025, 0.7)), "bus", 2025, "modelled")["status"] == "missed"
    table = indicators(single("bus", 2025, 0.7), assumed=["bus"])
    assert row(table, "bus", 2025, "modelled")["status"] == "unknown"


def test_an_observation_of_another_unit_is_brought_to_the_clause_s():
    seen = row(indicators(modelled("nev_stock", NEV)), "green_power", 2025, "observed")
    assert seen["low"] == pytest.approx(44.0)
    assert seen["status"] == "met"


def test_an_enforced_clause_stays_unknown_where_nothing_was_published():
    table = indicators(single("bus", 2025, 1.0), enforced=["bus"])
    assert row(table, "bus", 2025, "modelled")["status"] == "unknown"


def test_a_target_after_the_last_month_that_is_over_is_open():
    assert row(indicators(single("swap", 2025, 400.0), until="2025-07"), "swap", 2025, "modelled")["status"] == "open"


def test_an_indicator_without_a_target_is_an_error():
    with pytest.raises(DataError, match="nev_stock"):
        compute(
            CLAUSES.filter(pl.col("clause") != "nev_stock"),
            SERIES,
            OBSERVATIONS,
            single("swap", 2025, 1.0),
            until="2025-12",
        )


def test_every_clause_has_an_indicator_and_every_series_an_observation():
    assert set(CLAUSES["clause"]) <= set(SERIES["clause"])
    assert set(SERIES["observation"].drop_nulls()) <= set(OBSERVATIONS["indicator"])


def test_first_year_that_reaches_a_target():
    assert year_reached({2024: 1.0, 2025: None, 2026: 2.0}, 2.0) == 2026
    assert year_reached({2024: 1.0}, 2.0) is None
    assert year_reached({2029: 0.92, 2030: 0.88}, 0.9, direction="at_most") == 2030


def test_months_between_year_ends_are_linear():
    table = monthly_fit(OBSERVATIONS, {2023: 0.8e6, 2024: 1.04e6}, "nev_stock")
    june = table.filter(pl.col("date") == "2024-06").row(0, named=True)
    assert june["modelled"] == pytest.approx(0.92e6)
    assert june["error_share"] == pytest.approx(0.92 / 0.87 - 1.0)
    assert table["date"].to_list() == ["2023-12", "2024-06", "2024-10", "2024-12"]


def test_clauses_that_count_take_the_number_and_others_the_share():
    rows = pl.DataFrame(
        {
            "year": [2025, 2025],
            "clause": ["nev_stock", "taxi"],
            "district": ["all", "all"],
            "eligible": [7.9e6, 6.7e4],
            "compliant": [1.3e6, 6.7e4],
            "share": [0.16, 1.0],
            "gross_share": [0.16, 0.96],
        }
    )
    made = {part["indicator"][0]: part["value"][0] for part in of_clauses(Compliance.validate(rows), CLAUSES)}
    assert made == {"nev_stock": 1.3e6, "taxi": 1.0}


def test_stations_count_from_their_opening_year():
    stations = pl.DataFrame({"kind": ["swap", "swap", "hydrogen"], "opened_year": [2020, 2022, 2021]})
    hydrogen, swap = of_stations(stations, [2020, 2021, 2022])
    assert swap["value"].to_list() == [1.0, 1.0, 2.0]
    assert hydrogen["value"].to_list() == [0.0, 1.0, 1.0]


def test_the_intensity_is_counted_against_its_base_year():
    assert of_intensity({2020: 0.2, 2030: 0.15}, 2020)["value"].to_list() == pytest.approx([1.0, 0.75])


def test_piles_and_freight_take_the_rows_of_the_city_s_total():
    piles = pl.DataFrame({"year": [2025, 2025], "kind": ["public", "total"], "piles": [10, 30]})
    freight = pl.DataFrame({"year": [2025, 2025], "mode": ["rail", "road"], "share": [0.12, 0.88]})
    assert of_piles(piles)["value"].to_list() == [30.0]
    assert of_freight(freight)["value"].to_list() == [0.12]
    assert "share" in Freight.columns()


def test_observations_hold_no_target_and_keep_the_two_stock_series_apart():
    names = OBSERVATIONS["indicator"]
    assert not names.str.contains("target|planned|_plan$").any()
    in_use = OBSERVATIONS.filter((pl.col("indicator") == "nev_stock") & (pl.col("bound") == "value"))
    assert dict(in_use.select("date", "value").iter_rows()) == {
        "2020-12": 400000.0,
        "2023-06": 692000.0,
        "2023-12": 773000.0,
        "2024-06": 870000.0,
        "2024-10": 957000.0,
        "2025-07": 1135000.0,
    }
    bounds = OBSERVATIONS.filter((pl.col("indicator") == "nev_stock") & (pl.col("bound") == "lower"))
    assert bounds["date"].to_list() == ["2024-12", "2025-08", "2025-12"]
