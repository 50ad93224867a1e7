"""How many plugs, bays or dispensers a station needs so that waits stay within a standard."""

import math
from dataclasses import dataclass

from charging.queueing import erlang_c, mean_wait_min
from networks.errors import DataError

HOUR_MIN = 60.0


@dataclass(frozen=True)
class Wait:
    """Waiting in the peak hour.

    Parameters
    ----------
    p_wait
        Share of visits that wait at all.
    mean_min
        Mean wait of all visits [min].
    p95_min
        95th percentile of the wait [min].
    """

    p_wait: float
    mean_min: float
    p95_min: float


def expected_wait(arrivals_per_h: float, service_min: float, plugs: int, *, variability: float = 1.0) -> Wait:
    """Return the wait at a station by Erlang C with the Allen-Cunneen correction.

    Parameters
    ----------
    arrivals_per_h
        Arrivals in the peak hour [1/h].
    service_min
        Mean time a visit holds a plug [min].
    plugs
        Number of plugs.
    variability
        Half the sum of the squared coefficients of variation of the times between arrivals and of the service
        times; 1 for the Markov queue, 0.5 for regular service.

    Notes
    -----
    W = W(M/M/c) * variability (Allen 1990, Probability, Statistics and Queueing Theory). Those that wait are
    taken to wait exponentially long, which is exact for M/M/c.

    Examples
    --------
    >>> round(expected_wait(10.0, 30.0, 6).mean_min, 4)
    17.6255
    """
    if arrivals_per_h <= 0:
        return Wait(0.0, 0.0, 0.0)
    if arrivals_per_h * service_min >= HOUR_MIN * plugs:
        return Wait(1.0, math.inf, math.inf)
    services_per_h = HOUR_MIN / service_min
    p_wait = erlang_c(arrivals_per_h, services_per_h, plugs)
    mean_min = variability * mean_wait_min(arrivals_per_h, services_per_h, plugs)
    tail_min = mean_min / p_wait * math.log(p_wait / 0.05) if p_wait > 0.05 else 0.0
    return Wait(p_wait, mean_min, tail_min)


def plugs_needed(arrivals_per_h: float, service_min: float, standard_min: float, *, variability: float = 1.0) -> int:
    """Return the fewest plugs with which the mean wait in the peak hour is at most the standard.

    Parameters
    ----------
    arrivals_per_h
        Arrivals in the peak hour [1/h].
    service_min
        Mean time a visit holds a plug [min].
    standard_min
        Longest mean wait [min].
    variability
        See `expected_wait`.

    Raises
    ------
    DataError
        If a value is negative, or service or standard is 0.

    Examples
    --------
    >>> plugs_needed(10.0, 30.0, 17.7), plugs_needed(10.0, 30.0, 17.6)
    (6, 7)
    """
    if arrivals_per_h < 0 or service_min <= 0 or standard_min <= 0:
        raise DataError(
            f"sizing: arrivals {arrivals_per_h}/h, service {service_min} min, standard {standard_min} min; "
            "arrivals must be at least 0, the others above 0"
        )

    def meets(plugs: int) -> bool:
        wait = expected_wait(arrivals_per_h, service_min, plugs, variability=variability)
        return wait.mean_min <= standard_min

    too_few = int(arrivals_per_h * service_min / HOUR_MIN)
    enough = too_few + 1
    step = 1
    while not meets(enough):
        too_few, enough, step = enough, enough + step, 2 * step
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if meets(middle) else (middle, enough)
    return enough
