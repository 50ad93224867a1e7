"""Choosing zones for sites: spread them by weight, or cover the weight within a distance."""

from zlib import crc32

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

KM_PER_DEGREE = 111.195
MEAN_LATITUDE = 40.0
NEAR_ZONES = 200


def generator(seed: int, name: str) -> np.random.Generator:
    """Return the random generator of one table or kind: a new kind changes no other kind's rows."""
    return np.random.default_rng(np.random.SeedSequence([seed, crc32(name.encode())]))


def plane_km(points: pl.DataFrame) -> Floats:
    """Return the `lon`, `lat` of the points on a plane [km], good to 1 % within the city."""
    east = points["lon"].to_numpy() * KM_PER_DEGREE * np.cos(np.radians(MEAN_LATITUDE))
    return np.column_stack([east, points["lat"].to_numpy() * KM_PER_DEGREE])


def spread(weights: Floats, at_km: Floats, count: int, reach_km: float, served: Ints | None = None) -> Ints:
    """Return the rows of `count` sites, one after the other where most weight within reach is not yet served.

    Every site serves the same share of all weight, the nearest first, so sites become as dense as the weight.
    A zone may get more than one.

    Parameters
    ----------
    weights
        Demand of every zone.
    at_km
        Centres on a plane [km].
    count
        Sites to place.
    reach_km
        Distance at which the next site still looks for weight [km].
    served
        Rows that have a site already; these serve their share first.
    """
    rows = np.flatnonzero(weights > 0.0)
    tree = cKDTree(at_km[rows])
    kernel = _kernel(tree, reach_km)
    left = weights[rows].astype(np.float64).copy()
    given = [] if served is None else tree.query(at_km[served])[1].tolist()
    share = left.sum() / max(count + len(given), 1)
    for site in given:
        _serve(left, tree, site, share)
    chosen = np.empty(count, dtype=np.int64)
    for site in range(count):
        chosen[site] = int(np.argmax(kernel @ left))
        _serve(left, tree, int(chosen[site]), share)
    return np.asarray(rows[chosen], dtype=np.int64)


def _kernel(tree: cKDTree, reach_km: float) -> csr_matrix:
    kernel = tree.sparse_distance_matrix(tree, 2.0 * reach_km, output_type="coo_matrix").tocsr()
    kernel.data = np.exp(-(kernel.data**2) / (2.0 * reach_km**2))
    kernel.setdiag(1.0)
    return kernel


def _serve(left: Floats, tree: cKDTree, site: int, share: float) -> None:
    """Take `share` away from the weights, the nearest first; look farther only where the near ones do not do."""
    for count in (min(NEAR_ZONES, len(left)), len(left)):
        _, near = tree.query(tree.data[site], k=np.arange(1, count + 1))
        before = np.cumsum(left[near]) - left[near]
        taken = np.clip(share - before, 0.0, left[near])
        left[near] -= taken
        share -= float(taken.sum())
        if share <= 0.0:
            return


def catchments(sites: pl.DataFrame, zones: pl.DataFrame) -> Floats:
    """Return residents plus jobs of the zones to which each site is the nearest one."""
    people = (zones["population"] + zones["jobs"]).to_numpy().astype(np.float64)
    return np.bincount(nearest(zones, sites), weights=people, minlength=sites.height).astype(np.float64)


def cover(weights: Floats, at_km: Floats, radius_km: float, served: Ints | None = None) -> Ints:
    """Return rows of sites, greedily chosen, so that every zone with weight has a site within `radius_km`.

    Parameters
    ----------
    weights
        Weight of every zone; zones of weight 0 need not be covered, and get no site.
    at_km
        Centres on a plane [km].
    radius_km
        Distance within which a site covers [km].
    served
        Rows that have a site already.
    """
    rows = np.flatnonzero(weights > 0)
    tree = cKDTree(at_km[rows])
    near = tree.sparse_distance_matrix(tree, radius_km, output_type="coo_matrix").tocsr()
    near.data[:] = 1.0
    near.setdiag(1.0)
    left = weights[rows].astype(np.float64).copy()
    if served is not None and len(served):
        distance, _ = cKDTree(at_km[served]).query(at_km[rows])
        left[distance <= radius_km] = 0.0
    chosen = []
    while left.any():
        best = int(np.argmax(near @ left))
        chosen.append(rows[best])
        left[near[best].indices] = 0.0
    return np.array(chosen, dtype=np.int64)


def scatter(zones: pl.DataFrame, rows: Ints, rng: np.random.Generator, share: float = 0.8) -> pl.DataFrame:
    """Return `district`, `lon`, `lat` of one point a row, drawn evenly from a disc around the zone's centre.

    Parameters
    ----------
    zones
        Zones.
    rows
        Zone of every point.
    rng
        Source of the draws.
    share
        Radius of the disc over the hexagon's inner radius [-]; below 1 the point stays in its zone.
    """
    picked = zones[rows]
    inner_km = np.sqrt(picked["area_km2"].to_numpy() / (2.0 * np.sqrt(3.0)))
    radius = share * inner_km * np.sqrt(rng.random(len(rows)))
    angle = rng.random(len(rows)) * 2.0 * np.pi
    east = radius * np.cos(angle) / (KM_PER_DEGREE * np.cos(np.radians(MEAN_LATITUDE)))
    north = radius * np.sin(angle) / KM_PER_DEGREE
    return picked.select(
        "district",
        (pl.col("lon") + pl.Series(east)).round(5).alias("lon"),
        (pl.col("lat") + pl.Series(north)).round(5).alias("lat"),
    )


def share_out(total: int, weights: Floats, least: int = 0) -> Ints:
    """Return whole numbers that sum to `total`, as near to the weights as can be (largest remainders).

    >>> share_out(10, np.array([1.0, 1.0, 2.0])).tolist()
    [3, 2, 5]
    """
    spare = total - least * len(weights)
    exact = spare * weights / weights.sum()
    whole = np.floor(exact).astype(np.int64)
    missing = spare - int(whole.sum())
    largest = np.argsort(-(exact - whole), kind="stable")[:missing]
    whole[largest] += 1
    return np.asarray(whole + least, dtype=np.int64)


def nearest(points: pl.DataFrame, zones: pl.DataFrame) -> Ints:
    """Return for every point the row of the zone whose centre is nearest."""
    _, rows = cKDTree(plane_km(zones)).query(plane_km(points))
    return np.asarray(rows, dtype=np.int64)
