"""Who is within reach of a station: by zone, district, kind and year, on network distance."""

from collections.abc import Mapping

import dataframely as dy
import polars as pl

from charging.tables import Coverage, ZoneCoverage
from networks.errors import ScenarioError

CITY = "all"
MOUNTAIN = "mountain"


def zone_standards(zones: pl.DataFrame, standard_km: Mapping[str, Mapping[str, float]]) -> pl.DataFrame:
    """Return a row a zone and kind: zone, kind, standard_km.

    Parameters
    ----------
    zones
        Table `Zone`.
    standard_km
        Distance by kind and functional zone [km]; the entry `mountain` holds for zones in the mountains.

    Raises
    ------
    ScenarioError
        If a functional zone of the city has no distance.
    """
    places = sorted({*zones["functional_zone"].cast(pl.String).to_list()})
    if zones["mountain"].any():
        places.append(MOUNTAIN)
    problems = [
        f"siting.standard_km.{kind}: no distance for {place!r}; add {place} = a distance in km"
        for kind, distances in standard_km.items()
        for place in places
        if place not in distances
    ]
    if problems:
        raise ScenarioError(problems)
    rows = [(kind, place, km) for kind, distances in standard_km.items() for place, km in distances.items()]
    table = pl.DataFrame(rows, schema={"kind": pl.String, "place": pl.String, "standard_km": pl.Float64}, orient="row")
    place = pl.when("mountain").then(pl.lit(MOUNTAIN)).otherwise(pl.col("functional_zone").cast(pl.String))
    return (
        zones.select("zone", place=place)
        .join(table, on="place")
        .select("zone", "kind", "standard_km")
        .sort("zone", "kind")
    )


def zone_coverage(
    zones: pl.DataFrame, distances: pl.DataFrame, standards: pl.DataFrame, *, year: int
) -> dy.DataFrame[ZoneCoverage]:
    """Return table `ZoneCoverage`: a row a zone and kind, key (year, zone, kind).

    Parameters
    ----------
    zones
        Table `Zone`.
    distances
        zone, kind, distance_km: network distance to the nearest station of the kind [km]; a pair that is
        missing or empty has no station in reach.
    standards
        zone, kind, standard_km, as `zone_standards` gives them.
    year
        Year of the stations.
    """
    nearest = (
        distances.select("zone", pl.col("kind").cast(pl.String), "distance_km")
        .group_by("zone", "kind", maintain_order=True)
        .agg(pl.col("distance_km").min())
    )
    table = (
        standards.join(zones.select("zone", "district", "population"), on="zone")
        .join(nearest, on=["zone", "kind"], how="left")
        .with_columns(
            year=pl.lit(year, dtype=pl.Int64),
            covered=(pl.col("distance_km") <= pl.col("standard_km")).fill_null(value=False),
        )
        .select(ZoneCoverage.column_names())
        .sort("year", "kind", "zone")
    )
    return ZoneCoverage.validate(table)


def coverage(zone_table: pl.DataFrame) -> dy.DataFrame[Coverage]:
    """Return table `Coverage` by district and for the city, key (year, kind, district).

    Parameters
    ----------
    zone_table
        Table `ZoneCoverage`.

    Notes
    -----
    The mean distance is that of the residents who have a station in reach; the 95th percentile is over all
    residents and empty where more than 5 % have none.
    """
    both = pl.concat([zone_table, zone_table.with_columns(district=pl.lit(CITY))])
    keys = ["year", "kind", "district"]
    people = pl.col("population")
    reached = people.filter(pl.col("distance_km").is_not_null())
    table = (
        both.sort(*keys, "distance_km", "zone", nulls_last=True)
        .group_by(keys, maintain_order=True)
        .agg(
            population=people.sum(),
            covered_share=people.filter(pl.col("covered")).sum() / people.sum(),
            mean_distance_km=(people * pl.col("distance_km")).sum() / reached.sum(),
            p95_distance_km=_quantile(0.95),
        )
        .with_columns(
            pl.col("covered_share").fill_nan(0.0),
            pl.col("mean_distance_km").fill_nan(None),
        )
        .select(Coverage.column_names())
        .sort(keys)
    )
    return Coverage.validate(table)


def distance_quantiles(zone_table: pl.DataFrame, shares: tuple[float, ...] = (0.25, 0.5, 0.75, 0.95)) -> pl.DataFrame:
    """Return year, kind, district, share, distance_km: within which distance a share of the residents has a station.

    Parameters
    ----------
    zone_table
        Table `ZoneCoverage`.
    shares
        Shares of the residents [0 to 1]; the distance is empty where fewer have a station in reach.
    """
    both = pl.concat([zone_table, zone_table.with_columns(district=pl.lit(CITY))])
    keys = ["year", "kind", "district"]
    ordered = both.sort(*keys, "distance_km", "zone", nulls_last=True)
    parts = [
        ordered.group_by(keys, maintain_order=True).agg(distance_km=_quantile(share)).with_columns(share=pl.lit(share))
        for share in shares
    ]
    return pl.concat(parts).select(*keys, "share", "distance_km").sort(*keys, "share")


def blank_spots(zone_table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `ZoneCoverage` whose residents are not covered, most residents of a year and kind first."""
    blank = zone_table.filter(~pl.col("covered") & (pl.col("population") > 0))
    return blank.sort("year", "kind", "population", "zone", descending=[False, False, True, False])


def _quantile(share: float) -> pl.Expr:
    """Smallest distance within which at least `share` of the residents live (rows sorted by distance)."""
    enough = pl.col("population").cum_sum() >= share * pl.col("population").sum()
    inhabited = pl.col("population").sum() > 0
    return pl.when(inhabited).then(pl.col("distance_km").filter(enough).first())
