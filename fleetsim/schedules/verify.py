"""Milestone days of a schedule: simulate them, tighten the depots that fail, solve again, at most five times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from fleetsim.datasets import City
from fleetsim.scenario.scenario import Scenario
from fleetsim.schedules.outcome import plan_rows
from fleetsim.schedules.plan_file import conversions
from fleetsim.schedules.problem import ScheduleProblem
from fleetsim.schedules.solve import Solution, solve
from fleetsim.texts import Language, texts

Trial = Callable[[Solution], Mapping[str, float]]
"""Depot to the share of its chargers that the worst milestone day asks for beyond those planned."""

MOST_ROUNDS = 5
LEAST_STEP = 0.05
"""A depot that fails gets at least this share more chargers."""
WAIT_STANDARD_MIN = 60.0
"""Mean wait at a depot in its worst hour from which a day fails there [min]."""


@dataclass(frozen=True)
class Change:
    """What a round of simulated days changed at a depot."""

    round: int
    depot: str
    chargers_before: float
    chargers_after: float

    def text(self, lang: Language) -> str:
        """Return the change as a sentence."""
        return str(
            texts(lang, "schedule")["tightened"].format(
                round=self.round, depot=self.depot, before=self.chargers_before, after=self.chargers_after
            )
        )


def verified(
    solution: Solution, trial: Trial, *, cpu_s: float, gap: float, rounds: int = MOST_ROUNDS
) -> tuple[Solution, list[Change]]:
    """Return the schedule after its days were tried, and what changed at which depot.

    Parameters
    ----------
    solution
        A solved schedule.
    trial
        Simulates milestone days and tells the depots that fail.
    cpu_s, gap
        For every new solution.
    rounds
        Most times that depots are tightened.

    Notes
    -----
    A depot that fails is tightened: its chargers give less a night, by the share that was missing, so that the
    next schedule builds more of them or keeps fewer battery vehicles there.
    """
    changes: list[Change] = []
    for number in range(1, rounds + 1):
        failing = trial(solution)
        if not failing:
            break
        before = dict(zip(solution.problem.depots, solution.chargers[:, -1].tolist(), strict=True))
        solution = solve(tightened(solution.problem, failing), cpu_s=cpu_s, gap=gap)
        after = dict(zip(solution.problem.depots, solution.chargers[:, -1].tolist(), strict=True))
        changes += [Change(number, depot, before[depot], after[depot]) for depot in sorted(failing)]
    return solution, changes


def tightened(problem: ScheduleProblem, failing: Mapping[str, float]) -> ScheduleProblem:
    """Return the problem with less energy a charger at the depots that fail."""
    missing = np.array([max(failing[name], LEAST_STEP) if name in failing else 0.0 for name in problem.depots])
    site = replace(problem.site, charger_kwh=problem.site.charger_kwh / (1.0 + missing))
    return replace(problem, site=site)


def simulated(city: City, scenario: Scenario, milestones: Sequence[int]) -> Trial:
    """Return a trial that runs the days of milestone years with the engine, at the scenario's `run.sample`."""

    def trial(solution: Solution) -> dict[str, float]:
        from fleetsim.pipeline import run

        plan = plan_rows(solution).with_columns(number=pl.lit(None, pl.Float64))
        lines = [line.model_dump() for line in conversions(plan)]
        plugs = _plugs_per_vehicle(solution, scenario)
        changed = scenario.set(
            {
                "schedule.convert": lines,
                "run.last_year": max(milestones),
                "siting.depot_plugs_per_vehicle": plugs,
            }
        )
        tables = run(changed).tables
        return failing_depots(tables["station_load"], tables["stations"], milestones)

    return trial


def _plugs_per_vehicle(solution: Solution, scenario: Scenario) -> dict[str, float]:
    """Return planned chargers over battery vehicles in the last year by fleet group."""
    problem = solution.problem
    battery = (solution.held[:, :, -1] * (problem.vehicles.energy_kwh > 0)).sum(axis=1)
    group = [name.split(":")[0] for name in problem.depots]
    plugs = dict(scenario.siting.depot_plugs_per_vehicle)
    for name in sorted(set(group)):
        own = [index for index, each in enumerate(group) if each == name]
        vehicles = float(battery[np.isin(problem.depot, own)].sum())
        if vehicles > 0:
            plugs[name] = min(float(solution.chargers[own, -1].sum()) / vehicles, 2.0)
    return plugs


def failing_depots(load: pl.DataFrame, stations: pl.DataFrame, milestones: Sequence[int]) -> dict[str, float]:
    """Return fleet group and district of the depots whose milestone day fails, and the share of chargers missing.

    Parameters
    ----------
    load
        Table `StationLoad` of a run.
    stations
        Its stations.
    milestones
        Years that are looked at.

    Notes
    -----
    A day fails at the yards of a fleet group in a district if vehicles leave without energy, or wait longer than an
    hour on average in the worst hour of all yards together. The share missing is that of the vehicles not served, or
    of the wait above an hour, at most one.
    """
    depots = stations.filter(pl.col("kind").cast(pl.String) == "depot").select(
        pl.col("station_id").cast(pl.String),
        depot=pl.format("{}:{}", pl.col("fleet_group").cast(pl.String), pl.col("district").cast(pl.String)),
    )
    seen = load.filter(pl.col("year").is_in(list(milestones))).with_columns(pl.col("station_id").cast(pl.String))
    hours = (
        seen.join(depots, on="station_id")
        .group_by("depot", "year", pl.col("day").cast(pl.String), "hour", maintain_order=True)
        .agg(
            served=pl.col("served").sum().cast(pl.Float64),
            unserved=pl.col("unserved").sum().cast(pl.Float64),
            waited=(pl.col("mean_wait_min").fill_null(0.0) * pl.col("served")).sum(),
        )
        .with_columns(wait=pl.when(pl.col("served") > 0).then(pl.col("waited") / pl.col("served")).otherwise(0.0))
    )
    days = hours.group_by("depot", "year", "day", maintain_order=True).agg(
        missed=pl.col("unserved").sum() / (pl.col("served").sum() + pl.col("unserved").sum()).clip(1.0),
        wait=pl.col("wait").max(),
    )
    late = (pl.col("wait") / WAIT_STANDARD_MIN - 1.0).clip(0.0, 1.0)
    worst = days.with_columns(short=pl.max_horizontal(pl.col("missed"), late)).group_by("depot", maintain_order=True)
    shares = worst.agg(pl.col("short").max()).filter(pl.col("short") > 1e-9).sort("depot")
    return dict(shares.iter_rows())
