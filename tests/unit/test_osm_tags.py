"""What tags say to a driver, one rule at a time."""

import pytest

from networks.osm_tags import RoadKind, TagRules, directions, measure, road_of, speed_kmh

CODES = {"cn:urban": 50.0, "cn:rural": 70.0, "urban": 50.0, "rural": 80.0, "walk": 6.0}
RULES = TagRules({"primary": RoadKind("arterial", 60.0), "service": RoadKind("local", 20.0)}, CODES)


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("50", 50.0),
        (" 50 km/h", 50.0),
        ("30 mph", 48.28032),
        ("30mph", 48.28032),
        ("10 knots", 18.52),
        ("CN:urban", 50.0),
        ("CN:rural", 70.0),
        ("DE:urban", 50.0),
        ("DE:zone30", 30.0),
        ("zone:20", 20.0),
        ("walk", 6.0),
        ("60;40", 40.0),
        ("60|80|100", 60.0),
        ("60, signals", 60.0),
        ("signals", None),
        ("0", None),
        ("999", None),
        ("", None),
        (None, None),
    ],
)
def test_a_limit_is_read_in_every_form_it_is_written(text, kmh):
    assert speed_kmh(text, CODES) == (pytest.approx(kmh) if kmh else None)


@pytest.mark.parametrize(
    ("tags", "open_ways"),
    [
        ({"highway": "primary"}, (True, True)),
        ({"highway": "primary", "oneway": "no"}, (True, True)),
        ({"highway": "primary", "oneway": "yes"}, (True, False)),
        ({"highway": "primary", "oneway": "1"}, (True, False)),
        ({"highway": "primary", "oneway": "-1"}, (False, True)),
        ({"highway": "primary", "oneway": "reverse"}, (False, True)),
        ({"highway": "primary", "oneway": "reversible"}, (True, True)),
        ({"highway": "primary", "junction": "roundabout"}, (True, False)),
        ({"highway": "primary", "junction": "circular"}, (True, False)),
        ({"highway": "motorway"}, (True, False)),
        ({"highway": "motorway", "oneway": "no"}, (True, True)),
        ({"highway": "motorway_link"}, (True, True)),
    ],
)
def test_one_way_is_as_tagged_and_implied_on_roundabouts_and_motorways(tags, open_ways):
    assert directions(tags) == open_ways


@pytest.mark.parametrize(
    ("tags", "drivable"),
    [
        ({}, True),
        ({"access": "no"}, False),
        ({"access": "private"}, False),
        ({"access": "destination"}, True),
        ({"access": "no", "motor_vehicle": "yes"}, True),
        ({"access": "yes", "motorcar": "no"}, False),
        ({"vehicle": "no", "bus": "yes"}, False),
        ({"area": "yes"}, False),
        ({"highway": "footway"}, False),
        ({"highway": "service"}, True),
        ({"highway": "service", "service": "parking_aisle"}, False),
    ],
)
def test_the_nearest_tag_to_cars_decides_on_access(tags, drivable):
    assert (road_of({"highway": "primary", **tags}, RULES) is not None) == drivable


def test_each_direction_has_its_own_limit_and_the_class_stands_in_for_a_missing_one():
    tagged = road_of({"highway": "primary", "maxspeed": "70", "maxspeed:backward": "30 mph"}, RULES)
    by_type = road_of({"highway": "primary", "maxspeed:type": "CN:urban"}, RULES)
    plain = road_of({"highway": "primary", "maxspeed": "variable", "oneway": "yes"}, RULES)

    assert tagged is not None
    assert (tagged.forward_kmh, tagged.backward_kmh) == (70.0, pytest.approx(48.28032))
    assert by_type is not None
    assert by_type.forward_kmh == 50.0
    assert plain is not None
    assert (plain.forward_kmh, plain.backward_kmh, plain.road_class) == (60.0, None, "arterial")


def test_restrictions_of_goods_vehicles_and_low_emission_zones_are_kept():
    road = road_of(
        {"highway": "primary", "hgv": "no", "maxweight": "7.5 t", "maxheight": "3,8", "low_emission_zone": "yes"}, RULES
    )

    assert road is not None
    assert (road.hgv, road.max_weight_t, road.max_height_m, road.low_emission) == ("no", 7.5, 3.8, True)


@pytest.mark.parametrize(("text", "value"), [("3.5", 3.5), ("4 m", 4.0), ("default", None), ("12'6\"", None)])
def test_a_limit_without_metric_units_is_left_out(text, value):
    assert measure(text) == value
