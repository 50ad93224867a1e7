"""Scripted conversion: the lines of a schedule, checked, and what they ask of a fleet in a year."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from fleetsim.cars import CAR_FLEETS
from fleetsim.cohorts import Cohorts, Order, transfer
from fleetsim.scenario.schedule import Conversion, ScheduleSection
from fleetsim.scenario.sections import at_year
from fleetsim.tables import POWERTRAINS
from networks.errors import ScenarioError


def check(section: ScheduleSection, fleets: Sequence[str], districts: Sequence[str], types: pl.DataFrame) -> None:
    """Raise ScenarioError with every fault of the schedule: line, value and remedy.

    Parameters
    ----------
    section
        The schedule.
    fleets, districts
        Known names.
    types
        Vehicle types with the column `buyer`, the fleet, and `powertrain`: what a fleet can buy.
    """
    problems: list[str] = []
    for number, line in enumerate(section.convert, start=1):
        place = f"schedule.convert, line {number}"
        problems += _line_faults(place, line, fleets, types)
        if line.district is not None:
            problems += _known(place, "district", line.district, districts)
    for number, move in enumerate(section.transfer, start=1):
        place = f"schedule.transfer, line {number}"
        problems += _known(place, "fleet", move.fleet, fleets)
        problems += _known(place, "district", move.from_district, districts)
        problems += _known(place, "district", move.to_district, districts)
    if problems:
        raise ScenarioError(problems)


def _line_faults(place: str, line: Conversion, fleets: Sequence[str], types: pl.DataFrame) -> list[str]:
    problems = _known(place, "fleet", line.fleet, fleets)
    if line.fleet in CAR_FLEETS:
        return [f"{place}: cars follow the plate quota, not a schedule; set cars.replacement_share instead"]
    if bool(line.share) == bool(line.number):
        problems.append(f"{place}: give either share or number by year, not both and not neither")
    sold = types.filter(pl.col("buyer") == line.fleet)["powertrain"].cast(pl.String).unique().sort().to_list()
    if not problems and line.to not in sold:
        problems.append(f"{place}: {line.fleet!r} has no vehicle type {line.to!r}; use one of {', '.join(sold)}")
    return problems


def _known(place: str, what: str, value: str, known: Sequence[str]) -> list[str]:
    if value in known:
        return []
    return [f"{place}: {what} {value!r} is not known; use one of {', '.join(sorted(known))}"]


def orders(section: ScheduleSection, cohorts: Cohorts, closing: Mapping[int, float], year: int) -> tuple[Order, ...]:
    """Return what the schedule asks of a fleet in `year`.

    Parameters
    ----------
    section
        The schedule.
    cohorts
        The fleet at the end of the year before.
    closing
        Vehicles each cell shall hold at year end [vehicles].
    year
        Year.
    """
    ours = [line for line in section.convert if line.fleet == cohorts.fleet]
    found = [_order(line, cohorts, closing, year) for line in ours]
    return tuple(order for order in found if order is not None)


def _order(line: Conversion, cohorts: Cohorts, closing: Mapping[int, float], year: int) -> Order | None:
    cells = np.array([line.district in (None, district) for district, _, _ in cohorts.cells])
    if not line.exempt_too:
        cells &= ~cohorts.exempt()
    one = np.array([name == line.to for name in POWERTRAINS])
    if line.number:
        return Order(one, cells, float(line.number[year]), True, one.astype(float)) if year in line.number else None
    if year < min(line.share):
        return None
    held = sum(vehicles for cell, vehicles in closing.items() if cells[cell])
    return Order(one, cells, float(round(at_year(line.share, year) * held)), False, one.astype(float))


def move(section: ScheduleSection, cohorts: Cohorts, year: int, *, in_whole: bool) -> Cohorts:
    """Return the fleet after the transfers of `year`; vehicles whose kind of cell is missing there open one."""
    for line in section.transfer:
        vehicles = line.vehicles.get(year, 0)
        if line.fleet == cohorts.fleet and vehicles > 0:
            cohorts = _with_cells(cohorts, line.from_district, line.to_district)
            source = np.array([district == line.from_district for district, _, _ in cohorts.cells])
            target = np.array([district == line.to_district for district, _, _ in cohorts.cells])
            cohorts = transfer(cohorts, source, target, vehicles, in_whole=in_whole)
    return cohorts


def _with_cells(cohorts: Cohorts, source: str, target: str) -> Cohorts:
    wanted = [(target, *rest) for district, *rest in cohorts.cells if district == source]
    new = tuple((d, o, e) for d, o, e in wanted if (d, o, e) not in cohorts.cells)
    if not new:
        return cohorts
    shape = (*cohorts.counts.shape[:2], len(new))
    counts = np.concatenate([cohorts.counts, np.zeros(shape)], axis=2)
    return Cohorts(cohorts.fleet, cohorts.year, cohorts.first_vintage, cohorts.cells + new, counts)
