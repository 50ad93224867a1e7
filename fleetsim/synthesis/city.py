"""All synthetic tables of a city, made again from its real rows, zones and pile counts."""

from dataclasses import dataclass

import dataframely as dy
import polars as pl

from charging.tables import PileRecord, Station
from fleetsim.synthesis.lines import synthetic_lines
from fleetsim.synthesis.places import synthetic_places
from fleetsim.synthesis.stations import synthetic_stations
from networks.tables import Line, Place, Zone


@dataclass(frozen=True)
class Synthesis:
    """Places and stations, real and synthetic, and bus lines, as the city folder ships them."""

    places: dy.DataFrame[Place]
    stations: dy.DataFrame[Station]
    lines: dy.DataFrame[Line]


def synthesise(
    places: dy.DataFrame[Place],
    stations: dy.DataFrame[Station],
    zones: dy.DataFrame[Zone],
    piles: dy.DataFrame[PileRecord],
    *,
    seed: int = 2020,
) -> Synthesis:
    """Return the tables with all synthetic rows drawn anew; rows with another basis are kept as they are.

    Parameters
    ----------
    places
        Places; synthetic rows are dropped first.
    stations
        Stations; synthetic rows are dropped first.
    zones
        Zones of the city.
    piles
        Pile counts by date.
    seed
        Seed of the draws.
    """
    real = Place.validate(places.filter(pl.col("basis") != "synthetic"))
    made = synthetic_places(real, zones, seed=seed)
    all_places = Place.validate(pl.concat([real, made]).sort("place"))
    known = stations.filter(pl.col("basis") != "synthetic")
    new = synthetic_stations(all_places, zones, piles, seed=seed)
    return Synthesis(
        places=all_places,
        stations=Station.validate(pl.concat([known, new]).sort("station_id")),
        lines=synthetic_lines(all_places, zones, seed=seed),
    )
