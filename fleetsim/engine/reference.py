"""The day simulation in SimPy: the readable truth of the engine's semantics (`docs/engine.md`).

One event a decision: a vehicle walks its legs in plain Python to the next stop at which it seeks energy and
sleeps until then in one timeout. Stations keep their own queues (`reference_stations.py`,
`reference_managed.py`), pools their waiting vehicles (`reference_pools.py`).
"""

import gc
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import simpy

from charging.energy import taper_line
from fleetsim.engine.policies import Policies
from fleetsim.engine.prepass import Prepass, prepare
from fleetsim.engine.reference_managed import Flow, ManagedStation
from fleetsim.engine.reference_pools import Dispatcher, Waiting
from fleetsim.engine.reference_stations import LEFT_BEFORE, HydrogenStation, Station, SwapStation, Visit
from fleetsim.engine.spec import (
    FLOW_COLUMNS,
    NEVER_US,
    VISIT_COLUMNS,
    Flows,
    Inputs,
    IntArray,
    Kind,
    Log,
    Reason,
    is_managed,
)

Process = Generator[simpy.Event, None, None]
Outcome = Generator[simpy.Event, None, tuple[int, int]]
Row = tuple[int, int, int, int, int, int, int, int, int, int, int]
STATION_TYPES: dict[int, type[Station]] = {Kind.SWAP: SwapStation, Kind.HYDROGEN: HydrogenStation}
GO_ON = (Reason.SERVED, Reason.LEFT_EARLY, Reason.TOO_LATE, Reason.CALLED)
"""Reasons after which no other station is tried."""


def simulate(inputs: Inputs, policies: Policies | None = None) -> Log:
    """Return the log of a day; the same inputs give the same log, row for row.

    Parameters
    ----------
    inputs
        The day.
    policies
        What drivers decide; the shipped ones if not given.
    """
    chosen = policies or Policies()
    prepass = prepare(inputs, chosen)
    day = _Day(inputs, prepass, chosen)
    for vehicle in np.flatnonzero(prepass.eventful).tolist():
        day.env.process(day.serve_pool(vehicle) if day.pool[vehicle] >= 0 else day.drive(vehicle))
    day.env.process(day.follow_agenda(inputs))
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


class _Stop(NamedTuple):
    """Where a vehicle seeks energy, and what for."""

    vehicle: int
    leg: int
    zone: int
    need: int
    due: int
    ready: int
    """When it leaves next, promised or not [us]."""
    at_home: bool
    fills: bool
    """Plugs in for the night: to the full, and it joins any queue."""
    last: bool
    """Nothing follows: it does not leave before it is full."""


class _Day:
    """The state of one simulated day."""

    def __init__(self, inputs: Inputs, prepass: Prepass, policies: Policies) -> None:
        self.env = simpy.Environment()
        self.policies = policies
        self.rows: list[Row] = []
        self.flows: list[Flow] = []
        departure, level = prepass.departure.copy(), prepass.level.copy()
        departure[: inputs.vehicles.first_leg[-1]][np.repeat(prepass.eventful, np.diff(inputs.vehicles.first_leg))] = -1
        self.departure, self.level = departure.data, level.data
        managed = is_managed(inputs).tolist()
        self.stations = [self._new_station(inputs, row, managed[row]) for row in range(len(managed))]
        self.tries = inputs.tries
        self._view_vehicles(inputs)
        self._view_legs(inputs, prepass)
        self._view_access(inputs)
        self.dispatcher = Dispatcher(inputs, policies)

    def _new_station(self, inputs: Inputs, row: int, managed: bool) -> Station:
        if managed:
            return ManagedStation(inputs, row, self.policies, self.flows)
        return STATION_TYPES.get(int(inputs.stations.kind[row]), Station)(inputs, row, self.policies)

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
        self.rank = vehicles.rank.data
        self.pack_type = vehicles.pack_type.data
        self.ready_by = vehicles.ready_by.data
        self.give_floor = vehicles.give_floor.data
        self.pool = vehicles.pool.data
        self.start_zone = vehicles.zone.data
        self.on_from = vehicles.on_from.data
        self.on_until = vehicles.on_until.data

    def _view_legs(self, inputs: Inputs, prepass: Prepass) -> None:
        legs = inputs.legs
        self.depart = legs.depart.data
        self.drive_us = legs.drive.data
        self.dwell = legs.dwell.data
        self.zone = legs.zone.data
        self.at_depot = legs.at_depot.data
        self.may_charge = legs.may_charge.data
        self.overnight = legs.overnight.data
        # What the legs of a task ask of the vehicle that takes it is written here when it does.
        self.leg_energy = (legs.energy.copy() if len(inputs.tasks) else legs.energy).data
        self.stops = (prepass.chance | prepass.plugs_in).data
        self.need = prepass.need.data
        self.due = prepass.due.data
        self.plugs_in = prepass.plugs_in.data
        self.tasks = list(zip(inputs.tasks.first_leg.tolist(), inputs.tasks.end_leg.tolist(), strict=True))

    def _view_access(self, inputs: Inputs) -> None:
        access = inputs.access
        _, self.zones, self.ranks = access.station.shape
        self.near_station = access.station.ravel().data
        self.near_drive = access.drive.ravel().data
        self.near_metres = access.metres.ravel().data

    def log(self) -> Log:
        """Return the log of what has happened."""
        return Log(
            **_columns(self.rows, VISIT_COLUMNS),
            departure=np.array(self.departure),
            level=np.array(self.level),
            taker=np.array(self.dispatcher.taker, np.int64),
            approach=np.array(self.dispatcher.approach, np.int64),
            flows=Flows(**_columns(self.flows, FLOW_COLUMNS)),
        )

    def follow_agenda(self, inputs: Inputs) -> Process:
        """Do what the tables fix in advance, before all else at the same time."""
        signals, faults, tasks = inputs.signals, inputs.faults, inputs.tasks
        steps = range(1, signals.price.shape[1] + 1)
        items = [
            *((time, 0, row) for row, time in enumerate(faults.repaired.tolist()) if time < NEVER_US),
            *((time, 1, row) for row, time in enumerate(faults.breaks.tolist())),
            *((step * signals.step, 2, step) for step in steps),
            *((time, 3, row) for row, time in enumerate(tasks.time.tolist())),
            *((time, 4, row) for row, time in enumerate(inputs.pools.looks.tolist())),
        ]
        told = [s for s in self.stations if isinstance(s, ManagedStation) and s.signal >= 0]
        for time, kind, row in sorted(items):
            if time > self.env.now:
                yield self._before_all_else(time - int(self.env.now))
            if kind == 2:
                for managed in told:
                    managed.share(time)
            elif kind == 3:
                self.dispatcher.call(row, time)
            elif kind == 4:
                self.dispatcher.call_again(time)
            else:
                station, plug = self.stations[int(faults.station[row])], int(faults.plug[row])
                (station.break_plug if kind else station.repair_plug)(plug, time)

    def _before_all_else(self, delay: int) -> simpy.Event:
        event = simpy.Event(self.env)
        event._ok = True
        event._value = None
        self.env.schedule(event, priority=simpy.events.URGENT, delay=delay)
        return event

    def drive(self, v: int) -> Process:
        """Drive the own legs of vehicle `v`."""
        level, _, _ = yield from self._drive(v, (self.first_leg[v], self.first_leg[v + 1]), self.start_level[v], 0)
        self.level[v] = level

    def _drive(
        self, v: int, legs: tuple[int, int], level: int, free: int
    ) -> Generator[simpy.Event, None, tuple[int, int, bool]]:
        """Drive the legs, stopping where it seeks energy; return the level, when it is free, if it was not stranded."""
        env, soft, stops = self.env, self.soft[v], self.stops
        depart, drive, dwell, energy = self.depart, self.drive_us, self.dwell, self.leg_energy
        for k in range(*legs):
            leave = depart[k]
            if free > leave:
                leave = free
            level -= energy[k]
            if level < 0:
                if not soft:
                    level += energy[k]
                    self._note_failure(v, max(k - 1, legs[0]), leave, Reason.STRANDED)
                    return level, free, False
                level = 0
            self.departure[k] = leave
            arrive = leave + drive[k]
            free = arrive + dwell[k]
            if stops[k] and self._seeks(v, k, level):
                yield env.timeout(arrive - env.now)
                level, ready = yield from self._stop(self._stop_at(v, k, legs[1]), level)
                free = max(free, ready)
        return level, free, True

    def _stop_at(self, v: int, k: int, end: int) -> _Stop:
        at_home = bool(self.at_depot[k]) and self.home[v] >= 0
        ready = self.depart[k + 1] if k + 1 < end else self.ready_by[v]
        return _Stop(
            v, k, self.zone[k], self.need[k], self.due[k], ready, at_home, bool(self.plugs_in[k]), k + 1 == end
        )

    def _seeks(self, v: int, k: int, level: int) -> bool:
        """Return whether vehicle `v` seeks energy at the end of leg `k`."""
        if self.plugs_in[k]:
            return level < self.capacity[v]
        at_home = self.at_depot[k] and self.home[v] >= 0
        reserve = self.depot_reserve[v] if at_home else self.reserve[v]
        return self.policies.seek_energy(level, self.need[k], reserve, self.target[v], self.capacity[v])

    def serve_pool(self, v: int) -> Process:
        """Take tasks of its pool with vehicle `v` while it is on."""
        env, zone, leg, level, sought = self.env, self.start_zone[v], -1, self.start_level[v], False
        at_home, on = self.home[v] >= 0, True
        yield env.timeout(self.on_from[v])
        while on and env.now < self.on_until[v]:
            task = self.dispatcher.first_pending(v, zone, level, int(env.now))
            stop = self._stop_between(v, leg, zone, at_home)
            if task is None and not stop.fills and not sought and self._goes_for_energy(v, level):
                level, ready = yield from self._stop(stop, level)
                yield env.timeout(ready - env.now)
                sought = True
                continue
            if task is None:
                level, task = yield from self._wait(stop, level)
            level, on = yield from self._do_task(v, task, zone, level)
            leg = self.tasks[task][1] - 1
            zone, at_home, sought = self.zone[leg], self.at_depot[leg] and self.home[v] >= 0, False
        stop = self._stop_between(v, leg, zone, at_home)
        if on and (level < self.capacity[v] if stop.fills else self._goes_for_energy(v, level)):
            level, _ = yield from self._stop(stop, level)
        self.level[v] = level

    def _stop_between(self, v: int, leg: int, zone: int, at_home: bool) -> _Stop:
        """Return the stop of a vehicle that has become free: nothing is due."""
        fills = at_home and self.kind[v] == Kind.ELECTRIC
        return _Stop(v, leg, zone, 0, NEVER_US, self.ready_by[v], at_home, fills, True)

    def _goes_for_energy(self, v: int, level: int) -> bool:
        able = self.kind[v] > 0 and not self.soft[v]
        return able and self.policies.seek_energy(level, 0, self.reserve[v], self.target[v], self.capacity[v])

    def _wait(self, stop: _Stop, level: int) -> Outcome:
        """Wait for a task, on the home plug if there is one and it is not full; return the level and the task."""
        waiting = Waiting(stop.vehicle, level, self.env.event())
        self.dispatcher.join(waiting, stop.zone)
        if stop.fills and level < self.capacity[stop.vehicle]:
            level, _ = yield from self._stop(stop, level, waiting)
            waiting.level, waiting.visit = level, None
        self.level[stop.vehicle] = level
        if waiting.task < 0:
            yield waiting.call
        return level, waiting.task

    def _do_task(self, v: int, task: int, zone: int, level: int) -> Generator[simpy.Event, None, tuple[int, bool]]:
        """Drive to a task and do it; return the level when it is free, and whether it was not stranded."""
        first, end = self.tasks[task]
        drive, metres = self.dispatcher.way(task, zone) or (0, 0)
        self.dispatcher.approach[task] = metres
        self._take_on(v, first, end)
        level = max(level - metres * self.use_per_km[v] // 1000, 0)
        level, free, done = yield from self._drive(v, (first, end), level, int(self.env.now) + drive)
        if done:
            yield self.env.timeout(free - self.env.now)
        return level, done

    def _take_on(self, v: int, first: int, end: int) -> None:
        """Write what the legs of a task ask of vehicle `v`."""
        energy = self.dispatcher.energy(v, first, end)
        need = 0
        for k in reversed(range(first, end)):
            last, at_home = k + 1 == end, self.at_depot[k] and self.home[v] >= 0
            able = self.kind[v] > 0 and (not self.soft[v] or at_home)
            chance = self.may_charge[k] and able and not last
            self.plugs_in[k] = self.overnight[k] and at_home and not last
            if self.plugs_in[k]:
                self.due[k] = self.depart[k + 1]
            self.stops[k] = chance or self.plugs_in[k]
            self.leg_energy[k] = energy[k - first]
            self.need[k] = need
            need = energy[k - first] if chance else need + energy[k - first]

    def _note_failure(self, v: int, k: int, time: int, reason: Reason) -> None:
        self.rows.append((v, k, -1, time, time, time, time, 0, reason, 0, 0))

    def _stop(self, stop: _Stop, level: int, waiting: Waiting | None = None) -> Outcome:
        """Seek energy; return the level and when the vehicle is back at the stop."""
        back = 0
        if stop.at_home:
            home, reason = self.home[stop.vehicle], Reason.FAULT
            while reason == Reason.FAULT and level < self.capacity[stop.vehicle]:
                level, reason = yield from self._visit(stop, level, home, (0, 0, 0), waiting)
                if not self.stations[home].plugs or (waiting and waiting.task >= 0):
                    break
            return level, int(self.env.now)
        tried: list[int] = []
        while len(tried) < self.tries:
            near = self._choose(stop, level, tried)
            if near < 0:
                break
            station = self.near_station[near]
            tried.append(station)
            drive, metres = self.near_drive[near], self.near_metres[near]
            level, reason = yield from self._visit(stop, level, station, (drive, metres, back))
            back = drive
            if reason in GO_ON:
                break
        return level, int(self.env.now) + back

    def _choose(self, stop: _Stop, level: int, tried: list[int]) -> int:
        """Return the row of `Access` of the best station not yet tried, or -1."""
        v = stop.vehicle
        first = (self.kind[v] * self.zones + stop.zone) * self.ranks
        forced = not self.policies.can_go_on(level, stop.need)
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
            cost = self.policies.visit_cost_us(self.near_drive[near], self.stations[station].expected_wait())
            if best < 0 or cost < least_cost:
                best, least_cost = near, cost
        if best < 0 and not tried:
            reason = Reason.ALL_FULL if full else Reason.OUT_OF_REACH
            self._note_failure(v, stop.leg, int(self.env.now), reason)
        return best

    def _may_use(self, v: int, row: int, near: int, level: int) -> bool:
        station = self.stations[row]
        way = self.near_metres[near] * self.use_per_km[v] // 1000
        return station.plugs > 0 and (station.group < 0 or station.group == self.group[v]) and 2 * way <= level

    def _visit(
        self, stop: _Stop, level: int, row: int, way: tuple[int, int, int], waiting: Waiting | None = None
    ) -> Generator[simpy.Event, None, tuple[int, Reason]]:
        """Go to a station, take energy, log it; return the level back at the stop and how it ended.

        `way` is the drive [us], its length [m] and the way back to the stop from the last try [us].
        """
        env, station, v = self.env, self.stations[row], stop.vehicle
        drive, metres, back = way
        seek = int(env.now)
        arrive = seek + drive + back
        books = station.bookable and not stop.at_home
        if arrive > seek and not books:
            yield env.timeout(arrive - seek)
        used = metres * self.use_per_km[v] // 1000
        visit = self._new_visit(stop, level - used, used, drive, arrive)
        refusal = Reason.SERVED if books else self._refusal(stop, station, visit, level - 2 * used)
        if refusal != Reason.SERVED:
            self.rows.append((v, stop.leg, row, seek, arrive, arrive, arrive, 0, refusal, 2 * metres, 0))
            return level - 2 * used, refusal
        if waiting:
            waiting.visit, waiting.station = visit, station
        station.enter(visit, seek if books else arrive)
        yield visit.done
        end = int(env.now)
        if visit.reason not in LEFT_BEFORE:
            station.leave(visit, end)
        times = (seek, arrive, visit.start, end)
        self.rows.append((v, stop.leg, row, *times, visit.energy, visit.reason, 2 * metres, visit.returned))
        level += visit.energy - visit.returned - 2 * used
        # With enough to leave early, a fault is no reason to look for another plug.
        content = visit.reason == Reason.FAULT and not stop.at_home and level + used >= visit.least
        return level, Reason.LEFT_EARLY if content else visit.reason

    def _refusal(self, stop: _Stop, station: Station, visit: Visit, level: int) -> Reason:
        """Return why a vehicle that has come does not join the queue, SERVED if it does."""
        if not station.plugs:
            return Reason.FAULT
        can_go_on = self.soft[stop.vehicle] or self.policies.can_go_on(level, stop.need)
        if can_go_on and not stop.fills and station.turns_away(visit.arrive, visit.due):
            return Reason.QUEUE
        return Reason.SERVED

    def _new_visit(self, stop: _Stop, level: int, used: int, drive: int, arrive: int) -> Visit:
        v, capacity, max_power = stop.vehicle, self.capacity[stop.vehicle], self.max_power[stop.vehicle]
        wanted = 0 if self.soft[v] else stop.need
        least = self.policies.least_level(wanted, self.reserve[v], used, capacity)
        goal = self.policies.goal_level(self.target[v], least)
        if stop.fills:
            least, goal = capacity if stop.last else least, capacity
        visit = Visit(self.env, v, (level, least, goal), (arrive, stop.due - drive, stop.ready - drive))
        visit.capacity, visit.max_power = capacity, max_power
        visit.rank, visit.pack_type, visit.floor = self.rank[v], self.pack_type[v], self.give_floor[v]
        if max_power > 0:  # which only plugs ask for
            visit.line = taper_line(capacity, max_power, self.knee_pm[v] / 1000, self.end_pm[v] / 1000)
        return visit


def _columns(rows: list[Row] | list[Flow], names: tuple[str, ...]) -> dict[str, IntArray]:
    table = np.array(rows, np.int64).reshape(len(rows), len(names))
    return {name: table[:, i].copy() for i, name in enumerate(names)}
