"""When a solver stops, and whom it tells how far it is."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

import numpy as np

from charging.siting.answer import meets


@dataclass(frozen=True)
class Progress:
    """How far a solver is: best objective and bound so far [unit of the problem], time since it began [s].

    Objective and bound are NaN where nothing is known yet.
    """

    objective: float
    bound: float
    elapsed_s: float


ASK_AFTER_S = 0.2
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
    last: list[Progress] = field(default_factory=list)
    """What was told last, to be told again while a program solves that says nothing itself."""

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
        self.last[:] = [Progress(objective, bound, time.perf_counter() - self.began)]
        if self.report(self.last[0]):
            self.ended.set()

    def ask(self) -> bool:
        """Return whether to stop now; tell again what was told `ASK_AFTER_S` ago, so that the search can be ended."""
        if self.report is not None and not self.ended.is_set():
            before = self.last[0] if self.last else Progress(np.nan, np.nan, 0.0)
            if time.perf_counter() - self.began - before.elapsed_s >= ASK_AFTER_S:
                self.tell(before.objective, before.bound)
        return self.seconds_left() <= 0

    @contextmanager
    def ended_by_hand(self) -> Iterator[None]:
        """Let Ctrl-C end the search with the best answer so far, as long as this holds; pressed again, it raises.

        A caller's own way to take Ctrl-C is left alone, and so are threads other than the main one.
        """
        own = threading.current_thread() is not threading.main_thread()
        if own or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return
        signal.signal(signal.SIGINT, self._end)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _end(self, *_: object) -> None:
        if self.ended.is_set():
            raise KeyboardInterrupt
        self.ended.set()

    def suffices(self, objective: float, bound: float) -> bool:
        """Return whether the gap is good enough or closed."""
        if not np.isfinite(objective):
            return False
        return meets(objective, bound) or abs(bound - objective) <= self.gap * abs(objective)
