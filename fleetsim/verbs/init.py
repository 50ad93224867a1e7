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
) -> None:
    """Write a commented scenario folder to start from: scenario.toml with every key explained."""
    from fleetsim.scenario.template import write_folder

    written = write_folder(folder, base)
    out.print(f"Wrote {written}", highlight=False, soft_wrap=True)
    out.print(
        f"Next: edit it, then `fleetsim check {folder}` and `fleetsim run {folder}`.", highlight=False, soft_wrap=True
    )
