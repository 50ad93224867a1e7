"""A city of a few tables: the others come from a city that ships, and every one of them is named as such.

`city.toml` in the folder says from which (`extends = "beijing"`). A table that lies in the folder is used as it is.
What is missing is taken over, scaled by residents, made by rule or left empty, table by table as `ORIGINS` says.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from networks.errors import DataError

CITY_FILE = "city.toml"
KEYS = ("name_en", "name_zh", "extends")
Origin = Literal["required", "taken", "scaled", "rule", "empty"]
ORIGINS: Mapping[str, Origin] = {
    "districts": "required",
    "zones": "required",
    "nodes": "required",
    "links": "required",
    "seats": "empty",
    "lines": "empty",
    "stations": "rule",
    "piles": "empty",
    "clauses": "empty",
    "indicators": "empty",
    "observations": "empty",
    "quotas": "scaled",
    "freight": "scaled",
    "solar_sites": "scaled",
    "places": "rule",
    "stock": "rule",
    "mode_base": "rule",
}
"""What becomes of a table that is missing; those not named here are taken over as they are."""
SCALED_COLUMNS = {"quotas": "plates", "freight": "tonnage_mt", "solar_sites": "sites"}
ORIGIN_WORDS = {
    "taken": (
        "Taken from {donor} as it is, an assumption here: {tables}.",
        "直接取自{donor}，在本市属于假设：{tables}。",
    ),
    "scaled": (
        "Taken from {donor} and scaled by residents, an assumption: {tables}.",
        "取自{donor}并按常住人口折算，属于假设：{tables}。",
    ),
    "rule": ("Made by rule (docs/tutorial.md), an assumption: {tables}.", "按规则生成，属于假设：{tables}。"),
    "empty": ("Not given and left empty: {tables}.", "未提供，留空：{tables}。"),
}


@dataclass(frozen=True)
class Identity:
    """What a city is called, and where its tables come from.

    Attributes
    ----------
    name_en, name_zh
        Its names.
    extends
        City whose tables stand in for missing ones; None: every table must be there.
    donor_en, donor_zh
        Names of the city it extends.
    origins
        Tables that are not the city's own, with what became of them, in the order of the tables.
    """

    name_en: str = ""
    name_zh: str = ""
    extends: str | None = None
    donor_en: str = ""
    donor_zh: str = ""
    origins: tuple[tuple[str, Origin], ...] = ()

    def tables_of(self, origin: Origin) -> list[str]:
        """Return the tables of an origin."""
        return [name for name, one in self.origins if one == origin]

    def notes(self) -> list[dict[str, str]]:
        """Return what a reader must know of the tables, one note an origin, in both languages."""
        found = []
        for origin, (english, chinese) in ORIGIN_WORDS.items():
            tables = self.tables_of(origin)  # type: ignore[arg-type]
            if tables:
                told = ", ".join(tables)
                donors = {"en": self.donor_en or self.extends, "zh": self.donor_zh or self.extends}
                texts = {"en": english, "zh": chinese}
                found.append({lang: text.format(donor=donors[lang], tables=told) for lang, text in texts.items()})
        return found


def read_identity(folder: Path) -> Identity:
    """Return what `city.toml` of a folder says; without the file the city stands on its own.

    Raises
    ------
    DataError
        When the file is not TOML, or has an unknown key or a value that is no text.
    """
    path = folder / CITY_FILE
    if not path.is_file():
        return Identity()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is not valid TOML ({error}); correct the line") from error
    problems = [f"{path}: {key} is unknown; known are {', '.join(KEYS)}" for key in values if key not in KEYS]
    wrong = {key: value for key, value in values.items() if not isinstance(value, str)}
    problems += [f"{path}: {key} = {value!r} is not a text; put it in quotes" for key, value in wrong.items()]
    if problems:
        raise DataError(problems)
    return Identity(values.get("name_en", ""), values.get("name_zh", ""), values.get("extends"))


def origin_of(table: str) -> Origin:
    """Return what becomes of a table that a city with a donor does not have."""
    return ORIGINS.get(table, "taken")


def may_be_empty(table: str) -> bool:
    """Return whether a city's own table may have no rows."""
    return origin_of(table) == "empty" or table in ("places", "stations", "link_details", "trips")


def not_empty(table: str) -> bool:
    """Return whether something of the donor stands in for a missing table."""
    return origin_of(table) in ("taken", "scaled", "rule") and table != "places"


def scaled(table: pl.DataFrame, column: str, ratio: float) -> pl.DataFrame:
    """Return a donor's table with one amount scaled by the ratio of residents; whole numbers stay whole."""
    amount = pl.col(column) * ratio
    if table[column].dtype.is_integer():
        amount = amount.round().cast(pl.Int64)
    basis = {"basis": pl.lit("assumption").cast(table["basis"].dtype)} if "basis" in table.columns else {}
    return table.with_columns(amount.alias(column), **basis)


def one_split(mode_base: pl.DataFrame) -> pl.DataFrame:
    """Return a donor's split of trips with its districts summed."""
    keys = ["distance_band", "car_available", "mode"]
    summed = mode_base.group_by(keys, maintain_order=True).agg(pl.col("trip_share").sum(), pl.col("basis").first())
    basis = pl.lit("assumption").cast(mode_base["basis"].dtype)
    return summed.with_columns(district=pl.lit("all"), basis=basis).select(mode_base.columns).sort(keys)


def population(tables: Mapping[str, Any]) -> int:
    """Return the residents of a city's districts."""
    return int(tables["districts"]["population"].sum())
