"""Every shipped number says where it comes from."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import polars as pl
import pytest
from pydantic import BaseModel

from fleetsim.datasets import data_root, read_sources
from fleetsim.scenario.scenario import Scenario

SCENARIO_FILE = "scenarios/outlook.toml"
SETTINGS = (
    "run.*",
    "calibration.*",
    "cars.draws",
    "cars.interval",
    "siting.solver_gap",
    "siting.solver_nodes",
    "siting.solver_time_s",
)
"""Fields that set up a computation and say nothing about the city."""
ADDRESS = re.compile(r"https?://\S+")


@pytest.fixture(scope="module")
def sources() -> pl.DataFrame:
    return read_sources()


def holds_a_number(value: object) -> bool:
    if isinstance(value, dict):
        return any(holds_a_number(entry) for entry in value.values())
    if isinstance(value, tuple):
        return any(holds_a_number(entry) for entry in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def numeric_fields(model: BaseModel, prefix: str = "") -> Iterator[str]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from numeric_fields(value, f"{prefix}{name}.")
        elif holds_a_number(value):
            yield f"{prefix}{name}"


def is_setting(field: str) -> bool:
    return field in SETTINGS or f"{field.split('.')[0]}.*" in SETTINGS


def named_items(sources: pl.DataFrame, file: str) -> set[str]:
    items = sources.filter(pl.col("file") == file)["item"].to_list()
    return {part.strip() for item in items for part in item.split(";")}


def test_every_shipped_file_has_a_source(sources: pl.DataFrame) -> None:
    root = data_root()
    shipped = {
        path.relative_to(root).as_posix()
        for suffix in ("csv", "toml", "parquet")
        for path in root.rglob(f"*.{suffix}")
        if path.name != "SOURCES.csv"
    }

    assert len(shipped) > 30
    assert sorted(shipped - set(sources["file"])) == []


def test_every_source_names_a_file_that_ships(sources: pl.DataFrame) -> None:
    assert [file for file in sources["file"].unique().sort() if not (data_root() / file).is_file()] == []


def test_every_number_of_the_outlook_has_a_source(sources: pl.DataFrame) -> None:
    named = named_items(sources, SCENARIO_FILE)
    fields = [field for field in numeric_fields(Scenario.shipped("outlook")) if not is_setting(field)]

    missing = [field for field in fields if not any(item == field or item.startswith(f"{field}.") for item in named)]

    assert len(fields) > 100
    assert missing == []


def test_every_source_of_the_outlook_names_a_field(sources: pl.DataFrame) -> None:
    outlook = Scenario.shipped("outlook").model_dump()

    unknown = [item for item in named_items(sources, SCENARIO_FILE) if not names_a_field(outlook, item)]

    assert unknown == []


def test_every_number_the_plan_sets_has_a_source(sources: pl.DataFrame) -> None:
    named = named_items(sources, "scenarios/plan.toml")
    outlook, plan = Scenario.shipped("outlook"), Scenario.shipped("plan")
    changed = [
        f"{section}.{field}"
        for section in type(plan).model_fields
        if isinstance(part := getattr(plan, section), BaseModel)
        for field in type(part).model_fields
        if getattr(part, field) != getattr(getattr(outlook, section), field)
    ]

    assert len(changed) > 10
    assert [field for field in changed if not {field, field.split(".")[0]} & named] == []


def test_every_assumption_gives_its_range_or_reason(sources: pl.DataFrame) -> None:
    bare = sources.filter(pl.col("kind").cast(pl.String) == "assumption", pl.col("note").fill_null("") == "")

    assert bare.select("file", "item").rows() == []


def test_no_address_is_malformed(sources: pl.DataFrame) -> None:
    addresses = [url for url in sources["url"].drop_nulls() if url]

    assert len(addresses) > 20
    assert [url for url in addresses if not (ADDRESS.fullmatch(url) and "." in urlsplit(url).netloc)] == []


def test_the_sources_are_sorted_by_file_and_item(sources: pl.DataFrame) -> None:
    keys = sources.select("file", "item").rows()

    assert keys == sorted(keys)


def names_a_field(tree: object, item: str) -> bool:
    for key in item.split("."):
        if not isinstance(tree, dict) or key not in tree:
            return False
        tree = tree[key]
    return True
