"""Pools: tasks look for waiting vehicles, vehicles for waiting tasks."""

from fleetsim.engine.compiled.heap import schedule
from fleetsim.engine.compiled.legs import drive, energy_of
from fleetsim.engine.compiled.queues import cut, level_now
from fleetsim.engine.compiled.state import (
    AT_FREE,
    AT_TASK,
    AWAY,
    BETWEEN,
    CALLED,
    CALLED_AWAY,
    ELECTRIC,
    LEAVING,
    NOBODY,
    OVER,
    WAITS,
    WORKS,
    Day,
    Record,
)
from fleetsim.engine.compiled.stops import stop, way_energy
from fleetsim.engine.policies import can_take, seek_energy
from fleetsim.engine.spec import NEVER_US


def become_free(day: Day, v: int, now: int) -> None:
    """Take a task that waits, seek energy, or wait; from `on_until` on only energy is left."""
    vehicle, more = day.vehicles[v], day.more[v]
    look_around_between(vehicle, more)
    if now >= more.on_until:
        more.phase = OVER
        if vehicle.level < vehicle.capacity if vehicle.fills else goes_for_energy(vehicle):
            stop(day, v, now)
        return
    more.task = first_pending(day, v, now)
    if more.task >= 0:
        begin_task(day, v, now)
    elif not vehicle.fills and not more.sought and goes_for_energy(vehicle):
        more.phase = BETWEEN
        if not stop(day, v, now):
            come_back(day, v, now)
    else:
        more.phase = WAITS
        wait(day, v)
        if vehicle.fills and vehicle.level < vehicle.capacity:
            stop(day, v, now)


def look_around_between(vehicle: Record, more: Record) -> None:
    """Note what matters at a stop between tasks: nothing is due."""
    vehicle.at_home = more.at_depot and vehicle.home >= 0
    vehicle.fills = vehicle.at_home and vehicle.kind == ELECTRIC
    vehicle.need, vehicle.promised, vehicle.tries, vehicle.back = 0, NEVER_US, 0, 0


def goes_for_energy(vehicle: Record) -> bool:
    """Return whether a vehicle between tasks seeks energy."""
    if vehicle.kind == 0 or vehicle.soft:
        return False
    return seek_energy(vehicle.level, 0, vehicle.reserve, vehicle.target, vehicle.capacity)


def come_back(day: Day, v: int, now: int) -> None:
    """Become free again after seeking energy between tasks."""
    day.more[v].sought = True
    schedule(day, v, AT_FREE, now + day.vehicles[v].back)


def line_of_zone(day: Day, pool: int, zone: int) -> int:
    """Return the line of those who wait in a zone; where the pool does not roam all wait in one."""
    return zone if day.roams[pool] else 0


def wait(day: Day, v: int) -> None:
    """Put vehicle `v` at the end of the line of its zone."""
    pool = day.vehicles[v].pool
    line = day.waiting[pool, line_of_zone(day, pool, day.vehicles[v].zone)]
    day.more[v].waits_behind = NOBODY
    if line.head < 0:
        line.head = v
    else:
        day.more[line.tail].waits_behind = v
    line.tail = v


def call(day: Day, row: int, now: int) -> None:
    """Give a task to the first vehicle that can take it, or let it wait."""
    if is_given(day, row, now):
        return
    task = day.tasks[row]
    line = day.pending[task.pool]
    task.behind = NOBODY
    if line.head < 0:
        line.head = row
    else:
        day.tasks[line.tail].behind = row
    line.tail = row


def call_again(day: Day, now: int) -> None:
    """Call the tasks that wait, pool by pool, in the order in which they wait; those that are too late are lost."""
    for pool in range(len(day.pending)):
        line = day.pending[pool]
        before, row = NOBODY, int(line.head)
        while row >= 0:
            behind = int(day.tasks[row].behind)
            if day.tasks[row].latest < now or is_given(day, row, now):
                take_out(day, line, row, before)
            else:
                before = row
            row = behind


def is_given(day: Day, row: int, now: int) -> bool:
    """Give a task to the first vehicle that can take it; False if nobody can."""
    task = day.tasks[row]
    if not day.roams[task.pool]:
        return call_from(day, row, 0, 0, 0, now)
    for rank in range(day.pool_ways.shape[1]):
        way = day.pool_ways[task.zone, rank]
        if way.zone >= 0 and call_from(day, row, way.zone, way.drive, way.metres, now):
            return True
    return False


def take_out(day: Day, line: Record, row: int, before: int) -> None:
    """Take a task, which stands behind `before`, out of the line of those that wait."""
    behind = day.tasks[row].behind
    if before < 0:
        line.head = behind
    else:
        day.tasks[before].behind = behind
    if line.tail == row:
        line.tail = before


def call_from(day: Day, row: int, zone: int, drive_us: int, metres: int, now: int) -> bool:
    """Give a task to the first of those waiting in a zone that can take it; False if nobody can."""
    line = day.waiting[day.tasks[row].pool, zone]
    before, v = NOBODY, int(line.head)
    while v >= 0:
        behind = int(day.more[v].waits_behind)
        if now < day.more[v].on_until and takes(day, v, row, level_now(day, v, now), (drive_us, metres), now):
            if before < 0:
                line.head = behind
            else:
                day.more[before].waits_behind = behind
            if line.tail == v:
                line.tail = before
            call_away(day, v, row, now)
            return True
        before, v = v, behind
    return False


def call_away(day: Day, v: int, row: int, now: int) -> None:
    """Call vehicle `v` to a task: from its plug, unless it is leaving anyway, or from where it stands."""
    day.more[v].task, day.more[v].phase = row, CALLED_AWAY
    day.tasks[row].taker = v
    if day.vehicles[v].stands == AWAY:
        schedule(day, v, AT_TASK, now)
    elif day.vehicles[v].stands != LEAVING:
        cut(day, v, now, CALLED)


def takes(day: Day, v: int, row: int, level: int, way: tuple[int, int], now: int) -> bool:
    """Return whether vehicle `v` can take the task with this level and this way to it (us, m)."""
    vehicle = day.vehicles[v]
    drive_us, metres = way
    if now + drive_us > day.tasks[row].latest:
        return False
    if vehicle.kind == 0 or vehicle.soft:
        return True
    return can_take(level - way_energy(vehicle, metres), need_of(day, v, row), vehicle.reserve)


def need_of(day: Day, v: int, row: int) -> int:
    """Return the energy of a task's legs up to and including the first with a chance, or of all [Wh, g]."""
    need = 0
    for k in range(day.tasks[row].first_leg, day.tasks[row].end_leg):
        need += energy_of(day, v, k)
        if day.legs[k].may_charge:
            break
    return need


def way_to(day: Day, v: int, row: int) -> int:
    """Return the rank in `Pools` of the way from the zone of vehicle `v` to a task, -1 if there is none."""
    for rank in range(day.pool_ways.shape[1]):
        if day.pool_ways[day.tasks[row].zone, rank].zone == day.vehicles[v].zone:
            return rank
    return NOBODY


def first_pending(day: Day, v: int, now: int) -> int:
    """Take the first waiting task that vehicle `v` can take out of its line and return it; -1 if there is none."""
    line = day.pending[day.vehicles[v].pool]
    before, row = NOBODY, int(line.head)
    while row >= 0:
        behind = int(day.tasks[row].behind)
        taken = reaches(day, v, row, now)
        if taken or day.tasks[row].latest < now:
            take_out(day, line, row, before)
        else:
            before = row
        if taken:
            day.tasks[row].taker = v
            return row
        row = behind
    return NOBODY


def reaches(day: Day, v: int, row: int, now: int) -> bool:
    """Return whether a vehicle that looks for work can take the task."""
    vehicle, task = day.vehicles[v], day.tasks[row]
    if not day.roams[task.pool]:
        return takes(day, v, row, vehicle.level, (0, 0), now)
    rank = way_to(day, v, row)
    if rank < 0:
        return False
    way = day.pool_ways[task.zone, rank]
    return takes(day, v, row, vehicle.level, (way.drive, way.metres), now)


def begin_task(day: Day, v: int, now: int) -> None:
    """Drive to the task of vehicle `v` and on along its legs."""
    vehicle, more = day.vehicles[v], day.more[v]
    task = day.tasks[more.task]
    more.phase, more.sought = WORKS, False
    drive_us = 0
    if day.roams[task.pool]:
        way = day.pool_ways[task.zone, way_to(day, v, more.task)]
        drive_us, task.approach = way.drive, way.metres
        vehicle.level = max(vehicle.level - way_energy(vehicle, way.metres), 0)
    vehicle.first_leg = vehicle.leg = task.first_leg
    vehicle.end_leg = task.end_leg
    vehicle.free = now + drive_us
    drive(day, v)
