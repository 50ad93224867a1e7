"""From small OpenStreetMap files, written here, to tables: cutting, directions, courses, parts, places, faults."""

import numpy as np
import osmium
import pytest
from osmium.osm.mutable import Node, Relation, Way

from networks.courses import distance_km
from networks.errors import DataError
from networks.osm import read_osm
from networks.osm_tags import RoadKind, TagRules
from networks.polyline import decoded
from networks.roads import RoadGraph

RULES = TagRules({"primary": RoadKind("arterial", 60.0), "residential": RoadKind("local", 30.0)}, {"cn:urban": 50.0})
STEP = 0.01


def position(number):
    """Nodes 1 to 9 stand in a square of three by three, from the south-west."""
    return 116.0 + (number - 1) % 3 * STEP, 40.0 + (number - 1) // 3 * STEP


def write(path, ways, nodes=range(1, 10), tagged=None, relations=()):
    with osmium.SimpleWriter(str(path)) as writer:
        for number in nodes:
            writer.add_node(Node(id=number, location=position(number), tags=(tagged or {}).get(number, {})))
        for number, (refs, tags) in enumerate(ways, start=100):
            writer.add_way(Way(id=number, nodes=refs, tags=tags))
        for number, (members, tags) in enumerate(relations, start=500):
            writer.add_relation(Relation(id=number, members=members, tags=tags))
    return path


def road(*refs, **tags):
    return list(refs), {"highway": "residential", **tags}


def read(tmp_path, *ways, name="city.osm.pbf", **more):
    return read_osm(write(tmp_path / name, ways, **more), RULES, district="here")


def ends_of(network):
    """Return the links as pairs of node positions, counted as in `position`."""
    places = [
        1 + round((lon - 116.0) / STEP) + 3 * round((lat - 40.0) / STEP)
        for lon, lat in network.nodes.select("lon", "lat").iter_rows()
    ]
    return sorted((places[a], places[b]) for a, b in network.links.select("from_node", "to_node").iter_rows())


@pytest.mark.parametrize("name", ["city.osm.pbf", "city.osm"])
def test_a_way_is_cut_only_where_another_one_meets_it(tmp_path, name):
    network = read(tmp_path, road(4, 5, 6), road(2, 5, 8), name=name)

    assert ends_of(network) == sorted([(4, 5), (5, 4), (5, 6), (6, 5), (2, 5), (5, 2), (5, 8), (8, 5)])


def test_points_between_junctions_stay_as_length_and_course_in_the_order_of_travel(tmp_path):
    network = read(tmp_path, road(1, 2, 3, 6, 9))

    assert ends_of(network) == [(1, 9), (9, 1)]
    from_first = network.links.filter(network.nodes["lon"].gather(network.links["from_node"]) < 116.005)["link"].item()
    points, ends = decoded(network.details["shape"].to_list())
    course = points[ends[from_first] - 3 : ends[from_first]]
    assert course.ravel().tolist() == pytest.approx([x for n in (2, 3, 6) for x in position(n)])
    line = np.array([position(n) for n in (1, 2, 3, 6, 9)])
    assert network.links["length_km"].to_list() == pytest.approx([distance_km(line[:-1], line[1:]).sum()] * 2)


def test_a_one_way_ring_is_driven_one_way_and_against_its_points_where_tagged(tmp_path):
    forward = read(tmp_path, road(1, 2, 5, 4, 1, oneway="yes"), road(2, 4), name="a.osm.pbf")
    backward = read(tmp_path, road(1, 2, 5, 4, 1, oneway="-1"), road(2, 4), name="b.osm.pbf")

    # The ring is cut at its own ends too; the road between 2 and 4 is open both ways.
    assert ends_of(forward) == [(1, 2), (2, 4), (2, 4), (4, 1), (4, 2)]
    assert ends_of(backward) == [(1, 4), (2, 1), (2, 4), (4, 2), (4, 2)]


def test_what_cannot_be_left_or_reached_is_left_out(tmp_path):
    network = read(tmp_path, road(1, 2, 3), road(3, 6, oneway="yes"), road(7, 8))

    assert ends_of(network) == [(1, 3), (3, 1)]
    assert network.left_out == 3


def test_each_direction_takes_its_limit(tmp_path):
    network = read(tmp_path, road(1, 2, **{"maxspeed": "CN:urban", "maxspeed:backward": "20 mph"}))

    assert sorted(network.links["free_flow_kmh"].to_list()) == pytest.approx([32.18688, 50.0])


def test_a_way_whose_point_the_file_lacks_is_cut_there(tmp_path):
    network = read(tmp_path, road(1, 2, 3, 6, 9), nodes=[1, 2, 6, 9])

    assert sorted(ends_of(network)) == [(1, 2), (2, 1)]
    assert network.left_out == 2


def test_names_numbers_and_restrictions_are_kept(tmp_path):
    tags = {
        "name": "长安街",
        "name:en": "Chang'an Avenue",
        "ref": "S1",
        "hgv": "no",
        "maxweight": "10",
        "access": "yes",
    }

    network = read(tmp_path, road(1, 2, **tags))

    link, detail = network.links.row(0, named=True), network.details.row(0, named=True)
    assert (link["road"], link["name_zh"], link["ref"]) == ("Chang'an Avenue", "长安街", "S1")
    assert (detail["way"], detail["highway"], detail["access"], detail["hgv"]) == (100, "residential", "yes", "no")
    assert detail["max_weight_t"] == 10.0


def test_links_inside_a_low_emission_zone_are_marked(tmp_path):
    # The zone is the square of nodes 1, 3, 9, 7 west of 116.015: an outline of nodes 1, 2, 8, 7 holds the road 4-5.
    zone = ([1, 2, 8, 7, 1], {"boundary": "low_emission_zone"})

    network = read(tmp_path, zone, road(4, 5), road(5, 6))

    marked = network.links.filter(network.details["low_emission_zone"])
    assert marked.height == 2
    lon = network.nodes["lon"]
    assert max(lon.gather(marked["from_node"]).max(), lon.gather(marked["to_node"]).max()) < 116.015


def test_places_come_from_points_outlines_and_relations_with_their_names(tmp_path):
    tagged = {
        6: {"amenity": "fuel", "name": "中石化", "name:en": "Sinopec"},
        9: {"amenity": "charging_station"},
        3: {"amenity": "cafe"},
    }
    lot = ([1, 2, 5, 4, 1], {"amenity": "parking", "name": "P1"})
    rim = ([4, 5, 8, 7, 4], {})
    services = (
        [("w", 101, "outer")],
        {"type": "multipolygon", "highway": "services", "name:zh": "服务区", "name": "S"},
    )

    network = read(tmp_path, lot, rim, road(1, 2), tagged=tagged, relations=[services])

    found = {row["place"]: row for row in network.places.iter_rows(named=True)}
    assert {place: row["kind"] for place, row in found.items()} == {
        "osm n6": "fuel_station",
        "osm n9": "charging_station",
        "osm w100": "car_park",
        "osm r500": "service_area",
    }
    assert (found["osm n6"]["name"], found["osm n6"]["name_zh"]) == ("Sinopec", "中石化")
    assert found["osm r500"]["name_zh"] == "服务区"
    assert (found["osm w100"]["lon"], found["osm w100"]["lat"]) == pytest.approx((116.005, 40.005))
    assert set(network.places["district"]) == {"here"}


def test_the_tables_make_a_graph_in_which_every_node_reaches_every_other(tmp_path):
    network = read(tmp_path, road(1, 2, 3, 6, 9), road(4, 5, 6), road(2, 5, 8, oneway="yes"), road(8, 9, oneway="yes"))

    graph = RoadGraph.from_tables(network.nodes, network.links)

    assert graph.node_count == network.nodes.height > 4
    assert graph.connected.all()


def test_an_empty_file_a_cut_off_one_and_another_kind_of_file_are_named(tmp_path):
    whole = write(tmp_path / "whole.osm.pbf", [road(1, 2)]).read_bytes()
    for name, content, fault in (
        ("empty.osm.pbf", b"", "is empty"),
        ("cut.osm.pbf", whole[: len(whole) * 2 // 3], "cannot be read to its end"),
        ("other.osm.pbf", b"lon,lat\n116,40\n" * 40, "cannot be read to its end"),
        ("cut.osm", b'<osm version="0.6"><node id="1"', "cannot be read to its end"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=fault) as caught:
            read_osm(tmp_path / name, RULES, district="here")
        assert str(tmp_path / name) in str(caught.value)


def test_a_missing_file_and_one_without_roads_are_named(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_osm(tmp_path / "none.osm.pbf", RULES, district="here")
    with pytest.raises(DataError, match="holds no road on which cars drive"):
        read(tmp_path, ([1, 2], {"highway": "footway"}))
    with pytest.raises(DataError, match="no two points of its roads have a position"):
        read(tmp_path, road(21, 22), name="far.osm.pbf")
