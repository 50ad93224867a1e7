"""Batteries in the cold and with age: what they hold, how fast they charge."""

from dataclasses import replace

import numpy as np

from fleetsim.engine.prepass import summed
from fleetsim.engine.roster import fit_to_start
from fleetsim.engine.spec import Inputs, Kind, Vehicles
from fleetsim.scenario.operation import OperationSection
from fleetsim.vehicles import FloatArray

LEVELS = ("capacity", "start_level", "reserve", "depot_reserve", "target")


def share_at(shares: dict[int, float], temperature_c: float) -> float:
    """Return the share at a temperature [C]: straight lines between those given, the nearest beyond.

    >>> share_at({-10: 0.6, 0: 0.8}, -5.0), share_at({-10: 0.6, 0: 0.8}, 20.0)
    (0.7, 0.8)
    """
    known = sorted(shares)
    return float(np.interp(temperature_c, known, [shares[degrees] for degrees in known]))


def faded_share(age_years: FloatArray, cycles_a_year: FloatArray, section: OperationSection) -> FloatArray:
    """Return the capacity of batteries over that of new ones.

    Parameters
    ----------
    age_years
        Age [years].
    cycles_a_year
        Full charges a year [1/year].
    section
        Losses by age and by use, and the capacity at which a battery is replaced.
    """
    use = section.fade_per_1000_cycles * cycles_a_year * age_years / 1000.0
    return np.maximum(1.0 - section.fade_per_year * age_years - use, section.least_capacity_share)


def weathered(
    inputs: Inputs, duties: int, age_years: FloatArray, temperature_c: float, section: OperationSection
) -> Inputs:
    """Return the day with batteries as they are after their years and in the day's weather.

    Parameters
    ----------
    inputs
        The day with new batteries in mild weather.
    duties
        Vehicles with duties; those after them only arrive to charge: of theirs, the power alone changes.
    age_years
        Age of the vehicles with duties [years].
    temperature_c
        Mean temperature of the day [C].
    section
        What cold and age take.
    """
    vehicles = inputs.vehicles
    battery = np.isin(vehicles.kind, (Kind.ELECTRIC, Kind.SWAP))
    held = np.where(battery, share_at(section.cold_capacity_share, temperature_c), 1.0)
    held[duties:] = 1.0
    aged = vehicles.kind[:duties] == Kind.ELECTRIC
    held[:duties] *= np.where(aged, faded_share(age_years, _cycles(inputs, section.days_driven)[:duties], section), 1.0)
    power = np.where(battery, share_at(section.cold_power_share, temperature_c), 1.0)
    columns = {name: np.rint(getattr(vehicles, name) * held).astype(np.int64) for name in LEVELS}
    columns["max_power"] = np.maximum(np.rint(vehicles.max_power * power), vehicles.max_power > 0).astype(np.int64)
    fitted: Vehicles = fit_to_start(replace(vehicles, **columns), inputs.legs, duties)
    return replace(inputs, vehicles=fitted)


def _cycles(inputs: Inputs, days_driven: float) -> FloatArray:
    """Return the full charges a year of each vehicle, if it drives as on this day."""
    used = summed(inputs.legs.energy, inputs.vehicles.first_leg)
    return np.asarray(days_driven * used / np.maximum(inputs.vehicles.capacity, 1))
