"""The loops of the duties, compiled by numba: where ways lead, and the legs of tours and taxi shifts one by one.

Legs are written into columns that hold a row for every leg a vehicle could make; `written` takes the gaps out.
"""

import math

import numpy as np
from numpy.typing import NDArray

from fleetsim.duties.arrays import (
    Columns,
    Floats,
    Ground,
    Integers,
    Kernel,
    Reloading,
    TaxiCrew,
    TaxiRule,
    TourCrew,
    TourDraws,
    TourLog,
    TourRule,
    TourWays,
)
from networks.by_address import held
from networks.compiled import compiled, compiled_part

HOUR_S = 3600
GUIDE_STEPS = 128
"""Steps of the guide to a `Kernel`: they save steps of its search and change no result."""
State = tuple[int, int, int, float]
"""Zone, time, row of the next leg, and load [kg] of a vehicle on a tour."""
Places = tuple[int, Integers, bool]
"""The base, the place of unloading by zone (none: empty), and whether the base is the depot."""
WHOLE = 1e-9
"""What a number of stops may lack to a whole one and still count as such: rounding."""


@compiled
def draw_zone(choice: Kernel, origin: int, first: float, second: float) -> int:
    """Return the zone a way from `origin` leads to, from two uniform values [0 to 1)."""
    row = choice.cell[origin]
    step = int(first * GUIDE_STEPS)
    low, high = choice.guide[row, step], choice.guide[row, step + 1]
    while low < high:
        middle = (low + high) >> 1
        if choice.to_cell[row, middle] <= first:
            low = middle + 1
        else:
            high = middle
    return zone_in(choice, low, second)


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
def drive_tours(ground: Ground, ways: TourWays, rule: TourRule, crew: TourCrew, draws: TourDraws, log: TourLog) -> None:
    """Write the legs of vehicles that go on tours and carry all of a tour at once."""
    tour = np.empty(rule.clusters, np.int64), np.empty(rule.clusters)
    where = TourWays(held(ways.stem), held(ways.hop), ways.unload)
    drive_each(held(ground), (where, held(rule)), crew, draws, TourLog(held(log.legs), log.served), tour)


@compiled_part
def drive_each(
    ground: Ground,
    plan: tuple[TourWays, TourRule],
    crew: TourCrew,
    draws: TourDraws,
    log: TourLog,
    room: tuple[Integers, Floats],
) -> None:
    """Do the work of `drive_tours`; `room` is for the clusters of a tour: their zones and stops."""
    (stem, hop, unload), rule = plan
    legs, served = log
    targets, stops = room
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
            if free_s > start_s + rule.last_s:
                break
            draw_targets(stem, hop, base, draws.stops[vehicle, tour], targets)
            count_stops(rule, draws.stops[vehicle, tour], stops)
            stop_kg = rule.stop_kg * (1.0 + rule.kg_spread * (2.0 * draws.load[vehicle, tour] - 1.0))
            zone, free_s, load_kg = clusters(ground, rule, (base, free_s, row), (targets, stops, stop_kg), legs)
            for number in range(rule.clusters):
                served.stops[vehicle, tour, number] = stops[number]
                served.kg[vehicle, tour, number] = stops[number] * stop_kg
            row += rule.clusters
            free_s, row = go_back(ground, rule, (zone, free_s, row, load_kg), (base, unload, depot), legs)
        if not depot:
            move(ground, legs, row, (base, free_s), (home, 0))
            row += 1
        crew.row[vehicle] = row


@compiled_part
def draw_targets(stem: Kernel, hop: Kernel, base: int, draws: Floats, targets: Integers) -> None:
    """Write the zones of the clusters of stops of a tour."""
    targets[0] = draw_zone(stem, base, draws[0, 0], draws[0, 1])
    for number in range(1, targets.size):
        targets[number] = draw_zone(hop, targets[number - 1], draws[number, 0], draws[number, 1])


@compiled_part
def count_stops(rule: TourRule, draws: Floats, stops: Floats) -> None:
    """Write the stops of each cluster of a tour."""
    for number in range(stops.size):
        spread = 1.0 + rule.stops_spread * (2.0 * draws[number, 2] - 1.0)
        stops[number] = max(np.rint(rule.stops * spread), 1.0)


@compiled_part
def clusters(
    ground: Ground,
    rule: TourRule,
    state: tuple[int, int, int],
    plan: tuple[Integers, Floats, float],
    legs: Columns,
) -> tuple[int, int, float]:
    """Write the legs to the clusters of stops of a tour; `state` is zone, time and row. Return zone, time and load."""
    zone, free_s, row = state
    targets, stops, stop_kg = plan
    load_kg = 0.0
    for number in range(0 if rule.collects else rule.clusters):
        load_kg += stops[number] * stop_kg
    for number in range(rule.clusters):
        at, target = row + number, targets[number]
        if number == 0 and rule.window_s >= 0:
            legs.timed[at] = True
            legs.latest_s[at] = free_s + rule.window_s
        km = way_km(ground, zone, target)
        goods = (stops[number], stop_kg, load_kg)
        free_s, load_kg = serve(ground, rule, (free_s, at, km, target), (stops[number] - 1.0, *goods), legs)
        zone = target
    return zone, free_s, load_kg


@compiled_part
def serve(
    ground: Ground,
    rule: TourRule,
    way: tuple[int, int, float, int],
    goods: tuple[float, float, float, float],
    legs: Columns,
) -> tuple[int, float]:
    """Write a leg to stops near each other; return when the vehicle is free again and what it then carries.

    `way` is time, row, distance and zone; `goods` are the ways from stop to stop, the stops, what each of them gets or
    gives, and what is aboard. The load of the leg is the mean over its distance: all of it on the way there, then less,
    or more, by each stop.
    """
    free_s, row, km, zone = way
    hops, stops, stop_kg, load_kg = goods
    drive_s = way_s(ground, km, zone, free_s)
    inside_km = hops * rule.stop_km
    if rule.cluster_kmh > 0.0:
        drive_s += int(inside_km / rule.cluster_kmh * 3600.0)
    dwell_s = int(np.rint(stops * rule.stop_min * 60.0))
    legs.work_s[row] = int(np.floor(dwell_s * rule.work_share))
    change_kg = stops * stop_kg if rule.collects else -stops * stop_kg
    total_km = km + inside_km
    mean_kg = load_kg + (0.5 * change_kg * inside_km / total_km if total_km > 0.0 else 0.0)
    legs.load_kg[row] = max(mean_kg, 0.0)
    return put(legs, row, (free_s, drive_s, dwell_s), total_km, zone), load_kg + change_kg


@compiled_part
def go_back(ground: Ground, rule: TourRule, state: State, places: Places, legs: Columns) -> tuple[int, int]:
    """Write the legs to the place of unloading, if there is one, and to the base; return time and row after them."""
    zone, free_s, row, load_kg = state
    base, unload, depot = places
    if unload.size:
        zone, free_s = to_unloading(ground, rule, state, unload, legs)
        load_kg = 0.0
        row += 1
    _, free_s = to_base(ground, rule, (zone, free_s, row, load_kg), (base, depot), legs)
    return free_s, row + 1


@compiled_part
def to_unloading(ground: Ground, rule: TourRule, state: State, unload: Integers, legs: Columns) -> tuple[int, int]:
    """Write the leg to the place of unloading; return zone and time after it."""
    zone, free_s, row, load_kg = state
    legs.load_kg[row] = load_kg
    return move(ground, legs, row, (zone, free_s), (unload[zone], rule.unload_s))


@compiled_part
def to_base(ground: Ground, rule: TourRule, state: State, base: tuple[int, bool], legs: Columns) -> tuple[int, int]:
    """Write the leg to the base (zone, and whether it is the depot); return zone and time after it."""
    zone, free_s, row, load_kg = state
    place, depot = base
    legs.load_kg[row] = load_kg
    legs.at_depot[row] = depot
    return move(ground, legs, row, (zone, free_s), (place, rule.rest_s))


@compiled_part
def move(ground: Ground, legs: Columns, row: int, state: tuple[int, int], to: tuple[int, int]) -> tuple[int, int]:
    """Write a leg from `state` (zone and time) to a zone with a stop [s] where the vehicle may seek energy."""
    zone, free_s = state
    target, dwell_s = to
    km = way_km(ground, zone, target)
    legs.may_charge[row] = True
    return target, put(legs, row, (free_s, way_s(ground, km, target, free_s), dwell_s), km, target)


@compiled
def reload_tours(ground: Ground, rule: TourRule, unload: Integers, task: Reloading, old: Columns, new: Columns) -> None:
    """Write the legs of vehicles anew, their tours cut where the vehicle is empty, or full; `task.row` moves on."""
    reload_each(held(ground), held(rule), unload, held(task), held(old), held(new))


@compiled_part
def reload_each(ground: Ground, rule: TourRule, unload: Integers, task: Reloading, old: Columns, new: Columns) -> None:
    """Do the work of `reload_tours`."""
    for vehicle in range(task.first.size):
        row, served, leg = task.row[vehicle], task.first_served[vehicle], task.first[vehicle]
        free_s, zone = -1, task.base[vehicle]
        while leg < task.end[vehicle]:
            number, total, kg = tour_at(task, served, task.end_served[vehicle], leg)
            at_once = stops_at_once(task.most_kg[vehicle], total, kg)
            if total > at_once:
                stops = task.stops[served : served + number]
                start = (zone, old.depart_s[leg] if free_s < 0 else free_s, row, leg)
                free_s, row = cut_tour(ground, rule, unload, start, (stops, kg / total, at_once), (old, new))
                leg += number + 1 + (unload.size > 0)
            else:
                for each in range(max(number, 1)):
                    inside_km = (task.stops[served + each] - 1.0) * rule.stop_km if number else 0.0
                    free_s = repeat(ground, rule, (leg, row, free_s, inside_km), old, new)
                    leg += 1
                    row += 1
            served += number
            zone = old.zone[leg - 1]
        task.row[vehicle] = row


@compiled
def extra_legs(task: Reloading, extra: Integers) -> None:
    """Write how many legs each vehicle has more at most than planned: two each time it goes back on a tour."""
    for vehicle in range(task.first.size):
        served = task.first_served[vehicle]
        while served < task.end_served[vehicle]:
            number, total, kg = tour_at(task, served, task.end_served[vehicle], task.at[served])
            at_once = stops_at_once(task.most_kg[vehicle], total, kg)
            extra[vehicle] += 2 * ((total - 1) // at_once)
            served += number


@compiled_part
def tour_at(task: Reloading, served: int, end: int, leg: int) -> tuple[int, int, float]:
    """Return the clusters of the tour that begins with a leg, their stops and goods [kg]; 0 where none begins."""
    number, total, kg = 0, 0, 0.0
    while served + number < end and task.at[served + number] == leg + number:
        total += task.stops[served + number]
        kg += task.kg[served + number]
        number += 1
    return number, total, kg


@compiled_part
def stops_at_once(most_kg: float, stops: int, kg: float) -> int:
    """Return how many of the stops a vehicle serves without going back; one at least."""
    if kg <= most_kg:
        return stops
    return max(int(most_kg / (kg / stops) + WHOLE), 1)


@compiled_part
def repeat(ground: Ground, rule: TourRule, at: tuple[int, int, int, float], old: Columns, new: Columns) -> int:
    """Write a leg as it was, later where the vehicle is late; return when a late vehicle is free again, or -1.

    `at` is the row it had, the row it gets, when the vehicle is free (-1: in time), and what of it lies between stops.
    """
    leg, row, free_s, inside_km = at
    new.depart_s[row], new.drive_s[row], new.dwell_s[row] = old.depart_s[leg], old.drive_s[leg], old.dwell_s[leg]
    new.distance_km[row], new.zone[row], new.work_s[row] = old.distance_km[leg], old.zone[leg], old.work_s[leg]
    new.may_charge[row], new.at_depot[row] = old.may_charge[leg], old.at_depot[leg]
    new.timed[row], new.latest_s[row] = old.timed[leg], old.latest_s[leg]
    new.load_kg[row] = old.load_kg[leg]
    if free_s < 0:
        return -1
    drive_s = way_s(ground, old.distance_km[leg] - inside_km, old.zone[leg], free_s)
    if rule.cluster_kmh > 0.0:
        drive_s += int(inside_km / rule.cluster_kmh * 3600.0)
    return put(new, row, (free_s, drive_s, old.dwell_s[leg]), old.distance_km[leg], old.zone[leg])


@compiled_part
def cut_tour(
    ground: Ground,
    rule: TourRule,
    unload: Integers,
    start: tuple[int, int, int, int],
    plan: tuple[NDArray[np.int16], float, int],
    legs: tuple[Columns, Columns],
) -> tuple[int, int]:
    """Write a tour in several waves; return time and row after it.

    `start` is zone, time, row and the leg as planned; `plan` are the stops of the clusters, what a stop gets or gives,
    and the stops of a wave. The ways from stop to stop are driven as planned, whatever lies between them.
    """
    zone, free_s, row, leg = start
    stops, stop_kg, at_once = plan
    old, new = legs
    new.timed[row], new.latest_s[row] = old.timed[leg], old.latest_s[leg]
    closing = leg + stops.size + (unload.size > 0)
    base, depot = old.zone[closing], old.at_depot[closing]
    left, room = 0, at_once
    for number in range(stops.size):
        left += stops[number]
    load_kg = 0.0 if rule.collects else at_once * stop_kg
    back_km = 0.0
    for number in range(stops.size):
        target, here, hop = old.zone[leg + number], stops[number], -1.0
        while here > 0:
            if room == 0:
                place = (base, unload, depot)
                zone, free_s = refill(ground, rule, (zone, free_s, row, load_kg), place, new)
                row += 1
                room, back_km = min(at_once, left), max(rule.refill_km, 0.0)
                load_kg = 0.0 if rule.collects else room * stop_kg
            served = min(here, room)
            km = back_km if back_km > 0.0 and zone == target else back_km + way_km(ground, zone, target)
            goods = (served + hop, served, stop_kg, load_kg)
            free_s, load_kg = serve(ground, rule, (free_s, row, km, target), goods, new)
            zone, back_km, hop = target, 0.0, 0.0
            row += 1
            here -= served
            room -= served
            left -= served
    return go_back(ground, rule, (zone, free_s, row, load_kg), (base, unload, depot), new)


@compiled_part
def refill(ground: Ground, rule: TourRule, state: State, places: Places, legs: Columns) -> tuple[int, int]:
    """Write the leg on which a vehicle fetches more, or gets rid of what it has; return its zone and time after it.

    Where the pattern names a way to a place near the stops it goes there, else to the place of unloading, or to the
    base, where it may seek energy.
    """
    zone, free_s, row, load_kg = state
    base, unload, depot = places
    if rule.refill_km >= 0.0:
        legs.load_kg[row] = load_kg
        drive_s = way_s(ground, rule.refill_km, zone, free_s)
        return zone, put(legs, row, (free_s, drive_s, rule.refill_s), rule.refill_km, zone)
    if unload.size:
        return to_unloading(ground, rule, state, unload, legs)
    return to_base(ground, rule, state, (base, depot), legs)


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
    morning, midday, evening = choices
    where = held(morning), held(midday), held(evening)
    drive_trips(held(ground), where, held(rule), crew, draws, held(legs))


@compiled_part
def drive_trips(
    ground: Ground,
    choices: tuple[Kernel, Kernel, Kernel],
    rule: TaxiRule,
    crew: TaxiCrew,
    draws: Floats,
    legs: Columns,
) -> None:
    """Do the work of `drive_shift`."""
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
            if hour < rule.morning_ends_h:
                target = draw_zone(morning, zone, draw[1], draw[2])
            elif hour < rule.evening_begins_h:
                target = draw_zone(midday, zone, draw[1], draw[2])
            else:
                target = draw_zone(evening, zone, draw[1], draw[2])
            km = way_km(ground, zone, target) + rule.empty_km * -math.log1p(-draw[3])
            normal = math.sqrt(-2.0 * math.log1p(-draw[4])) * math.cos(2.0 * np.pi * draw[5])
            kmh = kmh_at(ground, target, depart_s) * math.exp(rule.speed_spread * normal)
            arrive_s = depart_s + int(np.rint(km / kmh * 3600.0))
            home_s = way_km(ground, target, home) / kmh_at(ground, home, arrive_s) * 3600.0
            if depart_s > end_s or arrive_s + home_s > end_s + rule.overtime_s:
                continue
            eats = not eaten and arrive_s >= rule.break_s
            eaten = eaten or eats
            legs.may_charge[row] = True
            legs.timed[row] = trip == 0
            legs.latest_s[row] = max(depart_s, end_s + rule.overtime_s if trip else start_s + rule.late_s)
            dwell_s = rule.break_length_s if eats else rule.kerb_s
            free_s = put(legs, row, (depart_s, arrive_s - depart_s, dwell_s), km, target)
            zone = target
            row += 1
        crew.zone[taxi], crew.free_s[taxi] = move(ground, legs, row, (zone, free_s), (home, rule.handover_s))
        crew.row[taxi] = row + 1


@compiled_part
def mean_wait_s(rule: TaxiRule, left: int, span_s: tuple[int, int], eaten: bool) -> float:
    """Return the mean wait before the next of `left` trips, between now and the end of the shift [s]."""
    free_s, end_s = span_s
    hour = (free_s // HOUR_S) % 24
    meal_s = 0 if eaten or rule.break_s > end_s else rule.break_length_s
    slack_s = end_s - free_s - meal_s - left * (rule.trip_km / rule.kmh[hour] * 3600.0 + rule.kerb_s)
    return float(max(slack_s, 0.0) / left / rule.demand[hour])
