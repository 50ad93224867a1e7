"""The group `fleetsim import`: each kind of file has a verb in a module of its own."""

from __future__ import annotations

import typer

from fleetsim.console import app

import_app = typer.Typer(no_args_is_help=True, help="Bring your own city: roads, timetables, stations, zones.")
app.add_typer(import_app, name="import")
