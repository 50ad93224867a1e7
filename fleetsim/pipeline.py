"""The main job: a scenario in, a result out, year by year.

For each year the stock turns over, depots grow with their vehicles and the representative days are simulated.
In siting years the design day is simulated first, and new stations are placed where it leaves demand over.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from charging.coverage import coverage, zone_coverage, zone_standards
from fleetsim import __version__, accounts, base_map, calibration, fast_path, forecast
from fleetsim import stock as turnover
from fleetsim.accounts import Tables
from fleetsim.choice import Feedback
from fleetsim.compact import LARGE_TABLES, compact, joined, packed, unpacked
from fleetsim.datasets import City, city_folder, input_hashes, read_city
from fleetsim.days import DAY_TABLES, Days, day_tables, depot_fleets, open_stations
from fleetsim.engine.plan import FleetPlan
from fleetsim.engine.policies import SHIPPED, Policies
from fleetsim.engine.run import days_together, resolve, simulate_days
from fleetsim.engine.spec import Log
from fleetsim.engine.supply import Supply
from fleetsim.memory import hand_back
from fleetsim.network_growth import SitingGround, count_piles, enlarge, grow_depots, new_stations, site_stations
from fleetsim.operation.apply import Operated
from fleetsim.result import Result, table_hash
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.sections import at_year
from fleetsim.scenario.template import resolved
from fleetsim.seeking import zone_hours
from fleetsim.siting_ground import candidates, site_demand
from fleetsim.verdicts import verdicts
from fleetsim.ways import OPEN_KINDS, Ways

Tell = Callable[[str, float], None]

NEV_MILESTONE = 2_000_000.0
"""New-energy vehicles of clause 16, whose date is reported with its range."""
MILESTONE_CLAUSE = "nev_stock"
CAR_FLEETS = ("car_private", "car_company")
KEPT_OF_DAYS = ("zone_hours", *DAY_TABLES)
LAST_SHARE = 0.97
"""Part of the progress bar that the years fill; the accounts fill the rest."""
JUDGE_SHARE = 0.99
"""Where it stands when the targets are judged."""


def run(scenario: Scenario, tell: Tell = lambda stage, share: None, policies: Policies = SHIPPED) -> Result:
    """Return the result of a scenario.

    Parameters
    ----------
    scenario
        What to run.
    tell
        Called with the stage and the share of the whole that is done [0 to 1].
    policies
        What drivers decide; those that numba cannot compile run in SimPy (`run.engine = "auto"`), which is told.

    Raises
    ------
    DataError, ScenarioError
        If the city's tables or the scenario have a mistake.
    """
    clock = Clock(tell)
    with clock.stage("reading", 0.0):
        city = read_city(city_folder(scenario.run.city))
    with clock.stage("calibration", 0.01):
        start = Start.prepare(city, scenario)
    years = Years(city, scenario, start, clock, policies)
    years.run()
    with clock.stage("accounts", LAST_SHARE):
        tables = _account(city, scenario, years)
    with clock.stage("verdicts", JUDGE_SHARE):
        begun = fast_path.started(city, start.opening, start.rules, year_span(scenario))
        tables["verdicts"] = verdicts(city, scenario, begun, tables)
    return Result(
        tables=tables,
        run=_record(city, scenario, tables, clock) | {"notes": _notes(city, scenario, tables, start)},
        scenario_toml=resolved(scenario),
        city=base_map.layers(city),
    )


@dataclass
class Clock:
    """Tells what is going on and adds up the seconds of each stage."""

    tell: Tell
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, share: float, label: str = "") -> Iterator[None]:
        """Time a stage; `share` of the whole run is done when it begins."""
        self.tell(label or name, share)
        began = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began


@dataclass(frozen=True)
class Start:
    """Where the years begin: the opening stock and the calibrated rules."""

    opening: pl.DataFrame
    rules: turnover.Rules
    nev: pl.DataFrame
    reached: forecast.Forecast

    @classmethod
    def prepare(cls, city: City, scenario: Scenario) -> Start:
        """Return the calibrated start of a scenario."""
        tables = turnover.StockTables(**{name: getattr(city, name) for name in turnover.StockTables.__annotations__})
        sections = turnover.Sections(scenario.stock, scenario.cars, scenario.policy, scenario.schedule)
        years = list(range(scenario.run.first_year, scenario.run.last_year + 1))
        opening, rules = calibration.prepare(
            tables, city.observations, sections, scenario.calibration.until, years, scenario.run.seed
        )
        problem = forecast.car_problem(opening, rules, years)
        nev = forecast.nev_interval(problem, rules.cars, years[-1]).rename({"value": "vehicles"})
        reached = forecast.reach(problem, rules.cars, NEV_MILESTONE, years[-1])
        return cls(opening, rules, nev, reached)


@dataclass
class Years:
    """The years one after the other, and the tables they leave."""

    city: City
    scenario: Scenario
    start: Start
    clock: Clock
    policies: Policies = SHIPPED
    parts: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    packs: dict[str, list[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Set out from the base year."""
        self.days = Days(self.city, self.scenario)
        self.design_day = design_day(self.city)
        self.ways = Ways(self.city)
        self.stock = self.start.opening
        self.stations: pl.DataFrame = self.city.stations
        self.standards = zone_standards(self.city.zones, self.scenario.siting.standard_km)
        self.base: dict[str, pl.DataFrame] = {}
        self.reach: dict[str, pl.DataFrame] = {}
        self.feedback = Feedback()

    def run(self) -> None:
        """Run every year of the scenario."""
        run = self.scenario.run
        for year in range(run.first_year, run.last_year + 1):
            share = (year - run.first_year) / (run.last_year + 1 - run.first_year)
            self._year(year, 0.03 + (LAST_SHARE - 0.03) * share)
        # The duties of the days fill much memory, and what follows needs the tables only.
        self.days = Days(self.city, self.scenario)
        hand_back()

    def _year(self, year: int, share: float) -> None:
        with self.clock.stage("stock", share, f"{year}: stock"):
            self.turn_over(year)
        if year in self.scenario.siting.years and year > self.scenario.run.first_year:
            self.days.comes_again = year, self.design_day["day"]
            found = self._simulate(year, share, [self.design_day], ("demand",))
            self.days.comes_again = None
            with self.clock.stage("siting", share, f"{year}: siting"):
                self._site(year, found)
        simulated = self._simulate(year, share, list(self.city.days.iter_rows(named=True)))
        for tables in simulated:
            for name, table in tables.items():
                self._keep(name, table)
        with self.clock.stage("coverage", share, f"{year}: coverage"):
            self._cover(year)
        self.feedback = self._feedback(_of_days("demand", simulated))
        with self.clock.stage("siting", share, f"{year}: plugs"):
            load = _of_days("station_load", simulated)
            self.stations = enlarge(self.stations, load, self.scenario.siting, year=year)

    def turn_over(self, year: int) -> None:
        if year > self.scenario.run.first_year:
            moved = turnover.advance(self.stock, year, self.start.rules, self.feedback)
            self.stock = moved.stock
            self._keep("additions", moved.additions)
            self._keep("retirements", moved.retirements)
        else:
            self._keep("additions", turnover.no_flows())
            self._keep("retirements", turnover.no_flows())
        self._keep("stock", self.stock)

    def _simulate(
        self, year: int, share: float, days: Sequence[dict[str, Any]], wanted: Collection[str] = KEPT_OF_DAYS
    ) -> list[Tables]:
        """Return the wanted tables of each day, compacted."""
        with self.clock.stage("duties", share, f"{year}: duties"):
            plans = [self.days.plans(day, self.stock, year) for day in days]
        with self.clock.stage("ways", share, f"{year}: ways to stations"):
            depots = depot_fleets(plans[0], self.city.places)
            self.stations = grow_depots(self.stations, depots, self.scenario.siting, year=year)
            supply = self.supply(year)
        planned = list(zip(days, plans, strict=True))
        together = days_together(self.scenario.run.engine)
        parts: list[Tables] = []
        for first in range(0, len(planned), together):
            parts += self._simulate_together(year, share, planned[first : first + together], supply, wanted)
        return parts

    def _simulate_together(
        self,
        year: int,
        share: float,
        planned: Sequence[tuple[dict[str, Any], list[FleetPlan]]],
        supply: Supply,
        wanted: Collection[str],
    ) -> list[Tables]:
        """Return the tables of days that are in memory at the same time."""
        with self.clock.stage("models", share, f"{year}: building the days"):
            models = [self.days.model(day, plans, self.stock, supply, year) for day, plans in planned]
        with self.clock.stage("days", share, f"{year}: simulating the days"):
            inputs = [day.model.inputs for day in models]
            engine = self.scenario.run.engine
            logs = simulate_days(
                inputs, engine, self._announce, self.policies, lambda told: self.clock.tell(told, share)
            )
        with self.clock.stage("tables", share, f"{year}: tables of the days"):
            return [self._tables(model, log, wanted) for model, log in zip(models, logs, strict=True)]

    def _tables(self, day: Operated, log: Log, wanted: Collection[str]) -> Tables:
        """Return tables of a simulated day, compacted; where and when energy was sought of the design day only."""
        tables = day_tables(day, log, wanted)
        if "zone_hours" in wanted and day.model.conditions.day == self.design_day["day"]:
            tables["zone_hours"] = zone_hours(*day.settled(log))
        return {name: compact(name, table) for name, table in tables.items()}

    def _announce(self) -> None:
        self.clock.tell("compiling the engine, once", 0.03)

    def supply(self, year: int) -> Supply:
        stations = open_stations(self.stations, year)
        return Supply(stations, self.ways.nearest(stations, self.scenario.charging.stations_considered))

    def _zones(self, year: int) -> pl.DataFrame:
        distances = self.ways.shortest(open_stations(self.stations, year))
        return zone_coverage(self.city.zones, distances, self.standards, year=year)

    def _site(self, year: int, simulated: list[Tables]) -> None:
        section = self.scenario.siting
        demand = site_demand(_of_days("demand", simulated), self.city)
        zones = self._zones(year)
        for kind in OPEN_KINDS:
            if not new_stations(section, year, kind):
                continue
            sites = candidates(self.city, kind, section.settled_per_km2)
            ground = SitingGround(demand, zones, sites, self._access(kind, sites))
            self.stations, report = site_stations(self.stations, ground, section, year=year, kind=kind)
            self._keep("siting", report)

    def _access(self, kind: str, sites: pl.DataFrame) -> pl.DataFrame:
        if kind not in self.reach:
            self.reach[kind] = self.ways.candidate_access(sites, self.standards.filter(pl.col("kind") == kind))
        return self.reach[kind]

    def _cover(self, year: int) -> None:
        zones = self._zones(year)
        self._keep("coverage_zones", zones)
        self._keep("coverage", coverage(zones))
        standing = open_stations(self.stations, year)
        self._keep("station_years", standing.select(pl.lit(year).alias("year"), "station_id", "plugs", "power_kw"))
        cars = self.stock.filter(
            pl.col("fleet").is_in(CAR_FLEETS), pl.col("powertrain").cast(pl.String).is_in(["BEV", "PHEV"])
        )
        self._keep(
            "piles",
            count_piles(
                standing,
                electric_cars=float(cars["vehicles"].sum()),
                private_pile_share=at_year(self.scenario.duties.home_pile_share, year),
                year=year,
                internal_piles=internal_piles(self.city),
            ),
        )

    def _feedback(self, demand: pl.DataFrame) -> Feedback:
        """Return what the next year's buyers learn: waits and coverage above those of the base year."""
        now = {"waits": mean_waits(demand), "coverage": self.parts["coverage"][-1]}
        if not self.base:
            self.base = now
            return Feedback()
        before = dict(self.base["waits"].iter_rows())
        waits = {group: wait - before.get(group, wait) for group, wait in now["waits"].iter_rows()}
        gain = _covered(now["coverage"]) - _covered(self.base["coverage"])
        groups = self.city.fleets["group"].cast(pl.String).unique().sort().to_list()
        return Feedback(waits, dict.fromkeys(groups, gain))

    def _keep(self, name: str, table: pl.DataFrame) -> None:
        if name in LARGE_TABLES:
            self.packs.setdefault(name, []).append(packed(table))
        else:
            self.parts.setdefault(name, []).append(table)

    def table(self, name: str) -> pl.DataFrame:
        """Return a kept table, all years, and let go of its parts."""
        if name in self.packs:
            return joined(name, unpacked(self.packs.pop(name)))
        parts = self.parts.pop(name, [])
        return joined(name, parts) if parts else pl.DataFrame()


def _of_days(name: str, days: list[Tables]) -> pl.DataFrame:
    return joined(name, [day[name] for day in days])


def design_day(city: City) -> dict[str, Any]:
    """Return the day stations are sited for: the weekday of the coldest month, when vehicles use most.

    Without a weekday among the representative days it is the coldest of them.
    """
    mean_c = city.temperatures.select("month", mean_c=(pl.col("mean_high_c") + pl.col("mean_low_c")) / 2.0)
    order = city.days.join(mean_c, on="month", maintain_order="left").sort("weekend", "mean_c", maintain_order=True)
    return city.days.row(by_predicate=pl.col("day") == order["day"][0], named=True)


def internal_piles(city: City) -> int:
    """Return the piles kept for fleets that have no row among the stations: published total less depot plugs."""
    kept = city.piles.filter(pl.col("kind").cast(pl.String) == "dedicated").sort("date")
    depots = city.stations.filter(pl.col("kind").cast(pl.String) == "depot")["plugs"].sum()
    return max(int(kept["piles"][-1]) - int(depots), 0) if kept.height else 0


def mean_waits(demand: pl.DataFrame) -> pl.DataFrame:
    """Return fleet_group and the mean wait of those served away from their depot [min], from `ZoneDemand`."""
    served = demand.filter(pl.col("served") > 0)
    return (
        served.group_by("fleet_group", maintain_order=True)
        .agg(wait=(pl.col("mean_wait_min") * pl.col("served")).sum() / pl.col("served").sum())
        .sort("fleet_group")
    )


def _covered(table: pl.DataFrame) -> float:
    city = table.filter(pl.col("district") == "all", pl.col("kind") == "public")
    return float(city["covered_share"][0])


def _account(city: City, scenario: Scenario, years: Years) -> Tables:
    detail = {name: years.table(name) for name in ("stock", "additions", "retirements")}
    tables: Tables = {
        "stock": turnover.totals(detail["stock"], city.powertrains),
        "additions": turnover.flows(detail["additions"]),
        "retirements": turnover.flows(detail["retirements"]),
        "stations": years.stations.filter(pl.col("opened_year") <= scenario.run.last_year),
    }
    kept = ("coverage", "coverage_zones", "station_years", "piles", "siting", *KEPT_OF_DAYS)
    tables |= {name: years.table(name) for name in kept}
    tables |= accounts.travel(city, scenario, tables["stock"], year_span(scenario))
    tables |= accounts.energy(city, scenario, tables)
    tables |= accounts.grid(city, scenario, tables)
    nev = accounts.nev_with_range(turnover.nev_total(detail["stock"], city.fleets, city.powertrains), years.start.nev)
    tables |= accounts.targets(city, scenario, tables, {**detail, "nev": nev}, years.start.rules.cars.first_half_share)
    return tables


def year_span(scenario: Scenario) -> range:
    """Return the years of a run."""
    return range(scenario.run.first_year, scenario.run.last_year + 1)


def _notes(city: City, scenario: Scenario, tables: Tables, start: Start) -> list[dict[str, str]]:
    """Return what a reader must know of the run, and of tables that are not the city's own."""
    reached = start.reached if MILESTONE_CLAUSE in set(city.clauses["clause"]) else None
    return accounts.notes(scenario, tables, reached) + city.identity.notes()


def _record(city: City, scenario: Scenario, tables: Tables, clock: Clock) -> dict[str, Any]:
    """Return run.json: all that tells this run from another."""
    inputs = input_hashes(city)
    identity = json.dumps([__version__, scenario.model_dump(mode="json"), inputs], sort_keys=True)
    return {
        "version": __version__,
        "scenario": scenario.name,
        "title_zh": scenario.title_zh,
        "title_en": scenario.title_en,
        "city_zh": city.identity.name_zh,
        "city_en": city.identity.name_en,
        "city_extends": city.identity.extends,
        "run_id": hashlib.sha256(identity.encode()).hexdigest()[:10],
        "seed": scenario.run.seed,
        "engine": resolve(scenario.run.engine),
        "sample": scenario.run.sample,
        "years": f"{scenario.run.first_year}-{scenario.run.last_year}",
        "last_year": scenario.run.last_year,
        "calibration_until": scenario.calibration.until,
        "inputs": inputs,
        "tables": {name: table_hash(table) for name, table in sorted(tables.items())},
        "seconds": {name: round(value, 2) for name, value in clock.seconds.items()},
    }
