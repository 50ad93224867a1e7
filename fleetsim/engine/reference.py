"""The day simulation in SimPy: the readable truth of the engine's semantics (`docs/engine.md`).

One event a decision: a vehicle walks its legs in plain Python to the next stop at which it seeks energy and
sleeps until then in one timeout. Stations keep their own queues; a visit is one event, scheduled for the
end of its service once its turn has come.
"""

import gc
import heapq
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import numpy as np
import simpy

from charging.energy import charge_us, charged_wh, flow_us, stored_ug, supply_us, taper_line
from fleetsim.engine import policies
from fleetsim.engine.prepass import Prepass, prepare
from fleetsim.engine.spec import NEVER_US, VISIT_COLUMNS, Inputs, Kind, Log, Reason

MICROGRAMS = 1_000_000
Process = Generator[simpy.Event, None, None]
Outcome = Generator[simpy.Event, None, tuple[int, int]]
Row = tuple[int, int, int, int, int, int, int, int, int, int]
NOTHING_GAINED = (Reason.DRY, Reason.TOO_LATE)


def simulate(inputs: Inputs) -> Log:
    """Return the log of a day; the same inputs give the same log, row for row."""
    prepass = prepare(inputs)
    day = _Day(inputs, prepass)
    for vehicle in np.flatnonzero(prepass.eventful).tolist():
        day.env.process(day.drive(vehicle))
    with _collector_at_rest():
        day.env.run()
    return day.log()


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Keep the garbage collector from walking all sleeping vehicles again and again: a quarter of the time."""
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()


class _Visit(simpy.Event):
    """A vehicle at a station; the event happens when its service ends, or when it is turned away."""

    def __init__(self, env: simpy.Environment, level: int, capacity: int, stay: tuple[int, int, int]) -> None:
        super().__init__(env)
        self.level = level
        self.capacity = capacity
        self.least, self.goal, self.due = stay
        self.max_power = 0
        self.line = (0.0, 0.0)
        self.start = 0
        self.energy = 0
        self.reason = Reason.SERVED

    def settle(self, start: int, end: int, energy: int, reason: Reason) -> None:
        """Fix the outcome and let the event happen at `end` [us]."""
        self.start, self.energy, self.reason = start, energy, reason
        self._ok = True
        self._value = None
        self.env.schedule(self, delay=end - int(self.env.now))


class _Station:
    """Plugs with one queue, first come first served."""

    def __init__(self, inputs: Inputs, row: int) -> None:
        stations = inputs.stations
        self.plugs = int(stations.plugs[row])
        self.rate = int(stations.rate[row])
        self.handling = int(stations.handling[row])
        self.typical = int(stations.typical[row])
        self.queue_limit = int(stations.queue_limit[row])
        self.group = int(stations.group[row])
        self.dry_limit = int(stations.dry_limit[row])
        self.busy = 0
        self.queue: deque[_Visit] = deque()

    def expected_wait(self) -> int:
        return policies.expected_wait_us(self.busy, len(self.queue), self.plugs, self.typical)

    def is_full(self) -> bool:
        return self.busy >= self.plugs and len(self.queue) >= self.queue_limit

    def turns_away(self, now: int, due: int) -> bool:
        """Return whether a driver who can go on does not join."""
        if self.busy < self.plugs:
            return False
        return policies.balks(len(self.queue), self.queue_limit, now + self.expected_wait(), due)

    def enter(self, visit: _Visit, now: int) -> None:
        self.queue.append(visit)
        self._advance(now)

    def leave(self, now: int) -> None:
        self.busy -= 1
        self._advance(now)

    def _advance(self, now: int) -> None:
        while self.queue and self.busy < self.plugs:
            visit = self.queue.popleft()
            if policies.gives_up(now + self.handling, visit.due, visit.level, visit.least):
                visit.settle(now, now, 0, Reason.TOO_LATE)
            elif self._serve(visit, now):
                self.busy += 1

    def _serve(self, visit: _Visit, now: int) -> bool:
        """Settle the visit whose turn has come; False if it is turned away."""
        level, power, line = visit.level, min(self.rate, visit.max_power), visit.line
        flow_from = now + self.handling
        until_goal = charge_us(level, visit.goal, power, *line)
        until_least = charge_us(level, visit.least, power, *line)
        stay = policies.stay_us(until_goal, until_least, visit.due - flow_from)
        if stay == until_goal:
            visit.settle(now, flow_from + stay, visit.goal - level, Reason.SERVED)
        else:
            reached = visit.least if stay == until_least else charged_wh(level, stay, power, *line)
            visit.settle(now, flow_from + stay, min(reached, visit.goal) - level, Reason.LEFT_EARLY)
        return True


class _SwapStation(_Station):
    """Bays and a stock of packs; a pack taken from a vehicle is full again after its charge."""

    def __init__(self, inputs: Inputs, row: int) -> None:
        super().__init__(inputs, row)
        self.full_at = [0] * int(inputs.stations.packs[row])

    def _serve(self, visit: _Visit, now: int) -> bool:
        start = max(now, self.full_at[0]) if self.full_at else NEVER_US
        if start - now > self.dry_limit:
            visit.settle(now, now, 0, Reason.DRY)
            return False
        missing = visit.capacity - visit.level
        heapq.heapreplace(self.full_at, start + flow_us(missing, self.rate))
        visit.settle(start, start + self.handling, missing, Reason.SERVED)
        return True


class _HydrogenStation(_Station):
    """Dispensers on one store that is refilled all the time."""

    def __init__(self, inputs: Inputs, row: int) -> None:
        super().__init__(inputs, row)
        self.storage = int(inputs.stations.storage[row]) * MICROGRAMS
        self.supply = int(inputs.stations.supply[row])
        self.store = self.storage
        self.at = 0

    def _serve(self, visit: _Visit, now: int) -> bool:
        missing = visit.goal - visit.level
        wanted = missing * MICROGRAMS
        ready = max(now, self.at)
        store = stored_ug(self.store, ready - self.at, self.supply, self.storage)
        start = ready + self._wait(wanted - store, wanted)
        if start - now > self.dry_limit:
            visit.settle(now, now, 0, Reason.DRY)
            return False
        self.store = stored_ug(store, start - ready, self.supply, self.storage) - wanted
        self.at = start
        visit.settle(start, start + self.handling + flow_us(missing, self.rate), missing, Reason.SERVED)
        return True

    def _wait(self, short: int, wanted: int) -> int:
        if short <= 0:
            return 0
        if self.supply == 0 or wanted > self.storage:
            return NEVER_US
        return supply_us(short, self.supply)


STATION_TYPES: dict[int, type[_Station]] = {
    Kind.ELECTRIC: _Station,
    Kind.SWAP: _SwapStation,
    Kind.HYDROGEN: _HydrogenStation,
}


class _Day:
    """The state of one simulated day."""

    def __init__(self, inputs: Inputs, prepass: Prepass) -> None:
        self.env = simpy.Environment()
        self.rows: list[Row] = []
        departure, level = prepass.departure.copy(), prepass.level.copy()
        departure[np.repeat(prepass.eventful, np.diff(inputs.vehicles.first_leg))] = -1
        self.departure, self.level = departure.data, level.data
        kinds = inputs.stations.kind.tolist()
        self.stations = [STATION_TYPES[kind](inputs, row) for row, kind in enumerate(kinds)]
        self.tries = inputs.tries
        self._view_vehicles(inputs)
        self._view_legs(inputs, prepass)
        self._view_access(inputs)

    def _view_vehicles(self, inputs: Inputs) -> None:
        # Views give Python's own integers, without a copy and faster than numpy's.
        vehicles = inputs.vehicles
        self.first_leg = vehicles.first_leg.data
        self.kind = vehicles.kind.data
        self.group = vehicles.group.data
        self.home = vehicles.home.data
        self.soft = vehicles.soft.data
        self.capacity = vehicles.capacity.data
        self.start_level = vehicles.start_level.data
        self.reserve = vehicles.reserve.data
        self.depot_reserve = vehicles.depot_reserve.data
        self.target = vehicles.target.data
        self.max_power = vehicles.max_power.data
        self.knee_pm = vehicles.knee_pm.data
        self.end_pm = vehicles.end_pm.data
        self.use_per_km = vehicles.use_per_km.data

    def _view_legs(self, inputs: Inputs, prepass: Prepass) -> None:
        legs = inputs.legs
        self.depart = legs.depart.data
        self.drive_us = legs.drive.data
        self.dwell = legs.dwell.data
        self.leg_energy = legs.energy.data
        self.zone = legs.zone.data
        self.at_depot = legs.at_depot.data
        self.stops = (prepass.chance | prepass.plugs_in).data
        self.need = prepass.need.data
        self.due = prepass.due.data
        self.plugs_in = prepass.plugs_in.data

    def _view_access(self, inputs: Inputs) -> None:
        access = inputs.access
        _, self.zones, self.ranks = access.station.shape
        self.near_station = access.station.ravel().data
        self.near_drive = access.drive.ravel().data
        self.near_metres = access.metres.ravel().data

    def log(self) -> Log:
        """Return the log of what has happened."""
        rows = np.array(self.rows, np.int64).reshape(len(self.rows), len(VISIT_COLUMNS))
        columns = {name: rows[:, i].copy() for i, name in enumerate(VISIT_COLUMNS)}
        return Log(**columns, departure=np.array(self.departure), level=np.array(self.level))

    def drive(self, v: int) -> Process:
        """Drive the legs of vehicle `v`, stopping where it seeks energy."""
        env, soft, stops = self.env, self.soft[v], self.stops
        depart, drive, dwell, energy = self.depart, self.drive_us, self.dwell, self.leg_energy
        level, free = self.start_level[v], 0
        for k in range(self.first_leg[v], self.first_leg[v + 1]):
            leave = depart[k]
            if free > leave:
                leave = free
            level -= energy[k]
            if level < 0:
                if not soft:
                    level += energy[k]
                    self._note_stranded(v, k, leave)
                    break
                level = 0
            self.departure[k] = leave
            arrive = leave + drive[k]
            free = arrive + dwell[k]
            if stops[k] and self._seeks(v, k, level):
                yield env.timeout(arrive - env.now)
                level, ready = yield from self._stop(v, k, level)
                free = max(free, ready)
        self.level[v] = level

    def _seeks(self, v: int, k: int, level: int) -> bool:
        """Return whether vehicle `v` seeks energy at the end of leg `k`."""
        if self.plugs_in[k]:
            return level < self.capacity[v]
        at_home = self.at_depot[k] and self.home[v] >= 0
        reserve = self.depot_reserve[v] if at_home else self.reserve[v]
        return policies.seek_energy(level, self.need[k], reserve, self.target[v], self.capacity[v])

    def _note_stranded(self, v: int, k: int, time: int) -> None:
        stop = max(k - 1, self.first_leg[v])
        self.rows.append((v, stop, -1, time, time, time, time, 0, Reason.STRANDED, 0))

    def _stop(self, v: int, k: int, level: int) -> Outcome:
        """Seek energy at the end of leg `k`; return the level and when the vehicle is back at the stop."""
        if self.at_depot[k] and self.home[v] >= 0:
            level, _ = yield from self._visit(v, k, level, self.home[v], (0, 0, 0))
            return level, int(self.env.now)
        back = 0
        tried: list[int] = []
        while len(tried) < self.tries:
            near = self._choose(v, k, level, tried)
            if near < 0:
                break
            station = self.near_station[near]
            tried.append(station)
            drive, metres = self.near_drive[near], self.near_metres[near]
            level, settled = yield from self._visit(v, k, level, station, (drive, metres, back))
            back = drive
            if settled:
                break
        return level, int(self.env.now) + back

    def _choose(self, v: int, k: int, level: int, tried: list[int]) -> int:
        """Return the row of `Access` of the best station not yet tried, or -1."""
        first = (self.kind[v] * self.zones + self.zone[k]) * self.ranks
        forced = not policies.can_go_on(level, self.need[k])
        best, least_cost, full = -1, 0, False
        for near in range(first, first + self.ranks):
            station = self.near_station[near]
            if station < 0:
                break
            if station in tried or not self._may_use(v, station, near, level):
                continue
            if not forced and self.stations[station].is_full():
                full = True
                continue
            cost = policies.visit_cost_us(self.near_drive[near], self.stations[station].expected_wait())
            if best < 0 or cost < least_cost:
                best, least_cost = near, cost
        if best < 0 and not tried:
            self._note_unvisited(v, k, Reason.ALL_FULL if full else Reason.OUT_OF_REACH)
        return best

    def _may_use(self, v: int, station: int, near: int, level: int) -> bool:
        group = self.stations[station].group
        way = self.near_metres[near] * self.use_per_km[v] // 1000
        return (group < 0 or group == self.group[v]) and 2 * way <= level

    def _note_unvisited(self, v: int, k: int, reason: Reason) -> None:
        now = int(self.env.now)
        self.rows.append((v, k, -1, now, now, now, now, 0, reason, 0))

    def _visit(self, v: int, k: int, level: int, row: int, way: tuple[int, int, int]) -> Outcome:
        """Go to a station, take energy, log it; return the level back at the stop and whether that was all.

        `way` is the drive [us], its length [m] and the way back to the stop from the last try [us].
        """
        env, station = self.env, self.stations[row]
        drive, metres, back = way
        seek = int(env.now)
        if drive + back:
            yield env.timeout(drive + back)
        arrive = int(env.now)
        used = metres * self.use_per_km[v] // 1000
        visit = self._new_visit(v, k, level - used, used, self.due[k] - drive)
        can_go_on = self.soft[v] or policies.can_go_on(level - 2 * used, self.need[k])
        if can_go_on and not self.plugs_in[k] and station.turns_away(arrive, visit.due):
            self.rows.append((v, k, row, seek, arrive, arrive, arrive, 0, Reason.QUEUE, 2 * metres))
            return level - 2 * used, False
        station.enter(visit, arrive)
        yield visit
        end, reason = int(env.now), visit.reason
        if reason not in NOTHING_GAINED:
            station.leave(end)
        self.rows.append((v, k, row, seek, arrive, visit.start, end, visit.energy, reason, 2 * metres))
        return level - 2 * used + visit.energy, reason != Reason.DRY

    def _new_visit(self, v: int, k: int, level: int, used: int, due: int) -> _Visit:
        capacity, max_power = self.capacity[v], self.max_power[v]
        if self.plugs_in[k]:
            least, goal, due = capacity, capacity, NEVER_US
        else:
            wanted = 0 if self.soft[v] else self.need[k]
            least = policies.least_level(wanted, self.reserve[v], used, capacity)
            goal = policies.goal_level(self.target[v], least)
        visit = _Visit(self.env, level, capacity, (least, goal, due))
        visit.max_power = max_power
        if max_power > 0:  # which only plugs ask for
            visit.line = taper_line(capacity, max_power, self.knee_pm[v] / 1000, self.end_pm[v] / 1000)
        return visit
