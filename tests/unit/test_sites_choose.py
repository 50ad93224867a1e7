import itertools

import numpy as np
import pytest
from line_city import YEAR, line_ground

from fleetsim.sites.choose import choose, coverage_curve, further_plans
from fleetsim.sites.request import Request
from fleetsim.sites.size import highest_costs
from networks.errors import FleetsimError, InfeasibleError

PEOPLE = [100, 300, 50, 700, 20, 900, 10, 400]
SITES = [0.0, 2.0, 3.0, 5.0, 6.0, 7.0]


def gained(ground, sites) -> float:
    """Residents beyond the standard of what stands and within that of `sites`, counted zone by zone."""
    lon, standing = ground.city.zones["lon"].to_numpy(), ground.stations["lon"].to_numpy()
    people = ground.city.zones["population"].to_numpy()
    total = 0
    for place, count in zip(lon, people, strict=True):
        stands = any(abs(place - each) <= 1 for each in standing)
        total += 0 if stands else count * any(abs(place - site) <= 1 for site in sites)
    return float(total)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_maximal_covering_gains_what_trying_every_choice_gains(number):
    ground = line_ground(PEOPLE, SITES, [0.0])
    best = max(gained(ground, sites) for sites in itertools.combinations(SITES, number))

    choice = choose(ground, Request(numbers=(number,)))

    assert choice.objective == best == choice.bound
    assert choice.status == "optimal"
    assert gained(ground, [SITES[site] for site in choice.opened[-1]]) == best
    assert (choice.already, choice.total) == (400.0, float(sum(PEOPLE)))


def test_further_stations_that_gain_nobody_are_not_opened_and_the_planner_is_told():
    choice = choose(line_ground([100, 0, 0, 100], [0.0, 1.0, 3.0], []), Request(numbers=(3,)))

    assert len(choice.opened[-1]) == 2
    assert choice.notes == (
        "2 of 3 stations are opened: further ones would bring no more residents within the standard",
    )


def test_a_budget_buys_what_it_can_and_never_more():
    ground = line_ground(PEOPLE, SITES, [0.0])
    costs = highest_costs(ground, YEAR)
    budget = float(np.sort(costs)[:2].sum()) + 1.0
    affordable = [
        [SITES[site] for site in sites]
        for count in range(len(SITES) + 1)
        for sites in itertools.combinations(range(len(SITES)), count)
        if costs[list(sites)].sum() <= budget
    ]

    choice = choose(ground, Request(budgets_cny=(budget,)))

    assert choice.objective == max(gained(ground, sites) for sites in affordable)
    assert costs[choice.opened[-1]].sum() <= budget


def test_a_budget_below_one_station_says_by_how_much_to_raise_it():
    ground = line_ground(PEOPLE, SITES, [0.0])
    cheapest = highest_costs(ground, YEAR).min()

    with pytest.raises(InfeasibleError, match=f"raise it by {cheapest - 1000:,.0f} CNY"):
        choose(ground, Request(budgets_cny=(1000.0,)))


def test_the_standard_takes_as_few_stations_as_trying_every_choice_finds():
    ground = line_ground(PEOPLE, SITES, [0.0])
    beyond = sum(PEOPLE[2:])
    fewest = next(
        count
        for count in range(len(SITES) + 1)
        if any(gained(ground, sites) == beyond for sites in itertools.combinations(SITES, count))
    )

    choice = choose(ground, Request(model="set"))

    assert choice.objective == fewest == choice.bound
    assert gained(ground, [SITES[site] for site in choice.opened[-1]]) == beyond


def test_too_few_stations_for_the_standard_say_how_many_more():
    with pytest.raises(InfeasibleError, match=r"--number 1: the standard takes 2 new stations .* raise it by 1 to 2"):
        choose(line_ground(PEOPLE, SITES, [0.0]), Request(model="set", numbers=(1,)))


def test_a_budget_below_the_standard_says_by_how_much_to_raise_it():
    ground = line_ground(PEOPLE, SITES, [0.0])
    least = choose(ground, Request(model="set", budgets_cny=(1e12,))).objective

    with pytest.raises(InfeasibleError, match=f"the standard costs {least:,.0f} CNY; raise it by {least - 1:,.0f}"):
        choose(ground, Request(model="set", budgets_cny=(1.0,)))


def test_zones_no_site_reaches_are_told_by_district_with_the_distance_that_would_do():
    ground = line_ground([100, 100, 0, 0, 0, 60], [0.0, 1.0], [])

    with pytest.raises(InfeasibleError) as error:
        choose(ground, Request(model="set"))

    assert "1 zones with 60 residents" in error.value.problems[0]
    assert error.value.problems[1].strip() == "East: 1 zones, 60 residents; widen 1 km by 3.0 km"


def test_zones_no_site_reaches_may_be_left_out():
    choice = choose(line_ground([100, 100, 0, 0, 0, 60], [0.0, 1.0], []), Request(model="set", leave_out=True))

    assert (choice.objective, len(choice.opened[-1])) == (1.0, 1)
    assert "left out" in choice.notes[0]


@pytest.mark.parametrize("standing", [[], [0.0]])
@pytest.mark.parametrize("model", ["median", "center"])
def test_ways_are_as_short_as_trying_every_choice_makes_them(model, standing):
    ground = line_ground(PEOPLE, SITES, standing)
    km = np.abs(np.arange(len(PEOPLE))[:, None] - np.array(SITES))
    stands = np.abs(np.arange(len(PEOPLE))[:, None] - np.array(standing)) if standing else np.full((8, 1), np.inf)
    values = []
    for sites in itertools.combinations(range(len(SITES)), 2):
        nearest = np.minimum(km[:, list(sites)].min(axis=1), stands.min(axis=1))
        values.append(float(nearest @ PEOPLE) if model == "median" else float(nearest.max()))

    choice = choose(ground, Request(model=model, numbers=(2,)))

    assert choice.objective == pytest.approx(min(values))
    assert choice.status == "optimal"


def test_gradual_covering_counts_half_at_one_and_a_half_standards():
    ground = line_ground([100, 0, 0, 40], [1.5, 3.5], [])

    choice = choose(ground, Request(model="gradual", numbers=(1,)))

    # Site 1.5 is 1.5 km from both ends: half of each; site 3.5 has the 40 in full.
    assert choice.objective == pytest.approx(70.0)


def test_a_plan_over_years_never_takes_a_station_back():
    ground = line_ground(PEOPLE, SITES, [0.0])
    ground.demand.zones.update({2028: ground.demand.zones[YEAR], 2030: ground.demand.zones[YEAR]})

    choice = choose(ground, Request(years=(YEAR, 2028, 2030), numbers=(1, 2, 3)))

    sets = [set(sites.tolist()) for sites in choice.opened]
    assert sets[0] <= sets[1] <= sets[2]
    assert all(len(sites) <= most for sites, most in zip(sets, (1, 2, 3), strict=True))
    assert choice.objective == sum(gained(ground, [SITES[site] for site in sites]) for sites in sets)


def test_relocation_closes_no_more_than_it_may_and_as_many_as_it_opens_beyond_the_number():
    ground = line_ground(PEOPLE, SITES, [0.0, 0.5, 1.0])

    choice = choose(ground, Request(numbers=(0,), relocate=1))

    assert len(choice.closed) == len(choice.opened[-1]) == 1
    assert choice.objective == 900.0 + 10.0 + 400.0, (
        "a station at 6 for one of three in the west, whose residents keep another"
    )


def test_the_curve_rises_and_its_bounds_hold():
    points = coverage_curve(line_ground(PEOPLE, SITES, [0.0]), Request(numbers=(1,), curve=(1, 2, 3)))

    gains = [point.objective for point in points]
    assert gains == sorted(gains)
    assert all(point.bound >= point.objective for point in points)


def test_further_plans_differ_and_lose_no_more_than_allowed():
    plans = further_plans(line_ground(PEOPLE, SITES, [0.0]), Request(numbers=(2,), plans=3, loss=0.5))

    assert len({tuple(plan.sites.tolist()) for plan in plans}) == len(plans) == 3
    assert all(plan.objective >= 0.5 * plans[0].objective for plan in plans)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "give --number, --budget or --standard"),
        ({"numbers": (5, 3), "years": (2025, 2030)}, "numbers must not fall"),
        ({"model": "median", "budgets_cny": (1.0,)}, "--model median needs --number"),
        ({"numbers": (1,), "loss": 2.0}, "--loss 2.0"),
    ],
)
def test_a_request_that_contradicts_itself_is_refused_with_its_option(fields, told):
    with pytest.raises(FleetsimError, match=told):
        Request(**fields)
