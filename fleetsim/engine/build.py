"""From tables to a day as an engine takes it: vehicles, legs, stations and ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import dataframely as dy
import numpy as np
import polars as pl

from fleetsim.engine.driven import DRIVING, Driven, driven_legs
from fleetsim.engine.plan import Background, DayConditions, FleetPlan
from fleetsim.engine.roster import (
    KEYS,
    everyone_of,
    fit_to_start,
    fleet_roster,
    has_own_plug,
    own_plugs,
    sized_types,
    start_draws,
    start_level,
    vehicles_of,
    visitors_of,
    with_homes,
    with_own_plugs,
)
from fleetsim.engine.spec import Inputs
from fleetsim.engine.supply import Supply, last, stations_of
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


@dataclass(frozen=True, slots=True)
class Crew:
    """What of a day does not depend on stations: who drives, who arrives, and what their legs take.

    Attributes
    ----------
    roster
        The vehicles of the fleets with their types, `home_plug` for those with a plug of their own, and the `draw` of
        their level at the start.
    own
        Their own plugs, see `own_plugs`.
    visitors
        The arrivals.
    driven
        The legs of both.
    """

    roster: pl.DataFrame
    own: pl.DataFrame
    visitors: pl.DataFrame
    driven: Driven


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
    return supplied(crew_of(plans, background, types, conditions, section), supply, conditions, section)


def crew_of(
    plans: Sequence[FleetPlan],
    background: Background,
    types: dy.DataFrame[VehicleType],
    conditions: DayConditions,
    section: ChargingSection,
) -> Crew:
    """Return what of a day does not depend on stations; see `build_day`."""
    parameters = type_parameters(types, conditions.kwh_per_unit, section)
    sized = sized_types(parameters, section)
    fleet = pl.Enum(sorted({*(plan.fleet for plan in plans), *background.group_of}))
    roster = pl.concat([fleet_roster(plan, sized, fleet) for plan in plans])
    roster = roster.with_columns(home_plug=has_own_plug(), draw=start_draws(plans, conditions))
    visitors = visitors_of(background, fleet, conditions, section)
    driven = driven_legs(
        plans,
        pl.concat([roster.select(DRIVING), visitors.select(DRIVING)]),
        background.arrivals,
        lambda plan, row: leg_use(plan.legs, parameters, row, conditions.temperature_c, section),
    )
    return Crew(roster, own_plugs(roster), visitors, driven)


def supplied(crew: Crew, supply: Supply, conditions: DayConditions, section: ChargingSection) -> DayModel:
    """Return the day with its stations; see `build_day`."""
    legs, own = crew.driven.legs, crew.own
    duty = with_homes(crew.roster, supply.stations, own).with_columns(start_level=start_level())
    everyone = everyone_of(duty, crew.visitors)
    inputs = Inputs(
        vehicles=fit_to_start(vehicles_of(everyone), legs, duty.height),
        legs=legs,
        stations=stations_of(with_own_plugs(supply.stations, own, section), section, conditions.sample),
        access=supply.access(section, 1 + int(max(legs.zone.max(initial=0), last(supply.ways["zone"])))),
        tries=section.tries,
    )
    return DayModel(
        inputs=inputs,
        roster=everyone.select(KEYS),
        station_ids=[*supply.stations["station_id"].to_list(), *own["station_id"].to_list()],
        distance_km=crew.driven.distance_km,
        stored=crew.driven.stored,
        fuel=crew.driven.fuel,
        electric_share=np.concatenate((duty["electric_share"].to_numpy(), np.zeros(crew.visitors.height))),
        petrol_per_kwh=1.0 / (conditions.kwh_per_unit["petrol"] * section.engine_efficiency),
        conditions=conditions,
    )
