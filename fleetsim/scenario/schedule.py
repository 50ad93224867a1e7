"""The scenario's sections on conversion: what is fixed, and what is solved for."""

from typing import Annotated, Literal

from pydantic import Field

from fleetsim.scenario.sections import Section, Share


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
    least_visits: Annotated[int, Field(ge=1, le=1000)] = 24
    """Fewest simulated visits of a milestone day by which a depot is judged where only a sample of the vehicles is
    simulated; 12 to 50 plausible: of 24 visits one more that is not served is a share of 4 %."""


class ScheduleSection(Section):
    """Scripted conversion."""

    convert: tuple[Conversion, ...] = ()
    """Lines of the schedule, in order of precedence. Where purchases do not suffice the oldest vehicles leave early."""
    transfer: tuple[Transfer, ...] = ()
    """Transfers between districts."""
    solve: SolveSection = SolveSection()
    """Limits and prices for `fleetsim schedule`, solved or previewed."""
