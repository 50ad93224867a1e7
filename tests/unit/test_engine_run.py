from dataclasses import fields

import numpy as np
import pytest

from fleetsim.engine.reference import simulate
from fleetsim.engine.run import ENGINES, resolve, simulate_days
from fleetsim.engine.spec import Log
from fleetsim.engine.synthetic import CitySize, random_inputs
from networks.errors import ScenarioError


def same(one: Log, other: Log) -> bool:
    return all(np.array_equal(getattr(one, part.name), getattr(other, part.name)) for part in fields(Log))


@pytest.mark.parametrize("engine", ENGINES)
def test_days_run_together_give_the_logs_of_days_run_alone(engine: str) -> None:
    days = [random_inputs(seed, CitySize()) for seed in (1, 2, 3)]

    logs = simulate_days(days, engine)

    assert sum(len(log) for log in logs) > 20
    assert all(same(log, simulate(day)) for log, day in zip(logs, days, strict=True))


def test_an_engine_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ScenarioError, match="has to be one of auto, simpy, kernel"):
        resolve("warp")
