"""Whole days of Beijing under the rules of operation, at a small sample: pools, requests, weeks, the bus ratio."""

import numpy as np
import pytest

from fleetsim.days import day_tables
from fleetsim.engine.conservation import check_conservation
from fleetsim.engine.reference import simulate
from fleetsim.engine.spec import vehicle_of_leg
from fleetsim.operation.apply import operated
from fleetsim.operation.bus_ratio import bus_ratio
from fleetsim.operation.week import in_a_row, summary
from fleetsim.operation.year import YearReady
from fleetsim.scenario.scenario import Scenario

SAMPLE = 0.01


def ready(**changes: object) -> YearReady:
    scenario = Scenario.shipped("outlook").set({"run.sample": SAMPLE} | changes)
    return YearReady.prepare(scenario, 2021)


@pytest.fixture(scope="module")
def plain() -> YearReady:
    return ready()


def test_three_days_in_a_row_keep_every_leg_and_conserve_energy(plain: YearReady) -> None:
    built, setting = plain.built(plain.day("mild_weekday"))
    model = in_a_row([built, built, built])
    day = operated(model, setting, days=3)
    log = simulate(day.model.inputs)
    check_conservation(day.model.inputs, log)
    assert len(model.inputs.legs) == 3 * len(built.inputs.legs)
    duties = ~model.roster["background"].to_numpy()
    assert duties.sum() == (~built.roster["background"].to_numpy()).sum()
    table = summary(*day.settled(log))
    each_day = np.diff(built.inputs.vehicles.first_leg) * built.roster["weight"].to_numpy()
    assert table["legs"].sum() == pytest.approx(3 * each_day[: duties.sum()].sum())


def test_pools_and_requests_hand_every_leg_to_one_vehicle_and_leave_the_others_alone() -> None:
    levers = {"operation.bus_dispatch": "pool", "operation.taxi_dispatch": "requests", "duties.bus_spare_share": 0.1}
    year = ready(**levers)
    day = year.operated(year.day("mild_weekday"))
    inputs = day.model.inputs
    log = simulate(inputs)
    check_conservation(inputs, log)
    model, settled = day.settled(log)
    made = settled.departure >= 0
    of_leg = vehicle_of_leg(model.inputs.vehicles)
    assert of_leg.size == len(inputs.legs) == settled.departure.size
    assert made.sum() == (log.departure >= 0).sum()
    same = np.flatnonzero((np.diff(of_leg) == 0) & made[1:] & made[:-1])
    ends = settled.departure + model.inputs.legs.drive
    assert (settled.departure[same + 1] >= ends[same]).all()
    buses = log.taker[inputs.tasks.pool > 0]
    assert (buses >= 0).mean() > 0.9
    assert day.pooled is not None
    own_legs = np.diff(day.pooled.plain.inputs.vehicles.first_leg)
    assert (own_legs[inputs.vehicles.pool > 0] == 0).any()
    tables = day_tables(day, log)
    assert tables["service"]["fleet"].to_list() == sorted(tables["service"]["fleet"].to_list())


def test_an_electric_bus_never_does_more_than_a_diesel_bus() -> None:
    year = ready(**{"operation.bus_dispatch": "pool"})
    model = year.operated(year.day("winter_weekday")).model
    table = bus_ratio(model, simulate).drop_nulls("electric")
    assert table.height > 0
    assert (table["electric"] >= table["diesel"]).all()
    assert (table["electric"] <= table["blocks"]).all()
