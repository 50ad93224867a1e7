"""The report's table of waits by year, counted by hand."""

import polars as pl
import pytest

from fleetsim.result import Result
from fleetsim.waits_page import waits_by_year, waits_html

SCENARIO = """
[siting]
wait_standard_min = { public = 10.0, swap = 10.0 }
unserved_standard_share = 0.02
[sites]
wait_peak_hours = 2
"""


def load(rows: list[tuple[int, str, int, int, int, float | None]]) -> pl.DataFrame:
    names = ["year", "day", "hour", "served", "unserved", "mean_wait_min"]
    table = pl.DataFrame(rows, schema=names, orient="row")
    return table.with_columns(station_id=pl.lit("s"))


def sought(rows: list[tuple[int, str, int, float, float]]) -> pl.DataFrame:
    table = pl.DataFrame(rows, schema=["year", "day", "zone", "seeks", "unserved"], orient="row")
    return table.with_columns(kind=pl.lit("swap"))


def result(**changed: pl.DataFrame) -> Result:
    years = [2024, 2025]
    tables = {
        "stations": pl.DataFrame({"station_id": ["s"], "kind": ["swap"]}),
        "station_years": pl.DataFrame({"year": years, "station_id": ["s", "s"], "plugs": [2, 5]}),
        "coverage_zones": pl.DataFrame(
            {"year": [2024, 2024, 2025, 2025], "zone": ["a", "b"] * 2, "kind": "swap", "covered": [True, False] * 2}
        ),
        # The two hours in which most arrive are 8 and 32 (8 of the next morning folds into it) and 9.
        "station_load": load(
            [
                (2024, "work", 8, 10, 5, 30.0), (2024, "work", 32, 10, 0, 10.0), (2024, "work", 9, 10, 0, 5.0),
                (2024, "work", 20, 1, 0, 500.0), (2024, "rest", 8, 1, 0, 2.0),
                (2025, "work", 8, 20, 0, 4.0), (2025, "rest", 8, 4, 0, 1.0),
            ]
        ),
        "demand": sought(
            [
                (2024, "work", 0, 60.0, 5.0), (2024, "work", 1, 40.0, 15.0), (2024, "rest", 0, 50.0, 1.0),
                (2025, "work", 0, 100.0, 1.0),
            ]
        ),
    }  # fmt: skip
    city = {
        "zones": pl.DataFrame({"zone": ["a", "b"], "district": ["West", "East"]}),
        "districts": pl.DataFrame({"district": ["East", "West"], "name_zh": ["东区", "西区"]}),
    }
    return Result({**tables, **changed}, {}, SCENARIO, city)


def test_waits_are_those_of_the_busiest_hours_of_the_worst_day_and_searches_those_of_the_day_that_misses_most() -> None:
    table = waits_by_year(result())

    before, after = table.to_dicts()
    assert before["wait_min"] == pytest.approx((10 * 30 + 10 * 10 + 10 * 5) / 30)
    assert (before["seeks"], before["unserved_share"], before["far_share"]) == (100.0, 0.2, 0.75)
    assert (before["plugs"], before["worst"]) == (2, ["East", "West"])
    assert (before["wait_kept"], before["share_kept"]) == (False, False)
    assert (after["wait_min"], after["unserved_share"]) == (4.0, 0.01)
    assert (after["wait_kept"], after["share_kept"]) == (True, True)


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        (
            "en",
            ("Battery swap", "waits 5.0 min beyond the standard of 10 min", "most in East, West: 75%", "kept"),
        ),
        ("zh", ("换电<", "等待超出标准（10 分钟）5.0 分钟", "最多的在东区、西区：其中 75%", "达标")),
    ],
)
def test_the_section_says_by_year_whether_standards_are_kept_or_why_not(lang, told) -> None:
    page = waits_html(result(), lang)

    assert all(text in page for text in told), page
    assert page.count("<tr>") == 3
    assert page.count("status missed") == page.count("status met") == 1


def test_a_run_without_stations_or_standards_has_no_section() -> None:
    assert waits_html(Result({}, {}, SCENARIO, {})) == ""
    assert waits_html(Result(result().tables, {}, "", result().city)) == ""


def test_a_year_in_which_nobody_was_served_has_no_wait_and_tells_what_is_missed() -> None:
    nobody = load([(2024, "work", 8, 0, 5, None), (2025, "work", 8, 0, 0, None)])

    table = waits_by_year(result(station_load=nobody))

    assert table["wait_min"].to_list() == [None, None]
    assert table["share_kept"].to_list() == [False, True]
    assert "–" in waits_html(result(station_load=nobody))
