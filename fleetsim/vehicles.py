"""What vehicles use: by type, speed, temperature and work at a stop, and the temperature by hour of day."""

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleetsim.scenario.stations import ChargingSection
from fleetsim.tables import CARRIERS
from networks.compiled import compiled
from networks.errors import DataError

FloatArray = NDArray[np.float64]
AmountT = TypeVar("AmountT", float, FloatArray)

FUEL_POWERTRAINS = ("petrol", "diesel", "gas", "hybrid")
RATES = (
    "reference_kmh", "time_share", "use_per_km", "gives_kwh", "work_kw", "electric_share", "electric_kwh_per_km",
    "phev", "usual_load_t", "use_per_tonne_km",
)  # fmt: skip
"""What the use of a leg depends on of the vehicle's type, see `type_parameters`."""
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


def hourly_temperature_c(mean_high_c: float, mean_low_c: float, section: ChargingSection) -> FloatArray:
    """Return the temperature at the middle of each hour of the day [C].

    Parameters
    ----------
    mean_high_c, mean_low_c
        Mean daily high and low of the month [C].
    section
        Hours of the day's low and high.

    Notes
    -----
    Half a cosine from the low up to the high, another one down to the next morning.
    """
    hours = np.arange(24) + 0.5
    rise = section.warmest_h - section.coldest_h
    since_low = (hours - section.coldest_h) % 24
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


@compiled
def speed_factor(
    speed_kmh: AmountT, reference_kmh: AmountT, sensitivity: AmountT, bounds: tuple[float, float]
) -> AmountT:
    """Return use per km over that at the reference speed; slow traffic takes more, by stops and idle time.

    Parameters
    ----------
    speed_kmh
        Mean speed of the leg [km/h].
    reference_kmh
        Mean speed at which `use_per_km` of the type holds [km/h].
    sensitivity
        Part of the use that goes with time rather than with distance [share].
    bounds
        Least and greatest factor.

    Notes
    -----
    1 - s + s reference / speed, kept within the bounds: a share s of the use is in proportion to time.
    """
    factor = 1.0 + sensitivity * (reference_kmh / np.maximum(speed_kmh, 1.0) - 1.0)
    # One by one, so that it takes numbers as well as columns when compiled.
    kept: AmountT = np.minimum(np.maximum(factor, bounds[0]), bounds[1])
    return kept


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
        [kWh/unit]), `electric_share` (1 unless PHEV), `phev` and `usual_load_t` [t] (0 where the type has no
        payload). Engine heat warms a fuel vehicle: its `heating_kw` is 0.

    Raises
    ------
    DataError
        If a type would use nothing, or less, without a load.
    """
    powertrain = pl.col("powertrain").cast(pl.String)
    burns = powertrain.is_in(FUEL_POWERTRAINS)
    efficiency = {"electricity": 1.0, "hydrogen": section.fuel_cell_efficiency}
    gives = {name: kwh_per_unit[name] * efficiency.get(name, section.engine_efficiency) for name in CARRIERS}
    phev = powertrain == "PHEV"
    group = pl.col("fleet_group").cast(pl.String)
    usual_load_t = pl.col("payload_kg").fill_null(0.0) / 1000.0 * section.usual_load_share
    of_load = pl.col("use_per_tonne_km").fill_null(0.0)
    too_much = types.filter((of_load > 0.0) & (of_load * usual_load_t >= pl.col("use_per_km")))
    if too_much.height:
        raise DataError(
            f"vehicle_types.csv, column use_per_tonne_km, powertrain {too_much['powertrain'][0]}: the usual load takes"
            f" all of use_per_km {too_much['use_per_km'][0]}; lower it"
        )
    return types.with_columns(
        heating_kw=pl.when(burns).then(0.0).otherwise(pl.col("heating_kw")),
        reference_kmh=group.replace_strict(section.reference_speed_kmh, return_dtype=pl.Float64),
        time_share=pl.when(burns).then(section.fuel_time_share).otherwise(section.electric_time_share),
        gives_kwh=powertrain.replace_strict(CARRIER_OF).replace_strict(gives, return_dtype=pl.Float64),
        electric_share=pl.when(phev).then(pl.col("electric_km_share")).otherwise(1.0),
        phev=phev,
        usual_load_t=usual_load_t,
        use_per_tonne_km=of_load,
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
    use = km (use_per_km + use_per_tonne_km (load - usual load)) speed_factor + (cabin power x time +
    work power x work time) / electricity a unit of the store gives. The cabin is held while driving and for a share
    of the stop, not at the depot. A PHEV drives its share of the distance on electricity, the rest on petrol; load
    changes both in the same proportion.
    """
    cabin = cabin_kw(
        temperature_c,
        parameters["heating_kw"].to_numpy()[:, None],
        parameters["cooling_kw"].to_numpy()[:, None],
        comfort_c=(section.comfort_low_c, section.comfort_high_c),
    )
    of_type = np.ascontiguousarray(parameters.select(pl.col(RATES).cast(pl.Float64)).to_numpy())
    rates = _Rates(of_type, np.ascontiguousarray(cabin), section.cabin_stop_share, section.speed_factor_bounds)
    stored, fuel = np.empty(legs.height), np.empty(legs.height)
    _use(_Columns(*[legs[name].to_numpy() for name in _Columns._fields]), row, rates, stored, fuel)
    return LegUse(stored, fuel)


class _Columns(NamedTuple):
    """What the use of a leg depends on: columns of the table `Leg`."""

    depart_s: NDArray[np.int32]
    drive_s: NDArray[np.int32]
    dwell_s: NDArray[np.int32]
    work_s: NDArray[np.int32]
    at_depot: NDArray[np.bool_]
    distance_km: FloatArray
    load_kg: NDArray[np.float32]


class _Rates(NamedTuple):
    """What it depends on besides: the columns `RATES` by type, cabin power by type and hour, share of stops, bounds."""

    of_type: FloatArray
    cabin_kw: FloatArray
    stop_share: float
    bounds: tuple[float, float]


@compiled
def _use(legs: _Columns, row: NDArray[np.int64], rates: _Rates, stored: FloatArray, fuel: FloatArray) -> None:
    """Write what each leg takes from the store and of other fuel."""
    of_type = rates.of_type
    for leg in range(len(row)):
        reference, time_share, usual, gives_kwh, work_kw, share, kwh_per_km, phev, load_t, per_t = of_type[row[leg]]
        use_per_km = usual + per_t * (legs.load_kg[leg] / 1000.0 - load_t)
        drive_h = legs.drive_s[leg] / 3600.0
        speed = legs.distance_km[leg] / drive_h if drive_h > 0.0 else reference
        driven = legs.distance_km[leg] * speed_factor(speed, reference, time_share, rates.bounds)
        hour = (legs.depart_s[leg] * 2 + legs.drive_s[leg]) // 7200 % 24
        manned_s = 0.0 if legs.at_depot[leg] else rates.stop_share * legs.dwell_s[leg]
        held_kwh = rates.cabin_kw[row[leg], hour] * (legs.drive_s[leg] + manned_s) / 3600.0
        auxiliary_kwh = held_kwh + work_kw * legs.work_s[leg] / 3600.0
        stored[leg] = driven * use_per_km + auxiliary_kwh / gives_kwh
        fuel[leg] = 0.0
        if phev:
            stored[leg] = share * (driven * kwh_per_km * (use_per_km / usual if usual > 0.0 else 1.0) + auxiliary_kwh)
            fuel[leg] = (1.0 - share) * (driven * use_per_km)
