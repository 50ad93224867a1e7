import pytest
from hypothesis import given
from hypothesis import strategies as st

from charging.cascade import Banks, can_hold, filled_ug, left_ug, short_ug, wanted_ug

small = st.integers(0, 12)
banks = st.tuples(small, small, small)


def sums(low: int, middle: int, high: int) -> Banks:
    return low + middle + high, middle + high, high


def apart(held: Banks) -> tuple[int, int, int]:
    return held[0] - held[1], held[1] - held[2], held[2]


def drawn_one_by_one(store: list[int], bands: tuple[int, int, int]) -> list[int] | None:
    """Take each unit of each band from the lowest bank that may and can give it; the bands from the bottom up."""
    for band, amount in enumerate(bands):
        for _ in range(amount):
            bank = next((bank for bank in range(band, 3) if store[bank]), None)
            if bank is None:
                return None
            store[bank] -= 1
    return store


def pumped_one_by_one(store: list[int], moved: int, room: tuple[int, int, int]) -> list[int]:
    """Put each unit into the highest bank that has room."""
    for _ in range(moved):
        bank = next((bank for bank in (2, 1, 0) if store[bank] < room[bank]), None)
        if bank is not None:
            store[bank] += 1
    return store


@given(store=banks, bands=banks)
def test_a_tank_takes_from_the_lowest_bank_that_can_fill_it(
    store: tuple[int, int, int], bands: tuple[int, int, int]
) -> None:
    held, wanted = sums(*store), sums(*bands)
    left = drawn_one_by_one(list(store), bands)

    assert (short_ug(held, wanted) == 0) == (left is not None)
    if left is not None:
        assert list(apart(left_ug(held, wanted))) == left


@given(room=banks, share=banks, moved=st.integers(0, 40))
def test_the_compressor_fills_the_high_bank_first(
    room: tuple[int, int, int], share: tuple[int, int, int], moved: int
) -> None:
    store = [min(a, b) for a, b in zip(room, share, strict=True)]

    filled = filled_ug(sums(*store), moved, sums(*room))

    assert list(apart(filled)) == pumped_one_by_one(store, moved, room)


@given(room=banks, share=banks, bands=banks)
def test_what_is_short_is_the_least_the_compressor_has_to_move(
    room: tuple[int, int, int], share: tuple[int, int, int], bands: tuple[int, int, int]
) -> None:
    held = sums(*[min(a, b) for a, b in zip(room, share, strict=True)])
    full, wanted = sums(*room), sums(*bands)
    short = short_ug(held, wanted)

    if can_hold(full, wanted):
        assert short_ug(filled_ug(held, short, full), wanted) == 0
        assert short == 0 or short_ug(filled_ug(held, short - 1, full), wanted) == 1
    else:
        assert short_ug(full, wanted) > 0


@pytest.mark.parametrize(
    ("level", "goal", "wanted"), [(1_000, 4_000, (3, 0, 0)), (6_000, 9_000, (3, 3, 1)), (9_000, 10_000, (1, 1, 1))]
)
def test_what_a_tank_wants_beyond_half_and_beyond_four_fifths(level: int, goal: int, wanted: Banks) -> None:
    kilogram = 10**9

    assert wanted_ug(level, goal, 10_000, 500, 800) == tuple(kilogram * amount for amount in wanted)
