"""The scenario's sections on modes, freight, the grid, solar power and carbon."""

from typing import Annotated, Self

from pydantic import Field, PositiveFloat, model_validator

from fleetsim.scenario.sections import AmountByYear, Hours, Months, PositiveByYear, Section, ShareByYear


class ModesSection(Section):
    """Levers on green travel."""

    base_year: Annotated[int, Field(ge=2010, le=2050)] = 2019
    """Year of the observed split the model pivots on; it must not lie after calibration.until."""
    nest_green: Annotated[float, Field(gt=0.0, le=1.0)] = 0.7
    """Nest parameter of the green modes; 1 makes the model a plain logit. Assumption, range 0.5 to 1."""
    green_error: PositiveFloat = 0.0025
    """Standard error of a published share of green travel, in the calibration; doubled where confidence is low.
    Assumption, 0.001 to 0.005: shares are published to 0.1 points."""
    mode_error: PositiveFloat = 0.01
    """The same of a published share of another mode. Assumption, 0.005 to 0.02: surveys and indicators differ."""
    prior_aversion: tuple[float, PositiveFloat] = (0.5, 0.5)
    """What the calibration takes the aversion to transit for before any observation: mean and standard deviation.
    Assumption; a mean of 0 to 1 moves the result little, as later shares decide."""
    prior_cycling: tuple[float, PositiveFloat] = (0.2, 0.2)
    """The same of what upgraded cycling network is worth. Assumption, a mean of 0 to 0.4."""
    prior_trend: tuple[float, PositiveFloat] = (0.0, 0.03)
    """The same of the yearly trend of the green modes. Assumption, a mean of -0.02 to 0.02."""
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
    cycle_scale_km: PositiveFloat = 1000.0
    """Upgraded network from which a further one is worth less: its worth goes by log(1 + length / this) [km].
    Assumption, 500 to 3,000; the calibrated worth moves against it."""
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
    interval: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.80
    """Probability content of the ranges of green travel."""
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
    """Share of home charging that waits for the valley hours. Assumption, 0.4 to 0.9."""
    valley_hours: Hours = (23, 0, 1, 2, 3, 4, 5, 6)
    """Hours of cheap power at home, over which that share is spread [h]; 22 or 23 to 5 or 7 h plausible."""
    evening_hours: Hours = (18, 19, 20, 21, 22)
    """Hours over which the rest of home charging is spread [h]. Assumption, from 16 to 19 h to midnight."""
    winter_months: Months = (12, 1, 2)
    """Months in which the winter prices of `tariffs.csv` hold [month]; November to February at most."""
    summer_months: Months = (6, 7, 8)
    """Months in which the summer prices hold [month]; the others are mild. May to September at most."""

    @model_validator(mode="after")
    def _seasons(self) -> Self:
        both = sorted(set(self.winter_months) & set(self.summer_months))
        if both:
            raise ValueError(f"winter_months, summer_months: month {both[0]} is in both; name it once")
        return self

    def season(self, month: int) -> str:
        """Return the season of the tariffs in a month: winter, summer or mild."""
        if month in self.winter_months:
            return "winter"
        return "summer" if month in self.summer_months else "mild"


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
