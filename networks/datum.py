"""Is it WGS-84 at all? Spots coordinates of Chinese map services under a wrong label.

Points in GCJ-02 lie some 550 m from where WGS-84 says they are, points in BD-09 over 1,000 m. Each reading of the
coordinates is judged by how well the points then fit what is known of the city: the roads they stand at, the
districts they are said to be in, places and stations known already. A reading is believed where it fits better than
nearly every shift of like length in any direction, and point by point clearly better than the other readings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from networks.crs import EARTH_RADIUS_KM, Degrees, Pair, local_plane_km, to_wgs84
from networks.import_rules import datum_rules

READINGS = ("wgs84", "gcj02", "bd09")
SAME_AS_WGS84 = ("wgs84", "epsg:4326", "epsg:4490", "cgcs2000")
CHINA_DEG = (73.0, 136.0, 3.0, 54.0)
"""West, east, south and north end of where the Chinese systems are used [deg]."""
NULL_RADII_KM = (0.35, 0.55, 0.8, 1.1, 1.4)
NULL_DIRECTIONS = 12
NULL_GAP_KM = 0.2
"""Chance leaves out shifts this near to one of the readings themselves [km]."""
KM_PER_DEGREE = EARTH_RADIUS_KM * np.pi / 180.0
ROAD_STEP_KM = 0.02

Fit = Callable[[Degrees, Degrees], Degrees]
"""How well each WGS-84 point fits what is known: larger is better, 0 to 1."""


@dataclass(frozen=True)
class Verdict:
    """What the points say of the system they are in.

    Attributes
    ----------
    declared, likely
        The system they came with, and the one that fits best.
    sure
        The likely one is another than declared, leads by `datum_sure_sd` (`import_rules.csv`) and fits better than
        nearly every shift.
    lead_sd
        Lead of the likely system over the declared one, over the next best where it is the declared one itself: mean
        difference of the points' fit over its standard error.
    shifts, shifts_beaten
        Shifts in all directions that were tried, and those the likely system fits better than.
    fit
        Mean fit of every reading, larger is better.
    points
        Number of points judged.
    evidence
        What the points were held against.
    """

    declared: str
    likely: str
    sure: bool
    lead_sd: float
    shifts: int
    shifts_beaten: int
    fit: dict[str, float]
    points: int
    evidence: str

    @property
    def silent(self) -> bool:
        """Whether the evidence cannot tell the readings from an arbitrary shift, or from each other."""
        rules = datum_rules()
        return self.shifts_beaten < rules.least_beaten * self.shifts or self.lead_sd < rules.sure_sd


def judge(lon: ArrayLike, lat: ArrayLike, declared: str, fit: Fit, evidence: str) -> Verdict | None:
    """Return which system the points are in; None where there is nothing to judge.

    Parameters
    ----------
    lon, lat
        Coordinates as the file gives them [deg].
    declared
        System they are said to be in; only WGS-84, CGCS2000, GCJ-02 and BD-09 can be mistaken for each other.
    fit
        How well WGS-84 points fit what is known: larger is better.
    evidence
        What `fit` holds them against, for the message.

    Notes
    -----
    The shifts are those of the declared points by 0.35 to 1.4 km in twelve directions, some 60. Points outside China
    and fewer than ten points are not judged.
    """
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    name, rules = _reading(declared), datum_rules()
    if name is None or len(x) < rules.fewest_points or not _in_china(x, y):
        return None
    read = {reading: to_wgs84(x, y, reading) for reading in READINGS}
    fits = {reading: fit(*points) for reading, points in read.items()}
    mean = {reading: float(values.mean()) for reading, values in fits.items()}
    chance = [float(fit(*shifted).mean()) for shifted in _null_shifts(read[name], list(read.values()))]
    likely = max(READINGS, key=lambda reading: (mean[reading], reading == name))
    rival = name if likely != name else max((one for one in READINGS if one != name), key=lambda one: mean[one])
    lead = _lead(fits[likely] - fits[rival])
    beaten = sum(value < mean[likely] for value in chance)
    sure = likely != name and beaten >= rules.least_beaten * len(chance) and lead >= rules.sure_sd
    return Verdict(declared, likely, sure, lead, len(chance), beaten, mean, len(x), evidence)


def best(verdicts: Sequence[Verdict | None]) -> Verdict | None:
    """Return the verdict whose evidence speaks loudest; None where there is none."""
    heard = [verdict for verdict in verdicts if verdict is not None]
    return max(heard, key=lambda verdict: (not verdict.silent, verdict.lead_sd)) if heard else None


def road_fit(nodes: pl.DataFrame, links: pl.DataFrame) -> Fit:
    """Return the fit to roads: exp(-distance / 50 m) to the nearest road of the graph.

    Parameters
    ----------
    nodes, links
        Tables `Node` and `Link`; links are taken to run straight. It tells little where the graph holds only
        main streets or is itself off by hundreds of metres: the verdict is then silent.
    """
    lat0 = float(str(nodes["lat"].mean()))
    return _near(cKDTree(_road_points(nodes, links, lat0)), lat0)


def point_fit(lon: ArrayLike, lat: ArrayLike) -> Fit:
    """Return the fit to known points: exp(-distance / 50 m) to the nearest of them."""
    lat0 = float(np.mean(np.asarray(lat, dtype=np.float64)))
    return _near(cKDTree(np.column_stack(local_plane_km(lon, lat, lat0))), lat0)


def label_fit(labels: Sequence[str | None], district_of: Callable[[Degrees, Degrees], NDArray[np.str_]]) -> Fit:
    """Return the fit to districts: 1 for a point that lies in the district its own row names, else 0.

    Parameters
    ----------
    labels
        District named by each point; None where it names none (one at least must).
    district_of
        District in which WGS-84 points lie.
    """
    named = np.array([label is not None for label in labels])
    wanted = np.array([label or "" for label in labels], dtype=np.str_)[named]

    def fit(lon: Degrees, lat: Degrees) -> Degrees:
        return np.asarray(district_of(lon[named], lat[named]) == wanted, dtype=np.float64)

    return fit


def _near(tree: cKDTree, lat0: float) -> Fit:
    reach = datum_rules().fit_km

    def fit(lon: Degrees, lat: Degrees) -> Degrees:
        away, _ = tree.query(np.column_stack(local_plane_km(lon, lat, lat0)))
        return np.asarray(np.exp(-away / reach), dtype=np.float64)

    return fit


def _lead(difference: Degrees) -> float:
    """Return the mean of the points' differences over its standard error."""
    error = float(difference.std()) / float(np.sqrt(len(difference)))
    return float(difference.mean()) / max(error, 1e-9) if difference.any() else 0.0


def _reading(declared: str) -> str | None:
    name = declared.strip().lower().replace("-", "")
    if name in SAME_AS_WGS84:
        return "wgs84"
    return name if name in READINGS else None


def _in_china(lon: Degrees, lat: Degrees) -> bool:
    west, east, south, north = CHINA_DEG
    return bool(west < np.median(lon) < east and south < np.median(lat) < north)


def _null_shifts(points: Pair, readings: Sequence[Pair]) -> list[Pair]:
    """Return the points under shifts in all directions, those near one of the readings left out."""
    lon, lat = points
    lat0 = float(lat.mean())
    taken = [_mean_way(points, reading, lat0) for reading in readings]
    stretch = KM_PER_DEGREE * np.cos(np.radians(lat0))
    shifts = []
    for number, radius in enumerate(NULL_RADII_KM):
        for step in range(NULL_DIRECTIONS):
            angle = (step + number / 2.0) * 2.0 * np.pi / NULL_DIRECTIONS
            east, north = radius * np.cos(angle), radius * np.sin(angle)
            if min(np.hypot(east - x, north - y) for x, y in taken) >= NULL_GAP_KM:
                shifts.append((lon + east / stretch, lat + north / KM_PER_DEGREE))
    return shifts


def _mean_way(points: Pair, other: Pair, lat0: float) -> tuple[float, float]:
    """Return the mean way from points to another reading of them, east and north [km]."""
    x, y = local_plane_km(*points, lat0)
    other_x, other_y = local_plane_km(*other, lat0)
    return float((other_x - x).mean()), float((other_y - y).mean())


def _road_points(nodes: pl.DataFrame, links: pl.DataFrame, lat0: float) -> NDArray[np.float64]:
    order = nodes.sort("node")
    xy = np.column_stack(local_plane_km(order["lon"].to_numpy(), order["lat"].to_numpy(), lat0))
    ends = links.filter(pl.col("from_node") != pl.col("to_node")).select(
        pl.min_horizontal("from_node", "to_node").alias("a"), pl.max_horizontal("from_node", "to_node").alias("b")
    )
    pairs = ends.unique().sort("a", "b").to_numpy()
    start, way = xy[pairs[:, 0]], xy[pairs[:, 1]] - xy[pairs[:, 0]]
    steps = np.maximum(np.ceil(np.hypot(way[:, 0], way[:, 1]) / ROAD_STEP_KM).astype(np.int64), 1)
    link = np.repeat(np.arange(len(pairs)), steps)
    place = (np.arange(len(link)) - np.repeat(np.cumsum(steps) - steps, steps) + 0.5) / steps[link]
    return np.asarray(start[link] + way[link] * place[:, None])
