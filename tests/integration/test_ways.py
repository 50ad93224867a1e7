"""Ways between the zones and stations of the shipped city."""

import polars as pl
import pytest

from fleetsim.datasets import City, city_folder, read_city
from fleetsim.days import open_stations
from fleetsim.siting_ground import candidates
from fleetsim.ways import OPEN_KINDS, Ways


@pytest.fixture(scope="module")
def city() -> City:
    return read_city(city_folder("beijing"))


@pytest.fixture(scope="module")
def ways(city: City) -> Ways:
    return Ways(city)


def test_every_zone_sees_stations_of_every_kind_and_of_those_kept_for_taxis(city: City, ways: Ways) -> None:
    stations = open_stations(city.stations, 2020)

    nearest = ways.nearest(stations, 2)

    assert nearest.group_by("kind").agg(pl.col("zone").n_unique())["zone"].to_list() == [city.zones.height] * 3
    groups = stations["fleet_group"].gather(nearest.filter(kind="swap")["station"].to_list())
    assert set(groups) == {"taxi", "car"}


def test_one_more_station_lengthens_nobody_s_way(city: City, ways: Ways) -> None:
    stations = open_stations(city.stations, 2020)
    fewer = stations.filter((pl.col("kind") != "public") | (pl.int_range(pl.len()) % 3 > 0))

    more_km = ways.shortest(stations).rename({"distance_km": "more"})
    both = ways.shortest(fewer).join(more_km, on=["zone", "kind"])

    assert both.height == len(OPEN_KINDS) * city.zones.height
    assert (both["more"] <= both["distance_km"] + 1e-9).all()
    assert (both["more"] < both["distance_km"] - 1e-9).any()


def test_candidates_lie_within_the_standard_of_the_zones_they_are_offered_to(city: City, ways: Ways) -> None:
    sites = candidates(city, "swap", settled_per_km2=1000.0)
    standards = city.zones.select("zone", standard_km=pl.when("mountain").then(6.0).otherwise(2.0))

    access = ways.candidate_access(sites, standards)

    limits = access.join(standards, on="zone")
    assert access.height > 1000
    assert (limits["distance_km"] <= limits["standard_km"]).all()
