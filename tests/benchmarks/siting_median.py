"""Medians and centres on graphs of 100 to 900 nodes, large p-medians, capacities; in processor seconds.

What is done is told on the way (on standard error); all rows come at the end, with `--json` as JSON. `--seed N` takes
other graphs. `--spopt` also runs spopt 0.7.0 on the 500 x 500 p-median, in an environment of its own in a temporary
folder.
"""

import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from charging.siting import CapacitatedPMedian, PCenter, PMedian, solve
from charging.siting.solve import Problem

ALL_CPU_S, GRAPH_LIMIT_S, LARGE_LIMIT_S = 60.0, 60.0, 60.0
CAPACITATED_LIMIT_S, SMALL_LIMIT_S, SMALL_CAPACITATED, CAPACITATED_GAP = 100.0, 30.0, 100, 0.005
CAPACITATED = ((50, 5), (100, 10), (200, 15), (300, 25), (402, 30), (402, 40))
FEWER = {700: 4, 800: 3, 900: 3}
"""How many numbers of sites are tried on the largest graphs, so that there are 40 instances in all."""
PEER = """
import sys, time, numpy as np, pulp
from spopt.locate import PMedian
d = np.load(sys.argv[1])
cpu = time.perf_counter()
model = PMedian.from_cost_matrix(d["cost"], d["weight"], p_facilities=25).solve(pulp.PULP_CBC_CMD(msg=False))
print(model.problem.objective.value(), time.perf_counter() - cpu)
"""


def graphs(seed: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """Nodes, number of sites and distances: connected random graphs of n * n / 50 roads of whole length 1 to 100."""
    for n in range(100, 1000, 100):
        random = np.random.default_rng([seed, n])
        roads = {(int(random.integers(0, node)), node): int(random.integers(1, 101)) for node in range(1, n)}
        while len(roads) < n * n // 50:
            one, other = sorted(random.integers(0, n, 2).tolist())
            if one != other:
                roads[one, other] = int(random.integers(1, 101))
        ends, length = np.array(list(roads)), np.array(list(roads.values()), dtype=float)
        distance = dijkstra(csr_array((length, ends.T), shape=(n, n)), directed=False)
        for p in (5, 10, n // 10, n // 5, n // 3)[: FEWER.get(n, 5)]:
            yield n, p, distance


def plane(n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    points = random.random((n, 2))
    sites = points if n == m else random.random((m, 2))
    return np.hypot(*(points[:, None] - sites[None]).transpose(2, 0, 1)), random.lognormal(0, 1, n)


def measured(
    name: str,
    problem: Problem,
    bars: tuple[float, float] | None = None,
    *,
    gap: float = 0.0,
    time_limit_s: float = 60.0,
) -> dict[str, object]:
    """Figures of one instance beside its bars: CPU seconds and gap."""
    answer = solve(problem, gap=gap, time_limit_s=time_limit_s)
    numbers = {key: float(getattr(answer, key)) for key in ("objective", "bound", "gap", "cpu_s")}
    row: dict[str, object] = {"work": name, "status": answer.status, **numbers}
    if bars is not None:
        kept = answer.cpu_s <= bars[0] and answer.gap <= bars[1]
        row |= {"bar_cpu_s": bars[0], "bar_gap": bars[1], "keeps_bars": kept}
    return row


def spopt(cost: np.ndarray, weight: np.ndarray) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin", "python"))
        subprocess.run([python, "-m", "pip", "install", "-q", "spopt==0.7.0"], check=True)
        data = Path(folder, "data.npz")
        np.savez(data, cost=cost, weight=weight)
        done = subprocess.run([python, "-c", PEER, str(data)], check=True, capture_output=True, text=True)
    objective, wall_s = (float(each) for each in done.stdout.split()[-2:])
    return {"work": "spopt 0.7.0 p-median 500 x 500", "objective": objective, "wall_s": wall_s}


def on_graphs(kind: str, seed: int) -> Iterator[dict[str, object]]:
    """Figures of each graph, and of all together beside the bar."""
    done = []
    for n, p, distance in graphs(seed):
        problem: Problem = PMedian(distance, np.ones(n), p) if kind == "p-median" else PCenter(distance, p)
        done.append(measured(f"{kind} {n} p {p}", problem, time_limit_s=GRAPH_LIMIT_S))
        yield done[-1]
    spent, unproven = sum(float(str(row["cpu_s"])) for row in done), sum(row["status"] != "optimal" for row in done)
    row: dict[str, object] = {"work": f"all {len(done)} {kind}s of 100 to 900 nodes", "cpu_s": spent}
    yield row | {"unproven": unproven, "bar_cpu_s": ALL_CPU_S, "keeps_bars": spent <= ALL_CPU_S and unproven == 0}


def with_capacities() -> Iterator[dict[str, object]]:
    for n, p in CAPACITATED:
        demand = np.random.default_rng(n).integers(1, 101, n).astype(float)
        problem = CapacitatedPMedian(plane(n, n)[0], demand, float(np.ceil(demand.sum() / (0.9 * p))), p)
        limit = SMALL_LIMIT_S if n <= SMALL_CAPACITATED else CAPACITATED_LIMIT_S
        name = f"capacitated p-median {n} p {p}"
        yield measured(name, problem, (limit, CAPACITATED_GAP), time_limit_s=limit)


def rows(seed: int) -> Iterator[dict[str, object]]:
    small = np.random.default_rng(0).integers(1, 30, (30, 30)).astype(float)
    wide = np.random.default_rng(0).random((8_000, 300))
    cpu = time.process_time()
    solve(PMedian(small, np.ones(30), 3))
    solve(PCenter(small, 3))
    solve(CapacitatedPMedian(small, np.ones(30), 12.0, 3))
    solve(PMedian(wide, np.ones(len(wide)), 3), nodes=1)
    yield {"work": "first calls, compiled or read from disk", "cpu_s": time.process_time() - cpu}
    yield measured("p-median 500 x 500 p 25", PMedian(*plane(500, 500), 25), (0.2, 0.0))
    large = PMedian(*plane(50_000, 500), 25)
    yield measured("p-median 50000 x 500 p 25", large, (10.0, 1e-4), gap=1e-4, time_limit_s=LARGE_LIMIT_S)
    yield from with_capacities()
    yield from on_graphs("p-center", seed)
    yield from on_graphs("p-median", seed)


def main() -> None:
    seed = int(sys.argv[sys.argv.index("--seed") + 1]) if "--seed" in sys.argv else 0
    found = []
    for row in rows(seed):
        found.append(row)
        told = {key: value for key, value in row.items() if key not in ("bound", "objective")}
        print(told, file=sys.stderr, flush=True)
    if "--spopt" in sys.argv:
        found.append(spopt(*plane(500, 500)))
    print(json.dumps(found, indent=1) if "--json" in sys.argv else "\n".join(map(str, found)))


if __name__ == "__main__":
    main()
