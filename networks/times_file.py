"""Travel times by hour on disk: a Parquet file, one row an hour and source."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from networks.errors import DataError

COLUMNS = ("hour", "source", "minutes")
LEVEL = 3
"""Compression by zstd; higher levels gain under one percent."""


def write_times(path: Path, times: NDArray[np.float32]) -> None:
    """Write travel times [min] of shape (hours, sources, targets), as `networks.travel.travel_times` gives them.

    The four bytes of each time are stored apart from each other, the first bytes with the first ones, which is what
    makes them compress; nothing is lost. The file is written beside and then put in its place.
    """
    hours, sources, targets = times.shape
    flat = pa.array(np.ascontiguousarray(times, dtype=np.float32).ravel())
    table = pa.table(
        {
            "hour": pa.array(np.repeat(np.arange(hours, dtype=np.int32), sources)),
            "source": pa.array(np.tile(np.arange(sources, dtype=np.int32), hours)),
            "minutes": pa.FixedSizeListArray.from_arrays(flat, targets),
        }
    )
    part = path.with_name(f".{path.name}.part")
    split = ["minutes.list.element"]
    dictionary = ["hour", "source"]
    pq.write_table(
        table, part, compression="zstd", compression_level=LEVEL, use_byte_stream_split=split, use_dictionary=dictionary
    )
    part.replace(path)


def read_times(path: Path) -> NDArray[np.float32]:
    """Return travel times [min] by hour, source and target, as `write_times` wrote them.

    Raises
    ------
    DataError
        If there is no such file, or it holds something else.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; write it with write_times")
    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: is no Parquet file ({error}); write it again with write_times") from error
    if tuple(table.column_names) != COLUMNS:
        raise DataError(f"{path}: has the columns {', '.join(table.column_names)}; expected {', '.join(COLUMNS)}")
    hours = len(table["hour"].unique())
    minutes = table["minutes"].combine_chunks()
    flat = minutes.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat.reshape(hours, len(table) // max(1, hours), minutes.type.list_size))
