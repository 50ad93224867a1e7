"""The command line: `fleetsim VERB`.

Exit codes: 0 done, 2 the user can fix it (one clear message), 1 a bug (traceback). Each family of verbs is a
module of `fleetsim.verbs`, registered on the app by being imported here, in the order of the help.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fleetsim import __version__
from fleetsim.console import app, err, out
from fleetsim.verbs import (
    assess,
    days,
    import_gtfs,
    import_osm,
    import_places,
    importing,
    init,
    run,
    schedule,
    show,
    site,
)
from networks.errors import FleetsimError

VERBS = (init, run, schedule, site, assess, show, days, importing, import_osm, import_places, import_gtfs)


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
