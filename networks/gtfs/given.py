"""Blocks that a feed gives."""

import polars as pl

LINES_SHOWN = 20


def given_blocks(trips: pl.DataFrame) -> tuple[pl.DataFrame, int, list[str]]:
    """Return the trips with the numbers of the blocks they are given, how many these are, and what overlaps.

    Parameters
    ----------
    trips
        A day's trips: trip_id, block_id, departure_s, run_s. The result has one more column, block.

    Notes
    -----
    A trip that leaves before the trip before it in its block has arrived cannot be run by the same bus: it loses
    its block and is told.
    """
    ordered = trips.with_row_index("row").filter(pl.col("block_id").is_not_null())
    ordered = ordered.sort("block_id", "departure_s", "trip_id")
    kept: list[int] = []
    overlaps: list[str] = []
    here, free_s, before = "", 0, ""
    columns = ordered.select("row", "trip_id", "block_id", "departure_s", "run_s")
    for row, trip, block, departure_s, run_s in columns.iter_rows():
        if block == here and departure_s < free_s:
            overlaps.append(f"block {block!r}: trip {trip!r} leaves before trip {before!r} has arrived")
            continue
        here, free_s, before = block, departure_s + run_s, trip
        kept.append(row)
    numbers = ordered.filter(pl.col("row").is_in(kept)).select(
        "row", block=(pl.col("block_id").rank("dense") - 1).cast(pl.Int64)
    )
    result = trips.with_row_index("row").join(numbers, on="row", how="left", maintain_order="left").drop("row")
    return result, int(numbers["block"].n_unique()), overlaps
