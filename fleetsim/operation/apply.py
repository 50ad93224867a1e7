"""The rules of operation laid on a day as it was built, and a day's log led back to it."""

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import polars as pl

from charging.tariffs import prices
from fleetsim.duties.draws import evenly
from fleetsim.duties.geography import Geography
from fleetsim.engine.build import DayModel
from fleetsim.engine.plan import FleetPlan
from fleetsim.engine.spec import HOUR_US, NEVER_US, SECOND_US, BoolArray, IntArray, Kind, Log, Vehicles, vehicle_of_leg
from fleetsim.operation import pools
from fleetsim.operation.batteries import weathered
from fleetsim.operation.faults import draw_faults
from fleetsim.operation.rules import Tariffs, deliveries, ruled, signals, with_giving
from fleetsim.scenario.operation import OperationSection
from fleetsim.tables import FLEET_GROUPS
from fleetsim.vehicles import FloatArray

DAY_US = 24 * HOUR_US
TARIFF_CUSTOMER = "depot"
VALLEY = "valley"


@dataclass(frozen=True, slots=True)
class Setting:
    """What the rules of a day depend on beside the day itself.

    Attributes
    ----------
    section
        The scenario's rules.
    stations
        Table `Station` of the open stations, in the order of the model's.
    plans
        The fleets' plans, in the order of the model's roster.
    tariffs
        Prices of a depot.
    age_years
        Mean age of a fleet's vehicles by (fleet, powertrain) [years].
    geography
        The zones.
    charger_efficiency
        Energy into batteries over energy from the grid.
    bus_wait_min
        Time a block waits for a bus before it is lost [min].
    taxi_loaded_share
        Share of a taxi's way with its passenger.
    """

    section: OperationSection
    stations: pl.DataFrame
    plans: list[FleetPlan]
    tariffs: Tariffs
    age_years: dict[tuple[str, str], float]
    geography: Geography
    charger_efficiency: float
    bus_wait_min: float
    taxi_loaded_share: float


@dataclass(frozen=True, slots=True)
class Operated:
    """A day under the rules of operation; `pooled` where tasks look for vehicles."""

    model: DayModel
    pooled: pools.Pooled | None

    def settled(self, log: Log) -> tuple[DayModel, Log]:
        """Return the day and its log with every leg under the vehicle that drove it."""
        return (self.model, log) if self.pooled is None else pools.settled(self.pooled, log)


def depot_tariffs(tariffs: Any, season: str) -> Tariffs:
    """Return the depot's prices by hour in a season, from the table `Tariff`; all alike where it has none."""
    own = tariffs.filter(pl.col("customer") == TARIFF_CUSTOMER, pl.col("season").cast(pl.String) == season)
    if own.is_empty():
        return Tariffs(np.ones(24), np.zeros(24, np.bool_))
    valley = (own.sort("hour")["period"].cast(pl.String) == VALLEY).to_numpy()
    return Tariffs(prices(tariffs, TARIFF_CUSTOMER, season), valley)


def operated(model: DayModel, setting: Setting, *, days: int = 1) -> Operated:
    """Return the day under the rules of operation.

    Parameters
    ----------
    model
        The day as built, or several days in a row.
    setting
        The rules and what they depend on.
    days
        Days in a row that the model holds.
    """
    section = setting.section
    inputs = model.inputs
    duties = int((~model.roster["background"]).sum())
    temperature = float(np.mean(model.conditions.temperature_c))
    inputs = weathered(inputs, duties, _ages(model, setting, duties), temperature, section)
    stations = ruled(inputs.stations, setting.stations, section, charger_efficiency=setting.charger_efficiency)
    told = signals(setting.tariffs, section, days + 1)
    faults = draw_faults(
        stations,
        setting.stations.height,
        per_year=section.failures_per_year,
        repair_h=section.repair_h,
        hours=24.0 * days,
        keys=(model.conditions.seed, model.conditions.day),
    )
    stations = with_giving(stations, told, section)
    inputs = replace(
        inputs,
        vehicles=_readied(inputs.vehicles, inputs.legs.depart, section, days),
        stations=stations,
        signals=told,
        faults=faults,
        deliveries=deliveries(stations, section, days + 1),
    )
    return _sent_out(replace(model, inputs=inputs), setting)


def _ages(model: DayModel, setting: Setting, duties: int) -> FloatArray:
    fleet, powertrain = (model.roster[name].head(duties) for name in ("fleet", "powertrain"))
    fleets, powertrains = (cast(pl.Enum, column.dtype).categories.to_list() for column in (fleet, powertrain))
    ages = [[setting.age_years.get((one, other), 0.0) for other in powertrains] for one in fleets]
    return np.asarray(np.array(ages)[fleet.to_physical().to_numpy(), powertrain.to_physical().to_numpy()])


def _readied(vehicles: Vehicles, depart: IntArray, section: OperationSection, days: int) -> Vehicles:
    """Return the vehicles with the time they leave again after their last day, and what they may give back."""
    first = vehicles.first_leg[:-1]
    driven = np.diff(vehicles.first_leg) > 0
    ready = vehicles.ready_by.copy()
    ready[driven] = depart[first[driven]] + days * DAY_US
    floor = vehicles.give_floor.copy()
    able = np.flatnonzero((vehicles.home >= 0) & (vehicles.kind == Kind.ELECTRIC) & ~vehicles.soft)
    giving = able[evenly(able.size, section.give_back_share)]
    floor[giving] = np.rint(vehicles.capacity[giving] * section.give_back_floor_share).astype(np.int64)
    return replace(vehicles, ready_by=ready, give_floor=floor)


def _sent_out(model: DayModel, setting: Setting) -> Operated:
    """Return the day with the duties of buses and taxis as tasks, where the rules say so."""
    group, own = model.inputs.vehicles.group, ~model.roster["background"].to_numpy()
    bus = (group == FLEET_GROUPS.index("bus")) & own & (setting.section.bus_dispatch == "pool")
    taxi = (group == FLEET_GROUPS.index("taxi")) & own & (setting.section.taxi_dispatch == "requests")
    if not (bus.any() or taxi.any()):
        return Operated(model, None)
    place = setting.geography
    near = pools.nearest_zones(
        np.column_stack((place.x_km, place.y_km)),
        place.speed_kmh[False].mean(axis=1),
        setting.section.request_zones,
        place.detour,
    )
    made = pools.pooled(model, _plan(model, setting, bus, taxi), near)
    return Operated(made.model, made)


def _plan(model: DayModel, setting: Setting, bus: BoolArray, taxi: BoolArray) -> pools.Plan:
    """Return what of the duties becomes a task of whom: pool 0 is that of the taxis, then one a depot of buses."""
    inputs, legs = model.inputs, model.inputs.legs
    depot, home_zone = _homes(setting.plans, len(inputs.vehicles))
    of_leg = vehicle_of_leg(inputs.vehicles)
    on_bus, on_taxi = bus[of_leg], taxi[of_leg]
    before = np.maximum(np.arange(len(legs)) - 1, 0)
    first = np.concatenate(([True], of_leg[1:] != of_leg[:-1]))
    carries = legs.latest < NEVER_US
    return pools.Plan(
        vehicles=bus | taxi,
        is_task=on_bus | (on_taxi & carries),
        begins=np.where(on_bus, first | legs.at_depot[before], on_taxi & carries),
        pool=np.where(bus, depot + 1, 0),
        start_zone=np.where(first, home_zone[of_leg], legs.zone[before]),
        patience=np.where(on_bus, _minutes(setting.bus_wait_min), _minutes(setting.section.request_patience_min)),
        loaded_share=np.where(on_taxi, setting.taxi_loaded_share, 1.0),
        roams=np.arange(int(depot.max(initial=-1)) + 2) == 0,
        home_zone=home_zone,
        look_us=_minutes(setting.section.dispatch_look_min),
    )


def _minutes(minutes: float) -> int:
    return round(minutes * 60 * SECOND_US)


def _homes(plans: list[FleetPlan], size: int) -> tuple[IntArray, IntArray]:
    """Return the number of the depot (all 0 where there is none) and the home zone of each vehicle, 0 for arrivals."""
    table = pl.concat([plan.vehicles.sort("vehicle_id").select("depot", "home_zone") for plan in plans])
    number = table["depot"].rank("dense").fill_null(1).cast(pl.Int64).to_numpy() - 1
    rest = np.zeros(size - table.height, np.int64)
    return np.concatenate((number, rest)), np.concatenate((table["home_zone"].to_numpy(), rest))
