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
from fleetsim.scenario.sections import at_year
from fleetsim.scenario.sites import SitesSection
from fleetsim.scenario.stations import SitingSection
from fleetsim.sites.demand import Demand
from fleetsim.sites.measured import Service, measured
from fleetsim.sites.request import FleetWeight
from fleetsim.sites.ways import SiteWays
from networks.errors import DataError

Floats = NDArray[np.float64]
RESIDENTS = "residents"
HOURS = range(24)


@dataclass(frozen=True, eq=False)
class Layer:
    """One group of those who want to be served: what each zone is worth, and which sites are near enough for it."""

    group: str
    worth: Floats
    pairs: pl.DataFrame
    reach_km: float | None = None


@dataclass(frozen=True, eq=False)
class Group:
    """Visits of a group of fleets by zone: left over, as much as they count, all sought, and how far it drives [km]."""

    group: str
    left: Floats
    visits: Floats
    reach_km: float | None


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
        By year the arrivals in the busiest hour of stations that were simulated [1/h]; None: those of the demand.
    considered
        Nearest stations among which a driver chooses (`charging.stations_considered`).
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
    peaks: Mapping[int, Mapping[str, float]] | None = None
    considered: int = 4

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
        """Zones (row) and offered sites (column) from which a new one is visited, with distance_km and standard_km."""
        pairs = self.ways.pairs(self.offered, self.rules.served_standards * self.standard_km)
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
        taken_up = self.taken_up(within, year)
        if not self.fleets:
            return [Layer("all", self.worth(year), taken_up)]
        layers = [Layer(RESIDENTS, self.share_of_residents * self.beyond(year), within)]
        for group in self.groups(year):
            own = taken_up if group.reach_km is None else self.taken_up(self._within(group.reach_km), year)
            layers.append(Layer(group.group, group.left, own, group.reach_km))
        return layers

    def taken_up(self, pairs: pl.DataFrame, year: int) -> pl.DataFrame:
        """Return the pairs of zones and sites (row, column, distance_km) where drivers would consider a new station.

        That is where fewer stations than they choose among are nearer; all pairs where nothing was simulated.
        """
        if not self.left(year).any():
            return pairs
        limit = pl.Series(self._farthest_considered(year)).gather(pairs["row"])
        return pairs.filter(pl.col("distance_km") <= limit)

    def _farthest_considered(self, year: int) -> Floats:
        """Return the way to the last of the stations among which drivers of each zone choose [km]; infinite: fewer."""
        if year not in self._choices:
            found = np.full(self.city.zones.height, np.inf)
            standing = self.standing(year).filter(pl.col("fleet_group").is_null())
            reach = max([self.standard_km.max(), *(each.reach_km or 0.0 for each in self.fleets)])
            pairs = self.ways.pairs(standing, np.full(len(found), reach)) if standing.height else pl.DataFrame()
            if pairs.height:
                place = pl.col("distance_km").rank("ordinal").over("row")
                last = pairs.filter(place == self.considered)
                found[last["row"].to_numpy()] = last["distance_km"].to_numpy()
            self._choices[year] = found
        return self._choices[year]

    @cached_property
    def _choices(self) -> dict[int, Floats]:
        return {}

    @property
    def share_of_residents(self) -> float:
        """How much residents count beside fleets."""
        return next((each.importance for each in self.fleets if each.group == RESIDENTS), 1.0)

    def groups(self, year: int) -> list[Group]:
        """Return the visits that stations left over in each zone, as much as they count; by fleet where these count.

        Raises
        ------
        DataError
            If a group is not in the demand.
        """
        if not self.fleets:
            return [Group("all", self.left(year), self.visits(year), None)]
        known = sorted({group for of_year in self.demand.by_fleet.values() for group in of_year})
        unknown = [each.group for each in self.fleets if each.group not in (RESIDENTS, *known)]
        if unknown:
            have = ", ".join([RESIDENTS, *known])
            raise DataError([f"--fleets: {group!r} has no demand; there is {have}" for group in unknown])
        return [self._group(each, year) for each in self.fleets if each.group != RESIDENTS]

    def _group(self, fleet: FleetWeight, year: int) -> Group:
        table = self.demand.by_fleet[year].get(fleet.group)
        if table is None:
            nobody = np.zeros(self.city.zones.height)
            return Group(fleet.group, nobody, nobody, fleet.reach_km)
        left = fleet.importance * table["left"].to_numpy()
        return Group(fleet.group, left, table["visits"].to_numpy(), fleet.reach_km)

    def weighed(self, year: int) -> Floats:
        """Return all that wants to be served in each zone, each group as it counts [unit of the demand]."""
        residents = self.share_of_residents * self.demand.zones[year]["people"].to_numpy()
        return np.asarray(residents + sum(group.left for group in self.groups(year)))

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
        near = float((self.demand.zones[year]["people"].to_numpy() - self.beyond(year)).sum())
        return self.gainable(year) + self.share_of_residents * near

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

    @cached_property
    def service(self) -> Service:
        """How long a visit holds a plug of a new station, and how evenly visits come, see `service_at`."""
        return self.service_at(at_year(self.section.power_kw[self.kind], max(self.demand.zones)))

    def service_at(self, power_kw: float) -> Service:
        """Return the service at plugs of some power: as simulated at stations alike, else as the scenario assumes."""
        if power_kw not in self._services:
            visits = self.demand.sessions
            if not visits.is_empty() and power_kw > 0:
                share = self.rules.like_power_share
                visits = visits.filter(pl.col("power_kw").is_between(share * power_kw, power_kw / share))
            found = measured(visits, self.section, self.rules, self.kind)
            self._services[power_kw] = found
        return self._services[power_kw]

    @cached_property
    def _services(self) -> dict[float, Service]:
        return {}

    def peaks_of(self, year: int, visits: Floats, column: NDArray[np.int64], zone: NDArray[np.int64]) -> Floats:
        """Return the arrivals in the busiest hour of each offered site [1/h], of visits from zones [1/day].

        Notes
        -----
        With searches by zone and hour at hand it is the hour in which most come to that site; else the share of a
        day's visits that comes in the peak hour.
        """
        size, shares = self.offered.height, self.demand.by_hour.get(year)
        if shares is None:
            return np.asarray(np.bincount(column, weights=visits, minlength=size) * self.demand.peak_share, np.float64)
        hours = [np.bincount(column, weights=visits * shares[zone, hour], minlength=size) for hour in HOURS]
        return np.asarray(np.max(hours, axis=0))

    def in_peak(self, year: int, visits: Floats) -> Floats:
        """Return the visits of each zone in the hour in which most come, of visits a day [1/h]."""
        shares = self.demand.by_hour.get(year)
        if shares is None or not visits.any():
            return visits * self.demand.peak_share
        return np.asarray(visits * shares[:, int((visits @ shares).argmax())])

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
    def measured_peaks(self) -> Mapping[int, Mapping[str, float]]:
        """Arrivals in the busiest hour of each year of each simulated station [1/h]; empty: nothing was simulated."""
        if self.peaks is not None:
            return self.peaks
        load, found = self.demand.load, dict[int, dict[str, float]]()
        if load.is_empty():
            return found
        arrivals = load.with_columns(arrivals=pl.col("served") + pl.col("unserved"))
        busiest = arrivals.group_by("year", "station_id", maintain_order=True).agg(pl.col("arrivals").max())
        for year, name, value in busiest.iter_rows():
            found.setdefault(int(year), {})[str(name)] = float(value)
        return found

    @cached_property
    def measured_peak(self) -> Mapping[str, float]:
        """Arrivals in the busiest hour of all years of each simulated station [1/h]; empty: nothing was simulated."""
        highest: dict[str, float] = {}
        for of_year in self.measured_peaks.values():
            for name, value in of_year.items():
                highest[name] = max(value, highest.get(name, value))
        return highest
