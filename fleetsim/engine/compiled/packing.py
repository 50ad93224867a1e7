"""From tables to the state of a day, and from its end to the log."""

import math
from typing import Any, NamedTuple

import numpy as np

from charging.cascade import MICROGRAMS
from fleetsim.engine.compiled.state import (
    BREAK,
    BUCKETS,
    CACHE_LINE,
    DELIVERY,
    EVENT,
    EVENTS_PAGE,
    FAULTY,
    ITEM,
    LEG,
    LINE,
    LOOK,
    MORE,
    MORE_COLUMNS,
    NOBODY,
    PAGE,
    PLUG,
    POOL_WAY,
    REPAIR,
    STATION,
    STATION_COLUMNS,
    STEP,
    STEP_ROW,
    STOCK,
    TALLY,
    TASK,
    TASK_COLUMNS,
    TASK_ROW,
    VEHICLE,
    VEHICLE_COLUMNS,
    WAY,
    Day,
    Records,
)
from fleetsim.engine.spec import (
    ENDLESS,
    FLOW_COLUMNS,
    NEVER_US,
    VISIT_COLUMNS,
    BoolArray,
    Flows,
    Inputs,
    IntArray,
    Legs,
    Log,
    QueueRule,
    is_managed,
)
from networks.compiled import compiled

FIRST_ROOM = 2
"""Log rows a vehicle for which there is room at first; memory is taken only when it is written."""
ROWS_BESIDE_TRIES = 5
"""Log rows one event may write besides one a try: a visit, two failed wishes, a stranding, and one to spare."""
SHARINGS = 6
"""How often one event may make plugs change their grant: when leaving, entering, breaking, and some to spare."""
HEAP_ROOM = 256
"""Events that have been moved for which the heap has room besides one for each vehicle and as many moved ones."""
BLOCK = 2048
"""Rows packed at a time, so that they stay near the processor while their columns are filled."""


def check_rows(inputs: Inputs) -> None:
    """Check what the compiled code does not: that row numbers are rows.

    Raises
    ------
    IndexError
        If one is not.
    """
    kinds, zones, _ = inputs.access.station.shape
    stations, legs, pools = len(inputs.stations), len(inputs.legs), len(inputs.pools.roams)
    steps = len(inputs.signals.price)
    for name, rows, least, end in (
        ("vehicles.kind", inputs.vehicles.kind, 0, kinds),
        ("vehicles.home", inputs.vehicles.home, -1, stations),
        ("vehicles.first_leg", inputs.vehicles.first_leg, 0, legs + 1),
        ("vehicles.pool", inputs.vehicles.pool, -1, pools),
        ("vehicles.zone", inputs.vehicles.zone, 0, zones),
        ("vehicles.pack_type", inputs.vehicles.pack_type, 0, inputs.stations.packs.shape[1]),
        ("legs.zone", inputs.legs.zone, 0, zones),
        ("access.station", inputs.access.station, -1, stations),
        ("stations.signal", inputs.stations.signal, -1, steps),
        ("faults.station", inputs.faults.station, 0, stations),
        ("faults.plug", inputs.faults.plug, 0, int(inputs.stations.plugs.max(initial=0))),
        ("deliveries.station", inputs.deliveries.station, 0, stations),
        ("tasks.pool", inputs.tasks.pool, 0, pools),
        ("tasks.zone", inputs.tasks.zone, 0, zones),
        ("tasks.first_leg", inputs.tasks.first_leg, 0, legs),
        ("tasks.end_leg", inputs.tasks.end_leg, 1, legs + 1),
        ("pools.zone", inputs.pools.zone, -1, zones),
    ):
        if rows.size and (rows.min() < least or rows.max() >= end):
            raise IndexError(f"{name} from {rows.min()} to {rows.max()}: has to be within {least} and {end - 1}")


def has_extras(inputs: Inputs) -> bool:
    """Return whether the day has managed plugs, faults, queues with a rule, booking or pools."""
    stations = inputs.stations
    return bool(
        is_managed(inputs).any()
        or len(inputs.faults)
        or (stations.queue_rule != QueueRule.FIFO).any()
        or stations.bookable.any()
        or (inputs.vehicles.pool >= 0).any()
        or len(inputs.tasks)
        or len(inputs.pools.looks)
    )


def new_day(inputs: Inputs, *, extras: bool) -> Day:
    """Return the state of a day before its first event, with or without what only days with extras have."""
    size, pools = len(inputs.vehicles), len(inputs.pools.roams)
    # Where events are moved, each that is not may be left alone on its page; else all pages but one a bucket are full.
    pages = BUCKETS + (size if extras else size // PAGE)
    zones = inputs.access.station.shape[1]
    stations = _new_stations(inputs)
    managed = stations["managed"]
    told = np.flatnonzero(managed & (stations["signal"] >= 0))
    plugs = np.zeros(int(stations["plugs"][managed].sum()), PLUG)
    plugs["holder"] = NOBODY
    most_plugs = int(stations["plugs"][managed].max(initial=0))
    stocks = np.zeros(inputs.stations.packs.shape, STOCK)
    stocks["packs"] = inputs.stations.packs
    stocks["first"] = _firsts(inputs.stations.packs.ravel()).reshape(stocks.shape)
    tally = np.zeros(1, TALLY)
    tally["bucket"] = tally["freed"] = NOBODY
    tally["step_us"], tally["tries"], tally["most_plugs"] = inputs.signals.step, inputs.tries, most_plugs
    return Day(
        vehicles=_new_vehicles(inputs),
        more=_new_more(inputs) if extras else np.zeros(0, MORE),
        legs=_new_legs(inputs.legs),
        stations=stations,
        ways=_packed(inputs.access, ("station", "drive", "metres"), WAY),
        tried=np.empty((size, inputs.tries), np.int64),
        plugs=plugs,
        wishes=np.zeros(len(plugs), np.int64),
        offers=np.zeros(len(plugs), np.int64),
        by_need=np.zeros(most_plugs + 1, EVENT),
        stocks=stocks,
        full_at=np.zeros(int(inputs.stations.packs.sum()), np.int64),
        free_at=np.zeros(int(stations["chargers"].sum()), np.int64),
        deliveries=_new_deliveries(inputs),
        steps=_packed(inputs.signals, ("price", "limit_pm"), STEP_ROW),
        prices=np.ascontiguousarray(inputs.signals.price, np.int64),
        told=told,
        agenda=_new_agenda(inputs, len(told) > 0),
        faulty=_packed(inputs.faults, ("station", "plug"), FAULTY),
        tasks=_new_tasks(inputs),
        pending=_new_lines((pools,)),
        waiting=_new_lines((pools, zones)),
        roams=inputs.pools.roams.copy(),
        pool_ways=_packed(inputs.pools, ("zone", "drive", "metres"), POOL_WAY),
        # The events below one another in the heap begin with the second one: those lie in one cache line.
        events=_aligned(2 * size + HEAP_ROOM, EVENT, CACHE_LINE - EVENT.itemsize),
        later=np.empty(pages * PAGE, EVENT),
        pages=np.empty(pages, EVENTS_PAGE),
        buckets=np.full(BUCKETS, NOBODY, np.int64),
        visits=np.empty((len(VISIT_COLUMNS), FIRST_ROOM * size + inputs.tries + ROWS_BESIDE_TRIES + 1), np.int64),
        flows=np.empty((len(FLOW_COLUMNS), SHARINGS * most_plugs + (FIRST_ROOM + 1) * len(plugs) + 1), np.int64),
        tally=tally,
    )


def _new_stations(inputs: Inputs) -> Records:
    stations = _packed(inputs.stations, STATION_COLUMNS, STATION)
    stations["head"] = stations["tail"] = NOBODY
    stations["in_service"] = inputs.stations.plugs
    managed = is_managed(inputs)
    stations["managed"] = managed
    stations["first_plug"] = _firsts(np.where(managed, inputs.stations.plugs, 0))
    stations["chargers"] = np.minimum(inputs.stations.chargers, inputs.stations.packs.sum(axis=1))
    stations["first_charger"] = _firsts(stations["chargers"])
    stations["storage_ug"] = stations["store_ug"] = inputs.stations.storage * MICROGRAMS
    stations["middle_room_ug"] = stations["middle_ug"] = inputs.stations.middle_storage * MICROGRAMS
    stations["high_room_ug"] = stations["high_ug"] = inputs.stations.high_storage * MICROGRAMS
    stations["endless"] = inputs.stations.trailer == ENDLESS
    stations["trailer_ug"] = np.maximum(inputs.stations.trailer, 0) * MICROGRAMS
    every = np.arange(len(stations))
    rows = np.sort(inputs.deliveries.station)
    stations["delivery"], stations["end_delivery"] = np.searchsorted(rows, every), np.searchsorted(rows, every, "right")
    return stations


def _new_vehicles(inputs: Inputs) -> Records:
    vehicles = inputs.vehicles
    packed = _packed(vehicles, VEHICLE_COLUMNS, VEHICLE)
    packed["level"] = vehicles.start_level
    packed["first_leg"] = packed["leg"] = vehicles.first_leg[:-1]
    packed["end_leg"] = vehicles.first_leg[1:]
    packed["zone"] = vehicles.zone
    packed["event"] = packed["plug"] = NOBODY
    of_pool = vehicles.pool >= 0
    packed["free"][of_pool] = vehicles.on_from[of_pool]
    packed["leg"][of_pool], packed["first_leg"][of_pool], packed["end_leg"][of_pool] = NOBODY, 0, 0
    return packed


class _LegColumns(NamedTuple):
    """The columns of `Legs` a leg's row holds."""

    depart: IntArray
    drive: IntArray
    dwell: IntArray
    energy: IntArray
    zone: IntArray
    may_charge: BoolArray
    at_depot: BoolArray
    timed: BoolArray
    overnight: BoolArray


def _new_legs(legs: Legs) -> Records:
    rows = np.empty(len(legs), LEG)
    _pack_legs(_LegColumns(*[getattr(legs, name) for name in _LegColumns._fields]), rows)
    return rows


@compiled
def _pack_legs(legs: _LegColumns, rows: Any) -> None:
    """Write the rows of the legs; there are millions, and this takes a fifth of the time of writing by column."""
    for k in range(len(rows)):
        row = rows[k]
        row.depart, row.drive, row.dwell = legs.depart[k], legs.drive[k], legs.dwell[k]
        row.energy, row.zone, row.may_charge = legs.energy[k], legs.zone[k], legs.may_charge[k]
        row.at_depot, row.timed, row.overnight = legs.at_depot[k], legs.timed[k], legs.overnight[k]


def _new_more(inputs: Inputs) -> Records:
    more = _packed(inputs.vehicles, MORE_COLUMNS, MORE)
    more["task"] = more["waits_behind"] = NOBODY
    more["at_depot"] = True
    return more


def _new_deliveries(inputs: Inputs) -> Records:
    order = np.argsort(inputs.deliveries.station, kind="stable")
    deliveries = np.zeros(len(order), DELIVERY)
    deliveries["time"] = inputs.deliveries.time[order]
    deliveries["amount_ug"] = inputs.deliveries.amount[order] * MICROGRAMS
    return deliveries


def _new_agenda(inputs: Inputs, has_told: bool) -> Records:
    """Return what the tables fix by time; at the same time repairs, breaks, steps of signals, tasks, looks."""
    repaired = np.flatnonzero(inputs.faults.repaired < NEVER_US)
    steps = np.arange(1, inputs.signals.price.shape[1] + 1 if has_told else 1)
    parts = (
        (REPAIR, inputs.faults.repaired[repaired], repaired),
        (BREAK, inputs.faults.breaks, np.arange(len(inputs.faults))),
        (STEP, steps * inputs.signals.step, steps),
        (TASK, inputs.tasks.time, np.arange(len(inputs.tasks))),
        (LOOK, inputs.pools.looks, np.arange(len(inputs.pools.looks))),
    )
    agenda = np.zeros(sum(len(times) for _, times, _ in parts), ITEM)
    agenda["what"] = np.repeat([what for what, _, _ in parts], [len(times) for _, times, _ in parts])
    agenda["time"] = np.concatenate([times for _, times, _ in parts])
    agenda["row"] = np.concatenate([rows for _, _, rows in parts])
    return agenda[np.argsort(agenda["time"], kind="stable")]


def _new_tasks(inputs: Inputs) -> Records:
    tasks = _packed(inputs.tasks, TASK_COLUMNS, TASK_ROW)
    tasks["taker"] = tasks["behind"] = NOBODY
    return tasks


def _new_lines(shape: tuple[int, ...]) -> Records:
    lines = np.zeros(shape, LINE)
    lines["head"] = lines["tail"] = NOBODY
    return lines


def _firsts(sizes: IntArray) -> IntArray:
    """Return where each part begins if parts of these sizes lie one behind the other."""
    return np.asarray(np.cumsum(sizes) - sizes)


def _packed(columns: object, names: tuple[str, ...], row_type: np.dtype[np.void]) -> Records:
    """Return rows with the columns of these names, the rest 0: what an event needs lies side by side."""
    given: dict[str, Any] = {name: getattr(columns, name) for name in names}
    shape = given[names[0]].shape
    rows = _aligned(math.prod(shape), row_type).reshape(shape)
    rows.view(np.uint8).fill(0)
    for first in range(0, len(rows), BLOCK):
        block = slice(first, first + BLOCK)
        for name, column in given.items():
            rows[name][block] = column[block]
    return rows


def _aligned(size: int, row_type: np.dtype[np.void], shift: int = 0) -> Records:
    """Return rows, not filled, that begin some bytes behind the beginning of a cache line."""
    raw = np.empty(size * row_type.itemsize + 2 * CACHE_LINE, np.uint8)
    first = (shift - raw.ctypes.data) % CACHE_LINE
    return raw[first : first + size * row_type.itemsize].view(row_type)


def enlarged(day: Day) -> Day:
    """Return the day with twice the room for its log."""
    return day._replace(visits=_twice(day.visits), flows=_twice(day.flows) if len(day.plugs) else day.flows)


def _twice(table: IntArray) -> IntArray:
    columns, room = table.shape
    larger = np.empty((columns, 2 * room), table.dtype)
    larger[:, :room] = table
    return larger


def log_of(day: Day, own_legs: int) -> Log:
    """Return the log of a day that is over; the first `own_legs` legs are those of vehicles, the others of tasks."""
    tally = day.tally[0]
    return Log(
        **dict(zip(VISIT_COLUMNS, day.visits[:, : tally["rows"]], strict=True)),
        departure=_departures(day, own_legs),
        level=day.vehicles["level"].copy(),
        taker=day.tasks["taker"].copy(),
        approach=day.tasks["approach"].copy(),
        flows=Flows(**dict(zip(FLOW_COLUMNS, day.flows[:, : tally["flow_rows"]], strict=True))),
    )


def _departures(day: Day, own_legs: int) -> IntArray:
    departure = np.asarray(day.legs["depart"].copy())
    if own_legs == len(departure):
        return departure
    taken = day.tasks[day.tasks["taker"] >= 0]
    begins = np.zeros(len(departure) + 1, np.int64)
    np.add.at(begins, taken["first_leg"], 1)
    np.add.at(begins, taken["end_leg"], -1)
    made = np.cumsum(begins[:-1]) > 0
    departure[own_legs:][~made[own_legs:]] = -1
    return departure
