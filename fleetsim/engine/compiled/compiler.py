"""From plain functions to one compiled function: numba takes the modules of this folder as they are.

The functions of these modules call each other, the charging times of `charging/energy.py`, the shares of
`sharing.py` and the policies by name. Each module gets a scope in which all these names are compiled functions;
that is how a policy of one's own takes the place of a shipped one.
"""

import dis
import hashlib
import inspect
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from types import FunctionType, ModuleType
from typing import Any, cast

from numba import int32, int64, njit
from numba.core.errors import NumbaError
from numba.core.types import Boolean, Integer

from charging import cascade, energy
from fleetsim.engine import policies, sharing, spec
from fleetsim.engine.compiled import (
    ahead,
    events,
    faults,
    heap,
    hydrogen,
    legs,
    managed,
    packing,
    pools,
    queues,
    rows,
    services,
    state,
    stops,
)
from fleetsim.engine.compiled.events import run_on
from fleetsim.engine.compiled.state import Day
from fleetsim.engine.policies import SHIPPED, Policies
from networks import by_address
from networks.by_address import held
from networks.errors import ScenarioError

MODULES = (
    cascade, energy, policies, sharing, heap, rows, services, hydrogen, managed, queues, faults, legs, stops, pools,
    events,
)  # fmt: skip
"""Modules whose functions are compiled."""
OPTIONS: dict[str, Any] = {"nogil": True, "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Called from compiled code only: without a door to Python functions compile in two thirds of the time. They allocate
no memory: without the counting of references a day takes two thirds of the time."""


class UncompiledPolicyError(ScenarioError):
    """A policy of one's own that numba does not take."""


@cache
def entry(chosen: Policies = SHIPPED, has_extras: bool = True) -> Callable[[Day], bool]:
    """Return what runs a day on with these policies, with what only days with extras have or without.

    With the shipped ones it comes from the cache on disk if it was compiled before from the same sources: numba keeps
    a compiled function beside this file, or in the user's cache where that is read-only, and looks at the date of this
    file alone. The number in the closure is part of the key under which it keeps it, so a change in what is called
    from here is a new function. Only this function is kept; it holds all it calls.

    Raises
    ------
    UncompiledPolicyError
        If numba cannot compile a policy, or one does not return whole numbers, or true or false.
    """
    sources = source_number(has_extras)

    def run(day: Day) -> bool:
        day.tally[0].sources = sources
        is_over: bool = run_on(held(day))
        return is_over

    # What it calls has to be a global name: a compiled function in the closure would be another key in each process.
    scope = {**globals(), "run_on": _compiled_modules(chosen, has_extras)[run_on]}
    runs = FunctionType(run.__code__, scope, run.__name__, None, run.__closure__)
    if chosen == SHIPPED:
        try:
            return cast("Callable[[Day], bool]", njit(nogil=True, cache=True)(runs))
        except RuntimeError:  # numba finds no folder to write to
            pass
    return cast("Callable[[Day], bool]", njit(nogil=True)(runs))


def source_number(has_extras: bool) -> int:
    """Return a number for all that is compiled in: another source or another use of it, another number."""
    modules = (*MODULES, ahead, by_address, spec, state, packing)
    text = "".join(inspect.getsource(module) for module in modules) + str(has_extras)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7])


def _compiled_modules(chosen: Policies, has_extras: bool) -> dict[Any, Any]:
    """Return the compiled function of each function; they are compiled at their first call."""
    scopes = {module: dict(vars(module)) | {"HAS_EXTRAS": has_extras} for module in MODULES}
    calls = _calls()
    compiled: dict[Any, Any] = {
        function: _compiler(_moved(function, scope), is_part=calls[function] == 1)
        for module, scope in scopes.items()
        for function in _functions(module)
    }
    for field in fields(Policies):
        shipped, own = getattr(SHIPPED, field.name), getattr(chosen, field.name)
        if own is not shipped:
            compiled[shipped] = _own_policy(field.name, own, len(inspect.signature(shipped).parameters))
    for scope in scopes.values():
        names = [(name, value) for name, value in scope.items() if isinstance(value, FunctionType)]
        scope.update({name: compiled[value] for name, value in names if value in compiled})
    return compiled


def _compiler(function: Any, is_part: bool = False) -> Any:
    """Return a function that numba compiles at its first call.

    What is called in one place only is made part of its caller, and whole numbers are taken as 64 bits, constant or
    not: every function compiled on its own brings all it calls through the compiler once more.
    """
    dispatcher = njit(**OPTIONS, inline="always" if is_part else "never")(function)
    template = dispatcher.get_call_template
    dispatcher.get_call_template = lambda args, kws: template(tuple(_widened(kind) for kind in args), kws)
    return dispatcher


def _widened(kind: Any) -> Any:
    plain = getattr(kind, "literal_type", kind)
    return int64 if plain == int32 else plain


def _calls() -> Counter[Any]:
    """Return in how many places each function is called."""
    names = (
        function.__globals__.get(instruction.argval)
        for module in MODULES
        for function in _functions(module)
        for instruction in dis.get_instructions(function)
        if instruction.opname == "LOAD_GLOBAL"
    )
    return Counter(value for value in names if isinstance(value, FunctionType))


def _functions(module: ModuleType) -> list[FunctionType]:
    return [v for v in vars(module).values() if isinstance(v, FunctionType) and v.__module__ == module.__name__]


def _moved(function: FunctionType, scope: dict[str, Any]) -> FunctionType:
    """Return the function with other global names."""
    return FunctionType(function.__code__, scope, function.__name__, function.__defaults__)


def _own_policy(name: str, function: Any, parameters: int) -> Any:
    """Return a user's policy compiled for whole numbers."""
    try:
        compiled = _compiler(getattr(function, "py_func", function))
        compiled.compile((int64,) * parameters)
    except (NumbaError, TypeError) as error:
        raise UncompiledPolicyError(
            f"policy {name}: numba cannot compile it; use run.engine = 'simpy' or 'auto', or write it with whole"
            f" numbers and operators only\n{error}"
        ) from error
    for overload in compiled.overloads.values():
        if not isinstance(overload.signature.return_type, Boolean | Integer):
            raise UncompiledPolicyError(
                f"policy {name}: returns {overload.signature.return_type}, has to return whole numbers, or true or"
                " false; write // instead of /"
            )
    return compiled
