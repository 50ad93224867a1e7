"""Flow refuelling in terms of routes, groups of flows and clauses; greedy choice and exchanges.

A clause is hit when a station stands at one of its nodes; a route is open when all its clauses are hit; a group of
flows with the same routes gets through when one of them is open.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charging.siting.flow_routes import Clause, Route
from charging.siting.problem import FloatArray, IntArray
from networks.compiled import compiled


class Ways(NamedTuple):
    """Groups, their routes, the clauses of the routes and the nodes of the clauses, each in CSR form.

    Parameters
    ----------
    weight
        Volume of each group.
    first_route
        Where the routes of each group begin; one more at the end.
    first_clause, clause
        Where the clauses of each route begin, and the clauses.
    first_node, node
        Where the nodes of each clause begin, and the nodes.
    """

    weight: FloatArray
    first_route: IntArray
    first_clause: IntArray
    clause: IntArray
    first_node: IntArray
    node: IntArray


def group_flows(routes: list[list[Route]], volume: FloatArray) -> Ways:
    """Return the groups of flows with the same clauses; flows without a route or volume are left out."""
    number: dict[Clause, int] = {}
    groups: dict[tuple[tuple[int, ...], ...], float] = {}
    for ways, each in zip(routes, volume.tolist(), strict=True):
        if not ways or each <= 0:
            continue
        options = {tuple(sorted(number.setdefault(clause, len(number)) for clause in way.clauses)) for way in ways}
        key = tuple(sorted(options))
        groups[key] = groups.get(key, 0.0) + each
    flat = [option for key in groups for option in key]
    return Ways(
        np.array(list(groups.values()), dtype=np.float64),
        _starts([len(key) for key in groups]),
        _starts([len(option) for option in flat]),
        np.array([clause for option in flat for clause in option], dtype=np.int64),
        _starts([len(clause) for clause in number]),
        np.array([node for clause in number for node in clause], dtype=np.int64),
    )


def _starts(sizes: list[int]) -> IntArray:
    starts: IntArray = np.r_[0, np.cumsum(np.array(sizes, dtype=np.int64))]
    return starts


def refuelled(ways: Ways, sites: IntArray, n_nodes: int) -> float:
    """Return the volume that gets through with stations at `sites`."""
    is_open = np.zeros(n_nodes, dtype=np.bool_)
    is_open[sites] = True
    gain = np.zeros(n_nodes)
    return float(_gains(ways, is_open, gain, 0.0))


def choose_greedily(ways: Ways, p: int, sites: IntArray, allowed: NDArray[np.bool_]) -> IntArray:
    """Return p sites, those of `sites` first, then each the allowed one that helps most; nearly open routes count."""
    chosen = sites.tolist()
    is_open = np.zeros(len(allowed), dtype=np.bool_)
    is_open[sites] = True
    gain = np.empty(len(allowed))
    while len(chosen) < p:
        _gains(ways, is_open, gain, 1.0)
        gain[is_open | ~allowed] = -1.0
        best = int(gain.argmax())
        is_open[best] = True
        chosen.append(best)
    return np.array(chosen, dtype=np.int64)


def exchange(ways: Ways, sites: IntArray, n_fixed: int, n_nodes: int, rounds: int) -> IntArray:
    """Return the sites after moving single ones, as long as that helps; the first `n_fixed` stay."""
    sites = sites.astype(np.int64)
    _exchange(ways, sites, n_fixed, n_nodes, rounds)
    return sites


@compiled
def _gains(ways: Ways, is_open: NDArray[np.bool_], gain: FloatArray, partly: float) -> float:
    """Return the volume that gets through; fill in what a station at each node adds.

    With `partly` above 0 a node also counts for routes that lack more than it can hit, less the more they lack.
    """
    gain[:] = 0.0
    hit = np.zeros(len(ways.first_node) - 1, dtype=np.bool_)
    for clause in range(len(hit)):
        for place in range(ways.first_node[clause], ways.first_node[clause + 1]):
            hit[clause] |= is_open[ways.node[place]]
    times = np.zeros(len(gain), dtype=np.int64)
    through = 0.0
    for group in range(len(ways.weight)):
        routes = range(ways.first_route[group], ways.first_route[group + 1])
        fewest = _fewest_missed(ways, hit, routes.start, routes.stop)
        if fewest == 0:
            through += ways.weight[group]
            continue
        for route in routes:
            if partly > 0.0:
                _add_gain(ways, hit, route, ways.weight[group], (gain, times), partly)
            else:
                _add_whole_gain(ways, hit, route, ways.weight[group], gain)
    return through


@compiled
def _fewest_missed(ways: Ways, hit: NDArray[np.bool_], start: int, stop: int) -> int:
    fewest = 1 << 30
    for route in range(start, stop):
        missed = 0
        for place in range(ways.first_clause[route], ways.first_clause[route + 1]):
            missed += not hit[ways.clause[place]]
        fewest = min(fewest, missed)
    return fewest


@compiled
def _add_gain(  # noqa: C901 - one pass over one state
    ways: Ways, hit: NDArray[np.bool_], route: int, weight: float, sums: tuple[FloatArray, IntArray], partly: float
) -> None:
    gain, times = sums
    missed = 0
    for place in range(ways.first_clause[route], ways.first_clause[route + 1]):
        clause = ways.clause[place]
        if hit[clause]:
            continue
        missed += 1
        for at in range(ways.first_node[clause], ways.first_node[clause + 1]):
            times[ways.node[at]] += 1
    for place in range(ways.first_clause[route], ways.first_clause[route + 1]):
        clause = ways.clause[place]
        if hit[clause]:
            continue
        for at in range(ways.first_node[clause], ways.first_node[clause + 1]):
            node = ways.node[at]
            if times[node] == missed:
                gain[node] += weight
            elif times[node] > 0:
                left = missed - times[node] + 1
                gain[node] += partly * weight / (left * left)
            times[node] = 0


@compiled
def _add_whole_gain(ways: Ways, hit: NDArray[np.bool_], route: int, weight: float, gain: FloatArray) -> None:  # noqa: C901 - one pass over one state
    """Add the weight to the gain of the nodes that hit all clauses the route lacks."""
    left = np.empty(0, dtype=np.int64)
    begun = False
    for place in range(ways.first_clause[route], ways.first_clause[route + 1]):
        clause = ways.clause[place]
        if hit[clause]:
            continue
        nodes = ways.node[ways.first_node[clause] : ways.first_node[clause + 1]]
        if not begun:
            left, begun = nodes.copy(), True
            continue
        kept = 0
        for each in left:
            for node in nodes:
                if node == each:
                    left[kept] = each
                    kept += 1
                    break
        if kept == 0:
            return
        left = left[:kept]
    for node in left:
        gain[node] += weight


@compiled
def _exchange(ways: Ways, sites: IntArray, n_fixed: int, n_nodes: int, rounds: int) -> None:
    is_open = np.zeros(n_nodes, dtype=np.bool_)
    is_open[sites] = True
    gain = np.empty(n_nodes)
    value = _gains(ways, is_open, gain, 0.0)
    for _ in range(rounds):
        moved = False
        for slot in range(n_fixed, len(sites)):
            is_open[sites[slot]] = False
            left = _gains(ways, is_open, gain, 0.0)
            for site in range(n_nodes):
                if is_open[site]:
                    gain[site] = -1.0
            best = np.argmax(gain)
            is_open[best] = True
            new = _gains(ways, is_open, gain.copy(), 0.0) if gain[best] > 0 else left
            if new > value * (1 + 1e-12) + 1e-12:
                sites[slot], value, moved = best, new, True
            else:
                is_open[best] = False
                is_open[sites[slot]] = True
        if not moved:
            break
