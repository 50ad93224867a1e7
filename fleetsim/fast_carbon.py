"""CO2 of operating vehicles per converted turnover without simulated days: every fleet by its yearly distance."""

from __future__ import annotations

from collections.abc import Sequence

import dataframely as dy
import polars as pl

from fleetsim import carbon, freight
from fleetsim.cohorts import Cohorts
from fleetsim.datasets import City
from fleetsim.fast_path import StockByYear
from fleetsim.intensity import intensity
from fleetsim.scenario.scenario import Scenario
from fleetsim.tables import POWERTRAINS, Fleet, Freight, StockTotal

CITY_WIDE = "all"


def intensity_by_year(city: City, scenario: Scenario, held: StockByYear) -> dict[int, float]:
    """Return CO2 of operating vehicles (statutory) per converted turnover over that of the first year.

    Parameters
    ----------
    city, scenario
        Data and levers.
    held
        Operating fleets at year ends.

    Notes
    -----
    Use and distance are vehicles times yearly distance times use per km and weather (`carbon.distance_use`); a run
    takes those of simulated fleets from its days instead.
    """
    operating = Fleet.cast(city.fleets.filter("operating"))
    use = carbon.distance_use(
        stock_totals(held, city), operating, city.vehicle_types, city.powertrains, scenario.carbon
    )
    accounts = carbon.carbon(carbon.energy(use, scenario.carbon), city.fleets, city.emission_factors, scenario.carbon)
    rail = freight.shares_known(city.observations, city.freight, scenario.calibration.until)
    goods = freight.goods(city.freight, scenario.freight, rail, sorted(held))
    people = freight.passengers(use, city.fleets, city.occupancy, scenario.freight)
    by_year = intensity(accounts, Freight.validate(pl.concat([goods, people]).sort("year", "mode")))
    base = by_year[min(by_year)]
    return {year: value / base for year, value in by_year.items()}


def stock_totals(held: StockByYear, city: City) -> dy.DataFrame[StockTotal]:
    """Return the vehicles by year, fleet and powertrain as `StockTotal`, districts summed."""
    counted = set(city.powertrains.filter("counts_as_nev")["powertrain"].cast(pl.String))
    rows = [row for year, fleets in held.items() for row in _rows(year, fleets, counted)]
    names = ("year", "fleet", "powertrain", "district", "vehicles", "nev")
    return StockTotal.validate(pl.DataFrame(rows, schema=list(names), orient="row"), cast=True)


def _rows(year: int, fleets: Sequence[Cohorts], counted: set[str]) -> list[tuple[int, str, str, str, float, bool]]:
    return [
        (year, one.fleet, name, CITY_WIDE, float(vehicles), name in counted)
        for one in fleets
        for name, vehicles in zip(POWERTRAINS, one.counts.sum(axis=(1, 2)), strict=True)
        if vehicles > 0.0
    ]
