"""From tables to a day as an engine takes it: vehicles, legs, stations and ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import dataframely as dy
import numpy as np
import polars as pl

from fleetsim.engine.driven import DRIVING, driven_legs
from fleetsim.engine.plan import Background, DayConditions, FleetPlan
from fleetsim.engine.roster import (
    KEYS,
    everyone_of,
    fit_to_start,
    fleet_roster,
    own_plugs,
    sized_types,
    start_level,
    vehicles_of,
    visitors_of,
    with_homes,
    with_own_plugs,
)
from fleetsim.engine.spec import Inputs
from fleetsim.engine.supply import Supply, access_of, last, stations_of
from fleetsim.scenario.stations import ChargingSection
from fleetsim.tables import VehicleType
from fleetsim.vehicles import FloatArray, leg_use, type_parameters


@dataclass(frozen=True, slots=True)
class DayModel:
    """A day ready to run, and the keys that lead from its rows back to the tables.

    Attributes
    ----------
    inputs
        What the engine takes.
    roster
        One row an engine vehicle: fleet, fleet_group, vehicle_id, powertrain, weight, background.
    station_ids
        Identifier of each station row; own plugs come last, one row `home_<district>` a district.
    distance_km, stored, fuel
        Of each leg: distance [km], use of the store, petrol a PHEV burns besides [kWh, kg, l, m3].
    electric_share
        Of each vehicle: share of its distance on the store.
    petrol_per_kwh
        Petrol a PHEV burns for electricity its battery cannot give [l/kWh].
    conditions
        The day.
    """

    inputs: Inputs
    roster: pl.DataFrame
    station_ids: list[str]
    distance_km: FloatArray
    stored: FloatArray
    fuel: FloatArray
    electric_share: FloatArray
    petrol_per_kwh: float
    conditions: DayConditions


def build_day(
    plans: Sequence[FleetPlan],
    background: Background,
    types: dy.DataFrame[VehicleType],
    supply: Supply,
    conditions: DayConditions,
    section: ChargingSection,
) -> DayModel:
    """Return the day as an engine takes it.

    Parameters
    ----------
    plans
        The simulated fleets; their order settles ties between vehicles.
    background
        Arrivals of the other fleets at public stations.
    types
        Vehicle types.
    supply, conditions, section
        Stations and ways, the day, the policies.
    """
    parameters = type_parameters(types, conditions.kwh_per_unit, section)
    sized = sized_types(parameters, section)
    fleet = pl.Enum(sorted({*(plan.fleet for plan in plans), *background.group_of}))
    roster = pl.concat([fleet_roster(plan, sized, fleet) for plan in plans])
    own = own_plugs(roster)
    roster = with_homes(roster, supply.stations, own)
    duty = roster.with_columns(start_level=start_level(plans, conditions))
    visitors = visitors_of(background, fleet, conditions, section)
    everyone = everyone_of(duty, visitors)
    vehicles = vehicles_of(everyone)
    driven = driven_legs(
        plans,
        pl.concat([duty.select(DRIVING), visitors.select(DRIVING)]),
        background.arrivals,
        lambda plan, row: leg_use(plan.legs, parameters, row, conditions.temperature_c, section),
    )
    legs = driven.legs
    inputs = Inputs(
        vehicles=fit_to_start(vehicles, legs, duty.height),
        legs=legs,
        stations=stations_of(with_own_plugs(supply.stations, own, section), section, conditions.sample),
        access=access_of(supply.ways, section, 1 + int(max(legs.zone.max(initial=0), last(supply.ways["zone"])))),
        tries=section.tries,
    )
    return DayModel(
        inputs=inputs,
        roster=everyone.select(KEYS),
        station_ids=[*supply.stations["station_id"].to_list(), *own["station_id"].to_list()],
        distance_km=driven.distance_km,
        stored=driven.stored,
        fuel=driven.fuel,
        electric_share=np.concatenate((duty["electric_share"].to_numpy(), np.zeros(visitors.height))),
        petrol_per_kwh=1.0 / (conditions.kwh_per_unit["petrol"] * section.engine_efficiency),
        conditions=conditions,
    )
