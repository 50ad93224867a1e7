"""The stock over many years without tables in between, and without simulated days.

Waits and coverage of simulated days are left at those of the base year, so buyers do not feel them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from fleetsim import calibration, cars, stock
from fleetsim.cars import CAR_FLEETS, CarParameters
from fleetsim.cohorts import BoolArray, Cohorts, FloatArray, hazard
from fleetsim.datasets import City
from fleetsim.forecast import CarProblem, car_problem
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.sections import StockSection, at_year
from fleetsim.stock import Rules, Sections, StockTables

CHUNK = 50
"""Draws that are run at once; more would not fit the processor's cache."""

StockByYear = Mapping[int, tuple[Cohorts, ...]]


@dataclass(frozen=True, eq=False)
class FastStart:
    """Where a fast path begins."""

    tables: StockTables
    opening: pl.DataFrame
    rules: Rules
    cohorts: tuple[Cohorts, ...]
    years: tuple[int, ...]


def begin(
    city: City,
    scenario: Scenario,
    last_year: int,
    parameters: CarParameters | None = None,
    opening: pl.DataFrame | None = None,
) -> FastStart:
    """Return the opening stock and the rules of a scenario up to `last_year`.

    Parameters
    ----------
    city, scenario
        Data and levers.
    last_year
        Last year [year].
    parameters
        Calibrated parameters of the cars; None: calibrated here.
    opening
        Stock at the end of the base year, where it was made already; None: made here.
    """
    tables, sections = tables_of(city), sections_of(scenario)
    years = tuple(range(scenario.run.first_year, last_year + 1))
    opening = stock.initial(tables, years[0]) if opening is None else opening
    paths = calibration.conversion_paths(city.observations, tables.stock, sections.stock, scenario.calibration.until)
    rules = stock.rules(tables, sections, years, parameters, paths)
    if parameters is None:
        until, seed = scenario.calibration.until, scenario.run.seed
        problem = car_problem(opening, rules, years)
        fitted = calibration.calibrate(problem, city.observations, until, seed=seed)
        rules = stock.rules(tables, sections, years, fitted, paths)
    return FastStart(tables, opening, rules, tuple(stock.to_cohorts(opening)), years)


def started(city: City, opening: pl.DataFrame, rules: Rules, years: Sequence[int]) -> FastStart:
    """Return the start of a run: its opening stock and its calibrated rules for `years`."""
    return FastStart(tables_of(city), opening, rules, tuple(stock.to_cohorts(opening)), tuple(years))


def unrounded(start: FastStart) -> FastStart:
    """Return the start with no fleet kept in whole vehicles: half the time, and within some vehicles the same."""
    tables = replace(start.tables, fleets=start.tables.fleets.with_columns(whole_vehicles=pl.lit(value=False)))
    fleets = {name: {**row, "whole_vehicles": False} for name, row in start.rules.fleets.items()}
    return replace(start, tables=tables, rules=replace(start.rules, fleets=fleets))


def with_levers(start: FastStart, city: City, scenario: Scenario) -> FastStart:
    """Return the start under the rules of another scenario of the same city, on the calibration it has."""
    tables, sections = start.tables, sections_of(scenario)
    paths = calibration.conversion_paths(city.observations, tables.stock, sections.stock, scenario.calibration.until)
    years = _years_changed(start, sections.stock)
    rules = stock.rules(tables, sections, years, start.rules.cars, paths)
    return replace(start, rules=replace(rules, utility={**start.rules.utility, **rules.utility}))


def _years_changed(start: FastStart, section: StockSection) -> list[int]:
    """Return the base year, and the years whose utilities may differ: of other grants, if nothing else differs."""
    before, first, *later = start.rules.sections.stock, *start.years
    same = section.model_copy(update={"purchase_grant_share": before.purchase_grant_share}) == before
    grants = before.purchase_grant_share, section.purchase_grant_share
    if not same or at_year(grants[0], first) != at_year(grants[1], first):
        return [first, *later]
    return [first, *(year for year in later if at_year(grants[0], year) != at_year(grants[1], year))]


def tables_of(city: City) -> StockTables:
    """Return the tables of a city that the turnover needs."""
    return StockTables(**{name: getattr(city, name) for name in StockTables.__annotations__})


def sections_of(scenario: Scenario) -> Sections:
    """Return the sections of a scenario that the turnover reads."""
    return Sections(scenario.stock, scenario.cars, scenario.policy, scenario.schedule)


def turn_over(cohorts: Sequence[Cohorts], rules: Rules, years: Sequence[int]) -> StockByYear:
    """Return the fleets at the end of each year; the first of `years` is that of `cohorts`."""
    held = {years[0]: tuple(cohorts)}
    for year in years[1:]:
        held[year] = tuple(stock.turn_fleet(one, year, rules).cohorts for one in held[year - 1])
    return held


def draw_cars(start: FastStart, vectors: FloatArray) -> dict[str, FloatArray]:
    """Return the cars of many draws of the parameters, by fleet.

    Parameters
    ----------
    start
        Opening stock and rules.
    vectors
        Parameters, one vector a row in the order of `cars.PARAMETERS`.

    Returns
    -------
    By fleet an array (draw, year, powertrain, district) of the vehicles at year ends.
    """
    chunks = [vectors[first : first + CHUNK] for first in range(0, len(vectors), CHUNK)]
    fleets = [one for one in start.cohorts if one.fleet in CAR_FLEETS]
    return {one.fleet: np.concatenate([_draws(one, start, chunk) for chunk in chunks]) for one in fleets}


def _draws(fleet: Cohorts, start: FastStart, vectors: FloatArray) -> FloatArray:
    rules, section, row = start.rules, start.rules.sections.cars, start.rules.fleets[fleet.fleet]
    number, districts = len(vectors), len(fleet.cells)
    drawn = Cohorts(fleet.fleet, fleet.year, fleet.first_vintage, fleet.cells * number, np.tile(fleet.counts, number))
    found = [_by_draw(drawn, number)]
    for year in start.years[1:]:
        rate = hazard(drawn.ages(), row["life_years"], row["life_shape"], row["statutory_age"])
        sigma = cars.replacement_shares(vectors, rules.cars.window_end, section, fleet.fleet, year)
        held = found[-1].sum(axis=1)
        drawn = cars.turn(
            drawn,
            cars.car_hazard(rate, rules.cars.kappa, section, year),
            np.repeat(sigma, districts),
            cars.plates(rules.quota, section, fleet.fleet, year),
            section,
            (held / held.sum(axis=1, keepdims=True)).ravel(),
        ).cohorts
        found.append(_by_draw(drawn, number))
    return np.stack(found, axis=1)


def _by_draw(drawn: Cohorts, number: int) -> FloatArray:
    """Return vehicles (draw, powertrain, district), vintages summed."""
    summed = drawn.counts.sum(axis=1)
    return np.asarray(summed.reshape(len(summed), number, -1).swapaxes(0, 1))


def others(start: FastStart) -> tuple[Cohorts, ...]:
    """Return the fleets that do not follow the plate quota."""
    return tuple(one for one in start.cohorts if one.fleet not in CAR_FLEETS)


def problem_of(start: FastStart, held: StockByYear) -> CarProblem:
    """Return the car problem whose other fleets ran along `held` (see `turn_over`, cars left out)."""
    fleets = start.rules.fleets
    counted = [one for one in start.cohorts if fleets[one.fleet]["nev_counted"]]
    path = {year: _sum(part, start.rules.nev, fleets) for year, part in held.items()}
    summed = tuple(city_wide(one) for one in start.cohorts if one.fleet in CAR_FLEETS)
    return CarProblem(start.rules, summed, path, float(sum(one.counts.sum() for one in counted)))


def _sum(held: Sequence[Cohorts], nev: BoolArray, fleets: Mapping[str, Mapping[str, object]]) -> float:
    return float(sum(one.counts[nev].sum() for one in held if fleets[one.fleet]["nev_counted"]))


def city_wide(cohorts: Cohorts) -> Cohorts:
    """Return a fleet with its districts summed."""
    summed = np.asarray(cohorts.counts.sum(axis=2, keepdims=True))
    return Cohorts(cohorts.fleet, cohorts.year, cohorts.first_vintage, (("all", "all", "none"),), summed)
