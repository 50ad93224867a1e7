"""Where buses stand at night: depots sited at terminals by rule, and the depot of each block."""

from math import ceil

import numpy as np
import numpy.typing as npt
import polars as pl

from networks.crs import distance_km

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_EXCHANGES = 200


def block_ends(trips: pl.DataFrame) -> pl.DataFrame:
    """Return the first and last terminal of each block: block, from_terminal, to_terminal, trips."""
    return (
        trips.sort("block", "departure_s", "trip")
        .group_by("block", maintain_order=True)
        .agg(pl.col("from_terminal").first(), pl.col("to_terminal").last(), pl.len().alias("trips"))
    )


def site_depots(ends: pl.DataFrame, terminals: pl.DataFrame, buses_a_depot: float) -> list[str]:
    """Return the terminals at which depots are sited, in the order of their names.

    Parameters
    ----------
    ends
        Blocks, see `block_ends`.
    terminals
        Table `Place`.
    buses_a_depot
        Buses of a depot [1]; the number of depots follows.

    Notes
    -----
    The sites that make the pull-outs and pull-ins of all blocks short: the best one after the other, then exchanges
    of one site while they help (p-median by greedy adding and interchange; a good siting, not a proven best).
    """
    number = max(1, ceil(ends.height / buses_a_depot))
    used = terminals.filter(pl.col("place").is_in(pl.concat([ends["from_terminal"], ends["to_terminal"]]).implode()))
    used = used.sort("place")
    ways = ends.group_by("from_terminal", "to_terminal", maintain_order=True).len("blocks")
    cost = empty_km(ways, terminals, used) * ways["blocks"].to_numpy()[:, None]
    return [used["place"][int(site)] for site in sorted(_medians(cost, min(number, used.height)))]


def nearest_depot(ends: pl.DataFrame, terminals: pl.DataFrame, depots: pl.DataFrame) -> pl.DataFrame:
    """Return the depot of each block, the one with the least pull-out and pull-in: block, depot, empty_km.

    Parameters
    ----------
    ends
        Blocks, see `block_ends`.
    terminals, depots
        Tables `Place`.
    """
    depots = depots.sort("place")
    km = empty_km(ends, terminals, depots)
    chosen = km.argmin(axis=1)
    return ends.select(
        "block",
        depot=depots["place"].gather(pl.Series(chosen)),
        empty_km=pl.Series(km[np.arange(ends.height), chosen]),
    )


def empty_km(ends: pl.DataFrame, terminals: pl.DataFrame, depots: pl.DataFrame) -> Floats:
    """Return the straight way out to the first and home from the last terminal, shape (blocks, depots) [km]."""
    total = np.zeros((ends.height, depots.height))
    for side in ("from_terminal", "to_terminal"):
        at = ends.select(place=side).join(terminals, on="place", how="left", maintain_order="left")
        lon, lat = at["lon"].to_numpy()[:, None], at["lat"].to_numpy()[:, None]
        total += distance_km(lon, lat, depots["lon"].to_numpy()[None, :], depots["lat"].to_numpy()[None, :])
    return total


def _medians(cost: Floats, number: int) -> list[int]:
    """Return so many columns that the sum over the rows of the least of them is small."""
    chosen: list[int] = []
    least = np.full(cost.shape[0], np.inf)
    for _ in range(number):
        totals = np.minimum(least[:, None], cost).sum(axis=0)
        totals[chosen] = np.inf
        chosen.append(int(totals.argmin()))
        least = np.minimum(least, cost[:, chosen[-1]])
    for _ in range(MOST_EXCHANGES):
        if not _exchange(cost, chosen):
            break
    return chosen


def _exchange(cost: Floats, chosen: list[int]) -> bool:
    """Move the one site whose move helps most; return whether any does."""
    best, place, better = cost[:, chosen].min(axis=1).sum() * (1.0 - 1e-9), -1, -1
    for out in range(len(chosen)):
        rest = chosen[:out] + chosen[out + 1 :]
        others = cost[:, rest].min(axis=1) if rest else np.full(cost.shape[0], np.inf)
        totals = np.minimum(others[:, None], cost).sum(axis=0)
        if totals.min() < best:
            best, place, better = totals.min(), out, int(totals.argmin())
    if place >= 0:
        chosen[place] = better
    return place >= 0
