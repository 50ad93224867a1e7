"""Routing on a generated graph of about 100,000 nodes and 260,000 directed links, side by side with scipy's csgraph.

    python tests/benchmarks/routing.py --json
    python tests/benchmarks/routing.py --side 100 --places 200

Measures, in processor seconds of all threads: travel times between all places in each of 24 hours, the nearest place
of every node, what lies within ten minutes of each place in sparse form, and service areas as polygons. scipy does a
sample of the same work in the same run, and its time is scaled up; all of the sample is compared. The truth of a
service area is the union of the buffers around the roads that are reached. Loops are compiled, or found compiled, on a
small graph first; that time is told apart.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
import shapely
from scipy.sparse.csgraph import connected_components, dijkstra

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from networks.contraction import Hierarchy  # noqa: E402
from networks.courses import plane_km  # noqa: E402
from networks.import_rules import access_rules  # noqa: E402
from networks.kernels import LABEL  # noqa: E402
from networks.roads import RoadGraph  # noqa: E402
from networks.search import all_nodes, links_out, nearest_sites, within_limit  # noqa: E402
from networks.service_area import Ground, Question, ServiceAreas  # noqa: E402
from networks.tables import ROAD_CLASSES  # noqa: E402
from networks.travel import Sites, hourly_minutes, travel_times  # noqa: E402

Result = TypeVar("Result")
STREET_KEPT = 0.645
"""Share of the streets of the lattice that exist, which gives 2.6 links a node."""
ARTERIAL_EVERY = 16
ONE_WAY = 0.03
BLOCK_DEG = 0.0012
LIMIT_MIN = 10.0
RUSH = {8: 0.5, 9: 0.55, 17: 0.5, 18: 0.45}
SAMPLED_HOURS = (3, 8, 17)
COMPARED = 12
MS_PER_MIN = 60_000.0


def lattice(side: int, seed: int) -> RoadGraph:
    """Return a bent lattice with arterials, missing streets and one-way streets, its largest part alone."""
    rng = np.random.default_rng(seed)
    number = np.arange(side * side).reshape(side, side)
    a = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    b = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    along = np.where(b == a + 1, a // side, a % side)
    arterial = along % ARTERIAL_EVERY == 0
    kept = arterial | (rng.random(len(a)) < STREET_KEPT)
    a, b, arterial = a[kept], b[kept], arterial[kept]
    both = arterial | (rng.random(len(a)) >= ONE_WAY)
    place = np.column_stack([np.arange(side * side) % side, np.arange(side * side) // side])
    lonlat = (place + rng.uniform(-0.3, 0.3, place.shape)) * [BLOCK_DEG * 1.3, BLOCK_DEG] + [116.0, 39.8]
    km = np.hypot(*(plane_km(lonlat[a], 40.0) - plane_km(lonlat[b], 40.0)).T) * rng.uniform(1.0, 1.3, len(a))
    tail, head = np.concatenate([a, b[both]]), np.concatenate([b, a[both]])
    km, arterial = np.concatenate([km, km[both]]), np.concatenate([arterial, arterial[both]])
    return largest_part(lonlat, tail, head, km, arterial)


def largest_part(
    lonlat: np.ndarray, tail: np.ndarray, head: np.ndarray, km: np.ndarray, arterial: np.ndarray
) -> RoadGraph:
    graph = tables_to_graph(lonlat, tail, head, km, arterial)
    number = np.cumsum(graph.connected) - 1
    kept = graph.connected[tail] & graph.connected[head]
    return tables_to_graph(lonlat[graph.connected], number[tail[kept]], number[head[kept]], km[kept], arterial[kept])


def tables_to_graph(
    lonlat: np.ndarray, tail: np.ndarray, head: np.ndarray, km: np.ndarray, arterial: np.ndarray
) -> RoadGraph:
    nodes = pl.DataFrame({"node": np.arange(len(lonlat)), "lon": lonlat[:, 0], "lat": lonlat[:, 1]})
    links = pl.DataFrame(
        {
            "link": np.arange(len(tail)),
            "from_node": tail,
            "to_node": head,
            "length_km": km,
            "free_flow_kmh": np.where(arterial, 60.0, 30.0),
            "road_class": np.where(arterial, "arterial", "local"),
        }
    )
    return RoadGraph.from_tables(nodes, links)


def speeds() -> pl.DataFrame:
    """Return the share of free-flow speed by class and hour: arterials slow down most."""
    rows = [
        (name, hour, share if name == "arterial" else 0.5 + share / 2, 1.0)
        for name in ROAD_CLASSES
        for hour in range(24)
        for share in (RUSH.get(hour, 1.0 - 0.01 * hour),)
    ]
    return pl.DataFrame(rows, schema=["road_class", "hour", "weekday_factor", "weekend_factor"], orient="row")


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    begin = time.process_time()
    result = work()
    return result, time.process_time() - begin


def times_of_day(graph: RoadGraph, minutes: np.ndarray, sources: Sites, targets: Sites) -> dict[str, Any]:
    hierarchy, ranked_s = timed(lambda: Hierarchy.of(graph))
    times, cpu_s = timed(lambda: travel_times(graph, sources, targets, minutes, hierarchy=hierarchy))
    worst, scipy_s = 0.0, 0.0
    for hour in SAMPLED_HOURS:
        matrix = graph.weighted(minutes[hour])
        truth, took_s = timed(lambda matrix=matrix: dijkstra(matrix, indices=sources.node[:COMPARED]))
        worst = max(worst, float(np.abs(truth[:, targets.node] - times[hour, :COMPARED]).max()))
        scipy_s += took_s
    return {
        "times_cpu_s": ranked_s + cpu_s,
        "times_ranking_cpu_s": ranked_s,
        "times_scipy_cpu_s": scipy_s / (COMPARED * len(SAMPLED_HOURS)) * len(sources.node) * len(minutes),
        "times_worst_difference_ms": worst * MS_PER_MIN,
        "times_mb": times.nbytes / 2**20,
    }


def reach_of_places(graph: RoadGraph, minutes: np.ndarray, places: Sites) -> dict[str, Any]:
    links = links_out(graph, minutes)
    found, cpu_s = timed(lambda: within_limit(links, places.node, LIMIT_MIN, all_nodes(graph)))
    matrix, sample = graph.weighted(minutes), places.node[:COMPARED]
    truth, scipy_s = timed(lambda: dijkstra(matrix, indices=sample, limit=LIMIT_MIN))
    mine = found[: len(sample)].tocoo()
    same = np.allclose(truth[mine.row, mine.col], mine.data, rtol=0, atol=1e-9)
    return {
        "reach_cpu_s": cpu_s,
        "reach_scipy_cpu_s": scipy_s / len(sample) * len(places.node),
        "reach_entries": found.nnz,
        "reach_equal": bool(same and mine.nnz == np.isfinite(truth).sum()),
    }


def nearest_place(graph: RoadGraph, minutes: np.ndarray, places: Sites) -> dict[str, Any]:
    labels = np.zeros(len(places.node), dtype=LABEL)
    labels["node"], labels["site"] = places.node, np.arange(len(places.node))
    (_, found), cpu_s = timed(lambda: nearest_sites(graph, minutes, labels, 1))
    turned = graph.weighted(minutes).T.tocsr()
    truth, scipy_s = timed(lambda: dijkstra(turned, indices=places.node, min_only=True))
    equal = np.allclose(truth, found["cost"][:, 0], rtol=0, atol=1e-9)
    return {"nearest_cpu_s": cpu_s, "nearest_scipy_cpu_s": scipy_s, "nearest_equal": bool(equal)}


def service_areas(graph: RoadGraph, minutes: np.ndarray, places: Sites) -> dict[str, Any]:
    areas = ServiceAreas(Ground.of(graph), places, Question.by_minutes(minutes, places, LIMIT_MIN))
    areas.polygon(0)
    polygons, cpu_s = timed(lambda: [areas.polygon(row) for row in range(len(places.node))])
    truths, buffer_s = timed(lambda: [buffer_union(areas, row) for row in range(COMPARED)])
    lat0 = graph.lat[places.node]
    shares = [
        shapely.transform(polygons[row], lambda c, lat=lat0[row]: plane_km(c, lat)).area / truths[row].area - 1
        for row in range(COMPARED)
    ]
    return {
        "area_ms_each": cpu_s / len(polygons) * 1000,
        "area_buffers_ms_each": buffer_s / COMPARED * 1000,
        "area_km2": float(np.mean([truth.area for truth in truths])),
        "area_worst_error_share": float(np.abs(shares).max()),
        "area_holes": int(sum(len(part.interiors) for polygon in polygons for part in polygon.geoms) / len(polygons)),
    }


def buffer_union(areas: ServiceAreas, row: int) -> shapely.Geometry:
    """Return the truth of a service area [km]: the union of the buffers around the reached stretches."""
    lonlat = areas.stretches(row)
    lat0 = float(areas.ground.graph.lat[areas.sites.node[row]])
    lines = shapely.linestrings(plane_km(lonlat.reshape(-1, 2), lat0).reshape(-1, 2, 2))
    return shapely.union_all(shapely.buffer(lines, access_rules().served_km, quad_segs=16))


def measured(side: int, places: int, seed: int) -> dict[str, Any]:
    graph = lattice(side, seed)
    minutes = hourly_minutes(graph, speeds(), weekday=True)
    rng = np.random.default_rng(seed + 1)
    sources, targets = (Sites(rng.choice(graph.node_count, places, replace=False), np.zeros(places)) for _ in range(2))
    report: dict[str, Any] = {"nodes": graph.node_count, "links": len(graph.to_node), "places": places}
    report["parts"] = int(connected_components(graph.weighted(graph.length_km), connection="strong")[0])
    report |= times_of_day(graph, minutes, sources, targets)
    report |= reach_of_places(graph, minutes[3], sources)
    report |= nearest_place(graph, minutes[3], sources)
    report |= service_areas(graph, minutes[3], sources.take(np.arange(min(places, 100))))
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=322, help="nodes along a side of the lattice")
    parser.add_argument("--places", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    _, compiled_s = timed(lambda: measured(30, 20, given.seed))
    report = {"warm_up_cpu_s": compiled_s, **measured(given.side, given.places, given.seed)}
    report["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report = {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in report.items()}
    print(json.dumps(report) if given.json else "\n".join(f"{name:28} {value}" for name, value in report.items()))
    if not (report["reach_equal"] and report["nearest_equal"] and report["times_worst_difference_ms"] < 1.0):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
