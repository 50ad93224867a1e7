"""The linear relaxation of flow refuelling in the stations alone: cuts on HiGHS, one row for many flows.

A flow gets through no more than the least-hit of its clauses allows. For given shares of stations the least-hit
clause of each flow makes a row that bounds what a block of flows can bring (Benders 1962, doi 10.1007/BF01386316);
shares between the last ones and their mean give the better rows (in-out, Ben-Ameur and Neto 2007,
doi 10.1002/net.20190). The bound is worked out anew from the prices of the rows, without any tolerance of the solver.
"""

from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from charging.siting.effort import Effort
from charging.siting.flow_search import Ways
from charging.siting.milp import stop_in_time
from charging.siting.problem import FloatArray, IntArray
from networks.compiled import compiled

BLOCKS = 100
"""Blocks of flows with a row each: fewer make small programs, more make fewer rounds of them."""
TOWARDS = 0.5
"""How far from the mean to the last shares the rows are made."""
NEW_SHARE = 0.3
"""Weight of the last shares in the mean."""
MISSED = 1e-7
"""Relative difference from which a row is passed."""
FEW_MISSED = 0.05
"""Share of the blocks below which rows are made at the last shares themselves."""
FLAT, FLAT_ROUNDS = 0.02, 2
"""Fall of the bound in a round, relative to what is left to close, at which the rounds end; rounds made at least."""
MOST_ROWS, IDLE_ROUNDS = 1_500, 40
"""Rows from which those are dropped whose price was 0 for this many rounds."""
PRICED = 1e-9
ATTEMPTS = 2
"""How often the relaxation is solved, from nothing the second time, where the solver does not get through."""


@dataclass(frozen=True, eq=False)
class Relaxed:
    """An answer of the relaxation: no choice brings more than `bound`; `extra` is what each node is worth above the
    price of a station, so that taking it in or leaving it out against its sign costs that much."""

    bound: float
    share: FloatArray
    extra: FloatArray


class FlowBound:
    """The relaxation, kept from node to node of a search: rows found once hold everywhere.

    Parameters
    ----------
    ways
        Who gets through where.
    p
        Highest number of stations.
    allowed
        For each node whether a station may stand there.
    effort
        When to stop.
    """

    def __init__(self, ways: Ways, p: int, allowed: NDArray[np.bool_], effort: Effort) -> None:
        self.ways, self.p, self.n_nodes = ways, p, len(allowed)
        n_blocks = min(BLOCKS, len(ways.weight))
        before = np.cumsum(ways.weight) - ways.weight
        block = np.minimum((before / ways.weight.sum() * n_blocks).astype(np.int64), n_blocks - 1)
        self.block = block
        self.top: FloatArray = np.bincount(block, ways.weight, minlength=n_blocks).astype(np.float64)
        self.lower, self.upper = np.zeros(self.n_nodes), allowed.astype(np.float64)
        self.mean = self.upper * min(p / max(float(self.upper.sum()), 1.0), 1.0)
        self.rows: list[tuple[IntArray, FloatArray]] = []
        self.constant, self.of_block = np.empty(0), np.empty(0, dtype=np.int64)
        self.used_in, self.rounds = np.empty(0, dtype=np.int64), 0
        self.effort = effort
        self.solver = self._solver(effort)

    def relax(self, lower: FloatArray, upper: FloatArray, enough: float, most_rounds: int) -> Relaxed | None:
        """Return the relaxation with each node's share between `lower` and `upper`; None where it was not solved.

        Parameters
        ----------
        lower, upper
            0 or 1 for each node.
        enough
            A bound at or below which the rounds end.
        most_rounds
            Most rounds of rows.
        """
        self._set_limits(lower, upper)
        self.mean = np.clip(self.mean, lower, upper)
        best: Relaxed | None = None
        before = np.inf
        for turn in range(most_rounds):
            found = self._solve()
            if found is None:
                return best
            share, brought, priced = found
            if best is None or priced.bound < best.bound:
                best = priced
            flat = turn >= FLAT_ROUNDS and before - best.bound < FLAT * (best.bound - enough)
            if best.bound <= enough or flat or not self._add_rows(share, brought):
                break
            before = best.bound
        self._drop_rows()
        return best

    def _solver(self, effort: Effort) -> highspy.Highs:
        solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for name, value in (("output_flag", False), ("threads", 1), ("presolve", "off"), ("solver", "simplex")):
            solver.setOptionValue(name, value)
        stop_in_time(solver, effort)
        n_columns = self.n_nodes + len(self.top)
        solver.addVars(n_columns, np.zeros(n_columns), np.r_[self.upper, np.ones(len(self.top))])
        blocks = np.arange(self.n_nodes, n_columns, dtype=np.int32)
        solver.changeColsCost(len(blocks), blocks, -self.top / self.top.max())
        nodes = np.arange(self.n_nodes, dtype=np.int32)
        solver.addRow(-highspy.kHighsInf, float(self.p), self.n_nodes, nodes, np.ones(self.n_nodes))
        return solver

    def _set_limits(self, lower: FloatArray, upper: FloatArray) -> None:
        other = np.flatnonzero((lower != self.lower) | (upper != self.upper)).astype(np.int32)
        if other.size:
            self.solver.changeColsBounds(len(other), other, lower[other], upper[other])
        self.lower, self.upper = lower.copy(), upper.copy()

    def _solve(self) -> tuple[FloatArray, FloatArray, Relaxed] | None:
        """Return shares of stations, what each block brings at most, and the relaxed answer; None if it was ended."""
        for _ in range(ATTEMPTS):
            with self.effort.ended_by_hand():
                self.solver.run()
            if self.solver.getModelStatus() == highspy.HighsModelStatus.kOptimal:
                break
            if self.effort.seconds_left() <= 0:
                return None
            self.solver.clearSolver()
        else:
            return None
        self.rounds += 1
        solution = self.solver.getSolution()
        values = np.asarray(solution.col_value)
        share, brought = values[: self.n_nodes], values[self.n_nodes :] * self.top
        price = np.maximum(-np.asarray(solution.row_dual), 0.0) * self.top.max()
        self.used_in[price[1:] > PRICED] = self.rounds
        bound, extra = self._bound(price[1:], float(price[0]))
        return share, brought, Relaxed(bound, share, extra)

    def _bound(self, price: FloatArray, of_station: float) -> tuple[float, FloatArray]:
        """Return the bound by which these prices of the rows hold, whatever they are, and what each node is worth.

        The prices in a block are made to sum to 1; what is missing goes to the row that it brings all it has.
        """
        weight = price / self.top[self.of_block]
        total = np.bincount(self.of_block, weight, minlength=len(self.top))
        weight = weight / np.maximum(total, 1.0)[self.of_block]
        rest = np.maximum(1.0 - np.bincount(self.of_block, weight, minlength=len(self.top)), 0.0)
        constant = float(rest @ self.top + weight @ self.constant)
        worth = np.zeros(self.n_nodes)
        active = np.flatnonzero(weight > 0)
        if active.size:
            nodes = np.concatenate([self.rows[row][0] for row in active])
            brings = np.concatenate([weight[row] * self.rows[row][1] for row in active])
            worth = np.bincount(nodes, brings, minlength=self.n_nodes).astype(np.float64)
        extra = worth - of_station
        free = np.where(self.lower > 0, extra, np.maximum(extra, 0.0))[self.upper > 0].sum()
        return constant + of_station * self.p + float(free), extra

    def _add_rows(self, share: FloatArray, brought: FloatArray) -> bool:
        """Add the rows that `share` passes; return whether there are any."""
        between = TOWARDS * share + (1.0 - TOWARDS) * self.mean
        self.mean += NEW_SHARE * (share - self.mean)
        for at, fewest in ((between, FEW_MISSED * len(self.top)), (share, 0.0)):
            brings, constant = np.zeros((len(self.top), self.n_nodes)), np.zeros(len(self.top))
            _least_hit(self.ways, at, self.block, brings, constant)
            passed = brought - constant - brings @ share > MISSED * self.top.max()
            if np.count_nonzero(passed) > fewest:
                self._append(np.flatnonzero(passed), brings, constant)
                return True
        return False

    def _append(self, blocks: IntArray, brings: FloatArray, constant: FloatArray) -> None:
        new = [(np.flatnonzero(brings[block]), brings[block][brings[block] != 0]) for block in blocks]
        starts = np.cumsum([0, *(len(nodes) + 1 for nodes, _ in new)])
        index = np.concatenate(
            [np.r_[nodes, self.n_nodes + block] for (nodes, _), block in zip(new, blocks, strict=True)]
        )
        scale = self.top[blocks]
        value = np.concatenate([np.r_[-each / by, 1.0] for (_, each), by in zip(new, scale, strict=True)])
        lowest = np.full(len(blocks), -highspy.kHighsInf)
        self.solver.addRows(
            len(blocks),
            lowest,
            constant[blocks] / scale,
            int(starts[-1]),
            starts[:-1].astype(np.int32),
            index.astype(np.int32),
            value,
        )
        self.rows += new
        self.constant = np.r_[self.constant, constant[blocks]]
        self.of_block = np.r_[self.of_block, blocks]
        self.used_in = np.r_[self.used_in, np.full(len(blocks), self.rounds)]

    def _drop_rows(self) -> None:
        """Drop rows without a price for long; the basis stays one, for only rows that are slack in it go."""
        if len(self.rows) < MOST_ROWS:
            return
        basis = self.solver.getBasis()
        slack = np.array([each == highspy.HighsBasisStatus.kBasic for each in basis.row_status[1:]])
        idle = slack & (self.used_in < self.rounds - IDLE_ROUNDS)
        if not basis.valid or not idle.any():
            return
        kept = np.flatnonzero(~idle)
        status = [basis.row_status[0], *(basis.row_status[row + 1] for row in kept)]
        self.solver.deleteRows(int(idle.sum()), (np.flatnonzero(idle) + 1).astype(np.int32))
        basis.row_status = status
        self.solver.setBasis(basis)
        self.rows = [self.rows[row] for row in kept]
        self.constant, self.of_block, self.used_in = self.constant[kept], self.of_block[kept], self.used_in[kept]


@compiled
def _least_hit(ways: Ways, share: FloatArray, block: IntArray, brings: FloatArray, constant: FloatArray) -> None:  # noqa: C901 - one pass over one state
    """Fill in the rows at `share`: what each block brings is at most `constant` and `brings` times the shares."""
    hit = np.zeros(len(ways.first_node) - 1)
    for clause in range(len(hit)):
        for place in range(ways.first_node[clause], ways.first_node[clause + 1]):
            hit[clause] += share[ways.node[place]]
    least = np.zeros(len(ways.first_clause) - 1, np.int64)
    for group in range(len(ways.weight)):
        through = 0.0
        for route in range(ways.first_route[group], ways.first_route[group + 1]):
            least[route] = ways.clause[ways.first_clause[route]]
            for place in range(ways.first_clause[route], ways.first_clause[route + 1]):
                if hit[ways.clause[place]] < hit[least[route]]:
                    least[route] = ways.clause[place]
            through += hit[least[route]]
        if through >= 1.0:
            constant[block[group]] += ways.weight[group]
            continue
        for route in range(ways.first_route[group], ways.first_route[group + 1]):
            for place in range(ways.first_node[least[route]], ways.first_node[least[route] + 1]):
                brings[block[group], ways.node[place]] += ways.weight[group]
