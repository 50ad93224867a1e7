"""`fleetsim import gtfs`: a public transport timetable into a city folder."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from fleetsim.console import JsonOption, err, out, stoppable
from fleetsim.verbs.importing import import_app
from networks.errors import FleetsimError

if TYPE_CHECKING:
    from fleetsim.bring_timetable import TimetableBrought

POOLS = ("agency", "line", "city")
LINES_SHOWN = 20
DATE_FORMATS = ("%Y-%m-%d", "%Y%m%d")


@import_app.command("gtfs")
def gtfs(
    feed: Annotated[Path, typer.Argument(help="GTFS feed: a zip file or a folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="City folder; made where there is none.")],
    day: Annotated[str, typer.Option("--date", help="Date that stands for weekdays (default: the busiest).")] = "",
    weekend: Annotated[
        str, typer.Option("--weekend-date", help="Date that stands for weekends (default: the busiest).")
    ] = "",
    route_type: Annotated[
        list[int] | None,
        typer.Option(help="Route type to take, may be repeated (default: buses, 3, 11, 700-716 and 800)."),
    ] = None,
    blocks: Annotated[str, typer.Option(help="given: keep the feed's blocks, build missing ones; build: all anew.")] = (
        "given"
    ),
    pool: Annotated[str, typer.Option(help="Who shares buses in built blocks: agency, line or city.")] = "agency",
    layover_min: Annotated[float, typer.Option(min=0.0, max=60.0, help="Shortest stop between two trips [min].")] = 5.0,
    empty_kmh: Annotated[float, typer.Option(min=5.0, max=80.0, help="Speed of empty runs [km/h].")] = 25.0,
    detour: Annotated[float, typer.Option(min=1.0, max=3.0, help="Road distance over the straight line.")] = 1.3,
    residents: Annotated[
        int | None, typer.Option(min=1, help="Residents of the city, where it has no zones yet.")
    ] = None,
    leave_out_faulty: Annotated[
        bool, typer.Option("--leave-out-faulty", help="Leave out trips with faults instead of refusing the feed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring a timetable: lines, trips, terminals, depots and the buses' days.

    Names every fault of the feed at once, with file, row and remedy. Where the feed has no blocks, the fewest buses
    that run all trips are found. A folder without roads and zones gets stand-ins, so that it can be run at once.

    Example: `fleetsim import gtfs feed.zip -o mycity`, then `fleetsim run mycity`
    """
    from fleetsim.bring_timetable import timetable_into
    from networks.blocks import ChainRules
    from networks.gtfs.convert import Choice, Pool
    from networks.gtfs.expand import BUS_TYPES
    from networks.gtfs.read import read_feed

    _require_one_of("--blocks", blocks, ("given", "build"))
    _require_one_of("--pool", pool, POOLS)
    choice = Choice(
        route_types=frozenset(route_type) if route_type else BUS_TYPES,
        weekday=_date_of("--date", day),
        weekend=_date_of("--weekend-date", weekend),
        keep_blocks=blocks == "given",
        pool=cast(Pool, pool),
        rules=ChainRules(round(layover_min * 60.0), detour, empty_kmh),
        leave_out_faulty=leave_out_faulty,
    )
    with stoppable(), err.status("reading the feed, building blocks") as status:
        if as_json:
            status.stop()
        brought = timetable_into(output, read_feed(feed), choice, residents)
    if as_json:
        out.print_json(json.dumps(_summary(brought), ensure_ascii=False))
        return
    _tell(brought, output)


def _summary(brought: TimetableBrought) -> dict[str, Any]:
    days = {
        name: {
            "date": str(day.day.date),
            "trips": day.trips.height,
            "buses": day.buses,
            "given_blocks": day.given,
            "overlaps": list(day.overlaps),
        }
        for name, day in brought.timetable.days.items()
    }
    return {"days": days, "lines": brought.timetable.lines.height, "notes": list(brought.notes)} | {
        "tables": {name: table.height for name, table in brought.tables.items()}
    }


def _tell(brought: TimetableBrought, folder: Path) -> None:
    for name, day in brought.timetable.days.items():
        overlaps = [f"{name}: {line}" for line in day.overlaps]
        for line in overlaps[:LINES_SHOWN]:
            err.print(line, markup=False, highlight=False, soft_wrap=True)
        if len(overlaps) > LINES_SHOWN:
            err.print(f"{name}: {len(overlaps) - LINES_SHOWN} more overlaps (--json lists all)", highlight=False)
        built = day.buses - day.given
        text = f"{name} ({day.day.date}): {day.trips.height:,} trips by {day.buses:,} buses: "
        text += f"{day.given:,} blocks given, {built:,} built (the fewest possible)"
        out.print(text, highlight=False, soft_wrap=True)
    for note in brought.notes:
        out.print(note, markup=False, highlight=False, soft_wrap=True)
    told = ", ".join(f"{name} {table.height:,}" for name, table in brought.tables.items())
    out.print(f"Wrote {told} rows into {folder}. Next: `fleetsim run {folder}`.", highlight=False, soft_wrap=True)


def _date_of(option: str, text: str) -> date | None:
    from datetime import datetime

    for form in DATE_FORMATS:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    if text:
        raise FleetsimError(f"{option} {text!r}: is not a date; write it as 2026-05-12")
    return None


def _require_one_of(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise FleetsimError(f"{option} {value!r}: is not known; use {', '.join(known)}")
