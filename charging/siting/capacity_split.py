"""How to halve the choices of a p-median with capacities: by how many sites of a group open, or who serves a point.

Both only shift the worth of sites or forbid places, which knapsacks heed at no cost.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from charging.siting.capacity_columns import BoolArray, Row
from charging.siting.capacity_knapsack import ways_between
from charging.siting.capacity_master import Master
from charging.siting.problem import FloatArray, IntArray

FIRST_DEPTHS, MANY, FEW, GROUPS, POINTS = 4, 10, 7, 6, 6
"""Splits tried: of sites around one (many for the first halvings, few later), of groups apart, of points."""
TRIAL_STEPS = 60
LEAST_SHARE, LEAST_ROUND, LARGER = 0.05, 1e-7, 0.02
"""Of a number of sites: least distance from a whole one, rounding, and what each site more counts against it."""
AROUND, MOST_AROUND = 4, 4.0
"""Sites looked at around one, in times the sites of one cluster, and how many of them may be open."""
LEAST_SPREAD, FAR, LEAST_HEIGHT = 1e-9, 10.0, 1e-3
LOOKED_AT = 200


class Split(NamedTuple):
    """Two halves: at most `number` of some sites open or more do; or these sites serve a point or others do."""

    sites: BoolArray
    number: float
    point: int | None

    def rows(self) -> tuple[Row, Row] | None:
        """Return the row of each half, for a split by the number of sites."""
        if self.point is not None:
            return None
        fewer = Row(self.sites, None, -np.inf, self.number)
        return fewer, Row(self.sites, None, self.number + 1.0, np.inf)

    def places(self, half: int, places: BoolArray) -> BoolArray:
        """Return what may serve what in one half."""
        if self.point is None:
            return places
        left = places.copy()
        left[~self.sites if half == 0 else self.sites, self.point] = False
        return left


class Groups:
    """Sites by how close they are: those around each, and groups that stand apart.

    Parameters
    ----------
    cost
        Costs (sites x points).
    p
        Number of sites to open.
    """

    def __init__(self, cost: FloatArray, p: int) -> None:
        way = ways_between(cost)
        largest = float(way[np.isfinite(way)].max(initial=0.0)) or 1.0
        way = np.where(np.isfinite(way), way, FAR * largest)
        self.around = np.argsort(way, axis=1, kind="stable")[:, : max(2 * AROUND, AROUND * len(cost) // max(p, 1))]
        parts = [_apart(way, kind, LEAST_HEIGHT * largest) for kind in ("single", "average")] if len(cost) > 1 else []
        self.members = np.concatenate([part[0] for part in parts]) if parts else np.empty((0, len(cost)), np.bool_)
        self.apart = np.concatenate([part[1] for part in parts]) if parts else np.empty(0)

    def splits(self, share: FloatArray, many: int) -> list[Split]:
        """Return splits by how many sites open around one, and in groups apart, where that is far from whole."""
        seen: set[bytes] = set()
        total = np.cumsum(share[self.around], axis=1)
        score = np.where(total < MOST_AROUND, _from_whole(total) - LARGER * total, -1.0)
        size = score.argmax(axis=1)
        best = score[np.arange(len(size)), size]
        best[best < LEAST_SHARE] = -1.0
        masks = (np.isin(np.arange(len(share)), self.around[site, : size[site] + 1]) for site in _ranked(best))
        found = _fresh(masks, share, many, seen)
        inside = self.members @ share
        away = _from_whole(inside)
        ranked = _ranked(np.where(away > LEAST_SHARE / 2, away * self.apart, -1.0))
        return found + _fresh((self.members[each] for each in ranked), share, GROUPS, seen)


def _ranked(score: FloatArray) -> list[int]:
    order = np.argsort(-score, kind="stable")[:LOOKED_AT]
    ranked: list[int] = order[score[order] > 0].tolist()
    return ranked


def _fresh(masks: Iterable[BoolArray], share: FloatArray, most: int, seen: set[bytes]) -> list[Split]:
    """Return a split for each mask that holds other open sites than those seen, up to `most`."""
    found: list[Split] = []
    for mask in masks:
        if len(found) == most:
            break
        key = (mask & (share > LEAST_ROUND)).tobytes()
        if key not in seen:
            seen.add(key)
            found.append(Split(mask, float(np.floor(share[mask].sum() + LEAST_ROUND)), None))
    return found


def _from_whole(number: FloatArray) -> FloatArray:
    rest = number - np.floor(number + LEAST_ROUND)
    return np.minimum(rest, 1.0 - rest)


def _apart(way: FloatArray, kind: str, least: float) -> tuple[BoolArray, FloatArray]:
    """Return the groups of a hierarchy (rows of sites) but the whole, and by what power of e each stands apart."""
    number = len(way)
    tree = linkage(squareform(way, checks=False), kind)
    member = np.eye(2 * number - 1, number, dtype=np.bool_)
    height, above = np.r_[np.zeros(number), tree[:, 2]], np.full(2 * number - 1, np.inf)
    for at, (one, other) in enumerate(tree[:, :2].astype(np.int64).tolist()):
        member[number + at] = member[one] | member[other]
        above[[one, other]] = tree[at, 2]
    low = np.maximum(height, least)
    apart = np.log(np.maximum(above, low) / low)
    return member[number:-1], apart[number:-1]


def point_splits(cost: FloatArray, serving: FloatArray) -> list[Split]:
    """Return splits by whether a point is served more cheaply than now on the mean, the most uneven first."""
    total = serving.sum(axis=0)
    share = serving / np.where(total > 0, total, 1.0)
    finite = np.where(np.isfinite(cost), cost, 0.0)
    mean = (share * finite).sum(axis=0)
    inner = cost < mean
    within = (share * inner).sum(axis=0)
    spread = (share * np.abs(finite - mean)).sum(axis=0) * np.minimum(within, 1.0 - within)
    ranked = np.argsort(-spread, kind="stable")[:POINTS]
    return [Split(inner[:, point], 0.0, int(point)) for point in ranked if spread[point] > LEAST_SPREAD * mean[point]]


def widest_split(cost: FloatArray) -> Split | None:
    """Return a split of the point with most sites left, between cheap ones and dear ones; None where each has one."""
    allowed = np.isfinite(cost)
    point = int(allowed.sum(axis=0).argmax())
    some = np.flatnonzero(allowed[:, point])
    if len(some) == 1:
        return None
    cheapest = some[np.argsort(cost[some, point], kind="stable")[: len(some) // 2]]
    return Split(np.isin(np.arange(len(cost)), cheapest), 0.0, point)


def best_split(splits: list[Split], master: Master, base: float, goal: float) -> Split:
    """Return the split whose halves raise the value most, tried on the program with a few steps each.

    Parameters
    ----------
    splits
        What to choose from.
    master
        The program, solved.
    base
        Its bound.
    goal
        The bound from which on a half is done with.
    """
    if len(splits) == 1:
        return splits[0]
    least, most = 1e-6 * max(abs(base), 1e-300), 1.2 * max(goal - base, 0.0)
    held = _points_of(master)
    best, chosen = -1.0, splits[0]
    for split in splits:
        rises = [min(max(value - base, least), max(most, least)) for value in _tried(split, master, held)]
        score = min(rises) * max(rises)
        if score > best:
            best, chosen = score, split
    return chosen


def _points_of(master: Master) -> tuple[IntArray, IntArray]:
    return master.columns.entries(master.held)


def _tried(split: Split, master: Master, held: tuple[IntArray, IntArray]) -> list[float]:
    rows = split.rows()
    if rows is not None:
        return [master.try_row(row, TRIAL_STEPS) for row in rows]
    row, point = held
    has = np.bincount(row[point == split.point], minlength=len(master.held)) > 0
    inner = split.sites[master.columns.site[master.held]]
    return [master.try_without(has & ~inner, TRIAL_STEPS), master.try_without(has & inner, TRIAL_STEPS)]
