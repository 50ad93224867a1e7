"""The linear program of the cuts of a p-median, on HiGHS; it grows by cuts and is solved anew from where it was."""

import highspy
import numpy as np
from numpy.typing import NDArray

from charging.siting.effort import Effort
from charging.siting.median_cuts import Cut, Split
from charging.siting.milp import stop_in_time
from charging.siting.problem import FloatArray, IntArray

BoolArray = NDArray[np.bool_]
TOLERANCE = 1e-9
OPTIONS: dict[str, bool | float | str] = {
    "output_flag": False,
    "threads": 1,
    "random_seed": 1,
    "presolve": "off",
    "primal_feasibility_tolerance": TOLERANCE,
    "dual_feasibility_tolerance": TOLERANCE,
}
UNITS = 1000.0
"""What the best known choice costs in the program, as the solver's tolerances are absolute."""
MOST_IDLE = 150
"""Cuts that do not bind, above which they are dropped."""
LEAST_BREACH, EXACT_BREACH = 1e-7, 1e-11
"""Share of the value by which a cut has to be broken to be taken in, and where the last bit counts."""

NONE_LEFT = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kObjectiveBound)


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
        self.rows: dict[Split, int] = {}
        self.solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for name, option in OPTIONS.items():
            self.solver.setOptionValue(name, option)
        stop_in_time(self.solver, effort)
        self.solver.addVars(n_sites, self.lower, np.ones(n_sites))
        self.solver.addVars(n_groups, np.zeros(n_groups), np.full(n_groups, highspy.kHighsInf))
        groups = np.arange(n_sites, n_sites + n_groups, dtype=np.int32)
        self.solver.changeColsCost(n_groups, groups, np.ones(n_groups))
        self.solver.addRow(p, p, n_sites, np.arange(n_sites, dtype=np.int32), np.ones(n_sites))

    def solve(self, limit: float = np.inf) -> tuple[float, FloatArray, FloatArray]:
        """Return the bound, the shares and the cost of each group.

        The bound is infinite where there is no choice of a cost up to `limit`, and -inf where the effort ended before.
        """
        self.solver.setOptionValue("objective_bound", min(limit * self.scale, highspy.kHighsInf))
        self.solver.run()
        status = self.solver.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            none = np.zeros(self.n_sites), np.zeros(self.n_groups)
            return np.inf if status in NONE_LEFT else -np.inf, *none
        values = np.asarray(self.solver.getSolution().col_value)
        bound = self.solver.getInfo().objective_function_value / self.scale
        return bound, np.clip(values[: self.n_sites], 0.0, 1.0), values[self.n_sites :] / self.scale

    def add(self, cut: Cut, share: FloatArray, cost: FloatArray, *, exact: bool = False) -> int:
        """Take in the cuts that `share` at this cost of each group breaks; return their number."""
        least = (EXACT_BREACH if exact else LEAST_BREACH) * UNITS / self.scale
        broken = np.flatnonzero(cut.least - cut.saved @ share - cost > least)
        if broken.size:
            saved = cut.saved[broken]
            rows, columns = np.nonzero(saved)
            entries = np.r_[saved[rows, columns] * self.scale, np.ones(len(broken))]
            columns = np.r_[columns, self.n_sites + broken]
            rows = np.r_[rows, np.arange(len(broken))]
            order = np.argsort(rows, kind="stable")
            starts = np.searchsorted(rows[order], np.arange(len(broken)))
            self.solver.addRows(
                len(broken),
                cut.least[broken] * self.scale,
                np.full(len(broken), highspy.kHighsInf),
                len(order),
                starts.astype(np.int32),
                columns[order].astype(np.int32),
                entries[order],
            )
        return len(broken)

    def shut(self, closed: IntArray, opened: dict[Split, IntArray]) -> None:
        """Let the sites `closed` stay shut and one of each set of `opened` open; what was asked before is undone."""
        upper = np.ones(self.n_sites)
        upper[closed] = 0.0
        upper = np.maximum(upper, self.lower)
        self.solver.changeColsBounds(self.n_sites, np.arange(self.n_sites, dtype=np.int32), self.lower, upper)
        for name, row in self.rows.items():
            self.solver.changeRowBounds(row, 1.0 if name in opened else -highspy.kHighsInf, highspy.kHighsInf)
        for name, sites in opened.items():
            if name not in self.rows:
                self.rows[name] = self.solver.getNumRow()
                self.solver.addRow(1.0, highspy.kHighsInf, len(sites), sites.astype(np.int32), np.ones(len(sites)))

    def thin(self) -> None:
        """Drop cuts that do not bind where there are many; the program goes on from where it was."""
        basis = self.solver.getBasis()
        status = list(basis.row_status)
        asked = {0, *self.rows.values()}
        basic = highspy.HighsBasisStatus.kBasic
        idle = np.array([row for row, each in enumerate(status) if each == basic and row not in asked], dtype=np.int32)
        if len(idle) <= MOST_IDLE or not basis.valid:
            return
        kept = np.ones(len(status), dtype=np.bool_)
        kept[idle] = False
        number = np.cumsum(kept) - 1
        self.rows = {name: int(number[row]) for name, row in self.rows.items()}
        self.solver.deleteRows(len(idle), idle)
        basis.row_status = [each for each, stays in zip(status, kept.tolist(), strict=True) if stays]
        self.solver.setBasis(basis)
