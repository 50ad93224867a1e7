"""Levers: numbers of a scenario by their dotted key, their bounds, and what a scenario is with another value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import dataframely as dy
from pydantic import BaseModel

from fleetsim.datasets import data_root
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.sections import at_year
from networks.errors import ScenarioError
from networks.io import read_table

EACH_YEAR = ("cars.quota_nev",)
"""Tables by year that are looked up by the exact year, so every year gets a value."""


class LeverRange(dy.Schema):
    """One row a lever (or the beginning of its key) and what is plausible for it."""

    lever = dy.String(primary_key=True)
    since = dy.Int64(
        primary_key=True, description="first year from which a value may hold; 0: any. The latest row counts"
    )
    low = dy.Float64()
    high = dy.Float64()
    by = dy.Int64(
        nullable=True, description="year until which the whole range takes; in earlier ones a part. Empty: at once"
    )
    unset = dy.Float64(
        nullable=True, description="what holds where the scenario sets nothing; empty: see `fleetsim.seek`"
    )
    whole = dy.Bool(description="whole numbers only, such as years")
    costed = dy.Bool(description="what moving it costs is known: see `fleetsim.lever_cost`")
    moves = dy.String(
        nullable=True,
        description="targets somebody may move it for, separated by ';': an indicator; 'cars', 'fleets': those that "
        "count such vehicles; 'fleet', 'clause': the same with the name of a fleet or enforced clause after the key. "
        "Empty: nobody decides it",
    )
    note = dy.String()


@dataclass(frozen=True)
class Lever:
    """A number of the scenario that may be moved."""

    key: str
    first_year: int
    """Year from which the value holds, where the lever is a table by year without a year in its key."""
    last_year: int
    now: float | None
    low: float
    high: float
    """Plausible range."""
    lowest: float
    highest: float
    """Bounds of the scenario's field; infinite where it has none."""
    whole: bool
    costed: bool = False
    """Whether what the city and the operators of fleets pay for it is known."""
    unset: float | None = None
    """What holds before the first year where the scenario sets nothing; None: not known, the value holds always."""
    reached: int | None = None
    """Year in which a slow lever's table by year comes to the value, evenly from the year before `first_year` on; None:
    the value holds from `first_year`."""

    @property
    def implausible(self) -> bool:
        """Whether the lever stands outside its own plausible range."""
        slack = 1e-9 * max(1.0, abs(self.high))
        return self.now is not None and not self.low - slack <= self.now <= self.high + slack

    def at(self, share: float) -> float:
        """Return the value at a share of the plausible range; whole where it must be."""
        value = self.low + share * (self.high - self.low)
        return float(round(value)) if self.whole else value

    def set(self, scenario: Scenario, value: float) -> Scenario:
        """Return the scenario with the lever at a value."""
        number: float = round(value) if self.whole else value
        return scenario.set(dict([_change(scenario, self, number)]))


def lever(scenario: Scenario, key: str, first_year: int, last_year: int, *, now: int | None = None) -> Lever:
    """Return a lever with its plausible range and bounds.

    Parameters
    ----------
    scenario
        Where it stands now.
    key
        Dotted key of a number, or of a table by year, with or without a year, e.g. `cars.quota_nev.2026`.
    first_year, last_year
        Years over which a table by year takes the value sought.
    now
        Year for which it is told where the lever stands; None: the first year.

    Raises
    ------
    ScenarioError
        If there is no such number in the scenario, or nobody said what is plausible for it.
    """
    lowest, highest = bounds(Scenario, key.split("."), key)
    row = _range(key, first_year)
    standing = _now(_value(scenario, key), now or first_year, key)
    standing = row["unset"] if standing is None else standing
    low, high, reached = row["low"], row["high"], None
    if row["by"] is not None and now is not None and _by_year(key):
        before = _now(_value(scenario, key), first_year - 1, key)
        low, high = (_on_the_way(before, end, (first_year, now, row["by"])) for end in (low, high))
        reached = max(now, first_year)
    return Lever(
        key, first_year, last_year, standing, low, high, lowest, highest, row["whole"], row["costed"], row["unset"],
        reached,
    )  # fmt: skip


def ranges() -> tuple[dict[str, Any], ...]:
    """Return the rows of `LeverRange`: what is plausible for each lever."""
    return _read_ranges(data_root() / "levers.csv")


@cache
def _read_ranges(path: Path) -> tuple[dict[str, Any], ...]:
    return tuple(read_table(path, LeverRange).iter_rows(named=True))


def _range(key: str, first_year: int) -> dict[str, Any]:
    """Return the row of a lever: the longest beginning of its key, the latest that holds from `first_year` on."""
    rows = ranges()
    known = [row for row in rows if key == row["lever"] or key.startswith(f"{row['lever']}.")]
    if not known:
        names = ", ".join(sorted({row["lever"] for row in rows}))
        raise ScenarioError(f"--lever {key}: no plausible range in levers.csv; choose one of {names}")
    held = [row for row in known if row["since"] <= first_year]
    if not held:
        since = min(row["since"] for row in known)
        raise ScenarioError(
            f"--lever {key}: levers.csv says what is plausible from {since} on only; add --from {since}"
        )
    return max(held, key=lambda row: (len(row["lever"]), row["since"]))


def _on_the_way(before: float | None, end: float, years: tuple[int, int, int]) -> float:
    """Return how far towards an end of its range a slow lever can be in a year.

    >>> _on_the_way(900.0, 1150.0, (2026, 2028, 2030))
    1050.0
    """
    first, year, by = years
    if before is None or year >= by:
        return end
    return before + (end - before) * max(year - first + 1, 0) / (by - first + 1)


def bounds(model: type[BaseModel], keys: list[str], name: str) -> tuple[float, float]:
    """Return the lowest and highest value a number of a scenario may have, infinite where it has no bound.

    >>> bounds(Scenario, ["cars", "replacement_share"], "cars.replacement_share")
    (0.0, 1.0)
    """
    fault = ScenarioError(f"--lever {name}: is no number of a scenario; see the file that `fleetsim init` writes")
    if keys[0] not in model.model_fields:
        raise fault
    field = model.model_fields[keys[0]]
    annotation, marks, rest = field.annotation, list(field.metadata), keys[1:]
    while True:
        annotation, more = _plain(annotation)
        marks = more or marks
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if not rest:
                raise fault
            return bounds(annotation, rest, name)
        if get_origin(annotation) is not dict:
            break
        by_year = get_args(annotation)[0] is int
        annotation, marks = get_args(annotation)[1], []
        if rest and (not by_year or rest[0].isdigit()):
            rest = rest[1:]
    if rest or annotation not in (int, float):
        raise fault
    return _limits(marks)


def _plain(annotation: Any) -> tuple[Any, list[Any]]:
    """Return a type without `Annotated` and `None`, and the marks on it."""
    marks: list[Any] = []
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            marks += more
            continue
        options = [one for one in get_args(annotation) if one is not type(None)]
        if get_origin(annotation) is not dict and type(None) in get_args(annotation) and len(options) == 1:
            annotation = options[0]
            continue
        return annotation, marks


def _limits(marks: list[Any]) -> tuple[float, float]:
    flat = list(_flat(marks))
    lows = [float(getattr(mark, name)) for mark in flat for name in ("ge", "gt") if hasattr(mark, name)]
    highs = [float(getattr(mark, name)) for mark in flat for name in ("le", "lt") if hasattr(mark, name)]
    return max(lows, default=float("-inf")), min(highs, default=float("inf"))


def _flat(marks: list[Any]) -> Iterator[Any]:
    for mark in marks:
        yield from _flat(mark.metadata) if hasattr(mark, "metadata") else [mark]


def _value(scenario: Scenario, key: str) -> Any:
    value: Any = scenario.model_dump()
    for part in key.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(int(part) if part.isdigit() else part)
    return value


def _now(value: Any, year: int, key: str) -> float | None:
    if isinstance(value, dict):
        if any(not isinstance(year_key, int) for year_key in value):
            raise ScenarioError(f"--lever {key}: is a table; name one of {', '.join(map(str, value))} after a dot")
        return at_year(value, year) if value else None
    return None if value is None else float(value)


def _change(scenario: Scenario, one: Lever, value: float) -> tuple[str, Any]:
    """Return the key and the new value of a scenario in which the lever stands at `value`."""
    parent, _, last = one.key.rpartition(".")
    if last.isdigit():
        return parent, {**(_value(scenario, parent) or {}), int(last): value}
    held = _value(scenario, one.key)
    if one.key in EACH_YEAR:
        return one.key, {**held, **dict.fromkeys(range(one.first_year, one.last_year + 1), value)}
    if not _by_year(one.key):
        return one.key, value
    before = {year: entry for year, entry in (held or {}).items() if year < one.first_year}
    if held and one.first_year - 1 not in before:
        before[one.first_year - 1] = at_year(held, one.first_year - 1)
    if not held and one.unset is not None:
        before[one.first_year - 1] = one.unset
    return one.key, {**before, one.reached or one.first_year: value}


def _by_year(key: str) -> bool:
    """Return whether a key leads to a table by year."""
    annotation: Any = Scenario
    for part in key.split("."):
        annotation, _ = _plain(annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = annotation.model_fields[part].annotation
        else:
            annotation = get_args(annotation)[1]
    annotation, _ = _plain(annotation)
    return get_origin(annotation) is dict and get_args(annotation)[0] is int
