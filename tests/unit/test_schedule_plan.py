"""A planner's own schedule file, and its preview."""

from pathlib import Path

import polars as pl
import pytest

from fleetsim.datasets import City, city_folder, read_city
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.template import resolved
from fleetsim.schedules import preview
from fleetsim.schedules.city import Turnover
from fleetsim.schedules.plan_file import conversions, read_plan
from fleetsim.schedules.written import write
from networks.errors import DataError, FleetsimError

GOOD = """车队,行政区,动力类型,年份,比例
市属公交车,海淀区,纯电动,2026,60%
bus_municipal,Haidian,BEV,2030,1.0
"""
FOUR_FAULTS = """fleet,district,powertrain,year,number,share
bus_municpal,Haidian,BEV,2026,,0.5
bus_municipal,Haidien,BEV,2026,,0.5
bus_municipal,Haidian,BEV,2026,12,0.5
taxi_company,Haidian,FCEV,2027,10,
"""


@pytest.fixture(scope="module")
def beijing() -> City:
    return read_city(city_folder("beijing"))


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "plan.csv"
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_chinese_headings_names_and_percent_become_lines_of_the_schedule(
    tmp_path: Path, beijing: City, encoding: str
) -> None:
    (line,) = conversions(read_plan(written(tmp_path, GOOD, encoding), beijing))
    assert (line.fleet, line.district, line.to) == ("bus_municipal", "Haidian", "BEV")
    assert line.share == {2026: 0.6, 2030: 1.0}


def test_four_mistakes_give_four_lines_with_row_value_and_remedy(tmp_path: Path, beijing: City) -> None:
    with pytest.raises(DataError) as caught:
        read_plan(written(tmp_path, FOUR_FAULTS), beijing)
    problems = caught.value.problems
    assert len(problems) == 4
    assert "row 2: fleet 'bus_municpal' is not known; did you mean bus_municipal" in problems[0]
    assert "row 3: district 'Haidien' is not known; did you mean Haidian" in problems[1]
    assert "row 4: give either number or share" in problems[2]
    assert "row 5: powertrain 'FCEV' is not sold to 'taxi_company'; use one of BEV" in problems[3]


def test_a_mistake_in_a_workbook_names_sheet_and_row(tmp_path: Path, beijing: City) -> None:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    book = xlsxwriter.Workbook(tmp_path / "plan.xlsx")
    sheet = book.add_worksheet("计划")
    for row, cells in enumerate([["车队", "动力类型", "年份", "数量"], ["市属公交车", "纯电动", 2026, -4]]):
        sheet.write_row(row, 0, cells)
    book.close()
    with pytest.raises(DataError, match=r"plan.xlsx, sheet 计划, row 2: number -4"):
        read_plan(tmp_path / "plan.xlsx", beijing)


def test_a_depots_vehicles_count_for_its_district(tmp_path: Path, beijing: City) -> None:
    place = beijing.places.filter(pl.col("kind").cast(pl.String) == "bus_depot").row(0, named=True)
    text = f"fleet,depot,powertrain,year,number\nbus_municipal,{place['place']},BEV,2026,7\n"
    (line,) = conversions(read_plan(written(tmp_path, text), beijing))
    assert (line.district, line.number) == (place["district"], {2026: 7})


def test_a_missing_column_names_the_headings_that_are_known(tmp_path: Path, beijing: City) -> None:
    with pytest.raises(DataError, match="column powertrain is missing"):
        read_plan(written(tmp_path, "fleet,year,share\nbus_municipal,2026,1\n"), beijing)


def test_a_toml_schedule_and_the_file_written_of_it_say_the_same(tmp_path: Path, beijing: City) -> None:
    lines = conversions(read_plan(written(tmp_path, GOOD), beijing))
    path = tmp_path / "scenario.toml"
    asked = {"schedule.convert": [line.model_dump() for line in lines], "run.sample": 0.25}
    path.write_text(resolved(Scenario.shipped("outlook").set(asked)), encoding="utf-8")
    assert conversions(read_plan(path, beijing)) == lines
    assert Scenario.read(path).schedule.convert == lines
    assert Scenario.read(path).run.sample == 0.25


def stock_table(vehicles: list[float]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "year": [2026, 2027], "fleet": ["bus_municipal"] * 2, "powertrain": ["BEV"] * 2, "vintage": [2025] * 2,
            "district": ["Haidian"] * 2, "operator": ["all"] * 2, "exempt_reason": ["none"] * 2, "vehicles": vehicles,
        }
    )  # fmt: skip


def test_chargers_follow_the_energy_of_the_design_day_and_never_shrink(beijing: City) -> None:
    scenario = Scenario.shipped("outlook").set({"run.last_year": 2027})
    turned = Turnover(stock_table([3000.0, 1500.0]), stock_table([100.0, 0.0]))
    detail = preview.by_powertrain(beijing, scenario, turned)
    table = preview.depots(beijing, scenario, detail)
    # 0.95 kWh/km x 55,000 km / 300 days x 1.35 in winter x 1.1 loss x 0.9 at the depot; 120 kW x 6 h a charger
    day_kwh = 3000.0 * 0.95 * 55_000.0 / 300.0 * 1.35 * 1.1 * 0.9
    assert table["energy_kwh"][0] == pytest.approx(day_kwh)
    assert table["chargers"].to_list() == [-(-day_kwh // 720.0)] * 2
    assert table["bought"].to_list() == [100.0, 0.0]
    assert table["budget_cny"][1] == 0.0


def test_the_folder_is_written_whole_or_not_at_all(tmp_path: Path, beijing: City) -> None:
    turned = Turnover(stock_table([2000.0, 1500.0]), stock_table([100.0, 0.0]))
    scenario = Scenario.shipped("outlook").set({"run.last_year": 2027})
    detail = preview.by_powertrain(beijing, scenario, turned)
    table = preview.depots(beijing, scenario, detail)
    folder = write(tmp_path / "out", {"depots": table}, {"notes.txt": "x"}, preview.chart(detail, table, "zh"))
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["depots.csv", "notes.txt", "schedule.svg", "schedule.vl.json"]
    assert "购置车辆数" in (folder / "schedule.vl.json").read_text(encoding="utf-8")
    with pytest.raises(FleetsimError, match="is there already"):
        write(folder, {}, {}, {})
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
