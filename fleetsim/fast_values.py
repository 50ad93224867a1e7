"""What a scenario comes to by the fast models alone (stock, modes, freight): one indicator, year by year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from fleetsim import fast_path, freight, modes
from fleetsim.cars import CAR_FLEETS, CarParameters
from fleetsim.cohorts import BoolArray, Cohorts
from fleetsim.datasets import City
from fleetsim.fast_path import FastStart, StockByYear
from fleetsim.forecast import fitted_path
from fleetsim.policy import FLEET_MEASURES, listed
from fleetsim.scenario.scenario import Scenario
from fleetsim.tables import POWERTRAINS
from networks.errors import ScenarioError

NEV = "nev_stock"
GREEN = "green_travel"
RAIL = "rail_freight"


@dataclass(eq=False)
class FastValues:
    """The fast models of a city, calibrated once on a scenario."""

    city: City
    scenario: Scenario
    last_year: int
    kept: dict[str, StockByYear] = field(default_factory=dict)
    """Stocks that were run already, by the sections they depend on; levers on cars leave the other fleets as is."""

    def __post_init__(self) -> None:
        """Calibrate."""
        self.start = fast_path.begin(self.city, self.scenario, self.last_year)
        self.base_sections = repr((self.scenario.stock, self.scenario.policy, self.scenario.schedule))

    @property
    def parameters(self) -> CarParameters:
        """The calibrated parameters of the cars; levers do not move them."""
        return self.start.rules.cars

    def names(self) -> list[str]:
        """Return the indicators that can be computed."""
        return sorted({NEV, GREEN, RAIL, *(str(row["clause"]) for row in self._clauses())})

    def series(self, scenario: Scenario, name: str) -> dict[int, float]:
        """Return an indicator by year.

        Parameters
        ----------
        scenario
            Levers; the calibration stays that of the scenario the models were made with.
        name
            One of `names`: a fleet clause, `nev_stock`, `green_travel` or `rail_freight`.

        Raises
        ------
        ScenarioError
            If the fast models do not give the indicator.
        """
        if name == GREEN:
            return self._green(scenario)
        if name == RAIL:
            return self._rail(scenario)
        start = self._start(scenario)
        if name == NEV:
            problem = fast_path.problem_of(start, self._others(scenario, start))
            return fitted_path(problem, self.parameters, self.last_year).best()
        clauses = [row for row in self._clauses() if row["clause"] == name]
        if not clauses:
            raise ScenarioError(f"{name}: is not given by the fast models; choose one of {', '.join(self.names())}")
        held = self._others(scenario, start)
        cars = self._cars(start) if set(CAR_FLEETS) & set(listed(clauses[0]["fleets"])) else {}
        both = {year: (*part, *cars.get(year, ())) for year, part in held.items()}
        which = _complying(start, str(clauses[0]["qualifies"]))
        return {year: clause_value(part, clauses[0], which) for year, part in both.items() if year > start.years[0]}

    def _clauses(self) -> list[dict[str, Any]]:
        rows = self.city.clauses.filter(
            pl.col("measure").cast(pl.String).is_in(FLEET_MEASURES) & pl.col("fleets").is_not_null()
        )
        return rows.sort("clause", "target_year").unique("clause", keep="first", maintain_order=True).to_dicts()

    def _start(self, scenario: Scenario) -> FastStart:
        """Return the start with the scenario's rules; the utilities are computed anew only where they may differ."""
        if repr(scenario.stock) == repr(self.scenario.stock):
            rules = replace(self.start.rules, sections=fast_path.sections_of(scenario))
            return replace(self.start, rules=rules)
        return fast_path.with_levers(self.start, self.city, scenario)

    def _others(self, scenario: Scenario, start: FastStart) -> StockByYear:
        key = repr((scenario.stock, scenario.policy, scenario.schedule))
        if key not in self.kept:
            if len(self.kept) > 1:
                self.kept = {one: held for one, held in self.kept.items() if one == self.base_sections}
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
