"""Which engine runs a day."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Literal

from fleetsim.engine.spec import Inputs, Log
from networks.errors import ScenarioError

ENGINES = ("auto", "simpy", "kernel")


def resolve(engine: str) -> Literal["kernel", "simpy"]:
    """Return the engine that runs: `kernel` (compiled by numba) or `simpy` (the reference).

    Parameters
    ----------
    engine
        `auto` takes the kernel where numba can be imported.

    Raises
    ------
    ScenarioError
        If there is no such engine, or it needs numba and numba cannot be imported.
    """
    if engine not in ENGINES:
        raise ScenarioError(f"run.engine = {engine!r}: has to be one of {', '.join(ENGINES)}")
    if engine == "simpy":
        return "simpy"
    try:
        import fleetsim.engine.kernel  # noqa: F401
    except ImportError as error:
        if engine == "auto":
            return "simpy"
        raise ScenarioError(
            f"run.engine = 'kernel': numba cannot be imported ({error}); install it, or use auto or simpy"
        ) from error
    return "kernel"


def simulate_days(days: Sequence[Inputs], engine: str, on_compilation: Callable[[], None] | None = None) -> list[Log]:
    """Return the logs of days that do not depend on each other; a log does not depend on the engine.

    Parameters
    ----------
    days
        The days.
    engine
        `auto`, `simpy` or `kernel`.
    on_compilation
        Called before the kernel is compiled, which takes some ten seconds; not where it is found compiled.

    Raises
    ------
    ScenarioError
        If the engine is not there.

    Notes
    -----
    The kernel takes well under a second a day; SimPy takes the days side by side, one a processor, where the system
    can fork.
    """
    if resolve(engine) == "kernel":
        from fleetsim.engine.kernel import simulate as simulate_compiled

        return [simulate_compiled(inputs, on_compilation) for inputs in days]
    from fleetsim.engine.reference import simulate as simulate_with_simpy

    workers = min(len(days), os.cpu_count() or 1)
    if workers < 2 or "fork" not in multiprocessing.get_all_start_methods():
        return [simulate_with_simpy(inputs) for inputs in days]
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        return list(pool.map(simulate_with_simpy, days))
