"""Cars and ride-hailing vehicles that charge in public: arrivals, without their whole day."""

from dataclasses import replace
from typing import NamedTuple

import dataframely as dy
import numpy as np
import polars as pl

from fleetsim.duties.draws import Floats, Integers, normal, whole
from fleetsim.duties.fleet import TEXT, DayOf, DutyInputs
from fleetsim.duties.geography import next_zone, zone_of_one_district
from fleetsim.duties.tables import BackgroundArrival, BackgroundPattern
from fleetsim.scenario.sections import DutiesSection, at_year

"""Months to which `winter_factor` of the table `BackgroundPattern` applies."""
DRAWS_AN_ARRIVAL = 8
CARRIED = ("fleet", "powertrain", "battery_kwh", "max_charge_kw")


def sessions_per_vehicle(
    patterns: dy.DataFrame[BackgroundPattern], section: DutiesSection, year: int, *, winter: bool
) -> pl.DataFrame:
    """Return the public charging sessions a vehicle and day of each fleet and powertrain.

    Parameters
    ----------
    patterns
        Table `BackgroundPattern`.
    section
        Share with a pile at home by year, and the factor on sessions.
    year
        Year of the stock.
    winter
        December to February, when vehicles use more.

    Notes
    -----
    sessions = km/day * electric share * kWh/km * (h * public share with a pile at home + (1 - h) * public
    share without) / kWh a session, h the share with a pile at home.
    """
    at_home = at_year(section.home_pile_share, year)
    home = pl.when("home_pile").then(at_home).otherwise(0.0)
    public = home * pl.col("public_share_home") + (1.0 - home) * pl.col("public_share_other")
    use = pl.col("km_per_day") * pl.col("electric_share") * pl.col("kwh_per_km")
    use = use * (pl.col("winter_factor") if winter else pl.lit(1.0))
    return patterns.with_columns(sessions=use * public / pl.col("session_kwh") * section.public_sessions_factor)


def arrivals(inputs: DutyInputs, stock: pl.DataFrame, day: DayOf, year: int) -> dy.DataFrame[BackgroundArrival]:
    """Return who comes to charge in public on a representative day, of the fleets without simulated days.

    Parameters
    ----------
    inputs
        City tables, section and seed.
    stock
        Vehicles by `fleet`, `powertrain` and `district`, column `vehicles`; rows of other fleets are left out.
    day
        The representative day; its fleet does not matter.
    year
        Year of the stock.
    """
    winter = day.month in inputs.section.winter_months
    patterns = sessions_per_vehicle(inputs.tables.background, inputs.section, year, winter=winter)
    key = ["fleet", "powertrain"]
    rows = (
        stock.with_columns(pl.col("powertrain").cast(TEXT))
        .group_by(*key, "district", maintain_order=True)
        .agg(pl.col("vehicles").sum())
        .join(patterns.with_columns(pl.col("powertrain").cast(TEXT)), on=key)
        .sort(*key, "district")
    )
    fleets = rows.partition_by(*key, maintain_order=True)
    if not fleets:
        return BackgroundArrival.create_empty()
    parts = [_arrivals(inputs, part, day) for part in fleets]
    number = np.repeat(np.arange(len(parts)), [part.zone.size for part in parts])
    zone, arrive_s, energy_kwh = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = _in_order(arrive_s * len(parts) + number, zone, energy_kwh)
    patterns = pl.concat([part.head(1) for part in fleets])
    patterns = patterns.select(pl.col(name).cast(BackgroundArrival.columns()[name].dtype) for name in CARRIED)
    carried = {name: patterns[name].gather(number[order]) for name in CARRIED}
    own = {"zone": zone[order], "arrive_s": arrive_s[order], "energy_kwh": energy_kwh[order]}
    table = pl.DataFrame({"vehicle_id": np.arange(number.size), **own, **carried})
    return BackgroundArrival.cast(table.select(BackgroundArrival.column_names()))


class _Arrivals(NamedTuple):
    """The arrivals of one fleet and powertrain."""

    zone: Integers
    arrive_s: Integers
    energy_kwh: Floats


def _in_order(first: Integers, second: Integers, third: Floats) -> Integers:
    """Return the rows sorted by two columns of whole numbers, then by a third one; `second` is not negative."""
    both = first * (1 + int(second.max(initial=0))) + second
    order = np.argsort(both)
    same = np.diff(both[order]) == 0
    # Few rows share both numbers: only those are sorted by the third.
    tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
    rows = order[tied]
    order[tied] = rows[np.lexsort((third[rows], both[rows]))]
    return order


def _arrivals(inputs: DutyInputs, rows: pl.DataFrame, day: DayOf) -> _Arrivals:
    """Return the arrivals of one fleet and powertrain; `rows` are its districts."""
    pattern = rows.row(0, named=True)
    wanted = (rows["vehicles"] * rows["sessions"]).to_numpy()
    number = round(float(wanted.sum()))
    own = replace(day, fleet=pattern["fleet"])
    draws = own.uniform(inputs.seed, f"arrivals {pattern['powertrain']}", number, DRAWS_AN_ARRIVAL)
    place, zone = inputs.geography, np.empty(number, np.int64)
    ends = np.cumsum(whole(wanted, number)).tolist()
    for district, first, end in zip(rows["district"], [0, *ends[:-1]], ends, strict=True):
        zone[first:end] = zone_of_one_district(place, district, place.population, draws[first:end, 0])
    away = np.flatnonzero(draws[:, 5] >= pattern["home_zone_share"])
    zone[away] = next_zone(inputs.activity_kernel(inputs.section.visit_km), zone[away], draws[away, 1:3])
    energy = pattern["session_kwh"] + pattern["session_sd_kwh"] * normal(draws[:, 3:5])
    low, high = (share * pattern["battery_kwh"] for share in inputs.section.session_bounds)
    return _Arrivals(zone, _clock(inputs, own, draws[:, 6:8]), np.clip(energy, low, high))


def _clock(inputs: DutyInputs, day: DayOf, uniform: Floats) -> Integers:
    hours = inputs.tables.hours.filter(pl.col("activity") == f"charging_{day.fleet}").sort("hour")
    weight = hours["weekend" if day.weekend else "weekday"].to_numpy()
    hour = np.searchsorted(np.cumsum(weight) / weight.sum(), uniform[:, 0], side="right")
    return (np.minimum(hour, 23) * 3600 + np.floor(uniform[:, 1] * 3600.0)).astype(np.int64)
