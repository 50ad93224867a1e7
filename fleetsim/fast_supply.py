"""What a run's indicators of stations, grid and sun come to with other levers, from its tables: no day is simulated.

The run's value is kept and the levers' part of it exchanged, so the scenario as it stands gives the run's values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from fleetsim import modelled
from fleetsim.datasets import City
from fleetsim.modelled import STATION_INDICATORS
from fleetsim.network_growth import new_stations
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.sections import at_year
from fleetsim.scenario.stations import SitingSection
from fleetsim.supply import solar

KINDS = {indicator: kind for kind, indicator in STATION_INDICATORS.items()}


@dataclass(frozen=True)
class FastSupply:
    """The supply side of a run."""

    city: City
    scenario: Scenario
    tables: Mapping[str, pl.DataFrame]
    run: Mapping[str, Mapping[int, float]]
    """The run's modelled values by indicator and year."""

    def names(self) -> list[str]:
        """Return the indicators that can be computed."""
        return sorted(name for name in (*KINDS, *self._by_name()) if name in self.run)

    def _by_name(self) -> dict[str, Callable[[Scenario], dict[int, float]]]:
        return {"network": self._piles, "peak": self._peak, "solar": self._solar, "storage": self._storage}

    def series(self, scenario: Scenario, name: str) -> dict[int, float]:
        """Return an indicator by year.

        Parameters
        ----------
        scenario
            The run's scenario with other levers.
        name
            One of `names`. Stations: as many sites as planned are taken to be found.
        """
        if name in KINDS:
            return self._stations(scenario, name)
        return self._by_name()[name](scenario)

    def value(self, scenario: Scenario, name: str, year: int) -> float:
        """Return an indicator in one year, see `series`."""
        return self.series(scenario, name)[year]

    def _stations(self, scenario: Scenario, name: str) -> dict[int, float]:
        kind = KINDS[name]
        return {
            year: value + planned(scenario.siting, kind, year) - planned(self.scenario.siting, kind, year)
            for year, value in self.run[name].items()
        }

    def _piles(self, scenario: Scenario) -> dict[int, float]:
        private = self.tables["piles"].filter(pl.col("kind").cast(pl.String) == "private")
        own = dict(private.select("year", "piles").iter_rows())
        shares = [one.duties.home_pile_share for one in (self.scenario, scenario)]
        added = [one.siting.public_piles_per_year for one in (self.scenario, scenario)]
        total, more = {}, 0.0
        for year, value in sorted(self.run["network"].items()):
            before, after = (at_year(share, year) for share in shares)
            more += at_year(added[1], year) - at_year(added[0], year)
            total[year] = value + more + float(own.get(year, 0)) * (after / max(before, 1e-9) - 1.0)
        return total

    def _peak(self, scenario: Scenario) -> dict[int, float]:
        section = scenario.grid
        lowest: dict[int, float] = {}
        days = self.tables["peaks"].select("year", "charging_at_city_peak_gw", "city_peak_gw")
        for year, charging, city in days.iter_rows():
            response = charging * at_year(section.response_share, year) + at_year(section.other_response_gw, year)
            lowest[year] = min(lowest.get(year, float("inf")), response / city)
        return lowest

    def _solar(self, scenario: Scenario) -> dict[int, float]:
        rows = modelled.of_solar(solar(self.city.solar_sites, scenario.solar, sorted(self.run["solar"])))
        return dict(rows.select("year", "value").iter_rows())

    def _storage(self, scenario: Scenario) -> dict[int, float]:
        return {year: at_year(scenario.grid.storage_gw, year) for year in self.run["storage"]}


def planned(section: SitingSection, kind: str, year: int) -> int:
    """Return the stations of a kind that siting opens up to a year, if it finds places for all."""
    return sum(new_stations(section, each, kind) for each in section.years if each <= year)
