"""From the log of a day to tables: sessions, loads, service, what zones asked for, what fleets used."""

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from charging.energy import HOUR_US
from charging.tables import Session, StationLoad
from fleetsim.engine.build import DayModel
from fleetsim.engine.spec import SECOND_US, BoolArray, Kind, Log, Reason, is_served, vehicle_of_leg
from fleetsim.tables import DayUse, Service, ZoneDemand
from fleetsim.vehicles import CARRIER_OF, FloatArray

BIN_US = 15 * 60 * SECOND_US
BINS_PER_HOUR = 4
MINUTE_US = 60 * SECOND_US
LATE_US = 5 * MINUTE_US
"""A promised departure is late beyond this [us]; the definition of the table `Service`."""
STATION_KIND = {Kind.ELECTRIC: "public", Kind.SWAP: "swap", Kind.HYDROGEN: "hydrogen"}
UNIT_OF = {"petrol": "l", "diesel": "l", "gas": "m3", "electricity": "kWh", "hydrogen": "kg"}


def sessions(model: DayModel, log: Log) -> dy.DataFrame[Session]:
    """Return the visits that took energy, by station and start of service."""
    rows = _visits(model, log).filter(pl.col("served"))
    amount = pl.col("energy") / 1000
    hydrogen = pl.col("kind") == Kind.HYDROGEN
    table = rows.select(
        "year",
        "day",
        "fleet",
        "vehicle_id",
        "station_id",
        *[(pl.col(name) / SECOND_US).alias(name) for name in ("arrive", "start", "end")],
        energy_kwh=pl.when(~hydrogen).then(amount),
        hydrogen_kg=pl.when(hydrogen).then(amount),
    )
    return Session.validate(table.sort("station_id", "start", "arrive", "fleet", "vehicle_id"))


def station_load(model: DayModel, log: Log) -> dy.DataFrame[StationLoad]:
    """Return what each station gave and how long its visitors waited, by hour; idle hours are left out.

    Notes
    -----
    A session's energy is spread evenly over its time of flow; a swapped pack's over its charge behind the bay.
    Waits count at the hour of arrival. Numbers are scaled up if the run samples.
    """
    visits = _visits(model, log).filter(pl.col("station") >= 0)
    arrived = _arrivals_by_hour(visits)
    energy = _energy_by_hour(model, visits)
    joined = energy.join(arrived, on=["station", "hour"], how="full", coalesce=True)
    ids = pl.Series("station_id", model.station_ids, dtype=pl.String)
    table = joined.with_columns(
        pl.col("energy_kwh", "peak_kw").fill_null(0.0),
        pl.col("served", "unserved").fill_null(0),
        year=pl.lit(model.conditions.year, pl.Int64),
        day=pl.lit(model.conditions.day),
        station_id=ids.gather(joined["station"]),
    )
    return StationLoad.validate(table.select(StationLoad.column_names()).sort("station_id", "hour"))


def service(model: DayModel, log: Log) -> dy.DataFrame[Service]:
    """Return by fleet what the day asked for and what was done; background arrivals are no duties."""
    frame = model.roster.select("fleet", "weight").with_columns(**_departures_by_vehicle(model, log))
    frame = frame.filter(~model.roster["background"])
    sums = frame.group_by("fleet", maintain_order=True).agg(
        (pl.exclude("weight") * pl.col("weight")).sum(), duties=pl.col("weight").sum()
    )
    kwh = pl.col("carrier").cast(pl.String).replace_strict(model.conditions.kwh_per_unit, return_dtype=pl.Float64)
    energy = (
        day_use(model, log)
        .group_by("fleet", maintain_order=True)
        .agg((pl.col("quantity") * kwh).sum().alias("energy_kwh"))
    )
    table = sums.join(energy, on="fleet", how="left")
    mean_delay = pl.when(pl.col("promised") > 0).then(pl.col("delay_min") / pl.col("promised")).otherwise(0.0)
    whole = ("duties", "legs", "late_legs", "missed_legs")
    return Service.validate(
        table.with_columns(
            *[pl.col(name).round().cast(pl.Int64) for name in whole],
            pl.col("energy_kwh").fill_null(0.0),
            year=pl.lit(model.conditions.year, pl.Int64),
            day=pl.lit(model.conditions.day),
            mean_delay_min=mean_delay,
        )
        .select(Service.column_names())
        .sort("fleet")
    )


def _departures_by_vehicle(model: DayModel, log: Log) -> dict[str, pl.Series]:
    """Return per vehicle its legs, those late, missed and promised, the delay and the distance driven."""
    legs = model.inputs.legs
    of_leg = vehicle_of_leg(model.inputs.vehicles)
    made = log.departure >= 0
    promised = made & legs.timed
    delay = np.where(promised, log.departure - legs.depart, 0)
    columns = {
        "legs": np.ones(len(legs)),
        "late_legs": delay > LATE_US,
        "missed_legs": ~made | (log.departure > legs.latest),
        "promised": promised,
        "delay_min": delay / MINUTE_US,
        "distance_km": made * model.distance_km,
    }
    size = len(model.inputs.vehicles)
    return {name: pl.Series(np.bincount(of_leg, values, size)) for name, values in columns.items()}


def zone_demand(model: DayModel, log: Log, *, long_wait_min: float = 10.0) -> dy.DataFrame[ZoneDemand]:
    """Return by zone and kind of station what drivers sought away from their depot and what they got.

    Parameters
    ----------
    model, log
        The day.
    long_wait_min
        A wait beyond this counts as `waiting` [min].

    Notes
    -----
    One wish is a vehicle and the leg after which it sought energy, however many stations it tried.
    """
    vehicles, legs = model.inputs.vehicles, model.inputs.legs
    away = ~(legs.at_depot & (vehicles.home[vehicle_of_leg(vehicles)] >= 0))
    visits = _visits(model, log).filter(pl.Series(away[log.leg]))
    wishes = visits.group_by("vehicle", "leg", maintain_order=True).agg(
        pl.col("zone", "kind", "fleet_group", "weight").first(),
        pl.col("served").any(),
        stranded=(pl.col("reason") == Reason.STRANDED).any(),
        wait_min=(pl.col("start") - pl.col("arrive")).sum() / MINUTE_US,
        detour_km=pl.col("metres").sum() / 1000,
    )
    weight = pl.col("weight")
    table = wishes.group_by("zone", "kind", "fleet_group", maintain_order=True).agg(
        seeks=weight.sum(),
        served=weight.filter("served").sum(),
        unserved=weight.filter(~pl.col("served")).sum(),
        stranded=weight.filter("stranded").sum(),
        waiting=weight.filter(pl.col("served") & (pl.col("wait_min") > long_wait_min)).sum(),
        mean_wait_min=pl.col("wait_min").filter("served").mean(),
        detour_km=(weight * pl.col("detour_km")).sum(),
    )
    return ZoneDemand.validate(
        table.with_columns(
            pl.col("kind").replace_strict(STATION_KIND, return_dtype=pl.String),
            year=pl.lit(model.conditions.year, pl.Int64),
            day=pl.lit(model.conditions.day),
        )
        .select(ZoneDemand.column_names())
        .with_columns(pl.col("kind").cast(ZoneDemand.kind.dtype), pl.col("fleet_group").cast(pl.String))
        .sort("zone", "kind", "fleet_group")
    )


def day_use(model: DayModel, log: Log) -> dy.DataFrame[DayUse]:
    """Return what each fleet's vehicles used and drove, by powertrain and carrier; of legs that were made.

    Notes
    -----
    Vehicles that take energy at stations: energy taken minus the change of their level. A PHEV burns petrol
    for the rest of its distance, and for what its battery could not give.
    """
    main, petrol = _main_use(model, log), _petrol_use(model, log)
    keys = ["fleet", "powertrain", "carrier"]
    sums = pl.concat([main, petrol]).group_by(keys, maintain_order=True).agg(pl.col("quantity", "distance_km").sum())
    table = sums.filter((pl.col("quantity") > 0) | (pl.col("distance_km") > 0)).with_columns(
        year=pl.lit(model.conditions.year, pl.Int64),
        day=pl.lit(model.conditions.day),
        unit=pl.col("carrier").replace_strict(UNIT_OF, return_dtype=pl.String),
    )
    typed = table.with_columns(
        pl.col("powertrain").cast(DayUse.powertrain.dtype), pl.col("carrier").cast(DayUse.carrier.dtype)
    )
    return DayUse.validate(typed.select(DayUse.column_names()).sort(keys))


def _main_use(model: DayModel, log: Log) -> pl.DataFrame:
    """Return per vehicle what its store gave and how far it drove on it."""
    vehicles = model.inputs.vehicles
    stored_km = _by_vehicle(model, log, model.distance_km * model.electric_share)
    detour_km = np.bincount(log.vehicle, log.metres / 1000, len(vehicles))
    burnt = _by_vehicle(model, log, model.stored)
    quantity = np.where(vehicles.kind > 0, _used(model, log) / 1000, burnt)
    return _use_frame(model, quantity, stored_km + detour_km, None)


def _petrol_use(model: DayModel, log: Log) -> pl.DataFrame:
    """Return per PHEV what it burnt besides and how far it drove on that."""
    petrol_km = _by_vehicle(model, log, model.distance_km * (1.0 - model.electric_share))
    asked = _by_vehicle(model, log, model.inputs.legs.energy.astype(np.float64))
    short_kwh = np.where(model.inputs.vehicles.soft, asked - _used(model, log), 0.0) / 1000
    litres = _by_vehicle(model, log, model.fuel) + np.maximum(short_kwh, 0.0) * model.petrol_per_kwh
    return _use_frame(model, litres, petrol_km, "petrol")


def _use_frame(model: DayModel, quantity: FloatArray, distance_km: FloatArray, carrier: str | None) -> pl.DataFrame:
    weight = model.roster["weight"].to_numpy()
    own = pl.col("powertrain").replace_strict(CARRIER_OF, return_dtype=pl.String)
    return (
        model.roster.select("fleet", "powertrain", "background")
        .with_columns(
            carrier=own if carrier is None else pl.lit(carrier),
            quantity=pl.Series(quantity * weight),
            distance_km=pl.Series(distance_km * weight),
        )
        .filter(~pl.col("background"))
        .drop("background")
    )


def _used(model: DayModel, log: Log) -> FloatArray:
    """Return the energy each vehicle took from its store [Wh, g]."""
    vehicles = model.inputs.vehicles
    taken = np.bincount(log.vehicle, log.energy, len(vehicles))
    return np.asarray(taken - (log.level - vehicles.start_level))


def _by_vehicle(model: DayModel, log: Log, of_leg: FloatArray) -> FloatArray:
    vehicles = model.inputs.vehicles
    made = np.where(log.departure >= 0, of_leg, 0.0)
    return np.asarray(np.bincount(vehicle_of_leg(vehicles), made, len(vehicles)), np.float64)


def _visits(model: DayModel, log: Log) -> pl.DataFrame:
    """Return the log with its keys: fleet, vehicle_id, station_id, zone, kind, weight, served."""
    names = ("vehicle", "leg", "station", "arrive", "start", "end", "energy", "reason", "metres")
    visited = pl.Series(np.where(log.station >= 0, log.station, 0))
    ids = pl.Series("station_id", model.station_ids, dtype=pl.String).gather(visited) if len(log) else None
    keys = model.roster.select("fleet", "fleet_group", "vehicle_id", "weight")[log.vehicle]
    return pl.DataFrame({name: getattr(log, name) for name in names}).with_columns(
        *keys.get_columns(),
        year=pl.lit(model.conditions.year, pl.Int64),
        day=pl.lit(model.conditions.day),
        station_id=pl.lit(None, pl.String) if ids is None else ids,
        kind=pl.Series(model.inputs.vehicles.kind[log.vehicle]),
        zone=pl.Series(model.inputs.legs.zone[log.leg]),
        served=pl.Series(is_served(log)),
    )


def _arrivals_by_hour(visits: pl.DataFrame) -> pl.DataFrame:
    wait = (pl.col("start") - pl.col("arrive")) / MINUTE_US
    return (
        visits.group_by("station", (pl.col("arrive") // HOUR_US).alias("hour"), maintain_order=True)
        .agg(
            mean_wait_min=wait.filter("served").mean(),
            p95_wait_min=wait.filter("served").quantile(0.95, "linear"),
            served=pl.col("weight").filter("served").sum().round().cast(pl.Int64),
            unserved=pl.col("weight").filter(~pl.col("served")).sum().round().cast(pl.Int64),
        )
        .sort("station", "hour")
    )


def _energy_by_hour(model: DayModel, visits: pl.DataFrame) -> pl.DataFrame:
    """Return energy and highest quarter-hour power by station and hour."""
    taken = visits.filter(pl.col("served") & (pl.col("energy") > 0))
    begin, end = _flow_times(model, taken)
    kwh_per_kg = model.conditions.kwh_per_unit["hydrogen"]
    heat = np.where(taken["kind"].to_numpy() == Kind.HYDROGEN, kwh_per_kg, 1.0)
    energy = taken["energy"].to_numpy() / 1000 * heat * taken["weight"].to_numpy()
    bins = max(BINS_PER_HOUR, int(end.max(initial=0)) // BIN_US + 1)
    cells = _spread(taken["station"].to_numpy() * bins, begin, end, energy)
    cell = np.flatnonzero(cells)
    quarter = pl.DataFrame(
        {"station": cell // bins, "hour": cell % bins // BINS_PER_HOUR, "energy_kwh": cells[cell]},
        schema={"station": pl.Int64, "hour": pl.Int64, "energy_kwh": pl.Float64},
    )
    power = (pl.col("energy_kwh") * BINS_PER_HOUR).max().alias("peak_kw")
    return (
        quarter.group_by("station", "hour", maintain_order=True)
        .agg(pl.col("energy_kwh").sum(), power)
        .sort("station", "hour")
    )


def _flow_times(model: DayModel, taken: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return when energy begins and ceases to flow [us]: on the plug, or into the pack behind the bay."""
    stations = model.inputs.stations
    station, start = taken["station"].to_numpy(), taken["start"].to_numpy()
    swap: BoolArray = taken["kind"].to_numpy() == Kind.SWAP
    begin = np.where(swap, start, start + stations.handling[station])
    pack_end = start + taken["energy"].to_numpy() * HOUR_US // stations.rate[station]
    end = np.where(swap, pack_end, taken["end"].to_numpy())
    return np.minimum(begin, end - 1), end


def _spread(
    offset: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64], energy: FloatArray
) -> FloatArray:
    """Return the sum of `energy` in each bin, each amount spread evenly from `begin` to `end` [us]."""
    first, last = begin // BIN_US, (end - 1) // BIN_US
    counts = last - first + 1
    row = np.repeat(np.arange(len(begin)), counts)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    bin_start = (first[row] + nth) * BIN_US
    overlap = np.minimum(end[row], bin_start + BIN_US) - np.maximum(begin[row], bin_start)
    shares = energy[row] * overlap / (end - begin)[row]
    return np.asarray(np.bincount(offset[row] + first[row] + nth, shares), np.float64)
