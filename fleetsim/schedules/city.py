"""The schedule problem of a city: its fleets by district, their yards, prices, clauses and the scenario's limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fleetsim import calibration, choice
from fleetsim import stock as turnover
from fleetsim.datasets import City
from fleetsim.policy import listed, nev_flags
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.schedule import SolveSection
from fleetsim.scenario.sections import at_year
from fleetsim.schedules.problem import BoolArray, Depots, FloatArray, LeftOut, Rule, ScheduleProblem, Vehicles
from fleetsim.tables import POWERTRAINS
from networks.errors import ScenarioError

NOT_EXEMPT = "none"
RULE_KINDS = {"stock_share": "stock", "additions_share": "additions"}
BATTERY = ("BEV", "PHEV")


@dataclass(frozen=True)
class Turnover:
    """The city's stock under a scenario, year by year, without simulated days."""

    stock: pl.DataFrame
    """Stock at the end of every year, all years."""
    additions: pl.DataFrame


def turn_over(city: City, scenario: Scenario, last_year: int | None = None) -> Turnover:
    """Return the stock and the purchases of every year of a scenario, as `fleetsim run` has them but for the days.

    Waits and coverage, which the days would tell the buyers, stay those of the base year.
    """
    tables = turnover.StockTables(**{name: getattr(city, name) for name in turnover.StockTables.__annotations__})
    sections = turnover.Sections(scenario.stock, scenario.cars, scenario.policy, scenario.schedule)
    years = list(range(scenario.run.first_year, (last_year or scenario.run.last_year) + 1))
    stock, rules = calibration.prepare(
        tables, city.observations, sections, scenario.calibration.until, years, scenario.run.seed
    )
    held, bought = [stock], []
    for year in years[1:]:
        moved = turnover.advance(held[-1], year, rules)
        held.append(moved.stock)
        bought.append(moved.additions)
    return Turnover(pl.concat(held), pl.concat(bought) if bought else pl.DataFrame())


def city_problem(city: City, scenario: Scenario, opening: pl.DataFrame) -> ScheduleProblem:
    """Return the schedule problem of a city.

    Parameters
    ----------
    city
        Fleets, vehicle types, prices, stations and clauses.
    scenario
        Its section `schedule.solve` holds the limits; `stock` growth, grants and residual values.
    opening
        Table `Stock` at the end of the year before the first planned one.

    Notes
    -----
    A group is a fleet in a district, exempt vehicles left out: they stay as they are. A depot is all yards of a fleet
    group in a district. Clauses that count vehicles, or cover fleets that are not all planned (such as the city's count
    of new-energy vehicles), are no rows; `left_out` names them.
    """
    section = scenario.schedule.solve
    years = list(range(section.first_year, scenario.run.last_year + 1))
    if not years:
        raise ScenarioError(
            f"schedule.solve.first_year {section.first_year} is after run.last_year {scenario.run.last_year}; lower it"
        )
    cells = _cells(city, section, opening)
    depots = cells["depot"].unique().sort().to_list()
    depot = np.array([depots.index(name) for name in cells["depot"].to_list()], dtype=np.int64)
    models = _vehicles(city, scenario, cells, opening, years)
    families = sorted(set(cells["fleet"].to_list()))
    family = np.array([families.index(name) for name in cells["fleet"].to_list()], dtype=np.int64)
    held = (models.initial.sum(axis=2) * models.relieves).sum(axis=1)
    rules, left_out = _rules(city, scenario, cells["fleet"].to_list(), years)
    return ScheduleProblem(
        years=tuple(years),
        groups=tuple(f"{fleet}:{district}" for fleet, district in cells.select("fleet", "district").iter_rows()),
        powertrains=POWERTRAINS,
        depots=tuple(depots),
        depot=depot,
        vehicles=models,
        site=_site(city, scenario, depots, depot, models),
        required=held[:, None] * _growth(scenario, cells["fleet"].to_list(), years),
        shortfall_cny=np.full(cells.height, section.shortfall_cny),
        budget_cny=np.array([at_year(section.budget_cny, year) if section.budget_cny else np.inf for year in years]),
        hydrogen_supply_kg=np.array([at_year(section.hydrogen_supply_kg, year) for year in years]),
        family=family,
        families=tuple(families),
        lot=_lots(city, section, families),
        deliveries=_deliveries(section, families, len(years)),
        rules=rules,
        left_out=left_out,
        titles=_titles(city),
        discount_rate=section.discount_rate,
        labels={name: tuple(cells[name].to_list()) for name in ("fleet", "district", "group", "depot")},
    )


def _cells(city: City, section: SolveSection, opening: pl.DataFrame) -> pl.DataFrame:
    known = city.fleets["fleet"].to_list()
    unknown = [name for name in section.fleets if name not in known]
    if unknown:
        raise ScenarioError(
            [f"schedule.solve.fleets: {name!r} is not known; use some of {', '.join(known)}" for name in unknown]
        )
    groups = city.fleets.select("fleet", group=pl.col("group").cast(pl.String))
    planned = opening.filter(pl.col("fleet").is_in(section.fleets), pl.col("exempt_reason") == NOT_EXEMPT)
    sums = planned.group_by("fleet", "district", maintain_order=True).agg(pl.col("vehicles").sum())
    cells = sums.filter(pl.col("vehicles").round() > 0).join(groups, on="fleet").sort("fleet", "district")
    return cells.with_columns(depot=pl.format("{}:{}", "group", "district"))


def _growth(scenario: Scenario, fleets: Sequence[str], years: Sequence[int]) -> FloatArray:
    rates = np.array(
        [[at_year(scenario.stock.growth_per_year.get(name, {year: 0.0}), year) for year in years] for name in fleets]
    )
    return np.asarray(np.cumprod(1.0 + rates, axis=1))


def _lots(city: City, section: SolveSection, families: Sequence[str]) -> np.ndarray:
    group = dict(city.fleets.select("fleet", pl.col("group").cast(pl.String)).iter_rows())
    electric = np.array([name in choice.NEW_ENERGY for name in POWERTRAINS])
    lots = np.array([section.lot.get(group[name], 1) for name in families])
    return np.where(electric[None, :], lots[:, None], 1).astype(np.int64)


def _deliveries(section: SolveSection, families: Sequence[str], years: int) -> FloatArray:
    most = np.array([float(section.deliveries_per_year.get(name, np.inf)) for name in families])
    electric = np.array([name in choice.NEW_ENERGY for name in POWERTRAINS])
    return np.repeat(np.where(electric[None, :], most[:, None], np.inf)[:, :, None], years, axis=2)


def _vehicles(
    city: City, scenario: Scenario, cells: pl.DataFrame, opening: pl.DataFrame, years: Sequence[int]
) -> Vehicles:
    section, groups, kinds = scenario.schedule.solve, cells.height, len(POWERTRAINS)
    rows = {row["fleet"]: row for row in city.fleets.iter_rows(named=True)}
    fleets = cells["fleet"].to_list()
    limit = {name: int(rows[name]["statutory_age"] or np.ceil(rows[name]["life_years"] * 1.4)) for name in fleets}
    ages = max(limit.values())
    shape = {"price": (groups, kinds, len(years)), "operation": (groups, kinds, ages, len(years))}
    price, operation = np.zeros(shape["price"]), np.zeros(shape["operation"])
    salvage, sold = np.zeros((groups, kinds, ages + 1)), np.zeros(shape["price"], dtype=bool)
    energy, hydrogen = np.zeros((groups, kinds)), np.zeros((groups, kinds))
    for name in sorted(set(fleets)):
        own = np.array([fleet == name for fleet in fleets])
        one = _fleet_costs(city, scenario, rows[name], years, ages, limit[name])
        price[own], operation[own], salvage[own], sold[own] = one.price, one.operation, one.salvage, one.sold
        energy[own], hydrogen[own] = one.energy_kwh, one.hydrogen_kg
    ratio = np.array([section.vehicles_per_fuel_vehicle.get(group, 1.0) for group in cells["group"].to_list()])
    battery = np.array([name in ("BEV", "BEV-swap") for name in POWERTRAINS])
    return Vehicles(
        initial=_initial(cells, opening, ages, years[0]),
        age_limit=np.repeat(np.array([limit[name] for name in fleets])[:, None], kinds, axis=1),
        relieves=np.where(battery[None, :], 1.0 / ratio[:, None], 1.0),
        buyable=sold,
        price_cny=price,
        operation_cny=operation,
        salvage_cny=salvage,
        energy_kwh=energy,
        hydrogen_kg=hydrogen,
    )


def _initial(cells: pl.DataFrame, opening: pl.DataFrame, ages: int, first_year: int) -> FloatArray:
    """Return whole vehicles by group, powertrain and age at the beginning of the first year."""
    initial = np.zeros((cells.height, len(POWERTRAINS), ages))
    place = {key: index for index, key in enumerate(cells.select("fleet", "district").iter_rows())}
    kind = {name: index for index, name in enumerate(POWERTRAINS)}
    held = opening.filter(pl.col("exempt_reason") == NOT_EXEMPT).select(
        "fleet", "district", pl.col("powertrain").cast(pl.String), "vintage", "vehicles"
    )
    for fleet, district, powertrain, vintage, vehicles in held.iter_rows():
        if (fleet, district) in place:
            age = min(max(first_year - 1 - vintage, 0), ages - 1)
            initial[place[fleet, district], kind[powertrain], age] += vehicles
    from fleetsim.cohorts import whole

    return np.stack([whole(group) for group in initial])


@dataclass(frozen=True)
class _FleetCosts:
    price: FloatArray
    operation: FloatArray
    salvage: FloatArray
    sold: BoolArray
    energy_kwh: FloatArray
    hydrogen_kg: FloatArray


def _fleet_costs(
    city: City, scenario: Scenario, fleet: Mapping[str, Any], years: Sequence[int], ages: int, limit: int
) -> _FleetCosts:
    section, kinds = scenario.schedule.solve, len(POWERTRAINS)
    group, km = str(fleet["group"]), float(fleet["annual_km"])
    types = choice.types_of(city.vehicle_types, str(fleet["fleet"]), group)
    price, sold = np.zeros((kinds, len(years))), np.zeros((kinds, len(years)), dtype=bool)
    operation, salvage = np.zeros((kinds, ages, len(years))), np.zeros((kinds, ages + 1))
    energy, hydrogen = np.zeros(kinds), np.zeros(kinds)
    growth = (1.0 + section.upkeep_growth_per_year) ** np.arange(ages)
    residual = max(scenario.stock.residual_share, 1e-3) ** (np.arange(ages + 1) / limit)
    loss = 1.0 + scenario.stock.charging_loss_share
    for position, year in enumerate(years):
        costs = choice.vehicle_costs(types, city.energy_prices, scenario.stock, year, scenario.run.first_year)
        grant = at_year(scenario.stock.purchase_grant_share, year)
        for row in costs.iter_rows(named=True):
            kind = POWERTRAINS.index(str(row["powertrain"]))
            price[kind, position] = row["price_now_cny"] * (1.0 - grant * row["grant"])
            sold[kind, position] = (
                year < scenario.policy.fuel_ban_year.get(str(fleet["fleet"]), year + 1) or row["grant"]
            )
            yearly = km * (row["energy_cny_per_km"] + row["maintenance_cny_per_km"] * growth)
            operation[kind, :, position] = yearly + row["insurance_cny_per_year"]
            worth = price[kind, position] * (1.0 - section.first_sale_loss_share) * residual
            salvage[kind] = worth if position == 0 else np.minimum(salvage[kind], worth)
            if position == 0:
                daily = km / section.working_days * section.winter_factor
                battery = row["powertrain"] in BATTERY
                use = (
                    row["use_per_km"]
                    if row["powertrain"] == "BEV"
                    else row["electric_kwh_per_km"] * row["electric_km_share"]
                )
                share = section.depot_energy_share.get(group, 0.0)
                energy[kind] = daily * use * loss * share if battery else 0.0
                hydrogen[kind] = daily * row["use_per_km"] if row["powertrain"] == "FCEV" else 0.0
    return _FleetCosts(price, operation, salvage, sold, energy, hydrogen)


def _site(city: City, scenario: Scenario, depots: Sequence[str], depot: np.ndarray, models: Vehicles) -> Depots:
    """Return the depots: chargers that stand, at least as many as the present vehicles need, and their connection."""
    section, size = scenario.schedule.solve, len(depots)
    kw = np.array([scenario.siting.depot_power_kw.get(name.split(":")[0], 60.0) for name in depots])
    kwh = kw * section.charger_hours
    now = (models.initial.sum(axis=2) * models.energy_kwh).sum(axis=1)
    needed = np.ceil(np.bincount(depot, weights=now, minlength=size) / kwh - 1e-9)
    standing = _standing(city, depots, section.first_year)
    chargers = np.maximum(standing, needed)
    asked = kw * section.simultaneity_share
    grid = asked * chargers
    limit = np.array([section.depot_power_kw.get(name, np.inf) for name in depots])
    modules = np.minimum(np.floor(np.maximum(limit - grid, 0.0) / section.module_kw), float(section.most_modules))
    return Depots(
        chargers=chargers,
        grid_kw=grid,
        charger_kwh=kwh,
        charger_kw=asked,
        module_kw=np.full(size, section.module_kw),
        most_modules=modules,
        charger_cny=kw * section.charger_cny_per_kw,
        module_cny=np.full(size, section.module_cny),
    )


def _standing(city: City, depots: Sequence[str], year: int) -> FloatArray:
    rows = city.stations.filter(pl.col("kind").cast(pl.String) == "depot", pl.col("opened_year") < year)
    sums = rows.group_by(pl.col("fleet_group").cast(pl.String), "district", maintain_order=True).agg(
        pl.col("plugs").sum()
    )
    plugs = {f"{group}:{district}": float(count) for group, district, count in sums.iter_rows()}
    return np.array([plugs.get(name, 0.0) for name in depots])


def _rules(
    city: City, scenario: Scenario, fleets: Sequence[str], years: Sequence[int]
) -> tuple[tuple[Rule, ...], tuple[LeftOut, ...]]:
    """Return the clauses as rules, and those that cannot be."""
    section = scenario.schedule.solve
    nev = nev_flags(city.powertrains)
    clean = dict(city.powertrains.select(pl.col("powertrain").cast(pl.String), "clean_energy").iter_rows())
    complies = {"nev": nev, "clean_energy": nev | np.array([clean.get(name, False) for name in POWERTRAINS])}
    rules: list[Rule] = []
    left_out: list[LeftOut] = []
    for row in city.clauses.sort("clause", "target_year").iter_rows(named=True):
        members = _members(city, row)
        missing = _left_out(row, members, fleets, years)
        if missing is not None:
            left_out.append(missing)
            continue
        rules.append(
            Rule(
                name=str(row["clause"]),
                kind=RULE_KINDS[row["measure"]],  # type: ignore[arg-type]
                years=_rule_years(row, years),
                members=np.array([name in members for name in fleets]),
                complies=complies.get(str(row["qualifies"]), nev),
                target=float(row["target"]),
                penalty_cny=section.penalty_cny.get(str(row["modality"]), 0.0),
            )
        )
    return tuple(rules), tuple(left_out)


def _members(city: City, row: Mapping[str, Any]) -> list[str]:
    """Return the fleets of a clause that have vehicles not exempt."""
    bound = set(city.stock.filter(pl.col("exempt_reason") == NOT_EXEMPT)["fleet"].to_list())
    return [name for name in listed(row["fleets"]) if name in bound]


def _left_out(
    row: Mapping[str, Any], members: Sequence[str], fleets: Sequence[str], years: Sequence[int]
) -> LeftOut | None:
    """Return why a clause cannot be a row of the problem; None if it can."""
    clause, year = str(row["clause"]), int(row["target_year"])
    if row["measure"] not in RULE_KINDS or not members:
        return LeftOut(clause, year, "measure")
    unplanned = tuple(sorted(set(members) - set(fleets)))
    if unplanned:
        return LeftOut(clause, year, "fleets", unplanned)
    return None if _rule_years(row, years) else LeftOut(clause, year, "years")


def _titles(city: City) -> dict[str, dict[str, str]]:
    rows = city.clauses.select("clause", "title_zh", "title_en").iter_rows()
    return {str(clause): {"zh": str(zh), "en": str(en)} for clause, zh, en in rows}


def _rule_years(row: Mapping[str, Any], years: Sequence[int]) -> tuple[int, ...]:
    """Return the years a clause is measured in: purchases from its first year, stock from its target year on."""
    since = row["from_year"] if row["measure"] == "additions_share" else row["target_year"]
    return tuple(index for index, year in enumerate(years) if year >= since)
