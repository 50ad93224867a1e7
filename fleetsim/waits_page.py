"""The report's table of waits and of searches without energy by year: the standards are kept, or why not."""

from __future__ import annotations

import html
import tomllib
from typing import Any

import polars as pl

from fleetsim.compact import by_year
from fleetsim.html_table import table_section
from fleetsim.result import Result
from fleetsim.texts import Language, texts

TABLES = ("station_load", "demand", "stations", "station_years", "coverage_zones")
KEYS = ("kind", "year")
CLOCK_HOURS = 24
DISTRICTS_NAMED = 3
NUMERIC = ("year", "stations", "plugs", "seeks", "unserved_share", "wait_min")


def waits_html(result: Result, lang: Language = "en") -> str:
    """Return the section of the report; empty where the run has no stations or no standards.

    Parameters
    ----------
    result
        A run with the tables `TABLES`.
    lang
        Language of the words.
    """
    rows = waits_by_year(result)
    if rows.is_empty():
        return ""
    words = texts(lang, "waits")
    names = ["kind", *NUMERIC, "status", "why"]
    number = " class='n'"
    head = "".join(f"<th{number if name in NUMERIC else ''}>{words[name]}</th>" for name in names)
    body = "".join(_row(row, result, lang) for row in rows.iter_rows(named=True))
    note = words["note"].format(hours=_standards(result)["hours"])
    return table_section(words["title"], head, body, note)


def waits_by_year(result: Result) -> pl.DataFrame:
    """Return a row a kind of station and year with what the worst simulated day was like, and whether that will do.

    Returns
    -------
    kind, year, stations, plugs, seeks, unserved, unserved_share, wait_min, wait_standard_min, share_standard, far_share
    (of the searches without energy, how many began where no station is within the standard), worst (districts with
    most of them), wait_kept, share_kept.
    """
    standards = _standards(result)
    if not standards or any(name not in result.tables for name in TABLES):
        return pl.DataFrame()
    sought, peaks = _searches(result), _peak_waits(result, standards["hours"])
    stands = _standing(result)
    wait = pl.col("kind").replace_strict(standards["wait_min"], return_dtype=pl.Float64, default=None)
    table = stands.join(sought, on=KEYS).join(peaks, on=KEYS, how="left").with_columns(wait_standard_min=wait)
    return (
        table.with_columns(share_standard=pl.lit(standards["share"]))
        .with_columns(
            wait_kept=pl.col("wait_min").fill_null(0.0) <= pl.col("wait_standard_min"),
            share_kept=pl.col("unserved_share") <= pl.col("share_standard"),
        )
        .sort(KEYS)
    )


def _standards(result: Result) -> dict[str, Any]:
    """Return wait_min by kind, share and hours of the run's scenario; empty where it has no standards."""
    scenario = tomllib.loads(result.scenario_toml)
    siting, sites = scenario.get("siting", {}), scenario.get("sites", {})
    if "wait_standard_min" not in siting or "wait_peak_hours" not in sites:
        return {}
    return {
        "wait_min": {kind: float(value) for kind, value in siting["wait_standard_min"].items()},
        "share": float(siting["unserved_standard_share"]),
        "hours": int(sites["wait_peak_hours"]),
    }


def _standing(result: Result) -> pl.DataFrame:
    """Return kind, year, stations and plugs."""
    kinds = result.table("stations").select("station_id", pl.col("kind").cast(pl.String))
    own = result.table("station_years").join(kinds, on="station_id").cast({"year": pl.Int64})
    sums = own.group_by(KEYS, maintain_order=True).agg(stations=pl.len(), plugs=pl.col("plugs").sum())
    return sums.sort(KEYS)


def _searches(result: Result) -> pl.DataFrame:
    """Return kind, year, seeks, unserved, unserved_share, far_share and worst of the day with most without energy."""
    zones = result.city["zones"].select("zone", "district")
    covered = result.table("coverage_zones").select("year", pl.col("zone"), pl.col("kind").cast(pl.String), "covered")
    demand = result.table("demand")
    table = demand.select(
        "year",
        "day",
        "seeks",
        "unserved",
        pl.col("kind").cast(pl.String),
        zone=zones["zone"].gather(demand["zone"]),
        district=zones["district"].gather(demand["zone"]),
    )
    days = table.group_by(*KEYS, "day", maintain_order=True).agg(pl.col("seeks", "unserved").sum())
    share = pl.when(pl.col("seeks") > 0).then(pl.col("unserved") / pl.col("seeks")).otherwise(0.0)
    worst = days.with_columns(unserved_share=share.clip(0.0, 1.0)).sort(
        *KEYS, "unserved_share", "day", descending=[False, False, True, False]
    )
    worst = worst.group_by(KEYS, maintain_order=True).first()
    missed = table.join(worst.select(*KEYS, "day"), on=[*KEYS, "day"]).join(
        covered, on=["year", "zone", "kind"], how="left"
    )
    far = pl.col("unserved").filter(~pl.col("covered").fill_null(value=False)).sum() / pl.col("unserved").sum()
    places = missed.group_by(*KEYS, "district", maintain_order=True).agg(pl.col("unserved").sum())
    places = places.filter(pl.col("unserved") > 0).sort(
        *KEYS, "unserved", "district", descending=[False, False, True, False]
    )
    named = places.group_by(KEYS, maintain_order=True).agg(worst=pl.col("district").head(DISTRICTS_NAMED))
    sums = missed.group_by(KEYS, maintain_order=True).agg(far_share=far.fill_nan(0.0))
    return worst.drop("day").join(sums, on=KEYS).join(named, on=KEYS, how="left").sort(KEYS)


def _peak_waits(result: Result, hours: int) -> pl.DataFrame:
    """Return kind, year and wait_min: the mean wait in the busiest hours of the day on which that is longest."""
    kinds = result.table("stations").select("station_id", pl.col("kind").cast(pl.String))
    load = result.table("station_load").select(
        "year", "day", "station_id", "hour", "mean_wait_min", "served", "unserved"
    )
    years = [_peak_waits_of_year(part.join(kinds, on="station_id"), hours) for part in by_year(load)]
    return pl.concat(years).sort(KEYS)


def _peak_waits_of_year(load: pl.DataFrame, hours: int) -> pl.DataFrame:
    load = load.with_columns(clock=pl.col("hour") % CLOCK_HOURS)
    arrivals = (pl.col("served") + pl.col("unserved")).sum().alias("arrivals")
    waited = (pl.col("mean_wait_min").fill_null(0.0) * pl.col("served")).sum().alias("waited")
    clock = load.group_by(*KEYS, "day", "clock", maintain_order=True).agg(arrivals, waited, pl.col("served").sum())
    order = clock.sort(*KEYS, "day", "arrivals", "clock", descending=[False] * 3 + [True, False])
    busiest = order.group_by(*KEYS, "day", maintain_order=True).head(hours)
    days = busiest.group_by(*KEYS, "day", maintain_order=True).agg(pl.col("waited", "served").sum())
    mean = pl.when(pl.col("served") > 0).then(pl.col("waited") / pl.col("served"))
    return days.group_by(KEYS, maintain_order=True).agg(wait_min=mean.max())


def _row(row: dict[str, Any], result: Result, lang: Language) -> str:
    words, kinds = texts(lang, "waits"), texts(lang, "map")["kinds"]
    kept = row["wait_kept"] and row["share_kept"]
    wait = "–" if row["wait_min"] is None else f"{row['wait_min']:.1f}"
    numbers = [f"{row[name]:,.0f}" for name in ("stations", "plugs", "seeks")]
    cells = [str(row["year"]), *numbers, f"{row['unserved_share']:.1%}", wait]
    status = f"<span class='status {'met' if kept else 'missed'}'>{words['kept' if kept else 'missed']}</span>"
    told = html.escape(why(row, result, lang))
    kind = html.escape(kinds.get(row["kind"], row["kind"]))
    body = "".join(f"<td class='n'>{cell}</td>" for cell in cells)
    return f"<tr><td>{kind}</td>{body}<td>{status}</td><td class='source'>{told}</td></tr>"


def why(row: dict[str, Any], result: Result, lang: Language) -> str:
    """Return which standard a row of `waits_by_year` misses, by how much and for want of what; empty: it keeps both."""
    words, parts = texts(lang, "waits"), []
    if not row["wait_kept"]:
        over = row["wait_min"] - row["wait_standard_min"]
        parts.append(words["long"].format(over=over, standard=row["wait_standard_min"]))
    if not row["share_kept"]:
        shown = pl.col("name_zh" if lang == "zh" else "district").alias("shown")
        names = dict(result.city["districts"].select("district", shown).iter_rows())
        where = words["between"].join(names.get(name, name) for name in row["worst"] or [])
        share = {"standard": row["share_standard"], "far": row["far_share"], "near": 1.0 - row["far_share"]}
        parts.append(words["without"].format(where=where, kind=row["kind"], **share))
    joint: str = words["joint"]
    return joint.join(parts)
