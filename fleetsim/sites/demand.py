"""Whom stations are for: residents, jobs, what a simulation left over, or a planner's own file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

from charging.tables import SiteDemand
from fleetsim.datasets import City
from fleetsim.scenario.stations import SitingSection
from fleetsim.sites.hours import profile
from fleetsim.siting_ground import site_demand
from networks.columns import numbers
from networks.courses import plane_km
from networks.errors import DataError
from networks.import_rules import zone_rules
from networks.layers import Layer, read_layer

LINES_SHOWN = 10


@dataclass(frozen=True, eq=False)
class Demand:
    """Who is to be served.

    Attributes
    ----------
    unit
        What the worth of a place is counted in: residents, jobs or visits (1/day).
    zones
        By year: zone, people (all there are, in the unit), left (worth serving again although a station is near)
        and visits [1/day].
    peak_share
        Share of a day's visits in the busiest hour.
    fleets
        What each fleet group sought and missed, of a result; else empty.
    hours
        Visits by hour of the day, of a result; else empty.
    load
        Table `StationLoad` of the stations of the kind, of a result; else empty.
    plugs
        year, station_id, plugs, power_kw of the simulated stations, of a result; else empty.
    by_fleet
        By year and group of fleets, of a result: `zones` of it alone, without people.
    kg_per_visit
        Hydrogen that a visit took, of a result [kg]; 0: not known.
    sessions
        Rows of table `Session` at stations of the kind, with power_kw of their plugs, of a result; else empty.
    by_hour
        By year, zones x 24: share of a zone's searches in each hour, of a result that tells it; else empty.
    zone_hours
        Rows of table `ZoneHour` of the kind in the years of a result that has it; else empty.
    """

    unit: str
    zones: Mapping[int, pl.DataFrame]
    peak_share: float
    fleets: pl.DataFrame
    hours: pl.DataFrame
    load: pl.DataFrame
    plugs: pl.DataFrame
    by_fleet: Mapping[int, Mapping[str, pl.DataFrame]] = field(default_factory=dict)
    kg_per_visit: float = 0.0
    sessions: pl.DataFrame = field(default_factory=pl.DataFrame)
    by_hour: Mapping[int, np.ndarray[Any, np.dtype[np.float64]]] = field(default_factory=dict)
    zone_hours: pl.DataFrame = field(default_factory=pl.DataFrame)


def people(city: City, section: SitingSection, years: tuple[int, ...], *, kind: str, unit: str) -> Demand:
    """Return residents or jobs as demand; visits are those per thousand of them that the scenario gives."""
    rate = section.visits_per_1000_residents.get(kind, 0.0) / 1000.0
    column = "population" if unit == "residents" else "jobs"
    amount = pl.col(column).cast(pl.Float64)
    zones = city.zones.select("zone", people=amount, left=pl.lit(0.0), visits=amount * rate)
    return Demand(unit, dict.fromkeys(years, zones), section.peak_hour_share, *_nothing())


def of_result(
    tables: Mapping[str, pl.DataFrame],
    city: City,
    section: SitingSection,
    years: tuple[int, ...],
    *,
    kind: str,
) -> Demand:
    """Return what the simulated days of a result sought, missed and waited for; a mean day, in visits.

    Parameters
    ----------
    tables
        `demand`, `station_load`, `station_years`, `sessions` and `stations` of a result, and `zone_hours` where it has
        it.
    city
        The city it ran in: zones and days.
    section
        Weights of unserved and of waiting visits, and of residents beyond the standard.
    years
        Years that are asked for; each takes the simulated year before or at it.
    kind
        Kind of station.

    Raises
    ------
    DataError
        If the result has no demand in or before a year, or was run on other zones.
    """
    table, load = tables["demand"], tables["station_load"]
    last = int(str(table["zone"].max() or 0))
    if last >= city.zones.height:
        raise DataError(f"demand: zone {last} of the result, but the city has {city.zones.height}; use its own city")
    known = table["year"].unique().sort().to_list()
    zones, of_year, by_fleet = {}, {}, {}
    for year in years:
        before = [each for each in known if each <= year]
        if not before:
            raise DataError(f"demand: the result begins in {known[0] if known else 'no year'}, {year} is asked for")
        of_year[year] = before[-1]
        own = table.filter(pl.col("year") == before[-1], pl.col("kind").cast(pl.String) == kind)
        zones[year] = _visits(own, city, section, kind)
        by_fleet[year] = {
            str(group): _visits(part, city, section, kind)
            for (group,), part in own.partition_by("fleet_group", as_dict=True).items()
        }
    chosen = sorted(set(of_year.values()))
    own = table.filter(pl.col("year").is_in(chosen), pl.col("kind").cast(pl.String) == kind)
    stations = tables["stations"].filter(pl.col("kind").cast(pl.String) == kind).select("station_id")
    load = load.filter(pl.col("year").is_in(chosen)).join(stations, on="station_id", how="semi")
    hours = _hours(load)
    plugs = tables["station_years"].select("year", "station_id", "plugs", "power_kw")
    kg = _kg_per_visit(load, city) if kind == "hydrogen" else 0.0
    sought, by_hour = _by_hour(tables, city, of_year, kind)
    shares = [_peak_of(zones[year], by_hour[year]) for year in years if year in by_hour]
    peak = max(shares, default=_peak_share(hours, section))
    visits = _of_kind(tables["sessions"], stations).filter(pl.col("year").is_in(chosen))
    visits = visits.join(plugs.select("year", "station_id", "power_kw"), on=["year", "station_id"])
    return Demand("visits", zones, peak, _fleets(own), hours, load, plugs, by_fleet, kg, visits, by_hour, sought)


def _of_kind(sessions: pl.DataFrame, stations: pl.DataFrame) -> pl.DataFrame:
    """Return the sessions at some stations."""
    named = sessions.select("year", "day", pl.col("station_id").cast(pl.String), "arrive", "start", "end")
    return named.join(stations, on="station_id", how="semi", maintain_order="left")


def _by_hour(
    tables: Mapping[str, pl.DataFrame], city: City, of_year: Mapping[int, int], kind: str
) -> tuple[pl.DataFrame, dict[int, np.ndarray[Any, np.dtype[np.float64]]]]:
    """Return the rows of `ZoneHour` of a kind, and by year the shares of the hours; empty where the result has none."""
    table = tables.get("zone_hours", pl.DataFrame())
    if table.is_empty():
        return pl.DataFrame(), {}
    chosen = sorted(set(of_year.values()))
    own = table.filter(pl.col("year").is_in(chosen), pl.col("kind").cast(pl.String) == kind)
    found = {year: profile(own.filter(pl.col("year") == of_year[year]), city.zones.height) for year in of_year}
    return own, {year: shares for year, shares in found.items() if shares is not None}


def _peak_of(zones: pl.DataFrame, shares: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Return the share of a day's visits in the hour in which most come."""
    visits = zones["visits"].to_numpy()
    total = float(visits.sum())
    return float((visits @ shares).max()) / total if total > 0 else float(shares.mean(axis=0).max())


def of_file(path: Path, city: City, section: SitingSection, years: tuple[int, ...]) -> Demand:
    """Return the demand of a planner's file: visits a day by zone, or by point.

    Parameters
    ----------
    path
        A table with `visits_per_day` and `zone`, or `lon` and `lat` (WGS-84); a column `year` where it changes.
    city
        Zones; a point belongs to the one whose centre is nearest.
    section
        Share of the busiest hour.
    years
        Years that are asked for; each takes the rows of the year before or at it.

    Raises
    ------
    DataError
        With every row that cannot be used.
    """
    layer = read_layer(path)
    columns = layer.rows.columns
    missing = [] if "visits_per_day" in columns else ["visits_per_day"]
    missing += [] if "zone" in columns or {"lon", "lat"} <= set(columns) else ["zone (or lon and lat)"]
    if missing:
        raise DataError([f"{path.name}: column {name} is missing; it has {', '.join(columns)}" for name in missing])
    rows = pl.DataFrame({"visits": _number(layer, "visits_per_day", low=0.0), "zone": _zone_of(layer, city)})
    given = _number(layer, "year") if "year" in columns else np.full(rows.height, -np.inf)
    zones = {}
    for year in years:
        before = given[given <= year]
        if not before.size:
            raise DataError(f"{path.name}: no row of {year} or before; give some")
        part = rows.filter(pl.Series(given == before.max()))
        sums = part.group_by("zone", maintain_order=True).agg(pl.col("visits").sum())
        amount = pl.col("visits").fill_null(0.0)
        table = city.zones.select("zone").join(sums, on="zone", how="left", maintain_order="left")
        zones[year] = table.select("zone", people=amount, left=pl.lit(0.0), visits=amount)
    return Demand("visits", zones, section.peak_hour_share, *_nothing())


def _nothing() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    return pl.DataFrame(), pl.DataFrame(), pl.DataFrame(), pl.DataFrame()


def _visits(own: pl.DataFrame, city: City, section: SitingSection, kind: str) -> pl.DataFrame:
    """Return by zone: residents as visits, visits left over (weighed), and all that were sought."""
    left = _left(own, city)
    sought = _mean_day(own, city, "seeks").rename({"seeks": "visits"})
    table = city.zones.select("zone", "population").join(left, on="zone", how="left", maintain_order="left")
    table = table.join(sought, on="zone", how="left", maintain_order="left").fill_null(0.0)
    rate = section.visits_per_1000_residents.get(kind, 0.0) / 1000.0
    weighed = section.unserved_weight * pl.col("unserved") + section.waiting_weight * pl.col("waiting")
    return table.select("zone", people=pl.col("population") * rate, left=weighed, visits="visits")


def _left(own: pl.DataFrame, city: City) -> pl.DataFrame:
    if own.is_empty():
        return SiteDemand.create_empty().select("zone", "unserved", "waiting")
    return site_demand(own, city).select("zone", "unserved", "waiting")


def _mean_day(own: pl.DataFrame, city: City, column: str) -> pl.DataFrame:
    """Return zone and the column on a mean of the simulated days."""
    present = city.days.filter(pl.col("day").is_in(own["day"].unique().implode()))
    weights = present.select("day", weight=pl.col("weight_days") / pl.col("weight_days").sum())
    sums = own.join(weights, on="day").group_by("zone", maintain_order=True)
    total = sums.agg((pl.col(column) * pl.col("weight")).sum())
    return total.with_columns(zone=city.zones["zone"].gather(total["zone"]))


def _fleets(own: pl.DataFrame) -> pl.DataFrame:
    names = ("seeks", "served", "unserved", "stranded", "waiting", "detour_km")
    groups = own.group_by("year", "day", "fleet_group", maintain_order=True)
    return groups.agg(pl.col(names).sum()).sort("year", "day", "fleet_group")


def _hours(load: pl.DataFrame) -> pl.DataFrame:
    """Return year, day, hour, visits; the night after midnight is folded into the clock."""
    hour = pl.col("hour") % 24
    visits = (pl.col("served") + pl.col("unserved")).sum()
    return (
        load.group_by("year", "day", hour.alias("hour"), maintain_order=True)
        .agg(visits=visits)
        .sort("year", "day", "hour")
    )


def _kg_per_visit(load: pl.DataFrame, city: City) -> float:
    """Return the hydrogen that a visit took [kg]; 0 where none was served."""
    heat = city.energy_content.filter(pl.col("carrier").cast(pl.String) == "hydrogen")["kwh_per_unit"]
    served = int(load["served"].sum())
    return float(load["energy_kwh"].sum()) / served / float(heat[0]) if served and len(heat) else 0.0


def _peak_share(hours: pl.DataFrame, section: SitingSection) -> float:
    """Return the busiest hour's share of a day's visits, the highest of the days; the scenario's where none came."""
    days = hours.group_by("year", "day", maintain_order=True)
    shares = days.agg(share=pl.col("visits").max() / pl.col("visits").sum())["share"].fill_nan(None).drop_nulls()
    return float(str(shares.max())) if len(shares) else section.peak_hour_share


def _number(layer: Layer, column: str, *, low: float = -np.inf) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values, wrong = numbers(layer.rows[column])
    bad = sorted({*wrong, *np.flatnonzero(~(values >= low)).tolist()})
    if bad:
        bound = f"a number of at least {low:g}" if np.isfinite(low) else "a number"
        raise DataError(
            [f"{layer.place(row)}: {column} {layer.rows[column][row]!r} is not {bound}" for row in bad[:LINES_SHOWN]]
        )
    return values


def _zone_of(layer: Layer, city: City) -> pl.Series:
    """Return the zone of each row: as told, or that of the nearest centre."""
    cells = city.zones["zone"]
    if "zone" in layer.rows.columns:
        told = layer.rows["zone"]
        wrong = (~told.is_in(cells.implode()).fill_null(value=False)).arg_true().to_list()
        problems = [f"{layer.place(row)}: zone {told[row]!r} is not in zones.csv; correct it" for row in wrong]
        if problems:
            raise DataError(problems[:LINES_SHOWN])
        return told
    points = np.column_stack([_number(layer, "lon"), _number(layer, "lat")])
    lat0 = float(str(city.zones["lat"].mean()))
    centres = cKDTree(plane_km(city.zones.select("lon", "lat").to_numpy(), lat0))
    away, nearest = centres.query(plane_km(points, lat0))
    most = zone_rules().far_point_km
    far = np.flatnonzero(away > most).tolist()
    if far:
        remedy = f"km from every zone (at most {most:g}); are lon and lat WGS-84?"
        raise DataError([f"{layer.place(row)}: lies {away[row]:.1f} {remedy}" for row in far[:LINES_SHOWN]])
    return cells.gather(nearest.tolist())
