"""A program cut into its depots: what each holds alone, and its share of the rows that couple them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import block_diag, csc_array, csr_array, hstack, vstack

from fleetsim.schedules.problem import FloatArray, IntArray, ScheduleProblem
from fleetsim.schedules.program import COUPLED, Program


@dataclass(frozen=True, eq=False)
class Part:
    """One depot with its groups.

    Attributes
    ----------
    columns
        Its columns in the whole program.
    rows
        Its rows there.
    own
        Rows x columns of it alone.
    shared
        Coupling rows x its columns.
    """

    columns: IntArray
    rows: IntArray
    own: csr_array
    shared: csr_array


@dataclass(frozen=True, eq=False)
class Parts:
    """All depots, and the columns that belong to none.

    Attributes
    ----------
    coupling
        Rows that couple the depots.
    free
        Columns of no depot: lots and slack.
    shared
        Coupling rows x all columns.
    missing_cny
        What a vehicle missing to a clause costs, one a coupling row [CNY]; infinite where the row is no clause.
    """

    program: Program
    depots: tuple[Part, ...]
    coupling: IntArray
    free: IntArray
    shared: csr_array
    missing_cny: FloatArray


def cut(problem: ScheduleProblem, program: Program) -> Parts:
    """Return the program by depots; depots without a group and without a row are left out."""
    coupling = np.flatnonzero(program.row_depot == COUPLED)
    shared = csr_array(program.matrix[coupling])
    by_column = csc_array(shared)
    parts = []
    for depot in range(len(problem.depots)):
        columns = np.flatnonzero(program.column_depot == depot)
        rows = np.flatnonzero(program.row_depot == depot)
        own = csr_array(csc_array(program.matrix[rows])[:, columns])
        parts.append(Part(columns, rows, own, csr_array(by_column[:, columns])))
    return Parts(
        program=program,
        depots=tuple(parts),
        coupling=coupling,
        free=np.flatnonzero(program.column_depot == COUPLED),
        shared=shared,
        missing_cny=_missing_costs(problem, program, coupling),
    )


def together(parts: Parts, depots: IntArray) -> Part:
    """Return several depots as one."""
    chosen = [parts.depots[depot] for depot in depots]
    return Part(
        columns=np.concatenate([part.columns for part in chosen]),
        rows=np.concatenate([part.rows for part in chosen]),
        own=csr_array(block_diag([part.own for part in chosen], format="csr")),
        shared=csr_array(hstack([part.shared for part in chosen], format="csr")),
    )


def _missing_costs(problem: ScheduleProblem, program: Program, coupling: IntArray) -> FloatArray:
    factor = problem.discount()
    names = [program.row_name[row] for row in coupling]
    return np.array([problem.rules[a].penalty_cny * factor[b] if kind == "rule" else np.inf for kind, a, b, _ in names])


def alone(parts: Parts, part: Part, prices: FloatArray) -> Program:
    """Return a depot's own program, its use of the coupling rows paid for at `prices` (one a coupling row)."""
    whole = parts.program
    return replace(
        _sliced(whole, part),
        cost=whole.cost[part.columns] - part.shared.T @ prices,
        matrix=part.own,
        row_lower=whole.row_lower[part.rows],
        row_upper=whole.row_upper[part.rows],
    )


def within(parts: Parts, part: Part, lower: FloatArray, upper: FloatArray) -> Program:
    """Return a depot's program with the room that the coupling rows leave it.

    Parameters
    ----------
    lower, upper
        Least and most use of each coupling row by this depot.

    Notes
    -----
    One more column a clause row, after the depot's own: vehicles that are then missing to the clause.
    """
    whole = parts.program
    used = _used(part, lower, upper)
    soft = np.flatnonzero(np.isfinite(parts.missing_cny[used]))
    missing = csr_array((np.ones(soft.size), (soft, np.arange(soft.size))), shape=(used.size, soft.size))
    empty = csr_array((part.rows.size, soft.size))
    matrix = vstack([hstack([part.own, empty]), hstack([part.shared[used], missing])], format="csr")
    base = _sliced(whole, part)
    return replace(
        base,
        cost=np.concatenate([whole.cost[part.columns], parts.missing_cny[used[soft]]]),
        matrix=csr_array(matrix),
        row_lower=np.concatenate([whole.row_lower[part.rows], lower[used]]),
        row_upper=np.concatenate([whole.row_upper[part.rows], upper[used]]),
        lower=np.concatenate([base.lower, np.zeros(soft.size)]),
        upper=np.concatenate([base.upper, np.full(soft.size, np.inf)]),
        whole=np.concatenate([base.whole, np.zeros(soft.size, dtype=bool)]),
    )


def completed(parts: Parts, part: Part, lower: FloatArray, upper: FloatArray, values: FloatArray) -> FloatArray:
    """Return the columns of `within` for the values of a depot's own columns."""
    used = _used(part, lower, upper)
    soft = used[np.isfinite(parts.missing_cny[used])]
    return np.concatenate([values, np.maximum(lower[soft] - part.shared[soft] @ values, 0.0)])


def _used(part: Part, lower: FloatArray, upper: FloatArray) -> IntArray:
    return np.flatnonzero((np.diff(part.shared.indptr) > 0) & (np.isfinite(lower) | np.isfinite(upper)))


def _sliced(whole: Program, part: Part) -> Program:
    return replace(
        whole,
        lower=whole.lower[part.columns],
        upper=whole.upper[part.columns],
        whole=whole.whole[part.columns],
        column_depot=whole.column_depot[part.columns],
        row_depot=whole.row_depot[part.rows],
    )
