"""New-energy vehicles of the city at year ends and months, for many parameter vectors at once.

Cars run on their parameters; all other fleets do not depend on them and are run once. So thousands of
draws cost little: they are the cells of one array.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

import numpy as np
import polars as pl

from fleetsim import cars, stock
from fleetsim.cars import PARAMETERS, CarParameters
from fleetsim.cohorts import Cohorts, FloatArray, Turned, hazard
from fleetsim.stock import Rules

PRIVATE_FLEET = "car_private"

ValueT = TypeVar("ValueT", float, FloatArray)


@dataclass(frozen=True)
class CarProblem:
    """What the fit needs: everything that does not depend on the parameters."""

    rules: Rules
    cars: tuple[Cohorts, ...]
    """Car fleets at the base year's end, districts summed."""
    others: Mapping[int, float]
    """New-energy vehicles of all other counted fleets by year end [vehicles]."""
    civil: float
    """Registered vehicles of all fleets at the base year's end [vehicles]."""


@dataclass(frozen=True)
class NevPath:
    """New-energy vehicles at year ends [vehicles], one entry a parameter vector."""

    total: Mapping[int, FloatArray]
    private: Mapping[int, FloatArray]
    registered_share: Mapping[int, FloatArray]
    """New-energy cars over all cars registered in the year, from the year after the base year on."""

    def best(self) -> dict[int, float]:
        """Return the city's new-energy vehicles of the first parameter vector."""
        return {year: float(value[0]) for year, value in self.total.items()}


@dataclass(frozen=True)
class Forecast:
    """What the calibrated model says of a threshold."""

    year_reached: float | None
    """Time at which the threshold is passed [year]; None: not within the years asked for."""
    low: float | None
    """Early end of the interval [year]."""
    high: float | None
    """Late end of the interval [year]; None: may lie beyond the years asked for."""


def month_value(year_ends: Mapping[int, ValueT], date: str, first_half_share: ValueT | float = 0.5) -> ValueT:
    """Return the value at the end of a month, between the values at year ends.

    Parameters
    ----------
    year_ends
        Value on 31 December by year.
    date
        "2024-06" is the end of June 2024; "2024" is the end of the year.
    first_half_share
        Share of the year's change that falls in January to June; even within each half.

    Notes
    -----
    The year before the date's must be given, except for dates at a year end.

    >>> month_value({2023: 100.0, 2024: 200.0}, "2024-09", 0.4)
    170.0
    """
    year, month = int(date[:4]), int(date[5:7]) if len(date) > 4 else 12
    if month == 12:
        return year_ends[year]
    passed = passed_share(month, first_half_share)
    return year_ends[year - 1] + passed * (year_ends[year] - year_ends[year - 1])


def two_month_share(by_year: Mapping[int, FloatArray], date: str) -> FloatArray:
    """Return a share of yearly flows over a month and the one before: a year's at its middle, straight lines between.

    >>> two_month_share({2021: np.array([0.1]), 2022: np.array([0.3])}, "2022-01").round(4).tolist()
    [0.2]
    """
    time = int(date[:4]) + (int(date[5:7]) - 1.0) / 12.0
    years = sorted(by_year)
    place = min(max(time - 0.5 - years[0], 0.0), len(years) - 1.0)
    before = int(place)
    after = min(before + 1, len(years) - 1)
    return np.asarray((1.0 + before - place) * by_year[years[before]] + (place - before) * by_year[years[after]])


def passed_share(month: int, first_half_share: ValueT | float) -> ValueT | float:
    """Return the share of a year's change that has happened at the end of a month."""
    if month <= 6:
        return first_half_share * month / 6.0
    return first_half_share + (1.0 - first_half_share) * (month - 6) / 6.0


def time_of(date: str) -> float:
    """Return the end of a month as a time [year]; the end of 2024 is 2025.0.

    >>> time_of("2024-06"), time_of("2024")
    (2024.5, 2025.0)
    """
    return int(date[:4]) + (int(date[5:7]) / 12.0 if len(date) > 4 else 1.0)


def car_problem(opening: pl.DataFrame, given: Rules, years: Sequence[int]) -> CarProblem:
    """Return what the fit needs: car fleets with districts summed, and the other fleets' path over `years`."""
    fleets = stock.to_cohorts(opening)
    counted = [one for one in fleets if given.fleets[one.fleet]["nev_counted"]]
    others = [one for one in counted if one.fleet not in cars.CAR_FLEETS]
    path = {years[0]: _nev(others, given)}
    for year in years[1:]:
        others = [stock.turn_fleet(one, year, given).cohorts for one in others]
        path[year] = _nev(others, given)
    summed = tuple(_summed(one) for one in fleets if one.fleet in cars.CAR_FLEETS)
    return CarProblem(given, summed, path, float(sum(one.counts.sum() for one in counted)))


def _summed(cohorts: Cohorts) -> Cohorts:
    return replace(cohorts, cells=(("all", "all", "none"),), counts=cohorts.counts.sum(axis=2, keepdims=True))


def _nev(fleets: Sequence[Cohorts], given: Rules) -> float:
    return float(sum(one.counts[given.nev].sum() for one in fleets))


def nev_path(problem: CarProblem, vectors: FloatArray, kappa_and_end: tuple[float, int], last_year: int) -> NevPath:
    """Return the new-energy vehicles of the city and of private owners at year ends.

    Parameters
    ----------
    problem
        Result of `car_problem`.
    vectors
        Parameter vectors, one a row in the order of `cars.PARAMETERS`; all are run at once.
    kappa_and_end
        Scale of the hazards, and the last year of the calibration window.
    last_year
        Last year of the path.
    """
    kappa, window_end = kappa_and_end
    given, number = problem.rules, len(vectors)
    fleets = [_repeated(one, number) for one in problem.cars]
    first = fleets[0].year
    total, private = {first: _nev_each(fleets, problem, first)}, {first: _private(fleets, given)}
    registered = {}
    for year in range(first + 1, last_year + 1):
        turned = [_turn_cars(one, year, given, (vectors, kappa, window_end)) for one in fleets]
        fleets = [one.cohorts for one in turned]
        total[year] = _nev_each(fleets, problem, year)
        private[year] = _private(fleets, given)
        bought = np.sum([one.additions for one in turned], axis=0)
        registered[year] = bought[given.nev].sum(axis=0) / bought.sum(axis=0)
    return NevPath(total, private, registered)


def fitted_path(problem: CarProblem, parameters: CarParameters, last_year: int, *, drawn: bool = False) -> NevPath:
    """Return the path of the calibrated parameters, or with `drawn` of each of their draws."""
    vectors = np.array(parameters.draws) if drawn else parameters.vector()[None, :]
    return nev_path(problem, vectors, (parameters.kappa, parameters.window_end), last_year)


def _repeated(cohorts: Cohorts, number: int) -> Cohorts:
    return replace(cohorts, cells=cohorts.cells * number, counts=np.repeat(cohorts.counts, number, axis=2))


def _turn_cars(cohorts: Cohorts, year: int, given: Rules, what: tuple[FloatArray, float, int]) -> Turned:
    vectors, kappa, window_end = what
    section, row = given.sections.cars, given.fleets[cohorts.fleet]
    rate = hazard(cohorts.ages(), row["life_years"], row["life_shape"], row["statutory_age"])
    rates = cars.car_hazard(rate, kappa, section, year)
    sigma = cars.replacement_shares(vectors, window_end, section, cohorts.fleet, year)
    issued = cars.plates(given.quota, section, cohorts.fleet, year)
    return cars.turn(cohorts, rates, sigma, issued, section, np.ones(len(vectors)))


def _nev_each(fleets: Sequence[Cohorts], problem: CarProblem, year: int) -> FloatArray:
    nev = problem.rules.nev
    return np.asarray(problem.others[year] + sum(one.counts[nev].sum(axis=(0, 1)) for one in fleets))


def _private(fleets: Sequence[Cohorts], given: Rules) -> FloatArray:
    return next(one.counts[given.nev].sum(axis=(0, 1)) for one in fleets if one.fleet == PRIVATE_FLEET)


def nev_interval(problem: CarProblem, parameters: CarParameters, last_year: int) -> pl.DataFrame:
    """Return the new-energy stock at year ends with its interval: year, value, low, high [vehicles]."""
    value = fitted_path(problem, parameters, last_year).best()
    ranges = [
        interval_of(drawn, problem) for drawn in fitted_path(problem, parameters, last_year, drawn=True).total.values()
    ]
    low, high = zip(*ranges, strict=True)
    return pl.DataFrame({"year": list(value), "value": list(value.values()), "low": low, "high": high})


def interval_of(values: FloatArray, problem: CarProblem) -> tuple[float, float]:
    """Return the interval of draws; not interpolated, so that draws may be infinite."""
    tail = (1.0 - problem.rules.sections.cars.interval) / 2.0
    low, high = np.quantile(values, [tail, 1.0 - tail], method="inverted_cdf")
    return float(low), float(high)


def when_reached(year_ends: Mapping[int, float], threshold: float, first_half_share: float = 0.5) -> float | None:
    """Return the time at which a series first reaches a threshold [year]; None if it does not.

    >>> when_reached({2026: 100.0, 2027: 200.0}, 150.0)
    2027.5
    """
    years = sorted(year_ends)
    if year_ends[years[0]] >= threshold:
        return years[0] + 1.0
    for before, year in pairwise(years):
        if year_ends[year] >= threshold:
            part = (threshold - year_ends[before]) / (year_ends[year] - year_ends[before])
            half = first_half_share
            return year + (0.5 * part / half if part <= half else 0.5 + 0.5 * (part - half) / (1.0 - half))
    return None


def reach(problem: CarProblem, parameters: CarParameters, threshold: float, last_year: int) -> Forecast:
    """Return when the new-energy stock reaches a threshold, with the interval of the draws."""
    best = fitted_path(problem, parameters, last_year).best()
    drawn = fitted_path(problem, parameters, last_year, drawn=True).total
    half = np.array(parameters.draws)[:, PARAMETERS.index("first_half_share")]
    times = []
    for place, share in enumerate(half.tolist()):
        reached = when_reached({year: float(value[place]) for year, value in drawn.items()}, threshold, share)
        times.append(np.inf if reached is None else reached)
    low, high = interval_of(np.array(times), problem)
    return Forecast(
        when_reached(best, threshold, parameters.first_half_share),
        low if np.isfinite(low) else None,
        high if np.isfinite(high) else None,
    )
