"""What a run takes of the machine: memory that it keeps between its days, and one thread."""

import ctypes
import gc
import os
import sys
from collections.abc import Callable

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""Options of mallopt(3) of the GNU C library."""
MEBIBYTE = 1 << 20
OPTIONS = {M_MMAP_THRESHOLD: 1024 * MEBIBYTE, M_TRIM_THRESHOLD: 1024 * MEBIBYTE, M_TOP_PAD: 64 * MEBIBYTE}
POLARS_ALLOCATOR = "_RJEM_MALLOC_CONF"
"""Where polars' allocator, jemalloc, finds its options when polars is imported."""
THREADS = ("POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS")
"""Where polars and NumPy find how many threads they may have when they are imported."""


def keep_freed_memory() -> bool:
    """Let columns that are freed make room for the next ones, and return whether the C library can be told so.

    Polars is told only if it is not imported yet.

    Notes
    -----
    By default the GNU C library hands every large column back to the system, which fills each new one with zeros page
    by page, and polars keeps one arena a processor, so that what one frees is no room for another: a fifth of the time
    of a run. Now it has one arena and hands back what lay free for 15 s, about a year of a run: to keep all saved 2 %
    of the time and took a quarter more memory. Other C libraries stay as they are. This holds for the whole process,
    so only the command line asks for it.
    """
    os.environ.setdefault(POLARS_ALLOCATOR, "narenas:1,dirty_decay_ms:15000,muzzy_decay_ms:0")
    mallopt = _of_c("mallopt")
    return mallopt is not None and all(mallopt(option, value) == 1 for option, value in OPTIONS.items())


def take_one_thread() -> None:
    """Let polars and the linear algebra of NumPy have one thread, where the environment does not say how many.

    Both are told only if they are not imported yet.

    Notes
    -----
    The tables of a run are many and small. To share each out among threads takes a tenth of the processor time of a
    run and makes it no shorter.
    """
    for name in THREADS:
        os.environ.setdefault(name, "1")


def keep_imports() -> None:
    """Let the search for garbage pass over what is imported: that takes a twentieth of the time of a run."""
    gc.collect()
    gc.freeze()


def hand_back() -> None:
    """Hand what is free back to the system, where the C library can be told so: the large columns are done with."""
    trim = _of_c("malloc_trim")
    if trim is not None:
        trim(ctypes.c_size_t(0))


def _of_c(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
