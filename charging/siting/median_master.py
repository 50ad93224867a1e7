"""The linear program of the cuts of a p-median, on HiGHS; it grows by cuts and is solved anew from where it was."""

import itertools
from typing import Any, NamedTuple

import highspy
import numpy as np

from charging.siting.effort import Effort
from charging.siting.median_cuts import BoolArray, Cuts
from charging.siting.milp import stop_in_time
from charging.siting.problem import FloatArray, IntArray

TOLERANCE = 1e-9
OPTIONS: dict[str, bool | float | str] = {
    "output_flag": False,
    "threads": 1,
    "random_seed": 1,
    "presolve": "off",
    "simplex_scale_strategy": 0,
    "primal_feasibility_tolerance": TOLERANCE,
    "dual_feasibility_tolerance": TOLERANCE,
}
UNITS = 1000.0
"""What the best known choice costs in the program, as the solver's tolerances are absolute."""
MOST_IDLE = 150
"""Cuts that do not bind, above which they are dropped."""

NONE_LEFT = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kObjectiveBound)
BASIC = highspy.HighsBasisStatus.kBasic


class Row(NamedTuple):
    """A row of the program: its columns and entries, its least value, and whether it is a rule that has to stay."""

    column: IntArray
    entry: FloatArray
    least: float
    is_rule: bool


class State(NamedTuple):
    """Rows of the program and the basis of its answer: what to go on from later."""

    rows: tuple[Row, ...]
    columns_basis: list[Any]
    rows_basis: list[Any]


class Relaxed(NamedTuple):
    """Bound, share of each site, cost of each group, and by how much opening a site raises the bound at least."""

    bound: float
    share: FloatArray
    cost: FloatArray
    rise: FloatArray


class Master:
    """Shares of sites, p together, and the cost of each group of points above all cuts; some sites shut.

    Parameters
    ----------
    fixed
        Which sites stand already.
    n_groups, p
        Numbers of groups and of sites to open.
    value
        Cost of a choice, to scale by.
    effort
        When to stop.
    """

    def __init__(self, fixed: BoolArray, n_groups: int, p: int, value: float, effort: Effort) -> None:
        n_sites = len(fixed)
        self.n_sites, self.n_groups, self.lower = n_sites, n_groups, fixed.astype(np.float64)
        self.scale = UNITS / value if value > 0 else 1.0
        self.rows: list[Row] = []
        self.looks_from = 0
        self.solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for name, option in OPTIONS.items():
            self.solver.setOptionValue(name, option)
        stop_in_time(self.solver, effort)
        self.solver.addVars(n_sites, self.lower, np.ones(n_sites))
        self.solver.addVars(n_groups, np.zeros(n_groups), np.full(n_groups, highspy.kHighsInf))
        groups = np.arange(n_sites, n_sites + n_groups, dtype=np.int32)
        self.solver.changeColsCost(n_groups, groups, np.ones(n_groups))
        self.solver.addRow(p, p, n_sites, np.arange(n_sites, dtype=np.int32), np.ones(n_sites))

    def solve(self, limit: float = np.inf) -> Relaxed:
        """Return the answer of the program.

        The bound is infinite where there is no choice of a cost up to `limit`, and -inf where the effort ended before.
        """
        self.solver.setOptionValue("objective_bound", min(limit * self.scale, highspy.kHighsInf))
        self.solver.run()
        status = self.solver.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            bound = np.inf if status in NONE_LEFT else -np.inf
            return Relaxed(bound, np.zeros(self.n_sites), np.zeros(self.n_groups), np.zeros(self.n_sites))
        solution = self.solver.getSolution()
        values, rise = np.asarray(solution.col_value), np.asarray(solution.col_dual)[: self.n_sites]
        share = np.clip(values[: self.n_sites], 0.0, 1.0)
        bound = self.solver.getInfo().objective_function_value / self.scale
        return Relaxed(bound, share, values[self.n_sites :] / self.scale, rise / self.scale)

    def add(self, cuts: Cuts) -> int:
        """Take in cuts; return their number."""
        least, entry, start = cuts.least * self.scale, cuts.saved * self.scale, cuts.start.tolist()
        entry[cuts.start[1:] - 1] = 1.0
        for number, (begin, end) in enumerate(itertools.pairwise(start)):
            self.rows.append(Row(cuts.column[begin:end], entry[begin:end], least[number], is_rule=False))
        self._append(least, cuts.start, cuts.column, entry)
        return len(least)

    def require_one_of(self, sites: IntArray) -> None:
        """Let one of `sites` open."""
        self.rows.append(Row(sites, np.ones(len(sites)), 1.0, is_rule=True))
        self._append(np.ones(1), np.array([0, len(sites)]), sites, np.ones(len(sites)))

    def _append(self, least: FloatArray, start: IntArray, column: IntArray, entry: FloatArray) -> None:
        """Append rows of at least `least`, with the columns and entries that begin and end at `start`."""
        most = np.full(len(least), highspy.kHighsInf)
        if len(least):
            starts, columns = start[:-1].astype(np.int32), column.astype(np.int32)
            self.solver.addRows(len(least), least, most, len(column), starts, columns, entry)

    def shut(self, closed: BoolArray) -> None:
        """Let the sites `closed` stay shut, and only these."""
        upper = np.maximum(np.where(closed, 0.0, 1.0), self.lower)
        self.solver.changeColsBounds(self.n_sites, np.arange(self.n_sites, dtype=np.int32), self.lower, upper)

    def state(self) -> State:
        """Return what to go on from later."""
        basis = self.solver.getBasis()
        return State(tuple(self.rows), list(basis.col_status), list(basis.row_status))

    def load(self, state: State, closed: BoolArray) -> None:
        """Go on from `state` with the sites `closed` shut."""
        number = self.solver.getNumRow()
        self.solver.deleteRows(number - 1, np.arange(1, number, dtype=np.int32))
        basic = np.array([each == BASIC for each in state.columns_basis])
        used = np.ones(len(basic), dtype=np.bool_)
        used[: self.n_sites] = ~closed | basic[: self.n_sites]
        self.rows = list(state.rows)
        self.looks_from = 0
        self._append(*_joined(state.rows, used))
        self.shut(closed)
        self._begin_from(state.columns_basis, state.rows_basis)

    def _begin_from(self, columns_basis: list[Any], rows_basis: list[Any]) -> None:
        basis = highspy.HighsBasis()
        basis.valid = True
        basis.col_status, basis.row_status = columns_basis, rows_basis
        self.solver.setBasis(basis)

    def thin(self) -> None:
        """Drop cuts that do not bind where there are many; the program goes on from where it was."""
        if len(self.rows) < self.looks_from:
            return
        basis = self.solver.getBasis()
        status = list(basis.row_status)
        drops = [False, *(each == BASIC and not row.is_rule for each, row in zip(status[1:], self.rows, strict=True))]
        idle = np.flatnonzero(drops)
        self.looks_from = len(self.rows) - len(idle) + MOST_IDLE
        if len(idle) <= MOST_IDLE or not basis.valid:
            return
        self.rows = [row for row, drop in zip(self.rows, drops[1:], strict=True) if not drop]
        self.solver.deleteRows(len(idle), idle.astype(np.int32))
        self._begin_from(list(basis.col_status), [each for each, drop in zip(status, drops, strict=True) if not drop])


def _joined(rows: tuple[Row, ...], used: BoolArray) -> tuple[FloatArray, IntArray, IntArray, FloatArray]:
    """Return what `Master._append` takes: the rows with their entries in the columns used only."""
    column, entry = np.concatenate([row.column for row in rows]), np.concatenate([row.entry for row in rows])
    kept = used[column]
    end = np.r_[0, np.cumsum(kept)][np.cumsum([len(row.column) for row in rows])]
    return np.array([row.least for row in rows]), np.r_[0, end], column[kept], entry[kept]
