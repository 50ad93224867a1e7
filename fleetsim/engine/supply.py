"""Where energy is taken: the stations and the ways to them as an engine takes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import dataframely as dy
import numpy as np
import polars as pl

from charging.tables import Station
from fleetsim.engine.columns import columns_of, whole
from fleetsim.engine.plan import GROUP
from fleetsim.engine.spec import HOUR_US, MINUTE_US, Access, IntArray, Kind, Stations
from fleetsim.scenario.stations import ChargingSection
from fleetsim.tables import FLEET_GROUPS
from networks.compiled import compiled

STATION_KIND_OF = {
    "depot": Kind.ELECTRIC,
    "public": Kind.ELECTRIC,
    "swap": Kind.SWAP,
    "hydrogen": Kind.HYDROGEN,
}


@dataclass(frozen=True, eq=False)
class Supply:
    """Where energy is taken.

    Attributes
    ----------
    stations
        Table `Station`: those open in the year, depots included (`station_id` is the depot).
    nearest
        Ways from zones to public, swap and hydrogen stations: zone and station (row numbers), minutes, km;
        enough of them that each zone has some of every group of fleets.
    """

    stations: dy.DataFrame[Station]
    nearest: pl.DataFrame
    _known: dict[tuple[int, int], Access] = field(default_factory=dict)

    def access(self, section: ChargingSection, zones: int) -> Access:
        """Return the nearest stations of each zone, see `access_of`; made once for all days."""
        key = section.stations_considered, zones
        if key not in self._known:
            self._known[key] = access_of(self.ways, section, zones)
        return self._known[key]

    @cached_property
    def ways(self) -> pl.DataFrame:
        """The ways, nearest first: kind (code), zone, station, minutes, km, nth (of the station's group, from 0)."""
        stations = self.stations.with_row_index("station").select(
            pl.col("station").cast(pl.Int64),
            pl.col("kind").cast(pl.String).replace_strict(STATION_KIND_OF, return_dtype=pl.Int64),
            group=pl.col("fleet_group").cast(GROUP).to_physical().cast(pl.Int64).fill_null(-1),
            depot=pl.col("kind").cast(pl.String) == "depot",
        )
        ways = (
            self.nearest.select(pl.col("zone", "station").cast(pl.Int64), "minutes", "km")
            .join(stations.filter(~pl.col("depot")), on="station")
            .sort("kind", "zone", "minutes", "station")
        )
        return ways.with_columns(nth=_numbered(ways, ways["group"].to_numpy() + 1))


def stations_of(stations: pl.DataFrame, section: ChargingSection, sample: float) -> Stations:
    """Return the stations' columns; with a sample of the vehicles they shrink alike, own plugs do not."""
    kind = pl.col("kind")
    scale = pl.when("own").then(1.0).otherwise(sample)
    handling_min = pl.when(kind == "swap").then(section.swap_min).when(kind == "hydrogen")
    handling_min = handling_min.then(section.hydrogen_connect_min).when(kind == "depot")
    into_battery = pl.col("power_kw") * 1000 * section.charger_efficiency
    flow = pl.lit(section.hydrogen_flow_kg_min * 60_000)
    codes = {group: code for code, group in enumerate(FLEET_GROUPS)}
    shaped = stations.with_columns(
        plugs=whole(pl.col("plugs") * scale).clip(1),
        rate=whole(pl.when(kind == "hydrogen").then(flow).otherwise(into_battery)).clip(1),
        handling=whole(handling_min.then(section.depot_connect_min).otherwise(section.connect_min) * MINUTE_US),
        packs=whole(pl.col("packs").fill_null(0) * scale),
        storage=whole(pl.col("storage_kg").fill_null(0.0) * 1000 * scale),
        supply=whole(pl.col("supply_kg_h").fill_null(0.0) * 1000 * scale),
        dry_limit=pl.lit(round(section.dry_wait_min * MINUTE_US), pl.Int64),
        group=pl.col("fleet_group").cast(pl.String).replace_strict(codes, default=-1, return_dtype=pl.Int64),
    )
    typical = pl.when(kind == "hydrogen").then(section.typical_hydrogen_kg).otherwise(section.typical_energy_kwh)
    flowing = pl.when(kind == "swap").then(0.0).otherwise(typical * 1000 / pl.col("rate") * HOUR_US)
    finished = shaped.with_columns(
        typical=pl.col("handling") + whole(flowing),
        queue_limit=(pl.col("plugs") * section.queue_per_plug).ceil().cast(pl.Int64),
        kind=kind.replace_strict(STATION_KIND_OF, return_dtype=pl.Int64),
    )
    return columns_of(Stations, finished)


def access_of(ways: pl.DataFrame, section: ChargingSection, zones: int) -> Access:
    """Return the nearest stations of each zone and kind, as many of each group and of those open to all; no depots."""
    near = ways.filter(pl.col("nth") < section.stations_considered)
    rank = _numbered(near, np.zeros(near.height, np.int64))
    ranks = max(section.stations_considered, last(rank) + 1)
    shape = (len(Kind), zones, ranks)
    station, drive, metres = np.full(shape, -1, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    place = near["kind"].to_numpy(), near["zone"].to_numpy(), rank.to_numpy()
    station[place] = near["station"].to_numpy()
    drive[place] = np.rint(near["minutes"].to_numpy() * MINUTE_US).astype(np.int64)
    metres[place] = np.rint(near["km"].to_numpy() * 1000).astype(np.int64)
    return Access(station, drive, metres)


def _numbered(ways: pl.DataFrame, group: IntArray) -> pl.Series:
    """Return the number of each way among those of its kind, zone and group, from 0; the ways lie by kind and zone."""
    place = ways["kind"].to_numpy() * (last(ways["zone"]) + 1) + ways["zone"].to_numpy()
    number = np.empty(ways.height, np.int64)
    _number(place, group, np.zeros(int(group.max(initial=0)) + 1, np.int64), number)
    return pl.Series(number)


@compiled
def _number(place: IntArray, group: IntArray, count: IntArray, number: IntArray) -> None:
    for row in range(len(place)):
        if row == 0 or place[row] != place[row - 1]:
            count[:] = 0
        number[row] = count[group[row]]
        count[group[row]] += 1


def last(column: pl.Series) -> int:
    return int(column.to_numpy().max(initial=0))
