"""What no schema can tell: whether the tables of a city fit together well enough to be run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

CAR_FLEET = "car_private"
FAULTS_SHOWN = 10
NEEDED_KINDS = {"airside": "airport"}
"""Kind of place without which a fleet has nowhere to be."""


def ground_problems(folder: Path, tables: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the roads and zones of a city, one line a fault."""
    return [
        *_gaps(folder, tables["nodes"]["node"], "nodes"),
        *_gaps(folder, tables["links"]["link"], "links"),
        *_no_cells(folder, tables["zones"]),
        *_empty_city(folder, tables["zones"]),
    ]


def fleet_problems(folder: Path, tables: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the fleets of a city, one line a fault."""
    return [*_no_cars(folder, tables["stock"]), *_nowhere(folder, tables["stock"], tables["places"])]


def city_warnings(tables: Mapping[str, Any]) -> list[str]:
    """Return what looks wrong but can be run, one line each."""
    return [*_residents_differ(tables["districts"], tables["zones"]), *_far_places(tables["places"], tables["nodes"])]


def _gaps(folder: Path, numbers: pl.Series, name: str) -> list[str]:
    if not len(numbers):
        return [f"{folder / name}.csv: has no rows; the city needs roads (`fleetsim import osm`)"]
    last = int(str(numbers.max()))
    if last == len(numbers) - 1:
        return []
    return [f"{folder / name}.csv: numbers reach {last} with {len(numbers)} rows; number them 0 upwards"]


def _no_cells(folder: Path, zones: pl.DataFrame) -> list[str]:
    import h3

    wrong = [(row + 2, zone) for row, zone in enumerate(zones["zone"]) if not h3.is_valid_cell(zone)]
    lines = [
        f"{folder / 'zones.csv'}, row {row}: {zone!r} is not an H3 cell; make zones with `fleetsim import zones`"
        for row, zone in wrong[:FAULTS_SHOWN]
    ]
    rest = len(wrong) - len(lines)
    return [*lines, f"{folder / 'zones.csv'}: and {rest} more such rows"] if rest > 0 else lines


def _empty_city(folder: Path, zones: pl.DataFrame) -> list[str]:
    if zones["population"].sum() > 0:
        return []
    return [f"{folder / 'zones.csv'}: nobody lives there (population is 0 in every row); give residents"]


def _no_cars(folder: Path, stock: pl.DataFrame) -> list[str]:
    if stock.filter(pl.col("fleet") == CAR_FLEET)["vehicles"].sum() > 0:
        return []
    return [f"{folder / 'stock.csv'}: no vehicle of fleet {CAR_FLEET!r}; the turnover of cars needs some, add a row"]


def _nowhere(folder: Path, stock: pl.DataFrame, places: pl.DataFrame) -> list[str]:
    kinds = set(places["kind"].cast(pl.String))
    held = set(stock.filter(pl.col("vehicles") > 0)["fleet"])
    return [
        f"{folder / 'stock.csv'}: fleet {fleet!r} has vehicles but places.csv no {kind!r}; add one or take them out"
        for fleet, kind in sorted(NEEDED_KINDS.items())
        if fleet in held and kind not in kinds
    ]


def _residents_differ(districts: pl.DataFrame, zones: pl.DataFrame) -> list[str]:
    sums = zones.group_by("district", maintain_order=True).agg(in_zones=pl.col("population").sum())
    joined = districts.join(sums, on="district", how="left", maintain_order="left").with_columns(
        pl.col("in_zones").fill_null(0)
    )
    off = joined.filter(pl.col("population") != pl.col("in_zones"))
    return [
        f"districts.csv: {name!r} has {told:,} residents, its zones {summed:,}"
        for name, told, summed in off.select("district", "population", "in_zones").iter_rows()
    ]


def _far_places(places: pl.DataFrame, nodes: pl.DataFrame, limit_deg: float = 0.3) -> list[str]:
    """Return the places far off the box of the road network, about 30 km: duties cannot lead there."""
    lon, lat = nodes["lon"], nodes["lat"]
    inside = pl.col("lon").is_between(float(str(lon.min())) - limit_deg, float(str(lon.max())) + limit_deg) & pl.col(
        "lat"
    ).is_between(float(str(lat.min())) - limit_deg, float(str(lat.max())) + limit_deg)
    far = places.filter(~inside)
    lines = [f"places.csv: {name!r} lies far from every road" for name in far["place"].head(FAULTS_SHOWN)]
    rest = far.height - len(lines)
    return [*lines, f"places.csv: and {rest} more"] if rest > 0 else lines
