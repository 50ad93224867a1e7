"""What siting looks at: where stations may be opened, and what the simulated days left over."""

import dataframely as dy
import polars as pl

from charging.tables import Candidate, SiteDemand
from fleetsim.datasets import City

CANDIDATE_PLACES = {
    "public": (
        "car_park",
        "bus_terminal",
        "service_area",
        "rail_station_passenger",
        "airport",
        "logistics_park",
        "fuel_station",
        "charging_station",
    ),
    "swap": (
        "car_park",
        "service_area",
        "rail_station_passenger",
        "airport",
        "taxi_depot",
        "logistics_park",
        "fuel_station",
        "charging_station",
    ),
    "hydrogen": (
        "bus_depot",
        "service_area",
        "logistics_park",
        "wholesale_market",
        "rail_station_freight",
        "fuel_station",
    ),
}
"""Kinds of place where a station of each kind may stand."""
SEAT_KINDS = ("subdistrict", "township")


def candidates(city: City, kind: str, settled_per_km2: float) -> dy.DataFrame[Candidate]:
    """Return the sites where a station of a kind may be opened.

    Parameters
    ----------
    city
        Places, seats and zones.
    kind
        Kind of station.
    settled_per_km2
        Residents from which a zone is settled, see `siting.settled_per_km2` [persons/km2].

    Notes
    -----
    Real and synthetic places of fitting kinds, the centres of subdistricts and towns, and for public charging
    the centre of every settled zone: a kerb or courtyard there, not yet a parcel.
    """
    kinds = list(CANDIDATE_PLACES[kind])
    places = city.places.filter(pl.col("kind").cast(pl.String).is_in(kinds))
    seats = city.seats.filter(pl.col("kind").cast(pl.String).is_in(SEAT_KINDS), pl.col("district").is_not_null())
    both = [
        places.select("name_zh", "district", "lon", "lat", candidate="place"),
        seats.select("name_zh", "district", "lon", "lat", candidate=pl.format("seat {}", "seat")),
    ]
    if kind == "public":
        both.append(_settled_zones(city, settled_per_km2))
    table = pl.concat(both).rename({"name_zh": "name"}).select(Candidate.column_names())
    return Candidate.validate(table.sort("candidate"))


def _settled_zones(city: City, settled_per_km2: float) -> pl.DataFrame:
    names = city.districts.select("district", district_zh="name_zh")
    settled = city.zones.filter(pl.col("population") >= settled_per_km2 * pl.col("area_km2"))
    return settled.join(names, on="district").select(
        pl.format("{}片区", "district_zh").alias("name_zh"),
        "district",
        "lon",
        "lat",
        candidate=pl.format("zone {}", "zone"),
    )


def site_demand(demand: pl.DataFrame, city: City) -> dy.DataFrame[SiteDemand]:
    """Return what a mean of the simulated days left unserved or waiting, by zone and kind of station.

    Parameters
    ----------
    demand
        Table `ZoneDemand` of one or more days of a year.
    city
        Days with their weights, and zones.
    """
    cells = city.zones.select("zone").with_row_index("row").select(pl.col("row").cast(pl.Int64), cell="zone")
    present = city.days.filter(pl.col("day").is_in(demand["day"].unique().implode()))
    weights = present.select("day", weight=pl.col("weight_days") / pl.col("weight_days").sum())
    left = (
        demand.join(weights, on="day")
        .group_by(row="zone", kind="kind", maintain_order=True)
        .agg((pl.col("unserved", "waiting") * pl.col("weight")).sum())
        .join(cells, on="row")
    )
    table = left.select(pl.col("cell").alias("zone"), pl.col("kind").cast(SiteDemand.kind.dtype), "unserved", "waiting")
    return SiteDemand.validate(table.sort("zone", "kind"))
