"""What the choice of sites looks at: zones, their standards, what stands, and who is near which site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from charging.coverage import zone_standards
from fleetsim.datasets import City
from fleetsim.days import open_stations
from fleetsim.scenario.sites import SitesSection
from fleetsim.scenario.stations import SitingSection
from fleetsim.sites.demand import Demand
from fleetsim.sites.request import FleetWeight
from fleetsim.sites.ways import SiteWays
from networks.errors import DataError

Floats = NDArray[np.float64]
SERVED_STANDARDS = 2.0
"""A new station is taken to be visited from as far as this many times the standard; an assumption (1 to 3)."""
RESIDENTS = "residents"


@dataclass(frozen=True, eq=False)
class Layer:
    """One group of those who want to be served: what each zone is worth, and which sites are near enough for it."""

    group: str
    worth: Floats
    pairs: pl.DataFrame


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
    rules
        The scenario's section `sites`.
    fleets
        Which groups of fleets count, and how far they drive; empty: all alike.
    peaks
        Arrivals in the busiest hour of stations that were simulated [1/h]; None: those of the demand.
    """

    city: City
    ways: SiteWays
    section: SitingSection
    kind: str
    stations: pl.DataFrame
    demand: Demand
    offered: pl.DataFrame
    forbidden: pl.DataFrame
    rules: SitesSection = field(default_factory=SitesSection)
    fleets: tuple[FleetWeight, ...] = ()
    peaks: Mapping[str, float] | None = None

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

    def beyond(self, year: int) -> Floats:
        """Return the people of each zone where no station stands within the standard, 0 elsewhere."""
        people = self.demand.zones[year]["people"].to_numpy()
        return np.where(self.before_km(year) <= self.standard_km, 0.0, people)

    def worth(self, year: int) -> Floats:
        """Return what a station within the standard of each zone gains there [unit of the demand]."""
        return np.asarray(self.left(year) + self.beyond(year))

    def layers(self, year: int) -> list[Layer]:
        """Return who wants to be served, by group of fleets where these count differently.

        Raises
        ------
        DataError
            If a group is not in the demand.
        """
        within = self.near.filter(pl.col("distance_km") <= pl.col("standard_km"))
        if not self.fleets:
            return [Layer("all", self.worth(year), within)]
        known = self.demand.by_fleet[year]
        unknown = [each.group for each in self.fleets if each.group not in (RESIDENTS, *known)]
        if unknown:
            have = ", ".join([RESIDENTS, *known])
            raise DataError([f"--fleets: {group!r} has no demand; there is {have}" for group in unknown])
        weight = {each.group: each.importance for each in self.fleets}
        layers = [Layer(RESIDENTS, weight.get(RESIDENTS, 1.0) * self.beyond(year), within)]
        for each in self.fleets:
            if each.group == RESIDENTS:
                continue
            left = each.importance * known[each.group]["left"].to_numpy()
            layers.append(Layer(each.group, left, within if each.reach_km is None else self._within(each.reach_km)))
        return layers

    @cached_property
    def _reached(self) -> dict[float, pl.DataFrame]:
        return {}

    def _within(self, reach_km: float) -> pl.DataFrame:
        """Return zones and offered sites within a way of each other."""
        if reach_km not in self._reached:
            self._reached[reach_km] = self.ways.pairs(self.offered, np.full(self.city.zones.height, reach_km))
        return self._reached[reach_km]

    def gainable(self, year: int) -> float:
        """Return all that stations could gain [unit of the demand]."""
        return float(sum(layer.worth.sum() for layer in self.layers(year)))

    def total(self, year: int) -> float:
        """Return all that wants to be served, each group as it counts [unit of the demand]."""
        if not self.fleets:
            return float(self.people(year).sum())
        share = next((each.importance for each in self.fleets if each.group == RESIDENTS), 1.0)
        near = float((self.demand.zones[year]["people"].to_numpy() - self.beyond(year)).sum())
        return self.gainable(year) + share * near

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

    def cover_of(self, layer: Layer) -> csr_array:
        """Return zones x offered sites: near enough for a layer."""
        return self.matrix(layer.pairs, np.ones(layer.pairs.height))

    @cached_property
    def measured_peak(self) -> Mapping[str, float]:
        """Arrivals in the busiest hour of each simulated station [1/h]; empty where nothing was simulated."""
        if self.peaks is not None:
            return self.peaks
        load = self.demand.load
        if load.is_empty():
            return {}
        arrivals = load.with_columns(arrivals=pl.col("served") + pl.col("unserved"))
        busiest = arrivals.group_by("station_id", maintain_order=True).agg(pl.col("arrivals").max())
        return {str(name): float(value) for name, value in busiest.iter_rows()}

    def district_names(self) -> Mapping[str, str]:
        """Return the name of each district with its Chinese name."""
        rows = self.city.districts.select("district", "name_zh").iter_rows()
        return {name: name if name == zh else f"{name} {zh}" for name, zh in rows}
