"""From the log of a day to tables: sessions, loads, service, what zones asked for, what fleets used."""

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

import dataframely as dy
import numpy as np
import polars as pl

from charging.tables import Session, StationLoad
from fleetsim.engine.build import DayModel
from fleetsim.engine.prepass import summed_made
from fleetsim.engine.spec import HOUR_US, MINUTE_US, SECOND_US, BoolArray, IntArray, Kind, Log, is_managed, is_served
from fleetsim.engine.wishes import Wishes
from fleetsim.tables import FLEET_GROUPS, DayUse, Service, ZoneDemand
from fleetsim.vehicles import CARRIER_OF, FloatArray
from networks.compiled import compiled

BIN_US = 15 * 60 * SECOND_US
BINS_PER_HOUR = 4
LATE_US = 5 * MINUTE_US
"""A promised departure is late beyond this [us]; the definition of the table `Service`."""
ROOM_US = 1 << 44
"""More than any time of a simulated day, so that a station's place times this and a time sort as the two do [us]."""
DRIVEN = ("legs", "late_legs", "missed_legs", "promised", "delay_min", "distance_km")
"""What `Service` counts of a vehicle's departures."""
STATION_KIND = {Kind.ELECTRIC: "public", Kind.SWAP: "swap", Kind.HYDROGEN: "hydrogen"}
UNIT_OF = {"petrol": "l", "diesel": "l", "gas": "m3", "electricity": "kWh", "hydrogen": "kg"}


def sessions(model: DayModel, log: Log) -> dy.DataFrame[Session]:
    """Return the visits that took energy, by station and start of service."""
    ids = pl.Series("station_id", model.station_ids, dtype=pl.String)
    fleet, number = model.roster["fleet"].to_physical().to_numpy(), model.roster["vehicle_id"].to_numpy()
    rows = np.flatnonzero(is_served(log))
    vehicle = log.vehicle[rows]
    place = _place_in_order(ids)[log.station[rows]] * ROOM_US + log.start[rows]
    rows = rows[_order(place, lambda tied: (number[vehicle[tied]], fleet[vehicle[tied]], log.arrive[rows[tied]]))]
    vehicle, amount = log.vehicle[rows], log.energy[rows] / 1000
    hydrogen = model.inputs.vehicles.kind[vehicle] == Kind.HYDROGEN
    table = model.roster.select("fleet", "vehicle_id")[vehicle].with_columns(
        **{name: pl.Series(getattr(log, name)[rows] / SECOND_US) for name in ("arrive", "start", "end")},
        year=pl.lit(model.conditions.year, pl.Int64),
        day=pl.lit(model.conditions.day),
        fleet=pl.col("fleet").cast(pl.String),
        station_id=ids.gather(log.station[rows]),
        energy_kwh=pl.when(pl.Series(~hydrogen)).then(pl.Series(amount)),
        hydrogen_kg=pl.when(pl.Series(hydrogen)).then(pl.Series(amount)),
    )
    return Session.validate(table.select(Session.column_names()))


def _order(first_key: IntArray, others: Callable[[IntArray], tuple[IntArray, ...]]) -> IntArray:
    """Return the rows in the order of a key.

    Parameters
    ----------
    first_key
        The key of each row.
    others
        Gives the keys that decide among some rows alike in it, the last one first; there are few of them.
    """
    order = np.argsort(first_key)
    same = np.diff(first_key[order]) == 0
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    rows = order[tied]
    order[tied] = rows[np.lexsort((*others(rows), first_key[rows]))]
    return order


def _place_in_order(texts: pl.Series) -> IntArray:
    """Return the place of each text in their order."""
    place = np.empty(len(texts), np.int64)
    place[texts.arg_sort().to_numpy()] = np.arange(len(texts))
    return place


def station_load(model: DayModel, log: Log) -> dy.DataFrame[StationLoad]:
    """Return what each station gave and how long its visitors waited, by hour; idle hours are left out.

    Notes
    -----
    A session's energy is spread evenly over its time of flow; a swapped pack's over its charge behind the bay.
    Waits count at the hour of arrival. Numbers are scaled up if the run samples.
    """
    quarters, visits = _energy_by_quarter(model, log), _Visits.of(model, log)
    hours = max(quarters.shape[1], visits.hours)
    size = len(model.station_ids) * hours
    energy, power = np.zeros((2, len(model.station_ids), hours))
    # By slices: numpy takes six times as long along an axis of four.
    parts = [quarters[:, :, part] for part in range(BINS_PER_HOUR)]
    energy[:, : quarters.shape[1]] = reduce(np.add, parts)
    power[:, : quarters.shape[1]] = reduce(np.maximum, parts)
    cell = visits.station * hours + visits.hour
    wait = _Groups.of(cell[visits.served], visits.wait_us[visits.served])
    came = np.bincount(cell, minlength=size) > 0
    # Rows by the text of the station, then by hour.
    ids = pl.Series("station_id", model.station_ids, dtype=pl.String)
    by_text = ids.arg_sort().to_numpy()
    rows = (by_text[:, None] * hours + np.arange(hours)).ravel()
    rows = rows[((energy.ravel() != 0.0) | came)[rows]]

    def whole(served: BoolArray) -> IntArray:
        return np.asarray(np.rint(np.bincount(cell, visits.weight * served, size)[rows]), np.int64)

    def of_cell(values: FloatArray) -> pl.Series:
        every = np.full(size, np.nan)
        every[wait.cell] = values / MINUTE_US
        return pl.Series(every[rows], nan_to_null=True)

    table = pl.DataFrame(
        {
            "year": pl.repeat(model.conditions.year, len(rows), dtype=pl.Int64, eager=True),
            "day": pl.repeat(model.conditions.day, len(rows), dtype=pl.String, eager=True),
            "station_id": ids.gather(rows // hours),
            "hour": rows % hours,
            "energy_kwh": energy.ravel()[rows],
            "peak_kw": power.ravel()[rows] * BINS_PER_HOUR,
            "mean_wait_min": of_cell(wait.mean()),
            "p95_wait_min": of_cell(wait.quantile(0.95)),
            "served": whole(visits.served),
            "unserved": whole(~visits.served),
        }
    )
    return StationLoad.validate(table)


def service(model: DayModel, log: Log) -> dy.DataFrame[Service]:
    """Return by fleet what the day asked for and what was done; background arrivals are no duties."""
    return service_of(model, log, day_use(model, log))


def service_of(model: DayModel, log: Log, use: dy.DataFrame[DayUse]) -> dy.DataFrame[Service]:
    """Return `service` of a day whose use is known, see `day_use`."""
    sums = (
        _duties(model)
        .select("fleet", "weight")
        .with_columns(**_departures_by_vehicle(model, log))
        .group_by("fleet", maintain_order=True)
        .agg((pl.exclude("weight") * pl.col("weight")).sum(), duties=pl.col("weight").sum())
    )
    kwh = pl.col("carrier").cast(pl.String).replace_strict(model.conditions.kwh_per_unit, return_dtype=pl.Float64)
    energy = use.group_by("fleet", maintain_order=True).agg((pl.col("quantity") * kwh).sum().alias("energy_kwh"))
    table = sums.with_columns(pl.col("fleet").cast(pl.String)).join(energy, on="fleet", how="left")
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


def _duties(model: DayModel) -> pl.DataFrame:
    """Return the roster without the background arrivals, which come last."""
    return model.roster.head(model.roster.height - int(model.roster["background"].sum()))


def _departures_by_vehicle(model: DayModel, log: Log) -> dict[str, pl.Series]:
    """Return per duty vehicle its legs, those late, missed and promised, the delay and the distance driven."""
    first_leg = model.inputs.vehicles.first_leg[: _duties(model).height + 1]
    legs = model.inputs.legs
    columns = np.zeros((len(DRIVEN), len(first_leg) - 1))
    moves = _Moves(legs.depart, log.departure, legs.latest, legs.timed, model.distance_km)
    _add_departures(first_leg, moves, columns)
    return {name: pl.Series(values) for name, values in zip(DRIVEN, columns, strict=True)}


class _Moves(NamedTuple):
    """Of each leg when it was to begin, when it did, the latest that is of use, whether it was promised, how far."""

    depart: IntArray
    departure: IntArray
    latest: IntArray
    timed: BoolArray
    distance_km: FloatArray


@compiled
def _add_departures(first_leg: IntArray, moves: _Moves, columns: FloatArray) -> None:
    """Add to the columns `DRIVEN` of each vehicle its legs."""
    for vehicle in range(len(first_leg) - 1):
        columns[0, vehicle] = first_leg[vehicle + 1] - first_leg[vehicle]
        for leg in range(first_leg[vehicle], first_leg[vehicle + 1]):
            departure = moves.departure[leg]
            is_made = departure >= 0
            columns[2, vehicle] += not is_made or departure > moves.latest[leg]
            if is_made and moves.timed[leg]:
                delay = departure - moves.depart[leg]
                columns[1, vehicle] += delay > LATE_US
                columns[3, vehicle] += 1
                columns[4, vehicle] += delay / MINUTE_US
            if is_made:
                columns[5, vehicle] += moves.distance_km[leg]


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
    wishes = Wishes.of(model, log)
    kinds, groups = len(Kind), len(FLEET_GROUPS)
    cell = (wishes.zone * kinds + wishes.kind) * groups + wishes.group
    cells = np.flatnonzero(np.bincount(cell))

    def total(values: FloatArray | BoolArray) -> FloatArray:
        return np.asarray(np.bincount(cell, values)[cells], np.float64)

    weight, served = wishes.weight, wishes.served
    served_wishes = total(served)
    wait_min = total(wishes.wait_min * served) / np.where(served_wishes > 0, served_wishes, np.nan)
    names = {int(kind): name for kind, name in STATION_KIND.items()}
    table = pl.DataFrame(
        {
            "year": pl.repeat(model.conditions.year, len(cells), dtype=pl.Int64, eager=True),
            "day": pl.repeat(model.conditions.day, len(cells), dtype=pl.String, eager=True),
            "zone": cells // (kinds * groups),
            "kind": pl.Series(cells // groups % kinds).replace_strict(names, return_dtype=ZoneDemand.kind.dtype),
            "fleet_group": pl.Series(FLEET_GROUPS).gather(cells % groups),
            "seeks": total(weight),
            "served": total(weight * served),
            "unserved": total(weight * ~served),
            "stranded": total(weight * wishes.stranded),
            "waiting": total(weight * (served & (wishes.wait_min > long_wait_min))),
            "mean_wait_min": pl.Series(wait_min, nan_to_null=True),
            "detour_km": total(weight * wishes.detour_km),
        }
    )
    return ZoneDemand.validate(table.sort("zone", "kind", "fleet_group"))


def day_use(model: DayModel, log: Log) -> dy.DataFrame[DayUse]:
    """Return what each fleet's vehicles used and drove, by powertrain and carrier; of legs that were made.

    Notes
    -----
    Vehicles that take energy at stations: energy taken minus the change of their level. A PHEV burns petrol
    for the rest of its distance, and for what its battery could not give.
    """
    keys = ["fleet", "powertrain", "carrier"]
    parts = [_main_use(model, log)]
    if model.inputs.vehicles.soft.any():
        parts.append(_petrol_use(model, log))
    sums = pl.concat(parts).group_by(keys, maintain_order=True).agg(pl.col("quantity", "distance_km").sum())
    table = sums.filter((pl.col("quantity") > 0) | (pl.col("distance_km") > 0)).with_columns(
        pl.col("fleet").cast(pl.String),
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
    stored_km = _by_vehicle(model, log, model.distance_km) * model.electric_share
    detour_km = np.bincount(log.vehicle, log.metres / 1000, len(vehicles))
    burnt = _by_vehicle(model, log, model.stored)
    quantity = np.where(vehicles.kind > 0, _used(model, log) / 1000, burnt)
    return _use_frame(model, quantity, stored_km + detour_km, None)


def _petrol_use(model: DayModel, log: Log) -> pl.DataFrame:
    """Return per PHEV what it burnt besides and how far it drove on that."""
    petrol_km = _by_vehicle(model, log, model.distance_km) * (1.0 - model.electric_share)
    asked = _by_vehicle(model, log, model.inputs.legs.energy)
    short_kwh = np.where(model.inputs.vehicles.soft, asked - _used(model, log), 0.0) / 1000
    litres = _by_vehicle(model, log, model.fuel) + np.maximum(short_kwh, 0.0) * model.petrol_per_kwh
    return _use_frame(model, litres, petrol_km, "petrol")


def _use_frame(model: DayModel, quantity: FloatArray, distance_km: FloatArray, carrier: str | None) -> pl.DataFrame:
    duties = _duties(model)
    weight = duties["weight"].to_numpy()
    carriers = pl.Enum(list(UNIT_OF))
    own = pl.col("powertrain").replace_strict(CARRIER_OF, return_dtype=carriers)
    return duties.select(
        "fleet",
        "powertrain",
        carrier=own if carrier is None else pl.lit(carrier, carriers),
        quantity=pl.Series(quantity[: weight.size] * weight),
        distance_km=pl.Series(distance_km[: weight.size] * weight),
    )


def _used(model: DayModel, log: Log) -> FloatArray:
    """Return the energy each vehicle took from its store [Wh, g]."""
    vehicles = model.inputs.vehicles
    taken = np.bincount(log.vehicle, log.energy, len(vehicles))
    return np.asarray(taken - (log.level - vehicles.start_level))


def _by_vehicle(model: DayModel, log: Log, of_leg: FloatArray | IntArray) -> FloatArray:
    vehicles = model.inputs.vehicles
    return np.asarray(summed_made(of_leg, log.departure, vehicles.first_leg), np.float64)


class _Visits(NamedTuple):
    """Of each visit to a station: where, the hour of arrival, the wait, whether it was served, whom it stands for."""

    station: IntArray
    hour: IntArray
    wait_us: IntArray
    served: BoolArray
    weight: FloatArray
    hours: int

    @classmethod
    def of(cls, model: DayModel, log: Log) -> "_Visits":
        at = np.flatnonzero(log.station >= 0)
        hour = log.arrive[at] // HOUR_US
        weight = model.roster["weight"].to_numpy()[log.vehicle[at]]
        wait_us = log.start[at] - log.arrive[at]
        return cls(log.station[at], hour, wait_us, is_served(log)[at], weight, 1 + int(hour.max(initial=0)))


class _Groups(NamedTuple):
    """Whole numbers from 0 up, sorted within their cell."""

    cell: IntArray
    first: IntArray
    number: IntArray
    value: IntArray

    @classmethod
    def of(cls, cell: IntArray, value: IntArray) -> "_Groups":
        """Return the values by cell; one sort of cell and value in one number."""
        room = 1 + int(value.max(initial=0))
        packed = np.sort(cell * room + value)
        cells = packed // room
        first = np.flatnonzero(np.diff(cells, prepend=-1))
        return cls(cells[first], first, np.diff(first, append=cells.size), packed - cells * room)

    def mean(self) -> FloatArray:
        """Return the mean of each cell."""
        total = np.concatenate((np.zeros(1, np.int64), np.cumsum(self.value)))
        return np.asarray((total[self.first + self.number] - total[self.first]) / self.number)

    def quantile(self, share: float) -> FloatArray:
        """Return a quantile of each cell, linear between two values."""
        place = (self.number - 1) * share
        low = np.floor(place).astype(np.int64)
        lower = self.value[self.first + low]
        upper = self.value[self.first + np.minimum(low + 1, self.number - 1)]
        return np.asarray(lower + (upper - lower) * (place - low))


def _energy_by_quarter(model: DayModel, log: Log) -> FloatArray:
    """Return energy by station, hour and quarter of an hour [kWh]; what is given back counts against it.

    At managed plugs it is what flowed in each stretch of steady rule, elsewhere a visit's energy spread evenly.
    """
    managed = is_managed(model.inputs)
    taken = np.flatnonzero(is_served(log) & (log.energy > 0) & ~managed[log.station])
    vehicle, station = log.vehicle[taken], log.station[taken]
    kind = model.inputs.vehicles.kind[vehicle]
    begin, end = _flow_times(model, log, taken, kind == Kind.SWAP)
    heat = np.where(kind == Kind.HYDROGEN, model.conditions.kwh_per_unit["hydrogen"], 1.0)
    energy = log.energy[taken] / 1000 * heat * model.roster["weight"].to_numpy()[vehicle]
    flows = log.flows
    flowed = flows.energy / 1000 * model.roster["weight"].to_numpy()[flows.vehicle]
    hours = max(1, int(max(end.max(initial=0), flows.end.max(initial=0))) // HOUR_US + 1)
    cells = np.zeros((len(model.station_ids), hours, BINS_PER_HOUR))
    quarters = cells.reshape(len(cells), -1)
    _spread(quarters, station, begin, end, energy)
    _spread(quarters, flows.station, flows.start, flows.end, flowed)
    return cells


def _flow_times(model: DayModel, log: Log, taken: IntArray, swap: BoolArray) -> tuple[IntArray, IntArray]:
    """Return when energy begins and ceases to flow [us]: on the plug, or into the pack behind the bay."""
    stations = model.inputs.stations
    station, start = log.station[taken], log.start[taken]
    begin = np.where(swap, start, start + stations.handling[station])
    pack_end = start + log.energy[taken] * HOUR_US // stations.rate[station]
    end = np.where(swap, pack_end, log.end[taken])
    return np.minimum(begin, end - 1), end


@compiled
def _spread(cells: FloatArray, row: IntArray, begin: IntArray, end: IntArray, energy: FloatArray) -> None:
    """Add each amount to the bins of its row of `cells`, spread evenly from `begin` to `end` [us]."""
    for i in range(len(row)):
        for cell in range(begin[i] // BIN_US, (end[i] - 1) // BIN_US + 1):
            overlap = min(end[i], (cell + 1) * BIN_US) - max(begin[i], cell * BIN_US)
            cells[row[i], cell] += energy[i] * overlap / (end[i] - begin[i])
