"""English names of the sites where stations are opened; tables of stations hold the Chinese ones."""

import polars as pl

from fleetsim.datasets import City
from fleetsim.texts import Language


def english_names(city: City) -> pl.DataFrame:
    """Return candidate and name_en: places as they are called, seats in pinyin, settled zones by their district."""
    parts = [
        city.places.select(candidate="place", name_en="name"),
        city.seats.select(candidate=pl.format("seat {}", "seat"), name_en="seat"),
        city.zones.select(candidate=pl.format("zone {}", "zone"), name_en=pl.format("{} area", "district")),
    ]
    return pl.concat(parts).unique("candidate", keep="first", maintain_order=True)


def shown_names(stations: pl.DataFrame, names: pl.DataFrame | None, lang: Language) -> list[str]:
    """Return the name of each station in a language.

    Parameters
    ----------
    stations
        station_id, name and kind; what siting opened is called `KIND-CANDIDATE`.
    names
        Result of `english_names`; None: not known, then names stay as they are.
    lang
        Language of the page.
    """
    if names is None or lang == "zh":
        return stations["name"].to_list()
    at = pl.col("kind").cast(pl.String).str.len_chars() + 1
    of_kind = pl.col("station_id").str.starts_with(pl.format("{}-", pl.col("kind").cast(pl.String)))
    site = stations.select("name", candidate=pl.when(of_kind).then(pl.col("station_id").str.slice(at)))
    known = site.join(names, on="candidate", how="left", maintain_order="left")
    return known.select(pl.coalesce("name_en", "name")).to_series().to_list()
