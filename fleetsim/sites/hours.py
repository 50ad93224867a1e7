"""At which hours of the day energy is sought: zone by zone, of the simulated days of a result."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleetsim.datasets import City

Floats = NDArray[np.float64]
CLOCK_HOURS = 24
AMOUNTS = ("seeks", "unserved", "turned_away", "wait_min", "detour_km")


def profile(own: pl.DataFrame, n_zones: int) -> Floats | None:
    """Return the share of a zone's searches in each hour of the clock (zones x 24); None where nothing was sought.

    Parameters
    ----------
    own
        Rows of table `ZoneHour`: one year and kind, all fleets that count.
    n_zones
        Zones of the city.

    Notes
    -----
    Of the simulated day whose busiest hour has the largest share of its searches; the night after midnight is folded
    into the clock. A zone where nothing was sought that day has the shares of the city.
    """
    best: Floats | None = None
    highest = 0.0
    for _, day in own.sort("day").group_by("day", maintain_order=True):
        sums = np.zeros((n_zones, CLOCK_HOURS))
        place = (day["zone"].to_numpy(), day["hour"].to_numpy() % CLOCK_HOURS)
        np.add.at(sums, place, day["seeks"].to_numpy())
        total = float(sums.sum())
        if total > 0 and sums.sum(axis=0).max() / total > highest:
            highest, best = float(sums.sum(axis=0).max() / total), sums
    if best is None:
        return None
    of_zone, city = best.sum(axis=1, keepdims=True), best.sum(axis=0) / best.sum()
    return np.where(of_zone > 0, best / np.where(of_zone > 0, of_zone, 1.0), city)


def mean_day(own: pl.DataFrame, city: City) -> pl.DataFrame:
    """Return zone (row), hour of the clock and `AMOUNTS` on a mean of the simulated days [1/day, min, km]."""
    present = city.days.filter(pl.col("day").is_in(own["day"].unique().implode()))
    weights = present.select("day", weight=pl.col("weight_days") / pl.col("weight_days").sum())
    weighed = own.join(weights, on="day").with_columns(pl.col("hour") % CLOCK_HOURS)
    sums = weighed.group_by("zone", "hour", maintain_order=True).agg((pl.col(AMOUNTS) * pl.col("weight")).sum())
    return sums.sort("zone", "hour")


def of_year(table: pl.DataFrame, year: int) -> pl.DataFrame:
    """Return the rows of the last simulated year up to a year; empty where there are none."""
    if table.is_empty():
        return table
    return table.filter(pl.col("year") == table.filter(pl.col("year") <= year)["year"].max())


def hour_sums(mean: pl.DataFrame) -> pl.DataFrame:
    """Return hour and `AMOUNTS` of the whole city, of what `mean_day` gives."""
    return mean.group_by("hour", maintain_order=True).agg(pl.col(AMOUNTS).sum()).sort("hour")


def greatest_need(mean: pl.DataFrame) -> pl.DataFrame:
    """Return a row a zone with searches: its hour of greatest need, and what was sought and missed in it.

    Parameters
    ----------
    mean
        As `mean_day` gives it.

    Notes
    -----
    The hour with most searches that end without energy; where none does, with the longest waits together; where nobody
    waits, with most searches.
    """
    worst = mean.filter(pl.col("seeks") > 0).sort(
        "zone", "unserved", "wait_min", "seeks", "hour", descending=[False, True, True, True, False]
    )
    return worst.group_by("zone", maintain_order=True).first()
