"""What levers cost, and the carbon target they are moved for, by hand and by running the models again."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from fleetsim import lever_cost
from fleetsim.cohorts import Cohorts
from fleetsim.datasets import City, city_folder, read_city
from fleetsim.fast_path import sections_of
from fleetsim.fast_values import FastValues
from fleetsim.levers import lever
from fleetsim.scenario.scenario import Scenario
from fleetsim.seek import _downwards, _one
from fleetsim.tables import POWERTRAINS


@cache
def city() -> City:
    return read_city(city_folder("beijing"))


@cache
def scenario() -> Scenario:
    return Scenario.shipped("outlook").set({"cars.draws": 50})


@cache
def models_to_2030() -> FastValues:
    return FastValues(city(), scenario(), 2030)


def test_money_is_the_grants_paid_when_only_a_grant_moves() -> None:
    models = models_to_2030()
    none, some = (scenario().set({"cars.grant_cny": {2020: grant}}) for grant in (0.0, 10_000.0))

    extra = models.spent(some, 2026, 2027) - models.spent(none, 2026, 2027)

    paid = lever_cost.car_grants(
        replace(models.start, rules=replace(models.start.rules, sections=sections_of(some))), 2027
    )
    assert extra == pytest.approx(paid[2026] + paid[2027] / 1.05)
    assert 0.5e9 < paid[2026] < 5e9


def test_money_of_one_bus_by_hand() -> None:
    # Bought in 2026 for 100 and run for 10 a year, life 2: at the end of 2027 a quarter is left (1.5 of 2 years gone).
    place = POWERTRAINS.index("BEV")
    held = {}
    for year in (2026, 2027):
        counts = np.zeros((len(POWERTRAINS), year - 2019, 1))
        counts[place, 6, 0] = 1.0
        held[year] = Cohorts("bus_municipal", year, 2020, (("all", "all", "none"),), counts)
    price, running = (np.where(np.arange(len(POWERTRAINS)) == place, value, 0.0) for value in (100.0, 10.0))
    costs = {year: {"bus_municipal": (price, running)} for year in held}

    bought = [lever_cost.spent_in_year([held[year]], costs[year]) for year in held]

    assert bought == [110.0, 10.0]
    assert lever_cost.worth_of(held[2027], costs, 2.0) == pytest.approx(25.0)


def test_intensity_is_one_in_the_base_year_and_falls_with_electric_fleets() -> None:
    models = models_to_2030()
    scrapped = scenario().set({"stock.scrappage.truck_heavy": {**scenario().stock.scrappage["truck_heavy"], 2030: 3.0}})

    now, then = (models.series(one, "intensity") for one in (scenario(), scrapped))

    assert now[2020] == 1.0
    assert then[2030] < now[2030] < 0.6
    assert then[2027] == now[2027]


def test_a_carbon_target_is_sought_downwards() -> None:
    models, trucks = models_to_2030(), lever(scenario(), "stock.scrappage.truck_heavy", 2026, 2030, now=2030)

    values, verdict = _one(
        trucks, lambda values: 0.49 - models.series(trucks.set(scenario(), values[0]), "intensity")[2030]
    )

    assert _downwards(city(), "intensity")
    assert verdict == "met"
    assert 1.0 < values[0] < 3.0
    reached = models.series(trucks.set(scenario(), values[0]), "intensity")[2030]
    assert reached == pytest.approx(0.49, abs=2e-4)
    assert models.spent(trucks.set(scenario(), values[0]), 2026, 2030) > models.spent(scenario(), 2026, 2030)
