from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from fleetsim.engine.reference import simulate
from fleetsim.engine.run import ENGINES, resolve, simulate_days
from fleetsim.engine.spec import Flows, Log
from fleetsim.engine.synthetic import CitySize, random_inputs
from networks.errors import ScenarioError


def same(one: Log, other: Log) -> bool:
    pairs: list[tuple[Any, Any, str]] = [(one.flows, other.flows, part.name) for part in fields(Flows)]
    pairs += [(one, other, part.name) for part in fields(Log) if part.name != "flows"]
    return all(np.array_equal(getattr(own, name), getattr(others, name)) for own, others, name in pairs)


@pytest.mark.parametrize("engine", ENGINES)
def test_days_run_together_give_the_logs_of_days_run_alone(engine: str) -> None:
    days = [random_inputs(seed, CitySize()) for seed in (1, 2, 3)]

    logs = simulate_days(days, engine)

    assert sum(len(log) for log in logs) > 20
    assert all(same(log, simulate(day)) for log, day in zip(logs, days, strict=True))


def test_an_engine_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ScenarioError, match="has to be one of auto, simpy, kernel"):
        resolve("warp")
