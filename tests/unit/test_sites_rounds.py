"""Rounds of siting and simulating with a simulation made up for the line: who comes to which station."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
from line_city import YEAR, line_ground

from charging.tables import Station
from fleetsim.sites.choose import choose
from fleetsim.sites.demand import Demand
from fleetsim.sites.ground import Ground
from fleetsim.sites.request import Request
from fleetsim.sites.rounds import site_and_simulate

SITES = [1.0, 2.0, 6.0]
LEFT = [0.0, 9.0, 0.0, 0.0, 0.0, 0.0, 5.0, 0.0]


@dataclass
class FakeSimulator:
    """Visits of a zone go to the nearest station within a kilometre that is not shunned; others are left over."""

    shunned: tuple[str, ...]
    planned: list[list[str]] = field(default_factory=list)

    def prepare(self, years: tuple[int, ...]) -> None:
        """Nothing to make."""

    def tables(self, stations: pl.DataFrame, years: tuple[int, ...], _: pl.DataFrame | None) -> dict[str, pl.DataFrame]:
        self.planned.append(sorted(set(stations["station_id"]) - {"s20"}))
        open_ids = [name for name in stations["station_id"] if name not in self.shunned]
        at = dict(stations.select("station_id", "lon").iter_rows())
        served = dict.fromkeys(open_ids, 0.0)
        left = np.zeros(len(LEFT))
        for zone, visits in enumerate(LEFT):
            near = [name for name in open_ids if abs(at[name] - zone) <= 1.0]
            if near and visits:
                served[min(near, key=lambda name: abs(at[name] - zone))] += visits
            else:
                left[zone] = visits
        used = [(name, int(count)) for name, count in served.items() if count]
        load = pl.DataFrame(used, schema={"station_id": pl.String, "served": pl.Int64}, orient="row")
        sought = pl.DataFrame({"zone": list(range(len(LEFT))), "seeks": LEFT, "unserved": left})
        return {
            "stations": stations,
            "station_load": load.with_columns(
                year=pl.lit(YEAR, pl.Int64), day=pl.lit("d"), hour=pl.lit(8, pl.Int64), mean_wait_min=pl.lit(1.0),
                unserved=pl.lit(0, pl.Int64),
            ),
            "station_years": stations.select("station_id", "plugs", "power_kw", year=pl.lit(YEAR, pl.Int64)),
            "demand": sought.with_columns(year=pl.lit(YEAR, pl.Int64), kind=pl.lit("public")),
            "sessions": pl.DataFrame(),
        }  # fmt: skip

    def demand(self, tables: dict[str, pl.DataFrame], years: tuple[int, ...], kind: str) -> Demand:
        zones = pl.DataFrame(
            {"zone": [f"z{each:02}" for each in range(8)], "people": [0.0] * 8, "left": tables["demand"]["unserved"],
             "visits": LEFT}
        )  # fmt: skip
        load = tables["station_load"]
        return Demand("visits", {YEAR: zones}, 0.1, pl.DataFrame(), pl.DataFrame(), load, pl.DataFrame())


def line() -> Ground:
    ground = line_ground([1] * 8, SITES, [20.0])
    city: Any = SimpleNamespace(**vars(ground.city), stations=Station.create_empty())
    return replace(ground, city=city)


def simulated(number: int, rounds: int, shunned: tuple[str, ...]) -> tuple[Any, FakeSimulator]:
    ground, simulator = line(), FakeSimulator(shunned)
    request = Request(numbers=(number,), simulate=rounds)
    fake: Any = simulator
    return site_and_simulate(ground, request, fake, lambda each: choose(each, request), "en"), simulator


def test_a_site_that_nobody_came_to_is_not_offered_again() -> None:
    done, simulator = simulated(1, 3, ("public-c1",))

    first, second = simulator.planned[1], simulator.planned[2]
    assert first == ["public-c1"]
    assert second == ["public-c2"]
    assert done.rounds.filter("chosen")["left"].to_list() == [5.0]


def test_where_every_site_was_shunned_the_best_round_so_far_is_the_answer() -> None:
    done, simulator = simulated(3, 5, ("public-c1", "public-c2", "public-c6"))

    assert len(simulator.planned) < 6
    assert done.rounds.filter("chosen")["round"].to_list() == [1]
    assert done.rounds["left"].to_list()[0] == sum(LEFT)


def test_rounds_end_with_the_first_that_keeps_the_standards() -> None:
    done, simulator = simulated(2, 4, ())

    assert len(simulator.planned) == 2
    row = done.rounds.filter("chosen").row(0, named=True)
    assert (row["round"], row["left"], row["meets"]) == (1, 0.0, True)
