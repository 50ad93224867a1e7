"""Maximal covering where stations that stand may close or be enlarged."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.sparse import csr_array, hstack, vstack

from charging.siting.effort import Report
from charging.siting.problem import MaximalCovering
from charging.siting.solve import solve
from fleetsim.sites.choice import Choice, Columns, limits, quality, require_useful, served, useful
from fleetsim.sites.ground import Floats, Ground
from fleetsim.sites.request import Request
from fleetsim.sites.size import highest_costs, plugs_for, works_cost
from fleetsim.sites.standard import require_within


def relocated(ground: Ground, request: Request, report: Report | None) -> Choice:
    """Open and close at once: as many more stations as asked for stand in the end, a few of those that stand close."""
    year, number = request.years[-1], request.numbers[-1]
    standing, people = ground.standing(year), ground.people(year)
    pairs = ground.ways.pairs(standing, ground.standard_km)
    kept = _cover_of_standing(ground, standing, pairs)
    columns = useful(ground, np.asarray((people > 0).astype(np.float64) @ ground.cover).ravel(), year)
    require_useful(ground, request, columns)
    cover = csr_array(hstack([kept, ground.cover[:, columns]]).tocsr())
    new = np.arange(cover.shape[1]) >= standing.height
    most = min(standing.height + number, cover.shape[1])
    problem = MaximalCovering(cover, people, most, new.astype(np.float64), float(number + request.relocate))
    answer = solve(problem, **limits(ground, request, report))
    opened = columns[answer.sites[new[answer.sites]] - standing.height]
    covered = float(people[np.diff(kept.indptr) > 0].sum())
    closed = _closed(standing, answer.sites, max(len(opened) - number, 0))
    total = float(people.sum())
    return Choice((opened,), "covered", **quality(answer, covered), already=covered, total=total, closed=closed)


def _cover_of_standing(ground: Ground, standing: pl.DataFrame, pairs: pl.DataFrame) -> csr_array:
    places = (pairs["row"].to_numpy(), pairs["column"].to_numpy())
    return csr_array((np.ones(pairs.height), places), shape=(ground.city.zones.height, standing.height))


def _closed(standing: pl.DataFrame, sites: Columns, count: int) -> tuple[str, ...]:
    """Return the stations that make room: of those a choice does without, the ones with fewest plugs."""
    spare = np.setdiff1d(np.arange(standing.height), sites)
    rows = standing[spare.tolist()].sort("plugs", "station_id")
    return tuple(rows["station_id"].head(count).sort())


def enlarged(ground: Ground, request: Request, report: Report | None) -> Choice:
    """Open new stations and enlarge some that stand: both take up what was left over, only new ones reach further.

    Notes
    -----
    Two rows a zone: what stations near it left over, which a new or an enlarged station within the standard takes
    up, and residents beyond the standard, whom only a new one reaches.
    """
    year = request.years[-1]
    works = tightest(ground, year, request.enlarge)
    left, beyond = ground.left(year), ground.beyond(year)
    taken_up = ground.cover_of(ground.layers(year)[0])
    columns = useful(ground, np.asarray(((left + beyond) > 0).astype(np.float64) @ taken_up).ravel(), year)
    if works.is_empty():
        require_useful(ground, request, columns)
    standing = ground.standing(year)
    pairs = ground.ways.pairs(standing, ground.standard_km)
    tight = csr_array(_cover_of_standing(ground, standing, pairs)[:, works["column"].to_numpy()])
    new = csr_array(taken_up[:, columns])
    none = csr_array((new.shape[0], tight.shape[1]))
    cover = csr_array(vstack([hstack([new, tight]), hstack([new, none])]).tocsr())
    problem = _within_limits(ground, request, columns, works, (cover, np.r_[left, beyond]))
    answer = solve(problem, **limits(ground, request, report))
    used = np.unique(answer.assignment[(answer.assignment >= 0) & (np.asarray(problem.weight) > 0)])
    rows = works[(used[used >= len(columns)] - len(columns)).tolist()]
    return Choice(
        (columns[used[used < len(columns)]],),
        "covered",
        **quality(answer),
        **served(ground, year),
        enlarged=dict(rows.select("station_id", "plugs_after").iter_rows()),
        gains=_relief(answer.assignment, len(columns), rows, works, np.r_[left, beyond]),
    )


def _relief(
    assignment: Columns, n_new: int, chosen: pl.DataFrame, works: pl.DataFrame, worth: Floats
) -> dict[str, tuple[float, float]]:
    """Return what each enlarged station takes up of what was left over."""
    gained = np.bincount(assignment[assignment >= 0], weights=worth[assignment >= 0], minlength=n_new + works.height)
    of_station = dict(zip(works["station_id"], gained[n_new:].tolist(), strict=True))
    return {name: (of_station[name], of_station[name]) for name in chosen["station_id"]}


def _within_limits(
    ground: Ground, request: Request, columns: Columns, works: pl.DataFrame, rows: tuple[csr_array, Floats]
) -> MaximalCovering:
    cover, worth = rows
    year, is_new = request.years[-1], np.r_[np.ones(len(columns)), np.zeros(works.height)]
    if request.budgets_cny:
        cost = np.r_[highest_costs(ground, year)[columns], works["cost_cny"].to_numpy()]
        require_within(float(cost.min(initial=np.inf)), request.budgets_cny[-1], "the cheapest station or enlargement")
        return MaximalCovering(cover, worth, None, cost, request.budgets_cny[-1])
    most = min(request.numbers[-1], len(columns)) + works.height
    return MaximalCovering(cover, worth, most, is_new, float(request.numbers[-1]))


def tightest(ground: Ground, year: int, most: int) -> pl.DataFrame:
    """Return the stations that may be enlarged, see `enlargements`: at most some, most left over near them first."""
    works = enlargements(ground, year)
    standing = ground.standing(year)[works["column"].to_list()]
    pairs = ground.ways.pairs(standing, ground.standard_km)
    near = np.bincount(pairs["column"].to_numpy(), ground.left(year)[pairs["row"].to_numpy()], works.height)
    order = np.lexsort((np.arange(works.height), -near))[:most]
    chosen: pl.DataFrame = works[np.sort(order).tolist()]
    return chosen


def enlargements(ground: Ground, year: int) -> pl.DataFrame:
    """Return the stations that could be larger: station_id, column (row of those standing), plugs_after, cost_cny.

    Notes
    -----
    Those whose busiest measured hour asks for more plugs by queue theory than they have; a grid connection that is
    known, and the largest size of the scenario, bound it.
    """
    section, kind, rows = ground.section, ground.kind, []
    for column, row in enumerate(ground.standing(year).iter_rows(named=True)):
        peak = ground.measured_peak.get(row["station_id"], 0.0)
        most = max(most_after(ground, row), row["plugs"])
        after = plugs_for(ground, peak, most, ground.service_at(row["power_kw"])) if peak > 0 else 0
        if after > row["plugs"]:
            cost = works_cost(after - row["plugs"], section, kind)
            rows.append({"station_id": row["station_id"], "column": column, "plugs_after": after, "cost_cny": cost})
    schema = {"station_id": pl.String, "column": pl.Int64, "plugs_after": pl.Int64, "cost_cny": pl.Float64}
    return pl.DataFrame(rows, schema=schema)


def most_after(ground: Ground, row: dict[str, object]) -> int:
    """Return the most plugs of a station that stands: of the scenario, and of its grid connection."""
    most, limit, power = ground.section.largest_plugs[ground.kind], row["site_limit_kw"], row["power_kw"]
    if isinstance(limit, float) and isinstance(power, float) and power > 0:
        return min(most, int(limit / power))
    return most
