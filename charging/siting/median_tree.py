"""Branch and bound for the p-median on its Lagrangian bound.

A node is cut in two where the relaxed answer serves a point at the most uneven costs: either a site within
the mean cost opens, or all of them stay closed (as with the radius variables of Garcia, Labbe and Marin 2011,
doi 10.1287/ijoc.1100.0418). Both cuts only shorten lists or close sites.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from charging.siting.effort import Effort
from charging.siting.median_bound import (
    BOUND,
    CLOSED,
    FREE,
    OPEN,
    Dual,
    Lists,
    ascend,
    compact,
    shrink,
    start_dual,
    trimmed,
    warm_up,
)
from charging.siting.median_rest import solve_rest
from charging.siting.median_task import Median, Node
from charging.siting.problem import FloatArray
from networks.compiled import compiled

STEPS_PER_LOOK, LOOKS = 25, 8
LEAST_RISE = 0.03
"""Share of the way to the goal that a look has to bring for another one to be worth it."""
LEAST_UNEVENNESS = 1e-9
FEW_ARCS = 2
"""Sites a point may use, on average, from which on HiGHS ends a node faster than further branching."""


def search_tree(median: Median, root: Node, effort: Effort) -> float:
    """Return the lowest bound of what is left when `effort` ends; the best choice is kept in `median`."""
    left, visited = [root], 0
    ended: list[Node] = []
    while left:
        if effort.seconds_left() < 0 or (effort.nodes is not None and visited >= effort.nodes):
            break
        node = left.pop()
        visited += 1
        if node.final:
            ended.append(node)
        elif node.bound <= median.limit(effort.gap):
            left.extend(_branch(median, node, effort))
        effort.tell(median.value, _lowest(median, left + ended, effort))
    return _lowest(median, left + ended, effort)


def _lowest(median: Median, left: list[Node], effort: Effort) -> float:
    done = median.value if effort.gap == 0 else max(median.limit(effort.gap), 0.0)
    return median.round_up(min([done, *(node.bound for node in left)]))


def _branch(median: Median, node: Node, effort: Effort) -> list[Node]:
    """Return the parts of `node` that may hold a better choice, the one to be looked at first last."""
    lists = trimmed(node.lists)
    status = node.status.copy()
    if not compact(lists, status):
        return []
    if _settled(median, status):
        return []
    if (lists.end - lists.start).sum() <= FEW_ARCS * len(lists.end) and not np.isfinite(lists.cap).any():
        return _on_highs(median, Node(lists, status, node.price, node.bound, node.share), effort)
    dual = start_dual(lists, status, median.p, node.price, median.weight)
    warm_up(lists, status, median.p, dual, node.share)
    if not _raise_bound(median, lists, status, dual, effort):
        return []
    bound = max(float(dual.control[BOUND]), node.bound)
    return _parts(Node(trimmed(lists), status, dual.price, bound, dual.share))


def _on_highs(median: Median, node: Node, effort: Effort) -> list[Node]:
    """Solve `node` on HiGHS; it comes back with a better bound where the time did not suffice."""
    bound = solve_rest(median, replace(node, lists=trimmed(node.lists)), effort)
    return [] if bound > median.limit(effort.gap) else [replace(node, bound=bound, final=True)]


def _settled(median: Median, status: NDArray[np.int8]) -> bool:
    """Return whether only one choice is left, or none; keep it if it is better."""
    is_open, free = np.flatnonzero(status == OPEN), np.flatnonzero(status == FREE)
    if len(is_open) == median.p or len(is_open) + len(free) <= median.p:
        chosen = np.r_[is_open, free] if len(is_open) < median.p else is_open
        idle = np.setdiff1d(np.arange(len(status)), chosen)
        median.take(np.r_[chosen, idle[: median.p - len(chosen)]])
        return True
    return len(is_open) > median.p


def _raise_bound(median: Median, lists: Lists, status: NDArray[np.int8], dual: Dual, effort: Effort) -> bool:
    """Raise the bound while it pays; return whether a better choice may be left."""
    for _ in range(LOOKS):
        before = float(dual.control[BOUND])
        going_on = ascend(lists, status, median.p, dual, median.goal(effort.gap), STEPS_PER_LOOK)
        bound = float(dual.control[BOUND])
        if bound > median.limit(effort.gap):
            return False
        shrink(lists, status, median.p, dual, median.limit(effort.gap))
        if not compact(lists, status) or _settled(median, status):
            return False
        if not going_on or bound - before < LEAST_RISE * (median.limit(effort.gap) - before):
            break
    median.better(median.rounded(dual.share))
    return True


def _parts(node: Node) -> list[Node]:
    point, place = _uneven(node.lists, node.share)
    if point < 0:
        return _open_or_not(node)
    lists = node.lists
    end, cap, status = lists.end.copy(), lists.cap.copy(), node.status.copy()
    end[point], cap[point] = place, np.inf
    status[lists.site[lists.start[point] : place]] = CLOSED
    return [replace(node, status=status), replace(node, lists=lists._replace(end=end, cap=cap))]


def _open_or_not(node: Node) -> list[Node]:
    """Cut at the free site whose share is nearest to one half."""
    doubt = np.where(node.status == FREE, np.abs(node.share - 0.5), np.inf)
    site = int(doubt.argmin())
    parts = []
    for decision in (CLOSED, OPEN):
        status = node.status.copy()
        status[site] = decision
        parts.append(replace(node, status=status))
    return parts


@compiled
def _uneven(lists: Lists, share: FloatArray) -> tuple[int, int]:
    """Return the point that `share` serves at the most uneven costs and the place of the first above their mean.

    The point is -1 where all are served evenly.
    """
    most, at_point, at_place = LEAST_UNEVENNESS, -1, -1
    for point in range(len(lists.end)):
        left, total, squares = 1.0, 0.0, 0.0
        for place in range(lists.start[point], lists.end[point]):
            part = min(share[lists.site[place]], left)
            total += part * lists.cost[place]
            squares += part * lists.cost[place] ** 2
            left -= part
            if left <= 0:
                break
        served = 1.0 - left
        if served <= 0:
            continue
        mean = total / served
        unevenness = squares / served - mean**2
        if unevenness > most * (1 + 1e-9):
            for place in range(lists.start[point], lists.end[point]):
                if lists.cost[place] > mean and place > lists.start[point]:
                    most, at_point, at_place = unevenness, point, place
                    break
    return at_point, at_place
