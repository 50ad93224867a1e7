"""Traffic and the flow model on a city along one road, against driving and counting by hand."""

import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from road_city import KM, road_ground

from fleetsim.sites.choose import choose
from fleetsim.sites.flow import ends_and_trips, with_ends
from fleetsim.sites.request import Request
from fleetsim.sites.traffic import assign, driven_km, gates, link_traffic
from networks.errors import DataError, InfeasibleError

NODES = 8
EVERY = [1000] * NODES
TRIPS = [(0, 7, 100.0), (1, 4, 30.0), (3, 6, 50.0), (2, 7, 20.0)]


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    step = KM / 111.195
    rows = [(step * start, 0.0, step * end, 0.0, count) for start, end, count in TRIPS]
    path = tmp_path / "flows.csv"
    names = ["from_lon", "from_lat", "to_lon", "to_lat", "vehicles_per_day"]
    pl.DataFrame(rows, schema=names, orient="row").write_csv(path)
    return path


def drives(start: int, end: int, stations: set[int], range_km: float) -> bool:
    """Drive out and back three times, filling up at every station; half a tank to begin with where none is at home."""
    way = list(range(start, end + 1)) + list(range(end - 1, start - 1, -1))
    tank = range_km if start in stations else range_km / 2.0
    for here, node in enumerate(way * 3):
        if here and node != (way * 3)[here - 1]:
            tank -= KM
        if tank < -1e-9:
            return False
        tank = range_km if node in stations else tank
    return start in stations or tank >= range_km / 2.0 - 1e-9


def through(stations: set[int], range_km: float) -> float:
    return sum(count for start, end, count in TRIPS if drives(start, end, stations, range_km))


@pytest.mark.parametrize("standing", [[], [5]])
@pytest.mark.parametrize(("number", "range_km"), [(1, 80.0), (2, 60.0), (2, 40.0), (3, 40.0)])
def test_as_many_vehicles_get_through_as_trying_every_choice_lets(flows, number, range_km, standing):
    request = Request(model="flow", numbers=(number,), range_km=range_km, flows=flows)
    ground = with_ends(road_ground(EVERY, list(range(NODES)), standing), request)
    before = through(set(standing), range_km)
    best = max(through({*standing, *nodes}, range_km) for nodes in itertools.combinations(range(NODES), number))

    choice = choose(ground, request)

    assert choice.already == before
    assert choice.objective == pytest.approx(best - before)
    assert choice.status == "optimal"
    assert choice.total == 200.0
    chosen = ground.offered[choice.opened[-1].tolist()]["lon"].to_numpy() * 111.195 / KM
    assert through({*standing, *np.rint(chosen).astype(int).tolist()}, range_km) == pytest.approx(best)


def test_a_share_that_does_not_get_through_says_by_how_much_to_lower_it(flows):
    request = Request(model="flow", numbers=(1,), range_km=40.0, flows=flows, serve_share=0.9)
    ground = with_ends(road_ground(EVERY, list(range(NODES)), []), request)

    with pytest.raises(InfeasibleError, match=r"--serve 0\.9: with 1 new stations and a range of 40 km .* lower it by"):
        choose(ground, request)


def test_a_range_below_the_longest_gap_between_sites_says_which_range_would_do(flows):
    request = Request(model="flow", numbers=(1,), range_km=5.0, flows=flows)
    ground = with_ends(road_ground(EVERY, list(range(NODES)), []), request)

    with pytest.raises(
        InfeasibleError, match=r"5 km is below the longest way without a site of 4 of 4 flows .* raise it to 10 km"
    ):
        choose(ground, request)


def test_a_gap_that_some_trips_meet_is_told_with_the_range_that_lets_all_through(flows):
    request = Request(model="flow", numbers=(2,), range_km=25.0, flows=flows)
    ground = with_ends(road_ground(EVERY, [], []), request)

    choice = choose(ground, request)

    # Sites stand only at the ends 0, 1, 2, 3, 4, 6, 7: 20 km between 4 and 6, so every trip can be served.
    assert not [note for note in choice.notes if "longer than the range" in note]
    short = Request(model="flow", numbers=(2,), range_km=15.0, flows=flows)
    told = choose(with_ends(road_ground(EVERY, [], []), short), short).notes
    assert [note for note in told if "170 vehicles a day meet a road" in note and "a range of 20 km" in note]


def test_ends_without_a_site_are_no_hindrance_and_ways_without_any_are_told(flows):
    ground = road_ground(EVERY, [0, 1], [])

    choice = choose(ground, Request(model="flow", numbers=(1,), range_km=100.0, flows=flows))

    # A station at node 1 lets 1-4 through; from there to node 7 and back are 120 km; 2-7 and 3-6 pass no site.
    assert choice.objective == 30.0
    assert ground.offered["lon"][int(choice.opened[-1][0])] * 111.195 / KM == pytest.approx(1.0)
    assert [note for note in choice.notes if "100 vehicles a day meet a road" in note and "a range of 120 km" in note]
    assert [note for note in choice.notes if "2 routes with 70 vehicles a day have no site" in note]
    with pytest.raises(InfeasibleError, match=r"--number 3: there are 2 nodes .* that have a site; lower it by 1"):
        choose(ground, Request(model="flow", numbers=(3,), range_km=100.0, flows=flows))


def test_a_trip_from_a_place_to_itself_is_refused_with_its_row(tmp_path: Path):
    path = tmp_path / "flows.csv"
    path.write_text("from_lon,from_lat,to_lon,to_lat,vehicles_per_day\n0,0,0.001,0,5\n", encoding="utf-8")
    request = Request(model="flow", numbers=(1,), range_km=50.0, flows=path)

    with pytest.raises(DataError, match="row 2: begins and ends at the same road node"):
        ends_and_trips(road_ground(EVERY, [0], []), request)


def test_links_carry_the_trips_that_pass_them():
    ground = road_ground(EVERY, [0], [])
    graph = ground.ways.graph
    trips = np.zeros((3, 3))
    trips[0, 2], trips[2, 1] = 7.0, 3.0

    load = assign(graph, np.array([0, 2, 5]), trips, ground.ways.link_minutes)

    tail = np.repeat(np.arange(graph.node_count), np.diff(graph.indptr))
    loads = {(int(a), int(b)): float(c) for a, b, c in zip(tail, graph.to_node, load, strict=True)}
    assert [loads[node, node + 1] for node in range(7)] == [7.0] * 5 + [0.0] * 2
    assert [loads[node + 1, node] for node in range(7)] == [0.0, 0.0, 3.0, 3.0, 3.0, 0.0, 0.0]


def test_modelled_traffic_drives_what_the_stock_drives():
    ground = road_ground(EVERY, [0], [])

    load = link_traffic(ground.city, ground.ways, ground.rules)

    assert driven_km(ground.city) == 4000.0
    assert float(load @ ground.ways.graph.length_km) == pytest.approx(4000.0)


def test_both_ends_of_the_main_road_are_gates():
    ground = road_ground(EVERY, [0], [])

    assert gates(ground.city, ground.ways, ground.rules).node.tolist() == [0, NODES - 1]


def test_minutes_are_those_of_the_hour_s_speed_and_of_the_way_onwards():
    ground = road_ground(EVERY, [0], [0])

    minutes, km = ground.ways.minutes(ground.stations), ground.ways.link_km(ground.stations)

    # 10 km at half of 60 km/h are 20 min.
    assert minutes == pytest.approx(np.arange(NODES) * 20.0, abs=1e-6)
    graph = ground.ways.graph
    tail = np.repeat(np.arange(graph.node_count), np.diff(graph.indptr))
    outwards = km[tail < graph.to_node]
    assert outwards == pytest.approx([15.0, 25.0, 35.0, 45.0, 55.0, 65.0, 75.0])
