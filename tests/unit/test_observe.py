"""New observations are appended, never put over old ones, and what they move is told with its reason."""

from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from workbook import Row, write_workbook

from fleetsim import observe
from fleetsim.datasets import city_folder, latest, read_city
from fleetsim.scenario.scenario import Scenario
from fleetsim.tables import Observation, ObservationAdded
from networks.errors import DataError
from networks.io import read_table

HEAD = "indicator,date,bound,published,value,unit,source,url,confidence\n"
STOCK_2026 = "nev_stock,2026-06,value,2026-08-10,1480000,vehicles,press,,high\n"
REVISED = "nev_stock,2024-06,value,2026-08-10,900000,vehicles,yearbook,,high\n"
KNOWN = "nev_stock,2024-10,value,2026-08-10,957000,vehicles,again,,high\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A city folder whose files are those of the shipped city."""
    city = tmp_path / "city"
    city.mkdir()
    for file in city_folder("beijing").iterdir():
        (city / file.name).symlink_to(file)
    return city


@cache
def scenario() -> Scenario:
    return Scenario.shipped("outlook").set({"cars.draws": 50, "run.last_year": 2027})


def news(tmp_path: Path, *rows: str) -> Path:
    file = tmp_path / "news.csv"
    file.write_text(HEAD + "".join(rows), encoding="utf-8")
    return file


def test_news_are_appended_and_the_file_of_observations_is_not_touched(folder: Path, tmp_path: Path) -> None:
    before = (folder / "observations.csv").read_bytes()

    found = observe.observe(news(tmp_path, STOCK_2026, REVISED, KNOWN), folder, scenario())

    assert (folder / "observations.csv").read_bytes() == before
    added = read_table(folder / "observations_added.csv", ObservationAdded)
    assert sorted(added["value"]) == [900_000.0, 1_480_000.0]
    assert (found.news.rows.height, found.news.revised, found.news.unchanged) == (2, 1, 1)
    assert found.until == ("2025-12", "2026-06")

    # More new-energy vehicles than forecast: the stock of the last year rises, and the figure is the reason.
    stock = found.moved.filter(pl.col("indicator") == "nev_stock").sort("year").row(-1, named=True)
    assert stock["after"] > stock["before"]
    assert stock["cause"] == "nev_stock"


def test_a_revision_holds_and_the_earlier_figure_is_kept(folder: Path, tmp_path: Path) -> None:
    city = read_city(folder)
    first = observe.append(city, observe.read_news(news(tmp_path, REVISED), city))
    second = "nev_stock,2024-06,value,2026-09-01,880000,vehicles,yearbook corrected,,high\n"

    last = observe.append(first, observe.read_news(news(tmp_path, second), first))
    observe.write(folder, last)

    again = read_city(folder)
    row = again.observations.filter((pl.col("indicator") == "nev_stock") & (pl.col("date") == "2024-06"))
    assert row["value"].to_list() == [880_000.0]
    assert again.observations.height == city.observations.height
    assert again.observations_added["published"].to_list() == ["2026-08-10", "2026-09-01"]


def test_news_told_twice_are_appended_once(folder: Path, tmp_path: Path) -> None:
    city = read_city(folder)
    once = observe.append(city, observe.read_news(news(tmp_path, REVISED), city))

    twice = observe.read_news(news(tmp_path, REVISED), once)

    assert (twice.rows.height, twice.unchanged) == (0, 1)


def test_another_unit_and_a_contradiction_of_the_same_day_are_refused_together(folder: Path, tmp_path: Path) -> None:
    city = read_city(folder)
    held = observe.append(city, observe.read_news(news(tmp_path, REVISED), city))
    wrong = news(
        tmp_path,
        "nev_stock,2026-06,value,2026-08-10,180,10000 vehicles,press,,high\n",
        REVISED.replace("900000", "910000"),
    )

    with pytest.raises(DataError) as error:
        observe.read_news(wrong, held)

    assert [line.split("news.csv, ")[1].split(":")[0] for line in error.value.problems] == [
        "row 2, column unit",
        "row 3, column value",
    ]


def test_without_news_the_observations_are_the_same_table() -> None:
    table = Observation.create_empty()

    assert latest(table, ObservationAdded.create_empty()) is table


HEADINGS: Row = ["指标", "日期", "界限", "发布日期", "数值", "单位", "来源", "可信度"]


def test_a_workbook_tells_the_same_as_a_file_of_text(folder: Path, tmp_path: Path) -> None:
    city = read_city(folder)
    stock: Row = ["nev_stock", date(2026, 6, 30), "value", date(2026, 8, 10), 1_480_000, "vehicles", "press", "high"]
    again: Row = ["nev_stock", "2024-06", "value", "2026-08-10", 900_000.0, "vehicles", "yearbook", "high"]
    file = write_workbook(tmp_path / "news.xlsx", {"notes": [["nothing here"]], "news": [HEADINGS, stock, again]})

    brought = observe.read_news(file, city, sheet="news")

    text = observe.read_news(news(tmp_path, STOCK_2026, REVISED), city)
    assert brought.rows.sort("date").equals(text.rows.sort("date"))


def test_mistakes_of_a_workbook_are_named_by_their_own_rows(folder: Path, tmp_path: Path) -> None:
    rows: list[Row] = [
        HEADINGS,
        ["nev_stock", "mid 2026", "value", "2026-08-10", 1_480_000, "vehicles", "press", "high"],
        [],
        ["nev_stock", "2026-07", "value", "2026-08-10", "many", "vehicles", "press", "high"],
    ]
    file = write_workbook(tmp_path / "news.xlsx", {"news": rows})

    with pytest.raises(DataError) as error:
        observe.read_news(file, read_city(folder))

    # The empty row counts: the second mistake stands in row 4.
    assert [line.split(":")[0] for line in error.value.problems] == [
        "news.xlsx, row 2, column date",
        "news.xlsx, row 4, column value",
    ]


def test_a_csv_file_may_leave_out_the_address_and_have_chinese_headings(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "news.csv"
    heads = "指标,日期,界限,发布日期,数值,单位,来源,可信度\n"
    file.write_text(heads + "nev_stock,2026-06,value,2026-08-10,1480000,vehicles,交管局,high\n", encoding="gb18030")

    found = observe.observe(file, folder, scenario())

    assert found.news.rows.select("value", "url").rows() == [(1_480_000.0, None)]
