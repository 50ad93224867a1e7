"""Both engines on the same random city: the same log, and what it costs in processor time and memory.

    python tests/benchmarks/engine.py --vehicles 100000 --days 1 --json
    python tests/benchmarks/engine.py --vehicles 1000000 --engine kernel --json

Each engine runs in a process of its own that reads the city from a file, so that its peak memory is its own.
The kernel is compiled, or found compiled, on a small city first. Its time is the least of `--repeat` runs, with
the packing of the inputs and the making of the log; the reference runs once.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from fleetsim.engine.spec import Access, Flows, Inputs, Legs, Log, Stations, Vehicles, is_served  # noqa: E402
from fleetsim.engine.synthetic import CitySize, random_inputs  # noqa: E402

PARTS = {"vehicles": Vehicles, "legs": Legs, "stations": Stations, "access": Access}
ENGINES = ("kernel", "simpy")
VEHICLES_PER_STATION = 100
VEHICLES_PER_ZONE = 100


def city(seed: int, vehicles: int) -> Inputs:
    stations, zones = max(12, vehicles // VEHICLES_PER_STATION), max(6, vehicles // VEHICLES_PER_ZONE)
    return random_inputs(seed, CitySize(vehicles=vehicles, stations=stations, zones=zones, ranks=5))


def write(inputs: Inputs, path: Path) -> None:
    columns = {
        f"{part}.{field.name}": getattr(getattr(inputs, part), field.name)
        for part, kind in PARTS.items()
        for field in fields(kind)
    }
    np.savez(path, tries=inputs.tries, **columns)


def read(path: Path) -> Inputs:
    with np.load(path) as file:
        parts: dict[str, Any] = {
            part: kind(**{field.name: file[f"{part}.{field.name}"] for field in fields(kind)})
            for part, kind in PARTS.items()
        }
        return Inputs(**parts, tries=int(file["tries"]))


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def run_here(engine: str, folder: Path, repeat: int) -> None:
    """Run one engine on the city in `folder`, leave its log there and print what it took."""
    from fleetsim.engine import kernel, reference

    inputs = read(folder / "city.npz")
    kernel.run_day(city(0, 50))
    before, events, seconds = resident_mb(), 0, []
    for _ in range(repeat if engine == "kernel" else 1):
        begin = time.process_time()
        if engine == "kernel":
            log, events = kernel.run_day(inputs)
        else:
            log = reference.simulate(inputs)
        seconds.append(time.process_time() - begin)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        np.savez(folder / f"{engine}.npz", **columns_of(log))
        del log
    print(json.dumps({"cpu_s": seconds, "peak_mb": peak, "above_inputs_mb": peak - before, "events": events}))


def run_apart(engine: str, folder: Path, repeat: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", engine, "--folder", str(folder), "--repeat", str(repeat)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def columns_of(log: Log) -> dict[str, Any]:
    columns = {field.name: getattr(log, field.name) for field in fields(Log) if field.name != "flows"}
    return columns | {f"flows.{field.name}": getattr(log.flows, field.name) for field in fields(Flows)}


def read_log(path: Path) -> Log:
    with np.load(path) as file:
        flows = Flows(**{field.name: file[f"flows.{field.name}"] for field in fields(Flows)})
        return Log(**{field.name: file[field.name] for field in fields(Log) if field.name != "flows"}, flows=flows)


def are_equal(one: Log, other: Log) -> bool:
    own, others = columns_of(one), columns_of(other)
    return all(np.array_equal(own[name], others[name]) for name in own)


def run_day(seed: int, vehicles: int, engines: list[str], repeat: int) -> dict[str, Any]:
    """Return the figures of one day."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs = city(seed, vehicles)
        write(inputs, folder / "city.npz")
        legs = len(inputs.legs)
        del inputs
        results = {engine: run_apart(engine, folder, repeat) for engine in engines}
        logs = [read_log(folder / f"{engine}.npz") for engine in engines]
    return {
        "legs": legs,
        "sessions": int(is_served(logs[0]).sum()),
        "events": max(result["events"] for result in results.values()),
        "equal": are_equal(logs[0], logs[1]) if len(logs) > 1 else None,
        "cpu_s": {engine: min(result["cpu_s"]) for engine, result in results.items()},
        "peak_mb": {engine: result["peak_mb"] for engine, result in results.items()},
        "above_inputs_mb": {engine: result["above_inputs_mb"] for engine, result in results.items()},
    }


def summed(days: list[dict[str, Any]], vehicles: int, engines: list[str]) -> dict[str, Any]:
    """Return the figures of all days: sums, and the highest of memory."""
    report: dict[str, Any] = {"vehicles": vehicles, "days": len(days)}
    report |= {name: sum(day[name] for day in days) for name in ("legs", "sessions", "events")}
    report["equal"] = None if days[0]["equal"] is None else all(day["equal"] for day in days)
    for engine in engines:
        report[f"{engine}_cpu_s"] = round(sum(day["cpu_s"][engine] for day in days), 3)
        for name in ("peak_mb", "above_inputs_mb"):
            report[f"{engine}_{name}"] = round(max(day[name][engine] for day in days))
    if "kernel" in engines:
        report["kernel_events_per_s"] = round(report["events"] / report["kernel_cpu_s"])
    if len(engines) > 1:
        report["ratio"] = round(report["simpy_cpu_s"] / report["kernel_cpu_s"], 1)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vehicles", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=("both", *ENGINES), default="both")
    parser.add_argument("--repeat", type=int, default=3, help="runs of the kernel, of which the shortest counts")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--child", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        run_here(given.child, given.folder, given.repeat)
        return
    engines = list(ENGINES) if given.engine == "both" else [given.engine]
    days = [run_day(given.seed + day, given.vehicles, engines, given.repeat) for day in range(given.days)]
    report = summed(days, given.vehicles, engines)
    print(json.dumps(report) if given.json else "\n".join(f"{name:24} {value}" for name, value in report.items()))
    if report["equal"] is False:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
