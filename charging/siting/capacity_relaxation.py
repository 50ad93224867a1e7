"""The bound of the p-median with capacities over clusters: clusters made as needed, and rows about triples of points.

Clusters as in Ceselli and Righini 2005, doi 10.1002/net.20059, at prices between the best and those of the program
(Wentges 1997, doi 10.1016/S0969-6016(97)00001-4); rows as in Jepsen et al. 2008, doi 10.1287/opre.1070.0449.
"""

from dataclasses import dataclass, replace

import numpy as np

from charging.siting.capacity_bound import Capacities
from charging.siting.capacity_columns import BoolArray, Columns, Row, less_duals
from charging.siting.capacity_knapsack import forbid, pack, triples_over
from charging.siting.capacity_master import Basis, Duals, Master
from charging.siting.effort import Effort
from charging.siting.problem import FloatArray, IntArray

MOST_ROUNDS = 400
AT_BEST, LESS_AT_BEST = 0.8, 0.4
"""Weight of the best prices in those tried, and by how much it falls where they give no new cluster."""
EXACT, NEAR_ENOUGH = 1e-9, 0.01
"""Prices are good where bound and program are this close: to the value, or to the way left to the goal."""
HELD, HELD_GAP = 6, 0.02
"""Clusters a program begins with: times the points, and share of the bound by which they are dearer at most."""
LEAST_OVER, MOST_TRIPLES, ROWS_AT_ONCE, ROWS_OF_A_POINT = 0.05, 100_000, 40, 3
LEAST_RISE = 0.01
"""Share of the way to the goal that rows have to bring for more to be looked for."""
MOST_STEPS = 300_000
"""Steps of the knapsacks, for all sites together, above which no more rows are added."""


@dataclass(frozen=True, eq=False)
class Best:
    """The best bound with its prices of points and rows, and the worth of each site at them."""

    bound: float
    price: FloatArray
    duals: FloatArray
    worth: FloatArray


@dataclass(frozen=True, eq=False)
class Start:
    """Where a relaxation begins: the bound known, costs (infinite where forbidden), prices, rows and basis."""

    bound: float
    cost: FloatArray
    price: FloatArray
    duals: FloatArray
    rows: tuple[Row, ...]
    basis: Basis | None


class Relaxation:
    """The relaxation over clusters: its program, and the best bound so far.

    Parameters
    ----------
    task
        Costs, demands, capacities, number of sites.
    value
        About what a choice costs.
    effort
        When to stop.
    """

    def __init__(self, task: Capacities, value: float, effort: Effort) -> None:
        self.task, self.effort = task, effort
        self.columns = Columns(task.cost)
        self.scale = len(task.demand) / value if value > 0 else 1.0
        self.master = Master(task, self.columns, self.scale, effort)
        self.cost, self.value, self.steps, self.calls = task.cost, -np.inf, 0, 0
        self.packed = np.zeros(task.cost.shape, dtype=np.bool_)
        self.best = Best(-np.inf, np.empty(0), np.empty(0), np.empty(0))

    def forget(self) -> None:
        """Forget all clusters but those of the program."""
        held, columns = self.master.held, Columns(self.task.cost)
        packed = np.ascontiguousarray(self.columns.member[:, held].T)
        columns.add(self.columns.site[held], packed)
        self.columns = self.master.columns = columns
        self.master.held = np.empty(0, dtype=np.int64)

    def solve(self, start: Start, limit: float, turns: int) -> bool:
        """Raise the bound up to `limit`, with up to `turns` times some rows more; return whether there is an answer."""
        self.cost = start.cost
        bound, worth = self._bound_at(start.price, list(start.rows), start.duals)
        self.best = Best(bound, start.price, start.duals, worth)
        served = np.flatnonzero(self.packed.any(axis=1))
        self.columns.add(served, self.packed[served])
        self._load(start.rows, start.basis, limit)
        return self._converge(limit) and self._tighten(limit, turns)

    def _load(self, rows: tuple[Row, ...], basis: Basis | None, limit: float) -> None:
        """Fill the program with the clusters that may matter."""
        best, p = self.best, self.task.p
        usable = self.columns.within(np.isfinite(self.cost))
        reduced = self.columns.reduced(best.price, list(rows), best.duals)
        last = min(float(np.partition(best.worth, p - 1)[p - 1]), 0.0)
        room = min(limit, best.bound + HELD_GAP * abs(best.bound)) - best.bound
        fine = np.flatnonzero(usable & (reduced <= last + room))
        held = fine[np.argsort(reduced[fine], kind="stable")[: HELD * len(best.price)]]
        held = np.union1d(held, basis.columns) if basis is not None else np.sort(held)
        self.master.load(held, usable[held], rows, basis)

    def _bound_at(self, price: FloatArray, rows: list[Row], duals: FloatArray) -> tuple[float, FloatArray]:
        """Return the bound at prices, and the worth of each site."""
        task, offset = self.task, np.zeros(len(self.cost))
        paid, triples, penalties = float(price.sum()), [], []
        for row, dual in zip(rows, duals.tolist(), strict=True):
            if not dual:
                continue
            paid += dual * (row.least if dual > 0 else row.most)
            if row.sites is not None:
                offset -= dual * row.sites
            else:
                triples.append(row.triple)
                penalties.append(-dual)
        triple, worth = np.array(triples, dtype=np.int64).reshape(-1, 3), np.empty(len(self.cost))
        arrays = (self.cost, task.demand, task.capacity, price, offset)
        self.steps += pack(*arrays, task.p, triple, np.array(penalties, dtype=np.float64), worth, self.packed)
        self.calls += 1
        worth += offset
        return paid + float(np.minimum(np.partition(worth, task.p - 1)[: task.p], 0.0).sum()), worth

    def _converge(self, limit: float) -> bool:
        """Make clusters until the bound is up to `limit` or next to the program; return whether it is the latter."""
        for _ in range(MOST_ROUNDS):
            if self.effort.ask() or self.best.bound > limit:
                return False
            duals = self.master.solve()
            if duals is None:
                return False
            self.value = duals.value
            if np.isinf(duals.value):
                self.best = replace(self.best, bound=np.inf)
                return False
            way = duals.value - self.best.bound
            near = np.isfinite(limit) and way <= NEAR_ENOUGH * (limit - duals.value)
            if near or way <= EXACT * abs(duals.value) or not self._grown(duals):
                return True
        return self.master.solve() is not None

    def _grown(self, duals: Duals) -> bool:
        """Add clusters that make the program cheaper; return whether there are any."""
        rows = self.master.rows
        self.best = replace(self.best, duals=self.row_prices())
        weight = AT_BEST
        while True:
            price = weight * self.best.price + (1.0 - weight) * duals.price
            row_price = weight * self.best.duals + (1.0 - weight) * duals.rows
            bound, worth = self._bound_at(price, rows, row_price)
            if bound > self.best.bound:
                self.best = Best(bound, price, row_price, worth)
            cheap = np.flatnonzero(self._reduced(duals) < -EXACT / self.scale)
            if len(cheap) and self.master.add(self.columns.add(cheap, self.packed[cheap])):
                return True
            if weight == 0:
                return False
            weight = max(weight - LESS_AT_BEST, 0.0)

    def _reduced(self, duals: Duals) -> FloatArray:
        """Return the reduced cost of what each site serves now; of those that serve nothing it is not below 0."""
        left: FloatArray = np.where(self.packed, self.columns.places, 0.0).sum(axis=1)
        left = left - self.packed @ duals.price - duals.number
        left = less_duals(left, self.master.rows, duals.rows, np.arange(len(left)), self.packed.T)
        return np.where(self.packed.any(axis=1), left, 0.0)

    def _tighten(self, limit: float, turns: int) -> bool:
        """Add rows about triples while they help; return whether there is an answer."""
        for _ in range(turns):
            (basis, kept), duals, before = self.master.basis(), self.row_prices(), self.best
            if before.bound > limit or not self._add_triples():
                break
            value, self.steps, self.calls = self.value, 0, 0
            answered = self._converge(limit)
            if self.best.bound > limit or self.effort.ask():
                return False
            if self.best.bound < before.bound or not answered:
                self.best = replace(before, duals=duals[kept])
                return self._again(basis, limit)
            if not self._again(None, limit):
                return False
            if self.value - value < LEAST_RISE * (limit - value) or self.steps > MOST_STEPS * self.calls:
                break
        return self.best.bound <= limit

    def _again(self, basis: Basis | None, limit: float) -> bool:
        """Go on without rows that do not bind, or from an earlier basis; return whether there is an answer."""
        if basis is None:
            basis, kept = self.master.basis()
            self.best = replace(self.best, duals=self.row_prices()[kept])
        bound, worth = self._bound_at(self.best.price, list(basis.rows), self.best.duals)
        self.best = replace(self.best, bound=bound, worth=worth)
        self._load(basis.rows, basis, limit)
        duals_now = self.master.solve()
        if duals_now is not None:
            self.value = duals_now.value
        return duals_now is not None

    def _add_triples(self) -> int:
        """Add rows about triples that the answer breaks most, a few for each point; return how many."""
        some, used = self.master.in_use()
        member = np.ascontiguousarray(self.columns.member[:, some].T)
        found, over = triples_over(member, used, LEAST_OVER, MOST_TRIPLES)
        times, added = np.zeros(len(self.columns.member), dtype=np.int64), 0
        for triple in found[np.argsort(-over, kind="stable")].tolist():
            if times[triple].max() < ROWS_OF_A_POINT:
                times[triple] += 1
                added += 1
                self.master.add_row(Row(None, tuple(triple), -np.inf, 1.0))
            if added == ROWS_AT_ONCE:
                break
        return added

    def row_prices(self) -> FloatArray:
        """Return the best price of each row of the program."""
        return np.append(self.best.duals, np.zeros(len(self.master.rows) - len(self.best.duals)))

    def narrow(self, limit: float) -> BoolArray:
        """Return which places (sites x points) an answer of a cost up to `limit` may use."""
        if np.isfinite(limit):
            best, p = self.best, self.task.p
            room = limit - best.bound + EXACT * abs(limit)
            last = min(float(np.partition(best.worth, p - 1)[p - 1]), 0.0)
            offset = np.zeros(len(self.cost))
            for row, dual in zip(self.master.rows, self.row_prices().tolist(), strict=True):
                if row.sites is not None:
                    offset -= dual * row.sites
            most = np.minimum(best.worth, last) + room - offset
            forbid(self.cost, self.task.demand, self.task.capacity, best.price, most)
        places: BoolArray = np.isfinite(self.cost)
        return places

    def only_answer(self) -> IntArray | None:
        """Return the site that serves each point, where the answer is whole."""
        serving = self.master.serving()
        chosen: IntArray = serving.argmax(axis=0)
        whole_answer = serving[chosen, np.arange(len(chosen))].min() > 1.0 - 1e-6
        return chosen if whole_answer else None
