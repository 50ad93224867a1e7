"""One year of a scenario made ready for its days, without simulating the years before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from fleetsim.datasets import City, city_folder, read_city
from fleetsim.days import depot_fleets
from fleetsim.engine.build import DayModel
from fleetsim.engine.plan import FleetPlan
from fleetsim.engine.supply import Supply
from fleetsim.network_growth import grow_depots
from fleetsim.operation.apply import Operated, Setting, operated
from fleetsim.pipeline import Clock, Start, Years
from fleetsim.scenario.scenario import Scenario
from networks.errors import ScenarioError


@dataclass(frozen=True)
class YearReady:
    """A year's vehicles and stations, from which days are built."""

    city: City
    scenario: Scenario
    year: int
    years: Years

    @classmethod
    def prepare(cls, scenario: Scenario, year: int) -> YearReady:
        """Return the year: stock turned over up to it, the given stations, depots grown with their vehicles.

        Choice of powertrains gets no feedback from simulated days on the way, and no stations are sited.

        Raises
        ------
        ScenarioError
            If the year is outside the scenario's years.
        """
        run = scenario.run
        if not run.first_year <= year <= run.last_year:
            raise ScenarioError(f"year {year}: the scenario runs from {run.first_year} to {run.last_year}")
        city = read_city(city_folder(run.city))
        years = Years(city, scenario, Start.prepare(city, scenario), Clock(lambda stage, share: None))
        for before in range(run.first_year, year + 1):
            years.turn_over(before)
        return cls(city, scenario, year, years)

    def day(self, name: str) -> dict[str, Any]:
        """Return the row of a representative day.

        Raises
        ------
        ScenarioError
            If there is no such day.
        """
        known = self.city.days["day"].to_list()
        if name not in known:
            raise ScenarioError(f"day {name!r}: is not among the days of days.csv: {', '.join(known)}")
        return self.city.days.row(by_predicate=pl.col("day") == name, named=True)

    def built(self, day: dict[str, Any]) -> tuple[DayModel, Setting]:
        """Return a day as built, and what the rules of operation depend on."""
        plans = self._plans(day)
        supply = self._supply(plans)
        days = self.years.days
        model = days.built(day, plans, self.years.stock, supply, self.year)
        return model, days.setting(day, plans, self.years.stock, supply, self.year)

    def operated(self, day: dict[str, Any]) -> Operated:
        """Return a day under the rules of operation."""
        return operated(*self.built(day))

    def _plans(self, day: dict[str, Any]) -> list[FleetPlan]:
        return self.years.days.plans(day, self.years.stock, self.year)

    def _supply(self, plans: list[FleetPlan]) -> Supply:
        years = self.years
        depots = depot_fleets(plans, self.city.places)
        years.stations = grow_depots(years.stations, depots, self.scenario.siting, year=self.year)
        return years.supply(self.year)
