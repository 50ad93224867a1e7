"""Managed plugs: who takes which, how power is shared, when a charge ends."""

from typing import Any

from charging.energy import HOUR_US, accepted_w, charge_us, charged_wh, flow_us
from fleetsim.engine.compiled.heap import cancel, drop_first, place, schedule
from fleetsim.engine.compiled.rows import note_flow
from fleetsim.engine.compiled.services import line_of
from fleetsim.engine.compiled.state import (
    ASAP,
    AT_END,
    AT_FLOOR,
    AT_FLOW,
    BY_NEED,
    CHEAPEST,
    HOLDING,
    LEFT_EARLY,
    NO_GRANT,
    NOBODY,
    SERVED,
    Day,
    Record,
)
from fleetsim.engine.policies import gives_back, spare_us, stay_us, wished_power
from fleetsim.engine.sharing import cheaper_time_us, share_fairly
from fleetsim.engine.spec import NEVER_US

DAY_US = 24 * HOUR_US
FAR_US = NEVER_US // 2
"""Times beyond are never [us]."""


def take_plug(day: Day, v: int, start: int, now: int) -> None:
    """Put vehicle `v` on a plug; its energy flows once handling, from `start` on, is over [us]."""
    vehicle, station = day.vehicles[v], day.stations[day.vehicles[v].station]
    slot = choose_plug(day, station)
    plug = day.plugs[slot]
    plug.holder, plug.flows, plug.grant, plug.since, plug.level = v, False, NO_GRANT, now, vehicle.level
    plug.power, plug.goal = min(station.rate, vehicle.max_power), vehicle.goal
    plug.ready, plug.floor = day.more[v].ready, day.more[v].give_floor
    plug.rate, plug.zero = line_of(vehicle)
    vehicle.plug, vehicle.stands = slot, HOLDING
    vehicle.start, vehicle.energy, vehicle.reason = start, 0, SERVED
    if start + station.handling > now:
        schedule(day, v, AT_FLOW, start + station.handling)
    else:
        plug.flows = True


def choose_plug(day: Day, station: Record) -> int:
    """Return the lowest free plug of the cabinet with the fewest holders."""
    end = station.first_plug + station.plugs
    size = station.cabinet_plugs if station.cabinet_plugs > 0 else station.plugs
    best, fewest = NOBODY, 0
    for first in range(station.first_plug, end, size):
        free, held = NOBODY, 0
        for slot in range(first, min(first + size, end)):
            if day.plugs[slot].holder >= 0:
                held += 1
            elif free < 0 and not day.plugs[slot].broken:
                free = slot
        if free >= 0 and (best < 0 or held < fewest):
            best, fewest = free, held
    return best


def level_on_plug(plug: Record, now: int) -> int:
    """Return the level of who holds the plug [Wh]."""
    elapsed = now - plug.since
    if plug.grant == NO_GRANT or plug.grant == 0:
        return int(plug.level)
    if plug.grant > 0:
        return int(min(charged_wh(plug.level, elapsed, plug.grant, plug.rate, plug.zero), plug.goal))
    return int(max(plug.level - -plug.grant * elapsed // HOUR_US, plug.floor))


def share(day: Day, row: int, now: int) -> None:
    """Grant power anew to all at station `row` whose energy flows."""
    station = day.stations[row]
    first, end = station.first_plug, station.first_plug + station.plugs
    limit = limit_now(day, station, now)
    anybody = False
    for slot in range(first, end):
        day.wishes[slot] = day.offers[slot] = 0
        if day.plugs[slot].flows:
            anybody = True
            ask(day, station, slot, now, limit)
    if not anybody:
        return
    divide(day, station, limit)
    for slot in range(first, end):
        if day.plugs[slot].flows:
            change_grant(day, slot, day.wishes[slot] - day.offers[slot], now)


def limit_now(day: Day, station: Record, now: int) -> int:
    """Return the power that the site may draw now [W]."""
    step = now // day.tally[0].step_us
    if station.signal < 0 or step >= day.steps.shape[1]:
        return int(station.site_limit)
    return int(station.site_limit * day.steps[station.signal, step].limit_pm // 1000)


def ask(day: Day, station: Record, slot: int, now: int, limit: int) -> None:
    """Note what the holder of a plug wishes or offers [W], and the time it has to spare [us]."""
    plug, step_us = day.plugs[slot], day.tally[0].step_us
    level, step = level_on_plug(plug, now), now // step_us
    told = station.signal >= 0
    strategy = station.strategy
    if station.waiting > 0 or (told and step >= day.steps.shape[1]):
        strategy = ASAP
    plug.level_now, plug.accepted = level, accepted_w(level, plug.power, plug.rate, plug.zero)
    fair = max(1, min(plug.power, limit // station.busy))
    ready = min(plug.ready, now + DAY_US)
    needed = charge_us(level, plug.goal, fair, plug.rate, plug.zero)
    plug.spare = spare_us(now, ready, needed)
    cheaper = cheaper_time_us(day.prices[station.signal], step_us, now, ready) if told else 0
    if told and strategy == CHEAPEST and level > plug.floor:
        after = max(level - plug.power * ((step + 1) * step_us - now) // HOUR_US, plug.floor)
        back = charge_us(after, plug.goal, fair, plug.rate, plug.zero)
        if gives_back(day.prices[station.signal, step], station.give_price, back, cheaper):
            day.offers[slot] = plug.power
            return
    day.wishes[slot] = wished_power(strategy, plug.accepted, plug.goal - level, ready - now, needed, cheaper)


def divide(day: Day, station: Record, limit: int) -> None:
    """Cut wishes to what cabinets and the site have, offers to what the site takes [W]."""
    first, end = station.first_plug, station.first_plug + station.plugs
    wishes: Any = day.wishes
    offers: Any = day.offers
    if station.cabinet_plugs > 0:
        for cabinet in range(first, end, station.cabinet_plugs):
            share_fairly(wishes, cabinet, min(cabinet + station.cabinet_plugs, end), station.cabinet_power)
    if station.share_rule == BY_NEED:
        share_by_need(day, first, end, limit)
    else:
        share_fairly(wishes, first, end, limit)
    share_fairly(offers, first, end, limit)


def share_by_need(day: Day, first: int, end: int, limit: int) -> None:
    """Grant each all it wishes while there is some, those with the least time to spare first."""
    total, size = 0, 0
    for slot in range(first, end):
        total += day.wishes[slot]
    if total <= limit:
        return
    for slot in range(first, end):
        if day.plugs[slot].flows:
            event = day.by_need[place(day.by_need, size, day.plugs[slot].spare)]
            event.time, event.key = day.plugs[slot].spare, slot
            size += 1
    left = limit
    while size > 0:
        slot = day.by_need[0].key
        size -= 1
        drop_first(day.by_need, size)
        day.wishes[slot] = min(day.wishes[slot], left)
        left -= day.wishes[slot]


def change_grant(day: Day, slot: int, grant: int, now: int) -> None:
    """Grant the holder of a plug this power [W], unless that changes nothing."""
    plug = day.plugs[slot]
    held = plug.grant
    if plug.level_now >= plug.goal:
        if held == NO_GRANT:
            end_at_once(day, slot, now)
        return
    if held != NO_GRANT and (held == grant or min(held, plug.accepted) == grant):
        return
    end_stretch(day, slot, plug.level_now, now)
    plug.grant = grant
    if grant > 0:
        plan_charge(day, slot, now)
    elif grant == 0:
        plan_end(day, slot, now, plug.level)
    else:
        plan_giving(day, slot, now)


def end_at_once(day: Day, slot: int, now: int) -> None:
    """Let a holder that has had its goal from the start leave now."""
    plug = day.plugs[slot]
    plug.grant, plug.planned = 0, plug.level
    schedule(day, plug.holder, AT_END, now)


def end_stretch(day: Day, slot: int, level: int, now: int) -> None:
    """Book what has flowed since the last change of the grant."""
    plug = day.plugs[slot]
    v, change = plug.holder, level - plug.level
    if plug.grant != NO_GRANT and plug.grant != 0 and now > plug.since:
        note_flow(day, v, slot, now, change)
    day.vehicles[v].energy += max(change, 0)
    day.more[v].returned += max(-change, 0)
    plug.level, plug.since = level, now


def plan_charge(day: Day, slot: int, now: int) -> None:
    """Appoint the end of a charge at the power granted."""
    plug, vehicle = day.plugs[slot], day.vehicles[day.plugs[slot].holder]
    until_goal = charge_us(plug.level, plug.goal, plug.grant, plug.rate, plug.zero)
    until_least = charge_us(plug.level, vehicle.least, plug.grant, plug.rate, plug.zero)
    stay = stay_us(until_goal, until_least, vehicle.due - now)
    if stay == until_goal:
        plug.planned = plug.goal
    elif stay == until_least:
        plug.planned = max(plug.level, vehicle.least)
    else:
        plug.planned = min(charged_wh(plug.level, stay, plug.grant, plug.rate, plug.zero), plug.goal)
    schedule(day, plug.holder, AT_END, now + stay)


def plan_end(day: Day, slot: int, now: int, level: int) -> bool:
    """Let the holder leave when it is due, if it may with this level [Wh]; return whether it will."""
    plug, vehicle = day.plugs[slot], day.vehicles[day.plugs[slot].holder]
    if level < vehicle.least or vehicle.due >= FAR_US:
        cancel(day, plug.holder)
        return False
    plug.planned = level
    schedule(day, plug.holder, AT_END, max(now, vehicle.due))
    return True


def plan_giving(day: Day, slot: int, now: int) -> None:
    """Appoint the end of giving back: at the floor, or when the holder is due."""
    plug, vehicle = day.plugs[slot], day.vehicles[day.plugs[slot].holder]
    at_floor = now + flow_us(plug.level - plug.floor, -plug.grant)
    if vehicle.due <= at_floor:
        given = -plug.grant * max(vehicle.due - now, 0) // HOUR_US
        if plan_end(day, slot, now, max(plug.level - given, plug.floor)):
            return
    schedule(day, plug.holder, AT_FLOOR, at_floor)


def finish(day: Day, v: int, now: int) -> None:
    """End a charge as it was planned."""
    vehicle = day.vehicles[v]
    plug = day.plugs[vehicle.plug]
    end_stretch(day, vehicle.plug, plug.planned, now)
    vehicle.reason = SERVED if plug.level >= plug.goal else LEFT_EARLY


def release(day: Day, v: int) -> None:
    """Take vehicle `v` off its managed plug."""
    plug = day.plugs[day.vehicles[v].plug]
    plug.holder, plug.flows = NOBODY, False
    day.vehicles[v].plug = NOBODY
