"""Courses of links as short texts: encoded polylines with six decimals, all of them at once."""

from collections.abc import Sequence

import numpy as np

from networks.courses import Floats, Ints

PER_DEGREE = 1e6
CHUNK_BITS = 5
CHUNKS = 6
"""Groups of five bits an entry takes at most: twice 180e6 is below 2**30."""
MORE = 32
FIRST_SIGN = 63
"""ASCII code of the lowest sign used."""


def encoded(lonlat: Floats, ends: Ints) -> list[str]:
    """Return each line as an encoded polyline; an empty line is an empty text.

    Parameters
    ----------
    lonlat
        Points of all lines, one line after the other [deg].
    ends
        Where the points of each line end.

    Notes
    -----
    The Encoded Polyline Algorithm Format: latitude and longitude as differences, in groups of five bits.

    Examples
    --------
    >>> encoded(np.array([[-120.2, 38.5], [-120.95, 40.7]]), np.array([2]))
    ['_izlhA~rlgdF_{geC~ywl@']
    """
    whole = np.round(lonlat[:, ::-1] * PER_DEGREE).astype(np.int64)
    steps = np.diff(whole, axis=0, prepend=0) if len(whole) else whole
    first = _starts(ends)[_starts(ends) < ends]
    steps[first] = whole[first]
    values = (steps << 1 ^ steps >> 63).ravel()
    groups = values[:, None] >> np.arange(CHUNKS) * CHUNK_BITS
    more = np.column_stack([groups[:, 1:] > 0, np.zeros(len(values), dtype=np.bool_)])
    used = (groups > 0) | (np.arange(CHUNKS) == 0)
    signs = (groups & MORE - 1) + more * MORE + FIRST_SIGN
    text = signs[used].astype(np.uint8).tobytes().decode("ascii")
    stops = np.concatenate([[0], np.cumsum(used.sum(axis=1))])[2 * ends].tolist()
    return [text[start:stop] for start, stop in zip([0, *stops], stops, strict=False)]


def decoded(texts: Sequence[str]) -> tuple[Floats, Ints]:
    """Return the points of all lines [deg] and where those of each line end."""
    signs = np.frombuffer("".join(texts).encode("ascii"), dtype=np.uint8).astype(np.int64) - FIRST_SIGN
    last = np.flatnonzero(signs < MORE)
    start = np.concatenate([[0], last[:-1] + 1])[: len(last)]
    place = np.arange(len(signs)) - np.repeat(start, last + 1 - start)
    groups = (signs & MORE - 1) << place * CHUNK_BITS
    values = np.add.reduceat(groups, start) if len(start) else groups
    steps = (values >> 1 ^ -(values & 1)).reshape(-1, 2)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    ends = np.searchsorted(last, np.cumsum(lengths)) // 2
    total = np.cumsum(steps, axis=0)
    before = np.concatenate([np.zeros((1, 2), dtype=np.int64), total])[_starts(ends)]
    points = total - np.repeat(before, np.diff(ends, prepend=0), axis=0)
    return points[:, ::-1] / PER_DEGREE, ends


def _starts(ends: Ints) -> Ints:
    return np.concatenate([[0], ends[:-1]]).astype(np.int64)[: len(ends)]
