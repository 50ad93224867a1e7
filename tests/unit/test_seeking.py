"""Searches for energy by zone, fleet and hour, worked out by hand and against the day's totals."""

from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from hand_days import MINUTE_US, run, some_legs, some_stations, some_vehicles

from fleetsim.engine.log import zone_demand
from fleetsim.engine.spec import HOUR_US
from fleetsim.seeking import zone_hours
from fleetsim.tables import ZoneHour


def model_of(inputs: Any, weights: list[float]) -> Any:
    conditions = SimpleNamespace(year=2025, day="winter")
    return SimpleNamespace(inputs=inputs, conditions=conditions, roster=pl.DataFrame({"weight": weights}))


def two_that_meet() -> tuple[Any, Any]:
    """Two vehicles seek 30 kWh at the only plug, 10 min apart: the second waits; both end their first drive at 8:30.

    Each leg takes 30 kWh of 50, so that the next one cannot be driven above the reserve.
    """
    vehicles = some_vehicles([2, 2])
    legs = some_legs(4, depart=[8 * HOUR_US, 12 * HOUR_US, 8 * HOUR_US + 10 * MINUTE_US, 12 * HOUR_US], energy=30_000)
    return run(vehicles, legs, some_stations(1), [6], metres=[2_000])


def test_a_search_counts_in_the_hour_in_which_it_began_with_its_wait_and_detour() -> None:
    inputs, log = two_that_meet()

    table = zone_hours(model_of(inputs, [1.0, 5.0]), log)

    ZoneHour.validate(table)
    row = table.filter(pl.col("hour") == 8).row(0, named=True)
    assert (row["zone"], row["kind"], row["seeks"], row["unserved"], row["turned_away"]) == (0, "public", 6.0, 0.0, 0.0)
    waits = (log.start - log.arrive) / MINUTE_US
    first, second = (float(waits[(log.vehicle == number) & (log.seek < 9 * HOUR_US)].sum()) for number in (0, 1))
    assert first == 0.0 < second
    assert row["wait_min"] == pytest.approx(5.0 * second)
    assert row["detour_km"] == pytest.approx(6.0 * log.metres[0] / 1000.0)


def test_the_hours_add_up_to_the_demand_of_the_day() -> None:
    legs = [3, 4, 2, 5]
    inputs, log = run(
        some_vehicles(legs),
        some_legs(sum(legs), energy=25_000, dwell=20 * MINUTE_US),
        some_stations(2, queue_limit=1),
        [5, 9],
        metres=[1_000, 3_000],
    )
    model = model_of(inputs, [1.0, 2.0, 3.0, 4.0])

    by_hour, of_day = zone_hours(model, log), zone_demand(model, log)

    keys = ["zone", "kind", "fleet_group"]
    names = ("seeks", "unserved", "detour_km")
    sums = by_hour.group_by(keys, maintain_order=True).agg(pl.col(names).sum()).sort(keys)
    assert sums.height == of_day.height > 0
    for name in names:
        assert sums[name].to_list() == pytest.approx(of_day.sort(keys)[name].to_list())
    assert by_hour["hour"].n_unique() > 1


def test_who_is_turned_away_counts_at_each_station_and_once_as_a_search() -> None:
    # Three want the only plug, whose queue holds nobody.
    inputs, log = run(
        some_vehicles([2, 2, 2]),
        some_legs(6, depart=[8 * HOUR_US, 13 * HOUR_US] * 3, energy=30_000),
        some_stations(1, queue_limit=0),
        [6],
        metres=[0],
    )

    row = zone_hours(model_of(inputs, [1.0] * 3), log).filter(pl.col("hour") == 8).row(0, named=True)

    visited = int(((log.station >= 0) & (log.energy == 0) & (log.seek < 9 * HOUR_US)).sum())
    assert (row["seeks"], row["turned_away"]) == (3.0, float(visited))
    assert row["unserved"] <= 2.0


def test_a_day_without_searches_has_no_rows() -> None:
    inputs, log = run(some_vehicles([1]), some_legs(1, energy=1_000), some_stations(1), [6])

    assert zone_hours(model_of(inputs, [1.0]), log).is_empty()
