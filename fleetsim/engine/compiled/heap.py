"""What happens next: events by time and order of scheduling, the next ones in a heap, later ones in buckets.

The heap holds what comes within a bucket's time; it stays small, and so near the processor, however large the city is.
The events of a bucket lie unsorted on pages.
"""

from fleetsim.engine.compiled.ahead import fetch
from fleetsim.engine.compiled.state import BUCKETS, HAS_EXTRAS, NOBODY, PAGE, Day, Record, Records

BUCKET_BITS = 24
"""A bucket holds what comes within 2^24 us, which is 17 s; the last one all that comes after it, too."""
CHILDREN = 4
"""So many events stand below each of the heap: side by side, in one cache line."""
VEHICLE_BITS = 30


def key_of_event(order: int, v: int) -> int:
    """Return order of scheduling and vehicle of an event in one word; events have different orders."""
    return order << VEHICLE_BITS | v


def order_of(key: int) -> int:
    """Return the order of scheduling of an event."""
    return key >> VEHICLE_BITS


def vehicle_of(key: int) -> int:
    """Return the vehicle of an event."""
    return key & ((1 << VEHICLE_BITS) - 1)


def schedule(day: Day, v: int, wakes_for: int, time: int) -> None:
    """Wake vehicle `v` at `time` [us], after all that is scheduled for the same time already.

    What it was to wake up for before does not happen.
    """
    tally, vehicle = day.tally[0], day.vehicles[v]
    vehicle.wakes_for = wakes_for
    if HAS_EXTRAS:
        vehicle.event = tally.scheduled
    key = key_of_event(tally.scheduled, v)
    tally.scheduled += 1
    bucket = min(time >> BUCKET_BITS, BUCKETS - 1)
    if bucket > tally.bucket:
        put_off(day, bucket, time, key)
    else:
        put_in_heap(day, time, key)


def cancel(day: Day, v: int) -> None:
    """Let vehicle `v` sleep until something else wakes it."""
    day.vehicles[v].event = NOBODY


def is_moved(vehicles: Records, key: int) -> bool:
    """Return whether the vehicle of an event has another one ahead by now, or none."""
    return bool(HAS_EXTRAS and vehicles[vehicle_of(key)].event != order_of(key))


def put_in_heap(day: Day, time: int, key: int) -> None:
    """Put an event into the heap."""
    tally = day.tally[0]
    if HAS_EXTRAS and tally.pending == len(day.events):
        tally.pending = without_moved(day.vehicles, day.events, 0, tally.pending)
        order(day.events, tally.pending)
    event = day.events[place(day.events, tally.pending, time)]
    event.time, event.key = time, key
    tally.pending += 1


def put_off(day: Day, bucket: int, time: int, key: int) -> None:
    """Put an event into its bucket."""
    tally, first = day.tally[0], day.buckets[bucket]
    if first == NOBODY or day.pages[first].events == PAGE:
        if HAS_EXTRAS and tally.freed == NOBODY and tally.used == len(day.pages):
            clean_buckets(day)
        first = new_page(day, day.buckets[bucket])
        day.buckets[bucket] = first
    page = day.pages[first]
    later = day.later[first * PAGE + page.events]
    later.time, later.key = time, key
    page.events += 1
    tally.put_off += 1


def new_page(day: Day, behind: int) -> int:
    """Return an empty page with another one behind it."""
    tally, page = day.tally[0], day.tally[0].freed
    if page == NOBODY:
        page = tally.used
        tally.used += 1
    else:
        tally.freed = day.pages[page].behind
    day.pages[page].events, day.pages[page].behind = 0, behind
    return int(page)


def free_page(day: Day, page: int) -> int:
    """Free a page and return the one behind it."""
    tally, behind = day.tally[0], day.pages[page].behind
    day.pages[page].behind = tally.freed
    tally.freed = page
    return int(behind)


def refill(day: Day) -> None:
    """Take the next bucket with anything in it over into the heap, which is empty.

    The vehicles whose turn comes are fetched with their next legs.
    """
    tally = day.tally[0]
    while tally.pending == 0 and tally.put_off > 0:
        tally.bucket += 1
        page = day.buckets[tally.bucket]
        while page != NOBODY:
            first, there = page * PAGE, day.pages[page].events
            for row in range(first, without_moved(day.vehicles, day.later, first, first + there)):
                event, later = day.events[tally.pending], day.later[row]
                event.time, event.key = later.time, later.key
                fetch(day.vehicles, vehicle_of(event.key))
                tally.pending += 1
            tally.put_off -= there
            page = free_page(day, page)
        order(day.events, tally.pending)
        for row in range(tally.pending):
            fetch(day.legs, day.vehicles[vehicle_of(day.events[row].key)].leg + 1)


def clean_buckets(day: Day) -> None:
    """Take all events that have been moved out of the buckets, and free the pages that become empty."""
    tally = day.tally[0]
    for bucket in range(tally.bucket + 1, BUCKETS):
        page, before = day.buckets[bucket], NOBODY
        while page != NOBODY:
            first, there = page * PAGE, day.pages[page].events
            day.pages[page].events = without_moved(day.vehicles, day.later, first, first + there) - first
            tally.put_off -= there - day.pages[page].events
            if day.pages[page].events > 0:
                page, before = day.pages[page].behind, page
                continue
            page = free_page(day, page)
            if before == NOBODY:
                day.buckets[bucket] = page
            else:
                day.pages[before].behind = page


def without_moved(vehicles: Records, events: Records, first: int, end: int) -> int:
    """Take all events that have been moved out of the rows from `first` to `end`; return the end of what is left."""
    if not HAS_EXTRAS:
        return end
    left = first
    for row in range(first, end):
        if not is_moved(vehicles, events[row].key):
            events[left].time, events[left].key = events[row].time, events[row].key
            left += 1
    return left


def order(events: Records, end: int) -> None:
    """Make a heap of `end` events."""
    for root in range((end - 2) // CHILDREN, -1, -1):
        sink(events, root, end, root)


def place(events: Records, end: int, time: int) -> int:
    """Return the place of a new event at `time` [us] in the heap of `end` events, made free."""
    at = end
    while at > 0:
        parent = (at - 1) // CHILDREN
        if events[parent].time <= time:
            break
        events[at].time, events[at].key = events[parent].time, events[parent].key
        at = parent
    return at


def drop_first(events: Records, last: int) -> None:
    """Take the first event out of the heap: the one in row `last` goes down from the root to its place."""
    sink(events, 0, last, last)


def sink(events: Records, root: int, end: int, row: int) -> None:
    """Let the event in `row` go down from `root` to its place in the heap of `end` events."""
    time, key = events[row].time, events[row].key
    at, child = root, CHILDREN * root + 1
    while child < end:
        first = child
        for other in range(child + 1, min(child + CHILDREN, end)):
            if comes_first(events[other], events[first].time, events[first].key):
                first = other
        if not comes_first(events[first], time, key):
            break
        events[at].time, events[at].key = events[first].time, events[first].key
        at, child = first, CHILDREN * first + 1
    events[at].time, events[at].key = time, key


def comes_first(one: Record, time: int, key: int) -> bool:
    """Return whether the event comes before `time` and `key`."""
    return bool(one.time < time or (one.time == time and one.key < key))
