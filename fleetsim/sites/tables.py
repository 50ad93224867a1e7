"""Schemas of the tables that `fleetsim site` writes."""

import dataframely as dy

from charging.tables import STATION_KINDS
from networks.tables import BASES

ACTIONS = ("open", "enlarge", "close")
WHY = ("agree", "unserved", "queue_before", "service", "bunched", "not_steady", "quick", "short")
"""Why a simulated wait differs from theory: it does not; visits left; a queue stood already; service took longer;
arrivals came in bunches; none of these. Or it is shorter, as service was quicker, or as the busy time is too short for
a queue to build up as in steady state."""
BLANK_REASONS = ("no_site", "forbidden", "not_chosen")


class ChosenSite(dy.Schema):
    """One row a station that the plan opens, enlarges or closes: why, for whom, how large and at what cost."""

    rank = dy.Int64(min=1, description="1 for the station that gains most")
    station_id = dy.String(primary_key=True, description="identifier")
    action = dy.Enum(ACTIONS)
    name = dy.String(description="name shown on maps")
    name_zh = dy.String(description="name shown on Chinese maps")
    kind = dy.Enum(STATION_KINDS)
    district = dy.String()
    lon = dy.Float64(min=-180.0, max=180.0, description="WGS-84 longitude [deg]")
    lat = dy.Float64(min=-90.0, max=90.0, description="WGS-84 latitude [deg]")
    year = dy.Int64(description="first year in which it stands, or no longer stands")
    plugs = dy.Int64(min=0, description="plugs, bays or dispensers after it")
    plugs_before = dy.Int64(nullable=True, min=0, description="plugs of a station that stood; empty: it is new")
    power_kw = dy.Float64(min=0.0, description="power of one plug [kW]")
    cost_cny = dy.Float64(nullable=True, min=0.0, description="cost of it; empty: not known [CNY]")
    gained = dy.Float64(min=0.0, description="what it brings within the standard [unit of the demand]")
    gained_alone = dy.Float64(min=0.0, description="of that, what no other new station reaches [unit of the demand]")
    population_gained = dy.Int64(min=0, description="residents it brings within the standard [persons]")
    population_served = dy.Int64(min=0, description="residents who have it nearest of all stations [persons]")
    jobs_served = dy.Int64(min=0, description="jobs that have it nearest of all stations [persons]")
    mean_km_before = dy.Float64(nullable=True, min=0.0, description="mean way of these residents without the plan [km]")
    mean_km_after = dy.Float64(nullable=True, min=0.0, description="mean way of these residents with it [km]")
    districts_served = dy.String(description="districts they live in, most residents first")
    visits_per_day = dy.Float64(min=0.0, description="visits of those who have it nearest [1/day]")
    peak_arrivals_per_h = dy.Float64(min=0.0, description="arrivals it is sized for [1/h]")
    expected_wait_min = dy.Float64(
        nullable=True, min=0.0, description="mean wait by queue theory; empty: more than it can serve [min]"
    )
    p95_wait_min = dy.Float64(nullable=True, min=0.0, description="95th percentile of the wait by queue theory [min]")
    simulated_wait_min = dy.Float64(
        nullable=True, min=0.0, description="the same mean wait as simulated with the plan; empty: not simulated [min]"
    )
    simulated_arrivals = dy.Int64(
        nullable=True, min=0, description="simulated arrivals in its busiest hour; empty: not simulated [1/h]"
    )
    simulated_unserved = dy.Int64(nullable=True, min=0, description="of these, left without energy")
    basis = dy.Enum(BASES)
    reason = dy.String(description="why it was chosen, and whom it serves")


class StationYear(dy.Schema):
    """One row a station that the plan opens and a year in which it stands: how large it is then, and what is built."""

    station_id = dy.String(primary_key=True)
    year = dy.Int64(primary_key=True)
    plugs = dy.Int64(min=0, description="plugs, bays or dispensers; never fewer than the year before")
    added = dy.Int64(min=0, description="of these, built for this year")
    cost_cny = dy.Float64(min=0.0, description="cost of what is built for this year [CNY]")
    peak_arrivals_per_h = dy.Float64(min=0.0, description="arrivals it is sized for [1/h]")
    expected_wait_min = dy.Float64(
        nullable=True, min=0.0, description="mean wait by queue theory; empty: more than it can serve [min]"
    )


class BlankSpot(dy.Schema):
    """One row a zone whose residents stay beyond the standard, most residents first."""

    rank = dy.Int64(primary_key=True, min=1)
    zone = dy.String()
    district = dy.String()
    lon = dy.Float64(min=-180.0, max=180.0, description="WGS-84 longitude [deg]")
    lat = dy.Float64(min=-90.0, max=90.0, description="WGS-84 latitude [deg]")
    population = dy.Int64(min=0, description="residents [persons]")
    jobs = dy.Int64(min=0, description="jobs [persons]")
    distance_km = dy.Float64(nullable=True, min=0.0, description="way to the nearest station with the plan [km]")
    standard_km = dy.Float64(min=0.0, description="the standard that holds here [km]")
    reason = dy.Enum(BLANK_REASONS, description="no site within the standard, only forbidden ones, or none chosen")


class SoughtByHour(dy.Schema):
    """One row a stage, year, day, zone, group of fleets and hour: what was sought there then, and what came of it."""

    stage = dy.Enum(("before", "after"), primary_key=True)
    year = dy.Int64(primary_key=True)
    day = dy.String(primary_key=True)
    zone = dy.String(primary_key=True)
    fleet_group = dy.String(primary_key=True)
    hour = dy.Int64(primary_key=True, min=0, description="hour in which the search began, past 23 the night after [h]")
    seeks = dy.Float64(min=0.0, description="stops at which a driver sought energy of the kind")
    unserved = dy.Float64(min=0.0, description="of these, went on without")
    turned_away = dy.Float64(min=0.0, description="visits to stations that left without energy")
    wait_min = dy.Float64(min=0.0, description="waits of those served, all together [min]")
    detour_km = dy.Float64(min=0.0, description="distance to stations and back, all together [km]")


class Sizing(dy.Schema):
    """One row a station that was simulated: its busiest hour by the day simulation and by queue theory."""

    station_id = dy.String(primary_key=True)
    name = dy.String()
    year = dy.Int64(primary_key=True)
    day = dy.String(description="the day of its busiest hour")
    plugs = dy.Int64(min=1)
    peak_arrivals_per_h = dy.Float64(min=0.0, description="arrivals in its busiest hour [1/h]")
    simulated_wait_min = dy.Float64(nullable=True, min=0.0, description="mean wait of that hour's arrivals [min]")
    simulated_p95_wait_min = dy.Float64(nullable=True, min=0.0, description="95th percentile of it [min]")
    simulated_unserved = dy.Int64(min=0, description="arrivals of that hour that left without energy")
    expected_wait_min = dy.Float64(
        nullable=True, min=0.0, description="mean wait by queue theory; empty: more than it can serve [min]"
    )
    plugs_needed = dy.Int64(min=1, description="plugs that keep the standard by queue theory")
    measured_service_min = dy.Float64(
        nullable=True,
        min=0.0,
        description="mean time that its visits held a plug; empty: sessions not kept [min]",
    )
    measured_dispersion = dy.Float64(
        nullable=True, min=0.0, description="variance over mean of the arrivals in parts of the hour; 1: Poisson"
    )
    queue_before = dy.Int64(nullable=True, min=0, description="visits that waited already when the hour began")
    theory_as_measured_min = dy.Float64(
        nullable=True,
        min=0.0,
        description="queue theory with the measured service; empty: it cannot keep up [min]",
    )
    why = dy.Enum(WHY, description="main reason why simulation and theory differ")
    is_planned = dy.Bool(description="the plan opens or enlarges it")


class SimulatedRound(dy.Schema):
    """One row a round of siting and simulation, and year: how waits and unserved visits fell on the design day."""

    round = dy.Int64(primary_key=True, min=0, description="0: with the stations that stand")
    year = dy.Int64(primary_key=True)
    stations = dy.Int64(min=0, description="stations of the kind")
    plugs = dy.Int64(min=0)
    opened = dy.Int64(min=0, description="of these, opened by the plan")
    enlarged = dy.Int64(min=0, description="of these, enlarged by the plan")
    visits = dy.Int64(min=0, description="arrivals at stations of the kind [1/day]")
    unserved = dy.Int64(min=0, description="of these, left without energy [1/day]")
    unserved_share = dy.Float64(min=0.0, max=1.0)
    mean_wait_min = dy.Float64(nullable=True, min=0.0, description="mean wait of the day [min]")
    peak_wait_min = dy.Float64(nullable=True, min=0.0, description="mean wait in the busiest hours [min]")
    new_peak_wait_min = dy.Float64(nullable=True, min=0.0, description="the same at stations of the plan [min]")
    stations_beyond = dy.Int64(min=0, description="stations with a mean wait beyond the standard in their busiest hour")
    seeks = dy.Float64(min=0.0, description="stops at which a driver sought energy of the kind [1/day]")
    left = dy.Float64(min=0.0, description="of these, went on without [1/day]")
    wait_standard_min = dy.Float64(min=0.0, description="the wait standard [min]")
    meets = dy.Bool(description="peak wait and unserved share are within their standards")
    chosen = dy.Bool(description="the round that is the answer")


class LinkCoverage(dy.Schema):
    """One row a road link with traffic: how far it is from a station, without and with the plan."""

    link = dy.Int64(primary_key=True)
    road = dy.String(nullable=True)
    road_class = dy.String()
    district = dy.String()
    lon = dy.Float64(min=-180.0, max=180.0, description="WGS-84 longitude of its middle [deg]")
    lat = dy.Float64(min=-90.0, max=90.0, description="WGS-84 latitude of its middle [deg]")
    from_lon = dy.Float64(min=-180.0, max=180.0, description="of the end it leaves [deg]")
    from_lat = dy.Float64(min=-90.0, max=90.0)
    to_lon = dy.Float64(min=-180.0, max=180.0, description="of the end it enters [deg]")
    to_lat = dy.Float64(min=-90.0, max=90.0)
    length_km = dy.Float64(min=0.0)
    vehicles_per_day = dy.Float64(min=0.0, description="traffic of the gravity model [1/day]")
    through_per_day = dy.Float64(min=0.0, description="through traffic: gate to gate, or the trips of a file [1/day]")
    standard_km = dy.Float64(min=0.0, description="standard of the zone it lies in [km]")
    before_km = dy.Float64(nullable=True, min=0.0, description="way onwards to a station without the plan [km]")
    after_km = dy.Float64(nullable=True, min=0.0, description="the same with the plan [km]")


class CurvePoint(dy.Schema):
    """One row a number of new stations: how much they cover, and no choice of as many covers more than the bound."""

    stations = dy.Int64(primary_key=True, min=1, description="new stations")
    gained = dy.Float64(min=0.0, description="what they bring within the standard [unit of the demand]")
    gained_bound = dy.Float64(min=0.0, description="bound on it [unit of the demand]")
    gap = dy.Float64(min=0.0, description="(bound - gained) / gained")
    status = dy.Enum(("optimal", "feasible", "interrupted"))
    covered_share = dy.Float64(min=0.0, max=1.0, description="share of all demand within the standard with them")


class FurtherPlan(dy.Schema):
    """One row a plan and station: different plans that gain nearly as much."""

    plan = dy.Int64(primary_key=True, min=1, description="1 for the best")
    station_id = dy.String(primary_key=True)
    name = dy.String()
    name_zh = dy.String()
    district = dy.String()
    lon = dy.Float64(min=-180.0, max=180.0)
    lat = dy.Float64(min=-90.0, max=90.0)
    gained = dy.Float64(min=0.0, description="what the whole plan gains [unit of the demand]")
    loss_share = dy.Float64(min=0.0, max=1.0, description="what it gains less than the best plan")
    in_plans = dy.Int64(min=1, description="plans that open this station")
