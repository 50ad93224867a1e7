"""The shipped scenario `plan` looks forward: what was observed is not its to change."""

import pytest

from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.sections import at_year, last_full_year

Tree = dict[str, object]
FIRST_PLATES_TO_ISSUE = {"cars.quota_nev_later", "cars.quota_ordinary_later"}
"""Values without a year that hold only after the quota table, which ends with the observed years."""


@pytest.fixture(scope="module")
def outlook() -> Scenario:
    return Scenario.shipped("outlook")


@pytest.fixture(scope="module")
def plan() -> Scenario:
    return Scenario.shipped("plan")


def is_by_year(*tables: object) -> bool:
    return all(isinstance(table, dict) and all(isinstance(key, int) for key in table) for table in tables)


def early_changes(before: Tree, after: Tree, last: int, prefix: str = "") -> list[str]:
    """Return the fields whose value differs in a year up to `last`, or that differ and know no year."""
    found: list[str] = []
    for key in {**before, **after}:
        name, old, new = f"{prefix}{key}", before.get(key), after.get(key)
        if old == new:
            continue
        if is_by_year(old, new) and (old or new):
            found += [name] if differs(old, new, last) else []  # type: ignore[arg-type]
        elif isinstance(old, dict) and isinstance(new, dict):
            found += early_changes(old, new, last, f"{name}.")
        elif not (isinstance(new, int) and new > last):
            found.append(name)
    return found


def differs(old: dict[int, float], new: dict[int, float], last: int) -> bool:
    if not old:
        return min(new) <= last
    return any(abs(at_year(old, year) - at_year(new, year)) > 1e-4 for year in range(2015, last + 1))


def test_the_plan_changes_nothing_up_to_the_last_observed_year(outlook: Scenario, plan: Scenario) -> None:
    last = last_full_year(plan.calibration.until)
    skipped = {"name", "title_zh", "title_en", "schedule"}

    changes = early_changes(outlook.model_dump(exclude=skipped), plan.model_dump(exclude=skipped), last)

    assert plan.calibration == outlook.calibration
    assert set(changes) == FIRST_PLATES_TO_ISSUE


def test_the_schedule_of_the_plan_begins_after_the_last_observed_year(plan: Scenario) -> None:
    last = last_full_year(plan.calibration.until)

    assert plan.schedule.convert
    assert [line.fleet for line in plan.schedule.convert if min({**line.share, **line.number}) <= last] == []


def test_the_lines_of_a_fleet_never_ask_for_more_than_all_of_it(plan: Scenario) -> None:
    for fleet in {line.fleet for line in plan.schedule.convert}:
        lines = [line for line in plan.schedule.convert if line.fleet == fleet]
        for year in range(2026, plan.run.last_year + 1):
            assert sum(at_year(line.share, year) for line in lines) <= 1.0 + 1e-9
