"""When a solver stops, and whom it tells how far it is."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

import numpy as np

from charging.siting.answer import meets


@dataclass(frozen=True)
class Progress:
    """How far a solver is: best objective and bound so far [unit of the problem], time since it began [s]."""

    objective: float
    bound: float
    elapsed_s: float


Report = Callable[[Progress], bool | None]
"""Called now and then by a solver; returning True ends the search with the best answer so far and its bound."""


@dataclass(frozen=True)
class Effort:
    """When a solver stops.

    Parameters
    ----------
    time_limit_s
        Wall time from the making of this object [s].
    gap
        Relative gap that is good enough [0 to 1].
    nodes
        Most nodes of branch and bound; None: as many as the time allows.
    report
        Whom to tell how far the search is; it may end it.
    """

    time_limit_s: float = np.inf
    gap: float = 0.0
    nodes: int | None = None
    report: Report | None = None
    began: float = field(default_factory=time.perf_counter)
    ended: Event = field(default_factory=Event)

    @property
    def deadline(self) -> float:
        """Reading of `time.perf_counter` after which to stop [s]; long past once the search was ended."""
        return -np.inf if self.ended.is_set() else self.began + self.time_limit_s

    def seconds_left(self) -> float:
        """Return the time left [s]; below 0 once the search was ended."""
        return self.deadline - time.perf_counter()

    def tell(self, objective: float, bound: float) -> None:
        """Report the best objective and bound so far; end the search where the one told says so."""
        if self.report is None:
            return
        if self.report(Progress(objective, bound, time.perf_counter() - self.began)):
            self.ended.set()

    def suffices(self, objective: float, bound: float) -> bool:
        """Return whether the gap is good enough or closed."""
        return meets(objective, bound) or abs(bound - objective) <= self.gap * abs(objective)
