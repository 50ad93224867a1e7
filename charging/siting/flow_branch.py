"""Branch and bound for flow refuelling: best bound first, each node bounded by `FlowBound`."""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charging.siting.effort import Effort
from charging.siting.flow_bound import FlowBound, Relaxed
from charging.siting.flow_search import Ways, choose_greedily, exchange, refuelled
from charging.siting.problem import FloatArray, IntArray

ROOT_ROUNDS, NODE_ROUNDS = 200, 12
EXCHANGES = 20
PARTS = (1.0, 0.75, 0.5, 0.25)
"""Shares of the stations given by the linear relaxation when its answer is rounded."""
CLOSED_SHARE = 0.2
"""Part of the stations of the best choice that is closed at random and chosen anew."""
SEARCH_EVERY = 8
"""Nodes from one such search to the next."""
WHOLE = 1e-6
ROUNDING = 1e-10
"""Rounding error of sums of flows, relative to them."""


@dataclass(eq=False)
class Best:
    """The best stations so far, what they bring, and the bound on every choice."""

    sites: IntArray
    value: float
    bound: float


@dataclass(frozen=True, eq=False)
class Node:
    """A part of all choices: stations that stand (`lower` 1) and nodes without one (`upper` 0) in it."""

    lower: FloatArray
    upper: FloatArray
    relaxed: Relaxed


class FlowTree:
    """The search for stations.

    Parameters
    ----------
    ways
        Who gets through where.
    p
        Number of stations, the fixed ones among them.
    fixed
        Nodes with a station already.
    allowed
        For each node whether a station may stand there.
    best
        Best stations so far; bettered in place, its bound lowered.
    effort
        When to stop.
    """

    def __init__(
        self, ways: Ways, p: int, fixed: IntArray, allowed: NDArray[np.bool_], best: Best, effort: Effort
    ) -> None:
        self.ways, self.p, self.fixed, self.allowed = ways, p, fixed, allowed
        self.best, self.effort = best, effort
        self.relaxation = FlowBound(ways, p, allowed, effort)
        self.open_nodes: list[tuple[float, int, Node]] = []
        self.made = 0
        self.fall, self.times = np.zeros((2, len(allowed))), np.zeros((2, len(allowed)))
        self.random = np.random.default_rng(1)

    def run(self) -> None:
        """Search until bound and value meet or the effort is spent."""
        lower = np.zeros(len(self.allowed))
        lower[self.fixed] = 1.0
        root = self._look(lower, self.allowed.astype(np.float64), np.inf, ROOT_ROUNDS)
        if root is None:
            return
        self.best.bound = max(min(self.best.bound, root.bound), self.best.value)
        for part in PARTS:
            self._round(root.share, part)
        looked_at = 0
        while self._goes_on(looked_at):
            _, _, node = heapq.heappop(self.open_nodes)
            if not self._branch(node):
                self._keep(node)
                return
            looked_at += 1
            if looked_at % SEARCH_EVERY == 0:
                self._search(node.relaxed.share)

    def _goes_on(self, looked_at: int) -> bool:
        best, left = self.best, -self.open_nodes[0][0] if self.open_nodes else self.best.value
        best.bound = max(min(best.bound, left), best.value)
        self.effort.tell(best.value, best.bound)
        spent = self.effort.seconds_left() <= 0 or (self.effort.nodes is not None and looked_at >= self.effort.nodes)
        return bool(self.open_nodes) and not spent and not self.effort.suffices(best.value, best.bound)

    def _enough(self) -> float:
        return self.best.value * (1.0 + ROUNDING)

    def _keep(self, node: Node) -> None:
        if node.relaxed.bound > self._enough():
            self.made += 1
            heapq.heappush(self.open_nodes, (-node.relaxed.bound, self.made, node))

    def _look(self, lower: FloatArray, upper: FloatArray, above: float, rounds: int) -> Relaxed | None:
        """Bound a part of all choices, and keep it where it may hold a better one; None where that was ended."""
        if lower.sum() >= self.p:
            upper = lower
        enough = max(self._enough(), (1.0 + self.effort.gap) * self.best.value)
        found = self.relaxation.relax(lower, upper, enough, rounds)
        if found is None:
            return None
        found = Relaxed(min(found.bound, above), found.share, found.extra)
        free = lower < upper
        lower = np.where(free & (found.bound - np.maximum(found.extra, 0.0) <= self._enough()), 1.0, lower)
        upper = np.where(free & (found.bound + np.minimum(found.extra, 0.0) <= self._enough()), 0.0, upper)
        if (lower > upper).any() or lower.sum() > self.p:
            return found
        if not _split(found.share)[lower < upper].any():
            self._offer(np.flatnonzero(found.share > 0.5))
        if (lower < upper).any():
            self._keep(Node(lower, upper, found))
        else:
            self._offer(np.flatnonzero(lower > 0))
        return found

    def _branch(self, node: Node) -> bool:
        """Look at both sides of a node; return whether that was done."""
        place = self._place(node)
        for side in (1, 0):
            lower, upper = node.lower.copy(), node.upper.copy()
            lower[place] = upper[place] = side
            found = self._look(lower, upper, node.relaxed.bound, NODE_ROUNDS)
            if found is None:
                return False
            away = abs(side - float(node.relaxed.share[place]))
            self.fall[side, place] += (node.relaxed.bound - max(found.bound, self.best.value)) / max(away, 0.05)
            self.times[side, place] += 1
        return True

    def _place(self, node: Node) -> int:
        """Return the node at which a station's standing or not lowers the bound most, as far as is known."""
        share = node.relaxed.share
        usual = self.fall.sum(axis=1) / np.maximum(self.times.sum(axis=1), 1.0)
        known = np.where(self.times > 0, self.fall / np.maximum(self.times, 1.0), usual[:, None])
        least = ROUNDING * max(self.best.bound, 1.0)
        score = np.maximum(known[1] * (1.0 - share), least) * np.maximum(known[0] * share, least)
        if not self.times.any():
            score = _split(share)
        free = node.lower < node.upper
        inside = free & (_split(share) > WHOLE)
        return int(np.where(inside if inside.any() else free, score, -1.0).argmax())

    def _offer(self, sites: IntArray) -> None:
        if len(sites) > self.p or not self.allowed[sites].all():
            return
        sites = choose_greedily(self.ways, self.p, np.union1d(self.fixed, sites)[: self.p], self.allowed)
        value = refuelled(self.ways, sites, len(self.allowed))
        if value > self.best.value:
            self.best.sites, self.best.value = sites, value

    def _round(self, share: FloatArray, part: float) -> None:
        """Offer what exchanges make of the largest shares."""
        order = np.argsort(-(share + np.isin(np.arange(len(share)), self.fixed)), kind="stable")
        kept = len(self.fixed) + int(part * (self.p - len(self.fixed)))
        self._better(np.r_[self.fixed, order[~np.isin(order, self.fixed)]][:kept])

    def _search(self, share: FloatArray) -> None:
        """Round the shares of a node, and close some stations of the best choice to choose them anew."""
        self._round(share, PARTS[self.made % len(PARTS)])
        free = self.random.permutation(np.setdiff1d(self.best.sites, self.fixed))
        self._better(np.r_[self.fixed, free[int(np.ceil(CLOSED_SHARE * len(free))) :]])

    def _better(self, sites: IntArray) -> None:
        sites = choose_greedily(self.ways, self.p, sites, self.allowed)
        self._offer(exchange(self.ways, sites, len(self.fixed), len(self.allowed), EXCHANGES))


def _split(share: FloatArray) -> FloatArray:
    split: FloatArray = np.minimum(share, 1.0 - share)
    return split
