"""Values where nobody could know better: priors of a forecast made in the past, and of how far any forecast is off."""

from __future__ import annotations

import dataframely as dy

from fleetsim.datasets import data_root
from networks.io import read_table


class StandIn(dy.Schema):
    """One row a value with its range."""

    field = dy.String(primary_key=True)
    value = dy.Float64()
    low = dy.Float64()
    high = dy.Float64()
    note = dy.String()


def stand_ins() -> dict[str, tuple[float, float, float]]:
    """Return value, low and high of each stand-in, by field."""
    table = read_table(data_root() / "backtest.csv", StandIn)
    return {field: (value, low, high) for field, value, low, high, _ in table.iter_rows()}
