"""Times by hour, matrices, nearest targets and reach, against hand-computed graphs and brute force."""

import numpy as np
import polars as pl
import pytest

from networks.errors import DataError
from networks.roads import RoadGraph
from networks.tables import ROAD_CLASSES
from networks.travel import Sites, link_minutes, matrices, nearest_k, shortest_km, snap, travel_minutes, within


def graph_of(count, rows, lon=None):
    nodes = pl.DataFrame({"node": range(count), "lon": lon or [116.0] * count, "lat": [40.0] * count})
    links = pl.DataFrame(
        [
            {
                "link": n,
                "from_node": a,
                "to_node": b,
                "road_class": cls,
                "length_km": float(km),
                "free_flow_kmh": 60.0,
            }
            for n, (a, b, km, cls) in enumerate(rows)
        ]
    )
    return RoadGraph.from_tables(nodes, links)


def speeds_of(local=1.0, others=1.0, hour=8):
    rows = [(name, hour, local if name == "local" else others, 1.0) for name in ROAD_CLASSES]
    return pl.DataFrame(rows, schema=["road_class", "hour", "weekday_factor", "weekend_factor"], orient="row")


def five_nodes():
    # 0-1-2 by local roads of 2 km; 0-3-2 by an expressway of 3 km each; 4 hangs on 2 and leads nowhere.
    rows = [(0, 1, 2, "local"), (1, 2, 2, "local"), (0, 3, 3, "expressway"), (3, 2, 3, "expressway")]
    return graph_of(5, [*rows, (2, 0, 1, "local"), (2, 4, 1, "local")])


def sites(*nodes, access_km=0.0):
    return Sites(np.array(nodes, dtype=np.int64), np.full(len(nodes), access_km))


def random_case(seed, targets=30):
    rng = np.random.default_rng(seed)
    count = 60
    pairs = {(n, (n + 1) % count) for n in range(count)}
    pairs |= {(int(a), int(b)) for a, b in rng.integers(0, count, (150, 2)) if a != b}
    graph = graph_of(count, [(a, b, rng.uniform(0.2, 9), "local") for a, b in sorted(pairs)])
    starts = Sites(rng.integers(0, count, 40), rng.uniform(0, 3, 40))
    ends = Sites(rng.integers(0, count, targets), rng.uniform(0, 3, targets))
    return graph, starts, ends, link_minutes(graph, speeds_of(0.5), hour=8, weekday=True)


def test_half_the_free_flow_speed_doubles_the_time_on_a_weekday_only():
    graph = five_nodes()
    local = graph.road_class == ROAD_CLASSES.index("local")

    weekday = link_minutes(graph, speeds_of(0.5), hour=8, weekday=True)
    weekend = link_minutes(graph, speeds_of(0.5), hour=8, weekday=False)

    assert weekday[local].tolist() == (2 * graph.length_km[local]).tolist()
    assert weekend.tolist() == graph.length_km.tolist()


def test_an_hour_without_speeds_is_named():
    with pytest.raises(DataError, match="class 'local' has no row for hour 9"):
        link_minutes(five_nodes(), speeds_of(), hour=9, weekday=True)


@pytest.mark.parametrize(("factor", "expected"), [(1.0, [0, 2, 4, 3, 5]), (0.5, [0, 4, 6, 3, 8])])
def test_the_quickest_way_turns_to_the_expressway_when_local_roads_are_slow(factor, expected):
    found = travel_minutes(five_nodes(), np.array([0]), hour=8, weekday=True, speeds=speeds_of(factor))

    assert found[0].tolist() == expected


def test_no_way_back_from_a_dead_end_is_infinite():
    found = travel_minutes(five_nodes(), np.array([4]), hour=8, weekday=True, speeds=speeds_of())

    assert found[0].tolist() == [np.inf, np.inf, np.inf, np.inf, 0]


def test_the_distance_is_that_of_the_quickest_path_not_of_the_shortest():
    graph = five_nodes()
    minutes = link_minutes(graph, speeds_of(0.5), hour=8, weekday=True)

    time, distance = matrices(graph, sites(0, access_km=1.0), sites(2, access_km=0.5), minutes)

    # 6 min and 6 km by expressway (4 km by local roads would take 8 min), and 1.5 km of access at 20 km/h.
    assert time[0, 0] == pytest.approx(6 + 4.5)
    assert distance[0, 0] == pytest.approx(7.5)


def test_a_place_walks_to_its_nearest_connected_node_with_a_detour():
    rows = [(0, 1, 1, "local"), (1, 0, 1, "local"), (1, 2, 1, "local")]
    graph = graph_of(3, rows, lon=[116.0, 116.1, 116.2])

    found = snap(graph, np.array([116.19]), np.array([40.0]))

    # Node 2 is nearer but a dead end; a hundredth of a degree at 40 N is 0.85394 km.
    assert found.node.tolist() == [1]
    assert found.access_km[0] == pytest.approx(1.3 * 9 * 0.85394, rel=1e-3)
    assert found.access_min[0] == pytest.approx(found.access_km[0] * 3)


def test_a_place_beyond_the_limit_is_named():
    graph = graph_of(2, [(0, 1, 1, "local"), (1, 0, 1, "local")])

    with pytest.raises(DataError, match=r"place 1 at 117\.0000, 40\.0000: .* is 85\.4 km away"):
        snap(graph, np.array([116.0, 117.0]), np.array([40.0, 40.0]))


@pytest.mark.parametrize("seed", range(8))
def test_the_nearest_targets_are_those_of_brute_force(seed):
    graph, starts, ends, minutes = random_case(seed)
    time, distance = matrices(graph, starts, ends, minutes)

    found = nearest_k(graph, starts, ends, 5, minutes=minutes)

    order = np.argsort(time, axis=1, kind="stable")[:, :5]
    assert found.target.tolist() == order.tolist()
    assert found.minutes == pytest.approx(np.take_along_axis(time, order, 1))
    assert found.km == pytest.approx(np.take_along_axis(distance, order, 1))


def test_with_fewer_targets_than_asked_the_rest_stays_empty():
    graph, starts, ends, minutes = random_case(0, targets=2)

    found = nearest_k(graph, starts, ends, 4, minutes=minutes)

    assert (found.target[:, :2] >= 0).all()
    assert (found.target[:, 2:] == -1).all()
    assert np.isinf(found.minutes[:, 2:]).all()


def test_a_target_that_cannot_be_reached_is_not_among_the_nearest():
    graph = five_nodes()
    minutes = link_minutes(graph, speeds_of(), hour=8, weekday=True)

    found = nearest_k(graph, sites(4), sites(0, 4), 2, minutes=minutes)

    assert found.target.tolist() == [[1, -1]]


@pytest.mark.parametrize("seed", range(4))
def test_what_lies_within_a_time_is_what_the_full_matrix_says(seed):
    graph, starts, ends, minutes = random_case(seed)
    time, _ = matrices(graph, starts, ends, minutes)

    found = within(graph, starts, ends, limit_min=20.0, minutes=minutes)

    assert found.nnz == (time <= 20.0).sum() > 0
    row, column = found.nonzero()
    assert found.data == pytest.approx(time[row, column])


def test_reach_in_km_takes_the_shortest_path_and_keeps_a_distance_of_zero():
    found = within(five_nodes(), sites(0, 3), sites(0, 2), limit_km=4.0)

    # From 0: itself 0 km, node 2 by local roads 4 km. From 3: node 2 at 3 km, node 0 behind it at 4 km.
    assert found.indptr.tolist() == [0, 2, 4]
    assert found.indices.tolist() == [0, 1, 0, 1]
    assert found.data.tolist() == [0.0, 4.0, 4.0, 3.0]


def test_reach_wants_exactly_one_limit():
    with pytest.raises(ValueError, match="give one limit"):
        within(five_nodes(), sites(0), sites(1), limit_km=1.0, limit_min=1.0)


def test_the_shortest_way_is_by_length_and_counts_the_access_at_both_ends_in_km():
    nodes = pl.DataFrame({"node": [0, 1], "lon": [116.0, 116.1], "lat": [40.0, 40.0]})
    links = pl.DataFrame(
        {
            "link": [0, 1],
            "from_node": [0, 1],
            "to_node": [1, 0],
            "length_km": [10.0, 10.0],
            "free_flow_kmh": [60.0, 60.0],
            "road_class": ["arterial", "arterial"],
        }
    )
    graph = RoadGraph.from_tables(nodes, links)
    home = Sites(np.array([0]), np.array([0.5]))
    near_but_off_the_road, far_but_on_it = Sites(np.array([0]), np.array([11.0])), Sites(np.array([1]), np.array([0.2]))

    both = Sites(np.array([0, 1]), np.array([11.0, 0.2]))

    assert shortest_km(graph, home, near_but_off_the_road).tolist() == [11.5]
    assert shortest_km(graph, home, far_but_on_it).tolist() == [10.7]
    assert shortest_km(graph, home, both).tolist() == [10.7]
