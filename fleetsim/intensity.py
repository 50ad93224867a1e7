"""CO2 of operating vehicles per converted turnover, and what changed it: structure, efficiency or fuel."""

from collections.abc import Sequence
from math import log

import dataframely as dy
import polars as pl

from fleetsim.carbon import KG_PER_T, statutory_factor, statutory_rows
from fleetsim.tables import Carbon, EmissionFactor, EnergyContent, EnergyUse, Fleet, Freight, IntensityFactor

ROAD_GROUPS = ("goods", "truck")
TKM_PER_G = 1e9


def intensity(accounts: dy.DataFrame[Carbon], turnover: dy.DataFrame[Freight]) -> dict[int, float]:
    """Return CO2 of operating vehicles (statutory) per converted turnover by year [kgCO2/tkm], rail in the turnover."""
    emitted = statutory_rows(accounts).group_by("year", maintain_order=True).agg(pl.col("co2_t").sum())
    moved = turnover.group_by("year", maintain_order=True).agg(pl.col("converted_tkm_g").sum())
    ratio = pl.col("co2_t") * KG_PER_T / (pl.col("converted_tkm_g") * TKM_PER_G)
    return dict(emitted.join(moved, on="year").sort("year").select("year", ratio.alias("r")).iter_rows())


def decompose(before: Sequence[float], after: Sequence[float]) -> tuple[float, ...]:
    """Return what each factor adds to the change of a product, by LMDI; the terms add up exactly.

    Parameters
    ----------
    before, after
        The factors whose product is the quantity, in the same order and unit in both years.

    Notes
    -----
    Term k = L(C1, C0) ln(x1_k / x0_k), L(a, b) = (a - b) / ln(a / b) (Ang, Energy Policy 2004). Where the quantity
    is or becomes zero the whole change falls to the factors that are zero in one of the years, in equal parts.

    >>> [round(term, 6) for term in decompose([2.0, 3.0], [4.0, 3.0])]
    [6.0, 0.0]
    """
    product_before, product_after = _product(before), _product(after)
    change = product_after - product_before
    if product_before > 0.0 and product_after > 0.0:
        ratio = log(product_after / product_before)
        mean = change / ratio if abs(ratio) > 1e-12 else product_before
        return tuple(mean * log(new / old) for old, new in zip(before, after, strict=True))
    zero = [(old == 0.0) != (new == 0.0) for old, new in zip(before, after, strict=True)]
    return tuple(change / sum(zero) if switched else 0.0 for switched in zero)


def intensity_change(
    taken: dy.DataFrame[EnergyUse],
    turnover: dy.DataFrame[Freight],
    fleets: dy.DataFrame[Fleet],
    factors: dy.DataFrame[EmissionFactor],
    content: dy.DataFrame[EnergyContent],
    *,
    base_year: int,
) -> dy.DataFrame[IntensityFactor]:
    """Return how the statutory intensity's change since the base year splits, schema `IntensityFactor`.

    Parameters
    ----------
    taken
        Energy taken in.
    turnover
        Converted turnover by mode; road goods is carried by trucks and goods vehicles, the rest by their group.
    fleets, factors, content
        Operating fleets, CO2 a unit, heating value a unit.
    base_year
        Year the change is counted from.

    Notes
    -----
    Intensity = sum over modes of (share of turnover) x (energy per turnover) x (CO2 per energy).
    """
    factor_rows = _mode_factors(taken, turnover, fleets, factors, content)
    base = {mode: values for year, mode, *values in factor_rows.iter_rows() if year == base_year}
    nothing = [0.0, 0.0, 0.0]
    rows = []
    for year, mode, *values in factor_rows.iter_rows():
        structure, efficiency, fuel = decompose(base.get(mode, nothing), values)
        rows.append({"year": year, "mode": mode, "structure": structure, "efficiency": efficiency, "fuel": fuel})
    return IntensityFactor.validate(pl.DataFrame(rows, schema=list(IntensityFactor.columns())).sort("year", "mode"))


def _mode_factors(
    taken: dy.DataFrame[EnergyUse],
    turnover: dy.DataFrame[Freight],
    fleets: dy.DataFrame[Fleet],
    factors: dy.DataFrame[EmissionFactor],
    content: dy.DataFrame[EnergyContent],
) -> pl.DataFrame:
    """Share of turnover, energy per turnover [kWh/tkm] and CO2 per energy [kg/kWh] by year and mode."""
    group = pl.col("group").cast(pl.String)
    modes = fleets.filter("operating").select(
        "fleet", mode=pl.when(group.is_in(ROAD_GROUPS)).then(pl.lit("road")).otherwise(group)
    )
    needed = taken.select("year", pl.col("carrier").cast(pl.String)).unique().sort("year", "carrier")
    kg_per_unit = [statutory_factor(factors, carrier, year) for year, carrier in needed.iter_rows()]
    burnt = needed.with_columns(pl.Series("kgco2_per_unit", kg_per_unit, dtype=pl.Float64))
    heating = content.select(pl.col("carrier").cast(pl.String), "kwh_per_unit")
    used = (
        taken.with_columns(pl.col("carrier").cast(pl.String))
        .join(modes, on="fleet")
        .join(burnt, on=["year", "carrier"])
        .join(heating, on="carrier")
        .group_by("year", "mode", maintain_order=True)
        .agg(
            kwh=(pl.col("quantity") * pl.col("kwh_per_unit")).sum(),
            kg=(pl.col("quantity") * pl.col("kgco2_per_unit")).sum(),
        )
    )
    moved = turnover.select("year", "mode", tkm=pl.col("converted_tkm_g") * TKM_PER_G)
    all_tkm = pl.col("tkm").sum().over("year")
    return (
        moved.join(used, on=["year", "mode"], how="left")
        .with_columns(pl.col("kwh", "kg").fill_null(0.0))
        .select(
            "year",
            "mode",
            share=pl.col("tkm") / all_tkm,
            use=_ratio("kwh", "tkm"),
            factor=_ratio("kg", "kwh"),
        )
        .sort("year", "mode")
    )


def _ratio(upper: str, lower: str) -> pl.Expr:
    return pl.when(pl.col(lower) > 0.0).then(pl.col(upper) / pl.col(lower)).otherwise(0.0)


def _product(values: Sequence[float]) -> float:
    product = 1.0
    for value in values:
        product *= value
    return product
