"""`fleetsim backtest`, `seek` and `observe`: how good forecasts were, what a target asks for, and what news change."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from fleetsim.console import JsonOption, LangOption, ScenarioArgument, SetOption, app, language_of, out, read_scenario
from networks.errors import FleetsimError

ScenarioOption = Annotated[str, typer.Option("--scenario", help="Scenario the levers are taken from.")]


@app.command()
def backtest(
    scenario: ScenarioArgument = "outlook",
    until: Annotated[
        str, typer.Option(metavar="YEAR", help="Last year or month known, e.g. 2022 or 2022-06.")
    ] = "2022",
    policies: Annotated[
        bool, typer.Option("--policies", help="Leave in plates, grants and lines decided later; judge the model only.")
    ] = False,
    set_: SetOption = None,
    as_json: JsonOption = False,
    lang: LangOption = "",
) -> None:
    """Forecast with what was known then, and show forecast, interval and outcome of everything observed since.

    Example: `fleetsim backtest --until 2022`
    """
    from fleetsim.backtest import backtest as run_backtest
    from fleetsim.datasets import city_folder, read_city
    from fleetsim.texts import texts

    language = language_of(lang)
    chosen = read_scenario(scenario, set_ or [])
    month = _month(until, chosen.run.first_year)
    found = run_backtest(read_city(city_folder(chosen.run.city)), chosen, month, policies=policies)
    if as_json:
        out.print_json(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    words = texts(language, "assess")
    title = words["backtest"].format(until=found.until, content=found.interval)
    _table(
        title, found.table, ("indicator", "date", "observed", "forecast", "low", "high", "error_share", "inside"), words
    )
    names = ("series", "values", "bounds", "mean_error_share", "mean_absolute_error_share", "coverage_share")
    _table(words["summary"], found.summary, names, words)
    _lines(words["replaced"], found.replaced)
    _lines(words["remains"], found.remains)


@app.command()
def seek(
    target: Annotated[str, typer.Argument(metavar="INDICATOR=VALUE@YEAR", help="e.g. nev_stock=2000000@2025")],
    lever: Annotated[list[str], typer.Option("--lever", metavar="KEY", help="Lever to move. May be repeated.")],
    scenario: ScenarioOption = "outlook",
    from_year: Annotated[
        int | None, typer.Option("--from", metavar="YEAR", help="First year of the new value.")
    ] = None,
    horizon: Annotated[int, typer.Option(metavar="YEAR", help="Last year a missed target is looked for.")] = 2040,
    set_: SetOption = None,
    as_json: JsonOption = False,
    lang: LangOption = "",
) -> None:
    """Find the value of a lever that meets a target, say whether it is plausible, and if not when it would be met.

    By the stock, travel, freight and carbon models alone; no days are simulated. Several levers: at least cost where
    what they cost is known, else with least change.

    Examples: `fleetsim seek nev_stock=2000000@2025 --lever cars.replacement_share`,
    `fleetsim seek intensity=0.48@2030 --lever policy.enforcement.light_goods --lever stock.scrappage.truck_heavy`
    """
    from fleetsim.accounts import month_of
    from fleetsim.datasets import city_folder, read_city
    from fleetsim.seek import Target
    from fleetsim.seek import seek as run_seek
    from fleetsim.texts import texts

    language = language_of(lang)
    wanted = Target.read(target)
    chosen = read_scenario(scenario, set_ or [])
    city = read_city(city_folder(chosen.run.city))
    found = run_seek(city, chosen, wanted, lever, first_year=from_year, horizon=horizon)
    if as_json:
        out.print_json(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    words = texts(language, "assess")
    for row in found.as_dict()["levers"]:
        out.print(_lever_line(row, words), markup=False, highlight=False, soft_wrap=True)
    reached = _shown(found.reached, "", words)
    out.print(words[found.verdict].format(target=target, reached=reached), style="bold", soft_wrap=True)
    if found.verdict == "missed":
        key = "met_never" if found.year_met is None else "met_in"
        year = found.horizon if found.year_met is None else month_of(found.year_met)
        out.print(words[key].format(year=year), soft_wrap=True)
    _tell_cost(found, words)
    out.print(words["fast"], style="dim", soft_wrap=True)


def _lever_line(row: dict[str, Any], words: dict[str, Any]) -> str:
    """Return what was found of a lever, from a row of `Found.as_dict`."""
    form = "{:.0f}" if row["whole"] else "{:,.6g}"
    low, high, found = (form.format(row[name]) for name in ("plausible_low", "plausible_high", "value"))
    now = "–" if row["now"] is None else form.format(row["now"])
    key = "whole_lever_line" if row["whole"] else "lever_line" if row["reached_in"] is None else "slow_lever_line"
    line = str(words[key].format(**{**row, "span": f"{low} – {high}", "standing": now, "found": found}))
    return line if row["now_plausible"] else line + str(words["lever_outside"])


def _tell_cost(found: Any, words: dict[str, Any]) -> None:
    if found.verdict == "met_already":
        return
    if found.cost_cny is not None:
        cost = f"{found.cost_cny / 1e6:+,.0f}"
        out.print(words["cost"].format(cost=cost, year=found.target.year), soft_wrap=True, highlight=False)
    if len(found.levers) > 1 and found.verdict == "met":
        unknown = ", ".join(one.key for one in found.levers if not one.costed)
        out.print(words[f"least_{found.least}"].format(levers=unknown), soft_wrap=True, highlight=False)


@app.command()
def observe(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV or Excel with the columns of observations.csv and the day of publication, `published`."
        ),
    ],
    city: Annotated[Path, typer.Option("--city", help="City folder the observations are appended to.")],
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="Sheet of a workbook; the first one if left out.")
    ] = None,
    scenario: ScenarioOption = "outlook",
    set_: SetOption = None,
    as_json: JsonOption = False,
    lang: LangOption = "",
) -> None:
    """Append new observations to a city folder, calibrate again, and tell what moved and why (clause 30).

    Nothing is overwritten: a figure told again stands beside the earlier one, with day and source.

    Examples: `fleetsim observe news.csv --city mycity`, `fleetsim observe news.xlsx --sheet 2026 --city mycity`
    """
    from fleetsim.city_folder import is_city
    from fleetsim.observe import observe as run_observe
    from fleetsim.texts import texts

    language = language_of(lang)
    if not is_city(city) and not (city / "zones.csv").is_file():
        raise FleetsimError(f"--city {city}: is no city folder; `fleetsim init FOLDER --city --name NAME` makes one")
    chosen = read_scenario(scenario, set_ or [])
    found = run_observe(file, city, chosen, sheet=sheet)
    if as_json:
        out.print_json(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    words = texts(language, "assess")
    news = found.news
    counts = {"added": news.rows.height, "revised": news.revised, "unchanged": news.unchanged}
    out.print(words["observe"].format(**counts), style="bold", soft_wrap=True)
    _table(words["figures"], news.figures, ("indicator", "date", "before", "after", "published", "source"), words)
    _table(words["moved"], found.moved, ("indicator", "year", "before", "after", "change_share", "cause"), words)
    out.print(words["fast"], style="dim", soft_wrap=True)


def _month(text: str, first_year: int) -> str:
    if not re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2]))?", text):
        raise FleetsimError(f"--until {text!r}: write it as a year or a month, e.g. 2022 or 2022-06")
    month = text if len(text) > 4 else f"{text}-12"
    if month < f"{first_year}-12":
        raise FleetsimError(f"--until {text}: lies before the end of the base year {first_year}; choose a later one")
    return month


def _table(title: str, rows: Any, names: tuple[str, ...], words: dict[str, Any]) -> None:
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD)
    for name in names:
        left = name in ("indicator", "series", "date", "cause", "published", "source")
        table.add_column(words[name], justify="left" if left else "right", no_wrap=not left)
    for row in rows.iter_rows(named=True):
        prefix = "≥ " if row.get("bound") == "lower" else "≤ " if row.get("bound") == "upper" else ""
        cells = [_shown(row[name], name, words) for name in names]
        if prefix and "observed" in names:
            cells[names.index("observed")] = prefix + cells[names.index("observed")]
        table.add_row(*cells)
    out.print(table)


def _shown(value: Any, name: str, words: dict[str, Any]) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(words["yes"] if value else words["no"])
    if isinstance(value, str):
        return str(words["names"].get(value, value))
    if name.endswith("_share"):
        signed = name.startswith(("error", "mean_error", "change")) and "absolute" not in name
        return f"{value:+.1%}" if signed else f"{value:.1%}"
    if isinstance(value, int) or name == "year":
        return str(value)
    return f"{value:.1%}" if abs(value) <= 1.5 else f"{value:,.0f}"


def _lines(title: str, lines: tuple[str, ...] | list[str]) -> None:
    out.print(title, style="bold")
    for line in lines:
        out.print(f"• {line}", markup=False, highlight=False, soft_wrap=True)
