"""What imports and the making of a network assume where a planner's file says nothing.

Meanings, units and ranges stand in the table that ships, `import_rules.csv`.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import dataframely as dy
import polars as pl

from networks.io import read_table

FILE = "import_rules.csv"


class ImportRule(dy.Schema):
    """One row a number that is assumed, with the range in which it is plausible."""

    rule = dy.String(
        primary_key=True, description="what is made or read (gtfs, station, access, ...) and the name of the rule"
    )
    value = dy.Float64()
    low = dy.Float64(description="low end of what is plausible")
    high = dy.Float64(description="high end of what is plausible")
    unit = dy.String()
    meaning = dy.String()

    @dy.rule()
    def plausible(cls) -> pl.Expr:
        """The value lies in its range."""
        return cls.value.col.is_between(cls.low.col, cls.high.col)


@dataclass(frozen=True)
class FeedRules:
    """Rules of timetables: rows `gtfs_...`."""

    trunk_departures: float
    feeder_km: float
    suburban_km: float
    night_from_h: float
    night_to_h: float
    night_share: float
    alike_km: float
    namesake_km: float
    terminal_accuracy_m: float
    depot_accuracy_m: float
    end_reach_km: float
    shortest_over_straight: float
    longest_over_straight: float
    length_slack_km: float
    least_unit_detour: float
    most_unit_detour: float
    fastest_kmh: float
    same_node_km: float
    road_kmh: float
    residents_a_bus: float
    buses_a_depot: float


@dataclass(frozen=True)
class StationRules:
    """Rules of stations: rows `station_...`."""

    fast_kw: float
    slow_kw: float
    packs_per_bay: float
    storage_kg: float
    supply_kg_h: float
    same_place_km: float
    plugs_a_site: float


@dataclass(frozen=True)
class AccessRules:
    """Rules of how places are joined to the roads: rows `access_...`."""

    detour: float
    kmh: float
    limit_km: float
    reach_km: float
    near_km: float
    served_km: float


@dataclass(frozen=True)
class ZoneRules:
    """Rules of zones made for a city that brings none: rows `zones_...`."""

    core_per_km2: float
    central_per_km2: float
    plain_per_km2: float
    jobs_per_resident: float
    jobs_with_streets: float
    road_ring: float
    most_fine_km2: float
    far_point_km: float


@dataclass(frozen=True)
class SpreadRules:
    """Rules by which totals of an area are spread over its zones: rows `spread_...`."""

    base_share: float
    local_weight: float
    secondary_weight: float
    arterial_weight: float


@dataclass(frozen=True)
class RoadRules:
    """Rules of a network made from entered courses: rows `roads_...`."""

    snap_km: float
    merge_km: float
    ring_shape_km: float
    expressway_shape_km: float
    arterial_shape_km: float
    secondary_shape_km: float
    local_shape_km: float


@dataclass(frozen=True)
class BlockRules:
    """Rules by which trips are joined to blocks: rows `blocks_...`."""

    idle_weight: float
    near_terminals: float
    near_departures: float


@dataclass(frozen=True)
class OsmRules:
    """Rules of OpenStreetMap: rows `osm_...`."""

    accuracy_m: float


@dataclass(frozen=True)
class StockRules:
    """Rules of a stock and depots that stand in: rows `stock_...`."""

    depot_accuracy_m: float


@dataclass(frozen=True)
class DatumRules:
    """Rules by which the coordinate system of points is told: rows `datum_...`."""

    fit_km: float
    sure_sd: float
    least_beaten: float
    fewest_points: float


@cache
def feed_rules() -> FeedRules:
    """Return the shipped rules of timetables."""
    return FeedRules(**_values("gtfs_"))


@cache
def station_rules() -> StationRules:
    """Return the shipped rules of stations."""
    return StationRules(**_values("station_"))


@cache
def access_rules() -> AccessRules:
    """Return the shipped rules of how places are joined to the roads."""
    return AccessRules(**_values("access_"))


@cache
def zone_rules() -> ZoneRules:
    """Return the shipped rules of zones."""
    return ZoneRules(**_values("zones_"))


@cache
def spread_rules() -> SpreadRules:
    """Return the shipped rules of spreading."""
    return SpreadRules(**_values("spread_"))


@cache
def road_rules() -> RoadRules:
    """Return the shipped rules of entered courses."""
    return RoadRules(**_values("roads_"))


@cache
def block_rules() -> BlockRules:
    """Return the shipped rules of blocks."""
    return BlockRules(**_values("blocks_"))


@cache
def osm_rules() -> OsmRules:
    """Return the shipped rules of OpenStreetMap."""
    return OsmRules(**_values("osm_"))


@cache
def stock_rules() -> StockRules:
    """Return the shipped rules of stock and depots."""
    return StockRules(**_values("stock_"))


@cache
def datum_rules() -> DatumRules:
    """Return the shipped rules of coordinate systems."""
    return DatumRules(**_values("datum_"))


def _values(prefix: str) -> dict[str, float]:
    """Return the values of the rules whose names begin so, by the rest of the name."""
    rows = read_table(_folder() / FILE, ImportRule).select("rule", "value").iter_rows()
    return {rule.removeprefix(prefix): value for rule, value in rows if rule.startswith(prefix)}


def _folder() -> Path:
    """Return the folder of the shipped data: beside the packages in a checkout, else inside of the installed one."""
    root = Path(__file__).parent.parent
    return root / "data" if (root / "data" / FILE).is_file() else root / "fleetsim" / "data"
