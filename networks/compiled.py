"""Functions compiled by numba and kept on disk, so that only the first call ever pays for it."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Return `function` compiled at its first call; kept on disk where there is a folder to write to.

    Notes
    -----
    numba looks at the date of the file of `function` only: what it calls has to stand in the same file.
    """
    try:
        return cast("Function", njit(nogil=True, cache=True)(function))
    except RuntimeError:  # numba finds no folder to write to
        return cast("Function", njit(nogil=True)(function))
