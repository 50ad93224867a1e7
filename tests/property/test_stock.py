"""Conservation and rounding for any fleet."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fleetsim.cohorts import Cohorts, Order, Turn, turn, whole
from fleetsim.tables import POWERTRAINS
from fleetsim.whole_stock import margins_kept

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


CELLS = tuple((district, "all", reason) for district in "abc" for reason in ("none", "mountain_line"))
COVERED = np.array([reason == "none" for _, _, reason in CELLS])


@st.composite
def schedules(draw) -> tuple[Order, ...]:
    """Orders of a year: shares that ask for early retirement where purchases do not suffice, or numbers bought."""
    bev, fcev = (np.array([name == kind for name in POWERTRAINS]) for kind in ("BEV", "FCEV"))
    wanted = draw(st.lists(st.integers(0, 400), min_size=1, max_size=2))
    if draw(st.booleans()):
        split = draw(arrays(np.float64, KINDS, elements=st.floats(0.1, 1.0))) * NEV
        return (Order(NEV, COVERED, float(wanted[0]), draw(st.booleans()), split / split.sum()),)
    bought = draw(st.booleans())
    pairs = zip((bev, fcev), wanted, strict=False)
    return tuple(Order(kind, COVERED, float(number), bought, kind.astype(float)) for kind, number in pairs)


@settings(deadline=None, max_examples=150)
@given(
    arrays(np.int64, (KINDS, 4, 6), elements=st.integers(0, 30)),
    arrays(np.float64, (KINDS, 4), elements=st.floats(0.0, 1.0)),
    arrays(np.float64, (KINDS, 6), elements=st.floats(0.01, 1.0)),
    schedules(),
    st.floats(0.7, 1.3),
)
def test_a_year_in_whole_vehicles_stays_within_one_of_the_unrounded_year(held, rate, weight, orders, growth) -> None:
    fleet = Cohorts("bus", 2026, 2023, CELLS, held.astype(float))
    closing = whole(held.sum(axis=(0, 1)) * growth)
    plan = (rate, closing, weight / weight.sum(axis=0), orders)

    exact, found = (turn(fleet, Turn(*plan, whole=in_whole)) for in_whole in (False, True))

    away = np.abs(found.cohorts.counts - exact.cohorts.counts)
    sums = found.cohorts.counts.sum(axis=1) - exact.cohorts.counts.sum(axis=1)
    assert (found.cohorts.counts == np.round(found.cohorts.counts)).all()
    assert found.cohorts.counts.min() >= 0.0
    assert found.retirements.min() >= 0.0
    assert away.max() < 1.0 + 1e-5
    assert np.abs(sums.sum(axis=0)).max() < 1.0 + 1e-5
    asked = np.any([order.powertrains for order in orders], axis=0)
    least = (2.0 if orders[0].bought else 1.0) + 1e-5
    assert np.abs(sums[~asked].sum(axis=1)).max() < 1.0 + 1e-5
    for cells in (COVERED, ~COVERED):
        assert np.abs(sums[asked][:, cells].sum(axis=1)).max() < least


@settings(deadline=None, max_examples=100)
@given(
    arrays(np.int64, (KINDS, 4, 6), elements=st.integers(0, 30)),
    arrays(np.float64, (KINDS, 4), elements=st.floats(0.0, 1.0)),
    schedules(),
)
def test_what_a_schedule_asks_for_is_met_to_the_vehicle_in_whole_vehicles_too(held, rate, orders) -> None:
    fleet = Cohorts("bus", 2026, 2023, CELLS, held.astype(float))
    free = np.full((KINDS, 6), 1.0 / KINDS)
    plan = (rate, held.sum(axis=(0, 1)).astype(float), free, orders)

    exact, found = (turn(fleet, Turn(*plan, whole=in_whole)) for in_whole in (False, True))

    for order in orders:
        unrounded, rounded = (
            each.additions if order.bought else each.cohorts.counts.sum(axis=1) for each in (exact, found)
        )
        asked = float(unrounded[order.powertrains][:, order.cells].sum())
        if abs(asked - round(asked)) < 1e-7:
            assert rounded[order.powertrains][:, order.cells].sum() == round(asked)


@settings(deadline=None, max_examples=100)
@given(
    arrays(np.float64, (KINDS, 12), elements=st.floats(0.0, 30.0)),
    arrays(np.int64, (KINDS, 12), elements=st.integers(0, 2)),
    st.integers(0, 50),
)
def test_rounding_a_table_keeps_entries_rows_columns_and_parts_within_one(values, parts, turned) -> None:
    away = margins_kept(values, parts, turned) - values

    assert np.abs(away).max() < 1.0 + 1e-5
    assert np.abs(away.sum(axis=0)).max() < 1.0 + 1e-5
    for part in range(3):
        own = np.where(parts == part, away, 0.0)
        assert np.abs(own.sum(axis=1)).max() < 1.0 + 1e-5
        assert abs(own.sum()) < 1.0 + 1e-5


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=16), arrays(np.float64, KINDS, elements=st.floats(0.01, 1.0)))
def test_a_small_share_is_bought_in_the_city_even_where_no_district_buys_a_whole_vehicle(cells, weight) -> None:
    wanted = (weight / weight.sum())[:, None] * np.array(cells, dtype=float)
    found = margins_kept(wanted, np.zeros(wanted.shape, dtype=np.int64))
    assert found.sum(axis=0).tolist() == cells
    assert np.abs(found.sum(axis=1) - wanted.sum(axis=1)).max() < 1.0
