"""Days of Beijing's goods and sanitation vehicles: what each carries, and what it uses for it."""

import polars as pl
import pytest

from fleetsim.datasets import City, city_folder, read_city
from fleetsim.days import Days
from fleetsim.engine.plan import FleetPlan
from fleetsim.scenario.scenario import Scenario

LOADED = ("goods_light_exempt", "goods_light_pass", "sanitation_heavy", "sanitation_light")


@pytest.fixture(scope="module")
def city() -> City:
    return read_city(city_folder("beijing"))


def plans(city: City, payload: pl.Expr) -> dict[str, FleetPlan]:
    """The plans of the base year's mild weekday, a fiftieth of the vehicles, with other payloads."""
    types = city.vehicle_types.with_columns(payload_kg=payload)
    changed = City(**{**vars(city), "vehicle_types": types})
    days = Days(changed, Scenario.shipped("outlook").set({"run.sample": 0.02}))
    stock = city.stock.filter(pl.col("fleet").is_in(LOADED)).with_columns(vintage=pl.lit(2016))
    mild = city.days.row(by_predicate=pl.col("day") == "mild_weekday", named=True)
    return {plan.fleet: plan for plan in days.plans(mild, stock, 2020)}


def test_no_vehicle_of_a_day_carries_more_than_its_type_may(city: City) -> None:
    most = city.vehicle_types.select("vehicle_type", "payload_kg")
    for plan in plans(city, pl.col("payload_kg")).values():
        given = plan.assignment.join(most, on="vehicle_type").select("vehicle_id", "payload_kg")
        over = plan.legs.join(given, on="vehicle_id").filter(pl.col("load_kg") > pl.col("payload_kg") * (1 + 1e-6))
        assert over.is_empty()
        assert plan.legs["load_kg"].max() > 0.0


def test_with_half_of_the_payload_the_same_goods_take_longer_ways(city: City) -> None:
    usual, half = (plans(city, factor * pl.col("payload_kg")) for factor in (1.0, 0.5))
    at_stops = pl.col("dwell_s").filter(~pl.col("may_charge")).sum()
    for fleet, done in (("goods_light_pass", at_stops), ("sanitation_heavy", pl.col("work_s").sum())):
        km, more = (plan[fleet].legs["distance_km"].sum() for plan in (usual, half))
        served, again = (plan[fleet].legs.select(done).item() for plan in (usual, half))
        assert more > 1.02 * km
        assert again == pytest.approx(served, rel=1e-4)
