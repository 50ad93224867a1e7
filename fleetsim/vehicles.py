"""What vehicles use: by type, speed, temperature and work at a stop, and the temperature by hour of day."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleetsim.scenario.sections import ChargingSection
from fleetsim.tables import CARRIERS

FloatArray = NDArray[np.float64]

COLDEST_HOUR = 6
WARMEST_HOUR = 15
FUEL_POWERTRAINS = ("petrol", "diesel", "gas", "hybrid")
SPEED_FACTOR_BOUNDS = (0.8, 1.8)
CARRIER_OF = {
    "petrol": "petrol",
    "diesel": "diesel",
    "gas": "gas",
    "hybrid": "petrol",
    "PHEV": "electricity",
    "BEV": "electricity",
    "BEV-swap": "electricity",
    "FCEV": "hydrogen",
}
"""What a powertrain's `store` of the day simulation, or its tank, holds."""


@dataclass(frozen=True, slots=True)
class LegUse:
    """What each leg takes: from the store that the day simulation follows, and of other fuel.

    Attributes
    ----------
    stored
        From battery [kWh] or hydrogen tank [kg]; for fuel vehicles from their tank [l, m3].
    fuel
        Petrol a PHEV burns besides [l].
    """

    stored: FloatArray
    fuel: FloatArray


def hourly_temperature_c(mean_high_c: float, mean_low_c: float) -> FloatArray:
    """Return the temperature at the middle of each hour of the day [C].

    Parameters
    ----------
    mean_high_c, mean_low_c
        Mean daily high and low of the month [C].

    Notes
    -----
    Half a cosine from the low at 06:00 up to the high at 15:00, another one down to the next morning.
    """
    hours = np.arange(24) + 0.5
    rise = WARMEST_HOUR - COLDEST_HOUR
    since_low = (hours - COLDEST_HOUR) % 24
    rising = np.cos(np.pi * (1.0 - since_low / rise))
    falling = np.cos(np.pi * (since_low - rise) / (24 - rise))
    wave = np.where(since_low <= rise, rising, falling)
    middle, half = (mean_high_c + mean_low_c) / 2.0, (mean_high_c - mean_low_c) / 2.0
    return np.asarray(middle + half * wave)


def cabin_kw(
    temperature_c: FloatArray,
    heating_kw_per_k: FloatArray,
    cooling_kw_per_k: FloatArray,
    *,
    comfort_c: tuple[float, float],
) -> FloatArray:
    """Return the electric power that holds the cabin within its comfort band [kW].

    Parameters
    ----------
    temperature_c
        Temperature outside [C].
    heating_kw_per_k, cooling_kw_per_k
        Power per K below and above the band [kW/K].
    comfort_c
        Lower and upper end of the band [C].
    """
    low, high = comfort_c
    cold = np.maximum(low - temperature_c, 0.0)
    hot = np.maximum(temperature_c - high, 0.0)
    return np.asarray(heating_kw_per_k * cold + cooling_kw_per_k * hot)


def speed_factor(speed_kmh: FloatArray, reference_kmh: FloatArray, sensitivity: FloatArray) -> FloatArray:
    """Return use per km over that at the reference speed; slow traffic takes more, by stops and idle time.

    Parameters
    ----------
    speed_kmh
        Mean speed of the leg [km/h].
    reference_kmh
        Mean speed at which `use_per_km` of the type holds [km/h].
    sensitivity
        Part of the use that goes with time rather than with distance [share].

    Notes
    -----
    1 - s + s reference / speed, kept within 0.8 and 1.8: a share s of the use is in proportion to time.
    """
    factor = 1.0 + sensitivity * (reference_kmh / np.maximum(speed_kmh, 1.0) - 1.0)
    return np.asarray(np.clip(factor, *SPEED_FACTOR_BOUNDS))


def type_parameters(types: pl.DataFrame, kwh_per_unit: dict[str, float], section: ChargingSection) -> pl.DataFrame:
    """Return the vehicle types with what `leg_use` needs beside them, in the same order.

    Parameters
    ----------
    types
        Table `VehicleType`.
    kwh_per_unit
        Heating value by carrier [kWh/unit].
    section
        Reference speeds, shares of use that go with time, efficiencies.

    Returns
    -------
    pl.DataFrame
        Also `reference_kmh` [km/h], `time_share`, `gives_kwh` (electricity a unit of the store gives aboard
        [kWh/unit]), `electric_share` (1 unless PHEV) and `phev`. Engine heat warms a fuel vehicle: its
        `heating_kw` is 0.
    """
    powertrain = pl.col("powertrain").cast(pl.String)
    burns = powertrain.is_in(FUEL_POWERTRAINS)
    efficiency = {"electricity": 1.0, "hydrogen": section.fuel_cell_efficiency}
    gives = {name: kwh_per_unit[name] * efficiency.get(name, section.engine_efficiency) for name in CARRIERS}
    phev = powertrain == "PHEV"
    group = pl.col("fleet_group").cast(pl.String)
    return types.with_columns(
        heating_kw=pl.when(burns).then(0.0).otherwise(pl.col("heating_kw")),
        reference_kmh=group.replace_strict(section.reference_speed_kmh, return_dtype=pl.Float64),
        time_share=pl.when(burns).then(section.fuel_time_share).otherwise(section.electric_time_share),
        gives_kwh=powertrain.replace_strict(CARRIER_OF).replace_strict(gives, return_dtype=pl.Float64),
        electric_share=pl.when(phev).then(pl.col("electric_km_share")).otherwise(1.0),
        phev=phev,
    )


def leg_use(
    legs: pl.DataFrame,
    parameters: pl.DataFrame,
    row: NDArray[np.int64],
    temperature_c: FloatArray,
    section: ChargingSection,
) -> LegUse:
    """Return what each leg takes from its vehicle's store.

    Parameters
    ----------
    legs
        Table `Leg`.
    parameters
        See `type_parameters`.
    row
        Row of `parameters` of each leg's vehicle.
    temperature_c
        Temperature by hour of the day [C].
    section
        Comfort band, and share of a stop for which the cabin is held.

    Notes
    -----
    use = km use_per_km speed_factor + (cabin power x time + work power x work time) / electricity a unit of
    the store gives. The cabin is held while driving and for a share of the stop, not at the depot. A PHEV
    drives its share of the distance on electricity, the rest on petrol.
    """
    of = _Gather(parameters, row)
    drive_h = _column(legs, "drive_s") / 3600.0
    distance_km = _column(legs, "distance_km")
    reference = of("reference_kmh")
    speed = np.divide(distance_km, drive_h, out=reference.copy(), where=drive_h > 0)
    driven = distance_km * speed_factor(speed, reference, of("time_share"))
    auxiliary_kwh = _auxiliary_kwh(legs, of, temperature_c, section)
    main = driven * of("use_per_km")
    stored = main + auxiliary_kwh / of("gives_kwh")
    phev = of("phev")
    if not phev.any():
        return LegUse(stored, np.zeros(stored.size))
    share = of("electric_share")
    electric = share * (driven * of("electric_kwh_per_km") + auxiliary_kwh)
    return LegUse(np.where(phev, electric, stored), np.where(phev, (1.0 - share) * main, 0.0))


class _Gather:
    """The values of a column of the parameters, one a leg."""

    def __init__(self, parameters: pl.DataFrame, row: NDArray[np.int64]) -> None:
        self.parameters = parameters
        self.row = row

    def __call__(self, name: str) -> NDArray[Any]:
        return self.parameters[name].to_numpy()[self.row]


def _column(legs: pl.DataFrame, name: str) -> FloatArray:
    return legs[name].cast(pl.Float64).to_numpy()


def _auxiliary_kwh(legs: pl.DataFrame, of: _Gather, temperature_c: FloatArray, section: ChargingSection) -> FloatArray:
    """Return the electricity for the cabin and for work at stops [kWh]."""
    drive_s = _column(legs, "drive_s")
    twice_s = legs["depart_s"].to_numpy() * 2 + legs["drive_s"].to_numpy()
    hour = twice_s // 7200 % 24
    comfort = (section.comfort_low_c, section.comfort_high_c)
    rates = of.parameters.select("heating_kw", "cooling_kw").to_numpy()
    cabin = cabin_kw(temperature_c, rates[:, :1], rates[:, 1:], comfort_c=comfort).ravel()[of.row * 24 + hour]
    manned_s = np.where(legs["at_depot"].to_numpy(), 0.0, section.cabin_stop_share * _column(legs, "dwell_s"))
    held_kwh = cabin * (drive_s + manned_s) / 3600.0
    return np.asarray(held_kwh + of("work_kw") * _column(legs, "work_s") / 3600.0)
