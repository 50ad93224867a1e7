"""A planner's files into a city folder: what they are held against, and the tables they change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from charging.station_import import StationChoice, StationsBrought, Town, bring_stations, datum_message
from charging.tables import Station
from fleetsim.city_folder import ASSUMED_FILE, write_tables, write_texts
from fleetsim.city_scenario import assumed_toml
from fleetsim.datasets import city_folder, table_path, table_schemas
from fleetsim.inherit import CITY_FILE, read_identity
from networks.errors import DataError
from networks.io import read_table
from networks.layers import Layer
from networks.tables import District
from networks.zone_import import Ground, ZoneChoice, ZonesBrought, bring_zones
from networks.zone_making import district_at


def own_table(folder: Path, name: str) -> Any:
    """Return a table of a city folder; empty where it does not lie there.

    Raises
    ------
    DataError
        When it lies there and is wrong.
    """
    schema = table_schemas()[name]
    path = table_path(folder, name)
    return read_table(path, schema) if path.is_file() else schema.create_empty()


def zones_into(
    folder: Path, layer: Layer, choice: ZoneChoice, population: Layer | None = None
) -> tuple[ZonesBrought, list[str]]:
    """Write districts and zones into a city folder; return them and the other tables that changed with them.

    Places, stations and lines that lie in the folder take the district of the zone they stand in. In a city that
    extends another one the levers scaled by residents are written anew.
    """
    ground = Ground(*(own_table(folder, name) for name in ("nodes", "links", "places")))
    brought = bring_zones(layer, ground, choice, population)
    tables: dict[str, pl.DataFrame] = {"districts": brought.districts, "zones": brought.zones}
    tables |= relabelled(folder, brought.zones)
    write_tables(folder, tables)
    if (folder / CITY_FILE).is_file() and (donor := read_identity(folder).extends):
        residents = int(brought.districts["population"].sum())
        write_texts(folder, {ASSUMED_FILE: assumed_toml(residents, donor_residents(donor))})
    return brought, [name for name in tables if name not in ("districts", "zones")]


def relabelled(folder: Path, zones: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the folder's places, stations and lines in the districts of the zones; tables it lacks are left out."""
    found: dict[str, pl.DataFrame] = {}
    for name in ("places", "stations"):
        table = own_table(folder, name)
        if table.height:
            found[name] = in_districts(table, zones)
    lines = own_table(folder, "lines")
    if lines.height and "places" in found:
        home = found["places"].select("district", depot="place")
        found["lines"] = (
            lines.drop("district").join(home, on="depot", how="left", maintain_order="left").select(lines.columns)
        )
    return found


def in_districts(table: pl.DataFrame, zones: pl.DataFrame) -> pl.DataFrame:
    """Return points with the district of the nearest zone."""
    district = district_at(table["lon"].to_numpy(), table["lat"].to_numpy(), zones)
    return table.with_columns(district=pl.Series(district.tolist()))


def stations_into(folder: Path, layer: Layer, choice: StationChoice, *, keep: bool) -> StationsBrought:
    """Write the stations of a file into a city folder and return them.

    Parameters
    ----------
    folder
        City folder; its zones and roads must be there.
    layer
        The file.
    choice
        How it is read.
    keep
        Keep the stations that are there, instead of putting the new ones in their place.

    Raises
    ------
    DataError
        With every bad row, when zones are missing, or when the points are surely in another system than the file
        says and the choice names none.
    """
    zones = own_table(folder, "zones")
    if zones.is_empty():
        raise DataError(f"{table_path(folder, 'zones')}: no zones yet; make them first with `fleetsim import zones`")
    known = pl.concat([own_table(folder, name).select("lon", "lat") for name in ("places", "stations")])
    nodes, links, districts = (own_table(folder, name) for name in ("nodes", "links", "districts"))
    town = Town(zones, nodes, links, districts, known)
    brought = bring_stations(layer, town, choice)
    if brought.datum is not None and brought.datum.sure and choice.crs is None:
        raise DataError(f"{datum_message(brought.datum)} To keep the label, say --crs {brought.datum.declared}.")
    earlier = own_table(folder, "stations")
    write_tables(folder, {"stations": with_earlier(earlier, brought.stations) if keep else brought.stations})
    return brought


def with_earlier(earlier: dy.DataFrame[Station], brought: dy.DataFrame[Station]) -> dy.DataFrame[Station]:
    """Return the earlier stations and the new ones; a new one replaces an earlier one of its identifier."""
    kept = earlier.join(brought.select("station_id"), on="station_id", how="anti")
    return Station.validate(pl.concat([kept, brought]).sort("station_id"))


def donor_residents(donor: str) -> int:
    """Return the residents of a city that ships."""
    return int(read_table(table_path(city_folder(donor), "districts"), District)["population"].sum())


def summary(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the tables and their rows in a line.

    >>> summary({"zones": pl.DataFrame({"zone": ["a", "b"]})})
    'zones: 2 rows'
    """
    return ", ".join(f"{name}: {table.height:,} rows" for name, table in tables.items())
