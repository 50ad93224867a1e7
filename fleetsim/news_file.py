"""A file of new observations: CSV, Parquet as the city's own tables, or a sheet of a workbook."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import dataframely as dy
import polars as pl

from fleetsim.tables import ObservationAdded
from networks.columns import Field, match_columns
from networks.errors import DataError
from networks.io import read_table
from networks.layers import EXCEL_SUFFIXES, TABLE_SUFFIXES, read_layer

FIELDS = {
    "indicator": Field(("indicator", "指标")),
    "date": Field(("date", "日期", "时间", "年月")),
    "bound": Field(("bound", "界限", "类型")),
    "published": Field(("published", "发布日期", "公布日期")),
    "value": Field(("value", "数值", "值")),
    "unit": Field(("unit", "单位")),
    "source": Field(("source", "来源")),
    "url": Field(("url", "链接", "网址")),
    "confidence": Field(("confidence", "可信度", "置信度")),
}
OPTIONAL = ("url",)
DAY = r"^(\d{4}-\d{2}-\d{2})[ T].*$"


def read_news_file(path: Path, *, sheet: str | None = None) -> tuple[dy.DataFrame[ObservationAdded], Sequence[int]]:
    """Return the observations of a file, and the number of each row as the planner counts.

    Parameters
    ----------
    path
        CSV (UTF-8 or GB 18030) or a workbook (.xlsx, .xls, .ods) whose headings may be Chinese and whose days may be
        typed as days; or Parquet with the columns of `ObservationAdded`.
    sheet
        Sheet of a workbook; None: the first.

    Raises
    ------
    DataError
        With one line a fault: file, row, value and remedy.
    """
    if path.suffix.lower() not in (*EXCEL_SUFFIXES, *TABLE_SUFFIXES):
        rows = read_table(path, ObservationAdded)
        return rows, range(2, rows.height + 2)
    layer = read_layer(path, sheet=sheet)
    found = match_columns(layer.rows.columns, FIELDS, file=path.name).column
    missing = [name for name in FIELDS if name not in found and name not in OPTIONAL]
    if missing:
        raise DataError([f"{path.name}: column {name} is missing; add it" for name in missing])
    texts = layer.rows.select(_text(name, found.get(name)) for name in FIELDS)
    return _validated(path, texts, layer.numbers), layer.numbers


def _text(name: str, column: str | None) -> pl.Expr:
    """Return a column as text; a month or day typed as a day of the workbook is written as a month or day."""
    if column is None:
        return pl.lit(None, pl.String).alias(name)
    text = pl.col(column)
    if name == "date":
        text = text.str.replace(DAY, "$1").str.replace(r"^(\d{4}-\d{2})-\d{2}$", "$1")
    if name == "published":
        text = text.str.replace(DAY, "$1")
    return text.alias(name)


def _validated(path: Path, texts: pl.DataFrame, numbers: Sequence[int]) -> dy.DataFrame[ObservationAdded]:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "rows.csv"
        texts.write_csv(copy)
        try:
            return read_table(copy, ObservationAdded)
        except DataError as error:
            raise DataError([_renamed(line, str(copy), path.name, numbers) for line in error.problems]) from error


def _renamed(line: str, copy: str, name: str, numbers: Sequence[int]) -> str:
    """Return an error of the copy as one of the workbook, with its own row number."""
    told = line.replace(copy, name, 1)
    return re.sub(r"(?<=, row )\d+", lambda found: str(numbers[int(found[0]) - 2]), told, count=1)
