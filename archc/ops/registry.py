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
