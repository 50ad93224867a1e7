import dataframely as dy
import numpy as np
import polars as pl
import pytest

from networks.errors import DataError
from networks.tables import BlockMove, Line, LineHour, Place, Trip
from networks.transit import block_moves, buses_out, chain, timetable


def line(name="a", departures=10, length_km=10.0, first=360, last=480, **changes) -> dict:
    row = {
        "line": name,
        "name_zh": name,
        "kind": "regular",
        "depot": "depot",
        "from_terminal": "west",
        "to_terminal": "east",
        "district": "Haidian",
        "length_km": length_km,
        "first_departure_min": first,
        "last_departure_min": last,
        "weekday_departures": departures,
        "weekend_departures": departures // 2,
        "mountain": False,
        "basis": "synthetic",
    }
    return row | changes


def lines(*rows: dict) -> dy.DataFrame[Line]:
    return Line.validate(pl.DataFrame(list(rows)), cast=True)


def hours(speed=20.0, frequency=1.0) -> dy.DataFrame[LineHour]:
    speeds = np.broadcast_to(np.asarray(speed, dtype=float), 24)
    frequencies = np.broadcast_to(np.asarray(frequency, dtype=float), 24)
    frame = pl.DataFrame(
        {
            "kind": ["regular"] * 24,
            "hour": range(24),
            "weekday_speed_kmh": speeds,
            "weekend_speed_kmh": speeds,
            "weekday_frequency": frequencies,
            "weekend_frequency": frequencies,
            "basis": ["assumption"] * 24,
        }
    )
    return LineHour.validate(frame, cast=True)


def trips(*rows: tuple) -> dy.DataFrame[Trip]:
    """Rows of line, departure_s, run_s, from_terminal, to_terminal."""
    names = ("line", "departure_s", "run_s", "from_terminal", "to_terminal")
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        trip=pl.int_range(pl.len(), dtype=pl.Int64),
        direction=pl.lit(0, dtype=pl.Int64),
        length_km=pl.lit(10.0),
        depot=pl.lit("depot"),
        block=pl.lit(None, dtype=pl.Int64),
    )
    return Trip.validate(frame.select(Trip.column_names()))


def places(**at: tuple[float, float]) -> dy.DataFrame[Place]:
    frame = pl.DataFrame(
        [
            {"place": name, "name": name, "name_zh": name, "kind": "bus_terminal", "district": "Haidian"}
            | {"lon": lon, "lat": lat, "size": 1.0, "accuracy_m": 0.0, "basis": "synthetic"}
            for name, (lon, lat) in at.items()
        ]
    )
    return Place.validate(frame, cast=True)


def departures(table: pl.DataFrame, direction: int) -> list[int]:
    return (table.filter(pl.col("direction") == direction)["departure_s"] // 60).to_list()


def test_a_flat_profile_gives_even_headways_from_first_to_last_departure():
    table = timetable(lines(line(departures=10)), hours(), turn_s=600)

    assert departures(table, 0) == [360, 390, 420, 450, 480]


def test_the_way_back_begins_one_running_time_and_one_turn_after_the_way_out():
    table = timetable(lines(line(departures=10, length_km=10.0)), hours(speed=20.0), turn_s=600)

    assert departures(table, 1) == [360 + 40, 390 + 40, 420 + 40, 450 + 40, 480 + 40]
    assert table.filter(pl.col("direction") == 1)["from_terminal"].unique().to_list() == ["east"]


def test_an_odd_departure_goes_out_and_none_is_lost():
    table = timetable(lines(line(departures=7), line("b", departures=1)), hours())

    assert table.height == 8
    assert table.filter(pl.col("direction") == 0).height == 5


def test_an_hour_of_double_frequency_has_twice_the_departures():
    frequency = [2.0 if hour == 7 else 1.0 for hour in range(24)]
    table = timetable(lines(line(departures=2 * 31, first=360, last=480)), hours(frequency=frequency))

    out = departures(table, 0)
    assert sum(minute < 420 for minute in out) == 10
    assert sum(minute >= 420 for minute in out) == 21


def test_running_time_follows_the_speed_of_each_hour_driven_through():
    speed = [20.0 if hour < 7 else 10.0 for hour in range(24)]
    table = timetable(lines(line(departures=1, length_km=15.0, first=390, last=390)), hours(speed=speed))

    assert table["run_s"].to_list() == [3600]


def test_no_bus_arrives_before_one_that_left_earlier():
    speed = [10.0 if hour in (7, 8) else 40.0 for hour in range(24)]
    table = timetable(lines(line(departures=400, length_km=25.0, first=300, last=720)), hours(speed=speed))

    for direction in (0, 1):
        arrival = (
            table.filter(pl.col("direction") == direction)
            .sort("departure_s")
            .select(pl.col("departure_s") + pl.col("run_s"))
            .to_series()
        )
        assert arrival.diff().min() >= 0


def test_a_weekend_day_has_the_weekend_departures():
    table = timetable(lines(line(departures=10)), hours(), weekend=True)

    assert table.height == 5


def test_a_kind_without_all_hours_is_named():
    short = LineHour.validate(hours().filter(pl.col("hour") != 3))

    with pytest.raises(DataError, match=r"'regular' has 23 of 24 hours"):
        timetable(lines(line()), short)


def fewest_buses(table: pl.DataFrame, layover_s: int) -> int:
    """Try every way to join trips of a line, one after the other."""
    rows = table.sort("departure_s").rows(named=True)

    def rest(i: int, free: tuple[int, ...]) -> int:
        if i == len(rows):
            return 0
        row = rows[i]
        best = 1 + rest(i + 1, (*free, i))
        for j in free:
            before = rows[j]
            ready = before["departure_s"] + before["run_s"] + layover_s
            same = (before["line"], before["to_terminal"]) == (row["line"], row["from_terminal"])
            if same and ready <= row["departure_s"]:
                best = min(best, rest(i + 1, (*(k for k in free if k != j), i)))
        return best

    return rest(0, ())


def random_trips(seed: int, count: int = 7) -> dy.DataFrame[Trip]:
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        ends = ("west", "east") if rng.random() < 0.5 else ("east", "west")
        name = "ab"[int(rng.random() < 0.2)]
        rows.append((name, int(rng.integers(0, 60)) * 60, int(rng.integers(5, 25)) * 60, *ends))
    return trips(*rows)


@pytest.mark.parametrize("rule", ["first_in", "last_in"])
@pytest.mark.parametrize("seed", range(25))
def test_chaining_needs_as_few_buses_as_trying_every_way(seed, rule):
    table = random_trips(seed)

    chained = chain(table, layover_s=120, rule=rule)

    assert chained["block"].n_unique() == fewest_buses(table, 120)


@pytest.mark.parametrize("rule", ["first_in", "last_in"])
def test_a_bus_is_never_at_two_places_and_always_has_its_layover(rule):
    table = chain(random_trips(1, 200), layover_s=180, rule=rule).sort("block", "departure_s")
    following = table.with_columns(pl.all().shift(-1).over("block").name.suffix("_next")).drop_nulls("trip_next")

    assert following.height > 50
    assert (following["to_terminal"] == following["from_terminal_next"]).all()
    assert (following["departure_s"] + following["run_s"] + 180 <= following["departure_s_next"]).all()


def test_two_buses_serve_a_line_whose_round_trip_takes_two_headways():
    table = timetable(lines(line(departures=26, length_km=10.0, first=360, last=720)), hours(), turn_s=0)

    assert chain(table, layover_s=0)["block"].n_unique() == 2


def test_lines_that_share_a_depot_and_terminal_need_fewer_buses_together():
    table = trips(("a", 0, 600, "west", "east"), ("b", 900, 600, "east", "west"))

    assert chain(table, layover_s=60, pool="line")["block"].n_unique() == 2
    assert chain(table, layover_s=60, pool="depot")["block"].n_unique() == 1


KM_NORTH = 1.0 / 111.195
SITES = {
    "depot": (116.0, 40.0),
    "west": (116.0, 40.0 + 10.0 * KM_NORTH),
    "east": (116.0, 40.0 + 20 * KM_NORTH),
}


def moves_of(*rows: tuple, **options) -> dy.DataFrame[BlockMove]:
    return block_moves(chain(trips(*rows), layover_s=300), places(**SITES), layover_s=300, **options)


def test_a_bus_leaves_the_depot_in_time_and_goes_home_after_its_last_trip():
    moves = moves_of(("a", 36000, 1800, "west", "east"), detour=1.5, empty_speed_kmh=30.0)

    assert moves["kind"].to_list() == ["pull_out", "trip", "pull_in"]
    assert moves["depart_s"].to_list() == [36000 - 1800, 36000, 37800]
    assert moves["drive_s"].to_list() == [1800, 1800, 3600]
    assert moves["length_km"].round(2).to_list() == [15.0, 10.0, 30.0]
    assert moves["at_depot"].to_list() == [False, False, True]


def test_a_bus_stands_in_the_depot_between_the_peaks_when_the_gap_is_long():
    peaks = (("a", 28800, 1800, "west", "east"), ("a", 61200, 1800, "east", "west"))

    moves = moves_of(*peaks, depot_gap_s=5400)

    assert moves["block"].n_unique() == 1
    kinds = ["pull_out", "trip", "pull_in", "pull_out", "trip", "pull_in"]
    assert moves["kind"].to_list() == kinds
    assert moves["dwell_s"].to_list() == [0, 0, 0, 0, 0, 0]


def test_a_bus_waits_at_the_terminal_when_the_gap_is_too_short_for_the_empty_runs():
    # 20 km at 1.3 and 25 km/h take 3,744 s a way; the gap is 600 s short of 5,400 s in the depot.
    close = (("a", 28800, 1800, "west", "east"), ("a", 30600 + 12288, 1800, "east", "west"))

    moves = moves_of(*close, depot_gap_s=5400)

    assert moves["kind"].to_list() == ["pull_out", "trip", "trip", "pull_in"]
    assert moves["dwell_s"].to_list() == [0, 300, 0, 0]


def test_buses_out_counts_the_buses_away_from_the_depot_at_once():
    moves = moves_of(
        ("a", 36000, 1800, "west", "east"),
        ("a", 36600, 1800, "west", "east"),
        ("a", 72000, 1800, "west", "east"),
    )

    assert moves["block"].n_unique() == 3
    assert buses_out(moves) == 2


def test_trips_without_blocks_are_refused():
    with pytest.raises(DataError, match="1 trips have no block"):
        block_moves(trips(("a", 0, 60, "west", "east")), places(**SITES))


def test_a_terminal_that_is_no_place_is_named():
    chained = chain(trips(("a", 0, 60, "west", "nowhere")), layover_s=0)

    with pytest.raises(DataError, match="'nowhere'"):
        block_moves(chained, places(**SITES))


def two_terminals(second_departure: int) -> tuple[dy.DataFrame[Trip], dy.DataFrame[Place]]:
    """Two trips of one bus: to `east` at 0:20, then from `north`, 3.34 km away, 481 s at 25 km/h."""
    table = trips(("a", 0, 1200, "west", "east"), ("b", second_departure, 600, "north", "west"))
    table = Trip.validate(table.with_columns(block=pl.lit(0, dtype=pl.Int64)))
    return table, places(depot=(116.0, 40.0), west=(116.0, 40.0), east=(116.1, 40.0), north=(116.1, 40.03))


def test_a_bus_runs_empty_to_the_terminal_of_its_next_trip_and_waits_there():
    moves = block_moves(*two_terminals(3600), layover_s=300, detour=1.0)

    assert moves["kind"].to_list() == ["pull_out", "trip", "deadhead", "trip", "pull_in"]
    empty = moves.row(2, named=True)
    assert (empty["depart_s"], empty["from_place"], empty["to_place"]) == (1200, "east", "north")
    assert empty["length_km"] == pytest.approx(3.336, abs=1e-3)
    assert empty["drive_s"] == 480
    assert (moves.row(1, named=True)["dwell_s"], empty["dwell_s"]) == (0, 300)


def test_a_given_block_with_too_little_time_for_the_empty_run_is_taken_to_be_in_time():
    empty = block_moves(*two_terminals(1500), layover_s=300, detour=1.0).row(2, named=True)

    assert (empty["drive_s"], empty["dwell_s"]) == (300, 0)


def test_a_bus_that_goes_home_between_makes_no_deadhead():
    moves = block_moves(*two_terminals(30_000), layover_s=300, detour=1.0)

    assert moves["kind"].to_list() == ["pull_out", "trip", "pull_in", "pull_out", "trip", "pull_in"]
