"""A whole run on the shipped Beijing, a small share of the vehicles and the first years only."""

from pathlib import Path

import polars as pl
import pytest

from fleetsim.maps import coverage_page
from fleetsim.pipeline import run
from fleetsim.report import report_page
from fleetsim.result import TABLES, Result
from fleetsim.scenario.scenario import Scenario
from fleetsim.targets import target_table


def test_a_run_leaves_every_table_of_the_contract(small: Result) -> None:
    assert set(TABLES) <= set(small.tables)
    assert [name for name in TABLES if small.table(name).is_empty()] == []


def test_the_same_scenario_run_twice_gives_identical_tables(small: Result, small_scenario: Scenario) -> None:
    again = run(small_scenario)

    assert again.run["tables"] == small.run["tables"]
    assert again.run["run_id"] == small.run["run_id"]


def test_vehicles_in_minus_vehicles_out_is_the_change_of_stock(small: Result) -> None:
    stock = small.table("stock").group_by("year", "fleet").agg(pl.col("vehicles").sum()).sort("fleet", "year")
    change = stock.with_columns(change=pl.col("vehicles").diff().over("fleet")).drop_nulls()
    flows = [
        small.table(name).group_by("year", "fleet").agg(pl.col("vehicles").sum().alias(name))
        for name in ("additions", "retirements")
    ]
    joined = change.join(flows[0], on=["year", "fleet"], how="left").join(flows[1], on=["year", "fleet"], how="left")
    joined = joined.with_columns(pl.col("additions", "retirements").fill_null(0.0))

    gap = (joined["additions"] - joined["retirements"] - joined["change"]).abs()

    assert joined.height > 10
    assert (gap <= 1e-9 * joined["vehicles"]).all()


def sessions_of(result: Result) -> pl.DataFrame:
    return result.table("sessions").with_columns(pl.col("day", "fleet", "station_id").cast(pl.String))


def test_no_vehicle_visits_a_station_before_it_opens(small: Result) -> None:
    opened = small.table("stations").select("station_id", "opened_year")

    used = sessions_of(small).join(opened, on="station_id", how="inner")

    assert used.height > 1000
    assert (used["opened_year"] <= used["year"]).all()


def test_no_plug_serves_two_vehicles_at_once(small: Result) -> None:
    plugs = small.table("station_years").select("year", "station_id", "plugs")
    sessions = sessions_of(small)
    steps = pl.concat(
        [
            sessions.select("year", "day", "station_id", at="start", step=pl.lit(1)),
            sessions.select("year", "day", "station_id", at="end", step=pl.lit(-1)),
        ]
    ).sort("year", "day", "station_id", "at", "step")

    busy = steps.with_columns(busy=pl.col("step").cum_sum().over("year", "day", "station_id"))
    most = busy.group_by("year", "station_id").agg(pl.col("busy").max()).join(plugs, on=["year", "station_id"])

    assert most.height > 100
    assert (most["busy"] <= most["plugs"]).all()


def test_every_target_has_a_row_and_none_is_met_without_a_value(small: Result) -> None:
    table = target_table(small, "en")

    assert set(table["clause"]) >= {"bus", "taxi", "nev_stock", "green_travel"}
    met = table.filter(pl.col("status") == "met")
    assert met.filter(
        pl.col("observed").is_null() & pl.col("observed_low").is_null() & pl.col("modelled").is_null()
    ).is_empty()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_report_and_map_load_nothing(small: Result, lang: str) -> None:
    page = coverage_page(small, lang)  # type: ignore[arg-type]

    report = report_page(small, page, lang)  # type: ignore[arg-type]

    for text in (page, report):
        assert "<script src" not in text
        assert "<link" not in text.replace("&lt;link", "")
        assert {"en": "Chaoyang", "zh": "朝阳区"}[lang] in text
    # Districts and the stations that were opened are named in the language of the page alone.
    assert ("朝阳区" in report_page(small, "", lang)) == (lang == "zh")  # type: ignore[arg-type]
    assert any("\u4e00" <= letter <= "\u9fff" for letter in page) == (lang == "zh")


def test_a_saved_run_is_read_back_and_redrawn(small: Result, tmp_path: Path) -> None:
    small.save(tmp_path / "out")

    loaded = Result.load(tmp_path / "out")

    assert loaded.table("indicators").equals(small.table("indicators"))
    assert loaded.map("coverage").html == coverage_page(small)
    assert loaded.report("zh").save(tmp_path / "report.html").stat().st_size > 1_000_000
