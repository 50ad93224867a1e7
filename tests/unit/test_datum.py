"""Points read in the wrong Chinese system are spotted against roads and against district labels."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from networks.crs import wgs84_to_bd09, wgs84_to_gcj02
from networks.datum import Verdict, best, judge, label_fit, road_fit

Points = tuple[np.ndarray, np.ndarray]
STREETS = 30
ENCODERS: dict[str, Callable[..., Points]] = {
    "wgs84": lambda lon, lat: (lon, lat),
    "gcj02": wgs84_to_gcj02,
    "bd09": wgs84_to_bd09,
}


@pytest.fixture(scope="module")
def town() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Streets of Beijing's size at uneven distances of 200 to 600 m, crossing at right angles."""
    random = np.random.default_rng(7)
    lon = 116.30 + np.cumsum(random.uniform(0.0025, 0.0070, STREETS))
    lat = 39.85 + np.cumsum(random.uniform(0.0020, 0.0055, STREETS))
    nodes = pl.DataFrame(
        {
            "node": np.arange(STREETS**2),
            "lon": np.tile(lon, STREETS),
            "lat": np.repeat(lat, STREETS),
        }
    )
    grid = np.arange(STREETS**2).reshape(STREETS, STREETS)
    ends = [(grid[:, :-1].ravel(), grid[:, 1:].ravel()), (grid[:-1].ravel(), grid[1:].ravel())]
    start, end = (np.concatenate([pair[side] for pair in ends]) for side in (0, 1))
    return nodes, pl.DataFrame({"from_node": start, "to_node": end})


@pytest.fixture(scope="module")
def stations(town: tuple[pl.DataFrame, pl.DataFrame]) -> Points:
    """150 stations within some 40 m of a street."""
    nodes, links = town
    random = np.random.default_rng(3)
    picked = links[random.choice(links.height, 150, replace=False).tolist()]
    first = nodes[picked["from_node"].to_list()].select("lon", "lat").to_numpy()
    second = nodes[picked["to_node"].to_list()].select("lon", "lat").to_numpy()
    part = random.uniform(0.1, 0.9, (150, 1))
    points = first + part * (second - first) + random.normal(0.0, 0.0003, (150, 2))
    return points[:, 0], points[:, 1]


@pytest.mark.parametrize("truth", list(ENCODERS))
@pytest.mark.parametrize("declared", list(ENCODERS))
def test_the_roads_tell_the_system_whatever_was_declared(town, stations: Points, truth: str, declared: str) -> None:  # type: ignore[no-untyped-def]
    verdict = judge(*ENCODERS[truth](*stations), declared, road_fit(*town), "roads")

    assert verdict is not None
    assert verdict.likely == truth
    assert verdict.sure is (truth != declared)


def test_points_that_have_nothing_to_do_with_the_roads_are_not_accused(town) -> None:  # type: ignore[no-untyped-def]
    random = np.random.default_rng(5)
    lon, lat = random.uniform(116.32, 116.42, 400), random.uniform(39.87, 39.95, 400)

    verdict = judge(lon, lat, "wgs84", road_fit(*town), "roads")

    assert verdict is not None
    assert not verdict.sure
    assert verdict.silent


def _west_or_east(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    stripe = np.floor((lon - 116.0) / 0.01).astype(int) + np.floor((lat - 39.0) / 0.01).astype(int)
    return np.where(stripe % 2 == 0, "west", "east")


def test_districts_named_by_the_points_tell_the_system_too() -> None:
    random = np.random.default_rng(11)
    lon, lat = random.uniform(116.3, 116.6, 300), random.uniform(39.8, 40.0, 300)
    labels = _west_or_east(lon, lat).tolist()

    verdict = judge(*wgs84_to_gcj02(lon, lat), "EPSG:4326", label_fit(labels, _west_or_east), "labels")

    assert verdict is not None
    assert verdict.sure
    assert verdict.likely == "gcj02"
    assert verdict.fit["gcj02"] == 1.0


@pytest.mark.parametrize(
    ("lon", "lat", "declared"),
    [
        (np.full(50, 24.9), np.full(50, 60.2), "wgs84"),
        (np.full(5, 116.4), np.full(5, 39.9), "wgs84"),
        (np.full(50, 450_000.0), np.full(50, 4_400_000.0), "EPSG:32650"),
    ],
    ids=["outside China", "too few points", "metres"],
)
def test_what_cannot_be_mistaken_is_not_judged(lon: np.ndarray, lat: np.ndarray, declared: str) -> None:
    assert judge(lon, lat, declared, lambda x, y: np.zeros(len(x)), "nothing") is None


def test_the_evidence_that_speaks_loudest_is_heard() -> None:
    faint = Verdict("wgs84", "wgs84", False, 12.0, 60, 41, {}, 20, "roads")
    loud = Verdict("wgs84", "gcj02", True, 9.0, 60, 60, {}, 20, "labels")

    assert best([faint, None, loud]) is loud
    assert best([None]) is None
