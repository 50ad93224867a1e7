"""The further covering problems: by levels, over periods and fleets, and with capacities and supply."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class GradualCovering:
    """Open sites so that the weight, times the best level at which each point is covered, is as large as possible.

    Parameters
    ----------
    level
        Points x sites, dense or sparse: share of a point's weight that a site serves [0 to 1].
    weight
        Weight of each point [any unit, at least 0].
    p, cost, budget, fixed
        See `MaximalCovering`.
    """

    level: Any
    weight: ArrayLike
    p: int | None = None
    cost: ArrayLike | None = None
    budget: float | None = None
    fixed: Sequence[int] = ()


@dataclass(frozen=True, eq=False)
class Fleet:
    """Demand of one fleet at sites that all fleets share.

    Parameters
    ----------
    cover
        Points x sites; the points are the fleet's own, the sites are shared.
    weight
        Weight of each of its points; periods x points where it changes.
    importance
        Factor on its weights.
    """

    cover: Any
    weight: ArrayLike
    importance: float = 1.0


@dataclass(frozen=True, eq=False)
class PeriodCovering:
    """Open sites period by period, none ever closed, so that the weight covered over all periods is largest.

    Parameters
    ----------
    cover
        Points x sites, dense or sparse.
    weight
        Periods x points; a discount or the years that a period lasts are factors on its row.
    p
        Highest number of sites that stand in each period, the fixed ones among them.
    cost
        Cost of each site.
    budget
        Highest sum of costs up to each period, the fixed sites among them.
    fixed
        Sites that stand already.
    """

    cover: Any
    weight: ArrayLike
    p: Sequence[int] | None = None
    cost: ArrayLike | None = None
    budget: Sequence[float] | None = None
    fixed: Sequence[int] = ()


@dataclass(frozen=True, eq=False)
class Supply:
    """Where stations get their hydrogen from.

    Parameters
    ----------
    cost
        Sources x sites: cost of delivering one unit of demand, in the unit of the budget and for its time
        (CNY/kg for a budget a day); not finite where the source lies beyond the supply distance.
    capacity
        Most that each source delivers [unit of demand].
    """

    cost: ArrayLike
    capacity: ArrayLike


@dataclass(frozen=True, eq=False)
class ServiceCovering:
    """Open stations of some size so that as much demand as possible is served within their capacities.

    Parameters
    ----------
    reach
        Points x sites, dense or sparse; an entry that is not zero means that the point can be served there.
        A point may be shared among sites.
    demand
        Demand of each point (arrivals/h in the peak hour for swaps, kg/day for hydrogen).
    capacity
        Sites x sizes: demand that a station of the size serves within the service level, rising from size to size
        (`capacity_within` gives it for queues) [unit of demand].
    cost
        Sites x sizes [unit of the budget].
    p
        Highest number of stations, existing ones that stay among them.
    budget
        Highest sum of costs of stations and delivery.
    existing
        Size of each existing station by site; they stay, and may be enlarged.
    closable
        Existing stations that may be closed.
    supply
        Where the stations are supplied from; None: everywhere, at no cost.
    least_share
        Share of all demand that must be served [0 to 1].
    """

    reach: Any
    demand: ArrayLike
    capacity: ArrayLike
    cost: ArrayLike
    p: int | None = None
    budget: float | None = None
    existing: Mapping[int, int] = field(default_factory=dict)
    closable: Collection[int] = ()
    supply: Supply | None = None
    least_share: float = 0.0


@dataclass(frozen=True, eq=False)
class StandardCovering:
    """Reach every point within its own standard at least cost.

    Parameters
    ----------
    distance
        Points x sites on the network, dense (not finite: no way) or sparse (absent: too far to matter) [km or min].
    standard
        Longest distance of each point, by its zone for example [unit of `distance`].
    cost, fixed, budget
        See `SetCovering`.
    """

    distance: Any
    standard: ArrayLike
    cost: ArrayLike | None = None
    fixed: Sequence[int] = ()
    budget: float | None = None
