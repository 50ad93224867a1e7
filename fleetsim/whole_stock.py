"""A year's turnover in whole vehicles: controlled rounding, every sum that counts within one vehicle of what it was.

A table of vehicles by powertrain and cell is rounded so that each entry, each powertrain and each cell goes to the
whole number below or above. Such a rounding always exists: sums that are not whole get a slack row or column; then all
margins are whole, and a table of such margins has a whole solution (Causey, Cox and Ernst 1985). Here the largest
remainders go up first, and exchanges along rows and columns mend the margins.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SLACK = 1e-6
"""Vehicles below which a difference to a whole number is a rounding error of sums."""


def rounded(
    remaining: FloatArray, additions: FloatArray, parts: IntArray, bought: NDArray[np.bool_], turn: int
) -> FloatArray:
    """Return vehicles by powertrain, vintage and cell in whole numbers, the last vintage those bought.

    Parameters
    ----------
    remaining
        Vehicles that remain, by powertrain, vintage and cell; none above a whole number it came from [vehicles].
    additions
        Vehicles bought, by powertrain and cell [vehicles].
    parts
        Number of the part (order) each powertrain and cell belongs to; the sum over a part is kept if it is whole.
    bought
        Powertrains whose purchases are a number of their own: rounded apart from those that remain.
    turn
        Seed of the order in which powertrains and cells are looked at, so that not always the same ones go up.
    """
    values = np.concatenate([remaining, additions[:, None, :]], axis=1)
    own = np.flatnonzero(bought)
    totals = values.sum(axis=1)
    totals[own] -= additions[own]
    stacked = np.concatenate([totals, additions[own]])
    apart = np.concatenate([np.where(bought[:, None], -1 - parts, parts), parts[own]])
    whole = margins_kept(stacked, apart, turn)
    numbers = len(totals)
    if own.size:
        values[own, -1, :] = whole[numbers:]
        whole[own] += whole[numbers:]
    return _over_vintages(values, whole[:numbers])


def margins_kept(values: FloatArray, parts: IntArray, turn: int = 0) -> FloatArray:
    """Return a table in whole numbers: entries, rows of each part, parts and columns go down or up by less than one.

    >>> margins_kept(np.array([[0.5, 1.5], [0.5, 0.5]]), np.zeros((2, 2), dtype=np.int64)).sum(axis=0).tolist()
    [1.0, 2.0]
    """
    base = np.floor(values + SLACK)
    rest = values - base
    rest[rest < SLACK] = 0.0
    open_rows, open_columns = np.nonzero(rest)
    if not open_rows.size:
        return np.asarray(base)
    _, group = np.unique(parts[open_rows, open_columns], return_inverse=True)
    _, row = np.unique(open_rows * (group.max() + 1) + group, return_inverse=True)
    mixed = np.random.default_rng(turn)
    row, column = mixed.permutation(row.max() + 1)[row], mixed.permutation(values.shape[1])[open_columns]
    up = _raised(rest[open_rows, open_columns], row, column, group)
    base[open_rows, open_columns] += up
    return np.asarray(base)


def _raised(rest: FloatArray, row: IntArray, column: IntArray, group: IntArray) -> IntArray:
    """Return which entries go up, 1 or 0: sums of rows and columns are made whole by entries of slack.

    Each row has a slack entry in the column of its group, each column and each group's column one in a slack row; then
    all sums are whole and as many entries go up in a row or column as it sums to.
    """
    rows, columns, groups = row.max() + 1, column.max() + 1, group.max() + 1
    group_of = np.zeros(rows, dtype=np.int64)
    group_of[row] = group
    in_row, in_column = np.bincount(row, rest, rows), np.bincount(column, rest, columns)
    row_total, column_total = np.ceil(in_row - SLACK), np.ceil(in_column - SLACK)
    in_group = np.bincount(group_of, row_total - in_row, groups)
    group_total = np.ceil(in_group - SLACK)
    edges = (
        (row, column, rest),
        (np.arange(rows), columns + group_of, row_total - in_row),
        (np.full(columns, rows), np.arange(columns), column_total - in_column),
        (np.full(groups, rows), columns + np.arange(groups), group_total - in_group),
    )
    starts, ends, parts = (np.concatenate([edge[place] for edge in edges]) for place in range(3))
    last = float(np.round((column_total - in_column).sum() + (group_total - in_group).sum()))
    used = np.flatnonzero(parts > SLACK)
    needs = [*row_total.tolist(), last], [*column_total.tolist(), *group_total.tolist()]
    order = used[np.argsort(-parts[used], kind="stable")].tolist()
    up = _chosen(order, starts.tolist(), ends.tolist(), needs)
    return np.array([int(place in up) for place in range(rest.size)])


def _chosen(order: list[int], starts: list[int], ends: list[int], needs: tuple[list[float], list[float]]) -> set[int]:
    """Return as many edges of each row and column as it needs: the largest first, then along exchanges that mend it."""
    row_need, column_need = needs
    chosen: set[int] = set()
    of_row: dict[int, list[int]] = {}
    of_column: dict[int, list[int]] = {}
    for edge in order:
        row, column = starts[edge], ends[edge]
        of_row.setdefault(row, []).append(edge)
        of_column.setdefault(column, []).append(edge)
        if row_need[row] > 0 and column_need[column] > 0:
            chosen.add(edge)
            row_need[row] -= 1
            column_need[column] -= 1
    for row in of_row:
        while row_need[row] > 0:
            way = _exchange(row, chosen, (of_row, of_column), (starts, ends), column_need)
            if not way:
                break
            chosen.symmetric_difference_update(way)
            row_need[row] -= 1
            column_need[ends[way[0]]] -= 1
    return chosen


def _exchange(
    row: int,
    chosen: set[int],
    lists: tuple[dict[int, list[int]], dict[int, list[int]]],
    nodes: tuple[list[int], list[int]],
    column_need: list[float],
) -> list[int]:
    """Return edges to take and to leave, in turn, that give a row one more: that of the last column first."""
    (of_row, of_column), (starts, ends) = lists, nodes
    came: dict[int, int] = {}
    entered: dict[int, int] = {row: -1}
    queue = [row]
    for here in queue:
        for edge in of_row[here]:
            column = ends[edge]
            if edge in chosen or column in came:
                continue
            came[column] = edge
            if column_need[column] > 0:
                way = [edge]
                while (back := entered[starts[way[-1]]]) >= 0:
                    way += [back, came[ends[back]]]
                return way
            for back in of_column[column]:
                if back in chosen and starts[back] not in entered:
                    entered[starts[back]] = back
                    queue.append(starts[back])
    return []


def _over_vintages(values: FloatArray, totals: FloatArray) -> FloatArray:
    """Return whole vehicles by vintage that sum to whole totals, by largest remainder; none moves by one or more."""
    base = np.floor(values + SLACK)
    rest = np.maximum(values - base, 0.0)
    missing = np.round(totals - base.sum(axis=1)).astype(np.int64)
    rank = np.argsort(np.argsort(-rest, axis=1, kind="stable"), axis=1, kind="stable")
    return np.asarray(base + (rank < missing[:, None, :]))
