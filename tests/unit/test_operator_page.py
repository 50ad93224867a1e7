"""The report's table of clauses by zone and operator."""

import polars as pl
import pytest

from fleetsim.operator_page import by_zone, operators_html
from fleetsim.result import Result
from fleetsim.tables import OperatorCompliance

COLUMNS = list(OperatorCompliance.columns())


def rows(*given: tuple[int, str, str, str, float, float, float]) -> pl.DataFrame:
    table = [
        (year, "bus", district, operator, zone, eligible, compliant, compliant / eligible, exempt, 0.0)
        for year, district, operator, zone, eligible, compliant, exempt in given
    ]
    return OperatorCompliance.validate(pl.DataFrame(table, schema=COLUMNS, orient="row"))


GIVEN = (
    (2024, "Dongcheng", "first", "core", 10.0, 1.0, 0.0),
    (2025, "Dongcheng", "first", "core", 10.0, 6.0, 2.0),
    (2025, "Xicheng", "first", "core", 30.0, 24.0, 1.0),
    (2025, "Xicheng", "second <b>", "core", 5.0, 5.0, 0.0),
)


def page(*given: tuple[int, str, str, str, float, float, float]) -> str:
    return shown("stock_share", *given)


def shown(measure: str, *given: tuple[int, str, str, str, float, float, float]) -> str:
    titles = {"title_en": ["municipal buses"], "title_zh": ["市属公交车"]}
    clauses = pl.DataFrame({"clause": ["bus"], **titles, "measure": [measure]})
    return operators_html(Result({"operator_compliance": rows(*given)}, {}, "", {"clauses": clauses}))


def test_districts_of_a_zone_are_summed_for_the_last_year() -> None:
    found = by_zone(rows(*GIVEN))

    assert found.select("operator", "eligible", "compliant", "share", "exempt").rows() == [
        ("first", 40.0, 30.0, 0.75, 3.0),
        ("second <b>", 5.0, 5.0, 1.0, 0.0),
    ]


def test_the_section_names_clause_operator_and_exempt_vehicles() -> None:
    found = page(*GIVEN)

    assert "municipal buses" in found
    assert "second &lt;b&gt;" in found
    assert "<td class='n'>75.0%</td><td class='n'>3</td>" in found
    assert ", 2025</h2>" in found


def test_a_clause_that_counts_vehicles_shows_their_number_and_no_share() -> None:
    found = shown("count", *GIVEN)

    assert "<td class='n'>–</td><td class='n'>30</td><td class='n'>30 vehicles</td>" in found
    assert "%" not in found


def test_without_operators_of_its_own_the_column_is_left_out() -> None:
    found = page((2025, "Dongcheng", "all", "core", 10.0, 6.0, 2.0))

    assert "Operator</th>" not in found
    assert ">all<" not in found


@pytest.mark.parametrize("tables", [{}, {"operator_compliance": OperatorCompliance.create_empty()}])
def test_a_run_without_the_table_has_no_section(tables: dict[str, pl.DataFrame]) -> None:
    assert operators_html(Result(tables, {}, "")) == ""
