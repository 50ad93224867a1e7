"""The design day of a year with some stations, through the engine: what siting learns from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from fleetsim import calibration
from fleetsim import stock as turnover
from fleetsim.datasets import City
from fleetsim.days import Days, day_tables, depot_fleets, open_stations
from fleetsim.engine.plan import FleetPlan
from fleetsim.engine.run import simulate_days
from fleetsim.engine.supply import Supply
from fleetsim.fast_path import sections_of, tables_of
from fleetsim.network_growth import grow_depots
from fleetsim.pipeline import design_day
from fleetsim.scenario.scenario import Scenario
from fleetsim.seeking import zone_hours
from fleetsim.sites.demand import Demand, of_result
from fleetsim.sites.growth import plugs_in
from fleetsim.sites.outcome import with_plugs
from fleetsim.ways import Ways
from networks.errors import ScenarioError

Tables = Mapping[str, pl.DataFrame]


@dataclass
class Simulator:
    """Simulates the design day of years, again and again with other stations; duties are made once a year.

    Parameters
    ----------
    city, scenario
        The city and the scenario; the stock turns over as in a run, buyers not feeling waits.
    ways
        Its roads.
    """

    city: City
    scenario: Scenario
    ways: Ways
    _stock: dict[int, pl.DataFrame] = field(default_factory=dict)
    _plans: dict[int, list[FleetPlan]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make what all years share."""
        self.days = Days(self.city, self.scenario)
        self.day: dict[str, Any] = design_day(self.city)

    def prepare(self, years: tuple[int, ...]) -> None:
        """Turn the stock over to the years.

        Raises
        ------
        ScenarioError
            If a year is before the scenario's first.
        """
        first = self.scenario.run.first_year
        if years[0] < first:
            raise ScenarioError(f"--years {years[0]}: the simulation begins in {first} (run.first_year)")
        known = list(range(first, max(years[-1], self.scenario.run.last_year) + 1))
        run = self.scenario
        stock, rules = calibration.prepare(
            tables_of(self.city), self.city.observations, sections_of(run), run.calibration.until, known, run.run.seed
        )
        for year in known:
            if year > years[-1]:
                break
            stock = turnover.advance(stock, year, rules).stock if year > first else stock
            if year in years:
                self._stock[year] = stock

    def tables(self, stations: pl.DataFrame, years: tuple[int, ...], sizes: pl.DataFrame | None = None) -> Tables:
        """Return demand, zone_hours, station_load, sessions, stations and station_years of the design day of each year.

        Parameters
        ----------
        stations
            Table `Station`, all kinds; those count that are open in the year.
        years
            Years, prepared before.
        sizes
            Table `StationYear` of stations that grow; None: every station keeps its plugs.
        """
        parts = [
            self._day(stations if sizes is None else with_plugs(stations, plugs_in(sizes, year)), year)
            for year in years
        ]
        tables = {name: pl.concat([part[name] for part in parts]) for name in parts[0]}
        return {**tables, "stations": stations}

    def _day(self, stations: pl.DataFrame, year: int) -> dict[str, pl.DataFrame]:
        if year not in self._plans:
            self._plans[year] = self.days.plans(self.day, self._stock[year], year)
        plans, stock = self._plans[year], self._stock[year]
        depots = depot_fleets(plans, self.city.places)
        standing = open_stations(grow_depots(stations, depots, self.scenario.siting, year=year), year)
        considered = self.scenario.charging.stations_considered
        model = self.days.model(self.day, plans, stock, Supply(standing, self.ways.nearest(standing, considered)), year)
        log = simulate_days([model.model.inputs], self.scenario.run.engine)[0]
        found = day_tables(model, log, ("demand", "station_load", "sessions", "day_use"))
        plugs = standing.select(pl.lit(year, pl.Int64).alias("year"), "station_id", "plugs", "power_kw")
        return {**found, "station_years": plugs, "zone_hours": zone_hours(*model.settled(log))}

    def demand(self, tables: Tables, years: tuple[int, ...], kind: str) -> Demand:
        """Return what the simulated days sought, missed and waited for."""
        return of_result(tables, self.city, self.scenario.siting, years, kind=kind)
