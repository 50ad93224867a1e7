"""Options of `fleetsim site`, and how its search ends."""

import signal
from types import SimpleNamespace

import pytest

from fleetsim.verbs.site import Search, fleet_weights, whole_numbers
from networks.errors import FleetsimError


def test_a_first_interrupt_ends_the_search_and_a_second_stops_everything():
    search, progress = Search(), SimpleNamespace(elapsed_s=1.0, objective=2.0, bound=3.0)
    before = signal.getsignal(signal.SIGINT)

    with search.ended_by_hand():
        assert search.report(progress) is False
        signal.raise_signal(signal.SIGINT)
        assert search.report(progress) is True
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    assert signal.getsignal(signal.SIGINT) is before


def test_fleets_are_read_with_importance_and_reach():
    assert fleet_weights("taxi=2, goods@5km,bus=0.5@3") == (
        ("taxi", 2.0, None),
        ("goods", 1.0, 5.0),
        ("bus", 0.5, 3.0),
    )


@pytest.mark.parametrize("text", ["taxi=much", "taxi=1@far", "taxi=-1", "taxi=1@0"])
def test_fleets_that_cannot_be_read_are_refused_with_the_part(text):
    with pytest.raises(FleetsimError, match=f"--fleets '{text}'"):
        fleet_weights(text)


def test_numbers_that_are_not_whole_are_refused():
    with pytest.raises(FleetsimError, match=r"--number '1\.5': write whole numbers"):
        whole_numbers("--number", "1.5")
