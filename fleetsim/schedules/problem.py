"""A conversion schedule as an optimisation problem: arrays only, so that any instance can be given.

Time runs in years of index 0 to T-1. Vehicles bought in a year serve from its first day on; vehicles that leave in
a year do not serve in it. A vehicle of age a serves its (a+1)-th year. Money of a year is discounted to the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from networks.errors import DataError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

RuleKind = Literal["stock", "additions", "count"]


@dataclass(frozen=True, eq=False)
class Rule:
    """A clause with slack: complying vehicles plus slack reach its target.

    Parameters
    ----------
    name
        Identifier of the clause.
    kind
        stock: complying share of the vehicles held in each of `years`; additions: of all vehicles bought in `years`
        together; count: complying vehicles held in each of `years`.
    years
        Indices of the years it is measured in.
    members, complies
        Groups under the rule (G,), powertrains that comply with it (K,).
    target
        Share 0 to 1, or vehicles.
    penalty_cny
        Cost of a vehicle missing, discounted as a cost of that year [CNY].
    """

    name: str
    kind: RuleKind
    years: tuple[int, ...]
    members: BoolArray
    complies: BoolArray
    target: float
    penalty_cny: float


@dataclass(frozen=True)
class LeftOut:
    """A clause that is no row of the problem, and why.

    Parameters
    ----------
    clause, year
        Identifier and target year.
    reason
        measure: neither a share of the stock nor of purchases; fleets: it covers fleets that are not planned;
        years: its target lies after the last planned year.
    fleets
        Fleets it covers that are not planned.
    """

    clause: str
    year: int
    reason: Literal["measure", "fleets", "years"]
    fleets: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Vehicles:
    """What a vehicle of a group and powertrain is: arrays over groups G, powertrains K, ages A and years T.

    Parameters
    ----------
    initial
        Vehicles held before the first year by age at its beginning (G, K, A) [whole vehicles].
    age_limit
        Years a vehicle may serve (G, K) [years].
    relieves
        Vehicles on the road that one vehicle of the powertrain stands for (G, K): availability over the vehicles of
        it that one of the present ones needs.
    buyable
        What can be bought (G, K, T).
    price_cny
        Purchase price less grants (G, K, T) [CNY].
    operation_cny
        Energy, upkeep, insurance of a year by age (G, K, A, T) [CNY/year]; A at least the highest age limit.
    salvage_cny
        What a vehicle that leaves fetches by age (G, K, A + 1) [CNY].
    energy_kwh, hydrogen_kg
        From the depot's chargers, and from the hydrogen supply, on the design day (G, K) [kWh, kg].
    """

    initial: FloatArray
    age_limit: IntArray
    relieves: FloatArray
    buyable: BoolArray
    price_cny: FloatArray
    operation_cny: FloatArray
    salvage_cny: FloatArray
    energy_kwh: FloatArray
    hydrogen_kg: FloatArray


@dataclass(frozen=True, eq=False)
class Depots:
    """What the depots have and what they may get: arrays over depots D.

    Parameters
    ----------
    chargers, grid_kw
        Chargers that stand, power of the grid connection for charging (D,) [kW].
    charger_kwh, charger_kw
        Energy a charger gives in a night (D,) [kWh], and what it asks of the connection (D,) [kW].
    module_kw, most_modules
        Power of a module that enlarges the connection (D,) [kW], and how many there may be (D,).
    charger_cny, module_cny
        Price of a charger and of a module (D,) [CNY].
    charger_life_years, module_life_years
        Years over which their value falls to nothing in a straight line [years].
    """

    chargers: FloatArray
    grid_kw: FloatArray
    charger_kwh: FloatArray
    charger_kw: FloatArray
    module_kw: FloatArray
    most_modules: FloatArray
    charger_cny: FloatArray
    module_cny: FloatArray
    charger_life_years: float = 10.0
    module_life_years: float = 20.0


@dataclass(frozen=True, eq=False)
class ScheduleProblem:
    """Which vehicles to buy and to let go, which chargers and grid modules to build, at least discounted cost.

    Parameters
    ----------
    years
        Calendar years (T).
    groups, powertrains, depots
        Names (G, K, D).
    depot
        Depot of each group (G,).
    vehicles, site
        See `Vehicles` and `Depots`.
    required
        Vehicles on the road that a group needs (G, T).
    shortfall_cny
        Cost of one vehicle missing for a year, of the kind that relieves most (G,) [CNY].
    budget_cny
        Most that may be spent on vehicles, chargers and modules in a year (T,) [CNY]; infinite: no limit.
    hydrogen_supply_kg
        Hydrogen that can be had on the design day of a year (T,) [kg/day].
    family, families
        Which orders a group's vehicles belong to (G,), and the names of the families (F).
    lot, deliveries
        Vehicles of a delivery lot (F, K), 1: no lots; most vehicles delivered in a year (F, K, T).
    rules
        Clauses.
    discount_rate
        [1/year].
    """

    years: tuple[int, ...]
    groups: tuple[str, ...]
    powertrains: tuple[str, ...]
    depots: tuple[str, ...]
    depot: IntArray
    vehicles: Vehicles
    site: Depots
    required: FloatArray
    shortfall_cny: FloatArray
    budget_cny: FloatArray
    hydrogen_supply_kg: FloatArray
    family: IntArray
    families: tuple[str, ...]
    lot: IntArray
    deliveries: FloatArray
    rules: tuple[Rule, ...] = ()
    discount_rate: float = 0.05
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """More names of the groups, for tables: fleet, district, exempt_reason."""
    titles: dict[str, dict[str, str]] = field(default_factory=dict)
    """Title of a clause by language (zh, en)."""
    left_out: tuple[LeftOut, ...] = ()
    """Clauses that are no rows of the problem."""

    def __post_init__(self) -> None:
        """Check shapes and values.

        Raises
        ------
        DataError
            With every fault at once.
        """
        problems = [*_shape_faults(self), *_value_faults(self)]
        if problems:
            raise DataError(problems)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Return the numbers of groups, powertrains, years and depots."""
        return len(self.groups), len(self.powertrains), len(self.years), len(self.depots)

    def title(self, clause: str, lang: str) -> str:
        """Return the title of a clause in a language, its identifier where it has none."""
        return self.titles.get(clause, {}).get(lang, clause)

    def discount(self) -> FloatArray:
        """Return the factor of each year and of the end of the last one (T + 1,)."""
        return np.asarray((1.0 + self.discount_rate) ** -np.arange(len(self.years) + 1.0))

    def missing_relieves(self) -> FloatArray:
        """Return what one vehicle missing would have relieved: the most any powertrain of the group does (G,)."""
        return np.asarray(self.vehicles.relieves.max(axis=1))

    def net_price(self, price_cny: FloatArray, life_years: float) -> FloatArray:
        """Return the discounted price of something built in each year less what it is worth at the end (D, T)."""
        factor, span = self.discount(), len(self.years)
        worth = np.maximum(1.0 - (span - np.arange(span)) / life_years, 0.0) * factor[span]
        return np.asarray(price_cny[:, None] * (factor[:span] - worth)[None, :])


def _shape_faults(problem: ScheduleProblem) -> list[str]:
    groups, kinds, years, depots = problem.shape
    families, ages = len(problem.families), problem.vehicles.operation_cny.shape[2:3]
    age = ages[0] if ages else 0
    v, s = problem.vehicles, problem.site
    wanted = {
        "depot": (problem.depot, (groups,)),
        "required": (problem.required, (groups, years)),
        "shortfall_cny": (problem.shortfall_cny, (groups,)),
        "budget_cny": (problem.budget_cny, (years,)),
        "hydrogen_supply_kg": (problem.hydrogen_supply_kg, (years,)),
        "family": (problem.family, (groups,)),
        "lot": (problem.lot, (families, kinds)),
        "deliveries": (problem.deliveries, (families, kinds, years)),
        "initial": (v.initial, (groups, kinds, v.initial.shape[-1])),
        "age_limit": (v.age_limit, (groups, kinds)),
        "relieves": (v.relieves, (groups, kinds)),
        "buyable": (v.buyable, (groups, kinds, years)),
        "price_cny": (v.price_cny, (groups, kinds, years)),
        "operation_cny": (v.operation_cny, (groups, kinds, age, years)),
        "salvage_cny": (v.salvage_cny, (groups, kinds, age + 1)),
        "energy_kwh": (v.energy_kwh, (groups, kinds)),
        "hydrogen_kg": (v.hydrogen_kg, (groups, kinds)),
    }
    wanted |= {
        name: (getattr(s, name), (depots,))
        for name in ("chargers", "grid_kw", "charger_kwh", "charger_kw", "module_kw", "most_modules")
    }
    return [
        f"schedule problem: {name} has shape {array.shape}; give {shape}"
        for name, (array, shape) in wanted.items()
        if array.shape != shape
    ]


def _value_faults(problem: ScheduleProblem) -> list[str]:
    v, s = problem.vehicles, problem.site
    tests = {
        "initial is not in whole vehicles of at least 0": (v.initial < 0) | (v.initial != np.round(v.initial)),
        "required is below 0": problem.required < 0.0,
        "age_limit is below 1": v.age_limit < 1,
        "age_limit is above the ages of operation_cny": v.age_limit > v.operation_cny.shape[2],
        "relieves is below 0": v.relieves < 0.0,
        "lot is below 1": problem.lot < 1,
        "charger_kwh is not above 0": s.charger_kwh <= 0.0,
        "charger_kw is above what grid_kw leaves to the chargers that stand": s.charger_kw * s.chargers
        > s.grid_kw + 1e-6,
    }
    return [
        f"schedule problem: {text} at position {np.argwhere(wrong)[0].tolist()}; correct the value"
        for text, wrong in tests.items()
        if wrong.any()
    ]
