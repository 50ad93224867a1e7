"""`fleetsim run` and `fleetsim check`: do the main job, or say what stands in its way."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Annotated

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
    scenario_path,
    stoppable,
)
from networks.errors import FleetsimError


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
    policies: Annotated[
        Path | None, typer.Option(help="Python file with policies of your own, see docs/engine.md.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier result in the folder.")] = False,
    as_json: JsonOption = False,
    lang: LangOption = "",
) -> None:
    """Run a scenario: stock, days, stations and targets year by year; write tables, maps and report.

    Example: `fleetsim run outlook -o results/mine --set cars.quota_nev.2026=120000`
    """
    language = language_of(lang)
    with stoppable():
        # The imports take seconds, so that they can be stopped too.
        from fleetsim.memory import keep_freed_memory, keep_imports, take_one_thread

        take_one_thread()
        keep_freed_memory()
        from fleetsim import screens
        from fleetsim.engine.own_policies import read_policies
        from fleetsim.engine.policies import SHIPPED
        from fleetsim.pipeline import run as run_scenario
        from fleetsim.result import require_free

        keep_imports()
        chosen = read_scenario(scenario, _run_changes(set_, engine, years, sample))
        target = output or Path("results") / chosen.name
        require_free(target, overwrite=overwrite)
        drivers = read_policies(policies) if policies else SHIPPED
        with screens.progress(err, quiet=as_json) as tell:
            result = run_scenario(chosen, tell, drivers)
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
    scenario: Annotated[
        str, typer.Argument(help="A shipped scenario, a TOML file, a folder with scenario.toml, or a city folder.")
    ] = "outlook",
    set_: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a scenario and its city folder, or a city folder alone; name every mistake at once, with file and row.

    Tables a city takes from another one are listed: each is an assumption.
    """
    from fleetsim.checks import check as check_all
    from fleetsim.checks import check_city
    from fleetsim.city_folder import is_city

    folder = Path(scenario)
    alone = is_city(folder) and not (folder / "scenario.toml").is_file()
    checked = check_city(folder) if alone else check_all(scenario_path(scenario), set_ or [])
    if as_json:
        out.print_json(json.dumps(vars(checked), ensure_ascii=False))
    else:
        for problem in checked.problems:
            err.print(problem, style="red", markup=False, highlight=False, soft_wrap=True)
        for warning in checked.warnings:
            err.print(f"warning: {warning}", style="yellow", markup=False, highlight=False, soft_wrap=True)
        for note in checked.notes:
            out.print(note, markup=False, highlight=False, soft_wrap=True)
        count = len(checked.problems)
        verdict = f"{count} problem{'s' if count > 1 else ''}" if count else "nothing wrong"
        out.print(f"{scenario}: {verdict}; {len(checked.tables)} tables read.", highlight=False)
    if checked.problems:
        raise typer.Exit(2)


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
