"""Zones from borders, from settlements, and from one population figure."""

from pathlib import Path

import geopandas
import h3
import numpy as np
import polars as pl
import pytest
from shapely import Polygon, box

from fleetsim.datasets import city_folder
from networks.errors import DataError
from networks.io import read_table
from networks.layers import Layer, read_layer
from networks.tables import District, Seat, Zone
from networks.zone_import import Ground, ZoneChoice, bring_zones
from networks.zone_making import district_at, zone_kind, zone_outlines, zone_rows
from networks.zones import district_outlines

WEST, MIDDLE, EAST, SOUTH, NORTH = 24.85, 24.95, 25.05, 60.15, 60.25


def _ground(*, roads: bool = True) -> Ground:
    lon, lat = np.meshgrid(np.linspace(WEST, EAST, 30), np.linspace(SOUTH, NORTH, 30))
    size = 900 if roads else 0
    nodes = pl.DataFrame({"node": np.arange(size), "lon": lon.ravel()[:size], "lat": lat.ravel()[:size]})
    step = np.arange(max(size - 1, 0))
    links = pl.DataFrame(
        {"link": step, "from_node": step, "to_node": step + 1, "road_class": ["local"] * len(step)},
        schema_overrides={"road_class": pl.String},
    ).with_columns(length_km=pl.lit(0.3))
    return Ground(nodes, links, pl.DataFrame(schema={"lon": pl.Float64, "lat": pl.Float64}))


def _borders(path: Path, **columns: list[object]) -> Layer:
    areas = [box(WEST, SOUTH, MIDDLE, NORTH), box(MIDDLE, SOUTH, EAST, NORTH)]
    geopandas.GeoDataFrame(columns, geometry=areas, crs="EPSG:4326").to_file(path)
    return read_layer(path)


def _table(path: Path, text: str) -> Layer:
    path.write_text(text, encoding="utf-8")
    return read_layer(path)


def test_borders_with_residents_become_hexagons_that_add_up(tmp_path: Path) -> None:
    layer = _borders(tmp_path / "b.geojson", 区名=["西区", "东区"], 常住人口=[30_001, 70_000])

    made = bring_zones(layer, _ground(), ZoneChoice())

    sums = dict(made.zones.group_by("district").agg(pl.col("population").sum()).iter_rows())
    assert sums == {"西区": 30_001, "东区": 70_000}
    assert made.districts.sort("district")["population"].to_list() == [70_000, 30_001]
    assert made.zones["jobs"].sum() == round(100_001 * 0.53)
    assert {h3.get_resolution(cell) for cell in made.zones["zone"]} == {8}


def test_a_cell_belongs_to_the_district_its_centre_lies_in(tmp_path: Path) -> None:
    layer = _borders(tmp_path / "b.gpkg", name=["West", "East"], population=[5000, 5000])

    zones = bring_zones(layer, _ground(), ZoneChoice()).zones

    centres = [h3.cell_to_latlng(cell) for cell in zones["zone"]]
    assert zones["district"].to_list() == ["West" if lon < MIDDLE else "East" for _, lon in centres]
    assert all(WEST <= lon <= EAST and SOUTH <= lat <= NORTH for lat, lon in centres)


def test_hexagons_cover_the_borders_but_for_their_edge(tmp_path: Path) -> None:
    layer = _borders(tmp_path / "b.geojson", name=["West", "East"], population=[5000, 5000])

    zones = bring_zones(layer, _ground(), ZoneChoice()).zones

    area_km2 = 0.2 * 111.195 * np.cos(np.radians(60.2)) * 0.1 * 111.195
    assert zones["area_km2"].sum() == pytest.approx(area_km2, rel=0.03)


@pytest.mark.parametrize("key", ["西区", "West", "110102"])
def test_residents_come_from_a_table_by_name_chinese_name_or_code(tmp_path: Path, key: str) -> None:
    layer = _borders(tmp_path / "b.geojson", name=["West", "East"], 名称=["西区", "东区"], adcode=["110102", "110101"])
    other = {"西区": "东区", "West": "East", "110102": "110101"}[key]
    people = _table(tmp_path / "p.csv", f"区县,人口（万人）\n{key},3\n{other},7\n")

    districts = bring_zones(layer, _ground(), ZoneChoice(), people).districts

    assert dict(districts.select("district", "population").iter_rows()) == {"West": 30_000, "East": 70_000}


def test_a_district_without_residents_and_a_stranger_are_both_named(tmp_path: Path) -> None:
    layer = _borders(tmp_path / "b.geojson", name=["West", "East"])
    people = _table(tmp_path / "p.csv", "name,population\nWest,3\nNorth,7\n")

    with pytest.raises(DataError) as caught:
        bring_zones(layer, _ground(), ZoneChoice(), people)

    assert [problem.split(";")[0] for problem in caught.value.problems] == [
        "p.csv: district 'East' has no row",
        "p.csv: 'North' is no district of the borders",
    ]


def test_residents_of_another_zone_system_are_carried_over_to_the_last_one(tmp_path: Path) -> None:
    layer = _borders(tmp_path / "b.geojson", name=["West", "East"])
    squares = [
        box(WEST + x / 20, SOUTH + y / 20, WEST + (x + 1) / 20, SOUTH + (y + 1) / 20)
        for x in range(4)
        for y in range(2)
    ]
    count = [101, 3, 0, 999, 50, 7, 13, 1]
    geopandas.GeoDataFrame({"pop": count}, geometry=squares, crs="EPSG:4326").to_file(tmp_path / "grid.gpkg")

    made = bring_zones(layer, _ground(), ZoneChoice(), read_layer(tmp_path / "grid.gpkg"))

    assert made.zones["population"].sum() == sum(count)
    assert made.districts["population"].sum() == sum(count)


def test_settlements_without_borders_follow_the_roads(tmp_path: Path) -> None:
    layer = _table(tmp_path / "s.csv", "name,lon,lat,population\nA,24.87,60.2,4000\nB,25.03,60.2,6000\n")

    made = bring_zones(layer, _ground(), ZoneChoice())

    west = made.zones.filter(pl.col("district") == "A")
    assert west["population"].sum() == 4000
    assert west["lon"].max() < 24.96
    assert any("no borders" in note for note in made.notes)


def test_one_figure_and_the_roads_are_enough(tmp_path: Path) -> None:
    made = bring_zones(_table(tmp_path / "p.csv", "population\n150000\n"), _ground(), ZoneChoice(name="Toytown"))

    assert made.districts.select("district", "population", "central").rows() == [("Toytown", 150_000, True)]
    assert made.zones["population"].sum() == 150_000


def test_without_borders_and_roads_there_is_nothing_to_follow(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="import osm"):
        bring_zones(_table(tmp_path / "p.csv", "population\n150000\n"), _ground(roads=False), ZoneChoice())


def test_many_districts_without_a_place_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lon and lat"):
        bring_zones(_table(tmp_path / "p.csv", "name,population\nA,1\nB,2\n"), _ground(), ZoneChoice())


def test_every_bad_row_is_named_at_once(tmp_path: Path) -> None:
    text = "name,lon,lat,population,functional_zone\nA,24.9,60.2,many,core\n,x,60.2,5,core\nC,24.9,60.2,-3,harbour\n"

    with pytest.raises(DataError) as caught:
        bring_zones(_table(tmp_path / "p.csv", text), _ground(), ZoneChoice())

    found = "\n".join(caught.value.problems)
    for part in (
        "row 2: population 'many'",
        "row 4: population '-3'",
        "row 3: lon 'x'",
        "'harbour'",
        "row 3: has no district",
    ):
        assert part in found


def test_a_district_smaller_than_a_hexagon_asks_for_finer_ones(tmp_path: Path) -> None:
    areas = [box(WEST, SOUTH, EAST, NORTH), box(26.0, 60.2, 26.001, 60.2005)]
    frame = geopandas.GeoDataFrame({"name": ["Big", "Tiny"], "population": [9, 9]}, geometry=areas, crs="EPSG:4326")
    frame.to_file(tmp_path / "b.geojson")

    with pytest.raises(DataError, match=r"'Tiny'.*--resolution"):
        bring_zones(read_layer(tmp_path / "b.geojson"), _ground(), ZoneChoice())


def test_rows_of_one_name_are_one_district(tmp_path: Path) -> None:
    layer = _borders(tmp_path / "b.geojson", name=["Town", "Town"], population=[10, 20])

    districts = bring_zones(layer, _ground(), ZoneChoice()).districts

    assert districts.select("district", "population").rows() == [("Town", 30)]


def test_a_large_city_is_fine_in_its_centre_only_and_its_cells_do_not_overlap(tmp_path: Path) -> None:
    areas = [
        box(116.3, 39.8, 116.5, 40.0),
        Polygon(box(115.8, 39.5, 117.0, 40.4).exterior, [box(116.3, 39.8, 116.5, 40.0).exterior]),
    ]
    frame = geopandas.GeoDataFrame(
        {"name": ["Inner", "Outer"], "population": [2_000_000, 500_000]}, geometry=areas, crs=4326
    )
    frame.to_file(tmp_path / "b.geojson")

    zones = bring_zones(read_layer(tmp_path / "b.geojson"), _ground(roads=False), ZoneChoice()).zones

    size = {cell: h3.get_resolution(cell) for cell in zones["zone"]}
    assert {size[cell] for cell, name in zones.select("zone", "district").iter_rows() if name == "Inner"} == {8}
    parents = {h3.cell_to_parent(cell, 7) for cell, fine in size.items() if fine == 8}
    assert parents.isdisjoint(cell for cell, fine in size.items() if fine == 7)


def test_the_outlines_of_beijing_give_the_zones_that_ship(tmp_path: Path) -> None:
    folder = city_folder("beijing")
    shipped, districts = read_table(folder / "zones.csv", Zone), read_table(folder / "districts.csv", District)
    outlines = district_outlines(read_table(folder / "seats.csv", Seat))
    people = dict(districts.select("district", "population").iter_rows())
    columns = {"name": list(outlines), "population": [people[name] for name in outlines]}
    frame = geopandas.GeoDataFrame(columns, geometry=list(outlines.values()), crs="EPSG:4326")
    frame.to_file(tmp_path / "beijing.gpkg")

    zones = bring_zones(read_layer(tmp_path / "beijing.gpkg"), _ground(roads=False), ZoneChoice()).zones

    assert zones.select("zone", "district").equals(shipped.select("zone", "district"))
    assert zones["population"].sum() == shipped["population"].sum()


def test_points_find_their_zone_and_district_and_outlines_hold_their_cells(tmp_path: Path) -> None:
    layer = _borders(tmp_path / "b.geojson", name=["West", "East"], population=[500, 500])
    zones = bring_zones(layer, _ground(), ZoneChoice()).zones
    lon, lat = zones["lon"].to_numpy(), zones["lat"].to_numpy()

    assert zone_rows(lon, lat, zones).tolist() == list(range(zones.height))
    assert zone_rows(np.array([30.0]), np.array([60.2]), zones).tolist() == [-1]
    assert district_at(lon, lat, zones).tolist() == zones["district"].to_list()
    outlines = zone_outlines(zones)
    assert list(outlines) == ["East", "West"]
    assert sum(outline.area for outline in outlines.values()) == pytest.approx(0.02, rel=0.04)


@pytest.mark.parametrize(
    ("density", "kind"), [(20_000, "core"), (5000, "central_city"), (800, "plain_new_town"), (5, "ecological")]
)
def test_density_tells_the_functional_zone(density: float, kind: str) -> None:
    assert zone_kind(density) == kind
