"""City folders on disk: the commented folder `fleetsim init --city` writes, and tables put into one."""

from __future__ import annotations

import shutil
import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path

import dataframely as dy
import polars as pl

from fleetsim.datasets import OPTIONAL, table_path, table_schemas
from fleetsim.inherit import CITY_FILE, Origin, origin_of
from fleetsim.scenario.template import template
from networks.errors import DataError

TEMPLATES = "templates"
ASSUMED_FILE = "assumed.toml"
WIDTH = 118
CITY_TOML = """\
# A city of fleetsim. Tables that do not lie in this folder come from the city named here; `fleetsim check` lists them.
name_en = "{name_en}"
name_zh = "{name_zh}"
extends = "beijing"
"""
BOUND_WORDS = {"min": "at least", "min_exclusive": "above", "max": "at most", "max_exclusive": "below"}
ORIGIN_TEXTS: Mapping[Origin, str] = {
    "required": "required",
    "taken": "else taken from Beijing as it is (an assumption)",
    "scaled": "else taken from Beijing and scaled by residents (an assumption)",
    "rule": "else made by rule (an assumption)",
    "empty": "else empty",
}
README = """\
# {name}

A city folder of fleetsim. From your own files to a report:

    fleetsim import osm ROADS.osm.pbf -o {folder}
    fleetsim import zones DISTRICTS.geojson --population POPULATION.csv -o {folder}
    fleetsim import gtfs FEED.zip -o {folder}
    fleetsim import stations STATIONS.xlsx --crs gcj02 -o {folder}
    fleetsim check {folder}
    fleetsim run {folder}

Roads come first: zones, residents and places follow them. Timetable and stations may be left out, borders too (see
`fleetsim import zones --help`). `scenario.toml` is yours to edit. `{assumed}` holds levers scaled by residents;
`fleetsim import zones` writes it anew, so put nothing of your own there.

## Tables

Each may be given as CSV or Parquet. To fill one in by hand copy it up from `{templates}/`; its comment lines may stay.

| table | what a row is | where it does not lie here |
|---|---|---|
{rows}
"""


def write_city(folder: Path, name_en: str, name_zh: str) -> list[Path]:
    """Write a commented city folder and return its files.

    Raises
    ------
    DataError
        When the folder holds a city already or cannot be written.
    """
    if (folder / CITY_FILE).exists():
        raise DataError(f"{folder / CITY_FILE}: exists already; choose another folder")
    names = {"name_en": name_en or folder.resolve().name, "name_zh": name_zh or name_en or folder.resolve().name}
    texts = {
        CITY_FILE: CITY_TOML.format(**{key: _quoted(name) for key, name in names.items()}),
        "scenario.toml": city_scenario(folder.resolve().name, names["name_en"], names["name_zh"]),
        ASSUMED_FILE: 'extends = "outlook.toml"\n',
        "README.md": _readme(folder, names["name_en"]),
    }
    texts |= {f"{TEMPLATES}/{name}.csv": table_template(name, schema) for name, schema in table_schemas().items()}
    write_texts(folder, texts)
    return [folder / name for name in texts]


def city_scenario(name: str, title_en: str, title_zh: str) -> str:
    """Return the commented scenario of a city folder: it extends the scaled levers beside it."""
    text = template("outlook", name).replace('extends = "outlook.toml"', f'extends = "{ASSUMED_FILE}"', 1)
    text = text.replace('"My scenario"', f'"{_quoted(title_en)}"', 1).replace('"我的情景"', f'"{_quoted(title_zh)}"', 1)
    head, section, rest = text.partition("\n[run]")
    line, _, below = rest.partition("\n")
    return f'{head}{section}{line}\ncity = "."\n{below}'


def table_template(name: str, schema: type[dy.Schema]) -> str:
    """Return the template of a table: comment lines for the table and each column, then the header row."""
    lines = [f"{name}.csv: {_first_line(schema)}", *_key_line(schema), ""]
    for column, kind in schema.columns().items():
        lines += textwrap.wrap(f"{column}: {column_text(kind)}", WIDTH, subsequent_indent="    ")
    comments = "".join(f"# {line}".rstrip() + "\n" for line in lines)
    return comments + ",".join(schema.columns()) + "\n"


def column_text(column: dy.Column) -> str:
    """Return what a column holds: its kind, bounds, whether it may be empty, and its meaning."""
    parts = [_kind(column)]
    for bound, word in (
        ("min", "at least"),
        ("min_exclusive", "above"),
        ("max", "at most"),
        ("max_exclusive", "below"),
    ):
        limit = getattr(column, bound, None)
        if limit is not None:
            parts.append(f"{word} {limit:g}")
    if column.nullable:
        parts.append("may be empty")
    return ", ".join(parts) + (f" - {column.description}" if column.description else "")


def write_tables(folder: Path, tables: Mapping[str, pl.DataFrame]) -> None:
    """Write tables into a city folder as CSV, all or none; a Parquet file of the same table is taken away.

    Raises
    ------
    DataError
        When the folder cannot be written.
    """
    write_texts(folder, {f"{name}.csv": table.write_csv() for name, table in tables.items()})
    for name in tables:
        (folder / f"{name}.parquet").unlink(missing_ok=True)


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files into a folder: all to a temporary folder first, then each to its place."""
    part: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
        for name, text in texts.items():
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            (part / name).write_text(text, encoding="utf-8")
        for name in texts:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (part / name).replace(folder / name)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error.strerror}); choose another folder") from error
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


def is_city(folder: Path) -> bool:
    """Return whether a folder is a city's: it has a `city.toml`, or zones."""
    return (folder / CITY_FILE).is_file() or table_path(folder, "zones").is_file()


def _readme(folder: Path, name: str) -> str:
    rows = [
        f"| `{table}` | {_first_line(schema).removeprefix('One row ').rstrip('.')} | {ORIGIN_TEXTS[_origin(table)]} |"
        for table, schema in table_schemas().items()
    ]
    return README.format(name=name, folder=folder.name, assumed=ASSUMED_FILE, templates=TEMPLATES, rows="\n".join(rows))


def _origin(table: str) -> Origin:
    return "empty" if table in OPTIONAL else origin_of(table)


def _first_line(schema: type[dy.Schema]) -> str:
    return (schema.__doc__ or "").strip().splitlines()[0]


def _key_line(schema: type[dy.Schema]) -> list[str]:
    keys = [name for name, column in schema.columns().items() if column.primary_key]
    return [f"Each value of {', '.join(keys)} stands once."] if keys else []


def _kind(column: dy.Column) -> str:
    if isinstance(column, dy.Enum):
        return "one of " + ", ".join(map(str, column.categories))
    if column.dtype == pl.Boolean:
        return "true or false"
    if column.dtype == pl.String:
        return "text"
    return "whole number" if column.dtype.is_integer() else "number"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
