"""`fleetsim check`: every mistake of a scenario and its city folder at once, nothing written."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fleetsim.datasets import city_folder, read_city, table_schemas
from fleetsim.scenario import load
from fleetsim.scenario.scenario import Scenario
from networks.errors import DataError, ScenarioError


@dataclass(frozen=True)
class Checked:
    """What a check found: one line a problem, and the tables it looked at."""

    problems: list[str]
    tables: list[str]


def check(path: Path, changes: list[str]) -> Checked:
    """Return the mistakes of a scenario file and of the city folder it names."""
    try:
        source = load.read(path, changes)
    except ScenarioError as error:
        return Checked(list(error.problems), [])
    problems = _faults(lambda: load.validate(Scenario, source))
    run = source.tree.get("run", {})
    city = run.get("city", "beijing") if isinstance(run, dict) else "beijing"
    problems += _faults(lambda: read_city(city_folder(str(city))))
    return Checked(problems, list(table_schemas()))


def _faults(attempt: Callable[[], object]) -> list[str]:
    try:
        attempt()
    except (DataError, ScenarioError) as error:
        return list(error.problems)
    return []
