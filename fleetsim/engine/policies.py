"""What drivers decide: small functions of whole numbers, the same in every engine.

They take and return scalars (levels in Wh or g, times in us) and use operators only, so that a compiler
for numerical Python takes them as they are; those without branches also take numpy arrays.
"""


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
