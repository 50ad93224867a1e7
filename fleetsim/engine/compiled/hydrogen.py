"""Hydrogen stations: banks that a compressor fills, from a pipe or from trailers that are delivered."""

from charging.cascade import Banks, can_hold, filled_ug, left_ug, short_ug, wanted_ug
from charging.energy import flow_us, supplied_ug, supply_us
from fleetsim.engine.compiled.services import settle
from fleetsim.engine.compiled.state import SERVED, Day, Record
from fleetsim.engine.spec import NEVER_US

State = tuple[int, Banks, int, int]
"""Time [us], what the banks and the trailer hold [ug], next delivery."""


def serve_hydrogen(day: Day, v: int, start: int) -> bool:
    """Refuel, if the banks hold what is missing in time."""
    vehicle, station = day.vehicles[v], day.stations[day.vehicles[v].station]
    missing = vehicle.goal - vehicle.level
    wanted = wanted_ug(vehicle.level, vehicle.goal, vehicle.capacity, station.middle_from_pm, station.high_from_pm)
    state = brought_forward(day, station, stored(station), max(start, station.at))
    begin = time_of(day, station, state, wanted)
    if begin - start > station.dry_limit:
        return False
    at, held, trailer, delivery = brought_forward(day, station, state, begin)
    station.at, station.trailer_ug, station.delivery = at, trailer, delivery
    station.store_ug, station.middle_ug, station.high_ug = left_ug(held, wanted)
    settle(day, v, begin, begin + station.handling + flow_us(missing, station.rate), missing, SERVED)
    return True


def stored(station: Record) -> State:
    """Return the state of the station when it was last looked at."""
    return (
        station.at, (station.store_ug, station.middle_ug, station.high_ug), station.trailer_ug, station.delivery
    )  # fmt: skip


def room_of(station: Record) -> Banks:
    """Return what the banks hold when they are full [ug]."""
    return station.storage_ug, station.middle_room_ug, station.high_room_ug


def brought_forward(day: Day, station: Record, state: State, time: int) -> State:
    """Return the state at `time` [us], deliveries up to then included."""
    at, held, trailer, delivery = state
    room = room_of(station)
    if station.endless:
        return time, filled_ug(held, supplied_ug(time - at, station.supply), room), trailer, delivery
    while True:
        until = time
        if delivery < station.end_delivery:
            until = max(at, min(time, day.deliveries[delivery].time))
        moved = min(min(supplied_ug(until - at, station.supply), trailer), room[0] - held[0])
        at, held, trailer = until, filled_ug(held, moved, room), trailer - moved
        while delivery < station.end_delivery and day.deliveries[delivery].time <= at:
            trailer += day.deliveries[delivery].amount_ug
            delivery += 1
        if at >= time:
            return at, held, trailer, delivery


def time_of(day: Day, station: Record, state: State, wanted: Banks) -> int:
    """Return the time from `state` on at which the banks hold what is wanted [us]; NEVER_US or more for never."""
    if short_ug(state[1], wanted) == 0:
        return state[0]
    if station.supply == 0 or not can_hold(room_of(station), wanted):
        return state[0] + NEVER_US
    while True:
        at, held, trailer, delivery = state
        following = NEVER_US
        if delivery < station.end_delivery and not station.endless:
            following = day.deliveries[delivery].time
        short = short_ug(held, wanted)
        enough = at + supply_us(short, station.supply)
        if (station.endless or trailer >= short) and enough <= following:
            return enough
        if following == NEVER_US:
            return at + NEVER_US
        state = brought_forward(day, station, state, following)
