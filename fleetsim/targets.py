"""The target table: one row a target, with what was observed, what the run says and how they compare."""

import polars as pl

from fleetsim.result import Result
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
)


def target_table(result: Result, lang: Language) -> pl.DataFrame:
    """Return one row a target (indicator and target year), in the order of the clauses table.

    Notes
    -----
    `observed_low` is a published lower bound (above 1.3 million); it is never shown as a value. The
    status is that of the observation where there is one, else that of the model.
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
        .with_columns(
            gap=pl.coalesce("observed_gap", "modelled_gap"),
            status=pl.coalesce("observed_status", "modelled_status"),
            source=pl.coalesce("observed_source", pl.format(from_model, "modelled_source")),
            title=pl.col("title").str.head(1).str.to_uppercase() + pl.col("title").str.slice(1),
        )
        .sort("order", "indicator", "year", nulls_last=True)
        .select(COLUMNS)
    )


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


def show_gap(row: dict[str, object]) -> str:
    """Return the gap of a row with its sign; share gaps in percentage points."""
    gap, unit = row["gap"], str(row["unit"])
    if not isinstance(gap, float):
        return "–"
    return f"{100 * gap:+.1f} pp" if is_share(unit) else f"{'+' if gap >= 0 else ''}{show_value(gap, unit)}"
