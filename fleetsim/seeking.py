"""Where and when drivers sought energy on a simulated day, and what came of it: by zone, fleet group and hour."""

from __future__ import annotations

import dataframely as dy
import numpy as np
import polars as pl

from fleetsim.engine.build import DayModel
from fleetsim.engine.log import STATION_KIND
from fleetsim.engine.spec import BoolArray, IntArray, Kind, Log
from fleetsim.engine.wishes import Wishes
from fleetsim.tables import FLEET_GROUPS, ZoneHour
from fleetsim.vehicles import FloatArray


def zone_hours(model: DayModel, log: Log) -> dy.DataFrame[ZoneHour]:
    """Return what drivers sought away from their depot, by zone, kind of station, fleet group and hour.

    Parameters
    ----------
    model, log
        The day.

    Notes
    -----
    A search counts in the hour in which it began. `ZoneDemand` is the sum of these rows over the hours.
    """
    wishes = Wishes.of(model, log)
    hours = 1 + int(wishes.hour.max(initial=0))
    kind = wishes.zone * len(Kind) + wishes.kind
    cells, row = np.unique((kind * len(FLEET_GROUPS) + wishes.group) * hours + wishes.hour, return_inverse=True)

    def total(of_wish: FloatArray | BoolArray) -> FloatArray:
        return np.asarray(np.bincount(row, wishes.weight * of_wish, len(cells)), np.float64)

    return _table(
        model,
        (cells, hours),
        {
            "seeks": total(np.ones(len(row))),
            "unserved": total(~wishes.served),
            "turned_away": total(wishes.turned_away),
            "wait_min": total(wishes.wait_min * wishes.served),
            "detour_km": total(wishes.detour_km),
        },
    )


def _table(model: DayModel, place: tuple[IntArray, int], sums: dict[str, FloatArray]) -> dy.DataFrame[ZoneHour]:
    cells, hours = place
    groups, names = len(FLEET_GROUPS), {int(kind): name for kind, name in STATION_KIND.items()}
    kind = pl.Series(cells // hours // groups % len(Kind))
    table = pl.DataFrame(
        {
            "year": pl.repeat(model.conditions.year, len(cells), dtype=pl.Int64, eager=True),
            "day": pl.repeat(model.conditions.day, len(cells), dtype=pl.String, eager=True),
            "zone": cells // hours // groups // len(Kind),
            "kind": kind.replace_strict(names, return_dtype=ZoneHour.kind.dtype),
            "fleet_group": pl.Series(FLEET_GROUPS).gather(cells // hours % groups),
            "hour": cells % hours,
            **sums,
        }
    )
    return ZoneHour.validate(table)
