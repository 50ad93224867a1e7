"""The command line: `fleetsim VERB`. The one place that prints.

Exit codes: 0 done, 2 the user can fix it (one clear message), 1 a bug (traceback).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer
from rich.console import Console

from fleetsim import __version__
from networks.errors import FleetsimError

Language = Literal["zh", "en"]

app = typer.Typer(
    name="fleetsim",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Simulates how a city's vehicles become electric and hydrogen vehicles: stock, days, stations, targets.",
)
out = Console()
err = Console(stderr=True)

ScenarioArgument = Annotated[
    str, typer.Argument(help="A shipped scenario (outlook, plan), a TOML file, or a folder with scenario.toml.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a value, e.g. run.seed=2. May be repeated."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
LangOption = Annotated[
    str, typer.Option("--lang", help="Language of screens: en or zh (default: FLEETSIM_LANG, else en).")
]
FolderArgument = Annotated[Path, typer.Argument(help="A result folder, as `fleetsim run` writes it.")]


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        app()
    except FleetsimError as error:
        for problem in error.problems:
            err.print(problem, style="red", markup=False, highlight=False, soft_wrap=True)
        if len(error.problems) > 1:
            err.print(f"{len(error.problems)} problems; nothing was written.", markup=False)
        sys.exit(2)


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"fleetsim {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def _language(choice: str) -> Language:
    lang = choice or os.environ.get("FLEETSIM_LANG", "en")
    if lang not in ("zh", "en"):
        raise FleetsimError(f"--lang {lang!r}: is not a language of fleetsim; use zh or en")
    return cast(Language, lang)


@app.command()
def run(
    scenario: ScenarioArgument = "outlook",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Result folder (default: results/<scenario>).")
    ] = None,
    set_: SetOption = None,
    engine: Annotated[str, typer.Option(help="Engine of the day simulation: auto, simpy or kernel.")] = "",
    years: Annotated[str, typer.Option(metavar="FIRST-LAST", help="Years to run, e.g. 2020-2025.")] = "",
    sample: Annotated[float | None, typer.Option(help="Simulate this share of the vehicles only, 0 to 1.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier result in the folder.")] = False,
    as_json: JsonOption = False,
    lang: LangOption = "",
) -> None:
    """Run a scenario: stock, days, stations and targets year by year; write tables, maps and report.

    Example: `fleetsim run outlook -o results/mine --set cars.quota_nev.2026=120000`
    """
    from fleetsim import screens
    from fleetsim.pipeline import run as run_scenario
    from fleetsim.result import require_free

    language = _language(lang)
    chosen = _read_scenario(scenario, _run_changes(set_, engine, years, sample))
    target = output or Path("results") / chosen.name
    require_free(target, overwrite=overwrite)
    with _stoppable(), screens.progress(err, quiet=as_json) as tell:
        result = run_scenario(chosen, tell)
        # Told to stop while writing, clean up as on Ctrl-C: no half-written folder stays.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        screens.write_all(result, target, language, overwrite=overwrite)
    if as_json:
        out.print_json(json.dumps(screens.summary(result, target), ensure_ascii=False))
        return
    screens.print_targets(out, result, language)
    screens.print_written(out, result, target)


@app.command()
def check(
    scenario: ScenarioArgument = "outlook",
    set_: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a scenario and its city folder; name every mistake at once, with file, row and remedy."""
    from fleetsim.checks import check as check_all

    checked = check_all(_scenario_path(scenario), set_ or [])
    if as_json:
        out.print_json(json.dumps({"problems": checked.problems, "tables": checked.tables}, ensure_ascii=False))
    else:
        for problem in checked.problems:
            err.print(problem, style="red", markup=False, highlight=False, soft_wrap=True)
        count = len(checked.problems)
        verdict = f"{count} problem{'s' if count > 1 else ''}" if count else "nothing wrong"
        out.print(f"{scenario}: {verdict}; {len(checked.tables)} tables read.", highlight=False)
    if checked.problems:
        raise typer.Exit(2)


@app.command(name="map")
def map_(
    folder: FolderArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File (default: maps/coverage.html inside).")
    ] = None,
    lang: LangOption = "",
) -> None:
    """Draw the coverage map of a result again; it reads the result folder only."""
    from fleetsim.result import Result

    language, target = _language(lang), output or folder / "maps" / "coverage.html"
    Result.load(folder).map("coverage", language).save(target)
    out.print(f"Wrote {target}", highlight=False, soft_wrap=True)


@app.command()
def report(
    folder: FolderArgument,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File (default: report.html inside).")] = None,
    lang: LangOption = "",
) -> None:
    """Write the report of a result again; it reads the result folder only."""
    from fleetsim.result import Result

    language, target = _language(lang), output or folder / "report.html"
    Result.load(folder).report(language).save(target)
    out.print(f"Wrote {target}", highlight=False, soft_wrap=True)


@app.command()
def sources(
    query: Annotated[str, typer.Argument(help="Show only rows that contain this text.")] = "",
    kind: Annotated[str, typer.Option(help="published, derived, assumption or synthetic.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say where each shipped number comes from: publisher, title, date, kind."""
    from fleetsim import screens
    from fleetsim.datasets import read_sources

    rows = screens.find_sources(read_sources(), query, kind)
    if as_json:
        out.print_json(json.dumps(rows.to_dicts(), ensure_ascii=False))
    else:
        screens.print_sources(out, rows)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="New folder.")],
    base: Annotated[str, typer.Option(help="Shipped scenario to extend: outlook or plan.")] = "outlook",
) -> None:
    """Write a commented scenario folder to start from: scenario.toml with every key explained."""
    from fleetsim.scenario.template import write_folder

    written = write_folder(folder, base)
    out.print(f"Wrote {written}", highlight=False, soft_wrap=True)
    out.print(
        f"Next: edit it, then `fleetsim check {folder}` and `fleetsim run {folder}`.", highlight=False, soft_wrap=True
    )


@contextmanager
def _stoppable() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        err.print("Stopped; nothing was written.")
        raise typer.Exit(130) from None


def _scenario_path(scenario: str) -> Path:
    from fleetsim.scenario.load import shipped_path

    path = Path(scenario)
    inside = path / "scenario.toml"
    if inside.is_file() or len(path.parts) != 1:
        return inside if path.suffix != ".toml" else path
    return path if path.suffix == ".toml" else shipped_path(scenario)


def _read_scenario(scenario: str, changes: list[str]) -> Any:
    from fleetsim.scenario.scenario import Scenario

    return Scenario.read(_scenario_path(scenario), changes)


def _run_changes(changes: list[str] | None, engine: str, years: str, sample: float | None) -> list[str]:
    all_changes = list(changes or [])
    if engine:
        all_changes.append(f"run.engine={engine}")
    if years:
        first, separator, last = years.partition("-")
        if not (separator and first.isdigit() and last.isdigit()):
            raise FleetsimError(f"--years {years!r}: write it as FIRST-LAST, e.g. 2020-2025")
        all_changes += [f"run.first_year={first}", f"run.last_year={last}"]
    if sample is not None:
        all_changes.append(f"run.sample={sample}")
    return all_changes
