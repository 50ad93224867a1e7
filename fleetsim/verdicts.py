"""A verdict on every target: met, missed, or not reachable within plausible levers; and if reachable, with which.

Met or missed is what `indicators` says: observation first, never what is assumed. A target that the scenario does not
meet is put to the fast models with every lever somebody may move for it, over its plausible range (`levers.csv`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import dataframely as dy
import polars as pl

from fleetsim import fast_path
from fleetsim.datasets import City
from fleetsim.fast_path import FastStart
from fleetsim.fast_supply import FastSupply
from fleetsim.fast_values import INTENSITY, FastValues
from fleetsim.indicators import TOLERANCE
from fleetsim.levers import Lever, lever
from fleetsim.policy import FLEET_MEASURES, listed
from fleetsim.reach import LEAST, Goal, at_best, first_met, keys_for, within_reach
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.schedule import ScheduleSection
from fleetsim.scenario.sections import last_full_year
from fleetsim.seek import standing_at
from fleetsim.tables import Verdict

Tables = Mapping[str, Any]


def verdicts(city: City, scenario: Scenario, start: FastStart, tables: Tables) -> dy.DataFrame[Verdict]:
    """Return the verdict on every indicator and target year.

    Parameters
    ----------
    city, scenario
        What was run.
    start
        Where its years began, calibrated.
    tables
        Its tables: `indicators`, and `piles`, `peaks` for the supply side.
    """
    judge = _Judge.begin(city, scenario, start, tables)
    due = tables["indicators"].filter(pl.col("year") == pl.col("target_year"))
    firsts = due.sort("indicator", "year", "basis").unique(["indicator", "year"], keep="first", maintain_order=True)
    rows = [judge.row(entry) for entry in firsts.iter_rows(named=True)]
    types = {name: column.dtype for name, column in Verdict.columns().items()}
    return Verdict.validate(pl.DataFrame(rows, schema=types).sort("indicator", "target_year"))


@dataclass(frozen=True, eq=False)
class _Judge:
    city: City
    scenario: Scenario
    start: FastStart
    fast: FastValues
    quick: FastValues
    """The same without whole vehicles."""
    supply: FastSupply
    run: Mapping[str, Mapping[int, float]]
    """Modelled values of the run by indicator and year."""
    entries: Mapping[str, Mapping[str, Any]]
    """Rows of IndicatorSeries by indicator."""
    units: Mapping[str, str]
    bases: dict[tuple[str, bool], dict[int, float]] = field(default_factory=dict)

    @classmethod
    def begin(cls, city: City, scenario: Scenario, start: FastStart, tables: Tables) -> _Judge:
        known = tables["indicators"].filter(
            (pl.col("basis").cast(pl.String) == "modelled") & pl.col("value").is_not_null() & (pl.col("unit") != "year")
        )
        run: dict[str, dict[int, float]] = {}
        for name, year, value in known.select("indicator", "year", "value").sort("indicator", "year").iter_rows():
            run.setdefault(name, {})[year] = value
        fast = FastValues(city, scenario, start.years[-1], given=start)
        quick = FastValues(city, scenario, start.years[-1], given=fast_path.unrounded(start))
        entries = {str(row["indicator"]): row for row in city.indicators.iter_rows(named=True)}
        units = dict(tables["indicators"].select("indicator", "unit").iter_rows())
        return cls(city, scenario, start, fast, quick, FastSupply(city, scenario, tables, run), run, entries, units)

    def row(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return the verdict on one target, from its row of Indicator."""
        name, year, target = str(entry["indicator"]), int(entry["target_year"]), float(entry["target"])
        kind = self.entries[name]
        goal = Goal(target, year, 1.0 if kind["direction"] == "at_least" else -1.0)
        value = self.run.get(name, {}).get(year)
        known = value if entry["value"] is None else float(entry["value"])
        base = {
            "indicator": name, "target_year": year, "clause": entry["clause"], "target": target,
            "status": entry["status"], "verdict": entry["status"], "reason": None, "best": None, "levers": None,
            "gap": None if known is None else known - target, "from_year": None, "met_year": None, "earliest": None,
        }  # fmt: skip
        if entry["status"] == "met":
            return base
        reason = self._undecided(kind, value, year)
        if value is None or reason:
            return base | {"reason": reason}
        if goal.sign * (value - target) >= -TOLERANCE * max(abs(target), TOLERANCE):
            return base | {"reason": "on_course" if entry["status"] == "open" else "assumed"}
        return base | self._asked(name, year, goal)

    def _undecided(self, kind: Mapping[str, Any], value: float | None, year: int) -> str | None:
        """Return why nothing can be said of a target; None where something can."""
        if kind["model"] == "none":
            return "not_modelled"
        if value is None:
            return "beyond" if year > self.start.years[-1] else "not_modelled"
        return "part" if kind["model"] == "part" else None

    def _asked(self, name: str, year: int, goal: Goal) -> dict[str, Any]:
        """Return what levers can do for a target that the scenario does not meet."""
        known, first = last_full_year(self.scenario.calibration.until), self.start.years[0]
        keys = keys_for(name, self._fleets(name), self.city.clauses, known + 1)
        later = {"met_year": first_met(self.run[name], goal, first + 1)}
        if not keys:
            return later | {"reason": "no_lever"}
        if name not in self.fast.names() and name not in self.supply.names():
            return later | {"reason": "slow", "levers": "; ".join(keys)}
        since = known + 1 if year > known else first + 1
        levers = self._levers(name, since, goal)
        value, quick = (_Value(self, name, year, since, models) for models in (self.fast, self.quick))
        found = within_reach(value, self.scenario, levers, goal, quick)
        met = later["met_year"] or self.start.years[-1] + 1
        earliest = met if met <= known + 1 else self._earliest(name, goal, known + 1, dict(found.ends))
        answer = later | {"from_year": since, "earliest": earliest}
        if not found.levers:
            return answer | {"reason": "fixed", "from_year": None}
        told = "; ".join(f"{one.key}={value:.6g}" for one, value in zip(found.levers, found.values, strict=True))
        verdict = "reachable" if found.met else "not_reachable"
        return answer | {"verdict": verdict, "best": found.value, "levers": told}

    def _levers(self, name: str, since: int, goal: Goal) -> list[Lever]:
        """Return the levers somebody may move for a target, where they stand in its year."""
        keys = keys_for(name, self._large(name, goal), self.city.clauses, since)
        made = [lever(self.scenario, key, since, self.start.years[-1], now=goal.year) for key in keys]
        at = [replace(one, now=standing_at(self.fast, one, goal.year)) for one in made]
        return [one for one in at if not (one.whole and one.low > goal.year)]

    def _large(self, name: str, goal: Goal) -> list[str]:
        """Return the fleets that, all complying and twice as large, bring as much of the gap as a lever must."""
        fleets = self._fleets(name)
        missing = -goal.margin(self.run[name].get(goal.year, goal.value))
        if name == INTENSITY or missing <= 0.0:
            return fleets
        sizes = {one.fleet: float(one.counts.sum()) for one in self.start.cohorts if one.fleet in fleets}
        whole = sum(sizes.values()) if self.units[name] == "share" else 1.0
        return [fleet for fleet in fleets if 2.0 * sizes[fleet] >= LEAST * missing * whole]

    def _fleets(self, name: str) -> list[str]:
        """Return the fleets of the stock whose vehicles an indicator counts."""
        present = [one.fleet for one in self.start.cohorts]
        if name == INTENSITY:
            return [fleet for fleet in present if self.start.rules.fleets[fleet]["operating"]]
        rows = self.city.clauses.filter(
            pl.col("clause") == name, pl.col("measure").cast(pl.String).is_in(FLEET_MEASURES)
        )
        under = listed(rows["fleets"][0]) if rows.height else []
        return [fleet for fleet in present if fleet in under]

    def _earliest(self, name: str, goal: Goal, since: int, ends: Mapping[str, float]) -> int | None:
        """Return the first year from `since` on in which levers at their best, moved from then on, meet the target.

        A schedule of the scenario is kept, or its lines on these fleets are left out, whichever is sooner.
        """
        later = replace(goal, year=self.start.years[-1])
        if since > later.year:
            return None
        quick = _Value(self, name, later.year, since, self.quick)
        moved = at_best(quick, self.scenario, self._levers(name, since, later), later, ends)
        found = [first_met(self.laid(name, moved, since), goal, since)]
        section = without_lines(moved.schedule, self._fleets(name))
        if section != moved.schedule and found != [since]:
            free = moved.model_copy(update={"schedule": section})
            found.append(first_met(self.laid(name, free, since), goal, since))
        return min((year for year in found if year is not None), default=None)

    def laid(self, name: str, scenario: Scenario, since: int) -> dict[int, float]:
        """Return an indicator by year by the fast models, laid on the run's values."""
        if name in self.supply.names():
            return self.supply.series(scenario, name)
        base, run = self.base(name, self.fast), self.run[name]
        found = self.fast.series(scenario, name, since=since)
        share = self.units[name] == "share"
        return {
            year: laid_on(found[year], base[year], run[year], share=share) for year in sorted(set(found) & set(run))
        }

    def base(self, name: str, models: FastValues) -> dict[int, float]:
        """Return an indicator by year by fast models with the levers as they stand."""
        key = name, models is self.quick
        if key not in self.bases:
            self.bases[key] = models.series(self.scenario, name)
        return self.bases[key]


@dataclass(frozen=True)
class _Value:
    """An indicator in a year by the fast models, laid on the run's value: the scenario as it stands gives the run's."""

    judge: _Judge
    name: str
    year: int
    since: int
    models: FastValues

    def __call__(self, scenario: Scenario) -> float:
        judge, name, year = self.judge, self.name, self.year
        if name in judge.supply.names():
            return judge.supply.value(scenario, name, year)
        base = judge.base(name, self.models)[year]
        found = self.models.value(scenario, name, year, since=self.since)
        return laid_on(found, base, judge.run[name].get(year, base), share=judge.units[name] == "share")


def laid_on(found: float, base: float, run: float, *, share: bool) -> float:
    """Return a value of the fast models as the run would give it: in proportion, of a share what is left of 1.

    >>> laid_on(0.9, 0.8, 0.6, share=True), laid_on(110.0, 100.0, 90.0, share=False)
    (0.8, 99.0)
    """
    if share and base < 1.0:
        return 1.0 - (1.0 - found) * (1.0 - run) / (1.0 - base)
    return found * run / base if base > 0.0 else found + run - base


def without_lines(section: ScheduleSection, fleets: Sequence[str]) -> ScheduleSection:
    """Return a schedule without its lines on some fleets."""
    return section.model_copy(update={"convert": tuple(line for line in section.convert if line.fleet not in fleets)})
