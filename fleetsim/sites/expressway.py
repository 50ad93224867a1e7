"""Sites along expressways by rule, where the city's service areas are far apart: an assumption, not places known."""

from __future__ import annotations

import numpy as np
import polars as pl

from fleetsim.datasets import City
from networks.courses import plane_km
from networks.zone_making import district_at

ROAD_CLASS, PLACE_KIND = "expressway", "service_area"
TEXTS, DEGREES = ("candidate", "name", "name_zh", "district"), ("lon", "lat")
SITE_COLUMNS = pl.Schema({**dict.fromkeys(TEXTS, pl.String()), **dict.fromkeys(DEGREES, pl.Float64())})


def expressway_sites(city: City, spacing_km: float) -> pl.DataFrame:
    """Return sites at nodes of expressways, so that none lies far from a service area or such a site.

    Parameters
    ----------
    city
        Nodes, links, places and zones.
    spacing_km
        Distance of service areas along an expressway [km]; 0: no sites. The straight way from any node of an expressway
        to the nearest is at most half of it.

    Notes
    -----
    The node farthest from all service areas and sites so far becomes a site, until none is too far (Gonzalez 1985).
    """
    nodes = _expressway_nodes(city)
    if spacing_km <= 0 or nodes.is_empty():
        return pl.DataFrame(schema=SITE_COLUMNS)
    lat0 = float(str(city.zones["lat"].mean()))
    at = plane_km(nodes.select("lon", "lat").to_numpy(), lat0)
    known = city.places.filter(pl.col("kind").cast(pl.String) == PLACE_KIND).select("lon", "lat").to_numpy()
    away = np.full(len(at), np.inf)
    for place in plane_km(known, lat0) if len(known) else ():
        away = np.minimum(away, np.hypot(*(at - place).T))
    chosen: list[int] = []
    while away.max() > spacing_km / 2.0:
        chosen.append(int(away.argmax()))
        away = np.minimum(away, np.hypot(*(at - at[chosen[-1]]).T))
    return _named(nodes[sorted(chosen)], city)


def _expressway_nodes(city: City) -> pl.DataFrame:
    """Return node, lon, lat and the names of an expressway that it lies on, by node."""
    own = city.links.filter(pl.col("road_class").cast(pl.String) == ROAD_CLASS)
    roads = own.select("road", "name_zh", node="from_node").sort("node", "road")
    return city.nodes.select("node", "lon", "lat").join(roads.unique("node", keep="first"), on="node").sort("node")


def _named(sites: pl.DataFrame, city: City) -> pl.DataFrame:
    number = pl.int_range(1, pl.len() + 1).over("road").cast(pl.String)
    english = pl.coalesce("road", pl.lit("Expressway"))
    table = sites.with_columns(
        candidate=pl.format("expressway {}", "node"),
        name=pl.format("{} site {}", english, number),
        name_zh=pl.format("{}站址{}", pl.coalesce("name_zh", english), number),
        district=pl.Series(district_at(sites["lon"].to_numpy(), sites["lat"].to_numpy(), city.zones)),
    )
    return table.select(list(SITE_COLUMNS)).cast(SITE_COLUMNS)
