"""The share of green travel: a pivot-point nested logit on the observed split of the base year.

Trips of the central six districts, split by segment (district, distance band, car at hand). What the levers of
the scenario do to a mode is a change of its utility against the base year; the observed split itself is never
modelled, only moved. Three terms are calibrated on observations and named openly: how strongly the shortfall of
transit boardings weighs (`transit_aversion`), what upgraded cycling network is worth (`cycle_effect`), and a
yearly trend of the green modes that stands for every measure not itemised (`green_trend`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleetsim.forecast_error import Step, log_odds, normal_tail, updated, widened
from fleetsim.mode_utility import (
    GREEN,
    INDEX,
    IS_GREEN,
    RAIL,
    SLOW,
    FloatArray,
    access_utility,
    mode_utility,
    nested_logit,
    without_access,
)
from fleetsim.scenario.accounts import ModesSection
from fleetsim.scenario.sections import at_year, last_full_year
from fleetsim.stand_ins import stand_ins
from fleetsim.tables import MODES, ModeBase, ModeShare, Observation, StockTotal
from networks.errors import DataError, ScenarioError

OBSERVED_MODES: dict[str, tuple[str, ...]] = {
    "green_travel_share": GREEN,
    "rail_share": RAIL,
    "bus_share": ("bus",),
    "bike_share": ("bike",),
    "walk_share": ("walk",),
    "slow_share": SLOW,
}


@dataclass(frozen=True)
class ModeFit:
    """The calibrated terms and how well they fit.

    Attributes
    ----------
    transit_aversion
        Utility lost on rail or bus per unit of its boarding shortfall.
    cycle_effect
        Utility of cycling per ln(1 + upgraded km / 1000).
    green_trend
        Utility all green modes gain each year.
    covariance
        Covariance of the three terms, 3 x 3.
    last_year
        Last year whose observations were used; the trend is damped after it.
    observations
        Rows used.
    residuals
        (indicator, year, observed share, modelled share) of each row used.
    """

    transit_aversion: float
    cycle_effect: float
    green_trend: float
    covariance: FloatArray
    last_year: int
    observations: int
    residuals: tuple[tuple[str, int, float, float], ...]
    step: Step | None = None
    """Yearly step of the green share's log-odds that no term explains; None: forecasts tell the terms' range only."""
    seen_until: int = 0
    """Last year in which the green share was observed; the steps count from then on."""

    @property
    def degrees_of_freedom(self) -> int:
        """Rows used minus the three calibrated terms."""
        return self.observations - 3

    @property
    def terms(self) -> FloatArray:
        """The three calibrated terms as an array."""
        return np.array([self.transit_aversion, self.cycle_effect, self.green_trend])


@dataclass(frozen=True)
class _Segments:
    shares: FloatArray
    weights: FloatArray
    car_available: NDArray[np.bool_]

    @property
    def total(self) -> FloatArray:
        """The split of all trips, by mode."""
        split: FloatArray = self.weights @ self.shares
        return split


def car_ratio(stock: dy.DataFrame[StockTotal], base_year: int) -> dict[int, float]:
    """Return cars of each year over those of the base year (the first year of the stock, if that is later)."""
    cars = (
        stock.filter(pl.col("fleet").is_in(["car_private", "car_company"]))
        .group_by("year", maintain_order=True)
        .agg(pl.col("vehicles").sum())
        .sort("year")
    )
    by_year = dict(cars.iter_rows())
    base = by_year.get(base_year, next(iter(by_year.values()), 1.0))
    return {year: vehicles / base for year, vehicles in by_year.items()}


def split(
    base: dy.DataFrame[ModeBase],
    section: ModesSection,
    fit: ModeFit,
    year: int,
    *,
    cars: Mapping[int, float] | None = None,
) -> dy.DataFrame[ModeShare]:
    """Return the modelled split of a year, schema `ModeShare`, one row a mode and one for 'green'.

    Parameters
    ----------
    base
        Observed split of the base year by segment.
    section
        The scenario's levers.
    fit
        The calibrated terms, from `calibrate_modes`.
    year
        Year [a].
    cars
        Car stock over that of the base year, by year; 1 where not given.
    """
    segments = _segments(base)
    shares = _total(segments, section, fit.terms, year, fit.last_year, _at(cars, year))
    return _table(year, shares, None)


def forecast(
    base: dy.DataFrame[ModeBase],
    section: ModesSection,
    fit: ModeFit,
    years: Sequence[int],
    *,
    cars: Mapping[int, float] | None = None,
) -> dy.DataFrame[ModeShare]:
    """Return the split of each year, schema `ModeShare`, the row 'green' with its range.

    Notes
    -----
    The range is the 80 % range of the calibrated terms, after the last observation used widened from no trend kept
    (low) to the whole trend kept (high), and by the yearly steps that observed shares made (`fit.step`).
    """
    segments = _segments(base)
    parts = []
    for year in years:
        ratio = _at(cars, year)
        shares = _total(segments, section, fit.terms, year, fit.last_year, ratio)
        parts.append(_table(year, shares, _range(segments, section, fit, year, ratio)))
    return ModeShare.validate(pl.concat(parts).sort("year", "mode"))


def calibrate_modes(
    base: dy.DataFrame[ModeBase],
    section: ModesSection,
    observations: dy.DataFrame[Observation],
    until: str,
    *,
    cars: Mapping[int, float] | None = None,
    prior_trend: float | None = None,
) -> ModeFit:
    """Return the three calibrated terms that fit the observed shares up to a month best.

    Parameters
    ----------
    base, section, cars
        As in `split`.
    observations
        Published figures; used are the values of green, rail, bus, bike, walk and slow share after the base year.
    until
        Last month used, e.g. '2025-12'; a year's share counts as known at its end.
    prior_trend
        Trend of the green modes before any observation [1/year]; None: that of the section.

    Raises
    ------
    ScenarioError
        If the base year lies after `until`.

    Notes
    -----
    Least squares, each row over its standard error (`green_error`, `mode_error`, double where the confidence is low),
    with the weak priors of the section so that a short window stays solvable. The shortfalls of boardings are given by
    the scenario, not by this fit.
    """
    from scipy.optimize import least_squares

    last_year = _last_year(section, until)
    segments = _segments(base)
    rows = _observed_rows(observations, section, last_year)
    totals = sorted({year for _, year, _, _ in rows})
    priors = np.array([section.prior_aversion, section.prior_cycling, section.prior_trend])
    prior = priors[:, 0] if prior_trend is None else np.array([*priors[:2, 0], prior_trend])

    def misfit(terms: FloatArray) -> FloatArray:
        by_year = {y: _total(segments, section, terms, y, last_year, _at(cars, y)) for y in totals}
        errors = [(_sum(by_year[y], name) - value) / spread for name, y, value, spread in rows]
        return np.array([*errors, *((terms - prior) / priors[:, 1])])

    solution = least_squares(misfit, prior)
    covariance = np.linalg.inv(solution.jac.T @ solution.jac)
    aversion, cycle, trend = (float(term) for term in solution.x)
    modelled = solution.fun[: len(rows)]
    residuals = tuple(
        (name, year, value, value + float(error) * spread)
        for (name, year, value, spread), error in zip(rows, modelled, strict=True)
    )
    step, seen_until = _step(observations, last_year, float(prior[2]))
    return ModeFit(aversion, cycle, trend, covariance, last_year, len(rows), residuals, step, seen_until)


def _step(observations: dy.DataFrame[Observation], last_year: int, trend: float) -> tuple[Step, int]:
    """Return the yearly step of the green share around a trend as observed, and the last year it was observed in."""
    rows = observations.filter(
        (pl.col("indicator") == "green_travel_share")
        & (pl.col("bound") == "value")
        & (pl.col("date").str.head(4).cast(pl.Int64) <= last_year)
    ).sort("date")
    odds = {int(date[:4]): log_odds(share) for date, share in rows.select("date", "value").iter_rows()}
    gaps = [(after - before, odds[after] - odds[before]) for before, after in pairwise(odds)]
    errors = [(change - trend * years) / years**0.5 for years, change in gaps]
    prior = stand_ins()
    return updated(prior["modes.step_sd"][0], prior["modes.step_number"][0], errors), max(odds, default=last_year)


def _last_year(section: ModesSection, until: str) -> int:
    last_year = last_full_year(until)
    if section.base_year > last_year:
        raise ScenarioError(
            f"modes.base_year: {section.base_year} lies after calibration.until {until}; choose an earlier base year"
        )
    return last_year


def _observed_rows(
    observations: dy.DataFrame[Observation], section: ModesSection, last_year: int
) -> list[tuple[str, int, float, float]]:
    chosen = observations.filter(
        pl.col("indicator").is_in(list(OBSERVED_MODES))
        & (pl.col("bound") == "value")
        & pl.col("date").str.head(4).cast(pl.Int64).is_between(section.base_year + 1, last_year)
    ).sort("indicator", "date")
    walked = set(chosen.filter(pl.col("indicator") == "walk_share")["date"])
    rows = []
    for row in chosen.iter_rows(named=True):
        if row["indicator"] == "slow_share" and row["date"] in walked:
            continue
        spread = section.green_error if row["indicator"] == "green_travel_share" else section.mode_error
        doubled = spread * (2.0 if row["confidence"] == "low" else 1.0)
        rows.append((row["indicator"], int(row["date"][:4]), row["value"], doubled))
    return rows


def _sum(total: FloatArray, indicator: str) -> float:
    return float(sum(total[INDEX[mode]] for mode in OBSERVED_MODES[indicator]))


def _at(cars: Mapping[int, float] | None, year: int) -> float:
    return at_year(dict(cars), year) if cars else 1.0


def _segments(base: dy.DataFrame[ModeBase]) -> _Segments:
    wide = (
        base.with_columns(pl.col("mode").cast(pl.String), pl.col("distance_band").cast(pl.String))
        .pivot("mode", index=["district", "distance_band", "car_available"], values="trip_share")
        .sort("district", "distance_band", "car_available")
    )
    missing = [mode for mode in MODES if mode not in wide.columns]
    if missing:
        raise DataError(f"mode_base.csv, column mode: {', '.join(missing)} missing; give every mode for each segment")
    shares = wide.select(pl.col(MODES).fill_null(0.0)).to_numpy()
    weights = shares.sum(axis=1)
    return _Segments(shares / weights[:, None], weights / weights.sum(), wide["car_available"].to_numpy())


def _total(
    segments: _Segments, section: ModesSection, terms: FloatArray, year: int, last_year: int, cars: float
) -> FloatArray:
    """The split of all trips of a year: trips without and with new rail access, segments by their weight."""
    change = mode_utility(segments.total, section, terms, year, last_year)
    opened = at_year(section.rail_km, year) - at_year(section.rail_km, section.base_year)
    reached = min(max(opened * section.rail_access_share_per_km, 0.0), 0.5)
    before = without_access(segments.shares, section.rail_share_before_access)
    rest = (segments.shares - reached * before) / (1.0 - reached)
    gained = access_utility(without_access(segments.total[None, :], section.rail_share_before_access)[0], section)
    nests = {"green": section.nest_green, "motor": section.nest_motor}
    moved = (1.0 - reached) * nested_logit(rest, change, **nests)
    moved += reached * nested_logit(before, change + gained, **nests)
    weights = segments.weights * np.where(segments.car_available, cars**section.car_trips_elasticity, 1.0)
    total: FloatArray = (weights / weights.sum()) @ moved
    return total


def _range(segments: _Segments, section: ModesSection, fit: ModeFit, year: int, cars: float) -> tuple[float, float]:
    """Range of the green share: the terms' `interval`, and none to all of the trend kept."""

    def logit_at(terms: FloatArray, kept: float) -> float:
        changed = section.model_copy(update={"trend_kept": kept})
        share = float(_total(segments, changed, terms, year, fit.last_year, cars)[IS_GREEN].sum())
        return log(share / (1.0 - share))

    middle = logit_at(fit.terms, section.trend_kept)
    step = 1e-4
    slope = np.array([(logit_at(fit.terms + step * unit, section.trend_kept) - middle) / step for unit in np.eye(3)])
    spread = normal_tail(section.interval) * float(np.sqrt(slope @ fit.covariance @ slope))
    ends = [middle, logit_at(fit.terms, 0.0), logit_at(fit.terms, 1.0)]
    low, high = _share(min(ends) - spread), _share(max(ends) + spread)
    if fit.step is None:
        return low, high
    return widened(_share(middle), (low, high), fit.step.half(year - fit.seen_until, section.interval))


def _share(logit: float) -> float:
    return 1.0 / (1.0 + exp(-logit))


def _table(year: int, shares: FloatArray, ends: tuple[float, float] | None) -> dy.DataFrame[ModeShare]:
    low, high = ends if ends else (None, None)
    rows: list[dict[str, object]] = [
        {"year": year, "mode": mode, "share": float(share), "low": None, "high": None}
        for mode, share in zip(MODES, shares, strict=True)
    ]
    rows.append({"year": year, "mode": "green", "share": float(shares[IS_GREEN].sum()), "low": low, "high": high})
    return ModeShare.validate(pl.DataFrame(rows, infer_schema_length=None).sort("year", "mode"), cast=True)
