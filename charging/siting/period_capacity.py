"""The capacitated median of one period among several: with sites that must stand, and as a program."""

from dataclasses import replace

import numpy as np
from scipy.sparse import block_array, csr_array, diags_array, eye_array

from charging.siting.answer import Answer
from charging.siting.effort import Effort
from charging.siting.median_problem import CapacitatedPMedian
from charging.siting.milp import Program
from charging.siting.problem import IntArray, as_cost, as_vector
from charging.siting.solve import solve_within
from networks.errors import InfeasibleError


def with_sites(problem: CapacitatedPMedian, sites: IntArray, effort: Effort) -> Answer:
    """Return the best answer in which some sites are open, by points of no demand that cost nothing there alone.

    Raises
    ------
    InfeasibleError
        If there is none, or none was found in time.
    """
    cost = as_cost(problem.cost)
    if not sites.size or problem.p >= cost.shape[1]:
        return solve_within(problem, effort)
    demand = as_vector(problem.demand, len(cost), "demand")
    away = np.where(np.isfinite(cost), cost, 0.0).max(axis=1, initial=0.0).sum() + 1.0
    own = np.full((len(sites), cost.shape[1]), np.ceil(away))
    own[np.arange(len(sites)), sites] = 0.0
    more = replace(problem, cost=np.vstack([cost, own]), demand=np.r_[demand, np.zeros(len(sites))])
    found = solve_within(more, effort)
    if not np.isin(sites, found.sites).all():
        raise InfeasibleError(
            f"capacity: no assignment to {problem.p} sites was found in time with the {len(sites)} that stand; raise p"
        )
    return replace(found, assignment=found.assignment[: len(cost)])


def capacity_program(problem: CapacitatedPMedian) -> Program:
    """Return the program of a period: whether each site is open, then of each allowed pair whether it serves."""
    cost = as_cost(problem.cost)
    n_points, n_sites = cost.shape
    demand = as_vector(problem.demand, n_points, "demand")
    capacity = np.broadcast_to(np.asarray(problem.capacity, dtype=np.float64), (n_sites,))
    point, site = np.nonzero(np.isfinite(cost))
    n_pairs = len(point)
    pair = np.arange(n_pairs)
    of_point = csr_array((np.ones(n_pairs), (point, pair)), shape=(n_points, n_pairs))
    of_site = csr_array((np.ones(n_pairs), (pair, site)), shape=(n_pairs, n_sites))
    held = csr_array((demand[point], (site, pair)), shape=(n_sites, n_pairs))
    rows = [
        [csr_array(np.ones((1, n_sites))), csr_array((1, n_pairs))],
        [csr_array((n_points, n_sites)), of_point],
        [-of_site, eye_array(n_pairs)],
        [-diags_array(capacity), held],
    ]
    exactly = np.r_[float(problem.p), np.ones(n_points)]
    return Program(
        np.r_[np.zeros(n_sites), cost[point, site]],
        csr_array(block_array(rows, format="csr")),
        np.r_[exactly, np.full(n_pairs + n_sites, -np.inf)],
        np.r_[exactly, np.zeros(n_pairs + n_sites)],
        np.ones(n_sites + n_pairs, dtype=np.bool_),
    )
