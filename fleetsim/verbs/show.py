"""`fleetsim map`, `report` and `sources`: look at a result again, or at where its numbers come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from fleetsim.console import FolderArgument, JsonOption, LangOption, app, language_of, out


@app.command(name="map")
def map_(
    folder: FolderArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File (default: maps/coverage.html inside).")
    ] = None,
    lang: LangOption = "",
) -> None:
    """Draw the coverage map of a result again; it reads the result folder only."""
    from fleetsim.result import Result

    language, target = language_of(lang), output or folder / "maps" / "coverage.html"
    Result.load(folder).map("coverage", language).save(target)
    out.print(f"Wrote {target}", highlight=False, soft_wrap=True)


@app.command()
def report(
    folder: FolderArgument,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File (default: report.html inside).")] = None,
    lang: LangOption = "",
) -> None:
    """Write the report of a result again; it reads the result folder only."""
    from fleetsim.result import Result

    language, target = language_of(lang), output or folder / "report.html"
    Result.load(folder).report(language).save(target)
    out.print(f"Wrote {target}", highlight=False, soft_wrap=True)


@app.command()
def sources(
    query: Annotated[str, typer.Argument(help="Show only rows that contain this text.")] = "",
    kind: Annotated[str, typer.Option(help="published, derived, assumption or synthetic.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say where each shipped number comes from: publisher, title, date, kind."""
    from fleetsim import screens
    from fleetsim.datasets import read_sources

    rows = screens.find_sources(read_sources(), query, kind)
    if as_json:
        out.print_json(json.dumps(rows.to_dicts(), ensure_ascii=False))
    else:
        screens.print_sources(out, rows)
