"""Random draws and fair rounding for the duties.

Every quantity that is drawn has its own stream, and a stream is read vehicle by vehicle. So the first
vehicles of a fleet keep their days when the fleet grows, and one fleet's draws touch no other fleet.
"""

import zlib

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def stream(seed: int, day: str, fleet: str, quantity: str) -> np.random.Generator:
    """Return the random stream of one quantity of a fleet's day; years and powertrains do not change it."""
    words = [zlib.crc32(text.encode()) for text in (day, fleet, quantity)]
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))


def whole(shares: Floats, total: int) -> Integers:
    """Return whole numbers in proportion to `shares` that sum to `total` (largest remainder, ties to the first).

    >>> whole(np.array([1.0, 1.0, 1.0]), 4).tolist()
    [2, 1, 1]
    """
    amount = shares.sum()
    if amount <= 0.0:
        return np.zeros(shares.size, np.int64)
    exact = shares / amount * total
    result: Integers = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(-(exact - result), kind="stable")
    result[order[: total - int(result.sum())]] += 1
    return result


def evenly(number: int, share: float) -> NDArray[np.bool_]:
    """Return which of `number` things in a row are taken so that `share` of them is, spread evenly.

    >>> evenly(4, 0.5).tolist()
    [False, True, False, True]
    """
    steps = np.floor(np.arange(number + 1) * share + 1e-9)
    return np.asarray(np.diff(steps) > 0)


def normal(uniform: Floats) -> Floats:
    """Return standard normal values of pairs of uniform values in the last axis (Box and Muller 1958)."""
    radius = np.sqrt(-2.0 * np.log1p(-uniform[..., 0]))
    return np.asarray(radius * np.cos(2.0 * np.pi * uniform[..., 1]))
