"""Public transport timetables in the General Transit Feed Specification.

`read_feed` reads a feed, `check` tells everything wrong in it, `service_day` picks a day, `expand` returns its
departures, `blocks` its buses' days, and `convert` makes a city's lines, trips and places of it.
"""

from networks.gtfs.check import check
from networks.gtfs.convert import Choice, blocks, convert
from networks.gtfs.days import service_day
from networks.gtfs.expand import expand, timed_stops
from networks.gtfs.read import Feed, read_feed

__all__ = ["Choice", "Feed", "blocks", "check", "convert", "expand", "read_feed", "service_day", "timed_stops"]
