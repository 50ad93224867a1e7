from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from line_city import YEAR, line_ground, line_zones

from charging.coverage import coverage_shares, equity, gini
from charging.sizing import plugs_needed
from charging.tables import CoverageShare, Equity
from fleetsim.scenario.stations import SitingSection
from fleetsim.sites.candidates import own_sites
from fleetsim.sites.choice import Choice
from fleetsim.sites.choose import choose
from fleetsim.sites.demand import of_file
from fleetsim.sites.outcome import blank_spots, coverage_tables, stands
from fleetsim.sites.request import Request
from fleetsim.sites.serve import chosen_sites
from fleetsim.sites.size import highest_costs, plugs_for
from fleetsim.sites.words import quality
from networks.errors import DataError
from networks.layers import read_layer

PEOPLE = [100, 300, 50, 700, 20, 900, 10, 400]
SITES = [0.0, 2.0, 3.0, 5.0, 6.0, 7.0]


def planned(number: int = 2) -> tuple[Any, Any, pl.DataFrame]:
    ground = line_ground(PEOPLE, SITES, [0.0])
    choice = choose(ground, Request(numbers=(number,)))
    return ground, choice, chosen_sites(ground, choice, (YEAR,), "en")


def test_what_the_sites_gain_adds_up_to_what_the_plan_covers():
    _, choice, sites = planned()

    assert sites["gained"].sum() == choice.objective
    assert sites["population_gained"].sum() == choice.objective


def test_a_site_serves_those_who_have_it_nearest_and_is_sized_for_their_peak_hour():
    ground, _, sites = planned(1)

    # The best single site is 6: zones 5, 6, 7 within 1 km; zones 4 and 8 km away are nearer to it than to 0.
    site = sites.row(0, named=True)
    assert site["station_id"] == "public-c6"
    assert site["population_served"] == 20 + 900 + 10 + 400
    assert site["visits_per_day"] == pytest.approx(13.3)
    assert site["peak_arrivals_per_h"] == pytest.approx(1.33)
    assert site["mean_km_before"] == pytest.approx((20 * 4 + 900 * 5 + 10 * 6 + 400 * 7) / 1330)
    assert site["mean_km_after"] == pytest.approx((20 * 2 + 900 * 1 + 10 * 0 + 400 * 1) / 1330)
    assert site["cost_cny"] == ground.section.site_cny["public"] + 8 * ground.section.plug_cny["public"]
    assert "1,310 residents" in site["reason"]


def test_no_station_costs_more_than_the_choice_reckoned():
    ground, choice, sites = planned(3)

    reckoned = highest_costs(ground, YEAR)[choice.opened[-1]]

    assert sites["cost_cny"].sum() <= reckoned.sum()


def test_coverage_and_blank_spots_are_those_counted_by_hand():
    ground, choice, sites = planned(1)
    standing = stands(ground, choice, sites, (YEAR,))

    coverage = coverage_tables(ground, standing)["coverage"]
    blank = blank_spots(ground, standing[-1])

    city = coverage.filter(pl.col("district") == "all", pl.col("counted") == "population")
    shares = dict(city.select("stage", "covered_share").iter_rows())
    assert shares["before"] == pytest.approx(400 / 2480)
    assert shares["after"] == pytest.approx((400 + 1310) / 2480)
    assert blank.select("zone", "population").rows() == [("z03", 700), ("z02", 50), ("z04", 20)]
    assert set(blank["reason"]) == {"not_chosen"}


def test_gini_is_a_quarter_where_one_of_two_goes_three_times_as_far():
    assert gini(np.array([1.0, 3.0]), np.array([1.0, 1.0])) == pytest.approx(0.25)
    assert gini(np.array([2.0, 2.0]), np.array([5.0, 1.0])) == pytest.approx(0.0)


def test_gini_equals_the_mean_difference_over_twice_the_mean():
    rng = np.random.default_rng(3)
    values, weights = rng.uniform(0, 9, 12), rng.integers(1, 5, 12).astype(float)
    everybody = np.repeat(values, weights.astype(int))

    expected = np.abs(everybody[:, None] - everybody).mean() / (2 * everybody.mean())

    assert gini(values, weights) == pytest.approx(expected)


def test_equity_and_shares_of_a_district_of_two_zones():
    reached = pl.DataFrame(
        {"stage": ["before"] * 2, "year": [2025] * 2, "kind": ["public"] * 2, "district": ["East"] * 2,
         "zone": ["a", "b"], "distance_km": [1.0, 3.0], "covered": [True, False], "population": [100, 100],
         "jobs": [0, 50]}
    )  # fmt: skip
    plugs = pl.DataFrame({"stage": ["before"], "year": [2025], "kind": ["public"], "district": ["East"], "plugs": [4]})

    even, shares = equity(reached, plugs), coverage_shares(reached, ["population", "jobs"])

    Equity.validate(even)
    CoverageShare.validate(shares)
    row = even.row(by_predicate=pl.col("district") == "East", named=True)
    assert (row["gini"], row["p90_over_p50"], row["worst_tenth_km"]) == (0.25, 3.0, 3.0)
    assert row["plugs_per_10000"] == pytest.approx(200.0)
    jobs = shares.row(by_predicate=(pl.col("district") == "East") & (pl.col("counted") == "jobs"), named=True)
    assert (jobs["covered_share"], jobs["mean_distance_km"], jobs["p50_distance_km"]) == (0.0, 3.0, 3.0)


@pytest.mark.parametrize("peak", [0.5, 12.0, 60.0])
def test_plugs_are_those_of_queue_theory_between_fewest_and_most(peak):
    ground = line_ground(PEOPLE, SITES, [])

    asked = plugs_needed(peak, 45.0, 10.0, variability=0.75)

    assert plugs_for(ground, peak, 120) == max(asked, 8)
    assert plugs_for(ground, peak, 10) == min(max(asked, 8), 10)


def fake_city() -> Any:
    return SimpleNamespace(zones=line_zones(PEOPLE))


def test_a_demand_file_of_points_counts_at_the_nearest_zone(tmp_path: Path):
    path = tmp_path / "demand.csv"
    path.write_text("lon,lat,visits_per_day\n1.01,0,5\n0.99,0,2\n6.0,0.01,4\n", encoding="utf-8")

    demand = of_file(path, fake_city(), SitingSection(), (YEAR,))

    visits = dict(demand.zones[YEAR].filter(pl.col("visits") > 0).select("zone", "visits").iter_rows())
    assert visits == {"z01": 7.0, "z06": 4.0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("zone,visits\nz01,5\n", "column visits_per_day is missing"),
        ("zone,visits_per_day\nz99,5\n", r"row 2: zone 'z99' is not in zones.csv"),
        ("zone,visits_per_day\nz01,-5\n", r"row 2: visits_per_day '-5' is not a number of at least 0"),
        ("lon,lat,visits_per_day\n50,0,5\n", r"row 2: lies \d+\.\d km from every zone"),
    ],
)
def test_a_bad_demand_file_is_told_with_its_row(tmp_path: Path, text: str, told: str):
    path = tmp_path / "demand.csv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(DataError, match=told):
        of_file(path, fake_city(), SitingSection(), (YEAR,))


def test_a_planner_s_site_takes_its_prices_and_the_district_of_its_zone(tmp_path: Path):
    path = tmp_path / "sites.csv"
    path.write_text("name,lon,lat,site_cny,most_plugs\nNorth,6.2,0,5e5,\n,1,0,,4\n", encoding="utf-8")

    table = own_sites(read_layer(path), fake_city())

    assert table["candidate"].to_list() == ["sites 1", "sites 2"]
    assert table["district"].to_list() == ["East", "West"]
    assert table["site_cny"].to_list() == [500_000.0, None]
    assert table["most_plugs"].to_list() == [None, 4.0]


@pytest.mark.parametrize(
    ("objective", "bound", "told"),
    [
        (1234.4, 1234.4, "Proven optimal: 1,234 residents"),
        (1234.4, 1250.0, "1,234 residents newly within the standard; no plan passes 1,250"),
        (1234.41, 1234.44, "1,234.41 residents newly within the standard; no plan passes 1,234.44"),
    ],
)
def test_plan_and_bound_are_told_with_the_digits_that_tell_them_apart(objective, bound, told):
    status = "optimal" if objective == bound else "feasible"
    choice = Choice((), "covered", objective, bound, bound / objective - 1.0, status, 0.1, 0.0, 1.0)
    sited: Any = SimpleNamespace(choice=choice, unit="residents", request=Request(numbers=(1,)))

    assert quality(sited, "en").startswith(told)
