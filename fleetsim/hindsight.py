"""A scenario and a city as they were known at a date: everything that was learned later is taken out.

Observations of later months go, values by year keep the years up to the cut and hold the last one, plates after the
cut are those of the last year known, and priors that were written with later figures at hand give way to wide ones
(`data/backtest.csv`). The shortfall of boardings is computed from the boardings observed until then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from fleetsim import announced
from fleetsim.calibration import REGISTERED_SHARE
from fleetsim.cars import CAR_FLEETS
from fleetsim.datasets import City
from fleetsim.forecast_error import market_growth, step_sd
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.sections import last_full_year
from fleetsim.stand_ins import stand_ins
from fleetsim.tables import EnergyPrice, Fleet, Observation, Quota

PROXY = "nev_promoted_cumulative"
"""Vehicles promoted since the beginning: the last figure near the stock that was known where no stock was."""
CUT_SECTIONS = ("stock", "cars", "policy", "modes", "freight")
OVERRIDES = ("replacement_share", "quota_nev")
"""Values by year of the cars that say nothing where they are empty."""
GROWING = ("rail_km", "cycle_lane_km")
"""Lengths that go on at their mean yearly growth up to the cut."""
BOARDINGS = {"rail_shortfall": "rail_ridership", "bus_shortfall": "bus_ridership_city"}
LAST_YEAR = 2050
POLICIES = {
    "stock": ("scrappage", "purchase_grant_share"),
    "cars": ("grant_cny", "scrappage_factor", "quota_nev", "quota_nev_later", "quota_ordinary_later"),
    "modes": GROWING,
}
"""What others decided after the cut; given to the forecaster where only the model shall be judged."""
REMAINS = (
    "base-year stock, its ages and districts, vehicle prices and the observed split of the base year are derived "
    "tables that may rest on later reports",
    "a figure counts as known at the end of its month or year, though some were published months later",
    "the clauses are those of the plan of October 2022; before it they stand for the rule of November 2020 that 80 % "
    "of new public vehicles be new-energy ones",
)


@dataclass(frozen=True, eq=False)
class KnownThen:
    """What a forecaster had at the cut."""

    city: City
    ways: tuple[tuple[City, Scenario], ...]
    """City and scenario with what was open at its middle, at its unfavourable and at its favourable end: clauses
    enforced as announced, by half, wholly; shortfall of boardings kept by half, wholly, not at all; lives."""
    announced: dy.DataFrame[announced.Announced]
    """What had been announced, with the outcomes known then."""
    until: str
    """Last month known."""
    replaced: tuple[str, ...]
    """What was taken out or replaced."""


def as_known(city: City, scenario: Scenario, until: str, *, policies: bool = False) -> KnownThen:
    """Return city and scenario as they were known at the end of a month.

    Parameters
    ----------
    city, scenario
        As they are now.
    until
        Last month known, e.g. '2022-12'.
    policies
        Leave in what others decided after the cut: plates, grants, prices of energy, lengths opened.
    """
    year, stand_in = last_full_year(until), stand_ins()
    known = _counted_earlier(observed_then(city.observations, until), round(stand_in["cars.proxy_lag_months"][0]))
    told = announced.announced(Path(scenario.run.city).name, until)
    quotas = _quotas_then(city.quotas, announced.quota(told), year)
    then = replace(city, observations=known) if policies else _city_then(city, known, quotas, year)
    tree = _tree_then(scenario, until, year)
    tree["cars"] |= _cars(stand_in, quotas, year, scenario.cars.interval)
    if policies:
        for section, names in POLICIES.items():
            tree[section] |= {name: getattr(getattr(scenario, section), name) for name in names}
    three = [Scenario.model_validate(_ends(tree, place, stand_in, known, year)) for place in range(3)]
    lives = [stand_in["stock.life_factor"][place] for place in (0, 2, 1)]
    ways = tuple((_lived(then, life), one) for life, one in zip(lives, three, strict=True))
    return KnownThen(then, ways, told, until, _replaced(year, policies=policies))


def _counted_earlier(known: dy.DataFrame[Observation], months: int) -> dy.DataFrame[Observation]:
    """Return the observations with cumulative figures put back to the month they were counted in."""
    month = pl.when(pl.col("date").str.len_chars() == 7).then(pl.col("date")).str.to_date("%Y-%m", strict=False)
    earlier = month.dt.offset_by(f"-{months}mo").dt.strftime("%Y-%m")
    stale = (pl.col("indicator") == PROXY) & earlier.is_not_null()
    return Observation.validate(known.with_columns(date=pl.when(stale).then(earlier).otherwise("date")))


def _quotas_then(quotas: dy.DataFrame[Quota], told: Mapping[tuple[int, str], float], year: int) -> dy.DataFrame[Quota]:
    """Return the plates of the years up to the cut, and those announced for later ones."""
    later = [
        {"year": when, "plate": plate, "plates": plates, "basis": "published"}
        for (when, plate), plates in told.items()
        if when > year
    ]
    kept = quotas.filter(pl.col("year") <= year)
    rows = pl.DataFrame(later, schema=kept.schema) if later else kept.clear()
    return Quota.validate(pl.concat([kept, rows]).sort("year", "plate"))


def _city_then(city: City, known: dy.DataFrame[Observation], quotas: dy.DataFrame[Quota], year: int) -> City:
    prices = EnergyPrice.validate(city.energy_prices.filter(pl.col("year") <= year))
    return replace(city, observations=known, quotas=quotas, energy_prices=prices)


def _lived(city: City, factor: float) -> City:
    life = pl.when(pl.col("fleet").is_in(list(CAR_FLEETS))).then(1.0).otherwise(factor) * pl.col("life_years")
    return replace(city, fleets=Fleet.validate(city.fleets.with_columns(life_years=life)))


def _tree_then(scenario: Scenario, until: str, year: int) -> dict[str, Any]:
    tree = scenario.model_dump()
    tree["calibration"]["until"] = until
    tree["schedule"]["convert"], tree["schedule"]["transfer"] = [], []
    tree["stock"]["retire_before"], tree["policy"]["fuel_ban_year"] = {}, {}
    tree["cars"]["fuel_ban_year"] = None
    lengths = {name: grown(tree["modes"][name], year) for name in GROWING}
    for name in CUT_SECTIONS:
        tree[name] = cut(tree[name], year)
    tree["modes"] |= lengths
    given = scenario.cars
    overrides = {name: getattr(given, name) for name in OVERRIDES}
    tree["cars"] |= {name: {at: one for at, one in path.items() if at <= year} for name, path in overrides.items()}
    return tree


def observed_then(observations: pl.DataFrame, until: str) -> dy.DataFrame[Observation]:
    """Return the observations of months up to `until`; a year counts as its December."""
    month = pl.when(pl.col("date").str.len_chars() == 4).then(pl.col("date") + "-12").otherwise(pl.col("date"))
    return Observation.validate(observations.filter(month <= until))


def cut(value: Any, year: int) -> Any:
    """Return a tree of values with every table by year cut after `year`; the last value left holds on.

    Where nothing is left, the earliest value stands for what was before it.

    >>> cut({"grant": {2021: 0.0, 2024: 9.0}, "factor": {2023: 1.0, 2025: 2.0}}, 2022)
    {'grant': {2021: 0.0}, 'factor': {2023: 1.0}}
    """
    if not isinstance(value, dict):
        return value
    if value and all(isinstance(key, int) for key in value):
        kept = {key: entry for key, entry in value.items() if key <= year}
        return kept or {min(value): value[min(value)]}
    return {key: cut(entry, year) for key, entry in value.items()}


def grown(path: Mapping[int, float], year: int) -> dict[int, float]:
    """Return a path up to `year`, then going on at its mean yearly growth until then.

    >>> grown({2019: 700.0, 2021: 740.0, 2025: 999.0}, 2022)[2050]
    1320.0
    """
    kept = {key: value for key, value in path.items() if key <= year}
    if len(kept) < 2:
        return kept or {min(path): path[min(path)]}
    first, last = min(kept), max(kept)
    growth = (kept[last] - kept[first]) / (last - first)
    return kept | {LAST_YEAR: kept[last] + growth * (LAST_YEAR - last)}


def shortfall(observations: pl.DataFrame, indicator: str, base_year: int) -> dict[int, float]:
    """Return by year how far boardings lay below those of the base year; empty where these were not observed."""
    rows = observations.filter(
        (pl.col("indicator") == indicator) & (pl.col("bound").cast(pl.String) == "value") & (pl.col("date") >= "2000")
    )
    yearly = {int(date): value for date, value in rows.select("date", "value").iter_rows() if len(date) == 4}
    if base_year not in yearly:
        return {}
    return {when: 1.0 - value / yearly[base_year] for when, value in sorted(yearly.items()) if when >= base_year}


def _cars(
    stand_in: Mapping[str, tuple[float, float, float]], quotas: pl.DataFrame, year: int, interval: float
) -> dict[str, Any]:
    own: dict[str, Any] = {
        key.partition(".")[2]: value[0] for key, value in stand_in.items() if key.startswith("cars.")
    }
    own["share_midpoint"] = year + own.pop("share_midpoint_after")
    own["proxies"] = {PROXY: own.pop("proxy_error"), REGISTERED_SHARE: own.pop("registered_error")}
    own.pop("proxy_lag_months")
    market = market_growth(year)
    if market is not None:
        own |= {"share_speed": market.mean, "drift_sd": step_sd(market, interval)}
    for plate in ("nev", "ordinary"):
        rows = quotas.sort("year").filter(pl.col("plate").cast(pl.String) == plate)
        if rows.height:
            own[f"quota_{plate}_later"] = float(rows["plates"][-1])
    return own


def _ends(
    tree: Mapping[str, Any],
    place: int,
    stand_in: Mapping[str, tuple[float, float, float]],
    known: pl.DataFrame,
    year: int,
) -> dict[str, Any]:
    """Return the tree with what was open at its middle (0), unfavourable (1) or favourable end (2)."""
    enforced = stand_in["policy.enforcement"][place]
    kept = stand_in["modes.shortfall_kept"][(0, 2, 1)[place]]
    strength = dict.fromkeys(tree["policy"]["enforcement"], enforced)
    base_year = tree["modes"]["base_year"]
    paths = {name: shortfall(known, series, base_year) or tree["modes"][name] for name, series in BOARDINGS.items()}
    after = {name: path | _after(path, kept, year) for name, path in paths.items()}
    return {
        **tree,
        "policy": {**tree["policy"], "enforcement": strength},
        "modes": {**tree["modes"], **after},
    }


def _after(path: Mapping[int, float], kept: float, year: int) -> dict[int, float]:
    last = path[max(path)]
    return {year: last, year + 1: kept * last}


def _replaced(year: int, *, policies: bool) -> tuple[str, ...]:
    kept = "; plates, grants, energy prices and lengths opened are left in as they came" if policies else ""
    return (
        f"observations, plates, energy prices and every value by year after {year}; the last one known holds on{kept}",
        "priors of the cars' replacement share, by wide ones (data/backtest.csv); speed and yearly step from the "
        "country's market until then (data/market.csv)",
        "enforcement of the clauses: 80 % of the purchases as announced in 2020; half and all are in the interval",
        "programmes announced until then are kept as earlier ones were on average; none and the record's high end are "
        "in the interval",
        "the shortfall of boardings: computed from boardings observed until then; after the cut half of it stays, "
        "none and all of it are in the interval",
        "lives of buses, taxis and trucks: 15 % shorter and longer are in the interval",
        "conversion schedules, bans and forced retirement of the scenario",
    )
