"""Tables of the duties: the vehicles and legs of a representative day, and the patterns they are drawn from."""

import dataframely as dy
import polars as pl

from fleetsim.tables import POWERTRAINS
from networks.tables import BASES, FUNCTIONAL_ZONES, PLACE_KINDS

LOADS = ("delivers", "collects")


class DutyVehicle(dy.Schema):
    """One row a vehicle that works on a representative day. Numbers run from 0 within a fleet."""

    vehicle_id = dy.Int64(primary_key=True, min=0)
    district = dy.String(description="district of its home")
    home_zone = dy.Int64(min=0, description="row of its home in the zones table")
    depot = dy.String(
        nullable=True, description="place or station where it stands at night; empty: at the kerb or at home"
    )
    exempt_reason = dy.String(description="reason of exemption, 'none' for vehicles under the rule")
    weight = dy.Float64(min_exclusive=0.0, description="vehicles it stands for (1 unless the run samples)")


class Leg(dy.Schema):
    """One row a leg: leave, drive, dwell. Sorted by vehicle and leg; times are seconds of the day, past 86,400 too."""

    vehicle_id = dy.Int64(primary_key=True, min=0)
    leg = dy.Int32(primary_key=True, min=0, description="0, 1, 2 ... within the vehicle")
    depart_s = dy.Int32(min=0, description="earliest departure [s]")
    drive_s = dy.Int32(min=0, description="driving time [s]")
    distance_km = dy.Float64(min=0.0, description="distance driven [km]")
    dwell_s = dy.Int32(min=0, description="shortest stop after arrival, before the next leg may start [s]")
    work_s = dy.Int32(min=0, description="of the stop: pump, brush or lift at work [s]")
    zone = dy.Int32(min=0, description="row in the zones table where the leg ends")
    may_charge = dy.Bool(description="the vehicle may seek energy after this leg")
    at_depot = dy.Bool(description="the leg ends where the vehicle stands at night (its depot plugs are there)")
    timed = dy.Bool(description="the departure is promised (timetable, shift, window): leaving late counts")
    latest_s = dy.Int32(nullable=True, description="a departure after this is counted as missed [s]; empty: never")
    load_kg = dy.Float32(min=0.0, description="goods, water or refuse aboard, mean over the distance [kg]")


class Served(dy.Schema):
    """One row a leg that ends at stops where goods, water or refuse change places. Sorted by vehicle and leg."""

    vehicle_id = dy.Int64(primary_key=True, min=0)
    leg = dy.Int32(primary_key=True, min=0)
    pattern = dy.Int32(min=0, description="row of its pattern among those of the fleet, by name")
    stops = dy.Int16(min=1, description="stops")
    kg = dy.Float32(min_exclusive=0.0, description="handed over, or taken aboard, at all of them [kg]")


class FleetCount(dy.Schema):
    """One row a fleet, district and exempt reason: the vehicles on the road, in whole vehicles."""

    fleet = dy.String(primary_key=True)
    district = dy.String(primary_key=True)
    exempt_reason = dy.String(primary_key=True, description="'none' for vehicles under the rule")
    vehicles = dy.Int64(min=0, description="vehicles of the fleet, those in reserve included")


class HourProfile(dy.Schema):
    """One row an activity and hour: how much of it falls into the hour, relative to others."""

    activity = dy.String(primary_key=True, description="taxi_trips, flights, or charging_ and the fleet")
    hour = dy.Int64(primary_key=True, min=0, max=23, description="hour of the day [h]")
    weekday = dy.Float64(min=0.0, description="relative weight on a weekday")
    weekend = dy.Float64(min=0.0, description="relative weight at a weekend")


class ZoneSpeed(dy.Schema):
    """One row a functional zone: the speed between doors without traffic, lights and turns included."""

    functional_zone = dy.Enum(FUNCTIONAL_ZONES, primary_key=True)
    free_flow_kmh = dy.Float64(min_exclusive=0.0, max=120.0, description="speed at night [km/h]")


class TaxiShift(dy.Schema):
    """One row a shift of a pattern; a pattern with shifts 0 and 1 has two drivers a day."""

    pattern = dy.String(primary_key=True)
    shift = dy.Int64(primary_key=True, min=0, max=1, description="0 first, 1 second of the day")
    pattern_share = dy.Float64(min=0.0, max=1.0, description="share among the patterns with as many shifts")
    start_h = dy.Float64(min=0.0, max=36.0, description="mean start [h after midnight]")
    start_sd_h = dy.Float64(min=0.0, max=4.0, description="standard deviation of the start [h]")
    hours = dy.Float64(min_exclusive=0.0, max=13.0, description="mean length of the shift, breaks included [h]")
    hours_sd = dy.Float64(min=0.0, max=3.0, description="standard deviation of the length [h]")
    trips = dy.Float64(min=1.0, max=40.0, description="mean trips of the shift")
    trips_sd = dy.Float64(min=0.0, max=20.0, description="standard deviation of the trips")
    break_h = dy.Float64(min=0.0, max=36.0, description="earliest start of the meal break [h after midnight]")
    break_min = dy.Float64(min=0.0, max=180.0, description="length of the meal break [min]")
    basis = dy.Enum(BASES)


class TourPattern(dy.Schema):
    """One row a way to work of a goods or sanitation fleet: tours from a base to clusters of stops."""

    pattern = dy.String(primary_key=True)
    fleet = dy.String()
    exempt_reason = dy.String(nullable=True, description="reason it holds for; empty: all without rows of their own")
    share = dy.Float64(min_exclusive=0.0, description="relative share among the patterns that hold")
    base_kind = dy.Enum(PLACE_KINDS, description="kind of place the tours start from")
    depot_share = dy.Float64(min=0.0, max=1.0, description="share of vehicles that stand at the base at night")
    weekend_share = dy.Float64(min=0.0, max=1.0, description="vehicles at work at a weekend over those on a weekday")
    start_low_h = dy.Float64(min=0.0, max=30.0, description="earliest start at the base [h after midnight]")
    start_high_h = dy.Float64(min=0.0, max=30.0, description="latest start at the base [h after midnight]")
    tours_low = dy.Int64(min=1, max=12, description="fewest tours a day")
    tours_high = dy.Int64(min=1, max=12, description="most tours a day")
    clusters = dy.Int64(min=1, max=8, description="clusters of stops a tour; one leg each")
    stops = dy.Float64(min=1.0, max=60.0, description="mean stops a cluster")
    stop_min = dy.Float64(min=0.0, max=240.0, description="mean time at a stop [min]")
    stop_km = dy.Float64(min=0.0, max=40.0, description="distance between stops of a cluster [km]")
    cluster_kmh = dy.Float64(
        nullable=True, min_exclusive=0.0, description="speed between stops [km/h]; empty: moves while at work"
    )
    work_share = dy.Float64(min=0.0, max=1.0, description="share of the stop with pump, brush or lift at work")
    stem_km = dy.Float64(min_exclusive=0.0, description="mean distance from the base to the first cluster [km]")
    hop_km = dy.Float64(min_exclusive=0.0, description="mean distance from cluster to cluster [km]")
    unload_kind = dy.Enum(PLACE_KINDS, nullable=True, description="kind of place where it unloads; empty: none")
    unload_min = dy.Float64(min=0.0, max=180.0, description="time to unload or tip [min]")
    base_min = dy.Float64(min=0.0, max=360.0, description="shortest stop at the base between tours [min]")
    window_min = dy.Float64(
        nullable=True, min=0.0, description="width of the window of a tour's start [min]; empty: not promised"
    )
    load = dy.Enum(LOADS, nullable=True, description="whether it hands over or collects; empty: no load is followed")
    stop_kg = dy.Float64(
        nullable=True, min_exclusive=0.0, description="goods, water or refuse of a stop, mean [kg]; empty: as load"
    )
    stop_kg_spread = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="largest deviation of a tour's stop_kg over the mean; empty: 0"
    )
    refill_km = dy.Float64(
        nullable=True,
        min=0.0,
        max=50.0,
        description="way to where it fills or empties on a tour [km]; empty: base or place of unloading",
    )
    refill_min = dy.Float64(nullable=True, min=0.0, max=180.0, description="time there [min]; empty: 0")
    basis = dy.Enum(BASES)

    @dy.rule()
    def load_with_stop_kg(cls) -> pl.Expr:
        """A load has its weight at a stop, and only a load has one."""
        return cls.load.col.is_null() == cls.stop_kg.col.is_null()


class AirsidePattern(dy.Schema):
    """One row a kind of airside vehicle: it serves flights in turns within its airport."""

    kind = dy.String(primary_key=True)
    exempt_reason = dy.String(description="reason of exemption, 'none' for kinds under the rule")
    share = dy.Float64(min_exclusive=0.0, description="relative share among the kinds of its reason")
    first_h = dy.Float64(min=0.0, max=24.0, description="first job at the earliest [h after midnight]")
    last_h = dy.Float64(min=0.0, max=30.0, description="last job at the latest [h after midnight]")
    legs_low = dy.Int64(min=1, max=40, description="fewest legs a day")
    legs_high = dy.Int64(min=1, max=40, description="most legs a day")
    leg_km = dy.Float64(min_exclusive=0.0, max=60.0, description="mean distance of a leg, its jobs merged [km]")
    stop_min = dy.Float64(min=0.0, max=240.0, description="mean time at the stands of a leg [min]")
    work_share = dy.Float64(min=0.0, max=1.0, description="share of the stop with lift, belt or pump at work")
    speed_kmh = dy.Float64(min_exclusive=0.0, max=80.0, description="speed on the apron [km/h]")
    winter_only = dy.Bool(description="works in the months November to March only")
    basis = dy.Enum(BASES)


class BackgroundPattern(dy.Schema):
    """One row a fleet and powertrain whose vehicles charge in public without being simulated all day."""

    fleet = dy.String(primary_key=True)
    powertrain = dy.Enum(POWERTRAINS, primary_key=True)
    km_per_day = dy.Float64(min=0.0, description="distance a vehicle and day [km]")
    electric_share = dy.Float64(min=0.0, max=1.0, description="share of the distance on electricity")
    kwh_per_km = dy.Float64(min=0.0, description="use in mild weather [kWh/km]")
    winter_factor = dy.Float64(min=1.0, max=3.0, description="use in December to February over use in mild weather")
    home_pile = dy.Bool(description="the share with a pile at home holds for it; else none has one")
    public_share_home = dy.Float64(min=0.0, max=1.0, description="share of energy from public plugs, pile at home")
    public_share_other = dy.Float64(min=0.0, max=1.0, description="share of energy from public plugs, none at home")
    session_kwh = dy.Float64(min_exclusive=0.0, description="mean energy of a public session [kWh]")
    session_sd_kwh = dy.Float64(min=0.0, description="standard deviation of it [kWh]")
    home_zone_share = dy.Float64(min=0.0, max=1.0, description="share of sessions near home; the rest near jobs")
    battery_kwh = dy.Float64(min_exclusive=0.0, description="battery [kWh]")
    max_charge_kw = dy.Float64(min_exclusive=0.0, description="highest charging power [kW]")
    basis = dy.Enum(BASES)


class BackgroundArrival(dy.Schema):
    """One row a vehicle that comes to charge in public, of the fleets that are not simulated all day."""

    vehicle_id = dy.Int64(primary_key=True, min=0, description="0 upwards without a gap, over all fleets of the day")
    fleet = dy.String()
    powertrain = dy.Enum(POWERTRAINS)
    zone = dy.Int64(min=0, description="row in the zones table where it looks for a plug")
    arrive_s = dy.Int64(min=0, max=86_399, description="when it begins to look [s]")
    energy_kwh = dy.Float64(min_exclusive=0.0, description="energy it wants [kWh]")
    battery_kwh = dy.Float64(min_exclusive=0.0, description="battery [kWh]")
    max_charge_kw = dy.Float64(min_exclusive=0.0, description="highest charging power [kW]")


class Assignment(dy.Schema):
    """One row a duty vehicle of a fleet, day and year: which powertrain and type drives its duty."""

    vehicle_id = dy.Int64(primary_key=True, min=0)
    powertrain = dy.Enum(POWERTRAINS)
    vehicle_type = dy.String()
    home_plug = dy.Bool(description="can charge where it stands at night though that is no depot")
