"""The days of airside vehicles: jobs at the stands, in the waves of the flights."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fleetsim.duties.draws import Floats, Integers, evenly, whole
from fleetsim.duties.fleet import DayOf, DutyInputs, Roll, expand, vehicle_table
from fleetsim.duties.itinerary import FleetDay, Step, joined, keep_working, legs_of
from networks.errors import DataError

"""Months in which the kinds work that work in winter only, see the table `AirsidePattern`."""

Row = dict[str, Any]


@dataclass(frozen=True)
class _Waves:
    """The share of the day's flights up to each hour."""

    hour: Floats
    share: Floats


def airside_day(inputs: DutyInputs, counts: pl.DataFrame, day: DayOf) -> FleetDay:
    """Return the day of the vehicles that serve flights on the airports' aprons.

    A leg is one or several jobs at the stands; it is promised, for a flight waits at its end. Between the
    waves a vehicle stands by at its airport, where it may charge if it stands long enough.

    Parameters
    ----------
    inputs
        City tables, section and seed.
    counts
        Table `FleetCount` of this fleet; a district without an airport shares its vehicles among all airports.
    day
        The fleet and its representative day.
    """
    roll = expand(counts)
    airport, zone = _airports(inputs, roll)
    patterns = inputs.tables.airside.sort("kind")
    waves = _waves(inputs, day)
    legs = []
    for name in roll.reasons():
        rows = patterns.filter(pl.col("exempt_reason") == name)
        if rows.is_empty():
            raise DataError(f"duty_airside.csv: no kind for exempt reason {name!r}; add a row with it")
        vehicle = roll.of_reason(name)
        numbers = whole(rows["share"].to_numpy(), vehicle.size)
        for row, part in zip(rows.iter_rows(named=True), np.split(vehicle, np.cumsum(numbers)[:-1]), strict=True):
            if row["winter_only"] and day.month not in inputs.section.deicing_months:
                continue
            part = part[evenly(part.size, inputs.section.airside_in_service_share)]
            legs.append(_legs(inputs, day, row, (part, zone[part]), waves))
    return keep_working(FleetDay(vehicle_table(roll, zone, airport), joined(legs)))


def _airports(inputs: DutyInputs, roll: Roll) -> tuple[pl.Series, Integers]:
    places = inputs.places_of("airport").sort("place")
    row = np.repeat(np.arange(places.height), whole(places["size"].to_numpy(), roll.row.size))
    for index, name in enumerate(places["district"].to_list()):
        row[(roll.groups["district"] == name).to_numpy()[roll.row]] = index
    return places["place"].gather(row), places["zone"].to_numpy()[row]


def _waves(inputs: DutyInputs, day: DayOf) -> _Waves:
    hours = inputs.tables.hours.filter(pl.col("activity") == "flights").sort("hour")
    weight = np.concatenate([[0.0], hours["weekend" if day.weekend else "weekday"].to_numpy()])
    return _Waves(np.arange(25.0), np.cumsum(weight) / weight.sum())


def _legs(inputs: DutyInputs, day: DayOf, row: Row, who: tuple[Integers, Integers], waves: _Waves) -> pl.DataFrame:
    vehicle, zone = who
    most, section = row["legs_high"], inputs.section
    draws = day.uniform(inputs.seed, f"{row['kind']} legs", vehicle.size, most + 1, 3)
    number = row["legs_low"] + np.floor(draws[:, most, 0] * (most - row["legs_low"] + 1)).astype(np.int64)
    on = np.arange(most) < number[:, None]
    low, high = np.interp([row["first_h"], row["last_h"]], waves.hour, waves.share)
    wanted = np.interp(low + (high - low) * draws[:, :most, 0], waves.share, waves.hour)
    wanted_s = np.sort(np.where(on, wanted, np.inf), axis=1) * 3600.0
    spread = section.airside_spread
    km = row["leg_km"] * (1.0 + spread * (2.0 * draws[:, :most, 1] - 1.0))
    drive_s = np.rint(km / row["speed_kmh"] * 3600.0).astype(np.int64)
    dwell_s = np.rint(row["stop_min"] * 60.0 * (1.0 - spread + 2.0 * spread * draws[:, :most, 2])).astype(np.int64)
    depart_s = _in_turn(np.where(on, wanted_s, 0.0).astype(np.int64), drive_s + dwell_s)
    rest_s = np.diff(depart_s, axis=1, append=10**9) - drive_s - dwell_s
    slack = (rest_s >= section.airside_standby_min * 60.0) | (np.arange(most) == number[:, None] - 1)
    steps = [
        Step(
            on[:, leg],
            depart_s[:, leg],
            drive_s[:, leg],
            km[:, leg],
            zone,
            dwell_s[:, leg],
            np.floor(dwell_s[:, leg] * row["work_share"]).astype(np.int64),
            may_charge=slack[:, leg],
            at_depot=slack[:, leg],
            timed=True,
            latest_s=depart_s[:, leg] + round(section.airside_window_min * 60.0),
        )
        for leg in range(most)
    ]
    legs = legs_of(steps)
    return legs.with_columns(vehicle_id=pl.Series(vehicle)[legs["vehicle_id"]])


def _in_turn(wanted_s: Integers, busy_s: Integers) -> Integers:
    """Return departures no earlier than wanted, each after the one before is done."""
    result = wanted_s.copy()
    for leg in range(1, result.shape[1]):
        result[:, leg] = np.maximum(wanted_s[:, leg], result[:, leg - 1] + busy_s[:, leg - 1])
    return result
