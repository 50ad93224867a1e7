"""A planner's own schedule: CSV or Excel rows, or the lines of a TOML file, checked row by row."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from fleetsim.cars import CAR_FLEETS
from fleetsim.datasets import City
from fleetsim.scenario.schedule import Conversion
from networks.columns import Field, match_columns, numbers
from networks.errors import DataError
from networks.layers import Layer, read_layer

FIELDS = {
    "fleet": Field(("fleet", "车队", "车队名称", "车辆类别")),
    "district": Field(("district", "区", "行政区", "区县", "所属区")),
    "depot": Field(("depot", "place", "场站", "停车场", "车场")),
    "powertrain": Field(("powertrain", "to", "动力", "动力类型", "动力形式", "燃料类型")),
    "year": Field(("year", "年", "年份", "年度")),
    "number": Field(("number", "vehicles", "数量", "辆数", "购置数量"), {"辆": 1.0}),
    "share": Field(("share", "比例", "占比", "份额"), {"%": 0.01, "％": 0.01}),
}
REQUIRED = ("fleet", "powertrain", "year")
COLUMNS = {
    "fleet": pl.String,
    "district": pl.String,
    "depot": pl.String,
    "powertrain": pl.String,
    "year": pl.Int64,
    "number": pl.Float64,
    "share": pl.Float64,
}


def read_plan(path: Path, city: City, *, sheet: str | None = None) -> pl.DataFrame:
    """Return the rows of a schedule file: fleet, district, depot, powertrain, year, number or share.

    Parameters
    ----------
    path
        CSV, Excel or TOML (`[[convert]]` lines as in a scenario).
    city
        Known fleets, districts, depots and powertrains; Chinese names are known too.
    sheet
        Sheet of a workbook; None: the first.

    Raises
    ------
    DataError
        With one line a mistake: file, sheet, row, value and remedy.
    """
    if path.suffix.lower() == ".toml":
        return _from_toml(path, city)
    layer = read_layer(path, sheet=sheet)
    columns = match_columns(layer.rows.columns, FIELDS, file=path.name)
    missing = [name for name in REQUIRED if name not in columns.column]
    if missing or not {"number", "share"} & set(columns.column):
        wanted = ", ".join(missing) or "number or share"
        raise DataError(f"{path.name}: column {wanted} is missing; add it (known headings: {_headings()})")
    texts = layer.rows.select(
        [
            pl.col(columns.column[name]).alias(name) if name in columns.column else pl.lit(None, pl.String).alias(name)
            for name in FIELDS
        ]
    )
    places = [_place(layer, sheet, index) for index in range(texts.height)]
    return _checked(texts, places, city, columns.factor)


def _headings() -> str:
    return "; ".join(" / ".join(field.names[:2]) for field in FIELDS.values())


def _place(layer: Layer, sheet: str | None, index: int) -> str:
    book = layer.path.suffix.lower().startswith((".xls", ".ods"))
    where = f"{layer.path.name}, sheet {sheet or _first_sheet(layer.path)}" if book else layer.path.name
    return f"{where}, row {layer.numbers[index]}"


def _first_sheet(path: Path) -> str:
    import fastexcel

    return str(fastexcel.read_excel(path).sheet_names[0])


def _from_toml(path: Path, city: City) -> pl.DataFrame:
    if not path.is_file():
        raise DataError(f"{path}: no such file; correct the path")
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is not valid TOML ({error}); correct the line") from error
    lines = tree.get("convert", tree.get("schedule", {}).get("convert", []))
    rows: list[dict[str, str | None]] = []
    places: list[str] = []
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            one = Conversion.model_validate(line)
        except ValidationError as error:
            problems += [
                f"{path.name}, line {number} of convert: {fault['msg']}; correct it" for fault in error.errors()
            ]
            continue
        values: dict[str, dict[int, Any]] = {"share": dict(one.share), "number": dict(one.number)}
        for kind, by_year in values.items():
            for year, value in by_year.items():
                rows.append(
                    {
                        "fleet": one.fleet,
                        "district": one.district,
                        "powertrain": one.to,
                        "year": str(year),
                        kind: str(value),
                    }
                )
                places.append(f"{path.name}, line {number} of convert")
    if problems or not rows:
        raise DataError(problems or f"{path.name}: has no [[convert]] line; write at least one")
    texts = pl.DataFrame(rows, schema=dict.fromkeys(FIELDS, pl.String))
    return _checked(texts, places, city, {})


def _checked(texts: pl.DataFrame, places: list[str], city: City, factor: Mapping[str, float]) -> pl.DataFrame:
    problems: list[tuple[int, str]] = []
    known = {
        "fleet": _names(city.fleets, "fleet", "name_zh", "name_en"),
        "district": _names(city.districts, "district", "name_zh"),
        "depot": _names(city.places, "place", "name", "name_zh"),
        "powertrain": _names(city.powertrains, "powertrain", "name_zh"),
    }
    values: dict[str, list[Any]] = {}
    for name, names in known.items():
        values[name], unknown = _known(texts[name], places, names)
        problems += unknown
    for name in ("year", "number", "share"):
        values[name], wrong = _numbers(texts[name], places, factor.get(name, 1.0), percent=name == "share")
        problems += wrong
    table = pl.DataFrame(
        values, schema={name: pl.Float64 if name == "year" else kind for name, kind in COLUMNS.items()}
    )
    flagged = {index for index, _ in problems}
    for index, row in enumerate(table.iter_rows(named=True)):
        if index not in flagged:
            problems += [(index, f"{places[index]}: {fault}") for fault in _row_faults(row, city)]
    if problems:
        raise DataError([text for _, text in sorted(problems)])
    placed = _with_districts(table.cast({"year": pl.Int64}), city)
    return placed.select(list(COLUMNS)).sort("fleet", "powertrain", "district", "depot", "year", nulls_last=False)


def _known(
    texts: pl.Series, places: list[str], names: Mapping[str, str]
) -> tuple[list[str | None], list[tuple[int, str]]]:
    """Return a column's names as ours and, by row, what is unknown or empty."""
    values = [names.get(text) if text else None for text in texts.to_list()]
    faults = []
    for row, (text, value) in enumerate(zip(texts.to_list(), values, strict=True)):
        if text and value is None:
            faults.append((row, _unknown(places[row], texts.name, text, names)))
        if not text and texts.name in REQUIRED:
            faults.append((row, f"{places[row]}: {texts.name} is empty; fill it in"))
    return values, faults


def _numbers(
    texts: pl.Series, places: list[str], factor: float, *, percent: bool
) -> tuple[list[float | None], list[tuple[int, str]]]:
    """Return a column's numbers and, by row, what is none."""
    found, wrong = numbers(texts)
    values = [value * factor if value == value else None for value in found.tolist()]
    faults = [(row, f"{places[row]}: {texts.name} {texts[row]!r} is not a number; correct it") for row in wrong]
    return (_percent(texts.to_list(), values) if percent else values), faults


def _percent(texts: list[str | None], values: list[float | None]) -> list[float | None]:
    """Return shares with those written as `40%` divided by 100 (the unit behind the number was taken off)."""
    marked = [bool(text and text.strip().endswith(("%", "％"))) for text in texts]
    return [value / 100.0 if each and value is not None else value for each, value in zip(marked, values, strict=True)]


def _names(table: pl.DataFrame, key: str, *others: str) -> dict[str, str]:
    keys = table[key].cast(pl.String).to_list()
    names: dict[str, str] = {}
    for column in reversed((key, *others)):
        names |= {
            str(name): value for name, value in zip(table[column].cast(pl.String).to_list(), keys, strict=True) if name
        }
    return names


def _unknown(place: str, what: str, text: str, names: Mapping[str, str]) -> str:
    import difflib

    close = difflib.get_close_matches(text, list(names), n=3, cutoff=0.5)
    keys = sorted(set(names.values()))
    remedy = f"did you mean {', '.join(close)}?" if close else f"use one of {', '.join(keys[:20])}"
    return f"{place}: {what} {text!r} is not known; {remedy}"


def _row_faults(row: Mapping[str, Any], city: City) -> list[str]:
    faults = []
    if row["fleet"] in CAR_FLEETS:
        faults.append(f"fleet {row['fleet']!r}: cars follow the plate quota, not a schedule; leave the row out")
    if row["year"] != round(row["year"]) or not 2015 <= row["year"] <= 2060:
        faults.append(f"year {row['year']:g} is not a year from 2015 to 2060; correct it")
    if (row["number"] is None) == (row["share"] is None):
        faults.append("give either number or share, not both and not neither")
    if row["share"] is not None and not 0.0 <= row["share"] <= 1.0:
        faults.append(f"share {row['share']:g} is not between 0 and 1; write 40 % as 0.4")
    if row["number"] is not None and (row["number"] < 0 or row["number"] != round(row["number"])):
        faults.append(f"number {row['number']:g} is not a whole number of at least 0; correct it")
    faults += _sold_faults(row, city)
    if row["depot"] is not None and row["share"] is not None:
        faults.append("a share holds for a district; give the depot's vehicles as a number")
    return faults


def _sold_faults(row: Mapping[str, Any], city: City) -> list[str]:
    from fleetsim.choice import types_of

    group = city.fleets.filter(pl.col("fleet") == row["fleet"])["group"].cast(pl.String).to_list()
    sold = types_of(city.vehicle_types, row["fleet"], group[0])["powertrain"].cast(pl.String).sort().to_list()
    if row["powertrain"] in sold:
        return []
    return [f"powertrain {row['powertrain']!r} is not sold to {row['fleet']!r}; use one of {', '.join(sold)}"]


def _with_districts(table: pl.DataFrame, city: City) -> pl.DataFrame:
    where = city.places.select(depot=pl.col("place").cast(pl.String), home=pl.col("district").cast(pl.String))
    joined = table.join(where, on="depot", how="left", maintain_order="left")
    return joined.with_columns(district=pl.coalesce("home", "district"))


def conversions(plan: pl.DataFrame) -> tuple[Conversion, ...]:
    """Return the lines of a scenario's schedule for the rows of a plan, depots added up in their districts."""
    keys = ["fleet", "powertrain", "district"]
    lines = []
    sums = plan.group_by(*keys, "year", maintain_order=True).agg(
        number=pl.col("number").drop_nulls().sum(), share=pl.col("share").max(), counted=pl.col("number").count()
    )
    for (fleet, powertrain, district), rows in sums.sort(*keys, "year").group_by(keys, maintain_order=True):
        counted, shared = rows.filter(pl.col("counted") > 0), rows.filter(pl.col("share").is_not_null())
        head = {"fleet": fleet, "to": powertrain, "district": district}
        if counted.height:
            by_year = {int(y): round(n) for y, n in counted.select("year", "number").iter_rows()}
            lines.append(Conversion.model_validate({**head, "number": by_year}))
        if shared.height:
            lines.append(Conversion.model_validate({**head, "share": dict(shared.select("year", "share").iter_rows())}))
    return tuple(lines)
