import polars as pl
import pytest
from pydantic import ValidationError

from charging.sizing import expected_wait
from charging.tables import DepotFleet, SitingReport, Station, StationLoad
from fleetsim.network_growth import (
    SitingGround,
    count_piles,
    enlarge,
    grow_depots,
    new_stations,
    site_stations,
    spread,
)
from fleetsim.scenario.stations import SitingSection

YEAR = 2021


def station(station_id: str, kind: str = "public", **given: object) -> dict[str, object]:
    base = {"name": station_id, "lon": 116.4, "lat": 39.9, "district": "east", "opened_year": 2020}
    return {
        "station_id": station_id,
        "kind": kind,
        "plugs": 10,
        "power_kw": 60.0,
        "basis": "assumption",
        **base,
        **given,
    }


def stations(*rows: dict[str, object]) -> pl.DataFrame:
    schema = Station.create_empty().schema
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def depots(*rows: tuple[str, str, float]) -> pl.DataFrame:
    table = [(depot, group, depot.title(), "east", 116.3, 39.8, vehicles) for depot, group, vehicles in rows]
    return pl.DataFrame(table, schema=DepotFleet.create_empty().schema, orient="row")


def one(table: pl.DataFrame, station_id: str) -> dict:
    return table.row(by_predicate=pl.col("station_id") == station_id, named=True)


def ground(left: dict[str, tuple[float, float]], people: dict[str, int], near: list[tuple[str, str, float]]):
    kind = "public"
    names = sorted({candidate for _, candidate, _ in near})
    demand = [(zone, kind, unserved, waiting) for zone, (unserved, waiting) in left.items()]
    zones = [(2020, zone, kind, "east", number, None, 1.0, False) for zone, number in people.items()]
    text = pl.String
    return SitingGround(
        demand=pl.DataFrame(
            demand, orient="row", schema={"zone": text, "kind": text, "unserved": pl.Float64, "waiting": pl.Float64}
        ),
        zones=pl.DataFrame(
            zones,
            orient="row",
            schema={
                "year": pl.Int64,
                "zone": text,
                "kind": text,
                "district": text,
                "population": pl.Int64,
                "distance_km": pl.Float64,
                "standard_km": pl.Float64,
                "covered": pl.Boolean,
            },
        ),
        candidates=pl.DataFrame(
            {"candidate": names, "name": names, "district": "east", "lon": 116.4, "lat": 39.9},
        ),
        access=pl.DataFrame(near, orient="row", schema={"zone": text, "candidate": text, "distance_km": pl.Float64}),
    )


def section(count: float, **given: object) -> SitingSection:
    return SitingSection(years=(YEAR,), stations_per_year={"public": {YEAR: count}}, **given)


def test_depots_get_plugs_by_the_rule_of_their_fleet_group():
    grown = grow_depots(
        stations(station("yard", "depot", plugs=4, site_limit_kw=240.0)),
        depots(("yard", "bus", 100.0)),
        SitingSection(),
        year=YEAR,
    )
    yard = one(grown, "yard")
    assert (yard["plugs"], yard["site_limit_kw"], yard["basis"]) == (35, 2100.0, "synthetic")
    assert yard["reason"] == "depot rule 2021: 35 plugs for 100 plug-in vehicles"


def test_depots_never_lose_plugs():
    before = stations(station("yard", "depot", plugs=50))
    assert grow_depots(before, depots(("yard", "bus", 100.0)), SitingSection(), year=YEAR).equals(before)


def test_a_depot_without_plugs_opens_with_those_its_groups_need_together():
    grown = grow_depots(
        stations(), depots(("yard", "bus", 10.0), ("yard", "sanitation", 3.0)), SitingSection(), year=YEAR
    )
    assert one(grown, "yard")["plugs"] == 5
    assert one(grown, "yard")["fleet_group"] is None


def test_public_stations_are_no_depots():
    before = stations(station("yard", "public"))
    assert one(grow_depots(before, depots(), SitingSection(), year=YEAR), "yard")["plugs"] == 10


def test_a_siting_year_opens_what_fell_due_since_the_last_one():
    rates = {"public": {2021: 10.0, 2025: 50.0}}
    plan = SitingSection(years=(2021, 2023), stations_per_year=rates)
    assert [new_stations(plan, year, "public") for year in (2021, 2022, 2023)] == [10, 0, 20 + 30]
    assert new_stations(plan, 2021, "swap") == 0


def test_stations_open_where_most_demand_was_left():
    there = ground(
        {"a": (30.0, 0.0), "b": (25.0, 0.0), "c": (50.0, 0.0)},
        {"a": 0, "b": 0, "c": 0},
        [("a", "x", 0.5), ("b", "x", 0.9), ("c", "y", 0.5), ("b", "y", 1.1)],
    )
    grown, report = site_stations(stations(), there, section(1), year=YEAR, kind="public")
    SitingReport.validate(report)
    assert grown["station_id"].to_list() == ["public-x"]
    row = report.row(0, named=True)
    assert (row["visits_gained"], row["plan_objective"], row["plan_bound"]) == (55.0, 55.0, 55.0)
    assert row["plan_status"] == "optimal"
    assert grown["reason"][0].startswith("sited 2021: 55.0 visits a day left unserved or waiting nearby")


def test_a_waiting_visit_weighs_half_and_residents_weigh_by_their_rate():
    there = ground({"a": (0.0, 30.0), "b": (14.0, 0.0)}, {"a": 0, "b": 2000}, [("a", "x", 0.5), ("b", "y", 0.5)])
    grown, report = site_stations(stations(), there, section(1), year=YEAR, kind="public")
    assert grown["station_id"].to_list() == ["public-y"]
    assert report["plan_objective"][0] == pytest.approx(14.0 + 2000 * 2.0 / 1000)
    assert report["population_gained"][0] == 2000


def test_new_stations_meet_the_wait_standard_at_their_peak():
    there = ground({"a": (400.0, 0.0)}, {"a": 0}, [("a", "x", 0.5)])
    plan = section(1)
    grown, report = site_stations(stations(), there, plan, year=YEAR, kind="public")
    assert report["peak_arrivals_per_h"][0] == pytest.approx(40.0)
    wait = expected_wait(40.0, 45.0, grown["plugs"][0], variability=0.75)
    assert report["expected_wait_min"][0] == pytest.approx(wait.mean_min)
    assert wait.mean_min <= plan.wait_standard_min["public"]


def test_no_station_opens_that_would_add_nothing():
    there = ground({"a": (10.0, 0.0)}, {"a": 0}, [("a", "x", 0.5), ("a", "y", 0.2)])
    grown, report = site_stations(stations(), there, section(2), year=YEAR, kind="public")
    assert grown.height == report.height == 1


def test_existing_stations_stay_and_their_candidates_are_not_used_twice():
    there = ground({"a": (10.0, 0.0)}, {"a": 0}, [("a", "x", 0.5), ("a", "y", 0.9)])
    first, _ = site_stations(stations(station("old")), there, section(1), year=YEAR, kind="public")
    second, _ = site_stations(first, there, section(1), year=YEAR, kind="public")
    assert second["station_id"].to_list() == ["old", "public-x", "public-y"]


def test_nothing_opens_in_a_year_that_is_no_siting_year():
    there = ground({"a": (10.0, 0.0)}, {"a": 0}, [("a", "x", 0.5)])
    grown, report = site_stations(stations(), there, section(1), year=2022, kind="public")
    assert grown.is_empty()
    assert report.is_empty()


def load(*rows: tuple[str, float, int]) -> pl.DataFrame:
    table = [(YEAR, "winter_weekday", name, 18, 0.0, 0.0, wait, wait, served, 0) for name, wait, served in rows]
    return pl.DataFrame(table, schema=StationLoad.create_empty().schema, orient="row")


def test_the_budget_of_piles_is_spent_to_the_pile():
    before = stations(station("long"), station("short"))
    grown = enlarge(
        before,
        load(("long", 90.0, 20), ("short", 0.0, 5)),
        SitingSection(public_piles_per_year={YEAR: 17.0}),
        year=YEAR,
    )
    assert grown["plugs"].sum() == before["plugs"].sum() + 17
    assert one(grown, "long")["plugs"] > one(grown, "short")["plugs"]


def test_the_longest_wait_is_served_first_when_the_budget_is_short():
    before = stations(station("long"), station("longer"))
    grown = enlarge(
        before,
        load(("long", 60.0, 30), ("longer", 90.0, 30)),
        SitingSection(public_piles_per_year={YEAR: 3.0}),
        year=YEAR,
    )
    assert [one(grown, name)["plugs"] for name in ("long", "longer")] == [10, 13]


def test_new_stations_of_the_year_draw_on_the_same_budget():
    before = stations(station("old"), station("new", opened_year=YEAR, plugs=8))
    grown = enlarge(before, load(("old", 0.0, 9)), SitingSection(public_piles_per_year={YEAR: 10.0}), year=YEAR)
    assert one(grown, "old")["plugs"] == 12


def test_a_swap_station_grows_with_its_packs():
    before = stations(station("swap", "swap", plugs=1, packs=28))
    grown = enlarge(before, load(("swap", 45.0, 14)), SitingSection(), year=YEAR)
    assert (one(grown, "swap")["plugs"], one(grown, "swap")["packs"]) == (2, 56)


def test_depots_are_not_enlarged_by_waits():
    before = stations(station("yard", "depot"))
    assert one(enlarge(before, load(("yard", 90.0, 9)), SitingSection(), year=YEAR), "yard")["plugs"] == 10


def test_piles_add_up_to_their_total():
    standing = stations(
        station("a"), station("b", "depot", plugs=7), station("c", "swap"), station("d", opened_year=2030)
    )
    piles = count_piles(standing, electric_cars=1000.0, private_pile_share=0.4, year=2025)
    assert dict(piles.select(pl.col("kind").cast(pl.String), "piles").iter_rows()) == {
        "public": 10,
        "depot": 7,
        "private": 400,
        "total": 417,
    }


def test_spread_stops_where_all_room_is_taken():
    assert spread(100, [1.0, 2.0, 0.0], [3, 4, 5]).tolist() == [3, 4, 0]


def test_a_kind_without_its_wait_standard_is_named():
    with pytest.raises(ValidationError, match="siting: wait_standard_min has no entry for swap, hydrogen"):
        SitingSection(wait_standard_min={"public": 5.0})


def test_a_depot_rule_without_a_power_is_named():
    with pytest.raises(ValidationError, match="depot_power_kw has no entry for van"):
        SitingSection(depot_plugs_per_vehicle={"van": 0.2})
