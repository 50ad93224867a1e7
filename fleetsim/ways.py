"""Ways between zones and stations on the road network of a city."""

from dataclasses import dataclass
from functools import cached_property

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.spatial import cKDTree

from charging.tables import Access, Station
from fleetsim.datasets import City
from networks.courses import plane_km
from networks.import_rules import access_rules
from networks.roads import RoadGraph
from networks.travel import Nearest, Sites, link_minutes, nearest_k, shortest_km, snap, within

OPEN_KINDS = ("public", "swap", "hydrogen")
MEAN_HOUR = 12
"""Hour whose speeds stand for the day when stations are compared [h]: the nearest ones are the same at other hours."""
NEAREST = {"zone": pl.Int64, "station": pl.Int64, "kind": pl.String, "minutes": pl.Float64, "km": pl.Float64}


@dataclass(frozen=True)
class Ways:
    """The road graph with the zones joined to it."""

    city: City

    @cached_property
    def graph(self) -> RoadGraph:
        """The road graph."""
        return RoadGraph.from_tables(self.city.nodes, self.city.links)

    @cached_property
    def zones(self) -> Sites:
        """The zones' centres on the graph."""
        return self._sites(self.city.zones)

    def nearest(self, stations: dy.DataFrame[Station], count: int) -> pl.DataFrame:
        """Return the nearest stations of every zone: `count` of each kind and each group they are kept for.

        Returns
        -------
        zone and station (row numbers in the zones table and in `stations`), kind, minutes [min], km [km],
        nearest first.
        """
        rows = stations.select(pl.col("kind").cast(pl.String), "fleet_group").with_row_index("station")
        parts = []
        for (kind, group), part in sorted(
            rows.filter(pl.col("kind").is_in(OPEN_KINDS)).partition_by("kind", "fleet_group", as_dict=True).items(),
            key=str,
        ):
            own = part["station"].to_numpy().astype(np.int64)
            found = self._nearest((str(kind), group), stations[own.tolist()], count)
            parts.append(_long(str(kind), own, found))
        return pl.concat(parts) if parts else pl.DataFrame(schema=NEAREST)

    @cached_property
    def _found(self) -> dict[tuple[str, str | None], tuple[tuple[int, bytes], Nearest]]:
        """Of each kind and group, where its stations stood when `nearest` was asked last, and the ways to them."""
        return {}

    @cached_property
    def _minutes(self) -> NDArray[np.float64]:
        """Minutes of each link at the mean hour."""
        return link_minutes(self.graph, self.city.speeds, hour=MEAN_HOUR, weekday=True)

    def _nearest(self, key: tuple[str, str | None], stations: pl.DataFrame, count: int) -> Nearest:
        """Return the nearest of the stations of a kind and group; looked for anew only where others stand by now."""
        where = count, stations.select("lon", "lat").to_numpy().tobytes()
        known = self._found.get(key)
        if known is None or known[0] != where:
            known = where, nearest_k(self.graph, self.zones, self._sites(stations), count, minutes=self._minutes)
            self._found[key] = known
        return known[1]

    def shortest(self, stations: dy.DataFrame[Station]) -> pl.DataFrame:
        """Return zone (cell), kind and distance_km: the shortest way to a station of each kind, see `_near`."""
        kinds, rules = stations["kind"].cast(pl.String), access_rules()
        parts = []
        for kind in OPEN_KINDS:
            own = stations.filter(kinds == kind)
            km = shortest_km(self.graph, self.zones, self._sites(own))
            if own.height:
                straight, _ = cKDTree(self._plane(own)).query(self._plane(self.city.zones))
                km = np.minimum(km, np.where(straight <= rules.near_km, straight * rules.detour, np.inf))
            parts.append(self.city.zones.select("zone", kind=pl.lit(kind), distance_km=pl.Series(km)))
        return pl.concat(parts).filter(pl.col("distance_km").is_finite()).sort("kind", "zone")

    def candidate_access(self, candidates: pl.DataFrame, standards: pl.DataFrame) -> dy.DataFrame[Access]:
        """Return the zones and candidate sites within the zone's standard of each other on the network.

        Parameters
        ----------
        candidates
            Table `Candidate`.
        standards
            Of every zone: zone, standard_km [km].
        """
        limits = self.city.zones.select("zone").join(standards, on="zone", how="left", maintain_order="left")
        shortest = self.pairs(candidates, limits["standard_km"].fill_null(0.0).to_numpy())
        table = shortest.select(
            zone=self.city.zones["zone"].gather(shortest["row"]),
            candidate=candidates["candidate"].gather(shortest["column"]),
            distance_km="distance_km",
        )
        return Access.validate(table.sort("zone", "candidate"))

    def pairs(self, places: pl.DataFrame, limit_km: NDArray[np.float64]) -> pl.DataFrame:
        """Return row (in the zones table), column (in `places`) and distance_km of all pairs within a zone's limit.

        Parameters
        ----------
        places
            A table with lon, lat [deg].
        limit_km
            Longest way of each zone [km].
        """
        road = within(self.graph, self.zones, self._sites(places), limit_km=float(limit_km.max(initial=0.0))).tocoo()
        near = self._near(places)
        pairs = pl.DataFrame(
            {
                "row": np.concatenate([road.row, near.row]),
                "column": np.concatenate([road.col, near.col]),
                "distance_km": np.concatenate([road.data, near.data]).astype(np.float64),
            }
        )
        pairs = pairs.filter(pairs["distance_km"] <= pl.Series(limit_km).gather(pairs["row"]))
        shortest = pairs.group_by("row", "column", maintain_order=True).agg(pl.col("distance_km").min())
        return shortest.sort("row", "column")

    def _near(self, places: pl.DataFrame) -> coo_matrix:
        """Return zones and places near each other: straight distance times the detour of local streets [km].

        The graph holds no more than the main streets, so two places at one corner may be far apart on it.
        """
        rules = access_rules()
        zones, others = cKDTree(self._plane(self.city.zones)), cKDTree(self._plane(places))
        near = zones.sparse_distance_matrix(others, rules.near_km, output_type="coo_matrix")
        return coo_matrix((near.data * rules.detour, (near.row, near.col)), shape=near.shape)

    def _plane(self, places: pl.DataFrame) -> NDArray[np.float64]:
        lonlat = places.select("lon", "lat").to_numpy()
        return plane_km(lonlat, float(str(self.city.zones["lat"].mean())))

    def _sites(self, places: pl.DataFrame) -> Sites:
        return snap(self.graph, places["lon"].to_numpy(), places["lat"].to_numpy(), limit_km=access_rules().reach_km)


def _long(kind: str, rows: NDArray[np.int64], found: Nearest) -> pl.DataFrame:
    zone, rank = np.nonzero(found.target >= 0)
    table = {
        "zone": zone,
        "station": rows[found.target[zone, rank]],
        "kind": [kind] * zone.size,
        "minutes": found.minutes[zone, rank],
        "km": found.km[zone, rank],
    }
    return pl.DataFrame(table, schema=NEAREST)
