"""Proven gap of solved conversion schedules by size, beside a formulation in whole numbers for the same CPU time.

    python tests/benchmarks/schedule.py [--json] [--sizes small,medium,large] [--seeds 1,2] [--no-whole]

Sizes: small 30 groups x 10 depots x 8 years in 30 CPU s, medium 120 x 40 x 10 in 90, large 300 x 100 x 10 in 300. The
instances are made up (`fleetsim.schedules.synthetic`): three powertrains, initial diesel fleets of 20 to 150 vehicles,
clauses with slack, yearly budget, delivery lots of 5 and 3, hydrogen supply, chargers and grid modules.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np

from fleetsim.schedules.highs import Effort, minimise
from fleetsim.schedules.program import build
from fleetsim.schedules.solve import solve
from fleetsim.schedules.synthetic import synthetic

SIZES = {"small": (30, 10, 8, 30.0, 0.005), "medium": (120, 40, 10, 90.0, 0.005), "large": (300, 100, 10, 300.0, 0.01)}
MARGIN = 0.96
"""Share of the CPU time that the solver is given; reading the problem and the last solver call take the rest."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sizes", default="small,medium,large")
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--no-whole", action="store_true", help="leave out the formulation in whole numbers")
    chosen = parser.parse_args()
    rows = [
        measure(size, int(seed), whole=not chosen.no_whole)
        for size in chosen.sizes.split(",")
        for seed in chosen.seeds.split(",")
    ]
    print(json.dumps(rows, indent=1) if chosen.json else "\n".join(map(str, rows)))


def measure(size: str, seed: int, *, whole: bool) -> dict[str, Any]:
    """Return one row: gap and CPU time of the schedule, and of the formulation in whole numbers."""
    groups, depots, years, cpu_s, bar = SIZES[size]
    problem = synthetic(groups, depots, years, seed=seed)
    began = time.process_time()
    found = solve(problem, cpu_s=cpu_s * MARGIN, gap=bar * 0.9)
    row: dict[str, Any] = {
        "size": size,
        "seed": seed,
        "cpu_s": round(time.process_time() - began, 1),
        "cost_cny": round(found.cost),
        "bound_cny": round(found.bound),
        "gap_percent": round(found.gap * 100, 3),
        "bar_percent": bar * 100,
        "rows_broken": list(found.broken),
        "clause_slack": [round(float(each), 1) for each in found.slack],
    }
    if found.continuous is not None:
        far = found.held - found.continuous[found.program.columns.held]
        for name, each in (("by_powertrain", far), ("by_group_and_year", far.sum(axis=1))):
            size_of = np.abs(each)
            row[f"from_continuous_{name}"] = {
                "most": round(float(size_of.max()), 2),
                "mean": round(float(size_of.mean()), 3),
            }
    return row | (_whole(problem, cpu_s) if whole else {})


def _whole(problem: Any, cpu_s: float) -> dict[str, Any]:
    """Return the gap of the same problem with every vehicle, charger, module and lot whole, and no rows added."""
    program = build(problem)
    began = time.process_time()
    answer = minimise(program, Effort(cpu_s, 0.0), program.whole)
    gap = (answer.cost - answer.bound) / abs(answer.bound) * 100 if answer.values is not None else None
    return {
        "whole_cpu_s": round(time.process_time() - began, 1),
        "whole_gap_percent": None if gap is None else round(gap, 3),
    }


if __name__ == "__main__":
    main()
