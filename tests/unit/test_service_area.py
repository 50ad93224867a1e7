"""Service areas by geometry: areas computed by hand, holes, cut roads, and the union of buffers as truth."""

import h3
import numpy as np
import polars as pl
import pytest
import shapely

from networks.courses import km_per_degree, plane_km
from networks.polyline import encoded
from networks.roads import RoadGraph
from networks.service_area import Ground, Question, ServiceAreas
from networks.travel import Sites

LAT = 40.0
EAST, NORTH = (float(x) for x in km_per_degree(np.asarray(LAT)))


def graph_of(places_km, pairs, lengths_km=None):
    nodes = pl.DataFrame(
        {
            "node": range(len(places_km)),
            "lon": [116 + x / EAST for x, _ in places_km],
            "lat": [LAT + y / NORTH for _, y in places_km],
        }
    )
    straight = [float(np.hypot(*np.subtract(places_km[a], places_km[b]))) for a, b in pairs]
    links = pl.DataFrame(
        {
            "link": range(len(pairs)),
            "from_node": [a for a, _ in pairs],
            "to_node": [b for _, b in pairs],
            "length_km": lengths_km or straight,
            "free_flow_kmh": 60.0,
            "road_class": "local",
        }
    )
    return RoadGraph.from_tables(nodes, links)


def both_ways(pairs):
    return [*pairs, *((b, a) for a, b in pairs)]


def areas(graph, node, limit_km, *, toward=True, access_km=0.0, details=None):
    sites, ground = Sites(np.array([node]), np.array([access_km])), Ground.of(graph, details)
    return ServiceAreas(ground, sites, Question.by_km(ground, sites, limit_km, toward=toward))


def km2(polygon, lat=LAT):
    return shapely.transform(polygon, lambda c: plane_km(c, lat)).area


def test_a_road_cut_at_the_limit_has_the_area_of_its_strip_with_round_ends():
    road = graph_of([(0, 0), (5, 0)], both_ways([(0, 1)]))

    polygon = areas(road, 0, 2.0).polygon(0, width_km=0.2)

    assert km2(polygon) == pytest.approx(2.0 * 0.4 + np.pi * 0.2**2, rel=0.02)
    assert polygon.bounds[2] == pytest.approx(116 + 2.2 / EAST, abs=2e-4)


def test_access_shortens_what_is_left_of_the_limit():
    road = graph_of([(0, 0), (5, 0)], both_ways([(0, 1)]))

    assert km2(areas(road, 0, 2.0, access_km=1.5).polygon(0, width_km=0.2)) == pytest.approx(
        0.5 * 0.4 + np.pi * 0.2**2, rel=0.02
    )
    assert areas(road, 0, 2.0, access_km=2.5).polygon(0).is_empty


def test_a_block_wider_than_the_strips_stays_a_hole():
    square = graph_of([(0, 0), (1, 0), (1, 1), (0, 1)], both_ways([(0, 1), (1, 2), (2, 3), (3, 0)]))

    polygon = areas(square, 0, 9.0).polygon(0, width_km=0.1)

    assert [len(part.interiors) for part in polygon.geoms] == [1]
    assert km2(shapely.Polygon(polygon.geoms[0].interiors[0])) == pytest.approx(0.8**2, rel=0.02)
    assert km2(polygon) == pytest.approx(1.2**2 - (4 - np.pi) * 0.1**2 - 0.8**2, rel=0.02)


def test_on_a_one_way_road_one_drives_toward_a_site_from_behind_and_from_it_ahead():
    road = graph_of([(0, 0), (2, 0), (4, 0)], [(0, 1), (1, 2)])

    toward, away = (areas(road, 1, 1.0, toward=way).polygon(0) for way in (True, False))

    middle = 116 + 2 / EAST
    assert toward.bounds[0] == pytest.approx(middle - 1.1 / EAST, abs=1e-4)
    assert toward.bounds[2] == pytest.approx(middle + 0.1 / EAST, abs=1e-4)
    assert away.bounds[2] == pytest.approx(middle + 1.1 / EAST, abs=1e-4)


def test_a_road_with_a_course_is_followed_round_its_bend():
    bend = np.array([[116 + 1 / EAST, LAT + 1 / NORTH]])
    graph = graph_of([(0, 0), (2, 0)], both_ways([(0, 1)]), [2 * 2**0.5] * 2)
    shape = encoded(bend, np.array([1]))[0]
    details = pl.DataFrame({"link": [0, 1], "shape": [shape, shape]})

    polygon = areas(graph, 0, 2**0.5, details=details).polygon(0, width_km=0.1)

    # Half the way is the first leg, up to the corner.
    assert polygon.contains(shapely.Point(116 + 0.98 / EAST, LAT + 0.98 / NORTH))
    assert not polygon.intersects(shapely.Point(116 + 1.2 / EAST, LAT))
    assert km2(polygon) == pytest.approx(2**0.5 * 0.2 + np.pi * 0.1**2, rel=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_the_area_is_that_of_the_union_of_buffers_within_two_percent(seed):
    rng = np.random.default_rng(seed)
    side = 12
    lattice = np.array([(x, y) for y in range(side) for x in range(side)]) * 0.3
    places = (lattice + rng.uniform(-0.08, 0.08, lattice.shape)).tolist()
    pairs = [(n, n + 1) for n in range(side * side) if (n + 1) % side and rng.random() < 0.8]
    pairs += [(n, n + side) for n in range(side * (side - 1)) if rng.random() < 0.8]
    city = areas(graph_of(places, both_ways(pairs)), 5 * side + 5, 1.3)

    polygon = city.polygon(0)

    ends = plane_km(city.stretches(0).reshape(-1, 2), LAT).reshape(-1, 2, 2)
    truth = shapely.union_all(shapely.buffer(shapely.linestrings(ends), 0.1, quad_segs=16))
    assert polygon.is_valid
    assert sum(len(part.interiors) for part in polygon.geoms) > 3
    assert km2(polygon) == pytest.approx(truth.area, rel=0.02)


def test_hexagons_hold_the_lowest_cost_at_which_their_road_is_reached():
    road = graph_of([(0, 0), (5, 0)], both_ways([(0, 1)]))

    table = areas(road, 0, 2.0).hexagons(9)

    start = h3.latlng_to_cell(LAT, 116.0, 9)
    costs = dict(zip(table["cell"].to_list(), table["cost"].to_list(), strict=True))
    assert costs[start] == 0.0
    assert table["cost"].max() <= 2.0
    for cell, cost in costs.items():
        # No cell is nearer than its nearest corner, nor farther than its farthest one and half an edge between samples.
        corners = np.array([(116 - lon) * -EAST for _, lon in h3.cell_to_boundary(cell)])
        assert max(0.0, corners.min()) - 1e-6 <= cost <= max(0.0, corners.min()) + 0.6


def test_a_course_of_another_link_is_not_touched():
    graph = graph_of([(0, 0), (1, 0), (2, 0)], both_ways([(0, 1), (1, 2)]))

    shape = encoded(np.array([[116.005, 40.01]]), np.array([1]))
    ground = Ground.of(graph, pl.DataFrame({"link": [0], "shape": shape}))

    assert np.diff(ground.first).tolist() == [3 if link == 0 else 2 for link in graph.link.tolist()]
    assert ground.share[ground.first[:-1]].tolist() == [0.0] * 4
    assert ground.share[ground.first[1:] - 1].tolist() == [1.0] * 4
