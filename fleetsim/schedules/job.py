"""The work behind `fleetsim schedule`: read, preview or solve, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from fleetsim import choice
from fleetsim.datasets import City, city_folder, read_city
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.schedule import Conversion
from fleetsim.scenario.template import resolved
from fleetsim.schedules import preview
from fleetsim.schedules.city import city_problem, turn_over
from fleetsim.schedules.outcome import depot_table, group_table, plan_rows, shortages
from fleetsim.schedules.plan_file import conversions, read_plan
from fleetsim.schedules.sentences import words
from fleetsim.schedules.solve import Solution, solve
from fleetsim.schedules.verify import Verified, simulated, verified
from fleetsim.schedules.written import write
from fleetsim.texts import Language, texts
from networks.errors import ScenarioError

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a schedule comes to."""

    detail: pl.DataFrame
    """Vehicles held and bought by fleet, district, powertrain and year."""
    depots: pl.DataFrame
    lines: list[str]
    """Cost and proof, what binds, each clause, clauses left out, what simulated days changed, in words; empty for a
    preview."""
    scenario: Scenario
    """The scenario, its schedule the one this comes from."""
    language: Language
    proof: dict[str, Any] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "years": preview.yearly(self.depots).to_dicts(),
            "depots": self.depots.to_dicts(),
            "lines": self.lines,
            **self.proof,
        }

    def save(self, folder: Path) -> None:
        """Write tables, chart, and the whole scenario with its schedule, which `fleetsim run` takes."""
        tables = {"vehicles": self.detail, "depots": self.depots}
        texts = {"scenario.toml": resolved(self.scenario), "notes.txt": "\n".join(self.lines) + "\n"}
        write(folder, tables, texts, preview.chart(self.detail, self.depots, self.language))


@dataclass(frozen=True)
class Job:
    """A scenario with its city and the schedule that was brought."""

    scenario: Scenario
    city: City

    @classmethod
    def begin(cls, scenario: Scenario, file: Path | None, sheet: str | None = None) -> Job:
        """Return the job; a file's rows take the place of the scenario's own schedule."""
        city = read_city(city_folder(scenario.run.city))
        if file is not None:
            scenario = _scheduled(scenario, conversions(read_plan(file, city, sheet=sheet)))
        return cls(scenario, city)

    def previewed(self, language: Language) -> Outcome:
        """Return what the scenario's own schedule comes to."""
        detail = preview.by_powertrain(self.city, self.scenario, turn_over(self.city, self.scenario))
        table = preview.depots(self.city, self.scenario, detail)
        return Outcome(detail, table, [], self.scenario, language)

    def solved(self, milestones: Sequence[int], language: Language, say: Say) -> Outcome:
        """Return the schedule of least cost, its milestone days simulated if there are any."""
        section = self.scenario.schedule.solve
        turned = turn_over(self.city, self.scenario, section.first_year - 1)
        opening = turned.stock.filter(pl.col("year") == section.first_year - 1)
        problem = city_problem(self.city, self.scenario, opening)
        _check_milestones(milestones, problem.years)
        solution = solve(problem, cpu_s=section.cpu_s, gap=section.gap)
        if not milestones:
            return _outcome(Verified(solution, (), ()), self.scenario, language)
        say("simulating the design day of milestone years")
        trial = simulated(self.scenario, milestones)
        return _outcome(verified(solution, trial, cpu_s=section.cpu_s, gap=section.gap), self.scenario, language)


def _check_milestones(milestones: Sequence[int], years: Sequence[int]) -> None:
    wrong = [year for year in milestones if year not in years]
    if wrong:
        raise ScenarioError([f"--verify: year {year} is not planned; use {years[0]} to {years[-1]}" for year in wrong])


def _scheduled(scenario: Scenario, lines: Sequence[Conversion]) -> Scenario:
    return scenario.set({"schedule.convert": [line.model_dump() for line in lines]})


def _outcome(tried: Verified, scenario: Scenario, language: Language) -> Outcome:
    solution = tried.solution
    short = shortages(solution)
    detail, table = group_table(solution), depot_table(solution)
    nev = detail.filter(pl.col("powertrain").is_in(choice.NEW_ENERGY))
    electric = nev.group_by("depot", "year", maintain_order=True).agg(nev=pl.col("held").sum())
    table = table.join(electric, on=["depot", "year"], how="left", maintain_order="left")
    table = table.with_columns(pl.col("nev").fill_null(0.0))
    lines = [*words(solution, language, short), *(change.text(language) for change in tried.changes)]
    if tried.failing:
        lines.append(texts(language, "schedule")["still_failing"].format(depots=", ".join(tried.failing)))
    proof = {
        "cost_cny": solution.cost,
        "bound_cny": solution.bound,
        "gap": solution.gap,
        "broken": list(solution.broken),
        "clauses": [vars(one) for one in short],
        "left_out": [vars(one) for one in solution.problem.left_out],
        "changes": [vars(change) for change in tried.changes],
        "failing": list(tried.failing),
    }
    scheduled = _scheduled(scenario, conversions(_as_plan(solution)))
    return Outcome(detail, table, lines, scheduled, language, proof)


def _as_plan(solution: Solution) -> pl.DataFrame:
    return plan_rows(solution).with_columns(number=pl.lit(None, pl.Float64), depot=pl.lit(None, pl.String))
