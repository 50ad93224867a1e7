"""What drivers decide: small functions of whole numbers, the same in every engine.

They take and return scalars (levels in Wh or g, times in us) and use operators only, so that a compiler
for numerical Python takes them as they are; those without branches also take numpy arrays.
"""

from collections.abc import Callable
from dataclasses import dataclass


def can_go_on(level: int, need: int) -> bool:
    """Return whether the level covers the need up to the next chance [Wh, g]."""
    return level >= need


def seek_energy(level: int, need: int, reserve: int, target: int, capacity: int) -> bool:
    """Return whether a driver at a chance seeks energy now.

    Parameters
    ----------
    level
        Energy in the vehicle [Wh, g].
    need
        Energy of its legs up to and including the next one that ends in a chance [Wh, g].
    reserve
        Level under which the driver does not want to come [Wh, g].
    target
        Level to which the driver usually fills up [Wh, g]; above it only who cannot go on seeks.
    capacity
        Full battery or tank [Wh, g].
    """
    return (level - need < reserve) & ((level < target) | ((level < need) & (level < capacity)))


def expected_wait_us(busy: int, waiting: int, plugs: int, typical_us: int) -> int:
    """Return the wait a driver expects [us]: none at a free plug, else the queue's work over the plugs.

    Parameters
    ----------
    busy, waiting, plugs
        Occupied plugs, vehicles in the queue, plugs.
    typical_us
        Typical time on a plug [us].
    """
    if busy < plugs:
        return 0
    return (waiting + 1) * typical_us // plugs


def visit_cost_us(drive_us: int, wait_us: int) -> int:
    """Return what the driver minimises among stations: the way there and back and the wait [us]."""
    return 2 * drive_us + wait_us


def balks(waiting: int, queue_limit: int, ready_us: int, due_us: int) -> bool:
    """Return whether a driver who can go on turns away from a station without a free plug.

    Parameters
    ----------
    waiting, queue_limit
        Vehicles in the queue, and the number at which nobody joins who need not.
    ready_us
        Time at which the driver expects a plug [us].
    due_us
        Time to leave the station for the next promised departure [us].
    """
    return (waiting >= queue_limit) | (ready_us > due_us)


def least_level(need: int, reserve: int, way_back: int, capacity: int) -> int:
    """Return the level with which a driver may leave early [Wh, g]: back, the next chance, the reserve."""
    return min(need + reserve + way_back, capacity)


def goal_level(target: int, least: int) -> int:
    """Return the level a driver fills up to [Wh, g]: the usual one, or what the way ahead takes."""
    return max(target, least)


def stay_us(until_goal_us: int, until_least_us: int, until_due_us: int) -> int:
    """Return how long a vehicle takes energy [us].

    It stays until the goal; if a departure is due before, until then, but not before the least it needs.

    Parameters
    ----------
    until_goal_us, until_least_us, until_due_us
        Times from now [us]; the last may be negative.
    """
    return min(until_goal_us, max(until_least_us, until_due_us))


def gives_up(ready_us: int, due_us: int, level: int, least: int) -> bool:
    """Return whether a driver whose turn has come leaves with nothing.

    Parameters
    ----------
    ready_us
        Time at which energy would begin to flow [us].
    due_us
        Time to leave the station for the next promised departure [us].
    level, least
        Energy in the vehicle, and the least with which it may leave early [Wh, g].
    """
    return (ready_us >= due_us) & (level >= least)


def queue_key(rule: int, rank: int, spare_us: int) -> int:
    """Return by what a queue is ordered, lowest first; equal ones in the order in which they joined.

    Parameters
    ----------
    rule
        `QueueRule`: 0 first come first served, 1 by rank, 2 by need.
    rank
        Rank of the vehicle.
    spare_us
        `spare_us` of the vehicle [us].
    """
    if rule == 1:
        return rank
    if rule == 2:
        return spare_us
    return 0


def spare_us(now: int, ready: int, needed_us: int) -> int:
    """Return the time a vehicle has to spare before it must charge without a break [us].

    Parameters
    ----------
    now, ready
        Now, and the time at which it should be ready [us].
    needed_us
        Time its charge takes [us].
    """
    return ready - now - needed_us


def wished_power(strategy: int, accepted: int, missing: int, left_us: int, needed_us: int, cheaper_us: int) -> int:
    """Return the power a plugged-in vehicle asks for [W].

    As soon as possible: all it accepts. Level: the power that just makes it. Cheapest: nothing as long as the
    cheaper time ahead suffices, else all it accepts.

    Parameters
    ----------
    strategy
        `Strategy`: 0 as soon as possible, 1 level, 2 cheapest.
    accepted
        Power that plug and battery allow [W].
    missing
        Energy to its goal [Wh].
    left_us
        Time until it should be ready [us].
    needed_us
        Time its charge takes at the power it can count on [us].
    cheaper_us
        Time before it should be ready in which energy is cheaper than now [us].
    """
    if strategy == 1 and left_us > 0:
        return min(accepted, missing * 3_600_000_000 // left_us + 1)
    if strategy == 2 and needed_us <= cheaper_us:
        return 0
    return accepted


def gives_back(price: int, give_price: int, needed_us: int, cheaper_us: int) -> bool:
    """Return whether a plugged-in vehicle feeds the grid.

    Parameters
    ----------
    price, give_price
        Price now, and the price from which on it pays.
    needed_us
        Time its charge takes once it has given what it can until the price changes [us].
    cheaper_us
        Time before it should be ready in which energy is cheaper than now [us].
    """
    return (price >= give_price) & (needed_us <= cheaper_us)


def can_take(level: int, need: int, reserve: int) -> bool:
    """Return whether a vehicle of a pool may take a task [Wh, g]: half its reserve is left for the way to a station.

    Were all of it to be left, a vehicle a little above its reserve would neither take a task nor seek energy.
    """
    return 2 * (level - need) >= reserve


@dataclass(frozen=True)
class Policies:
    """What drivers decide: the functions of this module, any of them replaced by one's own.

    A function of one's own takes and returns what the one it replaces does: whole numbers, or true or false. The
    compiled engine takes it if numba can compile it; otherwise the day runs in SimPy.
    """

    can_go_on: Callable[[int, int], bool] = can_go_on
    seek_energy: Callable[[int, int, int, int, int], bool] = seek_energy
    expected_wait_us: Callable[[int, int, int, int], int] = expected_wait_us
    visit_cost_us: Callable[[int, int], int] = visit_cost_us
    balks: Callable[[int, int, int, int], bool] = balks
    least_level: Callable[[int, int, int, int], int] = least_level
    goal_level: Callable[[int, int], int] = goal_level
    stay_us: Callable[[int, int, int], int] = stay_us
    gives_up: Callable[[int, int, int, int], bool] = gives_up
    queue_key: Callable[[int, int, int], int] = queue_key
    spare_us: Callable[[int, int, int], int] = spare_us
    wished_power: Callable[[int, int, int, int, int, int], int] = wished_power
    gives_back: Callable[[int, int, int, int], bool] = gives_back
    can_take: Callable[[int, int, int], bool] = can_take


SHIPPED = Policies()
"""The policies as they come."""
