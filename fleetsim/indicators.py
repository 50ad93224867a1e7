"""Targets, how far the city is from them, and whether they are met: observation first, model second, never assumption.

Status of a target in its year, for a target to be reached from below (mirrored for one not to be exceeded):

1. A published value decides: met where it reaches the target, else missed.
2. A published lower bound that reaches the target: met. A published upper bound below it: missed.
3. Another bound leaves it undecided; the model may then only say missed (its high end is below the target), never met.
4. Nothing published: a target that is not due yet is open. A due one is decided by a simulated value: met where its
   low end reaches the target, missed where its high end does not, unknown where the range straddles it.
   Where the scenario enforces the clause to the full, reaching it would be the assumption itself: the model may only
   say missed. Where it assumes a degree of compliance, the model decides nothing.
5. Otherwise unknown: what the scenario assumes, or what is a part of what the target counts, decides nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import dataframely as dy
import polars as pl

from fleetsim.forecast import month_value
from fleetsim.scenario.sections import last_full_year
from fleetsim.tables import Clause, Indicator, IndicatorSeries, Modelled, MonthlyFit, Observation
from networks.errors import DataError

TOLERANCE = 1e-6
REACHED_SUFFIX = "_year_reached"
Trust = Literal["simulated", "enforced", "none"]


@dataclass(frozen=True)
class Published:
    """What was published for an indicator and year, in the clause's unit."""

    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    source: str = ""

    @property
    def exists(self) -> bool:
        """Something was published."""
        return self.value is not None or self.lower is not None or self.upper is not None


@dataclass(frozen=True)
class Estimate:
    """What the model says for an indicator and year; low and high are the value where no range is given."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    source: str = ""

    @property
    def ends(self) -> tuple[float, float] | None:
        """Low and high end, or nothing where the model has no value."""
        if self.value is None:
            return None
        return (
            self.value if self.low is None else self.low,
            self.value if self.high is None else self.high,
        )


def compute(
    clauses: dy.DataFrame[Clause],
    series: dy.DataFrame[IndicatorSeries],
    observations: dy.DataFrame[Observation],
    modelled: dy.DataFrame[Modelled],
    *,
    until: str,
    trust: Mapping[str, Trust] | None = None,
) -> dy.DataFrame[Indicator]:
    """Return every indicator by year, observed and modelled in rows of their own, schema `Indicator`.

    Parameters
    ----------
    clauses
        Targets by clause and target year.
    series
        Indicators: their clause, published series and what their modelled value is worth.
    observations
        Published figures. A figure of a year, or of its December, is the year's; other months are not (see
        `monthly_fit`).
    modelled
        The run's values, from `collect`.
    until
        Last month that is over, e.g. '2025-12'; targets of later years are open.
    trust
        What the modelled value of a clause may decide, see `status`; `simulated` where a clause is left out.

    Returns
    -------
    Indicator
        Each row bears the next target from its year on (after the last one: the last). The rows
        `<indicator>_year_reached` give the first year whose modelled value reaches the last target, with the range.

    Raises
    ------
    DataError
        If an indicator names a clause that has no target.
    """
    targets = _targets(clauses)
    missing = sorted(set(series["clause"]) - set(targets))
    if missing:
        raise DataError(
            f"indicators.csv, column clause: {', '.join(missing)} has no row in clauses.csv; add its target"
        )
    units = dict(clauses.select("clause", "unit").unique("clause", keep="first", maintain_order=True).iter_rows())
    rows: list[dict[str, object]] = []
    for entry in series.sort("indicator").iter_rows(named=True):
        seen = _published(observations, entry["observation"] or "", entry["scale"])
        said = _estimates(modelled, entry["indicator"])
        clause = entry["clause"]
        may: Trust = (trust or {}).get(clause, "simulated") if entry["model"] == "simulated" else "none"
        judge = _Judge(entry, units[clause], targets[clause], last_full_year(until), may)
        rows += judge.rows(seen, said)
    return Indicator.validate(
        pl.DataFrame(rows, schema=_indicator_types()).sort("indicator", "year", "basis"),
    )


def status(
    target: float,
    published: Published,
    estimate: Estimate,
    *,
    due: bool,
    trust: Trust = "simulated",
    direction: str = "at_least",
) -> str:
    """Return met, missed, open or unknown for a target in its year, by the rules of this module.

    Parameters
    ----------
    target
        The target, in the unit of the values.
    published, estimate
        What was published and what the model says for the target year.
    due
        The target year is over.
    trust
        What the modelled value may decide: `simulated` met or missed, `enforced` missed only, `none` nothing.
    direction
        'at_least' or 'at_most'.
    """
    if direction == "at_most":
        mirrored = Published(_minus(published.value), _minus(published.upper), _minus(published.lower))
        turned = Estimate(_minus(estimate.value), _minus(estimate.high), _minus(estimate.low))
        return status(-target, mirrored, turned, due=due, trust=trust)
    goal = target - TOLERANCE * max(abs(target), TOLERANCE)
    decided = _by_publication(goal, published)
    if decided:
        return decided
    if not due and not published.exists:
        return "open"
    ends = estimate.ends if trust != "none" else None
    if ends is None:
        return "unknown"
    if ends[1] < goal:
        return "missed"
    may_meet = trust == "simulated" and not published.exists
    return "met" if may_meet and ends[0] >= goal else "unknown"


def year_reached(values: Mapping[int, float | None], target: float, *, direction: str = "at_least") -> int | None:
    """Return the first year whose value reaches the target; nothing if none does.

    >>> year_reached({2024: 1.0, 2025: 1.3, 2026: 2.1}, 2.0)
    2026
    """
    sign = 1.0 if direction == "at_least" else -1.0
    slack = TOLERANCE * max(abs(target), TOLERANCE)
    for year in sorted(values):
        value = values[year]
        if value is not None and sign * value >= sign * target - slack:
            return year
    return None


def monthly_fit(
    observations: dy.DataFrame[Observation],
    year_ends: Mapping[int, float],
    indicator: str,
    *,
    first_half_share: float = 0.5,
) -> dy.DataFrame[MonthlyFit]:
    """Return the model beside every observation of a stock, schema `MonthlyFit`.

    Parameters
    ----------
    observations
        Published figures; a year without a month is its end.
    year_ends
        Modelled values at the ends of years.
    indicator
        Series of the observations.
    first_half_share
        Share of a year's change that falls in January to June; months are even within each half [0 to 1].
    """
    rows = []
    for row in observations.filter(pl.col("indicator") == indicator).sort("date", "bound").iter_rows(named=True):
        year, month = int(row["date"][:4]), int(row["date"][5:7] or 12)
        if year > max(year_ends) or year < min(year_ends) or (year == min(year_ends) and month < 12):
            continue
        model = month_value(year_ends, row["date"], first_half_share)
        rows.append((indicator, row["date"], row["bound"], row["value"], model, model / row["value"] - 1.0))
    table = pl.DataFrame(rows, schema=list(MonthlyFit.columns()), orient="row")
    return MonthlyFit.validate(table, cast=True)


def collect(parts: Iterable[dy.DataFrame[Modelled]]) -> dy.DataFrame[Modelled]:
    """Return the modelled values of all parts as one table, sorted, schema `Modelled`."""
    return Modelled.validate(pl.concat(list(parts)).sort("indicator", "year"))


def values(
    indicator: str,
    table: pl.DataFrame,
    column: str,
    *,
    source: str,
    ends: tuple[str, str] | None = None,
) -> dy.DataFrame[Modelled]:
    """Return one indicator's modelled values taken from a table with a column `year`, schema `Modelled`.

    Parameters
    ----------
    indicator
        Its name.
    table
        One row a year.
    column
        Column of the value.
    source
        Result table it is taken from.
    ends
        Columns of the low and high end of its range, where it has one.
    """
    low, high = (pl.col(end).cast(pl.Float64) for end in ends) if ends else (_nothing(), _nothing())
    return Modelled.validate(
        table.select(
            pl.lit(indicator).alias("indicator"),
            pl.col("year"),
            pl.col(column).cast(pl.Float64).alias("value"),
            low.alias("low"),
            high.alias("high"),
            pl.lit(source).alias("source"),
        ).sort("year")
    )


@dataclass(frozen=True)
class _Judge:
    """One indicator with its targets: makes its rows."""

    entry: Mapping[str, object]
    unit: str
    targets: Mapping[int, float]
    last_year: int
    trust: Trust

    def rows(self, seen: Mapping[int, Published], said: Mapping[int, Estimate]) -> list[dict[str, object]]:
        made = [
            row
            for year in sorted({*seen, *said, *self.targets})
            for row in self._year(year, seen.get(year, Published()), said.get(year, Estimate()), (seen, said))
        ]
        return [*made, *self._reached(seen, said)]

    def _year(
        self,
        year: int,
        published: Published,
        estimate: Estimate,
        known: tuple[Mapping[int, Published], Mapping[int, Estimate]],
    ) -> list[dict[str, object]]:
        target_year = next((due for due in sorted(self.targets) if due >= year), max(self.targets))
        state = "not_due" if year < target_year else self._status(target_year, *known)
        rows = []
        if published.exists:
            low, high = published.lower, published.upper
            rows.append(self._row(year, "observed", (published.value, low, high), state, published.source))
        if estimate.value is not None or (year in self.targets and not published.exists):
            ends = (estimate.value, estimate.low, estimate.high)
            rows.append(self._row(year, "modelled", ends, state, estimate.source or "not modelled"))
        return rows

    def _row(
        self,
        year: int,
        basis: str,
        numbers: tuple[float | None, float | None, float | None],
        state: str,
        source: str,
    ) -> dict[str, object]:
        value, low, high = numbers
        target_year = next((due for due in sorted(self.targets) if due >= year), max(self.targets))
        target = self.targets[target_year]
        return {
            "indicator": self.entry["indicator"],
            "clause": self.entry["clause"],
            "year": year,
            "value": value,
            "low": low,
            "high": high,
            "unit": self.unit,
            "basis": basis,
            "target": target,
            "target_year": target_year,
            "gap": value - target if value is not None and year == target_year else None,
            "status": state,
            "source": source,
        }

    def _status(self, target_year: int, seen: Mapping[int, Published], said: Mapping[int, Estimate]) -> str:
        return status(
            self.targets[target_year],
            seen.get(target_year, Published()),
            said.get(target_year, Estimate()),
            due=target_year <= self.last_year,
            trust=self.trust,
            direction=str(self.entry["direction"]),
        )

    def _reached(self, seen: Mapping[int, Published], said: Mapping[int, Estimate]) -> list[dict[str, object]]:
        last = max(self.targets)
        if self.trust == "none" or not said:
            return []
        direction = str(self.entry["direction"])
        spans = {year: estimate.ends for year, estimate in said.items()}
        better, worse = (1, 0) if direction == "at_least" else (0, 1)
        numbers = {
            "value": {year: estimate.value for year, estimate in said.items()},
            "low": {year: span[better] if span else None for year, span in spans.items()},
            "high": {year: span[worse] if span else None for year, span in spans.items()},
        }
        years = {name: year_reached(line, self.targets[last], direction=direction) for name, line in numbers.items()}
        row = self._row(last, "modelled", (None, None, None), self._status(last, seen, said), said[max(said)].source)
        name = f"{self.entry['indicator']}{REACHED_SUFFIX}"
        return [row | years | {"indicator": name, "unit": "year", "target": None, "target_year": None}]


def _by_publication(goal: float, published: Published) -> str | None:
    if published.value is not None:
        return "met" if published.value >= goal else "missed"
    if published.lower is not None and published.lower >= goal:
        return "met"
    if published.upper is not None and published.upper < goal:
        return "missed"
    return None


def _minus(value: float | None) -> float | None:
    return None if value is None else -value


def _nothing() -> pl.Expr:
    return pl.lit(None, dtype=pl.Float64)


def _targets(clauses: dy.DataFrame[Clause]) -> dict[str, dict[int, float]]:
    targets: dict[str, dict[int, float]] = {}
    for clause, year, target in clauses.select("clause", "target_year", "target").iter_rows():
        targets.setdefault(clause, {})[year] = target
    return targets


def _published(observations: dy.DataFrame[Observation], name: str, scale: float) -> dict[int, Published]:
    rows = observations.filter((pl.col("indicator") == name) & (pl.col("date").str.contains(r"^\d{4}(-12)?$"))).sort(
        "date", "bound"
    )
    years = sorted({int(date[:4]) for date in rows["date"]})
    return {year: _of_year(rows.filter(pl.col("date").str.starts_with(str(year))), scale) for year in years}


def _of_year(rows: pl.DataFrame, scale: float) -> Published:
    bounds = {str(bound): value * scale for bound, value in rows.select("bound", "value").iter_rows()}
    source = "; ".join(sorted(set(rows["source"])))
    return Published(bounds.get("value"), bounds.get("lower"), bounds.get("upper"), source)


def _estimates(modelled: dy.DataFrame[Modelled], indicator: str) -> dict[int, Estimate]:
    rows = modelled.filter(pl.col("indicator") == indicator).sort("year")
    return {
        row["year"]: Estimate(row["value"], row["low"], row["high"], row["source"])
        for row in rows.iter_rows(named=True)
    }


def _indicator_types() -> dict[str, pl.DataType]:
    return {name: column.dtype for name, column in Indicator.columns().items()}
