"""Greedy choice and best swaps for the p-median."""

import time

import numpy as np

from charging.siting.problem import FloatArray, IntArray


def median_value(cost: FloatArray, sites: IntArray) -> float:
    """Return the cost of serving every point from its cheapest open site; `cost` is weighted, points x sites."""
    return float(cost[:, sites].min(axis=1).sum()) if sites.size else np.inf


def greedy_median(cost: FloatArray, p: int, fixed: IntArray) -> IntArray:
    """Return p sites, the fixed ones first, then each the one that lowers the cost most."""
    chosen = fixed.tolist()
    nearest = cost[:, fixed].min(axis=1) if fixed.size else cost.max(axis=1)
    while len(chosen) < p:
        saved = np.maximum(nearest[:, None] - cost, 0.0).sum(axis=0)
        saved[chosen] = -1.0
        best = int(saved.argmax())
        chosen.append(best)
        nearest = np.minimum(nearest, cost[:, best])
    return np.array(chosen, dtype=np.int64)


def swap_to_best(cost: FloatArray, sites: IntArray, n_fixed: int, *, deadline: float = np.inf) -> IntArray:
    """Return the sites after the best swaps, one at a time, until no swap lowers the cost.

    Parameters
    ----------
    cost
        Weighted cost, points x sites.
    sites
        Sites to begin from; the first `n_fixed` stay.
    n_fixed
        Number of fixed sites.
    deadline
        Reading of `time.perf_counter` after which to stop [s].
    """
    sites = sites.copy()
    while time.perf_counter() < deadline:
        change = swap_changes(cost, sites)
        change[:n_fixed] = np.inf
        change[:, sites] = np.inf
        if not change.size:
            break
        slot, site = np.unravel_index(int(change.argmin()), change.shape)
        if change[slot, site] >= -1e-9 * median_value(cost, sites):
            break
        sites[slot] = site
    return sites


def swap_changes(cost: FloatArray, sites: IntArray) -> FloatArray:
    """Return slots x sites: by how much the cost changes when the site takes the slot.

    Notes
    -----
    With d1 and d2 the costs of a point at its best and second best open site: opening i gains min(c_i - d1, 0)
    for every point; closing the best site of a point moves it to min(c_i, d2) instead of min(c_i, d1).
    """
    among = cost[:, sites]
    slot = among.argmin(axis=1)
    rows = np.arange(len(slot))
    first = among[rows, slot]
    second = np.full(len(slot), np.inf)
    if len(sites) > 1:
        among[rows, slot] = np.inf
        second = among.min(axis=1)
    second = np.minimum(second, cost.max(axis=1))
    order = np.argsort(slot, kind="stable")
    used, starts = np.unique(slot[order], return_index=True)
    ordered = cost[order] - first[order][:, None]
    gained = np.minimum(ordered, 0.0).sum(axis=0)
    np.clip(ordered, 0.0, (second - first)[order][:, None], out=ordered)
    change = np.repeat(gained[None, :], len(sites), axis=0)
    change[used] += np.add.reduceat(ordered, starts, axis=0)
    return change
