"""Draws, distances, choice of zones, leg tables."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from fleetsim.duties.draws import evenly, normal, stream, whole
from fleetsim.duties.driving import GUIDE_STEPS, draw_places, kmh_at, way_km, zone_in
from fleetsim.duties.fleet import DutyInputs, Roll, vehicle_table
from fleetsim.duties.geography import (
    kernel,
    nearest_zone,
    next_zone,
    road_km,
    zone_of_district,
)
from fleetsim.duties.itinerary import FleetDay, Step, blank, keep_working, legs_of, sampled, seconds, written

Inputs = Callable[..., DutyInputs]


def numbers(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def one_step(on: list[bool], depart: list[int]) -> Step:
    size = len(on)
    return Step(np.array(on), numbers(*depart), np.full(size, 60), np.full(size, 1.5), np.zeros(size, np.int64))


@pytest.mark.parametrize(
    ("shares", "total", "expected"),
    [([1, 1, 1], 4, [2, 1, 1]), ([5, 3, 2], 10, [5, 3, 2]), ([0.2, 0.8], 3, [1, 2]), ([0, 0], 5, [0, 0])],
)
def test_whole_numbers_follow_the_largest_remainder(shares: list[float], total: int, expected: list[int]) -> None:
    assert whole(np.array(shares, float), total).tolist() == expected


def test_an_even_pick_takes_the_share_from_every_stretch() -> None:
    taken = evenly(1000, 0.93)
    assert taken.sum() == 930
    assert taken.reshape(10, 100).sum(axis=1).tolist() == [93] * 10


def test_normal_values_have_mean_zero_and_deviation_one() -> None:
    values = normal(stream(1, "day", "fleet", "x").random((100_000, 2)))
    assert values.mean() == pytest.approx(0.0, abs=0.015)
    assert values.std() == pytest.approx(1.0, abs=0.015)


def test_a_stream_is_the_same_again_and_another_for_another_fleet_day_or_quantity() -> None:
    keys = [(1, "d", "f", "q"), (2, "d", "f", "q"), (1, "e", "f", "q"), (1, "d", "g", "q"), (1, "d", "f", "r")]
    values = [stream(*key).random() for key in keys]
    assert len(set(values)) == len(keys)
    assert values == [stream(*key).random() for key in keys]


def test_road_distance_is_the_crow_distance_times_the_detour(duty_inputs: Inputs) -> None:
    place = duty_inputs(detour=1.5).geography
    # zones 0 and 6 lie 0.03 degrees of latitude apart: 111.195 km * 0.03 * 1.5
    assert road_km(place, numbers(0), numbers(6))[0] == pytest.approx(5.003775)


def test_a_way_within_a_zone_has_a_length(duty_inputs: Inputs) -> None:
    place = duty_inputs(detour=1.5).geography
    # 0.4 * sqrt(4 km2) * 1.5
    assert road_km(place, numbers(3), numbers(3))[0] == pytest.approx(1.2)


def test_speed_is_the_zones_free_speed_times_the_factor_of_the_hour(duty_inputs: Inputs) -> None:
    place = duty_inputs().geography
    asked = [(0, 3 * 3600), (0, 8 * 3600), (2, 8 * 3600), (0, (24 + 8) * 3600)]
    assert [kmh_at(place.ground(weekend=False), *each) for each in asked] == [40.0, 20.0, 15.0, 20.0]
    assert [kmh_at(place.ground(weekend=True), *each) for each in asked] == [40.0, 40.0, 30.0, 40.0]


def test_a_point_belongs_to_the_nearest_zone(duty_inputs: Inputs) -> None:
    inputs = duty_inputs()
    lon, lat = np.array([116.031, 116.2]), np.array([40.001, 40.2])
    assert nearest_zone(inputs.geography, lon, lat, inputs.tables.zones).tolist() == [1, 23]


@pytest.mark.parametrize("mean_km", [5.0, 7.0, 9.0])
def test_ways_have_the_mean_length_that_was_asked_for(duty_inputs: Inputs, mean_km: float) -> None:
    place = duty_inputs().geography
    choice = kernel(place, place.population, mean_km)
    start = np.repeat(np.arange(24), (place.population / 50).astype(int))
    draws = stream(3, "d", "f", "q").random((start.size, 2))
    away = road_km(place, start, next_zone(choice, start, draws))
    assert away.mean() == pytest.approx(mean_km, rel=0.1)


def test_no_way_leads_to_a_zone_without_weight(duty_inputs: Inputs) -> None:
    place = duty_inputs().geography
    weight = np.where(np.arange(24) % 2 == 0, 0.0, 1.0)
    choice = kernel(place, weight, 6.0)
    draws = stream(3, "d", "f", "q").random((5000, 2))
    found = next_zone(choice, np.arange(5000) % 24, draws)
    assert set((found % 2).tolist()) == {1}
    assert len(np.unique(found)) == 12


def test_zones_of_a_cell_are_drawn_by_weight(duty_inputs: Inputs) -> None:
    place = duty_inputs().geography
    choice = kernel(place, place.jobs, 6.0)
    members = np.flatnonzero(place.cell == place.cell[7])
    found = np.array([zone_in(choice, place.cell[7], (draw + 0.5) / 1000) for draw in range(1000)])
    assert np.bincount(found, minlength=24)[members] / 1000 == pytest.approx(
        place.jobs[members] / place.jobs[members].sum(), abs=0.002
    )
    assert set(found.tolist()) == set(members.tolist())


def test_the_guide_leaves_out_no_cell_that_a_value_may_mean(duty_inputs: Inputs) -> None:
    place = duty_inputs().geography
    choice = kernel(place, place.population, 6.0)
    draws = np.concatenate([stream(3, "d", "f", "q").random(500), np.arange(GUIDE_STEPS) / GUIDE_STEPS])
    origin = np.arange(draws.size) % 24
    found = place.cell[next_zone(choice, origin, np.stack([draws, np.zeros(draws.size)], axis=1))]
    cells = place.cell[origin]
    expected = [
        np.searchsorted(choice.to_cell[c].astype(np.float64), d, side="right")
        for c, d in zip(cells, draws, strict=True)
    ]
    assert found.tolist() == expected


def test_compiled_and_plain_distances_agree(duty_inputs: Inputs) -> None:
    place = duty_inputs(detour=1.5).geography
    pairs = [(origin, target) for origin in range(24) for target in range(24)]
    compiled = [way_km(place.ground(weekend=False), *pair) for pair in pairs]
    assert compiled == road_km(place, *np.array(pairs).T).tolist()


def test_a_place_is_drawn_by_its_share() -> None:
    found = np.empty(4, np.int64)
    draw_places(np.array([[0.5, 1.0], [0.1, 1.0]]), numbers(0, 0, 1, 1), np.array([0.49, 0.5, 0.09, 0.1]), found)
    assert found.tolist() == [0, 1, 0, 1]


def test_homes_lie_in_the_district_of_the_vehicle(duty_inputs: Inputs) -> None:
    place = duty_inputs().geography
    number = np.arange(1000) % 2
    found = zone_of_district(place, ["East", "West"], number, place.population, stream(1, "d", "f", "q").random(1000))
    assert (place.district[found] == np.array(["East", "West"])[number]).all()


def test_legs_leave_out_the_steps_a_vehicle_does_not_make() -> None:
    legs = legs_of([one_step([True, False, True], [10, 10, 10]), one_step([True, True, False], [99, 99, 99])])
    assert legs.select("vehicle_id", "leg", "depart_s").rows() == [(0, 0, 10), (0, 1, 99), (1, 0, 99), (2, 0, 10)]
    assert legs["latest_s"].null_count() == 4


def test_written_legs_close_up_and_vehicles_without_any_drop_out() -> None:
    legs = blank(7)
    # Room for 2, 3 and 2 legs; 1, 0 and 2 are written.
    for row, depart_s in ((0, 10), (5, 20), (6, 30)):
        legs.depart_s[row], legs.drive_s[row], legs.dwell_s[row] = depart_s, 60, 0
        legs.distance_km[row], legs.zone[row], legs.timed[row] = 1.5, 4, depart_s == 30
    legs.latest_s[6] = 99
    vehicles, table = written(legs, numbers(0, 2, 5), numbers(1, 2, 7))
    assert vehicles.tolist() == [0, 2]
    columns = ("vehicle_id", "leg", "depart_s", "timed", "latest_s")
    assert table.select(columns).rows() == [(0, 0, 10, False, None), (1, 0, 20, False, None), (1, 1, 30, True, 99)]


def same_vehicles(size: int) -> Roll:
    return Roll(pl.DataFrame({"district": ["West"], "exempt_reason": ["none"]}), np.zeros(size, np.int64))


def test_vehicles_without_legs_drop_out_and_numbers_close_up() -> None:
    day = FleetDay(
        vehicle_table(same_vehicles(3), numbers(5, 6, 7)), legs_of([one_step([True, False, True], [1, 2, 3])])
    )
    kept = keep_working(day)
    assert kept.vehicles.select("vehicle_id", "home_zone").rows() == [(0, 5), (1, 7)]
    assert kept.legs.select("vehicle_id", "depart_s").rows() == [(0, 1), (1, 3)]


@pytest.mark.parametrize(("share", "kept", "weight"), [(1.0, 10, 1.0), (0.5, 5, 2.0), (0.01, 1, 10.0)])
def test_sampled_vehicles_stand_for_all(share: float, kept: int, weight: float) -> None:
    steps = [one_step([True] * 10, list(range(10)))]
    day = sampled(FleetDay(vehicle_table(same_vehicles(10), np.arange(10)), legs_of(steps)), share)
    assert day.vehicles.height == day.legs.height == kept
    assert day.vehicles["weight"].to_list() == [weight] * kept
    assert day.vehicles["vehicle_id"].to_list() == list(range(kept))


def test_hours_become_whole_seconds() -> None:
    assert seconds([0.5, 1.0 / 3.0]).tolist() == [1800, 1200]


def test_a_kind_of_place_that_is_missing_is_named(duty_inputs: Inputs) -> None:
    with pytest.raises(ValueError, match="no place of kind 'service_area'"):
        duty_inputs().places_of("service_area")


def test_places_know_their_zone(duty_inputs: Inputs) -> None:
    zone = duty_inputs().places.filter(pl.col("place") == "plant")["zone"].item()
    assert zone == 23
