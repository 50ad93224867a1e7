"""The loops of chaining trips to blocks, compiled by numba; `networks.blocks` says what they are for.

Who can follow whom is never written down: it is asked when needed. Trips are numbered in the order of departure.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from networks.compiled import compiled

Ints = npt.NDArray[np.int64]


class Rows(NamedTuple):
    """Trips by first terminal and level, each in the order of departure."""

    trip: Ints
    indptr: Ints
    """Those of terminal k and level l stand at trip[indptr[k * levels + l]:indptr[k * levels + l + 1]]."""
    levels: int


class Ground(NamedTuple):
    """Trips, and the terminals they lie between."""

    departure_s: Ints
    ready_s: Ints
    """When the bus of a trip may leave again at its last terminal."""
    start: Ints
    end: Ints
    """Terminals of a trip."""
    drive_s: Ints
    """Empty run from terminal to terminal, shape (terminals, terminals)."""
    near: Ints
    """Terminals by distance from each terminal, itself first, shape (terminals, terminals)."""
    idle_weight: float
    """Worth of a second of standing over a second of empty driving."""


@compiled
def first_after(ground: Ground, rows: Rows, row: int, second: int) -> int:
    """Return the place in `rows.trip` of the first departure of a row at or after a second of the day."""
    low, high = rows.indptr[row], rows.indptr[row + 1]
    while low < high:
        middle = (low + high) // 2
        if ground.departure_s[rows.trip[middle]] < second:
            low = middle + 1
        else:
            high = middle
    return int(low)


@compiled
def next_open(following: Ints, place: int) -> int:
    """Return the first place not yet closed, from `place` on; ways found are shortened."""
    root = place
    while following[root] != root:
        root = following[root]
    while following[place] != root:
        following[place], place = root, following[place]
    return int(root)


@compiled
def next_follower(ground: Ground, rows: Rows, following: Ints, trip: int, place: tuple[int, int]) -> tuple[int, int]:
    """Return an open place that a trip's bus can reach in time, or -1, and the rank of its terminal.

    `place` is the rank of the first terminal looked at, among those near the trip's end, and the level.
    """
    home, ready = ground.end[trip], ground.ready_s[trip]
    rank, level = place
    while rank < ground.near.shape[1]:
        terminal = ground.near[home, rank]
        row = terminal * rows.levels + level
        end = rows.indptr[row + 1]
        if end > rows.indptr[row]:
            second = ready + ground.drive_s[home, terminal]
            if ground.departure_s[rows.trip[end - 1]] >= second:
                found = next_open(following, first_after(ground, rows, row, second))
                if found < end:
                    return found, rank
        rank += 1
    return -1, rank


@compiled
def take_nearest(ground: Ground, rows: Rows, by_ready: Ints, joints: tuple[Ints, Ints], ranks: int) -> None:
    """Give each trip, earliest ready first, the first departure nobody has taken at its nearest terminals."""
    after, before = joints
    following = np.arange(after.size + 1)
    for place in range(after.size):
        if before[rows.trip[place]] >= 0:
            following[place] = place + 1
    for trip in by_ready:
        if after[trip] < 0:
            found, rank = next_follower(ground, rows, following, trip, (0, 0))
            if found >= 0 and rank < ranks:
                after[trip], before[rows.trip[found]] = rows.trip[found], trip
                following[found] = found + 1


@compiled
def find_levels(ground: Ground, rows: Rows, joints: tuple[Ints, Ints], level: Ints) -> int:
    """Write how many joints are given up at least before each departure is reached, from trips without a follower.

    Departures that are not reached keep -1. Returns the level of the nearest departure without a trip before it,
    -1 where none can be reached: then no more joints are possible.
    """
    after, before = joints
    following = np.arange(after.size + 1)
    queue, depth = np.empty(after.size, np.int64), np.zeros(after.size, np.int64)
    count = 0
    for trip in range(after.size):
        if after[trip] < 0:
            queue[count] = trip
            count += 1
    nearest, head = -1, 0
    while head < count and (nearest < 0 or depth[queue[head]] <= nearest):
        trip, rank, found = queue[head], 0, 0
        head += 1
        while found >= 0:
            found, rank = next_follower(ground, rows, following, trip, (rank, 0))
            if found >= 0:
                following[found] = found + 1
                reached = rows.trip[found]
                level[reached] = depth[trip]
                if before[reached] < 0:
                    nearest = depth[trip]
                else:
                    queue[count] = before[reached]
                    depth[before[reached]] = depth[trip] + 1
                    count += 1
    return nearest


@compiled
def augment(ground: Ground, rows: Rows, joints: tuple[Ints, Ints], nearest: int) -> int:
    """Add joints along shortest ways that share no departure, as many as a greedy search finds; return how many."""
    after, before = joints
    size = after.size
    following = np.arange(size + 1)
    path, via, ranks = np.empty(size + 1, np.int64), np.empty(size + 1, np.int64), np.empty(size + 1, np.int64)
    added = 0
    for root in range(size):
        depth = -1 if after[root] >= 0 else 0
        path[0], ranks[0] = root, 0
        while depth >= 0:
            found, ranks[depth] = next_follower(ground, rows, following, path[depth], (ranks[depth], depth))
            if found < 0:
                depth -= 1
                continue
            following[found] = found + 1
            via[depth] = rows.trip[found]
            if before[via[depth]] < 0:
                for step in range(depth + 1):
                    after[path[step]], before[via[step]] = via[step], path[step]
                added += 1
                break
            if depth < nearest:
                depth += 1
                path[depth], ranks[depth] = before[via[depth - 1]], 0
    return added


@compiled
def joint_cost(ground: Ground, trip: int, follower: int) -> float:
    """Return the worth of a joint: empty driving, and a little for standing; infinite where the bus is late."""
    drive = ground.drive_s[ground.end[trip], ground.start[follower]]
    idle = ground.departure_s[follower] - ground.ready_s[trip] - drive
    return np.inf if idle < 0 else drive + ground.idle_weight * idle


@compiled
def exchange(ground: Ground, rows: Rows, joints: tuple[Ints, Ints], nearby: tuple[int, int]) -> float:
    """Look once, from every trip with a follower, for a better follower nearby; return what is saved.

    The follower is taken over from the trip that has it, which gets the other one, or is without a trip before it.
    """
    after, before = joints
    saved = 0.0
    for trip in range(after.size):
        if after[trip] < 0:
            continue
        home = ground.end[trip]
        for rank in range(min(nearby[0], ground.near.shape[1])):
            terminal = ground.near[home, rank]
            first = first_after(ground, rows, terminal, ground.ready_s[trip] + ground.drive_s[home, terminal])
            for place in range(first, min(first + nearby[1], rows.indptr[terminal + 1])):
                mine, wanted = after[trip], rows.trip[place]
                other = before[wanted]
                gain = joint_cost(ground, trip, mine) - joint_cost(ground, trip, wanted)
                if other >= 0:
                    gain += joint_cost(ground, other, wanted) - joint_cost(ground, other, mine)
                if wanted != mine and gain > 1e-6:
                    after[trip], before[wanted], before[mine] = wanted, trip, other
                    if other >= 0:
                        after[other] = mine
                    saved += gain
    return saved
