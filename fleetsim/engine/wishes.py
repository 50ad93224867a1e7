"""What drivers wished for away from their depot, put together from the rows of a log."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fleetsim.engine.build import DayModel
from fleetsim.engine.spec import HOUR_US, MINUTE_US, BoolArray, IntArray, Log, Reason, is_served
from fleetsim.vehicles import FloatArray
from networks.compiled import compiled

UNKNOWN, AT_DEPOT = -1, -2
SERVED, STRANDED, TURNED_AWAY, WAIT_US, METRES = range(5)
"""Sums over the rows of a wish."""


class Wishes(NamedTuple):
    """Of each wish away from the depot: where, of whom, from when, and what came of it.

    A wish is a vehicle and the leg after which it sought energy, however many stations it tried. Zone, kind, code of
    the group, hour in which it began, vehicles it stands for; whether it was served or stranded, how many visits left
    without energy, waits and ways to stations.
    """

    zone: IntArray
    kind: IntArray
    group: IntArray
    hour: IntArray
    weight: FloatArray
    served: BoolArray
    stranded: BoolArray
    turned_away: FloatArray
    wait_min: FloatArray
    detour_km: FloatArray

    @classmethod
    def of(cls, model: DayModel, log: Log) -> Self:
        """Return the wishes of a day, in the order of their first rows."""
        vehicles, legs = model.inputs.vehicles, model.inputs.legs
        rows = _Rows(log.vehicle, log.leg, log.station, log.reason, log.start - log.arrive, log.metres, is_served(log))
        first, sums = np.empty(len(log), np.int64), np.zeros((METRES + 1, len(log)), np.int64)
        number = np.full(len(legs), UNKNOWN, np.int32)
        found = _gather(rows, legs.at_depot, vehicles.home, number, first, sums)
        row, sums = first[:found], sums[:, :found]
        leg, vehicle = log.leg[row], log.vehicle[row]
        return cls(
            zone=legs.zone[leg],
            kind=vehicles.kind[vehicle],
            group=vehicles.group[vehicle],
            hour=log.seek[row] // HOUR_US,
            weight=model.roster["weight"].to_numpy()[vehicle],
            served=sums[SERVED] > 0,
            stranded=sums[STRANDED] > 0,
            turned_away=sums[TURNED_AWAY].astype(np.float64),
            wait_min=sums[WAIT_US] / MINUTE_US,
            detour_km=sums[METRES] / 1000,
        )


class _Rows(NamedTuple):
    """What of the rows of a log tells what came of wishes."""

    vehicle: IntArray
    leg: IntArray
    station: IntArray
    reason: IntArray
    wait_us: IntArray
    metres: IntArray
    took: BoolArray


@compiled
def _gather(
    rows: _Rows, at_depot: BoolArray, home: IntArray, number: NDArray[np.int32], first: IntArray, sums: IntArray
) -> int:
    """Write the first row of each wish and the sums over its rows; return how many wishes there are.

    `number` is the number of the wish after each leg.
    """
    found = 0
    for row in range(len(rows.leg)):
        leg = rows.leg[row]
        if number[leg] == UNKNOWN:
            if at_depot[leg] and home[rows.vehicle[row]] >= 0:
                number[leg] = AT_DEPOT
            else:
                number[leg] = found
                first[found] = row
                found += 1
        wish = number[leg]
        if wish != AT_DEPOT:
            sums[SERVED, wish] += rows.took[row]
            sums[STRANDED, wish] += rows.reason[row] == Reason.STRANDED
            sums[TURNED_AWAY, wish] += rows.station[row] >= 0 and not rows.took[row]
            sums[WAIT_US, wish] += rows.wait_us[row]
            sums[METRES, wish] += rows.metres[row]
    return found
