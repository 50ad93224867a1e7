"""The city as the screens draw it: outlines, roads, zones and names."""

import json

import polars as pl

from fleetsim.datasets import City
from fleetsim.site_names import english_names
from networks.zone_making import zone_outlines
from networks.zones import district_outlines

DIGITS = 5
DRAWN_CLASSES = ("expressway", "ring_expressway", "arterial", "secondary")


def layers(city: City) -> dict[str, pl.DataFrame]:
    """Return the tables the screens need beside the results: districts, outlines, zones, roads, names."""
    return {
        "districts": city.districts,
        "outlines": outlines(city),
        "zones": city.zones,
        "roads": roads(city),
        "fleets": city.fleets,
        "clauses": city.clauses,
        "site_names": english_names(city),
    }


def outlines(city: City) -> pl.DataFrame:
    """Return district and rings: one row a polygon, rings as JSON of [lon, lat] points [deg]."""
    found = district_outlines(city.seats) if city.seats.height else zone_outlines(city.zones)
    rows = [
        (district, json.dumps([_points(ring) for ring in (polygon.exterior, *polygon.interiors)]))
        for district, outline in sorted(found.items())
        for polygon in getattr(outline, "geoms", [outline])
    ]
    return pl.DataFrame(rows, schema=["district", "rings"], orient="row")


def roads(city: City) -> pl.DataFrame:
    """Return road_class and line: one row an undirected link, the line as JSON of [lon, lat] points [deg]."""
    ends = city.nodes.select("node", "lon", "lat")
    links = (
        city.links.filter(pl.col("road_class").cast(pl.String).is_in(DRAWN_CLASSES))
        .filter(pl.col("from_node") < pl.col("to_node"))
        .join(ends, left_on="from_node", right_on="node")
        .join(ends, left_on="to_node", right_on="node", suffix="_to")
        .sort("link")
    )
    lines = [
        json.dumps([[round(lon, DIGITS), round(lat, DIGITS)], [round(lon_to, DIGITS), round(lat_to, DIGITS)]])
        for lon, lat, lon_to, lat_to in links.select("lon", "lat", "lon_to", "lat_to").iter_rows()
    ]
    return links.select(pl.col("road_class").cast(pl.String), line=pl.Series(lines, dtype=pl.String))


def _points(ring: "object") -> list[list[float]]:
    return [[round(lon, DIGITS), round(lat, DIGITS)] for lon, lat in ring.coords]  # type: ignore[attr-defined]
