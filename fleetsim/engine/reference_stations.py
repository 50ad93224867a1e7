"""The stations of the SimPy reference: plugs with a queue, swap bays with packs, dispensers on a store.

Their semantics are those of `docs/engine.md`. A station never waits: a visit is an event that it appoints for
the end of a service, and moves if it must.
"""

import heapq
from collections.abc import Callable
from typing import Any

import simpy

from charging.cascade import MICROGRAMS, Banks, can_hold, filled_ug, left_ug, short_ug, wanted_ug
from charging.energy import charge_us, charged_wh, flow_us, supplied_ug, supply_us
from fleetsim.engine.policies import Policies
from fleetsim.engine.spec import ENDLESS, NEVER_US, Inputs, QueueRule, Reason

FAR_US = NEVER_US // 2
"""Times beyond are never [us]."""
LEFT_BEFORE = (Reason.DRY, Reason.TOO_LATE, Reason.FAULT, Reason.CALLED)
"""Reasons of visits that hold no plug when they are settled."""


class Visit(simpy.Event):
    """A vehicle at a station; the event happens when its service ends, or when it is turned away.

    Attributes
    ----------
    level, least, goal
        Energy it came with (at a managed plug: at the last change of its grant), may leave with, fills up to [Wh, g].
    arrive, due, ready
        Times [us]: of arrival, to leave for a promised departure, by which it should be charged.
    """

    def __init__(
        self, env: simpy.Environment, vehicle: int, levels: tuple[int, int, int], times: tuple[int, int, int]
    ) -> None:
        super().__init__(env)
        self.vehicle = vehicle
        self.level, self.least, self.goal = levels
        self.arrive, self.due, self.ready = times
        self.capacity = 0
        self.max_power = 0
        self.line = (0.0, 0.0)
        self.rank = 0
        self.pack_type = 0
        self.floor = 0
        self.start = 0
        self.energy = 0
        self.returned = 0
        self.reason = Reason.SERVED
        self.plug = -1
        self.flowing = False
        self.grant: int | None = None
        self.since = 0
        self.planned = 0
        self.done: simpy.Event = self
        self.pending: simpy.Event | None = None

    def end_at(self, time: int) -> None:
        """Let the visit end at `time` [us]; what was appointed before is off."""
        self.call_off()
        self.pending = self.done
        self._trigger(self.done, time)

    def call_at(self, time: int, action: Callable[[], None]) -> None:
        """Call `action` at `time` [us]; what was appointed before is off."""
        self.call_off()
        self.pending = simpy.Event(self.env)
        self.pending.callbacks.append(lambda _: action())
        self._trigger(self.pending, time)

    def call_off(self) -> None:
        """Forget what was appointed; who waits for the end goes on waiting."""
        pending, self.pending = self.pending, None
        if pending is None:
            return
        if pending is self.done:
            self.done = simpy.Event(self.env)
            self.done.callbacks = pending.callbacks
        pending.callbacks = []

    def _trigger(self, event: simpy.Event, time: int) -> None:
        event._ok = True
        event._value = None
        self.env.schedule(event, delay=time - int(self.env.now))

    def settle(self, start: int, end: int, energy: int, reason: Reason) -> None:
        """Fix the outcome and let the visit end at `end` [us]."""
        self.start, self.energy, self.reason = start, energy, reason
        self.end_at(end)

    def turn_away(self, now: int, reason: Reason) -> None:
        """Let it leave with nothing, not before it has come."""
        at = max(now, self.arrive)
        self.settle(at, at, 0, reason)


class Station:
    """Plugs with one queue. All is known when a service begins."""

    def __init__(self, inputs: Inputs, row: int, policies: Policies) -> None:
        stations = inputs.stations
        self.row = row
        self.policies = policies
        self.plugs = int(stations.plugs[row])
        self.rate = int(stations.rate[row])
        self.handling = int(stations.handling[row])
        self.typical = int(stations.typical[row])
        self.queue_limit = int(stations.queue_limit[row])
        self.queue_rule = int(stations.queue_rule[row])
        self.group = int(stations.group[row])
        self.dry_limit = int(stations.dry_limit[row])
        self.bookable = bool(stations.bookable[row])
        self.busy = 0
        self.queue: list[Visit] = []

    def expected_wait(self) -> int:
        return self.policies.expected_wait_us(self.busy, len(self.queue), self.plugs, self.typical)

    def is_full(self) -> bool:
        return self.busy >= self.plugs and len(self.queue) >= self.queue_limit

    def turns_away(self, now: int, due: int) -> bool:
        """Return whether a driver who can go on does not join."""
        if self.busy < self.plugs:
            return False
        return self.policies.balks(len(self.queue), self.queue_limit, now + self.expected_wait(), due)

    def enter(self, visit: Visit, now: int) -> None:
        self.queue.append(visit)
        self.advance(now)

    def leave(self, visit: Visit, now: int) -> None:
        """Free the plug of a visit that has ended."""
        self.busy -= 1
        self.advance(now)

    def advance(self, now: int) -> None:
        """Give free plugs to the queue."""
        while self.queue and self.busy < self.plugs:
            visit = self.queue.pop(self._next(now))
            start = max(now, visit.arrive)
            if self.policies.gives_up(start + self.handling, visit.due, visit.level, visit.least):
                visit.turn_away(now, Reason.TOO_LATE)
            elif self.serve(visit, start, now):
                self.busy += 1

    def _next(self, now: int) -> int:
        if self.queue_rule == QueueRule.FIFO:
            return 0
        keys = [self._key(visit, now) for visit in self.queue]
        return keys.index(min(keys))

    def _key(self, visit: Visit, now: int) -> int:
        spare = self.policies.spare_us(now, visit.ready, self._time_to_goal(visit))
        return self.policies.queue_key(self.queue_rule, visit.rank, spare)

    def _time_to_goal(self, visit: Visit) -> int:
        return charge_us(visit.level, visit.goal, min(self.rate, visit.max_power), *visit.line)

    def serve(self, visit: Visit, start: int, now: int) -> bool:
        """Settle the visit whose turn has come; False if it is turned away."""
        level, power, line = visit.level, min(self.rate, visit.max_power), visit.line
        flow_from = start + self.handling
        until_goal = charge_us(level, visit.goal, power, *line)
        until_least = charge_us(level, visit.least, power, *line)
        stay = self.policies.stay_us(until_goal, until_least, visit.due - flow_from)
        if stay == until_goal:
            visit.settle(start, flow_from + stay, visit.goal - level, Reason.SERVED)
        else:
            reached = visit.least if stay == until_least else charged_wh(level, stay, power, *line)
            visit.settle(start, flow_from + stay, min(reached, visit.goal) - level, Reason.LEFT_EARLY)
        visit.plug = 0
        return True

    def level_now(self, visit: Visit, now: int) -> int:
        """Return the energy a vehicle at this station holds [Wh]."""
        elapsed = now - visit.start - self.handling
        if visit.plug < 0 or elapsed <= 0:
            return visit.level
        return min(charged_wh(visit.level, elapsed, min(self.rate, visit.max_power), *visit.line), visit.goal)

    def cut(self, visit: Visit, now: int, reason: Reason) -> None:
        """Let a vehicle leave now, from its plug or from the queue."""
        if visit.plug < 0:
            self.queue.remove(visit)
            visit.turn_away(now, reason)
        else:
            visit.energy = self.level_now(visit, now) - visit.level
            self.leave(visit, now)
            visit.settle(visit.start, max(now, visit.arrive), visit.energy, reason)

    def break_plug(self, plug: int, now: int) -> None:
        """Take a plug out of service; a service under way is finished."""
        self.plugs -= 1
        self.clear_queue(now)

    def repair_plug(self, plug: int, now: int) -> None:
        """Put a plug into service again."""
        self.plugs += 1
        self.advance(now)

    def clear_queue(self, now: int) -> None:
        """Turn all away who wait, if nothing works any more."""
        if self.plugs == 0:
            waiting, self.queue = self.queue, []
            for visit in waiting:
                visit.turn_away(now, Reason.FAULT)


class SwapStation(Station):
    """Bays and a stock of packs; a pack taken from a vehicle is full again after its charge."""

    def __init__(self, inputs: Inputs, row: int, policies: Policies) -> None:
        super().__init__(inputs, row, policies)
        packs = inputs.stations.packs[row].tolist()
        self.full_at = [[0] * number for number in packs]
        self.charger_free = [0] * min(int(inputs.stations.chargers[row]), sum(packs))

    def _time_to_goal(self, visit: Visit) -> int:
        return 0

    def serve(self, visit: Visit, start: int, now: int) -> bool:
        full_at = self.full_at[visit.pack_type]
        swap = max(start, full_at[0]) if full_at else NEVER_US
        if swap - start > self.dry_limit:
            visit.turn_away(now, Reason.DRY)
            return False
        missing = visit.capacity - visit.level
        full = max(swap, self.charger_free[0]) + flow_us(missing, self.rate)
        heapq.heapreplace(self.charger_free, full)
        heapq.heapreplace(full_at, full)
        visit.settle(swap, swap + self.handling, missing, Reason.SERVED)
        return True


class HydrogenStation(Station):
    """Dispensers on a store of banks that a compressor refills."""

    def __init__(self, inputs: Inputs, row: int, policies: Policies) -> None:
        super().__init__(inputs, row, policies)
        stations, deliveries = inputs.stations, inputs.deliveries
        self.room: Banks = (
            int(stations.storage[row]) * MICROGRAMS,
            int(stations.middle_storage[row]) * MICROGRAMS,
            int(stations.high_storage[row]) * MICROGRAMS,
        )
        self.marks = int(stations.middle_from_pm[row]), int(stations.high_from_pm[row])
        self.supply = int(stations.supply[row])
        own = deliveries.station == row
        times, amounts = deliveries.time[own].tolist(), deliveries.amount[own].tolist()
        trailer = int(stations.trailer[row])
        endless = trailer == ENDLESS
        self.store: Any = EndlessStore(self) if endless else TrailerStore(self, trailer, times, amounts)

    def _time_to_goal(self, visit: Visit) -> int:
        return 0

    def serve(self, visit: Visit, start: int, now: int) -> bool:
        missing = visit.goal - visit.level
        wanted = wanted_ug(visit.level, visit.goal, visit.capacity, *self.marks)
        begin = self.store.time_of(wanted, start)
        if begin - start > self.dry_limit:
            visit.turn_away(now, Reason.DRY)
            return False
        self.store.take(wanted, start, begin)
        visit.settle(begin, begin + self.handling + flow_us(missing, self.rate), missing, Reason.SERVED)
        return True


class EndlessStore:
    """What a hydrogen station holds, refilled all the time [ug]."""

    def __init__(self, station: HydrogenStation) -> None:
        self.room, self.supply = station.room, station.supply
        self.held, self.at = station.room, 0

    def time_of(self, wanted: Banks, start: int) -> int:
        """Return the time from `start` on at which it holds what is wanted [us]; NEVER_US for never."""
        ready = max(start, self.at)
        short = short_ug(self._at(ready), wanted)
        if short == 0:
            return ready
        if self.supply == 0 or not can_hold(self.room, wanted):
            return ready + NEVER_US
        return ready + supply_us(short, self.supply)

    def _at(self, time: int) -> Banks:
        return filled_ug(self.held, supplied_ug(time - self.at, self.supply), self.room)

    def take(self, wanted: Banks, start: int, begin: int) -> None:
        """Take out what is wanted at `begin`, which `time_of` gave for `start` [us]."""
        ready = max(start, self.at)
        held = filled_ug(self._at(ready), supplied_ug(begin - ready, self.supply), self.room)
        self.held, self.at = left_ug(held, wanted), begin


State = tuple[int, Banks, int, int]
"""Time [us], what the banks and the trailer hold [ug], deliveries that have come."""


class TrailerStore:
    """What a hydrogen station holds, refilled from trailers that are delivered [ug]."""

    def __init__(self, station: HydrogenStation, trailer_g: int, times: list[int], amounts_g: list[int]) -> None:
        self.room, self.supply = station.room, station.supply
        self.times = times
        self.amounts = [amount * MICROGRAMS for amount in amounts_g]
        come = sum(time <= 0 for time in times)
        self.state: State = (0, station.room, trailer_g * MICROGRAMS + sum(self.amounts[:come]), come)

    def _forward(self, state: State, time: int) -> State:
        at, held, trailer, come = state
        while at < time:
            until = min(time, self.times[come]) if come < len(self.times) else time
            moved = min(supplied_ug(until - at, self.supply), trailer, self.room[0] - held[0])
            at, held, trailer = until, filled_ug(held, moved, self.room), trailer - moved
            while come < len(self.times) and self.times[come] <= at:
                trailer += self.amounts[come]
                come += 1
        return at, held, trailer, come

    def time_of(self, wanted: Banks, start: int) -> int:
        """Return the time from `start` on at which it holds what is wanted [us]; NEVER_US or more for never."""
        state = self._forward(self.state, max(start, self.state[0]))
        if not can_hold(self.room, wanted):
            return NEVER_US + state[0]
        while True:
            at, held, trailer, come = state
            short = short_ug(held, wanted)
            if short == 0:
                return at
            following = self.times[come] if come < len(self.times) else NEVER_US
            if trailer >= short and self.supply > 0:
                enough = at + supply_us(short, self.supply)
                if enough <= following:
                    return enough
            if following == NEVER_US:
                return NEVER_US + at
            state = self._forward(state, following)

    def take(self, wanted: Banks, start: int, begin: int) -> None:
        """Take out what is wanted at `begin`, which `time_of` gave for `start` [us]."""
        state = self._forward(self.state, max(start, self.state[0]))
        at, held, trailer, come = self._forward(state, begin)
        self.state = (at, left_ug(held, wanted), trailer, come)
