"""Made-up schedule problems of any size, for tests and measurements."""

from __future__ import annotations

import numpy as np

from fleetsim.schedules.problem import Depots, FloatArray, IntArray, Rule, ScheduleProblem, Vehicles

KINDS = ("diesel", "BEV", "FCEV")
AGES = 13
PRICE_CNY = np.array([620_000.0, 1_250_000.0, 2_300_000.0])
PRICE_CHANGE = np.array([0.0, -0.035, -0.04])
ENERGY_CNY = np.array([160_000.0, 48_000.0, 125_000.0])
UPKEEP_CNY = np.array([50_000.0, 36_000.0, 60_000.0])
AVAILABILITY = np.array([0.94, 0.93, 0.90])


def synthetic(
    groups: int, depots: int, years: int, *, seed: int = 1, size: tuple[int, int] = (20, 150), budget: float = 1.6
) -> ScheduleProblem:
    """Return a made-up problem: diesel fleets to be converted under clauses, budget, lots, depots and hydrogen.

    Parameters
    ----------
    groups, depots, years
        Its size; groups stand at the depots in turn.
    seed
        Of all draws.
    size
        Fewest and most vehicles of a group [vehicles].
    budget
        Yearly budget over the price of as many battery buses as a ninth of the vehicles.

    Notes
    -----
    All values are invented. 1.05 to 1.25 battery buses do the work of a diesel bus. The clause asks for half of the
    vehicles to be converted halfway and for 95 % in the last year; a budget of 1.6 binds in some years, 1.2 leaves the
    clauses short.
    """
    draw = np.random.default_rng(np.random.SeedSequence([seed, groups, depots, years]))
    vehicles = draw.integers(size[0], size[1] + 1, groups).astype(float)
    depot = np.arange(groups) % depots
    family = np.arange(groups) % 3
    models = _vehicles(draw, vehicles, years, family)
    on_road = np.round(vehicles * AVAILABILITY[0] * 0.97)
    yearly = vehicles.sum() * PRICE_CNY[1] / 9.0
    half = years // 2
    everyone, clean = np.ones(groups, bool), np.array([False, True, True])
    return ScheduleProblem(
        years=tuple(range(2026, 2026 + years)),
        groups=tuple(f"group_{index:03}" for index in range(groups)),
        powertrains=KINDS,
        depots=tuple(f"depot_{index:03}" for index in range(depots)),
        depot=depot,
        vehicles=models,
        site=_depots(draw, depots, np.bincount(depot, weights=vehicles, minlength=depots).astype(float)),
        required=np.repeat(on_road[:, None], years, axis=1),
        shortfall_cny=np.full(groups, 3_000_000.0),
        budget_cny=np.full(years, budget * yearly),
        hydrogen_supply_kg=np.linspace(0.2, 1.0, years) * vehicles.sum() * 0.10 * 12.0,
        family=family,
        families=("small", "medium", "large"),
        lot=np.tile(np.array([1, 5, 3]), (3, 1)),
        deliveries=np.full((3, len(KINDS), years), np.inf),
        rules=(
            Rule("half", "stock", (half,), everyone, clean, 0.5, 1_500_000.0),
            Rule("nearly_all", "stock", (years - 1,), everyone, clean, 0.95, 1_500_000.0),
            Rule(
                "hydrogen", "count", (years - 1,), everyone, np.array([False, False, True]), 0.03 * vehicles.sum(), 9e5
            ),
        ),
        discount_rate=0.05,
    )


def _vehicles(draw: np.random.Generator, vehicles: FloatArray, years: int, family: IntArray) -> Vehicles:
    groups, kinds = vehicles.size, len(KINDS)
    scale = np.array([0.7, 1.0, 1.4])[family][:, None] * draw.uniform(0.9, 1.1, (groups, 1))
    time, age = np.arange(years), np.arange(AGES)
    price = scale[:, :, None] * PRICE_CNY[None, :, None] * (1.0 + PRICE_CHANGE[None, :, None]) ** time
    upkeep = UPKEEP_CNY[None, :, None] * (1.0 + 0.06 * age)
    yearly = (scale * ENERGY_CNY)[:, :, None] + scale[:, :, None] * upkeep
    worth = 0.8 * 0.82 ** np.arange(AGES + 1)
    worth[0] = 1.0
    bev_need = draw.uniform(1.05, 1.25, groups)
    relieves = np.tile(AVAILABILITY, (groups, 1))
    relieves[:, 1] /= bev_need
    return Vehicles(
        initial=_initial(draw, vehicles),
        age_limit=np.tile(np.array([13, 12, 12]), (groups, 1)),
        relieves=relieves,
        buyable=np.ones((groups, kinds, years), dtype=bool),
        price_cny=price,
        operation_cny=np.repeat(yearly[:, :, :, None], years, axis=3),
        salvage_cny=price[:, :, 0][:, :, None] * worth,
        energy_kwh=np.outer(draw.uniform(150.0, 260.0, groups), [0.0, 1.0, 0.0]),
        hydrogen_kg=np.outer(draw.uniform(9.0, 15.0, groups), [0.0, 0.0, 1.0]),
    )


def _initial(draw: np.random.Generator, vehicles: FloatArray) -> FloatArray:
    initial = np.zeros((vehicles.size, len(KINDS), AGES))
    for group, count in enumerate(vehicles.astype(int)):
        shares = draw.dirichlet(np.full(AGES, 5.0))
        initial[group, 0] = draw.multinomial(count, shares)
    return initial


def _depots(draw: np.random.Generator, depots: int, vehicles: FloatArray) -> Depots:
    grid = np.ceil(vehicles * draw.uniform(1.0, 6.0, depots) / 50.0) * 50.0 + 100.0
    return Depots(
        chargers=np.zeros(depots),
        grid_kw=grid,
        charger_kwh=np.full(depots, 700.0),
        charger_kw=np.full(depots, 110.0),
        module_kw=np.full(depots, 800.0),
        most_modules=np.ceil(vehicles * draw.uniform(0.9, 2.0, depots) * 36.0 / 800.0),
        charger_cny=np.full(depots, 90_000.0),
        module_cny=draw.uniform(500_000.0, 900_000.0, depots),
    )
