"""Peak hours by zone, and the service that stations are sized with: from simulated days, else as assumed."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from line_city import YEAR, line_ground

from charging.sizing import expected_wait
from fleetsim.scenario.sites import SitesSection
from fleetsim.scenario.stations import SitingSection
from fleetsim.sites.choose import choose
from fleetsim.sites.hours import greatest_need, hour_sums, mean_day, profile
from fleetsim.sites.measured import assumed, measured
from fleetsim.sites.request import Request
from fleetsim.sites.serve import chosen_sites, with_simulated_waits
from fleetsim.sites.size import highest_costs, plugs_for
from fleetsim.sites.tables import Sizing

SITES = [0.0, 3.0]


def sought(rows: list[tuple[str, int, int, float, float, float]]) -> pl.DataFrame:
    names = ("day", "zone", "hour", "seeks", "unserved", "wait_min")
    table = pl.DataFrame(rows, schema=list(names), orient="row")
    return table.with_columns(year=YEAR, turned_away=pl.lit(0.0), detour_km=pl.lit(0.0))


def city(**weights: float) -> Any:
    return SimpleNamespace(days=pl.DataFrame({"day": list(weights), "weight_days": list(weights.values())}))


def test_the_profile_is_that_of_the_day_with_the_sharpest_peak_and_folds_the_night_into_the_clock():
    flat = [("flat", 0, hour, 1.0, 0.0, 0.0) for hour in range(24)]
    sharp = [("sharp", 0, 8, 6.0, 0.0, 0.0), ("sharp", 0, 25, 2.0, 0.0, 0.0), ("sharp", 1, 8, 2.0, 0.0, 0.0)]

    shares = profile(sought(flat + sharp), 3)

    assert shares is not None
    assert shares[0, 8] == 0.75
    assert shares[0, 1] == 0.25
    assert shares[1, 8] == 1.0
    assert shares[2, 8] == 0.8
    assert shares.sum(axis=1) == pytest.approx([1.0, 1.0, 1.0])
    assert profile(sought([]), 3) is None


def test_the_mean_day_weighs_days_by_how_many_they_stand_for():
    rows = [("work", 0, 8, 10.0, 2.0, 30.0), ("rest", 0, 8, 4.0, 0.0, 6.0)]

    mean = mean_day(sought(rows), city(work=250.0, rest=115.0, other=9.0))

    row = hour_sums(mean).row(0, named=True)
    assert row["seeks"] == pytest.approx((250 * 10 + 115 * 4) / 365)
    assert row["unserved"] == pytest.approx(250 * 2 / 365)
    assert row["wait_min"] == pytest.approx((250 * 30 + 115 * 6) / 365)


def test_the_hour_of_greatest_need_is_that_with_most_missed_then_longest_waits_then_most_sought():
    rows = [
        ("d", 0, 8, 50.0, 1.0, 0.0), ("d", 0, 18, 10.0, 3.0, 0.0),
        ("d", 1, 8, 50.0, 0.0, 5.0), ("d", 1, 9, 10.0, 0.0, 90.0),
        ("d", 2, 8, 5.0, 0.0, 0.0), ("d", 2, 12, 7.0, 0.0, 0.0),
    ]  # fmt: skip

    needs = greatest_need(mean_day(sought(rows), city(d=1.0)))

    assert needs.select("zone", "hour").rows() == [(0, 18), (1, 9), (2, 12)]


def with_hours(shares: dict[int, dict[int, float]]) -> Any:
    """A line of six zones with 100 visits a day each, at the hours given by zone, else spread over the day."""
    zones = pl.DataFrame(
        {"zone": [f"z{each:02}" for each in range(6)], "people": [0.0] * 6, "left": [100.0] * 6, "visits": [100.0] * 6}
    )
    ground = line_ground([1] * 6, SITES, [])
    by_hour = np.full((6, 24), 1.0 / 24)
    for zone, hours in shares.items():
        by_hour[zone] = [hours.get(hour, 0.0) for hour in range(24)]
    return replace(ground, demand=replace(ground.demand, zones={YEAR: zones}, by_hour={YEAR: by_hour}))


def test_a_station_is_sized_for_the_hour_in_which_most_come_to_it_not_for_the_peaks_of_its_zones_together():
    # Zone 0 comes at 8, zone 1 at 18: never 200 in one hour.
    ground = with_hours({0: {8: 1.0}, 1: {18: 1.0}})
    choice = choose(ground, Request(numbers=(2,), simulate=1))

    sites = chosen_sites(ground, choice, (YEAR,), "en")

    west = sites.row(by_predicate=pl.col("station_id") == "public-c0", named=True)
    # Zones 0, 1 are nearest to site 0; zone 2 lies nearer to site 3.
    assert west["visits_per_day"] == pytest.approx(200.0)
    assert west["peak_arrivals_per_h"] == pytest.approx(100.0)
    together = with_hours({0: {8: 1.0}, 1: {8: 1.0}})
    chosen = chosen_sites(together, choose(together, Request(numbers=(2,), simulate=1)), (YEAR,), "en")
    assert chosen["peak_arrivals_per_h"].max() == pytest.approx(200.0)


def test_the_cost_that_a_budget_is_held_against_is_never_below_that_of_the_station_built():
    ground = with_hours({0: {8: 1.0}, 1: {8: 0.5, 9: 0.5}, 2: {9: 1.0}, 3: {9: 1.0}})
    highest = dict(zip(ground.offered["candidate"], highest_costs(ground, YEAR), strict=True))

    sites = chosen_sites(ground, choose(ground, Request(numbers=(2,), simulate=1)), (YEAR,), "en")

    assert all(row["cost_cny"] <= highest[row["station_id"].removeprefix("public-")] for row in sites.to_dicts())


def test_demand_in_the_peak_is_that_of_the_city_s_busiest_hour():
    ground = with_hours({0: {8: 1.0}, 1: {8: 1.0}, 2: {18: 1.0}})

    peak = ground.in_peak(YEAR, np.full(6, 100.0))

    assert peak.tolist() == pytest.approx([100.0, 100.0, 0.0, *[100.0 / 24] * 3])


def visits(
    held_min: list[float], arrive_min: list[float], power_kw: float = 120.0, station: str = "s0"
) -> pl.DataFrame:
    arrive = [60.0 * each for each in arrive_min]
    end = [start + 60.0 * held for start, held in zip(arrive, held_min, strict=True)]
    return pl.DataFrame(
        {"year": YEAR, "day": "d", "station_id": station, "arrive": arrive, "start": arrive, "end": end,
         "power_kw": power_kw}
    )  # fmt: skip


def test_the_measured_service_has_mean_and_variation_counted_by_hand():
    # 20 and 40 min in turn: mean 30, variance 100. One in each tenth minute but the last of the hour, then two.
    table = visits([20.0, 40.0] * 3, [485.0, 495.0, 505.0, 515.0, 525.0, 527.0])

    service = measured(table, SitingSection(), SitesSection(least_visits=5), "public")

    counts = np.array([1, 1, 1, 1, 2, 0])
    dispersion = counts.var(ddof=1) / counts.mean()
    assert service.mean_min == pytest.approx(30.0)
    assert service.variability == pytest.approx((100.0 / 900.0 + dispersion) / 2.0)
    assert (service.is_measured, service.visits, service.stations) == (True, 6, 1)


def test_variability_of_poisson_arrivals_and_exponential_service_is_near_one():
    generator = np.random.default_rng(5)
    held = generator.exponential(20.0, (60, 300))
    arrive = np.sort(generator.uniform(0.0, 60.0, (60, 300)))
    parts = [visits(held[at].tolist(), arrive[at].tolist(), 120.0, f"s{at}") for at in range(60)]

    service = measured(pl.concat(parts), SitingSection(), SitesSection(), "public")

    assert service.mean_min == pytest.approx(20.0, rel=0.03)
    assert service.variability == pytest.approx(1.0, abs=0.1)


def test_with_too_few_visits_the_scenario_s_assumption_holds_and_says_how_many_were_seen():
    section = SitingSection()

    service = measured(visits([20.0], [485.0]), section, SitesSection(least_visits=2), "public")

    assert service == assumed(section, "public", seen=1)
    assert (service.mean_min, service.is_measured) == (45.0, False)


def test_new_stations_take_the_service_of_stations_of_like_power_and_slow_ones_their_own():
    ground = line_ground([100] * 6, SITES, [0.0])
    fast, slow = visits([20.0] * 60, [480.0] * 60), visits([300.0] * 60, [480.0] * 60, 7.0, "s1")
    ground = replace(ground, demand=replace(ground.demand, sessions=pl.concat([fast, slow])))

    assert ground.service.mean_min == pytest.approx(20.0)
    assert ground.service_at(7.0).mean_min == pytest.approx(300.0)
    assert ground.service_at(60.0).mean_min == pytest.approx(20.0)
    assert not ground.service_at(30.0).is_measured


def test_plugs_follow_the_measured_service():
    ground = line_ground([100] * 6, SITES, [], section={"smallest_plugs": {"public": 1, "swap": 1, "hydrogen": 1}})
    even = visits([15.0] * 60, [480.0 + each for each in range(60)])
    quick = replace(ground, demand=replace(ground.demand, sessions=even))

    plugs = plugs_for(quick, 12.0, 120)

    service = quick.service
    kept = expected_wait(12.0, service.mean_min, plugs, variability=service.variability).mean_min
    fewer = expected_wait(12.0, service.mean_min, plugs - 1, variability=service.variability).mean_min
    assert kept <= 10.0 < fewer
    assert plugs < plugs_for(ground, 12.0, 120)


def test_both_waits_of_a_simulated_station_stand_in_its_row():
    ground = line_ground([100] * 6, SITES, [])
    sites = chosen_sites(ground, choose(ground, Request(numbers=(1,))), (YEAR,), "en")
    name = sites["station_id"][0]
    row = {
        "station_id": name, "name": "x", "year": YEAR, "day": "d", "plugs": 8, "peak_arrivals_per_h": 3.0,
        "simulated_wait_min": 4.5, "simulated_unserved": 2, "plugs_needed": 8, "why": "agree", "is_planned": True,
    }  # fmt: skip
    sizing = pl.DataFrame([row], schema=Sizing.create_empty().schema)

    told = with_simulated_waits(sites, sizing, YEAR).row(0, named=True)

    assert (told["simulated_wait_min"], told["simulated_unserved"]) == (4.5, 2)
    assert told["expected_wait_min"] is not None
    assert sites["simulated_wait_min"].to_list() == [None]
