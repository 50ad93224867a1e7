"""Terminals: stops where trips begin or end, those that are one place for a bus taken together."""

import dataframely as dy
import numpy as np
import polars as pl

from networks.crs import local_plane_km
from networks.gtfs.read import Feed
from networks.tables import Place

ALIKE_KM = 0.15
"""Stops so near to each other are one terminal [km]."""
NAMESAKE_KM = 0.4
"""Stops of one name so near to each other are one terminal [km]."""
ACCURACY_M = 50.0


def terminals(feed: Feed, stops: pl.Series) -> tuple[dy.DataFrame[Place], pl.DataFrame]:
    """Return the terminals as places, and the place of each stop: columns stop, place.

    Parameters
    ----------
    feed
        A feed.
    stops
        First and last stops of trips (places in stops.txt), one entry a trip's end.

    Notes
    -----
    One terminal: stops of one parent station, stops of one name within 400 m, stops within 150 m. It stands at
    its busiest stop and has its name; the district is left empty.
    """
    table = feed.table("stops").with_row_index("stop")
    used = table.join(stops.alias("stop").value_counts(name="ends"), on="stop").sort("stop")
    if used.is_empty():
        return Place.create_empty(), pl.DataFrame(schema={"stop": pl.UInt32, "place": pl.String})
    used = used.with_columns(group=pl.Series(_groups(used)))
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
        accuracy_m=pl.lit(ACCURACY_M),
        basis=pl.lit("published"),
    )
    member = used.select("stop", "group").join(places.select("group", "place"), on="group", maintain_order="left")
    return Place.validate(places.drop("group").sort("place"), cast=True), member.select("stop", "place")


def _groups(stops: pl.DataFrame) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    lat = stops["stop_lat"].to_numpy()
    x_km, y_km = local_plane_km(stops["stop_lon"].to_numpy(), lat, float(lat.mean()))
    first, second = cKDTree(np.column_stack([x_km, y_km])).query_pairs(NAMESAKE_KM, output_type="ndarray").T
    near = np.hypot(x_km[first] - x_km[second], y_km[first] - y_km[second]) <= ALIKE_KM
    alike = near.copy()
    for column in ("stop_name", "parent_station"):
        label = stops[column].fill_null("").rank("dense").to_numpy()
        named = stops[column].is_not_null().to_numpy()
        alike |= (label[first] == label[second]) & named[first]
    size = stops.height
    pairs = coo_matrix((np.ones(int(alike.sum())), (first[alike], second[alike])), shape=(size, size))
    return connected_components(pairs, directed=False)[1]  # type: ignore[no-any-return]
