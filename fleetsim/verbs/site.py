"""`fleetsim site`: where stations should stand in a city, with a proof of how good the answer is."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from fleetsim.console import JsonOption, LangOption, Language, SetOption, app, err, language_of, out, stoppable
from networks.errors import FleetsimError

SITES_SHOWN = 15
NAME_SHOWN = 22
NAME_WITH_WAITS, NAME_END = 17, 4
"""Columns of a terminal for a name, and beside the waits of a simulation; letters kept of its end."""
KINDS = ("public", "swap", "hydrogen")
MODELS = ("maximal", "set", "median", "center", "gradual", "capacitated", "service", "flow")


@app.command()
def site(
    city: Annotated[str, typer.Argument(help="A shipped city (beijing) or a city folder.")] = "beijing",
    kind: Annotated[str, typer.Option(help=f"Kind of station: {', '.join(KINDS)}.")] = "public",
    number: Annotated[str, typer.Option(help="New stations; with --years one for each, or the last.")] = "",
    budget: Annotated[str, typer.Option(metavar="CNY", help="Money for new stations; with --years as --number.")] = "",
    standard: Annotated[bool, typer.Option("--standard", help="Keep the standard everywhere, at least cost.")] = False,
    model: Annotated[str, typer.Option(help=f"What is sought: {', '.join(MODELS)}; see docs/siting.md.")] = "maximal",
    demand: Annotated[
        str, typer.Option(help="residents, jobs, a result folder, or a file (visits_per_day by zone or lon, lat).")
    ] = "residents",
    stations: Annotated[Path | None, typer.Option(help="Stations in place of the city's, or `none`.")] = None,
    candidates: Annotated[Path | None, typer.Option(help="Sites in addition to the city's places (lon, lat).")] = None,
    only: Annotated[bool, typer.Option("--only", help="No other sites than those of --candidates.")] = False,
    forbid: Annotated[Path | None, typer.Option(help="Areas where nothing may stand (GeoJSON and others).")] = None,
    years: Annotated[str, typer.Option(help="Years of the plan, e.g. 2025,2028,2030 (default: 2025).")] = "",
    year_weights: Annotated[str, typer.Option(help="How much each of --years counts, e.g. 3,2,1 (default: 1).")] = "",
    simulate: Annotated[int, typer.Option(help="Rounds of siting and simulating the design day; 0: none.")] = 0,
    enlarge: Annotated[int, typer.Option(help="Most stations that may be enlarged.")] = 0,
    relocate: Annotated[int, typer.Option(help="Most stations that may close so that others open instead.")] = 0,
    fleets: Annotated[str, typer.Option(help="Who counts, and how far they drive: taxi=1,goods=2@5km.")] = "",
    range_: Annotated[float, typer.Option("--range", metavar="KM", help="flow: way on a full tank or battery.")] = 0.0,
    detour: Annotated[float, typer.Option(help="flow: how much longer than the shortest a route may be, e.g. .1.")] = 0,
    flows: Annotated[Path | None, typer.Option(help="flow: trips (from_lon, from_lat, to_lon, to_lat, ...).")] = None,
    serve: Annotated[float, typer.Option(help="service, flow: share that has to be served, 0 to 1.")] = 0.0,
    supply: Annotated[Path | None, typer.Option(help="Hydrogen sources (lon, lat, kg_per_day).")] = None,
    leave_out: Annotated[bool, typer.Option("--leave-out", help="--standard without whom no site reaches.")] = False,
    plans: Annotated[int, typer.Option(help="Different plans that are nearly as good.")] = 1,
    loss: Annotated[float, typer.Option(help="Share of the gain that a further plan may give up.")] = 0.02,
    curve: Annotated[str, typer.Option(help="Coverage for these numbers of stations, e.g. 10,20,50.")] = "",
    time: Annotated[float, typer.Option(help="Longest search [s].")] = 60.0,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for tables and map.")] = None,
    set_: SetOption = None,
    as_json: JsonOption = False,
    lang: LangOption = "",
) -> None:
    """Choose where new stations stand: whom they serve, how large, what they cost, and how good the plan is.

    Example: `fleetsim site beijing --number 50 --curve 10,20,50,100 -o sites`, then open `sites/map.html`
    """
    language = language_of(lang)
    if output is not None and output.exists():
        raise FleetsimError(f"{output}: is there already; name another folder with -o, or remove it")
    _require("--kind", kind, KINDS)
    _require("--model", model, MODELS)
    request = _request(
        kind=kind,
        model="set" if standard else model,
        years=whole_numbers("--years", years) or (2025,),
        numbers=whole_numbers("--number", number),
        budgets=real_numbers("--budget", budget),
        demand=demand,
        stations=stations,
        candidates=candidates,
        only_candidates=only,
        forbidden=forbid,
        relocate=relocate,
        enlarge=enlarge,
        leave_out=leave_out,
        plans=plans,
        loss=loss,
        curve=whole_numbers("--curve", curve),
        time_limit_s=time,
        simulate=simulate,
        fleets=fleets,
        range_km=range_,
        detour_share=detour,
        flows=flows,
        serve_share=serve,
        supply=supply,
        year_weights=real_numbers("--year-weights", year_weights),
    )
    with stoppable():
        sited = _sited(city, request, set_ or [], language)
    if output is not None:
        from fleetsim.site_map import site_page

        sited.save(output, {"map.html": site_page(sited, language)})
    if as_json:
        out.print_json(json.dumps(sited.summary(), ensure_ascii=False))
        return
    _print(sited, language, output)


def _require(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise FleetsimError(f"{option} {value!r}: is not known; use {', '.join(known)}")


def whole_numbers(option: str, text: str) -> tuple[int, ...]:
    """Return the whole numbers of a text such as `10,20,50`."""
    values = real_numbers(option, text)
    if any(value != int(value) for value in values):
        raise FleetsimError(f"{option} {text!r}: write whole numbers, e.g. 10,20,50")
    return tuple(int(value) for value in values)


def real_numbers(option: str, text: str) -> tuple[float, ...]:
    """Return the numbers of a text such as `5e7,1e8`."""
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise FleetsimError(f"{option} {text!r}: is not a number, or a list of them with commas") from None


def fleet_weights(text: str) -> tuple[tuple[str, float, float | None], ...]:
    """Return group, importance and reach [km] of each part of a text such as `taxi=1,goods=2@5km`."""
    found = []
    for part in [each.strip() for each in text.split(",") if each.strip()]:
        head, _, reach = part.partition("@")
        group, _, importance = head.partition("=")
        try:
            reach_km = float(reach.removesuffix("km")) if reach else None
            found.append((group, float(importance or 1.0), reach_km))
        except ValueError:
            raise FleetsimError(f"--fleets {part!r}: write group=importance or group=importance@5km") from None
        if found[-1][1] < 0 or (reach_km is not None and reach_km <= 0):
            raise FleetsimError(f"--fleets {part!r}: importance must be at least 0, the way above 0 km")
    return tuple(found)


def _request(
    *, numbers: tuple[int, ...], budgets: tuple[float, ...], years: tuple[int, ...], fleets: str, **rest: Any
) -> Any:
    from fleetsim.sites.request import FleetWeight, Request

    weights = tuple(FleetWeight(*each) for each in fleet_weights(fleets))
    if len(numbers) == 1:
        steps = len(years)
        numbers = tuple(round(numbers[0] * (step + 1) / steps) for step in range(steps))
    if len(budgets) == 1:
        steps = len(years)
        budgets = tuple(budgets[0] * (step + 1) / steps for step in range(steps))
    return Request(numbers=numbers, budgets_cny=budgets, years=years, fleets=weights, **rest)


def _sited(city: str, request: Any, changes: list[str], language: Language) -> Any:
    from fleetsim.console import read_scenario
    from fleetsim.datasets import city_folder, read_city
    from fleetsim.sites.job import site as answer

    folder = city_folder(city)
    own = folder / "scenario.toml"
    scenario = read_scenario(str(own) if own.is_file() else "outlook", changes)
    read = read_city(folder)
    with Search().ended_by_hand() as search:
        return answer(read, scenario, request, language, search.report)


class Search:
    """A search that Ctrl-C ends with the best plan so far; pressed again, it stops everything."""

    def __init__(self) -> None:
        self.is_over = False

    def report(self, progress: Any) -> bool:
        """Tell on a terminal how far the search is, and return whether it shall end."""
        if err.is_terminal and not math.isnan(progress.objective):
            text = f"{progress.elapsed_s:5.1f} s: {progress.objective:,.0f}, bound {progress.bound:,.0f}"
            err.print(text, style="dim", highlight=False)
        return self.is_over

    def end(self, *_: object) -> None:
        """End the search; the second time stop everything.

        Raises
        ------
        KeyboardInterrupt
            The second time.
        """
        if self.is_over:
            raise KeyboardInterrupt
        self.is_over = True
        err.print("Ending with the best plan so far; Ctrl-C again stops.")

    @contextmanager
    def ended_by_hand(self) -> Iterator[Search]:
        """Let Ctrl-C end the search, as long as this holds."""
        before = signal.signal(signal.SIGINT, self.end)
        try:
            yield self
        finally:
            signal.signal(signal.SIGINT, before)


def _print(sited: Any, language: Language, output: Path | None) -> None:
    from fleetsim.sites.words import quality_lines

    _print_sites(sited, language)
    _print_coverage(sited, language)
    _print_rounds(sited, language)
    for line in quality_lines(sited, language):
        out.print(f"• {line}", markup=False, highlight=False, soft_wrap=True)
    if output is not None:
        out.print(f"  {output / 'map.html'}", highlight=False, soft_wrap=True)


def _print_sites(sited: Any, language: Language) -> None:
    from rich import box
    from rich.table import Table

    from fleetsim.sites.words import shown_districts
    from fleetsim.texts import texts

    words, names = texts(language, "site"), shown_districts(sited.city, language)
    sites = sited.tables["sites"]
    table = Table(title=words["title"], title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("rank", "name", "district"):
        # Where the terminal is narrow the name gives way, not the numbers.
        table.add_column(words["columns"][name], no_wrap=name != "name")
    simulated = sited.tables["rounds"].height > 0
    width = NAME_WITH_WAITS if simulated else NAME_SHOWN
    # Waits take the place of the residents served where there are two kinds of them to compare.
    whole = ("gained", "plugs") if simulated else ("gained", "population_served", "plugs")
    parts = ("peak_arrivals_per_h", *(("expected_wait_min", "simulated_wait_min") if simulated else ()))
    for name in (*whole, *parts, "cost"):
        table.add_column(words["columns"][name], justify="right", no_wrap=True)
    for row in sites.head(SITES_SHOWN).iter_rows(named=True):
        cells = [f"{row[name]:,.0f}" for name in whole] + [_one_digit(row[name]) for name in parts]
        cost = "-" if row["cost_cny"] is None else f"{row['cost_cny'] / 1e6:,.2f}"
        name = row["name_zh" if language == "zh" else "name"]
        told = name if row["action"] == "open" else f"{words['actions'][row['action']]}: {name}"
        table.add_row(
            str(row["rank"]), shortened(told, width), names.get(row["district"], row["district"]), *cells, cost
        )
    out.print(table)
    if simulated:
        out.print(words["wait_columns"], style="dim", highlight=False)
    if sites.height > SITES_SHOWN:
        out.print(words["more"].format(count=sites.height - SITES_SHOWN), style="dim", highlight=False)


def _one_digit(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def shortened(name: str, width: int) -> str:
    """Return a name in as many columns of a terminal, of which a Chinese character takes two."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(name) <= width:
        return name
    # Names of a kind differ at their end.
    end = name[-NAME_END:].lstrip()
    return f"{set_cell_size(name, width - 1 - cell_len(end)).rstrip()}…{end}"


def _print_coverage(sited: Any, language: Language) -> None:
    import polars as pl
    from rich import box
    from rich.table import Table

    from fleetsim.sites.words import shown_districts
    from fleetsim.texts import texts

    words = texts(language, "site")
    names = shown_districts(sited.city, language) | {"all": words["city"]}
    rows = sited.tables["coverage"].filter(pl.col("counted") == "population", pl.col("year") == sited.request.years[-1])
    both = rows.filter(pl.col("stage") == "before").join(
        rows.filter(pl.col("stage") == "after"), on="district", suffix="_after", maintain_order="left"
    )
    table = Table(title=words["coverage"], title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(words["columns"]["district"])
    for name in ("amount", "before", "after", "p95_before", "p95_after"):
        table.add_column(words["columns"][name], justify="right")
    for row in both.iter_rows(named=True):
        far = [row["p95_distance_km"], row["p95_distance_km_after"]]
        table.add_row(
            names[row["district"]],
            f"{row['amount']:,.0f}",
            f"{row['covered_share']:.1%}",
            f"{row['covered_share_after']:.1%}",
            *("-" if value is None else f"{value:.1f}" for value in far),
        )
    out.print(table)


def _print_rounds(sited: Any, language: Language) -> None:
    from rich import box
    from rich.table import Table

    from fleetsim.texts import texts

    words, rounds = texts(language, "site"), sited.tables["rounds"]
    if not rounds.height:
        return
    heads = words["simulated_columns"]
    table = Table(title=words["simulated"], title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in heads:
        table.add_column(heads[name], justify="right")
    for row in rounds.iter_rows(named=True):
        waits = ["-" if row[name] is None else f"{row[name]:.1f}" for name in ("peak_wait_min", "new_peak_wait_min")]
        kept = words["met" if row["meets"] else "not_met"]
        numbers = [f"{row[name]:,.0f}" for name in ("plugs", "left")]
        share, beyond = f"{row['unserved_share']:.1%}", f"{row['stations_beyond']:,}"
        number = f"{row['round']}{words['answer'] if row['chosen'] else ''}"
        table.add_row(number, str(row["year"]), *numbers, share, *waits, beyond, kept)
    out.print(table)
