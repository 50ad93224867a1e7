"""The managed plugs of the SimPy reference: power shared, charging by schedule, faults (`docs/engine.md`)."""

from functools import partial

from charging.energy import HOUR_US, accepted_w, charge_us, charged_wh, flow_us
from fleetsim.engine.policies import Policies
from fleetsim.engine.reference_stations import FAR_US, Station, Visit
from fleetsim.engine.sharing import cheaper_time_us, share_fairly
from fleetsim.engine.spec import NO_LIMIT_W, Inputs, Reason, ShareRule, Strategy

DAY_US = 24 * HOUR_US
Flow = tuple[int, int, int, int, int, int]


class ManagedStation(Station):
    """Numbered plugs whose power is granted, and granted anew whenever something changes."""

    def __init__(self, inputs: Inputs, row: int, policies: Policies, flows: list[Flow]) -> None:
        super().__init__(inputs, row, policies)
        stations, signals = inputs.stations, inputs.signals
        self.flows = flows
        self.site_limit = int(stations.site_limit[row])
        self.cabinet_plugs = int(stations.cabinet_plugs[row]) or self.plugs
        self.cabinet_power = int(stations.cabinet_power[row]) if stations.cabinet_plugs[row] else NO_LIMIT_W
        self.share_rule = int(stations.share_rule[row])
        self.strategy = int(stations.strategy[row])
        self.give_price = int(stations.give_price[row])
        self.signal = int(stations.signal[row])
        self.step = signals.step
        self.horizon = signals.horizon
        self.prices: list[int] = signals.price[self.signal].tolist() if self.signal >= 0 else []
        self.limits_pm: list[int] = signals.limit_pm[self.signal].tolist() if self.signal >= 0 else []
        self.holders: list[Visit | None] = [None] * self.plugs
        self.broken = [False] * self.plugs

    def enter(self, visit: Visit, now: int) -> None:
        super().enter(visit, now)
        self.share(now)

    def leave(self, visit: Visit, now: int) -> None:
        """Free the plug of a visit that has ended."""
        if visit.reason not in (Reason.FAULT, Reason.CALLED):
            self._end_stretch(visit, now, visit.planned)
            visit.reason = Reason.SERVED if visit.level >= visit.goal else Reason.LEFT_EARLY
        self.holders[visit.plug] = None
        super().leave(visit, now)
        self.share(now)

    def serve(self, visit: Visit, start: int, now: int) -> bool:
        visit.plug = self._choose_plug()
        self.holders[visit.plug] = visit
        visit.start = start
        if start + self.handling > now:
            visit.call_at(start + self.handling, partial(self._begin_flow, visit))
        else:
            visit.flowing = True
        return True

    def _choose_plug(self) -> int:
        """Return the lowest free plug of the cabinet with the fewest holders."""
        best, fewest = -1, 0
        for first in range(0, len(self.holders), self.cabinet_plugs):
            plugs = range(first, min(first + self.cabinet_plugs, len(self.holders)))
            free = [plug for plug in plugs if self.holders[plug] is None and not self.broken[plug]]
            held = sum(self.holders[plug] is not None for plug in plugs)
            if free and (best < 0 or held < fewest):
                best, fewest = free[0], held
        return best

    def _begin_flow(self, visit: Visit) -> None:
        visit.flowing = True
        self.share(int(visit.env.now))

    def level_now(self, visit: Visit, now: int) -> int:
        """Return the energy a vehicle at this station holds [Wh]."""
        grant, elapsed = visit.grant or 0, now - visit.since
        if grant > 0:
            return min(charged_wh(visit.level, elapsed, grant, *visit.line), visit.goal)
        if grant < 0:
            return max(visit.level - -grant * elapsed // HOUR_US, visit.floor)
        return visit.level

    def share(self, now: int) -> None:
        """Grant power anew to all whose energy flows."""
        flowing = [visit for visit in self.holders if visit is not None and visit.flowing]
        if not flowing:
            return
        limit = self._limit(now)
        levels = [self.level_now(visit, now) for visit in flowing]
        asks = [self._ask(visit, level, now, limit) for visit, level in zip(flowing, levels, strict=True)]
        grants = self._granted(flowing, asks, now, limit)
        for visit, level, (accepted, _, _), grant in zip(flowing, levels, asks, grants, strict=True):
            held = visit.grant
            if level >= visit.goal:
                if held is None:
                    self._end_at_once(visit, now)
                continue
            if held is not None and (min(held, accepted) == grant or held == grant):
                continue
            self._end_stretch(visit, now, level)
            visit.grant = grant
            self._plan(visit, now)

    def _end_at_once(self, visit: Visit, now: int) -> None:
        """Let a vehicle that has had its goal from the start leave now."""
        visit.grant = 0
        visit.planned = visit.level
        visit.end_at(now)

    def _limit(self, now: int) -> int:
        if self.signal < 0 or now >= self.horizon:
            return self.site_limit
        return self.site_limit * self.limits_pm[now // self.step] // 1000

    def _ask(self, visit: Visit, level: int, now: int, limit: int) -> tuple[int, int, int]:
        """Return the power the battery accepts, the power asked for (below 0: offered) and the time to spare."""
        power = min(self.rate, visit.max_power)
        accepted = accepted_w(level, power, *visit.line)
        fair = max(1, min(power, limit // self.busy))
        ready = min(visit.ready, now + DAY_US)
        needed = charge_us(level, visit.goal, fair, *visit.line)
        spare = self.policies.spare_us(now, ready, needed)
        strategy = self._strategy(now)
        cheaper = cheaper_time_us(self.prices, self.step, now, ready) if self.signal >= 0 else 0
        if strategy == Strategy.CHEAPEST and self.signal >= 0 and level > visit.floor:
            lasts = (now // self.step + 1) * self.step - now
            after = max(level - power * lasts // HOUR_US, visit.floor)
            back = charge_us(after, visit.goal, fair, *visit.line)
            if self.policies.gives_back(self.prices[now // self.step], self.give_price, back, cheaper):
                return accepted, -power, spare
        wish = self.policies.wished_power(strategy, accepted, visit.goal - level, ready - now, needed, cheaper)
        return accepted, wish, spare

    def _strategy(self, now: int) -> int:
        over = self.signal >= 0 and now >= self.horizon
        return int(Strategy.ASAP) if self.queue or over else self.strategy

    def _granted(self, flowing: list[Visit], asks: list[tuple[int, int, int]], now: int, limit: int) -> list[int]:
        """Return the powers granted, those of who gives back below 0."""
        wishes = [max(ask, 0) for _, ask, _ in asks]
        offers = [max(-ask, 0) for _, ask, _ in asks]
        cabinets = [visit.plug // self.cabinet_plugs for visit in flowing]
        first = 0
        for i in range(1, len(flowing) + 1):
            if i == len(flowing) or cabinets[i] != cabinets[first]:
                share_fairly(wishes, first, i, self.cabinet_power)
                first = i
        if self.share_rule == ShareRule.NEED:
            left = limit
            for i in sorted(range(len(flowing)), key=lambda i: asks[i][2]):
                wishes[i] = min(wishes[i], left)
                left -= wishes[i]
        else:
            share_fairly(wishes, 0, len(wishes), limit)
        share_fairly(offers, 0, len(offers), limit)
        return [wish - offer for wish, offer in zip(wishes, offers, strict=True)]

    def _end_stretch(self, visit: Visit, now: int, level: int) -> None:
        """Book what has flowed since the last change of the grant."""
        change = level - visit.level
        if visit.grant and now > visit.since:
            self.flows.append((visit.vehicle, self.row, visit.since, now, visit.grant, change))
        visit.energy += max(change, 0)
        visit.returned += max(-change, 0)
        visit.level = level
        visit.since = now

    def _plan(self, visit: Visit, now: int) -> None:
        """Appoint what comes next if the grant stays as it is."""
        grant = visit.grant or 0
        if grant > 0:
            self._plan_charge(visit, now, grant)
        elif grant == 0:
            self._plan_end(visit, now, visit.level)
        else:
            self._plan_giving(visit, now, -grant)

    def _plan_charge(self, visit: Visit, now: int, grant: int) -> None:
        until_goal = charge_us(visit.level, visit.goal, grant, *visit.line)
        until_least = charge_us(visit.level, visit.least, grant, *visit.line)
        stay = self.policies.stay_us(until_goal, until_least, visit.due - now)
        if stay == until_goal:
            visit.planned = visit.goal
        elif stay == until_least:
            visit.planned = max(visit.level, visit.least)
        else:
            visit.planned = min(charged_wh(visit.level, stay, grant, *visit.line), visit.goal)
        visit.end_at(now + stay)

    def _plan_end(self, visit: Visit, now: int, level: int) -> bool:
        """Let it leave when it is due, if it may with this level; return whether it will."""
        visit.call_off()
        if level < visit.least or visit.due >= FAR_US:
            return False
        visit.planned = level
        visit.end_at(max(now, visit.due))
        return True

    def _plan_giving(self, visit: Visit, now: int, power: int) -> None:
        at_floor = now + flow_us(visit.level - visit.floor, power)
        if visit.due <= at_floor:
            given = power * max(visit.due - now, 0) // HOUR_US
            if self._plan_end(visit, now, max(visit.level - given, visit.floor)):
                return
        visit.call_at(at_floor, lambda: self.share(at_floor))

    def cut(self, visit: Visit, now: int, reason: Reason) -> None:
        """Let a vehicle leave now, from its plug or from the queue."""
        if visit.plug < 0:
            super().cut(visit, now, reason)
            self.share(now)
            return
        self._take_off(visit, now, reason)
        self.leave(visit, now)
        visit.end_at(max(now, visit.arrive))

    def _take_off(self, visit: Visit, now: int, reason: Reason) -> None:
        if visit.flowing:
            self._end_stretch(visit, now, self.level_now(visit, now))
        visit.reason = reason
        visit.call_off()

    def break_plug(self, plug: int, now: int) -> None:
        """Take a plug out of service; who holds it leaves."""
        visit, self.holders[plug] = self.holders[plug], None
        self.broken[plug] = True
        self.plugs -= 1
        if visit is not None:
            self._take_off(visit, now, Reason.FAULT)
            self.busy -= 1
        self.share(now)
        if visit is not None:
            visit.end_at(max(now, visit.arrive))
        self.clear_queue(now)

    def repair_plug(self, plug: int, now: int) -> None:
        """Put a plug into service again."""
        self.broken[plug] = False
        super().repair_plug(plug, now)
        self.share(now)
