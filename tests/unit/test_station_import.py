"""Station files as planners have them: Chinese headers, mixed units, wrong labels, bad rows."""

from pathlib import Path

import geopandas
import h3
import numpy as np
import polars as pl
import pytest
from shapely import Point

from charging.station_import import StationChoice, Town, bring_stations, datum_message, kind_of
from networks.crs import to_metres, wgs84_to_bd09, wgs84_to_gcj02
from networks.errors import DataError
from networks.layers import read_layer

CENTRE = (116.40, 39.90)
POINTS = pl.DataFrame(schema={"lon": pl.Float64, "lat": pl.Float64})


@pytest.fixture(scope="module")
def town() -> Town:
    """Hexagons some 10 km around the centre of Beijing, west and east; no roads."""
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(CENTRE[1], CENTRE[0], 8), 12))
    centres = [h3.cell_to_latlng(cell) for cell in cells]
    zones = pl.DataFrame(
        {
            "zone": cells,
            "district": ["Xicheng" if lon < CENTRE[0] else "Dongcheng" for _, lon in centres],
            "lon": [lon for _, lon in centres],
            "lat": [lat for lat, _ in centres],
        }
    )
    districts = pl.DataFrame({"district": ["Dongcheng", "Xicheng"], "name_zh": ["东城区", "西城区"]})
    return Town(zones, pl.DataFrame({"node": []}), pl.DataFrame({"link": []}), districts, POINTS)


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "stations.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_chinese_table_becomes_stations(tmp_path: Path, town: Town) -> None:
    text = (
        "站名,经度,纬度,充电桩数量,功率(kW),类型,投运时间,备注\n"
        "东站,116.41,39.90,12,120,公共充电站,2022-05-01,好\n"
        "换电甲,116.39,39.90,2,60,换电站,2021,\n"
        "氢站,116.38,39.91,4,,加氢站,,\n"
    )

    made = bring_stations(read_layer(_file(tmp_path, text)), town, StationChoice())

    rows = {row["name"]: row for row in made.stations.iter_rows(named=True)}
    assert (rows["东站"]["kind"], rows["东站"]["plugs"], rows["东站"]["power_kw"]) == ("public", 12, 120.0)
    assert (rows["东站"]["district"], rows["东站"]["opened_year"]) == ("Dongcheng", 2022)
    assert (rows["换电甲"]["kind"], rows["换电甲"]["packs"], rows["换电甲"]["district"]) == ("swap", 56, "Xicheng")
    assert (rows["氢站"]["kind"], rows["氢站"]["power_kw"], rows["氢站"]["storage_kg"]) == ("hydrogen", 0.0, 2000.0)
    assert made.notes == ("stations.csv: column '备注' is not used",)
    assert made.left_out == ()


def test_fast_and_slow_plugs_become_two_stations_and_keep_their_sum(tmp_path: Path, town: Town) -> None:
    text = "name,lon,lat,快充,慢充\nA,116.41,39.90,6,10\nB,116.40,39.91,0,4\n"

    made = bring_stations(read_layer(_file(tmp_path, text)), town, StationChoice())

    found = sorted(made.stations.select("name", "plugs", "power_kw").rows())
    assert found == [("A", 6, 60.0), ("A", 10, 7.0), ("B", 4, 7.0)]
    assert any("assumed" in note for note in made.notes)


@pytest.mark.parametrize(
    ("crs", "encode"), [("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09), ("EPSG:32650", to_metres)]
)
def test_any_datum_leads_to_the_same_point(tmp_path: Path, town: Town, crs: str, encode) -> None:  # type: ignore[no-untyped-def]
    x, y = encode(np.array([116.41]), np.array([39.905]))

    made = bring_stations(
        read_layer(_file(tmp_path, f"name,x,y,plugs\nA,{x[0]:.8f},{y[0]:.8f},4\n")), town, StationChoice(crs=crs)
    )

    assert made.stations["lon"][0] == pytest.approx(116.41, abs=1e-5)
    assert made.stations["lat"][0] == pytest.approx(39.905, abs=1e-5)


def test_points_of_a_geojson_are_read_like_a_table(tmp_path: Path, town: Town) -> None:
    frame = geopandas.GeoDataFrame({"站名": ["A"], "桩数": [4]}, geometry=[Point(116.41, 39.9)], crs="EPSG:4326")
    frame.to_file(tmp_path / "s.geojson")

    made = bring_stations(read_layer(tmp_path / "s.geojson"), town, StationChoice())

    assert made.stations.select("name", "plugs", "lon", "lat").rows() == [("A", 4, 116.41, 39.9)]


def test_every_bad_row_is_named_by_its_number(tmp_path: Path, town: Town) -> None:
    text = (
        "name,lon,lat,plugs,power,kind,year\n"
        "A,116.4,39.9,4,60,public,2020\n"
        "B,x,39.9,4,60,public,2020\n"
        "C,116.4,39.9,-2,60,public,2020\n"
        "D,116.4,39.9,4,9e9,public,2020\n"
        "E,116.4,39.9,4,60,kiosk,2020\n"
        "F,116.4,39.9,4,60,public,soon\n"
        "G,116.4,39.9,,60,public,2020\n"
        "H,116.4,99,4,60,public,2020\n"
    )
    layer = read_layer(_file(tmp_path, text))

    with pytest.raises(DataError) as caught:
        bring_stations(layer, town, StationChoice())

    assert [problem.split(",")[1].split(":")[0].strip() for problem in caught.value.problems] == [
        f"row {n}" for n in range(3, 10)
    ]
    kept = bring_stations(layer, town, StationChoice(skip_bad_rows=True))
    assert kept.stations["name"].to_list() == ["A"]
    assert len(kept.left_out) == 7


def test_duplicates_and_points_outside_the_city_are_listed(tmp_path: Path, town: Town) -> None:
    text = "name,lon,lat,plugs\nA,116.41,39.90,4\nA,116.4101,39.90,4\nFar,120.0,30.0,4\nB,116.41,39.90,6\n"

    made = bring_stations(read_layer(_file(tmp_path, text)), town, StationChoice())

    assert sorted(made.stations["name"]) == ["A", "B"]
    assert any("row 4: Far" in line and "outside the city" in line for line in made.left_out)
    assert any("row 3: the same as row 2" in line for line in made.left_out)


def test_a_file_in_gcj02_labelled_as_wgs84_is_spotted_by_the_districts_it_names(tmp_path: Path, town: Town) -> None:
    random = np.random.default_rng(2)
    true_lon, true_lat = random.uniform(116.38, 116.42, 400), random.uniform(39.86, 39.94, 400)
    named = np.where(true_lon < CENTRE[0], "西城区", "东城区")
    lon, lat = wgs84_to_gcj02(true_lon, true_lat)
    rows = [f"S{i},{x:.6f},{y:.6f},4,{name}" for i, (x, y, name) in enumerate(zip(lon, lat, named, strict=True))]
    layer = read_layer(_file(tmp_path, "\n".join(["站名,经度,纬度,桩数,所在区", *rows])))

    wrong = bring_stations(layer, town, StationChoice())
    right = bring_stations(layer, town, StationChoice(crs="gcj02"))

    assert wrong.datum is not None and wrong.datum.sure and wrong.datum.likely == "gcj02"
    assert "--crs gcj02" in datum_message(wrong.datum)
    assert right.datum is not None and not right.datum.sure
    assert "fit gcj02" in datum_message(right.datum)


def test_without_coordinates_the_columns_are_shown(tmp_path: Path, town: Town) -> None:
    with pytest.raises(DataError, match="站名, 位置"):
        bring_stations(read_layer(_file(tmp_path, "站名,位置\nA,somewhere\n")), town, StationChoice())


def test_chosen_columns_win(tmp_path: Path, town: Town) -> None:
    layer = read_layer(_file(tmp_path, "标题,东,北,数\nA,116.41,39.9,3\n"))
    columns = {"name": "标题", "lon": "东", "lat": "北", "plugs": "数"}

    made = bring_stations(layer, town, StationChoice(columns=columns))

    assert made.stations.select("name", "plugs").rows() == [("A", 3)]


def test_repeated_identifiers_stay_apart(tmp_path: Path, town: Town) -> None:
    text = "编号,站名,经度,纬度,桩数\n7,A,116.41,39.90,4\n7,B,116.39,39.91,4\n"

    made = bring_stations(read_layer(_file(tmp_path, text)), town, StationChoice())

    assert made.stations["station_id"].to_list() == ["7", "7-2"]


@pytest.mark.parametrize(
    ("word", "kind"), [("加氢站", "hydrogen"), ("出租车换电站", "swap"), ("直流充电站", "public"), ("书店", None)]
)
def test_words_tell_the_kind(word: str, kind: str | None) -> None:
    assert kind_of(word) == kind
