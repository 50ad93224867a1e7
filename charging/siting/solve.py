"""One door to every siting model."""

from importlib import import_module

from charging.siting.answer import Answer
from charging.siting.cover_problems import GradualCovering, PeriodCovering, ServiceCovering, StandardCovering
from charging.siting.effort import Effort, Report
from charging.siting.flow_problem import FlowRefuelling
from charging.siting.median_problem import CapacitatedPMedian
from charging.siting.period_problem import Periods
from charging.siting.problem import MaximalCovering, PCenter, PMedian, SetCovering

Problem = (
    MaximalCovering
    | GradualCovering
    | PeriodCovering
    | ServiceCovering
    | SetCovering
    | StandardCovering
    | PMedian
    | CapacitatedPMedian
    | PCenter
    | FlowRefuelling
    | Periods
)
DEFAULT_TIME_LIMIT_S = 60.0
_SOLVERS = {
    "MaximalCovering": "maximal_covering",
    "GradualCovering": "gradual_covering",
    "PeriodCovering": "period_covering",
    "ServiceCovering": "service_covering",
    "SetCovering": "set_covering",
    "StandardCovering": "standard_covering",
    "PMedian": "p_median",
    "CapacitatedPMedian": "capacitated_p_median",
    "PCenter": "p_center",
    "FlowRefuelling": "flow_refuelling",
    "Periods": "periods",
}
"""Module of each problem; in it stands `solve_` with the module's name. Only the one that is needed is imported."""


def solve(
    problem: Problem,
    *,
    time_limit_s: float = DEFAULT_TIME_LIMIT_S,
    gap: float = 0.0,
    nodes: int | None = None,
    report: Report | None = None,
) -> Answer:
    """Return the best sites found, with a bound and the gap between them.

    Parameters
    ----------
    problem
        One of the siting problems.
    time_limit_s
        Wall time [s]. A run that ends before it gives the same answer every time.
    gap
        Relative gap that is good enough [0 to 1].
    nodes
        Most nodes of branch and bound, for a limit that does not depend on the machine; None: no limit.
    report
        Called now and then with the `Progress`; where it returns True, the search ends with the best answer so far.

    Raises
    ------
    InfeasibleError
        If no choice of sites meets the constraints; the message says which one and by how much to relax it.
    DataError
        If an array has the wrong shape or a value out of its bounds.

    Notes
    -----
    The search goes on until bound and objective meet (`optimal`), the gap is at most `gap` (`feasible`), `report` or
    Ctrl-C ends it (`interrupted`), or the time or the nodes are used up (`feasible` with a gap above `gap`).
    """
    return solve_within(problem, Effort(time_limit_s, gap, nodes, report))


def solve_within(problem: Problem, effort: Effort) -> Answer:
    """Return the best sites found until `effort` ends, see `solve`."""
    solver = _SOLVERS.get(type(problem).__name__)
    if solver is None:
        raise TypeError(f"{type(problem).__name__} is not a siting problem")
    answer: Answer = getattr(import_module(f"charging.siting.{solver}"), f"solve_{solver}")(problem, effort)
    return answer
