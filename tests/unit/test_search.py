"""Bounded searches, against scipy's on the whole graph."""

import numpy as np
import pytest
from scipy.sparse.csgraph import dijkstra

from networks.roads import RoadGraph
from networks.search import all_nodes, links_in, links_out, within_limit


def random_graph(seed, count=80):
    rng = np.random.default_rng(seed)
    pairs = np.unique(rng.integers(0, count, (3 * count, 2)), axis=0)
    size = len(pairs)
    return RoadGraph(
        lon=np.zeros(count),
        lat=np.zeros(count),
        indptr=np.searchsorted(pairs[:, 0], np.arange(count + 1)),
        to_node=pairs[:, 1],
        link=np.arange(size),
        length_km=rng.uniform(0.1, 5, size),
        free_flow_kmh=np.full(size, 60.0),
        road_class=np.zeros(size, dtype=np.int64),
        connected=np.ones(count, dtype=np.bool_),
    )


@pytest.mark.parametrize("limit", [0.0, 2.0, 6.0, 1000.0])
@pytest.mark.parametrize("origins", [np.array([3]), np.arange(80), np.array([], dtype=np.int64)])
def test_all_within_the_limit_and_no_more_is_found_nearest_first(limit, origins):
    graph = random_graph(1)

    found = within_limit(links_out(graph, graph.length_km), origins, limit, all_nodes(graph))

    truth = dijkstra(graph.weighted(graph.length_km))[origins]
    assert found.shape == (len(origins), 80)
    assert found.nnz == (truth <= limit).sum()
    for row, costs in enumerate(truth):
        stretch = slice(found.indptr[row], found.indptr[row + 1])
        assert found.data[stretch].tolist() == sorted(costs[costs <= limit].tolist())
        assert found.data[stretch].tolist() == costs[found.indices[stretch]].tolist()


def test_only_wanted_nodes_are_listed():
    graph = random_graph(2)
    wanted = np.arange(80) % 9 == 0

    found = within_limit(links_out(graph, graph.length_km), np.arange(40), 8.0, wanted)

    truth = dijkstra(graph.weighted(graph.length_km))[:40, wanted]
    assert set(found.indices.tolist()) <= set(np.flatnonzero(wanted).tolist())
    assert found.nnz == (truth <= 8.0).sum() > 0


def test_links_turned_round_lead_back():
    graph = random_graph(3)

    found = within_limit(links_in(graph, graph.length_km), np.arange(80), 5.0, all_nodes(graph))

    truth = dijkstra(graph.weighted(graph.length_km)).T
    assert found.nnz == (truth <= 5.0).sum()
    assert found.toarray()[truth <= 5.0] == pytest.approx(truth[truth <= 5.0])


def test_origins_that_reach_more_than_the_sampled_ones_still_get_all_their_nodes():
    # A chain of 400 nodes, then 400 alone: the sampled origins, every 25th, are alone but for the first few.
    size = 800
    chain = RoadGraph(
        lon=np.zeros(size),
        lat=np.zeros(size),
        indptr=np.concatenate([np.arange(400), np.full(size - 399, 399)]),
        to_node=np.arange(1, 400),
        link=np.arange(399),
        length_km=np.ones(399),
        free_flow_kmh=np.ones(399),
        road_class=np.zeros(399, dtype=np.int64),
        connected=np.ones(size, dtype=np.bool_),
    )
    alone = np.arange(400, 800)
    origins = np.where(np.arange(400) % 25 == 0, alone, 0)

    found = within_limit(links_out(chain, chain.length_km), origins, 1e9, all_nodes(chain))

    assert np.diff(found.indptr).tolist() == np.where(origins == 0, 400, 1).tolist()
