"""Pools of the SimPy reference: tasks look for waiting vehicles, vehicles for waiting tasks (`docs/engine.md`)."""

from dataclasses import dataclass
from typing import Any

import simpy

from fleetsim.engine.policies import Policies
from fleetsim.engine.reference_stations import Station, Visit
from fleetsim.engine.spec import Inputs, Kind, Reason

Way = tuple[int, int]


@dataclass(slots=True)
class Waiting:
    """A vehicle that waits for a task, perhaps on the plug of its depot."""

    vehicle: int
    level: int
    call: simpy.Event
    task: int = -1
    visit: Visit | None = None
    station: Station | None = None

    def level_now(self, now: int) -> int:
        """Return its level now [Wh, g]."""
        if self.visit is None or self.station is None:
            return self.level
        return self.station.level_now(self.visit, now)

    def take(self, task: int, now: int) -> None:
        """Call it to a task: from its plug, unless its visit is over already, or from where it stands."""
        self.task = task
        if self.visit is None or self.station is None:
            self.call.succeed()
        elif self.visit.reason != Reason.FAULT:
            self.station.cut(self.visit, now, Reason.CALLED)


class Dispatcher:
    """Who waits for whom."""

    def __init__(self, inputs: Inputs, policies: Policies) -> None:
        self.policies = policies
        self.vehicles = inputs.vehicles
        self.legs = inputs.legs
        self.tasks = inputs.tasks
        self.pools = inputs.pools
        self.taker = [-1] * len(inputs.tasks)
        self.approach = [0] * len(inputs.tasks)
        self.waiting: dict[tuple[int, int], list[Waiting]] = {}
        self.pending: dict[int, list[int]] = {}

    def join(self, waiting: Waiting, zone: int) -> None:
        """Let a vehicle wait in a zone."""
        pool = int(self.vehicles.pool[waiting.vehicle])
        self.waiting.setdefault(self._place(pool, zone), []).append(waiting)

    def _place(self, pool: int, zone: int) -> tuple[int, int]:
        return pool, zone if self.pools.roams[pool] else -1

    def call(self, task: int, now: int) -> None:
        """Give a task to the first vehicle that can take it, or let it wait."""
        if not self._is_given(task, now):
            self.pending.setdefault(int(self.tasks.pool[task]), []).append(task)

    def call_again(self, now: int) -> None:
        """Call the tasks that wait, pool by pool, in the order in which they wait; those that are too late are lost."""
        for pool in sorted(self.pending):
            waiting = [task for task in self.pending[pool] if self.tasks.latest[task] >= now]
            self.pending[pool] = [task for task in waiting if not self._is_given(task, now)]

    def _is_given(self, task: int, now: int) -> bool:
        """Give a task to the first vehicle that can take it; False if nobody can."""
        pool = int(self.tasks.pool[task])
        for zone, way in self._near(task):
            queue = self.waiting.get(self._place(pool, zone), [])
            for place, waiting in enumerate(queue):
                v = waiting.vehicle
                if now < self.vehicles.on_until[v] and self._can_take(v, task, waiting.level_now(now), way, now):
                    del queue[place]
                    self.taker[task] = v
                    waiting.take(task, now)
                    return True
        return False

    def first_pending(self, v: int, zone: int, level: int, now: int) -> int | None:
        """Return the first waiting task that vehicle `v` can take, which is then its own."""
        pool = int(self.vehicles.pool[v])
        pending = [task for task in self.pending.get(pool, []) if self.tasks.latest[task] >= now]
        self.pending[pool] = pending
        for task in pending:
            way = self.way(task, zone)
            if way is not None and self._can_take(v, task, level, way, now):
                pending.remove(task)
                self.taker[task] = v
                return task
        return None

    def way(self, task: int, zone: int) -> Way | None:
        """Return drive [us] and length [m] from a zone to a task, None where it is not called from there."""
        return dict(self._near(task)).get(zone if self.pools.roams[self.tasks.pool[task]] else -1)

    def _near(self, task: int) -> list[tuple[int, Way]]:
        """Return the zones from which a vehicle is called and the ways from there, nearest first."""
        if not self.pools.roams[self.tasks.pool[task]]:
            return [(-1, (0, 0))]
        columns: list[Any] = [
            table[self.tasks.zone[task]].tolist() for table in (self.pools.zone, self.pools.drive, self.pools.metres)
        ]
        return [(zone, (drive, metres)) for zone, drive, metres in zip(*columns, strict=True) if zone >= 0]

    def _can_take(self, v: int, task: int, level: int, way: Way, now: int) -> bool:
        drive, metres = way
        if now + drive > int(self.tasks.latest[task]):
            return False
        if self.vehicles.kind[v] == Kind.NONE or self.vehicles.soft[v]:
            return True
        used = metres * int(self.vehicles.use_per_km[v]) // 1000
        need = self._need(v, int(self.tasks.first_leg[task]), int(self.tasks.end_leg[task]))
        return self.policies.can_take(level - used, need, int(self.vehicles.reserve[v]))

    def _need(self, v: int, first: int, end: int) -> int:
        """Return the energy up to and including the first leg with a chance, or of all."""
        need = 0
        for k, energy in zip(range(first, end), self.energy(v, first, end), strict=True):
            need += energy
            if self.legs.may_charge[k]:
                break
        return need

    def energy(self, v: int, first: int, end: int) -> list[int]:
        """Return the energy of the legs in vehicle `v` [Wh, g]."""
        ppm = int(self.vehicles.use_ppm[v])
        return [energy * ppm // 1_000_000 for energy in self.legs.energy[first:end].tolist()]
