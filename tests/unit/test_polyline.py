"""Courses as short texts, against the worked example of the published format."""

import numpy as np
import pytest

from networks.polyline import decoded, encoded


def test_the_worked_example_of_the_format_is_met():
    # The example of the format's description, whose five decimals are read as six here.
    points = np.array([[-12.02, 3.85], [-12.095, 4.07], [-12.6453, 4.3252]])

    assert encoded(points, np.array([3])) == ["_p~iF~ps|U_ulLnnqC_mqNvxq`@"]


@pytest.mark.parametrize("seed", range(5))
def test_lines_come_back_as_they_were_empty_ones_among_them(seed):
    rng = np.random.default_rng(seed)
    ends = np.cumsum(rng.integers(0, 4, 30))
    points = np.round(rng.uniform(-1, 1, (ends[-1], 2)) * [180, 90], 6)

    texts = encoded(points, ends)
    back, back_ends = decoded(texts)

    assert len(texts) == 30
    assert back_ends.tolist() == ends.tolist()
    assert back == pytest.approx(points, abs=1e-9)


def test_no_lines_and_empty_lines_are_no_text():
    assert encoded(np.empty((0, 2)), np.array([], dtype=np.int64)) == []
    assert encoded(np.empty((0, 2)), np.array([0, 0])) == ["", ""]
    assert decoded([])[0].shape == (0, 2)
