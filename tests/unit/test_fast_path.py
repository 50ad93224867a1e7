"""The fast path gives the numbers of the year-by-year tables, draw by draw and district by district."""

from dataclasses import replace
from functools import cache

import numpy as np

from fleetsim import cars, fast_path, stock
from fleetsim.datasets import city_folder, read_city
from fleetsim.fast_path import FastStart
from fleetsim.scenario.scenario import Scenario


@cache
def start() -> FastStart:
    scenario = Scenario.shipped("plan")
    return fast_path.begin(read_city(city_folder("beijing")), scenario, 2027, cars.prior(scenario.cars))


def test_arrays_and_tables_give_the_same_stock_in_every_cohort() -> None:
    table = start().opening
    for year in start().years[1:]:
        table = stock.advance(table, year, start().rules).stock

    held = fast_path.turn_over(start().cohorts, start().rules, start().years)

    assert stock.from_cohorts(held[2027]).equals(table)


def test_draws_run_together_are_those_run_one_by_one() -> None:
    vectors = start().rules.cars.vector() + np.array([[0.0] * 7, [1.0, 0.1, 0.05, 0.1, 1.0, 0.0, 0.1]])

    drawn = fast_path.draw_cars(start(), vectors)

    private = next(one for one in start().cohorts if one.fleet == "car_private")
    for place, vector in enumerate(vectors):
        rules = replace(start().rules, cars=start().rules.cars.at(vector))
        alone = fast_path.turn_over([private], rules, start().years)[2027][0]
        np.testing.assert_allclose(drawn["car_private"][place, -1], alone.counts.sum(axis=1), rtol=1e-9)
