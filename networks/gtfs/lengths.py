"""How long trips are: along their shapes where these are usable, else from stop to stop with a detour."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from networks.crs import distance_km
from networks.gtfs.read import Feed
from networks.import_rules import FeedRules

Floats = npt.NDArray[np.float64]

UNITS_PER_KM = {"km": 1.0, "m": 1000.0, "miles": 1.0 / 1.609344, "feet": 1000.0 / 0.3048}
LEAST_KM = 0.05
"""Shortest length of a trip, so that none is 0 [km]; numerics."""


@dataclass(frozen=True, eq=False)
class Lengths:
    """The length of each trip: columns trip, length_km and basis (shape, stop_distance or detour)."""

    trips: pl.DataFrame
    unit: str | None
    """Unit of shape_dist_traveled in stop_times.txt, as found by comparison; None where none fits."""


def trip_lengths(feed: Feed, trips: pl.DataFrame, events: pl.DataFrame, detour: float, rules: FeedRules) -> Lengths:
    """Return the length of trips.

    Parameters
    ----------
    feed
        A feed.
    trips
        Columns trip and shape_id.
    events
        The trips' stop times in order, see `Feed.stop_events`.
    detour
        Road distance over the straight line between stops [-].
    rules
        Which shapes are usable, and which units plausible.

    Notes
    -----
    In this order: the shape from the first to the last stop; the difference of shape_dist_traveled, if the
    straight lines tell its unit; the straight lines times `detour`. A shape that is far too short or too long for
    the stops is not used.
    """
    ways = _ways(feed, events).join(trips.select("trip", "shape_id"), on="trip", maintain_order="left")
    unit = _unit(ways, rules)
    along = pl.col("span") / UNITS_PER_KM[unit] if unit else pl.lit(None, dtype=pl.Float64)
    ways = ways.with_columns(_along_shapes(feed, ways, rules), stops_km=along)
    usable = {name: _usable(pl.col(name), rules) for name in ("shape_km", "stops_km")}
    chosen = (
        pl.when(usable["shape_km"])
        .then(pl.struct(pl.col("shape_km").alias("length_km"), pl.lit("shape").alias("basis")))
        .when(usable["stops_km"])
        .then(pl.struct(pl.col("stops_km").alias("length_km"), pl.lit("stop_distance").alias("basis")))
        .otherwise(pl.struct((pl.col("straight_km") * detour).alias("length_km"), pl.lit("detour").alias("basis")))
    )
    result = ways.select("trip", chosen.alias("way")).unnest("way")
    return Lengths(result.with_columns(pl.col("length_km").clip(LEAST_KM)), unit)


def stop_distances_km(feed: Feed, events: pl.DataFrame) -> Floats:
    """Return the straight distance from the stop before, 0 at the first stop of a trip [km]."""
    stop, trip = events["stop"].to_numpy(), events["trip"].to_numpy()
    lat, lon = (feed.table("stops")[name].to_numpy()[stop] for name in ("stop_lat", "stop_lon"))
    result = np.zeros(events.height)
    if events.height:
        along = distance_km(lon[:-1], lat[:-1], lon[1:], lat[1:])
        result[1:] = np.where(trip[1:] == trip[:-1], along, 0.0)
    return result


def _usable(length: pl.Expr, rules: FeedRules) -> pl.Expr:
    straight = pl.col("straight_km")
    shortest, longest = rules.shortest_over_straight * straight, rules.longest_over_straight * straight
    inside = (length >= shortest) & (length <= longest + rules.length_slack_km)
    return (inside & (length > 0.0)).fill_null(False)


def _ways(feed: Feed, events: pl.DataFrame) -> pl.DataFrame:
    """Return, by trip, its end stops, the straight length from stop to stop, and shape_dist_traveled at its ends."""
    travelled = pl.col("shape_dist_traveled")
    return (
        events.with_columns(straight_km=pl.Series(stop_distances_km(feed, events)))
        .group_by("trip", maintain_order=True)
        .agg(
            pl.col("stop").first().alias("first_stop"),
            pl.col("stop").last().alias("last_stop"),
            pl.col("straight_km").sum(),
            travelled.first().alias("from_dist"),
            travelled.last().alias("to_dist"),
        )
        .with_columns(span=pl.col("to_dist") - pl.col("from_dist"))
    )


def _unit(ways: pl.DataFrame, rules: FeedRules) -> str | None:
    rows = ways.filter(pl.col("span") > 0.0, pl.col("straight_km") > LEAST_KM)
    ratio = rows.select((pl.col("span") / pl.col("straight_km")).median()).item()
    low, high = rules.least_unit_detour, rules.most_unit_detour
    fitting = [unit for unit, per_km in UNITS_PER_KM.items() if ratio and low <= ratio / per_km <= high]
    return fitting[0] if fitting else None


def _along_shapes(feed: Feed, ways: pl.DataFrame, rules: FeedRules) -> pl.Series:
    """Return the length of each way along its shape [km], null where it has none; each different way once."""
    key = ["shape_id", "first_stop", "last_stop", "from_dist", "to_dist"]
    different = ways.select(key).drop_nulls("shape_id").unique(maintain_order=True)
    stops = feed.table("stops")
    stop_lon, stop_lat = stops["stop_lon"].to_numpy(), stops["stop_lat"].to_numpy()
    shapes = dict(_shapes(feed, different["shape_id"].unique(maintain_order=True)))
    reach_km = rules.end_reach_km
    found = [
        shapes[shape].between(stop_lon[[first, last]], stop_lat[[first, last]], (from_dist, to_dist), reach_km)
        if shape in shapes
        else None
        for shape, first, last, from_dist, to_dist in different.iter_rows()
    ]
    lengths = different.with_columns(shape_km=pl.Series(found, dtype=pl.Float64))
    return ways.select(key).join(lengths, on=key, how="left", nulls_equal=True, maintain_order="left")["shape_km"]


@dataclass(frozen=True, eq=False)
class _Shape:
    lon: Floats
    lat: Floats
    travelled: Floats
    """shape_dist_traveled, NaN where it is missing."""
    at_km: Floats
    """Length from the first point."""

    def between(self, lon: Floats, lat: Floats, dist: tuple[float | None, float | None], reach_km: float) -> float:
        """Return the length of the part between two stops [km]; all of it where its ends are within reach of them."""
        start, end = dist
        if start is not None and end is not None and self._measured():
            from_km, to_km = np.interp([start, end], self.travelled, self.at_km)
            return float(to_km - from_km)
        to_first = distance_km(lon[0], lat[0], self.lon, self.lat)
        to_last = distance_km(lon[1], lat[1], self.lon, self.lat)
        if to_first[0] <= reach_km and to_last[-1] <= reach_km:
            return float(self.at_km[-1])
        return self._nearest_part(to_first, to_last)

    def _measured(self) -> bool:
        return bool(np.isfinite(self.travelled).all() and (np.diff(self.travelled) >= 0.0).all() and self.travelled[-1])

    def _nearest_part(self, to_first: Floats, to_last: Floats) -> float:
        """Return the length between the points nearest to the stops, the first before the last."""
        nearest = np.minimum.accumulate(to_first)
        last = self.at_km.size - 1 - int(np.argmin((nearest + to_last)[::-1]))
        first = int(np.argmin(to_first[: last + 1]))
        return float(self.at_km[last] - self.at_km[first])


def _shapes(feed: Feed, wanted: pl.Series) -> Iterator[tuple[str, _Shape]]:
    points = feed.table("shapes").drop_nulls(["shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"])
    points = points.filter(pl.col("shape_id").is_in(wanted.implode())).sort("shape_id", "shape_pt_sequence")
    lon, lat = points["shape_pt_lon"].to_numpy(), points["shape_pt_lat"].to_numpy()
    travelled = points["shape_dist_traveled"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    steps = np.concatenate([[0.0], distance_km(lon[:-1], lat[:-1], lon[1:], lat[1:])])[: points.height]
    at_km = np.cumsum(steps)
    runs = points.select(pl.col("shape_id").rle()).unnest("shape_id")
    lengths = runs["len"].to_numpy().astype(np.int64)
    ends = np.cumsum(lengths)
    for name, start, end in zip(runs["value"], ends - lengths, ends, strict=True):
        part = slice(start, end)
        yield name, _Shape(lon[part], lat[part], travelled[part], at_km[part] - at_km[start])
