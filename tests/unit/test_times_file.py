"""Travel times on disk: nothing is lost, and other files are named."""

import numpy as np
import pytest

from networks.errors import DataError
from networks.times_file import read_times, write_times


@pytest.mark.parametrize("shape", [(24, 5, 7), (1, 1, 1), (3, 40, 2)])
def test_times_come_back_bit_for_bit_infinite_ones_among_them(tmp_path, shape):
    times = np.random.default_rng(0).uniform(0, 200, shape).astype(np.float32)
    times[0, 0, 0] = np.inf

    write_times(tmp_path / "times.parquet", times)

    back = read_times(tmp_path / "times.parquet")
    assert back.dtype == np.float32
    assert np.array_equal(back, times)
    assert [path.name for path in tmp_path.iterdir()] == ["times.parquet"]


def test_the_file_is_smaller_than_the_times_in_memory(tmp_path):
    place = np.random.default_rng(1).uniform(0, 40, (300, 2))
    km = np.hypot(*(place[:, None] - place).transpose(2, 0, 1))
    times = np.stack([km / speed * 60 for speed in (20, 30)]).astype(np.float32)

    write_times(tmp_path / "times.parquet", times)

    assert (tmp_path / "times.parquet").stat().st_size < 0.9 * times.nbytes


def test_a_missing_file_and_another_kind_of_file_are_named(tmp_path):
    (tmp_path / "text.parquet").write_text("no table")

    with pytest.raises(DataError, match=r"none\.parquet: no such file"):
        read_times(tmp_path / "none.parquet")
    with pytest.raises(DataError, match=r"text\.parquet: is no Parquet file"):
        read_times(tmp_path / "text.parquet")
