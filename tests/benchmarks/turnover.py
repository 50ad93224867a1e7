"""CPU seconds of the turnover of a whole city: arrays, the same year by year through tables, and many draws.

    python tests/benchmarks/turnover.py [--json] [--scenario outlook] [--draws 2000] [--repeats 5]

All fleets, powertrains, vintages, districts and exemptions of the shipped city over 16 years. The stock at the end must
be the same both ways. Draws are draws of the cars' parameters, district by district; the other fleets do not depend on
them and are run once.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from fleetsim import cars, fast_path, stock
from fleetsim.datasets import city_folder, read_city
from fleetsim.fast_path import FastStart
from fleetsim.scenario.scenario import Scenario

YEARS = 16
SPREAD = (2.0, 0.1, 0.05, 0.2, 1.0, 0.02, 0.2)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--scenario", default="outlook")
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    row = measure(chosen.scenario, chosen.draws, chosen.repeats)
    print(json.dumps(row, indent=1) if chosen.json else "\n".join(f"{key}: {value}" for key, value in row.items()))


def measure(name: str, draws: int, repeats: int) -> dict[str, Any]:
    """Return CPU seconds and sizes."""
    scenario = Scenario.shipped(name)
    start = fast_path.begin(
        read_city(city_folder("beijing")), scenario, scenario.run.first_year + YEARS, cars.prior(scenario.cars)
    )
    held = fast_path.turn_over(start.cohorts, start.rules, start.years)
    arrays = [_seconds(lambda: fast_path.turn_over(start.cohorts, start.rules, start.years)) for _ in range(repeats)]
    tables = [_seconds(lambda: _by_tables(start)) for _ in range(max(1, repeats // 2))]
    last = held[start.years[-1]]
    vectors = start.rules.cars.vector() + np.array(SPREAD) * np.random.default_rng(1).standard_normal((draws, 7))
    drawn = _seconds(lambda: fast_path.draw_cars(start, vectors)) + min(arrays)
    return {
        "scenario": name,
        "years": YEARS,
        "fleets": len(last),
        "districts": len({cell[0] for one in last for cell in one.cells}),
        "vintages": max(one.counts.shape[1] for one in last),
        "array_cpu_s": round(min(arrays), 4),
        "array_cpu_s_median": round(float(np.median(arrays)), 4),
        "table_cpu_s": round(min(tables), 3),
        "largest_difference_vehicles": _difference(start, held),
        "draws": draws,
        "draws_cpu_s": round(drawn, 1),
    }


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _by_tables(start: FastStart) -> Any:
    table = start.opening
    for year in start.years[1:]:
        table = stock.advance(table, year, start.rules).stock
    return table


def _difference(start: FastStart, held: fast_path.StockByYear) -> float:
    keys = ["fleet", "powertrain", "vintage", *stock.CELL]
    ours = stock.from_cohorts(held[start.years[-1]]).rename({"vehicles": "ours"}).drop("year")
    joined = ours.join(_by_tables(start).drop("year"), on=keys, how="full", coalesce=True).fill_null(0.0)
    return float(np.abs((joined["ours"] - joined["vehicles"]).to_numpy()).max())


if __name__ == "__main__":
    main()
