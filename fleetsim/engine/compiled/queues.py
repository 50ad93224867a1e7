"""Queues: who is next, and what that brings."""

from fleetsim.engine.compiled.heap import cancel, schedule
from fleetsim.engine.compiled.hydrogen import serve_hydrogen
from fleetsim.engine.compiled.managed import end_stretch, level_on_plug, release, share, take_plug
from fleetsim.engine.compiled.services import level_at_plug, serve_plug, serve_swap, settle, time_to_goal, turn_away
from fleetsim.engine.compiled.state import (
    AT_END,
    AWAY,
    DRY,
    ELECTRIC,
    FIFO,
    HAS_EXTRAS,
    HOLDING,
    LEAVING,
    NOBODY,
    QUEUED,
    SWAP,
    TOO_LATE,
    Day,
    Record,
)
from fleetsim.engine.policies import gives_up, queue_key, spare_us


def enter(day: Day, v: int, now: int) -> None:
    """Put vehicle `v` at the end of its station's queue."""
    vehicle, station = day.vehicles[v], day.stations[day.vehicles[v].station]
    vehicle.behind, vehicle.stands = NOBODY, QUEUED
    if HAS_EXTRAS and station.queue_rule != FIFO:
        day.more[v].needed = time_to_goal(vehicle, station) if station.kind == ELECTRIC else 0
    if station.waiting == 0:
        station.head = v
    else:
        day.vehicles[station.tail].behind = v
    station.tail = v
    station.waiting += 1
    advance(day, vehicle.station, now)
    if HAS_EXTRAS and station.managed:
        share(day, vehicle.station, now)


def advance(day: Day, row: int, now: int) -> None:
    """Serve the queue as long as a plug is free."""
    station = day.stations[row]
    while station.waiting > 0 and station.busy < station.in_service:
        v = take_next(day, station, now)
        vehicle = day.vehicles[v]
        start = max(now, vehicle.arrive)
        if gives_up(start + station.handling, vehicle.due, vehicle.level, vehicle.least):
            turn_away(day, v, now, TOO_LATE)
        elif serve(day, v, start, now):
            station.busy += 1


def take_next(day: Day, station: Record, now: int) -> int:
    """Take the next vehicle out of the queue and return it."""
    best, before = int(station.head), NOBODY
    if HAS_EXTRAS and station.queue_rule != FIFO:
        least_key, last, v = key_of(day, station, best, now), best, int(day.vehicles[best].behind)
        while v >= 0:
            key = key_of(day, station, v, now)
            if key < least_key:
                best, before, least_key = v, last, key
            last, v = v, int(day.vehicles[v].behind)
    unlink(day, station, best, before)
    return best


def key_of(day: Day, station: Record, v: int, now: int) -> int:
    """Return by what the queue is ordered."""
    more = day.more[v]
    return queue_key(station.queue_rule, more.rank, spare_us(now, more.ready, more.needed))


def unlink(day: Day, station: Record, v: int, before: int) -> None:
    """Take vehicle `v`, which stands behind `before`, out of the queue."""
    behind = day.vehicles[v].behind
    if before < 0:
        station.head = behind
    else:
        day.vehicles[before].behind = behind
    if station.tail == v:
        station.tail = before
    station.waiting -= 1


def leave_queue(day: Day, v: int) -> None:
    """Take vehicle `v` out of the queue, wherever it stands."""
    station = day.stations[day.vehicles[v].station]
    before, at = NOBODY, int(station.head)
    while at != v:
        before, at = at, int(day.vehicles[at].behind)
    unlink(day, station, v, before)


def serve(day: Day, v: int, start: int, now: int) -> bool:
    """Begin a service from `start` on [us]; False if the vehicle is turned away."""
    station = day.stations[day.vehicles[v].station]
    if station.kind == ELECTRIC:
        if HAS_EXTRAS and station.managed:
            take_plug(day, v, start, now)
        else:
            serve_plug(day, v, start)
        return True
    served = serve_swap(day, v, start) if station.kind == SWAP else serve_hydrogen(day, v, start)
    if not served:
        turn_away(day, v, now, DRY)
    return served


def leave_plug(day: Day, v: int, now: int) -> None:
    """Free the plug of vehicle `v`, give it to the queue, share the power anew."""
    vehicle, station = day.vehicles[v], day.stations[day.vehicles[v].station]
    if HAS_EXTRAS and station.managed:
        release(day, v)
    vehicle.stands = AWAY
    station.busy -= 1
    advance(day, vehicle.station, now)
    if HAS_EXTRAS and station.managed:
        share(day, vehicle.station, now)


def level_now(day: Day, v: int, now: int) -> int:
    """Return the level of a vehicle, at a station or not [Wh, g]."""
    vehicle = day.vehicles[v]
    if vehicle.stands == LEAVING:
        return int(vehicle.level + vehicle.energy - returned(day, v))
    if vehicle.stands != HOLDING:
        return int(vehicle.level)
    if vehicle.plug >= 0:
        return level_on_plug(day.plugs[vehicle.plug], now)
    return level_at_plug(vehicle, day.stations[vehicle.station], now)


def returned(day: Day, v: int) -> int:
    """Return the energy given back on the present visit [Wh]."""
    if HAS_EXTRAS and day.stations[day.vehicles[v].station].managed:
        return int(day.more[v].returned)
    return 0


def cut(day: Day, v: int, now: int, reason: int) -> None:
    """Let vehicle `v` leave its station now, from its plug or from the queue."""
    vehicle, station = day.vehicles[v], day.stations[day.vehicles[v].station]
    if vehicle.stands == QUEUED:
        leave_queue(day, v)
        turn_away(day, v, now, reason)
        if station.managed:
            share(day, vehicle.station, now)
    elif station.managed:
        take_off(day, v, now, reason)
        leave_plug(day, v, now)
        send_off(day, v, now)
    else:
        energy = level_at_plug(vehicle, station, now) - vehicle.level
        leave_plug(day, v, now)
        settle(day, v, vehicle.start, max(now, vehicle.arrive), energy, reason)
        vehicle.stands = LEAVING


def take_off(day: Day, v: int, now: int, reason: int) -> None:
    """End what flows at the managed plug of vehicle `v`."""
    vehicle = day.vehicles[v]
    plug = day.plugs[vehicle.plug]
    if plug.flows:
        end_stretch(day, vehicle.plug, level_on_plug(plug, now), now)
    vehicle.reason = reason
    cancel(day, v)


def send_off(day: Day, v: int, now: int) -> None:
    """Let a vehicle that was taken off its plug leave, not before it has come."""
    day.vehicles[v].stands = LEAVING
    schedule(day, v, AT_END, max(now, day.vehicles[v].arrive))
