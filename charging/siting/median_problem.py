"""The p-median with capacities."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class CapacitatedPMedian:
    """Open p sites and serve each point whole from one of them within its capacity, at least cost.

    Parameters
    ----------
    cost
        Points x sites [any unit, at least 0], dense (not finite: not allowed) or sparse (absent: not allowed);
        already weighted where points weigh differently.
    demand
        What each point takes of a capacity [unit of the capacity].
    capacity
        Capacity of each site, or one for all.
    p
        Number of sites.
    """

    cost: Any
    demand: ArrayLike
    capacity: ArrayLike
    p: int
