"""The schedule problem as rows and columns.

Columns: held S (group, powertrain, year), bought x (the same), leaving z (cohort and year in which it leaves), missing
u (group, year), chargers C and modules M (depot, year; what stands), lots L, slack s of the clauses. A column z
stands for the vehicles of one cohort that leave in one year, so its cost holds all the years they serve and the
salvage; rows are few and sparse. Given whole S and x, the z form a network and come out whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array

from fleetsim.schedules.problem import BoolArray, FloatArray, IntArray, Rule, ScheduleProblem

BUDGET_UNIT_CNY = 1e6
"""Unit of the budget rows: millions, so that their entries are of the size of the others [CNY]."""
COUPLED = -1
"""Depot of a row or column that belongs to none."""


@dataclass(frozen=True, eq=False)
class Columns:
    """Where each kind of column stands."""

    held: IntArray
    bought: IntArray
    missing: IntArray
    chargers: IntArray
    modules: IntArray
    lots: IntArray
    """(F, K, T); -1 where there are no lots."""
    slack: IntArray
    """One a rule and year, in the order of `slack_of`."""
    leaving: IntArray
    """One a cohort and year of leaving."""
    cohort: IntArray
    """(leaving, 4): group, powertrain, index of the year of purchase (negative: held before), of leaving."""
    slack_of: tuple[tuple[int, int], ...]
    """Rule and index of the year of each slack; additions rules have the last of their years."""
    count: int


@dataclass(frozen=True, eq=False)
class Program:
    """Minimise cost x subject to row_lower <= matrix x <= row_upper, lower <= x <= upper, some x whole."""

    cost: FloatArray
    matrix: csr_array
    row_lower: FloatArray
    row_upper: FloatArray
    lower: FloatArray
    upper: FloatArray
    whole: BoolArray
    """Columns that are whole in the whole problem."""
    column_depot: IntArray
    row_depot: IntArray
    row_name: tuple[tuple[str, int, int, int], ...]
    """Kind of row and up to three indices."""
    columns: Columns


@dataclass
class _Rows:
    """Rows being gathered."""

    row: list[IntArray] = field(default_factory=list)
    column: list[IntArray] = field(default_factory=list)
    value: list[FloatArray] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    depot: list[int] = field(default_factory=list)
    name: list[tuple[str, int, int, int]] = field(default_factory=list)

    def add(
        self,
        name: tuple[str, int, int, int],
        parts: Sequence[tuple[Any, Any]],
        *,
        bounds: tuple[float, float],
        depot: int = COUPLED,
    ) -> None:
        """Add one row: the sum of the parts' columns times values within the bounds."""
        for columns, values in parts:
            flat = np.asarray(columns).ravel()
            self.row.append(np.full(flat.size, len(self.name), dtype=np.int64))
            self.column.append(flat)
            self.value.append(np.broadcast_to(np.asarray(values, dtype=float), np.shape(columns)).ravel())
        self.lower.append(bounds[0])
        self.upper.append(bounds[1])
        self.depot.append(depot)
        self.name.append(name)

    def matrix(self, columns: int) -> csr_array:
        """Return the rows as a matrix; entries of a column that stand twice in a row add up."""
        row, column, value = (np.concatenate(each) for each in (self.row, self.column, self.value))
        matrix = csr_array(coo_array((value, (row, column)), shape=(len(self.name), columns)))
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        return matrix


def build(problem: ScheduleProblem) -> Program:
    """Return the rows and columns of a problem, every row of the whole-vehicle problem and no cuts."""
    columns = _columns(problem)
    rows = _Rows()
    _balance_rows(problem, columns, rows)
    _service_rows(problem, columns, rows)
    _depot_rows(problem, columns, rows)
    _coupling_rows(problem, columns, rows)
    for index, rule in enumerate(problem.rules):
        _rule_rows(problem, columns, rows, index, rule)
    lower, upper = _bounds(problem, columns)
    return Program(
        cost=_costs(problem, columns),
        matrix=rows.matrix(columns.count),
        row_lower=np.array(rows.lower),
        row_upper=np.array(rows.upper),
        lower=lower,
        upper=upper,
        whole=_whole(columns),
        column_depot=_column_depots(problem, columns),
        row_depot=np.array(rows.depot, dtype=np.int64),
        row_name=tuple(rows.name),
        columns=columns,
    )


def _columns(problem: ScheduleProblem) -> Columns:
    groups, kinds, years, depots = problem.shape
    place = _Counter()
    held, bought = place.take(groups, kinds, years), place.take(groups, kinds, years)
    missing = place.take(groups, years)
    chargers, modules = place.take(depots, years), place.take(depots, years)
    lots = np.full((len(problem.families), kinds, years), -1, dtype=np.int64)
    lotted = np.repeat((problem.lot > 1)[:, :, None], years, axis=2)
    lots[lotted] = place.take(int(lotted.sum()))
    slack_of = tuple(
        (index, year)
        for index, rule in enumerate(problem.rules)
        for year in (rule.years[-1:] if rule.kind == "additions" else rule.years)
    )
    cohort = _cohorts(problem)
    return Columns(
        held=held,
        bought=bought,
        missing=missing,
        chargers=chargers,
        modules=modules,
        lots=lots,
        slack=place.take(len(slack_of)),
        leaving=place.take(len(cohort)),
        cohort=cohort,
        slack_of=slack_of,
        count=place.count,
    )


class _Counter:
    """Hands out column numbers."""

    def __init__(self) -> None:
        self.count = 0

    def take(self, *shape: int) -> IntArray:
        """Return the next numbers in an array of a shape."""
        size = int(np.prod(shape))
        numbers = np.arange(self.count, self.count + size, dtype=np.int64).reshape(shape)
        self.count += size
        return numbers


def _cohorts(problem: ScheduleProblem) -> IntArray:
    """Return group, powertrain, year of purchase and year of leaving of every z (n, 4)."""
    years, limit = len(problem.years), problem.vehicles.age_limit
    parts = []
    for group, kind, age in np.argwhere(problem.vehicles.initial > 0):
        last = min(max(int(limit[group, kind]) - int(age), 0), years)
        parts += [(group, kind, -int(age) - 1, leave) for leave in range(last + 1)]
    for group, kind, year in np.argwhere(problem.vehicles.buyable):
        last = min(int(year) + int(limit[group, kind]), years)
        parts += [(group, kind, int(year), leave) for leave in range(int(year) + 1, last + 1)]
    return np.array(parts, dtype=np.int64).reshape(-1, 4)


def cohort_ages(cohort: IntArray) -> IntArray:
    """Return the age at which each z leaves [years]: a cohort -a-1 had age a when the first year began."""
    start = np.where(cohort[:, 2] < 0, cohort[:, 2] + 1, cohort[:, 2])
    return np.asarray(cohort[:, 3] - start)


def _costs(problem: ScheduleProblem, columns: Columns) -> FloatArray:
    v, factor, years = problem.vehicles, problem.discount(), len(problem.years)
    cost = np.zeros(columns.count)
    cost[columns.bought] = np.where(v.buyable, v.price_cny, 0.0) * factor[None, None, :years]
    cost[columns.missing] = problem.shortfall_cny[:, None] * factor[None, :years]
    for stands, price, life in (
        (columns.chargers, problem.site.charger_cny, problem.site.charger_life_years),
        (columns.modules, problem.site.module_cny, problem.site.module_life_years),
    ):
        net = problem.net_price(price, life)
        cost[stands] = net - np.append(net[:, 1:], np.zeros((net.shape[0], 1)), axis=1)
    cost[columns.slack] = [problem.rules[rule].penalty_cny * factor[year] for rule, year in columns.slack_of]
    cost[columns.leaving] = _leaving_costs(problem, columns.cohort)
    return cost


def _leaving_costs(problem: ScheduleProblem, cohort: IntArray) -> FloatArray:
    v, factor = problem.vehicles, problem.discount()
    group, kind, bought, leave = cohort.T
    start, age = np.maximum(bought, 0), cohort_ages(cohort)
    cost = -factor[leave] * v.salvage_cny[group, kind, np.minimum(age, v.salvage_cny.shape[2] - 1)]
    for year in range(len(problem.years)):
        serves = (start <= year) & (year < leave)
        at = age[serves] - (leave[serves] - year)
        cost[serves] += factor[year] * v.operation_cny[group[serves], kind[serves], at, year]
    return np.asarray(cost)


def _balance_rows(problem: ScheduleProblem, columns: Columns, rows: _Rows) -> None:
    """Held = held before + bought - leaving; bought = all its leavings; an initial cohort = all its leavings."""
    groups, kinds, years, _ = problem.shape
    group, kind, bought, leave = columns.cohort.T
    out = _grouped(columns.leaving, np.ravel_multi_index((group, kind, leave), (groups, kinds, years + 1)))
    new = bought >= 0
    of_year = np.ravel_multi_index((group[new], kind[new], bought[new]), (groups, kinds, years))
    made = _grouped(columns.leaving[new], of_year)
    begin = problem.vehicles.initial.sum(axis=2)
    for g, k, t in np.ndindex(groups, kinds, years):
        leaving = out.get((g * kinds + k) * (years + 1) + t, np.zeros(0, dtype=np.int64))
        parts: list[tuple[Any, Any]] = [(columns.held[g, k, t], 1.0), (columns.bought[g, k, t], -1.0), (leaving, 1.0)]
        start = float(begin[g, k]) if t == 0 else 0.0
        if t > 0:
            parts.append((columns.held[g, k, t - 1], -1.0))
        depot = int(problem.depot[g])
        rows.add(("balance", g, k, t), parts, bounds=(start, start), depot=depot)
        if problem.vehicles.buyable[g, k, t]:
            own = made[(g * kinds + k) * years + t]
            rows.add(("bought", g, k, t), [(columns.bought[g, k, t], 1.0), (own, -1.0)], bounds=(0.0, 0.0), depot=depot)
    _initial_rows(problem, columns, rows)


def _initial_rows(problem: ScheduleProblem, columns: Columns, rows: _Rows) -> None:
    group, kind, bought, _ = columns.cohort.T
    old = bought < 0
    age = -bought[old] - 1
    cohorts = _grouped(
        columns.leaving[old], np.ravel_multi_index((group[old], kind[old], age), problem.vehicles.initial.shape)
    )
    for key, own in cohorts.items():
        g, k, a = (int(each) for each in np.unravel_index(key, problem.vehicles.initial.shape))
        vehicles = float(problem.vehicles.initial[g, k, a])
        rows.add(("initial", g, k, a), [(own, 1.0)], bounds=(vehicles, vehicles), depot=int(problem.depot[g]))


def _grouped(values: IntArray, keys: IntArray) -> dict[int, IntArray]:
    order = np.argsort(keys, kind="stable")
    found, first = np.unique(keys[order], return_index=True)
    return dict(zip(found.tolist(), np.split(values[order], first[1:]), strict=True)) if found.size else {}


def _service_rows(problem: ScheduleProblem, columns: Columns, rows: _Rows) -> None:
    missing = problem.missing_relieves()
    for g, t in np.argwhere(problem.required > 0):
        parts: list[tuple[Any, Any]] = [
            (columns.held[g, :, t], problem.vehicles.relieves[g]),
            (columns.missing[g, t], missing[g]),
        ]
        need = float(problem.required[g, t])
        rows.add(("service", int(g), int(t), 0), parts, bounds=(need, np.inf), depot=int(problem.depot[g]))


def _depot_rows(problem: ScheduleProblem, columns: Columns, rows: _Rows) -> None:
    site = problem.site
    for d, t in np.ndindex(*columns.chargers.shape):
        here = np.flatnonzero(problem.depot == d)
        energy = -problem.vehicles.energy_kwh[here]
        parts: list[tuple[Any, Any]] = [
            (columns.chargers[d, t], site.charger_kwh[d]),
            (columns.held[here, :, t], energy),
        ]
        rows.add(("energy", d, t, 0), parts, bounds=(0.0, np.inf), depot=d)
        parts = [
            (columns.modules[d, t], site.module_kw[d]),
            (columns.chargers[d, t], -site.charger_kw[d]),
        ]
        rows.add(("power", d, t, 0), parts, bounds=(-float(site.grid_kw[d]), np.inf), depot=d)
        if t > 0:
            for name, stands in (("chargers", columns.chargers), ("modules", columns.modules)):
                parts = [(stands[d, t], 1.0), (stands[d, t - 1], -1.0)]
                rows.add((name, d, t, 0), parts, bounds=(0.0, np.inf), depot=d)


def _coupling_rows(problem: ScheduleProblem, columns: Columns, rows: _Rows) -> None:
    _budget_rows(problem, columns, rows)
    for t, supply in enumerate(problem.hydrogen_supply_kg):
        if np.isfinite(supply) and problem.vehicles.hydrogen_kg.any():
            parts: list[tuple[Any, Any]] = [(columns.held[:, :, t], problem.vehicles.hydrogen_kg)]
            rows.add(("hydrogen", t, 0, 0), parts, bounds=(-np.inf, float(supply)))
    for f, k, t in np.ndindex(*problem.deliveries.shape):
        own = columns.bought[problem.family == f, k, t]
        if columns.lots[f, k, t] >= 0:
            parts = [(own, 1.0), (columns.lots[f, k, t], -float(problem.lot[f, k]))]
            rows.add(("lot", f, k, t), parts, bounds=(0.0, 0.0))
        elif np.isfinite(problem.deliveries[f, k, t]):
            rows.add(("deliveries", f, k, t), [(own, 1.0)], bounds=(-np.inf, float(problem.deliveries[f, k, t])))


def _budget_rows(problem: ScheduleProblem, columns: Columns, rows: _Rows) -> None:
    site = problem.site
    price = np.where(problem.vehicles.buyable, problem.vehicles.price_cny, 0.0) / BUDGET_UNIT_CNY
    charger, module = site.charger_cny / BUDGET_UNIT_CNY, site.module_cny / BUDGET_UNIT_CNY
    for t in np.flatnonzero(np.isfinite(problem.budget_cny)):
        parts = [
            (columns.bought[:, :, t], price[:, :, t]),
            (columns.chargers[:, t], charger),
            (columns.modules[:, t], module),
        ]
        given = float(problem.budget_cny[t]) / BUDGET_UNIT_CNY
        if t > 0:
            parts += [(columns.chargers[:, t - 1], -charger), (columns.modules[:, t - 1], -module)]
        else:
            given += float(charger @ site.chargers)
        rows.add(("budget", int(t), 0, 0), parts, bounds=(-np.inf, given))


def _rule_rows(problem: ScheduleProblem, columns: Columns, rows: _Rows, index: int, rule: Rule) -> None:
    own = {year: columns.slack[i] for i, (which, year) in enumerate(columns.slack_of) if which == index}
    if rule.kind == "additions":
        measured = columns.bought[rule.members][:, :, list(rule.years)]
        weight = np.broadcast_to((rule.complies - rule.target)[None, :, None], measured.shape)
        last = rule.years[-1]
        rows.add(("rule", index, last, 0), [(measured, weight), (own[last], 1.0)], bounds=(0.0, np.inf))
        return
    for year, slack in own.items():
        measured = columns.held[rule.members, :, year]
        counts = rule.kind == "count"
        weight = rule.complies.astype(float) - (0.0 if counts else rule.target)
        parts: list[tuple[Any, Any]] = [(measured, np.broadcast_to(weight, measured.shape)), (slack, 1.0)]
        rows.add(("rule", index, year, 0), parts, bounds=(rule.target if counts else 0.0, np.inf))


def _bounds(problem: ScheduleProblem, columns: Columns) -> tuple[FloatArray, FloatArray]:
    lower, upper = np.zeros(columns.count), np.full(columns.count, np.inf)
    lower[columns.chargers] = problem.site.chargers[:, None]
    site = problem.site
    upper[columns.modules] = site.most_modules[:, None]
    most = np.floor((site.grid_kw + site.module_kw * site.most_modules) / np.maximum(site.charger_kw, 1e-9) + 1e-9)
    upper[columns.chargers] = np.maximum(most, site.chargers)[:, None]
    upper[columns.bought] = np.where(problem.vehicles.buyable, np.inf, 0.0)
    lotted = columns.lots >= 0
    upper[columns.lots[lotted]] = np.floor(problem.deliveries / problem.lot[:, :, None])[lotted]
    return lower, upper


def _whole(columns: Columns) -> BoolArray:
    whole = np.zeros(columns.count, dtype=bool)
    for numbers in (columns.held, columns.bought, columns.missing, columns.chargers, columns.modules):
        whole[numbers] = True
    whole[columns.lots[columns.lots >= 0]] = True
    return whole


def _column_depots(problem: ScheduleProblem, columns: Columns) -> IntArray:
    depot = np.full(columns.count, COUPLED, dtype=np.int64)
    depot[columns.held] = depot[columns.bought] = problem.depot[:, None, None]
    depot[columns.missing] = problem.depot[:, None]
    depot[columns.chargers] = depot[columns.modules] = np.arange(len(problem.depots))[:, None]
    depot[columns.leaving] = problem.depot[columns.cohort[:, 0]]
    return depot
