"""Which vehicle drives which duty: powertrains and types of a year's stock given to the duties of a day."""

import dataframely as dy
import numpy as np
import polars as pl

from fleetsim.duties.draws import Floats, Integers, evenly, whole
from fleetsim.duties.fleet import TEXT
from fleetsim.tables import Assignment, DutyVehicle, Leg, VehicleType
from networks.errors import DataError

SHORT_DUTIES_FIRST = ("BEV", "BEV-swap", "PHEV", "hybrid", "gas", "petrol", "diesel", "FCEV")
PLUG_IN = ("BEV", "PHEV")
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
    ranked = vehicles.join(_hardness(legs), on="vehicle_id", how="left").with_columns(
        pl.col("longest_km").fill_null(0.0), alone=pl.col("depot").is_null()
    )
    ranked = ranked.sort("exempt_reason", "district", "alone", "longest_km", "vehicle_id")
    parts = [_powertrains(part, stock) for part in ranked.partition_by("exempt_reason", maintain_order=True)]
    if not parts:
        return Assignment.create_empty()
    given = _with_types(pl.concat(parts), types).sort("vehicle_id")
    return Assignment.cast(_with_plugs(given, home_plug_share).select(Assignment.column_names()))


def types_of(types: dy.DataFrame[VehicleType], fleet: str, group: str) -> dy.DataFrame[VehicleType]:
    """Return the types a fleet has: of each powertrain its own rows, or else the rows of its group."""
    own = types.filter(pl.col("fleet") == fleet)
    shared = types.filter(pl.col("fleet").is_null() & (pl.col("fleet_group").cast(TEXT) == group))
    shared = shared.join(own.select("powertrain").unique(), on="powertrain", how="anti")
    return VehicleType.cast(pl.concat([own, shared]).sort("powertrain", "vehicle_type"))


def _hardness(legs: pl.DataFrame) -> pl.DataFrame:
    stops = (pl.col("at_depot") & pl.col("may_charge")).cast(pl.Int64)
    stretch = stops.cum_sum().over("vehicle_id") - stops
    distances = legs.group_by("vehicle_id", stretch.alias("stretch"), maintain_order=True).agg(
        pl.col("distance_km").sum()
    )
    return distances.group_by("vehicle_id", maintain_order=True).agg(
        pl.col("distance_km").max().round(6).alias("longest_km")
    )


def _powertrains(vehicles: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """Return the vehicles of one exempt reason with their powertrains; they come sorted by district and difficulty."""
    reason = vehicles["exempt_reason"][0]
    held = stock.filter((pl.col("exempt_reason") == reason) & (pl.col("vehicles") > 0))
    if held.is_empty():
        raise DataError(
            f"stock: no vehicle of exempt reason {reason!r} for {vehicles.height} duties; add it to the stock"
        )
    names = [name for name in SHORT_DUTIES_FIRST if name in held["powertrain"].cast(TEXT).to_list()]
    numbers = vehicles.group_by("district", maintain_order=True).len()
    amounts = _amounts(held, numbers["district"].to_list(), names)
    city = _amounts(held.with_columns(district=pl.lit("")), [""], names)
    totals = whole(city[0], vehicles.height)
    table = fitted(amounts + TRACE * city, numbers["len"].to_numpy().astype(np.int64), totals)
    powertrain = np.concatenate([np.repeat(names, row) for row in table])
    return vehicles.with_columns(powertrain=pl.Series(powertrain.tolist(), dtype=TEXT))


def _amounts(held: pl.DataFrame, districts: list[str], names: list[str]) -> Floats:
    result = np.zeros((len(districts), len(names)))
    sums = held.group_by("district", pl.col("powertrain").cast(TEXT), maintain_order=True).agg(pl.col("vehicles").sum())
    for district, powertrain, number in sums.sort("district", "powertrain").iter_rows():
        if district in districts:
            result[districts.index(district), names.index(powertrain)] += number
    return result


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


def _with_types(vehicles: pl.DataFrame, types: pl.DataFrame) -> pl.DataFrame:
    parts = [_of_one_powertrain(part, types) for part in vehicles.partition_by("powertrain", maintain_order=True)]
    return pl.concat(parts)


def _of_one_powertrain(vehicles: pl.DataFrame, types: pl.DataFrame) -> pl.DataFrame:
    powertrain = vehicles["powertrain"][0]
    fitting = types.filter(pl.col("powertrain").cast(TEXT) == powertrain)
    if fitting.is_empty():
        raise DataError(f"vehicle_types.csv: no type of powertrain {powertrain!r} for this fleet; add a row")
    fitting = fitting.sort(pl.col("store") / pl.col("use_per_km").clip(1e-9), "vehicle_type")
    names = np.repeat(fitting["vehicle_type"].to_numpy(), whole(np.ones(fitting.height), vehicles.height))
    vehicles = vehicles.sort("alone", "longest_km", "vehicle_id")
    return vehicles.with_columns(vehicle_type=pl.Series(names.tolist(), dtype=TEXT))


def _with_plugs(vehicles: pl.DataFrame, share: float) -> pl.DataFrame:
    able = (vehicles["alone"] & vehicles["powertrain"].is_in(PLUG_IN)).to_numpy()
    plug = np.zeros(vehicles.height, np.bool_)
    plug[np.flatnonzero(able)] = evenly(int(able.sum()), share)
    return vehicles.with_columns(home_plug=pl.Series(plug))
