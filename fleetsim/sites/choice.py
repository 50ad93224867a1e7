"""What a siting model answers for a city, and what all models share in asking."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charging.siting.answer import Answer
from charging.siting.effort import Report
from fleetsim.sites.ground import Floats, Ground
from fleetsim.sites.notes import Note
from fleetsim.sites.request import Request
from fleetsim.sites.size import usable
from networks.errors import InfeasibleError

Columns = NDArray[np.int64]
ROUNDING = 1e-6
"""Part of a number up to which differences are rounding."""
FEW = 100
"""Number below which one digit after the point is told."""


@dataclass(frozen=True)
class Phase:
    """A year of a plan over several years, and what it could have if it were the only one.

    Attributes
    ----------
    year
        The year.
    stations
        New stations that stand in it.
    value
        What the plan is worth in it [as `Choice.measure`].
    alone, alone_bound
        The best found for this year alone, and the bound on it.
    """

    year: int
    stations: int
    value: float
    alone: float
    alone_bound: float

    @property
    def regret(self) -> float:
        """At most how much better a plan for this year alone would be; 0 where that is rounding."""
        away = abs(self.alone_bound - self.value)
        return 0.0 if away <= ROUNDING * abs(self.alone_bound) else away

    @property
    def share(self) -> float:
        """The regret as a share of the best there could be [0 to 1]."""
        return self.regret / max(abs(self.alone_bound), abs(self.value)) if self.regret else 0.0

    @property
    def digits(self) -> int:
        """Digits after the point that its value is told with."""
        return 1 if abs(self.value) < FEW and self.value != int(self.value) else 0


@dataclass(frozen=True)
class Choice:
    """What to open, and how good that is.

    Attributes
    ----------
    opened
        By year the offered sites (rows) that stand by then.
    closed
        Stations that close.
    measure
        What is counted: covered, served or through (unit of the demand), stations, cost_cny, unit_km or km.
    objective, bound, gap, status, cpu_s
        As the solver says; what is covered counts what the plan adds.
    already
        What is covered without the plan, in the last year [unit of the demand].
    total
        All that wants to be served, in the last year [unit of the demand].
    notes
        What the planner must know, one line each.
    plugs
        Plugs of offered sites (by station_id) that the model itself sized; others are sized for their peak hour.
    peaks
        Arrivals in the peak hour of these stations by the model [1/h].
    yearly_plugs, yearly_peaks
        With several years, the same in each of them; empty: the model does not tell.
    enlarged
        Plugs after it of stations that are enlarged.
    gains
        What each station gains, and what no other new one does, where the model knows [unit of the demand].
    unit
        Unit of the demand where the model has one of its own.
    decided
        Year that objective and bound are of, where the last of several years decides; 0: all years together.
    phases
        With several years, what each has and what it could have alone.
    """

    opened: tuple[Columns, ...]
    measure: str
    objective: float
    bound: float
    gap: float
    status: str
    cpu_s: float
    already: float
    total: float
    closed: tuple[str, ...] = ()
    notes: tuple[Note, ...] = field(default=())
    plugs: Mapping[str, int] = field(default_factory=dict)
    peaks: Mapping[str, float] = field(default_factory=dict)
    enlarged: Mapping[str, int] = field(default_factory=dict)
    gains: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    unit: str = ""
    decided: int = 0
    phases: tuple[Phase, ...] = ()
    yearly_plugs: tuple[Mapping[str, int], ...] = ()
    yearly_peaks: tuple[Mapping[str, float], ...] = ()

    def plugs_in(self, step: int) -> Mapping[str, int]:
        """Return the plugs that the model itself gave stations in a year, by the place of the year."""
        return self.yearly_plugs[step] if self.yearly_plugs else self.plugs

    def peaks_in(self, step: int) -> Mapping[str, float]:
        """Return the arrivals in the peak hour by the model in a year [1/h]."""
        return self.yearly_peaks[step] if self.yearly_peaks else self.peaks

    def sized_by_arrivals(self, stations: Collection[str]) -> Choice:
        """Return the choice without the sizes that the model gave some stations."""
        keep = [{name: size for name, size in sizes.items() if name not in stations} for sizes in self.yearly_plugs]
        plugs = {name: size for name, size in self.plugs.items() if name not in stations}
        return replace(self, plugs=plugs, yearly_plugs=tuple(keep))


def limits(ground: Ground, request: Request, report: Report | None) -> dict[str, Any]:
    """Return when a solver stops, as `charging.siting.solve` takes it."""
    section = ground.section
    return {
        "time_limit_s": request.time_limit_s,
        "gap": section.solver_gap,
        "nodes": section.solver_nodes,
        "report": report,
    }


def quality(answer: Answer, already: float = 0.0) -> dict[str, Any]:
    """Return how good an answer is; what is covered already is taken off, so that the gap is that of the gain."""
    objective, bound = (_clean(value - already, already) for value in (answer.objective, answer.bound))
    gap = answer.gap
    if already and answer.status != "optimal":
        gap = (bound - objective) / objective if objective > 0 else np.inf
    return {"objective": objective, "bound": bound, "gap": gap, "status": answer.status, "cpu_s": answer.cpu_s}


def _clean(difference: float, of: float) -> float:
    """Return a difference of large numbers, 0 where it is their rounding."""
    return 0.0 if abs(difference) <= ROUNDING * of else difference


def served(ground: Ground, year: int) -> dict[str, Any]:
    """Return what is covered already, and all there is."""
    total = ground.total(year)
    return {"already": max(total - ground.gainable(year), 0.0), "total": total}


def useful(ground: Ground, gains: Floats, year: int) -> Columns:
    """Return the offered sites that gain something and take a plug."""
    return np.flatnonzero((gains > 0) & usable(ground, year).to_numpy())


def require_useful(ground: Ground, request: Request, columns: Columns) -> None:
    """Check that some station gains something.

    Raises
    ------
    InfeasibleError
        If none does: the demand is within the standard already, or no site is near it.
    """
    if columns.size:
        return
    worth, unit = ground.gainable(request.years[-1]), ground.demand.unit
    if worth <= 0:
        raise InfeasibleError(
            f"demand: every {unit[:-1]} is within the standard already; tighten siting.standard_km.{ground.kind}"
        )
    raise InfeasibleError(
        f"candidates: none of {ground.offered.height} sites lies within the standard of the "
        f"{worth:,.0f} {unit} that are beyond it; add --candidates, or widen siting.standard_km.{ground.kind}"
    )


def number_within(ground: Ground, request: Request, n_sites: int) -> int:
    """Return the number of new stations asked for.

    Raises
    ------
    InfeasibleError
        If there are fewer sites.
    """
    number = request.numbers[-1]
    if number > n_sites:
        raise InfeasibleError(
            f"--number {number}: there are {n_sites} sites for kind {ground.kind!r}; lower it by {number - n_sites}, "
            "or give more with --candidates"
        )
    return number


def fewer(ground: Ground, asked: int, opened: int) -> tuple[Note, ...]:
    """Return the note that fewer stations than asked for do as well."""
    if opened >= asked:
        return ()
    return (Note("fewer", opened=opened, asked=asked, unit=ground.demand.unit),)


@contextmanager
def in_options(words: Mapping[str, str]) -> Iterator[None]:
    """Say what a model cannot do in the words of the command line: theirs to ours, one after the other."""
    try:
        yield
    except InfeasibleError as error:
        told = list(error.problems)
        for theirs, ours in words.items():
            told = [text.replace(theirs, ours) for text in told]
        raise InfeasibleError(told) from error
