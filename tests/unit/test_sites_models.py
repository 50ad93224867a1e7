"""Models and actions of `fleetsim site` on a city on a line, against counting and trying every choice."""

import itertools
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from line_city import YEAR, line_ground

from charging.queueing import mean_wait_min
from fleetsim.scenario.sites import SitesSection
from fleetsim.sites.actions import enlargements
from fleetsim.sites.capacity import peak_capacity
from fleetsim.sites.choose import choose
from fleetsim.sites.compare import why
from fleetsim.sites.demand import Demand
from fleetsim.sites.outcome import coverage_tables, stands
from fleetsim.sites.points import join_zones
from fleetsim.sites.request import FleetWeight, Request
from fleetsim.sites.serve import chosen_sites
from fleetsim.sites.size import works_cost
from networks.errors import DataError, FleetsimError, InfeasibleError

PEOPLE = [100, 300, 50, 700, 20, 900, 10, 400]
SITES = [0.0, 2.0, 3.0, 5.0, 6.0, 7.0]
BUSY = {"peak_hour_share": 0.5, "largest_plugs": {"public": 4, "swap": 4, "hydrogen": 8},
        "smallest_plugs": {"public": 1, "swap": 1, "hydrogen": 2}}  # fmt: skip


def measured(ground, left, fleets=None):
    """The ground with visits that a simulation left over, one station having had 60 arrivals in its busiest hour."""
    base = ground.demand.zones[YEAR]
    zones = {YEAR: base.with_columns(people=pl.lit(0.0), left=pl.Series(np.array(left, dtype=float)))}
    load = pl.DataFrame(
        {"year": [YEAR], "day": ["winter"], "station_id": ["s0"], "hour": [8], "served": [50], "unserved": [10],
         "mean_wait_min": [20.0], "p95_wait_min": [40.0], "energy_kwh": [100.0], "peak_kw": [60.0]}
    )  # fmt: skip
    nothing = pl.DataFrame()
    demand = Demand("visits", zones, 0.1, nothing, nothing, load, nothing, {YEAR: fleets or {}})
    return replace(ground, demand=demand)


def test_zones_in_one_square_are_one_point_at_the_heaviest_and_no_weight_is_lost():
    zones = pl.DataFrame({"lon": [0.0, 0.001, 0.5, 0.9], "lat": [0.0] * 4})

    points = join_zones(zones, np.array([1.0, 4.0, 2.0, 0.0]), 2)

    assert points.zone.tolist() == [1, 2]
    assert points.weight.tolist() == [5.0, 2.0]
    assert points.of_zone.tolist() == [0, 0, 1, -1]


def test_places_go_whole_to_sites_that_hold_them_on_the_shortest_ways():
    ground = line_ground(PEOPLE, SITES, [], section=BUSY)
    peak = np.array(PEOPLE) / 100.0 * ground.demand.peak_share
    holds = peak_capacity(ground, 4)
    best = np.inf
    for sites in itertools.combinations(range(len(SITES)), 2):
        for of in itertools.product(sites, repeat=len(PEOPLE)):
            load = np.bincount(of, weights=peak, minlength=len(SITES))
            way = sum(peak[zone] * abs(zone - SITES[site]) for zone, site in enumerate(of))
            best = way if load.max() <= holds + 1e-9 and way < best else best

    choice = choose(ground, Request(model="capacitated", numbers=(2,)))

    assert choice.objective == pytest.approx(best)
    assert choice.status == "optimal"
    assert all(load <= holds + 1e-9 for load in choice.peaks.values())


def test_too_few_sites_for_the_arrivals_say_how_many_it_takes():
    ground = line_ground([500] * 8, SITES, [], section=BUSY)

    with pytest.raises(InfeasibleError, match=r"--number 1: the largest sites take .* raise it by \d+ to \d+"):
        choose(ground, Request(model="capacitated", numbers=(1,)))


def test_the_capacity_of_a_station_is_where_the_wait_of_queue_theory_meets_the_standard():
    ground = line_ground(
        PEOPLE, SITES, [], section={"wait_variability": dict.fromkeys(("public", "swap", "hydrogen"), 1.0)}
    )

    arrivals = peak_capacity(ground, 10)

    assert mean_wait_min(arrivals, 60.0 / 45.0, 10) == pytest.approx(10.0, rel=1e-6)


def test_service_serves_what_trying_every_pair_of_sites_serves():
    ground = line_ground(PEOPLE, SITES, [], section=BUSY)
    peak = np.array(PEOPLE) / 100.0 * ground.demand.peak_share
    holds = peak_capacity(ground, 4)
    best = 0.0
    for one, two in itertools.combinations(SITES, 2):
        near = [np.abs(np.arange(8) - site) <= 1 for site in (one, two)]
        alone = [peak[near[0] & ~near[1]].sum(), peak[near[1] & ~near[0]].sum()]
        shared = peak[near[0] & near[1]].sum()
        room = sum(max(holds - each, 0.0) for each in alone)
        best = max(best, sum(min(each, holds) for each in alone) + min(shared, room))

    choice = choose(ground, Request(model="service", numbers=(2,)))

    assert choice.objective == pytest.approx(best)
    assert (choice.already, choice.measure) == (0.0, "served")


def test_service_with_a_share_that_cannot_be_served_says_which_can():
    ground = line_ground(PEOPLE, SITES, [], section=BUSY)

    with pytest.raises(InfeasibleError, match=r"--serve: at most 0\.\d+ of the demand can be served, 1 is asked for"):
        choose(ground, Request(model="service", numbers=(1,), serve_share=1.0))


def test_service_enlarges_a_station_that_stands_instead_of_opening_one():
    busy = {**BUSY, "largest_plugs": {"public": 40, "swap": 4, "hydrogen": 8}}
    ground = line_ground([20_000, 0, 0, 0, 0, 0, 0, 0], [5.0], [0.0], section=busy)

    choice = choose(ground, Request(model="service", numbers=(0,), enlarge=1))
    sites = chosen_sites(ground, choice, (YEAR,), "en")

    assert choice.enlarged["s0"] > 10
    assert sites.select("station_id", "action", "plugs_before").rows() == [("s0", "enlarge", 10)]
    assert sites["cost_cny"][0] == works_cost(choice.enlarged["s0"] - 10, ground.section, "public")


def test_a_station_is_enlarged_where_that_takes_up_more_than_a_new_one_would():
    ground = measured(line_ground(PEOPLE, [6.0], [0.0]), [40, 10, 0, 0, 0, 0, 5, 0])

    choice = choose(ground, Request(numbers=(1,), enlarge=1, simulate=1))

    assert choice.objective == 55.0
    assert set(choice.enlarged) == {"s0"}
    assert choice.opened[-1].tolist() == [0]
    assert choice.gains["s0"] == (50.0, 50.0)


def test_only_stations_whose_busiest_hour_asks_for_more_plugs_may_be_enlarged():
    ground = measured(line_ground(PEOPLE, [6.0], [0.0, 5.0]), [1.0] * 8)

    works = enlargements(ground, YEAR)

    assert works["station_id"].to_list() == ["s0"]
    assert works["plugs_after"][0] > 45, "60 arrivals an hour of 45 minutes keep 45 plugs busy"


def test_a_budget_buys_the_enlargement_before_the_new_station_where_it_gains_more():
    ground = measured(line_ground(PEOPLE, [6.0], [0.0]), [40, 10, 0, 0, 0, 0, 5, 0])
    price = enlargements(ground, YEAR)["cost_cny"][0]

    choice = choose(ground, Request(budgets_cny=(price + 1.0,), enlarge=1, simulate=1))

    assert (list(choice.enlarged), choice.opened[-1].tolist(), choice.objective) == (["s0"], [], 50.0)


def fleets():
    zones = [f"z{number:02}" for number in range(8)]

    def table(left):
        return pl.DataFrame({"zone": zones, "people": [0.0] * 8, "left": left, "visits": left})

    return {"taxi": table([0.0, 9.0, 0, 0, 0, 0, 0, 0]), "goods": table([0.0, 0, 0, 0, 0, 8.0, 0, 0])}


@pytest.mark.parametrize(
    ("weights", "site", "objective"),
    [
        ((FleetWeight("taxi", 1.0, None), FleetWeight("goods", 1.0, None)), 0.0, 9.0),
        ((FleetWeight("taxi", 1.0, None), FleetWeight("goods", 2.0, None)), 5.0, 16.0),
        ((FleetWeight("taxi", 1.0, 3.5), FleetWeight("goods", 1.0, 3.5)), 3.0, 17.0),
    ],
)
def test_fleets_count_by_their_importance_and_their_own_reach(weights, site, objective):
    ground = measured(line_ground([0] * 8, SITES, []), [0, 9, 0, 0, 0, 8, 0, 0], fleets())
    ground = replace(ground, fleets=weights)

    choice = choose(ground, Request(numbers=(1,), simulate=1, fleets=weights))

    chosen = SITES[int(choice.opened[-1][0])]
    assert choice.objective == objective
    assert abs(chosen - site) <= 1.0
    assert chosen_sites(ground, choice, (YEAR,), "en")["gained"].sum() == objective


def test_a_fleet_that_is_not_in_the_demand_is_told_with_those_that_are():
    weights = (FleetWeight("bus", 1.0, None),)
    ground = replace(measured(line_ground(PEOPLE, SITES, []), [1.0] * 8, fleets()), fleets=weights)

    with pytest.raises(DataError, match="'bus' has no demand; there is residents, goods, taxi"):
        choose(ground, Request(numbers=(1,), simulate=1, fleets=weights))


def test_coverage_tells_minutes_roads_and_standards_counted_by_hand():
    ground = replace(line_ground(PEOPLE, SITES, [0.0]), rules=SitesSection(within_km=(2.0,), within_min=(1.0,)))
    choice = choose(ground, Request(numbers=(1,)))
    sites = chosen_sites(ground, choice, (YEAR,), "en")

    tables = coverage_tables(ground, stands(ground, choice, sites, (YEAR,)))

    city = tables["reach"].filter(pl.col("district") == "all", pl.col("counted") == "population")
    share = {(stage, unit): value for stage, unit, value in city.select("stage", "unit", "share").iter_rows()}
    assert share["before", "km"] == pytest.approx((100 + 300 + 50) / 2480)
    assert share["before", "min"] == pytest.approx((100 + 300) / 2480)
    # The new station stands at 6: zones 4 to 7 within 2 km, 5 to 7 within a minute.
    assert share["after", "km"] == pytest.approx((450 + 20 + 900 + 10 + 400) / 2480)
    assert share["after", "min"] == pytest.approx((400 + 900 + 10 + 400) / 2480)
    traffic = tables["coverage"].filter(pl.col("district") == "all", pl.col("counted") == "vehicle_km")
    shares = dict(traffic.select("stage", "covered_share").iter_rows())
    # Middles of links at 0.5 before; at 0.5, 5.5 and 6.5 after, of seven links.
    assert shares == {"before": pytest.approx(1 / 7), "after": pytest.approx(3 / 7)}
    kept = tables["standards"].row(by_predicate=pl.col("stage") == "after", named=True)
    assert (kept["place"], kept["beyond"], kept["needed_km"]) == ("core", 50 + 700 + 20, 3.0)
    even = tables["equity"].row(by_predicate=(pl.col("stage") == "after") & (pl.col("district") == "all"), named=True)
    assert 0.1 <= even["worst_tenth_share"] <= 1.0
    assert tables["links"].filter(pl.col("after_km") <= 1.0).height == 3


@pytest.mark.parametrize(
    ("row", "theory", "told"),
    [
        ({"simulated_wait_min": 10.0}, (9.0, 9.0), "agree"),
        ({"simulated_wait_min": 2.0}, (9.0, 9.0), "short"),
        ({"simulated_wait_min": 2.0}, (np.inf, np.inf), "short"),
        ({"simulated_wait_min": 2.0}, (9.0, 3.0), "quick"),
        ({"simulated_wait_min": 2.0}, (np.inf, 4.0), "quick"),
        ({"simulated_wait_min": 20.0}, (5.0, 15.0), "service"),
        ({"simulated_wait_min": 20.0, "queue_before": 6}, (5.0, 5.0), "queue_before"),
        ({"simulated_wait_min": 20.0, "measured_dispersion": 3.0}, (5.0, 5.0), "bunched"),
        ({"simulated_wait_min": 20.0}, (5.0, 5.0), "not_steady"),
        ({"simulated_wait_min": 20.0, "simulated_unserved": 3}, (5.0, 5.0), "unserved"),
    ],
)
def test_the_reason_why_simulation_and_theory_differ_is_the_largest_part(row, theory, told):
    base = {"simulated_unserved": 0, "peak_arrivals_per_h": 20.0, "queue_before": 0, "measured_service_min": 30.0,
            "measured_dispersion": 1.0, "plugs": 10}  # fmt: skip

    assert why({**base, **row}, theory, 0.02, SitesSection()) == told


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"numbers": (1,), "model": "flow"}, "--model flow needs --range"),
        ({"numbers": (1,), "range_km": 50.0}, "--range and --flows go with --model flow"),
        ({"numbers": (1,), "enlarge": 2}, "--enlarge needs to know who waits"),
        ({"numbers": (1,), "fleets": (FleetWeight("taxi", 1.0, None),)}, "--fleets needs a result folder"),
        ({"numbers": (1,), "simulate": 1, "demand": "results/x"}, "--simulate measures the demand itself"),
        ({"numbers": (1,), "serve_share": 0.5}, "--serve goes with --model service or flow"),
    ],
)
def test_options_of_a_model_that_is_not_asked_for_are_refused(fields, told):
    with pytest.raises(FleetsimError, match=told):
        Request(**fields)


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_stations_are_enlarged_than_asked_for_those_with_most_demand_a_plug_first(most):
    ground = line_ground([0, 4000, 0, 0, 0, 9000, 0, 2000], SITES, [1.0, 5.0, 7.0], section=BUSY)
    ground = replace(ground, stations=ground.stations.with_columns(plugs=pl.lit(1, pl.Int64)))

    choice = choose(ground, Request(model="service", numbers=(0,), enlarge=most))

    assert list(choice.enlarged) == [["s5"], ["s1", "s5"]][most - 1]
    assert all(plugs > 1 for plugs in choice.enlarged.values())
