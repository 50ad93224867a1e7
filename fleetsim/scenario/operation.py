"""The scenario's section on how depots, stations, batteries and pools are run."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fleetsim.scenario.sections import Section, Share

Positive = Annotated[float, Field(gt=0.0)]


class OperationSection(Section):
    """How depots charge, stations queue and fail, batteries age and freeze, and vehicles are sent out."""

    depot_strategy: Literal["asap", "level", "valley", "cheapest"] = "asap"
    """When vehicles at their depot charge: at once, spread until they leave, in the valley hours of the depot's tariff
    if that suffices, or in its cheapest hours."""
    depot_share_rule: Literal["fair", "need"] = "need"
    """Who gets the power of a depot's connection when it is short: all alike, or first who must leave first."""
    depot_limit_share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Grid connection of a depot over the power of all its plugs, where stations.csv gives none; 1: no limit; .3 to 1
    plausible."""
    depot_grid_limit: dict[int, Share] = {}
    """Part of the connection that a depot may draw, by hour of the day (a signal of the grid); 1 where not given."""
    give_back_share: Share = 0.0
    """Share of the vehicles with a depot plug that may feed the grid at the dearest hours; with `valley` and `cheapest`
    only; 0 to .3 plausible."""
    give_back_floor_share: Share = 0.6
    """State of charge below which they give nothing back; .4 to .8 plausible."""
    queue_rule: Literal["fifo", "need"] = "fifo"
    """Who is next at a public station: first come first served, or who has least time to spare."""
    bookable_share: Share = 0.0
    """Share of the public stations at which a driver books a place on the way; 0 to .5 plausible."""
    cabinet_plugs: Annotated[int, Field(ge=0, le=20)] = 0
    """Plugs of a public station that share the power of a cabinet; 0: none share; 2 to 8 plausible."""
    cabinet_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.6
    """Power of a cabinet over that of its plugs together; .3 to 1 plausible."""
    failures_per_year: Annotated[float, Field(ge=0.0, le=365.0)] = 0.0
    """Faults of a plug, bay or dispenser a year; 0: none are drawn; 1 to 12 plausible."""
    repair_h: Annotated[float, Field(gt=0.0, le=1000.0)] = 24.0
    """Mean time until a plug is repaired [h]; 2 to 72 plausible."""
    swap_charger_share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Chargers behind the bays of a swap station over its packs; .5 to 1 plausible."""
    hydrogen_deliveries: Annotated[int, Field(ge=0, le=24)] = 0
    """Tube trailers a hydrogen station gets a day, spread evenly; 0: its compressor never lacks gas."""
    hydrogen_first_delivery_h: Annotated[float, Field(ge=0.0, lt=24.0)] = 6.0
    """When the first trailer of a day comes [h]; 4 to 8 plausible."""
    hydrogen_trailer_kg: Annotated[float, Field(gt=0.0, le=2000.0)] = 300.0
    """Hydrogen of a tube trailer that can be used [kg]; 200 to 400 at 20 MPa plausible."""
    hydrogen_middle_share: Share = 1.0
    """Part of a hydrogen store in the banks of middle and high pressure, of all stations; .4 to .8 plausible."""
    hydrogen_high_share: Share = 1.0
    """Part of a hydrogen store in the bank of high pressure, not above the part of both; .15 to .5 plausible."""
    hydrogen_middle_from: Share = 1.0
    """Part of a tank up to which the bank of low pressure fills; 1: to the top, one bank is all; .3 to .6 plausible."""
    hydrogen_high_from: Share = 1.0
    """Part of a tank up to which the bank of middle pressure fills; .6 to .9 plausible."""
    cold_power_share: dict[int, Positive] = {-20: 0.45, -10: 0.6, 0: 0.85, 10: 1.0}
    """Highest charging power over that in mild weather, by mean temperature of the day [C]; -/+ .15."""
    cold_capacity_share: dict[int, Positive] = {-20: 0.75, -10: 0.85, 0: 0.93, 15: 1.0}
    """Energy a battery gives over that in mild weather, by mean temperature of the day [C]; -/+ .07."""
    fade_per_year: Annotated[float, Field(ge=0.0, le=0.1)] = 0.01
    """Loss of a battery's capacity with age [share/year]; .005 to .02 plausible."""
    fade_per_1000_cycles: Annotated[float, Field(ge=0.0, le=0.5)] = 0.04
    """Loss of a battery's capacity with use [share per 1,000 full charges]; .02 to .1 plausible."""
    days_driven: Annotated[float, Field(gt=0.0, le=366.0)] = 330.0
    """Days a year on which a vehicle drives as on its simulated day, for the use of its battery [1/year]; 300 to 350
    plausible."""
    least_capacity_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.7
    """Capacity at which batteries are replaced, so that none is weaker [share of new]; .6 to .8 plausible."""
    bus_dispatch: Literal["blocks", "pool"] = "blocks"
    """Whether a bus is bound to its blocks, or the depot sends out whichever bus is ready, reserve included."""
    taxi_dispatch: Literal["trips", "requests"] = "trips"
    """Whether taxis drive sampled trips, or requests call the nearest free taxi with enough charge."""
    request_patience_min: Annotated[float, Field(gt=0.0, le=120.0)] = 10.0
    """Longest time a passenger waits for a taxi [min]; 5 to 20 plausible."""
    request_zones: Annotated[int, Field(ge=1, le=200)] = 60
    """Nearest zones in which a taxi is looked for; 20 to 200 plausible."""
    dispatch_look_min: Annotated[float, Field(ge=0.5, le=120.0)] = 5.0
    """How often requests and blocks that wait are offered again to vehicles on the plug, which may have enough by
    then [min]; 1 to 15 plausible."""

    @model_validator(mode="after")
    def _banks_in_order(self) -> Self:
        if self.hydrogen_high_share > self.hydrogen_middle_share:
            raise ValueError(
                f"hydrogen_high_share {self.hydrogen_high_share} is above hydrogen_middle_share"
                f" {self.hydrogen_middle_share}, which counts both banks; lower it"
            )
        if self.hydrogen_high_from < self.hydrogen_middle_from:
            raise ValueError(
                f"hydrogen_high_from {self.hydrogen_high_from} is below hydrogen_middle_from"
                f" {self.hydrogen_middle_from}; the bank of high pressure fills last: raise it"
            )
        return self
