"""Several years with models that answer for one: the last year decides, earlier ones open the best of its plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from fleetsim.sites.choice import Choice, Columns
from fleetsim.sites.ground import Ground
from fleetsim.sites.notes import Note
from fleetsim.sites.request import Request
from networks.errors import InfeasibleError

ChooseOne = Callable[[Ground, Request], Choice]
NOTHING_TO_GAIN = ("maximal", "gradual")
"""Models whose refusal means that no station is worth opening yet, or that money does not suffice for one yet."""


def by_phase(ground: Ground, request: Request, choose: ChooseOne) -> Choice:
    """Return a plan over years in which nothing is taken back.

    Parameters
    ----------
    ground
        The city as siting sees it.
    request
        What is asked, with several years.
    choose
        Answers a request for one year.

    Raises
    ------
    InfeasibleError
        If a year cannot be met, with the year.

    Notes
    -----
    The plan of the last year is chosen as if it were the only one. Going back year by year, the stations of each year
    are the best of those of the next: the same model, offered these alone. Each step is as good as its solver says;
    all years together may be served better by a plan that gives up something in the last.
    """
    asked = [_one_year(request, step) for step in range(len(request.years))]
    last = _told(choose, ground, asked[-1])
    opened = [last.opened[-1]]
    for each in reversed(asked[:-1]):
        opened.insert(0, _part(choose, ground, each, opened[0]))
    counts = zip(request.years, opened, strict=True)
    told = ", ".join(f"{year}: {len(sites)}" for year, sites in counts)
    note = Note("last_decides", year=request.years[-1], told=told)
    return replace(last, opened=tuple(opened), decided=request.years[-1], notes=(*last.notes, note))


def _one_year(request: Request, step: int) -> Request:
    """Return the request for one of its years; the time of the search is shared among them.

    Where the standard is to be kept everywhere, that holds for the last year; until then as many as can be are covered.
    """
    is_last = step == len(request.years) - 1
    return replace(
        request,
        model="maximal" if request.model == "set" and not is_last else request.model,
        years=(request.years[step],),
        numbers=request.numbers[step : step + 1],
        budgets_cny=request.budgets_cny[step : step + 1],
        time_limit_s=request.time_limit_s / len(request.years),
    )


def _part(choose: ChooseOne, ground: Ground, request: Request, pool: Columns) -> Columns:
    """Return which of some offered sites stand in an earlier year."""
    number = min(request.numbers[0], len(pool)) if request.numbers else len(pool)
    if not number:
        return pool[:0]
    numbers = (number,) if request.numbers else ()
    part = replace(ground, offered=ground.offered[pool.tolist()])
    try:
        found = _told(choose, part, replace(request, numbers=numbers))
    except InfeasibleError:
        if request.model not in NOTHING_TO_GAIN:
            raise
        return pool[:0]
    return np.sort(pool[found.opened[-1]])


def _told(choose: ChooseOne, ground: Ground, request: Request) -> Choice:
    try:
        return choose(ground, request)
    except InfeasibleError as error:
        raise InfeasibleError([f"{request.years[0]}: {error.problems[0]}", *error.problems[1:]]) from error
