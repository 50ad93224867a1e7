"""Conservation and rounding for any fleet."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fleetsim.cohorts import Cohorts, Order, Turn, split_whole, turn, whole
from fleetsim.tables import POWERTRAINS

KINDS = len(POWERTRAINS)
NEV = np.array([name in ("PHEV", "BEV", "BEV-swap", "FCEV") for name in POWERTRAINS])
counts = arrays(np.int64, (KINDS, 3, 2), elements=st.integers(0, 40))
rates = arrays(np.float64, (KINDS, 3), elements=st.floats(0.0, 1.0))
weights = arrays(np.float64, (KINDS, 2), elements=st.floats(0.01, 1.0))


@settings(deadline=None, max_examples=60)
@given(counts, rates, weights, st.integers(0, 300), st.floats(0.5, 1.5), st.booleans())
def test_vehicles_in_less_vehicles_out_is_the_change_of_stock(held, hazard, weight, wanted, growth, in_whole) -> None:
    fleet = Cohorts("van", 2020, 2018, (("a", "all", "none"), ("b", "all", "none")), held.astype(float))
    closing = held.sum(axis=(0, 1)) * growth
    closing = whole(closing) if in_whole else closing
    order = Order(NEV, np.array([True, True]), float(wanted), False, NEV / NEV.sum())
    result = turn(fleet, Turn(hazard, closing, weight / weight.sum(axis=0), (order,), in_whole))
    balance = held.sum(axis=1) + result.additions - result.retirements - result.cohorts.counts.sum(axis=1)
    assert np.abs(balance).max() < 1e-9
    assert result.cohorts.counts.min() >= -1e-9
    if in_whole:
        assert (result.cohorts.counts == np.round(result.cohorts.counts)).all()


@settings(deadline=None, max_examples=100)
@given(arrays(np.float64, 7, elements=st.floats(0.0, 50.0)))
def test_rounding_moves_no_entry_by_a_vehicle_and_the_sum_by_half_of_one(values) -> None:
    result = whole(values)
    assert np.abs(result - values).max() < 1.0 + 1e-6
    assert abs(result.sum() - values.sum()) <= 0.5 + 1e-6


@settings(deadline=None, max_examples=60)
@given(arrays(np.int64, 5, elements=st.integers(0, 30)), arrays(np.float64, (KINDS, 5), elements=st.floats(0.01, 1.0)))
def test_whole_purchases_fill_each_cell_exactly(purchases, weight) -> None:
    result = split_whole(purchases.astype(float), weight / weight.sum(axis=0))
    assert result.sum(axis=0).tolist() == purchases.tolist()
    assert result.min() >= 0.0


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=16), arrays(np.float64, KINDS, elements=st.floats(0.01, 1.0)))
def test_a_small_share_is_bought_in_the_city_even_where_no_district_buys_a_whole_vehicle(cells, weight) -> None:
    share = weight / weight.sum()
    result = split_whole(np.array(cells, dtype=float), np.repeat(share[:, None], len(cells), axis=1))
    assert np.abs(result.sum(axis=1) - share * sum(cells)).max() < KINDS


@settings(deadline=None, max_examples=100)
@given(
    arrays(np.int64, 12, elements=st.integers(0, 30)), arrays(np.float64, (KINDS, 12), elements=st.floats(0.001, 1.0))
)
def test_a_powertrain_is_bought_within_about_a_vehicle_of_its_share_over_all_districts(purchases, weight) -> None:
    shares = weight / weight.sum(axis=0)
    result = split_whole(purchases.astype(float), shares)
    assert np.abs(result.sum(axis=1) - shares @ purchases).max() < 1.25
