"""The target table: one row a target, with what was observed, what the run says and how they compare."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from fleetsim.result import Result
from fleetsim.scenario.sections import last_full_year
from fleetsim.tables import Verdict
from fleetsim.texts import Language, texts

UNITS_SHOWN = ("GW", "TWh", "kWh", "t", "Mt")
"""Units that a title does not tell; shares are shown in per cent, counts are of what the title names."""
COLUMNS = (
    "indicator",
    "clause",
    "title",
    "year",
    "unit",
    "observed",
    "observed_low",
    "modelled",
    "low",
    "high",
    "target",
    "gap",
    "status",
    "source",
    "verdict",
    "reason",
    "best",
    "levers",
    "from_year",
    "met_year",
    "earliest",
)
VERDICT = COLUMNS[-7:]
REACHED = ("on_course", "assumed", "part")
"""Reasons under which no gap is told."""
MOST_LEVERS = 4
"""Levers that are named in words; the table has all."""


def target_table(result: Result, lang: Language) -> pl.DataFrame:
    """Return one row a target (indicator and target year), in the order of the clauses table.

    Notes
    -----
    `observed_low` is a published lower bound (above 1.3 million); it is never shown as a value. The
    status is that of the observation where there is one, else that of the model. The last columns are those of
    `Verdict`, empty in a result that has none.
    """
    rows = result.table("indicators").filter(pl.col("year") == pl.col("target_year"))
    observed = rows.filter(pl.col("basis") == "observed").select(
        "indicator",
        "year",
        observed="value",
        observed_low="low",
        observed_gap="gap",
        observed_status=pl.col("status").cast(pl.String),
        observed_source="source",
    )
    modelled = rows.filter(pl.col("basis") == "modelled").select(
        "indicator",
        "year",
        modelled="value",
        low="low",
        high="high",
        modelled_gap="gap",
        modelled_status=pl.col("status").cast(pl.String),
        modelled_source="source",
    )
    from_model = texts(lang, "terminal")["model"] + ": {}"
    keys = rows.select("indicator", "clause", "year", "unit", "target").unique(["indicator", "year"])
    joined = keys.join(observed, on=["indicator", "year"], how="left").join(
        modelled, on=["indicator", "year"], how="left"
    )
    title = pl.col("title_zh" if lang == "zh" else "title_en")
    clauses = result.city["clauses"].with_row_index("order").select("clause", "order", title.alias("title"))
    clauses = clauses.unique("clause", keep="first", maintain_order=True)
    return (
        joined.join(clauses, on="clause", how="left")
        .join(_verdicts(result), on=["indicator", "year"], how="left")
        .with_columns(
            gap=pl.coalesce("observed_gap", "modelled_gap"),
            status=pl.coalesce("observed_status", "modelled_status"),
            source=pl.coalesce("observed_source", pl.format(from_model, "modelled_source")),
            title=pl.col("title").str.head(1).str.to_uppercase() + pl.col("title").str.slice(1),
        )
        .sort("order", "indicator", "year", nulls_last=True)
        .select(COLUMNS)
    )


def _verdicts(result: Result) -> pl.DataFrame:
    table = result.tables.get("verdicts", Verdict.create_empty())
    words = [pl.col("verdict", "reason").cast(pl.String)]
    return table.with_columns(*words).select("indicator", pl.col("target_year").alias("year"), *VERDICT)


def verdict_lines(rows: pl.DataFrame, run: Mapping[str, Any], lang: Language = "en") -> list[tuple[str, str]]:
    """Return what plausible levers can do for the targets that are not met: titles with years, and words.

    Parameters
    ----------
    rows
        Result of `target_table`; targets of which the same is to be told stand in one line.
    run, lang
        As in `show_verdict`.
    """
    lines: dict[str, list[str]] = {}
    for row in rows.iter_rows(named=True):
        told = show_verdict(row, run, lang)
        if told:
            lines.setdefault(told, []).append(f"{row['title'] or row['indicator']} {row['year']}")
    joint = texts(lang, "verdicts")["joint"]
    return [(joint.join(titles), told) for told, titles in lines.items()]


def show_verdict(row: dict[str, Any], run: Mapping[str, Any], lang: Language = "en") -> str:
    """Return in words what plausible levers can do for a row's target; empty where it is met.

    Parameters
    ----------
    row
        Row of `target_table`.
    run
        Record of the run: `last_year`, `calibration_until`.
    lang
        Language.
    """
    if row["verdict"] in (None, "met"):
        return ""
    words = texts(lang, "verdicts")
    years = {"now": last_full_year(run["calibration_until"]) + 1, "last": run["last_year"]}
    parts = [_missed(row, words, lang), _reach(row, words, lang), _when(row, words, years)]
    told = words["joint"].join(part for part in parts if part)
    return f"{told[:1].upper()}{told[1:]}{words['stop']}" if told else ""


def _missed(row: dict[str, Any], words: dict[str, Any], lang: Language) -> str:
    if not isinstance(row["gap"], float) or row["reason"] in REACHED:
        return ""
    unit = f" {row['unit']}" if row["unit"] in UNITS_SHOWN else ""
    amount = show_gap(row, lang).lstrip("+-") + unit
    key = row["status"] if row["status"] in ("missed", "open") else "unknown"
    return str(words[f"gap_{key}"].format(gap=amount))


def _reach(row: dict[str, Any], words: dict[str, Any], lang: Language) -> str:
    keys = (row["levers"] or "").split("; ")
    rest = len(keys) - MOST_LEVERS
    levers = words["and"].join(keys[:MOST_LEVERS]) + (words["more"].format(count=rest) if rest > 0 else "")
    best = show_value(row["best"], row["unit"], lang)
    key = row["reason"] or row["verdict"]
    if key == "reachable" and row["status"] != "open":
        key = "reachable_due"
    return str(words[key].format(levers=levers, best=best, year=row["year"], from_year=row["from_year"]))


def _when(row: dict[str, Any], words: dict[str, Any], years: dict[str, int]) -> str:
    """Return when the target is passed after all, as the scenario stands and with levers at their best."""
    in_time = row["verdict"] == "reachable" and row["status"] == "open"
    if in_time or row["reason"] in (*REACHED, "not_modelled", "beyond"):
        return ""
    stands, best = row["met_year"], row["earliest"]
    parts = [words["met_in"].format(year=stands)] if stands else []
    if best and (not stands or best < stands):
        parts.append(words["earliest"].format(year=best, now=years["now"]))
    if not parts:
        key = "never_stands" if row["reason"] in ("slow", "no_lever") else "never"
        parts.append(words[key].format(year=years["last"], now=years["now"]))
    return str(words["joint"].join(parts))


def show_value(value: float | None, unit: str, lang: Language = "en") -> str:
    """Return a value as a planner writes it: shares in per cent, large counts in millions or in 万."""
    if value is None:
        return "–"
    if is_share(unit):
        return f"{value:.1%}"
    if abs(value) >= 1_000_000:
        return f"{value / 1_000_000:.3f} M" if lang == "en" else f"{value / 10_000:.1f} 万"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def is_share(unit: str) -> bool:
    """Return whether a unit is a share, shown in per cent."""
    return unit.startswith("share")


def show_range(row: dict[str, object], lang: Language = "en") -> str:
    """Return the range of a row's modelled value, empty where it has none."""
    low, high, unit = row["low"], row["high"], str(row["unit"])
    if not isinstance(low, float) or not isinstance(high, float):
        return ""
    return f"{show_value(low, unit, lang)} – {show_value(high, unit, lang)}"


def show_observed(row: dict[str, object], lang: Language = "en") -> str:
    """Return the observed value of a row of the target table, a lower bound written as one."""
    value, low, unit = row["observed"], row["observed_low"], str(row["unit"])
    if isinstance(value, float):
        return show_value(value, unit, lang)
    return f"> {show_value(low, unit, lang)}" if isinstance(low, float) else "–"


def show_gap(row: dict[str, object], lang: Language = "en") -> str:
    """Return the gap of a row with its sign; share gaps in percentage points."""
    gap, unit = row["gap"], str(row["unit"])
    if not isinstance(gap, float):
        return "–"
    points = "pp" if lang == "en" else "个百分点"
    return f"{100 * gap:+.1f} {points}" if is_share(unit) else f"{'+' if gap >= 0 else ''}{show_value(gap, unit, lang)}"
