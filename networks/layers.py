"""Files a planner brings, whatever their format: CSV, Excel, GeoJSON, GeoPackage, shapefile.

Columns come as text, so that a bad value can be named by its row; shapes stay in the file's own system.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from networks.crs import Pair, to_wgs84
from networks.errors import DataError

TABLE_SUFFIXES = (".csv", ".txt", ".tsv")
EXCEL_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
SHAPE_SUFFIXES = (".geojson", ".json", ".gpkg", ".shp", ".zip", ".gml", ".kml", ".fgb")
ENCODINGS = ("utf-8-sig", "gb18030")
HEADER_ROW = 1

Shapes = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Layer:
    """A file as it was brought.

    Attributes
    ----------
    path
        The file.
    rows
        Its columns as text; an empty cell is null.
    shapes
        One shapely geometry a row in the file's own coordinates; None for a plain table.
    crs
        System the file itself declares, such as `EPSG:4326`; None where it declares none.
    numbers
        Number of each row as the planner counts: from 2 below a header, from 1 for features; blank rows count too.
    """

    path: Path
    rows: pl.DataFrame
    shapes: Shapes | None
    crs: str | None
    numbers: Sequence[int]

    def place(self, index: int) -> str:
        """Return how an error names a row, e.g. `stations.xlsx, row 12`."""
        kind = "row" if self.shapes is None else "feature"
        return f"{self.path.name}, {kind} {self.numbers[index]}"

    @property
    def has_areas(self) -> bool:
        """Whether the shapes are areas (polygons)."""
        import shapely

        return self.shapes is not None and bool(np.isin(shapely.get_type_id(self.shapes), (3, 6)).any())


def read_layer(path: Path, *, sheet: str | None = None) -> Layer:
    """Return the file as a layer.

    Parameters
    ----------
    path
        `.csv` (UTF-8 or GB 18030; comma, semicolon or tab), `.xlsx`, `.xls`, `.ods`, `.geojson`, `.gpkg`, `.shp`.
    sheet
        Sheet of a workbook, or layer of a GeoPackage; the first one where left out.

    Raises
    ------
    DataError
        When the file is missing, of another kind, damaged or empty.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; correct the path")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: is empty (0 bytes); bring the file again")
    suffix = path.suffix.lower()
    if suffix in TABLE_SUFFIXES:
        layer = _table(path, _read_text(path))
    elif suffix in EXCEL_SUFFIXES:
        layer = _table(path, _read_excel(path, sheet))
    elif suffix in SHAPE_SUFFIXES:
        layer = _read_shapes(path, sheet)
    else:
        known = ", ".join((*TABLE_SUFFIXES, *EXCEL_SUFFIXES, *SHAPE_SUFFIXES))
        raise DataError(f"{path}: files of kind {suffix or 'without a suffix'!r} are not read; use one of {known}")
    if layer.rows.is_empty():
        raise DataError(f"{path}: has no rows; bring a file with at least one")
    return layer


def _table(path: Path, rows: pl.DataFrame) -> Layer:
    names = {name: name.strip().removeprefix("\ufeff") for name in rows.columns}
    texts = rows.rename(names).with_columns(pl.all().cast(pl.String).str.strip_chars())
    texts = texts.with_columns(pl.when(pl.all() == "").then(None).otherwise(pl.all()).name.keep())
    filled = texts.select(~pl.all_horizontal(pl.all().is_null())).to_series()
    return Layer(path, texts.filter(filled), None, None, [row + HEADER_ROW + 1 for row in filled.arg_true()])


def _read_text(path: Path) -> pl.DataFrame:
    raw = path.read_bytes()
    text = _decoded(path, raw)
    head = text.split("\n", 1)[0]
    separator = max((",", ";", "\t"), key=head.count)
    try:
        return pl.read_csv(
            io.BytesIO(text.encode()), infer_schema=False, separator=separator, truncate_ragged_lines=False
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: cannot be read as a table ({_first_line(error)}); save it as CSV again") from error


def _decoded(path: Path, raw: bytes) -> str:
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DataError(f"{path}: is text neither in UTF-8 nor in GB 18030; save it as UTF-8")


def _read_excel(path: Path, sheet: str | None) -> pl.DataFrame:
    import fastexcel

    try:
        book = fastexcel.read_excel(path)
        if sheet is not None and sheet not in book.sheet_names:
            raise DataError(f"{path}: has no sheet {sheet!r}; it has {', '.join(book.sheet_names)}")
        return book.load_sheet(sheet if sheet is not None else 0, dtypes="string").to_polars()
    except fastexcel.FastExcelError as error:
        raise DataError(f"{path}: cannot be read as a workbook ({_first_line(error)}); save it again") from error


def _read_shapes(path: Path, sheet: str | None) -> Layer:
    import geopandas
    from pyogrio.errors import DataLayerError, DataSourceError

    encoding = _shape_encoding(path)
    try:
        frame = geopandas.read_file(path, layer=sheet, encoding=encoding)
    except (DataSourceError, DataLayerError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({_first_line(error)}); export it again") from error
    if not isinstance(frame, geopandas.GeoDataFrame):
        raise DataError(f"{path}: has no geometry; export it with its shapes, or as CSV")
    columns = [str(name) for name in frame.columns if name != frame.geometry.name]
    texts = [pl.Series(name, [_text(value) for value in frame[name]], dtype=pl.String) for name in columns]
    rows = pl.DataFrame(texts or [pl.Series("feature", [str(number) for number in range(1, len(frame) + 1)])])
    return Layer(
        path, rows, np.asarray(frame.geometry.to_numpy(), dtype=object), _crs_name(frame.crs), range(1, len(frame) + 1)
    )


def _crs_name(crs: Any) -> str | None:
    if crs is None:
        return None
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.to_wkt())


def _shape_encoding(path: Path) -> str | None:
    """Return the encoding of a shapefile's texts where it says nothing about it; None: as the file says."""
    if path.suffix.lower() != ".shp" or path.with_suffix(".cpg").is_file():
        return None
    table = path.with_suffix(".dbf")
    if not table.is_file():
        return None
    try:
        table.read_bytes()[32:].decode("utf-8")
    except UnicodeDecodeError:
        return "GB18030"
    return "UTF-8"


def _text(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def wgs84_shapes(layer: Layer, crs: str | None) -> Shapes:
    """Return the layer's shapes in WGS-84 degrees.

    Parameters
    ----------
    layer
        A layer with shapes.
    crs
        System to read them in, see `crs.to_wgs84`; None: the one the file declares.

    Raises
    ------
    DataError
        When the file declares no system and none is given, or a shape is empty.
    """
    import shapely

    system = crs or layer.crs
    if layer.shapes is None:
        raise DataError(f"{layer.path}: has no shapes; bring GeoJSON, GeoPackage or a shapefile")
    if system is None:
        raise DataError(
            f"{layer.path}: does not say its coordinate system; give it with --crs, e.g. EPSG:4490 or gcj02"
        )
    empty = np.flatnonzero([shape is None or shape.is_empty for shape in layer.shapes])
    if len(empty):
        raise DataError([f"{layer.place(row)}: has no geometry; draw it or delete the row" for row in empty.tolist()])

    def moved(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(_to_wgs84(points[:, 0], points[:, 1], system))

    return np.asarray(shapely.transform(shapely.force_2d(layer.shapes), moved), dtype=object)


def _to_wgs84(x: NDArray[np.float64], y: NDArray[np.float64], system: str) -> Pair:
    """Return WGS-84 degrees of points in a named system, or in one spelt out as WKT."""
    if "[" not in system:
        return to_wgs84(x, y, system)
    from pyproj import Transformer

    lon, lat = Transformer.from_crs(system, "EPSG:4326", always_xy=True).transform(x, y)
    return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
