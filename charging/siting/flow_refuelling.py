"""Flow refuelling: stations for vehicles of limited range, proven by a bound and by driving.

Arc cover, path cover: Capar, Kuby, Leon and Tsai 2013, doi 10.1016/j.ejor.2012.11.033. Flows with the same clauses
are one, clauses shared by routes are one.
"""

import time

import numpy as np
from numpy.typing import NDArray

from charging.siting.answer import Answer, make_answer
from charging.siting.effort import Effort
from charging.siting.flow_branch import EXCHANGES, Best, FlowTree
from charging.siting.flow_driving import gets_through
from charging.siting.flow_problem import FlowRefuelling, allowed_nodes
from charging.siting.flow_program import columns_of, is_small, whole_program
from charging.siting.flow_routes import Route, find_routes
from charging.siting.flow_search import Ways, choose_greedily, exchange, group_flows, refuelled
from charging.siting.milp import minimise
from charging.siting.problem import IntArray, as_sites, require_p
from networks.errors import DataError


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
    with effort.ended_by_hand():
        found = find_routes(problem, effort)
    routes, volume = found.routes, found.volume
    allowed = allowed_nodes(problem)
    fixed = as_sites(problem.fixed, len(allowed))
    require_p(problem.p, len(fixed), int(allowed.sum()))
    ways = group_flows(routes, volume)
    # Flows that nobody had time to look at may all get through.
    best = _solve(ways, problem.p, fixed, allowed, effort, float(volume[~found.known].sum()))
    served = first_stations(routes, best.sites, len(allowed), problem.range_km)
    objective = float(volume[served >= 0].sum())
    bound, interrupted = max(best.bound, objective), effort.ended.is_set()
    spent = time.process_time() - cpu
    return make_answer(np.sort(best.sites), served, objective, bound, cpu_s=spent, interrupted=interrupted)


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


def _solve(ways: Ways, p: int, fixed: IntArray, allowed: NDArray[np.bool_], effort: Effort, unknown: float) -> Best:
    """Return the best stations found and the bound on every choice, `unknown` volume in it."""
    n_nodes = len(allowed)
    sites = exchange(ways, choose_greedily(ways, p, fixed, allowed), len(fixed), n_nodes, EXCHANGES)
    best = Best(sites, refuelled(ways, sites, n_nodes), float(ways.weight.sum()) + unknown)
    try:
        effort.tell(best.value, best.bound)
        if ways.weight.size and not effort.suffices(best.value, best.bound) and effort.seconds_left() > 0:
            if is_small(ways):
                _solve_program(ways, p, fixed, allowed, best, effort)
            else:
                FlowTree(ways, p, fixed, allowed, best, effort).run()
    except KeyboardInterrupt:
        effort.ended.set()
    return best


def _solve_program(ways: Ways, p: int, fixed: IntArray, allowed: NDArray[np.bool_], best: Best, effort: Effort) -> None:
    """Better `best` and its bound by the whole program."""
    n_nodes = len(allowed)
    outcome = minimise(whole_program(ways, p, fixed, n_nodes), effort, start=columns_of(ways, best.sites, n_nodes))
    best.bound = min(best.bound, -outcome.bound)
    if outcome.values is None:
        return
    chosen = np.flatnonzero((outcome.values[:n_nodes] > 0.5) & allowed)
    chosen = np.r_[fixed, np.setdiff1d(chosen, fixed)][:p]
    trial = exchange(ways, choose_greedily(ways, p, chosen, allowed), len(fixed), n_nodes, EXCHANGES)
    value = refuelled(ways, trial, n_nodes)
    if value > best.value:
        best.sites, best.value = trial, value
