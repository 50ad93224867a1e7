"""The sections of a scenario. Every field's description is its entry in the manual.

A section is frozen and knows its keys: an unknown key is an error. Values given by year are tables
from year to value; years between two given ones are interpolated, years outside take the nearest.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveByYear = Annotated[dict[int, PositiveFloat], Field(min_length=1)]
AmountByYear = Annotated[dict[int, NonNegativeFloat], Field(min_length=1)]
ShareByYear = Annotated[dict[int, Share], Field(min_length=1)]


class Section(BaseModel):
    """Base of every section: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def at_year(values: dict[int, float], year: int) -> float:
    """Return the value of `year`: linear between given years, the nearest given year's outside.

    >>> at_year({2020: 1.0, 2030: 3.0}, 2025)
    2.0
    """
    years = sorted(values)
    if year <= years[0]:
        return values[years[0]]
    if year >= years[-1]:
        return values[years[-1]]
    after = next(given for given in years if given >= year)
    before = max(given for given in years if given <= year)
    if after == before:
        return values[year]
    weight = (year - before) / (after - before)
    return values[before] + weight * (values[after] - values[before])


def last_full_year(until: str) -> int:
    """Return the last year that is over at the end of a month.

    >>> last_full_year("2025-12"), last_full_year("2025-07")
    (2025, 2024)
    """
    year, month = (int(part) for part in until.split("-"))
    return year if month == 12 else year - 1


class RunSection(Section):
    """What is run."""

    city: str = "beijing"
    """City folder: the name of a shipped city, or a path relative to the scenario file."""
    first_year: Annotated[int, Field(ge=2015, le=2050)] = 2020
    """Base year; its stock at year end is given, its days are simulated with that stock."""
    last_year: Annotated[int, Field(ge=2016, le=2050)] = 2030
    """Last year of the run."""
    seed: Annotated[int, Field(ge=0)] = 1
    """Seed of every random draw; the same seed and data give the same tables."""
    engine: Literal["auto", "simpy", "kernel"] = "auto"
    """Engine of the day simulation: simpy (reference), kernel (compiled), auto (kernel where it can); same tables."""
    sample: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Share of the vehicles that is simulated; 1 is every vehicle."""


class CalibrationSection(Section):
    """Which observations the model may learn from."""

    until: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")] = "2025-12"
    """Last month whose observations are used for calibration; later ones are only compared."""


class StockSection(Section):
    """Turnover of the stock."""

    growth_per_year: dict[str, dict[int, Annotated[float, Field(ge=-0.5, le=1.0)]]] = {
        "goods_light_pass": {2021: 0.03, 2030: 0.02},
        "ride_hail": {2021: 0.06, 2025: 0.04, 2030: 0.0},
    }
    """Growth of a fleet's vehicles by year [1/year]; a fleet left out keeps its size. Cars follow the plate quota."""
    scrappage: dict[str, dict[int, Annotated[float, Field(ge=0.0, le=10.0)]]] = {
        "truck_heavy": {2023: 1.0, 2024: 1.15, 2025: 1.5, 2026: 1.2, 2027: 1.0},
        "truck_medium": {2023: 1.0, 2024: 1.15, 2025: 1.5, 2026: 1.2, 2027: 1.0},
        "coach": {2023: 1.0, 2024: 1.1, 2025: 1.3, 2026: 1.1, 2027: 1.0},
    }
    """Factor on the retirement of a fleet's fuel vehicles by year (scrappage grants); 1.0 (none) to 3.0 plausible."""
    retire_before: dict[str, dict[int, int]] = {}
    """Forced retirement: fleet, then year, then the vintage before which its fuel vehicles must have left by then."""
    observed_by: dict[str, tuple[str, ...]] = {
        "bus_municipal": ("bus_bev_city",),
        "taxi_company": ("taxi_bev", "taxi_bev_share", "taxi_nev_share_non_exempt"),
    }
    """Observed indicators (a share, or vehicles) that tell a fleet's new-energy share; conversion runs on straight
    lines between them and is forecast by retirement, choice and rules after the last."""
    observed_of: dict[str, tuple[str, ...]] = {
        "bus_municipal": ("bus_municipal", "bus_other"),
        "taxi_company": ("taxi_company",),
    }
    """Fleets whose vehicles a count in `observed_by` is a share of."""
    assumed_share: dict[str, dict[str, Share]] = {"bus_municipal": {"2025-12": 0.72}}
    """New-energy share where nobody published one, by fleet and month. Municipal buses: the outcome of 2025 was not
    found; .72 is the middle of .65 to .80, which 12,500 battery buses in 2020 and 94.7 % clean buses in 2024 leave."""
    discount_rate: Annotated[float, Field(ge=0.0, le=0.3)] = 0.05
    """Discount rate of a buyer [1/year]; .03 to .10 plausible."""
    residual_share: Share = 0.08
    """Value at the end of ownership over the price; 0 to .2 plausible."""
    charging_loss_share: Annotated[float, Field(ge=0.0, le=0.5)] = 0.10
    """Energy lost between grid and battery, over the energy in the battery; .05 to .15 plausible."""
    infrastructure_cny_per_km: Annotated[float, Field(ge=0.0, le=5.0)] = 0.03
    """Cost of depot chargers for vehicles that take electricity or hydrogen [CNY/km]; 0 to .2 plausible."""
    payload_penalty_cny_per_km: dict[str, Annotated[float, Field(ge=0.0, le=5.0)]] = {"truck": 0.12, "goods": 0.03}
    """Cost of payload lost to the battery by fleet group [CNY/km]; 0 to .5 plausible."""
    purchase_grant_share: dict[int, Share] = {2020: 0.10, 2022: 0.06, 2023: 0.0, 2024: 0.04, 2025: 0.06, 2027: 0.0}
    """Grants for a new-energy vehicle over its price, by year; 0 to .2 plausible."""
    tco_weight: Annotated[float, Field(ge=0.0, le=50.0)] = 6.0
    """Utility lost per cost of ownership equal to the mean over powertrains; 2 to 12 plausible."""
    range_weight: Annotated[float, Field(ge=0.0, le=50.0)] = 2.0
    """Utility lost per daily distance beyond the range, over the range; 0 to 5 plausible."""
    wait_weight_per_min: Annotated[float, Field(ge=0.0, le=1.0)] = 0.02
    """Utility lost per minute more of waiting for a plug than in the base year [1/min]; .005 to .05 plausible."""
    coverage_weight: Annotated[float, Field(ge=0.0, le=20.0)] = 1.0
    """Utility gained if the share of residents within reach of a station rises from 0 to 1; 0 to 3 plausible."""


class CarsSection(Section):
    """Cars under the plate quota. The share of fuel plates whose replacement is a new-energy car is calibrated."""

    quota_nev: dict[int, Annotated[float, Field(ge=0.0, le=2e6)]] = {}
    """New-energy plates by year [1/year]; overrides the quota table in the years given (60,000 to 200,000 plausible).
    Years after the table keep `quota_nev_later`."""
    quota_nev_later: Annotated[float, Field(ge=0.0, le=2e6)] = 80_000.0
    """New-energy plates a year after the last year of the quota table [1/year]; 60,000 to 120,000 plausible."""
    quota_ordinary_later: Annotated[float, Field(ge=0.0, le=2e6)] = 20_000.0
    """Ordinary plates a year after the last year of the quota table [1/year]; 0 to 30,000 plausible."""
    quota_uptake: Share = 0.92
    """Share of the plates issued that become a car; .80 to 1.0 plausible."""
    company_quota_share: Share = 0.09
    """Share of the plates that goes to companies and operators (7,000 of 80,000 in 2024); .05 to .12 plausible."""
    replacement_rate: Share = 0.99
    """Share of retired cars whose plate is used again; .95 to 1.0 plausible."""
    replacement_share: dict[int, Share] = {}
    """Master lever: share of fuel-plate replacements that are new-energy cars, by year. Overrides the calibrated path
    from the first year given on; .4 to .95 plausible."""
    phev_share: dict[int, Share] = {2020: 0.20, 2023: 0.25, 2025: 0.33, 2030: 0.30}
    """Plug-in hybrids in new-energy replacements of fuel plates, by year; they keep an ordinary plate. -/+ .15."""
    hybrid_share: dict[int, Share] = {2020: 0.08, 2025: 0.22, 2030: 0.30}
    """Hybrids in fuel cars bought, by year; -/+ .10."""
    grant_cny: dict[int, Annotated[float, Field(ge=0.0, le=200_000.0)]] = {
        2021: 0.0, 2022: 3_000.0, 2023: 6_000.0, 2024: 14_000.0, 2025: 20_000.0, 2026: 14_000.0, 2027: 8_000.0,
        2028: 5_000.0, 2029: 0.0,
    }  # fmt: skip
    """Grant for replacing a fuel car by a new-energy car, mean over the year [CNY]: 8,000 to 10,000 from the city since
    2022, 20,000 from the country since July 2024; later years are an assumption (0 to 20,000)."""
    scrappage_factor: dict[int, Annotated[float, Field(ge=0.0, le=10.0)]] = {
        2023: 1.0, 2024: 1.06, 2025: 1.15, 2026: 1.08, 2027: 1.0,
    }  # fmt: skip
    """Factor on the retirement of fuel cars by year (scrappage and trade-in grants bring it forward); 1.0 to 1.5."""
    fuel_ban_year: Annotated[int, Field(ge=2021, le=2060)] | None = None
    """First year in which no fuel car may be bought; plug-in hybrids still may. 2028 to 2040; empty: never."""
    share_midpoint: Annotated[float, Field(ge=2015.0, le=2045.0)] = 2026.0
    """Prior of the calibrated path: year in which half of its ceiling is reached without a grant [year]."""
    share_midpoint_sd: Annotated[float, Field(gt=0.0, le=20.0)] = 3.0
    """Standard deviation of that prior [years]."""
    share_speed: Annotated[float, Field(gt=0.0, le=5.0)] = 0.45
    """Prior: logistic speed of the path [1/year]."""
    share_speed_sd: Annotated[float, Field(gt=0.0, le=5.0)] = 0.15
    """Standard deviation of that prior [1/year]."""
    share_ceiling: Share = 0.85
    """Prior: highest share the path tends to; .6 to .98 plausible. Data up to 2025 say little about it."""
    share_ceiling_sd: Annotated[float, Field(gt=0.0, le=0.5)] = 0.08
    """Standard deviation of that prior."""
    grant_response: Annotated[float, Field(ge=0.0, le=5.0)] = 0.35
    """Prior: rise of the log-odds of the share per 10,000 CNY of grant."""
    grant_response_sd: Annotated[float, Field(gt=0.0, le=5.0)] = 0.25
    """Standard deviation of that prior."""
    company_lead_years: Annotated[float, Field(ge=-5.0, le=15.0)] = 2.0
    """Prior: years that companies run ahead of private owners on the same path [years]."""
    company_lead_years_sd: Annotated[float, Field(gt=0.0, le=10.0)] = 1.5
    """Standard deviation of that prior [years]."""
    first_half_share: Share = 0.42
    """Prior: share of a year's growth of the new-energy stock that falls in January to June (sales and plates of the
    country and the city come late in the year); .35 to .50 plausible."""
    first_half_share_sd: Annotated[float, Field(gt=0.0, le=0.5)] = 0.03
    """Standard deviation of that prior."""
    drift_sd: Annotated[float, Field(ge=0.0, le=2.0)] = 0.37
    """Uncertainty of the forecast beyond the fitted path (prices, grants, plates to come): standard deviation of the
    yearly step of the log-odds after the calibration window, adding up as a random walk; the country's market of
    2016-2024 by Student's t; .2 to .6."""
    observation_error: Annotated[float, Field(gt=0.0, le=0.2)] = 0.01
    """Relative standard deviation between the model and an observed value of the new-energy stock."""
    bound_error: Annotated[float, Field(gt=0.0, le=0.2)] = 0.005
    """Relative standard deviation of a published lower bound (a censored observation)."""
    private_error: Annotated[float, Field(gt=0.0, le=1.0)] = 0.05
    """Relative standard deviation of the published private new-energy cars, whose definition is not known."""
    proxies: dict[str, Annotated[float, Field(gt=0.0, le=1.0)]] = {}
    """Further observed indicators that stand for the new-energy stock, with their relative standard deviation."""
    interval: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.80
    """Probability content of the intervals that are shown."""
    draws: Annotated[int, Field(ge=50, le=5000)] = 400
    """Draws from the fitted parameters behind the intervals."""


class PolicySection(Section):
    """Which clauses the stock model enforces, and how well."""

    enforcement: dict[str, Share] = {
        "bus": 0.75, "taxi": 1.0, "sanitation_new": 0.85, "light_goods": 0.40, "airside": 0.70,
    }  # fmt: skip
    """Share of the purchases under a clause that obeys it by force; the others choose freely. 0: the clause is only
    measured; 1: fuel is banned for vehicles that are not exempt. No clause counts as met because this is set: the
    values are assumptions (-/+ .2), observed fleets follow what was observed."""
    continue_after_target: bool = True
    """Clauses of the stock model hold on after their target year."""
    zone_factor: dict[
        Literal["core", "central_city", "sub_centre", "plain_new_town", "ecological"],
        Annotated[float, Field(ge=0.0, le=5.0)],
    ] = {}
    """Differentiated paths (clause 4): factor on `enforcement` in the districts of a functional zone, to 1 at most;
    zones left out have 1. The plan names the zones but no figures; 0.5 (slower) to 1.5 (faster) plausible."""
    fuel_ban_year: dict[str, Annotated[int, Field(ge=2021, le=2060)]] = {}
    """First year in which a fleet may not buy fuel vehicles, exempt or not; 2026 to 2040 plausible."""


class Conversion(Section):
    """One line of a conversion schedule."""

    fleet: str
    """Fleet that is converted."""
    to: Literal["PHEV", "BEV", "BEV-swap", "FCEV", "hybrid", "gas", "diesel", "petrol"]
    """Powertrain it is converted to."""
    district: str | None = None
    """District; empty: the whole city."""
    share: dict[int, Share] = {}
    """Share of the vehicles not exempt that shall have the powertrain at the end of the year, by year; between given
    years it is interpolated, before the first the line asks for nothing, after the last the share is held."""
    number: dict[int, Annotated[int, Field(ge=0)]] = {}
    """Vehicles of the powertrain bought in the year, by year."""
    exempt_too: bool = False
    """Convert exempt vehicles as well."""


class Transfer(Section):
    """Vehicles of a fleet that move to another district."""

    fleet: str
    """Fleet."""
    from_district: str
    """District they leave."""
    to_district: str
    """District they join; vehicles keep powertrain, age and reason of exemption."""
    vehicles: dict[int, Annotated[int, Field(ge=0)]]
    """Vehicles that move at the beginning of the year, by year."""


class SolveSection(Section):
    """What a schedule that is solved may spend and build, and what the preview of a scripted one counts."""

    first_year: Annotated[int, Field(ge=2021, le=2060)] = 2026
    """First year that is planned; the stock at the end of the year before is that of the scenario."""
    fleets: tuple[str, ...] = (
        "bus_municipal", "bus_other", "taxi_company", "sanitation_light", "sanitation_heavy", "goods_light_pass",
        "airside",
    )  # fmt: skip
    """Fleets that are planned; exempt vehicles stay as they are."""
    budget_cny: dict[int, Annotated[float, Field(ge=0.0)]] = {}
    """Most that may be spent on vehicles, chargers and grid modules in a year, by year [CNY]; empty: no limit."""
    lot: dict[str, Annotated[int, Field(ge=1, le=1000)]] = {"bus": 10}
    """Vehicles of a delivery lot by fleet group; 1 (none) to 50 plausible."""
    deliveries_per_year: dict[str, Annotated[int, Field(ge=0)]] = {}
    """Most vehicles of a fleet delivered in a year, all powertrains that take electricity or hydrogen each."""
    discount_rate: Annotated[float, Field(ge=0.0, le=0.3)] = 0.05
    """Discount rate of the plan [1/year]; .03 to .08 plausible."""
    vehicles_per_fuel_vehicle: dict[str, Annotated[float, Field(ge=0.5, le=3.0)]] = {
        "bus": 1.08, "taxi": 1.03, "goods": 1.05, "sanitation": 1.10, "airside": 1.05,
    }  # fmt: skip
    """Battery vehicles that do the work of a fuel vehicle, by fleet group; 1.0 to 1.3 plausible."""
    depot_energy_share: dict[str, Share] = {"bus": 0.9, "taxi": 0.1, "goods": 0.5, "sanitation": 0.9, "airside": 0.9}
    """Share of a battery vehicle's energy that is charged at its depot, by fleet group; -/+ .1, taxis 0 to .3."""
    winter_factor: Annotated[float, Field(ge=1.0, le=3.0)] = 1.35
    """Use on the design day over use in mild weather; 1.2 to 1.6 plausible."""
    working_days: Annotated[float, Field(ge=100.0, le=366.0)] = 300.0
    """Days a vehicle is out in a year [days]; 280 to 330 plausible."""
    charger_hours: Annotated[float, Field(gt=0.0, le=24.0)] = 6.0
    """Hours at full power that a depot's charger gives in a day [h]; 4 to 10 plausible."""
    simultaneity_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.8
    """Power that all chargers of a depot ask for at once over their rated power; .6 to 1 plausible."""
    charger_cny_per_kw: Annotated[float, Field(ge=0.0)] = 900.0
    """Price of a charger, built, by its power [CNY/kW]; 600 to 1,500 plausible."""
    module_kw: Annotated[float, Field(gt=0.0)] = 1000.0
    """Power of a module (transformer with its cabling) that enlarges a depot's grid connection [kW]; 630 to 1,600."""
    module_cny: Annotated[float, Field(ge=0.0)] = 900_000.0
    """Price of a grid module [CNY]; 600,000 to 1.5 million plausible."""
    most_modules: Annotated[int, Field(ge=0)] = 200
    """Most modules a depot may get; a depot is the yards of a fleet group in a district."""
    depot_power_kw: dict[str, Annotated[float, Field(ge=0.0)]] = {}
    """Power for charging that a depot (such as `bus:Haidian`) cannot pass, by depot [kW]; else `most_modules` holds."""
    hydrogen_supply_kg: dict[int, Annotated[float, Field(ge=0.0)]] = {2026: 12_000.0, 2030: 40_000.0}
    """Hydrogen that can be had on the design day, by year [kg/day]; 8,000 to 60,000 plausible in 2030."""
    upkeep_growth_per_year: Annotated[float, Field(ge=0.0, le=0.5)] = 0.05
    """Yearly relative growth of a vehicle's maintenance with its age [1/year]; .03 to .10 plausible."""
    first_sale_loss_share: Share = 0.35
    """Part of the price that a vehicle loses when it is first registered; .2 to .5 plausible."""
    shortfall_cny: Annotated[float, Field(ge=0.0)] = 5_000_000.0
    """Cost of a vehicle missing for a year; high, so that service is kept wherever it can be [CNY]."""
    penalty_cny: dict[str, Annotated[float, Field(ge=0.0)]] = {
        "required": 800_000.0, "basically": 500_000.0, "strive": 300_000.0,
    }  # fmt: skip
    """What a vehicle missing to a clause counts for a year, by the clause's wording [CNY]; 100,000 to 2 million."""
    cpu_s: Annotated[float, Field(gt=0.0)] = 60.0
    """CPU time after which the solver stops [s]."""
    gap: Annotated[float, Field(ge=0.0, le=0.2)] = 0.003
    """Gap between cost and proven bound that is good enough."""
    depot_wait_min: Annotated[float, Field(gt=0.0, le=1440.0)] = 60.0
    """Mean wait at the yards of a depot, in the worst hour of a milestone day, above which the day fails there and the
    depot is tightened [min]; 30 to 120 plausible."""


class ScheduleSection(Section):
    """Scripted conversion."""

    convert: tuple[Conversion, ...] = ()
    """Lines of the schedule, in order of precedence. Where purchases do not suffice the oldest vehicles leave early."""
    transfer: tuple[Transfer, ...] = ()
    """Transfers between districts."""
    solve: SolveSection = SolveSection()
    """Limits and prices for `fleetsim schedule`, solved or previewed."""


class DutiesSection(Section):
    """The fleets' days. Shifts, tours and flight jobs themselves are tables of the city (`duty_*.csv`)."""

    detour: Annotated[float, Field(ge=1.0, le=3.0)] = 1.3
    """Road distance over distance as the crow flies, where no route is searched."""
    bus_reserve_share: Share = 0.08
    """Share of the buses that stays in for repair and as reserve; blocks beyond the rest go without a bus."""
    bus_spare_share: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    """Buses that stand ready at their depot without blocks of their own, over those with; sent out where depots send
    out whichever bus is ready (`operation.bus_dispatch = "pool"`); 0 to .1 plausible."""
    bus_layover_min: Annotated[float, Field(ge=0.0, le=60.0)] = 15.0
    """Stop that the timetable plans between two trips of a bus, at least [min]."""
    bus_turn_min: Annotated[float, Field(ge=0.0, le=30.0)] = 5.0
    """Shortest stop between two trips when the bus is late; not longer than the planned one [min]."""
    bus_empty_kmh: Annotated[float, Field(ge=5.0, le=80.0)] = 25.0
    """Speed of a bus on its way between depot and terminal [km/h]."""
    bus_depot_return_min: Annotated[float, Field(ge=20.0, le=720.0)] = 90.0
    """A bus goes to its depot between two trips if it can stand there at least this long [min]."""
    bus_terminal_charge_min: Annotated[float, Field(ge=5.0, le=720.0)] = 30.0
    """A bus may seek energy at a terminal if it stands there at least this long [min]."""
    bus_missed_after_min: Annotated[float, Field(ge=5.0, le=120.0)] = 15.0
    """A bus trip counts as missed when it leaves later than the headway, at most this [min]."""
    taxi_in_service_share: Share = 0.93
    """Share of the taxis that is on the road on a day."""
    taxi_double_share: Share = 0.35
    """Share of the company taxis that two drivers share by shifts; the others have one driver a day."""
    taxi_trips_factor: Annotated[float, Field(gt=0.0, le=3.0)] = 1.0
    """Factor on the trips of every taxi shift."""
    taxi_trip_km: Annotated[float, Field(gt=1.0, le=40.0)] = 9.0
    """Mean distance of a taxi trip with its passenger [km]."""
    taxi_empty_share: Annotated[float, Field(ge=0.0, le=0.8)] = 0.5
    """Share of a taxi's distance without a passenger, the ways from and to home left out."""
    taxi_weekend_factor: Annotated[float, Field(gt=0.0, le=2.0)] = 0.95
    """Trips of a taxi at a weekend over those on a weekday."""
    taxi_home_plug_share: dict[int, Share] = {2020: 0.05, 2025: 0.10, 2030: 0.15}
    """Share of the electric taxis that can charge at their driver's home, by year."""
    goods_in_service_share: Share = 0.85
    """Share of the light goods vehicles that is on the road on a weekday."""
    sanitation_in_service_share: Share = 0.90
    """Share of the sanitation vehicles that is on the road on a weekday."""
    airside_in_service_share: Share = 0.90
    """Share of the airside vehicles that works on a day."""
    home_pile_share: dict[int, Share] = {2018: 0.49, 2020: 0.52, 2025: 0.48, 2030: 0.45}
    """Share of private and company electric cars with a charging pile of their own, by year (0.38 to 0.60 in 2025)."""
    public_sessions_factor: Annotated[float, Field(ge=0.0, le=5.0)] = 1.0
    """Factor on the public charging sessions of cars and ride-hailing vehicles."""


class ChargingSection(Section):
    """What vehicles use, when their drivers seek energy, and how stations serve them."""

    reserve_share: Share = 0.2
    """A driver seeks energy if the next chance would be reached below this share of a full store; .1 to .35."""
    depot_reserve_share: Share = 0.6
    """The same at the own depot during the day (charging between two duties); .3 to .9 plausible."""
    target_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.9
    """Share of a full battery at which a driver unplugs in public when nothing is due; .8 to 1 plausible."""
    hydrogen_target_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.95
    """Share of a full tank at which refuelling with hydrogen ends; .9 to 1 plausible."""
    stations_considered: Annotated[int, Field(ge=1, le=20)] = 4
    """Nearest stations among which a driver chooses, as many of those open to all as of those kept for the fleet group;
    1 to 8 plausible."""
    tries: Annotated[int, Field(ge=1, le=10)] = 2
    """Stations a driver goes to at one stop before driving on without energy; 1 to 3 plausible."""
    queue_per_plug: Annotated[float, Field(ge=0.0, le=20.0)] = 1.0
    """Waiting vehicles per plug at which a driver who can go on does not join a queue; .5 to 3 plausible."""
    connect_min: Annotated[float, Field(ge=0.0, le=60.0)] = 3.0
    """Time on a public plug without energy: to connect and to pay [min]; 1 to 6 plausible."""
    depot_connect_min: Annotated[float, Field(ge=0.0, le=60.0)] = 2.0
    """The same at a depot [min]; 1 to 10 plausible."""
    swap_min: Annotated[float, Field(gt=0.0, le=60.0)] = 5.0
    """Time in the bay for a battery swap [min]; 2 to 8 plausible."""
    hydrogen_connect_min: Annotated[float, Field(ge=0.0, le=60.0)] = 4.0
    """Time at a hydrogen dispenser without flow [min]; 2 to 6 plausible."""
    hydrogen_flow_kg_min: Annotated[float, Field(gt=0.0, le=20.0)] = 1.5
    """Flow of a hydrogen dispenser at 35 MPa [kg/min]; .8 to 3.6 plausible."""
    dry_wait_min: Annotated[float, Field(ge=0.0, le=1440.0)] = 45.0
    """Longest wait for a full pack or for hydrogen at a station that has run dry; beyond it vehicles are turned away
    [min]; 0 to 120 plausible."""
    typical_energy_kwh: Annotated[float, Field(gt=0.0, le=1000.0)] = 35.0
    """Energy of a typical charge, by which a driver guesses how fast a queue moves [kWh]; 20 to 60 plausible."""
    typical_hydrogen_kg: Annotated[float, Field(gt=0.0, le=100.0)] = 12.0
    """The same for hydrogen [kg]; 4 to 20 plausible."""
    charger_efficiency: Annotated[float, Field(gt=0.0, le=1.0)] = 0.93
    """Energy into the battery over energy from the grid; powers of plugs and vehicles are rated before it; .88 to .96
    plausible."""
    home_plug_kw: Annotated[float, Field(gt=0.0, le=50.0)] = 7.0
    """Power of a plug of one's own, for vehicles that have one without a depot [kW]; 3.3 to 11 plausible."""
    phev_range_km: Annotated[float, Field(gt=0.0, le=500.0)] = 80.0
    """Distance a plug-in hybrid drives on a full battery [km]; 50 to 200 plausible."""
    comfort_low_c: Annotated[float, Field(ge=0.0, le=25.0)] = 18.0
    """Temperature below which the cabin is heated [C]; 15 to 20 plausible."""
    comfort_high_c: Annotated[float, Field(ge=15.0, le=35.0)] = 24.0
    """Temperature above which the cabin is cooled [C]; 22 to 27 plausible."""
    cabin_stop_share: Share = 0.25
    """Share of a stop, not at the depot, for which the cabin is heated or cooled; 0 to .6 plausible."""
    reference_speed_kmh: dict[str, Annotated[float, Field(gt=0.0, le=120.0)]] = {
        "bus": 17.0, "taxi": 25.0, "goods": 28.0, "sanitation": 15.0, "airside": 15.0, "car": 25.0, "ride_hail": 25.0,
        "truck": 40.0, "coach": 50.0,
    }  # fmt: skip
    """Mean speed at which `use_per_km` of the vehicle types holds, by fleet group [km/h]; -/+ 20 %."""
    electric_time_share: Share = 0.1
    """Part of an electric vehicle's use that goes with time rather than distance; 0 to .25 plausible."""
    fuel_time_share: Share = 0.3
    """The same for fuel vehicles, whose engines idle; .15 to .5 plausible."""
    engine_efficiency: Annotated[float, Field(gt=0.0, le=1.0)] = 0.3
    """Electric or shaft energy aboard over the heating value of the fuel; .25 to .38 plausible."""
    fuel_cell_efficiency: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """Electricity of a fuel cell over the heating value of hydrogen; .45 to .58 plausible."""


class SitingSection(Section):
    """Where and when new stations are sited, and how plugs are added."""

    years: tuple[int, ...] = (2021, 2023, 2025, 2027, 2029)
    """Years in which new stations are sited; the year's days are then simulated again with them."""
    stations_per_year: dict[str, dict[int, Annotated[float, Field(ge=0.0)]]] = {
        "public": {2021: 120.0, 2025: 200.0, 2030: 150.0},
        "swap": {2021: 20.0, 2022: 24.0, 2023: 12.0, 2030: 14.0},
        "hydrogen": {2021: 3.0, 2025: 3.0, 2026: 5.0},
    }
    """New stations of each kind a year [stations/year]; a siting year opens those of all years since the last one."""
    standard_km: dict[str, dict[str, Annotated[float, Field(gt=0.0, le=100.0)]]] = {
        "public": {
            "core": 0.9,
            "central_city": 0.9,
            "sub_centre": 3.0,
            "plain_new_town": 3.0,
            "ecological": 3.0,
            "mountain": 10.0,
        },
        "swap": {
            "core": 3.0,
            "central_city": 3.0,
            "sub_centre": 5.0,
            "plain_new_town": 5.0,
            "ecological": 10.0,
            "mountain": 20.0,
        },
        "hydrogen": {
            "core": 10.0,
            "central_city": 10.0,
            "sub_centre": 15.0,
            "plain_new_town": 15.0,
            "ecological": 20.0,
            "mountain": 30.0,
        },
    }
    """Network distance within which a station of the kind is near enough, by functional zone; `mountain` wins [km]."""
    unserved_weight: Annotated[float, Field(ge=0.0, le=10.0)] = 1.0
    """Weight of a visit that left without energy."""
    waiting_weight: Annotated[float, Field(ge=0.0, le=10.0)] = 0.5
    """Weight of a visit that waited longer than the standard, beside one that left without energy."""
    visits_per_1000_residents: dict[str, Annotated[float, Field(ge=0.0, le=100.0)]] = {
        "public": 2.0,
        "swap": 0.2,
        "hydrogen": 0.01,
    }
    """Visits a day that 1,000 residents beyond the standard's distance count for in siting [1/day]."""
    wait_standard_min: dict[str, Annotated[float, Field(gt=0.0, le=240.0)]] = {
        "public": 10.0,
        "swap": 10.0,
        "hydrogen": 10.0,
    }
    """Mean wait in the peak hour that plugs, bays and dispensers are sized for [min]."""
    unserved_standard_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.02
    """Share of arrivals that leave without energy from which a station gets more plugs (0.01 to 0.05)."""
    p95_standard_min: Annotated[float, Field(gt=0.0, le=480.0)] = 30.0
    """95th percentile of the simulated wait beyond which a station is enlarged [min]."""
    service_min: dict[str, Annotated[float, Field(gt=0.0, le=600.0)]] = {
        "public": 45.0,
        "swap": 5.0,
        "hydrogen": 12.0,
    }
    """Mean time a visit holds a plug, bay or dispenser [min]."""
    wait_variability: dict[str, Annotated[float, Field(ge=0.0, le=4.0)]] = {
        "public": 0.75,
        "swap": 0.55,
        "hydrogen": 0.6,
    }
    """Half the sum of the squared coefficients of variation of arrivals and service (Allen-Cunneen); 1: Erlang C."""
    peak_hour_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    """Share of a day's visits in the busiest hour."""
    smallest_plugs: dict[str, Annotated[int, Field(ge=1)]] = {"public": 8, "swap": 1, "hydrogen": 2}
    """Fewest plugs, bays or dispensers of a new station."""
    largest_plugs: dict[str, Annotated[int, Field(ge=1)]] = {"public": 120, "swap": 4, "hydrogen": 8}
    """Most plugs, bays or dispensers of a station that siting opens or that is enlarged."""
    power_kw: dict[str, dict[int, Annotated[float, Field(ge=0.0, le=2000.0)]]] = {
        "public": {2020: 60.0, 2025: 120.0, 2030: 180.0},
        "swap": {2020: 60.0},
        "hydrogen": {2020: 0.0},
    }
    """Power of a plug (of a charger behind a swap bay) in stations opened in the year [kW]."""
    packs_per_bay: Annotated[int, Field(ge=1, le=200)] = 28
    """Battery packs in stock for each swap bay of a new station."""
    storage_kg_per_dispenser: Annotated[float, Field(gt=0.0)] = 500.0
    """Usable hydrogen storage of a new station for each dispenser [kg]."""
    supply_kg_h_per_dispenser: Annotated[float, Field(gt=0.0)] = 42.0
    """Compressor and delivery rate of a new hydrogen station for each dispenser [kg/h]."""
    public_piles_per_year: dict[int, Annotated[float, Field(ge=0.0)]] = {
        2021: 7_000.0,
        2024: 12_000.0,
        2025: 15_000.0,
        2026: 24_000.0,
        2027: 18_000.0,
        2030: 15_000.0,
    }
    """Public charging piles added a year, in new stations and at existing ones [piles/year]."""
    depot_plugs_per_vehicle: dict[str, Annotated[float, Field(ge=0.0, le=2.0)]] = {
        "bus": 0.35,
        "taxi": 0.05,
        "goods": 0.25,
        "sanitation": 0.5,
        "airside": 0.3,
    }
    """Plugs at the depot for each plug-in vehicle that stands there at night, by group of fleets."""
    depot_power_kw: dict[str, Annotated[float, Field(gt=0.0, le=2000.0)]] = {
        "bus": 120.0,
        "taxi": 60.0,
        "goods": 60.0,
        "sanitation": 60.0,
        "airside": 60.0,
    }
    """Power of a plug at a depot that gets its first plugs, by group of fleets [kW]."""
    site_cny: dict[str, Annotated[float, Field(ge=0.0)]] = {
        "public": 400_000.0,
        "swap": 1_000_000.0,
        "hydrogen": 6_000_000.0,
    }
    """Works and connection of a new station, without its plugs [CNY]; .2 to .8, .5 to 2 and 3 to 10 million."""
    plug_cny: dict[str, Annotated[float, Field(ge=0.0)]] = {
        "public": 100_000.0,
        "swap": 3_500_000.0,
        "hydrogen": 3_000_000.0,
    }
    """A plug, a swap bay with its packs, a dispenser with its part of compressor and storage, built [CNY]; .06 to .18,
    2 to 5 and 2 to 5 million."""
    solver_gap: Annotated[float, Field(ge=0.0, le=0.1)] = 0.0
    """Gap between plan and bound that is good enough for one kind and year; 0 asks for proven optimal plans."""
    solver_nodes: Annotated[int, Field(ge=1)] = 50
    """Most nodes of branch and bound for one kind and year; a limit that is the same on every machine."""
    solver_time_s: Annotated[float, Field(gt=0.0, le=36_000.0)] = 60.0
    """Time after which the search for one kind and year is cut off [s]; a plan cut off may differ next time."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """Check that every kind of station that is opened has its sizes and standards, every depot rule its power."""
        kinds = list(type(self).model_fields["standard_km"].default)
        needed = ("standard_km", "wait_standard_min", "service_min", "wait_variability", "smallest_plugs")
        lists = {name: kinds for name in (*needed, "largest_plugs", "power_kw")}
        lists["depot_power_kw"] = list(self.depot_plugs_per_vehicle)
        for name, keys in lists.items():
            missing = [key for key in keys if key not in getattr(self, name)]
            if missing:
                raise ValueError(f"siting: {name} has no entry for {', '.join(missing)}; add one")
        return self


class ModesSection(Section):
    """Levers on green travel."""

    base_year: Annotated[int, Field(ge=2010, le=2050)] = 2019
    """Year of the observed split the model pivots on; it must not lie after calibration.until."""
    nest_green: Annotated[float, Field(gt=0.0, le=1.0)] = 0.7
    """Nest parameter of the green modes; 1 makes the model a plain logit. Assumption, range 0.5 to 1."""
    nest_motor: Annotated[float, Field(gt=0.0, le=1.0)] = 0.7
    """Nest parameter of car and taxi. Assumption, range 0.5 to 1."""
    rail_km: PositiveByYear = {
        2019: 700.0,
        2020: 727.0,
        2021: 783.1,
        2022: 797.0,
        2024: 879.0,
        2025: 909.0,
        2030: 1050.0,
    }
    """Urban rail in service at the end of the year [km]. Published to 2025; 2030 is an assumption (950 to 1,150)."""
    rail_access_share_per_km: Annotated[float, Field(ge=0.0, le=0.005)] = 0.0003
    """Share of central trips that newly gain rail access with each km opened [1/km]. Assumption, 0.0001 to 0.0006."""
    rail_access_gain: Annotated[float, Field(ge=0.0, le=3.0)] = 0.983
    """Relative change of rail trips where rail access is new (anchor: +98.3 %)."""
    rail_access_car_change: Annotated[float, Field(gt=-1.0, le=0.0)] = -0.198
    """Relative change of car trips where rail access is new (anchor: -19.8 %)."""
    rail_access_slow_gain: Annotated[float, Field(ge=0.0, le=1.0)] = 0.118
    """Relative change of walking and cycling where rail access is new (anchor: +11.8 %)."""
    rail_share_before_access: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """Rail share of trips without rail access over the mean rail share. Assumption, 0.3 to 0.7."""
    metro_fare: PositiveByYear = {2019: 1.0}
    """Real metro fare over that of the base year."""
    metro_fare_elasticity: Annotated[float, Field(ge=-2.0, lt=0.0)] = -0.09
    """Elasticity of metro trips to the metro fare (anchor: -0.090)."""
    metro_mean_fare_cny: PositiveFloat = 4.4
    """Mean metro fare [CNY/trip]; with the elasticity it sets what 1 CNY is worth. Assumption, 4 to 5."""
    bus_fare: PositiveByYear = {2019: 1.0}
    """Real bus fare over that of the base year."""
    bus_fare_elasticity: Annotated[float, Field(ge=-2.0, le=0.0)] = -0.2
    """Elasticity of bus trips to the bus fare. Assumption, -0.1 to -0.4."""
    bus_headway: PositiveByYear = {2019: 1.0}
    """Mean time between buses over that of the base year."""
    bus_headway_elasticity: Annotated[float, Field(ge=-2.0, le=0.0)] = -0.3
    """Elasticity of bus trips to the headway. Assumption, -0.2 to -0.5."""
    bus_speed: PositiveByYear = {2019: 1.0}
    """Mean bus speed over that of the base year; bus lanes raise it."""
    bus_speed_elasticity: Annotated[float, Field(ge=0.0, le=2.0)] = 0.4
    """Elasticity of bus trips to the bus speed. Assumption, 0.2 to 0.6."""
    cycle_lane_km: AmountByYear = {
        2019: 0.0,
        2022: 1920.0,
        2023: 2170.7,
        2025: 2670.0,
        2030: 3420.0,
    }
    """Walking and cycling network upgraded since the base year [km]. To 2022 derived (3,200 km in five years), 2023
    published (250.7 km); later years an assumption (100 to 300 km a year)."""
    parking_price: PositiveByYear = {2019: 1.0}
    """Real parking price over that of the base year."""
    parking_price_elasticity: Annotated[float, Field(ge=-2.0, le=0.0)] = -0.15
    """Elasticity of car trips to the parking price. Assumption, -0.05 to -0.3."""
    congestion_charge_cny: Annotated[dict[int, Annotated[float, Field(ge=0.0, le=200.0)]], Field(min_length=1)] = {
        2019: 0.0
    }
    """Charge a car trip into the charged area pays [CNY/trip]."""
    congestion_charged_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.4
    """Share of central car trips that would pay the congestion charge. Assumption, 0.2 to 0.6."""
    driving_restriction: Annotated[dict[int, Annotated[float, Field(ge=0.0, lt=1.0)]], Field(min_length=1)] = {
        2019: 0.2
    }
    """Share of fuel-car days banned by plate number on weekdays (one day in five in the base year)."""
    driving_restriction_kept_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    """Share of the banned car days that are really trips by another mode. Assumption, 0.3 to 0.8."""
    car_trips_elasticity: Annotated[float, Field(ge=0.0, le=1.0)] = 0.2
    """Elasticity of central trips made with a car at hand to the city's car stock (the quota acts through it).
    Assumption, 0 to 0.5: most added cars belong to outer districts."""
    green_reward_cny: Annotated[dict[int, Annotated[float, Field(ge=0.0, le=50.0)]], Field(min_length=1)] = {2019: 0.0}
    """Reward paid for a green trip, e.g. carbon points [CNY/trip]."""
    green_reward_reach_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.3
    """Share of travellers the reward reaches. Assumption, 0.1 to 0.5."""
    rail_shortfall: Annotated[dict[int, Annotated[float, Field(ge=-1.0, le=1.0)]], Field(min_length=1)] = {
        2019: 0.0,
        2020: 0.421,
        2021: 0.225,
        2022: 0.43,
        2023: 0.128,
        2024: 0.085,
        2025: 0.07,
        2030: 0.05,
    }
    """Transit aversion, rail: shortfall of yearly boardings against the base year (pandemic and after). Derived
    from published boardings for 2020, 2021, 2023 and 2024; 2022 and later years are assumptions (+-0.05)."""
    bus_shortfall: Annotated[dict[int, Annotated[float, Field(ge=-1.0, le=1.0)]], Field(min_length=1)] = {
        2019: 0.0,
        2020: 0.422,
        2021: 0.35,
        2022: 0.51,
        2023: 0.357,
        2024: 0.349,
        2025: 0.345,
        2030: 0.345,
    }
    """Transit aversion, bus: shortfall of yearly boardings against the base year. Derived from published boardings
    for 2020, 2021, 2023 and 2024; 2022 and later years are assumptions (plus or minus 0.05)."""
    trend_kept: Annotated[float, Field(ge=0.0, le=1.5)] = 0.5
    """Share of the calibrated green trend that goes on after the last observation used. Assumption; 0 and 1 are the
    ends of the forecast's range."""


class FreightSection(Section):
    """Levers on freight."""

    tonnage_growth_per_year: Annotated[float, Field(ge=-0.2, le=0.2)] = 0.0
    """Yearly relative change of goods to and from the city, all modes. Assumption, -0.02 to 0.03."""
    bulk_tonnage_mt: Annotated[float, Field(ge=0.0)] = 110.0
    """Bulk goods the city takes in a year, mainly sand and gravel [Mt] (published for 2020)."""
    bulk_to_rail_share: ShareByYear = {2025: 0.0, 2030: 0.05}
    """Share of the bulk goods moved from road to rail since the last observed rail share. Assumption, 0 to 0.15."""
    road_passenger_factor: Annotated[float, Field(gt=0.0)] = 0.1
    """Tonne-km one passenger-km by road counts for (1,000 passenger-km are 100 tonne-km)."""


class GridSection(Section):
    """Grid, storage and demand response."""

    city_peak_gw: PositiveByYear = {2016: 20.828, 2020: 23.6, 2025: 28.0, 2030: 31.0}
    """Highest load of the city's grid in the year [GW]. 2016 published; later years assumptions (2025: 25 to 32)."""
    city_peak_hour: Annotated[int, Field(ge=0, le=23)] = 20
    """Hour of the day in which the city's load peaks [h]. Assumption, 19 to 21 in winter, 12 or 20 in summer."""
    response_share: ShareByYear = {2020: 0.0, 2025: 0.2, 2030: 0.4}
    """Share of the charging power at the peak that can be put off on call. Assumption, 0.1 to 0.6 in 2030."""
    other_response_gw: AmountByYear = {2020: 0.3, 2025: 0.8, 2030: 1.0}
    """Demand response outside transport [GW]. Assumption, 0.3 to 1.5; no published outcome."""
    storage_gw: AmountByYear = {2020: 0.05, 2025: 0.4, 2030: 0.9}
    """New storage connected to the city's grid [GW]. Assumption, 0.2 to 0.8 in 2025; no published outcome."""
    home_valley_share: ShareByYear = {2020: 0.6, 2030: 0.75}
    """Share of home charging that waits for the valley hours (23 to 7 h). Assumption, 0.4 to 0.9."""


class SolarSection(Section):
    """Photovoltaics at transport sites."""

    yield_kwh_per_kwp: Annotated[float, Field(gt=0.0, le=2500.0)] = 1250.0
    """Yearly yield of a well-placed module in Beijing [kWh/kWp]. Assumption, 1,100 to 1,350."""
    loss_per_year: Annotated[float, Field(ge=0.0, le=0.05)] = 0.005
    """Yearly loss of yield through ageing. Assumption, 0.003 to 0.008."""
    built_share: ShareByYear = {2022: 0.0, 2025: 0.10, 2030: 0.40}
    """Share of each kind of site's potential that is built, counted from the kind's first year. Assumption."""
    orientation_factor: dict[str, Annotated[float, Field(gt=0.0, le=1.0)]] = {"noise_barrier": 0.65, "slope": 0.9}
    """Yield of a kind of site over that of a well-placed module; kinds not named have 1. Assumption, 0.6 to 1."""


class CarbonSection(Section):
    """Energy and CO2."""

    grid_factor_change_per_year: Annotated[float, Field(ge=-0.5, le=0.2)] = -0.025
    """Yearly relative change of the grid's emission factor after its last published year (observed 2021 to 2022:
    -0.019). Assumption, -0.01 to -0.05."""
    charging_efficiency: Annotated[float, Field(gt=0.0, le=1.0)] = 0.92
    """Energy into the battery over energy from the grid. Assumption, 0.88 to 0.95."""
    hydrogen_pathways: dict[str, ShareByYear] = {
        "by_product": {2020: 1.0, 2025: 0.8, 2030: 0.6},
        "renewable": {2020: 0.0, 2025: 0.2, 2030: 0.4},
    }
    """Share of each hydrogen pathway by year; known are by_product, gas_reforming, renewable and grid_electrolysis.
    Assumption; the shares of a year are scaled to a sum of 1."""
    electrolysis_kwh_per_kg: Annotated[float, Field(gt=0.0)] = 55.0
    """Electricity for a kg of hydrogen by electrolysis and compression [kWh/kg]. Assumption, 52 to 60."""
    weather_factor: dict[str, Annotated[float, Field(gt=0.0)]] = {
        "BEV": 1.15,
        "BEV-swap": 1.15,
        "FCEV": 1.08,
        "PHEV": 1.08,
        "petrol": 1.03,
        "diesel": 1.03,
        "gas": 1.03,
        "hybrid": 1.04,
    }
    """Use over the year against mild weather, by powertrain, for fleets without simulated days. Assumption; electric
    vehicles 1.08 to 1.25."""
