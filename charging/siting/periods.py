"""Several periods with any model: each alone, plans grown from each of them, and all periods as one.

What each period could have at best alone bounds all together. Plans are grown from the best of one period: back to
the best parts of it, on to the best that hold it. Where the model allows, all periods are then solved as one.
"""

import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from charging.siting.answer import Answer, make_answer
from charging.siting.cover_problems import ServiceCovering
from charging.siting.effort import Effort, Progress
from charging.siting.period_joint import any_plan, join
from charging.siting.period_models import (
    best_between,
    best_of_size,
    everything,
    kind_of,
    n_sites_of,
    opening_of,
    sense_of,
    standing,
)
from charging.siting.period_problem import PeriodProblem, Periods, PeriodsAnswer
from charging.siting.problem import FloatArray, IntArray
from networks.errors import DataError, InfeasibleError

ALONE_SHARE, GROWN_SHARE = 0.4, 0.5
"""Share of the time for the periods alone, and of the rest for the plans grown from them."""
SAME = 1e-9
"""Relative difference below which bound and objective are the same number."""


@dataclass(eq=False)
class _Plan:
    """What stands in each period, the value of all periods together, and the bound on it."""

    states: list[IntArray]
    value: float
    bound: float


def solve_periods(problem: Periods, effort: Effort) -> PeriodsAnswer:
    """Return what to open in each period, with a bound on all periods together.

    Raises
    ------
    InfeasibleError
        If a period cannot be met alone, or after what the plans found open before: which period, and what it lacks.
    DataError
        If the problems are not of one model, or do not fit each other.
    """
    cpu = time.process_time()
    problems, importance = list(problem.problems), _importance(problem)
    _require_alike(problems)
    search = _Search(problems, importance, effort, grows=problem.grows)
    alone = search.alone()
    least = np.array([answer.bound for _, answer in alone])
    plan = search.joined(search.first([state for state, _ in alone], float(importance @ least)), least)
    parts = [_exactly(each, state) for each, state in zip(problems, plan.states, strict=True)]
    value = float(importance @ [part.objective for part in parts])
    base = make_answer(
        np.flatnonzero(plan.states[-1]),
        parts[-1].assignment,
        value,
        max(plan.bound, value) if search.sense > 0 else min(plan.bound, value),
        cpu_s=time.process_time() - cpu,
        interrupted=effort.ended.is_set(),
        within=SAME,
    )
    found = tuple(answer for _, answer in alone)
    return PeriodsAnswer(**vars(base), opening=opening_of(plan.states), parts=tuple(parts), alone=found)


def _importance(problem: Periods) -> FloatArray:
    size = len(problem.problems)
    values = np.asarray(problem.importance or np.ones(size), dtype=np.float64)
    if not size or values.shape != (size,) or not (np.isfinite(values) & (values > 0)).all():
        raise DataError(f"importance {values.tolist()}: give a number above 0 for each of {size} periods, 1 at least")
    return values


def _require_alike(problems: list[PeriodProblem]) -> None:
    kinds, sizes = {kind_of(each) for each in problems}, [n_sites_of(each) for each in problems]
    if len(kinds) > 1 or len(set(sizes)) > 1:
        raise DataError(f"problems: {sorted(kinds)} with {sizes} sites; give one model and the same sites")
    for period in range(1, len(problems)):
        before, now = problems[period - 1], problems[period]
        if (standing(before) > standing(now)).any():
            raise DataError(f"fixed, period {period}: a site of the period before is missing; what stands stays")
        for name in ("p", "budget"):
            low, high = getattr(before, name, None), getattr(now, name, None)
            if high is not None and (low is None or low > high):
                raise DataError(f"{name}, period {period}: {low} before, {high} now; it must not fall")


def _exactly(problem: PeriodProblem, state: IntArray) -> Answer:
    return best_between(problem, state, state, Effort())[1]


class _Search:
    """The search for a plan, one step after the other within the time."""

    def __init__(
        self, problems: list[PeriodProblem], importance: FloatArray, effort: Effort, *, grows: bool = True
    ) -> None:
        self.problems, self.importance, self.effort, self.grows = problems, importance, effort, grows
        self.sense = sense_of(problems[0])
        self.told = Progress(np.nan, np.nan, 0.0)

    def alone(self) -> list[tuple[IntArray, Answer]]:
        """Return the best state of each period as if it were the only one."""
        found = []
        for period, problem in enumerate(self.problems):
            share = ALONE_SHARE / (1.0 - ALONE_SHARE * period / len(self.problems)) / len(self.problems)
            found.append(self._best(period, standing(problem), everything(problem), share))
        return found

    def _best(self, period: int, lower: IntArray, upper: IntArray, share: float) -> tuple[IntArray, Answer]:
        problem = self.problems[period]
        part = Effort(max(self.effort.seconds_left(), 0.0) * share, self.effort.gap, self.effort.nodes, self._asked)
        try:
            if isinstance(problem, ServiceCovering) and not self.grows:
                return best_of_size(problem, lower, upper, part)
            return best_between(problem, np.maximum(lower, standing(problem)), upper, part)
        except InfeasibleError as error:
            raise InfeasibleError([f"period {period}: {error.problems[0]}", *error.problems[1:]]) from error
        finally:
            if part.ended.is_set():
                self.effort.ended.set()

    def _asked(self, _: Progress) -> bool:
        self.effort.tell(self.told.objective, self.told.bound)
        return self.effort.ended.is_set()

    def first(self, alone: list[IntArray], bound: float) -> _Plan:
        """Return the best of the plans grown from each period's own best, or any plan where none of them will do.

        Raises
        ------
        InfeasibleError
            If no plan is known that meets every period; it says whether there is none.
        """
        try:
            return self.grown(alone, bound)
        except InfeasibleError as error:
            states, impossible = any_plan(self.problems, self.importance, self.effort)
            if impossible:
                told = "no plan over the periods serves every point; raise p"
                raise InfeasibleError([f"{told} ({error.problems[0]})", *error.problems[1:]]) from error
            if states is None:
                raise
            return _Plan(states, self._value(states), bound)

    def grown(self, alone: list[IntArray], bound: float) -> _Plan:
        """Return the best of the plans grown from each period's own best.

        Raises
        ------
        InfeasibleError
            If none of them meets every period.
        """
        best: _Plan | None = None
        refused: InfeasibleError | None = None
        last = len(alone) - 1
        anchors = [last] if _nested(alone) else [last, *range(last)]
        for place, anchor in enumerate(anchors):
            if best is not None and self.effort.seconds_left() <= 0:
                break
            try:
                plan = self._grown_from(anchor, alone[anchor], bound, GROWN_SHARE / (len(anchors) - place))
            except InfeasibleError as error:
                refused = error
                continue
            if best is None or self.sense * plan.value > self.sense * best.value:
                best = plan
                self.told = Progress(plan.value, bound, 0.0)
        if best is None and refused is not None:
            tried = "none of the plans grown from the best of one period meets all of them; raise the number there"
            raise InfeasibleError([f"{refused.problems[0]} ({tried})", *refused.problems[1:]])
        if best is None:
            raise RuntimeError("neither a plan nor a reason for none")
        return best

    def _grown_from(self, anchor: int, state: IntArray, bound: float, share: float) -> _Plan:
        size = len(self.problems)
        states, values = [state] * size, np.zeros(size)
        values[anchor] = _exactly(self.problems[anchor], state).objective
        own = share / max(size - 1, 1)
        for period in range(anchor - 1, -1, -1):
            nothing = np.zeros_like(state)
            states[period], answer = self._best(period, nothing, states[period + 1], own)
            values[period] = answer.objective
        for period in range(anchor + 1, size):
            every = everything(self.problems[period])
            states[period], answer = self._best(period, states[period - 1], every, own)
            values[period] = answer.objective
        return _Plan(states, float(self.importance @ values), bound)

    def joined(self, plan: _Plan, alone: FloatArray) -> _Plan:
        """Return the plan after all periods were solved as one, where the model allows it."""
        if self.effort.suffices(plan.value, plan.bound) or self.effort.seconds_left() <= 0:
            return plan
        joint = join(self.problems, self.importance, plan.states, alone, self.effort, grows=self.grows)
        if joint is None:
            return plan
        nearest = min if self.sense > 0 else max
        plan.bound = float(nearest(plan.bound, joint.bound))
        value = self._value(joint.states)
        return _Plan(joint.states, value, plan.bound) if self.sense * value > self.sense * plan.value else plan

    def _value(self, states: list[IntArray]) -> float:
        parts = [_exactly(each, state) for each, state in zip(self.problems, states, strict=True)]
        return float(self.importance @ [part.objective for part in parts])


def _nested(states: list[IntArray]) -> bool:
    return all((before <= now).all() for before, now in pairwise(states))
