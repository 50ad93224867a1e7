"""Synthetic bus lines between terminals, calibrated to published departures, kilometres and buses in service."""

from dataclasses import dataclass

import dataframely as dy
import numpy as np
import polars as pl

from fleetsim.synthesis.placement import Floats, Ints, generator, nearest, plane_km, share_out
from networks.tables import LINE_KINDS, Line, Place, Zone


@dataclass(frozen=True)
class LineRule:
    """How lines of a kind are drawn. All assumptions, calibrated together to the published totals."""

    lines: int
    """Lines of this kind."""
    mean_km: float
    """Mean length the draws aim at [km]."""
    departures: float
    """Mean departures of both directions on a weekday, before scaling to the total [1/day]."""
    first_min: int
    """Usual first departure [min after midnight]."""
    last_min: int
    """Usual last departure [min after midnight]."""
    weekend_share: float
    """Departures of a weekend day over those of a weekday (range 0.75 to 1)."""


LINE_RULES = {
    "trunk": LineRule(98, 20.9, 260.0, 300, 1380, 0.87),
    "regular": LineRule(650, 22.0, 130.0, 330, 1320, 0.85),
    "feeder": LineRule(169, 9.9, 75.0, 360, 1320, 0.80),
    "suburban": LineRule(134, 39.6, 62.0, 330, 1230, 0.87),
    "night": LineRule(30, 24.2, 20.0, 1400, 1730, 1.0),
    "mountain": LineRule(77, 41.8, 14.0, 360, 1110, 1.0),
}
"""1,158 lines of 27,632 km together: those of the city at the end of 2019 (published)."""

WEEKDAY_DEPARTURES = 147_000
"""Departures of a weekday, both directions (published, municipal operator, October 2024)."""
DEPARTURES_A_BUS = 7.35
"""Departures of a bus and weekday: 147,000 by 20,000 buses in service (both published)."""
FULL_DEPOT_KM = 5.0
"""How much farther away than an empty depot a full one counts [km] (assumption)."""
DETOUR = 1.35
"""Length of a line over the straight distance of its ends (assumption, range 1.25 to 1.6)."""


def synthetic_lines(places: dy.DataFrame[Place], zones: dy.DataFrame[Zone], *, seed: int = 2020) -> dy.DataFrame[Line]:
    """Return the bus lines as a table of `Line`; departures sum to the published 147,000 of a weekday.

    Terminals are drawn by their size, the other end among those at about the wanted distance. Every
    terminal gets a line where one is left for it. A line's depot is near one of its ends, and a less full one
    is preferred; that end becomes the first terminal.

    Parameters
    ----------
    places
        All places; bus terminals and bus depots are used.
    zones
        Zones; say which terminals are central, in the mountains or in an ecological district.
    seed
        Seed of the draws.
    """
    terminals = _terminals(places, zones)
    lines = pl.concat([_lines_of_kind(kind, terminals, seed) for kind in LINE_KINDS])
    lines = lines.with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).cast(pl.String).str.zfill(4).alias("number")
    )
    lines = _with_departures(lines)
    lines = _with_depots(lines, places)
    return Line.validate(
        lines.with_columns(
            line=pl.lit("line_") + pl.col("number"),
            name_zh=pl.lit("示意") + pl.col("number") + pl.lit("路"),
            mountain=pl.col("kind") == "mountain",
            basis=pl.lit("synthetic"),
        )
        .select(Line.column_names())
        .sort("line"),
        cast=True,
    )


def _terminals(places: pl.DataFrame, zones: pl.DataFrame) -> pl.DataFrame:
    terminals = places.filter(pl.col("kind") == "bus_terminal").sort("place")
    here = zones[nearest(terminals, zones)]
    area = here["functional_zone"].cast(pl.String)
    return terminals.with_columns(
        here["mountain"].alias("mountain"),
        area.is_in(["core", "central_city"]).alias("central"),
        (area == "ecological").alias("ecological"),
    )


def _eligible(kind: str, terminals: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return which terminals may be the first and the second end of a line of this kind."""
    plain = ~terminals["mountain"].to_numpy()
    central = terminals["central"].to_numpy() & plain
    large = terminals["size"].to_numpy() >= 1.0
    hills = ~plain
    country = plain & ~central
    ends = {
        "trunk": (central & large, central & large),
        "regular": (plain, plain),
        "feeder": (plain, plain),
        "suburban": (country, plain),
        "night": (central & large, central),
        "mountain": (hills, terminals["ecological"].to_numpy() | hills),
    }
    return ends[kind]


def _lines_of_kind(kind: str, terminals: pl.DataFrame, seed: int) -> pl.DataFrame:
    rule = LINE_RULES[kind]
    rng = generator(seed, f"lines {kind}")
    first, second = _eligible(kind, terminals)
    size = terminals["size"].to_numpy()
    at_km = plane_km(terminals)
    starts = _starts(first, size, rule.lines, rng)
    wanted = rule.mean_km / DETOUR * rng.lognormal(-0.045, 0.3, rule.lines)
    ends = np.array([_end(start, km, second * size, at_km, rng) for start, km in zip(starts, wanted, strict=True)])
    straight = np.hypot(*(at_km[starts] - at_km[ends]).T)
    shift = rng.integers(-2, 3, (2, rule.lines)) * 10
    return pl.DataFrame(
        {
            "kind": [kind] * rule.lines,
            "from_terminal": terminals["place"].gather(starts),
            "to_terminal": terminals["place"].gather(ends),
            "length_km": np.maximum(straight * DETOUR, 2.0).round(2),
            "first_departure_min": rule.first_min + shift[0],
            "last_departure_min": rule.last_min + shift[1],
            "wish": rule.departures * rng.lognormal(-0.125, 0.5, rule.lines),
            "weekend_share": [rule.weekend_share] * rule.lines,
        }
    )


def _starts(eligible: np.ndarray, size: Floats, count: int, rng: np.random.Generator) -> Ints:
    """Return first ends: every eligible terminal once in random order, then more by size."""
    once = rng.permutation(np.flatnonzero(eligible))[:count]
    chance = eligible * size
    more = rng.choice(len(size), count - len(once), p=chance / chance.sum())
    return np.concatenate([once, more]).astype(np.int64)


def _end(start: int, wanted_km: float, weight: Floats, at_km: Floats, rng: np.random.Generator) -> int:
    distance = np.hypot(*(at_km - at_km[start]).T)
    chance = weight * np.exp(-0.5 * ((distance / wanted_km - 1.0) / 0.12) ** 2)
    chance[distance < 0.5] = 0.0
    if chance.sum() <= 0.0:
        far = np.where((weight > 0) & (distance >= 0.5), np.abs(distance - wanted_km), np.inf)
        return int(np.argmin(far))
    return int(rng.choice(len(chance), p=chance / chance.sum()))


def _with_departures(lines: pl.DataFrame) -> pl.DataFrame:
    # In pairs, so that both directions of a line have as many.
    weekday = 2 * share_out(WEEKDAY_DEPARTURES // 2, lines["wish"].to_numpy(), 2)
    weekend = 2 * np.rint(weekday * lines["weekend_share"].to_numpy() / 2.0).astype(np.int64)
    return lines.with_columns(pl.Series("weekday_departures", weekday), pl.Series("weekend_departures", weekend))


def _with_depots(lines: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return the lines with a depot near one of their ends, busiest first; a full depot counts as farther away."""
    depots = places.filter(pl.col("kind") == "bus_depot").sort("place")
    buses = lines["weekday_departures"].to_numpy() / DEPARTURES_A_BUS
    first, second = (_kilometres_away(lines, places, depots, end) for end in ("from_terminal", "to_terminal"))
    away = np.minimum(first, second)
    filled = np.zeros(depots.height)
    chosen = np.empty(lines.height, dtype=np.int64)
    for row in np.argsort(-buses, kind="stable"):
        chosen[row] = int(np.argmin(away[row] + FULL_DEPOT_KM * filled))
        filled[chosen[row]] += buses[row] / depots["size"][int(chosen[row])]
    every = np.arange(lines.height)
    turned = pl.lit(pl.Series(second[every, chosen] < first[every, chosen]))
    ends = (pl.col("from_terminal"), pl.col("to_terminal"))
    return lines.with_columns(
        depots["place"].gather(chosen).alias("depot"),
        depots["district"].gather(chosen).alias("district"),
        pl.when(turned).then(ends[1]).otherwise(ends[0]).alias("from_terminal"),
        pl.when(turned).then(ends[0]).otherwise(ends[1]).alias("to_terminal"),
    )


def _kilometres_away(lines: pl.DataFrame, places: pl.DataFrame, depots: pl.DataFrame, end: str) -> Floats:
    seats = places.select("place", "lon", "lat")
    at_end = plane_km(lines.select(place=end).join(seats, on="place", how="left", maintain_order="left"))
    apart = at_end[:, None, :] - plane_km(depots)[None, :, :]
    return np.asarray(np.sqrt((apart**2).sum(axis=2)), dtype=np.float64)
