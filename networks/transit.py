"""Bus lines: from lines to departures, from departures to the days of buses (blocks) and their empty runs."""

from dataclasses import dataclass
from typing import Literal

import dataframely as dy
import numpy as np
import numpy.typing as npt
import polars as pl

from networks.compiled import compiled
from networks.crs import distance_km
from networks.errors import DataError
from networks.io import require_known
from networks.tables import BlockMove, Line, LineHour, Place, Trip

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Chaining = Literal["first_in", "last_in"]
Pool = Literal["line", "depot"]

HOUR_S = 3600
HOURS_A_DAY = 24
PROFILE_DAYS = 4
EMPTY_RUNS = (
    ("out", "depot", "from_terminal"),
    ("in", "depot", "to_terminal"),
    ("dead", "to_terminal", "next_terminal"),
)


def timetable(
    lines: dy.DataFrame[Line], hours: dy.DataFrame[LineHour], *, weekend: bool = False, turn_s: int = 720
) -> dy.DataFrame[Trip]:
    """Return every departure of the lines on one day as a table of `Trip`, one row a trip, without blocks.

    Departures of a direction are spread between the first and the last one so that their density follows
    the frequency profile of the kind of line; the odd departure goes to direction 0. They leave on full
    minutes. The running time follows the speeds of the hours the bus drives through. Departures of direction 1
    follow those of direction 0 by the running time of the first bus and `turn_s`: the buses come from the depot
    at the first terminal, and need not run empty to the other one in the morning.

    Parameters
    ----------
    lines
        Lines with their daily departures of both directions.
    hours
        Frequency and speed of every kind of line by hour.
    weekend
        Take the departures, frequencies and speeds of a weekend day.
    turn_s
        Stop of the first bus at the far terminal [s].

    Raises
    ------
    DataError
        If a kind of line lacks one of the 24 hours.
    """
    day = "weekend" if weekend else "weekday"
    running = lines.filter(pl.col(f"{day}_departures") > 0).sort("line")
    if running.is_empty():
        return Trip.create_empty()
    plan = _one_row_a_trip(running, running[f"{day}_departures"].to_numpy())
    parts = [(part, _profile(hours, str(part["kind"][0]), day)) for part in _by_kind(plan)]
    trips = pl.concat([_timed(part, profile, turn_s) for part, profile in parts])
    trips = trips.sort("line", "direction", "departure_s").with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("trip"), pl.lit(None, dtype=pl.Int64).alias("block")
    )
    return Trip.validate(trips.select(Trip.column_names()))


def chain(
    trips: dy.DataFrame[Trip], *, layover_s: int, rule: Chaining = "first_in", pool: Pool = "line"
) -> dy.DataFrame[Trip]:
    """Return the trips with their blocks: the fewest buses that run them without empty runs between terminals.

    Parameters
    ----------
    trips
        Trips of one day.
    layover_s
        Shortest stop between two trips of a bus [s].
    rule
        Which waiting bus leaves next: the one that came first (even work, nearly every bus has a long stop
        between the peaks), or the one that came last (some buses work all day, the others only in the peaks).
    pool
        `line`: a bus stays on its line; `depot`: lines of one depot that share a terminal share buses.

    Notes
    -----
    A bus that stands ready at a terminal at the time of a departure can take it, whoever it is; so taking any
    ready bus wastes none, the number of joints is the largest possible at each terminal, and the number of
    buses, trips less joints, the smallest. Both rules give the same number.
    """
    before = _predecessors(trips, layover_s, rule, pool)
    order = np.lexsort((trips["trip"].to_numpy(), trips["departure_s"].to_numpy()))
    blocks = _number_chains(before, order)
    return Trip.validate(trips.with_columns(pl.Series("block", blocks)).sort("trip"))


def block_moves(
    trips: dy.DataFrame[Trip],
    places: dy.DataFrame[Place],
    *,
    layover_s: int = 720,
    depot_gap_s: int = 5400,
    detour: float = 1.3,
    empty_speed_kmh: float = 25.0,
) -> dy.DataFrame[BlockMove]:
    """Return every movement of every bus as a table of `BlockMove`: pull-outs, trips, deadheads and pull-ins.

    A bus leaves its depot in time for its first trip, goes home after its last one, and goes home in between
    where it could stand in the depot for at least `depot_gap_s`. Where its next trip leaves from another terminal
    it goes there at once and waits there.

    Parameters
    ----------
    trips
        Chained trips.
    places
        Depots and terminals.
    layover_s
        Shortest stop after a trip that is followed by another trip [s].
    depot_gap_s
        Shortest time in the depot that is worth the empty runs [s].
    detour
        Road distance over straight-line distance of empty runs [-].
    empty_speed_kmh
        Speed of empty runs [km/h].

    Raises
    ------
    DataError
        If trips are not chained, or name a place that is not in the table.
    """
    rows = _with_empty_runs(trips, places, detour, empty_speed_kmh)
    rows = rows.with_columns(
        gap_s=pl.col("next_departure_s") - pl.col("departure_s") - pl.col("run_s"),
        away=pl.col("next_terminal") != pl.col("to_terminal"),
    ).with_columns(
        (pl.col("gap_s") >= depot_gap_s + pl.col("in_s") + pl.col("next_out_s")).fill_null(True).alias("home_after")
    )
    rows = rows.with_columns(pl.col("home_after").shift(1).over("block").fill_null(True).alias("home_before"))
    moves = pl.concat([_pull_outs(rows), _runs(rows, layover_s), _deadheads(rows, layover_s), _pull_ins(rows)])
    moves = moves.sort("block", "depart_s", "rank").with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).over("block").alias("move")
    )
    return BlockMove.validate(moves.select(BlockMove.column_names()).sort("block", "move"), cast=True)


def buses_out(moves: dy.DataFrame[BlockMove]) -> int:
    """Return the largest number of buses that are away from their depots at the same time."""
    out = moves.filter(pl.col("kind") == "pull_out").select(time="depart_s", change=pl.lit(1))
    home = moves.filter(pl.col("kind") == "pull_in").select(
        time=pl.col("depart_s") + pl.col("drive_s"), change=pl.lit(-1)
    )
    change = pl.concat([out, home]).sort("time", "change")["change"].cast(pl.Int64)
    return int(change.cum_sum().max() or 0)  # type: ignore[arg-type]


def _one_row_a_trip(lines: pl.DataFrame, departures: Ints) -> pl.DataFrame:
    counts = np.stack([(departures + 1) // 2, departures // 2])
    parts = [_one_direction(lines, counts[direction], direction) for direction in (0, 1)]
    return pl.concat(parts)


def _one_direction(lines: pl.DataFrame, counts: Ints, direction: int) -> pl.DataFrame:
    row = np.repeat(np.arange(lines.height), counts)
    number = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    ends = ("from_terminal", "to_terminal") if direction == 0 else ("to_terminal", "from_terminal")
    return lines[row].select(
        "line",
        "kind",
        "depot",
        "length_km",
        "first_departure_min",
        "last_departure_min",
        pl.lit(direction, dtype=pl.Int64).alias("direction"),
        pl.col(ends[0]).alias("from_terminal"),
        pl.col(ends[1]).alias("to_terminal"),
        pl.Series("part_of_day", number / np.maximum(np.repeat(counts, counts) - 1, 1)),
    )


def _by_kind(plan: pl.DataFrame) -> list[pl.DataFrame]:
    return [plan.filter(pl.col("kind") == kind) for kind in sorted(plan["kind"].cast(pl.String).unique())]


@dataclass(frozen=True)
class _Profile:
    """Departures and distance accumulated since midnight at the full hours of some days."""

    clock_s: Floats
    departures: Floats
    distance_km: Floats


def _profile(hours: pl.DataFrame, kind: str, day: str) -> _Profile:
    rows = hours.filter(pl.col("kind").cast(pl.String) == kind).sort("hour")
    if rows.height != HOURS_A_DAY:
        raise DataError(f"line_hours: kind {kind!r} has {rows.height} of 24 hours; add the missing rows")
    return _Profile(
        clock_s=np.arange(PROFILE_DAYS * HOURS_A_DAY + 1, dtype=np.float64) * HOUR_S,
        departures=_accumulate(rows[f"{day}_frequency"].to_numpy()),
        distance_km=_accumulate(rows[f"{day}_speed_kmh"].to_numpy()),
    )


def _accumulate(by_hour: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(np.tile(by_hour, PROFILE_DAYS))])


def _timed(plan: pl.DataFrame, profile: _Profile, turn_s: int) -> pl.DataFrame:
    first_s, last_s = (plan[f"{end}_departure_min"].to_numpy() * 60.0 for end in ("first", "last"))
    first, last = (np.interp(clock, profile.clock_s, profile.departures) for clock in (first_s, last_s))
    wanted = first + plan["part_of_day"].to_numpy() * (last - first)
    length_km = plan["length_km"].to_numpy()
    shift_s = plan["direction"].to_numpy() * (_run_s(first_s, length_km, profile) + turn_s)
    departure = np.interp(wanted, profile.departures, profile.clock_s) + shift_s
    departure = np.rint(departure / 60.0) * 60.0
    run_s = np.maximum(np.rint(_run_s(departure, length_km, profile)), 1.0)
    return plan.with_columns(
        pl.Series("departure_s", departure.astype(np.int64)), pl.Series("run_s", run_s.astype(np.int64))
    )


def _run_s(departure_s: Floats, length_km: Floats, profile: _Profile) -> Floats:
    start_km = np.interp(departure_s, profile.clock_s, profile.distance_km)
    return np.interp(start_km + length_km, profile.distance_km, profile.clock_s) - departure_s


def _predecessors(trips: pl.DataFrame, layover_s: int, rule: Chaining, pool: Pool) -> Ints:
    """Return for each row the row of the trip its bus made before, -1 where it comes from the depot."""
    events = _terminal_events(trips, layover_s, pool)
    before = np.full(trips.height, -1, dtype=np.int64)
    stand, leaves, row = (events[name].to_numpy() for name in ("stand", "leaves", "row"))
    _hand_over(stand, leaves, row, rule == "first_in", before)
    return before


@compiled
def _hand_over(stand: Ints, leaves: npt.NDArray[np.bool_], row: Ints, first_in: bool, before: Ints) -> None:
    """Write for each trip that leaves the one whose bus takes it: of those waiting at the stand the first or last."""
    waiting = np.empty(row.size, np.int64)
    head = tail = 0
    for event in range(row.size):
        if event and stand[event] != stand[event - 1]:
            head = tail = 0
        if not leaves[event]:
            waiting[tail] = row[event]
            tail += 1
        elif head < tail and first_in:
            before[row[event]] = waiting[head]
            head += 1
        elif head < tail:
            tail -= 1
            before[row[event]] = waiting[tail]


def _terminal_events(trips: pl.DataFrame, layover_s: int, pool: Pool) -> pl.DataFrame:
    """Return stand, leaves (or is ready) and row of every event, by stand and time, ready before leaving."""
    row = pl.int_range(pl.len(), dtype=pl.Int64).alias("row")
    ready_s = pl.col("departure_s") + pl.col("run_s") + layover_s
    ready = trips.select(pool, row, terminal="to_terminal", time=ready_s, leaves=pl.lit(False))
    leave = trips.select(pool, row, terminal="from_terminal", time="departure_s", leaves=pl.lit(True))
    events = pl.concat([ready, leave]).sort(pool, "terminal", "time", "leaves", "row")
    return events.select("leaves", "row", stand=pl.struct(pool, "terminal").rle_id().cast(pl.Int64))


@compiled
def _number_chains(before: Ints, order: Ints) -> Ints:
    blocks = np.full(before.size, -1, np.int64)
    count = 0
    for row in order:
        if before[row] < 0:
            blocks[row] = count
            count += 1
        else:
            blocks[row] = blocks[before[row]]
    return blocks


def _with_empty_runs(trips: pl.DataFrame, places: pl.DataFrame, detour: float, empty_speed_kmh: float) -> pl.DataFrame:
    if trips["block"].null_count():
        raise DataError(f"trips: {trips['block'].null_count()} trips have no block; chain them first")
    following = pl.col("from_terminal").shift(-1).over("block")
    rows = trips.sort("block", "departure_s", "trip").with_columns(
        next_terminal=pl.coalesce(following, "to_terminal"),
        next_departure_s=pl.col("departure_s").shift(-1).over("block"),
    )
    position = _positions(rows, places)
    for run, start, end in EMPTY_RUNS:
        km = detour * distance_km(*position[start], *position[end])
        rows = rows.with_columns(
            pl.Series(f"{run}_km", km),
            pl.Series(f"{run}_s", np.rint(km / empty_speed_kmh * HOUR_S).astype(np.int64)),
        )
    return rows.with_columns(pl.col("out_s").shift(-1).over("block").alias("next_out_s"))


def _positions(rows: pl.DataFrame, places: pl.DataFrame) -> dict[str, tuple[Floats, Floats]]:
    columns = ("depot", "from_terminal", "to_terminal", "next_terminal")
    used = pl.concat([rows[column].alias("place").unique() for column in columns])
    problems = require_known("lines", used, places["place"], "add the place to places.csv")
    if problems:
        raise DataError(problems)
    seats = places.select("place", "lon", "lat")
    positions = {}
    for column in columns:
        found = rows.select(place=column).join(seats, on="place", how="left", maintain_order="left")
        positions[column] = (found["lon"].to_numpy(), found["lat"].to_numpy())
    return positions


def _pull_outs(rows: pl.DataFrame) -> pl.DataFrame:
    # A day has no time before midnight: a pull-out that would begin there begins at midnight.
    depart = pl.max_horizontal(pl.col("departure_s") - pl.col("out_s"), 0)
    return rows.filter("home_before").select(
        "block",
        kind=pl.lit("pull_out"),
        rank=pl.lit(0),
        trip=pl.lit(None, dtype=pl.Int64),
        depart_s=depart,
        drive_s=pl.col("departure_s") - depart,
        length_km="out_km",
        from_place="depot",
        to_place="from_terminal",
        dwell_s=pl.lit(0, dtype=pl.Int64),
        at_depot=pl.lit(False),
    )


def _runs(rows: pl.DataFrame, layover_s: int) -> pl.DataFrame:
    return rows.select(
        "block",
        kind=pl.lit("trip"),
        rank=pl.lit(1),
        trip="trip",
        depart_s="departure_s",
        drive_s="run_s",
        length_km="length_km",
        from_place="from_terminal",
        to_place="to_terminal",
        dwell_s=pl.when(pl.col("home_after") | pl.col("away")).then(0).otherwise(_stop_s(layover_s)).cast(pl.Int64),
        at_depot=pl.lit(False),
    )


def _stop_s(layover_s: int) -> pl.Expr:
    """Return the shortest stop before the next trip: a given block may leave less than the layover."""
    return pl.col("gap_s").clip(0, layover_s)


def _deadheads(rows: pl.DataFrame, layover_s: int) -> pl.DataFrame:
    # Where a given block leaves too little time for the way, the bus is taken to be in time.
    drive_s = pl.min_horizontal("dead_s", pl.col("gap_s").clip(0))
    return rows.filter(pl.col("away") & ~pl.col("home_after")).select(
        "block",
        kind=pl.lit("deadhead"),
        rank=pl.lit(2),
        trip=pl.lit(None, dtype=pl.Int64),
        depart_s=pl.col("departure_s") + pl.col("run_s"),
        drive_s=drive_s,
        length_km="dead_km",
        from_place="to_terminal",
        to_place="next_terminal",
        dwell_s=(pl.col("gap_s") - drive_s).clip(0, layover_s),
        at_depot=pl.lit(False),
    )


def _pull_ins(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter("home_after").select(
        "block",
        kind=pl.lit("pull_in"),
        rank=pl.lit(2),
        trip=pl.lit(None, dtype=pl.Int64),
        depart_s=pl.col("departure_s") + pl.col("run_s"),
        drive_s="in_s",
        length_km="in_km",
        from_place="to_terminal",
        to_place="depot",
        dwell_s=pl.lit(0, dtype=pl.Int64),
        at_depot=pl.lit(True),
    )
