"""Clauses of the plan as rules: what they forbid a buyer, and how far the stock complies."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from fleetsim.cohorts import BoolArray, FloatArray
from fleetsim.scenario.sections import PolicySection
from fleetsim.tables import POWERTRAINS, Compliance, OperatorCompliance

FLEET_MEASURES = ("stock_share", "additions_share", "count")
CITY = "all"


def listed(text: str | None) -> list[str]:
    """Return the entries of a list separated by ';'.

    >>> listed("taxi_company;taxi_social"), listed(None)
    (['taxi_company', 'taxi_social'], [])
    """
    return [entry.strip() for entry in (text or "").split(";") if entry.strip()]


def enforcement(clauses: pl.DataFrame, section: PolicySection, fleet: str, exempt_reason: str, year: int) -> float:
    """Return the share of a fleet's purchases that must be new-energy in `year`, 0 where no clause binds.

    Parameters
    ----------
    clauses
        Table of Clause.
    section
        Enforcement by clause.
    fleet, exempt_reason
        Whose purchases; vehicles with a reason of exemption the clause names are free.
    year
        Year of purchase.

    Notes
    -----
    Where several clauses cover a fleet the strictest holds.
    """
    return enforced_share(binding(clauses), section, fleet, exempt_reason, year)


class Binding(NamedTuple):
    """A clause that the stock model enforces."""

    clause: str
    from_year: int
    target_year: int
    fleets: frozenset[str]
    exempt_reasons: frozenset[str]


def binding(clauses: pl.DataFrame) -> tuple[Binding, ...]:
    """Return the clauses that the stock model enforces."""
    columns = ("clause", "from_year", "target_year", "fleets", "exempt_reasons")
    return tuple(
        Binding(clause, start, end, frozenset(listed(fleets)), frozenset(listed(reasons)))
        for clause, start, end, fleets, reasons in clauses.filter(pl.col("binding")).select(columns).iter_rows()
    )


def enforced_share(
    clauses: Sequence[Binding], section: PolicySection, fleet: str, exempt_reason: str, year: int
) -> float:
    """Return what `enforcement` does, from clauses read once."""
    strengths = [
        section.enforcement.get(one.clause, 0.0)
        for one in clauses
        if one.from_year <= year
        and (section.continue_after_target or year <= one.target_year)
        and fleet in one.fleets
        and exempt_reason not in one.exempt_reasons
    ]
    return max([0.0, *strengths])


def purchase_shares(choice: FloatArray, nev: BoolArray, enforced: float, *, fuel_banned: bool = False) -> FloatArray:
    """Return powertrain shares of purchases when a part of the buyers must take a new-energy vehicle.

    Parameters
    ----------
    choice
        Shares of free choice.
    nev
        Which powertrains comply.
    enforced
        Part of the buyers that is held to the rule.
    fuel_banned
        Hold everybody to it.

    Notes
    -----
    Held buyers choose among complying powertrains in the proportions of free choice; where none can be
    bought (no substitute model) the rule is empty and choice stays free.

    >>> purchase_shares(np.array([0.5, 0.5]), np.array([False, True]), 0.8).tolist()
    [0.1, 0.9]
    """
    complying = np.where(nev, choice, 0.0)
    total = float(complying.sum())
    held = 1.0 if fuel_banned else enforced
    if total <= 0.0 or held <= 0.0:
        return choice
    mixed: FloatArray = np.round((1.0 - held) * choice + held * complying / total, 15)
    return mixed


def compliance(
    stock: pl.DataFrame, additions: pl.DataFrame, clauses: pl.DataFrame, powertrains: pl.DataFrame
) -> pl.DataFrame:
    """Return the Compliance table: one row a year, clause and district, with 'all' for the city.

    Parameters
    ----------
    stock
        Table of Stock, any number of years.
    additions
        Flow of purchases with the column `exempt_reason` beside those of Flow.
    clauses
        Table of Clause; those on fleets are measured, from their first year on.
    powertrains
        Table of Powertrain.

    Notes
    -----
    share = complying and not exempt / not exempt; the gross share counts exempt vehicles on both sides. So
    an exempt fuel vehicle more changes no share. Counts (nev_stock, hydrogen) give the number in `compliant`.
    """
    flags = powertrains.with_columns(pl.col("powertrain").cast(pl.String))
    held = _grouped(stock, flags)
    bought = _grouped(additions, flags)
    rows = clauses.filter(pl.col("measure").cast(pl.String).is_in(FLEET_MEASURES) & pl.col("fleets").is_not_null())
    parts = [
        _measure(bought if clause["measure"] == "additions_share" else held, clause)
        for clause in _one_a_clause(rows).iter_rows(named=True)
    ]
    table = pl.concat(parts) if parts else Compliance.create_empty()
    return Compliance.validate(table.sort("year", "clause", "district"))


def by_operator(
    stock: pl.DataFrame,
    additions: pl.DataFrame,
    clauses: pl.DataFrame,
    powertrains: pl.DataFrame,
    districts: pl.DataFrame,
) -> pl.DataFrame:
    """Return the OperatorCompliance table: every fleet clause by year, district and operator, exempt vehicles apart.

    Parameters
    ----------
    stock, additions, clauses, powertrains
        As in `compliance`; additions carry `operator` and `exempt_reason`.
    districts
        Districts and their functional zones.
    """
    flags = powertrains.with_columns(pl.col("powertrain").cast(pl.String))
    zones = districts.select("district", pl.col("functional_zone").cast(pl.String))
    rows = clauses.filter(pl.col("measure").cast(pl.String).is_in(FLEET_MEASURES) & pl.col("fleets").is_not_null())
    tables = {
        measure: vehicles.with_columns(pl.col("powertrain").cast(pl.String)).join(flags, on="powertrain")
        for measure, vehicles in (("additions_share", additions), ("stock", stock))
    }
    parts = [
        _operators(tables["additions_share" if clause["measure"] == "additions_share" else "stock"], clause)
        for clause in _one_a_clause(rows).iter_rows(named=True)
    ]
    if not parts:
        return OperatorCompliance.create_empty()
    joined = pl.concat(parts).join(zones, on="district", how="left", maintain_order="left")
    ordered = joined.select(list(OperatorCompliance.columns())).sort("year", "clause", "district", "operator")
    return OperatorCompliance.validate(ordered)


def _operators(vehicles: pl.DataFrame, clause: dict[str, Any]) -> pl.DataFrame:
    exempt = pl.col("exempt_reason").is_in(listed(str(clause["exempt_reasons"] or "")))
    ours = vehicles.filter(
        pl.col("fleet").is_in(listed(str(clause["fleets"]))) & (pl.col("year") >= clause["from_year"])
    ).with_columns(exempted=exempt, complies=_qualifies(str(clause["qualifies"])))
    count, out = pl.col("vehicles"), pl.col("exempted")
    return (
        ours.group_by("year", "district", "operator", maintain_order=True)
        .agg(
            eligible=count.filter(~out).sum(),
            compliant=count.filter(~out & pl.col("complies")).sum(),
            exempt=count.filter(out).sum(),
            exempt_compliant=count.filter(out & pl.col("complies")).sum(),
        )
        .with_columns(clause=pl.lit(clause["clause"], dtype=pl.String), share=_ratio("compliant", "eligible"))
    )


def city_attainment(table: pl.DataFrame, clauses: pl.DataFrame) -> pl.DataFrame:
    """Return the city's value, target and gap of every fleet clause in its target year.

    `value` is the share, or the number of vehicles where the clause counts; `basis` is left to the caller, who
    knows what was observed.
    """
    city = table.filter(pl.col("district") == CITY)
    joined = clauses.join(city, left_on=["clause", "target_year"], right_on=["clause", "year"], how="inner")
    value = pl.when(pl.col("measure").cast(pl.String) == "count").then("compliant").otherwise("share")
    return joined.select(
        "clause", "target_year", "modality", value=value, target="target", gap=value - pl.col("target")
    ).sort("clause", "target_year")


def evidence(
    clauses: pl.DataFrame, section: PolicySection, observed_until: Mapping[str, float], year: int
) -> dict[str, str]:
    """Return for each fleet clause what its value in `year` rests on.

    `observed` where conversions of all its fleets run on observations up to the year, `assumed` where the
    scenario enforces the clause (its being met would be the assumption itself), else `modelled`.
    """
    result = {}
    for clause in clauses.filter(pl.col("fleets").is_not_null()).iter_rows(named=True):
        fleets = listed(clause["fleets"])
        covered = [fleet for fleet in fleets if observed_until.get(fleet, 0.0) >= year + 1.0 - 1e-9]
        exempt_fleets = len(fleets) - len(covered)
        if covered and clause["measure"] == "stock_share" and exempt_fleets <= len(listed(clause["exempt_reasons"])):
            result[clause["clause"]] = "observed"
        elif clause["binding"] and section.enforcement.get(clause["clause"], 0.0) > 0.0:
            result[clause["clause"]] = "assumed"
        else:
            result[clause["clause"]] = "modelled"
    return result


def _grouped(vehicles: pl.DataFrame, flags: pl.DataFrame) -> pl.DataFrame:
    keys = ["year", "fleet", "powertrain", "district", "exempt_reason"]
    plain = vehicles.with_columns(pl.col("powertrain").cast(pl.String))
    return plain.group_by(keys, maintain_order=True).agg(pl.col("vehicles").sum()).join(flags, on="powertrain")


def _one_a_clause(clauses: pl.DataFrame) -> pl.DataFrame:
    return clauses.sort("clause", "target_year").unique("clause", keep="first", maintain_order=True)


def _measure(vehicles: pl.DataFrame, clause: dict[str, Any]) -> pl.DataFrame:
    under = ~pl.col("exempt_reason").is_in(listed(str(clause["exempt_reasons"] or "")))
    ours = vehicles.filter(
        pl.col("fleet").is_in(listed(str(clause["fleets"]))) & (pl.col("year") >= clause["from_year"])
    )
    flags = ours.with_columns(under=under, complies=_qualifies(str(clause["qualifies"])))
    both = pl.concat([flags, flags.with_columns(district=pl.lit(CITY))])
    count = pl.col("vehicles")
    sums = both.group_by("year", "district", maintain_order=True).agg(
        eligible=count.filter("under").sum(),
        compliant=count.filter(pl.col("under") & pl.col("complies")).sum(),
        total=count.sum(),
        gross=count.filter("complies").sum(),
    )
    return sums.select(
        "year",
        pl.lit(clause["clause"], dtype=pl.String).alias("clause"),
        "district",
        "eligible",
        "compliant",
        share=_ratio("compliant", "eligible"),
        gross_share=_ratio("gross", "total"),
    )


def _ratio(part: str, whole: str) -> pl.Expr:
    ratio = (pl.col(part) / pl.col(whole)).clip(0.0, 1.0)
    return pl.when(pl.col(whole) > 0.0).then(ratio)


def _qualifies(kind: str) -> pl.Expr:
    if kind == "clean_energy":
        return pl.col("clean_energy") | pl.col("counts_as_nev")
    if kind == "fuel_cell":
        return pl.col("carrier").cast(pl.String) == "hydrogen"
    return pl.col("counts_as_nev")


def nev_flags(powertrains: pl.DataFrame) -> BoolArray:
    """Return which of `tables.POWERTRAINS` count as new-energy vehicles."""
    known = dict(powertrains.select(pl.col("powertrain").cast(pl.String), "counts_as_nev").iter_rows())
    return np.array([known.get(name, False) for name in POWERTRAINS])
