"""Columns of an engine's tables from those of a frame."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import polars as pl

from fleetsim.engine.spec import IntArray, Legs, Stations, Vehicles, needed

ColumnsT = TypeVar("ColumnsT", Vehicles, Legs, Stations)


def columns_of(kind: type[ColumnsT], frame: pl.DataFrame, **given: IntArray) -> ColumnsT:
    """Return the dataclass of columns from the frame's columns of the same names."""
    names = [name for name in needed(kind) if name not in given]
    columns: dict[str, Any] = {name: np.ascontiguousarray(frame[name].to_numpy()) for name in names}
    return kind(**columns, **given)  # type: ignore[arg-type]


def whole(value: pl.Expr) -> pl.Expr:
    return value.round().cast(pl.Int64)
