"""Several years: all as one where a model can, else the last year first; and what each year gives up for the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from charging.siting.effort import Report
from charging.siting.period_problem import Periods, PeriodsAnswer
from charging.siting.solve import solve
from fleetsim.sites.choice import Choice, Columns, Phase, in_options, limits
from fleetsim.sites.ground import Ground
from fleetsim.sites.notes import Note
from fleetsim.sites.request import Request
from networks.errors import InfeasibleError

ChooseOne = Callable[[Ground, Request], Choice]


def together(ground: Ground, request: Request, problems: Sequence[Any], report: Report | None) -> PeriodsAnswer:
    """Return the plan for the problems of all years as one: what opens stays, as large as before or larger.

    Raises
    ------
    InfeasibleError
        If a year cannot be met, with the year.
    """
    named = {f"period {period}: ": f"{year}: " for period, year in enumerate(request.years)}
    with in_options(named):
        answer = solve(Periods(problems, request.importance), **limits(ground, request, report))
    if not isinstance(answer, PeriodsAnswer):
        raise TypeError(f"{type(answer).__name__} is no answer over periods")
    return answer


def opened_by_year(answer: PeriodsAnswer, columns: Columns, used: Columns, first: int = 0) -> tuple[Columns, ...]:
    """Return the offered sites that stand by each year.

    Parameters
    ----------
    answer
        What opens when.
    columns
        Offered site of each site of the problem, from `first` on.
    used
        Sites of the problem to which somebody goes in some year; others are not opened.
    first
        Sites of the problem that stand already, before those that are offered.
    """
    of_year = []
    for period in range(len(answer.parts)):
        sites = np.intersect1d(answer.sites_in(period), used)
        of_year.append(np.sort(columns[sites[sites >= first] - first]))
    return tuple(of_year)


def used_sites(answer: PeriodsAnswer) -> Columns:
    """Return the sites that some point is assigned to in some year."""
    every = np.concatenate([part.assignment for part in answer.parts])
    return np.unique(every[every >= 0])


def phases(
    request: Request, answer: PeriodsAnswer, opened: Sequence[Columns], base: Sequence[float] = ()
) -> tuple[Phase, ...]:
    """Return what each year has and what it could have at best alone; `base` is what it has without the plan."""
    less = base or [0.0] * len(request.years)
    rows = zip(request.years, opened, answer.parts, answer.alone, less, strict=True)
    return tuple(
        Phase(year, len(sites), part.objective - off, alone.objective - off, alone.bound - off)
        for year, sites, part, alone, off in rows
    )


def summed(request: Request, values: Sequence[float]) -> float:
    """Return the sum of values of the years, each as much as its year counts."""
    return float(sum(weight * value for weight, value in zip(request.importance, values, strict=True)))


def year_by_year(found: Sequence[Phase]) -> tuple[Note, ...]:
    """Return the note that tells each year's stations, its value and how far from its own best that is at most."""
    told = "; ".join(f"{each.year}: {each.stations}, {each.value:,.{each.digits}f}, {each.share:.2%}" for each in found)
    return (Note("by_year", told=told),)


def phase_table(found: Sequence[Phase]) -> pl.DataFrame:
    """Return year, stations, value, alone, alone_bound, regret and regret_share, see `Phase`."""
    rows = [{**vars(each), "regret": each.regret, "regret_share": each.share} for each in found]
    return pl.DataFrame(rows) if rows else pl.DataFrame()


def standard_last(ground: Ground, request: Request, choose: ChooseOne) -> Choice:
    """Return a plan that keeps the standard everywhere in the last year and covers most of all years before with it.

    Notes
    -----
    The stations of the last year are the fewest (or cheapest) as if it were the only one: no other plan keeps the
    standard with less. Those of the years before are chosen among them, all these years together.
    """
    size = len(request.years)
    last = _told(choose, ground, _part(request, size - 1, size, "set"))
    before = _part(request, 0, size - 1, "maximal")
    pool = last.opened[-1]
    opened = [pool[:0]] * (size - 1)
    if pool.size:
        part = replace(ground, offered=ground.offered[pool.tolist()])
        try:
            found = choose(part, _at_most(before, len(pool)))
            opened = [np.sort(pool[sites]) for sites in found.opened]
        except InfeasibleError:
            # No station is worth opening before, or money does not suffice for one yet.
            opened = [pool[:0]] * (size - 1)
    own = [_alone(choose, ground, _part(request, step, step + 1, "maximal")) for step in range(size - 1)]
    values = [_covered(ground, sites, year) for sites, year in zip(opened, request.years, strict=False)]
    told = [
        Phase(year, len(sites), value, max(alone[0], value), max(alone[1], value))
        for year, sites, value, alone in zip(request.years, opened, values, own, strict=False)
    ]
    told.append(Phase(request.years[-1], len(pool), last.objective, last.objective, last.bound))
    counts = ", ".join(f"{each.year}: {each.stations}" for each in told)
    notes = (*last.notes, Note("last_decides", year=request.years[-1], told=counts), *year_by_year(told[:-1]))
    return replace(last, opened=(*opened, pool), decided=request.years[-1], notes=notes, phases=tuple(told))


def _covered(ground: Ground, sites: Columns, year: int) -> float:
    total = 0.0
    for layer in ground.layers(year):
        near = np.asarray(ground.cover_of(layer)[:, sites].sum(axis=1)).ravel() > 0
        total += float(layer.worth[near].sum())
    return total


def _alone(choose: ChooseOne, ground: Ground, request: Request) -> tuple[float, float]:
    try:
        found = choose(ground, request)
    except InfeasibleError:
        return 0.0, 0.0
    return found.objective, found.bound


def _part(request: Request, first: int, end: int, model: Any) -> Request:
    """Return the request for some of its years; the time of the search is shared among all."""
    return replace(
        request,
        model=model,
        years=request.years[first:end],
        numbers=request.numbers[first:end],
        budgets_cny=request.budgets_cny[first:end],
        year_weights=(),
        time_limit_s=request.time_limit_s * (end - first) / len(request.years) / 2.0,
    )


def _at_most(request: Request, number: int) -> Request:
    return replace(request, numbers=tuple(min(each, number) for each in request.numbers))


def _told(choose: ChooseOne, ground: Ground, request: Request) -> Choice:
    try:
        return choose(ground, request)
    except InfeasibleError as error:
        raise InfeasibleError([f"{request.years[0]}: {error.problems[0]}", *error.problems[1:]]) from error
