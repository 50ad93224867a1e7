"""Traffic on the roads: trips between places by a gravity model or from a planner's file, and the links they take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from fleetsim.datasets import City
from fleetsim.scenario.sites import SitesSection
from fleetsim.sites.points import join_zones
from fleetsim.ways import Ways
from networks.columns import numbers
from networks.compiled import compiled
from networks.courses import plane_km
from networks.errors import DataError
from networks.import_rules import access_rules
from networks.layers import Layer, read_layer
from networks.roads import RoadGraph
from networks.tables import ROAD_CLASSES
from networks.travel import link_minutes, snap

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
GATE_CLASSES = ("expressway", "arterial")
FLOW_COLUMNS = ("from_lon", "from_lat", "to_lon", "to_lat", "vehicles_per_day")
LINES_SHOWN = 10


@dataclass(frozen=True, eq=False)
class Ends:
    """Places where long trips begin and end.

    Parameters
    ----------
    node
        Node of each on the road graph.
    name
        How each is called.
    name_zh
        The same in Chinese.
    district
        District each lies in.
    weight
        How many trips it makes, in any unit.
    gate
        Whether it is a road out of the city.
    """

    node: Ints
    name: list[str]
    name_zh: list[str]
    district: list[str]
    weight: Floats
    gate: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Trips:
    """Trips a day from one node to another; `through` are those that pass a gate at both ends."""

    origin: Ints
    destination: Ints
    vehicles: Floats
    through: NDArray[np.bool_]


def link_traffic(city: City, ways: Ways, rules: SitesSection) -> Floats:
    """Return the vehicles a day on each link of the graph, in the order of `RoadGraph.to_node`.

    Notes
    -----
    A gravity model: residents of a place go to the jobs of all others, fewer with the way (e-fold every
    `sites.trip_km`), by the quickest way of `sites.hour`. All trips together drive what the city's stock drives a day
    (vehicles of `stock` times `km_per_day` of `duty_background`): the pattern is a model, not a count.
    """
    points = join_zones(city.zones, city.zones["population"].to_numpy().astype(np.float64), rules.most_places)
    zone = points.zone.tolist()
    jobs = np.zeros(len(zone))
    inside = points.of_zone >= 0
    np.add.at(jobs, points.of_zone[inside], city.zones["jobs"].to_numpy()[inside].astype(np.float64))
    rows = city.zones[zone]
    node = snap(ways.graph, rows["lon"].to_numpy(), rows["lat"].to_numpy(), limit_km=access_rules().reach_km).node
    km = _away_km(rows.select("lon", "lat").to_numpy(), city)
    pull = jobs * np.exp(-km / rules.trip_km)
    np.fill_diagonal(pull, 0.0)
    sums = pull.sum(axis=1, keepdims=True)
    trips = points.weight[:, None] * np.divide(pull, sums, out=np.zeros_like(pull), where=sums > 0)
    load = assign(ways.graph, node, trips, link_minutes(ways.graph, city.speeds, hour=rules.hour, weekday=True))
    driven = float(load @ ways.graph.length_km)
    return load * (driven_km(city) / driven if driven > 0 else 0.0)


def driven_km(city: City) -> float:
    """Return what the cars of the city drive a day [vehicle-km/day]."""
    per_car = city.duty_background.group_by("fleet", maintain_order=True).agg(pl.col("km_per_day").mean())
    stock = city.stock.group_by("fleet", maintain_order=True).agg(pl.col("vehicles").sum())
    both = stock.join(per_car, on="fleet")
    return float((both["vehicles"] * both["km_per_day"]).sum())


def assign(graph: RoadGraph, node: Ints, trips: Floats, minutes: Floats) -> Floats:
    """Return the vehicles on each link when all take the quickest way; trips that no way serves are left out.

    Parameters
    ----------
    graph
        The roads.
    node
        Node of each place.
    trips
        Places x places [vehicles/day].
    minutes
        Time of each link [min].
    """
    load = np.zeros(len(graph.to_node))
    matrix = graph.weighted(minutes)
    for place, start in enumerate(node.tolist()):
        away, before = dijkstra(matrix, indices=start, return_predecessors=True)
        at_node = np.asarray(np.bincount(node, weights=trips[place], minlength=graph.node_count), dtype=np.float64)
        at_node[~np.isfinite(away)] = 0.0
        _load_tree(graph.indptr, graph.to_node, np.argsort(-away), before.astype(np.int64), at_node, load)
    return load


@compiled
def _load_tree(indptr: Ints, to_node: Ints, order: Ints, before: Ints, at_node: Floats, load: Floats) -> None:
    """Add to `load` what reaches each node of a tree of quickest ways, farthest nodes first."""
    for node in order:
        if at_node[node] <= 0.0 or before[node] < 0:
            continue
        parent = before[node]
        for entry in range(indptr[parent], indptr[parent + 1]):
            if to_node[entry] == node:
                load[entry] += at_node[node]
                break
        at_node[parent] += at_node[node]


def gates(city: City, ways: Ways, rules: SitesSection) -> Ends:
    """Return the ends of main roads near the city's edge: where long trips come in and go out."""
    graph = ways.graph
    tail = np.repeat(np.arange(graph.node_count), np.diff(graph.indptr))
    pairs = np.unique(np.sort(np.column_stack([tail, graph.to_node]), axis=1), axis=0)
    degree = np.bincount(pairs.ravel(), minlength=graph.node_count)
    main = np.isin(graph.road_class, [ROAD_CLASSES.index(name) for name in GATE_CLASSES])
    ending = main & (degree[graph.to_node] == 1) & graph.connected[graph.to_node]
    node, first = np.unique(graph.to_node[ending], return_index=True)
    roads = {link: (road, zh) for link, road, zh in city.links.select("link", "road", "name_zh").iter_rows()}
    link = graph.link[ending][first]
    keep = _at_the_edge(city, np.column_stack([graph.lon[node], graph.lat[node]]), rules.gate_border_km)
    node, link = node[keep], link[keep]
    district = _district_of(city, graph.lon[node], graph.lat[node])
    names = [f"Gate {roads[each][0] or each}" for each in link.tolist()]
    names_zh = [f"{roads[each][1] or roads[each][0] or each}出市口" for each in link.tolist()]
    return Ends(node, names, names_zh, district, np.ones(len(node)), np.ones(len(node), dtype=np.bool_))


def _at_the_edge(city: City, lonlat: Floats, limit_km: float) -> NDArray[np.bool_]:
    """Return whether each place lies near the edge: in one direction no zone is found beyond the limit."""
    lat0 = float(str(city.zones["lat"].mean()))
    zones, places = plane_km(city.zones.select("lon", "lat").to_numpy(), lat0), plane_km(lonlat, lat0)
    tree = cKDTree(zones)
    angle = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    reach = 1.5 * float(np.sqrt(city.zones["area_km2"].max() or 1.0))  # type: ignore[arg-type]
    away, _ = tree.query(places[:, None, :] + limit_km * ring[None, :, :])
    return np.asarray((away > reach).any(axis=1), dtype=np.bool_)


def long_ends(city: City, ways: Ways, rules: SitesSection) -> Ends:
    """Return the places between which long trips go: the heaviest points of the city, and its gates."""
    doors = gates(city, ways, rules)
    most = max(rules.most_ends - len(doors.node), 1)
    points = join_zones(city.zones, city.zones["population"].to_numpy().astype(np.float64), most)
    rows = city.zones[points.zone.tolist()]
    node = snap(ways.graph, rows["lon"].to_numpy(), rows["lat"].to_numpy(), limit_km=access_rules().reach_km).node
    total = float(points.weight.sum())
    mass = np.full(len(doors.node), rules.gates_share * total / max(len(doors.node), 1))
    names, names_zh = _seat_names(city, rows)
    return Ends(
        np.r_[node, doors.node],
        names + doors.name,
        names_zh + doors.name_zh,
        rows["district"].to_list() + doors.district,
        np.r_[points.weight, mass],
        np.r_[np.zeros(len(node), dtype=np.bool_), doors.gate],
    )


def _seat_names(city: City, zones: pl.DataFrame) -> tuple[list[str], list[str]]:
    """Return the name of the nearest seat of each zone, in pinyin and in Chinese."""
    seats = city.seats.filter(pl.col("district").is_not_null())
    lat0 = float(str(city.zones["lat"].mean()))
    if seats.is_empty():
        return zones["zone"].to_list(), zones["zone"].to_list()
    tree = cKDTree(plane_km(seats.select("lon", "lat").to_numpy(), lat0))
    _, row = tree.query(plane_km(zones.select("lon", "lat").to_numpy(), lat0))
    near = seats[np.atleast_1d(row).tolist()]
    return near["seat"].to_list(), near["name_zh"].to_list()


def long_trips(city: City, ways: Ways, rules: SitesSection, ends: Ends) -> Trips:
    """Return the long trips between places by a gravity model, both ways together.

    Notes
    -----
    Trips between two places go with the product of their weights and fall with the way (e-fold every
    `sites.long_trip_km`); all together are `sites.long_trips_per_1000` of the residents. Places on one node are one.
    """
    node, first = np.unique(ends.node, return_index=True)
    weight = np.asarray(np.bincount(np.searchsorted(node, ends.node), weights=ends.weight), dtype=np.float64)
    graph = ways.graph
    km = _away_km(np.column_stack([graph.lon[node], graph.lat[node]]), city)
    low, high = np.triu_indices(len(node), 1)
    pull = weight[low] * weight[high] * np.exp(-km[low, high] / rules.long_trip_km)
    total = rules.long_trips_per_1000 / 1000.0 * float(city.zones["population"].sum())
    vehicles = pull * (total / pull.sum()) if pull.sum() > 0 else pull
    gate = ends.gate[first]
    return Trips(node[low], node[high], vehicles, gate[low] & gate[high])


def trips_of_file(path: Path, ways: Ways) -> tuple[Trips, Ends]:
    """Return the trips of a planner's file, its places joined to their nearest node.

    Parameters
    ----------
    path
        A table: from_lon, from_lat, to_lon, to_lat (WGS-84) and vehicles_per_day; from_name, to_name if wanted.

    Raises
    ------
    DataError
        With every row that cannot be used.
    """
    layer = read_layer(path)
    missing = [name for name in FLOW_COLUMNS if name not in layer.rows.columns]
    if missing:
        have = ", ".join(layer.rows.columns)
        raise DataError([f"{path.name}: column {name} is missing; it has {have}" for name in missing])
    value = {name: _column(layer, name) for name in FLOW_COLUMNS}
    start = snap(ways.graph, value["from_lon"], value["from_lat"], limit_km=access_rules().reach_km).node
    end = snap(ways.graph, value["to_lon"], value["to_lat"], limit_km=access_rules().reach_km).node
    same = np.flatnonzero(start == end).tolist()
    if same:
        raise DataError(
            [f"{layer.place(row)}: begins and ends at the same road node; take it out" for row in same[:LINES_SHOWN]]
        )
    node, first = np.unique(np.r_[start, end], return_index=True)
    names = _names(layer, "from_name") + _names(layer, "to_name")
    known = [names[row] for row in first.tolist()]
    district = _district_of(ways.city, ways.graph.lon[node], ways.graph.lat[node])
    ends = Ends(node, known, known, district, np.ones(len(node)), np.zeros(len(node), dtype=np.bool_))
    every = np.ones(len(start), dtype=np.bool_)
    return Trips(start.astype(np.int64), end.astype(np.int64), value["vehicles_per_day"], every), ends


def trip_load(ways: Ways, trips: Trips, minutes: Floats, *, only_through: bool = False) -> Floats:
    """Return the vehicles a day on each link that trips take, half of them in each direction."""
    chosen = trips.through if only_through else np.ones(len(trips.vehicles), dtype=np.bool_)
    node = np.unique(np.r_[trips.origin, trips.destination])
    table = np.zeros((len(node), len(node)))
    start, end = np.searchsorted(node, trips.origin[chosen]), np.searchsorted(node, trips.destination[chosen])
    np.add.at(table, (start, end), trips.vehicles[chosen] / 2.0)
    np.add.at(table, (end, start), trips.vehicles[chosen] / 2.0)
    return assign(ways.graph, node, table, minutes)


def _names(layer: Layer, column: str) -> list[str]:
    if column in layer.rows.columns:
        return [text or layer.place(row) for row, text in enumerate(layer.rows[column].to_list())]
    return [layer.place(row) for row in range(layer.rows.height)]


def _column(layer: Layer, name: str) -> Floats:
    values, wrong = numbers(layer.rows[name])
    low = 0.0 if name == "vehicles_per_day" else -np.inf
    bad = sorted({*wrong, *np.flatnonzero(~(values >= low)).tolist()})
    if bad:
        text: Any = layer.rows[name]
        raise DataError([f"{layer.place(row)}: {name} {text[row]!r} cannot be used" for row in bad[:LINES_SHOWN]])
    return values


def _away_km(lonlat: Floats, city: City) -> Floats:
    """Return the ways between places [km]: straight lines times the detour of streets."""
    plane = plane_km(lonlat, float(str(city.zones["lat"].mean())))
    return np.asarray(np.hypot(*(plane[:, None, :] - plane[None, :, :]).transpose(2, 0, 1)) * access_rules().detour)


def _district_of(city: City, lon: Floats, lat: Floats) -> list[str]:
    """Return the district of the nearest zone of each place."""
    lat0 = float(str(city.zones["lat"].mean()))
    tree = cKDTree(plane_km(city.zones.select("lon", "lat").to_numpy(), lat0))
    _, row = tree.query(plane_km(np.column_stack([lon, lat]), lat0))
    return city.zones["district"].gather(np.atleast_1d(row).tolist()).to_list()
