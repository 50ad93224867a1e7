"""What stands in the way of a standard or a budget, in words a planner can act on."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleetsim.scenario.sections import at_year
from fleetsim.sites.ground import Floats, Ground, Layer
from fleetsim.sites.notes import Note
from fleetsim.sites.size import usable
from networks.errors import InfeasibleError

DISTRICTS_NAMED = 8
ROUNDING = 1e-9


def require_reachable(ground: Ground, layer: Layer, bare: NDArray[np.int64], *, leave_out: bool) -> tuple[Note, ...]:
    """Return what is left out where that is allowed: zones that no offered site reaches within their standard.

    Parameters
    ----------
    ground
        The city as siting sees it.
    layer
        Who has to be reached.
    bare
        These zones (rows).
    leave_out
        Whether they may be left out.

    Raises
    ------
    InfeasibleError
        If not: by district how many they are, who lives there, and by how much the standard must be widened.
    """
    if not bare.size:
        return ()
    people = layer.worth[bare]
    if leave_out:
        return (Note("left_out", zones=int(bare.size), people=float(people.sum()), unit=ground.demand.unit),)
    own = layer.reach_km is not None
    rule, wider = ("standard", "widen the standard") if not own else (f"--fleets {layer.group}", "raise its km")
    standard = ground.standard_km[bare] if layer.reach_km is None else np.full(bare.size, layer.reach_km)
    head = f"{rule}: {bare.size} zones with {people.sum():,.0f} {ground.demand.unit} lie beyond it from every site"
    lines = _by_district(ground, bare, people, standard)
    raise InfeasibleError(
        [f"{head}; --leave-out plans without them, --candidates adds sites there, or {wider}:", *lines]
    )


def _by_district(ground: Ground, bare: NDArray[np.int64], people: Floats, standard: Floats) -> list[str]:
    nearest = ground.nearest_km(ground.offered.with_columns(kind=pl.lit(ground.kind)))[bare]
    table = pl.DataFrame(
        {
            "district": ground.city.zones["district"].gather(bare.tolist()),
            "people": people,
            "standard": standard,
            "missing": nearest - standard,
        }
    ).sort("district", "missing", descending=[False, True])
    groups = table.group_by("district", maintain_order=True)
    sums = groups.agg(pl.len().alias("zones"), pl.col("people").sum(), pl.col("standard", "missing").first()).sort(
        "people", "district", descending=[True, False]
    )
    lines = []
    for row in sums.head(DISTRICTS_NAMED).iter_rows(named=True):
        worst = (
            f"widen {row['standard']:g} km by {row['missing']:.1f} km"
            if np.isfinite(row["missing"])
            else "no way leads to any site"
        )
        told = f"{row['zones']} zones, {row['people']:,.0f} {ground.demand.unit}; {worst}"
        lines.append(f"  {row['district']}: {told}")
    rest = sums.height - len(lines)
    return [*lines, f"  and {rest} more districts"] if rest > 0 else lines


def require_plugs(ground: Ground, year: int) -> None:
    """Check that some site takes a plug.

    Raises
    ------
    InfeasibleError
        If none does: by how much grid connection or land must be larger.
    """
    if usable(ground, year).any():
        return
    power_kw = at_year(ground.section.power_kw[ground.kind], year)
    told = [f"candidates: none of {ground.offered.height} sites takes a plug, bay or dispenser"]
    grid = ground.offered.filter(pl.col("most_plugs").is_null() | (pl.col("most_plugs") >= 1))["grid_kw"].max()
    most_kw = float("inf") if grid is None else float(str(grid))
    if most_kw < power_kw:
        told.append(
            f"one takes {power_kw:g} kW, the largest grid_kw is {most_kw:g}; raise it by {power_kw - most_kw:g}"
        )
    else:
        told.append("raise their most_plugs to 1 at least")
    raise InfeasibleError(": ".join(told))


def require_within(cost_cny: float, budget_cny: float, what: str, *, least: float | None = None) -> None:
    """Check that a budget suffices.

    Parameters
    ----------
    cost_cny
        Cheapest known cost of `what` [CNY].
    budget_cny
        The budget [CNY].
    what
        What has to be paid.
    least
        Proven least cost [CNY]; None: `cost_cny` is it.

    Raises
    ------
    InfeasibleError
        If not, with the amount by which it must be raised.
    """
    if cost_cny <= budget_cny * (1.0 + ROUNDING):
        return
    if not np.isfinite(cost_cny):
        raise InfeasibleError("candidates: no site takes a plug; raise most_plugs or grid_kw of the candidates")
    proven = least is None or least >= cost_cny * (1.0 - ROUNDING)
    told = (
        f"costs {cost_cny:,.0f} CNY"
        if proven
        else f"costs {cost_cny:,.0f} CNY as far as known, never under {least:,.0f}"
    )
    raise InfeasibleError(f"--budget {budget_cny:,.0f}: {what} {told}; raise it by {cost_cny - budget_cny:,.0f} CNY")
