"""Blocks: the days of buses, built from trips with the fewest buses, empty runs between terminals allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import dataframely as dy
import numpy as np
import numpy.typing as npt
import polars as pl

from networks.crs import distance_km
from networks.errors import DataError
from networks.import_rules import block_rules
from networks.io import require_known
from networks.tables import DayTrip, Place, Trip

if TYPE_CHECKING:
    from networks.block_kernels import Ground, Rows

Ints = npt.NDArray[np.int64]

HOUR_S = 3600
MOST_EXCHANGES = 100
"""Rounds of exchanges of joints: a cap on time; those that shorten empty runs end far sooner."""


@dataclass(frozen=True)
class ChainRules:
    """How a bus may go from one trip to the next."""

    layover_s: int = 300
    """Shortest stop after a trip [s]."""
    detour: float = 1.3
    """Road distance over the straight line [-]."""
    empty_speed_kmh: float = 25.0
    """Speed of empty runs [km/h]."""


def minimum_blocks(
    trips: dy.DataFrame[Trip], places: dy.DataFrame[Place], rules: ChainRules, pool: pl.Series | None = None
) -> dy.DataFrame[Trip]:
    """Return the trips with their blocks: the fewest buses that run them all, empty runs allowed.

    Parameters
    ----------
    trips
        Trips of one day; blocks they have are not kept.
    places
        Their terminals.
    rules
        Stops and empty runs between trips.
    pool
        Who shares buses, one label a trip; left out: all trips.

    Raises
    ------
    DataError
        If a terminal is not among the places.

    Notes
    -----
    A bus can run trip j after trip i if it is there in time: end of i + layover + empty run <= departure of j. The
    fewest chains that cover all trips are trips less the largest matching of ends to departures (Dilworth 1950;
    Bertossi, Carraresi and Gallo 1987, https://doi.org/10.1002/net.3230170303), found by augmenting paths; no pair
    of trips is left out, so the number is the proven minimum. Among the chainings with as few buses one with
    short empty runs is taken: joints are exchanged while that shortens them, looking at the next departures at
    the nearest terminals (`import_rules.csv`, rows `blocks_...`). Empty runs are short therefore, but not proven to be
    the shortest.
    """
    pooled = trips.with_columns(pool=pl.lit(0) if pool is None else pool)
    ordered = pooled.sort("departure_s", "trip").with_row_index("row")
    after = np.full(ordered.height, -1, np.int64)
    for part in ordered.partition_by("pool", maintain_order=True):
        rows = part["row"].to_numpy().astype(np.int64)
        joined = _joints(part, places, rules)
        after[rows[joined >= 0]] = rows[joined[joined >= 0]]
    numbered = ordered.with_columns(block=pl.Series(_numbers(after)))
    return Trip.validate(numbered.select(Trip.column_names()).sort("trip"))


def brought_trips(
    trips: dy.DataFrame[DayTrip], places: dy.DataFrame[Place], rules: ChainRules, *, weekend: bool
) -> dy.DataFrame[Trip]:
    """Return the trips of a type of day with blocks; those without one are chained, depot by depot."""
    day = "weekend" if weekend else "weekday"
    own = trips.filter(pl.col("day").cast(pl.String) == day).select(Trip.column_names())
    loose = Trip.validate(own.filter(pl.col("block").is_null()))
    given = own.filter(pl.col("block").is_not_null())
    if loose.is_empty():
        return Trip.validate(own.sort("trip"))
    built = minimum_blocks(loose, places, rules, loose["depot"])
    first = int(given["block"].max()) + 1 if given.height else 0  # type: ignore[arg-type]
    return Trip.validate(pl.concat([given, built.with_columns(pl.col("block") + first)]).sort("trip"))


def _numbers(after: Ints) -> Ints:
    """Return the number of each trip's chain, chains in the order of their first departure."""
    block = np.full(after.size, -1, np.int64)
    count = 0
    for row, following in enumerate(after.tolist()):
        if block[row] < 0:
            block[row] = count
            count += 1
        if following >= 0:
            block[following] = block[row]
    return block


def _joints(trips: pl.DataFrame, places: pl.DataFrame, rules: ChainRules) -> Ints:
    """Return the follower of each trip, -1 after the last of a block; trips come in the order of departure."""
    from networks.block_kernels import exchange, take_nearest

    ground = _ground(trips, places, rules)
    rows = _rows(ground, np.zeros(trips.height, np.int64), 1)
    by_ready = np.lexsort((np.arange(trips.height), ground.ready_s))
    after, before = (np.full(trips.height, -1, np.int64) for _ in range(2))
    near = round(block_rules().near_terminals), round(block_rules().near_departures)
    for ranks in (1, near[0]):
        take_nearest(ground, rows, by_ready, (after, before), ranks)
    _complete(ground, rows, (after, before))
    for _ in range(MOST_EXCHANGES):
        if not exchange(ground, rows, (after, before), near):
            break
    return after


def _complete(ground: Ground, rows: Rows, joints: tuple[Ints, Ints]) -> None:
    """Add joints until no more are possible, along shortest augmenting paths (Hopcroft and Karp 1973)."""
    from networks.block_kernels import augment, find_levels

    while True:
        level = np.full(joints[0].size, -1, np.int64)
        nearest = find_levels(ground, rows, joints, level)
        if nearest < 0:
            return
        by_level = _rows(ground, np.where(level < 0, nearest + 1, level), nearest + 2)
        augment(ground, by_level, joints, nearest)


def _rows(ground: Ground, level: Ints, levels: int) -> Rows:
    from networks.block_kernels import Rows

    row = ground.start * levels + level
    order = np.lexsort((ground.departure_s, row))
    indptr = np.searchsorted(row[order], np.arange(ground.near.shape[0] * levels + 1))
    return Rows(order, indptr, levels)


def _ground(trips: pl.DataFrame, places: pl.DataFrame, rules: ChainRules) -> Ground:
    from networks.block_kernels import Ground

    names = pl.concat([trips["from_terminal"], trips["to_terminal"]]).unique().sort()
    problems = require_known("trips", names.alias("terminal"), places["place"], "add the place to places.csv")
    if problems:
        raise DataError(problems)
    at = pl.DataFrame({"place": names}).join(places, on="place", how="left", maintain_order="left")
    lon, lat = at["lon"].to_numpy(), at["lat"].to_numpy()
    km = rules.detour * distance_km(lon[:, None], lat[:, None], lon[None, :], lat[None, :])
    drive_s = np.rint(km / rules.empty_speed_kmh * HOUR_S).astype(np.int64)
    number = names.to_frame("place").with_row_index("number")
    start, end = (
        trips.select(place=f"{side}_terminal").join(number, on="place", maintain_order="left")["number"]
        for side in ("from", "to")
    )
    departure_s = trips["departure_s"].to_numpy()
    return Ground(
        departure_s=departure_s,
        ready_s=departure_s + trips["run_s"].to_numpy() + rules.layover_s,
        start=start.to_numpy().astype(np.int64),
        end=end.to_numpy().astype(np.int64),
        drive_s=drive_s,
        near=np.argsort(drive_s, axis=1, kind="stable"),
        idle_weight=block_rules().idle_weight,
    )
