"""The shipped road network of Beijing: lengths, ground, connection, and that it is what its courses make."""

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from networks.courses import inside, measured, plane_km, trace
from networks.io import read_table
from networks.roads import RoadGraph, build_network
from networks.tables import ROAD_CLASSES, Link, Node, RoadCourse, RoadGrid, RoadPoint, Seat, SpeedFactor
from networks.travel import Sites, link_minutes, matrices, snap

BEIJING = Path(__file__).parents[2] / "data" / "beijing"

RING_KM = {"Ring 2": 32.7, "Ring 3": 48.0, "Ring 4": 65.3, "Ring 5": 98.58, "Ring 6": 187.6}

# Metro stations and gates beside a ring, with the farthest the carriageway may be from them [m].
BESIDE = [
    ("ring_2", "Fuxingmen station", 116.3507, 39.9072, 150),
    ("ring_2", "Jianguomen station", 116.4290, 39.9085, 150),
    ("ring_2", "Chaoyangmen station", 116.4281, 39.9244, 200),
    ("ring_2", "Dongsi Shitiao station", 116.4279, 39.9337, 200),
    ("ring_2", "Dongzhimen station", 116.4290, 39.9412, 250),
    ("ring_2", "Yonghegong station", 116.4108, 39.9490, 200),
    ("ring_2", "Andingmen station", 116.4020, 39.9491, 150),
    ("ring_2", "Guloudajie station", 116.3877, 39.9489, 150),
    ("ring_2", "Jishuitan station", 116.3671, 39.9480, 250),
    ("ring_2", "Xizhimen station", 116.3494, 39.9403, 250),
    ("ring_2", "Chegongzhuang station", 116.3500, 39.9325, 150),
    ("ring_2", "Fuchengmen station", 116.3503, 39.9234, 150),
    ("ring_2", "Yongdingmen gate", 116.3928, 39.8711, 350),
    ("ring_2", "Dongbianmen corner tower", 116.4310, 39.9006, 300),
    ("ring_3", "Gongzhufen station", 116.3037, 39.9074, 150),
    ("ring_3", "Guomao station", 116.4552, 39.9082, 150),
    ("ring_3", "Shuangjing station", 116.4550, 39.8930, 200),
    ("ring_3", "Panjiayuan station", 116.4548, 39.8757, 200),
    ("ring_3", "Liujiayao station", 116.4160, 39.8577, 250),
    ("ring_3", "Lianhuaqiao station", 116.3043, 39.8973, 200),
    ("ring_3", "Huayuanqiao station", 116.3043, 39.9322, 200),
    ("ring_3", "Renmin University station", 116.3155, 39.9665, 250),
    ("ring_3", "Dazhongsi station", 116.3395, 39.9663, 250),
    ("ring_3", "Sanyuanqiao station", 116.4508, 39.9605, 300),
    ("ring_4", "Wukesong station", 116.2703, 39.9075, 200),
    ("ring_4", "Zhongguancun station", 116.3163, 39.9838, 300),
    ("ring_4", "Olympic Sports Center station", 116.3905, 39.9845, 300),
    ("ring_4", "Sihui station", 116.4885, 39.9087, 600),
    ("ring_5", "Anheqiao North station", 116.2640, 40.0122, 600),
    ("ring_5", "Lincuiqiao station", 116.3670, 40.0217, 400),
    ("ring_5", "Laiguangying station", 116.4660, 40.0200, 500),
    ("ring_5", "Yizhuangqiao station", 116.4815, 39.8035, 500),
]

# Places on one side of a ring: airports, railway stations, and towns as GeoNames has them.
INSIDE = [
    ("ring_2", "Tian'anmen", 116.3913, 39.9075),
    ("ring_2", "Beijing railway station", 116.4214, 39.9028),
    ("ring_3", "Beijing South station", 116.3730, 39.8650),
    ("ring_3", "Beijing West station", 116.3161, 39.8949),
    ("ring_5", "Sihui station", 116.4885, 39.9087),
    ("ring_5", "Nanyuan airfield", 116.3880, 39.7828),
    ("ring_6", "Capital airport", 116.5850, 40.0800),
    ("ring_6", "Tongzhou", 116.66183, 39.90395),
    ("ring_6", "Daxing", 116.32693, 39.74025),
    ("ring_6", "Liangxiang", 116.13295, 39.73598),
    ("ring_6", "Shahe", 116.26076, 40.12324),
    ("ring_6", "Yinghai", 116.4341, 39.75935),
]
OUTSIDE = [
    ("ring_2", "Beijing South station", 116.3730, 39.8650),
    ("ring_2", "Beijing West station", 116.3161, 39.8949),
    ("ring_4", "Sihui station", 116.4885, 39.9087),
    ("ring_5", "Capital airport", 116.5850, 40.0800),
    ("ring_6", "Daxing airport", 116.4109, 39.5099),
    ("ring_6", "Shunyi", 116.64783, 40.12175),
    ("ring_6", "Changping", 116.23471, 40.21612),
    ("ring_6", "Mentougou", 116.09307, 39.93819),
    ("ring_6", "Fangshan", 115.99658, 39.68699),
    ("ring_6", "Songzhuang", 116.72569, 39.94685),
]


@cache
def shipped(name, schema):
    return read_table(BEIJING / name, schema)


@cache
def graph():
    return RoadGraph.from_tables(shipped("nodes.csv", Node), shipped("links.csv", Link))


@cache
def ring(name):
    points = shipped("roads.csv", RoadPoint).filter(pl.col("course") == name).sort("order")
    return trace(name, points.select("lon", "lat").to_numpy(), closed=True, smooth=True).lonlat


def one_way(column, value):
    links = shipped("links.csv", Link)
    return links.filter((pl.col(column) == value) & (pl.col("from_node") < pl.col("to_node")))


def gap_m(line, lon, lat):
    fine = measured("line", line)
    places = fine.at(np.arange(0, fine.length_km, 0.01))
    gaps = plane_km(places, lat) - plane_km(np.array([lon, lat]), lat)
    return 1000 * float(np.hypot(*gaps.T).min())


def test_the_shipped_graph_is_what_the_shipped_courses_make():
    nodes, links = build_network(
        shipped("roads.csv", RoadPoint),
        shipped("road_courses.csv", RoadCourse),
        shipped("road_grids.csv", RoadGrid),
    )

    # The last digit written may differ between machines.
    assert_frame_equal(nodes, shipped("nodes.csv", Node), abs_tol=1.5e-6, rel_tol=0)
    assert_frame_equal(links, shipped("links.csv", Link), abs_tol=1.5e-4, rel_tol=0)


def test_every_node_reaches_every_other():
    assert graph().connected.all()


@pytest.mark.parametrize("road", RING_KM)
def test_a_ring_is_as_long_as_published_within_two_percent(road):
    assert one_way("road", road)["length_km"].sum() == pytest.approx(RING_KM[road], rel=0.02)


@pytest.mark.parametrize("road", RING_KM)
def test_the_nodes_of_a_ring_close_a_circuit_that_hugs_its_length(road):
    links = one_way("road", road)
    ends = pl.concat([links["from_node"], links["to_node"]]).value_counts()
    place = shipped("nodes.csv", Node).select("lon", "lat").to_numpy()
    tail, head = place[links["from_node"].to_numpy()], place[links["to_node"].to_numpy()]
    straight = np.hypot(*(plane_km(head, 39.95) - plane_km(tail, 39.95)).T).sum()

    assert ends["count"].unique().to_list() == [2]
    assert straight == pytest.approx(RING_KM[road], rel=0.025)


@pytest.mark.parametrize(("name", "place", "lon", "lat", "limit_m"), BESIDE)
def test_a_ring_passes_beside_the_stations_named_after_it(name, place, lon, lat, limit_m):
    assert gap_m(ring(name), lon, lat) <= limit_m, place


@pytest.mark.parametrize(("name", "place", "lon", "lat"), INSIDE)
def test_a_ring_encloses(name, place, lon, lat):
    assert inside(np.array([[lon, lat]]), ring(name)).all(), place


@pytest.mark.parametrize(("name", "place", "lon", "lat"), OUTSIDE)
def test_a_ring_leaves_out(name, place, lon, lat):
    assert not inside(np.array([[lon, lat]]), ring(name)).any(), place


@pytest.mark.parametrize("inner", range(2, 6))
def test_each_ring_lies_inside_the_next(inner):
    assert inside(ring(f"ring_{inner}"), ring(f"ring_{inner + 1}")).all()


@pytest.mark.parametrize("ref", ["G1", "G1N", "G2", "G3", "G4", "G5", "G6", "G7", "G45", "G4501", "S12", "S15", "S32"])
def test_the_numbered_expressways_are_there(ref):
    assert set(one_way("ref", ref)["road_class"]) <= {"expressway", "ring_expressway"}
    assert one_way("ref", ref)["length_km"].sum() > 5


def test_changan_avenue_runs_from_fuxingmen_to_jianguomen_past_tiananmen():
    nodes = shipped("nodes.csv", Node)
    numbers = one_way("road", "Chang'an Avenue").select(pl.concat_list("from_node", "to_node")).to_series()
    avenue = nodes.filter(pl.col("node").is_in(numbers.explode().unique().implode())).sort("lon")

    assert avenue["lon"].min() == pytest.approx(116.3507, abs=0.002)
    assert avenue["lon"].max() == pytest.approx(116.4290, abs=0.002)
    assert gap_m(avenue.select("lon", "lat").to_numpy(), 116.3913, 39.9075) < 200


def test_every_township_seat_has_a_road_within_two_and_a_half_km():
    kinds = pl.col("kind").is_in(["subdistrict", "township"])
    seats = shipped("seats.csv", Seat).filter(kinds & pl.col("district").is_not_null())

    joined = snap(graph(), seats["lon"].to_numpy(), seats["lat"].to_numpy(), limit_km=2.5)

    assert len(joined.node) == len(seats) > 300


def test_every_class_has_a_speed_in_every_hour_and_no_hour_is_faster_than_free_flow():
    speeds = shipped("speeds.csv", SpeedFactor)

    assert len(speeds) == 24 * len(ROAD_CLASSES)
    assert speeds.select(pl.max("weekday_factor", "weekend_factor")).to_numpy().max() <= 1.0


def test_the_weekday_peaks_are_slower_than_noon_and_noon_than_night():
    total = {
        hour: link_minutes(graph(), shipped("speeds.csv", SpeedFactor), hour=hour, weekday=True).sum()
        for hour in (3, 8, 13, 18)
    }

    assert min(total[8], total[18]) > total[13] > total[3]


def test_a_drive_inside_ring_5_at_the_weekday_peak_runs_at_23_to_28_km_per_hour():
    nodes = np.flatnonzero(inside(np.column_stack([graph().lon, graph().lat]), ring("ring_5")))
    picked = Sites(nodes[::12], np.zeros(len(nodes[::12])))
    speeds = []
    for hour in (7, 8, 17, 18):
        minutes = link_minutes(graph(), shipped("speeds.csv", SpeedFactor), hour=hour, weekday=True)
        time, distance = matrices(graph(), picked, picked, minutes)
        trips = (distance > 3) & (distance < 20)
        speeds.append(60 * distance[trips].sum() / time[trips].sum())

    assert 23 <= np.mean(speeds) <= 28
