"""A solved schedule in sentences: cost and bound, what binds, what each clause misses and what closing it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fleetsim.schedules.outcome import TIGHT, Binding, Shortage, bindings
from fleetsim.schedules.problem import ScheduleProblem
from fleetsim.schedules.solve import Solution
from fleetsim.texts import Language, texts

MOST = 12
"""Limits that are told, all years of one together; of each kind at least the dearest."""


def words(solution: Solution, lang: Language, missing: Sequence[Shortage]) -> list[str]:
    """Return the outcome in sentences.

    Parameters
    ----------
    solution
        A schedule with its bound and prices.
    lang
        Language.
    missing
        Result of `outcome.shortages`.
    """
    text = texts(lang, "schedule")
    lines = [
        text["proof"].format(
            **_money("cost", solution.cost), **_money("bound", solution.bound), gap=solution.gap * 100
        ),
        text["held_all"] if not solution.broken else text["broken"].format(rows=", ".join(solution.broken)),
    ]
    short = float(solution.missing.sum())
    lines += [text["missing_vehicles"].format(vehicles=short)] if short > TIGHT else []
    problem = solution.problem
    lines += [_binding_words(problem, group, lang, text) for group in _dearest(bindings(solution, most=10**6))]
    clauses = dict.fromkeys(one.clause for one in missing)
    for clause in clauses:
        own = [one for one in missing if one.clause == clause]
        lines.append(_clause_words(problem.title(clause, lang), own, text))
    return lines + _left_out_words(problem, lang, text["left_out"])


def _money(name: str, cny: float) -> dict[str, float]:
    return {name: cny / 1e8, f"{name}_billion": cny / 1e9, f"{name}_million": cny / 1e6}


def _dearest(ranked: Sequence[Binding]) -> list[list[Binding]]:
    """Return the dearest limits, all years of one together: of each kind at least one, the dearest first."""
    groups: dict[tuple[str, str], list[Binding]] = {}
    for one in ranked:
        groups.setdefault((one.kind, one.name), []).append(one)
    order = list(groups)
    firsts = [next(key for key in order if key[0] == kind) for kind in dict.fromkeys(kind for kind, _ in order)]
    others = [key for key in order if key not in firsts]
    kept = {*firsts, *others[: max(MOST - len(firsts), 0)]}
    return [sorted(groups[key], key=lambda one: one.year) for key in order if key in kept]


def _binding_words(problem: ScheduleProblem, group: Sequence[Binding], lang: Language, text: Mapping[str, Any]) -> str:
    kind, name = group[0].kind, group[0].name
    form = "{:.2f}" if kind == "budget" else "{:,.0f}"
    savings = [one.saving_cny for one in group]
    low, high = form.format(min(savings)), form.format(max(savings))
    title = problem.title(name, lang) if kind == "rule" else name
    saving = low if low == high else text["range"].format(low=low, high=high)
    return str(text["binding"][kind].format(name=title, year=_years([one.year for one in group], text), saving=saving))


def _years(years: Sequence[int], text: Mapping[str, Any]) -> str:
    """Return years as spans, such as 2026 to 2028, 2030."""
    spans: list[list[int]] = []
    for year in years:
        if spans and year == spans[-1][-1] + 1:
            spans[-1].append(year)
        else:
            spans.append([year])
    ends = [text["span"].format(first=span[0], last=span[-1]) if span[1:] else str(span[0]) for span in spans]
    return str(text["and"].join(ends))


def _clause_words(title: str, years: Sequence[Shortage], text: Mapping[str, Any]) -> str:
    """Return what a clause misses by year and what closing it costs, as a sentence."""
    short = [one for one in years if one.missing > TIGHT]
    met = [one.year for one in years if one.missing <= TIGHT]
    if not short:
        return str(text["clause_met"].format(clause=title, year=_years(met, text)))
    numbers = text["and"].join(text["clause_year"].format(year=one.year, missing=one.missing) for one in short)
    line = str(text["clause_short"].format(clause=title, missing=numbers))
    line += text["clause_rest"].format(year=_years(met, text)) if met else ""
    first = short[0]
    if first.closing_cny is None:
        return line + str(text["closing_unknown"])
    still = sum(one.still_missing for one in short)
    line += str(
        text["out_of_reach" if still > 0.5 else "closing"].format(still=still, **_money("cost", first.closing_cny))
    )
    return line + (str(text["service_lost"].format(vehicles=first.service_lost)) if first.service_lost > 0.5 else "")


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
