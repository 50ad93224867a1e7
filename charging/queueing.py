"""Waiting in steady state, in closed form: Erlang C, M/M/1, M/D/1 and the Allen-Cunneen approximation.

Rates are per hour, waits (before service begins) in minutes. A queue that cannot keep up waits for ever.
"""

import math


def erlang_c(arrivals_per_h: float, services_per_h: float, servers: int) -> float:
    """Return the probability that an arrival has to wait in an M/M/c queue.

    Parameters
    ----------
    arrivals_per_h
        Arrivals [1/h].
    services_per_h
        Services one busy server completes [1/h].
    servers
        Servers (plugs, bays, dispensers).

    Notes
    -----
    From the Erlang B recursion B(n) = aB(n-1) / (n + aB(n-1)) and C = B / (1 - rho(1 - B)); Cooper,
    Introduction to Queueing Theory (1981), chapter 3.

    Examples
    --------
    >>> round(erlang_c(10, 2, 6), 6)
    0.587516
    """
    load = arrivals_per_h / services_per_h
    if load >= servers:
        return 1.0
    blocked = 1.0
    for server in range(1, servers + 1):
        blocked = load * blocked / (server + load * blocked)
    return blocked / (1.0 - load / servers * (1.0 - blocked))


def mean_wait_min(arrivals_per_h: float, services_per_h: float, servers: int) -> float:
    """Return the mean wait in an M/M/c queue [min].

    Parameters
    ----------
    arrivals_per_h, services_per_h
        Arrivals, and services one busy server completes [1/h].
    servers
        Servers.
    """
    spare = servers * services_per_h - arrivals_per_h
    if spare <= 0.0:
        return math.inf
    return 60.0 * erlang_c(arrivals_per_h, services_per_h, servers) / spare


def mm1_wait_min(arrivals_per_h: float, services_per_h: float) -> float:
    """Return the mean wait at one server with exponential service times [min]; rates in [1/h]."""
    return mean_wait_min(arrivals_per_h, services_per_h, 1)


def md1_wait_min(arrivals_per_h: float, services_per_h: float) -> float:
    """Return the mean wait at one server with constant service times [min]; rates in [1/h].

    Notes
    -----
    Half the wait of M/M/1 (Pollaczek-Khinchine).
    """
    return mm1_wait_min(arrivals_per_h, services_per_h) / 2.0


def allen_cunneen_wait_min(
    arrivals_per_h: float,
    services_per_h: float,
    servers: int,
    *,
    arrival_cv2: float = 1.0,
    service_cv2: float = 1.0,
) -> float:
    """Return the mean wait in a G/G/c queue by the Allen-Cunneen approximation [min].

    Parameters
    ----------
    arrivals_per_h, services_per_h
        Arrivals, and services one busy server completes [1/h].
    servers
        Servers.
    arrival_cv2, service_cv2
        Squared coefficient of variation of the times between arrivals and of the service times.

    Notes
    -----
    W(M/M/c) (ca2 + cs2) / 2; Allen, Probability, Statistics and Queueing Theory (1990), section 5.
    Exact for M/M/c and, at one server, for M/G/1.
    """
    exact = mean_wait_min(arrivals_per_h, services_per_h, servers)
    return exact * (arrival_cv2 + service_cv2) / 2.0
