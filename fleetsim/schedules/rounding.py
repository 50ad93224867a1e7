"""A whole schedule made better, some depots at a time.

Budget, hydrogen, lots and clauses couple the depots. A cluster of them is solved again in whole numbers, in exactly the
room that the others leave and within some vehicles of what it had, while time is left and the cost falls. A group's
vehicles of a year stay within one of the continuous plan's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array, vstack

from fleetsim.schedules.highs import Effort, minimise
from fleetsim.schedules.parts import Part, Parts, completed, together, within
from fleetsim.schedules.problem import BoolArray, FloatArray, IntArray, ScheduleProblem
from fleetsim.schedules.program import Program

TOLERANCE = 1e-6
CLUSTER_GAP = 3e-4
"""Relative gap that is good enough in a cluster."""
CLUSTER_GROUPS = 30
"""Groups that are solved together."""
BAND = 1.0
"""Vehicles by which a group's number in a year may differ from the continuous plan's."""

Bounds = tuple[FloatArray, FloatArray]


def clusters(parts: Parts, groups: int) -> list[IntArray]:
    """Return the depots in sets of about `CLUSTER_GROUPS` groups, depots far apart in the list together."""
    depots = len(parts.depots)
    number = max(1, min(depots, round(groups / CLUSTER_GROUPS)))
    return [np.arange(start, depots, number) for start in range(number)]


def banded(problem: ScheduleProblem, program: Program, plan: FloatArray, whole: FloatArray) -> Program:
    """Return the program with rows that keep each group's vehicles of a year within one of the plan's.

    Parameters
    ----------
    problem
        What is planned.
    program
        Its rows and columns.
    plan, whole
        The continuous plan, and a whole schedule, which stays allowed where it is further away; one value a column.
    """
    held = program.columns.held
    groups, kinds, years = held.shape
    rows = np.repeat(np.arange(groups * years), kinds)
    columns = held.transpose(0, 2, 1).ravel()
    more = csr_array((np.ones(rows.size), (rows, columns)), shape=(groups * years, program.matrix.shape[1]))
    wanted, there = more @ plan, more @ whole
    return replace(
        program,
        matrix=csr_array(vstack([program.matrix, more], format="csr")),
        row_lower=np.concatenate([program.row_lower, np.minimum(wanted - BAND, there)]),
        row_upper=np.concatenate([program.row_upper, np.maximum(wanted + BAND, there)]),
        row_depot=np.concatenate([program.row_depot, np.repeat(problem.depot, years)]),
        row_name=program.row_name + tuple(("band", g, t, 0) for g in range(groups) for t in range(years)),
    )


def improve(parts: Parts, plan: FloatArray, sets: list[IntArray], effort: Effort, good: float) -> FloatArray:
    """Return the schedule after clusters of depots were solved again, one after another, while it gets better.

    Parameters
    ----------
    parts
        The program by depots.
    plan
        Whole schedule that keeps every row.
    sets
        Clusters of depots.
    effort
        When to stop.
    good
        Cost at which to stop [CNY].
    """
    for vehicles, depots in ((each, depots) for each in (2, 4, 8, 16) for depots in sets):
        if effort.left_s() <= 0.0 or _cost(parts, plan) <= good:
            return plan
        part = together(parts, depots)
        plan = improved(parts, part, plan, near(parts.program, part, plan, vehicles), effort.part(1.0 / len(sets)))
    return plan


def improved(parts: Parts, part: Part, plan: FloatArray, bounds: Bounds, effort: Effort) -> FloatArray:
    """Return the schedule with some depots solved again in the room the others leave, if that is cheaper."""
    bare = plan.copy()
    bare[parts.program.columns.slack] = 0.0
    others = parts.shared @ bare - part.shared @ plan[part.columns]
    lower, upper = _room(parts)
    own = plan[part.columns]
    found = _solve(parts, part, (lower - others, upper - others), bounds, effort, own)
    if found is None:
        return plan
    changed = plan.copy()
    changed[part.columns] = found
    changed = with_slack(parts, changed)
    cheaper = _cost(parts, changed) < _cost(parts, plan) - TOLERANCE
    return changed if cheaper and not violations(parts, changed).any() else plan


def _cost(parts: Parts, plan: FloatArray) -> float:
    return float(parts.program.cost @ plan)


def violations(parts: Parts, plan: FloatArray) -> FloatArray:
    """Return by how much each coupling row is broken."""
    use = parts.shared @ plan
    lower, upper = _room(parts)
    worst = np.maximum(np.maximum(lower - use, use - upper), 0.0)
    return np.where(worst > TOLERANCE * np.maximum(np.abs(use), 1.0), worst, 0.0)


def with_slack(parts: Parts, plan: FloatArray) -> FloatArray:
    """Return the schedule with the least slack that its vehicles leave to the clauses."""
    columns, program = parts.program.columns, parts.program
    result = plan.copy()
    result[columns.slack] = 0.0
    use = parts.shared @ result
    names = [program.row_name[row] for row in parts.coupling]
    place = {(name[1], name[2]): index for index, name in enumerate(names) if name[0] == "rule"}
    for column, key in zip(columns.slack, columns.slack_of, strict=True):
        row = place[key]
        short = float(program.row_lower[parts.coupling[row]] - use[row])
        result[column] = short if short > TOLERANCE else 0.0
    return result


def near(program: Program, part: Part, plan: FloatArray, vehicles: int) -> Bounds:
    """Return bounds of some depots' columns: held and bought within some vehicles of the plan, the rest free."""
    lower, upper = program.lower[part.columns].copy(), program.upper[part.columns].copy()
    columns = program.columns
    bound = np.isin(part.columns, np.concatenate([columns.held.ravel(), columns.bought.ravel()]))
    value = plan[part.columns][bound]
    lower[bound] = np.maximum(lower[bound], np.ceil(value - vehicles - TOLERANCE))
    upper[bound] = np.minimum(upper[bound], np.floor(value + vehicles + TOLERANCE))
    return lower, upper


def _room(parts: Parts) -> Bounds:
    return parts.program.row_lower[parts.coupling], parts.program.row_upper[parts.coupling]


def _solve(
    parts: Parts, part: Part, room: Bounds, bounds: Bounds, effort: Effort, start: FloatArray
) -> FloatArray | None:
    """Return the columns of some depots in whole numbers, at least cost within bounds and room; None without any."""
    program = within(parts, part, *room)
    own = part.columns.size
    program.lower[:own], program.upper[:own] = bounds
    begin = completed(parts, part, *room, start)
    answer = minimise(program, replace(effort, gap=CLUSTER_GAP), program.whole, begin)
    return None if answer.values is None else settled(answer.values[:own], program.whole[:own])


def settled(values: FloatArray, whole: BoolArray) -> FloatArray:
    """Return the values without the solver's tolerance: whole ones whole, none below 0."""
    return np.maximum(np.where(whole, np.round(values), values), 0.0)
