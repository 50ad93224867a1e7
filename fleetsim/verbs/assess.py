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


def _month(text: str, first_year: int) -> str:
    if not re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2]))?", text):
        raise FleetsimError(f"--until {text!r}: write it as a year or a month, e.g. 2022 or 2022-06")
    if int(text[:4]) <= first_year:
        raise FleetsimError(f"--until {text}: must lie after the base year {first_year}; choose a later one")
    return text if len(text) > 4 else f"{text}-12"


def _table(title: str, rows: Any, names: tuple[str, ...], words: dict[str, Any]) -> None:
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD)
    for name in names:
        table.add_column(words[name], justify="left" if name in ("indicator", "series", "date") else "right")
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
        return f"{value:+.1%}" if "error" in name else f"{value:.0%}"
    if isinstance(value, int):
        return str(value)
    return f"{value:.1%}" if abs(value) <= 1.5 else f"{value:,.0f}"


def _lines(title: str, lines: tuple[str, ...] | list[str]) -> None:
    out.print(title, style="bold")
    for line in lines:
        out.print(f"• {line}", markup=False, highlight=False, soft_wrap=True)
