"""Plugs that break and are repaired."""

from fleetsim.engine.compiled.managed import release, share
from fleetsim.engine.compiled.queues import advance, leave_queue, send_off, take_off
from fleetsim.engine.compiled.services import turn_away
from fleetsim.engine.compiled.state import FAULT, Day


def break_plug(day: Day, row: int, number: int, now: int) -> None:
    """Take a plug out of service: who holds it leaves, and all who wait if it was the last."""
    station = day.stations[row]
    station.in_service -= 1
    if station.managed:
        break_managed(day, row, number, now)
    if station.in_service == 0:
        while station.waiting > 0:
            v = int(station.head)
            leave_queue(day, v)
            turn_away(day, v, now, FAULT)


def break_managed(day: Day, row: int, number: int, now: int) -> None:
    """Take a numbered plug out of service."""
    station = day.stations[row]
    plug = day.plugs[station.first_plug + number]
    v = int(plug.holder)
    plug.broken = True
    if v >= 0:
        take_off(day, v, now, FAULT)
        release(day, v)
        station.busy -= 1
    share(day, row, now)
    if v >= 0:
        send_off(day, v, now)


def repair_plug(day: Day, row: int, number: int, now: int) -> None:
    """Put a plug into service again."""
    station = day.stations[row]
    station.in_service += 1
    if station.managed:
        day.plugs[station.first_plug + number].broken = False
    advance(day, row, now)
    if station.managed:
        share(day, row, now)
