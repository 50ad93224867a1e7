"""What a run shows: progress, the target table in the terminal, map and report files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from fleetsim.result import Result
from fleetsim.targets import UNITS_SHOWN, show_gap, show_observed, show_range, show_value, target_table, verdict_lines
from fleetsim.texts import Language, texts
from networks.errors import DataError

Tell = Callable[[str, float], None]

WIDE = 120
"""Columns of a terminal from which the range of the modelled values is shown too."""
STATUS_STYLES = {"met": "green", "missed": "red", "open": "yellow", "unknown": "dim", "not_due": "dim"}


@contextmanager
def progress(console: Console, *, quiet: bool) -> Iterator[Tell]:
    """Yield a function that shows what is being done and the share of the whole that is done.

    A terminal has a bar; a log, or whatever else is no terminal, gets a line a year.
    """
    if quiet:
        yield lambda stage, share: None
        return
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (
        TextColumn("{task.description:<44}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading", total=1.0)
        yield lambda stage, share: bar.update(task, description=stage, completed=share)


def _lines(console: Console) -> Tell:
    """Return a function that prints a line for every year, and for every stage outside the years, as it begins."""
    told: set[str] = set()

    def tell(stage: str, share: float) -> None:
        part = stage.partition(":")[0]
        if part not in told:
            told.add(part)
            console.print(f"{share:4.0%} {part}", highlight=False, markup=False, soft_wrap=True)

    return tell


def write_all(result: Result, target: Path, lang: Language, *, overwrite: bool) -> None:
    """Write tables, map and report of a run, all or nothing."""
    from fleetsim.report import report_page

    page = result.map("coverage", lang).html
    report = report_page(result, page, lang)
    result.save(target, overwrite=overwrite, files={"maps/coverage.html": page, "report.html": report})


def print_targets(console: Console, result: Result, lang: Language) -> None:
    """Print the target table: observed, modelled, target, gap, status; sources as numbered notes below."""
    words, status = texts(lang, "report"), texts(lang, "status")
    rows = target_table(result, lang)
    if rows.is_empty():
        console.print(words["no_targets"], highlight=False)
        _print_notes(console, result, lang)
        return
    table = Table(
        title=words["targets"], title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    table.add_column(words["indicator"])
    wide = console.width >= WIDE
    names = ["year", "observed", "modelled", *(["range"] if wide else []), "target", "gap"]
    for name in names:
        table.add_column(words[name], justify="right", no_wrap=True)
    table.add_column(words["status"], no_wrap=True)
    table.add_column("", style="dim", justify="right", no_wrap=True)
    sources: list[str] = []
    for row in rows.iter_rows(named=True):
        if row["source"] not in sources:
            sources.append(row["source"])
        unit = row["unit"]
        cells = [str(row["year"]), show_observed(row, lang), show_value(row["modelled"], unit, lang)]
        cells += [show_range(row, lang)] if wide else []
        cells += [show_value(row["target"], unit, lang), show_gap(row)]
        mark = f"[{STATUS_STYLES[row['status']]}]{status[row['status']]}[/]"
        table.add_row(_title(row), *cells, mark, f"({sources.index(row['source']) + 1})")
    console.print(table)
    console.print(f"{texts(lang, 'terminal')['sources']}:", style="dim")
    for number, source in enumerate(sources, 1):
        console.print(f" ({number}) {source}", style="dim", markup=False, highlight=False)
    _print_verdicts(console, rows, result, lang)
    _print_notes(console, result, lang)


def _print_verdicts(console: Console, rows: pl.DataFrame, result: Result, lang: Language) -> None:
    """Print what plausible levers can do for each target that is not met."""
    lines = verdict_lines(rows, result.run, lang)
    if not lines:
        return
    words = texts(lang, "verdicts")
    console.print(f"{words['title']}:", style="bold")
    for title, told in lines:
        console.print(f"• {title}: {told}", markup=False, highlight=False, soft_wrap=True)
    console.print(words["note"], style="dim", soft_wrap=True)


def _print_notes(console: Console, result: Result, lang: Language) -> None:
    for note in result.run.get("notes", []):
        console.print(f"• {note[lang]}", markup=False, highlight=False)


def _title(row: dict[str, Any]) -> str:
    unit = f" [dim]({row['unit']})[/]" if row["unit"] in UNITS_SHOWN else ""
    return f"{row['title'] or row['indicator']}{unit}"


def print_written(console: Console, result: Result, target: Path) -> None:
    """Print where the run's files are and how long its stages took."""
    seconds = result.run["seconds"]
    slowest = ", ".join(
        f"{name} {value:.0f} s" for name, value in sorted(seconds.items(), key=lambda item: -item[1])[:4]
    )
    console.print(f"{sum(seconds.values()):.0f} s in all: {slowest}", highlight=False, soft_wrap=True)
    for name in ("report.html", "maps/coverage.html", "tables/"):
        console.print(f"  {target / name}", highlight=False, soft_wrap=True)


def summary(result: Result, target: Path) -> dict[str, Any]:
    """Return what `fleetsim run --json` prints: where the result is, its run record and its targets."""
    return {"folder": str(target), "run": dict(result.run), "targets": target_table(result, "en").to_dicts()}


def find_sources(sources: pl.DataFrame, query: str, kind: str) -> pl.DataFrame:
    """Return the source rows that contain a text and are of a kind (both optional).

    Raises
    ------
    DataError
        When no row is left.
    """
    rows = sources
    if kind:
        rows = rows.filter(pl.col("kind").cast(pl.String) == kind)
    if query:
        everything = pl.concat_str(pl.all().cast(pl.String), separator=" ", ignore_nulls=True)
        rows = rows.filter(everything.str.to_lowercase().str.contains(query.lower(), literal=True))
    if rows.is_empty():
        raise DataError(f"sources: no row has {query or kind!r}; try a file name such as stock.csv")
    return rows


def print_sources(console: Console, rows: pl.DataFrame) -> None:
    """Print source rows, one block a file."""
    for (file,), part in rows.group_by("file", maintain_order=True):
        console.print(f"[bold]{file}[/bold]")
        for row in part.iter_rows(named=True):
            origin = ", ".join(str(row[name]) for name in ("publisher", "title", "date", "url") if row[name])
            note = f" — {row['note']}" if row["note"] else ""
            console.print(f"  {row['item']} [{row['kind']}] {origin}{note}", markup=False, highlight=False)
    counts = rows.group_by("kind", maintain_order=True).len().sort("kind")
    told = ", ".join(f"{count} {kind}" for kind, count in counts.iter_rows())
    console.print(f"{len(rows)} rows: {told}", highlight=False)


def print_frame(console: Console, frame: pl.DataFrame, title: str) -> None:
    """Print a table as it is, numbers to one decimal."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name, dtype in frame.schema.items():
        table.add_column(name, justify="right" if dtype.is_numeric() else "left", no_wrap=True)
    for row in frame.iter_rows():
        table.add_row(*[_cell(value) for value in row])
    console.print(table, width=max(console.width, WIDE), crop=False)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
