"""The rules of stations: limits, cabinets, queues, charging by schedule, trailers; and the signals they follow."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleetsim.duties.draws import evenly
from fleetsim.engine.spec import (
    HOUR_US,
    NO_LIMIT_W,
    Deliveries,
    IntArray,
    QueueRule,
    ShareRule,
    Signals,
    Stations,
    Strategy,
)
from fleetsim.scenario.operation import OperationSection

HOURS = 24
PRICE_STEP_CNY = 0.0001
STRATEGIES = {
    "asap": Strategy.ASAP,
    "level": Strategy.LEVEL,
    "valley": Strategy.CHEAPEST,
    "cheapest": Strategy.CHEAPEST,
}
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tariffs:
    """The price of a depot's electricity by hour of the day.

    Attributes
    ----------
    price
        24 prices [CNY/kWh].
    valley
        The hours of the valley.
    """

    price: FloatArray
    valley: NDArray[np.bool_]


def ruled(stations: Stations, table: pl.DataFrame, section: OperationSection, *, charger_efficiency: float) -> Stations:
    """Return the stations with the rules of the scenario.

    Parameters
    ----------
    stations
        As built: the rows of `table`, then own plugs, which have no rules.
    table
        Table `Station` with the sites' own limits.
    section
        The rules.
    charger_efficiency
        Energy into batteries over energy from the grid.
    """
    size, own = len(stations), table.height
    kind = table["kind"].cast(pl.String).to_numpy()
    depot, public = kind == "depot", kind == "public"
    given = table["site_limit_kw"].cast(pl.Float64).fill_null(np.inf).to_numpy()
    plug_w = (stations.rate * stations.plugs)[:own]
    limit = np.minimum(given * 1000.0 * charger_efficiency, NO_LIMIT_W).astype(np.int64)
    if section.depot_limit_share < 1.0:
        ruled_w = np.maximum(plug_w * section.depot_limit_share, stations.plugs[:own]).astype(np.int64)
        limit = np.where(depot & np.isinf(given), ruled_w, limit)
    told = depot & (_signal_is_heard(section))
    cabinet_w = np.rint(stations.rate[:own] * section.cabinet_plugs * section.cabinet_share).astype(np.int64)
    shares = public & (section.cabinet_plugs > 0)
    queue = QueueRule.NEED if section.queue_rule == "need" else QueueRule.FIFO
    columns = {
        "site_limit": limit,
        "strategy": np.where(depot, STRATEGIES[section.depot_strategy], Strategy.ASAP),
        "share_rule": np.where(depot & (section.depot_share_rule == "need"), ShareRule.NEED, ShareRule.FAIR),
        "signal": np.where(told, 0, -1),
        "queue_rule": np.where(public, queue, QueueRule.FIFO),
        "cabinet_plugs": np.where(shares, section.cabinet_plugs, 0),
        "cabinet_power": np.where(shares, cabinet_w, NO_LIMIT_W),
        "bookable": public & _spread(public, section.bookable_share),
        "chargers": np.maximum(np.ceil(stations.packs[:own].sum(axis=1) * section.swap_charger_share), 1),
    }
    usual = {name: getattr(stations, name).copy() for name in columns}
    for name, values in columns.items():
        usual[name][:own] = values
    trailer = np.full(size, -1, np.int64)
    if section.hydrogen_deliveries:
        trailer[:own][kind == "hydrogen"] = round(section.hydrogen_trailer_kg * 1000)
    return replace(_in_banks(stations, section), trailer=trailer, **usual)


def _in_banks(stations: Stations, section: OperationSection) -> Stations:
    """Return the stations with what the banks of hydrogen stores hold, and up to where they fill a tank."""
    size = len(stations)
    return replace(
        stations,
        middle_storage=np.rint(stations.storage * section.hydrogen_middle_share).astype(np.int64),
        high_storage=np.rint(stations.storage * section.hydrogen_high_share).astype(np.int64),
        middle_from_pm=np.full(size, round(1000 * section.hydrogen_middle_from)),
        high_from_pm=np.full(size, round(1000 * section.hydrogen_high_from)),
    )


def _signal_is_heard(section: OperationSection) -> bool:
    return section.depot_strategy in ("valley", "cheapest") or bool(section.depot_grid_limit)


def _spread(among: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    chosen = np.zeros(among.size, np.bool_)
    chosen[among] = evenly(int(among.sum()), share)
    return chosen


def signals(tariffs: Tariffs, section: OperationSection, days: int) -> Signals:
    """Return what depots are told by the hour over `days` days: price and part of their connection."""
    if not _signal_is_heard(section):
        return Signals()
    cny = np.where(tariffs.valley, 0.0, 1.0) if section.depot_strategy == "valley" else tariffs.price
    price = np.rint(cny / PRICE_STEP_CNY).astype(np.int64)
    limit = np.array([round(1000 * section.depot_grid_limit.get(hour, 1.0)) for hour in range(HOURS)], np.int64)
    return Signals(HOUR_US, np.tile(price, days)[None], np.tile(limit, days)[None])


def with_giving(stations: Stations, given: Signals, section: OperationSection) -> Stations:
    """Return the stations whose vehicles may feed the grid at its dearest hours."""
    if section.give_back_share == 0.0 or given.price.size == 0:
        return stations
    dearest = np.where(stations.signal >= 0, given.price.max(), stations.give_price)
    return replace(stations, give_price=dearest)


def deliveries(stations: Stations, section: OperationSection, days: int) -> Deliveries:
    """Return the tube trailers of the hydrogen stations, spread evenly over the day from the first one on."""
    rows = np.flatnonzero(stations.trailer >= 0)
    if not rows.size or not section.hydrogen_deliveries:
        return Deliveries()
    gap = HOURS * HOUR_US // section.hydrogen_deliveries
    nth = np.arange(section.hydrogen_deliveries * days)
    times: IntArray = round(section.hydrogen_first_delivery_h * HOUR_US) + nth * gap
    amount = np.full(rows.size * nth.size, round(section.hydrogen_trailer_kg * 1000), np.int64)
    return Deliveries(np.repeat(rows, nth.size), np.tile(times, rows.size), amount)
