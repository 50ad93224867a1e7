"""The large tables of simulated days in little memory while the years go by, and as they are told at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

import polars as pl

LARGE_TABLES = ("sessions", "station_load", "demand", "zone_hours")
SINGLE_PRECISION = ("sessions",)
"""Tables whose measures stay in single precision and whose texts stay categories: one row a charge, millions."""
CONSTANT = ("year", "day")
"""Columns that hold one value in the table of a day."""
TEXTS = ("fleet", "fleet_group", "station_id")


def compact(name: str, table: pl.DataFrame) -> pl.DataFrame:
    """Return a large table of one day in less memory, any other as it is; see `joined`.

    Parameters
    ----------
    name
        Of the table.
    table
        Its rows, all of one year and day.
    """
    if name not in LARGE_TABLES:
        return table
    texts = [pl.col(text).cast(pl.Categorical) for text in TEXTS if text in table.columns]
    narrow = table.drop(CONSTANT).with_columns(*texts, pl.col(pl.Int64).cast(pl.Int32))
    if name in SINGLE_PRECISION:
        narrow = narrow.with_columns(pl.col(pl.Float64).cast(pl.Float32))
    # A literal takes no memory however many the rows are.
    year, day = pl.lit(table["year"].first(), pl.Int64), pl.lit(table["day"].first(), pl.Categorical)
    return narrow.with_columns(year=year, day=day).select(table.columns)


def packed(table: pl.DataFrame) -> bytes:
    """Return a compacted table in half its memory or less; `unpacked` gives it back."""
    target = BytesIO()
    table.write_parquet(target, compression="lz4", statistics=False)
    return target.getvalue()


def unpacked(parts: Sequence[bytes]) -> list[pl.DataFrame]:
    """Return the tables that were packed."""
    return [pl.read_parquet(part) for part in parts]


def joined(name: str, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the compacted parts of a table as one, with the types of its schema.

    Texts of `SINGLE_PRECISION` tables are categories numbered in the order of the texts, the same in every run.
    """
    if name not in LARGE_TABLES:
        return pl.concat(parts)
    # Column by column, each let go of once it is part of the whole: all together they fill much memory.
    columns = []
    for column in parts[0].columns:
        columns.append(_whole(pl.concat([part[column] for part in parts], rechunk=True), name in SINGLE_PRECISION))
        parts = [part.drop(column) for part in parts]
    return pl.DataFrame(columns)


def by_year(table: Any) -> Iterator[Any]:
    """Return the rows of each year, one year after the other: what is done with all at once fills much memory."""
    return (table.filter(pl.col("year") == year) for year in table["year"].unique().sort())


def _whole(column: pl.Series, keeps_categories: bool) -> pl.Series:
    if column.dtype == pl.Int32:
        return column.cast(pl.Int64)
    if column.dtype != pl.Categorical:
        return column
    return column.cast(pl.Enum(column.unique().cast(pl.String).sort()) if keeps_categories else pl.String)
