"""Reading tables at the door: every fault named by file, row, column and value."""

from pathlib import Path
from typing import TypeVar, cast

import dataframely as dy
import polars as pl

from networks.errors import DataError

SchemaT = TypeVar("SchemaT", bound=dy.Schema)

FAULTS_SHOWN = 20
FIRST_ROW = 2
"""Row of the first values as the planner counts: the header is row 1, comment lines above it move both down."""
COMMENT = "#"
ROW = "row_in_file"
BOUND_WORDS = {
    "min": "is below",
    "max": "is above",
    "min_exclusive": "is not above",
    "max_exclusive": "is not below",
    "regex": "does not match",
}
TRUE_WORDS = ("true", "1", "yes")
FALSE_WORDS = ("false", "0", "no")


def read_table(path: Path, schema: type[SchemaT]) -> dy.DataFrame[SchemaT]:
    """Return the CSV or Parquet file as a validated table of `schema`.

    Parameters
    ----------
    path
        A `.csv` (comma, UTF-8, header row; lines above it that begin with # are comments) or `.parquet` file.
    schema
        The table's schema; columns may stand in any order, an empty cell is null, and so is every cell of a column
        that may be empty and is left out.

    Raises
    ------
    DataError
        With one line a fault: file, row (the header is row 1), column, value and remedy.
    """
    first_row = FIRST_ROW + _comment_lines(path)
    texts = _read_text(path, first_row - FIRST_ROW)
    _require_columns(path, texts, schema)
    texts = texts.with_columns(pl.lit(None, pl.String).alias(name) for name in _left_out(texts, schema))
    typed, faults = _cast(path, texts, schema, first_row)
    for place, message in _schema_faults(path, typed, schema, first_row):
        faults.setdefault(place, message)
    if faults:
        raise DataError(_shorten(path, [faults[place] for place in sorted(faults)]))
    return schema.validate(typed)


def require_known(
    path: str, values: pl.Series, known: pl.Series, remedy: str = "use one of the known values"
) -> list[str]:
    """Return one message for each value of `values` that `known` does not contain (a foreign key check)."""
    unknown = sorted(set(values.drop_nulls().to_list()) - set(known.to_list()))
    return [f"{path}, column {values.name}: {value!r} is not known; {remedy}" for value in unknown]


def _comment_lines(path: Path) -> int:
    """Return the number of comment lines above the header of a CSV file."""
    if not path.is_file() or path.suffix == ".parquet":
        return 0
    count = 0
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for line in file:
            if not line.startswith(COMMENT):
                return count
            count += 1
    return count


def _read_text(path: Path, comment_lines: int = 0) -> pl.DataFrame:
    if not path.is_file():
        raise DataError(f"{path}: no such file; create it or correct the path")
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, infer_schema=False, encoding="utf8", skip_lines=comment_lines)
    except (pl.exceptions.PolarsError, OSError) as error:
        first_line = str(error).splitlines()[0]
        raise DataError(f"{path}: cannot be read as a table ({first_line}); save it as UTF-8 CSV") from error


def _require_columns(path: Path, table: pl.DataFrame, schema: type[dy.Schema]) -> None:
    columns = schema.columns()
    unknown = [name for name in table.columns if name not in columns]
    # Beside an unknown column, one that may be left out may be the one that was meant.
    missing = [name for name in _left_out(table, schema) if unknown or not columns[name].nullable]
    problems = [f"{path}: column {name!r} is unknown; known are {', '.join(columns)}" for name in unknown]
    problems += [f"{path}: column {name!r} is missing; add it" for name in missing]
    if problems:
        raise DataError(problems)


def _left_out(table: pl.DataFrame, schema: type[dy.Schema]) -> list[str]:
    return [name for name in schema.columns() if name not in table.columns]


def _cast(
    path: Path, texts: pl.DataFrame, schema: type[dy.Schema], first_row: int
) -> tuple[pl.DataFrame, dict[tuple[int, str], str]]:
    faults: dict[tuple[int, str], str] = {}
    series: list[pl.Series] = []
    for name, column in schema.columns().items():
        text = texts[name]
        value = _to_boolean(text) if column.dtype == pl.Boolean else text.cast(column.dtype, strict=False)
        for index in (value.is_null() & text.is_not_null()).arg_true():
            row = index + first_row
            faults[row, name] = (
                f"{path}, row {row}, column {name}: {text[index]!r} is not {_kind(column)}; correct the value"
            )
        series.append(value.alias(name))
    return pl.DataFrame(series), faults


def _to_boolean(text: pl.Series) -> pl.Series:
    if text.dtype == pl.Boolean:
        return text
    lower = text.str.to_lowercase()
    frame = pl.DataFrame({"t": lower}).select(
        pl.when(pl.col("t").is_in(TRUE_WORDS)).then(True).when(pl.col("t").is_in(FALSE_WORDS)).then(False)
    )
    return frame.to_series()


def _kind(column: dy.Column) -> str:
    if isinstance(column, dy.Enum):
        return f"one of {', '.join(map(str, column.categories))}"
    if column.dtype == pl.Boolean:
        return "true or false"
    return "a whole number" if column.dtype.is_integer() else "a number"


def _schema_faults(
    path: Path, typed: pl.DataFrame, schema: type[dy.Schema], first_row: int
) -> list[tuple[tuple[int, str], str]]:
    # A schema with the row number as one more column, so that a fault can name its row.
    numbered = cast(type[dy.Schema], type(schema.__name__, (schema,), {ROW: dy.Int64()}))
    with_rows = typed.with_columns(pl.int_range(first_row, pl.len() + first_row, dtype=pl.Int64).alias(ROW))
    failure = numbered.filter(with_rows).failure
    if not len(failure):
        return []
    rules = list(failure.counts())
    return [
        ((row[ROW], rule.partition("|")[0]), _message(path, row, rule, schema.columns()))
        for row in failure.details().iter_rows(named=True)
        for rule in rules
        if row[rule] == "invalid"
    ]


def _message(path: Path, row: dict[str, object], rule: str, columns: dict[str, dy.Column]) -> str:
    place = f"{path}, row {row[ROW]}"
    if rule == "primary_key":
        key = ", ".join(f"{name} {row[name]!r}" for name, column in columns.items() if column.primary_key)
        return f"{place}: {key} stands more than once; keep one row a key"
    name, _, bound = rule.partition("|")
    if bound == "nullability":
        return f"{place}, column {name}: is empty; fill it in"
    if not bound:
        return f"{place}: breaks the rule {rule!r}; see the table's manual entry"
    limit = getattr(columns[name], bound, "")
    wording = BOUND_WORDS.get(bound, f"breaks {bound}")
    return f"{place}, column {name}: {row[name]!r} {wording} {limit}; correct the value"


def _shorten(path: Path, problems: list[str]) -> list[str]:
    if len(problems) <= FAULTS_SHOWN:
        return problems
    return [*problems[:FAULTS_SHOWN], f"{path}: and {len(problems) - FAULTS_SHOWN} more faults"]
