"""Who is within reach of a station: by zone, district, kind and year, on network distance."""

import itertools
from collections.abc import Mapping, Sequence

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from charging.tables import Coverage, CoverageShare, Equity, ReachShare, StandardShare, ZoneCoverage
from networks.errors import ScenarioError

CITY = "all"
MOUNTAIN = "mountain"
WORST = 0.1
"""Part of the residents, those farthest away, whose way equity looks at."""


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


def coverage_shares(reached: pl.DataFrame, counted: Sequence[str]) -> dy.DataFrame[CoverageShare]:
    """Return table `CoverageShare`: what is within reach, by district and for the city.

    Parameters
    ----------
    reached
        stage, year, kind, district, zone, distance_km, covered, and a column for each amount that is counted.
    counted
        Columns of `reached` that are counted, such as population and jobs.
    """
    both = pl.concat([reached, reached.with_columns(district=pl.lit(CITY))])
    keys = ["stage", "year", "kind", "district"]
    ordered = both.sort(*keys, "distance_km", "zone", nulls_last=True)
    groups = ordered.group_by(keys, maintain_order=True)
    parts = [groups.agg(*_shares(name)).with_columns(counted=pl.lit(name)) for name in counted]
    table = pl.concat(parts).with_columns(
        pl.col("covered_share").fill_nan(0.0), pl.col("mean_distance_km").fill_nan(None)
    )
    schema = CoverageShare.create_empty().schema
    return CoverageShare.validate(table.select(list(schema)).cast(schema).sort(*keys, "counted"))


def _shares(name: str) -> list[pl.Expr]:
    amount = pl.col(name).cast(pl.Float64)
    known = amount.filter(pl.col("distance_km").is_not_null())
    return [
        amount.sum().alias("amount"),
        (amount.filter(pl.col("covered")).sum() / amount.sum()).clip(0.0, 1.0).alias("covered_share"),
        ((amount * pl.col("distance_km")).sum() / known.sum()).alias("mean_distance_km"),
        *(_quantile(share / 100, name).alias(f"p{share}_distance_km") for share in (50, 75, 95)),
    ]


def reach_shares(
    reached: pl.DataFrame, counted: Sequence[str], limits: Mapping[str, Sequence[float]]
) -> dy.DataFrame[ReachShare]:
    """Return table `ReachShare`: what has a station within some ways and driving times.

    Parameters
    ----------
    reached
        As in `coverage_shares`, with a column `minutes` where limits in min are asked for; empty: none in reach.
    counted
        Columns of `reached` that are counted.
    limits
        Limits by unit, `km` and `min`.

    Examples
    --------
    >>> row = {"stage": "after", "year": 2025, "kind": "public", "district": "West", "distance_km": 2.0, "people": 7}
    >>> table = reach_shares(pl.DataFrame([row]), ["people"], {"km": (1.0, 3.0)})
    >>> table.filter(district="all")["share"].to_list()
    [0.0, 1.0]
    """
    keys = ["stage", "year", "kind", "district"]
    both = pl.concat([reached, reached.with_columns(district=pl.lit(CITY))])
    groups, parts = both.group_by(keys, maintain_order=True), []
    for unit, values in limits.items():
        way = pl.col("distance_km" if unit == "km" else "minutes")
        for name, limit in itertools.product(counted, values):
            amount = pl.col(name).cast(pl.Float64)
            share = (amount.filter(way <= limit).sum() / amount.sum()).fill_nan(0.0).clip(0.0, 1.0)
            told = {"counted": pl.lit(name), "unit": pl.lit(unit), "within": pl.lit(float(limit))}
            parts.append(groups.agg(share=share).with_columns(**told))
    schema = ReachShare.create_empty().schema
    table = pl.concat(parts) if parts else ReachShare.create_empty()
    return ReachShare.validate(table.select(list(schema)).cast(schema).sort(*keys, "counted", "unit", "within"))


def standards_kept(reached: pl.DataFrame, zones: pl.DataFrame) -> dy.DataFrame[StandardShare]:
    """Return table `StandardShare`: how far each standard is kept, and which one all residents would meet.

    Parameters
    ----------
    reached
        As in `coverage_shares`, with population and standard_km.
    zones
        Table `Zone`: functional zone and mountain of each zone.
    """
    place = pl.when("mountain").then(pl.lit(MOUNTAIN)).otherwise(pl.col("functional_zone").cast(pl.String))
    people, far = pl.col("population"), pl.col("distance_km").filter(pl.col("population") > 0)
    keys = ["stage", "year", "kind", "place"]
    table = (
        reached.join(zones.select("zone", place=place), on="zone")
        .sort(*keys, "zone")
        .group_by(keys, maintain_order=True)
        .agg(
            pl.col("standard_km").first(),
            population=people.sum(),
            covered_share=(people.filter("covered").sum() / people.sum()).fill_nan(0.0),
            beyond=people.filter(~pl.col("covered")).sum(),
            needed_km=pl.when(far.null_count() == 0).then(far.max()),
        )
    )
    schema = StandardShare.create_empty().schema
    return StandardShare.validate(table.select(list(schema)).cast(schema).sort(keys))


def equity(reached: pl.DataFrame, plugs: pl.DataFrame) -> dy.DataFrame[Equity]:
    """Return table `Equity`: how evenly the way to a station is shared among the residents.

    Parameters
    ----------
    reached
        As in `coverage_shares`, with population; residents with no station in reach are left out.
    plugs
        stage, year, kind, district, plugs: what stands there.
    """
    keys = ["stage", "year", "kind", "district"]
    both = pl.concat([reached, reached.with_columns(district=pl.lit(CITY))]).sort(*keys, "zone")
    stands = pl.concat([plugs, plugs.with_columns(district=pl.lit(CITY))]).group_by(keys, maintain_order=True)
    counts = stands.agg(pl.col("plugs").sum())
    rows = [
        dict(zip(keys, names, strict=True)) | _evenness(part)
        for names, part in both.group_by(keys, maintain_order=True)
    ]
    schema = Equity.create_empty().schema
    table = pl.DataFrame(rows).with_columns(pl.col("stage").cast(pl.String))
    table = table.join(counts.with_columns(pl.col("stage").cast(pl.String)), on=keys, how="left")
    rate = 10_000 * pl.col("plugs").fill_null(0) / pl.col("people")
    table = table.with_columns(plugs_per_10000=pl.when(pl.col("people") > 0).then(rate))
    return Equity.validate(table.select(list(schema)).cast(schema).sort(keys))


def _evenness(part: pl.DataFrame) -> dict[str, float | None]:
    known = part.filter(pl.col("distance_km").is_not_null(), pl.col("population") > 0).sort("distance_km", "zone")
    km, people = known["distance_km"].to_numpy(), known["population"].to_numpy().astype(np.float64)
    names = ("gini", "p90_over_p50", "worst_tenth_km", "worst_tenth_share")
    values: dict[str, float | None] = {"people": float(part["population"].sum()), **dict.fromkeys(names)}
    if not len(km):
        return values
    p50, p90 = (float(km[np.searchsorted(np.cumsum(people), share * people.sum())]) for share in (0.5, 0.9))
    worst_km, mean_km = _upper_mean(km, people, WORST), float(np.average(km, weights=people))
    return values | {
        "gini": gini(km, people),
        "p90_over_p50": p90 / p50 if p50 > 0 else None,
        "worst_tenth_km": worst_km,
        "worst_tenth_share": min(WORST * worst_km / mean_km, 1.0) if mean_km > 0 else None,
    }


def gini(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the Gini index of weighted values: 0 where all are the same, towards 1 where one has everything.

    Parameters
    ----------
    values
        Values of at least 0.
    weights
        How many have each value.

    Notes
    -----
    One less twice the area under the Lorenz curve (Gini 1914), exact for whole weights.

    Examples
    --------
    >>> gini(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    0.25
    """
    order = np.argsort(values, kind="stable")
    people, sums = weights[order], np.cumsum(weights[order] * values[order])
    if not len(sums) or sums[-1] <= 0:
        return 0.0
    area = float((people * (sums + np.concatenate([[0.0], sums[:-1]]))).sum()) / (2.0 * sums[-1] * people.sum())
    return float(max(1.0 - 2.0 * area, 0.0))


def _upper_mean(values: NDArray[np.float64], weights: NDArray[np.float64], share: float) -> float:
    """Mean of the largest values that make up a share of the weight (values rising)."""
    part = share * weights.sum()
    above = np.cumsum(weights[::-1])
    taken = np.clip(part - (above - weights[::-1]), 0.0, weights[::-1])
    return float((taken * values[::-1]).sum() / part)


def _quantile(share: float, counted: str = "population") -> pl.Expr:
    """Smallest distance within which at least `share` of what is counted lies (rows sorted by distance)."""
    enough = pl.col(counted).cum_sum() >= share * pl.col(counted).sum()
    inhabited = pl.col(counted).sum() > 0
    return pl.when(inhabited).then(pl.col("distance_km").filter(enough).first())
