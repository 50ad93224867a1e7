"""Back-testing: forecasts made with what was known at a date, beside what came."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from fleetsim import announced, fast_path, modes
from fleetsim.calibration import NEV_STOCK, PRIVATE_NEV, Observed, conversion_paths, modelled, select
from fleetsim.cars import CAR_FLEETS, PARAMETERS
from fleetsim.cohorts import BoolArray, Cohorts
from fleetsim.datasets import City
from fleetsim.fast_path import FastStart, StockByYear
from fleetsim.forecast import CarProblem, fitted_path, month_value, time_of
from fleetsim.forecast_error import tail_factor, widened
from fleetsim.hindsight import REMAINS, KnownThen, as_known
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.sections import StockSection, last_full_year
from fleetsim.stand_ins import stand_ins
from fleetsim.tables import POWERTRAINS

GREEN_SHARE = "green_travel_share"
CLEAN_BUSES = "bus_nev_plus_clean_share"
OPERATING_NEV = "operating_vehicles_nev_share"
SERIES = {NEV_STOCK: "nev_stock", PRIVATE_NEV: "nev_stock", GREEN_SHARE: "green_travel"}
SCHEMA = {
    "series": pl.String,
    "indicator": pl.String,
    "date": pl.String,
    "bound": pl.String,
    "observed": pl.Float64,
    "forecast": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "error_share": pl.Float64,
    "inside": pl.Boolean,
}


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecast and outcome."""

    until: str
    table: pl.DataFrame
    """One row a later observation: series, indicator, date, bound, observed, forecast, low, high, error_share
    (forecast over observed less 1; empty for bounds), inside (of the interval; a bound: the interval reaches it)."""
    summary: pl.DataFrame
    """One row a series, and `all`: values, bounds, mean_error_share, mean_absolute_error_share, coverage_share."""
    interval: float
    """Probability content the intervals are meant to have."""
    replaced: tuple[str, ...]
    remains: tuple[str, ...] = REMAINS

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "until": self.until,
            "interval": self.interval,
            "forecasts": self.table.to_dicts(),
            "summary": self.summary.to_dicts(),
            "replaced": list(self.replaced),
            "remains": list(self.remains),
        }


@dataclass(frozen=True)
class _Way:
    """One of the three ways the open part may go."""

    start: FastStart
    held: StockByYear
    problem: CarProblem


def backtest(city: City, scenario: Scenario, until: str, *, policies: bool = False) -> Backtest:
    """Return forecasts from what was known at the end of a month, beside every later observation.

    Parameters
    ----------
    city, scenario
        Data and levers as they are now; what was not known is taken out by `hindsight.as_known`.
    until
        Last month known, e.g. '2022-12'.
    policies
        Give the forecaster what others decided later, so that only the model is judged.
    """
    known = as_known(city, scenario, until, policies=policies)
    wanted = select(city.observations, _indicators(scenario.stock), until, "9999-12")
    last = max([int(row.date[:4]) for row in wanted], default=last_full_year(until))
    ways = _ways(known, last)
    rows = [*_nev_rows(ways, wanted), *_fleet_rows(ways, wanted, known), *_mode_rows(ways, wanted, known)]
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("series", "indicator", "date", "bound")
    return Backtest(until, table, summary(table), scenario.cars.interval, known.replaced)


def summary(table: pl.DataFrame) -> pl.DataFrame:
    """Return errors and coverage by series, and over all of them, from the table of a back-test."""
    both = pl.concat([table, table.with_columns(series=pl.lit("all"))])
    value = pl.col("bound") == "value"
    return both.group_by("series", maintain_order=True).agg(
        values=value.sum(),
        bounds=(~value).sum(),
        mean_error_share=pl.col("error_share").filter(value).mean(),
        mean_absolute_error_share=pl.col("error_share").filter(value).abs().mean(),
        coverage_share=pl.col("inside").filter(value).mean(),
        bounds_reached_share=pl.col("inside").filter(~value).mean(),
    )


def _indicators(section: StockSection) -> tuple[str, ...]:
    fleets = [name for names in section.observed_by.values() for name in names]
    return (*SERIES, *fleets, CLEAN_BUSES, OPERATING_NEV)


def _ways(known: KnownThen, last: int) -> tuple[_Way, ...]:
    """Return the middle, the unfavourable and the favourable way, on one calibration."""
    middle = fast_path.begin(*known.ways[0], last)
    starts = [middle, *(fast_path.begin(*ends, last, middle.rules.cars, middle.opening) for ends in known.ways[1:])]
    record = announced.record(known.announced, middle.rules.sections.cars.interval)
    kept = (record.mean, 0.0, record.high) if record else (0.0, 0.0, 0.0)
    ways = []
    for part, start in zip(kept, starts, strict=True):
        held = fast_path.turn_over(fast_path.others(start), start.rules, start.years)
        if part > 0.0:
            start = replace(start, rules=replace(start.rules, paths=_paths(known, start, held, part)))
            held = fast_path.turn_over(fast_path.others(start), start.rules, start.years)
        ways.append(_Way(start, held, fast_path.problem_of(start, held)))
    return tuple(ways)


def _paths(
    known: KnownThen, start: FastStart, held: StockByYear, kept: float
) -> dict[str, tuple[tuple[float, float], ...]]:
    """Return the observed paths, and those of fleets with a programme, from what they come to without one."""
    paths = dict(start.rules.paths)
    open_ = announced.pending(known.announced, list(start.rules.fleets), known.until)
    for fleet, programme in open_.items():
        shares = {year + 1.0: _share(part, (fleet,), start.rules.nev) for year, part in held.items()}
        paths[fleet] = announced.path(shares, programme, kept, _seen_until(start, fleet))
    return paths


def _seen_until(start: FastStart, fleet: str) -> float:
    """Return the time until which a fleet's share is known: its last observation, at least the base year's end."""
    path = start.rules.paths.get(fleet, ())
    return max([start.years[0] + 1.0, *(time for time, _ in path[-1:])])


def _nev_rows(ways: Sequence[_Way], wanted: Sequence[Observed]) -> list[tuple[Any, ...]]:
    rows = [row for row in wanted if row.indicator in (NEV_STOCK, PRIVATE_NEV)]
    first, cars = ways[0], ways[0].start.rules.cars
    half = PARAMETERS.index("first_half_share")
    last = first.start.years[-1]
    best = fitted_path(first.problem, cars, last)
    drawn = [fitted_path(way.problem, cars, last, drawn=True) for way in ways]
    halves = np.array(cars.draws)[:, half]
    result = []
    for row in rows:
        value = float(modelled(best, row, cars.vector()[half : half + 1])[0])
        spread = np.concatenate([modelled(path, row, halves) for path in drawn])
        low, high = np.quantile(spread, _tails(first.start.rules.sections.cars.interval))
        result.append(_row(row, value, (float(low), float(high))))
    return result


def _tails(interval: float) -> list[float]:
    tail = (1.0 - interval) / 2.0
    return [tail, 1.0 - tail]


def _fleet_rows(ways: Sequence[_Way], wanted: Sequence[Observed], known: KnownThen) -> list[tuple[Any, ...]]:
    """Return the rows of the fleets.

    Their interval runs from no programme and half of the clauses enforced to the record's high end and all of them;
    shares are widened by how differently fleets grew before, over the time since they were last observed.
    """
    stand_in = stand_ins()
    interval = ways[0].start.rules.sections.cars.interval
    rate = stand_in["fleets.growth_sd"][0] * tail_factor(round(stand_in["fleets.growth_number"][0]), interval)
    result = []
    for row in wanted:
        measure = _measure(row, ways[0].start, known.ways[0][1].stock)
        if measure is None:
            continue
        found = [month_value({year: measure(part) for year, part in way.held.items()}, row.date) for way in ways]
        ends = (min(found), max(found))
        if row.vehicles <= 1.0:
            ends = widened(found[0], ends, rate * (time_of(row.date) - _last_seen(row, ways[0].start, known)))
        result.append(_row(row, found[0], ends))
    return result


def _last_seen(row: Observed, start: FastStart, known: KnownThen) -> float:
    told = [fleet for fleet, names in known.ways[0][1].stock.observed_by.items() if row.indicator in names]
    paths = conversion_paths(known.city.observations, start.tables.stock, known.ways[0][1].stock, known.until)
    times = [time for fleet in told for time, _ in paths.get(fleet, ())]
    return max([start.years[0] + 1.0, *times])


def _measure(row: Observed, start: FastStart, section: StockSection) -> Callable[[Sequence[Cohorts]], float] | None:
    """Return how an indicator of fleets is read off the stock; None for other indicators."""
    nev, clean = start.rules.nev, _clean(start)
    if row.indicator == CLEAN_BUSES:
        return lambda held: _share(held, ("bus_municipal",), clean)
    if row.indicator == OPERATING_NEV:
        fleets = [name for name, one in start.rules.fleets.items() if one["operating"]]
        return lambda held: _share(held, fleets, nev)
    told = [fleet for fleet, names in section.observed_by.items() if row.indicator in names]
    if not told:
        return None
    members = section.observed_of.get(told[0], (told[0],))
    if row.vehicles <= 1.0:
        return lambda held: _share(held, members, nev)
    return lambda held: sum(float(one.counts[nev].sum()) for one in held if one.fleet in members)


def _clean(start: FastStart) -> BoolArray:
    rows = start.tables.powertrains.filter(pl.col("clean_energy") | pl.col("counts_as_nev"))
    names = set(rows["powertrain"].cast(pl.String))
    return np.array([name in names for name in POWERTRAINS])


def _share(held: Sequence[Cohorts], fleets: Sequence[str], which: BoolArray) -> float:
    ours = [one for one in held if one.fleet in fleets]
    total = sum(float(one.counts.sum()) for one in ours)
    return sum(float(one.counts[which].sum()) for one in ours) / total if total else 0.0


def _mode_rows(ways: Sequence[_Way], wanted: Sequence[Observed], known: KnownThen) -> list[tuple[Any, ...]]:
    """Return the rows of green travel.

    The interval spans that of `modes.forecast` at the middle and both ends of what was open.
    """
    rows = [row for row in wanted if row.indicator == GREEN_SHARE]
    if not rows:
        return []
    cars, trend = car_ratio(ways[0]), stand_ins()["modes.green_trend"][0]
    years = sorted({int(row.date[:4]) for row in rows})
    tables = []
    for _, one in known.ways:
        base, seen, until = known.city.mode_base, known.city.observations, known.until
        fit = modes.calibrate_modes(base, one.modes, seen, until, cars=cars, prior_trend=trend)
        shares = modes.forecast(base, one.modes, fit, years, cars=cars)
        tables.append({row["year"]: row for row in shares.filter(pl.col("mode") == "green").iter_rows(named=True)})
    result = []
    for row in rows:
        found = [table[int(row.date[:4])] for table in tables]
        ends = (min(one["low"] for one in found), max(one["high"] for one in found))
        result.append(_row(row, float(found[0]["share"]), ends))
    return result


def car_ratio(way: _Way) -> Mapping[int, float]:
    """Return cars of each year over those of the base year."""
    cars = tuple(one for one in way.start.cohorts if one.fleet in CAR_FLEETS)
    held = fast_path.turn_over(cars, way.start.rules, way.start.years)
    numbers = {year: sum(float(one.counts.sum()) for one in part) for year, part in held.items()}
    first = numbers[way.start.years[0]]
    return {year: number / first for year, number in numbers.items()}


def _row(row: Observed, value: float, ends: tuple[float, float]) -> tuple[Any, ...]:
    low, high = min(ends[0], value), max(ends[1], value)
    exact = row.bound == "value"
    return (
        SERIES.get(row.indicator, "fleets"),
        row.indicator,
        row.date,
        row.bound,
        row.vehicles,
        value,
        low,
        high,
        value / row.vehicles - 1.0 if exact else None,
        low <= row.vehicles <= high if exact else high >= row.vehicles,
    )
