"""Where stations may stand: the city's places, a planner's own sites, and not in forbidden areas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleetsim.datasets import City
from fleetsim.scenario.scenario import Scenario
from fleetsim.site_names import english_names
from fleetsim.sites.expressway import expressway_sites
from fleetsim.siting_ground import candidates
from networks.columns import numbers
from networks.errors import DataError, InfeasibleError
from networks.layers import Layer, read_layer, wgs84_shapes
from networks.zone_making import district_at

OPTIONAL_NUMBERS = ("site_cny", "plug_cny", "most_plugs", "grid_kw", "capacity")
OFFER = {
    "candidate": pl.String,
    "name": pl.String,
    "district": pl.String,
    "lon": pl.Float64,
    "lat": pl.Float64,
    "site_cny": pl.Float64,
    "plug_cny": pl.Float64,
    "most_plugs": pl.Float64,
    "grid_kw": pl.Float64,
    "capacity": pl.Float64,
    "name_zh": pl.String,
}
"""Columns of what is offered; five say what a site costs and carries where the planner knows. `capacity` are the
visits a day (vehicles of a depot) that the p-median with capacities gives it, instead of what its plugs serve."""
LINES_SHOWN = 10


def offered(
    city: City,
    scenario: Scenario,
    kind: str,
    own: Path | None,
    forbidden: Path | None,
    *,
    only_own: bool = False,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the sites that may be built on, and those that a forbidden area takes away (columns `OFFER`).

    Parameters
    ----------
    city
        Places, seats and zones.
    scenario
        From how many residents a zone is settled, and how far sites by rule stand apart along expressways (0: none).
    kind
        Kind of station.
    own
        A table of sites in addition: lon, lat, and where known candidate, name, site_cny, plug_cny, most_plugs,
        grid_kw, capacity.
    forbidden
        Areas where nothing may stand.
    only_own
        Whether the city's places are left out.

    Raises
    ------
    InfeasibleError
        If nothing is left.
    """
    unknown = {name: pl.lit(None, dtype=pl.Float64) for name in OPTIONAL_NUMBERS}
    places = candidates(city, kind, scenario.siting.settled_per_km2)
    table = _in_english(places, city).with_columns(**unknown).select(list(OFFER))
    by_rule = expressway_sites(city, scenario.sites.expressway_site_km).with_columns(**unknown).select(list(OFFER))
    table = pl.concat([table, by_rule])
    if own is not None:
        table = table.clear() if only_own else table
        table = pl.concat([table, own_sites(read_layer(own), city)])
        twice = table.filter(pl.col("candidate").is_duplicated())["candidate"].unique().sort()
        if len(twice):
            raise DataError([f"{own.name}: candidate {name!r} exists twice; rename it" for name in twice])
    free = is_free(table, forbidden)
    allowed, lost = table.filter(pl.Series(free)), table.filter(pl.Series(~free))
    if allowed.is_empty():
        raise InfeasibleError(
            f"candidates: none of {table.height} sites is left for kind {kind!r} ({lost.height} in forbidden areas); "
            "give --candidates, or a smaller --forbid"
        )
    return allowed.sort("candidate"), lost.sort("candidate")


def own_sites(layer: Layer, city: City) -> pl.DataFrame:
    """Return the sites of a planner's file, each in the district of its zone (columns `OFFER`).

    Raises
    ------
    DataError
        With the rows that cannot be used.
    """
    names = layer.rows.columns
    missing = [name for name in ("lon", "lat") if name not in names]
    if missing:
        raise DataError([f"{layer.path.name}: column {name} is missing; it has {', '.join(names)}" for name in missing])
    values: dict[str, Any] = {}
    for name in ("lon", "lat", *OPTIONAL_NUMBERS):
        values[name] = (
            _numbers(layer, name, needed=name in ("lon", "lat")) if name in names else [None] * len(layer.rows)
        )
    label = [f"{layer.path.stem} {row + 1}" for row in range(len(layer.rows))]
    for name in ("candidate", "name"):
        given = layer.rows[name].to_list() if name in names else label
        values[name] = [text or label[row] for row, text in enumerate(given)]
    values["district"] = district_at(np.array(values["lon"]), np.array(values["lat"]), city.zones)
    values["name_zh"] = layer.rows["name_zh"].to_list() if "name_zh" in names else values["name"]
    return pl.DataFrame(values, schema=OFFER, nan_to_null=True).with_columns(
        pl.col("name_zh").fill_null(pl.col("name"))
    )


def _in_english(sites: pl.DataFrame, city: City) -> pl.DataFrame:
    """Return the sites with an English `name` and a Chinese one.

    Notes
    -----
    Places have both. A seat is called by its name in pinyin, the centre of a zone by its district and a number.
    """
    number = pl.int_range(1, pl.len() + 1).over("district").cast(pl.String).str.zfill(3)
    zones = sites.filter(pl.col("candidate").str.starts_with("zone ")).sort("candidate")
    named = zones.select("candidate", english=pl.format("{} {}", "district", number))
    numbered = zones.select("candidate", zh=pl.format("{}{}", "name", number))
    others = english_names(city).rename({"name_en": "english"}).join(named, on="candidate", how="anti")
    known = pl.concat([others, named])
    table = sites.join(known, on="candidate", how="left", maintain_order="left")
    table = table.join(numbered, on="candidate", how="left", maintain_order="left")
    return table.with_columns(name=pl.coalesce("english", "name"), name_zh=pl.coalesce("zh", "name")).drop(
        "english", "zh"
    )


def _numbers(layer: Layer, name: str, *, needed: bool) -> Any:
    found, wrong = numbers(layer.rows[name])
    bad = sorted({*wrong, *(np.flatnonzero(np.isnan(found)).tolist() if needed else [])})
    if name not in ("lon", "lat"):
        bad = sorted({*bad, *np.flatnonzero(found < 0).tolist()})
    if bad:
        text = layer.rows[name]
        raise DataError([f"{layer.place(row)}: {name} {text[row]!r} cannot be used" for row in bad[:LINES_SHOWN]])
    return found


def is_free(table: pl.DataFrame, forbidden: Path | None) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return whether each site lies in no forbidden area."""
    if forbidden is None:
        return np.ones(table.height, dtype=np.bool_)
    import shapely

    layer = read_layer(forbidden)
    if not layer.has_areas:
        raise DataError(f"{forbidden}: holds no areas; bring polygons where nothing may stand")
    area = shapely.union_all(shapely.make_valid(wgs84_shapes(layer, None)))
    shapely.prepare(area)
    inside = shapely.intersects_xy(area, table["lon"].to_numpy(), table["lat"].to_numpy())
    return ~np.asarray(inside, dtype=np.bool_)
