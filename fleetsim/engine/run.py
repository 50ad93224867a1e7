"""Which engine runs a day."""

from collections.abc import Callable
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


def simulate(inputs: Inputs, engine: str, on_compilation: Callable[[], None] | None = None) -> Log:
    """Return the log of a day; it does not depend on the engine.

    Parameters
    ----------
    inputs
        The day.
    engine
        `auto`, `simpy` or `kernel`.
    on_compilation
        Called before the kernel is compiled, which takes some ten seconds; not where it is found compiled.

    Raises
    ------
    ScenarioError
        If the engine is not there.
    """
    if resolve(engine) == "kernel":
        from fleetsim.engine.kernel import simulate as simulate_compiled

        return simulate_compiled(inputs, on_compilation)
    from fleetsim.engine.reference import simulate as simulate_with_simpy

    return simulate_with_simpy(inputs)
