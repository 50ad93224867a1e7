"""Schemas of the tables of energy supply. Clock times are seconds of the simulated day (0 = midnight)."""

import dataframely as dy

from networks.tables import BASES

STATION_KINDS = ("depot", "public", "swap", "hydrogen")
PILE_KINDS = ("total", "private", "public", "dedicated", "public_and_dedicated")
SEASONS = ("winter", "mild", "summer")
STAGES = ("before", "after")


class Station(dy.Schema):
    """One row a site where vehicles take energy."""

    station_id = dy.String(primary_key=True, description="identifier")
    name = dy.String(description="name shown on maps")
    kind = dy.Enum(STATION_KINDS, description="depot charging, public charging, battery swap or hydrogen")
    lon = dy.Float64(min=-180.0, max=180.0, description="WGS-84 longitude [deg]")
    lat = dy.Float64(min=-90.0, max=90.0, description="WGS-84 latitude [deg]")
    district = dy.String(description="district it stands in")
    opened_year = dy.Int64(min=1990, max=2100, description="first year in which it serves the whole year")
    plugs = dy.Int64(min=1, description="plugs, swap bays or hydrogen dispensers")
    power_kw = dy.Float64(
        min=0.0, description="power of one plug, or of one charger behind a swap bay [kW]; 0 for hydrogen"
    )
    site_limit_kw = dy.Float64(nullable=True, min_exclusive=0.0, description="grid connection [kW]; empty: none")
    fleet_group = dy.String(nullable=True, description="group of fleets it is kept for; empty: open to all")
    packs = dy.Int64(nullable=True, min=0, description="swap: battery packs in stock")
    storage_kg = dy.Float64(nullable=True, min=0.0, description="hydrogen: usable storage [kg]")
    supply_kg_h = dy.Float64(nullable=True, min=0.0, description="hydrogen: compressor and delivery rate [kg/h]")
    basis = dy.Enum(BASES, description="how the row came about")
    reason = dy.String(nullable=True, description="why it stands there: given, depot rule, or what siting gained")


class PileRecord(dy.Schema):
    """One row a date and kind of charging pile: how many stood in the city. Bounds stay bounds."""

    date = dy.String(primary_key=True, regex=r"^\d{4}-\d{2}$", description="year-month")
    kind = dy.Enum(PILE_KINDS, primary_key=True, description="private, public or kept for a fleet; or sums of these")
    piles = dy.Int64(min=0, description="charging piles")
    bound = dy.Enum(("value", "lower", "upper"), description="whether it is a value or a bound")
    source = dy.String(description="publisher, or how it was derived")
    url = dy.String(nullable=True, description="address where it was seen")
    basis = dy.Enum(BASES, description="how the row came about")


class Session(dy.Schema):
    """One row a visit that was served. Exactly one of energy_kwh and hydrogen_kg is given."""

    year = dy.Int64()
    day = dy.String(description="representative day")
    fleet = dy.String()
    vehicle_id = dy.Int64(description="number of the vehicle within its fleet and day")
    station_id = dy.String()
    arrive = dy.Float64(description="arrival [s]")
    start = dy.Float64(description="start of service [s]")
    end = dy.Float64(description="end of service [s]")
    energy_kwh = dy.Float64(nullable=True, min=0.0, description="energy into the battery [kWh]")
    hydrogen_kg = dy.Float64(nullable=True, min=0.0, description="hydrogen into the tank [kg]")


class StationLoad(dy.Schema):
    """One row a station and hour of a simulated day."""

    year = dy.Int64(primary_key=True)
    day = dy.String(primary_key=True)
    station_id = dy.String(primary_key=True)
    hour = dy.Int64(primary_key=True, min=0, description="hour of the simulated day, past 23 for the night after [h]")
    energy_kwh = dy.Float64(
        description="energy into batteries less what they gave back [kWh]; hydrogen counts its heating value"
    )
    peak_kw = dy.Float64(description="highest power in the hour, mean over 15 min [kW]")
    mean_wait_min = dy.Float64(nullable=True, min=0.0, description="mean wait of those that arrived [min]")
    p95_wait_min = dy.Float64(nullable=True, min=0.0, description="95th percentile of the wait [min]")
    served = dy.Int64(min=0, description="arrivals that were served")
    unserved = dy.Int64(min=0, description="arrivals that left without energy")


class Coverage(dy.Schema):
    """One row a year, station kind and district ('all' for the city)."""

    year = dy.Int64(primary_key=True)
    kind = dy.String(primary_key=True)
    district = dy.String(primary_key=True)
    population = dy.Int64(min=0, description="residents [persons]")
    covered_share = dy.Float64(min=0.0, max=1.0, description="share of residents within the standard's distance")
    mean_distance_km = dy.Float64(nullable=True, min=0.0, description="population-weighted network distance [km]")
    p95_distance_km = dy.Float64(nullable=True, min=0.0, description="95th percentile over residents [km]")


class CoverageShare(dy.Schema):
    """One row a stage, year, station kind, district ('all' for the city) and what is counted."""

    stage = dy.Enum(STAGES, primary_key=True, description="the stations that stand, or those of the plan")
    year = dy.Int64(primary_key=True)
    kind = dy.String(primary_key=True)
    district = dy.String(primary_key=True)
    counted = dy.String(primary_key=True, description="population, jobs or visits (1/day)")
    amount = dy.Float64(min=0.0, description="how much there is")
    covered_share = dy.Float64(min=0.0, max=1.0, description="share within the standard's distance")
    mean_distance_km = dy.Float64(nullable=True, min=0.0, description="mean network distance of what is reached [km]")
    p50_distance_km = dy.Float64(nullable=True, min=0.0, description="median distance; empty: fewer are reached [km]")
    p75_distance_km = dy.Float64(nullable=True, min=0.0, description="75th percentile [km]")
    p95_distance_km = dy.Float64(nullable=True, min=0.0, description="95th percentile [km]")


class Equity(dy.Schema):
    """One row a stage, year, station kind and district ('all' for the city): how even the residents' ways are."""

    stage = dy.Enum(STAGES, primary_key=True)
    year = dy.Int64(primary_key=True)
    kind = dy.String(primary_key=True)
    district = dy.String(primary_key=True)
    gini = dy.Float64(nullable=True, min=0.0, max=1.0, description="Gini index of the distance; 0: all the same")
    p90_over_p50 = dy.Float64(nullable=True, min=1.0, description="90th percentile of the distance over its median")
    worst_tenth_km = dy.Float64(nullable=True, min=0.0, description="mean distance of the tenth farthest away [km]")
    worst_tenth_share = dy.Float64(
        nullable=True,
        min=0.0,
        max=1.0,
        description="part of all residents' way that this tenth goes; 0.1: all the same",
    )
    plugs_per_10000 = dy.Float64(nullable=True, min=0.0, description="plugs for 10,000 residents")


class ReachShare(dy.Schema):
    """One row a stage, year, station kind, district ('all' for the city), what is counted, and a limit of reach."""

    stage = dy.Enum(STAGES, primary_key=True)
    year = dy.Int64(primary_key=True)
    kind = dy.String(primary_key=True)
    district = dy.String(primary_key=True)
    counted = dy.String(primary_key=True, description="population, jobs, visits (1/day) or vehicle_km (1/day)")
    unit = dy.Enum(("km", "min"), primary_key=True, description="of the limit: way on the network, or driving time")
    within = dy.Float64(primary_key=True, min=0.0, description="the limit")
    share = dy.Float64(min=0.0, max=1.0, description="share of what is counted that has a station within the limit")


class StandardShare(dy.Schema):
    """One row a stage, year, station kind and part of the city: how far its standard is kept."""

    stage = dy.Enum(STAGES, primary_key=True)
    year = dy.Int64(primary_key=True)
    kind = dy.String(primary_key=True)
    place = dy.String(primary_key=True, description="functional zone, or mountain")
    standard_km = dy.Float64(min=0.0, description="longest way that the standard asks for [km]")
    population = dy.Int64(min=0, description="residents [persons]")
    covered_share = dy.Float64(min=0.0, max=1.0, description="share of them within it; the standard asks for all")
    beyond = dy.Int64(min=0, description="residents beyond it [persons]")
    needed_km = dy.Float64(
        nullable=True, min=0.0, description="standard that all would meet; empty: none in reach [km]"
    )


class ZoneCoverage(dy.Schema):
    """One row a year, zone and station kind: how far its residents have to the nearest station."""

    year = dy.Int64(primary_key=True)
    zone = dy.String(primary_key=True)
    kind = dy.String(primary_key=True)
    district = dy.String()
    population = dy.Int64(min=0, description="residents [persons]")
    distance_km = dy.Float64(nullable=True, min=0.0, description="network distance [km]; empty: none in reach")
    standard_km = dy.Float64(min=0.0, description="distance of the standard that holds here [km]")
    covered = dy.Bool(description="the nearest station lies within the standard")


class SiteDemand(dy.Schema):
    """One row a zone and station kind: what a mean day left over there."""

    zone = dy.String(primary_key=True)
    kind = dy.Enum(STATION_KINDS, primary_key=True)
    unserved = dy.Float64(min=0.0, description="visits that left without energy [1/day]")
    waiting = dy.Float64(min=0.0, description="visits that waited longer than the standard [1/day]")


class Candidate(dy.Schema):
    """One row a site where a station may be opened."""

    candidate = dy.String(primary_key=True, description="identifier")
    name = dy.String(description="name shown on maps")
    district = dy.String()
    lon = dy.Float64(min=-180.0, max=180.0, description="WGS-84 longitude [deg]")
    lat = dy.Float64(min=-90.0, max=90.0, description="WGS-84 latitude [deg]")


class Access(dy.Schema):
    """One row a zone and a candidate within reach of it."""

    zone = dy.String(primary_key=True)
    candidate = dy.String(primary_key=True)
    distance_km = dy.Float64(min=0.0, description="network distance [km]")


class SitingReport(dy.Schema):
    """One row a station that siting opened: whom it serves, and how good the plan is that it belongs to."""

    year = dy.Int64(primary_key=True)
    kind = dy.Enum(STATION_KINDS, primary_key=True)
    station_id = dy.String(primary_key=True)
    visits_gained = dy.Float64(min=0.0, description="unserved or long-waiting visits near it [1/day]")
    population_gained = dy.Int64(min=0, description="residents that come within the standard [persons]")
    peak_arrivals_per_h = dy.Float64(min=0.0, description="arrivals it is sized for [1/h]")
    expected_wait_min = dy.Float64(
        nullable=True, min=0.0, description="mean wait by queue theory [min]; empty: more arrivals than it can serve"
    )
    plan_objective = dy.Float64(min=0.0, description="demand the plan's new stations cover [visits/day]")
    plan_bound = dy.Float64(min=0.0, description="no plan of as many stations covers more [visits/day]")
    plan_gap = dy.Float64(min=0.0, description="(bound - objective) / objective")
    plan_status = dy.Enum(("optimal", "feasible"))


class DepotFleet(dy.Schema):
    """One row a depot and group of fleets: the electric vehicles that stand there at night."""

    depot = dy.String(primary_key=True, description="identifier, the same as its station's")
    fleet_group = dy.String(primary_key=True)
    name = dy.String()
    district = dy.String()
    lon = dy.Float64(min=-180.0, max=180.0, description="WGS-84 longitude [deg]")
    lat = dy.Float64(min=-90.0, max=90.0, description="WGS-84 latitude [deg]")
    vehicles = dy.Float64(min=0.0, description="vehicles that charge by plug")


class PileCount(dy.Schema):
    """One row a year and kind of charging pile; kind 'total' is the sum of the others."""

    year = dy.Int64(primary_key=True)
    kind = dy.Enum(("public", "depot", "private", "total"), primary_key=True)
    piles = dy.Int64(min=0)


class Tariff(dy.Schema):
    """One row a customer, season and hour: the price of electricity, without the service fee."""

    customer = dy.String(primary_key=True, description="public_charging, depot, swap or home")
    season = dy.Enum(SEASONS, primary_key=True)
    hour = dy.Int64(primary_key=True, min=0, max=23)
    period = dy.Enum(("valley", "flat", "peak", "critical_peak"))
    price_cny_per_kwh = dy.Float64(min=0.0, description="price of electricity [CNY/kWh]")
    service_fee_cny_per_kwh = dy.Float64(min=0.0, description="service fee of the operator [CNY/kWh]")


class DistrictLoad(dy.Schema):
    """One row a simulated day, district ('all' for the city) and hour of the clock."""

    year = dy.Int64(primary_key=True)
    day = dy.String(primary_key=True)
    district = dy.String(primary_key=True)
    hour = dy.Int64(primary_key=True, min=0, max=23, description="hour of the clock; the night after is folded in [h]")
    energy_kwh = dy.Float64(description="electricity from the grid, losses included, less what is fed back [kWh]")


class PeakLoad(dy.Schema):
    """One row a simulated day: charging against the city's peak load, and what can give way."""

    year = dy.Int64(primary_key=True)
    day = dy.String(primary_key=True)
    charging_peak_hour = dy.Int64(min=0, max=23, description="hour in which charging peaks [h]")
    charging_peak_gw = dy.Float64(min=0.0, description="charging in that hour [GW]")
    charging_at_city_peak_gw = dy.Float64(min=0.0, description="charging in the hour of the city's peak [GW]")
    city_peak_gw = dy.Float64(min_exclusive=0.0, description="highest load of the city [GW]")
    charging_share = dy.Float64(min=0.0, description="charging at the city's peak over that peak")
    response_gw = dy.Float64(min=0.0, description="demand response, charging and others [GW]")
    response_share = dy.Float64(min=0.0, description="demand response over the city's peak")
    storage_gw = dy.Float64(min=0.0, description="new storage, as the scenario says [GW]")


class SolarSite(dy.Schema):
    """One row a kind of transport site that may carry photovoltaics."""

    kind = dy.String(primary_key=True)
    name_zh = dy.String()
    sites = dy.Int64(min=0, description="sites of the kind")
    area_m2_per_site = dy.Float64(min=0.0, description="area of a site [m2]")
    usable_share = dy.Float64(min=0.0, max=1.0, description="share of the area that can carry modules")
    kwp_per_m2 = dy.Float64(min=0.0, description="module power by area used [kWp/m2]")
    first_year = dy.Int64(description="first year in which the kind is built")
    basis = dy.Enum(BASES)


class SolarYield(dy.Schema):
    """One row a year and kind of site: what is built by the end of the year and what it yields."""

    year = dy.Int64(primary_key=True)
    kind = dy.String(primary_key=True)
    area_m2 = dy.Float64(min=0.0, description="area covered [m2]")
    power_kwp = dy.Float64(min=0.0, description="module power [kWp]")
    energy_kwh = dy.Float64(min=0.0, description="yield of the year [kWh]")
