"""What imports assume where a planner's file says nothing: the table `import_rules.csv` that ships."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import dataframely as dy
import polars as pl

from networks.io import read_table

FILE = "import_rules.csv"


class ImportRule(dy.Schema):
    """One row a number that imports assume, with the range in which it is plausible."""

    rule = dy.String(primary_key=True, description="what is imported (gtfs, station) and the name of the rule")
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
    """Rules of timetables; meanings, units and ranges stand in `import_rules.csv`, rows `gtfs_...`."""

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
    """Rules of stations; meanings, units and ranges stand in `import_rules.csv`, rows `station_...`."""

    fast_kw: float
    slow_kw: float
    packs_per_bay: float
    storage_kg: float
    supply_kg_h: float
    same_place_km: float
    plugs_a_site: float


@cache
def feed_rules() -> FeedRules:
    """Return the shipped rules of timetables."""
    return FeedRules(**_values("gtfs_"))


@cache
def station_rules() -> StationRules:
    """Return the shipped rules of stations."""
    return StationRules(**_values("station_"))


def _values(prefix: str) -> dict[str, float]:
    """Return the values of the rules whose names begin so, by the rest of the name."""
    rows = read_table(_folder() / FILE, ImportRule).select("rule", "value").iter_rows()
    return {rule.removeprefix(prefix): value for rule, value in rows if rule.startswith(prefix)}


def _folder() -> Path:
    """Return the folder of the shipped data: beside the packages in a checkout, else inside of the installed one."""
    root = Path(__file__).parent.parent
    return root / "data" if (root / "data" / FILE).is_file() else root / "fleetsim" / "data"
