"""Whether sites reach every point, where the search is cut off before it knows."""

import numpy as np

from charging.siting.effort import Effort
from charging.siting.period_reach import OverPeriods, reaching_in_periods
from charging.siting.reach import reaching

NOTHING = np.empty(0, dtype=np.int64)


def hard_cover() -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.bool_]], int]:
    """Return a covering, and one site fewer than picking the fullest one again and again takes."""
    random = np.random.default_rng(7)
    within = random.random((60, 40)) < 0.15
    within[:, 0] |= ~within.any(axis=1)
    missed, taken = np.ones(60, dtype=np.bool_), 0
    while missed.any():
        missed &= ~within[:, within[missed].sum(axis=0).argmax()]
        taken += 1
    return within, taken - 1


def test_a_search_without_time_knows_neither_sites_nor_how_many_it_takes() -> None:
    within, p = hard_cover()

    found = reaching(within, p, NOTHING, np.arange(60), Effort(time_limit_s=0.0))

    assert found.sites is None
    assert 0 <= found.fewest <= p


def test_a_search_over_periods_without_time_proves_nothing() -> None:
    within, p = hard_cover()
    every = np.arange(60)

    found = reaching_in_periods(
        [within, within], OverPeriods([p - 1, p], [NOTHING] * 2), [every] * 2, Effort(time_limit_s=0.0)
    )

    assert found.stands is None
    assert not found.impossible


def test_a_point_that_no_site_reaches_is_proof_enough() -> None:
    within = np.array([[True, False], [False, False]])

    assert reaching_in_periods([within], OverPeriods([2], [NOTHING]), [NOTHING], Effort()).impossible
