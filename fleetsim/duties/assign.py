"""Which vehicle drives which duty: powertrains and types of a year's stock given to the duties of a day."""

from typing import Any, NamedTuple

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleetsim.duties.draws import Floats, Integers, evenly, whole
from fleetsim.duties.fleet import TEXT
from fleetsim.duties.tables import Assignment, DutyVehicle, Leg
from fleetsim.tables import POWERTRAINS, VehicleType
from networks.compiled import compiled
from networks.errors import DataError

SHORT_DUTIES_FIRST = ("BEV", "BEV-swap", "PHEV", "hybrid", "gas", "petrol", "diesel", "FCEV")
CODE = {name: code for code, name in enumerate(POWERTRAINS)}
PLUG_IN_CODES = [CODE[name] for name in ("BEV", "PHEV")]
FITTING_STEPS = 60
"""Rounds of the proportional fitting: it has settled long before; numerics."""
TRACE = 1e-6
"""Share of the city's vehicles that a district counts as having of each powertrain, so that fitting finds a way."""
TINY = 1e-300
"""What a sum is taken for at least, so that nothing is divided by 0."""
ROUNDED_TO = 6
"""Decimals to which ways are compared [km]: sums of legs differ in the last digits."""
ROW = ["exempt_reason", "district"]


def assign(
    vehicles: dy.DataFrame[DutyVehicle],
    legs: dy.DataFrame[Leg],
    stock: pl.DataFrame,
    types: dy.DataFrame[VehicleType],
    *,
    home_plug_share: float = 0.0,
) -> dy.DataFrame[Assignment]:
    """Return powertrain and type of every duty vehicle.

    Parameters
    ----------
    vehicles, legs
        A fleet's day.
    stock
        The fleet's vehicles of the year by `district`, `powertrain` and `exempt_reason`, column `vehicles`.
    types
        The types the fleet has, see `types_of`.
    home_plug_share
        Share of the electric vehicles without a depot that can charge where they stand at night [-].

    Raises
    ------
    DataError
        If the stock has no vehicle of an exempt reason that the duties have, or no type of a powertrain.

    Notes
    -----
    Each exempt reason has its powertrains in the proportions of the stock (largest remainder), so what stays
    in reserve has them too. Within a reason each district comes as near to its own stock as both sums allow
    (iterative proportional fitting, then rounding that keeps the sums). Within a district the duties go by
    difficulty: vehicles with a depot before those without, then by the longest distance between two stops at
    the depot. Battery vehicles take the easiest, then swap, plug-in, hybrid, gas, petrol, diesel, and
    fuel-cell vehicles the hardest. Of several types of a powertrain the one with the shorter range takes the
    easier duties, each type as many. There is no random draw.
    """
    return give(by_difficulty(vehicles, legs), stock, types, home_plug_share=home_plug_share)


class Part(NamedTuple):
    """Vehicles of one exempt reason: the districts they are in, by name, and how many are in each."""

    reason: str
    districts: list[str]
    numbers: Integers


class Ranked(NamedTuple):
    """The vehicles of a fleet in the order in which `give` takes them: by exempt reason, district and difficulty.

    `ease` is the place among all vehicles of the fleet from the easiest duty to the hardest; who is `alone` has no
    depot.
    """

    vehicle: Integers
    alone: NDArray[np.bool_]
    ease: Integers
    parts: list[Part]


def by_difficulty(vehicles: dy.DataFrame[DutyVehicle], legs: dy.DataFrame[Leg]) -> Ranked:
    """Return the vehicles in the order in which `give` takes them; powertrains do not change it."""
    size = vehicles.height
    longest = np.zeros(size)
    if legs.height:
        ends = (legs["at_depot"] & legs["may_charge"]).to_numpy()
        longest_km(legs["vehicle_id"].to_numpy(), legs["distance_km"].to_numpy(), ends, longest)
    alone = vehicles["depot"].is_null().to_numpy()
    by_ease = np.argsort(longest.round(ROUNDED_TO), kind="stable")
    by_ease = np.concatenate([by_ease[~alone[by_ease]], by_ease[alone[by_ease]]])
    ease = np.empty(size, np.int64)
    ease[by_ease] = np.arange(size)
    (reasons, reason), (districts, district) = (_numbered(vehicles[name]) for name in ROW)
    group = reason * len(districts) + district
    row = by_ease[np.argsort(group[by_ease], kind="stable")]
    numbers = np.bincount(group, minlength=len(reasons) * len(districts)).reshape(len(reasons), len(districts))
    parts = [
        Part(name, [districts[code] for code in np.flatnonzero(of_reason)], of_reason[of_reason > 0])
        for name, of_reason in zip(reasons, numbers, strict=True)
    ]
    return Ranked(row, alone[row], ease[row], parts)


@compiled
def longest_km(vehicle: Integers, distance_km: Floats, ends: NDArray[np.bool_], longest: Floats) -> None:
    """Write the longest distance of each vehicle between two legs that end at the depot; `vehicle` rises."""
    total = 0.0
    for leg in range(vehicle.size):
        total += distance_km[leg]
        if ends[leg] or leg + 1 == vehicle.size or vehicle[leg + 1] != vehicle[leg]:
            longest[vehicle[leg]] = max(longest[vehicle[leg]], total)
            total = 0.0


def _numbered(column: pl.Series) -> tuple[list[str], Integers]:
    """Return the names in a column in their order, and the number of each row's name."""
    names = column.unique().sort()
    return names.to_list(), column.cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)


def give(
    ranked: Ranked, stock: pl.DataFrame, types: dy.DataFrame[VehicleType], *, home_plug_share: float = 0.0
) -> dy.DataFrame[Assignment]:
    """Return powertrain and type of every duty vehicle of `by_difficulty`, see `assign`."""
    if not ranked.parts:
        return Assignment.create_empty()
    held: dict[str, list[tuple[str, str, float]]] = {}
    for reason, *row in stock.select("exempt_reason", "district", "powertrain", "vehicles").iter_rows():
        held.setdefault(reason, []).append(tuple(row))
    powertrain = np.concatenate([_powertrains(part, held.get(part.reason, [])) for part in ranked.parts])
    vehicle = ranked.vehicle
    plug = ranked.alone & np.isin(np.arange(len(POWERTRAINS)), PLUG_IN_CODES)[powertrain]
    kind = _types(powertrain, ranked.ease, types)
    names = pl.Series(POWERTRAINS, dtype=Assignment.powertrain.dtype)
    table = pl.DataFrame(
        {
            "vehicle_id": np.arange(vehicle.size),
            "powertrain": names.gather(_by_vehicle(vehicle, powertrain)),
            "vehicle_type": types["vehicle_type"].gather(_by_vehicle(vehicle, kind)),
            "home_plug": _plugs(_by_vehicle(vehicle, plug), home_plug_share),
        }
    )
    return Assignment.cast(table)


def _by_vehicle(vehicle: Integers, values: NDArray[Any]) -> NDArray[Any]:
    """Return the values in the order of the vehicles' numbers, which have no gap."""
    result = np.empty_like(values)
    result[vehicle] = values
    return result


def types_of(types: dy.DataFrame[VehicleType], fleet: str, group: str) -> dy.DataFrame[VehicleType]:
    """Return the types a fleet has: of each powertrain its own rows, or else the rows of its group."""
    own = types.filter(pl.col("fleet") == fleet)
    shared = types.filter(pl.col("fleet").is_null() & (pl.col("fleet_group").cast(TEXT) == group))
    shared = shared.join(own.select("powertrain").unique(), on="powertrain", how="anti")
    return VehicleType.cast(pl.concat([own, shared]).sort("powertrain", "vehicle_type"))


def _powertrains(part: Part, held: list[tuple[str, str, float]]) -> Integers:
    """Return the powertrains (by `CODE`) of the vehicles of one exempt reason, sorted by district and difficulty.

    `held` are district, powertrain and number of those in the stock.
    """
    held = [row for row in held if row[2] > 0]
    total = int(part.numbers.sum())
    if not held:
        raise DataError(f"stock: no vehicle of exempt reason {part.reason!r} for {total} duties; add it to the stock")
    kinds = {kind for _, kind, _ in held}
    names = [name for name in SHORT_DUTIES_FIRST if name in kinds]
    row = {district: number for number, district in enumerate(part.districts)}
    amounts, city = np.zeros((len(row), len(names))), np.zeros(len(names))
    for district, kind, number in held:
        city[names.index(kind)] += number
        if district in row:
            amounts[row[district], names.index(kind)] += number
    table = fitted(amounts + TRACE * city, part.numbers, whole(city, total))
    codes = np.array([CODE[name] for name in names])
    return np.concatenate([np.repeat(codes, numbers_of) for numbers_of in table])


def fitted(seed: Floats, row_sums: Integers, column_sums: Integers) -> Integers:
    """Return a table of whole numbers with the given sums, as near in proportion to `seed` as rounding allows.

    >>> fitted(np.array([[3.0, 1.0], [1.0, 3.0]]), np.array([2, 2]), np.array([2, 2])).tolist()
    [[2, 0], [0, 2]]
    """
    table = seed.astype(np.float64)
    balance(table, row_sums, column_sums)
    result = np.floor(table + 1e-9).astype(np.int64)
    rows, columns = row_sums - result.sum(axis=1), column_sums - result.sum(axis=0)
    for first in (True, False):
        for cell in np.argsort(-(table - result), axis=None, kind="stable"):
            row, column = divmod(int(cell), table.shape[1])
            more = int(min(rows[row], columns[column], 1 if first else rows[row]))
            if more > 0:
                result[row, column] += more
                rows[row] -= more
                columns[column] -= more
    return result


@compiled
def scale_lines(table: Floats, sums: Integers) -> None:
    """Scale each row of a table to the sum it should have."""
    for row in range(sums.size):
        total = 0.0
        for column in range(table.shape[1]):
            total += table[row, column]
        for column in range(table.shape[1]):
            table[row, column] *= sums[row] / max(total, TINY)


@compiled
def balance(table: Floats, row_sums: Integers, column_sums: Integers) -> None:
    """Scale the rows and columns of a table in turn to the sums they should have."""
    for _ in range(FITTING_STEPS):
        scale_lines(table, row_sums)
        scale_lines(table.T, column_sums)


def _types(powertrain: Integers, ease: Integers, types: dy.DataFrame[VehicleType]) -> Integers:
    """Return the row of `types` of each vehicle; of several types, those of shorter range to the easier duties."""
    result = np.zeros(powertrain.size, np.int64)
    by_ease = np.empty_like(ease)
    by_ease[ease] = np.arange(ease.size)
    of_ease = powertrain[by_ease]
    ranges = types.with_row_index("row").sort(pl.col("store") / pl.col("use_per_km").clip(1e-9), "vehicle_type")
    rows_of, names = ranges["row"].to_numpy(), np.array(ranges["powertrain"].cast(TEXT).to_list())
    for code in np.flatnonzero(np.bincount(powertrain)):
        rows = rows_of[names == POWERTRAINS[code]]
        if not rows.size:
            raise DataError(f"vehicle_types.csv: no type of powertrain {POWERTRAINS[code]!r} for this fleet; add a row")
        vehicles = by_ease[of_ease == code]
        result[vehicles] = np.repeat(rows, whole(np.ones(rows.size), vehicles.size))
    return result


def _plugs(able: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    """Return which vehicles have a plug of their own: a share of those that are able to, evenly by their number."""
    plug = np.zeros(able.size, np.bool_)
    in_order = np.flatnonzero(able)
    plug[in_order] = evenly(in_order.size, share)
    return plug
