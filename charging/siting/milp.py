"""Mixed-integer programs on HiGHS, called directly."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from charging.siting.effort import Effort
from charging.siting.problem import FloatArray

LEAST_S, ASK_EVERY_S, LATEST_S = 0.01, 0.05, 1.0
"""Shortest time limit, time from one look at the effort to the next, and longest wait for a solver that is to stop."""


@dataclass(frozen=True, eq=False)
class Program:
    """Minimise cost x subject to row_lower <= matrix x <= row_upper and 0 <= x <= 1.

    Parameters
    ----------
    cost
        Cost of each column.
    matrix
        Rows x columns.
    row_lower, row_upper
        Bounds of each row; infinite where there is none.
    integer
        Columns that must be 0 or 1.
    """

    cost: FloatArray
    matrix: csr_array
    row_lower: FloatArray
    row_upper: FloatArray
    integer: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What HiGHS found: values (empty where it found none), a lower bound, and whether it proved infeasibility."""

    values: FloatArray | None
    bound: float
    infeasible: bool


def minimise(
    program: Program,
    effort: Effort,
    *,
    start: FloatArray | None = None,
    target: float = -np.inf,
    interior: bool = False,
) -> Outcome:
    """Return the best values found within the time and a lower bound on every choice.

    Parameters
    ----------
    program
        What to minimise.
    effort
        When to stop. HiGHS looks at the clock only now and then while it presolves; where it does not within
        `LATEST_S`, it is left to itself and nothing is known.
    start
        Values to begin from, one a column; NaN where they are for the solver to find.
    target
        A value that is good enough, so that the search ends with the first answer at or below it.
    interior
        Whether to take a linear program by the interior point method, not on to a corner: faster where it is large.

    Notes
    -----
    One thread and a fixed seed, so that a run that ends before its time is the same every time. Costs are
    scaled to at most 1, since the solver's tolerances are absolute; the relative gap is 0 unless
    the effort allows one.
    """
    scale = float(np.abs(program.cost).max(initial=0.0)) or 1.0
    solver = _solver(effort)
    if interior:
        solver.setOptionValue("solver", "ipm")
        solver.setOptionValue("run_crossover", "off")
    solver.setOptionValue("objective_target", target / scale)
    solver.passModel(_model(program, scale))
    if start is not None:
        known = np.flatnonzero(~np.isnan(start))
        solver.setSolution(len(known), known.astype(np.int32), start[known])
    with effort.ended_by_hand():
        if not _run(solver, effort):
            return Outcome(None, -np.inf, infeasible=False)
    return _outcome(solver, scale, bool(program.integer.any()))


def _solver(effort: Effort) -> highspy.Highs:
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("random_seed", 1)
    solver.setOptionValue("mip_rel_gap", effort.gap)
    solver.setOptionValue("mip_abs_gap", 0.0)
    solver.setOptionValue("time_limit", float(np.clip(effort.seconds_left(), LEAST_S, 1e9)))
    if effort.nodes is not None:
        solver.setOptionValue("mip_max_nodes", effort.nodes)
    return solver


def _run(solver: highspy.Highs, effort: Effort) -> bool:
    """Run the solver beside this thread, which asks `effort`; return whether it came to its end.

    Notes
    -----
    Presolve calls nobody back, but reads the time limit: that is set to nothing once the search is over.
    """
    over = Event()
    _end_when(solver, over.is_set)
    beside = Thread(target=solver.run)
    beside.start()
    try:
        while beside.is_alive() and not effort.ask():
            beside.join(ASK_EVERY_S)
    finally:
        if beside.is_alive():
            over.set()
            solver.setOptionValue("time_limit", 0.0)
    beside.join(LATEST_S)
    return not beside.is_alive()


def stop_in_time(solver: highspy.Highs, effort: Effort) -> None:
    """Let `effort` end the solver while it runs: over its time, by whom it reports to, or by hand."""
    _end_when(solver, effort.ask)


def _end_when(solver: highspy.Highs, is_over: Callable[[], bool]) -> None:
    def check(event: Any) -> None:
        if is_over():
            event.interrupt()

    solver.cbSimplexInterrupt += check
    solver.cbIpmInterrupt += check
    solver.cbMipInterrupt += check


def _model(program: Program, scale: float) -> highspy.HighsLp:
    rows, columns = program.matrix.shape
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = columns, rows
    model.col_cost_ = program.cost / scale
    model.col_lower_, model.col_upper_ = np.zeros(columns), np.ones(columns)
    model.row_lower_, model.row_upper_ = program.row_lower, program.row_upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise  # before the arrays, or they are read columnwise
    model.a_matrix_.start_ = program.matrix.indptr.astype(np.int32)
    model.a_matrix_.index_ = program.matrix.indices.astype(np.int32)
    model.a_matrix_.value_ = program.matrix.data
    if program.integer.any():
        kinds = highspy.HighsVarType
        model.integrality_ = [kinds.kInteger if each else kinds.kContinuous for each in program.integer]
    return model


def _outcome(solver: highspy.Highs, scale: float, mixed: bool) -> Outcome:
    status = solver.getModelStatus()
    info = solver.getInfo()
    if status == highspy.HighsModelStatus.kInfeasible:
        return Outcome(None, np.inf, True)
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = np.asarray(solver.getSolution().col_value) if found else None
    if mixed:
        bound = info.mip_dual_bound
    else:
        done = status == highspy.HighsModelStatus.kOptimal
        bound = info.objective_function_value if done else -np.inf
    return Outcome(values, bound * scale, False)
