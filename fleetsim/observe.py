"""Dynamic assessment (clause 30): new observations are appended, the model is calibrated again, and what moved is told.

Nothing is overwritten. A figure told again stands beside the earlier one with its day of publication and its source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from fleetsim import fast_path, stock
from fleetsim.calibration import CIVIL, NEV_STOCK, PRIVATE_NEV, REGISTRATIONS
from fleetsim.city_folder import write_tables
from fleetsim.datasets import City, latest, read_city, table_path
from fleetsim.fast_values import FastValues
from fleetsim.freight import RAIL_SHARE_SERIES
from fleetsim.modes import OBSERVED_MODES
from fleetsim.news_file import read_news_file
from fleetsim.scenario.scenario import Scenario
from fleetsim.tables import ObservationAdded
from networks.errors import DataError

TABLE = "observations_added"
KEYS = ("indicator", "date", "bound")
MOVED_SHARE = 0.001
"""Smallest relative change that is told."""
SCHEMA = {
    "indicator": pl.String,
    "year": pl.Int64,
    "before": pl.Float64,
    "after": pl.Float64,
    "change_share": pl.Float64,
    "cause": pl.String,
}


@dataclass(frozen=True, eq=False)
class News:
    """What a file brings to a city."""

    rows: dy.DataFrame[ObservationAdded]
    """Figures not known yet, revisions among them."""
    figures: pl.DataFrame
    """One row a figure: indicator, date, bound, before (empty: new), after, published, source."""
    unchanged: int
    """Rows of the file that were known already."""

    @property
    def revised(self) -> int:
        """Number of figures that revise an earlier one."""
        return self.figures["before"].count()


@dataclass(frozen=True, eq=False)
class Assessment:
    """What the news change."""

    news: News
    until: tuple[str, str]
    """Last month of the calibration window before and after."""
    moved: pl.DataFrame
    """One row an indicator and year of the model: before, after, change_share, cause."""

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "added": self.news.rows.height,
            "revised": self.news.revised,
            "unchanged": self.news.unchanged,
            "calibration_until": {"before": self.until[0], "after": self.until[1]},
            "figures": self.news.figures.to_dicts(),
            "moved": self.moved.to_dicts(),
        }


def read_news(file: Path, city: City, *, sheet: str | None = None) -> News:
    """Return what a file of observations brings to a city.

    Parameters
    ----------
    file
        CSV, Parquet or workbook of `ObservationAdded`: the columns of observations.csv, and `published` (YYYY-MM-DD).
    city
        The city as it is.
    sheet
        Sheet of a workbook; None: the first.

    Raises
    ------
    DataError
        With one line a fault, as any table; also where a unit is not that of the indicator so far, or where one day
        would tell a figure already told that day otherwise.
    """
    brought, numbers = read_news_file(file, sheet=sheet)
    units = dict(city.observations.select("indicator", "unit").unique("indicator", keep="first").iter_rows())
    told = {row[:4]: row[4] for row in city.observations_added.select(*KEYS, "published", "value").iter_rows()}
    problems = []
    for number, row in zip(numbers, brought.iter_rows(named=True), strict=True):
        unit = units.get(row["indicator"], row["unit"])
        if unit != row["unit"]:
            problems.append(f"{file}, row {number}, column unit: {row['unit']!r} is not {unit!r} as so far; convert it")
        key = (*(row[name] for name in KEYS), row["published"])
        if told.get(key, row["value"]) != row["value"]:
            problems.append(
                f"{file}, row {number}, column value: {row['value']:g} contradicts {told[key]:g} published the same "
                "day; correct one of them"
            )
    if problems:
        raise DataError(problems)
    return _news(brought, city)


def _news(brought: dy.DataFrame[ObservationAdded], city: City) -> News:
    plain = pl.col("bound").cast(pl.String)
    held = city.observations.select("indicator", "date", plain, before="value")
    known = city.observations_added.select("indicator", "date", plain, "published").with_columns(known=True)
    rows = brought.with_columns(plain)
    joined = rows.join(held, on=list(KEYS), how="left", maintain_order="left")
    joined = joined.join(known, on=[*KEYS, "published"], how="left", maintain_order="left")
    same = pl.col("known").is_not_null() | (pl.col("before").is_not_null() & (pl.col("before") == pl.col("value")))
    fresh = joined.filter(~same)
    figures = fresh.select(*KEYS, "before", "published", "source", after="value")
    return News(
        ObservationAdded.validate(fresh.select(brought.columns), cast=True), figures, joined.height - fresh.height
    )


def append(city: City, news: News) -> City:
    """Return the city with the news; the earlier figures stay in `observations_added`."""
    both = ObservationAdded.validate(pl.concat([city.observations_added, news.rows]))
    return replace(city, observations_added=both, observations=latest(city.observations, both))


def write(folder: Path, city: City) -> Path:
    """Write the appended observations into the city's folder and return the file; no other file is touched."""
    write_tables(folder, {TABLE: city.observations_added})
    return table_path(folder, TABLE)


def assess(city: City, scenario: Scenario, news: News) -> Assessment:
    """Return what the news change in the calibrated model, and which figure is the reason.

    Parameters
    ----------
    city, scenario
        Data before the news, and levers. Where the news reach beyond the calibration window it is moved to their last
        month.
    news
        Result of `read_news`.

    Notes
    -----
    The cause of a change is the series of figures that alone moves the value most in the same direction; the longer
    window alone is tried as well.
    """
    before = scenario.calibration.until
    after = max([before, *(_month(date) for date in news.rows["date"])])
    longer = scenario.set({"calibration.until": after})
    years = _years(scenario, after)
    # News do not touch the stock the years begin with, so it is made once.
    opening = stock.initial(fast_path.tables_of(city), scenario.run.first_year)
    old = _values(city, scenario, years, opening)
    new = _values(append(city, news), longer, years, opening)
    alone: dict[str, Mapping[tuple[str, int], float]] = {}
    if any(_differs(old[key], new[key]) for key in old):
        parts = _parts(news, scenario)
        several = len(parts) > 1
        alone = {
            name: _values(append(city, one), longer, years, opening) if several else new for name, one in parts.items()
        }
        if after != before:
            alone["calibration.until"] = _values(city, longer, years, opening)
    rows = [
        (name, year, old[name, year], new[name, year], _change(old[name, year], new[name, year]),
         _cause((name, year), old, new, alone))
        for name, year in old
        if _differs(old[name, year], new[name, year])
    ]  # fmt: skip
    return Assessment(news, (before, after), pl.DataFrame(rows, schema=SCHEMA, orient="row"))


def observe(file: Path, folder: Path, scenario: Scenario, *, sheet: str | None = None) -> Assessment:
    """Append a file's observations, of a workbook those of a sheet, to a city folder and return what they change.

    Raises
    ------
    DataError
        If the file or the folder has a mistake; then nothing is written.
    """
    city = read_city(folder)
    news = read_news(file, city, sheet=sheet)
    found = assess(city, scenario, news)
    if news.rows.height:
        write(folder, append(city, news))
    return found


def _month(date: str) -> str:
    return date if len(date) > 4 else f"{date}-12"


def _years(scenario: Scenario, until: str) -> list[int]:
    run = scenario.run
    return sorted({min(max(int(until[:4]), run.first_year + 1), run.last_year), run.last_year})


def _values(
    city: City, scenario: Scenario, years: Sequence[int], opening: pl.DataFrame
) -> dict[tuple[str, int], float]:
    models = FastValues(city, scenario, max(years), opening)
    series = {name: models.series(scenario, name) for name in models.names()}
    return {(name, year): values[year] for name, values in series.items() for year in years if year in values}


def _parts(news: News, scenario: Scenario) -> dict[str, News]:
    """Return the news by indicator, those that the calibration reads."""
    told = [name for names in scenario.stock.observed_by.values() for name in names]
    read = {NEV_STOCK, PRIVATE_NEV, CIVIL, REGISTRATIONS, *told, *OBSERVED_MODES, *RAIL_SHARE_SERIES}
    read |= set(scenario.cars.proxies)
    names = sorted(read & set(news.rows["indicator"]))
    return {name: replace(news, rows=_only(news.rows, name)) for name in names}


def _only(rows: dy.DataFrame[ObservationAdded], name: str) -> dy.DataFrame[ObservationAdded]:
    return ObservationAdded.validate(rows.filter(pl.col("indicator") == name))


def _change(before: float, after: float) -> float:
    return after / before - 1.0 if before else 0.0


def _differs(before: float, after: float) -> bool:
    return abs(after - before) > MOVED_SHARE * max(abs(before), 1e-12)


def _cause(
    key: tuple[str, int],
    old: Mapping[tuple[str, int], float],
    new: Mapping[tuple[str, int], float],
    alone: Mapping[str, Mapping[tuple[str, int], float]],
) -> str:
    """Return the news that alone move a value furthest towards where all of them move it; empty: only together."""
    direction = 1.0 if new[key] > old[key] else -1.0
    moves = {name: direction * (values[key] - old[key]) for name, values in alone.items()}
    best = max(moves, key=lambda name: moves[name], default="")
    return best if best and moves[best] > 0.0 else ""
