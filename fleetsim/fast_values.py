"""What a scenario comes to by the fast models alone (stock, modes, freight): one indicator, year by year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from fleetsim import fast_path, freight, lever_cost, modes
from fleetsim.cars import CAR_FLEETS, CarParameters
from fleetsim.cohorts import BoolArray, Cohorts
from fleetsim.datasets import City
from fleetsim.fast_carbon import intensity_by_year
from fleetsim.fast_path import FastStart, StockByYear
from fleetsim.forecast import fitted_path
from fleetsim.policy import FLEET_MEASURES, listed
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.sections import StockSection
from fleetsim.tables import POWERTRAINS
from networks.errors import ScenarioError

NEV = "nev_stock"
GREEN = "green_travel"
RAIL = "rail_freight"
INTENSITY = "intensity"


@dataclass(eq=False)
class FastValues:
    """The fast models of a city, calibrated once on a scenario."""

    city: City
    scenario: Scenario
    last_year: int
    opening: pl.DataFrame | None = None
    """Stock at the end of the base year, where it was made already."""
    kept: dict[str, StockByYear] = field(default_factory=dict)
    """Stocks that were run already, by the sections they depend on; levers on cars leave the other fleets as is."""
    money: dict[str, lever_cost.Money] = field(default_factory=dict)
    """Prices and running costs that were computed already."""

    def __post_init__(self) -> None:
        """Calibrate."""
        self.start = fast_path.begin(self.city, self.scenario, self.last_year, opening=self.opening)
        self.base_sections = repr((self.scenario.stock, self.scenario.policy, self.scenario.schedule))[:-1]

    @property
    def parameters(self) -> CarParameters:
        """The calibrated parameters of the cars; levers do not move them."""
        return self.start.rules.cars

    def names(self) -> list[str]:
        """Return the indicators that can be computed."""
        return sorted({NEV, GREEN, RAIL, INTENSITY, *(str(row["clause"]) for row in self._clauses())})

    def series(self, scenario: Scenario, name: str, last_year: int | None = None) -> dict[int, float]:
        """Return an indicator by year.

        Parameters
        ----------
        scenario
            Levers; the calibration stays that of the scenario the models were made with.
        name
            One of `names`: a fleet clause, `nev_stock`, `green_travel`, `rail_freight` or `intensity` (CO2 of operating
            vehicles per converted turnover over that of the base year).
        last_year
            Last year asked for; None: that of the models.

        Raises
        ------
        ScenarioError
            If the fast models do not give the indicator.
        """
        if name == GREEN:
            return self._green(scenario)
        if name == RAIL:
            return self._rail(scenario)
        start = self._start(scenario, last_year)
        if name == INTENSITY:
            return self._intensity(scenario, start)
        if name == NEV:
            problem = fast_path.problem_of(start, self._others(scenario, start))
            return fitted_path(problem, self.parameters, start.years[-1]).best()
        clauses = [row for row in self._clauses() if row["clause"] == name]
        if not clauses:
            raise ScenarioError(f"{name}: is not given by the fast models; choose one of {', '.join(self.names())}")
        held = self._others(scenario, start)
        cars = self._cars(start) if set(CAR_FLEETS) & set(listed(clauses[0]["fleets"])) else {}
        both = {year: (*part, *cars.get(year, ())) for year, part in held.items()}
        which = _complying(start, str(clauses[0]["qualifies"]))
        return {year: clause_value(part, clauses[0], which) for year, part in both.items() if year > start.years[0]}

    def spent(self, scenario: Scenario, first: int, last: int) -> float:
        """Return what the city and the operators of fleets spend from `first` to `last`, see `lever_cost` [CNY]."""
        start = self._start(scenario, last)
        costs = {year: self._money(start, year) for year in range(first, last + 1)}
        return lever_cost.spent(start, self._others(scenario, start), costs)

    def _money(self, start: FastStart, year: int) -> lever_cost.Money:
        section = start.rules.sections.stock
        key = repr((_costly(section), year))
        if key not in self.money:
            self.money[key] = lever_cost.vehicle_money(start, section, year, start.years[0])
        return self.money[key]

    def _intensity(self, scenario: Scenario, start: FastStart) -> dict[int, float]:
        held = self._others(scenario, start)
        operating = {name for name, row in start.rules.fleets.items() if row["operating"]}
        kept = {year: tuple(one for one in part if one.fleet in operating) for year, part in held.items()}
        return intensity_by_year(self.city, scenario, kept)

    def _clauses(self) -> list[dict[str, Any]]:
        rows = self.city.clauses.filter(
            pl.col("measure").cast(pl.String).is_in(FLEET_MEASURES) & pl.col("fleets").is_not_null()
        )
        return rows.sort("clause", "target_year").unique("clause", keep="first", maintain_order=True).to_dicts()

    def _start(self, scenario: Scenario, last_year: int | None = None) -> FastStart:
        """Return the start with the scenario's rules; the utilities are computed anew only where they may differ."""
        start = self.start
        if last_year is not None and last_year < self.last_year:
            start = replace(start, years=tuple(year for year in start.years if year <= last_year))
        if repr(_costly(scenario.stock)) == repr(_costly(self.scenario.stock)):
            return replace(start, rules=replace(start.rules, sections=fast_path.sections_of(scenario)))
        return fast_path.with_levers(start, self.city, scenario)

    def _others(self, scenario: Scenario, start: FastStart) -> StockByYear:
        key = repr((scenario.stock, scenario.policy, scenario.schedule, start.years[-1]))
        if key not in self.kept:
            if len(self.kept) > 2:
                self.kept = {one: held for one, held in self.kept.items() if one.startswith(self.base_sections)}
            self.kept[key] = fast_path.turn_over(fast_path.others(start), start.rules, start.years)
        return self.kept[key]

    def _cars(self, start: FastStart) -> StockByYear:
        cars = tuple(fast_path.city_wide(one) for one in start.cohorts if one.fleet in CAR_FLEETS)
        return fast_path.turn_over(cars, start.rules, start.years)

    def _green(self, scenario: Scenario) -> dict[int, float]:
        held = self._cars(self._start(scenario))
        numbers = {year: sum(float(one.counts.sum()) for one in part) for year, part in held.items()}
        first = numbers[self.start.years[0]]
        ratio = {year: number / first for year, number in numbers.items()}
        fit = self._mode_fit
        shares = [modes.split(self.city.mode_base, scenario.modes, fit, year, cars=ratio) for year in numbers]
        rows = pl.concat(shares).filter(pl.col("mode") == "green").select("year", "share")
        return dict(rows.iter_rows())

    @cached_property
    def _mode_fit(self) -> modes.ModeFit:
        held = self._cars(self.start)
        numbers = {year: sum(float(one.counts.sum()) for one in part) for year, part in held.items()}
        ratio = {year: number / numbers[self.start.years[0]] for year, number in numbers.items()}
        section, until = self.scenario.modes, self.scenario.calibration.until
        return modes.calibrate_modes(self.city.mode_base, section, self.city.observations, until, cars=ratio)

    def _rail(self, scenario: Scenario) -> dict[int, float]:
        known = freight.shares_known(self.city.observations, self.city.freight, scenario.calibration.until)
        rows = freight.goods(self.city.freight, scenario.freight, known, list(self.start.years))
        return dict(rows.filter(pl.col("mode") == "rail").select("year", "share").iter_rows())


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
