"""A whole schedule after a plan, year by year and without search: always found, at the cost of a few steps a year.

Purchases follow the plan's running sums, rounded within the orders of a family so that lots are whole; vehicles leave
as they do in the plan. What breaks a limit is taken back, what a group then lacks is kept longer or bought, and what is
left is missing. Buying and keeping nothing breaks no limit, so the steps always end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fleetsim.schedules.highs import Effort, minimise
from fleetsim.schedules.problem import BoolArray, FloatArray, ScheduleProblem
from fleetsim.schedules.program import Program
from networks.errors import InfeasibleError

TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class _Plan:
    """The plan's columns: held, bought (G, K, T), missing (G, T), chargers, modules (D, T)."""

    held: FloatArray
    bought: FloatArray
    missing: FloatArray
    chargers: FloatArray
    modules: FloatArray


def stepwise(problem: ScheduleProblem, program: Program, values: FloatArray) -> FloatArray:
    """Return a whole schedule near a plan, one value a column; a whole plan that keeps all limits comes back as it is.

    Parameters
    ----------
    problem
        What is planned.
    program
        Its rows and columns, lots not fixed.
    values
        The plan, one value a column; it may be continuous or break limits.

    Raises
    ------
    InfeasibleError
        If even a schedule that buys nothing breaks a limit.
    """
    columns = program.columns
    wanted = (columns.held, columns.bought, columns.missing, columns.chargers, columns.modules)
    plan = _Plan(*(values[numbers] for numbers in wanted))
    result = np.zeros(columns.count)
    state = _State.begin(problem)
    for t in range(len(problem.years)):
        year = _Year(problem, plan, state, t, program.upper[columns.chargers[:, t]])
        year.settle()
        state = year.after()
        done = (year.held, year.bought, year.missing, state.chargers, state.modules)
        for numbers, each in zip(wanted, done, strict=True):
            result[numbers[..., t]] = each
    _count_lots(problem, program, result)
    return _with_leavings(program, result)


def _count_lots(problem: ScheduleProblem, program: Program, result: FloatArray) -> None:
    columns = program.columns
    for f, k, t in np.argwhere(columns.lots >= 0):
        own = columns.bought[problem.family == f, k, t]
        result[columns.lots[f, k, t]] = np.round(result[own].sum() / problem.lot[f, k])


def _with_leavings(program: Program, result: FloatArray) -> FloatArray:
    """Return the schedule with the cheapest choice of vehicles that leave, and the slack of the clauses."""
    fixed = np.ones(result.size, dtype=bool)
    fixed[program.columns.leaving] = fixed[program.columns.slack] = False
    lower, upper = np.where(fixed, result, program.lower), np.where(fixed, result, program.upper)
    answer = minimise(replace(program, lower=lower, upper=upper), Effort())
    if answer.values is None:
        raise InfeasibleError("schedule: no schedule keeps the limits on chargers, deliveries and ages; widen them")
    return np.where(fixed, result, np.maximum(answer.values, 0.0))


@dataclass(frozen=True, eq=False)
class _State:
    """What stands when a year begins: vehicles by age (G, K, A), those bought so far (G, K), chargers, modules (D,)."""

    ages: FloatArray
    bought: FloatArray
    chargers: FloatArray
    modules: FloatArray

    @classmethod
    def begin(cls, problem: ScheduleProblem) -> _State:
        initial, most = problem.vehicles.initial, problem.vehicles.operation_cny.shape[2]
        ages = np.zeros((*initial.shape[:2], max(most, initial.shape[2])))
        ages[:, :, : initial.shape[2]] = initial
        site = problem.site
        return cls(ages, np.zeros(ages.shape[:2]), np.ceil(site.chargers - TOLERANCE), np.zeros(len(problem.depots)))


class _Year:
    """One year being settled: `kept` of the vehicles that stood, and `bought` (G, K)."""

    def __init__(self, problem: ScheduleProblem, plan: _Plan, state: _State, t: int, most_chargers: FloatArray) -> None:
        self.problem, self.state, self.t, self.most_chargers = problem, state, t, most_chargers
        young = np.arange(state.ages.shape[2]) < problem.vehicles.age_limit[:, :, None]
        self.ages = np.where(young, state.ages, 0.0)
        self.old: FloatArray = self.ages.sum(axis=2)
        self.plan_held = plan.held[:, :, t]
        self.plan_missing = np.ceil(plan.missing[:, t] - TOLERANCE)
        self.ahead = np.floor(plan.chargers[:, t] + TOLERANCE), np.floor(plan.modules[:, t] + TOLERANCE)
        self.bought = self._purchases(plan.bought[:, :, : t + 1].sum(axis=2) - state.bought)
        self.kept = self._kept(plan)

    @property
    def held(self) -> FloatArray:
        """Return vehicles in service (G, K)."""
        return self.kept + self.bought

    @property
    def missing(self) -> FloatArray:
        """Return vehicles missing to the service (G,)."""
        short = self._required() - (self.held * self.problem.vehicles.relieves).sum(axis=1)
        missing = np.ceil(short / np.maximum(self.problem.missing_relieves(), 1e-9) - TOLERANCE)
        return np.asarray(np.maximum(missing, 0.0))

    def settle(self) -> None:
        """Trim what serves nobody, take back what breaks a limit, then fill what is short."""
        for g in range(len(self.problem.groups)):
            self._trim(g)
        while (fault := self._fault()) is not None:
            if not self._lessened(fault):
                break
        for g in np.flatnonzero(self.missing > self.plan_missing).tolist():
            while self.missing[g] > self.plan_missing[g] and self._one_more(g):
                pass

    def after(self) -> _State:
        """Return what stands when the next year begins; the youngest vehicles stay."""
        before = np.cumsum(self.ages, axis=2) - self.ages
        stay = np.clip(self.kept[:, :, None] - before, 0.0, self.ages)
        return _State(_aged(stay, self.bought), self.state.bought + self.bought, *self._built())

    def _required(self) -> FloatArray:
        return self.problem.required[:, self.t]

    def _purchases(self, due: FloatArray) -> FloatArray:
        """Return whole purchases near those due, their sum over a family in whole lots."""
        problem, bought = self.problem, np.zeros(due.shape)
        for f, k in np.ndindex(*problem.lot.shape):
            own = np.flatnonzero((problem.family == f) & problem.vehicles.buyable[:, k, self.t])
            lot = float(problem.lot[f, k])
            most = np.floor(problem.deliveries[f, k, self.t] / lot)
            number = min(np.floor(float(due[own, k].sum()) / lot + 0.5 + TOLERANCE), most)
            bought[own, k] = _dealt(due[own, k], max(number, 0.0) * lot if own.size else 0.0)
        return bought

    def _kept(self, plan: _Plan) -> FloatArray:
        """Return vehicles kept: of those there, as many leave as the plan's running sum asks for."""
        start = self.problem.vehicles.initial.sum(axis=2)
        left = start + plan.bought[:, :, : self.t + 1].sum(axis=2) - self.plan_held
        gone = start + self.state.bought - self.old
        leave = np.maximum(np.floor(left - gone + 0.5 + TOLERANCE), 0.0)
        return np.asarray(np.maximum(self.old - leave, 0.0))

    def _trim(self, g: int) -> None:
        relieves = self.problem.vehicles.relieves[g]
        asked = 0.0 if self.plan_missing[g] else float(self._required()[g])
        least = max(float(relieves @ self.plan_held[g]), asked)
        while True:
            over = self.held[g] - self.plan_held[g]
            spare = float(relieves @ self.held[g]) - relieves >= least - TOLERANCE
            can = spare & (self.kept[g] > 0) & (over > TOLERANCE)
            if not can.any():
                return
            self.kept[g, int(np.argmax(np.where(can, over, -np.inf)))] -= 1.0

    def _built(self) -> tuple[FloatArray, FloatArray]:
        """Return chargers and modules (D,): those there, those needed, those the plan builds ahead."""
        site, problem = self.problem.site, self.problem
        energy = (self.held * problem.vehicles.energy_kwh).sum(axis=1)
        asked = np.bincount(problem.depot, weights=energy, minlength=len(problem.depots)) / site.charger_kwh
        chargers = np.maximum.reduce([self.state.chargers, np.ceil(asked - 1e-9), self.ahead[0]])
        power = (site.charger_kw * chargers - site.grid_kw) / np.maximum(site.module_kw, 1e-9)
        modules = np.minimum(np.ceil(power - TOLERANCE), site.most_modules)
        return chargers, np.maximum.reduce([self.state.modules, modules, self.ahead[1]])

    def _fault(self) -> BoolArray | None:
        """Return vehicles (G, K) of which there are too many for a limit; None if all limits are kept."""
        problem, v = self.problem, self.problem.vehicles
        chargers, modules = self._built()
        wide = chargers > self.most_chargers + TOLERANCE
        if wide.any():
            return np.asarray(wide[problem.depot][:, None] & (v.energy_kwh > 0))
        if float((self.held * v.hydrogen_kg).sum()) > problem.hydrogen_supply_kg[self.t] + 1e-9:
            return np.asarray(v.hydrogen_kg > 0)
        if self._spent(chargers, modules) <= problem.budget_cny[self.t] * (1.0 + 1e-12) + 1e-6:
            return None
        if self.bought.any():
            return self.bought > 0
        more = (chargers > self.state.chargers) | (modules > self.state.modules)
        return np.asarray(more[problem.depot][:, None] & (v.energy_kwh > 0))

    def _spent(self, chargers: FloatArray, modules: FloatArray) -> float:
        site, price = self.problem.site, self.problem.vehicles.price_cny[:, :, self.t]
        built = (chargers - self.state.chargers) @ site.charger_cny + (modules - self.state.modules) @ site.module_cny
        return float((self.bought * price).sum() + built)

    def _lessened(self, fault: BoolArray) -> bool:
        """Take back what was built ahead, a vehicle kept or an order; return whether there was anything."""
        chargers, modules = self._built()
        over = self._spent(chargers, modules) - float(self.problem.budget_cny[self.t])
        if over > 0 and any(each.any() for each in self.ahead):
            self.ahead = np.zeros_like(self.ahead[0]), np.zeros_like(self.ahead[1])
            return True
        money = bool((fault <= (self.bought > 0)).all()) and over > 0
        kept = fault & (self.kept > 0)
        if kept.any() and not money:
            surplus = np.where(kept, self.held - self.plan_held, -np.inf)
            self.kept[np.unravel_index(int(np.argmax(surplus)), surplus.shape)] -= 1.0
            return True
        ordered = fault & (self.bought > 0)
        if not ordered.any():
            return False
        self._cancel(ordered, over)
        return True

    def _cancel(self, ordered: BoolArray, over: float) -> None:
        """Take back the smallest order that saves `over`, else the largest; its vehicles from where there are most."""
        problem = self.problem
        worth = problem.vehicles.price_cny[:, :, self.t] * problem.lot[problem.family]
        enough = ordered & (worth >= over)
        rank = np.where(enough, -worth, -np.inf) if enough.any() else np.where(ordered, worth, -np.inf)
        g, k = np.unravel_index(int(np.argmax(rank)), rank.shape)
        family = problem.family == problem.family[g]
        for _ in range(int(problem.lot[problem.family[g], k])):
            surplus = self.held[:, k] - self.plan_held[:, k] + 1e6 * ordered[:, k]
            self.bought[int(np.argmax(np.where(family & (self.bought[:, k] > 0), surplus, -np.inf))), k] -= 1.0

    def _one_more(self, g: int) -> bool:
        """Keep or buy one vehicle more in a group within all limits; return whether it could be done."""
        v, problem = self.problem.vehicles, self.problem
        best = [int(k) for k in np.argsort(-v.relieves[g], kind="stable") if v.relieves[g, k] > 0]
        if any(self._tried(self.kept, g, k) for k in best if self.kept[g, k] < self.old[g, k]):
            return True
        family = problem.family == problem.family[g]
        free = [
            k
            for k in sorted(best, key=lambda k: float(v.price_cny[g, k, self.t] / v.relieves[g, k]))
            if v.buyable[g, k, self.t]
            and problem.lot[problem.family[g], k] == 1
            and self.bought[family, k].sum() < problem.deliveries[problem.family[g], k, self.t]
        ]
        return any(self._tried(self.bought, g, k) for k in free)

    def _tried(self, vehicles: FloatArray, g: int, k: int) -> bool:
        vehicles[g, k] += 1.0
        if self._fault() is None:
            return True
        vehicles[g, k] -= 1.0
        return False


def _aged(stay: FloatArray, bought: FloatArray) -> FloatArray:
    """Return vehicles by age a year on: age 1 are those bought, the others a year older than they were."""
    after = np.zeros_like(stay)
    after[:, :, 1:] = stay[:, :, :-1]
    if stay.shape[2] > 1:
        after[:, :, 1] += bought
    return after


def _dealt(due: FloatArray, total: float) -> FloatArray:
    """Return whole numbers near those due that sum to a whole total.

    >>> _dealt(np.array([1.6, 0.7, 0.7]), 3.0)
    array([1., 1., 1.])
    """
    dealt = np.floor(np.maximum(due, 0.0) + TOLERANCE)
    while dealt.sum() < total - 0.5:
        dealt[int(np.argmax(due - dealt))] += 1.0
    while dealt.sum() > total + 0.5:
        dealt[int(np.argmin(np.where(dealt > 0, due - dealt, np.inf)))] -= 1.0
    return dealt
