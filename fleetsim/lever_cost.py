"""What levers cost: money the city and the operators of fleets spend, by the tables of ownership costs.

Vehicles bought by fleets other than cars at their price before grants, what it costs to run and insure them, and
grants to owners of cars, discounted; less what the vehicles are still worth in the last year. Grants to fleets
are paid by the city and saved by the operator, so they cancel. What owners of cars spend themselves is not counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from fleetsim import cars, choice, fast_path
from fleetsim.choice import PLUGGED
from fleetsim.cohorts import Cohorts, FloatArray, hazard
from fleetsim.fast_path import FastStart, StockByYear
from fleetsim.scenario.sections import StockSection, at_year
from fleetsim.tables import POWERTRAINS

Money = Mapping[str, tuple[FloatArray, FloatArray]]
"""By fleet the price [CNY] and the yearly running cost [CNY/year] of each powertrain; 0 where none is sold."""


def spent(start: FastStart, held: StockByYear, costs: Mapping[int, Money]) -> float:
    """Return the money spent over some years [CNY of the first of them].

    Parameters
    ----------
    start
        Rules and cars.
    held
        Fleets other than cars at year ends.
    costs
        Result of `vehicle_money` for each year that counts.
    """
    first, last = min(costs), max(costs)
    rate = start.rules.sections.stock.discount_rate
    weight = {year: (1.0 + rate) ** (first - year) for year in costs}
    fleets = sum(weight[year] * spent_in_year(held[year], money) for year, money in costs.items())
    worth = weight[last] * sum(worth_of(one, costs, start.rules.fleets[one.fleet]["life_years"]) for one in held[last])
    grants = car_grants(start, last)
    return float(fleets - worth + sum(weight[year] * grants[year] for year in costs))


def vehicle_money(start: FastStart, section: StockSection, year: int, base_year: int) -> Money:
    """Return by fleet the price and the yearly running cost of each powertrain in a year.

    Parameters
    ----------
    start
        Tables and rules.
    section
        Charging loss, infrastructure and payload.
    year
        Year of purchase and use.
    base_year
        Year of the prices in the tables.
    """
    result = {}
    for fleet, row in start.rules.fleets.items():
        if fleet in cars.CAR_FLEETS:
            continue
        group = str(row["group"])
        types = choice.types_of(start.tables.vehicle_types, fleet, group)
        sold = choice.vehicle_costs(types, start.tables.energy_prices, section, year, base_year)
        penalty = section.infrastructure_cny_per_km + section.payload_penalty_cny_per_km.get(group, 0.0)
        plugged = pl.col("powertrain").cast(pl.String).is_in(PLUGGED).cast(pl.Float64)
        per_km = pl.col("energy_cny_per_km") + pl.col("maintenance_cny_per_km") + plugged * penalty
        running = per_km * float(row["annual_km"]) + pl.col("insurance_cny_per_year")
        rows = sold.select(pl.col("powertrain").cast(pl.String), "price_now_cny", running=running)
        price, yearly = np.zeros(len(POWERTRAINS)), np.zeros(len(POWERTRAINS))
        for name, paid, cost in rows.iter_rows():
            price[POWERTRAINS.index(name)], yearly[POWERTRAINS.index(name)] = paid, cost
        result[fleet] = (price, yearly)
    return result


def spent_in_year(fleets: Sequence[Cohorts], money: Money) -> float:
    """Return what a year's purchases and its vehicles' use cost [CNY]."""
    total = 0.0
    for one in fleets:
        price, running = money[one.fleet]
        total += float(price @ one.counts[:, -1, :].sum(axis=1) + running @ one.counts.sum(axis=(1, 2)))
    return total


def worth_of(one: Cohorts, costs: Mapping[int, Money], life_years: float) -> float:
    """Return what the vehicles of a fleet are worth: the price falls evenly over their life [CNY].

    Those bought before the years of `costs` count at the price of the first of these.
    """
    total = 0.0
    for place in range(one.counts.shape[1]):
        vintage = one.first_vintage + place
        left = max(1.0 - (one.year - vintage + 0.5) / life_years, 0.0)
        price, _ = costs[max(vintage, min(costs))][one.fleet]
        total += left * float(price @ one.counts[:, place, :].sum(axis=1))
    return total


def car_grants(start: FastStart, last: int) -> dict[int, float]:
    """Return the grants paid to owners who replace a fuel car by a new-energy one, by year [CNY/year]."""
    rules, section = start.rules, start.rules.sections.cars
    fleets = [fast_path.city_wide(one) for one in start.cohorts if one.fleet in cars.CAR_FLEETS]
    paid = {}
    for year in range(start.years[0] + 1, last + 1):
        grant, turned, number = at_year(section.grant_cny, year), [], 0.0
        for one in fleets:
            row = rules.fleets[one.fleet]
            rate = hazard(one.ages(), row["life_years"], row["life_shape"], row["statutory_age"])
            rates = cars.car_hazard(rate, rules.cars.kappa, section, year)
            sigma = cars.replacement_share(rules.cars, section, one.fleet, year)
            retired = float((one.counts * rates[:, :, None])[~cars.NEV_PLATE].sum())
            number += sigma * section.replacement_rate * retired
            issued = cars.plates(rules.quota, section, one.fleet, year)
            turned.append(cars.turn(one, rates, sigma, issued, section).cohorts)
        fleets = turned
        paid[year] = grant * number
    return paid
