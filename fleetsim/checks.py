"""`fleetsim check`: every mistake of a scenario and its city folder at once, nothing written."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fleetsim.city_checks import city_warnings
from fleetsim.datasets import City, city_folder, read_city, table_schemas
from fleetsim.inherit import read_identity
from fleetsim.scenario import load
from fleetsim.scenario.scenario import Scenario
from fleetsim.stock import require_base
from networks.errors import DataError, ScenarioError

TABLE_SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes
    ----------
    problems
        One line a problem; nothing can be run while there is one.
    tables
        Tables it looked at.
    warnings
        What looks wrong but can be run.
    notes
        Which tables are not the city's own, in English.
    """

    problems: list[str]
    tables: list[str]
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check(path: Path, changes: list[str]) -> Checked:
    """Return the mistakes of a scenario file and of the city folder it names."""
    try:
        source = load.read(path, changes, Scenario)
    except ScenarioError as error:
        return Checked(list(error.problems), [])
    valid: list[Scenario] = []
    problems = _faults(lambda: valid.append(load.validate(Scenario, source)))
    run = source.tree.get("run", {})
    city = run.get("city", "beijing") if isinstance(run, dict) else "beijing"
    try:
        folder = city_folder(str(city))
    except DataError as error:
        return Checked(problems + list(error.problems), list(table_schemas()))
    found = check_city(folder, valid[0].run.first_year if valid else None)
    return Checked(problems + found.problems, found.tables, found.warnings, found.notes)


def check_city(folder: Path, first_year: int | None = None) -> Checked:
    """Return the mistakes of a city folder, and which of its tables stand in for missing ones.

    With the first year of a scenario it is told, too, if the stock is of another one.
    """
    read: list[City] = []
    problems = _faults(lambda: read.append(read_city(folder)))
    if read and first_year is not None:
        problems += _faults(lambda: require_base(read[0].vintages, first_year))
    problems += _strangers(folder)
    warnings = city_warnings(vars(read[0])) if read else []
    notes = [note["en"] for note in read[0].identity.notes()] if read else []
    return Checked(problems, list(table_schemas()), warnings, notes)


def _strangers(folder: Path) -> list[str]:
    """Return the files of a city that extends another that are no table of it: a misspelt name would go unread."""
    if _faults(lambda: read_identity(folder)) or read_identity(folder).extends is None:
        return []
    tables = list(table_schemas())
    names = sorted(path.name for path in folder.iterdir() if path.suffix in TABLE_SUFFIXES and path.stem not in tables)
    return [f"{folder / name}: is no table of a city; {_meant(Path(name).stem, tables)}" for name in names]


def _meant(name: str, tables: list[str]) -> str:
    close = difflib.get_close_matches(name, tables, n=1)
    return f"did you mean {close[0]}.csv?" if close else "take it out of the folder"


def _faults(attempt: Callable[[], object]) -> list[str]:
    try:
        attempt()
    except (DataError, ScenarioError) as error:
        return list(error.problems)
    return []
