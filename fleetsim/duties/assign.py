"""Which vehicle drives which duty: powertrains and types of a year's stock given to the duties of a day."""

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleetsim.duties.draws import Floats, Integers, evenly, whole
from fleetsim.duties.fleet import TEXT
from fleetsim.tables import POWERTRAINS, Assignment, DutyVehicle, Leg, VehicleType
from networks.errors import DataError

SHORT_DUTIES_FIRST = ("BEV", "BEV-swap", "PHEV", "hybrid", "gas", "petrol", "diesel", "FCEV")
PLUG_IN = ("BEV", "PHEV")
CODE = {name: code for code, name in enumerate(POWERTRAINS)}
FITTING_STEPS = 60
TRACE = 1e-6
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


def by_difficulty(vehicles: dy.DataFrame[DutyVehicle], legs: dy.DataFrame[Leg]) -> pl.DataFrame:
    """Return the vehicles in the order in which `give` takes them; powertrains do not change it.

    Returns
    -------
    pl.DataFrame
        vehicle_id, exempt_reason, district, alone (has no depot), longest_km (between two stops at the depot [km])
        and ease (place among all vehicles of the fleet from the easiest duty to the hardest).
    """
    order = ["alone", "longest_km", "vehicle_id"]
    ranked = (
        vehicles.join(_longest_km(legs), on="vehicle_id", how="left")
        .select(
            "vehicle_id",
            "exempt_reason",
            "district",
            pl.col("longest_km").fill_null(0.0),
            alone=pl.col("depot").is_null(),
        )
        .sort(order)
        .with_columns(ease=pl.int_range(pl.len()))
    )
    return ranked.sort(*ROW, *order)


def give(
    ranked: pl.DataFrame, stock: pl.DataFrame, types: dy.DataFrame[VehicleType], *, home_plug_share: float = 0.0
) -> dy.DataFrame[Assignment]:
    """Return powertrain and type of every duty vehicle of `by_difficulty`, see `assign`."""
    if ranked.is_empty():
        return Assignment.create_empty()
    parts = [_powertrains(part, stock) for part in ranked.partition_by("exempt_reason", maintain_order=True)]
    powertrain = np.concatenate(parts)
    vehicle = ranked["vehicle_id"].to_numpy()
    able = ranked["alone"].to_numpy() & np.isin(powertrain, [CODE[name] for name in PLUG_IN])
    table = pl.DataFrame(
        {
            "vehicle_id": vehicle,
            "powertrain": pl.Series(POWERTRAINS, dtype=Assignment.powertrain.dtype).gather(powertrain),
            "vehicle_type": types["vehicle_type"].gather(_types(powertrain, ranked["ease"].to_numpy(), types)),
            "home_plug": _plugs(vehicle, able, home_plug_share),
        }
    )
    return Assignment.cast(table.sort("vehicle_id"))


def types_of(types: dy.DataFrame[VehicleType], fleet: str, group: str) -> dy.DataFrame[VehicleType]:
    """Return the types a fleet has: of each powertrain its own rows, or else the rows of its group."""
    own = types.filter(pl.col("fleet") == fleet)
    shared = types.filter(pl.col("fleet").is_null() & (pl.col("fleet_group").cast(TEXT) == group))
    shared = shared.join(own.select("powertrain").unique(), on="powertrain", how="anti")
    return VehicleType.cast(pl.concat([own, shared]).sort("powertrain", "vehicle_type"))


def _longest_km(legs: pl.DataFrame) -> pl.DataFrame:
    """Return the longest distance of each vehicle between two stops at the depot, from legs sorted by vehicle."""
    vehicle, distance_km = legs["vehicle_id"].to_numpy(), legs["distance_km"].to_numpy()
    ends = (legs["at_depot"] & legs["may_charge"]).to_numpy() | np.append(np.diff(vehicle) != 0, True)[: vehicle.size]
    stretch = np.cumsum(ends) - ends
    of_stretch = pl.DataFrame({"vehicle_id": vehicle[ends], "longest_km": np.bincount(stretch, distance_km)})
    return of_stretch.group_by("vehicle_id", maintain_order=True).agg(pl.col("longest_km").max().round(6))


def _powertrains(vehicles: pl.DataFrame, stock: pl.DataFrame) -> Integers:
    """Return the powertrains (by `CODE`) of the vehicles of one exempt reason, sorted by district and difficulty."""
    reason = vehicles["exempt_reason"][0]
    held = stock.filter((pl.col("exempt_reason") == reason) & (pl.col("vehicles") > 0))
    if held.is_empty():
        raise DataError(
            f"stock: no vehicle of exempt reason {reason!r} for {vehicles.height} duties; add it to the stock"
        )
    kinds = held["powertrain"].cast(TEXT).to_list()
    names = [name for name in SHORT_DUTIES_FIRST if name in kinds]
    districts, first, numbers = np.unique(
        vehicles["district"].to_numpy().astype(np.str_), return_index=True, return_counts=True
    )
    row = {district: number for number, district in enumerate(districts[np.argsort(first)].tolist())}
    amounts, city = np.zeros((len(row), len(names))), np.zeros(len(names))
    for district, kind, number in zip(held["district"], kinds, held["vehicles"], strict=True):
        city[names.index(kind)] += number
        if district in row:
            amounts[row[district], names.index(kind)] += number
    table = fitted(amounts + TRACE * city, numbers[np.argsort(first)], whole(city, vehicles.height))
    codes = np.array([CODE[name] for name in names])
    return np.concatenate([np.repeat(codes, numbers_of) for numbers_of in table])


def fitted(seed: Floats, row_sums: Integers, column_sums: Integers) -> Integers:
    """Return a table of whole numbers with the given sums, as near in proportion to `seed` as rounding allows.

    >>> fitted(np.array([[3.0, 1.0], [1.0, 3.0]]), np.array([2, 2]), np.array([2, 2])).tolist()
    [[2, 0], [0, 2]]
    """
    table = seed.astype(np.float64)
    for _ in range(FITTING_STEPS):
        table = table * (row_sums / np.maximum(table.sum(axis=1), 1e-300))[:, None]
        table = table * (column_sums / np.maximum(table.sum(axis=0), 1e-300))
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


def _types(powertrain: Integers, ease: Integers, types: dy.DataFrame[VehicleType]) -> Integers:
    """Return the row of `types` of each vehicle; of several types, those of shorter range to the easier duties."""
    result = np.zeros(powertrain.size, np.int64)
    by_ease = np.argsort(ease)
    ranges = types.with_row_index("row").sort(pl.col("store") / pl.col("use_per_km").clip(1e-9), "vehicle_type")
    for code in np.unique(powertrain):
        name = POWERTRAINS[code]
        rows = ranges.filter(pl.col("powertrain").cast(TEXT) == name)["row"].to_numpy()
        if not rows.size:
            raise DataError(f"vehicle_types.csv: no type of powertrain {name!r} for this fleet; add a row")
        vehicles = by_ease[powertrain[by_ease] == code]
        result[vehicles] = np.repeat(rows, whole(np.ones(rows.size), vehicles.size))
    return result


def _plugs(vehicle: Integers, able: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    """Return which vehicles have a plug of their own: a share of those that are able to, evenly by their number."""
    plug = np.zeros(vehicle.size, np.bool_)
    in_order = np.flatnonzero(able)[np.argsort(vehicle[able])]
    plug[in_order] = evenly(in_order.size, share)
    return plug
