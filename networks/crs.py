"""Coordinate systems: WGS-84, the shifted systems of Chinese map services, metres and distances."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from networks.errors import ScenarioError

Degrees: TypeAlias = NDArray[np.float64]
Pair: TypeAlias = tuple[Degrees, Degrees]

EARTH_RADIUS_KM = 6371.0088
KRASOVSKY_AXIS_M = 6378245.0
KRASOVSKY_ECCENTRICITY_SQUARED = 0.00669342162296594323
SHIFT_ORIGIN_DEG = (105.0, 35.0)
BD09_OFFSET_DEG = (0.0065, 0.006)
BD09_WAVE_PER_DEG = np.pi * 3000.0 / 180.0
INVERSE_ROUNDS = 6
WGS84_NAMES = ("wgs84", "epsg:4326")
METRES_BEIJING_EPSG = 32650


def to_wgs84(lon: ArrayLike, lat: ArrayLike, crs: str) -> Pair:
    """Return WGS-84 longitude and latitude [deg] of points given in `crs`.

    Parameters
    ----------
    lon, lat
        First and second coordinate: degrees [deg], or easting and northing [m] for a projected EPSG code.
    crs
        `wgs84`, `gcj02`, `bd09`, `cgcs2000` or `EPSG:<code>`; upper and lower case alike.

    Raises
    ------
    ScenarioError
        If the name is none of these or the EPSG code is not known.
    """
    first, second = _pair(lon, lat)
    name = crs.strip().lower().replace("-", "")
    if name in WGS84_NAMES:
        return first, second
    if name == "gcj02":
        return gcj02_to_wgs84(first, second)
    if name == "bd09":
        return bd09_to_wgs84(first, second)
    return _transform(first, second, _epsg(name, crs), 4326)


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """Return GCJ-02 longitude and latitude [deg] of WGS-84 points in China.

    Notes
    -----
    The shift of the Chinese state system as published in the open literature on the Krasovsky ellipsoid; it is
    about 530 m east and 140 m north in Beijing. It is meant for points in mainland China only.

    Examples
    --------
    >>> east, north = wgs84_to_gcj02(116.3913, 39.9075)
    >>> round(float(east) - 116.3913, 4), round(float(north) - 39.9075, 4)
    (0.0062, 0.0014)
    """
    x, y = _pair(lon, lat)
    east, north = _gcj02_shift(x, y)
    return x + east, y + north


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """Return WGS-84 longitude and latitude [deg] of GCJ-02 points, by fixed-point iteration (under 1 mm off)."""
    x, y = _pair(lon, lat)
    guess_x, guess_y = x, y
    for _ in range(INVERSE_ROUNDS):
        east, north = _gcj02_shift(guess_x, guess_y)
        guess_x, guess_y = x - east, y - north
    return guess_x, guess_y


def gcj02_to_bd09(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """Return BD-09 longitude and latitude [deg] of GCJ-02 points."""
    x, y = _pair(lon, lat)
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * BD09_WAVE_PER_DEG)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * BD09_WAVE_PER_DEG)
    return radius * np.cos(angle) + BD09_OFFSET_DEG[0], radius * np.sin(angle) + BD09_OFFSET_DEG[1]


def bd09_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """Return GCJ-02 longitude and latitude [deg] of BD-09 points, by fixed-point iteration."""
    x, y = _pair(lon, lat)
    guess_x, guess_y = x - BD09_OFFSET_DEG[0], y - BD09_OFFSET_DEG[1]
    for _ in range(INVERSE_ROUNDS):
        there_x, there_y = gcj02_to_bd09(guess_x, guess_y)
        guess_x, guess_y = guess_x + x - there_x, guess_y + y - there_y
    return guess_x, guess_y


def wgs84_to_bd09(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """Return BD-09 longitude and latitude [deg] of WGS-84 points in China."""
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


def bd09_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """Return WGS-84 longitude and latitude [deg] of BD-09 points."""
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))


def to_metres(lon: ArrayLike, lat: ArrayLike, epsg: int = METRES_BEIJING_EPSG) -> Pair:
    """Return easting and northing [m] of WGS-84 points in a projected system (UTM zone 50 north by default)."""
    return _transform(*_pair(lon, lat), 4326, epsg)


def local_plane_km(lon: ArrayLike, lat: ArrayLike, lat_origin: float) -> Pair:
    """Return x and y [km] of WGS-84 points on the equirectangular plane true to scale at `lat_origin` [deg].

    Straight lines in degrees stay straight. Over one degree of latitude from the origin lengths east to west are
    up to 1.5 % off at 40 degrees north.
    """
    x, y = _pair(lon, lat)
    per_degree = EARTH_RADIUS_KM * np.pi / 180.0
    return x * per_degree * np.cos(np.radians(lat_origin)), y * per_degree


def distance_km(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> Degrees:
    """Return the straight distance [km] between WGS-84 points [deg], by the equirectangular approximation.

    Notes
    -----
    Within 0.1 % of the great circle for points under 200 km apart in middle latitudes.
    """
    x1, y1 = _pair(lon1, lat1)
    x2, y2 = _pair(lon2, lat2)
    per_degree = EARTH_RADIUS_KM * np.pi / 180.0
    across = (x2 - x1) * np.cos(np.radians((y1 + y2) / 2.0))
    return np.asarray(np.hypot(across, y2 - y1) * per_degree, dtype=np.float64)


def _pair(lon: ArrayLike, lat: ArrayLike) -> Pair:
    return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)


def _gcj02_shift(lon: Degrees, lat: Degrees) -> Pair:
    x, y = lon - SHIFT_ORIGIN_DEG[0], lat - SHIFT_ORIGIN_DEG[1]
    root = np.sqrt(np.abs(x))
    ripple = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north_m += (ripple + _waves(y, ((20.0, 1.0), (40.0, 3.0), (160.0, 12.0), (320.0, 30.0)))) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east_m += (ripple + _waves(x, ((20.0, 1.0), (40.0, 3.0), (150.0, 12.0), (300.0, 30.0)))) * 2.0 / 3.0
    angle = np.radians(lat)
    flattening = 1.0 - KRASOVSKY_ECCENTRICITY_SQUARED * np.sin(angle) ** 2
    meridian_m = KRASOVSKY_AXIS_M * (1.0 - KRASOVSKY_ECCENTRICITY_SQUARED) / flattening**1.5
    parallel_m = KRASOVSKY_AXIS_M / np.sqrt(flattening) * np.cos(angle)
    return np.degrees(east_m / parallel_m), np.degrees(north_m / meridian_m)


def _waves(position: Degrees, terms: tuple[tuple[float, float], ...]) -> Degrees:
    total = np.zeros_like(position)
    for amplitude_m, length_deg in terms:
        total = total + amplitude_m * np.sin(position * np.pi / length_deg)
    return total


def _epsg(name: str, given: str) -> int:
    if name == "cgcs2000":
        return 4490
    digits = name.removeprefix("epsg:")
    if name.startswith("epsg:") and digits.isdigit():
        return int(digits)
    raise ScenarioError(f"crs {given!r} is not known; use wgs84, gcj02, bd09, cgcs2000 or a code such as EPSG:32650")


def _transform(x: Degrees, y: Degrees, source: int, target: int) -> Pair:
    from pyproj import Transformer
    from pyproj.exceptions import CRSError

    try:
        transformer = Transformer.from_crs(f"EPSG:{source}", f"EPSG:{target}", always_xy=True)
    except CRSError as error:
        raise ScenarioError(
            f"crs EPSG:{source} to EPSG:{target} is not known; use a code of the EPSG register such as EPSG:32650"
        ) from error
    east, north = transformer.transform(x, y)
    return _pair(east, north)
