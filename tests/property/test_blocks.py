"""Built blocks are as few as a search of all chainings finds, and can be driven."""

import dataframely as dy
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks.blocks import ChainRules, minimum_blocks
from networks.crs import distance_km
from networks.depots import block_ends, nearest_depot, site_depots
from networks.tables import Place, Trip

RULES = ChainRules(layover_s=300, detour=1.3, empty_speed_kmh=25.0)


def places(number: int, seed: int) -> dy.DataFrame[Place]:
    random = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {"place": [f"t{index}" for index in range(number)], "lon": 116.0 + random.uniform(0.0, 0.1, number)}
    ).with_columns(
        name="place",
        name_zh="place",
        kind=pl.lit("bus_terminal"),
        district=pl.lit("x"),
        lat=pl.Series(40.0 + random.uniform(0.0, 0.1, number)),
        size=pl.lit(1.0),
        accuracy_m=pl.lit(0.0),
        basis=pl.lit("synthetic"),
    )
    return Place.validate(frame.select(Place.column_names()), cast=True)


def trips(number: int, terminals: int, seed: int, span_min: int = 240) -> dy.DataFrame[Trip]:
    random = np.random.default_rng(seed)
    ends = random.integers(0, terminals, (number, 2))
    frame = pl.DataFrame(
        {
            "trip": np.arange(number),
            "line": ["l"] * number,
            "direction": [0] * number,
            "departure_s": random.integers(0, span_min, number) * 60,
            "run_s": random.integers(5, 60, number) * 60,
            "length_km": [5.0] * number,
            "from_terminal": [f"t{end}" for end in ends[:, 0]],
            "to_terminal": [f"t{end}" for end in ends[:, 1]],
            "depot": ["d"] * number,
            "block": [None] * number,
        }
    )
    return Trip.validate(frame, cast=True)


def can_follow(table: pl.DataFrame, ground: pl.DataFrame) -> np.ndarray:
    """Return whether one bus can run trip j after trip i, by the definition."""
    at = {name: (lon, lat) for name, lon, lat in ground.select("place", "lon", "lat").iter_rows()}
    rows = table.sort("trip").rows(named=True)
    answer = np.zeros((len(rows), len(rows)), dtype=bool)
    for i, first in enumerate(rows):
        for j, second in enumerate(rows):
            km = RULES.detour * float(distance_km(*at[first["to_terminal"]], *at[second["from_terminal"]]))
            ready = first["departure_s"] + first["run_s"] + RULES.layover_s + round(km / RULES.empty_speed_kmh * 3600)
            answer[i, j] = i != j and ready <= second["departure_s"]
    return answer


def fewest(follows: np.ndarray, departures: list[int]) -> int:
    """Return the fewest buses by trying, trip by trip, every bus that can take it, and a new one."""
    order = np.argsort(departures, kind="stable").tolist()
    best = len(order)

    def place(position: int, last_trips: list[int]) -> None:
        nonlocal best
        if len(last_trips) >= best:
            return
        if position == len(order):
            best = len(last_trips)
            return
        trip = order[position]
        for bus, last in enumerate(last_trips):
            if follows[last, trip]:
                place(position + 1, [*last_trips[:bus], trip, *last_trips[bus + 1 :]])
        place(position + 1, [*last_trips, trip])

    place(0, [])
    return best


@settings(max_examples=60, deadline=None)
@given(number=st.integers(1, 8), terminals=st.integers(1, 5), seed=st.integers(0, 10_000))
def test_no_chaining_of_few_trips_needs_fewer_buses(number: int, terminals: int, seed: int) -> None:
    table, ground = trips(number, terminals, seed), places(terminals, seed)

    built = minimum_blocks(table, ground, RULES)

    assert built["block"].n_unique() == fewest(can_follow(table, ground), table["departure_s"].to_list())


@pytest.mark.parametrize("seed", range(3))
def test_blocks_of_many_trips_are_as_few_as_a_maximum_matching_allows(seed: int) -> None:
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    table, ground = trips(300, 12, seed, span_min=1200), places(12, seed)
    follows = can_follow(table, ground)

    built = minimum_blocks(table, ground, RULES)

    joints = int((maximum_bipartite_matching(csr_matrix(follows), perm_type="column") >= 0).sum())
    assert built["block"].n_unique() == table.height - joints
    after = built.sort("block", "departure_s", "trip")
    pairs = zip(after.rows(named=True), after.rows(named=True)[1:], strict=False)
    assert all(follows[a["trip"], b["trip"]] for a, b in pairs if a["block"] == b["block"])


def test_trips_of_different_pools_share_no_bus() -> None:
    table, ground = trips(40, 3, 1, span_min=1200), places(3, 1)
    pool = pl.Series([f"p{number % 2}" for number in range(40)])

    built = minimum_blocks(table, ground, RULES, pool)

    assert built.with_columns(pool=pool).group_by("block").agg(pl.col("pool").n_unique())["pool"].max() == 1


def test_the_order_of_the_rows_changes_no_block() -> None:
    table, ground = trips(60, 4, 2, span_min=600), places(4, 2)
    shuffled = Trip.validate(table.sample(fraction=1.0, shuffle=True, seed=3))

    assert minimum_blocks(table, ground, RULES).equals(minimum_blocks(shuffled, ground, RULES))


def test_every_block_has_the_nearest_depot_and_sites_beat_any_single_one() -> None:
    table, ground = trips(80, 6, 4, span_min=900), places(6, 4)
    ends = block_ends(minimum_blocks(table, ground, RULES))

    sites = site_depots(ends, ground, buses_a_depot=ends.height / 2)

    homes = nearest_depot(ends, ground, ground.filter(pl.col("place").is_in(sites)))
    alone = [
        nearest_depot(ends, ground, ground.filter(pl.col("place") == name))["empty_km"] for name in ground["place"]
    ]
    assert len(sites) == 2
    assert homes["empty_km"].sum() <= min(float(km.sum()) for km in alone)
    assert all((homes["empty_km"] <= alone[ground["place"].to_list().index(site)] + 1e-9).all() for site in sites)
