"""How long energy takes: charging with a taper in closed form, refuelling with hydrogen, charging a pack.

Power is flat up to a knee and falls linearly with the state of charge to its end value at full charge.
The falling part is a straight line in the stored energy, `power = rate * (zero - energy)`, so it is known
by two numbers: `rate` [1/h] and `zero`, the energy at which the line would reach nothing. A weaker plug
only cuts the line off earlier. Energy decays exponentially towards `zero` along the line, hence no time
steps. The functions take scalars and use `+ - * /`, `log` and `exp` only, so that they can be compiled.
"""

import math

HOUR_US = 3_600_000_000


def taper_line(capacity: float, max_power: float, knee: float, end_share: float) -> tuple[float, float]:
    """Return the falling part of the charging curve as (rate [1/h], zero).

    Parameters
    ----------
    capacity
        Battery [kWh].
    max_power
        Power below the knee [kW].
    knee
        State of charge where power begins to fall [share].
    end_share
        Power at full charge over `max_power` [share]; at 1 there is no taper and the rate is 0.

    Examples
    --------
    >>> taper_line(60.0, 60.0, 0.75, 0.5)
    (2.0, 75.0)
    """
    if end_share >= 1.0 or knee >= 1.0:
        return 0.0, capacity
    rate = max_power * (1.0 - end_share) / ((1.0 - knee) * capacity)
    return rate, knee * capacity + max_power / rate


def charge_h(start: float, to: float, power: float, rate: float, zero: float) -> float:
    """Return the hours it takes to charge from `start` to `to`; infinite if the line ends before.

    Parameters
    ----------
    start, to
        Stored energy before and after [kWh].
    power
        Lower of plug and vehicle power [kW].
    rate, zero
        The vehicle's `taper_line` ([1/h], [kWh]).
    """
    if to <= start:
        return 0.0
    if rate <= 0.0:
        return (to - start) / power
    knee = zero - power / rate
    hours = 0.0
    if start < knee:
        flat_to = min(to, knee)
        hours = (flat_to - start) / power
        start = flat_to
    if to <= start:
        return hours
    if to >= zero:
        return math.inf
    return hours + math.log((zero - start) / (zero - to)) / rate


def charged(start: float, hours: float, power: float, rate: float, zero: float) -> float:
    """Return the stored energy [kWh] after charging for `hours` [h], the inverse of `charge_h`.

    Parameters
    ----------
    start
        Stored energy before [kWh].
    hours
        Time on the plug [h].
    power
        Lower of plug and vehicle power [kW].
    rate, zero
        The vehicle's `taper_line` ([1/h], [kWh]).

    Notes
    -----
    Without a taper nothing stops at full charge: the caller takes the lower of this and the capacity.
    """
    if rate <= 0.0:
        return start + power * hours
    knee = zero - power / rate
    if start < knee:
        flat_h = (knee - start) / power
        if hours <= flat_h:
            return start + power * hours
        hours -= flat_h
        start = knee
    return zero - (zero - start) * math.exp(-rate * hours)


def charge_us(level: int, to: int, power: int, rate: float, zero: float) -> int:
    """Return the microseconds [us] to charge from `level` to `to` [Wh] at `power` [W], rounded up."""
    hours = charge_h(float(level), float(to), float(power), rate, zero)
    return int(hours * HOUR_US) + 1 if hours > 0.0 else 0


def charged_wh(level: int, duration_us: int, power: int, rate: float, zero: float) -> int:
    """Return the level [Wh] after `duration_us` [us] at `power` [W], rounded down; never below `level`."""
    return max(level, int(charged(float(level), duration_us / HOUR_US, float(power), rate, zero)))


def flow_us(amount: int, rate_per_h: int) -> int:
    """Return the microseconds [us] in which `amount` passes at a steady rate, rounded up.

    Parameters
    ----------
    amount
        Hydrogen [g], or energy of a pack [Wh].
    rate_per_h
        Flow of the dispenser [g/h], or power of the charger [W].
    """
    return -(-amount * HOUR_US // rate_per_h)


def supplied_ug(elapsed_us: int, supply_g_h: int) -> int:
    """Return what a compressor moves [ug] in `elapsed_us` [us] at `supply_g_h` [g/h]."""
    return supply_g_h * elapsed_us // 3600


def supply_us(missing_ug: int, supply_g_h: int) -> int:
    """Return the microseconds [us] in which `supply_g_h` [g/h] brings `missing_ug` [ug], rounded up."""
    return -(-missing_ug * 3600 // supply_g_h)


def accepted_w(level: int, max_power: int, rate: float, zero: float) -> int:
    """Return the power a battery accepts at a level [W], rounded down; at least 1 so that charging goes on.

    Parameters
    ----------
    level
        Stored energy [Wh].
    max_power
        Power below the knee, or of the plug if that is weaker [W].
    rate, zero
        The vehicle's `taper_line` ([1/h], [Wh]).
    """
    if rate <= 0.0:
        return max_power
    return max(1, min(max_power, int(rate * (zero - level))))
