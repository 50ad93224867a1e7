"""Clauses: what they ask of buyers, and that exemptions change no compliance."""

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleetsim import policy, tables
from fleetsim.scenario.sections import PolicySection
from networks.io import read_table

CITY = Path(__file__).parents[2] / "data" / "beijing"


@cache
def clauses() -> pl.DataFrame:
    return read_table(CITY / "clauses.csv", tables.Clause)


@cache
def powertrains() -> pl.DataFrame:
    return read_table(CITY / "powertrains.csv", tables.Powertrain)


def vehicles(*rows: tuple[str, str, str, float], year: int = 2025) -> pl.DataFrame:
    """Rows of fleet, powertrain, reason of exemption and number, all in Haidian."""
    table = pl.DataFrame(rows, schema=["fleet", "powertrain", "exempt_reason", "vehicles"], orient="row")
    return table.with_columns(year=pl.lit(year, dtype=pl.Int64), district=pl.lit("Haidian"), operator=pl.lit("all"))


def city_row(clause: str, held: pl.DataFrame, bought: pl.DataFrame | None = None) -> dict[str, float]:
    table = policy.compliance(held, held.clear() if bought is None else bought, clauses(), powertrains())
    return table.filter((pl.col("clause") == clause) & (pl.col("district") == "all")).row(0, named=True)


EXEMPTIONS = [
    (clause, fleet, reason)
    for clause, fleet, reasons in [
        ("bus", "bus_municipal", ("mountain_line", "emergency_support")),
        ("taxi", "taxi_company", ("social_security", "individual_owner")),
        ("sanitation_new", "sanitation_light", ("no_substitute_model",)),
        (
            "light_goods",
            "goods_light_pass",
            ("dangerous_goods", "cold_chain", "confidential_mail", "suburban_postal"),
        ),
        ("airside", "airside", ("fire", "rescue", "refuelling", "deicing_snow", "emergency")),
        ("public", "bus_municipal", ("mountain_line", "emergency_support")),
    ]
    for reason in reasons
]


@pytest.mark.parametrize(("clause", "fleet", "reason"), EXEMPTIONS)
def test_an_exempt_fuel_vehicle_more_changes_no_compliance(clause: str, fleet: str, reason: str) -> None:
    base = vehicles((fleet, "BEV", "none", 6.0), (fleet, "diesel", "none", 2.0))
    more = pl.concat([base, vehicles((fleet, "diesel", reason, 8.0))])
    before, after = city_row(clause, base, base), city_row(clause, more, more)
    assert before["share"] == after["share"] == 0.75
    assert (before["eligible"], before["compliant"]) == (after["eligible"], after["compliant"]) == (8.0, 6.0)
    assert after["gross_share"] == pytest.approx(6.0 / 16.0)


def test_a_reason_another_clause_names_is_no_exemption() -> None:
    held = vehicles(("taxi_company", "BEV", "none", 3.0), ("taxi_company", "petrol", "mountain_line", 1.0))
    assert city_row("taxi", held)["share"] == 0.75


def test_counts_give_vehicles_and_fuel_cells_count_apart() -> None:
    held = vehicles(("truck_heavy", "FCEV", "none", 5.0), ("truck_heavy", "BEV", "none", 7.0))
    assert city_row("nev_stock", held)["compliant"] == 12.0
    assert city_row("hydrogen", held)["compliant"] == 5.0


def test_clean_energy_of_purchases_counts_gas_and_hybrid_in_2030_only() -> None:
    bought = vehicles(("coach", "gas", "none", 1.0), ("coach", "diesel", "none", 1.0), year=2030)
    assert city_row("new_clean", bought, bought)["share"] == 0.5
    early = bought.with_columns(year=pl.lit(2029, dtype=pl.Int64))
    table = policy.compliance(early, early, clauses(), powertrains())
    assert table.filter(pl.col("clause") == "new_clean").is_empty()


def test_where_nobody_is_under_the_rule_the_share_is_empty() -> None:
    held = vehicles(("taxi_social", "petrol", "social_security", 4.0))
    assert city_row("taxi", held)["share"] is None


def test_enforcement_reaches_whom_the_clause_covers_in_its_period() -> None:
    section = PolicySection(enforcement={"taxi": 0.9})
    ended = PolicySection(enforcement={"taxi": 0.9}, continue_after_target=False)
    assert policy.enforcement(clauses(), section, "taxi_company", "none", 2022) == 0.9
    assert policy.enforcement(clauses(), section, "taxi_company", "none", 2020) == 0.0
    assert policy.enforcement(clauses(), section, "taxi_social", "social_security", 2022) == 0.0
    assert policy.enforcement(clauses(), section, "truck_heavy", "none", 2022) == 0.0
    assert policy.enforcement(clauses(), section, "taxi_company", "none", 2027) == 0.9
    assert policy.enforcement(clauses(), ended, "taxi_company", "none", 2027) == 0.0


def test_held_buyers_choose_among_complying_powertrains_in_proportion() -> None:
    choice = np.array([0.6, 0.1, 0.3])
    nev = np.array([False, True, True])
    assert policy.purchase_shares(choice, nev, 0.5).tolist() == pytest.approx([0.3, 0.175, 0.525])
    assert policy.purchase_shares(choice, nev, 0.0, fuel_banned=True).tolist() == pytest.approx([0.0, 0.25, 0.75])


def test_a_rule_without_a_complying_model_is_empty() -> None:
    choice = np.array([1.0, 0.0])
    assert policy.purchase_shares(choice, np.array([False, True]), 1.0).tolist() == [1.0, 0.0]


def test_a_clause_enforced_by_the_scenario_rests_on_an_assumption_unless_observed() -> None:
    section = PolicySection(enforcement={"taxi": 1.0, "airside": 0.7})
    found = policy.evidence(clauses(), section, {"taxi_company": 2026.0}, 2025)
    assert (found["taxi"], found["airside"], found["light_goods"]) == ("observed", "assumed", "modelled")
    assert policy.evidence(clauses(), section, {"taxi_company": 2026.0}, 2026)["taxi"] == "assumed"


def test_attainment_compares_shares_and_counts_with_their_targets() -> None:
    held = vehicles(("taxi_company", "BEV", "none", 3.0), ("taxi_company", "petrol", "none", 1.0))
    table = policy.compliance(held, held.clear(), clauses(), powertrains())
    found = {row["clause"]: row for row in policy.city_attainment(table, clauses()).iter_rows(named=True)}
    assert found["taxi"]["gap"] == -0.25
    assert found["nev_stock"]["value"] == 3.0


def test_every_rule_of_the_plan_ships_with_its_wording_and_target() -> None:
    rules = {"bus", "taxi", "sanitation_new", "light_goods", "airside", "public", "nev_stock", "green_travel"}
    rules |= {"new_clean", "intensity", "hydrogen", "network", "rail_freight", "solar", "peak"}
    assert rules <= set(clauses()["clause"])
    strive = clauses().filter(pl.col("modality").cast(pl.String) == "strive")
    assert strive.filter(pl.col("clause") == "nev_stock")["text_zh"].str.contains("力争").all()
    targets = {(row[0], row[1]): row[2] for row in clauses().select("clause", "target_year", "target").iter_rows()}
    assert (targets["nev_stock", 2025], targets["green_travel", 2030], targets["solar", 2030]) == (2e6, 0.78, 5.0)
