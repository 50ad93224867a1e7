"""Which engine runs a day."""

from fleetsim.engine.spec import Inputs, Log
from networks.errors import ScenarioError


def simulate(inputs: Inputs, engine: str) -> Log:
    """Return the log of a day.

    Parameters
    ----------
    inputs
        The day.
    engine
        `auto` or `simpy`: the reference written with SimPy. `kernel` is refused until it exists.

    Raises
    ------
    ScenarioError
        If the engine is not there.
    """
    if engine not in ("auto", "simpy"):
        raise ScenarioError(f"run.engine = {engine!r}: is not available in this version; use auto or simpy")
    from fleetsim.engine.reference import simulate as simulate_with_simpy

    return simulate_with_simpy(inputs)
