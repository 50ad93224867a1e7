import os
from pathlib import Path

import polars as pl
import pytest

from fleetsim.result import Result, replacing, require_free, table_hash
from networks.errors import DataError


def small() -> Result:
    return Result(
        tables={"stock": pl.DataFrame({"year": [2020], "vehicles": [1.5]})},
        run={"version": "0", "seed": 1},
        scenario_toml='name = "x"\n',
        city={"districts": pl.DataFrame({"district": ["A"]})},
    )


def test_a_saved_result_loads_as_it_was(tmp_path: Path) -> None:
    small().save(tmp_path / "out")

    loaded = Result.load(tmp_path / "out")

    assert loaded.table("stock").equals(small().table("stock"))
    assert loaded.run == small().run
    assert loaded.city["districts"].equals(small().city["districts"])


def test_pages_are_written_beside_the_tables(tmp_path: Path) -> None:
    small().save(tmp_path / "out", files={"maps/coverage.html": "<p>"})

    assert (tmp_path / "out" / "maps" / "coverage.html").read_text() == "<p>"


def test_an_existing_result_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    small().save(tmp_path / "out")

    with pytest.raises(DataError, match="exists already"):
        small().save(tmp_path / "out")
    small().save(tmp_path / "out", overwrite=True)


def test_a_folder_that_is_not_a_result_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("mine")

    with pytest.raises(DataError, match="something else"):
        require_free(tmp_path, overwrite=True)


def test_a_write_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    class Interrupted(Exception):
        pass

    with pytest.raises(Interrupted), replacing(tmp_path / "out") as part:
        (part / "half").write_text("x")
        raise Interrupted

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the disk is full; free space"), replacing(tmp_path / "out"):
        raise OSError(28, os.strerror(28))

    assert list(tmp_path.iterdir()) == []


def test_a_parent_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(DataError, match="may not be written"):
        require_free(tmp_path / "file" / "out", overwrite=False)


def test_a_table_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(DataError, match="'stok' is not in the result; it has stock"):
        small().table("stok")


def test_the_hash_of_a_table_sees_values_order_and_types() -> None:
    table = pl.DataFrame({"a": [1, 2]})

    assert table_hash(table) == table_hash(pl.DataFrame({"a": [1, 2]}))
    assert table_hash(table) != table_hash(table.reverse())
    assert table_hash(table) != table_hash(table.cast(pl.Int32))
