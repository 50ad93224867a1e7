"""The days of the fleets in a hand-made city."""

from collections.abc import Callable

import dataframely as dy
import polars as pl
import pytest

from fleetsim.duties.fleet import DayOf, DutyInputs
from fleetsim.duties.itinerary import FleetDay
from fleetsim.duties.make import bus_trips, counts_key, day_of, make_day, make_fleet
from fleetsim.duties.tables import FleetCount
from fleetsim.scenario.sections import DutiesSection
from networks.errors import DataError
from networks.tables import Trip

Inputs = Callable[..., DutyInputs]
WINTER = {"day": "winter", "month": 1, "weekend": False}
MILD = {"day": "mild", "month": 4, "weekend": False}
WEEKEND = {"day": "weekend", "month": 10, "weekend": True}
HOUR = 3600


def counts(*rows: tuple[str, str, str, int]) -> dy.DataFrame[FleetCount]:
    return FleetCount.validate(pl.DataFrame(list(rows), schema=FleetCount.column_names(), orient="row"))


def made(inputs: DutyInputs, fleet: str, number: int, reason: str = "none", row: dict = MILD) -> FleetDay:
    return make_fleet(inputs, counts((fleet, "West", reason, number)), day_of(row, fleet))


def trips(*rows: tuple[str, int, int, int]) -> dy.DataFrame[Trip]:
    """Trips given by line, direction, departure [s] and block, of 18 km and an hour."""
    ends = {0: ("north", "south"), 1: ("south", "north")}
    table = [
        {
            "trip": number,
            "line": line,
            "direction": direction,
            "departure_s": departure,
            "run_s": HOUR,
            "length_km": 18.0,
            "from_terminal": ends[direction][0],
            "to_terminal": ends[direction][1],
            "depot": "depot",
            "block": block,
        }
        for number, (line, direction, departure, block) in enumerate(rows)
    ]
    return Trip.validate(pl.DataFrame(table), cast=True)


BUS = DayOf("bus_municipal", "mild", 4, weekend=False)
BUSES = ("bus_municipal", "West", "none", 10)


def test_a_bus_goes_home_in_a_long_gap_and_not_in_a_short_one(duty_inputs: Inputs) -> None:
    block = trips(("1", 0, 6 * HOUR, 0), ("1", 1, 7 * HOUR + 1200, 0), ("1", 0, 16 * HOUR, 0))
    legs = make_fleet(duty_inputs(), counts(BUSES), BUS, block).legs
    assert legs["timed"].to_list() == [False, True, True, False, False, True, False]
    assert legs["at_depot"].to_list() == [False, False, False, True, False, False, True]
    assert legs.filter("timed")["depart_s"].to_list() == [6 * HOUR, 7 * HOUR + 1200, 16 * HOUR]
    assert legs.filter("timed")["distance_km"].sum() == 54.0


def test_the_way_to_the_first_terminal_is_driven_before_the_first_trip(duty_inputs: Inputs) -> None:
    legs = make_fleet(duty_inputs(), counts(BUSES), BUS, trips(("1", 0, 6 * HOUR, 0))).legs
    # from the depot to the northern terminal: 0.09 degrees of latitude * 111.195 km * 1.3 at 25 km/h
    assert legs["distance_km"][0] == pytest.approx(13.0098, rel=1e-4)
    assert legs["drive_s"][0] == 1873
    assert legs["depart_s"][0] == 6 * HOUR - 1873


@pytest.mark.parametrize(("headway_s", "window_s"), [(120, 300), (600, 600), (3600, 900)])
def test_a_trip_is_missed_after_its_headway_within_bounds(duty_inputs: Inputs, headway_s: int, window_s: int) -> None:
    two = trips(("1", 0, 6 * HOUR, 0), ("1", 0, 6 * HOUR + headway_s, 1))
    legs = make_fleet(duty_inputs(), counts(BUSES), BUS, two).legs.filter("timed")
    assert legs["latest_s"].to_list() == [6 * HOUR + window_s, 6 * HOUR + headway_s + 900]


def test_mountain_blocks_take_the_exempt_buses(duty_inputs: Inputs) -> None:
    blocks = trips(("1", 0, 6 * HOUR, 0), ("2", 0, 6 * HOUR, 1), ("2", 0, 7 * HOUR, 2), ("1", 0, 8 * HOUR, 3))
    table = counts(BUSES, ("bus_municipal", "West", "mountain_line", 5))
    day = make_fleet(duty_inputs(), table, BUS, blocks)
    assert day.vehicles["exempt_reason"].to_list() == ["none", "mountain_line", "mountain_line", "none"]


def test_emergency_buses_and_the_reserve_stay_in_and_blocks_without_bus_are_counted(duty_inputs: Inputs) -> None:
    blocks = trips(*[("1", 0, 6 * HOUR + 60 * number, number) for number in range(20)])
    table = counts(BUSES, ("bus_municipal", "West", "emergency_support", 90))
    day = make_fleet(duty_inputs(bus_reserve_share=0.2), table, BUS, blocks)
    assert (day.vehicles.height, day.without_vehicle) == (8, 12)
    assert set(day.vehicles["exempt_reason"]) == {"none"}


def test_every_departure_of_the_timetable_is_a_promised_leg(duty_inputs: Inputs) -> None:
    inputs = duty_inputs()
    day = make_fleet(inputs, counts(("bus_municipal", "West", "none", 500)), BUS)
    assert day.without_vehicle == 0
    assert day.legs.filter("timed").height == 68
    assert bus_trips(inputs, weekend=True).height == 24


def test_a_fleet_without_trips_stays_in(duty_inputs: Inputs) -> None:
    day = make_fleet(duty_inputs(), counts(BUSES), BUS, Trip.create_empty())
    assert day.vehicles.is_empty()
    assert day.legs.is_empty()


def test_a_double_shift_is_handed_over_at_home_between_the_drivers(duty_inputs: Inputs) -> None:
    day = made(duty_inputs(taxi_double_share=1.0, taxi_in_service_share=1.0), "taxi_company", 200)
    home = day.legs.join(day.vehicles, on="vehicle_id").filter(pl.col("dwell_s") == 900)
    assert home.height == 400
    assert (home["zone"] == home["home_zone"]).all()
    assert day.legs.filter("timed").group_by("vehicle_id").len()["len"].max() == 2


def test_individual_owners_have_one_shift(duty_inputs: Inputs) -> None:
    day = made(
        duty_inputs(taxi_double_share=1.0, taxi_in_service_share=1.0), "taxi_individual", 200, "individual_owner"
    )
    assert day.legs.filter(pl.col("dwell_s") == 900).height == 200


def test_a_taxi_driver_is_home_within_an_hour_of_the_shifts_end(duty_inputs: Inputs) -> None:
    inputs = duty_inputs(taxi_double_share=0.0)
    legs = made(inputs, "taxi_company", 2000).legs
    last = legs.group_by("vehicle_id").agg(
        (pl.col("depart_s") + pl.col("drive_s")).max() - pl.col("depart_s").min(), pl.len()
    )
    # 10 h a shift, 2.5 deviations of half an hour, an hour of overtime, and the kerb and the meal of the last trip
    assert last["depart_s"].max() <= (10 + 1.25 + 1 + 0.5 + 0.025) * HOUR


def test_a_driver_eats_once_a_shift(duty_inputs: Inputs) -> None:
    legs = made(duty_inputs(taxi_double_share=0.0), "taxi_company", 500).legs
    meals = legs.filter(pl.col("dwell_s") == 1800).group_by("vehicle_id").len()
    assert meals["len"].max() == 1
    assert meals.height > 450


def test_twice_the_trips_factor_means_more_trips_and_more_distance(duty_inputs: Inputs) -> None:
    few = made(duty_inputs(taxi_trips_factor=0.5), "taxi_company", 1000).legs
    many = made(duty_inputs(), "taxi_company", 1000).legs
    assert many.height > 1.5 * few.height
    assert many["distance_km"].sum() > 1.5 * few["distance_km"].sum()


def test_empty_kilometres_follow_their_share(duty_inputs: Inputs) -> None:
    full = made(duty_inputs(taxi_empty_share=0.0), "taxi_company", 2000).legs
    half = made(duty_inputs(taxi_empty_share=0.5, taxi_trip_km=9.0), "taxi_company", 2000).legs
    first_full, first_half = (legs.filter("timed")["distance_km"].mean() for legs in (full, half))
    assert first_half - first_full == pytest.approx(9.0, rel=0.05)


@pytest.mark.parametrize(
    "fields",
    [
        {"taxi_demand_bounds": (2.0, 1.0)},
        {"session_bounds": (0.9, 0.1)},
        {"taxi_morning_until_h": 17, "taxi_evening_from_h": 16},
    ],
)
def test_bounds_in_the_wrong_order_are_a_mistake(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="give the lower one first"):
        DutiesSection.model_validate(fields)


def test_a_driver_without_overtime_is_home_in_his_shift(duty_inputs: Inputs) -> None:
    inputs = duty_inputs(taxi_double_share=0.0, taxi_overtime_min=0.0, taxi_handover_min=0.0, taxi_in_service_share=1.0)
    legs = made(inputs, "taxi_company", 500).legs
    shift = legs.group_by("vehicle_id").agg((pl.col("depart_s") + pl.col("drive_s")).max() - pl.col("depart_s").min())
    # 10 h a shift and 2.5 deviations of half an hour; the kerb or the meal of the last trip come on top
    assert shift["depart_s"].max() <= (10 + 1.25 + 0.5 + 0.025) * HOUR


def test_the_share_in_service_is_on_the_road(duty_inputs: Inputs) -> None:
    assert made(duty_inputs(taxi_in_service_share=0.75), "taxi_social", 400, "social_security").vehicles.height == 300


def test_the_first_vehicles_keep_their_day_when_the_fleet_grows(duty_inputs: Inputs) -> None:
    inputs = duty_inputs(taxi_in_service_share=1.0, taxi_double_share=0.0)
    small, large = (made(inputs, "taxi_social", number, "social_security") for number in (40, 60))
    assert large.legs.filter(pl.col("vehicle_id") < 40).equals(small.legs)


def test_a_van_at_the_kerb_has_no_depot_and_charges_elsewhere(duty_inputs: Inputs) -> None:
    day = made(duty_inputs(), "goods_light_pass", 400)
    legs = day.legs.join(day.vehicles, on="vehicle_id")
    kerb, based = legs.filter(pl.col("depot").is_null()), legs.filter(pl.col("depot").is_not_null())
    assert not kerb["at_depot"].any()
    assert kerb.filter("may_charge").height > 0
    assert set(based["depot"]) == {"park"}
    assert based.filter("at_depot")["zone"].unique().to_list() == based["home_zone"].unique().to_list()


def test_a_van_tour_has_its_clusters_and_a_window_at_its_start(duty_inputs: Inputs) -> None:
    day = made(duty_inputs(), "goods_light_pass", 400)
    based = day.vehicles.filter(pl.col("depot").is_not_null())["vehicle_id"].implode()
    legs = day.legs.filter(pl.col("vehicle_id").is_in(based))
    number = legs.group_by("vehicle_id").len()["len"]
    assert set(number) == {3, 6}
    timed = legs.filter("timed")
    assert timed.height * 3 == legs.height
    assert (timed["latest_s"] - timed["depart_s"] == 3600).all()


def test_refuse_is_tipped_at_the_waste_plant_every_tour(duty_inputs: Inputs) -> None:
    day = made(duty_inputs(), "sanitation_light", 100)
    tips = day.legs.filter((pl.col("zone") == 23) & (pl.col("dwell_s") == 1200))
    assert tips.height == 2 * day.vehicles.height


def test_work_at_the_stop_is_its_share_of_the_stop(duty_inputs: Inputs) -> None:
    legs = made(duty_inputs(), "sanitation_heavy", 100).legs.filter(pl.col("work_s") > 0)
    assert legs.height == 2 * 90
    assert (legs["work_s"] == legs["dwell_s"] // 2).all()
    # four to eight stops of 5 min
    assert legs["dwell_s"].min() >= 4 * 300
    assert legs["dwell_s"].max() <= 8 * 300


def test_half_of_the_vehicles_work_at_a_weekend(duty_inputs: Inputs) -> None:
    inputs = duty_inputs(goods_in_service_share=0.8)
    assert made(inputs, "goods_light_pass", 500).vehicles.height == 400
    assert made(inputs, "goods_light_pass", 500, row=WEEKEND).vehicles.height == 200


def test_a_reason_without_pattern_is_named(duty_inputs: Inputs) -> None:
    with pytest.raises(DataError, match="no pattern for exempt reason 'dangerous_goods'"):
        made(duty_inputs(), "goods_light_exempt", 10, "dangerous_goods")


def test_an_unknown_district_is_named(duty_inputs: Inputs) -> None:
    with pytest.raises(DataError, match="'North' is not known"):
        make_fleet(duty_inputs(), counts(("taxi_social", "North", "none", 1)), day_of(MILD, "taxi_social"))


def test_airside_vehicles_stay_at_the_airport(duty_inputs: Inputs) -> None:
    day = made(duty_inputs(), "airside", 100)
    assert day.vehicles["depot"].unique().to_list() == ["field"]
    assert day.legs["zone"].unique().to_list() == day.vehicles["home_zone"].unique().to_list() == [11]
    assert day.legs["timed"].all()


def test_deicers_work_in_winter_only(duty_inputs: Inputs) -> None:
    inputs = duty_inputs(airside_in_service_share=1.0)
    assert made(inputs, "airside", 20, "deicing_snow", WINTER).vehicles.height == 20
    assert made(inputs, "airside", 20, "deicing_snow", MILD).vehicles.height == 0


def test_an_airside_reason_without_kind_is_named(duty_inputs: Inputs) -> None:
    with pytest.raises(DataError, match="no kind for exempt reason 'fire'"):
        made(duty_inputs(), "airside", 5, "fire")


def test_a_day_has_the_fleets_that_have_vehicles(duty_inputs: Inputs) -> None:
    table = counts(
        ("airside", "East", "none", 5), ("taxi_social", "West", "none", 5), ("taxi_company", "West", "none", 0)
    )
    assert list(make_day(duty_inputs(), table, MILD)) == ["airside", "taxi_social"]


def test_the_key_of_a_fleets_day_is_its_own_counts(duty_inputs: Inputs) -> None:
    first = counts(("airside", "East", "none", 5), ("taxi_social", "West", "none", 5))
    second = counts(("taxi_social", "West", "none", 5), ("airside", "East", "none", 6))
    assert counts_key(first, "taxi_social") == counts_key(second, "taxi_social") == (("West", "none", 5),)
    assert counts_key(first, "airside") != counts_key(second, "airside")
