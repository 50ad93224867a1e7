"""The verdict on every target: observation first, then what plausible levers can do, never what is assumed."""

from functools import cache
from typing import Any

import polars as pl
import pytest

from fleetsim import fast_path, levers
from fleetsim.datasets import City, city_folder, read_city
from fleetsim.fast_path import FastStart
from fleetsim.pipeline import Start
from fleetsim.result import Result
from fleetsim.scenario.scenario import Scenario
from fleetsim.tables import Indicator, Verdict
from fleetsim.targets import show_verdict, target_table, verdict_lines
from fleetsim.verdicts import laid_on, verdicts

RANGES = levers.ranges()


@cache
def city() -> City:
    return read_city(city_folder("beijing"))


@cache
def scenario() -> Scenario:
    return Scenario.shipped("outlook").set({"cars.draws": 50})


@cache
def start() -> FastStart:
    prepared = Start.prepare(city(), scenario())
    return fast_path.started(city(), prepared.opening, prepared.rules, range(2020, 2031))


def indicator(name: str, **given: object) -> dict[str, object]:
    clause = city().indicators.filter(pl.col("indicator") == name)["clause"][0]
    unit = city().clauses.filter(pl.col("clause") == clause)["unit"][0]
    row = {"indicator": name, "clause": clause, "unit": unit, "basis": "modelled", "source": "x"}
    return dict.fromkeys(Indicator.column_names()) | row | given


def judged(name: str, path: dict[int, float], *, target: float, year: int, status: str, **given: Any) -> dict[str, Any]:
    """Verdict on one target whose modelled values are given by year."""
    rows = [
        indicator(name, year=each, value=value, target=target, target_year=year, status=status)
        for each, value in path.items()
    ]
    rows += [indicator(name, year=year, target=target, target_year=year, status=status, **given)] if given else []
    table = pl.DataFrame(rows, schema=Indicator.create_empty().schema)
    return verdicts(city(), scenario(), start(), {"indicators": table}).row(0, named=True)


def rising(first: float, last: float) -> dict[int, float]:
    """A path from the end of 2020 to that of 2030."""
    return {2020 + step: first + (last - first) * step / 10.0 for step in range(11)}


def ranges_with(monkeypatch: pytest.MonkeyPatch, **changed: tuple[float, float]) -> None:
    """Give some levers another plausible range, all rows of the same name alike."""
    names = {name.replace("__", "."): ends for name, ends in changed.items()}
    rows = tuple(
        row | dict(zip(("low", "high"), names.get(row["lever"], (row["low"], row["high"])), strict=True))
        for row in RANGES
    )
    monkeypatch.setattr(levers, "_read_ranges", lambda path: rows)


def test_a_met_target_stays_met_and_levers_are_not_asked() -> None:
    found = judged("taxi", rising(0.3, 1.0), target=1.0, year=2025, status="met", basis="observed", value=1.0)

    assert (found["verdict"], found["reason"], found["levers"], found["gap"]) == ("met", None, None, 0.0)


def test_a_target_plausible_levers_reach_says_with_what() -> None:
    # The outlook's green travel of 2030 is short by half a point; prices, charges and lanes bring more than that.
    found = judged("green_travel", rising(0.74, 0.775), target=0.78, year=2030, status="open")

    assert found["verdict"] == "reachable"
    assert found["best"] >= 0.78 - 1e-6
    assert found["levers"].startswith("modes.")
    assert found["from_year"] == 2026


def test_the_same_target_is_not_reachable_when_ranges_shrink_to_where_levers_stand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    still = {row["lever"]: row for row in RANGES if "green_travel" in (row["moves"] or "")}
    kept = "modes.bus_speed"
    section = scenario().modes.model_dump()
    fixed = {
        key.replace(".", "__"): (last, last + 1e-9)
        for key in still
        if key.startswith("modes.") and key != kept
        for last in [section[key.partition(".")[2]][max(section[key.partition(".")[2]])]]
    }
    ranges_with(monkeypatch, **fixed, cars__quota_nev=(80e3, 80e3 + 1), cars__quota_ordinary_later=(20e3, 20e3 + 1))

    found = judged("green_travel", rising(0.74, 0.775), target=0.78, year=2030, status="open")

    assert found["verdict"] == "not_reachable"
    assert found["levers"] == "modes.bus_speed=1.15"
    assert 0.775 < found["best"] < 0.78
    assert found["earliest"] is None


def test_a_missed_target_of_a_past_year_says_what_was_reachable_then_and_when_it_is_passed() -> None:
    path = {2020: 0.4e6, 2025: 1.3e6, 2026: 1.5e6, 2027: 1.8e6, 2028: 2.1e6, 2029: 2.4e6, 2030: 2.8e6}

    found = judged("nev_stock", path, target=2e6, year=2025, status="missed")

    assert (found["verdict"], found["from_year"], found["met_year"]) == ("not_reachable", 2021, 2028)
    assert 1.3e6 < found["best"] < 2e6
    assert found["earliest"] == 2027
    assert found["gap"] == pytest.approx(-0.7e6)


def test_what_the_scenario_assumes_meets_nothing() -> None:
    # Full enforcement would meet the clause on new light sanitation vehicles: said to be within reach, not met.
    found = judged("sanitation_new", rising(0.9, 0.98), target=1.0, year=2025, status="unknown")
    reached = judged("storage", rising(0.1, 1.5), target=0.7, year=2025, status="unknown")

    assert (found["status"], found["verdict"]) == ("unknown", "reachable")
    assert found["levers"].startswith("policy.enforcement.sanitation_new=")
    assert (reached["verdict"], reached["reason"]) == ("unknown", "assumed")


def test_a_past_value_no_lever_moves_is_said_to_be_given() -> None:
    # Municipal buses follow what was observed and assumed up to the end of 2025.
    found = judged("bus", rising(0.5, 0.95), target=1.0, year=2025, status="unknown")

    assert (found["verdict"], found["reason"], found["levers"]) == ("unknown", "fixed", None)


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("supercharging", "unknown", "not_modelled"),
        ("solar", "open", "part"),
        ("coverage_plain", "unknown", "slow"),
    ],
)
def test_a_target_the_model_has_no_lever_for_says_so(name: str, status: str, reason: str) -> None:
    path = {} if reason == "not_modelled" else rising(0.1, 0.5)
    given = {"value": None} if not path else {}

    found = judged(name, path, target=1.0, year=2025, status=status, **given)

    assert (found["verdict"], found["reason"]) == (status, reason)


def test_a_target_after_the_last_year_says_that_its_year_is_not_run() -> None:
    found = judged("green_travel", {2020: 0.74}, target=0.78, year=2035, status="open", value=None)

    assert (found["verdict"], found["reason"]) == ("open", "beyond")


def test_a_target_that_is_due_later_and_reached_as_it_stands_stays_open() -> None:
    found = judged("new_clean", rising(0.3, 0.8), target=0.4, year=2030, status="open")

    assert (found["verdict"], found["reason"]) == ("open", "on_course")


def test_fast_values_are_laid_on_those_of_the_run() -> None:
    # A tenth less than the fast model: 110 becomes 99. Of a share three fifths of what is missing to 1 is left.
    assert laid_on(110.0, 100.0, 90.0, share=False) == pytest.approx(99.0)
    assert laid_on(0.9, 0.75, 0.5, share=True) == pytest.approx(1.0 - 0.1 * 0.5 / 0.25)
    assert laid_on(1.0, 0.75, 0.5, share=True) == 1.0


def words(lang: Any, **given: object) -> str:
    row = judged_words | given
    types = {**Verdict.create_empty().schema}
    verdict = pl.DataFrame([{name: row.get(name) for name in types}], schema=types)
    rows = [indicator("nev_stock", year=2025, value=1.3e6, target=2e6, target_year=2025, status="missed", gap=-0.7e6)]
    table = pl.DataFrame(rows, schema=Indicator.create_empty().schema)
    result = Result({"indicators": table, "verdicts": verdict}, {}, "", {"clauses": city().clauses})
    shown = target_table(result, lang).row(0, named=True)
    return show_verdict(shown, {"last_year": 2030, "calibration_until": "2025-12"}, lang)


judged_words: dict[str, object] = {
    "indicator": "nev_stock",
    "target_year": 2025,
    "clause": "nev_stock",
    "target": 2e6,
    "status": "missed",
    "verdict": "not_reachable",
    "from_year": 2021,
    "best": 1.9e6,
    "levers": "cars.quota_nev=200000; cars.grant_cny=20000",
    "met_year": 2028,
    "earliest": 2027,
}


def test_the_words_name_the_gap_the_best_the_levers_and_the_years() -> None:
    assert words("en") == (
        "Missed by 700,000; not reachable within plausible levers: at best 1.900 M in 2025 (cars.quota_nev=200000, "
        "cars.grant_cny=20000 from 2021); passed in 2028 as it stands; at the earliest in 2027 with levers at their "
        "plausible best from 2026 on."
    )
    assert "在合理杠杆范围内无法实现：2025 年最好为 190.0 万" in words("zh")


def test_the_words_of_a_reachable_target_name_what_reaches_it_and_a_met_one_has_none() -> None:
    told = words("en", verdict="reachable")

    assert "would have been reachable with cars.quota_nev=200000, cars.grant_cny=20000 from 2021" in told
    assert words("en", verdict="met", status="met") == ""


def test_targets_of_which_the_same_is_told_stand_in_one_line() -> None:
    shared: dict[str, object] = {
        "verdict": "open",
        "status": "open",
        "reason": "beyond",
        "gap": None,
        "levers": None,
        "met_year": None,
    }
    rows = pl.DataFrame(
        [shared | {"title": title, "indicator": title, "year": 2030} for title in ("Buses", "Vans")]
        + [shared | {"title": "Taxis", "indicator": "taxi", "year": 2025, "verdict": "met", "reason": None}]
    ).with_columns(from_year=pl.lit(None), best=pl.lit(None), earliest=pl.lit(None), unit=pl.lit("share"))

    lines = verdict_lines(rows, {"last_year": 2027, "calibration_until": "2025-12"}, "en")

    assert lines == [("Buses 2030; Vans 2030", "Its year is not run.")]
