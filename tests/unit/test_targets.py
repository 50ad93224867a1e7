import polars as pl
import pytest

from fleetsim.result import Result
from fleetsim.tables import Clause, Indicator
from fleetsim.targets import show_gap, show_observed, show_range, show_value, target_table


def indicator(**given: object) -> dict[str, object]:
    empty = dict.fromkeys(Indicator.column_names())
    return empty | {"indicator": "nev_stock", "clause": "nev_stock", "unit": "vehicles", "source": "x"} | given


def clause(name: str, title: str) -> dict[str, object]:
    return dict.fromkeys(Clause.column_names()) | {"clause": name, "title_en": title, "title_zh": "标题"}


def result(*rows: dict[str, object]) -> Result:
    types = Indicator.create_empty().schema
    clauses = pl.DataFrame([clause("taxi", "taxis"), clause("nev_stock", "NEV stock")])
    return Result({"indicators": pl.DataFrame(rows, schema=types)}, {}, "", {"clauses": clauses})


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.765, "share", "76.5%"),
        (0.0351, "share of peak load", "3.5%"),
        (1_305_593.0, "vehicles", "1.306 M"),
        (694_199.4, "piles", "694,199"),
        (0.0851, "GW", "0.0851"),
        (None, "GW", "–"),
    ],
)
def test_values_are_written_as_planners_write_them(value: float | None, unit: str, text: str) -> None:
    assert show_value(value, unit) == text


def test_a_lower_bound_is_shown_as_a_bound() -> None:
    assert show_observed({"observed": None, "observed_low": 1.3e6, "unit": "vehicles"}) == "> 1.300 M"
    assert show_observed({"observed": None, "observed_low": None, "unit": "vehicles"}) == "–"


def test_gaps_of_shares_are_in_percentage_points() -> None:
    assert show_gap({"gap": -0.0056, "unit": "share"}) == "-0.6 pp"
    assert show_gap({"gap": 25.0, "unit": "stations"}) == "+25"


def test_a_range_needs_both_ends() -> None:
    assert show_range({"low": 0.76, "high": 0.787, "unit": "share"}) == "76.0% – 78.7%"
    assert show_range({"low": 0.76, "high": None, "unit": "share"}) == ""


def test_the_table_sets_observation_beside_model_and_takes_the_observation_s_status() -> None:
    both = {"year": 2025, "target": 2e6, "target_year": 2025}
    observed = indicator(**both, basis="observed", low=1.3e6, status="missed", source="report", gap=None)
    modelled = indicator(**both, basis="modelled", value=1.31e6, status="unknown", gap=-0.69e6)
    earlier = indicator(year=2024, target=2e6, target_year=2025, basis="modelled", value=1.0e6, status="not_due")

    table = target_table(result(observed, modelled, earlier), "en")

    assert table.height == 1
    row = table.row(0, named=True)
    assert (row["observed"], row["observed_low"], row["modelled"]) == (None, 1.3e6, 1.31e6)
    assert (row["status"], row["gap"], row["source"]) == ("missed", -0.69e6, "report")


def test_the_rows_stand_in_the_order_of_the_clauses() -> None:
    late = indicator(year=2025, target=1.0, target_year=2025, basis="modelled", value=0.5, status="missed")
    first = late | {"indicator": "taxi", "clause": "taxi", "unit": "share"}

    table = target_table(result(late, first), "en")

    assert table["title"].to_list() == ["Taxis", "NEV stock"]
