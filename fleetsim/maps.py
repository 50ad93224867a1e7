"""Maps of a result: one file each, drawn with vectors, loading nothing from any network."""

from __future__ import annotations

import json
from typing import Any

import folium
import polars as pl
from branca.element import Element, MacroElement
from jinja2 import Template

from fleetsim.offline import asset, to_page
from fleetsim.result import Result
from fleetsim.texts import Language, texts

DISTANCE_BREAKS_KM = {
    "public": (0.9, 2.0, 3.0, 5.0, 10.0),
    "swap": (1.0, 3.0, 5.0, 10.0, 20.0),
    "hydrogen": (3.0, 5.0, 10.0, 20.0, 30.0),
}
"""Classes of the colours: the standards of the kind are among them [km]."""
COVERED_KINDS = ("public", "swap", "hydrogen")
STATION_KINDS = ("public", "swap", "hydrogen", "depot")
ROAD_STYLES = {
    "secondary": ("#b9b2a3", 0.7),
    "arterial": ("#8d8d8d", 1.2),
    "ring_expressway": ("#b8860b", 2.4),
    "expressway": ("#c9a227", 2.0),
}


class _Script(MacroElement):
    """A script of ours with its data, run after the map exists."""

    _template = Template("{% macro script(this, kwargs) %}{{ this.code }}{% endmacro %}")

    def __init__(self, code: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Script"
        self.code = code


def coverage_page(result: Result, lang: Language = "en") -> str:
    """Return the HTML of the coverage map: hexagons, stations by kind and size, roads, districts, by year.

    Notes
    -----
    Needs the tables `stations`, `station_years`, `coverage` and `coverage_zones` of the result and the city tables
    `districts`, `outlines`, `zones` and `roads`.
    """
    words = _filled_words(result, lang)
    data = {
        "text": words,
        "breaks": DISTANCE_BREAKS_KM,
        "kinds": COVERED_KINDS,
        "stationKinds": STATION_KINDS,
        "years": result.table("coverage_zones")["year"].unique().sort().to_list(),
        **_zone_data(result, lang),
        **_road_data(result, words),
        **_district_data(result, lang),
        "stations": _station_data(result.table("stations"), result.table("station_years")),
        "summary": _summary(result.table("coverage"), words),
    }
    return _page(data, words["title"], lang)


def _page(data: dict[str, Any], title: str, lang: Language) -> str:
    folium_map = folium.Map(
        location=[0, 0], zoom_start=9, tiles=None, prefer_canvas=True, zoomSnap=0.25, zoomDelta=0.5, minZoom=7
    )
    folium_map._id = "coverage"  # folium would draw a random one, and the page differ from run to run
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
    code = asset("coverage.js").replace("DATA", text, 1).replace("MAP", folium_map.get_name(), 1)
    folium_map.add_child(_Script(code))
    figure: Any = folium_map.get_root()
    figure.header.add_child(Element(f"<style>{asset('coverage.css')}</style>"))
    return to_page(folium_map, title, lang)


def _filled_words(result: Result, lang: Language) -> dict[str, Any]:
    words = dict(texts(lang, "map"))
    run = result.run
    words["subtitle"] = words["subtitle"].format(scenario=run[f"title_{lang}"] or run["scenario"])
    notes = words.pop("notes_own") if run.get("city_extends") else words["notes"]
    words["notes"] = notes.format(run_id=run["run_id"], version=run["version"])
    return words


def _scaled(values: list[float]) -> list[int]:
    return [round(value * 1e5) for value in values]


def _zone_data(result: Result, lang: Language) -> dict[str, Any]:
    import h3

    zones = result.city["zones"]
    districts = result.city["districts"]
    number = {name: index for index, name in enumerate(districts["district"])}
    rings = [_scaled([part for lat, lon in h3.cell_to_boundary(cell) for part in (lon, lat)]) for cell in zones["zone"]]
    coverage = result.table("coverage_zones")
    standards = {
        kind: [round(10 * value) for value in _zone_column(zones, coverage.filter(kind=kind), "standard_km")]
        for kind in COVERED_KINDS
    }
    return {
        "districts": _district_names(districts, lang),
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


def _district_names(districts: pl.DataFrame, lang: Language) -> list[str]:
    if lang == "zh":
        return districts["name_zh"].to_list()
    return [
        name if zh == name else f"{zh} {name}"
        for zh, name in zip(districts["name_zh"], districts["district"], strict=True)
    ]


def _district_data(result: Result, lang: Language) -> dict[str, Any]:
    districts = result.city["districts"]
    names = [
        {"text": text, "lon": row["lon"], "lat": row["lat"], "area": row["area_km2"]}
        for text, row in zip(_district_names(districts, lang), districts.iter_rows(named=True), strict=True)
    ]
    outlines = [
        {"rings": [_scaled([part for point in ring for part in point]) for ring in json.loads(rings)]}
        for rings in result.city["outlines"]["rings"]
    ]
    zones = result.city["zones"]
    bounds = [[zones["lat"].min(), zones["lon"].min()], [zones["lat"].max(), zones["lon"].max()]]
    return {"names": names, "outlines": outlines, "bounds": bounds}


def _road_data(result: Result, words: dict[str, Any]) -> dict[str, Any]:
    roads = result.city["roads"]
    lines = []
    for road_class, (colour, width) in ROAD_STYLES.items():
        for line in roads.filter(road_class=road_class)["line"]:
            flat = _scaled([part for point in json.loads(line) for part in point])
            lines.append({"line": flat, "colour": colour, "width": width})
    legend = [
        {"label": words["road_classes"][name], "colour": colour, "width": width}
        for name, (colour, width) in reversed(ROAD_STYLES.items())
    ]
    return {"roads": lines, "roadLegend": legend}


def _station_data(stations: pl.DataFrame, by_year: pl.DataFrame) -> dict[str, Any]:
    kinds = {kind: index for index, kind in enumerate(STATION_KINDS)}
    return {
        "lat": _scaled(stations["lat"].to_list()),
        "lon": _scaled(stations["lon"].to_list()),
        "kind": [kinds[kind] for kind in stations["kind"]],
        "name": stations["name"].to_list(),
        "plugs": _plugs_by_year(stations, by_year),
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
