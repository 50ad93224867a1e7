"""Milestone days of a schedule: simulate them, tighten the depots that fail, solve again, at most five times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from fleetsim.network_growth import grow_depots, spread
from fleetsim.scenario.scenario import Scenario
from fleetsim.schedules.outcome import plan_rows
from fleetsim.schedules.plan_file import conversions
from fleetsim.schedules.problem import ScheduleProblem
from fleetsim.schedules.solve import Solution, solve
from fleetsim.texts import Language, texts

MOST_ROUNDS = 5
"""Most times that depots are tightened: effort of the search; what still fails then is told."""
LEAST_STEP = 0.05
"""A depot that fails gets at least this share more chargers: a step of the search, so that it ends."""


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


@dataclass(frozen=True)
class Unjudged:
    """Depots that nothing can be said of, as too few of their vehicles were simulated; they are left as planned."""

    depots: tuple[str, ...]
    sample: float
    """Share of the vehicles that was simulated."""
    sample_needed: float
    """Share that would bring the emptiest of them to the visits wanted; 1 where none would."""
    visits: int
    """Fewest visits by which a depot is judged."""

    def text(self, lang: Language) -> str:
        """Return the warning as a sentence."""
        return str(
            texts(lang, "schedule")["unjudged"].format(
                depots=", ".join(self.depots), visits=self.visits, sample=self.sample, needed=self.sample_needed
            )
        )


@dataclass(frozen=True)
class Tried:
    """What milestone days tell of a schedule."""

    failing: Mapping[str, float]
    """Depot to the share of its chargers that the worst milestone day asks for beyond those planned."""
    unjudged: Unjudged | None = None


Trial = Callable[[Solution], Tried]


@dataclass(frozen=True, eq=False)
class Verified:
    """A schedule whose milestone days were tried: what they told on the way, and the depots that fail all the same."""

    solution: Solution
    changes: tuple[Change | Unjudged, ...]
    failing: tuple[str, ...]


def verified(solution: Solution, trial: Trial, *, cpu_s: float, gap: float, rounds: int = MOST_ROUNDS) -> Verified:
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
    A depot that fails is tightened: its chargers give less a night, so that the next schedule builds more of them, by
    the share that was missing, or keeps fewer battery vehicles there.
    """
    changes: list[Change | Unjudged] = []
    tried = trial(solution)
    for number in range(1, rounds + 1):
        failing = tried.failing
        if not failing:
            break
        before = dict(zip(solution.problem.depots, solution.chargers[:, -1].tolist(), strict=True))
        solution = solve(tightened(solution.problem, failing, in_use(solution)), cpu_s=cpu_s, gap=gap)
        after = dict(zip(solution.problem.depots, solution.chargers[:, -1].tolist(), strict=True))
        changes += [Change(number, depot, before[depot], after[depot]) for depot in sorted(failing)]
        tried = trial(solution)
    changes += [tried.unjudged] if tried.unjudged else []
    return Verified(solution, tuple(changes), tuple(sorted(tried.failing)))


def tightened(
    problem: ScheduleProblem, failing: Mapping[str, float], used: Mapping[str, float] | None = None
) -> ScheduleProblem:
    """Return the problem with less energy a charger at the depots that fail.

    Parameters
    ----------
    problem
        The problem that was solved.
    failing
        Depot to the share of its chargers that was missing.
    used
        Depot to the share of its chargers that its energy takes, see `in_use`: where more stand than that, those that
        stand are too few, and so the same energy has to take more of them. None: all.
    """
    less = np.ones(len(problem.depots))
    for row, depot in enumerate(problem.depots):
        if depot in failing:
            less[row] = (used or {}).get(depot, 1.0) / (1.0 + max(failing[depot], LEAST_STEP))
    return replace(problem, site=replace(problem.site, charger_kwh=problem.site.charger_kwh * less))


def in_use(solution: Solution) -> dict[str, float]:
    """Return by depot the share of its chargers that its energy takes in its busiest year; 1 where it has neither."""
    problem, used = solution.problem, {}
    energy = (solution.held * problem.vehicles.energy_kwh[:, :, None]).sum(axis=1)
    for row, depot in enumerate(problem.depots):
        asked = energy[problem.depot == row].sum(axis=0) / problem.site.charger_kwh[row]
        share = float((asked / np.maximum(solution.chargers[row], 1e-9)).max())
        used[depot] = min(share, 1.0) if share > 0.0 else 1.0
    return used


def simulated(scenario: Scenario, milestones: Sequence[int]) -> Trial:
    """Return a trial that runs the design day of milestone years with the engine, at the scenario's `run.sample`.

    Each year is made ready on its own: the stock turns over by the schedule up to it, no days of the years before are
    simulated and no stations are sited. The yards of the planned depots have the planned chargers of the year. Depots
    that are not planned may fail too; they are left out.
    """

    def trial(solution: Solution) -> Tried:
        plan = plan_rows(solution).with_columns(number=pl.lit(None, pl.Float64))
        lines = [line.model_dump() for line in conversions(plan)]
        changed = scenario.set({"schedule.convert": lines})
        found: dict[str, float] = {}
        fewest: dict[str, float] = {}
        for year in sorted(set(milestones)):
            load, stations = _design_day(changed, year, _planned_chargers(solution, year))
            failing = failing_depots(load, stations, scenario.schedule.solve.depot_wait_min)
            seen = visits(load, stations, scenario.run.sample)
            for depot in solution.problem.depots:
                fewest[depot] = min(fewest.get(depot, np.inf), seen.get(depot, 0.0))
                found[depot] = max(found.get(depot, 0.0), failing.get(depot, 0.0))
        return judged(found, fewest, scenario.run.sample, scenario.schedule.solve.least_visits)

    return trial


def judged(found: Mapping[str, float], fewest: Mapping[str, float], sample: float, least_visits: int) -> Tried:
    """Return what is said of depots: those with too few simulated visits are not judged.

    Parameters
    ----------
    found
        Depot to the share of chargers missing.
    fewest
        Depot to the simulated visits of its emptiest milestone day.
    sample
        Share of the vehicles that was simulated; with all of them every depot is judged.
    least_visits
        Fewest simulated visits by which a depot is judged.
    """
    few = sorted(depot for depot, number in fewest.items() if sample < 1.0 and number < least_visits)
    failing = {depot: share for depot, share in sorted(found.items()) if share > 0.0 and depot not in few}
    if not few:
        return Tried(failing)
    emptiest = min(fewest[depot] for depot in few)
    needed = min(1.0, sample * least_visits / emptiest) if emptiest > 0.0 else 1.0
    return Tried(failing, Unjudged(tuple(few), sample, needed, least_visits))


def visits(load: pl.DataFrame, stations: pl.DataFrame, sample: float) -> dict[str, float]:
    """Return by depot the visits simulated on its emptiest milestone day; `load` counts each for 1 / `sample`."""
    seen = load.with_columns(pl.col("station_id").cast(pl.String)).join(_yards(stations), on="station_id")
    days = seen.group_by("depot", "year", pl.col("day").cast(pl.String), maintain_order=True).agg(
        visits=(pl.col("served").sum() + pl.col("unserved").sum()).cast(pl.Float64) * sample
    )
    return dict(days.group_by("depot", maintain_order=True).agg(pl.col("visits").min()).sort("depot").iter_rows())


def _planned_chargers(solution: Solution, year: int) -> dict[str, int]:
    at = solution.chargers[:, solution.problem.years.index(year)]
    return {depot: round(float(count)) for depot, count in zip(solution.problem.depots, at.tolist(), strict=True)}


def _design_day(scenario: Scenario, year: int, planned: Mapping[str, int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return tables `StationLoad` of a year's design day and `Station`, the planned chargers at their depots."""
    from fleetsim.days import day_tables, depot_fleets
    from fleetsim.engine.run import simulate_days
    from fleetsim.operation.year import YearReady
    from fleetsim.pipeline import design_day

    ready = YearReady.prepare(scenario, year)
    years, day = ready.years, design_day(ready.city)
    plans = years.days.plans(day, years.stock, year)
    grown = grow_depots(years.stations, depot_fleets(plans, ready.city.places), scenario.siting, year=year)
    years.stations = with_planned(grown, planned)
    model = years.days.model(day, plans, years.stock, years.supply(year), year)
    log = simulate_days([model.model.inputs], scenario.run.engine)[0]
    return day_tables(model, log, ("station_load",))["station_load"], years.stations


def with_planned(stations: pl.DataFrame, planned: Mapping[str, int]) -> pl.DataFrame:
    """Return the stations with the planned chargers at the yards of each depot.

    Parameters
    ----------
    stations
        Table `Station`.
    planned
        Chargers of all yards of a depot together, by fleet group and district such as `bus:Haidian`.

    Notes
    -----
    A depot's chargers are spread over its yards as its plugs are now, at least one each; a grid connection that is
    given changes with them. Yards that several fleet groups share stay as they are.
    """
    key = pl.format("{}:{}", pl.col("fleet_group").cast(pl.String), pl.col("district").cast(pl.String))
    table = stations.with_columns(_depot=pl.when(pl.col("kind").cast(pl.String) == "depot").then(key))
    depots, plugs = table["_depot"].to_list(), table["plugs"].to_numpy().copy()
    for depot in sorted(set(planned) & {name for name in depots if name is not None}):
        yards = np.flatnonzero([name == depot for name in depots])
        total = max(planned[depot], yards.size)
        plugs[yards] = 1 + spread(total - yards.size, plugs[yards], np.full(yards.size, total))
    factor = pl.Series(plugs / table["plugs"].to_numpy())
    return table.with_columns(pl.col("site_limit_kw") * factor, plugs=pl.Series(plugs, dtype=pl.Int64)).drop("_depot")


def failing_depots(load: pl.DataFrame, stations: pl.DataFrame, wait_min: float) -> dict[str, float]:
    """Return fleet group and district of the depots whose milestone day fails, and the share of chargers missing.

    Parameters
    ----------
    load
        Table `StationLoad` of the milestone days.
    stations
        Their stations.
    wait_min
        Longest mean wait [min].

    Notes
    -----
    A day fails at the yards of a fleet group in a district if vehicles leave without energy, or wait longer than
    `wait_min` on average in the worst hour of all yards together. The share missing is that of the vehicles not served,
    or of the wait above `wait_min` over it, at most one.
    """
    seen = load.with_columns(pl.col("station_id").cast(pl.String))
    hours = (
        seen.join(_yards(stations), on="station_id")
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
    late = (pl.col("wait") / wait_min - 1.0).clip(0.0, 1.0)
    worst = days.with_columns(short=pl.max_horizontal(pl.col("missed"), late)).group_by("depot", maintain_order=True)
    shares = worst.agg(pl.col("short").max()).filter(pl.col("short") > 1e-9).sort("depot")
    return dict(shares.iter_rows())


def _yards(stations: pl.DataFrame) -> pl.DataFrame:
    """Return station_id and depot, fleet group and district, of the yards."""
    return stations.filter(pl.col("kind").cast(pl.String) == "depot").select(
        pl.col("station_id").cast(pl.String),
        depot=pl.format("{}:{}", pl.col("fleet_group").cast(pl.String), pl.col("district").cast(pl.String)),
    )
