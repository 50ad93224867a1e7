"""The answer to a siting problem: what to open, and how far from the best it can be."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from charging.siting.problem import FloatArray, IntArray

Status = Literal["optimal", "feasible", "interrupted"]

MEETS = 1e-9
"""Relative difference below which bound and objective are the same number (rounding of doubles)."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a siting model found.

    Parameters
    ----------
    sites
        Open sites, sorted, fixed ones included.
    assignment
        For each point the open site that serves it, -1 where none does.
    objective
        Value of these sites: covered weight, cost or distance [unit of the problem].
    bound
        No choice of sites can be better than this [unit of the problem].
    gap
        abs(bound - objective) / abs(objective); infinite where the objective is 0 and the bound is not.
    status
        `optimal` only where bound and objective meet; `interrupted` where the caller ended the search before;
        else `feasible`.
    cpu_s
        Processor time [s].
    """

    sites: IntArray
    assignment: IntArray
    objective: float
    bound: float
    gap: float
    status: Status
    cpu_s: float


def make_answer(  # noqa: PLR0913 - the fields of an answer
    sites: IntArray,
    assignment: IntArray,
    objective: float,
    bound: float,
    *,
    cpu_s: float,
    interrupted: bool = False,
    within: float = MEETS,
) -> Answer:
    """Return the answer with its gap and status; a bound that meets the objective is set equal to it.

    Parameters
    ----------
    sites, assignment, objective, bound, cpu_s
        See `Answer`.
    interrupted
        Whether the caller ended the search.
    within
        Relative difference below which bound and objective are the same number.
    """
    if meets(objective, bound, within):
        return Answer(sites, assignment, objective, objective, 0.0, "optimal", cpu_s)
    gap = abs(bound - objective) / abs(objective) if objective else np.inf
    status: Status = "interrupted" if interrupted else "feasible"
    return Answer(sites, assignment, objective, bound, gap, status, cpu_s)


def meets(objective: float, bound: float, within: float = MEETS) -> bool:
    """Return whether bound and objective are the same number up to rounding."""
    return abs(bound - objective) <= within * max(abs(objective), abs(bound))


def whole(values: FloatArray) -> bool:
    """Return whether all values are whole numbers, so that every objective is one and bounds may be rounded."""
    return bool(np.all(values == np.rint(values)) and values.sum() < 2**50)


def cheapest_site(cost: FloatArray, sites: IntArray) -> IntArray:
    """Return for each point its cheapest open site, -1 where none is allowed."""
    if not sites.size:
        return np.full(cost.shape[0], -1, dtype=np.int64)
    among = cost[:, sites]
    nearest = among.argmin(axis=1)
    reached = np.isfinite(among[np.arange(len(nearest)), nearest])
    return np.where(reached, sites[nearest], -1)
