"""Days in a row: batteries carry their charge from one day to the next, and vehicles plug in every night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import polars as pl

from fleetsim.engine.build import DayModel
from fleetsim.engine.log import LATE_US
from fleetsim.engine.plan import GROUP
from fleetsim.engine.spec import (
    HOUR_US,
    MINUTE_US,
    NEVER_US,
    IntArray,
    Legs,
    Log,
    Vehicles,
    is_served,
    needed,
    vehicle_of_leg,
)
from networks.errors import DataError

DAY_US = 24 * HOUR_US
SAME = ("fleet", "powertrain", "home")
"""What vehicles of two days must share to be the same vehicle; within it they are matched in order."""
IDENTITY = ["background", *SAME, "nth", "guest_of"]


def in_a_row(days: Sequence[DayModel]) -> DayModel:
    """Return days one after the other as one, each 24 hours after the one before.

    Parameters
    ----------
    days
        Days of one year, all with the same stations.

    Raises
    ------
    DataError
        If the days have different stations.

    Notes
    -----
    The vehicles of a fleet and powertrain that stand at the same depot are matched in their order; who has no duty on a
    day stands. Whoever comes only to charge is another vehicle each day.
    """
    if any(day.station_ids != days[0].station_ids for day in days):
        raise DataError("days in a row: their stations differ; build them for the same year")
    keyed = [_keyed(day, number) for number, day in enumerate(days)]
    everyone = pl.concat(keyed).unique(
        subset=["background", *SAME, "nth", "guest_of"], keep="first", maintain_order=True
    )
    everyone = everyone.sort("background", maintain_order=True).with_row_index("row")
    rows = [_rows(key, everyone) for key in keyed]
    of_leg = np.concatenate([own[vehicle_of_leg(day.inputs.vehicles)] for own, day in zip(rows, days, strict=True)])
    number = np.concatenate([np.full(len(day.inputs.legs), n) for n, day in enumerate(days)])
    order = np.lexsort((np.arange(of_leg.size), number, of_leg))
    legs = _legs(days, order, of_leg, number)
    model = days[0]
    return replace(
        model,
        inputs=replace(model.inputs, vehicles=_vehicles(days, everyone, of_leg), legs=legs),
        roster=_roster(days, everyone),
        distance_km=np.concatenate([day.distance_km for day in days])[order],
        stored=np.concatenate([day.stored for day in days])[order],
        fuel=np.concatenate([day.fuel for day in days])[order],
        electric_share=_gathered(everyone, [day.electric_share for day in days]),
    )


def _keyed(day: DayModel, number: int) -> pl.DataFrame:
    """Return what tells the vehicles of a day from each other, and where they are: day and row."""
    table = day.roster.select(
        pl.col("fleet", "powertrain").cast(pl.String),
        "background",
        home=pl.Series(day.inputs.vehicles.home),
    ).with_row_index("day_row")
    return table.with_columns(
        nth=pl.int_range(pl.len()).over("background", *SAME),
        guest_of=pl.when("background").then(pl.lit(number)).otherwise(-1),
        day=pl.lit(number),
    )


def _rows(key: pl.DataFrame, everyone: pl.DataFrame) -> IntArray:
    joined = key.join(everyone.select("row", *IDENTITY), on=IDENTITY, how="left", maintain_order="left")
    return joined["row"].to_numpy().astype(np.int64)


def _gathered(everyone: pl.DataFrame, columns: list[Any]) -> Any:
    """Return the value of each vehicle on the first day it has."""
    day, row = everyone["day"].to_numpy(), everyone["day_row"].to_numpy().astype(np.int64)
    result = np.empty(everyone.height, columns[0].dtype)
    for number, column in enumerate(columns):
        own = day == number
        result[own] = column[row[own]]
    return result


def _vehicles(days: Sequence[DayModel], everyone: pl.DataFrame, of_leg: IntArray) -> Vehicles:
    counts = np.bincount(of_leg, minlength=everyone.height)
    columns = {
        name: _gathered(everyone, [getattr(day.inputs.vehicles, name) for day in days])
        for name in needed(Vehicles)
        if name != "first_leg"
    }
    return Vehicles(first_leg=np.concatenate(([0], np.cumsum(counts))), **columns)


def _roster(days: Sequence[DayModel], everyone: pl.DataFrame) -> pl.DataFrame:
    texts = pl.col("fleet", "fleet_group", "powertrain").cast(pl.String)
    everybody = pl.concat([day.roster.with_columns(texts) for day in days])
    known = {name: everybody[name].drop_nulls().unique().sort() for name in ("fleet", "powertrain")}
    codes = [pl.col(name).cast(pl.Enum(names)) for name, names in known.items()]
    everybody = everybody.with_columns(*codes, pl.col("fleet_group").cast(GROUP))
    first = np.cumsum([0, *(day.roster.height for day in days)])
    row = (first[everyone["day"].to_numpy()] + everyone["day_row"].to_numpy()).astype(np.int64)
    return pl.DataFrame(everybody[row])


def _legs(days: Sequence[DayModel], order: IntArray, of_leg: IntArray, number: IntArray) -> Legs:
    columns = {
        field.name: np.concatenate([getattr(day.inputs.legs, field.name) for day in days])[order]
        for field in fields(Legs)
    }
    shift = number[order] * DAY_US
    columns["depart"] = columns["depart"] + shift
    columns["latest"] = np.where(columns["latest"] < NEVER_US, columns["latest"] + shift, NEVER_US)
    owner, day = of_leg[order], number[order]
    ends = np.ones(owner.size, np.bool_)
    ends[:-1] = (owner[1:] != owner[:-1]) | (day[1:] != day[:-1])
    columns["overnight"] = ends
    return Legs(**columns)


def summary(model: DayModel, log: Log) -> pl.DataFrame:
    """Return by day and fleet what was asked for, what was done, and how full the batteries were in the morning.

    Returns
    -------
    pl.DataFrame
        day (from 0), fleet, legs, late_legs, missed_legs, sessions, energy_kwh (of electric vehicles), unserved,
        mean_wait_min.
    """
    legs, of_leg = model.inputs.legs, vehicle_of_leg(model.inputs.vehicles)
    weight = model.roster["weight"].to_numpy()
    fleet = model.roster["fleet"].cast(pl.String)
    own = ~model.roster["background"].to_numpy()[of_leg]
    made = log.departure >= 0
    duties = pl.DataFrame(
        {
            "day": legs.depart // DAY_US,
            "fleet": fleet.gather(of_leg),
            "legs": weight[of_leg],
            "late_legs": weight[of_leg] * (made & legs.timed & (log.departure - legs.depart > LATE_US)),
            "missed_legs": weight[of_leg] * (~made | (log.departure > legs.latest)),
        }
    ).filter(pl.Series(own))
    electric = np.isin(model.inputs.vehicles.kind[log.vehicle], (1, 2))
    served = is_served(log)
    visits = pl.DataFrame(
        {
            "day": log.seek // DAY_US,
            "fleet": fleet.gather(log.vehicle),
            "sessions": weight[log.vehicle] * served,
            "energy_kwh": weight[log.vehicle] * np.where(electric, log.energy - log.returned, 0) / 1000.0,
            "unserved": weight[log.vehicle] * ~served,
            "wait_min": np.where(served, (log.start - log.arrive) / MINUTE_US, 0.0) * weight[log.vehicle],
        }
    )
    keys = ["day", "fleet"]
    sums = [table.group_by(keys, maintain_order=True).agg(pl.exclude(keys).sum()) for table in (duties, visits)]
    joined = sums[0].join(sums[1], on=keys, how="full", coalesce=True).fill_null(0.0)
    waited = pl.when(pl.col("sessions") > 0).then(pl.col("wait_min") / pl.col("sessions")).otherwise(0.0)
    whole = pl.col("day", "legs", "late_legs", "missed_legs", "sessions", "unserved").round().cast(pl.Int64)
    return joined.with_columns(whole, mean_wait_min=waited).drop("wait_min").sort(keys)
