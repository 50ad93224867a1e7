"""Covering on network travel times: seconds, memory and gap, beside spopt 0.7.0 with CBC where that can finish.

    python tests/benchmarks/siting.py --json
    python tests/benchmarks/siting.py --case mclp-10k --peer --json
    python tests/benchmarks/siting.py --minutes 12 --case mclp-10k

Points and sites lie on a road graph of 100,489 nodes drawn from a seed; a site covers what it reaches within some
minutes. The matrix is made in one process and solved in another, so that its peak memory, the matrix included, is its
own. The compiled functions are called once on a small matrix first; `compile_cpu_s` says what that took. spopt runs in
an environment of its own under the system's temporary folder, made at the first use, on the same matrix.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

SIDE = 317
BLOCK_KM, STREET_KMH, ARTERIAL_KMH, ARTERIAL_EVERY, KEPT_SHARE = 0.2, 30.0, 60.0, 16, 0.92
CENTRES = 12
PEER = "spopt==0.7.0"
PEER_LIMIT_S = 300
BAR_TIMES_FASTER = 40


@dataclass(frozen=True)
class Case:
    """An instance and what is asked of it."""

    points: int
    sites: int
    p: int
    minutes: float
    bar_cpu_s: float
    bar_gap: float


CASES = {
    "mclp-10k": Case(10_000, 500, 25, 8.0, 3.0, 0.001),
    "mclp-50k": Case(50_000, 500, 25, 8.0, 10.0, 0.0015),
    "mclp-100k": Case(100_000, 1_000, 100, 5.0, 60.0, 0.01),
    "mclp-20m": Case(20_000_000, 100, 20, 10.0, 30.0, 0.0),
}


def road_graph(seed: int) -> csr_array:
    """Return minutes between neighbours on a grid of streets with gaps, and faster arterials without."""
    random = np.random.default_rng(seed)
    node = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    line = np.arange(SIDE) % ARTERIAL_EVERY == 0
    ends, minutes = [], []
    for tail, head, fast in (
        (node[:, :-1], node[:, 1:], np.repeat(line, SIDE - 1)),
        (node[:-1], node[1:], np.tile(line, SIDE - 1)),
    ):
        km = BLOCK_KM * random.uniform(0.8, 1.4, tail.size)
        kept = fast | (random.random(tail.size) < KEPT_SHARE)
        ends.append(np.array([tail.ravel()[kept], head.ravel()[kept]]))
        minutes.append((60.0 * km / np.where(fast, ARTERIAL_KMH, STREET_KMH))[kept])
    tail, head = np.concatenate(ends, axis=1)
    both = np.tile(np.concatenate(minutes), 2)
    return csr_array((both, (np.r_[tail, head], np.r_[head, tail])), shape=(SIDE * SIDE, SIDE * SIDE))


def density(seed: int) -> np.ndarray:
    """Return the share of people at each node: some centres on a thin background."""
    random = np.random.default_rng([seed, 1])
    y, x = np.divmod(np.arange(SIDE * SIDE), SIDE)
    people = np.full(SIDE * SIDE, 0.15)
    for _ in range(CENTRES):
        (at_x, at_y), spread = random.uniform(0.15, 0.85, 2) * SIDE, random.uniform(8, 40)
        people += random.uniform(0.3, 1.0) * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2 * spread**2))
    return people / people.sum()


def covering(case: Case, seed: int) -> tuple[csr_array, np.ndarray]:
    """Return the cover (points x sites) and the weight of each point."""
    random = np.random.default_rng([seed, case.points, case.sites])
    graph, people = road_graph(seed), density(seed)
    at = random.choice(SIDE * SIDE, case.points, replace=case.points > SIDE * SIDE // 2, p=people)
    sites = random.choice(SIDE * SIDE, case.sites, replace=False, p=people)
    rows, columns = [], []
    for begin in range(0, case.sites, 50):
        minutes = dijkstra(graph, indices=sites[begin : begin + 50], limit=case.minutes)
        site, node = np.nonzero(np.isfinite(minutes))
        rows.append(node)
        columns.append(site + begin)
    row, column = np.concatenate(rows), np.concatenate(columns)
    nodes = csr_array((np.ones(len(row), np.bool_), (row, column)), shape=(SIDE * SIDE, case.sites))
    nodes.sort_indices()
    return nodes[at], np.ceil(random.lognormal(3.0, 1.0, case.points))


def write(case: Case, seed: int, folder: Path) -> None:
    cover, weight = covering(case, seed)
    for name, values in (("start", cover.indptr), ("site", cover.indices), ("weight", weight)):
        np.save(folder / f"{name}.npy", values)


def read(case: Case, folder: Path) -> tuple[csr_array, np.ndarray]:
    start, site, weight = (np.load(folder / f"{name}.npy") for name in ("start", "site", "weight"))
    return csr_array((np.ones(len(site), np.bool_), site, start), shape=(case.points, case.sites)), weight


def solve_here(case: Case, folder: Path) -> dict[str, Any]:
    """Solve the instance in `folder` and return what it took."""
    from charging.siting import MaximalCovering, solve

    begin = time.process_time()
    small, few = covering(Case(300, 40, 5, 8.0, 0.0, 0.0), 1)
    solve(MaximalCovering(small, few, p=5))
    solve(MaximalCovering(small.toarray(), few, p=5))
    compiled = time.process_time() - begin
    cover, weight = read(case, folder)
    begin = time.process_time()
    problem = MaximalCovering(cover, weight, p=case.p)
    answer = solve(
        problem, time_limit_s=1e6, gap=case.bar_gap, report=lambda _: time.process_time() - begin > case.bar_cpu_s
    )
    return {
        "compile_cpu_s": round(compiled, 2),
        "cpu_s": round(time.process_time() - begin, 3),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "objective": answer.objective,
        "bound": answer.bound,
        "gap": round(answer.gap, 6),
        "status": answer.status,
        "covered_share": round(answer.objective / float(weight.sum()), 4),
    }


PEER_SCRIPT = """
import json, resource, sys
import numpy as np, pulp
from spopt.locate import MCLP
folder, points, sites, p, limit = sys.argv[1], *map(int, sys.argv[2:])
start, site, weight = (np.load(f"{folder}/{name}.npy") for name in ("start", "site", "weight"))
minutes = np.full((points, sites), 9.0)
minutes[np.repeat(np.arange(points), np.diff(start)), site] = 1.0
def cpu_s():
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
begin = cpu_s()
model = MCLP.from_cost_matrix(minutes, weight, 1.0, p_facilities=p)
model = model.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=limit))
opened = [i for i, variable in enumerate(model.fac_vars) if (variable.value() or 0) > 0.5]
covered = float(weight[(minutes[:, opened] < 5).any(axis=1)].sum())
kb = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
status = pulp.LpStatus[model.problem.status]
print(json.dumps({"cpu_s": round(cpu_s() - begin, 1), "peak_mb": kb // 1024, "objective": covered, "status": status}))
"""


def peer_python() -> Path:
    """Return the interpreter of spopt's own environment, made where it is not there yet."""
    home = Path(tempfile.gettempdir()) / "siting-bench-spopt-0.7.0"
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PEER], check=True, capture_output=True)
        (home / "ready").touch()
    return python


def run_peer(case: Case, folder: Path) -> dict[str, Any]:
    sizes = (case.points, case.sites, case.p, PEER_LIMIT_S)
    command = [str(peer_python()), "-W", "ignore", "-c", PEER_SCRIPT, str(folder), *map(str, sizes)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def run_case(name: str, case: Case, seed: int, *, peer: bool) -> dict[str, Any]:
    """Return the figures of one case, and whether it keeps its bars."""
    with tempfile.TemporaryDirectory() as folder:
        common = [
            sys.executable,
            __file__,
            "--seed",
            str(seed),
            "--folder",
            folder,
            "--child",
            json.dumps(asdict(case)),
        ]
        subprocess.run([*common, "--write"], check=True, cwd=ROOT)
        done = subprocess.run(common, check=True, capture_output=True, text=True, cwd=ROOT)
        result: dict[str, Any] = {"case": name, **asdict(case), **json.loads(done.stdout)}
        result["keeps_bars"] = result["cpu_s"] <= case.bar_cpu_s and result["gap"] <= case.bar_gap
        if peer:
            result["spopt"] = run_peer(case, Path(folder))
            result["times_faster"] = round(result["spopt"]["cpu_s"] / max(result["cpu_s"], 1e-3), 1)
            result["bar_times_faster"] = BAR_TIMES_FASTER
            result["keeps_bars"] = result["keeps_bars"] and result["times_faster"] >= BAR_TIMES_FASTER
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES, action="append", help="default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, help="reach of a site, instead of the case's own")
    parser.add_argument("--peer", action="store_true", help="run spopt beside the smallest case (minutes of CPU)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a case")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        case = Case(**json.loads(given.child))
        if given.write:
            write(case, given.seed, given.folder)
        else:
            print(json.dumps(solve_here(case, given.folder)))
        return
    for name in given.case or CASES:
        case = CASES[name]
        if given.minutes:
            case = Case(**{**asdict(case), "minutes": given.minutes})
        result = run_case(name, case, given.seed, peer=given.peer and name == "mclp-10k")
        print(json.dumps(result) if given.json else "\n".join(f"{key:14} {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
