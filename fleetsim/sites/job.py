"""A siting request for a city, from its files to its tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from charging.siting.effort import Report
from charging.station_import import StationChoice, Town, bring_stations
from charging.tables import Station
from fleetsim import __version__
from fleetsim.datasets import City
from fleetsim.result import Result, replacing, require_free
from fleetsim.scenario.sections import SitingSection
from fleetsim.sites.candidates import offered
from fleetsim.sites.choose import Choice, choose, coverage_curve, further_plans
from fleetsim.sites.demand import Demand, of_file, of_result, people
from fleetsim.sites.ground import Ground
from fleetsim.sites.outcome import (
    blank_spots,
    coverage_tables,
    curve_table,
    plans_table,
    sizing,
    stands,
    station_rows,
)
from fleetsim.sites.request import Request
from fleetsim.sites.serve import chosen_sites
from fleetsim.texts import Language
from fleetsim.ways import Ways
from networks.io import read_table
from networks.layers import read_layer

TABLES = ("sites", "coverage", "blank_spots", "equity", "curve", "plans", "sizing", "demand_fleets", "demand_hours")


@dataclass(frozen=True)
class Sited:
    """The answer to a siting request.

    Attributes
    ----------
    city, request, choice
        The city, what was asked, what was chosen.
    tables
        sites, coverage, equity, blank_spots and zones; curve, plans, sizing, demand_fleets and demand_hours where asked
        for or known; stations: those of the city with the new ones, for a city folder.
    unit
        What the demand is counted in.
    """

    city: City
    request: Request
    choice: Choice
    tables: Mapping[str, pl.DataFrame]
    unit: str

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
            "stations_closed": len(choice.closed),
            "plugs": int(opened["plugs"].sum()),
            "cost_cny": float(opened["cost_cny"].sum()),
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
            "notes": list(choice.notes),
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
                if table.width and (table.height or name in TABLES[:3]):
                    table.write_csv(part / f"{name}.csv")
            summary = {name: value for name, value in self.summary().items() if name != "cpu_s"}
            text = json.dumps(summary, indent=2, ensure_ascii=False)
            (part / "site.json").write_text(text + "\n", encoding="utf-8")
            for name, page in pages.items():
                (part / name).write_text(page, encoding="utf-8")


def site(
    city: City, section: SitingSection, request: Request, lang: Language = "en", report: Report | None = None
) -> Sited:
    """Return which stations to open in a city, whom they serve, and what that changes.

    Parameters
    ----------
    city
        The city.
    section
        Standards, sizes and prices: the scenario's section `siting`.
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
    ground = make_ground(city, section, request)
    choice = choose(ground, request, report)
    sites = chosen_sites(ground, choice, request.years, lang)
    standing = stands(ground, choice, sites, request.years)
    tables = {
        "sites": sites,
        "blank_spots": blank_spots(ground, standing[-1]),
        **coverage_tables(ground, standing),
        "stations": _all_stations(ground, choice, sites),
        "sizing": sizing(ground),
        "demand_fleets": ground.demand.fleets,
        "demand_hours": ground.demand.hours,
    }
    if request.curve:
        tables["curve"] = curve_table(coverage_curve(ground, request), choice)
    if request.plans > 1:
        tables["plans"] = plans_table(ground, further_plans(ground, request), request.years[-1])
    return Sited(city, request, choice, tables, ground.demand.unit)


def make_ground(city: City, section: SitingSection, request: Request) -> Ground:
    """Return the city as siting sees it, files of the request read."""
    result = _result(request.demand)
    stations = _stations(city, request, result)
    own = stations.filter(pl.col("kind").cast(pl.String) == request.kind)
    allowed, lost = offered(city, request.kind, request.candidates, request.forbidden)
    taken = [station_id.removeprefix(f"{request.kind}-") for station_id in own["station_id"]]
    allowed = allowed.filter(~pl.col("candidate").is_in(taken))
    demand = _demand(city, section, request, result)
    return Ground(city, Ways(city), section, request.kind, own, demand, allowed, lost)


def _result(demand: str) -> Result | None:
    return Result.load(demand) if demand not in ("residents", "jobs") and Path(demand).is_dir() else None


def _stations(city: City, request: Request, result: Result | None) -> pl.DataFrame:
    """Return the stations of the request: those of its file, of its result, or of the city."""
    path = request.stations
    if path is None:
        return city.stations if result is None else result.table("stations")
    layer = read_layer(path) if path.suffix != ".parquet" else None
    if layer is None or set(layer.rows.columns) == set(Station.column_names()):
        return read_table(path, Station)
    known = pl.concat([table.select("lon", "lat") for table in (city.places, city.stations)])
    town = Town(city.zones, city.nodes, city.links, city.districts, known)
    return bring_stations(layer, town, StationChoice(kind=request.kind, opened_year=request.years[0])).stations


def _demand(city: City, section: SitingSection, request: Request, result: Result | None) -> Demand:
    if result is not None:
        tables = {name: result.table(name) for name in ("demand", "station_load", "station_years", "stations")}
        return of_result(tables, city, section, request.years, kind=request.kind)
    if request.demand in ("residents", "jobs"):
        return people(city, section, request.years, kind=request.kind, unit=request.demand)
    return of_file(Path(request.demand), city, section, request.years)


def _all_stations(ground: Ground, choice: Choice, sites: pl.DataFrame) -> pl.DataFrame:
    kept = ground.stations.filter(~pl.col("station_id").is_in(list(choice.closed)))
    others = ground.city.stations.filter(~pl.col("station_id").is_in(ground.stations["station_id"].implode()))
    return Station.validate(pl.concat([others, kept, station_rows(ground, sites)]).sort("station_id"))
