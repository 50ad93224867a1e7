"""The loops of the duties, compiled by numba: where ways lead, and the legs of tours and taxi shifts one by one.

Legs are written into columns that hold a row for every leg a vehicle could make; `close_up` takes the gaps out.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from networks.compiled import compiled

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Seconds = NDArray[np.int32]

HOUR_S = 3600
GUIDE_STEPS = 128
LAST_TOUR_S = 6 * HOUR_S
STOPS_SPREAD = 0.3
SECONDS_AT_KERB = 90
HANDOVER_S = 900
LATE_START_S = 3600
OVERTIME_S = 3600
SPEED_SPREAD = 0.15
MORNING_ENDS_H, EVENING_BEGINS_H = 10, 16


class Kernel(NamedTuple):
    """How likely a way leads from each cell to each cell, and to which of its zones."""

    cell: Integers
    """Cell of each zone."""
    to_cell: Floats
    """Cumulated over the cells a way may lead to, a row for each cell it starts in: from its number up by 1."""
    guide: NDArray[np.int32]
    """First cell that may be meant by a value in each of `GUIDE_STEPS` steps between 0 and 1, a row for each cell."""
    zones: Integers
    """The zones by cell."""
    first: Integers
    """Where the zones of each cell begin in `zones`, and where those of the last one end."""
    within: Floats
    """Cumulated weight of `zones`."""
    start: Floats
    end: Floats
    """Cumulated weight before and after each cell."""


class Ground(NamedTuple):
    """The zones on a kind of day."""

    x_km: Floats
    y_km: Floats
    inner_km: Floats
    free_kmh: Floats
    """Speed between doors without traffic."""
    factor: Floats
    """Of the speed, by hour."""
    detour: float


class Columns(NamedTuple):
    """The legs; `latest_s` is -1 where nothing is promised."""

    depart_s: Seconds
    drive_s: Seconds
    distance_km: Floats
    dwell_s: Seconds
    work_s: Seconds
    zone: Seconds
    may_charge: Flags
    at_depot: Flags
    timed: Flags
    latest_s: Seconds


class TourRule(NamedTuple):
    """A row of `TourPattern` as numbers."""

    clusters: int
    stops: float
    stop_min: float
    stop_km: float
    cluster_kmh: float
    """0 where the way between the stops takes no time of its own."""
    work_share: float
    window_s: int
    """-1 where no first stop is promised."""
    rest_s: int
    unload_s: int


class TourWays(NamedTuple):
    """Where the ways of a tour lead."""

    stem: Kernel
    hop: Kernel
    unload: Integers
    """By zone, the zone of the place of unloading; empty where there is none."""


class TourCrew(NamedTuple):
    """The vehicles of a pattern."""

    start_s: Integers
    tours: Integers
    home: Integers
    base: Integers
    depot: Flags
    row: Integers
    """Where the next leg of each vehicle is written."""

    def some(self, part: slice) -> "TourCrew":
        """Return some of the vehicles."""
        return TourCrew(*(column[part] for column in self))  # type: ignore[arg-type]


class TaxiRule(NamedTuple):
    """A shift."""

    break_s: int
    break_length_s: int
    trip_km: float
    """A trip with the way to its passenger."""
    empty_km: float
    """The way to a passenger."""
    demand: Floats
    """By hour, relative to the mean."""
    kmh: Floats
    """Mean speed by hour."""


class TaxiCrew(NamedTuple):
    """The vehicles of a pattern, where they are and from when they are free."""

    home: Integers
    zone: Integers
    free_s: Integers
    start_s: Integers
    end_s: Integers
    trips: Integers
    row: Integers
    """Where the next leg of each vehicle is written."""

    def some(self, part: slice) -> "TaxiCrew":
        """Return some of the vehicles."""
        return TaxiCrew(*(column[part] for column in self))


@compiled
def draw_zone(choice: Kernel, origin: int, first: float, second: float) -> int:
    """Return the zone a way from `origin` leads to, from two uniform values [0 to 1)."""
    row = choice.cell[origin]
    wanted = row + first
    step = int(first * GUIDE_STEPS)
    low, high = choice.guide[row, step], choice.guide[row, step + 1]
    while low < high:
        middle = (low + high) >> 1
        if choice.to_cell[row, middle] <= wanted:
            low = middle + 1
        else:
            high = middle
    return zone_in(choice, low, second)


@compiled
def shares(away_km: Floats, total: Floats, scale_km: float, to_cell: Floats, first: float) -> float:
    """Write the cumulated shares of the cells a way may lead to, from `first` up by 1; return the mean way [km].

    P(cell) ~ total exp(-away / scale).
    """
    nearest = away_km[0]
    for cell in range(1, away_km.size):
        nearest = min(nearest, away_km[cell])
    sum_km, mass = 0.0, 0.0
    for cell in range(away_km.size):
        pull = total[cell] * math.exp(-(away_km[cell] - nearest) / scale_km)
        sum_km += pull * away_km[cell]
        mass += pull
        to_cell[cell] = mass
    for cell in range(away_km.size):
        to_cell[cell] = min(to_cell[cell] / mass, 1.0) + first
    return sum_km / mass


@compiled
def mean_way_km(away_km: Floats, total: Floats, start: Floats, scale_km: float) -> float:
    """Return the mean way from some cells [km], each of them with its share `start` of the ways."""
    room = np.empty(total.size)
    mean = 0.0
    for row in range(start.size):
        mean += start[row] * shares(away_km[row], total, scale_km, room, 0.0)
    return mean


@compiled
def fill(away_km: Floats, total: Floats, scale_km: float, to_cell: Floats) -> None:
    """Write the rows of `to_cell` of a `Kernel`."""
    for row in range(total.size):
        shares(away_km[row], total, scale_km, to_cell[row], float(row))


@compiled
def guide(to_cell: Floats, found: NDArray[np.int32]) -> None:
    """Write for each row where the steps between its number and the next lie, see `Kernel`."""
    rows, cells = to_cell.shape
    for row in range(rows):
        cell = 0
        for step in range(GUIDE_STEPS + 1):
            while cell < cells - 1 and to_cell[row, cell] <= row + step / GUIDE_STEPS:
                cell += 1
            found[row, step] = cell


@compiled
def zone_in(choice: Kernel, cell: int, uniform: float) -> int:
    """Return a zone of a cell, drawn by its weight."""
    mass = choice.start[cell] + uniform * (choice.end[cell] - choice.start[cell])
    low, high = choice.first[cell], choice.first[cell + 1] - 1
    while low < high:
        middle = (low + high) >> 1
        if choice.within[middle] <= mass:
            low = middle + 1
        else:
            high = middle
    return int(choice.zones[low])


@compiled
def draw_zones(choice: Kernel, origin: Integers, uniform: Floats, found: Integers) -> None:
    """Write the zone each way leads to, from two uniform values a way."""
    for way in range(origin.size):
        found[way] = draw_zone(choice, origin[way], uniform[way, 0], uniform[way, 1])


@compiled
def way_km(ground: Ground, origin: int, target: int) -> float:
    """Return the road distance from zone to zone [km]; within a zone, the mean way inside it."""
    crow = math.hypot(ground.x_km[origin] - ground.x_km[target], ground.y_km[origin] - ground.y_km[target])
    return float(ground.detour * max(crow, ground.inner_km[target]))


@compiled
def kmh_at(ground: Ground, zone: int, second: int) -> float:
    """Return the speed between doors at a zone and second of the day [km/h]."""
    return float(ground.free_kmh[zone] * ground.factor[(second // HOUR_S) % 24])


@compiled
def way_s(ground: Ground, km: float, zone: int, second: int) -> int:
    """Return the time of a way at the speed of a zone and second of the day [s]."""
    return int(np.rint(km / kmh_at(ground, zone, second) * 3600.0))


@compiled
def put(legs: Columns, row: int, when: tuple[int, int, int], km: float, zone: int) -> int:
    """Write a leg from its departure, driving time and stop [s]; return when the vehicle is free again."""
    depart_s, drive_s, dwell_s = when
    legs.depart_s[row] = depart_s
    legs.drive_s[row] = drive_s
    legs.dwell_s[row] = dwell_s
    legs.distance_km[row] = km
    legs.zone[row] = zone
    return depart_s + drive_s + dwell_s


@compiled
def draw_places(cumulated: Floats, zone: Integers, uniform: Floats, found: Integers) -> None:
    """Write the column of `cumulated` (a row for each zone) that each uniform value means."""
    for vehicle in range(zone.size):
        low, high = 0, cumulated.shape[1] - 1
        while low < high:
            middle = (low + high) >> 1
            if cumulated[zone[vehicle], middle] <= uniform[vehicle]:
                low = middle + 1
            else:
                high = middle
        found[vehicle] = low


@compiled
def drive_tours(ground: Ground, ways: TourWays, rule: TourRule, crew: TourCrew, draws: Floats, legs: Columns) -> None:
    """Write the legs of vehicles that go on tours; `draws` are uniform, shape (vehicles, tours, clusters, 3)."""
    # Taken out once: numba counts references to all of their arrays each time.
    stem, hop, unload = ways
    targets = np.empty(rule.clusters, np.int64)
    for vehicle in range(crew.start_s.size):
        start_s, base, home = crew.start_s[vehicle], crew.base[vehicle], crew.home[vehicle]
        depot, row = crew.depot[vehicle], crew.row[vehicle]
        free_s = start_s
        if not depot:
            km = way_km(ground, home, base)
            drive_s = way_s(ground, km, base, start_s)
            free_s = max(start_s, put(legs, row, (max(start_s - drive_s, 0), drive_s, 0), km, base))
            row += 1
        for tour in range(crew.tours[vehicle]):
            if free_s > start_s + LAST_TOUR_S:
                break
            draw_targets(stem, hop, base, draws[vehicle, tour], targets)
            zone, free_s = clusters(ground, rule, (base, free_s, row), targets, draws[vehicle, tour], legs)
            row += rule.clusters
            if unload.size:
                zone, free_s = move(ground, legs, row, (zone, free_s), (unload[zone], rule.unload_s))
                row += 1
            zone, free_s = move(ground, legs, row, (zone, free_s), (base, rule.rest_s))
            legs.at_depot[row] = depot
            row += 1
        if not depot:
            move(ground, legs, row, (base, free_s), (home, 0))
            row += 1
        crew.row[vehicle] = row


@compiled
def draw_targets(stem: Kernel, hop: Kernel, base: int, draws: Floats, targets: Integers) -> None:
    """Write the zones of the clusters of stops of a tour."""
    targets[0] = draw_zone(stem, base, draws[0, 0], draws[0, 1])
    for number in range(1, targets.size):
        targets[number] = draw_zone(hop, targets[number - 1], draws[number, 0], draws[number, 1])


@compiled
def clusters(
    ground: Ground, rule: TourRule, state: tuple[int, int, int], targets: Integers, draws: Floats, legs: Columns
) -> tuple[int, int]:
    """Write the legs to the clusters of stops of a tour; `state` is zone, time and row. Return zone and time."""
    zone, free_s, row = state
    for number in range(rule.clusters):
        at, target = row + number, targets[number]
        km = way_km(ground, zone, target)
        drive_s = way_s(ground, km, target, free_s)
        stops = max(np.rint(rule.stops * (1.0 + STOPS_SPREAD * (2.0 * draws[number, 2] - 1.0))), 1.0)
        inside_km = (stops - 1.0) * rule.stop_km
        if rule.cluster_kmh > 0.0:
            drive_s += int(inside_km / rule.cluster_kmh * 3600.0)
        dwell_s = int(np.rint(stops * rule.stop_min * 60.0))
        legs.work_s[at] = int(np.floor(dwell_s * rule.work_share))
        if number == 0 and rule.window_s >= 0:
            legs.timed[at] = True
            legs.latest_s[at] = free_s + rule.window_s
        free_s = put(legs, at, (free_s, drive_s, dwell_s), km + inside_km, target)
        zone = target
    return zone, free_s


@compiled
def move(ground: Ground, legs: Columns, row: int, state: tuple[int, int], to: tuple[int, int]) -> tuple[int, int]:
    """Write a leg from `state` (zone and time) to a zone with a stop [s] where the vehicle may seek energy."""
    zone, free_s = state
    target, dwell_s = to
    km = way_km(ground, zone, target)
    legs.may_charge[row] = True
    return target, put(legs, row, (free_s, way_s(ground, km, target, free_s), dwell_s), km, target)


@compiled
def drive_shift(
    ground: Ground,
    choices: tuple[Kernel, Kernel, Kernel],
    rule: TaxiRule,
    crew: TaxiCrew,
    draws: Floats,
    legs: Columns,
) -> None:
    """Write the legs of a shift of taxis, and bring `crew` to its end; `draws` are uniform, shape (taxis, trips, 6).

    `choices` tell where trips lead in the morning, by day and in the evening.
    """
    # Taken out once: numba counts references to all of their arrays each time.
    morning, midday, evening = choices
    for taxi in range(crew.home.size):
        home, start_s, end_s = crew.home[taxi], crew.start_s[taxi], crew.end_s[taxi]
        zone, free_s, row = crew.zone[taxi], max(crew.free_s[taxi], start_s), crew.row[taxi]
        eaten = False
        for trip in range(crew.trips[taxi]):
            draw = draws[taxi, trip]
            wait_s = mean_wait_s(rule, crew.trips[taxi] - trip, (free_s, end_s), eaten) if trip else 0.0
            depart_s = free_s + int(wait_s * -math.log1p(-draw[0]))
            hour = (depart_s // HOUR_S) % 24
            if hour < MORNING_ENDS_H:
                target = draw_zone(morning, zone, draw[1], draw[2])
            elif hour < EVENING_BEGINS_H:
                target = draw_zone(midday, zone, draw[1], draw[2])
            else:
                target = draw_zone(evening, zone, draw[1], draw[2])
            km = way_km(ground, zone, target) + rule.empty_km * -math.log1p(-draw[3])
            normal = math.sqrt(-2.0 * math.log1p(-draw[4])) * math.cos(2.0 * np.pi * draw[5])
            kmh = kmh_at(ground, target, depart_s) * math.exp(SPEED_SPREAD * normal)
            arrive_s = depart_s + int(np.rint(km / kmh * 3600.0))
            home_s = way_km(ground, target, home) / kmh_at(ground, home, arrive_s) * 3600.0
            if depart_s > end_s or arrive_s + home_s > end_s + OVERTIME_S:
                continue
            eats = not eaten and arrive_s >= rule.break_s
            eaten = eaten or eats
            legs.may_charge[row] = True
            legs.timed[row] = trip == 0
            legs.latest_s[row] = max(depart_s, end_s + OVERTIME_S if trip else start_s + LATE_START_S)
            dwell_s = rule.break_length_s if eats else SECONDS_AT_KERB
            free_s = put(legs, row, (depart_s, arrive_s - depart_s, dwell_s), km, target)
            zone = target
            row += 1
        crew.zone[taxi], crew.free_s[taxi] = move(ground, legs, row, (zone, free_s), (home, HANDOVER_S))
        crew.row[taxi] = row + 1


@compiled
def mean_wait_s(rule: TaxiRule, left: int, span_s: tuple[int, int], eaten: bool) -> float:
    """Return the mean wait before the next of `left` trips, between now and the end of the shift [s]."""
    free_s, end_s = span_s
    hour = (free_s // HOUR_S) % 24
    meal_s = 0 if eaten or rule.break_s > end_s else rule.break_length_s
    slack_s = end_s - free_s - meal_s - left * (rule.trip_km / rule.kmh[hour] * 3600.0 + SECONDS_AT_KERB)
    return float(max(slack_s, 0.0) / left / rule.demand[hour])


@compiled
def close_up(legs: Columns, first: Integers, count: Integers) -> int:
    """Move the legs of each vehicle up behind those of the one before; return how many there are.

    Vehicle `i` has written `count[i]` rows from `first[i]` on; `first` rises.
    """
    row = 0
    for vehicle in range(first.size):
        for old in range(first[vehicle], first[vehicle] + count[vehicle]):
            for column in (legs.depart_s, legs.drive_s, legs.dwell_s, legs.work_s, legs.zone, legs.latest_s):
                column[row] = column[old]
            for flag in (legs.may_charge, legs.at_depot, legs.timed):
                flag[row] = flag[old]
            legs.distance_km[row] = legs.distance_km[old]
            row += 1
    return row


@compiled
def longest_km(vehicle: Integers, distance_km: Floats, ends: Flags, longest: Floats) -> None:
    """Write the longest distance of each vehicle between two legs that end at the depot; `vehicle` rises."""
    total = 0.0
    for leg in range(vehicle.size):
        total += distance_km[leg]
        if ends[leg] or leg + 1 == vehicle.size or vehicle[leg + 1] != vehicle[leg]:
            longest[vehicle[leg]] = max(longest[vehicle[leg]], total)
            total = 0.0
