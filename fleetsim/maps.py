"""Maps of a result: one file each, drawn with vectors, loading nothing from any network."""

from __future__ import annotations

from typing import Any

import polars as pl

from fleetsim.map_page import district_data, district_names, draw, road_data, scaled
from fleetsim.result import Result
from fleetsim.site_names import shown_names
from fleetsim.texts import Language, texts

DISTANCE_BREAKS_KM = {
    "public": (0.9, 2.0, 3.0, 5.0, 10.0),
    "swap": (1.0, 3.0, 5.0, 10.0, 20.0),
    "hydrogen": (3.0, 5.0, 10.0, 20.0, 30.0),
}
"""Classes of the colours: the standards of the kind are among them [km]."""
COVERED_KINDS = ("public", "swap", "hydrogen")
STATION_KINDS = ("public", "swap", "hydrogen", "depot")


def coverage_page(result: Result, lang: Language = "en") -> str:
    """Return the HTML of the coverage map: hexagons, stations by kind and size, roads, districts, by year.

    Notes
    -----
    Needs the tables `stations`, `station_years`, `coverage` and `coverage_zones` of the result and the city tables
    `districts`, `outlines`, `zones`, `roads` and `site_names`.
    """
    words = _filled_words(result, lang)
    data = {
        "text": words,
        "breaks": DISTANCE_BREAKS_KM,
        "kinds": COVERED_KINDS,
        "stationKinds": STATION_KINDS,
        "years": result.table("coverage_zones")["year"].unique().sort().to_list(),
        **_zone_data(result, lang),
        **road_data(result.city, words),
        **district_data(result.city, lang),
        "stations": _station_data(result, lang),
        "summary": _summary(result.table("coverage"), words),
    }
    return draw(data, words["title"], lang, "coverage")


def _filled_words(result: Result, lang: Language) -> dict[str, Any]:
    words = dict(texts(lang, "map"))
    run = result.run
    words["subtitle"] = words["subtitle"].format(scenario=run[f"title_{lang}"] or run["scenario"])
    notes = words.pop("notes_own") if run.get("city_extends") else words["notes"]
    words["notes"] = notes.format(run_id=run["run_id"], version=run["version"])
    return words


def _zone_data(result: Result, lang: Language) -> dict[str, Any]:
    import h3

    zones = result.city["zones"]
    districts = result.city["districts"]
    number = {name: index for index, name in enumerate(districts["district"])}
    rings = [scaled([part for lat, lon in h3.cell_to_boundary(cell) for part in (lon, lat)]) for cell in zones["zone"]]
    coverage = result.table("coverage_zones")
    standards = {
        kind: [round(10 * value) for value in _zone_column(zones, coverage.filter(kind=kind), "standard_km")]
        for kind in COVERED_KINDS
    }
    return {
        "districts": district_names(districts, lang),
        "zones": {
            "id": zones["zone"].to_list(),
            "district": [number[name] for name in zones["district"]],
            "population": zones["population"].to_list(),
            "ring": rings,
            "standard": standards,
        },
        "distance": _distances(zones, coverage),
    }


def _zone_column(zones: pl.DataFrame, coverage: pl.DataFrame, column: str) -> list[float]:
    first = coverage.unique("zone", keep="first", maintain_order=True).select("zone", column)
    return zones.select("zone").join(first, on="zone", how="left", maintain_order="left")[column].fill_null(0).to_list()


def _distances(zones: pl.DataFrame, coverage: pl.DataFrame) -> dict[str, dict[int, list[int | None]]]:
    distances: dict[str, dict[int, list[int | None]]] = {}
    for (kind, year), part in coverage.sort("kind", "year").group_by("kind", "year", maintain_order=True):
        column = zones.select("zone").join(part, on="zone", how="left", maintain_order="left")["distance_km"]
        distances.setdefault(str(kind), {})[int(str(year))] = (
            (column * 100).round().cast(pl.Int64, strict=False).to_list()
        )
    return distances


def _station_data(result: Result, lang: Language) -> dict[str, Any]:
    stations = result.table("stations")
    kinds = {kind: index for index, kind in enumerate(STATION_KINDS)}
    return {
        "lat": scaled(stations["lat"].to_list()),
        "lon": scaled(stations["lon"].to_list()),
        "kind": [kinds[kind] for kind in stations["kind"]],
        "name": shown_names(stations, result.city.get("site_names"), lang),
        "plugs": _plugs_by_year(stations, result.table("station_years")),
        "power": [round(value) for value in stations["power_kw"]],
        "opened": stations["opened_year"].to_list(),
        "basis": stations["basis"].to_list(),
        "reason": stations["reason"].fill_null("").to_list(),
    }


def _plugs_by_year(stations: pl.DataFrame, by_year: pl.DataFrame) -> dict[int, list[int]]:
    """Return for each year the plugs of each station, 0 where it does not stand yet."""
    ids = stations.select("station_id")
    return {
        int(str(year)): ids.join(part, on="station_id", how="left", maintain_order="left")["plugs"]
        .fill_null(0)
        .to_list()
        for (year,), part in sorted(by_year.partition_by("year", as_dict=True).items())
    }


def _summary(coverage: pl.DataFrame, words: dict[str, Any]) -> dict[str, dict[int, str]]:
    summary: dict[str, dict[int, str]] = {}
    for row in coverage.filter(district="all").sort("kind", "year").iter_rows(named=True):
        text = words["summary"].format(
            share=row["covered_share"], mean=row["mean_distance_km"] or 0.0, p95=row["p95_distance_km"] or 0.0
        )
        summary.setdefault(row["kind"], {})[row["year"]] = text
    return summary
