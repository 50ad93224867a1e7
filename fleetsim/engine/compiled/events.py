"""The run of a day: events in their order, and the agenda."""

from fleetsim.engine.compiled.ahead import fetch
from fleetsim.engine.compiled.faults import break_plug, repair_plug
from fleetsim.engine.compiled.heap import drop_first, is_moved, refill, schedule, vehicle_of
from fleetsim.engine.compiled.legs import drive, go_on
from fleetsim.engine.compiled.managed import share
from fleetsim.engine.compiled.packing import ROWS_BESIDE_TRIES, SHARINGS
from fleetsim.engine.compiled.pools import become_free, begin_task, call, call_again, come_back
from fleetsim.engine.compiled.state import (
    AT_END,
    AT_FLOW,
    AT_FREE,
    AT_STATION,
    AT_STOP,
    AT_TASK,
    BETWEEN,
    CALLED_AWAY,
    HAS_EXTRAS,
    LOOK,
    NOBODY,
    REPAIR,
    STEP,
    TASK,
    WORKS,
    Day,
)
from fleetsim.engine.compiled.stops import end_visit, joins, look_further, stop, try_stations


def wake(day: Day, v: int, now: int) -> None:
    """Let vehicle `v` act at an event: it stays for energy, or it goes on."""
    wakes_for = day.vehicles[v].wakes_for
    if HAS_EXTRAS:
        day.vehicles[v].event = NOBODY
    if wakes_for == AT_STOP:
        stays = stop(day, v, now)
    elif wakes_for == AT_STATION:
        stays = joins(day, v, now) or try_stations(day, v, now)
    elif HAS_EXTRAS and wakes_for != AT_END:
        stays = wake_otherwise(day, v, wakes_for, now)
    else:
        further = end_visit(day, v, now)
        is_called = HAS_EXTRAS and day.more[v].phase == CALLED_AWAY
        stays = further and not is_called and look_further(day, v, now)
    if not stays:
        leave_stop(day, v, now)


def wake_otherwise(day: Day, v: int, wakes_for: int, now: int) -> bool:
    """Let vehicle `v` act at an event of a managed plug, or become free; False if it begins a task."""
    if wakes_for == AT_FREE:
        become_free(day, v, now)
    elif wakes_for != AT_TASK:
        if wakes_for == AT_FLOW:
            day.plugs[day.vehicles[v].plug].flows = True
        share(day, day.vehicles[v].station, now)
    return wakes_for != AT_TASK


def leave_stop(day: Day, v: int, now: int) -> None:
    """Go on with the legs; a vehicle between tasks becomes free again, waits on, or its day is over."""
    if HAS_EXTRAS and day.vehicles[v].pool >= 0:
        leave_between(day, v, now)
    else:
        go_on(day, v, now)


def leave_between(day: Day, v: int, now: int) -> None:
    """Let a vehicle of a pool go on with its task, become free again, begin a task, or wait on."""
    phase = day.more[v].phase
    if phase == WORKS:
        go_on(day, v, now)
    elif phase == BETWEEN:
        come_back(day, v, now)
    elif phase == CALLED_AWAY:
        begin_task(day, v, now)


def follow_agenda(day: Day) -> None:
    """Do the next item of the agenda."""
    item = day.agenda[day.tally[0].agenda]
    day.tally[0].agenda += 1
    if item.what == TASK:
        call(day, item.row, item.time)
    elif item.what == LOOK:
        call_again(day, item.time)
    elif item.what == STEP:
        for row in day.told:
            share(day, row, item.time)
    else:
        faulty = day.faulty[item.row]
        if item.what == REPAIR:
            repair_plug(day, faulty.station, faulty.plug, item.time)
        else:
            break_plug(day, faulty.station, faulty.plug, item.time)


def start(day: Day, v: int) -> None:
    """Let vehicle `v` schedule its first event, if it has any."""
    if HAS_EXTRAS and day.vehicles[v].pool >= 0:
        schedule(day, v, AT_FREE, day.vehicles[v].free)
    else:
        drive(day, v)


def happen(day: Day) -> None:
    """Let the next event happen, unless it has been moved."""
    tally = day.tally[0]
    now, key = day.events[0].time, day.events[0].key
    tally.pending -= 1
    drop_first(day.events, tally.pending)
    if tally.pending > 0:
        fetch(day.vehicles, vehicle_of(day.events[0].key))
    if not is_moved(day.vehicles, key):
        tally.happened += 1
        wake(day, vehicle_of(key), now)


def is_on_agenda(day: Day) -> bool:
    """Return whether the next item of the agenda comes before the next event."""
    tally = day.tally[0]
    if tally.agenda == len(day.agenda):
        return False
    return bool(tally.pending == 0 or day.agenda[tally.agenda].time <= day.events[0].time)


def run_on(day: Day) -> bool:
    """Run the day as far as the log has room; return whether it is over."""
    tally = day.tally[0]
    room = day.visits.shape[1] - day.tried.shape[1] - ROWS_BESIDE_TRIES
    flow_room = day.flows.shape[1] - len(day.plugs) - SHARINGS * tally.most_plugs
    while tally.woken < len(day.vehicles) and tally.rows < room:
        tally.woken += 1
        start(day, tally.woken - 1)
    if tally.woken < len(day.vehicles):
        return False
    while tally.rows < room and tally.flow_rows < flow_room:
        if tally.pending == 0:
            refill(day)
        if HAS_EXTRAS and is_on_agenda(day):
            follow_agenda(day)
        elif tally.pending > 0:
            happen(day)
        else:
            break
    return bool(tally.pending == 0 and tally.put_off == 0 and tally.agenda == len(day.agenda))
