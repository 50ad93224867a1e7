"""Demand served within waits and supply: stations opened, enlarged and closed, each of a size that keeps waits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from charging.siting.cover_problems import ServiceCovering, Supply
from charging.siting.effort import Report
from charging.siting.service_covering import ServiceAnswer
from charging.siting.solve import solve
from fleetsim.sites.actions import most_after
from fleetsim.sites.capacity import joined, peak_capacity, promising
from fleetsim.sites.choice import Choice, Columns, in_options, limits, quality, require_useful
from fleetsim.sites.ground import Floats, Ground
from fleetsim.sites.notes import Note
from fleetsim.sites.phases import opened_by_year, phases, summed, together, year_by_year
from fleetsim.sites.points import Points, join_zones
from fleetsim.sites.request import Request
from fleetsim.sites.size import most_plugs, site_cost, works_cost
from fleetsim.sites.standard import require_within
from networks.columns import numbers
from networks.courses import plane_km
from networks.errors import DataError, InfeasibleError
from networks.import_rules import access_rules
from networks.layers import read_layer

DAYS = 365.0
HOURS = 24.0
SAME_SHARE = 1e-4
"""Part of the demand served by which two plans serve the same."""
STEPS = 4
"""Sizes of a station that the model chooses between, beside the one that stands."""
REFUSALS = {
    "least_share": "--serve",
    "budget": "--budget",
    "add sites or sizes": "raise --number, add --candidates or sizes",
}
"""Words of the model and those of the command line."""


@dataclass(frozen=True, eq=False)
class _Sites:
    """Stations and sites of the service model: those that stand first, then offered ones.

    Parameters
    ----------
    standing
        Table `Station` of those that stand.
    offered
        Offered sites (rows).
    plugs
        Sites x sizes: plugs, bays or dispensers.
    capacity
        Sites x sizes, in the unit of the demand.
    cost
        Sites x sizes [CNY].
    """

    standing: pl.DataFrame
    offered: Columns
    plugs: NDArray[np.int64]
    capacity: Floats
    cost: Floats

    @property
    def n_standing(self) -> int:
        return int(self.standing.height)


def service(ground: Ground, request: Request, report: Report | None) -> Choice:
    """Open, enlarge and close stations so that most demand is served within the wait standard and the supply.

    Raises
    ------
    InfeasibleError
        If the share asked for cannot be served: the largest one, or the budget that would do.
    """
    year, per_peak = request.years[-1], _kg_per_peak_visit(ground)
    demands = [_demand(ground, each, per_peak) for each in request.years]
    points = [join_zones(ground.city.zones, demand, ground.rules.most_points) for demand in demands]
    sites = _service_sites(ground, request, demands[-1], year, per_peak)
    if not sites.n_standing:
        require_useful(ground, request, sites.offered)
    problems = [_service_problem(ground, request, each, sites, step) for step, each in enumerate(points)]
    before = [_served_before(ground, request, points[step], sites, each) for step, each in enumerate(request.years)]
    if len(problems) == 1:
        answer = _leanest(ground, request, problems[0], sites.n_standing, report)
        return _service_choice(ground, request, (points[0], sites), answer, (before[0], per_peak))
    _require_money(problems[-1])
    with in_options(REFUSALS):
        plan = together(ground, request, problems, report)
    parts = [part for part in plan.parts if isinstance(part, ServiceAnswer)]
    years = [
        _service_choice(ground, request, (points[step], sites), part, (before[step], per_peak))
        for step, part in enumerate(parts)
    ]
    choice = years[-1]
    new = plan.sites[plan.sites >= sites.n_standing]
    opened = opened_by_year(plan, sites.offered, new, first=sites.n_standing)
    told = phases(request, plan, opened, before)
    notes = (*choice.notes, *year_by_year(told))
    return replace(
        choice,
        **quality(plan, summed(request, before)),
        opened=opened,
        notes=notes,
        phases=told,
        yearly_plugs=tuple(each.plugs for each in years),
        yearly_peaks=tuple(each.peaks for each in years),
    )


def _demand(ground: Ground, year: int, per_peak: float) -> Floats:
    """Return what each zone asks for in a year, in the unit of the model."""
    visits = ground.visits(year)
    in_day = visits * ground.demand.peak_share * per_peak
    return in_day if ground.kind == "hydrogen" else ground.in_peak(year, visits)


def _leanest(
    ground: Ground, request: Request, problem: ServiceCovering, n_standing: int, report: Report | None
) -> ServiceAnswer:
    """Return the answer with the fewest new stations that serves as much as the best one found."""
    _require_money(problem)
    best = _answer_of(problem, limits(ground, request, report))
    low, high = 0, int((best.sites >= n_standing).sum())
    while low < high:
        middle = (low + high) // 2
        trial = _answer_of(replace(problem, p=n_standing + middle, least_share=0.0), limits(ground, request, report))
        if trial.status == "interrupted":
            break
        if trial.objective >= best.objective * (1.0 - SAME_SHARE):
            high, best = middle, replace(trial, bound=best.bound, gap=best.gap, status=best.status, cpu_s=best.cpu_s)
        else:
            low = middle + 1
    return best


def _require_money(problem: ServiceCovering) -> None:
    """Check that the budget pays for something that does not stand: a station, or a larger size of one.

    With sources of hydrogen the budget pays deliveries to what stands too, so that any may be of use.
    """
    if problem.budget is None or problem.supply is not None:
        return
    cost = np.asarray(problem.cost)
    dear = cost[cost > 0]
    if dear.size:
        require_within(float(dear.min()), problem.budget, "the cheapest station or enlargement")


def _answer_of(problem: ServiceCovering, limits: dict[str, Any]) -> ServiceAnswer:
    """Return the answer of the service model.

    Raises
    ------
    InfeasibleError
        In the words of the command line.
    """
    with in_options(REFUSALS):
        answer = solve(problem, **limits)
    if not isinstance(answer, ServiceAnswer):
        raise TypeError(f"{type(answer).__name__} is no answer of the service model")
    return answer


def _kg_per_peak_visit(ground: Ground) -> float:
    """Return the demand of a visit in the peak hour in the unit of the model: 1, or kg a day for hydrogen."""
    if ground.kind != "hydrogen":
        return 1.0
    return (ground.demand.kg_per_visit or ground.rules.kg_per_visit) / ground.demand.peak_share


def _service_sites(ground: Ground, request: Request, demand: Floats, year: int, per_peak: float) -> _Sites:
    standing = ground.standing(year)
    offered = promising(ground, demand, year) if request.numbers != (0,) else np.empty(0, dtype=np.int64)
    rows: list[tuple[list[int], list[float]]] = []
    section, kind = ground.section, ground.kind
    growing = _most_asked(ground, standing, demand, request.enlarge)
    for place, row in enumerate(standing.iter_rows(named=True)):
        stands, most = row["plugs"], max(most_after(ground, row), row["plugs"])
        sizes = _sizes(stands, most) if place in growing else [stands] * (STEPS + 1)
        rows.append((sizes, [works_cost(size - stands, section, kind) for size in sizes]))
    for row in ground.offered[offered.tolist()].iter_rows(named=True):
        most = most_plugs(row, section, kind, year)
        sizes = _sizes(min(section.smallest_plugs[kind], most), most)
        rows.append((sizes, [site_cost(row, size, section, kind) for size in sizes]))
    plugs = np.array([sizes for sizes, _ in rows], dtype=np.int64).reshape(len(rows), STEPS + 1)
    cost = np.array([costs for _, costs in rows]).reshape(plugs.shape)
    known = {int(size): _capacity(ground, int(size), per_peak) for size in np.unique(plugs)}
    capacity = np.array([known[int(size)] for size in plugs.ravel()]).reshape(plugs.shape)
    return _Sites(standing, offered, plugs, capacity, cost)


def _most_asked(ground: Ground, standing: pl.DataFrame, demand: Floats, most: int) -> set[int]:
    """Return the stations that may be enlarged: those with most demand within the standard for each plug they have."""
    if not most or standing.is_empty():
        return set()
    pairs = ground.ways.pairs(standing, ground.standard_km)
    near = np.bincount(pairs["column"].to_numpy(), demand[pairs["row"].to_numpy()], standing.height)
    asked = near / standing["plugs"].to_numpy()
    return set(np.lexsort((np.arange(standing.height), -asked))[:most].tolist())


def _sizes(least: int, most: int) -> list[int]:
    """Return sizes from the smallest to the largest, in even steps of their ratio."""
    return [round(least * (most / least) ** (step / STEPS)) for step in range(STEPS + 1)]


def _capacity(ground: Ground, plugs: int, per_peak: float) -> float:
    """Return what a station takes: arrivals within the wait standard; of hydrogen no more than its supply gives."""
    most = peak_capacity(ground, plugs) * per_peak
    if ground.kind != "hydrogen":
        return most
    return min(most, ground.section.supply_kg_h_per_dispenser * HOURS * plugs)


def _service_problem(ground: Ground, request: Request, points: Points, sites: _Sites, step: int) -> ServiceCovering:
    """Return the problem of a year; what stands only later serves nobody in it."""
    n_standing, year = sites.n_standing, request.years[step]
    stands = np.flatnonzero(sites.standing["opened_year"].to_numpy() <= year)
    supply, scale = None, 1.0
    if request.supply is not None:
        supply, scale = _supply(request.supply, ground, sites), ground.rules.capital_share_per_year
    budget = request.budgets_cny[step] if request.budgets_cny else None
    number = None if not request.numbers else len(stands) + min(request.numbers[step], len(sites.offered))
    reach = _reach(ground, points, sites)
    later = np.setdiff1d(np.arange(n_standing), stands)
    if later.size:
        reach.data[np.isin(reach.indices, later)] = 0.0
        reach.eliminate_zeros()
    return ServiceCovering(
        reach=reach,
        demand=points.weight,
        capacity=sites.capacity,
        cost=sites.cost * scale,
        p=number,
        budget=budget,
        existing=dict.fromkeys(stands.tolist(), 0),
        closable=_least_needed(points, reach, n_standing, request.relocate),
        supply=supply,
        least_share=request.serve_share if year == request.years[-1] else 0.0,
    )


def _least_needed(points: Points, reach: csr_array, n_standing: int, most: int) -> tuple[int, ...]:
    """Return the stations that may close: those with least demand near them."""
    near = np.asarray(points.weight @ reach[:, :n_standing]).ravel()
    order: list[int] = np.lexsort((np.arange(n_standing), near))[:most].tolist()
    return tuple(sorted(order))


def _reach(ground: Ground, points: Points, sites: _Sites) -> csr_array:
    """Return points x sites: within the standard of the point's zone."""
    places = pl.concat(
        [table.select("lon", "lat") for table in (sites.standing, ground.offered[sites.offered.tolist()])]
    )
    limit = np.zeros(ground.city.zones.height)
    limit[points.zone] = ground.standard_km[points.zone]
    row_of = np.full(len(limit), -1, dtype=np.int64)
    row_of[points.zone] = np.arange(len(points.zone))
    pairs = ground.ways.pairs(places, limit)
    row = row_of[pairs["row"].to_numpy()]
    kept = row >= 0
    entries = (np.ones(int(kept.sum())), (row[kept], pairs["column"].to_numpy()[kept]))
    return csr_array(entries, shape=(len(points.zone), places.height))


def _supply(path: Path, ground: Ground, sites: _Sites) -> Supply:
    """Return the sources of a file, and what a kg a day from each to each site costs a year [CNY].

    Raises
    ------
    DataError
        With the rows that cannot be used.
    """
    layer = read_layer(path)
    have = layer.rows.columns
    missing = [name for name in ("lon", "lat", "kg_per_day") if name not in have]
    if missing:
        raise DataError([f"{path.name}: column {name} is missing; it has {', '.join(have)}" for name in missing])
    values: dict[str, Any] = {}
    for name in ("lon", "lat", "kg_per_day"):
        values[name], wrong = numbers(layer.rows[name])
        bad = sorted({*wrong, *np.flatnonzero(np.isnan(values[name])).tolist()})
        bad = sorted({*bad, *(np.flatnonzero(values[name] < 0).tolist() if name == "kg_per_day" else [])})
        if bad:
            text = layer.rows[name]
            raise DataError([f"{layer.place(row)}: {name} {text[row]!r} cannot be used" for row in bad])
    places = pl.concat(
        [table.select("lon", "lat") for table in (sites.standing, ground.offered[sites.offered.tolist()])]
    ).to_numpy()
    lat0 = float(str(ground.city.zones["lat"].mean()))
    start, end = plane_km(np.column_stack([values["lon"], values["lat"]]), lat0), plane_km(places, lat0)
    km = np.hypot(*(start[:, None, :] - end[None, :, :]).transpose(2, 0, 1)) * access_rules().detour
    within = km <= ground.rules.supply_km
    if not within.any():
        raise InfeasibleError(
            f"{path.name}: no source lies within sites.supply_km {ground.rules.supply_km:g} km of a station or site; "
            f"the nearest is {km.min(initial=np.inf):.0f} km away: raise it by {km.min() - ground.rules.supply_km:.0f}"
        )
    return Supply(np.where(within, DAYS * km * ground.rules.delivery_cny_per_kg_km, np.inf), values["kg_per_day"])


def _served_before(ground: Ground, request: Request, points: Points, sites: _Sites, year: int) -> float:
    """Return what the stations that stand in a year serve within the standards [unit of the model]."""
    rows = np.flatnonzero(sites.standing["opened_year"].to_numpy() <= year)
    if not rows.size:
        return 0.0
    plugs, capacity, costs = sites.plugs[rows, :1], sites.capacity[rows, :1], sites.cost[rows, :1]
    stands = _Sites(sites.standing[rows.tolist()], sites.offered[:0], plugs, capacity, costs)
    supply = None if request.supply is None else _supply(request.supply, ground, stands)
    cost, existing = np.zeros((len(rows), 1)), dict.fromkeys(range(len(rows)), 0)
    problem = ServiceCovering(
        _reach(ground, points, stands), points.weight, stands.capacity, cost, existing=existing, supply=supply
    )
    return float(solve(problem, time_limit_s=request.time_limit_s).objective)


def _service_choice(
    ground: Ground,
    request: Request,
    parts: tuple[Points, _Sites],
    answer: ServiceAnswer,
    scales: tuple[float, float],
) -> Choice:
    (points, sites), (before, per_peak) = parts, scales
    n_standing, unit = sites.n_standing, "kg" if ground.kind == "hydrogen" else "peak_visits"
    is_new = answer.sites >= n_standing
    rows = answer.sites[is_new] - n_standing
    columns = sites.offered[rows]
    names = [f"{ground.kind}-{name}" for name in ground.offered["candidate"].gather(columns.tolist())]
    plugs = sites.plugs[answer.sites, answer.size].tolist()
    new_plugs = [plugs[place] for place in np.flatnonzero(is_new).tolist()]
    load = answer.load[is_new].tolist()
    standing = sites.standing["station_id"].to_list()
    before_plugs = sites.standing["plugs"].to_list()
    kept = {standing[site]: plugs[place] for place, site in enumerate(answer.sites.tolist()) if site < n_standing}
    stood = dict(zip(standing, before_plugs, strict=True))
    larger = {name: size for name, size in kept.items() if size > stood[name]}
    of_larger = {
        standing[site]: float(answer.load[place])
        for place, site in enumerate(answer.sites.tolist())
        if site < n_standing and standing[site] in larger
    }
    notes = [*joined(ground, points, sites.offered)]
    if request.supply is not None:
        notes.append(Note("delivery", cost=answer.cost))
        given = float(np.sum(np.asarray(_supply(request.supply, ground, sites).capacity)))
        if answer.objective >= given * (1.0 - SAME_SHARE):
            notes.append(Note("all_used", given=given))
    asked = request.numbers[-1] if request.numbers else 0
    if len(columns) < asked:
        notes.append(Note("serve_no_more", opened=len(columns), asked=asked))
    return Choice(
        (np.sort(columns),),
        "served",
        **quality(answer, before),
        already=before,
        total=float(points.weight.sum()),
        closed=tuple(sorted(set(standing) - set(kept))) if request.relocate else (),
        notes=tuple(notes),
        plugs=dict(zip(names, new_plugs, strict=True)),
        peaks={name: value / per_peak for name, value in zip(names, load, strict=True)},
        enlarged=larger,
        gains={
            **{name: (value, value) for name, value in zip(names, load, strict=True)},
            **{name: (value, value) for name, value in of_larger.items()},
        },
        unit=unit,
    )
