"""Fewer places than zones: neighbours joined to one point each, so that models with routes or capacities stay small."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from networks.courses import plane_km

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FIRST_CELL_KM = 0.5
GROWTH = 1.15
"""Side of the first cells in which zones are joined [km], and how it grows until they are few enough."""


@dataclass(frozen=True, eq=False)
class Points:
    """Places that stand for their zones.

    Parameters
    ----------
    zone
        Row of the zone each point lies in: the heaviest of its zones.
    weight
        Weight of each point, all its zones together.
    of_zone
        Point of each zone; -1 for zones that weigh nothing.
    cell_km
        Side of the cells that were joined [km]; 0 where every zone is a point of its own.
    """

    zone: Ints
    weight: Floats
    of_zone: Ints
    cell_km: float


def join_zones(zones: pl.DataFrame, weight: Floats, most: int) -> Points:
    """Return at most `most` points: zones in the same square cell are one.

    Parameters
    ----------
    zones
        Table `Zone`: lon, lat.
    weight
        Weight of each zone; zones without any are left out.
    most
        Most points.
    """
    heavy = np.flatnonzero(weight > 0)
    cells, side = heavy, 0.0
    plane = plane_km(zones.select("lon", "lat").to_numpy()[heavy], float(str(zones["lat"].mean())))
    while len(np.unique(cells)) > most:
        side = max(side * GROWTH, FIRST_CELL_KM)
        square = np.floor(plane / side).astype(np.int64)
        cells = np.unique(square, axis=0, return_inverse=True)[1].ravel()
    names, label = np.unique(cells, return_inverse=True)
    sums = np.asarray(np.bincount(label, weights=weight[heavy], minlength=len(names)), dtype=np.float64)
    order = np.lexsort((heavy, -weight[heavy], label))
    first = order[np.searchsorted(label[order], np.arange(len(names)))] if len(names) else order
    of_zone = np.full(zones.height, -1, dtype=np.int64)
    of_zone[heavy] = label
    return Points(heavy[first].astype(np.int64), sums, of_zone, side)
