"""Which column of a brought file means what: Chinese and English names, units in brackets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from networks.errors import DataError

BRACKETS = re.compile(r"[\(\[（【](.*?)[\)\]）】]")
SEPARATORS = re.compile(r"[\s_\-./:：]+")


@dataclass(frozen=True)
class Field:
    """What a file may tell: its names, and the units its numbers may be in.

    Attributes
    ----------
    names
        Names of the column in lower case without blanks, underscores or brackets.
    units
        Unit in brackets behind the name to the factor that turns it into ours; empty: a text.
    """

    names: tuple[str, ...]
    units: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Matched:
    """What the columns of a file mean.

    Attributes
    ----------
    column
        Field to the column that tells it.
    factor
        Field to the factor that turns the column's unit into ours.
    unknown
        Columns that mean nothing known.
    """

    column: Mapping[str, str]
    factor: Mapping[str, float]
    unknown: tuple[str, ...]


def words(text: str) -> tuple[str, ...]:
    """Return the names of a text, split at blanks.

    >>> words("lon 经度")
    ('lon', '经度')
    """
    return tuple(text.split())


def simple(name: str) -> str:
    """Return a column's name as it is compared.

    >>> simple("Charging_Station Name"), simple("功率（kW）")
    ('chargingstationname', '功率')
    """
    return SEPARATORS.sub("", BRACKETS.sub("", name)).strip().lower()


def unit_of(name: str) -> str:
    """Return the unit in brackets behind a column's name, in lower case; empty where there is none.

    >>> unit_of("额定功率（kW）"), unit_of("plugs")
    ('kw', '')
    """
    found = BRACKETS.search(name)
    return found.group(1).strip().lower() if found else ""


def match_columns(
    names: Sequence[str], fields: Mapping[str, Field], chosen: Mapping[str, str] | None = None, *, file: str = ""
) -> Matched:
    """Return what the columns of a file mean.

    Parameters
    ----------
    names
        Columns of the file.
    fields
        What may be told, by field.
    chosen
        Field to column where the planner says so; it wins over the names.
    file
        How errors name the file.

    Raises
    ------
    DataError
        When two columns mean the same, a unit is not known, or a chosen field or column does not exist.
    """
    problems = _wrong_choices(names, fields, chosen or {}, file)
    column: dict[str, str] = {name: text for name, text in (chosen or {}).items() if text in names}
    factor: dict[str, float] = {}
    for name in names:
        meant = next((key for key, one in fields.items() if simple(name) in one.names), None)
        if meant is None or name in column.values() or meant in (chosen or {}):
            continue
        if meant in column:
            both = f"{column[meant]!r} and {name!r}"
            problems.append(f"{file}: columns {both} both mean {meant}; say which with --column {meant}=NAME")
            continue
        column[meant] = name
    for meant, name in column.items():
        unit = unit_of(name)
        known = fields[meant].units if meant in fields else {}
        if unit and known and unit not in known:
            problems.append(f"{file}: column {name!r} is in {unit!r}; use {', '.join(known)}")
        factor[meant] = known.get(unit, 1.0)
    if problems:
        raise DataError(problems)
    return Matched(column, factor, tuple(name for name in names if name not in column.values()))


def parse_choices(texts: Sequence[str]) -> dict[str, str]:
    """Return field to column of words such as `lon=X坐标`.

    Raises
    ------
    DataError
        When a word has no equals sign.
    """
    pairs = [text.partition("=") for text in texts]
    wrong = [text for text, (_, sign, _) in zip(texts, pairs, strict=True) if not sign]
    if wrong:
        raise DataError([f"--column {text!r}: write it as FIELD=COLUMN, e.g. lon=X" for text in wrong])
    return {name.strip(): column.strip() for name, _, column in pairs}


def numbers(texts: pl.Series) -> tuple[NDArray[np.float64], list[int]]:
    """Return a column's numbers (nan where empty), and the rows whose text is none.

    Thousands separators and a unit behind the number, as in `1,200` or `120kW`, are taken off.
    """
    plain = texts.str.replace_all(",", "").str.replace_all("，", "").str.strip_chars()
    plain = plain.str.extract(r"^([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|[+-]?\.\d+)\s*[^\d\s.,]*$", 1)
    values = plain.cast(pl.Float64, strict=False)
    wrong = (texts.is_not_null() & values.is_null()).arg_true().to_list()
    return values.fill_null(np.nan).to_numpy().astype(np.float64), wrong


def _wrong_choices(
    names: Sequence[str], fields: Mapping[str, Field], chosen: Mapping[str, str], file: str
) -> list[str]:
    problems = [
        f"--column {key}={name}: {key!r} is not a field; fields are {', '.join(fields)}"
        for key, name in chosen.items()
        if key not in fields
    ]
    return problems + [
        f"--column {key}={name}: {file} has no column {name!r}; it has {', '.join(names)}"
        for key, name in chosen.items()
        if name not in names
    ]
