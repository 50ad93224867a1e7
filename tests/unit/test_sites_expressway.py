"""Sites along expressways by rule, on a road along the equator."""

from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from line_city import line_zones

from fleetsim.sites.expressway import SITE_COLUMNS, expressway_sites

DEGREES = 10.0 / 111.195
"""10 km on the equator [deg]."""


def city(service_areas: list[int], road_class: str = "expressway") -> Any:
    """Eleven nodes 10 km apart along an expressway, with service areas at some of them."""
    lon = [DEGREES * node for node in range(11)]
    ends = [(node, node + 1) for node in range(10)] + [(node + 1, node) for node in range(10)]
    return SimpleNamespace(
        nodes=pl.DataFrame({"node": list(range(11)), "lon": lon, "lat": [0.0] * 11}),
        links=pl.DataFrame(
            {
                "from_node": [tail for tail, _ in ends],
                "road": ["East Road"] * 20,
                "name_zh": ["东路"] * 20,
                "road_class": [road_class] * 20,
            }
        ),
        places=pl.DataFrame(
            {
                "kind": ["service_area"] * len(service_areas),
                "lon": [lon[node] for node in service_areas],
                "lat": [0.0] * len(service_areas),
            },
            schema={"kind": pl.String, "lon": pl.Float64, "lat": pl.Float64},
        ),
        zones=line_zones([1] * 11).with_columns(lon=pl.Series(lon)),
    )


def nodes(sites: pl.DataFrame) -> list[int]:
    return [int(name.removeprefix("expressway ")) for name in sites["candidate"]]


def test_sites_fill_the_gaps_between_service_areas_and_no_node_stays_too_far():
    # From the service area at the west end the far end comes first, then the middle.
    sites = expressway_sites(city([0]), 60.0)

    assert nodes(sites) == [5, 10]
    assert sites["name"].to_list() == ["East Road site 1", "East Road site 2"]
    assert sites["name_zh"].to_list() == ["东路站址1", "东路站址2"]
    assert sites.schema == SITE_COLUMNS


@pytest.mark.parametrize("spacing_km", [20.0, 45.0, 90.0])
def test_every_node_is_within_half_the_spacing_of_a_site_or_service_area(spacing_km):
    known = [3]

    found = [*known, *nodes(expressway_sites(city(known), spacing_km))]

    assert all(min(abs(node - each) for each in found) * 10.0 <= spacing_km / 2.0 + 1e-6 for node in range(11))
    assert len(found) == len(set(found))


def test_where_service_areas_are_near_enough_there_are_none():
    assert expressway_sites(city([2, 8]), 70.0).is_empty()


@pytest.mark.parametrize(("spacing_km", "road_class"), [(0.0, "expressway"), (20.0, "arterial")])
def test_without_a_rule_or_an_expressway_there_are_none(spacing_km, road_class):
    assert expressway_sites(city([], road_class), spacing_km).is_empty()
