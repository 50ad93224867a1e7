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
from charging.siting.covering import CoverSystem, merge_points
from charging.siting.effort import Effort
from charging.siting.milp import Program, minimise
from charging.siting.problem import FloatArray, IntArray, as_vector
from charging.sizing import expected_wait
from networks.errors import DataError, InfeasibleError

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


@dataclass(frozen=True, eq=False)
class _Layout:
    """Numbers of the columns: stations (site, size), shares (entry of the reach), deliveries (source, site)."""

    system: CoverSystem
    capacity: FloatArray
    cost: FloatArray
    delivery: FloatArray
    source: FloatArray

    @property
    def n_stations(self) -> int:
        return int(self.capacity.size)

    @property
    def n_shares(self) -> int:
        return int(self.system.by_point.nnz)

    @property
    def n_columns(self) -> int:
        return self.n_stations + self.n_shares + int(self.delivery.size)

    def row(
        self, stations: FloatArray | float, shares: FloatArray | float, deliveries: FloatArray | float
    ) -> csr_array:
        """Return one row of the matrix."""
        return csr_array(
            np.r_[
                np.broadcast_to(stations, self.n_stations),
                np.broadcast_to(shares, self.n_shares),
                np.broadcast_to(deliveries, self.delivery.size),
            ][None, :]
        )


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
    layout = _layout(problem, demand)
    _require_existing(problem, layout)
    shares = layout.row(0.0, layout.system.weight[_entry_points(layout)], 0.0).toarray()[0]
    rows, lower, upper = _rows(problem, layout)
    program = Program(-shares, rows, lower, upper, np.arange(layout.n_columns) < layout.n_stations)
    outcome = minimise(program, effort)
    total = float(demand.sum())
    if outcome.infeasible:
        raise InfeasibleError("existing: the stations that stay cannot all stay; allow some to be closed")
    bound = min(-outcome.bound, total)
    values = np.zeros(layout.n_columns) if outcome.values is None else outcome.values
    objective = float(shares @ values)
    _require_share(problem, layout, bound / max(total, 1e-300), effort)
    return _answer(problem, layout, values, max(bound, objective), (cpu, effort.ended.is_set()))


def _layout(problem: ServiceCovering, demand: FloatArray) -> _Layout:
    capacity = np.asarray(problem.capacity, dtype=np.float64)
    cost = np.asarray(problem.cost, dtype=np.float64)
    n_sites = int(problem.reach.shape[1])
    if capacity.ndim != 2 or capacity.shape[0] != n_sites or cost.shape != capacity.shape:
        raise DataError(f"capacity {capacity.shape}, cost {cost.shape}: give ({n_sites}, sizes) for both")
    if (capacity < 0).any() or (np.diff(capacity, axis=1) < 0).any() or (cost < 0).any():
        raise DataError("capacity, cost: values must be at least 0 and capacity must not fall from size to size")
    delivery, source = np.zeros((0, n_sites)), np.zeros(0)
    if problem.supply is not None:
        delivery = np.asarray(problem.supply.cost, dtype=np.float64)
        source = as_vector(problem.supply.capacity, len(delivery), "supply capacity")
        if delivery.shape[1:] != (n_sites,):
            raise DataError(f"supply cost {delivery.shape}: give sources x {n_sites} sites")
    system = merge_points(csr_array(problem.reach), demand)
    return _Layout(system, capacity, cost, delivery, source)


def _require_existing(problem: ServiceCovering, layout: _Layout) -> None:
    n_sites, n_sizes = layout.capacity.shape
    for site, size in problem.existing.items():
        if not (0 <= site < n_sites and 0 <= size < n_sizes):
            raise DataError(
                f"existing: site {site}, size {size} is unknown; sites 0-{n_sites - 1}, sizes 0-{n_sizes - 1}"
            )
    stay = {site: size for site, size in problem.existing.items() if site not in problem.closable}
    if problem.p is not None and len(stay) > problem.p:
        raise InfeasibleError(f"p: {len(stay)} existing stations stay; raise {problem.p} by {len(stay) - problem.p}")
    least = sum(float(layout.cost[site, size:].min()) for site, size in stay.items())
    if problem.budget is not None and least > problem.budget + 1e-9:
        over = least - problem.budget
        raise InfeasibleError(f"budget: the existing stations cost {least:g}; raise {problem.budget:g} by {over:g}")


def _entry_points(layout: _Layout) -> IntArray:
    lengths = np.diff(layout.system.by_point.indptr)
    return np.repeat(np.arange(len(lengths)), lengths)


def _rows(problem: ServiceCovering, layout: _Layout) -> tuple[csr_array, FloatArray, FloatArray]:
    """Return the matrix with its lower and upper limits."""
    n_sites, n_sizes = layout.capacity.shape
    blocks = [_one_size(layout), _one_service(layout), _loads(layout), _only_where_open(layout)]
    tops = [np.ones(n_sites), np.ones(len(layout.system.weight)), np.zeros(n_sites), np.zeros(layout.n_shares)]
    floors = [np.full(len(top), -np.inf) for top in tops]
    for site, size in problem.existing.items():
        at_least = np.zeros((n_sites, n_sizes))
        at_least[site, size:] = 1.0
        below = np.zeros((n_sites, n_sizes))
        below[site, :size] = 1.0
        blocks.append(csr_array(vstack([layout.row(at_least.ravel(), 0.0, 0.0), layout.row(below.ravel(), 0.0, 0.0)])))
        floors.append(np.array([0.0 if site in problem.closable else 1.0, 0.0]))
        tops.append(np.array([1.0, 0.0]))
    if problem.p is not None:
        blocks.append(layout.row(1.0, 0.0, 0.0))
        floors.append(np.array([-np.inf]))
        tops.append(np.array([float(problem.p)]))
    if problem.budget is not None:
        blocks.append(_spending(layout))
        floors.append(np.array([-np.inf]))
        tops.append(np.array([float(problem.budget)]))
    if problem.supply is not None:
        blocks += [_balance(layout), _sources(layout)]
        floors += [np.zeros(n_sites), np.full(len(layout.source), -np.inf)]
        tops += [np.zeros(n_sites), np.ones(len(layout.source))]
    return csr_array(vstack(blocks).tocsr()), np.concatenate(floors), np.concatenate(tops)


def _sparse(rows: IntArray, columns: IntArray, values: FloatArray, shape: tuple[int, int]) -> csr_array:
    return csr_array((values, (rows, columns)), shape=shape)


def _one_size(layout: _Layout) -> csr_array:
    n_sites, n_sizes = layout.capacity.shape
    columns = np.arange(layout.n_stations)
    return _sparse(columns // n_sizes, columns, np.ones(len(columns)), (n_sites, layout.n_columns))


def _one_service(layout: _Layout) -> csr_array:
    points = _entry_points(layout)
    columns = layout.n_stations + np.arange(layout.n_shares)
    return _sparse(points, columns, np.ones(len(points)), (len(layout.system.weight), layout.n_columns))


def _loads(layout: _Layout) -> csr_array:
    """Demand served at a site less the capacity of its size."""
    n_sites, n_sizes = layout.capacity.shape
    stations = np.arange(layout.n_stations)
    rows = np.r_[stations // n_sizes, layout.system.by_point.indices]
    columns = np.r_[stations, layout.n_stations + np.arange(layout.n_shares)]
    values = np.r_[-layout.capacity.ravel(), layout.system.weight[_entry_points(layout)]]
    return _sparse(rows, columns, values, (n_sites, layout.n_columns))


def _only_where_open(layout: _Layout) -> csr_array:
    """Share of a point served at a site less the site's being open."""
    n_sizes, entries = layout.capacity.shape[1], np.arange(layout.n_shares)
    sites = layout.system.by_point.indices.astype(np.int64)
    stations = (sites[:, None] * n_sizes + np.arange(n_sizes)).ravel()
    rows = np.r_[entries, np.repeat(entries, n_sizes)]
    columns = np.r_[layout.n_stations + entries, stations]
    values = np.r_[np.ones(len(entries)), -np.ones(len(stations))]
    return _sparse(rows, columns, values, (layout.n_shares, layout.n_columns))


def _spending(layout: _Layout) -> csr_array:
    delivered = np.where(np.isfinite(layout.delivery), layout.delivery, 0.0) * layout.source[:, None]
    return layout.row(layout.cost.ravel(), 0.0, delivered.ravel())


def _balance(layout: _Layout) -> csr_array:
    """Demand served at a site less what is delivered there."""
    n_sites = layout.capacity.shape[0]
    source, site = np.nonzero(np.isfinite(layout.delivery))
    rows = np.r_[layout.system.by_point.indices, site]
    first = layout.n_stations + layout.n_shares
    columns = np.r_[layout.n_stations + np.arange(layout.n_shares), first + source * n_sites + site]
    values = np.r_[layout.system.weight[_entry_points(layout)], -layout.source[source]]
    return _sparse(rows, columns, values, (n_sites, layout.n_columns))


def _sources(layout: _Layout) -> csr_array:
    columns = layout.n_stations + layout.n_shares + np.arange(layout.delivery.size)
    rows = np.repeat(np.arange(len(layout.source)), layout.capacity.shape[0])
    return _sparse(rows, columns, np.ones(len(columns)), (len(layout.source), layout.n_columns))


def _require_share(problem: ServiceCovering, layout: _Layout, best_share: float, effort: Effort) -> None:
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
        least = _least_limit(problem, replace(problem, budget=None), layout, _spending(layout), effort)
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


def _least_limit(
    problem: ServiceCovering, wider: ServiceCovering, layout: _Layout, spent: csr_array, effort: Effort
) -> float | None:
    """Return the least that has to be spent of what `wider` leaves unlimited so that `least_share` is served.

    None where nothing suffices.
    """
    rows, lower, upper = _rows(wider, layout)
    served = layout.row(0.0, layout.system.weight[_entry_points(layout)], 0.0)
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
    problem: ServiceCovering, layout: _Layout, values: FloatArray, bound: float, run: tuple[float, bool]
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
        cost=float(_spending(layout).toarray()[0] @ values),
    )


def _lean(problem: ServiceCovering, layout: _Layout, values: FloatArray) -> NDArray[np.bool_]:
    """Return sites x sizes: each station as small as its load allows, idle ones left out unless they stay."""
    opened = values[: layout.n_stations].reshape(layout.capacity.shape) > 0.5
    served = (
        values[layout.n_stations : layout.n_stations + layout.n_shares] * layout.system.weight[_entry_points(layout)]
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


def _merged_rows(problem: ServiceCovering, layout: _Layout) -> IntArray:
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
