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


def compiled_part(function: Function) -> Function:
    """Return a function that only compiled ones call: without a door to Python, without counting references to arrays.

    It may allocate no memory. Where many arrays are handed on, for every leg of a tour say, the counting takes more
    than half of the time.
    """
    options: dict[str, Any] = {"nogil": True, "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast("Function", njit(**options)(function))
