"""Calibration on observations: conversion paths of fleets, and the replacement share of cars with its interval.

Only observations up to the last month of the calibration window are used. Months between year ends are
read off by `forecast.month_value`, openly. Published lower bounds are censored observations: a model above the
bound costs nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from fleetsim import cars, stock
from fleetsim.cars import PARAMETERS, CarParameters
from fleetsim.cohorts import FloatArray, hazard, hazard_scale
from fleetsim.forecast import (
    CarProblem,
    NevPath,
    car_problem,
    fitted_path,
    interval_of,
    month_value,
    nev_path,
    time_of,
    two_month_share,
)
from fleetsim.scenario.sections import CarsSection, StockSection
from fleetsim.stock import Rules, Sections, StockTables

NEV_STOCK = "nev_stock"
PRIVATE_NEV = "private_nev_car_stock"
REGISTERED_SHARE = "nev_share_of_registrations_turn_of_year"
"""December and January together: purchases are brought forward into December where a grant ends with the year."""
REGISTRATIONS = "new_civil_automobile_registrations"
CIVIL = "civil_automobile_stock"
BOUNDS = ((-12.0, 15.0), (0.05, 3.0), (0.3, 1.0), (0.0, 4.0), (-3.0, 10.0), (0.2, 0.6), (-1.0, 1.0))
"""Lowest and highest value of each of `PARAMETERS`; the midpoint's is counted from its prior [years]."""

WALKERS, BURN_IN, STRETCH = 48, 120, 2.0
"""Ensemble of the posterior sampler: walkers, steps thrown away, and the stretch of Goodman and Weare (2010)."""


@dataclass(frozen=True)
class Observed:
    """One observation of a number of vehicles."""

    indicator: str
    date: str
    bound: str
    vehicles: float


def select(observations: pl.DataFrame, indicators: Sequence[str], after: str, until: str) -> tuple[Observed, ...]:
    """Return the observations of some indicators with `after` < date <= `until`, sorted by date.

    Upper bounds are left out: none of the series used here has one.
    """
    month = pl.when(pl.col("date").str.len_chars() == 4).then(pl.col("date") + "-12").otherwise(pl.col("date"))
    rows = (
        observations.with_columns(date=month, bound=pl.col("bound").cast(pl.String))
        .filter(pl.col("indicator").is_in(list(indicators)))
        .filter((pl.col("date") > after) & (pl.col("date") <= until) & (pl.col("bound") != "upper"))
        .sort("date", "indicator", "bound")
    )
    return tuple(Observed(*row) for row in rows.select("indicator", "date", "bound", "value").iter_rows())


def conversion_paths(
    observations: pl.DataFrame, base_stock: pl.DataFrame, section: StockSection, until: str
) -> dict[str, tuple[tuple[float, float], ...]]:
    """Return the observed, and where none was published the assumed, new-energy share of fleets by time.

    Parameters
    ----------
    observations
        Table of Observation.
    base_stock
        Table of StockShare: its fleet sizes turn counts into shares.
    section
        Which indicators tell a fleet, and the assumed shares.
    until
        Last month that may be used.
    """
    paths = {}
    for fleet in sorted({*section.observed_by, *section.assumed_share}):
        found = _anchors(fleet, observations, base_stock, section, until)
        assumed = {
            time_of(date): share for date, share in section.assumed_share.get(fleet, {}).items() if date <= until
        }
        anchors = sorted({**assumed, **found}.items())
        if anchors:
            paths[fleet] = tuple(anchors)
    return paths


def observed_until(
    observations: pl.DataFrame, base_stock: pl.DataFrame, section: StockSection, until: str
) -> dict[str, float]:
    """Return the time up to which each fleet's conversion was observed, assumed shares left out [year]."""
    found = {fleet: _anchors(fleet, observations, base_stock, section, until) for fleet in section.observed_by}
    return {fleet: max(anchors) for fleet, anchors in found.items() if anchors}


def _anchors(
    fleet: str, observations: pl.DataFrame, base_stock: pl.DataFrame, section: StockSection, until: str
) -> dict[float, float]:
    members = list(section.observed_of.get(fleet, (fleet,)))
    size = float(base_stock.filter(pl.col("fleet").is_in(members))["vehicles"].sum())
    rows = select(observations, section.observed_by.get(fleet, ()), "0000-00", until)
    values = [row for row in rows if row.bound == "value"]
    return {time_of(row.date): row.vehicles if row.vehicles <= 1.0 else row.vehicles / size for row in values}


def prepare(
    tables: StockTables, observations: pl.DataFrame, sections: Sections, until: str, years: Sequence[int], seed: int = 1
) -> tuple[pl.DataFrame, Rules]:
    """Return the stock at the end of the base year and the calibrated rules for `years` (base year first)."""
    opening = stock.initial(tables, years[0])
    paths = conversion_paths(observations, tables.stock, sections.stock, until)
    plain = stock.rules(tables, sections, years, None, paths)
    problem = car_problem(opening, plain, years)
    fitted = calibrate(problem, observations, until, seed=seed)
    return opening, replace(plain, cars=fitted)


def car_hazard_scale(problem: CarProblem, observations: pl.DataFrame, until: str) -> float:
    """Return kappa of the car hazards from the registrations and the stock of the year after the base year.

    Cars take their part of the registrations and of the growth of all civil automobiles. The result is 1
    where registrations or stock of that year were not observed within the window.
    """
    year = problem.cars[0].year + 1
    window = (f"{year}-11", min(f"{year}-12", until))
    found = {row.indicator: row.vehicles for row in select(observations, (REGISTRATIONS, CIVIL), *window)}
    if len(found) < 2:
        return 1.0
    expected = 0.0
    for one in problem.cars:
        row = problem.rules.fleets[one.fleet]
        rate = hazard(one.ages(), row["life_years"], row["life_shape"], row["statutory_age"])
        expected += float((one.counts * rate[None, :, None]).sum())
    held = float(sum(one.counts.sum() for one in problem.cars))
    part = held / problem.civil
    return hazard_scale(held, found[REGISTRATIONS] * part, found[CIVIL] * part, expected)


def calibrate(problem: CarProblem, observations: pl.DataFrame, until: str, *, seed: int = 1) -> CarParameters:
    """Return the car parameters with the highest posterior density, and draws around them.

    Parameters
    ----------
    problem
        Result of `car_problem`; its years must reach the last observation.
    observations
        Table of Observation; used are `nev_stock`, `private_nev_car_stock` and the proxies, after the base year.
    until
        Last month that may be used.
    seed
        Seed of the draws.

    Notes
    -----
    Values: normal with relative standard deviation `observation_error` (`private_error`). Lower bounds:
    log Phi((model - bound) / (bound_error bound)). Priors: normal, of `CarsSection`; drift has nothing but
    its prior. Draws come from the posterior by `sample`.
    """
    from scipy.optimize import minimize

    section = problem.rules.sections.cars
    start = cars.prior(section)
    kappa = car_hazard_scale(problem, observations, until)
    start = replace(start, kappa=kappa, window_end=int(until[:4]))
    seen = _seen(problem, observations, until)
    scale = _prior_sd(section)
    limits = _limits(start, scale)

    def density(z: FloatArray) -> FloatArray:
        inside = np.all((z >= limits[0] - 1e-6) & (z <= limits[1] + 1e-6), axis=1)
        vectors = start.vector() + np.clip(z, *limits) * scale
        return np.where(inside, log_posterior(problem, vectors, (kappa, start.window_end), z, seen), -np.inf)

    best = minimize(
        lambda z: -float(density(z[None, :])[0]),
        np.zeros(len(PARAMETERS)),
        jac=lambda z: -_gradient(density, z),
        method="L-BFGS-B",
        bounds=list(zip(*limits, strict=True)),
    ).x
    random = np.random.default_rng(seed)
    sampled = start.vector() + sample(density, best, section.draws, random) * scale
    return replace(
        start.at(start.vector() + best * scale),
        sd=tuple(sampled.std(axis=0).tolist()),
        draws=tuple(tuple(row) for row in sampled.tolist()),
    )


def _seen(problem: CarProblem, observations: pl.DataFrame, until: str) -> tuple[Observed, ...]:
    names = (NEV_STOCK, PRIVATE_NEV, *problem.rules.sections.cars.proxies)
    rows = select(observations, names, f"{problem.cars[0].year}-12", until)
    return tuple(row for row in rows if int(row.date[:4]) <= max(problem.others))


def sample(
    density: Callable[[FloatArray], FloatArray], best: FloatArray, size: int, random: np.random.Generator
) -> FloatArray:
    """Return draws from a density, one a row, by the stretch move of an ensemble of walkers.

    Parameters
    ----------
    density
        Log density of many points at once, up to a constant.
    best
        Point the walkers start around.
    size
        Number of draws.
    random
        Seeded generator.

    Notes
    -----
    Goodman and Weare 2010: each walker moves along the line to a walker of the other half, by a factor
    drawn from g(s) ~ 1 / sqrt(s) on [1/2, 2]. It does not mind that parameters trade off against each other.
    """
    walkers = best + 0.1 * random.standard_normal((WALKERS, best.size))
    level = density(walkers)
    walkers[~np.isfinite(level)] = best
    walkers += 1e-6 * random.standard_normal(walkers.shape)
    level = density(walkers)
    halves = np.arange(WALKERS) < WALKERS // 2
    kept: list[FloatArray] = []
    steps = BURN_IN + 5 * -(-size // WALKERS)
    for step in range(steps):
        for half in (halves, ~halves):
            walkers[half], level[half] = _stretch(density, (walkers[half], level[half]), walkers[~half], random)
        if step >= BURN_IN and (step - BURN_IN) % 5 == 4:
            kept.append(walkers.copy())
    return np.concatenate(kept)[:size]


def _stretch(
    density: Callable[[FloatArray], FloatArray],
    state: tuple[FloatArray, FloatArray],
    others: FloatArray,
    random: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Return the points and their log density after one stretch move of each."""
    points, level = state
    factor = ((STRETCH - 1.0) * random.uniform(size=len(points)) + 1.0) ** 2 / STRETCH
    partner = others[random.integers(len(others), size=len(points))]
    proposed = partner + factor[:, None] * (points - partner)
    new = density(proposed)
    with np.errstate(invalid="ignore"):
        # Both outside the bounds: no number, so not accepted.
        gain = (points.shape[1] - 1.0) * np.log(factor) + new - level
    accepted = np.log(random.uniform(size=len(points))) < gain
    return np.where(accepted[:, None], proposed, points), np.where(accepted, new, level)


def log_posterior(
    problem: CarProblem,
    vectors: FloatArray,
    kappa_and_end: tuple[float, int],
    z: FloatArray,
    seen: Sequence[Observed],
) -> FloatArray:
    """Return the log density of parameter vectors given observations, up to a constant.

    Parameters
    ----------
    problem
        Result of `car_problem`.
    vectors
        Parameters to judge, one vector a row.
    kappa_and_end
        Scale of the hazards, and the last year of the calibration window.
    z
        Their distance from the prior's mean in standard deviations.
    seen
        Observations of the calibration window.
    """
    from scipy.special import log_ndtr

    section = problem.rules.sections.cars
    result = -0.5 * np.einsum("ij,ij->i", z, z)
    if not seen:
        return np.asarray(result)
    path = nev_path(problem, vectors, kappa_and_end, max(int(row.date[:4]) for row in seen))
    first_half = vectors[:, PARAMETERS.index("first_half_share")]
    for row in seen:
        deviation = modelled(path, row, first_half) / row.vehicles - 1.0
        if row.bound == "lower":
            result = result + log_ndtr(deviation / section.bound_error)
        else:
            own = section.private_error if row.indicator == PRIVATE_NEV else section.observation_error
            error = section.proxies.get(row.indicator, own)
            result = result - 0.5 * (deviation / error) ** 2
    return np.asarray(result)


def modelled(path: NevPath, row: Observed, first_half_share: FloatArray) -> FloatArray:
    """Return what the paths say of an observation's quantity and date [vehicles, or share of registrations]."""
    if row.indicator == REGISTERED_SHARE:
        return two_month_share(path.registered_share, row.date)
    series = path.private if row.indicator == PRIVATE_NEV else path.total
    return month_value(series, row.date, first_half_share)


def fit_table(
    problem: CarProblem, parameters: CarParameters, observations: pl.DataFrame, last_year: int
) -> pl.DataFrame:
    """Return model against observation, one row an observation from the base year's end on.

    Observations after the calibration window are there too: they show how the forecast did. `low` and
    `high` are the interval of the draws.
    """
    seen = select(observations, (NEV_STOCK, PRIVATE_NEV), f"{problem.cars[0].year}-11", f"{last_year}-12")
    best, drawn = (fitted_path(problem, parameters, last_year, drawn=kind) for kind in (False, True))
    half = PARAMETERS.index("first_half_share")
    values = [float(modelled(best, row, parameters.vector()[half : half + 1])[0]) for row in seen]
    ranges = [interval_of(modelled(drawn, row, np.array(parameters.draws)[:, half]), problem) for row in seen]
    return pl.DataFrame(
        {
            "indicator": [row.indicator for row in seen],
            "date": [row.date for row in seen],
            "bound": [row.bound for row in seen],
            "observed": [row.vehicles for row in seen],
            "modelled": values,
            "low": [low for low, _ in ranges],
            "high": [high for _, high in ranges],
            "deviation_share": [value / row.vehicles - 1.0 for value, row in zip(values, seen, strict=True)],
        }
    )


def _prior_sd(section: CarsSection) -> FloatArray:
    return np.array(
        [
            section.share_midpoint_sd,
            section.share_speed_sd,
            section.share_ceiling_sd,
            section.grant_response_sd,
            section.company_lead_years_sd,
            section.first_half_share_sd,
            max(section.drift_sd, 1e-9),
        ]
    )


def _limits(start: CarParameters, scale: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the bounds of the parameters in standard deviations of the prior."""
    bounds = np.array(BOUNDS)
    bounds[0] += start.midpoint
    centred = (bounds - start.vector()[:, None]) / scale[:, None]
    return np.minimum(centred[:, 0], 0.0), np.maximum(centred[:, 1], 0.0)


def _gradient(density: Callable[[FloatArray], FloatArray], at: FloatArray, step: float = 1e-4) -> FloatArray:
    """Return the gradient by central differences, all points in one call; one-sided at the bounds."""
    moves = np.eye(at.size) * step
    values = density(np.concatenate([at[None, :], at + moves, at - moves]))
    here, ahead, behind = values[0], values[1 : 1 + at.size], values[1 + at.size :]
    sides = np.isfinite(ahead).astype(float) + np.isfinite(behind)
    rise = np.where(np.isfinite(ahead), ahead, here) - np.where(np.isfinite(behind), behind, here)
    return np.asarray(rise / (step * np.maximum(sides, 1.0)))
