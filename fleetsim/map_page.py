"""What every map is made of: a page of its own with districts, roads and the script that draws it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import folium
import polars as pl
from branca.element import Element, MacroElement
from jinja2 import Template

from fleetsim.offline import asset, to_page
from fleetsim.texts import Language

ROAD_STYLES = {
    "secondary": ("#b9b2a3", 0.7),
    "arterial": ("#8d8d8d", 1.2),
    "ring_expressway": ("#b8860b", 2.4),
    "expressway": ("#c9a227", 2.0),
}


class Script(MacroElement):
    """A script of ours with its data, run after the map exists."""

    _template = Template("{% macro script(this, kwargs) %}{{ this.code }}{% endmacro %}")

    def __init__(self, code: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Script"
        self.code = code


def draw(data: dict[str, Any], title: str, lang: Language, name: str) -> str:
    """Return the page of a map that the script `name`.js of the assets draws from `data`."""
    folium_map = folium.Map(
        location=[0, 0], zoom_start=9, tiles=None, prefer_canvas=True, zoomSnap=0.25, zoomDelta=0.5, minZoom=7
    )
    folium_map._id = name  # folium would draw a random one, and the page differ from run to run
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
    code = asset(f"{name}.js").replace("DATA", text, 1).replace("MAP", folium_map.get_name(), 1)
    folium_map.add_child(Script(code))
    figure: Any = folium_map.get_root()
    styles = asset("coverage.css") + (asset("site.css") if name == "site" else "")
    figure.header.add_child(Element(f"<style>{styles}</style>"))
    return to_page(folium_map, title, lang)


def scaled(values: list[float]) -> list[int]:
    """Return degrees in 1e-5, as the scripts read them."""
    return [round(value * 1e5) for value in values]


def district_names(districts: pl.DataFrame, lang: Language) -> list[str]:
    """Return the name of each district in the language of the page."""
    return districts["name_zh" if lang == "zh" else "district"].to_list()


def district_data(layers: Mapping[str, pl.DataFrame], lang: Language) -> dict[str, Any]:
    """Return names, outlines and bounds of the city, see `base_map.layers`."""
    districts = layers["districts"]
    names = [
        {"text": text, "lon": row["lon"], "lat": row["lat"], "area": row["area_km2"]}
        for text, row in zip(district_names(districts, lang), districts.iter_rows(named=True), strict=True)
    ]
    outlines = [
        {"rings": [scaled([part for point in ring for part in point]) for ring in json.loads(rings)]}
        for rings in layers["outlines"]["rings"]
    ]
    zones = layers["zones"]
    bounds = [[zones["lat"].min(), zones["lon"].min()], [zones["lat"].max(), zones["lon"].max()]]
    return {"names": names, "outlines": outlines, "bounds": bounds}


def road_data(layers: Mapping[str, pl.DataFrame], words: dict[str, Any]) -> dict[str, Any]:
    """Return the roads as they are drawn, and their legend; `words` holds the names of the classes."""
    roads = layers["roads"]
    lines = []
    for road_class, (colour, width) in ROAD_STYLES.items():
        for line in roads.filter(road_class=road_class)["line"]:
            flat = scaled([part for point in json.loads(line) for part in point])
            lines.append({"line": flat, "colour": colour, "width": width})
    legend = [
        {"label": words["road_classes"][name], "colour": colour, "width": width}
        for name, (colour, width) in reversed(ROAD_STYLES.items())
    ]
    return {"roads": lines, "roadLegend": legend}
