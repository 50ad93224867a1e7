"""Who comes to new stations: zones by the nearest one, and the visits they bring."""

from __future__ import annotations

import numpy as np
import polars as pl

from fleetsim.sites.choice import Columns
from fleetsim.sites.ground import Floats, Ground


def whom(ground: Ground, opened: Columns, year: int) -> pl.DataFrame:
    """Return a row a zone that a new station serves or covers: row, column, distance_km, before_km, nearest, newly.

    `nearest` says whether that station is nearer than all that stand, `newly` whether it brings the zone within the
    standard, `comes` are the visits that come to it [1/day].
    """
    before = ground.before_km(year)
    near = ground.near.filter(pl.col("column").is_in(opened.tolist()))
    best = near.sort("row", "distance_km", "column").group_by("row", maintain_order=True)
    table = best.agg(pl.col("column", "distance_km", "standard_km").first())
    zone = table["row"].to_numpy()
    covered = pl.col("distance_km") <= pl.col("standard_km")
    known = ground.taken_up(table, year).select("row", considered=pl.lit(value=True))
    return (
        table.join(known, on="row", how="left", maintain_order="left")
        .with_columns(pl.col("considered").fill_null(value=False))
        .with_columns(before_km=pl.Series(before[zone]))
        .with_columns(
            nearest=pl.col("distance_km") < pl.col("before_km"),
            newly=covered & (pl.col("before_km") > pl.col("standard_km")),
            district=ground.city.zones["district"].gather(zone.tolist()),
            population=ground.city.zones["population"].gather(zone.tolist()),
            jobs=ground.city.zones["jobs"].gather(zone.tolist()),
            visits=pl.Series(ground.visits(year)[zone]),
            left=pl.Series(ground.left(year)[zone]),
        )
        .with_columns(
            comes=pl.when("nearest")
            .then("visits")
            .when(covered & pl.col("considered"))
            .then(pl.min_horizontal("left", "visits"))
            .otherwise(0.0)
        )
    )


def arrivals_by_site(ground: Ground, opened: Columns, year: int) -> Floats:
    """Return the arrivals in the busiest hour of each offered site of a year, of those that come to it [1/h]."""
    served = whom(ground, opened, year)
    columns, zones = served["column"].to_numpy(), served["row"].to_numpy()
    return ground.peaks_of(year, served["comes"].to_numpy(), columns, zones)


def visits_by_site(ground: Ground, served: pl.DataFrame) -> Floats:
    """Return the visits a day to each offered site of those that come to it, from the table of `whom` [1/day]."""
    sums = np.bincount(served["column"].to_numpy(), served["comes"].to_numpy(), ground.offered.height)
    return np.asarray(sums, np.float64)
