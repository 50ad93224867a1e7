"""The scenario's sections on charging and on where stations stand."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, PositiveFloat, model_validator

from fleetsim.scenario.sections import Section, Share, in_order


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
    car_knee_share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.8
    """Level from which the power of cars that arrive in the background falls, as the shipped car types have it; .7 to
    .9 plausible."""
    car_end_power_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    """Their power when full over their highest; .05 to .2 plausible."""
    home_plug_kw: Annotated[float, Field(gt=0.0, le=50.0)] = 7.0
    """Power of a plug of one's own, for vehicles that have one without a depot [kW]; 3.3 to 11 plausible."""
    phev_range_km: Annotated[float, Field(gt=0.0, le=500.0)] = 80.0
    """Distance a plug-in hybrid drives on a full battery [km]; 50 to 200 plausible."""
    comfort_low_c: Annotated[float, Field(ge=0.0, le=25.0)] = 18.0
    """Temperature below which the cabin is heated [C]; 15 to 20 plausible."""
    comfort_high_c: Annotated[float, Field(ge=15.0, le=35.0)] = 24.0
    """Temperature above which the cabin is cooled [C]; 22 to 27 plausible."""
    coldest_h: Annotated[int, Field(ge=0, le=11)] = 6
    """Hour of the day's lowest temperature, about sunrise [h]; 5 to 7 over the year."""
    warmest_h: Annotated[int, Field(ge=12, le=23)] = 15
    """Hour of the day's highest temperature [h]; 14 to 16 plausible."""
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
    speed_factor_bounds: Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(in_order)] = (0.8, 1.8)
    """Least and greatest factor of a leg's speed on its use: use goes with the time per km between about 8 and 60 km/h,
    not beyond; .6 to .9 and 1.5 to 2.5 plausible."""
    usual_load_share: Share = 0.3
    """Load at which a type's use per km holds, over its payload: the mean over a day's distance of a vehicle that sets
    out two thirds full and comes home empty; .2 to .5 plausible."""
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
    least_growth_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    """A station beyond a standard gets at least this share of its plugs more; .05 to .25 plausible."""
    settled_per_km2: Annotated[float, Field(ge=0.0)] = 1000.0
    """Residents from which the centre of a zone may get a public station [persons/km2]; 500 to 3,000 plausible."""
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
