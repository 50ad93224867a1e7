"""What the years add up to: green travel, freight, energy, carbon, grid, sun, compliance, indicators."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import dataframely as dy
import polars as pl

from charging.grid import HomeHours, city_load, home_load, peaks, station_load_by_district
from charging.tables import DistrictLoad
from fleetsim import carbon, freight, modelled, modes, policy
from fleetsim.calibration import observed_until
from fleetsim.compact import by_year
from fleetsim.datasets import City
from fleetsim.forecast import Forecast
from fleetsim.indicators import Trust, collect, compute, monthly_fit, values
from fleetsim.intensity import intensity, intensity_change
from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.sections import at_year
from fleetsim.supply import grid_years, solar
from fleetsim.tables import Compliance, Fleet, Freight, YearUse

Tables = dict[str, Any]
"""Tables by name; each has the schema of its name, which the type does not say."""

BACKGROUND_FLEETS = ("car_private", "car_company", "ride_hail")
DAYS_A_YEAR = 365.0


def travel(city: City, scenario: Scenario, stock: Any, years: Sequence[int]) -> Tables:
    """Return the table `modes`: trips by mode in the central districts, the green share with its range."""
    cars = modes.car_ratio(stock, scenario.modes.base_year)
    until = scenario.calibration.until
    fit = modes.calibrate_modes(city.mode_base, scenario.modes, city.observations, until, cars=cars)
    return {"modes": modes.forecast(city.mode_base, scenario.modes, fit, years, cars=cars)}


def energy(city: City, scenario: Scenario, tables: Tables) -> Tables:
    """Return `use`, `energy`, `carbon`, `top_down`, `freight` and `intensity` from the days and the stock."""
    quiet = Fleet.cast(city.fleets.filter(~pl.col("simulated")))
    driven = carbon.distance_use(tables["stock"], quiet, city.vehicle_types, city.powertrains, scenario.carbon)
    use = YearUse.validate(
        pl.concat([carbon.year_use(tables["day_use"], city.days), driven]).sort(
            "year", "fleet", "powertrain", "carrier"
        )
    )
    taken = carbon.energy(use, scenario.carbon)
    accounts = carbon.carbon(taken, city.fleets, city.emission_factors, scenario.carbon)
    years = tables["stock"]["year"].unique().sort().to_list()
    rail = freight.shares_known(city.observations, city.freight, scenario.calibration.until)
    goods = freight.goods(city.freight, scenario.freight, rail, years)
    people = freight.passengers(use, city.fleets, city.occupancy, scenario.freight)
    turnover = Freight.validate(pl.concat([goods, people]).sort("year", "mode"))
    parts = intensity_change(
        taken, turnover, city.fleets, city.emission_factors, city.energy_content, base_year=years[0]
    )
    return {
        "use": use,
        "energy": taken,
        "carbon": accounts,
        "top_down": carbon.top_down(accounts, city.observations),
        "freight": turnover,
        "intensity": parts,
    }


def grid(city: City, scenario: Scenario, tables: Tables) -> Tables:
    """Return `grid_load` by district and hour, `peaks` by day and `solar` by year."""
    efficiency = scenario.carbon.charging_efficiency
    stations = [
        station_load_by_district(
            load.filter(~pl.col("station_id").str.starts_with("home_")),
            tables["stations"],
            charging_efficiency=efficiency,
        )
        for load in by_year(tables["station_load"])
    ]
    years = tables["stock"]["year"].unique().sort().to_list()
    public = _public_energy(tables["sessions"])
    home_hours = HomeHours(scenario.grid.valley_hours, scenario.grid.evening_hours)
    homes = [
        home_load(taken, year, day, valley_share=at_year(scenario.grid.home_valley_share, year), hours=home_hours)
        for year, taken in ((year, _home_energy(tables, public.get(year, 0.0), year, efficiency)) for year in years)
        for day in city.days["day"].sort()
    ]
    load: dy.DataFrame[DistrictLoad] = city_load([*stations, *homes])
    return {
        "grid_load": load,
        "peaks": peaks(load, grid_years(scenario.grid, years)),
        "solar": solar(city.solar_sites, scenario.solar, years),
    }


def _public_energy(sessions: pl.DataFrame) -> dict[int, float]:
    """Return by year what cars charge at simulated stations [kWh/day in the battery]."""
    fleets = [fleet for fleet in sessions["fleet"].unique() if fleet in BACKGROUND_FLEETS]
    columns = sessions.select("year", "day", "fleet", "energy_kwh")
    cars = (part.filter(pl.col("fleet").is_in(fleets)) for part in by_year(columns))
    return {
        part["year"][0]: float(part["energy_kwh"].cast(pl.Float64).sum()) / part["day"].n_unique()
        for part in cars
        if part.height
    }


def _home_energy(tables: Tables, public: float, year: int, efficiency: float) -> dict[str, float]:
    """Return the electricity cars charge elsewhere than at simulated stations, by district [kWh/day at the grid].

    Parameters
    ----------
    tables
        `energy` and `stock`.
    public
        What they charge at simulated stations, see `_public_energy` [kWh/day].
    year
        Year.
    efficiency
        Energy into the battery over energy from the grid.
    """
    fleets = list(BACKGROUND_FLEETS)
    taken = tables["energy"]
    yearly = taken.filter(
        pl.col("year") == year, pl.col("fleet").is_in(fleets), pl.col("carrier").cast(pl.String) == "electricity"
    )["quantity"].sum()
    rest = max(yearly / DAYS_A_YEAR - public / efficiency, 0.0)
    cars = tables["stock"].filter(pl.col("year") == year, pl.col("fleet").is_in(fleets), pl.col("nev"))
    shares = cars.group_by("district", maintain_order=True).agg(
        share=pl.col("vehicles").sum() / max(cars["vehicles"].sum(), 1.0)
    )
    return {str(district): rest * share for district, share in shares.sort("district").iter_rows()}


def nev_with_range(modelled_nev: pl.DataFrame, interval: pl.DataFrame) -> pl.DataFrame:
    """Return year, vehicles, low and high: the run's NEV stock with the spread of the calibration around it.

    Parameters
    ----------
    modelled_nev
        The run's stock by year: year, vehicles.
    interval
        year, vehicles, low, high of the calibrated path; its relative spread is laid around the run.
    """
    ratio = interval.select("year", low=pl.col("low") / pl.col("vehicles"), high=pl.col("high") / pl.col("vehicles"))
    joined = modelled_nev.join(ratio, on="year", how="left").sort("year")
    return joined.with_columns(pl.col("low", "high") * pl.col("vehicles"))


def targets(city: City, scenario: Scenario, tables: Tables, detail: Tables, first_half_share: float) -> Tables:
    """Return `compliance`, `indicators` and `nev_fit` (model beside every observed NEV stock).

    Parameters
    ----------
    city, scenario
        Data and levers.
    tables
        The other tables of the result.
    detail
        `stock` and `additions` with reasons of exemption, `nev` with the NEV stock by year and its range.
    first_half_share
        Share of a year's change in NEV stock that falls in January to June, as calibrated.
    """
    met = Compliance.validate(policy.compliance(detail["stock"], detail["additions"], city.clauses, city.powertrains))
    years = tables["stock"]["year"].unique().sort().to_list()
    zone = city.districts.select("district", pl.col("functional_zone").cast(pl.String))
    downtown = zone.filter(pl.col("functional_zone").is_in(["core", "central_city"]))["district"].to_list()
    plain = zone.filter(pl.col("functional_zone").is_in(["sub_centre", "plain_new_town"]))["district"].to_list()
    ratio = intensity(tables["carbon"], tables["freight"])
    nev = values("nev_stock", detail["nev"], "vehicles", source="stock", ends=("low", "high"))
    fleets = [part for part in modelled.of_clauses(met, city.clauses) if part["indicator"][0] != "nev_stock"]
    rows = collect(
        [
            nev,
            *fleets,
            modelled.of_modes(tables["modes"]),
            modelled.of_intensity(ratio, years[0]),
            modelled.of_freight(tables["freight"]),
            modelled.of_solar(tables["solar"]),
            *modelled.of_peak(tables["peaks"]),
            *modelled.of_stations(tables["stations"], years),
            modelled.of_piles(tables["piles"]),
            *modelled.of_coverage(tables["coverage"], downtown=downtown, plain=plain),
        ]
    )
    year_ends = dict(detail["nev"].select("year", "vehicles").iter_rows())
    return {
        "compliance": met,
        "operator_compliance": policy.by_operator(
            detail["stock"], detail["additions"], city.clauses, city.powertrains, city.districts
        ),
        "indicators": compute(
            city.clauses,
            city.indicators,
            city.observations,
            rows,
            until=scenario.calibration.until,
            trust=clause_trust(city, scenario),
        ),
        "nev_fit": monthly_fit(city.observations, year_ends, "nev_stock", first_half_share=first_half_share),
    }


def clause_trust(city: City, scenario: Scenario) -> dict[str, Trust]:
    """Return what the modelled value of each clause that rests on the scenario's enforcement may decide.

    `enforced` where the scenario enforces it to the full, `none` where it assumes a degree of compliance.
    """
    seen = observed_until(city.observations, city.stock, scenario.stock, scenario.calibration.until)
    last_due = city.clauses.group_by("clause", maintain_order=True).agg(pl.col("target_year").max()).sort("clause")
    strength = scenario.policy.enforcement
    return {
        clause: "enforced" if strength.get(clause, 0.0) >= 1.0 else "none"
        for clause, year in last_due.iter_rows()
        if policy.evidence(city.clauses, scenario.policy, seen, year).get(clause) == "assumed"
    }


def notes(scenario: Scenario, tables: Tables, reached: Forecast | None) -> list[dict[str, str]]:
    """Return what a reader must know about this run, in both languages, most important first.

    Parameters
    ----------
    scenario, tables
        The run.
    reached
        When the new-energy stock passes 2.0 million; None in a city without that target.
    """
    milestone = {} if reached is None else _reached_note(reached, scenario.run.last_year)
    found = [milestone, _top_down_note(tables["top_down"])]
    if scenario.run.sample < 1.0:
        share = f"{100 * scenario.run.sample:.2g}%"
        found.append(
            {
                "en": f"Only {share} of the vehicles were simulated and scaled up.",
                "zh": f"仅模拟了 {share} 的车辆并按比例放大。",
            }
        )
    return [note for note in found if note]


def _reached_note(reached: Forecast, last_year: int) -> dict[str, str]:
    if reached.year_reached is None:
        return {
            "en": f"The model does not reach 2.0 million new-energy vehicles by the end of {last_year}.",
            "zh": f"模型显示到 {last_year} 年底未达到 200 万辆新能源汽车。",
        }
    when, low = month_of(reached.year_reached), month_of(reached.low or reached.year_reached)
    high = {lang: f"after {last_year}" if lang == "en" else f"{last_year} 年以后" for lang in ("en", "zh")}
    if reached.high is not None:
        high = dict.fromkeys(("en", "zh"), month_of(reached.high))
    return {
        "en": f"The model reaches 2.0 million new-energy vehicles in {when} (80 % range {low} to {high['en']}).",
        "zh": f"模型显示 {when} 达到 200 万辆新能源汽车(80% 区间 {low} 至 {high['zh']})。",
    }


def month_of(time: float) -> str:
    """Return the month in which a time falls.

    >>> month_of(2028.66), month_of(2028.0)
    ('2028-08', '2027-12')
    """
    months = ceil(time * 12.0 - 1e-9) - 1
    return f"{months // 12}-{months % 12 + 1:02d}"


def _top_down_note(top_down: pl.DataFrame) -> dict[str, str]:
    if top_down.is_empty():
        return {}
    ratios = ", ".join(f"{year}: {ratio:.2f}" for year, ratio in top_down.select("year", "ratio").iter_rows())
    return {
        "en": f"CO2 of operating vehicles, this model over the published total: {ratios}. It is not scaled to it.",
        "zh": f"营运车辆二氧化碳,本模型与公布总量之比:{ratios};未按公布值缩放。",
    }
