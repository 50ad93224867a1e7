"""Photovoltaics at transport sites: what is built by when, what it yields, what share of charging it covers."""

from collections.abc import Mapping

import dataframely as dy
import polars as pl

from charging.tables import SolarSite, SolarYield


def potential_kwp(sites: dy.DataFrame[SolarSite]) -> dict[str, float]:
    """Return the power each kind of site could carry [kWp]: sites x area x usable share x power by area."""
    power = pl.col("sites") * pl.col("area_m2_per_site") * pl.col("usable_share") * pl.col("kwp_per_m2")
    return dict(sites.sort("kind").select("kind", power.alias("kwp")).iter_rows())


def build(
    sites: dy.DataFrame[SolarSite],
    built_share: Mapping[int, float],
    *,
    yield_kwh_per_kwp: float,
    loss_per_year: float,
    orientation_factor: Mapping[str, float],
) -> dy.DataFrame[SolarYield]:
    """Return what stands at the end of each year and its yield, schema `SolarYield`.

    Parameters
    ----------
    sites
        Kinds of site, their area and first year.
    built_share
        Share of the potential built by the end of each year; years without a gap.
    yield_kwh_per_kwp
        Yearly yield of a new, well-placed module [kWh/kWp].
    loss_per_year
        Yearly loss of yield through ageing.
    orientation_factor
        Yield of a kind of site over that of a well-placed module; 1 where not given.

    Notes
    -----
    A module built in a year yields half a year's energy in it, and a year's, less the loss, in each later one.
    """
    potential = potential_kwp(sites)
    rows: list[dict[str, object]] = []
    for site in sites.sort("kind").iter_rows(named=True):
        kind = site["kind"]
        added = _added(built_share, site["first_year"])
        best = potential[kind] * yield_kwh_per_kwp * orientation_factor.get(kind, 1.0)
        area = site["sites"] * site["area_m2_per_site"] * site["usable_share"]
        for year in sorted(built_share):
            share = sum(part for built, part in added.items() if built <= year)
            work = sum(part * _work(year - built, loss_per_year) for built, part in added.items())
            rows.append(
                {
                    "year": year,
                    "kind": kind,
                    "area_m2": area * share,
                    "power_kwp": potential[kind] * share,
                    "energy_kwh": best * work,
                }
            )
    return SolarYield.validate(pl.DataFrame(rows, schema=list(SolarYield.columns())).sort("year", "kind"), cast=True)


def covered_share(built: dy.DataFrame[SolarYield], charging_kwh: Mapping[int, float]) -> dict[int, float]:
    """Return the yield over the electricity of charging by year; over a year, not hour by hour.

    Parameters
    ----------
    built
        Yield by year, from `build`.
    charging_kwh
        Electricity of charging from the grid by year [kWh]; years without any are left out.
    """
    yields = dict(built.group_by("year", maintain_order=True).agg(pl.col("energy_kwh").sum()).sort("year").iter_rows())
    return {year: yields[year] / charging_kwh[year] for year in yields if charging_kwh.get(year, 0.0) > 0.0}


def _added(built_share: Mapping[int, float], first_year: int) -> dict[int, float]:
    """Share of the potential added in each year; what the path had built before the first year is added in it."""
    added: dict[int, float] = {}
    before = 0.0
    for year in sorted(built_share):
        if year >= first_year:
            added[year] = max(built_share[year] - before, 0.0)
            before += added[year]
    return added


def _work(age: int, loss_per_year: float) -> float:
    """Yield of a module over that of its full first year, at an age in whole years [1]."""
    if age < 0:
        return 0.0
    return 0.5 if age == 0 else (1.0 - loss_per_year) ** age
