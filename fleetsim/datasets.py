"""Finding and reading the data that ships, and any city folder of the same form."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args, get_type_hints

import dataframely as dy
import polars as pl

import charging.tables as supply
import fleetsim.tables as model
import networks.tables as where
from networks.errors import DataError
from networks.io import read_table, require_known


@dataclass(frozen=True)
class City:
    """The tables of a city folder; each field is a file `<field>.csv` (or .parquet) of the schema named."""

    folder: Path
    districts: dy.DataFrame[where.District]
    seats: dy.DataFrame[where.Seat]
    zones: dy.DataFrame[where.Zone]
    nodes: dy.DataFrame[where.Node]
    links: dy.DataFrame[where.Link]
    speeds: dy.DataFrame[where.SpeedFactor]
    places: dy.DataFrame[where.Place]
    lines: dy.DataFrame[where.Line]
    line_hours: dy.DataFrame[where.LineHour]
    stations: dy.DataFrame[supply.Station]
    piles: dy.DataFrame[supply.PileRecord]
    tariffs: dy.DataFrame[supply.Tariff]
    solar_sites: dy.DataFrame[supply.SolarSite]
    days: dy.DataFrame[model.Day]
    temperatures: dy.DataFrame[model.Temperature]
    duty_zone_speeds: dy.DataFrame[model.ZoneSpeed]
    duty_hours: dy.DataFrame[model.HourProfile]
    duty_taxi_shifts: dy.DataFrame[model.TaxiShift]
    duty_tours: dy.DataFrame[model.TourPattern]
    duty_airside: dy.DataFrame[model.AirsidePattern]
    duty_background: dy.DataFrame[model.BackgroundPattern]
    fleets: dy.DataFrame[model.Fleet]
    powertrains: dy.DataFrame[model.Powertrain]
    vehicle_types: dy.DataFrame[model.VehicleType]
    stock: dy.DataFrame[model.StockShare]
    vintages: dy.DataFrame[model.Vintage]
    purchases: dy.DataFrame[model.Purchase]
    quotas: dy.DataFrame[model.Quota]
    energy_prices: dy.DataFrame[model.EnergyPrice]
    energy_content: dy.DataFrame[model.EnergyContent]
    emission_factors: dy.DataFrame[model.EmissionFactor]
    mode_base: dy.DataFrame[model.ModeBase]
    freight: dy.DataFrame[model.FreightBase]
    occupancy: dy.DataFrame[model.Occupancy]
    clauses: dy.DataFrame[model.Clause]
    indicators: dy.DataFrame[model.IndicatorSeries]
    observations: dy.DataFrame[model.Observation]


def data_root() -> Path:
    """Return the folder of the shipped data: inside the installed package, or beside it in a checkout."""
    package = Path(str(files("fleetsim")))
    inside = package / "data"
    return inside if (inside / "README.md").is_file() else package.parent / "data"


def city_folder(name: str) -> Path:
    """Return the folder of a city: a shipped one by name, or a path.

    Raises
    ------
    DataError
        When there is no such folder.
    """
    path = Path(name)
    if path.is_dir():
        return path
    shipped = data_root() / name
    if shipped.is_dir():
        return shipped
    known = ", ".join(sorted(part.name for part in data_root().iterdir() if (part / "zones.csv").is_file()))
    raise DataError(f"run.city = {name!r}: neither a folder nor a shipped city; shipped are {known}")


def read_city(folder: Path) -> City:
    """Return the validated tables of a city folder.

    Raises
    ------
    DataError
        With every fault of every table at once: file, row, column, value and remedy.
    """
    tables: dict[str, Any] = {}
    problems: list[str] = []
    for name, schema in table_schemas().items():
        try:
            tables[name] = read_table(table_path(folder, name), schema)
        except DataError as error:
            problems += error.problems
    problems += _unknown_keys(folder, tables)
    if problems:
        raise DataError(problems)
    return City(folder=folder, **tables)


def read_sources() -> pl.DataFrame:
    """Return SOURCES.csv: where each shipped number comes from."""
    return read_table(data_root() / "SOURCES.csv", where.SourceRow)


def table_schemas() -> dict[str, type[dy.Schema]]:
    """Return the tables of a city folder: name to schema."""
    hints = get_type_hints(City)
    return {name: get_args(hint)[0] for name, hint in hints.items() if get_args(hint)}


def table_path(folder: Path, name: str) -> Path:
    """Return the file of a table: Parquet where there is one, else CSV."""
    parquet = folder / f"{name}.parquet"
    return parquet if parquet.is_file() else folder / f"{name}.csv"


# Which column of which table must be a key of which other table.
FOREIGN_KEYS = (
    ("zones", "district", "districts", "district"),
    ("places", "district", "districts", "district"),
    ("stations", "district", "districts", "district"),
    ("lines", "depot", "places", "place"),
    ("lines", "from_terminal", "places", "place"),
    ("lines", "to_terminal", "places", "place"),
    ("links", "from_node", "nodes", "node"),
    ("links", "to_node", "nodes", "node"),
    ("stock", "fleet", "fleets", "fleet"),
    ("stock", "district", "districts", "district"),
)


def _unknown_keys(folder: Path, tables: dict[str, Any]) -> list[str]:
    problems: list[str] = []
    for table, column, known_table, known_column in FOREIGN_KEYS:
        if table in tables and known_table in tables:
            remedy = f"add it to {known_table}.csv or correct it"
            path = str(table_path(folder, table))
            problems += require_known(path, tables[table][column], tables[known_table][known_column], remedy)
    return problems
