"""Seeking: which value of a lever meets a target in a year, and is it plausible?

The fast models only (stock, modes, freight); no day is simulated, so waits and coverage do not move buyers. The
calibration stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from fleetsim import cars
from fleetsim.cohorts import FloatArray
from fleetsim.datasets import City
from fleetsim.fast_values import FastValues
from fleetsim.forecast import when_reached
from fleetsim.levers import Lever, lever
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.sections import last_full_year
from networks.errors import ScenarioError

Verdict = Literal["met_already", "met", "met_beyond", "missed"]
Least = Literal["cost", "change"]
GRID = 9
TOLERANCE = 1e-4
"""How near a value is sought, over the plausible range."""
STEP = 0.02
"""Step of slopes over the plausible range: wide enough to see past whole vehicles."""
FAR = 5.0
"""Where a field has no bound, values up to this many plausible ranges beyond are tried."""


@dataclass(frozen=True)
class Target:
    """What shall be reached when."""

    indicator: str
    value: float
    year: int

    @classmethod
    def read(cls, text: str) -> Target:
        """Return the target of a text such as `nev_stock=2000000@2025`."""
        found = re.fullmatch(r"\s*(\w+)\s*=\s*([0-9_.eE+]+)\s*@\s*(\d{4})\s*", text)
        if not found:
            raise ScenarioError(f"{text!r}: write the target as INDICATOR=VALUE@YEAR, e.g. nev_stock=2000000@2025")
        try:
            return cls(found[1], float(found[2]), int(found[3]))
        except ValueError as error:
            raise ScenarioError(f"{text!r}: {found[2]!r} is no number; correct it") from error


@dataclass(frozen=True)
class Found:
    """What seeking came to."""

    target: Target
    verdict: Verdict
    levers: tuple[Lever, ...]
    values: tuple[float, ...]
    """Value of each lever that meets the target; where it is missed, the plausible one that comes nearest."""
    reached: float
    """What the indicator comes to in the target's year with these values."""
    before: float
    """What it comes to as the levers stand."""
    year_met: float | None
    """Time at which the target's value is passed with these values, where it is missed [year]; None: not by then."""
    horizon: int
    least: Least = "change"
    """What was least among the values that meet the target: money, where that is known of every lever, or the sum of
    the squared changes over the plausible ranges."""
    cost_cny: float | None = None
    """What the city and the operators of fleets spend more with these values, from the first year on to the target's,
    discounted [CNY]; None: not known of every lever."""

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        rows = [
            {
                "lever": one.key, "value": value, "now": one.now, "plausible_low": one.low, "plausible_high": one.high,
                "plausible": one.low - 1e-9 <= value <= one.high + 1e-9, "from_year": one.first_year,
                "whole": one.whole, "reached_in": one.reached, "now_plausible": not one.implausible,
            }
            for one, value in zip(self.levers, self.values, strict=True)
        ]  # fmt: skip
        own = {"indicator": self.target.indicator, "target": self.target.value, "year": self.target.year}
        reached = {"reached": self.reached, "before": self.before, "year_met": self.year_met, "horizon": self.horizon}
        uncosted = [one.key for one in self.levers if not one.costed]
        money = {"least": self.least, "cost_cny": self.cost_cny, "cost_unknown_of": uncosted}
        return own | {"verdict": self.verdict, "levers": rows} | reached | money


def seek(
    city: City, scenario: Scenario, target: Target, keys: Sequence[str], *, first_year: int | None, horizon: int
) -> Found:
    """Return the values of levers that meet a target at least cost, or with least change where a cost is not known.

    Parameters
    ----------
    city, scenario
        Data, and the levers as they stand.
    target
        What shall be reached when.
    keys
        Dotted keys of the levers. Several are moved together so that least money is spent (see `lever_cost`); where
        that is not known of one of them, so that the sum of the squared changes over their plausible ranges is least.
    first_year
        Year from which a table by year takes the value; None: the year after the calibration window, or the year
        after the base year for a target inside it.
    horizon
        Last year in which a missed target is looked for [year].

    Raises
    ------
    ScenarioError
        If a lever or the target is not known, or no lever moves it.
    """
    models = FastValues(city, scenario, max(horizon, target.year))
    start = first_year or _first_year(scenario, target)
    levers = tuple(lever(scenario, key, start, models.last_year, now=target.year) for key in keys)
    levers = tuple(replace(one, now=standing_at(models, one, target.year)) for one in levers)
    _require(models, target, levers)
    before = models.series(scenario, target.indicator)[target.year]
    sign = -1.0 if _downwards(city, target.indicator) else 1.0

    def gain(values: Sequence[float]) -> float:
        found = models.value(_moved(scenario, levers, values), target.indicator, target.year, since=start)
        return sign * (found - target.value)

    def extra(values: Sequence[float]) -> float:
        return models.spent(_moved(scenario, levers, values), start, target.year) - standing_cost

    if sign * (before - target.value) >= 0.0:
        standing = tuple(_now(one) for one in levers)
        return Found(target, "met_already", levers, standing, before, before, None, models.last_year)
    known = all(one.costed for one in levers) and start <= target.year
    standing_cost = models.spent(scenario, start, target.year) if known else 0.0
    if len(levers) == 1:
        values, verdict = _one(levers[0], gain)
    else:
        values, verdict = _several(levers, gain, extra if known else None)
    series = models.series(_moved(scenario, levers, values), target.indicator, since=start)
    late = when_reached({year: sign * one for year, one in series.items()}, sign * target.value)
    return Found(
        target, verdict, levers, tuple(values), series[target.year], before,
        late if verdict == "missed" else None, models.last_year,
        "cost" if known and len(levers) > 1 else "change", extra(values) if known else None,
    )  # fmt: skip


def _first_year(scenario: Scenario, target: Target) -> int:
    known = last_full_year(scenario.calibration.until)
    return known + 1 if target.year > known else scenario.run.first_year + 1


def standing_at(models: FastValues, one: Lever, year: int) -> float | None:
    """Return where a lever stands in a year; what is not set follows the calibrated path and the quota table."""
    section = models.scenario.cars
    if one.now is None and one.key == "cars.replacement_share":
        return cars.replacement_share(models.parameters, section, "car_private", year)
    if one.key == "cars.quota_nev":
        issued = models.start.rules.quota.get((year, "nev"), section.quota_nev_later)
        return section.quota_nev.get(year, issued)
    if one.now is None and one.key.startswith("cars.quota_nev."):
        issued_year = int(one.key.rpartition(".")[2])
        return models.start.rules.quota.get((issued_year, "nev"), section.quota_nev_later)
    return one.now


def _require(models: FastValues, target: Target, levers: Sequence[Lever]) -> None:
    problems = []
    if target.indicator not in models.names():
        problems.append(f"{target.indicator}: the fast models give {', '.join(models.names())}; choose one of them")
    if target.year <= models.scenario.run.first_year:
        problems.append(f"@{target.year}: must lie after the base year {models.scenario.run.first_year}")
    if len(levers) > 1:
        problems += [f"--lever {one.key}: goes in whole steps; seek it alone" for one in levers if one.whole]
    if problems:
        raise ScenarioError(problems)


def _downwards(city: City, indicator: str) -> bool:
    known = dict(city.indicators.select("indicator", "direction").iter_rows())
    return str(known.get(indicator, "at_least")) == "at_most"


def _moved(scenario: Scenario, levers: Sequence[Lever], values: Sequence[float]) -> Scenario:
    for one, value in zip(levers, values, strict=True):
        scenario = one.set(scenario, value)
    return scenario


Gain = Callable[[Sequence[float]], float]


def _one(one: Lever, gain: Gain) -> tuple[list[float], Verdict]:
    """Return the value nearest to where the lever stands; beyond the plausible range only where it must be."""
    found = _between(one, gain, one.low, one.high)
    if found is not None:
        return [found], "met"
    span = one.high - one.low
    edge = 0.0 if one.whole else TOLERANCE * span
    far = max(one.lowest + edge, one.low - FAR * span), min(one.highest - edge, one.high + FAR * span)
    outside = [
        value
        for low, high in ((far[0], one.low), (one.high, far[1]))
        if high > low and (value := _between(one, gain, low, high)) is not None
    ]
    if outside:
        return [min(outside, key=lambda value: abs(value - _now(one)))], "met_beyond"
    grid = _grid(one, one.low, one.high)
    gains = [gain([value]) for value in grid]
    if max(gains) - min(gains) <= 1e-12 * max(1.0, abs(gains[0])):
        raise ScenarioError(f"--lever {one.key}: does not move the target; choose another one, or an earlier --from")
    return [grid[int(np.argmax(gains))]], "missed"


def _between(one: Lever, gain: Gain, low: float, high: float) -> float | None:
    """Return the value between two that meets the target and is nearest to where the lever stands, if any."""
    from scipy.optimize import brentq

    grid = _grid(one, low, high)
    gains = [gain([value]) for value in grid]
    meeting = [value for value, margin in zip(grid, gains, strict=True) if margin >= 0.0]
    if one.whole or not meeting:
        return min(meeting, key=lambda value: abs(value - _now(one)), default=None)
    for left, right, before, after in zip(grid, grid[1:], gains, gains[1:], strict=False):
        if (before >= 0.0) != (after >= 0.0):
            width = TOLERANCE * (one.high - one.low)
            root = float(brentq(lambda value: gain([value]), left, right, xtol=width))
            inward = width if after >= 0.0 else -width
            meeting.append(root if gain([root]) >= 0.0 else min(max(root + inward, left), right))
    return min(meeting, key=lambda value: abs(value - _now(one)))


def _grid(one: Lever, low: float, high: float) -> list[float]:
    if one.whole:
        return [float(value) for value in range(int(np.ceil(low)), int(np.floor(high)) + 1)]
    return [float(value) for value in np.linspace(low, high, GRID)]


def _now(one: Lever) -> float:
    """Return where the lever stands; one that is not set counts as at the end that changes least: its high end."""
    return one.high if one.now is None else one.now


def _several(levers: Sequence[Lever], gain: Gain, cost: Gain | None = None) -> tuple[list[float], Verdict]:
    """Return the values that meet the target at least cost, or with least change in shares of the plausible ranges."""
    from scipy.optimize import brentq

    origin = np.array([min(max((_now(one) - one.low) / (one.high - one.low), 0.0), 1.0) for one in levers])

    def margin(shares: FloatArray) -> float:
        return gain(_values(levers, shares))

    def change(shares: FloatArray) -> float:
        return float(((shares - origin) ** 2).sum())

    corner = np.array([_best_end(origin, place, margin) for place in range(len(levers))])
    if margin(corner) < 0.0:
        return _values(levers, corner), "missed"
    if margin(origin) >= 0.0:
        return _values(levers, origin), "met"
    along = float(brentq(lambda part: margin(origin + part * (corner - origin)), 0.0, 1.0, xtol=TOLERANCE))
    start = origin + min(along + TOLERANCE, 1.0) * (corner - origin)
    scale = max(abs(margin(origin)), 1e-12)
    best = _least(change, lambda shares: margin(shares) / scale, [start])
    if cost is not None:
        places = list(range(len(levers)))
        orders = [places[place:] + places[:place] for place in places]
        starts = [best, corner, *(_in_turn(origin, corner, order, margin) for order in orders)]
        best = _least(lambda shares: cost(_values(levers, shares)), lambda shares: margin(shares) / scale, starts)
    return _values(levers, best), "met"


def _least(
    what: Callable[[FloatArray], float], margin: Callable[[FloatArray], float], starts: list[FloatArray]
) -> FloatArray:
    """Return the shares at which a quantity is least while the target is met, from several starts that meet it."""
    from scipy.optimize import minimize

    what, margin = _kept(what), _kept(margin)
    scale = max(max(abs(what(start)) for start in starts), 1e-12)
    found = list(starts)
    for start in starts:
        shares = minimize(
            lambda shares: what(shares) / scale,
            start,
            bounds=[(0.0, 1.0)] * len(start),
            constraints={"type": "ineq", "fun": margin},
            method="SLSQP",
            options={"maxiter": 20, "eps": STEP, "ftol": TOLERANCE},
        ).x
        found.append(np.clip(shares, 0.0, 1.0))
    return min((shares for shares in found if margin(shares) >= -TOLERANCE), key=what)


def _kept(what: Callable[[FloatArray], float]) -> Callable[[FloatArray], float]:
    """Return the function with its values kept: each costs a run of the models."""
    known: dict[tuple[float, ...], float] = {}

    def value(shares: FloatArray) -> float:
        key = tuple(shares.tolist())
        if key not in known:
            known[key] = what(shares)
        return known[key]

    return value


def _in_turn(
    origin: FloatArray, corner: FloatArray, order: Sequence[int], margin: Callable[[FloatArray], float]
) -> FloatArray:
    """Return the shares that meet the target with levers moved one after the other, each as far as it is needed."""
    from scipy.optimize import brentq

    shares = origin.copy()
    for place in order:
        moved = shares.copy()
        moved[place] = corner[place]
        if margin(moved) >= 0.0:
            way = moved - shares
            part = float(brentq(lambda part, at=shares, way=way: margin(at + part * way), 0.0, 1.0, xtol=TOLERANCE))
            return np.asarray(shares + min(part + TOLERANCE, 1.0) * way)
        shares = moved
    return shares


def _best_end(origin: FloatArray, place: int, margin: Callable[[FloatArray], float]) -> float:
    """Return the end of the plausible range, 0 or 1, at which one lever brings most; where it stands if neither."""
    options = [origin[place], 0.0, 1.0]
    gains = []
    for value in options:
        shares = origin.copy()
        shares[place] = value
        gains.append(margin(shares))
    return float(options[int(np.argmax(gains))])


def _values(levers: Sequence[Lever], shares: FloatArray) -> list[float]:
    return [one.at(float(share)) for one, share in zip(levers, shares, strict=True)]
