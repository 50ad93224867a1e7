"""What the Lagrangian bound of a p-median leaves open, as a mixed-integer program on HiGHS."""

import numpy as np
from scipy.sparse import csr_array

from charging.siting.effort import Effort
from charging.siting.median_bound import CLOSED, OPEN, Lists
from charging.siting.median_task import Median, Node
from charging.siting.milp import Program, minimise
from charging.siting.problem import IntArray


def solve_rest(median: Median, node: Node, effort: Effort) -> float:
    """Return the lowest bound on the choices of `node`; a better choice is kept in `median`.

    Every point has to be served from its list, so the lists must not have been cut for their length alone.
    """
    used = np.flatnonzero(node.status != CLOSED)
    program = _program(node, used, median.p)
    outcome = minimise(program, effort)
    if outcome.values is not None:
        chosen = used[outcome.values[: len(used)] > 0.5]
        idle = np.setdiff1d(np.arange(len(node.status)), chosen)
        median.take(np.r_[chosen, idle[: median.p - len(chosen)]])
    bound = median.value if outcome.infeasible else outcome.bound
    return median.round_up(max(bound, node.bound))


def _arcs(lists: Lists) -> tuple[IntArray, IntArray]:
    """Return the point and the place of every arc."""
    sizes = lists.end - lists.start
    points = np.repeat(np.arange(len(sizes)), sizes)
    places = np.arange(sizes.sum()) + np.repeat(lists.start - (np.cumsum(sizes) - sizes), sizes)
    return points, places


def _program(node: Node, used: IntArray, p: int) -> Program:
    """Return: each point served once, only by an open site; p sites open. Columns: sites, then arcs."""
    points, places = _arcs(node.lists)
    number = np.full(len(node.status), -1)
    number[used] = np.arange(len(used))
    sites, cost = number[node.lists.site[places]], node.lists.cost[places]
    n_points, n_arcs, n_used = len(node.lists.end), len(points), len(used)
    arc = np.arange(n_arcs)
    surely = np.flatnonzero(node.status[used] == OPEN)
    rows = np.r_[
        points,
        n_points + arc,
        n_points + arc,
        np.full(n_used, n_points + n_arcs),
        n_points + n_arcs + 1 + np.arange(len(surely)),
    ]
    columns = np.r_[n_used + arc, sites, n_used + arc, np.arange(n_used), surely]
    entries = np.r_[np.ones(2 * n_arcs), -np.ones(n_arcs), np.ones(n_used + len(surely))]
    shape = (n_points + n_arcs + 1 + len(surely), n_used + n_arcs)
    most = float(min(p, n_used))
    return Program(
        cost=np.r_[np.zeros(n_used), cost],
        matrix=csr_array((entries, (rows, columns)), shape=shape),
        row_lower=np.r_[np.ones(n_points), np.zeros(n_arcs), 0.0, np.ones(len(surely))],
        row_upper=np.r_[np.ones(n_points), np.full(n_arcs, np.inf), most, np.ones(len(surely))],
        integer=np.r_[np.ones(n_used, dtype=np.bool_), np.zeros(n_arcs, dtype=np.bool_)],
    )
