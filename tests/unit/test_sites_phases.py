"""Several years and several fleets with every model that takes them, against trying every choice."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from line_city import YEAR, line_ground
from road_city import KM, road_ground

from fleetsim.sites.choose import choose
from fleetsim.sites.flow import with_ends
from fleetsim.sites.ground import Ground
from fleetsim.sites.request import FleetWeight, Request
from fleetsim.sites.serve import chosen_sites
from networks.errors import FleetsimError, InfeasibleError

PEOPLE = [100, 300, 50, 700, 20, 900, 10, 400]
SITES = [0.0, 2.0, 3.0, 5.0, 6.0, 7.0]
YEARS = (2025, 2028, 2030)


def over_years(ground: Ground, growth: tuple[float, ...] = (1.0, 1.0, 1.0)) -> Ground:
    """Return the ground with people in each of `YEARS`, as many times those of the line as told."""
    base = ground.demand.zones[YEAR]
    zones = {
        year: base.with_columns(people=pl.col("people") * factor) for year, factor in zip(YEARS, growth, strict=True)
    }
    return replace(ground, demand=replace(ground.demand, zones=zones))


def worth(model: str, sites: tuple[float, ...], standing: float | None) -> float:
    """What a model makes as large as it can, counted zone by zone."""
    places = np.array([*sites, *([] if standing is None else [standing])])
    km = np.abs(np.arange(8)[:, None] - places).min(axis=1) if len(places) else np.full(8, 100.0)
    people = np.array(PEOPLE, dtype=float)
    if model == "gradual":
        return float(people @ np.clip(2.0 - km, 0.0, 1.0))
    return -float(people @ km) if model == "median" else -float(km.max())


GROWTH = (1.0, 1.5, 3.0)


def best_of_plans(model: str, numbers: tuple[int, ...]) -> float:
    """The largest sum over the years of all plans in which nothing is taken back."""
    best = -np.inf
    for last in itertools.combinations(SITES, numbers[2]):
        for middle in itertools.combinations(last, numbers[1]):
            for first in itertools.combinations(middle, numbers[0]):
                plan = zip((first, middle, last), GROWTH, strict=True)
                best = max(best, sum(worth(model, sites, 0.0) * scaled(model, factor) for sites, factor in plan))
    return best


def scaled(model: str, factor: float) -> float:
    return 1.0 if model == "center" else factor


@pytest.mark.parametrize("model", ["gradual", "median", "center"])
def test_all_years_together_are_as_good_as_trying_every_plan_and_told_beside_each_year_s_own_best(model):
    ground = over_years(line_ground(PEOPLE, SITES, [0.0]), GROWTH)
    numbers = (1, 2, 3)

    choice = choose(ground, Request(model=model, years=YEARS, numbers=numbers))

    opened = [{SITES[site] for site in sites.tolist()} for sites in choice.opened]
    assert opened[0] <= opened[1] <= opened[2]
    assert all(len(sites) <= number for sites, number in zip(opened, numbers, strict=True))
    base = sum(worth(model, (), 0.0) * factor for factor in GROWTH) if model == "gradual" else 0.0
    best = abs(best_of_plans(model, numbers) - base)
    assert choice.objective == pytest.approx(best)
    assert choice.decided == 0
    for phase, sites, number, factor in zip(choice.phases, opened, numbers, GROWTH, strict=True):
        off, times = worth(model, (), 0.0) if model == "gradual" else 0.0, scaled(model, factor)
        alone = max(worth(model, each, 0.0) for each in itertools.combinations(SITES, number))
        assert phase.value == pytest.approx(abs(worth(model, tuple(sites), 0.0) - off) * times)
        assert phase.alone == pytest.approx(abs(alone - off) * times)
        assert phase.regret == pytest.approx(abs(phase.value - phase.alone_bound))
    assert any("Year by year" in note for note in choice.notes)


def test_years_count_as_much_as_asked():
    # Who lives at 0 at first lives at 7 later; one station must stand from the start.
    ground = over_years(line_ground([100] + [0] * 7, [0.0, 7.0], []))
    later = ground.demand.zones[2030].with_columns(people=pl.Series([0.0] * 7 + [90.0]))
    ground = replace(ground, demand=replace(ground.demand, zones={**ground.demand.zones, 2030: later}))
    years = (2025, 2030)

    alike = choose(ground, Request(years=years, numbers=(1, 1)))
    late = choose(ground, Request(years=years, numbers=(1, 1), year_weights=(1.0, 2.0)))

    assert (alike.opened[-1].tolist(), alike.objective) == ([0], 100.0)
    assert (late.opened[-1].tolist(), late.objective) == ([1], 180.0)
    assert [(phase.value, phase.regret) for phase in late.phases] == [(0.0, 100.0), (90.0, 0.0)]


def test_routes_are_planned_for_all_years_and_each_year_holds_the_stations_of_the_one_before(tmp_path):
    trips = tmp_path / "flows.csv"
    step = KM / 111.195
    names = ["from_lon", "from_lat", "to_lon", "to_lat", "vehicles_per_day"]
    rows = [(step * start, 0.0, step * end, 0.0, count) for start, end, count in [(0, 7, 100.0), (1, 4, 30.0)]]
    pl.DataFrame(rows, schema=names, orient="row").write_csv(trips)
    request = Request(model="flow", years=(2025, 2030), numbers=(1, 3), range_km=50.0, flows=trips)
    ground = with_ends(road_ground([1000] * 8, list(range(8)), []), request)

    choice = choose(ground, request)

    # One station lets the short trip through; the long one of 70 km takes two more, wherever the first stands.
    assert [phase.value for phase in choice.phases] == [30.0, 130.0]
    assert (choice.objective, choice.status) == (160.0, "optimal")
    assert set(choice.opened[0].tolist()) <= set(choice.opened[1].tolist())


def test_stations_with_waits_are_planned_for_all_years():
    ground = over_years(line_ground(PEOPLE, SITES, []), (1.0, 2.0, 3.0))

    choice = choose(ground, Request(model="service", years=YEARS, numbers=(1, 2, 3)))

    single = [
        choose(ground, Request(model="service", years=(year,), numbers=(number,)))
        for year, number in zip(YEARS, (1, 2, 3), strict=True)
    ]
    assert choice.status == "optimal"
    assert choice.objective <= sum(each.objective for each in single) + 1e-9
    for phase, own in zip(choice.phases, single, strict=True):
        assert phase.alone == pytest.approx(own.objective, rel=1e-6)
        assert phase.value <= phase.alone_bound + 1e-9
    assert all(set(a.tolist()) <= set(b.tolist()) for a, b in itertools.pairwise(choice.opened))


def test_a_year_whose_share_cannot_be_served_is_named():
    ground = over_years(line_ground(PEOPLE, SITES, []))

    with pytest.raises(InfeasibleError, match=r"2030: --serve: at most 0\.\d+ of the demand can be served"):
        choose(ground, Request(model="service", years=YEARS, numbers=(1, 1, 1), serve_share=1.0))


def test_places_within_capacities_are_the_best_of_all_years_together_and_what_opens_stays():
    ground = over_years(line_ground(PEOPLE, SITES, []), (0.2, 0.6, 1.0))
    single = [
        choose(ground, Request(model="capacitated", years=(year,), numbers=(number,)))
        for year, number in zip(YEARS, (3, 4, 5), strict=True)
    ]

    choice = choose(ground, Request(model="capacitated", years=YEARS, numbers=(3, 4, 5)))

    assert all(set(a.tolist()) <= set(b.tolist()) for a, b in itertools.pairwise(choice.opened))
    assert choice.objective == pytest.approx(sum(phase.value for phase in choice.phases))
    assert choice.status == "optimal"
    assert choice.objective >= sum(own.objective for own in single) - 1e-9
    assert [phase.alone for phase in choice.phases] == pytest.approx([own.objective for own in single])


def test_the_standard_is_kept_in_the_last_year_and_covers_most_before():
    ground = over_years(line_ground(PEOPLE, SITES, []))
    single = choose(over_years(line_ground(PEOPLE, SITES, [])), Request(model="set", years=(2030,)))
    fewest = len(single.opened[-1])

    choice = choose(ground, Request(model="set", years=YEARS, numbers=(1, 2, fewest)))

    assert len(choice.opened[-1]) == fewest
    last = [SITES[site] for site in choice.opened[-1]]
    people = np.array(PEOPLE)

    def covers(site: float) -> int:
        return int(people[np.abs(np.arange(8) - site) <= 1.0].sum())

    assert [covers(SITES[site]) for site in choice.opened[0]] == [max(covers(site) for site in last)]
    assert len(choice.opened[1]) == 2


def test_a_year_that_cannot_be_met_is_named():
    ground = over_years(line_ground(PEOPLE, SITES, []))

    with pytest.raises(InfeasibleError, match="2030: --number 1: the standard takes"):
        choose(ground, Request(model="set", years=YEARS, numbers=(1, 1, 1)))


def test_a_budget_too_small_at_first_opens_nothing_until_it_suffices():
    ground = over_years(line_ground(PEOPLE, SITES, [0.0]))

    choice = choose(ground, Request(model="gradual", years=YEARS, budgets_cny=(10.0, 1.3e6, 2.6e6)))

    assert [len(opened) for opened in choice.opened] == [0, 1, 2]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"numbers": (1, 2), "year_weights": (1.0,)}, "1 values for 2 years"),
        ({"numbers": (1, 2), "year_weights": (1.0, 0.0)}, "give numbers above 0"),
        ({"model": "set"}, "keeps it in the last; give --number or --budget for the years before"),
    ],
)
def test_several_years_are_refused_with_the_reason(fields, told):
    with pytest.raises(FleetsimError, match=told):
        Request(years=(2025, 2028), **fields)


TAXI, GOODS = [0.0, 9.0, 0, 0, 0, 0, 0, 0], [0.0, 0, 0, 0, 0, 8.0, 0, 0]


def with_fleets(weights: tuple[FleetWeight, ...], **section: Any) -> Ground:
    """Return the line with visits that taxis miss in zone 1 and vans in zone 5, and no residents who count."""
    ground = line_ground([0] * 8, SITES, [], section=section)
    names = [f"z{number:02}" for number in range(8)]

    def table(left: list[float]) -> pl.DataFrame:
        return pl.DataFrame({"zone": names, "people": [0.0] * 8, "left": left, "visits": left})

    both = [first + second for first, second in zip(TAXI, GOODS, strict=True)]
    by_fleet = {"taxi": table(TAXI), "goods": table(GOODS)}
    demand = replace(ground.demand, unit="visits", zones={YEAR: table(both)}, by_fleet={YEAR: by_fleet})
    return replace(ground, demand=demand, fleets=weights)


def weigh(taxi: float, goods: float, km: float | None = None) -> tuple[FleetWeight, ...]:
    return FleetWeight("taxi", taxi, km), FleetWeight("goods", goods, km)


@pytest.mark.parametrize(
    ("weights", "near"),
    [(weigh(1.0, 1.0), 1.0), (weigh(1.0, 2.0), 5.0)],
)
@pytest.mark.parametrize("model", ["gradual", "median"])
def test_one_station_goes_to_the_fleet_that_counts_most(model, weights, near):
    ground = with_fleets(weights)

    choice = choose(ground, Request(model=model, numbers=(1,), simulate=1, fleets=weights))

    assert abs(SITES[int(choice.opened[-1][0])] - near) <= 1.0


def test_gradual_covering_falls_with_a_fleet_s_own_reach():
    weights = weigh(1.0, 1.0, 1.5)
    ground = with_fleets(weights)
    # Full within 1.5 km, nothing from 3 km: site 3 is 2 km from either, and worth (3 - 2) / 1.5 of both.
    by_hand = max(
        9.0 * np.clip((3.0 - abs(1 - site)) / 1.5, 0, 1) + 8.0 * np.clip((3.0 - abs(5 - site)) / 1.5, 0, 1)
        for site in SITES
    )

    choice = choose(ground, Request(model="gradual", numbers=(1,), simulate=1, fleets=weights))

    assert choice.objective == pytest.approx(by_hand)
    rows = chosen_sites(ground, choice, (YEAR,), "en")
    assert rows["gained"].sum() == pytest.approx(by_hand)
    assert "a way beyond the standard counting in part" in rows["reason"][0]


def test_the_standard_with_fleets_brings_a_new_station_within_each_one_s_reach():
    weights = weigh(1.0, 1.0)

    choice = choose(with_fleets(weights), Request(model="set", simulate=1, fleets=weights))

    opened = [SITES[site] for site in choice.opened[-1]]
    assert len(opened) == 2
    assert all(min(abs(place - site) for site in opened) <= 1.0 for place in (1, 5))
    one = weigh(1.0, 1.0, 2.0)
    assert len(choose(with_fleets(one), Request(model="set", simulate=1, fleets=one)).opened[-1]) == 1


def test_a_fleet_out_of_reach_of_every_site_is_told_with_the_way_that_would_do():
    weights = weigh(1.0, 1.0, 0.5)
    ground = with_fleets(weights)
    ground = replace(ground, offered=ground.offered.filter(pl.col("lon") >= 5.0))

    with pytest.raises(InfeasibleError, match="--fleets taxi: 1 zones with 9 visits lie beyond it") as error:
        choose(ground, Request(model="set", simulate=1, fleets=weights))
    assert "widen 0.5 km by 3.5 km" in error.value.problems[1]


def test_capacities_take_visits_as_they_come_and_ways_as_fleets_count():
    weights = weigh(1.0, 3.0)
    small = {"largest_plugs": {"public": 20, "swap": 4, "hydrogen": 8}}
    ground = with_fleets(weights, **small)

    choice = choose(ground, Request(model="capacitated", numbers=(1,), simulate=1, fleets=weights))

    # Taxis 9 visits at zone 1, vans 8 at zone 5 three times as important, all in one place: a tenth in the peak hour.
    cost = {site: 0.9 * abs(1 - site) + 3.0 * 0.8 * abs(5 - site) for site in SITES}
    assert SITES[int(choice.opened[-1][0])] == min(cost, key=lambda site: cost[site])
    assert choice.objective == pytest.approx(min(cost.values()))
    assert sum(choice.peaks.values()) == pytest.approx(1.7)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"model": "center"}, "the longest way counts alone"),
        ({"model": "service"}, "one visit counts like another"),
        ({"model": "maximal", "enlarge": 3}, "what stands there serves all fleets alike"),
    ],
)
def test_models_that_do_not_tell_fleets_apart_refuse_them_with_the_reason(fields, told):
    with pytest.raises(FleetsimError, match=told):
        Request(numbers=(1,), simulate=1, fleets=weigh(1.0, 1.0), **fields)


@pytest.mark.parametrize("model", ["median", "capacitated"])
def test_a_way_of_a_fleet_is_refused_where_a_model_knows_no_limit(model):
    with pytest.raises(FleetsimError, match="adds up ways and knows no limit"):
        Request(model=model, numbers=(1,), simulate=1, fleets=weigh(1.0, 1.0, 5.0))


def test_a_gradual_plan_that_reaches_nobody_is_refused():
    ground = line_ground([0, 0, 0, 0, 0, 0, 0, 400], [0.0, 1.0], [])

    with pytest.raises(InfeasibleError, match="none of 2 sites lies within the standard of the 400 residents"):
        choose(ground, Request(model="gradual", numbers=(1,)))


def test_the_mean_way_without_the_plan_is_told_beside_the_plan_s():
    ground = line_ground(PEOPLE, SITES, [0.0])

    choice = choose(ground, Request(model="median", numbers=(2,)))

    before = sum(count * place for place, count in enumerate(PEOPLE))
    assert f"Without the plan: {before:,} residents x km." in choice.notes
