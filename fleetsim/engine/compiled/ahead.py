"""A hint to the processor: rows that are looked at soon are fetched while others are worked on."""

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic
from numba.np import arrayobj

from fleetsim.engine.compiled.state import CACHE_LINE, Records

TO_READ, KEEP, DATA = 0, 3, 1
"""Arguments of the instruction `llvm.prefetch`: read or write, how long to keep it, what cache it is for."""


def _fetch(typing_context: Any, rows: Any, at: Any) -> Any:
    """Fetch row `at` of an array of rows; nothing changes, and nobody waits for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array_type, tools, objects = signature.args[0], cast("Any", cgutils), cast("Any", arrayobj)
        array = objects.make_array(array_type)(context, builder, arguments[0])
        row = tools.get_item_pointer(context, builder, array_type, array, [arguments[1]], wraparound=False)
        first, number = builder.bitcast(row, tools.voidptr_t), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [tools.voidptr_t, number, number, number])
        prefetch = tools.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        for byte in range(0, array_type.dtype.size, CACHE_LINE):
            line = builder.gep(first, [ir.IntType(64)(byte)])
            builder.call(prefetch, [line, number(TO_READ), number(KEEP), number(DATA)])
        return context.get_dummy_value()

    return types.void(rows, at), generate


fetch = cast("Callable[[Records, int], None]", intrinsic(_fetch))
"""Fetch a row of an array of rows; nothing changes, and nobody waits for it."""
