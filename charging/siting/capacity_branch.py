"""Branch and price for the p-median with capacities: parts of all choices, each bounded over clusters.

After Ceselli and Righini 2005, doi 10.1002/net.20059, with rows about triples of points and with splits by how many
sites of a group open.
"""

import heapq
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from charging.siting.answer import meets
from charging.siting.capacity_bound import Capacities, Prices
from charging.siting.capacity_columns import BoolArray, Row
from charging.siting.capacity_master import Basis
from charging.siting.capacity_parts import Plan
from charging.siting.capacity_relaxation import Relaxation, Start
from charging.siting.capacity_split import (
    FEW,
    FIRST_DEPTHS,
    MANY,
    Groups,
    Split,
    best_split,
    point_splits,
    widest_split,
)
from charging.siting.capacity_tree import Aim, Offer, take
from charging.siting.effort import Effort
from charging.siting.problem import FloatArray

TURNS_AT_FIRST, TURNS_LATER = 20, 1
"""How often rows are added for all choices, and for a part of them."""
MOST_COLUMNS = 100_000


@dataclass(order=True)
class Part:
    """A part of all choices: its bound and number, prices, what may serve what (bits), rows, basis, and halvings."""

    bound: float
    number: int
    price: FloatArray = field(compare=False)
    duals: FloatArray = field(compare=False)
    bits: NDArray[np.uint8] = field(compare=False)
    rows: tuple[Row, ...] = field(compare=False)
    basis: Basis | None = field(compare=False)
    depth: int = field(compare=False)


class Search:
    """Branch and price with the parts that are left.

    Parameters
    ----------
    task
        Costs, demands, capacities, number of sites.
    prices
        The best prices for all choices.
    plan
        The best plan known, to be bettered in place.
    aim
        What is good enough.
    offer
        Tries a choice of sites.
    effort
        When to stop.
    """

    def __init__(self, task: Capacities, prices: Prices, plan: Plan, aim: Aim, offer: Offer, effort: Effort) -> None:
        self.task, self.plan, self.aim, self.offer, self.effort = task, plan, aim, offer, effort
        self.relaxation = Relaxation(task, prices.bound, effort)
        places = np.isfinite(task.cost)
        self.left = [Part(prices.bound, 0, prices.price, np.empty(0), np.packbits(places), (), None, 0)]
        self.groups: Groups | None = None
        self.visited, self.settled = 0, np.inf

    @property
    def limit(self) -> float:
        """Bound from which on a part holds nothing worth having."""
        return self.aim.limit(self.plan.value)

    def bound(self) -> float:
        """Return the lowest bound of what is left."""
        done = self.plan.value if self.aim.gap == 0 else self.limit
        return min([done, self.settled] + [part.bound for part in self.left[:1]])

    def run(self) -> None:
        """Look at parts, the one of the lowest bound first, until nothing is left or the effort ends."""
        while self.left and self.left[0].bound <= self.limit and not self.effort.ask():
            if self.effort.nodes is not None and self.visited >= self.effort.nodes:
                return
            part = heapq.heappop(self.left)
            self.visited += 1
            for each in self._halves(part):
                heapq.heappush(self.left, each)
            self.effort.tell(self.plan.value, self.bound())

    def _halves(self, part: Part) -> list[Part]:
        """Return what is left of a part: nothing, its halves, or itself where the effort ended."""
        cost = self._cost(part)
        if not np.isfinite(cost).any(axis=0).all():
            return []
        relaxation = self.relaxation
        turns = TURNS_AT_FIRST if part.number == 0 else TURNS_LATER
        start = Start(part.bound, cost, part.price, part.duals, part.rows, part.basis)
        answered = relaxation.solve(start, self.limit, turns)
        bound = max(part.bound, relaxation.best.bound)
        if bound > self.limit:
            return []
        if self.effort.ask():
            part.bound = bound
            return [part]
        if answered:
            self._offer()
        if bound > self.limit:
            return []
        places = relaxation.narrow(self.limit)
        split = self._split(part.depth, bound, answered)
        if split is None:
            return []
        return self._cut(part, bound, places, split, answered)

    def _cost(self, part: Part) -> FloatArray:
        places = np.unpackbits(part.bits, count=self.task.cost.size).reshape(self.task.cost.shape)
        cost: FloatArray = np.where(places, self.task.cost, np.inf)
        return cost

    def _offer(self) -> None:
        """Try the sites that the answer opens most; keep the answer where it is whole."""
        share = self.relaxation.master.share()
        self.offer(np.argsort(-share, kind="stable")[: self.task.p])
        only = self.relaxation.only_answer()
        if only is not None:
            take(self.task, self.plan, only)

    def _split(self, depth: int, bound: float, answered: bool) -> Split | None:
        """Return where to cut a part in two; None where there is nothing to cut, its bound or its answer then kept."""
        cost, master = self.relaxation.cost, self.relaxation.master
        if answered:
            if self.groups is None:
                self.groups = Groups(self.task.cost, self.task.p)
            splits = self.groups.splits(master.share(), MANY if depth < FIRST_DEPTHS else FEW)
            splits += point_splits(cost, master.serving())
            if splits:
                return best_split(splits, master, bound, self.limit)
            if meets(self.plan.value, bound):
                self.settled = min(self.settled, bound)
                return None
        if not np.isfinite(cost).any(axis=0).all():
            return None
        split = widest_split(cost)
        if split is None:
            take(self.task, self.plan, cost.argmin(axis=0))
        return split

    def _cut(self, part: Part, bound: float, places: BoolArray, split: Split, answered: bool) -> list[Part]:
        relaxation, rows = self.relaxation, split.rows()
        price, duals, basis, kept_rows = part.price, part.duals, part.basis, part.rows
        if answered:
            basis, kept = relaxation.master.basis()
            price, duals, kept_rows = relaxation.best.price, relaxation.row_prices()[kept], basis.rows
            if len(relaxation.columns) > MOST_COLUMNS:
                relaxation.forget()
                basis = None
                for each in self.left:
                    each.basis = None
        halves = []
        for half in (0, 1):
            more = (rows[half],) if rows is not None else ()
            bits = np.packbits(split.places(half, places))
            all_duals, number = np.r_[duals, np.zeros(len(more))], 2 * self.visited + half
            halves.append(Part(bound, number, price, all_duals, bits, kept_rows + more, basis, part.depth + 1))
        return halves


def search_clusters(task: Capacities, prices: Prices, plan: Plan, aim: Aim, offer: Offer, effort: Effort) -> float:
    """Better `plan` and return the lowest bound of what is left when the effort ends, see `Search`."""
    search = Search(task, prices, plan, aim, offer, effort)
    search.run()
    return search.bound()
