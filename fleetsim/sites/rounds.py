"""Siting, then simulation, then siting again: until waits and unserved visits keep the standard, or rounds run out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from fleetsim.sites.choice import Choice
from fleetsim.sites.demand import Demand
from fleetsim.sites.ground import Ground
from fleetsim.sites.growth import station_years
from fleetsim.sites.outcome import all_stations
from fleetsim.sites.request import Request
from fleetsim.sites.serve import chosen_sites
from fleetsim.sites.simulate import Simulator, Tables
from fleetsim.sites.tables import SimulatedRound, StationYear
from fleetsim.texts import Language
from networks.errors import InfeasibleError

Choose = Callable[[Ground], Choice]
CLOCK_HOURS = 24
Peaks = Mapping[int, Mapping[str, float]]
"""By year the arrivals in the busiest hour of each station [1/h]."""


@dataclass(frozen=True, eq=False)
class Simulated:
    """The round that is the answer, and what all rounds measured.

    Parameters
    ----------
    ground
        The city with the demand that the answer was chosen for.
    choice, sites
        The answer, and its table `ChosenSite`.
    measured
        The city with the demand measured with the answer's stations.
    sessions
        Table `Session` with the answer's stations.
    rounds
        Table `SimulatedRound`.
    """

    ground: Ground
    choice: Choice
    sites: pl.DataFrame
    measured: Ground
    sessions: pl.DataFrame
    rounds: Any


@dataclass(frozen=True, eq=False)
class _Round:
    number: int
    ground: Ground
    choice: Choice | None
    sites: pl.DataFrame
    stations: pl.DataFrame
    tables: Tables
    demand: Demand
    rows: list[dict[str, Any]]
    sizes: pl.DataFrame

    @property
    def meets(self) -> bool:
        return all(row["meets"] for row in self.rows)

    def missed(self, ground: Ground) -> float:
        """Return what drivers still miss: visits left over in all years, weighed as siting weighs them."""
        return float(sum(self.demand.zones[year]["left"].sum() for year in self.demand.zones))


def site_and_simulate(
    ground: Ground, request: Request, simulator: Simulator, choose: Choose, lang: Language
) -> Simulated:
    """Return the best of at most `request.simulate` rounds of choosing stations and simulating the design day.

    Parameters
    ----------
    ground
        The city; its demand is replaced by the measured one.
    request
        What is asked.
    simulator
        Simulates the design day of the years.
    choose
        Chooses stations for a demand.
    lang
        Language of the reasons.

    Notes
    -----
    Round 0 simulates what stands. Every further round chooses for the visits that round 0 left over and those that
    all later rounds still left, leaves out sites that nobody came to, sizes the chosen stations for the arrivals they
    had in the rounds before, and simulates again. It ends where waits and unserved visits keep their standards, or
    nothing changes any more. The answer is the first round that keeps the standards, else the one with fewest visits
    left over.
    """
    simulator.prepare(request.years)
    stations = _everything(ground)
    base = _measure(ground, request, simulator, (0, None, stations))
    rounds, left = [base], _left(base)
    empty: list[str] = []
    peaks = _with_later({}, base)
    for number in range(1, request.simulate + 1):
        demand = replace(_with_left(base.demand, left), sessions=rounds[-1].demand.sessions)
        free = ground.offered.filter(~pl.format(f"{ground.kind}-{{}}", "candidate").is_in(empty))
        asked = replace(ground, demand=demand, peaks=peaks, offered=free)
        try:
            choice = choose(asked)
        except InfeasibleError:
            # Sites that nobody came to are gone; what the rounds before found still stands.
            if number == 1:
                raise
            break
        # A station that was simulated is sized for what came, not for what its model says.
        choice = choice.sized_by_arrivals(asked.measured_peak)
        sites = chosen_sites(asked, choice, request.years, lang)
        planned, sizes = all_stations(asked, choice, sites), station_years(asked, choice, request.years)
        if any(planned.equals(each.stations) and _as_large(sizes, each.sizes) for each in rounds):
            break
        found = _measure(asked, request, simulator, (number, choice, planned), sites, sizes)
        rounds.append(found)
        if found.meets:
            break
        empty += _without_visits(found)
        left = {year: left[year] + more for year, more in _left(found).items()}
        peaks = _with_later(peaks, found)
    return _best(rounds)


def _with_later(peaks: Peaks, found: _Round) -> Peaks:
    """Return the arrivals that were measured, those of a later round in place of earlier ones."""
    later = replace(found.ground, demand=found.demand, peaks=None).measured_peaks
    return {year: {**peaks.get(year, {}), **later.get(year, {})} for year in sorted({*peaks, *later})}


def _as_large(sizes: pl.DataFrame, others: pl.DataFrame) -> bool:
    names = ["station_id", "year", "plugs"]
    return sizes.select(names).equals(others.select(names))


def _best(rounds: list[_Round]) -> Simulated:
    tried = rounds[1:]
    best = next((each for each in tried if each.meets), min(tried, key=lambda each: each.missed(each.ground)))
    rows = [row | {"chosen": each is best} for each in rounds for row in each.rows]
    schema = SimulatedRound.create_empty().schema
    table = SimulatedRound.validate(pl.DataFrame(rows, schema=schema).sort("round", "year"))
    if best.choice is None:
        raise TypeError("a round after the first has a choice")
    measured = replace(best.ground, demand=best.demand)
    return Simulated(best.ground, best.choice, best.sites, measured, best.tables["sessions"], table)


def _everything(ground: Ground) -> pl.DataFrame:
    """Return the stations of the request, those of other kinds too."""
    own = ground.stations["station_id"].implode()
    others = ground.city.stations.filter(
        ~pl.col("station_id").is_in(own), pl.col("kind").cast(pl.String) != ground.kind
    )
    return pl.concat([others, ground.stations]).sort("station_id")


def _left(found: _Round) -> dict[int, np.ndarray[Any, np.dtype[np.float64]]]:
    return {year: table["left"].to_numpy().copy() for year, table in found.demand.zones.items()}


def _without_visits(found: _Round) -> list[str]:
    """Return the stations that a round opened and nobody came to: drivers have as many nearer as they look at."""
    visited = found.tables["station_load"]["station_id"].cast(pl.String).unique()
    opened = found.sites.filter(pl.col("action").cast(pl.String) == "open")["station_id"]
    return opened.filter(~opened.is_in(visited.implode())).sort().to_list()


def _with_left(demand: Demand, left: dict[int, np.ndarray[Any, np.dtype[np.float64]]]) -> Demand:
    zones = {year: table.with_columns(left=pl.Series(left[year])) for year, table in demand.zones.items()}
    return replace(demand, zones=zones)


def _measure(
    ground: Ground,
    request: Request,
    simulator: Simulator,
    plan: tuple[int, Choice | None, pl.DataFrame],
    sites: pl.DataFrame | None = None,
    sizes: pl.DataFrame | None = None,
) -> _Round:
    number, choice, stations = plan
    tables = simulator.tables(stations, request.years, sizes)
    demand = simulator.demand(tables, request.years, request.kind)
    new = pl.DataFrame(schema={"station_id": pl.String, "action": pl.String, "year": pl.Int64})
    planned = new if sites is None else sites.select("station_id", pl.col("action").cast(pl.String), "year")
    rows = [_row(ground, tables, number, year, planned.filter(pl.col("year") <= year)) for year in request.years]
    grown = StationYear.create_empty() if sizes is None else sizes
    return _Round(number, ground, choice, sites if sites is not None else new, stations, tables, demand, rows, grown)


def _row(ground: Ground, tables: Tables, number: int, year: int, planned: pl.DataFrame) -> dict[str, Any]:
    """Return a row of `SimulatedRound`."""
    kind, section = ground.kind, ground.section
    own = tables["stations"].filter(pl.col("kind").cast(pl.String) == kind).select("station_id")
    load = tables["station_load"].filter(pl.col("year") == year).join(own, on="station_id", how="semi")
    plugs = tables["station_years"].filter(pl.col("year") == year).join(own, on="station_id", how="semi")
    sought = tables["demand"].filter(pl.col("year") == year, pl.col("kind").cast(pl.String) == kind)
    peak = _busiest_hours(load, ground.rules.wait_peak_hours)
    visits, unserved = int((load["served"] + load["unserved"]).sum()), int(load["unserved"].sum())
    peak_wait, share = mean_wait(peak), float(sought["unserved"].sum()) / max(float(sought["seeks"].sum()), 1e-9)
    standard = section.wait_standard_min[kind]
    opened = planned.filter(pl.col("action") == "open")
    return {
        "round": number,
        "year": year,
        "stations": plugs.height,
        "plugs": int(plugs["plugs"].sum()),
        "opened": opened.height,
        "enlarged": planned.filter(pl.col("action") == "enlarge").height,
        "visits": visits,
        "unserved": unserved,
        "unserved_share": min(share, 1.0),
        "mean_wait_min": mean_wait(load),
        "peak_wait_min": peak_wait,
        "new_peak_wait_min": mean_wait(peak.join(planned, on="station_id", how="semi")),
        "stations_beyond": _beyond(load, standard),
        "seeks": float(sought["seeks"].sum()),
        "left": float(sought["unserved"].sum()),
        "wait_standard_min": standard,
        "meets": (peak_wait or 0.0) <= standard and share <= section.unserved_standard_share,
    }


def mean_wait(load: pl.DataFrame) -> float | None:
    """Return the mean wait of those served, from rows of `StationLoad` [min]; None where nobody was."""
    known = load.filter(pl.col("served") > 0, pl.col("mean_wait_min").is_not_null())
    served = int(known["served"].sum())
    return float((known["mean_wait_min"] * known["served"]).sum()) / served if served else None


def _busiest_hours(load: pl.DataFrame, count: int) -> pl.DataFrame:
    """Return the rows of the hours of the clock in which most arrive, over all stations together."""
    clock = load.with_columns(clock=pl.col("hour") % CLOCK_HOURS)
    sums = clock.group_by("clock", maintain_order=True).agg(visits=(pl.col("served") + pl.col("unserved")).sum())
    hours = sums.sort("visits", "clock", descending=[True, False])["clock"].head(count)
    return clock.filter(pl.col("clock").is_in(hours.implode()))


def _beyond(load: pl.DataFrame, standard_min: float) -> int:
    """Return the stations whose mean wait in their busiest hour passes the standard."""
    arrivals = (pl.col("served") + pl.col("unserved")).alias("arrivals")
    order = load.with_columns(arrivals).sort("station_id", "arrivals", "hour", descending=[False, True, False])
    busiest = order.group_by("station_id", maintain_order=True).first()
    return busiest.filter(pl.col("mean_wait_min") > standard_min).height
