"""Branch and bound for coverings: each node is a Lagrangian bound from the prices of its parent.

Best first, so that the bound of the whole falls from node to node and is known whenever the search ends.
"""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charging.siting.cover_prices import (
    CLOSED,
    FREE,
    OPEN,
    STEP,
    Dual,
    Links,
    choose,
    descend,
    resume_dual,
)
from charging.siting.cover_purse import Purse
from charging.siting.cover_search import covered_weight, search
from charging.siting.effort import Effort
from charging.siting.problem import FloatArray, IntArray
from networks.compiled import compiled

NODE_STEPS, MOST_LOOKS = 60, 3
"""Steps of one look at a node, and most looks before it is branched on: only nodes with a high bound get several."""
NODE_STEP_LENGTH = 0.03
SETTLED = 0.05
"""Share of the gap by which a further look has to lower the bound for there to be another."""
SMALLEST_SPLIT = 1e-3
"""Sites that the relaxed answer does not split are still told apart by what they would cover."""
NEAR_BEST = 0.997
"""Share of the best value that a node's rounded answer must reach to be searched from."""
PRICE_BYTES = 400_000_000
"""Most memory held by the prices of open nodes [byte]."""
ROUNDING = 1e-13
"""Rounding error of a sum of weights, relative to it."""
Status = NDArray[np.int8]


@dataclass(eq=False)
class Incumbent:
    """The best sites so far and the bound on every choice; kept up by all parts of a solver.

    Parameters
    ----------
    sites, value
        Best sites and the weight they cover.
    bound
        No choice covers more.
    step
        Values are multiples of this; 0 where they are not.
    """

    sites: IntArray
    value: float
    bound: float
    step: float

    def offer(self, links: Links, sites: IntArray) -> bool:
        """Take `sites` where they are better; return whether they are."""
        value = covered_weight(links, sites)
        if value <= self.value:
            return False
        self.sites, self.value = np.sort(sites), value
        return True

    def lower(self, bound: float) -> None:
        """Take a bound where it is lower; it never falls below the value."""
        if self.step > 0.0:
            bound = self.step * np.floor(bound / self.step + 1e-6 + ROUNDING * bound / self.step)
        self.bound = max(min(self.bound, float(bound)), self.value)

    def enough(self) -> float:
        """Return the bound at or below which a part of all choices holds nothing better."""
        error = ROUNDING * abs(self.bound)
        return self.value + max(self.step * (1.0 - 1e-6) - error, error)


@dataclass(frozen=True, eq=False)
class Node:
    """A part of all choices: `status` says which sites are open, closed or free in it.

    Parameters
    ----------
    bound
        No choice in it covers more.
    price, share
        Prices and mean answer from which to go on.
    step
        Length of the next step.
    looks
        How often it was looked at; `MOST_LOOKS`: enough.
    """

    bound: float
    status: Status
    price: NDArray[np.float32]
    share: FloatArray
    step: float
    looks: int


def decide(worth: FloatArray, cost: FloatArray, status: Status, bound: float, enough: float) -> Status:
    """Return `status` with the sites decided that every choice better than `enough` opens or leaves closed.

    Parameters
    ----------
    worth
        Worth of each site at the prices of `bound`.
    cost
        Cost of each site; the budget is 1.
    status
        What is decided already.
    bound
        The bound at these prices.
    enough
        Choices that cover no more do not interest [unit of weight].

    Notes
    -----
    With a price mu on the budget, forcing site i in or out changes the bound by at least abs(worth - mu cost).
    Two such mu are tried: worth per cost of the last site chosen and of the first left out.
    """
    share = np.empty(len(cost))
    constant = bound - choose(worth, cost, 1.0, status, share)
    free = status == FREE
    rate = worth / np.maximum(cost, 1e-12)
    left = 1.0 - float(cost[status == OPEN].sum())
    base = constant + float(worth[status == OPEN].sum())
    decided = status.copy()
    inside, outside = free & (share > 0), free & (share < 1)
    last = max(float(rate[inside].min()), 0.0) if inside.any() else 0.0
    first = max(float(rate[outside].max()), 0.0) if outside.any() else 0.0
    for mu in (last, first):
        extra = worth - mu * cost
        value = base + mu * left + float(np.maximum(extra[free], 0.0).sum())
        decided[free & (value + np.minimum(extra, 0.0) <= enough)] = CLOSED
        decided[free & (value - np.maximum(extra, 0.0) <= enough)] = OPEN
    return decided


@compiled
def _strip(links: Links, status: Status, weight: FloatArray) -> float:
    """Fill `weight` with 0 for points that open sites cover or that no free site can; return what is covered."""
    weight[:] = 0.0
    base = 0.0
    for point in range(len(weight)):
        for place in range(links.start[point], links.start[point + 1]):
            if status[links.site[place]] == OPEN:
                weight[point] = 0.0
                base += links.weight[point]
                break
            if status[links.site[place]] == FREE:
                weight[point] = links.weight[point]
    return base


@compiled
def _gains(links: Links, weight: FloatArray, status: Status) -> FloatArray:
    """Return the weight that each free site would add."""
    gain = np.zeros(len(status))
    for site in range(len(status)):
        if status[site] == FREE:
            for place in range(links.begin[site], links.begin[site + 1]):
                gain[site] += weight[links.point[place]]
    return gain


class Branching:
    """Branch and bound on one system of points and sites.

    Parameters
    ----------
    links
        Who covers whom.
    purse
        What the sites may cost.
    best
        Best sites so far; bettered in place, its bound lowered.
    effort
        When to stop.
    """

    def __init__(self, links: Links, purse: Purse, best: Incumbent, effort: Effort) -> None:
        self.links, self.purse, self.best, self.effort = links, purse, best, effort
        self.open_nodes: list[tuple[float, int, Node]] = []
        self.made = 0

    def begin(self, dual: Dual, status: Status) -> None:
        """Put the root in."""
        price = dual.price.astype(np.float32)
        self._keep(Node(dual.bound, status, price, dual.share.copy(), NODE_STEP_LENGTH, MOST_LOOKS))

    def run(self, nodes: int) -> bool:
        """Look at or branch on up to `nodes` nodes, highest bound first; return whether to go on."""
        held = PRICE_BYTES // (4 * max(len(self.links.weight) + 2 * len(self.purse.joint), 1))
        for _ in range(nodes):
            if not self.open_nodes:
                self.best.lower(self.best.value)
                return False
            self.best.lower(-self.open_nodes[0][0])
            if self.effort.suffices(self.best.value, self.best.bound) or len(self.open_nodes) > held:
                return False
            if self.effort.seconds_left() <= 0:
                return False
            _, _, node = heapq.heappop(self.open_nodes)
            if node.bound > self.best.enough():
                self._look(node) if node.looks < MOST_LOOKS else self._branch(node)
        return True

    def _keep(self, node: Node) -> None:
        if node.bound > self.best.enough():
            self.made += 1
            heapq.heappush(self.open_nodes, (-node.bound, self.made, node))

    def _branch(self, node: Node) -> None:
        weight = np.empty(len(self.links.weight))
        _strip(self.links, node.status, weight)
        split = np.minimum(node.share, 1.0 - node.share) + SMALLEST_SPLIT
        score = split * _gains(self.links, weight, node.status)
        site = int(np.where(node.status == FREE, score, -1.0).argmax())
        for choice in (OPEN, CLOSED):
            status = node.status.copy()
            status[site] = choice
            status = self._without_dear(status)
            if self.purse.affords(np.flatnonzero(status == OPEN)) and not self._is_plain(status):
                self._keep(Node(node.bound, status, node.price, node.share, NODE_STEP_LENGTH, 0))

    def _look(self, node: Node) -> None:
        """Lower the bound of a node by some steps; put it back where it may still hold something better."""
        weight = np.empty(len(self.links.weight))
        base = _strip(self.links, node.status, weight)
        links = self.links._replace(weight=weight)
        dual = resume_dual(links, self.purse.joint, node.status, np.minimum(node.price, weight), node.share)
        dual.control[STEP] = node.step
        good = max(self.best.enough(), (1.0 + self.effort.gap) * self.best.value) - base
        descend(links, self.purse.joint, 1.0, node.status, dual, NODE_STEPS, self.best.value - base, good)
        bound = min(dual.bound + base, node.bound)
        if bound <= self.best.enough():
            return
        if node.looks == 0:
            self._try(dual, node.status)
        decided = decide(dual.worth, self.purse.joint, node.status, dual.bound, self.best.enough() - base)
        decided = self._without_dear(decided)
        if not self.purse.affords(np.flatnonzero(decided == OPEN)) or self._is_plain(decided):
            return
        settled = node.looks > 0 and node.bound - bound < SETTLED * (bound - self.best.value)
        looks = MOST_LOOKS if settled else node.looks + 1
        price = dual.price.astype(np.float32)
        self._keep(Node(bound, decided, price, dual.share, float(dual.control[STEP]), looks))

    def _without_dear(self, status: Status) -> Status:
        """Close the free sites that no longer fit a purse."""
        spent = self.purse.cost[:, status == OPEN].sum(axis=1)
        dear = (self.purse.cost + spent[:, None] > self.purse.budget[:, None] + 1e-9).any(axis=0)
        return np.where((status == FREE) & dear, np.int8(CLOSED), status)

    def _is_plain(self, status: Status) -> bool:
        """Settle a part in which at most one more site fits, or all do; return whether it was one."""
        free, opened = np.flatnonzero(status == FREE), np.flatnonzero(status == OPEN)
        left = self.purse.budget - self.purse.cost[:, opened].sum(axis=1)
        if free.size == 0 or self.purse.affords(np.r_[opened, free]):
            self.best.offer(self.links, np.r_[opened, free])
            return True
        two = np.sort(self.purse.cost[:, free], axis=1)[:, :2].sum(axis=1)
        if (two <= left + 1e-9).all():
            return False
        weight = np.empty(len(self.links.weight))
        _strip(self.links, status, weight)
        gain = _gains(self.links, weight, status)[free]
        self.best.offer(self.links, np.r_[opened, free[gain.argmax()]])
        return True

    def _try(self, dual: Dual, status: Status) -> None:
        order = np.argsort(-(dual.share + (status == OPEN)), kind="stable")
        sites = self.purse.prefix(order[dual.share[order] > 0])
        if covered_weight(self.links, sites) >= NEAR_BEST * self.best.value:
            self.best.offer(self.links, search(self.links, self.purse.cost, self.purse.budget, sites, 0, self.made))
