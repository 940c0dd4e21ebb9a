"""All ops of the language, each loaded when it is asked for.

A family is a package, and its `family.py` says what its ops share. Each other module is
named after its ops, their axes left out: `conv1d`, `conv2d` and `conv3d` stand in
`convolution/conv.py`. A spec needs a few of them, and loading all takes longer than the
work on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from archc.ops.base import Op, stem
from archc.ops.functions import Function
from archc.ops.merge.family import Merge

FAMILIES = (
    "convolution",
    "linear",
    "pooling",
    "reduction",
    "normalization",
    "activation",
    "algebra",
    "dropout",
    "reshape",
    "resize",
    "padding",
    "merge",
)
"""Packages of ops, in the order of the reference."""


@cache
def _modules() -> dict[str, str]:
    """The module of each op, by the op's name without its axes."""
    here = Path(__file__).parent
    return {
        path.stem: f"archc.ops.{family}.{path.stem}"
        for family in FAMILIES
        for path in sorted((here / family).glob("*.py"))
        if path.stem not in ("__init__", "family")
    }


@cache
def _ops(module: str) -> dict[str, type[Op]]:
    """The ops a module defines; a class without a name of its own is only a base."""
    return {
        value.op: value
        for value in vars(import_module(module)).values()
        if isinstance(value, type)
        and issubclass(value, Op)
        and value.__module__ == module
        and "op" in vars(value)
    }


class _Ops(Mapping[str, type[Op]]):
    """Looked up, an op is loaded; counted or listed, all are."""

    def __getitem__(self, name: str) -> type[Op]:
        return _ops(_modules()[stem(name)])[name]

    def __iter__(self) -> Iterator[str]:
        return (name for module in _modules().values() for name in _ops(module))

    def __len__(self) -> int:
        return sum(1 for _ in self)


OPS: Mapping[str, type[Op]] = _Ops()
"""Every op by its name in specs, family by family."""


def family(name: str) -> tuple[str, list[type[Op]]]:
    """What a family's module says of it, and its ops."""
    package = f"archc.ops.{name}"
    modules = [m for m in _modules().values() if m.startswith(f"{package}.")]
    ops = [op for module in modules for op in _ops(module).values()]
    return import_module(package).__doc__ or "", ops


@cache
def merge_op(name: str) -> Merge:
    """The op that reads several values which `skip` and `merge` call so."""
    # without attributes there is nothing to validate, and making a validator takes time
    op = OPS[name].model_construct()
    assert isinstance(op, Merge)
    return op


@cache
def functions() -> dict[str, Function]:
    """What ops know of torch's functions, by name."""
    return {function.name: function for op in OPS.values() for function in op.calls}


def is_helper(class_name: str) -> bool:
    """Whether generated modules may define a class of this name for an op."""
    op = OPS.get(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", class_name).lower())
    return op is not None and f"class {class_name}(" in (op.helper or "")


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
    return _meant().get(bare(name))


@cache
def _meant() -> dict[str, Meant]:
    """What every name means, by its bare form; the first op that has it counts."""
    found: dict[str, Meant] = {}
    for op in OPS.values():
        for name in (op.op, *op.other_names, op.module_class or ""):
            found.setdefault(bare(name), Meant(op))
        for name, rest in op.special_names:
            found.setdefault(bare(name), Meant(op, rest))
    found.pop("", None)
    return found
