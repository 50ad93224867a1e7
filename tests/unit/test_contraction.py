"""Many-to-many ways through the hierarchy, against scipy's search on the same graph."""

import numpy as np
import pytest
from scipy.sparse.csgraph import dijkstra

from networks.contraction import Hierarchy
from networks.kernels import LANES
from networks.roads import RoadGraph
from networks.travel import Sites, matrices, travel_times


def graph_of(count, pairs, km):
    tail, head = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2).T
    indptr = np.searchsorted(tail, np.arange(count + 1))
    own = np.arange(len(tail))
    return RoadGraph(
        lon=np.linspace(116, 117, count),
        lat=np.full(count, 40.0),
        indptr=indptr,
        to_node=head,
        link=own,
        length_km=km,
        free_flow_kmh=np.full(len(tail), 60.0),
        road_class=np.zeros(len(tail), dtype=np.int64),
        connected=np.ones(count, dtype=np.bool_),
    )


def random_graph(seed, count=120):
    # Sparse enough that some nodes reach no others; nodes with a link to themselves among them.
    rng = np.random.default_rng(seed)
    pairs = {(int(a), int(b)) for a, b in rng.integers(0, count, (3 * count, 2))}
    return graph_of(count, pairs, rng.uniform(0.1, 5, len(pairs))), rng


def at_nodes(nodes, access_km=0.0):
    return Sites(np.asarray(nodes, dtype=np.int64), np.full(len(nodes), access_km))


@pytest.mark.parametrize("seed", range(10))
def test_times_and_lengths_are_those_of_a_search_from_every_source(seed):
    graph, rng = random_graph(seed)
    minutes = rng.uniform(0.1, 9, len(graph.to_node))
    sources, targets = at_nodes(rng.integers(0, 120, 3 * LANES + 1)), at_nodes(rng.integers(0, 120, 50))

    time, km = matrices(graph, sources, targets, minutes)

    truth, before = dijkstra(graph.weighted(minutes), indices=sources.node, return_predecessors=True)
    assert np.isinf(truth).any()
    assert time == pytest.approx(truth[:, targets.node], rel=1e-12)
    lengths = graph.weighted(graph.length_km)
    for row in range(0, len(sources.node), 7):
        for column, node in enumerate(targets.node.tolist()):
            walked = 0.0
            while before[row, node] >= 0:
                walked += lengths[before[row, node], node]
                node = before[row, node]
            assert km[row, column] == pytest.approx(walked if np.isfinite(time[row, column]) else np.inf)


def test_every_hour_has_its_own_weights_and_the_access_of_both_ends():
    graph, rng = random_graph(0)
    minutes = rng.uniform(0.1, 9, (3, len(graph.to_node)))
    sources, targets = at_nodes([0, 5, 9], 1.0), at_nodes([3, 4], 0.5)

    times = travel_times(graph, sources, targets, minutes)

    # 1.5 km of access at 20 km/h are 4.5 min.
    truth = np.stack([dijkstra(graph.weighted(hour), indices=[0, 5, 9])[:, [3, 4]] + 4.5 for hour in minutes])
    assert times.dtype == np.float32
    assert times == pytest.approx(truth, abs=1e-5)


def test_a_hierarchy_made_once_answers_as_one_made_for_the_question():
    graph, rng = random_graph(1)
    minutes = rng.uniform(0.1, 9, len(graph.to_node))
    ranked = Hierarchy.of(graph)

    again = matrices(graph, at_nodes([1, 2]), at_nodes([3, 4]), minutes, hierarchy=ranked)

    assert again[0].tolist() == matrices(graph, at_nodes([1, 2]), at_nodes([3, 4]), minutes)[0].tolist()


def test_without_links_only_the_place_itself_is_reached():
    graph = graph_of(3, [], np.empty(0))

    time, km = matrices(graph, at_nodes([0, 1]), at_nodes([1]), np.empty(0))

    assert time.tolist() == [[np.inf], [0.0]]
    assert km.tolist() == [[np.inf], [0.0]]


def test_no_sources_give_an_empty_table():
    graph, rng = random_graph(2)

    time, km = matrices(graph, at_nodes([]), at_nodes([1, 2]), rng.uniform(1, 2, len(graph.to_node)))

    assert time.shape == km.shape == (0, 2)


def test_a_line_of_nodes_climbs_no_more_shortcuts_than_it_has_nodes():
    pairs = [(n, n + 1) for n in range(50)] + [(n + 1, n) for n in range(50)]

    ranked = Hierarchy.of(graph_of(51, pairs, np.ones(100)))

    assert len(ranked.arcs.head) == 50
    assert sorted(ranked.rank.tolist()) == list(range(51))
