"""Survival, whole vehicles, one year of turnover, and the shipped city."""

import math
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleetsim import stock, tables
from fleetsim.cohorts import Cohorts, Order, Turn, hazard, hazard_scale, scaled, survival, transfer, turn, whole
from fleetsim.scenario.schedule import Conversion, ScheduleSection
from fleetsim.scenario.sections import StockSection
from fleetsim.stock import Sections, StockTables
from networks.errors import DataError, ScenarioError
from networks.io import read_table

CITY = Path(__file__).parents[2] / "data" / "beijing"
NAMES = {
    "fleets": tables.Fleet,
    "powertrains": tables.Powertrain,
    "vehicle_types": tables.VehicleType,
    "stock": tables.StockShare,
    "vintages": tables.Vintage,
    "purchases": tables.Purchase,
    "quotas": tables.Quota,
    "energy_prices": tables.EnergyPrice,
    "clauses": tables.Clause,
}
PETROL, BEV = 0, tables.POWERTRAINS.index("BEV")


@cache
def beijing() -> StockTables:
    return StockTables(**{name: read_table(CITY / f"{name}.csv", schema) for name, schema in NAMES.items()})


@cache
def opening() -> pl.DataFrame:
    return stock.initial(beijing(), 2020)


@cache
def turned() -> stock.Advanced:
    return stock.advance(opening(), 2021, stock.rules(beijing(), Sections(), (2020, 2021)))


def cohorts(counts: dict[tuple[int, int, int], float], vintages: int = 1, cells: int = 1) -> Cohorts:
    """Vehicles by powertrain, vintage and cell, at the end of 2020; the last vintage is 2020."""
    array = np.zeros((len(tables.POWERTRAINS), vintages, cells))
    for place, vehicles in counts.items():
        array[place] = vehicles
    names = tuple((f"district {index}", "all", "none") for index in range(cells))
    return Cohorts("van", 2020, 2020 - vintages + 1, names, array)


def only(place: int, cells: int = 1) -> np.ndarray:
    shares = np.zeros((len(tables.POWERTRAINS), cells))
    shares[place] = 1.0
    return shares


def flat(rate: float, vintages: int) -> np.ndarray:
    return np.full((len(tables.POWERTRAINS), vintages), rate)


def run_inflow(rates: np.ndarray, inflow: list[float]) -> list[float]:
    """Return year-end stocks when `inflow` is bought each year and leaves by `rates` of its age."""
    state = cohorts({}, vintages=1)
    held = []
    for bought in inflow:
        ages = state.ages().astype(int)
        by_vintage = np.repeat(rates[ages][None, :], len(tables.POWERTRAINS), axis=0)
        remaining = (state.counts * (1.0 - by_vintage[:, :, None])).sum()
        state = turn(state, Turn(by_vintage, np.array([remaining + bought]), only(PETROL))).cohorts
        held.append(float(state.counts.sum()))
    return held


def test_a_fixed_life_of_five_years_gives_the_worked_stock() -> None:
    rates = hazard(np.arange(12.0), 1e9, 1.0, statutory_age=5)
    assert run_inflow(rates, [float(n) for n in range(1, 11)]) == pytest.approx([1, 3, 6, 10, 15, 20, 25, 30, 35, 40])


def test_a_normal_life_gives_the_worked_stock() -> None:
    lives = np.array([0.5 * math.erfc((age - 5.0) / (1.5 * math.sqrt(2.0))) for age in range(13)])
    rates = 1.0 - lives[1:] / lives[:-1]
    expected = [0.99957094, 2.9953115, 5.96830193, 9.85008113, 14.4793678]
    expected += [19.60865447, 24.99043368, 30.46342411, 35.95916467, 41.45873561]
    assert run_inflow(rates, [n * lives[0] for n in range(1, 11)]) == pytest.approx(expected, rel=1e-8)


def test_the_mean_of_the_worked_weibull_life_is_13_2438_years() -> None:
    ages = np.linspace(0.0, 60.0, 60_001)
    assert np.trapezoid(survival(ages, 14.46, 4.79), ages) == pytest.approx(13.2438, abs=1e-4)


def test_hazard_is_one_less_the_ratio_of_survivals_and_one_at_the_statutory_age() -> None:
    rates = hazard(np.array([3.0, 7.0]), 8.0, 4.79, statutory_age=8)
    assert rates[0] == pytest.approx(
        1.0 - survival(np.array([4.0]), 8.0, 4.79)[0] / survival(np.array([3.0]), 8.0, 4.79)[0]
    )
    assert rates[1] == 1.0


def test_kappa_brings_retirements_to_the_observed_balance_and_never_above_all_vehicles() -> None:
    kappa = hazard_scale(opening=100.0, additions=20.0, closing=105.0, expected_retirements=10.0)
    assert kappa == 1.5
    assert scaled(np.array([0.1, 0.8, 1.0]), kappa).tolist() == pytest.approx([0.15, 1.0, 1.0])
    assert hazard_scale(100.0, 0.0, 110.0, 10.0) == 0.0


@pytest.mark.parametrize(
    ("values", "total", "caps", "expected"),
    [
        ([1.4, 1.4, 0.2], None, None, [2, 1, 0]),
        ([0.5, 0.5], 1, None, [1, 0]),
        ([2.6, 0.4], 3, [2.0, 5.0], [2, 1]),
        ([3.0, 1.0], 3, None, [2, 1]),
    ],
)
def test_whole_vehicles_keep_the_sum_by_largest_remainder(values, total, caps, expected) -> None:
    limits = None if caps is None else np.array(caps)
    assert whole(np.array(values), total, limits).tolist() == expected


def test_an_order_beyond_the_purchases_retires_the_oldest_vehicles_of_other_powertrains() -> None:
    fleet = cohorts({(PETROL, 0, 0): 3.0, (PETROL, 2, 0): 5.0, (BEV, 2, 0): 2.0}, vintages=3)
    is_bev = np.array([name == "BEV" for name in tables.POWERTRAINS])
    order = Order(is_bev, np.array([True]), vehicles=6.0, bought=False, split=is_bev.astype(float))
    result = turn(fleet, Turn(flat(0.0, 3), np.array([10.0]), only(PETROL), (order,), whole=True))
    assert result.additions[BEV, 0] == 4.0
    assert result.retirements[PETROL, 0] == 4.0
    assert result.cohorts.counts[PETROL, :, 0].tolist() == [0.0, 0.0, 4.0, 0.0]


def test_a_smaller_closing_number_sells_no_vehicle() -> None:
    result = turn(cohorts({(PETROL, 0, 0): 10.0}), Turn(flat(0.2, 1), np.array([5.0]), only(PETROL)))
    assert (result.additions.sum(), result.retirements.sum(), result.cohorts.counts.sum()) == (0.0, 2.0, 8.0)


def test_a_transfer_keeps_the_fleet_and_moves_whole_vehicles() -> None:
    fleet = cohorts({(PETROL, 0, 0): 7.0, (BEV, 1, 0): 3.0}, vintages=2, cells=2)
    moved = transfer(fleet, np.array([True, False]), np.array([False, True]), 4.0, in_whole=True)
    assert moved.counts.sum(axis=(0, 1)).tolist() == [6.0, 4.0]
    assert moved.counts[PETROL, 0].tolist() == [4.0, 3.0]


def test_the_shipped_stock_of_2020_holds_the_published_400_000_new_energy_vehicles() -> None:
    city = beijing()
    total = stock.nev_total(opening(), city.fleets, city.powertrains)
    assert total["vehicles"].to_list() == pytest.approx([400_000.0])


def test_the_opening_stock_keeps_every_shipped_group_and_whole_public_vehicles() -> None:
    keys = ["fleet", "powertrain", "district", "exempt_reason"]
    spread = opening().group_by(keys).agg(pl.col("vehicles").sum()).sort(keys)
    shipped = beijing().stock.select(*keys, "vehicles").sort(keys)
    assert spread["vehicles"].to_list() == pytest.approx(shipped["vehicles"].to_list(), abs=1e-6)
    public = opening().join(beijing().fleets.filter("whole_vehicles").select("fleet"), on="fleet")
    assert (public["vehicles"] == public["vehicles"].round()).all()


def test_a_year_of_the_city_conserves_every_group_to_a_billionth() -> None:
    keys = ["fleet", "powertrain", "district", "operator", "exempt_reason"]
    signed = [
        opening().select(*keys, value=pl.col("vehicles")),
        turned().additions.select(*keys, value=pl.col("vehicles")),
        turned().retirements.select(*keys, value=-pl.col("vehicles")),
        turned().stock.select(*keys, value=-pl.col("vehicles")),
    ]
    left = pl.concat(signed).group_by(keys).agg(pl.col("value").sum(), scale=pl.col("value").abs().max())
    assert left.select((pl.col("value").abs() / pl.col("scale")).max()).item() < 1e-9


def test_public_fleets_turn_over_in_whole_vehicles_and_keep_their_size() -> None:
    public = beijing().fleets.filter(pl.col("whole_vehicles") & (pl.col("fleet") != "goods_light_pass"))["fleet"]
    for table in turned():
        ours = table.filter(pl.col("fleet").is_in(public.implode()))["vehicles"]
        assert (ours == ours.round()).all()
    size = [t.filter(pl.col("fleet").is_in(public.implode()))["vehicles"].sum() for t in (opening(), turned().stock)]
    assert size[0] == size[1]


def test_the_tables_of_a_year_fit_their_schemas() -> None:
    tables.Stock.validate(turned().stock)
    assert stock.flows(turned().additions)["vehicles"].sum() == pytest.approx(turned().additions["vehicles"].sum())
    total = stock.totals(turned().stock, beijing().powertrains)
    assert total["vehicles"].sum() == pytest.approx(turned().stock["vehicles"].sum())


def test_vehicles_before_a_clause_date_leave_when_they_run_on_fuel() -> None:
    sections = Sections(stock=StockSection(retire_before={"truck_heavy": {2021: 2012}}))
    heavy = opening().filter(pl.col("fleet") == "truck_heavy")
    after = stock.advance(heavy, 2021, stock.rules(beijing(), sections, (2020, 2021))).stock
    old_fuel = (pl.col("vintage") < 2012) & pl.col("powertrain").cast(pl.String).is_in(["diesel", "gas"])
    assert heavy.filter(old_fuel).height > 0
    assert after.filter(old_fuel).height == 0


def nev_share(district: str | None, held: pl.DataFrame) -> float:
    ours = held.filter((pl.col("district") == district) if district else pl.lit(True))
    return float(ours.filter(pl.col("powertrain").cast(pl.String) == "BEV")["vehicles"].sum() / ours["vehicles"].sum())


@pytest.mark.parametrize(("district", "city_share"), [(None, 0.5), ("Haidian", 0.8)])
def test_a_script_for_the_whole_fleet_takes_the_place_of_its_observed_path(district, city_share) -> None:
    line = Conversion(fleet="taxi_company", to="BEV", share={2021: 0.5}, district=district)
    sections = Sections(schedule=ScheduleSection(convert=(line,)))
    path = {"taxi_company": ((2020.0, 0.8), (2022.0, 0.8))}
    given = stock.rules(beijing(), sections, (2020, 2021), None, path)
    taxis = opening().filter(pl.col("fleet") == "taxi_company")
    after = stock.advance(taxis, 2021, given).stock
    city = after.filter(pl.col("powertrain").cast(pl.String).is_in(["BEV", "BEV-swap"]))["vehicles"].sum()
    swap = after.filter(pl.col("powertrain").cast(pl.String) == "BEV-swap")["vehicles"].sum()
    assert nev_share("Haidian", after) >= 0.5 - 1e-3
    assert (city - (0.0 if district else swap)) / after["vehicles"].sum() == pytest.approx(city_share, abs=1e-3)


def test_a_stock_of_an_unknown_fleet_names_it_and_the_remedy() -> None:
    city = beijing()
    strange = city.stock.head(1).with_columns(fleet=pl.lit("tram"))
    broken = StockTables(**{**{name: getattr(city, name) for name in NAMES}, "stock": strange})
    with pytest.raises(DataError) as caught:
        stock.initial(broken, 2020)
    assert len(caught.value.problems) == 2
    assert "'tram' is not in fleets.csv; add it there" in caught.value.problems[0]


def test_a_stock_does_not_pass_for_that_of_another_year() -> None:
    with pytest.raises(ScenarioError, match=r"run\.first_year 2024: .* of the end of 2020"):
        stock.initial(beijing(), 2024)
