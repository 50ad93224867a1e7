"""The representative days of a year: duties, vehicles that drive them, the simulation, its tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import dataframely as dy
import polars as pl

from charging.tables import DepotFleet, Station
from fleetsim.datasets import City
from fleetsim.duties.assign import assign, types_of
from fleetsim.duties.background import arrivals
from fleetsim.duties.draws import evenly
from fleetsim.duties.fleet import DutyInputs, DutyTables
from fleetsim.duties.itinerary import FleetDay, sampled
from fleetsim.duties.make import FLEETS, bus_trips, counts_key, day_of, make_fleet
from fleetsim.engine.build import Background, DayConditions, DayModel, FleetPlan, Supply, build_day
from fleetsim.engine.conservation import check_conservation
from fleetsim.engine.log import day_use, service, sessions, station_load, zone_demand
from fleetsim.engine.spec import Log
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.sections import at_year
from fleetsim.tables import BackgroundArrival, FleetCount
from fleetsim.vehicles import hourly_temperature_c

DEPOT_CARRIERS = ("BEV", "PHEV")
DAY_TABLES = ("sessions", "station_load", "service", "demand", "day_use")


@dataclass
class Days:
    """The days of a scenario; duties are kept from year to year while a fleet keeps its size."""

    city: City
    scenario: Scenario
    _kept: dict[tuple[str, str], tuple[Any, FleetDay]] = field(default_factory=dict)
    _trips: dict[bool, Any] = field(default_factory=dict)

    def plans(self, day: dict[str, Any], stock: pl.DataFrame, year: int) -> list[FleetPlan]:
        """Return every simulated fleet's day with the vehicles of a year.

        Parameters
        ----------
        day
            Row of the table `Day`.
        stock
            Table `Stock` of the year's end.
        year
            Year.
        """
        counts = fleet_counts(stock)
        present = [fleet for fleet in FLEETS if counts.filter(pl.col("fleet") == fleet)["vehicles"].sum()]
        return [self._plan(fleet, day, counts, stock, year) for fleet in present]

    def model(
        self, day: dict[str, Any], plans: Sequence[FleetPlan], stock: pl.DataFrame, supply: Supply, year: int
    ) -> DayModel:
        """Return a day of a year as an engine takes it: the fleets' duties and who charges in public besides."""
        run = self.scenario.run
        month = self.city.temperatures.row(by_predicate=pl.col("month") == day["month"], named=True)
        content = self.city.energy_content.select(pl.col("carrier").cast(pl.String), "kwh_per_unit")
        conditions = DayConditions(
            year=year,
            day=day["day"],
            seed=run.seed,
            temperature_c=hourly_temperature_c(month["mean_high_c"], month["mean_low_c"]),
            kwh_per_unit=dict(content.iter_rows()),
            sample=run.sample,
        )
        return build_day(
            plans,
            self._background(day, stock, year),
            self.city.vehicle_types,
            supply,
            conditions,
            self.scenario.charging,
        )

    def _plan(
        self, fleet: str, day: dict[str, Any], counts: dy.DataFrame[FleetCount], stock: pl.DataFrame, year: int
    ) -> FleetPlan:
        made = self._fleet_day(fleet, day, counts)
        group = str(self.city.fleets.filter(pl.col("fleet") == fleet)["group"][0])
        held = stock.filter(pl.col("fleet") == fleet).group_by(
            "district", "powertrain", "exempt_reason", maintain_order=True
        )
        assignment = assign(
            made.vehicles,
            made.legs,
            held.agg(pl.col("vehicles").sum()).sort("district", "powertrain", "exempt_reason"),
            types_of(self.city.vehicle_types, fleet, group),
            home_plug_share=at_year(self.scenario.duties.taxi_home_plug_share, year) if group == "taxi" else 0.0,
        )
        return FleetPlan(fleet, group, made.vehicles, made.legs, assignment)

    def _fleet_day(self, fleet: str, day: dict[str, Any], counts: dy.DataFrame[FleetCount]) -> FleetDay:
        key = counts_key(counts, fleet)
        known = self._kept.get((fleet, day["day"]))
        if known is not None and known[0] == key:
            return known[1]
        trips = self._bus_trips(weekend=day["weekend"]) if fleet.startswith("bus_") else None
        made = sampled(make_fleet(self.inputs, counts, day_of(day, fleet), trips), self.scenario.run.sample)
        self._kept[fleet, day["day"]] = (key, made)
        return made

    def _bus_trips(self, *, weekend: bool) -> Any:
        if weekend not in self._trips:
            self._trips[weekend] = bus_trips(self.inputs, weekend=weekend)
        return self._trips[weekend]

    def __post_init__(self) -> None:
        """Gather what the duties are made from."""
        city = self.city
        tables = DutyTables(
            zones=city.zones,
            places=city.places,
            speeds=city.speeds,
            lines=city.lines,
            line_hours=city.line_hours,
            zone_speeds=city.duty_zone_speeds,
            hours=city.duty_hours,
            taxi_shifts=city.duty_taxi_shifts,
            tours=city.duty_tours,
            airside=city.duty_airside,
            background=city.duty_background,
        )
        self.inputs = DutyInputs(tables, self.scenario.duties, self.scenario.run.seed)

    def _background(self, day: dict[str, Any], stock: pl.DataFrame, year: int) -> Background:
        fleets = self.city.fleets.select("fleet", pl.col("group").cast(pl.String))
        table = arrivals(self.inputs, stock, day_of(day), year)
        taken = pl.Series(evenly(table.height, self.scenario.run.sample))
        return Background(BackgroundArrival.cast(table.filter(taken)), dict(fleets.iter_rows()))


def fleet_counts(stock: pl.DataFrame) -> dy.DataFrame[FleetCount]:
    """Return whole vehicles by fleet, district and exempt reason of a table `Stock` of one year."""
    sums = stock.group_by("fleet", "district", "exempt_reason", maintain_order=True).agg(
        pl.col("vehicles").sum().round().cast(pl.Int64)
    )
    return FleetCount.validate(sums.sort("fleet", "district", "exempt_reason"))


def depot_fleets(plans: Sequence[FleetPlan], places: pl.DataFrame) -> dy.DataFrame[DepotFleet]:
    """Return the vehicles with a plug that stand at each depot at night, by group of fleets."""
    parts = [
        plan.vehicles.join(plan.assignment, on="vehicle_id")
        .filter(pl.col("depot").is_not_null(), pl.col("powertrain").cast(pl.String).is_in(DEPOT_CARRIERS))
        .group_by("depot", maintain_order=True)
        .agg(vehicles=pl.col("weight").sum())
        .with_columns(fleet_group=pl.lit(plan.group))
        for plan in plans
    ]
    sums = pl.concat(parts).group_by("depot", "fleet_group", maintain_order=True).agg(pl.col("vehicles").sum())
    where = places.select("name", "district", "lon", "lat", depot="place")
    table = sums.join(where, on="depot").select(DepotFleet.column_names())
    return DepotFleet.validate(table.sort("depot", "fleet_group"))


def open_stations(stations: pl.DataFrame, year: int) -> dy.DataFrame[Station]:
    """Return the stations that serve in a year, sorted by identifier."""
    return Station.validate(stations.filter(pl.col("opened_year") <= year).sort("station_id"))


def day_tables(model: DayModel, log: Log) -> dict[str, pl.DataFrame]:
    """Return the tables of a simulated day, by name (see DAY_TABLES).

    Raises
    ------
    RuntimeError
        If energy or vehicles were not conserved: a bug.
    """
    check_conservation(model.inputs, log)
    return {
        "sessions": sessions(model, log),
        "station_load": station_load(model, log),
        "service": service(model, log),
        "demand": zone_demand(model, log),
        "day_use": day_use(model, log),
    }
