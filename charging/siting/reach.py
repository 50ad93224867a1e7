"""Whether p sites reach every point: set covering on the few points that are hard to reach.

A cover of some points is found first; points that it leaves out join them until it leaves out none, or the
points so far need more than p sites, which proves that all need more (as for the p-center in Contardo, Iori
and Kramer 2019, doi 10.1016/j.cor.2018.11.012).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from charging.siting.effort import Effort
from charging.siting.milp import Program, minimise
from charging.siting.problem import IntArray
from networks.compiled import compiled

BoolArray = NDArray[np.bool_]
WordArray = NDArray[np.uint64]
MOST_COMPARED = 4_000
"""Sites up to which those are dropped that reach nothing which another does not."""


@dataclass(frozen=True, eq=False)
class Reached:
    """Sites that reach every point, None where none are known; the fewest any choice needs; points hard to reach."""

    sites: IntArray | None
    fewest: int
    hard: IntArray


def reaching(within: BoolArray, p: int, fixed: IntArray, hard: IntArray, effort: Effort) -> Reached:
    """Return at most p sites that reach every point, the fixed ones among them, or a proof that there are none.

    Parameters
    ----------
    within
        Points x sites: whether the site reaches the point; each point is reached by some site.
    p
        Highest number of sites.
    fixed
        Sites that stand already.
    hard
        Points known to be hard to reach; may be empty.
    effort
        When to stop; neither sites nor a proof may be known then.
    """
    rest = np.logical_not(np.any(within[:, fixed], axis=1, keepdims=True))[:, 0]
    points = hard[rest[hard]]
    points = np.r_[points, apart(within, np.flatnonzero(rest), np.logical_or.reduce(within[points], axis=0), len(rest))]
    chosen = np.empty(0, dtype=np.int64)
    while points.size:
        found, fewest = _cover(within[points], p - len(fixed), effort)
        if found is None:
            return Reached(None, len(fixed) + fewest, points)
        chosen = found
        left = _fill(within, rest, chosen, p - len(fixed))
        chosen, missed = left
        if not missed.size:
            break
        more = apart(within, missed, np.zeros(within.shape[1], dtype=np.bool_), max(3, p // 2))
        points = np.r_[points, more]
    return Reached(np.union1d(fixed, chosen), len(fixed), points)


def apart(within: BoolArray, points: IntArray, taken: BoolArray, most: int) -> IntArray:
    """Return up to `most` of `points`, hardest first, of which no two are reached by one site, nor by `taken`."""
    order = points[np.argsort(within[points].sum(axis=1), kind="stable")]
    taken = taken.copy()
    kept: list[int] = []
    for point in order:
        row = within[point]
        if len(kept) < most and not (row & taken).any():
            taken |= row
            kept.append(int(point))
    return np.array(kept, dtype=np.int64)


def _fill(within: BoolArray, rest: BoolArray, chosen: IntArray, most: int) -> tuple[IntArray, IntArray]:
    """Return up to `most` sites, `chosen` first, then those reaching most of the missed points; and who is missed."""
    missed = np.flatnonzero(rest & ~within[:, chosen].any(axis=1))
    sites = chosen.tolist()
    while missed.size and len(sites) < most:
        best = int(within[missed].sum(axis=0).argmax())
        sites.append(best)
        missed = missed[~within[missed, best]]
    return np.array(sites, dtype=np.int64), missed


def _cover(within: BoolArray, most: int, effort: Effort) -> tuple[IntArray | None, int]:
    """Return at most `most` sites that reach all these points, or None and how many are needed at least."""
    if _needed(within) > most:
        return None, _needed(within)
    columns = undominated(within)
    few = np.ascontiguousarray(within[:, columns])
    greedy = _greedy(few)
    if len(greedy) <= most:
        return columns[greedy], 0
    n_points, n_columns = few.shape
    program = Program(
        cost=np.ones(n_columns),
        matrix=csr_array(few, dtype=np.float64),
        row_lower=np.ones(n_points),
        row_upper=np.full(n_points, np.inf),
        integer=np.ones(n_columns, dtype=np.bool_),
    )
    outcome = minimise(program, effort, target=float(most))
    if outcome.values is not None and np.count_nonzero(outcome.values > 0.5) <= most:
        return columns[np.flatnonzero(outcome.values > 0.5)], 0
    # Nothing is known of the number where the solver was stopped before it knew anything.
    return None, int(np.ceil(max(outcome.bound, 0.0) - 1e-6))


def _needed(within: BoolArray) -> int:
    """Return how many of the points no site reaches two of: so many sites are needed."""
    nothing = np.zeros(within.shape[1], dtype=np.bool_)
    return len(apart(within, np.arange(len(within)), nothing, len(within)))


def _greedy(within: BoolArray) -> IntArray:
    everything = np.ones(len(within), dtype=np.bool_)
    return _fill(within, everything, np.empty(0, dtype=np.int64), len(within))[0]


def undominated(within: BoolArray) -> IntArray:
    """Return the sites without those that reach only what another one reaches."""
    bits = np.packbits(within, axis=0)
    bits = np.pad(bits, ((0, -len(bits) % 8), (0, 0)))
    words = np.ascontiguousarray(bits.T).view(np.uint64)
    _, first = np.unique(words, axis=0, return_index=True)
    first = np.sort(first)
    if len(first) > MOST_COMPARED:
        return first
    order = first[np.argsort(-within[:, first].sum(axis=0), kind="stable")]
    kept: IntArray = np.sort(order[_kept(words[order])])
    return kept


@compiled
def _kept(words: WordArray) -> BoolArray:
    """Return which rows hold a bit that no earlier kept row holds all of; rows come with the fullest first."""
    kept = np.zeros(len(words), dtype=np.bool_)
    for row in range(len(words)):
        inside = False
        for other in range(row):
            if not kept[other]:
                continue
            inside = True
            for word in range(words.shape[1]):
                if words[row, word] & ~words[other, word]:
                    inside = False
                    break
            if inside:
                break
        kept[row] = not inside
    return kept
