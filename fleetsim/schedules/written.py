"""A schedule's files: tables, chart and schedule file in a folder, all or nothing."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import polars as pl

from fleetsim.schedules.preview import Spec
from networks.errors import FleetsimError


def write(folder: Path, tables: dict[str, pl.DataFrame], texts: dict[str, str], chart: Spec) -> Path:
    """Write a folder with `<name>.csv` of each table, the texts, `schedule.svg` and `schedule.vl.json`; return it.

    Raises
    ------
    FleetsimError
        If the folder is there already.
    """
    import vl_convert

    if folder.exists():
        raise FleetsimError(f"{folder}: is there already; name another folder with -o, or remove it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, table in tables.items():
            table.write_csv(temporary / f"{name}.csv")
        for name, text in texts.items():
            (temporary / name).write_text(text, encoding="utf-8")
        (temporary / "schedule.vl.json").write_text(json.dumps(chart, ensure_ascii=False), encoding="utf-8")
        (temporary / "schedule.svg").write_text(vl_convert.vegalite_to_svg(chart), encoding="utf-8")
        temporary.chmod(0o755)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder
