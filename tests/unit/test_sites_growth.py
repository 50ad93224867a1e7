"""Stations grow with the years of a plan: each year has what it asks for, and never fewer plugs than before."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from line_city import YEAR, line_ground

from charging.tables import Station
from fleetsim.sites.choose import choose
from fleetsim.sites.ground import Ground
from fleetsim.sites.growth import by_year, plugs_in, station_years
from fleetsim.sites.outcome import all_stations, stands, with_plugs
from fleetsim.sites.request import Request
from fleetsim.sites.serve import chosen_sites
from fleetsim.sites.size import plugs_for

PEOPLE = [10_000, 30_000, 5_000, 70_000, 2_000, 90_000, 1_000, 40_000]
SITES = [0.0, 2.0, 3.0, 5.0, 6.0, 7.0]
YEARS = (2025, 2028, 2030)


def grown(visits: tuple[float, ...], section: dict[str, Any] | None = None) -> Ground:
    """Return the line in three years, with so many times its visits."""
    ground = line_ground(PEOPLE, SITES, [], section=section)
    base = ground.demand.zones[YEAR]
    zones = {
        year: base.with_columns(visits=pl.col("visits") * factor) for year, factor in zip(YEARS, visits, strict=True)
    }
    return replace(ground, demand=replace(ground.demand, zones=zones))


def test_a_station_has_the_plugs_of_each_year_and_keeps_them_where_fewer_come_later() -> None:
    ground = grown((0.1, 0.2, 0.14))
    choice = choose(ground, Request(model="median", years=YEARS, numbers=(1, 1, 1)))

    table = station_years(ground, choice, YEARS)

    # The only station stands at 5 and gets the 2,030 visits a day from 3 to 7, times the factor; a tenth at the peak.
    assert table["peak_arrivals_per_h"].to_list() == pytest.approx([20.3, 40.6, 28.42])
    most = ground.section.largest_plugs["public"]
    first, second = (plugs_for(ground, peak, most) for peak in (20.3, 40.6))
    assert first < second
    assert table["plugs"].to_list() == [first, second, second]
    assert table["added"].to_list() == [first, second - first, 0]
    plug_cny = ground.section.plug_cny["public"]
    site_cny = ground.section.site_cny["public"]
    assert table["cost_cny"].to_list() == [site_cny + first * plug_cny, (second - first) * plug_cny, 0.0]


def test_the_last_year_of_each_station_is_what_the_plan_tells_of_it() -> None:
    ground = grown((0.2, 0.6, 1.0))
    choice = choose(ground, Request(model="median", years=YEARS, numbers=(1, 2, 3)))

    table, sites = station_years(ground, choice, YEARS), chosen_sites(ground, choice, YEARS, "en")

    last = dict(table.filter(pl.col("year") == YEARS[-1]).select("station_id", "plugs").iter_rows())
    assert dict(sites.select("station_id", "plugs").iter_rows()) == last
    assert table["cost_cny"].sum() == pytest.approx(sites["cost_cny"].sum())
    first = table.group_by("station_id").agg(pl.col("year").min())
    assert dict(first.iter_rows()) == dict(sites.select("station_id", "year").iter_rows())
    assert table.sort("station_id", "year")["added"].min() >= 0  # type: ignore[operator]
    assert by_year(table)["plugs"].to_list() == [
        each.stations["plugs"].sum() for each in stands(ground, choice, sites, YEARS) if each.stage == "after"
    ]


def test_a_station_that_was_simulated_is_sized_for_what_came_in_each_year_or_by_the_demand_near_it() -> None:
    ground = grown((0.5, 1.0, 1.0))
    choice = choose(ground, Request(model="median", years=YEARS, numbers=(1, 1, 1)))
    name = station_years(ground, choice, YEARS)["station_id"][0]

    table = station_years(replace(ground, peaks={2028: {name: 60.0}, 2030: {name: 50.0}}), choice, YEARS)

    assert table["peak_arrivals_per_h"].to_list() == pytest.approx([30.0, 60.0, 50.0])


@pytest.mark.parametrize("model", ["service", "capacitated"])
def test_models_of_their_own_sizes_or_loads_tell_them_for_each_year(model: str) -> None:
    ground = grown((0.3, 0.6, 1.0))
    numbers = (2, 3, 4) if model == "service" else (5, 5, 6)
    choice = choose(ground, Request(model=model, years=YEARS, numbers=numbers))  # type: ignore[arg-type]

    table = station_years(ground, choice, YEARS)

    held = choice.yearly_plugs if model == "service" else choice.yearly_peaks
    assert len(held) == len(YEARS)
    for year, known in zip(YEARS, held, strict=True):
        of_year = table.filter(pl.col("year") == year)
        told = dict(of_year.select("station_id", "plugs" if model == "service" else "peak_arrivals_per_h").iter_rows())
        assert {name: told[name] for name in known} == pytest.approx(known)
    assert by_year(table)["plugs"].is_sorted()


def test_stations_that_grow_hold_more_packs_and_hydrogen() -> None:
    ground = grown((0.5, 1.0, 1.0))
    choice = choose(ground, Request(model="median", years=YEARS, numbers=(1, 1, 1)))
    city = replace(ground, city=type(ground.city)(**{**vars(ground.city), "stations": Station.create_empty()}))
    planned = all_stations(city, choice, chosen_sites(ground, choice, YEARS, "en")).with_columns(
        packs=pl.col("plugs") * 10, storage_kg=pl.col("plugs") * 5.0
    )
    sizes = station_years(ground, choice, YEARS)

    early = with_plugs(planned, plugs_in(sizes, 2025)).row(0, named=True)

    assert early["plugs"] == sizes["plugs"][0] < planned["plugs"][0]
    assert early["packs"] == early["plugs"] * 10
    assert early["storage_kg"] == pytest.approx(early["plugs"] * 5.0)
    assert plugs_in(sizes, 2024).is_empty()


@pytest.mark.parametrize("model", ["maximal", "gradual"])
def test_what_is_built_by_a_year_stays_within_its_budget_where_demand_falls_too(model: str) -> None:
    ground = grown((1.0, 0.5, 0.1))
    budgets = (8e6, 1.4e7, 2e7)
    choice = choose(ground, Request(model=model, years=YEARS, budgets_cny=budgets))  # type: ignore[arg-type]

    spent = by_year(station_years(ground, choice, YEARS)).select("year", pl.col("cost_cny").cum_sum())

    assert spent.height
    limits = dict(zip(YEARS, budgets, strict=True))
    assert all(cost <= limits[year] for year, cost in spent.iter_rows())
