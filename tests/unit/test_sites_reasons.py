"""Why a station is chosen, held to a size, or closes; what is left over and why; and what fits a terminal."""

import io
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from line_city import YEAR, line_ground, line_stations
from rich.cells import cell_len
from rich.console import Console

from fleetsim.sites.choice import Choice
from fleetsim.sites.choose import choose
from fleetsim.sites.ground import Ground
from fleetsim.sites.left import left_over
from fleetsim.sites.outcome import Stand
from fleetsim.sites.request import Request
from fleetsim.sites.serve import chosen_sites
from fleetsim.texts import texts
from fleetsim.verbs import site as verb
from networks.errors import InfeasibleError

PEOPLE = [3000, 3000, 50, 700, 20, 900, 10, 400]
SITES = [0.0, 5.0]


def with_site(**values: float) -> Ground:
    """Return the line whose first site has prices, land or headroom of its own."""
    ground = line_ground(PEOPLE, SITES, [])
    first = pl.col("candidate") == "c0"
    columns = {name: pl.when(first).then(pl.lit(value)).otherwise(pl.col(name)) for name, value in values.items()}
    return replace(ground, offered=ground.offered.with_columns(**columns))


def row_of(ground: Ground, lang: Any = "en") -> dict[str, Any]:
    sites = chosen_sites(ground, choose(ground, Request(numbers=(2,))), (YEAR,), lang)
    return sites.row(by_predicate=pl.col("station_id") == "public-c0", named=True)


@pytest.mark.parametrize(
    ("values", "plugs", "told"),
    [
        ({"grid_kw": 250.0}, 2, "held to 2 of 8 plugs by its grid connection of 250 kW"),
        ({"most_plugs": 3.0}, 3, "held to 3 of 8 plugs by its land (most_plugs)"),
        ({"most_plugs": 3.0, "grid_kw": 130.0}, 1, "held to 1 of 8 plugs by its grid connection of 130 kW"),
        ({"site_cny": 9e6}, 8, "at its own prices: 9,000,000 CNY and 100,000 CNY a plug"),
    ],
)
def test_land_headroom_and_prices_of_a_site_take_effect_and_are_told(values, plugs, told):
    row = row_of(with_site(**values))

    assert row["plugs"] == plugs
    assert told in row["reason"]
    assert row["cost_cny"] == values.get("site_cny", 400_000.0) + 100_000.0 * plugs


def test_a_station_without_limits_of_its_own_tells_none():
    reason = row_of(line_ground(PEOPLE, SITES, []))["reason"]

    assert "held to" not in reason
    assert "own prices" not in reason
    assert "min mean wait by queue theory" in reason


def test_a_largest_size_of_the_scenario_is_told_as_such():
    small = {"largest_plugs": {"public": 2, "swap": 4, "hydrogen": 8}}

    reason = row_of(line_ground(PEOPLE, SITES, [], section=small))["reason"]

    assert "held to 2 of 8 plugs by siting.largest_plugs.public" in reason


def test_an_enlargement_ends_at_the_grid_connection_and_says_so():
    ground = measured([0.0] * 8, [0.0])
    stations = ground.stations.with_columns(site_limit_kw=pl.lit(60.0 * 12))
    ground = replace(ground, stations=stations, peaks={YEAR: {"s0": 40.0}})
    choice = Choice((np.empty(0, np.int64),), "covered", 0, 0, 0, "optimal", 0, 0, 0, enlarged={"s0": 12})

    row = chosen_sites(ground, choice, (YEAR,), "en").row(0, named=True)

    assert (row["action"], row["plugs_before"], row["plugs"]) == ("enlarge", 10, 12)
    assert "by its grid connection of 720 kW" in row["reason"]


def test_a_station_that_closes_tells_who_has_it_within_the_standard():
    ground = line_ground([100, 0, 0, 0, 0, 0, 0, 400], [7.0], [0.0, 1.0])

    choice = choose(ground, Request(numbers=(0,), relocate=1))
    sites = chosen_sites(ground, choice, (YEAR,), "en")

    closed = sites.filter(pl.col("action").cast(pl.String) == "close")
    assert closed.height == 1
    assert closed["reason"][0].startswith("100 residents have it within the standard; the plan covers as many without")


def measured(left: list[float], standing: list[float], plugs: int = 10) -> Ground:
    """Return the line with visits left over in each zone, residents out of the count."""
    ground = line_ground([1] * 8, SITES, standing)
    zones = ground.demand.zones[YEAR].with_columns(people=0.0, left=pl.Series(left), visits=pl.Series(left))
    stations = line_stations(standing).with_columns(plugs=pl.lit(plugs, pl.Int64))
    return replace(ground, demand=replace(ground.demand, unit="visits", zones={YEAR: zones}), stations=stations)


def test_a_new_station_takes_up_what_is_left_only_where_drivers_would_look_at_it():
    # Zone 1 has stations at 0.2, 0.4, 0.6 and 0.8 km to its west; a site at 1 km is the fifth.
    standing = [0.8, 0.6, 0.4, 0.2]
    crowded = measured([0.0, 9.0, 0, 0, 0, 5.0, 0, 0], standing)

    choice = choose(replace(crowded, considered=4), Request(numbers=(2,), simulate=1))

    assert [SITES[site] for site in choice.opened[-1]] == [5.0]
    both = choose(replace(crowded, considered=5), Request(numbers=(2,), simulate=1))
    assert [SITES[site] for site in both.opened[-1]] == [0.0, 5.0]


def test_what_is_left_over_is_told_by_what_stands_in_its_way():
    ground = measured([4.0, 2.0, 0, 0, 0, 8.0, 0, 0], [0.0], plugs=10)
    standing = pl.concat([ground.stations, line_stations([5.0]).with_columns(plugs=pl.lit(120, pl.Int64))])
    stand = Stand("after", YEAR, standing, np.zeros(8))

    full_and_small = left_over(ground, stand)
    alone = left_over(ground, Stand("after", YEAR, ground.stations.clear(), np.zeros(8)))

    assert full_and_small.select("district", "why", "left").rows() == [("East", "full", 8.0), ("West", "small", 6.0)]
    assert alone.select("district", "why", "left").rows() == [("East", "far", 8.0), ("West", "far", 6.0)]


def test_sites_without_any_headroom_are_refused_with_what_one_plug_takes():
    ground = with_site(grid_kw=100.0)
    ground = replace(ground, offered=ground.offered.filter(pl.col("candidate") == "c0"))

    with pytest.raises(InfeasibleError, match="one takes 120 kW, the largest grid_kw is 100; raise it by 20"):
        choose(ground, Request(numbers=(1,)))


def test_names_keep_their_end_and_the_columns_that_chinese_characters_take():
    assert verb.shortened("Car park 007", 22) == "Car park 007"
    assert verb.shortened("larger: Public fast charging 0042", 17) == "larger: Publ…0042"
    told = verb.shortened("出租汽车场站公交首末站七号示意", 17)
    assert cell_len(told) <= 17
    assert told.endswith("七号示意")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_tables_of_a_simulated_plan_fit_eighty_columns_with_every_head_whole(lang, monkeypatch):
    ground = measured([400.0] * 8, [0.0])
    sites = chosen_sites(ground, choose(ground, Request(numbers=(2,), simulate=1)), (YEAR,), lang)
    long = {"name": "larger: Public fast charging 0042", "name_zh": "出租汽车场站公交首末站七号示意", "gained": 12345.0}
    told = sites.with_columns(**{name: pl.lit(value) for name, value in long.items()}, simulated_wait_min=pl.lit(12.5))
    rounds = pl.DataFrame(
        {"round": [10], "year": [2025], "plugs": [29900], "left": [47115.0], "unserved_share": [0.647],
         "peak_wait_min": [16.9], "new_peak_wait_min": [17.5], "stations_beyond": [1704], "meets": [False],
         "chosen": [True]}
    )  # fmt: skip
    districts = pl.DataFrame({"district": ["East", "West"], "name_zh": ["石景山区", "门头沟区"]})
    sited: Any = SimpleNamespace(tables={"sites": told, "rounds": rounds}, city=SimpleNamespace(districts=districts))
    text = io.StringIO()
    monkeypatch.setattr(verb, "out", Console(file=text, width=80))

    verb._print_sites(sited, lang)
    verb._print_rounds(sited, lang)

    words = texts(lang, "site")
    shown = ("rank", "name", "district", "gained", "plugs", "peak_arrivals_per_h", "expected_wait_min",
             "simulated_wait_min", "cost")  # fmt: skip
    heads = [words["columns"][name] for name in shown] + list(words["simulated_columns"].values())
    assert [head for head in heads if head not in text.getvalue()] == []
    assert max(cell_len(line) for line in text.getvalue().splitlines()) <= 80
