"""What a day is built from: the fleets' duties and what drives them, arrivals, the conditions."""

from __future__ import annotations

from dataclasses import dataclass

import dataframely as dy
import polars as pl

from fleetsim.duties.tables import Assignment, BackgroundArrival, DutyVehicle, Leg
from fleetsim.tables import FLEET_GROUPS
from fleetsim.vehicles import FloatArray

GROUP = pl.Enum(FLEET_GROUPS)
"""A fleet group; its number in this order is the code the engine knows it by."""


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """A fleet's day and what drives it."""

    fleet: str
    group: str
    vehicles: dy.DataFrame[DutyVehicle]
    legs: dy.DataFrame[Leg]
    assignment: dy.DataFrame[Assignment]

    def driven(self) -> pl.DataFrame:
        """Return the vehicles with what drives them, by number."""
        vehicles, given = self.vehicles.sort("vehicle_id"), self.assignment.sort("vehicle_id")
        if vehicles["vehicle_id"].equals(given["vehicle_id"]):
            return vehicles.hstack(given.drop("vehicle_id").get_columns())
        return vehicles.join(given, on="vehicle_id", how="left", maintain_order="left")


@dataclass(frozen=True, slots=True)
class Background:
    """Vehicles of other fleets that look for a public plug; each is a vehicle with one leg."""

    arrivals: dy.DataFrame[BackgroundArrival]
    group_of: dict[str, str]
    """Fleet group by fleet."""


@dataclass(frozen=True, slots=True)
class DayConditions:
    """The day that is simulated.

    Attributes
    ----------
    year, day, seed
        What the draws depend on besides the fleet.
    temperature_c
        Temperature by hour [C].
    kwh_per_unit
        Heating value by carrier [kWh/unit].
    sample
        Share of the vehicles that is simulated; stations shrink with it.
    """

    year: int
    day: str
    seed: int
    temperature_c: FloatArray
    kwh_per_unit: dict[str, float]
    sample: float = 1.0
