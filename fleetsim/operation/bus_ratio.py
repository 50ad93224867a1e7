"""How many electric buses do the work of a diesel bus: the fewest of each with which no block is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from fleetsim.engine.build import DayModel
from fleetsim.engine.spec import Inputs, IntArray, Kind, Legs, Log, Tasks, Vehicles, needed
from networks.errors import DataError

Simulate = Callable[[Inputs], Log]


@dataclass(frozen=True, slots=True)
class _Depots:
    """The bus depots of a day: pools that hold tasks, and a bus each from which fleets are made."""

    inputs: Inputs
    pool: IntArray
    template: IntArray
    blocks: IntArray


def bus_ratio(model: DayModel, simulate: Simulate) -> pl.DataFrame:
    """Return by depot the blocks of a day and the fewest diesel and electric buses that drive them all.

    Parameters
    ----------
    model
        A day on which depots send out buses (`operation.bus_dispatch = "pool"`).
    simulate
        An engine.

    Returns
    -------
    pl.DataFrame
        pool, blocks, diesel, electric; `electric` is null where not even a bus a block suffices (blocks beyond the
        battery and the charging on the way).

    Raises
    ------
    DataError
        If the day has no depot with an electric bus and blocks.

    Notes
    -----
    All depots are searched at once by bisection: for each the number lies between the buses needed if none had to
    charge and one a block. Depot plugs stay as many as they are, so scarce plugs show in the ratio.
    """
    depots = _depots(model)
    diesel = _fewest(depots, simulate, np.ones_like(depots.blocks), electric=False)
    electric = _fewest(depots, simulate, diesel, electric=True)
    return pl.DataFrame(
        {"pool": depots.pool, "blocks": depots.blocks, "diesel": diesel, "electric": electric}
    ).with_columns(electric=pl.when(pl.col("electric") <= pl.col("blocks")).then("electric"))


def _depots(model: DayModel) -> _Depots:
    inputs = model.inputs
    vehicles, tasks = inputs.vehicles, inputs.tasks
    electric = np.flatnonzero((vehicles.pool > 0) & (vehicles.kind == Kind.ELECTRIC) & (vehicles.home >= 0))
    pool, first = np.unique(vehicles.pool[electric], return_index=True)
    blocks = np.bincount(tasks.pool, minlength=int(pool.max(initial=0)) + 1)[pool]
    used = blocks > 0
    if not used.any():
        raise DataError("no depot with electric buses and blocks on this day; set operation.bus_dispatch = 'pool'")
    return _Depots(inputs, pool[used], electric[first[used]], blocks[used])


def _fewest(depots: _Depots, simulate: Simulate, least: IntArray, *, electric: bool) -> IntArray:
    """Return the fewest buses of each depot with which no block is lost; one more than its blocks if none suffices."""
    low, high = least.copy(), depots.blocks + 1
    while (low < high).any():
        middle = (low + high) // 2
        enough = _lost(depots, simulate, middle, electric=electric) == 0
        high = np.where(enough, middle, high)
        low = np.where(enough, low, np.minimum(middle + 1, high))
    return high


def _lost(depots: _Depots, simulate: Simulate, buses: IntArray, *, electric: bool) -> IntArray:
    """Return the blocks each depot loses with so many buses."""
    log = simulate(_with_buses(depots, buses, electric=electric))
    tasks = _own_tasks(depots)
    lost = np.bincount(depots.inputs.tasks.pool[tasks], log.taker < 0, int(depots.pool.max()) + 1)
    return np.asarray(lost[depots.pool], np.int64)


def _own_tasks(depots: _Depots) -> IntArray:
    return np.flatnonzero(np.isin(depots.inputs.tasks.pool, depots.pool))


def _with_buses(depots: _Depots, buses: IntArray, *, electric: bool) -> Inputs:
    """Return the day of the depots alone, each with so many buses like its template."""
    inputs = depots.inputs
    row = np.repeat(depots.template, buses)
    usual = ("rank", "pack_type", "ready_by", "give_floor", "pool", "zone", "on_from", "on_until", "use_ppm")
    names = [*(name for name in needed(Vehicles) if name != "first_leg"), *usual]
    columns = {name: getattr(inputs.vehicles, name)[row] for name in names}
    if not electric:
        columns["kind"] = np.zeros_like(columns["kind"])
        columns["use_ppm"] = np.zeros_like(columns["use_ppm"])
    rows = _own_tasks(depots)
    tasks = inputs.tasks
    length = (tasks.end_leg - tasks.first_leg)[rows]
    ends = np.cumsum(length)
    leg = np.repeat(tasks.first_leg[rows] - (ends - length), length) + np.arange(int(length.sum()))
    legs = Legs(**{name: getattr(inputs.legs, name)[leg] for name in Legs.__dataclass_fields__})
    own = Tasks(tasks.pool[rows], tasks.time[rows], tasks.latest[rows], tasks.zone[rows], ends - length, ends)
    vehicles = Vehicles(first_leg=np.zeros(row.size + 1, np.int64), **columns)
    return replace(inputs, vehicles=vehicles, legs=legs, tasks=own)
