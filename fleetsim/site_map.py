"""Map of a siting plan: before and after, gain by hexagon, blank spots, and why each station was chosen."""

from __future__ import annotations

from typing import Any

import polars as pl

from fleetsim import base_map
from fleetsim.map_page import district_data, district_names, draw, road_data, scaled
from fleetsim.maps import DISTANCE_BREAKS_KM
from fleetsim.sites.job import Sited
from fleetsim.sites.words import quality_lines, shown_districts
from fleetsim.texts import Language, texts

BLANKS_DRAWN = 100
GAIN_BREAKS_KM = (0.05, 0.5, 1.0, 2.0, 5.0)
"""Classes of the way that the plan saves [km]."""
HUNDREDTHS = 100


def site_page(sited: Sited, lang: Language = "en") -> str:
    """Return the HTML of the map of a siting plan, one file that loads nothing."""
    layers = base_map.layers(sited.city)
    general = texts(lang, "map")
    words = {
        **{name: general[name] for name in ("kinds", "road_classes", "residents", "none", "over")},
        **_words(sited, lang),
    }
    data = {
        "text": words,
        "kind": sited.request.kind,
        "breaks": DISTANCE_BREAKS_KM[sited.request.kind],
        "gainBreaks": GAIN_BREAKS_KM,
        "years": list(sited.request.years),
        "zones": _zones(sited, lang),
        "stands": _stands(sited),
        "sites": _sites(sited, lang),
        "blanks": _blanks(sited, words),
        "lines": quality_lines(sited, lang),
        **road_data(layers, words),
        **district_data(layers, lang),
    }
    return draw(data, words["title"], lang, "site")


def _words(sited: Sited, lang: Language) -> dict[str, Any]:
    own, identity = dict(texts(lang, "site")), sited.city.identity
    city = {"en": identity.name_en, "zh": identity.name_zh}[lang] or sited.city.folder.name
    own["subtitle"] = own["subtitle"].format(
        kind=texts(lang, "map")["kinds"][sited.request.kind],
        city=city,
        year=sited.request.years[-1],
        opened=sited.tables["sites"].height,
    )
    return own


def _zones(sited: Sited, lang: Language) -> dict[str, Any]:
    """Return the hexagons, and the way from each by stage and year in hundredths of a km."""
    import h3

    zones, districts = sited.city.zones, sited.city.districts
    number = {name: index for index, name in enumerate(districts["district"])}
    rings = [scaled([part for lat, lon in h3.cell_to_boundary(cell) for part in (lon, lat)]) for cell in zones["zone"]]
    table = sited.tables["zones"]
    ways: dict[str, dict[str, list[int | None]]] = {"before": {}, "after": {}}
    for (stage, year), part in table.group_by("stage", "year", maintain_order=True):
        ways[str(stage)][str(year)] = _hundredths(zones, part)
    first = table.filter(pl.col("year") == sited.request.years[0], pl.col("stage") == "before")
    standard = zones.select("zone").join(first, on="zone", how="left", maintain_order="left")["standard_km"]
    return {
        "id": zones["zone"].to_list(),
        "names": district_names(districts, lang),
        "district": [number[name] for name in zones["district"]],
        "population": zones["population"].to_list(),
        "jobs": zones["jobs"].to_list(),
        "ring": rings,
        "standard": [round(HUNDREDTHS * value) for value in standard],
        **ways,
    }


def _hundredths(zones: pl.DataFrame, part: pl.DataFrame) -> list[int | None]:
    joined = zones.select("zone").join(part, on="zone", how="left", maintain_order="left")
    return (joined["distance_km"] * HUNDREDTHS).round().cast(pl.Int64, strict=False).to_list()


def _stands(sited: Sited) -> dict[str, Any]:
    """Return the stations that stand without the plan."""
    opened = sited.tables["sites"].filter(pl.col("action") == "open")["station_id"]
    own = sited.tables["stations"].filter(pl.col("kind").cast(pl.String) == sited.request.kind)
    rest = own.filter(~pl.col("station_id").is_in(opened.implode()), pl.col("opened_year") <= sited.request.years[-1])
    closed = sited.city.stations.filter(pl.col("station_id").is_in(list(sited.choice.closed)))
    return {
        "lon": scaled([*rest["lon"], *closed["lon"]]),
        "lat": scaled([*rest["lat"], *closed["lat"]]),
        "name": [*rest["name"], *closed["name"]],
        "plugs": [*rest["plugs"], *closed["plugs"]],
        "opened": [*rest["opened_year"], *closed["opened_year"]],
        "closed": [False] * rest.height + [True] * closed.height,
    }


def _sites(sited: Sited, lang: Language) -> list[dict[str, Any]]:
    names = ("rank", "name", "year", "plugs", "cost_cny", "gained", "population_served", "reason")
    known = shown_districts(sited.city, lang)
    return [
        {
            **{name: row[name] for name in names},
            "district": known[row["district"]],
            "lon": round(row["lon"], 5),
            "lat": round(row["lat"], 5),
        }
        for row in sited.tables["sites"].iter_rows(named=True)
    ]


def _blanks(sited: Sited, words: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the largest blank spots by hexagon number, with the reason in words."""
    row_of = {zone: row for row, zone in enumerate(sited.city.zones["zone"])}
    return [
        {"rank": row["rank"], "zone": row_of[row["zone"]], "reason": words["blank_reasons"][row["reason"]]}
        for row in sited.tables["blank_spots"].head(BLANKS_DRAWN).iter_rows(named=True)
    ]
