"""A search that is ended while a program solves gives the best answer so far and its bound."""

import os
import signal
import time
from collections.abc import Iterator
from threading import Event
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from charging.siting import (
    CapacitatedPMedian,
    FlowRefuelling,
    Flows,
    PMedian,
    RoadGraph,
    ServiceCovering,
    milp,
    p_median,
    solve,
)
from charging.siting import effort as effort_module
from charging.siting.effort import Effort, Progress
from charging.siting.milp import Outcome, Program, minimise
from charging.siting.service_covering import of_each_number, service_program
from charging.siting.service_rows import make_layout


@pytest.fixture(autouse=True)
def ctrl_c_is_heard() -> Iterator[None]:
    """Let Ctrl-C interrupt, also where the tests run in the background of a shell, which has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def hard_cover() -> Program:
    random = np.random.default_rng(0)
    covers = csr_array((random.random((400, 600)) < 0.05).astype(float))
    cost = random.integers(10, 30, 600).astype(float)
    return Program(cost, covers, np.full(400, 2.0), np.full(400, np.inf), np.ones(600, dtype=bool))


def press_ctrl_c(_: Progress) -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_whom_it_reports_to_ends_a_program_while_it_solves() -> None:
    program, long_ago = hard_cover(), time.perf_counter() - 10.0
    effort = Effort(report=lambda progress: True, began=long_ago)

    outcome = minimise(program, effort)

    assert effort.ended.is_set()
    assert not outcome.infeasible
    assert outcome.values is None or outcome.bound < program.cost @ outcome.values


def test_ctrl_c_ends_a_program_with_its_bound_and_no_traceback() -> None:
    program, long_ago = hard_cover(), time.perf_counter() - 10.0
    effort = Effort(report=press_ctrl_c, began=long_ago)

    outcome = minimise(program, effort)

    assert effort.ended.is_set()
    assert not outcome.infeasible
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_callers_own_way_to_take_ctrl_c_is_left_alone() -> None:
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        effort = Effort(report=press_ctrl_c)
        with effort.ended_by_hand():
            effort.tell(1.0, 0.0)
            effort.tell(1.0, 0.0)
    finally:
        signal.signal(signal.SIGINT, before)

    assert pressed == [signal.SIGINT, signal.SIGINT]
    assert not effort.ended.is_set()


def test_ctrl_c_pressed_again_stops_everything() -> None:
    effort = Effort(report=press_ctrl_c)

    with pytest.raises(KeyboardInterrupt), effort.ended_by_hand():
        for _ in range(3):
            effort.tell(1.0, 0.0)


@pytest.mark.parametrize("many", [False, True])
def test_ctrl_c_ends_a_median_with_sites_and_a_bound(many: bool) -> None:
    random = np.random.default_rng(1)
    cost = np.hypot(*(random.random((400, 1, 2)) - random.random((200, 2))).transpose(2, 0, 1))
    pressed: list[Progress] = []

    def press_once(progress: Progress) -> None:
        if not pressed:
            press_ctrl_c(progress)
        pressed.append(progress)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(p_median, "MANY_FROM", 0 if many else 2_000_000)
        answer = solve(PMedian(cost, np.ones(400), 9), report=press_once)

    assert answer.status in ("interrupted", "optimal")
    assert len(answer.sites) == 9
    assert 0 <= answer.bound <= answer.objective


def test_ctrl_c_ends_a_median_with_capacities_with_a_plan() -> None:
    random = np.random.default_rng(1)
    at = random.random((60, 2))
    cost, demand = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)), random.integers(1, 30, 60).astype(float)
    capacity = float(np.ceil(demand.sum() / 7.2))
    problem = CapacitatedPMedian(cost, demand, capacity, 8)
    pressed: list[Progress] = []

    def press_once(progress: Progress) -> None:
        if not pressed:
            press_ctrl_c(progress)
        pressed.append(progress)

    answer = solve(problem, report=press_once)

    assert answer.status == "interrupted"
    assert answer.bound <= answer.objective
    assert (np.bincount(answer.assignment, demand, minlength=60) <= capacity).all()


class Presolving:
    """A solver that calls nobody back; it looks at its time limit, or does not even do that."""

    def __init__(self, *, looks: bool) -> None:
        self.looks, self.ended = looks, Event()
        self.cbSimplexInterrupt = self.cbIpmInterrupt = self.cbMipInterrupt = 0

    def run(self) -> None:
        self.ended.wait()

    def setOptionValue(self, name: str, value: float) -> None:
        if self.looks and (name, value) == ("time_limit", 0.0):
            self.ended.set()


class Callbacks(int):
    def __add__(self, other: object) -> "Callbacks":
        return self


@pytest.mark.parametrize("looks", [True, False])
def test_a_solver_that_calls_nobody_back_is_stopped_by_its_time_limit_or_left_to_itself(looks: bool) -> None:
    solver: Any = Presolving(looks=looks)
    solver.cbSimplexInterrupt = solver.cbIpmInterrupt = solver.cbMipInterrupt = Callbacks()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(milp, "LATEST_S", 0.1 if not looks else 60.0)
        stopped = milp._run(solver, Effort(time_limit_s=0.0))

    solver.ended.set()
    assert stopped == looks


def a_road() -> FlowRefuelling:
    graph = RoadGraph(np.arange(9), np.arange(1, 10), np.full(9, 10.0))
    pairs = np.array([(low, high) for low in range(10) for high in range(low + 1, 10)])
    return FlowRefuelling(graph, Flows(pairs[:, 0], pairs[:, 1], np.arange(1.0, len(pairs) + 1)), 60.0, 2)


def test_flows_that_nobody_had_time_to_look_at_are_counted_in_the_bound() -> None:
    best = solve(a_road())

    answer = solve(a_road(), time_limit_s=0.0)

    assert best.status == "optimal"
    assert len(answer.sites) == 2
    assert answer.objective <= best.objective <= answer.bound == np.arange(1.0, 46.0).sum()


def test_ctrl_c_while_routes_are_made_ends_the_search_with_stations_and_a_bound() -> None:
    asked: list[Progress] = []

    def end(progress: Progress) -> bool:
        asked.append(progress)
        return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effort_module, "ASK_AFTER_S", 0.0)
        answer = solve(a_road(), report=end)

    assert np.isnan(asked[0].objective)
    assert answer.status == "interrupted"
    assert len(answer.sites) == 2
    assert answer.objective <= answer.bound


def test_stations_within_a_budget_that_nobody_had_time_to_choose_are_not_called_impossible() -> None:
    reach, demand = np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([3.0, 2.0])
    problem = ServiceCovering(reach, demand, [[4.0], [4.0]], [[1.0], [1.0]], budget=1.0)
    program, layout = service_program(problem), make_layout(problem, demand)

    over = of_each_number(problem, layout, program, Outcome(None, -np.inf, infeasible=False), ended())

    assert not over.infeasible


def ended() -> Effort:
    effort = Effort()
    effort.ended.set()
    return effort
