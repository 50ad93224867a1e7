"""The day simulation compiled by numba: the semantics of `reference.py`, the same log row for row.

A vehicle is a state instead of a generator: an event wakes it, it acts up to its next event and sleeps
again, so it has one event in the heap at most. What takes a function of `reference.py` from one `yield` to
the next is a function of a similar name here. Policies and charging times are compiled from the very
functions the reference calls. The arrays passed around are those of `_Day`; the caller enlarges the log and
calls again when it is full.
"""

import hashlib
import inspect
import sys
from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit
from numba.core import event
from numpy.typing import NDArray

from charging import energy
from fleetsim.engine import policies, spec
from fleetsim.engine.spec import NEVER_US, VISIT_COLUMNS, Inputs, IntArray, Kind, Log, Reason

Function = TypeVar("Function", bound=Callable[..., Any])
Records = NDArray[np.void]
Record = Any
"""One row of `Records`; its columns are attributes."""

ELECTRIC, SWAP = int(Kind.ELECTRIC), int(Kind.SWAP)
SERVED, LEFT_EARLY, QUEUE, ALL_FULL, OUT_OF_REACH, DRY, TOO_LATE, STRANDED = (int(reason) for reason in Reason)
AT_STOP, AT_STATION, AT_END = 0, 1, 2
"""What a vehicle wakes up for: it seeks energy at a stop, reaches a station, is served or turned away."""
NOBODY = -1
MICROGRAMS = 1_000_000
ROWS_BESIDE_TRIES = 4
"""Log rows one event may write besides one a try: the visit, a failed wish, a stranding, and one to spare."""

VEHICLE_COLUMNS = (
    "kind", "group", "home", "soft", "capacity", "reserve", "depot_reserve", "target", "max_power", "knee_pm",
    "end_pm", "use_per_km",
)  # fmt: skip
VEHICLE_ROW = (
    # What most events look at; the stop it stands at or drives to.
    "wakes_for", "reason", "station", "leg", "end_leg", "home", "kind", "zone", "tries", "soft", "at_home", "plugs_in",
    "level", "free", "back", "drive", "metres", "use_per_km", "need", "promised", "group", "reserve", "capacity",
    # The visit it is on: times, what it stays for, what comes out, who waits behind it.
    "target", "seek", "arrive", "start", "energy", "due", "least", "goal", "behind",
    "first_leg", "depot_reserve", "max_power", "knee_pm", "end_pm",
)  # fmt: skip
LEG_COLUMNS = ("depart", "drive", "dwell", "energy", "zone", "may_charge", "at_depot", "timed")
STATION_COLUMNS = (
    "kind", "plugs", "rate", "handling", "typical", "queue_limit", "packs", "supply", "dry_limit", "group"
)  # fmt: skip
STATION_STATE = ("busy", "waiting", "head", "tail", "first_pack", "storage_ug", "store_ug", "at")
TYPES = {
    **dict.fromkeys(("soft", "at_home", "plugs_in", "may_charge", "at_depot", "timed"), np.bool_),
    **dict.fromkeys(("kind", "home", "first_leg", "leg", "end_leg", "zone", "station", "behind"), np.int32),
    **dict.fromkeys(("wakes_for", "reason", "tries"), np.int32),
}
"""Row numbers and codes of vehicles take half a word, which is felt; all else is in 64 bits."""
(IN_VEHICLE, IN_LEG, IN_STATION, IN_SEEK, IN_ARRIVE, IN_START, IN_END, IN_ENERGY, IN_REASON, IN_METRES) = range(
    len(VISIT_COLUMNS)
)
FIRST_ROOM = 4
"""Log rows a vehicle for which there is room at first; memory is taken only when it is written."""


def _row_type(names: tuple[str, ...], types: dict[str, type]) -> np.dtype[np.void]:
    return np.dtype([(name, types.get(name, np.int64)) for name in names], align=True)


VEHICLE = _row_type(VEHICLE_ROW, TYPES)
LEG = _row_type(LEG_COLUMNS, TYPES)
STATION = _row_type((*STATION_COLUMNS, *STATION_STATE), {})
WAY = _row_type(("station", "drive", "metres"), {})
EVENT = _row_type(("time", "order", "vehicle"), {})
TALLY = _row_type(("woken", "pending", "scheduled", "rows", "sources"), {})
BLOCK = 2048
"""Rows packed at a time, so that they stay near the processor while their columns are filled."""


class _Day(NamedTuple):
    """The state of a simulated day: few arrays of rows, for the compiler takes its time for each."""

    vehicles: Records
    legs: Records
    """`depart` becomes the departure once it has happened, -1 where it never does."""
    stations: Records
    ways: Records
    """`Access`: from zones to stations, shape (kinds, zones, ranks)."""
    tried: IntArray
    """Stations each vehicle has tried at its stop: shape (vehicles, tries)."""
    full_at: IntArray
    """Times at which packs are full, a heap a station from `first_pack` on [us]."""
    events: Records
    """Heap by time and order of scheduling, `tally.pending` long."""
    visits: IntArray
    """The log: shape (columns, rows), `tally.rows` of it written."""
    tally: Records
    """One row: vehicles woken for the first time, events pending and scheduled so far, log rows, `_sources`."""


def _compiled(function: Function, **calls: Any) -> Function:
    """Return the function compiled at its first call; `calls` are the compiled functions it calls itself.

    It can be called from compiled code only: without a door to Python it compiles in two thirds of the time. It
    allocates no memory: without the counting of references a day takes two thirds of the time.
    """
    scope = {**function.__globals__, **calls}
    named = FunctionType(function.__code__, scope, function.__name__) if calls else function
    options: dict[str, Any] = {"nogil": True, "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast("Function", njit(**options)(named))


_taper_line = _compiled(energy.taper_line)
_charge_us = _compiled(energy.charge_us, charge_h=_compiled(energy.charge_h))
_charged_wh = _compiled(energy.charged_wh, charged=_compiled(energy.charged))
_flow_us = _compiled(energy.flow_us)
_stored_ug = _compiled(energy.stored_ug)
_supply_us = _compiled(energy.supply_us)
_can_go_on = _compiled(policies.can_go_on)
_seek_energy = _compiled(policies.seek_energy)
_expected_wait_us = _compiled(policies.expected_wait_us)
_visit_cost_us = _compiled(policies.visit_cost_us)
_balks = _compiled(policies.balks)
_least_level = _compiled(policies.least_level)
_goal_level = _compiled(policies.goal_level)
_stay_us = _compiled(policies.stay_us)
_gives_up = _compiled(policies.gives_up)


def simulate(inputs: Inputs, on_compilation: Callable[[], None] | None = None) -> Log:
    """Return the log of a day; the same as the reference's, row for row.

    Parameters
    ----------
    inputs
        The day.
    on_compilation
        Called before the engine is compiled, which takes some ten seconds; not where it is found compiled.
    """
    return run_day(inputs, on_compilation)[0]


def run_day(inputs: Inputs, on_compilation: Callable[[], None] | None = None) -> tuple[Log, int]:
    """Return the log of a day and the number of its events.

    Raises
    ------
    IndexError
        If a row number in the inputs leads to no row.
    """
    _check_rows(inputs)
    day = _new_day(inputs)
    with event.install_listener("numba:compile", _Teller(on_compilation)):
        run = _entry(_sources())
        while not run(day):
            day = day._replace(visits=_enlarged(day.visits))
    return _log(day), int(day.tally["scheduled"][0])


class _Teller(event.Listener):
    """Calls once when a compilation begins."""

    def __init__(self, tell: Callable[[], None] | None) -> None:
        self.tell = tell

    def on_start(self, event: event.Event) -> None:
        """Tell it, the first time."""
        tell, self.tell = self.tell, None
        if tell:
            tell()

    def on_end(self, event: event.Event) -> None:
        """Say nothing."""


def _sources() -> int:
    """Return a number for the source of all that is compiled in: another source, another number."""
    modules = (energy, policies, spec, sys.modules[__name__])
    text = "".join(inspect.getsource(module) for module in modules)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7])


@cache
def _entry(sources: int) -> Callable[[_Day], bool]:
    """Return what runs a day, from the cache on disk if it was compiled before from these `sources`.

    numba keeps a compiled function beside this file, or in the user's cache where that is read-only, and
    looks at the date of this file alone. The number in the closure is part of the key under which it keeps
    it, so a change in what is called from here is a new function. Only this function is kept; it holds all
    it calls.
    """

    def run(day: _Day) -> bool:
        day.tally[0].sources = sources
        return _run(day)

    try:
        return cast("Callable[[_Day], bool]", njit(nogil=True, cache=True)(run))
    except RuntimeError:  # numba finds no folder to write to
        return cast("Callable[[_Day], bool]", njit(nogil=True)(run))


def _check_rows(inputs: Inputs) -> None:
    """Check what the compiled code does not: that row numbers are rows."""
    kinds, zones, _ = inputs.access.station.shape
    stations = len(inputs.stations)
    for name, rows, least, end in (
        ("vehicles.kind", inputs.vehicles.kind, 0, kinds),
        ("vehicles.home", inputs.vehicles.home, -1, stations),
        ("vehicles.first_leg", inputs.vehicles.first_leg, 0, len(inputs.legs) + 1),
        ("legs.zone", inputs.legs.zone, 0, zones),
        ("access.station", inputs.access.station, -1, stations),
    ):
        if rows.size and (rows.min() < least or rows.max() >= end):
            raise IndexError(f"{name} from {rows.min()} to {rows.max()}: has to be within {least} and {end - 1}")


def _new_day(inputs: Inputs) -> _Day:
    size = len(inputs.vehicles)
    stations = _packed(inputs.stations, STATION_COLUMNS, STATION)
    packs = inputs.stations.packs
    stations["head"] = stations["tail"] = NOBODY
    stations["first_pack"] = np.cumsum(packs) - packs
    stations["storage_ug"] = stations["store_ug"] = inputs.stations.storage * MICROGRAMS
    room = FIRST_ROOM * size + inputs.tries + ROWS_BESIDE_TRIES + 1
    return _Day(
        vehicles=_new_vehicles(inputs),
        legs=_packed(inputs.legs, LEG_COLUMNS, LEG),
        stations=stations,
        ways=_packed(inputs.access, ("station", "drive", "metres"), WAY),
        tried=np.zeros((size, inputs.tries), np.int64),
        full_at=np.zeros(int(packs.sum()), np.int64),
        events=np.zeros(size, EVENT),
        visits=np.zeros((len(VISIT_COLUMNS), room), np.int64),
        tally=np.zeros(1, TALLY),
    )


def _new_vehicles(inputs: Inputs) -> Records:
    vehicles = inputs.vehicles
    packed = _packed(vehicles, VEHICLE_COLUMNS, VEHICLE)
    packed["level"] = vehicles.start_level
    packed["first_leg"] = packed["leg"] = vehicles.first_leg[:-1]
    packed["end_leg"] = vehicles.first_leg[1:]
    return packed


def _packed(columns: object, names: tuple[str, ...], row_type: np.dtype[np.void]) -> Records:
    """Return rows with the columns of these names, the rest 0: what an event needs lies side by side."""
    given = {name: getattr(columns, name) for name in names}
    rows = np.zeros(given[names[0]].shape, row_type)
    for first in range(0, len(rows), BLOCK):
        block = slice(first, first + BLOCK)
        for name, column in given.items():
            rows[name][block] = column[block]
    return rows


def _enlarged(visits: IntArray) -> IntArray:
    columns, room = visits.shape
    larger = np.zeros((columns, 2 * room), np.int64)
    larger[:, :room] = visits
    return larger


def _log(day: _Day) -> Log:
    columns = dict(zip(VISIT_COLUMNS, day.visits[:, : day.tally["rows"][0]], strict=True))
    return Log(**columns, departure=day.legs["depart"].copy(), level=day.vehicles["level"].copy())


# From here on everything is compiled.


@_compiled
def _schedule(day: _Day, v: int, wakes_for: int, time: int) -> None:
    """Wake vehicle `v` at `time` [us], after all that is scheduled for the same time already."""
    tally = day.tally[0]
    day.vehicles[v].wakes_for = wakes_for
    at = _place(day.events, tally.pending, time)
    event = day.events[at]
    event.time, event.order, event.vehicle = time, tally.scheduled, v
    tally.pending += 1
    tally.scheduled += 1


@_compiled
def _place(events: Records, end: int, time: int) -> int:
    """Return the place of a new event at `time` [us] in the heap of `end` events, made free."""
    at = end
    while at > 0:
        parent = (at - 1) >> 1
        if events[parent].time <= time:
            break
        events[at] = events[parent]
        at = parent
    return at


@_compiled
def _drop_first(events: Records, last: int) -> None:
    """Take the first event out of the heap: the one in row `last` goes down from the root to its place."""
    at, child = 0, 1
    while child < last:
        if child + 1 < last and _comes_first(events[child + 1], events[child]):
            child += 1
        if not _comes_first(events[child], events[last]):
            break
        events[at] = events[child]
        at, child = child, 2 * child + 1
    events[at] = events[last]


@_compiled
def _comes_first(one: Record, other: Record) -> bool:
    return bool(one.time < other.time or (one.time == other.time and one.order < other.order))


@_compiled
def _note_visit(day: _Day, v: int, end: int) -> None:
    vehicle, visits, row = day.vehicles[v], day.visits, day.tally[0].rows
    day.tally[0].rows += 1
    visits[IN_VEHICLE, row] = v
    visits[IN_LEG, row] = vehicle.leg
    visits[IN_STATION, row] = vehicle.station
    visits[IN_SEEK, row] = vehicle.seek
    visits[IN_ARRIVE, row] = vehicle.arrive
    visits[IN_START, row] = vehicle.start
    visits[IN_END, row] = end
    visits[IN_ENERGY, row] = vehicle.energy
    visits[IN_REASON, row] = vehicle.reason
    visits[IN_METRES, row] = 2 * vehicle.metres


@_compiled
def _note_unvisited(day: _Day, v: int, k: int, reason: int, time: int) -> None:
    visits, row = day.visits, day.tally[0].rows
    day.tally[0].rows += 1
    visits[IN_VEHICLE, row] = v
    visits[IN_LEG, row] = k
    visits[IN_STATION, row] = NOBODY
    visits[IN_SEEK : IN_END + 1, row] = time
    visits[IN_REASON, row] = reason


@_compiled
def _is_at_home(vehicle: Record, legs: Records, k: int) -> bool:
    return bool(legs[k].at_depot and vehicle.home >= 0)


@_compiled
def _plugs_in(vehicle: Record, legs: Records, k: int) -> bool:
    return k + 1 == vehicle.end_leg and _is_at_home(vehicle, legs, k)


@_compiled
def _has_chance(vehicle: Record, legs: Records, k: int) -> bool:
    return bool(legs[k].may_charge and vehicle.kind > 0 and (not vehicle.soft or _is_at_home(vehicle, legs, k)))


@_compiled
def _need(vehicle: Record, legs: Records, k: int) -> int:
    """Return the energy of the legs after `k` up to and including the next with a chance [Wh, g]."""
    need = 0
    for later in range(k + 1, vehicle.end_leg):
        need += legs[later].energy
        if _has_chance(vehicle, legs, later):
            break
    return need


@_compiled
def _seeks(vehicle: Record, legs: Records, k: int, level: int) -> bool:
    if _plugs_in(vehicle, legs, k):
        return bool(level < vehicle.capacity)
    if not _has_chance(vehicle, legs, k):
        return False
    reserve = vehicle.depot_reserve if _is_at_home(vehicle, legs, k) else vehicle.reserve
    return _seek_energy(level, _need(vehicle, legs, k), reserve, vehicle.target, vehicle.capacity)


@_compiled
def _drive(day: _Day, v: int) -> None:
    """Drive the legs of vehicle `v` from `leg` on to the next stop at which it seeks energy, or to the end."""
    vehicle = day.vehicles[v]
    level, free = vehicle.level, vehicle.free
    for k in range(vehicle.leg, vehicle.end_leg):
        leg = day.legs[k]
        leg.depart = max(leg.depart, free)
        if level < leg.energy and not vehicle.soft:
            _strand(day, v, k)
            break
        level = max(level - leg.energy, 0)
        arrive = leg.depart + leg.drive
        free = arrive + leg.dwell
        if _seeks(vehicle, day.legs, k, level):
            vehicle.leg, vehicle.free = k, free
            _look_around(vehicle, day.legs)
            _schedule(day, v, AT_STOP, arrive)
            break
    vehicle.level = level


@_compiled
def _strand(day: _Day, v: int, k: int) -> None:
    """Note that leg `k` cannot be driven; it and all later ones are never made."""
    vehicle = day.vehicles[v]
    _note_unvisited(day, v, max(k - 1, vehicle.first_leg), STRANDED, day.legs[k].depart)
    for never in range(k, vehicle.end_leg):
        day.legs[never].depart = -1


@_compiled
def _go_on(day: _Day, v: int, now: int) -> None:
    """Leave the stop once the vehicle is back and its dwell is over."""
    vehicle = day.vehicles[v]
    vehicle.free = max(vehicle.free, now + vehicle.back)
    vehicle.leg += 1
    _drive(day, v)


@_compiled
def _look_around(vehicle: Record, legs: Records) -> None:
    """Note what matters at the stop after leg `leg`, so that the event there finds it beside the rest."""
    k = vehicle.leg
    vehicle.at_home, vehicle.plugs_in = _is_at_home(vehicle, legs, k), _plugs_in(vehicle, legs, k)
    vehicle.zone, vehicle.need = legs[k].zone, _need(vehicle, legs, k)
    promised = k + 1 < vehicle.end_leg and legs[k + 1].timed
    vehicle.promised = legs[k + 1].depart if promised else NEVER_US
    vehicle.tries, vehicle.back = 0, 0


@_compiled
def _stop(day: _Day, v: int, now: int) -> bool:
    """Seek energy at a stop; False if the vehicle goes on at once."""
    vehicle = day.vehicles[v]
    if not vehicle.at_home:
        return _try_stations(day, v, now)
    vehicle.station, vehicle.drive, vehicle.metres, vehicle.seek = vehicle.home, 0, 0, now
    return _joins(day, v, now)


@_compiled
def _try_stations(day: _Day, v: int, now: int) -> bool:
    """Set out for the best station left, by way of the stop; False if there is none."""
    vehicle = day.vehicles[v]
    while vehicle.tries < day.tried.shape[1]:
        rank = _choose(day, v, now)
        if rank < 0:
            break
        _take_way(day, v, rank, now)
        travel = vehicle.drive + vehicle.back
        vehicle.back = vehicle.drive
        if travel > 0:
            _schedule(day, v, AT_STATION, now + travel)
            return True
        if _joins(day, v, now):
            return True
    return False


@_compiled
def _take_way(day: _Day, v: int, rank: int, now: int) -> None:
    vehicle = day.vehicles[v]
    way = day.ways[vehicle.kind, vehicle.zone, rank]
    vehicle.station, vehicle.drive, vehicle.metres = way.station, way.drive, way.metres
    vehicle.seek = now
    day.tried[v, vehicle.tries] = way.station
    vehicle.tries += 1


@_compiled
def _choose(day: _Day, v: int, now: int) -> int:
    """Return the rank in `Access` of the best station not yet tried, or -1."""
    vehicle = day.vehicles[v]
    ways, tried = day.ways[vehicle.kind, vehicle.zone], day.tried[v, : vehicle.tries]
    forced = not _can_go_on(vehicle.level, vehicle.need)
    best, least_cost, full = -1, 0, False
    for rank in range(len(ways)):
        way = ways[rank]
        if way.station < 0:
            break
        station = day.stations[way.station]
        if not _may_use(vehicle, station, way, tried):
            continue
        if not forced and _is_full(station):
            full = True
            continue
        cost = _visit_cost_us(way.drive, _wait_us(station))
        if best < 0 or cost < least_cost:
            best, least_cost = rank, cost
    if best < 0 and vehicle.tries == 0:
        _note_unvisited(day, v, vehicle.leg, ALL_FULL if full else OUT_OF_REACH, now)
    return best


@_compiled
def _may_use(vehicle: Record, station: Record, way: Record, tried: IntArray) -> bool:
    for row in tried:
        if row == way.station:
            return False
    open_to = station.group < 0 or station.group == vehicle.group
    return bool(open_to and 2 * _way_energy(vehicle, way.metres) <= vehicle.level)


@_compiled
def _is_full(station: Record) -> bool:
    return bool(station.busy >= station.plugs and station.waiting >= station.queue_limit)


@_compiled
def _wait_us(station: Record) -> int:
    return _expected_wait_us(station.busy, station.waiting, station.plugs, station.typical)


@_compiled
def _way_energy(vehicle: Record, metres: int) -> int:
    """Return the energy of a way from stop to station [Wh, g]."""
    return int(metres * vehicle.use_per_km // 1000)


@_compiled
def _joins(day: _Day, v: int, now: int) -> bool:
    """Arrive at the station; return False if the driver turns away from its queue and is back at the stop."""
    vehicle, station = day.vehicles[v], day.stations[day.vehicles[v].station]
    used = _way_energy(vehicle, vehicle.metres)
    vehicle.arrive, vehicle.start = now, now
    vehicle.energy, vehicle.reason = 0, QUEUE
    _set_stay(vehicle, used)
    can_go_on = vehicle.soft or _can_go_on(vehicle.level - 2 * used, vehicle.need)
    if can_go_on and not vehicle.plugs_in and _turns_away(station, now, vehicle.due):
        vehicle.level -= 2 * used
        _note_visit(day, v, now)
        return False
    vehicle.level -= used
    _enter(day, v)
    _advance(day, vehicle.station, now)
    return True


@_compiled
def _set_stay(vehicle: Record, used: int) -> None:
    """Fix what the visit is for: the least, the goal and the time to leave the station."""
    if vehicle.plugs_in:
        vehicle.least, vehicle.goal, vehicle.due = vehicle.capacity, vehicle.capacity, NEVER_US
        return
    need = 0 if vehicle.soft else vehicle.need
    vehicle.least = _least_level(need, vehicle.reserve, used, vehicle.capacity)
    vehicle.goal = _goal_level(vehicle.target, vehicle.least)
    vehicle.due = vehicle.promised - vehicle.drive


@_compiled
def _turns_away(station: Record, now: int, due: int) -> bool:
    if station.busy < station.plugs:
        return False
    return _balks(station.waiting, station.queue_limit, now + _wait_us(station), due)


@_compiled
def _enter(day: _Day, v: int) -> None:
    """Put vehicle `v` at the end of its station's queue."""
    station = day.stations[day.vehicles[v].station]
    day.vehicles[v].behind = NOBODY
    if station.waiting == 0:
        station.head = v
    else:
        day.vehicles[station.tail].behind = v
    station.tail = v
    station.waiting += 1


@_compiled
def _advance(day: _Day, row: int, now: int) -> None:
    """Serve the queue as long as a plug is free."""
    station = day.stations[row]
    while station.waiting > 0 and station.busy < station.plugs:
        v = station.head
        vehicle = day.vehicles[v]
        station.head = vehicle.behind
        station.waiting -= 1
        if _gives_up(now + station.handling, vehicle.due, vehicle.level, vehicle.least):
            _settle(day, v, now, now, 0, TOO_LATE)
        elif _serve(day, v, now):
            station.busy += 1


@_compiled
def _settle(day: _Day, v: int, start: int, end: int, energy: int, reason: int) -> None:
    vehicle = day.vehicles[v]
    vehicle.start, vehicle.energy, vehicle.reason = start, energy, reason
    _schedule(day, v, AT_END, end)


@_compiled
def _serve(day: _Day, v: int, now: int) -> bool:
    """Settle the visit whose turn has come; False if it is turned away."""
    kind = day.stations[day.vehicles[v].station].kind
    if kind == ELECTRIC:
        _serve_plug(day, v, now)
        return True
    served = _serve_swap(day, v, now) if kind == SWAP else _serve_hydrogen(day, v, now)
    if not served:
        _settle(day, v, now, now, 0, DRY)
    return served


@_compiled
def _serve_plug(day: _Day, v: int, now: int) -> None:
    vehicle, station = day.vehicles[v], day.stations[day.vehicles[v].station]
    level, power, flow_from = vehicle.level, min(station.rate, vehicle.max_power), now + station.handling
    rate, zero = _taper_line(
        float(vehicle.capacity), float(vehicle.max_power), vehicle.knee_pm / 1000, vehicle.end_pm / 1000
    )
    until_goal = _charge_us(level, vehicle.goal, power, rate, zero)
    until_least = _charge_us(level, vehicle.least, power, rate, zero)
    stay = _stay_us(until_goal, until_least, vehicle.due - flow_from)
    if stay == until_goal:
        _settle(day, v, now, flow_from + stay, vehicle.goal - level, SERVED)
    else:
        reached = vehicle.least if stay == until_least else _charged_wh(level, stay, power, rate, zero)
        _settle(day, v, now, flow_from + stay, min(reached, vehicle.goal) - level, LEFT_EARLY)


@_compiled
def _serve_swap(day: _Day, v: int, now: int) -> bool:
    vehicle, station = day.vehicles[v], day.stations[day.vehicles[v].station]
    start = max(now, day.full_at[station.first_pack]) if station.packs > 0 else NEVER_US
    if start - now > station.dry_limit:
        return False
    missing = vehicle.capacity - vehicle.level
    packs = day.full_at[station.first_pack : station.first_pack + station.packs]
    _swap_pack(packs, start + _flow_us(missing, station.rate))
    _settle(day, v, start, start + station.handling, missing, SERVED)
    return True


@_compiled
def _swap_pack(packs: IntArray, full_at: int) -> None:
    """Take the pack that is full first off the heap and put one in that is full at `full_at` [us]."""
    at, child = 0, 1
    while child < len(packs):
        if child + 1 < len(packs) and packs[child + 1] < packs[child]:
            child += 1
        if packs[child] >= full_at:
            break
        packs[at] = packs[child]
        at, child = child, 2 * child + 1
    packs[at] = full_at


@_compiled
def _serve_hydrogen(day: _Day, v: int, now: int) -> bool:
    vehicle, station = day.vehicles[v], day.stations[day.vehicles[v].station]
    missing = vehicle.goal - vehicle.level
    wanted = missing * MICROGRAMS
    ready = max(now, station.at)
    store = _stored_ug(station.store_ug, ready - station.at, station.supply, station.storage_ug)
    start = ready + _hydrogen_wait_us(station, wanted - store, wanted)
    if start - now > station.dry_limit:
        return False
    station.store_ug = _stored_ug(store, start - ready, station.supply, station.storage_ug) - wanted
    station.at = start
    _settle(day, v, start, start + station.handling + _flow_us(missing, station.rate), missing, SERVED)
    return True


@_compiled
def _hydrogen_wait_us(station: Record, short: int, wanted: int) -> int:
    if short <= 0:
        return 0
    if station.supply == 0 or wanted > station.storage_ug:
        return NEVER_US
    return _supply_us(short, station.supply)


@_compiled
def _end_visit(day: _Day, v: int, now: int) -> bool:
    """Give the plug to the queue and log the visit; False if the vehicle does not try another station."""
    vehicle = day.vehicles[v]
    if vehicle.reason != DRY and vehicle.reason != TOO_LATE:
        day.stations[vehicle.station].busy -= 1
        _advance(day, vehicle.station, now)
    _note_visit(day, v, now)
    vehicle.level += vehicle.energy - _way_energy(vehicle, vehicle.metres)
    return vehicle.reason == DRY and not vehicle.at_home and _try_stations(day, v, now)


@_compiled
def _wake(day: _Day, v: int, now: int) -> None:
    """Let vehicle `v` act at an event: it stays for energy, or it goes on."""
    vehicle = day.vehicles[v]
    if vehicle.wakes_for == AT_STOP:
        stays = _stop(day, v, now)
    elif vehicle.wakes_for == AT_STATION:
        stays = _joins(day, v, now) or _try_stations(day, v, now)
    else:
        stays = _end_visit(day, v, now)
    if not stays:
        _go_on(day, v, now)


@_compiled
def _run(day: _Day) -> bool:
    """Run the day as far as the log has room; return whether it is over."""
    tally = day.tally[0]
    room = day.visits.shape[1] - day.tried.shape[1] - ROWS_BESIDE_TRIES
    while tally.woken < len(day.vehicles) and tally.rows < room:
        tally.woken += 1
        _drive(day, tally.woken - 1)
    while tally.pending > 0 and tally.rows < room:
        v, now = day.events[0].vehicle, day.events[0].time
        tally.pending -= 1
        _drop_first(day.events, tally.pending)
        _wake(day, v, now)
    return bool(tally.pending == 0 and tally.woken == len(day.vehicles))
