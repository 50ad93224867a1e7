"""Named tuples of arrays handed on by their address: by value each call of a compiled function copies every word."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba.core import cgutils, extending, types
from numba.core.datamodel.models import PrimitiveModel
from numba.core.typing import templates

Fields = TypeVar("Fields")
tools, declare, typing = cast("Any", cgutils), cast("Any", extending), cast("Any", templates)


class Held(types.Type):
    """A named tuple that lies in memory and does not change."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        super().__init__(name=f"Held({kind})")


@declare.register_model(Held)
class _Address(PrimitiveModel):
    def __init__(self, models: Any, held: Any) -> None:
        cast("Any", super()).__init__(models, held, models.lookup(held.kind).get_value_type().as_pointer())


@typing.infer_getattr
class _Fields(templates.AttributeTemplate):
    key = Held

    def generic_resolve(self, value: Any, attr: str) -> Any:  # type: ignore[override]
        """Return the type of a field."""
        return value.kind.types[value.kind.fields.index(attr)]


def _field(context: Any, builder: Any, held: Any, address: Any, name: str) -> Any:
    return builder.load(tools.gep_inbounds(builder, address, 0, held.kind.fields.index(name)))


def _hold(typing_context: Any, kind: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return tools.alloca_once_value(builder, arguments[0])

    return Held(kind)(kind), generate


declare.lower_getattr_generic(Held)(_field)
held = cast("Callable[[Fields], Fields]", declare.intrinsic(_hold))
"""Put a named tuple where it has an address; in use as long as the compiled function that calls this has not ended."""
