"""What plausible levers can make of a target: met by its year and with which, or how near at best."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fleetsim.cars import CAR_FLEETS
from fleetsim.levers import Lever, ranges
from fleetsim.policy import binding, listed
from fleetsim.scenario.scenario import Scenario

STEPS = 100
"""Parts of a plausible range in which the least value that meets a target is told."""
LEAST = 0.01
"""Part of what is missing to the target that a lever must bring alone to count; less may be rounding of vehicles."""
TOLERANCE = 1e-9

Value = Callable[[Scenario], float]


@dataclass(frozen=True)
class Reach:
    """How near plausible levers bring an indicator to its target."""

    met: bool
    value: float
    """The indicator with the levers at `values`: at the target or beyond, else the best that was found."""
    levers: tuple[Lever, ...]
    """Levers that are moved, the strongest first; none where no lever moves the indicator for the better."""
    values: tuple[float, ...]
    ends: tuple[tuple[str, float], ...] = ()
    """Every lever that helps alone, and the end of its plausible range at which it does."""


@dataclass(frozen=True)
class Goal:
    """A target's value, its year and the side of it that meets it."""

    value: float
    year: int
    sign: float = 1.0
    """1: at least, -1: at most."""

    def margin(self, value: float) -> float:
        """Return how far a value is beyond the target; negative where it misses it."""
        return self.sign * (value - self.value) + TOLERANCE * max(1.0, abs(self.value))


def keys_for(indicator: str, fleets: Sequence[str], clauses: Any, start: int) -> list[str]:
    """Return the keys of the levers somebody may move for a target, by `moves` of levers.csv.

    Parameters
    ----------
    indicator
        Its name.
    fleets
        Fleets whose vehicles it counts.
    clauses
        Table of Clause; those that are enforced may be enforced more.
    start
        First year in which a lever may move.
    """
    others = [name for name in fleets if name not in CAR_FLEETS]
    enforced = [one.clause for one in binding(clauses) if one.fleets & set(fleets)]
    counted = {"cars": bool(set(fleets) & set(CAR_FLEETS)), "fleets": bool(others), indicator: True}
    keys: list[str] = []
    for row in ranges():
        moves = listed(row["moves"])
        if row["since"] > start:
            continue
        if any(counted.get(name, False) for name in moves):
            keys.append(row["lever"])
        keys += [f"{row['lever']}.{name}" for name in others if "fleet" in moves]
        keys += [f"{row['lever']}.{name}" for name in dict.fromkeys(enforced) if "clause" in moves]
    return list(dict.fromkeys(keys))


def within_reach(
    value: Value, scenario: Scenario, levers: Sequence[Lever], goal: Goal, quick: Value | None = None
) -> Reach:
    """Return whether plausible values of the levers meet a target, and with which.

    Parameters
    ----------
    value
        The indicator in the target's year.
    scenario
        The levers as they stand.
    levers
        Those that may be moved.
    goal
        What shall be met.
    quick
        Nearly the same in less time, asked for each lever alone; None: `value`.

    Notes
    -----
    Each lever alone at either end of its plausible range shows which end helps. All at the helping ends at once are the
    best; where that meets the target, the strongest levers are taken one after the other until it is met, the last one
    only as far as it must be. Levers that work against each other are not sorted out: a better mix may exist then.
    """
    standing = value(scenario)
    helps = sorted(_helping(quick or value, scenario, levers, goal), key=lambda one: -one[2])
    if not helps:
        return Reach(goal.margin(standing) >= 0.0, standing, (), ())
    ends = [(one, end) for one, end, _ in helps]
    reached = value(_moved(scenario, ends))
    if goal.margin(reached) < 0.0:
        found = _best(ends, reached, helps[0], (goal, standing))
    else:
        found = _least(value, scenario, ends, goal)
    return replace(found, ends=tuple((one.key, end) for one, end in ends))


def at_best(
    value: Value, scenario: Scenario, levers: Sequence[Lever], goal: Goal, known: Mapping[str, float]
) -> Scenario:
    """Return the scenario with every lever at the end of its plausible range that helps alone, see `within_reach`.

    `known` are such ends by key, found before.
    """
    asked = [one for one in levers if one.key not in known]
    helps = [(one, known[one.key]) for one in levers if one.key in known]
    helps += [(one, end) for one, end, _ in _helping(value, scenario, asked, goal)]
    return _moved(scenario, helps)


def _helping(value: Value, scenario: Scenario, levers: Sequence[Lever], goal: Goal) -> list[tuple[Lever, float, float]]:
    """Return the levers that help alone, the end at which they do and by how much."""
    found, standing = [], value(scenario)
    for one in levers:
        for end in (one.low, one.high) if one.whole else (one.high, one.low):
            still = one.now is not None and abs(end - one.now) <= TOLERANCE * max(1.0, abs(end))
            if still or (one.whole and end > goal.year):
                continue
            gain = goal.sign * (value(one.set(scenario, end)) - standing)
            if gain > LEAST * abs(goal.value - standing):
                found.append((one, end, gain))
            if gain == 0.0 or gain > LEAST * abs(goal.value - standing):
                break
    return found


def _best(
    ends: list[tuple[Lever, float]], reached: float, strongest: tuple[Lever, float, float], base: tuple[Goal, float]
) -> Reach:
    """Return all levers at their helping ends, or the strongest alone where that comes nearer."""
    goal, standing = base
    one, end, gain = strongest
    if goal.sign * (reached - standing) < gain:
        return Reach(False, standing + goal.sign * gain, (one,), (end,))
    return Reach(False, reached, tuple(each for each, _ in ends), tuple(each for _, each in ends))


def _least(value: Value, scenario: Scenario, ends: list[tuple[Lever, float]], goal: Goal) -> Reach:
    """Return the strongest levers that meet the target together, the last one only as far as it must be moved."""
    taken: list[tuple[Lever, float]] = []
    for one, end in ends:
        if goal.margin(value(_moved(scenario, [*taken, (one, end)]))) >= 0.0 or (one, end) == ends[-1]:
            taken.append((one, _needed(value, scenario, (taken, one, end), goal)))
            break
        taken.append((one, end))
    reached = value(_moved(scenario, taken))
    return Reach(True, reached, tuple(one for one, _ in taken), tuple(end for _, end in taken))


def _needed(
    value: Value, scenario: Scenario, what: tuple[list[tuple[Lever, float]], Lever, float], goal: Goal
) -> float:
    """Return the value nearest to where the last lever stands that meets the target, in hundredths of its range."""
    taken, one, end = what
    base = _standing(one, end)
    met, missed = STEPS, 0
    while met - missed > 1:
        middle = (met + missed) // 2
        tried = _part(one, (base, end), middle)
        if goal.margin(value(_moved(scenario, [*taken, (one, tried)]))) >= 0.0:
            met = middle
        else:
            missed = middle
    return _part(one, (base, end), met)


def _standing(one: Lever, end: float) -> float:
    """Return where a lever stands within its range; one that is not set stands at the end that does not help."""
    if one.now is None:
        return one.low if end == one.high else one.high
    return min(max(one.now, one.low), one.high)


def _part(one: Lever, span: tuple[float, float], step: int) -> float:
    found = span[0] + (span[1] - span[0]) * step / STEPS
    return float(round(found)) if one.whole else found


def _moved(scenario: Scenario, ends: Sequence[tuple[Lever, float]]) -> Scenario:
    for one, end in ends:
        scenario = one.set(scenario, end)
    return scenario


def first_met(by_year: Mapping[int, float], goal: Goal, since: int) -> int | None:
    """Return the first year from `since` on in which a target's value is met; None: in none of them.

    >>> first_met({2026: 1.0, 2027: 2.0}, Goal(2.0, 2027), 2026)
    2027
    """
    return next((year for year in sorted(by_year) if year >= since and goal.margin(by_year[year]) >= 0.0), None)
