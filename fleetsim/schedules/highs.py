"""HiGHS on a `Program`: linear relaxations and mixed-integer programs, stopped by CPU time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import highspy
import numpy as np

from fleetsim.schedules.problem import BoolArray, FloatArray
from fleetsim.schedules.program import Program

Method = str


@dataclass(frozen=True)
class Effort:
    """When to stop.

    Parameters
    ----------
    cpu_s
        CPU time of this process from the making of this object on [s].
    gap
        Relative gap that is good enough.
    """

    cpu_s: float = np.inf
    gap: float = 0.0
    began: float = field(default_factory=time.process_time)

    def left_s(self) -> float:
        """Return the CPU time left [s]."""
        return self.began + self.cpu_s - time.process_time()

    def part(self, share: float, *, gap: float | None = None) -> Effort:
        """Return an effort over a share of the time that is left."""
        return Effort(max(self.left_s(), 0.0) * share, self.gap if gap is None else gap)


@dataclass(frozen=True, eq=False)
class Answer:
    """What HiGHS found.

    Attributes
    ----------
    values
        One a column; None where it found none.
    cost
        Their cost [CNY].
    bound
        No solution costs less [CNY].
    prices
        Dual values of the rows (linear programs): what one unit more on the right-hand side costs [CNY].
    infeasible
        There is no solution.
    basis
        Where the simplex method ended; a program of the same shape may begin there.
    """

    values: FloatArray | None
    cost: float
    bound: float
    prices: FloatArray | None = None
    infeasible: bool = False
    basis: Any = None


SCALE = 1e-3
"""Costs are passed in thousands, as the solver's tolerances are absolute."""


def minimise(
    program: Program,
    effort: Effort,
    whole: BoolArray | None = None,
    start: FloatArray | None = None,
    method: Method = "choose",
    basis: Any = None,
) -> Answer:
    """Return the least-cost solution found within the effort.

    Parameters
    ----------
    program
        Rows and columns.
    effort
        When to stop.
    whole
        Columns that must be whole; None: none, a linear program.
    start
        A solution to begin from, one value a column.
    method
        Algorithm of a linear program: choose, simplex or ipm.
    basis
        Where the simplex method begins.

    Notes
    -----
    One thread and a fixed seed: a run that is not cut off by its time is the same every time.
    """
    solver = _solver(effort, method if whole is None else "choose")
    solver.passModel(_model(program, whole))
    if start is not None:
        solution = highspy.HighsSolution()
        solution.col_value = start.tolist()
        solver.setSolution(solution)
    if basis is not None:
        solver.setBasis(basis)
    solver.run()
    return _answer(solver, program, whole is not None)


def _solver(effort: Effort, method: Method) -> highspy.Highs:
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    options: dict[str, Any] = {
        "output_flag": False,
        "threads": 1,
        "parallel": "off",
        "random_seed": 1,
        "mip_rel_gap": effort.gap,
        "mip_abs_gap": 1e-6,
        "solver": method,
    }
    for name, value in options.items():
        solver.setOptionValue(name, value)
    if np.isfinite(effort.cpu_s):
        _stop_in_time(solver, effort)
    return solver


def _stop_in_time(solver: highspy.Highs, effort: Effort) -> None:
    """Interrupt the solver when the CPU time is over; wall time is no measure on a shared machine."""

    def check(event: Any) -> None:
        if effort.left_s() <= 0.0:
            event.interrupt()

    solver.cbSimplexInterrupt += check
    solver.cbIpmInterrupt += check
    solver.cbMipInterrupt += check


def _model(program: Program, whole: BoolArray | None) -> highspy.HighsLp:
    rows, columns = program.matrix.shape
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = columns, rows
    model.col_cost_ = program.cost * SCALE
    model.col_lower_, model.col_upper_ = program.lower, program.upper
    model.row_lower_, model.row_upper_ = program.row_lower, program.row_upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise  # before the arrays, or they are read columnwise
    model.a_matrix_.start_ = program.matrix.indptr.astype(np.int32)
    model.a_matrix_.index_ = program.matrix.indices.astype(np.int32)
    model.a_matrix_.value_ = program.matrix.data
    if whole is not None:
        kinds = highspy.HighsVarType
        model.integrality_ = [kinds.kInteger if each else kinds.kContinuous for each in whole.tolist()]
    return model


def _answer(solver: highspy.Highs, program: Program, mixed: bool) -> Answer:
    status, info = solver.getModelStatus(), solver.getInfo()
    if status == highspy.HighsModelStatus.kInfeasible:
        return Answer(None, np.inf, np.inf, infeasible=True)
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    solution = solver.getSolution()
    values = np.asarray(solution.col_value) if found else None
    cost = float(program.cost @ values) if values is not None else np.inf
    if mixed:
        return Answer(values, cost, info.mip_dual_bound / SCALE)
    done = status == highspy.HighsModelStatus.kOptimal
    prices = np.asarray(solution.row_dual) / SCALE if done else None
    return Answer(values, cost, cost if done else -np.inf, prices, basis=solver.getBasis() if done else None)
