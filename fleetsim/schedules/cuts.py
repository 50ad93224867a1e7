"""Rows that no whole-vehicle schedule breaks, but the linear relaxation does: they lift the bound.

A group's service row asks for p1 a + p2 b >= R with whole numbers a and b of vehicles. The lower left hull of the whole
points that serve gives at most a handful of rows a group and year. With more than two different p the lower (or the
upper) ones are taken for the best among them, which keeps the rows valid.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array, vstack

from fleetsim.schedules.problem import FloatArray, ScheduleProblem
from fleetsim.schedules.program import Program

MOST_VEHICLES = 400
"""Fleets above this number are not rounded by enough to be worth rows of their own."""
EPSILON = 1e-9

Facet = tuple[float, float, float]


def strengthened(problem: ScheduleProblem, program: Program) -> Program:
    """Return the program with the hull rows of every group and year; whole schedules keep their cost."""
    held, missing = program.columns.held, program.columns.missing
    row: list[int] = []
    column: list[int] = []
    value: list[float] = []
    bounds: list[float] = []
    names: list[tuple[str, int, int, int]] = []
    for g, t in np.argwhere(problem.required > 0):
        relieves = problem.vehicles.relieves[g]
        for weights, least in _rows(relieves, float(problem.required[g, t])):
            used = np.flatnonzero(weights[:-1])
            column += [*held[g, used, t].tolist(), int(missing[g, t])]
            value += [*weights[used].tolist(), float(weights[-1])]
            row += [len(bounds)] * (used.size + 1)
            bounds.append(least)
            names.append(("hull", int(g), int(t), 0))
    if not bounds:
        return program
    more = csr_array((value, (row, column)), shape=(len(bounds), program.matrix.shape[1]))
    depots = problem.depot[[name[1] for name in names]]
    return replace(
        program,
        matrix=csr_array(vstack([program.matrix, more], format="csr")),
        row_lower=np.concatenate([program.row_lower, bounds]),
        row_upper=np.concatenate([program.row_upper, np.full(len(bounds), np.inf)]),
        row_depot=np.concatenate([program.row_depot, depots]),
        row_name=program.row_name + tuple(names),
    )


def _rows(relieves: FloatArray, required: float) -> Iterator[tuple[FloatArray, float]]:
    """Yield weights (one a powertrain, the last for missing vehicles) and least sum of each cut of one service row."""
    levels = np.unique(relieves[relieves > 0])[::-1]
    if levels.size == 0 or required / levels[-1] > MOST_VEHICLES:
        return
    splits = range(1, levels.size) if levels.size > 1 else range(1, 2)
    for split in splits:
        high, low = float(levels[0]), float(levels[split]) if levels.size > 1 else float(levels[0])
        upper = relieves >= levels[split - 1] - EPSILON
        for weight_high, weight_low, least in _facets(high, low, required):
            weights = np.where(upper, weight_high, np.where(relieves > 0, weight_low, 0.0))
            yield np.append(weights, weight_high), least


@lru_cache(maxsize=100_000)
def _facets(high: float, low: float, required: float) -> tuple[Facet, ...]:
    """Return the rows weight_high a + weight_low b >= least of the hull of whole (a, b), high a + low b >= required.

    >>> _facets(1.0, 1.0, 2.5)
    ((1.0, 1.0, 3.0),)
    """
    most = int(np.ceil(required / high - EPSILON))
    a = np.arange(most + 1)
    b = np.maximum(np.ceil((required - high * a) / low - EPSILON), 0.0)
    hull: list[tuple[float, float]] = []
    for point in zip(a.tolist(), b.tolist(), strict=True):
        while len(hull) > 1 and _turns_up(hull[-2], hull[-1], point):
            hull.pop()
        hull.append((float(point[0]), float(point[1])))
    facets = []
    for (a1, b1), (a2, b2) in pairwise(hull):
        if b1 > b2:
            slope = (b1 - b2) / (a2 - a1)
            facets.append((slope, 1.0, b1 + slope * a1))
    return tuple(facets)


def _turns_up(first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]) -> bool:
    """Return whether the middle point lies on or above the line from the first to the last."""
    rise = (last[1] - first[1]) * (middle[0] - first[0])
    return (middle[1] - first[1]) * (last[0] - first[0]) >= rise - EPSILON
