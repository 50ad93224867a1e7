"""Synthetic depots, terminals and parking sites beside the real ones."""

from dataclasses import dataclass

import dataframely as dy
import numpy as np
import polars as pl

from fleetsim.synthesis.placement import (
    Floats,
    Ints,
    catchments,
    generator,
    nearest,
    plane_km,
    scatter,
    share_out,
    spread,
)
from networks.tables import Place, Zone

CENTRAL = ("core", "central_city")


@dataclass(frozen=True)
class PlaceTotals:
    """How many places of a kind the city has, real and synthetic. Published where said, else assumptions."""

    bus_depot: int = 250
    """Yards where buses stand at night: 23,000 buses at about 90 a yard (range 150 to 650 counting small yards)."""
    bus_terminal: int = 700
    """Line ends: about one for two lines (range 500 to 900)."""
    mountain_terminal: int = 60
    """Of these, village ends of mountain lines (range 40 to 120)."""
    mountain_depot: int = 20
    """Yards in the mountains, of the bus depots and of the sanitation yards each (range 10 to 40)."""
    taxi_depot: int = 80
    """Yards of taxi companies (range 60 to 200; over 200 companies, the small ones without a yard)."""
    sanitation_depot: int = 120
    """Yards for 11,000 vehicles (published), one for three of some 330 subdistricts and towns (range 80 to 330)."""
    logistics_park: int = 60
    """Parks and distribution centres where vans load (range 40 to 150)."""
    car_park: int = 500
    """Large car parks, candidates for stations (range 300 to 2,000)."""
    buses: int = 23000
    """Buses that stand in the depots (published lower bound, municipal operator, October 2024)."""
    sanitation_vehicles: int = 11000
    """Sanitation vehicles (published, April 2024)."""
    taxis_in_yards: int = 8000
    """Taxis that stand in company yards between drivers (range 2,000 to 20,000 of 70,000)."""


@dataclass(frozen=True)
class _Rule:
    name: str
    name_zh: str
    reach_km: float


RULES = {
    "bus_depot": _Rule("Bus depot", "公交场站", 2.0),
    "bus_terminal": _Rule("Bus terminal", "公交首末站", 1.0),
    "taxi_depot": _Rule("Taxi yard", "出租汽车场站", 2.5),
    "sanitation_depot": _Rule("Sanitation yard", "环卫停车场", 2.5),
    "logistics_park": _Rule("Distribution centre", "配送中心", 4.0),
    "car_park": _Rule("Car park", "停车场", 0.7),
}
CORE_WEIGHT = {"bus_depot": 0.15, "taxi_depot": 0.2, "sanitation_depot": 0.4, "logistics_park": 0.0}
"""Weight of zones in the core area, where yards are few (assumption)."""


def synthetic_places(
    real: dy.DataFrame[Place], zones: dy.DataFrame[Zone], *, totals: PlaceTotals | None = None, seed: int = 2020
) -> dy.DataFrame[Place]:
    """Return the synthetic places that bring the real ones to the totals, as a table of `Place`.

    Parameters
    ----------
    real
        Places that are known; all count towards the totals.
    zones
        Zones; residents and jobs draw the sites.
    totals
        Places of each kind in the city.
    seed
        Seed of the draws.
    """
    totals = totals or PlaceTotals()
    frames = []
    for kind in RULES:
        known = real.filter(pl.col("kind") == kind).sort("place")
        rows = _zone_rows(kind, known, zones, totals)
        frames.append(_places(kind, rows, zones, seed))
    places = pl.concat([real.filter(pl.col("kind").is_in(list(RULES))).sort("place"), *frames])
    places = _with_sizes(places, zones, totals, seed)
    return Place.validate(places.filter(pl.col("basis") == "synthetic").sort("place"))


def plain_weight(zones: pl.DataFrame, kind: str = "") -> Floats:
    """Return residents plus jobs of the zones outside the mountains, the core weighted down for some kinds."""
    weight = (zones["population"] + zones["jobs"]).to_numpy().astype(np.float64)
    weight[zones["mountain"].to_numpy()] = 0.0
    weight[zones["functional_zone"].cast(pl.String).to_numpy() == "core"] *= CORE_WEIGHT.get(kind, 1.0)
    return weight


def _zone_rows(kind: str, known: pl.DataFrame, zones: pl.DataFrame, totals: PlaceTotals) -> Ints:
    count = getattr(totals, kind) - known.height
    served = nearest(known, zones)
    at_km = plane_km(zones)
    hill_sites = {
        "bus_terminal": totals.mountain_terminal,
        "bus_depot": totals.mountain_depot,
        "sanitation_depot": totals.mountain_depot,
    }.get(kind, 0)
    hills = zones["population"].to_numpy() * zones["mountain"].to_numpy().astype(np.float64)
    in_plain = spread(plain_weight(zones, kind), at_km, count - hill_sites, RULES[kind].reach_km, served)
    return np.concatenate([in_plain, spread(hills, at_km, hill_sites, 4.0)])


def _places(kind: str, rows: Ints, zones: pl.DataFrame, seed: int) -> pl.DataFrame:
    rule = RULES[kind]
    number = pl.int_range(1, len(rows) + 1, dtype=pl.Int64).cast(pl.String).str.zfill(3)
    points = scatter(zones, rows, generator(seed, kind))
    width_m = (zones[rows]["area_km2"].sqrt() * 10.0).round() * 100.0
    return points.select(
        place=pl.lit(f"{kind}_") + number,
        name=pl.lit(f"{rule.name} ") + number,
        name_zh=pl.lit(rule.name_zh) + number + pl.lit("（示意）"),
        kind=pl.lit(kind).cast(Place.columns()["kind"].dtype),
        district="district",
        lon="lon",
        lat="lat",
        size=pl.lit(1.0),
        accuracy_m=width_m,
        basis=pl.lit("synthetic").cast(Place.columns()["basis"].dtype),
    )


def _with_sizes(places: pl.DataFrame, zones: pl.DataFrame, totals: PlaceTotals, seed: int) -> pl.DataFrame:
    """Return the synthetic places; the vehicles of all yards of a kind, real ones too, sum to its total."""
    vehicles = {
        "bus_depot": totals.buses,
        "sanitation_depot": totals.sanitation_vehicles,
        "taxi_depot": totals.taxis_in_yards,
    }
    frames = []
    for kind in RULES:
        rows = places.filter(pl.col("kind") == kind)
        made = (rows["basis"] == "synthetic").to_numpy()
        known = float(rows["size"].to_numpy()[~made].sum())
        draw = generator(seed, f"{kind} size").lognormal(0.0, 0.3, rows.height)
        if kind in vehicles:
            weight = (catchments(rows, zones) ** 0.5 * draw)[made]
            size = share_out(int(vehicles[kind] - known), weight, 5).astype(np.float64)
        else:
            size = draw[made].round(1)
        frames.append(rows.filter(pl.Series(made)).with_columns(pl.Series("size", size)))
    return pl.concat(frames)
