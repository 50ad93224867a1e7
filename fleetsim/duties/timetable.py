"""The timetable of a day: the one a city brought, or one made from its lines."""

import dataframely as dy

from fleetsim.scenario.sections import DutiesSection
from networks.blocks import ChainRules, brought_trips
from networks.tables import DayTrip, Line, LineHour, Place, Trip
from networks.transit import chain, timetable


def day_trips(
    brought: dy.DataFrame[DayTrip],
    places: dy.DataFrame[Place],
    lines: dy.DataFrame[Line],
    line_hours: dy.DataFrame[LineHour],
    section: DutiesSection,
    *,
    weekend: bool,
) -> dy.DataFrame[Trip]:
    """Return the trips of a weekday or weekend day, chained to blocks.

    Parameters
    ----------
    brought
        A brought timetable; where it has rows it is taken as it is, and trips without a block are chained depot by
        depot with empty runs between terminals.
    places
        Terminals and depots.
    lines, line_hours
        What the timetable is made from where none was brought; its buses run empty to and from the depot only.
    section
        Layover, and empty runs.
    weekend
        Take the weekend's.
    """
    layover_s = round(section.bus_layover_min * 60.0)
    if brought.is_empty():
        turn_s = round(section.bus_first_turn_min * 60.0)
        return chain(timetable(lines, line_hours, weekend=weekend, turn_s=turn_s), layover_s=layover_s)
    rules = ChainRules(layover_s, section.detour, section.bus_empty_kmh)
    return brought_trips(brought, places, rules, weekend=weekend)
