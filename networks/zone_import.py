"""From what a planner has to zones: borders, settlements, or a population figure and the roads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from networks.columns import Field, Matched, match_columns, numbers, words
from networks.crs import to_wgs84
from networks.errors import DataError
from networks.layers import Layer, Shapes, wgs84_shapes
from networks.spread import Rule, overlap, transfer, weights
from networks.tables import FUNCTIONAL_ZONES, District, Zone
from networks.zone_making import (
    DistrictRow,
    cell_shapes,
    cells_in,
    cells_near,
    describe,
    district_table,
    job_weight,
    nearest_label,
    residents,
    spread_jobs,
    zone_table,
)

PERSONS = {"persons": 1.0, "人": 1.0, "千人": 1e3, "万人": 1e4, "million": 1e6, "thousand": 1e3}
DEGREES = {"deg": 1.0, "°": 1.0, "度": 1.0, "m": 1.0, "米": 1.0}
DISTRICT_FIELDS: Mapping[str, Field] = {
    "district": Field(words("district name nameen englishname pinyin region municipality borough 拼音")),
    "name_zh": Field(words("namezh namecn chinesename 名称 区 区县 区名 县区 行政区 行政区划 街道 乡镇 地区 中文名")),
    "code": Field(words("code adcode gbcode id 代码 行政区划代码 区划代码 编码")),
    "population": Field(
        words("population pop residents inhabitants persons 人口 常住人口 人口数 总人口 常住人口数"), PERSONS
    ),
    "jobs": Field(words("jobs employment workplaces 就业 就业岗位 岗位 就业人口"), PERSONS),
    "functional_zone": Field(words("functionalzone zonetype 功能区")),
    "lon": Field(words("lon lng long longitude x 经度 东经"), DEGREES),
    "lat": Field(words("lat latitude y 纬度 北纬"), DEGREES),
}
MOST_PERSONS = 2e9


@dataclass(frozen=True)
class Ground:
    """What a city already knows: its roads and its places, either of them empty where nothing was brought."""

    nodes: pl.DataFrame
    links: pl.DataFrame
    places: pl.DataFrame


@dataclass(frozen=True)
class ZonesBrought:
    """Districts and zones made from what was brought, and what the planner must know of it."""

    districts: dy.DataFrame[District]
    zones: dy.DataFrame[Zone]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ZoneChoice:
    """How zones are made.

    Attributes
    ----------
    crs
        System of the coordinates; None: what the file declares, WGS-84 for a table.
    columns
        Field to column where names alone do not tell.
    rule
        How residents spread within a district.
    resolution
        H3 resolution; None: by the size of the city.
    name
        Name of the city, for a city of one district.
    """

    crs: str | None = None
    columns: Mapping[str, str] | None = None
    rule: Rule = "roads"
    resolution: int | None = None
    name: str = "city"


@dataclass(frozen=True, eq=False)
class _Told:
    """The districts of a file, row by row, before those of one name are joined."""

    rows: list[DistrictRow]
    jobs: list[int | None]
    lonlat: NDArray[np.float64] | None
    unknown: tuple[str, ...]


def bring_zones(layer: Layer, ground: Ground, choice: ZoneChoice, population: Layer | None = None) -> ZonesBrought:
    """Return districts and zones of a city.

    Parameters
    ----------
    layer
        District areas; or a table of settlements with coordinates, one a district; or a table of one row, the city.
    ground
        Roads and places brought before.
    choice
        How zones are made.
    population
        Residents where `layer` does not tell them: a table by district, or areas of any other zone system (their
        residents are carried to the hexagons by overlap).

    Raises
    ------
    DataError
        With every bad row by its number, and every district without residents.
    """
    told = _districts(layer, choice, areas=layer.has_areas)
    notes = [f"{layer.path.name}: column {name!r} is not used" for name in told.unknown]
    if layer.has_areas:
        return _from_areas((layer, told), ground, choice, population, notes)
    return _from_points((layer, told), ground, choice, population, notes)


def _from_areas(
    brought: tuple[Layer, _Told], ground: Ground, choice: ZoneChoice, population: Layer | None, notes: list[str]
) -> ZonesBrought:
    layer, told = brought
    areas, rows, jobs = _joined(wgs84_shapes(layer, choice.crs), told)
    rows = _with_population(rows, population, choice)
    central = [bool(row.central) or row.functional_zone in ("core", "central_city") for row in rows]
    cells = describe(cells_in(areas, _central_guess(areas, rows, central), choice.resolution))
    if population is not None and population.has_areas:
        people = _carried(population, cells, ground, choice)
    else:
        people = residents(cells, rows, weights(choice.rule, cells, ground.nodes, ground.links, ground.places))
    return _finished(cells, rows, people, jobs, ground, notes)


def _from_points(
    brought: tuple[Layer, _Told], ground: Ground, choice: ZoneChoice, population: Layer | None, notes: list[str]
) -> ZonesBrought:
    layer, told = brought
    if ground.nodes.is_empty():
        raise DataError(f"{layer.path.name}: without borders zones follow the roads; import them first (import osm)")
    rows = _with_population(told.rows, population, choice)
    if told.lonlat is None and len(rows) > 1:
        raise DataError(
            f"{layer.path.name}: {len(rows)} districts but no place of any; add columns lon and lat (a settlement for "
            "each), bring their borders, or sum them up in one row"
        )
    lonlat = told.lonlat if told.lonlat is not None else ground.nodes.select(pl.col("lon", "lat").mean()).to_numpy()
    label = nearest_label(lonlat[:, 0].tolist(), lonlat[:, 1].tolist())
    lon, lat = ground.nodes["lon"].to_numpy(), ground.nodes["lat"].to_numpy()
    cells = describe(cells_near(lon, lat, label, choice.resolution))
    people = residents(cells, rows, weights(choice.rule, cells, ground.nodes, ground.links, ground.places))
    notes = [*notes, "no borders were given: the city is where its roads are, districts are those of the nearest place"]
    return _finished(cells, rows, people, told.jobs, ground, notes)


def _finished(
    cells: pl.DataFrame,
    rows: Sequence[DistrictRow],
    people: NDArray[np.int64],
    jobs: Sequence[int | None],
    ground: Ground,
    notes: list[str],
) -> ZonesBrought:
    weight = job_weight(cells, people, ground.nodes, ground.links, ground.places)
    if all(count is not None for count in jobs):
        known = [replace(row, population=count) for row, count in zip(rows, jobs, strict=True)]
        work = residents(cells, known, weight)
    else:
        work = spread_jobs(people, weight)
        notes = [*notes, "jobs: none were given; spread by rule, 0.53 a resident (Beijing 2020), an assumption"]
    zones = zone_table(cells, rows, people, work)
    notes = [*notes, "mountain: no zone is marked as mountain; edit zones.csv where some are"]
    return ZonesBrought(district_table(zones, rows), zones, tuple(notes))


def _districts(layer: Layer, choice: ZoneChoice, *, areas: bool) -> _Told:
    found = match_columns(layer.rows.columns, DISTRICT_FIELDS, choice.columns, file=layer.path.name)
    persons, wrong = _whole(layer, found, "population")
    jobs, wrong_jobs = _whole(layer, found, "jobs")
    lonlat, wrong_points = (None, []) if areas else _points(layer, found, choice.crs)
    kinds, wrong_kinds = _kinds(layer, found)
    names, wrong_names = _names(layer, found, choice)
    problems = [*wrong, *wrong_jobs, *wrong_points, *wrong_kinds, *wrong_names]
    if problems:
        raise DataError(problems)
    code = _texts(layer, found, "code")
    rows = [DistrictRow(name, zh, code[row] or "", persons[row], kinds[row]) for row, (name, zh) in enumerate(names)]
    return _Told(rows, jobs, lonlat, found.unknown)


def _names(layer: Layer, found: Matched, choice: ZoneChoice) -> tuple[list[tuple[str, str]], list[str]]:
    """Return identifier and Chinese name of every row; one stands in for the other, the city's name for both."""
    own, chinese = _texts(layer, found, "district"), _texts(layer, found, "name_zh")
    alone = choice.name if layer.rows.height == 1 else None
    names, problems = [], []
    for row, (name, zh) in enumerate(zip(own, chinese, strict=True)):
        said = name or zh or alone
        if said is None:
            problems.append(f"{layer.place(row)}: has no district name; fill it in, or say --column district=NAME")
        names.append((said or "", zh or said or ""))
    return names, problems


def _kinds(layer: Layer, found: Matched) -> tuple[list[str | None], list[str]]:
    kinds = _texts(layer, found, "functional_zone")
    problems = [
        f"{layer.place(row)}: functional zone {kind!r} is not one of {', '.join(FUNCTIONAL_ZONES)}; correct it"
        for row, kind in enumerate(kinds)
        if kind is not None and kind not in FUNCTIONAL_ZONES
    ]
    return kinds, problems


def _texts(layer: Layer, found: Matched, name: str) -> list[str | None]:
    return layer.rows[found.column[name]].to_list() if name in found.column else [None] * layer.rows.height


def _whole(layer: Layer, found: Matched, name: str) -> tuple[list[int | None], list[str]]:
    """Return a column of whole numbers, None where empty, and what is wrong in it."""
    if name not in found.column:
        return [None] * layer.rows.height, []
    texts = layer.rows[found.column[name]]
    values, wrong = numbers(texts)
    values = values * found.factor[name]
    out = np.flatnonzero((values < 0.0) | (values > MOST_PERSONS)).tolist()
    problems = [
        f"{layer.place(row)}: {name} {texts[row]!r} is not a number of persons; correct it" for row in wrong + out
    ]
    return [None if np.isnan(value) else round(value) for value in values.tolist()], problems


def _points(layer: Layer, found: Matched, crs: str | None) -> tuple[NDArray[np.float64] | None, list[str]]:
    if not {"lon", "lat"} <= set(found.column):
        return None, []
    pairs, problems = [], []
    for name in ("lon", "lat"):
        texts = layer.rows[found.column[name]]
        values, wrong = numbers(texts)
        bad = sorted({*wrong, *np.flatnonzero(np.isnan(values)).tolist()})
        problems += [f"{layer.place(row)}: {name} {texts[row] or ''!r} is no coordinate; correct it" for row in bad]
        pairs.append(values)
    if problems:
        return None, problems
    return np.column_stack(to_wgs84(pairs[0], pairs[1], crs or "wgs84")), []


def _joined(shapes: Shapes, told: _Told) -> tuple[Shapes, list[DistrictRow], list[int | None]]:
    """Return one area and row a district: rows of the same name are joined, their residents summed."""
    import shapely

    first: dict[str, int] = {}
    members: dict[str, list[int]] = {}
    for number, row in enumerate(told.rows):
        first.setdefault(row.district, number)
        members.setdefault(row.district, []).append(number)
    areas = [shapely.union_all(shapely.make_valid(shapes[own])) for own in members.values()]
    rows = [
        replace(told.rows[first[name]], population=_sum([told.rows[number].population for number in own]))
        for name, own in members.items()
    ]
    return _only_areas(areas), rows, [_sum([told.jobs[number] for number in own]) for own in members.values()]


def _only_areas(shapes: Sequence[object]) -> Shapes:
    """Return the shapes without lines and points that joining may leave."""
    import shapely

    kept = []
    for shape in shapes:
        parts = [part for part in shapely.get_parts(shape) if part.geom_type in ("Polygon", "MultiPolygon")]
        kept.append(shapely.union_all(parts))
    return np.asarray(kept, dtype=object)


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _with_population(rows: Sequence[DistrictRow], population: Layer | None, choice: ZoneChoice) -> list[DistrictRow]:
    """Return the districts with the residents of a table by district, matched by name, Chinese name or code."""
    if population is None or population.has_areas:
        return list(rows)
    given = _districts(population, replace(choice, columns=None), areas=True).rows
    if len(rows) == 1 and len(given) == 1:
        return [replace(rows[0], population=given[0].population)]
    known = {key: row for row in given for key in (row.district, row.name_zh, row.code) if key}
    matched = [
        next((known[key] for key in (row.district, row.name_zh, row.code) if key in known), None) for row in rows
    ]
    missing = [row.district for row, one in zip(rows, matched, strict=True) if one is None]
    taken = {one.district for one in matched if one is not None}
    file = population.path.name
    problems = [f"{file}: district {name!r} has no row; add it" for name in missing]
    problems += [
        f"{file}: {row.district!r} is no district of the borders" for row in given if row.district not in taken
    ]
    if problems:
        raise DataError(problems)
    return [replace(row, population=one.population if one else None) for row, one in zip(rows, matched, strict=True)]


def _carried(population: Layer, cells: pl.DataFrame, ground: Ground, choice: ZoneChoice) -> NDArray[np.int64]:
    """Return the residents of each cell, carried from the areas of another zone system."""
    found = match_columns(population.rows.columns, DISTRICT_FIELDS, file=population.path.name)
    people, problems = _whole(population, found, "population")
    problems += [
        f"{population.place(row)}: has no population; fill it in" for row, one in enumerate(people) if one is None
    ]
    if problems:
        raise DataError(problems)
    shared = overlap(wgs84_shapes(population, None), cell_shapes(cells["zone"].to_list()))
    density = weights(choice.rule, cells, ground.nodes, ground.links, ground.places) / cells["area_km2"].to_numpy()
    return transfer([one or 0 for one in people], shared, cells.height, density)


def _central_guess(areas: Shapes, rows: Sequence[DistrictRow], said: Sequence[bool]) -> list[bool]:
    """Return which districts get fine cells in a large city: those said to be central, else the denser ones."""
    import shapely

    if any(said) or any(row.population is None for row in rows):
        return list(said)
    density = np.array([row.population or 0 for row in rows]) / np.maximum(shapely.area(areas), 1e-12)
    return [bool(dense) for dense in density >= density.mean()]
