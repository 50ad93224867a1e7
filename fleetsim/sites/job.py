"""A siting request for a city, from its files to its tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from charging.siting.effort import Report
from charging.station_import import StationChoice, Town, bring_stations
from charging.tables import Station
from fleetsim import __version__
from fleetsim.datasets import City
from fleetsim.result import Result, replacing, require_free
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.stations import SitingSection
from fleetsim.sites.candidates import offered
from fleetsim.sites.choice import Choice
from fleetsim.sites.choose import choose, coverage_curve, further_plans
from fleetsim.sites.compare import sizing
from fleetsim.sites.demand import Demand, of_file, of_result, people
from fleetsim.sites.flow import with_ends
from fleetsim.sites.ground import Ground
from fleetsim.sites.growth import by_year, station_years
from fleetsim.sites.left import left_over
from fleetsim.sites.measured import Service
from fleetsim.sites.outcome import (
    all_stations,
    blank_spots,
    coverage_tables,
    curve_table,
    plans_table,
    stands,
)
from fleetsim.sites.phases import phase_table
from fleetsim.sites.request import Request
from fleetsim.sites.serve import chosen_sites, serves, with_simulated_waits
from fleetsim.sites.tables import SoughtByHour
from fleetsim.sites.ways import SiteWays
from fleetsim.texts import Language
from networks.io import read_table
from networks.layers import read_layer

NONE = "none"
"""In place of a file of stations: none stands."""
RESULT_TABLES = ("demand", "station_load", "station_years", "stations", "sessions")
"""Tables of a result that siting reads; with `zone_hours`, which results of versions before it do not have."""
ALWAYS = ("sites", "coverage", "blank_spots")
"""Tables that are written even where they are empty."""


@dataclass(frozen=True)
class Sited:
    """The answer to a siting request.

    Attributes
    ----------
    city, request, choice
        The city, what was asked, what was chosen.
    tables
        sites, coverage, reach, standards, links, equity, blank_spots and zones; years, curve, plans, rounds, sizing,
        station_years, left, zone_hours, demand_fleets and demand_hours where asked for or known; stations: those of
        the city with the plan, for a city folder.
    unit
        What the demand is counted in.
    unserved_standard_share
        Share of unserved visits that the standard allows [0 to 1].
    service
        How long visits hold a plug and how evenly they come, as stations were sized with.
    barred
        Sites in forbidden areas.
    """

    city: City
    request: Request
    choice: Choice
    tables: Mapping[str, pl.DataFrame]
    unit: str
    unserved_standard_share: float = 0.0
    service: Service | None = None
    barred: int = 0

    def summary(self) -> dict[str, Any]:
        """Return what `fleetsim site --json` prints: the quality of the plan, what it gains and what it costs."""
        choice, sites = self.choice, self.tables["sites"]
        opened = sites.filter(pl.col("action") == "open")
        city = self.tables["coverage"].filter(pl.col("district") == "all", pl.col("year") == self.request.years[-1])
        shares = {
            f"{counted}_{stage}": share
            for stage, counted, share in city.select("stage", "counted", "covered_share").iter_rows()
        }
        return {
            "version": __version__,
            "city": self.city.folder.name,
            "kind": self.request.kind,
            "model": self.request.model,
            "years": list(self.request.years),
            "demand": self.request.demand,
            "unit": self.unit,
            "stations_opened": opened.height,
            "stations_enlarged": len(choice.enlarged),
            "stations_closed": len(choice.closed),
            "plugs": int(opened["plugs"].sum()),
            "cost_cny": float(sites["cost_cny"].sum()),
            "measure": choice.measure,
            "objective": choice.objective,
            "bound": choice.bound,
            "gap": choice.gap,
            "status": choice.status,
            "cpu_s": round(choice.cpu_s, 2),
            "covered_before": choice.already,
            "demand_total": choice.total,
            "covered_share": shares,
            "blank_spots": self.tables["blank_spots"].height,
            "sites_forbidden": self.barred,
            "service": None if self.service is None else vars(self.service),
            "notes": list(choice.notes),
            "by_year": self.tables["years"].to_dicts(),
            "rounds": self.tables["rounds"].to_dicts(),
        }

    def save(self, folder: Path, pages: Mapping[str, str]) -> None:
        """Write tables as CSV, the summary and pages, all or nothing.

        Raises
        ------
        DataError
            If the folder exists or cannot be written.
        """
        require_free(folder, overwrite=False)
        with replacing(folder) as part:
            for name, table in self.tables.items():
                if table.width and (table.height or name in ALWAYS):
                    table.write_csv(part / f"{name}.csv")
            summary = {name: value for name, value in self.summary().items() if name != "cpu_s"}
            text = json.dumps(summary, indent=2, ensure_ascii=False)
            (part / "site.json").write_text(text + "\n", encoding="utf-8")
            for name, page in pages.items():
                (part / name).write_text(page, encoding="utf-8")


def site(
    city: City, scenario: Scenario, request: Request, lang: Language = "en", report: Report | None = None
) -> Sited:
    """Return which stations to open in a city, whom they serve, and what that changes.

    Parameters
    ----------
    city
        The city.
    scenario
        Standards, sizes and prices (sections `siting` and `sites`), and what is simulated.
    request
        What is asked.
    lang
        Language of the reasons.
    report
        Told of the search now and then.

    Raises
    ------
    InfeasibleError
        If the request cannot be met: which limit it breaks and by how much that must be relaxed.
    DataError
        If a file of the request cannot be used.
    """
    ground = make_ground(city, scenario, request)
    found = _found(ground, scenario, request, lang, report)
    unit = found.choice.unit or found.ground.demand.unit
    share, tables = scenario.siting.unserved_standard_share, _tables(found, request)
    return Sited(city, request, found.choice, tables, unit, share, found.ground.service, ground.forbidden.height)


@dataclass(frozen=True, eq=False)
class _Found:
    """The answer before its tables: the city it was chosen for, as measured with it, what was chosen and simulated."""

    ground: Ground
    measured: Ground
    choice: Choice
    sites: pl.DataFrame
    sessions: pl.DataFrame | None = None
    rounds: pl.DataFrame = field(default_factory=pl.DataFrame)


def _found(ground: Ground, scenario: Scenario, request: Request, lang: Language, report: Report | None) -> _Found:
    if not request.simulate:
        choice = choose(ground, request, report)
        return _Found(ground, ground, choice, chosen_sites(ground, choice, request.years, lang))
    from fleetsim.sites.rounds import site_and_simulate
    from fleetsim.sites.simulate import Simulator

    simulator = Simulator(ground.city, scenario, ground.ways)
    done = site_and_simulate(ground, request, simulator, lambda each: choose(each, request, report), lang)
    return _Found(done.ground, done.measured, done.choice, done.sites, done.sessions, done.rounds)


def _tables(found: _Found, request: Request) -> dict[str, pl.DataFrame]:
    ground, choice, sites = found.ground, found.choice, found.sites
    standing = stands(ground, choice, sites, request.years)
    planned = tuple(sites.filter(pl.col("action").cast(pl.String) != "close")["station_id"])
    compared = sizing(found.measured, found.sessions, planned)
    if request.simulate:
        sites = with_simulated_waits(sites, compared, request.years[-1])
    tables = {
        "sites": sites,
        "blank_spots": blank_spots(ground, standing[-1]),
        **coverage_tables(ground, standing),
        "serves": serves(ground, choice.opened[-1], request.years[-1]),
        "stations": all_stations(ground, choice, sites),
        "sizing": compared,
        "rounds": found.rounds,
        "fleets": _by_fleet(ground, choice, request.years[-1]) if request.fleets else pl.DataFrame(),
        "years": phase_table(choice.phases),
        "station_years": pl.DataFrame(),
        "left": left_over(found.measured, standing[-1]) if request.measured else pl.DataFrame(),
        "zone_hours": _sought(found, simulated=request.simulate > 0),
        "demand_fleets": ground.demand.fleets,
        "demand_hours": ground.demand.hours,
    }
    if choice.phases:
        tables["station_years"] = station_years(ground, choice, request.years)
        built = by_year(tables["station_years"])
        tables["years"] = tables["years"].join(built, on="year", how="left", maintain_order="left").fill_null(0)
    if request.curve:
        tables["curve"] = curve_table(coverage_curve(ground, request), choice)
    if request.plans > 1:
        tables["plans"] = plans_table(ground, further_plans(ground, request), request.years[-1])
    return tables


def _by_fleet(ground: Ground, choice: Choice, year: int) -> pl.DataFrame:
    """Return group, left and reached: visits that each group of fleets misses, weighed, and those near new stations."""
    rows = []
    for layer in ground.layers(year):
        near = np.asarray(ground.cover_of(layer)[:, choice.opened[-1]].sum(axis=1)).ravel() > 0
        rows.append((layer.group, float(layer.worth.sum()), float(layer.worth[near].sum())))
    return pl.DataFrame(rows, schema={"group": pl.String, "left": pl.Float64, "reached": pl.Float64}, orient="row")


def _sought(found: _Found, *, simulated: bool) -> pl.DataFrame:
    """Return table `SoughtByHour`: what the plan was chosen for and, where that was simulated, what it leaves."""
    stages = {"before": found.ground, "after": found.measured} if simulated else {"before": found.ground}
    schema = SoughtByHour.create_empty().schema
    parts = []
    for stage, ground in stages.items():
        table = ground.demand.zone_hours
        if not table.is_empty():
            cells = ground.city.zones["zone"].gather(table["zone"])
            own = table.with_columns(pl.lit(stage).alias("stage"), cells.alias("zone"))
            parts.append(own.select(list(schema)).cast(schema))
    table = pl.concat(parts) if parts else SoughtByHour.create_empty()
    return SoughtByHour.validate(table.sort("stage", "year", "day", "zone", "fleet_group", "hour"))


def make_ground(city: City, scenario: Scenario, request: Request) -> Ground:
    """Return the city as siting sees it, files of the request read."""
    result = _result(request.demand)
    stations = _stations(city, request, result)
    own = stations.filter(pl.col("kind").cast(pl.String) == request.kind)
    allowed, lost = offered(
        city, scenario, request.kind, request.candidates, request.forbidden, only_own=request.only_candidates
    )
    taken = [station_id.removeprefix(f"{request.kind}-") for station_id in own["station_id"]]
    allowed = allowed.filter(~pl.col("candidate").is_in(taken))
    demand = _demand(city, scenario.siting, request, result)
    ways = SiteWays(city, scenario.sites)
    parts = (scenario.siting, request.kind, own, demand, allowed, lost, scenario.sites, request.fleets)
    ground = Ground(city, ways, *parts, considered=scenario.charging.stations_considered)
    return with_ends(ground, request) if request.model == "flow" else ground


def _result(demand: str) -> Result | None:
    return Result.load(demand) if demand not in ("residents", "jobs") and Path(demand).is_dir() else None


def _where_known(result: Result, name: str) -> dict[str, pl.DataFrame]:
    return {name: result.tables[name]} if name in result.tables else {}


def _stations(city: City, request: Request, result: Result | None) -> pl.DataFrame:
    """Return the stations of the request: those of its file, of its result, or of the city."""
    path = request.stations
    if path is None:
        return city.stations if result is None else result.table("stations")
    if str(path) == NONE:
        return city.stations.clear()
    layer = read_layer(path) if path.suffix != ".parquet" else None
    if layer is None or set(layer.rows.columns) == set(Station.column_names()):
        return read_table(path, Station)
    known = pl.concat([table.select("lon", "lat") for table in (city.places, city.stations)])
    town = Town(city.zones, city.nodes, city.links, city.districts, known)
    return bring_stations(layer, town, StationChoice(kind=request.kind, opened_year=request.years[0])).stations


def _demand(city: City, section: SitingSection, request: Request, result: Result | None) -> Demand:
    if result is not None:
        tables = {name: result.table(name) for name in RESULT_TABLES} | _where_known(result, "zone_hours")
        return of_result(tables, city, section, request.years, kind=request.kind)
    if request.demand in ("residents", "jobs"):
        return people(city, section, request.years, kind=request.kind, unit=request.demand)
    return of_file(Path(request.demand), city, section, request.years)
