"""Stations that siting opened are named in the language of the page."""

from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from fleetsim.site_names import english_names, shown_names
from fleetsim.texts import Language

CITY: Any = SimpleNamespace(
    places=pl.DataFrame({"place": ["bus_terminal_184"], "name": ["Bus terminal 184"]}),
    seats=pl.DataFrame({"seat": ["Beixinqiao (Dongcheng)"]}),
    zones=pl.DataFrame({"zone": ["8831aa"], "district": ["Dongcheng"]}),
)
STATIONS = pl.DataFrame(
    {
        "station_id": ["public-zone 8831aa", "swap-seat Beixinqiao (Dongcheng)", "public-bus_terminal_184", "public-x"],
        "name": ["东城区片区", "北新桥", "公交首末站184(示意)", "某站"],
        "kind": ["public", "swap", "public", "public"],
    }
)


@pytest.mark.parametrize(
    ("lang", "shown"),
    [
        ("en", ["Dongcheng area", "Beixinqiao (Dongcheng)", "Bus terminal 184", "某站"]),
        ("zh", ["东城区片区", "北新桥", "公交首末站184(示意)", "某站"]),
    ],
)
def test_opened_stations_are_named_by_their_site_and_others_as_they_are(lang: Language, shown: list[str]) -> None:
    assert shown_names(STATIONS, english_names(CITY), lang) == shown


def test_names_of_a_kind_are_not_mistaken_for_those_of_another() -> None:
    swap = STATIONS.head(1).with_columns(kind=pl.lit("swap"))

    assert shown_names(swap, english_names(CITY), "en") == ["东城区片区"]


def test_results_without_names_of_sites_keep_those_of_their_stations() -> None:
    assert shown_names(STATIONS, None, "en") == STATIONS["name"].to_list()
