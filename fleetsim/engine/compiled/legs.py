"""A vehicle's legs: what they take, where they give a chance of energy, and the drive along them."""

from fleetsim.engine.compiled.heap import schedule
from fleetsim.engine.compiled.rows import note_unvisited
from fleetsim.engine.compiled.state import AT_FREE, AT_STOP, HAS_EXTRAS, MILLION, STRANDED, Day, Record, Records
from fleetsim.engine.policies import seek_energy
from fleetsim.engine.spec import NEVER_US


def is_at_home(vehicle: Record, legs: Records, k: int) -> bool:
    """Return whether leg `k` ends at the own depot."""
    return bool(legs[k].at_depot and vehicle.home >= 0)


def fills(vehicle: Record, legs: Records, k: int) -> bool:
    """Return whether the vehicle plugs in after leg `k` until it is full; after a task it becomes free instead."""
    is_last = k + 1 == vehicle.end_leg
    stays = legs[k].overnight and not is_last if HAS_EXTRAS and vehicle.pool >= 0 else legs[k].overnight or is_last
    return bool(stays and is_at_home(vehicle, legs, k))


def has_chance(vehicle: Record, legs: Records, k: int) -> bool:
    """Return whether the vehicle may seek energy after leg `k`."""
    if not legs[k].may_charge or vehicle.kind == 0:
        return False
    if HAS_EXTRAS and vehicle.pool >= 0 and k + 1 == vehicle.end_leg:
        return False
    return bool(not vehicle.soft or is_at_home(vehicle, legs, k))


def energy_of(day: Day, v: int, k: int) -> int:
    """Return the energy of leg `k` in vehicle `v` [Wh, g]."""
    energy = day.legs[k].energy
    if HAS_EXTRAS and day.vehicles[v].pool >= 0:
        energy = energy * day.more[v].use_ppm // MILLION
    return int(energy)


def need_after(day: Day, v: int, k: int) -> int:
    """Return the energy of the legs after `k` up to and including the next with a chance [Wh, g]."""
    vehicle, need = day.vehicles[v], 0
    for later in range(k + 1, vehicle.end_leg):
        need += energy_of(day, v, later)
        if has_chance(vehicle, day.legs, later):
            break
    return need


def seeks(day: Day, v: int, k: int, level: int) -> bool:
    """Return whether vehicle `v` seeks energy after leg `k`, where it has this level [Wh, g]."""
    vehicle = day.vehicles[v]
    if fills(vehicle, day.legs, k):
        return bool(level < vehicle.capacity)
    if not has_chance(vehicle, day.legs, k):
        return False
    reserve = vehicle.depot_reserve if is_at_home(vehicle, day.legs, k) else vehicle.reserve
    return seek_energy(level, need_after(day, v, k), reserve, vehicle.target, vehicle.capacity)


def drive(day: Day, v: int) -> None:
    """Drive the legs of vehicle `v` from `leg` on to the next stop at which it seeks energy, or to the end."""
    vehicle = day.vehicles[v]
    level, free, under_way = vehicle.level, vehicle.free, True
    for k in range(vehicle.leg, vehicle.end_leg):
        leg = day.legs[k]
        leg.depart = max(leg.depart, free)
        energy = energy_of(day, v, k)
        if level < energy and not vehicle.soft:
            strand(day, v, k)
            under_way = False
            break
        level = max(level - energy, 0)
        arrive = leg.depart + leg.drive
        free = arrive + leg.dwell
        if seeks(day, v, k, level):
            vehicle.leg, vehicle.free = k, free
            look_around(day, v)
            schedule(day, v, AT_STOP, arrive)
            under_way = False
            break
    vehicle.level = level
    if HAS_EXTRAS and under_way and vehicle.pool >= 0:
        end_task(day, v, free)


def end_task(day: Day, v: int, free: int) -> None:
    """Let a vehicle of a pool become free where its last leg has taken it."""
    vehicle = day.vehicles[v]
    last = vehicle.end_leg - 1
    vehicle.leg, vehicle.zone, day.more[v].at_depot = last, day.legs[last].zone, day.legs[last].at_depot
    schedule(day, v, AT_FREE, free)


def strand(day: Day, v: int, k: int) -> None:
    """Note that leg `k` cannot be driven; it and all later ones are never made."""
    vehicle = day.vehicles[v]
    note_unvisited(day, v, max(k - 1, vehicle.first_leg), STRANDED, day.legs[k].depart)
    for never in range(k, vehicle.end_leg):
        day.legs[never].depart = -1


def go_on(day: Day, v: int, now: int) -> None:
    """Leave the stop once the vehicle is back and its dwell is over."""
    vehicle = day.vehicles[v]
    vehicle.free = max(vehicle.free, now + vehicle.back)
    vehicle.leg += 1
    drive(day, v)


def look_around(day: Day, v: int) -> None:
    """Note what matters at the stop after leg `leg`, so that the event there finds it beside the rest."""
    vehicle, legs = day.vehicles[v], day.legs
    k = vehicle.leg
    vehicle.at_home, vehicle.fills = is_at_home(vehicle, legs, k), fills(vehicle, legs, k)
    vehicle.zone, vehicle.need = legs[k].zone, need_after(day, v, k)
    promised = k + 1 < vehicle.end_leg and (legs[k + 1].timed or vehicle.fills)
    vehicle.promised = legs[k + 1].depart if promised else NEVER_US
    vehicle.tries, vehicle.back = 0, 0
