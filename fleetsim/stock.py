"""The stock of vehicles year by year: tables in, tables out.

State N by fleet, powertrain, vintage, district, operator and reason of exemption. A year takes vehicles
out by age, moves and converts what a schedule or an observed path asks for, and fills up to the closing
number by choice under the clauses. Cars follow the plate quota (`fleetsim.cars`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from fleetsim import cars, choice, policy, schedule
from fleetsim.cars import CarParameters
from fleetsim.choice import Feedback
from fleetsim.cohorts import BoolArray, Cohorts, FloatArray, Order, Turn, Turned, hazard, scaled, turn, whole
from fleetsim.scenario.schedule import ScheduleSection
from fleetsim.scenario.sections import CarsSection, PolicySection, StockSection, at_year
from fleetsim.tables import POWERTRAINS, Flow, Stock, StockTotal
from networks.errors import DataError, ScenarioError

NO_FEEDBACK = Feedback()
CELL = ("district", "operator", "exempt_reason")
FLOW_KEYS = ("year", "fleet", "powertrain", "district", "operator", "exempt_reason")


@dataclass(frozen=True)
class StockTables:
    """The city's tables that the turnover needs, by the names of their files."""

    fleets: pl.DataFrame
    powertrains: pl.DataFrame
    vehicle_types: pl.DataFrame
    stock: pl.DataFrame
    vintages: pl.DataFrame
    purchases: pl.DataFrame
    quotas: pl.DataFrame
    energy_prices: pl.DataFrame
    clauses: pl.DataFrame
    districts: pl.DataFrame = field(default_factory=pl.DataFrame)
    """Functional zone of each district; may be left out where no path is differentiated by zone."""


@dataclass(frozen=True)
class Sections:
    """The sections of the scenario that the turnover reads."""

    stock: StockSection = field(default_factory=StockSection)
    cars: CarsSection = field(default_factory=CarsSection)
    policy: PolicySection = field(default_factory=PolicySection)
    schedule: ScheduleSection = field(default_factory=ScheduleSection)


@dataclass(frozen=True)
class Rules:
    """Everything a year of turnover needs besides the stock; made once a run by `rules`."""

    fleets: Mapping[str, Mapping[str, Any]]
    nev: BoolArray
    clauses: pl.DataFrame
    quota: Mapping[tuple[int, str], float]
    utility: Mapping[tuple[str, int], FloatArray]
    """Pivoted utilities by fleet and year; softmax of the base year's gives the purchases observed then."""
    sections: Sections
    paths: Mapping[str, tuple[tuple[float, float], ...]]
    """New-energy share of a fleet by time [year, end of year y is y + 1], while observed or assumed."""
    cars: CarParameters
    zones: Mapping[str, str] = field(default_factory=dict)
    """Functional zone by district."""
    binding: tuple[policy.Binding, ...] = ()
    """The clauses that are enforced."""


class Advanced(NamedTuple):
    """A year's result. The flows carry operator and reason of exemption; `flows` sums them to Flow."""

    stock: pl.DataFrame
    additions: pl.DataFrame
    retirements: pl.DataFrame


def initial(tables: StockTables, year: int) -> pl.DataFrame:
    """Return the Stock on 31 December of the base year: the shipped groups spread over vintages.

    Public fleets stay in whole vehicles, each group by largest remainder.

    Raises
    ------
    DataError
        If a fleet of the stock is unknown or has no vintages.
    ScenarioError
        If the stock is of another year.
    """
    _require_fleets(tables)
    require_base(tables.vintages, year)
    kinds = tables.powertrains.select(
        pl.col("powertrain").cast(pl.String),
        kind=pl.when("counts_as_nev").then(pl.lit("nev")).otherwise(pl.lit("fuel")),
    )
    groups = tables.stock.with_columns(pl.col("powertrain").cast(pl.String)).join(kinds, on="powertrain")
    vintages = tables.vintages.with_columns(pl.col("kind").cast(pl.String)).select("fleet", "kind", "vintage", "share")
    flags = tables.fleets.select("fleet", "whole_vehicles")
    group_keys = ["fleet", "powertrain", *CELL]
    joined = (
        groups.rename({"vehicles": "group_vehicles"})
        .join(vintages, on=["fleet", "kind"])
        .join(flags, on="fleet")
        .sort(*group_keys, "vintage")
    )
    parts = [_spread_group(group) for _, group in joined.group_by(group_keys, maintain_order=True)]
    spread = joined.with_columns(vehicles=pl.Series(np.concatenate(parts)), year=pl.lit(year, dtype=pl.Int64))
    return _as_stock(spread.filter(pl.col("vehicles") > 0.0))


def require_base(vintages: pl.DataFrame, year: int) -> None:
    """Raise ScenarioError unless the newest vintage of the stock is that of the base year."""
    newest = int(vintages["vintage"].to_numpy().max(initial=0)) or year
    if newest != year:
        raise ScenarioError(
            f"run.first_year {year}: stock.csv and vintages.csv are of the end of {newest}, their newest vintage; begin"
            f" there (--years {newest}-LAST), or give the stock and vintages of {year}"
        )


def _spread_group(group: pl.DataFrame) -> FloatArray:
    """Return the vehicles of each row of a group: its total by the shares of the vintages."""
    total = float(group["group_vehicles"][0])
    values = total * group["share"].to_numpy() / float(group["share"].sum())
    return np.asarray(whole(values, total=round(total)) if group["whole_vehicles"][0] else values, np.float64)


def _require_fleets(tables: StockTables) -> None:
    known = set(tables.fleets["fleet"].to_list())
    aged = set(tables.vintages["fleet"].to_list())
    used = sorted(set(tables.stock["fleet"].to_list()))
    problems = [f"stock.csv: fleet {name!r} is not in fleets.csv; add it there" for name in used if name not in known]
    problems += [
        f"stock.csv: fleet {name!r} has no row in vintages.csv; add its ages" for name in used if name not in aged
    ]
    if problems:
        raise DataError(problems)


def rules(
    tables: StockTables,
    sections: Sections,
    years: Sequence[int],
    parameters: CarParameters | None = None,
    paths: Mapping[str, tuple[tuple[float, float], ...]] | None = None,
) -> Rules:
    """Return the rules of the turnover for `years`, the first of which is the base year.

    Raises
    ------
    ScenarioError
        If the schedule names what does not exist.
    DataError
        If the purchases of a fleet do not sum to 1.
    """
    fleets = {str(row["fleet"]): row for row in tables.fleets.iter_rows(named=True)}
    sold = pl.concat(
        [
            choice.types_of(tables.vehicle_types, fleet, str(row["group"])).with_columns(buyer=pl.lit(fleet))
            for fleet, row in fleets.items()
        ]
    )
    districts = tables.stock["district"].unique().sort().to_list()
    schedule.check(sections.schedule, list(fleets), districts, sold)
    quota = {
        (int(year), str(plate)): float(count)
        for year, plate, count in tables.quotas.select("year", "plate", "plates").iter_rows()
    }
    return Rules(
        fleets=fleets,
        nev=policy.nev_flags(tables.powertrains),
        clauses=tables.clauses,
        quota=quota,
        utility=_utilities(tables, sections.stock, fleets, sold, years),
        sections=sections,
        paths=paths or {},
        cars=parameters or cars.prior(sections.cars),
        zones=_zones(tables.districts),
        binding=policy.binding(tables.clauses),
    )


def _zones(districts: pl.DataFrame) -> dict[str, str]:
    if districts.is_empty():
        return {}
    return dict(districts.select("district", pl.col("functional_zone").cast(pl.String)).iter_rows())


def _utilities(
    tables: StockTables,
    section: StockSection,
    fleets: Mapping[str, Mapping[str, Any]],
    sold: pl.DataFrame,
    years: Sequence[int],
) -> dict[tuple[str, int], FloatArray]:
    buyers = [name for name in fleets if name not in cars.CAR_FLEETS]
    base = {name: choice.base_shares(tables.purchases, name) for name in buyers}
    raw: dict[tuple[str, int], FloatArray] = {}
    for year in years:
        costs = choice.vehicle_costs(sold, tables.energy_prices, section, year, years[0])
        for name in buyers:
            raw[name, year] = choice.utilities(fleets[name], costs.filter(pl.col("buyer") == name), section, year)
    return {key: choice.pivot(base[key[0]], value, raw[key[0], years[0]]) for key, value in raw.items()}


def advance(stock: pl.DataFrame, year: int, given: Rules, feedback: Feedback = NO_FEEDBACK) -> Advanced:
    """Return the Stock at the end of `year` and the vehicles bought and retired in it.

    Parameters
    ----------
    stock
        Stock at the end of the year before.
    year
        Year that passes.
    given
        Result of `rules`.
    feedback
        Waits and coverage of the days simulated for the year before.
    """
    turned = [turn_fleet(cohorts, year, given, feedback) for cohorts in to_cohorts(stock)]
    return Advanced(
        from_cohorts([one.cohorts for one in turned]),
        _flow_table((one.cohorts, one.additions, year) for one in turned),
        _flow_table((one.cohorts, one.retirements, year) for one in turned),
    )


def turn_fleet(cohorts: Cohorts, year: int, given: Rules, feedback: Feedback = NO_FEEDBACK) -> Turned:
    """Return one fleet after `year` passed over it."""
    row = given.fleets[cohorts.fleet]
    rate = hazard(cohorts.ages(), row["life_years"], row["life_shape"], row["statutory_age"])
    if cohorts.fleet in cars.CAR_FLEETS:
        section = given.sections.cars
        extra = choice.feedback_utility(str(row["group"]), given.sections.stock, feedback)
        shift = float(extra[POWERTRAINS.index("BEV")])
        sigma = cars.replacement_share(given.cars, section, cohorts.fleet, year, shift)
        issued = cars.plates(given.quota, section, cohorts.fleet, year)
        return cars.turn(cohorts, cars.car_hazard(rate, given.cars.kappa, section, year), sigma, issued, section)
    in_whole = bool(row["whole_vehicles"])
    moved = schedule.move(given.sections.schedule, cohorts, year, in_whole=in_whole)
    return turn(moved, _plan(moved, year, given, feedback, rate))


def _plan(cohorts: Cohorts, year: int, given: Rules, feedback: Feedback, rate: FloatArray) -> Turn:
    section = given.sections.stock
    growth = at_year(section.growth_per_year.get(cohorts.fleet, {year: 0.0}), year)
    in_whole = bool(given.fleets[cohorts.fleet]["whole_vehicles"])
    closing = cohorts.counts.sum(axis=(0, 1)) * (1.0 + growth)
    closing = whole(closing) if in_whole else closing
    free = _free_choice(cohorts.fleet, year, given, feedback)
    scripted = schedule.orders(given.sections.schedule, cohorts, dict(enumerate(closing.tolist())), year)
    return Turn(
        hazard=_hazards(cohorts, year, given, rate),
        closing=closing,
        shares=_purchase_shares(cohorts, year, given, free),
        orders=(*scripted, *_path_orders(cohorts, year, given, free, float(closing.sum()), scripted)),
        whole=in_whole,
    )


def _free_choice(fleet: str, year: int, given: Rules, feedback: Feedback) -> FloatArray:
    group = str(given.fleets[fleet]["group"])
    extra = choice.feedback_utility(group, given.sections.stock, feedback)
    return choice.shares(given.utility[fleet, year] + extra, theta=1.0)


def _purchase_shares(cohorts: Cohorts, year: int, given: Rules, free: FloatArray) -> FloatArray:
    section = given.sections.policy
    banned = year >= section.fuel_ban_year.get(cohorts.fleet, year + 1)
    factors = [_zone_factor(given, cell[0]) for cell in cohorts.cells]
    keys = [(cell[2], factor) for cell, factor in zip(cohorts.cells, factors, strict=True)]
    by_key = {}
    for reason, factor in sorted(set(keys)):
        strength = policy.enforced_share(given.binding, section, cohorts.fleet, reason, year)
        enforced = min(1.0, strength * factor)
        by_key[reason, factor] = policy.purchase_shares(free, given.nev, enforced, fuel_banned=banned)
    return np.stack([by_key[key] for key in keys], axis=1)


def _zone_factor(given: Rules, district: str) -> float:
    """Return the factor on enforcement in a district (clause 4: paths that differ by functional zone)."""
    factors: Mapping[str, float] = given.sections.policy.zone_factor  # type: ignore[assignment]
    return factors.get(given.zones.get(district, ""), 1.0) if factors else 1.0


def _hazards(cohorts: Cohorts, year: int, given: Rules, rate: FloatArray) -> FloatArray:
    section = given.sections.stock
    factor = at_year(section.scrappage.get(cohorts.fleet, {year: 1.0}), year)
    rates = scaled(np.broadcast_to(rate, (len(POWERTRAINS), rate.size)), np.where(given.nev, 1.0, factor)[:, None])
    bounds = [bound for due, bound in section.retire_before.get(cohorts.fleet, {}).items() if due <= year]
    if bounds:
        old = cohorts.first_vintage + np.arange(rate.size) < max(bounds)
        rates = np.where(~given.nev[:, None] & old[None, :], 1.0, rates)
    return rates


def _path_orders(
    cohorts: Cohorts, year: int, given: Rules, free: FloatArray, closing: float, scripted: tuple[Order, ...]
) -> tuple[Order, ...]:
    """Return the order that keeps a fleet on its observed path; none outside the path's time.

    A schedule that sets the share of every vehicle not exempt takes the path's place.
    """
    set_by_script = [order.cells for order in scripted if not order.bought]
    if set_by_script and (np.any(set_by_script, axis=0) | cohorts.exempt()).all():
        return ()
    path = given.paths.get(cohorts.fleet, ())
    time = year + 1.0
    if not path or not path[0][0] <= time <= path[-1][0] + 1e-9:
        return ()
    share = float(np.interp(time, [when for when, _ in path], [value for _, value in path]))
    exempt_nev = float(cohorts.counts[given.nev][:, :, cohorts.exempt()].sum())
    wanted = round(share * closing) - exempt_nev
    return (
        Order(
            powertrains=given.nev,
            cells=~cohorts.exempt(),
            vehicles=max(wanted, 0.0),
            bought=False,
            split=_within(free, given.nev),
            rest=_within(free, ~given.nev) if free[~given.nev].sum() > 0.0 else None,
        ),
    )


def _within(shares: FloatArray, kept: BoolArray) -> FloatArray:
    part = np.where(kept, shares, 0.0)
    return np.asarray(part / part.sum())


def to_cohorts(stock: pl.DataFrame) -> list[Cohorts]:
    """Return the Stock of one year as arrays, one a fleet, in the order of the fleets' names."""
    plain = stock.with_columns(pl.col("powertrain").cast(pl.String))
    code = {name: index for index, name in enumerate(POWERTRAINS)}
    coded = plain.with_columns(place=pl.col("powertrain").replace_strict(code, return_dtype=pl.Int64))
    return [_fleet_cohorts(group) for _, group in coded.sort("fleet").group_by("fleet", maintain_order=True)]


def _fleet_cohorts(group: pl.DataFrame) -> Cohorts:
    first, last = int(group["vintage"].min()), int(group["year"][0])  # type: ignore[arg-type]
    cells = group.select(CELL).unique().sort(CELL).with_row_index("cell")
    where = group.join(cells, on=CELL, how="left", maintain_order="left")
    counts = np.zeros((len(POWERTRAINS), last - first + 1, cells.height))
    counts[where["place"].to_numpy(), where["vintage"].to_numpy() - first, where["cell"].to_numpy()] = where[
        "vehicles"
    ].to_numpy()
    return Cohorts(str(group["fleet"][0]), last, first, tuple(cells.select(CELL).iter_rows()), counts)


def from_cohorts(fleets: Iterable[Cohorts]) -> pl.DataFrame:
    """Return the Stock of the fleets; cohorts without a vehicle are left out."""
    parts = []
    for one in fleets:
        place, vintage, cell = np.nonzero(one.counts > 0.0)
        parts.append(
            _cell_columns(one, place, cell).with_columns(
                year=pl.lit(one.year, dtype=pl.Int64),
                vintage=pl.Series(vintage + one.first_vintage, dtype=pl.Int64),
                vehicles=pl.Series(one.counts[place, vintage, cell]),
            )
        )
    return _as_stock(pl.concat(parts))


def _cell_columns(cohorts: Cohorts, place: Any, cell: Any) -> pl.DataFrame:
    names = np.array(POWERTRAINS)
    columns = {key: np.array([entry[index] for entry in cohorts.cells])[cell] for index, key in enumerate(CELL)}
    texts = dict.fromkeys(("fleet", "powertrain", *CELL), pl.String)
    return pl.DataFrame({"fleet": [cohorts.fleet] * len(place), "powertrain": names[place], **columns}, schema=texts)


def _as_stock(table: pl.DataFrame) -> pl.DataFrame:
    ordered = table.with_columns(pl.col("powertrain").cast(pl.Enum(POWERTRAINS))).select(list(Stock.columns()))
    return ordered.sort("year", "fleet", "powertrain", "vintage", *CELL)


def _flow_table(flows: Iterable[tuple[Cohorts, FloatArray, int]]) -> pl.DataFrame:
    parts = []
    for cohorts, vehicles, year in flows:
        place, cell = np.nonzero(vehicles > 0.0)
        parts.append(
            _cell_columns(cohorts, place, cell).with_columns(
                year=pl.lit(year, dtype=pl.Int64), vehicles=pl.Series(vehicles[place, cell])
            )
        )
    table = pl.concat(parts).with_columns(pl.col("powertrain").cast(pl.Enum(POWERTRAINS)))
    return table.select(*FLOW_KEYS, "vehicles").sort(FLOW_KEYS)


def no_flows() -> pl.DataFrame:
    """Return additions or retirements of no year."""
    texts = dict.fromkeys(FLOW_KEYS, pl.String())
    types = texts | {"year": pl.Int64(), "powertrain": pl.Enum(POWERTRAINS), "vehicles": pl.Float64()}
    return pl.DataFrame(schema=types)


def flows(detailed: pl.DataFrame) -> pl.DataFrame:
    """Return additions or retirements of `advance` as Flow: operators and reasons of exemption summed."""
    keys = ["year", "fleet", "powertrain", "district"]
    return Flow.validate(detailed.group_by(keys, maintain_order=True).agg(pl.col("vehicles").sum()).sort(keys))


def totals(stock: pl.DataFrame, powertrains: pl.DataFrame) -> pl.DataFrame:
    """Return the StockTotal of a Stock: vehicles by year, fleet, powertrain and district."""
    keys = ["year", "fleet", "powertrain", "district"]
    nev = powertrains.select(pl.col("powertrain").cast(pl.Enum(POWERTRAINS)), nev="counts_as_nev")
    summed = stock.group_by(keys, maintain_order=True).agg(pl.col("vehicles").sum()).join(nev, on="powertrain")
    return StockTotal.validate(summed.sort(keys))


def nev_total(stock: pl.DataFrame, fleets: pl.DataFrame, powertrains: pl.DataFrame) -> pl.DataFrame:
    """Return the new-energy vehicles by year: all fleets whose vehicles are registered (`nev_counted`)."""
    counted = fleets.filter("nev_counted")["fleet"]
    rows = totals(stock, powertrains).filter(pl.col("nev") & pl.col("fleet").is_in(counted.implode()))
    return rows.group_by("year", maintain_order=True).agg(pl.col("vehicles").sum()).sort("year")
