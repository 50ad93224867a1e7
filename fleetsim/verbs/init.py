"""`fleetsim init`: a folder to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleetsim.console import app, out


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="New folder.")],
    base: Annotated[str, typer.Option(help="Shipped scenario to extend: outlook or plan.")] = "outlook",
    city: Annotated[bool, typer.Option("--city", help="Write a city folder: templates of every table too.")] = False,
    name: Annotated[str, typer.Option(help="Name of the city (default: that of the folder).")] = "",
    name_zh: Annotated[str, typer.Option("--name-zh", help="Its Chinese name.")] = "",
) -> None:
    """Write a commented scenario folder to start from, or with --city a folder for a city of your own.

    Example: `fleetsim init helsinki --city --name Helsinki`
    """
    if city:
        from fleetsim.city_folder import write_city

        files = write_city(folder, name, name_zh)
        out.print(f"Wrote {len(files)} files into {folder}", highlight=False, soft_wrap=True)
        steps = f"Next: `fleetsim import osm FILE -o {folder}`, then import zones and gtfs; see {folder / 'README.md'}."
        out.print(steps, highlight=False, soft_wrap=True)
        return
    from fleetsim.scenario.template import write_folder

    written = write_folder(folder, base)
    out.print(f"Wrote {written}", highlight=False, soft_wrap=True)
    out.print(
        f"Next: edit it, then `fleetsim check {folder}` and `fleetsim run {folder}`.", highlight=False, soft_wrap=True
    )
