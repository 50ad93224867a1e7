"""Clauses by operator and district, exempt vehicles apart, and paths that differ by functional zone (clause 4)."""

from dataclasses import replace
from functools import cache

import polars as pl
import pytest

from fleetsim import cars, fast_path, policy
from fleetsim.datasets import City, city_folder, read_city
from fleetsim.scenario.scenario import Scenario


@cache
def city() -> City:
    return read_city(city_folder("beijing"))


def buses(*rows: tuple[str, str, str, str, float]) -> pl.DataFrame:
    names = ["district", "operator", "powertrain", "exempt_reason", "vehicles"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        year=pl.lit(2025, dtype=pl.Int64), fleet=pl.lit("bus_municipal")
    )


def table(rows: pl.DataFrame) -> pl.DataFrame:
    found = policy.by_operator(rows, rows, city().clauses, city().powertrains, city().districts)
    return found.filter(pl.col("clause") == "bus")


def test_each_operator_of_a_district_has_its_own_share_by_hand() -> None:
    found = table(
        buses(
            ("Haidian", "first", "BEV", "none", 30.0),
            ("Haidian", "first", "diesel", "none", 10.0),
            ("Haidian", "second", "BEV", "none", 5.0),
            ("Miyun", "first", "diesel", "none", 8.0),
        )
    )

    shares = {(row["district"], row["operator"]): row["share"] for row in found.iter_rows(named=True)}
    assert shares == {("Haidian", "first"): 0.75, ("Haidian", "second"): 1.0, ("Miyun", "first"): 0.0}
    assert dict(found.select("district", "functional_zone").iter_rows()) == {
        "Haidian": "central_city",
        "Miyun": "ecological",
    }


def test_an_exempt_vehicle_stands_apart_and_changes_no_share() -> None:
    rows = [("Haidian", "first", "BEV", "none", 3.0), ("Haidian", "first", "diesel", "none", 1.0)]
    plain = table(buses(*rows)).row(0, named=True)

    found = table(buses(*rows, ("Haidian", "first", "diesel", "mountain_line", 7.0))).row(0, named=True)

    assert (plain["share"], found["share"]) == (0.75, 0.75)
    assert (plain["exempt"], found["exempt"], found["exempt_compliant"]) == (0.0, 7.0, 0.0)


@pytest.mark.parametrize(("factor", "faster"), [(0.5, False), (1.3, True)])
def test_a_zone_on_another_path_changes_its_own_districts_only(factor: float, faster: bool) -> None:
    plain = Scenario.shipped("outlook")
    differing = plain.set({"policy.zone_factor": {"ecological": factor}})
    start = fast_path.begin(city(), plain, 2024, cars.prior(plain.cars))
    other = replace(start.rules, sections=fast_path.sections_of(differing))
    goods = [one for one in start.cohorts if one.fleet == "goods_light_pass"]
    nev = start.rules.nev

    before = fast_path.turn_over(goods, start.rules, start.years)[2024][0]
    after = fast_path.turn_over(goods, other, start.years)[2024][0]

    zones = dict(city().districts.select("district", pl.col("functional_zone").cast(pl.String)).iter_rows())
    ecological = [zones[cell[0]] == "ecological" for cell in before.cells]
    gain = (after.counts - before.counts)[nev].sum(axis=(0, 1))
    assert (gain[ecological].sum() > 0.0) == faster
    assert abs(gain[ecological].sum()) > 10.0
    # Rounding to whole vehicles hands fractions on between cells, so others may move by a vehicle a year.
    assert abs(gain[[not one for one in ecological]]).max() <= 4.0
