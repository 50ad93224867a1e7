"""The program of covering with capacities: its columns, its rows and their limits."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack

from charging.siting.cover_problems import ServiceCovering
from charging.siting.covering import CoverSystem, merge_points
from charging.siting.problem import FloatArray, IntArray, as_vector
from networks.errors import DataError, InfeasibleError


@dataclass(frozen=True, eq=False)
class Layout:
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


def make_layout(problem: ServiceCovering, demand: FloatArray) -> Layout:
    """Return the columns of a problem.

    Raises
    ------
    DataError
        If arrays do not fit each other, a value is negative, or a capacity falls from size to size.
    """
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
    return Layout(system, capacity, cost, delivery, source)


def require_existing(problem: ServiceCovering, layout: Layout) -> None:
    """Check that the stations that stay are known, and keep to the number and the budget.

    Raises
    ------
    DataError
        If a site or a size is unknown.
    InfeasibleError
        If they pass the number or the budget: by how much to raise it.
    """
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


def entry_points(layout: Layout) -> IntArray:
    """Return the point of each share."""
    lengths = np.diff(layout.system.by_point.indptr)
    return np.repeat(np.arange(len(lengths)), lengths)


def make_rows(problem: ServiceCovering, layout: Layout) -> tuple[csr_array, FloatArray, FloatArray]:
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
        blocks.append(spending(layout))
        floors.append(np.array([-np.inf]))
        tops.append(np.array([float(problem.budget)]))
    if problem.supply is not None:
        blocks += [_balance(layout), _sources(layout)]
        floors += [np.zeros(n_sites), np.full(len(layout.source), -np.inf)]
        tops += [np.zeros(n_sites), np.ones(len(layout.source))]
    return csr_array(vstack(blocks).tocsr()), np.concatenate(floors), np.concatenate(tops)


def _sparse(rows: IntArray, columns: IntArray, values: FloatArray, shape: tuple[int, int]) -> csr_array:
    return csr_array((values, (rows, columns)), shape=shape)


def _one_size(layout: Layout) -> csr_array:
    n_sites, n_sizes = layout.capacity.shape
    columns = np.arange(layout.n_stations)
    return _sparse(columns // n_sizes, columns, np.ones(len(columns)), (n_sites, layout.n_columns))


def _one_service(layout: Layout) -> csr_array:
    points = entry_points(layout)
    columns = layout.n_stations + np.arange(layout.n_shares)
    return _sparse(points, columns, np.ones(len(points)), (len(layout.system.weight), layout.n_columns))


def _loads(layout: Layout) -> csr_array:
    """Demand served at a site less the capacity of its size."""
    n_sites, n_sizes = layout.capacity.shape
    stations = np.arange(layout.n_stations)
    rows = np.r_[stations // n_sizes, layout.system.by_point.indices]
    columns = np.r_[stations, layout.n_stations + np.arange(layout.n_shares)]
    values = np.r_[-layout.capacity.ravel(), layout.system.weight[entry_points(layout)]]
    return _sparse(rows, columns, values, (n_sites, layout.n_columns))


def _only_where_open(layout: Layout) -> csr_array:
    """Share of a point served at a site less the site's being open."""
    n_sizes, entries = layout.capacity.shape[1], np.arange(layout.n_shares)
    sites = layout.system.by_point.indices.astype(np.int64)
    stations = (sites[:, None] * n_sizes + np.arange(n_sizes)).ravel()
    rows = np.r_[entries, np.repeat(entries, n_sizes)]
    columns = np.r_[layout.n_stations + entries, stations]
    values = np.r_[np.ones(len(entries)), -np.ones(len(stations))]
    return _sparse(rows, columns, values, (layout.n_shares, layout.n_columns))


def spending(layout: Layout) -> csr_array:
    """Return the row of what stations and deliveries cost."""
    delivered = np.where(np.isfinite(layout.delivery), layout.delivery, 0.0) * layout.source[:, None]
    return layout.row(layout.cost.ravel(), 0.0, delivered.ravel())


def _balance(layout: Layout) -> csr_array:
    """Demand served at a site less what is delivered there."""
    n_sites = layout.capacity.shape[0]
    source, site = np.nonzero(np.isfinite(layout.delivery))
    rows = np.r_[layout.system.by_point.indices, site]
    first = layout.n_stations + layout.n_shares
    columns = np.r_[layout.n_stations + np.arange(layout.n_shares), first + source * n_sites + site]
    values = np.r_[layout.system.weight[entry_points(layout)], -layout.source[source]]
    return _sparse(rows, columns, values, (n_sites, layout.n_columns))


def _sources(layout: Layout) -> csr_array:
    columns = layout.n_stations + layout.n_shares + np.arange(layout.delivery.size)
    rows = np.repeat(np.arange(len(layout.source)), layout.capacity.shape[0])
    return _sparse(rows, columns, np.ones(len(columns)), (len(layout.source), layout.n_columns))
