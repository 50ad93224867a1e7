"""Flow refuelling: stations for vehicles of limited range, proven by HiGHS and by driving.

Arc cover, path cover: Capar, Kuby, Leon and Tsai 2013, doi 10.1016/j.ejor.2012.11.033. Flows with the same clauses
are one, clauses shared by routes are one.
"""

import time

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from charging.siting.answer import Answer, make_answer
from charging.siting.effort import Effort
from charging.siting.flow_driving import gets_through
from charging.siting.flow_problem import FlowRefuelling
from charging.siting.flow_routes import Route, routes_of_flows
from charging.siting.flow_search import Ways, choose_greedily, exchange, group_flows, refuelled
from charging.siting.milp import Outcome, Program, minimise
from charging.siting.problem import FloatArray, IntArray, as_sites, require_p
from networks.errors import DataError

ROUNDS = 20
PARTS = (1.0, 0.75, 0.5, 0.25)
"""Shares of the stations given by the linear relaxation when its answer is rounded."""
KICKS, KICKED_SHARE = 30, 0.2
"""How often, from the best choice, a share of the stations is closed at random and chosen anew."""
SMALL_PROGRAM = 100_000
"""Entries up to which the mixed-integer program is solved at once."""
INTERIOR_SLACK = 1.0 + 1e-6
"""The interior point method stops this near to the best value, or nearer."""


def solve_flow_refuelling(problem: FlowRefuelling, effort: Effort) -> Answer:
    """Return stations for as much flow as possible, with an upper bound; the assignment is a flow's first station.

    The objective is the volume that drove through in the simulation of `flow_driving`, not that of the model.

    Parameters
    ----------
    problem
        Roads, flows, range and number of stations.
    effort
        When to stop.

    Raises
    ------
    InfeasibleError
        If `p` does not fit, or the range is below the longest road of the flows: which ones, and the range needed.
    DataError
        If an array has the wrong shape or a value out of its bounds.
    """
    cpu = time.process_time()
    if not problem.range_km > 0:
        raise DataError(f"range_km: {problem.range_km} is not above 0; give a range above 0")
    routes, volume = routes_of_flows(problem)
    n_nodes = _n_nodes(problem)
    fixed = as_sites(problem.fixed, n_nodes)
    require_p(problem.p, len(fixed), n_nodes)
    ways = group_flows(routes, volume)
    sites, bound = _solve(ways, problem.p, fixed, n_nodes, effort)
    served = first_stations(routes, sites, n_nodes, problem.range_km)
    objective = float(volume[served >= 0].sum())
    return make_answer(np.sort(sites), served, objective, max(bound, objective), cpu_s=time.process_time() - cpu)


def first_stations(routes: list[list[Route]], sites: IntArray, n_nodes: int, range_km: float) -> IntArray:
    """Return for each flow the first station on the first route it gets through by, driven; -1 where it does not."""
    has_station = np.zeros(n_nodes, dtype=np.bool_)
    has_station[sites] = True
    first = np.full(len(routes), -1, dtype=np.int64)
    for flow, ways in enumerate(routes):
        for route in ways:
            if gets_through(route, has_station, range_km):
                first[flow] = route.nodes[has_station[route.nodes].argmax()]
                break
    return first


def _n_nodes(problem: FlowRefuelling) -> int:
    graph = problem.graph
    if graph.n_nodes is not None:
        return graph.n_nodes
    return int(max(np.max(graph.tail), np.max(graph.head))) + 1


def _solve(ways: Ways, p: int, fixed: IntArray, n_nodes: int, effort: Effort) -> tuple[IntArray, float]:
    sites = exchange(ways, choose_greedily(ways, p, fixed, n_nodes), len(fixed), n_nodes, ROUNDS)
    value, total = refuelled(ways, sites, n_nodes), float(ways.weight.sum())
    effort.tell(value, total)
    if not ways.weight.size or effort.suffices(value, total) or effort.seconds_left() <= 0:
        return sites, total
    program = _program(ways, p, fixed, n_nodes)
    start = _columns(ways, sites, n_nodes)
    bound = total
    if program.matrix.nnz > SMALL_PROGRAM:
        linear = minimise(_relaxed(program), effort, interior=True)
        bound = min(-linear.bound * INTERIOR_SLACK, total)
        sites, value = _round_share(ways, linear, (sites, value), fixed, n_nodes)
        sites, value = _kick(ways, (sites, value), fixed, n_nodes, effort)
        start = _columns(ways, sites, n_nodes)
    effort.tell(value, bound)
    if effort.suffices(value, bound) or effort.seconds_left() <= 0:
        return sites, bound
    outcome = minimise(program, effort, start=start)
    if outcome.values is not None:
        trial = _ranked(outcome.values[:n_nodes], fixed)[:p]
        trial = exchange(ways, trial, len(fixed), n_nodes, ROUNDS)
        sites = trial if refuelled(ways, trial, n_nodes) > value else sites
    return sites, min(bound, -outcome.bound)


def _round_share(
    ways: Ways, linear: Outcome, best: tuple[IntArray, float], fixed: IntArray, n_nodes: int
) -> tuple[IntArray, float]:
    """Return the better of the best choice and what exchanges make of the largest shares of the relaxation."""
    sites, value = best
    share = linear.values[:n_nodes] if linear.values is not None else np.zeros(n_nodes)
    for part in PARTS:
        kept = len(fixed) + int(part * (len(sites) - len(fixed)))
        trial = choose_greedily(ways, len(sites), _ranked(share, fixed)[:kept], n_nodes)
        trial = exchange(ways, trial, len(fixed), n_nodes, ROUNDS)
        if refuelled(ways, trial, n_nodes) > value:
            sites, value = trial, refuelled(ways, trial, n_nodes)
    return sites, value


def _kick(
    ways: Ways, best: tuple[IntArray, float], fixed: IntArray, n_nodes: int, effort: Effort
) -> tuple[IntArray, float]:
    """Return the best choice after closing some stations at random and choosing anew, time and again."""
    sites, value = best
    random = np.random.default_rng(1)
    for _ in range(KICKS):
        if effort.seconds_left() <= 0:
            break
        free = random.permutation(np.setdiff1d(sites, fixed))
        kept = np.r_[fixed, free[int(np.ceil(KICKED_SHARE * len(free))) :]]
        trial = exchange(ways, choose_greedily(ways, len(sites), kept, n_nodes), len(fixed), n_nodes, ROUNDS)
        if refuelled(ways, trial, n_nodes) > value:
            sites, value = trial, refuelled(ways, trial, n_nodes)
    return sites, value


def _ranked(share: FloatArray, fixed: IntArray) -> IntArray:
    order = np.argsort(-share, kind="stable")
    ranked: IntArray = np.r_[fixed, order[~np.isin(order, fixed)]]
    return ranked


def _relaxed(program: Program) -> Program:
    none = np.zeros(len(program.cost), dtype=np.bool_)
    return Program(program.cost, program.matrix, program.row_lower, program.row_upper, none)


def _sizes(ways: Ways) -> tuple[int, int, int]:
    return len(ways.weight), len(ways.first_clause) - 1, len(ways.first_node) - 1


def _columns(ways: Ways, sites: IntArray, n_nodes: int) -> FloatArray:
    """Return nodes, clauses, routes and groups of a choice as the columns of the program."""
    open_at = np.zeros(n_nodes)
    open_at[sites] = 1.0
    hit = np.maximum.reduceat(open_at[ways.node], ways.first_node[:-1])
    passable = np.minimum.reduceat(hit[ways.clause], ways.first_clause[:-1])
    through = np.maximum.reduceat(passable, ways.first_route[:-1])
    values: FloatArray = np.r_[open_at, hit, passable, through]
    return values


def _program(ways: Ways, p: int, fixed: IntArray, n_nodes: int) -> Program:
    """Return: clause <= sum of its nodes, route <= each clause, group <= sum of its routes, p nodes."""
    groups, routes, clauses = _sizes(ways)
    of_clause = np.repeat(np.arange(clauses), np.diff(ways.first_node))
    of_route = np.repeat(np.arange(routes), np.diff(ways.first_clause))
    of_group = np.repeat(np.arange(groups), np.diff(ways.first_route))
    hit, passable, through = n_nodes, n_nodes + clauses, n_nodes + clauses + routes
    link = clauses + np.arange(len(ways.clause))
    joined = clauses + len(ways.clause)
    count = joined + groups
    parts = [
        (of_clause, ways.node, 1.0),
        (np.arange(clauses), hit + np.arange(clauses), -1.0),
        (link, hit + ways.clause, 1.0),
        (link, passable + of_route, -1.0),
        (joined + of_group, passable + np.arange(routes), 1.0),
        (joined + np.arange(groups), through + np.arange(groups), -1.0),
        (np.full(n_nodes, count), np.arange(n_nodes), 1.0),
        (count + 1 + np.arange(len(fixed)), fixed, 1.0),
    ]
    rows, columns = np.concatenate([each[0] for each in parts]), np.concatenate([each[1] for each in parts])
    entries = np.concatenate([np.full(len(each[0]), each[2]) for each in parts])
    n_rows, n_columns = count + 1 + len(fixed), through + groups
    integer: NDArray[np.bool_] = np.arange(n_columns) < n_nodes
    lower = np.r_[np.zeros(count), 0.0, np.ones(len(fixed))]
    upper = np.r_[np.full(count, np.inf), float(p), np.ones(len(fixed))]
    cost = np.r_[np.zeros(through), -ways.weight]
    return Program(cost, csr_array((entries, (rows, columns)), shape=(n_rows, n_columns)), lower, upper, integer)
