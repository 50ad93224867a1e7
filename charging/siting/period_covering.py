"""Covering over several years and fleets: what is built stays, and every year is covered as well as possible.

Solved as a maximal covering, exactly: a column for every site and the period in which it opens, a row for every
point and period, a purse for every period. Schilling 1980, doi 10.1111/j.1538-4632.1980.tb00034.x.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import block_array, csr_array, vstack

from charging.siting.answer import make_answer
from charging.siting.cover_input import read_cover
from charging.siting.cover_problems import Fleet, PeriodCovering
from charging.siting.cover_purse import make_purse
from charging.siting.effort import Effort
from charging.siting.maximal_covering import SAME, solve_maximal_covering, solve_purses
from charging.siting.period_problem import OpeningAnswer
from charging.siting.problem import FloatArray, IntArray, MaximalCovering, as_sites, as_vector
from networks.errors import DataError, InfeasibleError


def join_fleets(fleets: Mapping[str, Fleet]) -> tuple[csr_array, FloatArray, dict[str, slice]]:
    """Return cover and weight of all fleets one below the other, and the rows of each.

    Raises
    ------
    DataError
        If the fleets do not share the sites.
    """
    covers = [csr_array(fleet.cover) for fleet in fleets.values()]
    sites = {name: cover.shape[1] for name, cover in zip(fleets, covers, strict=True)}
    if len(set(sites.values())) != 1:
        raise DataError(f"fleets: numbers of sites differ: {sites}; give every fleet all shared sites")
    weights = [fleet.importance * np.asarray(fleet.weight, dtype=np.float64) for fleet in fleets.values()]
    ends = np.cumsum([cover.shape[0] for cover in covers]).tolist()
    rows = {name: slice(end - cover.shape[0], end) for name, cover, end in zip(fleets, covers, ends, strict=True)}
    return csr_array(vstack(covers).tocsr()), np.concatenate(weights, axis=-1), rows


@dataclass(frozen=True, eq=False)
class PeriodAnswer(OpeningAnswer):
    """What to open and when, and the weight covered in each period."""

    covered: FloatArray


def solve_period_covering(problem: PeriodCovering, effort: Effort) -> PeriodAnswer:
    """Return what to open in each period, with an upper bound on the weight covered over all periods.

    Raises
    ------
    InfeasibleError
        If the fixed sites pass a number or a budget: in which periods, and by how much to raise each.
    DataError
        If arrays do not fit each other, or neither numbers nor budgets are given.
    """
    cpu = time.process_time()
    cover = read_cover(problem.cover)
    weight = _period_weights(problem.weight, cover.n_points)
    n_periods, n_sites = len(weight), cover.n_sites
    fixed = as_sites(problem.fixed, n_sites)
    cost, budget = _period_purses(problem, fixed, n_periods, n_sites)
    wide = wide_cover([csr_array(problem.cover)] * n_periods)
    chosen, bound = solve_purses(read_cover(wide), weight.reshape(-1), fixed, make_purse(cost, budget), effort)
    opening = openings(chosen, n_periods, n_sites)
    covered = np.array([_covered(cover, weight[t], opening, t) for t in range(n_periods)])
    sites = np.flatnonzero(opening >= 0)
    base = make_answer(
        sites,
        cover.first_open_site(sites),
        float(covered.sum()),
        max(bound, float(covered.sum())),
        cpu_s=time.process_time() - cpu,
        interrupted=effort.ended.is_set(),
        within=SAME,
    )
    return PeriodAnswer(**vars(base), opening=opening, covered=covered)


def period_regret(problem: PeriodCovering, answer: PeriodAnswer, effort: Effort) -> FloatArray:
    """Return for each period at most how much more a plan made for it alone would cover [unit of weight]."""
    weight = _period_weights(problem.weight, int(problem.cover.shape[0]))
    regret = np.zeros(len(weight))
    for period, row in enumerate(weight):
        alone = MaximalCovering(
            problem.cover,
            row,
            None if problem.p is None else problem.p[period],
            problem.cost,
            None if problem.budget is None else problem.budget[period],
            problem.fixed,
        )
        start = answer.sites_in(period)
        regret[period] = solve_maximal_covering(alone, effort, start=start).bound - answer.covered[period]
    return np.maximum(regret, 0.0)


def _period_weights(weight: ArrayLike, n_points: int) -> FloatArray:
    rows = np.asarray(weight, dtype=np.float64)
    if rows.ndim != 2:
        raise DataError(f"weight: {rows.ndim} dimensions; give periods x points")
    return np.array([as_vector(row, n_points, f"weight of period {t}") for t, row in enumerate(rows)])


def _period_purses(
    problem: PeriodCovering, fixed: IntArray, n_periods: int, n_sites: int
) -> tuple[FloatArray, FloatArray]:
    """Return a purse a period for the number and for the money: costs of (period, site) columns, and contents."""
    if problem.p is None and problem.budget is None:
        raise DataError("p None, budget None: give one of the two, or both, a value each period")
    costs, contents, short = [], [], list[str]()
    for name, each, limits in (
        ("p", np.ones(n_sites), problem.p),
        ("budget", as_vector(problem.cost, n_sites, "cost"), problem.budget),
    ):
        if limits is None:
            continue
        content = as_vector(limits, n_periods, name)
        short += _short(name, float(each[fixed].sum()), content)
        costs += [spent_by(each, t, n_periods) for t in range(n_periods)]
        contents.append(content)
    if short:
        raise InfeasibleError(short)
    return np.array(costs), np.concatenate(contents)


def _short(name: str, needed: float, content: FloatArray) -> list[str]:
    """Return a message for each period in which the fixed sites alone take more than there is."""
    periods = np.flatnonzero(needed > content + 1e-9 * np.maximum(content, 1.0))
    return [
        f"{name}, period {period}: the fixed sites take {needed:g}; raise {content[period]:g} by "
        f"{needed - content[period]:g}"
        for period in periods.tolist()
    ]


def wide_cover(covers: Sequence[csr_array]) -> csr_array:
    """Return rows (period, point) x columns (period of opening, site) from the cover of each period."""
    every = range(len(covers))
    blocks = [[cover if opened <= period else None for opened in every] for period, cover in enumerate(covers)]
    return csr_array(block_array(blocks, format="csr")) if len(covers) > 1 else covers[0]


def spent_by(cost: FloatArray, period: int, n_periods: int) -> FloatArray:
    """Return what the columns of `wide_cover` take of the purses of a period, from what sites cost (last axis)."""
    return np.tile(cost, n_periods) * np.repeat(np.arange(n_periods) <= period, cost.shape[-1])


def openings(chosen: IntArray, n_periods: int, n_sites: int) -> IntArray:
    """Return for each site the period in which it opens, -1: never, from the chosen columns of `wide_cover`."""
    period, site = np.divmod(chosen, n_sites)
    opening = np.full(n_sites, n_periods, dtype=np.int64)
    np.minimum.at(opening, site, period)
    return np.where(opening < n_periods, opening, -1)


def _covered(cover: Any, weight: FloatArray, opening: IntArray, period: int) -> float:
    sites = np.flatnonzero((opening >= 0) & (opening <= period))
    return float(weight[cover.first_open_site(sites) >= 0].sum())
