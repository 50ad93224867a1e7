"""The large tables of simulated days in little memory while the years go by, and as they are told at the end."""

from __future__ import annotations

from collections.abc import Sequence

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
    if name not in LARGE_TABLES or table.is_empty():
        return table
    texts = [pl.col(text).cast(pl.Categorical) for text in TEXTS if text in table.columns]
    narrow = table.drop(CONSTANT).with_columns(*texts, pl.col(pl.Int64).cast(pl.Int32))
    if name in SINGLE_PRECISION:
        narrow = narrow.with_columns(pl.col(pl.Float64).cast(pl.Float32))
    # A literal takes no memory however many the rows are.
    day = pl.lit(table["day"][0], pl.Categorical)
    return narrow.with_columns(year=pl.lit(table["year"][0], pl.Int64), day=day).select(table.columns)


def joined(name: str, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the compacted parts of a table as one, with the types of its schema.

    Texts of `SINGLE_PRECISION` tables are categories numbered in the order of the texts, the same in every run.
    """
    table = pl.concat(parts)
    if name not in LARGE_TABLES:
        return table
    whole = table.with_columns(pl.col(pl.Int32).cast(pl.Int64))
    if name not in SINGLE_PRECISION:
        return whole.with_columns(pl.col(pl.Categorical).cast(pl.String))
    names = [column for column, dtype in whole.schema.items() if dtype == pl.Categorical]
    orders = {column: pl.Enum(whole[column].unique().cast(pl.String).sort()) for column in names}
    return whole.with_columns(pl.col(column).cast(order) for column, order in orders.items())
