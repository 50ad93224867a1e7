"""What stands in the way of a standard or a budget, in words a planner can act on."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleetsim.sites.ground import Ground
from fleetsim.sites.notes import Note
from networks.errors import InfeasibleError

DISTRICTS_NAMED = 8
ROUNDING = 1e-9


def require_reachable(ground: Ground, bare: NDArray[np.int64], year: int, *, leave_out: bool) -> tuple[Note, ...]:
    """Return what is left out where that is allowed: zones that no offered site reaches within their standard.

    Parameters
    ----------
    ground
        The city as siting sees it.
    bare
        These zones (rows).
    year
        Year of the demand.
    leave_out
        Whether they may be left out.

    Raises
    ------
    InfeasibleError
        If not: by district how many they are, who lives there, and by how much the standard must be widened.
    """
    if not bare.size:
        return ()
    people = ground.people(year)[bare]
    head = f"standard: {bare.size} zones with {people.sum():,.0f} {ground.demand.unit} lie beyond it from every site"
    if leave_out:
        return (Note("left_out", zones=int(bare.size), people=float(people.sum()), unit=ground.demand.unit),)
    lines = _by_district(ground, bare, people)
    raise InfeasibleError(
        [f"{head}; --leave-out plans without them, --candidates adds sites there, or widen the standard:", *lines]
    )


def _by_district(ground: Ground, bare: NDArray[np.int64], people: NDArray[np.float64]) -> list[str]:
    names = ground.district_names()
    nearest = ground.nearest_km(ground.offered.with_columns(kind=pl.lit(ground.kind)))[bare]
    standard = ground.standard_km[bare]
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
        lines.append(f"  {names[row['district']]}: {told}")
    rest = sums.height - len(lines)
    return [*lines, f"  and {rest} more districts"] if rest > 0 else lines


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
