"""Synthetic charging and swap stations at the end of 2020, scaled to the published totals."""

from dataclasses import dataclass

import dataframely as dy
import numpy as np
import polars as pl

from charging.tables import PileRecord, Station
from fleetsim.synthesis.placement import (
    Floats,
    Ints,
    catchments,
    cover,
    generator,
    plane_km,
    scatter,
    share_out,
    spread,
)
from fleetsim.synthesis.places import CENTRAL, plain_weight
from networks.errors import DataError
from networks.tables import Place, Zone

BASE_DATE = "2020-12"


@dataclass(frozen=True)
class StationTotals:
    """What stood at the end of 2020, beside the pile counts. Published where said, else assumptions."""

    fast_sites: int = 1600
    """Public sites with fast chargers (range 1,000 to 2,500)."""
    slow_sites: int = 1400
    """Public sites with slow chargers (range 1,000 to 3,000)."""
    fast_share: float = 0.45
    """Share of public piles that charge fast (range 0.35 to 0.60)."""
    fast_kw: float = 60.0
    """Power of a fast plug [kW] (range 30 to 120)."""
    slow_kw: float = 7.0
    """Power of a slow plug [kW]."""
    key_area_per_km2: float = 12000.0
    """Residents plus jobs a km2 above which a central zone is a key area [1/km2] (range 8,000 to 20,000)."""
    key_radius_km: float = 0.9
    """Service radius in key areas [km] (published upper bound for 2020)."""
    plain_radius_km: float = 5.0
    """Service radius in the plain [km] (published upper bound for 2020)."""
    bus_piles: int = 4200
    """Piles in bus depots, about one for three of 12,500 battery buses (range 2,500 to 6,000)."""
    bus_kw: float = 120.0
    """Power of a bus pile [kW] (range 60 to 180)."""
    sanitation_piles: int = 3600
    """Piles in sanitation yards for 4,500 battery vehicles (range 2,000 to 4,500)."""
    sanitation_kw: float = 30.0
    """Power of a sanitation pile [kW] (range 7 to 60)."""
    taxi_piles: int = 1500
    """Piles in taxi yards (range 500 to 3,000)."""
    taxi_kw: float = 60.0
    """Power of a taxi-yard pile [kW] (range 30 to 60)."""
    goods_piles: int = 1200
    """Piles in logistics parks (range 500 to 3,000)."""
    goods_kw: float = 30.0
    """Power of a logistics-park pile [kW] (range 7 to 60)."""
    airside_piles: int = 700
    """Piles at the airports (range 200 to 1,500; the first station of the old airport had 54 in 2014)."""
    airside_kw: float = 60.0
    """Power of an airside pile [kW] (range 7 to 450)."""
    swap_stations: int = 159
    """Swap stations (published)."""
    taxi_swap_stations: int = 100
    """Of these, for taxis (published for August 2019)."""
    taxi_packs: int = 28
    """Packs in a taxi swap station (range 20 to 60)."""
    car_packs: int = 5
    """Packs in a swap station for cars (range 5 to 13)."""
    swap_kw: float = 40.0
    """Power of a charger behind a swap bay [kW] (range 30 to 60)."""


def synthetic_stations(
    places: dy.DataFrame[Place],
    zones: dy.DataFrame[Zone],
    piles: dy.DataFrame[PileRecord],
    *,
    totals: StationTotals | None = None,
    seed: int = 2020,
) -> dy.DataFrame[Station]:
    """Return public, depot and swap stations at the end of 2020 as a table of `Station`, synthetic rows only.

    Public plugs sum to the public piles of 2020-12. The sites first give the published service radius to
    the key areas and to the plain, then follow residents and jobs.

    Parameters
    ----------
    places
        All places, real and synthetic; depot stations bear the identifier of their place.
    zones
        Zones.
    piles
        Pile counts; the public ones of 2020-12 are used.
    totals
        Sites, piles of the fleets, powers.
    seed
        Seed of the draws.
    """
    totals = totals or StationTotals()
    frames = [
        *_public(zones, public_piles(piles), totals, seed),
        *(_depots(places, *rule) for rule in _depot_rules(totals)),
        *_swap(zones, totals, seed),
    ]
    return Station.validate(pl.concat(frames).sort("station_id"), cast=True)


def public_piles(piles: dy.DataFrame[PileRecord]) -> int:
    """Return the public piles of the base date."""
    row = piles.filter((pl.col("date") == BASE_DATE) & (pl.col("kind") == "public"))
    if row.height != 1:
        raise DataError(f"piles.csv: no row of kind 'public' for {BASE_DATE}; add it")
    return int(row["piles"][0])


def key_area(zones: dy.DataFrame[Zone], per_km2: float) -> pl.Series:
    """Return whether a zone is a key area: central, outside the mountains, and dense [persons and jobs/km2]."""
    dense = (pl.col("population") + pl.col("jobs")) / pl.col("area_km2") >= per_km2
    central = pl.col("functional_zone").cast(pl.String).is_in(CENTRAL)
    return zones.select((dense & central & ~pl.col("mountain")).alias("key_area")).to_series()


@dataclass(frozen=True)
class _PublicKind:
    name: str
    piles: int
    power_kw: float
    close: int
    """How many sites, the first ones, must stand near the centre of their zone to keep the service radius."""


def _public(zones: dy.DataFrame[Zone], piles: int, totals: StationTotals, seed: int) -> list[pl.DataFrame]:
    weight = (zones["population"] + zones["jobs"]).to_numpy().astype(np.float64)
    at_km = plane_km(zones)
    key = np.where(key_area(zones, totals.key_area_per_km2), weight, 0.0)
    inhabited = np.where(zones["population"].to_numpy() > 0, plain_weight(zones), 0.0)
    in_key = cover(key, at_km, totals.key_radius_km - 0.1)
    in_plain = cover(inhabited, at_km, totals.plain_radius_km - 0.3, served=in_key)
    needed = np.concatenate([in_plain, in_key])
    fast_piles = round(piles * totals.fast_share)
    fast = _PublicKind("fast", fast_piles, totals.fast_kw, len(needed))
    slow = _PublicKind("slow", piles - fast_piles, totals.slow_kw, 0)
    return [
        _public_rows(zones, _filled(needed, weight, at_km, totals.fast_sites), fast, seed),
        _public_rows(zones, spread(weight, at_km, totals.slow_sites, 0.8), slow, seed),
    ]


def _filled(needed: Ints, weight: Floats, at_km: Floats, count: int) -> Ints:
    if len(needed) > count:
        raise DataError(f"{count} fast sites cannot give the service radius; {len(needed)} are needed")
    return np.concatenate([needed, spread(weight, at_km, count - len(needed), 0.8, needed)])


def _public_rows(zones: pl.DataFrame, rows: Ints, kind: _PublicKind, seed: int) -> pl.DataFrame:
    rng = generator(seed, f"public {kind.name}")
    points = pl.concat([scatter(zones, rows[: kind.close], rng, 0.1), scatter(zones, rows[kind.close :], rng)])
    at_site = catchments(points, zones) * rng.lognormal(0.0, 0.5, len(rows))
    return _rows(
        points,
        prefix=f"public_{kind.name}",
        title=f"Public {kind.name} charging",
        kind="public",
        plugs=share_out(kind.piles, at_site, 2),
        power_kw=kind.power_kw,
    )


def _rows(points: pl.DataFrame, *, prefix: str, title: str, kind: str, plugs: Ints, power_kw: float) -> pl.DataFrame:
    number = pl.int_range(1, points.height + 1, dtype=pl.Int64).cast(pl.String).str.zfill(4)
    return points.select(
        station_id=pl.lit(f"{prefix}_") + number,
        name=pl.lit(f"{title} ") + number,
        kind=pl.lit(kind),
        lon="lon",
        lat="lat",
        district="district",
        opened_year=pl.lit(2020, dtype=pl.Int64),
        plugs=pl.Series(plugs),
        power_kw=pl.lit(power_kw),
        site_limit_kw=pl.lit(None, dtype=pl.Float64),
        fleet_group=pl.lit(None, dtype=pl.String),
        packs=pl.lit(None, dtype=pl.Int64),
        storage_kg=pl.lit(None, dtype=pl.Float64),
        supply_kg_h=pl.lit(None, dtype=pl.Float64),
        basis=pl.lit("synthetic"),
        reason=pl.lit("given"),
    )


def _depot_rules(totals: StationTotals) -> list[tuple[str, str, int, float]]:
    return [
        ("bus_depot", "bus", totals.bus_piles, totals.bus_kw),
        ("sanitation_depot", "sanitation", totals.sanitation_piles, totals.sanitation_kw),
        ("taxi_depot", "taxi", totals.taxi_piles, totals.taxi_kw),
        ("logistics_park", "goods", totals.goods_piles, totals.goods_kw),
        ("airport", "airside", totals.airside_piles, totals.airside_kw),
    ]


def _depots(places: pl.DataFrame, place_kind: str, fleet_group: str, piles: int, power_kw: float) -> pl.DataFrame:
    at = places.filter(pl.col("kind") == place_kind).sort("place")
    plugs = share_out(piles, at["size"].to_numpy(), 1)
    rows = _rows(
        at.select("district", "lon", "lat"),
        prefix=place_kind,
        title="",
        kind="depot",
        plugs=plugs,
        power_kw=power_kw,
    )
    return rows.with_columns(
        at["place"].alias("station_id"),
        at["name"].alias("name"),
        pl.lit(fleet_group).alias("fleet_group"),
        pl.lit("depot rule").alias("reason"),
    )


def _swap(zones: pl.DataFrame, totals: StationTotals, seed: int) -> list[pl.DataFrame]:
    cars = totals.swap_stations - totals.taxi_swap_stations
    return [
        _swap_rows(zones, "taxi", totals.taxi_swap_stations, totals.taxi_packs, totals.swap_kw, seed),
        _swap_rows(zones, "car", cars, totals.car_packs, totals.swap_kw, seed),
    ]


def _swap_rows(zones: pl.DataFrame, group: str, count: int, packs: int, power_kw: float, seed: int) -> pl.DataFrame:
    sites = spread(plain_weight(zones), plane_km(zones), count, 3.0)
    rows = _rows(
        scatter(zones, sites, generator(seed, f"swap {group}")),
        prefix=f"swap_{group}",
        title=f"Battery swap ({group})",
        kind="swap",
        plugs=np.ones(count, dtype=np.int64),
        power_kw=power_kw,
    )
    return rows.with_columns(pl.lit(group).alias("fleet_group"), pl.lit(packs, dtype=pl.Int64).alias("packs"))
