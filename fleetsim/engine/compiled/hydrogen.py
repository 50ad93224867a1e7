"""Hydrogen stations: a store that a compressor fills, from a pipe or from trailers that are delivered."""

from charging.energy import flow_us, stored_ug, supply_us
from fleetsim.engine.compiled.services import settle
from fleetsim.engine.compiled.state import MICROGRAMS, SERVED, Day, Record
from fleetsim.engine.spec import NEVER_US

State = tuple[int, int, int, int]
"""Time [us], store and trailer [ug], next delivery."""


def serve_hydrogen(day: Day, v: int, start: int) -> bool:
    """Refuel, if the store holds what is missing in time."""
    vehicle, station = day.vehicles[v], day.stations[day.vehicles[v].station]
    missing = vehicle.goal - vehicle.level
    wanted = missing * MICROGRAMS
    state = brought_forward(day, station, stored(station), max(start, station.at))
    begin = time_of(day, station, state, wanted)
    if begin - start > station.dry_limit:
        return False
    at, store, trailer, delivery = brought_forward(day, station, state, begin)
    station.at, station.store_ug, station.trailer_ug, station.delivery = at, store - wanted, trailer, delivery
    settle(day, v, begin, begin + station.handling + flow_us(missing, station.rate), missing, SERVED)
    return True


def stored(station: Record) -> State:
    """Return the state of the station when it was last looked at."""
    return station.at, station.store_ug, station.trailer_ug, station.delivery


def brought_forward(day: Day, station: Record, state: State, time: int) -> State:
    """Return the state at `time` [us], deliveries up to then included."""
    at, store, trailer, delivery = state
    if station.endless:
        return time, stored_ug(store, time - at, station.supply, station.storage_ug), trailer, delivery
    while True:
        until = time
        if delivery < station.end_delivery:
            until = max(at, min(time, day.deliveries[delivery].time))
        moved = min(min(station.supply * (until - at) // 3600, trailer), station.storage_ug - store)
        at, store, trailer = until, store + moved, trailer - moved
        while delivery < station.end_delivery and day.deliveries[delivery].time <= at:
            trailer += day.deliveries[delivery].amount_ug
            delivery += 1
        if at >= time:
            return at, store, trailer, delivery


def time_of(day: Day, station: Record, state: State, wanted: int) -> int:
    """Return the time from `state` on at which the store holds what is wanted [us]; NEVER_US or more for never."""
    if state[1] >= wanted:
        return state[0]
    if station.supply == 0 or wanted > station.storage_ug:
        return state[0] + NEVER_US
    while True:
        at, store, trailer, delivery = state
        following = NEVER_US
        if delivery < station.end_delivery and not station.endless:
            following = day.deliveries[delivery].time
        enough = at + supply_us(max(wanted - store, 0), station.supply)
        if (station.endless or trailer >= wanted - store) and enough <= following:
            return enough
        if following == NEVER_US:
            return at + NEVER_US
        state = brought_forward(day, station, state, following)
