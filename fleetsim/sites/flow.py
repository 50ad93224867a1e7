"""Stations on routes: as many vehicles as possible get from one place to another and back with a limited range."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from charging.siting.answer import Answer
from charging.siting.effort import Report
from charging.siting.flow_problem import FlowRefuelling, Flows
from charging.siting.flow_problem import RoadGraph as FlowGraph
from charging.siting.flow_refuelling import first_stations
from charging.siting.flow_routes import routes_of_flows
from charging.siting.period_problem import PeriodsAnswer
from charging.siting.solve import solve
from fleetsim.sites.candidates import OFFER, is_free
from fleetsim.sites.choice import Choice, Columns, in_options, limits, quality
from fleetsim.sites.ground import Floats, Ground
from fleetsim.sites.notes import Note
from fleetsim.sites.phases import phases, summed, together, year_by_year
from fleetsim.sites.request import Request
from fleetsim.sites.size import usable
from fleetsim.sites.traffic import Ends, Trips, long_ends, long_trips, trips_of_file
from networks.compiled import compiled
from networks.errors import InfeasibleError
from networks.import_rules import access_rules
from networks.roads import RoadGraph
from networks.travel import snap

SAME_KM = 1e-6
ANY_RANGE_KM = 1e6
"""A range with which everything is within reach."""
UNIT = "vehicles"
REFUSALS = {
    "range_km:": "--range:",
    "or allow stations at nodes between": "or bring sites between with --candidates",
    "without a node where a station may stand": "without a site",
    "allow at least 1 node on each of them": "bring sites there with --candidates",
}
"""Words of the model and those of the command line."""


@dataclass(frozen=True, eq=False)
class Routes:
    """The roads as the flow model sees them: nodes where a station stands or may stand, and where trips end.

    Parameters
    ----------
    node
        Node of the road graph of each.
    site
        Offered site of each (row); -1 where only a station stands, or none may.
    standing
        Years x nodes: whether a station stands there.
    problem
        The siting problem on these nodes, without a number.
    trips
        Who drives.
    """

    node: NDArray[np.int64]
    site: NDArray[np.int64]
    standing: NDArray[np.bool_]
    problem: FlowRefuelling
    trips: Trips


def ends_and_trips(ground: Ground, request: Request) -> tuple[Ends, Trips]:
    """Return where long trips begin and end, and how many there are: of a file, or of the gravity model."""
    if request.flows is not None:
        trips, ends = trips_of_file(request.flows, ground.ways)
        return ends, trips
    ends = long_ends(ground.city, ground.ways, ground.rules)
    trips = long_trips(ground.city, ground.ways, ground.rules, ends)
    return ends, replace(trips, vehicles=trips.vehicles * ground.rules.flow_share.get(ground.kind, 1.0))


def with_ends(ground: Ground, request: Request) -> Ground:
    """Return the ground with a site offered at every end of trips: a station may stand where vehicles set out."""
    ends, _ = ends_and_trips(ground, request)
    graph = ground.ways.graph
    node, first = np.unique(ends.node, return_index=True)
    own = pl.DataFrame(
        {
            "candidate": [f"end {number}" for number in node.tolist()],
            "name": [ends.name[row] for row in first.tolist()],
            "name_zh": [ends.name_zh[row] for row in first.tolist()],
            "district": [ends.district[row] for row in first.tolist()],
            "lon": graph.lon[node],
            "lat": graph.lat[node],
        }
    )
    own = own.filter(pl.Series(is_free(own, request.forbidden)))
    blank = {name: pl.lit(None, dtype=OFFER[name]) for name in ground.offered.columns if name not in own.columns}
    both = pl.concat([ground.offered, own.with_columns(**blank).select(ground.offered.columns)])
    return replace(ground, offered=both)


def flow(ground: Ground, request: Request, report: Report | None) -> Choice:
    """Return the stations that let most vehicles through.

    Raises
    ------
    InfeasibleError
        If nobody gets through with any number of stations, or fewer than asked for: the range or number it takes.
    """
    routes, number = make_routes(ground, request), request.numbers[-1]
    fixed_of = [np.flatnonzero(row) for row in routes.standing]
    fixed, free = fixed_of[-1], int(np.count_nonzero((routes.site >= 0) & ~routes.standing[-1]))
    if number > free:
        raise InfeasibleError(
            f"--number {number}: there are {free} nodes on the routes that have a site; lower it by {number - free}"
        )
    problems = [
        replace(_where(routes, stands), p=len(stands) + asked, fixed=tuple(stands.tolist()))
        for stands, asked in zip(fixed_of, request.numbers, strict=True)
    ]
    answer, in_years = _solved(ground, request, problems, report)
    drive = Drive(problems[-1], routes.trips)
    base, total = [drive.through(stands) for stands in fixed_of], float(routes.trips.vehicles.sum())
    before, last = base[-1], in_years[-1]
    _require_share(request, (answer.bound, last.objective), total, several=len(problems) > 1)
    new = [np.setdiff1d(part.sites, stands) for part, stands in zip(in_years, fixed_of, strict=True)]
    passed = np.array([node for node in np.unique(np.concatenate(new)).tolist() if drive.passed(node)], dtype=np.int64)
    so_far = [np.intersect1d(passed, np.concatenate(new[: step + 1])) for step in range(len(new))]
    opened = tuple(np.sort(routes.site[nodes]) for nodes in so_far)
    name = {node: f"{ground.kind}-{ground.offered['candidate'][int(routes.site[node])]}" for node in passed.tolist()}
    visits = drive.stops(np.union1d(fixed, passed)) * ground.demand.peak_share
    told = phases(request, answer, opened, base) if isinstance(answer, PeriodsAnswer) else ()
    return Choice(
        opened,
        "through",
        **quality(answer, summed(request, base)),
        already=before,
        total=total,
        notes=(*_notes(request, routes, before, total, len(passed)), *(year_by_year(told) if told else ())),
        peaks={name[node]: float(visits[node]) for node in passed.tolist()},
        gains={name[node]: drive.worth(fixed, passed, node) for node in passed.tolist()},
        unit=UNIT,
        phases=told,
    )


def _where(routes: Routes, stands: Columns) -> FlowRefuelling:
    """Return the problem in which stations may stand where there is a site or one stands."""
    may = np.union1d(np.flatnonzero(routes.site >= 0), stands)
    return replace(routes.problem, candidates=tuple(may.tolist()))


def _solved(
    ground: Ground, request: Request, problems: list[FlowRefuelling], report: Report | None
) -> tuple[Answer, tuple[Answer, ...]]:
    """Return the answer for all years, and what it is in each."""
    with in_options(REFUSALS):
        if len(problems) > 1:
            found = together(ground, request, problems, report)
            return found, found.parts
        answer = solve(problems[0], **limits(ground, request, report))
    return answer, (answer,)


class Drive:
    """Drives every trip with some stations; keeps the routes."""

    def __init__(self, problem: FlowRefuelling, trips: Trips) -> None:
        self.routes, self.volume = routes_of_flows(problem)
        self.problem, self.trips = problem, trips
        self.n_nodes = int(problem.graph.n_nodes or 0)

    def through(self, stations: Columns) -> float:
        """Return the vehicles a day that get through."""
        return float(self.volume[self.first(stations) >= 0].sum())

    def first(self, stations: Columns) -> Columns:
        """Return the first station of each trip; -1 where it does not get through."""
        return first_stations(self.routes, np.asarray(stations, dtype=np.int64), self.n_nodes, self.problem.range_km)

    def passed(self, node: int) -> bool:
        """Return whether a trip that may get through passes a node."""
        return bool(self._passes(node).any())

    def _passes(self, node: int) -> NDArray[np.bool_]:
        return np.array([any(node in route.nodes for route in ways) for ways in self.routes], dtype=np.bool_)

    def worth(self, fixed: Columns, new: Columns, node: int) -> tuple[float, float]:
        """Return the vehicles a day that get through by new stations and pass one of them; and those it alone lets."""
        every = np.union1d(fixed, new)
        through, without = self.first(every) >= 0, self.first(np.setdiff1d(every, [node])) >= 0
        anew = through & ~(self.first(fixed) >= 0) & self._passes(node)
        return float(self.volume[anew].sum()), float(self.volume[through & ~without].sum())

    def stops(self, stations: Columns) -> Floats:
        """Return the stops a day at each node if those that get through share them among the stations they pass.

        Notes
        -----
        A trip out and back takes 2 x its length over the range of full tanks, spread over the stations on its way.
        """
        open_at = np.zeros(self.n_nodes, dtype=np.bool_)
        open_at[stations] = True
        visits = np.zeros(self.n_nodes)
        for flow, first in enumerate(self.first(stations).tolist()):
            if first < 0:
                continue
            way = next(route for route in self.routes[flow] if first in route.nodes)
            on_way = way.nodes[open_at[way.nodes]]
            fills = 2.0 * float(way.at_km[-1]) / self.problem.range_km
            visits[on_way] += self.volume[flow] * fills / len(on_way)
        return visits


def _require_share(request: Request, values: tuple[float, float], total: float, *, several: bool) -> None:
    """Check that the share asked for gets through in the last year; `values` are the bound and what was found.

    Raises
    ------
    InfeasibleError
        If not: how many get through at best.
    """
    asked, (bound, found) = request.serve_share * total, values
    if found >= asked * (1.0 - 1e-9):
        return
    told = f"at most {bound:,.0f}" if bound < asked and not several else f"as far as known {found:,.0f}"
    raise InfeasibleError(
        f"--serve {request.serve_share:g}: with {request.numbers[-1]} new stations and a range of "
        f"{request.range_km:g} km {told} of {total:,.0f} vehicles a day get through; lower it by "
        f"{request.serve_share - found / total:.3f} to {found / total:.3f}, or raise --number or --range"
    )


def _notes(request: Request, routes: Routes, before: float, total: float, opened: int) -> tuple[Note, ...]:
    counts = {"total": total, "routes": len(routes.trips.vehicles), "before": before}
    told = [Note("trips" if request.flows else "model_trips", **counts, stations=int(routes.standing[-1].sum()))]
    if opened < request.numbers[-1]:
        told.append(Note("no_further", opened=opened, asked=request.numbers[-1]))
    passable, bare = _passable(routes, request.range_km), ~_passable(routes, ANY_RANGE_KM)
    lost = float(routes.trips.vehicles[~passable & ~bare].sum())
    if lost > 0:
        told.append(Note("gap", lost=lost, range=request.range_km, enough=_range_for_all(routes, ~bare)))
    if bare.any():
        told.append(Note("no_site_on_way", lost=float(routes.trips.vehicles[bare].sum()), routes=int(bare.sum())))
    return tuple(told)


def _passable(routes: Routes, range_km: float) -> NDArray[np.bool_]:
    """Return which trips get through with a station wherever one may stand."""
    try:
        found, _ = routes_of_flows(replace(routes.problem, p=0, all_flows=False, range_km=range_km))
    except InfeasibleError:
        return np.zeros(len(routes.trips.vehicles), dtype=np.bool_)
    return np.array([bool(ways) for ways in found], dtype=np.bool_)


def _range_for_all(routes: Routes, trips: NDArray[np.bool_]) -> float:
    """Return the range with which all of some trips get through with a station wherever one may stand [km]."""
    low, high = routes.problem.range_km, routes.problem.range_km
    while not _passable(routes, high)[trips].all():
        low, high = high, 2.0 * high
    while high - low > 0.5:
        middle = (low + high) / 2.0
        low, high = (low, middle) if _passable(routes, middle)[trips].all() else (middle, high)
    return high


def make_routes(ground: Ground, request: Request) -> Routes:
    """Return the flow problem on the nodes where stations may stand; the roads between them are the shortest ways."""
    _, trips = ends_and_trips(ground, request)
    graph = ground.ways.graph
    at_node = _site_of_node(ground, request.years[-1])
    stands = [_near_road(ground, ground.standing(year)) for year in request.years]
    ends = np.unique(np.r_[trips.origin, trips.destination])
    node = np.unique(np.r_[np.array(sorted(at_node), dtype=np.int64), np.concatenate(stands), ends])
    place = np.full(graph.node_count, -1, dtype=np.int64)
    place[node] = np.arange(len(node))
    tail, head, km = _between(_lengths(graph), node, place)
    flows = Flows(place[trips.origin], place[trips.destination], trips.vehicles)
    site = np.array([at_node.get(each, -1) for each in node.tolist()], dtype=np.int64)
    standing = np.array([np.isin(node, each) for each in stands])
    problem = FlowRefuelling(
        FlowGraph(tail, head, km, len(node)),
        flows,
        request.range_km,
        0,
        max_detour_share=request.detour_share,
        candidates=tuple(np.flatnonzero((site >= 0) | standing[-1]).tolist()),
    )
    return Routes(node, site, standing, problem, trips)


def _site_of_node(ground: Ground, year: int) -> dict[int, int]:
    """Return the offered site at each node, the one with the shortest access."""
    offered = ground.offered
    found = snap(
        ground.ways.graph, offered["lon"].to_numpy(), offered["lat"].to_numpy(), limit_km=access_rules().reach_km
    )
    near = usable(ground, year).to_numpy() & (found.access_km <= ground.rules.flow_access_km)
    order = np.lexsort((np.arange(offered.height), found.access_km))
    at_node: dict[int, int] = {}
    for row in order[near[order]].tolist():
        at_node.setdefault(int(found.node[row]), row)
    return at_node


def _near_road(ground: Ground, standing: pl.DataFrame) -> NDArray[np.int64]:
    """Return the nodes with a station that serves who drives by."""
    if standing.is_empty():
        return np.empty(0, dtype=np.int64)
    own = standing.filter(pl.col("fleet_group").is_null())
    found = snap(ground.ways.graph, own["lon"].to_numpy(), own["lat"].to_numpy(), limit_km=access_rules().reach_km)
    return np.unique(found.node[found.access_km <= ground.rules.flow_access_km])


def _lengths(graph: RoadGraph) -> csr_array:
    """Return the roads open in both directions, the shorter where they differ [km]."""
    tail = np.repeat(np.arange(graph.node_count), np.diff(graph.indptr))
    low, high = np.minimum(tail, graph.to_node), np.maximum(tail, graph.to_node)
    order = np.lexsort((graph.length_km, high, low))
    first = np.r_[True, (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)]
    kept = order[first & (low[order] != high[order])]
    km = graph.length_km[kept]
    ends = (np.r_[low[kept], high[kept]], np.r_[high[kept], low[kept]])
    return csr_array((np.r_[km, km], ends), shape=(graph.node_count, graph.node_count))


def _between(lengths: csr_array, node: NDArray[np.int64], place: NDArray[np.int64]) -> tuple[Columns, Columns, Floats]:
    """Return the shortest ways between kept nodes with no other kept node on them: tail, head, km."""
    tails, heads, kms = [], [], []
    for start in node.tolist():
        away, before = dijkstra(lengths, indices=start, return_predecessors=True)
        order = np.argsort(away, kind="stable")
        found = _first_kept(order[np.isfinite(away[order])], before.astype(np.int64), place, start)
        found = found[found > start]
        tails.append(np.full(len(found), place[start]))
        heads.append(place[found])
        kms.append(np.maximum(away[found], SAME_KM))
    return np.concatenate(tails), np.concatenate(heads), np.concatenate(kms)


@compiled
def _first_kept(
    order: NDArray[np.int64], before: NDArray[np.int64], place: NDArray[np.int64], start: int
) -> NDArray[np.int64]:
    """Return the kept nodes that the tree of shortest ways from `start` meets first."""
    beyond = np.zeros(len(place), np.bool_)
    count = 0
    found = np.empty(len(order), np.int64)
    for node in order:
        if node == start:
            continue
        parent = before[node]
        beyond[node] = beyond[parent] or (parent != start and place[parent] >= 0)
        if place[node] >= 0 and not beyond[node]:
            found[count] = node
            count += 1
    return found[:count]
