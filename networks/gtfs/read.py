"""Reading a GTFS feed, zipped or a folder, however its files were saved."""

import csv
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

import polars as pl

from networks.errors import DataError
from networks.gtfs.files import FILES, GtfsFile, Kind

ROW = "row"
ENCODINGS = ("utf-8-sig", "gb18030", "cp1252")
LARGEST_FILE = 8 * 1024**3
"""No file of a feed is unpacked beyond this size [bytes]."""
UNREADABLE = {"file": pl.String, "row": pl.UInt32, "column": pl.String, "value": pl.String}


@dataclass(frozen=True, eq=False)
class Feed:
    """A GTFS feed as it was found.

    `tables` holds the files that are there, by name without ending: their known columns, typed, and the column
    `row` (the header is row 1). Known columns that a file lacks are null; `columns` says what it has. Times are
    seconds of the day, dates are dates. A value that cannot be read is null and stands in `unreadable`.
    """

    path: Path
    tables: dict[str, pl.DataFrame]
    columns: dict[str, tuple[str, ...]]
    unreadable: pl.DataFrame
    problems: tuple[str, ...] = ()
    """Faults of whole files: rows with too many fields, columns named twice."""
    notes: tuple[str, ...] = ()
    """What was done to read it that a user should know."""

    def table(self, name: str) -> pl.DataFrame:
        """Return a file's table; without rows where the feed has no such file."""
        return self.tables[name] if name in self.tables else _typed_table(_blank(), FILES[name], name)[0]

    @cached_property
    def stop_events(self) -> pl.DataFrame:
        """The stop times in the order of the trips' stops, trips and stops by their place in their tables.

        Columns trip, stop (null where the feed does not know it), stop_sequence, arrival_s, departure_s,
        shape_dist_traveled, row. A time that stands in one of the two columns only holds for both.
        """
        table = self.table("stop_times")
        arrival, departure = pl.col("arrival_time"), pl.col("departure_time")
        return (
            table.join(_numbered(self.table("trips"), "trip_id", "trip"), on="trip_id", how="left")
            .join(_numbered(self.table("stops"), "stop_id", "stop"), on="stop_id", how="left")
            .select(
                "trip",
                "stop",
                "stop_sequence",
                pl.coalesce(arrival, departure).alias("arrival_s"),
                pl.coalesce(departure, arrival).alias("departure_s"),
                "shape_dist_traveled",
                ROW,
            )
            .sort("trip", "stop_sequence", ROW)
        )


def read_feed(path: str | Path) -> Feed:
    """Return the feed in a zip file or folder; the files may lie in a folder inside.

    Parameters
    ----------
    path
        Zip file or folder.

    Raises
    ------
    DataError
        If there is nothing at the path, the zip is broken, or it holds no file of a feed. Everything else that
        is wrong is told by `networks.gtfs.check.check`.
    """
    path = Path(path)
    reading = _Reading()
    tables, columns = {}, {}
    for name, content in _files(path):
        texts = reading.texts(content, f"{name}.txt")
        columns[name] = tuple(texts.columns)
        tables[name], unreadable = _typed_table(texts, FILES[name], name)
        reading.unreadable.append(unreadable)
    if not tables:
        raise DataError(f"{path}: holds no file of a GTFS feed (stops.txt, trips.txt ...); give its zip or folder")
    faults = pl.concat([pl.DataFrame(schema=UNREADABLE), *reading.unreadable])
    return Feed(path, tables, columns, faults, tuple(reading.problems), tuple(reading.notes))


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        yield from _folder_files(path)
    elif path.is_file():
        yield from _zip_files(path)
    else:
        raise DataError(f"{path}: no such file or folder; correct the path")


def _folder_files(path: Path) -> Iterator[tuple[str, bytes]]:
    for name in FILES:
        file = path / f"{name}.txt"
        if file.is_file():
            yield name, file.read_bytes()


def _zip_files(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            for name, member in _members(archive).items():
                if member.file_size > LARGEST_FILE:
                    raise DataError(f"{path}, {member.filename}: has {member.file_size} bytes; unpack it yourself")
                yield name, archive.read(member)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise DataError(f"{path}: is not a whole zip file ({error}); fetch the feed again") from error


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the feed's files: those of the outermost folder that holds any, the folders of macOS left out."""
    found: dict[tuple[int, str], dict[str, zipfile.ZipInfo]] = {}
    for member in archive.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.suffix.lower() == ".txt" and path.stem.lower() in FILES and "__MACOSX" not in path.parts:
            found.setdefault((len(path.parts), str(path.parent)), {})[path.stem.lower()] = member
    if not found:
        return {}
    chosen = found[min(found)]
    return {name: chosen[name] for name in FILES if name in chosen}


@dataclass
class _Reading:
    """What comes up while the files of a feed are read."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unreadable: list[pl.DataFrame] = field(default_factory=list)

    def texts(self, content: bytes, file: str) -> pl.DataFrame:
        """Return a file as text columns and `row`; values are stripped, empty ones null, empty rows left out."""
        try:
            table = pl.read_csv(io.BytesIO(content), infer_schema=False, encoding="utf8")
            lone_returns = any("\r" in name for name in table.columns)
        except pl.exceptions.NoDataError:
            return _blank()
        except pl.exceptions.ComputeError:
            lone_returns = True
        table = self._patiently(content, file) if lone_returns else table
        return self._tidy(table, file)

    def _patiently(self, content: bytes, file: str) -> pl.DataFrame:
        """Read what the fast reader does not take: other encodings and line ends, stray quotes, long rows."""
        rows = csv.reader(io.StringIO(self._decoded(content, file), newline=None), strict=False)
        header = next(rows, [])
        body = list(rows)
        for number, row in enumerate(body, 2):
            if len(row) > len(header) and any(row[len(header) :]):
                told = f"{file}, row {number}: has {len(row)} fields, the header {len(header)}"
                self.problems.append(f"{told}; put fields with commas in quotes")
        width = len(header)
        padded = [[cell or None for cell in row[:width]] + [None] * (width - len(row)) for row in body]
        return pl.DataFrame(padded, schema=_unique(header), orient="row", strict=False).cast(pl.String)

    def _decoded(self, content: bytes, file: str) -> str:
        for encoding in ENCODINGS[:-1]:
            try:
                text = content.decode(encoding)
            except UnicodeDecodeError:
                continue
            break
        else:
            encoding, text = ENCODINGS[-1], content.decode(ENCODINGS[-1], errors="replace")
        if encoding != ENCODINGS[0]:
            self.notes.append(f"{file}: is not UTF-8; read as {encoding}")
        return text

    def _tidy(self, table: pl.DataFrame, file: str) -> pl.DataFrame:
        names = [name.strip().strip('"').strip().lower().removeprefix("\ufeff") for name in table.columns]
        twice = sorted({name for name in names if name and names.count(name) > 1})
        self.problems += [f"{file}: column {name!r} stands more than once; keep one" for name in twice]
        table.columns = _unique(names)
        table = table.with_columns(pl.all().str.strip_chars().replace("", None))
        table = table.with_columns(pl.int_range(2, pl.len() + 2, dtype=pl.UInt32).alias(ROW))
        return table.filter(pl.any_horizontal(pl.exclude(ROW).is_not_null())) if names else table


def _unique(names: list[str]) -> list[str]:
    return [name if name and name not in names[:place] else f"column {place + 1}" for place, name in enumerate(names)]


def _blank() -> pl.DataFrame:
    return pl.DataFrame(schema={ROW: pl.UInt32})


def _typed_table(texts: pl.DataFrame, file: GtfsFile, name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the known columns of a file in their types, and the values that are not of the type."""
    series = [texts[ROW]]
    faults = [pl.DataFrame(schema=UNREADABLE)]
    for column, kind in file.columns.items():
        text = texts[column] if column in texts.columns else pl.Series(column, [None] * texts.height, pl.String)
        value = _typed(text, kind)
        series.append(value)
        bad = value.is_null() & text.is_not_null()
        if bad.any():
            faults.append(_unreadable(name, texts[ROW], text, bad))
    return pl.DataFrame(series), pl.concat(faults)


def _unreadable(name: str, row: pl.Series, text: pl.Series, bad: pl.Series) -> pl.DataFrame:
    frame = pl.DataFrame({"row": row.filter(bad), "value": text.filter(bad)})
    frame = frame.with_columns(file=pl.lit(name), column=pl.lit(text.name))
    return frame.select(*UNREADABLE)


def _typed(text: pl.Series, kind: Kind) -> pl.Series:
    if kind == "text":
        return text
    if kind == "integer":
        number = text.cast(pl.Float64, strict=False)
        return number.set(number != number.round(), None).cast(pl.Int64, strict=False)
    if kind == "number":
        number = text.cast(pl.Float64, strict=False)
        return number.set(~number.is_finite(), None)
    return _by_value(text, _seconds if kind == "time" else _date)


def _by_value(text: pl.Series, parse: Callable[[str], pl.Expr]) -> pl.Series:
    """Parse each different text once: a feed has millions of times, but few different ones."""
    different = pl.DataFrame({"text": text.unique().drop_nulls()}).with_columns(parse("text"))
    return text.to_frame("text").join(different, on="text", how="left", maintain_order="left")["value"].alias(text.name)


def _seconds(column: str) -> pl.Expr:
    parts = pl.col(column).str.extract_groups(r"^(\d{1,4}):([0-5]?\d):([0-5]?\d)(?:\.\d+)?$")
    hours, minutes, seconds = (parts.struct.field(str(part)).cast(pl.Int32) for part in (1, 2, 3))
    return (hours * 3600 + minutes * 60 + seconds).alias("value")


def _date(column: str) -> pl.Expr:
    return pl.col(column).str.to_date("%Y%m%d", strict=False).alias("value")


def _numbered(table: pl.DataFrame, key: str, name: str) -> pl.DataFrame:
    """Return each key with its place in the table; of a key that stands twice, the first."""
    numbered = table.select(key).with_row_index(name).drop_nulls(key)
    return numbered.unique(key, keep="first", maintain_order=True)
