"""Solving a schedule problem: bound, whole schedule and gap.

Small problems go to HiGHS as they are, all in whole numbers. Larger ones: the linear relaxation with hull rows; lots
rounded and the relaxation solved again; a whole schedule made from it step by step; clusters of depots solved again in
whole numbers near it while time is left; the bound lifted depot by depot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fleetsim.schedules import bound as lift
from fleetsim.schedules import rounding
from fleetsim.schedules.cuts import strengthened
from fleetsim.schedules.highs import Answer, Effort, minimise
from fleetsim.schedules.parts import cut
from fleetsim.schedules.problem import FloatArray, ScheduleProblem
from fleetsim.schedules.program import Program, build
from fleetsim.schedules.stepwise import stepwise
from networks.errors import InfeasibleError

SMALL = 400
"""Whole columns up to which HiGHS proves the optimum of the whole problem itself."""
LARGE_COLUMNS = 60_000
"""Columns from which the relaxation is solved by the interior point method."""
IMPROVING_SHARE = 0.7
"""Share of the CPU time left that goes into better schedules; the rest lifts the bound."""
NO_SCHEDULE = "schedule: no schedule keeps the limits on chargers, deliveries and ages; allow more grid modules"


@dataclass(frozen=True, eq=False)
class Solution:
    """A whole schedule with its proof.

    Attributes
    ----------
    values
        One a column of the program.
    cost, bound
        Cost of the schedule, and what no whole schedule falls below [CNY].
    continuous
        The schedule before rounding; None where the whole problem was solved at once.
    relaxed
        The linear relaxation with its dual prices.
    broken
        Coupling rows that the schedule breaks; empty if it is feasible.
    """

    problem: ScheduleProblem
    program: Program
    values: FloatArray
    cost: float
    bound: float
    continuous: FloatArray | None
    relaxed: Answer
    broken: tuple[str, ...]

    @property
    def gap(self) -> float:
        """Return the cost above the bound, over the bound."""
        return (self.cost - self.bound) / max(abs(self.bound), 1e-9)

    @property
    def held(self) -> FloatArray:
        """Return vehicles in service (G, K, T)."""
        return self.values[self.program.columns.held]

    @property
    def bought(self) -> FloatArray:
        """Return vehicles bought (G, K, T)."""
        return self.values[self.program.columns.bought]

    @property
    def chargers(self) -> FloatArray:
        """Return chargers that stand (D, T)."""
        return self.values[self.program.columns.chargers]

    @property
    def modules(self) -> FloatArray:
        """Return grid modules that stand (D, T)."""
        return self.values[self.program.columns.modules]

    @property
    def missing(self) -> FloatArray:
        """Return vehicles missing (G, T)."""
        return self.values[self.program.columns.missing]

    @property
    def slack(self) -> FloatArray:
        """Return vehicles missing to each clause, in the order of `Columns.slack_of`."""
        return self.values[self.program.columns.slack]


def solve(problem: ScheduleProblem, *, cpu_s: float = 60.0, gap: float = 0.001) -> Solution:
    """Return a whole schedule, its cost and a proven bound.

    Parameters
    ----------
    problem
        What to plan.
    cpu_s
        CPU time after which the search stops [s].
    gap
        Relative gap that is good enough.

    Raises
    ------
    InfeasibleError
        If no schedule keeps the hard rows.

    Notes
    -----
    Time changes only the quality: the linear relaxation is always solved to its end, and where the time is over
    before a whole schedule was searched out, one is made from it step by step.
    """
    effort = Effort(cpu_s, gap)
    program = strengthened(problem, build(problem))
    method = "ipm" if program.matrix.shape[1] > LARGE_COLUMNS else "simplex"
    relaxed = minimise(program, replace(effort, cpu_s=np.inf), method=method)
    if relaxed.values is None:
        raise InfeasibleError(NO_SCHEDULE)
    if int(program.whole.sum()) <= SMALL:
        answer = minimise(program, effort, program.whole)
        if answer.values is not None:
            values = rounding.settled(answer.values, program.whole)
            return _solution(problem, program, values, max(answer.bound, relaxed.bound), None, relaxed)
    return _staged(problem, program, relaxed, effort)


def _staged(problem: ScheduleProblem, program: Program, relaxed: Answer, effort: Effort) -> Solution:
    fixed, plan = _with_whole_lots(program, relaxed)
    begun = plan.values if plan.values is not None else relaxed.values
    if begun is None:
        raise InfeasibleError(NO_SCHEDULE)
    whole = stepwise(problem, program, begun)
    parts = cut(problem, rounding.banded(problem, fixed, begun, whole))
    sets = rounding.clusters(parts, len(problem.groups))
    good = relaxed.bound * (1.0 + effort.gap)
    whole = rounding.improve(parts, whole, sets, effort.part(IMPROVING_SHARE), good)
    enough = float(program.cost @ whole) / (1.0 + effort.gap)
    found = lift.lifted(cut(problem, program), relaxed, whole, effort.part(1.0), enough)
    return _solution(problem, program, whole, found, begun, relaxed)


def _with_whole_lots(program: Program, relaxed: Answer) -> tuple[Program, Answer]:
    """Return the program with the lots fixed to whole numbers, their running sums rounded, and its relaxation."""
    lots = program.columns.lots
    exists = lots >= 0
    if relaxed.values is None or not exists.any():
        return program, relaxed
    running = np.cumsum(np.where(exists, relaxed.values[lots], 0.0), axis=2)
    whole = np.diff(np.floor(running + 0.5), axis=2, prepend=0.0)
    lower, upper = program.lower.copy(), program.upper.copy()
    lower[lots[exists]] = upper[lots[exists]] = np.minimum(whole[exists], upper[lots[exists]])
    fixed = replace(program, lower=lower, upper=upper)
    return fixed, minimise(fixed, Effort(), method="simplex", basis=relaxed.basis)


def _solution(
    problem: ScheduleProblem,
    program: Program,
    values: FloatArray,
    bound: float,
    continuous: FloatArray | None,
    relaxed: Answer,
) -> Solution:
    parts = cut(problem, program)
    broken = np.flatnonzero(rounding.violations(parts, values) > rounding.TOLERANCE)
    names = tuple(program.row_name[parts.coupling[row]][0] for row in broken)
    return Solution(problem, program, values, float(program.cost @ values), bound, continuous, relaxed, names)
