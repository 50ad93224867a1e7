"""The how-to `docs/add-a-fleet.md`, run as it stands."""

import re
import shlex
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from fleetsim.cli import app

PAGE = Path(__file__).parents[2] / "docs" / "add-a-fleet.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_page_adds_a_fleet_that_drives_and_charges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec("\n".join(blocks("python")), {})
    for line in "".join(blocks("sh")).splitlines():
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert done.exit_code == 0, done.output
    service = pl.read_parquet(tmp_path / "postal_result" / "tables" / "service.parquet")
    own = service.filter(pl.col("fleet") == "mail_van", pl.col("day") == "mild_weekday")
    assert own["duties"].to_list() == pytest.approx([1700, 1700], abs=60)
    assert (own["distance_km"] > 0).all()
    sessions = pl.read_parquet(tmp_path / "postal_result" / "tables" / "sessions.parquet")
    assert sessions.filter(pl.col("fleet").cast(pl.String) == "mail_van").height > 0
