"""`fleetsim import stations` and `fleetsim import zones`: a planner's own files into a city folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from fleetsim.console import JsonOption, err, out
from fleetsim.verbs.importing import import_app
from networks.errors import FleetsimError

LINES_SHOWN = 20
RULES = ("area", "roads", "places")
KINDS = ("public", "swap", "hydrogen", "depot")

FileArgument = Annotated[Path, typer.Argument(help="CSV, Excel, GeoJSON, GeoPackage or shapefile.")]
CityOption = Annotated[Path, typer.Option("--output", "-o", help="City folder, see `fleetsim init --city`.")]
CrsOption = Annotated[
    str | None, typer.Option(help="wgs84, gcj02, bd09, cgcs2000 or EPSG:n (default: as the file says, else wgs84).")
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="FIELD=COLUMN", help="What a column means where its name does not tell."),
]
SheetOption = Annotated[str | None, typer.Option(help="Sheet of a workbook, or layer of a GeoPackage.")]


@import_app.command("stations")
def stations(
    file: FileArgument,
    output: CityOption,
    crs: CrsOption = None,
    column: ColumnOption = None,
    sheet: SheetOption = None,
    kind: Annotated[str, typer.Option(help="Kind where no column tells it: public, swap, hydrogen, depot.")] = "public",
    opened: Annotated[int, typer.Option(help="Year of opening where no column tells it.")] = 2020,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the stations that are there already.")] = False,
    skip_bad_rows: Annotated[bool, typer.Option(help="Leave out rows with bad values instead of refusing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring charging, swap and hydrogen stations; column names may be Chinese or English.

    Tells which rows are left out and why, which columns mean nothing, and whether the coordinates look like those
    of a Chinese map service under a wrong label.

    Example: `fleetsim import stations 充电站.xlsx --crs gcj02 -o mycity`
    """
    from charging.station_import import StationChoice, datum_message
    from fleetsim.bring import stations_into
    from networks.columns import parse_choices
    from networks.layers import read_layer

    _require_one_of("--kind", kind, KINDS)
    choice = StationChoice(crs, parse_choices(column or []), kind, opened, skip_bad_rows)
    brought = stations_into(output, read_layer(file, sheet=sheet), choice, keep=keep)
    message = datum_message(brought.datum)
    if as_json:
        _print_json(stations=brought.stations.height, left_out=brought.left_out, notes=brought.notes, datum=message)
        return
    _tell(brought.notes)
    _tell(brought.left_out)
    if message:
        err.print(
            message, style="red bold" if brought.datum and brought.datum.sure else "", highlight=False, soft_wrap=True
        )
    plugs = int(brought.stations["plugs"].sum())
    text = (
        f"{brought.stations.height:,} stations with {plugs:,} plugs in {output}; {len(brought.left_out)} rows left out."
    )
    out.print(text, highlight=False, soft_wrap=True)


@import_app.command("zones")
def zones(
    file: FileArgument,
    output: CityOption,
    population: Annotated[
        Path | None, typer.Option(help="Residents: a table by district, or areas of another zone system.")
    ] = None,
    crs: CrsOption = None,
    column: ColumnOption = None,
    sheet: SheetOption = None,
    rule: Annotated[str, typer.Option(help="How residents spread within a district: roads, area or places.")] = "roads",
    resolution: Annotated[
        int | None,
        typer.Option(min=5, max=10, help="H3 resolution (default: 8; 7 outside the centre of a large city)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make districts and hexagon zones from borders, from settlements with coordinates, or from one population figure.

    FILE holds district borders (any boundary file), or is a table of settlements (name, lon, lat, population), or
    a table of one row for the whole city; without borders the city is where its roads are.

    Example: `fleetsim import zones 区界.shp --population 人口.csv -o mycity`
    """
    from typing import cast

    from fleetsim.bring import zones_into
    from fleetsim.inherit import read_identity
    from networks.columns import parse_choices
    from networks.layers import read_layer
    from networks.spread import Rule
    from networks.zone_import import ZoneChoice

    _require_one_of("--rule", rule, RULES)
    name = read_identity(output).name_en or output.resolve().name
    choice = ZoneChoice(crs, parse_choices(column or []), cast(Rule, rule), resolution, name)
    people = read_layer(population) if population is not None else None
    brought, changed = zones_into(output, read_layer(file, sheet=sheet), choice, people)
    residents = int(brought.districts["population"].sum())
    counts = {"districts": brought.districts.height, "zones": brought.zones.height, "residents": residents}
    if as_json:
        _print_json(**counts, notes=brought.notes, relabelled=changed)
        return
    _tell(brought.notes)
    if changed:
        out.print(f"Given the districts of the new zones: {', '.join(changed)}", highlight=False, soft_wrap=True)
    told = ", ".join(f"{number:,} {name}" for name, number in counts.items())
    out.print(f"{told} in {output}.", highlight=False, soft_wrap=True)


def _require_one_of(option: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise FleetsimError(f"{option} {value!r}: is not known; use {', '.join(known)}")


def _tell(lines: Sequence[str]) -> None:
    for line in lines[:LINES_SHOWN]:
        err.print(line, markup=False, highlight=False, soft_wrap=True)
    if len(lines) > LINES_SHOWN:
        err.print(f"... and {len(lines) - LINES_SHOWN} more (--json lists all)", highlight=False)


def _print_json(**values: Any) -> None:
    out.print_json(json.dumps(values, ensure_ascii=False))
