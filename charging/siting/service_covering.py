"""Covering with capacities: swap stations that keep a wait, hydrogen stations with supply, exact on HiGHS.

Demand in reach of several stations is shared among them. A station of a size serves what keeps its service level:
for swaps the arrivals at which the mean wait in the queue meets the standard (Erlang C, Allen-Cunneen), for hydrogen
kilograms a day. Marianov and Serra 1998, doi 10.1111/0022-4146.00110, cover in this way.
"""

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from charging.siting.answer import Answer, make_answer
from charging.siting.cover_problems import ServiceCovering
from charging.siting.effort import Effort
from charging.siting.milp import Outcome, Program, minimise
from charging.siting.problem import FloatArray, IntArray, as_vector
from charging.siting.service_rows import Layout, entry_points, make_layout, make_rows, require_existing, spending
from charging.sizing import expected_wait
from networks.errors import DataError, InfeasibleError

MOST_COUNTED = 12
"""New stations up to which each number of them is a program of its own."""
WHOLE_SHARE = 0.2
"""Share of the time in which it may be solved without that."""
SERVED = 1e-6
"""Difference up to which a share is kept [share of all demand]: the solver's tolerance."""


@dataclass(frozen=True, eq=False)
class ServiceAnswer(Answer):
    """Stations, their sizes and whom they serve; `assignment` is the site that serves most of a point.

    Parameters
    ----------
    size
        Size of each of `sites`.
    load
        Demand that each of `sites` serves [unit of demand].
    served_share
        Share of each point's demand that is served [0 to 1].
    cost
        Cost of stations and delivery [unit of the budget].
    """

    size: IntArray
    load: FloatArray
    served_share: FloatArray
    cost: float


def capacity_within(servers: int, service_min: float, standard_min: float, *, variability: float = 1.0) -> float:
    """Return the arrivals at which the mean wait just meets the standard [1/h].

    Parameters
    ----------
    servers
        Bays, plugs or dispensers.
    service_min
        Mean time a visit holds one [min].
    standard_min
        Longest mean wait [min].
    variability
        See `charging.sizing.expected_wait`.

    Examples
    --------
    One server, waits of M/M/1: arrivals a at which a / (12 (12 - a)) h is 5 min.

    >>> round(capacity_within(1, 5.0, 5.0), 6)
    6.0
    """
    if servers < 0 or service_min <= 0 or standard_min < 0:
        raise DataError(f"capacity: {servers} servers, service {service_min} min, standard {standard_min} min; correct")
    low, high = 0.0, 60.0 * servers / service_min
    while high - low > 1e-9 * max(high, 1.0):
        middle = (low + high) / 2.0
        wait = expected_wait(middle, service_min, servers, variability=variability)
        low, high = (middle, high) if wait.mean_min <= standard_min else (low, middle)
    return low


def solve_service_covering(problem: ServiceCovering, effort: Effort) -> ServiceAnswer:
    """Return the stations and sizes that serve most demand, with an upper bound.

    Raises
    ------
    InfeasibleError
        If the existing stations pass the number or the budget, or `least_share` cannot be served; it says by how
        much to relax, with the least budget where a higher one would do.
    DataError
        If arrays do not fit each other or an existing size is unknown.
    """
    cpu = time.process_time()
    demand = as_vector(problem.demand, int(problem.reach.shape[0]), "demand")
    layout = make_layout(problem, demand)
    require_existing(problem, layout)
    program = _program(problem, layout)
    outcome = _by_count(problem, layout, program, effort)
    total = float(demand.sum())
    if outcome.infeasible:
        raise InfeasibleError("existing: the stations that stay cannot all stay; allow some to be closed")
    bound = min(-outcome.bound, total)
    values = np.zeros(layout.n_columns) if outcome.values is None else outcome.values
    objective = -float(program.cost @ values)
    _require_share(problem, layout, bound / max(total, 1e-300), effort)
    return _answer(problem, layout, values, max(bound, objective), (cpu, effort.ended.is_set()))


def service_program(problem: ServiceCovering) -> Program:
    """Return the program that serves most demand, and the share asked for at least; first columns: sites x sizes.

    Raises
    ------
    InfeasibleError
        If the existing stations pass the number or the budget.
    DataError
        If arrays do not fit each other or an existing size is unknown.
    """
    demand = as_vector(problem.demand, int(problem.reach.shape[0]), "demand")
    layout = make_layout(problem, demand)
    require_existing(problem, layout)
    whole = _program(problem, layout)
    if not problem.least_share:
        return whole
    return Program(
        whole.cost,
        csr_array(vstack([whole.matrix, csr_array(-whole.cost[None, :])]).tocsr()),
        np.r_[whole.row_lower, (problem.least_share - SERVED) * float(demand.sum())],
        np.r_[whole.row_upper, np.inf],
        whole.integer,
    )


def _program(problem: ServiceCovering, layout: Layout) -> Program:
    shares = layout.row(0.0, layout.system.weight[entry_points(layout)], 0.0).toarray()[0]
    rows, lower, upper = make_rows(problem, layout)
    return Program(-shares, rows, lower, upper, np.arange(layout.n_columns) < layout.n_stations)


def _require_share(problem: ServiceCovering, layout: Layout, best_share: float, effort: Effort) -> None:
    """Check that `least_share` can be served.

    Raises
    ------
    InfeasibleError
        If not: with the least budget or number that would do, or the largest share where none would.
    """
    if problem.least_share <= best_share + SERVED:
        return
    missed = f"least_share: at most {best_share:.4g} of the demand can be served, {problem.least_share:g} is asked for"
    if problem.budget is not None:
        least = _least_limit(problem, replace(problem, budget=None), layout, spending(layout), effort)
        if least is not None:
            over = least - float(problem.budget)
            raise InfeasibleError(
                f"{missed} within a budget of {problem.budget:g}; raise the budget by {over:g} to {least:g}"
            )
    if problem.p is not None:
        fewest = _least_limit(problem, replace(problem, p=None), layout, layout.row(1.0, 0.0, 0.0), effort)
        if fewest is not None:
            over = round(fewest) - problem.p
            raise InfeasibleError(f"{missed} with {problem.p} stations; raise p by {over} to {problem.p + over}")
    raise InfeasibleError(f"{missed}; lower it by {problem.least_share - best_share:.4g}, or add sites or sizes")


def _by_count(problem: ServiceCovering, layout: Layout, program: Program, effort: Effort) -> Outcome:
    """Return the outcome of a program; where money buys few stations and it is not soon solved, that of each number.

    A part of a station costs a part of its price, so that with few of them the bound of the whole is far off; with
    their number known it hardly is.
    """
    if _most_new(problem, layout) > MOST_COUNTED:
        return minimise(program, effort)
    whole = minimise(program, _within(effort, WHOLE_SHARE))
    found = np.inf if whole.values is None else float(program.cost @ whole.values)
    if whole.infeasible or effort.suffices(found, whole.bound):
        return whole
    return of_each_number(problem, layout, program, whole, effort)


def of_each_number(
    problem: ServiceCovering, layout: Layout, program: Program, whole: Outcome, effort: Effort
) -> Outcome:
    """Return the best outcome of all numbers of new stations, begun from that of the whole program."""
    most = _most_new(problem, layout)
    is_new = ~np.isin(np.arange(len(layout.capacity)), list(problem.existing))
    opened = np.repeat(is_new, layout.capacity.shape[1]).astype(np.float64)
    matrix = csr_array(vstack([program.matrix, layout.row(opened, 0.0, 0.0)]).tocsr())
    best, least = whole.values, np.inf if whole.values is None else float(program.cost @ whole.values)
    bounds = []
    for count in range(int(most) + 1):
        limits = np.r_[program.row_lower, count], np.r_[program.row_upper, count]
        part = _within(effort, 1.0 / (most + 1 - count))
        found = minimise(Program(program.cost, matrix, *limits, program.integer), part)
        bounds.append(np.inf if found.infeasible else max(found.bound, whole.bound))
        if found.values is not None and program.cost @ found.values < least:
            best, least = found.values, float(program.cost @ found.values)
        effort.tell(np.nan if best is None else -least, -whole.bound)
    return Outcome(best, min(*bounds, least), infeasible=best is None and bool(np.isposinf(bounds).all()))


def _within(effort: Effort, share: float) -> Effort:
    """Return the effort for a share of the time that is left."""
    spent = time.perf_counter() - effort.began
    return replace(effort, time_limit_s=spent + share * max(effort.seconds_left(), 0.0))


def _most_new(problem: ServiceCovering, layout: Layout) -> float:
    """Return how many new stations the budget buys at most; infinite where there is none."""
    if problem.budget is None:
        return np.inf
    new = np.setdiff1d(np.arange(len(layout.cost)), list(problem.existing))
    spent = np.cumsum(np.sort(layout.cost[new].min(axis=1)))
    most = int(np.count_nonzero(spent <= problem.budget * (1.0 + SERVED)))
    return most if problem.p is None else min(most, problem.p)


def _least_limit(
    problem: ServiceCovering, wider: ServiceCovering, layout: Layout, spent: csr_array, effort: Effort
) -> float | None:
    """Return the least that has to be spent of what `wider` leaves unlimited so that `least_share` is served.

    None where nothing suffices.
    """
    rows, lower, upper = make_rows(wider, layout)
    served = layout.row(0.0, layout.system.weight[entry_points(layout)], 0.0)
    least = problem.least_share * float(np.asarray(problem.demand, dtype=np.float64).sum())
    cheapest = Program(
        cost=spent.toarray()[0],
        matrix=csr_array(vstack([rows, served]).tocsr()),
        row_lower=np.r_[lower, least],
        row_upper=np.r_[upper, np.inf],
        integer=np.arange(layout.n_columns) < layout.n_stations,
    )
    outcome = minimise(cheapest, effort)
    return None if outcome.values is None else float(cheapest.cost @ outcome.values)


def _answer(
    problem: ServiceCovering, layout: Layout, values: FloatArray, bound: float, run: tuple[float, bool]
) -> ServiceAnswer:
    values = values.copy()
    opened = _lean(problem, layout, values)
    values[: layout.n_stations] = opened.ravel()
    sites = np.flatnonzero(opened.any(axis=1))
    share = csr_array(layout.system.by_point)
    share.data = np.clip(values[layout.n_stations : layout.n_stations + layout.n_shares], 0.0, 1.0)
    of_point = _merged_rows(problem, layout)
    dense_most = np.array([_most(share, row) for row in range(share.shape[0])], dtype=np.int64)
    served = np.asarray(share.sum(axis=1)).ravel()
    load = layout.system.weight @ share
    known = of_point >= 0
    assignment = np.where(known, np.r_[dense_most, -1][of_point], -1)
    base = make_answer(
        sites,
        assignment,
        float(layout.system.weight @ served),
        bound,
        cpu_s=time.process_time() - run[0],
        interrupted=run[1],
    )
    return ServiceAnswer(
        **vars(base),
        size=opened[sites].argmax(axis=1).astype(np.int64),
        load=np.asarray(load).ravel()[sites],
        served_share=np.where(known, np.r_[served, 0.0][of_point], 0.0),
        cost=float(spending(layout).toarray()[0] @ values),
    )


def _lean(problem: ServiceCovering, layout: Layout, values: FloatArray) -> NDArray[np.bool_]:
    """Return sites x sizes: each station as small as its load allows, idle ones left out unless they stay."""
    opened = values[: layout.n_stations].reshape(layout.capacity.shape) > 0.5
    served = (
        values[layout.n_stations : layout.n_stations + layout.n_shares] * layout.system.weight[entry_points(layout)]
    )
    load = np.bincount(layout.system.by_point.indices, served, minlength=len(opened))
    slack = SERVED * max(float(layout.system.weight.sum()), 1.0)
    lean = np.zeros_like(opened)
    for site in np.flatnonzero(opened.any(axis=1)).tolist():
        stays = site in problem.existing and site not in problem.closable
        if load[site] <= slack and not stays:
            continue
        fits = layout.capacity[site] >= load[site] - slack
        fits[: problem.existing.get(site, 0)] = False
        fits |= opened[site]
        lean[site, int(np.where(fits, layout.cost[site], np.inf).argmin())] = True
    return lean


def _most(share: csr_array, row: int) -> int:
    """Return the site that serves most of a merged point, -1 where none serves it."""
    begin, end = share.indptr[row : row + 2]
    place = begin + int(share.data[begin:end].argmax())
    return int(share.indices[place]) if share.data[place] > SERVED else -1


def _merged_rows(problem: ServiceCovering, layout: Layout) -> IntArray:
    """Return for each point its row in the merged system, -1 where it was left out."""
    reach = csr_array(problem.reach) != 0
    rows = {key: row for row, key in enumerate(_keys(csr_array(layout.system.by_point)))}
    weighs = np.asarray(problem.demand, dtype=np.float64) > 0
    keys = _keys(csr_array(reach))
    return np.array(
        [rows.get(key, -1) if heavy else -1 for key, heavy in zip(keys, weighs, strict=True)], dtype=np.int64
    )


def _keys(cover: csr_array) -> list[bytes]:
    cover.eliminate_zeros()
    cover.sort_indices()
    sites = cover.indices.astype(np.int64)
    return [sites[begin:end].tobytes() for begin, end in zip(cover.indptr, cover.indptr[1:], strict=False)]
