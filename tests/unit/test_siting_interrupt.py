"""A search that is ended while a program solves gives the best answer so far and its bound."""

import os
import signal
import time

import numpy as np
import pytest
from scipy.sparse import csr_array

from charging.siting import CapacitatedPMedian, PMedian, p_median, solve
from charging.siting.effort import Effort, Progress
from charging.siting.milp import Program, minimise


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
