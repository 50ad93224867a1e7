"""How long a visit holds a plug and how evenly visits come: as simulated at stations of the kind, else as assumed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fleetsim.scenario.sites import SitesSection
from fleetsim.scenario.stations import SitingSection

HOUR_S = 3600.0
MINUTE_S = 60.0
PARTS = 6
"""Parts of an hour in which arrivals are counted, to see how evenly they come."""


@dataclass(frozen=True)
class Service:
    """What the queue formula takes beside arrivals and plugs.

    Parameters
    ----------
    mean_min
        Mean time a visit holds a plug [min].
    variability
        Half the sum of the squared coefficients of variation of arrivals and service (Allen-Cunneen).
    visits, stations
        Simulated visits, and their stations, that it was measured at; 0: it is the scenario's assumption.
    seen
        Simulated visits where there were too few to measure; 0 where it was measured or nothing was simulated.
    """

    mean_min: float
    variability: float
    visits: int = 0
    stations: int = 0
    seen: int = 0

    @property
    def is_measured(self) -> bool:
        """Whether simulated visits say so."""
        return self.visits > 0


def assumed(section: SitingSection, kind: str, *, seen: int = 0) -> Service:
    """Return the service that the scenario assumes for a kind of station."""
    return Service(section.service_min[kind], section.wait_variability[kind], seen=seen)


def measured(sessions: pl.DataFrame, section: SitingSection, rules: SitesSection, kind: str) -> Service:
    """Return the service of simulated visits; the scenario's where there were fewer than `sites.least_visits`.

    Parameters
    ----------
    sessions
        Table `Session`: visits to stations of the kind.
    section, rules
        The scenario's sections `siting` and `sites`.
    kind
        Kind of station.

    Notes
    -----
    Squared coefficients of variation: of service, variance over squared mean of all visits; of arrivals, variance over
    mean of the numbers that arrive in the parts of each station's busiest hour, which for a renewal process is in the
    long run the squared coefficient of variation of the times between arrivals (Cox and Lewis 1966).
    """
    if sessions.height < rules.least_visits:
        return assumed(section, kind, seen=sessions.height)
    held = ((sessions["end"] - sessions["start"]) / MINUTE_S).to_numpy()
    mean_min = float(held.mean())
    if mean_min <= 0:
        return assumed(section, kind, seen=sessions.height)
    spread = float(held.var()) / mean_min**2
    visits, stations = sessions.height, sessions["station_id"].n_unique()
    return Service(mean_min, (spread + _dispersion(sessions)) / 2.0, visits, stations)


def _dispersion(sessions: pl.DataFrame) -> float:
    """Return the variance over the mean of arrivals in parts of the busiest hour of each station, all together."""
    keys = ["year", "day", "station_id"]
    hour = (pl.col("arrive") / HOUR_S).floor().cast(pl.Int64)
    part = (pl.col("arrive") * PARTS / HOUR_S).floor().cast(pl.Int64) % PARTS
    texts = [pl.col(name).cast(pl.String) for name in ("day", "station_id")]
    counts = sessions.select("year", *texts, hour=hour, part=part).group_by(*keys, "hour", "part").len()
    hours = counts.group_by(*keys, "hour").agg(total=pl.col("len").sum(), squares=(pl.col("len") ** 2).sum())
    busiest = hours.sort(*keys, "total", "hour", descending=[False] * 3 + [True, False]).unique(
        keys, keep="first", maintain_order=True
    )
    total = busiest["total"].to_numpy().astype(np.float64)
    variance = (busiest["squares"].to_numpy() - total**2 / PARTS) / (PARTS - 1)
    return float(variance.sum() / (total.sum() / PARTS))
