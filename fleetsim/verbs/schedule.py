"""`fleetsim schedule`: what a scripted schedule comes to; `--solve` makes one, `--verify` tries its days."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from fleetsim.console import (
    JsonOption,
    LangOption,
    ScenarioArgument,
    SetOption,
    app,
    err,
    language_of,
    out,
    read_scenario,
    stoppable,
)
from networks.errors import FleetsimError

DEPOTS_SHOWN = 15


@app.command()
def schedule(
    scenario: ScenarioArgument = "outlook",
    file: Annotated[
        Path | None, typer.Option("--file", help="Schedule as CSV, Excel or TOML; replaces its own.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook (default: the first).")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for tables, chart and schedule.")
    ] = None,
    solve: Annotated[bool, typer.Option("--solve", help="Find the schedule of least cost with HiGHS.")] = False,
    verify: Annotated[
        str,
        typer.Option("--verify", metavar="YEARS", help="With --solve: simulate days of these years, e.g. 2028,2030."),
    ] = "",
    set_: SetOption = None,
    as_json: JsonOption = False,
    lang: LangOption = "",
) -> None:
    """Preview a conversion schedule by depot and year, or solve one; `fleetsim run` takes the solved one back.

    Example: `fleetsim schedule outlook --solve --set schedule.solve.budget_cny.2026=4e9 -o myplan`, then
    `fleetsim run myplan`
    """
    from fleetsim.schedules.job import Job

    language = language_of(lang)
    if verify and not solve:
        raise FleetsimError("--verify needs --solve: a scripted schedule is tried by `fleetsim run`")
    if output is not None and output.exists():
        raise FleetsimError(f"{output}: is there already; name another folder with -o, or remove it")
    chosen = read_scenario(scenario, set_ or [])
    with stoppable():
        job = Job.begin(chosen, file, sheet)
        outcome = job.solved(_years(verify), language, _say) if solve else job.previewed(language)
    if output is not None:
        outcome.save(output)
    if as_json:
        out.print_json(json.dumps(outcome.summary(), ensure_ascii=False))
        return
    _print(outcome, language)
    if output is not None:
        out.print(f"  {output}", highlight=False, soft_wrap=True)


def _say(text: str) -> None:
    err.print(text, style="dim", markup=False, highlight=False)


def _years(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdigit() for part in parts):
        raise FleetsimError(f"--verify {text!r}: write it as years, e.g. 2028,2030")
    return tuple(int(part) for part in parts)


def _print(outcome: Any, language: str) -> None:
    from rich import box
    from rich.table import Table

    from fleetsim.schedules.preview import yearly
    from fleetsim.texts import texts

    words = texts(language, "schedule")
    names = ("held", "nev", "bought", "chargers", "grid_kw", "hydrogen_kg", "budget")
    last = int(outcome.depots["year"].max())
    most = outcome.depots.filter(outcome.depots["year"] == last).sort("budget_cny", "depot", descending=[True, False])
    for key, rows in (("year", yearly(outcome.depots)), ("depot", most.head(DEPOTS_SHOWN))):
        table = Table(title=f"{words['title']} · {words[key] if key == 'year' else last}", box=box.SIMPLE_HEAD)
        table.add_column(words[key], no_wrap=True)
        for name in names:
            table.add_column(words[name], justify="right")
        for row in rows.iter_rows(named=True):
            values = [row[name] if name != "budget" else row["budget_cny"] / 1e6 for name in names]
            table.add_row(str(row[key]), *(f"{value:,.0f}" for value in values))
        out.print(table)
    for line in outcome.lines:
        out.print(f"• {line}", markup=False, highlight=False, soft_wrap=True)
