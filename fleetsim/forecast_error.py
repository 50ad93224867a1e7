"""How far forecasts may be off, from what was seen before they were made: spreads of few numbers, and their growth.

Shares are judged by their log-odds. Errors of a random walk grow with the square root of the lead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log, sqrt

import dataframely as dy
import numpy as np

from fleetsim.datasets import data_root
from networks.io import read_table

EDGE = 1e-6
"""Shares nearer to 0 or 1 than this have the log-odds of it."""


class MarketShare(dy.Schema):
    """One row a year: new-energy share of the vehicles sold in the country."""

    year = dy.Int64(primary_key=True)
    share = dy.Float64(min=0.0, max=1.0)
    note = dy.String()


@dataclass(frozen=True)
class Growth:
    """Yearly change of a share's log-odds."""

    mean: float
    sd: float
    """From year to year."""
    number: int


def market_growth(year: int) -> Growth | None:
    """Return how the log-odds of the country's new-energy share grew up to a year; None with fewer than two changes."""
    table = read_table(data_root() / "market.csv", MarketShare)
    return growth({when: share for when, share, _ in table.sort("year").iter_rows() if when <= year})


def growth(shares: Mapping[int, float]) -> Growth | None:
    """Return mean and spread of the yearly changes of log-odds; years left out share the change of the gap.

    >>> growth({2020: 0.5, 2021: 0.7310585786300049}) is None
    True
    """
    steps = [(log_odds(shares[b]) - log_odds(shares[a])) / (b - a) for a, b in pairwise(sorted(shares))]
    if len(steps) < 2:
        return None
    return Growth(float(np.mean(steps)), float(np.std(steps, ddof=1)), len(steps))


def tail_factor(number: int, interval: float) -> float:
    """Return half the width of the interval of the next value, over the standard deviation of the values seen.

    Notes
    -----
    t(n - 1) sqrt(1 + 1/n), Student's prediction interval.

    >>> round(tail_factor(6, 0.8), 3)
    1.594
    """
    from scipy.special import stdtrit

    return float(stdtrit(number - 1, 0.5 + interval / 2.0)) * sqrt(1.0 + 1.0 / number)


def normal_tail(interval: float) -> float:
    """Return half the width of a normal interval over its standard deviation.

    >>> round(normal_tail(0.8), 4)
    1.2816
    """
    from scipy.special import ndtri

    return float(ndtri(0.5 + interval / 2.0))


def step_sd(seen: Growth, interval: float) -> float:
    """Return the standard deviation of a normal yearly step whose interval is that of few steps seen."""
    return seen.sd * tail_factor(seen.number, interval) / normal_tail(interval)


@dataclass(frozen=True)
class Step:
    """Yearly step of a random walk that is known badly."""

    sd: float
    degrees: float
    """Degrees of freedom of the standard deviation."""

    def half(self, lead: float, interval: float) -> float:
        """Return half the width of the interval after a lead [years]."""
        from scipy.special import stdtrit

        return float(stdtrit(self.degrees, 0.5 + interval / 2.0)) * self.sd * sqrt(max(lead, 0.0))


def updated(prior_sd: float, prior_number: float, errors: Sequence[float]) -> Step:
    """Return the yearly step after errors were seen, from a prior that is worth `prior_number` errors.

    Notes
    -----
    Scaled inverse chi-squared prior: s^2 = (n0 s0^2 + sum e^2) / (n0 + n), with n0 + n degrees of freedom.

    >>> updated(0.03, 2.0, [])
    Step(sd=0.03, degrees=2.0)
    """
    total = prior_number + len(errors)
    return Step(sqrt((prior_number * prior_sd**2 + sum(error**2 for error in errors)) / total), total)


def widened(value: float, ends: tuple[float, float], half: float) -> tuple[float, float]:
    """Return the interval of a share, widened by an independent error of its log-odds; an end at 0 or 1 stays there.

    >>> low, high = widened(0.5, (0.5, 0.5), 1.0)
    >>> round(low, 4), round(high, 4)
    (0.2689, 0.7311)
    """
    middle = log_odds(value)
    below, above = middle - log_odds(min(ends[0], value)), log_odds(max(ends[1], value)) - middle
    low, high = share_of(middle - sqrt(below**2 + half**2)), share_of(middle + sqrt(above**2 + half**2))
    return (low if low > 2.0 * EDGE else 0.0), (high if high < 1.0 - 2.0 * EDGE else 1.0)


def log_odds(share: float) -> float:
    """Return the log-odds of a share; 0 and 1 as `EDGE` from them."""
    kept = min(max(share, EDGE), 1.0 - EDGE)
    return log(kept / (1.0 - kept))


def share_of(odds: float) -> float:
    """Return the share with these log-odds."""
    return 1.0 / (1.0 + exp(-odds))
