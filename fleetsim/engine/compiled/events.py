"""The run of a day: events in their order, and the agenda."""

from fleetsim.engine.compiled.faults import break_plug, repair_plug
from fleetsim.engine.compiled.heap import drop_first, schedule
from fleetsim.engine.compiled.legs import drive, go_on
from fleetsim.engine.compiled.managed import share
from fleetsim.engine.compiled.packing import ROWS_BESIDE_TRIES, SHARINGS
from fleetsim.engine.compiled.pools import become_free, begin_task, call, come_back
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
    NOBODY,
    REPAIR,
    STEP,
    TASK,
    WORKS,
    Day,
)
from fleetsim.engine.compiled.stops import end_visit, joins, look_further, stop, try_stations
from fleetsim.engine.spec import NEVER_US


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


def next_time(day: Day) -> int:
    """Return the time of the next event [us], NEVER_US where there is none."""
    tally, time = day.tally[0], NEVER_US
    if tally.pending > 0:
        time = day.events[0].time
    if tally.risen < len(day.dawn):
        time = min(time, day.dawn[tally.risen].time)
    return int(time)


def is_dawn(day: Day) -> bool:
    """Return whether the next event is the first one of a vehicle: those come before all others of their time."""
    tally = day.tally[0]
    if tally.risen == len(day.dawn):
        return False
    return bool(tally.pending == 0 or day.dawn[tally.risen].time <= day.events[0].time)


def happen(day: Day) -> None:
    """Let the next event happen, unless it has been moved."""
    tally = day.tally[0]
    if is_dawn(day):
        first = day.dawn[tally.risen]
        v, order, now = first.vehicle, first.order, first.time
        tally.risen += 1
    else:
        first = day.events[0]
        v, order, now = first.vehicle, first.order, first.time
        tally.pending -= 1
        drop_first(day.events, tally.pending)
    if not HAS_EXTRAS or day.vehicles[v].event == order:
        tally.happened += 1
        wake(day, v, now)


def is_on_agenda(day: Day) -> bool:
    """Return whether the next item of the agenda comes before the next event."""
    tally = day.tally[0]
    if tally.agenda == len(day.agenda):
        return False
    return bool(day.agenda[tally.agenda].time <= next_time(day))


def run_on(day: Day) -> bool:
    """Run the day as far as the log has room, and up to the first event; return whether it is over."""
    tally = day.tally[0]
    room = day.visits.shape[1] - day.tried.shape[1] - ROWS_BESIDE_TRIES
    flow_room = day.flows.shape[1] - len(day.plugs) - SHARINGS * tally.most_plugs
    while tally.woken < len(day.vehicles) and tally.rows < room:
        tally.woken += 1
        start(day, tally.woken - 1)
    if tally.risen == NOBODY:
        return False
    while tally.rows < room and tally.flow_rows < flow_room:
        if HAS_EXTRAS and is_on_agenda(day):
            follow_agenda(day)
        elif tally.pending > 0 or tally.risen < len(day.dawn):
            happen(day)
        else:
            break
    is_done = tally.pending == 0 and tally.risen == len(day.dawn)
    return bool(is_done and tally.agenda == len(day.agenda))
