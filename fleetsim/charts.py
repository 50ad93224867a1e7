"""Charts by year as Vega-Lite specifications, drawn in the report and exported as pictures."""

from typing import Any

import polars as pl

from fleetsim.result import Result
from fleetsim.texts import Language, texts

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
FONT = "Noto Sans CJK SC, Source Han Sans SC, PingFang SC, Microsoft YaHei, Segoe UI, sans-serif"
COLOURS = {
    "petrol": "#8c564b",
    "diesel": "#5b4a42",
    "gas": "#c49c94",
    "hybrid": "#bcbd22",
    "PHEV": "#98df8a",
    "BEV": "#2ca02c",
    "BEV-swap": "#17becf",
    "FCEV": "#1f77b4",
}

Spec = dict[str, Any]


def charts(result: Result, lang: Language) -> list[tuple[str, Spec]]:
    """Return the report's charts: a title and a Vega-Lite specification each."""
    words = texts(lang, "charts")
    known = set(result.table("indicators")["indicator"])
    specs = [
        (words[name], _indicator(result, name, words, scale=scale))
        for name, scale in (("nev_stock", 1e-4), ("green_travel", 100.0))
        if name in known
    ]
    specs += [
        (words["fleets"], _fleet_shares(result, words, lang)),
        (words["modes"], _modes(result, words)),
        (words["carbon"], _carbon(result, words)),
        (words["waits"], _waits(result, words)),
    ]
    return [(title, _framed(spec)) for title, spec in specs]


def _framed(spec: Spec) -> Spec:
    config = {"font": FONT, "axis": {"labelFontSize": 12, "titleFontSize": 12}, "view": {"stroke": "#ddd"}}
    return {"$schema": SCHEMA, "width": "container", "height": 260, "config": config, **spec}


def _values(table: pl.DataFrame) -> dict[str, Any]:
    return {"values": table.to_dicts()}


def _year_axis(words: dict[str, str]) -> Spec:
    return {"field": "year", "type": "ordinal", "title": words["year"], "axis": {"labelAngle": 0}}


def _indicator(result: Result, indicator: str, words: dict[str, str], scale: float) -> Spec:
    rows = result.table("indicators").filter(pl.col("indicator") == indicator).sort("year", "basis")
    rows = rows.with_columns(pl.col("value", "low", "high", "target") * scale)
    unit = {"type": "quantitative", "title": words[f"{indicator}_unit"], "scale": {"zero": indicator == "nev_stock"}}
    modelled = rows.filter(pl.col("basis") == "modelled").with_columns(series=pl.lit(words["modelled"]))
    observed = rows.filter(pl.col("basis") == "observed").with_columns(series=pl.lit(words["observed"]))
    bounds = observed.filter(pl.col("value").is_null() & pl.col("low").is_not_null()).with_columns(
        series=pl.lit(words["lower_bound"])
    )
    targets = rows.filter(pl.col("target_year") == pl.col("year")).unique("year").sort("year")
    targets = targets.with_columns(series=pl.lit(words["target"]))
    year = _year_axis(words)
    colour = {
        "field": "series",
        "title": None,
        "scale": {
            "domain": [words["modelled"], words["observed"], words["lower_bound"], words["target"]],
            "range": ["#1f77b4", "#222222", "#777777", "#d62728"],
        },
        "legend": {"orient": "bottom"},
    }

    def layer(table: pl.DataFrame, mark: Spec, value: str = "value") -> Spec:
        shown = table.select("year", "series", pl.col(value).round(3).alias("value")).drop_nulls("value")
        encoding = {
            "x": year,
            "y": {"field": "value", **unit},
            "color": colour,
            "tooltip": _tips("year", "series", "value"),
        }
        return {"data": _values(shown), "mark": mark, "encoding": encoding}

    band = {
        "data": _values(modelled.select("year", "low", "high").drop_nulls()),
        "mark": {"type": "area", "opacity": 0.18, "color": "#1f77b4"},
        "encoding": {"x": year, "y": {"field": "low", **unit}, "y2": {"field": "high"}},
    }
    return {
        "layer": [
            band,
            layer(modelled, {"type": "line", "point": True}),
            layer(observed, {"type": "point", "filled": True, "size": 70}),
            layer(bounds, {"type": "point", "shape": "triangle-up", "size": 90}, "low"),
            layer(targets, {"type": "point", "shape": "diamond", "filled": True, "size": 110}, "target"),
        ]
    }


def _tips(*names: str) -> list[Spec]:
    return [{"field": name} for name in names]


def _fleet_shares(result: Result, words: dict[str, str], lang: Language) -> Spec:
    names = result.city["fleets"].select("fleet", name=pl.col("name_zh" if lang == "zh" else "name_en"))
    shares = (
        result.table("stock")
        .group_by("year", "fleet", maintain_order=True)
        .agg(share=(pl.col("vehicles") * pl.col("nev")).sum() / pl.col("vehicles").sum() * 100)
        .join(names, on="fleet")
        .sort("fleet", "year")
        .select("year", "name", pl.col("share").round(1))
    )
    return {
        "data": _values(shares),
        "mark": {"type": "line", "point": {"size": 18}},
        "height": 340,
        "encoding": {
            "x": _year_axis(words),
            "y": {"field": "share", "type": "quantitative", "title": words["nev_share_unit"]},
            "color": {"field": "name", "title": None, "scale": {"scheme": "tableau20"}, "legend": {"columns": 1}},
            "tooltip": _tips("name", "year", "share"),
        },
    }


def _modes(result: Result, words: dict[str, str]) -> Spec:
    shares = result.table("modes").filter(pl.col("mode") != "green").sort("year", "mode")
    shares = shares.select(
        "year", pl.col("share") * 100, name=pl.col("mode").cast(pl.String).replace(words["mode_names"])
    )
    return {
        "data": _values(shares.with_columns(pl.col("share").round(2))),
        "mark": "bar",
        "encoding": {
            "x": _year_axis(words),
            "y": {"field": "share", "type": "quantitative", "title": words["share_unit"], "stack": True},
            "color": {"field": "name", "title": None, "scale": {"scheme": "tableau10"}},
            "tooltip": _tips("name", "year", "share"),
        },
    }


def _carbon(result: Result, words: dict[str, Any]) -> Spec:
    totals = (
        result.table("carbon")
        .group_by("year", "account", maintain_order=True)
        .agg(mt=(pl.col("co2_t").sum() / 1e6).round(3))
        .sort("account", "year")
        .with_columns(name=pl.col("account").cast(pl.String).replace(words["account_names"]))
    )
    return {
        "data": _values(totals.select("year", "name", "mt")),
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": _year_axis(words),
            "y": {"field": "mt", "type": "quantitative", "title": words["carbon_unit"]},
            "color": {"field": "name", "title": None, "legend": {"orient": "bottom", "labelLimit": 400}},
            "tooltip": _tips("name", "year", "mt"),
        },
    }


def _waits(result: Result, words: dict[str, Any]) -> Spec:
    # A bus that waits for its depot's plug at night keeps nobody waiting.
    kinds = result.table("stations").filter(pl.col("kind") != "depot").select("station_id", "kind")
    load = result.table("station_load").select("year", "station_id", "mean_wait_min", "served")
    waits = (
        load.join(kinds, on="station_id")
        .group_by("year", "kind", maintain_order=True)
        .agg(
            wait=(pl.col("mean_wait_min") * pl.col("served")).sum() / pl.col("served").sum(),
            served=pl.col("served").sum(),
        )
        .drop_nulls("wait")
        .filter(pl.col("served") > 0)
        .sort("kind", "year")
        .with_columns(pl.col("wait").round(2), name=pl.col("kind").cast(pl.String).replace(words["kind_names"]))
    )
    return {
        "data": _values(waits.select("year", "name", "wait", "served")),
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": _year_axis(words),
            "y": {"field": "wait", "type": "quantitative", "title": words["wait_unit"]},
            "color": {"field": "name", "title": None, "legend": {"orient": "bottom"}},
            "tooltip": _tips("name", "year", "wait", "served"),
        },
    }
