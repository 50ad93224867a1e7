"""The same three places in every format a planner may bring."""

import zipfile
from pathlib import Path

import geopandas
import pytest
from shapely import Point, box

from networks.crs import wgs84_to_gcj02
from networks.errors import DataError
from networks.layers import Layer, read_layer, wgs84_shapes

HEADER = ["名称", "plugs"]
ROWS = [["东站", "12"], ["西站", "8"], ["南站", None]]
SHEET = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"""
BOOK = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
 xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">
<sheets><sheet name="表一" sheetId="1" r:id="rId1"/></sheets></workbook>"""
RELATIONS = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1"
 Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}"/>
</Relationships>"""
TYPES = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Override PartName="/xl/workbook.xml"
 ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>
<Override PartName="/xl/worksheets/sheet1.xml"
 ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"""


def write_excel(path: Path, rows: list[list[str | None]]) -> None:
    """Write the least that is a workbook: one sheet, texts inline, numbers as numbers."""
    lines = []
    for number, row in enumerate(rows, 1):
        cells = [_cell(f"{'ABCDEFGH'[column]}{number}", text) for column, text in enumerate(row) if text is not None]
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("[Content_Types].xml", TYPES)
        file.writestr("_rels/.rels", RELATIONS.format(kind="officeDocument", target="xl/workbook.xml"))
        file.writestr("xl/_rels/workbook.xml.rels", RELATIONS.format(kind="worksheet", target="worksheets/sheet1.xml"))
        file.writestr("xl/workbook.xml", BOOK)
        file.writestr("xl/worksheets/sheet1.xml", SHEET.format(rows="".join(lines)))


def _cell(place: str, text: str) -> str:
    if text.replace(".", "", 1).isdigit():
        return f'<c r="{place}"><v>{text}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def _csv(path: Path, encoding: str, separator: str = ",") -> Path:
    lines = [separator.join(value or "" for value in row) for row in [HEADER, *ROWS]]
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode(encoding))
    return path


def _frame() -> geopandas.GeoDataFrame:
    points = [Point(116.4, 39.9), Point(116.3, 39.9), Point(116.4, 39.8)]
    values = {"名称": [row[0] for row in ROWS], "plugs": [12.0, 8.0, None]}
    return geopandas.GeoDataFrame(values, geometry=points, crs="EPSG:4326")


@pytest.fixture(params=["utf-8", "gb18030", "tab", "xlsx", "geojson", "gpkg", "shp", "shp without cpg"])
def layer(request: pytest.FixtureRequest, tmp_path: Path) -> Layer:
    kind = request.param
    if kind in ("utf-8", "gb18030"):
        return read_layer(_csv(tmp_path / "stations.csv", kind))
    if kind == "tab":
        return read_layer(_csv(tmp_path / "stations.txt", "utf-8-sig", "\t"))
    if kind == "xlsx":
        write_excel(tmp_path / "stations.xlsx", [HEADER, *ROWS])
        return read_layer(tmp_path / "stations.xlsx")
    path = tmp_path / f"stations.{kind[:3] if kind.startswith('shp') else kind}"
    _frame().to_file(path, encoding="GB18030" if kind == "shp without cpg" else "UTF-8")
    if kind == "shp without cpg":
        path.with_suffix(".cpg").unlink()
    return read_layer(path)


def test_every_format_gives_the_same_texts(layer: Layer) -> None:
    assert layer.rows.select("名称", "plugs").rows() == [tuple(row) for row in ROWS]


def test_a_row_of_a_table_is_named_as_a_spreadsheet_numbers_it(tmp_path: Path) -> None:
    assert read_layer(_csv(tmp_path / "s.csv", "utf-8")).place(0) == "s.csv, row 2"


def test_blank_rows_are_left_out_but_counted(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("name,plugs\nA,1\n,\nB,2\n\n", encoding="utf-8")

    layer = read_layer(tmp_path / "s.csv")

    assert layer.rows.rows() == [("A", "1"), ("B", "2")]
    assert layer.place(1) == "s.csv, row 4"


def test_shapes_in_a_chinese_system_are_moved_to_wgs84(tmp_path: Path) -> None:
    frame = _frame()
    lon, lat = wgs84_to_gcj02(frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy())
    frame.set_geometry(geopandas.points_from_xy(lon, lat), crs="EPSG:4326").to_file(tmp_path / "s.geojson")

    shapes = wgs84_shapes(read_layer(tmp_path / "s.geojson"), "gcj02")

    assert shapes[0].x == pytest.approx(116.4, abs=1e-6)
    assert shapes[0].y == pytest.approx(39.9, abs=1e-6)


@pytest.mark.parametrize("code", [4490, 32650, 4549])
def test_a_projected_file_is_read_by_what_it_declares(tmp_path: Path, code: int) -> None:
    square = geopandas.GeoDataFrame({"a": ["x"]}, geometry=[box(116.3, 39.8, 116.4, 39.9)], crs="EPSG:4326")
    square.to_crs(code).to_file(tmp_path / "s.gpkg")

    shapes = wgs84_shapes(read_layer(tmp_path / "s.gpkg"), None)

    assert shapes[0].bounds == pytest.approx((116.3, 39.8, 116.4, 39.9), abs=2e-4)


def test_areas_are_told_from_points(tmp_path: Path) -> None:
    geopandas.GeoDataFrame({"a": ["x"]}, geometry=[box(0, 0, 1, 1)], crs="EPSG:4326").to_file(tmp_path / "a.geojson")
    _frame().to_file(tmp_path / "p.geojson")

    assert read_layer(tmp_path / "a.geojson").has_areas
    assert not read_layer(tmp_path / "p.geojson").has_areas


def test_a_shapefile_without_a_system_asks_for_one(tmp_path: Path) -> None:
    _frame().to_file(tmp_path / "s.shp")
    (tmp_path / "s.prj").unlink()

    with pytest.raises(DataError, match="--crs"):
        wgs84_shapes(read_layer(tmp_path / "s.shp"), None)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.csv", None, "no such file"),
        ("empty.csv", b"", "is empty"),
        ("header.csv", b"a,b\n", "has no rows"),
        ("broken.xlsx", b"PK\x03\x04 not a workbook", "cannot be read as a workbook"),
        ("broken.geojson", b'{"type": "FeatureColl', "cannot be read"),
        ("truncated.gpkg", b"SQLite format 3\x00", "cannot be read"),
        ("photo.png", b"\x89PNG", "are not read"),
        ("bytes.csv", b"\xff\xff\xff\xff,\xff\n", "neither in UTF-8 nor"),
    ],
)
def test_what_cannot_be_read_is_one_line_with_a_remedy(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(DataError, match=message):
        read_layer(tmp_path / name)


def test_an_unknown_sheet_is_answered_with_those_there_are(tmp_path: Path) -> None:
    write_excel(tmp_path / "s.xlsx", [HEADER, *ROWS])

    with pytest.raises(DataError, match="it has 表一"):
        read_layer(tmp_path / "s.xlsx", sheet="表二")
