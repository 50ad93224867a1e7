"""The result of a run: a folder of tables that every screen and script reads."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import polars as pl

from networks.errors import DataError

TABLES = (
    "stock",
    "additions",
    "retirements",
    "stations",
    "sessions",
    "station_load",
    "demand",
    "zone_hours",
    "service",
    "coverage",
    "coverage_zones",
    "modes",
    "freight",
    "energy",
    "carbon",
    "compliance",
    "operator_compliance",
    "indicators",
)
COMPRESSION_LEVEL = 1
"""Of Zstandard in Parquet: the usual 3 takes twice the time for the same size."""
REMEDIES = {
    errno.ENOSPC: "the disk is full; free space or write elsewhere with -o",
    errno.EDQUOT: "the disk quota is used up; free space or write elsewhere with -o",
    errno.EROFS: "the disk is read-only; write elsewhere with -o",
    errno.EACCES: "the folder may not be written to; write elsewhere with -o",
    errno.EPERM: "the folder may not be written to; write elsewhere with -o",
    errno.ENOTDIR: "a part of the path is a file; write elsewhere with -o",
}


@dataclass(frozen=True)
class Page:
    """A page of HTML that loads nothing."""

    html: str

    def save(self, path: Path | str) -> Path:
        """Write the page to a file and return its path.

        Raises
        ------
        DataError
            When the file cannot be written.
        """
        target = Path(path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(self.html, encoding="utf-8")
        except OSError as error:
            raise DataError(f"{target}: cannot be written: {_remedy(error)}") from error
        return target


@dataclass(frozen=True)
class Result:
    """Tables of one run with what is needed to run it again.

    Attributes
    ----------
    tables
        Name to table; the schemas are in the reference.
    run
        Content of `run.json`: version, seed, engine, hashes of inputs and tables, seconds by stage.
    scenario_toml
        The resolved scenario.
    city
        Tables the maps draw below the results: districts, zones, roads.
    """

    tables: Mapping[str, pl.DataFrame]
    run: Mapping[str, Any]
    scenario_toml: str
    city: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    def table(self, name: str) -> pl.DataFrame:
        """Return a table by name.

        Raises
        ------
        DataError
            When the result has no such table.
        """
        if name not in self.tables:
            raise DataError(f"table {name!r} is not in the result; it has {', '.join(sorted(self.tables))}")
        return self.tables[name]

    def map(self, name: str = "coverage", lang: Literal["zh", "en"] = "en") -> Page:
        """Return a map by name.

        Raises
        ------
        DataError
            When there is no map of that name.
        """
        if name != "coverage":
            raise DataError(f"map {name!r} does not exist; there is coverage")
        from fleetsim.maps import coverage_page

        return Page(coverage_page(self, lang))

    def report(self, lang: Literal["zh", "en"] = "en") -> Page:
        """Return the report."""
        from fleetsim.report import report_page

        return Page(report_page(self, self.map("coverage", lang).html, lang))

    def save(self, folder: Path | str, *, overwrite: bool = False, files: Mapping[str, str] | None = None) -> Path:
        """Write the result folder, all or nothing, and return its path.

        Parameters
        ----------
        folder
            Where to.
        overwrite
            Whether an earlier result there is replaced.
        files
            Pages to write into the folder too: relative name to text.

        Raises
        ------
        DataError
            When the folder exists already or cannot be written; nothing is left behind.
        """
        target = Path(folder)
        require_free(target, overwrite=overwrite)
        with replacing(target) as part:
            _write(self, part)
            for name, text in (files or {}).items():
                (part / name).parent.mkdir(parents=True, exist_ok=True)
                (part / name).write_text(text, encoding="utf-8")
        return target

    @classmethod
    def load(cls, folder: Path | str) -> Result:
        """Return the result of a folder.

        Raises
        ------
        DataError
            When it is not a result folder.
        """
        path = Path(folder)
        if not (path / "run.json").is_file():
            raise DataError(f"{path}: is not a result folder (no run.json); make one with `fleetsim run`")
        return cls(
            tables=_read_folder(path / "tables"),
            run=json.loads((path / "run.json").read_text(encoding="utf-8")),
            scenario_toml=(path / "scenario.toml").read_text(encoding="utf-8"),
            city=_read_folder(path / "city"),
        )


def table_hash(table: pl.DataFrame) -> str:
    """Return a hash of a table's columns, types and values in their order."""
    digest = hashlib.sha256(str(table.schema).encode())
    for row_hash in (table.hash_rows(seed=1).to_numpy(),) if table.width else ():
        digest.update(row_hash.tobytes())
    return digest.hexdigest()[:16]


def file_hash(path: Path) -> str:
    """Return a hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def require_free(target: Path, *, overwrite: bool) -> None:
    """Raise DataError unless a result may be written to `target`."""
    if target.exists() and not overwrite:
        raise DataError(f"{target}: exists already; give another folder with -o, or --overwrite")
    if overwrite and target.exists() and not (target / "run.json").is_file() and any(target.iterdir()):
        raise DataError(f"{target}: holds something else than a result; give another folder with -o")
    existing = next(parent for parent in [target, *target.absolute().parents] if parent.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        raise DataError(f"{target}: {existing} may not be written to; write elsewhere with -o")


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target` that takes its place when the block ends well.

    Raises
    ------
    DataError
        When the disk does not take it; the temporary folder is removed then, as it is on any other error.
    """
    part: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        yield part
        part.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        part.rename(target)
        part = None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{target}: cannot be written: {_remedy(error)}") from error
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


def _remedy(error: Exception) -> str:
    number = getattr(error, "errno", None)
    text = str(error)
    if number is None:
        number = next((code for code in REMEDIES if os.strerror(code) in text), None)
    return REMEDIES.get(number, text) if number is not None else text


def _write(result: Result, folder: Path) -> None:
    for name, group in (("tables", result.tables), ("city", result.city)):
        (folder / name).mkdir()
        for table_name, table in sorted(group.items()):
            table.write_parquet(folder / name / f"{table_name}.parquet", compression_level=COMPRESSION_LEVEL)
    text = json.dumps(dict(result.run), indent=2, ensure_ascii=False)
    (folder / "run.json").write_text(text + "\n", encoding="utf-8")
    (folder / "scenario.toml").write_text(result.scenario_toml, encoding="utf-8")


def _read_folder(folder: Path) -> dict[str, pl.DataFrame]:
    return {path.stem: pl.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
