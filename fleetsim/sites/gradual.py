"""Gradual covering: a way beyond the standard counts a little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import csr_array, hstack, vstack

from charging.siting.cover_problems import GradualCovering
from charging.siting.effort import Report
from charging.siting.solve import solve
from fleetsim.sites.choice import Choice, fewer, limits, quality, require_useful
from fleetsim.sites.ground import Floats, Ground
from fleetsim.sites.phases import opened_by_year, phases, summed, together, used_sites, year_by_year
from fleetsim.sites.request import Request
from fleetsim.sites.size import highest_costs, usable
from fleetsim.sites.standard import require_within


@dataclass(frozen=True, eq=False)
class _Rows:
    """Who wants to be served, by zone: how many, how well what stands serves them, how well each site would."""

    people: Floats
    stands: Floats
    offered: csr_array


def gradual(ground: Ground, request: Request, report: Report | None) -> Choice:
    """Full worth within the standard (or a fleet's own reach), falling to nothing at `sites.served_standards` of it.

    Raises
    ------
    InfeasibleError
        If no site is near enough to anybody, or the budget buys none.
    """
    if len(request.years) > 1:
        return _over_years(ground, request, report)
    year = request.years[-1]
    rows = _joined(_rows(ground, year))
    people, stands, offered = rows.people, rows.stands, rows.offered
    reaches = np.asarray((people * (1.0 - stands)) @ offered).ravel() > 0
    columns = np.flatnonzero(usable(ground, year).to_numpy() & reaches)
    require_useful(ground, request, columns)
    levels = csr_array(hstack([csr_array(stands[:, None]), offered[:, columns]]).tocsr())
    number = 1 + min(request.numbers[-1], len(columns)) if request.numbers else None
    cost, budget = None, None
    if request.budgets_cny:
        cost, budget = np.r_[0.0, highest_costs(ground, year)[columns]], request.budgets_cny[-1]
        require_within(float(cost[1:].min(initial=np.inf)), budget, "the cheapest station that gains anything")
    answer = solve(GradualCovering(levels, people, number, cost, budget, fixed=(0,)), **limits(ground, request, report))
    base = float(people @ stands)
    # A site that nobody goes to is not opened.
    used = np.intersect1d(answer.sites, np.unique(answer.assignment[(answer.assignment > 0) & (people > 0)]))
    asked = request.numbers[-1] if request.numbers else len(used)
    names = [f"{ground.kind}-{name}" for name in ground.offered["candidate"].gather(columns[used - 1].tolist())]
    return Choice(
        (columns[used - 1],),
        "gradually",
        **quality(answer, base),
        already=base,
        total=float(people.sum()),
        notes=fewer(ground, asked, len(used)),
        gains=dict(zip(names, _gains(people, stands, csr_array(levels[:, used])), strict=True)),
    )


def _over_years(ground: Ground, request: Request, report: Report | None) -> Choice:
    """All years as one: the sum of what they gain."""
    last = request.years[-1]
    rows = {year: _joined(_rows(ground, year)) for year in request.years}
    reaches = sum(np.asarray((row.people * (1.0 - row.stands)) @ row.offered).ravel() for row in rows.values())
    columns = np.flatnonzero(usable(ground, last).to_numpy() & (np.asarray(reaches) > 0))
    require_useful(ground, request, columns)
    levels = {
        year: csr_array(hstack([csr_array(row.stands[:, None]), row.offered[:, columns]]).tocsr())
        for year, row in rows.items()
    }
    cost = None
    if request.budgets_cny:
        cost = np.r_[0.0, highest_costs(ground, *request.years)[columns]]
        least = float(cost[1:].min(initial=np.inf))
        require_within(least, request.budgets_cny[-1], "the cheapest station that gains anything")
    problems = [
        GradualCovering(
            levels[year],
            rows[year].people,
            1 + min(request.numbers[step], len(columns)) if request.numbers else None,
            cost,
            request.budgets_cny[step] if request.budgets_cny else None,
            fixed=(0,),
        )
        for step, year in enumerate(request.years)
    ]
    answer = together(ground, request, problems, report)
    base = [float(row.people @ row.stands) for row in rows.values()]
    opened = opened_by_year(answer, columns, used_sites(answer), first=1)
    told = phases(request, answer, opened, base)
    asked = request.numbers[-1] if request.numbers else len(opened[-1])
    here = np.searchsorted(columns, opened[-1])
    names = [f"{ground.kind}-{name}" for name in ground.offered["candidate"].gather(opened[-1].tolist())]
    gained = _gains(rows[last].people, rows[last].stands, csr_array(levels[last][:, 1 + here]))
    return Choice(
        opened,
        "gradually",
        **quality(answer, summed(request, base)),
        already=base[-1],
        total=float(rows[last].people.sum()),
        notes=(*fewer(ground, asked, len(opened[-1])), *year_by_year(told)),
        gains=dict(zip(names, gained, strict=True)),
        phases=told,
    )


def _joined(rows: list[_Rows]) -> _Rows:
    people, stands = (np.concatenate([getattr(row, name) for row in rows]) for name in ("people", "stands"))
    return _Rows(people, stands, csr_array(vstack([row.offered for row in rows]).tocsr()))


def _gains(people: Floats, stands: Floats, levels: csr_array) -> list[tuple[float, float]]:
    """Return what each station adds to what stands where it is the nearest new one, and of that what no other would."""
    found = np.zeros((2, levels.shape[1]))
    for row in np.flatnonzero(people > 0).tolist():
        start, end = levels.indptr[row], levels.indptr[row + 1]
        if start == end:
            continue
        level, column = levels.data[start:end], levels.indices[start:end]
        best = int(level.argmax())
        second = max(stands[row], float(np.delete(level, best).max(initial=0.0)))
        worth = people[row] * (level[best] - np.array([stands[row], second]))
        found[:, column[best]] += np.maximum(worth, 0.0)
    return list(zip(found[0].tolist(), found[1].tolist(), strict=True))


def _rows(ground: Ground, year: int) -> list[_Rows]:
    """Return residents, whom what stands serves too, and each fleet's visits that it left over."""
    km, factor = ground.before_km(year), ground.rules.served_standards
    far = factor * ground.standard_km
    stands = np.clip((far - km) / (far - ground.standard_km), 0.0, 1.0)
    residents = ground.share_of_residents * ground.demand.zones[year]["people"].to_numpy()
    near = ground.near.rename({"standard_km": "full_km"})
    rows = [_Rows(residents, stands, _levels(ground, near))]
    for group in ground.groups(year):
        pairs = near
        if group.reach_km is not None:
            pairs = ground.ways.pairs(ground.offered, np.full(len(far), factor * group.reach_km))
            pairs = pairs.with_columns(full_km=pl.lit(group.reach_km))
        rows.append(_Rows(group.left, np.zeros_like(stands), _levels(ground, ground.taken_up(pairs, year))))
    return [row for row in rows if row.people.any()] or rows[:1]


def _levels(ground: Ground, pairs: pl.DataFrame) -> csr_array:
    """Return zones x offered sites: 1 within `full_km`, 0 from as many times that as a station is visited from."""
    factor = ground.rules.served_standards
    level = (factor * pairs["full_km"] - pairs["distance_km"]) / ((factor - 1.0) * pairs["full_km"])
    return ground.matrix(pairs, level.clip(0.0, 1.0).to_numpy())
