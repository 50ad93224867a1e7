"""The banks of a hydrogen store: which pressure fills what part of a tank, and which bank is filled first.

A store has up to three banks. The low one fills a tank up to a first mark, the middle one up to a second, the high
one to the top; a higher bank can always give in a lower one's place. What a store holds is told as three sums: all of
it, what fills beyond the first mark (middle and high), what fills beyond the second (high). The compressor fills the
high bank first, a tank takes from the lowest bank that can fill it. Then each sum behaves like a store of its own
behind the same compressor, and all stays in whole numbers. The functions take scalars and triples and use `+ - * //`,
`min` and `max` only, so that they can be compiled.
"""

Banks = tuple[int, int, int]
"""Hydrogen of all banks, of the middle and the high one, of the high one [ug]."""
MICROGRAMS = 1_000_000


def wanted_ug(level: int, goal: int, capacity: int, middle_from_pm: int, high_from_pm: int) -> Banks:
    """Return what a tank takes: in all, beyond the first mark, beyond the second [ug].

    Parameters
    ----------
    level, goal, capacity
        Hydrogen in the tank before and after, and in a full tank [g].
    middle_from_pm, high_from_pm
        The marks: share of a full tank up to which the low and the middle bank fill [per mille], the second not below
        the first.

    Examples
    --------
    >>> wanted_ug(1000, 9000, 10_000, 500, 800)
    (8000000000, 4000000000, 1000000000)
    """
    first, second = capacity * middle_from_pm // 1000, capacity * high_from_pm // 1000
    beyond_first, beyond_second = max(goal - max(level, first), 0), max(goal - max(level, second), 0)
    return (goal - level) * MICROGRAMS, beyond_first * MICROGRAMS, beyond_second * MICROGRAMS


def short_ug(held: Banks, wanted: Banks) -> int:
    """Return what the compressor has to move before the banks can give what is wanted [ug].

    >>> short_ug((10, 4, 1), (6, 3, 3))
    2
    """
    return max(wanted[0] - held[0], wanted[1] - held[1], wanted[2] - held[2], 0)


def can_hold(room: Banks, wanted: Banks) -> bool:
    """Return whether full banks can give what is wanted."""
    return wanted[0] <= room[0] and wanted[1] <= room[1] and wanted[2] <= room[2]


def filled_ug(held: Banks, moved: int, room: Banks) -> Banks:
    """Return what the banks hold after the compressor has moved an amount, the high bank first [ug].

    >>> filled_ug((5, 2, 0), 2, (10, 4, 1))
    (7, 4, 1)
    """
    return min(held[0] + moved, room[0]), min(held[1] + moved, room[1]), min(held[2] + moved, room[2])


def left_ug(held: Banks, wanted: Banks) -> Banks:
    """Return what the banks hold after a tank has taken what it wants, from the lowest bank that can give it [ug].

    Examples
    --------
    The low bank has 6 and gives them, 2 more come from the middle one:

    >>> left_ug((10, 4, 1), (8, 0, 0))
    (2, 2, 1)
    """
    from_middle = max(wanted[0] - wanted[1] - (held[0] - held[1]), 0)
    from_high = max(wanted[1] - wanted[2] + from_middle - (held[1] - held[2]), 0)
    return held[0] - wanted[0], held[1] - wanted[1] - from_middle, held[2] - wanted[2] - from_high
