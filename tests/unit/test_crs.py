import numpy as np
import pytest

from networks.crs import (
    bd09_to_wgs84,
    distance_km,
    gcj02_to_wgs84,
    local_plane_km,
    to_metres,
    to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from networks.errors import ScenarioError

TIANANMEN = (116.3913, 39.9075)


def beijing_grid() -> tuple[np.ndarray, np.ndarray]:
    lon, lat = np.meshgrid(np.linspace(115.4, 117.5, 22), np.linspace(39.4, 41.1, 18))
    return lon.ravel(), lat.ravel()


def test_gcj02_lies_about_530_m_east_and_140_m_north_of_wgs84_in_beijing() -> None:
    lon, lat = wgs84_to_gcj02(*TIANANMEN)

    east_m = 1000 * distance_km(TIANANMEN[0], TIANANMEN[1], lon, TIANANMEN[1])
    north_m = 1000 * distance_km(TIANANMEN[0], TIANANMEN[1], TIANANMEN[0], lat)

    assert lon > TIANANMEN[0] and lat > TIANANMEN[1]
    assert east_m == pytest.approx(530, abs=20)
    assert north_m == pytest.approx(150, abs=20)


def test_bd09_lies_another_0_0065_degrees_east_and_0_006_north_to_within_its_ripple() -> None:
    gcj = wgs84_to_gcj02(*TIANANMEN)
    bd = wgs84_to_bd09(*TIANANMEN)

    assert bd[0] - gcj[0] == pytest.approx(0.0065, abs=0.0005)
    assert bd[1] - gcj[1] == pytest.approx(0.0060, abs=0.0005)


@pytest.mark.parametrize(
    ("there", "back"), [(wgs84_to_gcj02, gcj02_to_wgs84), (wgs84_to_bd09, bd09_to_wgs84)], ids=["gcj02", "bd09"]
)
def test_there_and_back_is_within_one_metre_everywhere_in_beijing(there, back) -> None:  # type: ignore[no-untyped-def]
    lon, lat = beijing_grid()

    lon_back, lat_back = back(*there(lon, lat))

    assert 1000 * distance_km(lon, lat, lon_back, lat_back).max() < 1.0


@pytest.mark.parametrize("name", ["gcj02", "GCJ-02", " Gcj02 "])
def test_names_are_read_without_regard_to_case_and_hyphen(name: str) -> None:
    lon, lat = to_wgs84(*wgs84_to_gcj02(*TIANANMEN), name)

    assert (float(lon), float(lat)) == pytest.approx(TIANANMEN, abs=1e-8)


@pytest.mark.parametrize("name", ["wgs84", "EPSG:4326", "cgcs2000", "EPSG:4490"])
def test_systems_that_agree_with_wgs84_within_a_metre_leave_points_in_place(name: str) -> None:
    lon, lat = to_wgs84(*TIANANMEN, name)

    assert 1000 * distance_km(*TIANANMEN, lon, lat) < 1.0


def test_metres_and_back_is_the_same_point() -> None:
    east, north = to_metres(*TIANANMEN)

    lon, lat = to_wgs84(east, north, "EPSG:32650")

    assert 400_000 < float(east) < 500_000
    assert (float(lon), float(lat)) == pytest.approx(TIANANMEN, abs=1e-8)


def test_the_central_meridian_of_zone_50_has_easting_500_km() -> None:
    east, _ = to_metres(117.0, 40.0)

    assert float(east) == pytest.approx(500_000.0, abs=0.01)


@pytest.mark.parametrize("name", ["mercator", "EPSG:", "EPSG:99999999", ""])
def test_an_unknown_system_is_refused_with_its_name(name: str) -> None:
    with pytest.raises(ScenarioError, match="is not known") as caught:
        to_wgs84(*TIANANMEN, name)

    assert name.removeprefix("EPSG:") in str(caught.value)


def test_one_degree_of_latitude_is_111_195_km() -> None:
    assert float(distance_km(116.0, 39.5, 116.0, 40.5)) == pytest.approx(111.195, abs=0.001)


def test_distance_agrees_with_the_great_circle_across_the_city() -> None:
    # Haversine on the same sphere from (115.5, 39.5) to (117.4, 40.7).
    a = np.sin(np.radians(0.6)) ** 2
    a += np.cos(np.radians(39.5)) * np.cos(np.radians(40.7)) * np.sin(np.radians(0.95)) ** 2
    great_circle_km = 2 * 6371.0088 * np.arcsin(np.sqrt(a))

    assert float(distance_km(115.5, 39.5, 117.4, 40.7)) == pytest.approx(great_circle_km, rel=1e-3)


def test_the_local_plane_is_true_to_scale_at_its_latitude() -> None:
    x, y = local_plane_km(np.array([116.0, 117.0]), np.array([40.0, 40.0]), 40.0)

    assert x[1] - x[0] == pytest.approx(111.195 * np.cos(np.radians(40.0)), abs=0.001)
    assert y[1] == y[0]
