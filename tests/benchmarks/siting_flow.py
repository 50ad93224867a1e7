"""Flow refuelling on networks of 339 and 1,000 nodes, in processor seconds; `--json` prints JSON.

    python tests/benchmarks/siting_flow.py --json --seeds 0,1,2

The search stops at the bar's gap; it is ended by processor time, not by the clock, so that other work on the machine
does not matter.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import Delaunay

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from charging.siting import Answer, FlowRefuelling, Flows, RoadGraph, solve  # noqa: E402 - the root comes first

SIDE_KM, KEPT_SHARE = 800.0, 0.35


def network(n_nodes: int, n_towns: int, seed: int = 0) -> tuple[RoadGraph, Flows]:
    """A spanning tree and a share of the other edges of a triangulation; flows between towns by gravity."""
    random = np.random.default_rng(seed)
    at = random.uniform(0, SIDE_KM, (n_nodes, 2))
    corners = Delaunay(at).simplices
    roads = np.unique(np.sort(np.r_[corners[:, :2], corners[:, 1:], corners[:, ::2]], axis=1), axis=0)
    length = np.hypot(*(at[roads[:, 0]] - at[roads[:, 1]]).T)
    tree = minimum_spanning_tree(csr_array((length, roads.T), shape=(n_nodes, n_nodes))).tocoo()
    needed = set(zip(tree.row.tolist(), tree.col.tolist(), strict=True))
    kept = np.array([tuple(road) in needed or random.random() < KEPT_SHARE for road in roads.tolist()])
    towns, people = random.choice(n_nodes, n_towns, replace=False), random.lognormal(3, 1, n_towns)
    one, other = np.triu_indices(n_towns, 1)
    away = np.maximum(np.hypot(*(at[towns[one]] - at[towns[other]]).T), 20)
    flows = Flows(towns[one], towns[other], people[one] * people[other] / away**1.5)
    return RoadGraph(*roads[kept].T, length[kept], n_nodes), flows


def solve_within(problem: FlowRefuelling, gap: float, cpu_s: float) -> Answer:
    """Return the answer at this gap, or after this much processor time."""
    begin = time.process_time()
    return solve(problem, time_limit_s=1e6, gap=gap, report=lambda _: time.process_time() - begin > cpu_s)


def rows(seeds: list[int]) -> Iterator[dict[str, object]]:
    graph, flows = network(25, 6)
    solve(FlowRefuelling(graph, flows, 400.0, 3))
    for seed in seeds:
        for n_nodes, towns, range_km, p, gap, bar_cpu_s in (
            (339, 49, 100.0, 20, 0.0, 1.0),
            (339, 49, 200.0, 15, 0.0, None),
            (1000, 150, 150.0, 30, 0.02, 120.0),
        ):
            graph, flows = network(n_nodes, towns, seed)
            answer = solve_within(FlowRefuelling(graph, flows, range_km, p), gap, bar_cpu_s or 60.0)
            yield {
                "work": f"{n_nodes} nodes, {len(flows.volume)} pairs, range {range_km:g} km, p {p}, seed {seed}",
                "refuelled_share": answer.objective / float(np.sum(flows.volume)),
                "gap": answer.gap,
                "status": answer.status,
                "cpu_s": answer.cpu_s,
                "bar_cpu_s": bar_cpu_s,
                "bar_gap": gap,
                "keeps_bars": bar_cpu_s is None or (answer.cpu_s <= bar_cpu_s and answer.gap <= gap),
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0", help="seeds of the networks, by commas")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = list(rows([int(seed) for seed in given.seeds.split(",")]))
    print(json.dumps(found, indent=1) if given.json else "\n".join(map(str, found)))


if __name__ == "__main__":
    main()
