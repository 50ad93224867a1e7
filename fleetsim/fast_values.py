"""What a scenario comes to by the fast models alone (stock, modes, freight): one indicator, year by year."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from fleetsim import fast_path, freight, lever_cost, modes, stock
from fleetsim.cars import CAR_FLEETS, CarParameters
from fleetsim.cohorts import BoolArray, Cohorts
from fleetsim.datasets import City
from fleetsim.fast_carbon import intensity_by_year
from fleetsim.fast_path import FastStart, StockByYear
from fleetsim.policy import FLEET_MEASURES, listed
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.sections import StockSection
from fleetsim.stock import Rules
from fleetsim.tables import POWERTRAINS
from networks.errors import ScenarioError

NEV = "nev_stock"
GREEN = "green_travel"
RAIL = "rail_freight"
INTENSITY = "intensity"
KEPT = 3
"""Runs of a fleet, and sets of utilities, that are kept beside the first."""


@dataclass(eq=False)
class FastValues:
    """The fast models of a city, calibrated once on a scenario."""

    city: City
    scenario: Scenario
    last_year: int
    opening: pl.DataFrame | None = None
    """Stock at the end of the base year, where it was made already."""
    given: FastStart | None = None
    """Start of a run of the same scenario, where it was calibrated already."""
    kept: dict[str, dict[str, dict[int, Cohorts]]] = field(default_factory=dict)
    """Fleets by year that were run already, by fleet and by what their turnover depends on: the first of each, and the
    last ones."""
    starts: dict[str, FastStart] = field(default_factory=dict)
    """Starts whose utilities were computed already, by what these depend on."""
    own: dict[str, str] = field(default_factory=dict)
    """What each fleet's turnover depends on as the scenario stands."""
    money: dict[str, lever_cost.Money] = field(default_factory=dict)
    """Prices and running costs that were computed already."""

    def __post_init__(self) -> None:
        """Calibrate."""
        self.start = self.given or fast_path.begin(self.city, self.scenario, self.last_year, opening=self.opening)

    @property
    def parameters(self) -> CarParameters:
        """The calibrated parameters of the cars; levers do not move them."""
        return self.start.rules.cars

    def names(self) -> list[str]:
        """Return the indicators that can be computed."""
        return sorted({NEV, GREEN, RAIL, INTENSITY, *(str(row["clause"]) for row in self._clauses)})

    def series(
        self, scenario: Scenario, name: str, *, since: int | None = None, only: int | None = None
    ) -> dict[int, float]:
        """Return an indicator by year.

        Parameters
        ----------
        scenario
            Levers; the calibration stays that of the scenario the models were made with.
        name
            One of `names`: a fleet clause, `nev_stock`, `green_travel`, `rail_freight` or `intensity` (CO2 of operating
            vehicles per converted turnover over that of the base year).
        since
            Year from which the levers hold for vehicles; before it they turn over as the models' own scenario says.
            None: from the first year on.
        only
            The only year asked for; None: all.

        Raises
        ------
        ScenarioError
            If the fast models do not give the indicator.
        """
        if name == GREEN:
            return self._green(scenario, since, only)
        if name == RAIL:
            return self._rail(scenario)
        start = self._start(scenario, only)
        if name == INTENSITY:
            operating = [fleet for fleet, row in start.rules.fleets.items() if row["operating"]]
            return intensity_by_year(self.city, scenario, self._held(scenario, start, operating, since))
        counting, fleets = self._counting(name, start)
        held = self._held(scenario, start, fleets, since)
        return {year: counting(held[year]) for year in ([only] if only else held)}

    def _counting(self, name: str, start: FastStart) -> tuple[Callable[[Sequence[Cohorts]], float], list[str]]:
        """Return what an indicator makes of the fleets at a year's end, and the fleets it counts."""
        if name == NEV:
            counted = [fleet for fleet, row in start.rules.fleets.items() if row["nev_counted"]]
            return lambda held: float(sum(one.counts[start.rules.nev].sum() for one in held)), counted
        clause = next((row for row in self._clauses if row["clause"] == name), None)
        if clause is None:
            raise ScenarioError(f"{name}: is not given by the fast models; choose one of {', '.join(self.names())}")
        which = _complying(start, str(clause["qualifies"]))
        return lambda held: clause_value(held, clause, which), listed(clause["fleets"])

    def value(self, scenario: Scenario, name: str, year: int, *, since: int | None = None) -> float:
        """Return an indicator in one year, see `series`."""
        return self.series(scenario, name, since=since, only=year)[year]

    def spent(self, scenario: Scenario, first: int, last: int) -> float:
        """Return what the city and the operators of fleets spend from `first` to `last`, see `lever_cost` [CNY]."""
        start = self._start(scenario, last)
        costs = {year: self._money(start, year) for year in range(first, last + 1)}
        others = [one.fleet for one in fast_path.others(start)]
        return lever_cost.spent(start, self._held(scenario, start, others, first), costs)

    def _money(self, start: FastStart, year: int) -> lever_cost.Money:
        section = start.rules.sections.stock
        key = repr((_costly(section), year))
        if key not in self.money:
            self.money[key] = lever_cost.vehicle_money(start, section, year, start.years[0])
        return self.money[key]

    @cached_property
    def _clauses(self) -> list[dict[str, Any]]:
        rows = self.city.clauses.filter(
            pl.col("measure").cast(pl.String).is_in(FLEET_MEASURES) & pl.col("fleets").is_not_null()
        )
        return rows.sort("clause", "target_year").unique("clause", keep="first", maintain_order=True).to_dicts()

    def _start(self, scenario: Scenario, last_year: int | None = None) -> FastStart:
        """Return the start with the scenario's rules; the utilities are computed anew only where they may differ."""
        costs, last = repr(_costly(scenario.stock)), last_year or self.start.years[-1]
        key = f"{last} {costs}"
        if key not in self.starts:
            until = replace(self.start, years=tuple(year for year in self.start.years if year <= last))
            same = costs == repr(_costly(self.scenario.stock))
            made = until if same else fast_path.with_levers(until, self.city, scenario)
            self.starts = {**dict(list(self.starts.items())[-2 * KEPT :]), key: made}
        start = self.starts[key]
        return replace(start, rules=replace(start.rules, sections=fast_path.sections_of(scenario)))

    def _held(
        self, scenario: Scenario, start: FastStart, fleets: Sequence[str], since: int | None = None
    ) -> StockByYear:
        """Return fleets by year, cars with their districts summed."""
        chosen = [one for one in start.cohorts if one.fleet in fleets]
        costs, first = repr(_costly(scenario.stock)), since or start.years[1]
        paths = [self._fleet(one, _depends_on(scenario, one.fleet, start, costs), start, first) for one in chosen]
        return {year: tuple(path[year] for path in paths) for year in start.years}

    def _fleet(self, opening: Cohorts, key: str, start: FastStart, since: int) -> dict[int, Cohorts]:
        """Return a fleet by year, from what was run already where all it depends on (`key`) is the same."""
        kept = self.kept.setdefault(opening.fleet, {})
        if not kept:
            standing = repr(_costly(self.scenario.stock))
            self.own[opening.fleet] = _depends_on(self.scenario, opening.fleet, start, standing)
            own = fast_path.city_wide(opening) if opening.fleet in CAR_FLEETS else opening
            kept[self.own[opening.fleet]] = {start.years[0]: own}
        base = self.own[opening.fleet]
        if key == base:
            return _run_on(kept[base], start.years, self.start.rules)
        key = f"{since} {key}"
        if key not in kept:
            while len(kept) > KEPT:
                kept.pop(list(kept)[1])
            before = _run_on(kept[base], [year for year in start.years if year < since], self.start.rules)
            kept[key] = {year: one for year, one in before.items() if year < since}
        return _run_on(kept[key], start.years, start.rules)

    def _green(self, scenario: Scenario, since: int | None, only: int | None) -> dict[int, float]:
        start = self._start(scenario, only)
        ratio = _cars_over_first(self._held(scenario, start, CAR_FLEETS, since))
        fit = self._mode_fit
        asked = start.years if only is None else [only]
        shares = [modes.split(self.city.mode_base, scenario.modes, fit, year, cars=ratio) for year in asked]
        rows = pl.concat(shares).filter(pl.col("mode") == "green").select("year", "share")
        return dict(rows.iter_rows())

    @cached_property
    def _mode_fit(self) -> modes.ModeFit:
        ratio = _cars_over_first(self._held(self.scenario, self.start, CAR_FLEETS))
        section, until = self.scenario.modes, self.scenario.calibration.until
        return modes.calibrate_modes(self.city.mode_base, section, self.city.observations, until, cars=ratio)

    def _rail(self, scenario: Scenario) -> dict[int, float]:
        known = freight.shares_known(self.city.observations, self.city.freight, scenario.calibration.until)
        rows = freight.goods(self.city.freight, scenario.freight, known, list(self.start.years))
        return dict(rows.filter(pl.col("mode") == "rail").select("year", "share").iter_rows())


def _run_on(path: dict[int, Cohorts], years: Sequence[int], rules: Rules) -> dict[int, Cohorts]:
    """Return a fleet's path with the years it lacks."""
    for year in years:
        if year not in path:
            path[year] = stock.turn_fleet(path[year - 1], year, rules).cohorts
    return path


def _cars_over_first(held: StockByYear) -> dict[int, float]:
    numbers = {year: sum(float(one.counts.sum()) for one in part) for year, part in held.items()}
    return {year: number / numbers[min(numbers)] for year, number in numbers.items()}


def _depends_on(scenario: Scenario, fleet: str, start: FastStart, costs: str) -> str:
    """Return all of a scenario that a fleet's turnover depends on; `costs` is the text of `_costly`."""
    if fleet in CAR_FLEETS:
        return repr(scenario.cars)
    stocks, policy, script = scenario.stock, scenario.policy, scenario.schedule
    own = [table.get(fleet) for table in (stocks.growth_per_year, stocks.scrappage, stocks.retire_before)]
    rules = [policy.enforcement.get(one.clause) for one in start.rules.binding if fleet in one.fleets]
    common = (policy.zone_factor, policy.continue_after_target, policy.fuel_ban_year.get(fleet))
    lines = [[line for line in part if line.fleet == fleet] for part in (script.convert, script.transfer)]
    return f"{costs} {(own, rules, common, lines)!r}"


def _costly(section: StockSection) -> StockSection:
    """Return the section with what changes neither a cost nor a choice put to nothing."""
    return section.model_copy(update={"growth_per_year": {}, "scrappage": {}, "retire_before": {}})


def clause_value(held: Sequence[Cohorts], clause: Mapping[str, Any], which: BoolArray) -> float:
    """Return the share, or number, of vehicles under a fleet clause that comply; exempt ones are left out.

    Parameters
    ----------
    held
        Fleets at a year's end.
    clause
        Row of Clause. Additions are the vehicles of the year's own vintage.
    which
        Powertrains that comply.
    """
    exempt = listed(str(clause["exempt_reasons"] or ""))
    total = complying = 0.0
    for one in held:
        if one.fleet not in listed(str(clause["fleets"])):
            continue
        under = np.array([cell[2] not in exempt for cell in one.cells])
        counts = one.counts[:, -1:, :] if clause["measure"] == "additions_share" else one.counts
        total += float(counts[:, :, under].sum())
        complying += float(counts[which][:, :, under].sum())
    if clause["measure"] == "count":
        return complying
    return complying / total if total > 0.0 else 1.0


def _complying(start: FastStart, kind: str) -> BoolArray:
    rows = start.tables.powertrains.with_columns(pl.col("powertrain", "carrier").cast(pl.String))
    found = {
        "clean_energy": rows.filter(pl.col("clean_energy") | pl.col("counts_as_nev")),
        "fuel_cell": rows.filter(pl.col("carrier") == "hydrogen"),
    }.get(kind, rows.filter("counts_as_nev"))
    names = set(found["powertrain"])
    return np.array([name in names for name in POWERTRAINS])
