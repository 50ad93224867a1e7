"""Schemas of the tables that say where things are.

Coordinates are WGS-84 degrees. `basis` says how a row came about: `published`, `derived`,
`assumption` (known, without a source) or `synthetic` (made by rule).
"""

import dataframely as dy

BASES = ("published", "derived", "assumption", "synthetic")
FUNCTIONAL_ZONES = ("core", "central_city", "sub_centre", "plain_new_town", "ecological")
ROAD_CLASSES = ("expressway", "ring_expressway", "arterial", "secondary", "local")
PLACE_KINDS = (
    "airport",
    "rail_station_passenger",
    "rail_station_freight",
    "logistics_park",
    "wholesale_market",
    "bus_depot",
    "bus_terminal",
    "taxi_depot",
    "sanitation_depot",
    "waste_plant",
    "service_area",
    "metro_depot",
    "car_park",
    "fuel_station",
    "charging_station",
)
LINE_KINDS = ("trunk", "regular", "feeder", "suburban", "night", "mountain")


def _longitude() -> dy.Float64:
    return dy.Float64(min=-180.0, max=180.0, description="WGS-84 longitude [deg]")


def _latitude() -> dy.Float64:
    return dy.Float64(min=-90.0, max=90.0, description="WGS-84 latitude [deg]")


class District(dy.Schema):
    """One row a district of the city."""

    district = dy.String(primary_key=True, description="identifier, the name in pinyin")
    name_zh = dy.String(description="Chinese name")
    code = dy.String(description="GB/T 2260 code")
    area_km2 = dy.Float64(min_exclusive=0.0, description="official area [km2]")
    population = dy.Int64(min=0, description="resident population of the 2020 census [persons]")
    functional_zone = dy.Enum(FUNCTIONAL_ZONES, description="main functional zone of the master plan")
    central = dy.Bool(description="one of the central six districts")
    lon = _longitude()
    lat = _latitude()


class Seat(dy.Schema):
    """One row a settlement whose district is known; zones take the label of their seats."""

    seat = dy.String(primary_key=True, description="name in pinyin; made unique by district and a suffix where needed")
    name_zh = dy.String(description="Chinese name")
    district = dy.String(nullable=True, description="district it belongs to; empty: outside the city")
    lon = _longitude()
    lat = _latitude()
    kind = dy.Enum(("subdistrict", "township", "village", "landmark", "outside"), description="what it is")
    basis = dy.Enum(BASES, description="how the coordinates came about")
    accuracy_m = dy.Float64(min=0.0, description="how far off the coordinates may be [m]")


class PlainPoint(dy.Schema):
    """One row a corner of a plain; the corners of one plain, in order, make its outline."""

    plain = dy.String(primary_key=True, description="name of the plain")
    corner = dy.Int64(primary_key=True, min=0, description="place of the corner in the outline")
    lon = _longitude()
    lat = _latitude()
    basis = dy.Enum(BASES, description="how the coordinates came about")
    accuracy_m = dy.Float64(min=0.0, description="how far off the coordinates may be [m]")


class JobCentre(dy.Schema):
    """One row a place where jobs concentrate."""

    centre = dy.String(primary_key=True, description="name in pinyin or English")
    name_zh = dy.String(description="Chinese name")
    lon = _longitude()
    lat = _latitude()
    jobs = dy.Int64(min=0, description="jobs beyond those spread like the residents [persons]")
    reach_km = dy.Float64(min_exclusive=0.0, description="distance over which their density falls to 1/e [km]")
    basis = dy.Enum(BASES, description="how the row came about")


class Zone(dy.Schema):
    """One row an H3 cell of the city: resolution 8 in the central six districts, 7 elsewhere."""

    zone = dy.String(primary_key=True, description="H3 cell index")
    district = dy.String(description="district of the cell's centre")
    functional_zone = dy.Enum(FUNCTIONAL_ZONES, description="functional zone of the master plan")
    mountain = dy.Bool(description="lies in the mountains (few roads, few stations needed)")
    area_km2 = dy.Float64(min_exclusive=0.0, description="area of the cell [km2]")
    population = dy.Int64(min=0, description="residents, spread within the district by rule [persons]")
    jobs = dy.Int64(min=0, description="jobs, spread by rule [persons]")
    lon = _longitude()
    lat = _latitude()


class Node(dy.Schema):
    """One row a node of the road graph."""

    node = dy.Int64(primary_key=True, min=0, description="node number, 0 upwards without a gap")
    lon = _longitude()
    lat = _latitude()


class Link(dy.Schema):
    """One row a directed link of the road graph."""

    link = dy.Int64(primary_key=True, min=0, description="link number, 0 upwards without a gap")
    from_node = dy.Int64(min=0, description="node it leaves")
    to_node = dy.Int64(min=0, description="node it enters")
    road = dy.String(nullable=True, description="name of the road in pinyin or its number, e.g. G6, Ring 3")
    name_zh = dy.String(nullable=True, description="Chinese name of the road")
    ref = dy.String(nullable=True, description="official number, e.g. G4501, S12")
    road_class = dy.Enum(ROAD_CLASSES, description="class of the road")
    length_km = dy.Float64(min_exclusive=0.0, description="length [km]")
    free_flow_kmh = dy.Float64(min_exclusive=0.0, max=200.0, description="speed without traffic [km/h]")
    basis = dy.Enum(BASES, description="how the course came about")


class LinkDetail(dy.Schema):
    """One row a link whose course and restrictions are known, beyond what routing needs."""

    link = dy.Int64(primary_key=True, min=0, description="link number")
    way = dy.Int64(description="number of the OpenStreetMap way")
    highway = dy.String(description="value of the tag highway")
    access = dy.String(nullable=True, description="tagged access for cars, e.g. destination, permissive")
    hgv = dy.String(nullable=True, description="tagged access for goods vehicles, e.g. no, destination, designated")
    max_weight_t = dy.Float64(nullable=True, min=0.0, description="heaviest vehicle [t]")
    max_height_m = dy.Float64(nullable=True, min=0.0, description="highest vehicle [m]")
    low_emission_zone = dy.Bool(description="lies in a low-emission zone")
    shape = dy.String(description="points between its two nodes as an encoded polyline, 1e-6 deg; empty: straight")


class OsmRoad(dy.Schema):
    """One row a value of the OpenStreetMap tag highway on which cars drive."""

    highway = dy.String(primary_key=True, description="value of the tag")
    road_class = dy.Enum(ROAD_CLASSES, description="class it becomes")
    speed_kmh = dy.Float64(min_exclusive=0.0, max=200.0, description="free-flow speed without a tagged limit [km/h]")
    basis = dy.Enum(BASES, description="how the row came about")


class OsmSpeedCode(dy.Schema):
    """One row a word that stands for a speed limit in OpenStreetMap, with its country or for all."""

    code = dy.String(primary_key=True, description="the word, e.g. CN:urban, rural, walk")
    speed_kmh = dy.Float64(min_exclusive=0.0, max=200.0, description="the limit it stands for [km/h]")
    basis = dy.Enum(BASES, description="how the row came about")


class RoadPoint(dy.Schema):
    """One row a point of a road's course, or of the outline of an area that gets streets by rule."""

    course = dy.String(primary_key=True, description="course or outline the point belongs to")
    order = dy.Int64(primary_key=True, min=0, description="place of the point along the course, 0 upwards")
    lon = _longitude()
    lat = _latitude()


class RoadCourse(dy.Schema):
    """One row a road whose course is entered by hand."""

    course = dy.String(primary_key=True, description="identifier of the course")
    road = dy.String(nullable=True, description="name of the road in pinyin, e.g. Jingzang Expressway, Ring 3")
    name_zh = dy.String(nullable=True, description="Chinese name of the road")
    ref = dy.String(nullable=True, description="official number, e.g. G6, S12")
    road_class = dy.Enum(ROAD_CLASSES, description="class of the road")
    free_flow_kmh = dy.Float64(min_exclusive=0.0, max=200.0, description="speed without traffic [km/h]")
    closed = dy.Bool(description="the last point is joined to the first (a ring)")
    smooth = dy.Bool(description="the road bends through its points; otherwise it runs straight between them")
    winding = dy.Float64(min=1.0, max=3.0, description="length over the length of the entered course (mountain bends)")
    basis = dy.Enum(BASES, description="how the course came about")
    accuracy_m = dy.Float64(min=0.0, description="how far off the course may be [m]")


class RoadGrid(dy.Schema):
    """One row an area that gets streets by rule, so that every zone has a road near it."""

    grid = dy.String(primary_key=True, description="identifier")
    rank = dy.Int64(min=0, description="areas are filled in this order; a later one leaves out the earlier ones")
    outline = dy.String(description="course or outline in roads.csv that bounds the area")
    kind = dy.Enum(("streets", "spurs"), description="a grid of streets, or dead-end lanes to lattice points")
    spacing_km = dy.Float64(min_exclusive=0.0, description="distance between streets or lattice points [km]")
    reach_km = dy.Float64(min=0.0, description="lattice points nearer than this to a node get no lane [km]")
    road_class = dy.Enum(ROAD_CLASSES, description="class of the streets")
    free_flow_kmh = dy.Float64(min_exclusive=0.0, max=200.0, description="speed without traffic [km/h]")
    winding = dy.Float64(min=1.0, max=3.0, description="length over straight length")


class SpeedFactor(dy.Schema):
    """One row a road class and hour: the share of free-flow speed that is driven."""

    road_class = dy.Enum(ROAD_CLASSES, primary_key=True)
    hour = dy.Int64(primary_key=True, min=0, max=23, description="hour of the day [h]")
    weekday_factor = dy.Float64(min_exclusive=0.0, max=1.5, description="speed over free-flow speed on a weekday")
    weekend_factor = dy.Float64(min_exclusive=0.0, max=1.5, description="speed over free-flow speed at a weekend")


class Place(dy.Schema):
    """One row a place where fleets start, stop or load."""

    place = dy.String(primary_key=True, description="identifier")
    name = dy.String(description="name in English or pinyin")
    name_zh = dy.String(description="Chinese name")
    kind = dy.Enum(PLACE_KINDS, description="what it is")
    district = dy.String(description="district")
    lon = _longitude()
    lat = _latitude()
    size = dy.Float64(min=0.0, description="relative size within its kind (vehicles for depots; 1 where unknown)")
    accuracy_m = dy.Float64(min=0.0, description="how far off the coordinates may be [m]")
    basis = dy.Enum(BASES, description="how the row came about")


class Line(dy.Schema):
    """One row a bus line with its weekday and weekend service."""

    line = dy.String(primary_key=True, description="identifier")
    name_zh = dy.String(description="Chinese name")
    kind = dy.Enum(LINE_KINDS, description="kind of line")
    depot = dy.String(description="place: the depot its buses start from and charge at")
    from_terminal = dy.String(description="place at one end")
    to_terminal = dy.String(description="place at the other end")
    district = dy.String(description="district of the depot")
    length_km = dy.Float64(min_exclusive=0.0, description="length of one direction [km]")
    first_departure_min = dy.Int64(min=0, max=2880, description="first departure [min after midnight]")
    last_departure_min = dy.Int64(min=0, max=2880, description="last departure [min after midnight]")
    weekday_departures = dy.Int64(min=0, description="departures of both directions on a weekday [1/day]")
    weekend_departures = dy.Int64(min=0, description="departures of both directions on a weekend day [1/day]")
    mountain = dy.Bool(description="mountain line, exempt from clause 16")
    basis = dy.Enum(BASES, description="how the row came about")


class LineHour(dy.Schema):
    """One row a kind of line and hour of the day: how fast its buses run and how often they leave."""

    kind = dy.Enum(LINE_KINDS, primary_key=True, description="kind of line")
    hour = dy.Int64(primary_key=True, min=0, max=23, description="hour of the day [h]")
    weekday_speed_kmh = dy.Float64(min_exclusive=0.0, max=120.0, description="speed, stops included, weekday [km/h]")
    weekend_speed_kmh = dy.Float64(min_exclusive=0.0, max=120.0, description="speed, stops included, weekend [km/h]")
    weekday_frequency = dy.Float64(min_exclusive=0.0, description="departures an hour over those of a midday hour")
    weekend_frequency = dy.Float64(min_exclusive=0.0, description="the same at a weekend")
    basis = dy.Enum(BASES, description="how the row came about")


class Trip(dy.Schema):
    """One row a bus trip in passenger service. Times are seconds of the day and may pass 86,400."""

    trip = dy.Int64(primary_key=True, min=0, description="trip number, 0 upwards without a gap")
    line = dy.String(description="line")
    direction = dy.Int64(min=0, max=1, description="0: from from_terminal to to_terminal of the line, 1: back")
    departure_s = dy.Int64(min=0, description="departure [s]")
    run_s = dy.Int64(min=0, description="running time [s]")
    length_km = dy.Float64(min=0.0, description="distance [km]")
    from_terminal = dy.String(description="place it leaves from")
    to_terminal = dy.String(description="place it arrives at")
    depot = dy.String(description="place where its bus stands at night")
    block = dy.Int64(nullable=True, min=0, description="number of the bus that runs it; empty: not chained yet")


class DayTrip(Trip):
    """One row a trip of a brought timetable, by type of day; trip and block numbers run within the type of day."""

    day = dy.Enum(("weekday", "weekend"), primary_key=True, description="type of day it runs on")


class BlockMove(dy.Schema):
    """One row a movement of a bus on its day: out of the depot, a trip, an empty run to the next, into the depot."""

    block = dy.Int64(primary_key=True, min=0, description="number of the bus")
    move = dy.Int64(primary_key=True, min=0, description="0, 1, 2 ... within the block")
    kind = dy.Enum(("pull_out", "trip", "deadhead", "pull_in"), description="what it is")
    trip = dy.Int64(nullable=True, min=0, description="trip number; empty for empty runs")
    depart_s = dy.Int64(min=0, description="departure [s]")
    drive_s = dy.Int64(min=0, description="driving time [s]")
    length_km = dy.Float64(min=0.0, description="distance [km]")
    from_place = dy.String(description="place it leaves from")
    to_place = dy.String(description="place it arrives at")
    dwell_s = dy.Int64(min=0, description="shortest stop after arrival, before the next movement [s]")
    at_depot = dy.Bool(description="it ends at the depot")


class SourceRow(dy.Schema):
    """One row a figure or column of a shipped file: where it comes from."""

    file = dy.String(primary_key=True, description="file, relative to data/")
    item = dy.String(primary_key=True, description="column, or row key, or * for the whole file")
    publisher = dy.String(description="issuing body, or 'fleetsim' for what was made here")
    title = dy.String(description="title of the publication, or the rule that made it")
    date = dy.String(nullable=True, description="date or year of publication")
    url = dy.String(nullable=True, description="address where it was seen")
    licence = dy.String(description="licence or terms; 'fact' for single published figures")
    kind = dy.Enum(BASES, description="published, derived, assumption or synthetic")
    note = dy.String(nullable=True, description="range of an assumption, method of a derivation")
