"""A bus depot simulated here and by bussim2, a minute-by-minute simulation of bus depots in SimPy.

`python tests/benchmarks/depot_peer.py [--json]` makes an environment for bussim2 (which needs old versions of
pandas and numpy), lets it run its depot KB there, takes the blocks with the energy each needs from it, and
runs the same blocks here. Both dispatch the bus that has been back longest among those with enough charge, call
buses from the plug, and share a site limit among 60 chargers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

import numpy as np

from fleetsim.engine.kernel import simulate as simulate_compiled
from fleetsim.engine.policies import Policies
from fleetsim.engine.reference import simulate
from fleetsim.engine.spec import (
    SECOND_US,
    Access,
    Inputs,
    Kind,
    Legs,
    Log,
    Pools,
    Stations,
    Tasks,
    Vehicles,
)

MINUTE_US = 60 * SECOND_US
PEER = ("bussim2==0.3.3", "pandas<2.2", "numpy<2")
CASES = {
    "full": {"art_bus_num": 200, "std_bus_num": 200, "num_days": 3, "chargers": 60, "depot_power_supply": 6000},
    "starved": {"art_bus_num": 4, "std_bus_num": 4, "num_days": 1, "chargers": 4, "depot_power_supply": 6000},
}
COMMON = {"depot_name": "KB", "real_temp": False, "temp": 23}
TYPES = ("std", "art")
PATIENCE_MIN = 15
"""The peer's wait for a bus before a block is dropped [min]."""
LEAST_KWH = 100
"""The peer calls no bus from the plug below this level [kWh]."""

PEER_SCRIPT = """
import json, sys, time, warnings
import matplotlib
matplotlib.use("Agg")
warnings.simplefilter("ignore")
import bussim2.bussim as peer
from bussim2.utilities import f_bus, get_buffer

began = time.process_time()
sim = peer.config_sim("DEFAULT", **json.loads(sys.argv[1]))
cpu_s = time.process_time() - began
turn = {(block["block"], block["dispatch_start_time"]): i for i, block in enumerate(sim._full_blocks_dict)}
blocks = sorted(
    sim.full_blocks_tracked.to_dict("records"),
    key=lambda row: (row["dispatch_start_time"], turn[row["block"], row["dispatch_start_time"]]),
)
rows = [
    {
        "type": row["type"],
        "start": int(row["dispatch_start_time"]),
        "end": int(row["end_time"]),
        "back": int(get_buffer(row["end_time"])),
        "kwh": f_bus(sim.bus_gen, row["consumption speed"], sim.current_temp, row["type"], sim.bus_percentile)
        * row["consumption miles"],
        "run": row["status"] == "run",
    }
    for row in blocks
]
power = sim.depot_power_tracker_df["grid_to_load"]
print(json.dumps({
    "cpu_s": cpu_s,
    "blocks": rows,
    "battery_kwh": sim.bus_kwh_capacity[sim.bus_gen],
    "charger_kw": sim.charger_power,
    "until_min": int(sim.runtime),
    "energy_kwh": float(power.sum()),
    "peak_kw": float(power.max() * 60),
}))
"""


def main() -> None:
    """Run both and print what they agree on."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environment", type=Path, help="Folder of the peer's environment, made if it is not there.")
    parser.add_argument("--simpy", action="store_true", help="Run the SimPy reference here, not the kernel.")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        python = peer_python(options.environment or Path(temporary) / "peer")
        results = {name: compare(python, settings, options.simpy) for name, settings in CASES.items()}
    print(json.dumps(results, indent=None if options.json else 2))


def peer_python(folder: Path) -> Path:
    """Return the interpreter of an environment with the peer in it."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEER], check=True)
    return python


def compare(python: Path, settings: dict[str, Any], use_simpy: bool) -> dict[str, Any]:
    """Return blocks run, energy, peak and CPU seconds of both."""
    command = [str(python), "-W", "ignore", "-c", PEER_SCRIPT, json.dumps(COMMON | settings)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    peer = json.loads(done.stdout.strip().splitlines()[-1])
    inputs = depot(peer, settings)
    run = simulate if use_simpy else simulate_compiled
    policies = Policies(can_take=can_take)
    run(inputs, policies=policies)  # compiles
    began = time.process_time()
    log = run(inputs, policies=policies)
    cpu_s = time.process_time() - began
    until = peer["until_min"] * MINUTE_US
    own = {"run": log.taker >= 0, "peer_run": np.array([block["run"] for block in peer["blocks"]])}
    return {
        "blocks": len(peer["blocks"]),
        "blocks_run": int(own["run"].sum()),
        "peer_blocks_run": int(own["peer_run"].sum()),
        "blocks_decided_alike": int((own["run"] == own["peer_run"]).sum()),
        "energy_kwh": round(energy_until(log, until), 1),
        "peer_energy_kwh": round(peer["energy_kwh"], 1),
        "peak_kw": round(peak_kw(log, until), 1),
        "peer_peak_kw": round(peer["peak_kw"], 1),
        "cpu_s": cpu_s,
        "peer_cpu_s": peer["cpu_s"],
        "ratio": peer["cpu_s"] / cpu_s,
    }


def can_take(level: int, need: int, reserve: int) -> bool:
    """Return whether the peer would send a bus: more than the block needs, and not below its least level."""
    return (level > need) & (level >= reserve)


def depot(peer: dict[str, Any], settings: dict[str, Any]) -> Inputs:
    """Return the peer's depot, buses and blocks."""
    blocks = peer["blocks"]
    size = len(blocks)
    start, end, back = (np.array([block[name] for block in blocks], np.int64) for name in ("start", "end", "back"))
    rows = np.arange(size)
    legs = Legs(
        depart=start * MINUTE_US,
        drive=(end - start) * MINUTE_US,
        dwell=back * MINUTE_US,
        energy=np.array([round(block["kwh"] * 1000) for block in blocks], np.int64),
        zone=np.zeros(size, np.int64),
        may_charge=np.zeros(size, np.bool_),
        at_depot=np.ones(size, np.bool_),
        timed=np.zeros(size, np.bool_),
        latest=(start + PATIENCE_MIN) * MINUTE_US,
    )
    tasks = Tasks(
        pool=np.array([TYPES.index(block["type"]) for block in blocks], np.int64),
        time=legs.depart,
        latest=legs.latest,
        zone=np.zeros(size, np.int64),
        first_leg=rows,
        end_leg=rows + 1,
    )
    none = np.full((len(Kind), 1, 1), -1, np.int64)
    return Inputs(
        vehicles=buses(peer, settings),
        legs=legs,
        stations=plugs(peer, settings),
        access=Access(none, none * 0, none * 0),
        tries=1,
        tasks=tasks,
        pools=Pools(roams=np.zeros(len(TYPES), np.bool_)),
    )


def buses(peer: dict[str, Any], settings: dict[str, Any]) -> Vehicles:
    """Return full buses, a pool a type."""
    counts = [settings[f"{kind}_bus_num"] for kind in TYPES]
    size = sum(counts)
    capacity = np.repeat([round(peer["battery_kwh"][kind] * 1000) for kind in TYPES], counts).astype(np.int64)

    def all_have(value: int) -> Any:
        return np.full(size, value, np.int64)

    return Vehicles(
        first_leg=np.zeros(size + 1, np.int64),
        kind=all_have(Kind.ELECTRIC),
        group=all_have(0),
        home=all_have(0),
        soft=np.zeros(size, np.bool_),
        capacity=capacity,
        start_level=capacity,
        reserve=all_have(LEAST_KWH * 1000),
        depot_reserve=all_have(0),
        target=capacity,
        max_power=all_have(round(peer["charger_kw"] * 1000)),
        knee_pm=all_have(1000),
        end_pm=all_have(1000),
        use_per_km=all_have(0),
        pool=np.repeat(np.arange(len(TYPES)), counts),
    )


def plugs(peer: dict[str, Any], settings: dict[str, Any]) -> Stations:
    """Return the depot's chargers under its limit."""

    def one(value: int) -> Any:
        return np.array([value], np.int64)

    return Stations(
        kind=one(Kind.ELECTRIC),
        plugs=one(settings["chargers"]),
        rate=one(round(peer["charger_kw"] * 1000)),
        handling=one(0),
        typical=one(MINUTE_US),
        queue_limit=one(1_000_000),
        packs=one(0),
        storage=one(0),
        supply=one(0),
        dry_limit=one(0),
        group=one(-1),
        site_limit=one(settings["depot_power_supply"] * 1000),
    )


def energy_until(log: Log, until: int) -> float:
    """Return the energy taken before a time [kWh]; power is steady within a stretch."""
    flows = log.flows
    part = (np.minimum(flows.end, until) - flows.start).clip(0) / (flows.end - flows.start)
    return float((flows.energy * part).sum() / 1000)


def peak_kw(log: Log, until: int) -> float:
    """Return the highest power of all plugs together before a time [kW]."""
    flows = log.flows
    times = np.concatenate((flows.start, flows.end))
    power = np.concatenate((flows.power, -flows.power))
    order = np.lexsort((power, times))
    total = np.cumsum(power[order])
    return float(total[times[order] < until].max(initial=0) / 1000)


if __name__ == "__main__":
    sys.exit(main())
