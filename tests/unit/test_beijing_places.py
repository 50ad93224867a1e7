"""What ships of Beijing's places, stations and bus lines: totals, cover, and that it can be made again."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.spatial import cKDTree

from charging.tables import PileRecord, Station
from fleetsim.synthesis.city import Synthesis, synthesise
from fleetsim.synthesis.placement import cover, nearest, plane_km, scatter, share_out, spread
from fleetsim.synthesis.stations import StationTotals, key_area
from networks.io import read_table
from networks.tables import Line, LineHour, Place, Zone
from networks.transit import block_moves, chain, timetable

CITY = Path(__file__).parents[2] / "data" / "beijing"


@pytest.fixture(scope="module")
def zones() -> pl.DataFrame:
    return read_table(CITY / "zones.csv", Zone)


@pytest.fixture(scope="module")
def places() -> pl.DataFrame:
    return read_table(CITY / "places.csv", Place)


@pytest.fixture(scope="module")
def stations() -> pl.DataFrame:
    return read_table(CITY / "stations.csv", Station)


@pytest.fixture(scope="module")
def lines() -> pl.DataFrame:
    return read_table(CITY / "lines.csv", Line)


@pytest.fixture(scope="module")
def piles() -> pl.DataFrame:
    return read_table(CITY / "piles.csv", PileRecord)


@pytest.fixture(scope="module")
def made_again(places, stations, zones, piles) -> Synthesis:
    return synthesise(places, stations, zones, piles)


@pytest.mark.parametrize("table", ["places", "stations", "lines"])
def test_the_shipped_table_can_be_made_again_from_its_real_rows(table, made_again, request):
    shipped = request.getfixturevalue(table)

    assert getattr(made_again, table).equals(shipped)


def test_real_places_stand_in_their_district_as_far_as_their_accuracy_tells(places, zones):
    real = places.filter(pl.col("basis") != "synthetic")

    far = []
    for district, rows in real.group_by("district"):
        home = zones.filter(pl.col("district") == district[0])
        away_km, cell = cKDTree(plane_km(home)).query(plane_km(rows))
        cell_km = np.sqrt(home["area_km2"].to_numpy()[cell])
        beyond = away_km > cell_km + rows["accuracy_m"].to_numpy() / 1000.0
        far += rows.filter(pl.Series(beyond))["place"].to_list()
    assert far == []


def test_most_real_places_lie_in_a_cell_of_their_district(places, zones):
    real = places.filter(pl.col("basis") != "synthetic")

    here = zones[nearest(real, zones)]["district"]

    assert (here == real["district"]).mean() >= 0.95


def test_synthetic_rows_are_said_to_be_synthetic(places, stations, lines):
    assert places.filter(pl.col("name_zh").str.contains("示意"))["basis"].unique().to_list() == ["synthetic"]
    assert stations.filter(pl.col("kind") != "hydrogen")["basis"].unique().to_list() == ["synthetic"]
    assert lines["basis"].unique().to_list() == ["synthetic"]


def test_yards_hold_the_published_fleets(places):
    held = dict(places.group_by("kind").agg(pl.col("size").sum()).iter_rows())

    assert held["bus_depot"] == 23_000
    assert held["sanitation_depot"] == 11_000


def test_pile_counts_add_up_on_every_date(piles):
    wide = piles.with_columns(pl.col("kind").cast(pl.String)).pivot(on="kind", index="date", values="piles")
    both = wide.drop_nulls(["total", "private", "public_and_dedicated"])
    split = wide.drop_nulls(["public_and_dedicated", "public", "dedicated"])

    assert both.height == 2
    assert (both["total"] == both["private"] + both["public_and_dedicated"]).all()
    assert split.height == 1
    assert (split["public_and_dedicated"] == split["public"] + split["dedicated"]).all()


def count_of(piles: pl.DataFrame, kind: str) -> int:
    return piles.filter((pl.col("date") == "2020-12") & (pl.col("kind") == kind))["piles"].item()


def test_public_plugs_are_the_public_piles_and_depots_take_no_more_than_the_dedicated_ones(stations, piles):
    plugs = dict(stations.group_by(pl.col("kind").cast(pl.String)).agg(pl.col("plugs").sum()).iter_rows())

    assert plugs["public"] == count_of(piles, "public")
    assert plugs["depot"] <= count_of(piles, "dedicated")


def test_159_swap_stations_stand_and_100_of_them_serve_taxis(stations):
    swap = stations.filter(pl.col("kind") == "swap")

    assert swap.height == 159
    assert swap.filter(pl.col("fleet_group") == "taxi").height == 100
    assert swap["packs"].min() >= 1


def test_depot_stations_bear_the_name_of_their_place(stations, places):
    depots = stations.filter(pl.col("kind") == "depot").join(
        places, left_on="station_id", right_on="place", how="left", suffix="_place"
    )

    assert depots["kind_place"].null_count() == 0
    assert depots["fleet_group"].null_count() == 0
    assert (depots["lon"] == depots["lon_place"]).all()


def test_hydrogen_stations_have_storage_and_supply(stations):
    hydrogen = stations.filter(pl.col("kind") == "hydrogen")

    assert hydrogen["storage_kg"].min() > 0
    assert hydrogen["supply_kg_h"].min() > 0
    assert hydrogen.filter(pl.col("opened_year") <= 2020).height == 3


def test_public_stations_keep_the_published_service_radius(stations, zones):
    public = stations.filter(pl.col("kind") == "public")
    away_km, _ = cKDTree(plane_km(public)).query(plane_km(zones))
    key = key_area(zones, StationTotals().key_area_per_km2).to_numpy()
    plain = (~zones["mountain"] & (zones["population"] > 0)).to_numpy()

    assert key.sum() > 500
    assert away_km[key].max() <= 0.9
    assert away_km[plain].max() <= 5.0


def test_lines_make_147000_departures_on_a_weekday_and_fewer_at_a_weekend(lines):
    assert lines["weekday_departures"].sum() == 147_000
    assert 0.75 <= lines["weekend_departures"].sum() / 147_000 <= 0.95


def test_mountain_lines_are_few_and_begin_in_the_mountains(lines, places, zones):
    mountain = lines.filter("mountain")
    ends = pl.concat([mountain["from_terminal"], mountain["to_terminal"]]).alias("place")
    at = pl.DataFrame(ends).join(places, on="place", how="left", maintain_order="left")
    in_hills = zones[nearest(at, zones)]["mountain"].to_numpy().reshape(2, -1)

    assert 0.05 <= mountain.height / lines.height <= 0.08
    assert in_hills.any(axis=0).all()


def test_lines_run_between_two_terminals_from_a_bus_depot(lines, places):
    kind = dict(places.select("place", pl.col("kind").cast(pl.String)).iter_rows())

    assert {kind[place] for place in lines["depot"]} == {"bus_depot"}
    assert {kind[place] for place in [*lines["from_terminal"], *lines["to_terminal"]]} == {"bus_terminal"}
    assert (lines["from_terminal"] != lines["to_terminal"]).all()


def test_buses_in_service_and_kilometres_a_year_are_near_the_published_ones(lines, places):
    hours = read_table(CITY / "line_hours.csv", LineHour)
    buses, day_km = {}, {}
    for weekend in (False, True):
        trips = chain(timetable(lines, hours, weekend=weekend, turn_s=720), layover_s=720)
        buses[weekend] = trips["block"].n_unique()
        day_km[weekend] = block_moves(trips, places, layover_s=720)["length_km"].sum()

    # 20,000 in service; 3.50 million km a day in 2019, 1.263 billion in 2017, with more departures at weekends.
    assert 18_500 <= buses[False] <= 20_500
    assert buses[True] < buses[False]
    assert 0.92 * 3.50e6 * 365 <= 250 * day_km[False] + 115 * day_km[True] <= 1.263e9


def test_lines_are_as_many_and_as_long_as_those_of_the_city(lines):
    # at the end of 2019: 1,158 lines of 27,632 km together
    assert lines.height == 1_158
    assert lines["length_km"].sum() == pytest.approx(27_632, rel=0.01)


def test_regular_buses_are_as_slow_in_the_peak_as_published():
    hours = read_table(CITY / "line_hours.csv", LineHour)

    assert hours.filter(pl.col("kind") == "regular")["weekday_speed_kmh"].min() == 18.09


def test_sites_become_as_dense_as_the_weight():
    at_km = np.column_stack([np.arange(100) * 1.0, np.zeros(100)])
    weight = np.where(np.arange(100) < 50, 3.0, 1.0)

    rows = spread(weight, at_km, 40, 0.5)

    assert (rows < 50).sum() == pytest.approx(30, abs=1)


def test_covering_a_row_of_nine_zones_within_one_step_takes_three_sites():
    at_km = np.column_stack([np.arange(9) * 1.0, np.zeros(9)])

    assert sorted(cover(np.ones(9), at_km, 1.0)) == [1, 4, 7]


def test_what_has_a_site_already_needs_no_other():
    at_km = np.column_stack([np.arange(3) * 1.0, np.zeros(3)])

    assert cover(np.ones(3), at_km, 1.0, served=np.array([1])).size == 0


def test_scattered_points_stay_in_their_zone(zones):
    rows = np.arange(0, zones.height, 50)

    points = scatter(zones, rows, np.random.default_rng(1))

    inner_km = np.sqrt(zones[rows]["area_km2"].to_numpy() / (2 * np.sqrt(3)))
    assert (np.hypot(*(plane_km(points) - plane_km(zones[rows])).T) < inner_km).all()


def test_shares_sum_to_the_total_and_none_is_below_the_least():
    shares = share_out(100, np.array([0.0, 1.0, 99.0, 5.5]), 2)

    assert shares.sum() == 100
    assert shares.tolist() == [2, 3, 88, 7]
