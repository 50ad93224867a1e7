"""Terminals: stops where trips begin or end, those that are one place for a bus taken together."""

import dataframely as dy
import numpy as np
import polars as pl

from networks.crs import local_plane_km
from networks.gtfs.read import Feed
from networks.import_rules import FeedRules
from networks.tables import Place


def terminals(feed: Feed, stops: pl.Series, rules: FeedRules) -> tuple[dy.DataFrame[Place], pl.DataFrame]:
    """Return the terminals as places, and the place of each stop: columns stop, place.

    Parameters
    ----------
    feed
        A feed.
    stops
        First and last stops of trips (places in stops.txt), one entry a trip's end.
    rules
        How near to each other stops are one terminal.

    Notes
    -----
    One terminal: stops of one parent station, stops of one name within `namesake_km`, stops within `alike_km`. It
    stands at its busiest stop and has its name; the district is left empty.
    """
    table = feed.table("stops").with_row_index("stop")
    used = table.join(stops.alias("stop").value_counts(name="ends"), on="stop").sort("stop")
    if used.is_empty():
        return Place.create_empty(), pl.DataFrame(schema={"stop": pl.UInt32, "place": pl.String})
    used = used.with_columns(group=pl.Series(_groups(used, rules)))
    main = used.sort(["ends", "stop_id"], descending=[True, False]).unique("group", keep="first", maintain_order=True)
    name = pl.coalesce("stop_name", "stop_id")
    places = main.select(
        "group",
        place=pl.format("stop_{}", "stop_id"),
        name=name,
        name_zh=name,
        kind=pl.lit("bus_terminal"),
        district=pl.lit(""),
        lon="stop_lon",
        lat="stop_lat",
        size=pl.lit(1.0),
        accuracy_m=pl.lit(rules.terminal_accuracy_m),
        basis=pl.lit("published"),
    )
    member = used.select("stop", "group").join(places.select("group", "place"), on="group", maintain_order="left")
    return Place.validate(places.drop("group").sort("place"), cast=True), member.select("stop", "place")


def _groups(stops: pl.DataFrame, rules: FeedRules) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    lat = stops["stop_lat"].to_numpy()
    x_km, y_km = local_plane_km(stops["stop_lon"].to_numpy(), lat, float(lat.mean()))
    first, second = cKDTree(np.column_stack([x_km, y_km])).query_pairs(rules.namesake_km, output_type="ndarray").T
    near = np.hypot(x_km[first] - x_km[second], y_km[first] - y_km[second]) <= rules.alike_km
    alike = near.copy()
    for column in ("stop_name", "parent_station"):
        label = stops[column].fill_null("").rank("dense").to_numpy()
        named = stops[column].is_not_null().to_numpy()
        alike |= (label[first] == label[second]) & named[first]
    size = stops.height
    pairs = coo_matrix((np.ones(int(alike.sum())), (first[alike], second[alike])), shape=(size, size))
    return connected_components(pairs, directed=False)[1]  # type: ignore[no-any-return]
