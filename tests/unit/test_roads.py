"""Courses become a graph: curves, junctions, streets by rule, and the checks on tables of nodes and links."""

import numpy as np
import polars as pl
import pytest

from networks.courses import distance_km, inside, km_per_degree, street_lines, trace
from networks.errors import DataError
from networks.roads import RoadGraph, build_network

LON, LAT = 116.4, 40.0
EAST, NORTH = (float(x) for x in km_per_degree(np.asarray(LAT)))

GRID_COLUMNS = {
    "grid": pl.String,
    "rank": pl.Int64,
    "outline": pl.String,
    "kind": pl.String,
    "spacing_km": pl.Float64,
    "reach_km": pl.Float64,
    "road_class": pl.String,
    "free_flow_kmh": pl.Float64,
    "winding": pl.Float64,
}
NO_GRIDS = pl.DataFrame(schema=GRID_COLUMNS)


def at(east_km, north_km):
    return LON + east_km / EAST, LAT + north_km / NORTH


def points_of(**courses):
    rows = [
        {"course": name, "order": order, "lon": at(*place)[0], "lat": at(*place)[1]}
        for name, places in courses.items()
        for order, place in enumerate(places)
    ]
    return pl.DataFrame(rows)


def course(name, road_class="local", closed=False, winding=1.0):
    return {
        "course": name,
        "road": name,
        "name_zh": None,
        "ref": None,
        "road_class": road_class,
        "free_flow_kmh": 50.0,
        "closed": closed,
        "smooth": False,
        "winding": winding,
        "basis": "assumption",
    }


def courses_of(*rows):
    return pl.DataFrame(list(rows), schema_overrides={"name_zh": pl.String, "ref": pl.String})


def build(points, *rows, grids=NO_GRIDS):
    return build_network(points, courses_of(*rows), grids)


def nodes_of(count):
    return pl.DataFrame({"node": range(count), "lon": [LON] * count, "lat": [LAT] * count})


def links_of(*rows):
    data = [
        {
            "link": number,
            "from_node": a,
            "to_node": b,
            "road_class": "local",
            "length_km": km,
            "free_flow_kmh": kmh,
        }
        for number, (a, b, km, kmh) in enumerate(rows)
    ]
    schema = {
        "link": pl.Int64,
        "from_node": pl.Int64,
        "to_node": pl.Int64,
        "road_class": pl.String,
        "length_km": pl.Float64,
        "free_flow_kmh": pl.Float64,
    }
    return pl.DataFrame(data, schema=schema)


def test_a_degree_at_40_north_has_the_length_of_the_ellipsoid():
    # WGS-84: 85.394 km a degree of longitude and 111.035 km a degree of latitude at 40 N.
    lengths = [float(x) for x in km_per_degree(np.asarray(40.0))]

    assert lengths == pytest.approx([85.394, 111.035], abs=0.01)


def test_a_smooth_ring_through_points_of_a_circle_is_as_long_as_the_circle():
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    points = np.array([at(5 * np.cos(a), 5 * np.sin(a)) for a in angle])

    ring = trace("ring", points, closed=True, smooth=True)

    assert ring.length_km == pytest.approx(2 * np.pi * 5, rel=1e-3)
    assert ring.closed


def test_two_roads_that_cross_share_one_node_in_the_middle():
    points = points_of(a=[(-1, 0), (1, 0)], b=[(0, -1), (0, 1)])

    nodes, links = build(points, course("a"), course("b"))

    assert (len(nodes), len(links)) == (5, 8)
    assert links["length_km"].to_list() == pytest.approx([1.0] * 8, abs=1e-3)


def test_a_road_that_ends_just_short_of_another_is_joined_to_it():
    points = points_of(a=[(-1, 0), (1, 0)], b=[(0, 0.2), (0, 2)])

    nodes, links = build(points, course("a"), course("b"))

    assert (len(nodes), len(links)) == (4, 6)


def test_a_road_that_joins_no_other_is_named():
    points = points_of(a=[(-1, 0), (1, 0)], b=[(0, -1), (0, 1)], far=[(5, 5), (6, 5)])

    with pytest.raises(DataError, match="course 'far' joins no other road"):
        build(points, course("a"), course("b"), course("far"))


def test_a_course_without_points_is_named():
    with pytest.raises(DataError, match="course 'b' has 0 points"):
        build(points_of(a=[(-1, 0), (1, 0)]), course("a"), course("b"))


def test_bends_that_were_not_entered_lengthen_a_road_by_its_winding():
    points = points_of(a=[(-1, 0), (1, 0)], b=[(0, -1), (0, 1)])

    _, links = build(points, course("a", winding=1.5), course("b"))

    by_road = links.group_by("road").agg(pl.col("length_km").sum() / 2).sort("road")
    assert by_road["length_km"].to_list() == pytest.approx([3.0, 2.0], abs=1e-3)


def test_where_two_roads_share_their_ground_the_higher_class_remains():
    points = points_of(a=[(0, 0), (1, 0)], b=[(0, 0.02), (1, 0.02)])

    _, links = build(points, course("a", "secondary"), course("b", "expressway"))

    assert links["road"].unique().to_list() == ["b"]


def test_streets_by_rule_keep_to_their_outline_and_out_of_the_holes():
    outline = np.array([at(x, y) for x, y in [(0, 0), (10, 0), (10, 10), (0, 10)]])
    hole = np.array([at(x, y) for x, y in [(3, 3), (7, 3), (7, 7), (3, 7)]])

    streets = street_lines("s", outline, [hole], 1.0)

    points = np.vstack([street.lonlat for street in streets])
    assert len(points) > 100
    assert inside(points, outline).all()
    assert not inside(points, hole).any()


def test_far_lattice_points_get_a_dead_end_lane_and_near_ones_none():
    points = points_of(a=[(-1, 0), (1, 0)], b=[(0, -1), (0, 1)], area=[(-9, -9), (9, -9), (9, 9), (-9, 9)])
    grids = pl.DataFrame(
        [("lanes", 0, "area", "spurs", 4.0, 3.0, "local", 30.0, 1.4)], schema=GRID_COLUMNS, orient="row"
    )

    nodes, links = build(points, course("a"), course("b"), grids=grids)

    lanes = links.filter(pl.col("basis") == "synthetic")
    place = nodes.select("lon", "lat").to_numpy()
    straight = distance_km(place[lanes["from_node"].to_numpy()], place[lanes["to_node"].to_numpy()])
    assert len(lanes) == 2 * (len(nodes) - 5) > 20
    assert lanes["length_km"].to_numpy() == pytest.approx(1.4 * straight, rel=1e-2)
    assert straight.min() > 3.0


def test_a_link_to_a_missing_node_is_named():
    with pytest.raises(DataError, match="link 1, column to_node: node 7 is not in the nodes"):
        RoadGraph.from_tables(nodes_of(2), links_of((0, 1, 1, 60), (1, 7, 1, 60)))


def test_node_numbers_with_a_gap_are_refused():
    with pytest.raises(DataError, match="do not run from 0 to 1 without a gap"):
        RoadGraph.from_tables(pl.DataFrame({"node": [0, 2], "lon": [LON] * 2, "lat": [LAT] * 2}), links_of())


def test_of_parallel_links_the_quickest_is_kept():
    graph = RoadGraph.from_tables(nodes_of(2), links_of((0, 1, 2, 60), (0, 1, 3, 120), (1, 0, 1, 60)))

    assert graph.link.tolist() == [1, 2]


def test_a_one_way_dead_end_is_not_connected():
    graph = RoadGraph.from_tables(nodes_of(3), links_of((0, 1, 1, 60), (1, 0, 1, 60), (1, 2, 1, 60)))

    assert graph.connected.tolist() == [True, True, False]
