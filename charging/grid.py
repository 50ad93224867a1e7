"""Charging as a load of the grid: by district and hour, against the city's peak, and what can give way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import dataframely as dy
import polars as pl

from charging.tables import DistrictLoad, PeakLoad, Station, StationLoad
from networks.errors import DataError

CITY = "all"
HOURS = 24
KWH_PER_GWH = 1e6
KEYS = ("year", "day", "district", "hour")


@dataclass(frozen=True)
class GridYear:
    """What a year's grid can do.

    Attributes
    ----------
    city_peak_gw
        Highest load of the city [GW].
    city_peak_hour
        Hour in which it occurs [h].
    response_share
        Share of the charging power at that hour that can be put off.
    other_response_gw
        Demand response outside transport [GW].
    storage_gw
        New storage [GW].
    """

    city_peak_gw: float
    city_peak_hour: int
    response_share: float
    other_response_gw: float
    storage_gw: float


def station_load_by_district(
    load: dy.DataFrame[StationLoad], stations: dy.DataFrame[Station], *, charging_efficiency: float
) -> dy.DataFrame[DistrictLoad]:
    """Return the load of the simulated stations by district and hour of the clock, schema `DistrictLoad`.

    Parameters
    ----------
    load
        Load by station and hour; hours past 23 are folded into the day.
    stations
        Stations and their districts; hydrogen stations take no part.
    charging_efficiency
        Energy into the battery over energy from the grid.

    Raises
    ------
    DataError
        If a station of the load is not in `stations`.
    """
    unknown = sorted(set(load["station_id"].unique()) - set(stations["station_id"]))
    if unknown:
        raise DataError(f"stations: {', '.join(unknown[:5])} has a load but no row; add the station")
    electric = stations.filter(pl.col("kind").cast(pl.String) != "hydrogen").select("station_id", "district")
    by_district = (
        load.join(electric, on="station_id")
        .with_columns(pl.col("hour") % HOURS)
        .group_by(KEYS, maintain_order=True)
        .agg(pl.col("energy_kwh").sum() / charging_efficiency)
    )
    return _tidy(by_district)


@dataclass(frozen=True)
class HomeHours:
    """Hours in which cars are charged at home.

    Attributes
    ----------
    valley
        Hours of cheap power, for which a share of the energy waits [h].
    evening
        Hours after people come home, in which the rest is charged [h].
    """

    valley: tuple[int, ...]
    evening: tuple[int, ...]


def home_load(
    energy_kwh: Mapping[str, float], year: int, day: str, *, valley_share: float, hours: HomeHours
) -> dy.DataFrame[DistrictLoad]:
    """Return home charging of a day by district and hour, schema `DistrictLoad`.

    Parameters
    ----------
    energy_kwh
        Electricity from the grid by district [kWh/day].
    year, day
        Year and representative day.
    valley_share
        Share that waits for the valley.
    hours
        Over which hours either part is spread evenly.
    """
    shape = dict.fromkeys(sorted({*hours.valley, *hours.evening}), 0.0)
    for part, share in ((hours.valley, valley_share), (hours.evening, 1.0 - valley_share)):
        for hour in part:
            shape[hour] += share / len(part)
    rows = [
        (year, day, district, hour, energy * share)
        for district, energy in sorted(energy_kwh.items())
        for hour, share in sorted(shape.items())
    ]
    return _tidy(pl.DataFrame(rows, schema=list(DistrictLoad.columns()), orient="row"))


def city_load(parts: Iterable[dy.DataFrame[DistrictLoad]]) -> dy.DataFrame[DistrictLoad]:
    """Return the sum of loads by district and hour, with rows of district 'all' for the city, schema `DistrictLoad`."""
    districts = pl.concat(list(parts)).filter(pl.col("district") != CITY)
    city = districts.with_columns(district=pl.lit(CITY))
    return _tidy(pl.concat([districts, city]).group_by(KEYS, maintain_order=True).agg(pl.col("energy_kwh").sum()))


def peaks(load: dy.DataFrame[DistrictLoad], years: Mapping[int, GridYear]) -> dy.DataFrame[PeakLoad]:
    """Return charging against the city's peak for every simulated day, schema `PeakLoad`.

    Parameters
    ----------
    load
        Load with rows of district 'all', from `city_load`.
    years
        What the grid of each year can do.

    Notes
    -----
    Demand response = share of the charging power at the city's peak hour + what is outside transport.
    """
    city = load.filter(pl.col("district") == CITY).sort("year", "day", "hour")
    rows = [
        _peak_row(int(str(year)), str(day), dict(hours.select("hour", "energy_kwh").iter_rows()), years)
        for (year, day), hours in city.partition_by("year", "day", as_dict=True).items()
    ]
    return PeakLoad.validate(pl.DataFrame(rows, schema=list(PeakLoad.columns())).sort("year", "day"), cast=True)


def _peak_row(year: int, day: str, by_hour: dict[int, float], years: Mapping[int, GridYear]) -> dict[str, object]:
    grid = years[year]
    highest = max(by_hour, key=lambda hour: (by_hour[hour], -hour))
    at_peak = by_hour.get(grid.city_peak_hour, 0.0) / KWH_PER_GWH
    response = at_peak * grid.response_share + grid.other_response_gw
    return {
        "year": year,
        "day": day,
        "charging_peak_hour": highest,
        "charging_peak_gw": by_hour[highest] / KWH_PER_GWH,
        "charging_at_city_peak_gw": at_peak,
        "city_peak_gw": grid.city_peak_gw,
        "charging_share": at_peak / grid.city_peak_gw,
        "response_gw": response,
        "response_share": response / grid.city_peak_gw,
        "storage_gw": grid.storage_gw,
    }


def _tidy(table: pl.DataFrame) -> dy.DataFrame[DistrictLoad]:
    return DistrictLoad.validate(table.select(list(DistrictLoad.columns())).sort(KEYS), cast=True)
