"""What the choice of sites looks at: zones, their standards, what stands, and who is near which site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from charging.coverage import zone_standards
from fleetsim.datasets import City
from fleetsim.days import open_stations
from fleetsim.scenario.sections import SitingSection
from fleetsim.sites.demand import Demand
from fleetsim.ways import Ways

Floats = NDArray[np.float64]
SERVED_STANDARDS = 2.0
"""A new station is taken to be visited from as far as this many times the standard; an assumption (1 to 3)."""


@dataclass(frozen=True)
class Ground:
    """The city as siting sees it.

    Attributes
    ----------
    city, ways, section, kind
        City, its roads, the scenario's section `siting`, and the kind of station.
    stations
        Table `Station`: those of the kind that stand or are to open.
    demand
        Who is to be served.
    offered, forbidden
        Sites that may be built on, and those that may not (columns `sites.candidates.OFFER`).
    """

    city: City
    ways: Ways
    section: SitingSection
    kind: str
    stations: pl.DataFrame
    demand: Demand
    offered: pl.DataFrame
    forbidden: pl.DataFrame

    @cached_property
    def standard_km(self) -> Floats:
        """The standard of each zone [km]."""
        table = zone_standards(self.city.zones, {self.kind: self.section.standard_km[self.kind]})
        joined = self.city.zones.select("zone").join(table, on="zone", how="left", maintain_order="left")
        return joined["standard_km"].to_numpy()

    @cached_property
    def _known(self) -> dict[int, Floats]:
        return {}

    def before_km(self, year: int) -> Floats:
        """Return the way from each zone to the nearest station that stands in a year [km]; infinite: none."""
        if year not in self._known:
            self._known[year] = self.nearest_km(open_stations(self.stations, year))
        return self._known[year]

    def nearest_km(self, stations: Any) -> Floats:
        """Return the way from each zone to the nearest of some stations of the kind [km]; infinite: none."""
        if not stations.height:
            return np.full(self.city.zones.height, np.inf)
        found = self.ways.shortest(stations).filter(kind=self.kind)
        joined = self.city.zones.select("zone").join(found, on="zone", how="left", maintain_order="left")
        return joined["distance_km"].fill_null(np.inf).to_numpy()

    def standing(self, year: int) -> Any:
        """Return the stations that stand in a year."""
        return open_stations(self.stations, year)

    @cached_property
    def near(self) -> pl.DataFrame:
        """Zones (row) and offered sites (column) within twice the standard, with distance_km and standard_km."""
        pairs = self.ways.pairs(self.offered, SERVED_STANDARDS * self.standard_km)
        return pairs.with_columns(standard_km=pl.Series(self.standard_km).gather(pairs["row"]))

    def worth(self, year: int) -> Floats:
        """Return what a station within the standard of each zone gains there [unit of the demand]."""
        table = self.demand.zones[year]
        left, people = table["left"].to_numpy(), table["people"].to_numpy()
        return np.asarray(left + np.where(self.before_km(year) <= self.standard_km, 0.0, people))

    def people(self, year: int) -> Floats:
        """Return all that wants to be served in each zone [unit of the demand]."""
        table = self.demand.zones[year]
        return np.asarray(table["people"].to_numpy() + table["left"].to_numpy())

    def visits(self, year: int) -> Floats:
        """Return the visits that come from each zone [1/day]."""
        return self.demand.zones[year]["visits"].to_numpy()

    def left(self, year: int) -> Floats:
        """Return the visits that stations near left over, weighed, in each zone [1/day]; 0 where not simulated."""
        return self.demand.zones[year]["left"].to_numpy()

    def matrix(self, pairs: pl.DataFrame, values: Floats) -> csr_array:
        """Return zones x offered sites with a value for each of `pairs` (row, column)."""
        shape = (self.city.zones.height, self.offered.height)
        return csr_array((values, (pairs["row"].to_numpy(), pairs["column"].to_numpy())), shape=shape)

    @cached_property
    def cover(self) -> csr_array:
        """Zones x offered sites: within the zone's standard."""
        pairs = self.near.filter(pl.col("distance_km") <= pl.col("standard_km"))
        return self.matrix(pairs, np.ones(pairs.height))

    def district_names(self) -> Mapping[str, str]:
        """Return the name of each district with its Chinese name."""
        rows = self.city.districts.select("district", "name_zh").iter_rows()
        return {name: name if name == zh else f"{name} {zh}" for name, zh in rows}
