"""Energy of the fleets over a year and its CO2 in two accounts that are never added.

The statutory account (GB/T 46531-2025) is the CO2 of fuel burnt by operating vehicles; electricity and hydrogen
count zero. The energy-system account holds every fleet: fuel burnt, electricity with the grid's factor of the year,
hydrogen by its pathway. The chain that brings petrol, diesel and gas to the tank is in neither.
"""

import dataframely as dy
import polars as pl

from fleetsim.scenario.accounts import CarbonSection
from fleetsim.scenario.sections import at_year
from fleetsim.tables import (
    Carbon,
    Day,
    DayUse,
    EmissionFactor,
    EnergyUse,
    Fleet,
    Observation,
    Powertrain,
    StockTotal,
    TopDown,
    VehicleType,
    YearUse,
)
from networks.errors import DataError, ScenarioError

PHEV_FUEL = "petrol"
PATHWAYS = ("by_product", "gas_reforming", "renewable", "grid_electrolysis")
USE_KEYS = ("year", "fleet", "powertrain", "carrier", "unit")
KG_PER_T = 1000.0


def year_use(day_use: dy.DataFrame[DayUse], days: dy.DataFrame[Day]) -> dy.DataFrame[YearUse]:
    """Return use and distance of the year from the simulated days, schema `YearUse`.

    Parameters
    ----------
    day_use
        Use of each simulated day.
    days
        Representative days and how many days of the year each stands for.

    Raises
    ------
    DataError
        If a day of `day_use` is not among the representative days.
    """
    unknown = sorted(set(day_use["day"]) - set(days["day"]))
    if unknown:
        raise DataError(f"days.csv, column day: {', '.join(unknown)} was simulated but has no weight; add a row")
    weighted = day_use.join(days.select("day", "weight_days"), on="day")
    return _year_table(
        weighted.group_by(USE_KEYS, maintain_order=True).agg(
            (pl.col("quantity", "distance_km") * pl.col("weight_days")).sum()
        )
    )


def distance_use(
    stock: dy.DataFrame[StockTotal],
    fleets: dy.DataFrame[Fleet],
    vehicle_types: dy.DataFrame[VehicleType],
    powertrains: dy.DataFrame[Powertrain],
    section: CarbonSection,
) -> dy.DataFrame[YearUse]:
    """Return use and distance of fleets without simulated days, schema `YearUse`.

    Parameters
    ----------
    stock
        Vehicles at year ends; a year's use is of the mean of its two ends (of its own end in the first year).
    fleets
        Fleets asked for, with their yearly distance.
    vehicle_types
        Use per km; where a fleet has no row of its own its group's rows hold, several are averaged.
    powertrains
        Carrier of each powertrain; a PHEV burns petrol when it does not drive on electricity.
    section
        Factor of the weather by powertrain.
    """
    moving = _mean_vehicles(stock).join(fleets.select("fleet", "annual_km"), on="fleet")
    rates = _rates(fleets, vehicle_types, powertrains, section)
    distance = (pl.col("vehicles") * pl.col("annual_km") * pl.col("distance_share")).alias("distance_km")
    used = moving.join(rates, on=["fleet", "powertrain"]).with_columns(distance)
    used = used.with_columns(quantity=pl.col("distance_km") * pl.col("per_km"))
    return _year_table(used.group_by(USE_KEYS, maintain_order=True).agg(pl.col("quantity", "distance_km").sum()))


def energy(use: dy.DataFrame[YearUse], section: CarbonSection) -> dy.DataFrame[EnergyUse]:
    """Return what the fleets take in over a year, schema `EnergyUse`; electricity is measured at the grid.

    Parameters
    ----------
    use
        Use of the year, charging loss left out.
    section
        Charging efficiency.
    """
    loss = pl.when(pl.col("carrier").cast(pl.String) == "electricity").then(section.charging_efficiency).otherwise(1.0)
    return EnergyUse.validate(
        use.with_columns(pl.col("quantity") / loss)
        .group_by("year", "fleet", "carrier", "unit", maintain_order=True)
        .agg(pl.col("quantity").sum())
        .select(list(EnergyUse.columns()))
        .sort("year", "fleet", "carrier")
    )


def carbon(
    taken: dy.DataFrame[EnergyUse],
    fleets: dy.DataFrame[Fleet],
    factors: dy.DataFrame[EmissionFactor],
    section: CarbonSection,
) -> dy.DataFrame[Carbon]:
    """Return CO2 by year, fleet and account, schema `Carbon`.

    Parameters
    ----------
    taken
        Energy taken in, from `energy`.
    fleets
        Operating fleets are in the statutory account, all in the energy-system account.
    factors
        CO2 a unit of carrier.
    section
        How the grid's factor goes on after its last published year, and the hydrogen pathways.
    """
    operating = fleets.filter("operating").select("fleet")
    rates = _factor_rows(taken, factors, section)
    rows = taken.with_columns(pl.col("carrier").cast(pl.String)).join(rates, on=["year", "carrier"])
    statutory = rows.join(operating, on="fleet", how="semi").select(
        "year", "fleet", account=pl.lit("statutory"), co2_t=pl.col("quantity") * pl.col("statutory") / KG_PER_T
    )
    system = rows.select(
        "year", "fleet", account=pl.lit("energy_system"), co2_t=pl.col("quantity") * pl.col("energy_system") / KG_PER_T
    )
    both = (
        pl.concat([statutory, system])
        .group_by("year", "fleet", "account", maintain_order=True)
        .agg(pl.col("co2_t").sum())
    )
    typed = both.with_columns(pl.col("account").cast(Carbon.columns()["account"].dtype))
    return Carbon.validate(typed.select(list(Carbon.columns())).sort("year", "fleet", "account"))


def grid_factor(factors: dy.DataFrame[EmissionFactor], section: CarbonSection, year: int) -> float:
    """Return the grid's CO2 factor of a year [kgCO2/kWh].

    Notes
    -----
    Published years as published; before them the first one; after them the last one changed by
    `grid_factor_change_per_year` each year. Contracted green power is not netted again.
    """
    published = _by_year(factors, "electricity", "energy_system")
    last = max(published)
    growth = (1.0 + section.grid_factor_change_per_year) ** max(year - last, 0)
    return at_year(published, year) * growth


def hydrogen_factor(factors: dy.DataFrame[EmissionFactor], section: CarbonSection, year: int) -> float:
    """Return the CO2 of a kg of hydrogen of a year's pathways [kgCO2/kg].

    Raises
    ------
    ScenarioError
        If a pathway is unknown or no pathway has a share in the year.
    """
    unknown = sorted(set(section.hydrogen_pathways) - set(PATHWAYS))
    if unknown:
        raise ScenarioError(
            f"carbon.hydrogen_pathways: {', '.join(unknown)} is not known; use one of {', '.join(PATHWAYS)}"
        )
    shares = {name: at_year(values, year) for name, values in section.hydrogen_pathways.items()}
    total = sum(shares.values())
    if total <= 0.0:
        raise ScenarioError(f"carbon.hydrogen_pathways: all shares are 0 in {year}; give one pathway a share")
    electrolysis = section.electrolysis_kwh_per_kg * grid_factor(factors, section, year)
    return (
        sum(
            share
            * (
                electrolysis
                if name == "grid_electrolysis"
                else at_year(_by_year(factors, f"hydrogen:{name}", "energy_system"), year)
            )
            for name, share in shares.items()
        )
        / total
    )


def top_down(accounts: dy.DataFrame[Carbon], observations: dy.DataFrame[Observation]) -> dy.DataFrame[TopDown]:
    """Return the statutory account beside the published CO2 of operating vehicles, schema `TopDown`.

    Notes
    -----
    A comparison only: the model is not scaled to the published total.
    """
    published = observations.filter((pl.col("indicator") == "operating_vehicle_co2") & (pl.col("bound") == "value"))
    known = published.select(year=pl.col("date").str.head(4).cast(pl.Int64), top_down_t="value")
    modelled = statutory_rows(accounts).group_by("year", maintain_order=True).agg(bottom_up_t=pl.col("co2_t").sum())
    return TopDown.validate(
        known.join(modelled, on="year")
        .with_columns(ratio=pl.col("bottom_up_t") / pl.col("top_down_t"))
        .select(list(TopDown.columns()))
        .sort("year")
    )


def _year_table(table: pl.DataFrame) -> dy.DataFrame[YearUse]:
    return YearUse.validate(
        table.select(list(YearUse.columns())).sort("year", "fleet", "powertrain", "carrier"), cast=True
    )


def _mean_vehicles(stock: dy.DataFrame[StockTotal]) -> pl.DataFrame:
    ends = stock.group_by("year", "fleet", pl.col("powertrain").cast(pl.String), maintain_order=True).agg(
        pl.col("vehicles").sum()
    )
    first = stock["year"].min()
    years = pl.DataFrame({"year": stock["year"].unique().sort()})
    keys = ends.select("fleet", "powertrain").unique().join(years, how="cross")
    on = ["year", "fleet", "powertrain"]
    before = ends.with_columns(pl.col("year") + 1).rename({"vehicles": "before"})
    both = keys.join(ends, on=on, how="left").join(before, on=on, how="left")
    now, then = pl.col("vehicles").fill_null(0.0), pl.col("before").fill_null(0.0)
    mean = pl.when(pl.col("year") == first).then(now).otherwise((now + then) / 2.0)
    return both.select("year", "fleet", "powertrain", mean.alias("vehicles"))


def _rates(
    fleets: dy.DataFrame[Fleet],
    vehicle_types: dy.DataFrame[VehicleType],
    powertrains: dy.DataFrame[Powertrain],
    section: CarbonSection,
) -> pl.DataFrame:
    """Use per km and share of the distance by fleet, powertrain and carrier."""
    weather = pl.col("powertrain").replace_strict(section.weather_factor, default=1.0)
    numbers = ("use_per_km", "electric_km_share", "electric_kwh_per_km")
    types = (
        _types_of_fleets(fleets, vehicle_types)
        .group_by("fleet", "powertrain", maintain_order=True)
        .agg(pl.col(numbers).mean())
        .join(powertrains.select(pl.col("powertrain").cast(pl.String), "carrier"), on="powertrain", how="left")
        .with_columns(weather.cast(pl.Float64).alias("weather"), pl.col("carrier").cast(pl.String))
    )
    plug_in = pl.col("powertrain") == "PHEV"
    fuel = types.select(
        "fleet",
        "powertrain",
        carrier=pl.when(plug_in).then(pl.lit(PHEV_FUEL)).otherwise("carrier"),
        per_km=pl.col("use_per_km") * pl.col("weather"),
        distance_share=pl.when(plug_in).then(1.0 - pl.col("electric_km_share")).otherwise(1.0),
    )
    electric = types.filter(plug_in).select(
        "fleet",
        "powertrain",
        carrier=pl.lit("electricity"),
        per_km=pl.col("electric_kwh_per_km") * pl.col("weather"),
        distance_share=pl.col("electric_km_share"),
    )
    unit = pl.col("carrier").replace_strict({"gas": "m3", "electricity": "kWh", "hydrogen": "kg"}, default="l")
    return pl.concat([fuel, electric]).with_columns(unit.alias("unit"))


def _types_of_fleets(fleets: dy.DataFrame[Fleet], vehicle_types: dy.DataFrame[VehicleType]) -> pl.DataFrame:
    groups = fleets.select("fleet", fleet_group=pl.col("group").cast(pl.String))
    types = vehicle_types.with_columns(pl.col("fleet_group", "powertrain").cast(pl.String))
    own = types.filter(pl.col("fleet").is_not_null()).join(groups.select("fleet"), on="fleet", how="semi")
    shared = types.filter(pl.col("fleet").is_null()).drop("fleet").join(groups, on="fleet_group")
    shared = shared.join(own, on=["fleet", "powertrain"], how="anti")
    columns = ["fleet", "powertrain", "use_per_km", "electric_km_share", "electric_kwh_per_km"]
    return pl.concat([own.select(columns), shared.select(columns)])


def _by_year(factors: dy.DataFrame[EmissionFactor], carrier: str, account: str) -> dict[int, float]:
    rows = factors.filter((pl.col("carrier") == carrier) & (pl.col("account").cast(pl.String) == account))
    if rows.is_empty():
        raise DataError(f"emission_factors.csv, column carrier: {carrier} has no row of account {account}; add one")
    return dict(rows.select("year", "kgco2_per_unit").iter_rows())


def statutory_factor(factors: dy.DataFrame[EmissionFactor], carrier: str, year: int) -> float:
    """Return the CO2 of a unit of carrier in the statutory account [kgCO2/unit]."""
    return at_year(_by_year(factors, carrier, "statutory"), year)


def system_factor(factors: dy.DataFrame[EmissionFactor], section: CarbonSection, carrier: str, year: int) -> float:
    """Return the CO2 of a unit of carrier in the energy-system account [kgCO2/unit]."""
    if carrier == "electricity":
        return grid_factor(factors, section, year)
    if carrier == "hydrogen":
        return hydrogen_factor(factors, section, year)
    return at_year(_by_year(factors, carrier, "energy_system"), year)


def _factor_rows(
    taken: dy.DataFrame[EnergyUse], factors: dy.DataFrame[EmissionFactor], section: CarbonSection
) -> pl.DataFrame:
    needed = taken.select("year", pl.col("carrier").cast(pl.String)).unique().sort("year", "carrier")
    rows = [
        (
            year,
            carrier,
            statutory_factor(factors, carrier, year),
            system_factor(factors, section, carrier, year),
        )
        for year, carrier in needed.iter_rows()
    ]
    schema = {"year": pl.Int64, "carrier": pl.String, "statutory": pl.Float64, "energy_system": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def statutory_rows(accounts: dy.DataFrame[Carbon]) -> pl.DataFrame:
    """Return the rows of the statutory account."""
    return accounts.filter(pl.col("account").cast(pl.String) == "statutory")
