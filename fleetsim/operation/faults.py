"""Faults of plugs, drawn before the day begins."""

import numpy as np

from fleetsim.duties.draws import stream
from fleetsim.engine.spec import HOUR_US, Faults, IntArray, Stations

YEAR_H = 8760.0


def draw_faults(
    stations: Stations, rows: int, *, per_year: float, repair_h: float, hours: float, keys: tuple[int, str]
) -> Faults:
    """Return the faults of a day: those of the days before that are not repaired yet, and new ones.

    Parameters
    ----------
    stations
        The stations; the first `rows` of them can fail (own plugs cannot).
    rows
        Number of stations that can fail.
    per_year
        Faults of a plug that works [1/year].
    repair_h
        Mean time to its repair, exponential [h].
    hours
        Length of the simulation [h].
    keys
        Seed and day of the draws.

    Notes
    -----
    A plug alternates between working and broken, both for exponential times (a Markov chain in its steady state at
    midnight), so its availability is 1 / (1 + faults a year x repair time / 8,760).
    """
    if per_year == 0.0:
        return Faults()
    station = np.repeat(np.arange(rows), stations.plugs[:rows])
    first = np.cumsum(stations.plugs[:rows]) - stations.plugs[:rows]
    plug = np.arange(station.size) - first[station]
    random = stream(*keys, "", "faults")
    works_h = YEAR_H / per_year
    down = random.random(station.size) < repair_h / (works_h + repair_h)
    begin = np.where(down, 0.0, random.exponential(works_h, station.size))
    parts = []
    while (begin < hours).any():
        end = begin + random.exponential(repair_h, station.size)
        hit = begin < hours
        parts.append((station[hit], plug[hit], begin[hit], end[hit]))
        begin = np.where(hit, end + random.exponential(works_h, station.size), np.inf)
    return _table(parts)


def _table(parts: list[tuple[IntArray, IntArray, np.ndarray, np.ndarray]]) -> Faults:
    if not parts:
        return Faults()
    station, plug, begin, end = (np.concatenate(column) for column in zip(*parts, strict=True))
    breaks, repaired = ((hours * HOUR_US).astype(np.int64) for hours in (begin, end))
    order = np.lexsort((plug, station, breaks))
    return Faults(station[order], plug[order], breaks[order], np.maximum(repaired, breaks + 1)[order])
