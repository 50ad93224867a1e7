"""What was announced by a date: plates of years to come, and programmes for fleets; and how programmes were kept.

A programme asks for a value by a month. How far earlier ones had come by the month of their outcome, over a straight
line from start to target, is the record by which a forecaster believes the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import dataframely as dy
import numpy as np
import polars as pl

from fleetsim.datasets import data_root
from fleetsim.forecast import time_of
from fleetsim.forecast_error import tail_factor
from networks.io import read_table

MONTH = r"^\d{4}-\d{2}$"


class Announced(dy.Schema):
    """One row a figure announced: plates of a year (`quota`), or a value by a month (`programme`)."""

    city = dy.String(primary_key=True)
    kind = dy.Enum(["quota", "programme"])
    item = dy.String(primary_key=True, description="kind of plate; fleet, of which `target` is a share; or indicator")
    announced = dy.String(primary_key=True, regex=r"^\d{4}-\d{2}-\d{2}$", description="day it was published")
    start = dy.String(regex=MONTH)
    start_value = dy.Float64(nullable=True)
    due = dy.String(regex=MONTH, primary_key=True)
    target = dy.Float64(min=0.0)
    outcome_date = dy.String(nullable=True, regex=MONTH)
    outcome = dy.Float64(nullable=True)
    note = dy.String()


@dataclass(frozen=True)
class Record:
    """How earlier programmes were kept: delivered over announced, 1 as announced, more if early."""

    mean: float
    low: float
    high: float
    number: int


@dataclass(frozen=True)
class Programme:
    """New-energy share a fleet shall have by a time."""

    start: float
    """Time from which it counts [year]."""
    due: float
    """Time by which it shall be reached [year]."""
    target: float


def announced(city: str, until: str) -> dy.DataFrame[Announced]:
    """Return what had been announced in a city by the end of a month."""
    rows = read_table(data_root() / "announced.csv", Announced)
    known = rows.filter((pl.col("city") == city) & (pl.col("announced").str.head(7) <= until))
    late = pl.col("outcome_date") > until
    hidden = [pl.when(late).then(None).otherwise(pl.col(name)).alias(name) for name in ("outcome", "outcome_date")]
    return Announced.validate(known.with_columns(hidden))


def quota(rows: dy.DataFrame[Announced]) -> dict[tuple[int, str], float]:
    """Return the plates announced by year and kind [1/year]."""
    plates = rows.filter(pl.col("kind").cast(pl.String) == "quota")
    return {(int(due[:4]), item): target for due, item, target in plates.select("due", "item", "target").iter_rows()}


def record(rows: dy.DataFrame[Announced], interval: float) -> Record | None:
    """Return how the programmes whose outcome is known were kept; None with fewer than two.

    Notes
    -----
    delivered / announced at the month of the outcome, the announced on a straight line from start to target. Low and
    high: mean -/+ t(n - 1) sd sqrt(1 + 1/n), the range of the next one.
    """
    done = rows.filter(pl.col("outcome").is_not_null() & pl.col("start_value").is_not_null())
    kept = np.array([_kept(row) for row in done.iter_rows(named=True)])
    if kept.size < 2:
        return None
    mean, half = float(kept.mean()), float(kept.std(ddof=1)) * tail_factor(kept.size, interval)
    return Record(mean, max(mean - half, 0.0), mean + half, kept.size)


def _kept(row: Mapping[str, object]) -> float:
    times = [time_of(str(row[name])) for name in ("start", "outcome_date", "due")]
    start, outcome, target = (float(str(row[name])) for name in ("start_value", "outcome", "target"))
    passed = min(1.0, (times[1] - times[0]) / (times[2] - times[0]))
    return (outcome - start) / (target - start) / passed


def pending(rows: dy.DataFrame[Announced], fleets: list[str], until: str) -> dict[str, Programme]:
    """Return the programme of each fleet that is due after a month."""
    open_ = rows.filter(pl.col("item").is_in(fleets) & (pl.col("due") > until)).sort("announced")
    return {
        row["item"]: Programme(time_of(row["start"]), time_of(row["due"]), row["target"])
        for row in open_.iter_rows(named=True)
    }


def path(
    shares: Mapping[float, float], programme: Programme, kept: float, seen: float
) -> tuple[tuple[float, float], ...]:
    """Return the share of a fleet under a programme by time: at least what it comes to without one.

    Parameters
    ----------
    shares
        Share by time without the programme [year].
    programme
        What was announced.
    kept
        Part of the announced change that comes.
    seen
        Time until which the share was observed; the programme goes on from there, or from its own start.

    >>> path({2021.0: 0.2, 2022.0: 0.3, 2023.0: 0.9}, Programme(2021.0, 2023.0, 1.0), 0.5, 2020.0)
    ((2021.0, 0.2), (2022.0, 0.4), (2023.0, 0.9))
    """
    after = max(programme.start, seen)
    start = float(np.interp(after, list(shares), list(shares.values())))
    speed = kept * max(programme.target - start, 0.0) / (programme.due - after)
    asked = {time: min(1.0, start + speed * (min(time, programme.due) - after)) for time in shares if time >= after}
    return tuple((time, max(share, asked.get(time, share))) for time, share in shares.items())
