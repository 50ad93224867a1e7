"""Goods to and from the city by rail and road, passenger turnover of operating vehicles, converted turnover."""

import dataframely as dy
import polars as pl

from fleetsim.scenario.accounts import FreightSection
from fleetsim.scenario.sections import at_year, last_full_year
from fleetsim.tables import Fleet, Freight, FreightBase, Observation, Occupancy, YearUse
from networks.errors import DataError

RAIL_SHARE_SERIES = ("rail_freight_share_h1", "green_freight_share")
KM_PER_G = 1e9
MT_KM_PER_G = 1e3


def converted_turnover(tonne_km: float, passenger_km: float, factor: float) -> float:
    """Return the converted turnover [tkm] of tonne-km and passenger-km.

    Parameters
    ----------
    tonne_km
        Goods turnover [tkm].
    passenger_km
        Passenger turnover [pkm].
    factor
        Tonne-km one passenger-km counts for: 1 by rail, 0.1 by road, 0.072 by domestic, 0.075 by international air.

    Notes
    -----
    The older national convention of China for converted turnover.

    >>> converted_turnover(0.0, 1000.0, 0.1)
    100.0
    """
    return tonne_km + factor * passenger_km


def rail_shares(observations: dy.DataFrame[Observation], until: str) -> dict[int, float]:
    """Return the observed share of rail (from 2025: of green modes) in goods to and from the city, by year.

    Parameters
    ----------
    observations
        Published figures; the first-half share of rail and the yearly green share are taken for one series.
    until
        Last month used, e.g. '2025-12'.

    Raises
    ------
    DataError
        If no share was observed up to `until`.
    """
    rows = observations.filter(
        pl.col("indicator").is_in(RAIL_SHARE_SERIES)
        & (pl.col("bound") == "value")
        & (pl.col("date").str.head(4).cast(pl.Int64) <= last_full_year(until))
    ).sort("date", "indicator")
    if rows.is_empty():
        raise DataError(
            f"observations.csv, column indicator: no {' or '.join(RAIL_SHARE_SERIES)} up to {until}; add one"
        )
    return {int(date[:4]): value for date, value in rows.select("date", "value").iter_rows()}


def shares_known(
    observations: dy.DataFrame[Observation], base: dy.DataFrame[FreightBase], until: str
) -> dict[int, float]:
    """Return the observed rail shares; in a city nobody observed at all, that of its base year alone.

    Raises
    ------
    DataError
        If the city has observations, but none of this share up to `until`.
    """
    if observations.height:
        return rail_shares(observations, until)
    tonnage = dict(base.select(pl.col("mode").cast(pl.String), "tonnage_mt").iter_rows())
    return {int(str(base["year"].min())): tonnage["rail"] / max(sum(tonnage.values()), 1e-12)}


def goods(
    base: dy.DataFrame[FreightBase], section: FreightSection, shares: dict[int, float], years: list[int]
) -> dy.DataFrame[Freight]:
    """Return goods by rail and road, schema `Freight`, one row a year and mode.

    Parameters
    ----------
    base
        Tonnage and haul of the base year.
    section
        Growth and the bulk goods moved from road to rail.
    shares
        Observed rail share by year, from `rail_shares`; between years linear, the last one holds on.
    years
        Years asked for.

    Notes
    -----
    Rail tonnage = total * share + bulk * bulk share moved, at most the total; road takes the rest.
    """
    tonnage = dict(base.select(pl.col("mode").cast(pl.String), "tonnage_mt").iter_rows())
    haul = dict(base.select(pl.col("mode").cast(pl.String), "haul_km").iter_rows())
    base_year = base["year"].min()
    rows: list[dict[str, object]] = []
    for year in years:
        total = sum(tonnage.values()) * (1.0 + section.tonnage_growth_per_year) ** (year - int(str(base_year)))
        moved = section.bulk_tonnage_mt * at_year(section.bulk_to_rail_share, year) if year > max(shares) else 0.0
        rail = min(total, total * at_year(shares, year) + moved)
        rows += [_goods_row(year, mode, mt, mt / total, haul[mode]) for mode, mt in _by_mode(rail, total)]
    return Freight.validate(pl.DataFrame(rows, schema_overrides={"passenger_km_g": pl.Float64}).sort("year", "mode"))


def passengers(
    use: dy.DataFrame[YearUse],
    fleets: dy.DataFrame[Fleet],
    occupancy: dy.DataFrame[Occupancy],
    section: FreightSection,
) -> dy.DataFrame[Freight]:
    """Return passenger turnover of bus, taxi, ride-hailing and coach, schema `Freight`, one row a year and group.

    Parameters
    ----------
    use
        Distance of the year by fleet.
    fleets
        Fleets and their groups; only operating ones count.
    occupancy
        Mean passengers aboard by fleet group.
    section
        Conversion factor of passenger-km by road.
    """
    groups = fleets.filter("operating").select("fleet", mode=pl.col("group").cast(pl.String))
    aboard = occupancy.select(pl.col("fleet_group").cast(pl.String).alias("mode"), "passengers_per_vehicle")
    turnover = (
        use.join(groups, on="fleet")
        .join(aboard, on="mode")
        .group_by("year", "mode", maintain_order=True)
        .agg(passenger_km_g=(pl.col("distance_km") * pl.col("passengers_per_vehicle")).sum() / KM_PER_G)
    )
    empty = pl.lit(None, dtype=pl.Float64)
    return Freight.validate(
        turnover.select(
            "year",
            "mode",
            "passenger_km_g",
            tonnage_mt=empty,
            tonne_km_g=empty,
            converted_tkm_g=pl.col("passenger_km_g") * section.road_passenger_factor,
            share=empty,
        )
        .select(list(Freight.columns()))
        .sort("year", "mode")
    )


def _by_mode(rail: float, total: float) -> tuple[tuple[str, float], tuple[str, float]]:
    return (("rail", rail), ("road", total - rail))


def _goods_row(year: int, mode: str, tonnage_mt: float, share: float, haul_km: float) -> dict[str, object]:
    turnover = tonnage_mt * haul_km / MT_KM_PER_G
    return {
        "year": year,
        "mode": mode,
        "tonnage_mt": tonnage_mt,
        "tonne_km_g": turnover,
        "passenger_km_g": None,
        "converted_tkm_g": turnover,
        "share": share,
    }
