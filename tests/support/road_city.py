"""A city on one road: nodes 10 km apart on the equator, a zone at each, and what siting needs of a city."""

from types import SimpleNamespace
from typing import Any

import polars as pl
from line_city import STANDARD, YEAR, line_stations, line_zones

from fleetsim.scenario.sites import SitesSection
from fleetsim.scenario.stations import SitingSection
from fleetsim.sites.candidates import OFFER
from fleetsim.sites.demand import Demand
from fleetsim.sites.ground import Ground
from fleetsim.sites.ways import SiteWays

KM = 10.0
DEGREES = KM / 111.195
"""Length of a road on the equator [deg]."""


def road_city(population: list[int]) -> Any:
    """Return a city of zones along an arterial road of 60 km/h, at half speed all day."""
    count = len(population)
    lon = [DEGREES * place for place in range(count)]
    zones = line_zones(population).with_columns(lon=pl.Series(lon), lat=pl.lit(0.0), area_km2=pl.lit(5.0))
    ends = [(place, place + 1) for place in range(count - 1)] + [(place + 1, place) for place in range(count - 1)]
    links = pl.DataFrame(
        [
            {"link": number, "from_node": tail, "to_node": head, "road": "Line road", "name_zh": None, "ref": None,
             "road_class": "arterial", "length_km": KM, "free_flow_kmh": 60.0, "basis": "assumption"}
            for number, (tail, head) in enumerate(ends)
        ]
    )  # fmt: skip
    return SimpleNamespace(
        zones=zones,
        nodes=pl.DataFrame({"node": list(range(count)), "lon": lon, "lat": [0.0] * count}),
        links=links,
        speeds=pl.DataFrame(
            [
                {"road_class": "arterial", "hour": hour, "weekday_factor": 0.5, "weekend_factor": 1.0}
                for hour in range(24)
            ]
        ),
        districts=pl.DataFrame({"district": ["East", "West"], "name_zh": ["东区", "西区"]}),
        stock=pl.DataFrame({"fleet": ["car_private"], "vehicles": [100.0]}),
        duty_background=pl.DataFrame({"fleet": ["car_private", "car_private"], "km_per_day": [30.0, 50.0]}),
    )


def road_ground(population: list[int], sites: list[int], standing: list[int], **rules: Any) -> Ground:
    """Return the ground of the road: sites and stations at the nodes with these numbers."""
    city = road_city(population)
    offer = pl.DataFrame(
        {"candidate": [f"c{place}" for place in sites], "name": [f"Site {place}" for place in sites],
         "name_zh": [f"站址{place}" for place in sites], "district": ["West"] * len(sites),
         "lon": [DEGREES * place for place in sites], "lat": [0.0] * len(sites)}
    )  # fmt: skip
    unknown = {name: pl.lit(None, dtype=kind) for name, kind in OFFER.items() if name not in offer.columns}
    offer = offer.with_columns(**unknown).select(list(OFFER)).cast(dict(OFFER))
    stations = line_stations([float(place) for place in standing]).with_columns(lon=pl.col("lon") * DEGREES)
    section = SitesSection(**rules)
    amounts = city.zones.select(
        "zone", people=pl.col("population").cast(pl.Float64), left=pl.lit(0.0), visits=pl.col("population") / 100.0
    )
    demand = Demand("residents", {YEAR: amounts}, 0.1, *(pl.DataFrame() for _ in range(4)))
    kinds = SitingSection.model_validate({"standard_km": dict.fromkeys(("public", "swap", "hydrogen"), STANDARD)})
    return Ground(city, SiteWays(city, section), kinds, "public", stations, demand, offer, offer.clear(), section)
