"""From tables to the columns an engine takes: the fleets' duties, arrivals, stations and ways of one day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import dataframely as dy
import numpy as np
import polars as pl

from charging.tables import Station
from fleetsim.duties.draws import stream
from fleetsim.engine.spec import (
    HOUR_US,
    NEVER_US,
    SECOND_US,
    Access,
    BoolArray,
    Inputs,
    IntArray,
    Kind,
    Legs,
    Stations,
    Vehicles,
    needed,
)
from fleetsim.scenario.sections import ChargingSection
from fleetsim.tables import FLEET_GROUPS, Assignment, BackgroundArrival, DutyVehicle, Leg, VehicleType
from fleetsim.vehicles import FloatArray, LegUse, leg_use, type_parameters
from networks.compiled import compiled

MINUTE_US = 60 * SECOND_US
KIND_OF = {"BEV": Kind.ELECTRIC, "PHEV": Kind.ELECTRIC, "BEV-swap": Kind.SWAP, "FCEV": Kind.HYDROGEN}
STATION_KIND_OF = {
    "depot": Kind.ELECTRIC,
    "public": Kind.ELECTRIC,
    "swap": Kind.SWAP,
    "hydrogen": Kind.HYDROGEN,
}
KEYS = ("fleet", "fleet_group", "vehicle_id", "powertrain", "weight", "background")
DRIVING = ("legs", "kind", "type_row", "home_plug")
GROUP = pl.Enum(FLEET_GROUPS)
"""A fleet group; its number in this order is the code the engine knows it by."""
HOME_PREFIX = "home_"
LEAST_END_PM = 10
"""Lowest power at full charge over highest power, so that charging ends [per mille]."""
CAR_CURVE_PM = (800, 100)
"""Knee and end power of cars that arrive in the background, as the shipped car types have them [per mille]."""
ColumnsT = TypeVar("ColumnsT", Vehicles, Legs, Stations)


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """A fleet's day and what drives it."""

    fleet: str
    group: str
    vehicles: dy.DataFrame[DutyVehicle]
    legs: dy.DataFrame[Leg]
    assignment: dy.DataFrame[Assignment]


@dataclass(frozen=True, slots=True)
class Background:
    """Vehicles of other fleets that look for a public plug; each is a vehicle with one leg."""

    arrivals: dy.DataFrame[BackgroundArrival]
    group_of: dict[str, str]
    """Fleet group by fleet."""


@dataclass(frozen=True, eq=False)
class Supply:
    """Where energy is taken.

    Attributes
    ----------
    stations
        Table `Station`: those open in the year, depots included (`station_id` is the depot).
    nearest
        Ways from zones to public, swap and hydrogen stations: zone and station (row numbers), minutes, km;
        enough of them that each zone has some of every group of fleets.
    """

    stations: dy.DataFrame[Station]
    nearest: pl.DataFrame

    @cached_property
    def ways(self) -> pl.DataFrame:
        """The ways, nearest first: kind (code), zone, station, minutes, km, nth (of the station's group, from 0)."""
        stations = self.stations.with_row_index("station").select(
            pl.col("station").cast(pl.Int64),
            pl.col("kind").cast(pl.String).replace_strict(STATION_KIND_OF, return_dtype=pl.Int64),
            group=pl.col("fleet_group").cast(GROUP).to_physical().cast(pl.Int64).fill_null(-1),
            depot=pl.col("kind").cast(pl.String) == "depot",
        )
        return (
            self.nearest.select(pl.col("zone", "station").cast(pl.Int64), "minutes", "km")
            .join(stations.filter(~pl.col("depot")), on="station")
            .sort("kind", "zone", "minutes", "station")
            .with_columns(nth=pl.int_range(pl.len()).over("kind", "zone", "group"))
        )


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
    sized = _sized(parameters, section)
    fleet = pl.Enum(sorted({*(plan.fleet for plan in plans), *background.group_of}))
    roster = pl.concat([_roster(plan, sized, fleet) for plan in plans])
    own = _own_plugs(roster)
    roster = _with_homes(roster, supply.stations, own)
    duty = roster.with_columns(start_level=_start_level(plans, conditions))
    visitors = _visitors(background, fleet, conditions, section)
    everyone = _everyone(duty, visitors)
    vehicles = _vehicles(everyone)
    driven = _driven(
        plans,
        pl.concat([duty.select(DRIVING), visitors.select(DRIVING)]),
        background.arrivals,
        lambda plan, row: leg_use(plan.legs, parameters, row, conditions.temperature_c, section),
    )
    legs = driven.legs
    inputs = Inputs(
        vehicles=fit_to_start(vehicles, legs, duty.height),
        legs=legs,
        stations=_stations(_with_own_plugs(supply.stations, own, section), section, conditions.sample),
        access=_access(supply.ways, section, 1 + int(max(legs.zone.max(initial=0), _last(supply.ways["zone"])))),
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


def _sized(parameters: pl.DataFrame, section: ChargingSection) -> pl.DataFrame:
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
            capacity=pl.when(stored).then(_whole(battery * 1000)).otherwise(0),
            max_power=_whole(pl.coalesce(charge_kw, "max_charge_kw") * 1000 * section.charger_efficiency),
            knee_pm=_whole(pl.col("knee") * 1000),
            end_pm=_whole(pl.col("end_power_share") * 1000).clip(LEAST_END_PM),
            use_per_km=pl.when(stored).then(_whole(pl.col("use_per_km") * 1000)).otherwise(0),
            target_share=target_share,
        )
        .with_columns(
            reserve=_whole(pl.col("capacity") * section.reserve_share),
            depot_reserve=_whole(pl.col("capacity") * section.depot_reserve_share),
            target=_whole(pl.col("capacity") * pl.col("target_share")),
        )
        .drop("target_share")
    )


def _roster(plan: FleetPlan, sized: pl.DataFrame, fleet: pl.Enum) -> pl.DataFrame:
    """Return a fleet's vehicles with their types and the number of their legs, in the order of the legs."""
    vehicles = plan.vehicles.sort("vehicle_id")
    # The legs are sorted by vehicle, so that looking up where each vehicle's begin and end is enough.
    of_leg, vehicle = plan.legs["vehicle_id"].to_numpy(), vehicles["vehicle_id"].to_numpy()
    number = np.searchsorted(of_leg, vehicle, "right") - np.searchsorted(of_leg, vehicle)
    return (
        vehicles.select("vehicle_id", "weight", "district", "depot")
        .join(plan.assignment, on="vehicle_id", how="left", maintain_order="left")
        .join(sized, on="vehicle_type", how="left", maintain_order="left")
        .with_columns(
            legs=pl.Series(number, dtype=pl.Int64),
            fleet=pl.lit(plan.fleet, fleet),
            fleet_group=pl.lit(plan.group, GROUP),
            background=pl.lit(False),
        )
    )


def _with_homes(roster: pl.DataFrame, stations: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
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
    plug = pl.when(_has_own_plug()).then(pl.col("own"))
    return keyed.with_columns(home=pl.coalesce("home", plug, pl.lit(-1)), home_plug=plug.is_not_null())


def _has_own_plug() -> pl.Expr:
    return pl.col("home_plug") & (pl.col("kind") == Kind.ELECTRIC)


def _own_plugs(roster: pl.DataFrame) -> pl.DataFrame:
    """Return one row a district whose vehicles have plugs of their own: station_id, district, plugs."""
    numbers = roster.filter(_has_own_plug()).group_by("district", maintain_order=True).len("plugs").sort("district")
    return numbers.select(
        pl.concat_str(pl.lit(HOME_PREFIX), "district").alias("station_id"), "district", pl.col("plugs").cast(pl.Int64)
    )


def _with_own_plugs(stations: pl.DataFrame, own: pl.DataFrame, section: ChargingSection) -> pl.DataFrame:
    plugs = own.with_columns(kind=pl.lit("depot"), power_kw=pl.lit(section.home_plug_kw), own=pl.lit(True))
    given = stations.with_columns(pl.col("kind").cast(pl.String), own=pl.lit(False))
    return pl.concat([given, plugs], how="diagonal_relaxed")


def _start_level(plans: Sequence[FleetPlan], conditions: DayConditions) -> pl.Expr:
    """Return the level at the start: full where there is a plug at night, else drawn between reserve and target."""
    draw = pl.Series("draw", np.concatenate([_start_draws(plan, conditions) for plan in plans]))
    between = pl.col("reserve") + _whole(draw * (pl.col("target") - pl.col("reserve")))
    return pl.when(pl.col("home") >= 0).then(pl.col("capacity")).otherwise(between)


def _start_draws(plan: FleetPlan, conditions: DayConditions) -> FloatArray:
    """Return where between reserve and target each vehicle without a plug starts: anywhere, alike often.

    A battery that is emptied steadily and filled to the target whenever it meets the reserve is found at
    every level between them equally often.
    """
    return stream(conditions.seed, conditions.day, plan.fleet, "start_level").random(plan.vehicles.height)


def _visitors(
    background: Background, fleet: pl.Enum, conditions: DayConditions, section: ChargingSection
) -> pl.DataFrame:
    """Return the columns of `Vehicles` of the background arrivals: they seek the energy they want at once."""
    wanted = _whole(pl.col("energy_kwh") * 1000)
    knee_pm, end_pm = CAR_CURVE_PM
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
        capacity=_whole(pl.col("battery_kwh") * 1000),
        max_power=_whole(pl.col("max_charge_kw") * 1000 * section.charger_efficiency),
        knee_pm=pl.lit(knee_pm, pl.Int64),
        end_pm=pl.lit(end_pm, pl.Int64),
        use_per_km=pl.lit(0, pl.Int64),
    )
    start = (_whole(pl.col("capacity") * section.target_share) - wanted).clip(0)
    started = sized.with_columns(start_level=start).with_columns(
        target=pl.min_horizontal("capacity", pl.col("start_level") + wanted)
    )
    return started.with_columns(reserve=pl.col("target"), depot_reserve=pl.col("target"))


def _everyone(duty: pl.DataFrame, visitors: pl.DataFrame) -> pl.DataFrame:
    """Return `KEYS`, `legs` and the columns of `Vehicles` of all, the simulated fleets first."""
    given = [name for name in needed(Vehicles) if name not in ("first_leg", "group")]
    columns = [*KEYS, "legs", *given]
    return pl.concat([duty.select(columns), visitors.select(columns)])


def _vehicles(everyone: pl.DataFrame) -> Vehicles:
    group = everyone["fleet_group"].to_physical().cast(pl.Int64).to_numpy()
    first_leg = np.concatenate((np.zeros(1, np.int64), np.cumsum(everyone["legs"].to_numpy())))
    return _columns(Vehicles, everyone, first_leg=first_leg, group=group)


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


def _columns(kind: type[ColumnsT], frame: pl.DataFrame, **given: IntArray) -> ColumnsT:
    """Return the dataclass of columns from the frame's columns of the same names."""
    names = [name for name in needed(kind) if name not in given]
    columns: dict[str, Any] = {name: np.ascontiguousarray(frame[name].to_numpy()) for name in names}
    return kind(**columns, **given)  # type: ignore[arg-type]


def _whole(value: pl.Expr) -> pl.Expr:
    return value.round().cast(pl.Int64)


@dataclass(frozen=True, slots=True)
class _Driven:
    """The legs of all plans and of the arrivals after them, and what each of them takes: see `DayModel`."""

    legs: Legs
    distance_km: FloatArray
    stored: FloatArray
    fuel: FloatArray


def _driven(
    plans: Sequence[FleetPlan],
    everyone: pl.DataFrame,
    arrivals: pl.DataFrame,
    use: Callable[[FleetPlan, IntArray], LegUse],
) -> _Driven:
    """Return the legs of the day, written plan by plan into the columns of all.

    Parameters
    ----------
    plans
        The simulated fleets.
    everyone
        Of their vehicles, then of the arrivals: legs, kind, type_row, home_plug.
    arrivals
        Table `BackgroundArrival`.
    use
        What the legs of a plan take, by the type of each leg's vehicle.
    """
    driven = _no_legs(int(everyone["legs"].sum()))
    vehicle, leg = 0, 0
    for plan in plans:
        own = everyone.slice(vehicle, plan.vehicles.height)
        vehicle, end = vehicle + own.height, leg + plan.legs.height
        number = own["legs"].to_numpy()
        took = use(plan, own["type_row"].to_numpy().repeat(number))
        _write_legs(driven.legs, slice(leg, end), plan.legs)
        takes, parks = (own["kind"] > 0).to_numpy(), own["home_plug"].to_numpy()
        _write_energy(took.stored, number, takes, parks, (driven.legs.energy[leg:end], driven.legs.at_depot[leg:end]))
        driven.distance_km[leg:end] = plan.legs["distance_km"].to_numpy()
        driven.stored[leg:end], driven.fuel[leg:end] = took.stored, took.fuel
        leg = end
    _write_arrivals(driven.legs, leg, arrivals)
    return driven


def _no_legs(size: int) -> _Driven:
    """Return columns in which nothing is driven yet."""
    given: dict[str, Any] = {name: np.zeros(size, np.int64) for name in needed(Legs)}
    given |= {name: np.zeros(size, np.bool_) for name in ("may_charge", "at_depot", "timed")}
    return _Driven(Legs(**given), np.zeros(size), np.zeros(size), np.zeros(size))


def _write_legs(to: Legs, rows: slice, legs: pl.DataFrame) -> None:
    """Write the legs of a fleet, without their energy."""
    for name in ("depart", "drive", "dwell"):
        np.multiply(legs[f"{name}_s"].to_numpy(), SECOND_US, out=getattr(to, name)[rows])
    for name in ("zone", "may_charge", "at_depot", "timed"):
        getattr(to, name)[rows] = legs[name].to_numpy()
    latest = legs["latest_s"]
    to.latest[rows] = NEVER_US
    limited = np.flatnonzero(latest.is_not_null().to_numpy())
    to.latest[rows][limited] = latest.drop_nulls().to_numpy() * SECOND_US


@compiled
def _write_energy(
    stored: FloatArray, number: IntArray, takes: BoolArray, parks: BoolArray, to: tuple[IntArray, BoolArray]
) -> None:
    """Write energy and stay of the legs of vehicles with `number` of them each: one that `parks` ends at its plug."""
    energy, at_depot = to
    leg = 0
    for vehicle in range(len(number)):
        for _ in range(number[vehicle]):
            energy[leg] = np.int64(np.rint(stored[leg] * 1000)) if takes[vehicle] else 0
            leg += 1
        if parks[vehicle] and number[vehicle] > 0:
            at_depot[leg - 1] = True


def _write_arrivals(to: Legs, first: int, arrivals: pl.DataFrame) -> None:
    """Write one leg an arrival: it stands where it looks for a plug."""
    to.depart[first:] = arrivals["arrive_s"].to_numpy() * SECOND_US
    to.zone[first:] = arrivals["zone"].to_numpy()
    to.may_charge[first:] = True
    to.latest[first:] = NEVER_US


def _last(column: pl.Series) -> int:
    return int(column.to_numpy().max(initial=0))


def _stations(stations: pl.DataFrame, section: ChargingSection, sample: float) -> Stations:
    """Return the stations' columns; with a sample of the vehicles they shrink alike, own plugs do not."""
    kind = pl.col("kind")
    scale = pl.when("own").then(1.0).otherwise(sample)
    handling_min = pl.when(kind == "swap").then(section.swap_min).when(kind == "hydrogen")
    handling_min = handling_min.then(section.hydrogen_connect_min).when(kind == "depot")
    into_battery = pl.col("power_kw") * 1000 * section.charger_efficiency
    flow = pl.lit(section.hydrogen_flow_kg_min * 60_000)
    codes = {group: code for code, group in enumerate(FLEET_GROUPS)}
    shaped = stations.with_columns(
        plugs=_whole(pl.col("plugs") * scale).clip(1),
        rate=_whole(pl.when(kind == "hydrogen").then(flow).otherwise(into_battery)).clip(1),
        handling=_whole(handling_min.then(section.depot_connect_min).otherwise(section.connect_min) * MINUTE_US),
        packs=_whole(pl.col("packs").fill_null(0) * scale),
        storage=_whole(pl.col("storage_kg").fill_null(0.0) * 1000 * scale),
        supply=_whole(pl.col("supply_kg_h").fill_null(0.0) * 1000 * scale),
        dry_limit=pl.lit(round(section.dry_wait_min * MINUTE_US), pl.Int64),
        group=pl.col("fleet_group").cast(pl.String).replace_strict(codes, default=-1, return_dtype=pl.Int64),
    )
    typical = pl.when(kind == "hydrogen").then(section.typical_hydrogen_kg).otherwise(section.typical_energy_kwh)
    flowing = pl.when(kind == "swap").then(0.0).otherwise(typical * 1000 / pl.col("rate") * HOUR_US)
    finished = shaped.with_columns(
        typical=pl.col("handling") + _whole(flowing),
        queue_limit=(pl.col("plugs") * section.queue_per_plug).ceil().cast(pl.Int64),
        kind=kind.replace_strict(STATION_KIND_OF, return_dtype=pl.Int64),
    )
    return _columns(Stations, finished)


def _access(ways: pl.DataFrame, section: ChargingSection, zones: int) -> Access:
    """Return the nearest stations of each zone and kind, as many of each group and of those open to all; no depots."""
    places = ["kind", "zone"]
    near = ways.filter(pl.col("nth") < section.stations_considered).with_columns(
        rank=pl.int_range(pl.len()).over(places)
    )
    ranks = max(section.stations_considered, _last(near["rank"]) + 1)
    shape = (len(Kind), zones, ranks)
    station, drive, metres = np.full(shape, -1, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    place = tuple(near[name].to_numpy() for name in (*places, "rank"))
    station[place] = near["station"].to_numpy()
    drive[place] = np.rint(near["minutes"].to_numpy() * MINUTE_US).astype(np.int64)
    metres[place] = np.rint(near["km"].to_numpy() * 1000).astype(np.int64)
    return Access(station, drive, metres)
