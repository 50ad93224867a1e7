"""Which engine runs a day."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import Connection
from typing import Literal

from fleetsim.engine.policies import SHIPPED, Policies
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


def days_together(engine: str) -> int:
    """Return how many days to hand to `simulate_days` at a time: as many as are simulated side by side."""
    return 1 if resolve(engine) == "kernel" else os.cpu_count() or 1


def simulate_days(
    days: Sequence[Inputs],
    engine: str,
    on_compilation: Callable[[], None] | None = None,
    policies: Policies = SHIPPED,
    tell: Callable[[str], None] | None = None,
) -> list[Log]:
    """Return the logs of days that do not depend on each other; a log does not depend on the engine.

    Parameters
    ----------
    days
        The days.
    engine
        `auto`, `simpy` or `kernel`.
    on_compilation
        Called before the kernel is compiled, which takes some ten seconds; not where it is found compiled.

    policies
        What drivers decide.
    tell
        Called with a message where `auto` has to run one's own policies in SimPy, for numba cannot compile them.

    Raises
    ------
    ScenarioError
        If the engine is not there, or is the kernel and numba cannot compile the policies.

    Notes
    -----
    The kernel takes well under a second a day; SimPy takes the days side by side, one a processor, where the system
    can fork.
    """
    if resolve(engine) == "kernel":
        from fleetsim.engine.compiled.compiler import UncompiledPolicyError
        from fleetsim.engine.kernel import simulate as simulate_compiled

        try:
            return [simulate_compiled(inputs, on_compilation, policies) for inputs in days]
        except UncompiledPolicyError as error:
            if engine != "auto":
                raise
            if tell:
                tell(f"{error}; the day runs in SimPy, many times slower")
    return _with_simpy(days, policies)


def _with_simpy(days: Sequence[Inputs], policies: Policies) -> list[Log]:
    from fleetsim.engine.reference import simulate as simulate_with_simpy

    simulate = partial(simulate_with_simpy, policies=policies)
    workers = min(len(days), os.cpu_count() or 1)
    if workers < 2 or "fork" not in multiprocessing.get_all_start_methods():
        return [simulate(inputs) for inputs in days]
    batches = [days[start : start + workers] for start in range(0, len(days), workers)]
    return [log for batch in batches for log in _side_by_side(batch, simulate)]


def _side_by_side(days: Sequence[Inputs], simulate: Callable[[Inputs], Log]) -> list[Log]:
    """Return the logs of days, each simulated in a process forked from this one, which shares its memory."""
    context = multiprocessing.get_context("fork")
    running = []
    for inputs in days:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_send_log, args=(simulate, inputs, sender))
        process.start()
        sender.close()
        running.append((process, receiver))
    logs = [receiver.recv() for _, receiver in running]
    for process, _ in running:
        process.join()
    return logs


def _send_log(simulate: Callable[[Inputs], Log], inputs: Inputs, sender: Connection) -> None:
    sender.send(simulate(inputs))
