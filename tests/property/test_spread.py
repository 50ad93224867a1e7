"""Totals survive every way from one zone system to another, whatever the areas are."""

import h3
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon, box

from networks.spread import (
    Overlap,
    overlap,
    place_count,
    spread_within,
    street_km,
    transfer,
    transfer_exact,
    weights,
)

SIDE = 0.1
CELL = "882a100d65fffff"


def _grid(columns: int, rows: int, west: float = 10.0, south: float = 50.0) -> np.ndarray:
    wide, high = SIDE / columns, SIDE / rows
    boxes = [
        box(west + x * wide, south + y * high, west + (x + 1) * wide, south + (y + 1) * high)
        for x in range(columns)
        for y in range(rows)
    ]
    return np.asarray(boxes, dtype=object)


sizes = st.tuples(st.integers(1, 6), st.integers(1, 6))


@settings(max_examples=60, deadline=None)
@given(st.data(), sizes, sizes, st.floats(-0.15, 0.15), st.floats(-0.15, 0.15))
def test_not_one_resident_is_lost_or_made(data, first, second, east, north) -> None:  # type: ignore[no-untyped-def]
    source, target = _grid(*first), _grid(*second, west=10.0 + east, south=50.0 + north)
    values = data.draw(st.lists(st.integers(0, 10_000), min_size=len(source), max_size=len(source)))
    density = data.draw(st.lists(st.floats(0.0, 9.0), min_size=len(target), max_size=len(target)))

    shared = overlap(source, target)

    assert transfer(values, shared, len(target)).sum() == sum(values)
    assert transfer(values, shared, len(target), density).sum() == sum(values)
    assert transfer_exact(values, shared, len(target)).sum() == pytest.approx(sum(values))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 5000), min_size=9, max_size=9))
def test_there_and_back_over_finer_areas_gives_the_same_totals(values: list[int]) -> None:
    coarse, fine = _grid(3, 3), _grid(9, 9)

    there = transfer(values, overlap(coarse, fine), 81)

    assert transfer(there, overlap(fine, coarse), 9).tolist() == values


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 999), min_size=1, max_size=5), st.data())
def test_every_group_keeps_its_total_among_its_members(totals: list[int], data) -> None:  # type: ignore[no-untyped-def]
    extra = data.draw(st.lists(st.integers(0, len(totals) - 1), max_size=20))
    member = np.array([*range(len(totals)), *extra])
    weight = data.draw(st.lists(st.floats(0.0, 1e6), min_size=len(member), max_size=len(member)))

    parts = spread_within(totals, member, weight)

    assert np.bincount(member, parts, minlength=len(totals)).tolist() == totals


def test_each_part_lies_within_one_of_its_exact_share() -> None:
    values, source, target = [1000, 7, 333], _grid(3, 1), _grid(4, 2)
    shared = overlap(source, target)

    exact = transfer_exact(values, shared, len(target))

    assert np.abs(transfer(values, shared, len(target)) - exact).max() < 2.0


def test_overlaps_are_what_cutting_every_pair_by_hand_gives() -> None:
    random = np.random.default_rng(4)
    corners = [random.uniform([10.0, 0.0], [10.1, 0.1], (3, 2)) for _ in range(12)]
    shapes = np.asarray([Polygon(three) for three in corners], dtype=object)
    target = _grid(3, 3, south=0.0)

    shared = overlap(shapes, target)

    per_degree = 111.195
    wanted = np.array([[shape.intersection(cell).area for cell in target] for shape in shapes]) * per_degree**2
    found = np.zeros(wanted.shape)
    found[shared.source, shared.target] = shared.area_km2
    assert np.abs(found - wanted).max() < 1e-3 * wanted.max()


def test_an_area_that_meets_none_goes_to_the_nearest() -> None:
    far = np.asarray([box(11.0, 50.0, 11.1, 50.1)], dtype=object)

    assert transfer([50], overlap(far, _grid(2, 1)), 2).tolist() == [0, 50]


def test_density_decides_where_area_does_not() -> None:
    shared = Overlap(np.array([0, 0]), np.array([0, 1]), np.array([5.0, 5.0]))

    assert transfer([100], shared, 2, [3.0, 1.0]).tolist() == [75, 25]
    assert transfer([100], shared, 2, [0.0, 0.0]).tolist() == [50, 50]


def _streets() -> tuple[pl.DataFrame, pl.DataFrame]:
    near = sorted(h3.grid_disk(CELL, 1))
    centres = [h3.cell_to_latlng(cell) for cell in near]
    nodes = pl.DataFrame(
        {"node": range(7), "lon": [lon for _, lon in centres], "lat": [lat for lat, _ in centres]},
        schema_overrides={"node": pl.Int64},
    )
    links = pl.DataFrame(
        {
            "link": [0, 1, 2],
            "from_node": [0, 1, 2],
            "to_node": [1, 0, 3],
            "road_class": ["local", "arterial", "expressway"],
            "length_km": [2.0, 4.0, 9.0],
        }
    )
    return nodes, links


def test_street_length_counts_half_at_each_end_and_expressways_not_at_all() -> None:
    nodes, links = _streets()

    km = street_km(sorted(h3.grid_disk(CELL, 1)), nodes, links)

    assert km.tolist() == [2.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]


def test_places_are_counted_by_cell() -> None:
    lat, lon = h3.cell_to_latlng(CELL)
    points = pl.DataFrame({"lon": [lon, lon, lon + 5.0], "lat": [lat, lat, lat]})

    assert place_count([CELL, "882a100d67fffff"], points).tolist() == [2.0, 0.0]


def test_the_rule_of_roads_leaves_no_zone_without_anybody() -> None:
    nodes, links = _streets()
    cells = sorted(h3.grid_disk(CELL, 1))
    zones = pl.DataFrame({"zone": cells, "area_km2": [1.0] * 7})
    places = pl.DataFrame(schema={"lon": pl.Float64, "lat": pl.Float64})

    by_roads = weights("roads", zones, nodes, links, places)

    assert by_roads.sum() == pytest.approx(1.0)
    assert by_roads.min() == pytest.approx(0.1 / 7)
    assert by_roads[0] == pytest.approx(0.1 / 7 + 0.45)
    assert weights("places", zones, nodes, links, places).tolist() == [1.0] * 7
