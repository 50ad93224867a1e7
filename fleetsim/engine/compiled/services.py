"""What happens when a vehicle's turn has come: a plain plug, a swap of packs; all is known when it begins."""

from charging.energy import charge_us, charged_wh, flow_us, taper_line
from fleetsim.engine.compiled.heap import schedule
from fleetsim.engine.compiled.state import AT_END, HOLDING, LEAVING, LEFT_EARLY, SERVED, Day, Record
from fleetsim.engine.policies import stay_us
from fleetsim.engine.spec import NEVER_US, IntArray


def settle(day: Day, v: int, start: int, end: int, energy: int, reason: int) -> None:
    """Fix the outcome of a service, which ends at `end` [us]."""
    vehicle = day.vehicles[v]
    vehicle.start, vehicle.energy, vehicle.reason, vehicle.stands = start, energy, reason, HOLDING
    schedule(day, v, AT_END, end)


def turn_away(day: Day, v: int, now: int, reason: int) -> None:
    """Let vehicle `v` leave with nothing, not before it has come."""
    at = max(now, day.vehicles[v].arrive)
    settle(day, v, at, at, 0, reason)
    day.vehicles[v].stands = LEAVING


def line_of(vehicle: Record) -> tuple[float, float]:
    """Return the falling part of the vehicle's charging curve (1/h, Wh)."""
    return taper_line(float(vehicle.capacity), float(vehicle.max_power), vehicle.knee_pm / 1000, vehicle.end_pm / 1000)


def time_to_goal(vehicle: Record, station: Record) -> int:
    """Return how long the vehicle charges to its goal at a plug of its own [us]."""
    rate, zero = line_of(vehicle)
    return charge_us(vehicle.level, vehicle.goal, min(station.rate, vehicle.max_power), rate, zero)


def serve_plug(day: Day, v: int, start: int) -> None:
    """Settle a charge that begins at `start` [us] and that nothing will change."""
    vehicle, station = day.vehicles[v], day.stations[day.vehicles[v].station]
    level, power, flow_from = vehicle.level, min(station.rate, vehicle.max_power), start + station.handling
    rate, zero = line_of(vehicle)
    until_goal = charge_us(level, vehicle.goal, power, rate, zero)
    until_least = charge_us(level, vehicle.least, power, rate, zero)
    stay = stay_us(until_goal, until_least, vehicle.due - flow_from)
    if stay == until_goal:
        settle(day, v, start, flow_from + stay, vehicle.goal - level, SERVED)
    else:
        reached = vehicle.least if stay == until_least else charged_wh(level, stay, power, rate, zero)
        settle(day, v, start, flow_from + stay, min(reached, vehicle.goal) - level, LEFT_EARLY)


def level_at_plug(vehicle: Record, station: Record, now: int) -> int:
    """Return the level of a vehicle on a plain plug [Wh]."""
    elapsed = now - vehicle.start - station.handling
    if elapsed <= 0:
        return int(vehicle.level)
    rate, zero = line_of(vehicle)
    reached = charged_wh(vehicle.level, elapsed, min(station.rate, vehicle.max_power), rate, zero)
    return int(min(reached, vehicle.goal))


def serve_swap(day: Day, v: int, start: int) -> bool:
    """Swap the pack, if one is full in time; the vehicle's own goes to the charger that is free first."""
    vehicle, station = day.vehicles[v], day.stations[day.vehicles[v].station]
    stock = day.stocks[vehicle.station, vehicle.pack_type]
    begin = max(start, day.full_at[stock.first]) if stock.packs > 0 else NEVER_US
    if begin - start > station.dry_limit:
        return False
    missing = vehicle.capacity - vehicle.level
    chargers = day.free_at[station.first_charger : station.first_charger + station.chargers]
    free_at = max(begin, chargers[0]) if len(chargers) > 0 else NEVER_US
    full_at = free_at + flow_us(missing, station.rate)
    replace_first(chargers, full_at)
    replace_first(day.full_at[stock.first : stock.first + stock.packs], full_at)
    settle(day, v, begin, begin + station.handling, missing, SERVED)
    return True


def replace_first(times: IntArray, time: int) -> None:
    """Take the first time off the heap and put another one in [us]."""
    at, child = 0, 1
    while child < len(times):
        if child + 1 < len(times) and times[child + 1] < times[child]:
            child += 1
        if times[child] >= time:
            break
        times[at] = times[child]
        at, child = child, 2 * child + 1
    if len(times) > 0:
        times[at] = time
