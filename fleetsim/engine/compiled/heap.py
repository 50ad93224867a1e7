"""What happens next: a binary heap of events by time and order of scheduling."""

from fleetsim.engine.compiled.state import HAS_EXTRAS, NOBODY, Day, Record, Records


def schedule(day: Day, v: int, wakes_for: int, time: int) -> None:
    """Wake vehicle `v` at `time` [us], after all that is scheduled for the same time already.

    What it was to wake up for before does not happen.
    """
    tally = day.tally[0]
    if HAS_EXTRAS and tally.pending == len(day.events):
        tally.pending = drop_moved(day)
    vehicle = day.vehicles[v]
    vehicle.wakes_for = wakes_for
    if HAS_EXTRAS:
        vehicle.event = tally.scheduled
    at = place(day.events, tally.pending, time)
    event = day.events[at]
    event.time, event.order, event.vehicle = time, tally.scheduled, v
    tally.pending += 1
    tally.scheduled += 1


def cancel(day: Day, v: int) -> None:
    """Let vehicle `v` sleep until something else wakes it."""
    day.vehicles[v].event = NOBODY


def place(events: Records, end: int, time: int) -> int:
    """Return the place of a new event at `time` [us] in the heap of `end` events, made free."""
    at = end
    while at > 0:
        parent = (at - 1) >> 1
        if events[parent].time <= time:
            break
        events[at] = events[parent]
        at = parent
    return at


def drop_first(events: Records, last: int) -> None:
    """Take the first event out of the heap: the one in row `last` goes down from the root to its place."""
    sink(events, 0, last, last)


def sink(events: Records, root: int, end: int, row: int) -> None:
    """Let the event in `row` go down from `root` to its place in the heap of `end` events."""
    time, order, vehicle = events[row].time, events[row].order, events[row].vehicle
    at, child = root, 2 * root + 1
    while child < end:
        if child + 1 < end and comes_first(events[child + 1], events[child].time, events[child].order):
            child += 1
        if not comes_first(events[child], time, order):
            break
        events[at] = events[child]
        at, child = child, 2 * child + 1
    event = events[at]
    event.time, event.order, event.vehicle = time, order, vehicle


def comes_first(one: Record, time: int, order: int) -> bool:
    """Return whether the event comes before `time` and `order`."""
    return bool(one.time < time or (one.time == time and one.order < order))


def drop_moved(day: Day) -> int:
    """Take all events out of the heap that have been moved; return how many are left."""
    events, end = day.events, 0
    for row in range(day.tally[0].pending):
        if day.vehicles[events[row].vehicle].event == events[row].order:
            events[end] = events[row]
            end += 1
    for root in range(end // 2 - 1, -1, -1):
        sink(events, root, end, root)
    return end
