"""When a solver stops."""

import time
from dataclasses import dataclass, field

import numpy as np

from charging.siting.answer import meets


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
    """

    time_limit_s: float = np.inf
    gap: float = 0.0
    nodes: int | None = None
    began: float = field(default_factory=time.perf_counter)

    @property
    def deadline(self) -> float:
        """Reading of `time.perf_counter` after which to stop [s]."""
        return self.began + self.time_limit_s

    def seconds_left(self) -> float:
        """Return the time left [s]."""
        return self.deadline - time.perf_counter()

    def suffices(self, objective: float, bound: float) -> bool:
        """Return whether the gap is good enough or closed."""
        return meets(objective, bound) or abs(bound - objective) <= self.gap * abs(objective)
