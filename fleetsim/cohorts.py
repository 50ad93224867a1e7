"""Cohorts of one fleet as arrays: survival, whole vehicles, and one year of turnover.

Counts have the axes powertrain (order of `tables.POWERTRAINS`), vintage and cell; a cell is a
district, operator and reason of exemption. Everything here is arithmetic; tables come and go in
`fleetsim.stock`.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fleetsim.whole_stock import rounded

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

Cell = tuple[str, str, str]


@dataclass(frozen=True)
class Cohorts:
    """Vehicles of one fleet on 31 December of `year`."""

    fleet: str
    year: int
    first_vintage: int
    cells: tuple[Cell, ...]
    """District, operator and reason of exemption of each cell."""
    counts: FloatArray
    """Vehicles by powertrain, vintage and cell."""

    def ages(self) -> FloatArray:
        """Return the age of each vintage on 31 December [years]."""
        return self.year - np.arange(self.first_vintage, self.first_vintage + self.counts.shape[1], dtype=float)

    def exempt(self) -> BoolArray:
        """Return which cells hold exempt vehicles."""
        return np.array([reason != "none" for _, _, reason in self.cells])


@dataclass(frozen=True)
class Order:
    """A wish for some powertrains in some cells, met by purchases and, where these are too few, early retirement."""

    powertrains: BoolArray
    cells: BoolArray
    vehicles: float
    """Vehicles that shall stand at year end, or be bought in the year where `bought` is true."""
    bought: bool
    split: FloatArray
    """Shares of the powertrains within the order; they sum to 1."""
    rest: FloatArray | None = None
    """Powertrain shares of the other purchases in these cells; None: as without the order."""


@dataclass(frozen=True)
class Turn:
    """What one year does to one fleet."""

    hazard: FloatArray
    """Share of each powertrain and vintage that retires in the year."""
    closing: FloatArray
    """Vehicles each cell shall hold at year end."""
    shares: FloatArray
    """Powertrain shares of purchases by cell; each column sums to 1."""
    orders: tuple[Order, ...] = ()
    whole: bool = False
    """Keep whole vehicles."""


@dataclass(frozen=True)
class Turned:
    """A fleet after a year, with its flows by powertrain and cell."""

    cohorts: Cohorts
    additions: FloatArray
    retirements: FloatArray


def survival(age: FloatArray, life_years: float, shape: float) -> FloatArray:
    """Return the share of vehicles that reaches an age.

    Parameters
    ----------
    age
        Age [years].
    life_years
        Weibull scale L [years].
    shape
        Weibull shape k.

    Notes
    -----
    S(a) = exp(-(a / L)^k); L and k for Chinese vehicles: Hao et al. 2011.

    >>> round(float(survival(np.array([10.0]), 10.0, 2.0)[0]), 4)
    0.3679
    """
    return np.exp(-((np.maximum(age, 0.0) / life_years) ** shape))


def hazard(age: FloatArray, life_years: float, shape: float, statutory_age: float | None = None) -> FloatArray:
    """Return the share of vehicles of each age that retires within the next year.

    Parameters
    ----------
    age
        Age at the beginning of the year [years].
    life_years
        Weibull scale L [years].
    shape
        Weibull shape k.
    statutory_age
        Age at which every vehicle must leave [years]; None: never.

    Notes
    -----
    h(a) = 1 - S(a + 1) / S(a) = 1 - exp(H(a) - H(a + 1)) with H(a) = (a / L)^k, which does not
    divide by a survival that has vanished.
    """
    age = np.maximum(age, 0.0)
    rate = 1.0 - np.exp((age / life_years) ** shape - ((age + 1.0) / life_years) ** shape)
    if statutory_age is None:
        return rate
    return np.where(age + 1.0 >= statutory_age, 1.0, rate)


def hazard_scale(opening: float, additions: float, closing: float, expected_retirements: float) -> float:
    """Return kappa, by which hazards are multiplied so that retirements match an observed balance.

    Parameters
    ----------
    opening, closing
        Observed vehicles at the beginning and end of the year [vehicles].
    additions
        Observed registrations in the year [vehicles].
    expected_retirements
        Sum of hazard times vehicles [vehicles].

    Notes
    -----
    kappa = (N_t + I - N_{t+1}) / sum(h N), at least 0; `scaled` keeps kappa h within 0 and 1.
    """
    if expected_retirements <= 0.0:
        return 0.0
    return max(0.0, (opening + additions - closing) / expected_retirements)


def scaled(rate: FloatArray, kappa: float | FloatArray) -> FloatArray:
    """Return hazards times kappa, clipped to 0 and 1; forced retirement (1) stays 1."""
    return np.where(rate >= 1.0, 1.0, np.clip(rate * kappa, 0.0, 1.0))


def whole(values: FloatArray, total: int | None = None, caps: FloatArray | None = None) -> FloatArray:
    """Return `values` as whole numbers with the given sum, by largest remainder.

    Parameters
    ----------
    values
        Vehicles, at least 0, of any shape [vehicles].
    total
        Sum of the result [vehicles]; None: the rounded sum of `values`.
    caps
        Largest value of each entry [vehicles]; None: no limit.

    Notes
    -----
    Ties go to the earlier entry, so the result does not depend on anything but the input. Where the
    caps do not allow `total`, the result is the caps.

    >>> whole(np.array([1.5, 1.5, 0.9])).tolist()
    [2.0, 1.0, 1.0]
    """
    flat = np.asarray(values, dtype=float).ravel()
    limit = np.full(flat.shape, np.inf) if caps is None else np.floor(np.asarray(caps, dtype=float).ravel() + 1e-9)
    wanted = min(round(float(flat.sum())) if total is None else total, float(limit.sum()))
    result = np.minimum(np.floor(flat + 1e-9), limit)
    while (missing := int(wanted - result.sum())) > 0:
        remainder = np.where(result < limit, flat - result, -np.inf)
        open_entries = np.argsort(-remainder, kind="stable")[:missing]
        result[open_entries[remainder[open_entries] > -np.inf]] += 1.0
    excess = int(result.sum() - wanted)
    while excess > 0:
        surplus = np.where(result > 0.0, result - flat, -np.inf)
        chosen = np.argsort(-surplus, kind="stable")[: min(excess, int((result > 0.0).sum()))]
        result[chosen] -= 1.0
        excess = int(result.sum() - wanted)
    return np.asarray(result.reshape(np.shape(values)))


def spread(amount: float, capacity: FloatArray, *, in_whole: bool) -> FloatArray:
    """Return `amount` spread in proportion to `capacity` and never above it [vehicles]."""
    room = float(capacity.sum())
    if room <= 0.0 or amount <= 0.0:
        return np.zeros_like(capacity)
    given = capacity * min(1.0, amount / room)
    return whole(given, total=round(min(amount, room)), caps=capacity) if in_whole else given


def turn(cohorts: Cohorts, plan: Turn) -> Turned:
    """Return the fleet one year on: retirements, orders, then purchases up to the closing number.

    Notes
    -----
    N(t+1) = N(t) + additions - retirements holds in every cell. A cell never sells vehicles only
    because its closing number is lower: it shrinks by retirement. Vehicles that one order asks for do
    not leave early for another.
    """
    remaining = cohorts.counts * (1.0 - plan.hazard[:, :, None])
    need = np.maximum(plan.closing - remaining.sum(axis=(0, 1)), 0.0)
    additions = np.zeros((remaining.shape[0], remaining.shape[2]))
    shares = plan.shares.copy()
    asked = _asked(plan.orders, additions.shape)
    for order in plan.orders:
        bought, remaining, need = _fill(order, remaining, additions, need, asked)
        additions = additions + bought
        if order.rest is not None:
            shares[:, order.cells] = order.rest[:, None]
    additions = additions + shares * need
    if plan.whole:
        counts = _in_whole(remaining, additions, plan.orders, cohorts.year)
        remaining, additions = counts[:, :-1, :], counts[:, -1, :]
    else:
        counts = np.concatenate([remaining, additions[:, None, :]], axis=1)
    retirements = cohorts.counts.sum(axis=1) - remaining.sum(axis=1)
    return Turned(replace(cohorts, year=cohorts.year + 1, counts=counts), additions, retirements)


def _in_whole(remaining: FloatArray, additions: FloatArray, orders: tuple[Order, ...], year: int) -> FloatArray:
    """Return the year's vehicles in whole numbers; what an order asks for is kept."""
    parts, bought = np.zeros(additions.shape, dtype=np.int64), np.zeros(additions.shape[0], dtype=bool)
    for order in orders:
        parts = 2 * parts + (order.powertrains[:, None] & order.cells[None, :])
        bought |= order.powertrains & order.bought
    return rounded(remaining, additions, parts, bought, year)


def _asked(orders: tuple[Order, ...], shape: tuple[int, ...]) -> BoolArray:
    """Return which powertrains of which cells some order asks for (powertrain, cell)."""
    asked = np.zeros(shape, dtype=bool)
    for order in orders:
        if order.vehicles > 0.0:
            asked |= order.powertrains[:, None] & order.cells[None, :]
    return asked


def _fill(
    order: Order, remaining: FloatArray, additions: FloatArray, need: FloatArray, asked: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return purchases of the order, what remains after early retirement, and purchases still open."""
    others = np.where(asked, 0.0, remaining.sum(axis=1)).sum(axis=0)
    have = remaining[order.powertrains].sum(axis=(0, 1)) + additions[order.powertrains].sum(axis=0)
    amount = order.vehicles if order.bought else order.vehicles - float(have[order.cells].sum())
    bought = spread(amount, np.where(order.cells, need + others, 0.0), in_whole=False)
    early = np.maximum(bought - need, 0.0)
    return order.split[:, None] * bought, _retire_oldest(remaining, asked, early), np.maximum(need - bought, 0.0)


def _retire_oldest(remaining: FloatArray, spared: BoolArray, early: FloatArray) -> FloatArray:
    """Return `remaining` without the `early` vehicles of each cell, the oldest that are not spared first."""
    if not early.any():
        return remaining
    queue = np.where(spared[:, None, :], 0.0, remaining).transpose(1, 0, 2)
    flat = queue.reshape(-1, remaining.shape[2])
    before = np.cumsum(flat, axis=0) - flat
    taken = np.clip(early[None, :] - before, 0.0, flat).reshape(queue.shape).transpose(1, 0, 2)
    return np.asarray(remaining - taken)


def transfer(cohorts: Cohorts, source: BoolArray, target: BoolArray, vehicles: float, *, in_whole: bool) -> Cohorts:
    """Return the fleet after vehicles moved between cells, taken in proportion from every cohort.

    Parameters
    ----------
    cohorts
        The fleet.
    source, target
        Cells they leave, and cells they join; a vehicle keeps its reason of exemption and operator.
    vehicles
        How many move, at most what the source holds [vehicles].
    """
    leaving = np.where(source, cohorts.counts, 0.0)
    moved = spread(vehicles, leaving, in_whole=in_whole)
    counts = cohorts.counts - moved
    place = {cell[1:]: index for index, cell in enumerate(cohorts.cells) if target[index]}
    for index in np.flatnonzero(source):
        counts[:, :, place[cohorts.cells[index][1:]]] += moved[:, :, index]
    return replace(cohorts, counts=counts)
