"""What a scripted schedule comes to: stock, purchases, spending, chargers and grid by depot and year, and its chart."""

from __future__ import annotations

from typing import Any

import polars as pl

from fleetsim import choice
from fleetsim.charts import COLOURS, FONT, SCHEMA
from fleetsim.datasets import City
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.sections import at_year
from fleetsim.schedules.city import Turnover
from fleetsim.texts import Language, texts

Spec = dict[str, Any]


def by_powertrain(city: City, scenario: Scenario, turned: Turnover) -> pl.DataFrame:
    """Return fleet, district, powertrain, year, depot, held, bought and vehicle_cny of the planned fleets."""
    section = scenario.schedule.solve
    keys = ["fleet", "district", "powertrain", "year"]
    fleets = sorted({*section.fleets, *(line.fleet for line in scenario.schedule.convert)})
    held, bought = (
        table.filter(pl.col("fleet").is_in(fleets), pl.col("year") >= section.first_year)
        .with_columns(pl.col("powertrain").cast(pl.String))
        .group_by(keys, maintain_order=True)
        .agg(pl.col("vehicles").sum().alias(name))
        for table, name in ((turned.stock, "held"), (turned.additions, "bought"))
    )
    group = city.fleets.select("fleet", group=pl.col("group").cast(pl.String))
    joined = held.join(bought, on=keys, how="full", coalesce=True).join(group, on="fleet")
    joined = joined.with_columns(pl.col("held", "bought").fill_null(0.0))
    priced = joined.join(_prices(city, scenario, fleets), on=["fleet", "powertrain", "year"], how="left")
    return priced.with_columns(
        depot=pl.format("{}:{}", "group", "district"),
        vehicle_cny=(pl.col("bought") * pl.col("price_cny")).fill_null(0.0),
    ).sort(keys)


def _prices(city: City, scenario: Scenario, fleets: list[str]) -> pl.DataFrame:
    """Return fleet, powertrain, year: price less grant, energy at the depot and hydrogen of the design day."""
    section, parts = scenario.schedule.solve, []
    rows = {row["fleet"]: row for row in city.fleets.iter_rows(named=True)}
    loss = 1.0 + scenario.stock.charging_loss_share
    for fleet in fleets:
        row = rows[fleet]
        daily = float(row["annual_km"]) / section.working_days * section.winter_factor
        share = section.depot_energy_share.get(str(row["group"]), 0.0)
        types = choice.types_of(city.vehicle_types, fleet, str(row["group"]))
        kind = pl.col("powertrain").cast(pl.String)
        electric = pl.when(kind == "BEV").then("use_per_km").when(kind == "PHEV")
        use = electric.then(pl.col("electric_kwh_per_km") * pl.col("electric_km_share")).otherwise(0.0)
        for year in range(section.first_year, scenario.run.last_year + 1):
            costs = choice.vehicle_costs(types, city.energy_prices, scenario.stock, year, scenario.run.first_year)
            grant = at_year(scenario.stock.purchase_grant_share, year)
            parts.append(
                costs.select(
                    pl.lit(fleet).alias("fleet"),
                    kind.alias("powertrain"),
                    pl.lit(year, pl.Int64).alias("year"),
                    price_cny=pl.col("price_now_cny") * (1.0 - grant * pl.col("grant")),
                    day_kwh=use * daily * loss * share,
                    day_kg=pl.when(kind == "FCEV").then(pl.col("use_per_km") * daily).otherwise(0.0),
                )
            )
    return pl.concat(parts)


def depots(city: City, scenario: Scenario, detail: pl.DataFrame) -> pl.DataFrame:
    """Return one row a depot and year: vehicles, new-energy ones, purchases, chargers, grid power, hydrogen, spending.

    Parameters
    ----------
    city, scenario
        Stations that stand; sizes and prices of `schedule.solve`.
    detail
        Result of `by_powertrain`.

    Notes
    -----
    Chargers = energy of the design day at the depot over what a charger gives, rounded up, and never fewer than stood
    the year before; grid power = chargers x their power x simultaneity; modules = what that is above the first year's
    connection over a module's power, rounded up. Spending counts vehicles, chargers and modules added.
    """
    section = scenario.schedule.solve
    nev = pl.col("powertrain").is_in(choice.NEW_ENERGY)
    sums = detail.group_by("depot", "year", maintain_order=True).agg(
        held=pl.col("held").sum(),
        nev=pl.col("held").filter(nev).sum(),
        bought=pl.col("bought").sum(),
        energy_kwh=(pl.col("held") * pl.col("day_kwh").fill_null(0.0)).sum(),
        hydrogen_kg=(pl.col("held") * pl.col("day_kg").fill_null(0.0)).sum(),
        vehicle_cny=pl.col("vehicle_cny").sum(),
    )
    kw = {name: value for name, value in scenario.siting.depot_power_kw.items()}
    power = pl.col("depot").str.split(":").list.first().replace_strict(kw, default=60.0, return_dtype=pl.Float64)
    stood = city.stations.filter(
        pl.col("kind").cast(pl.String) == "depot", pl.col("opened_year") < section.first_year
    ).group_by(depot=pl.format("{}:{}", pl.col("fleet_group").cast(pl.String), "district"), maintain_order=True)
    plugs = stood.agg(plugs=pl.col("plugs").sum().cast(pl.Float64))
    table = sums.join(plugs, on="depot", how="left").sort("depot", "year").with_columns(power_kw=power)
    need = (pl.col("energy_kwh") / (pl.col("power_kw") * section.charger_hours) - 1e-9).ceil()
    grown = table.with_columns(chargers=pl.max_horizontal(need, pl.col("plugs").fill_null(0.0)).cum_max().over("depot"))
    return _spending(grown, scenario)


def _spending(table: pl.DataFrame, scenario: Scenario) -> pl.DataFrame:
    section = scenario.schedule.solve
    drawn = pl.col("chargers") * pl.col("power_kw") * section.simultaneity_share
    first = pl.max_horizontal(pl.col("plugs").fill_null(0.0), 0.0) * pl.col("power_kw") * section.simultaneity_share
    sized = table.with_columns(grid_kw=drawn, modules=((drawn - first) / section.module_kw - 1e-9).ceil().clip(0.0))

    def added(name: str, start: pl.Expr) -> pl.Expr:
        return pl.col(name) - pl.col(name).shift(1).over("depot").fill_null(start)

    site = added("chargers", pl.col("plugs").fill_null(0.0)) * pl.col("power_kw") * section.charger_cny_per_kw
    site = site + added("modules", pl.lit(0.0)) * section.module_cny
    return sized.with_columns(budget_cny=pl.col("vehicle_cny") + site).select(
        "depot", "year", "held", "nev", "bought", "chargers", "modules", "grid_kw", "energy_kwh", "hydrogen_kg",
        "budget_cny",
    )  # fmt: skip


def yearly(table: pl.DataFrame) -> pl.DataFrame:
    """Return the city's sums by year of a depot table."""
    numbers = [name for name in table.columns if name not in ("depot", "year")]
    return table.group_by("year", maintain_order=True).agg(pl.col(numbers).sum()).sort("year")


def chart(detail: pl.DataFrame, table: pl.DataFrame, lang: Language) -> Spec:
    """Return the chart: vehicles and purchases by powertrain, spending, chargers and charging power by fleet group."""
    words = texts(lang, "schedule")
    stock = detail.group_by("year", "powertrain", maintain_order=True).agg(pl.col("held", "bought").sum().round(1))
    group = pl.col("depot").str.split(":").list.first()
    site = (
        table.group_by("year", group.alias("group"), maintain_order=True)
        .agg(
            pl.col("chargers").sum(),
            (pl.col("grid_kw").sum() / 1e3).round(2),
            (pl.col("budget_cny").sum() / 1e6).round(2),
        )
        .sort("year", "group")
    )
    return {
        "$schema": SCHEMA,
        "config": {"font": FONT},
        "hconcat": [
            _panel(stock.sort("year", "powertrain"), "held", "powertrain", words["chart_held"], words),
            _panel(stock.sort("year", "powertrain"), "bought", "powertrain", words["chart_bought"], words),
            _panel(site, "budget_cny", "group", words["chart_budget"], words),
            _panel(site, "chargers", "group", words["chart_chargers"], words),
            _panel(site, "grid_kw", "group", words["chart_grid"], words),
        ],
        "resolve": {"scale": {"color": "independent"}},
    }


def _panel(table: pl.DataFrame, value: str, colour: str, title: str, words: dict[str, Any]) -> Spec:
    scale = (
        {"domain": list(COLOURS), "range": list(COLOURS.values())}
        if colour == "powertrain"
        else {"scheme": "tableau10"}
    )
    return {
        "title": title,
        "width": 220,
        "height": 240,
        "data": {"values": table.select("year", colour, value).to_dicts()},
        "mark": "bar",
        "encoding": {
            "x": {"field": "year", "type": "ordinal", "title": words["year"], "axis": {"labelAngle": 0}},
            "y": {"field": value, "type": "quantitative", "title": None, "stack": True},
            "color": {"field": colour, "title": None, "scale": scale, "legend": {"orient": "bottom", "columns": 3}},
        },
    }
