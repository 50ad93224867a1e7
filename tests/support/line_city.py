"""A city on a line: zones and sites a kilometre apart, ways as the crow flies, so that answers can be counted."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl

from charging.tables import Station
from fleetsim.scenario.stations import SitingSection
from fleetsim.sites.candidates import OFFER
from fleetsim.sites.demand import Demand
from fleetsim.sites.ground import Ground

YEAR = 2025
STANDARD = {"core": 1.0, "central_city": 1.0, "sub_centre": 1.0, "plain_new_town": 1.0, "ecological": 1.0,
            "mountain": 1.0}  # fmt: skip


@dataclass(frozen=True)
class LineWays:
    """Ways along the line: lon is the kilometre."""

    zones: pl.DataFrame

    def _km(self, places: pl.DataFrame) -> Any:
        return np.abs(self.zones["lon"].to_numpy()[:, None] - places["lon"].to_numpy())

    def pairs(self, places: pl.DataFrame, limit_km: Any) -> pl.DataFrame:
        km = self._km(places)
        row, column = np.nonzero(km <= np.asarray(limit_km)[:, None])
        return pl.DataFrame({"row": row, "column": column, "distance_km": km[row, column]})

    def shortest(self, stations: pl.DataFrame) -> pl.DataFrame:
        return self.zones.select("zone", kind=pl.lit("public"), distance_km=pl.Series(self._km(stations).min(axis=1)))

    def minutes(self, stations: pl.DataFrame) -> Any:
        """A minute a kilometre."""
        km = self._km(stations)
        return km.min(axis=1) if stations.height else np.full(self.zones.height, np.inf)

    @property
    def links(self) -> pl.DataFrame:
        """A road between neighbours, in the direction of the line, with ten vehicles a day and one passing through."""
        count = self.zones.height - 1
        return pl.DataFrame(
            {
                "link": list(range(count)),
                "road": ["Line road"] * count,
                "road_class": ["arterial"] * count,
                "lon": [number + 0.5 for number in range(count)],
                "lat": [0.0] * count,
                "from_lon": [float(number) for number in range(count)],
                "from_lat": [0.0] * count,
                "to_lon": [number + 1.0 for number in range(count)],
                "to_lat": [0.0] * count,
                "row": list(range(count)),
                "district": self.zones["district"].head(count),
                "vehicles": [10.0] * count,
                "through": [1.0] * count,
                "length_km": [1.0] * count,
            }
        )

    def link_km(self, stations: pl.DataFrame) -> Any:
        places = stations["lon"].to_numpy()
        middle = self.links["lon"].to_numpy()
        return np.abs(middle[:, None] - places).min(axis=1) if len(places) else np.full(len(middle), np.inf)


def line_zones(population: list[int]) -> pl.DataFrame:
    count = len(population)
    return pl.DataFrame(
        {
            "zone": [f"z{number:02}" for number in range(count)],
            "district": ["West" if number < count / 2 else "East" for number in range(count)],
            "functional_zone": ["core"] * count,
            "mountain": [False] * count,
            "population": population,
            "jobs": population[::-1],
            "lon": [float(number) for number in range(count)],
            "lat": [0.0] * count,
        }
    )


def line_stations(at: list[float]) -> pl.DataFrame:
    rows = [
        {"station_id": f"s{place:g}", "name": f"Station {place:g}", "kind": "public", "lon": place, "lat": 0.0,
         "district": "West", "opened_year": 2020, "plugs": 10, "power_kw": 60.0, "basis": "assumption"}
        for place in at
    ]  # fmt: skip
    schema = Station.create_empty().schema
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def line_ground(
    population: list[int],
    sites: list[float],
    standing: list[float],
    *,
    section: dict[str, Any] | None = None,
    zones: pl.DataFrame | None = None,
) -> Ground:
    """Return the ground of a line of zones 1 km apart with a standard of 1 km; demand are its residents."""
    table = line_zones(population)
    offer = pl.DataFrame(
        {"candidate": [f"c{place:g}" for place in sites], "name": [f"Site {place:g}" for place in sites],
         "district": ["West"] * len(sites), "lon": sites, "lat": [0.0] * len(sites)}
    )  # fmt: skip
    unknown = {name: pl.lit(None, dtype=kind) for name, kind in OFFER.items() if name not in offer.columns}
    offer = offer.with_columns(**unknown)
    kinds = dict.fromkeys(("public", "swap", "hydrogen"), STANDARD)
    people = zones or table.select(
        "zone", people=pl.col("population").cast(pl.Float64), left=pl.lit(0.0), visits=pl.col("population") / 100.0
    )
    demand = Demand("residents", {YEAR: people}, 0.1, *(pl.DataFrame() for _ in range(4)))
    districts = pl.DataFrame({"district": ["East", "West"], "name_zh": ["东区", "西区"]})
    places = pl.DataFrame(schema={"place": pl.String, "name": pl.String})
    seats = pl.DataFrame(schema={"seat": pl.String})
    city: Any = SimpleNamespace(zones=table, districts=districts, places=places, seats=seats)
    ways: Any = LineWays(table)
    rules = SitingSection.model_validate({"standard_km": kinds, **(section or {})})
    return Ground(city, ways, rules, "public", line_stations(standing), demand, offer, offer.clear())
