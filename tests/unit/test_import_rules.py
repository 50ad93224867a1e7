"""What imports assume: the table that ships is what they take."""

from dataclasses import asdict, replace
from pathlib import Path

import polars as pl
import pytest

from charging.station_import import StationChoice
from fleetsim.datasets import data_root, read_sources
from fleetsim.scenario.scenario import Scenario
from networks.errors import DataError
from networks.gtfs.convert import Choice
from networks.import_rules import (
    FILE,
    ImportRule,
    access_rules,
    block_rules,
    datum_rules,
    feed_rules,
    osm_rules,
    road_rules,
    spread_rules,
    station_rules,
    stock_rules,
    zone_rules,
)
from networks.io import read_table

TABLE = read_table(data_root() / FILE, ImportRule)
PARTS = {
    "access": access_rules,
    "blocks": block_rules,
    "datum": datum_rules,
    "gtfs": feed_rules,
    "osm": osm_rules,
    "roads": road_rules,
    "spread": spread_rules,
    "station": station_rules,
    "stock": stock_rules,
    "zones": zone_rules,
}


def test_every_row_is_a_rule_and_every_rule_has_its_row() -> None:
    held = {f"{prefix}_{name}": value for prefix, part in PARTS.items() for name, value in asdict(part()).items()}
    assert held == dict(TABLE.select("rule", "value").iter_rows())


def test_imports_take_the_shipped_rules_unless_told_otherwise() -> None:
    assert Choice().assumed == feed_rules()
    assert StationChoice().assumed == station_rules()
    assert Choice(assumed=replace(feed_rules(), feeder_km=3.0)).assumed.feeder_km == 3.0


def test_every_rule_has_a_source() -> None:
    items = read_sources().filter(pl.col("file") == FILE)["item"].to_list()
    named = {part.strip() for item in items for part in item.split(";")}
    assert set(TABLE["rule"]) <= named


def test_stations_without_figures_get_those_of_the_scenario() -> None:
    siting, rules = Scenario.shipped("outlook").siting, station_rules()
    shared = (siting.packs_per_bay, siting.storage_kg_per_dispenser, siting.supply_kg_h_per_dispenser)
    assert (rules.packs_per_bay, rules.storage_kg, rules.supply_kg_h) == shared


def test_a_value_outside_its_range_is_refused(tmp_path: Path) -> None:
    row = TABLE.head(1).with_columns(value=pl.col("high") + 1.0)
    row.write_csv(tmp_path / FILE)
    with pytest.raises(DataError, match="plausible"):
        read_table(tmp_path / FILE, ImportRule)
