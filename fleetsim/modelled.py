"""What the run says of each indicator: one small function a result table, each giving rows of `Modelled`."""

from collections.abc import Mapping

import dataframely as dy
import polars as pl

from charging.tables import Coverage, PeakLoad, PileCount, SolarYield, Station
from fleetsim.indicators import values
from fleetsim.tables import Clause, Compliance, Freight, Modelled, ModeShare

CITY = "all"
STATION_INDICATORS = {"swap": "swap", "hydrogen": "hydrogen_stations"}
KW_PER_GW = 1e6


def of_clauses(table: dy.DataFrame[Compliance], clauses: dy.DataFrame[Clause]) -> list[dy.DataFrame[Modelled]]:
    """Return the city's share, or number where the clause counts, of every fleet clause."""
    counted = set(clauses.filter(pl.col("measure").cast(pl.String) == "count")["clause"])
    city = table.filter(pl.col("district") == CITY)
    return [
        values(clause, rows, "compliant" if clause in counted else "share", source="compliance")
        for (clause,), rows in sorted(city.partition_by("clause", as_dict=True).items())
    ]


def of_modes(shares: dy.DataFrame[ModeShare]) -> dy.DataFrame[Modelled]:
    """Return the green share of trips with its range."""
    green = shares.filter(pl.col("mode") == "green")
    return values("green_travel", green, "share", source="modes", ends=("low", "high"))


def of_intensity(by_year: Mapping[int, float], base_year: int) -> dy.DataFrame[Modelled]:
    """Return CO2 per converted turnover over that of the base year, from `intensity.intensity`."""
    table = pl.DataFrame({"year": list(by_year), "ratio": [value / by_year[base_year] for value in by_year.values()]})
    return values("intensity", table, "ratio", source="carbon, freight")


def of_freight(turnover: dy.DataFrame[Freight]) -> dy.DataFrame[Modelled]:
    """Return the share of rail in goods to and from the city."""
    return values("rail_freight", turnover.filter(pl.col("mode") == "rail"), "share", source="freight")


def of_solar(built: dy.DataFrame[SolarYield]) -> dy.DataFrame[Modelled]:
    """Return photovoltaics at transport sites [GW], a part of what the target counts."""
    power = built.group_by("year", maintain_order=True).agg((pl.col("power_kwp").sum() / KW_PER_GW).alias("power_gw"))
    return values("solar", power, "power_gw", source="solar")


def of_peak(peaks: dy.DataFrame[PeakLoad]) -> list[dy.DataFrame[Modelled]]:
    """Return demand response over peak load (the lowest of the days) and new storage [GW]."""
    years = peaks.group_by("year", maintain_order=True).agg(pl.col("response_share").min(), pl.col("storage_gw").max())
    return [
        values("peak", years, "response_share", source="peaks"),
        values("storage", years, "storage_gw", source="peaks"),
    ]


def of_stations(stations: dy.DataFrame[Station], years: list[int]) -> list[dy.DataFrame[Modelled]]:
    """Return the number of swap and of hydrogen stations in service in each year."""
    kinds = stations.select(pl.col("kind").cast(pl.String), "opened_year")
    return [
        values(
            indicator,
            pl.DataFrame({"year": years, "stations": [_standing(kinds, kind, year) for year in years]}),
            "stations",
            source="stations",
        )
        for kind, indicator in sorted(STATION_INDICATORS.items())
    ]


def of_piles(counts: dy.DataFrame[PileCount]) -> dy.DataFrame[Modelled]:
    """Return the number of charging piles of all kinds."""
    total = counts.filter(pl.col("kind").cast(pl.String) == "total")
    return values("network", total, "piles", source="piles")


def of_coverage(
    table: dy.DataFrame[Coverage], *, downtown: list[str], plain: list[str]
) -> list[dy.DataFrame[Modelled]]:
    """Return the share of residents near a public charging station, of the downtown and of the plain districts.

    Parameters
    ----------
    table
        Coverage by district.
    downtown, plain
        Districts of each; residents weigh.
    """
    public = table.filter(pl.col("kind") == "public")
    return [
        values(name, _covered(public, districts), "covered", source="coverage")
        for name, districts in (("coverage_downtown", downtown), ("coverage_plain", plain))
    ]


def _covered(public: pl.DataFrame, districts: list[str]) -> pl.DataFrame:
    residents = pl.col("population")
    return (
        public.filter(pl.col("district").is_in(districts) & (residents > 0))
        .group_by("year", maintain_order=True)
        .agg(((pl.col("covered_share") * residents).sum() / residents.sum()).alias("covered"))
    )


def _standing(kinds: pl.DataFrame, kind: str, year: int) -> int:
    return kinds.filter((pl.col("kind") == kind) & (pl.col("opened_year") <= year)).height
