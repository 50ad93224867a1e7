"""Stations from a planner's file: any column names, any Chinese datum, every bad row named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from charging.station_fields import BOUNDS, KIND_WORDS, NUMBERS, STATION_FIELDS
from charging.tables import STATION_KINDS, Station
from networks.columns import Matched, match_columns, numbers
from networks.crs import local_plane_km, to_wgs84
from networks.datum import Verdict, best, judge, label_fit, point_fit, road_fit
from networks.errors import DataError
from networks.import_rules import StationRules, station_rules
from networks.layers import Layer
from networks.zone_making import district_at, zone_rows


@dataclass(frozen=True)
class StationChoice:
    """How stations are read.

    Attributes
    ----------
    crs
        System of the coordinates; None: what the file declares, WGS-84 for a table.
    columns
        Field to column where names alone do not tell.
    kind
        Kind of station where no column tells it.
    opened_year
        Year of opening where no column tells it.
    skip_bad_rows
        Leave out rows with bad values instead of refusing the file.
    assumed
        What is assumed where the file says nothing.
    """

    crs: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    kind: str = "public"
    opened_year: int = 2020
    skip_bad_rows: bool = False
    assumed: StationRules = field(default_factory=station_rules)


@dataclass(frozen=True)
class StationsBrought:
    """Stations, and what the planner must know of the file they came from.

    Attributes
    ----------
    stations
        What goes into the city.
    left_out
        One line a row that does not: duplicates, points outside the city, rows with bad values.
    notes
        Unknown columns and values that were assumed.
    datum
        What the points say of their coordinate system; None where nothing could be judged.
    """

    stations: dy.DataFrame[Station]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]
    datum: Verdict | None


@dataclass(frozen=True)
class Town:
    """What a station file is held against: zones, roads, districts and known points of the city."""

    zones: pl.DataFrame
    nodes: pl.DataFrame
    links: pl.DataFrame
    districts: pl.DataFrame
    known: pl.DataFrame
    """Points of places and stations known already: lon, lat."""


def bring_stations(layer: Layer, town: Town, choice: StationChoice) -> StationsBrought:
    """Return the stations of a file in WGS-84, each in the district of its zone.

    Parameters
    ----------
    layer
        A table with coordinates, or points; areas stand for their middle.
    town
        Zones, roads and districts of the city.
    choice
        How the file is read.

    Raises
    ------
    DataError
        With every bad row by its number, unless they shall be skipped.

    Notes
    -----
    A row with fast and slow plugs becomes two stations at one place: their powers differ.
    """
    found = match_columns(layer.rows.columns, STATION_FIELDS, choice.columns, file=layer.path.name)
    rows, faults = _read(layer, found, choice)
    if faults and not choice.skip_bad_rows:
        raise DataError([faults[row] for row in sorted(faults)])
    rows = rows.filter(~pl.col("row").is_in(list(faults)))
    verdict = _datum(rows, town, _declared(layer, choice))
    lon, lat = to_wgs84(rows["x"].to_numpy(), rows["y"].to_numpy(), _declared(layer, choice))
    rows = rows.with_columns(lon=pl.Series(lon.round(6)), lat=pl.Series(lat.round(6)))
    rows, outside = _inside(layer, rows, town)
    rows, twice = _once(layer, rows, choice.assumed.same_place_km)
    unused = [f"{layer.path.name}: column {name!r} is not used" for name in found.unknown]
    table, assumed = _stations(rows, choice)
    left_out = [faults[row] for row in sorted(faults)] + outside + twice
    return StationsBrought(table, tuple(left_out), (*unused, *assumed), verdict)


def _read(layer: Layer, found: Matched, choice: StationChoice) -> tuple[pl.DataFrame, dict[int, str]]:
    """Return the file's rows with typed values, and what is wrong in a row, by row."""
    height = layer.rows.height
    columns: dict[str, Any] = {"row": np.arange(height)}
    faults: dict[int, str] = {}
    for name in NUMBERS:
        columns[name] = _numbers(layer, found, name, faults)
    for name in ("station_id", "name", "district"):
        columns[name] = _texts(layer, found, name)
    columns["kind"] = _kinds(layer, found, choice, faults)
    columns["opened_year"] = _years(layer, found, choice, faults)
    columns["x"], columns["y"] = _coordinates(layer, found, choice, faults)
    texts = {name: pl.String for name in ("station_id", "name", "district", "kind")}
    rows = pl.DataFrame(columns, schema_overrides=texts).with_columns(pl.col(NUMBERS).fill_nan(None))
    split = pl.col("fast_plugs").fill_null(0.0) + pl.col("slow_plugs").fill_null(0.0)
    rows = rows.with_columns(plugs=pl.when(split > 0.0).then(split).otherwise(pl.col("plugs")))
    for row in rows.filter(pl.col("plugs").is_null() | (pl.col("plugs") < 1.0))["row"].to_list():
        faults.setdefault(
            row, f"{layer.place(row)}: no number of plugs; fill in plugs (充电桩数量) or fast and slow plugs"
        )
    return rows, faults


def _texts(layer: Layer, found: Matched, name: str) -> list[str | None]:
    return layer.rows[found.column[name]].to_list() if name in found.column else [None] * layer.rows.height


def _numbers(layer: Layer, found: Matched, name: str, faults: dict[int, str]) -> NDArray[np.float64]:
    if name not in found.column:
        return np.full(layer.rows.height, np.nan)
    column = found.column[name]
    values, wrong = numbers(layer.rows[column])
    values = values * found.factor[name]
    low, high = BOUNDS.get(name, (0.0, 1e7))
    wrong += np.flatnonzero((values < low) | (values > high)).tolist()
    for row in wrong:
        text = layer.rows[column][row]
        faults.setdefault(row, f"{layer.place(row)}, column {column}: {text!r} is not {low:g} to {high:g}; correct it")
    return values


def _kinds(layer: Layer, found: Matched, choice: StationChoice, faults: dict[int, str]) -> list[str]:
    kinds = []
    for row, text in enumerate(_texts(layer, found, "kind")):
        kind = choice.kind if text is None else kind_of(text)
        if kind is None:
            known = ", ".join(STATION_KINDS)
            faults.setdefault(row, f"{layer.place(row)}: kind {text!r} is not known; write {known}, 充电, 换电 or 加氢")
        kinds.append(kind or choice.kind)
    return kinds


def kind_of(text: str) -> str | None:
    """Return the kind of station a word means; None where it means none.

    >>> kind_of("换电站"), kind_of("公共充电站"), kind_of("加氢站"), kind_of("kiosk")
    ('swap', 'public', 'hydrogen', None)
    """
    plain = text.strip().lower()
    return next((kind for kind, known in KIND_WORDS.items() if any(word in plain for word in known)), None)


def _years(layer: Layer, found: Matched, choice: StationChoice, faults: dict[int, str]) -> list[int]:
    years = []
    for row, text in enumerate(_texts(layer, found, "opened_year")):
        digits = (text or "")[:4]
        if text is not None and not (digits.isdigit() and 1990 <= int(digits) <= 2100):
            faults.setdefault(
                row, f"{layer.place(row)}: {text!r} is no year of opening; write it as 2023 or 2023-06-30"
            )
            digits = ""
        years.append(int(digits) if digits else choice.opened_year)
    return years


def _coordinates(
    layer: Layer, found: Matched, choice: StationChoice, faults: dict[int, str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the coordinates as the file gives them; of features, some point within."""
    import shapely

    if layer.shapes is not None:
        middle = shapely.point_on_surface(layer.shapes)
        return shapely.get_x(middle), shapely.get_y(middle)
    if not {"lon", "lat"} <= set(found.column):
        have = ", ".join(layer.rows.columns)
        raise DataError(
            f"{layer.path.name}: no columns of longitude and latitude; name them with --column lon=.. ({have})"
        )
    pair = []
    for name in ("lon", "lat"):
        column = found.column[name]
        values, _ = numbers(layer.rows[column])
        for row in np.flatnonzero(np.isnan(values) | _off_earth(values, name, choice)).tolist():
            text = layer.rows[column][row]
            faults.setdefault(row, f"{layer.place(row)}, column {column}: {text or ''!r} is no coordinate; correct it")
        pair.append(values)
    return pair[0], pair[1]


def _off_earth(values: NDArray[np.float64], name: str, choice: StationChoice) -> NDArray[np.bool_]:
    if (choice.crs or "").lower().startswith("epsg:"):
        return np.zeros(len(values), dtype=np.bool_)
    return np.abs(values) > (180.0 if name == "lon" else 90.0)


def _declared(layer: Layer, choice: StationChoice) -> str:
    if choice.crs is None and layer.shapes is not None and layer.crs is None:
        raise DataError(f"{layer.path.name}: names no coordinate system; give it with --crs, e.g. EPSG:4490 or gcj02")
    return choice.crs or layer.crs or "wgs84"


def _datum(rows: pl.DataFrame, town: Town, declared: str) -> Verdict | None:
    """Return what roads, known points and district labels say of the system the points are in."""
    x, y = rows["x"].to_numpy(), rows["y"].to_numpy()
    verdicts = []
    if town.links.height:
        verdicts.append(judge(x, y, declared, road_fit(town.nodes, town.links), "the roads of the city"))
    if town.known.height:
        fit = point_fit(town.known["lon"].to_numpy(), town.known["lat"].to_numpy())
        verdicts.append(judge(x, y, declared, fit, "the places and stations known already"))
    labels = _known_districts(rows, town)
    if any(label is not None for label in labels):
        fit = label_fit(labels, lambda lon, lat: district_at(lon, lat, town.zones))
        verdicts.append(judge(x, y, declared, fit, "the districts their own rows name"))
    return best(verdicts)


def _known_districts(rows: pl.DataFrame, town: Town) -> list[str | None]:
    names = {zh: name for name, zh in town.districts.select("district", "name_zh").iter_rows()}
    names |= {name: name for name in town.districts["district"]}
    return [names.get(said) if said is not None else None for said in rows["district"]]


def _inside(layer: Layer, rows: pl.DataFrame, town: Town) -> tuple[pl.DataFrame, list[str]]:
    number = zone_rows(rows["lon"].to_numpy(), rows["lat"].to_numpy(), town.zones)
    out = [
        f"{layer.place(row)}: {name or 'without a name'} at {lon:.5f}, {lat:.5f} lies outside the city"
        for row, name, lon, lat in rows.filter(pl.Series(number < 0)).select("row", "name", "lon", "lat").iter_rows()
    ]
    districts = town.zones["district"].gather(number[number >= 0].tolist())
    return rows.filter(pl.Series(number >= 0)).with_columns(district=districts), out


def _once(layer: Layer, rows: pl.DataFrame, same_place_km: float) -> tuple[pl.DataFrame, list[str]]:
    """Return the rows without those that stand there already (within so many km), and one line a row left out."""
    if rows.is_empty():
        return rows, []
    lat0 = float(str(rows["lat"].mean()))
    tree = cKDTree(np.column_stack(local_plane_km(rows["lon"].to_numpy(), rows["lat"].to_numpy(), lat0)))
    make = rows.select("kind", "name", "plugs", "power_kw").rows()
    twin: dict[int, int] = {}
    for first, second in sorted(tree.query_pairs(same_place_km)):
        named = make[first][:2] == make[second][:2] and make[first][1] is not None
        if first not in twin and (named or make[first] == make[second]):
            twin.setdefault(second, first)
    number = rows["row"].to_list()
    lines = [
        f"{layer.place(number[row])}: the same as row {layer.numbers[number[of]]}" for row, of in sorted(twin.items())
    ]
    return rows.filter(~pl.int_range(pl.len()).is_in(sorted(twin))), lines


def _stations(rows: pl.DataFrame, choice: StationChoice) -> tuple[dy.DataFrame[Station], list[str]]:
    """Return the table `Station`, and what was assumed in it."""
    made: list[dict[str, Any]] = []
    for row in rows.iter_rows(named=True):
        made += _split(row, choice.assumed)
    table = pl.DataFrame(made, schema=Station.create_empty().schema)
    table = table.with_columns(station_id=_unique(table["station_id"]))
    unpowered = rows.filter(pl.col("power_kw").is_null(), pl.col("kind") != "hydrogen").height
    notes = []
    if unpowered:
        fast, slow = choice.assumed.fast_kw, choice.assumed.slow_kw
        notes.append(f"{unpowered} stations without a power: {fast:g} kW a plug, {slow:g} kW a slow one, assumed")
    return Station.validate(table.sort("station_id")), notes


def _split(row: Mapping[str, Any], rules: StationRules) -> list[dict[str, Any]]:
    """Return one station, or one for the fast and one for the slow plugs."""
    fast, slow = row["fast_plugs"] or 0.0, row["slow_plugs"] or 0.0
    if not slow or row["kind"] != "public":
        return [_station(row, row["plugs"], row["power_kw"] or rules.fast_kw, "", rules)]
    slow_kw = rules.slow_kw if fast else row["power_kw"] or rules.slow_kw
    parts = [_station(row, slow, slow_kw, "-slow" if fast else "", rules)]
    return ([_station(row, fast, row["power_kw"] or rules.fast_kw, "", rules)] if fast else []) + parts


def _station(row: Mapping[str, Any], plugs: float, power_kw: float, suffix: str, rules: StationRules) -> dict[str, Any]:
    kind = row["kind"]
    identifier = row["station_id"] or f"{kind}-{row['row'] + 1:05d}"
    own = {
        "station_id": identifier + suffix,
        "name": row["name"] or identifier,
        "kind": kind,
        "plugs": round(plugs),
        "power_kw": 0.0 if kind == "hydrogen" else power_kw,
        "fleet_group": None,
        "packs": None,
        "storage_kg": None,
        "supply_kg_h": None,
        "basis": "published",
        "reason": "given",
    }
    if kind == "swap":
        own["packs"] = round(row["packs"] or rules.packs_per_bay * plugs)
    if kind == "hydrogen":
        own["storage_kg"] = row["storage_kg"] or rules.storage_kg * plugs
        own["supply_kg_h"] = row["supply_kg_h"] or rules.supply_kg_h * plugs
    kept = ("lon", "lat", "district", "opened_year", "site_limit_kw")
    return own | {name: row[name] for name in kept}


def _unique(names: pl.Series) -> pl.Series:
    """Return identifiers, a repeated one with its number behind it."""
    seen: dict[str, int] = {}
    result = []
    for name in names.to_list():
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return pl.Series("station_id", result, dtype=pl.String)


def datum_message(verdict: Verdict | None) -> str:
    """Return what a planner is told about the coordinates; empty where there is nothing to say."""
    if verdict is None:
        return ""
    fits = ", ".join(f"{name} {fit:.3f}" for name, fit in verdict.fit.items())
    lead = f"fit to {verdict.evidence}: {fits}; {verdict.points} points"
    if verdict.sure:
        return (
            f"The points look like {verdict.likely}, not {verdict.declared} ({lead}; {verdict.lead_sd:.0f} standard "
            f"errors better, and better than {verdict.shifts_beaten} of {verdict.shifts} other shifts). Import again "
            f"with --crs {verdict.likely}."
        )
    if verdict.silent:
        return f"The coordinate system could not be told: no reading of the points stands out ({lead})."
    return f"The points fit {verdict.declared} ({lead})."
