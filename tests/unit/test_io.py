from pathlib import Path

import dataframely as dy
import polars as pl
import pytest

from networks.errors import DataError
from networks.io import read_table, require_known


class Parcel(dy.Schema):
    """One row a parcel."""

    parcel = dy.String(primary_key=True)
    weight_kg = dy.Int64(min=0)
    kind = dy.Enum(("letter", "box"), nullable=True)
    fragile = dy.Bool()

    @dy.rule()
    def liftable(cls) -> pl.Expr:
        return pl.col("weight_kg") < 100


def write(folder: Path, *rows: str, header: str = "parcel,weight_kg,kind,fragile") -> Path:
    path = folder / "parcels.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def faults(path: Path) -> list[str]:
    with pytest.raises(DataError) as caught:
        read_table(path, Parcel)
    return [problem.removeprefix(str(path)) for problem in caught.value.problems]


def test_a_good_file_is_read_with_types_and_an_empty_cell_is_null(tmp_path: Path) -> None:
    path = write(tmp_path, "a,3,box,true", "b,4,,no")

    table = read_table(path, Parcel)

    assert table["weight_kg"].to_list() == [3, 4]
    assert table["kind"].to_list() == ["box", None]
    assert table["fragile"].to_list() == [True, False]


def test_every_bad_cell_is_named_with_row_column_value_and_remedy(tmp_path: Path) -> None:
    path = write(tmp_path, "a,x,box,true", "b,-2,crate,maybe", ",1,box,true", "d,500,box,true")

    assert faults(path) == [
        ", row 2, column weight_kg: 'x' is not a whole number; correct the value",
        ", row 3, column fragile: 'maybe' is not true or false; correct the value",
        ", row 3, column kind: 'crate' is not one of letter, box; correct the value",
        ", row 3, column weight_kg: -2 is below 0; correct the value",
        ", row 4, column parcel: is empty; fill it in",
        ", row 5: breaks the rule 'liftable'; see the table's manual entry",
    ]


def test_a_repeated_key_is_named_on_each_of_its_rows(tmp_path: Path) -> None:
    path = write(tmp_path, "a,3,box,true", "a,4,box,true")

    assert faults(path) == [
        ", row 2: parcel 'a' stands more than once; keep one row a key",
        ", row 3: parcel 'a' stands more than once; keep one row a key",
    ]


def test_a_misspelt_column_is_an_error_even_when_it_is_optional(tmp_path: Path) -> None:
    path = write(tmp_path, "a,3,box,true", header="parcel,weight_kg,knd,fragile")

    assert faults(path) == [
        ": column 'knd' is unknown; known are parcel, weight_kg, kind, fragile",
        ": column 'kind' is missing; add it",
    ]


def test_a_column_that_may_be_empty_may_be_left_out_and_no_other(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a,3,true", header="parcel,weight_kg,fragile"), Parcel)
    assert table["kind"].to_list() == [None]
    assert table.columns == ["parcel", "weight_kg", "kind", "fragile"]

    assert faults(write(tmp_path, "a,box,true", header="parcel,kind,fragile")) == [
        ": column 'weight_kg' is missing; add it"
    ]


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    assert faults(tmp_path / "none.csv") == [": no such file; create it or correct the path"]


def test_a_long_list_of_faults_is_cut_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path, *[f"p{number},x,box,true" for number in range(30)])

    problems = faults(path)

    assert len(problems) == 21
    assert problems[-1] == ": and 10 more faults"


def test_an_unknown_foreign_key_is_named_once() -> None:
    values = pl.Series("district", ["Haidian", "Atlantis", "Atlantis", None])

    problems = require_known("places.csv", values, pl.Series(["Haidian"]))

    assert problems == ["places.csv, column district: 'Atlantis' is not known; use one of the known values"]
