"""The linear program of clusters of a p-median with capacities, on HiGHS; it grows by clusters and rows."""

from typing import Any, NamedTuple

import highspy
import numpy as np

from charging.siting.capacity_bound import Capacities
from charging.siting.capacity_columns import BoolArray, Columns, Row
from charging.siting.effort import Effort
from charging.siting.milp import stop_in_time
from charging.siting.problem import FloatArray, IntArray

OPTIONS: dict[str, bool | float | str | int] = {
    "output_flag": False,
    "threads": 1,
    "random_seed": 1,
    "presolve": "off",
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
}
FITTING, DUAL = 0, 1
"""Ways of the simplex: primal or dual as the basis suggests; dual."""
UNLIMITED = 2_147_483_647
LEFT_OUT = 10.0
"""What not serving a point costs in the program, in dearest places."""
TWICE = 1e-6
"""How far a site may be used above once before a row forbids it."""
IN_USE = 1e-7
BASIC, LOWER, INFINITE = highspy.HighsBasisStatus.kBasic, highspy.HighsBasisStatus.kLower, highspy.kHighsInf


class Duals(NamedTuple):
    """Value of the program; prices of points, of one more site, and of the rows."""

    value: float
    price: FloatArray
    number: float
    rows: FloatArray


class Basis(NamedTuple):
    """What to go on from: clusters in the basis, states of the first columns and of all rows, the rows about clusters.

    The first columns leave a point out, or use a site for no point.
    """

    columns: IntArray
    first: list[Any]
    states: list[Any]
    rows: tuple[Row, ...]


class Master:
    """Each point in one cluster or more, at most p clusters, and rows about them.

    A point may be left out at a high cost; for each site there is a cluster without points. Rows that let a site be
    used once are added where needed.

    Parameters
    ----------
    task
        Costs, demands, capacities, number of sites.
    columns
        The clusters.
    scale
        What costs are multiplied by, as the solver's tolerances are absolute.
    effort
        When to stop.
    """

    def __init__(self, task: Capacities, columns: Columns, scale: float, effort: Effort) -> None:
        self.columns, self.scale, self.p = columns, scale, task.p
        self.n_sites, self.n_points = task.cost.shape
        self.n_first = self.n_points + self.n_sites
        self.penalty = LEFT_OUT * float(columns.places.max(initial=0.0)) * scale + 1.0
        self.solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for name, option in OPTIONS.items():
            self.solver.setOptionValue(name, option)
        self.solver.setOptionValue("simplex_strategy", FITTING)
        self.effort = effort
        stop_in_time(self.solver, effort)
        self._listen(False)
        self.held, self.rows, self.values = np.empty(0, dtype=np.int64), list[Row](), np.empty(0)

    def load(self, held: IntArray, usable: BoolArray, rows: tuple[Row, ...], basis: Basis | None) -> None:
        """Begin anew with the clusters `held` (ascending), of which only the `usable` may be used, from a basis."""
        self.held, self.rows = held, list(rows)
        n_points, n_first = self.n_points, self.n_first
        empty_start, empty_row = self._entries_of_empty()
        start, row = self._entries(held)
        left_out = np.arange(n_points)
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = n_first + len(held), n_points + 1 + len(rows)
        free = np.zeros(self.n_sites)
        model.col_cost_ = np.r_[np.full(n_points, self.penalty), free, self.columns.cost[held] * self.scale]
        model.col_lower_ = np.zeros(n_first + len(held))
        model.col_upper_ = np.r_[np.full(n_first, INFINITE), np.where(usable, INFINITE, 0.0)]
        model.row_lower_ = np.r_[np.ones(n_points), -INFINITE, [each.least for each in rows]]
        model.row_upper_ = np.r_[np.full(n_points, INFINITE), float(self.p), [each.most for each in rows]]
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        starts = np.r_[left_out, n_points + empty_start[:-1], n_points + empty_start[-1] + start]
        model.a_matrix_.start_ = starts.astype(np.int32)
        model.a_matrix_.index_ = np.r_[left_out, empty_row, row].astype(np.int32)
        model.a_matrix_.value_ = np.ones(n_points + len(empty_row) + len(row))
        self.solver.clearModel()
        self.solver.passModel(model)
        self._listen(basis is None)
        if basis is not None:
            self._begin_from(basis)

    def _listen(self, on: bool) -> None:
        """Let the effort end the solver while it runs, or not: where it begins from a basis, a run is short."""
        kind = highspy.cb.HighsCallbackType.kCallbackSimplexInterrupt
        if on:
            self.solver.startCallback(kind)
        else:
            self.solver.stopCallback(kind)

    def _begin_from(self, basis: Basis) -> None:
        basic = np.zeros(len(self.held), dtype=np.bool_)
        basic[np.searchsorted(self.held, basis.columns)] = True
        start = highspy.HighsBasis()
        start.valid = True
        start.col_status = basis.first + [BASIC if each else LOWER for each in basic.tolist()]
        start.row_status = basis.states + [BASIC] * (self.n_points + 1 + len(self.rows) - len(basis.states))
        self.solver.setBasis(start)

    def basis(self) -> tuple[Basis, list[int]]:
        """Return what to go on from later, and which rows that are: those about triples only where they bind."""
        basis, n_fixed = self.solver.getBasis(), self.n_points + 1
        columns, states = list(basis.col_status), list(basis.row_status)
        basic = np.array([each == BASIC for each in columns[self.n_first :]], dtype=np.bool_)
        kept = [at for at, row in enumerate(self.rows) if row.triple is None or states[n_fixed + at] != BASIC]
        stays = states[:n_fixed] + [states[n_fixed + at] for at in kept]
        rows = tuple(self.rows[at] for at in kept)
        return Basis(np.sort(self.held[basic]), columns[: self.n_first], stays, rows), kept

    def _entries_of_empty(self) -> tuple[IntArray, IntArray]:
        """Return start (with the end) and rows of the entries of the clusters without points."""
        site, at = [np.arange(self.n_sites)], [np.full(self.n_sites, self.n_points)]
        for number, row in enumerate(self.rows):
            if row.sites is not None:
                site.append(np.flatnonzero(row.sites))
                at.append(np.full(len(site[-1]), self.n_points + 1 + number))
        return _by_owner(np.concatenate(site), np.concatenate(at), self.n_sites)

    def _entries(self, some: IntArray) -> tuple[IntArray, IntArray]:
        """Return start (with the end) and rows of the entries of the clusters `some`."""
        owner, point = self.columns.entries(some)
        own, at = [owner, np.arange(len(some))], [point, np.full(len(some), self.n_points)]
        number, counted = np.nonzero(self.columns.counted(self.rows, some))
        own.append(counted)
        at.append(self.n_points + 1 + number)
        return _by_owner(np.concatenate(own), np.concatenate(at), len(some))

    def add(self, numbers: IntArray) -> int:
        """Take in those of some clusters that are not held; return how many."""
        new = np.setdiff1d(numbers, self.held)
        if len(new):
            start, row = self._entries(new)
            cost, upper = self.columns.cost[new] * self.scale, np.full(len(new), INFINITE)
            starts, rows = start[:-1].astype(np.int32), row.astype(np.int32)
            self.solver.addCols(len(new), cost, np.zeros(len(new)), upper, len(row), starts, rows, np.ones(len(row)))
            self.held = np.r_[self.held, new]
        return len(new)

    def add_row(self, row: Row) -> None:
        """Take in a row about clusters."""
        self._append(row)
        self.rows.append(row)

    def _append(self, row: Row) -> None:
        inside = np.flatnonzero(self.columns.counted([row], self.held)[0]) + self.n_first
        if row.sites is not None:
            inside = np.r_[np.flatnonzero(row.sites) + self.n_points, inside]
        self.solver.addRow(row.least, row.most, len(inside), inside.astype(np.int32), np.ones(len(inside)))

    def solve(self) -> Duals | None:
        """Solve; return value and prices, the value infinite where nothing is allowed; None where it was ended."""
        while True:
            self.solver.run()
            status = self.solver.getModelStatus()
            if status == highspy.HighsModelStatus.kInfeasible:
                return Duals(np.inf, np.empty(0), 0.0, np.empty(0))
            if status != highspy.HighsModelStatus.kOptimal:
                return None
            solution = self.solver.getSolution()
            self.values = np.asarray(solution.col_value)
            twice = np.flatnonzero(self.share() > 1.0 + TWICE)
            if not len(twice):
                return self._duals(np.asarray(solution.row_dual) / self.scale)
            for site in twice.tolist():
                self.add_row(Row(np.arange(self.n_sites) == site, None, -np.inf, 1.0))

    def _duals(self, dual: FloatArray) -> Duals:
        n = self.n_points
        rows = [_signed(row, each) for row, each in zip(self.rows, dual[n + 1 :].tolist(), strict=True)]
        value = self.solver.getInfo().objective_function_value / self.scale
        return Duals(value, np.maximum(dual[:n], 0.0), min(float(dual[n]), 0.0), np.array(rows, dtype=np.float64))

    def share(self) -> FloatArray:
        """Return how far each site is open."""
        share = self.values[self.n_points : self.n_first].copy()
        np.add.at(share, self.columns.site[self.held], self.values[self.n_first :])
        return share

    def in_use(self) -> tuple[IntArray, FloatArray]:
        """Return the clusters in use and how far."""
        used = self.values[self.n_first :]
        some = np.flatnonzero(used > IN_USE)
        return self.held[some], used[some]

    def serving(self) -> FloatArray:
        """Return how far each site serves each point (sites x points)."""
        some, used = self.in_use()
        row, point = self.columns.entries(some)
        serving = np.zeros((self.n_sites, self.n_points))
        np.add.at(serving, (self.columns.site[some][row], point), used[row])
        return serving

    def try_row(self, row: Row, steps: int) -> float:
        """Return the value with a row more, after some steps of the simplex at most; all is as before then."""
        basis, number = self.solver.getBasis(), self.solver.getNumRow()
        self._append(row)
        value = self._few(steps)
        self.solver.deleteRows(1, np.array([number], dtype=np.int32))
        self.solver.setBasis(basis)
        return value

    def try_without(self, columns: BoolArray, steps: int) -> float:
        """Return the value without some of the clusters held, after some steps at most; all is as before then."""
        basis = self.solver.getBasis()
        which = (np.flatnonzero(columns) + self.n_first).astype(np.int32)
        zero, before = np.zeros(len(which)), np.asarray(self.solver.getLp().col_upper_)[which]
        self.solver.changeColsBounds(len(which), which, zero, zero)
        value = self._few(steps)
        self.solver.changeColsBounds(len(which), which, zero, before)
        self.solver.setBasis(basis)
        return value

    def _few(self, steps: int) -> float:
        self.solver.setOptionValue("simplex_iteration_limit", steps)
        self.solver.setOptionValue("simplex_strategy", DUAL)
        self.solver.run()
        self.solver.setOptionValue("simplex_strategy", FITTING)
        self.solver.setOptionValue("simplex_iteration_limit", UNLIMITED)
        if self.solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
            return np.inf
        return float(self.solver.getInfo().objective_function_value) / self.scale


def _signed(row: Row, dual: float) -> float:
    """Return the dual of a row, 0 where rounding gave it a sign that it cannot have."""
    limit = row.least if dual > 0 else row.most
    return dual if np.isfinite(limit) else 0.0


def _by_owner(owner: IntArray, index: IntArray, number: int) -> tuple[IntArray, IntArray]:
    order = np.argsort(owner, kind="stable")
    return np.r_[0, np.cumsum(np.bincount(owner, minlength=number))], index[order]
