"""Where searches still end without energy, and what stands in their way."""

from __future__ import annotations

import numpy as np
import polars as pl

from fleetsim.sites.ground import Ground
from fleetsim.sites.outcome import Stand

WHY_LEFT = ("far", "full", "small")
"""No station within the standard; all there have the largest size; one there could be larger."""


def left_over(measured: Ground, stand: Stand) -> pl.DataFrame:
    """Return district, why and left: visits that stations left over, weighed [1/day].

    Parameters
    ----------
    measured
        The city with the demand measured with the stations of `stand`, in its year.
    stand
        What stands in the last year with the plan.
    """
    left, stations = measured.left(stand.year), stand.stations
    near = measured.ways.pairs(stations, measured.standard_km) if stations.height else pl.DataFrame()
    largest = measured.section.largest_plugs[measured.kind]
    why = np.full(len(left), WHY_LEFT.index("far"))
    if near.height:
        rows, at = near["row"].to_numpy(), near["column"].to_numpy()
        grows = stations["plugs"].to_numpy()[at] < largest
        why[rows] = WHY_LEFT.index("full")
        why[rows[grows]] = WHY_LEFT.index("small")
    table = measured.city.zones.select("district", why=pl.Series(np.array(WHY_LEFT)[why].tolist()), left=left)
    sums = table.group_by("district", "why", maintain_order=True).agg(pl.col("left").sum())
    return sums.filter(pl.col("left") > 0).sort("district", "why")
