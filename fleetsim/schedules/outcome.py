"""A solved schedule as tables and as a schedule file; what binds and what clauses miss."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from fleetsim.schedules.highs import Effort, minimise
from fleetsim.schedules.program import BUDGET_UNIT_CNY
from fleetsim.schedules.solve import Solution

TIGHT = 1e-6


def group_table(solution: Solution) -> pl.DataFrame:
    """Return one row a group, powertrain and year: vehicles held and bought; groups with labels carry them."""
    problem = solution.problem
    rows = [
        {
            "group": problem.groups[g],
            **{name: values[g] for name, values in problem.labels.items() if name != "group"},
            "powertrain": problem.powertrains[k],
            "year": problem.years[t],
            "held": float(solution.held[g, k, t]),
            "bought": float(solution.bought[g, k, t]),
        }
        for g, k, t in np.argwhere((solution.held > 0) | (solution.bought > 0))
    ]
    return pl.DataFrame(rows)


def depot_table(solution: Solution) -> pl.DataFrame:
    """Return one row a depot and year: vehicles, purchases, chargers, grid power, energy, hydrogen and spending."""
    problem, site = solution.problem, solution.problem.site
    v = problem.vehicles
    price = np.where(v.buyable, v.price_cny, 0.0)
    rows = []
    for d, t in np.ndindex(*solution.chargers.shape):
        here = problem.depot == d
        held, bought = solution.held[here, :, t], solution.bought[here, :, t]
        before = (solution.chargers[d, t - 1], solution.modules[d, t - 1]) if t else (site.chargers[d], 0.0)
        spent = float((bought * price[here, :, t]).sum())
        spent += float((solution.chargers[d, t] - before[0]) * site.charger_cny[d])
        spent += float((solution.modules[d, t] - before[1]) * site.module_cny[d])
        rows.append(
            {
                "depot": problem.depots[d],
                "year": problem.years[t],
                "held": float(held.sum()),
                "bought": float(bought.sum()),
                "chargers": float(solution.chargers[d, t]),
                "modules": float(solution.modules[d, t]),
                "grid_kw": float(site.charger_kw[d] * solution.chargers[d, t]),
                "energy_kwh": float((held * v.energy_kwh[here]).sum()),
                "hydrogen_kg": float((held * v.hydrogen_kg[here]).sum()),
                "budget_cny": spent,
            }
        )
    return pl.DataFrame(rows)


def plan_rows(solution: Solution) -> pl.DataFrame:
    """Return the schedule as rows of a schedule file: the share of each new-energy powertrain at year end.

    Shares rather than purchases, because the turnover lets vehicles go by their hazard too; the stock at the end of
    each year is then the solved one.
    """
    table = group_table(solution)
    totals = table.group_by("fleet", "district", "year", maintain_order=True).agg(all=pl.col("held").sum())
    electric = pl.col("powertrain").is_in(["PHEV", "BEV", "BEV-swap", "FCEV"])
    kinds = table.filter(electric & (pl.col("held") > 0)).select("fleet", "district", "powertrain").unique()
    grid = kinds.join(totals, on=["fleet", "district"])
    held = table.select("fleet", "district", "powertrain", "year", "held")
    joined = grid.join(held, on=["fleet", "district", "powertrain", "year"], how="left")
    share = (pl.col("held").fill_null(0.0) / pl.col("all")).round(6)
    return joined.select("fleet", "district", "powertrain", "year", share=share).sort(
        "fleet", "district", "powertrain", "year"
    )


@dataclass(frozen=True)
class Binding:
    """A limit that costs: what one unit more of it would save."""

    kind: str
    name: str
    year: int
    saving_cny: float


def bindings(solution: Solution, most: int = 12) -> list[Binding]:
    """Return the limits with the highest prices, the dearest first, one a kind, name and year.

    Prices are those of the linear relaxation: what one unit more (CNY of budget, kg of hydrogen a day, kW of a depot's
    connection, vehicle of a clause) would save over all years.
    """
    problem, program = solution.problem, solution.program
    prices = solution.relaxed.prices
    if prices is None:
        return []
    found = []
    for (kind, a, b, c), price in zip(program.row_name, prices.tolist(), strict=True):
        if abs(price) <= TIGHT or kind in ("balance", "bought", "initial", "chargers", "modules", "hull", "energy"):
            continue
        found.append(_binding(problem, kind, (a, b, c), abs(price)))
    limited = _limited_modules(solution)
    ranked = sorted([*found, *limited], key=lambda one: (-_weight(solution, one), one.kind, one.name, one.year))
    return ranked[:most]


def _limited_modules(solution: Solution) -> list[Binding]:
    problem = solution.problem
    at_limit = solution.modules >= problem.site.most_modules[:, None] - TIGHT
    return [
        Binding("modules", problem.depots[d], problem.years[t], 0.0)
        for d, t in np.argwhere(at_limit & (problem.site.most_modules[:, None] > 0))
    ]


def _binding(problem: Any, kind: str, at: tuple[int, int, int], price: float) -> Binding:
    a, b, c = at
    if kind == "budget":
        return Binding(kind, "", problem.years[a], price / BUDGET_UNIT_CNY)
    if kind == "hydrogen":
        return Binding(kind, "", problem.years[a], price)
    if kind in ("lot", "deliveries"):
        return Binding(kind, f"{problem.families[a]} {problem.powertrains[b]}", problem.years[c], price)
    if kind == "rule":
        return Binding(kind, problem.rules[a].name, problem.years[b], price)
    names = problem.groups if kind == "service" else problem.depots
    return Binding(kind, names[a], problem.years[b], price)


def _weight(solution: Solution, one: Binding) -> float:
    """Return how much a limit matters: its price times its size, so that money and vehicles can be ranked together."""
    problem = solution.problem
    year = problem.years.index(one.year)
    if one.kind == "budget":
        return one.saving_cny * float(problem.budget_cny[year])
    if one.kind == "hydrogen":
        return one.saving_cny * float(problem.hydrogen_supply_kg[year])
    if one.kind == "service":
        return one.saving_cny * float(problem.required[problem.groups.index(one.name), year])
    if one.kind == "rule":
        return one.saving_cny * float(solution.held.sum(axis=(0, 1))[year])
    return one.saving_cny


@dataclass(frozen=True)
class Shortage:
    """A clause in a year: vehicles it is missing, and what they would cost.

    Attributes
    ----------
    missing
        Vehicles short of the target in the solved schedule.
    closing_cny
        Cost of all years if the clause were kept in all its years, prices of what is missing to clauses and service
        left out; None where it was not found out.
    still_missing
        Vehicles that stay missing even if every vehicle missing cost a hundred times as much.
    service_lost
        Vehicle-years by which service would fall short more, if the clause were kept.
    """

    clause: str
    year: int
    missing: float
    closing_cny: float | None
    still_missing: float
    service_lost: float = 0.0


def shortages(solution: Solution, cpu_s: float = 20.0) -> list[Shortage]:
    """Return for every clause and year what it is missing and what closing it would cost (linear relaxation)."""
    problem, program = solution.problem, solution.program
    effort = Effort(cpu_s)
    base = _own_cost(solution, solution.relaxed.values)
    found = []
    by_rule: dict[int, _Closed] = {}
    for position, (rule, year) in enumerate(program.columns.slack_of):
        missing = float(solution.slack[position])
        if missing <= TIGHT:
            found.append(Shortage(problem.rules[rule].name, problem.years[year], 0.0, 0.0, 0.0))
            continue
        if rule not in by_rule and effort.left_s() > 0.0:
            by_rule[rule] = _closed(solution, rule, base)
        closed = by_rule.get(rule, _Closed(None, [missing] * len(problem.years), 0.0))
        still = closed.left[year] if closed.left[year] > 0.5 else 0.0
        name = problem.rules[rule].name
        found.append(Shortage(name, problem.years[year], missing, closed.cost_cny, still, closed.service_lost))
    return found


class _Closed(NamedTuple):
    """A clause kept: extra cost [CNY], vehicles that miss all the same by year, service lost [vehicle-years]."""

    cost_cny: float | None
    left: list[float]
    service_lost: float


def _own_cost(solution: Solution, values: Any) -> float:
    """Return what is paid, without what is missing to service and clauses [CNY]."""
    columns = solution.program.columns
    cost = solution.program.cost.copy()
    cost[columns.slack] = 0.0
    cost[columns.missing] = 0.0
    return float(cost @ values)


def _closed(solution: Solution, rule: int, base: float) -> _Closed:
    """Return what happens if a clause's missing vehicles were a hundred times dearer.

    The cost is None, and what misses is that of the schedule, where no answer was found.
    """
    program = solution.program
    own = [position for position, (which, _) in enumerate(program.columns.slack_of) if which == rule]
    cost = program.cost.copy()
    cost[program.columns.slack[own]] *= 100.0
    answer = minimise(replace(program, cost=cost), Effort(), method="simplex", basis=solution.relaxed.basis)
    values = solution.values if answer.values is None else answer.values
    left = [0.0] * len(solution.problem.years)
    for position in own:
        left[program.columns.slack_of[position][1]] = float(values[program.columns.slack[position]])
    if answer.values is None or solution.relaxed.values is None:
        return _Closed(None, left, 0.0)
    short = program.columns.missing
    lost = float(answer.values[short].sum() - solution.relaxed.values[short].sum())
    return _Closed(_own_cost(solution, answer.values) - base, left, max(lost, 0.0))
