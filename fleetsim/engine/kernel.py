"""The day simulation compiled by numba: the semantics of `docs/engine.md`, the same log row for row as the reference.

A vehicle is a state instead of a generator: an event wakes it, it acts up to its next event and sleeps
again, so it has one event ahead of it at most; one that is moved stays in the heap and is passed over when it
comes up. The parts are in `fleetsim/engine/compiled`, by subject. Policies and charging times are compiled from
the very functions the reference calls. The arrays passed around are those of `Day`; the log is enlarged here
when it is full.
"""

from collections.abc import Callable

from numba.core import event

from fleetsim.engine.compiled.compiler import entry
from fleetsim.engine.compiled.packing import check_rows, enlarged, has_extras, log_of, new_day
from fleetsim.engine.policies import SHIPPED, Policies
from fleetsim.engine.spec import Inputs, Log


def simulate(inputs: Inputs, on_compilation: Callable[[], None] | None = None, policies: Policies = SHIPPED) -> Log:
    """Return the log of a day; the same as the reference's, row for row.

    Parameters
    ----------
    inputs
        The day.
    on_compilation
        Called before the engine is compiled, which takes some ten seconds; not where it is found compiled.
    policies
        What drivers decide. With one's own the engine is compiled once a process.

    Raises
    ------
    IndexError
        If a row number in the inputs leads to no row.
    UncompiledPolicyError
        If numba cannot compile a policy.
    """
    return run_day(inputs, on_compilation, policies)[0]


def run_day(
    inputs: Inputs, on_compilation: Callable[[], None] | None = None, policies: Policies = SHIPPED
) -> tuple[Log, int]:
    """Return the log of a day and the number of its events; see `simulate`."""
    check_rows(inputs)
    extras = has_extras(inputs)
    day = new_day(inputs, extras=extras)
    with event.install_listener("numba:compile", _Teller(on_compilation)):
        run = entry(policies, extras)
        while not run(day):
            day = enlarged(day)
    return log_of(day, int(inputs.vehicles.first_leg[-1])), int(day.tally["happened"][0])


class _Teller(event.Listener):
    """Calls once when a compilation begins."""

    def __init__(self, tell: Callable[[], None] | None) -> None:
        self.tell = tell

    def on_start(self, event: event.Event) -> None:
        """Tell it, the first time."""
        tell, self.tell = self.tell, None
        if tell:
            tell()

    def on_end(self, event: event.Event) -> None:
        """Say nothing."""
