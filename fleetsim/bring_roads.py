"""A planner's OpenStreetMap file into a city folder: nodes, links, their details, and places."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from fleetsim.bring import in_districts, own_table
from fleetsim.city_folder import write_tables
from fleetsim.datasets import data_root
from fleetsim.inherit import read_identity
from networks.io import read_table
from networks.osm import OsmNetwork, read_osm
from networks.osm_read import PLACE_PREFIX, Tell
from networks.osm_tags import TagRules
from networks.tables import OsmRoad, OsmSpeedCode


def roads_into(folder: Path, file: Path, tell: Tell | None = None) -> OsmNetwork:
    """Write the roads and places of an OpenStreetMap file into a city folder; return them.

    Places that were not brought from OpenStreetMap stay. New places take the district of the nearest zone, or the
    city's name until there are zones.

    Raises
    ------
    DataError
        If the file cannot be read to its end or holds no road; nothing is written then.
    """
    name = read_identity(folder).name_en or folder.resolve().name
    brought = read_osm(file, shipped_rules(), district=name, tell=tell)
    tables: dict[str, pl.DataFrame] = {
        "nodes": brought.nodes,
        "links": brought.links,
        "link_details": brought.details,
        "places": _places(folder, brought.places),
    }
    write_tables(folder, tables)
    return brought


def shipped_rules() -> TagRules:
    """Return how tags are read, from the tables that ship."""
    folder = data_root() / "osm"
    codes = read_table(folder / "speed_codes.csv", OsmSpeedCode)
    return TagRules.from_tables(read_table(folder / "roads.csv", OsmRoad), codes)


def _places(folder: Path, brought: pl.DataFrame) -> pl.DataFrame:
    zones = own_table(folder, "zones")
    placed = in_districts(brought, zones) if zones.height and brought.height else brought
    own: pl.DataFrame = own_table(folder, "places").filter(~pl.col("place").str.starts_with(PLACE_PREFIX))
    return pl.concat([own, placed.select(own.columns)]).sort("place")
