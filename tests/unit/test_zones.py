import dataframely as dy
import h3
import numpy as np
import polars as pl
import pytest
import shapely

from networks.errors import DataError
from networks.tables import District, JobCentre, PlainPoint, Seat, Zone
from networks.zones import (
    Spread,
    district_areas,
    district_outlines,
    in_plain,
    label_cells,
    largest_remainder,
    make_zones,
    nearest_district,
)

RING = [(115.9, 39.9), (116.5, 39.9), (116.5, 40.3), (115.9, 40.3), (116.2, 39.9), (116.2, 40.3)]


def seats_of(*rows: tuple[str, str | None, float, float, str]) -> dy.DataFrame[Seat]:
    """Seats of (name, district, lon, lat, kind) with a ring of outside seats about 116.2, 40.1."""
    around = [(f"ring {i}", None, lon, lat, "outside") for i, (lon, lat) in enumerate(RING)]
    frame = pl.DataFrame([*rows, *around], schema=["seat", "district", "lon", "lat", "kind"], orient="row")
    return Seat.validate(
        frame.with_columns(name_zh=pl.lit("某地"), basis=pl.lit("synthetic"), accuracy_m=pl.lit(0.0)), cast=True
    )


def districts_of(*rows: tuple[str, int, bool, str]) -> dy.DataFrame[District]:
    frame = pl.DataFrame(rows, schema=["district", "population", "central", "functional_zone"], orient="row")
    return District.validate(
        frame.with_columns(
            name_zh=pl.col("district"), code=pl.lit("1"), area_km2=pl.lit(1.0), lon=pl.lit(116.2), lat=pl.lit(40.1)
        ),
        cast=True,
    )


def plain_of(*corners: tuple[float, float]) -> dy.DataFrame[PlainPoint]:
    frame = pl.DataFrame(corners, schema=["lon", "lat"], orient="row").with_row_index("corner")
    return PlainPoint.validate(
        frame.with_columns(plain=pl.lit("plain"), basis=pl.lit("synthetic"), accuracy_m=pl.lit(0.0)), cast=True
    )


def centres_of(*rows: tuple[str, float, float, int]) -> dy.DataFrame[JobCentre]:
    frame = pl.DataFrame(rows, schema=["centre", "lon", "lat", "jobs"], orient="row")
    return JobCentre.validate(
        frame.with_columns(name_zh=pl.lit("某地"), reach_km=pl.lit(1.0), basis=pl.lit("synthetic")), cast=True
    )


TWO_SEATS = seats_of(("west", "West", 116.15, 40.1, "subdistrict"), ("east", "East", 116.25, 40.1, "township"))
TWO_DISTRICTS = districts_of(("West", 1_000_003, True, "core"), ("East", 500_001, False, "plain_new_town"))
EVERYWHERE = plain_of((115.0, 39.0), (117.0, 39.0), (117.0, 41.0), (115.0, 41.0))
NO_HILLS = (EVERYWHERE, centres_of(("office", 116.16, 40.1, 100_000)))


def two_district_zones(spread: Spread | None = None) -> dy.DataFrame[Zone]:
    return make_zones(TWO_DISTRICTS, TWO_SEATS, *NO_HILLS, spread)


def test_a_point_has_the_district_of_its_nearest_seat() -> None:
    found = nearest_district([116.199, 116.201, 115.9], [40.1, 40.1, 39.91], TWO_SEATS)

    assert found.tolist() == ["West", "East", ""]


def test_cells_are_labelled_by_their_centre_and_none_lies_outside() -> None:
    cells = label_cells(TWO_SEATS, ["West"])

    lat, lon = zip(*[h3.cell_to_latlng(cell) for cell in cells["zone"]], strict=True)
    assert cells["district"].to_list() == nearest_district(lon, lat, TWO_SEATS).tolist()
    assert set(cells["district"]) == {"West", "East"}


def test_every_cell_of_a_central_district_is_fine() -> None:
    cells = label_cells(TWO_SEATS, ["West"])

    west = cells.filter(pl.col("district") == "West")["zone"].to_list()
    assert {h3.get_resolution(cell) for cell in west} == {8}


def test_a_coarse_cell_touches_no_central_district() -> None:
    cells = label_cells(TWO_SEATS, ["West"])["zone"].to_list()

    children = [child for cell in cells if h3.get_resolution(cell) == 7 for child in h3.cell_to_children(cell, 8)]
    lat, lon = zip(*[h3.cell_to_latlng(child) for child in children], strict=True)
    assert "West" not in nearest_district(lon, lat, TWO_SEATS).tolist()


def test_zones_neither_overlap_nor_leave_holes() -> None:
    cells = set(label_cells(TWO_SEATS, ["West"])["zone"].to_list())
    families = {h3.cell_to_parent(cell, 7) for cell in cells if h3.get_resolution(cell) == 8}

    assert not families & cells
    inner = [
        h3.latlng_to_cell(lat, lon, 8)
        for lat in np.linspace(40.05, 40.15, 21)
        for lon in np.linspace(116.14, 116.26, 21)
    ]
    assert all((cell in cells) + (h3.cell_to_parent(cell, 7) in cells) == 1 for cell in inner)


def test_residents_sum_to_the_census_of_each_district() -> None:
    zones = two_district_zones()

    sums = dict(zones.group_by("district").agg(pl.col("population").sum()).iter_rows())
    assert sums == {"West": 1_000_003, "East": 500_001}


def test_jobs_sum_to_their_share_of_the_residents() -> None:
    zones = two_district_zones(Spread(jobs_per_resident=0.5))

    assert zones["jobs"].sum() == 750_002


def test_density_falls_with_distance_from_the_centre() -> None:
    zones = two_district_zones().filter(pl.col("district") == "East")
    density = (zones["population"] / zones["area_km2"]).to_numpy()
    away = np.hypot((zones["lon"].to_numpy() - 116.25) * 0.765, zones["lat"].to_numpy() - 40.1)

    assert np.all(np.diff(density[np.argsort(away)]) < 1.0)


def test_a_mountain_cell_has_the_given_share_of_the_density_it_would_have_in_the_plain() -> None:
    flat = two_district_zones(Spread(mountain_share=0.1))
    south = plain_of((115.0, 39.0), (117.0, 39.0), (117.0, 40.1), (115.0, 40.1))
    hilly = make_zones(TWO_DISTRICTS, TWO_SEATS, south, NO_HILLS[1], Spread(mountain_share=0.1))

    both = flat.join(hilly, on="zone", suffix="_hilly").filter(
        pl.col("district") == "East", pl.col("population") > 3000
    )
    change = both["population_hilly"] / both["population"]
    plain_change = change.filter(~both["mountain_hilly"]).mean()
    hill_change = change.filter(both["mountain_hilly"]).mean()
    assert hill_change / plain_change == pytest.approx(0.1, rel=0.01)  # type: ignore[operator]


def test_the_mountains_of_a_new_town_district_are_ecological() -> None:
    south = plain_of((115.0, 39.0), (117.0, 39.0), (117.0, 40.1), (115.0, 40.1))

    zones = make_zones(TWO_DISTRICTS, TWO_SEATS, south, NO_HILLS[1])

    east = zones.filter(pl.col("district") == "East")
    west = zones.filter(pl.col("district") == "West")
    assert (east["mountain"] == (east["functional_zone"] == "ecological")).all()
    assert set(west["functional_zone"]) == {"core"}


def test_outlines_contain_their_seats_and_meet_without_overlap() -> None:
    outlines = district_outlines(TWO_SEATS)

    assert list(outlines) == ["East", "West"]
    assert outlines["West"].contains(shapely.Point(116.199, 40.1))
    assert outlines["East"].contains(shapely.Point(116.201, 40.1))
    assert outlines["West"].intersection(outlines["East"]).area == pytest.approx(0.0, abs=1e-12)


def test_an_exclave_makes_an_outline_of_two_parts() -> None:
    island = [
        (f"sea {i}", "East", 116.25 + dx, 40.1 + dy, "landmark")
        for i, (dx, dy) in enumerate(((0.02, 0), (-0.02, 0), (0, 0.02), (0, -0.02)))
    ]
    seats = seats_of(("west", "West", 116.15, 40.1, "township"), ("island", "West", 116.25, 40.1, "landmark"), *island)

    outlines = district_outlines(seats)

    assert len(shapely.get_parts(outlines["West"])) == 2
    assert len(outlines["East"].interiors) == 1


def test_two_seats_at_one_place_do_not_break_the_outlines() -> None:
    seats = seats_of(("a", "West", 116.2, 40.1, "township"), ("b", "West", 116.2, 40.1, "landmark"))

    assert district_outlines(seats)["West"].contains(shapely.Point(116.2, 40.1))


def test_areas_of_districts_sum_to_the_area_of_the_zones() -> None:
    zones = two_district_zones()

    assert district_areas(zones)["area_km2"].sum() == pytest.approx(zones["area_km2"].sum())


def test_a_point_is_in_the_plain_if_any_ring_holds_it() -> None:
    assert in_plain([116.0, 118.0], [40.0, 40.0], EVERYWHERE).tolist() == [True, False]


@pytest.mark.parametrize(
    ("weights", "total", "expected"),
    [([1.0, 1.0, 1.0], 10, [4, 3, 3]), ([0.0, 2.0], 7, [0, 7]), ([0.2, 0.5, 0.3], 10, [2, 5, 3]), ([5.0], 0, [0])],
)
def test_largest_remainder_keeps_the_total(weights: list[float], total: int, expected: list[int]) -> None:
    assert largest_remainder(weights, total).tolist() == expected


def test_weights_of_nothing_are_refused() -> None:
    with pytest.raises(DataError, match="all 2 weights are 0"):
        largest_remainder([0.0, 0.0], 5)


def test_a_seat_of_an_unknown_district_is_named() -> None:
    seats = seats_of(("west", "West", 116.15, 40.1, "township"), ("x", "Nowhere", 116.25, 40.1, "township"))

    with pytest.raises(DataError, match="'Nowhere' is not known"):
        make_zones(districts_of(("West", 10, False, "core")), seats, *NO_HILLS)


def test_a_district_without_a_seat_is_named() -> None:
    with pytest.raises(DataError, match="'North' is not known; add a seat"):
        make_zones(
            districts_of(("West", 10, True, "core"), ("East", 10, False, "core"), ("North", 10, False, "core")),
            TWO_SEATS,
            *NO_HILLS,
        )
