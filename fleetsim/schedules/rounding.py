"""From the continuous schedule to whole vehicles, chargers and modules, some depots at a time; repair and improvement.

A cluster of depots is solved in whole numbers within two vehicles of the continuous schedule, a group, powertrain and
year. Budget, hydrogen, lots and clauses couple the clusters: their use is paid for at the continuous schedule's prices,
and what the clusters so far used may differ from what the continuous schedule used there by a little, by nothing at
the end. Clusters are then solved again, in exactly the room that the others leave, until no coupling row is broken
and, while time is left, to lower the cost.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fleetsim.schedules.highs import Effort, minimise
from fleetsim.schedules.parts import Part, Parts, completed, together, within
from fleetsim.schedules.problem import BoolArray, FloatArray, IntArray
from fleetsim.schedules.program import Program

TOLERANCE = 1e-6
CLUSTER_GAP = 3e-4
"""Relative gap that is good enough in a cluster."""
CLUSTER_GROUPS = 30
"""Groups that are solved together."""
BAND = 2
"""Vehicles by which a group's whole schedule may differ from the continuous one, a powertrain and year."""
MEND_S = 1.5
"""CPU time for mending broken rows at one depot [s]."""
DRIFT = 1.0
"""Mean uses of a coupling row by a vehicle by which the clusters so far may stray from the continuous schedule."""

Bounds = tuple[FloatArray, FloatArray]


def clusters(parts: Parts, groups: int) -> list[IntArray]:
    """Return the depots in sets of about `CLUSTER_GROUPS` groups, depots far apart in the list together."""
    depots = len(parts.depots)
    number = max(1, min(depots, round(groups / CLUSTER_GROUPS)))
    return [np.arange(start, depots, number) for start in range(number)]


def rounded(
    parts: Parts, plan: FloatArray, prices: FloatArray, sets: list[IntArray], effort: Effort
) -> FloatArray | None:
    """Return a whole schedule near a continuous one, or None if the time ran out before it was complete.

    Parameters
    ----------
    parts
        The program by depots.
    plan
        Continuous schedule, one value a column, its lots whole.
    prices
        Dual value of each coupling row.
    sets
        Clusters of depots.
    effort
        When to stop.
    """
    result = plan.copy()
    lower, upper = _room(parts)
    use = parts.shared @ plan
    strayed = np.zeros(len(parts.coupling))
    for number, depots in enumerate(sets):
        part, left = together(parts, depots), len(sets) - number - 1
        before = part.shared @ plan[part.columns]
        drift = _unit(part) * DRIFT * min(1, left)
        room = (before - strayed - np.maximum(use - lower, drift), before - strayed + np.maximum(upper - use, drift))
        priced = prices if left else np.zeros_like(prices)
        found = _cluster(parts, depots, room, plan, priced, effort.part(1.0 / (left + 1)))
        if found is None:
            return None
        result[part.columns] = found
        strayed += part.shared @ found - before
    return with_slack(parts, result)


def _cluster(
    parts: Parts, depots: IntArray, room: Bounds, plan: FloatArray, prices: FloatArray, effort: Effort
) -> FloatArray | None:
    """Return the columns of a cluster: its depots one by one, then all of them together from there."""
    part = together(parts, depots)
    start = _one_by_one(parts, depots, room, plan, prices, effort)
    if len(depots) == 1 or start is None:
        return start
    low, high = near(parts.program, part, plan, BAND)
    bounds = (np.minimum(low, start), np.maximum(high, start))
    return _solve(parts, part, room, bounds, effort, prices, start)


def _one_by_one(
    parts: Parts, depots: IntArray, room: Bounds, plan: FloatArray, prices: FloatArray, effort: Effort
) -> FloatArray | None:
    values = []
    shares = [parts.depots[depot].shared @ plan[parts.depots[depot].columns] for depot in depots]
    strayed = sum(shares, np.zeros(len(parts.coupling)))
    low, high = room[0] - strayed, room[1] - strayed
    for depot, share in zip(depots, shares, strict=True):
        part = parts.depots[depot]
        own = (share + np.minimum(low, 0.0), share + np.maximum(high, 0.0))
        for vehicles in (BAND, 4 * BAND, 10**6):
            found = _solve(parts, part, own, near(parts.program, part, plan, vehicles), effort, prices)
            if found is not None:
                break
        if found is None:
            return None
        values.append(found)
        change = part.shared @ found - share
        low, high = low - change, high - change
    return np.concatenate(values)


def improve(parts: Parts, plan: FloatArray, sets: list[IntArray], effort: Effort, good: float) -> FloatArray:
    """Return the schedule after clusters of depots were solved again, one after another, while it gets better.

    Parameters
    ----------
    parts
        The program by depots.
    plan
        Whole schedule; broken coupling rows are mended before all else, as they are charged for.
    sets
        Clusters of depots.
    effort
        When to stop.
    good
        Cost at which to stop once nothing is broken [CNY].
    """
    plan = _mended(parts, plan, effort)
    for vehicles, depots in ((each, depots) for each in (2, 4, 8, 16) for depots in sets):
        if effort.left_s() <= 0.0 or worth(parts, plan) <= good:
            return plan
        part = together(parts, depots)
        plan = improved(parts, part, plan, near(parts.program, part, plan, vehicles), effort.part(1.0 / len(sets)))
    return plan


def _mended(parts: Parts, plan: FloatArray, effort: Effort) -> FloatArray:
    """Return the schedule after single depots that use a broken row were solved again, until none is broken."""
    for vehicles, size in ((2, 1), (6, 2), (20, 3)):
        for first in range(0, len(parts.depots), size):
            broken = violations(parts, plan) > TOLERANCE
            if not broken.any() or effort.left_s() <= 0.0:
                return plan
            part = together(parts, np.arange(first, min(first + size, len(parts.depots))))
            if (np.diff(part.shared.indptr)[broken] > 0).any():
                bounds = near(parts.program, part, plan, vehicles)
                plan = improved(parts, part, plan, bounds, Effort(min(MEND_S, effort.left_s())))
    return plan


def improved(parts: Parts, part: Part, plan: FloatArray, bounds: Bounds, effort: Effort) -> FloatArray:
    """Return the schedule with some depots solved again in the room the others leave, if that is better."""
    others = parts.shared @ plan - part.shared @ plan[part.columns]
    lower, upper = _room(parts)
    own = plan[part.columns]
    found = _solve(parts, part, (lower - others, upper - others), bounds, effort, start=own)
    if found is None:
        return plan
    changed = plan.copy()
    changed[part.columns] = found
    changed = with_slack(parts, changed)
    return changed if worth(parts, changed) < worth(parts, plan) - TOLERANCE else plan


def worth(parts: Parts, plan: FloatArray) -> float:
    """Return the cost of a schedule, coupling rows that it breaks charged at their price [CNY]."""
    return float(parts.program.cost @ plan + parts.violation_cny @ violations(parts, plan))


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


def _unit(part: Part) -> FloatArray:
    """Return the mean entry of each coupling row over the columns it has at a depot."""
    entries = np.maximum(np.diff(part.shared.indptr), 1)
    total: FloatArray = np.asarray(np.abs(part.shared).sum(axis=1)).ravel()
    return np.asarray(total / entries)


def _solve(  # noqa: PLR0913 - one place hands a cluster to the solver
    parts: Parts,
    part: Part,
    room: Bounds,
    bounds: Bounds,
    effort: Effort,
    prices: FloatArray | None = None,
    start: FloatArray | None = None,
) -> FloatArray | None:
    """Return the columns of some depots in whole numbers, at least cost within bounds and room; None without any."""
    program = within(parts, part, *room)
    own = part.columns.size
    program.lower[:own], program.upper[:own] = bounds
    if prices is not None:
        program.cost[:own] -= part.shared.T @ prices
    begin = None if start is None else completed(part, *room, start)
    answer = minimise(program, replace(effort, gap=CLUSTER_GAP), program.whole, begin)
    return None if answer.values is None else settled(answer.values[:own], program.whole[:own])


def settled(values: FloatArray, whole: BoolArray) -> FloatArray:
    """Return the values without the solver's tolerance: whole ones whole, none below 0."""
    return np.maximum(np.where(whole, np.round(values), values), 0.0)
