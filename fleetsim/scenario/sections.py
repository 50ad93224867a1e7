"""The sections of a scenario. Every field's description is its entry in the manual.

A section is frozen and knows its keys: an unknown key is an error. Values given by year are tables
from year to value; years between two given ones are interpolated, years outside take the nearest.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
PositiveByYear = Annotated[dict[int, PositiveFloat], Field(min_length=1)]
AmountByYear = Annotated[dict[int, NonNegativeFloat], Field(min_length=1)]
ShareByYear = Annotated[dict[int, Share], Field(min_length=1)]
Hours = Annotated[tuple[Annotated[int, Field(ge=0, le=23)], ...], Field(min_length=1)]
Months = tuple[Annotated[int, Field(ge=1, le=12)], ...]


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


def in_order(bounds: tuple[float, float]) -> tuple[float, float]:
    """Return a pair of bounds as it is, if the lower one comes first."""
    if bounds[0] > bounds[1]:
        raise ValueError(f"{bounds[0]} is above {bounds[1]}; give the lower one first")
    return bounds


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
    work_days_per_year: Annotated[float, Field(gt=0.0, le=366.0)] = 300.0
    """Days a vehicle is out in a year, where its range is weighed against a day's distance [days]; 280 to 330
    plausible."""
    usable_store_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.85
    """Share of battery or tank used before energy is sought, where range is weighed; .75 to .9 plausible."""
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


class DutiesSection(Section):
    """The fleets' days. Shifts, tours and flight jobs themselves are tables of the city (`duty_*.csv`)."""

    detour: Annotated[float, Field(ge=1.0, le=3.0)] = 1.3
    """Road distance over distance as the crow flies, where no route is searched."""
    bus_reserve_share: Share = 0.08
    """Share of the buses that stays in for repair and as reserve; blocks beyond the rest go without a bus."""
    bus_spare_share: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    """Buses that stand ready at their depot without blocks of their own, over those with; sent out where depots send
    out whichever bus is ready (`operation.bus_dispatch = "pool"`); 0 to .1 plausible."""
    bus_layover_min: Annotated[float, Field(ge=0.0, le=60.0)] = 11.0
    """Stop that the timetable plans between two trips of a bus, at least [min]."""
    bus_first_turn_min: Annotated[float, Field(ge=0.0, le=60.0)] = 12.0
    """Stop of the first bus at the far terminal: departures of the way back begin so much after its arrival [min]; 5 to
    15 plausible."""
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
    bus_missed_least_min: Annotated[float, Field(ge=0.0, le=5.0)] = 5.0
    """Shortest delay by which a trip counts as missed, where buses are frequent [min]; 2 to 5 plausible."""
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
    taxi_kerb_min: Annotated[float, Field(ge=0.0, le=30.0)] = 1.5
    """Stop of a taxi between a trip and the way to the next passenger [min]; 1 to 3 plausible."""
    taxi_handover_min: Annotated[float, Field(ge=0.0, le=120.0)] = 15.0
    """Stop of a taxi at its driver's home after a shift, before the next driver leaves [min]; 5 to 30 plausible."""
    taxi_late_start_min: Annotated[float, Field(ge=0.0, le=240.0)] = 60.0
    """Delay of a shift by which its first trip counts as missed [min]; 30 to 90 plausible."""
    taxi_overtime_min: Annotated[float, Field(ge=0.0, le=240.0)] = 60.0
    """How much later than the end of his shift a driver comes home at most [min]; 0 to 90 plausible."""
    taxi_speed_spread: Annotated[float, Field(ge=0.0, le=0.5)] = 0.15
    """Standard deviation of the logarithm of a trip's speed around that of its zone and hour; .1 to .25 plausible."""
    taxi_morning_until_h: Annotated[int, Field(ge=0, le=24)] = 10
    """Hour up to which trips lead to work rather than home [h]; 9 to 11 plausible."""
    taxi_evening_from_h: Annotated[int, Field(ge=0, le=24)] = 16
    """Hour from which trips lead home rather than to work [h]; 15 to 18 plausible."""
    taxi_homeward_shares: tuple[Share, Share, Share] = (0.3, 0.5, 0.7)
    """Weight of residents, the rest being that of jobs, in what draws a trip: mornings, by day, evenings; -/+ .15."""
    taxi_demand_bounds: tuple[Positive, Positive] = (0.4, 2.5)
    """Least and greatest demand of an hour over the day's mean that shortens or lengthens a taxi's wait; drivers rest
    in hours of less; .2 to .6 and 2 to 4 plausible."""
    taxi_home_plug_share: dict[int, Share] = {2020: 0.05, 2025: 0.10, 2030: 0.15}
    """Share of the electric taxis that can charge at their driver's home, by year."""
    base_reach_km: Annotated[float, Field(gt=0.0, le=200.0)] = 15.0
    """Distance over which the weight of a base (depot, market, park) falls to 1/e [km]; 8 to 30 plausible."""
    tour_stops_spread: Share = 0.3
    """Largest deviation of a cluster's stops from their mean, drawn evenly; .1 to .5 plausible."""
    tour_last_start_h: Annotated[float, Field(ge=0.0, le=24.0)] = 6.0
    """Latest start of a tour after that of the first one; later ones make the day too long [h]; 5 to 8 plausible."""
    goods_in_service_share: Share = 0.85
    """Share of the light goods vehicles that is on the road on a weekday."""
    sanitation_in_service_share: Share = 0.90
    """Share of the sanitation vehicles that is on the road on a weekday."""
    airside_in_service_share: Share = 0.90
    """Share of the airside vehicles that works on a day."""
    airside_standby_min: Annotated[float, Field(ge=0.0, le=720.0)] = 45.0
    """Shortest pause between two jobs in which an airside vehicle may charge [min]; 20 to 60 plausible."""
    airside_window_min: Annotated[float, Field(ge=0.0, le=120.0)] = 15.0
    """Delay by which a job at an aircraft counts as missed [min]; 5 to 30 plausible."""
    deicing_months: Months = (11, 12, 1, 2, 3)
    """Months in which airside vehicles that work in winter only are out [month]; October to April at most."""
    airside_spread: Share = 0.5
    """Largest deviation of a job's way and time at the stand from their means, drawn evenly; .3 to .7 plausible."""
    home_pile_share: dict[int, Share] = {2018: 0.49, 2020: 0.52, 2025: 0.48, 2030: 0.45}
    """Share of private and company electric cars with a charging pile of their own, by year (0.38 to 0.60 in 2025)."""
    public_sessions_factor: Annotated[float, Field(ge=0.0, le=5.0)] = 1.0
    """Factor on the public charging sessions of cars and ride-hailing vehicles."""
    winter_months: Months = (12, 1, 2)
    """Months in which cars charge in public as often as in winter [month]; November to March at most."""
    visit_km: Annotated[float, Field(gt=0.0, le=200.0)] = 12.0
    """Mean way from home to the places where cars charge away from it [km]; 8 to 20 plausible."""
    session_bounds: tuple[Share, Share] = (0.1, 0.9)
    """Least and greatest energy of a car's public session over its battery; .05 to .2 and .8 to .95 plausible."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for name, (low, high) in (
            ("taxi_demand_bounds", self.taxi_demand_bounds),
            ("session_bounds", self.session_bounds),
            ("taxi_morning_until_h, taxi_evening_from_h", (self.taxi_morning_until_h, self.taxi_evening_from_h)),
        ):
            if low > high:
                raise ValueError(f"{name}: {low} is above {high}; give the lower one first")
        return self
