"""The state of a simulated day as the compiled engine holds it: few arrays of rows."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fleetsim.engine.spec import FLOW_COLUMNS, VISIT_COLUMNS, IntArray, Kind, QueueRule, Reason, ShareRule, Strategy

Records = NDArray[np.void]
Record = Any
"""One row of `Records`; its columns are attributes."""

ELECTRIC, SWAP = int(Kind.ELECTRIC), int(Kind.SWAP)
(SERVED, LEFT_EARLY, QUEUE, ALL_FULL, OUT_OF_REACH, DRY, TOO_LATE, STRANDED, FAULT, CALLED) = (int(r) for r in Reason)
FIFO = int(QueueRule.FIFO)
BY_NEED = int(ShareRule.NEED)
ASAP, CHEAPEST = int(Strategy.ASAP), int(Strategy.CHEAPEST)
AT_STOP, AT_STATION, AT_FLOW, AT_END, AT_FLOOR, AT_TASK, AT_FREE = range(7)
"""What a vehicle wakes up for: it seeks energy at a stop, reaches a station, energy begins to flow, it is served or
turned away, it has given back all it may; it begins a task, becomes free."""
REPAIR, BREAK, STEP, TASK, LOOK = range(5)
"""Items of the agenda, in the order in which they come at the same time."""
AWAY, QUEUED, HOLDING, LEAVING = range(4)
"""Where a vehicle stands at a station: not at all, in the queue, on a plug, on its way out."""
WORKS, BETWEEN, WAITS, CALLED_AWAY, OVER = range(5)
"""What a vehicle of a pool is about: a task, energy between tasks, nothing, on its way from there, nothing more."""
BUCKETS = 8192
"""Buckets of events that come later; see `heap`."""
CACHE_LINE = 64
"""Bytes the processor fetches at a time."""
PAGE = 16
"""Events on a page of a bucket."""
NOBODY = -1
NO_GRANT = -(2**62)
"""Grant of a plug before the first sharing [W]."""
MILLION = 1_000_000

HAS_EXTRAS: bool = True
"""Whether the day has more than a plain one. The engine is compiled for days with and without: there branches on this
are cut off before their types are looked at, so what a plain day has not costs it nothing."""

VEHICLE_COLUMNS = (
    "kind", "group", "home", "soft", "capacity", "reserve", "depot_reserve", "target", "max_power", "knee_pm",
    "end_pm", "use_per_km", "pool", "pack_type",
)  # fmt: skip
VEHICLE_ROW = (
    # What most events look at; the stop it stands at or drives to.
    "wakes_for", "reason", "station", "leg", "end_leg", "home", "kind", "zone", "tries", "group", "event",
    "soft", "at_home", "fills", "level", "free",
    "back", "drive", "metres", "use_per_km", "need", "promised", "reserve", "capacity",
    # The visit it is on: times, what it stays for, what comes out, who waits behind it.
    "target", "seek", "arrive", "start", "energy", "due", "least", "goal",
    "behind", "first_leg", "stands", "pool", "plug", "depot_reserve", "max_power", "knee_pm", "end_pm", "pack_type",
)  # fmt: skip
MORE_COLUMNS = ("rank", "ready_by", "give_floor", "on_until", "use_ppm")
MORE_ROW = (
    *MORE_COLUMNS, "ready", "needed", "returned", "task", "waits_behind", "phase", "at_depot", "sought"
)  # fmt: skip
"""What only days with extras have: where plugs are managed or queues ordered, and of vehicles of pools."""
LEG_COLUMNS = ("depart", "drive", "dwell", "energy", "zone", "may_charge", "at_depot", "timed", "overnight")
STATION_COLUMNS = (
    "kind", "plugs", "rate", "handling", "typical", "queue_limit", "supply", "dry_limit", "group", "bookable",
    "queue_rule", "site_limit", "cabinet_plugs", "cabinet_power", "share_rule", "strategy", "signal", "give_price",
    "middle_from_pm", "high_from_pm",
)  # fmt: skip
STATION_FIRST = ("group", "in_service", "busy", "waiting", "queue_limit", "typical", "head", "tail")
"""What drivers look at when they choose."""
STATION_STATE = (
    "managed", "first_plug", "first_charger", "chargers", "storage_ug", "store_ug", "at", "endless", "trailer_ug",
    "middle_room_ug", "middle_ug", "high_room_ug", "high_ug",
    "delivery", "end_delivery",
)  # fmt: skip
PLUG_ROW = (
    "holder", "broken", "flows", "since", "level", "grant", "planned", "power", "goal", "ready", "floor", "rate",
    "zero", "level_now", "accepted", "spare",
)  # fmt: skip
TASK_COLUMNS = ("pool", "latest", "zone", "first_leg", "end_leg")
TALLY_ROW = (
    "woken", "pending", "put_off", "bucket", "freed", "used", "scheduled", "happened", "agenda", "rows", "flow_rows",
    "step_us", "tries", "most_plugs", "sources",
)  # fmt: skip
TYPES = {
    **dict.fromkeys(("soft", "at_home", "fills", "may_charge", "at_depot", "timed", "overnight"), np.bool_),
    **dict.fromkeys(("bookable", "managed", "endless", "broken", "flows", "sought"), np.bool_),
    **dict.fromkeys(("kind", "home", "first_leg", "leg", "end_leg", "zone", "station", "behind", "pool"), np.int32),
    **dict.fromkeys(
        ("wakes_for", "reason", "tries", "stands", "plug", "pack_type", "holder", "what", "task"), np.int32
    ),
    **dict.fromkeys(("waits_behind", "phase", "event", "group"), np.int32),
}
"""Row numbers and codes take half a word, which is felt; all else is in 64 bits."""
(IN_VEHICLE, IN_LEG, IN_STATION, IN_SEEK, IN_ARRIVE, IN_START, IN_END, IN_ENERGY, IN_REASON, IN_METRES, IN_RETURNED) = (
    range(len(VISIT_COLUMNS))
)
(OF_VEHICLE, OF_STATION, OF_START, OF_END, OF_POWER, OF_ENERGY) = range(len(FLOW_COLUMNS))


def row_type(names: tuple[str, ...], types: dict[str, Any] | None = None) -> np.dtype[np.void]:
    """Return the type of a row with these columns, of 64 bits where `types` says nothing."""
    known = types or {}
    return np.dtype([(name, known.get(name, np.int64)) for name in names], align=True)


def in_lines(row: np.dtype[np.void]) -> np.dtype[np.void]:
    """Return the type of a row with room behind it, so that each row begins with a cache line."""
    fields: Any = row.fields
    columns = {name: fields[name] for name in row.names or ()}
    formats, offsets = zip(*columns.values(), strict=True)
    size = -(-row.itemsize // CACHE_LINE) * CACHE_LINE
    return np.dtype({"names": list(columns), "formats": formats, "offsets": offsets, "itemsize": size})


VEHICLE = row_type(VEHICLE_ROW, TYPES)
MORE = row_type(MORE_ROW, TYPES)
LEG = row_type(LEG_COLUMNS, TYPES)
STATION = in_lines(
    row_type(
        (*STATION_FIRST, *(name for name in STATION_COLUMNS if name not in STATION_FIRST), *STATION_STATE),
        {name: TYPES[name] for name in ("bookable", "managed", "endless")},
    )
)
PLUG = row_type(PLUG_ROW, {**TYPES, "rate": np.float64, "zero": np.float64})
WAY = row_type(("station", "metres", "drive"), {"station": np.int32, "metres": np.int32})
EVENT = row_type(("time", "key"))
EVENTS_PAGE = row_type(("events", "behind"))
ITEM = row_type(("time", "what", "row"), TYPES)
FAULTY = row_type(("station", "plug"))
DELIVERY = row_type(("time", "amount_ug"))
STOCK = row_type(("first", "packs"))
STEP_ROW = row_type(("price", "limit_pm"))
TASK_ROW = row_type((*TASK_COLUMNS, "taker", "approach", "behind"))
POOL_WAY = row_type(("zone", "drive", "metres"))
LINE = row_type(("head", "tail"))
TALLY = row_type(TALLY_ROW)


class Day(NamedTuple):
    """The state of a simulated day: few arrays of rows, for the compiler takes its time for each."""

    vehicles: Records
    more: Records
    """Of vehicles, what only days with extras have; no rows on other days."""
    legs: Records
    """`depart` becomes the departure once it has happened, -1 where it never does."""
    stations: Records
    ways: Records
    """`Access`: from zones to stations, shape (kinds, zones, ranks)."""
    tried: IntArray
    """Stations each vehicle has tried at its stop: shape (vehicles, tries)."""
    plugs: Records
    """Plugs of managed stations, from `first_plug` on."""
    wishes: IntArray
    """Power each plug asks for, then what it is granted [W]."""
    offers: IntArray
    """Power each plug offers to the grid [W]."""
    by_need: Records
    """Heap of plugs by time to spare, while a site's limit is divided."""
    stocks: Records
    """Packs of a type at a station: shape (stations, types)."""
    full_at: IntArray
    """Times at which packs are full, a heap a stock [us]."""
    free_at: IntArray
    """Times at which chargers of packs are free, a heap a station from `first_charger` on [us]."""
    deliveries: Records
    steps: Records
    """`Signals`: shape (signals, steps)."""
    prices: IntArray
    """Price in each step: shape (signals, steps)."""
    told: IntArray
    """Managed stations with a signal."""
    agenda: Records
    """What the tables fix, in order."""
    faulty: Records
    """Plugs of `Faults`."""
    tasks: Records
    pending: Records
    """Tasks that wait, a line a pool."""
    waiting: Records
    """Vehicles that wait, a line a pool and zone; the first zone's alone where the pool does not roam."""
    roams: NDArray[np.bool_]
    pool_ways: Records
    """`Pools`: from zones to zones, shape (zones, ranks)."""
    events: Records
    """Heap by time and order of scheduling, `tally.pending` long; moved events stay until they come up."""
    later: Records
    """Events in buckets, page by page."""
    pages: Records
    """How many events each page holds and the page behind it; `tally.used` pages were ever used, those from
    `tally.freed` on are free again."""
    buckets: IntArray
    """First page of each bucket; the heap holds all up to `tally.bucket`."""
    visits: IntArray
    """The log: shape (columns, rows), `tally.rows` of it written."""
    flows: IntArray
    """`Flows`: shape (columns, rows), `tally.flow_rows` of it written."""
    tally: Records
    """One row: vehicles woken for the first time, events in heap and buckets, scheduled and happened, agenda done,
    rows."""
