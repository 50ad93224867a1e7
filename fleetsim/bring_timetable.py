"""A planner's timetable into a city folder; a city that has nothing else yet gets stand-ins for roads and zones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import dataframely as dy
import polars as pl

from fleetsim.bring import donor_residents, in_districts, own_table
from fleetsim.city_folder import ASSUMED_FILE, write_city, write_tables, write_texts
from fleetsim.city_scenario import assumed_toml
from fleetsim.inherit import CITY_FILE, read_identity
from networks.gtfs.convert import Choice, CityTimetable, convert
from networks.gtfs.expand import trips_of_types
from networks.gtfs.read import Feed
from networks.gtfs.skeleton import skeleton_roads
from networks.layers import HEADER_ROW, Layer
from networks.tables import Place
from networks.zone_import import Ground, ZoneChoice, bring_zones

SITED_PREFIX = "depot_stop_"


@dataclass(frozen=True, eq=False)
class TimetableBrought:
    """The timetable, what was written, and what the planner must know of it."""

    timetable: CityTimetable
    tables: dict[str, pl.DataFrame]
    notes: tuple[str, ...]


def timetable_into(folder: Path, feed: Feed, choice: Choice, residents: int | None = None) -> TimetableBrought:
    """Write the timetable of a feed into a city folder; return it.

    Parameters
    ----------
    folder
        City folder; a new one is made where there is none. Its depots (places of kind bus_depot that are not
        synthetic) are used; its bus terminals, lines and trips are replaced.
    feed
        The feed.
    choice
        Days, route types and blocks.
    residents
        Residents of the city, where the folder has no zones; left out: by the number of buses [persons].

    Raises
    ------
    DataError
        With every fault of the feed; nothing is written then.
    """
    kept = own_table(folder, "places")
    kept = kept.filter(pl.col("kind").cast(pl.String) != "bus_terminal", ~pl.col("place").str.starts_with(SITED_PREFIX))
    brought = convert(feed, choice, _depots(kept))
    places = Place.validate(pl.concat([kept, brought.places]).sort("place"))
    tables: dict[str, pl.DataFrame] = {"places": places, "lines": brought.lines, "trips": brought.trips}
    notes = list(brought.notes)
    notes += _stand_ins(folder, feed, choice, tables, residents or _residents(brought, choice))
    zones = tables.get("zones", own_table(folder, "zones"))
    tables["places"] = in_districts(places, zones)
    tables["lines"] = _in_districts_of_depots(brought.lines, tables["places"])
    if not (folder / CITY_FILE).is_file():
        write_city(folder, "", "")
    write_tables(folder, tables)
    if "districts" in tables and (donor := read_identity(folder).extends):
        people = int(tables["districts"]["population"].sum())
        write_texts(folder, {ASSUMED_FILE: assumed_toml(people, donor_residents(donor))})
    return TimetableBrought(brought, tables, tuple(notes))


def _depots(places: pl.DataFrame) -> dy.DataFrame[Place]:
    kind, basis = pl.col("kind").cast(pl.String), pl.col("basis").cast(pl.String)
    return Place.validate(places.filter(kind == "bus_depot", basis != "synthetic"))


def _residents(brought: CityTimetable, choice: Choice) -> int:
    return round(choice.assumed.residents_a_bus * max(day.buses for day in brought.days.values()))


def _stand_ins(folder: Path, feed: Feed, choice: Choice, tables: dict[str, pl.DataFrame], residents: int) -> list[str]:
    """Add the roads and zones that the folder lacks to the tables; return what must be told of them."""
    notes = []
    nodes, links = own_table(folder, "nodes"), own_table(folder, "links")
    if nodes.is_empty():
        trips = trips_of_types(feed, choice.route_types)
        nodes, links = skeleton_roads(feed, trips, choice.rules.detour, choice.assumed)
        tables |= {"nodes": nodes, "links": links}
        notes.append("roads: none yet; straight links from stop to stop stand in (`fleetsim import osm` replaces them)")
    if own_table(folder, "zones").is_empty():
        name = read_identity(folder).name_en or folder.resolve().name
        rows = pl.DataFrame({"name": [name], "population": [str(residents)]})
        layer = Layer(feed.path, rows, None, None, [HEADER_ROW + 1])
        made = bring_zones(layer, Ground(nodes, links, tables["places"]), ZoneChoice(name=name))
        tables |= {"districts": made.districts, "zones": made.zones}
        notes.append(
            f"zones: none yet; made where the roads are for {residents:,} residents, an assumption "
            "(--residents, or `fleetsim import zones`)"
        )
    return notes


def _in_districts_of_depots(lines: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    home = places.select("district", depot="place")
    joined = lines.drop("district").join(home, on="depot", how="left", maintain_order="left")
    return joined.select(lines.columns)
