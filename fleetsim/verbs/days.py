"""`fleetsim week` and `fleetsim bus-ratio`: a year's vehicles through days in a row, and how many buses they take."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from fleetsim.console import JsonOption, ScenarioArgument, SetOption, app, err, out, read_scenario
from networks.errors import FleetsimError

YearOption = Annotated[int, typer.Option("--year", help="Year whose vehicles and stations are simulated.")]
DAYS_HELP = "Representative days in a row, NAME:TIMES, separated by commas."


@app.command()
def week(
    scenario: ScenarioArgument = "outlook",
    year: YearOption = 2025,
    days: Annotated[str, typer.Option("--days", help=DAYS_HELP)] = "mild_weekday:5,mild_weekend:2",
    set_: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run days in a row: batteries carry their charge from one day to the next.

    Example: `fleetsim week outlook --year 2025 --days winter_weekday:5 --set run.sample=0.1`
    """
    from fleetsim.engine.run import simulate_days
    from fleetsim.operation.apply import operated
    from fleetsim.operation.week import in_a_row, summary
    from fleetsim.operation.year import YearReady
    from fleetsim.screens import print_frame

    ready = YearReady.prepare(read_scenario(scenario, set_ or []), year)
    names = day_names(days)
    built = {name: ready.built(ready.day(name)) for name in dict.fromkeys(names)}
    model = in_a_row([built[name][0] for name in names])
    day = operated(model, built[names[0]][1], days=len(names))
    log = simulate_days([day.model.inputs], ready.scenario.run.engine, _announce)[0]
    table = summary(*day.settled(log))
    if as_json:
        out.print_json(json.dumps(table.to_dicts()))
    else:
        print_frame(out, table, f"{len(names)} days in a row, {year}")


@app.command(name="bus-ratio")
def bus_ratio_(
    scenario: ScenarioArgument = "outlook",
    year: YearOption = 2025,
    day: Annotated[str, typer.Option("--day", help="Representative day.")] = "winter_weekday",
    set_: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how many electric buses do the work of a diesel bus, depot by depot, by simulation."""
    from fleetsim.engine.run import simulate_days
    from fleetsim.operation.bus_ratio import bus_ratio
    from fleetsim.operation.year import YearReady
    from fleetsim.screens import print_frame

    chosen = read_scenario(scenario, ["operation.bus_dispatch=pool", *(set_ or [])])
    ready = YearReady.prepare(chosen, year)
    model = ready.operated(ready.day(day)).model
    table = bus_ratio(model, lambda inputs: simulate_days([inputs], chosen.run.engine, _announce)[0])
    able = table.drop_nulls("electric")
    diesel, electric = int(able["diesel"].sum()), int(able["electric"].sum())
    total: dict[str, Any] = {
        "depots": table.height,
        "depots_beyond_battery": table.height - able.height,
        "diesel": diesel,
        "electric": electric,
        "ratio": electric / diesel if diesel else None,
    }
    if as_json:
        out.print_json(json.dumps(total | {"by_depot": table.to_dicts()}))
        return
    print_frame(out, table.sort("blocks", descending=True).head(15), f"Largest depots, {day} {year}")
    out.print(
        f"{electric} electric buses do the work of {diesel} diesel buses ({electric / max(diesel, 1):.3f} for one)."
    )
    if total["depots_beyond_battery"]:
        out.print(f"{total['depots_beyond_battery']} depots have blocks that no battery lasts for; they are left out.")


def day_names(text: str) -> list[str]:
    """Return the days of a text such as `mild_weekday:5,mild_weekend:2`, each as often as it says.

    Raises
    ------
    FleetsimError
        If a number is none.
    """
    names: list[str] = []
    for part in text.split(","):
        name, separator, times = part.strip().partition(":")
        if separator and not times.isdigit():
            raise FleetsimError(f"--days {part!r}: write NAME:TIMES, e.g. mild_weekday:5")
        names += [name] * (int(times) if separator else 1)
    return names


def _announce() -> None:
    err.print("compiling the engine, once", highlight=False)
