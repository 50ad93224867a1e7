"""Lines of a feed: a route is a line, with its main terminals, its two directions and its kind."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from networks.crs import distance_km
from networks.gtfs.read import Feed
from networks.import_rules import FeedRules

DAY_S = 86_400
HOUR_S = 3600
LEAST_KM = 0.05
"""Shortest length of a line, so that none is 0 [km]; numerics."""


def with_lines(trips: pl.DataFrame, of_stop: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return a day's trips with line, direction, terminals and trip numbers, see the table `Trip`.

    Parameters
    ----------
    trips
        See `networks.gtfs.expand.DayTrips`.
    of_stop
        Place of each stop: stop, place.
    places
        Terminals.

    Notes
    -----
    Where the feed does not say the direction, it is that of the line's busiest pair of terminals if the trip's
    ends lie nearer to the pair's in that order than the other way round.
    """
    from_place, to_place = (of_stop.rename({"place": side}) for side in ("from_terminal", "to_terminal"))
    table = (
        trips.rename({"route_id": "line"})
        .join(from_place, left_on="first_stop", right_on="stop", maintain_order="left")
        .join(to_place, left_on="last_stop", right_on="stop", maintain_order="left")
    )
    table = table.with_columns(direction=pl.coalesce("direction", pl.Series(_direction(table, places))))
    table = table.sort("line", "direction", "departure_s", "trip_id")
    return table.with_columns(
        trip=pl.int_range(pl.len(), dtype=pl.Int64),
        depot=pl.lit(""),
        departure_s=pl.col("departure_s").cast(pl.Int64),
        run_s=pl.col("run_s").cast(pl.Int64),
    )


def line_table(feed: Feed, days: Mapping[str, pl.DataFrame], rules: FeedRules) -> pl.DataFrame:
    """Return the lines, one a route with trips, see the table `Line`; depot and district are left empty.

    Parameters
    ----------
    feed
        A feed.
    days
        Trips by type of day, see `with_lines`.
    rules
        What makes a line one of the night, suburban, a trunk line or a feeder, in this order; else it is regular.
    """
    trips = pl.concat([table.with_columns(day=pl.lit(name)) for name, table in days.items()])
    clock_s = pl.col("departure_s") % DAY_S
    night = (clock_s >= rules.night_from_h * HOUR_S) | (clock_s < rules.night_to_h * HOUR_S)
    sums = trips.group_by("line", maintain_order=True).agg(
        (pl.col("departure_s").min() // 60).clip(0, 2880).alias("first_departure_min"),
        (pl.col("departure_s").max() // 60).clip(0, 2880).alias("last_departure_min"),
        (pl.col("day") == "weekday").sum().cast(pl.Int64).alias("weekday_departures"),
        (pl.col("day") == "weekend").sum().cast(pl.Int64).alias("weekend_departures"),
        night.mean().alias("night_share"),
    )
    table = sums.join(_main_ways(trips), on="line").join(_names(feed), on="line", how="left")
    return table.with_columns(
        kind=_kind(rules),
        depot=pl.lit(""),
        district=pl.lit(""),
        mountain=pl.lit(False),
        basis=pl.lit("published"),
    ).sort("line")


def _direction(table: pl.DataFrame, places: pl.DataFrame) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    main = _busiest_pair(table).select("line", main_from="from_terminal", main_to="to_terminal")
    rows = table.select("line", "from_terminal", "to_terminal").join(main, on="line", maintain_order="left")
    at = {}
    for column in ("from_terminal", "to_terminal", "main_from", "main_to"):
        found = rows.select(place=column).join(places, on="place", how="left", maintain_order="left")
        at[column] = (found["lon"].to_numpy(), found["lat"].to_numpy())
    along = distance_km(*at["from_terminal"], *at["main_from"]) + distance_km(*at["to_terminal"], *at["main_to"])
    against = distance_km(*at["from_terminal"], *at["main_to"]) + distance_km(*at["to_terminal"], *at["main_from"])
    return (along > against).astype(np.int64)


def _busiest_pair(trips: pl.DataFrame) -> pl.DataFrame:
    pairs = trips.group_by("line", "from_terminal", "to_terminal", maintain_order=True).agg(
        pl.len(), pl.col("length_km").median()
    )
    order = pairs.sort(["line", "len", "from_terminal", "to_terminal"], descending=[False, True, False, False])
    return order.unique("line", keep="first", maintain_order=True)


def _main_ways(trips: pl.DataFrame) -> pl.DataFrame:
    """Return the ends and length of each line: those of its busiest pair of terminals in direction 0, else 1."""
    outward = trips.filter(pl.col("direction") == pl.col("direction").min().over("line"))
    ways = _busiest_pair(outward).select("line", "from_terminal", "to_terminal", "length_km")
    return ways.with_columns(pl.col("length_km").clip(LEAST_KM).round(3))


def _names(feed: Feed) -> pl.DataFrame:
    """Return the name of each line; lines of one name get their identifier too."""
    name = pl.coalesce("route_short_name", "route_long_name", "route_id")
    routes = feed.table("routes").select(line="route_id", name=name).drop_nulls("line").unique("line", keep="first")
    twice = pl.col("name").is_duplicated() & (pl.col("name") != pl.col("line"))
    return routes.select("line", name_zh=pl.when(twice).then(pl.format("{} ({})", "name", "line")).otherwise("name"))


def _kind(rules: FeedRules) -> pl.Expr:
    return (
        pl.when(pl.col("night_share") >= rules.night_share)
        .then(pl.lit("night"))
        .when(pl.col("length_km") > rules.suburban_km)
        .then(pl.lit("suburban"))
        .when(pl.col("weekday_departures").clip(pl.col("weekend_departures")) >= rules.trunk_departures)
        .then(pl.lit("trunk"))
        .when(pl.col("length_km") < rules.feeder_km)
        .then(pl.lit("feeder"))
        .otherwise(pl.lit("regular"))
    )
