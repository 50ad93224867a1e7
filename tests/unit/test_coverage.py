import polars as pl
import pytest

from charging.coverage import blank_spots, coverage, distance_quantiles, zone_coverage, zone_standards
from charging.tables import Coverage, ZoneCoverage
from networks.errors import ScenarioError

STANDARD = {"public": {"core": 0.9, "plain_new_town": 3.0, "mountain": 10.0}}


def zones() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "zone": ["a", "b", "c", "d"],
            "district": ["east", "east", "west", "west"],
            "functional_zone": ["core", "core", "plain_new_town", "plain_new_town"],
            "mountain": [False, False, False, True],
            "population": [100, 300, 500, 100],
        }
    )


def table(distances: list[tuple[str, float]]) -> pl.DataFrame:
    near = pl.DataFrame(
        [(zone, "public", km) for zone, km in distances],
        schema={"zone": pl.String, "kind": pl.String, "distance_km": pl.Float64},
        orient="row",
    )
    return zone_coverage(zones(), near, zone_standards(zones(), STANDARD), year=2025)


def row(result: pl.DataFrame, district: str) -> dict:
    return result.row(by_predicate=pl.col("district") == district, named=True)


def test_a_zone_is_covered_when_its_station_lies_within_the_standard_of_its_place():
    covered = table([("a", 0.9), ("b", 1.0), ("c", 2.9), ("d", 9.0)])
    assert dict(covered.select("zone", "covered").iter_rows()) == {"a": True, "b": False, "c": True, "d": True}
    ZoneCoverage.validate(covered)


def test_coverage_by_district_and_city_counts_residents():
    result = coverage(table([("a", 0.5), ("b", 1.0), ("c", 2.0), ("d", 20.0)]))
    Coverage.validate(result)
    assert row(result, "east")["covered_share"] == pytest.approx(100 / 400)
    assert row(result, "all") == {
        "year": 2025,
        "kind": "public",
        "district": "all",
        "population": 1000,
        "covered_share": pytest.approx(0.6),
        "mean_distance_km": pytest.approx((50 + 300 + 1000 + 2000) / 1000),
        "p95_distance_km": 20.0,
    }


def test_p95_is_the_distance_within_which_95_percent_live():
    shares = coverage(table([("a", 0.5), ("b", 1.0), ("c", 2.0)]))
    assert row(shares, "east")["p95_distance_km"] == 1.0
    assert row(shares, "west")["p95_distance_km"] is None, "100 of 600 residents have none in reach"


def test_residents_without_any_station_are_not_covered_and_have_no_distance():
    result = row(coverage(table([])), "all")
    assert (result["covered_share"], result["mean_distance_km"], result["p95_distance_km"]) == (0.0, None, None)


def test_the_nearest_of_several_stations_counts():
    assert row(coverage(table([("a", 0.5), ("a", 7.0), ("b", 0.2)])), "east")["covered_share"] == 1.0


def test_quantiles_rise_with_their_share():
    result = distance_quantiles(table([("a", 0.5), ("b", 1.0), ("c", 2.0), ("d", 3.0)]), (0.1, 0.4, 0.5, 1.0))
    assert result.filter(pl.col("district") == "all")["distance_km"].to_list() == [0.5, 1.0, 2.0, 3.0]


def test_blank_spots_come_with_most_residents_first():
    assert blank_spots(table([("c", 1.0)]))["zone"].to_list() == ["b", "a", "d"]


def test_a_functional_zone_without_distance_is_named():
    with pytest.raises(ScenarioError, match="no distance for 'plain_new_town'"):
        zone_standards(zones(), {"public": {"core": 0.9, "mountain": 10.0}})
