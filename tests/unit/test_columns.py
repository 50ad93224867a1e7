import polars as pl
import pytest

from networks.columns import Field, match_columns, numbers, parse_choices, words
from networks.errors import DataError

FIELDS = {
    "name": Field(words("name 站名")),
    "lon": Field(words("lon 经度")),
    "power_kw": Field(words("power 功率"), {"kw": 1.0, "w": 0.001, "mw": 1000.0}),
}


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("站名", "name"),
        (" Name ", "name"),
        ("经度（°）", "lon"),
        ("LON", "lon"),
        ("功率", "power_kw"),
        ("Power [kW]", "power_kw"),
    ],
)
def test_chinese_and_english_names_are_known(header: str, field: str) -> None:
    assert match_columns([header], FIELDS).column == {field: header}


@pytest.mark.parametrize(
    ("header", "factor"), [("功率(W)", 0.001), ("功率(MW)", 1000.0), ("功率(kW)", 1.0), ("功率", 1.0)]
)
def test_the_unit_in_brackets_counts(header: str, factor: float) -> None:
    assert match_columns([header], FIELDS).factor["power_kw"] == factor


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(DataError, match="'ps'"):
        match_columns(["功率(PS)"], FIELDS, file="s.csv")


def test_unknown_columns_are_named() -> None:
    assert match_columns(["站名", "备注", "color"], FIELDS).unknown == ("备注", "color")


def test_two_columns_of_one_meaning_are_refused_until_one_is_chosen() -> None:
    with pytest.raises(DataError, match="both mean name"):
        match_columns(["站名", "name"], FIELDS, file="s.csv")

    assert match_columns(["站名", "name"], FIELDS, {"name": "name"}).column == {"name": "name"}


@pytest.mark.parametrize("chosen", [{"colour": "站名"}, {"name": "不存在"}])
def test_a_choice_of_what_is_not_there_is_refused(chosen: dict[str, str]) -> None:
    with pytest.raises(DataError):
        match_columns(["站名"], FIELDS, chosen, file="s.csv")


def test_a_choice_is_written_with_an_equals_sign() -> None:
    assert parse_choices(["lon=X坐标"]) == {"lon": "X坐标"}
    with pytest.raises(DataError, match="FIELD=COLUMN"):
        parse_choices(["lon"])


def test_numbers_lose_separators_and_units_and_bad_ones_are_named_by_row() -> None:
    values, wrong = numbers(pl.Series(["1,200", "120kW", " 3.5 ", "-7", "1e3", ".5", "six", None, "1.2.3", "3 or 4"]))

    assert values[:6].tolist() == [1200.0, 120.0, 3.5, -7.0, 1000.0, 0.5]
    assert wrong == [6, 8, 9]
