"""The Lagrangian bound of the p-median on lists of near sites.

Every point has the sites it may use in a list, cheapest first. A price a point, at most what the first site
beyond its list costs, splits the problem into sites: a site is worth the sum of what its points pay less
than their price. Prices by the volume algorithm (Barahona and Anbil 2000, doi 10.1007/s101070050002), here
compiled and on lists that shrink while the bound rises.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charging.siting.problem import FloatArray, IntArray
from networks.compiled import compiled

SiteArray = NDArray[np.int32]
FREE, OPEN, CLOSED = 0, 1, -1
NEW_SHARE, LEAST_NEW_SHARE, NEW_SHARE_DECAY, LOOK_EVERY = 0.1, 0.005, 0.8, 50
LONGER, SHORTER, PATIENCE = 1.1, 0.66, 8
HELD = 0.8
"""Share of the last direction in the next one of the quick steps."""
ROWS_PER_ARC = 4
"""How many entries of a row of costs are read in the time of one of a list."""
FIRST_STEP, LARGEST_STEP, SMALLEST_STEP = 0.5, 2.0, 1e-6


class Lists(NamedTuple):
    """The sites each point may use.

    Parameters
    ----------
    site, cost
        The lists one behind the other, each cheapest first.
    start, end
        Where the list of each point begins and ends.
    cap
        Highest price of each point: weighted cost of the first site beyond a list that was cut for its
        length, infinite where no choice worth having uses a site beyond it.
    """

    site: SiteArray
    cost: FloatArray
    start: IntArray
    end: IntArray
    cap: FloatArray


class Dual(NamedTuple):
    """Prices and what they lead to; filled in place.

    Parameters
    ----------
    price
        Best prices so far, one a point.
    worth
        What opening each site changes at these prices (0 or less).
    share, times
        Mean of the relaxed answers: share of each site opened, how often each point is served.
    control
        Bound at the best prices, length of the steps, weight of new answers, steps taken, failures in a row.
    weight
        Weight of each point: prices of heavy points move in longer steps.
    """

    price: FloatArray
    worth: FloatArray
    share: FloatArray
    times: FloatArray
    control: FloatArray
    weight: FloatArray


BOUND, STEP, WEIGHT, TAKEN, FAILED = range(5)


@compiled
def near_lists(cost: FloatArray, highest: FloatArray, barred: float) -> Lists:  # noqa: C901 - one pass over one state
    """Return for each point its sites of cost up to `highest`; cost is sites x points, `barred` is not allowed."""
    n_sites, n_points = cost.shape
    sizes = np.zeros(n_points, dtype=np.int64)
    cap = np.full(n_points, np.inf)
    for site in range(n_sites):
        for point in range(n_points):
            each = cost[site, point]
            if each <= highest[point] and each < barred:
                sizes[point] += 1
            elif each < barred:
                cap[point] = min(cap[point], each)
    end = np.cumsum(sizes)
    start = end - sizes
    sites, costs = np.empty(end[-1], dtype=np.int32), np.empty(end[-1])
    filled = start.copy()
    for site in range(n_sites):
        for point in range(n_points):
            each = cost[site, point]
            if each <= highest[point] and each < barred:
                sites[filled[point]], costs[filled[point]] = site, each
                filled[point] += 1
    for point in range(n_points):
        place = slice(start[point], end[point])
        order = np.argsort(costs[place], kind="mergesort")
        sites[place], costs[place] = sites[place][order], costs[place][order]
    return Lists(sites, costs, start, end, cap)


def start_dual(lists: Lists, status: NDArray[np.int8], p: int, price: FloatArray, weight: FloatArray) -> Dual:
    """Return the dual at the given prices of points of the given weights."""
    n_points, n_sites = len(lists.end), len(status)
    dual = Dual(
        np.minimum(price, lists.cap),
        np.empty(n_sites),
        np.empty(n_sites),
        np.empty(n_points),
        np.array([-np.inf, FIRST_STEP, NEW_SHARE, 0.0, 0.0]),
        weight,
    )
    dual.control[BOUND] = relax(lists, status, p, dual.price, dual.worth, dual.share, dual.times)
    return dual


def warm_up(lists: Lists, status: NDArray[np.int8], p: int, dual: Dual, share: FloatArray) -> None:
    """Let the means begin from the shares of a like problem, in place of those of the first relaxed answer."""
    mean = np.where(status == FREE, share, 0.0)
    n_open = int((status == OPEN).sum())
    mean *= max(p - n_open, 0) / max(float(mean.sum()), 1e-9)
    dual.share[:] = np.where(status == OPEN, 1.0, np.minimum(mean, 1.0))
    serve_by_lists(lists, dual.price, dual.share, dual.times)


def restart(lists: Lists, status: NDArray[np.int8], p: int, dual: Dual, step: float) -> None:
    """Forget the means and lengthen the steps: where steps became short too early, this frees them."""
    dual.control[BOUND] = relax(lists, status, p, dual.price, dual.worth, dual.share, dual.times)
    dual.control[STEP], dual.control[WEIGHT], dual.control[FAILED] = step, NEW_SHARE, 0.0


@compiled
def relax(  # noqa: PLR0913 - arrays filled in place, given one by one
    lists: Lists,
    status: NDArray[np.int8],
    p: int,
    price: FloatArray,
    worth: FloatArray,
    share: FloatArray,
    times: FloatArray,
) -> float:
    """Return the bound at `price`; fill in the worth of each site, what is opened and how often it serves."""
    bound: float = _weigh(lists, status, p, price, worth, share)
    serve_by_lists(lists, price, share, times)
    return bound


@compiled
def _weigh(
    lists: Lists, status: NDArray[np.int8], p: int, price: FloatArray, worth: FloatArray, share: FloatArray
) -> float:
    """Return the bound at `price`; fill in the worth of each site and what is opened."""
    worth[:] = 0.0
    bound = 0.0
    for point in range(len(price)):
        pay = price[point]
        bound += pay
        for place in range(lists.start[point], lists.end[point]):
            saved = lists.cost[place] - pay
            if saved >= 0.0:
                break
            worth[lists.site[place]] += saved
    return bound + _open_best(worth, status, p, share)


@compiled
def reach_of(lists: Lists) -> FloatArray:
    """Return the cost up to which each point may be served; a point with a cap never pays more than that."""
    reach = np.full(len(lists.end), np.inf)
    for point in range(len(reach)):
        if lists.cap[point] == np.inf and lists.end[point] > lists.start[point]:
            reach[point] = lists.cost[lists.end[point] - 1]
    return reach


@compiled
def serve_by_rows(cost: FloatArray, reach: FloatArray, price: FloatArray, share: FloatArray, times: FloatArray) -> None:
    """Fill in how often each point is served by the sites that are open; those left out of lists may count as well."""
    times[:] = 0.0
    for site in range(len(share)):
        if share[site] > 0.0:
            row = cost[site]
            for point in range(len(price)):
                times[point] += (row[point] < price[point]) & (row[point] <= reach[point])


@compiled
def serve_by_lists(lists: Lists, price: FloatArray, share: FloatArray, times: FloatArray) -> None:
    """Fill in how often each point is served when sites are open to `share`."""
    for point in range(len(price)):
        pay = price[point]
        served = 0.0
        for place in range(lists.start[point], lists.end[point]):
            if lists.cost[place] >= pay:
                break
            served += share[lists.site[place]]
        times[point] = served


@compiled
def _open_best(worth: FloatArray, status: NDArray[np.int8], p: int, share: FloatArray) -> float:
    """Fill `share` with 1 for the open sites and the best free ones, p in all; return their worth."""
    total, left, n_free = 0.0, p, 0
    free = np.empty(len(worth))
    for site in range(len(worth)):
        share[site] = 0.0
        if status[site] == OPEN:
            share[site] = 1.0
            total += worth[site]
            left -= 1
        elif status[site] == FREE:
            free[n_free] = worth[site]
            n_free += 1
    if left <= 0 or n_free == 0:
        return total
    left = min(left, n_free)
    last = np.partition(free[:n_free], left - 1)[left - 1]
    for strictly in (True, False):
        for site in range(len(worth)):
            better = worth[site] < last if strictly else worth[site] == last
            if left > 0 and status[site] == FREE and better:
                share[site] = 1.0
                total += worth[site]
                left -= 1
    return total


@compiled
def run_up(lists: Lists, status: NDArray[np.int8], p: int, dual: Dual, goal: tuple[float, float], steps: int) -> None:
    """Raise the bound quickly from poor prices by subgradient steps that need not rise; means are left alone."""
    target, enough = goal
    price, direction, times = dual.price.copy(), 1.0 - dual.times, dual.times.copy()
    worth, share = np.empty(len(status)), np.empty(len(status))
    bound, length_share, failures = dual.control[BOUND], 1.0, 0
    for _ in range(steps):
        direction = HELD * direction + (1.0 - HELD) * (1.0 - times)
        length = (dual.weight * direction**2).sum()
        if length < 1e-12 or dual.control[BOUND] > enough:
            break
        move = length_share * (target - bound) / length
        for point in range(len(price)):
            moved = price[point] + move * dual.weight[point] * direction[point]
            price[point] = min(max(moved, 0.0), lists.cap[point])
        bound = relax(lists, status, p, price, worth, share, times)
        failures += 1
        if bound > dual.control[BOUND]:
            failures = 0 if bound > dual.control[BOUND] + 1e-5 * abs(bound) else failures
            dual.control[BOUND] = bound
            dual.price[:], dual.worth[:] = price, worth
        if failures >= PATIENCE:
            length_share, failures = SHORTER * length_share, 0
            price[:] = dual.price
    dual.control[BOUND] = relax(lists, status, p, dual.price, dual.worth, dual.share, dual.times)


@compiled
def ascend(  # noqa: PLR0913 - arrays filled in place, given one by one
    cost: FloatArray,
    lists: Lists,
    status: NDArray[np.int8],
    p: int,
    dual: Dual,
    goal: tuple[float, float],
    steps: int,
) -> bool:
    """Raise the bound by up to `steps` steps; return whether it can go on.

    The goal is a value that is reached by some choice, which the steps aim at, and the bound that is enough. Where few
    sites open, how often each point is served is read from their rows of `cost`, sites x points, which is faster.
    """
    target, enough = goal
    by_rows = p * len(dual.price) < ROWS_PER_ARC * (lists.end - lists.start).sum()
    reach = reach_of(lists)
    n_points, n_sites = len(dual.price), len(status)
    price, times = np.empty(n_points), np.empty(n_points)
    worth, share = np.empty(n_sites), np.empty(n_sites)
    for _ in range(steps):
        if dual.control[BOUND] > enough or dual.control[STEP] < SMALLEST_STEP:
            return False
        length = _step_from(lists, dual, target, price)
        if length < 1e-12:
            dual.control[BOUND] = relax(lists, status, p, dual.price, dual.worth, dual.share, dual.times)
            dual.control[STEP] *= SHORTER
            if _step_from(lists, dual, target, price) < 1e-12:
                return False
        bound = _weigh(lists, status, p, price, worth, share)
        if by_rows:
            serve_by_rows(cost, reach, price, share, times)
        else:
            serve_by_lists(lists, price, share, times)
        _keep(dual, bound, price, worth, times)
        _average(dual, share, times)
    return bool(dual.control[BOUND] <= enough)


@compiled
def _step_from(lists: Lists, dual: Dual, target: float, price: FloatArray) -> float:
    """Fill `price` with the best prices moved along the mean slope; return the slope's squared length, weighted."""
    length = 0.0
    for point in range(len(price)):
        slope = 1.0 - dual.times[point]
        stuck = (slope > 0 and dual.price[point] >= lists.cap[point]) or (slope < 0 and dual.price[point] <= 0)
        price[point] = 0.0 if stuck else slope
        length += dual.weight[point] * price[point] ** 2
    if length < 1e-12:
        return length
    move = dual.control[STEP] * (target - dual.control[BOUND]) / length
    for point in range(len(price)):
        price[point] = min(max(dual.price[point] + move * dual.weight[point] * price[point], 0.0), lists.cap[point])
    return length


@compiled
def _keep(dual: Dual, bound: float, price: FloatArray, worth: FloatArray, times: FloatArray) -> None:
    """Keep prices that raise the bound; lengthen the steps where the new slope agrees, shorten after failures."""
    control = dual.control
    if bound > control[BOUND]:
        if ((1.0 - times) * (1.0 - dual.times) * dual.weight).sum() >= 0:
            control[STEP] = min(LONGER * control[STEP], LARGEST_STEP)
        control[BOUND], control[FAILED] = bound, 0
        dual.price[:] = price
        dual.worth[:] = worth
    else:
        control[FAILED] += 1
    if control[FAILED] >= PATIENCE:
        control[STEP], control[FAILED] = SHORTER * control[STEP], 0


@compiled
def _average(dual: Dual, share: FloatArray, times: FloatArray) -> None:
    """Take the newest answer into the mean, with the weight that leaves the mean slope shortest."""
    along, length = 0.0, 0.0
    for point in range(len(times)):
        change = times[point] - dual.times[point]
        along -= dual.weight[point] * (dual.times[point] - 1.0) * change
        length += dual.weight[point] * change * change
    shortest = along / length if length > 0 else 0.0
    control = dual.control
    weight = min(max(shortest, control[WEIGHT] / 10), control[WEIGHT])
    dual.times[:] += weight * (times - dual.times)
    dual.share[:] += weight * (share - dual.share)
    control[TAKEN] += 1
    if control[TAKEN] % LOOK_EVERY == 0:
        control[WEIGHT] = max(NEW_SHARE_DECAY * control[WEIGHT], LEAST_NEW_SHARE)


@compiled
def shrink(lists: Lists, status: NDArray[np.int8], p: int, dual: Dual, limit: float) -> int:
    """Decide sites and cut lists by reduced cost; return the number of sites newly decided.

    What would raise the bound beyond `limit` is in no choice worth having: opening a free site that the
    relaxed answer leaves closed, closing one that it opens, serving a point at more than its price, or from
    a site that is opened for it.
    """
    share = np.empty(len(status))
    _open_best(dual.worth, status, p, share)
    bound = dual.control[BOUND]
    last, following = -np.inf, np.inf
    for site in range(len(status)):
        if status[site] == FREE and share[site] > 0:
            last = max(last, dual.worth[site])
        elif status[site] == FREE:
            following = min(following, dual.worth[site])
    decided = 0
    for site in range(len(status)):
        if status[site] == FREE and share[site] == 0 and bound + dual.worth[site] - last > limit:
            status[site] = CLOSED
            decided += 1
        elif status[site] == FREE and share[site] > 0 and bound - dual.worth[site] + following > limit:
            status[site] = OPEN
            decided += 1
    _cut(lists, status, share, dual, (limit - bound, last))
    return decided


@compiled
def _cut(lists: Lists, status: NDArray[np.int8], share: FloatArray, dual: Dual, left: tuple[float, float]) -> None:
    """Drop, in place, the sites that no point uses in a choice worth having; `left`: rise allowed, worth to beat."""
    room, last = left
    for point in range(len(dual.price)):
        pay = dual.price[point]
        kept = lists.start[point]
        for place in range(lists.start[point], lists.end[point]):
            site = lists.site[place]
            rise = max(lists.cost[place] - pay, 0.0)
            if rise > room:
                lists.cap[point] = np.inf
                break
            if status[site] == FREE and share[site] == 0:
                rise += max(dual.worth[site] - last, 0.0)
            if rise <= room:
                lists.site[kept] = site
                lists.cost[kept] = lists.cost[place]
                kept += 1
        lists.end[point] = kept
        if lists.cap[point] > pay + room:
            lists.cap[point] = np.inf


@compiled
def trimmed(lists: Lists) -> Lists:
    """Return a copy without what lies beyond the end of each list."""
    sizes = lists.end - lists.start
    end = np.cumsum(sizes)
    start = end - sizes
    sites, costs = np.empty(end[-1], dtype=np.int32), np.empty(end[-1])
    for point in range(len(end)):
        sites[start[point] : end[point]] = lists.site[lists.start[point] : lists.end[point]]
        costs[start[point] : end[point]] = lists.cost[lists.start[point] : lists.end[point]]
    return Lists(sites, costs, start, end, lists.cap.copy())


@compiled
def near_part(  # noqa: C901 - one pass over one state
    lists: Lists, end: IntArray, status: NDArray[np.int8], price: FloatArray, beyond: float, least: int
) -> Lists:
    """Return lists of sites not closed that end not far above the price, with the caps that makes.

    Parameters
    ----------
    lists
        All sites of each point; caps are kept.
    end
        Where the list of each point ends here.
    status
        What is decided on each site; nothing is of use beyond a site that is surely open.
    price
        Price of each point.
    beyond
        How far a list goes on beyond the price, in steps from its first cost to the price.
    least
        How many sites a list has at least, where there are as many.
    """
    n_points = len(end)
    begins, ends, cap = (
        np.empty(n_points, dtype=np.int64),
        np.empty(n_points, dtype=np.int64),
        np.full(n_points, np.inf),
    )
    most = 0
    for point in range(n_points):
        most += end[point] - lists.start[point]
    sites, costs = np.empty(most, dtype=np.int32), np.empty(most)
    filled = 0
    for point in range(n_points):
        begins[point] = filled
        highest, count = np.inf, 0
        if end[point] == lists.end[point]:
            cap[point] = lists.cap[point]
        for place in range(lists.start[point], end[point]):
            site, each = lists.site[place], lists.cost[place]
            if status[site] == CLOSED:
                continue
            if count == 0:
                highest = price[point] + beyond * max(price[point] - each, 0.0)
            if each > highest and count >= least:
                cap[point] = each
                break
            sites[filled], costs[filled] = site, each
            filled += 1
            count += 1
            if status[site] == OPEN:
                cap[point] = np.inf
                break
        ends[point] = filled
    return Lists(sites[:filled], costs[:filled], begins, ends, cap)


@compiled
def compact(lists: Lists, status: NDArray[np.int8]) -> bool:
    """Drop closed sites, and what lies beyond a site that is surely open, in place.

    Return False where a point is left without a site, so that no choice worth having remains.
    """
    for point in range(len(lists.end)):
        kept = lists.start[point]
        for place in range(lists.start[point], lists.end[point]):
            site = lists.site[place]
            if status[site] == CLOSED:
                continue
            lists.site[kept] = site
            lists.cost[kept] = lists.cost[place]
            kept += 1
            if status[site] == OPEN:
                lists.cap[point] = np.inf
                break
        lists.end[point] = kept
        if kept == lists.start[point] and lists.cap[point] == np.inf:
            return False
    return True
