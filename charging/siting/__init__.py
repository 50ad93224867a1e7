"""Which sites to open: siting models with a solution, a bound and a gap.

>>> import numpy as np
>>> from charging.siting import MaximalCovering, solve
>>> cover = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1]])
>>> answer = solve(MaximalCovering(cover, weight=np.array([5.0, 1.0, 3.0]), p=1))
>>> answer.sites.tolist(), answer.objective, answer.status
([0], 6.0, 'optimal')
"""

from charging.siting.answer import Answer
from charging.siting.cover_problems import (
    Fleet,
    GradualCovering,
    PeriodCovering,
    ServiceCovering,
    StandardCovering,
    Supply,
)
from charging.siting.flow_problem import FlowRefuelling, Flows, RoadGraph
from charging.siting.median_problem import CapacitatedPMedian
from charging.siting.period_problem import Periods, PeriodsAnswer
from charging.siting.problem import MaximalCovering, PCenter, PMedian, SetCovering
from charging.siting.solve import Problem, solve

__all__ = [
    "Answer",
    "CapacitatedPMedian",
    "Fleet",
    "FlowRefuelling",
    "Flows",
    "GradualCovering",
    "MaximalCovering",
    "PCenter",
    "PMedian",
    "PeriodCovering",
    "Periods",
    "PeriodsAnswer",
    "Problem",
    "RoadGraph",
    "ServiceCovering",
    "SetCovering",
    "StandardCovering",
    "Supply",
    "solve",
]
