"""Queues in steady state."""

import math

import pytest

from charging.queueing import allen_cunneen_wait_min, erlang_c, md1_wait_min, mean_wait_min, mm1_wait_min


@pytest.mark.parametrize(
    ("arrivals", "services", "servers", "probability", "wait"),
    [(10, 2, 6, 0.587516, 17.6255), (20, 2, 12, 0.449388, 6.7408)],
)
def test_erlang_c_gives_the_worked_answers(
    arrivals: float, services: float, servers: int, probability: float, wait: float
) -> None:
    assert erlang_c(arrivals, services, servers) == pytest.approx(probability, abs=5e-7)
    assert mean_wait_min(arrivals, services, servers) == pytest.approx(wait, abs=5e-5)


def test_one_exponential_server_at_nine_tenths_waits_270_minutes() -> None:
    assert mm1_wait_min(1.8, 2.0) == pytest.approx(270.0)


def test_one_constant_server_waits_half_as_long() -> None:
    assert md1_wait_min(1.8, 2.0) == pytest.approx(135.0)


def test_erlang_c_equals_the_sum_formula() -> None:
    load, servers = 3.7, 5
    waiting = load**servers / math.factorial(servers) * servers / (servers - load)
    idle = sum(load**n / math.factorial(n) for n in range(servers))
    assert erlang_c(3.7, 1.0, servers) == pytest.approx(waiting / (idle + waiting))


def test_an_overloaded_station_waits_for_ever() -> None:
    assert erlang_c(13, 2, 6) == 1.0
    assert math.isinf(mean_wait_min(12, 2, 6))


def test_allen_cunneen_is_exact_for_mmc_and_md1() -> None:
    assert allen_cunneen_wait_min(10, 2, 6) == mean_wait_min(10, 2, 6)
    assert allen_cunneen_wait_min(1.8, 2, 1, service_cv2=0.0) == pytest.approx(135.0)


def test_one_more_server_lengthens_no_wait() -> None:
    waits = [mean_wait_min(10, 2, servers) for servers in range(6, 20)]
    assert waits == sorted(waits, reverse=True)
