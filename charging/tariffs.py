"""The price of electricity by customer, season and hour, and what a charging session costs."""

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from charging.tables import Tariff
from networks.errors import DataError

FloatArray = NDArray[np.float64]

HOUR_S = 3600.0
HOURS = 24


def prices(tariffs: dy.DataFrame[Tariff], customer: str, season: str) -> FloatArray:
    """Return the price of each hour of the day, service fee included [CNY/kWh], 24 numbers.

    Parameters
    ----------
    tariffs
        Prices by customer, season and hour.
    customer
        public_charging, depot, swap or home.
    season
        winter, mild or summer.

    Raises
    ------
    DataError
        If the customer has not exactly one row for each hour of the season.
    """
    rows = tariffs.filter((pl.col("customer") == customer) & (pl.col("season").cast(pl.String) == season)).sort("hour")
    if rows["hour"].to_list() != list(range(HOURS)):
        raise DataError(
            f"tariffs.csv: {customer} in {season} has {rows.height} hours; give one row for each of 0 to 23"
        )
    return (rows["price_cny_per_kwh"] + rows["service_fee_cny_per_kwh"]).to_numpy()


def mean_price(by_hour: FloatArray, load: FloatArray) -> float:
    """Return the mean price [CNY/kWh] of a load by hour.

    Parameters
    ----------
    by_hour
        Price of each hour [CNY/kWh].
    load
        Energy taken in each hour [kWh]; where all are 0 every hour weighs the same.
    """
    return float(np.average(by_hour, weights=load)) if load.sum() > 0.0 else float(by_hour.mean())


def session_cost(by_hour: FloatArray, start_s: float, end_s: float, energy_kwh: float) -> float:
    """Return the cost of a session [CNY] whose energy is taken evenly from start to end.

    Parameters
    ----------
    by_hour
        Price of each hour of the day [CNY/kWh].
    start_s, end_s
        Start and end, seconds of the day, past 86,400 for the night after [s].
    energy_kwh
        Energy taken [kWh].
    """
    if end_s <= start_s:
        return energy_kwh * float(by_hour[int(start_s // HOUR_S) % HOURS])
    hours = np.arange(int(start_s // HOUR_S), int(-(-end_s // HOUR_S)))
    taken = np.minimum(end_s, (hours + 1) * HOUR_S) - np.maximum(start_s, hours * HOUR_S)
    return energy_kwh * float((by_hour[hours % HOURS] * taken).sum()) / (end_s - start_s)
