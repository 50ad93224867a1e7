"""Seeking energy: which station, the way there, whether to join its queue."""

from fleetsim.engine.compiled.heap import schedule
from fleetsim.engine.compiled.managed import finish
from fleetsim.engine.compiled.queues import enter, leave_plug, returned
from fleetsim.engine.compiled.rows import note_unvisited, note_visit
from fleetsim.engine.compiled.state import (
    ALL_FULL,
    AT_STATION,
    AWAY,
    DRY,
    FAULT,
    FIFO,
    HAS_EXTRAS,
    LEFT_EARLY,
    NOBODY,
    OUT_OF_REACH,
    QUEUE,
    SERVED,
    Day,
    Record,
)
from fleetsim.engine.policies import (
    balks,
    can_go_on,
    expected_wait_us,
    goal_level,
    least_level,
    visit_cost_us,
)
from fleetsim.engine.spec import IntArray


def stop(day: Day, v: int, now: int) -> bool:
    """Seek energy at a stop; False if the vehicle goes on at once."""
    if not day.vehicles[v].at_home:
        return try_stations(day, v, now)
    return try_home(day, v, now)


def try_home(day: Day, v: int, now: int) -> bool:
    """Join the queue at the own depot; False if it does not."""
    vehicle = day.vehicles[v]
    vehicle.station, vehicle.drive, vehicle.metres, vehicle.seek = vehicle.home, 0, 0, now
    return joins(day, v, now)


def try_stations(day: Day, v: int, now: int) -> bool:
    """Set out for the best station left, by way of the stop; False if there is none."""
    vehicle = day.vehicles[v]
    while vehicle.tries < day.tried.shape[1]:
        rank = choose(day, v, now)
        if rank < 0:
            break
        take_way(day, v, rank, now)
        travel = vehicle.drive + vehicle.back
        vehicle.back = vehicle.drive
        if HAS_EXTRAS and day.stations[vehicle.station].bookable:
            book(day, v, now, now + travel)
            return True
        if travel > 0:
            schedule(day, v, AT_STATION, now + travel)
            return True
        if joins(day, v, now):
            return True
    return False


def take_way(day: Day, v: int, rank: int, now: int) -> None:
    """Choose the station of this rank in `Access`."""
    vehicle = day.vehicles[v]
    way = day.ways[vehicle.kind, vehicle.zone, rank]
    vehicle.station, vehicle.drive, vehicle.metres = way.station, way.drive, way.metres
    vehicle.seek = now
    day.tried[v, vehicle.tries] = way.station
    vehicle.tries += 1


def choose(day: Day, v: int, now: int) -> int:
    """Return the rank in `Access` of the best station not yet tried, or -1."""
    vehicle = day.vehicles[v]
    ways, tried = day.ways[vehicle.kind, vehicle.zone], day.tried[v, : vehicle.tries]
    forced = not can_go_on(vehicle.level, vehicle.need)
    best, least_cost, full = NOBODY, 0, False
    for rank in range(len(ways)):
        way = ways[rank]
        if way.station < 0:
            break
        station = day.stations[way.station]
        if not may_use(vehicle, station, way, tried):
            continue
        if not forced and is_full(station):
            full = True
            continue
        cost = visit_cost_us(way.drive, wait_us(station))
        if best < 0 or cost < least_cost:
            best, least_cost = rank, cost
    if best < 0 and vehicle.tries == 0:
        note_unvisited(day, v, vehicle.leg, ALL_FULL if full else OUT_OF_REACH, now)
    return best


def may_use(vehicle: Record, station: Record, way: Record, tried: IntArray) -> bool:
    """Return whether the vehicle may drive to the station."""
    for row in tried:
        if row == way.station:
            return False
    open_to = station.group < 0 or station.group == vehicle.group
    return bool(open_to and station.in_service > 0 and 2 * way_energy(vehicle, way.metres) <= vehicle.level)


def is_full(station: Record) -> bool:
    """Return whether no plug is free and too many wait."""
    return bool(station.busy >= station.in_service and station.waiting >= station.queue_limit)


def wait_us(station: Record) -> int:
    """Return the wait a driver expects [us]."""
    return expected_wait_us(station.busy, station.waiting, station.in_service, station.typical)


def way_energy(vehicle: Record, metres: int) -> int:
    """Return the energy of a way [Wh, g]."""
    return int(metres * vehicle.use_per_km // 1000)


def joins(day: Day, v: int, now: int) -> bool:
    """Arrive at the station; return False if the driver turns away from its queue and is back at the stop."""
    vehicle, station = day.vehicles[v], day.stations[day.vehicles[v].station]
    used = way_energy(vehicle, vehicle.metres)
    prepare(day, v, used, now)
    goes_on = vehicle.soft or can_go_on(vehicle.level - 2 * used, vehicle.need)
    vehicle.reason = SERVED
    if station.in_service == 0:
        vehicle.reason = FAULT
    elif goes_on and not vehicle.fills and turns_away(station, now, vehicle.due):
        vehicle.reason = QUEUE
    if vehicle.reason != SERVED:
        vehicle.level -= 2 * used
        note_visit(day, v, now)
        return False
    vehicle.level -= used
    enter(day, v, now)
    return True


def book(day: Day, v: int, now: int, arrive: int) -> None:
    """Take a place in the queue of a station reached at `arrive` [us]."""
    vehicle = day.vehicles[v]
    used = way_energy(vehicle, vehicle.metres)
    prepare(day, v, used, arrive)
    vehicle.level -= used
    enter(day, v, now)


def prepare(day: Day, v: int, used: int, arrive: int) -> None:
    """Fix what the visit is for: the least, the goal and the time to leave the station."""
    vehicle, station = day.vehicles[v], day.stations[day.vehicles[v].station]
    vehicle.arrive, vehicle.start, vehicle.energy = arrive, arrive, 0
    need = 0 if vehicle.soft else vehicle.need
    vehicle.least = least_level(need, vehicle.reserve, used, vehicle.capacity)
    vehicle.goal = goal_level(vehicle.target, vehicle.least)
    if vehicle.fills:
        vehicle.goal = vehicle.capacity
        if vehicle.leg + 1 >= vehicle.end_leg:
            vehicle.least = vehicle.capacity
    vehicle.due = vehicle.promised - vehicle.drive
    if HAS_EXTRAS and (station.managed or station.queue_rule != FIFO):
        more = day.more[v]
        more.returned = 0
        follows = vehicle.leg + 1 < vehicle.end_leg
        more.ready = (day.legs[vehicle.leg + 1].depart if follows else more.ready_by) - vehicle.drive


def turns_away(station: Record, now: int, due: int) -> bool:
    """Return whether a driver who can go on does not join."""
    if station.busy < station.in_service:
        return False
    return balks(station.waiting, station.queue_limit, now + wait_us(station), due)


def end_visit(day: Day, v: int, now: int) -> bool:
    """Give the plug to the queue and log the visit; return whether to look for energy further."""
    vehicle, station = day.vehicles[v], day.stations[day.vehicles[v].station]
    if vehicle.reason == SERVED or vehicle.reason == LEFT_EARLY:
        if HAS_EXTRAS and station.managed:
            finish(day, v, now)
        leave_plug(day, v, now)
    note_visit(day, v, now)
    vehicle.stands = AWAY
    vehicle.level += vehicle.energy - returned(day, v)
    content = vehicle.level >= (vehicle.capacity if vehicle.at_home else vehicle.least)
    vehicle.level -= way_energy(vehicle, vehicle.metres)
    if vehicle.reason == FAULT:
        return not content
    return vehicle.reason == DRY and not vehicle.at_home


def look_further(day: Day, v: int, now: int) -> bool:
    """Try again: at home if anything works there, elsewhere at another station; False if the vehicle goes on."""
    vehicle = day.vehicles[v]
    if not vehicle.at_home:
        return try_stations(day, v, now)
    return day.stations[vehicle.home].in_service > 0 and try_home(day, v, now)
