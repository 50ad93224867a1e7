"""Map of a siting plan: before and after, gain by hexagon, blank spots, and why each station was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from fleetsim import base_map
from fleetsim.map_page import district_data, draw, road_data, scaled
from fleetsim.maps import DISTANCE_BREAKS_KM
from fleetsim.site_names import english_names, shown_names
from fleetsim.sites.hours import greatest_need, mean_day, of_year
from fleetsim.sites.job import Sited
from fleetsim.sites.words import first_lines, quality_lines, shown_districts
from fleetsim.texts import Language, texts

BLANKS_DRAWN = 100
GAIN_BREAKS_KM = (0.05, 0.5, 1.0, 2.0, 5.0)
"""Classes of the way that the plan saves [km]."""
MISSED_BREAKS = (-0.5, 0.5, 5.0, 20.0, 50.0)
"""Classes of the searches a day that end without energy fewer than without the plan [1/day]."""
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
        "missedBreaks": MISSED_BREAKS,
        "years": list(sited.request.years),
        "zones": _zones(sited, words, lang),
        "stands": _stands(sited, lang),
        "sites": _sites(sited, lang),
        "plans": _plans(sited, lang),
        "curve": _curve(sited),
        "bare": _bare_roads(sited),
        "rounds": _rounds(sited),
        "blanks": _blanks(sited, words),
        "lines": quality_lines(sited, lang),
        "first": len(first_lines(sited, lang)),
        **road_data(layers, words),
        **_districts(sited, layers, lang),
    }
    return draw(data, words["title"], lang, "site")


def _districts(sited: Sited, layers: Mapping[str, pl.DataFrame], lang: Language) -> dict[str, Any]:
    """Return names, outlines and bounds of the city; names in the language of the page alone."""
    data, names = district_data(layers, lang), shown_districts(sited.city, lang)
    told = [names[district] for district in layers["districts"]["district"]]
    return data | {"names": [place | {"text": text} for place, text in zip(data["names"], told, strict=True)]}


def _words(sited: Sited, lang: Language) -> dict[str, Any]:
    own, identity = dict(texts(lang, "site")), sited.city.identity
    city = {"en": identity.name_en, "zh": identity.name_zh}[lang] or sited.city.folder.name
    own["subtitle"] = own["subtitle"].format(
        kind=texts(lang, "map")["kinds"][sited.request.kind],
        city=city,
        year=sited.request.years[-1],
        opened=sited.tables["sites"].filter(pl.col("action").cast(pl.String) == "open").height,
    )
    return own


def _zones(sited: Sited, words: dict[str, Any], lang: Language) -> dict[str, Any]:
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
        "names": [shown_districts(sited.city, lang)[name] for name in districts["district"]],
        "district": [number[name] for name in zones["district"]],
        "population": zones["population"].to_list(),
        "jobs": zones["jobs"].to_list(),
        "ring": rings,
        "standard": [round(HUNDREDTHS * value) for value in standard],
        "served": _served(sited),
        "need": _needs(sited, words),
        "missed": _missed(sited),
        **ways,
    }


def _needs(sited: Sited, words: dict[str, Any]) -> list[str]:
    """Return the hour of greatest need of each hexagon, before and with the plan; empty where not simulated."""
    table = sited.tables["zone_hours"]
    if table.is_empty():
        return []
    told: dict[str, list[str]] = {}
    for stage, key in (("before", "need"), ("after", "need_after")):
        own = of_year(table.filter(pl.col("stage").cast(pl.String) == stage), sited.request.years[-1])
        if own.is_empty():
            continue
        for row in greatest_need(mean_day(own, sited.city)).iter_rows(named=True):
            served = row["seeks"] - row["unserved"]
            wait = words["need_wait"].format(wait=row["wait_min"] / served) if served > 0 else ""
            amounts = {"seeks": _amount(row["seeks"]), "left": _amount(row["unserved"]), "wait": wait}
            told.setdefault(row["zone"], []).append(
                words[key].format(start=row["hour"], end=row["hour"] + 1, **amounts)
            )
    return ["<br>".join(told.get(zone, [])) for zone in sited.city.zones["zone"]]


def _missed(sited: Sited) -> list[float]:
    """Return how many searches a day end without energy fewer in each hexagon with the plan; empty: not simulated."""
    table = sited.tables["zone_hours"]
    if not sited.tables["rounds"].height or table.is_empty():
        return []
    found = {}
    for stage in ("before", "after"):
        own = of_year(table.filter(pl.col("stage").cast(pl.String) == stage), sited.request.years[-1])
        sums = mean_day(own, sited.city).group_by("zone").agg(pl.col("unserved").sum())
        found[stage] = dict(sums.iter_rows())
    zones = sited.city.zones["zone"]
    return [round(found["before"].get(zone, 0.0) - found["after"].get(zone, 0.0), 1) for zone in zones]


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def _served(sited: Sited) -> list[int]:
    """Return for each hexagon the place of the new station that serves it in the list of sites; -1: none."""
    place = {name: row for row, name in enumerate(sited.tables["sites"]["station_id"])}
    of_zone = dict(sited.tables["serves"].select("zone", "station_id").iter_rows())
    return [place.get(of_zone.get(zone, ""), -1) for zone in sited.city.zones["zone"]]


def _hundredths(zones: pl.DataFrame, part: pl.DataFrame) -> list[int | None]:
    joined = zones.select("zone").join(part, on="zone", how="left", maintain_order="left")
    return (joined["distance_km"] * HUNDREDTHS).round().cast(pl.Int64, strict=False).to_list()


def _stands(sited: Sited, lang: Language) -> dict[str, Any]:
    """Return the stations that stand without the plan."""
    opened = sited.tables["sites"].filter(pl.col("action").cast(pl.String) == "open")["station_id"]
    own = sited.tables["stations"].filter(pl.col("kind").cast(pl.String) == sited.request.kind)
    rest = own.filter(~pl.col("station_id").is_in(opened.implode()), pl.col("opened_year") <= sited.request.years[-1])
    names = english_names(sited.city)
    closed = sited.city.stations.filter(pl.col("station_id").is_in(list(sited.choice.closed)))
    return {
        "lon": scaled([*rest["lon"], *closed["lon"]]),
        "lat": scaled([*rest["lat"], *closed["lat"]]),
        "name": [*shown_names(rest, names, lang), *shown_names(closed, names, lang)],
        "plugs": [*rest["plugs"], *closed["plugs"]],
        "opened": [*rest["opened_year"], *closed["opened_year"]],
        "closed": [False] * rest.height + [True] * closed.height,
    }


def _sites(sited: Sited, lang: Language) -> list[dict[str, Any]]:
    names = ("rank", "action", "year", "plugs", "cost_cny", "gained", "population_served", "reason")
    known = shown_districts(sited.city, lang)
    plans = sited.tables.get("plans", pl.DataFrame({"station_id": [], "in_plans": []}))
    in_plans = dict(plans.select("station_id", "in_plans").iter_rows())
    return [
        {
            **{name: row[name] for name in names},
            "waits": _simulated(row, texts(lang, "site")),
            "name": row["name_zh" if lang == "zh" else "name"],
            "district": known.get(row["district"], row["district"]),
            "inPlans": in_plans.get(row["station_id"], 0),
            "lon": round(row["lon"], 5),
            "lat": round(row["lat"], 5),
        }
        for row in sited.tables["sites"].iter_rows(named=True)
    ]


def _simulated(row: dict[str, Any], words: dict[str, Any]) -> str:
    """Return the wait at a station as simulated; empty where it was not."""
    if row["simulated_arrivals"] == 0:
        return str(words["simulated_empty"])
    if row["simulated_wait_min"] is None:
        return ""
    return str(words["simulated_wait"].format(wait=row["simulated_wait_min"], left=row["simulated_unserved"]))


def _blanks(sited: Sited, words: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the largest blank spots by hexagon number, with the reason in words."""
    row_of = {zone: row for row, zone in enumerate(sited.city.zones["zone"])}
    return [
        {"rank": row["rank"], "zone": row_of[row["zone"]], "reason": words["blank_reasons"][row["reason"]]}
        for row in sited.tables["blank_spots"].head(BLANKS_DRAWN).iter_rows(named=True)
    ]


def _plans(sited: Sited, lang: Language) -> list[dict[str, Any]]:
    """Return the further plans, a row each: what it loses, and its stations."""
    table = sited.tables.get("plans")
    if table is None or table.is_empty():
        return []
    name = "name_zh" if lang == "zh" else "name"
    return [
        {
            "loss": float(part["loss_share"][0]),
            "stations": [
                {"name": row[name], "lon": round(row["lon"], 5), "lat": round(row["lat"], 5), "in": row["in_plans"]}
                for row in part.iter_rows(named=True)
            ],
        }
        for _, part in table.sort("plan", "station_id").group_by("plan", maintain_order=True)
    ]


def _curve(sited: Sited) -> list[list[float]]:
    """Return number of stations, covered share, and the share that no plan passes."""
    table, choice = sited.tables.get("curve"), sited.choice
    if table is None or not choice.total:
        return []
    return [
        [row["stations"], row["covered_share"], min((choice.already + row["gained_bound"]) / choice.total, 1.0)]
        for row in table.iter_rows(named=True)
    ]


def _bare_roads(sited: Sited) -> list[list[int]]:
    """Return the links whose through traffic is beyond the standard with the plan: both ends, and vehicles a day."""
    far = pl.col("after_km").is_null() | (pl.col("after_km") > pl.col("standard_km"))
    table = sited.tables["links"].filter(far, pl.col("through_per_day") > 0)
    ends = ("from_lon", "from_lat", "to_lon", "to_lat")
    return [
        [*scaled([row[name] for name in ends]), round(row["through_per_day"])] for row in table.iter_rows(named=True)
    ]


def _rounds(sited: Sited) -> list[dict[str, Any]]:
    names = ("round", "year", "unserved_share", "peak_wait_min", "meets", "chosen")
    return [{name: row[name] for name in names} for row in sited.tables["rounds"].iter_rows(named=True)]
