"""Tours in waves: what a vehicle may carry decides how often it goes back."""

from collections.abc import Callable
from dataclasses import replace

import dataframely as dy
import numpy as np
import polars as pl
import pytest

from fleetsim.duties.fleet import DayOf, DutyInputs
from fleetsim.duties.geography import road_km
from fleetsim.duties.itinerary import FleetDay, sampled
from fleetsim.duties.make import make_fleet
from fleetsim.duties.tables import Assignment, FleetCount, Leg, TourPattern
from fleetsim.duties.waves import in_waves, payloads
from fleetsim.tables import VehicleType

Inputs = Callable[..., DutyInputs]
VANS = DayOf("goods_light_pass", "mild", 4, weekend=False)
REFUSE = DayOf("sanitation_light", "mild", 4, weekend=False)
EVEN = {"tour_stops_spread": 0.0}


def made(inputs: DutyInputs, day: DayOf, number: int = 200) -> FleetDay:
    rows = [(day.fleet, "West", "none", number)]
    counts = FleetCount.validate(pl.DataFrame(rows, schema=FleetCount.column_names(), orient="row"))
    return make_fleet(inputs, counts, day)


def waves(inputs: DutyInputs, planned: FleetDay, day: DayOf, most_kg: float) -> dy.DataFrame[Leg]:
    return in_waves(inputs, planned, day, np.full(planned.vehicles.height, most_kg))


def with_tours(inputs: DutyInputs, **columns: object) -> DutyInputs:
    """The inputs with columns of all patterns changed."""
    changed = inputs.tables.tours.with_columns(**{name: pl.lit(value) for name, value in columns.items()})
    tables = replace(inputs.tables, tours=TourPattern.validate(changed, cast=True))
    return DutyInputs(tables, inputs.section, inputs.seed)


def one_tour(planned: FleetDay) -> int:
    """The first vehicle with a depot and one tour of two clusters."""
    counts = planned.legs.group_by("vehicle_id", maintain_order=True).len()
    based = planned.vehicles.filter(pl.col("depot").is_not_null())["vehicle_id"].implode()
    return int(counts.filter(pl.col("vehicle_id").is_in(based), pl.col("len") == 3)["vehicle_id"][0])


def of(legs: pl.DataFrame, vehicle: int) -> pl.DataFrame:
    return legs.filter(pl.col("vehicle_id") == vehicle)


def way(inputs: DutyInputs, start: int, end: int) -> float:
    return float(road_km(inputs.geography, np.array([start]), np.array([end]))[0])


def test_a_van_sets_out_with_all_of_a_tour_and_comes_home_empty(duty_inputs: Inputs) -> None:
    inputs = duty_inputs(**EVEN)
    planned = made(inputs, VANS)
    vehicle = one_tour(planned)
    legs, base = of(planned.legs, vehicle), int(planned.vehicles["home_zone"][vehicle])
    first, second = legs["zone"][:2].to_list()
    to_first, to_second = way(inputs, base, first), way(inputs, first, second)
    # eight stops of 100 kg, four a cluster with 3 km between them: 800 kg on the way, then 200 less in the mean
    assert legs["load_kg"].to_list() == pytest.approx(
        [800.0 - 200.0 * 3.0 / (to_first + 3.0), 400.0 - 200.0 * 3.0 / (to_second + 3.0), 0.0], rel=1e-6
    )


def test_a_van_that_takes_six_of_eight_stops_goes_back_in_the_second_cluster(duty_inputs: Inputs) -> None:
    inputs = duty_inputs(**EVEN)
    planned = made(inputs, VANS)
    vehicle = one_tour(planned)
    before, legs = of(planned.legs, vehicle), of(waves(inputs, planned, VANS, 650.0), vehicle)
    base, (first, second) = int(planned.vehicles["home_zone"][vehicle]), before["zone"][:2].to_list()
    there, hop, again = way(inputs, base, first), way(inputs, first, second), way(inputs, base, second)
    assert legs["zone"].to_list() == [first, second, base, second, base]
    assert legs["dwell_s"].to_list() == [2400, 1200, 1800, 1200, 1800]
    assert legs["distance_km"].to_list() == pytest.approx(
        [there + 3.0, hop + 1.0, way(inputs, second, base), again + 2.0, way(inputs, second, base)]
    )
    assert legs["load_kg"].to_list() == pytest.approx(
        [600.0 - 200.0 * 3.0 / (there + 3.0), 200.0 - 100.0 / (hop + 1.0), 0.0, 200.0 - 200.0 / (again + 2.0), 0.0],
        rel=1e-6,
    )
    assert legs["at_depot"].to_list() == legs["may_charge"].to_list() == [False, False, True, False, True]
    ready = legs["depart_s"] + legs["drive_s"] + legs["dwell_s"]
    assert legs["depart_s"][1:].to_list() == ready[:-1].to_list()


def test_a_full_refuse_vehicle_tips_before_it_collects_more(duty_inputs: Inputs) -> None:
    inputs = duty_inputs(**EVEN)
    planned = made(inputs, REFUSE)
    legs = of(waves(inputs, planned, REFUSE, 250.0), 0)
    # two tours of one cluster with six stops of 5 min and 100 kg, two at a time; the plant is in zone 23
    stop, base = int(of(planned.legs, 0)["zone"][0]), int(planned.vehicles["home_zone"][0])
    assert legs["zone"].head(7).to_list() == [stop, 23, stop, 23, stop, 23, base]
    assert legs["dwell_s"].head(7).to_list() == [600, 1200, 600, 1200, 600, 1200, 1800]
    assert legs["load_kg"].to_list()[1:7:2] == [200.0, 200.0, 200.0]
    assert legs["load_kg"][6] == 0.0
    assert legs.height == 14
    # on the way between the stops it has one of them aboard in the mean
    km = legs["distance_km"][0]
    assert legs["load_kg"][0] == pytest.approx(100.0 * 1.0 / km)


def test_water_is_filled_where_the_pattern_says(duty_inputs: Inputs) -> None:
    inputs = with_tours(duty_inputs(**EVEN), load="delivers", unload_kind=None, refill_km=2.0, refill_min=10.0)
    planned = made(inputs, REFUSE)
    legs = of(waves(inputs, planned, REFUSE, 400.0), 0)
    stop, base = int(of(planned.legs, 0)["zone"][0]), int(planned.vehicles["home_zone"][0])
    assert legs["zone"].head(4).to_list() == [stop, stop, stop, base]
    assert legs["dwell_s"].head(4).to_list() == [1200, 600, 600, 1800]
    # four stops with 3 km between them, 2 km to the water, 2 km back and 2 km to the last two stops
    assert legs["distance_km"][1:3].to_list() == [2.0, 4.0]
    assert legs["may_charge"].head(4).to_list() == [False, False, False, True]
    assert legs["load_kg"][1] == 0.0
    assert legs["load_kg"][2] == pytest.approx(200.0 - 100.0 * 2.0 / 4.0)


@pytest.mark.parametrize("most_kg", [50.0, 330.0, 460.0, 730.0])
def test_all_goods_are_carried_and_no_wave_is_too_heavy(duty_inputs: Inputs, most_kg: float) -> None:
    inputs = duty_inputs()
    planned = made(inputs, VANS, 400)
    legs = waves(inputs, planned, VANS, most_kg)
    stops = (pl.col("dwell_s") // 600).filter(~pl.col("may_charge")).sum()
    for vehicle in range(planned.vehicles.height):
        before, after = of(planned.legs, vehicle), of(legs, vehicle)
        assert after.select(stops).item() == before.select(stops).item()
        assert after["leg"].to_list() == list(range(after.height))
    # by brute force: the stops since the last call at the base
    at_once = max(int(most_kg // 100.0), 1)
    aboard, most = 0, 0
    for dwell_s, calls in legs.select("dwell_s", "may_charge").iter_rows():
        aboard = 0 if calls else aboard + dwell_s // 600
        most = max(most, aboard)
    assert most == at_once
    assert legs["load_kg"].max() <= at_once * 100.0


def test_what_follows_comes_later_and_its_window_stays(duty_inputs: Inputs) -> None:
    inputs = duty_inputs()
    planned = made(inputs, VANS)
    legs = waves(inputs, planned, VANS, 400.0)
    before, after = (table.filter("timed").select("depart_s", "latest_s") for table in (planned.legs, legs))
    assert after["latest_s"].to_list() == before["latest_s"].to_list()
    late = after["depart_s"] - before["depart_s"]
    assert late.min() == 0
    assert (after["depart_s"] > after["latest_s"]).any()
    assert not (before["depart_s"] > before["latest_s"]).any()


def test_who_can_carry_everything_keeps_the_day_and_others_change_nothing_for_him(duty_inputs: Inputs) -> None:
    inputs = duty_inputs()
    planned = made(inputs, VANS)
    assert waves(inputs, planned, VANS, np.inf) is planned.legs
    some = np.where(np.arange(planned.vehicles.height) % 2 == 0, np.inf, 300.0)
    legs = in_waves(inputs, planned, VANS, some)
    even = pl.col("vehicle_id") % 2 == 0
    assert legs.filter(even).equals(planned.legs.filter(even))
    assert legs.filter(~even).height > planned.legs.filter(~even).height


def test_a_sample_of_a_fleet_goes_the_same_waves(duty_inputs: Inputs) -> None:
    inputs = duty_inputs()
    planned = made(inputs, VANS)
    part = sampled(planned, 0.25)
    legs, of_part = (waves(inputs, day, VANS, 300.0) for day in (planned, part))
    assert part.vehicles.height == planned.vehicles.height // 4
    # every fourth vehicle is taken, the fourth one first
    assert of_part.filter(pl.col("vehicle_id") == 0).drop("vehicle_id").equals(of(legs, 3).drop("vehicle_id"))


def test_a_fleet_whose_load_is_not_followed_carries_none(duty_inputs: Inputs) -> None:
    inputs = with_tours(duty_inputs(), load=None, stop_kg=None)
    planned = made(inputs, VANS)
    assert planned.served.is_empty()
    assert waves(inputs, planned, VANS, 100.0) is planned.legs
    assert planned.legs["load_kg"].sum() == 0.0


def test_a_load_without_a_weight_is_refused(duty_inputs: Inputs) -> None:
    with pytest.raises(dy.exc.ValidationError, match="load_with_stop_kg"):
        with_tours(duty_inputs(), stop_kg=None)


def test_loads_deviate_by_their_spread(duty_inputs: Inputs) -> None:
    planned = made(with_tours(duty_inputs(**EVEN), stop_kg_spread=0.3), VANS, 2000)
    kg = planned.served["kg"] / planned.served["stops"]
    assert kg.min() >= 70.0
    assert kg.max() <= 130.0
    assert kg.mean() == pytest.approx(100.0, abs=1.0)
    assert kg.std() == pytest.approx(30.0 / 3.0**0.5, rel=0.05)


def test_payload_follows_the_type_and_is_without_limit_where_none_is_named() -> None:
    names = [name for name, column in VehicleType.columns().items() if isinstance(column, dy.Float64)]
    rows = [
        {"vehicle_type": name, "fleet_group": "goods", "fleet": None, "powertrain": powertrain, "basis": "assumption",
         **dict.fromkeys(names, 0.5), "payload_kg": payload}
        for name, powertrain, payload in (("van", "BEV", 900.0), ("truck", "diesel", None))
    ]  # fmt: skip
    types = VehicleType.validate(pl.DataFrame(rows, schema_overrides={"fleet": pl.String}), cast=True)
    given = {"vehicle_id": [1, 0], "powertrain": ["BEV", "diesel"], "vehicle_type": ["van", "truck"]}
    assignment = Assignment.validate(pl.DataFrame(given).with_columns(home_plug=pl.lit(False)), cast=True)
    assert payloads(assignment, types).tolist() == [np.inf, 900.0]
