"""Public charging for a city that brought no stations: sites on its map, as many plugs a resident as in the donor."""

from __future__ import annotations

import dataframely as dy
import numpy as np
import polars as pl

from charging.tables import Station
from networks.import_rules import station_rules
from networks.zones import largest_remainder

BASE_YEAR = 2020
MAPPED_KIND = "charging_station"
SITE_KINDS = ("car_park", "service_area", "rail_station_passenger", "bus_terminal")
"""Kinds of place where public plugs stand if the map knows no charging station."""


def stations_by_rule(
    donor: pl.DataFrame, ratio: float, places: pl.DataFrame, zones: pl.DataFrame
) -> dy.DataFrame[Station]:
    """Return the public charging stations of a city's base year, every one an assumption.

    Parameters
    ----------
    donor
        Table `Station` of the donor: its public plugs up to 2020 and their median power are the measure.
    ratio
        Residents of the city over those of the donor.
    places
        Places of the city.
    zones
        Zones of the city, residents and jobs.

    Notes
    -----
    Plugs are the donor's public plugs of 2020 times the ratio. They stand at the charging stations on the map; where
    there is none at car parks and the like, one site for `station_plugs_a_site` plugs (`import_rules.csv`), the sites
    in the zones with most residents and jobs first; where there is no such place either, at the centres of these zones.
    Sites share the plugs by what lives and works in their zone. Swap and hydrogen stations are none.
    """
    public = donor.filter(pl.col("kind").cast(pl.String) == "public", pl.col("opened_year") <= BASE_YEAR)
    total = round(int(public["plugs"].sum()) * ratio)
    sites = _sites(places, zones, max(round(total / station_rules().plugs_a_site), 1))
    if not total or sites.is_empty():
        return Station.create_empty()
    plugs = np.maximum(largest_remainder(sites["weight"].to_numpy() + 1.0, total), 1)
    table = sites.select(
        pl.format("public-{}", "site").alias("station_id"),
        "name",
        pl.lit("public").alias("kind"),
        "lon",
        "lat",
        "district",
        pl.lit(BASE_YEAR, dtype=pl.Int64).alias("opened_year"),
        pl.Series("plugs", plugs),
        pl.lit(float(str(public["power_kw"].median() or 60.0))).alias("power_kw"),
        pl.lit("assumption").alias("basis"),
        pl.lit("rule: plugs a resident as in the donor city").alias("reason"),
    )
    empty = {name: pl.lit(None, dtype=dtype) for name, dtype in Station.create_empty().schema.items()}
    rest = [column.alias(name) for name, column in empty.items() if name not in table.columns]
    return Station.validate(table.with_columns(rest).select(list(empty)).sort("station_id"), cast=True)


def _sites(places: pl.DataFrame, zones: pl.DataFrame, number: int) -> pl.DataFrame:
    """Return the sites: site, name, district, lon, lat and the residents and jobs of their zone."""
    from networks.zone_making import zone_rows

    kinds = places["kind"].cast(pl.String)
    busy = zones.select("zone", weight=(pl.col("population") + pl.col("jobs")).cast(pl.Float64))
    mapped = places.filter(kinds == MAPPED_KIND)
    found = mapped if mapped.height else places.filter(kinds.is_in(SITE_KINDS))
    row = zone_rows(found["lon"].to_numpy(), found["lat"].to_numpy(), zones)
    inside = found.filter(pl.Series(row >= 0)).select("name", "district", "lon", "lat", site="place")
    inside = inside.with_columns(weight=busy["weight"].gather(row[row >= 0].tolist()))
    if inside.is_empty():
        inside = zones.join(busy, on="zone").select("district", "lon", "lat", "weight", site="zone", name="district")
    order = inside.sort(["weight", "site"], descending=[True, False])
    return order if mapped.height else order.head(number)
