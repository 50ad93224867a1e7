"""Several periods with any siting model: the same sites in each, and what opens stays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charging.siting.answer import Answer
from charging.siting.cover_problems import GradualCovering, ServiceCovering
from charging.siting.flow_problem import FlowRefuelling
from charging.siting.median_problem import CapacitatedPMedian
from charging.siting.problem import FloatArray, IntArray, MaximalCovering, PCenter, PMedian

PeriodProblem = (
    MaximalCovering | GradualCovering | ServiceCovering | PMedian | CapacitatedPMedian | PCenter | FlowRefuelling
)


@dataclass(frozen=True, eq=False)
class Periods:
    """Open sites period by period, none ever closed, so that all periods together are served as well as can be.

    Parameters
    ----------
    problems
        What is asked in each period, all of one model. Their sites (columns, or nodes of a graph) are the same;
        points, weights and costs of ways may be others in each. Numbers, budgets and fixed sites must not shrink.
    importance
        Factor on the objective of each period, above 0; empty: 1 each.
    grows
        Whether a station with sizes may be larger in a later period; otherwise it opens at the size it keeps.
    """

    problems: Sequence[PeriodProblem]
    importance: Sequence[float] = ()
    grows: bool = True


@dataclass(frozen=True, eq=False)
class OpeningAnswer(Answer):
    """What to open and when; `sites` and `assignment` are those of the last period.

    Parameters
    ----------
    opening
        For each site the period in which it opens (fixed ones in the first in which they are), -1: never.
    """

    opening: IntArray

    def sites_in(self, period: int) -> IntArray:
        """Return the sites open in `period`."""
        return np.flatnonzero((self.opening >= 0) & (self.opening <= period))


@dataclass(frozen=True, eq=False)
class PeriodsAnswer(OpeningAnswer):
    """What to open and when, and what each period has of it.

    Parameters
    ----------
    parts
        What the plan is in each period; its objective is that of the period, its bound that of `alone`.
    alone
        The best found for each period as if it were the only one, with the bound for it.
    """

    parts: tuple[Answer, ...]
    alone: tuple[Answer, ...]

    @property
    def regret(self) -> FloatArray:
        """At most how much better each period would be served by a plan for it alone [unit of the problem]."""
        pairs = zip(self.parts, self.alone, strict=True)
        return np.array([abs(part.objective - alone.bound) for part, alone in pairs])
