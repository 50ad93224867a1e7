"""`fleetsim import osm`: roads and places of a city from OpenStreetMap."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from fleetsim.console import JsonOption, err, out, stoppable
from fleetsim.verbs.importing import import_app


@import_app.command("osm")
def osm(
    file: Annotated[Path, typer.Argument(help="OpenStreetMap extract: .osm.pbf, .osm or .osm.bz2.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="City folder, see `fleetsim init --city`.")],
    as_json: JsonOption = False,
) -> None:
    """Bring the roads on which cars drive, and depots, stations, car parks and service areas as candidate sites.

    Writes nodes, links, link_details (restrictions and courses) and places; other places in the folder stay.

    Example: `fleetsim import osm beijing.osm.pbf -o mycity`
    """
    from fleetsim.bring_roads import roads_into

    with stoppable(), _progress(quiet=as_json) as tell:
        brought = roads_into(output, file, tell)
    kinds = {str(kind): count for kind, count in brought.places["kind"].value_counts().sort("kind").iter_rows()}
    counts = {"nodes": brought.nodes.height, "links": brought.links.height, "links_left_out": brought.left_out}
    if as_json:
        out.print_json(json.dumps({**counts, "places": kinds}, ensure_ascii=False))
        return
    km = float(brought.links["length_km"].sum())
    text = f"{counts['nodes']:,} nodes and {counts['links']:,} links ({km:,.0f} km) in {output}; "
    text += f"{brought.left_out:,} links outside the largest connected part left out."
    out.print(text, highlight=False, soft_wrap=True)
    told = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in kinds.items()) or "none"
    out.print(f"Places: {told}.", highlight=False, soft_wrap=True)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function that shows how many roads and places were read so far."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    if quiet:
        yield None
        return
    columns = (TextColumn("{task.description:<44}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda roads, places: bar.update(task, description=f"read {roads:,} roads, {places:,} places")
