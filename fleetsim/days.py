"""The representative days of a year: duties, vehicles that drive them, the simulation, its tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import dataframely as dy
import polars as pl

from charging.tables import DepotFleet, Station
from fleetsim.datasets import City
from fleetsim.duties.assign import Ranked, by_difficulty, give, types_of
from fleetsim.duties.background import arrivals
from fleetsim.duties.draws import evenly
from fleetsim.duties.fleet import DutyInputs, DutyTables
from fleetsim.duties.itinerary import FleetDay, sampled
from fleetsim.duties.make import bus_trips, counts_key, day_of, make_fleet
from fleetsim.duties.tables import BackgroundArrival, FleetCount
from fleetsim.duties.waves import in_waves, payloads
from fleetsim.engine.build import Crew, DayModel, crew_of, supplied
from fleetsim.engine.conservation import check_conservation
from fleetsim.engine.log import day_use, service_of, sessions, station_load, zone_demand
from fleetsim.engine.plan import Background, DayConditions, FleetPlan
from fleetsim.engine.spec import Log
from fleetsim.engine.supply import Supply
from fleetsim.operation.apply import Operated, Setting, depot_tariffs, operated
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.sections import at_year
from fleetsim.tables import VehicleType
from fleetsim.vehicles import hourly_temperature_c

DEPOT_CARRIERS = ("BEV", "PHEV")
DAY_TABLES = ("sessions", "station_load", "service", "demand", "day_use")


@dataclass
class Days:
    """The days of a scenario; duties are kept from year to year while a fleet keeps its size."""

    city: City
    scenario: Scenario
    comes_again: tuple[int, str] | None = None
    """Year and day that are built once more with other stations: what no station changes is kept until then."""
    _crews: dict[tuple[int, str], Crew] = field(default_factory=dict)
    _kept: dict[tuple[str, str], tuple[Any, FleetDay, Ranked]] = field(default_factory=dict)
    _trips: dict[bool, Any] = field(default_factory=dict)
    _planned: tuple[pl.DataFrame, dict[tuple[str, str, int], FleetPlan]] = field(
        default_factory=lambda: (pl.DataFrame(), {})
    )
    """Plans of a table `Stock`, by fleet, representative day of its duties, and year."""

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
        simulated = self.city.fleets.filter("simulated")["fleet"].to_list()
        present = [fleet for fleet in simulated if counts.filter(pl.col("fleet") == fleet)["vehicles"].sum()]
        if self._planned[0] is not stock:
            self._planned = stock, {}
        plans, held = self._planned[1], _held(stock)
        keys = [(fleet, self._duties_of(day, self._types[fleet][0])["day"], year) for fleet in present]
        for fleet, key in zip(present, keys, strict=True):
            if key not in plans:
                plans[key] = self._plan(fleet, day, counts, held[fleet], year)
        return [plans[key] for key in keys]

    def model(
        self, day: dict[str, Any], plans: Sequence[FleetPlan], stock: pl.DataFrame, supply: Supply, year: int
    ) -> Operated:
        """Return a day of a year as an engine takes it: the fleets' duties and who charges in public besides."""
        return operated(self.built(day, plans, stock, supply, year), self.setting(day, plans, stock, supply, year))

    def setting(
        self, day: dict[str, Any], plans: Sequence[FleetPlan], stock: pl.DataFrame, supply: Supply, year: int
    ) -> Setting:
        """Return what the rules of operation depend on, on a day of a year."""
        return Setting(
            section=self.scenario.operation,
            stations=supply.stations,
            plans=list(plans),
            tariffs=depot_tariffs(self.city.tariffs, self.scenario.grid.season(day["month"])),
            age_years=mean_ages(stock, year),
            geography=self.inputs.geography,
            charger_efficiency=self.scenario.charging.charger_efficiency,
            bus_wait_min=self.scenario.duties.bus_missed_after_min,
            taxi_loaded_share=1.0 - self.scenario.duties.taxi_empty_share,
        )

    def built(
        self, day: dict[str, Any], plans: Sequence[FleetPlan], stock: pl.DataFrame, supply: Supply, year: int
    ) -> DayModel:
        """Return the day before the rules of operation."""
        run = self.scenario.run
        month = self.city.temperatures.row(by_predicate=pl.col("month") == day["month"], named=True)
        content = self.city.energy_content.select(pl.col("carrier").cast(pl.String), "kwh_per_unit")
        conditions = DayConditions(
            year=year,
            day=day["day"],
            seed=run.seed,
            temperature_c=hourly_temperature_c(month["mean_high_c"], month["mean_low_c"], self.scenario.charging),
            kwh_per_unit=dict(content.iter_rows()),
            sample=run.sample,
        )
        charging, key = self.scenario.charging, (year, day["day"])
        crew = self._crews.pop(key, None)
        if crew is None:
            background = self._background(day, stock, year)
            crew = crew_of(plans, background, self.city.vehicle_types, conditions, charging)
        if key == self.comes_again:
            self._crews[key] = crew
        return supplied(crew, supply, conditions, charging)

    def _plan(
        self, fleet: str, day: dict[str, Any], counts: dy.DataFrame[FleetCount], held: pl.DataFrame, year: int
    ) -> FleetPlan:
        group, types = self._types[fleet]
        made, ranked = self._fleet_day(fleet, self._duties_of(day, group), counts)
        plug_share = at_year(self.scenario.duties.taxi_home_plug_share, year) if group == "taxi" else 0.0
        assignment = give(ranked, held, types, home_plug_share=plug_share)
        of_fleet = day_of(self._duties_of(day, group), fleet, group)
        legs = in_waves(self.inputs, made, of_fleet, payloads(assignment, types))
        return FleetPlan(fleet, group, made.vehicles, legs, assignment)

    def _duties_of(self, day: dict[str, Any], group: str) -> dict[str, Any]:
        """Return the representative day whose duties a group has on a day: the first weekday, or the first weekend day.

        So what differs between them is due to weather and not to chance. Airports have duties of the season.
        """
        alike = (row for row in self.city.days.iter_rows(named=True) if row["weekend"] == day["weekend"])
        return day if group == "airside" else next(alike, day)

    @cached_property
    def _types(self) -> dict[str, tuple[str, dy.DataFrame[VehicleType]]]:
        """Group and vehicle types of each fleet."""
        groups = self.city.fleets.select("fleet", pl.col("group").cast(pl.String)).iter_rows()
        return {fleet: (group, types_of(self.city.vehicle_types, fleet, group)) for fleet, group in groups}

    def _fleet_day(self, fleet: str, day: dict[str, Any], counts: dy.DataFrame[FleetCount]) -> tuple[FleetDay, Ranked]:
        """Return a fleet's day and its vehicles by the difficulty of their duties."""
        key, name = counts_key(counts, fleet), day["day"]
        group, _ = self._types[fleet]
        known = self._kept.get((fleet, name))
        if known is None or known[0] != key:
            trips = self._bus_trips(weekend=day["weekend"]) if group == "bus" else None
            made = sampled(make_fleet(self.inputs, counts, day_of(day, fleet, group), trips), self.scenario.run.sample)
            known = key, made, by_difficulty(made.vehicles, made.legs)
            self._kept[fleet, name] = known
        return known[1:]

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
            trips=city.trips,
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
        if self.scenario.run.sample < 1.0:
            taken = pl.Series(evenly(table.height, self.scenario.run.sample))
            table = BackgroundArrival.cast(table.filter(taken))
        return Background(table, dict(fleets.iter_rows()))


def fleet_counts(stock: pl.DataFrame) -> dy.DataFrame[FleetCount]:
    """Return whole vehicles by fleet, district and exempt reason of a table `Stock` of one year."""
    sums = stock.group_by("fleet", "district", "exempt_reason", maintain_order=True).agg(
        pl.col("vehicles").sum().round().cast(pl.Int64)
    )
    return FleetCount.validate(sums.sort("fleet", "district", "exempt_reason"))


def _held(stock: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return by fleet the vehicles of a table `Stock` of one year: district, powertrain, exempt_reason, vehicles."""
    keys = ["district", "powertrain", "exempt_reason"]
    sums = stock.group_by("fleet", *keys, maintain_order=True).agg(pl.col("vehicles").sum()).sort("fleet", *keys)
    return {str(fleet): part for (fleet,), part in sums.partition_by("fleet", as_dict=True, include_key=False).items()}


def mean_ages(stock: pl.DataFrame, year: int) -> dict[tuple[str, str], float]:
    """Return the mean age of the vehicles of each fleet and powertrain in the middle of a year [years]."""
    age = (year + 0.5 - pl.col("vintage")).clip(0.0)
    means = stock.group_by("fleet", pl.col("powertrain").cast(pl.String), maintain_order=True).agg(
        age=(age * pl.col("vehicles")).sum() / pl.col("vehicles").sum().clip(1e-9)
    )
    return {(fleet, powertrain): mean for fleet, powertrain, mean in means.iter_rows()}


def depot_fleets(plans: Sequence[FleetPlan], places: pl.DataFrame) -> dy.DataFrame[DepotFleet]:
    """Return the vehicles with a plug that stand at each depot at night, by group of fleets."""
    parts = [
        plan.driven()
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


def day_tables(day: Operated, log: Log, wanted: Collection[str] = DAY_TABLES) -> dict[str, pl.DataFrame]:
    """Return tables of a simulated day, by name (see DAY_TABLES).

    Raises
    ------
    RuntimeError
        If energy or vehicles were not conserved: a bug.
    """
    check_conservation(day.model.inputs, log)
    model, log = day.settled(log)
    use = cache(lambda: day_use(model, log))
    made: dict[str, Callable[[], pl.DataFrame]] = {
        "sessions": lambda: sessions(model, log),
        "station_load": lambda: station_load(model, log),
        "service": lambda: service_of(model, log, use()),
        "demand": lambda: zone_demand(model, log),
        "day_use": use,
    }
    return {name: make() for name, make in made.items() if name in wanted}
