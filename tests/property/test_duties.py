"""What holds for the duties of any fleet, whatever its size, day and seed."""

from collections.abc import Callable

import dataframely as dy
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetsim.duties.assign import assign
from fleetsim.duties.fleet import DutyInputs
from fleetsim.duties.itinerary import FleetDay
from fleetsim.duties.make import day_of, make_day, make_fleet
from fleetsim.duties.tables import DutyVehicle, FleetCount, Leg
from fleetsim.tables import VehicleType

Inputs = Callable[..., DutyInputs]
REASONS = {
    "bus_municipal": ["none", "mountain_line"],
    "taxi_company": ["none"],
    "taxi_individual": ["individual_owner"],
    "goods_light_pass": ["none"],
    "goods_light_exempt": ["cold_chain"],
    "sanitation_light": ["none", "no_substitute_model"],
    "sanitation_heavy": ["none"],
    "airside": ["none", "deicing_snow"],
}
DAYS = [
    {"day": "winter", "month": 1, "weekend": False},
    {"day": "weekend", "month": 10, "weekend": True},
]
RUNS = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NUMBERS = st.lists(st.integers(0, 40), min_size=4, max_size=4)


def counts(fleet: str, numbers: list[int]) -> dy.DataFrame[FleetCount]:
    cells = [(district, reason) for district in ("West", "East") for reason in REASONS[fleet]]
    rows = [(fleet, *cell, number) for cell, number in zip(cells, numbers, strict=False)]
    return FleetCount.validate(pl.DataFrame(rows, schema=FleetCount.column_names(), orient="row"))


def check_times(legs: pl.DataFrame) -> None:
    ready = pl.col("depart_s") + pl.col("drive_s") + pl.col("dwell_s")
    ready = ready.shift(1).over("vehicle_id")
    assert legs.filter(pl.col("depart_s") < ready).is_empty()
    assert legs.filter("timed")["latest_s"].null_count() == 0
    assert legs.filter(pl.col("latest_s") < pl.col("depart_s")).is_empty()
    assert legs.filter(pl.col("work_s") > pl.col("dwell_s")).is_empty()


def check_numbers(day: FleetDay, zones: int) -> None:
    assert day.vehicles["vehicle_id"].to_list() == list(range(day.vehicles.height))
    assert day.legs["vehicle_id"].unique().sort().to_list() == list(range(day.vehicles.height))
    numbered = day.legs.with_columns(expected=pl.int_range(pl.len(), dtype=pl.Int64).over("vehicle_id"))
    assert numbered.filter(pl.col("leg") != pl.col("expected")).is_empty()
    assert day.legs.filter(pl.col("zone") >= zones).is_empty()
    assert day.vehicles.filter(pl.col("home_zone") >= zones).is_empty()


@pytest.mark.parametrize("fleet", REASONS)
@RUNS
@given(numbers=NUMBERS, row=st.sampled_from(DAYS), seed=st.integers(0, 99))
def test_a_fleets_day_is_sound_and_the_same_again(
    duty_inputs: Inputs, fleet: str, numbers: list[int], row: dict, seed: int
) -> None:
    inputs = duty_inputs(seed=seed)
    table = counts(fleet, numbers)
    day, again = (make_fleet(inputs, table, day_of(row, fleet)) for _ in range(2))
    DutyVehicle.validate(day.vehicles)
    Leg.validate(day.legs)
    check_times(day.legs)
    check_numbers(day, inputs.tables.zones.height)
    assert day.vehicles.height <= table["vehicles"].sum()
    assert day.legs.equals(again.legs)
    assert day.vehicles.equals(again.vehicles)


@pytest.mark.parametrize("fleet", REASONS)
def test_every_vehicle_ends_its_day_where_it_began(duty_inputs: Inputs, fleet: str) -> None:
    day = make_fleet(duty_inputs(), counts(fleet, [20, 20, 20, 20]), day_of(DAYS[0], fleet))
    last = day.legs.group_by("vehicle_id", maintain_order=True).last()
    assert last["zone"].to_list() == day.vehicles["home_zone"].to_list()
    assert last["may_charge"].all()


def test_adding_a_fleet_changes_no_other_fleets_day(duty_inputs: Inputs) -> None:
    taxis, vans = counts("taxi_company", [30, 30]), counts("goods_light_pass", [30, 30])
    alone = make_day(duty_inputs(), taxis, DAYS[0])
    both = make_day(duty_inputs(), FleetCount.validate(pl.concat([vans, taxis])), DAYS[0])
    assert alone["taxi_company"].legs.equals(both["taxi_company"].legs)
    assert set(both) == {"taxi_company", "goods_light_pass"}


def test_another_seed_gives_another_day(duty_inputs: Inputs) -> None:
    table = counts("taxi_company", [30, 30])
    first, second = (make_fleet(duty_inputs(seed=seed), table, day_of(DAYS[0], "taxi_company")) for seed in (1, 2))
    assert not first.legs.equals(second.legs)


@RUNS
@given(numbers=st.lists(st.integers(0, 60), min_size=6, max_size=6).filter(lambda values: sum(values) > 0))
def test_powertrains_of_the_duties_are_those_of_the_stock(duty_inputs: Inputs, numbers: list[int]) -> None:
    names = ("BEV", "diesel", "FCEV")
    rows = [(district, name, "none") for district in ("West", "East") for name in names]
    stock = pl.DataFrame(rows, schema=["district", "powertrain", "exempt_reason"], orient="row").with_columns(
        vehicles=pl.Series(numbers)
    )
    own = (
        stock.group_by("district", "exempt_reason")
        .agg(pl.col("vehicles").sum())
        .with_columns(fleet=pl.lit("taxi_company"))
    )
    inputs = duty_inputs(taxi_in_service_share=1.0)
    table = FleetCount.validate(own.select(FleetCount.column_names()))
    day = make_fleet(inputs, table, day_of(DAYS[0], "taxi_company"))
    given_to = assign(day.vehicles, day.legs, stock, taxi_types(names))
    both = day.vehicles.join(given_to, on="vehicle_id").group_by("district", pl.col("powertrain").cast(pl.String)).len()
    wanted = stock.filter(pl.col("vehicles") > 0).sort("district", "powertrain")
    assert both.sort("district", "powertrain")["len"].to_list() == wanted["vehicles"].to_list()


def taxi_types(names: tuple[str, ...]) -> dy.DataFrame[VehicleType]:
    columns = [name for name, column in VehicleType.columns().items() if isinstance(column, dy.Float64)]
    rows = [
        {
            **dict.fromkeys(columns, 0.5),
            "vehicle_type": name,
            "fleet_group": "taxi",
            "fleet": None,
            "powertrain": name,
            "basis": "assumption",
        }
        for name in names
    ]
    return VehicleType.validate(pl.DataFrame(rows, schema_overrides={"fleet": pl.String}), cast=True)
