import polars as pl
from polars.testing import assert_frame_equal

from charging.tables import Session, StationLoad
from fleetsim.compact import compact, joined, packed, unpacked


def load(year: int, station: str) -> pl.DataFrame:
    row = dict.fromkeys(("energy_kwh", "peak_kw", "mean_wait_min", "p95_wait_min"), 0.1)
    return StationLoad.validate(
        pl.DataFrame(
            {
                "year": year,
                "day": "winter",
                "station_id": [station, "depot"],
                "hour": [8, 9],
                "served": 3,
                "unserved": 0,
            }
            | row
        ).select(StationLoad.column_names()),
        cast=True,
    )


def test_tables_of_days_come_back_as_they_were() -> None:
    parts = [load(2025, "b"), load(2026, "a")]

    assert_frame_equal(joined("station_load", [compact("station_load", part) for part in parts]), pl.concat(parts))


def test_a_day_without_rows_is_joined_with_others() -> None:
    parts = [load(2025, "b").clear(), load(2026, "a")]

    assert_frame_equal(joined("station_load", [compact("station_load", part) for part in parts]), parts[1])


def test_sessions_keep_single_precision_and_categories_in_the_order_of_their_texts() -> None:
    def session(year: int, fleet: str) -> pl.DataFrame:
        row = {"year": year, "day": "mild", "fleet": fleet, "vehicle_id": 7, "station_id": "s", "hydrogen_kg": None}
        times = {"arrive": 0.1, "start": 1.0, "end": 2.0, "energy_kwh": 0.1}
        return Session.validate(pl.DataFrame(row | times).select(Session.column_names()), cast=True)

    table = joined("sessions", [compact("sessions", session(2025, "taxi")), compact("sessions", session(2026, "bus"))])

    assert table.schema["fleet"] == pl.Enum(["bus", "taxi"])
    assert table.schema["vehicle_id"] == table.schema["year"] == pl.Int64
    assert table["arrive"].to_list() == [0.10000000149011612] * 2
    assert table["year"].to_list() == [2025, 2026]


def test_a_packed_table_comes_back_as_it_was() -> None:
    parts = [compact("station_load", load(2025, "b")), compact("station_load", load(2026, "a"))]

    assert_frame_equal(pl.concat(unpacked([packed(part) for part in parts])), pl.concat(parts))


def test_other_tables_stay_as_they_are() -> None:
    table = pl.DataFrame({"year": [2025], "value": [0.1]})

    assert compact("service", table) is table
