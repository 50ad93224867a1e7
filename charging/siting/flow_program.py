"""Flow refuelling as one mixed-integer program: for small instances HiGHS proves it faster than a search of cuts."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from charging.siting.flow_search import Ways
from charging.siting.milp import Program
from charging.siting.problem import FloatArray, IntArray

SMALL_PROGRAM = 5_000
"""Entries up to which the program is given to HiGHS whole."""


def is_small(ways: Ways) -> bool:
    """Return whether the whole program is small."""
    return len(ways.node) + 2 * len(ways.clause) <= SMALL_PROGRAM


def _sizes(ways: Ways) -> tuple[int, int, int]:
    return len(ways.weight), len(ways.first_clause) - 1, len(ways.first_node) - 1


def columns_of(ways: Ways, sites: IntArray, n_nodes: int) -> FloatArray:
    """Return nodes, clauses, routes and groups of a choice as the columns of the program."""
    open_at = np.zeros(n_nodes)
    open_at[sites] = 1.0
    hit = np.maximum.reduceat(open_at[ways.node], ways.first_node[:-1])
    passable = np.minimum.reduceat(hit[ways.clause], ways.first_clause[:-1])
    through = np.maximum.reduceat(passable, ways.first_route[:-1])
    values: FloatArray = np.r_[open_at, hit, passable, through]
    return values


def whole_program(ways: Ways, p: int, fixed: IntArray, n_nodes: int) -> Program:
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
