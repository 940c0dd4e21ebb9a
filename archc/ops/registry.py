"""All ops of the language."""

from __future__ import annotations

from types import ModuleType

from archc.ops import (
    activation,
    convolution,
    dropout,
    linear,
    merge,
    normalization,
    pooling,
    reshape,
)
from archc.ops.base import Op
from archc.ops.functions import Function
from archc.ops.merge import Merge

FAMILIES: tuple[ModuleType, ...] = (
    convolution,
    linear,
    pooling,
    normalization,
    activation,
    dropout,
    reshape,
    merge,
)


def _ops(family: ModuleType) -> list[type[Op]]:
    """The ops a module defines; one without a name of its own is only a base."""
    return [
        value
        for value in vars(family).values()
        if isinstance(value, type)
        and issubclass(value, Op)
        and value.__module__ == family.__name__
        and "op" in vars(value)
    ]


OPS: dict[str, type[Op]] = {op.op: op for family in FAMILIES for op in _ops(family)}
"""Every op by its name in specs, family by family."""
MERGES: dict[str, type[Merge]] = {
    name: op for name, op in OPS.items() if issubclass(op, Merge)
}
"""Those that read several values, which `skip` and `merge` name too."""
OTHER_NAMES: dict[str, str] = {
    other: op.op for op in OPS.values() for other in op.other_names
}
"""What an op is called elsewhere, and what here."""
FUNCTIONS: dict[str, Function] = {
    function.name: function for op in OPS.values() for function in op.calls
}
"""What ops know of torch's functions, by name."""
