"""All ops of the language."""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

from archc.ops import (
    activation,
    algebra,
    convolution,
    dropout,
    linear,
    merge,
    normalization,
    padding,
    pooling,
    reduction,
    reshape,
    resize,
)
from archc.ops.base import Op, stem
from archc.ops.functions import Function
from archc.ops.merge import Merge

FAMILIES: tuple[ModuleType, ...] = (
    convolution,
    linear,
    pooling,
    reduction,
    normalization,
    activation,
    algebra,
    dropout,
    reshape,
    resize,
    padding,
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
FUNCTIONS: dict[str, Function] = {
    function.name: function for op in OPS.values() for function in op.calls
}
"""What ops know of torch's functions, by name."""


class Meant(NamedTuple):
    """The op that a name from elsewhere means, with what is written beside it."""

    op: type[Op]
    beside: str = ""

    def written(self) -> str:
        """A node with it."""
        own = stem(self.op.op)
        name = f'name = "{own}", ' if self.op.can_have_parameters() else ""
        rest = f", {self.beside}" if self.beside else ""
        return f'{{ {name}op = "{self.op.op}"{rest} }}'


def bare(name: str) -> str:
    """A name as frameworks agree on it: `nn.BatchNorm2d` is `batch_norm2d`."""
    last = name.rpartition(".")[2]
    return "".join(c for c in last.lower() if c.isalnum())


def meant_op(name: str) -> Meant | None:
    """The op that has this name here or elsewhere, case and `_` aside."""
    wanted = bare(name)
    for op in OPS.values() if wanted else ():
        own = (op.op, *op.other_names, op.module_class or "")
        if wanted in map(bare, own):
            return Meant(op)
        for special, rest in op.special_names:
            if bare(special) == wanted:
                return Meant(op, rest)
    return None
