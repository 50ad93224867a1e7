"""Ways between zones, links and stations, in km and in minutes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from fleetsim.scenario.sites import SitesSection
from fleetsim.sites.traffic import link_traffic, long_ends, long_trips, trip_load
from fleetsim.ways import Ways
from networks.courses import plane_km
from networks.import_rules import access_rules
from networks.tables import ROAD_CLASSES
from networks.travel import Sites, link_minutes, nearest_k, shortest_km, snap

Floats = NDArray[np.float64]
HOUR_MIN = 60.0


@dataclass(frozen=True)
class SiteWays(Ways):
    """Ways as siting needs them: beside km also minutes, and from the roads themselves."""

    rules: SitesSection = field(default_factory=SitesSection)

    @cached_property
    def link_minutes(self) -> Floats:
        """Time of each link of the graph at `sites.hour` of a weekday [min]."""
        return link_minutes(self.graph, self.city.speeds, hour=self.rules.hour, weekday=True)

    def minutes(self, stations: pl.DataFrame) -> Floats:
        """Return the time from each zone to the nearest station [min]; infinite: none in reach."""
        if stations.is_empty():
            return np.full(self.city.zones.height, np.inf)
        places = self._snapped(stations)
        quickest = nearest_k(self.graph, self.zones, places, 1, minutes=self.link_minutes).minutes[:, 0]
        lat0 = float(str(self.city.zones["lat"].mean()))
        near = cKDTree(plane_km(stations.select("lon", "lat").to_numpy(), lat0))
        straight, _ = near.query(plane_km(self.city.zones.select("lon", "lat").to_numpy(), lat0))
        rules = access_rules()
        street = np.where(straight <= rules.near_km, straight * rules.detour / rules.kmh * HOUR_MIN, np.inf)
        return np.asarray(np.minimum(quickest, street))

    def link_km(self, stations: pl.DataFrame) -> Floats:
        """Return the way from the middle of each link, onwards, to the nearest station [km]; infinite: none."""
        if stations.is_empty():
            return np.full(len(self.graph.to_node), np.inf)
        nodes = Sites(np.arange(self.graph.node_count), np.zeros(self.graph.node_count))
        onwards = shortest_km(self.graph, nodes, self._snapped(stations))
        return np.asarray(onwards[self.graph.to_node] + self.graph.length_km / 2.0)

    @cached_property
    def links(self) -> pl.DataFrame:
        """Links in the order of the graph: road and class, middle and both ends, zone row, district, traffic."""
        graph = self.graph
        tail = np.repeat(np.arange(graph.node_count), np.diff(graph.indptr))
        lon, lat = ((values[tail] + values[graph.to_node]) / 2.0 for values in (graph.lon, graph.lat))
        lat0 = float(str(self.city.zones["lat"].mean()))
        zones = cKDTree(plane_km(self.city.zones.select("lon", "lat").to_numpy(), lat0))
        _, row = zones.query(plane_km(np.column_stack([lon, lat]), lat0))
        names = pl.DataFrame({"link": graph.link}).join(
            self.city.links.select("link", "road"), on="link", how="left", maintain_order="left"
        )
        traffic = link_traffic(self.city, self, self.rules)
        trips = long_trips(self.city, self, self.rules, long_ends(self.city, self, self.rules))
        return names.with_columns(
            road_class=pl.Series([ROAD_CLASSES[number] for number in graph.road_class.tolist()]),
            lon=pl.Series(lon),
            lat=pl.Series(lat),
            from_lon=pl.Series(graph.lon[tail]),
            from_lat=pl.Series(graph.lat[tail]),
            to_lon=pl.Series(graph.lon[graph.to_node]),
            to_lat=pl.Series(graph.lat[graph.to_node]),
            row=pl.Series(row.astype(np.int64)),
            district=self.city.zones["district"].gather(row.tolist()),
            vehicles=pl.Series(traffic),
            through=pl.Series(trip_load(self, trips, self.link_minutes, only_through=True)),
            length_km=pl.Series(graph.length_km),
        )

    def _snapped(self, places: pl.DataFrame) -> Sites:
        return snap(self.graph, places["lon"].to_numpy(), places["lat"].to_numpy(), limit_km=access_rules().reach_km)
