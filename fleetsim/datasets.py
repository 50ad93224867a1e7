"""Finding and reading the data that ships, and any city folder of the same form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args, get_type_hints

import dataframely as dy
import polars as pl

import charging.tables as supply
import fleetsim.duties.tables as duty
import fleetsim.tables as model
import networks.tables as where
from fleetsim.city_checks import fleet_problems, ground_problems
from fleetsim.inherit import (
    SCALED_COLUMNS,
    Identity,
    Origin,
    may_be_empty,
    not_empty,
    one_split,
    origin_of,
    population,
    read_identity,
    scaled,
)
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
    duty_zone_speeds: dy.DataFrame[duty.ZoneSpeed]
    duty_hours: dy.DataFrame[duty.HourProfile]
    duty_taxi_shifts: dy.DataFrame[duty.TaxiShift]
    duty_tours: dy.DataFrame[duty.TourPattern]
    duty_airside: dy.DataFrame[duty.AirsidePattern]
    duty_background: dy.DataFrame[duty.BackgroundPattern]
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
    link_details: dy.DataFrame[where.LinkDetail]
    trips: dy.DataFrame[where.DayTrip]
    observations_added: dy.DataFrame[model.ObservationAdded]
    identity: Identity = field(default_factory=Identity)


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
    """Return the validated tables of a city folder, missing ones completed from the city it extends.

    Raises
    ------
    DataError
        With every fault of every table at once: file, row, column, value and remedy.
    """
    identity = read_identity(folder)
    tables, problems = _read_tables(folder, identity)
    problems += ground_problems(folder, tables) if not problems else []
    origins: tuple[tuple[str, Origin], ...] = ()
    if identity.extends is not None and not problems:
        donor = _donor_folder(folder, identity.extends)
        names = read_identity(donor)
        identity = replace(identity, donor_en=names.name_en, donor_zh=names.name_zh)
        tables, origins = completed(tables, _donor_tables(donor, tables))
    problems += _unknown_keys(folder, tables)
    problems += fleet_problems(folder, tables) if not problems else []
    if problems:
        raise DataError(problems)
    tables["observations"] = latest(tables["observations"], tables["observations_added"])
    return City(folder=folder, **tables, identity=replace(identity, origins=origins))


def latest(
    observations: dy.DataFrame[model.Observation], added: dy.DataFrame[model.ObservationAdded]
) -> dy.DataFrame[model.Observation]:
    """Return the observations that hold: those appended since in the place of the figures they revise."""
    if added.is_empty():
        return observations
    keys = list(model.Observation.primary_key())
    newest = added.sort(*keys, "published").unique(keys, keep="last", maintain_order=True)
    both = pl.concat([observations, newest.select(observations.columns)])
    return model.Observation.validate(both.unique(keys, keep="last", maintain_order=True).sort(keys))


def completed(
    given: Mapping[str, Any], donor: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[tuple[str, Origin], ...]]:
    """Return a city's tables with the missing ones from a donor, and what became of each of these.

    Parameters
    ----------
    given
        The city's own tables; `districts`, `zones`, `nodes` and `links` must be among them.
    donor
        Tables of the city the others come from, see `fleetsim.inherit.ORIGINS`.
    """
    from fleetsim.station_rule import stations_by_rule
    from fleetsim.stock_rule import needed_kinds, places_by_rule, stock_by_rule

    ratio = population(given) / max(population(donor), 1)
    schemas = table_schemas()
    tables: dict[str, Any] = {}
    for name, schema in schemas.items():
        if name in given:
            tables[name] = given[name]
        elif origin_of(name) == "empty" or name in ("places", "stations"):
            tables[name] = schema.create_empty()
        elif name in SCALED_COLUMNS:
            tables[name] = schema.validate(scaled(donor[name], SCALED_COLUMNS[name], ratio))
        else:
            tables[name] = donor[name]
    own_places = tables["places"].height if "places" in given else -1
    tables["places"] = places_by_rule(tables["places"], needed_kinds(tables["duty_tours"]), tables["zones"])
    if "stations" not in given:
        tables["stations"] = stations_by_rule(donor["stations"], ratio, tables["places"], tables["zones"])
    if "mode_base" not in given:
        tables["mode_base"] = model.ModeBase.validate(one_split(donor["mode_base"]))
    if "stock" not in given:
        tables["stock"] = stock_by_rule(donor["stock"], ratio, tables)
    missing = [name for name in schemas if name not in given or (name == "places" and tables[name].height > own_places)]
    return tables, tuple((name, origin_of(name)) for name in missing)


def input_hashes(city: City) -> dict[str, str]:
    """Return a hash of every table of a city: of its file where it has one, else of what stands in for it."""
    from fleetsim.result import file_hash, table_hash

    hashes = {}
    for name in sorted(table_schemas()):
        path = table_path(city.folder, name)
        hashes[name] = file_hash(path) if path.is_file() else table_hash(getattr(city, name))
    return hashes


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


OPTIONAL = ("link_details", "trips", "observations_added")
"""Tables any city may do without: they are empty where there is no file."""
REQUIRED_REMEDIES = {
    "districts": "make it with `fleetsim import zones`",
    "zones": "make it with `fleetsim import zones`",
    "nodes": "make it with `fleetsim import osm`",
    "links": "make it with `fleetsim import osm`",
}
# Which column of which table must be a key of which other table.
FOREIGN_KEYS = (
    ("zones", "district", "districts", "district"),
    ("places", "district", "districts", "district"),
    ("stations", "district", "districts", "district"),
    ("lines", "depot", "places", "place"),
    ("lines", "from_terminal", "places", "place"),
    ("lines", "to_terminal", "places", "place"),
    ("trips", "line", "lines", "line"),
    ("trips", "depot", "places", "place"),
    ("trips", "from_terminal", "places", "place"),
    ("trips", "to_terminal", "places", "place"),
    ("links", "from_node", "nodes", "node"),
    ("links", "to_node", "nodes", "node"),
    ("stock", "fleet", "fleets", "fleet"),
    ("stock", "district", "districts", "district"),
)


def _read_tables(folder: Path, identity: Identity) -> tuple[dict[str, Any], list[str]]:
    """Return the tables that lie in a folder, and what is wrong in them; what may be missing is left out."""
    tables: dict[str, Any] = {}
    problems: list[str] = []
    for name, schema in table_schemas().items():
        path = table_path(folder, name)
        if not path.is_file() and name in OPTIONAL:
            tables[name] = schema.create_empty()
            continue
        if not path.is_file() and identity.extends is not None:
            if origin_of(name) == "required":
                problems.append(f"{path}: no such file; {REQUIRED_REMEDIES[name]}")
            continue
        try:
            tables[name] = read_table(path, schema)
        except DataError as error:
            problems += error.problems
            continue
        if identity.extends is not None and tables[name].is_empty() and not may_be_empty(name):
            problems.append(f"{path}: has no rows; fill it in, or delete it and one of {identity.extends} is taken")
    return tables, problems


def _donor_folder(folder: Path, donor: str) -> Path:
    """Return the folder of the city that another one extends.

    Raises
    ------
    DataError
        When it is the city itself, or is not complete.
    """
    found = folder / donor if (folder / donor).is_dir() else city_folder(donor)
    if found.resolve() == folder.resolve() or read_identity(found).extends is not None:
        raise DataError(f"{folder}: extends {donor!r}, which is no complete city; name one in city.toml, e.g. beijing")
    return found


def _donor_tables(donor: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables of a donor that are asked for: those not given, and the residents."""
    asked = [name for name in table_schemas() if name == "districts" or (name not in given and not_empty(name))]
    tables: dict[str, Any] = {}
    problems: list[str] = []
    for name in asked:
        try:
            tables[name] = read_table(table_path(donor, name), table_schemas()[name])
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    return tables


def _unknown_keys(folder: Path, tables: dict[str, Any]) -> list[str]:
    problems: list[str] = []
    for table, column, known_table, known_column in FOREIGN_KEYS:
        if table in tables and known_table in tables:
            remedy = f"add it to {known_table}.csv or correct it"
            path = str(table_path(folder, table))
            problems += require_known(path, tables[table][column], tables[known_table][known_column], remedy)
    return problems
