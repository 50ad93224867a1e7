import math

import pytest

from charging.sizing import expected_wait, plugs_needed
from networks.errors import DataError


@pytest.mark.parametrize(
    ("arrivals", "service_min", "plugs", "p_wait", "mean_min"),
    [(10.0, 30.0, 6, 0.587516, 17.6255), (20.0, 30.0, 12, 0.449388, 6.7408), (1.8, 30.0, 1, 0.9, 270.0)],
)
def test_expected_wait_gives_the_worked_erlang_c_answers(arrivals, service_min, plugs, p_wait, mean_min):
    wait = expected_wait(arrivals, service_min, plugs)
    assert wait.p_wait == pytest.approx(p_wait, abs=1e-6)
    assert wait.mean_min == pytest.approx(mean_min, rel=1e-5)


def test_regular_service_at_one_plug_waits_half_as_long():
    assert expected_wait(1.8, 30.0, 1, variability=0.5).mean_min == pytest.approx(135.0)


def test_p95_of_one_plug_is_the_exact_quantile():
    # M/M/1 with rho .9 and spare rate .2/h: P(W > t) = .9 exp(-.2 t)
    assert expected_wait(1.8, 30.0, 1).p95_min == pytest.approx(60 / 0.2 * math.log(0.9 / 0.05))


def test_p95_is_zero_where_fewer_than_one_in_twenty_waits():
    assert expected_wait(1.0, 6.0, 3).p95_min == 0.0


def test_a_station_that_cannot_keep_up_waits_for_ever():
    assert expected_wait(12.0, 30.0, 6).mean_min == math.inf


@pytest.mark.parametrize("arrivals", [0.0, 0.3, 5.0, 9.99, 10.0, 47.0, 800.0])
@pytest.mark.parametrize("standard_min", [0.5, 10.0])
def test_plugs_needed_are_the_fewest_that_meet_the_standard(arrivals, standard_min):
    plugs = plugs_needed(arrivals, 30.0, standard_min)
    assert expected_wait(arrivals, 30.0, plugs).mean_min <= standard_min
    assert plugs == 1 or expected_wait(arrivals, 30.0, plugs - 1).mean_min > standard_min


def test_no_arrivals_still_get_one_plug():
    assert plugs_needed(0.0, 30.0, 10.0) == 1


def test_steadier_arrivals_need_no_more_plugs():
    assert plugs_needed(47.0, 30.0, 1.0, variability=0.5) <= plugs_needed(47.0, 30.0, 1.0)


def test_a_standard_of_zero_is_refused_with_its_value():
    with pytest.raises(DataError, match=r"standard 0\.0 min"):
        plugs_needed(1.0, 30.0, 0.0)
