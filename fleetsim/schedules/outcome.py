"""A solved schedule as tables, as a schedule file, and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from fleetsim.schedules.highs import Effort, minimise
from fleetsim.schedules.problem import ScheduleProblem
from fleetsim.schedules.program import BUDGET_UNIT_CNY
from fleetsim.schedules.solve import Solution
from fleetsim.texts import Language, texts

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
        Cost of all years if the clause were kept in all its years, penalties of every clause left out; None where it
        was not found out.
    still_missing
        Vehicles that stay missing even if every vehicle missing cost a hundred times as much.
    """

    clause: str
    year: int
    missing: float
    closing_cny: float | None
    still_missing: float


def shortages(solution: Solution, cpu_s: float = 20.0) -> list[Shortage]:
    """Return for every clause and year what it is missing and what closing it would cost (linear relaxation)."""
    problem, program = solution.problem, solution.program
    effort = Effort(cpu_s)
    base = _own_cost(solution, solution.relaxed.values)
    found = []
    by_rule: dict[int, tuple[float | None, list[float]]] = {}
    for position, (rule, year) in enumerate(program.columns.slack_of):
        missing = float(solution.slack[position])
        if missing <= TIGHT:
            found.append(Shortage(problem.rules[rule].name, problem.years[year], 0.0, 0.0, 0.0))
            continue
        if rule not in by_rule and effort.left_s() > 0.0:
            by_rule[rule] = _closed(solution, rule, base)
        closing, left = by_rule.get(rule, (None, [missing] * len(problem.years)))
        still = left[year] if left[year] > 0.5 else 0.0
        found.append(Shortage(problem.rules[rule].name, problem.years[year], missing, closing, still))
    return found


def _own_cost(solution: Solution, values: Any) -> float:
    """Return what is paid, without what is missing to service and clauses [CNY]."""
    columns = solution.program.columns
    cost = solution.program.cost.copy()
    cost[columns.slack] = 0.0
    return float(cost @ values)


def _closed(solution: Solution, rule: int, base: float) -> tuple[float | None, list[float]]:
    """Return the extra cost if a clause's missing vehicles were a hundred times dearer, and what misses by year.

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
    return None if answer.values is None else _own_cost(solution, answer.values) - base, left


def words(solution: Solution, lang: Language, missing: Sequence[Shortage]) -> list[str]:
    """Return the outcome in sentences: cost, bound and gap, what binds, what each clause misses and would cost."""
    text = texts(lang, "schedule")
    lines = [
        text["proof"].format(cost=solution.cost / 1e8, bound=solution.bound / 1e8, gap=solution.gap * 100),
        text["held_all"] if not solution.broken else text["broken"].format(rows=", ".join(solution.broken)),
    ]
    short = float(solution.missing.sum())
    lines += [text["missing_vehicles"].format(vehicles=short)] if short > TIGHT else []
    problem = solution.problem
    for one in bindings(solution):
        name = problem.title(one.name, lang) if one.kind == "rule" else one.name
        lines.append(text["binding"][one.kind].format(name=name, year=one.year, saving=one.saving_cny))
    lines += [_clause_words(problem.title(each.clause, lang), each, text) for each in missing]
    return lines + _left_out_words(problem, lang, text["left_out"])


def _left_out_words(problem: ScheduleProblem, lang: Language, text: Mapping[str, str]) -> list[str]:
    """Return a sentence for each reason and set of fleets that keep clauses out of the problem."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for one in problem.left_out:
        title = text["clause"].format(clause=problem.title(one.clause, lang), year=one.year)
        found.setdefault((one.reason, one.fleets), []).append(title)
    return [
        text[reason].format(clauses=text["comma"].join(titles), fleets=", ".join(fleets))
        for (reason, fleets), titles in found.items()
    ]


def _clause_words(title: str, short: Shortage, text: Mapping[str, Any]) -> str:
    """Return what a clause misses in a year and what closing it costs, as a sentence."""
    key = "clause_met" if short.missing <= TIGHT else "clause_short"
    line = str(text[key].format(clause=title, year=short.year, missing=short.missing))
    if short.missing <= TIGHT:
        return line
    if short.closing_cny is None:
        return line + str(text["closing_unknown"])
    tail = text["out_of_reach"] if short.still_missing > 0.5 else text["closing"]
    return line + str(tail.format(still=short.still_missing, cost=short.closing_cny / 1e8))
