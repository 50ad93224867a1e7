"""The vehicles of a day as an engine takes them: duties, then who arrives in the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from fleetsim.duties.draws import stream
from fleetsim.engine.columns import columns_of, whole
from fleetsim.engine.plan import GROUP, Background, DayConditions, FleetPlan
from fleetsim.engine.spec import NEVER_US, BoolArray, IntArray, Kind, Legs, Vehicles, needed
from fleetsim.engine.supply import STATION_KIND_OF
from fleetsim.scenario.stations import ChargingSection
from networks.compiled import compiled

KEYS = ("fleet", "fleet_group", "vehicle_id", "powertrain", "weight", "background")
KIND_OF = {"BEV": Kind.ELECTRIC, "PHEV": Kind.ELECTRIC, "BEV-swap": Kind.SWAP, "FCEV": Kind.HYDROGEN}
HOME_PREFIX = "home_"
LEAST_END_PM = 10
"""Lowest power at full charge over highest power, so that charging ends [per mille]."""


def sized_types(parameters: pl.DataFrame, section: ChargingSection) -> pl.DataFrame:
    """Return what `Vehicles` holds of a type, beside `vehicle_type`, `type_row` and `electric_share`."""
    phev, stored = pl.col("phev"), pl.col("kind") > 0
    battery = pl.when(phev).then(section.phev_range_km * pl.col("electric_kwh_per_km")).otherwise(pl.col("store"))
    charge_kw = pl.when(phev | (pl.col("max_charge_kw") <= 0)).then(section.home_plug_kw)
    hydrogen = pl.col("kind") == Kind.HYDROGEN
    target_share = pl.when(hydrogen).then(section.hydrogen_target_share).otherwise(section.target_share)
    kind = pl.col("powertrain").cast(pl.String).replace_strict(KIND_OF, default=Kind.NONE, return_dtype=pl.Int64)
    return (
        parameters.with_row_index("type_row")
        .with_columns(kind=kind)
        .select(
            "vehicle_type",
            pl.col("type_row").cast(pl.Int64),
            "electric_share",
            "kind",
            soft=phev,
            capacity=pl.when(stored).then(whole(battery * 1000)).otherwise(0),
            max_power=whole(pl.coalesce(charge_kw, "max_charge_kw") * 1000 * section.charger_efficiency),
            knee_pm=whole(pl.col("knee") * 1000),
            end_pm=whole(pl.col("end_power_share") * 1000).clip(LEAST_END_PM),
            use_per_km=pl.when(stored).then(whole(pl.col("use_per_km") * 1000)).otherwise(0),
            target_share=target_share,
        )
        .with_columns(
            reserve=whole(pl.col("capacity") * section.reserve_share),
            depot_reserve=whole(pl.col("capacity") * section.depot_reserve_share),
            target=whole(pl.col("capacity") * pl.col("target_share")),
        )
        .drop("target_share")
    )


def fleet_roster(plan: FleetPlan, sized: pl.DataFrame, fleet: pl.Enum) -> pl.DataFrame:
    """Return a fleet's vehicles with their types and the number of their legs, in the order of the legs."""
    vehicles = plan.driven()
    # The legs are sorted by vehicle, so that looking up where each vehicle's begin and end is enough.
    of_leg, vehicle = plan.legs["vehicle_id"].to_numpy(), vehicles["vehicle_id"].to_numpy()
    number = np.searchsorted(of_leg, vehicle, "right") - np.searchsorted(of_leg, vehicle)
    return (
        vehicles.select("vehicle_id", "weight", "district", "depot", "powertrain", "vehicle_type", "home_plug")
        .join(sized, on="vehicle_type", how="left", maintain_order="left")
        .with_columns(
            legs=pl.Series(number, dtype=pl.Int64),
            fleet=pl.lit(plan.fleet, fleet),
            fleet_group=pl.lit(plan.group, GROUP),
            background=pl.lit(False),
        )
    )


def with_homes(roster: pl.DataFrame, stations: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Return the roster with the row of the station at the depot, or of the own plug, -1 where there is none."""
    rows = stations.with_row_index("home").select(
        pl.col("station_id").alias("depot"),
        pl.col("kind").cast(pl.String).replace_strict(STATION_KIND_OF, return_dtype=pl.Int64),
        pl.col("home").cast(pl.Int64),
    )
    plugs = own.with_row_index("own").select("district", pl.col("own").cast(pl.Int64) + rows.height)
    keyed = roster.join(rows, on=["depot", "kind"], how="left", maintain_order="left").join(
        plugs, on="district", how="left", maintain_order="left"
    )
    plug = pl.when("home_plug").then(pl.col("own"))
    return keyed.with_columns(home=pl.coalesce("home", plug, pl.lit(-1)))


def has_own_plug() -> pl.Expr:
    """Return whether a vehicle that stands where there is a plug can take from it."""
    return pl.col("home_plug") & (pl.col("kind") == Kind.ELECTRIC)


def own_plugs(roster: pl.DataFrame) -> pl.DataFrame:
    """Return one row a district whose vehicles have plugs of their own: station_id, district, plugs."""
    numbers = roster.filter("home_plug").group_by("district", maintain_order=True).len("plugs").sort("district")
    return numbers.select(
        pl.concat_str(pl.lit(HOME_PREFIX), "district").alias("station_id"), "district", pl.col("plugs").cast(pl.Int64)
    )


def with_own_plugs(stations: pl.DataFrame, own: pl.DataFrame, section: ChargingSection) -> pl.DataFrame:
    plugs = own.with_columns(kind=pl.lit("depot"), power_kw=pl.lit(section.home_plug_kw), own=pl.lit(True))
    given = stations.with_columns(pl.col("kind").cast(pl.String), own=pl.lit(False))
    return pl.concat([given, plugs], how="diagonal_relaxed")


def start_level() -> pl.Expr:
    """Return the level at the start: full where there is a plug at night, else drawn between reserve and target."""
    between = pl.col("reserve") + whole(pl.col("draw") * (pl.col("target") - pl.col("reserve")))
    return pl.when(pl.col("home") >= 0).then(pl.col("capacity")).otherwise(between)


def start_draws(plans: Sequence[FleetPlan], conditions: DayConditions) -> pl.Series:
    """Return where between reserve and target each vehicle without a plug starts: anywhere, alike often.

    A battery that is emptied steadily and filled to the target whenever it meets the reserve is found at
    every level between them equally often.
    """
    keys = conditions.seed, conditions.day
    draws = [stream(*keys, plan.fleet, "start_level").random(plan.vehicles.height) for plan in plans]
    return pl.Series("draw", np.concatenate(draws))


def visitors_of(
    background: Background, fleet: pl.Enum, conditions: DayConditions, section: ChargingSection
) -> pl.DataFrame:
    """Return the columns of `Vehicles` of the background arrivals: they seek the energy they want at once."""
    wanted = whole(pl.col("energy_kwh") * 1000)
    knee_pm, end_pm = round(section.car_knee_share * 1000), round(section.car_end_power_share * 1000)
    groups = pl.Series([background.group_of.get(name) for name in fleet.categories], dtype=GROUP)
    fleets = background.arrivals["fleet"].cast(fleet)
    sized = background.arrivals.with_columns(
        fleets,
        groups.gather(fleets.to_physical()).alias("fleet_group"),
        weight=pl.lit(1.0 / conditions.sample),
        background=pl.lit(True),
        legs=pl.lit(1, pl.Int64),
        type_row=pl.lit(-1, pl.Int64),
        home_plug=pl.lit(False),
        kind=pl.lit(int(Kind.ELECTRIC), pl.Int64),
        home=pl.lit(-1, pl.Int64),
        soft=pl.lit(False),
        capacity=whole(pl.col("battery_kwh") * 1000),
        max_power=whole(pl.col("max_charge_kw") * 1000 * section.charger_efficiency),
        knee_pm=pl.lit(knee_pm, pl.Int64),
        end_pm=pl.lit(end_pm, pl.Int64),
        use_per_km=pl.lit(0, pl.Int64),
    )
    start = (whole(pl.col("capacity") * section.target_share) - wanted).clip(0)
    started = sized.with_columns(start_level=start).with_columns(
        target=pl.min_horizontal("capacity", pl.col("start_level") + wanted)
    )
    return started.with_columns(reserve=pl.col("target"), depot_reserve=pl.col("target"))


def everyone_of(duty: pl.DataFrame, visitors: pl.DataFrame) -> pl.DataFrame:
    """Return `KEYS`, `legs` and the columns of `Vehicles` of all, the simulated fleets first."""
    given = [name for name in needed(Vehicles) if name not in ("first_leg", "group")]
    columns = [*KEYS, "legs", *given]
    return pl.concat([duty.select(columns), visitors.select(columns)])


def vehicles_of(everyone: pl.DataFrame) -> Vehicles:
    group = everyone["fleet_group"].to_physical().cast(pl.Int64).to_numpy()
    first_leg = np.concatenate((np.zeros(1, np.int64), np.cumsum(everyone["legs"].to_numpy())))
    return columns_of(Vehicles, everyone, first_leg=first_leg, group=group)


def fit_to_start(vehicles: Vehicles, legs: Legs, duties: int) -> Vehicles:
    """Return the vehicles, those of duties with at least what takes them to their first chance and the reserve."""
    first_need = np.full(len(vehicles), NEVER_US)
    _first_need(vehicles.first_leg, legs.energy, legs.may_charge, first_need)
    least = np.minimum(first_need + vehicles.reserve, vehicles.capacity)
    least[duties:] = 0
    return replace(vehicles, start_level=np.maximum(vehicles.start_level, least))


@compiled
def _first_need(first_leg: IntArray, energy: IntArray, may_charge: BoolArray, need: IntArray) -> None:
    """Write the energy of each vehicle up to its first chance, or to its day's end; nothing where it has no legs."""
    for vehicle in range(len(need)):
        used = 0
        for leg in range(first_leg[vehicle], first_leg[vehicle + 1]):
            used += energy[leg]
            need[vehicle] = used
            if may_charge[leg]:
                break
